"""Lessons as lines of text: grids with the window on them, products and sums.

A line is a list of spans, text and the name of a style; on a terminal Rich colors them, in a pipe
the text is plain. Every color also has a sign:

    [3]   a tap of the kernel lies on it      (3)   a hole of the dilated kernel
     _    padding, or a zero between cells    ~3    never read by any window
"""

from collections.abc import Iterable, Iterator, Sequence

from convcli.explanation.steps import Spot, Step, Term, Walk
from convcli.explanation.values import factor, numeric, total, value_text
from convcli.numerals import Grid, Stack, Symbol, Value
from convcli.records import NamedTuple

Span = tuple[str, str]
"""Text, and the name of a style of STYLES."""

Line = list[Span]

Block = tuple[str, list[Line]]
"""Lines under a heading."""

STYLES = {
    "": "",
    "head": "bold",
    "tap": "bold black on cyan",
    "tap0": "bold white on red",
    "tap1": "bold black on green",
    "tap2": "bold white on blue",
    "hole": "cyan",
    "padding": "dim",
    "unread": "dim red",
    "x": "cyan",
    "w": "magenta",
    "sum": "bold green",
    "now": "bold black on green",
    "note": "dim",
}
"""What each style is on a terminal, in Rich's words: the sixteen colors that themes set."""

COLORS = ("red", "green", "blue")
"""The names of a picture's channels."""

MAX_DRAWN = 26
"""Rows and columns of a canvas that is drawn completely; of others, those around the window."""

MARGIN = 2
"""Cells around the window that are drawn of a large canvas."""


class Frame(NamedTuple):
    """The part of a canvas that is drawn."""

    rows: range
    columns: range


def text(line: Line) -> str:
    """A line without its styles."""
    return "".join(part for part, _ in line).rstrip()


def frame(walk: Walk, cell: Spot | None = None) -> Frame:
    """All of the canvas, or the window's neighborhood on a large one."""
    sides = []
    for number, axis in enumerate(walk.axes):
        drawn = axis.drawn
        if len(drawn) > MAX_DRAWN:
            first = max(drawn.start, -MARGIN)
            part = axis.hull(cell[number]) if cell else range(first, first + MAX_DRAWN)
            margin = MARGIN if cell else 0
            drawn = range(
                max(part.start - margin, drawn.start), min(part.stop + margin, drawn.stop)
            )
        sides.append(drawn)
    return Frame(*sides)


def canvas(walk: Walk, channel: int, step: Step | None, view: Frame) -> list[Line]:
    """The canvas of a channel, with the window of a step on it."""
    rows, columns = (
        _positions(walk, axis, view[axis], None if step is None else step.cell[axis])
        for axis in (0, 1)
    )
    grid, tap = walk.input[channel], f"tap{channel}" if len(walk.input) == 3 else "tap"
    constant = walk.border.name == "constant"
    outside = value_text(walk.border.value) if constant else "_"
    cells: list[list[Span]] = []
    for row in rows:
        line = []
        for column in columns:
            empty = row.source is None or column.source is None
            value = outside if empty else value_text(grid[row.source][column.source])  # type: ignore[index]
            if row.tap and column.tap:
                line.append((f"[{value}]", tap))
            elif row.spanned and column.spanned:
                line.append((f"({value})", "hole"))
            elif not (row.inside and column.inside):
                line.append((f" {value} ", "padding"))
            elif not (row.read and column.read):
                line.append((f"~{value} ", "unread"))
            else:
                line.append((f" {value} ", ""))
        cells.append(line)
    return aligned(cells)


class _Position(NamedTuple):
    """A position on one axis of the canvas: what is at it, and which window reads it."""

    source: int | None
    inside: bool
    """Whether it is a cell of the input."""
    read: bool
    """Whether some window reads that cell."""
    tap: bool
    spanned: bool
    """Whether it lies between the window's first tap and its last."""


def _positions(walk: Walk, axis: int, positions: range, output: int | None) -> list[_Position]:
    """The positions of an axis that are drawn, with the window of an output on them."""
    along, read = walk.axes[axis], walk.read()[axis]
    span, taps = (
        (range(0), range(0)) if output is None else (along.hull(output), along.taps(output))
    )
    return [
        _Position(
            along.source(position, walk.border),
            along.cell(position) is not None,
            along.cell(position) in read,
            position in taps,
            position in span,
        )
        for position in positions
    ]


def aligned(cells: Sequence[Sequence[Span]]) -> list[Line]:
    """Columns of equal width, to the right; the last sign of a cell stays behind its value."""
    widths = [max(len(row[c][0]) for row in cells) for c in range(len(cells[0]))]
    lines = []
    for row in cells:
        line: Line = []
        for (cell, style), width in zip(row, widths, strict=True):
            line += [(" " * (width - len(cell)), "")] if len(cell) < width else []
            line.append((cell, style))
        lines.append(line)
    return lines


def grid_lines(grid: Grid, style: str = "", now: Spot | None = None) -> list[Line]:
    """A grid of values; one of them may be marked."""
    return aligned(
        [
            [
                (f"[{value_text(v)}]", "now") if (r, c) == now else (f" {value_text(v)} ", style)
                for c, v in enumerate(row)
            ]
            for r, row in enumerate(grid)
        ]
    )


def grids(name: str, stack: Stack, style: str = "") -> list[Block]:
    """The grid of every channel of a stack, under its name."""
    count = len(stack)
    names = (f"{name} {channel_name(channel, count)}".rstrip() for channel in range(count))
    return [(name, grid_lines(grid, style)) for name, grid in zip(names, stack, strict=True)]


def canvases(walk: Walk, step: Step | None, view: Frame) -> list[Block]:
    """The canvas of every channel under its name, with the window of a step on it."""
    count = len(walk.input)
    return [(channel_name(c, count), canvas(walk, c, step, view)) for c in range(count)]


def beside(blocks: Sequence[Block], gap: int = 3) -> list[Line]:
    """Blocks under their headings, side by side."""
    columns = []
    for heading, block in blocks:
        lines = [[(heading, "head")], *block] if heading else list(block)
        columns.append((lines, max(sum(len(part) for part, _ in line) for line in lines)))
    height = max(len(lines) for lines, _ in columns)
    joined = []
    for number in range(height):
        row: Line = []
        for lines, width in columns:
            line = lines[number] if number < len(lines) else []
            used = sum(len(part) for part, _ in line)
            row += [*line, (" " * (width - used + gap), "")]
        joined.append(row)
    return joined


def channel_name(channel: int, channels: int) -> str:
    """The name of a channel: none for a single one, a color for one of three."""
    if channels == 1:
        return ""
    return COLORS[channel] if channels == 3 else f"channel {channel}"


def joined(parts: Iterable[Line], between: str = " + ") -> Line:
    """Lines as one, with a sign between them."""
    line: Line = []
    for part in parts:
        line += [(between, "")] if line else []
        line += part
    return line


def products(terms: Iterable[Term]) -> Line:
    """`1·1 + 2·0`: every tap, its cell first."""
    return joined([(factor(t.x), "x"), ("·", ""), (factor(t.w), "w")] for t in terms)


def equals(left: Line, result: Value) -> Line:
    return [*left, (" = ", ""), (value_text(result), "sum")]


def sum_lines(walk: Walk, step: Step) -> Iterator[Line]:
    """The arithmetic of a step, channel by channel, then over channels and the bias."""
    names = walk.names(step.cell)
    if walk.pool:
        for terms, value, name in zip(step.channels, step.sums, names, strict=True):
            yield _named(name, _pool_line(walk.pool, terms), value)
        return
    count = len(step.channels)
    output_name = names[0]
    if count == 1 and step.bias is None:
        yield _named(output_name, products(step.channels[0]), step.outputs[0])
        return
    for channel, (terms, value) in enumerate(zip(step.channels, step.sums, strict=True)):
        name = channel_name(channel, count)
        label = [(f"{name}: ", "head")] if name else []
        yield equals([*label, *products(terms)], value)
    known = numeric(*step.sums)
    sums: Line = joined([(factor(value), "sum")] for value in step.sums)
    if known and count > 1:
        partial = total(step.sums, "")
        if step.bias is None:
            yield _named(output_name, sums, partial)
            return
        yield equals([("all channels: ", "head"), *sums], partial)
        sums = [(factor(partial), "sum")]
    if step.bias is not None:
        sums = [*sums, (" + ", ""), (factor(step.bias), "w")]
    result = step.outputs[0]
    yield _named(output_name, sums, Symbol(output_name) if isinstance(result, Symbol) else result)


def _named(name: str, line: Line, value: Value) -> Line:
    """`z[0,0] = 1·1 + 2·0 = 1`; a symbol that only repeats the name is left out."""
    line = [(f"{name} = ", "head"), *line]
    return line if value == name else equals(line, value)


def _pool_line(pool: str, terms: tuple[Term, ...]) -> Line:
    """`(1 + 2) / 2`, or `max(1, 2)` of the cells that are there."""
    if pool == "avg":
        return [("(", ""), *joined([(factor(t.x), "x")] for t in terms), (f") / {len(terms)}", "")]
    cells = ([(value_text(t.x), "x")] for t in terms if t.cell is not None)
    return [(f"{pool}(", ""), *joined(cells, ", "), (")", "")]


def legend(walk: Walk) -> Iterator[Line]:
    """The meanings of the signs in this walk's grids."""
    rows, columns = walk.axes
    if any(len(a.drawn) > a.cells for a in walk.axes):
        what = (
            "padding" if any(a.drawn.start < 0 or a.drawn.stop > a.span for a in walk.axes) else ""
        )
        between = "a zero between cells" if max(rows.spread, columns.spread) > 1 else ""
        kind = " or ".join(filter(None, (what, between)))
        if walk.border.name == "constant":
            value = value_text(walk.border.value)
            yield [("     ", "padding"), (f"outside: the border holds {value}", "note")]
        elif not walk.border.repeats:
            taken = "never taken" if walk.pool in ("max", "min") else "counted as 0"
            yield [(" _   ", "padding"), (f"{kind}, {taken}", "note")]
        else:
            yield [
                ("     ", "padding"),
                (f"outside: the border repeats cells ({walk.border.name})", "note"),
            ]
    yield [("[ ]  ", "tap"), ("read by the window", "note")]
    if max(rows.window.dilation, columns.window.dilation) > 1:
        yield [("( )  ", "hole"), ("under the window, in a hole of the dilated kernel", "note")]
    if walk.unread():
        yield [("~    ", "unread"), ("never read by any window", "note")]
