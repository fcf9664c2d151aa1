"""The record of a kernel: parts of whole numbers with a scale, and how their responses combine.

Kernels are written as drawn, for correlation: the left column of `sobel-x` meets the left
neighbors. Weights are fractions, so that every response is exact: those of the catalogue that are
not rational by nature (gaussians, √2) are rounded to multiples of 2⁻¹⁸ per axis, 2⁻²² per matrix.

A product of kernels is applied one factor after another: (1 2 1) ⊗ (1 2 1) as a column and a row,
and (1 4 6 4 1) as (1 1) four times. Factors follow from the numbers, never from a name.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import gcd, isqrt, lcm, sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convcli.errors import SpecError
from convcli.geometry import Pair
from convcli.records import NamedTuple

Matrix = NDArray[Any]
"""Rows and columns of int64, of Python's integers where these are too narrow, or of float64."""

MAX_SIDE = 1023
"""Rows or columns of a kernel; beyond that a kernel is larger than most pictures."""


MAX_WEIGHT = 10**125
"""Sums of squares of weights up to this, times samples, are still floats; and so is the gain that
makes a step of the inverse visible."""

Combination = Literal["", "sum", "magnitude", "maximum"]

COMBINATIONS: dict[str, Combination] = {
    "": "",
    "sum": "sum",
    "magnitude": "magnitude",
    "maximum": "maximum",
}
"""How the responses of several parts become one; "" where there is one part."""


class Part(NamedTuple):
    """One kernel as factors, matrices to be applied one after another, times a scale."""

    factors: tuple[Matrix, ...]
    scale: Fraction = Fraction(1)

    @property
    def matrix(self) -> Matrix:
        """The factors multiplied out, before the scale."""
        return self.factors[0] if len(self.factors) == 1 else multiplied(self.factors)

    @property
    def shape(self) -> Pair:
        rows, columns = zip(*(factor.shape for factor in self.factors), strict=True)
        return sum(rows) - len(rows) + 1, sum(columns) - len(columns) + 1


class Lines(NamedTuple):
    """How gradients become lines: the σ of the gaussian before them, and two strengths.

    Lines are of at least the strength `low` and touch one of `high`, as shares of white.
    """

    sigma: float
    low: float
    high: float


class Kernel(NamedTuple):
    """A kernel of one part, or of several whose responses are combined.

    `combine` is "sum", "magnitude" for √(Σ response²), "maximum", or "" where there is one part.
    `anchor` is the place of the output pixel, (k − 1) // 2 on each axis where it is None.
    `one_sided` kernels show positive responses alone. `smooth` is the σ of a gaussian that may be
    computed on a coarser grid; `listed` kernels are of the catalogue, and known by their name.
    Weights of floats (from .npy files) are summed in float64. A response that differs from its
    sample by less than `threshold` leaves it as it is. Gradients that become `lines` are thinned.
    """

    parts: tuple[Part, ...]
    combine: Combination = ""
    name: str = "custom"
    anchor: Pair | None = None
    one_sided: bool = False
    smooth: float = 0.0
    listed: bool = False
    threshold: Fraction = Fraction(0)
    lines: Lines | None = None

    @property
    def title(self) -> str:
        """The name, and of a matrix the size: `sobel`, `custom 3x3`."""
        rows, columns = self.shape
        return self.name if self.listed else f"{self.name} {rows}x{columns}"

    @property
    def shape(self) -> Pair:
        """Rows and columns that hold every part."""
        shapes = [part.shape for part in self.parts]
        return max(rows for rows, _ in shapes), max(columns for _, columns in shapes)

    @property
    def center(self) -> Pair:
        """The anchor: the row and column of the kernel that stand over the output pixel."""
        return self.anchor or middle(self.shape)

    @property
    def linear(self) -> bool:
        """Whether the response is one matrix times the picture."""
        return self.combine in ("", "sum")

    @property
    def exact(self) -> bool:
        """Whether the weights are fractions."""
        return all(f.dtype.kind != "f" for part in self.parts for f in part.factors)

    def matrices(self) -> list[tuple[Matrix, Fraction]]:
        """Each part, or the sum of all, as whole numbers (i, j) of the kernel's shape and a scale.

        >>> one, scale = Kernel((Part((np.array([[1], [1]]), np.array([[1, 1]]))),)).matrices()[0]
        >>> one.tolist(), scale
        ([[1, 1], [1, 1]], Fraction(1, 1))
        """
        grown = [in_middle(part.matrix, self.shape) for part in self.parts]
        if self.combine != "sum":
            return list(zip(grown, (part.scale for part in self.parts), strict=True))
        unit = Fraction(1, lcm(*(part.scale.denominator for part in self.parts)))
        total = sum(
            matrix.astype(object) * int(part.scale / unit)
            for matrix, part in zip(grown, self.parts, strict=True)
        )
        return [(narrowed(np.asarray(total)), unit)]

    @property
    def sum(self) -> Fraction:
        """The sum of the weights of the first matrix; rounding noise of floats counts as 0."""
        sums = []
        for part in self.parts if self.combine == "sum" else self.parts[:1]:
            total = part.scale
            for factor in part.factors:  # the sum of a product is the product of the sums
                total *= weight_sum(factor)
            sums.append(total)
        return sum(sums, Fraction(0))

    @property
    def is_gradient(self) -> bool:
        """Combined from several directions, or its own negative when turned by 180°."""
        if self.combine in ("magnitude", "maximum"):
            return True
        if self.sum:
            return False
        matrix, _ = self.matrices()[0]
        return bool((matrix == -matrix[::-1, ::-1]).all()) and bool(matrix.any())

    def gain(self) -> tuple[Fraction, Fraction]:
        """The gain that makes a full step white, and its square, which alone may be a fraction.

        >>> from convcli.images.kernels.parse import kernel
        >>> kernel("sobel").gain(), kernel("blur").gain()
        ((Fraction(1, 4), Fraction(1, 16)), (Fraction(1, 1), Fraction(1, 1)))
        """
        squared = self.step_squared() if self.is_gradient else Fraction(0)
        if not squared:
            return Fraction(1), Fraction(1)
        top, below = squared.numerator, squared.denominator
        root = Fraction(isqrt(top), isqrt(below))
        return 1 / (root if root * root == squared else Fraction(sqrt(squared))), 1 / squared

    def step_squared(self) -> Fraction:
        """The square of the response to a full black-to-white step of height 1.

        For a magnitude the step is upright, for one matrix it is the sum of its positive weights.
        """
        squares = []
        for matrix, scale in self.matrices():
            if self.combine == "magnitude":
                columns = [int(sum(int(tap) for tap in column)) for column in matrix.T]
                sums = [sum(columns[start:]) for start in range(len(columns))]
                step = max(map(abs, sums)) * scale
            elif matrix.dtype.kind == "f":
                step = Fraction(float(matrix[matrix > 0].sum())) * scale
            else:
                step = sum(abs(int(tap)) for tap in matrix.flat if tap * scale > 0) * scale
            squares.append(step**2)
        return sum(squares, Fraction(0)) if self.combine == "magnitude" else max(squares)

    def separated(self) -> "Kernel":
        """The same with each matrix of rank 1 as a column and a row, which engines apply in turn.

        >>> kernel = Kernel((Part((np.array([[1, 2], [2, 4]]),)),)).separated()
        >>> [factor.tolist() for factor in kernel.parts[0].factors]
        [[[1], [2]], [[1, 2]]]
        """
        if not self.exact:
            return self
        parts = []
        for part in self.parts:
            factors: list[Matrix] = []
            for factor in part.factors:
                factors += rank_one(factor) or (factor,)
            parts.append(part._replace(factors=tuple(factors)))
        return self._replace(parts=tuple(parts))

    @property
    def rank(self) -> int:
        """The rank of the first matrix; 1 is separable."""
        return matrix_rank(self.matrices()[0][0])

    @property
    def separable(self) -> bool:
        """Whether every matrix that is applied is a column and a row."""
        return all(
            min(factor.shape) == 1 or rank_one(factor) is not None
            for part in self.parts
            for factor in part.factors
        )

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[np.floating]:
        """The weights as floats: (rows, columns), or (matrices, rows, columns) of several.

        >>> np.asarray(Kernel((Part((np.array([[1, 2]]),), Fraction(1, 4)),))).tolist()
        [[0.25, 0.5]]
        """
        if copy is False:
            raise ValueError("the weights of a kernel become an array by a copy")
        arrays = [matrix.astype(np.float64) * float(scale) for matrix, scale in self.matrices()]
        return np.asarray(arrays[0] if self.linear else arrays, dtype)

    def __repr__(self) -> str:
        rows, columns = self.shape
        combined = f", {self.combine} of {len(self.parts)}" if self.combine else ""
        return f"<kernel {self.name} {rows}x{columns}{combined}>"

    def _repr_png_(self) -> bytes:
        """The weights as a notebook shows them: red above 0, blue below."""
        from convcli.images.diverging import matrices_png

        weights = np.asarray(self)
        return matrices_png([weights] if self.linear else list(weights))

    def check_explained(self) -> None:
        """Raise SpecError where a response is more than products and their sum."""
        if self.lines or self.threshold:
            more = (
                "lines are thinned and linked" if self.lines else "small differences are left out"
            )
            raise SpecError(f"{self.name} is more than a sum of products: {more} after it")

    def with_parts(self, change: Callable[[Part], Part]) -> "Kernel":
        return self._replace(parts=tuple(change(part) for part in self.parts))


def middle(shape: Pair) -> Pair:
    """The default anchor of a kernel of a shape.

    >>> middle((3, 4))
    (1, 1)
    """
    return (shape[0] - 1) // 2, (shape[1] - 1) // 2


def checked(kernel: Kernel) -> Kernel:
    """The same kernel. Raises SpecError where responses would be beyond float64."""
    for part in kernel.parts:
        bound = abs(part.scale)
        for factor in part.factors:
            if factor.dtype.kind == "f":
                bound *= Fraction(float(np.abs(factor).max()))
            else:
                bound *= max(abs(int(tap)) for tap in factor.flat)
        if bound > MAX_WEIGHT or 0 < bound < Fraction(1, MAX_WEIGHT):
            raise SpecError(
                f"the largest weight of kernel {kernel.name} is {_power(bound)}; it must be from "
                f"1e-125 to 1e+125"
            )
    return kernel


def _power(value: Fraction) -> str:
    """The power of ten nearest below a value, which may be beyond float64."""
    digits = len(str(value.numerator)) - len(str(value.denominator))
    return f"about 1e{digits:+d}"


def weight_sum(matrix: Matrix) -> Fraction:
    """The sum of a matrix, exact for whole numbers; rounding noise of floats counts as 0."""
    if matrix.dtype.kind == "f":
        total = float(matrix.sum())
        noise = 1e-12 * float(np.abs(matrix).sum())
        return Fraction(0 if abs(total) <= noise else total)
    return Fraction(int(matrix.sum(dtype=object)))


def in_middle(matrix: Matrix, shape: Pair) -> Matrix:
    """A matrix padded with zeros, so that both anchors coincide."""
    if matrix.shape == shape:
        return matrix
    grown = np.zeros(shape, matrix.dtype)
    top, left = ((shape[axis] - 1) // 2 - (matrix.shape[axis] - 1) // 2 for axis in (0, 1))
    grown[top : top + matrix.shape[0], left : left + matrix.shape[1]] = matrix
    return grown


def multiplied(factors: Sequence[Matrix]) -> Matrix:
    """The full convolution of all factors: the one kernel that does what they do in turn.

    >>> multiplied([np.array([[1], [1]]), np.array([[1, 1]])]).tolist()
    [[1, 1], [1, 1]]
    """
    is_integer = all(factor.dtype.kind in "iO" for factor in factors)
    dense = np.ones((1, 1), object if is_integer else np.float64)
    for factor in factors:
        rows, columns = np.add(dense.shape, factor.shape) - 1
        product = np.zeros((rows, columns), dense.dtype)
        for (i, j), tap in np.ndenumerate(factor):
            tap = int(tap) if is_integer else tap
            product[i : i + dense.shape[0], j : j + dense.shape[1]] += tap * dense
        dense = product
    return narrowed(dense) if is_integer else dense


def narrowed(matrix: Matrix) -> Matrix:
    """Python's integers as int64, if all fit."""
    fits = all(-(2**63) <= int(tap) < 2**63 for tap in matrix.flat)
    return matrix.astype(np.int64 if fits else object)


def rank_one(matrix: Matrix) -> tuple[Matrix, Matrix] | None:
    """A column and a row whose product the matrix is, exactly, or None where there are none.

    >>> [factor.tolist() for factor in rank_one(np.array([[1, 2], [2, 4]]))]
    [[[1], [2]], [[1, 2]]]
    >>> rank_one(np.array([[1, 2], [2, 5]])) is None
    True
    """
    if min(matrix.shape) == 1 or matrix.dtype.kind == "f":
        return None
    rows = [[int(tap) for tap in row] for row in matrix]
    pivot = next((row for row in rows if any(row)), None)
    if pivot is None:
        return None
    shared = gcd(*pivot)
    unit_row = [tap // shared for tap in pivot]
    j = next(j for j, tap in enumerate(unit_row) if tap)
    column = []
    for row in rows:
        times, rest = divmod(row[j], unit_row[j])
        if rest or any(tap != times * unit for tap, unit in zip(row, unit_row, strict=True)):
            return None
        column.append([times])
    return narrowed(np.array(column, object)), narrowed(np.array([unit_row], object))


def matrix_rank(matrix: Matrix) -> int:
    """The rank of a matrix: exact for small matrices of whole numbers, by NumPy for others."""
    if matrix.dtype.kind == "f" or matrix.size > 400:
        return int(np.linalg.matrix_rank(matrix.astype(np.float64)))

    rows = [[Fraction(int(tap)) for tap in row] for row in matrix]
    rank = 0
    for column in range(matrix.shape[1]):
        pivot = next((r for r in range(rank, len(rows)) if rows[r][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for r in range(rank + 1, len(rows)):
            times = rows[r][column] / rows[rank][column]
            if times:
                rows[r] = [a - times * b for a, b in zip(rows[r], rows[rank], strict=True)]
        rank += 1
    return rank
