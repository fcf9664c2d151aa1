"""Shift and add, for filters of one channel: kernel rows in one pass, kernel columns added up.

For each kernel column one pass sums the products of all its taps,

    P[j] = Σ_i w[i, j] · x[i]          y = Σ_j P[j] shifted by j

each product added where it is computed, so that i·j taps cost j passes and j − 1 sums. The padded
rows of a channel are one flat array in which a shift is an offset: what is computed between the end
of a row and the start of the next is left behind. Where columns are skipped, those that a kernel
column meets are copied beside each other first.
"""

from collections.abc import Iterator
from itertools import product
from math import gcd
from typing import NamedTuple

import numpy as np

from convcli.arrays import Array
from convcli.conv.padding import padded_rows
from convcli.conv.sliding import new_output, read_by, spans
from convcli.conv.spec import Problem
from convcli.conv.threads import share, threads
from convcli.geometry import Pair, ceil_div

BLOCK_BYTES = 512 << 10
"""Values of one pass: three such arrays stay in the second-level cache of current cores."""

SHARED_MACS = 40_000_000
"""Above that, two threads with passes of their own are faster than one."""

SECONDS_PER_TAP = 2e-10
SECONDS_PER_SUM = 2e-10
SECONDS_PER_BLOCK = 6e-05
"""Seconds, from CPU times of the depthwise layers of MobileNet and EfficientNet on one core."""


def refuses(problem: Problem) -> str | None:
    if problem.channels != 1:
        return f"each filter sums {problem.channels} channels, not one"
    return None


def cost(problem: Problem) -> float:
    passes = problem.images * problem.groups * problem.filters * problem.output[0] * _pitch(problem)
    blocks = problem.images * len(_channels(problem)) * len(_bands(problem))
    return (
        SECONDS_PER_TAP * passes * problem.taps
        + SECONDS_PER_SUM * passes * len(_passes(problem))
        + SECONDS_PER_BLOCK * blocks * problem.filters
    )


def workspace_bytes(problem: Problem) -> int:
    rows, channels = _bands(problem)[0][1], _channels(problem)[0][1]
    # as they came, and apart by what strides skip
    padded = 2 * channels * _rows_read(problem, 0, rows) * _pitch(problem) * problem.stride[1]
    each = padded + 2 * channels * rows * _pitch(problem) + 2 * _slack(problem)
    weight = problem.groups * problem.filters * problem.taps
    return (threads() * each + weight) * problem.itemsize


def convolve(x: Array, weight: Array, problem: Problem) -> Array:
    y = new_output(problem)
    channels, height, pitch = _channels(problem)[0][1], _bands(problem)[0][1], _pitch(problem)
    (down, across), most = problem.stride, _rows_read(problem, 0, height)
    passes, width, size = _passes(problem), problem.output[1], y.itemsize
    # a run per kernel column
    columns = np.ascontiguousarray(weight[:, :, 0].transpose(1, 3, 0, 2))

    def work(pieces: Iterator[tuple[int, Pair, Pair, int]]) -> None:
        padded = np.zeros(channels * most * pitch * across + _slack(problem), y.dtype)
        apart = padded if down == across == 1 else np.zeros_like(padded)
        sums = np.empty((2, channels * height * pitch), y.dtype)
        for n, (start, stop), (top, bottom), f in pieces:
            count, lines, run = stop - start, _rows_read(problem, top, bottom), bottom - top
            rows = padded[: count * lines * pitch * across].reshape(count, lines, pitch * across)
            padded_rows(x[n, start:stop, 0], problem, top * down, top * down + lines, rows)
            if apart is not padded:
                split = rows.reshape(count, lines // down, down, pitch, across)
                split = split.transpose(0, 2, 4, 1, 3)
                np.copyto(apart[: rows.size].reshape(split.shape), split)
            total, term = sums[:, : count * run * pitch].reshape(2, count, run * pitch)
            plane = lines * pitch * across
            for place, (j, taps, phase, step, offset) in enumerate(passes):
                weights = columns[f, j, start:stop, taps]
                # as_strided takes as long as the sums
                view: Array = np.ndarray(
                    (count, weights.shape[1], run * pitch),
                    y.dtype,
                    apart,
                    (phase * plane // (down * across) + offset) * size,
                    (plane * size, step * size, size),
                )
                np.einsum("ci,cin->cn", weights, view, out=term if place else total)
                if place:
                    np.add(total, term, out=total)
            y[n, start:stop, f, top:bottom] = total.reshape(count, run, pitch)[:, :, :width]

    images, filters = range(problem.images), range(problem.filters)
    pieces = list(product(images, _channels(problem), _bands(problem), filters))
    share(pieces, work, threaded=problem.macs > SHARED_MACS)
    return y


class Pass(NamedTuple):
    """Taps of one kernel column that meet the same rows, of those that the strides take apart."""

    column: int
    taps: slice
    phase: int
    """Which of the rows and columns that are apart, in the order of rows."""
    step: int
    """Values from one tap to the next."""
    offset: int
    """The value that the first tap meets first."""


def _passes(problem: Problem) -> list[Pass]:
    (height, width), (down, across), (apart, aside) = (
        problem.kernel,
        problem.stride,
        problem.dilation,
    )
    pitch, common = _pitch(problem), gcd(apart, down)
    passes = []
    for j, i in product(range(width), range(min(down // common, height))):
        row, row_phase = divmod(i * apart, down)
        column, column_phase = divmod(j * aside, across)
        taps, step = slice(i, None, down // common), apart // common * pitch
        phase = row_phase * across + column_phase
        passes.append(Pass(j, taps, phase, step, row * pitch + column))
    return passes


def _rows_read(problem: Problem, top: int, bottom: int) -> int:
    """Padded rows that output rows top..bottom read, whole strides of them."""
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
