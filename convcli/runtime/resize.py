"""Resizing as ONNX defines it: positions of output cells on the input, and weights of cells."""

from collections.abc import Callable, Sequence

import numpy as np

from convcli.arrays import Array
from convcli.errors import UnfitError


def _positions(where: str, n: int, out: int, scale: float, roi: tuple[float, float]) -> Array:
    """The position of each output cell on the input, in cells."""
    x = np.arange(out, dtype=np.float64)
    if where in ("pytorch_half_pixel", "align_corners") and out <= 1:
        return np.zeros(1)
    if where == "align_corners":
        return x * (n - 1) / (out - 1)
    if where == "asymmetric":
        return x / scale
    centers = (x + 0.5) / scale
    if where == "tf_half_pixel_for_nn":
        return centers
    if where in ("half_pixel", "pytorch_half_pixel"):
        return centers - 0.5
    if where == "half_pixel_symmetric":
        return n / 2 * (1 - out / (n * scale)) + centers - 0.5
    start, end = roi
    if out > 1:
        return start * (n - 1) + x * (end - start) * (n - 1) / (out - 1)
    return np.array([0.5 * (start + end) * (n - 1)])


ROUNDINGS: dict[str, Callable[[Array], Array]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
}


def cubic_weights(share: Array, a: float) -> Array:
    """Keys 1981: weights of the four cells around a position, (positions, 4)."""

    def inner(t: Array) -> Array:
        return np.asarray(((a + 2) * t - (a + 3)) * t * t + 1)

    def outer(t: Array) -> Array:
        return np.asarray(((a * t - 5 * a) * t + 8 * a) * t - 4 * a)

    return np.stack([outer(share + 1), inner(share), inner(1 - share), outer(2 - share)], -1)


def resize(
    x: Array,
    shape: Sequence[int],
    mode: str,
    where: str,
    rounding: str,
    scales: Sequence[float],
    roi: Sequence[float],
    a: float,
    exclude_outside: bool,
    fill: float,
) -> Array:
    """ONNX's Resize along each axis whose length or scale is not kept.

    >>> row = np.array([[1.0, 2.0]])
    >>> resize(row, (1, 4), "linear", "half_pixel", "", (1, 2), (), -0.75, False, 0)
    array([[1.  , 1.25, 1.75, 2.  ]])
    """
    outside = np.zeros(tuple(shape), bool)
    for axis, (out, scale) in enumerate(zip(shape, scales, strict=True)):
        n = x.shape[axis]
        ends = (roi[axis], roi[axis + len(shape)]) if roi else (0.0, 1.0)
        if out == n and scale == 1 and not roi:
            continue
        positions = _positions(where, n, out, scale, ends)
        if where == "tf_crop_and_resize":
            beyond = (positions < 0) | (positions > n - 1)
            outside |= beyond.reshape([-1] + [1] * (x.ndim - axis - 1))
        if mode == "nearest":
            cells = np.clip(ROUNDINGS[rounding](positions), 0, n - 1).astype(np.intp)
            x = np.take(x, cells, axis)
            continue
        low = np.floor(positions)
        share = positions - low
        if mode == "cubic":
            weights, first = cubic_weights(share, a), -1
        elif mode in ("linear", "bilinear"):
            weights, first = np.stack([1 - share, share], -1), 0
        else:
            raise UnfitError(f"resizing in the mode {mode!r:.40} is not computed")
        taps = low[:, np.newaxis].astype(np.intp) + np.arange(first, first + weights.shape[1])
        if exclude_outside:
            weights = weights * ((taps >= 0) & (taps < n))
            weights = weights / weights.sum(-1, keepdims=True)
        taps = np.clip(taps, 0, n - 1)
        broad = [-1] + [1] * (x.ndim - axis - 1)
        parts = [
            np.take(x, taps[:, tap], axis) * weights[:, tap].astype(x.dtype).reshape(broad)
            for tap in range(taps.shape[1])
        ]
        x = np.asarray(sum(parts[1:], parts[0]))
    return np.where(outside, np.asarray(fill, x.dtype), x) if outside.any() else x
