"""The frames of a sliding window: the input below, the output above, the window shaded.

Frames are drawn in cells of equal size. The layout follows the figures of Dumoulin & Visin, "A
guide to convolution arithmetic" (2016): padding is dashed, the input blue, the output green.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import product
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from convcli.errors import UnfitError
from convcli.explanation.draw.themes import Colour, Theme, between
from convcli.explanation.draw.vector import VectorPen
from convcli.explanation.render import sum_lines, text
from convcli.explanation.steps import Spot, Step, Term, Walk
from convcli.explanation.values import value_text
from convcli.numerals import Value

Box = tuple[int, int, int, int]
Pen = ImageDraw.ImageDraw | VectorPen

MAX_CELLS = 40
"""Cells a side of a canvas that is drawn."""

MAX_LINES = 6
"""Lines of a sum that are written out below a frame."""

WORDS = 13
"""Size of words, in pixels."""

INSET = 4
"""Pixels between a cell's edge and its number: the window's frame is drawn there."""

GAP = 16
"""Pixels around and between the grids."""


class Panel(NamedTuple):
    """A grid on the sheet: where its first cell begins, and which place of the grid that is."""

    left: int
    top: int
    rows: range
    columns: range
    side: int

    @property
    def width(self) -> int:
        return len(self.columns) * self.side + 1

    @property
    def height(self) -> int:
        return len(self.rows) * self.side + 1

    def box(self, row: int, column: int) -> Box:
        """The pixels of a cell, its edges among them: left, top, right, bottom."""
        left = self.left + (column - self.columns.start) * self.side
        top = self.top + (row - self.rows.start) * self.side
        return left, top, left + self.side, top + self.side


class Sheet:
    """Where everything stands in every frame of a walk."""

    def __init__(self, walk: Walk, theme: Theme, chosen: Spot | None = None) -> None:
        self.walk, self.theme = walk, theme
        down, across = (axis.drawn for axis in walk.axes)
        rows, columns = walk.size
        longest = max(len(down), len(across), rows, columns)
        if longest > MAX_CELLS:
            raise UnfitError(
                f"the canvas is {len(down)}x{len(across)} cells, the output {rows}x{columns}; "
                f"at most {MAX_CELLS}x{MAX_CELLS} are drawn"
            )
        if chosen is None:
            walk.check()
        self.cells = [chosen] if chosen else list(walk.cells)
        self._told: dict[Spot, list[str]] = {}
        self.side = max(24, min(40, 640 // longest))
        self.outputs = [
            self._panel(range(rows), range(columns))
            for _ in range(len(walk.input) if walk.pool else 1)
        ]
        kernels = [self._panel(range(len(grid)), range(len(grid[0]))) for grid in walk.kernel]
        above = self._in_row([*kernels, *self.outputs], GAP + self.caption)
        below = self._in_row(
            [self._panel(down, across) for _ in walk.input], above[2] + GAP + self.caption
        )
        self.width = max(above[1], below[1], self._caption_width()) + GAP
        self.lines = self._caption_lines()
        self.height = below[2] + GAP + self.caption * self.lines
        # what is narrower stands in the middle
        centred = [
            [panel._replace(left=panel.left + (self.width - GAP - wide) // 2) for panel in panels]
            for panels, wide, _ in (above, below)
        ]
        self.kernels = centred[0][: len(kernels)]
        self.outputs = centred[0][len(kernels) :]
        self.inputs = centred[1]

    caption = 22
    """Pixels of a line of words."""

    def _panel(self, rows: range, columns: range) -> Panel:
        return Panel(0, 0, rows, columns, self.side)

    def _in_row(self, panels: Sequence[Panel], top: int) -> tuple[list[Panel], int, int]:
        """Panels side by side on a common floor, the row's right end and its floor."""
        floor = top + max(panel.height for panel in panels)
        left, placed = GAP, []
        for panel in panels:
            placed.append(panel._replace(left=left, top=floor - panel.height))
            left += panel.width + GAP * 2
        return placed, left - GAP * 2, floor

    def _caption_width(self) -> int:
        """Room for a row of the kernel's products, as far as a page has it."""
        row = " + ".join(["-0·(-0)"] * self.walk.axes[1].window.kernel)
        return min(int(_font(WORDS).getlength(row)) + 24, 640)

    def _caption_lines(self) -> int:
        """The most lines that a sum takes."""
        return max(len(self.told(self.walk.step(cell))) for cell in self.cells)

    def told(self, step: Step) -> list[str]:
        """The sum in lines that have room, or what comes out where there are too many."""
        if step.cell not in self._told:
            self._told[step.cell] = self._sum_told(step)
        return self._told[step.cell]

    def _sum_told(self, step: Step) -> list[str]:
        room = self.width - 2 * GAP - 8
        lines = []
        for line in sum_lines(self.walk, step):
            lines += _folded(text(line), room)
        if len(lines) <= MAX_LINES:
            return lines
        name = self.walk.names(step.cell)[0]
        result = ", ".join(map(value_text, step.outputs))
        whole = " + ".join(map(value_text, step.sums))
        if len(step.sums) == 1 or self.walk.pool:
            return [f"{name} = {result}"]
        bias = "" if step.bias is None else f" + {value_text(step.bias)}"
        return _folded(f"{name} = {whole}{bias} = {result}", room)[:MAX_LINES]

    @cached_property
    def read(self) -> tuple[frozenset[int], frozenset[int]]:
        return self.walk.read()

    def frames(self) -> Iterator[Image.Image]:
        """One RGBA frame an output cell, with the outputs so far; or the chosen cell's alone."""
        ground = self._ground()
        for cell in self.cells:
            step = self.walk.step(cell)
            frame = ground.copy()
            self.draw_step(ImageDraw.Draw(frame), step)
            yield frame
            self.draw_results(ImageDraw.Draw(ground), step)

    def draw_results(self, pen: Pen, step: Step) -> None:
        """The outputs of a step that is over."""
        for panel, value in zip(self.outputs, step.outputs, strict=True):
            box = panel.box(*step.cell)
            pen.rectangle(box, fill=self.theme.output, outline=self.theme.edge)
            self._number(pen, box, value, self.theme.ink)

    def changes(self, number: int) -> list[Box]:
        """The pixels in which a frame differs from the one before, all edges among them."""
        cells = self.cells[number - 1 : number + 1]
        windows = [self.window(panel, cell) for panel in self.inputs for cell in cells]
        results = [panel.box(*cell) for panel in self.outputs for cell in cells]
        return [*windows, *results, self._caption_box()]

    def _ground(self) -> Image.Image:
        page = self.theme.page
        image = Image.new("RGBA", (self.width, self.height), (*page, 255) if page else (0, 0, 0, 0))
        self.draw_ground(ImageDraw.Draw(image))
        return image

    def draw_ground(self, pen: Pen) -> None:
        """What every frame shows: the canvas without a window, the kernel, an empty output."""
        theme = self.theme
        for channel, panel in enumerate(self.inputs):
            self._cells(pen, panel, channel, product(panel.rows, panel.columns), {})
        for channel, panel in enumerate(self.kernels):
            for row, column in product(panel.rows, panel.columns):
                box = panel.box(row, column)
                pen.rectangle(box, fill=theme.kernel, outline=theme.edge)
                self._number(pen, box, self.walk.kernel[channel][row][column], theme.ink)
        for panel in self.outputs:
            for row, column in product(panel.rows, panel.columns):
                pen.rectangle(panel.box(row, column), fill=theme.empty, outline=theme.edge)
        kernel = "kernel flipped" if self.walk.turned else "kernel"
        for panels, words in (
            (self.kernels, kernel),
            (self.outputs, "output"),
            (self.inputs, "input"),
        ):
            if panels:
                self._words(pen, panels[0].left, panels[0].top - self.caption, words, theme.faint)

    def draw_step(self, pen: Pen, step: Step) -> None:
        """The window of a step, its output and its sum."""
        theme = self.theme
        for channel, panel in enumerate(self.inputs):
            under = {term.position: term for term in step.channels[channel]}
            (top, left), (bottom, right) = min(under), max(under)
            hull = product(range(top, bottom + 1), range(left, right + 1))
            self._cells(pen, panel, channel, hull, under)
            pen.rectangle(self.window(panel, step.cell), outline=theme.frame, width=3)
        for panel, value in zip(self.outputs, step.outputs, strict=True):
            box = panel.box(*step.cell)
            pen.rectangle(box, fill=theme.now, outline=theme.frame, width=3)
            self._number(pen, box, value, theme.ink)
        self._caption(pen, step)

    def _cells(
        self,
        pen: Pen,
        panel: Panel,
        channel: int,
        places: Iterable[Spot],
        under: Mapping[Spot, Term],
    ) -> None:
        """Cells of the canvas: those under taps, those in the holes between, or all without."""
        theme, walk = self.theme, self.walk
        shade = 1 + channel % 3 if len(walk.input) > 1 else 0
        padding = []
        for row, column in places:
            box, term = panel.box(row, column), under.get((row, column))
            source = walk.source((row, column))
            inside = walk.axes[0].cell(row) is not None and walk.axes[1].cell(column) is not None
            unread = (
                inside
                and source is not None
                and (source[0] not in self.read[0] or source[1] not in self.read[1])
            )
            fill = theme.cells[shade] if inside else theme.padding
            if term is not None:
                fill = theme.windows[shade]
            elif inside and under:
                fill = between(theme.cells[shade], theme.windows[shade])
            pen.rectangle(box, fill=fill, outline=theme.edge if inside else None)
            if not inside:
                padding.append(box)
            if unread:
                pen.line((box[0], box[3], box[2], box[1]), fill=theme.edge)
            value = walk.value((row, column), channel)
            ink = theme.ink if (inside and not unread) or term else theme.faint
            self._number(pen, box, value, ink, corner=term.w if term and walk.kernel else None)
        for box in padding:
            dashed(pen, box, theme.edge)

    def window(self, panel: Panel, cell: Spot) -> Box:
        """The pixels of the frame around all that a window spans, from first tap to last."""
        corners = []
        for axis, at in zip(self.walk.axes, cell, strict=True):
            hull = axis.hull(at)
            corners.append((hull[0], hull[-1]))
        left, top, _, _ = panel.box(corners[0][0], corners[1][0])
        _, _, right, bottom = panel.box(corners[0][1], corners[1][1])
        return left, top, right, bottom

    def _number(
        self,
        pen: Pen,
        box: Box,
        value: Value,
        ink: Colour,
        corner: Value | None = None,
    ) -> None:
        left, top, right, bottom = box
        text = _short(value_text(value))
        roomy = corner is not None and self.side >= 32
        font = _fitting(text, self.side - 2 * INSET, round(self.side * 0.45))
        # up and to the left of the weight, as far as the window's frame leaves room
        length = _length(text, round(font.size))
        x = max((left + right) / 2 - (3 if roomy else 0), left + INSET + length / 2)
        pen.text(
            (x, (top + bottom) / 2 - (3 if roomy else 0)), text, fill=ink, font=font, anchor="mm"
        )
        if corner is not None and roomy:
            small = _fitting(_short(value_text(corner)), self.side // 2, round(self.side * 0.28))
            pen.text(
                (right - 3, bottom - 2),
                _short(value_text(corner)),
                fill=ink,
                font=small,
                anchor="rb",
            )

    def _words(self, pen: Pen, left: int, top: int, words: str, ink: Colour) -> None:
        """Words on a ground of their own where the page is transparent."""
        font = _font(WORDS)
        if self.theme.page is None:
            width = font.getlength(words)
            pen.rectangle((left, top + 1, left + width + 8, top + 18), fill=self.theme.padding)
        pen.text((left + 4, top + 3), words, fill=ink, font=font)

    def _caption_box(self) -> Box:
        top = self.inputs[0].top + self.inputs[0].height + 8
        return GAP, top, self.width - GAP, top + self.caption * self.lines

    def _caption(self, pen: Pen, step: Step) -> None:
        """The sum, on a ground of the same size in every frame."""
        box = self._caption_box()
        top = box[1]
        pen.rectangle(box, fill=self.theme.padding)
        for number, line in enumerate(self.told(step)):
            place = (GAP + 4, top + 3 + number * self.caption)
            pen.text(place, line, fill=self.theme.ink, font=_font(WORDS))


def _folded(line: str, room: int) -> list[str]:
    """A sum in lines of a width, broken before a plus or an equals sign."""
    if _length(line, WORDS) <= room:
        return [line]
    lines = [""]
    for piece in re.split(r" (?=[+=] )", line):
        longer = f"{lines[-1]} {piece}".strip()
        if lines[-1] and _length(longer, WORDS) > room:
            lines.append(piece)
        else:
            lines[-1] = longer
    return lines


def dashed(pen: Pen, box: Box, colour: Colour) -> None:
    """The outline of a cell in dashes of four pixels."""
    left, top, right, bottom = box
    for start in range(left, right, 8):
        end = min(start + 4, right)
        for y in (top, bottom):
            pen.line((start, y, end, y), fill=colour)
    for start in range(top, bottom, 8):
        end = min(start + 4, bottom)
        for x in (left, right):
            pen.line((x, start, x, end), fill=colour)


@cache
def _font(size: int) -> Any:
    return ImageFont.load_default(size)


@cache
def _length(text: str, size: int) -> float:
    return float(_font(size).getlength(text))


@cache
def _fitting(text: str, room: int, size: int) -> Any:
    """The largest font up to a size in which a text has room."""
    while size > 4 and _length(text, size) > room:
        size -= 1
    return _font(size)


def _short(text: str) -> str:
    """A number of at most seven signs: `0.3333`, `-1.2e-05`, `12345`."""
    if len(text) <= 7:
        return text
    try:
        top, _, bottom = text.partition("/")
        return f"{float(top) / float(bottom or 1):.3g}"
    except ValueError:
        return text[:6] + "…"
