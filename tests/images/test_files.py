"""Pictures in every mode we read, turned upright, and files that appear whole or not at all."""

import os
import stat
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from convcli.errors import OutputError, PictureError
from convcli.images.image import Picture
from convcli.images.io.atomic import write_file
from convcli.images.io.read import open_picture
from convcli.images.io.write import save_arrays, write_picture

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)


@pytest.fixture
def saved(tmp_path):
    def save(image, name, **options):
        image.save(tmp_path / name, **options)
        return str(tmp_path / name)

    return save


@pytest.mark.parametrize(
    ("mode", "samples", "has_alpha"),
    [
        ("1", 1, False),
        ("L", 1, False),
        ("LA", 2, True),
        ("P", 3, False),
        ("RGB", 3, False),
        ("RGBA", 4, True),
        ("I;16", 1, False),
    ],
)
def test_every_mode_of_png_is_read_and_written_again(saved, tmp_path, mode, samples, has_alpha):
    image = Image.fromarray(COLOUR).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(GREY.astype(np.uint16) * 257)
    picture = open_picture(saved(image, "in.png"))
    assert picture.pixels.shape == (3, 4, samples)
    assert picture.has_alpha == has_alpha
    assert picture.pixels.dtype == (np.uint16 if mode == "I;16" else np.uint8)
    write_picture(picture, str(tmp_path / "out.png"))
    again = open_picture(str(tmp_path / "out.png"))
    np.testing.assert_array_equal(again.pixels, picture.pixels)


def test_a_transparent_colour_becomes_alpha(saved):
    image = Image.fromarray(COLOUR)
    path = saved(image, "keyed.png", transparency=tuple(int(v) for v in COLOUR[0, 0]))
    picture = open_picture(path)
    assert picture.has_alpha
    assert picture.pixels[0, 0, 3] == 0
    assert picture.pixels[1, 1, 3] == 255


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once_and_not_left_in_the_metadata(saved, tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "maker"
    picture = open_picture(saved(Image.fromarray(COLOUR), "turned.png", exif=exif))
    upright = {
        1: COLOUR, 2: COLOUR[:, ::-1], 3: COLOUR[::-1, ::-1], 4: COLOUR[::-1],
        5: COLOUR.transpose(1, 0, 2), 6: np.rot90(COLOUR, -1),
        7: COLOUR[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(COLOUR),
    }  # fmt: skip
    np.testing.assert_array_equal(picture.pixels, upright[orientation])
    write_picture(picture, str(tmp_path / "out.png"))
    with Image.open(tmp_path / "out.png") as again:
        assert again.getexif().get(0x0112, 1) == 1
        assert again.getexif()[0x010F] == "maker"


@pytest.mark.parametrize("name", ["turned.png", "turned.webp", "turned.tif"])
def test_every_frame_is_turned_and_none_twice(tmp_path, name):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    frames = [Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)]
    words = {"lossless": True} if name.endswith("webp") else {}
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], exif=exif, **words)
    picture = open_picture(str(tmp_path / name), every_kind=True)
    for found, true in zip((picture.pixels, *picture.frames), (COLOUR, 255 - COLOUR), strict=True):
        np.testing.assert_array_equal(found, np.rot90(true, -1))
    write_picture(picture, str(tmp_path / "out.png"))
    with Image.open(tmp_path / "out.png") as again:
        assert again.getexif().get(0x0112, 1) == 1
        assert again.size == (3, 4)
        assert name == "turned.tif" or again.getexif()[0x010F] == "maker"


def test_pages_of_several_depths_keep_their_brightness(saved, tmp_path):
    deep = Image.fromarray(GREY.astype(np.uint16) * 257)
    path = saved(deep, "mixed.tif", save_all=True, append_images=[Image.fromarray(COLOUR)])
    picture = open_picture(path, every_kind=True)
    np.testing.assert_array_equal(picture.pixels, np.dstack([GREY] * 3))
    np.testing.assert_array_equal(picture.frames[0], COLOUR)
    assert "8 bits" in picture.notes[0]


def test_pages_of_several_sizes_are_written_as_tiff_alone(saved, tmp_path):
    small = Image.fromarray(COLOUR[:2])
    path = saved(Image.fromarray(COLOUR), "sizes.tif", save_all=True, append_images=[small])
    picture = open_picture(path, every_kind=True)
    for name in ("out.png", "out.gif", "out.webp"):
        with pytest.raises(OutputError, match="holds frames of one size, not of 3x4 and 2x4"):
            write_picture(picture, str(tmp_path / name))
    write_picture(picture, str(tmp_path / "out.tif"))
    again = open_picture(str(tmp_path / "out.tif"), every_kind=True)
    np.testing.assert_array_equal(again.frames[0], COLOUR[:2])


@pytest.mark.parametrize("pages", [1, 2])
def test_a_profile_of_inks_is_kept_for_inks_alone(saved, pages):
    inks = Image.fromarray(COLOUR).convert("CMYK")
    words = {"save_all": True, "append_images": [inks] * (pages - 1)}
    path = saved(inks, "inks.tif", icc_profile=b"profile", **words)
    picture = open_picture(path, every_kind=True)
    assert ("icc_profile" in picture.metadata) == (picture.mode == "CMYK") == (pages == 1)
    if pages == 1:
        assert "icc_profile" not in open_picture(path).metadata


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(saved, value):
    path = saved(Image.fromarray(np.array([[1, value]], np.float32)), "nan.tif")
    with pytest.raises(PictureError, match=r"nan\.tif: it holds samples that are not finite"):
        open_picture(path, every_kind=True)


def test_a_grey_map_of_sixteen_bits_comes_back(tmp_path):
    deep = (GREY.astype(np.uint16) * 257)[..., np.newaxis]
    picture = Picture(deep, has_alpha=False, format="PPM", metadata={})
    write_picture(picture, str(tmp_path / "deep.pgm"))
    np.testing.assert_array_equal(open_picture(str(tmp_path / "deep.pgm")).pixels, deep)


@pytest.mark.parametrize(("form", "side"), [("webp", 16_384), ("jpg", 65_501)])
def test_what_a_format_cannot_hold_is_refused(tmp_path, form, side):
    wide = Picture(np.zeros((1, side, 1), np.uint8), has_alpha=False, format="PNG", metadata={})
    with pytest.raises(OutputError, match="pixels a side"):
        write_picture(wide, str(tmp_path / f"wide.{form}"))
    tagged = Picture(COLOUR, has_alpha=False, format="PNG", metadata={"exif": b"x" * 70_000})
    with pytest.raises(OutputError, match="JPEG cannot hold this picture"):
        write_picture(tagged, str(tmp_path / "tagged.jpg"))
    assert os.listdir(tmp_path) == []


def test_profile_and_resolution_are_kept(saved, tmp_path):
    path = saved(Image.fromarray(COLOUR), "in.jpg", icc_profile=b"profile", dpi=(300, 300))
    write_picture(open_picture(path), str(tmp_path / "out.jpg"))
    with Image.open(tmp_path / "out.jpg") as again:
        assert (again.info["icc_profile"], again.info["dpi"]) == (b"profile", (300, 300))


def test_files_that_are_no_pictures_are_refused(tmp_path, saved):
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "empty.png").write_bytes(b"")
    whole = (tmp_path / saved(Image.fromarray(COLOUR), "whole.png")).read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    frames = [Image.fromarray(COLOUR), Image.fromarray(COLOUR[::-1])]
    frames[0].save(tmp_path / "moving.webp", save_all=True, append_images=frames[1:])
    saved(Image.fromarray(GREY.astype(np.float32)), "float.tif")
    for name, message in {
        "text.jpg": "is not a picture of a kind convcli reads",
        "empty.png": "is not a picture",
        "half.png": "half.png cannot be read",
        "none.png": "No such file or directory",
        "moving.webp": "moving.webp: it holds 2 frames",
        "float.tif": "32 bits",
        ".": "Is a directory",
    }.items():
        with pytest.raises(PictureError, match=message):
            open_picture(str(tmp_path / name))


def test_a_decompression_bomb_is_refused(saved, monkeypatch):
    path = saved(Image.fromarray(COLOUR), "bomb.png")
    monkeypatch.setattr("convcli.images.image.PILLOW_PIXELS", 7)
    with pytest.raises(PictureError, match=r"bomb\.png: 4x3 pixels .* too large"):
        open_picture(path)


def test_alpha_is_not_lost_without_a_word(saved, tmp_path):
    clear = np.dstack([COLOUR, GREY])
    picture = open_picture(saved(Image.fromarray(clear), "clear.png"))
    with pytest.raises(OutputError, match="JPEG holds no transparency"):
        write_picture(picture, str(tmp_path / "out.jpg"))
    clear[..., 3] = 255
    opaque = open_picture(saved(Image.fromarray(clear), "opaque.png"))
    write_picture(opaque, str(tmp_path / "out.jpg"))
    assert sorted(os.listdir(tmp_path)) == ["clear.png", "opaque.png", "out.jpg"]


def test_a_failed_write_leaves_nothing_and_keeps_what_was_there(tmp_path):
    target = tmp_path / "out.bin"
    target.write_bytes(b"old")

    def fails(stream):
        stream.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_file(str(target), fails, force=True)
    assert os.listdir(tmp_path) == ["out.bin"]
    assert target.read_bytes() == b"old"


def test_an_existing_file_is_only_overwritten_by_force(tmp_path):
    target = str(tmp_path / "out.npz")
    save_arrays({"a": np.ones(1)}, target)
    with pytest.raises(OutputError, match="already exists; --force overwrites it"):
        save_arrays({"a": np.zeros(1)}, target)
    save_arrays({"a": np.zeros(1)}, target, force=True)
    assert np.load(target)["a"] == 0
    assert os.listdir(tmp_path) == ["out.npz"]


def test_a_new_file_has_the_mode_a_plain_open_gives(tmp_path):
    (tmp_path / "plain").touch()
    save_arrays({}, str(tmp_path / "ours"))
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "ours")}
    assert len(modes) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [("out.gif7", "no picture format ends in '.gif7'"), ("missing/out.png", "No such file")],
)
def test_a_place_that_cannot_be_written_is_named(saved, tmp_path, name, message):
    picture = open_picture(saved(Image.fromarray(COLOUR), "in.png"))
    with pytest.raises(OutputError, match=message):
        write_picture(picture, str(tmp_path / name))


def tiff_of(samples, bits, extra, order="<"):
    """A TIFF of one strip, written byte by byte: gray, with tags of one's own (TIFF 6.0)."""
    height, width = samples.shape
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: 1, 273: 8, 277: 1, 278: height,
            279: len(data), **extra}  # fmt: skip
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}L", 8 + len(data))
    entries = b"".join(struct.pack(f"{order}HHLL", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    return head + data + struct.pack(f"{order}H", len(tags)) + entries + bytes(4)


GRAYS = np.arange(24).reshape(4, 6) * 2711 + 5


@pytest.mark.parametrize(
    ("dtype", "extra", "order", "expected"),
    [
        ("uint16", {}, "<", GRAYS),
        ("uint16", {}, ">", GRAYS),
        ("uint16", {262: 0}, "<", 65535 - GRAYS),
        ("uint32", {339: 1}, "<", GRAYS << 16),
        ("int8", {339: 2}, "<", GRAYS % 256 - 128),
    ],
)
def test_tiffs_are_read_as_what_their_tags_say(tmp_path, dtype, extra, order, expected):
    stored = 65535 - expected if extra.get(262) == 0 else expected
    path = tmp_path / "gray.tif"
    path.write_bytes(tiff_of(stored.astype(dtype), np.dtype(dtype).itemsize * 8, extra, order))
    picture = open_picture(str(path), every_kind=True)
    np.testing.assert_array_equal(picture.pixels[..., 0].astype(np.int64), expected)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_the_transparent_gray_of_a_png_of_few_bits(tmp_path, bits):
    levels = np.arange(16, dtype=np.uint8).reshape(2, 8) % 2**bits
    rows = [int("".join(f"{v:0{bits}b}" for v in row), 2).to_bytes(bits, "big") for row in levels]

    def chunk(kind, data):
        return (
            struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))
        )

    head = struct.pack(">LLBBBBB", 8, 2, bits, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"tRNS", struct.pack(">H", 1))
    body += chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    (tmp_path / "key.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b""))
    picture = open_picture(str(tmp_path / "key.png"))
    assert picture.has_alpha
    np.testing.assert_array_equal(picture.pixels[..., -1] == 0, levels == 1)
