"""--flip, --rotate, --scale and the other changes of a kernel, each a function of the kernel."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from convcli.errors import SpecError
from convcli.geometry import Pair, Window
from convcli.images.kernels.kernel import (
    MAX_SIDE,
    Kernel,
    Matrix,
    Part,
    checked,
    in_middle,
    weight_sum,
)


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
    """Rotated counterclockwise: by quarter turns, or by 45° ring by ring where the side is odd.

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
            "--anchor names a position of the kernel as it was given: leave out --anchor or the "
            "rotation"
        )
    if eighths % 2 == 0:
        return kernel.with_parts(lambda p: _each(p, lambda f: np.rot90(f, eighths // 2)))
    rows, columns = kernel.shape
    if rows != columns or rows % 2 == 0:
        raise SpecError(
            f"a kernel of {rows}x{columns} rotates by 90, 180 or 270 degrees; "
            "by 45 only a square of odd side does"
        )

    def turn(part: Part) -> Part:
        return Part((_ring_turned(in_middle(part.matrix, kernel.shape), eighths),), part.scale)

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


def normalized(kernel: Kernel, rule: str) -> Kernel:
    """Weights that sum to 1 ("sum"), or whose magnitudes do ("abs"), in every part or matrix."""
    sums = [
        weight_sum(abs(matrix)) * abs(scale) if rule == "abs" else weight_sum(matrix) * scale
        for matrix, scale in kernel.matrices()
    ]
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
    rows, columns = _dilated_shape(kernel.shape, dilation)
    if max(rows, columns) > MAX_SIDE:
        raise SpecError(f"dilated, the kernel is {rows}x{columns}; at most {MAX_SIDE}")

    def spread(factor: Matrix) -> Matrix:
        dilated_factor = np.zeros(_dilated_shape(factor.shape, dilation), factor.dtype)
        dilated_factor[:: dilation[0], :: dilation[1]] = factor
        return dilated_factor

    row, column = kernel.center  # where it stands now, before gaps move the middle
    spread_kernel = kernel.with_parts(lambda part: _each(part, spread))
    return spread_kernel._replace(anchor=(row * dilation[0], column * dilation[1]), smooth=0.0)
