"""Interchangeable ways to compute a Problem.

Each module is one algorithm and answers

    refuses(problem) -> str | None     why not, in a sentence; None when it can
    cost(problem) -> float             predicted seconds; `auto` takes the least
    convolve(x, weight, problem) -> y  arrays as Problem draws them, a new array
"""

from typing import Any, Protocol

from numpy.typing import NDArray

from convcli.conv.algorithms import gemm, reference
from convcli.conv.problem import Problem


class Algorithm(Protocol):
    """The contract of the modules in this folder."""

    def refuses(self, problem: Problem) -> str | None: ...
    def cost(self, problem: Problem) -> float: ...
    def convolve(self, x: NDArray[Any], weight: NDArray[Any], problem: Problem) -> NDArray[Any]: ...


ALGORITHMS: dict[str, Algorithm] = {
    "gemm": gemm,
    "reference": reference,
}
