"""Edges as lines: thinned and linked gradients, zero crossings, thresholds."""

import json

import numpy as np
import pytest
from PIL import Image

from convcli import filter_image
from convcli.cli.main import run
from convcli.errors import SpecError, UnfitError
from convcli.images.filters.apply import filter_picture
from convcli.images.filters.color import in_gray
from convcli.images.filters.lines import zero_crossings
from convcli.images.filters.options import FilterOptions
from convcli.images.filters.region import read_region
from convcli.images.filters.spec import spec_of
from convcli.images.image import picture_of

Y, X = np.mgrid[:20, :28]
WAVES = (127.5 + 80 * np.sin(X / 3.1 + 0.3 * Y) + 40 * np.cos(Y / 2.3 - 0.11 * X * Y / 5)).clip(
    0, 255
)
WAVES = np.floor(WAVES).astype(np.uint8)

# skimage 0.26: feature.canny(WAVES, sigma, 255 * low, 255 * high, mode="nearest"), a row in hex
CANNY = {
    "canny": "0000000 4060300 40c0600 0100c02 0201806 0c0100c 1802008 3004010 2008030 2018060 60300c0 4060180 60c0300 0180600 0300802 0601004 0c02018 180c030 30184e0 0000000",
    "canny:1.5,0.1,0.35": "0000000 00c0300 00c0600 0180c02 0201806 0c0100c 1802008 3004010 2008030 2018060 60300c0 4060180 70c0300 0180600 0300802 0601006 0c02018 180c030 1018060 0000000",
    "Canny(0.8, low=0.4, high=0.65)": "0000000 0060380 00c0602 0100c02 0201806 0c0100c 1802018 3004010 200c030 2018060 60300c0 4060180 40c0300 0180600 0300802 0601004 0c02018 1806030 30180e0 0000000",
}  # fmt: skip


@pytest.mark.parametrize(("spec", "rows"), CANNY.items())
def test_canny_draws_the_lines_of_scikit_image(spec, rows):
    expected = np.array([[*f"{int(row, 16):028b}"] for row in rows.split()]).astype(int)
    for pixels, white in ((WAVES, 255), (WAVES.astype(np.uint16) * 257, 65535)):
        np.testing.assert_array_equal(filter_image(pixels, spec), expected * white)
    colors = np.stack([WAVES] * 3, -1)
    np.testing.assert_array_equal(filter_image(colors, spec)[..., 0], expected * 255)


def test_weak_lines_stay_where_they_touch_strong_ones():
    """A step that fades along its length: above 0.2 at the top, above 0.1 further down."""
    fading = np.zeros((60, 20), np.uint8)
    fading[:, 10:] = np.linspace(60, 0, 60)[:, np.newaxis]
    lines = filter_image(fading, "canny:1,0.1,0.2") > 0
    strong = filter_image(fading, "canny:1,0.2,0.2") > 0
    assert lines.any(axis=1).sum() > strong.any(axis=1).sum() > 10
    assert not filter_image(fading // 8, "canny:1,0.1,0.2").any()


def test_what_is_transparent_draws_no_lines():
    pixels = np.zeros((20, 20, 2), np.uint8)
    pixels[:, :10, 0] = 255
    pixels[..., 1] = 255
    assert filter_image(pixels, "canny")[..., 0].any()
    pixels[:, :10, 1] = 0
    result = filter_image(pixels, "canny")
    assert not (result[..., 0] & result[..., 1]).any()
    np.testing.assert_array_equal(result[..., 1], pixels[..., 1])


def test_zero_crossings_lie_where_the_second_derivative_changes_its_sign():
    step = np.zeros((9, 20), np.uint8)
    step[:, 10:] = 200
    lines = filter_image(step, "log:1.5", range="crossings")
    assert np.unique(lines).tolist() == [0, 255]
    assert (lines > 0).sum(axis=1).tolist() == [1] * 9
    assert set(np.nonzero(lines)[1]) <= {9, 10}
    assert not filter_image(step, "log:1.5", range="crossings:300").any()
    flat = np.zeros((3, 4, 1))
    assert not zero_crossings(flat, 0).any()


def test_a_threshold_makes_samples_black_and_white():
    """The same as comparing the samples of the plain result, on both ways that results take."""
    for spec, values in (("blur", {}), ("sobel", {}), ("gaussian:1.5", {"amount": "0.5"})):
        options = FilterOptions(kernels=(spec,), **values)
        picture = picture_of(WAVES)
        plain = filter_picture(picture, spec_of(options)).pixels
        for threshold in ("1", "100", "99.5", "255"):
            options = FilterOptions(kernels=(spec,), threshold=threshold, **values)
            result = filter_picture(picture, spec_of(options), 2)
            np.testing.assert_array_equal(
                result.pixels, np.where(plain >= float(threshold), 255, 0)
            )


def test_a_threshold_leaves_alpha_alone():
    pixels = np.stack([WAVES, WAVES // 2 + 100], -1)
    options = FilterOptions(kernels=("identity",), threshold="128")
    result = filter_picture(picture_of(pixels), spec_of(options)).pixels
    np.testing.assert_array_equal(result[..., 1], pixels[..., 1])
    np.testing.assert_array_equal(result[..., 0], np.where(pixels[..., 0] >= 128, 255, 0))


def test_unsharp_leaves_differences_below_its_threshold():
    exact = WAVES.astype(float)
    soft = filter_image(exact, "gaussian:1").astype(float)
    sharp = exact + 1.5 * (exact - soft)
    expected = np.where(np.abs(exact - soft) < 6, exact, np.floor(sharp + 0.5)).clip(0, 255)
    result = filter_image(WAVES, "unsharp:1,1.5,6")
    np.testing.assert_array_equal(result, expected)
    assert 0.2 < (result == WAVES).mean() < 0.9
    np.testing.assert_array_equal(
        filter_image(WAVES, "unsharp:1,1.5,0"), filter_image(WAVES, "unsharp:1,1.5")
    )


@pytest.mark.parametrize("range_", ["stretch", "pct:0,99"])
def test_frames_are_stretched_alike(tmp_path, range_):
    """Black and white are those of all frames: a fade stays a fade."""
    levels = (40, 80, 200)
    fade = []
    for level in levels:
        frame = np.zeros((16, 16), np.uint8)
        frame[4:12, 4:12] = level
        fade.append(Image.fromarray(frame))
    fade[0].save(tmp_path / "fade.tif", save_all=True, append_images=fade[1:])
    words = ["filter", f"{tmp_path}/fade.tif", "-k", "identity", "--range", range_]
    assert run([*words, "-o", f"{tmp_path}/o.tif"]) == 0
    with Image.open(tmp_path / "o.tif") as result:
        tops = []
        for number in range(3):
            result.seek(number)
            tops.append(int(np.asarray(result).max()))
    assert tops == [51, 102, 255]


def test_one_picture_and_many_have_one_schema(tmp_path, capsys):
    for name in "ab":
        Image.fromarray(WAVES).save(tmp_path / f"{name}.png")
    words = ["-k", "blur", "--force", "--format", "json"]
    assert run(["filter", f"{tmp_path}/a.png", *words, "-o", f"{tmp_path}/o.png"]) == 0
    one = json.loads(capsys.readouterr().out)
    names = [f"{tmp_path}/{name}.png" for name in "ab"]
    assert run(["filter", *names, *words, "-o", f"{tmp_path}/out/"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert set(one) == set(first) == set(second)
    assert one["values"] == first["values"]
    assert (one["schema"], one["status"], one["input"]) == (1, "done", names[0])


REGIONS = [
    ("gaussian:1", {}),
    ("sobel", {"border": "reflect"}),
    ("box:9", {"border": "constant:7"}),
    ("emboss", {"border": "wrap"}),
    ("unsharp:2", {"amount": "0.5"}),
    ("gaussian:1.5", {"linear": True, "border": "zero"}),
    ("canny", {"gray": True}),
    ("motion:9,30", {"channels": "each", "border": "zero"}),
]


@pytest.mark.parametrize(("spec", "values"), REGIONS)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_region_is_filtered_as_in_the_whole_picture(spec, values, channels):
    rng = np.random.default_rng(3)
    for dtype in (np.uint8, np.uint16):
        pixels = rng.integers(0, np.iinfo(dtype).max, (22, 30, channels), dtype)
        picture = picture_of(pixels)
        whole = filter_picture(picture, spec_of(FilterOptions(kernels=(spec,), **values))).pixels
        source = (in_gray(picture) if "gray" in values else picture).pixels
        for region in ("0,0,22x30", "4,9,7x5", "0,25,3x5", "21,0,1x1"):
            options = FilterOptions(kernels=(spec,), region=region, **values)
            result = filter_picture(picture, spec_of(options), 2).pixels
            place = read_region(region).place
            np.testing.assert_array_equal(result[place], whole[place])
            rest = np.ones(result.shape[:2], bool)
            rest[place] = False
            np.testing.assert_array_equal(result[rest], source[rest])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_mask_says_how_much_of_each_pixel_is_filtered(tmp_path, channels):
    pixels = np.random.default_rng(5).integers(0, 256, (12, 15, channels), np.uint8)
    pixels[..., -1] = 255 if channels == 4 else pixels[..., -1]
    whole, picture = filter_image(pixels, "sharpen"), picture_of(pixels)
    hard = np.zeros((12, 15), np.uint8)
    hard[3:9, 4:11] = 255
    soft = np.linspace(0, 255, 180).astype(np.uint8).reshape(12, 15)
    for mask in (hard, soft):
        Image.fromarray(mask).save(tmp_path / "m.png")
        spec = spec_of(FilterOptions(kernels=("sharpen",))).masked(str(tmp_path / "m.png"))
        result = filter_picture(picture, spec).pixels
        np.testing.assert_array_equal(result[mask == 255], whole[mask == 255])
        np.testing.assert_array_equal(result[mask == 0], pixels[mask == 0])
        responses = filter_image(pixels[..., :3].astype(float), "sharpen", range="clip")
        exact = pixels[..., :3] + mask[..., None] / 255 * (responses - pixels[..., :3])
        difference = np.abs(result[..., :3] - exact.clip(0, 255))
        assert difference.max() < 0.501
    with pytest.raises(UnfitError, match="the mask is 12x15, and the picture 11x15"):
        filter_picture(picture_of(pixels[1:]), spec)


def test_a_mask_on_the_command_line(tmp_path, capsys):
    Image.fromarray(WAVES).save(tmp_path / "a.png")
    Image.fromarray(WAVES).save(tmp_path / "b.png")
    mask = np.zeros(WAVES.shape, np.uint8)
    mask[:, 10:] = 255
    Image.fromarray(mask).save(tmp_path / "m.png")
    words = ["filter", "-k", "blur", "--mask", f"{tmp_path}/m.png"]
    assert run([*words, f"{tmp_path}/a.png", "-o", f"{tmp_path}/o.png"]) == 0
    assert run([*words, f"{tmp_path}/a.png", f"{tmp_path}/b.png", "-o", f"{tmp_path}/out/"]) == 0
    expected = np.where(mask == 255, filter_image(WAVES, "blur"), WAVES)
    for name in ("o.png", "out/a.png", "out/b.png"):
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / name)), expected)
    capsys.readouterr()
    assert (
        run(["filter", f"{tmp_path}/a.png", "-k", f"@{tmp_path}/o.png", "-o", f"{tmp_path}/p.png"])
        == 2
    )
    assert "made with a mask, which its record does not hold" in capsys.readouterr().err


def test_python_takes_what_the_command_takes():
    ramp = np.add.outer(np.arange(8), 3 * np.arange(9)).astype(np.uint8)
    once = filter_image(ramp, "1 2 0", normalize="sum", rotate=90, flip=True, scale=1)
    np.testing.assert_array_equal(once, filter_image(ramp, "0/3; 2/3; 1/3"[::1], flip=False))
    part = filter_image(ramp, "blur", region=(1, 2, 3, 4), iterations=2, threshold=9)
    np.testing.assert_array_equal(
        part, filter_image(ramp, "blur", "blur", region="1,2,3x4", threshold=9)
    )


REFUSED = [
    (
        SpecError,
        "blur",
        {"region": "1,2,3"},
        "is not ROW,COLUMN,HEIGHTxWIDTH, such as 10,20,200x100",
    ),
    (SpecError, "blur", {"region": "1,2,0x3"}, "is not ROW,COLUMN,HEIGHTxWIDTH"),
    (
        UnfitError,
        "blur",
        {"region": "10,2,11x3"},
        "--region has rows 10 to 20, columns 2 to 4, and the picture 20 rows",
    ),
    (UnfitError, "blur", {"region": "1,2,3x3", "border": "valid"}, "--region keeps the size"),
    (SpecError, "canny:1,0.3,0.2", {}, "low=0.3 must be at most high=0.2"),
    (SpecError, "canny", {"stride": (2, 2)}, "canny follows lines from pixel to pixel"),
    (UnfitError, "sobel", {"threshold": "300"}, "--threshold is a sample from 1 to 255"),
    (UnfitError, "sobel", {"threshold": "0"}, "--threshold is a sample from 1 to 255"),
    (SpecError, "sobel", {"threshold": "half"}, "--threshold"),
    (
        SpecError,
        "log",
        {"range": "crossings:-1"},
        "is not a range: auto, clip, abs, signed, stretch",
    ),
]


@pytest.mark.parametrize(("kind", "spec", "values", "said"), REFUSED)
def test_what_makes_no_lines_is_refused(kind, spec, values, said):
    with pytest.raises(kind) as refusal:
        filter_picture(picture_of(WAVES), spec_of(FilterOptions(kernels=(spec,), **values)))
    assert said in str(refusal.value)


def test_floats_have_no_threshold():
    spec = spec_of(FilterOptions(kernels=("sobel",), threshold="9"))
    with pytest.raises(UnfitError, match="this picture has 32"):
        filter_picture(picture_of(np.zeros((4, 4))), spec)


def test_lines_from_the_command_line(tmp_path, capsys):
    source, target = tmp_path / "a.png", tmp_path / "b.png"
    Image.fromarray(np.stack([WAVES] * 3, -1)).save(source)
    assert run(["filter", str(source), "-k", "canny", "-o", str(target), "--format", "json"]) == 0
    assert "lines are drawn on the picture in gray" in capsys.readouterr().err
    assert run(["filter", str(source), "-k", f"@{target}", "-o", str(tmp_path / "c.png")]) == 0
    np.testing.assert_array_equal(*(np.asarray(Image.open(tmp_path / f"{n}.png")) for n in "bc"))
    assert (
        run(["filter", str(source), "-k", "sobel", "--threshold", "9", "-o", f"{tmp_path}/d.npy"])
        == 1
    )
    assert "write a picture, not floats" in capsys.readouterr().err
    assert run(["explain", str(source), "-k", "canny", "--at", "5,5"]) == 2
    assert "canny is more than a sum of products" in capsys.readouterr().err
    assert run(["explain", str(source), "-k", "blur", "-k", "sobel-x", "--at", "5,5"]) == 2
    assert "a lesson shows one kernel, and there are 2" in capsys.readouterr().err


def test_a_result_says_its_mask_and_its_region(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mask = np.zeros(WAVES.shape, np.uint8)
    mask[:, 10:] = 255
    (tmp_path / "in").mkdir()
    for name in ("in/a.png", "in/b.gif"):
        Image.fromarray(WAVES).save(name)
    Image.fromarray(mask).save("m.png")
    Image.fromarray(255 - mask).save("other.png")
    words = ["filter", "in", "-k", "blur", "-o", "out/", "--resume"]
    assert run([*words, "--mask", "m.png"]) == 0
    assert run([*words, "--mask", "m.png", "--json"]) == 0  # the same mask: nothing to do
    assert capsys.readouterr().out.count('"status": "skipped"') == 2
    for other in (["--mask", "other.png"], []):
        assert run([*words, *other]) == 1
        assert capsys.readouterr().err.count("was made otherwise") == 2
    again = ["filter", "in/a.png", "-k", "@out/a.png", "-o", "again.png"]
    assert run(again) == 2
    assert "made with a mask, which its record does not hold" in capsys.readouterr().err
    assert run([*again, "--mask", "m.png"]) == 0
    np.testing.assert_array_equal(Image.open("again.png"), Image.open("out/a.png"))
    assert run(["filter", "in/a.png", "-k", "blur", "--region", "1,2,5x6", "-o", "r.png"]) == 0
    assert run(["filter", "in/a.png", "-k", "@r.png", "-o", "r2.png"]) == 0
    np.testing.assert_array_equal(Image.open("r.png"), Image.open("r2.png"))
    assert (np.asarray(Image.open("r.png")) != WAVES).any()


def test_a_mask_in_python_is_a_path_or_an_array(tmp_path):
    mask = np.zeros(WAVES.shape, np.uint8)
    mask[:, 10:] = 255
    Image.fromarray(mask).save(tmp_path / "m.png")
    expected = np.where(mask == 255, filter_image(WAVES, "blur"), WAVES)
    for one in (tmp_path / "m.png", mask, mask == 255, mask / np.float32(255)):
        np.testing.assert_array_equal(filter_image(WAVES, "blur", mask=one), expected)
    with pytest.raises(UnfitError, match="shares from 0 to 1"):
        filter_image(WAVES, "blur", mask=mask / np.float32(2))


def test_the_result_of_a_gif_is_made_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(WAVES).save("a.gif", comment=b"mine")
    assert run(["filter", "a.gif", "-k", "box:5", "-k", "sharpen", "-o", "b.gif"]) == 0
    assert run(["filter", "a.gif", "-k", "@b.gif", "-o", "c.gif"]) == 0
    assert (tmp_path / "b.gif").read_bytes() == (tmp_path / "c.gif").read_bytes()
    assert run(["filter", "b.gif", "-k", "identity", "-o", "d.gif"]) == 0
    with Image.open("d.gif") as image:  # whose own comment stays, beside one record
        assert image.info["comment"].split(b"\n") == [
            b"mine",
            b'{"convcli": 1, "kernels": ["identity"]}',
        ]
