"""The values of a lesson: exact numbers and letters, their arithmetic and their text."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from convcli.numerals import Stack, Symbol, Value, simplest

Calculation = tuple[str, Value]
"""The arithmetic as text, and its result."""


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
    """The sum; with symbols in it, its name instead."""
    numbers: list[int | float | Fraction] = []
    for value in values:
        if isinstance(value, Symbol):
            return Symbol(name)
        numbers.append(value)
    return simplest(sum(numbers))


def value_text(value: Value) -> str:
    """A value as people write it.

    Floats have four digits, and two behind the point of large ones.

    >>> [value_text(v) for v in (8, Fraction(1, 4), Fraction(1, 9), 0.1234567, -0.0, 92944.31)]
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
    text = value_text(value)
    return f"({text})" if text.startswith("-") else text


def json_value(value: Value) -> int | float | str:
    """A value for JSON: whole numbers stay exact.

    >>> json_value(Fraction(1, 4)), json_value(3), json_value(Symbol("b"))
    (0.25, 3, 'b')
    """
    return float(value) if isinstance(value, Fraction) else value


def table_value(value: Value) -> object:
    """A value for a table: fractions as they are written."""
    return value if isinstance(value, int | float) else value_text(value)


def row_text(values: Iterable[Value]) -> str:
    """Values as `--input` reads them.

    >>> row_text((1, Fraction(1, 3), -2))
    '1 1/3 -2'
    """
    return " ".join(map(value_text, values))


def stack_text(stack: Stack) -> str:
    """Rows of numbers, as `--input @file` reads them: channels apart by an empty line."""
    return "\n\n".join("\n".join(map(row_text, grid)) for grid in stack)


def json_stack(stack: Stack) -> list[list[list[Any]]]:
    """Values for JSON, a list a channel."""
    return [[[json_value(v) for v in row] for row in grid] for grid in stack]


def stack_record(stack: Stack) -> dict[str, Any]:
    """Sizes and values for JSON."""
    return {
        "height": len(stack[0]),
        "width": len(stack[0][0]),
        "channels": len(stack),
        "values": json_stack(stack),
    }


def stack_of(
    channels: int, rows: int, columns: int, value: Callable[[int, int, int], Value]
) -> Stack:
    """The stack of value(channel, row, column), computed channel by channel, row by row."""
    return tuple(
        tuple(tuple(value(c, i, j) for j in range(columns)) for i in range(rows))
        for c in range(channels)
    )


def symbols(rows: int, columns: int, channels: int, name: str) -> Stack:
    """Symbols for the cells of a stack, named by row, column and channel as in x[i,j,k].

    >>> symbols(1, 2, 1, "x"), symbols(1, 1, 2, "w")
    (((('x00', 'x01'),),), ((('w000',),), (('w001',),)))
    """
    apart = "," if max(rows, columns, channels) > 10 else ""

    def symbol(channel: int, row: int, column: int) -> Symbol:
        indices = (row, column, channel) if channels > 1 else (row, column)
        return Symbol(name + apart.join(map(str, indices)))

    return stack_of(channels, rows, columns, symbol)
