"""Dense kernels on 8 bits in float32, and exactly where a rounding of float32 could decide.

Sums of float32 are twice as fast as those of float64, and off by at most a few 1e-4 of a gray
level. A value further than that from the next rounding border, and from the known minimum and
maximum, gives the right sample and statistics. The others, about one in two thousand, are computed
again from integers.
"""

import numpy as np

from convcli.geometry import Pair
from convcli.images.engines.column_products import ColumnProducts
from convcli.images.engines.correlate import Correlator, weight
from convcli.images.engines.quantize import NOTHING, IntensityMap, Statistics, combined
from convcli.images.engines.row_bands import Bands, Work, band_rows
from convcli.images.engines.shift_passes import Scratch, memory_order
from convcli.images.pixel_arrays import Stored, Values
from convcli.records import NamedTuple

SINGLE = np.dtype(np.float32)

NANOSECONDS_TO_SETTLE = 1.5
"""Nanoseconds per sample, like the prices of stencils."""

INF = float("inf")

MAX_SLACK = 2.0**-9
"""The largest slack, in gray levels. With more, too many samples are in doubt."""


class Settled(NamedTuple):
    """A kernel of one matrix, whose exact sums need more than the 24 bits of float32."""

    exact: Correlator
    rough: ColumnProducts
    total: int
    """Σ |x · w| is at most this."""

    @classmethod
    def of(
        cls, exact: Correlator, intensity: IntensityMap, full: int, stride: Pair
    ) -> "Settled | None":
        """The engine of a kernel that has an exact one; None where it is refused or slower."""
        kernel = exact.kernel
        if len(kernel.parts) != 1 or not kernel.exact or stride != (1, 1):
            return None
        (part,) = kernel.parts
        rough = ColumnProducts.of(part.matrix, SINGLE)
        engine = cls(exact, rough, full * weight(part.factors))
        if rough.nanoseconds + NANOSECONDS_TO_SETTLE >= exact.stencils[0].nanoseconds:
            return None
        fits = engine.total < 2**53 and engine.slack(intensity, full) < MAX_SLACK
        return engine if fits else None

    @property
    def text(self) -> str:
        """How it is computed, for people."""
        return f"{self.rough.text}, exact where rounding decides"

    def slack(self, intensity: IntensityMap, full: int) -> float:
        """How far a value in float32 may be from the true one, in samples.

        A term is rounded as a tap, with each sum down and across, and as a sample four times, each
        time by ε/2 = 2⁻²⁴ (Higham 2002, §3.1: (1 + ε/2)ⁿ − 1 is at most 1.01 n ε/2).
        """
        largest = self.total * abs(float(self.exact.unit * intensity.gain))
        roundings = sum(self.exact.shape) + 6
        return 1.01 * roundings * 2.0**-24 * (largest + abs(float(intensity.offset)) + 1)

    def work(self, bands: Bands, intensity: IntensityMap, full: int, threads: int) -> Work:
        """Samples without transparency, exactly."""
        step, exactly, _ = self.exact.work(bands, intensity, full, threads)
        quantizer, slack = self.exact.quantizer(intensity, full), self.slack(intensity, full)
        rows, columns = self.exact.shape
        cells, channels = bands.width * bands.pixels.shape[2], bands.pixels.shape[2]
        steps = np.add.outer(np.arange(rows) * cells, np.arange(columns) * channels).reshape(-1)
        rough = self.rough.times(quantizer.gain)
        count = band_rows(cells, bands.size[0], SINGLE.itemsize, rows, threads)
        taps = self.exact.kernel.parts[0].matrix.reshape(-1).astype(np.float64)

        def run(top: int, bottom: int, out: Stored, scratch: Scratch) -> Statistics:
            first, last = bands.span(0, count)
            buffer = scratch.array("extended", (last - first) * cells, SINGLE)
            band = bands.read(top, bottom, SINGLE, buffer)
            values = rough.run(band, scratch, "rough")
            if quantizer.absolute:
                np.abs(values, out=values)
            np.add(values, np.float32(quantizer.offset + 0.5 + slack), out=values)
            ends = float(values.min()), float(values.max())
            doubtful = _doubtful(values, ends, 2 * slack, scratch)
            if len(doubtful[0]) * taps.size > values.size:  # a flat band
                total = NOTHING
                for begin in range(top, bottom, step):
                    end = min(begin + step, bottom)
                    part = exactly(begin, end, out[begin - top : end - top], scratch)
                    total = combined(total, part)
                return total
            r, w, c = doubtful
            windows = (r * cells + w * channels + c)[:, np.newaxis] + steps
            true = band.reshape(-1)[windows].astype(np.float64) @ taps
            settled, known = quantizer.samples(true)
            values[doubtful] = full / 2  # not clipped
            true_ends = [end - 0.5 for end in ends]
            others = quantizer.stored(values, [], true_ends, out, scratch)[1]
            out[doubtful] = settled
            total = Statistics(INF, -INF, known.clipped + others.clipped, values.size)
            if not len(r):
                return total
            low, high = scratch.ends
            scratch.ends = min(low, known.minimum), max(high, known.maximum)
            return total._replace(minimum=known.minimum, maximum=known.maximum)

        return Work(count, run)


def _doubtful(
    values: Values, ends: tuple[float, float], slack: float, scratch: Scratch
) -> tuple[Values, ...]:
    """Where values are just above an integer, or may exceed the exact minimum or maximum."""
    axes = memory_order(values)
    values = values.transpose(axes)
    rest, mask = scratch.like("rest", values, SINGLE), scratch.like("doubtful", values, np.bool_)
    np.floor(values, out=rest)
    np.subtract(values, rest, out=rest)
    np.less_equal(rest, np.float32(slack), out=mask)
    (minimum, maximum), (low, high) = ends, scratch.ends
    if minimum - slack < low + 0.5:
        mask |= values <= np.float32(minimum + slack)
    if maximum > high + 0.5:
        mask |= values >= np.float32(maximum - slack)
    places = np.unravel_index(np.flatnonzero(mask), mask.shape)
    return tuple(places[axes.index(axis)] for axis in range(values.ndim))
