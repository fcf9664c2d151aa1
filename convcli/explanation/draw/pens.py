"""What draws a frame: on a picture of palette indices, or into a display list of vectors."""

from collections.abc import Sequence
from functools import cache, lru_cache
from math import cos, pi, sin

from PIL import Image, ImageDraw, ImageFont

from convcli.drawing.network.palette import hex_color
from convcli.drawing.network.scene import Line, Shape, Text, rectangle
from convcli.explanation.draw.themes import RAMP, Color, Palette

Box = tuple[int, int, int, int]
"""Pixels of a rectangle, its edges among them: left, top, right, bottom."""

Point = tuple[float, float]


class PixelPen:
    """Draws indices of a palette into a picture of mode L; smooth texts in the palette's shades.

    A text stands on one color, so that the same word on the same ground is drawn once.
    """

    def __init__(self, image: Image.Image, palette: Palette) -> None:
        self._image, self._palette = image, palette
        self._draw = ImageDraw.Draw(image)

    def rectangle(
        self,
        box: Box,
        fill: Color | None = None,
        outline: Color | None = None,
        width: int = 1,
        radius: int = 0,
    ) -> None:
        self._draw.rounded_rectangle(box, radius, self._index(fill), self._index(outline), width)

    def dashed(self, box: Box, outline: Color) -> None:
        left, top, right, bottom = box
        ink = self._index(outline)
        for start in range(left, right, 8):
            end = min(start + 4, right)
            self._draw.line((start, top, end, top), ink)
            self._draw.line((start, bottom, end, bottom), ink)
        for start in range(top, bottom, 8):
            end = min(start + 4, bottom)
            self._draw.line((left, start, left, end), ink)
            self._draw.line((right, start, right, end), ink)

    def line(self, points: Sequence[Point], color: Color, width: int = 1) -> None:
        self._draw.line([(round(x), round(y)) for x, y in points], self._index(color), width)

    def text(self, at: Point, text: str, ink: Color, size: int, middle: bool = False) -> None:
        x, y = at[0] - (text_length(text, size) / 2 if middle else 0), round(at[1])
        ground = self._image.getpixel((round(at[0]), y - size // 3))
        assert isinstance(ground, int)
        for word in text.split(" "):
            tile, mask, (left, top) = _tile(self._palette, word, size, ink, ground)
            self._image.paste(tile, (round(x) + left, y + top), mask)
            x += text_length(f"{word} ", size)

    def _index(self, color: Color | None) -> int | None:
        return None if color is None else self._palette.index[color]


@lru_cache(maxsize=4096)
def _tile(
    palette: Palette, text: str, size: int, ink: Color, ground: int
) -> tuple[Image.Image, Image.Image, tuple[int, int]]:
    """A word in the shades between ground and ink, its mask, and its corner from the baseline."""
    font = _font(size)
    left, top, right, bottom = map(round, font.getbbox(text, anchor="ls"))
    mask = Image.new("L", (max(right - left, 1) + 2, max(bottom - top, 1) + 2))
    ImageDraw.Draw(mask).text((1 - left, 1 - top), text, 255, font, "ls")
    shades = palette.shades(ground, ink)
    steps = [level * RAMP // 255 if level < 255 else RAMP for level in range(256)]
    tile = mask.point([shades[step] for step in steps])
    return tile, mask.point([255 * (step > 0) for step in steps]), (left - 1, top - 1)


class VectorPen:
    """Records what is drawn as items of a display list."""

    def __init__(self) -> None:
        self._items: list[Shape | Line | Text] = []

    def rectangle(
        self,
        box: Box,
        fill: Color | None = None,
        outline: Color | None = None,
        width: int = 1,
        radius: int = 0,
    ) -> None:
        # Pillow draws an outline inside of the box, vectors around its middle
        inset = width / 2
        left, top = box[0] + inset, box[1] + inset
        corners = rectangle(left, top, box[2] - box[0] + 1 - width, box[3] - box[1] + 1 - width)
        if radius:
            corners = _rounded(corners, radius)
        inside = "none" if fill is None else hex_color(fill)
        if width == 1 or outline is None:
            self._items.append(
                Shape(corners, inside, inside if outline is None else hex_color(outline))
            )
            return
        if fill is not None:
            self._items.append(Shape(corners, inside, inside))
        around = (*corners, corners[0], corners[1])
        self._items.append(Line(around, hex_color(outline), False, width))

    def dashed(self, box: Box, outline: Color) -> None:
        corners = rectangle(box[0] + 0.5, box[1] + 0.5, box[2] - box[0], box[3] - box[1])
        self._items.append(Shape(corners, "none", hex_color(outline), True))

    def line(self, points: Sequence[Point], color: Color, width: int = 1) -> None:
        moved = tuple((x + 0.5, y + 0.5) for x, y in points)
        self._items.append(Line(moved, hex_color(color), False, width))

    def text(self, at: Point, text: str, ink: Color, size: int, middle: bool = False) -> None:
        anchor = "middle" if middle else "start"
        self._items.append(Text(at, text, hex_color(ink), size, anchor))

    def take_items(self) -> list[Shape | Line | Text]:
        """All items since the last call."""
        items, self._items = self._items, []
        return items


Pen = PixelPen | VectorPen
"""Draws in colors of a theme; a text stands on its baseline, behind or around a point."""


def _rounded(corners: Sequence[Point], radius: int) -> tuple[Point, ...]:
    """An upright rectangle whose corners are arcs, in steps of 15°."""
    turned = []
    for quarter, (x, y) in enumerate(corners):
        middle = x + radius * (1, -1, -1, 1)[quarter], y + radius * (1, 1, -1, -1)[quarter]
        for step in range(7):
            angle = pi * (1 + quarter / 2 + step / 12)
            turned.append((middle[0] + radius * cos(angle), middle[1] + radius * sin(angle)))
    return tuple(turned)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


@lru_cache(maxsize=4096)
def text_length(text: str, size: int) -> float:
    """The room of a text in the font of pictures, in pixels."""
    return float(_font(size).getlength(text))


@lru_cache(maxsize=4096)
def fitting_size(text: str, room: int, size: int) -> int:
    """The largest size up to one given in which a text has room."""
    while size > 4 and text_length(text, size) > room:
        size -= 1
    return size
