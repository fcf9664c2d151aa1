"""Stencils against SciPy, and exact where the numbers are integers."""

import numpy as np
import pytest
from scipy import ndimage

from convcli.images.engines.correlate import accumulator, stencil
from convcli.images.engines.shift_passes import Scratch


def correlate(x, factors, largest):
    chosen = stencil(factors, largest, bool(x.min() < 0), x.dtype.kind == "f")
    return chosen.run(x, Scratch(), "")


@pytest.mark.parametrize("shape", [(3, 3), (1, 5), (4, 2), (1, 1)])
@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_a_stencil_is_scipys_correlation_of_every_channel(shape, dtype):
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (12, 15, 3))
    kernel = rng.integers(-9, 9, shape).astype(dtype)
    rows, columns = shape
    expected = ndimage.correlate(
        picture.astype(dtype), kernel[..., np.newaxis], mode="constant", origin=0
    )
    top, left = rows // 2, columns // 2  # SciPy's anchor
    inside = expected[top : top + 13 - rows, left : left + 16 - columns]
    np.testing.assert_allclose(correlate(picture, [kernel], 255), inside, rtol=1e-12)


def test_factors_one_after_another_are_the_dense_kernel():
    rng = np.random.default_rng(2)
    picture = rng.integers(0, 256, (9, 9, 2)).astype(np.uint8)
    column, row = np.array([[1], [2], [1]]), np.array([[-1, 0, 1]])
    np.testing.assert_array_equal(
        correlate(picture, [column, row], 255), correlate(picture, [column * row], 255)
    )


@pytest.mark.parametrize("least", [0, -255])
def test_sums_that_outgrow_16_bits_go_on_in_32(least):
    wide = np.array([[1, 8, 28, 56, 70, 56, 28, 8, 1]])
    factors = [wide.T, wide]
    assert [one for one, _ in stencil(factors, 255, least < 0).stages][1:] == [np.int32]
    picture = np.random.default_rng(3).integers(least, 256, (20, 21, 2))
    np.testing.assert_array_equal(
        correlate(picture, factors, 255), correlate(picture.astype(float), factors, 255)
    )


def test_the_accumulator_is_as_wide_as_the_sums():
    assert accumulator([np.array([[2**23]])], 255) == np.int32
    assert accumulator([np.array([[2**24]])], 255) == np.int64
    assert accumulator([np.array([[2**62]])], 255).kind == "O"
    assert accumulator([np.array([[0.5]])], 255) == np.float64
    widest = correlate(np.full((1, 1, 1), 255), [np.array([[2**23]])], 255)
    assert widest.item() == 255 * 2**23
