"""Pictures and arrays as planes of levels from 0 to 255, one scale for all that is fitted."""

import os

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli.errors import PictureError, SpecError
from convcli.images.image import Picture, picture_of
from convcli.images.io.read import open_picture
from convcli.matrices import Limits, read_file
from convcli.npy import read_array_header
from convcli.records import NamedTuple
from convcli.text import safe

MAX_ARRAY = 2 << 30
"""Bytes of a .npy array that is read."""

MATRIX = Limits("matrix", side=4096, file=64 << 20, joined=True)
"""Limits of numbers in text, CSV or JSON."""

MATRIX_SUFFIXES = (".txt", ".csv", ".tsv", ".json")

ARRAY_TYPES = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"})
"""Kinds and bytes of the numbers of an array."""


class Levels(NamedTuple):
    """Planes (c, h, w) of float64, in 8-bit levels where they come from samples.

    `step` is the distance between two levels of the source, 0 where it holds floats, and `top`
    its largest level.
    """

    planes: NDArray[np.float64]
    step: float = 0.0
    top: float = np.inf
    notes: tuple[str, ...] = ()


def open_levels(path: str) -> Levels:
    """A picture, whose 0 to 255 or 0 to 65,535 becomes 0 to 255; or an array as it is.

    Arrays are those of .npy files, (h, w) or (h, w, c), and matrices in .txt, .csv, .tsv and .json
    files, one per channel. What is transparent counts as black. Raises PictureError.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".npy":
        return Levels(_array(path))
    if suffix in MATRIX_SUFFIXES:
        return Levels(_matrices(path))
    return _picture_levels(open_picture(path))


def array_levels(array: ArrayLike) -> Levels:
    """An array (h, w) or (h, w, c): of uint8 and uint16 as a picture's, of others as it is.

    Raises SpecError for arrays of other shapes and of what is not a finite number.
    """
    samples = np.asarray(array)
    if samples.dtype in (np.uint8, np.uint16):
        return _picture_levels(picture_of(samples))
    if samples.dtype.str[1:] not in ARRAY_TYPES or samples.ndim not in (2, 3) or not samples.size:
        raise SpecError(
            f"an array of {samples.dtype} in the shape {samples.shape} is not numbers (h, w) or "
            "(h, w, c)"
        )
    planes = _planes(samples)
    if not np.isfinite(planes).all():
        raise SpecError("the array holds values that are not finite")
    return Levels(planes)


def _picture_levels(picture: Picture) -> Levels:
    samples = picture.pixels.astype(np.float64) * (255 / picture.full)
    if picture.has_alpha:
        samples = samples[..., :-1] * samples[..., -1:] / 255
    planes = np.ascontiguousarray(samples.transpose(2, 0, 1))
    return Levels(planes, 255 / picture.full, 255.0, picture.notes)


def _matrices(path: str) -> NDArray[np.float64]:
    """The numbers of a text, CSV or JSON file, as planes."""
    try:
        stack = read_file(path, MATRIX).values
    except SpecError as error:
        raise PictureError(str(error)) from None
    return np.array([[list(map(float, row)) for row in grid] for grid in stack])


def _array(path: str) -> NDArray[np.float64]:
    """(h, w) or (h, w, c) of a .npy file, as planes; never unpickled, bounded by its size."""
    try:
        size = os.path.getsize(path)
        if size > MAX_ARRAY:
            raise PictureError(f"{safe(path)} is larger than {MAX_ARRAY:,} bytes")
        with open(path, "rb") as file:
            header = read_array_header(file)
    except OSError as error:
        raise PictureError(f"{safe(path)} cannot be read: {error.strerror or error}") from None
    except SpecError as error:
        raise PictureError(f"{safe(path)}: {error}") from None
    if header.type not in ARRAY_TYPES or len(header.shape) not in (2, 3) or not header.bytes:
        raise PictureError(f"{safe(path)} holds {header}; write numbers (h, w) or (h, w, c)")
    if header.bytes != size - header.offset:
        raise PictureError(
            f"{safe(path)} holds {header} of {header.bytes:,} bytes, and has "
            f"{size - header.offset:,}"
        )
    array = np.memmap(
        path,
        np.dtype(header.order + header.type),
        "r",
        header.offset,
        header.shape,
        "F" if header.fortran else "C",
    )
    planes = _planes(array)
    if not np.isfinite(planes).all():
        raise PictureError(f"{safe(path)} holds values that are not finite")
    return planes


def _planes(array: NDArray[np.generic]) -> NDArray[np.float64]:
    """(h, w) or (h, w, c) as (c, h, w)."""
    return np.array(array[np.newaxis] if array.ndim == 2 else array.transpose(2, 0, 1), np.float64)
