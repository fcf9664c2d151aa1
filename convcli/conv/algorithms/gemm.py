"""Windows as columns, filters as rows, one matrix product: im2col, band by band.

A band is as many rows of the output as keep its columns in the processor's cache, so the columns
of a large picture never exist at once (Chellapilla, Puri & Simard 2006 for the idea).
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from convcli.conv.problem import Problem

BAND_BYTES = 1 << 20
"""Columns of one band: within the 2 MB second-level cache of current cores, with the product."""

SECONDS_PER_MAC = 1.3e-11
SECONDS_PER_BAND = 2e-5
"""Measured by tests/benchmarks/layers.py on two cores: large layers, and one small one."""


def refuses(problem: Problem) -> str | None:
    return None


def cost(problem: Problem) -> float:
    bands = -(-problem.output[0] // band_rows(problem, 4))
    return SECONDS_PER_MAC * problem.macs + SECONDS_PER_BAND * bands


def band_rows(problem: Problem, itemsize: int) -> int:
    """Output rows whose columns fill BAND_BYTES, at least one."""
    row_bytes = problem.taps * problem.output[1] * itemsize
    return min(max(BAND_BYTES // max(row_bytes, 1), 1), max(problem.output[0], 1))


def convolve(x: NDArray[Any], weight: NDArray[Any], problem: Problem) -> NDArray[Any]:
    height, width = problem.output
    y = np.empty((problem.images, problem.groups, problem.filters, height * width), x.dtype)
    rows = weight.reshape(problem.groups, problem.filters, problem.taps)
    band = band_rows(problem, x.itemsize)
    buffer = np.empty(problem.taps * band * width, x.dtype)
    for n, g in np.ndindex(problem.images, problem.groups):
        windows = _windows(x[n, g], problem)
        for top in range(0, height, band):
            bottom = min(top + band, height)
            view = windows[..., top:bottom, :]
            columns = buffer[: view.size].reshape(view.shape)
            np.copyto(columns, view)
            place = y[n, g, :, top * width : bottom * width]
            np.matmul(rows[g], columns.reshape(problem.taps, -1), out=place)
    return y.reshape(problem.images, problem.groups, problem.filters, height, width)


def _windows(x: NDArray[Any], problem: Problem) -> NDArray[Any]:
    """A view of one group of one image, (c, h, w), as (c, i, j, h', w'): nothing is copied."""
    reach = [d * (k - 1) + 1 for k, d in zip(problem.kernel, problem.dilation, strict=True)]
    (down, across), (apart, aside) = problem.stride, problem.dilation
    places = sliding_window_view(x, reach, axis=(1, 2))
    return places[:, ::down, ::across, ::apart, ::aside].transpose(0, 3, 4, 1, 2)
