"""Functions that join tensors, take pieces of them, or move values about within them."""

from itertools import pairwise

from convcli.callsyntax import brief
from convcli.geometry import Window, output_length
from convcli.nets.graph import INPUT
from convcli.nets.layers import Concat
from convcli.nets.layers.tensor_ops import broadcast
from convcli.nets.readers.python.language.conversions import to_list
from convcli.nets.readers.python.language.objects import (
    ProgramException,
    ReadError,
    ShapeMismatch,
    Tensor,
    Value,
    check_known,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.torch.shape_ops import at_least, regarded
from convcli.nets.readers.python.torch.tensor_args import (
    append_node,
    append_operation,
    axes,
    axis,
    to_integer,
    to_tensor,
)


def cat(interpreter: Interpreter, tensors: Value, dim: Value = 0, **options: Value) -> Tensor:
    inputs = [to_tensor(x) for x in to_list(interpreter, tensors)]
    inputs = [x for x in inputs if x.shape != (0,)] or inputs
    if not inputs:
        raise ProgramException("RuntimeError", "cat of no tensors")
    first = inputs[0].shape
    rank = len(first)
    index = axis(options.get("axis", dim), rank)
    joined = sum(x.shape[index] for x in inputs if len(x.shape) == rank)
    output = (*first[:index], joined, *first[index + 1 :])
    rest = {(*x.shape[:index], *x.shape[index + 1 :]) for x in inputs}
    if len(inputs) == 1:
        return inputs[0]
    if len({len(x.shape) for x in inputs}) > 1 or len(rest) > 1:
        if index > 0 and first[0] == 1:
            append_node(interpreter, Concat(index - 1), inputs, output)
        shapes = " and ".join(brief(x.shape) for x in inputs[:4])
        raise ShapeMismatch(f"cat of {shapes} along {index}")
    if index > 0 and all(x.shape[0] == 1 for x in inputs):
        return append_node(interpreter, Concat(index - 1), inputs, output)
    return append_operation(interpreter, "concat", inputs, output, index)


def joined(dim: int, rank: int, interpreter: Interpreter, tensors: Value) -> Tensor:
    """`hstack`, `vstack`, `dstack`: tensors of at least a rank, joined along one axis."""
    inputs = [at_least(rank, interpreter, x) for x in to_list(interpreter, tensors)]
    flat = dim == 1 and all(len(x.shape) == 1 for x in inputs)
    return cat(interpreter, inputs, 0 if flat else dim)


def stack(interpreter: Interpreter, tensors: Value, dim: Value = 0) -> Tensor:
    inputs = [to_tensor(x) for x in to_list(interpreter, tensors)]
    if not inputs:
        raise ProgramException("RuntimeError", "stack of no tensors")
    shape = inputs[0].shape
    if any(x.shape != shape for x in inputs):
        raise ShapeMismatch("stack of tensors of different shapes")
    index = axis(dim, len(shape) + 1)
    output = (*shape[:index], len(inputs), *shape[index:])
    if index == 0 and all(x.values is not None for x in inputs):
        return Tensor(output, values=[number for x in inputs for number in x.values or ()])
    return append_operation(interpreter, "stack", inputs, output, index)


def piece(
    interpreter: Interpreter, x: Tensor, dim: int, start: int, stop: int, type_: str
) -> Tensor:
    """A part of one axis, from `start` to before `stop`."""
    length = x.shape[dim]
    if not 0 <= start <= stop <= length:
        raise ShapeMismatch(f"{type_} of {stop - start} from {start} on of an axis of {length}")
    output = (*x.shape[:dim], stop - start, *x.shape[dim + 1 :])
    if x.values is not None and len(x.shape) == 1:
        return Tensor(output, values=x.values[start:stop])
    values: tuple[Value, ...] = dim, start, stop
    if type_ == "slice":
        values = (((None, None, None),) * dim + ((start, stop, None),),)
    return append_operation(interpreter, type_, [x], output, *values)


def chunk(interpreter: Interpreter, x: Value, chunks: Value, dim: Value = 0) -> tuple[Tensor, ...]:
    x = to_tensor(x)
    index = axis(dim, len(x.shape))
    count = to_integer(chunks)
    if count < 1:
        raise ShapeMismatch(f"chunk into {count} pieces")
    size = max(-(-x.shape[index] // count), 1)
    return split(interpreter, x, size, index, type_="chunk")


def split(
    interpreter: Interpreter,
    x: Value,
    split_size_or_sections: Value = None,
    dim: Value = 0,
    type_: str = "split",
    split_size: Value = None,
) -> tuple[Tensor, ...]:
    x = to_tensor(x)
    sizes = split_size_or_sections if split_size is None else split_size
    index = axis(dim, len(x.shape))
    length = x.shape[index]
    if isinstance(sizes, tuple | list):
        lengths = [to_integer(size) for size in sizes]
        if sum(lengths) != length:
            raise ShapeMismatch(f"split into {brief(lengths)} of {length}")
    else:
        size = to_integer(sizes)
        if size < 1:
            raise ShapeMismatch(f"split into pieces of {size}")
        if length // size > 10_000:
            raise ReadError(f"a split into {length // size:,} pieces")
        lengths = [min(size, length - start) for start in range(0, length, size)]
    pieces, start = [], 0
    for size in lengths:
        pieces.append(piece(interpreter, x, index, start, start + size, type_))
        start += size
    return tuple(pieces)


def tensor_split(
    interpreter: Interpreter, x: Value, indices_or_sections: Value, dim: Value = 0
) -> tuple[Tensor, ...]:
    """`x.tensor_split(3, 1)`, whose first pieces are the longer ones, or before given indices."""
    x = to_tensor(x)
    index = axis(dim, len(x.shape))
    length = x.shape[index]
    if isinstance(indices_or_sections, tuple | list):
        cuts = [slice(to_integer(cut)).indices(length)[1] for cut in indices_or_sections]
        sizes = [max(stop - start, 0) for start, stop in pairwise([0, *cuts, length])]
    else:
        count = to_integer(indices_or_sections)
        if not 1 <= count <= 10_000:
            raise ShapeMismatch(f"tensor_split into {count} pieces")
        sizes = [(length + count - 1 - piece) // count for piece in range(count)]
    return split(interpreter, x, sizes, index)


def split_along(dim: int, interpreter: Interpreter, x: Value, pieces: Value) -> tuple[Tensor, ...]:
    """`vsplit`, `hsplit` and `dsplit`: an axis in equal pieces; of a vector, its only one."""
    x = to_tensor(x)
    index = axis(0 if dim == 1 and len(x.shape) == 1 else dim, len(x.shape))
    if isinstance(pieces, int) and (pieces < 1 or x.shape[index] % pieces):
        raise ShapeMismatch(f"an axis of {x.shape[index]} in {pieces} equal pieces")
    return tensor_split(interpreter, x, pieces, index)


def unbind(interpreter: Interpreter, x: Value, dim: Value = 0) -> tuple[Tensor, ...]:
    x = to_tensor(x)
    index = axis(dim, len(x.shape))
    if x.values is not None and len(x.shape) == 1:
        return tuple(Tensor((), values=[number]) for number in x.values)
    if x.shape[index] > 4_096:
        raise ReadError(f"a tensor's {x.shape[index]:,} items are walked one by one")
    output = (*x.shape[:index], *x.shape[index + 1 :])
    return tuple(
        append_operation(interpreter, "select", [x], output, index, i)
        for i in range(x.shape[index])
    )


def get_item(interpreter: Interpreter, x: Tensor, index: Value) -> Tensor:
    """`x[index]`, with numbers, slices, None, `...` and other tensors."""
    indices = [*index] if isinstance(index, tuple) else [index]
    check_known(*indices)
    if x.values is not None and len(x.shape) == len(indices) == 1:
        item = indices[0]
        if isinstance(item, slice):
            numbers = x.values[item]
            return Tensor((len(numbers),), values=numbers)
        if isinstance(item, int):
            if not -len(x.values) <= item < len(x.values):
                raise ProgramException("IndexError", f"{item} of {len(x.values)} values")
            return Tensor((), values=[x.values[item]])
    every = [slice(None)] * (
        len(x.shape) - sum(item is not None and item is not ... for item in indices)
    )
    dots = next((i for i, item in enumerate(indices) if item is ...), None)
    if dots is None:
        indices += every
    else:
        indices[dots : dots + 1] = every
    output: list[int] = []
    picked: tuple[int, ...] | None = None
    """The broadcast shape of the tensors and lists among the indices."""
    position, dim, same = 0, 0, True
    for item in indices:
        if item is None:
            output.append(1)
            continue
        if dim >= len(x.shape):
            raise ShapeMismatch(f"{len(indices)} indices of a tensor of {len(x.shape)} axes")
        length = x.shape[dim]
        dim += 1
        if isinstance(item, slice):
            if x.node and isinstance(item.step, int) and item.step < 1:
                raise ProgramException(
                    "ValueError", f"a step of a tensor is above 0, not {item.step}"
                )
            output.append(len(range(*item.indices(length))))
            same = same and output[-1] == length and (item.step or 1) > 0
        elif isinstance(item, Tensor | list | range | tuple):
            shape = _picked_by(item, length)
            if picked is None:
                picked, position = shape, len(output)
            else:
                picked = broadcast("index", picked, shape)
                position = (
                    position if position == len(output) else 0
                )  # separated index axes come first
            same = False
        else:
            at = to_integer(item, "an index")
            if x.node == INPUT and dim == length == 1 and at:
                raise ShapeMismatch(
                    f"index {at} of a batch of one; for a list of tensors, give --input for each"
                )
            if not -length <= at < length:
                raise ShapeMismatch(f"index {at} of an axis of {length}")
            same = same and length == 1
    if picked is not None:
        output[position:position] = picked
    if same:
        return x if tuple(output) == x.shape else regarded(interpreter, x, tuple(output))
    ends = tuple(
        (item.start, item.stop, item.step) if isinstance(item, slice) else _plain_index(item)
        for item in indices
    )
    return append_operation(interpreter, "slice", [x], tuple(output), ends)


def _picked_by(
    index: Tensor | list[Value] | range | tuple[Value, ...], length: int
) -> tuple[int, ...]:
    """How many places of an axis a tensor or a list picks: a mask, those where it is true."""
    numbers = index.values if isinstance(index, Tensor) else [*index]
    shape = index.shape if isinstance(index, Tensor) else (len(index),)
    if not numbers or not all(isinstance(number, bool) for number in numbers):
        return shape
    if shape != (length,):
        raise ShapeMismatch(f"a mask of {brief(shape)} on an axis of {length}")
    return (sum(map(int, numbers)),)


def _plain_index(value: Value) -> int | str | None:
    return value if isinstance(value, int | None) else "…"


def select(interpreter: Interpreter, x: Value, dim: Value, index: Value) -> Tensor:
    x = to_tensor(x)
    before = [slice(None)] * axis(dim, len(x.shape))
    return get_item(interpreter, x, (*before, to_integer(index)))


def narrow(interpreter: Interpreter, x: Value, dim: Value, start: Value, length: Value) -> Tensor:
    x = to_tensor(x)
    index, first = axis(dim, len(x.shape)), to_integer(start)
    first += x.shape[index] if first < 0 else 0
    return piece(interpreter, x, index, first, first + to_integer(length), "slice")


def index_select(interpreter: Interpreter, x: Value, dim: Value, index: Value) -> Tensor:
    x, index = to_tensor(x), to_tensor(index)
    position = axis(dim, len(x.shape))
    output = (*x.shape[:position], *(index.shape or (1,)), *x.shape[position + 1 :])
    return append_operation(interpreter, "index_select", [x], output, position)


def gather(interpreter: Interpreter, x: Value, dim: Value, index: Value) -> Tensor:
    x, index = to_tensor(x), to_tensor(index)
    position = axis(dim, len(x.shape))
    if len(x.shape) != len(index.shape) or any(
        of_index > of_x
        for n, (of_index, of_x) in enumerate(zip(index.shape, x.shape, strict=True))
        if n != position
    ):
        raise ShapeMismatch(f"gather from {brief(x.shape)} by an index of {brief(index.shape)}")
    return append_operation(interpreter, "gather", [x, index], index.shape, dim)


def diagonal(
    interpreter: Interpreter, x: Value, offset: Value = 0, dim1: Value = 0, dim2: Value = 1
) -> Tensor:
    x = to_tensor(x)
    first, second = axis(dim1, len(x.shape)), axis(dim2, len(x.shape))
    rest = [n for index, n in enumerate(x.shape) if index not in (first, second)]
    rows, columns, shift = x.shape[first], x.shape[second], to_integer(offset)
    length = min(rows, columns - shift) if shift >= 0 else min(rows + shift, columns)
    output = (*rest, max(length, 0))
    return append_operation(interpreter, "diagonal", [x], output, shift, first, second)


def windows(
    interpreter: Interpreter, x: Value, dimension: Value, size: Value, step: Value
) -> Tensor:
    """`x.unfold(dim, size, step)`: windows along one axis, as a last axis of their own."""
    x = to_tensor(x)
    index = axis(dimension, len(x.shape))
    length, stride = to_integer(size), to_integer(step)
    if not 0 <= length <= x.shape[index] or stride < 1:
        raise ShapeMismatch(f"windows of {length} every {stride} along an axis of {x.shape[index]}")
    count = output_length(x.shape[index], Window(length, stride))
    output = (*x.shape[:index], count, *x.shape[index + 1 :], length)
    return append_operation(interpreter, "unfold", [x], output, index, length, stride)


def same_shape(
    type_: str, /, interpreter: Interpreter, x: Value, *args: Value, **options: Value
) -> Tensor:
    """A function that moves values about within their shape."""
    x = to_tensor(x)
    plain = (*args, *options.items())
    return append_operation(interpreter, type_, [x], x.shape, *map(_plain, plain))


def rotated(interpreter: Interpreter, x: Value, k: Value = 1, dims: Value = (0, 1)) -> Tensor:
    """`torch.rot90`: by odd numbers of quarter turns, two axes change places."""
    x = to_tensor(x)
    first, second = axes(dims, len(x.shape))
    turns = to_integer(k)
    output = list(x.shape)
    if turns % 2:
        output[first], output[second] = output[second], output[first]
    return append_operation(interpreter, "rot90", [x], tuple(output), turns, first, second)


def filled(
    type_: str, /, interpreter: Interpreter, x: Value, *args: Value, **options: Value
) -> Tensor:
    """A tensor with some values replaced from another: `x.scatter(1, index, y)`."""
    x = to_tensor(x)
    others = [value for value in (*args, *options.values()) if isinstance(value, Tensor)]
    return append_operation(interpreter, type_, [x, *others], x.shape)


def _plain(value: Value) -> Value:
    return value if isinstance(value, int | float | str | tuple | None) else "…"
