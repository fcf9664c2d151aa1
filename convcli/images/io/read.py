"""Read pictures: from Pillow's images to our arrays, turned upright, with frames and metadata."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from struct import pack
from typing import IO, Literal

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from convcli.errors import PictureError
from convcli.images.arrays import Samples
from convcli.images.image import Metadata, Picture, Timing
from convcli.images.io.deep import decode_halves, is_deep, set_order
from convcli.images.io.formats import FORMATS
from convcli.images.io.netpbm import open_map
from convcli.images.io.source import (
    ARRAYS,
    Limits,
    Needs,
    Prefetch,
    TooLargeError,
    array_mode,
    has_alpha,
    is_misread,
    is_pillows,
)
from convcli.images.io.tags import tags_of
from convcli.images.io.tiff_layout import read_layout
from convcli.text import safe

BAD_FILE = (
    OSError,
    SyntaxError,
    ValueError,
    NotImplementedError,
    OverflowError,
    MemoryError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow and our own readers raise on bad files; else it is Pillow's own, or a bug of ours."""

RECORD_KEY = "convcli"
"""The name of the PNG text that says how a result was made."""

EXIF_IFD, USER_COMMENT = 0x8769, 0x9286
PIXEL_WIDTH, PIXEL_HEIGHT = 0xA002, 0xA003
ASCII_COMMENT = b"ASCII\0\0\0"

SAME_COLORS = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16", "I", "F", "CMYK"}
"""Modes whose color profile still describes the picture once it is an array."""


COPIED_ROWS = 16
"""Rows of an image that become an array at once: what Pillow copies them through stays in cache,
and is a fifth of the time that one copy of a large image takes."""


def open_picture(
    source: str,
    every_kind: bool = False,
    prefetch: Prefetch | None = None,
    limits: Limits | None = None,
    needs: Needs | None = None,
) -> Picture:
    """Read a picture from a path, or from stdin for "-", turned as its EXIF orientation says.

    Palettes, bilevel and other modes become the 8-bit L, LA, RGB or RGBA that holds them. Pictures
    of several frames, of 32 bits and of four inks are read as they are where `every_kind` is
    wanted, and refused or converted otherwise. `prefetch` is a picture that is being decoded
    already. Raises PictureError for what cannot be read, with the reason; before it is decoded, for
    what is beyond `limits`, where `needs` says how much memory the picture and its use take.
    """
    with _refusals(source):
        prefetch = prefetch or Prefetch(source, limits=limits)
        mapped = prefetch.map()
        if mapped is not None:
            header = mapped[1].header
            if header.dtype.startswith("float") and not every_kind:
                raise PictureError("its samples are floats; convcli reads 8 and 16 bits here")
            if needs:
                prefetch.limits.check_memory(header, needs(header))
            picture = open_map(*mapped)
        elif (layout := prefetch.layout(needs)) is not None:
            if layout.dtype.startswith("float") and not every_kind:
                raise PictureError(f"{layout.kind}, is not read here; convcli reads 8 and 16 bits")
            with prefetch.stream() as stream:
                picture = read_layout(stream, layout)
        else:
            with prefetch.image(needs) as image:
                picture = _picture(image, prefetch, every_kind)
        prefetch.check_unchanged()
        return picture


def record_in(path: str) -> str | None:
    """The record of how a picture was made, as it stands in the file; None where there is none.

    Raises PictureError for a file that cannot be read.
    """
    with _refusals(path):
        prefetch = Prefetch(path)
        try:
            if prefetch.map() is None and prefetch.layout() is None:
                with prefetch.image(load=False) as image:
                    return record_of(image)
        except UnidentifiedImageError:
            pass
    return None


@contextmanager
def _refusals(source: str) -> Iterator[None]:
    """Raise what is wrong with a file as a PictureError that names it."""
    if source == "-" and (sys.stdin is None or sys.stdin.isatty()):
        raise PictureError("standard input is not a pipe or a file; name a picture, or pipe one in")
    try:
        yield
    except Exception as error:
        if not isinstance(error, (*BAD_FILE, PictureError)) and not is_pillows(error):
            raise
        name = "standard input" if source == "-" else safe(source)
        raise _refusal(error, name) from None


def _refusal(error: Exception, name: str) -> PictureError:
    """What is wrong with a file of a name."""
    if isinstance(error, TooLargeError):
        return TooLargeError(f"{name}: {error}", error.header)
    if isinstance(error, PictureError):
        return PictureError(f"{name}: {error}")
    if isinstance(error, UnidentifiedImageError):
        kinds = ", ".join(FORMATS)
        return PictureError(f"{name} is not a picture of a kind convcli reads ({kinds})")
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return PictureError(f"{name} is too large: {error}")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return PictureError(f"{name} cannot be read: {safe(reason)}")


def _picture(image: ImageFile, prefetch: Prefetch, every_kind: bool) -> Picture:
    """The picture that an opened image is.

    Raises PictureError for what is not read: several frames and 32 bits without `every_kind`, and
    samples that are no numbers.
    """
    header, notes = prefetch.header(), []
    if image.format == "MPO" and not prefetch.named:
        notes.append("the first of several pictures is read")
    if header.frames > 1 and not every_kind:
        raise PictureError(
            f"it holds {header.frames} frames; convcli reads pictures of one: name it, as in IN[0]"
        )
    if prefetch.deep:
        notes.append("16-bit color is read with 8 bits a sample")
        if isinstance(image.info.get("transparency"), tuple):
            del image.info["transparency"]  # 16 bits, which no sample of 8 is equal to
            notes.append("the transparent color of 16-bit color is left out")
    if header.frames > 1:
        return _animation(image, prefetch, notes)
    if header.array_mode in ("I", "F") and not every_kind:
        kind = header.array_mode
        raise PictureError(f"its samples have 32 bits (mode {kind}); convcli reads 8 and 16")
    check_layout(image)
    image.load()
    upright = _upright(image)
    if prefetch.halves:
        mode, pixels = header.array_mode, prefetch.halves.turned(_upright).samples()
    else:
        mode = header.array_mode if every_kind else array_mode(image, header.format, every_kind)
        pixels = _as_stored(_samples(_converted(upright, mode)), image)
    if pixels.dtype == np.uint16 and 8 < prefetch.bits < 16:  # which stand in the high bits
        levels = pixels.astype(np.int64) // 2 ** (16 - prefetch.bits)
        white = 2**prefetch.bits - 1
        pixels = ((levels * 65535 + white // 2) // white).astype(np.uint16)
    if pixels.shape[2] < ARRAYS[mode][0]:
        pixels = _keyed(pixels, upright.info["transparency"])
    if pixels.dtype == np.uint32:
        mode = "F"  # beyond what a TIFF of signed integers holds
    if pixels.dtype.kind == "i" and mode == "L":
        mode = "I"
        if not every_kind:
            raise PictureError("its samples have signs; convcli reads 8 and 16 bits without")
    if pixels.dtype.kind == "i" or pixels.dtype == np.uint32:
        pixels = pixels.astype(np.float64)
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise PictureError("it holds samples that are not finite numbers")
    metadata = {**read_metadata(upright, mode, notes), **saved_as(image, prefetch, pixels)}
    texts = texts_of(image)
    return Picture(
        pixels,
        has_alpha(mode),
        header.format,
        {**metadata, "text": texts} if texts else metadata,
        tuple(notes),
        mode if mode in ("CMYK", "I", "F") else "",
    )


def _keyed(pixels: Samples, key: int | tuple[int, ...]) -> Samples:
    """Samples of 16 bits with alpha: 0 where a pixel is of the transparent color.

    >>> _keyed(np.array([[[1], [2]]], np.uint16), 2).tolist()
    [[[1, 65535], [2, 0]]]
    """
    visible = (pixels != np.array(key)).any(axis=2, keepdims=True)
    return np.concatenate([pixels, visible * np.uint16(65535)], axis=2)


def _animation(image: ImageFile, prefetch: Prefetch, notes: list[str]) -> Picture:
    """An animation, or the pages of a TIFF: every frame as it is shown, and for how long."""
    header, durations = prefetch.header(), []
    frames: list[Samples] = []
    modes: list[str] = []
    metadata: Metadata = {}
    described: list[str] = []
    for number in prefetch.numbers:
        image.seek(number)
        check_layout(image)
        mode, pixels, upright = _page(image, prefetch, number)
        if mode in ("I", "F") or pixels.dtype.kind == "i":
            raise PictureError(f"its samples have 32 bits (mode {mode}); convcli reads 8 and 16")
        modes.append(mode)
        frames.append(pixels)
        durations.append(int(image.info.get("duration", 0)))
        if number == prefetch.numbers.start:
            metadata = {**read_metadata(upright, mode, notes), **saved_as(image, prefetch, pixels)}
        elif image.format == "TIFF" and tags_of(vars(image)["tag_v2"], (), ""):
            described = ["tags of pages behind the first are left out"]
    notes += described
    if len(set(modes)) > 1:
        if any(frame.dtype == np.uint16 for frame in frames):
            notes.append("16-bit frames beside others are read with 8 bits a sample")
        mode = "RGBA" if any(map(has_alpha, modes)) else "RGB"
        frames = [_samples(_of_8_bits(frame).convert(mode)) for frame in frames]
    texts = texts_of(image)
    first, *rest = frames
    timed = FORMATS[header.format].frames == "timed"
    if "hidden_first" in metadata:
        durations = durations[1:]
    return Picture(
        first,
        has_alpha(mode),
        header.format,
        {**metadata, "text": texts} if texts else metadata,
        tuple(notes),
        frames=tuple(rest),
        timing=Timing(tuple(durations) if timed else (), image.info.get("loop")),
    )


def _page(image: ImageFile, prefetch: Prefetch, number: int) -> tuple[str, Samples, Image.Image]:
    """One frame of several: its mode, its samples, and the image of it, turned upright."""
    mode = array_mode(image, prefetch.header().format, every_kind=False)
    if is_deep(image) and image.format != "PNG":
        with prefetch.again() as again:
            again.seek(number)
            halves = decode_halves(image, again)
        return mode, halves.turned(_upright).samples(), _upright(image.copy())
    set_order(image)
    image.load()
    upright = _upright(image.copy())
    mode = array_mode(upright, prefetch.header().format, every_kind=False)
    return mode, _as_stored(_samples(_converted(upright, mode)), image), upright


def _samples(image: Image.Image) -> Samples:
    """The samples of an image (h, w, c), a few rows at a time where it is large."""
    width, height = image.size
    first = np.asarray(image.crop((0, 0, width, min(COPIED_ROWS, height))))
    pixels: Samples = np.empty((height, *first.shape[1:]), first.dtype)
    pixels[: len(first)] = first
    for top in range(COPIED_ROWS, height, COPIED_ROWS):
        bottom = min(top + COPIED_ROWS, height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, width, bottom)))
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


BITS, PHOTOMETRIC, PLANES, SAMPLE_FORMAT = 258, 262, 284, 339
"""Tags of TIFF 6.0: bits per sample, what 0 means, how samples are stored, what they are."""

WHITE_IS_ZERO, SEPARATE, UNSIGNED, SIGNED = 0, 2, 1, 2


def _tag(image: Image.Image, tag: int, otherwise: int) -> tuple[int, ...]:
    """The values of a tag of a TIFF; of other pictures the value that is meant where it lacks."""
    value = getattr(image, "tag_v2", {}).get(tag, otherwise)
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def check_layout(image: ImageFile) -> None:
    """Raise PictureError for a page of a TIFF whose samples Pillow takes for something else."""
    if is_misread(image):
        raise PictureError(
            "a page has samples that are not read with others; name each, as in IN[0]"
        )


def _as_stored(pixels: Samples, image: Image.Image) -> Samples:
    """The samples that a TIFF holds, where Pillow does not look at what they mean."""
    if image.format != "TIFF":
        return pixels
    formats = _tag(image, SAMPLE_FORMAT, UNSIGNED)
    if image.mode == "L" and formats == (SIGNED,) and _tag(image, BITS, 8) == (8,):
        return pixels.view(np.int8)
    if image.mode == "I" and formats == (UNSIGNED,) and _tag(image, BITS, 8) == (32,):
        return pixels.view(np.uint32)
    inverts = image.mode.startswith("I;16") and _tag(image, PHOTOMETRIC, 1) == (WHITE_IS_ZERO,)
    return np.invert(pixels) if inverts else pixels


def _upright(image: Image.Image) -> Image.Image:
    oriented = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"} & set(image.info)
    if not oriented and image.format != "TIFF":
        return image
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _converted(image: Image.Image, mode: str) -> Image.Image:
    if image.mode == mode or (image.mode == "I;16" and mode == "LA;16"):
        return image
    if mode == "I;16" and image.mode == "I;16B":  # which Pillow would cut off at 255
        return Image.fromarray(np.asarray(image).astype("<u2"))
    if image.mode == "1" and mode == "LA":
        image = _with_info(image.convert("L"), image)
    if image.mode == "CMYK":
        from convcli.images.io.inks import rgb_of_inks

        return rgb_of_inks(image, image.info.get("icc_profile"))
    return image.convert(mode)


def _with_info(image: Image.Image, of: Image.Image) -> Image.Image:
    image.info = dict(of.info)
    return image


def _of_8_bits(frame: Samples) -> Image.Image:
    """A frame with the high bytes of 16-bit samples."""
    pixels = (frame // 256).astype(np.uint8) if frame.dtype == np.uint16 else frame
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def read_metadata(upright: Image.Image, mode: str, notes: list[str]) -> Metadata:
    """What is kept of an image that is read in a mode; `notes` gets what is left out.

    A color profile is kept where the colors stay the same: one of inks describes inks alone.
    """
    same = upright.mode in SAME_COLORS and (upright.mode == "CMYK") == (mode == "CMYK")
    kept = {"dpi", "exif", "xmp", "comment", *(["icc_profile"] if same else [])}
    if upright.mode == "CMYK" != mode:
        from convcli.images.io.inks import conversion_text

        notes.append(conversion_text(upright.info.get("icc_profile")))
    elif upright.mode == "LAB":
        notes.append("CIELab is converted to sRGB of 8 bits a sample, and some of it is left out")
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
    return metadata


def saved_as(image: ImageFile, prefetch: Prefetch, pixels: Samples) -> Metadata:
    """How a picture is stored, as far as results are stored alike.

    The subsampling of a JPEG, whether a WebP is lossless, a first picture that an APNG hides, and
    what a PNG or an AVIF says about its colors, and the tags of a TIFF.
    """
    stored: dict[str, object] = {}
    if image.format in ("JPEG", "MPO"):
        from PIL.JpegImagePlugin import get_sampling

        names = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
        if get_sampling(image) in names:
            stored["subsampling"] = names[get_sampling(image)]
    if image.format == "WEBP":
        with prefetch.stream() as stream:
            stored["lossless"] = is_lossless(stream)
    if image.format == "PNG":
        hides = not prefetch.numbers.start and len(prefetch.numbers) > 1
        stored["hidden_first"] = hides and bool(image.info.get("default_image"))
        with prefetch.stream() as stream:
            stored["color_chunks"] = color_chunks(stream)
    if image.format == "TIFF":
        shape = *pixels.shape, getattr(image, "n_frames", 1)
        stored["tags"] = tags_of(vars(image)["tag_v2"], shape, pixels.dtype.name)
    if image.format == "AVIF":
        with prefetch.stream() as stream:
            stored["color_chunks"] = coded_colors(stream.read(MAX_BOXES))
    return {key: value for key, value in stored.items() if value}


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


def texts_of(image: Image.Image) -> dict[str, str]:
    """The texts of a PNG."""
    return dict(getattr(image, "text", None) or {})


def record_of(image: Image.Image) -> str | None:
    """The record of how an image was made; None where there is none."""
    texts = texts_of(image)
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
"""What a record in a comment begins with."""


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
