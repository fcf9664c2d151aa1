"""A scene as SVG, TikZ or pixels; a graph of blocks as DOT or Mermaid. Equal input, equal bytes."""

import re
from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

from convcli.drawing.network.blocks import Block
from convcli.drawing.network.captions import lines_of, title_of
from convcli.drawing.network.palette import BLOCK_TEXT, Coloring, Theme
from convcli.drawing.network.scene import Group, Line, Point, Scene, Shape, Text, head

if TYPE_CHECKING:
    from PIL import Image

MAX_WIDTH = 1600
"""Pixels of the widest figure; a wider one is shown smaller."""


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _escaped(text: str) -> str:
    """Text for XML, without the control characters that it cannot hold."""
    text = re.sub(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]", "�", text)
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )


def svg(scene: Scene, dark: Theme | None = None) -> str:
    """The figure as an SVG document, whose colors are attributes and whose groups have titles.

    With `dark`, a style sheet changes the colors of the page where a reader prefers dark ones;
    what reads no media queries shows the attributes.

    >>> print(svg(Scene(8, 8, Theme("#fff", "#000", "#777", "#333"), "a<b", ())).splitlines()[1])
    <title>a&lt;b</title>
    """
    # whole pixels: programs differ in how they round others, and then in every edge
    width, height = ceil(scene.width), ceil(scene.height)
    if width > MAX_WIDTH:
        limited = ceil(height * MAX_WIDTH / width)
        width, height, box = MAX_WIDTH, limited, f"{width} {limited * width / MAX_WIDTH:.2f}"
    else:
        box = f"{width} {height}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {box}" width="{width}" '
        f'height="{height}" role="img" {COMMON} text-rendering="geometricPrecision" '
        'stroke-linejoin="round">',
        f"<title>{_escaped(scene.title or 'network')}</title>",
    ]
    if dark is not None:
        rules = "".join(
            f'[{name}="{light}"]{{{name}:{other}}}'
            for light, other in zip(scene.theme, dark, strict=True)
            for name in ("fill", "stroke")
        )
        lines.append(f"<style>@media(prefers-color-scheme:dark){{{rules}}}</style>")
    lines.append(f'<rect width="100%" height="100%" fill="{scene.theme.background}"/>')
    for item in scene.items:
        if isinstance(item, Group):
            inner = "".join(map(svg_item, item.items))
            lines.append(f"<g><title>{_escaped(item.title)}</title>{inner}</g>")
        else:
            lines.append(svg_item(item))
    return "\n".join([*lines, "</svg>", ""])


COMMON = (
    f'font-family="Arial,Helvetica,sans-serif" font-size="{Text._field_defaults["size"]}" '
    'text-anchor="middle"'
)
"""Attributes of an SVG that only those texts repeat which have others."""


def svg_item(item: Shape | Line | Text) -> str:
    """An item of a display list as elements of SVG."""
    match item:
        case Shape(points, fill, stroke, dashed):
            dash = ' stroke-dasharray="4 3"' if dashed else ""
            return f'<polygon points="{_points(points)}" fill="{fill}" stroke="{stroke}"{dash}/>'
        case Line(points, stroke, arrow, width, arc):
            mark = ' class="arc"' if arc else ""
            thick = f' stroke-width="{_number(width)}"' if width != 1 else ""
            inside = ' fill="none"' if len(points) > 2 else ""
            line = f'<polyline{mark} points="{_points(points)}"{inside} stroke="{stroke}"{thick}/>'
            tip = _points(head(points[-2], points[-1])) if arrow else ""
            return line + (f'<polygon points="{tip}" fill="{stroke}"/>' if arrow else "")
        case Text((x, y), text, color, size, anchor):
            others = f' font-size="{_number(size)}"' if size != Text._field_defaults["size"] else ""
            others += f' text-anchor="{anchor}"' if anchor != "middle" else ""
            return (
                f'<text x="{_number(x)}" y="{_number(y)}" fill="{color}"{others}>'
                f"{_escaped(text)}</text>"
                if text
                else ""
            )


TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "×": r"$\times$", "→": r"$\to$", "<": "$<$", ">": "$>$", "|": "$|$", '"': "''",
}  # fmt: skip
"""Characters with a meaning in LaTeX, or missing in its fonts."""


def tikz(scene: Scene) -> str:
    """The figure as a LaTeX document of its own, for class standalone, with TikZ alone."""
    lines = [
        r"\documentclass[tikz,border=2pt]{standalone}",
        r"\usepackage[T1]{fontenc}",
        r"\begin{document}",
        r"\begin{tikzpicture}[x=1bp,y=-1bp,line width=0.6bp,line join=round,font=\sffamily]",
    ]
    colors = {scene.theme.background}
    body = []
    for item in scene.flat():
        match item:
            case Shape(points, fill, stroke, dashed):
                colors |= {stroke} if fill == "none" else {fill, stroke}
                options = f"draw={_tex_color(stroke)}"
                options += "" if fill == "none" else f",fill={_tex_color(fill)}"
                options += ",dashed" if dashed else ""
                body.append(rf"\path[{options}] {_tex_points(points)} -- cycle;")
            case Line(points, stroke, arrow, width, _):
                colors.add(stroke)
                body.append(
                    rf"\draw[{_tex_color(stroke)},line width={_number(width)}bp] "
                    f"{_tex_points(points)};"
                )
                if arrow:
                    tip = _tex_points(head(points[-2], points[-1]))
                    body.append(rf"\fill[{_tex_color(stroke)}] {tip} -- cycle;")
            case Text((x, y), text, color, size, anchor) if text:
                colors.add(color)
                where = "base" if anchor == "middle" else "base west"
                letters = "".join(TEX.get(c, c if c.isascii() else "?") for c in text)
                font = rf"\fontsize{{{_number(size)}bp}}{{{_number(size)}bp}}\selectfont "
                body.append(
                    rf"\node[anchor={where},inner sep=0,text={_tex_color(color)}] "
                    f"at ({_number(x)},{_number(y)}) {{{font}{letters}}};"
                )
    defined = [
        rf"\definecolor{{{_tex_color(c)}}}{{HTML}}{{{c[1:].upper()}}}" for c in sorted(colors)
    ]
    corner = f"({_number(scene.width)},{_number(scene.height)})"
    page = rf"\fill[{_tex_color(scene.theme.background)}] (0,0) rectangle {corner};"
    return "\n".join([*lines, *defined, page, *body, r"\end{tikzpicture}", r"\end{document}", ""])


def _tex_color(color: str) -> str:
    return "c" + color[1:]


def _tex_points(points: Sequence[Point]) -> str:
    return " -- ".join(f"({_number(x)},{_number(y)})" for x, y in points)


def raster(scene: Scene, zoom: int = 2) -> "Image.Image":
    """The figure as pixels, `zoom` for each unit; drawn twice as large for smooth edges."""
    from PIL import Image, ImageDraw, ImageFont

    scale = zoom * 2 * min(1.0, MAX_WIDTH / scene.width, MAX_WIDTH * 4 / scene.height)
    size = round(scene.width * scale), round(scene.height * scale)
    image = Image.new("RGB", size, scene.theme.background)
    pen = ImageDraw.Draw(image)

    def scaled(points: Sequence[Point]) -> list[Point]:
        return [(x * scale, y * scale) for x, y in points]

    for item in scene.flat():
        match item:
            case Shape(points, fill, stroke, _):
                if fill != "none":
                    pen.polygon(scaled(points), fill)
                pen.line(scaled((*points, points[0])), stroke, max(round(scale), 1), "curve")
            case Line(points, stroke, arrow, width, _):
                pen.line(scaled(points), stroke, max(round(width * scale), 1), "curve")
                if arrow:
                    pen.polygon(scaled(head(points[-2], points[-1])), stroke)
            case Text((x, y), text, color, height, anchor):
                font = ImageFont.load_default(height * scale)
                text = text.replace("×", "x")  # which this font has not
                pen.text(
                    (x * scale, y * scale), text, color, font, "ms" if anchor == "middle" else "ls"
                )
    return image.resize((max(size[0] // 2, 1), max(size[1] // 2, 1)), Image.Resampling.BOX)


DOT_SHAPES = {
    "pooling": "invtrapezium",
    "enlarging": "trapezium",
    "addition": "hexagon",
    "concatenation": "hexagon",
}


def dot(
    blocks: Sequence[Block], labels: Sequence[str], title: str, coloring: Coloring, right: bool
) -> str:
    """The graph of blocks for Graphviz."""
    lines = [
        f"digraph {_quoted(title or 'network')} {{",
        "  node [style=filled, fontname=Helvetica];",
    ]
    if right:
        lines.append("  rankdir=LR;")
    if title:
        lines.append(f"  label={_quoted(title)}; labelloc=t; fontname=Helvetica;")
    for index, block in enumerate(blocks):
        shape = DOT_SHAPES.get(block.kind, "box")
        label = _quoted("\n".join(_marked(block, labels)))
        lines.append(
            f'  n{index} [label={label}, shape={shape}, fillcolor="{coloring.fill(block)}", '
            f"tooltip={_quoted(title_of(block))}];"
        )
    lines += [f"  n{source} -> n{index};" for source, index in _edges(blocks)]
    return "\n".join([*lines, "}", ""])


def mermaid(
    blocks: Sequence[Block], labels: Sequence[str], title: str, coloring: Coloring, right: bool
) -> str:
    """The graph of blocks for Mermaid, which Markdown of GitHub shows."""
    lines = [f"flowchart {'LR' if right else 'TD'}"]
    if title:
        lines[:0] = ["---", f"title: {_quoted(title)}", "---"]
    classes: dict[str, str] = {}
    for index, block in enumerate(blocks):
        text = "<br/>".join(map(_entities, _marked(block, labels)))
        name = classes.setdefault(coloring.fill(block), f"c{len(classes)}")
        lines.append(f'  n{index}["{text}"]:::{name}')
    lines += [f"  n{source} --> n{index}" for source, index in _edges(blocks)]
    lines += [
        f"  classDef {name} fill:{fill},stroke:#39424e,color:{BLOCK_TEXT}"
        for fill, name in classes.items()
    ]
    return "\n".join([*lines, ""])


def _marked(block: Block, labels: Sequence[str]) -> list[str]:
    times = [f"×{block.times}"] if block.times > 1 else []
    return lines_of(block, labels) + times


def _edges(blocks: Sequence[Block]) -> list[tuple[int, int]]:
    return [(s, index) for index, block in enumerate(blocks) for s in dict.fromkeys(block.inputs)]


def _quoted(text: str) -> str:
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'


def _entities(text: str) -> str:
    """Text for Mermaid, which reads what is not a letter, digit, space or × as an entity."""
    return re.sub(r"[^\w ,.×]", lambda match: f"#{ord(match.group())};", text)
