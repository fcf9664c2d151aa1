"""Read pictures: from Pillow's images to our arrays, turned upright, with all their frames."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, UnidentifiedImageError

from convcli.errors import PictureError
from convcli.images.arrays import Samples
from convcli.images.image import Header, Metadata, Picture, Timing
from convcli.images.io.formats import FORMATS
from convcli.images.io.metadata import read_metadata, record_of, texts_of
from convcli.images.io.netpbm import open_map
from convcli.images.io.source import Limits, Prefetch, array_mode, is_pillows
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

COPIED_ROWS = 16
"""Rows of an image that become an array at once: what Pillow copies them through stays in cache,
and is a fifth of the time that one copy of a large image takes."""


def open_picture(
    source: str,
    every_kind: bool = False,
    prefetch: Prefetch | None = None,
    limits: Limits | None = None,
    needs: int = 0,
) -> Picture:
    """Read a picture from a path, or from stdin for "-", turned as its EXIF orientation says.

    Palettes, bilevel and other modes become the 8-bit L, LA, RGB or RGBA that holds them. Pictures
    of several frames, of 32 bits and of four inks are read as they are where `every_kind` is
    wanted, and refused or converted otherwise. `prefetch` is a picture that is being decoded
    already. Raises PictureError for what cannot be read, with the reason; before it is decoded, for
    what is beyond `limits`, where `needs` are the bytes that the picture and its use take.
    """
    with _refusals(source):
        prefetch = prefetch or Prefetch(source, limits=limits)
        mapped = prefetch.map()
        if mapped is not None:
            picture = open_map(*mapped)
            if needs:
                prefetch.limits.check_memory(prefetch.header(), needs)
        else:
            with prefetch.image(needs) as image:
                picture = _picture(image, prefetch.header(), every_kind, prefetch.deep)
        prefetch.check_unchanged()
        return picture


def read_header(source: str, prefetch: Prefetch) -> Header:
    """What the header of a picture says. Raises PictureError for a file that is none."""
    with _refusals(source):
        return prefetch.header()


def record_in(path: str) -> str | None:
    """The record of how a picture was made, as it stands in the file; None where there is none.

    Raises PictureError for a file that cannot be read.
    """
    with _refusals(path):
        prefetch = Prefetch(path)
        try:
            if prefetch.map() is None:
                with prefetch.image(load=False) as image:
                    return record_of(image)
        except UnidentifiedImageError:
            pass
    return None


@contextmanager
def _refusals(source: str) -> Iterator[None]:
    """Raise what is wrong with a file as a PictureError that names it."""
    name = "standard input" if source == "-" else safe(source)
    if source == "-" and (sys.stdin is None or sys.stdin.isatty()):
        raise PictureError(f"{name} is not a pipe or a file; name a picture, or pipe one in")
    try:
        yield
    except UnidentifiedImageError:
        kinds = ", ".join(FORMATS)
        raise PictureError(f"{name} is not a picture of a kind convcli reads ({kinds})") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f"{name} is too large: {error}") from None
    except PictureError as error:
        raise type(error)(f"{name}: {error}") from None
    except Exception as error:
        if not isinstance(error, BAD_FILE) and not is_pillows(error):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise PictureError(f"{name} cannot be read: {safe(reason)}") from None


def _picture(image: Image.Image, header: Header, every_kind: bool, deep: bool) -> Picture:
    """The picture that an opened image is; `deep` where Pillow reads 16 bits as 8.

    Raises PictureError for what is not read: several frames and 32 bits without `every_kind`, and
    samples that are no numbers.
    """
    notes: list[str] = []
    if image.format == "MPO":
        notes.append("the first of several pictures is read")
    if header.frames > 1 and not every_kind:
        raise PictureError(f"it holds {header.frames} frames; convcli reads pictures of one")
    if deep:
        notes.append("16-bit color is read with 8 bits a sample")
    if header.frames > 1:
        return _animation(image, header, notes)
    image.load()
    upright = _upright(image)
    plain = _plain(upright, header.format, every_kind)
    metadata = _metadata(upright, plain, notes, image)
    pixels = _samples(plain)
    if pixels.dtype.kind == "i":
        pixels = pixels.astype(np.float64)
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise PictureError("it holds samples that are not finite numbers")
    mode = plain.mode if plain.mode in ("CMYK", "I", "F") else ""
    return Picture(pixels, _has_alpha(plain), header.format, metadata, tuple(notes), mode)


def _animation(image: Image.Image, header: Header, notes: list[str]) -> Picture:
    """An animation, or the pages of a TIFF: every frame as it is shown, and for how long."""
    frames, durations = [], []
    metadata: Metadata = {}
    for number in range(header.frames):
        image.seek(number)
        image.load()
        upright = _upright(image.copy())
        frames.append(_plain(upright, header.format, False))
        durations.append(int(image.info.get("duration", 0)))
        if not number:
            metadata = read_metadata(upright, frames[0].mode, notes)
    modes = {frame.mode for frame in frames}
    if len(modes) > 1:
        if "I;16" in modes:
            notes.append("16-bit frames beside others are read with 8 bits a sample")
        mode = "RGBA" if any(map(_has_alpha, frames)) else "RGB"
        frames = [_of_8_bits(frame).convert(mode) for frame in frames]
    texts = texts_of(image)
    first, *rest = map(_samples, frames)
    timed = FORMATS[header.format].frames == "timed"
    return Picture(
        first,
        _has_alpha(frames[0]),
        header.format,
        {**metadata, "text": texts} if texts else metadata,
        tuple(notes),
        frames=tuple(rest),
        timing=Timing(tuple(durations) if timed else (), image.info.get("loop")),
    )


def _metadata(
    upright: Image.Image, plain: Image.Image, notes: list[str], image: Image.Image
) -> Metadata:
    metadata, texts = read_metadata(upright, plain.mode, notes), texts_of(image)
    return {**metadata, "text": texts} if texts else metadata


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("LA", "RGBA")


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


def _upright(image: Image.Image) -> Image.Image:
    oriented = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"} & set(image.info)
    if not oriented and image.format != "TIFF":
        return image
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _plain(image: Image.Image, form: str, every_kind: bool) -> Image.Image:
    """The picture in the mode in which it is read."""
    mode = array_mode(image, form, every_kind)
    if mode in ("I", "F") and not every_kind:
        raise PictureError(f"its samples have 32 bits (mode {mode}); convcli reads 8 and 16")
    return image if image.mode == mode else image.convert(mode)


def _of_8_bits(image: Image.Image) -> Image.Image:
    """A frame with the high bytes of 16-bit samples, which Pillow would clip."""
    if image.mode != "I;16":
        return image
    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))


def of_inks(pixels: Samples) -> Image.Image:
    """Samples (h, w, 4) of cyan, magenta, yellow and black; four samples else are RGBA.

    >>> of_inks(np.full((1, 1, 4), (255, 0, 0, 0), np.uint8)).convert("RGB").getpixel((0, 0))
    (0, 255, 255)
    """
    size = pixels.shape[1], pixels.shape[0]
    return Image.frombuffer("CMYK", size, np.ascontiguousarray(pixels), "raw", "CMYK", 0, 1)
