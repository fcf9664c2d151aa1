"""Which inputs fit: those that work, the smallest, the nearest with nothing left over.

Every answer is a walk of the network for that input: larger inputs do not always work where smaller
ones do, as in a network whose branches meet again after halving.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from time import process_time

from convcli.errors import UnfitError
from convcli.nets.analysis.summary import Failure, Summary, trace
from convcli.nets.graph import Network
from convcli.nets.layers import AXES, Shape, size_text
from convcli.nets.time_limit import limit, time_limit
from convcli.records import NamedTuple
from convcli.text import counted

MAX_SIDE = 4096
"""The longest side that is tried."""

MAX_DISTANCE = 256
"""Maximum distance from an input in the search for the nearest fitting ones."""

NEAR = 16
"""Distance from an input within which every side is tried."""

MAX_WALKED = {False: 200_000, True: 20_000}
"""Maximum nodes that a search walks, if the network is the same for every input or read anew."""


class Direction(NamedTuple):
    """Axes of an input that change together, and their name."""

    axes: tuple[int, ...]
    name: str


def directions(shape: Shape) -> list[Direction]:
    """The two sides of a square input together, others axis by axis.

    >>> directions((3, 32, 32)), directions((1, 100))
    ([Direction(axes=(1, 2), name='square input')], [Direction(axes=(1,), name='length')])
    """
    lengths = shape[1:]
    axes = tuple(range(1, len(shape)))
    if len(lengths) > 1 and len({*lengths}) == 1:
        return [Direction(axes, "square input" if len(lengths) == 2 else "cubic input")]
    names = AXES.get(len(lengths), tuple(f"axis {number}" for number in axes))
    return [Direction((axis,), name) for axis, name in zip(axes, names, strict=True)]


def resized(shape: Shape, side: int, axes: Iterable[int] = ()) -> Shape:
    """An input with the same channels and with these axes (or all of them) of length `side`."""
    changed = {*axes} or {*range(1, len(shape))}
    return tuple(side if axis in changed else length for axis, length in enumerate(shape))


def search_deadline() -> float:
    """The processor time at which a search that starts now ends."""
    return process_time() + limit().seconds


class Search:
    """Walks of a network for similar inputs, each done once, within limits of nodes and time."""

    def __init__(
        self,
        network: Network,
        shape: Shape,
        axes: tuple[int, ...] = (),
        deadline: float | None = None,
    ) -> None:
        self.network, self.shape, self.axes = network, shape, axes
        self.left = limit().scaled(MAX_WALKED[network.redo is not None])
        self.ended = False
        """Whether some sides were not tried."""
        self._deadline = search_deadline() if deadline is None else deadline
        self.known: dict[int, tuple[bool, bool]] = {}
        """Sides that were tried: whether each works, and whether it leaves nothing over."""

    def _walk(self, side: int) -> tuple[bool, bool]:
        """Whether an input of this side works, and whether it leaves nothing over as well."""
        if side not in self.known:
            # a reading for this input ends with the search
            with time_limit(max(self._deadline - process_time(), 0), limit().option):
                summary = trace(self.network, resized(self.shape, side, self.axes))
            if not summary.complete and process_time() > self._deadline:
                self.ended = True
                return False, False
            self.left -= len(summary.rows) + 1
            works = summary.complete and not summary.failures
            self.known[side] = works, works and not summary.warnings
        return self.known[side]

    def works(self, side: int) -> bool:
        return self._walk(side)[0]

    def fits(self, side: int) -> bool:
        """Whether an input works and leaves nothing over in any layer."""
        return self._walk(side)[1]

    def smallest(self) -> int | None:
        """The smallest side that works; None if none of the tried ones does."""
        return next(
            (side for side in self._tried(range(1, MAX_SIDE + 1)) if self.works(side)), None
        )

    def last_of_run(self, first: int) -> int:
        """The last side up to which all from `first` on work, of those tried."""
        last = first
        for side in self._tried(range(first + 1, first + MAX_DISTANCE)):
            if not self.works(side):
                break
            last = side
        return last

    def nearest_fits(self, side: int) -> tuple[int | None, int | None]:
        """The nearest sides below and above with which nothing is left over."""
        below = range(side - 1, max(side - MAX_DISTANCE, 0), -1)
        above = range(side + 1, side + MAX_DISTANCE)
        first, second = (
            next((n for n in self._tried(sides) if self.fits(n)), None) for sides in (below, above)
        )
        return first, second

    def working(self, side: int) -> list[int]:
        """The sides near one that work."""
        sides = range(max(side - NEAR, 1), side + NEAR + 1)
        return [near for near in self._tried(sides) if self.works(near)]

    def _tried(self, sides: Iterable[int]) -> Iterator[int]:
        for side in sides:
            if side not in self.known and (self.left <= 0 or process_time() > self._deadline):
                self.ended = True
                return
            yield side


class Fit(NamedTuple):
    """Which inputs work, and the nearest of them, as texts."""

    notes: tuple[str, ...]
    sizes: tuple[str, ...]
    """The nearest inputs that work, including the given one if it works: `248x248x3`."""


def fitting_inputs(network: Network, summary: Summary, near: bool) -> Fit:
    """Which inputs leave nothing over, the smallest that works and, with `near`, those around.

    `network` is walked anew for each; one whose layers depend on the input is read anew.
    """
    shape = summary.input
    given_works = summary.complete and not summary.failures
    notes, sizes = [], [shape] if given_works else []
    end, ways = search_deadline(), directions(shape)
    if given_works and not summary.warnings:
        notes.append(f"an input of {size_text(shape)} leaves nothing over")
    for done, (axes, name) in enumerate(ways):
        # each axis has its share of the time that is left
        now = process_time()
        deadline = now + (end - now) / (len(ways) - done)
        search, side = Search(network, shape, axes, deadline), shape[axes[0]]
        names = f"{name}s"
        working = search.working(side) if near else []
        below, above = [n for n in working if n < side], [n for n in working if n > side]
        every = len(working) == min(NEAR, side - 1) + NEAR + 1
        if search.ended:
            pass  # which near sides work is unknown
        elif working and not every:
            step = _step(working)
            own = (side,) if side in working else ()
            listed = ", ".join(map(str, (*below[-2:], *own, *above[:2])))
            notes.append(f"{names} near {side} that work: {listed}{step}")
        elif near and not working:
            notes.append(f"no {name} from {max(side - NEAR, 1)} to {side + NEAR} works")
        if given_works and summary.warnings:
            fitting = [str(near_side) for near_side in search.nearest_fits(side) if near_side]
            nearest = " and ".join(fitting) or f"none within {MAX_DISTANCE}"
            if fitting or not search.ended:
                notes.append(f"nearest {names} with nothing left over: {nearest}")
        smallest = search.smallest()
        farther: tuple[int, ...] = ()
        if smallest is not None:
            note = f"smallest {name} that works: {smallest}"
            if near and not working and not search.ended:
                last = search.last_of_run(smallest)
                note += f"; all to {last} do" if last > smallest else ""
                farther = (min(max(side, smallest), last),)
            notes.append(note)
        elif search.ended:
            tried = counted(len(search.known), "input")
            notes.append(
                f"the search for {names} that work ended early, after {tried}{limit().way_out}"
            )
        sizes += [resized(shape, n, axes) for n in (*below[-1:], *above[:1], *farther)]
    return Fit(tuple(notes), tuple(map(size_text, sorted({*sizes}, key=lambda size: size[1:]))))


def _step(sides: list[int]) -> str:
    """The step between the sides that work, if it is constant."""
    steps = {after - before for before, after in pairwise(sides)}
    return f" (in steps of {min(steps)})" if len(steps) == 1 and max(steps) > 1 else ""


def input_for(
    network: Network, shape: Shape, failure: Failure, values: int | None = None
) -> int | None:
    """The square input for which a linear layer receives a number of values, if there is one.

    Without `values`, it is the number that the layer declares. What arrives at a layer grows with
    the input, so bisection finds it.
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
    if failure.corrected is not None and not network.unordered:
        where = failure.node.where
        if where is None or not where.text[where.column :].startswith("models."):
            remedies.append(f"write {failure.corrected}")  # in a library there is no such place
        side = input_for(network, shape, failure)
        if side is not None:
            size = "x".join(map(str, (*resized(shape, side)[1:], shape[0])))
            remedies.append(f"give --input {size}, where {failure.declared:,} arrive")
    text = failure.text()
    return f"{text}\n  To fit: {', or '.join(remedies)}" if remedies else text


def check_fits(network: Network, summary: Summary) -> None:
    """Raise UnfitError, with the remedies, if a layer does not fit its input."""
    if summary.failures:
        raise UnfitError(failure_text(network, summary.input, summary.failures[0]))
