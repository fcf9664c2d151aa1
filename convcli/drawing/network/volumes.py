"""The styles `volumes` and `maps`: layers from left to right to scale, as papers draw them.

A volume is as high and wide as its maps and as thick as they are many; `maps` draws some sheets
instead. Edges between layers that are not neighbors are arcs above, and layers of a shortcut into
an addition stand on its arc.
"""

from collections.abc import Callable, Mapping, Sequence
from math import log2, sqrt
from typing import Literal

from convcli.drawing.network.blocks import Block, shortcuts_of
from convcli.drawing.network.captions import kernel_label, lines_of, title_of
from convcli.drawing.network.palette import BLOCK_TEXT, Coloring, Theme, shaded
from convcli.drawing.network.scene import (
    Group,
    Item,
    Line,
    Scene,
    Shape,
    Text,
    legend,
    rectangle,
    text_width,
)
from convcli.records import NamedTuple

SCALES: Mapping[str, Callable[[float], float]] = {
    "log": lambda value: log2(value + 1),
    "sqrt": sqrt,
    "linear": float,
}
"""How lengths of a figure follow from sizes."""

MARGIN, MAX_HEIGHT, MAX_THICKNESS, GAP = 28.0, 150.0, 46.0, 14.0
OBLIQUE = 0.36
"""How far a map's width goes back, along both axes."""
SHEETS, STEP = 8, 4.0
TRACK, SIZE, LEADING = 11.0, 11.0, 14.0


class Solid(NamedTuple):
    """The position of a block: its front, its depth and its thickness."""

    x: float
    height: float
    back: float
    thick: float

    @property
    def middle(self) -> float:
        return self.x + (self.thick + self.back) / 2

    @property
    def right(self) -> float:
        return self.x + self.thick + self.back


def volumes_scene(
    blocks: Sequence[Block],
    labels: Sequence[str],
    theme: Theme,
    title: str,
    scale: str,
    style: Literal["volumes", "maps"],
    coloring: Coloring,
) -> Scene:
    """The figure of a network whose layers stand in one line."""
    blocks, arcs = _in_line(blocks)
    solids, captions = _solids(blocks, labels, SCALES[scale], style)
    tracks = _tracks([arc[:2] for arc in arcs])
    top = MARGIN + (24 if title else 0) + (TRACK * (max(tracks, default=-1) + 2) if arcs else 0)
    middle = top + max(solid.height / 2 + solid.back for solid in solids)
    items: list[Item] = []
    above: list[Item] = []
    for (source, index, on_arc), track in zip(arcs, tracks, strict=True):
        y = top - TRACK * (track + 1)
        start, end = solids[source], solids[index]
        points = (
            (start.middle + 2, middle - start.height / 2 - start.back / 2),
            (start.middle + 2, y),
            (end.middle - 2, y),
            (end.middle - 2, middle - end.height / 2 - end.back / 2),
        )
        above.append(Line(points, theme.outline, arc=True))
        room = (points[2][0] - points[1][0]) / (len(on_arc) + 1)
        for number, block in enumerate(on_arc, 1):
            corners = rectangle(points[1][0] + room * number - 7, y - 4, 14, 8)
            box = Shape(corners, coloring.fill(block), theme.outline)
            above.append(Group(title_of(block), (box,)))
    neighbors = [i for i, block in enumerate(blocks) if i and i - 1 in block.inputs]
    for index in neighbors:
        left, right = solids[index - 1], solids[index]
        if right.x - left.x - left.thick > 6 and style == "volumes":
            ends = (left.x + left.thick, middle), (right.x, middle)
            items.append(Line(ends, theme.faint))
    bottom = middle + max(solid.height for solid in solids) / 2
    # the last one first, as an oblique back reaches behind the next front
    for block, solid, lines in reversed(list(zip(blocks, solids, captions, strict=True))):
        shapes = (
            _sheets(block, solid, middle, theme, coloring.fill(block))
            if style == "maps"
            else _volume(solid, middle, theme, coloring.fill(block))
        )
        texts = tuple(
            Text(
                (solid.x + solid.thick / 2, bottom + 18 + LEADING * number),
                line,
                theme.text if not number else theme.faint,
                SIZE,
            )
            for number, line in enumerate(lines)
        )
        items.append(Group(title_of(block), (*shapes, *texts)))
    if style == "maps":
        for index in neighbors:
            pair = (blocks[index - 1], solids[index - 1]), (blocks[index], solids[index])
            items += _projection(*pair, middle, theme)
    items += above
    height = bottom + 18 + LEADING * max(map(len, captions))
    note = f"sides and channels to {scale} scale"
    if style == "maps":
        note = f"sides to {scale} scale, at most {SHEETS} sheets per layer"
    last = solids[-1].x + solids[-1].thick / 2
    last_caption = max(text_width(line, SIZE) for line in ("", *captions[-1]))
    width = max(
        max(solid.right for solid in solids) + MARGIN,
        last + last_caption / 2 + MARGIN,
        text_width(note, 9) + 2 * MARGIN,
        text_width(title, 15) + 2 * MARGIN,
    )
    items.append(Text((MARGIN, height + 14), note, theme.faint, 9, "start"))
    meanings, more = legend(coloring.entries, MARGIN, height + 26, width - 2 * MARGIN, theme)
    items += meanings
    if title:
        items.append(Text((width / 2, MARGIN + 2), title, theme.text, 15))
    return Scene(width, height + more + MARGIN, theme, title, tuple(items))


def _in_line(
    blocks: Sequence[Block],
) -> tuple[list[Block], list[tuple[int, int, tuple[Block, ...]]]]:
    """The blocks of the line, and its arcs: source, end, and the blocks that stand on it."""
    on_arcs = shortcuts_of(blocks)
    positions: dict[int, int] = {}
    for index in range(len(blocks)):
        if index not in on_arcs:
            positions[index] = len(positions)
    arcs: dict[tuple[int, int], list[Block]] = {}
    line: list[Block] = []
    for index, block in enumerate(blocks):
        if index in on_arcs:
            start, end = (positions[i] for i in on_arcs[index])
            arcs.setdefault((start, end), []).append(block)
            continue
        sources = [positions[on_arcs[i][0] if i in on_arcs else i] for i in block.inputs]
        here = len(line)
        for source in sources:
            if source < here - 1:
                arcs.setdefault((source, here), [])
        line.append(block._replace(inputs=tuple(sources)))
    return line, [
        (*ends, tuple(members))
        for ends, members in sorted(arcs.items(), key=lambda a: (a[0][1], a[0][0]))
    ]


def _solids(
    blocks: Sequence[Block], labels: Sequence[str], scale: Callable[[float], float], style: str
) -> tuple[list[Solid], list[list[str]]]:
    """The position of every block, and the lines below it; these never overlap."""
    sides = [max(block.output[1:], default=1) for block in blocks]
    side, channels = scale(max(sides)), scale(max(max(block.output[0] for block in blocks), 2))
    solids: list[Solid] = []
    captions: list[list[str]] = []
    x, free = MARGIN, 4.0
    before: tuple[int, ...] = ()
    for block in blocks:
        lengths, share = block.output[1:], scale(block.output[0]) / channels
        if not lengths:
            height, back, thick = max(MAX_HEIGHT * share, 8.0), 4.0, 9.0
        else:
            rows, columns = (lengths if len(lengths) > 1 else (*lengths, 1))[-2:]
            height = max(MAX_HEIGHT * scale(rows) / side, 3.0)
            back = max(MAX_HEIGHT * scale(columns) / side * OBLIQUE, 2.0)
            thick = max(MAX_THICKNESS * share, 3.0)
            if style == "maps":
                sheets = min(SHEETS, block.output[0])
                thick = max(MAX_HEIGHT * scale(columns) / side, 3.0)
                back = STEP * (sheets - 1)
        lines = _lines(block, labels, before)
        width = max((text_width(line, SIZE) for line in lines), default=0.0)
        if solids:
            gap = GAP + solids[-1].back if lengths != before or style == "maps" else 3
            x = solids[-1].x + solids[-1].thick + gap
        x = max(x, free + width / 2 - thick / 2)
        solids.append(Solid(x, height, back, thick))
        captions.append(lines)
        free = x + thick / 2 + width / 2 + 6
        before = lengths
    return solids, captions


def _lines(block: Block, labels: Sequence[str], before: tuple[int, ...]) -> list[str]:
    """The channels below a block, its sides where they change, and the labels that are added."""
    lines = []
    if "sizes" in labels:
        lines.append(f"{block.output[0]:,}" + (f" ×{block.times}" if block.times > 1 else ""))
        if block.output[1:] and block.output[1:] != before:
            lines.append("×".join(map(str, block.output[1:])))
        else:
            lines.append("")
    if "kernels" in labels:
        lines.append(kernel_label(block))
    others = [label for label in labels if label not in ("sizes", "kernels")]
    return lines + lines_of(block, others)


def _volume(solid: Solid, middle: float, theme: Theme, fill: str) -> tuple[Shape, ...]:
    """The three sides that are seen of a box."""
    x, height, back, thick = solid
    top, end = middle - height / 2, middle + height / 2
    right = x + thick
    above = ((x, top), (x + back, top - back), (right + back, top - back), (right, top))
    side = ((right, top), (right + back, top - back), (right + back, end - back), (right, end))
    return (
        Shape(above, shaded(fill, 1.25), theme.outline),
        Shape(side, shaded(fill, 0.8), theme.outline),
        Shape(rectangle(x, top, thick, height), fill, theme.outline),
    )


def _sheets(
    block: Block, solid: Solid, middle: float, theme: Theme, fill: str
) -> tuple[Shape, ...]:
    """Sheets one behind another; a vector is a box."""
    if not block.output[1:]:
        return _volume(solid, middle, theme, fill)
    sheets = min(SHEETS, block.output[0])
    return tuple(
        Shape(
            rectangle(
                solid.x + STEP * number, middle - solid.height / 2 - STEP * number,
                solid.thick, solid.height,
            ),
            fill,
            theme.outline,
        )
        for number in reversed(range(sheets))
    )  # fmt: skip


def _projection(
    before: tuple[Block, Solid], behind: tuple[Block, Solid], middle: float, theme: Theme
) -> list[Item]:
    """The window of a layer on the map before it, with lines to the cell that it gives.

    A vector is joined to all of what is before it.
    """
    (source, front), (block, back) = before, behind
    top, end = middle - front.height / 2, middle + front.height / 2
    edge = front.x + front.thick
    if not block.output[1:]:
        ends = (middle - back.height / 2, middle + back.height / 2)
        return [
            Line(((edge, start), (back.x, stop)), theme.faint, False, 0.6)
            for start, stop in zip((top, end), ends, strict=True)
        ]
    kernel = getattr(block.main and block.main.node.layer, "kernel", ())
    if block.scope or len(source.output) != 3 or not isinstance(kernel, tuple) or len(kernel) != 2:
        return []
    rows, columns = (
        min(taps / length, 1) for taps, length in zip(kernel, source.output[1:], strict=True)
    )
    width, height = front.thick * columns, front.height * rows
    if min(width, height) < MIN_WINDOW:
        return []
    left = front.x + min(WINDOW_AT * front.thick, front.thick - width)
    upper = top + min(WINDOW_AT * front.height, front.height - height)
    cell = back.x + CELL_AT * back.thick, middle - back.height / 2 + CELL_AT * back.height
    corners = rectangle(left, upper, width, height)
    return [
        Shape(corners, "none", BLOCK_TEXT),
        Line((corners[1], cell), theme.faint, False, 0.6),
        Line((corners[2], cell), theme.faint, False, 0.6),
    ]


MIN_WINDOW = 2.0
"""Units of the smallest window that is drawn."""
WINDOW_AT, CELL_AT = 0.55, 0.3
"""Where a window begins on the map that it reads, and a cell lies on the map that it gives."""


def _tracks(arcs: Sequence[tuple[int, int]]) -> list[int]:
    """The lowest track for each arc on which it meets no other; short ones are inside."""
    tracks = [0] * len(arcs)
    placed: list[tuple[int, int, int]] = []
    for number in sorted(range(len(arcs)), key=lambda i: (arcs[i][1] - arcs[i][0], arcs[i])):
        start, end = arcs[number]
        taken = {track for a, b, track in placed if a < end and start < b}
        track = next(track for track in range(len(arcs) + 1) if track not in taken)
        tracks[number] = track
        placed.append((start, end, track))
    return tracks
