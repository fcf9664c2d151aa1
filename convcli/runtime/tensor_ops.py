"""Operations of model files other than layers, on arrays: `permute`, a slice, a matrix product."""

from collections.abc import Callable, Sequence

import numpy as np

from convcli.arrays import Array
from convcli.errors import UnfitError
from convcli.nets.layers.tensor_ops import Broadcast, Operation, Scalar, per_image
from convcli.runtime.elementwise import ELEMENTWISE
from convcli.runtime.rearrange import cropped
from convcli.runtime.resize import resize
from convcli.runtime.sampling import grid_sample

Index = int | None | str | tuple[int | None, int | None, int | None]
"""An index in an operation: a number, the ends of a slice, "…" for a tensor."""


def _slice(x: Array, indices: tuple[Index, ...]) -> Array:
    index = tuple(slice(*item) if isinstance(item, tuple) else item for item in indices)
    if any(isinstance(item, str) for item in index):
        raise UnfitError("a slice by another tensor is not run here")
    return x[tuple(item for item in index if not isinstance(item, str))]


def _piece(x: Array, axis: int, start: int, stop: int) -> Array:
    return x[(slice(None),) * axis + (slice(start, stop),)]


def _reduced(function: Callable[..., Array]) -> Callable[..., Array]:
    def call(x: Array, axes: tuple[int, ...], keepdims: bool, *rest: float) -> Array:
        return function(x, *rest, axis=axes, keepdims=keepdims)

    return call


def _gather_elements(x: Array, indices: Array, axis: int) -> Array:
    cells = indices.astype(np.intp)
    return np.take_along_axis(x, np.where(cells < 0, cells + x.shape[axis], cells), axis)


def _gather_nd(x: Array, indices: Array, batch: int) -> Array:
    cells = indices.astype(np.intp)
    if not batch:
        return np.asarray(x[tuple(np.moveaxis(cells, -1, 0))])
    return np.stack([_gather_nd(*pair, batch - 1) for pair in zip(x, cells, strict=True)])


def _pad(x: Array, ends: tuple[tuple[int, int], ...], mode: str, value: float) -> Array:
    cut, grown = cropped(x, ends)
    if mode == "constant":
        return np.pad(cut, grown, constant_values=value)
    return np.pad(cut, grown, mode=mode)  # type: ignore[call-overload, no-any-return]


def _depth_to_space(x: Array, block: int) -> Array:
    n, c, h, w = x.shape
    cells = x.reshape(n, block, block, c // block**2, h, w).transpose(0, 3, 4, 1, 5, 2)
    return cells.reshape(n, c // block**2, h * block, w * block)


def _space_to_depth(x: Array, block: int) -> Array:
    n, c, h, w = x.shape
    cells = x.reshape(n, c, h // block, block, w // block, block).transpose(0, 3, 5, 1, 2, 4)
    return cells.reshape(n, c * block**2, h // block, w // block)


def _extreme(function: Callable[..., Array]) -> Callable[..., Array]:
    def call(x: Array, axis: int, last: bool) -> Array:
        if last:
            return np.asarray(x.shape[axis] - 1 - function(np.flip(x, axis), axis))
        return function(x, axis)

    return call


def _top(x: Array, k: int, axis: int, largest: bool) -> tuple[Array, Array]:
    order = np.argsort(-x if largest else x, axis, kind="stable")
    cells = np.take(order, np.arange(k), axis)
    return np.take_along_axis(x, cells, axis), cells


def _cumulated(function: Callable[..., Array], start: float) -> Callable[..., Array]:
    """Sums or products of all values up to each one, with it or, `exclusive`, without."""

    def call(x: Array, axis: int, exclusive: bool, backwards: bool) -> Array:
        x = np.flip(x, axis) if backwards else x
        if exclusive:
            first = np.full_like(np.take(x, [0], axis), start)
            rest = np.take(x, range(x.shape[axis] - 1), axis)
            x = np.concatenate([first, rest], axis)
        totals = function(x, axis, dtype=x.dtype)
        return np.flip(totals, axis) if backwards else totals

    return call


SCATTERED: dict[str, Callable[..., object]] = {
    "add": np.add.at,
    "mul": np.multiply.at,
    "max": np.maximum.at,
    "min": np.minimum.at,
}
"""How a written value combines with the present one; "none" overwrites it."""


def _scatter_nd(x: Array, indices: Array, updates: Array, reduction: str) -> Array:
    y, cells = x.copy(), tuple(np.moveaxis(indices.astype(np.intp), -1, 0))
    if reduction == "none":
        y[cells] = updates
    else:
        SCATTERED[reduction](y, cells, updates)
    return y


def _scatter_elements(x: Array, indices: Array, updates: Array, axis: int, reduction: str) -> Array:
    cells: Array = np.indices(indices.shape)
    cells[axis] = np.where(indices < 0, indices + x.shape[axis], indices)
    return _scatter_nd(x, np.moveaxis(cells, 0, -1), updates, reduction)


def _reverse_sequence(x: Array, lengths: tuple[int, ...], batch: int) -> Array:
    y = x.copy()
    sequences = np.moveaxis(y, batch, 0)
    for sequence, length in zip(sequences, lengths, strict=True):
        sequence[:length] = sequence[:length][::-1].copy()
    return y


def _rms_norm(x: Array, axis: int, eps: float) -> Array:
    squares = np.square(x).mean(tuple(range(axis, x.ndim)), keepdims=True)
    return np.asarray(x / np.sqrt(squares + x.dtype.type(eps)))


def _hardmax(x: Array, axis: int) -> Array:
    first = np.expand_dims(np.argmax(x, axis), axis)
    marks = np.zeros_like(x)
    np.put_along_axis(marks, first, 1, axis)
    return marks


def _lp_norm(x: Array, axis: int, p: int) -> Array:
    """x over its norm; 0 where that is 0."""
    sizes = np.abs(x)
    norm = sizes.sum(axis, keepdims=True)
    if p == 2:
        norm = np.sqrt(np.square(sizes).sum(axis, keepdims=True))
    return np.asarray(np.divide(x, norm, out=np.zeros_like(x), where=norm != 0))


def _mean_variance(x: Array, axes: tuple[int, ...]) -> Array:
    centered = x - x.mean(axes, keepdims=True)
    spread = np.sqrt(
        np.square(x).mean(axes, keepdims=True) - np.square(x.mean(axes, keepdims=True))
    )
    return np.asarray(centered / (spread + np.float32(1e-9)))


def _log_sum_exp(x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    top = x.max(axis=axis, keepdims=True)
    sums = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    return np.asarray(sums if keepdims else np.squeeze(sums, axis))


OPERATIONS: dict[str, Callable[..., Array]] = {
    "permute": np.transpose,
    "transpose": np.transpose,
    "slice": _slice,
    "select": lambda x, axis, index: np.take(x, index, axis),
    "split": _piece,
    "chunk": _piece,
    "expand": np.broadcast_to,
    "repeat": np.tile,
    "concat": lambda *xs: np.concatenate(xs[:-1], xs[-1]),
    "stack": lambda *xs: np.stack(xs[:-1], xs[-1]),
    "matmul": np.matmul,
    "einsum": lambda *xs: np.einsum(xs[-1], *xs[:-1]),
    "mean": _reduced(np.mean),
    "sum": _reduced(np.sum),
    "max": _reduced(np.max),
    "min": _reduced(np.min),
    "std": _reduced(lambda x, less=1, **how: np.std(x, ddof=less, **how)),
    "var": _reduced(lambda x, less=1, **how: np.var(x, ddof=less, **how)),
    "prod": _reduced(np.prod),
    "l1": _reduced(lambda x, **how: np.abs(x).sum(**how)),
    "l2": _reduced(lambda x, **how: np.sqrt(np.square(x).sum(**how))),
    "sum_square": _reduced(lambda x, **how: np.square(x).sum(**how)),
    "log_sum": _reduced(lambda x, **how: np.log(x.sum(**how))),
    "log_sum_exp": _reduced(_log_sum_exp),
    "gather": lambda x, indices, axis: np.take(x, indices.astype(np.intp), axis),
    "gather_elements": _gather_elements,
    "gather_nd": _gather_nd,
    "pad": _pad,
    "resize": resize,
    "depth_to_space": _depth_to_space,
    "space_to_depth": _space_to_depth,
    "argmax": _extreme(np.argmax),
    "argmin": _extreme(np.argmin),
    "top_values": lambda *given: _top(*given)[0],
    "top_places": lambda *given: _top(*given)[1],
    "cumsum": _cumulated(np.cumsum, 0.0),
    "cumprod": _cumulated(np.cumprod, 1.0),
    "scatter_elements": _scatter_elements,
    "scatter_nd": _scatter_nd,
    "reverse_sequence": _reverse_sequence,
    "grid_sample": grid_sample,
    "rms_norm": _rms_norm,
    "triangle": lambda x, k, upper: np.triu(x, k) if upper else np.tril(x, k),
    "hardmax": _hardmax,
    "lp_norm": _lp_norm,
    "mean_variance": _mean_variance,
    **ELEMENTWISE,
}
"""How each is computed on whole arrays, the batch first, from its tensors and its values."""

ARITHMETIC: dict[str, Callable[..., Array]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
"""Arithmetic of two tensors, or of a tensor and a number."""


def operate(layer: Operation, inputs: Sequence[Array], weights: object) -> Array:
    """An operation on arrays of one image each; their complete shapes are restored for it.

    Raises UnfitError for values that it cannot work on, such as places beyond a tensor.
    """
    arrays = [x.reshape(shape) for x, shape in zip(inputs, layer.inputs, strict=True)]
    try:
        output = OPERATIONS[layer.type](*arrays, *layer.values)
    except (IndexError, ValueError) as error:
        if isinstance(error, UnfitError):
            raise
        raise UnfitError(f"{layer.type}: {error}") from None
    return np.asarray(output, np.float32).reshape(per_image(layer.output))


def scale(layer: Scalar, inputs: Sequence[Array], weights: object) -> Array:
    """Arithmetic with a number of the array's own dtype."""
    x = inputs[0]
    number = x.dtype.type(layer.number)
    pair = (number, x) if layer.swapped else (x, number)
    return np.asarray(ARITHMETIC[layer.type](*pair))


def broadcast(layer: Broadcast, inputs: Sequence[Array], weights: object) -> Array:
    """Arithmetic of two arrays, axes matched from the last one on."""
    return np.asarray(ARITHMETIC[layer.type](*inputs))
