"""Samples as light, luma and grey: what `--linear`, `--channels luma` and `--gray` look at."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.images.image import Picture
from convcli.images.io.pillow import of_inks

Array = NDArray[Any]

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""

LUMA_16 = (19595, 38470, 7471)
"""The same as multiples of 2⁻¹⁶, as Pillow's `convert("L")` has them."""


def grey(picture: Picture) -> Picture:
    """The picture in grey, alpha kept: each sample as Pillow's `convert("L")` rounds it.

    A profile of colours or inks does not describe it, and is left out.
    """
    pixels = picture.pixels
    if picture.mode == "CMYK":
        shade, beside = np.asarray(of_inks(pixels).convert("L")), pixels[..., 4:]
    elif picture.colours != 3:
        return picture
    else:
        shade, beside = np.full(pixels.shape[:2], 0x8000, np.uint64), pixels[..., 3:]
        for place, weight in enumerate(LUMA_16):
            shade += pixels[..., place].astype(np.uint64) * np.uint64(weight)
        shade >>= np.uint64(16)
    one = shade.astype(pixels.dtype)[..., np.newaxis]
    metadata = {key: value for key, value in picture.metadata.items() if key != "icc_profile"}
    whole = np.concatenate([one, beside], axis=2)
    return picture._replace(pixels=whole, mode="", metadata=metadata)


def luma(samples: Array, with_alpha: bool) -> Array:
    """The luma (h, w, 1) of RGB samples as floats, with alpha beside it where there is any."""
    shade = np.zeros(samples.shape[:2])
    for place, weight in enumerate(LUMA):
        shade += weight * samples[..., place]
    one = shade[..., np.newaxis]
    return np.concatenate([one, samples[..., 3:]], axis=2) if with_alpha else one


def to_light(samples: Array, full: int, with_alpha: bool) -> Array:
    """sRGB samples as light in the same units (IEC 61966-2-1); alpha stays.

    >>> to_light(np.array([[[0.0, 255.0]]]), 255, False).tolist()
    [[[0.0, 255.0]]]
    """
    light = samples.copy()
    colours = light[..., :-1] if with_alpha else light
    v = colours / full
    curve = ((np.maximum(v, 0.04045) + 0.055) / 1.055) ** 2.4
    colours[...] = np.where(v <= 0.04045, v / 12.92, curve) * full
    return light


def from_light(light: Array, full: int) -> Array:
    """Light as sRGB samples in the same units; negative light stays negative."""
    v = light / full
    curve = 1.055 * np.maximum(v, 0.0031308) ** (1 / 2.4) - 0.055
    return np.asarray(np.where(v <= 0.0031308, v * 12.92, curve) * full)


def percentiles(values: Array, low: float, high: float) -> tuple[float, float]:
    """The values below which so many percent lie; 0 and 100 are the least and the greatest."""
    if not values.size:
        return 0.0, 0.0
    if (low, high) == (0, 100):
        return float(values.min()), float(values.max())
    first, last = np.percentile(values, [low, high])
    return float(first), float(last)
