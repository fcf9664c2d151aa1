"""Pictures that are samples behind a header: PPM, PGM, PFM and .npy, without a copy.

A file is mapped into memory rather than read, so that a picture larger than memory can be filtered.
Sources: netpbm's ppm(5) and pgm(5); Debevec's PFM, as pfm(5) has it.
"""

import os
from threading import Lock
from typing import IO

import numpy as np
from numpy.typing import DTypeLike

from convcli.errors import OutputError, PictureError
from convcli.images.image import Picture
from convcli.images.io.headers import Map
from convcli.images.io.tiff_layout import check_numbers
from convcli.images.pixel_arrays import Samples


def check_map(source: str | bytes, mapped: Map) -> None:
    """Raise PictureError for a file that ends before its picture does."""
    header = mapped.header
    if not header.samples:
        raise PictureError(f"it has {header.width}x{header.height} pixels")
    need = mapped.offset + header.samples * np.dtype(mapped.stored).itemsize
    have = len(source) if isinstance(source, bytes) else os.path.getsize(source)
    if have < need:
        raise PictureError(f"it ends after {have:,} of {need:,} bytes")


def open_map(source: str | bytes, mapped: Map) -> Picture:
    """The picture of a PGM, PPM, PFM or .npy at a path, or in its bytes, as `check_map` lets it.

    Raises PictureError for samples that are not numbers.
    """
    header, offset = mapped.header, mapped.offset
    shape: tuple[int, ...] = header.height, header.width, header.channels
    dtype: np.dtype[np.number] = np.dtype(mapped.stored)
    stored: Samples
    if mapped.fortran:
        shape = shape[::-1]
    if isinstance(source, bytes):
        stored = np.frombuffer(source, dtype, header.samples, offset).reshape(shape)
    else:
        stored = np.memmap(source, dtype, "r", offset, shape)
    if mapped.fortran:
        stored = stored.transpose()
    if mapped.bottom_up:
        stored = stored[::-1]
    pixels = stored
    if header.dtype != "uint8" or mapped.fortran:
        pixels = np.ascontiguousarray(stored, header.dtype)
    mode = ""
    if pixels.dtype.kind == "f":
        check_numbers(pixels, stored)
        mode = "F"
    return Picture(pixels, header.has_alpha, header.format, {}, mapped.notes, mode)


def header(shape: tuple[int, ...], dtype: DTypeLike) -> bytes:
    """The header of a PGM or PPM.

    >>> header((2, 3, 1), np.uint8)
    b'P5\\n3 2\\n255\\n'
    """
    kind = {1: 5, 3: 6}.get(shape[2])
    if kind is None:
        raise OutputError(f"PPM holds 1 or 3 samples per pixel, not {shape[2]}")
    return b"P%d\n%d %d\n%d\n" % (kind, shape[1], shape[0], np.iinfo(dtype).max)


class RowWriter:
    """Writes rows of samples into a file that can be sought, in any order, from any thread."""

    def __init__(self, stream: IO[bytes], shape: tuple[int, ...], dtype: DTypeLike) -> None:
        start = header(shape, dtype)
        stream.write(start)
        stream.flush()
        self.handle, self.start = stream.fileno(), len(start)
        self.line = shape[1] * shape[2] * np.dtype(dtype).itemsize
        self.dtype = np.dtype(dtype).newbyteorder(">")
        self.lock = Lock()

    def __call__(self, top: int, rows: Samples) -> None:
        data = np.ascontiguousarray(rows, self.dtype).data.cast("B")
        place = self.start + top * self.line
        while data:
            done = self._write(data, place)
            data, place = data[done:], place + done

    def _write(self, data: memoryview, place: int) -> int:
        """Write at a place of the file; gives the number of bytes written."""
        if hasattr(os, "pwrite"):
            return os.pwrite(self.handle, data, place)
        with self.lock:  # Windows has one position for all threads
            os.lseek(self.handle, place, os.SEEK_SET)
            return os.write(self.handle, data)


def write_pfm(values: Samples, stream: IO[bytes]) -> None:
    """Write floats (h, w, 1 or 3) as PFM: little-endian, the last row first."""
    height, width, channels = values.shape
    if channels not in (1, 3):
        raise OutputError(f"PFM holds 1 or 3 samples per pixel, not {channels}; write .npy")
    stream.write(b"P%s\n%d %d\n-1.0\n" % (b"F" if channels == 3 else b"f", width, height))
    stream.write(np.ascontiguousarray(values[::-1], "<f4").tobytes())
