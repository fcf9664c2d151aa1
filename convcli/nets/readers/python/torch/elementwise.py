"""Functions of values: one by one, of two tensors, and what is made of these."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from convcli.callsyntax import shown
from convcli.errors import UnfitError
from convcli.nets.layers import Activation, activations
from convcli.nets.layers.tensor_ops import Broadcast, Scalar, broadcast
from convcli.nets.readers.python.language.objects import Halt, Raised, Tensor, Unfit, Unknown
from convcli.nets.readers.python.language.operators import COMPARISONS, OPERATORS
from convcli.nets.readers.python.torch.indexing import chunk
from convcli.nets.readers.python.torch.tensor_args import axis, operation, put, tensor_of, whole


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


def activation(function: str) -> Callable[..., Any]:
    """An activation function with the values it takes: `F.elu(x, 0.5)`, `F.softmax(x, dim=1)`."""
    plain, build = elementwise(function), activations.function(function)

    def call(machine: Any, x: Any, *args: Any, **options: Any) -> Any:
        if not isinstance(x, Tensor) or x.values is not None:
            return plain(machine, x, *args, **options)
        return put(machine, build(*args, **options), [x], x.shape)

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
    return put(machine, activations.torch_leaky_relu(negative_slope), [x], x.shape)


def rrelu(
    machine: Any, x: Any, lower: Any = 1 / 8, upper: Any = 1 / 3, *_: Any, **options: Any
) -> Any:
    x = tensor_of(machine, x)
    return put(machine, activations.rrelu(lower, upper), [x], x.shape)


def binary(machine: Any, word: str, left: Any, right: Any) -> Any:
    """Arithmetic of tensors, or of a tensor and a number."""
    for one in (left, right):
        if isinstance(one, Unknown):
            raise machine.unknown(one)
    numbers = [number_of(one) for one in (left, right)]
    if all(number is not None for number in numbers):
        return Tensor((), values=[_result(machine, word, *numbers)])
    if isinstance(left, Tensor) and isinstance(right, Tensor):
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


def two(word: str) -> Callable[..., Any]:
    """`torch.add(x, y)` and its kin."""

    def call(machine: Any, left: Any, right: Any, *_: Any, **options: Any) -> Any:
        return binary(machine, word, left, right)

    return call


def together(word: str) -> Callable[..., Any]:
    """A function of several tensors value by value; numbers among them change no shape."""

    def call(machine: Any, *values: Any, **options: Any) -> Any:
        tensors = [one for one in (*values, *options.values()) if isinstance(one, Tensor)]
        gives = broadcast(word, *(one.shape for one in tensors))
        return put(machine, Broadcast(word), tensors, gives)

    return call


def masked_fill(machine: Any, x: Any, mask: Any, value: Any) -> Any:
    return together("where")(machine, tensor_of(machine, mask), tensor_of(machine, x))


def glu(machine: Any, x: Any, dim: Any = -1) -> Any:
    """`F.glu`: the first half of an axis, times the sigmoid of the second."""
    x = tensor_of(machine, x)
    length = x.shape[axis(machine, dim, len(x.shape))]
    if length % 2:
        raise Unfit(f"glu halves an axis, which is of {length}")
    first, second = chunk(machine, x, 2, dim)
    return binary(machine, "multiply", first, elementwise("sigmoid")(machine, second))


def diff(machine: Any, x: Any, n: Any = 1, dim: Any = -1, **_: Any) -> Any:
    x = tensor_of(machine, x)
    place, many = axis(machine, dim, len(x.shape)), whole(machine, n)
    if x.values is not None and len(x.shape) == 1 and many == 1:
        steps = [after - before for before, after in pairwise(x.values)]
        return Tensor((len(steps),), values=steps)
    gives = tuple(max(size - many, 0) if i == place else size for i, size in enumerate(x.shape))
    return operation(machine, "diff", [x], gives, many, place)


def to_whole(machine: Any, x: Any, *_: Any) -> Any:
    """`x.int()`: the same shape."""
    if isinstance(x, Tensor) and x.values is not None:
        return Tensor(x.shape, values=_each("int", x.values, ()))
    return x


def one_hot(machine: Any, x: Any, num_classes: Any = -1) -> Any:
    x, many = tensor_of(machine, x), whole(machine, num_classes)
    if many < 1:
        raise Halt("one_hot without its number of classes depends on the values of a tensor")
    return operation(machine, "one_hot", [x], (*x.shape, many), many)


def normalize(machine: Any, x: Any, *args: Any, **options: Any) -> Any:
    x = tensor_of(machine, x)
    return operation(machine, "normalize", [x], x.shape)


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
    if x.shape[-1:] != (2,):
        raise Unfit(f"view_as_complex of {shown(x.shape)}, whose last axis is not of 2")
    return operation(machine, "view_as_complex", [x], x.shape[:-1])
