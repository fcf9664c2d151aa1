"""A picture before it is decoded: what its header says, whether its memory is allowed, and decoding
it while the rest of the tool is still being imported.

This file and what it imports do without NumPy: decoders let other threads run, so that a large
JPEG is half read by the time NumPy is there.
"""

import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from io import BytesIO
from math import ceil
from threading import Event, Thread
from typing import IO, Literal, NamedTuple

from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from convcli.errors import PictureError, SpecError
from convcli.images.image import Header
from convcli.images.io.deep import DEEP, Halves, decode_halves, is_deep, raw_mode, set_order
from convcli.images.io.formats import FORMATS, formats_beginning, unread_kind
from convcli.images.io.frames import source_of
from convcli.images.io.tiff_layout import Layout, layout_of
from convcli.numerals import NPY, read_array_header

DECODED_AHEAD = 2**27
"""Bytes that are taken for a picture before anybody has said how much its filter needs, at most."""

PILLOW_PIXELS = 178_956_970
"""Where Pillow refuses a picture as a decompression bomb: 2 × ⌊2³⁰ / 4 / 3⌋ pixels."""

STORED_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
"""Bytes per pixel of Pillow's images by mode; 4 in all others."""

ARRAYS = {
    "L": (1, "uint8"),
    "LA": (2, "uint8"),
    "RGB": (3, "uint8"),
    "RGBA": (4, "uint8"),
    "I;16": (1, "uint16"),
    "I": (1, "float64"),
    "F": (1, "float32"),
    "CMYK": (4, "uint8"),
    "LA;16": (2, "uint16"),
    "RGB;16": (3, "uint16"),
    "RGBA;16": (4, "uint16"),
}
"""The samples per pixel and the dtype of the array that each mode becomes; others are converted.

Those of 16-bit color are no modes of Pillow's: their high and low bytes are decoded apart."""

BETWEEN = rb"(?:\s|#[^\n]*\n)+"

MAP = re.compile(
    rb"P([56])" + BETWEEN + rb"(\d{1,9})" + BETWEEN + rb"(\d{1,9})" + BETWEEN + rb"(255|65535)\s"
)
"""The header of a PGM or PPM of 8 or 16 bits, whose samples are mapped and not decoded."""

PFM = re.compile(rb"P([fF])\s+(\d{1,9})\s+(\d{1,9})\s+([-+]?[\d.]{1,20}(?:[eE][-+]?\d{1,3})?)\s")
"""The header of a PFM: floats, the last row first; a scale below 0 says little-endian."""

MAX_MAP_HEADER = 4096

PROCESS_BYTES = 60 << 20
"""What a process takes beside pictures: interpreter, NumPy, Pillow, buffers of threads."""

MAX_PIPE_BYTES = 2**29
"""Of a pipe, whose end nobody knows before; --max-memory raises it."""

MAX_TILES, MAX_TEXTS, MAX_FRAMES = 1 << 18, 10_000, 4096
"""Of one file. With more, a few megabytes take minutes."""

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def header_of(image: Image.Image, frames: int = 1) -> Header:
    """What the header of an image says, of which so many frames are read."""
    form = "JPEG" if image.format == "MPO" else image.format or "PNG"
    mode = array_mode(image, form, every_kind=frames == 1)
    if frames > 1 and form == "PNG" and mode.endswith(";16"):
        mode = mode.removesuffix(";16")  # Pillow puts frames together in 8 bits
    channels, dtype = ARRAYS[mode]
    alpha = has_alpha(mode)
    return Header(
        image.width,
        image.height,
        channels,
        dtype,
        alpha,
        mode == "CMYK",
        not alpha,
        frames,
        form,
        image.mode,
        mode,
    )


def has_alpha(mode: str) -> bool:
    """Whether the last sample of an array mode is alpha.

    >>> has_alpha("RGBA;16"), has_alpha("RGB")
    (True, False)
    """
    return mode.partition(";")[0] in ("LA", "RGBA")


def decoding_bytes(header: Header) -> int:
    """The most that decoding takes: Pillow's picture, a converted one, the array and its parts.

    >>> decoding_bytes(Header(1000, 1000, 3, mode="RGB", array_mode="RGB"))
    10000000
    """
    converted = 0 if header.mode == header.array_mode else 4
    if header.array_mode in DEEP.values():
        converted = 12
    stored = STORED_BYTES.get(header.mode, 4) + converted
    return header.width * header.height * header.frames * stored + 2 * header.array_bytes


def array_mode(image: Image.Image, form: str, every_kind: bool) -> str:
    """The mode of ARRAYS in which a picture is read: L, LA, RGB, RGBA or I;16.

    With `every_kind` also I, F and CMYK.
    """
    mode, keyed = image.mode, "transparency" in image.info
    deep = DEEP.get(raw_mode(image)[:-1])
    if deep:
        return "RGBA;16" if keyed else deep
    if mode == "I;16" and keyed:
        return "LA;16"
    if mode in ("1", "L", "LA", "RGB", "RGBA", "I;16") and not keyed:
        return "L" if mode == "1" else mode
    if mode.startswith("I;16") or (mode == "I" and form == "PPM"):
        return "I;16"  # a PGM of more than 8 bits is scaled to 16
    if mode in ("I", "F") or (mode == "CMYK" and every_kind):
        return mode
    if mode in ("1", "L", "La"):
        return "LA"
    return "RGBA" if keyed or mode in ("PA", "RGBa") else "RGB"


class Map(NamedTuple):
    """Samples that lie in a file as in an array: a PGM, PPM, PFM or .npy, mapped into memory."""

    header: Header
    offset: int
    stored: str = "|u1"
    """NumPy's name of the samples in the file."""
    bottom_up: bool = False
    fortran: bool = False
    notes: tuple[str, ...] = ()


def map_header(start: bytes) -> Map | None:
    """The header of a file whose samples are mapped, from its first bytes; None for all others.

    >>> map_header(b"P5 3 2 255 ......").header[:4]
    (3, 2, 1, 'uint8')
    >>> map_header(b"Pf 3 2 -1.0 ......")[:3:2]
    (Header(width=3, height=2, channels=1, dtype='float32', has_alpha=False, inks=False, \
opaque=True, frames=1, format='PFM', mode='F', array_mode='F'), '<f4')

    Raises PictureError for a .npy that holds no picture.
    """
    if start.startswith(NPY):
        return _array_map(start)
    if match := PFM.match(start[:MAX_MAP_HEADER]):
        channels, scale = 3 if match[1] == b"F" else 1, match[4]
        notes = (
            ()
            if scale.lstrip(b"-+").rstrip(b"0") in (b"1.", b"1")
            else (f"its scale of {scale.decode()} is left out: samples are read as they stand",)
        )
        header = Header(int(match[2]), int(match[3]), channels, "float32", format="PFM",
                        mode="F", array_mode="F")  # fmt: skip
        order = "<" if scale.startswith(b"-") else ">"
        return Map(header, match.end(), f"{order}f4", bottom_up=True, notes=notes)
    match = MAP.match(start[:MAX_MAP_HEADER])
    if match is None:
        return None
    channels, dtype = 3 if match[1] == b"6" else 1, "uint8" if match[4] == b"255" else "uint16"
    mode = "I;16" if dtype == "uint16" else "RGB" if channels == 3 else "L"
    header = Header(
        int(match[2]), int(match[3]), channels, dtype, format="PPM", mode=mode, array_mode=mode
    )
    return Map(header, match.end(), "|u1" if dtype == "uint8" else ">u2")


def _array_map(start: bytes) -> Map:
    """A .npy of (rows, columns) or (rows, columns, samples), as `picture_of` takes arrays."""
    try:
        array = read_array_header(BytesIO(start))
    except SpecError as error:
        raise PictureError(str(error)) from None
    if len(array.shape) not in (2, 3) or not 1 <= (*array.shape, 1)[2] <= 4:
        raise PictureError(f"{array} is no picture: rows x columns, or with 1 to 4 samples, is one")
    if array.type[0] not in "uif":
        raise PictureError(f"{array} is no picture: its samples are no numbers")
    rows, columns, channels = (*array.shape, 1)[:3]
    narrow = {"u1": "uint8", "u2": "uint16", "i1": "float32", "i2": "float32",
              "f2": "float32", "f4": "float32"}  # fmt: skip
    dtype = narrow.get(array.type, "float64")
    has_alpha = channels in (2, 4) and dtype.startswith("u")
    mode = "" if dtype.startswith("u") else "F"
    header = Header(columns, rows, channels, dtype, has_alpha, False, not has_alpha, 1, "NPY",
                    mode, mode)  # fmt: skip
    return Map(header, array.offset, array.order + array.type, fortran=array.fortran)


class TooLargeError(PictureError):
    """A picture beyond the limits, which may be read in bands; what its header says of it."""

    def __init__(self, text: str, header: Header) -> None:
        super().__init__(text)
        self.header = header


Needs = Callable[[Header], int]
"""What is done with a picture → the bytes that takes, with those of its array."""


class Limits(NamedTuple):
    """Pixels and bytes that are allowed, where other than usual, and how many share the bytes."""

    pixels: int | None = None
    memory: int | None = None
    beside: int = 1

    def check(self, header: Header, needs: int = 0) -> None:
        """Raise TooLargeError for a picture beyond the limits, before it is decoded.

        `needs` are the bytes that are taken by what is done with it, those of its array included.
        """
        allowed = PILLOW_PIXELS if self.pixels is None else self.pixels
        pixels = header.width * header.height * header.frames
        if pixels > allowed:
            frames = f"{header.frames} frames of " if header.frames > 1 else ""
            raise TooLargeError(
                f"{frames}{header.width}x{header.height} pixels are {pixels:,}, more than "
                f"{allowed:,}: too large; --max-pixels {pixels} allows them",
                header,
            )
        self.check_memory(header, max(decoding_bytes(header), needs))

    def check_memory(self, header: Header, needs: int) -> None:
        """The same for the bytes alone."""
        if self.memory is None and needs < 2**27:
            return  # nobody is that poor, and asking takes time
        if self.memory is None:
            have = available() // self.beside
        else:
            have, needs = self.memory // self.beside, needs + PROCESS_BYTES
        if needs > have:
            limit = f"the limit is {bytes_text(have)}"
            if self.memory is None:
                limit = f"{bytes_text(have)} are free"
            apart = ", take fewer --jobs" if self.beside > 1 else ""
            raise TooLargeError(
                f"{header.width}x{header.height} pixels ({header.mode}) need {bytes_text(needs)} "
                f"of memory, {limit}; raise it with --max-memory "
                f"{ceil(needs * self.beside / 2**20)}MiB{apart}, or "
                "pip install 'convcli[large]' to read it in bands",
                header,
            )


def bytes_text(count: int) -> str:
    """Bytes as people read them.

    >>> bytes_text(42_257_216), bytes_text(100 * 2**20), bytes_text(10)
    ('40.3 MiB', '100 MiB', '10 bytes')
    """
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        size = UNITS[unit[0]]
        if count >= size:
            digits = 1 if count % size else 0
            return f"{count / size:,.{digits}f} {unit}"
    return f"{count} bytes"


def read_bytes(text: str) -> int:
    """Bytes as the command line takes them.

    >>> read_bytes("4GiB"), read_bytes("512M"), read_bytes("100000")
    (4294967296, 536870912, 100000)
    """
    match = re.fullmatch(r"(\d{1,18})\s*([KMGT]?)(?:i?B)?", text.strip(), re.I)
    if match is None:
        raise ValueError(f"{text!r:.60} is no amount of memory such as 4GiB, 512M or 1000000")
    return int(match[1]) * UNITS[match[2].upper()]


def available() -> int:
    """Bytes of memory that this process may still take, as far as the system says.

    The least of what is free or can be freed (/proc/meminfo), of the control group's limit, and of
    the process's own (RLIMIT_AS); the physical memory where there is none of these.
    """
    bounds = []
    with suppress(OSError, ValueError):
        with open("/proc/meminfo", encoding="ascii") as stream:
            match = re.search(r"MemAvailable:\s+(\d+) kB", stream.read())
        if match:
            bounds.append(int(match[1]) * 1024)
    with suppress(OSError, ValueError):
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as stream:
            most = int(stream.read())
        with open("/sys/fs/cgroup/memory.current", encoding="ascii") as stream:
            bounds.append(max(0, most - int(stream.read())))
    with suppress(ImportError, OSError, ValueError):
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            with open("/proc/self/statm", encoding="ascii") as stream:
                taken = int(stream.read().split()[0]) * resource.getpagesize()
            bounds.append(max(0, soft - taken))
    if not bounds:
        with suppress(AttributeError, OSError, ValueError):
            bounds.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(bounds, default=2**62)


class FileState(NamedTuple):
    """What tells that a file has changed: which it is, its length and when it was written."""

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
        self.file, named = self.source = source_of(source)
        self.numbers = range(1)
        """The frames that are read."""
        self.named = bool(named)
        self.limits = limits or Limits()
        self.deep = False
        """Whether samples of 16 bits are read as 8, which Pillow does without a word."""
        self.bits = 8
        """Bits a sample of formats where Pillow does not scale 9 to 15."""
        self.halves: Halves | None = None
        """16-bit color that is decoded."""
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
                self._decode(image)
            yield image

    def check_unchanged(self) -> None:
        """Raise PictureError where the file is another than it was when this was made."""
        if self._state() != self._before:
            raise PictureError("it changed while it was read; what was read is not used")

    def close(self) -> None:
        """Let go of the file, once the background has."""
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
                self.numbers = self.source.numbers(_tiff_pages(stream))
        else:
            try:
                _check_parts(image)
                several = self.named or image.format != "MPO"  # of one JPEG the first is read
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
        """All that a pipe or a device gives, which may never end. Raises PictureError."""
        start = stream.read(MAX_MAP_HEADER)
        if map_header(start) is None and not formats_beginning(start) and not unread_kind(start):
            raise UnidentifiedImageError
        allowed = min(self.limits.memory or MAX_PIPE_BYTES, available() // 2)
        rest = stream.read(max(allowed - len(start), 0) + 1)
        if len(start) + len(rest) > allowed:
            raise PictureError(
                f"it goes on beyond {bytes_text(allowed)}, of a pipe; save it to a file, or "
                f"raise the limit with --max-memory {ceil(allowed / 2**19)}MiB"
            )
        return start + rest

    def _decode(self, image: ImageFile) -> None:
        assert self._header is not None
        whole = self._header.array_mode.endswith(";16")
        if whole and is_deep(image) and self._header.frames == 1:
            if self.halves is None:
                with self.again() as again:
                    self.halves = decode_halves(image, again)
            return
        set_order(image)
        tiles = image.tile
        # a BMP of "BGR;16" has 5 and 6 bits a sample
        deep = image.format != "BMP" and any(";16" in str(tile[3]) for tile in tiles)
        if image.format == "PPM" and tiles and isinstance(tiles[0][3], tuple):
            deep = any(isinstance(value, int) and value > 255 for value in tiles[0][3])
        self.bits = image.info.get("bit_depth") or sample_bits(self._start, image.format or "")
        deep = deep or self.bits > 8
        self.deep = self.deep or (deep and not whole and not image.mode.startswith("I"))
        _scale_key(image)
        if self._header.frames == 1:
            image.load()


def sample_bits(start: bytes, form: str) -> int:
    """Bits a sample of a JPEG 2000 or an AVIF that begins so; 8 where that is not known.

    Sources: ITU-T T.800, A.5.1 (Ssiz); AV1 Image File Format 1.1, av1C, which tells 8 from more.
    """
    if form == "JPEG2000":
        place = start.find(b"\xff\x4f\xff\x51")
        found = start[place + 42 : place + 43] if place >= 0 else b""
        return (found[0] & 0x7F) + 1 if found else 8
    place = start.find(b"av1C") if form == "AVIF" else -1
    found = start[place + 6 : place + 7] if place >= 0 else b""
    return 10 if found and found[0] & 0x40 else 8


def is_misread(image: ImageFile) -> bool:
    """Whether a TIFF has samples that Pillow takes for something else."""
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(BITS, 1)
    bits = bits if isinstance(bits, tuple) else (bits,)
    separate = tags.get(PLANES, 1) == SEPARATE
    return any(one not in (1, 2, 4, 8, 16, 32) for one in bits) or (max(bits) > 8 and separate)


BITS, PLANES, SEPARATE = 258, 284, 2
"""Tags of TIFF 6.0: bits per sample; planes, and their value where each sample has its own."""

GRAY_LEVELS = {"1": 1, "L;2": 3, "L;4": 15}
"""How Pillow stores the grays of a PNG of 1, 2 or 4 bits, and the lightest of them."""


def _scale_key(image: Image.Image) -> None:
    """The transparent gray of a PNG on the scale of 8 bits, as Pillow gives its samples."""
    key = image.info.get("transparency")
    tiles = getattr(image, "tile", [])
    if image.format == "PNG" and isinstance(key, int) and image.mode in ("1", "L") and tiles:
        lightest = GRAY_LEVELS.get(str(tiles[0][3]))
        if lightest is not None and key <= lightest:  # some Pillows scale one of 1 bit
            image.info["transparency"] = key * 255 // lightest


def _tiff_pages(stream: IO[bytes]) -> int:
    """The pages of a TIFF or a BigTIFF: directories, each of which points at the next."""
    position = stream.tell()
    stream.seek(0)
    head = stream.read(16)
    order: Literal["little", "big"] = "little" if head[:2] == b"II" else "big"
    big = int.from_bytes(head[2:4], order) == 43
    count, entry, width = (8, 20, 8) if big else (2, 12, 4)
    offset = int.from_bytes(head[8:16] if big else head[4:8], order)
    offsets: set[int] = set()
    while offset and offset not in offsets and len(offsets) <= MAX_FRAMES:
        offsets.add(offset)
        stream.seek(offset)
        entries = int.from_bytes(stream.read(count), order)
        if entries > MAX_TEXTS:
            break
        stream.seek(offset + count + entries * entry)
        offset = int.from_bytes(stream.read(width), order)
    stream.seek(position)
    return len(offsets)


def _check_parts(image: Image.Image) -> None:
    """Raise PictureError for a file of more parts than take seconds, however small each is."""
    counts = [
        ("tiles or strips", len(getattr(image, "tile", None) or ()), MAX_TILES),
        ("texts", len(image.info), MAX_TEXTS),
    ]
    file: IO[bytes] | None = getattr(image, "fp", None)
    if image.format == "TIFF" and file is not None:  # whose pages Pillow counts by reading them all
        counts.append(("pages", _tiff_pages(file), MAX_FRAMES))
    else:
        counts.append(("frames", getattr(image, "n_frames", 1), MAX_FRAMES))
    for what, count, most in counts:
        if count > most:
            raise PictureError(f"it holds more than {most:,} {what}, the most that are read")


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
