"""Constant folding: arithmetic on numbers of a model file that do not depend on the input.

Exporters write shapes as little programs (Shape, Gather, Concat, …). These functions compute them
on StoredArrays, in plain Python; results of more than MAX_VALUES numbers are not computed.
"""

import math
import operator
from collections.abc import Callable, Sequence
from itertools import product
from math import prod

from convcli.errors import UnfitError
from convcli.nets.layers import Shape
from convcli.nets.layers.tensor_ops import broadcast
from convcli.nets.stored_arrays import MAX_VALUES, StoredArray, numbers

Function = Callable[..., float]

MAX_INTEGER = 1 << 64


def broadcast_shape(*shapes: Shape) -> Shape | None:
    """The broadcast shape of several shapes, axes matched from the last; None if there is none."""
    try:
        return broadcast("", *shapes)
    except UnfitError:
        return None


def mapped(function: Function, arrays: Sequence[StoredArray], type_: str) -> StoredArray | None:
    """A function of each value of broadcast arrays; None if it cannot be computed.

    >>> mapped(min, [numbers("int64", (3,), (5, 1, 7)), numbers("int64", (), (4,))], "int64").data
    (4, 1, 4)
    """
    shape = broadcast_shape(*(array.shape for array in arrays))
    if shape is None or prod(shape) > MAX_VALUES:
        return None
    lists = [array.expanded(shape).values() for array in arrays]
    known = [values for values in lists if values is not None]
    if len(known) < len(lists):
        return None
    try:
        values = tuple(map(function, *known))
    except (ArithmeticError, ValueError):
        return None
    return numbers(type_, shape, values) if all(map(fits, values)) else None


def fits(value: float) -> bool:
    """Whether a number is no integer of more than 64 bits, which no element type has."""
    return not isinstance(value, int) or -MAX_INTEGER <= value < MAX_INTEGER


def power(a: float, b: float) -> float:
    """a ** b. Raises OverflowError before it computes a number of gigabytes."""
    if isinstance(a, int) and isinstance(b, int) and abs(a) > 1 and b > MAX_INTEGER.bit_length():
        raise OverflowError
    result: float = a**b
    return result


def total_product(values: Sequence[float]) -> float:
    """The product of all numbers. Raises OverflowError."""
    result: float = 1
    for value in values:
        result *= value
        if not fits(result):
            raise OverflowError
    return result


def divided(a: float, b: float) -> float:
    """a / b; integers are rounded towards 0."""
    if isinstance(a, int) and isinstance(b, int):
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return a / b


ARITHMETIC: dict[str, Function] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Div": divided,
    "Mod": operator.mod,
    "Pow": power,
    "Min": min,
    "Max": max,
    "Neg": operator.neg,
    "Abs": abs,
    "Sqrt": math.sqrt,
    "Exp": math.exp,
    "Log": math.log,
    "Floor": math.floor,
    "Ceil": math.ceil,
    "Round": round,
    "Sign": lambda a: (a > 0) - (a < 0),
    "Reciprocal": lambda a: 1 / a,
    "Sin": math.sin,
    "Cos": math.cos,
}
LOGICAL: dict[str, Function] = {
    "Equal": operator.eq,
    "Greater": operator.gt,
    "Less": operator.lt,
    "GreaterOrEqual": operator.ge,
    "LessOrEqual": operator.le,
    "And": lambda a, b: bool(a and b),
    "Or": lambda a, b: bool(a or b),
    "Not": operator.not_,
}
"""Operators that give bools."""


def cast(array: StoredArray, type_: str) -> StoredArray | None:
    """The numbers in another type; the same type keeps the bytes in place."""
    if type_ == array.type:
        return array
    values = array.values()
    if values is None:
        # a weight in half precision serves as well as one in single precision
        floating = type_.startswith(("float", "bfloat")) and array.type.startswith(("fl", "bfl"))
        return array if floating else None
    try:
        if "int" in type_:
            return numbers(type_, array.shape, tuple(map(int, values)), array.name)
        kind = bool if type_ == "bool" else float
        return numbers(type_, array.shape, tuple(map(kind, values)), array.name)
    except (ValueError, OverflowError):
        return None


def sliced(
    array: StoredArray, starts: Sequence[int], steps: Sequence[int], shape: Shape
) -> StoredArray | None:
    """Every step-th index from the starts, on every axis."""
    if array.quantized is not None:
        return None
    own = array.steps
    if all(step > 0 for step in steps):
        start = array.start + sum(at * step for at, step in zip(starts, own, strict=True))
        strides = tuple(step * by for step, by in zip(own, steps, strict=True))
        return array._replace(shape=shape, strides=strides, start=start)
    return taken(
        array,
        [range(at, at + step * n, step) for at, step, n in zip(starts, steps, shape, strict=True)],
    )


def taken(array: StoredArray, indices: Sequence[Sequence[int]]) -> StoredArray | None:
    """The numbers at these indices of every axis."""
    shape = tuple(map(len, indices))
    if prod(shape) > MAX_VALUES:
        return None
    values = array.values()
    if values is None:
        return None
    steps = array._replace(strides=None).steps
    offsets = [[index * step for index in axis] for axis, step in zip(indices, steps, strict=True)]
    return numbers(array.type, shape, [values[sum(offset)] for offset in product(*offsets)])


def gathered(array: StoredArray, indices: StoredArray, axis: int) -> StoredArray | None:
    """ONNX's Gather: the slices that the indices name, along an axis."""
    wanted = indices.values()
    if wanted is None:
        return None
    n = array.shape[axis]
    kept = [int(i) + n if i < 0 else int(i) for i in wanted]
    if any(not 0 <= index < n for index in kept):
        return None
    picked = taken(array, [kept if a == axis else range(m) for a, m in enumerate(array.shape)])
    shape = (*array.shape[:axis], *indices.shape, *array.shape[axis + 1 :])
    return picked.reshaped(shape) if picked else None


def joined(arrays: Sequence[StoredArray], axis: int) -> StoredArray | None:
    """Arrays joined along an axis."""
    if sum(array.elements for array in arrays) > MAX_VALUES:
        return None
    lists = [array.values() for array in arrays]
    outer = prod(arrays[0].shape[:axis])
    output: list[float] = []
    for block in range(outer):
        for array, values in zip(arrays, lists, strict=True):
            if values is None:
                return None
            size = array.elements // outer if outer else 0
            output += values[block * size : (block + 1) * size]
    total = sum(array.shape[axis] for array in arrays)
    shape = (*arrays[0].shape[:axis], total, *arrays[0].shape[axis + 1 :])
    return numbers(arrays[0].type, shape, output)


def contiguous(array: StoredArray) -> StoredArray | None:
    """The same numbers in order."""
    values = array.values()
    return None if values is None else numbers(array.type, array.shape, values, array.name)
