"""A contact sheet: one picture filtered by every kernel of the catalogue, with names."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from convcli.images.diverging import signed
from convcli.images.filters.apply import filter_picture
from convcli.images.filters.options import FilterOptions
from convcli.images.filters.spec import FilterSpec, spec_of
from convcli.images.image import Picture
from convcli.images.io.inks import of_inks, rgb_of_inks
from convcli.images.kernels.catalogue import CATALOGUE, built
from convcli.images.kernels.kernel import Kernel

TILE, CAPTION, GAP, COLUMNS = 180, 46, 10, 6
MATRIX = 40
"""Pixels of a kernel's longer side, about."""
PAPER, INK, FAINT = (250, 250, 250), (40, 40, 40), (110, 110, 110)


def gallery(picture: Picture) -> Picture:
    """One RGB sheet of the picture, shrunk to tiles, filtered by every kernel."""
    tile = fitted_tile(picture, TILE)
    small = picture._replace(pixels=tile, has_alpha=False, metadata={}, frames=(), mode="")
    names = list(CATALOGUE)
    rows = -(-len(names) // COLUMNS)
    tile_height, tile_width = tile.shape[:2]
    width = COLUMNS * (TILE + GAP) + GAP
    sheet = Image.new("RGB", (width, rows * (tile_height + CAPTION + GAP) + GAP), PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for number, name in enumerate(names):
        left = GAP + number % COLUMNS * (TILE + GAP)
        top = GAP + number // COLUMNS * (tile_height + CAPTION + GAP)
        kernel = built(name)
        result = filter_picture(small, tile_filter(kernel)).pixels
        # some answer in gray
        image = Image.fromarray(np.broadcast_to(result, tile.shape))
        sheet.paste(image, (left + (TILE - tile_width) // 2, top))
        pen.text((left + 2, top + tile_height + 3), name, fill=INK, font=font)
        rows, columns = kernel.shape
        pen.text((left + 2, top + tile_height + 22), f"{rows}x{columns}", fill=FAINT, font=font)
        weights = weights_picture(kernel)
        sheet.paste(weights, (left + TILE - weights.width - 2, top + tile_height + 3))
        corner = left + TILE - weights.width - 3, top + tile_height + 2
        edge = corner[0] + weights.width + 1, corner[1] + weights.height + 1
        pen.rectangle((*corner, *edge), outline=FAINT)
    return Picture(np.asarray(sheet), has_alpha=False, format="PNG", metadata={})


def tile_filter(kernel: Kernel) -> FilterSpec:
    """A kernel as its tile shows it: stretched where it sums to 0, whose results are near black."""
    return spec_of(FilterOptions(range="stretch" if kernel.sum == 0 else "auto"), (kernel,))


def weights_picture(kernel: Kernel) -> Image.Image:
    """The matrix of a kernel's first part, blue below 0 and red above."""
    matrix, _ = kernel.matrices()[0]
    colors = Image.fromarray(signed(np.array([[float(w) for w in row] for row in matrix])))
    times = max(1, MATRIX // max(colors.size))
    large = colors.resize((colors.width * times, colors.height * times), Image.Resampling.NEAREST)
    large.thumbnail((MATRIX, MATRIX), Image.Resampling.BOX)
    return large


def fitted_tile(picture: Picture, side: int) -> np.ndarray:
    """A picture in RGB, uint8 (h, w, 3), on white, with a maximum length of a side.

    >>> fitted_tile(Picture(np.zeros((9, 4, 1), np.uint8), False, "PNG", {}), 3).shape
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
        image = rgb_of_inks(of_inks(pixels), picture.metadata.get("icc_profile"))
    else:
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    if picture.has_alpha:
        paper = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(paper, image.convert("RGBA"))
    image = image.convert("RGB")
    image.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(image)
