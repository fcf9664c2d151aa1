"""Grids on a sheet: where their cells are, and texts that fit cells and lines."""

import re
from collections.abc import Iterator
from itertools import product

from convcli.explanation.draw.pens import Box, text_length
from convcli.explanation.steps import Spot
from convcli.records import NamedTuple


class Panel(NamedTuple):
    """A grid on the sheet: where its first cell begins, and which cell of the grid that is."""

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

    @property
    def cells(self) -> Iterator[Spot]:
        return product(self.rows, self.columns)

    def box(self, row: int, column: int) -> Box:
        """The pixels of a cell, its edges among them: left, top, right, bottom."""
        left = self.left + (column - self.columns.start) * self.side
        top = self.top + (row - self.rows.start) * self.side
        return left, top, left + self.side, top + self.side

    def span(self, first: Spot, last: Spot) -> Box:
        """The pixels from one cell to another."""
        left, top, _, _ = self.box(*first)
        _, _, right, bottom = self.box(*last)
        return left, top, right, bottom


def folded(line: str, room: int, size: int) -> list[str]:
    """A sum in lines of a width, broken before a plus or an equals sign."""
    if text_length(line, size) <= room:
        return [line]
    lines = [""]
    for piece in re.split(r" (?=[+=] )", line):
        longer = f"{lines[-1]} {piece}".strip()
        if lines[-1] and text_length(longer, size) > room:
            lines.append(piece)
        else:
            lines[-1] = longer
    return lines


def short_number(text: str) -> str:
    """A number of at most seven signs: `0.3333`, `-1.2e-05`, `12345`."""
    if len(text) <= 7:
        return text
    try:
        top, _, bottom = text.partition("/")
        return f"{float(top) / float(bottom or 1):.3g}"
    except ValueError:
        return text[:6] + "…"
