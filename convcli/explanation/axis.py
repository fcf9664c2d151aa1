"""How a window moves along one axis of the canvas: what each tap reads, and which cells none reads.

Positions on the canvas are counted from the input's first cell: padding before it is negative.
"""

from convcli.borders import Border
from convcli.geometry import Pair, Window, full_padding, output_length
from convcli.records import NamedTuple


class Axis(NamedTuple):
    """How a window moves along one axis of `cells` cells, padded `before` and `after`.

    Negative padding crops. `spread` is 1 more than the zeros between two cells; `extra` of the
    cells after are a transposed convolution's output padding.

    >>> axis = Axis(5, Window(3, stride=2), 1, 1)
    >>> axis.outputs, [list(axis.taps(output)) for output in range(axis.outputs)]
    (3, [[-1, 0, 1], [1, 2, 3], [3, 4, 5]])
    """

    cells: int
    window: Window
    before: int = 0
    after: int = 0
    spread: int = 1
    extra: int = 0

    @property
    def span(self) -> int:
        """Positions from the first cell to the last."""
        return Window(1, self.spread).span(self.cells)

    @property
    def stride(self) -> int:
        """The stride as it is given: a transposed convolution spreads the cells by it."""
        return self.spread * self.window.stride

    @property
    def cut(self) -> Pair:
        """The padding of a transposed convolution, which is cut off its output."""
        return full_padding(self.window, (self.before, self.after - self.extra))

    @property
    def outputs(self) -> int:
        """Places of the window. Raises UnfitError where it has none."""
        return output_length(self.span, self.window, (self.before, self.after))

    @property
    def drawn(self) -> range:
        """Positions on the canvas: padding, cells and the zeros between them."""
        return range(min(-self.before, 0), max(self.span + self.after, self.span))

    def taps(self, output: int) -> range:
        """The position of each tap for an output."""
        return self.window.cells(output, self.before)

    def stamp(self, cell: int) -> range:
        """The position on the output of each tap that a cell of a transposed convolution stamps."""
        return self.window._replace(stride=self.spread).cells(cell, self.cut[0])

    def hull(self, output: int) -> range:
        """Every position from the first tap to the last, for an output."""
        return self.window.hull(range(output, output + 1), self.before)

    def cell(self, position: int) -> int | None:
        """The input's cell at a position, None for padding and for zeros between cells."""
        cell, rest = divmod(position, self.spread)
        return cell if rest == 0 and 0 <= cell < self.cells else None

    def source(self, position: int, border: Border) -> int | None:
        """The input's cell that is read at a position, or None where a value is.

        >>> axis = Axis(3, Window(3), 1, 1)
        >>> [axis.source(-1, Border(name)) for name in ("zero", "edge", "reflect")]
        [None, 0, 1]
        """
        if 0 <= position < self.span:
            return self.cell(position)
        return border.source(position, self.cells)
