"""The type of picture arrays: (height, width, samples) throughout."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.number]
"""Samples of a picture: uint8, uint16, float32, or float64 of pictures of 32-bit integers."""

Stored: TypeAlias = NDArray[np.unsignedinteger]
"""Samples of 8 or 16 bits."""

Values: TypeAlias = NDArray[Any]
"""Values computed from samples: integers, floats, or Python's integers in an array of objects."""


class PictureArray(np.ndarray[tuple[int, ...], np.dtype[np.number]]):
    """The samples of a picture: an array, which a notebook shows as the picture.

    >>> gray = np.zeros((2, 3), np.uint8).view(PictureArray)
    >>> gray
    array([[0, 0, 0],
           [0, 0, 0]], dtype=uint8)
    >>> gray._repr_png_()[1:4]
    b'PNG'
    """

    def __repr__(self) -> str:
        return repr(np.asarray(self))

    def _repr_png_(self) -> bytes | None:
        """The picture as a PNG; None for arrays that are no picture, such as floats."""
        samples = np.asarray(self)
        if samples.ndim == 3 and samples.shape[2] == 1:
            samples = samples[..., 0]
        if samples.dtype == np.uint16:
            samples = (samples // 256).astype(np.uint8)
        is_picture = samples.ndim == 2 or (samples.ndim == 3 and 2 <= samples.shape[2] <= 4)
        return png(samples) if is_picture and samples.size and samples.dtype == np.uint8 else None


def png(pixels: Samples) -> bytes:
    """Pixels (h, w) or (h, w, samples) of uint8 as a file."""
    from io import BytesIO

    from PIL import Image

    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
