"""A picture → the input of a network: resized, cropped, gray or in color, normalized."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convcli.errors import UnfitError
from convcli.features.picture_normalization import read_normalization
from convcli.images.filters.color import LUMA
from convcli.images.image import Header, Picture
from convcli.records import NamedTuple

Samples = NDArray[np.float32]

MAX_PIXELS = 1 << 28
"""Pixels of an enlarged picture."""


class Preparation(NamedTuple):
    """What is done to a picture before a network sees it, in this order."""

    gray: bool = False
    channels: int | None = None
    """1 or 3, where the network needs that number: color becomes gray, gray is repeated."""
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


def prepared_shape(header: Header, how: Preparation) -> tuple[int, int, int]:
    """The shape of what `prepared` makes of a picture with a header.

    >>> prepared_shape(Header(640, 480, 4, has_alpha=True), Preparation(resize=(240,)))
    (3, 240, 320)
    """
    colors = min(header.channels - header.has_alpha, 3)
    height, width = header.height, header.width
    if how.resize is not None:
        height, width = target_size((height, width), how.resize)
    channels = how.channels or (1 if how.gray else colors)
    return channels, *(how.crop or (height, width))


def preparing_bytes(header: Header, how: Preparation) -> int:
    """The most that `prepared` takes, with the picture: its samples as floats, and their parts.

    >>> preparing_bytes(Header(1000, 1000, 3), Preparation())
    39000000
    """
    colors = min(header.channels - header.has_alpha, 3)
    decoded = header.array_bytes + 12 * header.channels * header.width * header.height
    if how.resize is None:
        return decoded
    height, width = target_size((header.height, header.width), how.resize)
    if height * width > MAX_PIXELS:
        return decoded  # it is refused before it is resized
    return max(decoded, 4 * colors * (header.width * header.height + 3 * height * width))


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
    planes = (
        Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR) for plane in x
    )
    return np.stack([np.asarray(plane) for plane in planes])


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
    """Samples 0..1 normalized by a name of NORMALIZATIONS, or by values.

    >>> gray = np.full((1, 1, 1), 0.75, np.float32)
    >>> float(normalized(gray, "mean=0.5,std=0.5", 255)[0, 0, 0])
    0.5
    """
    if how == "none":
        return x * np.float32(white)
    if how == "standard":
        centered = x - np.float32(x.mean(dtype=np.float64))
        spread = centered.std(dtype=np.float64)
        # a constant picture has nothing to stretch but rounding errors
        return np.asarray(centered / np.float32(spread)) if spread > 1e-6 else np.zeros_like(x)
    scale, mean, std, bgr = read_normalization(how)
    if len(x) != 3 and (bgr or max(len(mean), len(std)) == 3):
        raise UnfitError(
            f"the mean of normalize {how:.60} is that of three colors; the picture is gray"
        )
    x = np.ascontiguousarray(x[::-1]) if bgr else x
    x = x if scale == 1 else x * np.float32(scale)
    x = x - np.array(mean, np.float32).reshape(-1, 1, 1) if mean else x
    return np.asarray(x / np.array(std, np.float32).reshape(-1, 1, 1)) if std else x
