"""What model files do to tensors beside layers, on arrays: `permute`, a slice, a matrix product."""

from collections.abc import Callable, Sequence

import numpy as np

from convcli.arrays import Array
from convcli.errors import UnfitError
from convcli.nets.layers.tensor_ops import Broadcast, Operation, Scalar, per_image

Index = int | None | str | tuple[int | None, int | None, int | None]
"""What an operation keeps of an index: a number, the ends of a slice, "…" for a tensor."""


def _slice(x: Array, indices: tuple[Index, ...]) -> Array:
    index = tuple(slice(*one) if isinstance(one, tuple) else one for one in indices)
    if any(isinstance(one, str) for one in index):
        raise UnfitError("a slice by another tensor is not run here")
    return x[tuple(one for one in index if not isinstance(one, str))]


def _piece(x: Array, axis: int, start: int, stop: int) -> Array:
    return x[(slice(None),) * axis + (slice(start, stop),)]


def _reduced(function: Callable[..., Array]) -> Callable[..., Array]:
    def call(x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
        return function(x, axis=axes, keepdims=keepdims)

    return call


OPERATIONS: dict[str, Callable[..., Array]] = {
    "permute": np.transpose,
    "transpose": np.transpose,
    "slice": _slice,
    "select": lambda x, axis, place: np.take(x, place, axis),
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
    "std": _reduced(lambda x, **how: np.std(x, ddof=1, **how)),
    "var": _reduced(lambda x, **how: np.var(x, ddof=1, **how)),
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
    """An operation on arrays of one image each; whole shapes are restored for it."""
    whole = [x.reshape(shape) for x, shape in zip(inputs, layer.takes, strict=True)]
    made = OPERATIONS[layer.type](*whole, *layer.values)
    return np.asarray(made).reshape(per_image(layer.gives))


def scale(layer: Scalar, inputs: Sequence[Array], weights: object) -> Array:
    """Arithmetic with a number of the array's own dtype."""
    x = inputs[0]
    number = x.dtype.type(layer.number)
    pair = (number, x) if layer.swapped else (x, number)
    return np.asarray(ARITHMETIC[layer.type](*pair))


def broadcast(layer: Broadcast, inputs: Sequence[Array], weights: object) -> Array:
    """Arithmetic of two arrays, axes matched from the last one on."""
    return np.asarray(ARITHMETIC[layer.type](*inputs))
