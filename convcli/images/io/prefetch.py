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
from convcli.images.io.formats import FORMATS
from convcli.images.io.memory_limits import Limits, Needs, Size, TooLargeError

AHEAD = 2**27
"""Bytes that are taken for a picture before anybody has said how much its filter needs, at most."""

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

    def __init__(self, source: str, background: bool = False, limits: Limits | None = None) -> None:
        self.source = source
        self.limits = limits or Limits()
        self._data: bytes | None = None
        self._image: Image.Image | None = None
        self._error: BaseException | None = None
        self._thread: Thread | None = None
        self.deep = False
        """Whether samples of 16 bits are read as 8, which Pillow does without a word."""
        self._pipe = source == "-" or (os.path.exists(source) and not os.path.isfile(source))
        self._before = self._state()
        if background and not self._pipe:
            self._thread = Thread(target=self._load, daemon=True)
            self._thread.start()

    def _state(self) -> tuple[int, ...] | None:
        """What tells that a file has changed: which it is, its length and when it was written."""
        if self._pipe:
            return None
        try:
            found = os.stat(self.source)
        except (OSError, ValueError):
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def check_unchanged(self) -> None:
        """Raise PictureError where the file is another than it was when this was made."""
        if self._state() != self._before:
            raise PictureError("it changed while it was read; what was read is not used")

    def _load(self) -> None:
        try:
            with open(self.source, "rb") as stream:
                if stream.read(2) in (b"P5", b"P6"):
                    return  # mapped into memory, not decoded
            image = _opened(self.source)
            try:
                size = size_of(image)
                if size.decoding_bytes < AHEAD and self.limits.memory is None:
                    self._check(image)
                    self._decode(image)
            except BaseException:
                image.close()
                raise
            self._image = image
        except Exception as error:
            self._error = error

    def _decode(self, image: Image.Image) -> None:
        tiles = getattr(image, "tile", [])
        deep = any(";16" in str(tile[3]) for tile in tiles)
        self.deep = self.deep or (deep and not image.mode.startswith("I"))
        if getattr(image, "n_frames", 1) == 1:
            image.load()

    def _check(self, image: Image.Image, needs: Needs | None = None) -> None:
        try:
            self.limits.check(size_of(image), needs)
        except TooLargeError as error:
            error.format = image.format or ""
            raise

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
    def image(self, load: bool = True, needs: Needs | None = None) -> Iterator[Image.Image]:
        """The image as Pillow has it.

        Raises PictureError, before anything is decoded, for one beyond the limits.
        """
        self._wait()
        image = self._image or _opened(
            BytesIO(self._data) if self._data is not None else self.source
        )
        with image:
            if load:
                self._check(image, needs)
                self._decode(image)
            yield image


def is_pillows(error: BaseException) -> bool:
    """Whether an error was raised inside Pillow, which raises KeyErrors and more for bad files."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith("PIL")


def size_of(image: Image.Image) -> Size:
    """What the header of an image says."""
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    return Size(image.width, image.height, image.mode, frames)


def _opened(source: str | BytesIO) -> Image.Image:
    """Open without Pillow's limit, in whose place stands the same one of ours, which can be set."""
    if isinstance(source, BytesIO):
        start = source.getvalue()[:12]
    else:
        with open(source, "rb") as stream:
            start = stream.read(12)
    # the likely one first: Pillow imports all its readers to try one that it does not know
    likely = [form for form, begins in BEGINNINGS.items() if start.startswith(begins)]
    # what Pillow remarks on metadata is no concern here
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        return Image.open(source, formats=[*likely, *FORMATS])
    finally:
        Image.MAX_IMAGE_PIXELS = before
