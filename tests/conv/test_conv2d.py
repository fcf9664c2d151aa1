"""Every algorithm against the definition, and conv2d's manners as a door."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convcli.conv import conv2d
from convcli.conv.algorithms import ALGORITHMS
from convcli.errors import UnfitError

# images, channels, height, width, filters, kernel, stride, padding, dilation, groups
CASES = [
    (1, 1, 5, 5, 1, (3, 3), 1, 0, 1, 1),
    (2, 3, 7, 8, 4, (3, 2), (2, 1), 1, 1, 1),
    (1, 4, 9, 6, 6, (3, 3), 1, (0, 2), 2, 2),
    (1, 6, 5, 5, 6, (3, 3), 1, 1, 1, 6),
    (1, 3, 4, 4, 2, (4, 4), 1, 0, 1, 1),
    (1, 2, 1, 1, 3, (1, 1), 3, 0, 1, 1),
    (1, 1, 3, 3, 1, (5, 5), 1, 2, 1, 1),
    (1, 2, 6, 6, 2, (2, 2), 1, "same", 1, 1),
    (1, 2, 6, 7, 2, (3, 5), 2, "valid", 1, 2),
    (0, 2, 4, 4, 2, (3, 3), 1, 0, 1, 1),
    (1, 1, 12, 12, 1, (2, 2), 1, 4, 7, 1),
    (3, 2, 40, 90, 5, (3, 3), 1, 1, 1, 1),
]


def tolerance(x, weight):
    """|error| of a sum of t products is at most about t · eps · Σ|x||w| (Higham 2002, §3.1)."""
    taps = weight[0].size
    return 2 * (taps + 2) * np.finfo(x.dtype).eps * conv_bound(x, weight)


def conv_bound(x, weight):
    return float(np.abs(x).max(initial=0) * np.abs(weight).sum(axis=(1, 2, 3)).max())


def arrays(case, dtype, seed=0):
    n, c, h, w, f, kernel, *_, groups = case
    rng = np.random.default_rng(seed)
    sizes = (n, c, h, w), (f, c // groups, *kernel), (f,)
    if np.dtype(dtype).kind == "f":
        return [rng.standard_normal(size).astype(dtype) for size in sizes]
    return [rng.integers(-100, 100, size).astype(dtype) for size in sizes]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", sorted(set(ALGORITHMS) - {"reference"}))
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_every_algorithm_gives_the_definition(name, case, dtype):
    x, weight, bias = arrays(case, dtype)
    *_, stride, padding, dilation, groups = case
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    expected = conv2d(x, weight, bias, **options, algorithm="reference")
    try:
        given = conv2d(x, weight, bias, **options, algorithm=name)
    except UnfitError as refusal:
        assert "refuses:" in str(refusal)
        return
    assert given.dtype == expected.dtype
    if expected.dtype.kind == "i":
        np.testing.assert_array_equal(given, expected)
    else:
        np.testing.assert_allclose(given, expected, rtol=0, atol=tolerance(x, weight))


@settings(deadline=None)
@given(st.data())
def test_random_geometries_give_the_definition(data):
    draw = data.draw
    small = st.integers(1, 3)
    groups, kernel = draw(small), draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride, dilation = draw(st.tuples(small, small)), draw(st.tuples(small, small))
    padding = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    c, f = groups * draw(small), groups * draw(small)
    n, h, w = draw(st.integers(0, 2)), draw(st.integers(1, 9)), draw(st.integers(1, 9))
    for length, k, p, d in zip((h, w), kernel, padding, dilation, strict=True):
        assume(length + 2 * p >= d * (k - 1) + 1)
    x, weight, bias = arrays((n, c, h, w, f, kernel, groups), np.int16, draw(st.integers(0, 99)))
    options = (bias, stride, padding, dilation, groups)
    np.testing.assert_array_equal(
        conv2d(x, weight, *options), conv2d(x, weight, *options, algorithm="reference")
    )


def test_the_worked_example_of_one_window():
    """1·1 + 2·0 + 3·1 + 0·0 + 1·1 + 5·0 + 1·1 + 0·0 + 2·1 = 8, digit for digit."""
    window = [[[1, 2, 3], [0, 1, 5], [1, 0, 2]]]
    kernel = [[[[1, 0, 1], [0, 1, 0], [1, 0, 1]]]]
    assert conv2d(window, kernel).item() == 8


def test_one_filter_spans_all_channels_and_adds_its_bias():
    window = np.array([7, 15, 4]).reshape(3, 1, 1)
    assert conv2d(window, np.ones((1, 3, 1, 1), int)).item() == 26
    assert conv2d(window, np.ones((1, 3, 1, 1), int), [2]).item() == 28


def test_an_impulse_returns_the_kernel_turned_around():
    impulse = np.zeros((1, 5, 5))
    impulse[0, 2, 2] = 1
    kernel = np.arange(9.0).reshape(1, 1, 3, 3)
    np.testing.assert_array_equal(conv2d(impulse, kernel)[0], kernel[0, 0, ::-1, ::-1])


def test_each_filter_is_its_own():
    x, weight, _ = arrays((1, 3, 6, 6, 4, (3, 3), 1), np.float64)
    together = conv2d(x[0], weight)
    for f in range(4):
        np.testing.assert_allclose(together[f], conv2d(x[0], weight[f : f + 1])[0], atol=1e-12)


@pytest.mark.parametrize(
    ("x", "weight", "result"),
    [
        (np.float32, np.float32, np.float32),
        (np.float16, np.float16, np.float16),
        (np.float32, np.float64, np.float64),
        (np.uint8, np.float32, np.float32),
        (np.uint8, np.int8, np.int64),
        (bool, bool, np.int64),
    ],
)
def test_dtypes(x, weight, result):
    y = conv2d(np.ones((1, 3, 3), x), np.ones((1, 1, 3, 3), weight))
    assert y.dtype == result
    assert y.item() == 9


def test_integers_beyond_float64_are_still_exact():
    x = np.full((1, 1, 3), 2**53 - 1)
    assert conv2d(x, np.array([[[[1, 1, -1]]]])).item() == 2**53 - 1
    with pytest.raises(UnfitError, match="beyond int64"):
        conv2d(x, np.full((1, 1, 1, 3), 2**10))


def test_inputs_may_be_read_only_and_strided_and_are_never_aliased():
    x = np.arange(64.0).reshape(1, 8, 8)[:, ::2, ::-1]
    x.flags.writeable = False
    y = conv2d(x, np.ones((1, 1, 1, 1)))
    np.testing.assert_array_equal(y, x)
    assert not np.shares_memory(x, y)


@pytest.mark.parametrize(
    ("x", "weight", "options", "message"),
    [
        ((5, 5), (1, 1, 3, 3), {}, "x has 2 axes"),
        ((1, 5, 5), (1, 3, 3), {}, "weight has the shape"),
        ((3, 5, 5), (1, 2, 3, 3), {}, "x has 3 channels, the filters expect 2"),
        ((4, 5, 5), (3, 2, 3, 3), {"groups": 2}, "groups=2 does not divide 3 filters"),
        ((1, 2, 5), (1, 1, 3, 3), {}, "the kernel reaches 3x3 cells, the padded input has 2x5"),
        ((1, 5, 5), (1, 1, 3, 3), {"stride": 0}, "stride=0 must be"),
        ((1, 5, 5), (1, 1, 3, 3), {"padding": -1}, "padding=-1 must be"),
        ((1, 5, 5), (1, 1, 3, 3), {"padding": "same", "stride": 2}, "is for stride 1"),
        ((1, 5, 5), (1, 1, 3, 3), {"padding": "full"}, "padding='full' must be"),
        ((1, 5, 5), (1, 1, 3, 3), {"bias": np.ones(2)}, "bias has the shape"),
        ((1, 5, 5), (1, 1, 3, 3), {"algorithm": "magic"}, "is none of auto"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(x, weight, options, message):
    with pytest.raises(ValueError, match=message):
        conv2d(np.ones(x), np.ones(weight), **options)


def test_complex_numbers_are_refused():
    with pytest.raises(ValueError, match="real numbers"):
        conv2d(np.ones((1, 3, 3), complex), np.ones((1, 1, 3, 3)))
