"""Values at positions that another tensor names: `grid_sample` (Jaderberg et al. 2015)."""

from collections.abc import Callable
from itertools import product

import numpy as np

from convcli.arrays import Array
from convcli.errors import UnfitError
from convcli.runtime.resize import cubic_weights


def grid_sample(
    x: Array, grid: Array, mode: str = "bilinear", border: str = "zeros", corners: bool = False
) -> Array:
    """x (n, c, *lengths) at the positions of a grid (n, *out, axes), each from −1 to 1, x first.

    `corners` says that −1 and 1 are the centers of the outermost cells, not their outer edges.
    Gives (n, c, *out).

    >>> grid_sample(np.array([[[[1.0, 3.0]]]]), np.array([[[[0.0, 0.0], [0.25, 0.0]]]]))
    array([[[[2. , 2.5]]]])

    Raises UnfitError for modes and borders that are not computed.
    """
    taps = TAPS.get(mode)
    if taps is None or border not in ("zeros", "border", "reflection"):
        raise UnfitError(f"grid_sample by {mode} with {border}: not computed here")
    lengths = x.shape[2:]
    sides = []
    for n, position in zip(lengths, np.moveaxis(grid[..., ::-1], -1, 0), strict=True):
        cells = (position + 1) / 2 * (n - 1) if corners else ((position + 1) * n - 1) / 2
        if mode not in ("bicubic", "cubic"):
            cells = _within(cells, n, border, corners)
        sides.append([(index, share, n) for index, share in taps(cells)])
    total = np.zeros((len(x), x.shape[1], *grid.shape[1:-1]), x.dtype)
    for corner in product(*sides):
        share = np.ones(grid.shape[:-1], np.float64)
        indices = []
        for position, weight, n in corner:
            inside = _within(position, n, border, corners)
            share = share * weight * ((inside >= 0) & (inside <= n - 1))
            indices.append(np.clip(inside, 0, n - 1).astype(np.intp))
        for item, (maps, weights) in enumerate(zip(x, share, strict=True)):
            total[item] += maps[:, *(index[item] for index in indices)] * weights.astype(x.dtype)
    return total


def _within(cells: Array, n: int, border: str, corners: bool) -> Array:
    """Places as the border has them: as they are, at the edge, or reflected at it."""
    if border == "border":
        return np.clip(cells, 0, n - 1)
    if border == "zeros":
        return cells
    low, high = (0.0, n - 1.0) if corners else (-0.5, n - 0.5)
    if high == low:
        return np.zeros_like(cells)
    turned = np.abs(np.mod(cells - low + (high - low), 2 * (high - low)) - (high - low))
    return np.clip(turned + low, 0, n - 1)


def _nearest(cells: Array) -> list[tuple[Array, Array]]:
    return [(np.rint(cells), np.ones_like(cells))]


def _linear(cells: Array) -> list[tuple[Array, Array]]:
    low = np.floor(cells)
    return [(low, 1 - (cells - low)), (low + 1, cells - low)]


def _cubic(cells: Array) -> list[tuple[Array, Array]]:
    low = np.floor(cells)
    weights = cubic_weights(cells - low, -0.75)
    return [(low + tap - 1, weights[..., tap]) for tap in range(4)]


TAPS: dict[str, Callable[[Array], list[tuple[Array, Array]]]] = {
    "nearest": _nearest,
    "bilinear": _linear,
    "linear": _linear,
    "bicubic": _cubic,
    "cubic": _cubic,
}
"""The cells that a position is mixed of on an axis, and their shares."""
