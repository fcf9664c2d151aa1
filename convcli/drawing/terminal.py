"""A picture in the terminal: half blocks, two pixels per character, drawn by Rich."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convcli.errors import UnfitError

if TYPE_CHECKING:
    from rich.text import Text

UPPER_HALF = "▀"
"""Its color is the upper pixel, its background the lower one."""

MAX_COLUMNS = 1000
"""Characters in a row; no terminal is wider."""


def half_blocks(picture: NDArray[np.generic], columns: int, encoding: str = "utf-8") -> "Text":
    """A picture as text whose every character shows two pixels, one above the other.

    Parameters:
        picture: uint8 (h, w), (h, w, 1) or (h, w, 3), RGB.
        columns: the width in characters; a picture that is narrower is not enlarged.
        encoding: of the terminal; where it lacks half blocks, a character is the mean of both.

    Characters of a terminal are about twice as high as wide, so that the two pixels of each are
    about square. Returns a `rich.text.Text` of ⌈rows / 2⌉ lines, none of which wraps.

    >>> half_blocks(np.zeros((4, 3), np.uint8), columns=80).plain
    '▀▀▀\\n▀▀▀'

    Raises UnfitError for a picture without pixels, or with samples of another kind.
    """
    from rich.color import Color
    from rich.style import Style
    from rich.text import Text

    pixels = np.asarray(picture)
    pixels = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or pixels.dtype != np.uint8:
        raise UnfitError(
            f"a preview shows uint8 (h, w) or (h, w, 3), not {pixels.dtype} {picture.shape}"
        )
    if not pixels.size or columns < 1:
        raise UnfitError(f"a preview of {picture.shape} in {columns} columns shows nothing")
    rows = _fitted(np.broadcast_to(pixels, (*pixels.shape[:2], 3)), min(columns, MAX_COLUMNS))
    text, blocks = Text(no_wrap=True, overflow="crop", end=""), _has_half_blocks(encoding)
    for top in range(0, len(rows), 2):
        pair = rows[top : top + 2].tolist()
        if top:
            text.append("\n")
        for column, upper in enumerate(pair[0]):
            lower = pair[1][column] if len(pair) == 2 else None
            if blocks:
                below = Color.from_rgb(*lower) if lower else None
                text.append(UPPER_HALF, Style(color=Color.from_rgb(*upper), bgcolor=below))
            else:
                mean = [(a + b) // 2 for a, b in zip(upper, lower or upper, strict=True)]
                text.append(" ", Style(bgcolor=Color.from_rgb(*mean)))
    return text


def _has_half_blocks(encoding: str) -> bool:
    try:
        UPPER_HALF.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _fitted(pixels: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """The picture with at most `columns` pixels per row, each a mean over its area."""
    height, width = pixels.shape[:2]
    if width <= columns:
        return pixels
    size = columns, max(1, round(height * columns / width))
    # a terminal scrolls, but not over a million rows
    size = size[0], min(size[1], 4 * MAX_COLUMNS)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize(size, Image.Resampling.BOX))
