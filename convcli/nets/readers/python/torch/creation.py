"""Functions that make tensors of their own: zeros, ranges, grids."""

import math
from typing import Any

from convcli.callsyntax import shown
from convcli.nets.readers.python.language.objects import Halt, Raised, Tensor, Unknown
from convcli.nets.readers.python.torch.elementwise import number_of
from convcli.nets.readers.python.torch.tensor_args import sizes_of, tensor_of, whole


def typed(machine: Any, *sizes: Any, **options: Any) -> Any:
    """`torch.Tensor(3, 3)` of sizes, or `torch.Tensor([0.5, 0.2])` of values."""
    if len(sizes) == 1 and isinstance(sizes[0], list | tuple | Tensor):
        return tensor(machine, sizes[0])
    return constant(machine, *sizes, **options)


def constant(machine: Any, *sizes: Any, size: Any = None, **options: Any) -> Tensor:
    """`torch.zeros(1, 64, 8, 8)` and its kin."""
    given = sizes if size is None else (size,)
    shape = tuple(sizes_of(machine, given))
    if any(one < 0 for one in shape):
        raise Raised("RuntimeError", f"a tensor of {shown(shape)} has an axis below 0")
    return Tensor(shape)


def full(machine: Any, size: Any, *_: Any, **options: Any) -> Tensor:
    return constant(machine, size)


def like(machine: Any, x: Any, *_: Any, **options: Any) -> Tensor:
    return Tensor(tensor_of(machine, x).shape)


def new(machine: Any, x: Any, *sizes: Any, **options: Any) -> Tensor:
    return constant(machine, *sizes, size=options.get("size"))


def new_full(machine: Any, x: Any, size: Any, *_: Any, **options: Any) -> Tensor:
    return constant(machine, size)


def tensor(machine: Any, value: Any = (), *_: Any, **options: Any) -> Any:
    """`torch.tensor([1, 2])`: numbers in lists."""
    if isinstance(value, Tensor | Unknown):
        return value
    if isinstance(value, int | float):
        return Tensor((), values=[value])
    machine.plain(value)
    shape, inner = [], value
    while isinstance(inner, list | tuple):
        shape.append(len(inner))
        inner = inner[0] if inner else None
    if isinstance(inner, Tensor):
        shape += inner.shape
    flat = len(shape) == 1 and all(isinstance(one, int | float) for one in value)
    return Tensor(tuple(shape), values=list(value) if flat else None)


MOST_VALUES = 10_000


def arange(machine: Any, *ends: Any, **options: Any) -> Tensor:
    given = [options[name] for name in ("start", "end") if name in options]
    numbers = [number_of(one) for one in (*ends, *given)]
    if not numbers or any(one is None for one in numbers):
        raise Halt("an arange whose ends are not known")
    start, stop, step = {1: (0, *numbers, 1), 2: (*numbers, 1)}.get(len(numbers), tuple(numbers))
    step = options.get("step", step)
    many = max(math.ceil((stop - start) / step), 0)
    values = [start + step * i for i in range(many)] if many <= MOST_VALUES else None
    return Tensor((many,), values=values)


def linspace(machine: Any, start: Any = 0, end: Any = 0, steps: Any = 100, **_: Any) -> Tensor:
    many = whole(machine, steps)
    first, last = number_of(start), number_of(end)
    if first is None or last is None or many > MOST_VALUES:
        return Tensor((many,))
    gap = (last - first) / max(many - 1, 1)
    return Tensor((many,), values=[first + gap * i for i in range(many)])


def eye(machine: Any, n: Any, m: Any = None, **_: Any) -> Tensor:
    return Tensor((whole(machine, n), whole(machine, n if m is None else m)))


def meshgrid(machine: Any, *tensors: Any, indexing: Any = "ij") -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    each = [tensor_of(machine, one) for one in tensors]
    shape = tuple(one.shape[0] if one.shape else 1 for one in each)
    if indexing == "xy":
        shape = (*reversed(shape[:2]), *shape[2:])
    return tuple(Tensor(shape) for _ in each)
