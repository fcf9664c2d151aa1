"""Matrix products: of weights, which count, and of activations, which do not."""

import math
from collections.abc import Sequence

from convcli.callsyntax import brief
from convcli.nets.layers import Shape
from convcli.nets.layers.tensor_ops import broadcast
from convcli.nets.readers.python.language.objects import (
    ReadError,
    ShapeMismatch,
    Tensor,
    Value,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.torch.elementwise import binary
from convcli.nets.readers.python.torch.tensor_args import (
    append_operation,
    axes,
    to_integer,
    to_tensor,
    unpacked,
)


def product(
    interpreter: Interpreter,
    type_: str,
    inputs: Sequence[Tensor],
    output: Shape,
    macs: int,
    *values: Value,
) -> Tensor:
    """A matrix product: of weights, its multiply–accumulates count; of activations, they do not."""
    weighted = any(tensor.learned for tensor in inputs)
    if not weighted:
        interpreter.recorder.activation_macs += macs
    return append_operation(
        interpreter, type_, inputs, output, *values, macs=macs if weighted else 0
    )


def matmul(interpreter: Interpreter, left: Value, right: Value) -> Tensor:
    left, right = to_tensor(left), to_tensor(right)
    a = left.shape if len(left.shape) > 1 else (1, *left.shape)
    b = right.shape if len(right.shape) > 1 else (*right.shape, 1)
    if a[-1] != b[-2]:
        raise ShapeMismatch(
            f"matmul of {brief(left.shape)} and {brief(right.shape)}: {a[-1]} meets {b[-2]}"
        )
    lead = broadcast("matmul", a[:-2] or (1,), b[:-2] or (1,)) if len(a) > 2 or len(b) > 2 else ()
    output = (*lead, *a[-2:-1], *b[-1:])
    if len(left.shape) == 1:
        output = (*output[:-2], output[-1])
    if len(right.shape) == 1:
        output = output[:-1]
    macs = math.prod(lead) * a[-2] * a[-1] * b[-1]
    return product(interpreter, "matmul", [left, right], output, macs)


def matmul_of(
    name: str, left_rank: int, right_rank: int, interpreter: Interpreter, left: Value, right: Value
) -> Tensor:
    """`torch.bmm` and similar functions: products of tensors of exactly these ranks."""
    for tensor, rank in ((to_tensor(left), left_rank), (to_tensor(right), right_rank)):
        if len(tensor.shape) != rank:
            raise ShapeMismatch(f"{name} takes a tensor of {rank} axes, not {brief(tensor.shape)}")
    return matmul(interpreter, left, right)


def outer(interpreter: Interpreter, left: Value, right: Value) -> Tensor:
    left, right = to_tensor(left), to_tensor(right)
    if len(left.shape) != 1 or len(right.shape) != 1:
        raise ShapeMismatch(
            f"outer takes two vectors, not {brief(left.shape)} and {brief(right.shape)}"
        )
    output = (left.shape[0], right.shape[0])
    return append_operation(interpreter, "outer", [left, right], output)


def cdist(interpreter: Interpreter, left: Value, right: Value, *_: Value, **__: Value) -> Tensor:
    left, right = to_tensor(left), to_tensor(right)
    shapes = left.shape, right.shape
    if min(map(len, shapes)) < 2 or left.shape[-1] != right.shape[-1]:
        raise ShapeMismatch(f"cdist of rows of {' and '.join(map(brief, shapes))}")
    lead = broadcast("cdist", left.shape[:-2] or (1,), right.shape[:-2] or (1,))
    lead = lead if max(map(len, shapes)) > 2 else ()
    output = (*lead, left.shape[-2], right.shape[-2])
    return append_operation(interpreter, "cdist", [left, right], output)


def einsum(interpreter: Interpreter, equation: Value, *operands: Value) -> Tensor:
    tensors = [to_tensor(operand) for operand in unpacked(operands)]
    if not isinstance(equation, str):
        raise ReadError("einsum is read with its equation as text")
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(tensors):
        raise ShapeMismatch(f"einsum {brief(equation)} of {len(tensors)} tensors")
    sizes: dict[str, int] = {}
    dots: Shape = ()
    for term, tensor in zip(terms, tensors, strict=True):
        if "..." in term:
            before, _, after = term.partition("...")
            extra = len(tensor.shape) - len(before) - len(after)
            dots = tensor.shape[len(before) : len(before) + extra]
            letters = before + after
            shape = (*tensor.shape[: len(before)], *tensor.shape[len(before) + extra :])
        else:
            letters, shape = term, tensor.shape
        if len(letters) != len(shape):
            raise ShapeMismatch(f"einsum {brief(equation)} of {brief(tensor.shape)}")
        for letter, size in zip(letters, shape, strict=True):
            if sizes.get(letter, 1) not in (1, size) and size != 1:
                raise ShapeMismatch(
                    f"einsum {brief(equation)}: {letter} is {sizes[letter]} and {size}"
                )
            sizes[letter] = max(size, sizes.get(letter, 1))
    if not arrow:
        joined = left.replace(",", "").replace("...", "")
        right = ("..." if dots else "") + "".join(sorted(c for c in sizes if joined.count(c) == 1))
    before, _, after = right.partition("...")
    for letter in before + after:
        if letter not in sizes or (before + after).count(letter) > 1:
            where = "twice in what it gives" if letter in sizes else "in none of its tensors"
            raise ShapeMismatch(f"einsum {brief(equation)}: {letter} is {where}")
    output = (
        *(sizes[c] for c in before),
        *(dots if "..." in right else ()),
        *(sizes[c] for c in after),
    )
    macs = math.prod(sizes.values()) * math.prod(dots)
    return product(interpreter, "einsum", tensors, output, macs, equation)


def tensordot(interpreter: Interpreter, left: Value, right: Value, dims: Value = 2) -> Tensor:
    """A product over the last axes of `left` and the first of `right`, or over pairs of axes."""
    left, right = to_tensor(left), to_tensor(right)
    if isinstance(dims, list | tuple):
        ours, theirs = (axes(of, len(x.shape)) for of, x in zip(dims, (left, right), strict=True))
    else:
        count = to_integer(dims)
        ours, theirs = axes([*range(-count, 0)], len(left.shape)), [*range(count)]
    if [left.shape[i] for i in ours] != [right.shape[i] for i in theirs]:
        shapes = f"{brief(left.shape)} and {brief(right.shape)}"
        raise ShapeMismatch(f"tensordot of {shapes} over {brief(dims)}")
    kept = [n for i, n in enumerate(left.shape) if i not in ours]
    output = (*kept, *(n for i, n in enumerate(right.shape) if i not in theirs))
    macs = math.prod(kept) * math.prod(right.shape)
    return product(interpreter, "tensordot", [left, right], output, macs)


def inner(interpreter: Interpreter, left: Value, right: Value) -> Tensor:
    left, right = to_tensor(left), to_tensor(right)
    return tensordot(interpreter, left, right, ((len(left.shape) - 1,), (len(right.shape) - 1,)))


def chained(interpreter: Interpreter, *tensors: Value) -> Tensor:
    """`torch.linalg.multi_dot([a, b, c])` and `torch.chain_matmul(a, b, c)`, from the left."""
    first, *rest = unpacked(tensors)
    output = to_tensor(first)
    for tensor in rest:
        output = matmul(interpreter, output, tensor)
    return output


def kron(interpreter: Interpreter, left: Value, right: Value) -> Tensor:
    left, right = to_tensor(left), to_tensor(right)
    rank = max(len(left.shape), len(right.shape))
    padded = [(*(1,) * (rank - len(x.shape)), *x.shape) for x in (left, right)]
    output = tuple(a * b for a, b in zip(*padded, strict=True))
    return append_operation(interpreter, "kron", [left, right], output)


def bilinear(
    interpreter: Interpreter, left: Value, right: Value, weight: Value, bias: Value = None
) -> Value:
    """`F.bilinear(x, y, weight, bias)`: x @ weight[i] @ y for every i."""
    output = einsum(interpreter, "...i,oij,...j->...o", left, weight, right)
    return output if bias is None else binary(interpreter, "add", output, bias)


def attention(
    interpreter: Interpreter, query: Value, key: Value, value: Value, *_: Value, **options: Value
) -> Tensor:
    """`F.scaled_dot_product_attention`."""
    query, key, value = to_tensor(query), to_tensor(key), to_tensor(value)
    shapes = ", ".join(brief(tensor.shape) for tensor in (query, key, value))
    if query.shape[-1] != key.shape[-1] or key.shape[-2:-1] != value.shape[-2:-1]:
        raise ShapeMismatch(f"attention of {shapes}: a query meets keys as long, a key has a value")
    batches = zip(reversed(query.shape[:-2]), reversed(key.shape[:-2]), strict=False)
    if any(size != other and 1 not in (size, other) for size, other in batches):
        raise ShapeMismatch(f"attention of {shapes}: queries and keys are of other batches")
    output = (*query.shape[:-1], value.shape[-1])
    macs = (math.prod(query.shape) + math.prod(output)) * key.shape[-2]
    return product(interpreter, "attention", [query, key, value], output, macs)
