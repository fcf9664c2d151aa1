"""Pictures larger than memory, in bands of rows: the extra `large`, which is libvips.

libvips decodes from the top down; a band is extended by its border here, filtered as a
picture of its own without one, and handed on, so that every sample is the one of the whole picture.
"""

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from math import prod
from struct import pack
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from convcli.conv.padding import FILL
from convcli.errors import OutputError, PictureError
from convcli.images.engines.quantize import NOTHING, Statistics, together
from convcli.images.engines.row_bands import Window, extend
from convcli.images.filters.apply import filter_picture, is_direct
from convcli.images.filters.spec import Filtered, Recipe
from convcli.images.filters.write import Target
from convcli.images.image import Picture
from convcli.images.io.atomic import write_file
from convcli.images.io.memory_limits import Size, TooLargeError
from convcli.images.io.netpbm import header
from convcli.text import safe

Array = NDArray[Any]

LOADERS = {"TIFF": "tiffload", "PNG": "pngload", "JPEG": "jpegload"}
"""How libvips reads the formats that are read in bands."""

STRIP_BYTES = 2**22
"""Of a strip of a TIFF."""
KINDS = {"L": ("uchar", 1), "RGB": ("uchar", 3), "I;16": ("ushort", 1)}
"""Modes that are read in bands, as libvips calls them: the type of the samples, and how many."""

BAND_SAMPLES = 2**24
"""Of the result, in one band."""

BOMB = 100
"""Times its size that a file may unpack to without being asked for more pixels knowingly."""


def reads_in_bands(source: str, refused: TooLargeError) -> bool:
    """Whether a picture that was refused as a whole can be read in bands here, and is no bomb."""
    size, form = refused.size, refused.format
    if form not in LOADERS or size.frames > 1 or size.mode not in KINDS:
        return False
    if find_spec("pyvips") is None or not os.path.isfile(source):
        return False
    return size.array_bytes <= BOMB * os.path.getsize(source)


def filter_large(source: str, refused: TooLargeError, recipe: Recipe, target: Target) -> Statistics:
    """Filter a picture that was refused as a whole from a file to a file, in bounded memory.

    Raises PictureError and OutputError for what cannot be done in bands: chains, ranges that look
    at the whole first, floats, borders that wrap around.
    """
    size, form = refused.size, refused.format
    blank = Picture(np.empty((0, 0, 1), np.uint8), False, form, {})
    if not is_direct(blank, recipe) or recipe.gray or recipe.border.name == "wrap":
        raise PictureError(
            f"{refused}; in bands convcli filters with one kernel, the ranges auto, clip, abs and "
            "signed, and every border but wrap"
        )
    if target.path == "-" or target.floats or target.form(blank) not in WRITERS:
        raise OutputError(
            f"{refused}; in bands results are written as {' or '.join(WRITERS)} to a file: "
            "-o out.tif"
        )
    found: list[Statistics] = []

    def write(stream: IO[bytes]) -> None:
        found.append(_through_bands(source, size, form, recipe, target.form(blank), stream))

    write_file(target.path, write, target.force)
    return found[0]


def _through_bands(
    source: str, size: Size, form: str, recipe: Recipe, out: str, stream: IO[bytes]
) -> Statistics:
    import pyvips

    total = NOTHING
    try:
        image = getattr(pyvips.Image, LOADERS[form])(source, access="sequential", fail_on="error")
        _check(image, size, source)
        rows = _Rows(image, size)
        (kernel,) = recipe.kernels
        window = Window(kernel.shape, kernel.centre, recipe.stride, recipe.border)
        shape = *window.output((size.height, size.width)), rows.channels
        begin, finish = WRITERS[out]
        begin(stream, shape, rows.dtype)
        order = ">" if out == "PPM" else "<"
        for found in _filtered(rows, size, recipe, window):
            pixels = found.pixels
            samples = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(order))  # type: ignore[arg-type]
            stream.write(samples.data.cast("B"))
            total = together(total, found.statistics)
        finish(stream, shape, rows.dtype)
    except pyvips.Error as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        reason = safe(lines[-1] if lines else error)
        raise PictureError(f"{safe(source)} cannot be read in bands: {reason}") from None
    return total


def _check(image: Any, size: Size, source: str) -> None:
    turned = "orientation" in image.get_fields() and image.get("orientation") > 1
    if (image.format, image.bands) != KINDS[size.mode] or turned:
        raise PictureError(
            f"{safe(source)} does not fit into memory; in bands convcli reads 8-bit grey and RGB "
            "and 16-bit grey, not turned by EXIF"
        )


class _Rows:
    """The rows of a picture from the top down; those that are not asked for again are dropped."""

    def __init__(self, image: Any, size: Size) -> None:
        import pyvips

        self.region, self.size = pyvips.Region.new(image), size
        kind, self.channels = KINDS[size.mode]
        self.dtype = np.dtype(np.uint8 if kind == "uchar" else np.uint16)
        self.top, self.held = 0, np.empty((0, size.width, self.channels), self.dtype)

    def read(self, first: int, last: int) -> Array:
        """Rows first to last, where `first` never goes back."""
        bottom = self.top + len(self.held)
        if last > bottom:
            kept = self.held[max(0, first - self.top) :]
            begin = max(first, self.top)
            rows = np.empty((last - begin, *self.held.shape[1:]), self.dtype)
            rows[: len(kept)] = kept
            strip = max(1, 2**20 // (self.size.width * self.channels))
            for top in range(begin + len(kept), last, strip):
                end = min(top + strip, last)
                data = self.region.fetch(0, top, self.size.width, end - top)
                part = np.frombuffer(data, self.dtype).reshape(end - top, *rows.shape[1:])
                rows[top - begin : end - begin] = part
            self.top, self.held = begin, rows
        return self.held[first - self.top : last - self.top]


def _filtered(rows: _Rows, size: Size, recipe: Recipe, window: Window) -> Iterator[Filtered]:
    """The result band by band, from the top down."""
    height, width = window.output((size.height, size.width))
    down, across = window.cells(0, size.height), window.cells(1, size.width)
    plain = recipe._replace(border=recipe.border._replace(name="valid"))
    tall = max(2 * window.shape[0], BAND_SAMPLES // (width * rows.channels), 1)
    for top in range(0, height, tall):
        bottom = min(top + tall, height)
        read = window.axes[0].hull(range(top, bottom))
        cells = down[read.start : read.stop]
        real = cells[cells != FILL]
        first, last = (int(real.min()), int(real.max()) + 1) if len(real) else (0, 0)
        source = rows.read(first, last)
        band = np.empty((len(cells), len(across), rows.channels), rows.dtype)
        cells = np.where(cells == FILL, FILL, cells - first)
        extend(source, cells, across, window.padding[1][0], recipe.border.fill, band)
        yield filter_picture(Picture(band, False, "PPM", {}), plain)


def _begin_ppm(stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    stream.write(header(shape, dtype))


def _nothing(stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """A PPM ends with its samples."""


def _is_big(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    """Whether offsets in a TIFF need 64 bits (BigTIFF)."""
    return prod(shape) * dtype.itemsize > 2**32 - 2**24


def _begin_tiff(stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    big = _is_big(shape, dtype)  # where the directory stands is written at the end
    stream.write(pack("<2sHHHQ", b"II", 43, 8, 0, 0) if big else pack("<2sHL", b"II", 42, 0))


def _finish_tiff(stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """The directory of a TIFF of plain strips (TIFF 6.0, section 3; BigTIFF where it is long)."""
    height, width, channels = shape
    big = _is_big(shape, dtype)
    start, line = 16 if big else 8, width * channels * dtype.itemsize
    rows = max(1, STRIP_BYTES // line)
    tops = range(0, height, rows)
    tags: list[tuple[int, str, list[int]]] = [
        (256, "L", [width]),
        (257, "L", [height]),
        (258, "H", [8 * dtype.itemsize] * channels),
        (259, "H", [1]),  # no compression
        (262, "H", [2 if channels == 3 else 1]),  # RGB, or 0 is black
        (273, "Q" if big else "L", [start + top * line for top in tops]),
        (277, "H", [channels]),
        (278, "L", [rows]),
        (279, "L", [min(rows, height - top) * line for top in tops]),
        (284, "H", [1]),  # samples of a pixel stand together
    ]
    inline, kinds = (8, {"H": 3, "L": 4, "Q": 16}) if big else (4, {"H": 3, "L": 4})
    stream.write(bytes(-stream.tell() % 8))
    entries = b""
    for tag, kind, values in tags:
        data = pack(f"<{len(values)}{kind}", *values)
        if len(data) > inline:
            place = stream.tell()
            stream.write(data + bytes(-len(data) % 8))
            data = pack("<Q" if big else "<L", place)
        head = pack("<HHQ" if big else "<HHL", tag, kinds[kind], len(values))
        entries += head + data.ljust(inline, b"\0")
    place = stream.tell()
    stream.write(pack("<Q" if big else "<H", len(tags)) + entries + bytes(8 if big else 4))
    stream.seek(8 if big else 4)
    stream.write(pack("<Q" if big else "<L", place))


Part = Callable[[IO[bytes], tuple[int, ...], np.dtype[Any]], None]

WRITERS: dict[str, tuple[Part, Part]] = {
    "TIFF": (_begin_tiff, _finish_tiff),
    "PPM": (_begin_ppm, _nothing),
}
"""What stands before and behind the samples of each format that is written in bands."""
