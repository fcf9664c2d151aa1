"""Samples as luma and gray, for `--channels luma` and `--gray`."""

import numpy as np

from convcli.images.image import Picture
from convcli.images.io.inks import of_inks, rgb_of_inks
from convcli.images.pixel_arrays import Values

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""

LUMA_16 = (19595, 38470, 7471)
"""The same as multiples of 2⁻¹⁶, as Pillow's `convert("L")` has them."""


def in_gray(picture: Picture) -> Picture:
    """The picture in gray, alpha kept: each sample as Pillow's `convert("L")` rounds it.

    A profile of colors or inks does not describe it, and is left out.
    """
    pixels = picture.pixels
    shade: Values
    if picture.mode == "CMYK":
        rgb = rgb_of_inks(of_inks(pixels), picture.metadata.get("icc_profile"))
        shade, alpha = np.asarray(rgb.convert("L")), pixels[..., 4:]
    elif picture.header.colors != 3:
        return picture
    else:
        shade, alpha = np.full(pixels.shape[:2], 0x8000, np.uint64), pixels[..., 3:]
        for channel, weight in enumerate(LUMA_16):
            shade += pixels[..., channel].astype(np.uint64) * np.uint64(weight)
        shade >>= np.uint64(16)
    gray = shade.astype(pixels.dtype)[..., np.newaxis]
    metadata = dict(picture.metadata)
    profile = metadata.pop("icc_profile", None)
    if profile and picture.mode != "CMYK":
        metadata["profile_before_gray"] = profile  # whose curve is that of the gray
    result = np.concatenate([gray, alpha], axis=2)
    return picture._replace(pixels=result, mode="", metadata=metadata)


def luma(samples: Values, with_alpha: bool) -> Values:
    """The luma (h, w, 1) of RGB samples as floats, with alpha beside it where there is any."""
    shade = np.zeros(samples.shape[:2])
    for channel, weight in enumerate(LUMA):
        shade += weight * samples[..., channel]
    plane = shade[..., np.newaxis]
    return np.concatenate([plane, samples[..., 3:]], axis=2) if with_alpha else plane


def percentiles(values: Values, low: float, high: float) -> tuple[float, float]:
    """Percentiles of the values; 0 and 100 are the minimum and the maximum."""
    if not values.size:
        return 0.0, 0.0
    if (low, high) == (0, 100):
        return float(values.min()), float(values.max())
    first, last = np.percentile(values, [low, high])
    return float(first), float(last)
