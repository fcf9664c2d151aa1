"""Formats of picture files, by Pillow's names: suffixes, limits, how each is saved."""

import os
from typing import Any, NamedTuple

from convcli.errors import OutputError
from convcli.text import safe

SUFFIXES = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".apng": "PNG",
    ".gif": "GIF",
    ".pgm": "PPM",
    ".ppm": "PPM",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
"""The format a file name asks for."""


ANIMATED = ("GIF", "PNG", "WEBP", "TIFF")
"""Formats that hold several frames."""


LONGEST_SIDES = {"JPEG": 65_500, "WEBP": 16_383, "GIF": 65_535}
"""Pixels a side that a format can hold, where its library says so too late."""


class SaveOptions(NamedTuple):
    """How a picture is saved: a format that the name does not tell, JPEG's and WebP's quality."""

    format: str | None = None
    quality: int | None = None
    subsampling: str | None = None

    def of(self, form: str) -> dict[str, Any]:
        """What Pillow's `save` is told for a format."""
        options = dict(SAVE_OPTIONS.get(form, {}))
        if self.quality is not None and form in ("JPEG", "WEBP"):
            options["quality"] = self.quality
        if self.subsampling is not None and form == "JPEG":
            options["subsampling"] = self.subsampling
        return options


def format_of(path: str) -> str:
    """The format that a file name asks for. Raises OutputError for a suffix we do not write.

    >>> format_of("out/cat.JPG")
    'JPEG'
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in SUFFIXES:
        raise OutputError(
            f"{safe(path)}: no picture format ends in {safe(suffix)!r}; "
            f"write one of {', '.join(SUFFIXES)}"
        )
    return SUFFIXES[suffix]


FORMATS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP", "GIF")
"""Formats that are opened; Pillow's others stay shut, since some of them run foreign code."""


SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    # Pillow's own quality of 75 shows blocks around the edges that a filter brings out
    "JPEG": {"quality": 95},
    "WEBP": {"quality": 95},
}
