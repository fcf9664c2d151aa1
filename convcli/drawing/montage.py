"""Feature maps and filters as pictures: one labelled grid per layer, and a sheet of all."""

from collections.abc import Callable, Sequence
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from convcli.images.diverging import finite, signed
from convcli.images.image import Picture

Pixels = NDArray[np.uint8]
Maps = NDArray[np.floating]

WIDTH = 1200
"""Pixels of a sheet's width: what a screen shows without scrolling sideways."""

MAX_TILE = 384
"""Pixels of a tile's longer side; larger maps are drawn smaller."""

MAX_TILES = 256
"""Maps of one grid; of more, as many evenly spaced ones."""

FILTER_TILE = 48
"""Pixels of a filter's longer side."""

MAX_PAIRS = 16
"""Filters and channels of a sheet of filters over more than three channels."""

GAP = 4
MARGIN = 10
CAPTION = 24
SIZE = 13
"""Height of captions, in pixels."""
SCALE = (96, 10)
"""Width and height of the legend of colors."""
PAPER, INK = (255, 255, 255), (40, 40, 40)

PANEL_BYTES = 3 * WIDTH * (WIDTH + CAPTION + MARGIN)
"""Bytes of the largest grid, which is no higher than wide."""


def stretched(feature_map: Maps) -> Pixels:
    """One map (h, w) stretched so that its minimum is 0 and its maximum 255.

    >>> stretched(np.array([[-1.0, 0.0, 3.0]]))
    array([[  0,  64, 255]], dtype=uint8)
    """
    values = finite(feature_map)
    low, high = float(values.min()), float(values.max())
    scale = 255 / (high - low) if high > low else 0.0
    return np.floor((values - low) * scale + 0.5).astype(np.uint8)


Coloring = Callable[[Maps], Pixels]
"""One map → its pixels: `stretched` or `signed`."""


def columns_of(count: int, height: int, width: int) -> int:
    """The number of columns of a grid about twice as wide as high.

    >>> columns_of(3, 10, 10), columns_of(64, 10, 10)
    (3, 12)
    """
    return min(count, max(1, ceil(sqrt(2 * count * height / width)), min(count, 3)))


def grid(caption: str, maps: Maps, coloring: Coloring = stretched) -> Pixels:
    """The maps (c, h, w) or the values (c,) of a layer under a caption, (rows, WIDTH, 3).

    Of more than MAX_TILES maps evenly spaced ones are drawn, and the caption says so.
    """
    if maps.size == len(maps):  # one value per channel
        ends = _ends(float(maps.min()), float(maps.max()), coloring)
        return _labelled(caption, [_bars(maps.reshape(-1), coloring)], 1, legend=(coloring, ends))
    maps = maps[:, np.newaxis] if maps.ndim == 2 else maps
    count = len(maps)
    if count > MAX_TILES:
        caption = f"{caption}   {MAX_TILES} of {count:,} maps, evenly spaced"
        maps = maps[np.linspace(0, count - 1, MAX_TILES).astype(int)]
    columns = columns_of(len(maps), *maps.shape[1:])
    # every map has colors of its own, from its own smallest value to its largest
    ends = ("its min", "its max") if coloring is stretched else ("-its max", "+its max")
    if len(maps) == 1:
        ends = _ends(float(maps.min()), float(maps.max()), coloring)
    return _labelled(caption, [coloring(tile) for tile in maps], columns, legend=(coloring, ends))


def _ends(low: float, high: float, coloring: Coloring) -> tuple[str, str]:
    """The values of the first and the last color of a single map."""
    if coloring is not stretched:
        high = max(-low, high)
        low = -high
    return f"{low:.4g}", f"{high:.4g}"


def picture_grid(caption: str, samples: Maps, coloring: Coloring = stretched) -> Pixels:
    """The samples (c, h, w) of a picture as one picture, in color where there are three."""
    if len(samples) != 3:
        return grid(caption, samples, coloring)
    return _labelled(caption, [stretched(samples.transpose(1, 2, 0))], 1)


def _bars(vector: Maps, coloring: Coloring) -> Pixels:
    """A vector as rows of cells, about twice as wide as high."""
    columns = max(1, min(len(vector), ceil(sqrt(8 * len(vector)))))
    rows = ceil(len(vector) / columns)
    cells = np.full(rows * columns, np.nan)
    cells[: len(vector)] = vector
    missing = np.isnan(cells).reshape(rows, columns)
    filled = np.where(np.isnan(cells), vector[0], cells).reshape(rows, columns)
    drawn = coloring(filled)
    drawn = np.stack([drawn] * 3, -1) if drawn.ndim == 2 else drawn
    drawn[missing] = PAPER
    return drawn


def filter_grid(caption: str, weight: Maps) -> Pixels:
    """The filters (f, c, i, j) of a layer under a caption, (rows, WIDTH, 3).

    Filters over three channels are drawn as small pictures, over one in gray, over others as one
    row per filter and one signed tile per channel; of many, the first MAX_PAIRS each way.
    """
    weight = weight.reshape(*weight.shape[:2], *(1,) * (4 - weight.ndim), *weight.shape[2:])
    filters, channels = weight.shape[:2]
    if channels in (1, 3):
        drawn = weight[:MAX_TILES]
        tiles = [stretched(weights.transpose(1, 2, 0)) for weights in drawn]
        tiles = [tile[..., 0] if channels == 1 else tile for tile in tiles]
        columns = columns_of(len(tiles), *weight.shape[2:])
    else:
        drawn = weight[:MAX_PAIRS, :MAX_PAIRS]
        tiles = [signed(channel) for weights in drawn for channel in weights]
        columns = drawn.shape[1]
    if drawn.shape[:2] != weight.shape[:2]:
        caption += f"   {drawn.shape[0]} of {filters:,} filters"
        caption += f" over {drawn.shape[1]} of {channels:,} channels" if channels > 3 else ""
    coloring = stretched if channels in (1, 3) else signed
    ends = ("its min", "its max") if channels in (1, 3) else ("-its max", "+its max")
    return _labelled(caption, tiles, columns, FILTER_TILE, (coloring, ends), narrow=True)


def _labelled(
    caption: str,
    tiles: Sequence[Pixels],
    columns: int,
    max_side: int = MAX_TILE,
    legend: tuple[Coloring, tuple[str, str]] | None = None,
    narrow: bool = False,
) -> Pixels:
    """Tiles in rows under a caption, and what their colors mean; small ones enlarged by an
    integer factor. A narrow panel ends where its tiles and its caption do.
    """
    room = (WIDTH - 2 * MARGIN + GAP) // columns - GAP
    side = max(min(room, max_side), 1)
    fitted = [_fitted(tile, side) for tile in tiles]
    width, height = fitted[0].size
    gap = GAP if columns * (width + GAP) <= WIDTH - 2 * MARGIN + GAP else 0
    rows = ceil(len(fitted) / columns)
    text = caption.encode("latin-1", "replace").decode("latin-1")
    font = ImageFont.load_default(SIZE)
    marks = _scale(*legend, font) if legend is not None else None
    between = 3 * MARGIN
    panel_width = WIDTH
    if narrow:
        captions = int(font.getlength(text)) + (between + marks.width if marks else 0)
        panel_width = min(WIDTH, 2 * MARGIN + max(columns * (width + gap) - gap, captions))
    panel = Image.new("RGB", (panel_width, CAPTION + rows * (height + gap) + MARGIN), PAPER)
    ImageDraw.Draw(panel).text((MARGIN, 4), text, fill=INK, font=font)
    start = MARGIN + int(font.getlength(text)) + between
    if marks is not None and start + marks.width <= panel_width - MARGIN:
        panel.paste(marks, (start, 2))
    for index, tile in enumerate(fitted):
        row, column = divmod(index, columns)
        panel.paste(tile, (MARGIN + column * (width + gap), CAPTION + row * (height + gap)))
    return np.asarray(panel)


def _scale(
    coloring: Coloring, ends: tuple[str, str], font: ImageFont.ImageFont | ImageFont.FreeTypeFont
) -> Image.Image:
    """The colors from the first to the last, between the values that they stand for."""
    low, high = ends
    # a signed map is white at 0
    first = 0.0 if coloring is stretched else -1.0
    colors = coloring(np.linspace(first, 1, SCALE[0])[np.newaxis])
    bar = Image.fromarray(colors).convert("RGB").resize(SCALE)
    before, behind = (int(font.getlength(text)) + 1 for text in ends)
    image = Image.new("RGB", (before + behind + SCALE[0] + 16, CAPTION - 3), PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((0, 2), low, fill=INK, font=font)
    image.paste(bar, (before + 8, 5))
    pen.rectangle((before + 7, 4, before + 8 + SCALE[0], 5 + SCALE[1]), outline=INK)
    pen.text((before + SCALE[0] + 16, 2), high, fill=INK, font=font)
    return image


def _fitted(tile: Pixels, side: int) -> Image.Image:
    image = Image.fromarray(tile).convert("RGB")
    longest = max(image.size)
    if longest > side:
        image.thumbnail((side, side), Image.Resampling.BOX)
        return image
    times = side // longest
    return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)


def sheet(panels: Sequence[Pixels]) -> Picture:
    """Grids one below the other, as one picture as wide as the widest."""
    width = max(panel.shape[1] for panel in panels)
    padded = [
        np.pad(panel, ((0, 0), (0, width - panel.shape[1]), (0, 0)), constant_values=PAPER[0])
        for panel in panels
    ]
    return Picture(np.concatenate(padded), has_alpha=False, format="PNG", metadata={})


def strip(maps: Maps, count: int, side: int, coloring: Coloring = stretched) -> Pixels:
    """A few evenly spaced maps side by side, each at most `side` pixels wide, for a terminal."""
    if maps.size == len(maps):
        return _rgb(Image.fromarray(_bars(maps.reshape(-1), coloring)))
    maps = maps[:, np.newaxis] if maps.ndim == 2 else maps
    spaced = maps[np.linspace(0, len(maps) - 1, min(count, len(maps))).astype(int)]
    tiles = [_rgb(_fitted(coloring(tile), side)) for tile in spaced]
    gap = np.zeros((len(tiles[0]), 2, 3), np.uint8)
    return np.concatenate([piece for tile in tiles for piece in (tile, gap)][:-1], axis=1)


def _rgb(image: Image.Image) -> Pixels:
    return np.asarray(image.convert("RGB"))


def caption(name: str, type_: str, maps: Maps) -> str:
    """`conv1  conv2d  54x54x96  -1.2 .. 3.4`.

    >>> caption("conv1", "conv2d", np.array([[[-1.5, 2.0]]]))
    'conv1   conv2d   1x2x1   -1.5 .. 2'
    """
    size = "x".join(map(str, (*maps.shape[1:], maps.shape[0])))
    words = [name, type_, size, f"{maps.min():.4g} .. {maps.max():.4g}"]
    return "   ".join(word for word in words if word)
