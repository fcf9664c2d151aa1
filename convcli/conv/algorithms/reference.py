"""The definition, in loops: the oracle of every other algorithm, and the one to read first.

    y[n, g, f, u, v] = Σ_c Σ_i Σ_j  x[n, g, c, u·s + d·i, v·s + d·j] · weight[g, f, c, i, j]

Goodfellow, Bengio & Courville, "Deep Learning" (2016), equation 9.6, with stride s, dilation d
and groups g.
"""

from itertools import product

import numpy as np

from convcli.arrays import Array
from convcli.conv.padding import padded_rows
from convcli.conv.sliding import new_output
from convcli.conv.spec import Problem

SECONDS_PER_MAC = 3.8e-7
"""Measured by tests/benchmarks/layers.py."""


def refuses(problem: Problem) -> str | None:
    return None


def cost(problem: Problem) -> float:
    return SECONDS_PER_MAC * problem.macs


def workspace_bytes(problem: Problem) -> int:
    height, width = problem.padded
    return problem.channels * height * width * problem.itemsize


def convolve(x: Array, weight: Array, problem: Problem) -> Array:
    y = new_output(problem)
    for n, g in np.ndindex(problem.images, problem.groups):
        padded = padded_rows(x[n, g], problem, 0, problem.padded[0])
        for f, u, v in product(*map(range, (problem.filters, *problem.output))):
            total = y.dtype.type(0)
            for c, i, j in product(*map(range, (problem.channels, *problem.kernel))):
                h = u * problem.stride[0] + i * problem.dilation[0]
                w = v * problem.stride[1] + j * problem.dilation[1]
                total += padded[c, h, w] * weight[g, f, c, i, j]
            y[n, g, f, u, v] = total
    return y
