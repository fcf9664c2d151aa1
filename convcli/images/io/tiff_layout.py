"""TIFF files whose samples Pillow's modes do not hold, read as their tags say (TIFF 6.0).

    samples      unsigned and signed integers of 1 to 64 bits, floats of 16, 32 and 64
    pixels       gray, min-is-white, RGB; alpha of 8 and 16 bits; together or in separate planes
    file         strips or tiles, plain or deflated, predictors 1 to 3, either byte order, BigTIFF;
                 LZW and PackBits by libvips, the extra `large`

Everything else is refused in these words. This file does without NumPy at its top.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import IO, TYPE_CHECKING
from zlib import decompressobj

from convcli.errors import PictureError
from convcli.images.image import Header, Picture
from convcli.images.io.tags import (
    BITS,
    BLACK_IS_ZERO,
    COMPRESSION,
    EXTRA,
    FILL_ORDER,
    FLOAT,
    HEIGHT,
    ORIENTATION,
    PHOTOMETRIC,
    PLANES,
    PREDICTOR,
    PROFILE,
    RGB,
    SAMPLE_FORMAT,
    SAMPLES,
    SEPARATE,
    SIGNED,
    STRIP_BYTES,
    STRIP_OFFSETS,
    STRIP_ROWS,
    TILE_BYTES,
    TILE_HEIGHT,
    TILE_OFFSETS,
    TILE_WIDTH,
    UNSIGNED,
    WHITE_IS_ZERO,
    WIDTH,
    tags_of,
)
from convcli.records import NamedTuple
from convcli.text import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    from convcli.images.pixel_arrays import Samples

KINDS = {UNSIGNED: "integers", SIGNED: "integers with signs", FLOAT: "floats"}

COMPRESSIONS = {1: "none", 2: "CCITT", 3: "fax 3", 4: "fax 4", 5: "LZW", 6: "JPEG", 7: "JPEG",
                8: "deflate", 32773: "PackBits", 32946: "deflate", 34712: "JPEG 2000",
                34887: "LERC", 34925: "LZMA", 50000: "Zstandard", 50001: "WebP"}  # fmt: skip
PLAIN, DEFLATED = 1, (8, 32946)
UNPACKED_BY_VIPS = (PLAIN, 5, 7, *DEFLATED, 32773)
"""Compressions that libvips unpacks in all its builds; with others its wheel sometimes returns
zeros without an error."""

PHOTOMETRICS = {0: "gray (min is white)", 1: "gray", 2: "RGB", 3: "a palette", 4: "a mask",
                5: "inks", 6: "YCbCr", 8: "CIELab", 9: "ICCLab", 32803: "a color filter array",
                34892: "raw RGB"}  # fmt: skip
COLORS = {0: 1, 1: 1, 2: 3}
"""Samples per pixel that are not alpha, of the photometric interpretations that are read."""

EXACT = 2**53
"""Integers up to which float64 holds every one."""

ROWS = 64
"""Rows of packed bits that are unpacked at once."""

MAX_TILE = 2**28
"""Bytes of a tile, beyond those of the picture."""


class Layout(NamedTuple):
    """How the samples of a TIFF lie in it."""

    width: int
    height: int
    channels: int
    bits: tuple[int, ...]
    formats: tuple[int, ...]
    photometric: int
    extra: tuple[int, ...]
    separate: bool
    compression: int
    predictor: int
    fill_order: int
    orientation: int
    order: str
    tile: tuple[int, int]
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    more_pages: bool
    icc_profile: bytes | None
    directory: ImageFileDirectory_v2
    page: int

    @property
    def kind(self) -> str:
        """What it holds, for people."""
        colors = PHOTOMETRICS.get(self.photometric, f"photometric {self.photometric}")
        planes = " in separate planes" if self.separate else ""
        kind = KINDS.get(self.formats[0], f"samples of format {self.formats[0]}")
        return f"a TIFF of {colors}{planes}, {self.channels} x {self.bits[0]}-bit {kind}"

    @property
    def is_plain(self) -> bool:
        """Whether it is unpacked here."""
        return self.compression == PLAIN or self.compression in DEFLATED

    @property
    def suits_vips(self) -> bool:
        """Whether libvips gives its samples as they stand, of those that it has a format of."""
        sizes = (32,) if self.formats[0] == FLOAT else (8, 16, 32)
        unpacked = self.compression in UNPACKED_BY_VIPS and self.photometric in (BLACK_IS_ZERO, RGB)
        return unpacked and self.bits[0] in sizes

    @property
    def has_alpha(self) -> bool:
        return self.extra[:1] in ((1,), (2,))

    @property
    def dtype(self) -> str:
        """That of the array."""
        bits, (kind, *_) = self.bits[0], self.formats
        if kind == UNSIGNED and bits <= 16:
            return "uint8" if bits <= 8 else "uint16"
        return "float32" if kind == FLOAT and bits <= 32 else "float64"

    @property
    def header(self) -> Header:
        width, height = self.width, self.height
        if self.orientation > 4:
            width, height = height, width
        channels = COLORS[self.photometric] + self.has_alpha
        mode = "F" if self.dtype.startswith("float") else ""
        return Header(width, height, channels, self.dtype, self.has_alpha, False,
                      not self.has_alpha, 1, "TIFF", mode, mode)  # fmt: skip

    def refuses(self) -> str | None:
        """Why it is not read, and what converts it; None where it is."""
        kind, bits = self.formats[0], self.bits[0]
        if not self.is_plain and not (self.suits_vips and find_spec("pyvips")):
            name = COMPRESSIONS.get(self.compression, f"compression {self.compression}")
            extra = "pip install 'convcli[large]', or " if self.suits_vips else ""
            return f"{self.kind} compressed by {name}, is not read; {extra}tiffcp -c none IN OUT"
        if self.photometric not in COLORS:
            return f"{self.kind}, is not read; convert IN -colorspace sRGB -depth 16 OUT makes RGB"
        if self.more_pages:
            return f"pages of {self.kind}, are not read together; name one, as in IN[0]"
        colors = COLORS[self.photometric]
        if not 0 <= self.channels - colors <= 1:
            return f"{self.kind}, is neither gray nor RGB; convert IN -alpha off OUT makes one"
        sound = len(set(self.bits)) == len(set(self.formats)) == 1 and kind in KINDS
        if not sound or bits not in ((16, 32, 64) if kind == FLOAT else range(1, 65)):
            return f"{self.kind}, is not read; its samples differ, or are of an unknown kind"
        whole = bits in (8, 16, 32, 64)
        if (bits > 16 and not whole) or (kind == SIGNED and not whole):
            return f"{self.kind}, is not read; convert IN -depth 16 OUT"
        if self.has_alpha and (self.dtype.startswith("float") or self.extra[0] == 1):
            return f"{self.kind} with alpha, is not read; convert IN -depth 16 OUT"
        if self.photometric == WHITE_IS_ZERO and self.dtype.startswith("float"):
            return f"{self.kind}, is not read: its white level is unknown"
        predicts = (1, 3) if kind == FLOAT else (1, 2) if whole else (1,)
        if self.is_plain and (self.predictor not in predicts or self.fill_order != 1):
            return (
                f"{self.kind} with predictor {self.predictor}, is not read; tiffcp -c none IN OUT"
            )
        if not self.width or not self.height or len(self.offsets) != len(self.counts):
            return f"{self.kind}, is damaged"
        rows, columns = self.tile
        if rows * columns * self.channels * bits // 8 > MAX_TILE + self.header.array_bytes:
            return f"{self.kind}, has tiles of {columns}x{rows}"
        return None


def layout_of(stream: IO[bytes], pages: range = range(1)) -> Layout:
    """The layout of the first of some pages of a TIFF. Raises what Pillow does on bad files."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    head = stream.read(8)
    if b"\x2b" in head[2:4]:
        head += stream.read(8)
    tags = ImageFileDirectory_v2(head)
    for _ in range(pages.start + 1):
        stream.seek(tags.next)
        tags.load(stream)

    def values(tag: int, *otherwise: int) -> tuple[int, ...]:
        value = tags.get(tag, otherwise)
        several = tuple(value) if isinstance(value, tuple | list) else (value,)
        if not all(isinstance(one, int) for one in several):
            raise PictureError(f"its tag {tag} is not a number")
        return several

    def number(tag: int, otherwise: int = 0) -> int:
        return (*values(tag, otherwise), otherwise)[0]

    width, height, channels = number(WIDTH), number(HEIGHT), number(SAMPLES, 1)
    bits, formats = values(BITS, 1), values(SAMPLE_FORMAT, UNSIGNED)
    tiled = TILE_OFFSETS in tags
    tile = (
        (number(TILE_HEIGHT), number(TILE_WIDTH))
        if tiled
        else (min(number(STRIP_ROWS, height), height), width)
    )
    profile = tags.get(PROFILE)
    return Layout(
        width=width,
        height=height,
        channels=channels,
        bits=bits * channels if len(bits) == 1 and channels < 2**8 else bits or (1,),
        formats=formats or (UNSIGNED,),
        photometric=number(PHOTOMETRIC, 1),
        extra=values(EXTRA),
        separate=number(PLANES, 1) == SEPARATE,
        compression=number(COMPRESSION, 1),
        predictor=number(PREDICTOR, 1),
        fill_order=number(FILL_ORDER, 1),
        orientation=number(ORIENTATION, 1),
        order="<" if head[:2] == b"II" else ">",
        tile=tile,
        offsets=values(TILE_OFFSETS if tiled else STRIP_OFFSETS),
        counts=values(TILE_BYTES if tiled else STRIP_BYTES),
        more_pages=len(pages) > 1,
        icc_profile=profile if isinstance(profile, bytes) else None,
        directory=tags,
        page=pages.start,
    )


def read_layout(stream: IO[bytes], layout: Layout) -> Picture:
    """The picture of a TIFF with a layout. Raises PictureError for one that breaks off."""
    import numpy as np

    stored = _stored(stream, layout) if layout.is_plain else _unpacked_by_vips(stream, layout)
    samples = _scaled(stored, layout)
    kept = layout.header.channels
    notes = []
    if kept < layout.channels:
        notes.append("a fourth sample that is not alpha is left out")
    if layout.formats[0] == FLOAT and layout.bits[0] == 64:
        notes.append("floats of 64 bits are written to TIFF with 32: some digits are left out")
    turned = _turned(samples[..., :kept], layout.orientation)
    mode = "F" if turned.dtype.kind == "f" else ""
    pixels = np.ascontiguousarray(turned)
    metadata = {
        "icc_profile": layout.icc_profile,
        "tags": tags_of(layout.directory, (*pixels.shape, 1), pixels.dtype.name),
    }
    metadata = {name: value for name, value in metadata.items() if value}
    return Picture(pixels, layout.has_alpha, "TIFF", metadata, tuple(notes), mode)


def _stored(stream: IO[bytes], layout: Layout) -> Samples:
    """The samples (h, w, c) as the file has them."""
    import numpy as np

    height, width, channels = layout.height, layout.width, layout.channels
    planes, together = (channels, 1) if layout.separate else (1, channels)
    rows, columns = layout.tile
    places = [
        (plane, top, left)
        for plane in range(planes)
        for top in range(0, height, rows or height)
        for left in range(0, width, columns or width)
    ]
    if len(places) != len(layout.offsets) or not rows or not columns:
        raise PictureError(f"it has {len(layout.offsets)} strips or tiles, not {len(places)}")
    result: Samples = np.zeros((height, width, channels), _dtype(layout).newbyteorder("="))
    strips = columns == width and 1 <= rows <= height
    for (plane, top, left), offset, count in zip(
        places, layout.offsets, layout.counts, strict=True
    ):
        lines = min(rows, height - top) if strips else rows
        line = -(-columns * together * layout.bits[0] // 8)
        stream.seek(offset)
        data = stream.read(min(count, 2 * lines * line + 2**16))
        if layout.compression in DEFLATED:
            data = decompressobj().decompress(data, lines * line)
        if len(data) < lines * line:
            raise PictureError("it ends before its samples do")
        raw = np.frombuffer(data, np.uint8, lines * line).reshape(lines, line)
        part = _numbers(raw, layout, columns, together)[: height - top, : width - left]
        first = plane if layout.separate else 0
        bottom, right = top + part.shape[0], left + part.shape[1]
        result[top:bottom, left:right, first : first + together] = part
    return result


def _unpacked_by_vips(stream: IO[bytes], layout: Layout) -> Samples:
    """The same by libvips, which hands them to libtiff."""
    import numpy as np
    import pyvips

    try:
        image = pyvips.Image.tiffload_buffer(stream.read(), page=layout.page, fail_on="error")
        samples: Samples = np.asarray(image.numpy())
    except pyvips.Error as error:
        lines = str(error).split("\n")
        raise PictureError(f"it cannot be unpacked: {safe(lines[0])}") from None
    samples = samples.reshape(*samples.shape[:2], -1)
    expected = layout.height, layout.width, layout.channels
    if samples.shape != expected or samples.dtype != _dtype(layout).newbyteorder("="):
        raise PictureError(f"{layout.kind}, is unpacked as {samples.shape} of {samples.dtype}")
    return samples


def _dtype(layout: Layout) -> np.dtype[np.number]:
    """That of stored samples of whole bytes; of packed bits the narrowest that holds them."""
    import numpy as np

    bits = next(size for size in (8, 16, 32, 64) if layout.bits[0] <= size)
    letter = {UNSIGNED: "u", SIGNED: "i", FLOAT: "f"}[layout.formats[0]]
    return np.dtype(f"{layout.order}{letter}{bits // 8}")


def _numbers(raw: NDArray[np.uint8], layout: Layout, columns: int, together: int) -> Samples:
    """Samples (rows, columns, together) from rows of bytes, what was predicted added up."""
    import numpy as np

    dtype, bits = _dtype(layout), layout.bits[0]
    shape = len(raw), columns, together
    if bits != 8 * dtype.itemsize:
        return np.concatenate(list(_unpacked(raw, bits, dtype, shape)))
    if layout.predictor == 3:
        steps = raw.reshape(len(raw), -1, together).cumsum(axis=1, dtype=np.uint8)
        planes = steps.reshape(len(raw), dtype.itemsize, -1).transpose(0, 2, 1)
        return np.ascontiguousarray(planes).view(dtype.newbyteorder(">")).reshape(shape)
    numbers: Samples = raw.view(dtype).reshape(shape).astype(dtype.newbyteorder("="))
    return numbers.cumsum(axis=1, dtype=numbers.dtype) if layout.predictor == 2 else numbers


def _unpacked(
    raw: NDArray[np.uint8], bits: int, dtype: np.dtype[np.number], shape: tuple[int, int, int]
) -> Iterator[Samples]:
    """Packed bits, the first of a byte its highest, as integers."""
    import numpy as np

    count = shape[1] * shape[2]
    weights = 1 << np.arange(bits)[::-1]
    for top in range(0, len(raw), ROWS):
        rows = np.unpackbits(raw[top : top + ROWS], axis=1, count=count * bits)
        values = rows.reshape(-1, count, bits) @ weights
        yield values.astype(dtype.newbyteorder("=")).reshape(-1, *shape[1:])


def _scaled(samples: Samples, layout: Layout) -> Samples:
    """Stored samples as a picture has them: white is 255 or 65535; numbers of 32 bits as floats."""
    import numpy as np

    if layout.dtype.startswith("float"):
        numbers = samples.astype(layout.dtype)
        check_numbers(numbers, samples)
        return numbers
    full, white = np.iinfo(layout.dtype).max, 2 ** layout.bits[0] - 1
    if full != white:
        samples = (samples.astype(np.int64) * full + white // 2) // white
    samples = samples.astype(layout.dtype)
    if layout.photometric == WHITE_IS_ZERO:
        samples[..., :1] = full - samples[..., :1]
    return samples


def check_numbers(numbers: Samples, stored: Samples) -> None:
    """Raise PictureError where floats are not finite, or not what is stored."""
    import numpy as np

    if not np.isfinite(numbers).all():
        raise PictureError("it holds samples that are not finite numbers")
    if stored.dtype.kind != "f" and stored.dtype.itemsize == 8 and (abs(numbers) > EXACT).any():
        raise PictureError("it holds numbers beyond 2⁵³, which floats do not")


def _turned(samples: Samples, orientation: int) -> Samples:
    """The picture upright, by the tag of its orientation (TIFF 6.0, section 8)."""
    if orientation > 4:
        samples = samples.transpose(1, 0, 2)
    across = orientation in (2, 3, 6, 7)
    down = orientation in (3, 4, 7, 8)
    return samples[:: -1 if down else 1, :: -1 if across else 1]
