"""The colours of drawn grids on light pages, dark ones, and on both.

Every number stands in an opaque cell, so that what is between the cells may be transparent.
"""

from typing import NamedTuple

Colour = tuple[int, int, int]


class Theme(NamedTuple):
    """The colours of a frame; `page` None leaves it transparent."""

    page: Colour | None
    ink: Colour
    faint: Colour
    cells: tuple[Colour, ...]
    """Fill of the input's cells: of one channel, then of red, green and blue."""
    windows: tuple[Colour, ...]
    """Fill of what the kernel lies on, in the same order."""
    padding: Colour
    output: Colour
    empty: Colour
    now: Colour
    kernel: Colour
    edge: Colour
    frame: Colour


BRIGHT = Theme(
    page=(255, 255, 255),
    ink=(24, 32, 44),
    faint=(92, 102, 116),
    cells=((190, 222, 247), (250, 208, 208), (205, 240, 205), (206, 214, 250)),
    windows=((94, 168, 226), (238, 130, 130), (120, 204, 120), (132, 152, 236)),
    padding=(240, 243, 247),
    output=(174, 230, 199),
    empty=(240, 243, 247),
    now=(74, 194, 133),
    kernel=(240, 214, 250),
    edge=(124, 134, 148),
    frame=(14, 62, 110),
)

THEMES = {
    "both": BRIGHT._replace(page=None, frame=(38, 100, 170)),
    "light": BRIGHT,
    "dark": Theme(
        page=(13, 17, 23),
        ink=(236, 240, 246),
        faint=(160, 170, 184),
        cells=((30, 66, 104), (104, 42, 46), (34, 82, 46), (48, 54, 122)),
        windows=((28, 102, 172), (178, 58, 64), (32, 114, 54), (84, 96, 206)),
        padding=(26, 32, 41),
        output=(24, 92, 62),
        empty=(26, 32, 41),
        now=(14, 118, 72),
        kernel=(86, 52, 104),
        edge=(118, 128, 144),
        frame=(150, 205, 255),
    ),
}
"""`both` is for pages of either kind: opaque cells on a transparent page."""


def between(one: Colour, other: Colour) -> Colour:
    """The colour of a hole: under the window, but not read."""
    red, green, blue = ((3 * a + 2 * b) // 5 for a, b in zip(one, other, strict=True))
    return red, green, blue


RAMP = 5
"""Steps between the colour of a number and that of its cell."""


def palette(theme: Theme) -> tuple[list[int], int]:
    """All colours of a theme's frames, and the index of the transparent one.

    Fills and inks are exact; between them stand the shades of smoothed edges.
    """
    fills = [
        *theme.cells,
        *theme.windows,
        theme.padding,
        theme.output,
        theme.now,
        theme.kernel,
        *map(between, theme.cells, theme.windows),
    ]
    colours: dict[Colour, None] = {}
    for colour in (
        *fills,
        theme.empty,
        theme.ink,
        theme.faint,
        theme.edge,
        theme.frame,
        *([theme.page] if theme.page else []),
    ):
        colours.setdefault(colour)
    grounds = [*fills, *([theme.page] if theme.page else [])]
    for ink in (theme.ink, theme.faint):
        for fill in grounds:
            for part in range(1, RAMP):
                colours.setdefault(
                    tuple(  # type: ignore[arg-type]
                        round(a + (b - a) * part / RAMP) for a, b in zip(fill, ink, strict=True)
                    )
                )
    kept = list(colours)[:255]
    flat = [sample for colour in kept for sample in colour]
    return flat + flat[-3:] * (256 - len(kept)), 255
