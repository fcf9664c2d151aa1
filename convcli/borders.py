"""Values beyond the ends of an axis: the one table of borders, and their one reader."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

from convcli.errors import SpecError
from convcli.geometry import Pair
from convcli.records import NamedTuple
from convcli.text import like

if TYPE_CHECKING:
    from fractions import Fraction


def _edge(position: int, length: int) -> int:
    return min(max(position, 0), length - 1)


def _reflect(position: int, length: int) -> int:
    period = max(2 * length - 2, 1)
    return min(position % period, -position % period)


def _symmetric(position: int, length: int) -> int:
    period = 2 * length
    return min(position % period, (-1 - position) % period)


def _wrap(position: int, length: int) -> int:
    return position % length


BorderName = Literal["zero", "edge", "reflect", "symmetric", "wrap", "constant", "valid"]

BORDERS: dict[BorderName, Callable[[int, int], int] | None] = {
    "zero": None,
    "edge": _edge,
    "reflect": _reflect,
    "symmetric": _symmetric,
    "wrap": _wrap,
    "constant": None,
    "valid": None,
}
"""Name → the cell of an axis that a position beyond it repeats; None where it repeats no cell.

extension of abcd      name        NumPy's    SciPy's    OpenCV's      PyTorch's
000|abcd|000           zero        constant   constant   CONSTANT      zeros
aaa|abcd|ddd           edge        edge       nearest    REPLICATE     replicate
dcb|abcd|cba           reflect     reflect    mirror     REFLECT_101   reflect
cba|abcd|dcb           symmetric   symmetric  reflect    REFLECT       –
bcd|abcd|abc           wrap        wrap       wrap       WRAP          circular
kkk|abcd|kkk           constant:k  constant   constant   CONSTANT      constant
abcd                   valid: no extension, and a smaller output

A border may be wider than the axis: the pattern goes on, as in `numpy.pad`.
"""

PYTORCH_BORDERS: dict[str, BorderName] = {
    "zeros": "zero",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}
"""Our names of the values of `torch.nn.Conv2d(padding_mode=…)`."""


FILL = -1
"""In place of the cell that a position repeats, where a value stands."""


class Border(NamedTuple):
    """A name of BORDERS, and the value that a constant border holds."""

    name: BorderName = "zero"
    value: "int | float | Fraction" = 0

    @property
    def repeats(self) -> bool:
        """Whether the border repeats cells of the axis, rather than a value."""
        return BORDERS[self.name] is not None

    @property
    def fill(self) -> float:
        """The value as arrays hold it; integers stay exact."""
        return self.value if isinstance(self.value, int) else float(self.value)

    @property
    def text(self) -> str:
        """The border as `read_border` reads it.

        >>> Border("constant", 128.0).text, Border("edge").text
        ('constant:128', 'edge')
        """
        if self.name != "constant":
            return self.name
        if isinstance(self.value, int):
            return f"constant:{self.value}"
        short = f"{float(self.value):g}"
        return f"constant:{short if type(self.value)(short) == self.value else self.value}"

    def source(self, position: int, length: int) -> int | None:
        """The cell of an axis that stands at a position; None where a value stands.

        >>> [Border("reflect").source(position, 3) for position in range(-3, 5)]
        [1, 2, 1, 0, 1, 2, 1, 0]
        >>> Border("zero").source(-1, 3), Border("zero").source(1, 3)
        (None, 1)
        """
        if 0 <= position < length:
            return position
        repeat = BORDERS[self.name]
        return None if repeat is None else repeat(position, length)

    def cells(self, length: int, padding: Pair) -> list[int]:
        """The cell that each position of a padded axis repeats, or FILL.

        >>> Border("reflect").cells(4, (3, 3)), Border("zero").cells(2, (1, 1))
        ([3, 2, 1, 0, 1, 2, 3, 2, 1, 0], [-1, 0, 1, -1])
        """
        before, after = self.beyond(length, padding)
        return [*before, *range(length), *after]

    def beyond(self, length: int, padding: Pair) -> tuple[list[int], list[int]]:
        """The same for the positions before the axis alone, and after it."""
        repeat = BORDERS[self.name]
        if repeat is None:
            return [FILL] * padding[0], [FILL] * padding[1]
        before = [repeat(position, length) for position in range(-padding[0], 0)]
        return before, [repeat(length + position, length) for position in range(padding[1])]


def read_border(text: object, value: "int | float | Fraction | None" = None) -> Border:
    """A border by its name, ours or PyTorch's; `value` is what a plain `constant` holds.

    >>> read_border("reflect"), read_border("circular")
    (Border(name='reflect', value=0), Border(name='wrap', value=0))
    >>> read_border("constant:1/3").value, read_border("constant", 7).value
    (Fraction(1, 3), 7)

    Raises SpecError for anything else.
    """
    given, colon, number = str(text).strip().lower().partition(":")
    name = PYTORCH_BORDERS.get(given) or next((one for one in BORDERS if one == given), None)
    if name == "constant" and colon:
        return Border(name, _constant(number.strip()))
    if name == "constant" and value is not None:
        return Border(name, value)
    if name is None or name == "constant" or colon:
        names = [f"{one}:VALUE" if one == "constant" else one for one in BORDERS]
        raise SpecError(border_refusal(text, names))
    return Border(name)


def border_refusal(text: object, names: Iterable[str]) -> str:
    """Why a text names no border, and which name is similar.

    >>> border_refusal("refect", ["edge", "reflect"])
    "'refect' is not a border: edge, reflect; did you mean reflect?"
    """
    names = list(names)
    return f"{text!r:.60} is not a border: {', '.join(names)}{like(str(text), names)}"


def _constant(text: str) -> "int | Fraction":
    from convcli.numerals import read_fraction

    value = read_fraction(text, "constant:")
    return value.numerator if value.denominator == 1 else value
