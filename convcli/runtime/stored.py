"""Arrays of model files as NumPy's: float32 ones are views of the file, others are converted."""

from collections.abc import Iterable

import numpy as np

from convcli.arrays import Array
from convcli.errors import Refusal, UnfitError
from convcli.nets.stored_arrays import TYPES, StoredArray, StoredArrays, checked
from convcli.text import safe


def array_of(stored: StoredArray) -> Array:
    """The numbers as float32, read only where they are a view.

    >>> from convcli.nets.stored_arrays import numbers
    >>> array_of(numbers("int64", (2, 2), (1, 2, 3, 4)).permuted((1, 0)))
    array([[1., 3.],
           [2., 4.]], dtype=float32)

    Raises UnfitError for a type that NumPy does not have, Refusal for bytes that are not there.
    """
    values = _strided(_flat(stored), checked(stored))
    if stored.quantized is not None:
        scale, zero = (
            np.array(values, np.float32)
            for values in (stored.quantized.scale, stored.quantized.zero)
        )
        if scale.size > 1:
            shape = [1] * values.ndim
            shape[stored.quantized.axis] = -1
            scale, zero = scale.reshape(shape), zero.reshape(shape)
        values = (values.astype(np.float32) - zero) * scale
    if values.dtype != np.float32:
        with np.errstate(over="ignore", invalid="ignore"):
            values = values.astype(np.float32)
    return values


def _flat(stored: StoredArray) -> Array:
    """All stored numbers, in their order in memory."""
    name, data = safe(stored.name) or "a constant", stored.data
    if data is None:
        raise Refusal(f"the numbers of {name} are not in the file, nor beside it")
    if isinstance(data, tuple):
        return np.array(data, np.float32 if "float" in stored.type else np.float64)
    bits, letter = TYPES[stored.type]
    if stored.type == "bfloat16":
        raw = np.frombuffer(data, "<u2").astype(np.uint32) << 16
        return raw.view(np.float32)
    if stored.type in ("int4", "uint4"):
        pairs = np.frombuffer(data, np.uint8)
        nibbles = np.stack([pairs & 15, pairs >> 4], -1).reshape(-1).astype(np.int16)
        return nibbles if stored.type == "uint4" else np.where(nibbles > 7, nibbles - 16, nibbles)
    if not letter:
        raise UnfitError(f"{name} holds {stored.type}, which cannot be computed with")
    size = bits // 8
    # a view of whole elements, whatever follows them
    view = data[: len(data) // size * size]
    return np.frombuffer(view, f"<{letter}" if size > 1 else letter)


def _strided(flat: Array, stored: StoredArray) -> Array:
    if stored.strides is None:
        return flat[stored.start : stored.start + stored.elements].reshape(stored.shape)
    if not stored.elements:
        return np.zeros(stored.shape, flat.dtype)
    steps = [step * flat.itemsize for step in stored.strides]
    return np.lib.stride_tricks.as_strided(
        flat[stored.start :], stored.shape, steps, writeable=False
    )


MAX_COPY = 16 << 20
"""Bytes that are copied at once: weights of a file beyond stay where they are."""


def aligned(values: Array) -> Array:
    """The numbers aligned in memory: a copy if they are not aligned yet.

    Arrays beyond MAX_COPY stay as they are; a product takes them in parts.

    Tensors begin at any byte of a file; products copy such ones value by value, ten times slower.
    """
    if values.flags.aligned or not values.flags.c_contiguous or values.nbytes > MAX_COPY:
        return values
    return np.frombuffer(values.tobytes(), values.dtype).reshape(values.shape)


def arrays_of(stored: StoredArrays, names: Iterable[str]) -> dict[str, Array]:
    """Arrays by name, of those that are there."""
    return {name: array_of(stored[name]) for name in names if name in stored}
