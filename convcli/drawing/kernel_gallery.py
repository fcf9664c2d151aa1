"""A contact sheet: one picture under every kernel of the catalogue, each with its name."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from convcli.images.filters.apply import filter_picture
from convcli.images.image import Picture
from convcli.images.io.read import of_inks
from convcli.images.kernels.catalogue import CATALOGUE, built

TILE, CAPTION, GAP, COLUMNS = 180, 22, 10, 6
PAPER, INK = (250, 250, 250), (40, 40, 40)


def gallery(picture: Picture) -> Picture:
    """One RGB sheet of the picture under every kernel, shrunk to tiles before it is filtered."""
    tile = shown(picture, TILE)
    small = picture._replace(pixels=tile, has_alpha=False, metadata={}, frames=(), mode="")
    names = list(CATALOGUE)
    rows = -(-len(names) // COLUMNS)
    high, wide = tile.shape[:2]
    width = COLUMNS * (TILE + GAP) + GAP
    sheet = Image.new("RGB", (width, rows * (high + CAPTION + GAP) + GAP), PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for number, name in enumerate(names):
        left = GAP + number % COLUMNS * (TILE + GAP)
        top = GAP + number // COLUMNS * (high + CAPTION + GAP)
        result = filter_picture(small, built(name)).pixels
        sheet.paste(Image.fromarray(result), (left + (TILE - wide) // 2, top))
        pen.text((left + 2, top + high + 3), name, fill=INK, font=font)
    return Picture(np.asarray(sheet), has_alpha=False, format="PNG", metadata={})


def shown(picture: Picture, side: int) -> np.ndarray:
    """A picture as people see it, uint8 (h, w, 3), on white, at most so many pixels a side.

    >>> shown(Picture(np.zeros((9, 4, 1), np.uint8), False, "PNG", {}), 3).shape
    (3, 1, 3)
    """
    pixels = picture.pixels
    step = max(1, max(pixels.shape[:2]) // (4 * side))
    pixels = pixels[::step, ::step]
    if pixels.dtype.kind == "f":
        low, high = (float(pixels.min()), float(pixels.max())) if pixels.size else (0.0, 0.0)
        pixels = ((pixels - low) * (255 / (high - low) if high > low else 0)).astype(np.uint8)
    elif pixels.dtype == np.uint16:
        pixels = (pixels // 256).astype(np.uint8)
    if picture.mode == "CMYK":
        image = of_inks(pixels).convert("RGB")
    else:
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    if picture.has_alpha:
        paper = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(paper, image.convert("RGBA"))
    image = image.convert("RGB")
    image.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(image)
