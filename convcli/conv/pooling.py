"""Windows reduced to one value each: the maximum, the minimum, the mean."""

from collections.abc import Callable
from math import prod
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli.arrays import Array, Dtype
from convcli.conv.validate import (
    Padding,
    Sizes,
    batch,
    check_count,
    check_real,
    flag,
    integer,
    integers,
    pads,
    pair,
)
from convcli.errors import UnfitError
from convcli.geometry import (
    Pair,
    Window,
    adaptive_cells,
    ceil_padding,
    output_length,
    pool_padding_refusal,
)
from convcli.records import NamedTuple

Reduce = Callable[..., Array]


class Axis(NamedTuple):
    """The windows along one axis of `length` cells."""

    length: int
    window: Window
    padding: Pair
    ceil_mode: bool

    @property
    def output(self) -> int:
        """Places of the window. Raises UnfitError where it has none.

        >>> Axis(6, Window(3, 2), (0, 0), False).output, Axis(6, Window(3, 2), (0, 0), True).output
        (2, 3)
        """
        padding = self.padding
        if self.ceil_mode:
            padding = ceil_padding(self.length, self.window, padding)
        return output_length(self.length, self.window, padding)

    @property
    def padded(self) -> int:
        """Cells that the windows read, which may end before the padding does or go beyond."""
        return self.window.span(self.output)

    @property
    def cells(self) -> NDArray[np.int64]:
        """The cell of x that each tap of each window reads, (outputs, taps)."""
        starts = self.window.starts(self.output, self.padding[0])
        return np.asarray(np.array(starts)[:, np.newaxis] + np.array(self.window.cells(0)))

    def positions(self, tap: int) -> slice:
        """The padded cells that this tap of each window reads."""
        cells = self.window.starts(self.output, -self.window.cells(0)[tap])
        return slice(cells.start, cells.stop, cells.step)

    def counted(self, include_pad: bool) -> NDArray[np.int64]:
        """The cells of each window that a mean divides by; never those beyond the padding."""
        before, after = self.padding if include_pad else (0, 0)
        cells = self.cells
        inside = (cells >= -before) & (cells < self.length + after)
        return np.asarray(np.count_nonzero(inside, axis=1))


@overload
def max_pool2d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Array: ...
@overload
def max_pool2d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    *,
    return_indices: Literal[True],
) -> tuple[Array, Array]: ...
def max_pool2d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Array | tuple[Array, Array]:
    """The largest value of each window, as `torch.nn.functional.max_pool2d`.

        y[n, c, u, v] = max over i, j of x[n, c, u·s + d·i − p, v·s + d·j − p]

    (Scherer, Müller & Behnke 2010). x is (n, c, h, w) or (c, h, w), of any real dtype, which the
    result (n, c, h', w') or (c, h', w') keeps; h' is ⌊(h + 2·p − d·(i − 1) − 1) / s⌋ + 1, or ⌈…⌉ +
    1 with `ceil_mode`, where a window starts inside x. The stride is the kernel unless given;
    padding never wins and is less than the dilated kernel. With `return_indices` the result is
    a pair, its second the cell h·w of each first maximum, as int64; −1 for a window that dilation
    leads past every cell of x. A NaN wins.

    Raises UnfitError for windows that do not fit and for dtypes that are not real numbers.

    >>> max_pool2d(np.arange(16).reshape(1, 4, 4), 2)
    array([[[ 5,  7],
            [13, 15]]])
    """
    x = np.asarray(x)
    axes = pool_axes(x, kernel_size, stride, padding, dilation, ceil_mode)
    if flag(return_indices, "return_indices"):
        return extreme_cells(x, axes)
    return _reduced(_padded(x, axes, _limits(x.dtype)[0], x.dtype), axes, np.maximum)


def min_pool2d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Array:
    """The smallest value of each window; shapes, dtypes and errors as in `max_pool2d`.

    >>> min_pool2d(np.arange(16).reshape(1, 4, 4), 2)
    array([[[ 0,  2],
            [ 8, 10]]])
    """
    x = np.asarray(x)
    axes = pool_axes(x, kernel_size, stride, padding, dilation, ceil_mode)
    return _reduced(_padded(x, axes, _limits(x.dtype)[1], x.dtype), axes, np.minimum)


def avg_pool2d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    dilation: Sizes = 1,
) -> Array:
    """The mean of each window, as `torch.nn.functional.avg_pool2d`.

    x is (n, c, h, w) or (c, h, w), the result (n, c, h', w') or (c, h', w') with the sizes of
    `max_pool2d` (LeCun et al. 1998); floats keep their dtype (float16 is summed in float32),
    integers give float64. A window is divided by its cells, the padding's zeros among them unless
    `count_include_pad` is false, or by `divisor_override`. `dilation` is ONNX's; errors as in
    `max_pool2d`.

    >>> avg_pool2d(np.arange(16.0).reshape(1, 4, 4), 2)
    array([[[ 2.5,  4.5],
            [10.5, 12.5]]])
    """
    x = np.asarray(x)
    axes = pool_axes(x, kernel_size, stride, padding, dilation, ceil_mode)
    result = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    working = np.promote_types(result, np.float32)
    sums = _reduced(_padded(x, axes, 0, working), axes, np.add)
    sums /= divisors(axes, count_include_pad, divisor_override, working)
    return sums.astype(result, copy=False)


def divisors(
    axes: tuple[Axis, Axis], include_pad: bool, override: int | None, dtype: Dtype
) -> Array:
    """The divisor of the sum of each window, (h', w')."""
    if override is not None:
        divisor = integer(override, "divisor_override")
        return np.full((axes[0].output, axes[1].output), divisor, dtype)
    include_pad = flag(include_pad, "count_include_pad")
    rows, columns = (axis.counted(include_pad) for axis in axes)
    # a window of padding alone sums to nothing, whatever it is divided by
    return np.asarray(np.maximum(rows[:, np.newaxis] * columns, 1), dtype)


def adaptive_avg_pool2d(
    x: ArrayLike, output_size: int | tuple[int | None, int | None] | None
) -> Array:
    """Means over windows that give a size, as `torch.nn.functional.adaptive_avg_pool2d`.

    Output cell u is the mean of rows ⌊u·h / h'⌋ up to ⌈(u + 1)·h / h'⌉. `None` keeps an axis.
    x is (n, c, h, w) or (c, h, w), the result (n, c, h', w') or (c, h', w') for an output_size
    of (h', w'), or one number for both; dtypes as in `avg_pool2d`.

    Raises UnfitError for an x without cells and for sizes that are not whole numbers.

    >>> adaptive_avg_pool2d(np.arange(15.0).reshape(1, 3, 5), (1, 2))
    array([[[6., 8.]]])
    """
    x = np.asarray(x)
    sizes = adaptive_sizes(x, output_size, "adaptive_avg_pool2d")
    result = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    sums = x.astype(np.promote_types(result, np.float32), copy=False)
    # a fresh array in memory order: where no axis changes, the means are x itself
    return np.array(_binned(sums, sizes, np.mean), result, order="C")


def adaptive_max_pool2d(
    x: ArrayLike, output_size: int | tuple[int | None, int | None] | None
) -> Array:
    """Maxima over the windows of `adaptive_avg_pool2d`; shapes and errors are its own.

    The result keeps the dtype of x.

    >>> adaptive_max_pool2d(np.arange(15).reshape(1, 3, 5), (1, 2))
    array([[[12, 14]]])
    """
    x = np.asarray(x)
    sizes = adaptive_sizes(x, output_size, "adaptive_max_pool2d")
    return np.array(_binned(x, sizes, np.max), x.dtype, order="C")


def adaptive_sizes(x: Array, output_size: object, function: str) -> list[int]:
    """The size of an adaptive pool's output, checked."""
    check_real(function, x)
    batch(x, "c, h, w", function)
    if 0 in x.shape[-2:]:
        raise UnfitError(f"x has no cells: {x.shape}")
    wanted: object = output_size
    if isinstance(wanted, np.ndarray):
        wanted = wanted.tolist()
    wanted = tuple(wanted) if isinstance(wanted, tuple | list) else (wanted,)
    wanted = wanted * 2 if len(wanted) == 1 else wanted
    kept = [old if new is None else new for new, old in zip(wanted, x.shape[-2:], strict=False)]
    sizes = integers(kept, 2) if len(wanted) == 2 else None
    if sizes is None or min(sizes) < 0:
        raise UnfitError(f"output_size={output_size} must be one or two whole numbers or None")
    check_count(prod(x.shape[:-2]) * sizes[0] * sizes[1], "the result")
    return sizes


def _binned(x: Array, sizes: list[int], reduce: Reduce) -> Array:
    """Both axes reduced in the windows of adaptive pooling, one after the other."""
    for axis, count in zip((-2, -1), sizes, strict=True):
        along = np.moveaxis(x, axis, 0)
        windows = (adaptive_cells(u, len(along), count) for u in range(count))
        parts = [reduce(along[cells.start : cells.stop], axis=0) for cells in windows]
        x = np.moveaxis(np.stack(parts) if parts else along[:0], 0, axis)
    return x


def pool_axes(
    x: Array,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Padding,
    dilation: Sizes,
    ceil_mode: bool,
) -> tuple[Axis, Axis]:
    """The arguments of a pool, checked and read along both axes."""
    check_real("a pool", x)
    batch(x, "c, h, w", "a pool")
    kernel, spacing = pair(kernel_size, "kernel_size"), pair(dilation, "dilation")
    # PyTorch's signature has an empty list where no stride is given
    if stride is None or (isinstance(stride, tuple | list) and not stride):
        steps = kernel
    else:
        steps = pair(stride, "stride")
    row_window, column_window = map(Window, kernel, steps, spacing)
    row_padding, column_padding = pads(padding, (row_window, column_window))
    ceil_mode = flag(ceil_mode, "ceil_mode")
    rows = Axis(x.shape[-2], row_window, row_padding, ceil_mode)
    columns = Axis(x.shape[-1], column_window, column_padding, ceil_mode)
    for axis in (rows, columns):
        # PyTorch stops at half the kernel; ONNX, whose models need more, here
        refusal = pool_padding_refusal(axis.window, axis.padding)
        if refusal:
            raise UnfitError(refusal)
        if axis.length < 1:
            raise UnfitError(f"x has no cells: {x.shape}")
    check_count(prod(x.shape[:-2]) * rows.padded * columns.padded, "the padded input")
    return rows, columns


def extreme_cells(x: Array, axes: tuple[Axis, Axis]) -> tuple[Array, Array]:
    """The maximum of each window, and the cell h·w where it stands first."""
    rows, columns = axes
    lowest, _ = _limits(x.dtype)
    padded = _padded(x, axes, lowest, x.dtype)
    best = np.full((*x.shape[:-2], rows.output, columns.output), lowest, x.dtype)
    cells = np.full(best.shape, -1, np.int64)
    row_cells, column_cells = rows.cells, columns.cells
    for i, j in np.ndindex(rows.window.kernel, columns.window.kernel):
        row, column = row_cells[:, i], column_cells[:, j]
        inside = ((row >= 0) & (row < rows.length))[:, np.newaxis] & (
            (column >= 0) & (column < columns.length)
        )
        value = padded[..., rows.positions(i), columns.positions(j)]
        # the first cell inside is better than none; a NaN is better than any number
        better = inside & ((value > best) | (cells < 0) | ((value != value) & (best == best)))
        np.copyto(best, value, where=better)
        np.copyto(cells, row[:, np.newaxis] * columns.length + column, where=better)
    return best, cells


def _reduced(padded: Array, axes: tuple[Axis, Axis], reduce: Reduce) -> Array:
    """Windows reduced along rows, then along columns: i + j passes instead of i · j."""
    for axis, where in zip(axes, (-2, -1), strict=True):
        along = np.moveaxis(padded, where, 0)
        total = along[axis.positions(0)].copy(order="K")
        for tap in range(1, axis.window.kernel):
            reduce(total, along[axis.positions(tap)], out=total)
        padded = np.moveaxis(total, 0, where)
    return np.ascontiguousarray(padded)


def _padded(x: Array, axes: tuple[Axis, Axis], fill: float, dtype: Dtype) -> Array:
    """x in a dtype, with `fill` around it and just as many cells as the windows read."""
    shape = *x.shape[:-2], axes[0].padded, axes[1].padded
    (top, _), (left, _) = (axis.padding for axis in axes)
    if shape == x.shape and top == left == 0:
        return x.astype(dtype, copy=False)
    padded = np.full(shape, fill, dtype)
    rows, columns = (min(axis.length, axis.padded - axis.padding[0]) for axis in axes)
    padded[..., top : top + rows, left : left + columns] = x[..., :rows, :columns]
    return padded


def _limits(dtype: Dtype) -> tuple[float, float]:
    """The smallest and the largest value of a dtype, infinities among them."""
    if dtype.kind in "bf":
        return (False, True) if dtype.kind == "b" else (-np.inf, np.inf)
    return np.iinfo(dtype).min, np.iinfo(dtype).max
