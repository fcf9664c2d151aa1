"""A JPEG written by all threads: strips encoded apart, joined by restart markers.

A restart marker resets what a JPEG decoder remembers (ITU-T T.81, B.2.1 and E.1.4), so that strips
of the same number of blocks, encoded with the same tables, stand one after another in one scan.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from struct import pack, unpack_from
from threading import Lock
from typing import IO

import numpy as np
from PIL import Image

from convcli.images.pixel_arrays import Samples

BLOCKS = {"4:4:4": (8, 8), "4:2:2": (16, 8), "4:2:0": (16, 16)}
"""Columns and rows of pixels in one coded unit (MCU), by chroma subsampling."""

STRIP_ROWS = 64
"""Rows of a strip: a few megabytes of a large picture."""

MAX_INTERVAL = 65_535
"""Units between two restart markers, which are counted in 16 bits."""

SOF0, EOI, SOS, DRI, RST0 = 0xC0, 0xD9, 0xDA, 0xDD, 0xD0
"""Markers (ITU-T T.81, table B.1)."""


def strip_rows(width: int, channels: int, subsampling: str) -> int:
    """Rows of a strip: whole units, few enough that a restart marker can count them."""
    columns, rows = BLOCKS[subsampling] if channels == 3 else (8, 8)
    units = -(-width // columns)
    return max(1, min(STRIP_ROWS // rows, MAX_INTERVAL // units)) * rows


class StripWriter:
    """Encodes bands of whole strips as they come, in any order, from any thread."""

    def __init__(self, shape: tuple[int, ...], options: Mapping[str, object]) -> None:
        self.shape = shape
        self.options = options
        self.subsampling = str(options.get("subsampling", "4:2:0"))
        self.rows = strip_rows(shape[1], shape[2], self.subsampling)
        self.scans: dict[int, bytes] = {}
        self.lock = Lock()

    def __call__(self, top: int, rows: Samples) -> None:
        for begin in range(0, len(rows), self.rows):
            data = _encoded(rows[begin : begin + self.rows], self.options)
            start = _scan_start(data)
            with self.lock:
                self.scans[(top + begin) // self.rows] = data[start:-2]

    def write(self, stream: IO[bytes], metadata: Mapping[str, object]) -> None:
        """Write the whole file, with metadata in front as Pillow writes it."""
        count = len(self.scans)
        stream.write(self._header(metadata))
        for number in range(count):
            stream.write(self.scans.pop(number))
            if number < count - 1:
                stream.write(bytes([0xFF, RST0 + number % 8]))
        stream.write(bytes([0xFF, EOI]))

    def _header(self, metadata: Mapping[str, object]) -> bytes:
        """The header of one unit with its metadata, its size and the restart interval set right."""
        small = np.zeros((16, 16, self.shape[2]), np.uint8)
        with BytesIO() as stream:
            image = Image.fromarray(small if self.shape[2] == 3 else small[..., 0])
            image.save(stream, "JPEG", **self.options, **metadata)
            head = bytearray(stream.getvalue()[: _scan_start(stream.getvalue())])
        for marker, offset in _segments(bytes(head)):
            if marker == SOF0:
                head[offset + 5 : offset + 9] = pack(">HH", *self.shape[:2])
            if marker == SOS:
                columns, rows = BLOCKS[self.subsampling] if self.shape[2] == 3 else (8, 8)
                units = -(-self.shape[1] // columns) * (self.rows // rows)
                head[offset:offset] = pack(">BBHH", 0xFF, DRI, 4, units)
                break
        return bytes(head)


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Markers of a JPEG's header and where they stand, up to the scan."""
    offset = 2
    while True:
        marker = data[offset + 1]
        yield marker, offset
        if marker == SOS:
            return
        offset += 2 + unpack_from(">H", data, offset + 2)[0]


def _scan_start(data: bytes) -> int:
    offset = next(offset for marker, offset in _segments(data) if marker == SOS)
    return int(offset + 2 + unpack_from(">H", data, offset + 2)[0])


def _encoded(rows: Samples, options: Mapping[str, object]) -> bytes:
    image = Image.fromarray(np.ascontiguousarray(rows if rows.shape[2] == 3 else rows[..., 0]))
    with _scratch() as stream:
        image.save(stream, "JPEG", **options)
        stream.seek(0)
        return stream.read()


@contextmanager
def _scratch() -> Iterator[IO[bytes]]:
    """A file in memory: Pillow lets other threads run while it writes to one, not to a BytesIO."""
    create: Callable[[str], int] | None = getattr(os, "memfd_create", None)
    if create is None:
        with BytesIO() as buffer:
            yield buffer
    else:
        with os.fdopen(create("strip"), "w+b") as stream:
            yield stream
