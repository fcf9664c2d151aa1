"""The door for pictures: one small kernel over every channel, exact in integers."""

from collections.abc import Sequence
from math import log2, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.conv.validate import EXACT_FLOAT
from convcli.images.engines.shift_passes import Pass, Scratch, passes_of, run_passes
from convcli.images.engines.toeplitz import fourier, separable
from convcli.images.kernels.factor import separated

Array = NDArray[Any]

LANES = (np.uint16, np.int16, np.int32, np.int64)

NANOSECONDS_A_BYTE = 0.065
"""One pass over a sample of a lane, per byte of the lane (one thread, bands in its cache)."""


Stage = tuple[Any, tuple[Pass, ...]]
"""A lane, and the passes that are computed in it."""


class Stencil(NamedTuple):
    """A kernel ready to run on bands: how it is computed, in which lanes, and from which factors.

    `engine` is "passes" (shifted sums), "products" (banded matrices) or "fourier"; `dtype` is the
    lane of the response.
    """

    engine: str
    dtype: Any
    factors: tuple[Array, ...]
    stages: tuple[Stage, ...]
    nanoseconds: float

    @property
    def calls(self) -> int:
        """Loops of NumPy over a band, without those from one lane to the next."""
        return sum(one.calls for _, passes in self.stages for one in passes)

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = zip(*(factor.shape for factor in self.factors), strict=True)
        return sum(rows) - len(rows) + 1, sum(columns) - len(columns) + 1


def stencil(
    factors: Sequence[Array],
    largest: int,
    signed: bool = False,
    floating: bool = False,
    size: int = 2**20,
) -> Stencil:
    """The cheapest exact way to correlate values up to ±`largest` with a kernel, given as factors.

        y[h, w, c] = Σ_i Σ_j x[h + i, w + j, c] · k[i, j]        for each factor k in turn

    A column and a row make a separable kernel. Factors of whole numbers are summed exactly, in the
    narrowest lane that holds the sums, or in float64, which holds exact integers too. `signed`
    and `floating` describe the values; `size` is the number of cells of a band, on which the
    rounding of Fourier transforms depends.

    >>> ramp = np.arange(12).reshape(3, 4, 1)
    >>> run(stencil([np.array([[1], [2], [1]]), np.array([[-1, 0, 1]])], 11), ramp)[..., 0]
    array([[8, 8]], dtype=int16)
    """
    factors = separated(factors)
    dtype = np.dtype(np.float64) if floating else lane(factors, largest, signed)
    stages = _stages(passes_of(factors), dtype, largest, signed)
    nanoseconds = sum(
        one.calls * (60 if each.kind == "O" else each.itemsize * NANOSECONDS_A_BYTE)
        for each, passes in stages
        for one in passes
    )
    options = [Stencil("passes", dtype, factors, stages, nanoseconds)]
    bound = largest * weight(factors)
    taps = sum(factor.size for factor in factors)
    if dtype.kind == "f" or bound <= EXACT_FLOAT:
        double = np.dtype(np.float64)
        if [min(factor.shape) for factor in factors] == [1, 1] and _turned(factors):
            cost = 4.0 + 0.035 * (taps + 64)
            options.append(Stencil("products", double, factors, (), cost))
        dense = 1
        for rows, columns in (factor.shape for factor in factors):
            dense *= rows * columns
        if dense >= 64 and len(factors) == 1 and _certain(factors[0], largest, size, dtype):
            options.append(Stencil("fourier", double, factors, (), 45.0))
    return min(options, key=lambda one: one.nanoseconds)


def _stages(
    passes: Sequence[Pass], dtype: np.dtype[Any], largest: int, signed: bool
) -> tuple[Stage, ...]:
    """The first passes in 16 bits, as long as their sums fit, and the others in the lane of all.

    >>> eight = [np.array([[1, 8, 28, 56, 70, 56, 28, 8, 1]])]
    >>> [(str(lane), len(passes)) for lane, passes in stencil(eight * 2, 255).stages]
    [('uint16', 8), ('int32', 8)]
    """
    signed = signed or any(minus for one in passes for _, _, minus in one.groups)
    narrow = np.dtype(np.int16 if signed else np.uint16)
    first, bound = 0, largest
    for one in passes:
        bound *= max(one.weight, 1)
        if bound > np.iinfo(narrow).max:
            break
        first += 1
    if dtype.kind != "i" or dtype.itemsize <= 2 or first < 2:
        return ((dtype, tuple(passes)),)
    return (narrow, tuple(passes[:first])), (dtype, tuple(passes[first:]))


def _turned(factors: Sequence[Array]) -> bool:
    """Whether two factors are a column and a row."""
    return bool(factors[0].shape[1] == 1 and factors[1].shape[0] == 1)


def _certain(kernel: Array, largest: int, size: int, dtype: np.dtype[Any]) -> bool:
    """Whether a transform's rounding stays below a quarter, so that the nearest integer is exact.

    Its error is at most about ε · log₂ n · ‖x‖ · ‖k‖ (Higham 2002, §24.1), here taken fourfold.
    """
    if dtype.kind == "f":
        return True
    if kernel.dtype.kind == "O":
        return False
    norm = sqrt(float((kernel.astype(np.float64) ** 2).sum()))
    return bool(4 * 2.0**-53 * log2(size) * largest * sqrt(size) * norm < 0.25)


def run(plan: Stencil, x: Array, scratch: Scratch | None = None, name: str = "") -> Array:
    """Apply a stencil to a band (h, w, c), which its border has been added to.

    Gives (h − Σ(i − 1), w − Σ(j − 1), c), which may be a view of one of the scratch's arrays that
    have this name.
    """
    if plan.engine == "products":
        return separable(x, plan.factors[0], plan.factors[1], scratch, name)
    if plan.engine == "fourier":
        y = fourier(x, plan.factors[0])
        return np.rint(y, out=y) if plan.factors[0].dtype.kind != "f" and x.dtype.kind != "f" else y
    scratch = scratch or Scratch()
    for dtype, passes in plan.stages:
        band = x
        if x.dtype != dtype or not x.flags.c_contiguous:
            band = scratch.like(f"{name} band", x, dtype)
            np.copyto(band, x, casting="unsafe")
        x = run_passes(band, passes, scratch.spare(name, band.size, dtype))
    return x


def weight(factors: Sequence[Array]) -> int:
    """How often the largest value may be counted: the product of the sums of |tap|."""
    bound = 1
    for factor in factors:
        if factor.dtype.kind == "f":
            return 1
        bound *= max(sum(abs(int(tap)) for tap in factor.flat), 1)
    return bound


def greatest(factors: Sequence[Array], largest: int, signed: bool = True) -> int:
    """No response to values up to `largest`, or of either sign up to that, is beyond this.

    Values without a sign meet positive and negative taps apart:

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


def lane(factors: Sequence[Array], largest: int, signed: bool = True) -> np.dtype[Any]:
    """The narrowest dtype that holds every sum of values up to ±`largest` exactly.

    Floating-point factors are summed in float64; integers whose sums could pass int64 as Python's.

    >>> lane([np.array([[1, 2, 1]])], 255), lane([np.array([[1 << 40]])], 255)
    (dtype('int16'), dtype('int64'))
    """
    if any(factor.dtype.kind == "f" for factor in factors):
        return np.dtype(np.float64)
    bound = largest * weight(factors)
    signed = signed or any(int(tap) < 0 for factor in factors for tap in factor.flat)
    for dtype in LANES[signed:]:
        if bound <= np.iinfo(dtype).max:
            return np.dtype(dtype)
    return np.dtype(object)
