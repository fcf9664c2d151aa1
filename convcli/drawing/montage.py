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
CAPTION = 20
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
    """How many tiles stand side by side in a grid about twice as wide as high.

    >>> columns_of(3, 10, 10), columns_of(64, 10, 10)
    (3, 12)
    """
    return min(count, max(1, ceil(sqrt(2 * count * height / width)), min(count, 3)))


def grid(caption: str, maps: Maps, coloring: Coloring = stretched) -> Pixels:
    """The maps (c, h, w) or the values (c,) of a layer under a caption, (rows, WIDTH, 3).

    Of more than MAX_TILES maps evenly spaced ones are drawn, and the caption says so.
    """
    if maps.size == len(maps):  # one value per channel
        return _labelled(caption, [_bars(maps.reshape(-1), coloring)], 1)
    maps = maps[:, np.newaxis] if maps.ndim == 2 else maps
    count = len(maps)
    if count > MAX_TILES:
        caption = f"{caption}   {MAX_TILES} of {count:,} maps, evenly spaced"
        maps = maps[np.linspace(0, count - 1, MAX_TILES).astype(int)]
    columns = columns_of(len(maps), *maps.shape[1:])
    return _labelled(caption, [coloring(one) for one in maps], columns)


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
        tiles = [stretched(one.transpose(1, 2, 0)) for one in drawn]
        tiles = [tile[..., 0] if channels == 1 else tile for tile in tiles]
        columns = columns_of(len(tiles), *weight.shape[2:])
    else:
        drawn = weight[:MAX_PAIRS, :MAX_PAIRS]
        tiles = [signed(channel) for one in drawn for channel in one]
        columns = drawn.shape[1]
    if drawn.shape[:2] != weight.shape[:2]:
        caption += f"   {drawn.shape[0]} of {filters:,} filters"
        caption += f" over {drawn.shape[1]} of {channels:,} channels" if channels > 3 else ""
    return _labelled(caption, tiles, columns, FILTER_TILE)


def _labelled(
    caption: str, tiles: Sequence[Pixels], columns: int, max_side: int = MAX_TILE
) -> Pixels:
    """Tiles in rows under a caption; small ones enlarged by an integer factor."""
    room = (WIDTH - 2 * MARGIN + GAP) // columns - GAP
    side = max(min(room, max_side), 1)
    fitted = [_fitted(tile, side) for tile in tiles]
    width, height = fitted[0].size
    gap = GAP if columns * (width + GAP) <= WIDTH - 2 * MARGIN + GAP else 0
    rows = ceil(len(fitted) / columns)
    panel = Image.new("RGB", (WIDTH, CAPTION + rows * (height + gap) + MARGIN), PAPER)
    text = caption.encode("latin-1", "replace").decode("latin-1")
    font = ImageFont.load_default_imagefont()
    ImageDraw.Draw(panel).text((MARGIN, 5), text, fill=INK, font=font)
    for index, tile in enumerate(fitted):
        row, column = divmod(index, columns)
        panel.paste(tile, (MARGIN + column * (width + gap), CAPTION + row * (height + gap)))
    return np.asarray(panel)


def _fitted(tile: Pixels, side: int) -> Image.Image:
    image = Image.fromarray(tile).convert("RGB")
    longest = max(image.size)
    if longest > side:
        image.thumbnail((side, side), Image.Resampling.BOX)
        return image
    times = side // longest
    return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)


def sheet(panels: Sequence[Pixels]) -> Picture:
    """Grids one below the other, as one picture."""
    return Picture(np.concatenate(panels), has_alpha=False, format="PNG", metadata={})


def strip(maps: Maps, count: int, side: int, coloring: Coloring = stretched) -> Pixels:
    """A few evenly spaced maps side by side, each at most `side` pixels wide, for a terminal."""
    if maps.size == len(maps):
        return _rgb(Image.fromarray(_bars(maps.reshape(-1), coloring)))
    maps = maps[:, np.newaxis] if maps.ndim == 2 else maps
    spaced = maps[np.linspace(0, len(maps) - 1, min(count, len(maps))).astype(int)]
    tiles = [_rgb(_fitted(coloring(one), side)) for one in spaced]
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
