"""Feature maps and filters as pictures: a labelled grid a layer, and a sheet of all of them."""

from collections.abc import Sequence
from math import ceil, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from convcli.images.image import Picture

Pixels = NDArray[np.uint8]
Maps = NDArray[np.floating]

WIDTH = 1200
"""Pixels of a sheet's width: what a screen shows without scrolling sideways."""

LARGEST_TILE = 384
"""Pixels of a tile's longer side; larger maps are drawn smaller."""

MOST_TILES = 256
"""Maps of one grid; of more, as many evenly spaced ones."""

FILTER_TILE = 48
"""Pixels of a filter's longer side."""

MOST_PAIRS = 16
"""Filters and channels of a sheet of filters over more channels than colours."""

GAP = 4
MARGIN = 10
CAPTION = 20
PAPER, INK = (255, 255, 255), (40, 40, 40)

PANEL_BYTES = 3 * WIDTH * (WIDTH + CAPTION + MARGIN)
"""Bytes of the largest grid, which is no higher than wide."""

DIVERGING = ((5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31))
"""Blue for negative, white for 0, red for positive: the ends, the middle and between of
ColorBrewer's RdBu (Harrower & Brewer 2003)."""


def normalised(feature_map: Maps) -> Pixels:
    """One map (h, w) stretched so that its least value is 0 and its largest 255.

    >>> normalised(np.array([[-1.0, 0.0, 3.0]]))
    array([[  0,  64, 255]], dtype=uint8)
    """
    values = _finite(feature_map)
    low, high = float(values.min()), float(values.max())
    scale = 255 / (high - low) if high > low else 0.0
    return np.floor((values - low) * scale + 0.5).astype(np.uint8)


def signed(feature_map: Maps) -> Pixels:
    """One map (h, w) in colours (h, w, 3): blue below 0, white at 0, red above.

    The value farthest from 0 has the full colour, so that both sides have one scale.

    >>> signed(np.array([[-2.0, 0.0, 2.0]])).tolist()
    [[[5, 48, 97], [247, 247, 247], [103, 0, 31]]]
    """
    values = _finite(feature_map)
    farthest = float(np.abs(values).max())
    places = np.clip(values / farthest if farthest else values, -1, 1)
    anchors = np.linspace(-1, 1, len(DIVERGING))
    colours = [np.interp(places, anchors, channel) for channel in zip(*DIVERGING, strict=True)]
    return np.floor(np.stack(colours, -1) + 0.5).astype(np.uint8)


def _finite(feature_map: Maps) -> NDArray[np.float64]:
    """In float64; what is beyond float32 counts as the farthest there is."""
    return np.nan_to_num(feature_map.astype(np.float64), nan=0.0, posinf=1e38, neginf=-1e38)


def grid_name(source: str) -> str:
    """Where the sheet of a picture goes that nobody gave a name.

    >>> grid_name("photos/cat.jpg"), grid_name("-")
    ('cat.maps.png', 'stdin.maps.png')
    """
    return f"{'stdin' if source == '-' else Path(source).stem}.maps.png"


def columns_of(count: int, height: int, width: int) -> int:
    """Tiles side by side in a grid about twice as wide as high.

    >>> columns_of(3, 10, 10), columns_of(64, 10, 10)
    (3, 12)
    """
    return min(count, max(1, ceil(sqrt(2 * count * height / width)), min(count, 3)))


def grid(caption: str, maps: Maps, in_colour: bool = False) -> Pixels:
    """The maps (c, h, w) or the values (c,) of a layer under a caption, (rows, WIDTH, 3).

    Each map is stretched from its least value to its largest, or with `in_colour` from blue over
    white at 0 to red. Of more than MOST_TILES maps evenly spaced ones are drawn, and the caption
    says so.
    """
    if maps.size == len(maps):  # one value a channel, which has no form to stretch
        return _labelled(caption, [_bars(maps.reshape(-1), in_colour)], 1)
    maps = maps[:, np.newaxis] if maps.ndim == 2 else maps
    count = len(maps)
    if count > MOST_TILES:
        caption = f"{caption}   {MOST_TILES} of {count:,} maps, evenly spaced"
        maps = maps[np.linspace(0, count - 1, MOST_TILES).astype(int)]
    draw = signed if in_colour else normalised
    columns = columns_of(len(maps), *maps.shape[1:])
    return _labelled(caption, [draw(one) for one in maps], columns)


def picture_grid(caption: str, samples: Maps, in_colour: bool = False) -> Pixels:
    """The samples (c, h, w) of a picture as one picture, in its colours where there are three."""
    if len(samples) != 3:
        return grid(caption, samples, in_colour)
    return _labelled(caption, [normalised(samples.transpose(1, 2, 0))], 1)


def _bars(vector: Maps, in_colour: bool) -> Pixels:
    """A vector as rows of cells, wrapped to about twice as wide as high."""
    columns = max(1, min(len(vector), ceil(sqrt(8 * len(vector)))))
    rows = ceil(len(vector) / columns)
    cells = np.full(rows * columns, np.nan)
    cells[: len(vector)] = vector
    missing = np.isnan(cells).reshape(rows, columns)
    filled = np.where(np.isnan(cells), vector[0], cells).reshape(rows, columns)
    drawn = (signed if in_colour else normalised)(filled)
    drawn = np.stack([drawn] * 3, -1) if drawn.ndim == 2 else drawn
    drawn[missing] = PAPER
    return drawn


def filter_grid(caption: str, weight: Maps) -> Pixels:
    """The filters (f, c, i, j) of a layer: in colour over 3 channels, else a row a filter.

    Filters over three channels are drawn as small pictures, over one in grey, over others with a
    tile for each channel, blue below 0 and red above; of many, the first MOST_PAIRS each way.
    """
    weight = weight.reshape(*weight.shape[:2], *(1,) * (4 - weight.ndim), *weight.shape[2:])
    filters, channels = weight.shape[:2]
    if channels in (1, 3):
        shown = weight[:MOST_TILES]
        tiles = [normalised(one.transpose(1, 2, 0)) for one in shown]
        tiles = [tile[..., 0] if channels == 1 else tile for tile in tiles]
        columns = columns_of(len(tiles), *weight.shape[2:])
    else:
        shown = weight[:MOST_PAIRS, :MOST_PAIRS]
        tiles = [signed(channel) for one in shown for channel in one]
        columns = shown.shape[1]
    if shown.shape[:2] != weight.shape[:2]:
        caption += f"   {shown.shape[0]} of {filters:,} filters"
        caption += f" over {shown.shape[1]} of {channels:,} channels" if channels > 3 else ""
    return _labelled(caption, tiles, columns, FILTER_TILE)


def _labelled(
    caption: str, tiles: Sequence[Pixels], columns: int, largest: int = LARGEST_TILE
) -> Pixels:
    """Tiles in rows under a caption; small ones in whole multiples of their cells."""
    room = (WIDTH - 2 * MARGIN + GAP) // columns - GAP
    side = max(min(room, largest), 1)
    fitted = [_fitted(tile, side) for tile in tiles]
    width, height = fitted[0].size
    gap = GAP if columns * (width + GAP) <= WIDTH - 2 * MARGIN + GAP else 0
    rows = ceil(len(fitted) / columns)
    panel = Image.new("RGB", (WIDTH, CAPTION + rows * (height + gap) + MARGIN), PAPER)
    text = caption.encode("latin-1", "replace").decode("latin-1")
    font = ImageFont.load_default_imagefont()
    ImageDraw.Draw(panel).text((MARGIN, 5), text, fill=INK, font=font)
    for place, tile in enumerate(fitted):
        row, column = divmod(place, columns)
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


def strip(maps: Maps, count: int, side: int, in_colour: bool = False) -> Pixels:
    """A few evenly spaced maps side by side, each at most `side` pixels wide, for a terminal."""
    if maps.size == len(maps):
        return _rgb(Image.fromarray(_bars(maps.reshape(-1), in_colour)))
    maps = maps[:, np.newaxis] if maps.ndim == 2 else maps
    chosen = maps[np.linspace(0, len(maps) - 1, min(count, len(maps))).astype(int)]
    draw = signed if in_colour else normalised
    tiles = [_rgb(_fitted(draw(one), side)) for one in chosen]
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
