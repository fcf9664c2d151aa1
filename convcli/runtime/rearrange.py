"""Layers that move, repeat or interpolate values: reshapes, pads, upsampling, shuffles.

Each takes its record, the maps of one image and no weights, as `layers.py` calls them.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from convcli.arrays import Array
from convcli.borders import Border
from convcli.geometry import Pair
from convcli.nets.layers import Pad, PixelShuffle, Reshape, Shuffle, Upsample
from convcli.nets.layers.sequences import text_order

Weights = Mapping[str, Array]


def reshape(layer: Reshape, x: Array, weights: Weights) -> Array:
    output = layer.measure(x.shape).output
    if not layer.channels_last:
        return x.reshape(output)
    ordered = np.moveaxis(x, 0, -1).reshape(text_order(output))
    return np.ascontiguousarray(np.moveaxis(ordered, -1, 0))


def cropped(x: Array, ends: Sequence[Pair]) -> tuple[Array, list[Pair]]:
    """x without the cells that negative paddings cut off, and the paddings that are left."""
    cuts = (
        slice(max(-before, 0), n - max(-after, 0))
        for n, (before, after) in zip(x.shape, ends, strict=True)
    )
    return x[tuple(cuts)], [(max(before, 0), max(after, 0)) for before, after in ends]


def pad(layer: Pad, x: Array, weights: Weights) -> Array:
    cut, grown = cropped(x, ((0, 0), *layer.padding))
    border = Border(layer.border, layer.value)
    if not border.repeats:
        return np.pad(cut, grown, constant_values=border.fill)
    for axis, ends in enumerate(grown[1:], 1):
        cut = cut.take(border.cells(cut.shape[axis], ends), axis)
    return cut


def upsample(layer: Upsample, x: Array, weights: Weights) -> Array:
    lengths = layer.measure(x.shape).output[1:]
    for axis, length in enumerate(lengths, 1):
        n = x.shape[axis]
        scale = layer.scale[(axis - 1) % len(layer.scale)] if layer.scale else length / n
        if layer.mode == "linear":
            x = _stretched(x, axis, length, scale, layer.corners)
        else:
            half = 0.5 if layer.mode == "nearest-exact" else 0.0
            positions = np.floor((np.arange(length) + half) / scale).astype(np.intp)
            x = np.take(x, np.minimum(positions, n - 1), axis)
    return x


def _stretched(x: Array, axis: int, length: int, scale: float, corners: bool) -> Array:
    """Linear interpolation along an axis, by cell centers or, with `corners`, by the ends."""
    n, cells = x.shape[axis], np.arange(length)
    if corners:
        positions = cells * ((n - 1) / (length - 1) if length > 1 else 0.0)
    else:
        positions = np.maximum((cells + 0.5) / scale - 0.5, 0)
    low = np.minimum(np.floor(positions).astype(np.intp), n - 1)
    high = np.minimum(low + 1, n - 1)
    share = (positions - low).astype(x.dtype).reshape(-1, *[1] * (x.ndim - axis - 1))
    return np.asarray(np.take(x, low, axis) * (1 - share) + np.take(x, high, axis) * share)


def shuffle(layer: Shuffle, x: Array, weights: Weights) -> Array:
    rows = x.reshape(layer.groups, -1, *x.shape[1:])
    return np.ascontiguousarray(rows.swapaxes(0, 1)).reshape(x.shape)


def pixel_shuffle(layer: PixelShuffle, x: Array, weights: Weights) -> Array:
    f, (c, h, w) = layer.factor, x.shape
    if layer.inverse:
        cells = x.reshape(c, h // f, f, w // f, f).transpose(0, 2, 4, 1, 3)
        return cells.reshape(c * f * f, h // f, w // f)
    cells = x.reshape(c // (f * f), f, f, h, w).transpose(0, 3, 1, 4, 2)
    return cells.reshape(c // (f * f), h * f, w * f)
