"""Which inputs fit: the smallest that works, the nearest that leave nothing over."""

from typing import NamedTuple

from convcli.nets.analysis.summary import Failure, Summary, trace
from convcli.nets.graph import Network
from convcli.nets.layers import Shape

MAX_SIDE = 4096
"""The largest side that is searched."""

MAX_DISTANCE = 256
"""How far around an input the nearest fitting ones are searched."""


class FitReport(NamedTuple):
    """`unread` names the layers that leave rows or columns over; sides are of square inputs."""

    unread: tuple[str, ...]
    below: int | None
    above: int | None
    smallest: int | None


def fit_report(network: Network, summary: Summary) -> FitReport:
    """Where an input leaves something over, and which square inputs leave nothing over."""
    unread = tuple(warning.partition(":")[0] for warning in summary.warnings)
    side, shape = max(summary.input[1:], default=1), summary.input
    downward = range(side if not unread else side - 1, max(side - MAX_DISTANCE, 0), -1)
    upward = range(side if not unread else side + 1, side + MAX_DISTANCE)
    below, above = (
        next((n for n in sides if fits(network, shape, n)), None) for sides in (downward, upward)
    )
    return FitReport(unread, below, above, smallest(network, shape))


def resized(shape: Shape, side: int) -> Shape:
    """An input of the same channels with every axis `side` long."""
    return (shape[0], *(side for _ in shape[1:]))


def fits(network: Network, shape: Shape, side: int) -> bool:
    """Whether a square input works and leaves nothing over."""
    summary = trace(network, resized(shape, side), keep_going=True)
    return summary.whole and not summary.warnings


def legal(network: Network, shape: Shape, side: int) -> bool:
    """Whether a square input works, with declared linear sizes corrected where they do not fit."""
    return trace(network, resized(shape, side), keep_going=True).whole


def smallest(network: Network, shape: Shape) -> int | None:
    """The smallest square input that works; larger ones do too, so bisection finds it."""
    if len(shape) == 1:
        return None
    low, high = 0, MAX_SIDE
    if not legal(network, shape, high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if legal(network, shape, middle) else (middle, high)
    return high


def input_for(network: Network, shape: Shape, failure: Failure) -> int | None:
    """The square input under which a linear layer gets what it declared, if there is one.

    What arrives at a layer grows with the input, so bisection finds it.
    """
    if failure.declared is None or len(shape) < 3:
        return None
    nodes = network.at(shape).nodes
    index = [node.name for node in nodes].index(failure.node.name)
    prefix = Network(nodes[: index + 1])

    def arriving(side: int) -> int:
        """The values that arrive there: 0 where the input is too small."""
        summary = trace(prefix, resized(shape, side), keep_going=True)
        if len(summary.rows) <= index:
            return 0
        for other in summary.failures:
            if other.node.name == failure.node.name:
                return other.corrected or 0
        return failure.declared or 0

    low, high = 0, MAX_SIDE
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if arriving(middle) < failure.declared else (low, middle)
    return high if arriving(high) == failure.declared else None
