"""From responses to samples: rounded half up, clipped, exact for whole responses.

Everything that does not depend on the responses is worked out once: a band is over in a
millisecond, as long as a few dozen operations on fractions.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.images.engines.shift_passes import Scratch

Array = NDArray[Any]
Step = tuple[Any, tuple[int, ...]]


class Tone(NamedTuple):
    """How responses become samples: |response| or response, times a gain, plus an offset.

    `square` is the square of the gain of magnitudes, which may be no fraction itself.
    """

    absolute: bool
    gain: Fraction
    offset: Fraction = Fraction(0)
    square: Fraction = Fraction(1)


class Statistics(NamedTuple):
    """The true least and greatest value before rounding, and how many samples were clipped.

    Where a range rescales (signed, stretch, pct) these are of the responses, before it does. Where
    nothing is seen, least is above most.
    """

    least: float
    most: float
    clipped: int
    samples: int
    flat: bool = False
    """Whether there was nothing to stretch, so that values stayed as they are."""

    @property
    def text(self) -> str:
        if not self.samples:
            return "no samples"
        if self.least > self.most:
            return "all is transparent"
        share = f"{self.clipped:,} of {self.samples:,} samples clipped"
        same = "; nothing to stretch, values stay as they are" if self.flat else ""
        return f"values {_short(self.least)} to {_short(self.most)}, {share}{same}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"


NOTHING = Statistics(float("inf"), float("-inf"), 0, 0)


def together(first: Statistics, second: Statistics) -> Statistics:
    """The statistics of two pieces of one picture."""
    return Statistics(
        min(first.least, second.least),
        max(first.most, second.most),
        first.clipped + second.clipped,
        first.samples + second.samples,
        first.flat or second.flat,
    )


class Rounding:
    """Samples 0..full from responses of at most ±`bound` times a scale, in a tone.

    Responses are overwritten, since fresh arrays would cost more than what is computed in them.
    Samples, uint8 or uint16, are written into `out` where that is given. Statistics are those of
    the true values.

    >>> rounding = Rounding(Fraction(1, 2), Tone(False, Fraction(1)), 255, 1000)
    >>> samples, statistics = rounding.samples(np.array([-3, 5, 600]))
    >>> samples.tolist(), statistics.text
    ([0, 3, 255], 'values -1.5 to 300, 2 of 3 samples clipped')
    """

    def __init__(self, scale: Fraction, tones: Tone, full: int, bound: int) -> None:
        gain = abs(scale * tones.gain) if tones.absolute else scale * tones.gain
        self.absolute, self.full, self.bound = tones.absolute, full, bound
        self.gain, self.offset = float(gain), float(tones.offset)
        self.square = float(scale * scale * tones.square)
        binary = gain.denominator & (gain.denominator - 1) == 0 and tones.offset.denominator <= 2
        self.in_floats = bound >= 2**53 or (binary and bound * 2 < 2**53)
        """Whether floats are rounded as floats: they are not exact, or stay so."""

        # ⌊gain · R + offset + ½⌋ = ⌊(R · a + b) / d⌋
        common = gain.denominator * tones.offset.denominator
        a, b, d = int(gain * common), int(tones.offset * common), common
        if d % 2:
            a, b, d = 2 * a, 2 * b + d, 2 * d
        else:
            b += d // 2
        if gain.denominator == tones.offset.denominator == 1:
            a, b, d = int(gain), int(tones.offset), 1
        self.fraction = a, b, d
        self.most = max(bound * abs(a) + abs(b), d)

    def samples(
        self, response: Array, out: Array | None = None, scratch: Scratch | None = None
    ) -> tuple[Array, Statistics]:
        """Samples from responses."""
        if self.absolute and response.dtype.kind != "u":
            np.abs(response, out=response)
        low, high = (float(response.min()), float(response.max())) if response.size else (0.0, 0.0)
        ends = sorted((self.gain * low + self.offset, self.gain * high + self.offset))
        if response.dtype.kind == "f" and self.in_floats:
            if self.gain != 1:
                np.multiply(response, response.dtype.type(self.gain), out=response)
            np.add(response, response.dtype.type(self.offset + 0.5), out=response)
            return self._stored(response, [], ends, out, scratch)
        return self._stored(*self._whole(response), ends, out, scratch)

    def of_squares(
        self, squares: Array, out: Array | None = None, scratch: Scratch | None = None
    ) -> tuple[Array, Statistics]:
        """Samples from sums of squares: √(Σ R² · scale² · gain²) + offset."""
        least, most = (squares.min(), squares.max()) if squares.size else (0, 0)
        ends = [sqrt(float(end) * self.square) + self.offset for end in (least, most)]
        if self.square != 1:
            np.multiply(squares, squares.dtype.type(self.square), out=squares)
        np.sqrt(squares, out=squares)
        np.add(squares, squares.dtype.type(self.offset + 0.5), out=squares)
        return self._stored(squares, [], ends, out, scratch)

    def _whole(self, response: Array) -> tuple[Array, list[Step]]:
        """Responses in the narrowest lane for ⌊(R · a + b) / d⌋, and the steps to that."""
        a, b, d = self.fraction
        wide = response.dtype
        if wide.kind == "f" or (wide.kind in "iu" and self.most > np.iinfo(wide).max):
            fits = (lane for lane in (np.int32, np.int64) if self.most <= np.iinfo(lane).max)
            wide = np.dtype(next(fits, object))
        if wide.kind == "u" and (a < 0 or b < 0):
            wide = np.dtype(np.int32 if self.most <= 2**31 - 1 else np.int64)
        if wide.kind == "O" and response.dtype.kind == "f":
            response = response.astype(np.int64)
        steps: list[Step] = []
        if a != 1:
            steps.append((np.multiply, (a,)))
        if b:
            steps.append((np.add, (b,)))
        if d & (d - 1) == 0 and wide.kind != "O":
            steps += [(np.right_shift, (d.bit_length() - 1,))] if d > 1 else []
        else:
            steps.append((np.floor_divide, (d,)))
        return response if response.dtype == wide else response.astype(wide), steps

    def _stored(
        self,
        values: Array,
        steps: list[Step],
        ends: list[float],
        out: Array | None,
        scratch: Scratch | None,
    ) -> tuple[Array, Statistics]:
        """Take the last steps, cut off fractions, clip and store; `ends` are the true values'.

        What comes last writes samples itself, so that no lanes are copied.
        """
        least, most = ends
        full = self.full
        if out is None:
            out = np.empty(values.shape, np.uint8 if full == 255 else np.uint16)
        below, above = least < -0.5, most >= full + 0.5
        last = steps.pop() if steps and not (below or above) else None
        for step, operands in steps:
            step(values, *operands, out=values)
        if last:
            last[0](values, *last[1], out=out, casting="unsafe")
            return out, Statistics(least, most, 0, values.size)
        clipped = 0
        if below or above:
            beyond = (scratch or Scratch()).like("beyond", values, np.bool_)
            if values.dtype.kind == "i":  # seen without a sign, what is negative is large
                np.greater(values.view(f"u{values.itemsize}"), full, out=beyond)
                clipped = int(np.count_nonzero(beyond))
            else:
                if above:
                    np.greater_equal(values, full + 1, out=beyond)
                    clipped += int(np.count_nonzero(beyond))
                if below:
                    np.less(values, 0, out=beyond)
                    clipped += int(np.count_nonzero(beyond))
            if values.dtype.itemsize < 4:
                np.clip(values, 0, full, out=out, casting="unsafe")
                return out, Statistics(least, most, clipped, values.size)
            np.clip(values, 0, full, out=values)
        np.copyto(out, values, casting="unsafe")
        return out, Statistics(least, most, clipped, values.size)


def magnitudes(parts: Iterable[Array], count: int, bound: int, scratch: Scratch) -> Array:
    """Σ R² of whole responses, in float32 where every sum is exact and its root well apart."""
    dtype = np.float32 if bound * bound * count < 2**22 else np.float64
    for place, part in enumerate(parts):
        into = scratch.like("square" if place else "total", part, dtype)
        if not place:
            total = into
        np.copyto(into, part, casting="unsafe")
        np.multiply(into, into, out=into)
        if place:
            np.add(total, into, out=total)
    return total
