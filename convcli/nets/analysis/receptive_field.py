"""Which input cells one unit of a network depends on: the walk back from it, window by window.

Araujo, Norris & Sim, "Computing receptive fields of convolutional neural networks", Distill 2019,
say how wide it is; this says where it lies, over all paths, and what of it is padding.
"""

from collections.abc import Sequence

from convcli.errors import SpecError, UnfitError
from convcli.geometry import Window, adaptive_cells, clip, transposed_padding
from convcli.nets.analysis.receptive_forward import MIXING
from convcli.nets.analysis.summary import Row, Summary
from convcli.nets.graph import INPUT
from convcli.nets.layers import AdaptivePool, Shape, TransposedConv
from convcli.records import NamedTuple
from convcli.text import safe

MAX_CELLS = 100_000
"""Maximum cells of a field with gaps that are kept one by one; larger fields become a range."""

Extent = tuple[int, int]
"""The first cell and the last, along one axis."""


class UnitField(NamedTuple):
    """The receptive field of one unit: first and last cell of the input, per axis."""

    node: str
    unit: tuple[int, ...]
    maps: Shape
    """The shape of the node's output, (channels, *lengths)."""
    input: Shape
    cells: tuple[Extent, ...]
    """Cells of the input that the unit depends on."""
    padded_cells: tuple[Extent, ...]
    """The same if padding counts as cells: it may begin before 0 and end after the input."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Cells along each axis, including padding."""
        return tuple(last - first + 1 for first, last in self.padded_cells)


def receptive_field(summary: Summary, name: str, unit: Sequence[int]) -> UnitField:
    """The receptive field of a unit, a row and a column of the maps of the node `name`.

    >>> from convcli.nets.readers.read import read_text
    >>> from convcli.nets.analysis.summary import summarize
    >>> two = summarize(read_text("conv:1,3,padding=1; conv:1,3,stride=2").network, (1, 9, 9))
    >>> field = receptive_field(two, "conv2", (0, 1))
    >>> field.padded_cells, field.cells
    (((-1, 3), (1, 5)), ((0, 3), (1, 5)))

    Raises SpecError for a node or a unit that does not exist.
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
    return UnitField(
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
    """The extent on the input: every node passes the cells that it reads on to its inputs."""
    rows = {row.name: row for row in summary.rows}
    needed: dict[str, tuple[Cells, ...]] = {name: tuple(range(u, u + 1) for u in unit)}
    for row in reversed(summary.rows):
        wanted = needed.pop(row.name, None)
        if wanted is None:
            continue
        for source in row.node.inputs:
            lengths = (summary.input if source == INPUT else rows[source].output)[1:]
            read = _through(row, wanted, lengths)
            if clip:
                read = tuple(_within(cells, n) for cells, n in zip(read, lengths, strict=True))
            if not all(read):
                continue  # padding alone, or between the cells that are painted
            if source in needed:
                read = tuple(_union(*both) for both in zip(needed[source], read, strict=True))
            needed[source] = read
    if INPUT not in needed:
        raise UnfitError(f"{safe(name)} does not depend on the input at that position")
    return tuple((min(cells), max(cells)) for cells in needed[INPUT])


def _through(row: Row, wanted: tuple[Cells, ...], lengths: Sequence[int]) -> tuple[Cells, ...]:
    """The cells of an input of these lengths that a layer reads for the wanted output cells."""
    layer, measure = row.node.layer, row.measure
    if len(wanted) != len(lengths):
        return tuple(map(range, lengths))  # flattened, or pooled away: all of it
    if isinstance(layer, AdaptivePool):
        return tuple(
            range(
                adaptive_cells(min(cells), n, size).start,
                adaptive_cells(max(cells), n, size).stop,
            )
            for cells, n, size in zip(wanted, lengths, row.output[1:], strict=True)
        )
    if isinstance(layer, TransposedConv):
        return tuple(
            _painted(cells, window, transposed_padding(padding, window)[0][0])
            for cells, window, padding in zip(
                wanted,
                map(Window, layer.kernel, layer.stride, layer.dilation),
                layer.padding,
                strict=True,
            )
        )
    if measure.upsampling:
        return tuple(
            Window(times, times).readers_hull(_stretch(cells))
            for cells, times in zip(wanted, measure.upsampling, strict=True)
        )
    if layer.type in MIXING:
        return tuple(map(range, lengths))
    if not measure.windows:
        # a gate of one cell applies to all of them; with other lengths the axes were reshaped
        return tuple(
            cells if length == output else range(length)
            for cells, length, output in zip(wanted, lengths, row.output[1:], strict=True)
        )
    return tuple(
        _covered(cells, window, padding[0])
        for cells, (window, padding) in zip(wanted, measure.windows, strict=True)
    )


def _covered(cells: Cells, window: Window, before: int) -> Cells:
    """The cells that the windows of these outputs read.

    >>> _covered(range(0, 2), Window(3, stride=2), 1), _covered({4}, Window(2, dilation=3), 0)
    (range(-1, 4), {4, 7})
    """
    solid = isinstance(cells, range) and window.dilation == 1
    solid = solid and (window.stride <= window.kernel or len(cells) == 1)
    if solid or len(cells) * window.kernel > MAX_CELLS:
        return window.hull(_stretch(cells), before)
    return {read for cell in cells for read in window.cells(cell, before)}


def _painted(cells: Cells, window: Window, before: int) -> Cells:
    """Cells that a transposed window spreads over these."""
    if len(cells) * window.kernel > MAX_CELLS:
        return window.readers_hull(_stretch(cells), before)
    return {source for cell in cells for source in window.readers(cell, before)}


def _stretch(cells: Cells) -> range:
    """All cells from the first to the last."""
    return range(min(cells), max(cells) + 1)


def _within(cells: Cells, length: int) -> Cells:
    if isinstance(cells, range):
        return clip(cells, length)
    return {cell for cell in cells if 0 <= cell < length}


def _union(first: Cells, second: Cells) -> Cells:
    """All cells of both; a range if there are very many."""
    if not first or not second:
        return first or second
    if isinstance(first, range) and isinstance(second, range):
        touching = first.start <= second.stop and second.start <= first.stop
        if touching or len(first) + len(second) > MAX_CELLS:
            return range(min(first.start, second.start), max(first.stop, second.stop))
    if len(first) + len(second) > MAX_CELLS:
        return range(min(*first, *second), max(*first, *second) + 1)
    return {*first, *second}
