"""Numbers as people write them: exact where they can be, or symbols; and grids of them as text."""

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from convcli.errors import SpecError


class Symbol(str):
    """A quantity that is known by its name alone."""

    __slots__ = ()


Value = int | float | Fraction | Symbol

Grid = tuple[tuple[Value, ...], ...]
"""Rows of values."""

Stack = tuple[Grid, ...]
"""A grid a channel."""

Told = tuple[str, Value]
"""The arithmetic, and what it gives."""

NUMBER = re.compile(r"[+-]?(\d{1,25}(\.\d{0,25})?|\.\d{1,25})([eE][+-]?\d{1,2})?(/\d{1,25})?")

LARGEST_NUMBER = 10**125
"""Beyond all that NUMBER reads; sums of squares of such numbers are still floats."""

LARGEST_SIDE = 512
"""Rows, columns or channels of a stack that is explained."""


LARGEST_STACK = 1 << 22
"""Values of a stack."""


def read_value(text: str) -> Value:
    """A whole number, a fraction, a decimal (kept exactly), or a symbol.

    >>> read_value("3"), read_value("1/9"), read_value("0.25"), read_value("b")
    (3, Fraction(1, 9), Fraction(1, 4), 'b')

    Raises SpecError for anything else.
    """
    if text.lower() in ("nan", "inf", "infinity"):
        raise SpecError(f"{text} cannot be explained: it is not finite")
    if re.fullmatch(r"[A-Za-z_]\w{0,9}", text):
        return Symbol(text)
    if not NUMBER.fullmatch(text) or re.search("/0+$", text):
        raise SpecError(f"{text[:40]!r} is not a number")
    top, _, bottom = text.partition("/")
    return simplest(Fraction(top) / int(bottom or 1))


def simplest(value: Value) -> Value:
    """A fraction that is whole as a whole number.

    >>> simplest(Fraction(4, 2))
    2
    """
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value


def read_stack(text: str, what: str) -> Stack:
    """Grids from text: values by spaces or commas, rows by `;` or lines, channels by `|`.

    >>> read_stack("1 2; 3 4 | 5 6; 7 8", "input")
    (((1, 2), (3, 4)), ((5, 6), (7, 8)))

    Raises SpecError for rows or channels of unlike sizes.
    """
    return checked([_rows(part) for part in text.split("|")], what)


def _rows(text: str) -> list[list[Value]]:
    lines = re.split(r"[;\n]", text.strip().rstrip(";"))
    return [[read_value(entry) for entry in line.replace(",", " ").split()] for line in lines]


def checked(channels: Sequence[Sequence[Sequence[Value]]], what: str) -> Stack:
    """Channels of rows as a stack, if all are of one size. Raises SpecError."""
    first = channels[0]
    for channel, rows in enumerate(channels):
        where = f" of channel {channel}" if len(channels) > 1 else ""
        for number, row in enumerate(rows, 1):
            if not row:
                raise SpecError(f"row {number}{where} of the {what} has no values")
            if len(row) != len(first[0]):
                raise SpecError(
                    f"row {number}{where} of the {what} has {len(row)} values, "
                    f"row 1 has {len(first[0])}"
                )
        if len(rows) != len(first):
            raise SpecError(
                f"channel {channel} of the {what} has {len(rows)} rows, not {len(first)}"
            )
    check_size(len(channels), len(first), len(first[0]), what)
    return tuple(tuple(map(tuple, rows)) for rows in channels)


def check_size(channels: int, rows: int, columns: int, what: str) -> None:
    """Raises SpecError for what is too large to be told step by step."""
    if channels > LARGEST_SIDE:
        raise SpecError(f"the {what} has {channels} channels; at most {LARGEST_SIDE} are explained")
    if max(rows, columns) > LARGEST_SIDE:
        raise SpecError(
            f"the {what} is {rows}x{columns}; at most {LARGEST_SIDE} rows and columns are explained"
        )

    if channels * rows * columns > LARGEST_STACK:
        raise SpecError(
            f"the {what} has {channels * rows * columns:,} values; at most {LARGEST_STACK:,} are "
            "explained"
        )


def numeric(*values: Value) -> bool:
    """Whether all are numbers."""
    return not any(isinstance(value, Symbol) for value in values)


def times(left: Value, right: Value) -> Value:
    """The product, which symbols only name.

    >>> times(Fraction(1, 2), 4), times(Symbol("a"), 4)
    (2, 'a·4')
    """
    if isinstance(left, Symbol) or isinstance(right, Symbol):
        return Symbol(f"{factor(left)}·{factor(right)}")
    return simplest(left * right)


def total(values: Iterable[Value], name: str) -> Value:
    """The sum; where symbols are in it, what it is called instead."""
    numbers: list[int | float | Fraction] = []
    for value in values:
        if isinstance(value, Symbol):
            return Symbol(name)
        numbers.append(value)
    return simplest(sum(numbers))


def shown(value: Value) -> str:
    """A value as people write it.

    Floats have four digits, and two behind the point of large ones.

    >>> [shown(v) for v in (8, Fraction(1, 4), Fraction(1, 9), 0.1234567, -0.0, 92944.31)]
    ['8', '0.25', '1/9', '0.1235', '0', '92944.31']
    """
    if isinstance(value, Fraction):
        rest = value.denominator
        for prime in (2, 5):
            while rest % prime == 0:
                rest //= prime
        text = f"{float(value):.10g}"
        if rest == 1 and Fraction(text) == value:
            return text
        return str(value) if value.denominator < 10_000 else f"{float(value):.6g}"
    if isinstance(value, float):
        if 100 <= abs(value) < 1e9:
            return f"{value:.2f}".rstrip("0").rstrip(".")
        return f"{value + 0.0:.4g}"
    return str(value)


def factor(value: Value) -> str:
    """A value as a factor: in brackets where its sign would meet another.

    >>> factor(-2), factor(3), factor(Fraction(1, 9))
    ('(-2)', '3', '1/9')
    """
    text = shown(value)
    return f"({text})" if text.startswith("-") else text


def plain(value: Value) -> int | float | str:
    """A value for JSON: whole numbers stay exact.

    >>> plain(Fraction(1, 4)), plain(3), plain(Symbol("b"))
    (0.25, 3, 'b')
    """
    return float(value) if isinstance(value, Fraction) else value


def tabled(value: Value) -> object:
    """A value for a table: fractions as they are written."""
    return value if isinstance(value, int | float) else shown(value)


def row_text(values: Iterable[Value]) -> str:
    """Values as `--input` reads them.

    >>> row_text((1, Fraction(1, 3), -2))
    '1 1/3 -2'
    """
    return " ".join(map(shown, values))


def stack_text(stack: Stack) -> str:
    """Rows of numbers, as `--input @file` reads them: channels apart by an empty line."""
    return "\n\n".join("\n".join(map(row_text, grid)) for grid in stack)


def plain_stack(stack: Stack) -> list[list[list[Any]]]:
    """Values for JSON, a list a channel."""
    return [[[plain(v) for v in row] for row in grid] for grid in stack]


def stack_record(stack: Stack) -> dict[str, Any]:
    """Sizes and values for JSON."""
    return {
        "height": len(stack[0]),
        "width": len(stack[0][0]),
        "channels": len(stack),
        "values": plain_stack(stack),
    }


def symbols(rows: int, columns: int, channels: int, name: str) -> Stack:
    """Symbols for the cells of a stack, named by row, column and channel as in x[i,j,k].

    >>> symbols(1, 2, 1, "x"), symbols(1, 1, 2, "w")
    (((('x00', 'x01'),),), ((('w000',),), (('w001',),)))
    """
    apart = "," if max(rows, columns, channels) > 10 else ""

    def symbol(*places: int) -> Symbol:
        return Symbol(name + apart.join(map(str, places)))

    return tuple(
        tuple(
            tuple(symbol(i, j, *([c] if channels > 1 else [])) for j in range(columns))
            for i in range(rows)
        )
        for c in range(channels)
    )
