"""Functions that create tensors: zeros, ranges, grids."""

import math

from convcli.callsyntax import brief
from convcli.nets.readers.python.language.limits import check_nesting
from convcli.nets.readers.python.language.objects import (
    ProgramException,
    ReadError,
    Tensor,
    Unknown,
    Value,
    check_known,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.torch.elementwise import number_of
from convcli.nets.readers.python.torch.tensor_args import to_integer, to_sizes, to_tensor, unpacked


def typed(interpreter: Interpreter, *sizes: Value, **options: Value) -> Value:
    """`torch.Tensor(3, 3)` of sizes, or `torch.Tensor([0.5, 0.2])` of values."""
    if len(sizes) == 1 and isinstance(sizes[0], list | tuple | Tensor):
        return tensor(interpreter, sizes[0])
    return constant(interpreter, *sizes, **options)


def constant(
    interpreter: Interpreter, *sizes: Value, size: Value = None, **options: Value
) -> Tensor:
    """`torch.zeros(1, 64, 8, 8)` and similar functions."""
    shape = tuple(to_sizes(sizes if size is None else (size,)))
    if any(length < 0 for length in shape):
        raise ProgramException("RuntimeError", f"a tensor of {brief(shape)} has an axis below 0")
    return Tensor(shape)


def tensor(interpreter: Interpreter, value: Value = (), *_: Value, **options: Value) -> Value:
    """`torch.tensor([1, 2])`: numbers in lists."""
    if isinstance(value, Tensor | Unknown):
        return value
    if isinstance(value, int | float):
        return Tensor((), values=[value])
    check_nesting(interpreter, value)
    if isinstance(value, list | tuple):
        numbers = [item for item in value if isinstance(item, int | float)]
        if len(numbers) == len(value):
            return Tensor((len(value),), values=numbers)
    shape: list[int] = []
    inner = value
    while isinstance(inner, list | tuple):
        shape.append(len(inner))
        inner = inner[0] if inner else None
    if isinstance(inner, Tensor):
        shape += inner.shape
    return Tensor(tuple(shape))


MAX_VALUES = 10_000
"""Maximum numbers of a constant to compute; longer ones are known by their shape."""


def arange(interpreter: Interpreter, *ends: Value, **options: Value) -> Tensor:
    named = [options[name] for name in ("start", "end") if name in options]
    given = [number_of(end) for end in (*ends, *named)]
    numbers = [number for number in given if number is not None]
    if not numbers or len(numbers) < len(given):
        raise ReadError("an arange whose ends are not known")
    start = numbers[0] if len(numbers) > 1 else 0
    stop = numbers[1] if len(numbers) > 1 else numbers[0]
    step = options.get("step", numbers[2] if len(numbers) > 2 else 1)
    check_known(step)
    if len(numbers) > 3 or not isinstance(step, int | float):
        raise ReadError("an arange whose ends are not known")
    count = max(math.ceil((stop - start) / step), 0)
    values = [start + step * i for i in range(count)] if count <= MAX_VALUES else None
    return Tensor((count,), values=values)


def linspace(
    interpreter: Interpreter, start: Value = 0, end: Value = 0, steps: Value = 100, **_: Value
) -> Tensor:
    count = to_integer(steps)
    first, last = number_of(start), number_of(end)
    if first is None or last is None or count > MAX_VALUES:
        return Tensor((count,))
    gap = (last - first) / max(count - 1, 1)
    return Tensor((count,), values=[first + gap * i for i in range(count)])


def eye(interpreter: Interpreter, n: Value, m: Value = None, **_: Value) -> Tensor:
    return Tensor((to_integer(n), to_integer(n if m is None else m)))


def meshgrid(interpreter: Interpreter, *tensors: Value, indexing: Value = "ij") -> Value:
    inputs = [to_tensor(x) for x in unpacked(tensors)]
    shape = tuple(x.shape[0] if x.shape else 1 for x in inputs)
    if indexing == "xy":
        shape = (*reversed(shape[:2]), *shape[2:])
    return tuple(Tensor(shape) for _ in inputs)
