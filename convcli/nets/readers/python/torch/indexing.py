"""Functions that join tensors, take pieces of them, or move values about within them."""

from collections.abc import Callable
from typing import Any

from convcli.callsyntax import shown
from convcli.geometry import Window, output_length
from convcli.nets.layers import Concat
from convcli.nets.layers.tensor_ops import broadcast
from convcli.nets.readers.python.language.objects import Halt, Raised, Tensor, Unfit, Unknown
from convcli.nets.readers.python.torch.shape_ops import at_least, regarded
from convcli.nets.readers.python.torch.tensor_args import (
    axes,
    axis,
    operation,
    put,
    tensor_of,
    whole,
)


def cat(machine: Any, tensors: Any, dim: Any = 0, **options: Any) -> Any:
    each = [tensor_of(machine, one) for one in machine.listed(tensors)]
    each = [one for one in each if one.shape != (0,)] or each
    if not each:
        raise Raised("RuntimeError", "cat of no tensors")
    rank = len(each[0].shape)
    place = axis(machine, options.get("axis", dim), rank)
    first = each[0].shape
    joined = sum(one.shape[place] for one in each if len(one.shape) == rank)
    gives = (*first[:place], joined, *first[place + 1 :])
    rest = {(*one.shape[:place], *one.shape[place + 1 :]) for one in each}
    if len(each) == 1:
        return each[0]
    if len({len(one.shape) for one in each}) > 1 or len(rest) > 1:
        if place > 0 and first[0] == 1:
            put(machine, Concat(place - 1), each, gives)
        raise Unfit(f"cat of {' and '.join(shown(one.shape) for one in each[:4])} along {place}")
    if place > 0 and all(one.shape[0] == 1 for one in each):
        return put(machine, Concat(place - 1), each, gives)
    return operation(machine, "concat", each, gives, place)


def joined(dim: int, least: int) -> Callable[..., Any]:
    """`hstack`, `vstack`, `dstack`: tensors of so many axes at least, joined along one."""

    def call(machine: Any, tensors: Any) -> Any:
        each = [at_least(least)(machine, one) for one in machine.listed(tensors)]
        flat = dim == 1 and all(len(one.shape) == 1 for one in each)
        return cat(machine, each, 0 if flat else dim)

    return call


def stack(machine: Any, tensors: Any, dim: Any = 0) -> Any:
    each = [tensor_of(machine, one) for one in machine.listed(tensors)]
    if not each:
        raise Raised("RuntimeError", "stack of no tensors")
    if len({one.shape for one in each}) != 1:
        raise Unfit("stack of tensors of different shapes")
    place = axis(machine, dim, len(each[0].shape) + 1)
    gives = (*each[0].shape[:place], len(each), *each[0].shape[place:])
    if place == 0 and all(one.values is not None for one in each):
        return Tensor(gives, values=[value for one in each for value in one.values or ()])
    return operation(machine, "stack", each, gives, place)


def piece(machine: Any, x: Tensor, place: int, start: int, stop: int, type_: str) -> Tensor:
    if not 0 <= start <= stop <= x.shape[place]:
        raise Unfit(f"{type_} of {stop - start} from {start} on of an axis of {x.shape[place]}")
    gives = (*x.shape[:place], stop - start, *x.shape[place + 1 :])
    if x.values is not None and len(x.shape) == 1:
        return Tensor(gives, values=x.values[start:stop])
    return operation(machine, type_, [x], gives, place, start, stop)


def chunk(machine: Any, x: Any, chunks: Any, dim: Any = 0) -> Any:
    x = tensor_of(machine, x)
    place = axis(machine, dim, len(x.shape))
    many = whole(machine, chunks)
    if many < 1:
        raise Unfit(f"chunk into {many} pieces")
    size = max(-(-x.shape[place] // many), 1)
    return split(machine, x, size, place, type_="chunk")


def split(
    machine: Any,
    x: Any,
    split_size_or_sections: Any = None,
    dim: Any = 0,
    type_: str = "split",
    split_size: Any = None,
) -> Any:
    x = tensor_of(machine, x)
    sizes = split_size_or_sections if split_size is None else split_size
    place = axis(machine, dim, len(x.shape))
    length = x.shape[place]
    if isinstance(sizes, tuple | list):
        each = [whole(machine, one) for one in sizes]
        if sum(each) != length:
            raise Unfit(f"split into {shown(each)} of {length}")
    else:
        size = whole(machine, sizes)
        if size < 1:
            raise Unfit(f"split into pieces of {size}")
        if length // size > 10_000:
            raise Halt(f"a split into {length // size:,} pieces")
        each = [min(size, length - start) for start in range(0, length, size)]
    pieces, start = [], 0
    for one in each:
        pieces.append(piece(machine, x, place, start, start + one, type_))
        start += one
    return tuple(pieces)


def unbind(machine: Any, x: Any, dim: Any = 0) -> Any:
    x = tensor_of(machine, x)
    place = axis(machine, dim, len(x.shape))
    if x.values is not None and len(x.shape) == 1:
        return tuple(Tensor((), values=[one]) for one in x.values)
    if x.shape[place] > 4_096:
        raise Halt(f"a tensor's {x.shape[place]:,} items are walked one by one")
    gives = (*x.shape[:place], *x.shape[place + 1 :])
    return tuple(
        operation(machine, "select", [x], gives, place, one) for one in range(x.shape[place])
    )


def item(machine: Any, x: Tensor, index: Any) -> Any:
    """`x[index]`, with numbers, slices, None, `...` and other tensors."""
    each = list(index) if isinstance(index, tuple) else [index]
    for one in each:
        if isinstance(one, Unknown):
            raise machine.unknown(one)
    if x.values is not None and len(x.shape) == len(each) == 1 and isinstance(each[0], int | slice):
        if isinstance(each[0], slice):
            values = x.values[each[0]]
            return Tensor((len(values),), values=values)
        if not -len(x.values) <= each[0] < len(x.values):
            raise Raised("IndexError", f"{each[0]} of {len(x.values)} values")
        return Tensor((), values=[x.values[each[0]]])
    taken = sum(one is not None and one is not ... for one in each)
    if ... in [one for one in each if not isinstance(one, Tensor)]:
        place = next(i for i, one in enumerate(each) if one is ...)
        each[place : place + 1] = [slice(None)] * (len(x.shape) - taken)
    else:
        each += [slice(None)] * (len(x.shape) - taken)
    gives, place, picked, same = [], 0, None, True
    where = 0
    for one in each:
        if one is None:
            gives.append(1)
            continue
        if place >= len(x.shape):
            raise Unfit(f"{len(each)} indices of a tensor of {len(x.shape)} axes")
        length = x.shape[place]
        place += 1
        if isinstance(one, slice):
            if x.node and isinstance(one.step, int) and one.step < 1:
                raise Raised("ValueError", f"a step of a tensor is above 0, not {one.step}")
            gives.append(len(range(*one.indices(length))))
            same = same and gives[-1] == length and (one.step or 1) > 0
        elif isinstance(one, Tensor | list | range | tuple):
            shape = one.shape if isinstance(one, Tensor) else (len(one),)
            if picked is None:
                picked, where = shape, len(gives)
            else:
                picked = broadcast("index", picked, shape)
                where = where if where == len(gives) else 0  # what lies apart comes first
            same = False
        else:
            at = whole(machine, one, "an index")
            if not -length <= at < length:
                raise Unfit(f"index {at} of an axis of {length}")
            same = same and length == 1
    if picked is not None:
        gives[where:where] = picked
    if same:
        return regarded(machine, x, tuple(gives)) if tuple(gives) != x.shape else x
    plain = tuple(one if isinstance(one, int | slice | None) else "…" for one in each)
    ends = tuple(
        (one.start, one.stop, one.step) if isinstance(one, slice) else one for one in plain
    )
    return operation(machine, "slice", [x], tuple(gives), ends)


def select(machine: Any, x: Any, dim: Any, index: Any) -> Any:
    x = tensor_of(machine, x)
    place = axis(machine, dim, len(x.shape))
    return item(machine, x, (*[slice(None)] * place, whole(machine, index)))


def narrow(machine: Any, x: Any, dim: Any, start: Any, length: Any) -> Any:
    x = tensor_of(machine, x)
    place, first = axis(machine, dim, len(x.shape)), whole(machine, start)
    first += x.shape[place] if first < 0 else 0
    return piece(machine, x, place, first, first + whole(machine, length), "slice")


def index_select(machine: Any, x: Any, dim: Any, index: Any) -> Any:
    x, index = tensor_of(machine, x), tensor_of(machine, index)
    place = axis(machine, dim, len(x.shape))
    gives = (*x.shape[:place], *(index.shape or (1,)), *x.shape[place + 1 :])
    return operation(machine, "index_select", [x], gives, place)


def gather(machine: Any, x: Any, dim: Any, index: Any) -> Any:
    x, index = tensor_of(machine, x), tensor_of(machine, index)
    if len(x.shape) != len(index.shape):
        raise Unfit(f"gather from {shown(x.shape)} by an index of {shown(index.shape)}")
    return operation(machine, "gather", [x, index], index.shape, dim)


def diagonal(machine: Any, x: Any, offset: Any = 0, dim1: Any = 0, dim2: Any = 1) -> Any:
    x = tensor_of(machine, x)
    first, second = axis(machine, dim1, len(x.shape)), axis(machine, dim2, len(x.shape))
    rest = [n for place, n in enumerate(x.shape) if place not in (first, second)]
    rows, columns, shift = x.shape[first], x.shape[second], whole(machine, offset)
    many = min(rows, columns - shift) if shift >= 0 else min(rows + shift, columns)
    return operation(machine, "diagonal", [x], (*rest, max(many, 0)), shift, first, second)


def windows(machine: Any, x: Any, dimension: Any, size: Any, step: Any) -> Any:
    """`x.unfold(dim, size, step)`: windows along one axis, as a last axis of their own."""
    x = tensor_of(machine, x)
    place = axis(machine, dimension, len(x.shape))
    length, stride = whole(machine, size), whole(machine, step)
    if not 0 <= length <= x.shape[place] or stride < 1:
        raise Unfit(f"windows of {length} every {stride} along an axis of {x.shape[place]}")
    many = output_length(x.shape[place], Window(length, stride))
    gives = (*x.shape[:place], many, *x.shape[place + 1 :], length)
    return operation(machine, "unfold", [x], gives, place, length, stride)


def same_shape(type_: str) -> Callable[..., Any]:
    """A function that moves values about within their shape."""

    def call(machine: Any, x: Any, *args: Any, **options: Any) -> Any:
        x = tensor_of(machine, x)
        plain = (*args, *options.items())
        return operation(machine, type_, [x], x.shape, *map(_plain, plain))

    return call


def rotated(machine: Any, x: Any, k: Any = 1, dims: Any = (0, 1)) -> Any:
    """`torch.rot90`: by odd numbers of quarter turns, two axes change places."""
    x = tensor_of(machine, x)
    first, second = axes(machine, dims, len(x.shape))
    gives = list(x.shape)
    if whole(machine, k) % 2:
        gives[first], gives[second] = gives[second], gives[first]
    return operation(machine, "rot90", [x], tuple(gives), whole(machine, k), first, second)


def filled(type_: str) -> Callable[..., Any]:
    """A tensor of which some values are taken from others: `x.scatter(1, index, y)`."""

    def call(machine: Any, x: Any, *args: Any, **options: Any) -> Any:
        x = tensor_of(machine, x)
        others = [one for one in (*args, *options.values()) if isinstance(one, Tensor)]
        return operation(machine, type_, [x, *others], x.shape)

    return call


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str | tuple | None) else "…"
