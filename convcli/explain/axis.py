"""How a window walks along one axis of the canvas: what each tap reads, and what nobody does.

Places are cells of the canvas, counted from the input's first cell: padding before it is negative.
"""

from collections.abc import Callable
from typing import NamedTuple

from convcli.geometry import Fit, Window


def _edge(place: int, length: int) -> int:
    return min(max(place, 0), length - 1)


def _reflect(place: int, length: int) -> int:
    period = max(2 * length - 2, 1)
    place %= period
    return min(place, period - place) if length > 1 else 0


def _symmetric(place: int, length: int) -> int:
    place %= 2 * length
    return min(place, 2 * length - 1 - place)


BORDERS: dict[str, Callable[[int, int], int] | None] = {
    "zero": None,
    "edge": _edge,
    "reflect": _reflect,
    "symmetric": _symmetric,
    "wrap": lambda place, length: place % length,
}
"""Name → the input's cell that a padding cell repeats; None where it is zero."""


class Axis(NamedTuple):
    """How a window walks along one axis of `cells` cells, padded `before` and `after`.

    Negative padding crops. `spread` is 1 more than the zeros between two cells; `extra` of the
    cells after are a transposed convolution's output padding.

    >>> axis = Axis(5, Window(3, stride=2), 1, 1)
    >>> axis.outputs, [axis.place(output, 0) for output in range(axis.outputs)]
    (3, [-1, 1, 3])
    """

    cells: int
    window: Window
    before: int = 0
    after: int = 0
    spread: int = 1
    extra: int = 0

    @property
    def span(self) -> int:
        """Places from the first cell to the last."""
        return (self.cells - 1) * self.spread + 1

    @property
    def outputs(self) -> int:
        """Places of the window. Raises UnfitError where it has none."""
        return Fit(self.span, self.window, (self.before, self.after)).output

    @property
    def drawn(self) -> range:
        """Places of the canvas: padding, cells and the zeros between them."""
        return range(min(-self.before, 0), max(self.span + self.after, self.span))

    def place(self, output: int, tap: int) -> int:
        """What a tap reads for an output: stride · output − before + dilation · tap."""
        return output * self.window.stride - self.before + tap * self.window.dilation

    def cell(self, place: int) -> int | None:
        """The input's cell at a place, None for padding and for zeros between cells."""
        cell, rest = divmod(place, self.spread)
        return cell if rest == 0 and 0 <= cell < self.cells else None

    def source(self, place: int, border: str) -> int | None:
        """The input's cell that is read at a place, through the border too; None where it is 0.

        >>> axis = Axis(3, Window(3), 1, 1)
        >>> axis.source(-1, "zero"), axis.source(-1, "edge"), axis.source(-1, "reflect")
        (None, 0, 1)
        """
        cell, repeat = self.cell(place), BORDERS[border]
        if cell is None and repeat is not None and not 0 <= place < self.span:
            return repeat(place, self.cells)
        return cell

    def taps(self, output: int, border: str) -> list[tuple[int, int, int | None]]:
        """What the window reads for an output: every tap, its place and its source."""
        places = (self.place(output, tap) for tap in range(self.window.kernel))
        return [(tap, place, self.source(place, border)) for tap, place in enumerate(places)]
