"""Arrays of model files in place: type, sizes, and a view of the bytes.

Nothing is read until its numbers are needed. Transposes and expansions change only strides, so that
weights are neither copied nor read; `convcli.runtime.stored` makes them NumPy's.
"""

from collections.abc import Mapping, Sequence
from math import prod
from struct import unpack_from

from convcli.errors import SpecError
from convcli.nets.layers.shapes import Shape
from convcli.records import NamedTuple
from convcli.text import safe

TYPES: dict[str, tuple[int, str]] = {
    # bits of one element, its letter for `struct`
    "float32": (32, "f"),
    "float64": (64, "d"),
    "float16": (16, "e"),
    "bfloat16": (16, ""),
    "int8": (8, "b"),
    "int16": (16, "h"),
    "int32": (32, "i"),
    "int64": (64, "q"),
    "uint8": (8, "B"),
    "uint16": (16, "H"),
    "uint32": (32, "I"),
    "uint64": (64, "Q"),
    "bool": (8, "?"),
    "complex64": (64, ""),
    "complex128": (128, ""),
    "uint4": (4, ""),
    "int4": (4, ""),
    "float8e4m3fn": (8, ""),
    "float8e4m3fnuz": (8, ""),
    "float8e5m2": (8, ""),
    "float8e5m2fnuz": (8, ""),
    "string": (0, ""),
}
"""Element types of the formats that are read."""

MAX_VALUES = 1 << 18
"""Maximum numbers of an array to read while shapes are computed: sizes, axes, anchors."""

MAX_ELEMENTS = 1 << 40

MAX_RANK = 64


class Quantized(NamedTuple):
    """The meaning of integers: (integer − zero) · scale, along an axis if there are several."""

    scale: tuple[float, ...]
    zero: tuple[float, ...]
    axis: int


class StoredArray(NamedTuple):
    """An array: bytes of a file, or plain numbers; None where they are not known."""

    type: str
    shape: Shape
    data: memoryview | tuple[float, ...] | None
    strides: tuple[int, ...] | None = None
    """Strides in elements, per axis; None for an array in C order."""
    start: int = 0
    """The index of its first element."""
    quantized: Quantized | None = None
    name: str = ""

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def steps(self) -> tuple[int, ...]:
        """The strides, also of an array in C order."""
        if self.strides is not None:
            return self.strides
        steps, step = [], 1
        for size in reversed(self.shape):
            steps.append(step)
            step *= size
        return tuple(reversed(steps))

    @property
    def in_order(self) -> bool:
        """Whether its elements lie one after another, from the first."""
        pairs = zip(self.shape, self.steps, self._replace(strides=None).steps, strict=True)
        return all(size == 1 or step == own for size, step, own in pairs)

    def values(self) -> list[float] | None:
        """The numbers in order; None if they are too many, of a type that is not plain, or unknown.

        >>> StoredArray("int64", (2, 3), tuple(range(6))).permuted((1, 0)).values()
        [0, 3, 1, 4, 2, 5]
        """
        if self.data is None or self.quantized or self.elements > MAX_VALUES:
            return None
        if isinstance(self.data, tuple):
            stored: Sequence[float] = self.data
        else:
            letter = TYPES[self.type][1]
            if not letter:
                return None
            size = TYPES[self.type][0] // 8
            if self.strides is None:
                return list(unpack_from(f"<{self.elements}{letter}", self.data, self.start * size))
            if len(self.data) // size > MAX_VALUES:
                return None
            stored = unpack_from(f"<{len(self.data) // size}{letter}", self.data)
        if self.strides is None:
            return list(stored[self.start : self.start + self.elements])
        places = [self.start]
        for size, step in zip(self.shape, self.steps, strict=True):
            places = [place + index * step for place in places for index in range(size)]
        return [stored[place] for place in places]

    def permuted(self, axes: Sequence[int]) -> "StoredArray":
        """The axes in another order."""
        steps, quantized = self.steps, self.quantized
        if quantized is not None and len(quantized.scale) > 1:
            quantized = quantized._replace(axis=list(axes).index(quantized.axis))
        return self._replace(
            shape=tuple(self.shape[axis] for axis in axes),
            strides=tuple(steps[axis] for axis in axes),
            quantized=quantized,
        )

    def reshaped(self, shape: Shape) -> "StoredArray | None":
        """The same numbers in another shape; None if that needs a copy."""
        if prod(shape) != self.elements:
            return None
        if [n for n in shape if n != 1] == [n for n in self.shape if n != 1]:
            steps = iter(step for n, step in zip(self.shape, self.steps, strict=True) if n != 1)
            strides = tuple(next(steps) if n != 1 else 0 for n in shape)
            kept = self._axis_in(shape)
            return self._replace(shape=shape, strides=strides, quantized=kept)
        if not self.in_order or (self.quantized and len(self.quantized.scale) > 1):
            return None
        return self._replace(shape=shape, strides=None)

    def _axis_in(self, shape: Shape) -> Quantized | None:
        """The quantization of the same axes after axes of length 1 were inserted."""
        if self.quantized is None or len(self.quantized.scale) == 1:
            return self.quantized
        before, after = ([axis for axis, n in enumerate(s) if n != 1] for s in (self.shape, shape))
        return self.quantized._replace(axis=after[before.index(self.quantized.axis)])

    def expanded(self, shape: Shape) -> "StoredArray":
        """The array repeated along axes of length 1 and along new leading axes."""
        new = len(shape) - len(self.shape)
        steps = zip(self.shape, self.steps, shape[new:], strict=True)
        strides = (0,) * new + tuple(0 if n == 1 != to else step for n, step, to in steps)
        return self._replace(shape=shape, strides=strides)


def checked(array: StoredArray) -> StoredArray:
    """The array, after a check that its sizes, strides and bytes match. Raises SpecError."""
    name = safe(array.name) or "an array"
    bits = TYPES[array.type][0]
    if len(array.shape) > MAX_RANK or any(n < 0 for n in array.shape):
        raise SpecError(f"{name} has the sizes {array.shape[:8]}, which no array has")
    if array.strides is not None and len(array.strides) != len(array.shape):
        raise SpecError(f"{name} has {len(array.strides)} strides for {len(array.shape)} axes")
    if array.elements > MAX_ELEMENTS:
        raise SpecError(f"{name} has {array.elements:,} values, more than is read")
    if array.start < 0 or any(step < 0 for step in array.steps):
        raise SpecError(f"{name} has strides below 0")
    if array.data is None or not array.elements:
        return array
    pairs = zip(array.shape, array.steps, strict=True)
    last = array.start + sum((n - 1) * step for n, step in pairs)
    available = len(array.data)
    if isinstance(array.data, memoryview):
        available = available * 8 // bits if bits else 0
    if last >= available:
        raise SpecError(
            f"{name} needs {last + 1:,} values of {array.type}, {available:,} are there"
        )
    return array


def numbers(type_: str, shape: Shape, values: Sequence[float], name: str = "") -> StoredArray:
    """An array of plain numbers."""
    return StoredArray(type_, shape, tuple(values), name=name)


StoredArrays = Mapping[str, StoredArray]
"""The weights of a network that come with its file, by name: `conv1.weight`."""
