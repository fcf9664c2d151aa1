"""Pictures and arrays as planes of light, for what computes with them: one scale for all."""

import os
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.errors import PictureError
from convcli.images.io.read import open_picture
from convcli.text import safe

LARGEST_ARRAY = 2 << 30
"""Bytes of an array that is read."""


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
    """A picture, whose 0 to 255 or 0 to 65,535 becomes 0 to 255; or a .npy array as it is.

    What is transparent counts as black. Raises PictureError.
    """
    if path != "-" and path.lower().endswith(".npy"):
        return Levels(_array(path))
    picture = open_picture(path)
    samples = picture.pixels.astype(np.float64) * (255 / picture.full)
    if picture.has_alpha:
        samples = samples[..., :-1] * samples[..., -1:] / 255
    planes = np.ascontiguousarray(samples.transpose(2, 0, 1))
    return Levels(planes, 255 / picture.full, 255.0, picture.notes)


def _array(path: str) -> NDArray[np.float64]:
    """(h, w) or (h, w, c) of a .npy file, as planes; never unpickled, bounded by its size."""
    try:
        if os.path.getsize(path) > LARGEST_ARRAY:
            raise PictureError(f"{safe(path)} is larger than {LARGEST_ARRAY:,} bytes")
        # mapped first: an array that declares more than the file holds is refused, not allocated
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise PictureError(f"{safe(path)} cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, OverflowError) as error:
        raise PictureError(f"{safe(path)} is no array: {safe(error)}") from None
    if array.dtype.kind not in "biuf" or array.ndim not in (2, 3) or not array.size:
        raise PictureError(
            f"{safe(path)} holds {array.dtype} {array.shape}; write numbers (h, w) or (h, w, c)"
        )
    planes = np.array(
        array[np.newaxis] if array.ndim == 2 else array.transpose(2, 0, 1), np.float64
    )
    if not np.isfinite(planes).all():
        raise PictureError(f"{safe(path)} holds values that are not finite")
    return planes
