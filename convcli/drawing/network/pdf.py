"""A scene as a PDF of one page, in vectors: polygons, lines, and texts in Helvetica.

Written as ISO 32000-1 has it, with one of the fonts that every reader holds. Equal input gives
equal bytes: no date is in it.
"""

import zlib
from collections.abc import Sequence

from convcli.drawing.network.scene import Line, Point, Scene, Shape, Text, head

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
    page = [((0.0, 0.0), (scene.width, 0.0), (scene.width, scene.height), (0.0, scene.height))]
    marks = ["1 j .8 w", *(_filled(corners, scene.theme.background) for corners in page)]
    for item in scene.flat():
        match item:
            case Shape(points, fill, stroke, dashed):
                inside = "" if fill == "none" else f"{_color(fill)} rg "
                dash = "[4 3] 0 d" if dashed else "[] 0 d"
                paint = "s" if fill == "none" else "b"
                marks.append(f"{dash} {inside}{_color(stroke)} RG {_path(points)} {paint}")
            case Line(points, stroke, arrow, width, _):
                marks.append(f"[] 0 d {width} w {_color(stroke)} RG {_path(points)} S .8 w")
                if arrow:
                    marks.append(_filled(head(points[-2], points[-1]), stroke))
            case Text((x, y), text, color, size, anchor) if text:
                letters = text.encode("cp1252", "replace")
                room = sum(HELVETICA.get(letter, 584) for letter in text) * size / 1000
                left = x - (room / 2 if anchor == "middle" else 0)
                # the page stands on its head, so that y goes down as in a scene
                marks.append(
                    f"BT {_color(color)} rg /F {size} Tf 1 0 0 -1 {left:.2f} {y:.2f} Tm "
                    f"<{letters.hex()}> Tj ET"
                )
    height = f"{scene.height:.2f}"
    content = zlib.compress("\n".join([f"1 0 0 -1 0 {height} cm", *marks]).encode(), 9)
    title = (scene.title or "network").encode("utf-16-be", "replace").hex()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {scene.width:.2f} {height}]"
        "/Resources<</Font<</F 5 0 R>>>>/Contents 4 0 R>>".encode(),
        b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        f"<</Title<feff{title}>/Producer(convcli)>>".encode(),
    ]
    data = b"%PDF-1.4\n"
    starts = []
    for number, body in enumerate(objects, 1):
        starts.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    size = len(objects) + 1
    return (
        data
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
        + b"trailer\n<</Size %d/Root 1 0 R/Info 6 0 R>>\nstartxref\n%d\n%%%%EOF\n"
        % (size, len(data))
    )


def _color(color: str) -> str:
    return " ".join(f"{int(color[i : i + 2], 16) / 255:.3f}" for i in (1, 3, 5))


def _path(points: Sequence[Point]) -> str:
    (x, y), *others = points
    return f"{x:.2f} {y:.2f} m " + " ".join(f"{x:.2f} {y:.2f} l" for x, y in others)


def _filled(points: Sequence[Point], color: str) -> str:
    return f"{_color(color)} rg {_path(points)} f"
