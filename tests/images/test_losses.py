"""What a result keeps of its picture, and what is said where it does not."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from convcli.cli.main import run
from convcli.images.io.png import chunks_of
from convcli.images.io.read import open_picture
from convcli.images.io.tiff import write_deep
from convcli.images.io.tiff_layout import layout_of

NOISE = np.random.default_rng(3).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def png_with(*chunks):
    """NOISE as a PNG with chunks before its samples."""
    with BytesIO() as stream:
        Image.fromarray(NOISE).save(stream, "PNG")
        data = stream.getvalue()
    extra = b"".join(
        struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return data[:33] + extra + data[33:]


def filtered(source, target, *words):
    assert run(["filter", source, "-k", "identity", "-o", target, "--force", *words]) == 0


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


GAMMA = (b"gAMA", struct.pack(">L", 100_000))
CICP = (b"cICP", bytes([9, 16, 0, 1]))
SRGB = [(b"gAMA", struct.pack(">L", 45_455)), (b"cICP", bytes([1, 13, 0, 1]))]


@pytest.mark.parametrize("chunks", [[GAMMA], [CICP], [(b"sRGB", b"\1")], [GAMMA, CICP]])
def test_what_a_png_says_of_its_colors_stays(tmp_path, chunks):
    (tmp_path / "in.png").write_bytes(png_with(*chunks))
    filtered("in.png", "out.png")
    kept = dict(chunks_of((tmp_path / "out.png").read_bytes()))
    assert [(kind, kept.get(kind)) for kind, _ in chunks] == chunks


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        ([GAMMA], "JPEG does not hold the gamma of 1 (gAMA) of the picture"),
        ([CICP], "JPEG does not hold the color space 9, 16 (cICP) of the picture"),
        (SRGB, ""),
        ([GAMMA, (b"sRGB", b"\0")], ""),
    ],
)
def test_what_a_format_does_not_hold_is_said_when_quiet_too(tmp_path, capfd, chunks, said):
    (tmp_path / "in.png").write_bytes(png_with(*chunks))
    filtered("in.png", "out.jpg", "-q")
    errors = capfd.readouterr().err
    assert said in errors
    assert bool(errors) == bool(said)


def test_a_profile_that_is_left_out_is_said_and_not_lost_in_place(tmp_path, capfd):
    Image.fromarray(NOISE).save("in.png", icc_profile=b"profile")
    filtered("in.png", "out.gif", "-q")
    assert "GIF holds no color profile" in capfd.readouterr().err
    Image.fromarray(NOISE).save("in.jpg", exif=b"Exif\0\0scrambled")
    before = (tmp_path / "in.jpg").read_bytes()
    assert run(["filter", "in.jpg", "-k", "blur", "--in-place", "-q"]) == 1
    assert "--in-place would lose it for good" in capfd.readouterr().err
    assert (tmp_path / "in.jpg").read_bytes() == before


def exif_with_thumbnail(thumbnail):
    """EXIF of three directories: the picture's, its own size, and a thumbnail."""
    first = struct.pack("<H", 1) + struct.pack("<HHLL", 0x8769, 4, 1, 26) + struct.pack("<L", 56)
    own = struct.pack("<H", 2) + struct.pack("<HHLL", 0xA002, 4, 1, 32)
    own += struct.pack("<HHLL", 0xA003, 4, 1, 24) + bytes(4)
    second = struct.pack("<H", 2) + struct.pack("<HHLL", 513, 4, 1, 86)
    second += struct.pack("<HHLL", 514, 4, 1, len(thumbnail)) + bytes(4)
    return b"Exif\0\0II*\0\x08\0\0\0" + first + own + second + thumbnail


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_exif_shows_no_unfiltered_thumbnail_and_names_the_size(tmp_path, suffix):
    with BytesIO() as stream:
        Image.fromarray(NOISE[:8, :8]).save(stream, "JPEG")
        thumbnail = stream.getvalue()
    Image.fromarray(NOISE).save("in.jpg", exif=exif_with_thumbnail(thumbnail))
    assert thumbnail in (tmp_path / "in.jpg").read_bytes()
    filtered("in.jpg", f"out.{suffix}", "--stride", "2")
    assert thumbnail not in (tmp_path / f"out.{suffix}").read_bytes()
    with Image.open(f"out.{suffix}") as image:
        own = image.getexif().get_ifd(0x8769)
        assert (own[0xA002], own[0xA003]) == image.size == (16, 12)


@pytest.mark.parametrize(
    ("own", "words", "expected"),
    [
        ("4:2:0", [], 0),
        ("4:2:0", ["--quality", "90"], 0),
        ("4:2:2", ["--quality", "80"], 1),
        ("4:2:0", ["--quality", "80"], 2),
        ("4:4:4", ["--quality", "80"], 0),
        ("4:4:4", ["--quality", "95", "--subsampling", "4:2:0"], 2),
    ],
)
def test_a_jpeg_keeps_its_color_as_fine_as_it_was(own, words, expected):
    Image.fromarray(NOISE).save("in.jpg", quality=80, subsampling=own)
    filtered("in.jpg", "out.jpg", *words)
    with Image.open("out.jpg") as image:
        assert JpegImagePlugin.get_sampling(image) == expected


def test_lossless_webp_stays_lossless():
    Image.fromarray(NOISE).save("in.webp", lossless=True)
    filtered("in.webp", "out.webp")
    np.testing.assert_array_equal(open_picture("out.webp").pixels, NOISE)
    Image.fromarray(NOISE).save("lossy.webp", quality=50)
    filtered("lossy.webp", "again.webp", "--lossless")
    np.testing.assert_array_equal(
        open_picture("again.webp").pixels, open_picture("lossy.webp").pixels
    )
    filtered("in.webp", "small.webp", "--quality", "50")
    assert (open_picture("small.webp").pixels != NOISE).any()
    assert run(["filter", "in.webp", "-k", "blur", "-o", "a.webp", "--lossless",
                "--quality", "9"]) == 2  # fmt: skip
    assert run(["filter", "in.webp", "-k", "blur", "-o", "a.png", "--lossless"]) == 2


def test_soft_alpha_is_cut_at_half_in_a_gif(capfd):
    alpha = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (24, 1))[..., np.newaxis]
    Image.fromarray(np.concatenate([NOISE // 2, alpha], axis=2)).save("in.png")
    filtered("in.png", "out.gif", "-q")
    assert "GIF holds no soft transparency: alpha is cut at half" in capfd.readouterr().err
    with Image.open("out.gif") as image:
        opaque = np.asarray(image.convert("RGBA"))[..., 3] > 0
    np.testing.assert_array_equal(opaque, alpha[..., 0] >= 128)


def test_a_hidden_first_picture_stays_hidden(capfd):
    hidden, *shown = (Image.new("RGB", (9, 8), color) for color in ("red", "lime", "blue"))
    hidden.save("in.png", save_all=True, append_images=shown, default_image=True, duration=[50, 70])
    filtered("in.png", "out.png")
    with Image.open("out.png") as image:
        assert (image.default_image, image.n_frames) == (True, 3)
        image.seek(2)
        assert image.info["duration"] == 70
    filtered("in.png", "out.gif", "-q")
    assert "the hidden first picture is left out" in capfd.readouterr().err
    with Image.open("out.gif") as image:
        assert image.n_frames == 2
        assert image.convert("RGB").getpixel((4, 4)) == (0, 255, 0)


def test_a_bmp_of_five_and_six_bits_is_not_called_deep(tmp_path, capfd):
    head = struct.pack("<2sLHHL", b"BM", 66 + 8, 0, 0, 66)
    info = struct.pack("<LllHHLLllLL", 40, 2, 2, 1, 16, 3, 8, 0, 0, 0, 0)
    masks = struct.pack("<LLL", 0xF800, 0x07E0, 0x001F)
    (tmp_path / "in.bmp").write_bytes(head + info + masks + struct.pack("<4H", 0xF800, 0, 0, 0))
    filtered("in.bmp", "out.png", "-q")
    assert capfd.readouterr().err == ""
    assert open_picture("out.png").pixels[1, 0].tolist() == [255, 0, 0]


def test_linear_light_is_by_the_gamma_that_a_png_names(tmp_path):
    checker = np.array([[0, 255], [255, 0]], np.uint8)
    head = struct.pack(">LLBBBBB", 2, 2, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in checker))
    chunks = [
        (b"IHDR", head),
        (b"gAMA", struct.pack(">L", 50_000)),
        (b"IDAT", rows),
        (b"IEND", b""),
    ]
    data = b"".join(
        struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    (tmp_path / "in.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    mean = ["-k", "1/4 1/4; 1/4 1/4", "--border", "valid", "--linear", "-o", "out.png"]
    assert run(["filter", "in.png", *mean]) == 0
    # half of the light, of which samples are the square root: 255 · √½
    assert open_picture("out.png").pixels.tolist() == [[[180]]]


OME = '<?xml version="1.0"?><OME><Pixels SizeX="32" PhysicalSizeXUnit="µm"/></OME>'.encode()
SCALE, TIE = (0.5, 0.5, 0.0), (0.0, 0.0, 0.0, 440720.0, 100000.0, 0.0)
KEYS = (1, 1, 0, 1, 1024, 0, 1, 1)


def write_tagged(name, pixels, pages=1):
    """A TIFF that lies on a map, with a description and an author."""
    directory = ImageFileDirectory_v2()
    for tag, kind, value in [
        (270, 2, OME),
        (315, 2, "Ørsted".encode()),
        (33550, 12, SCALE),
        (33922, 12, TIE),
        (34735, 3, KEYS),
        (42113, 2, b"-9999"),
    ]:
        directory.tagtype[tag] = kind
        directory[tag] = value
    if pixels.dtype == np.uint16:
        with open(name, "wb") as stream:
            write_deep(stream, [pixels] * pages, False, {"tiffinfo": directory})
    else:
        first, *rest = [Image.fromarray(pixels) for _ in range(pages)]
        for page in rest:
            page.encoderinfo = {"tiffinfo": {}}
        first.save(name, save_all=bool(rest), append_images=rest, tiffinfo=directory)


def tags_in(name):
    with open(name, "rb") as stream:
        tags = dict(layout_of(stream).directory)
    return {
        tag: value.encode("latin-1") if isinstance(value, str) else value
        for tag, value in tags.items()
        if tag in (270, 315, 33550, 33922, 34735, 42113)
    }


ALL = {270: OME, 315: "Ørsted".encode(), 33550: SCALE, 33922: TIE, 34735: KEYS, 42113: b"-9999"}
AUTHOR = {315: ALL[315]}
GEO = {tag: ALL[tag] for tag in (315, 33550, 33922, 34735, 42113)}


@pytest.mark.parametrize("pages", [1, 2])
@pytest.mark.parametrize("pixels", [NOISE, NOISE[..., 0], NOISE.astype(np.uint16) * 257])
@pytest.mark.parametrize(
    ("words", "kept", "said"),
    [
        ([], ALL, ""),
        (["--region", "2,3,8x9"], ALL, ""),
        (["--stride", "2"], AUTHOR, "left out, because it does not describe the result: "
                                    "ImageDescription, GeoTIFF, GDAL"),
        (["--border", "valid", "-k", "box:3"], AUTHOR, "ImageDescription, GeoTIFF, GDAL"),
        (["--gray"], GEO, "left out, because it does not describe the result: ImageDescription\n"),
    ],
)  # fmt: skip
def test_tags_of_a_tiff_stay_where_the_shape_allows(pixels, pages, words, kept, said, capfd):
    write_tagged("in.tif", pixels, pages)
    if words == ["--gray"] and pixels.ndim == 2:
        kept, said = ALL, ""
    filtered("in.tif", "out.tif", "-q", *words)
    error = capfd.readouterr().err
    assert said in error
    assert ("left out" in error) == bool(said)
    assert tags_in("out.tif") == kept
    if pages == 2:
        with Image.open("out.tif") as image:
            image.seek(1)
            assert {270, 33550}.isdisjoint(image.tag_v2)


def test_tags_of_a_tiff_that_a_format_does_not_hold_are_said(capfd):
    write_tagged("in.tif", NOISE)
    filtered("in.tif", "out.png", "-q")
    said = "PNG does not hold ImageDescription, Artist, GeoTIFF, GDAL of the picture"
    assert said in capfd.readouterr().err
    assert run(["filter", "in.tif", "-k", "blur", "--stride", "2", "--in-place", "-q"]) == 1
    assert "--in-place would lose it for good" in capfd.readouterr().err
    assert tags_in("in.tif") == ALL
    words = ["filter", "in.tif", "-k", "blur", "--stride", "2", "--lossy-in-place", "-q"]
    assert run(words) == 0
    assert "left out, because it does not describe the result" in capfd.readouterr().err
    assert tags_in("in.tif") == AUTHOR
    assert run([*words, "-o", "x/"]) == 2


def test_tags_of_pages_behind_the_first_are_said(capfd):
    first, second = (Image.fromarray(NOISE[:size]) for size in (20, 24))
    first.save("in.tif", save_all=True, append_images=[second], tiffinfo={270: "both"})
    filtered("in.tif", "out.tif", "-q")
    assert capfd.readouterr().err == "in.tif: tags of pages after the first are left out\n"


def test_tags_stay_in_a_tiff_of_floats_and_of_misread_samples(capfd):
    write_tagged("in.tif", NOISE)
    filtered("in.tif", "out.tif", "-q", "--to", "tif32")
    assert "ImageDescription" in capfd.readouterr().err
    assert tags_in("out.tif") == GEO
    filtered("out.tif", "again.tif", "-q")  # color of floats, which an own reader reads
    assert tags_in("again.tif") == GEO


def test_what_else_a_format_does_not_hold_is_said(capfd):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    Image.fromarray(NOISE).save("in.jpg", exif=exif, xmp=b"<x/>")
    filtered("in.jpg", "out.bmp", "-q")
    assert "BMP does not hold EXIF, XMP of the picture" in capfd.readouterr().err
    filtered("in.jpg", "out.png", "-q")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("suffix", ["tif", "jpg", "png", "webp"])
def test_the_camera_and_the_place_of_a_tiff_stay(suffix):
    """EXIF 2.32: ExposureTime, DateTimeOriginal and PixelXDimension; GPSLatitudeRef."""
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x829A: 0.25, 0x9003: "2020:01:02 03:04:05", 0xA002: 32})
    exif.get_ifd(0x8825)[1] = "N"
    Image.fromarray(NOISE).save("in.tif", exif=exif.tobytes())
    filtered("in.tif", f"out.{suffix}", "--stride", "2")
    with Image.open(f"out.{suffix}") as result:
        camera, place = (result.getexif().get_ifd(number) for number in (0x8769, 0x8825))
    assert (camera[0x829A], camera[0x9003], camera[0xA002]) == (0.25, "2020:01:02 03:04:05", 16)
    assert place[1] == "N"
    filtered("in.tif", "first.tif")
    filtered("first.tif", "second.png")
    with Image.open("second.png") as result:
        assert 0x9286 not in result.getexif().get_ifd(0x8769)  # how first.tif was made


def test_a_format_without_exif_says_that_a_tiffs_is_left_out(capsys):
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    Image.fromarray(NOISE).save("in.tif", exif=exif.tobytes())
    filtered("in.tif", "out.bmp")
    assert "BMP does not hold EXIF of the picture" in capsys.readouterr().err
