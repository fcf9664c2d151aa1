"""The sliding window as an animation: the input below, the output above, the window shaded.

Frames are drawn in cells of equal size, every number within an opaque cell, so that what stands
between them may be transparent and the pictures readable on light and on dark pages. The layout
follows the figures of Dumoulin & Visin, "A guide to convolution arithmetic" (2016): padding is
dashed, the input blue, the output green.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from convcli.errors import OutputError, UnfitError, safe
from convcli.pictures.files import check_free, write_file

if TYPE_CHECKING:
    from convcli.lessons.walk import Spot, Step, Walk

Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]

MOST_CELLS = 40
"""Cells a side of a canvas that is drawn."""

MOST_PIXELS = 400_000_000
"""Pixels of all frames together."""

MOST_LINES = 6
"""Lines of a sum that are written out below a frame."""

WORDS = 13
"""Size of words, in pixels."""

GAP = 16
"""Pixels around and between the grids."""


class Theme(NamedTuple):
    """The colours of a frame; `page` None leaves it transparent."""

    page: Colour | None
    ink: Colour
    faint: Colour
    cells: tuple[Colour, ...]
    """Fill of the input's cells: of one channel, then of red, green and blue."""
    windows: tuple[Colour, ...]
    """Fill of what the kernel lies on, in the same order."""
    padding: Colour
    output: Colour
    empty: Colour
    now: Colour
    kernel: Colour
    edge: Colour
    frame: Colour


BRIGHT = Theme(
    page=(255, 255, 255),
    ink=(24, 32, 44),
    faint=(92, 102, 116),
    cells=((190, 222, 247), (250, 208, 208), (205, 240, 205), (206, 214, 250)),
    windows=((94, 168, 226), (238, 130, 130), (120, 204, 120), (132, 152, 236)),
    padding=(240, 243, 247),
    output=(174, 230, 199),
    empty=(240, 243, 247),
    now=(74, 194, 133),
    kernel=(240, 214, 250),
    edge=(124, 134, 148),
    frame=(14, 62, 110),
)

THEMES = {
    "both": BRIGHT._replace(page=None, frame=(38, 100, 170)),
    "light": BRIGHT,
    "dark": Theme(
        page=(13, 17, 23),
        ink=(236, 240, 246),
        faint=(160, 170, 184),
        cells=((30, 66, 104), (104, 42, 46), (34, 82, 46), (48, 54, 122)),
        windows=((38, 124, 196), (190, 66, 72), (46, 138, 70), (84, 96, 206)),
        padding=(26, 32, 41),
        output=(24, 92, 62),
        empty=(26, 32, 41),
        now=(24, 146, 92),
        kernel=(86, 52, 104),
        edge=(118, 128, 144),
        frame=(150, 205, 255),
    ),
}
"""`both` is for pages of either kind: opaque cells on a transparent page."""


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

    def __init__(self, walk: "Walk", theme: Theme) -> None:
        self.walk, self.theme = walk, theme
        down, across = (axis.drawn for axis in walk.axes)
        rows, columns = walk.size
        longest = max(len(down), len(across), rows, columns)
        if longest > MOST_CELLS:
            raise UnfitError(
                f"the canvas is {len(down)}x{len(across)} cells, the output {rows}x{columns}; "
                f"at most {MOST_CELLS}x{MOST_CELLS} are drawn"
            )
        self.side = max(24, min(40, 640 // longest))
        self.outputs = [
            self._panel(range(rows), range(columns))
            for _ in range(len(walk.input) if walk.pool else 1)
        ]
        kernels = [
            self._panel(range(len(grid)), range(len(grid[0]))) for grid in walk.kernel
        ]
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
        """The most lines that the sums of the corners and the middle take."""
        rows, columns = self.walk.size
        cells = {(0, 0), (rows - 1, columns - 1), (rows // 2, columns // 2)}
        return max(len(self.told(self.walk.step(cell))) for cell in cells)

    def told(self, step: "Step") -> list[str]:
        """The sum in lines that have room, or what comes out where there are too many."""
        from convcli.lessons.text import sum_lines, text
        from convcli.lessons.values import shown

        room = self.width - 2 * GAP - 8
        lines = []
        for line in sum_lines(self.walk, step):
            lines += _folded(text(line), room)
        if len(lines) <= MOST_LINES:
            return lines
        name = self.walk.names(step.cell)[0]
        result = ", ".join(map(shown, step.outputs))
        whole = " + ".join(map(shown, step.sums))
        if len(step.sums) == 1 or self.walk.pool:
            return [f"{name} = {result}"]
        bias = "" if step.bias is None else f" + {shown(step.bias)}"
        return _folded(f"{name} = {whole}{bias} = {result}", room)[:MOST_LINES]

    @cached_property
    def read(self) -> tuple[frozenset[int], frozenset[int]]:
        return self.walk.read()

    def frames(self, chosen: "Spot | None" = None) -> Iterator[Image.Image]:
        """One RGBA frame an output cell, with the outputs so far; or the chosen cell's alone."""
        values: dict[Spot, tuple[Any, ...]] = {}
        for cell in [chosen] if chosen else self.walk.cells:
            step = self.walk.step(cell)
            values[cell] = step.outputs
            yield self._frame(step, values)

    def _frame(self, step: "Step", values: "dict[Spot, tuple[Any, ...]]") -> Image.Image:
        page = self.theme.page
        image = Image.new("RGBA", (self.width, self.height), (*page, 255) if page else (0, 0, 0, 0))
        pen = ImageDraw.Draw(image)
        for channel, panel in enumerate(self.inputs):
            self._input(pen, panel, channel, step)
        for channel, panel in enumerate(self.kernels):
            self._grid(pen, panel, self.walk.kernel[channel], self.theme.kernel)
        for channel, panel in enumerate(self.outputs):
            self._output(pen, panel, channel, step, values)
        flip = " flipped" if self.walk.kernel != self.walk.given else ""
        for panels, words in ((self.kernels, f"kernel{flip}"), (self.outputs, "output"),
                              (self.inputs, "input")):
            if panels:
                self._words(pen, panels[0].left, panels[0].top - self.caption, words, self.theme.faint)
        self._caption(pen, step)
        return image

    def _input(self, pen: ImageDraw.ImageDraw, panel: Panel, channel: int, step: "Step") -> None:
        theme, walk = self.theme, self.walk
        under = {term.place: term for term in step.channels[channel]}
        shade = 1 + channel % 3 if len(walk.input) > 1 else 0
        first, last = step.channels[channel][0].place, step.channels[channel][-1].place
        later = []
        for row in panel.rows:
            for column in panel.columns:
                box = panel.box(row, column)
                source = walk.source((row, column))
                inside = all(
                    axis.cell(at) is not None
                    for axis, at in zip(walk.axes, (row, column), strict=True)
                )
                unread = inside and source is not None and (
                    source[0] not in self.read[0] or source[1] not in self.read[1]
                )
                term = under.get((row, column))
                fill = theme.cells[shade] if inside else theme.padding
                if term is not None:
                    fill = theme.windows[shade]
                elif inside and first[0] <= row <= last[0] and first[1] <= column <= last[1]:
                    fill = between(theme.cells[shade], theme.windows[shade])
                pen.rectangle(box, fill=fill, outline=theme.edge if inside else None)
                if not inside:
                    later.append(box)
                if unread:
                    pen.line((box[0], box[3], box[2], box[1]), fill=theme.edge)
                value = 0 if source is None else walk.input[channel][source[0]][source[1]]
                ink = theme.ink if (inside and not unread) or term else theme.faint
                self._number(pen, box, value, ink, corner=term.w if term and walk.kernel else None)
        for box in later:
            dashed(pen, box, theme.edge)
        pen.rectangle(self.window(panel, step.cell), outline=theme.frame, width=3)

    def window(self, panel: Panel, cell: "Spot") -> Box:
        """The pixels of the frame around all that a window spans, from first tap to last."""
        corners = []
        for axis, at in zip(self.walk.axes, cell, strict=True):
            first = axis.place(at, 0)
            corners.append((first, first + axis.window.reach - 1))
        left, top, _, _ = panel.box(corners[0][0], corners[1][0])
        _, _, right, bottom = panel.box(corners[0][1], corners[1][1])
        return left, top, right, bottom

    def _grid(self, pen: ImageDraw.ImageDraw, panel: Panel, grid: Any, fill: Colour) -> None:
        for row, values in enumerate(grid):
            for column, value in enumerate(values):
                box = panel.box(row, column)
                pen.rectangle(box, fill=fill, outline=self.theme.edge)
                self._number(pen, box, value, self.theme.ink)

    def _output(
        self,
        pen: ImageDraw.ImageDraw,
        panel: Panel,
        channel: int,
        step: "Step",
        values: "dict[Spot, tuple[Any, ...]]",
    ) -> None:
        theme = self.theme
        for row in panel.rows:
            for column in panel.columns:
                box, known = panel.box(row, column), (row, column) in values
                pen.rectangle(box, fill=theme.output if known else theme.empty, outline=theme.edge)
                if known and (row, column) != step.cell:
                    self._number(pen, box, values[row, column][channel], theme.ink)
        box = panel.box(*step.cell)
        pen.rectangle(box, fill=theme.now, outline=theme.frame, width=3)
        self._number(pen, box, values[step.cell][channel], theme.ink)

    def _number(
        self, pen: ImageDraw.ImageDraw, box: Box, value: Any, ink: Colour, corner: Any = None
    ) -> None:
        from convcli.lessons.values import shown

        left, top, right, bottom = box
        text = _short(shown(value))
        roomy = corner is not None and self.side >= 32
        font = _fitting(text, self.side - 6, round(self.side * 0.45))
        middle = (left + right) / 2 - (3 if roomy else 0), (top + bottom) / 2 - (3 if roomy else 0)
        pen.text(middle, text, fill=ink, font=font, anchor="mm")
        if roomy:
            small = _fitting(_short(shown(corner)), self.side // 2, round(self.side * 0.28))
            pen.text(
                (right - 3, bottom - 2), _short(shown(corner)), fill=ink, font=small, anchor="rb"
            )

    def _words(
        self, pen: ImageDraw.ImageDraw, left: int, top: int, words: str, ink: Colour
    ) -> None:
        """Words on a ground of their own where the page is transparent."""
        font = _font(WORDS)
        if self.theme.page is None:
            width = font.getlength(words)
            pen.rectangle((left, top + 1, left + width + 8, top + 18), fill=self.theme.padding)
        pen.text((left + 4, top + 3), words, fill=ink, font=font)

    def _caption(self, pen: ImageDraw.ImageDraw, step: "Step") -> None:
        """The sum, on a ground of the same size in every frame."""
        top = self.inputs[0].top + self.inputs[0].height + 8
        box = (GAP, top, self.width - GAP, top + self.caption * self.lines)
        pen.rectangle(box, fill=self.theme.padding)
        for number, line in enumerate(self.told(step)[: self.lines]):
            place = (GAP + 4, top + 3 + number * self.caption)
            pen.text(place, line, fill=self.theme.ink, font=_font(WORDS))


def _folded(line: str, room: int) -> list[str]:
    """A sum in lines of a width, broken before a plus or an equals sign."""
    lines = [""]
    for piece in re.split(r" (?=[+=] )", line):
        longer = f"{lines[-1]} {piece}".strip()
        if lines[-1] and _font(WORDS).getlength(longer) > room:
            lines.append(piece)
        else:
            lines[-1] = longer
    return lines


def between(one: Colour, other: Colour) -> Colour:
    """The colour of a hole: under the window, but not read."""
    red, green, blue = ((3 * a + 2 * b) // 5 for a, b in zip(one, other, strict=True))
    return red, green, blue


def dashed(pen: ImageDraw.ImageDraw, box: Box, colour: Colour) -> None:
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
def _fitting(text: str, room: int, size: int) -> Any:
    """The largest font up to a size in which a text has room."""
    while size > 7 and _font(size).getlength(text) > room:
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


def save_animation(
    walk: "Walk",
    target: str,
    chosen: "Spot | None" = None,
    fps: float = 2.0,
    theme: str = "both",
    force: bool = False,
    source: str | None = None,
) -> None:
    """Draw every step of a walk into a GIF, WebP or APNG, or side by side into one PNG.

    The name's end decides: .gif, .webp, .apng, or .png for the strip. Raises OutputError for other
    names, UnfitError for what is too large to draw.
    """
    suffix = target[target.rfind(".") :].lower() if "." in target else ""
    if suffix not in WRITERS:
        raise OutputError(
            f"{safe(target)}: an animation ends in {', '.join(WRITERS)} (one strip), "
            f"not {safe(suffix)!r}"
        )
    check_free([target], force, source or "-")
    sheet = Sheet(walk, THEMES[theme])
    rows, columns = walk.size
    count = 1 if chosen else rows * columns
    if count * sheet.width * sheet.height > MOST_PIXELS:
        raise UnfitError(
            f"{count} frames of {sheet.width}x{sheet.height} are more than "
            f"{MOST_PIXELS:,} pixels; give --cell ROW,COLUMN for one"
        )
    write = WRITERS[suffix]
    write_file(
        target, lambda stream: write(stream, sheet, sheet.frames(chosen), round(1000 / fps)), force
    )


RAMP = 5
"""Steps between the colour of a number and that of its cell."""


def palette(theme: Theme) -> tuple[list[int], int]:
    """All colours of a theme's frames, and the index of the transparent one.

    Fills and inks are exact; between them stand the shades of smoothed edges.
    """
    fills = [
        *theme.cells, *theme.windows, theme.padding, theme.output, theme.now, theme.kernel,
        *map(between, theme.cells, theme.windows),
    ]
    colours: dict[Colour, None] = {}
    for colour in (*fills, theme.empty, theme.ink, theme.faint, theme.edge, theme.frame,
                   *([theme.page] if theme.page else [])):
        colours.setdefault(colour)
    grounds = [*fills, *([theme.page] if theme.page else [])]
    for ink in (theme.ink, theme.faint):
        for fill in grounds:
            for part in range(1, RAMP):
                colours.setdefault(
                    tuple(  # type: ignore[arg-type]
                        round(a + (b - a) * part / RAMP) for a, b in zip(fill, ink, strict=True)
                    )
                )
    kept = list(colours)[:255]
    flat = [sample for colour in kept for sample in colour]
    return flat + flat[-3:] * (256 - len(kept)), 255


def _gif(stream: IO[bytes], sheet: Sheet, frames: Iterator[Image.Image], duration: int) -> None:
    flat, clear = palette(sheet.theme)
    book = Image.new("P", (1, 1))
    book.putpalette(flat)

    def indexed(frame: Image.Image) -> Image.Image:
        plain = frame.convert("RGB").quantize(palette=book, dither=Image.Dither.NONE)
        if sheet.theme.page is None:
            plain.paste(clear, mask=frame.getchannel("A").point(lambda alpha: 255 * (alpha < 128)))
        return plain

    first, *rest = map(indexed, frames)
    # the same pixels are clear in every frame, so that a frame may hold only what changed
    transparent = {"transparency": clear} if sheet.theme.page is None else {}
    first.save(
        stream, "GIF", save_all=True, append_images=rest, loop=0, duration=duration,
        disposal=1, **transparent,
    )


def _webp(stream: IO[bytes], sheet: Sheet, frames: Iterator[Image.Image], duration: int) -> None:
    first, *rest = frames
    first.save(stream, "WEBP", save_all=True, append_images=rest, loop=0, duration=duration,
               lossless=True)


def _apng(stream: IO[bytes], sheet: Sheet, frames: Iterator[Image.Image], duration: int) -> None:
    first, *rest = frames
    first.save(stream, "PNG", save_all=True, append_images=rest, loop=0, duration=duration)


def _strip(stream: IO[bytes], sheet: Sheet, frames: Iterator[Image.Image], duration: int) -> None:
    """All frames on one picture, as many columns as the output has."""
    pictures = list(frames)
    columns = sheet.walk.size[1] if len(pictures) > 1 else 1
    rows = -(-len(pictures) // columns)
    strip = Image.new("RGBA", (columns * sheet.width, rows * sheet.height))
    for number, picture in enumerate(pictures):
        place = number % columns * sheet.width, number // columns * sheet.height
        strip.paste(picture, place)
    strip.save(stream, "PNG", optimize=True)


WRITERS = {".gif": _gif, ".webp": _webp, ".apng": _apng, ".png": _strip}
"""The end of a file's name → how its frames are written."""
