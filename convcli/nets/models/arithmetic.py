"""Functions of values: one by one, of two tensors, matrix products, reductions."""

import math
from collections.abc import Callable
from typing import Any

from convcli.calls import shown
from convcli.errors import UnfitError
from convcli.nets.layers import (
    Activation,
    AdaptivePool,
    Shape,
    Shuffle,
)
from convcli.nets.models.operators import COMPARISONS, OPERATORS
from convcli.nets.models.shaping import chunk, piece
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
from convcli.nets.models.values import Halt, Raised, Ranked, Tensor, Unfit, Unknown
from convcli.nets.operations import Broadcast, Scalar, broadcast
from convcli.nets.readers.values import counts


def elementwise(name: str) -> Callable[..., Any]:
    """A function of each value alone."""

    def call(machine: Any, x: Any, *args: Any, **options: Any) -> Any:
        if isinstance(x, int | float):
            x = Tensor((), values=[x])
        x = tensor_of(machine, x)
        if x.values is not None:
            return Tensor(x.shape, values=_each(name, x.values, args))
        return put(machine, Activation(name), [x], x.shape)

    return call


OF_NUMBERS: dict[str, Callable[[Any], Any]] = {
    "exp": math.exp,
    "log": math.log,
    "log2": math.log2,
    "sqrt": math.sqrt,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "abs": abs,
    "neg": lambda one: -one,
    "int": int,
    "long": int,
    "square": lambda one: one * one,
}
"""What is worked out for constants whose numbers are known."""


def _each(name: str, values: list[Any], args: tuple[Any, ...]) -> list[Any] | None:
    if args or name not in OF_NUMBERS:
        return None
    try:
        return [OF_NUMBERS[name](one) for one in values]
    except (ArithmeticError, ValueError):
        return None


def leaky_relu(machine: Any, x: Any, negative_slope: Any = 0.01, *_: Any, **options: Any) -> Any:
    x = tensor_of(machine, x)
    return put(machine, Activation("leaky_relu", float(negative_slope)), [x], x.shape)


def binary(machine: Any, word: str, left: Any, right: Any) -> Any:
    """Arithmetic of tensors, or of a tensor and a number."""
    for one in (left, right):
        if isinstance(one, Unknown):
            raise machine.unknown(one)
    numbers = [number_of(one) for one in (left, right)]
    if all(number is not None for number in numbers):
        return Tensor((), values=[_result(machine, word, *numbers)])
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        if word == "matmul":
            return matmul(machine, left, right)
        if left.values is not None and right.values is not None:
            return _of_values(machine, word, left, right)
        try:
            gives = broadcast(word, left.shape, right.shape)
        except UnfitError as misfit:
            put(machine, Broadcast(word), [left, right], left.shape)
            raise Unfit(str(misfit)) from None
        return put(machine, Broadcast(word), [left, right], gives)
    tensor, other = (left, right) if isinstance(left, Tensor) else (right, left)
    if isinstance(other, bool | int | float):
        if tensor.values is not None:
            pairs = [(one, other) if tensor is left else (other, one) for one in tensor.values]
            values = [_result(machine, word, *pair) for pair in pairs]
            return Tensor(tensor.shape, values=values)
        record = Scalar(word, float(other), tensor is right)
        return put(machine, record, [tensor], tensor.shape)
    if other is None or isinstance(other, str):
        return word == "ne"
    raise Raised("TypeError", f"{machine.describe(other)} and a tensor do not {word}")


def number_of(value: Any) -> Any:
    """A number, or that of a tensor without axes; None for anything else."""
    if isinstance(value, Tensor):
        return None if value.shape else value.number
    return value if isinstance(value, int | float) else None


def _result(machine: Any, word: str, left: Any, right: Any) -> Any:
    op = OPERATORS.get(word)
    if op is None:
        raise Halt(f"{word} of single values is not read here")
    work = machine.compare if op in COMPARISONS else machine.operate
    return work(op, left, right)


def _of_values(machine: Any, word: str, left: Tensor, right: Tensor) -> Tensor:
    """Arithmetic of two short constants whose numbers are known."""
    shape = broadcast(word, left.shape, right.shape)
    many = max(len(left.values or ()), len(right.values or ()))
    rows = [(one.values or []) * (many // max(len(one.values or ()), 1)) for one in (left, right)]
    machine.tick(many)
    values = [_result(machine, word, a, b) for a, b in zip(*rows, strict=True)]
    return Tensor(shape, values=values)


def fourier(name: str) -> Callable[..., Any]:
    """`torch.fft`: the same shape, but for real transforms, which halve their last axis."""

    def call(machine: Any, x: Any, *args: Any, **options: Any) -> Any:
        x = tensor_of(machine, x)
        if args or options.get("n") is not None or options.get("s") is not None:
            raise Halt(f"torch.fft.{name} with sizes or axes is not read here")
        last = x.shape[-1]
        length = {"r": last // 2 + 1, "ir": 2 * (last - 1)}.get(name.partition("fft")[0], last)
        return operation(machine, name, [x], (*x.shape[:-1], length))

    return call


FOURIER = {
    f"{kind}fft{axes}": fourier(f"{kind}fft{axes}")
    for kind in ("", "i", "r", "ir")
    for axes in ("", "2", "n")
}
FOURIER |= dict.fromkeys(("fftshift", "ifftshift"), lambda machine, x, *_, **__: x)
"""The names of `torch.fft`."""


def as_real(machine: Any, x: Any) -> Any:
    """`torch.view_as_real`: a last axis of two for a complex number's parts."""
    x = tensor_of(machine, x)
    return operation(machine, "view_as_real", [x], (*x.shape, 2))


def as_complex(machine: Any, x: Any) -> Any:
    x = tensor_of(machine, x)
    return operation(machine, "view_as_complex", [x], x.shape[:-1])


def glu(machine: Any, x: Any, dim: Any = -1) -> Any:
    """`F.glu`: the first half of an axis, times the sigmoid of the second."""
    first, second = chunk(machine, x, 2, dim)
    return binary(machine, "multiply", first, elementwise("sigmoid")(machine, second))


def outer(machine: Any, left: Any, right: Any) -> Any:
    left, right = tensor_of(machine, left), tensor_of(machine, right)
    return operation(machine, "outer", [left, right], (left.shape[0], right.shape[0]))


def cdist(machine: Any, left: Any, right: Any, *_: Any, **__: Any) -> Any:
    left, right = tensor_of(machine, left), tensor_of(machine, right)
    gives = (*left.shape[:-1], right.shape[-2])
    return operation(machine, "cdist", [left, right], gives)


def one_hot(machine: Any, x: Any, num_classes: Any = -1) -> Any:
    x, many = tensor_of(machine, x), whole(machine, num_classes)
    if many < 1:
        raise Halt("one_hot without its number of classes depends on the values of a tensor")
    return operation(machine, "one_hot", [x], (*x.shape, many), many)


def cosine_similarity(machine: Any, left: Any, right: Any, dim: Any = 1, *_: Any, **__: Any) -> Any:
    both = binary(machine, "multiply", left, right)
    return reduction("sum")(machine, both, dim)


def added_product(machine: Any, x: Any, left: Any, right: Any, **_: Any) -> Any:
    """`torch.addmm(x, a, b)`: x + a @ b."""
    return binary(machine, "add", x, matmul(machine, left, right))


def diff(machine: Any, x: Any, n: Any = 1, dim: Any = -1, **_: Any) -> Any:
    x = tensor_of(machine, x)
    if x.values is not None:
        steps = [after - before for before, after in zip(x.values, x.values[1:], strict=False)]
        return Tensor((len(steps),), values=steps)
    place, many = axis(machine, dim, len(x.shape)), whole(machine, n)
    gives = tuple(max(size - many, 0) if i == place else size for i, size in enumerate(x.shape))
    return operation(machine, "diff", [x], gives, many, place)


def to_whole(machine: Any, x: Any, *_: Any) -> Any:
    """`x.int()`: the same shape."""
    if isinstance(x, Tensor) and x.values is not None:
        return Tensor(x.shape, values=_each("int", x.values, ()))
    return x


def two(word: str) -> Callable[..., Any]:
    """`torch.add(x, y)` and its kin."""

    def call(machine: Any, left: Any, right: Any, *_: Any, **options: Any) -> Any:
        return binary(machine, word, left, right)

    return call


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


def product(
    machine: Any, type_: str, inputs: list[Tensor], gives: Shape, work: int, *values: Any
) -> Tensor:
    """A matrix product: of weights, its multiply–accumulates count; of activations, they do not."""
    weighted = any(one.learned for one in inputs)
    if not weighted:
        machine.tape.products += work
    return operation(machine, type_, inputs, gives, *values, macs=work if weighted else 0)


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
            before, after = term.split("...")
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
    gives = (
        *(sizes[c] for c in before),
        *(dots if "..." in right else ()),
        *(sizes[c] for c in after),
    )
    work = math.prod(sizes.values()) * math.prod(dots)
    return product(machine, "einsum", each, gives, work, equation)


def reduction(type_: str, kind: str = "") -> Callable[..., Any]:
    """A value out of many along some axes; over height and width, a global pool."""

    def call(
        machine: Any,
        x: Any,
        dim: Any = None,
        keepdim: Any = False,
        axis_: Any = None,
        **options: Any,
    ) -> Any:
        x = tensor_of(machine, x)
        dim = options.get("axis", dim)
        keepdim = options.get("keepdims", keepdim)
        if isinstance(dim, Tensor):
            return binary(machine, "maximum" if kind == "max" else "minimum", x, dim)
        if not isinstance(dim, int | tuple | list | None) or isinstance(dim, bool):
            dim = None if isinstance(dim, Unknown) else dim  # a type
        gone = axes(machine, dim, len(x.shape))
        gives = tuple(
            1 if place in gone else n
            for place, n in enumerate(x.shape)
            if keepdim or place not in gone
        )
        if kind and sorted(gone) == [2, 3] and len(x.shape) == 4 and x.shape[0] == 1:
            record = AdaptivePool(kind, (1, 1), squeeze=not keepdim)
            return put(machine, record, [x], gives)
        return operation(machine, type_, [x], gives, tuple(gone), bool(keepdim))

    return call


def ranked(made: Tensor) -> Ranked:
    """Values with the places they came from."""
    return Ranked((made, Tensor(made.shape, made.node)))


def extreme(kind: str) -> Callable[..., Any]:
    """`max` and `min`: of all, of an axis with the places, or of two tensors."""
    of_axes = reduction(kind, kind if kind == "max" else "")

    def call(machine: Any, x: Any, dim: Any = None, keepdim: Any = False, **options: Any) -> Any:
        dim = options.pop("axis", dim)
        if dim is None and "other" in options:
            dim = options.pop("other")
        found = of_axes(machine, x, dim, keepdim, **options)
        if isinstance(dim, int) and not isinstance(dim, bool):
            return ranked(found)
        return found

    return call


def unpool(
    machine: Any,
    x: Any,
    indices: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Any:
    """`F.max_unpool2d`: (n − 1)·stride − 2·padding + kernel, or the size asked for."""
    x = tensor_of(machine, x)
    kernel = counts(kernel_size, 2, "kernel_size")
    steps = kernel if stride is None else counts(stride, 2, "stride")
    pads = counts(padding, 2, "padding", 0)
    if output_size is not None:
        lengths = sizes_of(machine, (output_size,))[-2:]
    else:
        lengths = [
            (n - 1) * s - 2 * p + k
            for n, s, p, k in zip(x.shape[-2:], steps, pads, kernel, strict=True)
        ]
    return operation(machine, "max_unpool2d", [x], (*x.shape[:-2], *lengths), kernel, steps)


def topk(machine: Any, x: Any, k: Any, dim: Any = -1, *_: Any, **options: Any) -> Any:
    x = tensor_of(machine, x)
    place = axis(machine, dim, len(x.shape))
    return ranked(piece(machine, x, place, 0, whole(machine, k), "topk"))


def sort(machine: Any, x: Any, dim: Any = -1, *_: Any, **options: Any) -> Any:
    x = tensor_of(machine, x)
    return ranked(operation(machine, "sort", [x], x.shape, dim))


def where(machine: Any, condition: Any, *values: Any) -> Any:
    tensors = [one for one in (condition, *values) if isinstance(one, Tensor)]
    gives = broadcast("where", *(one.shape for one in tensors))
    return put(machine, Broadcast("where"), tensors, gives)


def masked_fill(machine: Any, x: Any, mask: Any, value: Any) -> Any:
    return where(machine, tensor_of(machine, mask), tensor_of(machine, x))


def gather(machine: Any, x: Any, dim: Any, index: Any) -> Any:
    x, index = tensor_of(machine, x), tensor_of(machine, index)
    return operation(machine, "gather", [x, index], index.shape, dim)


def grid_sample(machine: Any, x: Any, grid: Any, *_: Any, **options: Any) -> Any:
    x, grid = tensor_of(machine, x), tensor_of(machine, grid)
    return operation(machine, "grid_sample", [x, grid], (*x.shape[:2], *grid.shape[1:-1]))


def channel_shuffle(machine: Any, x: Any, groups: Any) -> Any:
    return layer(machine, Shuffle(whole(machine, groups)), x)


def normalize(machine: Any, x: Any, *args: Any, **options: Any) -> Any:
    x = tensor_of(machine, x)
    return operation(machine, "normalize", [x], x.shape)
