"""Arrays in files of NumPy (.npy), read without NumPy."""

import re
from collections.abc import Sequence
from math import prod
from sys import byteorder
from typing import IO

from convcli.errors import SpecError
from convcli.numerals import quoted
from convcli.records import NamedTuple

MAX_HEADER = 10_000
"""Bytes of the header of a .npy file."""

NPY = b"\x93NUMPY"

HEADER = re.compile(
    r"\{\s*'descr':\s*'(?P<order>[<>=|]?)(?P<kind>[A-Za-z])(?P<bytes>[0-9]{0,9})',"
    r"\s*'fortran_order':\s*(?P<fortran>True|False),"
    r"\s*'shape':\s*\((?P<shape>[0-9, ]*)\),?\s*\}\s*"
)

NAMES = {"b": "bool", "i": "int", "u": "uint", "f": "float", "c": "complex"}

CODES = {"i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q"} | {
    "f2": "e",
    "f4": "f",
    "f8": "d",
}
"""Kind and bytes of a number → its code in `struct`."""


class ArrayHeader(NamedTuple):
    """What a .npy file says of its array."""

    type: str
    """Kind and bytes of a number, such as f8; of text, its characters."""
    order: str
    """`<` or `>`: whether its first byte is the least or the most significant."""
    shape: tuple[int, ...]
    fortran: bool
    """Whether the first axis is the one whose neighbors are next to each other."""
    offset: int
    """Bytes before the numbers."""

    @property
    def item_bytes(self) -> int:
        """Of one number, or one text; none of an object."""
        return int(self.type[1:] or 0) * (4 if self.type[0] == "U" else 1)

    @property
    def is_numbers(self) -> bool:
        """Whether it is of integers or floats."""
        return self.type in CODES

    @property
    def bytes(self) -> int:
        """Of all numbers."""
        return prod(self.shape) * self.item_bytes

    def __str__(self) -> str:
        kind, bits = NAMES.get(self.type[0]), 8 * self.item_bytes
        name = f"{kind}{bits}" if kind else self.type
        return f"an array {self.shape} of {'bool' if self.type == 'b1' else name}"


def read_array_header(file: IO[bytes]) -> ArrayHeader:
    """The header that a .npy file begins with.

    Raises SpecError for one that is malformed, or that is not of plain numbers.
    """
    start = file.read(8)
    if len(start) < 8 or not start.startswith(NPY) or start[6] not in (1, 2, 3):
        raise SpecError("it is not a .npy array: it does not begin as one")
    size = int.from_bytes(file.read(2 if start[6] == 1 else 4), "little")
    text = file.read(min(size, MAX_HEADER)).decode("latin-1")
    header = HEADER.fullmatch(text)
    if header is None or len(text) < size:
        raise SpecError(f"it is not a .npy array of plain numbers: its header is {quoted(text)}")
    *sides, last = header["shape"].replace(" ", "").split(",")
    shape = tuple(int(side) for side in [*sides, *([last] if last else [])] if len(side) < 19)
    if len(shape) < len(sides) + bool(last):
        raise SpecError(f"it is not a .npy array: its shape is ({header['shape'][:40]})")
    order = {"|": "<", "=": {"little": "<", "big": ">"}[byteorder]}.get(
        header["order"], header["order"] or "<"
    )
    return ArrayHeader(
        header["kind"] + header["bytes"], order, shape, header["fortran"] == "True", file.tell()
    )


def array_rows(
    data: bytes, header: ArrayHeader, shape: tuple[int, int, int]
) -> list[list[Sequence[int | float]]]:
    """The numbers of an array (channels, rows, columns): for each channel, its rows."""
    from struct import unpack_from

    channels, rows, columns = shape
    code = f"{header.order}{prod(shape)}{CODES[header.type]}"
    numbers = unpack_from(code, data, header.offset)
    if header.fortran:
        channel_step, row_step, step = 1, channels, channels * rows
    else:
        channel_step, row_step, step = rows * columns, columns, 1
    span = (columns - 1) * step + 1
    starts = [[c * channel_step + r * row_step for r in range(rows)] for c in range(channels)]
    return [[numbers[start : start + span : step] for start in grid] for grid in starts]
