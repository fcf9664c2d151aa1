"""The record of a kernel: parts of whole numbers with a scale, and how their responses combine.

Kernels stand as they are drawn, for correlation: the left column of `sobel-x` meets the left
neighbors. Weights are fractions, so that every response is exact: those of the catalogue that are
not rational by nature (gaussians, √2) are rounded to multiples of 2⁻¹⁸ per axis, 2⁻²² per matrix.
"""

from collections.abc import Callable
from fractions import Fraction
from math import lcm
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convcli.errors import SpecError
from convcli.geometry import Pair, Window
from convcli.images.kernels.factor import Matrix, matrix_rank, multiplied, narrowed, rank_one

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
    def centre(self) -> Pair:
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
        grown = [_grown(part.matrix, self.shape) for part in self.parts]
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
    """The anchor of a kernel of a shape where none is given.

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
    return Fraction(sum(int(tap) for tap in matrix.flat))


def _grown(matrix: Matrix, shape: Pair) -> Matrix:
    """A matrix in the middle of zeros, as the anchors of both meet."""
    if matrix.shape == shape:
        return matrix
    grown = np.zeros(shape, matrix.dtype)
    top, left = ((shape[axis] - 1) // 2 - (matrix.shape[axis] - 1) // 2 for axis in (0, 1))
    grown[top : top + matrix.shape[0], left : left + matrix.shape[1]] = matrix
    return grown


# what --flip, --rotate, … do to a kernel, each a function of the kernel


def flipped(kernel: Kernel) -> Kernel:
    """Turned by 180°: true convolution instead of correlation."""
    rows, columns = kernel.shape
    turned = kernel.with_parts(lambda part: _each(part, lambda f: f[::-1, ::-1]))
    return turned._replace(anchor=_moved(kernel, rows - 1, columns - 1))


def _moved(kernel: Kernel, last_row: int, last_column: int) -> Pair | None:
    if kernel.anchor is None:
        return None
    return last_row - kernel.anchor[0], last_column - kernel.anchor[1]


def transposed(kernel: Kernel) -> Kernel:
    """Rows as columns."""
    anchor = kernel.anchor and (kernel.anchor[1], kernel.anchor[0])
    return kernel.with_parts(lambda part: _each(part, lambda f: f.T))._replace(anchor=anchor)


def rotated(kernel: Kernel, degrees: int) -> Kernel:
    """Turned counter-clockwise: by quarter turns, or by 45° ring by ring where the side is odd.

    >>> rotated(Kernel((Part((np.array([[1, 2, 3], [8, 0, 4], [7, 6, 5]]),)),)), 45).parts[0].matrix
    array([[2, 3, 4],
           [1, 0, 5],
           [8, 7, 6]])
    """
    if degrees % 45:
        raise SpecError(f"a kernel rotates by multiples of 45 degrees, not by {degrees}")
    eighths = degrees // 45 % 8
    if kernel.anchor is not None and eighths:
        raise SpecError(
            "--anchor names a position of the kernel as it was given: leave out "
            "--anchor or the rotation"
        )
    if eighths % 2 == 0:
        return kernel.with_parts(lambda p: _each(p, lambda f: np.rot90(f, eighths // 2)))
    rows, columns = kernel.shape
    if rows != columns or rows % 2 == 0:
        raise SpecError(
            f"a kernel of {rows}x{columns} rotates by 90, 180 or 270 degrees; only a square "
            f"kernel of odd size rotates by 45"
        )

    def turn(part: Part) -> Part:
        return Part((_ring_turned(_grown(part.matrix, kernel.shape), eighths),), part.scale)

    return kernel.with_parts(turn)


def _ring_turned(matrix: Matrix, eighths: int) -> Matrix:
    side, turned = len(matrix), matrix.copy()
    for ring in range(side // 2):
        low, high = ring, side - 1 - ring
        span = range(low, high)
        places = (
            [(low, j) for j in span]
            + [(i, high) for i in span]
            + [(high, low + high - j) for j in span]
            + [(low + high - i, low) for i in span]
        )
        step = eighths * (high - low) // 2
        for number, place in enumerate(places):
            turned[place] = matrix[places[(number + step) % len(places)]]
    return turned


def _each(part: Part, change: Callable[[Matrix], Matrix]) -> Part:
    return part._replace(factors=tuple(change(factor) for factor in part.factors))


def scaled(kernel: Kernel, by: Fraction) -> Kernel:
    """Every weight times a number. Raises SpecError where that is beyond MAX_WEIGHT."""
    return checked(kernel.with_parts(lambda part: part._replace(scale=part.scale * by)))


def normalised(kernel: Kernel, rule: str) -> Kernel:
    """Weights that sum to 1 ("sum"), or whose magnitudes do ("abs"), in every part or matrix."""
    if rule == "none":
        return kernel
    sums = []
    for matrix, scale in kernel.matrices():
        magnitude = abs(matrix) if rule == "abs" else matrix
        sums.append(
            weight_sum(magnitude) * abs(scale) if rule == "abs" else weight_sum(matrix) * scale
        )
    if not all(sums):
        why = "has no weights" if rule == "abs" else "sums to 0, and cannot sum to 1"
        hint = "" if rule == "abs" else "; --normalize abs divides by the sum of |weights|"
        raise SpecError(f"kernel {kernel.name} {why}{hint}")
    if len(sums) == 1:
        return scaled(kernel, 1 / sums[0])
    parts = zip(kernel.parts, sums, strict=True)
    return checked(
        kernel._replace(
            parts=tuple(part._replace(scale=part.scale / total) for part, total in parts)
        )
    )


def anchored(kernel: Kernel, anchor: Pair) -> Kernel:
    """The kernel with its anchor at a row and a column."""
    rows, columns = kernel.shape
    if not (0 <= anchor[0] < rows and 0 <= anchor[1] < columns):
        raise SpecError(
            f"anchor {anchor[0]},{anchor[1]} is not in a kernel of {rows}x{columns}: "
            f"rows 0 to {rows - 1}, columns 0 to {columns - 1}"
        )
    return kernel._replace(anchor=anchor)


def _dilated_shape(shape: tuple[int, ...], dilation: Pair) -> Pair:
    rows, columns = (
        Window(side, dilation=by).dilated_kernel for side, by in zip(shape, dilation, strict=True)
    )
    return rows, columns


def dilated(kernel: Kernel, dilation: Pair) -> Kernel:
    """The kernel with gaps between its taps, of dilation − 1 pixels."""
    if dilation == (1, 1):
        return kernel
    rows, columns = _dilated_shape(kernel.shape, dilation)
    if max(rows, columns) > MAX_SIDE:
        raise SpecError(f"dilated, the kernel is {rows}x{columns}; at most {MAX_SIDE}")

    def spread(factor: Matrix) -> Matrix:
        dilated_factor = np.zeros(_dilated_shape(factor.shape, dilation), factor.dtype)
        dilated_factor[:: dilation[0], :: dilation[1]] = factor
        return dilated_factor

    row, column = kernel.centre  # where it stands now, before gaps move the middle
    spread_kernel = kernel.with_parts(lambda part: _each(part, spread))
    return spread_kernel._replace(anchor=(row * dilation[0], column * dilation[1]), smooth=0.0)
