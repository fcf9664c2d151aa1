"""One small kernel over every channel of a band: its parts computed exactly, and combined.

passes      sums of shifted copies            any kernel, cheap where taps are few or repeat
columns     a banded matrix, by BLAS          a dense matrix of integers
products    banded matrices, by BLAS          a long column and a long row
fourier     transforms                        a large matrix that is neither
"""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import reduce
from math import gcd, lcm, log2, sqrt
from operator import add, attrgetter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.conv.validate import EXACT_FLOAT
from convcli.geometry import Window, output_length
from convcli.images.engines.column_products import ColumnProducts
from convcli.images.engines.quantize import IntensityMap, Quantizer, Statistics, magnitudes
from convcli.images.engines.row_bands import Bands, FloatWork, Work, band_rows
from convcli.images.engines.shift_passes import Passes, Scratch, plan_passes
from convcli.images.engines.toeplitz import Product, products, transform
from convcli.images.kernels.kernel import Kernel, Matrix, Part, narrowed
from convcli.images.pixel_arrays import Stored, Values

MIN_NANOSECONDS = 3.4
"""Expected time per sample that products and transforms always exceed."""

MIN_TRANSFORMED = 64
"""Taps below which a transform never pays."""

EXACT_SINGLE = 2**24
"""Integers up to that are exact in float32."""

ACCUMULATORS = (np.uint16, np.int16, np.int32, np.int64)

Stencil: TypeAlias = Passes | ColumnProducts | Product
"""A matrix ready to run on bands."""


def stencil(
    factors: Sequence[Matrix],
    largest: int,
    signed: bool = False,
    floating: bool = False,
    cells: int = 2**20,
) -> Stencil:
    """The cheapest exact way to correlate values up to ±`largest` with a matrix, given as factors.

        y[h, w, c] = Σ_i Σ_j x[h + i, w + j, c] · k[i, j]        for each factor k in turn

    A separable matrix comes as a column and a row. Factors of integers are summed exactly, in the
    narrowest dtype that holds the sums, or in float64, which holds exact integers too. `signed`
    and `floating` describe the values; `cells` is the number of cells of a band, on which the
    rounding of Fourier transforms depends.

    >>> ramp = np.arange(12).reshape(3, 4, 1)
    >>> sobel = stencil([np.array([[1], [2], [1]]), np.array([[-1, 0, 1]])], 11)
    >>> sobel.run(ramp, Scratch(), "")[..., 0]
    array([[8, 8]], dtype=int16)
    """
    dtype = np.dtype(np.float64) if floating else accumulator(factors, largest, signed)
    passes = plan_passes(factors, dtype, largest, signed)
    if passes.nanoseconds < MIN_NANOSECONDS:
        return passes
    options: list[Stencil] = [passes]
    if dtype.kind == "f" or largest * weight(factors) <= EXACT_FLOAT:
        if _is_column_and_row(factors):
            options.append(products(*factors))
        if len(factors) == 1:
            (matrix,) = factors
            if dtype.kind in "iu":
                exact = np.float32 if largest * weight(factors) <= EXACT_SINGLE else np.float64
                options.append(ColumnProducts.of(matrix, exact))
            if matrix.size >= MIN_TRANSFORMED and _is_certain(matrix, largest, cells, dtype):
                options.append(transform(matrix))
    return min(options, key=lambda one: one.nanoseconds)


def _is_column_and_row(factors: Sequence[Matrix]) -> bool:
    if len(factors) != 2:
        return False
    column, row = factors
    return bool(column.shape[1] == 1 and row.shape[0] == 1)


def _is_certain(matrix: Matrix, largest: int, cells: int, dtype: np.dtype[Any]) -> bool:
    """Whether a transform's rounding stays below a quarter, so that the nearest integer is exact.

    Its error is at most about ε · log₂ n · ‖x‖ · ‖k‖ (Higham 2002, §24.1), here taken fourfold.
    """
    if dtype.kind == "f":
        return True
    if matrix.dtype.kind == "O":
        return False
    norm = sqrt(float((matrix.astype(np.float64) ** 2).sum()))
    return bool(4 * 2.0**-53 * log2(cells) * largest * sqrt(cells) * norm < 0.25)


def weight(factors: Sequence[Matrix]) -> int:
    """The largest possible gain: the product of the sums of |tap|."""
    bound = 1
    for factor in factors:
        if factor.dtype.kind == "f":
            return 1
        bound *= max(sum(abs(int(tap)) for tap in factor.flat), 1)
    return bound


def greatest(factors: Sequence[Matrix], largest: int, signed: bool = True) -> int:
    """The largest possible |response| to values up to `largest`, or of either sign up to that.

    For unsigned values positive and negative taps are bounded separately:

        p ← p·p' + n·n',   n ← p·n' + n·p'      for each factor's sums p' and n' of taps of a sign

    >>> greatest([np.array([[1], [2], [1]]), np.array([[-1, 0, 1]])], 255, signed=False)
    1020
    """
    if signed or any(factor.dtype.kind == "f" for factor in factors):
        return largest * weight(factors)
    plus, minus = 1, 0
    for factor in factors:
        taps = [int(tap) for tap in factor.flat]
        more, less = sum(tap for tap in taps if tap > 0), -sum(tap for tap in taps if tap < 0)
        plus, minus = plus * more + minus * less, plus * less + minus * more
    return largest * max(plus, minus, 1)


def accumulator(factors: Sequence[Matrix], largest: int, signed: bool = True) -> np.dtype[Any]:
    """The narrowest dtype that holds every sum of values up to ±`largest` exactly.

    Factors of floats are summed in float64; integers whose sums may exceed int64 are summed as
    Python's.

    >>> accumulator([np.array([[1, 2, 1]])], 255), accumulator([np.array([[1 << 40]])], 255)
    (dtype('int16'), dtype('int64'))
    """
    if any(factor.dtype.kind == "f" for factor in factors):
        return np.dtype(np.float64)
    bound = largest * weight(factors)
    signed = signed or any(int(tap) < 0 for factor in factors for tap in factor.flat)
    for dtype in ACCUMULATORS[signed:]:
        if bound <= np.iinfo(dtype).max:
            return np.dtype(dtype)
    return np.dtype(object)


class Correlator:
    """A kernel prepared for bands of values up to ±`largest`.

    Its responses are integers for integer values, times `unit`; none is beyond ±`bound`.
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
        self.kernel, self.floating, self.shape = kernel, floating, kernel.shape
        self.exact = kernel.exact
        """Whether responses to integers are integers."""
        scales = [part.scale for part in kernel.parts]
        shared = Fraction(
            gcd(*(scale.numerator for scale in scales)),
            lcm(*(scale.denominator for scale in scales)),
        )
        # of weights that are all 0 the unit may be anything
        self.unit = (-shared if scales[0] < 0 else shared) or Fraction(1)
        self.times = [int(scale / self.unit) for scale in scales]
        bounds = [greatest(part.factors, largest, signed or floating) for part in kernel.parts]
        products = [abs(times) * bound for times, bound in zip(self.times, bounds, strict=True)]
        self.bound = sum(products) if kernel.combine == "sum" else max(products)
        self.shapes = [part.shape for part in kernel.parts]
        self.stencils = [
            stencil(part.factors, largest, signed, floating, cells) for part in kernel.parts
        ]
        # squares of magnitudes are kept beside the accumulators, twice as wide
        self.itemsize = max(map(attrgetter("dtype.itemsize"), self.stencils))
        self.itemsize *= 2 if kernel.combine == "magnitude" else 1
        firsts = set(map(attrgetter("band_dtype"), self.stencils))
        self.dtype = firsts.pop() if len(firsts) == 1 else None
        """The dtype of bands, where all parts begin in one; None where any dtype works."""

    @property
    def text(self) -> str:
        """How each part is computed, for people."""
        return ", ".join(dict.fromkeys(one.text for one in self.stencils))

    def work(self, bands: Bands, intensity: IntensityMap, full: int, threads: int) -> Work:
        """Samples without transparency, exactly."""
        quantizer = self.quantizer(intensity, full)
        cells = bands.width * bands.pixels.shape[2]
        dtype = self.dtype or bands.pixels.dtype
        read = self.shape[0] if self.dtype is not None else 4 * self.shape[0]
        stride = bands.window.stride
        rows = band_rows(cells * stride[0], bands.size[0], self.itemsize, read, threads)
        size = bands.window.axes[0].span(rows) * cells

        def run(top: int, bottom: int, out: Stored, scratch: Scratch) -> Statistics:
            band = bands.read(top, bottom, dtype, scratch.array("extended", size, dtype))
            parts = self.parts(band, scratch)
            responses = parts if stride == (1, 1) else map(bands.strided, parts)
            return self.samples(responses, quantizer, scratch, out)[1]

        return Work(rows, run)

    def float_work(self, bands: Bands, intensity: IntensityMap, threads: int) -> FloatWork:
        """Responses without transparency, as float64, nothing rounded."""
        dtype = self.dtype or bands.pixels.dtype
        cells = bands.width * bands.pixels.shape[2] * bands.window.stride[0]

        def run(top: int, bottom: int) -> Values:
            parts = self.parts(bands.read(top, bottom, dtype))
            return self.values([bands.strided(one) for one in parts], intensity)

        return FloatWork(band_rows(cells, bands.size[0], 8, 2 * self.shape[0], threads), run)

    def parts(self, band: Values, scratch: Scratch | None = None) -> Iterator[Values]:
        """The response of each part, or of their sum, to a band (h, w, c): integers, times `unit`.

        They may be views of the scratch, or of the band, and may be overwritten. With a scratch,
        the parts of a magnitude share one array in turn, so that a band stays in a core's cache:
        use each before the next.
        """
        responses = self._parts(band, scratch)
        if self.kernel.combine == "sum":
            yield reduce(add, responses)
        else:
            yield from responses

    def _parts(self, band: Values, scratch: Scratch | None) -> Iterator[Values]:
        rows, columns = map(output_length, band.shape[:2], map(Window, self.shape))
        for number, (one, shape) in enumerate(zip(self.stencils, self.shapes, strict=True)):
            # the anchors of all parts meet
            top, left = ((self.shape[k] - 1) // 2 - (shape[k] - 1) // 2 for k in (0, 1))
            bottom, right = top + Window(shape[0]).span(rows), left + Window(shape[1]).span(columns)
            name = f"part {number}" if self.kernel.combine == "maximum" else "part"
            response = one.run(band[top:bottom, left:right], scratch or Scratch(), name)
            as_it_is = self.times[number] == 1 and self.kernel.combine != "sum"
            yield response if as_it_is else self._times(response, self.times[number])

    def _times(self, response: Values, times: int) -> Values:
        """A response times an integer, in a dtype that holds the sum of all parts."""
        fractions = self.floating or not self.exact
        if response.dtype.kind == "f" and (fractions or self.bound < 2**53):
            return response.astype(np.float64, copy=False) * float(times)
        fits = next((one for one in ACCUMULATORS[1:] if self.bound <= np.iinfo(one).max), object)
        if fits is object and response.dtype.kind == "f":
            response = response.astype(np.int64)  # whole, but Python's floats would not stay so
        return response.astype(fits) * times

    def quantizer(self, intensity: IntensityMap, full: int) -> Quantizer:
        """How the responses become samples 0..full."""
        return Quantizer(self.unit, intensity, full, self.bound, fractional=not self.exact)

    def samples(
        self,
        responses: Iterable[Values],
        quantizer: Quantizer,
        scratch: Scratch | None = None,
        out: Stored | None = None,
    ) -> tuple[Stored, Statistics]:
        """Samples from the responses of the parts, and statistics of the true values."""
        if self.kernel.combine == "magnitude":
            squares = magnitudes(
                responses, len(self.stencils), quantizer.bound, scratch or Scratch()
            )
            return quantizer.of_squares(squares, out, scratch)
        response, *others = responses
        for other in others:  # the maximum
            np.maximum(response, other, out=response)
        return quantizer.samples(response, out, scratch)

    def values(self, responses: list[Values], intensity: IntensityMap) -> NDArray[np.float64]:
        """Responses as float64 in the units of samples: gain and offset applied, nothing cut."""
        if self.kernel.combine == "magnitude":
            squares = sum(np.square(one.astype(np.float64)) for one in responses)
            root = np.sqrt(squares * float(self.unit * self.unit * intensity.square))
            return np.asarray(root + float(intensity.offset))
        response = responses[0]
        for other in responses[1:]:
            response = np.maximum(response, other)
        values = response.astype(np.float64) * float(self.unit * intensity.gain)
        if intensity.absolute:
            values = np.abs(values)
        return values + float(intensity.offset)


def _in_digits(kernel: Kernel, largest: int, signed: bool) -> Kernel:
    """A kernel of one matrix whose sums exceed 64 bits, as a sum of matrices that fit.

        Σ x·w = Σₖ 2^(s·k) · Σ x·wₖ        where w = Σₖ 2^(s·k) · wₖ, each wₖ of s bits

    so that Python's integers are used once per digit and sample, not once per tap.
    """
    if len(kernel.parts) != 1 or not kernel.exact:
        return kernel
    (part,) = kernel.parts
    if accumulator(part.factors, largest, signed).kind != "O":
        return kernel
    taps = part.matrix.astype(object)
    shift = 62 - largest.bit_length() - taps.size.bit_length()
    longest = max(int(tap).bit_length() for tap in taps.flat)
    digits = []
    for low in range(0, longest, shift):
        digit = np.sign(taps) * ((np.abs(taps) >> low) & ((1 << shift) - 1))
        digits.append(Part((narrowed(digit),), part.scale * (1 << low)))
    return kernel._replace(parts=tuple(digits), combine="sum")
