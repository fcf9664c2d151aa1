"""The catalogue's matrices, and kernels written by hand."""

from fractions import Fraction

import numpy as np
import pytest

from convcli.errors import SpecError
from convcli.images.filters.options import FilterOptions
from convcli.images.filters.ranges import Range, intensity_map
from convcli.images.filters.spec import remarks, replayed, spec_of
from convcli.images.kernels.catalogue import CATALOGUE
from convcli.images.kernels.kernel import weight_sum
from convcli.images.kernels.parse import kernel

MATRICES = {
    "identity": [[1]],
    "blur": [[1, 2, 1], [2, 4, 2], [1, 2, 1]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "edge": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
    "sobel": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "prewitt": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "scharr": [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]],
    "box:2": [[1, 1], [1, 1]],
}


@pytest.mark.parametrize(("spec", "matrix"), MATRICES.items())
def test_matrices_stand_as_they_are_drawn(spec, matrix):
    assert kernel(spec).parts[0].matrix.tolist() == matrix


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_entry_says_where_it_is_from_and_what_it_is_for(name):
    assert kernel(name).name == name
    assert CATALOGUE[name].source
    assert CATALOGUE[name].purpose


BRIGHT = [
    "identity", "box", "box:2", "blur", "binomial", "binomial:6", "gaussian", "gaussian:0.4", "gaussian(2, size=7)",
    "disk", "disk:0.3", "motion", "motion:5,angle=30", "sharpen", "unsharp", "unsharp:2,amount=0.3", "emboss",
]  # fmt: skip
DARK = [
    "high-pass", "edge", "outline", "laplacian", "laplacian:8", "log", "log:0.5", "dog", "dog:2,3", "sobel", "prewitt",
    "scharr", "farid", "sobel-x", "farid-y", "scharr:left", "roberts", "kirsch", "frei-chen", "frei-chen:6", "gabor",
    "gabor:1,theta=30",
]  # fmt: skip


@pytest.mark.parametrize(("total", "specs"), [(1, BRIGHT), (0, DARK)])
def test_blurs_keep_what_is_constant_and_differences_see_nothing_in_it(total, specs):
    for spec in specs:
        assert {weight_sum(m) * scale for m, scale in kernel(spec).matrices()} == {total}, spec


def test_both_parts_of_a_gradient_are_each_other_turned():
    x, y = (part.matrix for part in kernel("sobel").parts)
    np.testing.assert_array_equal(x.T, y)


@pytest.mark.parametrize("sigma", [0.3, 0.5, 0.7, 0.8, 1, 2, 7.5])
def test_a_gaussian_has_the_width_it_was_asked_for(sigma):
    taps = kernel(f"gaussian:{sigma}").parts[0].factors[0].ravel()
    places = np.arange(len(taps)) - len(taps) // 2
    assert np.sqrt((taps * places**2).sum() / taps.sum()) == pytest.approx(sigma, rel=0.01)
    assert kernel(f"gaussian:{sigma}").sum == 1


def test_random_is_seeded_and_its_own_for_each_seed():
    first, again, other = (kernel(f"random:5,seed={s}").parts[0].matrix for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("text", "matrix", "scale"),
    [
        ("1 2; 3 4", [[1, 2], [3, 4]], 1),
        ("1,2;3,4;", [[1, 2], [3, 4]], 1),
        ("1/9 1/3", [[1, 3]], Fraction(1, 9)),
        ("0.5; -.25", [[2], [-1]], Fraction(1, 4)),
        ("1e2", [[100]], 1),
    ],
)
def test_a_matrix_is_read_exactly(text, matrix, scale):
    (part,) = kernel(text).parts
    assert (part.matrix.tolist(), part.scale) == (matrix, scale)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "row 1 of the kernel matrix has no values"),
        ("1 2; 3", "row 2 of the kernel matrix has 1 values, row 1 has 2"),
        ("1 2;; 3 4", "row 2 of the kernel matrix has no values"),
        ("1 x; 3 4", "'x' in row 1 of the kernel matrix is not a number"),
        ("1 1/0", "'1/0' in row 1"),
        ("1e999999999", "is beyond the limit"),
        (
            "1e300 1 1",
            "'1e300' in row 1 of the kernel matrix is beyond the limit: numbers up to 1e+125",
        ),
        ("-inf nan", "'-inf' in row 1 of the kernel matrix is not a number"),
        ("1 " * 2000, "at most 1023"),
        ("nan", "no kernel is called 'nan'"),
        ("soble", "did you mean sobel?"),
        ("sobel:3", "part=3 must be x, y, magnitude, left"),
        ("gaussian:0", "sigma=0 must be above 0"),
        ("gaussian:1e9", "sigma=1000000000.0 must be above 0 and at most"),
        ("gaussian:wide", "sigma=wide is not a number"),
        ("gaussian:1,size=4", "size=4 must be odd"),
        ("gaussian(2, width=3)", "no value is called width; it takes sigma=1.0, size=None"),
        ("box:0", "size=0 must be a whole number from 1 to 1023"),
        ("random:3,seed=-1", "seed=-1 must be a whole number"),
        ("gaussian(2", "is not a name, name:values or name(values)"),
        ("gaussian:2)+(3", "is not one call"),
        ("gaussian:__import__('os')", "is not a number, a name or a list of them"),
        ("gaussian:" + "(" * 5000, "cannot be read"),
        ("gaussian:" + "1" * 50_000, "is not a name"),
    ],
)
def test_a_bad_kernel_is_refused_in_a_sentence(spec, message):
    with pytest.raises(SpecError) as refusal:
        kernel(spec)
    assert message in str(refusal.value)
    assert len(str(refusal.value)) < 400


def tone(one):
    """Whether responses are shown as absolute values, and what they are multiplied by in all."""
    found = intensity_map(one, Range(), 255)
    return found.absolute, found.gain * one.parts[0].scale


def test_the_tone_follows_from_the_weights():
    assert tone(kernel("blur")) == (False, Fraction(1, 16))
    assert tone(kernel("edge")) == (True, 1)
    assert tone(kernel("sobel")) == (True, Fraction(1, 4))
    assert tone(kernel("-1 0 1; -2 0 2; -1 0 1")) == (True, Fraction(1, 4))
    assert tone(kernel("prewitt")) == (True, Fraction(1, 3))


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        (np.float32([0.1, 0.2, 0.7]), False),
        (np.float32([0.1, 0.2, -0.3]), False),
        (np.float32([[1 / 9] * 3] * 3), False),
        (np.float32([0.1, 0.2, 0.6999]), True),
        (np.float32([0.5, 0.75]), True),
    ],
)
def test_sums_of_float32_weights_are_taken_for_0_or_1(tmp_path, weights, told):
    np.save(tmp_path / "k.npy", weights)
    options = replayed(FilterOptions(kernels=(f"@{tmp_path / 'k.npy'}",)))
    assert bool(remarks(spec_of(options), options)) == told
