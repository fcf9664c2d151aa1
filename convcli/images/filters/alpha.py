"""Transparency: what is invisible has no influence, and what is opaque stays opaque.

A kernel with a sum blurs or sharpens premultiplied colour and alpha, and divides back (Porter &
Duff 1984 for why); a zero-sum kernel looks at colour and keeps alpha. Either way the colour of a
fully transparent pixel has no influence. Beyond a constant border the picture is opaque.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.borders import Border
from convcli.images.engines.correlate import Responder
from convcli.images.engines.quantize import NOTHING, Rounding, Statistics, Tone
from convcli.images.engines.row_bands import Bands
from convcli.images.kernels.kernel import Kernel

Array = NDArray[Any]


def is_blend(kernel: Kernel) -> bool:
    """Whether a kernel mixes what it covers, colour and alpha alike, rather than comparing it."""
    return kernel.linear and kernel.sum != 0


def covers_of(bands: Bands, full: int) -> Bands:
    """The bands that alpha is read from: beyond a constant border the picture is opaque."""
    border = bands.window.border
    if border.name in ("zero", "constant"):
        border = Border("constant", full)
    return Bands(bands.pixels, bands.window._replace(border=border))


def _responders(kernel: Kernel, full: int, floating: bool) -> tuple[Responder, Responder]:
    """Of colour times alpha, and of alpha; `floating` samples are of either sign."""
    light, cover = (
        Responder(kernel, largest, floating, floating) for largest in (full * full, full)
    )
    return light, cover


Centres = tuple[slice, slice]
"""The rows and columns of a band whose own samples stand where those of the result do."""


def _strided(parts: Iterable[Array], centres: Centres) -> list[Array]:
    """Of the responses at every place those where the window stops."""
    every = tuple(slice(None, None, one.step) for one in centres)
    return [part[every] for part in parts]


class Keeping:
    """Σ w·a·(x − x₀) / full: a neighbour counts as much as it is opaque, against the centre."""

    def __init__(self, kernel: Kernel, full: int, floating: bool = False) -> None:
        self.full = full
        self.light, self.cover = _responders(kernel, full, floating)

    def band(
        self, colour: Array, alpha: Array, centres: Centres, tones: Tone
    ) -> tuple[Array, Statistics]:
        """Samples (h, w, c + 1) of a band: colour responses beside the alpha they were given."""
        found, bound = self._differences(colour, alpha, centres)
        tones = tones._replace(gain=tones.gain / self.full, square=tones.square / self.full**2)
        kept = alpha[centres]
        samples, statistics = self._seen(
            found, kept[..., 0] > 0, self.light.rounding(tones, self.full, bound)
        )
        return np.concatenate([samples, kept.astype(samples.dtype)], axis=2), statistics

    def _seen(
        self, found: list[Array], seen: Array, rounding: Rounding
    ) -> tuple[Array, Statistics]:
        """Samples, 0 where nothing is seen, and the statistics of what is."""
        hidden = int(seen.size - np.count_nonzero(seen))
        if not hidden:
            return self.light.samples(found, rounding)
        if hidden == seen.size:
            nothing = np.zeros(found[0].shape, np.uint8 if self.full == 255 else np.uint16)
            return nothing, NOTHING._replace(samples=nothing.size)
        # what is hidden is told as one that is seen, and taken off again
        row, column = np.unravel_index(int(seen.argmax()), seen.shape)
        one = [response[row : row + 1, column : column + 1].copy() for response in found]
        for response, like in zip(found, one, strict=True):
            response[~seen] = like[0, 0]
        samples, statistics = self.light.samples(found, rounding)
        samples[~seen] = 0
        more = hidden * self.light.samples(one, rounding)[1].clipped
        return samples, statistics._replace(clipped=statistics.clipped - more)

    def values(self, colour: Array, alpha: Array, centres: Centres, tones: Tone) -> Array:
        """The same as float64, nothing rounded."""
        found, _ = self._differences(colour, alpha, centres)
        tones = tones._replace(gain=tones.gain / self.full, square=tones.square / self.full**2)
        values = self.light.values(found, tones)
        return np.concatenate([values, alpha[centres].astype(np.float64)], axis=2)

    def _differences(
        self, colour: Array, alpha: Array, centres: Centres
    ) -> tuple[list[Array], int]:
        bound = 2 * max(self.light.bound, self.full * self.cover.bound)
        light = _strided(self.light.parts(colour * alpha), centres)
        cover = _strided(self.cover.parts(alpha), centres)
        middle = colour[centres]
        return [
            _wide(one, bound) - _wide(middle, bound) * _wide(other, bound)
            for one, other in zip(light, cover, strict=True)
        ], bound


def _wide(values: Array, bound: int) -> Array:
    if values.dtype.kind == "f":
        # whole numbers in float64, unless the kernel or the picture is one of floats
        return values
    return values.astype(np.int64 if bound < 2**63 else object)


class Blending:
    """Colour (Σ w·a·x / Σ w·a) · Σ w, alpha Σ w·a / Σ w: what is opaque stays opaque."""

    def __init__(self, kernel: Kernel, full: int, floating: bool = False) -> None:
        self.full, self.total = full, kernel.sum
        self.light, self.cover = _responders(kernel, full, floating)

    def band(
        self, colour: Array, alpha: Array, centres: Centres, tones: Tone
    ) -> tuple[Array, Statistics]:
        """Samples (h, w, c + 1) of a band."""
        (light,) = _strided(self.light.parts(colour * alpha), centres)
        (cover,) = _strided(self.cover.parts(alpha), centres)
        unit = self.cover.unit / self.total
        plain = Tone(False, type(unit)(1))
        opacity, _ = Rounding(unit, plain, self.full, self.cover.bound).samples(cover.copy())
        visible = (opacity > 0) & (cover != 0)
        shown = np.where(visible, cover, 1)
        if light.dtype.kind == "f" and not self.light.kernel.exact:
            values = self._ratio(light, shown, tones)
            twice = np.floor(2 * values)
        else:
            gain, offset = self.total * tones.gain, tones.offset
            top = 2 * gain.numerator * offset.denominator
            less = 2 * offset.numerator * gain.denominator
            below = gain.denominator * offset.denominator
            widest = self.light.bound * abs(top) + self.cover.bound * (abs(less) + below)
            lane = np.int64 if widest < 2**62 else object
            light, shown = (one.astype(np.int64).astype(lane) for one in (light, shown))
            # a negative sum turns both around
            sign = np.where(shown < 0, -1, 1).astype(lane)
            raised = np.abs(light * top) if tones.absolute else light * top * sign
            # round half up of v: ⌊(⌊2v⌋ + 1) / 2⌋
            shares = np.abs(shown) * below
            raised = raised + np.abs(shown) * less
            twice, values = raised // shares, raised / shares / 2
        seen = np.where(visible, values.astype(np.float64), np.nan)
        colours = np.where(visible, (twice + 1) // 2, 0)
        clipped = int(np.count_nonzero(colours < 0) + np.count_nonzero(colours > self.full))
        some = bool(visible.any())
        statistics = Statistics(
            float(np.nanmin(seen)) if some else float("inf"),
            float(np.nanmax(seen)) if some else float("-inf"),
            clipped,
            colours.size,
        )
        samples = np.clip(colours, 0, self.full).astype(opacity.dtype)
        return np.concatenate([samples, opacity], axis=2), statistics

    def _ratio(self, light: Array, shown: Array, tones: Tone) -> Array:
        ratio = light * float(self.total * tones.gain) / shown
        if tones.absolute:
            ratio = np.abs(ratio)
        return np.asarray(ratio + float(tones.offset))

    def values(self, colour: Array, alpha: Array, centres: Centres, tones: Tone) -> Array:
        """The same as float64; only alpha is kept within 0..full."""
        (light,) = _strided(self.light.parts(colour * alpha), centres)
        (cover,) = _strided(self.cover.parts(alpha), centres)
        light, cover = light.astype(np.float64), cover.astype(np.float64)
        unit = float(self.cover.unit)
        opacity = (cover * unit / float(self.total)).clip(0, self.full)
        visible = opacity > 1e-9 * self.full
        colours = np.where(visible, self._ratio(light, np.where(visible, cover, 1), tones), 0)
        return np.concatenate([colours, opacity], axis=2)


def share(cover: Array | None, alpha: Array | None) -> Array | float:
    """How much of a pixel's own chroma its result shows: as far as its own cover makes its alpha.

    Premultiplied chroma is c·a; over the alpha of the result it is c·a / alpha, never more than c.
    """
    if cover is None or alpha is None:
        return 1.0
    return np.asarray(np.minimum(cover / np.maximum(alpha, 1e-9), 1.0))


def blended(
    source: Array, cover: Array | None, result: Array, alpha: Array | None, amount: float
) -> tuple[Array, Array | None]:
    """So much of a result, the rest its source: premultiplied colour and alpha, divided back."""
    if cover is None or alpha is None:
        return source + amount * (result - source), alpha
    opacity = cover + amount * (alpha - cover)
    light = source * cover.astype(np.float64)
    light += amount * (result * alpha - light)
    visible = opacity > 1e-9
    return np.where(visible, light / np.where(visible, opacity, 1.0), 0.0), opacity
