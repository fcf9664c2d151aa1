"""The rows and columns that a border adds around an image, as arrays."""

import numpy as np

from convcli.arrays import Array
from convcli.conv.spec import Problem


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
    fill = problem.border.fill
    # the part of these rows that lies in the image, as rows of x
    begin, end = (min(max(row - top, 0), height) for row in (first, last))
    within = slice(begin + top - first, end + top - first)
    out[:, : within.start] = fill
    out[:, within.stop :] = fill
    out[:, within, left : left + width] = x[:, begin:end]
    # all rows of these columns are one strided run
    out[:, :, :left] = fill
    out[:, :, left + width :] = fill
    if problem.border.repeats:
        _repeat(x, problem, first, last, out)
    out[:, max(rows - first, 0) :] = 0
    out[:, :, columns:] = 0
    return out


def _repeat(x: Array, problem: Problem, first: int, last: int, out: Array) -> None:
    """Fill the border of rows first..last, whose part inside the image is there already."""
    (top, _), (left, _) = problem.padding
    (height, width), (bottom, right) = problem.size, problem.padded
    rows = problem.border.cells(height, problem.padding[0])
    for row in range(first, min(last, bottom)):
        if not top <= row < top + height:
            out[:, row - first, left : left + width] = x[:, rows[row]]
    columns = left + np.array(problem.border.cells(width, problem.padding[1]))
    inside = out[:, : max(bottom - first, 0)]
    inside[:, :, :left] = inside[:, :, columns[:left]]
    inside[:, :, left + width : right] = inside[:, :, columns[left + width :]]


def folded(padded: Array, problem: Problem) -> Array:
    """The adjoint of adding a border: (…, h, w) with each added cell summed into its source."""
    (top, _), (left, _) = problem.padding
    height, width = problem.size
    if not problem.border.repeats:
        return padded[..., top : top + height, left : left + width]
    rows = problem.border.cells(height, problem.padding[0])
    columns = problem.border.cells(width, problem.padding[1])
    along = np.zeros((*padded.shape[:-2], height, padded.shape[-1]), padded.dtype)
    for row, source in enumerate(rows):
        along[..., source, :] += padded[..., row, :]
    total = np.zeros((*padded.shape[:-2], height, width), padded.dtype)
    for column, source in enumerate(columns):
        total[..., source] += along[..., column]
    return total
