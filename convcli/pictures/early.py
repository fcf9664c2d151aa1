"""A picture that is being decoded while the rest of the tool is still being imported.

This file and what it imports do without NumPy: decoders let other threads run, so that a large
JPEG is half read by the time NumPy is there.
"""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from threading import Thread

from PIL import Image

from convcli.errors import PictureError

FORMATS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP", "GIF")
"""Formats that are opened; Pillow's others stay shut, since some of them run foreign code."""


BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG",),
    "PPM": (b"P",),
    "BMP": (b"BM",),
    "TIFF": (b"II", b"MM"),
    "WEBP": (b"RIFF",),
    "GIF": (b"GIF8",),
}
"""How files of each format begin."""


class Early:
    """A file, or stdin for "-", opened at once or in the background.

    An error of the background is raised where the image is asked for.
    """

    def __init__(self, source: str, background: bool = False, largest: int | None = None) -> None:
        self.source = source
        self._data: bytes | None = None
        self._image: Image.Image | None = None
        self._error: BaseException | None = None
        self._thread: Thread | None = None
        self.deep = False
        """Whether samples of 16 bits are read as 8, which Pillow does without a word."""
        self._pipe = source == "-" or (os.path.exists(source) and not os.path.isfile(source))
        if background and not self._pipe:
            self._thread = Thread(target=self._load, args=(largest,), daemon=True)
            self._thread.start()

    def _load(self, largest: int | None) -> None:
        try:
            with open(self.source, "rb") as stream:
                if stream.read(2) in (b"P5", b"P6"):
                    return  # mapped into memory, not decoded
            image = _opened(self.source, largest)
            self._decode(image)
            self._image = image
        except Exception as error:
            self._error = error

    def _decode(self, image: Image.Image) -> None:
        tiles = getattr(image, "tile", [])
        deep = any(";16" in str(tile[3]) for tile in tiles)
        self.deep = self.deep or (deep and not image.mode.startswith("I"))
        if getattr(image, "n_frames", 1) == 1:
            image.load()

    def _wait(self) -> None:
        if self._thread:
            self._thread.join()
            self._thread = None
        if self._error:
            raise self._error

    def raw(self) -> str | bytes | None:
        """A path or bytes that may be mapped: PGM and PPM."""
        if self._image is not None:
            return None
        if not self._pipe:
            with open(self.source, "rb") as stream:
                return self.source if stream.read(2) in (b"P5", b"P6") else None
        if self._data is None:
            # Pillow seeks, a pipe cannot
            if self.source == "-":
                self._data = sys.stdin.buffer.read()
            else:
                with open(self.source, "rb") as stream:
                    self._data = stream.read()
        return self._data if self._data[:2] in (b"P5", b"P6") else None

    @contextmanager
    def image(self, largest: int | None, load: bool = True) -> Iterator[Image.Image]:
        """The image as Pillow has it; what Pillow remarks on its metadata is no concern here."""
        self._wait()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = self._image or _opened(
                BytesIO(self._data) if self._data is not None else self.source, largest
            )
            with image:
                if load:
                    self._decode(image)
                yield image


def _opened(source: str | BytesIO, largest: int | None) -> Image.Image:
    """Open with a limit of our own: Pillow's is for pages that show the pictures of strangers."""
    if isinstance(source, BytesIO):
        start = source.getvalue()[:12]
    else:
        with open(source, "rb") as stream:
            start = stream.read(12)
    # the likely one first: Pillow imports all its readers to try one that it does not know
    likely = [form for form, begins in BEGINNINGS.items() if start.startswith(begins)]
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        image = Image.open(source, formats=[*likely, *FORMATS])
    finally:
        Image.MAX_IMAGE_PIXELS = before
    if largest is not None and image.width * image.height > largest:
        width, height = image.size
        image.close()
        raise PictureError(f"{width}x{height} pixels are more than {largest:,}: too large")
    return image
