"""Windows of padded rows as views: nothing is copied."""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convcli.arrays import Array
from convcli.conv.spec import Problem
from convcli.geometry import Pair, output_length


def windows(rows: Array, problem: Problem) -> Array:
    """Padded rows (c, h, w) as a read-only view of their windows, (c, i, j, h', w').

    >>> problem = Problem(1, 1, 1, 1, (1, 4), ((0, 0), (0, 0)), (1, 2), (1, 1), (1, 1))
    >>> windows(np.arange(4).reshape(1, 1, 4), problem)[0, 0]
    array([[[0, 1, 2]],
    <BLANKLINE>
           [[1, 2, 3]]])
    """
    row_step, column_step = problem.stride
    height = output_length(rows.shape[1], problem.windows[0])
    row_spacing, column_spacing = problem.dilation
    channel, row, column = rows.strides
    return as_strided(
        rows,
        (len(rows), *problem.kernel, height, problem.output[1]),
        (channel, row_spacing * row, column_spacing * column, row_step * row, column_step * column),
        writeable=False,
    )


def read_by(problem: Problem, top: int, bottom: int) -> Pair:
    """The padded rows, first and after the last, that output rows top..bottom read."""
    rows = problem.windows[0].hull(range(top, bottom))
    return rows.start, rows.stop


def spans(length: int, step: int) -> list[Pair]:
    """A range in pieces of `step`, the last one shorter, as pairs (start, stop).

    >>> spans(5, 2)
    [(0, 2), (2, 4), (4, 5)]
    """
    step = max(step, 1)
    return [(start, min(start + step, length)) for start in range(0, length, step)]


def new_output(problem: Problem) -> Array:
    """y, not filled in yet: (n, g, f, h', w')."""
    shape = problem.images, problem.groups, problem.filters, *problem.output
    return np.empty(shape, problem.dtype)
