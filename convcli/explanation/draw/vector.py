"""The sliding window as an SVG that moves: every step a group, shown in its turn (SMIL).

A program that plays no animations shows the first step.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from convcli.explanation.draw.themes import Colour

if TYPE_CHECKING:
    from convcli.explanation.draw.frames import Sheet

ANCHORS = {"la": ("start", 0.95), "mm": ("middle", 0.36), "rb": ("end", -0.2)}
"""Pillow's anchor → SVG's, and how far below it the baseline is, in heights of the font."""


class VectorPen:
    """What draws with the names of Pillow's ImageDraw, into elements of an SVG."""

    def __init__(self) -> None:
        self._elements: list[str] = []
        self._lines: dict[Colour, list[str]] = {}

    def rectangle(
        self,
        box: Sequence[float],
        fill: Colour | None = None,
        outline: Colour | None = None,
        width: int = 1,
    ) -> None:
        self._flush()
        # Pillow draws an outline inside of the box, SVG around its middle
        left, top = box[0] + width / 2, box[1] + width / 2
        wide, high = box[2] - box[0] + 1 - width, box[3] - box[1] + 1 - width
        line = f' stroke="{_hex(outline)}"' if outline else ""
        line += f' stroke-width="{width}"' if outline and width > 1 else ""
        inside = _hex(fill) if fill else "none"
        size = f'x="{left:g}" y="{top:g}" width="{wide:g}" height="{high:g}"'
        self._elements.append(f'<rect {size} fill="{inside}"{line}/>')

    def line(self, points: Sequence[float], fill: Colour) -> None:
        x0, y0, x1, y1 = points
        self._lines.setdefault(fill, []).append(
            f"M{x0 + 0.5:g} {y0 + 0.5:g}L{x1 + 0.5:g} {y1 + 0.5:g}"
        )

    def text(
        self, at: tuple[float, float], text: str, fill: Colour, font: object, anchor: str = "la"
    ) -> None:
        self._flush()
        place, below = ANCHORS[anchor]
        size = float(getattr(font, "size", 10))
        x, y = at[0], at[1] + below * size
        self._elements.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{_hex(fill)}" '
            f'text-anchor="{place}">{escape(text)}</text>'
        )

    def taken(self) -> str:
        """All elements since the last call."""
        self._flush()
        elements, self._elements = "".join(self._elements), []
        return elements

    def _flush(self) -> None:
        for colour, segments in self._lines.items():
            self._elements.append(f'<path d="{"".join(segments)}" stroke="{_hex(colour)}"/>')
        self._lines.clear()


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)


def moving_svg(sheet: "Sheet", seconds: float) -> str:
    """Every step of a sheet for so many seconds, then again from the first."""
    pen, count = VectorPen(), len(sheet.cells)
    sheet.draw_ground(pen)
    page = sheet.theme.page
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {sheet.width} {sheet.height}" '
        f'width="{sheet.width}" height="{sheet.height}" role="img" '
        'font-family="Arial,Helvetica,sans-serif">',
        "<title>convolution, step by step</title>",
        f'<rect width="100%" height="100%" fill="{_hex(page)}"/>' if page else "",
        pen.taken(),
    ]
    for number, cell in enumerate(sheet.cells):
        step = sheet.walk.step(cell)
        sheet.draw_step(pen, step)
        shown = _shown(number, number + 1, count, seconds)
        hidden = ' display="none"' if number else ""
        lines.append(f"<g{hidden}>{shown}{pen.taken()}</g>")
        if number + 1 < count:
            sheet.draw_results(pen, step)
            shown = _shown(number + 1, count, count, seconds)
            lines.append(f'<g display="none">{shown}{pen.taken()}</g>')
    return "\n".join([*filter(None, lines), "</svg>", ""])


def _shown(start: int, end: int, count: int, seconds: float) -> str:
    """What shows a group from one step to another, of all."""
    values, times = ["none"] * (start > 0) + ["inline"], [0.0] * (start > 0) + [start / count]
    if end < count:
        values.append("none")
        times.append(end / count)
    if len(values) == 1:
        return ""
    return (
        f'<animate attributeName="display" calcMode="discrete" repeatCount="indefinite" '
        f'dur="{count * seconds:g}s" values="{";".join(values)}" '
        f'keyTimes="{";".join(f"{time:.6g}" for time in times)}"/>'
    )
