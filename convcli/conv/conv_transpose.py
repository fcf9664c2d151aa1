"""Transposed convolution: each input value adds the kernel, times itself, to the output."""

from itertools import product
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from convcli.arrays import Array
from convcli.conv.sliding import spans
from convcli.conv.validate import (
    Dtypes,
    Padding,
    Sizes,
    batch,
    bias_of,
    check_count,
    finished,
    integer,
    pads,
    pair,
)
from convcli.errors import UnfitError
from convcli.geometry import Pair, Window, transposed_length
from convcli.text import counted

BAND_BYTES = 4 << 20
"""Products of one band of input rows."""


def conv_transpose2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Array:
    """The transpose of `conv2d`, as `torch.nn.functional.conv_transpose2d`.

        y[n, f, u·s + d·i − p, v·s + d·j − p] += x[n, c, u, v] · weight[c, f, i, j]

    (Dumoulin & Visin 2016, §4).

    Parameters:
        x: images (n, c, h, w), or one image (c, h, w).
        weight: filters (c, f / groups, i, j): those of the convolution it transposes.
        bias: one value for each of the f outputs.
        padding: cells cut off around the result, as in `conv2d`; ((top, bottom), (left, right))
            where the sides differ. Names of paddings have no meaning here.
        output_padding: rows and columns added at the end, less than the stride or the dilation.

    Returns a new array (n, f, h', w') or (f, h', w') with
    h' = (h − 1)·stride − 2·padding + dilation·(i − 1) + output_padding + 1; dtypes and errors as in
    `conv2d`.

    >>> conv_transpose2d(np.array([[[1, 2]]]), [[[[1, 1, 1]]]], stride=2)[0, 0]
    array([1, 1, 3, 2, 2])
    """
    x, weight = np.asarray(x), np.asarray(weight)
    images = batch(x, "c, h, w", "conv_transpose2d")
    groups = _check_shapes(images.shape, weight.shape, groups)
    offsets = bias_of(bias, weight.shape[1] * groups)
    dtypes = Dtypes("conv_transpose2d", images, weight, offsets, axis=1)
    strides, dilations = pair(stride, "stride"), pair(dilation, "dilation")
    rows, columns = map(Window, weight.shape[2:], strides, dilations)
    added = pair(output_padding, "output_padding", 0)
    if isinstance(padding, str):
        raise UnfitError(f"padding={padding!r}: a transposed convolution takes numbers")
    cut = pads(padding, (rows, columns))
    images, weight = (array.astype(dtypes.working, copy=False) for array in (images, weight))
    y = transposed(images, weight, (rows, columns), cut, added, groups)
    y = finished(y, offsets, dtypes.result, axes=2)
    return y if x.ndim == 4 else y[0]


def transposed(
    x: Array,
    weight: Array,
    windows: tuple[Window, Window],
    cut: tuple[Pair, Pair],
    added: Pair,
    groups: int,
) -> Array:
    """The sum (n, f, h', w') of the kernels times their input values, of checked arguments."""
    images, channels, height, width = x.shape
    filters, *kernel = weight.shape[1:]
    size = [
        transposed_length(*axis) for axis in zip((height, width), windows, cut, added, strict=True)
    ]
    (top, bottom), (left, right) = cut
    row_window, column_window = windows
    shape = images, groups, filters, top + size[0] + bottom, left + size[1] + right
    check_count(prod(shape), "the result before it is cut")
    canvas = np.zeros(shape, x.dtype)
    kernels = weight.reshape(groups, channels // groups, filters * kernel[0] * kernel[1])
    x = x.reshape(images, groups, channels // groups, height, width)
    row_bytes = max(filters * kernel[0] * kernel[1] * width * x.itemsize, 1)
    bands = spans(height, BAND_BYTES // row_bytes)
    for n, g, (first, last) in product(range(images), range(groups), bands):
        band = x[n, g, :, first:last].reshape(channels // groups, (last - first) * width)
        products = (kernels[g].T @ band).reshape(filters, *kernel, last - first, width)
        for i, row in enumerate(row_window.cells(first)):
            for j, column in enumerate(column_window.cells(0)):
                target = canvas[n, g, :, row :: row_window.stride, column :: column_window.stride]
                target[:, : last - first, :width] += products[:, i, j]
    y = canvas[..., top : top + size[0], left : left + size[1]]
    return np.ascontiguousarray(y).reshape(images, groups * filters, *size)


def _check_shapes(x: tuple[int, ...], weight: tuple[int, ...], groups: object) -> int:
    """The number of groups, of shapes (n, c, h, w) and (c, f / groups, i, j) that fit them."""
    if len(weight) != 4 or 0 in weight[1:]:
        raise UnfitError(
            f"weight has the shape {weight}; conv_transpose2d takes (c, f / groups, i, j)"
        )
    count = integer(groups, "groups")
    if weight[0] % count:
        raise UnfitError(f"groups={groups} does not divide {counted(weight[0], 'channel')}")
    if x[1] != weight[0]:
        raise UnfitError(f"x has {x[1]} channels, the filters expect {weight[0]}")
    return count
