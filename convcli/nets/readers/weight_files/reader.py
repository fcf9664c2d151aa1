"""A file of weights → its arrays by name, in the format that its first bytes show."""

import mmap
import os
import zipfile

from convcli.errors import Refusal, SpecError
from convcli.nets.readers.weight_files.safetensors import is_safetensors, read_safetensors
from convcli.nets.readers.weight_files.torch_files import (
    BAD_ZIP,
    is_legacy,
    read_archive,
    read_legacy,
)
from convcli.nets.stored_arrays import StoredArray
from convcli.records import NamedTuple
from convcli.text import safe


class ArrayFile(NamedTuple):
    """The arrays of a file, the name of its format, and notes."""

    kind: str
    arrays: dict[str, StoredArray]
    notes: tuple[str, ...] = ()


def read_arrays(path: str) -> ArrayFile | None:
    """The arrays of a file of weights; None for an unsupported format.

    Raises Refusal for a file that cannot be read, SpecError for one that is damaged.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(512)
            if not head or not os.path.isfile(path):
                return None
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Refusal(f"{safe(path)} cannot be read: {reason}") from None
    try:
        if head[:4] == b"PK\3\4" and is_torch_archive(path):
            arrays, notes = read_archive(path, data)
            return ArrayFile("a PyTorch checkpoint", arrays, notes)
        if is_legacy(head):
            arrays, notes = read_legacy(data)
            return ArrayFile("a PyTorch checkpoint from before 1.6", arrays, notes)
        if is_safetensors(head):
            return ArrayFile("a safetensors file", read_safetensors(data))
    except SpecError as error:
        raise SpecError(f"{safe(path)}: {error}") from None
    return None


def is_torch_archive(path: str) -> bool:
    """Whether a zip archive is a checkpoint: it has a pickle called data.pkl."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.split("/")[-1] == "data.pkl" for name in archive.namelist())
    except BAD_ZIP:
        return False
