"""Which inputs fit: the smallest a network takes, the nearest that leave nothing over."""

from typing import NamedTuple

from convcli.nets.analysis.summary import Failure, Summary, trace
from convcli.nets.graph import Network
from convcli.nets.layers import Shape

LARGEST_SEARCHED = 4096
"""Sides beyond this are not looked for."""

FARTHEST = 256
"""How far around an input the nearest fitting ones are looked for."""


class FitReport(NamedTuple):
    """`unread` names the layers that leave rows or columns over; sides are of square inputs."""

    unread: tuple[str, ...]
    below: int | None
    above: int | None
    smallest: int | None


def fit_report(network: Network, summary: Summary) -> FitReport:
    """Where an input is not read to its end, and which square inputs fit all the way."""
    unread = tuple(warning.partition(":")[0] for warning in summary.warnings)
    side, shape = max(summary.input[1:], default=1), summary.input
    downward = range(side if not unread else side - 1, max(side - FARTHEST, 0), -1)
    upward = range(side if not unread else side + 1, side + FARTHEST)
    below, above = (
        next((n for n in sides if fits(network, shape, n)), None) for sides in (downward, upward)
    )
    return FitReport(unread, below, above, smallest(network, shape))


def resized(shape: Shape, side: int) -> Shape:
    """An input of the same channels with every axis `side` long."""
    return (shape[0], *(side for _ in shape[1:]))


def fits(network: Network, shape: Shape, side: int) -> bool:
    """Whether a square input is taken and read to its end everywhere."""
    summary = trace(network, resized(shape, side), keep_going=True)
    return summary.whole and not summary.warnings


def legal(network: Network, shape: Shape, side: int) -> bool:
    """Whether a square input goes through; declared linear sizes are taken as they would fit."""
    return trace(network, resized(shape, side), keep_going=True).whole


def smallest(network: Network, shape: Shape) -> int | None:
    """The smallest square input that goes through; larger ones do too, so halving finds it."""
    if len(shape) == 1:
        return None
    low, high = 0, LARGEST_SEARCHED
    if not legal(network, shape, high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if legal(network, shape, middle) else (middle, high)
    return high


def input_for(network: Network, shape: Shape, failure: Failure) -> int | None:
    """The square input under which a linear layer meets what it declared, if there is one.

    What a layer meets grows with the input, so halving finds it.
    """
    if failure.declared is None or len(shape) < 3:
        return None
    nodes = network.at(shape).nodes
    place = [node.name for node in nodes].index(failure.node.name)
    prefix = Network(nodes[: place + 1])

    def met(side: int) -> int:
        """What arrives there: 0 where the input is too small to get there."""
        summary = trace(prefix, resized(shape, side), keep_going=True)
        if len(summary.rows) <= place:
            return 0
        for one in summary.failures:
            if one.node.name == failure.node.name:
                return one.corrected or 0
        return failure.declared or 0

    low, high = 0, LARGEST_SEARCHED
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if met(middle) < failure.declared else (low, middle)
    return high if met(high) == failure.declared else None
