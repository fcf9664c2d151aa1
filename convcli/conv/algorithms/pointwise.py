"""One tap a channel: a 1×1 convolution is a matrix product, without any columns to copy."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.conv.problem import Pair, Problem
from convcli.conv.windows import new_output, spans
from convcli.conv.workers import share, threads, worth_threads

PLACES = 1600
"""Places of one product: enough to hide that the weights are read again for each."""

SECONDS_PER_MAC = 3.5e-12
SECONDS_PER_PIECE = 1e-5


def refuses(problem: Problem) -> str | None:
    if problem.kernel != (1, 1):
        return f"a kernel of {problem.kernel[0]}x{problem.kernel[1]} is more than one tap"
    if problem.stride != (1, 1):
        return "a stride skips places"
    if not problem.untouched:
        return "a border has to be added"
    return None


def cost(problem: Problem) -> float:
    pieces = problem.images * problem.groups * len(_places(problem))
    return SECONDS_PER_MAC * problem.macs + SECONDS_PER_PIECE * pieces


def workspace_bytes(problem: Problem) -> int:
    columns = problem.channels * _places(problem)[0][1] * problem.itemsize
    return (threads() if _shared(problem) else 1) * columns


def convolve(x: NDArray[Any], weight: NDArray[Any], problem: Problem) -> NDArray[Any]:
    y = new_output(problem)
    filters = weight[..., 0, 0]
    flat_x = x.reshape(*x.shape[:3], problem.places)
    flat_y = y.reshape(*y.shape[:3], problem.places)

    def work(pieces: Iterator[Any]) -> None:
        for n, g, (start, stop) in pieces:
            columns = flat_x[n, g, :, start:stop].astype(problem.dtype, copy=False)
            np.matmul(filters[g], columns, out=flat_y[n, g, :, start:stop])

    pieces = list(product(range(problem.images), range(problem.groups), _places(problem)))
    if _shared(problem):
        share(pieces, work)
    else:
        work(iter(pieces))
    return y


def _places(problem: Problem) -> list[Pair]:
    return spans(problem.places, PLACES if _shared(problem) else problem.places)


def _shared(problem: Problem) -> bool:
    return worth_threads(SECONDS_PER_MAC * problem.macs)
