"""The wire format of FlatBuffers: a table is a position in the file with the offsets of its fields.

https://flatbuffers.dev/internals. Nothing is copied, and every position is checked against the
length of the file before it is read.
"""

from struct import calcsize, unpack_from

from convcli.errors import SpecError
from convcli.records import NamedTuple


class FlatError(SpecError):
    """Bytes that are not a table."""


SHARED = 8
"""Maximum copies of the bytes of a file: tables may share lists, or all be the same table."""


class Copied:
    """Bytes of lists copied so far, and their maximum for a file."""

    def __init__(self, maximum: int) -> None:
        self.left = maximum

    def add(self, size: int) -> None:
        """Note a list. Raises FlatError for a file whose few lists are shared very often."""
        self.left -= size
        if self.left < 0:
            raise FlatError(f"its tables share their lists more than {SHARED} times")


class Table(NamedTuple):
    """A table: the bytes of the file, its position in them, and the count of copied bytes."""

    data: memoryview
    at: int
    copied: Copied

    def _field(self, number: int) -> int:
        """The position of a field; 0 for one with its default value."""
        table = self.at - self._read("i", self.at)
        size = self._read("H", table)
        entry = 4 + 2 * number
        offset = self._read("H", table + entry) if entry + 2 <= size else 0
        return self.at + offset if offset else 0

    def _read(self, kind: str, at: int) -> int:
        if not 0 <= at <= len(self.data) - calcsize(f"<{kind}"):
            raise FlatError(f"a field lies at byte {at:,} of {len(self.data):,}")
        (value,) = unpack_from(f"<{kind}", self.data, at)
        return int(value)

    def number(self, number: int, kind: str, default: int = 0) -> int:
        """A field of one number, by its letter for `struct`."""
        at = self._field(number)
        return self._read(kind, at) if at else default

    def _vector(self, number: int, size: int) -> tuple[int, int]:
        """The position of the elements of a vector, and their number."""
        at = self._field(number)
        if not at:
            return 0, 0
        start = at + self._read("I", at)
        count = self._read("I", start)
        if count * size > len(self.data) - start - 4:
            raise FlatError(f"a list of {count:,} elements goes beyond the end")
        return start + 4, count

    def numbers(self, number: int, kind: str) -> list[int]:
        """A field that is a list of integers."""
        size = calcsize(f"<{kind}")
        start, count = self._vector(number, size)
        self.copied.add(count * size)
        return list(unpack_from(f"<{count}{kind}", self.data, start)) if count else []

    def bytes(self, number: int) -> memoryview | None:
        """A field that is a list of bytes, in place."""
        start, count = self._vector(number, 1)
        return self.data[start : start + count] if count else None

    def text(self, number: int) -> str:
        """A field that is a string."""
        data = self.bytes(number)
        self.copied.add(len(data or b""))
        return bytes(data).decode("utf-8", "backslashreplace") if data is not None else ""

    def table(self, number: int) -> "Table | None":
        """A field that is a table."""
        at = self._field(number)
        return self._replace(at=at + self._read("I", at)) if at else None

    def tables(self, number: int) -> "list[Table]":
        """A field that is a list of tables."""
        start, count = self._vector(number, 4)
        self.copied.add(4 * count)
        positions = range(start, start + 4 * count, 4)
        return [self._replace(at=at + self._read("I", at)) for at in positions]


def root(data: memoryview) -> Table:
    """The table that a file begins with."""
    start = Table(data, 0, Copied(SHARED * len(data)))
    return start._replace(at=start._read("I", 0))
