"""Filtered pictures against an oracle of exact fractions, SciPy, and laws."""

from fractions import Fraction
from itertools import product
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import filtered, sample
from scipy import ndimage

from convcli.borders import Border
from convcli.errors import PictureError
from convcli.images.filters.apply import filter_picture, filter_to
from convcli.images.filters.float_path import float_values
from convcli.images.filters.plan import intensity_map, plan_filter
from convcli.images.filters.spec import FilterSpec, Range, read_range
from convcli.images.image import Picture
from convcli.images.io.formats import Target
from convcli.images.kernels.catalogue import CATALOGUE
from convcli.images.kernels.parse import kernel


def picture(pixels, has_alpha=False):
    return Picture(np.asarray(pixels), has_alpha, "PNG", {})


def noise(shape, dtype=np.uint8, seed=0):
    full = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, full + 1, shape).astype(dtype)


def test_sobel_is_scipys_and_a_full_step_is_white():
    pixels = noise((40, 50, 1))
    x, y = (ndimage.sobel(pixels[..., 0].astype(float), a, mode="nearest") for a in (1, 0))
    expected = np.clip(np.hypot(x, y) / 4, 0, 255)
    given = filter_picture(picture(pixels), kernel("sobel")).pixels[..., 0]
    np.testing.assert_allclose(given, expected, atol=0.5 + 1e-9)
    step = np.zeros((5, 6, 1), np.uint8)
    step[:, 3:] = 255
    assert filter_picture(picture(step), kernel("sobel")).pixels[2, 2:4].tolist() == [[255], [255]]


@pytest.mark.parametrize("sigma", [0.8, 2, 5])
def test_gaussian_is_scipys(sigma):
    pixels = noise((60, 40, 1))
    expected = ndimage.gaussian_filter(pixels[..., 0].astype(float), sigma, mode="nearest")
    given = filter_picture(picture(pixels), kernel(f"gaussian:{sigma}")).pixels[..., 0]
    np.testing.assert_allclose(given, expected, atol=0.51)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_constant_picture_stays_constant_times_the_sum_of_the_weights(name):
    chosen = kernel(name)
    for value, has_alpha in product([0, 1, 200, 255], [False, True]):
        pixels = np.full((7, 6, 4), value, np.uint8)
        pixels[..., 3] = 255
        given = filter_picture(picture(pixels[..., : 3 + has_alpha], has_alpha), chosen).pixels
        sums = [value * int(matrix.sum()) * scale for matrix, scale in chosen.matrices()]
        expected = sample(chosen, sums, intensity_map(chosen, Range(), 255), 255)
        assert np.unique(given[..., :3]).tolist() == [expected], (value, has_alpha)


@pytest.mark.parametrize("name", CATALOGUE)
def test_what_is_opaque_stays_opaque_and_is_filtered_as_without_alpha(name):
    pixels = noise((9, 8, 4))
    pixels[..., 3] = 255
    given = filter_picture(picture(pixels, has_alpha=True), kernel(name)).pixels
    assert (given[..., 3] == 255).all()
    plain = filter_picture(picture(pixels[..., :3]), kernel(name)).pixels
    np.testing.assert_array_equal(given[..., :3], plain)


@pytest.mark.parametrize(
    "spec",
    ["1e-9 1", "1e-7 1", "0.0001 0.9999 0.00000001", "99999999 99999999", "1/1000003 1/1009 1/2"],
)
def test_wide_rationals_are_exact_beside_alpha_too(spec):
    pixels = noise((4, 5, 4))
    pixels[..., 3] = 255
    given = filter_picture(picture(pixels, has_alpha=True), kernel(spec)).pixels
    plain = filter_picture(picture(pixels[..., :3]), kernel(spec)).pixels
    np.testing.assert_array_equal(given[..., :3], plain)
    one = kernel(spec)
    true = filtered(pixels[..., 0].tolist(), one, intensity_map(one, Range(), 255), "edge", 255)
    np.testing.assert_array_equal(plain[..., 0], true)


@pytest.mark.parametrize("name", [*CATALOGUE, "-1", "1 -3 1"])
def test_colour_under_no_opacity_has_no_influence(name):
    pixels = noise((9, 8, 4))
    pixels[..., 3] = np.where(noise((9, 8)) < 128, 0, pixels[..., 3])
    other = pixels.copy()
    other[pixels[..., 3] == 0, :3] = (255, 0, 255)
    first, second = (
        filter_picture(picture(one, has_alpha=True), kernel(name)).pixels for one in (pixels, other)
    )
    seen = first[..., 3] > 0
    np.testing.assert_array_equal(first[..., 3], second[..., 3])
    np.testing.assert_array_equal(first[seen], second[seen])


@pytest.mark.parametrize(
    "spec", ["sobel", "edge", "laplacian", "blur", "unsharp", "kirsch", "emboss"]
)
@pytest.mark.parametrize("range_", ["auto", "signed", "stretch"])
def test_colour_under_no_opacity_is_not_in_the_values_told(spec, range_):
    pixels = noise((9, 8, 4))
    pixels[..., 3] = np.where(noise((9, 8)) < 128, 0, 255)
    other = pixels.copy()
    other[pixels[..., 3] == 0, :3] = (255, 0, 255)
    wanted = FilterSpec((kernel(spec),), range=Range(range_))
    first, second = (
        filter_picture(picture(one, True), wanted).statistics for one in (pixels, other)
    )
    assert first == second


@settings(deadline=None)
@given(
    st.integers(1, 9), st.integers(1, 9), st.sampled_from(["box:7", "sobel", "gaussian:3", "1 2"])
)
def test_any_size_of_picture_meets_any_size_of_kernel(height, width, spec):
    pixels = noise((height, width, 3))
    assert filter_picture(picture(pixels), kernel(spec)).pixels.shape == pixels.shape


@pytest.mark.parametrize("spec", ["blur", "sharpen", "sobel", "edge", "gaussian:2"])
def test_symmetric_kernels_treat_all_four_edges_alike(spec):
    pixels = noise((9, 12, 1))
    whole = filter_picture(picture(pixels), kernel(spec)).pixels
    for axis in (0, 1):
        flipped = filter_picture(picture(np.flip(pixels, axis)), kernel(spec)).pixels
        np.testing.assert_array_equal(np.flip(flipped, axis), whole)


@pytest.mark.parametrize("spec", ["blur", "sharpen", "sobel", "laplacian"])
@pytest.mark.parametrize(
    "words",
    [
        {"amount": Fraction(1, 2)},
        {"amount": Fraction(3, 2)},
        {"channels": "luma"},
        {"channels": "luma", "amount": Fraction(1, 3)},
        {"range": Range("stretch")},
        {"range": Range("pct", 5, 95), "linear": True},
        {"stride": (2, 2), "amount": Fraction(1, 2)},
        {"border": Border("valid"), "amount": Fraction(1, 2)},
    ],
    ids=str,
)
def test_colour_that_is_not_seen_is_never_seen(spec, words):
    pixels = np.random.default_rng(3).integers(0, 256, (9, 8, 4)).astype(np.uint8)
    pixels[..., 3] = np.where(pixels[..., 3] < 80, 0, pixels[..., 3])
    others = pixels.copy()
    others[pixels[..., 3] == 0, :3] ^= 0xA5
    found = [
        filter_picture(Picture(one, True, "PNG", {}), FilterSpec((kernel(spec),), **words)).pixels
        for one in (pixels, others)
    ]
    seen = [np.where(one[..., 3:] > 0, one, 0) for one in found]
    np.testing.assert_array_equal(*seen)


@pytest.mark.parametrize(
    ("words", "centre"),
    [
        ({}, (100, 100, 100, 191)),
        ({"amount": Fraction(1, 2)}, (100, 100, 100, 96)),
        ({"channels": "luma"}, (100, 100, 100, 191)),
    ],
)
def test_a_hole_in_grey_is_filled_with_grey(words, centre):
    pixels = np.full((5, 5, 4), (100, 100, 100, 255), np.uint8)
    pixels[2, 2] = 255, 0, 0, 0
    found = filter_picture(Picture(pixels, True, "PNG", {}), FilterSpec((kernel("blur"),), **words))
    assert tuple(found.pixels[2, 2]) == centre


@pytest.mark.parametrize("name", ["clip", "signed", "stretch", "pct:10,90"])
@pytest.mark.parametrize("channels", ["rgb", "luma"])
def test_the_values_told_are_the_responses_before_they_are_rescaled(name, channels):
    pixels = noise((12, 14, 3))
    wanted = FilterSpec((kernel("laplacian"),), range=read_range(name), channels=channels)
    found = filter_picture(picture(pixels), wanted).statistics
    seen = pixels.astype(float) if channels == "rgb" else pixels @ [0.299, 0.587, 0.114]
    seen = seen.reshape(12, 14, -1)
    matrix = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    true = ndimage.correlate(seen, matrix[..., np.newaxis], mode="nearest")
    if name == "clip" and channels == "luma":
        true = pixels + true - seen
    assert (found.minimum, found.maximum) == pytest.approx((true.min(), true.max()), rel=1e-5)


@pytest.mark.parametrize("spec", ["blur", "emboss", "1 2; 3 -4", "sobel-x", "sobel", "kirsch"])
@pytest.mark.parametrize("range_", ["clip", "abs"])
@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_the_values_told_are_those_of_the_places_that_are_kept(spec, range_, stride, has_alpha):
    pixels = noise((11, 14, 4))
    pixels[..., 3] = np.where(pixels[..., 3] < 60, 0, pixels[..., 3])
    given = picture(pixels[..., : 3 + has_alpha], has_alpha)
    wanted = FilterSpec((kernel(spec),), stride=stride, range=Range(range_))
    found = filter_picture(given, wanted)
    values = float_values(given, plan_filter(given.header, wanted))
    seen = values[..., :3][values[..., 3] >= 0.5] if has_alpha else values
    seen = abs(seen) if range_ == "abs" else seen
    told = found.statistics
    assert (told.minimum, told.maximum) == pytest.approx(
        (seen.min(), seen.max()), rel=1e-5, abs=1e-3
    )
    assert told.clipped == np.count_nonzero(np.floor(seen + 0.5) < 0) + np.count_nonzero(
        seen >= 255.5
    )
    assert told.samples == found.pixels[..., :3].size


@pytest.mark.parametrize(
    "words", [{"amount": Fraction(1, 2)}, {"channels": "luma"}, {"linear": True}], ids=str
)
def test_what_is_not_seen_has_no_say_in_the_values_told(words):
    pixels = np.full((6, 9, 4), (200, 200, 200, 255), np.uint8)
    pixels[:, :4] = 0
    found = filter_picture(picture(pixels, True), FilterSpec((kernel("blur"),), **words))
    assert found.statistics.minimum == pytest.approx(200, abs=1e-3)
    assert found.statistics.clipped == 0


@pytest.mark.parametrize("spec", ["blur", "sobel"])
@pytest.mark.parametrize(
    "words",
    [{}, {"range": Range("signed")}, {"range": Range("stretch")}, {"amount": Fraction(1, 2)}],
    ids=str,
)
def test_a_picture_of_which_nothing_is_seen_has_no_values(spec, words):
    pixels = np.full((6, 7, 4), (9, 200, 7, 0), np.uint8)
    found = filter_picture(picture(pixels, True), FilterSpec((kernel(spec),), **words))
    assert found.statistics.text == "all is transparent"
    assert found.statistics.clipped == 0
    assert (found.pixels[..., 3] == 0).all()


@pytest.mark.parametrize("has_alpha", [False, True])
def test_the_constant_beyond_the_border_is_light_where_the_picture_is(has_alpha):
    pixels = np.full((5, 6, 4), 128, np.uint8)
    wanted = FilterSpec((kernel("blur"), kernel("box:5")), Border("constant", 128), linear=True)
    found = filter_picture(picture(pixels[..., : 3 + has_alpha], has_alpha), wanted).pixels
    assert (found[..., :3] == 128).all()


@pytest.mark.parametrize("name", ["stretch", "pct:1,99"])
@pytest.mark.parametrize("shade", [0, 100, 255])
def test_a_constant_picture_is_not_stretched_and_that_is_said(name, shade):
    pixels = np.full((6, 5, 3), shade, np.uint8)
    found = filter_picture(picture(pixels), FilterSpec((kernel("blur"),), range=read_range(name)))
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.statistics.text.endswith("nothing to stretch, values stay as they are")


@pytest.mark.parametrize("name", ["signed", "stretch", "pct:1,99"])
def test_ranges_that_rescale_samples_are_refused_for_arrays(tmp_path, name):
    spec = FilterSpec((kernel("sobel-x"),), range=read_range(name))
    given = Picture(np.full((4, 5, 1), 7, np.uint8), False, "PNG", {})
    plan = plan_filter(given.header, spec, Target(str(tmp_path / "o.npy")))
    with pytest.raises(PictureError, match="rescales samples; arrays hold responses"):
        filter_to(given, plan)


def test_the_amount_blends_responses_in_arrays_too(tmp_path):
    pixels = np.arange(20, dtype=np.uint8).reshape(4, 5, 1) ** 2
    given = Picture(pixels, False, "PNG", {})
    arrays = []
    for amount in (Fraction(1), Fraction(1, 4)):
        target = Target(str(tmp_path / f"{amount.denominator}.npy"))
        spec = FilterSpec((kernel("box"),), amount=amount)
        filter_to(given, plan_filter(given.header, spec, target))
        arrays.append(np.load(target.path))
    whole, part = arrays
    np.testing.assert_allclose(part, pixels[..., 0] + (whole - pixels[..., 0]) / 4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("text", ["identity", "laplacian", "box:3", "1 2 1"])
def test_stretching_rounds_exact_halves_up(dtype, text):
    random = np.random.default_rng(5)
    one = kernel(text)
    ((matrix, _),) = one.matrices()
    rows, columns = (side // 2 for side in matrix.shape)
    halves, full = 0, np.iinfo(dtype).max
    for top in (2, 3, 4, 5, 7, 12, 30, 90, 250):
        pixels = random.integers(0, top, (12, 14, 1)).astype(dtype)
        around = np.pad(pixels[..., 0].astype(int), ((rows,) * 2, (columns,) * 2), "edge")
        sums = sum(
            int(matrix[i, j]) * around[i : i + 12, j : j + 14] for i, j in np.ndindex(matrix.shape)
        )
        low, high = int(sums.min()), int(sums.max())
        exact = [Fraction((int(value) - low) * full, high - low) for value in sums.flat]
        halves += sum(value.denominator == 2 for value in exact)
        expected = [floor(value + Fraction(1, 2)) for value in exact]
        spec = FilterSpec((one,), range=read_range("stretch"))
        assert filter_picture(picture(pixels), spec).pixels.ravel().tolist() == expected
    assert halves
