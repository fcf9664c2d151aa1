"""A position in a source text, and how an error points at it."""

from typing import NamedTuple

from convcli.text import safe


class Where(NamedTuple):
    """A place in the text a network was read from: line from 1, column from 0."""

    source: str
    line: int
    text: str
    column: int = 0
    width: int = 0


def pointed(where: Where) -> str:
    """A place in a text, and under it what is meant.

    >>> print(pointed(Where("a.net", 3, "conv(0, 3)", column=5, width=1)))
      a.net:3   conv(0, 3)
                     ^
    """
    head = f"  {safe(where.source)}:{where.line}   "
    indent = len(where.text) - len(where.text.lstrip())
    text = safe(where.text.strip())
    column, width = max(where.column - indent, 0), max(where.width, 1)
    if column + width > 100 or len(text) > 120:
        text, width = text[:100] + "…", max(min(width, 100 - column), 0)
    mark = " " * (len(head) + column) + "^" * width
    return f"{head}{text}\n{mark}" if width and column < 100 else f"{head}{text}"
