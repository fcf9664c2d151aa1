"""The sliding window in vectors: an animated SVG (SMIL), and a PDF with a page for each step.

A program that plays no animations shows the first step.
"""

from typing import TYPE_CHECKING

from convcli.drawing.network.pdf import pages
from convcli.drawing.network.writers import COMMON, svg_item
from convcli.explanation.draw.pens import VectorPen

if TYPE_CHECKING:
    from convcli.explanation.draw.frames import Sheet


def moving_svg(sheet: "Sheet", seconds: float) -> str:
    """Every step of a sheet for a number of seconds, repeated from the first."""
    pen, count = VectorPen(), len(sheet.cells)
    sheet.draw_ground(pen)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {sheet.width} {sheet.height}" '
        f'width="{sheet.width}" height="{sheet.height}" role="img" {COMMON}>',
        "<title>convolution, step by step</title>",
        _elements(pen),
    ]
    for number, cell in enumerate(sheet.cells):
        sheet.draw_step(pen, cell)
        timing = _timing(number, number + 1, count, seconds)
        hidden = ' display="none"' if number else ""
        lines.append(f"<g{hidden}>{timing}{_elements(pen)}</g>")
        if number + 1 < count:
            sheet.draw_results(pen, cell)
            timing = _timing(number + 1, count, count, seconds)
            lines.append(f'<g display="none">{timing}{_elements(pen)}</g>')
    return "\n".join([*lines, "</svg>", ""])


def _elements(pen: VectorPen) -> str:
    return "".join(map(svg_item, pen.taken()))


def _timing(start: int, end: int, count: int, seconds: float) -> str:
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


def paged_pdf(sheet: "Sheet") -> bytes:
    """A page for each step; what is on several pages is in the file once."""
    pen = VectorPen()
    sheet.draw_ground(pen)
    parts, layers = [pen.taken()], []
    so_far = [0]
    for cell in sheet.cells:
        sheet.draw_step(pen, cell)
        layers.append([*so_far, len(parts)])
        parts.append(pen.taken())
        sheet.draw_results(pen, cell)
        so_far.append(len(parts))
        parts.append(pen.taken())
    return pages((sheet.width, sheet.height), parts, layers, "convolution, step by step")
