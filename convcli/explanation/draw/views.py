"""The frames of other walks: an input cell stamps the kernel, a signal slides over another."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from convcli.explanation.draw.frames import Sheet, Titles
from convcli.explanation.draw.panels import Panel
from convcli.explanation.draw.pens import Pen
from convcli.explanation.draw.themes import Theme
from convcli.explanation.scatter import ScatterLesson
from convcli.explanation.signals import SignalLesson
from convcli.explanation.steps import Spot, Term
from convcli.numerals import Grid, Value


class ScatterSheet(Sheet):
    """Where everything stands in every frame of stamps: input ∗ kernel = output so far."""

    def __init__(self, lesson: ScatterLesson, theme: Theme) -> None:
        self.lesson = lesson
        self.stamps = {stamp.cell: stamp for stamp in lesson.stamps}
        kernel = "kernel flipped" if lesson.walk.flip else "kernel"
        super().__init__(lesson.walk, theme, lesson.chosen, Titles(kernel=kernel))

    @property
    def all_cells(self) -> Iterator[Spot]:
        """The cells that have a frame each: those of the input."""
        return iter(self.stamps)

    @property
    def columns(self) -> int:
        return self.walk.axes[1].cells

    @property
    def kernel(self) -> Sequence[Grid]:
        return self.lesson.kernel

    def ranges(self) -> tuple[tuple[range, range], tuple[range, range]]:
        rows, columns = (range(axis.cells) for axis in self.walk.axes)
        return (rows, columns), self.lesson.canvas

    def sums(self, cell: Spot) -> list[str]:
        return [self.result(cell)]

    def result(self, cell: Spot) -> str:
        return self.lesson.stamped(self.stamps[cell])

    def draw_input(
        self,
        pen: Pen,
        panel: Panel,
        channel: int,
        positions: Iterable[Spot],
        under: Mapping[Spot, Term],
    ) -> None:
        """Cells of the input; a frame marks the one that stamps."""
        for row, column in positions:
            value = self.walk.input[channel][row][column]
            fill = self.theme.cells[self.shade(channel)]
            self.draw_cell(pen, panel.box(row, column), value, fill)

    def draw_empty(self, pen: Pen, panel: Panel) -> None:
        for position in panel.cells:
            self._draw_position(pen, position, None)

    def draw_step(self, pen: Pen, cell: Spot) -> None:
        """The cell that stamps, where it does, and what is there now."""
        stamp, theme = self.stamps[cell], self.theme
        windows = [panel.box(*cell) for panel in self.inputs]
        for channel, (box, value) in enumerate(zip(windows, stamp.x, strict=True)):
            self.draw_cell(pen, box, value, theme.windows[self.shade(channel)])
        (output,) = self.outputs
        hull = output.span(stamp.positions[0], stamp.positions[-1])
        self.draw_guides(pen, windows, [hull])
        for position, value, part in zip(stamp.positions, stamp.sums, stamp.products, strict=True):
            self._draw_position(pen, position, value, part)
        for box in (*windows, hull):
            pen.rectangle(box, outline=theme.frame, width=3)
        self._caption(pen, cell)

    def draw_results(self, pen: Pen, cell: Spot) -> None:
        stamp = self.stamps[cell]
        for position, value in zip(stamp.positions, stamp.sums, strict=True):
            self._draw_position(pen, position, value)

    def _draw_position(
        self, pen: Pen, position: Spot, value: Value | None, part: Value | None = None
    ) -> None:
        """A cell of the output with its sum so far, and in its corner what was added just now."""
        theme, box = self.theme, self.outputs[0].box(*position)
        if self.lesson.is_kept(position):
            fill = theme.now if part is not None else theme.empty if value is None else theme.output
            pen.rectangle(box, fill, theme.edge)
        else:
            pen.rectangle(box, theme.padding)
            pen.dashed(box, theme.edge)
        if value is not None:
            ink = theme.ink if self.lesson.is_kept(position) else theme.faint
            self.draw_number(pen, box, value, ink, part)


class SignalSheet(Sheet):
    """Where everything stands in every frame of two signals, in their words: f, g and t."""

    def __init__(self, lesson: SignalLesson, theme: Theme) -> None:
        self.lesson = lesson
        still, moving = lesson.names
        super().__init__(lesson.walk, theme, titles=Titles(still, moving, lesson.mode))

    def sums(self, cell: Spot) -> list[str]:
        return [self.lesson.step_text(cell[1])]

    def result(self, cell: Spot) -> str:
        before, _, value = self.lesson.step_text(cell[1]).rpartition(" = ")
        return f"{before.partition(':')[0]}: {value}"
