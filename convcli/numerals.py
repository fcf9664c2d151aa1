"""Exact numbers from text: 0.1 is 1/10, 1/9 a ninth; and letters in their place.

Nothing is evaluated, and sizes are bounded before anything is allocated.
"""

import re
from fractions import Fraction

from convcli.errors import SpecError


class Symbol(str):
    """A quantity that is known by its name alone."""

    __slots__ = ()


Number = int | float | Fraction

Value = Number | Symbol

Grid = tuple[tuple[Value, ...], ...]
"""Rows of values."""

Stack = tuple[Grid, ...]
"""One grid per channel."""


MAX_DIGITS, MAX_EXPONENT = 1000, 999
"""Maximum digits and exponent of a number."""

MAX_NUMBER = 10**125
"""The largest magnitude: sums of squares of such numbers are still floats."""


NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<decimals>[0-9]*))?"
    r"(?:[eE](?P<exponent>[+-]?[0-9]+))?(?:/(?P<divisor>[0-9]+))?"
)

NOT_FINITE = frozenset({"nan", "inf", "infinity"})

CONSTANTS = frozenset({"true", "false", "null", "none"})
"""Of JSON and Python: neither numbers nor symbols."""


def read_fraction(text: str, name: str = "", where: str = "") -> Fraction:
    """A whole number, a decimal or a fraction, exactly; its `name` and `where` it stands are for
    the message.

    >>> read_fraction("0.1"), read_fraction("-2.50"), read_fraction("1e-3"), read_fraction("1/9")
    (Fraction(1, 10), Fraction(-5, 2), Fraction(1, 1000), Fraction(1, 9))
    >>> read_fraction("1/0", "--scale")
    Traceback (most recent call last):
        ...
    convcli.errors.SpecError: --scale '1/0' is not a number: it divides by 0

    Raises SpecError for other text, and for numbers beyond the limits.
    """
    text = text.strip()
    match = NUMBER.fullmatch(text)
    whole, decimals = (match["whole"], match["decimals"] or "") if match else ("", "")
    if match is None or not (whole or decimals):
        finite = text.lstrip("+-").lower() not in NOT_FINITE
        why = "not a number" + (" such as 2, 0.1 or 1/9" if finite else ": it is not finite")
        raise SpecError(f"{name} {quoted(text)}{where} is {why}".lstrip())
    divisor, exponent = match["divisor"] or "1", match["exponent"] or "0"
    digits = len(whole) + len(decimals) + len(divisor)
    why = ""
    if digits > MAX_DIGITS or len(exponent) > 9 or abs(int(exponent)) > MAX_EXPONENT:
        limit = f"{MAX_DIGITS:,} digits, exponents of -{MAX_EXPONENT} to {MAX_EXPONENT}"
        why = f"beyond the limit: {limit}"
    elif not int(divisor):
        why = "not a number: it divides by 0"
    else:
        power = int(exponent) - len(decimals)
        top = int(whole + decimals) * 10 ** max(power, 0)
        bottom = int(divisor) * 10 ** max(-power, 0)
        if top > MAX_NUMBER * bottom:
            why = f"beyond the limit: numbers up to {MAX_NUMBER:.0e}"
    if why:
        raise SpecError(f"{name} {quoted(text)}{where} is {why}".lstrip())
    return Fraction(-top if match["sign"] == "-" else top, bottom)


def read_number(text: str, where: str = "") -> int | Fraction:
    """The same, whole where it is.

    >>> read_number("3"), read_number("4/2"), read_number("1/9")
    (3, 2, Fraction(1, 9))
    """
    if len(text) < 20 and text.isascii() and text.isdecimal():
        return int(text)
    number = read_fraction(text, where=where)
    return number.numerator if number.denominator == 1 else number


def simplest(value: Number) -> Number:
    """A fraction that is whole as a whole number.

    >>> simplest(Fraction(4, 2))
    2
    """
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value


def read_value(text: str, where: str = "") -> Value:
    """A number, exactly, or a symbol.

    >>> read_value("0.25"), read_value("b")
    (Fraction(1, 4), 'b')

    Raises SpecError for anything else.
    """
    if re.fullmatch(r"[A-Za-z_]\w{0,9}", text) and text.lower() not in NOT_FINITE | CONSTANTS:
        return Symbol(text)
    return read_number(text, where)


def quoted(text: str) -> str:
    """Text in quotes, cut to what a line can hold."""
    return repr(text if len(text) <= 40 else text[:40] + "…")
