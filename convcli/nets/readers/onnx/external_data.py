"""External weights of an ONNX file: only in its folder, and checked against the file length."""

import mmap
import os

from convcli.nets.readers.onnx.protobuf import WireError
from convcli.records import NamedTuple
from convcli.text import safe


class External(NamedTuple):
    """The location of a tensor's bytes: a file, as the model names it, and a range in it."""

    location: str
    offset: int
    length: int | None


def external(name: str, entries: dict[str, str]) -> External:
    """The location in the `external_data` entries of a tensor. Raises WireError."""
    try:
        offset = int(entries.get("offset") or 0)
        length = int(entries["length"]) if entries.get("length") else None
    except ValueError:
        raise WireError(f"{safe(name)} lies at an offset that is not a number") from None
    return External(entries.get("location", ""), offset, length)


PASSED = 4 << 20
"""Bytes of weights to skip before the pages around them are released."""


class ExternalFiles:
    """The external files of a model, each mapped once, and its own, whose pages are released."""

    def __init__(self, folder: str, model: mmap.mmap | None = None) -> None:
        self._folder = folder
        self._views: dict[str, memoryview | None] = {}
        self._model, self._passed = model, 0

    def pass_over(self, size: int) -> None:
        """Note skipped weights: the system maps large ranges around the bytes that are read."""
        self._passed += size
        if self._model is not None and self._passed > PASSED and hasattr(mmap, "MADV_DONTNEED"):
            self._model.madvise(mmap.MADV_DONTNEED)
            self._passed = 0

    def bytes_of(self, name: str, part: External, size: int) -> memoryview | None:
        """The bytes of a tensor; None if the file is missing. Raises WireError."""
        if part.location not in self._views:
            self._views[part.location] = self._mapped(part.location)
        view = self._views[part.location]
        if view is None:
            return None
        end = part.offset + (size if part.length is None else part.length)
        if part.offset < 0 or not part.offset + size <= end <= len(view):
            raise WireError(
                f"{safe(name)} needs the bytes {part.offset:,} to {part.offset + size:,} of "
                f"{safe(part.location)}, which has {len(view):,}"
            )
        return view[part.offset : part.offset + size]

    def _mapped(self, location: str) -> memoryview | None:
        parts = location.replace("\\", "/").split("/")
        if os.path.isabs(location) or ".." in parts or ":" in parts[0] or not parts[-1]:
            raise WireError(f"weights outside its folder are not read: {safe(location)}")
        path = self._folder
        for part in parts:
            path = os.path.join(path, part)
            if os.path.islink(path):
                raise WireError(f"weights behind a symbolic link are not read: {safe(location)}")
        if not self._folder or not os.path.isfile(path) or not os.path.getsize(path):
            return None
        try:
            with open(path, "rb") as file:
                return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except OSError as error:
            raise WireError(f"{safe(location)} cannot be read: {error.strerror}") from None
