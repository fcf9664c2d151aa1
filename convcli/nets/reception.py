"""Which input cells one unit of a network depends on: the walk back from it, window by window.

Araujo, Norris & Sim, "Computing receptive fields of convolutional neural networks", Distill 2019,
say how wide it is; this says where it lies, over all paths, and what of it is padding.
"""

from collections.abc import Sequence
from math import ceil, floor
from typing import NamedTuple

from convcli.errors import SpecError, UnfitError, safe
from convcli.nets.layers import AdaptivePool, Shape
from convcli.nets.network import INPUT
from convcli.nets.summary import Row, Summary

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

    >>> from convcli.nets.readers import read_text
    >>> from convcli.nets.summary import summarize
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


def _back(summary: Summary, name: str, unit: Sequence[int], clip: bool) -> tuple[Extent, ...]:
    """The extent on the input: every node hands what is asked of it to its inputs."""
    rows = {row.name: row for row in summary.rows}
    asked: dict[str, tuple[Extent, ...]] = {name: tuple((u, u) for u in unit)}
    for row in reversed(summary.rows):
        wanted = asked.pop(row.name, None)
        if wanted is None:
            continue
        for number, source in enumerate(row.node.inputs):
            shape = summary.input if source == INPUT else rows[source].output
            extent = _through(row, wanted, shape)
            if clip:
                extent = tuple(
                    (min(max(first, 0), n - 1), max(min(last, n - 1), 0))
                    for (first, last), n in zip(extent, row.inputs[number][1:], strict=True)
                )
            before = asked.get(source)
            if before:
                extent = tuple(
                    (min(a, c), max(b, d)) for (a, b), (c, d) in zip(before, extent, strict=True)
                )
            asked[source] = extent
    if INPUT not in asked:
        raise UnfitError(f"{safe(name)} does not depend on the input")
    return asked[INPUT]


def _through(row: Row, wanted: tuple[Extent, ...], shape: Shape) -> tuple[Extent, ...]:
    """What a layer reads of an input for the cells that are wanted of its output."""
    measure, axes = row.measure, len(shape) - 1
    if len(wanted) != axes:
        return tuple((0, n - 1) for n in shape[1:])  # flattened, or pooled away: all of it
    extents = list(wanted)
    if isinstance(row.node.layer, AdaptivePool):
        return tuple(
            (floor(first * n / size), ceil((last + 1) * n / size) - 1)
            for (first, last), n, size in zip(wanted, shape[1:], row.output[1:], strict=True)
        )
    if measure.upsampling:
        pads = getattr(row.node.layer, "padding", ())
        for axis, times in enumerate(measure.upsampling):
            first, last = extents[axis]
            reach = times
            before = 0
            if measure.windows:  # a transposed convolution: every cell paints a kernel's worth
                layer = row.node.layer
                reach = (layer.kernel[axis] - 1) * layer.dilation[axis] + 1  # type: ignore[attr-defined]
                named = isinstance(pads[axis], str)
                before = max(reach - times, 0) // 2 if pads[axis] == "same" else 0
                before = before if named else pads[axis][0]
            extents[axis] = (
                -((reach - 1 - first - before) // times),
                (last + before) // times,
            )
        return tuple(extents)
    for axis, (window, padding) in enumerate(measure.windows):
        first, last = extents[axis]
        extents[axis] = (
            first * window.stride - padding[0],
            last * window.stride - padding[0] + window.reach - 1,
        )
    return tuple(extents)
