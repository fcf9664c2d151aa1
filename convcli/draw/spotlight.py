"""A part of a picture framed, the rest dimmed: what one unit of a network sees of it."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from convcli.images.image import Picture

DIM = 0.35
"""What is left of the light outside the frame."""

FRAME = (255, 64, 32)


def framed(picture: Picture, extents: Sequence[tuple[int, int]]) -> Picture:
    """The picture as 8-bit RGB with the pixels of (first, last) rows and columns framed.

    >>> grey = Picture(np.full((8, 8, 1), 200, np.uint8), False, "PNG", {})
    >>> framed(grey, ((2, 4), (2, 4))).pixels[[3, 7], [3, 7]].tolist()
    [[200, 200, 200], [70, 70, 70]]
    """
    pixels = picture.pixels
    colour = pixels.astype(np.float32) * (255 / picture.full)
    if picture.has_alpha:
        alpha = colour[..., -1:] / 255
        colour = colour[..., :-1] * alpha + 255 * (1 - alpha)  # on white paper
    rgb = np.broadcast_to(colour, (*pixels.shape[:2], 3)) if colour.shape[2] == 1 else colour
    (top, bottom), (left, right) = extents
    shown = rgb * DIM
    shown[top : bottom + 1, left : right + 1] = rgb[top : bottom + 1, left : right + 1]
    image = Image.fromarray(np.floor(shown + 0.5).astype(np.uint8))
    width = max(1, round(min(image.size) / 200))
    box = (left - width, top - width, right + width, bottom + width)
    ImageDraw.Draw(image).rectangle(box, outline=FRAME, width=width)
    return Picture(np.asarray(image), has_alpha=False, format="PNG", metadata={})
