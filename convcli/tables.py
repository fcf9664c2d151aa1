"""A result printed as a table, TSV, CSV, JSON, JSON Lines, Markdown, LaTeX or HTML.

Rich is imported only where a table is drawn; nothing here knows what the figures mean.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, Protocol, TextIO, TypeAlias, TypeVar, overload

from convcli.errors import Refusal
from convcli.options import OutputOptions
from convcli.output import encodable, line, note, page, path, show_lines, write
from convcli.records import NamedTuple
from convcli.table_layout import Part, columns_that_fit, fold, tree
from convcli.text import counted, csv_row, safe

if TYPE_CHECKING:
    from pandas import DataFrame

Record: TypeAlias = Mapping[str, object]
"""A JSON object: names, and what JSON can hold."""

Table: TypeAlias = tuple[Sequence[str], Sequence[Sequence[object]], Sequence[object]]
"""Columns, rows of plain values, and a row of totals, or none, which TSV and CSV leave out."""

Row = TypeVar("Row", covariant=True)


class Result(Protocol):
    """A printable result: one value for scripts, a table, a record."""

    @property
    def value(self) -> str | Iterable[str]:
        """In one text, or in the lines of a long one."""

    @property
    def caption(self) -> str: ...
    def table(self) -> Table: ...
    def record(self) -> Record: ...


class Listing(NamedTuple):
    """A result whose table and record are data."""

    value: str | Iterable[str]
    cells: Table
    fields: Record
    caption: str = ""
    warnings: Sequence[str] = ()
    brief: Sequence[str] = ()
    """Columns that a terminal shows where there is no room for all; none: all."""

    def table(self) -> Table:
        return self.cells

    def record(self) -> Record:
        return self.fields

    def rows(self) -> list[dict[str, object]]:
        """The rows of the table, values by the names of their columns."""
        return named_rows(self)

    def to_pandas(self) -> "DataFrame":
        """The rows as a data frame of pandas, which is imported for it."""
        return data_frame(self)

    def __str__(self) -> str:
        """The table as a terminal shows it."""
        return table_text(self)

    def __repr__(self) -> str:
        columns, rows, _ = self.cells
        return f"<{counted(len(rows), 'row')} of {', '.join(columns)}>"

    def _repr_html_(self) -> str:
        """The table as a notebook shows it."""
        return html_table(self)


class Math(NamedTuple):
    """A cell that is a formula: as text, and in LaTeX's mathematics."""

    text: str
    latex: str

    def __str__(self) -> str:
        return self.text


class Share(float):
    """A fraction from 0 to 1: printed in percent, on a terminal behind a bar.

    >>> str(Share(0.57)), Share(0.57).bar, Share(0.001).bar
    ('57.0%', '██▊  ', '▏    ')
    """

    def __str__(self) -> str:
        return f"{100 * self:.1f}%"

    @property
    def bar(self) -> str:
        eighths = max(int(8 * BAR_CELLS * self), self > 0)
        return ("█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8]).strip().ljust(BAR_CELLS)


BAR_CELLS = 5
"""Width of a bar that means 100 %."""


class Rows(Sequence[Row]):
    """Rows that are made as they are read, so that a long table is never in memory."""

    def __init__(self, count: int, row: Callable[[int], Row]) -> None:
        self._count, self._row = count, row

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return [self._row(number) for number in range(self._count)[index]]
        return self._row(range(self._count)[index])


class TextResult(Result, Protocol):
    """A result that can be printed as lines of text, too: spans, each a text and a style."""

    def lines(self) -> Iterable[Sequence[tuple[str, str]]]: ...


class Outcome(NamedTuple):
    """The outcome of a command: a result to print, files that it wrote, a refusal."""

    result: Result | None = None
    files: Sequence[str] = ()
    refusal: Refusal | None = None
    lines: Iterable[Sequence[tuple[str, str]]] | None = None
    """The result as text: spans, each a text and a style of Rich."""
    beside: Result | None = None
    """A second table, for people: below the first one on a terminal and in Markdown."""


def finish(outcome: Outcome, options: OutputOptions) -> None:
    """Print the result, or with `quiet` the files that were written; then raise the refusal.

    Where there are lines, they are printed unless a format is given.
    """
    if outcome.result is not None and outcome.lines is not None and options.shows_text:
        show_lines(outcome.lines, {})
        _note_warnings(outcome.result)
    elif outcome.result is not None:
        show(outcome.result, options.format_, options.quiet)
    if outcome.beside is not None and not options.quiet:
        format_ = options.format_ or ("table" if sys.stdout.isatty() else "")
        if format_ in ("table", "markdown"):
            line("")
            show(outcome.beside, format_)
    for name in outcome.files:
        path(name) if options.quiet else note(f"drawn in {safe(name)}")
    if outcome.refusal:
        raise outcome.refusal


def show(result: Result, format_: str | None, quiet: bool = False) -> None:
    """Print a result in a format: by default a table on a terminal, TSV in a pipe.

    Warnings go to stderr, except with JSON, which holds them. With `quiet` there are none, and
    the value alone is printed, which is TSV as it stands, unless another format is given.
    """
    if quiet and format_ in (None, "tsv"):
        for text in [result.value] if isinstance(result.value, str) else result.value:
            line(text)
        return
    format_ = format_ or ("table" if sys.stdout.isatty() else "tsv")
    FORMATS[format_](result)
    sys.stdout.flush()
    if format_ != "json" and not quiet:
        _note_warnings(result)


def _note_warnings(result: Result) -> None:
    """Print a result's `warnings`, where it has any, on stderr."""
    warnings: Sequence[str] = getattr(result, "warnings", ())
    for warning in warnings:
        note(warning)


def show_text(result: TextResult, styles: Mapping[str, str], options: OutputOptions) -> None:
    """Print a result as lines of text, unless a format or `quiet` is given."""
    if options.shows_text:
        show_lines(result.lines(), styles)
    else:
        show(result, options.format_, options.quiet)


def table_for_people(result: Result) -> Table:
    """The table with a result's `heading`, a row above the others, which TSV and CSV leave out."""
    columns, rows, totals = result.table()
    heading: Sequence[object] = getattr(result, "heading", ())
    return columns, [heading, *rows] if heading else rows, totals


def named_rows(result: Result) -> list[dict[str, object]]:
    """The rows of a result's table, values by the names of their columns.

    >>> named_rows(Listing("6", (("layer", "params"), [("conv1", 6)], ()), {}))
    [{'layer': 'conv1', 'params': 6}]
    """
    columns, rows, _ = result.table()
    return [dict(zip(columns, row, strict=True)) for row in rows]


def data_frame(result: Result) -> "DataFrame":
    """The rows of a result's table as a data frame; pandas is imported for it.

    Raises ImportError, with what to install, where pandas is missing.
    """
    try:
        from pandas import DataFrame
    except ImportError:
        raise ImportError("a data frame needs pandas: pip install pandas") from None
    return DataFrame(named_rows(result))


def table_text(result: Result) -> str:
    """The table that `draw` draws, as wide as it is."""
    from io import BytesIO, TextIOWrapper

    stream = TextIOWrapper(BytesIO(), encoding="utf-8")
    draw(result, stream)
    stream.seek(0)
    return "\n".join(row.rstrip() for row in stream.read().strip("\n").splitlines())


def draw(result: Result, stream: TextIO | None = None) -> None:
    """Draw a table with its caption below it: numbers to the right, nothing cut off.

    Where a terminal is too narrow, columns that hold nothing go, dotted names become a tree, words
    are folded, and columns that still do not fit stand below the others. No number is broken.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table as Drawing
    from rich.text import Text

    if stream is None:
        with page() as screen:
            return draw(result, screen)
    names, rows, totals = table_for_people(result)
    console = Console(file=stream, markup=False, highlight=False, emoji=False)
    cell = _with_bar if console.is_terminal else _figure
    lines = [[encodable(cell(value), stream) for value in row] for row in (*rows, totals) if row]
    numeric = _numeric(names, rows)
    columns = [[name, *(line[n] for line in lines)] for n, name in enumerate(names)]
    widths = [max(map(len, cells)) for cells in columns]
    crowded = console.is_terminal and sum(widths) + 3 * len(widths) > console.width + 1
    if crowded:
        numbers = _columns_for_narrow(result, columns, numeric)
        columns, numeric = [columns[n] for n in numbers], [numeric[n] for n in numbers]
        if any("." in cell for cell in columns[0][1 : len(rows) + 1]):
            columns = _as_tree(columns, len(rows))
        parts = columns_that_fit(columns, console.width)
    else:
        parts = [Part(tuple(range(len(columns))), tuple(widths))]
    for part in parts:
        table = Drawing(
            box=box.SIMPLE_HEAD, show_footer=bool(totals), pad_edge=False, footer_style="bold"
        )
        if crowded:
            table.padding = (0, part.gap - 1, 0, 0)
        folded = []
        for number, width in zip(part.columns, part.widths, strict=True):
            heading, *cells = (fold(cell, width) for cell in columns[number])
            footer = Text(cells.pop()) if totals else ""
            side: Literal["right", "left"] = "right" if numeric[number] else "left"
            table.add_column(heading, footer=footer, justify=side, no_wrap=True)
            folded.append(cells)
        for row in zip(*folded, strict=True):
            table.add_row(*(Text(cell, "dim" if cell in NOTHING else "") for cell in row))
        terminal, console.width = console.width, 10_000  # what does not fit, the terminal breaks
        console.print(table)
        console.width = terminal
    if result.caption:
        if not console.is_terminal:
            console.width = 10_000  # a file has no edge to wrap at
        console.print(Text(encodable(result.caption, stream)), style="dim")
    return None


NOTHING = {"", "0", "0x0", "0x0x0"}
"""Cells that say that there is nothing."""


def _columns_for_narrow(
    result: Result, columns: Sequence[Sequence[str]], numeric: Sequence[bool]
) -> list[int]:
    """The columns that a narrow terminal shows: those that the result calls its brief ones."""
    brief = result.brief if isinstance(result, Listing) else ()
    return [
        number
        for number, (name, *cells) in enumerate(columns)
        if (not brief or name in brief) and (numeric[number] or not set(cells) <= NOTHING)
    ]


def _as_tree(columns: Sequence[Sequence[str]], count: int) -> list[list[str]]:
    """The columns with the first one's names as a tree, whose branches are rows of their own."""
    rows: list[Sequence[str]] = [[column[0] for column in columns]]
    for number, (*branches, name) in enumerate(tree(columns[0][1 : count + 1]), 1):
        rows += [[branch, *[""] * (len(columns) - 1)] for branch in branches]
        rows.append([name, *(column[number] for column in columns[1:])])
    rows += zip(*(column[count + 1 :] for column in columns), strict=True)
    return [list(column) for column in zip(*rows, strict=True)]


def _numeric(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[bool]:
    """For every column, whether it has numbers, which are aligned to the right."""
    return [any(isinstance(row[n], int | float) for row in rows) for n in range(len(columns))]


def _with_bar(value: object) -> str:
    return f"{value.bar}{value!s:>7}" if isinstance(value, Share) else _figure(value)


def _figure(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float) and not isinstance(value, Share):
        return f"{value:.4g}"
    return safe(value)


def tsv(result: Result) -> None:
    """Write tab-separated values under one line of names; tabs in values are escaped."""
    columns, rows, _ = result.table()
    line("\t".join(column.replace(" ", "_") for column in columns))
    for row in rows:
        line("\t".join(safe(value) for value in row))


def csv(result: Result) -> None:
    """Write comma-separated values under one line of names."""
    columns, rows, _ = result.table()
    csv_line(csv_row([column.replace(" ", "_") for column in columns]))
    for row in rows:
        csv_line(csv_row(row))


def csv_line(text: str) -> None:
    """Write one record: a path's own bytes in a pipe, escaped on a terminal."""
    encoding = sys.stdout.encoding or "utf-8"
    if not text.isprintable() and not sys.stdout.isatty():
        with suppress(UnicodeEncodeError):  # of a lone surrogate that stands for no byte
            data = encodable(text, sys.stdout).encode(encoding, "surrogateescape")
            sys.stdout.flush()
            sys.stdout.buffer.write(data + b"\n")
            return
    line(safe(text, keep="\t"))


def json(result: Result) -> None:
    """Write one JSON document, one line per item of its lists; integers stay exact."""
    from json import JSONEncoder

    dumps = JSONEncoder(allow_nan=False).encode
    record, end = result.record(), "{"
    for key, value in record.items():
        start = f"{end}\n  {dumps(key)}: "
        if isinstance(value, list | Rows) and value:
            # dumps with an indent takes three times as long as all else of a large network
            for number, item in enumerate(value):
                write((",\n    " if number else f"{start}[\n    ") + dumps(item))
            write("\n  ]")
        else:
            write(start + dumps(value))
        end = ","
    line("\n}")


def jsonl(result: Result) -> None:
    """Write one JSON object per line: the items of the record's longest list."""
    from json import dumps

    lists: list[Sequence[object]] = [
        value for value in result.record().values() if isinstance(value, list | Rows)
    ]
    for item in max(lists, key=len, default=[]):
        line(dumps(item, allow_nan=False))


def markdown(result: Result) -> None:
    """Write a table as GitHub and others draw it, totals last."""
    columns, rows, footer = table_for_people(result)
    numeric = _numeric(columns, rows)
    line(f"| {' | '.join(columns)} |")
    line(f"|{'|'.join('--:' if right else '---' for right in numeric)}|")
    for row in (*rows, *([footer] if footer else [])):
        # untrusted text starts no column, and no tag of HTML
        cells = (_figure(value).replace("|", r"\|").replace("<", "&lt;") for value in row)
        line(f"| {' | '.join(cells)} |")


def latex(result: Result) -> None:
    """Write a `tabular` with the rules of the booktabs package, totals last."""
    columns, rows, footer = table_for_people(result)
    numeric = _numeric(columns, rows)
    line(f"\\begin{{tabular}}{{{''.join('r' if right else 'l' for right in numeric)}}}")
    line("\\toprule")
    line(" & ".join(map(_tex, columns)) + r" \\")
    line("\\midrule")
    for row in rows:
        line(" & ".join(map(_tex, row)) + r" \\")
    if footer:
        line("\\midrule")
        line(" & ".join(map(_tex, footer)) + r" \\")
    line("\\bottomrule")
    line("\\end{tabular}")


def html_table(result: Result) -> str:
    """A `<table>` without styles, totals last, its caption below: what a notebook shows."""
    from html import escape

    columns, rows, footer = table_for_people(result)
    align = [' style="text-align: right"' if right else "" for right in _numeric(columns, rows)]

    def row(values: Sequence[object], tag: str) -> str:
        cells = zip(values, align, strict=True)
        return "".join(f"<{tag}{side}>{escape(_figure(value))}</{tag}>" for value, side in cells)

    lines = ["<table>", f"<thead><tr>{row(columns, 'th')}</tr></thead>", "<tbody>"]
    lines += [f"<tr>{row(values, 'td')}</tr>" for values in rows]
    lines.append("</tbody>")
    if footer:
        lines.append(f"<tfoot><tr>{row(footer, 'th')}</tr></tfoot>")
    if result.caption:
        lines.append(f'<caption style="caption-side: bottom">{escape(result.caption)}</caption>')
    return "\n".join([*lines, "</table>"])


TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "×": r"$\times$",
        "−": "$-$",
        "→": r"$\to$",
        "σ": r"$\sigma$",
        "Σ": r"$\sum$",
        "⌈": r"$\lceil$",
        "⌉": r"$\rceil$",
        "√": r"$\surd$",
        "²": "$^2$",
        "°": r"$^\circ$",
    }
)


def _tex(value: object) -> str:
    return f"${value.latex}$" if isinstance(value, Math) else _figure(value).translate(TEX)


FORMATS: dict[str, Callable[[Result], None]] = {
    "table": draw,
    "tsv": tsv,
    "csv": csv,
    "json": json,
    "jsonl": jsonl,
    "markdown": markdown,
    "latex": latex,
    "html": lambda result: line(html_table(result)),
}
