"""From files to filtered files: every mode and format, rows and strips as they come, floats, frames."""

import json
import os

import numpy as np
import PIL
import pytest
from PIL import Image
from scipy import ndimage

from convcli.borders import Border
from convcli.cli.main import run
from convcli.errors import OutputError, PictureError, SpecError, UnfitError
from convcli.images.filters import apply
from convcli.images.filters.apply import filter_picture
from convcli.images.filters.float_path import float_values
from convcli.images.filters.options import FilterOptions, read_record
from convcli.images.filters.plan import plan_filter
from convcli.images.filters.spec import FilterSpec, Range, replayed, spec_of
from convcli.images.image import Picture
from convcli.images.io.formats import FLOAT_FORMATS, SaveOptions, Target
from convcli.images.io.read import open_picture
from convcli.images.kernels.parse import kernel
from convcli.images.kernels.transforms import anchored, dilated, flipped, rotated, transposed

RNG = np.random.default_rng(5)
COLOUR = RNG.integers(0, 256, (60, 50, 3)).astype(np.uint8)
BLUR = FilterSpec((kernel("blur"),))


def wanted(*kernels, **options):
    return spec_of(FilterOptions(kernels=kernels, **options))


def filter_to(picture, chain, target):
    return apply.filter_to(picture, plan_filter(picture.header, chain, target))


def plain(pixels, has_alpha=False):
    return Picture(np.asarray(pixels), has_alpha, "PNG", {})


@pytest.mark.parametrize(
    ("mode", "name", "read", "written"),
    [
        ("1", "a.png", (1, np.uint8), "L"),
        ("L", "a.tif", (1, np.uint8), "L"),
        ("LA", "a.png", (2, np.uint8), "LA"),
        ("P", "a.gif", (3, np.uint8), "RGB"),
        ("P", "a.png", (3, np.uint8), "RGB"),
        ("RGB", "a.webp", (3, np.uint8), "RGB"),
        ("RGBA", "a.png", (4, np.uint8), "RGBA"),
        ("CMYK", "a.jpg", (4, np.uint8), "CMYK"),
        ("CMYK", "a.tif", (4, np.uint8), "CMYK"),
        pytest.param(
            *("YCbCr", "a.tif", (3, np.uint8), "RGB"),
            marks=pytest.mark.skipif(
                PIL.__version__ < "13", reason="Pillow 12.3 cannot read the TIFF it writes here"
            ),
        ),
        ("I;16", "a.png", (1, np.uint16), "I;16"),
        ("I", "a.tif", (1, np.float64), "I"),
        ("F", "a.tif", (1, np.float32), "F"),
    ],
)
def test_every_mode_is_filtered_and_comes_back(tmp_path, mode, name, read, written):
    image = Image.fromarray(COLOUR)
    if mode in ("I", "F", "I;16"):
        kind = {"I": np.int32, "F": np.float32, "I;16": np.uint16}[mode]
        image = Image.fromarray((COLOUR[..., 0].astype(np.int32) * 257).astype(kind))
    else:
        image = image.convert(mode)
    image.save(tmp_path / name)
    picture = open_picture(str(tmp_path / name), every_kind=True)
    assert (picture.pixels.shape[2], picture.pixels.dtype) == read
    target = tmp_path / f"out.{name}" if written != "RGB" else tmp_path / "out.png"
    filter_to(picture, BLUR, Target(str(target)))
    with Image.open(target) as result:
        assert (result.mode, result.size) == (written, image.size)
    if mode in ("I", "F"):
        weights = np.outer([1, 2, 1], [1, 2, 1]) / 16
        true = ndimage.correlate(picture.pixels[..., 0].astype(float), weights, mode="nearest")
        with Image.open(target) as image:
            found = np.asarray(image)
        np.testing.assert_allclose(found, true, rtol=1e-6, atol=0.5 if mode == "I" else 0)


@pytest.mark.parametrize("shape", [(60, 50, 3), (7, 9, 1), (1, 1, 3), (1, 30, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_maps_of_both_depths_are_read_and_written_by_rows(tmp_path, shape, dtype):
    pixels = RNG.integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)
    name = "in.ppm" if shape[2] == 3 else "in.pgm"
    filter_to(plain(pixels), FilterSpec((kernel("identity"),)), Target(str(tmp_path / name)))
    picture = open_picture(str(tmp_path / name))
    np.testing.assert_array_equal(picture.pixels, pixels)
    if dtype == np.uint8:
        with Image.open(tmp_path / name) as image:
            np.testing.assert_array_equal(np.asarray(image).reshape(shape), pixels)
    out = tmp_path / f"out{os.path.splitext(name)[1]}"
    filter_to(picture, BLUR, Target(str(out)))
    expected = filter_picture(plain(pixels), BLUR).pixels
    np.testing.assert_array_equal(open_picture(str(out)).pixels, expected)
    with pytest.raises(OutputError, match="already exists"):
        filter_to(picture, BLUR, Target(str(out)))


def test_a_map_cut_short_is_refused(tmp_path):
    (tmp_path / "cut.ppm").write_bytes(b"P6\n# a comment\n10 10\n255\n" + bytes(299))
    with pytest.raises(PictureError, match=r"cut\.ppm: it ends after"):
        open_picture(str(tmp_path / "cut.ppm"))


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("shape", [(700, 601, 3), (1200, 1001, 1)])
def test_a_jpeg_of_strips_decodes_as_one_written_at_once(tmp_path, subsampling, shape):
    tall, wide, channels = shape
    y, x = np.mgrid[0:tall, 0:wide]
    smooth = (
        120 + 80 * np.sin(x / 31)[..., None] * np.cos(y / 17)[..., None] + 10 * np.arange(channels)
    )
    pixels = smooth.astype(np.uint8)
    options = SaveOptions(quality=90, subsampling=subsampling)
    exif = Image.Exif()
    exif[0x010F] = "maker"
    picture = plain(pixels)._replace(
        metadata={"exif": exif.tobytes(), "dpi": (300, 300), "record": "{}"}
    )
    filter_to(
        picture,
        FilterSpec((kernel("identity"),)),
        Target(str(tmp_path / "out.jpg"), options=options),
    )
    image = Image.fromarray(pixels if channels == 3 else pixels[..., 0])
    image.save(tmp_path / "whole.jpg", quality=90, subsampling=subsampling)
    with Image.open(tmp_path / "out.jpg") as one, Image.open(tmp_path / "whole.jpg") as other:
        assert one.info["dpi"] == (300, 300)
        assert one.getexif()[0x010F] == "maker"
        a, b = np.asarray(one).astype(int), np.asarray(other).astype(int)
    # chroma between two strips is drawn smoothly in both: only its rounding may differ
    np.testing.assert_allclose(a, b, atol=2)
    assert b"\xff\xdd" in (tmp_path / "out.jpg").read_bytes()


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif"])
def test_every_frame_is_filtered_and_keeps_its_time(tmp_path, name):
    frames = [Image.fromarray(np.roll(COLOUR, 9 * k, axis=0) // 64 * 64) for k in range(3)]
    times = [40, 80, 120]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=times, loop=2)
    picture = open_picture(str(tmp_path / name), every_kind=True)
    assert len(picture.frames) == 2
    filter_to(picture, BLUR, Target(str(tmp_path / f"out.{name}")))
    with Image.open(tmp_path / f"out.{name}") as result:
        assert result.n_frames == 3
        shown = []
        for number in range(3):
            result.seek(number)
            result.load()
            shown.append(result.info.get("duration"))
        if name != "a.tif":
            assert (shown, result.info["loop"]) == (times, 2)
        if name in ("a.png", "a.tif"):
            true = filter_picture(plain(np.asarray(frames[2])), BLUR).pixels
            np.testing.assert_array_equal(np.asarray(result.convert("RGB")), true)
    with pytest.raises(OutputError, match="JPEG holds one picture, not 3"):
        filter_to(picture, BLUR, Target(str(tmp_path / "out.jpg")))


def test_floats_are_kept_as_they_are(tmp_path):
    chain = FilterSpec((kernel("sobel-x"),))
    weights = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])[..., np.newaxis]
    true = ndimage.correlate(COLOUR.astype(float), weights, mode="nearest")
    for suffix in ("npy", "npz", "pfm"):
        filter_to(plain(COLOUR), chain, Target(str(tmp_path / f"out.{suffix}")))
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), true)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npz")["response"], true)
    data = (tmp_path / "out.pfm").read_bytes()
    values = np.frombuffer(data[-true.size * 4 :], "<f4").reshape(true.shape)[::-1]
    np.testing.assert_array_equal(values, true)
    grey = chain._replace(gray=True)
    filter_to(
        plain(COLOUR),
        grey,
        Target(str(tmp_path / "out.tif"), options=SaveOptions(FLOAT_FORMATS["TIF32"])),
    )
    with Image.open(tmp_path / "out.tif") as image:
        assert image.mode == "F"


@pytest.mark.parametrize("has_alpha", [False, True])
@pytest.mark.parametrize("spec", ["unsharp:1", "high-pass:1", "dog", "log"])
def test_fractions_are_not_cut_off_by_a_kernel_of_parts(spec, has_alpha):
    deep = RNG.integers(0, 65536, (30, 20, 1 + has_alpha)).astype(np.uint16)
    deep[..., 1:] = 65535
    deep[0, 0, 1:] = 65534  # so that alpha is looked at
    chain = FilterSpec((kernel("1/3 1/7"), kernel(spec)), range=Range("clip"))
    found = float_values(plain(deep, has_alpha), plan_filter(plain(deep, has_alpha).header, chain))[
        5:, 5:, 0
    ]
    ((matrix, scale),) = kernel(spec).matrices()
    first = ndimage.correlate(
        deep[..., 0].astype(float), [[1 / 3, 1 / 7]], mode="nearest", origin=(0, -1)
    )
    true = ndimage.correlate(first, matrix.astype(float) * float(scale), mode="nearest")
    np.testing.assert_allclose(found, true[5:, 5:], atol=1e-3)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ({"scale": "1e20", "iterations": 2}, "a.png"),
        ({"scale": "1e20", "iterations": 2}, "a.npy"),
        ({"scale": "1e50", "linear": True}, "a.png"),
        ({"bias": "1e60"}, "a.npy"),
        ({"scale": "1e50", "iterations": 9}, "deep.png"),
        ({"scale": "1e40"}, "deep.pfm"),
        ({"scale": "1e40", "amount": "1/2"}, "float.tif"),
        ({"scale": "1e99", "iterations": 3, "amount": "1e99"}, "deep.png"),
    ],
)
@pytest.mark.parametrize("has_alpha", [False, True])
def test_responses_beyond_floats_are_refused(tmp_path, words, name, has_alpha):
    pixels = np.full((4, 5, 1 + has_alpha), 200, np.uint8)
    if not name.startswith("a."):
        pixels = pixels.astype(np.float32 if name.startswith("float") else np.uint16) * 200
    if has_alpha and pixels.dtype.kind == "u":
        pixels[0, 0, 1] = 1
    given = plain(pixels, has_alpha and pixels.dtype.kind == "u")
    with pytest.raises(UnfitError, match=r"^unsharp: responses are beyond what float\d\d holds"):
        filter_to(given, wanted("unsharp:1", **words), Target(str(tmp_path / name)))
    assert os.listdir(tmp_path) == []


def test_a_chain_is_not_rounded_in_between():
    chain = FilterSpec((kernel("gaussian:1.5"), kernel("laplacian")), range=Range("clip"))
    blurred = ndimage.gaussian_filter(COLOUR[..., 0].astype(float), 1.5, mode="nearest")
    true = ndimage.laplace(blurred, mode="nearest")
    found = float_values(plain(COLOUR), plan_filter(plain(COLOUR).header, chain))[..., 0]
    np.testing.assert_allclose(found, true, atol=0.02)


def test_ranges_that_look_first_fill_the_samples():
    found = filter_picture(
        plain(COLOUR), FilterSpec((kernel("laplacian"),), range=Range("stretch"))
    )
    assert (found.pixels.min(), found.pixels.max(), found.statistics.clipped) == (0, 255, 0)
    cut = filter_picture(
        plain(COLOUR), FilterSpec((kernel("laplacian"),), range=Range("pct", 1, 99))
    )
    assert 0.015 < cut.statistics.clipped / COLOUR.size < 0.025


def test_an_amount_blends_and_stride_and_valid_line_up():
    half = filter_picture(plain(COLOUR), wanted("box:3", amount="0.5")).pixels
    exact = kernel("1/18 1/18 1/18; 1/18 10/18 1/18; 1/18 1/18 1/18")
    np.testing.assert_array_equal(half, filter_picture(plain(COLOUR), exact).pixels)
    chain = wanted("gaussian:1", amount="1/4", stride=(2, 3), border="valid")
    small = filter_picture(plain(COLOUR), chain).pixels
    whole = filter_picture(plain(COLOUR), chain._replace(stride=(1, 1))).pixels
    np.testing.assert_array_equal(small, whole[::2, ::3])
    assert whole.shape == (52, 42, 3)
    with pytest.raises(UnfitError, match="9x9 does not fit a picture of 60x5"):
        filter_picture(plain(COLOUR[:, :5]), chain)


def test_linear_light_and_luma_keep_what_is_constant():
    grey = np.full((9, 9, 3), (200, 30, 90), np.uint8)
    for words in ({"linear": True}, {"channels": "luma"}):
        np.testing.assert_array_equal(
            filter_picture(plain(grey), wanted("blur", **words)).pixels, grey
        )
    step = np.zeros((3, 8, 1), np.uint8)
    step[:, 4:] = 255
    bright = filter_picture(plain(step), wanted("1/2 1/2", linear=True)).pixels[1, 3, 0]
    assert bright == 188  # half the light of white, as sRGB has it


def test_grey_is_pillows_grey():
    found = filter_picture(plain(COLOUR), FilterSpec((kernel("identity"),), gray=True)).pixels
    np.testing.assert_array_equal(found[..., 0], np.asarray(Image.fromarray(COLOUR).convert("L")))


def test_grey_of_inks_is_pillows_and_no_profile_of_colours_stays():
    inks = Image.fromarray(COLOUR).convert("CMYK")
    chain = FilterSpec((kernel("identity"),), gray=True)
    for image in (inks, Image.fromarray(COLOUR)):
        mode = "CMYK" if image is inks else ""
        given = plain(image)._replace(mode=mode, metadata={"icc_profile": b"x", "dpi": (72, 72)})
        found = filter_picture(given, chain).picture
        np.testing.assert_array_equal(found.pixels[..., 0], np.asarray(image.convert("L")))
        assert found.pixels.shape[2] == 1
        assert (found.mode, found.metadata["dpi"]) == ("", (72, 72))
        assert "icc_profile" not in found.metadata
    grey = plain(COLOUR[..., :1])._replace(metadata={"icc_profile": b"x"})
    assert filter_picture(grey, chain).picture.metadata == {"icc_profile": b"x"}


@pytest.mark.parametrize(
    ("mode", "words", "message"),
    [
        (
            "F",
            {"linear": True},
            "--linear reads sRGB of 8 or 16 bits, and this picture has samples of 32 bits",
        ),
        ("CMYK", {"linear": True}, "this picture has four inks"),
        (
            "CMYK",
            {"channels": "luma"},
            "--channels luma reads RGB, and this picture has four inks; add --gray",
        ),
    ],
)
def test_light_and_luma_of_what_has_none_are_refused(mode, words, message):
    pixels = np.zeros((3, 3, 4), np.uint8) if mode == "CMYK" else np.zeros((3, 3, 1), np.float32)
    given = plain(pixels)._replace(mode=mode)
    with pytest.raises(UnfitError, match=message):
        filter_picture(given, wanted("blur", **words))
    if mode == "CMYK":
        filter_picture(given, wanted("blur", gray=True, **words))


@pytest.mark.parametrize("border", ["zero", "constant:9", "wrap", "reflect", "valid"])
@pytest.mark.parametrize("spec", ["blur", "sobel", "unsharp:1", "-1 0 1"])
def test_what_is_opaque_is_opaque_under_every_border(border, spec):
    chain = wanted(spec, border=border)
    nearly = np.dstack([COLOUR, np.full((60, 50), 255, np.uint8)])
    nearly[30, 25, 3] = 254  # so that alpha is looked at
    found = filter_picture(plain(nearly, has_alpha=True), chain).pixels
    opaque = filter_picture(plain(COLOUR), chain).pixels
    np.testing.assert_array_equal(found[:20, :15, 3], 255)
    np.testing.assert_array_equal(found[:20, :15, :3], opaque[:20, :15])


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["gaussian:4.6", "gaussian:9", "gaussian:31.7"])
@pytest.mark.parametrize("border", ["edge", "wrap", "zero"])
def test_wide_gaussians_on_a_grid_are_scipys(spec, border):
    y, x = np.mgrid[0:520, 0:530]
    pixels = ((x * 7 + y * 13) % 256 // 128 * 255).astype(np.uint8)[..., None]
    pixels[200:300, 100:400] = 255
    sigma = float(spec.split(":")[1])
    mode = {"edge": "nearest", "wrap": "wrap", "zero": "constant"}[border]
    true = ndimage.gaussian_filter(pixels[..., 0].astype(float), sigma, mode=mode, truncate=8)
    for threads in (1, 2):
        found = filter_picture(plain(pixels), FilterSpec((kernel(spec),), Border(border)), threads)
        np.testing.assert_allclose(found.pixels[..., 0], true, atol=0.52)
    deep = filter_picture(
        plain(pixels.astype(np.uint16) * 257), FilterSpec((kernel(spec),), Border(border))
    )
    np.testing.assert_allclose(deep.pixels[..., 0], true * 257, atol=1.5)


def test_a_record_makes_the_same_again(tmp_path):
    first = FilterOptions(
        kernels=("sobel-x", "1 2; 3 4"), border="wrap", stride=(2, 1), range="signed"
    )
    picture = plain(COLOUR)._replace(metadata={"record": spec_of(first).options.record()})
    for name in ("a.png", "a.jpg", "a.webp", "a.tif"):
        filter_to(picture, spec_of(first), Target(str(tmp_path / name)))
        again = replayed(FilterOptions(kernels=(f"@{tmp_path / name}",)))
        assert spec_of(again).border == spec_of(first).border
        assert (again.kernels, again.stride) == (first.kernels, (2, 1))
        other = replayed(FilterOptions(kernels=(f"@{tmp_path / name}",), border="zero"))
        assert (other.border, other.range) == ("zero", "signed")


DAMAGED = {
    "no TIFF": b"garbage garbage",
    "cut short": b"II*\0",
    "an orientation in words": b"II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x04\0\0\0abc\0\0\0\0\0",
}


@pytest.mark.parametrize("damage", DAMAGED)
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_damaged_exif_is_left_out_with_a_word_about_it(tmp_path, damage, name):
    Image.fromarray(COLOUR).save(tmp_path / "in.jpg")
    jpeg, exif = (tmp_path / "in.jpg").read_bytes(), b"Exif\0\0" + DAMAGED[damage]
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "in.jpg").write_bytes(jpeg[:2] + segment + jpeg[2:])
    picture = open_picture(str(tmp_path / "in.jpg"))
    assert picture.notes == ("its EXIF is damaged, and is left out",)
    kept = picture._replace(
        metadata={**picture.metadata, "record": wanted("blur").options.record()}
    )
    filter_to(kept, wanted("blur"), Target(str(tmp_path / name)))
    assert replayed(FilterOptions(kernels=(f"@{tmp_path / name}",))).kernels == ("blur",)


@pytest.mark.parametrize(
    "record",
    ["", "[]", "{}", '{"convcli": 2, "kernels": ["blur"]}', '{"convcli": 1, "kernels": ["@/etc/passwd"]}',
     '{"convcli": 1, "kernels": ["blur"], "threads": 9}', '{"convcli": 1, "kernels": ["blur"], "stride": [1, "x"]}',
     '{"convcli": 1, "kernels": ["blur"], "border": 7}', "[" * 100_000],
)  # fmt: skip
def test_a_record_of_others_is_refused(record):
    with pytest.raises(SpecError, match=r"the record in a\.png"):
        read_record(record, "the record in a.png")


KERNEL_FILES = {
    "k.txt": "1 2 1\n2 4 2 # middle\n1 2 1\n",
    "k.csv": "1,2,1\n2,4,2\n1,2,1\n",
    "k.json": '{"matrix": [[1, 2, 1], ["2", 4.0, 2], [1, 2, 1]]}',
}


def test_files_hold_kernels(tmp_path):
    true = [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    np.save(tmp_path / "k.npy", np.array(true, np.float32))
    for name, text in KERNEL_FILES.items():
        (tmp_path / name).write_text(text)
    for name in ("k.npy", *KERNEL_FILES):
        assert kernel(f"@{tmp_path / name}").parts[0].matrix.tolist() == true
    np.save(tmp_path / "bad.npy", np.array([{}], object), allow_pickle=True)
    (tmp_path / "bad.json").write_text('{"matrix": [[NaN]]}')
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe")
    np.save(tmp_path / "inf.npy", np.array([[np.inf]]))
    for name in ("bad.npy", "bad.json", "deep.json", "bad.txt", "inf.npy", "none.txt"):
        with pytest.raises(SpecError, match=name):
            kernel(f"@{tmp_path / name}")


# text of a file → its weights, or what is said
KERNEL_TEXTS = {
    "\ufeff1,2\r\n3,4\r\n": [[1, 2], [3, 4]],
    "1\t2\n\n3\t4": [[1, 2], [3, 4]],
    "1;2;3": [[1], [2], [3]],
    "[1, 2]": [[1, 2]],
    '{"matrix": [[1, 2]], "scale": "1/2"}': [[0.5, 1]],
    '"1","2"': [[1, 2]],
    "# nothing": "row 1 of the kernel matrix has no values",
    "[1, [2]]": "in row 1 of the kernel matrix is not a number|JSON holds rows of numbers",
    "[[1], []]": "row 2 of the kernel matrix has no values",
    "[[1], [2, 3]]": "row 2 of the kernel matrix has 2 values, row 1 has 1",
    '{"matrix": []}': "row 1 of the kernel matrix has no values",
    '{"matrix": [[true]]}': "'True' in row 1 of the kernel matrix is not a number",
    '{"matrix": [[1]], "scale": 1e400}': "the scale '1e400' is beyond the limit",
    '{"matrix": [[1]], "scale": [1]}': "is not a number",
}


@pytest.mark.parametrize("text", KERNEL_TEXTS)
def test_texts_of_kernel_files_are_read_or_refused(tmp_path, text):
    path, told = tmp_path / "k.txt", KERNEL_TEXTS[text]
    path.write_bytes(text.encode())
    if isinstance(told, list):
        ((matrix, scale),) = kernel(f"@{path}").matrices()
        assert (matrix * scale).tolist() == told
    else:
        with pytest.raises(SpecError, match=rf"kernel file .*k\.txt: .*({told})"):
            kernel(f"@{path}")


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.zeros((2, 2, 2)), "2 matrices are not a kernel"),
        (np.zeros((1, 2000)), "the kernel matrix is 1x2000; at most 1023"),
        (np.array([[1j]]), "of complex128 cannot be read as the kernel matrix"),
        (np.array([[True]]), "of bool cannot be read as the kernel matrix"),
        (np.zeros((0, 3)), "at least one"),
    ],
)
def test_arrays_that_are_no_kernels_are_refused(tmp_path, array, told):
    np.save(tmp_path / "k.npy", array)
    with pytest.raises(SpecError, match=rf"kernel file .*k\.npy: .*{told}"):
        kernel(f"@{tmp_path / 'k.npy'}")
    (tmp_path / "k.npy").write_bytes((tmp_path / "k.npy").read_bytes()[:100])
    with pytest.raises(SpecError, match=r"it is not a \.npy array"):
        kernel(f"@{tmp_path / 'k.npy'}")


def test_an_anchor_moves_with_its_kernel():
    one = anchored(kernel("1 2 3; 4 5 6"), (0, 2))
    assert flipped(one).center == (1, 0)
    assert transposed(one).center == (2, 0)
    assert dilated(one, (2, 3)).center == (0, 6)
    assert rotated(one, 360).center == (0, 2)
    with pytest.raises(SpecError, match="--anchor names a position of the kernel"):
        rotated(one, 90)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_weights_of_any_float_are_read_and_said_again(tmp_path, dtype):
    weights = np.random.default_rng(1).normal(0, 0.1, (5, 7)).astype(dtype)
    weights[0] = [1e-5, 1e-7, 0, 3e-7, 1, -1, 2]
    weights[1, 0] = 0 if dtype == np.float16 else 1e-40 if dtype == np.float32 else 1e-300
    np.save(tmp_path / "k.npy", weights)
    (one,) = spec_of(replayed(FilterOptions(kernels=(f"@{tmp_path / 'k.npy'}",)))).kernels
    ((matrix, scale),) = one.matrices()
    found = (matrix * scale).astype(float)
    np.testing.assert_allclose(found, weights.astype(float), rtol=1e-15, atol=1e-90)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"rotate": 30}, "multiples of 45"),
        ({"anchor": (5, 0)}, "anchor 5,0 is not in a kernel of 3x3: rows 0 to 2"),
        ({"normalize": "sum"}, "sums to 0, and cannot sum to 1; --normalize abs"),
        ({"border": "constant"}, "is not a border"),
        ({"border": "constant:x"}, "is not a number"),
        ({"range": "pct:9,1"}, "is not a range"),
        ({"scale": "1/0"}, "--scale '1/0' is not a number"),
        ({"dilation": (1000, 1)}, "at most 1023"),
        ({"iterations": 500}, "are more than 100"),
    ],
)
def test_words_that_mean_nothing_are_refused(words, message):
    with pytest.raises(SpecError, match=message):
        wanted("laplacian", **words)


def test_a_record_is_one_line_of_ascii():
    record = FilterOptions(kernels=("1/3 1/3 1/3",), border="wrap").record()
    assert json.loads(record) == {"convcli": 1, "kernels": ["1/3 1/3 1/3"], "border": "wrap"}
    assert record.isascii()
    assert "\n" not in record


@pytest.mark.slow
@pytest.mark.parametrize(
    "spec", ["binomial:5", "sobel", "gaussian:5", "gaussian:40", "random:9", "box:45"]
)
@pytest.mark.parametrize("chunk", [8, 104, 128])
def test_chunks_of_rows_leave_no_seam(spec, chunk):
    pixels = np.kron(RNG.integers(0, 256, (40, 33, 3)), np.ones((15, 16, 1))).astype(np.uint8)
    whole = filter_picture(plain(pixels), kernel(spec), threads=1).pixels
    found = np.empty_like(whole)

    def sink(top, rows):
        found[top : top + len(rows)] = rows

    filter_picture(plain(pixels), kernel(spec), 2, sink, chunk)
    apart = np.abs(found.astype(int) - whole)
    assert apart.max() <= (1 if spec.startswith("gaussian") else 0)
    assert np.count_nonzero(apart) < 1e-3 * apart.size


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.pfm"])
def test_floats_are_never_clipped(tmp_path, name):
    Image.fromarray(COLOUR).save(tmp_path / "in.png")
    words = ["filter", str(tmp_path / "in.png"), "-k", "laplacian", "--range", "clip"]
    assert run([*words, "--fail-on-clip", "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / name).exists()
    assert run([*words, "--fail-on-clip", "-o", str(tmp_path / "a.tif")]) == 1
    grey = ["--gray", "--to", "tif32", "-o", str(tmp_path / "b.tif")]
    assert run([*words, "--fail-on-clip", *grey]) == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--quality 80 -o a.png", 2),
        ("--subsampling 4:4:4 -o a.png", 2),
        ("--subsampling 4:4:4 -o a.webp", 2),
        ("--quality 80 -o a.npy", 2),
        ("--quality 80 -o -", 2),
        ("--quality 80 --to png -o a.jpg", 2),
        ("--quality 80 --to jpeg -o a.png", 0),
        ("--quality 80 -o a.webp", 0),
        ("--quality 80 --subsampling 4:4:4 -o a.jpg", 0),
    ],
)
def test_ways_of_saving_that_say_nothing_are_refused(tmp_path, monkeypatch, capfd, words, code):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(COLOUR).save("in.png")
    assert run(["filter", "in.png", "-k", "blur", *words.split()]) == code
    _, err = capfd.readouterr()
    assert ("has no meaning for" in err) == (code == 2)
    assert len(os.listdir()) == (1 if code else 2)


def test_kernels_are_transposed_and_then_turned_anticlockwise():
    matrix = "1 2 3; 4 5 6; 7 8 9"
    (one,) = wanted(matrix, transpose=True, rotate=90).kernels
    expected = np.rot90(np.arange(1, 10).reshape(3, 3).T)
    np.testing.assert_array_equal(one.matrices()[0][0], expected)
