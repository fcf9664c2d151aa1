"""The bytes of files and of stdin as text, within bounds."""

import sys

from convcli.errors import Refusal, SpecError
from convcli.nets.readers.fragments import MAX_TEXT
from convcli.text import safe


def file_text(path: str, limit: int = MAX_TEXT) -> str:
    """The text of a file. Raises Refusal if it cannot be read, SpecError if it is not text."""
    return _decoded(file_bytes(path, limit + 1), path, limit)


def file_bytes(path: str, limit: int) -> bytes:
    """The first bytes of a file, at most `limit`. Raises Refusal if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(limit)
    except OSError as error:
        raise Refusal(f"{safe(path)} cannot be read: {error.strerror}") from None


def stdin_text() -> str:
    """The text that is piped in."""
    if sys.stdin is None or sys.stdin.isatty():
        raise SpecError("standard input is not a pipe or a file; name a network, or pipe one in")
    return _decoded(sys.stdin.buffer.read(MAX_TEXT + 1), "standard input", MAX_TEXT)


def _decoded(data: bytes, name: str, limit: int) -> str:
    if len(data) > limit:
        raise SpecError(f"{safe(name)} is larger than {limit:,} bytes, the most that is read")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"{safe(name)} is not UTF-8 text: byte {error.start:,} is not") from None
