"""PNG files of 16-bit color, which Pillow does not write (ISO/IEC 15948).

The chunks beside the picture are written by Pillow, of a picture of one pixel.
"""

from collections.abc import Iterator, Mapping
from io import BytesIO
from struct import pack, unpack_from
from typing import IO
from zlib import compressobj, crc32

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convcli.images.pixel_arrays import Samples

COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""By samples per pixel: gray, with alpha, RGB, with alpha."""

START = 8
"""Of the first chunk: behind the signature."""

BAND_BYTES = 2**20
"""Bytes of rows that are filtered at once."""


def write_deep(stream: IO[bytes], pixels: Samples, words: Mapping[str, object]) -> None:
    """Write samples (h, w, 1 to 4) of 16 bits, with what Pillow's `save` makes of its options."""
    height, width, channels = pixels.shape
    with BytesIO() as small:
        Image.new("RGB", (1, 1)).save(small, "PNG", **words)
        chunks = small.getvalue()
    stream.write(chunks[:START])
    for kind, data in chunks_of(chunks):
        if kind == b"IHDR":
            data = pack(">IIBBBBB", width, height, 16, COLOR_TYPES[channels], 0, 0, 0)
        if kind != b"IDAT":
            _write_chunk(stream, kind, data)
            continue
        compress = compressobj(6)
        for rows in _filtered_rows(pixels):
            _write_chunk(stream, b"IDAT", compress.compress(rows.data))
        _write_chunk(stream, b"IDAT", compress.flush())


def chunks_of(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG, up to its end or where it breaks off."""
    offset = START
    while offset + 12 <= len(data):
        (length,) = unpack_from(">I", data, offset)
        yield data[offset + 4 : offset + 8], data[offset + 8 : offset + 8 + length]
        offset += 12 + length


def _write_chunk(stream: IO[bytes], kind: bytes, data: bytes) -> None:
    if data or kind != b"IDAT":
        stream.write(pack(">I", len(data)) + kind + data + pack(">I", crc32(kind + data)))


def _filtered_rows(pixels: Samples) -> Iterator[NDArray[np.uint8]]:
    """The rows as bytes in bands, each behind the number of its filter (ISO/IEC 15948, 9)."""
    height, width, channels = pixels.shape
    line, unit = 2 * width * channels, 2 * channels
    rows = max(1, BAND_BYTES // line)
    above = np.zeros((1, line), np.uint8)
    for top in range(0, height, rows):
        band = pixels[top : top + rows].astype(">u2").view(np.uint8).reshape(-1, line)
        up = np.concatenate([above, band[:-1]])
        left, corner = (np.pad(one[:, :-unit], ((0, 0), (unit, 0))) for one in (band, up))
        choices = [band - left, band - up, band - _paeth(left, up, corner)]
        # the filter whose bytes are nearest to 0, read with a sign, packs best (12.8)
        sums = [np.abs(one.view(np.int8).astype(np.int16)).sum(axis=1) for one in choices]
        best = np.argmin(sums, axis=0)
        result = np.empty((len(band), 1 + line), np.uint8)
        result[:, 0] = np.array([1, 2, 4], np.uint8)[best]
        result[:, 1:] = np.choose(best[:, np.newaxis], choices)
        above = band[-1:]
        yield result


def _paeth(
    left: NDArray[np.uint8], up: NDArray[np.uint8], corner: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Which of three neighbors is nearest to left + up − corner (9.4)."""
    a, b, c = (one.astype(np.int16) for one in (left, up, corner))
    to_left, to_up, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    nearest = np.where(to_up <= to_corner, up, corner)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, nearest)
