"""The format safetensors: the length of a header of JSON, the header, then all bytes.

https://github.com/huggingface/safetensors#format
"""

from itertools import pairwise
from json import loads
from typing import TypeGuard

from convcli.errors import SpecError
from convcli.nets.stored_arrays import TYPES, StoredArray, checked
from convcli.text import safe

MAX_HEADER = 100_000_000
"""Maximum bytes of a header, as in the format's own library."""

ELEMENT_TYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "BOOL": "bool",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "F8_E4M3": "float8e4m3fn",
    "F8_E5M2": "float8e5m2",
    "C64": "complex64",
}


def is_safetensors(head: bytes) -> bool:
    """Whether a file begins with the length of a header, and the header as an object."""
    length = int.from_bytes(head[:8], "little")
    return len(head) > 9 and 2 <= length <= MAX_HEADER and head[8:9] == b"{"


def read_safetensors(data: memoryview) -> dict[str, StoredArray]:
    """The arrays by name. Raises SpecError for an invalid header."""
    length = int.from_bytes(data[:8], "little")
    if not 2 <= length <= min(MAX_HEADER, len(data) - 8):
        raise SpecError(f"a header of {length:,} bytes is not there")
    try:
        header = loads(bytes(data[8 : 8 + length]), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise SpecError("its header is not JSON") from None
    if not isinstance(header, dict):
        raise SpecError("its header is not an object")
    body = data[8 + length :]
    arrays, parts = {}, []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        array, part = _array(str(name), entry, body)
        arrays[array.name] = array
        parts.append(part)
    for (_, end), (start, _) in pairwise(sorted(parts)):
        if start < end:
            raise SpecError("two of its tensors overlap")
    return arrays


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("a name occurs twice")
    return entries


def _array(name: str, entry: object, body: memoryview) -> tuple[StoredArray, tuple[int, int]]:
    label = safe(name)[:100]
    if not isinstance(entry, dict):
        raise SpecError(f"{label} is not a tensor")
    kind, shape, ends = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    type_ = ELEMENT_TYPES.get(kind) if isinstance(kind, str) else None
    if type_ is None:
        raise SpecError(f"{label} has the unknown element type {safe(str(kind))[:20]}")
    if not _sizes(shape) or not _sizes(ends) or len(ends) != 2:
        raise SpecError(f"{label} has invalid sizes")
    start, end = ends
    if not 0 <= start <= end <= len(body):
        raise SpecError(f"{label} lies at {start:,} to {end:,} of {len(body):,} bytes")
    array = checked(StoredArray(type_, tuple(shape), body[start:end], name=name))
    if end - start != array.elements * TYPES[type_][0] // 8:
        raise SpecError(f"{label} holds {end - start:,} bytes for {array.elements:,} of {type_}")
    return array, (start, end)


def _sizes(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(size) is int and size >= 0 for size in value)
