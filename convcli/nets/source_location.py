"""A position in a source text, and how an error shows it."""

from bisect import bisect

from convcli.records import NamedTuple
from convcli.text import safe


class NotebookName(str):
    """The name of a notebook whose code is read as one text, with the first line of each cell."""

    cells: tuple[int, ...]
    lines: tuple[int, ...]

    def __new__(cls, name: str, cells: tuple[int, ...], lines: tuple[int, ...]) -> "NotebookName":
        """`cells` are the numbers of the cells, from 1, `lines` the first line of each."""
        own = super().__new__(cls, name)
        own.cells, own.lines = cells, lines
        return own


def at_line(source: str, line: int) -> str:
    """A line of a text as messages name it; for a notebook, the cell and the line in it.

    >>> at_line("net.py", 12), at_line(NotebookName("a.ipynb", (2, 5), (1, 9)), 12)
    ('net.py:12', 'a.ipynb, cell 5, line 4')
    """
    if not isinstance(source, NotebookName) or not source.cells or line < 1:
        return f"{safe(source)}:{line}"
    place = bisect(source.lines, line) - 1
    return f"{safe(source)}, cell {source.cells[place]}, line {line - source.lines[place] + 1}"


class Where(NamedTuple):
    """A position in the text a network was read from: line from 1, column from 0."""

    source: str
    line: int
    text: str
    column: int = 0
    width: int = 0


def pointed(where: Where) -> str:
    """A source location, and under it the text it points at.

    >>> print(pointed(Where("a.net", 3, "conv(0, 3)", column=5, width=1)))
      a.net:3   conv(0, 3)
                     ^
    """
    head = f"  {at_line(where.source, where.line)}   "
    indent = len(where.text) - len(where.text.lstrip())
    text = safe(where.text.strip())
    column, width = max(where.column - indent, 0), max(where.width, 1)
    if column + width > 100 or len(text) > 120:
        text, width = text[:100] + "…", max(min(width, 100 - column), 0)
    mark = " " * (len(head) + column) + "^" * width
    return f"{head}{text}\n{mark}" if width and column < 100 else f"{head}{text}"
