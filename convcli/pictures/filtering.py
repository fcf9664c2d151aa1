"""Kernel × picture, band by band.

Borders are extended with the nearest pixel. Responses keep their sign until the last step, which
brings them into the picture's range:

    gradients        |response|, scaled so that a full black-to-white step is white
    sum of 0 or less |response|
    all others       clipped

Transparency: a kernel with a sum blurs or sharpens premultiplied colour and alpha, and divides
back (Porter & Duff 1984 for why); a zero-sum kernel looks at colour and keeps alpha. Either way
the colour of a fully transparent pixel has no influence.
"""

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.conv.stencil import correlate, lane
from convcli.pictures.files import Picture
from convcli.pictures.kernels import Kernel, Part

BAND_ROWS = 64
"""Rows filtered at once: a few megabytes of sums for a picture of 4,000 columns."""


class Tone(NamedTuple):
    """How responses become samples: |response| or response, times a gain."""

    absolute: bool
    gain: Fraction


def filter_picture(picture: Picture, kernel: Kernel) -> Picture:
    """Correlate a picture with a kernel.

    Integer and rational kernels are exact: every sample is the true value rounded half up, then
    clipped to the samples' range. The result has the input's size, mode and metadata.
    """
    height = picture.pixels.shape[0]
    tones = tone(kernel)
    filtered = np.empty_like(picture.pixels, order="C")
    for top in range(0, height, BAND_ROWS):
        bottom = min(top + BAND_ROWS, height)
        band = _extended(picture.pixels, top, bottom, kernel.shape)
        if not picture.has_alpha:
            samples = _plain(band, kernel, tones)
        elif weight_sum(kernel.parts[0]):
            samples = _premultiplied(band, kernel.parts[0], tones)
        else:
            samples = _keeping_alpha(band, kernel, tones)
        filtered[top:bottom] = samples.clip(0, np.iinfo(filtered.dtype).max)
    return picture._replace(pixels=filtered)


def tone(kernel: Kernel) -> Tone:
    """The range a kernel's responses are brought into, derived from its weights.

    A gradient is a kernel combined from several, or one that turns into its own negative when
    turned by 180°; its response to a full step is the sum of its positive weights.
    """
    first = kernel.parts[0]
    matrix = first.matrix
    if kernel.combine or (matrix == -matrix[::-1, ::-1]).all():
        step = matrix[matrix > 0].sum()
        return Tone(True, Fraction(1) / Fraction(step.item()) if step else Fraction(1))
    return Tone(weight_sum(first) <= 0, first.scale)


def weight_sum(part: Part) -> Fraction:
    """The sum of a part's weights, exact for integers; rounding noise of floats counts as 0."""
    matrix = part.matrix
    if matrix.dtype.kind == "f":
        total = float(matrix.sum())
        noise = 1e-12 * float(np.abs(matrix).sum())
        return Fraction(0 if abs(total) <= noise else total) * part.scale
    return Fraction(int(matrix.sum())) * part.scale


def _extended(pixels: NDArray[Any], top: int, bottom: int, shape: tuple[int, int]) -> NDArray[Any]:
    """Rows top to bottom with the neighbours that a kernel anchored at (k − 1) // 2 reads."""
    (height, width), (rows, columns) = pixels.shape[:2], shape
    above, left = (rows - 1) // 2, (columns - 1) // 2
    down = np.arange(top - above, bottom + rows - 1 - above).clip(0, height - 1)
    across = np.arange(-left, width + columns - 1 - left).clip(0, width - 1)
    band: NDArray[Any] = pixels[down[:, np.newaxis], across]
    return band


def _full(band: NDArray[Any]) -> int:
    return int(np.iinfo(band.dtype).max)


def _plain(band: NDArray[Any], kernel: Kernel, tones: Tone) -> NDArray[Any]:
    full = _full(band)
    parts = [correlate(band, part.factors, full) for part in kernel.parts]
    return _toned(_combined(parts, kernel), tones)


def _keeping_alpha(band: NDArray[Any], kernel: Kernel, tones: Tone) -> NDArray[Any]:
    """Σ w·a·(x − x₀) / full: a neighbour counts as much as it is opaque, against the centre."""
    full = _full(band)
    colour, alpha = band[..., :-1].astype(np.int64), band[..., -1:].astype(np.int64)
    rows, columns = kernel.shape
    above, left = (rows - 1) // 2, (columns - 1) // 2
    height, width = band.shape[0] - rows + 1, band.shape[1] - columns + 1
    centre = np.s_[above : above + height, left : left + width]
    parts = []
    for part in kernel.parts:
        factors = part.factors
        if lane(factors, 2 * full * full).kind == "f":  # the difference may need one bit more
            factors = tuple(factor.astype(np.float64) for factor in factors)
        cover = correlate(alpha, factors, full)
        cover = cover if cover.dtype.kind == "f" else cover.astype(np.int64)
        parts.append(correlate(colour * alpha, factors, full * full) - colour[centre] * cover)
    toned = _toned(_combined(parts, kernel), tones._replace(gain=tones.gain / full))
    return np.concatenate([toned, alpha[centre]], axis=2)


def _premultiplied(band: NDArray[Any], part: Part, tones: Tone) -> NDArray[Any]:
    """Colour (Σ w·a·x / Σ w·a) · Σ w, alpha Σ w·a / Σ w: what is opaque stays opaque."""
    full = _full(band)
    alpha = band[..., -1:].astype(np.int64)
    light = correlate(band[..., :-1] * alpha, part.factors, full * full)
    cover = correlate(alpha, part.factors, full)
    total = weight_sum(part)
    opacity = _toned(cover, Tone(False, part.scale / total))
    visible = (opacity > 0) & (cover != 0)
    if light.dtype.kind == "i":
        top = _roomy(light, 2 * total.numerator) * (2 * total.numerator)
        # only a negative sum makes both negative, and its tone is absolute
        shown = np.where(visible, cover, 1)
        below = np.abs(_roomy(shown, total.denominator) * total.denominator)
        colour = (np.abs(top) if tones.absolute else top) // below
        # round half up of top / 2·below: ⌊(⌊top / below⌋ + 1) / 2⌋
        colour = ((colour + 1) // 2).clip(0, full).astype(np.int64)
    else:
        ratio = light * float(total) / np.where(visible, cover, 1.0)
        colour = np.floor((np.abs(ratio) if tones.absolute else ratio) + 0.5)
    return np.concatenate([np.where(visible, colour, 0), opacity], axis=2)


def _combined(parts: list[NDArray[Any]], kernel: Kernel) -> NDArray[Any]:
    if not kernel.combine:
        return parts[0]
    squares = sum(np.square(part.astype(np.float64)) for part in parts)
    # exact up to 2**53, and sqrt rounds correctly, so ties are still ties
    return np.sqrt(squares)


def _roomy(values: NDArray[Any], factor: int) -> NDArray[Any]:
    """Integers that can be multiplied by a factor: int64, or Python's own where it is too small."""
    largest = max(abs(int(values.min())), abs(int(values.max())), 1) if values.size else 1
    return values.astype(np.int64 if largest * abs(factor) < 2**62 else object)


def _toned(response: NDArray[Any], tones: Tone) -> NDArray[Any]:
    """Responses times the gain, rounded half up; exact for integers."""
    if tones.absolute:
        response = np.abs(response)
    top, below = tones.gain.numerator, tones.gain.denominator
    if response.dtype.kind == "i":
        widest = max(2 * top, 2 * below)
        return (_roomy(response, widest) * (2 * top) + below) // (2 * below)
    return np.floor(response * float(tones.gain) + 0.5)
