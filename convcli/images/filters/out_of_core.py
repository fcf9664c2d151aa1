"""Pictures larger than memory, in bands of rows: the extra `large`, which is libvips.

libvips decodes from the top down; a band is extended by its border here, filtered as a
picture of its own without one, and handed on, so that every sample is the one of the whole picture.
"""

import os
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from math import prod
from struct import pack
from typing import IO, TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from convcli.borders import FILL
from convcli.errors import OutputError, PictureError
from convcli.images.engines.quantize import NOTHING, Statistics, combined
from convcli.images.engines.row_bands import Window, extend
from convcli.images.filters.apply import Filtered, filter_picture
from convcli.images.filters.plan import FilterPlan
from convcli.images.image import Header, Picture
from convcli.images.io.atomic import write_file
from convcli.images.io.formats import FORMATS
from convcli.images.io.netpbm import header as ppm_header
from convcli.images.io.tiff_layout import UNPACKED_BY_VIPS, layout_of
from convcli.images.pixel_arrays import Samples
from convcli.records import NamedTuple
from convcli.text import safe

if TYPE_CHECKING:
    import pyvips

Shape: TypeAlias = tuple[int, int, int]
Depth: TypeAlias = np.dtype[np.unsignedinteger]

STRIP_BYTES = 2**22
"""Bytes of a strip of a TIFF."""

VIPS_TYPES = {
    "L": ("uchar", 1),
    "RGB": ("uchar", 3),
    "I;16": ("ushort", 1),
    "RGB;16": ("ushort", 3),
}
"""Array modes that are read in bands, as libvips calls them: the type of samples, how many."""

BAND_SAMPLES = 2**24
"""Of the result, in one band."""

BOMB = 100
"""The factor by which a file may grow when unpacked, unless --max-pixels allows more."""


def reads_in_bands(source: str, header: Header) -> bool:
    """Whether a picture that is too large to be read as a whole can be read in bands."""
    form = FORMATS.get(header.format)
    if (
        form is None
        or not form.vips_loader
        or header.frames > 1
        or header.mode in ("1", "P")
        or header.array_mode not in VIPS_TYPES
    ):
        return False
    if find_spec("pyvips") is None or not os.path.isfile(source):
        return False
    if form.name == "TIFF":
        with open(source, "rb") as stream:
            if layout_of(stream).compression not in UNPACKED_BY_VIPS:
                return False
    return header.array_bytes <= BOMB * os.path.getsize(source)


def filter_in_bands(source: str, plan: FilterPlan, refusal: str) -> Statistics:
    """Filter a picture that was refused as a whole from a file to a file, in bounded memory.

    Raises PictureError and OutputError for what cannot be done in bands: chains, ranges that look
    at the whole first, floats, borders that wrap around.
    """
    spec, target, form = plan.spec, plan.target, plan.format
    floats = form is not None and form.floats
    if not (plan.direct or floats) or spec.gray or spec.border.name == "wrap" or plan.keeps:
        raise PictureError(
            f"{refusal}; in bands convcli filters with one kernel, the ranges auto, clip, abs and "
            "signed, and every border but wrap"
        )
    if target is None or target.path == "-" or form is None or form.name not in WRITERS:
        raise OutputError(
            f"{refusal}; in bands results are written as {' or '.join(WRITERS)} to a file: "
            "-o out.tif"
        )
    write = partial(_through_bands, source, plan, WRITERS[form.name])
    return write_file(target.path, write, target.force)


def _through_bands(
    source: str, plan: FilterPlan, writer: "BandWriter", stream: IO[bytes]
) -> Statistics:
    import pyvips

    header, total = plan.header, NOTHING
    load = getattr(pyvips.Image, FORMATS[header.format].vips_loader)
    try:
        image = load(source, access="sequential", fail_on="error")
        _check(image, header, source)
        rows = _Rows(image, header)
        (stage,) = plan.stages
        window = stage.window
        shape = *window.output((header.height, header.width)), header.channels
        writer.begin(stream, shape, rows.dtype)
        for result in _filtered(rows, plan, window):
            order = rows.dtype.newbyteorder(writer.order)
            stream.write(np.ascontiguousarray(result.pixels, order).data.cast("B"))
            total = combined(total, result.statistics)
        writer.finish(stream, shape, rows.dtype)
    except pyvips.Error as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        reason = safe(lines[-1] if lines else error)
        raise PictureError(f"{safe(source)} cannot be read in bands: {reason}") from None
    return total


def _check(image: "pyvips.Image", header: Header, source: str) -> None:
    turned = "orientation" in image.get_fields() and image.get("orientation") > 1
    if (image.format, image.bands) != VIPS_TYPES[header.array_mode] or turned:
        raise PictureError(
            f"{safe(source)} does not fit into memory; in bands convcli reads gray and RGB of 8 "
            "and 16 bits, not turned by EXIF"
        )


class _Rows:
    """The rows of a picture from the top down; rows that are not read again are dropped."""

    def __init__(self, image: "pyvips.Image", header: Header) -> None:
        import pyvips

        self.region, self.header = pyvips.Region.new(image), header
        self.dtype: Depth = np.dtype(np.uint8 if header.dtype == "uint8" else np.uint16)
        self.top, self.kept = 0, np.empty((0, header.width, header.channels), self.dtype)

    def read(self, first: int, last: int) -> Samples:
        """Rows first to last, where `first` never goes back."""
        width, channels = self.header.width, self.header.channels
        if last > self.top + len(self.kept):
            again = self.kept[max(0, first - self.top) :]
            begin = max(first, self.top)
            rows = np.empty((last - begin, width, channels), self.dtype)
            rows[: len(again)] = again
            strip = max(1, 2**20 // (width * channels))
            for top in range(begin + len(again), last, strip):
                bottom = min(top + strip, last)
                data = self.region.fetch(0, top, width, bottom - top)
                part = np.frombuffer(data, self.dtype).reshape(bottom - top, width, channels)
                rows[top - begin : bottom - begin] = part
            self.top, self.kept = begin, rows
        return self.kept[first - self.top : last - self.top]


def _filtered(rows: _Rows, plan: FilterPlan, window: Window) -> Iterator[Filtered]:
    """The result band by band, from the top down."""
    header, spec = plan.header, plan.spec
    height, width = window.output((header.height, header.width))
    row_cells, column_cells = window.cells(0, header.height), window.cells(1, header.width)
    inside = spec._replace(border=spec.border._replace(name="valid"))
    band_rows = max(2 * window.shape[0], BAND_SAMPLES // (width * header.channels), 1)
    for top in range(0, height, band_rows):
        bottom = min(top + band_rows, height)
        read = window.axes[0].hull(range(top, bottom))
        cells = row_cells[read.start : read.stop]
        real = cells[cells != FILL]
        first, last = (int(real.min()), int(real.max()) + 1) if len(real) else (0, 0)
        source = rows.read(first, last)
        band = np.empty((len(cells), len(column_cells), header.channels), rows.dtype)
        cells = np.where(cells == FILL, FILL, cells - first)
        extend(source, cells, column_cells, window.padding[1][0], spec.border.fill, band)
        yield filter_picture(Picture(band, False, "PPM", {}), inside)


def _begin_ppm(stream: IO[bytes], shape: Shape, dtype: Depth) -> None:
    stream.write(ppm_header(shape, dtype))


def _nothing(stream: IO[bytes], shape: Shape, dtype: Depth) -> None:
    """A PPM ends with its samples."""


def _is_big(shape: Shape, dtype: Depth) -> bool:
    """Whether offsets in a TIFF need 64 bits (BigTIFF)."""
    return prod(shape) * dtype.itemsize > 2**32 - 2**24


def _begin_tiff(stream: IO[bytes], shape: Shape, dtype: Depth) -> None:
    big = _is_big(shape, dtype)  # where the directory stands is written at the end
    stream.write(pack("<2sHHHQ", b"II", 43, 8, 0, 0) if big else pack("<2sHL", b"II", 42, 0))


def _finish_tiff(stream: IO[bytes], shape: Shape, dtype: Depth) -> None:
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
            position = stream.tell()
            stream.write(data + bytes(-len(data) % 8))
            data = pack("<Q" if big else "<L", position)
        head = pack("<HHQ" if big else "<HHL", tag, kinds[kind], len(values))
        entries += head + data.ljust(inline, b"\0")
    directory = stream.tell()
    stream.write(pack("<Q" if big else "<H", len(tags)) + entries + bytes(8 if big else 4))
    stream.seek(8 if big else 4)
    stream.write(pack("<Q" if big else "<L", directory))


class BandWriter(NamedTuple):
    """The bytes before and after the samples of a format, and the byte order."""

    begin: Callable[[IO[bytes], Shape, Depth], None]
    finish: Callable[[IO[bytes], Shape, Depth], None]
    order: Literal["<", ">"]


WRITERS = {
    "TIFF": BandWriter(_begin_tiff, _finish_tiff, "<"),
    "PPM": BandWriter(_begin_ppm, _nothing, ">"),
}
"""The formats that are written in bands."""
