"""What the header of a file says of its samples, before they are decoded.

This file does without NumPy, so that a header is read while NumPy is imported.
"""

import re
from io import BytesIO
from typing import IO, Literal

from PIL import Image
from PIL.ImageFile import ImageFile

from convcli.errors import PictureError, SpecError
from convcli.images.image import Header
from convcli.images.io.decoding import DEEP, raw_mode
from convcli.images.io.tags import BITS, PLANES, SEPARATE
from convcli.npy import NPY, read_array_header
from convcli.records import NamedTuple

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

Those of 16-bit color are not modes of Pillow's: their high and low bytes are decoded apart."""

BETWEEN = rb"(?:\s|#[^\n]*\n)+"

MAP = re.compile(
    rb"P([56])" + BETWEEN + rb"(\d{1,9})" + BETWEEN + rb"(\d{1,9})" + BETWEEN + rb"(255|65535)\s"
)
"""The header of a PGM or PPM of 8 or 16 bits, whose samples are mapped and not decoded."""

PFM = re.compile(rb"P([fF])\s+(\d{1,9})\s+(\d{1,9})\s+([-+]?[\d.]{1,20}(?:[eE][-+]?\d{1,3})?)\s")
"""The header of a PFM: floats, the last row first; a scale below 0 says little-endian."""

MAX_MAP_HEADER = 4096

MAX_TILES, MAX_TEXTS, MAX_FRAMES = 1 << 18, 10_000, 4096
"""Maximum parts of one file. With more, a few megabytes take minutes."""


def header_of(image: Image.Image, frames: int = 1) -> Header:
    """What the header of an image says, of which so many frames are read."""
    form = "JPEG" if image.format == "MPO" else image.format or "PNG"
    mode = array_mode(image, form, every_kind=frames == 1)
    if frames > 1 and form == "PNG" and mode.endswith(";16"):
        mode = mode.removesuffix(";16")  # Pillow puts frames together in 8 bits
    alpha, inks = has_alpha(mode), mode == "CMYK"
    return Header(
        *image.size, *ARRAYS[mode], alpha, inks, not alpha, frames, form, image.mode, mode
    )


def has_alpha(mode: str) -> bool:
    """Whether the last sample of an array mode is alpha.

    >>> has_alpha("RGBA;16"), has_alpha("RGB")
    (True, False)
    """
    return mode.partition(";")[0] in ("LA", "RGBA")


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
        raise PictureError(
            f"{array} is not a picture: give rows x columns, or rows x columns x 1 to 4 samples"
        )
    if array.type[0] not in "uif":
        raise PictureError(f"{array} is not a picture: its samples are not numbers")
    rows, columns, channels = (*array.shape, 1)[:3]
    narrow = {"u1": "uint8", "u2": "uint16", "i1": "float32", "i2": "float32",
              "f2": "float32", "f4": "float32"}  # fmt: skip
    dtype = narrow.get(array.type, "float64")
    has_alpha = channels in (2, 4) and dtype.startswith("u")
    mode = "" if dtype.startswith("u") else "F"
    header = Header(columns, rows, channels, dtype, has_alpha, False, not has_alpha, 1, "NPY",
                    mode, mode)  # fmt: skip
    return Map(header, array.offset, array.order + array.type, fortran=array.fortran)


def is_misread(image: ImageFile) -> bool:
    """Whether a TIFF has samples that Pillow takes for something else."""
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(BITS, 1)
    bits = bits if isinstance(bits, tuple) else (bits,)
    separate = tags.get(PLANES, 1) == SEPARATE
    return any(one not in (1, 2, 4, 8, 16, 32) for one in bits) or (max(bits) > 8 and separate)


def tiff_pages(stream: IO[bytes]) -> int:
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


def check_parts(image: Image.Image) -> None:
    """Raise PictureError for a file of more parts than take seconds, however small each is."""
    counts = [
        ("tiles or strips", len(getattr(image, "tile", None) or ()), MAX_TILES),
        ("texts", len(image.info), MAX_TEXTS),
    ]
    file: IO[bytes] | None = getattr(image, "fp", None)
    if image.format == "TIFF" and file is not None:  # whose pages Pillow counts by reading them all
        counts.append(("pages", tiff_pages(file), MAX_FRAMES))
    else:
        counts.append(("frames", getattr(image, "n_frames", 1), MAX_FRAMES))
    for what, count, most in counts:
        if count > most:
            raise PictureError(f"it holds more than {most:,} {what}, the most that are read")
