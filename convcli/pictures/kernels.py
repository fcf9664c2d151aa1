"""The catalogue: named kernels as factors, each with its source; and matrices written by hand.

Kernels stand as they are drawn, for correlation: the left column of `sobel-x` meets the left
neighbours. An entry of CATALOGUE is a function of the kernel's parameters and a line of words.
"""

import math
import re
from collections.abc import Callable
from difflib import get_close_matches
from fractions import Fraction
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.calls import read_call
from convcli.errors import SpecError

Matrix = NDArray[Any]

LARGEST_SIDE = 1023
"""Rows or columns of a kernel; beyond that a kernel is larger than most pictures."""


class Part(NamedTuple):
    """One kernel as factors, matrices to be applied one after another, times a scale."""

    factors: tuple[Matrix, ...]
    scale: Fraction = Fraction(1)

    @property
    def matrix(self) -> Matrix:
        """The factors multiplied out, before the scale: the full convolution of them all."""
        dense = np.ones((1, 1), dtype=self.factors[0].dtype)
        for factor in self.factors:
            rows, columns = np.add(dense.shape, factor.shape) - 1
            product = np.zeros((rows, columns), np.result_type(dense, factor))
            for (i, j), tap in np.ndenumerate(factor):
                product[i : i + dense.shape[0], j : j + dense.shape[1]] += tap * dense
            dense = product
        return dense


class Kernel(NamedTuple):
    """A kernel of one part, or of several whose responses are combined.

    `combine` is "magnitude" for √(Σ response²) and "" where there is one part.
    """

    parts: tuple[Part, ...]
    combine: str = ""
    name: str = "custom"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns that hold every part."""
        shapes = [part.matrix.shape for part in self.parts]
        return max(rows for rows, _ in shapes), max(columns for _, columns in shapes)


def _ints(*rows: tuple[int, ...]) -> Matrix:
    return np.array(rows, np.int64)


def _column(*taps: int) -> Matrix:
    return _ints(taps).T


def _row(*taps: int) -> Matrix:
    return _ints(taps)


def _fixed(*factors: Matrix, over: int = 1) -> Callable[[], Kernel]:
    return lambda: Kernel((Part(factors, Fraction(1, over)),))


def _gradient(*smooth: int) -> Callable[[], Kernel]:
    """√(x² + y²) of a central difference, smoothed across its direction."""
    x = Part((_column(*smooth), _row(-1, 0, 1)))
    y = Part((_column(-1, 0, 1), _row(*smooth)))
    return lambda: Kernel((x, y), "magnitude")


def _box(size: int = 3) -> Kernel:
    _odd_or_even("size", size)
    ones = (1,) * size
    return Kernel((Part((_column(*ones), _row(*ones)), Fraction(1, size * size)),))


def _gaussian(sigma: float = 1.0, size: int | None = None) -> Kernel:
    if not (type(sigma) in (int, float) and 0 < sigma <= LARGEST_SIDE / 8):
        raise SpecError(f"sigma={sigma} must be above 0 and at most {LARGEST_SIDE / 8:g}")
    radius = math.ceil(4 * sigma)
    if size is not None:
        if not isinstance(size, int) or size < 1 or size % 2 == 0 or size > LARGEST_SIDE:
            raise SpecError(f"size={size} must be odd, from 1 to {LARGEST_SIDE}")
        radius = size // 2
    with np.errstate(over="ignore"):  # a sigma near 0 leaves the centre alone
        taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    taps /= taps.sum()
    return Kernel((Part((taps[:, np.newaxis], taps[np.newaxis])),))


def _random(size: int = 3, seed: int = 0) -> Kernel:
    _odd_or_even("size", size)
    if not isinstance(seed, int) or seed < 0:
        raise SpecError(f"seed={seed} must be a whole number of at least 0")
    taps = np.random.Generator(np.random.PCG64(seed)).standard_normal((size, size))
    return Kernel((Part((taps / np.abs(taps).sum(),)),))


def _odd_or_even(name: str, size: int) -> None:
    if type(size) is not int or not 1 <= size <= LARGEST_SIDE:
        raise SpecError(f"{name}={size} must be a whole number from 1 to {LARGEST_SIDE}")


class Entry(NamedTuple):
    """A line of the catalogue: how to build the kernel, where it is from, what it is for."""

    build: Callable[..., Kernel]
    source: str
    purpose: str


SETOSA = "Powell, Image Kernels Explained Visually (setosa.io), 2015"
BINOMIAL = "Wells, Efficient Synthesis of Gaussian Filters, 1986"

CATALOGUE = {
    "identity": Entry(_fixed(_ints((1,))), "definition", "leaves the picture as it is"),
    "box": Entry(_box, "definition", "the mean of a square: box:5"),
    "blur": Entry(_fixed(_column(1, 2, 1), _row(1, 2, 1), over=16), BINOMIAL, "a light blur"),
    "gaussian": Entry(_gaussian, "sampled, normalised", "a blur of any width: gaussian:2"),
    "sharpen": Entry(_fixed(_ints((0, -1, 0), (-1, 5, -1), (0, -1, 0))), SETOSA, "crisper detail"),
    "edge": Entry(_fixed(_ints((-1, -1, -1), (-1, 8, -1), (-1, -1, -1))), SETOSA, "outlines"),
    "laplacian": Entry(
        _fixed(_ints((0, 1, 0), (1, -4, 1), (0, 1, 0))), "definition", "second derivative"
    ),
    "emboss": Entry(_fixed(_ints((-2, -1, 0), (-1, 1, 1), (0, 1, 2))), SETOSA, "raised relief"),
    "sobel": Entry(_gradient(1, 2, 1), "Sobel & Feldman, 1968", "edge strength"),
    "sobel-x": Entry(
        _fixed(_column(1, 2, 1), _row(-1, 0, 1)), "Sobel & Feldman, 1968", "upright edges"
    ),
    "sobel-y": Entry(
        _fixed(_column(-1, 0, 1), _row(1, 2, 1)), "Sobel & Feldman, 1968", "level edges"
    ),
    "prewitt": Entry(_gradient(1, 1, 1), "Prewitt, 1970", "edge strength"),
    "scharr": Entry(_gradient(3, 10, 3), "Scharr, 2000", "edge strength, alike in all directions"),
    "random": Entry(_random, "PCG64, standard normal", "random weights: random:5,seed=1"),
}


def kernel(spec: str) -> Kernel:
    """A kernel from text: a name of the catalogue with its values, or a matrix.

    >>> kernel("gaussian:2").shape
    (17, 17)
    >>> kernel("0 -1 0; -1 5 -1; 0 -1 0").parts[0].matrix.tolist()
    [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
    >>> kernel("1/9 1/9 1/9").parts[0]
    Part(factors=(array([[1, 1, 1]]),), scale=Fraction(1, 9))

    Raises SpecError with what is wrong and what would work.
    """
    if not re.match(r"\s*[A-Za-z]", spec):
        return _matrix(spec)
    call = read_call(spec)
    if call.name not in CATALOGUE:
        close = get_close_matches(call.name, CATALOGUE, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(CATALOGUE)}"
        raise SpecError(f"no kernel is called {call.name!r}; {hint}")
    build = CATALOGUE[call.name].build
    try:
        bound = signature(build).bind(*call.args, **call.kwargs)
    except TypeError as error:
        takes = ", ".join(map(str, signature(build).parameters.values())) or "no values"
        raise SpecError(f"kernel {call.name}: {error}; it takes {takes}") from None
    return build(*bound.args, **bound.kwargs)._replace(name=call.name)


NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})([eE][+-]?\d{1,2})?(/\d{1,15})?")


def _matrix(text: str) -> Kernel:
    rows = [row.replace(",", " ").split() for row in text.strip().rstrip(";").split(";")]
    values = []
    for number, row in enumerate(rows, 1):
        if not row:
            raise SpecError(f"row {number} of the kernel matrix {_short(text)} is empty")
        if len(row) != len(rows[0]):
            raise SpecError(
                f"row {number} of the kernel matrix has {len(row)} values, row 1 has {len(rows[0])}"
            )
        values.append([_fraction(entry, number) for entry in row])
    if max(len(rows), len(rows[0])) > LARGEST_SIDE:
        raise SpecError(f"a kernel has at most {LARGEST_SIDE} rows and columns")
    common = math.lcm(*(value.denominator for row in values for value in row))
    integers = [[int(value * common) for value in row] for row in values]
    if common < 2**31 and all(abs(value) < 2**53 for row in integers for value in row):
        return Kernel((Part((np.array(integers, np.int64),), Fraction(1, common)),))
    return Kernel((Part((np.array(values, np.float64),)),))


def _fraction(entry: str, row: int) -> Fraction:
    if not NUMBER.fullmatch(entry) or re.search("/0+$", entry):
        raise SpecError(f"{_short(entry)} in row {row} of the kernel matrix is not a number")
    top, _, bottom = entry.partition("/")
    return Fraction(top) / int(bottom or 1)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
