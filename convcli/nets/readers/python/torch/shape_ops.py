"""Functions that give a tensor's values another shape or order, or repeat them."""

import math
from collections.abc import Callable
from itertools import product
from operator import mul
from typing import Any

from convcli.callsyntax import shown
from convcli.nets.layers import Reshape, Shape
from convcli.nets.layers.tensor_ops import per_image
from convcli.nets.readers.python.language.objects import Tensor, Unfit, Unknown
from convcli.nets.readers.python.torch.graph_recorder import bounded
from convcli.nets.readers.python.torch.tensor_args import (
    axes,
    axis,
    operation,
    put,
    sizes_of,
    tensor_of,
    whole,
)


def reshape(machine: Any, x: Any, *sizes: Any, shape: Any = None) -> Any:
    x = tensor_of(machine, x)
    if sizes and isinstance(sizes[0], Unknown):
        if "dtype" in sizes[0].text or "torch." in sizes[0].text:
            return x  # a view as another type
        raise machine.unknown(sizes[0])
    wanted = sizes_of(machine, sizes if shape is None else (shape,))
    total = math.prod(x.shape)
    known = math.prod(size for size in wanted if size != -1)
    if wanted.count(-1) > 1 or any(size < -1 for size in wanted):
        raise Unfit(f"a view of {shown(wanted)} needs sizes, at most one of them -1")
    open_ = -1 in wanted
    if known == 0 or total % known or (not open_ and total != known):
        # the walk over the network says what meets what
        if len(wanted) > 1 and x.shape and x.shape[0] == 1 and wanted[0] in (1, -1):
            sizes_left = tuple(size for size in wanted[1:])
            if 0 not in sizes_left:
                put(machine, Reshape(sizes_left), [x], x.shape)
        raise Unfit(f"a view of {total:,} values {shown(x.shape)} as {shown(tuple(wanted))}")
    gives = tuple(total // known if size == -1 else size for size in wanted)
    if gives == x.shape:
        return x
    if x.values is not None:
        return Tensor(gives, values=x.values)
    kept = tuple(wanted[1:]) if gives[:1] == (1,) and len(gives) > 1 else per_image(gives)
    if wanted[:1] == [-1] and x.shape[:1] == (1,) and gives[0] != 1:
        kept = per_image(gives)
    return put(machine, Reshape(tuple(kept)), [x], gives)


def flatten(machine: Any, x: Any, start_dim: Any = 0, end_dim: Any = -1) -> Any:
    x = tensor_of(machine, x)
    rank = max(len(x.shape), 1)
    first, last = axis(machine, start_dim, rank), axis(machine, end_dim, rank)
    if first >= last or not x.shape:
        return x
    gives = (*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :])
    if x.values is not None:
        return Tensor(gives, values=x.values)
    if x.shape[0] == 1 and first >= 1 and last == rank - 1:
        return put(machine, Reshape((-1,), first - 1), [x], gives)
    return put(machine, Reshape(per_image(gives)), [x], gives)


def unflatten(machine: Any, x: Any, dim: Any, sizes: Any) -> Any:
    x = tensor_of(machine, x)
    place = axis(machine, dim, len(x.shape))
    inner = sizes_of(machine, (sizes,))
    if -1 in inner:
        known = math.prod(size for size in inner if size != -1)
        inner = [x.shape[place] // max(known, 1) if size == -1 else size for size in inner]
    return reshape(machine, x, (*x.shape[:place], *inner, *x.shape[place + 1 :]))


def permute(machine: Any, x: Any, *order: Any, dims: Any = None) -> Any:
    x = tensor_of(machine, x)
    given = order if dims is None else (dims,)
    if len(given) == 1 and isinstance(given[0], tuple | list):
        given = tuple(given[0])
    places = [axis(machine, one, len(x.shape)) for one in given]
    if sorted(places) != list(range(len(x.shape))):
        raise Unfit(f"permute({', '.join(map(str, given))}) of {len(x.shape)} axes")
    return _turned(machine, "permute", x, places)


def transpose(machine: Any, x: Any, dim0: Any, dim1: Any) -> Any:
    x = tensor_of(machine, x)
    first, second = axis(machine, dim0, len(x.shape)), axis(machine, dim1, len(x.shape))
    order = list(range(len(x.shape)))
    order[first], order[second] = order[second], order[first]
    return _turned(machine, "transpose", x, order)


def _turned(machine: Any, type_: str, x: Tensor, order: list[int]) -> Tensor:
    """A tensor with its axes in another order; a short constant with its numbers."""
    gives = tuple(x.shape[place] for place in order)
    if x.values is None:
        return operation(machine, type_, [x], gives, tuple(order))
    machine.tick(len(x.values))
    steps = [math.prod(x.shape[place + 1 :]) for place in order]
    places = product(*map(range, gives))
    at = (sum(map(mul, place, steps)) for place in places)
    return Tensor(gives, values=[x.values[place] for place in at])


def transposed(machine: Any, x: Any) -> Any:
    """`x.T`: the axes in reverse order."""
    return permute(machine, x, tuple(reversed(range(len(tensor_of(machine, x).shape)))))


def turned(machine: Any, x: Any) -> Any:
    """`x.t()`, of two axes at most."""
    x = tensor_of(machine, x)
    if len(x.shape) > 2:
        raise Unfit(f"t() takes a tensor of 2 axes at most, not {shown(x.shape)}")
    return transposed(machine, x)


def movedim(machine: Any, x: Any, source: Any, destination: Any) -> Any:
    x = tensor_of(machine, x)
    rank = len(x.shape)
    sources, targets = axes(machine, source, rank), axes(machine, destination, rank)
    order: list[Any] = [None] * rank
    if len(sources) != len(targets):
        raise Unfit(f"movedim of {len(sources)} axes to {len(targets)} places")
    for one, place in zip(sources, targets, strict=True):
        order[place] = one
    rest = iter(place for place in range(rank) if place not in sources)
    return permute(machine, x, tuple(next(rest) if one is None else one for one in order))


def squeeze(machine: Any, x: Any, dim: Any = None) -> Any:
    x = tensor_of(machine, x)
    if dim is None:
        # an image of a batch stays one, as with any larger batch
        kept = 0 if x.node and not x.learned else None
        gives = tuple(n for place, n in enumerate(x.shape) if n != 1 or place == kept)
    else:
        gone = axes(machine, dim, len(x.shape))
        gives = tuple(n for place, n in enumerate(x.shape) if n != 1 or place not in gone)
    return regarded(machine, x, gives)


def unsqueeze(machine: Any, x: Any, dim: Any) -> Any:
    x = tensor_of(machine, x)
    place = axis(machine, dim, len(x.shape) + 1)
    return regarded(machine, x, (*x.shape[:place], 1, *x.shape[place:]))


def regarded(machine: Any, x: Tensor, gives: Shape) -> Tensor:
    """The same values in a shape that is known to hold them; no node where no image sees it."""
    bounded(gives)
    if per_image(gives) == per_image(x.shape) and x.node:
        same = Tensor(gives, x.node, x.trained, x.values)
        same.learned = x.learned
        return same
    return put(machine, Reshape(per_image(gives)), [x], gives)


def at_least(axes_: int) -> Callable[..., Any]:
    """`atleast_2d`: axes of length 1 before those there are; the third stands behind them."""

    def call(machine: Any, x: Any) -> Any:
        x = tensor_of(machine, x)
        gives = (1,) * (min(axes_, 2) - len(x.shape)) + x.shape
        return regarded(machine, x, gives + (1,) * (axes_ - len(gives)))

    return call


def _widened(x: Tensor, rank: int) -> Shape:
    """A shape with axes of length 1 before its own."""
    if rank < len(x.shape):
        raise Unfit(f"{rank} sizes for a tensor of {len(x.shape)} axes")
    return (1,) * (rank - len(x.shape)) + x.shape


def expand(machine: Any, x: Any, *sizes: Any) -> Any:
    x = tensor_of(machine, x)
    wanted = sizes_of(machine, sizes)
    own = _widened(x, len(wanted))
    gives = tuple(n if size == -1 else size for n, size in zip(own, wanted, strict=True))
    if any(n not in (1, size) for n, size in zip(own, gives, strict=True)):
        raise Unfit(f"expand of {shown(x.shape)} to {shown(gives)}")
    if gives == x.shape:
        return x
    return operation(machine, "expand", [x], gives, gives)


def expand_as(machine: Any, x: Any, other: Any) -> Any:
    return expand(machine, x, tensor_of(machine, other).shape)


def repeat(machine: Any, x: Any, *times: Any) -> Any:
    x = tensor_of(machine, x)
    many = sizes_of(machine, times)
    own = _widened(x, len(many))
    gives = tuple(n * one for n, one in zip(own, many, strict=True))
    return x if gives == x.shape else operation(machine, "repeat", [x], gives, tuple(many))


def tile(machine: Any, x: Any, *times: Any, dims: Any = None) -> Any:
    """`repeat`, with as many times as axes at the end."""
    many = sizes_of(machine, times if dims is None else (dims,))
    rank = len(tensor_of(machine, x).shape)
    return repeat(machine, x, (*(1,) * (rank - len(many)), *many))


def repeat_interleave(machine: Any, x: Any, repeats: Any, dim: Any = None, **_: Any) -> Any:
    x = tensor_of(machine, x)
    many = whole(machine, repeats)
    if dim is None:
        return operation(machine, "repeat_interleave", [x], (math.prod(x.shape) * many,), many)
    place = axis(machine, dim, len(x.shape))
    gives = tuple(n * many if i == place else n for i, n in enumerate(x.shape))
    return operation(machine, "repeat_interleave", [x], gives, many, place)
