"""The definition, in loops: the oracle of every other algorithm, and the one to read first.

    y[n, g, f, u, v] = Σ_c Σ_i Σ_j  x[n, g, c, u·s + d·i, v·s + d·j] · weight[g, f, c, i, j]

Goodfellow, Bengio & Courville, "Deep Learning" (2016), equation 9.6, with stride s, dilation d
and groups g.
"""

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.conv.problem import Problem

SECONDS_PER_MAC = 3.8e-7
"""Measured by tests/benchmarks/layers.py."""


def refuses(problem: Problem) -> str | None:
    return None


def cost(problem: Problem) -> float:
    return SECONDS_PER_MAC * problem.macs


def convolve(x: NDArray[Any], weight: NDArray[Any], problem: Problem) -> NDArray[Any]:
    places = product(*map(range, (problem.images, problem.groups, problem.filters)))
    y = np.empty((problem.images, problem.groups, problem.filters, *problem.output), x.dtype)
    for n, g, f in places:
        for u, v in product(*map(range, problem.output)):
            total = x.dtype.type(0)
            for c, i, j in product(*map(range, (problem.channels, *problem.kernel))):
                h = u * problem.stride[0] + i * problem.dilation[0]
                w = v * problem.stride[1] + j * problem.dilation[1]
                total += x[n, g, c, h, w] * weight[g, f, c, i, j]
            y[n, g, f, u, v] = total
    return y
