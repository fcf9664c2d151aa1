"""Scenes as the pages of a PDF, in vectors: polygons, lines, and texts in Helvetica.

Written as ISO 32000-1 has it, with one of the fonts that every reader holds. Equal input gives
equal bytes: no date is in it.
"""

import zlib
from collections.abc import Iterable, Sequence

from convcli.drawing.network.scene import Line, Point, Scene, Shape, Text, head, rectangle

ADVANCES = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 "
    "556 556 556 556 556 556 556 278 278 584 584 584 556 1015 667 667 722 722 667 "
    "611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 667 "
    "667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 "
    "222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 260 334 584"
)
"""Widths of the characters of ASCII in thousandths of the size, of Helvetica (Adobe AFM)."""
HELVETICA = dict(zip(map(chr, range(32, 127)), map(int, ADVANCES.split()), strict=True))


def pdf(scene: Scene) -> bytes:
    """The figure as a PDF of its own size, one unit a point.

    >>> from convcli.drawing.network.palette import THEMES
    >>> pdf(Scene(8, 8, THEMES["light"], "a", ())).splitlines()[0]
    b'%PDF-1.4'
    """
    paper = Shape(rectangle(0, 0, scene.width, scene.height), scene.theme.background, "none")
    return pages((scene.width, scene.height), [[paper, *scene.flat()]], [[0]], scene.title)


def pages(
    size: tuple[float, float],
    parts: Sequence[Iterable[Shape | Line | Text]],
    layers: Sequence[Sequence[int]],
    title: str = "",
) -> bytes:
    """A PDF of pages of one size; each names its parts, back to front, which it may share.

    >>> pages((8, 8), [[], []], [[0], [0, 1]]).count(b"/Type/Page/")
    2
    """
    width, height = (f"{side:.2f}" for side in size)
    # the page stands on its head, so that y goes down as in a scene
    contents = [f"1 0 0 -1 0 {height} cm 1 j .8 w".encode(), *map(_marks, parts)]
    first, count = 5, len(contents)
    kids = [f"{first + count + number} 0 R" for number in range(len(layers))]
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}/MediaBox[0 0 {width} {height}]"
        "/Resources<</Font<</F 3 0 R>>>>>>".encode(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        f"<</Title<feff{(title or 'network').encode('utf-16-be', 'replace').hex()}>"
        "/Producer(convcli)>>".encode(),
    ]
    for content in contents:
        data = zlib.compress(content, 9)
        objects.append(
            b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(data), data)
        )
    for layer in layers:
        streams = " ".join(f"{first + part} 0 R" for part in (0, *(number + 1 for number in layer)))
        objects.append(f"<</Type/Page/Parent 2 0 R/Contents[{streams}]>>".encode())
    data = b"%PDF-1.4\n"
    starts = []
    for number, body in enumerate(objects, 1):
        starts.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    count = len(objects) + 1
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    trailer = b"<</Size %d/Root 1 0 R/Info 4 0 R>>\nstartxref\n%d" % (count, len(data))
    return data + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n%s\n%%%%EOF\n" % (
        count,
        table,
        trailer,
    )


def _marks(items: Iterable[Shape | Line | Text]) -> bytes:
    """The operators that draw items, in a page whose y goes down."""
    marks = []
    for item in items:
        match item:
            case Shape(points, fill, stroke, dashed):
                inside = "" if fill == "none" else f"{_color(fill)} rg "
                around = "" if stroke == "none" else f"{_color(stroke)} RG "
                dash = "[4 3] 0 d" if dashed else "[] 0 d"
                paint = "s" if fill == "none" else "f" if stroke == "none" else "b"
                marks.append(f"{dash} {inside}{around}{_path(points)} {paint}")
            case Line(points, stroke, arrow, width, _):
                marks.append(f"[] 0 d {width} w {_color(stroke)} RG {_path(points)} S .8 w")
                if arrow:
                    tip = _path(head(points[-2], points[-1]))
                    marks.append(f"{_color(stroke)} rg {tip} f")
            case Text((x, y), text, color, size, anchor) if text:
                letters = text.encode("cp1252", "replace")
                room = sum(HELVETICA.get(letter, 584) for letter in text) * size / 1000
                left = x - (room / 2 if anchor == "middle" else 0)
                marks.append(
                    f"BT {_color(color)} rg /F {size} Tf 1 0 0 -1 {left:.2f} {y:.2f} Tm "
                    f"<{letters.hex()}> Tj ET"
                )
    return "\n".join(marks).encode()


def _color(color: str) -> str:
    return " ".join(f"{int(color[i : i + 2], 16) / 255:.3f}" for i in (1, 3, 5))


def _path(points: Sequence[Point]) -> str:
    (x, y), *others = points
    return f"{x:.2f} {y:.2f} m " + " ".join(f"{x:.2f} {y:.2f} l" for x, y in others)
