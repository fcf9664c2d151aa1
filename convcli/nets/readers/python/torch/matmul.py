"""Matrix products: of weights, which count, and of activations, which do not."""

import math
from collections.abc import Callable
from typing import Any

from convcli.callsyntax import shown
from convcli.nets.layers import Shape
from convcli.nets.layers.tensor_ops import broadcast
from convcli.nets.readers.python.language.objects import Halt, Tensor, Unfit
from convcli.nets.readers.python.torch.elementwise import binary
from convcli.nets.readers.python.torch.tensor_args import operation, tensor_of


def product(
    machine: Any, type_: str, inputs: list[Tensor], gives: Shape, work: int, *values: Any
) -> Tensor:
    """A matrix product: of weights, its multiply–accumulates count; of activations, they do not."""
    weighted = any(one.learned for one in inputs)
    if not weighted:
        machine.tape.products += work
    return operation(machine, type_, inputs, gives, *values, macs=work if weighted else 0)


def matmul(machine: Any, left: Any, right: Any) -> Any:
    left, right = tensor_of(machine, left), tensor_of(machine, right)
    a = left.shape if len(left.shape) > 1 else (1, *left.shape)
    b = right.shape if len(right.shape) > 1 else (*right.shape, 1)
    if a[-1] != b[-2]:
        raise Unfit(
            f"matmul of {shown(left.shape)} and {shown(right.shape)}: {a[-1]} meets {b[-2]}"
        )
    lead = broadcast("matmul", a[:-2] or (1,), b[:-2] or (1,)) if len(a) > 2 or len(b) > 2 else ()
    gives = (*lead, *a[-2:-1], *b[-1:])
    if len(left.shape) == 1:
        gives = (*gives[:-2], gives[-1])
    if len(right.shape) == 1:
        gives = gives[:-1]
    work = math.prod(lead) * a[-2] * a[-1] * b[-1]
    return product(machine, "matmul", [left, right], gives, work)


def matmul_of(name: str, left_rank: int, right_rank: int) -> Callable[..., Any]:
    """`torch.bmm` and its kin: products of tensors of so many axes, and no others."""

    def call(machine: Any, left: Any, right: Any) -> Any:
        left, right = tensor_of(machine, left), tensor_of(machine, right)
        for one, rank in ((left, left_rank), (right, right_rank)):
            if len(one.shape) != rank:
                raise Unfit(f"{name} takes a tensor of {rank} axes, not {shown(one.shape)}")
        return matmul(machine, left, right)

    return call


def added_product(machine: Any, x: Any, left: Any, right: Any, **_: Any) -> Any:
    """`torch.addmm(x, a, b)`: x + a @ b."""
    return binary(machine, "add", x, matmul(machine, left, right))


def outer(machine: Any, left: Any, right: Any) -> Any:
    left, right = tensor_of(machine, left), tensor_of(machine, right)
    if len(left.shape) != 1 or len(right.shape) != 1:
        raise Unfit(f"outer takes two vectors, not {shown(left.shape)} and {shown(right.shape)}")
    return operation(machine, "outer", [left, right], (left.shape[0], right.shape[0]))


def cdist(machine: Any, left: Any, right: Any, *_: Any, **__: Any) -> Any:
    left, right = tensor_of(machine, left), tensor_of(machine, right)
    shapes = left.shape, right.shape
    if min(map(len, shapes)) < 2 or left.shape[-1] != right.shape[-1]:
        raise Unfit(f"cdist of rows of {' and '.join(map(shown, shapes))}")
    lead = broadcast("cdist", left.shape[:-2] or (1,), right.shape[:-2] or (1,))
    lead = lead if max(map(len, shapes)) > 2 else ()
    return operation(machine, "cdist", [left, right], (*lead, left.shape[-2], right.shape[-2]))


def einsum(machine: Any, equation: Any, *tensors: Any) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    each = [tensor_of(machine, one) for one in tensors]
    if not isinstance(equation, str):
        raise Halt("einsum is read with its equation as text")
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(each):
        raise Unfit(f"einsum {shown(equation)} of {len(each)} tensors")
    sizes: dict[str, int] = {}
    dots: Shape = ()
    for term, one in zip(terms, each, strict=True):
        if "..." in term:
            before, _, after = term.partition("...")
            extra = len(one.shape) - len(before) - len(after)
            dots = one.shape[len(before) : len(before) + extra]
            letters = before + after
            shape = (*one.shape[: len(before)], *one.shape[len(before) + extra :])
        else:
            letters, shape = term, one.shape
        if len(letters) != len(shape):
            raise Unfit(f"einsum {shown(equation)} of {shown(one.shape)}")
        for letter, size in zip(letters, shape, strict=True):
            if sizes.get(letter, 1) not in (1, size) and size != 1:
                raise Unfit(f"einsum {shown(equation)}: {letter} is {sizes[letter]} and {size}")
            sizes[letter] = max(size, sizes.get(letter, 1))
    if not arrow:
        joined = left.replace(",", "").replace("...", "")
        right = ("..." if dots else "") + "".join(sorted(c for c in sizes if joined.count(c) == 1))
    before, _, after = right.partition("...")
    for letter in before + after:
        if letter not in sizes or (before + after).count(letter) > 1:
            many = "twice in what it gives" if letter in sizes else "in none of its tensors"
            raise Unfit(f"einsum {shown(equation)}: {letter} is {many}")
    gives = (
        *(sizes[c] for c in before),
        *(dots if "..." in right else ()),
        *(sizes[c] for c in after),
    )
    work = math.prod(sizes.values()) * math.prod(dots)
    return product(machine, "einsum", each, gives, work, equation)


def attention(machine: Any, query: Any, key: Any, value: Any, *_: Any, **options: Any) -> Any:
    """`F.scaled_dot_product_attention`."""
    query, key, value = (tensor_of(machine, one) for one in (query, key, value))
    if query.shape[-1] != key.shape[-1] or key.shape[-2:-1] != value.shape[-2:-1]:
        each = ", ".join(shown(one.shape) for one in (query, key, value))
        raise Unfit(f"attention of {each}: a query meets keys as long, a key has a value")
    gives = (*query.shape[:-1], value.shape[-1])
    work = math.prod(query.shape) * key.shape[-2] + math.prod(gives) * key.shape[-2]
    return product(machine, "attention", [query, key, value], gives, work)
