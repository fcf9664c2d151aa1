"""A picture as an array, and what is needed to save its like."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.errors import UnfitError


class Picture(NamedTuple):
    """A picture as an array, and what is needed to save its like.

    `pixels` is (height, width, samples) of uint8 or uint16, or float32 for pictures of 32 bits; the
    last sample is alpha where `has_alpha`. `format` is Pillow's name of the format it came in, and
    `mode` Pillow's name of its mode where the number of samples does not tell it (CMYK). `frames`
    are the pictures after this one in an animation, and `timing` how long each is shown.

    >>> Picture(np.zeros((2, 3, 4), np.uint8), True, "PNG", {}).colours
    3
    """

    pixels: NDArray[Any]
    has_alpha: bool
    format: str
    metadata: dict[str, Any]
    notes: tuple[str, ...] = ()
    mode: str = ""
    frames: tuple[NDArray[Any], ...] = ()
    timing: dict[str, Any] = {}  # noqa: RUF012 - never changed

    @property
    def full(self) -> int:
        """The sample that is white: 255 or 65535; 0 for floats, which have none."""
        kind = self.pixels.dtype
        return int(np.iinfo(kind).max) if kind.kind == "u" else 0

    @property
    def colours(self) -> int:
        """Samples of a pixel that are not alpha."""
        return int(self.pixels.shape[2]) - self.has_alpha

    @property
    def opaque(self) -> bool:
        """Whether no pixel is transparent at all."""
        return not self.has_alpha or bool((self.pixels[..., -1] == self.full).all())

    @property
    def coloured(self) -> "Picture":
        """The picture without its alpha."""
        if not self.has_alpha:
            return self
        return self._replace(pixels=self.pixels[..., :-1], has_alpha=False)


def picture_of(samples: NDArray[Any]) -> Picture:
    """Samples (height, width) or (height, width, 1 to 4) as a picture.

    uint8 and uint16 hold 0 to 255 and 65535, floats 0 to 1; a second or fourth sample is alpha.

    >>> picture_of(np.zeros((4, 5, 4), np.uint8)).colours
    3

    Raises UnfitError for other shapes and dtypes, and for floats that are not finite.
    """
    pixels = samples[..., np.newaxis] if samples.ndim == 2 else samples
    if pixels.ndim != 3 or not pixels.size or pixels.shape[2] > 4:
        raise UnfitError(
            f"an array of the shape {samples.shape} is no picture: one is height x width, or "
            "height x width x samples, of which there are 1 to 4"
        )
    if pixels.dtype.kind == "f":
        with np.errstate(over="ignore"):
            pixels = pixels.astype(np.float32)
        if not np.isfinite(pixels).all():
            raise UnfitError("the array holds values that are not finite in float32")
    elif pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
        raise UnfitError(
            f"an array of {pixels.dtype} is no picture: samples are uint8, uint16, or floats "
            "from 0 to 1"
        )
    return Picture(pixels, pixels.shape[2] in (2, 4), "", {})
