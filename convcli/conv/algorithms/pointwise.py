"""One tap per channel: a 1×1 convolution is a matrix product, without any columns to copy."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from convcli.arrays import Array
from convcli.conv.sliding import new_output, spans
from convcli.conv.spec import Problem
from convcli.conv.threads import SHARED_MACS, share, threads
from convcli.geometry import Pair, ceil_div

POSITIONS = 1600
"""Positions of one product: enough that reading the weights again for each does not show."""

SECONDS_PER_MAC = 4.1e-11
SECONDS_PER_WEIGHT = 6.1e-10
SECONDS_PER_BAND = 4.4e-05
"""CPU seconds: those of the products of im2col, whose columns it does not need."""


def refuses(problem: Problem) -> str | None:
    if problem.kernel != (1, 1):
        return f"a kernel of {problem.kernel[0]}x{problem.kernel[1]} is more than one tap"
    if problem.stride != (1, 1):
        return "a stride skips places"
    if not problem.untouched:
        return "a border has to be added"
    return None


def cost(problem: Problem) -> float:
    bands = problem.images * problem.groups * len(_bands(problem))
    return (
        SECONDS_PER_MAC * problem.macs
        # BLAS packs the weights again for each product
        + SECONDS_PER_WEIGHT * bands * problem.filters * problem.taps
        + SECONDS_PER_BAND * bands
    )


def workspace_bytes(problem: Problem) -> int:
    """What bands take that are not matrices of `dtype` yet; nothing where x is."""
    rows = _bands(problem)[0][1]
    columns = problem.channels * rows * problem.output[1] * problem.itemsize
    return threads() * columns


def convolve(x: Array, weight: Array, problem: Problem) -> Array:
    y = new_output(problem)
    filters, width = weight[..., 0, 0], problem.output[1]
    flat = y.reshape(*y.shape[:3], problem.positions)

    def work(pieces: Iterator[tuple[int, int, Pair]]) -> None:
        for n, g, (top, bottom) in pieces:
            band = x[n, g, :, top:bottom].astype(problem.dtype, copy=False)
            columns = band.reshape(problem.channels, (bottom - top) * width)
            np.matmul(filters[g], columns, out=flat[n, g, :, top * width : bottom * width])

    pieces = list(product(range(problem.images), range(problem.groups), _bands(problem)))
    share(pieces, work, threaded=problem.macs > SHARED_MACS)
    return y


def _bands(problem: Problem) -> list[Pair]:
    height, width = problem.output
    return spans(height, min(POSITIONS // width, ceil_div(height, 2)))
