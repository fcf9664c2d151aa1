"""The colors of drawn grids on light pages, dark ones, and on both."""

from convcli.records import NamedTuple

Color = tuple[int, int, int]


class Theme(NamedTuple):
    """The colors of a frame."""

    page: Color
    ink: Color
    faint: Color
    cells: tuple[Color, ...]
    """Fill of the input's cells: of one channel, then of red, green and blue."""
    windows: tuple[Color, ...]
    """Fill of cells under the kernel, in the same order."""
    padding: Color
    output: Color
    empty: Color
    now: Color
    kernel: Color
    edge: Color
    frame: Color
    is_card: bool = False
    """Whether the frame is a card with transparent round corners, for light and dark pages."""


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
    "both": BRIGHT._replace(frame=(38, 100, 170), is_card=True),
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


def between(cell: Color, window: Color) -> Color:
    """The color of a hole: under the window, but not read."""
    red, green, blue = ((3 * a + 2 * b) // 5 for a, b in zip(cell, window, strict=True))
    return red, green, blue


RAMP = 5
"""Steps between the color of a number and that of its cell."""


class Palette:
    """All colors of a theme's frames: fills and inks exact, and shades of smooth edges between."""

    clear = 255
    """The index of transparency."""

    def __init__(self, theme: Theme) -> None:
        fills = [
            *theme.cells,
            *theme.windows,
            theme.padding,
            theme.empty,
            theme.output,
            theme.now,
            theme.kernel,
            *map(between, theme.cells, theme.windows),
            theme.page,
        ]
        colors = dict.fromkeys((*fills, theme.ink, theme.faint, theme.edge, theme.frame))
        for ink in (theme.ink, theme.faint):
            for fill in fills:
                colors |= dict.fromkeys(_ramp(fill, ink))
        self.colors = list(colors)
        assert len(self.colors) <= self.clear
        self.index = {color: number for number, color in enumerate(self.colors)}
        flat = [sample for color in self.colors for sample in color]
        self.flat = flat + flat[-3:] * (256 - len(self.colors))

    def shades(self, ground: int, ink: Color) -> list[int]:
        """The indices from a ground to an ink, RAMP steps apart."""
        return [self.index[color] for color in _ramp(self.colors[ground], ink)]


def _ramp(ground: Color, ink: Color) -> list[Color]:
    shades = []
    for part in range(RAMP + 1):
        red, green, blue = (
            round(a + (b - a) * part / RAMP) for a, b in zip(ground, ink, strict=True)
        )
        shades.append((red, green, blue))
    return shades
