"""Borders against `numpy.pad`, for every mode, wider than the image too."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcli.borders import BORDERS, PYTORCH_BORDERS, Border
from convcli.conv import conv2d
from convcli.conv.algorithms import ALGORITHMS
from convcli.conv.functional import problem_of
from convcli.conv.padding import folded, padded_rows
from convcli.conv.spec import Problem
from convcli.errors import UnfitError

sides = st.tuples(st.integers(0, 6), st.integers(0, 6))
PADDED = sorted(set(BORDERS) - {"valid"})
"""The borders that add cells."""


def numpy_pad(x, padding, border, fill=0):
    mode = "constant" if border == "zero" else border
    options = {"constant_values": fill} if mode == "constant" else {}
    return np.pad(x, [(0, 0), *padding], mode=mode, **options)


def problem(size, padding, border, fill=0):
    return Problem(
        1, 1, 2, 1, size, padding, (1, 1), (1, 1), (1, 1), "float64", False, Border(border, fill)
    )


@given(
    st.sampled_from(PADDED),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.tuples(sides, sides),
    st.data(),
)
def test_any_rows_of_any_border_are_those_of_numpy(border, size, padding, data):
    x = np.arange(2.0 * size[0] * size[1]).reshape(2, *size) + 1
    fill = 7 if border == "constant" else 0
    expected = numpy_pad(x, padding, border, fill)
    first = data.draw(st.integers(0, expected.shape[1] - 1))
    last = data.draw(st.integers(first + 1, expected.shape[1]))
    given_rows = padded_rows(x, problem(size, padding, border, fill), first, last)
    np.testing.assert_array_equal(given_rows, expected[:, first:last])


def test_what_lies_beyond_the_border_is_zero():
    x = np.ones((2, 2, 2))
    out = np.full((2, 5, 6), np.nan)
    padded_rows(x, problem((2, 2), ((1, 0), (0, 1)), "edge"), 1, 6, out)
    np.testing.assert_array_equal(out[:, :2, :3], 1)
    assert out.sum() == 2 * 2 * 3


@given(
    st.sampled_from(PADDED),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.tuples(sides, sides),
)
def test_folding_is_the_adjoint_of_adding_a_border(border, size, padding):
    """⟨pad(x), g⟩ = ⟨x, fold(g)⟩, in integers."""
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 9, (2, *size)).astype(float)
    one = problem(size, padding, border)
    padded = padded_rows(x, one, 0, one.padded[0])
    g = rng.integers(-9, 9, padded.shape).astype(float)
    assert (padded * g).sum() == (x * folded(g, one)).sum()


SIZE, BANK, PADDING = (2, 9, 11), (3, 2, 3, 3), ((2, 1), (0, 3))
BORDERED = problem_of((1, *SIZE), BANK, 1, PADDING, 1, 1, np.dtype(np.float64))
ABLE = [name for name, one in ALGORITHMS.items() if one.refuses(BORDERED) is None]


@pytest.mark.parametrize("border", PADDED)
@pytest.mark.parametrize("algorithm", ABLE)
def test_a_convolution_extends_the_picture(border, algorithm):
    rng = np.random.default_rng(0)
    x, weight, padding = rng.standard_normal(SIZE), rng.standard_normal(BANK), PADDING
    padded = numpy_pad(x, padding, border, 2.5)
    given_maps = conv2d(
        x,
        weight,
        padding=padding,
        algorithm=algorithm,
        padding_mode=border,
        padding_value=2.5,
    )
    if border == "zero":
        padded = numpy_pad(x, padding, border)
    np.testing.assert_allclose(given_maps, conv2d(padded, weight), atol=1e-11)


def test_pytorchs_names_are_understood():
    x, weight = np.arange(9.0).reshape(1, 3, 3), np.ones((1, 1, 3, 3))
    for theirs, ours in PYTORCH_BORDERS.items():
        np.testing.assert_array_equal(
            conv2d(x, weight, padding=1, padding_mode=theirs),
            conv2d(x, weight, padding=1, padding_mode=ours),
        )
    with pytest.raises(UnfitError, match="padding_mode='mirror' is not a border: zero, edge"):
        conv2d(x, weight, padding=1, padding_mode="mirror")
