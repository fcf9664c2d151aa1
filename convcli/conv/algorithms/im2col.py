"""Windows as columns, filters as rows, one matrix product: im2col, band by band.

A band is as many rows of the output as keep its columns in the processor's cache, so the columns
of a large picture never exist at once (Chellapilla, Puri & Simard 2006 for the idea).
"""

from collections.abc import Iterator
from itertools import product

import numpy as np

from convcli.arrays import Array
from convcli.conv.padding import padded_rows
from convcli.conv.sliding import new_output, read_by, spans, windows
from convcli.conv.spec import Problem
from convcli.conv.threads import SHARED_MACS, share, threads
from convcli.geometry import Pair, ceil_div

BAND_BYTES = 768 << 10
"""Columns of one band: about what a second-level cache of 512 KB to 2 MB holds."""

POSITIONS = 256
"""The minimum of positions in one product: BLAS packs the weights again for each."""

SECONDS_PER_MAC = 4.1e-11
SECONDS_PER_COLUMN = 7.1e-10
SECONDS_PER_WEIGHT = 6.1e-10
SECONDS_PER_BAND = 4.4e-05
"""CPU seconds, fitted by tests/benchmarks/fit.py."""


def refuses(problem: Problem) -> str | None:
    return None


def cost(problem: Problem) -> float:
    columns = problem.images * problem.groups * problem.taps * problem.positions
    bands = problem.images * problem.groups * len(_bands(problem))
    return (
        SECONDS_PER_MAC * problem.macs
        + SECONDS_PER_COLUMN * columns
        # BLAS packs the weights again for each product
        + SECONDS_PER_WEIGHT * bands * problem.filters * problem.taps
        + SECONDS_PER_BAND * bands
    )


def workspace_bytes(problem: Problem) -> int:
    rows = _band_rows(problem)
    first, last = read_by(problem, 0, rows)
    columns = problem.taps * rows * problem.output[1]
    # the padded rows of one band live until those of the next are there
    padded = 2 * problem.channels * (last - first) * problem.padded[1]
    return threads() * (columns + padded) * problem.itemsize


def convolve(x: Array, weight: Array, problem: Problem) -> Array:
    y = new_output(problem)
    filters = weight.reshape(problem.groups, problem.filters, problem.taps)
    width = problem.output[1]
    flat = y.reshape(*y.shape[:3], problem.positions)

    def work(pieces: Iterator[tuple[int, int, Pair]]) -> None:
        buffer = np.empty(problem.taps * _band_rows(problem) * width, problem.dtype)
        for n, g, (top, bottom) in pieces:
            rows = padded_rows(x[n, g], problem, *read_by(problem, top, bottom))
            view = windows(rows, problem)
            columns = buffer[: view.size].reshape(view.shape)
            np.copyto(columns, view)
            target = flat[n, g, :, top * width : bottom * width]
            np.matmul(filters[g], columns.reshape(problem.taps, -1), out=target)

    pieces = list(product(range(problem.images), range(problem.groups), _bands(problem)))
    share(pieces, work, threaded=problem.macs > SHARED_MACS)
    return y


def _bands(problem: Problem) -> list[Pair]:
    return spans(problem.output[0], _band_rows(problem))


def _band_rows(problem: Problem) -> int:
    """Output rows whose columns fill BAND_BYTES or make POSITIONS, in an even number of bands."""
    height, width = problem.output
    row = problem.taps * width * problem.itemsize
    rows = min(max(BAND_BYTES // row, ceil_div(POSITIONS, width)), ceil_div(height, 2))
    return ceil_div(height, 2 * ceil_div(height, 2 * rows))
