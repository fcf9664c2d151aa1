"""Which input cells one unit of a network depends on: the walk back from it, window by window.

Araujo, Norris & Sim, "Computing receptive fields of convolutional neural networks", Distill 2019,
say how wide it is; this says where it lies, over all paths, and what of it is padding.
"""

from collections.abc import Sequence
from math import ceil, floor
from typing import NamedTuple

from convcli.errors import SpecError, UnfitError
from convcli.geometry import Padding, Window, resolve_padding
from convcli.nets.analysis.receptive_forward import MIXING
from convcli.nets.analysis.summary import Row, Summary
from convcli.nets.graph import INPUT
from convcli.nets.layers import AdaptivePool, Shape, TransposedConv
from convcli.text import safe

MOST_CELLS = 100_000
"""Cells of a field with gaps that are told apart; of more, the stretch they lie in."""

Extent = tuple[int, int]
"""The first cell and the last, along one axis."""


class Field(NamedTuple):
    """The receptive field of one unit: cells of the input, first and last, an axis each."""

    node: str
    unit: tuple[int, ...]
    maps: Shape
    """What the node gives, (channels, *lengths)."""
    input: Shape
    seen: tuple[Extent, ...]
    """Cells of the input that the unit depends on."""
    reach: tuple[Extent, ...]
    """The same where padding counts as cells: it may begin before 0 and end beyond the input."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Cells along each axis, padding among them."""
        return tuple(last - first + 1 for first, last in self.reach)


def receptive_field(summary: Summary, name: str, unit: Sequence[int]) -> Field:
    """The receptive field of a unit, a row and a column of the maps of the node `name`.

    >>> from convcli.nets.readers.read import read_text
    >>> from convcli.nets.analysis.summary import summarize
    >>> two = summarize(read_text("conv:1,3,padding=1; conv:1,3,stride=2").network, (1, 9, 9))
    >>> receptive_field(two, "conv2", (0, 1)).reach, receptive_field(two, "conv2", (0, 1)).seen
    (((-1, 3), (1, 5)), ((0, 3), (1, 5)))

    Raises SpecError for a node or a unit that is not there.
    """
    rows = {row.name: row for row in summary.rows}
    if name not in rows:
        from difflib import get_close_matches

        close = get_close_matches(name, rows, n=3) or list(rows)[:8]
        raise SpecError(f"no node is called {safe(name)!r:.60}; there are {', '.join(close)}")
    maps = rows[name].output
    unit = tuple(unit) if maps[1:] else ()
    if len(unit) != len(maps) - 1 or any(u >= n for u, n in zip(unit, maps[1:], strict=True)):
        sizes = "x".join(map(str, maps[1:])) or f"a vector of {maps[0]}"
        raise SpecError(
            f"{safe(name)} gives {sizes}; {','.join(map(str, unit)) or 'the unit'} is not in it"
        )
    return Field(
        name,
        tuple(unit),
        maps,
        summary.input,
        _back(summary, name, unit, clip=True),
        _back(summary, name, unit, clip=False),
    )


Cells = range | set[int]
"""Cells along one axis: without gaps as a range, with gaps as a set."""


def _back(summary: Summary, name: str, unit: Sequence[int], clip: bool) -> tuple[Extent, ...]:
    """The extent on the input: every node hands what is asked of it to its inputs."""
    rows = {row.name: row for row in summary.rows}
    asked: dict[str, tuple[Cells, ...]] = {name: tuple(range(u, u + 1) for u in unit)}
    for row in reversed(summary.rows):
        wanted = asked.pop(row.name, None)
        if wanted is None:
            continue
        for source in row.node.inputs:
            lengths = (summary.input if source == INPUT else rows[source].output)[1:]
            read = _through(row, wanted, lengths)
            if clip:
                read = tuple(_within(cells, n) for cells, n in zip(read, lengths, strict=True))
            if not all(read):
                continue  # padding alone, or between the cells that are painted
            if source in asked:
                read = tuple(_union(*both) for both in zip(asked[source], read, strict=True))
            asked[source] = read
    if INPUT not in asked:
        raise UnfitError(f"{safe(name)} does not depend on the input there")
    return tuple((min(cells), max(cells)) for cells in asked[INPUT])


def _through(row: Row, wanted: tuple[Cells, ...], lengths: Sequence[int]) -> tuple[Cells, ...]:
    """What a layer reads of an input of these lengths for the cells wanted of its output."""
    layer, measure = row.node.layer, row.measure
    if len(wanted) != len(lengths):
        return tuple(map(range, lengths))  # flattened, or pooled away: all of it
    if isinstance(layer, AdaptivePool):
        return tuple(
            range(floor(min(cells) * n / size), ceil((max(cells) + 1) * n / size))
            for cells, n, size in zip(wanted, lengths, row.output[1:], strict=True)
        )
    if isinstance(layer, TransposedConv):
        return tuple(
            _painted(cells, window, _cut(padding, window))
            for cells, window, padding in zip(
                wanted,
                map(Window, layer.kernel, layer.stride, layer.dilation),
                layer.padding,
                strict=True,
            )
        )
    if measure.upsampling:
        return tuple(
            range(min(cells) // times, max(cells) // times + 1)
            for cells, times in zip(wanted, measure.upsampling, strict=True)
        )
    if layer.type in MIXING:
        return tuple(map(range, lengths))
    if not measure.windows:
        # a gate of one cell stands for all of them; other lengths were cut up anew
        return tuple(
            cells if length == made else range(length)
            for cells, length, made in zip(wanted, lengths, row.output[1:], strict=True)
        )
    return tuple(
        _covered(cells, window, padding[0])
        for cells, (window, padding) in zip(wanted, measure.windows, strict=True)
    )


def _covered(cells: Cells, window: Window, before: int) -> Cells:
    """What windows read: stride · cell − before + dilation · tap.

    >>> _covered(range(0, 2), Window(3, stride=2), 1), _covered({4}, Window(2, dilation=3), 0)
    (range(-1, 4), {4, 7})
    """
    first, last = min(cells), max(cells)
    solid = isinstance(cells, range) and window.dilation == 1
    solid = solid and (window.stride <= window.kernel or first == last)
    if solid or len(cells) * window.kernel > MOST_CELLS:
        start = first * window.stride - before
        return range(start, last * window.stride - before + window.reach)
    return {
        cell * window.stride - before + tap * window.dilation
        for cell in cells
        for tap in range(window.kernel)
    }


def _painted(cells: Cells, window: Window, before: int) -> Cells:
    """Cells that paint on these: stride · cell + dilation · tap − before is one of them."""
    if len(cells) * window.kernel > MOST_CELLS:
        lowest = min(cells) + before - window.reach + 1
        return range(-(-lowest // window.stride), (max(cells) + before) // window.stride + 1)
    offsets = {
        cell + before - tap * window.dilation for cell in cells for tap in range(window.kernel)
    }
    return {offset // window.stride for offset in offsets if offset % window.stride == 0}


def _cut(padding: Padding, window: Window) -> int:
    """The cells cut off before the output of a transposed convolution."""
    # of what is made of one cell, a named padding leaves a stride
    return resolve_padding(padding, window.stride, window)[0]


def _within(cells: Cells, length: int) -> Cells:
    if isinstance(cells, range):
        return range(max(cells.start, 0), min(cells.stop, length))
    return {cell for cell in cells if 0 <= cell < length}


def _union(one: Cells, other: Cells) -> Cells:
    """All cells of both; of very many, the stretch they lie in."""
    if not one or not other:
        return one or other
    if isinstance(one, range) and isinstance(other, range):
        touching = one.start <= other.stop and other.start <= one.stop
        if touching or len(one) + len(other) > MOST_CELLS:
            return range(min(one.start, other.start), max(one.stop, other.stop))
    if len(one) + len(other) > MOST_CELLS:
        return range(min(*one, *other), max(*one, *other) + 1)
    return {*one, *other}
