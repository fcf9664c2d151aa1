"""Functions that give a tensor's values another shape or order, or repeat them."""

import math
from itertools import product
from operator import mul

from convcli.callsyntax import brief
from convcli.nets.layers import Reshape, Shape
from convcli.nets.layers.shapes import factors
from convcli.nets.layers.tensor_ops import per_image
from convcli.nets.readers.python.language.graph_recorder import check_size
from convcli.nets.readers.python.language.objects import (
    ShapeMismatch,
    Tensor,
    Unknown,
    Value,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.torch.tensor_args import (
    append_node,
    append_operation,
    axes,
    axis,
    to_integer,
    to_sizes,
    to_tensor,
    unpacked,
)


def reshape(interpreter: Interpreter, x: Value, *sizes: Value, shape: Value = None) -> Tensor:
    x = to_tensor(x)
    if sizes and isinstance(sizes[0], Unknown):
        if "dtype" in sizes[0].text or "torch." in sizes[0].text:
            return x  # a view as another type
        raise sizes[0].error()
    wanted = to_sizes(sizes if shape is None else (shape,))
    total = math.prod(x.shape)
    known = math.prod(size for size in wanted if size != -1)
    if wanted.count(-1) > 1 or any(size < -1 for size in wanted):
        raise ShapeMismatch(f"a view of {brief(wanted)} needs sizes, at most one of them -1")
    if known == 0 or total % known or (-1 not in wanted and total != known):
        # the summary of the network reports the mismatch
        one_image = x.shape[:1] == (1,) and wanted[0] in (1, -1)
        if one_image and len(wanted) > 1 and 0 not in wanted[1:]:
            append_node(interpreter, Reshape(tuple(wanted[1:])), [x], x.shape)
        raise ShapeMismatch(
            f"a view of {total:,} values {brief(x.shape)} as {brief(tuple(wanted))}"
        )
    output = tuple(total // known if size == -1 else size for size in wanted)
    if output == x.shape:
        return x
    if x.values is not None:
        return Tensor(output, values=x.values)
    kept = tuple(wanted[1:]) if output[:1] == (1,) and len(output) > 1 else per_image(output)
    if wanted[:1] == [-1] and x.shape[:1] == (1,) and output[0] != 1:
        kept = per_image(output)
        if len(x.shape) > 2 and len(output) == 2:
            interpreter.recorder.folds.append(
                f"a view as {brief(tuple(wanted))} makes {output[0]:,} rows of the {total:,} "
                f"values of one image{factors(x.shape[1:])}: the batch changes; "
                f"one row takes {total}, or view(x.size(0), -1)"
            )
    return append_node(interpreter, Reshape(tuple(kept)), [x], output)


def flatten(
    interpreter: Interpreter, x: Value, start_dim: Value = 0, end_dim: Value = -1
) -> Tensor:
    x = to_tensor(x)
    rank = max(len(x.shape), 1)
    first, last = axis(start_dim, rank), axis(end_dim, rank)
    if first >= last or not x.shape:
        return x
    output = (*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :])
    if x.values is not None:
        return Tensor(output, values=x.values)
    if first == 0 and x.shape[0] == 1 and rank > 1:
        values = math.prod(output)
        interpreter.recorder.folds.append(
            f"a flattening from axis 0 joins the images of a batch: one has {values:,} values, two "
            f"have {2 * values:,} in one row; flatten from axis 1"
        )
    if x.shape[0] == 1 and first >= 1 and last == rank - 1:
        return append_node(interpreter, Reshape((-1,), first - 1), [x], output)
    return append_node(interpreter, Reshape(per_image(output)), [x], output)


def unflatten(interpreter: Interpreter, x: Value, dim: Value, sizes: Value) -> Tensor:
    x = to_tensor(x)
    index = axis(dim, len(x.shape))
    inner = to_sizes((sizes,))
    if -1 in inner:
        known = math.prod(size for size in inner if size != -1)
        inner = [x.shape[index] // max(known, 1) if size == -1 else size for size in inner]
    return reshape(interpreter, x, (*x.shape[:index], *inner, *x.shape[index + 1 :]))


def permute(interpreter: Interpreter, x: Value, *order: Value, dims: Value = None) -> Tensor:
    x = to_tensor(x)
    given = unpacked(order if dims is None else (dims,))
    indices = [axis(dim, len(x.shape)) for dim in given]
    if sorted(indices) != list(range(len(x.shape))):
        raise ShapeMismatch(f"permute({', '.join(map(str, given))}) of {len(x.shape)} axes")
    return _reordered(interpreter, "permute", x, indices)


def transpose(interpreter: Interpreter, x: Value, dim0: Value, dim1: Value) -> Tensor:
    x = to_tensor(x)
    first, second = axis(dim0, len(x.shape)), axis(dim1, len(x.shape))
    order = list(range(len(x.shape)))
    order[first], order[second] = order[second], order[first]
    return _reordered(interpreter, "transpose", x, order)


def _reordered(interpreter: Interpreter, type_: str, x: Tensor, order: list[int]) -> Tensor:
    """A tensor with its axes in another order; a short constant with its numbers."""
    output = tuple(x.shape[index] for index in order)
    if x.values is None:
        return append_operation(interpreter, type_, [x], output, tuple(order))
    interpreter.tick(len(x.values))
    steps = [math.prod(x.shape[index + 1 :]) for index in order]
    indices = product(*map(range, output))
    sources = (sum(map(mul, index, steps)) for index in indices)
    return Tensor(output, values=[x.values[index] for index in sources])


def transposed(interpreter: Interpreter, x: Value) -> Tensor:
    """`x.T`: the axes in reverse order."""
    return permute(interpreter, x, tuple(reversed(range(len(to_tensor(x).shape)))))


def t(interpreter: Interpreter, x: Value) -> Tensor:
    """`x.t()`, of two axes at most."""
    x = to_tensor(x)
    if len(x.shape) > 2:
        raise ShapeMismatch(f"t() takes a tensor of 2 axes at most, not {brief(x.shape)}")
    return transposed(interpreter, x)


def movedim(interpreter: Interpreter, x: Value, source: Value, destination: Value) -> Tensor:
    x = to_tensor(x)
    rank = len(x.shape)
    sources, targets = axes(source, rank), axes(destination, rank)
    if len(sources) != len(targets):
        raise ShapeMismatch(f"movedim of {len(sources)} axes to {len(targets)} places")
    moved = dict(zip(targets, sources, strict=True))
    rest = iter(index for index in range(rank) if index not in sources)
    order = tuple(moved[index] if index in moved else next(rest) for index in range(rank))
    return permute(interpreter, x, order)


def squeeze(interpreter: Interpreter, x: Value, dim: Value = None) -> Tensor:
    x = to_tensor(x)
    if dim is None:
        # an image of a batch stays one, as with any larger batch
        kept = 0 if x.node and not x.learned else None
        output = tuple(n for index, n in enumerate(x.shape) if n != 1 or index == kept)
    else:
        squeezed = axes(dim, len(x.shape))
        output = tuple(n for index, n in enumerate(x.shape) if n != 1 or index not in squeezed)
    return regarded(interpreter, x, output)


def unsqueeze(interpreter: Interpreter, x: Value, dim: Value) -> Tensor:
    x = to_tensor(x)
    index = axis(dim, len(x.shape) + 1)
    return regarded(interpreter, x, (*x.shape[:index], 1, *x.shape[index:]))


def regarded(interpreter: Interpreter, x: Tensor, output: Shape) -> Tensor:
    """The same values in a shape that is known to hold them; no node if it affects no image."""
    check_size(output)
    if per_image(output) == per_image(x.shape) and x.node:
        same = Tensor(output, x.node, x.trained, x.values)
        same.learned, same.frozen = x.learned, x.frozen
        return same
    return append_node(interpreter, Reshape(per_image(output)), [x], output)


def at_least(axes_: int, interpreter: Interpreter, x: Value) -> Tensor:
    """`atleast_2d`: axes of length 1 before those there are; the third is after them."""
    x = to_tensor(x)
    output = (1,) * (min(axes_, 2) - len(x.shape)) + x.shape
    return regarded(interpreter, x, output + (1,) * (axes_ - len(output)))


def _widened(x: Tensor, rank: int) -> Shape:
    """A shape with axes of length 1 before its own."""
    if rank < len(x.shape):
        raise ShapeMismatch(f"{rank} sizes for a tensor of {len(x.shape)} axes")
    return (1,) * (rank - len(x.shape)) + x.shape


def expand(interpreter: Interpreter, x: Value, *sizes: Value) -> Tensor:
    x = to_tensor(x)
    wanted = to_sizes(sizes)
    own = _widened(x, len(wanted))
    output = tuple(n if size == -1 else size for n, size in zip(own, wanted, strict=True))
    if any(n not in (1, size) for n, size in zip(own, output, strict=True)):
        raise ShapeMismatch(f"expand of {brief(x.shape)} to {brief(output)}")
    if output == x.shape:
        return x
    return append_operation(interpreter, "expand", [x], output, output)


def repeat(interpreter: Interpreter, x: Value, *times: Value) -> Tensor:
    x = to_tensor(x)
    counts = tuple(to_sizes(times))
    own = _widened(x, len(counts))
    output = tuple(n * count for n, count in zip(own, counts, strict=True))
    if output == x.shape:
        return x
    return append_operation(interpreter, "repeat", [x], output, counts)


def tile(interpreter: Interpreter, x: Value, *times: Value, dims: Value = None) -> Tensor:
    """`repeat`, where the counts may be fewer than the axes: they are of the last ones."""
    counts = to_sizes(times if dims is None else (dims,))
    rank = len(to_tensor(x).shape)
    return repeat(interpreter, x, (*(1,) * (rank - len(counts)), *counts))


def repeat_interleave(
    interpreter: Interpreter, x: Value, repeats: Value, dim: Value = None, **_: Value
) -> Tensor:
    x = to_tensor(x)
    count = to_integer(repeats)
    if dim is None:
        return append_operation(
            interpreter, "repeat_interleave", [x], (math.prod(x.shape) * count,), count
        )
    index = axis(dim, len(x.shape))
    output = tuple(n * count if i == index else n for i, n in enumerate(x.shape))
    return append_operation(interpreter, "repeat_interleave", [x], output, count, index)
