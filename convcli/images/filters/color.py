"""Samples as light, luma and gray: what `--linear`, `--channels luma` and `--gray` look at."""

import numpy as np
from numpy.typing import NDArray

from convcli.images.arrays import Values
from convcli.images.image import Picture
from convcli.images.io.read import of_inks
from convcli.images.io.write import USUAL_GAMMA

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
        shade, alpha = np.asarray(of_inks(pixels).convert("L")), pixels[..., 4:]
    elif picture.header.colors != 3:
        return picture
    else:
        shade, alpha = np.full(pixels.shape[:2], 0x8000, np.uint64), pixels[..., 3:]
        for channel, weight in enumerate(LUMA_16):
            shade += pixels[..., channel].astype(np.uint64) * np.uint64(weight)
        shade >>= np.uint64(16)
    gray = shade.astype(pixels.dtype)[..., np.newaxis]
    metadata = {key: value for key, value in picture.metadata.items() if key != "icc_profile"}
    result = np.concatenate([gray, alpha], axis=2)
    return picture._replace(pixels=result, mode="", metadata=metadata)


def luma(samples: Values, with_alpha: bool) -> Values:
    """The luma (h, w, 1) of RGB samples as floats, with alpha beside it where there is any."""
    shade = np.zeros(samples.shape[:2])
    for channel, weight in enumerate(LUMA):
        shade += weight * samples[..., channel]
    plane = shade[..., np.newaxis]
    return np.concatenate([plane, samples[..., 3:]], axis=2) if with_alpha else plane


def gamma_of(picture: Picture) -> float | None:
    """The exponent from samples to light that a PNG names (gAMA); None where it is sRGB's curve.

    >>> gamma_of(Picture(np.zeros((1, 1, 1), np.uint8), False, "PNG", {})) is None
    True
    """
    chunks = picture.metadata.get("color_chunks")
    if not isinstance(chunks, dict) or {b"sRGB", b"cICP"} & set(chunks):
        return None
    value = int.from_bytes(chunks.get(b"gAMA", b""), "big")
    if not value or value in USUAL_GAMMA or "icc_profile" in picture.metadata:
        return None
    return 100_000 / value


def to_light(samples: Values, full: int, with_alpha: bool, gamma: float | None = None) -> Values:
    """Samples as light in the same units, by a gamma or by sRGB (IEC 61966-2-1); alpha stays.

    >>> to_light(np.array([[[0.0, 255.0]]]), 255, False).tolist()
    [[[0.0, 255.0]]]
    """
    light = samples.copy()
    colors = light[..., :-1] if with_alpha else light
    v = colors / full
    if gamma is not None:
        colors[...] = v**gamma * full
        return light
    curve = ((np.maximum(v, 0.04045) + 0.055) / 1.055) ** 2.4
    colors[...] = np.where(v <= 0.04045, v / 12.92, curve) * full
    return light


def from_light(light: Values, full: int, gamma: float | None = None) -> NDArray[np.float64]:
    """Light as samples in the same units; negative light stays negative."""
    v = light / full
    if gamma is not None:
        return np.asarray(np.sign(v) * np.abs(v) ** (1 / gamma) * full)
    curve = 1.055 * np.maximum(v, 0.0031308) ** (1 / 2.4) - 0.055
    return np.asarray(np.where(v <= 0.0031308, v * 12.92, curve) * full)


def percentiles(values: Values, low: float, high: float) -> tuple[float, float]:
    """Percentiles of the values; 0 and 100 are the minimum and the maximum."""
    if not values.size:
        return 0.0, 0.0
    if (low, high) == (0, 100):
        return float(values.min()), float(values.max())
    first, last = np.percentile(values, [low, high])
    return float(first), float(last)
