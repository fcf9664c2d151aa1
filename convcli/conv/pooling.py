"""Windows reduced to one value each: the largest, the smallest, the mean."""

from collections.abc import Callable
from math import prod
from typing import Literal, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli.arrays import Array, Dtype
from convcli.conv.spec import Pair
from convcli.conv.validate import (
    Padding,
    Sizes,
    batch,
    check_count,
    check_real,
    flag,
    pads,
    pair,
    whole,
    whole_number,
)
from convcli.errors import UnfitError

Reduce = Callable[..., Array]


class Axis(NamedTuple):
    """How windows stand along one axis of `length` cells, padded `before` and `after`."""

    length: int
    kernel: int
    stride: int
    dilation: int
    before: int
    after: int
    ceil: bool

    @property
    def reach(self) -> int:
        return self.dilation * (self.kernel - 1) + 1

    @property
    def output(self) -> int:
        """⌊(length + before + after − reach) / stride⌋ + 1, or ⌈…⌉ + 1 with `ceil`.

        With `ceil`, the last window must start inside the input or its padding in front
        (PyTorch, `torch.nn.MaxPool2d`).

        >>> Axis(6, 3, 2, 1, 0, 0, False).output, Axis(6, 3, 2, 1, 0, 0, True).output
        (2, 3)
        """
        slack = self.length + self.before + self.after - self.reach
        if not self.ceil:
            return slack // self.stride + 1
        count = -(-slack // self.stride) + 1
        return count - ((count - 1) * self.stride >= self.length + self.before)

    @property
    def padded(self) -> int:
        """Cells that the windows read, which may end before the padding does or go beyond."""
        return (self.output - 1) * self.stride + self.reach

    def places(self, tap: int) -> slice:
        """The padded cells that this tap of each window reads."""
        first = tap * self.dilation
        return slice(first, first + (self.output - 1) * self.stride + 1, self.stride)

    def counted(self, include_pad: bool) -> NDArray[np.int64]:
        """The cells of each window that a mean divides by; never those beyond the padding."""
        start, stop = (-self.before, self.length + self.after) if include_pad else (0, self.length)
        taps = np.arange(self.kernel) * self.dilation
        cells = np.arange(self.output)[:, np.newaxis] * self.stride - self.before + taps
        return np.asarray(np.count_nonzero((cells >= start) & (cells < stop), axis=1))


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
    padding never wins and is less than what a window reaches. With `return_indices` the result is
    a pair, its second the cell h·w of each first maximum, as int64; −1 for a window that dilation
    leads past every cell of x. A NaN wins.

    Raises UnfitError for windows that do not fit and for dtypes that are no real numbers.

    >>> max_pool2d(np.arange(16).reshape(1, 4, 4), 2)
    array([[[ 5,  7],
            [13, 15]]])
    """
    x = np.asarray(x)
    axes = pool_axes(x, kernel_size, stride, padding, dilation, ceil_mode)
    if flag(return_indices, "return_indices"):
        values, cells = extreme_cells(x, axes)
        return values, cells
    return _extreme(x, axes, np.maximum, largest=False)


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
    return _extreme(x, axes, np.minimum, largest=True)


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
    `count_include_pad` is false, or by `divisor_override`. `dilation` is ONNX's.

    Raises UnfitError for windows that do not fit and for dtypes that are no real numbers.

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
    """What the sum of each window is divided by, (h', w')."""
    if override is not None:
        divisor = whole_number(override, "divisor_override")
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

    Raises UnfitError for an x without cells and for sizes that are no whole numbers.

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


def adaptive_sizes(x: Array, output_size: object, door: str) -> list[int]:
    """The size of an adaptive pool's output, checked."""
    check_real(door, x)
    batch(x, "c, h, w", door)
    if 0 in x.shape[-2:]:
        raise UnfitError(f"x has no cells: {x.shape}")
    wanted: object = output_size
    if isinstance(wanted, np.ndarray):
        wanted = wanted.tolist()
    wanted = tuple(wanted) if isinstance(wanted, tuple | list) else (wanted,)
    wanted = wanted * 2 if len(wanted) == 1 else wanted
    kept = [old if new is None else new for new, old in zip(wanted, x.shape[-2:], strict=False)]
    sizes = whole(kept, 2) if len(wanted) == 2 else None
    if sizes is None or min(sizes) < 0:
        raise UnfitError(f"output_size={output_size} must be one or two whole numbers or None")
    check_count(prod(x.shape[:-2]) * sizes[0] * sizes[1], "the result")
    return sizes


def _binned(x: Array, sizes: list[int], reduce: Reduce) -> Array:
    """Both axes reduced in the windows of adaptive pooling, one after the other."""
    for axis, count in zip((-2, -1), sizes, strict=True):
        along = np.moveaxis(x, axis, 0)
        parts = [reduce(along[start:stop], axis=0) for start, stop in bins(len(along), count)]
        x = np.moveaxis(np.stack(parts) if parts else along[:0], 0, axis)
    return x


def bins(length: int, count: int) -> list[Pair]:
    """The windows of adaptive pooling.

    >>> bins(5, 2)
    [(0, 3), (2, 5)]
    """
    return [(u * length // count, -(-(u + 1) * length // count)) for u in range(count)]


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
    kernel, spread = pair(kernel_size, "kernel_size"), pair(dilation, "dilation")
    # PyTorch's signature has an empty list where no stride is given
    if stride is None or (isinstance(stride, tuple | list) and not stride):
        steps = kernel
    else:
        steps = pair(stride, "stride")
    reach = spread[0] * (kernel[0] - 1) + 1, spread[1] * (kernel[1] - 1) + 1
    sides, rounded_up = pads(padding, reach, steps), flag(ceil_mode, "ceil_mode")
    down, across = (
        Axis(length, taps, step, apart, *side, rounded_up)
        for length, taps, step, apart, side in zip(
            x.shape[-2:], kernel, steps, spread, sides, strict=True
        )
    )
    for axis in (down, across):
        # PyTorch stops at half the reach; ONNX, whose models ask for more, here
        if max(axis.before, axis.after) >= axis.reach:
            raise UnfitError(f"padding={padding}: a window of {axis.reach} would see nothing else")
        if axis.length < 1 or axis.output < 1:
            raise UnfitError(
                f"the window reaches {axis.reach} cells, the padded input has "
                f"{axis.length + axis.before + axis.after}"
            )
    check_count(prod(x.shape[:-2]) * down.padded * across.padded, "the padded input")
    return down, across


def extreme_cells(x: Array, axes: tuple[Axis, Axis]) -> tuple[Array, Array]:
    """The maximum of each window, and the cell h·w where it stands first."""
    down, across = axes
    padded = _padded(x, axes, _lowest(x.dtype), x.dtype)
    best = np.full((*x.shape[:-2], down.output, across.output), _lowest(x.dtype), x.dtype)
    cells = np.full(best.shape, -1, np.int64)
    rows, columns = np.arange(down.output), np.arange(across.output)
    for i, j in np.ndindex(down.kernel, across.kernel):
        row = rows * down.stride + i * down.dilation - down.before
        column = columns * across.stride + j * across.dilation - across.before
        inside = ((row >= 0) & (row < down.length))[:, np.newaxis] & (
            (column >= 0) & (column < across.length)
        )
        value = padded[..., down.places(i), across.places(j)]
        # the first cell inside is better than none; a NaN is better than any number
        better = inside & ((value > best) | (cells < 0) | ((value != value) & (best == best)))
        np.copyto(best, value, where=better)
        np.copyto(cells, row[:, np.newaxis] * across.length + column, where=better)
    return best, cells


def _extreme(x: Array, axes: tuple[Axis, Axis], reduce: Reduce, largest: bool) -> Array:
    fill = _highest(x.dtype) if largest else _lowest(x.dtype)
    return _reduced(_padded(x, axes, fill, x.dtype), axes, reduce)


def _reduced(padded: Array, axes: tuple[Axis, Axis], reduce: Reduce) -> Array:
    """Windows reduced along rows, then along columns: i + j passes instead of i · j."""
    for axis, where in zip(axes, (-2, -1), strict=True):
        along = np.moveaxis(padded, where, 0)
        total = along[axis.places(0)].copy(order="K")
        for tap in range(1, axis.kernel):
            reduce(total, along[axis.places(tap)], out=total)
        padded = np.moveaxis(total, 0, where)
    return np.ascontiguousarray(padded)


def _padded(x: Array, axes: tuple[Axis, Axis], fill: float, dtype: Dtype) -> Array:
    """x in a dtype, with `fill` around it and just as many cells as the windows read."""
    shape = *x.shape[:-2], axes[0].padded, axes[1].padded
    if shape == x.shape and axes[0].before == axes[1].before == 0:
        return x.astype(dtype, copy=False)
    padded = np.full(shape, fill, dtype)
    rows, columns = (min(axis.length, axis.padded - axis.before) for axis in axes)
    top, left = axes[0].before, axes[1].before
    padded[..., top : top + rows, left : left + columns] = x[..., :rows, :columns]
    return padded


def _lowest(dtype: Dtype) -> float:
    return {"b": False, "f": -np.inf}[dtype.kind] if dtype.kind in "bf" else np.iinfo(dtype).min


def _highest(dtype: Dtype) -> float:
    return {"b": True, "f": np.inf}[dtype.kind] if dtype.kind in "bf" else np.iinfo(dtype).max
