"""Which inputs fit: the smallest that works, the nearest that leave nothing over."""

from convcli.errors import UnfitError
from convcli.nets.analysis.summary import Failure, Summary, trace
from convcli.nets.graph import Network
from convcli.nets.layers import Shape, size_text

MAX_SIDE = 4096
"""The longest side that is tried."""

MAX_DISTANCE = 256
"""How far from an input the nearest fitting ones are searched."""


def fit_notes(network: Network, summary: Summary) -> list[str]:
    """Which square inputs leave nothing over in any layer, and the smallest that works."""
    shape = summary.input
    if summary.warnings:
        sides = [f"{side}" for side in nearest_fits(network, shape) if side]
        nearest = " and ".join(sides) or f"none within {MAX_DISTANCE}"
        notes = [f"nearest square inputs with nothing left over: {nearest}"]
    else:
        notes = [f"an input of {size_text(shape)} leaves nothing over"]
    side = smallest(network, shape)
    return notes if side is None else [*notes, f"smallest square input that works: {side}"]


def nearest_fits(network: Network, shape: Shape) -> tuple[int | None, int | None]:
    """The nearest sides below and above an input's with which a square input fits."""
    side = max(shape[1:], default=1)
    below = range(side - 1, max(side - MAX_DISTANCE, 0), -1)
    above = range(side + 1, side + MAX_DISTANCE)
    first, second = (
        next((n for n in sides if fits(network, shape, n)), None) for sides in (below, above)
    )
    return first, second


def resized(shape: Shape, side: int) -> Shape:
    """An input of the same channels with every axis `side` long."""
    return (shape[0], *(side for _ in shape[1:]))


def fits(network: Network, shape: Shape, side: int) -> bool:
    """Whether a square input works and leaves nothing over in any layer."""
    summary = trace(network, resized(shape, side), keep_going=True)
    return summary.complete and not summary.warnings


def legal(network: Network, shape: Shape, side: int) -> bool:
    """Whether a square input works; declared linear sizes are taken as they would fit."""
    return trace(network, resized(shape, side), keep_going=True).complete


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


def input_for(
    network: Network, shape: Shape, failure: Failure, values: int | None = None
) -> int | None:
    """The square input under which a linear layer meets so many values, if there is one.

    Without `values`, these are what the layer declared. What arrives at a layer grows with the
    input, so bisection finds it.
    """
    if failure.declared is None or len(shape) < 3:
        return None
    nodes = network.at(shape).nodes
    index = [node.name for node in nodes].index(failure.node.name)
    prefix = Network(nodes[: index + 1])

    def arriving(side: int) -> int:
        """The values that arrive there; 0 where a layer before it does not fit."""
        summary = trace(prefix, resized(shape, side), keep_going=True)
        if len(summary.rows) <= index:
            return 0
        for other in summary.failures:
            if other.node.name == failure.node.name:
                return other.corrected or 0
        return failure.declared or 0

    wanted = failure.declared if values is None else values
    low, high = 0, MAX_SIDE
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if arriving(middle) < wanted else (low, middle)
    return high if arriving(high) == wanted else None


def failure_text(network: Network, shape: Shape, failure: Failure) -> str:
    """A failure with its remedies: the number to write, or the input to give."""
    remedies = []
    if failure.corrected is not None:
        remedies.append(f"write {failure.corrected}")
        side = input_for(network, shape, failure)
        if side is not None:
            size = "x".join(map(str, (*resized(shape, side)[1:], shape[0])))
            remedies.append(f"give --input {size}, where {failure.declared:,} arrive")
    text = failure.text()
    return f"{text}\n  To fit: {', or '.join(remedies)}" if remedies else text


def check_fits(network: Network, summary: Summary) -> None:
    """Raise UnfitError, with the remedies, where a layer does not fit what it meets."""
    if summary.failures:
        raise UnfitError(failure_text(network, summary.input, summary.failures[0]))
