"""Functions that give a tensor's values another shape or order, or take some of them."""

import math
from collections.abc import Callable
from itertools import product
from operator import mul
from typing import Any

from convcli.calls import shown
from convcli.nets.layers import (
    Concat,
    Pad,
    Reshape,
    Shape,
)
from convcli.nets.models.tape import bounded
from convcli.nets.models.tensors import (
    axes,
    axis,
    layer,
    operation,
    put,
    sizes_of,
    tensor_of,
    whole,
)
from convcli.nets.models.values import Halt, Raised, Tensor, Unfit, Unknown
from convcli.nets.operations import broadcast, per_image
from convcli.nets.readers import torch
from convcli.nets.readers.values import counts


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
        raise Unfit(f"a view of {shown(wanted)}")
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
    """`x.t()`, `x.T`: the axes in reverse order."""
    return permute(machine, x, tuple(reversed(range(len(tensor_of(machine, x).shape)))))


def movedim(machine: Any, x: Any, source: Any, destination: Any) -> Any:
    x = tensor_of(machine, x)
    rank = len(x.shape)
    sources, targets = axes(machine, source, rank), axes(machine, destination, rank)
    order: list[Any] = [None] * rank
    for one, place in zip(sources, targets, strict=True):
        order[place] = one
    rest = iter(place for place in range(rank) if place not in sources)
    return permute(machine, x, tuple(next(rest) if one is None else one for one in order))


def squeeze(machine: Any, x: Any, dim: Any = None) -> Any:
    x = tensor_of(machine, x)
    if dim is None:
        # an image of a batch stays one, as with any larger batch
        gives = tuple(n for place, n in enumerate(x.shape) if n != 1 or place == 0)
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


def expand(machine: Any, x: Any, *sizes: Any) -> Any:
    x = tensor_of(machine, x)
    wanted = sizes_of(machine, sizes)
    own = (1,) * (len(wanted) - len(x.shape)) + x.shape
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
    own = (1,) * (len(many) - len(x.shape)) + x.shape
    gives = tuple(n * one for n, one in zip(own, many, strict=True))
    return x if gives == x.shape else operation(machine, "repeat", [x], gives, tuple(many))


def repeat_interleave(machine: Any, x: Any, repeats: Any, dim: Any = None, **_: Any) -> Any:
    x = tensor_of(machine, x)
    many = whole(machine, repeats)
    if dim is None:
        return operation(machine, "repeat_interleave", [x], (math.prod(x.shape) * many,), many)
    place = axis(machine, dim, len(x.shape))
    gives = tuple(n * many if i == place else n for i, n in enumerate(x.shape))
    return operation(machine, "repeat_interleave", [x], gives, many, place)


def cat(machine: Any, tensors: Any, dim: Any = 0, axis_: Any = None, **options: Any) -> Any:
    each = [tensor_of(machine, one) for one in machine.listed(tensors)]
    each = [one for one in each if one.shape != (0,)] or each
    if not each:
        raise Raised("RuntimeError", "cat of no tensors")
    rank = len(each[0].shape)
    place = axis(machine, options.get("axis", dim) if axis_ is None else axis_, rank)
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


def at_least(axes_: int) -> Callable[..., Any]:
    """`atleast_2d`: axes of length 1 before those there are."""

    def call(machine: Any, x: Any) -> Any:
        x = tensor_of(machine, x)
        return regarded(machine, x, (1,) * (axes_ - len(x.shape)) + x.shape)

    return call


def diagonal(machine: Any, x: Any, offset: Any = 0, dim1: Any = 0, dim2: Any = 1) -> Any:
    x = tensor_of(machine, x)
    first, second = axis(machine, dim1, len(x.shape)), axis(machine, dim2, len(x.shape))
    rest = [n for place, n in enumerate(x.shape) if place not in (first, second)]
    rows, columns, shift = x.shape[first], x.shape[second], whole(machine, offset)
    many = min(rows, columns - shift) if shift >= 0 else min(rows + shift, columns)
    return operation(machine, "diagonal", [x], (*rest, max(many, 0)), shift, first, second)


def stack(machine: Any, tensors: Any, dim: Any = 0) -> Any:
    each = [tensor_of(machine, one) for one in machine.listed(tensors)]
    if len({one.shape for one in each}) != 1:
        raise Unfit("stack of tensors of different shapes")
    place = axis(machine, dim, len(each[0].shape) + 1)
    gives = (*each[0].shape[:place], len(each), *each[0].shape[place:])
    if place == 0 and all(one.values is not None for one in each):
        return Tensor(gives, values=[value for one in each for value in one.values or ()])
    return operation(machine, "stack", each, gives, place)


def piece(machine: Any, x: Tensor, place: int, start: int, stop: int, type_: str) -> Tensor:
    gives = (*x.shape[:place], stop - start, *x.shape[place + 1 :])
    if x.values is not None and len(x.shape) == 1:
        return Tensor(gives, values=x.values[start:stop])
    return operation(machine, type_, [x], gives, place, start, stop)


def chunk(machine: Any, x: Any, chunks: Any, dim: Any = 0) -> Any:
    x = tensor_of(machine, x)
    place = axis(machine, dim, len(x.shape))
    size = -(-x.shape[place] // max(whole(machine, chunks), 1))
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
        size = max(whole(machine, sizes), 1)
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
            gives.append(len(range(*one.indices(length))))
            same = same and gives[-1] == length and (one.step or 1) > 0
        elif isinstance(one, Tensor | list | range | tuple):
            shape = one.shape if isinstance(one, Tensor) else (len(one),)
            if picked is None:
                picked, where = shape, len(gives)
            else:
                picked = broadcast("index", picked, shape)
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
    return piece(machine, x, place, first, first + whole(machine, length), "slice")


def index_select(machine: Any, x: Any, dim: Any, index: Any) -> Any:
    x, index = tensor_of(machine, x), tensor_of(machine, index)
    place = axis(machine, dim, len(x.shape))
    gives = (*x.shape[:place], *(index.shape or (1,)), *x.shape[place + 1 :])
    return operation(machine, "index_select", [x], gives, place)


def same_shape(type_: str) -> Callable[..., Any]:
    """A function that moves values about within their shape."""

    def call(machine: Any, x: Any, *args: Any, **options: Any) -> Any:
        x = tensor_of(machine, x)
        plain = (*args, *options.items())
        return operation(machine, type_, [x], x.shape, *map(_plain, plain))

    return call


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str | tuple | None) else "…"


def pad(
    machine: Any, x: Any, sides: Any = None, mode: Any = "constant", value: Any = 0, **options: Any
) -> Any:
    x = tensor_of(machine, x)
    given = [whole(machine, one) for one in machine.listed(options.get("pad", sides))]
    pairs = len(given) // 2
    if len(given) % 2 or pairs > len(x.shape):
        raise Unfit(f"pad by {shown(given)} of {len(x.shape)} axes")
    ends = [(given[2 * i], given[2 * i + 1]) for i in range(pairs)]
    if not any(map(any, ends)):
        return x
    if pairs <= len(x.shape) - 2:
        rest = [(0, 0)] * (len(x.shape) - 2 - pairs)
        return layer(machine, Pad((*rest, *reversed(ends))), x)
    lengths = [n + sum(end) for n, end in zip(reversed(x.shape), ends, strict=False)]
    gives = (*x.shape[: len(x.shape) - pairs], *reversed(lengths))
    return operation(machine, "pad", [x], gives, tuple(given))


def interpolate(
    machine: Any,
    x: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: Any = "nearest",
    *rest: Any,
    **options: Any,
) -> Any:
    x = tensor_of(machine, x)
    if isinstance(size, Tensor | Unknown) or isinstance(scale_factor, Unknown):
        raise Halt("the size to interpolate to is not known here")
    return layer(machine, torch.upsample(size, scale_factor, str(mode)), x)


def windows(machine: Any, x: Any, dimension: Any, size: Any, step: Any) -> Any:
    """`x.unfold(dim, size, step)`: windows along one axis, as a last axis of their own."""
    x = tensor_of(machine, x)
    place = axis(machine, dimension, len(x.shape))
    length, stride = whole(machine, size), whole(machine, step)
    many = (x.shape[place] - length) // max(stride, 1) + 1
    gives = (*x.shape[:place], many, *x.shape[place + 1 :], length)
    return operation(machine, "unfold", [x], gives, place, length, stride)


def unfold(machine: Any, x: Any, *args: Any, **options: Any) -> Any:
    """`F.unfold(x, kernel, dilation, padding, stride)`."""
    x = tensor_of(machine, x)
    names = ("kernel_size", "dilation", "padding", "stride")
    given = {
        "dilation": 1,
        "padding": 0,
        "stride": 1,
        **dict(zip(names, args, strict=False)),
        **options,
    }
    kernel, spacing, sides, step_ = (
        counts(given[name], 2, name, 0 if name == "padding" else 1) for name in names
    )
    places = math.prod(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(x.shape[2:], kernel, spacing, sides, step_, strict=True)
    )
    gives = (x.shape[0], x.shape[1] * math.prod(kernel), places)
    return operation(machine, "unfold", [x], gives, kernel, spacing, sides, step_)


def fold(
    machine: Any, x: Any, output_size: Any, kernel_size: Any, *rest: Any, **options: Any
) -> Any:
    x = tensor_of(machine, x)
    sizes, kernel = counts(output_size, 2, "output_size"), counts(kernel_size, 2, "kernel_size")
    gives = (x.shape[0], x.shape[1] // math.prod(kernel), *sizes)
    return operation(machine, "fold", [x], gives, sizes, kernel)
