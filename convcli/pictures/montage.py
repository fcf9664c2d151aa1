"""Feature-map grids: a row a layer, every map min–max normalised to 0..255."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from convcli.pictures.files import Picture

LARGEST_TILE = 512
"""Pixels of a tile's longer side; larger maps are drawn smaller."""

GAP = 8
CAPTION = 20
PAPER, INK = 255, 40


def normalised(feature_map: NDArray[np.floating]) -> NDArray[np.uint8]:
    """One map (h, w) stretched so that its least value is 0 and its largest 255.

    >>> normalised(np.array([[-1.0, 0.0, 3.0]]))
    array([[  0,  64, 255]], dtype=uint8)
    """
    low, high = float(feature_map.min()), float(feature_map.max())
    scale = 255 / (high - low) if high > low else 0.0
    return np.floor((feature_map.astype(np.float64) - low) * scale + 0.5).astype(np.uint8)


def grid_name(source: str) -> str:
    """Where the grid of a picture goes that nobody gave a name.

    >>> grid_name("photos/cat.jpg"), grid_name("-")
    ('cat.maps.png', 'stdin.maps.png')
    """
    return f"{'stdin' if source == '-' else Path(source).stem}.maps.png"


def grid(layers: Mapping[str, NDArray[np.floating]]) -> Picture:
    """Draw the maps (c, h, w) of each layer in a row under its caption, on one grey picture."""
    rows = {caption: [_tile(one) for one in maps] for caption, maps in layers.items()}
    width = max(sum(tile.width + GAP for tile in tiles) for tiles in rows.values()) + GAP
    height = sum(CAPTION + max(tile.height for tile in tiles) for tiles in rows.values()) + GAP
    sheet = Image.new("L", (width, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    top = 0
    for caption, tiles in rows.items():
        pen.text((GAP, top + 4), caption, fill=INK, font=ImageFont.load_default_imagefont())
        left = GAP
        for tile in tiles:
            sheet.paste(tile, (left, top + CAPTION))
            left += tile.width + GAP
        top += CAPTION + max(tile.height for tile in tiles)
    return Picture(np.asarray(sheet)[..., np.newaxis], has_alpha=False, format="PNG", metadata={})


def _tile(feature_map: NDArray[np.floating]) -> Image.Image:
    tile = Image.fromarray(normalised(feature_map))
    tile.thumbnail((LARGEST_TILE, LARGEST_TILE), Image.Resampling.BOX)
    return tile
