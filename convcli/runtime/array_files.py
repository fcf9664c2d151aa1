"""Files of arrays by name, whose shapes are known before any is read: .npz and checkpoints."""

import errno
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from convcli.arrays import Array
from convcli.errors import Refusal, SpecError
from convcli.images.image import available
from convcli.nets.layers.shapes import Shape
from convcli.nets.readers.file_kinds import kind_of
from convcli.nets.readers.weight_files.reader import ArrayFile, read_arrays
from convcli.npy import read_array_header
from convcli.runtime.stored import array_of
from convcli.text import bytes_text, safe


@contextmanager
def opened(path: str, what: str) -> Iterator[None]:
    """Turn every error of a file's reader into a refusal that names the file."""
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
    path: str,
    required: Sequence[str],
    optional: Sequence[str] = (),
    wrong: Callable[[Mapping[str, Shape]], str] = lambda shapes: "",
) -> dict[str, Array]:
    """Some arrays of an .npz file by name.

    Raises Refusal where one that is required is missing, and before any is read for what is `wrong`
    with their shapes.
    """
    with opened(path, "an .npz file of arrays"), Npz(path) as file:
        shapes = file.shapes()
        why = wrong(shapes)
        if why:
            raise Refusal(f"{safe(path)} {why}")
        missing = [name for name in required if name not in shapes]
        if missing:
            raise Refusal(f"{safe(path)} has no array {missing[0]}")
        return {name: file.read(name) for name in (*required, *optional) if name in shapes}


class Npz:
    """Arrays of an .npz file, whose shapes are known before any is read."""

    def __init__(self, path: str) -> None:
        if os.path.exists(path) and not os.path.isfile(path):
            raise OSError(errno.EINVAL, "it is not a regular file")
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
                try:
                    header = read_array_header(stream)
                except SpecError as error:
                    raise ValueError(f"{name}: {error}") from None
            # objects are never read; text of no characters takes no bytes, however many there are
            if header.type[0] in READ and header.item_bytes:
                yield name[:-4], header.shape

    def read(self, name: str) -> Array:
        """An array. Raises Refusal for one that would take more memory than there is."""
        need, have = self._zip.getinfo(f"{name}.npy").file_size, available()
        if need > have:
            raise Refusal(
                f"{safe(self._path)}: {safe(name)} takes {bytes_text(need)} of memory, "
                f"{bytes_text(have)} are available"
            )
        with self._zip.open(f"{name}.npy") as stream:
            values: Array = np.lib.format.read_array(stream, allow_pickle=False)
        return values


READ = "biufcU"
"""The kinds of arrays that are read: numbers and text."""


class Stored:
    """Arrays of a checkpoint, read in place."""

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
    if file is not None:
        return Stored(file)
    kind = kind_of(path) if os.path.isfile(path) else None
    if kind is not None and not zipfile.is_zipfile(path):
        instead = f": {kind.instead}" if kind.instead else ""
        raise Refusal(f"{safe(path)} is {kind.name}, not a file of weights{instead}")
    return Npz(path)
