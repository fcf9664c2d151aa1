"""Shift and add: each tap's weight times the image shifted to it, for filters of one channel.

With stride 1 the padded rows of a channel are one flat array, in which tap (i, j) is an offset:
each pass is one long run, and what it computes between the end of a row and the start of the next
is left behind. Other strides take views with gaps.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convcli.arrays import Array
from convcli.conv.padding import padded_rows
from convcli.conv.sliding import new_output, read_by, spans
from convcli.conv.spec import Problem
from convcli.conv.threads import share, threads
from convcli.geometry import Pair, ceil_div

BLOCK_BYTES = 512 << 10
"""Values of one pass: three such arrays stay in the 2 MB second-level cache of current cores."""

SHARED_MACS = 40_000_000
"""Above that, two threads with passes of their own are faster than one."""

SECONDS_PER_TAP = 2.2e-10
SECONDS_PER_GAP = 6.4e-10
SECONDS_PER_BLOCK = 6.6e-05
"""Seconds on two cores, fitted by tests/benchmarks/fit.py."""


def refuses(problem: Problem) -> str | None:
    if problem.channels != 1:
        return f"each filter sums {problem.channels} channels, not one"
    return None


def cost(problem: Problem) -> float:
    blocks = problem.images * len(_channels(problem)) * len(_bands(problem))
    per_tap = SECONDS_PER_TAP if _flat(problem) else SECONDS_PER_GAP
    return per_tap * problem.macs + SECONDS_PER_BLOCK * problem.filters * blocks


def workspace_bytes(problem: Problem) -> int:
    rows, channels = _bands(problem)[0][1], _channels(problem)[0][1]
    first, last = read_by(problem, 0, rows)
    # as they came, laid flat, and those of the band before
    padded = 3 * (last - first) * problem.padded[1]
    return threads() * channels * (padded + 2 * rows * _pitch(problem)) * problem.itemsize


def convolve(x: Array, weight: Array, problem: Problem) -> Array:
    y = new_output(problem)
    largest = _channels(problem)[0][1] * _bands(problem)[0][1] * _pitch(problem)

    def work(pieces: Iterator[tuple[int, Pair, Pair, int]]) -> None:
        total, term = np.empty(largest, y.dtype), np.empty(largest, y.dtype)
        for n, (start, stop), (top, bottom), f in pieces:
            rows = padded_rows(x[n, start:stop, 0], problem, *read_by(problem, top, bottom))
            shape = stop - start, bottom - top, _pitch(problem)
            size = shape[0] * shape[1] * shape[2]
            sums = _sum(
                _shifted(rows, bottom - top, problem),
                weight[start:stop, f, 0],
                total[:size].reshape(shape),
                term[:size].reshape(shape),
            )
            y[n, start:stop, f, top:bottom] = sums[:, :, : problem.output[1]]

    images, filters = range(problem.images), range(problem.filters)
    pieces = list(product(images, _channels(problem), _bands(problem), filters))
    share(pieces, work, threaded=problem.macs > SHARED_MACS)
    return y


def _sum(shifted: Array, weight: Array, total: Array, term: Array) -> Array:
    """Σ_ij shifted[i, j] · weight[:, i, j] in `total` (c, h', pitch), by way of `term`."""
    # a run along all rows of a channel where views are flat, else row by row
    shape = shifted.shape[2:]
    sums, product_ = (
        flat.reshape(len(total), -1)[:, : shape[1]] if len(shape) == 2 else flat
        for flat in (total, term)
    )
    for place in np.ndindex(*shifted.shape[:2]):
        scale = weight[:, *place].reshape(-1, *[1] * (len(shape) - 1))
        if place == (0, 0):
            np.multiply(shifted[place], scale, out=sums)
        else:
            np.multiply(shifted[place], scale, out=product_)
            np.add(sums, product_, out=sums)
    return total


def _shifted(rows: Array, height: int, problem: Problem) -> Array:
    """Padded rows (c, h, w) as a view of each tap: (i, j, c, run) or (i, j, c, h', w')."""
    if _flat(problem):
        rows = np.ascontiguousarray(rows)
    channel, row, column = rows.strides
    (down, across), (apart, aside) = problem.stride, problem.dilation
    taps, steps = problem.kernel, (apart * row, aside * column)
    if _flat(problem):
        run = (height - 1) * rows.shape[2] + problem.output[1]
        return as_strided(rows, (*taps, len(rows), run), (*steps, channel, column))
    return as_strided(
        rows,
        (*taps, len(rows), height, problem.output[1]),
        (*steps, channel, down * row, across * column),
    )


def _flat(problem: Problem) -> bool:
    return problem.stride == (1, 1)


def _pitch(problem: Problem) -> int:
    """Values from one row of sums to the next."""
    return problem.padded[1] if _flat(problem) else problem.output[1]


def _bands(problem: Problem) -> list[Pair]:
    return spans(problem.output[0], BLOCK_BYTES // (_pitch(problem) * problem.itemsize))


def _channels(problem: Problem) -> list[Pair]:
    one = _pitch(problem) * min(problem.output[0], _bands(problem)[0][1]) * problem.itemsize
    fitting = max(BLOCK_BYTES // one, 1)
    return spans(problem.groups, min(fitting, ceil_div(problem.groups, 2)))
