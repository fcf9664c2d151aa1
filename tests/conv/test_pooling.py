"""Pools against windows written out, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convcli.conv import adaptive_avg_pool2d, avg_pool2d, max_pool2d, min_pool2d
from convcli.errors import UnfitError


def by_hand(x, kernel, stride, padding, dilation, ceil, reduce):
    """Each window as a list of the cells that lie in x, reduced one by one."""
    rows, columns = (
        windows_by_hand(*axis, ceil)
        for axis in zip(x.shape[-2:], kernel, stride, padding, dilation, strict=True)
    )
    y = np.empty((*x.shape[:-2], len(rows), len(columns)))
    for u, v in np.ndindex(*y.shape[-2:]):
        y[..., u, v] = reduce(x[..., rows[u], :][..., columns[v]])
    return y


def windows_by_hand(length, kernel, stride, padding, dilation, ceil):
    """The cells of each window along one axis, found by sliding it until it leaves the axis."""
    windows, start, end = [], -padding, length + padding
    while True:
        taps = [start + tap * dilation for tap in range(kernel)]
        # rounded up: one more where the last left cells over, if it begins before the end's padding
        more = ceil and taps[-1] - stride < end - 1 and start < length
        if taps[-1] >= end and not more:
            return windows
        windows.append([cell for cell in taps if 0 <= cell < length])
        start += stride


small = st.integers(1, 3)
pairs = st.tuples(small, small)


@settings(deadline=None)
@given(pairs, pairs, pairs, pairs, st.booleans(), pairs)
def test_a_pool_reduces_the_cells_of_each_window(kernel, stride, padding, dilation, ceil, more):
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding = [min(p, one - 1) // 2 for p, one in zip(padding, reach, strict=True)]
    size = [one - 1 + extra for one, extra in zip(reach, more, strict=True)]
    x = np.random.default_rng(0).integers(-9, 9, (2, 1, *size)).astype(float)
    options = kernel, stride, padding, dilation, ceil
    axes = (-2, -1)
    expected = by_hand(x, *options, lambda cells: cells.max(axes))
    np.testing.assert_array_equal(max_pool2d(x, *options), expected)
    values, cells = max_pool2d(x, *options, return_indices=True)
    np.testing.assert_array_equal(values, expected)
    flat = np.take_along_axis(x.reshape(2, 1, -1), cells.reshape(2, 1, -1), -1)
    np.testing.assert_array_equal(flat.reshape(values.shape), values)
    expected = by_hand(x, *options, lambda cells: cells.min(axes))
    np.testing.assert_array_equal(min_pool2d(x, *options), expected)
    expected = by_hand(x, *options, lambda cells: cells.mean(axes))
    given_means = avg_pool2d(
        x, kernel, stride, padding, ceil, count_include_pad=False, dilation=dilation
    )
    np.testing.assert_allclose(given_means, expected, atol=1e-12)


def test_the_lecture_notes_pool_gives_four_by_four():
    """20×20×3, six 4×4 filters at stride 2, then a 3×3 pool at stride 2: 4×4×6, not 3×3×6."""
    assert max_pool2d(np.zeros((6, 9, 9)), 3, 2).shape == (6, 4, 4)


def test_padding_counts_in_a_mean_but_not_what_lies_beyond_it():
    x = np.ones((1, 3, 3))
    given_means = avg_pool2d(x, 2, 2, 1, ceil_mode=True)
    np.testing.assert_array_equal(given_means[0], [[0.25, 0.5], [0.5, 1]])
    x = np.ones((1, 1, 4))
    np.testing.assert_array_equal(avg_pool2d(x, (1, 3), 2, ceil_mode=True), [[[1, 1]]])


def test_a_nan_is_the_largest_and_the_smallest():
    x = np.array([[[1.0, np.nan, 3.0, 4.0]]])
    np.testing.assert_array_equal(max_pool2d(x, (1, 2)), [[[np.nan, 4]]])
    np.testing.assert_array_equal(min_pool2d(x, (1, 2)), [[[np.nan, 3]]])
    assert max_pool2d(x, (1, 2), return_indices=True)[1].tolist() == [[[1, 3]]]


def test_no_dtype_is_lost():
    for dtype in (np.uint8, np.int64, bool, np.float16, np.float32):
        x = np.ones((1, 4, 4), dtype)
        assert max_pool2d(x, 2, padding=1).dtype == dtype
        assert min_pool2d(x, 2, padding=1).all()
    assert avg_pool2d(np.ones((1, 2, 2), np.float16), 2).dtype == np.float16
    assert avg_pool2d(np.ones((1, 2, 2), int), 2).dtype == np.float64


def test_a_pool_of_one_cell_is_a_copy():
    x = np.arange(4.0).reshape(1, 2, 2)
    for y in (max_pool2d(x, 1), avg_pool2d(x, 1), adaptive_avg_pool2d(x, None)):
        np.testing.assert_array_equal(y, x)
        assert not np.shares_memory(x, y)


@given(st.integers(1, 9), st.integers(1, 9))
def test_adaptive_windows_cover_the_axis(length, count):
    x = np.arange(float(length)).reshape(1, 1, length)
    expected = [
        np.mean(x[0, 0, u * length // count : -(-(u + 1) * length // count)]) for u in range(count)
    ]
    np.testing.assert_allclose(adaptive_avg_pool2d(x, (None, count))[0, 0], expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: max_pool2d(x, 0), "kernel_size=0"),
        (lambda x: max_pool2d(x, 2, padding=2), "would see nothing but padding"),
        (lambda x: max_pool2d(x, 9), "the kernel of 9 is longer than the input of 4; pad 3"),
        (lambda x: max_pool2d(x[0], 2), "x has 2 axes"),
        (lambda x: max_pool2d(x * 1j, 2), "real numbers"),
        (lambda x: avg_pool2d(x, 2, divisor_override=0), "divisor_override=0"),
        (lambda x: adaptive_avg_pool2d(x, -1), "output_size=-1"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(UnfitError, match=message):
        call(np.ones((1, 4, 4)))


def test_a_rounded_up_window_may_be_longer_than_the_input():
    x = np.arange(4.0).reshape(1, 1, 2, 2)
    assert max_pool2d(x, 3, 2, ceil_mode=True).tolist() == [[[[3.0]]]]
    assert avg_pool2d(x, 3, 2, ceil_mode=True).tolist() == [[[[1.5]]]]
    with pytest.raises(UnfitError, match="the kernel of 3 is longer"):
        max_pool2d(x, 3, 2)
