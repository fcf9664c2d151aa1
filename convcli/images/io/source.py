"""A picture before it is decoded: which file and frames are meant, what its header says, whether
its memory is allowed, and decoding it while the rest of the tool is still being imported.

Frames and pages are named as in `a.tif[3]`, `a.gif[0:10]`, `-[0]`, counted from 0 as Python counts.
A file whose own name ends so is that file.

This file and what it imports do without NumPy: decoders let other threads run, so that a large
JPEG is half read by the time NumPy is there.
"""

import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from math import ceil
from threading import Event, Thread
from typing import IO

from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from convcli.errors import PictureError
from convcli.images.image import (
    MAX_PIPE_BYTES,
    Header,
    Limits,
    Needs,
    available,
    decoding_bytes,
)
from convcli.images.io.decoding import Decoded, decode
from convcli.images.io.formats import FORMATS, formats_beginning, unread_kind
from convcli.images.io.headers import (
    MAX_MAP_HEADER,
    Map,
    check_parts,
    header_of,
    is_misread,
    map_header,
    tiff_pages,
)
from convcli.images.io.tiff_layout import Layout, layout_of
from convcli.records import NamedTuple
from convcli.text import bytes_text, counted

DECODED_AHEAD = 2**27
"""Bytes that are taken for a picture before anybody has said how much its filter needs, at most."""


NAMED = re.compile(r"(.+)\[(-?\d{1,6})?(:)?(-?\d{1,6})?\]", re.DOTALL)


class Source(NamedTuple):
    """A file, or "-" for stdin, and which of its frames are named; no text where all are."""

    file: str
    frames: str = ""

    @property
    def stem(self) -> str:
        """What a result is named after.

        >>> Source("in/a.tif", ":10").stem, Source("a.tif", "3").stem, Source("in/a.tif").stem
        ('a-0-10', 'a-3', 'a')
        """
        stem = os.path.splitext(os.path.basename(self.file))[0]
        first, colon, last = self.frames.partition(":")
        frames = f"{first or 0}-{last or 'end'}" if colon else first
        return f"{stem}-{frames}" if frames else stem

    @property
    def suffix(self) -> str:
        return os.path.splitext(self.file)[1]

    def numbers(self, count: int) -> range:
        """The frames that are named of so many.

        >>> Source("a.gif", "1:").numbers(3), Source("a.gif", "-1").numbers(3)
        (range(1, 3), range(2, 3))

        Raises PictureError where there are none.
        """
        if not self.frames:
            return range(count)
        first, colon, last = self.frames.partition(":")
        begin = int(first or 0)
        end = int(last) if last else None if colon or begin == -1 else begin + 1
        numbers = range(count)[begin:end]
        if not numbers or (not colon and not -count <= begin < count):
            raise PictureError(
                f"it holds {counted(count, 'frame')}, counted from 0: there is no [{self.frames}]"
            )
        return numbers


def source_of(name: str) -> Source:
    """The file and the frames that a name means.

    >>> source_of("-[2]"), source_of("photos/*.[jp]pg")
    (Source(file='-', frames='2'), Source(file='photos/*.[jp]pg', frames=''))
    """
    match = NAMED.fullmatch(name) if name.endswith("]") else None
    if match is None or os.path.lexists(name):
        return Source(name)
    file, first, colon, last = match.groups("")
    named = f"{first}{colon}{last}"
    if not (first or last) or (last and not colon) or not (file == "-" or os.path.isfile(file)):
        return Source(name)
    return Source(file, named)


class FileState(NamedTuple):
    """The state of a file, by which a change is noticed: its identity, length and time."""

    device: int
    inode: int
    size: int
    modified: int


def file_state(path: str) -> FileState | None:
    """The state of a file; None of one that is not there."""
    try:
        stat = os.stat(path)
    except (OSError, ValueError):
        return None
    return FileState(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)


class Prefetch:
    """A file, or stdin for "-", opened and decoded when it is asked for, or in the background.

    An error of the background is raised where the header or the image is asked for.
    """

    def __init__(self, source: str, background: bool = False, limits: Limits | None = None) -> None:
        self.source = source_of(source)
        self.file = self.source.file
        self.numbers = range(1)
        """The frames that are read."""
        self.limits = limits or Limits()
        self.decoded: Decoded | None = None
        """What its decoder said, once it is decoded."""
        self._pipe = self.file == "-" or (
            os.path.exists(self.file) and not os.path.isfile(self.file)
        )
        self._before = self._state()
        self._data: bytes | None = None
        self._map: Map | None = None
        self._image: ImageFile | None = None
        self._start = b""
        self._layout: Layout | None = None
        self._header: Header | None = None
        self._error: BaseException | None = None
        self._opened = Event()
        self._thread: Thread | None = None
        if background and not self._pipe:
            self._thread = Thread(target=self._work, daemon=True)
            self._thread.start()

    def header(self) -> Header:
        """What the header says, as soon as it is read. Raises what Pillow does on bad files."""
        if self._thread:
            self._opened.wait()
        elif self._header is None:
            self._open()
        if self._header is None:
            assert self._error is not None
            raise self._error
        return self._header

    def map(self) -> tuple[str | bytes, Map] | None:
        """The path or the bytes of a file that is mapped, and its header; else None."""
        self.header()
        if self._map is None:
            return None
        return self.file if self._data is None else self._data, self._map

    @contextmanager
    def image(self, needs: Needs | None = None, load: bool = True) -> Iterator[ImageFile]:
        """The image as Pillow has it, decoded unless that is not wanted.

        Raises TooLargeError, before anything is decoded, for one beyond the limits.
        """
        header = self.header()
        if self._thread:
            self._thread.join()
            if self._error:
                raise self._error
        assert self._image is not None
        with self._image as image:
            if load:
                self.limits.check(header, needs(header) if needs else 0)
                if self.decoded is None:
                    self._decode(image)
            yield image

    def check_unchanged(self) -> None:
        """Raise PictureError where the file is another than it was when this was made."""
        if self._state() != self._before:
            raise PictureError("it changed while it was read; what was read is not used")

    def close(self) -> None:
        """Close the file, once the background thread is done with it."""
        if self._thread:
            self._thread.join()
        if self._image is not None:
            self._image.close()

    def _state(self) -> FileState | None:
        return None if self._pipe else file_state(self.file)

    def _work(self) -> None:
        """In the background: open the file, and decode a picture that is small enough."""
        try:
            header = self._open()
            self._opened.set()
            ahead = decoding_bytes(header) < DECODED_AHEAD and self.limits.memory is None
            if self._image is not None and ahead:
                self.limits.check(header)
                self._decode(self._image)
        except Exception as error:
            self._error = error
            if self._image is not None:
                self._image.close()
        finally:
            self._opened.set()

    def _open(self) -> Header:
        if self._pipe:  # Pillow seeks, a pipe cannot
            if self.file == "-":
                self._data = self._piped(sys.stdin.buffer)
            else:
                with open(self.file, "rb") as stream:
                    self._data = self._piped(stream)
            start = self._data[:MAX_MAP_HEADER]
        else:
            with open(self.file, "rb") as stream:
                start = stream.read(MAX_MAP_HEADER)
        self._map, self._start = map_header(start), start
        if self._map is not None:
            self.numbers = self.source.numbers(1)
            self._header = self._map.header
            return self._header
        self._image = self._opened_image()
        if self._layout is not None:
            self._header = self._layout.header
            return self._header
        assert self._image is not None
        try:
            self._header = header_of(self._image, len(self.numbers))
        except BaseException:
            self._image.close()
            raise
        return self._header

    def _opened_image(self) -> ImageFile | None:
        """The image as Pillow opens it, at the first of its frames that are read.

        None for a TIFF that is read as its tags say.
        """
        is_tiff = self._start.startswith(FORMATS["TIFF"].magic)
        try:
            image = self.again()
        except UnidentifiedImageError:
            if not is_tiff:
                raise
            with self.stream() as stream:
                self.numbers = self.source.numbers(tiff_pages(stream))
        else:
            try:
                check_parts(image)
                several = (
                    self.source.frames or image.format != "MPO"
                )  # of one JPEG the first is read
                self.numbers = self.source.numbers(getattr(image, "n_frames", 1) if several else 1)
                if self.numbers.start:
                    image.seek(self.numbers.start)
                if not is_misread(image):
                    return image
            except BaseException as error:
                image.close()
                if not (is_tiff and isinstance(error, SyntaxError)):
                    raise
            image.close()
        with self.stream() as stream:
            self._layout = layout_of(stream, self.numbers)
        if reason := self._layout.refuses():
            raise PictureError(reason)
        return None

    @contextmanager
    def stream(self) -> Iterator[IO[bytes]]:
        """The file, opened anew."""
        with open(self.file, "rb") if self._data is None else BytesIO(self._data) as stream:
            yield stream

    def layout(self, needs: Needs | None = None) -> Layout | None:
        """The layout of a TIFF that Pillow does not read; None of all else.

        Raises TooLargeError for one beyond the limits.
        """
        header = self.header()
        if self._layout is not None:
            self.limits.check(header, needs(header) if needs else 0)
        return self._layout

    def again(self) -> ImageFile:
        """The image opened anew, at the first of its frames that are read."""
        image = _opened(self.file if self._data is None else BytesIO(self._data), self._start)
        if self.numbers.start:
            image.seek(self.numbers.start)
        return image

    def _piped(self, stream: IO[bytes]) -> bytes:
        """All bytes of a pipe or a device, which may be endless. Raises PictureError."""
        start = stream.read(MAX_MAP_HEADER)
        if map_header(start) is None and not formats_beginning(start) and not unread_kind(start):
            raise UnidentifiedImageError
        allowed = min(self.limits.memory or MAX_PIPE_BYTES, available() // 2)
        rest = stream.read(max(allowed - len(start), 0) + 1)
        if len(start) + len(rest) > allowed:
            raise PictureError(
                f"it is longer than {bytes_text(allowed, short=True)}, the limit of a pipe; "
                f"save it to a file, or raise the limit with --max-memory "
                f"{ceil(allowed / 2**19)}MiB"
            )
        return start + rest

    def _decode(self, image: ImageFile) -> None:
        assert self._header is not None
        self.decoded = decode(image, self._header, self._start, self.again)


def read_header(path: str) -> Header:
    """What the header of a file says. Raises what Pillow does on bad files."""
    prefetch = Prefetch(path)
    header = prefetch.header()
    if prefetch.map() is None and prefetch.layout() is None:
        with prefetch.image(load=False):
            pass  # closed again
    return header


def is_pillows(error: BaseException) -> bool:
    """Whether an error was raised inside Pillow, which raises KeyErrors and more for bad files."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith(
        ("PIL", "pillow_heif")
    )


def _opened(source: str | BytesIO, start: bytes) -> ImageFile:
    """Open without Pillow's limit, in whose place stands the same one of ours, which can be set."""
    # the likely one first: Pillow imports all its readers to try one that it does not know
    names = [*(form.name for form in formats_beginning(start)), *FORMATS]
    kind = unread_kind(start)
    if kind is not None and kind.is_read:
        import_module(kind.package).register_heif_opener()
        names = ["HEIF"]
    # what Pillow remarks on metadata is no concern here
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        return Image.open(source, formats=names)
    except UnidentifiedImageError:
        if kind is None:
            raise
        if kind.is_read:
            raise PictureError(f"it is a damaged {kind.name}") from None
        raise PictureError(f"{kind.name} is not read; convert it: {kind.advice}") from None
    finally:
        Image.MAX_IMAGE_PIXELS = before
