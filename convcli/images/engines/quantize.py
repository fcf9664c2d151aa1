"""From responses to samples: rounded half up, clipped, exact for integer responses.

Everything that does not depend on the responses is computed once: a band takes a millisecond, as
long as a few dozen operations on fractions.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import sqrt
from typing import Any, TypeAlias

import numpy as np

from convcli.images.engines.shift_passes import Scratch
from convcli.images.pixel_arrays import Stored, Values
from convcli.records import NamedTuple

Step: TypeAlias = tuple[np.ufunc, int]
"""An operation with an integer."""


class IntensityMap(NamedTuple):
    """How responses become samples: |response| or response, times a gain, plus an offset.

    `square` is the square of the gain of magnitudes, which may be no fraction itself.
    """

    absolute: bool
    gain: Fraction
    offset: Fraction = Fraction(0)
    square: Fraction = Fraction(1)


class Statistics(NamedTuple):
    """The true minimum and maximum before rounding, and how many samples were clipped.

    Where a range rescales (signed, stretch, pct), they describe the responses before that. Where
    every pixel is transparent, the minimum is above the maximum.
    """

    minimum: float
    maximum: float
    clipped: int
    samples: int
    flat: bool = False
    """Whether there was nothing to stretch, so that values stayed as they are."""

    @property
    def text(self) -> str:
        if not self.samples:
            return "no samples"
        if self.minimum > self.maximum:
            return "all is transparent"
        share = f"{self.clipped:,} of {self.samples:,} samples clipped"
        same = "; nothing to stretch, values stay as they are" if self.flat else ""
        return f"values {_short(self.minimum)} to {_short(self.maximum)}, {share}{same}"

    def described(self, faint: float) -> str:
        """The same; for differences below `faint` also the `--range` that shows them."""
        if self.minimum < self.maximum <= 0 < faint:
            return f"{self.text}; all black, --range abs or signed shows values below 0"
        shows = "; nearly black, --range stretch shows more" if 0 < self.maximum < faint else ""
        return self.text + shows

    def record(self) -> dict[str, object]:
        """The same as data; no values where nothing is visible."""
        some = self.minimum <= self.maximum
        minimum, maximum = (self.minimum, self.maximum) if some else (None, None)
        return {
            "minimum": minimum,
            "maximum": maximum,
            "least": minimum,  # the older names of both
            "most": maximum,
            "clipped": self.clipped,
            "samples": self.samples,
        }


def _short(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"


NOTHING = Statistics(float("inf"), float("-inf"), 0, 0)


def combined(first: Statistics, second: Statistics) -> Statistics:
    """The statistics of two pieces of one picture."""
    return Statistics(
        min(first.minimum, second.minimum),
        max(first.maximum, second.maximum),
        first.clipped + second.clipped,
        first.samples + second.samples,
        first.flat or second.flat,
    )


class Quantizer:
    """Samples 0..full from responses of at most ±`bound` times a scale, through an intensity map.

    Responses are integers, in a dtype of integers or in floats, unless they are `fractional`.
    Responses are overwritten, since fresh arrays would cost more than what is computed in them.
    Samples, uint8 or uint16, are written into `out` where that is given. Statistics are those of
    the true values.

    >>> quantizer = Quantizer(Fraction(1, 2), IntensityMap(False, Fraction(1)), 255, 1000)
    >>> samples, statistics = quantizer.samples(np.array([-3, 5, 600]))
    >>> samples.tolist(), statistics.text
    ([0, 3, 255], 'values -1.5 to 300, 2 of 3 samples clipped')
    """

    def __init__(
        self,
        scale: Fraction,
        intensity: IntensityMap,
        full: int,
        bound: int,
        fractional: bool = False,
    ) -> None:
        gain, offset = scale * intensity.gain, intensity.offset
        gain = abs(gain) if intensity.absolute else gain
        self.absolute, self.full, self.bound = intensity.absolute, full, bound
        self.gain, self.offset = float(gain), float(offset)
        self.square = float(scale * scale * intensity.square)
        self.fractional = fractional or bound >= 2**53
        """Whether floats are not exact integers."""

        # ⌊gain · R + offset + ½⌋ = ⌊(R · a + b) / d⌋
        common = gain.denominator * offset.denominator
        a, b, d = int(gain * common), int(offset * common), common
        if d % 2:
            a, b, d = 2 * a, 2 * b + d, 2 * d
        else:
            b += d // 2
        if gain.denominator == offset.denominator == 1:
            a, b, d = int(gain), int(offset), 1
        self.fraction = a, b, d
        self.largest = max(bound * abs(a) + abs(b), d)

    def samples(
        self, response: Values, out: Stored | None = None, scratch: Scratch | None = None
    ) -> tuple[Stored, Statistics]:
        """Samples from responses."""
        if self.absolute and response.dtype.kind != "u":
            np.abs(response, out=response)
        low, high = (float(response.min()), float(response.max())) if response.size else (0.0, 0.0)
        ends = sorted((self.gain * low + self.offset, self.gain * high + self.offset))
        if response.dtype.kind == "f" and self._in_floats(response.dtype):
            if self.gain != 1:
                np.multiply(response, response.dtype.type(self.gain), out=response)
            _, b, d = self.fraction
            half = self.offset + 0.5 if self.fractional else (b + 0.5) / d
            np.add(response, response.dtype.type(half), out=response)
            return self.stored(response, [], ends, out, scratch)
        return self.stored(*self._integers(response), ends, out, scratch)

    def of_squares(
        self, squares: Values, out: Stored | None = None, scratch: Scratch | None = None
    ) -> tuple[Stored, Statistics]:
        """Samples from sums of squares: √(Σ R² · scale² · gain²) + offset."""
        low, high = (squares.min(), squares.max()) if squares.size else (0, 0)
        ends = [sqrt(float(end) * self.square) + self.offset for end in (low, high)]
        if self.square != 1:
            np.multiply(squares, squares.dtype.type(self.square), out=squares)
        np.sqrt(squares, out=squares)
        np.add(squares, squares.dtype.type(self.offset + 0.5), out=squares)
        return self.stored(squares, [], ends, out, scratch)

    def _in_floats(self, dtype: np.dtype[Any]) -> bool:
        """Whether floats are rounded as floats: no integers, or integers where that is exact.

        (R · a + b) / d is a multiple of 1/d. Half a step higher it is at least 1/2d away from an
        integer, which four roundings of at most ε/2 · (largest / d + 1) each cannot cross.
        """
        return (
            self.fractional
            or 4 * float(np.finfo(dtype).eps) * (self.largest + self.fraction[2]) < 1
        )

    def _integers(self, response: Values) -> tuple[Values, list[Step]]:
        """Responses in the narrowest dtype for ⌊(R · a + b) / d⌋, and the steps to that."""
        a, b, d = self.fraction
        dtype = response.dtype
        if dtype.kind == "f" or (dtype.kind in "iu" and self.largest > np.iinfo(dtype).max):
            fits = (one for one in (np.int32, np.int64) if self.largest <= np.iinfo(one).max)
            dtype = np.dtype(next(fits, object))
        if dtype.kind == "u" and (a < 0 or b < 0):
            dtype = np.dtype(np.int32 if self.largest <= 2**31 - 1 else np.int64)
        if dtype.kind == "O" and response.dtype.kind == "f":
            response = response.astype(np.int64)
        steps: list[Step] = []
        if a != 1:
            steps.append((np.multiply, a))
        if b:
            steps.append((np.add, b))
        if d & (d - 1) == 0 and dtype.kind != "O":
            steps += [(np.right_shift, d.bit_length() - 1)] if d > 1 else []
        else:
            steps.append((np.floor_divide, d))
        return response if response.dtype == dtype else response.astype(dtype), steps

    def stored(
        self,
        values: Values,
        steps: list[Step],
        ends: list[float],
        out: Stored | None,
        scratch: Scratch | None,
    ) -> tuple[Stored, Statistics]:
        """Take the last steps, cut off fractions, clip and store; `ends` are the true values'.

        The last step writes samples itself, so that no wider copy is made.
        """
        low, high = ends
        full = self.full
        if out is None:
            out = np.empty(values.shape, np.uint8 if full == 255 else np.uint16)
        below, above = low < -0.5, high >= full + 0.5
        last = steps.pop() if steps and not (below or above) else None
        for step, operand in steps:
            step(values, operand, out=values)
        if last:
            step, operand = last
            step(values, operand, out=out, casting="unsafe")
            return out, Statistics(low, high, 0, values.size)
        clipped = 0
        if below or above:
            beyond = (scratch or Scratch()).like("beyond", values, np.bool_)
            if values.dtype.kind == "i":  # read without a sign, what is negative is large
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
                return out, Statistics(low, high, clipped, values.size)
            np.clip(values, 0, full, out=values)
        np.copyto(out, values, casting="unsafe")
        return out, Statistics(low, high, clipped, values.size)


def magnitudes(parts: Iterable[Values], count: int, bound: int, scratch: Scratch) -> Values:
    """Σ R² of integer responses, in float32 where sums are exact and their roots distinct."""
    dtype = np.float32 if bound * bound * count < 2**22 else np.float64
    total: Values | None = None
    for part in parts:
        square = scratch.like("total" if total is None else "square", part, dtype)
        np.copyto(square, part, casting="unsafe")
        np.multiply(square, square, out=square)
        total = square if total is None else np.add(total, square, out=total)
    assert total is not None
    return total
