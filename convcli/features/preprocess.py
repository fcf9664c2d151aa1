"""A picture → the input of a network: resized, cropped, gray or in color, normalized."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convcli.errors import UnfitError
from convcli.images.filters.color import LUMA
from convcli.images.image import Picture

Samples = NDArray[np.float32]

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation of ImageNet's colors, with which its networks were trained."""

NORMALIZATIONS = ("unit", "standard", "imagenet", "none")
"""0..1; mean 0 and standard deviation 1 of each picture; ImageNet's; 0..255 as in the file."""

MAX_PIXELS = 1 << 28
"""Pixels of an enlarged picture."""


class Preparation(NamedTuple):
    """What is done to a picture before a network sees it, in this order."""

    gray: bool = False
    channels: int | None = None
    """1 or 3, where the network needs so many: color becomes gray, gray is repeated."""
    resize: tuple[int, ...] | None = None
    """The length of the shorter side, or (height, width)."""
    crop: tuple[int, int] | None = None
    """(height, width) around the center."""
    normalize: str = "unit"


def prepared(picture: Picture, how: Preparation) -> Samples:
    """The samples of a picture, (channels, height, width).

    >>> picture = Picture(np.full((4, 8, 3), 51, np.uint8), False, "PNG", {})
    >>> small = prepared(picture, Preparation(gray=True, resize=(2,), crop=(2, 2)))
    >>> small.shape, round(float(small[0, 0, 0]), 6)
    ((1, 2, 2), 0.2)

    Raises UnfitError for a crop that is larger than the picture, and for ImageNet's colors of
    a gray one.
    """
    x = planes(picture)
    if len(x) == 3 and (how.gray or how.channels == 1):
        x = np.tensordot(np.array(LUMA, np.float32), x, 1)[np.newaxis]
    if how.resize is not None:
        x = resized(x, how.resize)
    if how.crop is not None:
        x = cropped(x, how.crop)
    if len(x) == 1 and how.channels == 3:
        x = np.repeat(x, 3, axis=0)
    if how.channels is not None and len(x) != how.channels:
        raise UnfitError(f"the network takes {how.channels} channels, a picture gives 1 or 3")
    return normalized(x, how.normalize, float(picture.full or 1))


def planes(picture: Picture) -> NDArray[np.float32]:
    """The colors of a picture as (channels, height, width), 0 to 1; transparent parts are black.

    Floats are taken to be 0 to 1.

    >>> pixels = np.full((4, 5, 2), 255, np.uint8)
    >>> planes(Picture(pixels, has_alpha=True, format="PNG", metadata={})).shape
    (1, 4, 5)
    """
    samples = picture.pixels.astype(np.float32) / np.float32(picture.full or 1)
    if picture.has_alpha:
        samples = samples[..., :-1] * samples[..., -1:]
    return np.ascontiguousarray(samples.transpose(2, 0, 1))


def target_size(size: tuple[int, int], resize: tuple[int, ...]) -> tuple[int, int]:
    """The height and width that `resize` means for a picture of this size.

    >>> target_size((480, 640), (240,)), target_size((480, 640), (100, 50))
    ((240, 320), (100, 50))
    """
    if len(resize) == 2:
        return resize[0], resize[1]
    short = min(size)
    height, width = (max(side * resize[0] // short, 1) for side in size)
    return height, width


def resized(x: Samples, resize: tuple[int, ...]) -> Samples:
    """Each channel resampled bilinearly, over as many cells as one of the result stands for."""
    height, width = target_size((x.shape[1], x.shape[2]), resize)
    if height * width > MAX_PIXELS:
        raise UnfitError(f"resizing to {height}x{width} makes more than {MAX_PIXELS:,} pixels")
    if (height, width) == x.shape[1:]:
        return x
    return np.stack(
        [
            np.asarray(Image.fromarray(one).resize((width, height), Image.Resampling.BILINEAR))
            for one in x
        ]
    )


def cropped(x: Samples, crop: tuple[int, int]) -> Samples:
    height, width = x.shape[1:]
    if crop[0] > height or crop[1] > width:
        raise UnfitError(
            f"a crop of {crop[0]}x{crop[1]} is larger than the picture, {height}x{width}; "
            f"resize first, such as --resize {max(crop)}"
        )
    top, left = (height - crop[0]) // 2, (width - crop[1]) // 2
    return np.ascontiguousarray(x[:, top : top + crop[0], left : left + crop[1]])


def normalized(x: Samples, how: str, white: float) -> Samples:
    """Samples 0..1 normalized by a name of NORMALIZATIONS."""
    if how == "none":
        return x * np.float32(white)
    if how == "standard":
        centered = x - np.float32(x.mean(dtype=np.float64))
        spread = centered.std(dtype=np.float64)
        # a constant picture has nothing to stretch but rounding errors
        return np.asarray(centered / np.float32(spread)) if spread > 1e-6 else np.zeros_like(x)
    if how == "imagenet":
        if len(x) != 3:
            raise UnfitError("ImageNet's mean is that of three colors; the picture is gray")
        mean, spread = (np.array(one, np.float32).reshape(3, 1, 1) for one in IMAGENET)
        return np.asarray((x - mean) / spread)
    return x
