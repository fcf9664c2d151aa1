"""The wire format of Protocol Buffers: a message is fields, each with a number and a value.

https://protobuf.dev/programming-guides/encoding. Nothing is copied: a value with a length is a view
of the file, so that scanning a file of weights takes no memory.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from struct import unpack_from

from convcli.errors import SpecError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types; groups (3 and 4) are obsolete."""

Value = int | memoryview
"""A number, or the bytes of a string, a message, or packed numbers."""


class WireError(SpecError):
    """Bytes that are not a message."""


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and the position after it.

    >>> varint(memoryview(bytes([0xAC, 0x02])), 0)
    (300, 2)
    """
    number = shift = 0
    while shift < 70:
        if at >= len(data):
            raise WireError("the message ends within a number")
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise WireError("a number of more than 64 bits")


def fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """The fields of a message in their order: their numbers and values.

    Floats are returned as the integers of their bits. Raises WireError if a length is too large.

    >>> [(number, bytes(value)) for number, value in fields(memoryview(b"\\x12\\x02hi"))]
    [(2, b'hi')]
    """
    at, end = 0, len(data)
    while at < end:
        # most numbers are one byte: reading it through a call would take ten times as long
        key, at = (data[at], at + 1) if data[at] < 0x80 else varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = varint(data, at)
            yield number, value
            continue
        if kind == BYTES:
            short = at < end and data[at] < 0x80
            length, at = (data[at], at + 1) if short else varint(data, at)
        elif kind in (FIXED32, FIXED64):
            length = 4 if kind == FIXED32 else 8
        else:
            raise WireError(f"a field of the unknown wire type {kind}")
        if not number or length > end - at:
            raise WireError("a field goes beyond the end of its message")
        part = data[at : at + length]
        at += length
        yield number, part if kind == BYTES else int.from_bytes(part, "little")


def record(data: memoryview) -> defaultdict[int, list[Value]]:
    """The values of a message by the numbers of their fields, each in their order."""
    values: defaultdict[int, list[Value]] = defaultdict(list)
    for number, value in fields(data):
        values[number].append(value)
    return values


def string(values: Mapping[int, list[Value]], number: int) -> str:
    """The string in a field; "" without one."""
    return text(values[number][-1]) if values.get(number) else ""


def integer(values: Mapping[int, list[Value]], number: int, default: int) -> int:
    """The number in a field, as it is written."""
    numbers = [value for value in values.get(number, ()) if isinstance(value, int)]
    return numbers[-1] if numbers else default


def signed(number: int) -> int:
    """A 64-bit varint as the signed integer that it stands for (int64 and enum fields)."""
    return number - (1 << 64) if number >> 63 else number


def integers(value: Value) -> list[int]:
    """The integers of a repeated field: one of them, or packed ones."""
    if isinstance(value, int):
        return [signed(value)]
    numbers, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        numbers.append(signed(number))
    return numbers


def floats(value: Value) -> list[float]:
    """The 32-bit floats of a repeated field: one of them, or packed ones."""
    data = memoryview(value.to_bytes(4, "little")) if isinstance(value, int) else value
    if len(data) % 4:
        raise WireError("packed floats that are not a multiple of 4 bytes")
    return list(unpack_from(f"<{len(data) // 4}f", data))


def text(value: Value) -> str:
    """A string; bytes that are not UTF-8 become escapes."""
    if isinstance(value, int):
        raise WireError("a number is where a string should be")
    return bytes(value).decode("utf-8", "backslashreplace")


def message(value: Value) -> memoryview:
    """The bytes of a message within a message."""
    if isinstance(value, int):
        raise WireError("a number is where a message should be")
    return value
