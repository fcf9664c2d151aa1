"""A part of a picture framed and the rest dimmed: the receptive field of one unit."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from convcli.images.image import Picture

DIM = 0.35
"""The share of the light outside the frame."""

FRAME = (255, 64, 32)
PAPER, INK = (255, 255, 255), (40, 40, 40)


def framed(picture: Picture, extents: Sequence[tuple[int, int]], caption: str = "") -> Picture:
    """The picture as 8-bit RGB with the pixels of (first, last) rows and columns framed.

    A caption stands below, as large as the picture's width allows.

    >>> gray = Picture(np.full((8, 8, 1), 200, np.uint8), False, "PNG", {})
    >>> framed(gray, ((2, 4), (2, 4))).pixels[[3, 7], [3, 7]].tolist()
    [[200, 200, 200], [70, 70, 70]]
    """
    pixels = picture.pixels
    color = pixels.astype(np.float32) * (255 / picture.full)
    if picture.has_alpha:
        alpha = color[..., -1:] / 255
        color = color[..., :-1] * alpha + 255 * (1 - alpha)  # on white paper
    rgb = np.broadcast_to(color, (*pixels.shape[:2], 3)) if color.shape[2] == 1 else color
    (top, bottom), (left, right) = extents
    dimmed = rgb * DIM
    dimmed[top : bottom + 1, left : right + 1] = rgb[top : bottom + 1, left : right + 1]
    image = Image.fromarray(np.floor(dimmed + 0.5).astype(np.uint8))
    width = max(1, round(min(image.size) / 200))
    box = (left - width, top - width, right + width, bottom + width)
    ImageDraw.Draw(image).rectangle(box, outline=FRAME, width=width)
    if caption:
        size = max(8, min(22, image.width // 32))
        while size > 5 and ImageFont.load_default(size).getlength(caption) > image.width - 12:
            size -= 1
        paper = Image.new("RGB", (image.width, image.height + 2 * size), PAPER)
        paper.paste(image, (0, 0))
        middle = image.width // 2, image.height + size
        font = ImageFont.load_default(size)
        ImageDraw.Draw(paper).text(middle, caption, fill=INK, font=font, anchor="mm")
        image = paper
    return Picture(np.asarray(image), has_alpha=False, format="PNG", metadata={})
