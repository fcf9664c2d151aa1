"""How a table fits a terminal: columns are narrowed, names become a tree, the rest goes below."""

import re
from collections.abc import Sequence

from convcli.records import NamedTuple

GAP = 2
"""Spaces between two columns; 1 where many cells would be folded else."""

FEW = 3
"""Folded cells that are easier to read than crowded columns."""

FIGURE = r"[-+\d.,x×%]*"
"""A number, or a size, which is never folded."""

PIECE = r"\s+|(?:[^\s_./,:]|(?<=\d)[.,](?=\d))*+[_./,:]+|(?:[^\s_./,:]|(?<=\d)[.,](?=\d))+"
"""What stays together when a text is folded: words, and the parts of names with their separator."""


class Part(NamedTuple):
    """Columns that fit beside one another, each with its width, and the spaces between them."""

    columns: tuple[int, ...]
    widths: tuple[int, ...]
    gap: int = GAP


def fold(text: str, width: int) -> str:
    """Fold a text to a width between words and parts of names, never inside one.

    >>> fold("global_average_pool1", 15)
    'global_average_\\npool1'
    >>> fold("edge strength of pixels", 13)
    'edge strength\\nof pixels'
    >>> fold("12,345", 3), fold("EfficientNet; 5,288,548 parameters", 18)
    ('12,345', 'EfficientNet;\\n5,288,548\\nparameters')
    """
    if len(text) <= width or re.fullmatch(FIGURE, text):
        return text
    indent = " " * (len(text) - len(text.lstrip()))
    lines = [indent]
    for piece in re.findall(PIECE, text.lstrip()):
        if lines[-1].strip() and len((lines[-1] + piece).rstrip()) > width:
            lines.append(indent)
        if piece.strip() or lines[-1].strip():
            lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def columns_that_fit(columns: Sequence[Sequence[str]], width: int) -> list[Part]:
    """Widths of columns, heading first in each, so that lines are no longer than `width`.

    Those columns are narrowed first that then have the fewest folded cells. Columns that are too
    wide even so stand below the others, with the first column again. Where that takes more parts,
    or folds more than a few cells, columns move closer together, or the first one is narrowed last.

    >>> columns_that_fit([["layer", "conv1"], ["output", "3x3"], ["use", "a blur of pixels"]], 30)
    [Part(columns=(0, 1, 2), widths=(5, 6, 13), gap=2)]
    >>> columns_that_fit([["row", "1"], *[["column", "12345678"]] * 3], 30)
    [Part(columns=(0, 1, 2), widths=(3, 8, 8), gap=2), Part(columns=(0, 3), widths=(3, 8), gap=2)]
    """

    def folds(parts: Sequence[Part]) -> int:
        return sum(
            len(cell) > cells
            for part in parts
            for number, cells in zip(part.columns, part.widths, strict=True)
            for cell in columns[number][1:]
        )

    layouts = [_parts(columns, width, gap, last) for gap in (GAP, 1) for last in (False, True)]
    return min(layouts, key=lambda parts: (len(parts), max(folds(parts) - FEW, 0)))


def _parts(columns: Sequence[Sequence[str]], width: int, gap: int, first_last: bool) -> list[Part]:
    """Columns with their widths, the first one narrowed after all others if it is to be."""
    natural = [max(map(len, cells)) for cells in columns]
    if sum(natural) + GAP * len(natural) <= width:
        return [Part(tuple(range(len(columns))), tuple(natural))]
    # of the longest part that is not folded
    minimum = [
        max(len(line) for cell in cells for line in fold(cell, 1).split("\n")) for cells in columns
    ]

    def length(widths: Sequence[int]) -> int:
        return sum(widths) + gap * (len(widths) - 1) + 2

    def folded(number: int, width: int) -> int:
        return sum(len(cell) > width for cell in columns[number])

    groups: list[list[int]] = [[]]
    for number in range(len(columns)):
        group = groups[-1]
        if len(group) > 1 and length([minimum[n] for n in (*group, number)]) > width:
            groups.append([0])
        groups[-1].append(number)

    parts = []
    for group in groups:
        widths = {n: natural[n] for n in group}
        while length([*widths.values()]) > width:
            able = [n for n in group if widths[n] > minimum[n]]
            if not able:
                break
            order = {n: (first_last and n == 0, folded(n, widths[n] - 1), -widths[n]) for n in able}
            widths[min(able, key=order.__getitem__)] -= 1
        parts.append(Part(tuple(group), tuple(widths.values()), gap))
    return parts


def tree(names: Sequence[str]) -> list[list[str]]:
    """For every name the lines that a tree of the names shows of it, the last one the name's own.

    A prefix that neighbors share is a line of its own, above them.

    >>> tree(["conv1", "layer1.0.conv1", "layer1.0.bn1", "layer1.1.conv1", "layer2.0.conv1"])
    [['conv1'], ['layer1', '  0', '    conv1'], ['    bn1'], ['  1.conv1'], ['layer2.0.conv1']]
    """
    paths = [name.split(".") for name in names]
    lines: list[list[str]] = [[] for _ in names]

    def add(start: int, stop: int, depth: int, indent: str) -> None:
        while start < stop:
            first = paths[start]
            end = start + 1
            while end < stop and paths[end][depth] == first[depth]:
                end += 1
            members = paths[start:end]
            common = depth
            while common < min(map(len, members)) - 1 and all(
                path[common] == first[common] for path in members
            ):
                common += 1
            if len(members) > 1 and common > depth:
                lines[start].append(indent + ".".join(first[depth:common]))
                add(start, end, common, indent + "  ")
            else:
                for number in range(start, end):
                    lines[number].append(indent + ".".join(paths[number][depth:]))
            start = end

    add(0, len(names), 0, "")
    return lines
