"""The style `blocks`: one box per block in ranks from top to bottom, edges around the boxes.

Ranks are longest paths, an edge over several ranks holds a track in each, and tracks and boxes of a
rank are ordered by the mean of their neighbors (Sugiyama, Tagawa & Toda 1981).
"""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil

from convcli.drawing.network.blocks import Block
from convcli.drawing.network.captions import lines_of, title_of
from convcli.drawing.network.palette import BLOCK_TEXT, Coloring, Theme
from convcli.drawing.network.scene import (
    Group,
    Item,
    Line,
    Point,
    Scene,
    Shape,
    Text,
    legend,
    rectangle,
    text_width,
)

MARGIN, GAP, RANK_GAP, TRACK = 28.0, 26.0, 26.0, 18.0
SIZE, LEADING = 11.0, 14.0
SWEEPS = 8
CORNER = 8.0


def layered_scene(
    blocks: Sequence[Block],
    labels: Sequence[str],
    theme: Theme,
    title: str,
    coloring: Coloring,
    right: bool = False,
) -> Scene:
    """The figure of a graph of blocks, whose ranks go down, or to the right."""
    texts = [lines_of(block, labels) for block in blocks]
    sizes = [
        (
            # even, so that a box around a whole unit ends on one
            2 * ceil(max([48.0, *(text_width(line, SIZE) / 2 + 10 for line in lines)])),
            LEADING * max(len(lines), 1) + 10,
        )
        for lines in texts
    ]
    # across a rank, and along the ranks
    widths = [size[right] for size in sizes]
    heights = [size[not right] for size in sizes]
    ranks = _ranks(blocks)
    layers: list[list[int]] = [[] for _ in range(max(ranks) + 1)]
    for index, rank in enumerate(ranks):
        layers[rank].append(index)
    # tracks are nodes of their own, numbered behind the blocks
    edges: list[list[int]] = []
    for index, block in enumerate(blocks):
        for source in dict.fromkeys(block.inputs):
            chain = [source]
            for rank in range(ranks[source] + 1, ranks[index]):
                layers[rank].append(len(widths))
                chain.append(len(widths))
                widths.append(TRACK)
            edges.append([*chain, index])
    near: list[list[tuple[int, int]]] = [[] for _ in widths]
    for chain in edges:
        for source, target in pairwise(chain):
            weight = 1 if (source < len(blocks)) != (target < len(blocks)) else 6
            near[source].append((target, weight))
            near[target].append((source, weight))
    centers = _centers(layers, near, widths)
    left = min(center - width / 2 for center, width in zip(centers, widths, strict=True))
    head = 24 if title else 0
    across = MARGIN + (head if right else 0)
    centers = [float(round(center - left + across)) for center in centers]
    rank_heights = [
        max((heights[node] for node in layer if node < len(blocks)), default=0.0)
        for layer in layers
    ]
    y = MARGIN + (0 if right else head)
    tops: list[float] = []
    for height in rank_heights:
        tops.append(y)
        y += height + RANK_GAP
    rank_of = [0] * len(widths)
    for rank, layer in enumerate(layers):
        for node in layer:
            rank_of[node] = rank

    def at(across: float, along: float) -> Point:
        return (along, across) if right else (across, along)

    def frame(left: float, top: float, width: float, height: float) -> tuple[Point, ...]:
        return rectangle(*at(left, top), *at(width, height))

    lines: list[Item] = []
    for chain in edges:
        points: list[Point] = []
        for number, node in enumerate(chain):
            top = tops[rank_of[node]]
            end = top + (heights[node] if node < len(blocks) else rank_heights[rank_of[node]])
            if number:
                points.append(at(centers[node], top))
            if number < len(chain) - 1:
                points.append(at(centers[node], end))
        lines.append(Line(tuple(points), theme.outline, arc=len(chain) > 2))
    boxes = [
        Group(
            title_of(block),
            _box(
                block,
                texts[i],
                frame(centers[i] - widths[i] / 2, tops[ranks[i]], widths[i], heights[i]),
                coloring.fill(block),
                theme,
                right,
            ),
        )
        for i, block in enumerate(blocks)
    ]
    edge = max(center + width / 2 for center, width in zip(centers, widths, strict=True))
    frames: list[Item] = []
    for run in sorted({block.run for block in blocks if block.run}):
        members = [i for i, block in enumerate(blocks) if block.run == run]
        lefts = min(centers[i] - widths[i] / 2 for i in members) - 7
        rights = max(centers[i] + widths[i] / 2 for i in members) + 7
        top = min(tops[ranks[i]] for i in members) - 7
        end = max(tops[ranks[i]] + heights[i] for i in members) + 7
        frames.append(
            Shape(frame(lefts, top, rights - lefts, end - top), "none", theme.faint, True)
        )
        # beyond all tracks, where no box stands
        middle = (top + end) / 2
        x, base = at(edge + (26 if right else 16), middle)
        anchor = "middle" if right else "start"
        times = f"×{blocks[members[0]].times}"
        frames.append(Text((x, base + (0 if right else 4)), times, theme.text, 13, anchor))
        ends = at(rights, middle), at(edge + 12, middle)
        frames.append(Line(ends, theme.faint, False, 0.6))
    far = edge + MARGIN + (40 if frames and not right else 16 if frames else 0)
    width, height = at(far, y - RANK_GAP + MARGIN)
    width = max(width, text_width(title, 15) + 2 * MARGIN)
    heading: list[Item] = [Text((width / 2, MARGIN + 2), title, theme.text, 15)] if title else []
    room = max(width - 2 * MARGIN, 160.0)
    meanings, more = legend(coloring.entries, MARGIN, height - 8, room, theme)
    width = max(
        width,
        *(
            text.at[0] + text_width(text.text, text.size) + MARGIN
            for text in meanings
            if isinstance(text, Text)
        ),
        0.0,
    )
    items = (*frames, *lines, *boxes, *heading, *meanings)
    return Scene(width, height + more, theme, title, items)


def _ranks(blocks: Sequence[Block]) -> list[int]:
    """The length of the longest path to each block."""
    ranks: list[int] = []
    for block in blocks:
        ranks.append(max((ranks[source] + 1 for source in block.inputs), default=0))
    return ranks


def edges_crossed(blocks: Sequence[Block]) -> int:
    """Ranks that edges cross on their way, all together."""
    ranks = _ranks(blocks)
    return sum(
        ranks[index] - ranks[source] - 1
        for index, block in enumerate(blocks)
        for source in set(block.inputs)
    )


def _box(
    block: Block,
    lines: Sequence[str],
    corners: tuple[Point, ...],
    fill: str,
    theme: Theme,
    right: bool,
) -> tuple[Shape | Line | Text, ...]:
    """A box whose outline says its kind too: corners are cut where sizes change."""
    (x0, y0), (x1, y1) = corners[0], corners[2]
    # how far the corners before and behind are cut, across the direction of the ranks
    near = CORNER if block.kind == "enlarging" else 0.0
    far = CORNER if block.kind == "pooling" else 0.0
    if block.kind in ("addition", "concatenation"):
        middle = (y0 + y1) / 2
        corners = (
            (x0 + CORNER, y0), (x1 - CORNER, y0), (x1, middle),
            (x1 - CORNER, y1), (x0 + CORNER, y1), (x0, middle),
        )  # fmt: skip
    elif right:
        corners = (x0, y0 + near), (x1, y0 + far), (x1, y1 - far), (x0, y1 - near)
    else:
        corners = (x0 + near, y0), (x1 - near, y0), (x1 - far, y1), (x0 + far, y1)
    texts = [
        Text(((x0 + x1) / 2, y0 + 5 + LEADING * (number + 1) - 3), line, BLOCK_TEXT, SIZE)
        for number, line in enumerate(lines)
    ]
    return (Shape(corners, fill, theme.outline), *texts)


def _centers(
    layers: list[list[int]], near: Sequence[Sequence[tuple[int, int]]], widths: Sequence[float]
) -> list[float]:
    """The middle of every node, with room between the neighbors of a rank; orders `layers`."""
    centers = [0.0] * len(widths)
    for layer in layers:
        _place(layer, [0.0] * len(layer), widths, centers)
    for sweep in range(2 * SWEEPS):
        order = layers if sweep % 2 == 0 else layers[::-1]
        for layer in order:
            wanted = {}
            for node in layer:
                total = sum(weight for _, weight in near[node])
                mean = sum(centers[other] * weight for other, weight in near[node])
                wanted[node] = mean / total if total else centers[node]
            if sweep < SWEEPS:
                layer.sort(key=lambda node: wanted[node])
            _place(layer, [wanted[node] for node in layer], widths, centers)
    return centers


def _place(
    layer: Sequence[int], wanted: Sequence[float], widths: Sequence[float], centers: list[float]
) -> None:
    """Put nodes of a rank at their wanted positions, as far as the one before leaves room."""
    edge = float("-inf")
    for node, center in zip(layer, wanted, strict=True):
        centers[node] = max(center, edge + widths[node] / 2)
        edge = centers[node] + widths[node] / 2 + GAP
    shift = sum(w - centers[n] for n, w in zip(layer, wanted, strict=True)) / max(len(layer), 1)
    for node in layer:
        centers[node] += shift
