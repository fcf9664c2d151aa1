"""Pictures that are rows of samples behind a line of text: PPM, PGM and PFM, without a copy.

A file is mapped into memory rather than read, so that a picture larger than memory can be filtered.
Sources: netpbm's ppm(5) and pgm(5); Debevec's PFM, as pfm(5) has it.
"""

import os
import re
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from convcli.errors import OutputError, PictureError
from convcli.images.image import Picture

HEADER = re.compile(
    rb"P([56])(?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,5})\s"
)
LONGEST_HEADER = 4096


def open_map(source: str | bytes) -> Picture | None:
    """A PPM or PGM of 8 or 16 bits from a path or from its bytes; None for all other files.

    Raises PictureError for a file that ends before its picture does, OSError as `open` does.
    """
    if isinstance(source, bytes):
        start = source[:LONGEST_HEADER]
    else:
        with open(source, "rb") as stream:
            start = stream.read(LONGEST_HEADER)
    match = HEADER.match(start)
    if match is None or match[4] not in (b"255", b"65535"):
        return None
    kind, width, height, most = (int(number) for number in match.groups())
    if not width or not height:
        raise PictureError(f"it has {width}x{height} pixels")
    channels = 3 if kind == 6 else 1
    dtype = np.dtype(np.uint8 if most == 255 else ">u2")
    need = match.end() + width * height * channels * dtype.itemsize
    have = len(source) if isinstance(source, bytes) else os.path.getsize(source)
    if have < need:
        raise PictureError(f"it ends after {have:,} of {need:,} bytes")
    shape = height, width, channels
    pixels: NDArray[Any]
    if isinstance(source, bytes):
        count = width * height * channels
        pixels = np.frombuffer(source, dtype, count, match.end()).reshape(shape)
    else:
        pixels = np.memmap(source, dtype, "r", match.end(), shape)
    if dtype != np.uint8:
        pixels = pixels.astype(np.uint16)
    return Picture(pixels, has_alpha=False, format="PPM", metadata={})


def header(shape: tuple[int, ...], dtype: Any) -> bytes:
    """The header of a PGM or PPM.

    >>> header((2, 3, 1), np.uint8)
    b'P5\\n3 2\\n255\\n'
    """
    kind = {1: 5, 3: 6}.get(shape[2])
    if kind is None:
        raise OutputError(f"PPM holds 1 or 3 samples a pixel, not {shape[2]}")
    return b"P%d\n%d %d\n%d\n" % (kind, shape[1], shape[0], np.iinfo(dtype).max)


class RowWriter:
    """Writes rows of samples into a file that can be sought, in any order, from any thread."""

    def __init__(self, stream: IO[bytes], shape: tuple[int, ...], dtype: Any) -> None:
        start = header(shape, dtype)
        stream.write(start)
        stream.flush()
        self.handle, self.start = stream.fileno(), len(start)
        self.line = shape[1] * shape[2] * np.dtype(dtype).itemsize
        self.dtype = np.dtype(dtype).newbyteorder(">")

    def __call__(self, top: int, rows: NDArray[Any]) -> None:
        data = np.ascontiguousarray(rows, self.dtype).data.cast("B")
        place = self.start + top * self.line
        while data:
            done = os.pwrite(self.handle, data, place)
            data, place = data[done:], place + done


def write_pfm(values: NDArray[Any], stream: IO[bytes]) -> None:
    """Write floats (h, w, 1 or 3) as PFM: little-endian, the last row first."""
    height, width, channels = values.shape
    if channels not in (1, 3):
        raise OutputError(f"PFM holds 1 or 3 samples a pixel, not {channels}; write .npy")
    stream.write(b"P%s\n%d %d\n-1.0\n" % (b"F" if channels == 3 else b"f", width, height))
    stream.write(np.ascontiguousarray(values[::-1], "<f4").tobytes())
