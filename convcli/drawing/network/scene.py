"""The display list of a figure, which all writers write: shapes, lines, texts, back to front."""

from collections.abc import Iterable, Sequence

from convcli.drawing.network.palette import Theme
from convcli.records import NamedTuple

Point = tuple[float, float]

ADVANCES = (
    "32 40 46 84 64 95 78 27 39 39 50 84 32 36 32 34 64 64 64 64 64 64 64 64 64 "
    "64 34 34 84 84 84 53 100 68 69 70 77 63 58 77 75 29 29 66 56 86 75 79 60 79 "
    "69 63 61 73 68 99 69 61 69 39 34 39 84 50 50 61 63 55 63 62 35 63 63 28 28 "
    "58 28 97 63 61 63 63 41 52 39 63 59 82 59 59 52 64 34 64 84"
)
"""Widths of the characters of ASCII in hundredths of the size, of DejaVu Sans: the widest of the
fonts that stand for sans-serif, so that a text fits with each of them."""
WIDTHS = dict(zip(map(chr, range(32, 127)), map(int, ADVANCES.split()), strict=True))


class Shape(NamedTuple):
    """A filled polygon with an outline."""

    points: tuple[Point, ...]
    fill: str
    stroke: str
    dashed: bool = False


class Line(NamedTuple):
    """Straight lines from point to point, with a head at the end or without."""

    points: tuple[Point, ...]
    stroke: str
    arrow: bool = True
    width: float = 1
    arc: bool = False
    """Whether it joins layers that are not neighbors."""


class Text(NamedTuple):
    """A line of text around, before or behind a point of its baseline."""

    at: Point
    text: str
    color: str
    size: float = 11
    anchor: str = "middle"


class Group(NamedTuple):
    """What belongs to one block, with the title that says what it is."""

    title: str
    items: tuple[Shape | Line | Text, ...]


Item = Shape | Line | Text | Group


class Scene(NamedTuple):
    """A figure: its size, the colors of its page, and what is on it."""

    width: float
    height: float
    theme: Theme
    title: str
    items: tuple[Item, ...]

    def flat(self) -> Iterable[Shape | Line | Text]:
        """Its items without groups."""
        for item in self.items:
            if isinstance(item, Group):
                yield from item.items
            else:
                yield item


def text_width(text: str, size: float) -> float:
    """The room of a text.

    >>> text_width("64", 10)
    12.8
    """
    return sum(WIDTHS.get(character, 84) for character in text) * size / 100


def head(start: Point, end: Point, size: float = 6) -> tuple[Point, Point, Point]:
    """The arrow head of a line that ends at `end`."""
    (x0, y0), (x1, y1) = start, end
    length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-9)
    dx, dy = (x1 - x0) / length * size, (y1 - y0) / length * size
    return (
        (x1, y1),
        (x1 - dx - dy / 2.4, y1 - dy + dx / 2.4),
        (x1 - dx + dy / 2.4, y1 - dy - dx / 2.4),
    )


def rectangle(x: float, y: float, width: float, height: float) -> tuple[Point, ...]:
    """The corners of an upright rectangle."""
    return (x, y), (x + width, y), (x + width, y + height), (x, y + height)


LEGEND_GAP, SWATCH = 16.0, 10.0


def legend(
    entries: Sequence[tuple[str, str]], left: float, top: float, width: float, theme: Theme
) -> tuple[list[Item], float]:
    """Rows of swatches with what they mean, within a width; and the height that they take."""
    items: list[Item] = []
    x, y, size = left, top, 10.0
    for fill, meaning in entries:
        room = SWATCH + 5 + text_width(meaning, size)
        if x > left and x + room > left + width:
            x, y = left, y + LEGEND_GAP
        items.append(Shape(rectangle(x, y, SWATCH, SWATCH), fill, theme.outline))
        items.append(Text((x + SWATCH + 5, y + SWATCH - 1), meaning, theme.text, size, "start"))
        x += room + LEGEND_GAP
    return items, (y + LEGEND_GAP - top if entries else 0.0)
