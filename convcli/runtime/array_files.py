"""Files of arrays by name, whose shapes are known before any is read: .npz and checkpoints."""

import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from convcli.arrays import Array
from convcli.errors import Refusal
from convcli.images.io.source import available
from convcli.nets.analysis.table import bytes_text
from convcli.nets.readers.weight_files.reader import ArrayFile, read_arrays
from convcli.runtime.stored import array_of
from convcli.text import safe


@contextmanager
def opened(path: str, what: str) -> Iterator[None]:
    """Whatever a file does to its reader becomes a refusal that names it."""
    try:
        yield
    except OSError as error:
        raise Refusal(f"{safe(path)} cannot be read: {error.strerror or error}") from None
    except BAD_ARCHIVE as error:
        if isinstance(error, Refusal):
            raise
        raise Refusal(f"{safe(path)} is not {what}: {safe(error)}") from None


BAD_ARCHIVE = (
    *(zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, NotImplementedError),
    *(RuntimeError, SyntaxError, MemoryError, OverflowError),
)
"""All that damaged archives and headers of arrays make their readers raise."""


def npz_arrays(
    path: str, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Array]:
    """Some arrays of an .npz file by name. Raises Refusal where one that is required is missing."""
    with opened(path, "an .npz file of arrays"), Npz(path) as file:
        shapes = file.shapes()
        missing = [name for name in required if name not in shapes]
        if missing:
            raise Refusal(f"{safe(path)} holds no array called {missing[0]}")
        return {name: file.read(name) for name in (*required, *optional) if name in shapes}


class Npz:
    """Arrays of an .npz file, whose shapes are known before any is read."""

    def __init__(self, path: str) -> None:
        if not os.path.isfile(path):
            raise FileNotFoundError(2, os.strerror(2))
        self._path, self._zip = path, zipfile.ZipFile(path)

    def __enter__(self) -> "Npz":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return dict(self._headers())

    def _headers(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        for name in self._zip.namelist():
            if not name.endswith(".npy"):
                continue
            with self._zip.open(name) as stream:
                version = np.lib.format.read_magic(stream)
                reader = READERS.get(version)
                if reader is None:
                    raise ValueError(f"{name} has the format {version}")
                shape, _, dtype = reader(stream)
            if not dtype.hasobject:
                yield name[:-4], shape

    def read(self, name: str) -> Array:
        """An array. Raises Refusal for one that would take more memory than there is."""
        need, have = self._zip.getinfo(f"{name}.npy").file_size, available()
        if need > have:
            raise Refusal(
                f"{safe(self._path)}: {safe(name)} takes {bytes_text(need)} of memory, "
                f"{bytes_text(have)} are there"
            )
        with self._zip.open(f"{name}.npy") as stream:
            values: Array = np.lib.format.read_array(stream, allow_pickle=False)
        return values


READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""Headers of the two versions that arrays of numbers are written in."""


class Stored:
    """Arrays of a checkpoint, where they lie in the file."""

    def __init__(self, file: ArrayFile) -> None:
        self._arrays = file.arrays

    def __enter__(self) -> "Stored":
        return self

    def __exit__(self, *_: object) -> None:
        self._arrays = {}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: array.shape for name, array in self._arrays.items()}

    def read(self, name: str) -> Array:
        return array_of(self._arrays[name])


def weight_file(path: str) -> Npz | Stored:
    """The arrays of a file of weights, by what its first bytes say. Raises Refusal."""
    file = read_arrays(path)
    return Npz(path) if file is None else Stored(file)
