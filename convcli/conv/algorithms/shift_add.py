"""Shift and add, for filters of one channel: every tap is the channel, shifted, times a weight.

    y = Σ_i Σ_j w[i, j] · x shifted by (i, j)

The padded rows of a channel are one flat array in which a shift is an offset, so that all taps of
a block of channels are one call on views; what it computes between the end of a row and the start
of the next is left behind. Where strides skip rows and columns, the cells that the same taps meet
are copied beside each other first, and each such set of taps is a call of its own.
"""

from collections.abc import Iterator
from itertools import product
from math import gcd, prod

import numpy as np

from convcli.arrays import Array
from convcli.conv.padding import padded_rows
from convcli.conv.sliding import new_output, read_by, spans
from convcli.conv.spec import Problem
from convcli.conv.threads import share, threads
from convcli.geometry import Pair, ceil_div
from convcli.records import NamedTuple

BLOCK_BYTES = 240 << 10
"""Sums of one call: with the cells that they are made of, they stay in a second-level cache of
512 KB while every tap passes them. 160 to 320 KB are as fast, 480 KB take a fifth longer."""

SHARED_MACS = 2_000_000
"""Above that, about half a millisecond, a second thread is worth waking."""

SECONDS_PER_TAP = 1.5e-10
SECONDS_PER_CELL = 2.2e-09
SECONDS_PER_BLOCK = 5.5e-05
"""CPU seconds, fitted by tests/benchmarks/fit.py."""


def refuses(problem: Problem) -> str | None:
    if problem.channels != 1:
        return f"each filter sums {problem.channels} channels, not one"
    return None


def cost(problem: Problem) -> float:
    channels = problem.images * problem.groups
    sums = channels * problem.filters * problem.output[0] * _pitch(problem)
    passes = len(_passes(problem))
    blocks = problem.images * len(_channels(problem)) * len(_bands(problem))
    return (
        SECONDS_PER_TAP * sums * problem.taps
        + SECONDS_PER_CELL * (channels * prod(problem.padded) + sums)
        + SECONDS_PER_BLOCK * blocks * problem.filters * passes
    )


def workspace_bytes(problem: Problem) -> int:
    rows, channels = _bands(problem)[0][1], _channels(problem)[0][1]
    # as they came, and apart by what strides skip
    padded = 2 * channels * _rows_read(problem, 0, rows) * _pitch(problem) * problem.stride[1]
    each = padded + 2 * channels * rows * _pitch(problem) + 2 * _slack(problem)
    return threads() * each * problem.itemsize


def convolve(x: Array, weight: Array, problem: Problem) -> Array:
    y = new_output(problem)
    channels, height, pitch = _channels(problem)[0][1], _bands(problem)[0][1], _pitch(problem)
    (row_step, column_step), tallest = problem.stride, _rows_read(problem, 0, height)
    line, passes, width, size = pitch * column_step, _passes(problem), problem.output[1], y.itemsize

    def work(pieces: Iterator[tuple[int, Pair, Pair]]) -> None:
        padded = np.zeros(channels * tallest * line + _slack(problem), y.dtype)
        apart = padded if row_step == column_step == 1 else np.zeros_like(padded)
        sums = np.empty((2, channels * height * pitch), y.dtype)
        for n, (start, stop), (top, bottom) in pieces:
            count, lines, run = stop - start, _rows_read(problem, top, bottom), bottom - top
            plane = lines * line
            rows = padded[: count * plane].reshape(count, lines, line)
            padded_rows(x[n, start:stop, 0], problem, top * row_step, top * row_step + lines, rows)
            if apart is not padded:
                split = rows.reshape(count, lines // row_step, row_step, pitch, column_step)
                split = split.transpose(0, 2, 4, 1, 3)
                np.copyto(apart[: rows.size].reshape(split.shape), split)
            total, term = sums[:, : count * run * pitch].reshape(2, count, run * pitch)
            for f in range(problem.filters):
                for number, (taps, phase, steps, offset) in enumerate(passes):
                    weights = weight[start:stop, f, 0, *taps]
                    # as_strided takes as long as the sums
                    view: Array = np.ndarray(
                        (*weights.shape, run * pitch),
                        y.dtype,
                        apart,
                        (phase * plane // (row_step * column_step) + offset) * size,
                        (plane * size, *(step * size for step in steps), size),
                    )
                    # "F" walks along n first and over the taps last: each call of the inner loop
                    # is as long as a channel
                    out = (term if number else total).T
                    np.einsum("cij,cijn->nc", weights, view, out=out, order="F")
                    if number:
                        np.add(total, term, out=total)
                np.copyto(
                    y[n, start:stop, f, top:bottom], total.reshape(count, run, pitch)[:, :, :width]
                )

    pieces = list(product(range(problem.images), _channels(problem), _bands(problem)))
    share(pieces, work, threaded=problem.macs > SHARED_MACS)
    return y


class Pass(NamedTuple):
    """Taps that meet cells of the same phase, of those that the strides take apart."""

    taps: tuple[slice, slice]
    phase: int
    """Which of the rows and columns that are apart, in the order of rows."""
    steps: Pair
    """Values from one tap to the next, below it and beside it."""
    offset: int
    """The value that the first tap meets first."""


def _passes(problem: Problem) -> list[Pass]:
    (row_step, column_step), (row_spacing, column_spacing) = problem.stride, problem.dilation
    pitch, height, width = _pitch(problem), *problem.kernel
    # the number of taps after which the phases come again
    rows = row_step // gcd(row_spacing, row_step)
    columns = column_step // gcd(column_spacing, column_step)
    passes = []
    for i, j in product(range(min(rows, height)), range(min(columns, width))):
        row, row_phase = divmod(i * row_spacing, row_step)
        column, column_phase = divmod(j * column_spacing, column_step)
        taps = slice(i, None, rows), slice(j, None, columns)
        phase, offset = row_phase * column_step + column_phase, row * pitch + column
        steps = row_spacing * rows // row_step * pitch, column_spacing * columns // column_step
        passes.append(Pass(taps, phase, steps, offset))
    return passes


def _rows_read(problem: Problem, top: int, bottom: int) -> int:
    """Padded rows that output rows top..bottom read, in complete strides."""
    first, last = read_by(problem, top, bottom)
    return ceil_div(last - first, problem.stride[0]) * problem.stride[0]


def _pitch(problem: Problem) -> int:
    """Values from one row of sums to the next: the padded columns, less those skipped."""
    return ceil_div(problem.padded[1], problem.stride[1])


def _slack(problem: Problem) -> int:
    """Values behind the last row that shifted rows run into."""
    return problem.dilated_kernel[1]


def _bands(problem: Problem) -> list[Pair]:
    return spans(problem.output[0], BLOCK_BYTES // (_pitch(problem) * problem.itemsize))


def _channels(problem: Problem) -> list[Pair]:
    band = min(problem.output[0], _bands(problem)[0][1])
    fitting = max(BLOCK_BYTES // (_pitch(problem) * band * problem.itemsize), 1)
    return spans(problem.groups, min(fitting, ceil_div(problem.groups, 2)))
