"""What the shell may say: Click types that turn text into values, and options commands share."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from convcli.nets.geometry import PADDINGS, Padding
from convcli.report import FORMATS

LARGEST = 1_000_000_000
"""No size, count or stride is taken above this: beyond any tensor there is."""

CHANNELS = 3
"""Channels of an input written without them: `224` is a colour picture of 224x224x3."""


if TYPE_CHECKING:
    AnyType = click.ParamType[Any]
else:
    AnyType = click.ParamType  # generic only for type checkers in older releases of click


class Reads(AnyType):
    """A Click type made of a function from text to value, whose ValueError is the message."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def whole(text: str, least: int) -> int:
    """One whole number from `least` to LARGEST.

    >>> whole("0", least=1)
    Traceback (most recent call last):
        ...
    ValueError: 0 is too small: at least 1
    """
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,60}\s*", text):
        raise ValueError(f"{text!r} is not a whole number")
    number = int(text)
    if number < least:
        raise ValueError(f"{number} is too small: at least {least}")
    if number > LARGEST:
        raise ValueError(f"{number} is too large: at most {LARGEST}")
    return number


def _numbers(text: str, least: int, counts: tuple[int, ...], example: str) -> list[int]:
    parts = re.split("[x×X,]", text)
    if len(parts) not in counts:
        raise ValueError(f"{text!r} is not a size such as {example}")
    return [whole(part, least) for part in parts]


def read_size(text: str) -> tuple[int, int, int]:
    """An input as people write it, H×W×C → the shape (channels, height, width).

    >>> read_size("224"), read_size("32x48"), read_size("32x48x1")
    ((3, 224, 224), (3, 32, 48), (1, 32, 48))
    """
    numbers = _numbers(text, 1, (1, 2, 3), "224, 224x224 or 224x224x3")
    height, width = numbers[0], numbers[min(1, len(numbers) - 1)]
    return numbers[2] if len(numbers) == 3 else CHANNELS, height, width


def read_pair(text: str) -> tuple[int, int]:
    """One number for both axes, or height×width.

    >>> read_pair("3"), read_pair("3x5")
    ((3, 3), (3, 5))
    """
    numbers = _numbers(text, 1, (1, 2), "3 or 3x5")
    return numbers[0], numbers[-1]


def read_padding(text: str) -> tuple[Padding, Padding]:
    """A number, height×width, four sides (top, bottom, left, right), or a name.

    >>> read_padding("2"), read_padding("1x2"), read_padding("1,2,1,2"), read_padding("same")
    (((2, 2), (2, 2)), ((1, 1), (2, 2)), ((1, 2), (1, 2)), ('same', 'same'))
    """
    name = text.strip().lower()
    if name in PADDINGS:
        return name, name
    if not any(character.isdigit() for character in name):
        raise ValueError(f"{text!r} is no padding: a number, {', '.join(PADDINGS)}")
    numbers = _numbers(text, 0, (1, 2, 4), "2, 1x2 or 1,2,1,2 (top, bottom, left, right)")
    if len(numbers) == 4:
        top, bottom, left, right = numbers
        return (top, bottom), (left, right)
    return (numbers[0], numbers[0]), (numbers[-1], numbers[-1])


SIZE = Reads("HxWxC", read_size)
PAIR = Reads("N|HxW", read_pair)
PADDING = Reads("N|HxW|T,B,L,R|same|valid", read_padding)
COUNT = Reads("N", lambda text: whole(text, least=1))
SEED = Reads("N", lambda text: whole(text, least=0))

format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="How to print the result.  [default: table on a terminal, tsv in a pipe]",
)
force_option = click.option("--force", is_flag=True, help="Overwrite what is there already.")
