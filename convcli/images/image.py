"""A picture: its header, which is known before its samples are, and the array of them.

This file does without NumPy at its top, so that a header is read while NumPy is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from convcli.errors import UnfitError
from convcli.records import NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from convcli.images.arrays import Samples

Metadata: TypeAlias = Mapping[str, object]

ITEM_BYTES = {"uint8": 1, "uint16": 2, "float32": 4, "float64": 8}

WHITE = {"uint8": 255, "uint16": 65535}


class Header(NamedTuple):
    """What a filter needs to know about a picture: about its array, and its file if there is one.

    `opaque` says that no pixel is transparent, as far as that is known. `mode` is Pillow's of the
    file, and `array_mode` the one that it is converted to.
    """

    width: int
    height: int
    channels: int = 1
    dtype: str = "uint8"
    has_alpha: bool = False
    inks: bool = False
    opaque: bool = True
    frames: int = 1
    format: str = ""
    mode: str = ""
    array_mode: str = ""

    @property
    def full(self) -> int:
        """The sample that is white: 255 or 65535; 0 for floats, which have none."""
        return WHITE.get(self.dtype, 0)

    @property
    def colors(self) -> int:
        """Samples of a pixel that are not alpha."""
        return self.channels - self.has_alpha

    @property
    def samples(self) -> int:
        """Samples of one frame."""
        return self.width * self.height * self.channels

    @property
    def array_bytes(self) -> int:
        """Bytes of the arrays of all frames."""
        return self.samples * self.frames * ITEM_BYTES[self.dtype]


class Timing(NamedTuple):
    """How long each frame of an animation is shown, in milliseconds, and how often all are."""

    durations: tuple[int, ...]
    loop: int | None = None

    def save_words(self) -> dict[str, object]:
        """As Pillow's `save` takes them."""
        words: dict[str, object] = {"duration": list(self.durations)} if self.durations else {}
        return words if self.loop is None else {**words, "loop": self.loop}


class Picture(NamedTuple):
    """A picture as an array, with all that is needed to save a result in the same way.

    `pixels` is (height, width, samples) of uint8 or uint16, or float32 for pictures of 32 bits; the
    last sample is alpha where `has_alpha`. `format` is Pillow's name of the format it came in, and
    `mode` Pillow's name of its mode where the number of samples does not tell it (CMYK). `metadata`
    are Pillow's names and values, "text" the texts of a PNG, "record" how a result was made.
    `frames` are the pictures after this one in an animation, and `timing` says when they are shown.

    >>> import numpy as np
    >>> Picture(np.zeros((2, 3, 4), np.uint8), True, "PNG", {}).header.colors
    3
    """

    pixels: Samples
    has_alpha: bool
    format: str
    metadata: Metadata
    notes: tuple[str, ...] = ()
    mode: str = ""
    frames: tuple[Samples, ...] = ()
    timing: Timing | None = None

    @property
    def header(self) -> Header:
        """What is known of the picture and of its first frame."""
        height, width, channels = self.pixels.shape
        return Header(
            width,
            height,
            channels,
            self.pixels.dtype.name,
            self.has_alpha,
            self.mode == "CMYK",
            self.opaque,
            1 + len(self.frames),
            self.format,
        )

    @property
    def full(self) -> int:
        """The sample that is white: 255 or 65535; 0 for floats, which have none."""
        return WHITE.get(self.pixels.dtype.name, 0)

    @property
    def opaque(self) -> bool:
        """Whether no pixel is transparent at all."""
        return not self.has_alpha or bool((self.pixels[..., -1] == self.full).all())

    @property
    def without_alpha(self) -> Picture:
        """The colors alone."""
        if not self.has_alpha:
            return self
        return self._replace(pixels=self.pixels[..., :-1], has_alpha=False)


def picture_of(samples: NDArray[np.number]) -> Picture:
    """Samples (height, width) or (height, width, 1 to 4) as a picture.

    uint8 and uint16 hold 0 to 255 and 65535, floats 0 to 1; a second or fourth sample is alpha.

    >>> import numpy as np
    >>> picture_of(np.zeros((4, 5, 4), np.uint8)).has_alpha
    True

    Raises UnfitError for other shapes and dtypes, and for floats that are not finite.
    """
    import numpy as np

    pixels = samples[..., np.newaxis] if samples.ndim == 2 else samples
    if pixels.ndim != 3 or not pixels.size or pixels.shape[2] > 4:
        raise UnfitError(
            f"an array of the shape {samples.shape} is not a picture: one is height x width, or "
            "height x width x samples, of which there are 1 to 4"
        )
    if pixels.dtype.kind == "f":
        with np.errstate(over="ignore"):
            pixels = pixels.astype(np.float32)
        if not np.isfinite(pixels).all():
            raise UnfitError("the array holds values that are not finite in float32")
    elif pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
        raise UnfitError(
            f"an array of {pixels.dtype} is not a picture: samples are uint8, uint16, or floats "
            "from 0 to 1"
        )
    return Picture(pixels, pixels.shape[2] in (2, 4), "", {})
