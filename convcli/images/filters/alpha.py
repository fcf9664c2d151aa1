"""Transparency: invisible pixels have no influence, and opaque pixels stay opaque.

A kernel with a sum blurs or sharpens premultiplied color and alpha, and divides back (Porter &
Duff 1984 for why); a zero-sum kernel filters color and keeps alpha. Either way the color
of a fully transparent pixel has no influence. Beyond a constant border the picture is opaque.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from convcli.borders import Border
from convcli.images.engines.correlate import Correlator
from convcli.images.engines.quantize import NOTHING, IntensityMap, Quantizer, Statistics
from convcli.images.engines.row_bands import Bands, FloatWork, Work
from convcli.images.engines.shift_passes import Scratch
from convcli.images.kernels.kernel import Kernel
from convcli.images.pixel_arrays import Samples, Stored, Values

Centers: TypeAlias = tuple[slice, slice]
"""The rows and columns of a band whose own samples stand where those of the result do."""


Reader: TypeAlias = Callable[[int, int], tuple[Values, Values, Centers]]
"""The first output row and the one after the last → color, alpha, where their own stand."""


def _rows(bands: Bands) -> int:
    return max(16, 2 * bands.window.shape[0])


class AlphaEngine(ABC):
    """A kernel on color and alpha: the responses of color times alpha, and of alpha.

    `floating` samples are floats of either sign.
    """

    def __init__(self, kernel: Kernel, full: int, floating: bool = False) -> None:
        self.full, self.total = full, kernel.sum
        self.light = Correlator(kernel, full * full, floating, floating)
        self.coverage = Correlator(kernel, full, floating, floating)
        self.bound = 2 * max(self.light.bound, full * self.coverage.bound)

    @property
    def text(self) -> str:
        """How it is computed, for people."""
        return f"{self.light.text}, of color times alpha"

    def work(self, bands: Bands, intensity: IntensityMap, full: int, threads: int) -> Work:
        """Samples of color and alpha, exactly."""
        read, rows = self._reader(bands, np.int64), _rows(bands)
        quantizer = self._quantizer(intensity)

        def run(top: int, bottom: int, out: Stored, scratch: Scratch) -> Statistics:
            return self._samples(*read(top, bottom), intensity, quantizer, out)

        return Work(rows, run)

    def float_work(self, bands: Bands, intensity: IntensityMap, threads: int) -> FloatWork:
        """Responses of color beside those of alpha, as float64, nothing rounded."""
        read = self._reader(bands, np.float64)

        def run(top: int, bottom: int) -> Values:
            return np.concatenate(self._values(*read(top, bottom), intensity), axis=2)

        return FloatWork(_rows(bands), run)

    def _reader(self, bands: Bands, dtype: DTypeLike) -> Reader:
        """What reads the color and the alpha that output rows are computed from."""
        window = bands.window
        if window.border.name in ("zero", "constant"):
            window = window._replace(border=Border("constant", self.full))
        alpha_bands = Bands(bands.pixels, window)

        def read(top: int, bottom: int) -> tuple[Values, Values, Centers]:
            color = bands.read(top, bottom, dtype, None, slice(0, -1))
            alpha = alpha_bands.read(top, bottom, dtype, None, slice(-1, None))
            return color, alpha, bands.centers(color)

        return read

    @abstractmethod
    def _quantizer(self, intensity: IntensityMap) -> Quantizer:
        """How differences, or the responses of alpha, become samples."""

    @abstractmethod
    def _samples(
        self,
        color: Values,
        alpha: Values,
        centers: Centers,
        intensity: IntensityMap,
        quantizer: Quantizer,
        out: Stored,
    ) -> Statistics:
        """Write samples (h, w, c + 1) into `out`."""

    @abstractmethod
    def _values(
        self, color: Values, alpha: Values, centers: Centers, intensity: IntensityMap
    ) -> tuple[Values, Values]:
        """Responses (h, w, c) and alpha (h, w, 1) as float64."""


class ConstantAlpha(AlphaEngine):
    """Σ w·a·(x − x₀) / full: a neighbor counts as much as it is opaque, against the center."""

    def _quantizer(self, intensity: IntensityMap) -> Quantizer:
        over_full, fractional = self._over_full(intensity), not self.light.exact
        return Quantizer(self.light.unit, over_full, self.full, self.bound, fractional)

    def _samples(
        self,
        color: Values,
        alpha: Values,
        centers: Centers,
        intensity: IntensityMap,
        quantizer: Quantizer,
        out: Stored,
    ) -> Statistics:
        """Samples are 0 where nothing is visible; the statistics are those of what is."""
        responses, center = self._differences(color, alpha, centers), alpha[centers]
        visible = center[..., 0] > 0
        hidden = int(visible.size - np.count_nonzero(visible))
        colors, out[..., -1:] = out[..., :-1], center
        if hidden == visible.size:
            colors[...] = 0
            return NOTHING._replace(samples=colors.size)
        # what is hidden is counted as one pixel that is visible, and taken off again
        row, column = np.unravel_index(int(visible.argmax()), visible.shape)
        sample: list[Values] = []
        for response in responses if hidden else ():
            sample.append(response[row : row + 1, column : column + 1].copy())
            response[~visible] = sample[-1][0, 0]
        colors[...], statistics = self.light.samples(responses, quantizer)
        if not hidden:
            return statistics
        colors[~visible] = 0
        more = hidden * self.light.samples(sample, quantizer)[1].clipped
        return statistics._replace(clipped=statistics.clipped - more)

    def _values(
        self, color: Values, alpha: Values, centers: Centers, intensity: IntensityMap
    ) -> tuple[Values, Values]:
        responses = self._differences(color, alpha, centers)
        return self.light.values(responses, self._over_full(intensity)), alpha[centers]

    def _over_full(self, intensity: IntensityMap) -> IntensityMap:
        square = intensity.square / self.full**2
        return intensity._replace(gain=intensity.gain / self.full, square=square)

    def _differences(self, color: Values, alpha: Values, centers: Centers) -> list[Values]:
        center = _wide(color[centers], self.bound)
        light = _strided(self.light.parts(color * alpha), centers)
        coverage = _strided(self.coverage.parts(alpha), centers)
        differences = []
        for one, other in zip(light, coverage, strict=True):
            differences.append(_wide(one, self.bound) - center * _wide(other, self.bound))
        return differences


class PremultipliedAlpha(AlphaEngine):
    """Color (Σ w·a·x / Σ w·a) · Σ w, alpha Σ w·a / Σ w: what is opaque stays opaque."""

    def _quantizer(self, intensity: IntensityMap) -> Quantizer:
        unit = self.coverage.unit / self.total
        plain, fractional = IntensityMap(False, unit / unit), not self.coverage.exact
        return Quantizer(unit, plain, self.full, self.coverage.bound, fractional)

    def _samples(
        self,
        color: Values,
        alpha: Values,
        centers: Centers,
        intensity: IntensityMap,
        quantizer: Quantizer,
        out: Stored,
    ) -> Statistics:
        (light,) = _strided(self.light.parts(color * alpha), centers)
        (coverage,) = _strided(self.coverage.parts(alpha), centers)
        opacity, _ = quantizer.samples(coverage.copy())
        visible = (opacity > 0) & (coverage != 0)
        divisor = np.where(visible, coverage, 1)
        if self.light.exact:
            doubled, values = self._exact_ratio(light, divisor, intensity)
        else:
            values = self._ratio(light, divisor, intensity)
            doubled = np.floor(2 * values)
        opaque = np.where(visible, values.astype(np.float64), np.nan)
        # round half up of v: ⌊(⌊2v⌋ + 1) / 2⌋
        rounded = np.where(visible, (doubled + 1) // 2, 0)
        out[..., :-1], out[..., -1:] = np.clip(rounded, 0, self.full), opacity
        ends = NOTHING.minimum, NOTHING.maximum
        if visible.any():
            ends = float(np.nanmin(opaque)), float(np.nanmax(opaque))
        clipped = int(np.count_nonzero(rounded < 0) + np.count_nonzero(rounded > self.full))
        return Statistics(*ends, clipped, rounded.size)

    def _exact_ratio(
        self, light: Values, divisor: Values, intensity: IntensityMap
    ) -> tuple[Values, Values]:
        """⌊2v⌋ of the true values v, and v as floats, in integers as wide as they have to be."""
        gain, offset = self.total * intensity.gain, intensity.offset
        factor = 2 * gain.numerator * offset.denominator
        added = 2 * offset.numerator * gain.denominator
        common = gain.denominator * offset.denominator
        largest = self.light.bound * abs(factor) + self.coverage.bound * (abs(added) + common)
        dtype = np.int64 if largest < 2**62 else object
        light, divisor = (_integers(values).astype(dtype) for values in (light, divisor))
        # a negative sum turns both around
        sign = np.where(divisor < 0, -1, 1).astype(dtype)
        raised = np.abs(light * factor) if intensity.absolute else light * factor * sign
        raised = raised + np.abs(divisor) * added
        shares = np.abs(divisor) * common
        return raised // shares, raised / shares / 2

    def _ratio(self, light: Values, divisor: Values, intensity: IntensityMap) -> Values:
        ratio = light * float(self.total * intensity.gain) / divisor
        if intensity.absolute:
            ratio = np.abs(ratio)
        return np.asarray(ratio + float(intensity.offset))

    def _values(
        self, color: Values, alpha: Values, centers: Centers, intensity: IntensityMap
    ) -> tuple[Values, Values]:
        """Only alpha is kept within 0..full."""
        (light,) = _strided(self.light.parts(color * alpha), centers)
        (coverage,) = _strided(self.coverage.parts(alpha), centers)
        light, coverage = light.astype(np.float64), coverage.astype(np.float64)
        opacity = (coverage * float(self.coverage.unit) / float(self.total)).clip(0, self.full)
        visible = opacity > 1e-9 * self.full
        divisor = np.where(visible, coverage, 1)
        return np.where(visible, self._ratio(light, divisor, intensity), 0), opacity


def _strided(parts: Iterable[Values], centers: Centers) -> list[Values]:
    """The responses at the positions where the window stops."""
    steps = tuple(slice(None, None, one.step) for one in centers)
    return [part[steps] for part in parts]


def _integers(values: Values) -> Values:
    """Integer responses as integers: where an engine has them in float64 they fit 64 bits."""
    return values.astype(np.int64) if values.dtype.kind == "f" else values


def _wide(values: Values, bound: int) -> Values:
    """Integers in a dtype that holds ±bound; float64 stays: it is exact, or floats throughout."""
    if values.dtype == np.float64:
        return values
    return values.astype(np.int64 if bound < 2**63 else object)


def chroma_share(coverage: Samples | None, alpha: Samples | None) -> Values | float:
    """The share of a pixel's own chroma in its result: its own alpha over that of the result.

    Premultiplied chroma is c·a; over the alpha of the result it is c·a / alpha, never more than c.
    """
    if coverage is None or alpha is None:
        return 1.0
    return np.asarray(np.minimum(coverage / np.maximum(alpha, 1e-9), 1.0))


def mixed(
    source: Values,
    coverage: Values | None,
    result: Values,
    alpha: Values | None,
    amount: float | Values,
) -> tuple[Values, Values | None]:
    """A blend of a result and its source: premultiplied color and alpha, divided back."""
    if coverage is None or alpha is None:
        return source + amount * (result - source), alpha
    opacity = coverage + amount * (alpha - coverage)
    light = source * coverage.astype(np.float64)
    light += amount * (result * alpha - light)
    visible = opacity > 1e-9
    return np.where(visible, light / np.where(visible, opacity, 1.0), 0.0), opacity
