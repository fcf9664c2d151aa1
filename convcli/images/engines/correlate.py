"""The responses of a kernel to a band: its parts computed, in whole numbers, and combined."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import reduce
from math import gcd, lcm
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.geometry import Window, output_length
from convcli.images.engines.planner import LANES, Stencil, greatest, lane, run, stencil
from convcli.images.engines.quantize import Rounding, Statistics, Tone, magnitudes
from convcli.images.engines.shift_passes import Scratch
from convcli.images.kernels.factor import narrowed, separated
from convcli.images.kernels.kernel import Kernel, Part

Array = NDArray[Any]


class Responder:
    """A kernel ready to meet bands of values up to ±`largest`.

    Its responses are whole numbers for whole values, times `unit`; none is beyond ±`bound`.
    """

    def __init__(
        self,
        kernel: Kernel,
        largest: int,
        signed: bool = False,
        floating: bool = False,
        cells: int = 2**20,
    ) -> None:
        kernel = kernel if floating else _in_digits(kernel, largest, signed)
        self.kernel, self.floating = kernel, floating
        self.plans: list[Stencil] = [
            stencil(part.factors, largest, signed, floating, cells) for part in kernel.parts
        ]
        scales = [part.scale for part in kernel.parts]
        shared = Fraction(
            gcd(*(one.numerator for one in scales)), lcm(*(one.denominator for one in scales))
        )
        # of weights that are all 0 the unit may be anything
        self.unit = (-shared if scales[0] < 0 else shared) or Fraction(1)
        self.times = [int(scale / self.unit) for scale in scales]
        bounds = [greatest(p.factors, largest, signed or floating) for p in kernel.parts]
        both = [abs(times) * bound for times, bound in zip(self.times, bounds, strict=True)]
        self.bound = sum(both) if kernel.combine == "sum" else max(both)
        self.shape = kernel.shape
        shapes = [part.shape for part in kernel.parts]
        self.offsets = [
            tuple(
                (whole - 1) // 2 - (side - 1) // 2
                for whole, side in zip(self.shape, shape, strict=True)
            )
            for shape in shapes
        ]
        lanes = {plan.stages[0][0] for plan in self.plans if plan.engine == "passes"}
        self.lane = (
            lanes.pop()
            if len(lanes) == 1 and all(plan.engine == "passes" for plan in self.plans)
            else None
        )

    @property
    def engines(self) -> str:
        """How each part is computed, in words."""
        words = [
            f"{plan.engine} in {plan.dtype.name}"
            + (f" ({plan.calls} a sample)" if plan.stages else "")
            for plan in self.plans
        ]
        return ", ".join(dict.fromkeys(words))

    def parts(self, band: Array, scratch: Scratch | None = None) -> Iterator[Array]:
        """The response of each part, or of their sum, to a band (h, w, c): whole, times `unit`.

        They may be views of the scratch, or of the band, and may be overwritten. With a scratch
        those of a magnitude take the same place one after another, so that all that a band is
        made into stays in a core's cache: use each before the next.
        """
        found = self._parts(band, scratch)
        if self.kernel.combine == "sum":
            yield reduce(add, found)
        else:
            yield from found

    def _parts(self, band: Array, scratch: Scratch | None) -> Iterator[Array]:
        rows, columns = map(output_length, band.shape[:2], map(Window, self.shape))
        for place, (plan, (top, left)) in enumerate(zip(self.plans, self.offsets, strict=True)):
            tall, wide = plan.shape
            bottom, right = top + Window(tall).span(rows), left + Window(wide).span(columns)
            part = band[top:bottom, left:right]
            name = f"part {place}" if self.kernel.combine == "maximum" else "part"
            yield self._times(run(plan, part, scratch, name), self.times[place])

    def _times(self, response: Array, times: int) -> Array:
        """A response times a whole number, in a type that holds the sum of all parts."""
        if times == 1 and self.kernel.combine != "sum":
            return response
        fractions = self.floating or not self.kernel.exact
        if response.dtype.kind == "f" and (fractions or self.bound < 2**53):
            return response * float(times)
        fits = next((one for one in LANES[1:] if self.bound <= np.iinfo(one).max), object)
        if fits is object and response.dtype.kind == "f":
            response = response.astype(np.int64)  # whole, but Python's floats would not stay so
        return response.astype(fits) * times

    def rounding(self, tones: Tone, full: int, bound: int | None = None) -> Rounding:
        """How the responses become samples 0..full."""
        return Rounding(self.unit, tones, full, self.bound if bound is None else bound)

    def samples(
        self,
        found: Iterable[Array],
        rounding: Rounding,
        scratch: Scratch | None = None,
        out: Array | None = None,
    ) -> tuple[Array, Statistics]:
        """Samples from the responses of the parts, and statistics of the true values."""
        if self.kernel.combine == "magnitude":
            squares = magnitudes(found, len(self.plans), rounding.bound, scratch or Scratch())
            return rounding.of_squares(squares, out, scratch)
        response, *others = found
        for other in others:  # the maximum
            np.maximum(response, other, out=response)
        return rounding.samples(response, out, scratch)

    def values(self, found: list[Array], tones: Tone) -> Array:
        """Responses as float64 in the units of samples: gain and offset applied, nothing cut."""
        if self.kernel.combine == "magnitude":
            squares = sum(np.square(one.astype(np.float64)) for one in found)
            root = np.sqrt(squares * float(self.unit * self.unit * tones.square))
            return np.asarray(root + float(tones.offset))
        response = found[0]
        for other in found[1:]:
            response = np.maximum(response, other)
        values = response.astype(np.float64) * float(self.unit * tones.gain)
        if tones.absolute:
            values = np.abs(values)
        return values + float(tones.offset)


def _in_digits(kernel: Kernel, largest: int, signed: bool) -> Kernel:
    """A kernel of one matrix whose sums 64 bits do not hold, as a sum of matrices that fit.

        Σ x·w = Σₖ 2^(s·k) · Σ x·wₖ        where w = Σₖ 2^(s·k) · wₖ, each wₖ of s bits

    so that Python's integers meet as many sums a sample as there are digits, and not every tap.
    """
    if len(kernel.parts) != 1 or not kernel.exact:
        return kernel
    (part,) = kernel.parts
    if lane(separated(part.factors), largest, signed).kind != "O":
        return kernel
    taps: Any = part.matrix.astype(object)
    shift = 62 - largest.bit_length() - taps.size.bit_length()
    longest = max(int(tap).bit_length() for tap in taps.flat)
    digits = []
    for low in range(0, longest, shift):
        digit = np.sign(taps) * ((np.abs(taps) >> low) & ((1 << shift) - 1))
        digits.append(Part((narrowed(digit),), part.scale * (1 << low)))
    return kernel._replace(parts=tuple(digits), combine="sum")
