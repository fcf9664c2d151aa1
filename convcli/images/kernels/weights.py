"""Weights as integers over a power of two, and the arguments that define them."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from convcli.errors import SpecError
from convcli.images.kernels.kernel import MAX_SIDE, Matrix, Part

AXIS_BITS, MATRIX_BITS = 18, 22
"""Bits of the weights that are not rational by nature: two axes of 18 and a sample of 16 fill the
52 bits of float64; a matrix of 22, whose magnitudes sum to 2, fills 32 bits with 8-bit samples."""


def ints(*rows: Sequence[int]) -> Matrix:
    return np.array(rows, np.int64)


def column(*taps: int) -> Matrix:
    return ints(taps).T


def row(*taps: int) -> Matrix:
    return ints(taps)


def integer(name: str, value: object, minimum: int = 1, maximum: int = MAX_SIDE) -> int:
    """An argument as a whole number. Raises SpecError."""
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
        raise SpecError(f"{name}={value} must be a whole number from {minimum} to {maximum}")
    return value


def number(name: str, value: object, above: float, maximum: float) -> float:
    """An argument as a number. Raises SpecError."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise SpecError(f"{name}={value} is not a number")
    if not above < value <= maximum:
        raise SpecError(f"{name}={value} must be above {above:g} and at most {maximum:g}")
    return float(value)


def rounded(values: ArrayLike, bits: int, total: float | None = None) -> Matrix:
    """Weights as multiples of 2^−bits, whose sum is exactly `total`: the middle takes the rest."""
    multiples = np.rint(np.asarray(values, np.float64) * 2.0**bits).astype(np.int64)
    if total is not None:
        middle = tuple((side - 1) // 2 for side in multiples.shape)
        multiples[middle] += round(total * 2**bits) - int(multiples.sum())
    return multiples


def dense(values: ArrayLike, total: float | None = None, bits: int = MATRIX_BITS) -> Part:
    """A matrix as multiples of 2^−bits."""
    return Part((rounded(values, bits, total),), Fraction(1, 2**bits))
