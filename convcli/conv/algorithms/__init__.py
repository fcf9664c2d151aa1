"""Interchangeable ways to compute a Problem.

Each entry is one algorithm and answers

    refuses(problem) -> str | None     why not, in a sentence; None when it can
    cost(problem) -> float             predicted seconds; `auto` takes the least
    workspace_bytes(problem) -> int    the most it allocates beside y
    convolve(x, weight, problem) -> y  arrays as Problem draws them, none empty; a new array
"""

from typing import Protocol

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


def chosen(problem: Problem) -> str:
    """The name of the cheapest algorithm that does not refuse: what "auto" means."""
    able = [name for name, one in ALGORITHMS.items() if one.refuses(problem) is None]
    return min(able, key=lambda name: ALGORITHMS[name].cost(problem))


def choose(problem: Problem, name: str) -> Algorithm:
    """The algorithm of this name, or for "auto" the cheapest that does not refuse.

    Raises UnfitError, with the reason, when the one that was asked for refuses.
    """
    names = "auto", *ALGORITHMS
    if not isinstance(name, str) or name not in names:
        raise UnfitError(f"algorithm={name!r} is none of {', '.join(names)}")
    if name == "auto":
        name = chosen(problem)
    if reason := ALGORITHMS[name].refuses(problem):
        raise UnfitError(f"algorithm={name!r} refuses: {reason}")
    return ALGORITHMS[name]
