"""Local contrast normalisation and adaptive maxima against loops written from their formulas."""

import numpy as np
import pytest

from convcli.conv import adaptive_max_pool2d, local_contrast_norm
from convcli.errors import UnfitError


def looped(x, size):
    """The formula of `local_contrast_norm`, window by window."""
    height, width = x.shape[1:]
    reach = size // 2
    offsets = np.arange(size) - reach
    bell = np.exp(-0.5 * (offsets / (size / 6)) ** 2)

    def weighted(maps):
        means = np.zeros((height, width))
        for i in range(height):
            for j in range(width):
                total = weight = 0.0
                for u in offsets:
                    for v in offsets:
                        if 0 <= i + u < height and 0 <= j + v < width:
                            g = bell[u + reach] * bell[v + reach]
                            total += g * maps[:, i + u, j + v].mean()
                            weight += g
                means[i, j] = total / weight
        return means

    centred = x - weighted(x)
    spread = np.sqrt(weighted(centred**2))
    return centred / np.maximum(spread, spread.mean())


@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_contrast_is_the_formula(size):
    x = np.random.default_rng(size).random((2, 7, 6))
    if size == 1:
        x = np.concatenate([x, x[::-1] * 2])
    np.testing.assert_allclose(local_contrast_norm(x[np.newaxis], size)[0], looped(x, size))


def test_contrast_does_not_see_brightness_or_scale():
    x = np.random.default_rng(0).random((1, 3, 12, 12))
    once = local_contrast_norm(x, 5)
    np.testing.assert_allclose(local_contrast_norm(40 * x - 7, 5), once, rtol=1e-9, atol=1e-9)


def test_a_window_without_a_centre_is_refused():
    with pytest.raises(UnfitError, match="size=4 must be odd"):
        local_contrast_norm(np.ones((1, 1, 5, 5)), 4)


def test_adaptive_maxima_are_those_of_their_windows():
    x = np.random.default_rng(1).standard_normal((2, 3, 7, 10))
    found = adaptive_max_pool2d(x, (3, None))
    for u in range(3):
        rows = x[:, :, u * 7 // 3 : -(-(u + 1) * 7 // 3)]
        np.testing.assert_array_equal(found[:, :, u], rows.max(axis=2))
