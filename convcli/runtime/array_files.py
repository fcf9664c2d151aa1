"""Files of arrays by name, whose shapes are known before any is read: .npz and checkpoints."""

import errno
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np

from convcli.arrays import Array
from convcli.errors import Refusal, SpecError
from convcli.images.image import available
from convcli.nets.layers.shapes import Shape
from convcli.nets.readers.file_kinds import kind_of
from convcli.nets.readers.weight_files.reader import read_arrays
from convcli.npy import read_array_header
from convcli.records import NamedTuple
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
"""The exceptions that damaged archives and headers of arrays raise."""


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
    with opened(path, "an .npz file of arrays"), _npz(path) as file:
        why = wrong(file.shapes)
        if why:
            raise Refusal(f"{safe(path)} {why}")
        missing = [name for name in required if name not in file.shapes]
        if missing:
            raise Refusal(f"{safe(path)} has no array {missing[0]}")
        return {name: file.read(name) for name in (*required, *optional) if name in file.shapes}


class Arrays(NamedTuple):
    """The arrays of an open file: their shapes by name, and a function that reads one."""

    shapes: dict[str, Shape]
    read: Callable[[str], Array]


@contextmanager
def _npz(path: str) -> Iterator[Arrays]:
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, "it is not a regular file")
    with zipfile.ZipFile(path) as archive:
        yield Arrays(dict(_headers(archive)), partial(_array, path, archive))


def _headers(archive: zipfile.ZipFile) -> Iterator[tuple[str, Shape]]:
    for name in archive.namelist():
        if not name.endswith(".npy"):
            continue
        with archive.open(name) as stream:
            try:
                header = read_array_header(stream)
            except SpecError as error:
                raise ValueError(f"{name}: {error}") from None
        # objects are never read; text of no characters takes no bytes, however many there are
        if header.type[0] in READ and header.item_bytes:
            yield name[:-4], header.shape


def _array(path: str, archive: zipfile.ZipFile, name: str) -> Array:
    """An array. Raises Refusal for one that would take more memory than there is."""
    need, have = archive.getinfo(f"{name}.npy").file_size, available()
    if need > have:
        raise Refusal(
            f"{safe(path)}: {safe(name)} takes {bytes_text(need)} of memory, "
            f"{bytes_text(have)} are available"
        )
    with archive.open(f"{name}.npy") as stream:
        values: Array = np.lib.format.read_array(stream, allow_pickle=False)
    return values


READ = "biufcU"
"""The kinds of arrays that are read: numbers and text."""


@contextmanager
def weight_file(path: str) -> Iterator[Arrays]:
    """The arrays of a file of weights, by its first bytes. Raises Refusal."""
    file = read_arrays(path)
    if file is not None:
        shapes = {name: array.shape for name, array in file.arrays.items()}
        yield Arrays(shapes, lambda name: array_of(file.arrays[name]))
        return
    kind = kind_of(path) if os.path.isfile(path) else None
    if kind is not None and not zipfile.is_zipfile(path):
        instead = f": {kind.instead}" if kind.instead else ""
        raise Refusal(f"{safe(path)} is {kind.name}, not a file of weights{instead}")
    with _npz(path) as arrays:
        yield arrays
