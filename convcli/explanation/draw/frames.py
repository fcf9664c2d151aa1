"""The frames of a sliding window: input ∗ kernel = output, the window shaded, what it gives marked.

Frames are drawn in cells of equal size. The colors follow the figures of Dumoulin & Visin, "A guide
to convolution arithmetic" (2016): padding is dashed, the input blue, the output green. Guide lines
lead from the window over the kernel to the output.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, product

from PIL import Image

from convcli.errors import UnfitError
from convcli.explanation.draw.panels import Panel, folded, short_number
from convcli.explanation.draw.pens import Box, Pen, PixelPen, fitting_size, text_length
from convcli.explanation.draw.themes import Color, Palette, Theme, between
from convcli.explanation.render import sum_lines, text
from convcli.explanation.steps import Spot, Step, Term, Walk
from convcli.explanation.values import value_text
from convcli.numerals import Grid, Value
from convcli.records import NamedTuple

MAX_CELLS = 40
"""Maximum cells per side of a drawn canvas."""

MAX_LINES = 6
"""Lines of a sum that are written out below a frame."""

WIDTH, HEIGHT = 1000, 900
"""Pixels that cells share; they have MIN_SIDE to MAX_SIDE of them."""
MIN_SIDE, MAX_SIDE = 24, 48

TEXT_SIZE = 15
"""Size of texts, in pixels."""

CAPTION = 24
"""Height of a line of text, in pixels."""

SIGN = 40
"""Pixels between two grids, where a sign of arithmetic stands."""

INSET = 4
"""Pixels between a cell's edge and its number: the window's frame is drawn there."""

GAP = 16
"""Pixels around the grids, and between channels."""


class Titles(NamedTuple):
    """The titles of the grids of a walk."""

    input: str = "input"
    kernel: str = "kernel"
    output: str = "output"


class Sheet:
    """Where everything stands in every frame of a walk."""

    def __init__(
        self, walk: Walk, theme: Theme, chosen: Spot | None = None, titles: Titles | None = None
    ) -> None:
        self.walk, self.theme = walk, theme
        self.titles = titles or Titles(kernel="kernel flipped" if walk.turned else "kernel")
        if chosen is None:
            walk.check()
        self.cells = [chosen] if chosen else list(self.all_cells)
        self.palette = Palette(theme)
        self._captions: dict[Spot, list[str]] = {}
        self._step: Step | None = None
        self._place()

    # --- what differs between views of a walk ---

    @property
    def all_cells(self) -> Iterator[Spot]:
        """The cells that have a frame each: those of the output."""
        return self.walk.cells

    @property
    def columns(self) -> int:
        """Frames that stand side by side in a strip."""
        return self.walk.size[1]

    @property
    def kernel(self) -> Sequence[Grid]:
        """The weights that are shown, one grid per channel."""
        return self.walk.kernel

    def ranges(self) -> tuple[tuple[range, range], tuple[range, range]]:
        """Rows and columns of the input's grids, and of the output's."""
        rows, columns = (axis.drawn for axis in self.walk.axes)
        height, width = self.walk.size
        return (rows, columns), (range(height), range(width))

    def sums(self, cell: Spot) -> list[str]:
        """The caption below the frame of a cell, in lines of any length."""
        return [text(line) for line in sum_lines(self.walk, self.step(cell))]

    def result(self, cell: Spot) -> str:
        """The same in short."""
        step = self.step(cell)
        name = self.walk.names(cell)[0]
        result = ", ".join(map(value_text, step.outputs))
        if len(step.sums) == 1 or self.walk.pool:
            return f"{name} = {result}"
        bias = "" if step.bias is None else f" + {value_text(step.bias)}"
        return f"{name} = {' + '.join(map(value_text, step.sums))}{bias} = {result}"

    def step(self, cell: Spot) -> Step:
        """How a cell is computed; the last one is remembered."""
        if self._step is None or self._step.cell != cell:
            self._step = self.walk.step(cell)
        return self._step

    # --- layout ---

    def _place(self) -> None:
        """Grids in a row, channels one below another, each row around its middle."""
        inside, outside = self.ranges()
        count, pool = len(self.walk.input), bool(self.walk.pool)
        longest = max(map(len, (*inside, *outside)))
        if longest > MAX_CELLS:
            sizes = [f"{len(rows)}x{len(columns)}" for rows, columns in (inside, outside)]
            raise UnfitError(
                f"the canvas is {sizes[0]} cells, the output {sizes[1]}; "
                f"at most {MAX_CELLS}x{MAX_CELLS} are drawn"
            )
        taps = len(self.kernel[0][0]) if self.kernel else 0
        has_bias = self.walk.bias is not None
        columns = len(inside[1]) + taps + has_bias + len(outside[1])
        rows = max(count * len(inside[0]), (count if pool else 1) * len(outside[0]))
        self.side = max(MIN_SIDE, min(MAX_SIDE, WIDTH // columns, HEIGHT // rows))
        inputs = [self._panel(*inside)] * count
        kernels = [self._panel(range(len(grid)), range(len(grid[0]))) for grid in self.kernel]
        biases = [self._panel(range(1), range(1))] * has_bias
        outputs = [self._panel(*outside)] * (count if pool else 1)
        pitch = GAP + max(panels[0].height for panels in (inputs, kernels) if panels)
        if pool:
            pitch = max(pitch, GAP + outputs[0].height)
        top = GAP + CAPTION
        self.floor = top + max(count * pitch - GAP, outputs[0].height)
        x = GAP
        groups: list[list[Panel]] = []
        self.signs: list[tuple[str, int]] = []
        """Signs between grids, and the middle of each."""
        for panels, name, sign in (
            (inputs, self.titles.input, ""),
            (kernels, self.titles.kernel, "*"),
            (biases, "bias", "+"),
            (outputs, self.titles.output, "=" if kernels else self.walk.pool),
        ):
            if not panels:
                groups.append([])
                continue
            if sign:
                room = max(SIGN, round(text_length(sign, TEXT_SIZE)) + 2 * GAP)
                self.signs.append((sign, x + room // 2))
                x += room
            width = max(panels[0].width, round(text_length(name, TEXT_SIZE)) + 8)
            left = x + (width - panels[0].width) // 2
            y = (top + self.floor - panels[0].height - (len(panels) - 1) * pitch) // 2
            groups.append(
                [panel._replace(left=left, top=y + n * pitch) for n, panel in enumerate(panels)]
            )
            x += width
        self.inputs, self.kernels, self.biases, self.outputs = groups
        # room for a row of the kernel's products
        row = " + ".join(["-0·(-0)"] * self.walk.axes[1].window.kernel)
        self.width = max(x, min(round(text_length(row, TEXT_SIZE)) + 24, 640)) + GAP
        self.lines = max(len(self.caption(cell)) for cell in self.cells)
        self.height = self.floor + GAP + CAPTION * self.lines + GAP // 2

    def _panel(self, rows: range, columns: range) -> Panel:
        return Panel(0, 0, rows, columns, self.side)

    def caption(self, cell: Spot) -> list[str]:
        """The sum in lines that fit, or only its result where there are too many."""
        if cell not in self._captions:
            room = self.width - 2 * GAP - 8
            lines = [part for line in self.sums(cell) for part in folded(line, room, TEXT_SIZE)]
            if len(lines) > MAX_LINES:
                lines = folded(self.result(cell), room, TEXT_SIZE)[:MAX_LINES]
            self._captions[cell] = lines
        return self._captions[cell]

    # --- drawing ---

    def frames(self) -> Iterator[Image.Image]:
        """A frame of mode P for each cell, with the results so far."""
        for frame in self.indices():
            frame.putpalette(self.palette.flat)
            if self.theme.is_card:
                frame.info["transparency"] = self.palette.clear
            yield frame

    def indices(self) -> Iterator[Image.Image]:
        """The same as indices of the palette, in mode L."""
        ground = Image.new("L", (self.width, self.height), self.palette.clear)
        under = PixelPen(ground, self.palette)
        self.draw_ground(under)
        for cell in self.cells:
            frame = ground.copy()
            self.draw_step(PixelPen(frame, self.palette), cell)
            yield frame
            self.draw_results(under, cell)

    def draw_results(self, pen: Pen, cell: Spot) -> None:
        """The outputs of a step that is over."""
        for panel, value in zip(self.outputs, self.step(cell).outputs, strict=True):
            self.draw_cell(pen, panel.box(*cell), value, self.theme.output)

    def draw_ground(self, pen: Pen) -> None:
        """What every frame shows: the input without a window, the kernel, an empty output."""
        theme = self.theme
        page = 0, 0, self.width - 1, self.height - 1
        pen.rectangle(page, theme.page, radius=GAP if theme.is_card else 0)
        for channel, panel in enumerate(self.inputs):
            self.draw_input(pen, panel, channel, panel.cells, {})
        for panel, grid in zip(self.kernels, self.kernel, strict=True):
            for row, column in panel.cells:
                self.draw_cell(pen, panel.box(row, column), grid[row][column], theme.kernel)
        for panel in self.outputs:
            self.draw_empty(pen, panel)
        grids = self.inputs, self.kernels, self.outputs
        for panels, title in zip(grids, self.titles, strict=True):
            if panels:
                self._title(pen, panels[0], title)
        self.draw_signs(pen)

    def draw_signs(self, pen: Pen) -> None:
        """Signs of arithmetic, and the bias; guide lines run behind them."""
        middle = (GAP + CAPTION + self.floor) / 2
        for sign, x in self.signs:
            self._sign(pen, x, middle, sign)
        for panel in self.biases:
            assert self.walk.bias is not None
            self._title(pen, panel, "bias")
            self.draw_cell(pen, panel.box(0, 0), self.walk.bias, self.theme.kernel)

    def draw_empty(self, pen: Pen, panel: Panel) -> None:
        """An output of which nothing is known yet."""
        for row, column in panel.cells:
            pen.rectangle(panel.box(row, column), self.theme.empty, self.theme.edge)

    def draw_step(self, pen: Pen, cell: Spot) -> None:
        """The window of a step, its output and its sum."""
        theme, step = self.theme, self.step(cell)
        for channel, panel in enumerate(self.inputs):
            under = {term.position: term for term in step.channels[channel]}
            (top, left), (bottom, right) = min(under), max(under)
            hull = product(range(top, bottom + 1), range(left, right + 1))
            self.draw_input(pen, panel, channel, hull, under)
        windows = [self.window(panel, cell) for panel in self.inputs]
        results = [panel.box(*cell) for panel in self.outputs]
        self.draw_guides(pen, windows, results)
        for value, box in zip(step.outputs, results, strict=True):
            self.draw_cell(pen, box, value, theme.now)
            pen.rectangle(box, outline=theme.frame, width=3)
        for window in windows:
            pen.rectangle(window, outline=theme.frame, width=3)
        self._caption(pen, cell)

    def draw_guides(self, pen: Pen, windows: Sequence[Box], results: Sequence[Box]) -> None:
        """Lines from each window around its kernel to its output."""
        kernels = [
            panel.span((0, 0), (panel.rows[-1], panel.columns[-1])) for panel in self.kernels
        ]
        for number, window in enumerate(windows):
            result = results[number % len(results)]
            stops = [window, *kernels[number : number + 1], result]
            for start, end in pairwise(stops):
                for edge in (1, 3):
                    ends = (start[2], start[edge]), (end[0], end[edge])
                    pen.line(ends, self.theme.faint)
        self.draw_signs(pen)

    def draw_input(
        self,
        pen: Pen,
        panel: Panel,
        channel: int,
        positions: Iterable[Spot],
        under: Mapping[Spot, Term],
    ) -> None:
        """Cells of the canvas: under taps, in gaps of a dilated kernel, or all without a window."""
        theme, walk = self.theme, self.walk
        shade = self.shade(channel)
        read_rows, read_columns = walk.read()
        padding = []
        for row, column in positions:
            box, term = panel.box(row, column), under.get((row, column))
            source = walk.source((row, column))
            inside = walk.axes[0].cell(row) is not None and walk.axes[1].cell(column) is not None
            unread = (
                inside
                and source is not None
                and (source[0] not in read_rows or source[1] not in read_columns)
            )
            fill = theme.cells[shade] if inside else theme.padding
            if term is not None:
                fill = theme.windows[shade]
            elif inside and under:
                fill = between(theme.cells[shade], theme.windows[shade])
            pen.rectangle(box, fill, theme.edge if inside else None)
            if not inside:
                padding.append(box)
            if unread:
                pen.line(((box[0], box[3]), (box[2], box[1])), theme.edge)
            value = walk.value((row, column), channel)
            ink = theme.ink if (inside and not unread) or term else theme.faint
            self.draw_number(pen, box, value, ink, term.w if term and walk.kernel else None)
        for box in padding:
            pen.dashed(box, theme.edge)

    def shade(self, channel: int) -> int:
        """Which of the theme's colors a channel has."""
        return 1 + channel % 3 if len(self.walk.input) > 1 else 0

    def window(self, panel: Panel, cell: Spot) -> Box:
        """The pixels of the frame around all that a window spans, from first tap to last."""
        hulls = [axis.hull(at) for axis, at in zip(self.walk.axes, cell, strict=True)]
        return panel.span((hulls[0][0], hulls[1][0]), (hulls[0][-1], hulls[1][-1]))

    def draw_cell(self, pen: Pen, box: Box, value: Value, fill: Color) -> None:
        """A cell with its number."""
        pen.rectangle(box, fill, self.theme.edge)
        self.draw_number(pen, box, value, self.theme.ink)

    def draw_number(
        self, pen: Pen, box: Box, value: Value, ink: Color, corner: Value | None = None
    ) -> None:
        """A number in the middle of a cell, and a small one in its corner, where it has room."""
        left, top, right, bottom = box
        text = short_number(value_text(value))
        has_corner = corner is not None and self.side >= 32
        size = fitting_size(text, self.side - 2 * INSET, round(self.side * 0.5))
        # up and to the left of the corner's, as far as the window's frame leaves room
        x = max((left + right) / 2 - 4 * has_corner, left + INSET + text_length(text, size) / 2)
        pen.text(
            (x, (top + bottom) / 2 + 0.36 * size - 4 * has_corner), text, ink, size, middle=True
        )
        if corner is not None and has_corner:
            text = short_number(value_text(corner))
            size = fitting_size(text, self.side // 2, round(self.side * 0.32))
            x = right - INSET - text_length(text, size)
            pen.text((x, bottom - INSET - 1), text, ink, size)

    def _title(self, pen: Pen, panel: Panel, title: str) -> None:
        """A title above a grid; no line shows through it."""
        width = round(text_length(title, TEXT_SIZE)) + 8
        left = panel.left + (panel.width - width) // 2
        top = panel.top - CAPTION
        pen.rectangle((left, top + 1, left + width, top + 20), self.theme.page)
        pen.text((left + 4, top + 16), title, self.theme.faint, TEXT_SIZE)

    def _sign(self, pen: Pen, x: int, y: float, sign: str) -> None:
        """A sign of arithmetic; a pool's name stands over an arrow."""
        ink = self.theme.faint
        half = 14 if len(sign) == 1 else round(text_length(sign, TEXT_SIZE)) // 2 + 6
        top, bottom = (14, 14) if len(sign) == 1 else (20, 10)
        box = x - half, round(y) - top, x + half, round(y) + bottom
        pen.rectangle(box, self.theme.page)
        if len(sign) > 1:
            pen.text((x, y - 5), sign, ink, TEXT_SIZE, middle=True)
            pen.line(((x - half + 4, y + 3), (x + half - 4, y + 3)), ink, 2)
            pen.line(
                ((x + half - 10, y - 2), (x + half - 4, y + 3), (x + half - 10, y + 8)), ink, 2
            )
            return
        if sign == "*":  # whose height differs between fonts
            for dx, dy in ((0, 8), (7, 4), (7, -4)):
                pen.line(((x - dx, y - dy), (x + dx, y + dy)), ink, 2)
        else:
            pen.text((x, y + 10), sign, ink, 30, middle=True)

    def _caption(self, pen: Pen, cell: Spot) -> None:
        """The sum, on a ground of the same size in every frame."""
        top = self.floor + GAP // 2
        box = GAP, top, self.width - GAP, top + CAPTION * self.lines + 4
        pen.rectangle(box, self.theme.padding)
        for number, line in enumerate(self.caption(cell), 1):
            pen.text((GAP + 4, top + number * CAPTION - 6), line, self.theme.ink, TEXT_SIZE)
