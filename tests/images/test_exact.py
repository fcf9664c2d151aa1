"""Every kernel of the catalogue, border, mode and number of threads against an oracle of fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import filtered

from convcli.borders import Border
from convcli.images.engines.correlate import Correlator
from convcli.images.engines.settled import Settled
from convcli.images.filters.apply import filter_picture
from convcli.images.filters.plan import intensity_map, plan_filter
from convcli.images.filters.spec import FilterSpec, Range
from convcli.images.image import Picture
from convcli.images.kernels.catalogue import CATALOGUE
from convcli.images.kernels.parse import kernel
from convcli.images.kernels.transforms import dilated, flipped, rotated, scaled

BORDERS = ["edge", "reflect", "symmetric", "wrap", "zero", "constant", "valid"]

MORE = [
    "box:2", "box:5", "box:7", "binomial:5", "gaussian:0.4", "gaussian(2, size=7)", "gaussian:4.5", "unsharp:0.7,amount=0.3",
    "high-pass:1", "laplacian:8", "log:0.8", "dog:0.5,0.9", "sobel:left", "sobel:bottom", "frei-chen:3", "frei-chen:7",
    "disk:1.5", "motion:5,angle=30", "random:4,seed=3", "random:9,seed=1", "gabor:1,theta=30", "box:15",
    "1/9 1/3; 5/9 -1/7", "1/2", "1 2 1", "1; 2; 1", "-1", "1e-7 1", "99999999 -99999999", "0 0; 0 1",
    "1/1000003 1/1009 1/2", "123456789012345678901234567890 1", "-1e-20 1; 1 1",
    "0.1234567890123456789 -0.98765432109876543; 1e-30 3", "123456789123456789 0 1; -1 0 1e20; 1 0 2",
]  # fmt: skip


def noise(shape, dtype, seed=0):
    full = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, full + 1, shape).astype(dtype)


def assert_exact(pixels, wanted, threads=1):
    (one,) = wanted.kernels
    full = np.iinfo(pixels.dtype).max
    intensity = intensity_map(one, wanted.range, full, wanted.bias)
    found = filter_picture(Picture(pixels, False, "PNG", {}), wanted, threads=threads).pixels
    fill = int(wanted.border.value)
    for channel in range(pixels.shape[2]):
        plane = pixels[..., channel].tolist()
        true = filtered(plane, one, intensity, wanted.border.name, full, fill)
        np.testing.assert_array_equal(found[..., channel], true)


@pytest.mark.parametrize("spec", [name for name in (*CATALOGUE, *MORE) if name != "canny"])
def test_every_kernel_is_exact_in_8_and_16_bits_and_on_threads(spec):
    for number, (dtype, threads) in enumerate([(np.uint8, 1), (np.uint16, 2)]):
        assert_exact(noise((6, 5, 1), dtype, number), FilterSpec((kernel(spec),)), threads)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize(
    "spec", ["box:3", "emboss", "sobel", "kirsch", "unsharp:0.5", "1 2; 3 -4", "random:3"]
)
def test_every_border_is_exact(border, spec):
    value = 77 if border == "constant" else 0
    wanted = FilterSpec((kernel(spec),), Border(border, value))
    assert_exact(noise((5, 7, 3), np.uint8), wanted)
    assert_exact(noise((6, 5, 1), np.uint16), wanted)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("spec", ["box:24", "box:31", "box:60"])
def test_large_boxes_are_exact(border, spec):
    tall, wide = (62, 75) if border == "valid" else (45, 33)
    pixels = noise((tall, wide, 2), np.uint8)
    one = kernel(spec)
    found = filter_picture(
        Picture(pixels, False, "PNG", {}),
        FilterSpec((one,), Border(border, 9 if border == "constant" else 0)),
        threads=2,
    ).pixels
    side = one.shape[0]
    mode = {"zero": "constant", "valid": "edge", "symmetric": "symmetric"}.get(border, border)
    extra = {"constant_values": 9 if border == "constant" else 0} if mode == "constant" else {}
    before = (side - 1) // 2
    reach = ((before, side - 1 - before),) * 2 + ((0, 0),)
    padded = (
        pixels.astype(np.int64)
        if border == "valid"
        else np.pad(pixels.astype(np.int64), reach, mode, **extra)
    )
    sums = np.lib.stride_tricks.sliding_window_view(padded, (side, side), (0, 1)).sum(axis=(-1, -2))
    np.testing.assert_array_equal(found, (2 * sums + side * side) // (2 * side * side))


@pytest.mark.parametrize("range_", ["auto", "clip", "abs", "signed"])
@pytest.mark.parametrize("spec", ["blur", "edge", "sobel-x", "1/3 1/3 -1/3", "sobel:top"])
def test_every_range_known_beforehand_is_exact(range_, spec):
    assert_exact(noise((5, 6, 1), np.uint8), FilterSpec((kernel(spec),), range=Range(range_)))


@pytest.mark.parametrize(
    "spec", ["blur", "sobel", "unsharp:1", "kirsch", "box:15", "gaussian:5", "-1 0 1"]
)
def test_weights_scaled_to_0_see_nothing(spec):
    wanted = FilterSpec((scaled(kernel(spec), Fraction(0)),), range=Range("clip"), bias=Fraction(7))
    for has_alpha in (False, True):
        pixels = noise((30, 20, 4), np.uint8) | np.uint8(1)  # no pixel is hidden
        found = filter_picture(Picture(pixels[..., : 3 + has_alpha], has_alpha, "PNG", {}), wanted)
        assert np.unique(found.pixels[..., :3]).tolist() == [7]


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_matrix_on_any_picture_is_exact(data):
    height, width = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    rows, columns = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    taps = (
        st.integers(-3, 3) | st.integers(-70_000, 70_000) | st.fractions(-4, 4, max_denominator=99)
    )
    matrix = [[str(data.draw(taps)) for _ in range(columns)] for _ in range(rows)]
    one = kernel(";".join(" ".join(row) for row in matrix).replace("-", " -").strip())
    change = data.draw(
        st.sampled_from(
            [lambda k: k, flipped, lambda k: rotated(k, 90), lambda k: dilated(k, (2, 1))]
        )
    )
    border = data.draw(st.sampled_from(BORDERS[:-2]))
    dtype = data.draw(st.sampled_from([np.uint8, np.uint16]))
    pixels = noise(
        (height, width, data.draw(st.integers(1, 3))), dtype, data.draw(st.integers(0, 99))
    )
    assert_exact(pixels, FilterSpec((change(one),), Border(border)), data.draw(st.integers(1, 3)))


@pytest.mark.parametrize("spec", ["random:5", "random:7", "random:9,seed=4", "random:15", "gabor"])
@pytest.mark.parametrize("kind", ["noise", "two values", "half flat", "flat"])
def test_what_float32_leaves_in_doubt_is_settled_exactly(spec, kind, monkeypatch):
    one, pixels = kernel(spec), noise((120, 160, 3), np.uint8)
    if kind == "two values":
        pixels = pixels // 128 * 255
    if kind != "noise":
        pixels[: {"two values": 0, "half flat": 60, "flat": 120}[kind]] = 255
    picture = Picture(pixels, False, "PNG", {})
    plan = plan_filter(picture.header, FilterSpec((one,)))
    (stage,) = plan.stages
    assert isinstance(stage.engine, Settled)
    exact = plan._replace(stages=(stage._replace(engine=Correlator(one, 255)),))
    found, wanted = (filter_picture(picture, each, threads=1) for each in (plan, exact))
    np.testing.assert_array_equal(found.pixels, wanted.pixels)
    assert found.statistics == wanted.statistics
    if one.shape[0] < 8:
        assert_exact(pixels[:40, :30, :1], FilterSpec((one,)))
    for name in ("BAND_BYTES", "SHARED_BYTES"):  # many bands, of which few hold an extreme
        monkeypatch.setattr(f"convcli.images.engines.row_bands.{name}", 1)
    for threads in (1, 2):
        found = filter_picture(picture, plan, threads=threads)
        np.testing.assert_array_equal(found.pixels, wanted.pixels)
        assert found.statistics == wanted.statistics


@pytest.mark.parametrize(
    "spec", ["blur", "binomial:5", "sharpen", "sobel", "gaussian:2", "random:9", "box:15", "kirsch"]
)
def test_bands_and_threads_leave_no_seam(spec, monkeypatch):
    pixels = Picture(noise((70, 20, 3), np.uint8), False, "PNG", {})
    whole = filter_picture(pixels, kernel(spec), threads=1).pixels
    monkeypatch.setattr("convcli.images.engines.row_bands.BAND_BYTES", 1)
    monkeypatch.setattr("convcli.images.engines.row_bands.SHARED_BYTES", 1)
    for threads in (1, 2, 3):
        np.testing.assert_array_equal(
            filter_picture(pixels, kernel(spec), threads=threads).pixels, whole
        )
