"""What stands around a picture: the rows and columns that a border adds.

extension of abcd      name        NumPy's    SciPy's    OpenCV's      PyTorch's
kkk|abcd|kkk           constant    constant   constant   CONSTANT      constant
000|abcd|000           zero        constant   constant   CONSTANT      zeros
aaa|abcd|ddd           edge        edge       nearest    REPLICATE     replicate
dcb|abcd|cba           reflect     reflect    mirror     REFLECT_101   reflect
cba|abcd|dcb           symmetric   symmetric  reflect    REFLECT       –
bcd|abcd|abc           wrap        wrap       wrap       WRAP          circular
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from convcli.arrays import Array
from convcli.conv.spec import Pair, Problem
from convcli.errors import UnfitError

Cells = NDArray[np.intp]


def _reflect(cells: Cells, length: int) -> Cells:
    period = max(2 * length - 2, 1)
    cells = cells % period
    return np.minimum(cells, period - cells) if length > 1 else cells


def _symmetric(cells: Cells, length: int) -> Cells:
    cells = cells % (2 * length)
    return np.minimum(cells, 2 * length - 1 - cells)


BORDERS: dict[str, Callable[[Cells, int], Cells] | None] = {
    "zero": None,
    "constant": None,
    "edge": lambda cells, length: np.clip(cells, 0, length - 1),
    "reflect": _reflect,
    "symmetric": _symmetric,
    "wrap": lambda cells, length: cells % length,
}
"""Name → the cell of the axis that a cell outside repeats; None where it repeats no cell."""

PYTORCH_NAMES = {"zeros": "zero", "replicate": "edge", "circular": "wrap"}
"""The words of `torch.nn.Conv2d(padding_mode=…)` that differ from ours."""


def border_named(name: object) -> str:
    """A border by our name or PyTorch's.

    >>> border_named("circular")
    'wrap'

    Raises UnfitError for any other.
    """
    border = PYTORCH_NAMES.get(name, name) if isinstance(name, str) else name
    if not isinstance(border, str) or border not in BORDERS:
        raise UnfitError(f"padding_mode={name!r} is none of {', '.join(BORDERS)}")
    return border


def sources(border: str, length: int, padding: Pair) -> Cells:
    """The cell that each cell of the padded axis repeats, for borders that repeat cells.

    Borders may be wider than the axis: the pattern goes on, as in `numpy.pad`.

    >>> sources("reflect", 4, (3, 3))
    array([3, 2, 1, 0, 1, 2, 3, 2, 1, 0])
    >>> sources("symmetric", 2, (3, 1))
    array([1, 1, 0, 0, 1, 1])
    """
    repeat = BORDERS[border]
    assert repeat is not None, border
    return repeat(np.arange(-padding[0], length + padding[1]), length)


def padded_rows(
    x: Array, problem: Problem, first: int, last: int, out: Array | None = None
) -> Array:
    """Rows first..last of x (c, h, w) with its border, in the working dtype: (c, rows, width).

    `out` may be larger than the padded image: what lies beyond is zero. Without `out` the rows
    are a view of x where they can be, or a new array.
    """
    if out is None:
        if problem.untouched and x.dtype == problem.dtype:
            return x[:, first:last]
        out = np.empty((len(x), last - first, problem.padded[1]), problem.dtype)
    top, left = problem.padding[0][0], problem.padding[1][0]
    (height, width), (rows, columns) = problem.size, problem.padded
    # the part of these rows that lies in the image, as rows of x
    begin, end = (min(max(row - top, 0), height) for row in (first, last))
    within = slice(begin + top - first, end + top - first)
    out[:, : within.start] = problem.fill
    out[:, within.stop :] = problem.fill
    out[:, within, left : left + width] = x[:, begin:end]
    out[:, within, :left] = problem.fill
    out[:, within, left + width :] = problem.fill
    if BORDERS[problem.border] is not None:
        _repeat(x, problem, first, last, out)
    out[:, max(rows - first, 0) :] = 0
    out[:, :, columns:] = 0
    return out


def _repeat(x: Array, problem: Problem, first: int, last: int, out: Array) -> None:
    """Fill the border of rows first..last, whose part inside the image is there already."""
    (top, _), (left, _) = problem.padding
    (height, width), (bottom, right) = problem.size, problem.padded
    rows = sources(problem.border, height, problem.padding[0])
    for row in range(first, min(last, bottom)):
        if not top <= row < top + height:
            out[:, row - first, left : left + width] = x[:, rows[row]]
    columns = left + sources(problem.border, width, problem.padding[1])
    inside = out[:, : max(bottom - first, 0)]
    inside[:, :, :left] = inside[:, :, columns[:left]]
    inside[:, :, left + width : right] = inside[:, :, columns[left + width :]]


def folded(padded: Array, problem: Problem) -> Array:
    """The adjoint of adding a border: (…, h, w) with each added cell summed into its source."""
    (top, _), (left, _) = problem.padding
    height, width = problem.size
    if BORDERS[problem.border] is None:
        return padded[..., top : top + height, left : left + width]
    rows = sources(problem.border, height, problem.padding[0])
    columns = sources(problem.border, width, problem.padding[1])
    tall = np.zeros((*padded.shape[:-2], height, padded.shape[-1]), padded.dtype)
    for row, source in enumerate(rows):
        tall[..., source, :] += padded[..., row, :]
    whole = np.zeros((*padded.shape[:-2], height, width), padded.dtype)
    for column, source in enumerate(columns):
        whole[..., source] += tall[..., column]
    return whole
