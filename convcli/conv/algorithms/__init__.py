"""Interchangeable ways to compute a Problem.

Each entry is one algorithm and answers

    refuses(problem) -> str | None     why not, in a sentence; None when it can
    cost(problem) -> float             predicted seconds; `auto` takes the cheapest
    workspace_bytes(problem) -> int    maximum bytes allocated beside y
    convolve(x, weight, problem) -> y  arrays as Problem draws them, none empty; a new array
"""

from functools import lru_cache
from typing import Protocol

import numpy as np

from convcli.arrays import Array
from convcli.conv.algorithms import fft, im2col, pointwise, reference, row_im2col, shift_add
from convcli.conv.algorithms.winograd import Winograd
from convcli.conv.spec import Problem
from convcli.errors import UnfitError


class Algorithm(Protocol):
    """The contract of the entries of ALGORITHMS."""

    def refuses(self, problem: Problem) -> str | None: ...
    def cost(self, problem: Problem) -> float: ...
    def workspace_bytes(self, problem: Problem) -> int: ...
    def convolve(self, x: Array, weight: Array, problem: Problem) -> Array: ...


ALGORITHMS: dict[str, Algorithm] = {
    "gemm": im2col,
    "rows": row_im2col,
    "pointwise": pointwise,
    "depthwise": shift_add,
    "fourier": fft,
    "winograd-2x2": Winograd(products=4),
    "winograd-4x4": Winograd(products=6),
    "reference": reference,
}


TRANSFORMS = ("fourier", "winograd-2x2", "winograd-4x4")
"""Algorithms that sum over more than a window: what overflows there spreads."""

GROWTH = 2.0**20
"""Sums of a transform by Σ|w|·max|x|, at most: the largest tile has 512² values, times 4."""


@lru_cache(maxsize=256)
def chosen(problem: Problem, among: tuple[str, ...] = ()) -> str:
    """The name of the cheapest algorithm that does not refuse: what "auto" means."""
    able = [name for name in among or ALGORITHMS if ALGORITHMS[name].refuses(problem) is None]
    return min(able, key=lambda name: ALGORITHMS[name].cost(problem))


def chosen_for(problem: Problem, x: Array, weight: Array) -> str:
    """The same for these values: no transform where its sums may not be finite.

    >>> problem = Problem(1, 1, 1, 1, (256, 256), ((0, 0), (0, 0)), (31, 31), (1, 1), (1, 1))
    >>> x, weight = np.ones((256, 256), np.float32), np.ones((1, 1, 31, 31), np.float32)
    >>> chosen_for(problem, x, weight), chosen_for(problem, x * 1e36, weight)
    ('fourier', 'depthwise')
    """
    name = chosen(problem)
    if name not in TRANSFORMS or not x.size:
        return name
    largest = max(float(x.max()), -float(x.min()))
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.abs(weight, dtype=np.float64).sum(axis=(1, 2, 3)).max()
        fits = GROWTH * largest * total < np.finfo(problem.dtype).max
    return name if fits else chosen(problem, tuple(set(ALGORITHMS) - set(TRANSFORMS)))


def choose(problem: Problem, name: str) -> Algorithm:
    """The algorithm of this name, or for "auto" the cheapest that does not refuse.

    Raises UnfitError, with the reason, when an explicit choice refuses.
    """
    names = "auto", *ALGORITHMS
    if not isinstance(name, str) or name not in names:
        raise UnfitError(f"algorithm={name!r} is none of {', '.join(names)}")
    if name == "auto":
        name = chosen(problem)
    if reason := ALGORITHMS[name].refuses(problem):
        raise UnfitError(f"algorithm={name!r} refuses: {reason}")
    return ALGORITHMS[name]
