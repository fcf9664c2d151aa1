"""One product per row of the output: im2col that copies kernel columns, not kernel rows.

Each padded row is copied once per kernel column j, into shifted[h, c, j, w'] = x[c, h, w'·s + d·j].
The windows of output row u are then the rows u·s … u·s + i of `shifted`, which lie one after
another: a matrix (i·c·j) × w' that exists without a copy. Where im2col copies i·j values for one
of x, this copies j, and few wide rows are worth one product each.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convcli.arrays import Array
from convcli.conv.padding import padded_rows
from convcli.conv.sliding import new_output, read_by, spans
from convcli.conv.spec import Problem
from convcli.conv.threads import SHARED_MACS, share, threads
from convcli.geometry import Pair, ceil_div, output_length

BAND_BYTES = 768 << 10
"""Shifted rows of one band: about what a second-level cache of 512 KB to 2 MB holds."""

COLUMNS = 768
"""The most columns of one product."""

SECONDS_PER_MAC = 4.3e-11
SECONDS_PER_COPY = 6.3e-10
SECONDS_PER_WEIGHT = 7.3e-10
SECONDS_PER_ROW = 1.2e-06
SECONDS_PER_BAND = 4.2e-05
"""CPU seconds, fitted by tests/benchmarks/fit.py."""


def refuses(problem: Problem) -> str | None:
    if problem.dilation[0] != 1:
        return f"rows {problem.dilation[0]} apart do not lie one after another"
    return None


def cost(problem: Problem) -> float:
    each = problem.images * problem.groups
    band, width = _band(problem)
    products = problem.output[0] * len(spans(problem.output[1], width))
    bands = ceil_div(problem.output[0], band)
    first, last = read_by(problem, 0, band)
    row = problem.channels * problem.kernel[1] * problem.output[1]
    copies = each * bands * (last - first) * row
    return (
        SECONDS_PER_MAC * problem.macs
        + SECONDS_PER_COPY * copies
        # BLAS packs the weights again for each product
        + SECONDS_PER_WEIGHT * each * products * problem.filters * problem.taps
        + SECONDS_PER_ROW * each * products
        + SECONDS_PER_BAND * each * bands
    )


def workspace_bytes(problem: Problem) -> int:
    band, width = _band(problem)
    first, last = read_by(problem, 0, band)
    # the padded rows of one band live until those of the next are there
    padded = 2 * problem.channels * problem.padded[1]
    shifted = problem.channels * problem.kernel[1] * width
    weight = problem.groups * problem.filters * problem.taps
    return (threads() * (last - first) * (shifted + padded) + weight) * problem.itemsize


def convolve(x: Array, weight: Array, problem: Problem) -> Array:
    y = new_output(problem)
    # taps in the order of the shifted rows: i, c, j
    filters = weight.transpose(0, 1, 3, 2, 4).reshape(problem.groups, problem.filters, problem.taps)
    band, width = _band(problem)
    first, last = read_by(problem, 0, band)
    parts = spans(problem.output[1], width)

    def work(pieces: Iterator[tuple[int, int, Pair]]) -> None:
        buffer = np.empty((last - first) * problem.channels * problem.kernel[1] * width, y.dtype)
        for n, g, (top, bottom) in pieces:
            rows = padded_rows(x[n, g], problem, *read_by(problem, top, bottom))
            shifts = _shifts(rows, problem)
            for left, right in parts:
                part = shifts[..., left:right]
                shifted = buffer[: part.size].reshape(part.shape)
                np.copyto(shifted, part)
                row, _, _, column = shifted.strides
                below: Array = np.ndarray(
                    (bottom - top, problem.taps, right - left),
                    y.dtype,
                    buffer,
                    strides=(problem.stride[0] * row, (right - left) * column, column),
                )
                target = y[n, g, :, top:bottom, left:right].transpose(1, 0, 2)
                np.matmul(filters[g], below, out=target)

    bands = spans(problem.output[0], band)
    pieces = list(product(range(problem.images), range(problem.groups), bands))
    share(pieces, work, threaded=problem.macs > SHARED_MACS)
    return y


def _shifts(rows: Array, problem: Problem) -> Array:
    """Padded rows (c, h, w) as a view (h, c, j, w')."""
    channel, row, column = rows.strides
    return as_strided(
        rows,
        (rows.shape[1], len(rows), problem.kernel[1], problem.output[1]),
        (row, channel, problem.dilation[1] * column, problem.stride[1] * column),
        writeable=False,
    )


def _band(problem: Problem) -> Pair:
    """Output rows whose shifted rows fill BAND_BYTES, and the columns of one product."""
    width = problem.output[1]
    # even parts: a short last one would be the slowest
    width = ceil_div(width, ceil_div(width, COLUMNS))
    row = problem.channels * problem.kernel[1] * width * problem.itemsize
    lines = max(BAND_BYTES // row, problem.dilated_kernel[0])
    fitting = output_length(lines, problem.windows[0])
    return min(max(fitting, 4), ceil_div(problem.output[0], 2)), width
