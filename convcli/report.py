"""Plain data → text on stdout: a table for people, TSV and JSON for machines.

Rich is imported only where a table is drawn; nothing here knows what the figures mean.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from convcli.errors import safe

FORMATS = ("table", "tsv", "json")


Table = tuple[Sequence[str], Sequence[Sequence[object]], Sequence[object]]
"""Columns, rows of plain values, and a last row of totals (or none) that people alone are shown."""


class Result(Protocol):
    """What can be shown: the one value a script wants, a table, a record, notes beside them."""

    @property
    def value(self) -> str: ...
    @property
    def warnings(self) -> Sequence[str]: ...
    def table(self) -> Table: ...
    def record(self) -> Mapping[str, Any]: ...


def show(result: Result, format_: str | None, quiet: bool = False) -> None:
    """Print a result as asked for: by default a table on a terminal, TSV in a pipe.

    Warnings go to stderr, but for JSON, which holds them, and `quiet`, which wants none.
    """
    if quiet:
        return line(result.value)
    format_ = format_ or ("table" if sys.stdout.isatty() else "tsv")
    if format_ == "json":
        return json(result.record())
    {"table": draw, "tsv": tsv}[format_](result.table())
    sys.stdout.flush()
    for warning in result.warnings:
        note(warning)
    return None


ASCII = str.maketrans({"→": "->", "×": "x", "−": "-", "σ": "sigma", "…": "..."})
"""What stands for our few other signs where the terminal's encoding has none of them."""


def draw(table: Table) -> None:
    """Draw a table on stdout, numbers to the right, nothing cut off."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as Drawing
    from rich.text import Text

    columns, rows, footer = table
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = 10_000  # a file has no edge to wrap at
    drawn = Drawing(
        box=box.SIMPLE_HEAD, show_footer=bool(footer), pad_edge=False, footer_style="bold"
    )
    for place, column in enumerate(columns):
        numeric = any(isinstance(row[place], int | float) for row in rows)
        drawn.add_column(
            column,
            footer=Text(_figure(footer[place])) if footer else "",
            justify="right" if numeric else "left",
            overflow="fold",
        )
    for row in rows:
        drawn.add_row(*(Text(_figure(value)) for value in row))
    console.print(drawn)


def _figure(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return safe(value)


def tsv(table: Table) -> None:
    """Write tab-separated values under one line of names; tabs in values are escaped."""
    columns, rows, _ = table
    line("\t".join(column.replace(" ", "_") for column in columns))
    for row in rows:
        line("\t".join(safe(value) for value in row))


def json(record: Mapping[str, Any]) -> None:
    """Write one JSON document; integers stay exact and text stays readable."""
    from json import dumps

    line(dumps(record, indent=2, allow_nan=False))


def line(text: str) -> None:
    """Write one line of results."""
    sys.stdout.write(text + "\n")


def path(name: str) -> None:
    """Write the path of a file that was made: its own bytes in a pipe, made safe on a terminal."""
    if sys.stdout.isatty():
        return line(safe(name))
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(name) + b"\n")
    return None


def note(text: str) -> None:
    """Write one line for the reader, on stderr, beside the results."""
    encoding = sys.stderr.encoding or "ascii"
    if not encoding.lower().startswith("utf"):
        text = text.translate(ASCII)
    sys.stderr.write("\n".join(map(safe, text.split("\n"))) + "\n")
