"""A part of a picture that is filtered, while the rest stays as it is.

Beyond the sides of a region the picture's own samples are read; a border is used at the sides of
the picture alone.
"""

import re

import numpy as np

from convcli.borders import FILL
from convcli.errors import SpecError, UnfitError
from convcli.geometry import Pair
from convcli.images.engines.row_bands import Window
from convcli.images.image import Picture
from convcli.images.pixel_arrays import Samples
from convcli.records import NamedTuple


class Region(NamedTuple):
    """A rectangle of a picture: its first row and column, and its size."""

    top: int
    left: int
    height: int
    width: int

    @property
    def place(self) -> tuple[slice, slice]:
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )

    @property
    def text(self) -> str:
        """Its rows and columns, for people."""
        return (
            f"rows {self.top} to {self.top + self.height - 1}, "
            f"columns {self.left} to {self.left + self.width - 1}"
        )

    def check(self, height: int, width: int) -> None:
        """Raise UnfitError where the region is not within a picture."""
        if self.top + self.height > height or self.left + self.width > width:
            raise UnfitError(
                f"--region has {self.text}, and the picture {height} rows and {width} columns"
            )

    def within(self, height: int, width: int, margins: tuple[Pair, Pair]) -> "Region":
        """The region with rows above and below and columns beside it, as far as there are any."""
        (above, below), (before, after) = margins
        top, left = max(0, self.top - above), max(0, self.left - before)
        bottom = min(height, self.top + self.height + below)
        right = min(width, self.left + self.width + after)
        return Region(top, left, bottom - top, right - left)


def read_region(text: str) -> Region:
    """A region as ROW,COLUMN,HEIGHTxWIDTH.

    >>> read_region("10,20,200x100").text
    'rows 10 to 209, columns 20 to 119'

    Raises SpecError for other text.
    """
    form = re.fullmatch(r"\s*([0-9]+)\s*,\s*([0-9]+)\s*,\s*([0-9]+)\s*[xX×]\s*([0-9]+)\s*", text)
    numbers = [int(number) for number in form.groups()] if form and len(text) < 60 else [0] * 4
    region = Region(*numbers)
    if not region.height or not region.width:
        raise SpecError(
            f"--region {text!r:.60} is not ROW,COLUMN,HEIGHTxWIDTH, such as 10,20,200x100"
        )
    return region


def with_surroundings(
    picture: Picture, window: Window, region: Region, separates_alpha: bool
) -> Picture:
    """The region with all that a window reads beyond it, to be filtered without a border."""
    height, width = picture.pixels.shape[:2]
    rows, columns = (
        window.cells(axis, length)[start : start + count + kernel - 1]
        for axis, length, start, count, kernel in zip(
            (0, 1), (height, width), region[:2], region[2:], window.shape, strict=True
        )
    )
    pixels: Samples = picture.pixels[rows][:, columns]
    outside = (rows == FILL)[:, np.newaxis] | (columns == FILL)
    if outside.any():
        pixels[outside] = window.border.fill
        if separates_alpha:  # beyond a constant border the picture is opaque
            pixels[outside, -1] = picture.full
    return picture._replace(pixels=pixels)
