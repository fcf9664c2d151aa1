"""TIFF files of samples that Pillow does not write: 16-bit color, and color of floats.

The tags beside the layout are written by Pillow, of a picture of one pixel. Source: TIFF 6.0.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import IO

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import AppendingTiffWriter, ImageFileDirectory_v2, TiffImageFile

from convcli.images.io.tags import (
    BITS,
    BLACK_IS_ZERO,
    EXIF,
    EXTRA,
    FLOAT,
    HEIGHT,
    PHOTOMETRIC,
    RGB,
    SAMPLE_FORMAT,
    SAMPLES,
    STRIP_BYTES,
    STRIP_OFFSETS,
    STRIP_ROWS,
    UNSIGNED,
    WIDTH,
)
from convcli.images.pixel_arrays import Samples

NOT_PREMULTIPLIED = 2

FIRST_ALONE = ("exif", "tiffinfo")
"""Options that are of the first page."""


def write_deep(
    stream: IO[bytes], pages: Sequence[Samples], with_alpha: bool, words: Mapping[str, object]
) -> None:
    """Write pages of samples (h, w, 1 to 4) of 16-bit integers or 32-bit floats, uncompressed.

    `words` are the options of Pillow's `save`; EXIF and other tags stand on the first page.
    """
    buffer = BytesIO()
    with AppendingTiffWriter(buffer, True) as file:
        for pixels in pages:
            _write_page(file, pixels, with_alpha, words)
            file.newFrame()
            words = {name: value for name, value in words.items() if name not in FIRST_ALONE}
    stream.write(buffer.getbuffer())


def _write_page(
    file: AppendingTiffWriter, pixels: Samples, with_alpha: bool, words: Mapping[str, object]
) -> None:
    height, width, channels = pixels.shape
    floats = pixels.dtype.kind == "f"
    data = np.ascontiguousarray(pixels, "<f4" if floats else "<u2")
    tags = _tags(words)
    tags[WIDTH], tags[HEIGHT], tags[STRIP_ROWS] = width, height, height
    tags[BITS], tags[SAMPLES] = (8 * data.itemsize,) * channels, channels
    tags[SAMPLE_FORMAT] = (FLOAT if floats else UNSIGNED,) * channels
    tags[PHOTOMETRIC] = RGB if channels > 2 else BLACK_IS_ZERO
    if with_alpha:
        tags[EXTRA] = NOT_PREMULTIPLIED
    tags[STRIP_OFFSETS], tags[STRIP_BYTES] = 0, data.nbytes  # from where the tags end
    tags.save(file)
    file.write(data.data.cast("B"))


def _tags(words: Mapping[str, object]) -> ImageFileDirectory_v2:
    """The directory that Pillow writes for a picture of one pixel with these options."""
    with BytesIO() as small:
        Image.new("RGB", (1, 1)).save(small, "TIFF", **words)
        with Image.open(small, formats=["TIFF"]) as image:
            assert isinstance(image, TiffImageFile)
            tags = image.tag_v2
            for tag in list(tags):  # what is not looked at is not written
                value = tags[tag]
                tags[tag] = value.encode("latin-1") if isinstance(value, str) else value
            if EXIF in tags:
                tags[EXIF] = dict(image.getexif().get_ifd(EXIF))
            return tags
