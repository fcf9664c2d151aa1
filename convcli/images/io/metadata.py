"""Metadata of pictures that results keep: EXIF, profiles, texts, records."""

import os
from struct import pack
from typing import IO, Literal

from PIL import Image
from PIL.ImageFile import ImageFile

from convcli.images.image import Metadata
from convcli.images.io.source import is_pillows
from convcli.images.io.tags import tags_of
from convcli.images.pixel_arrays import Samples

RECORD_KEY = "convcli"
"""The name of the PNG text that says how a result was made."""

EXIF_IFD, GPS_IFD, USER_COMMENT = 0x8769, 0x8825, 0x9286

PIXEL_WIDTH, PIXEL_HEIGHT = 0xA002, 0xA003

ASCII_COMMENT = b"ASCII\0\0\0"

SAME_COLORS = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16", "I", "F", "CMYK"}
"""Modes whose color profile still describes the picture once it is an array."""


def read_metadata(
    image: ImageFile,
    upright: Image.Image,
    mode: str,
    pixels: Samples,
    numbers: range,
    stream: IO[bytes],
    notes: list[str],
) -> Metadata:
    """What is kept of an image that is read in a mode; `notes` gets what is left out.

    A color profile is kept where the colors stay the same: one of inks describes inks alone. Of how
    a picture is stored in its file, a `stream`, that is kept by which results are stored alike: the
    subsampling of a JPEG, whether a WebP is lossless, a first picture that an APNG hides where its
    frames have several `numbers`, what a PNG or an AVIF says about its colors, the tags of a TIFF.
    """
    same = upright.mode in SAME_COLORS and (upright.mode == "CMYK") == (mode == "CMYK")
    kept = {"dpi", "exif", "xmp", "comment", *(["icc_profile"] if same else [])}
    if upright.mode == "CMYK" != mode:
        from convcli.images.io.inks import conversion_text

        notes.append(conversion_text(upright.info.get("icc_profile")))
    elif upright.mode == "LAB":
        notes.append("CIELab is converted to sRGB with 8 bits per sample, and some of it is lost")
    elif not same and "icc_profile" in upright.info:
        notes.append(f"its profile of {upright.mode} is left out: samples become {mode}")
    exif = upright.info.get("exif") or b""
    if exif and not is_sound(exif):
        kept.remove("exif")
        notes.append("its EXIF is damaged, and is left out")
    metadata = {key: value for key, value in upright.info.items() if key in kept and value}
    if "exif" in metadata:
        metadata["exif"] = without_thumbnail(exif)
    if "comment" in metadata:  # that of a GIF holds records too
        own = (one for one in _comment_lines(upright) if not one.startswith(RECORD_START))
        metadata["comment"] = b"\n".join(own)
    stored: dict[str, object] = {"text": dict(getattr(image, "text", None) or {})}
    if image.format in ("JPEG", "MPO"):
        from PIL.JpegImagePlugin import get_sampling

        names = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
        if get_sampling(image) in names:
            stored["subsampling"] = names[get_sampling(image)]
    if image.format == "WEBP":
        stored["lossless"] = is_lossless(stream)
    if image.format == "PNG":
        hides = not numbers.start and len(numbers) > 1
        stored["hidden_first"] = hides and bool(image.info.get("default_image"))
        stored["color_chunks"] = color_chunks(stream)
    if image.format == "TIFF":
        shape = *pixels.shape, getattr(image, "n_frames", 1)
        stored["tags"] = tags_of(vars(image)["tag_v2"], shape, pixels.dtype.name)
        stored["exif"] = _directories(image)
    if image.format == "AVIF":
        stored["color_chunks"] = coded_colors(stream.read(MAX_BOXES))
    return {**metadata, **{key: value for key, value in stored.items() if value}}


def _directories(image: Image.Image) -> bytes:
    """EXIF data of a TIFF's directories of the camera and of the place; b"" where there are none.

    They lie beside its own tags; a record of convcli is not kept, as it is of the picture before.
    """
    own, kept = image.getexif(), Image.Exif()
    for number in (EXIF_IFD, GPS_IFD):
        directory = dict(own.get_ifd(number))
        if record_of(image) is not None:
            directory.pop(USER_COMMENT, None)
        if directory:
            kept.get_ifd(number).update(directory)
    data = kept.tobytes() if any(kept.get_ifd(number) for number in (EXIF_IFD, GPS_IFD)) else b""
    return data if not data or is_sound(data) else b""


def is_lossless(stream: IO[bytes]) -> bool:
    """Whether the first picture of a WebP is stored without loss (RFC 9649, section 2.5)."""
    stream.seek(12)
    while len(head := stream.read(8)) == 8:
        if head[:4] in (b"VP8L", b"VP8 "):
            return head[:4] == b"VP8L"
        length = int.from_bytes(head[4:], "little")
        # of a frame, its own chunks follow 16 bytes of its place
        stream.seek(16 if head[:4] == b"ANMF" else length + length % 2, os.SEEK_CUR)
    return False


COLOR_CHUNKS = (b"cHRM", b"cICP", b"gAMA", b"sRGB")
"""Chunks of a PNG that say what its samples mean (ISO/IEC 15948, 11.3.2)."""


def color_chunks(stream: IO[bytes]) -> dict[bytes, bytes]:
    """What a PNG says about its colors, before its samples come."""
    chunks: dict[bytes, bytes] = {}
    stream.seek(8)
    while len(head := stream.read(8)) == 8 and head[4:] != b"IDAT":
        length = int.from_bytes(head[:4], "big")
        if head[4:] in COLOR_CHUNKS and length <= 32:
            chunks[head[4:]] = stream.read(length)
            length = 0
        stream.seek(length + 4, os.SEEK_CUR)
    return chunks


MAX_BOXES = 2**16
"""Bytes of an AVIF in which its properties stand."""


def coded_colors(start: bytes) -> dict[bytes, bytes]:
    """What an AVIF says about its colors, as the cICP of a PNG would (ISO/IEC 14496-12, 12.1.5).

    >>> coded_colors(b"....colrnclx" + bytes([0, 9, 0, 16, 0, 9, 128]))
    {b'cICP': b'\\t\\x10\\x00\\x01'}
    """
    place = start.find(b"colrnclx")
    primaries, transfer = start[place + 9 : place + 10], start[place + 11 : place + 12]
    if place < 0 or transfer in (b"", b"\2") or (primaries, transfer) == (b"\1", b"\x0d"):
        return {}  # not said, or sRGB
    return {b"cICP": primaries + transfer + b"\0\1"}


def record_of(image: Image.Image) -> str | None:
    """The record of how an image was made; None where there is none."""
    texts = getattr(image, "text", None) or {}
    if RECORD_KEY in texts:
        return str(texts[RECORD_KEY])
    for line in _comment_lines(image):
        if line.startswith(RECORD_START):
            return line.decode("ascii", "replace")
    comment = image.getexif().get_ifd(EXIF_IFD).get(USER_COMMENT)
    if isinstance(comment, bytes) and comment.startswith(ASCII_COMMENT):
        return comment[len(ASCII_COMMENT) :].decode("ascii", "replace")
    return None


RECORD_START = f'{{"{RECORD_KEY}": '.encode()
"""The first bytes of a record in a comment."""


def _comment_lines(image: Image.Image) -> list[bytes]:
    comment = image.info.get("comment", b"")
    return comment.split(b"\n") if isinstance(comment, bytes) else []


def with_record(exif: bytes, record: str) -> bytes:
    """EXIF data with the record as its user comment."""
    if not exif:
        return _exif_of(ASCII_COMMENT + record.encode("ascii"))
    result = Image.Exif()
    result.load(exif)
    result.get_ifd(EXIF_IFD)[USER_COMMENT] = ASCII_COMMENT + record.encode("ascii")
    return result.tobytes()


def without_thumbnail(exif: bytes) -> bytes:
    """EXIF data without the second directory, which is a thumbnail (CIPA DC-008, 4.5.8)."""
    tiff = exif.removeprefix(b"Exif\0\0")
    order: Literal["little", "big"] = "little" if tiff[:2] == b"II" else "big"
    first = int.from_bytes(tiff[4:8], order)
    entries = int.from_bytes(tiff[first : first + 2], order)
    after = first + 2 + 12 * entries
    if not any(tiff[after : after + 4]):
        return exif
    result = Image.Exif()
    result.load(exif)
    return result.tobytes()


def with_size(exif: bytes, width: int, height: int) -> bytes:
    """EXIF data whose own size, where it says one, is that of the picture."""
    if not any(pack(order, PIXEL_WIDTH) in exif for order in ("<H", ">H")):
        return exif
    result = Image.Exif()
    result.load(exif)
    own = result.get_ifd(EXIF_IFD)
    size = {PIXEL_WIDTH: width, PIXEL_HEIGHT: height}
    changed = {tag: value for tag, value in size.items() if own.get(tag, value) != value}
    if not changed:
        return exif
    own.update(changed)
    return result.tobytes()


def is_sound(exif: bytes) -> bool:
    """Whether EXIF data can be read and written again.

    >>> is_sound(_exif_of(ASCII_COMMENT)), is_sound(b"Exif\\0\\0scrambled")
    (True, False)
    """
    try:
        with_record(exif, "")
    except Exception as error:
        if not is_pillows(error):
            raise
        return False
    return True


def _exif_of(comment: bytes) -> bytes:
    """EXIF data that is one user comment: a TIFF of two directories (CIPA DC-008, 4.6).

    Pillow could make it, but takes longer to import what it needs than a small filter takes.
    """
    first = pack("<HHHLLL", 1, EXIF_IFD, 4, 1, 26, 0)
    second = pack("<HHHLLL", 1, USER_COMMENT, 7, len(comment), 44, 0)
    return b"Exif\0\0II*\0\x08\0\0\0" + first + second + comment
