"""Read pictures: from Pillow's images to our arrays, turned upright, with frames and metadata."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from convcli.errors import PictureError
from convcli.images.image import Limits, Metadata, Needs, Picture, Timing, TooLargeError
from convcli.images.io.decoding import Decoded, decode_halves, is_deep, set_order
from convcli.images.io.formats import FORMATS, SUFFIXES
from convcli.images.io.headers import ARRAYS, array_mode, has_alpha, is_misread
from convcli.images.io.metadata import read_metadata, record_of
from convcli.images.io.netpbm import check_map, open_map
from convcli.images.io.source import Prefetch, is_pillows
from convcli.images.io.tags import (
    BITS,
    PHOTOMETRIC,
    SAMPLE_FORMAT,
    SIGNED,
    UNSIGNED,
    WHITE_IS_ZERO,
    tags_of,
)
from convcli.images.io.tiff_layout import read_layout
from convcli.images.pixel_arrays import Samples
from convcli.text import like_file, safe

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

COPIED_ROWS = 32
"""Rows of an image that become an array at once: what Pillow copies them through stays in cache. As
bytes they take a quarter of the time of `np.asarray`, for which Pillow copies them twice."""


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
            check_map(*mapped)
            if needs:
                prefetch.limits.check_memory(header, needs(header))
            picture = open_map(*mapped)
        elif (layout := prefetch.layout(needs)) is not None:
            if layout.dtype.startswith("float") and not every_kind:
                raise PictureError(f"{layout.kind}, is not read here; convcli reads 8 and 16 bits")
            with prefetch.stream() as stream:
                picture = read_layout(stream, layout)
        else:
            with prefetch.stream() as stream, prefetch.image(needs) as image:
                picture = _picture(image, stream, prefetch, every_kind)
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
        raise _refusal(error, source) from None


def _refusal(error: Exception, source: str) -> PictureError:
    """What is wrong with a file."""
    name = "standard input" if source == "-" else safe(source)
    if isinstance(error, TooLargeError):
        form = FORMATS.get(error.header.format)
        reads_bands = error.in_bands and form is not None and form.vips_loader
        large = ", or pip install 'convcli[large]' to read it in bands" if reads_bands else ""
        return TooLargeError(f"{name}: {error}{large}", error.header)
    if isinstance(error, PictureError):
        return PictureError(f"{name}: {error}")
    if isinstance(error, UnidentifiedImageError):
        kinds = ", ".join(FORMATS)
        return PictureError(f"{name} is not a picture of a kind convcli reads ({kinds})")
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return PictureError(f"{name} is too large: {error}")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    hint = like_file(source, SUFFIXES) if isinstance(error, FileNotFoundError) else ""
    return PictureError(f"{name} cannot be read: {safe(reason)}{hint}")


def _picture(image: ImageFile, stream: IO[bytes], prefetch: Prefetch, every_kind: bool) -> Picture:
    """The picture that an opened image is, whose file is a stream.

    Raises PictureError for what is not read: several frames and 32 bits without `every_kind`, and
    samples that are not numbers.
    """
    header, decoded, notes = prefetch.header(), prefetch.decoded or Decoded(), []
    if image.format == "MPO" and not prefetch.source.frames:
        notes.append("only the first of several pictures is read")
    if header.frames > 1 and not every_kind:
        raise PictureError(
            f"it holds {header.frames} frames; convcli reads pictures of one: name it, as in IN[0]"
        )
    if decoded.narrowed:
        notes.append("16-bit color is read with 8 bits per sample")
        if isinstance(image.info.get("transparency"), tuple):
            del image.info["transparency"]  # 16 bits, which no sample of 8 is equal to
            notes.append("the transparent color of 16-bit color is left out")
    if header.frames > 1:
        return _animation(image, stream, prefetch, notes)
    if header.array_mode in ("I", "F") and not every_kind:
        kind = header.array_mode
        raise PictureError(f"its samples have 32 bits (mode {kind}); convcli reads 8 and 16")
    image.load()
    upright = _upright(image)
    if decoded.halves:
        mode, pixels = header.array_mode, decoded.halves.turned(_upright).samples()
    else:
        mode = header.array_mode if every_kind else array_mode(image, header.format, every_kind)
        pixels = _as_stored(_samples(_converted(upright, mode)), image)
    if pixels.dtype == np.uint16 and 8 < decoded.bits < 16:  # which stand in the high bits
        levels = pixels.astype(np.int64) // 2 ** (16 - decoded.bits)
        white = 2**decoded.bits - 1
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
    metadata = read_metadata(image, upright, mode, pixels, prefetch.numbers, stream, notes)
    with_alpha = mode != "CMYK" and pixels.shape[2] in (2, 4)
    own_mode = mode if mode in ("CMYK", "I", "F") else ""
    return Picture(pixels, with_alpha, header.format, metadata, tuple(notes), own_mode)


def _keyed(pixels: Samples, key: int | tuple[int, ...]) -> Samples:
    """Samples of 16 bits with alpha: 0 where a pixel is of the transparent color.

    >>> _keyed(np.array([[[1], [2]]], np.uint16), 2).tolist()
    [[[1, 65535], [2, 0]]]
    """
    visible = (pixels != np.array(key)).any(axis=2, keepdims=True)
    return np.concatenate([pixels, visible * np.uint16(65535)], axis=2)


def _animation(
    image: ImageFile, stream: IO[bytes], prefetch: Prefetch, notes: list[str]
) -> Picture:
    """An animation, or the pages of a TIFF: every frame as it is shown, and for how long."""
    header, durations = prefetch.header(), []
    frames: list[Samples] = []
    modes: list[str] = []
    metadata: Metadata = {}
    described: list[str] = []
    for number in prefetch.numbers:
        image.seek(number)
        if is_misread(image):
            raise PictureError(
                "a page has samples that are not read with others; name each, as in IN[0]"
            )
        mode, pixels, upright = _page(image, prefetch, number)
        if mode in ("I", "F") or pixels.dtype.kind == "i":
            raise PictureError(f"its samples have 32 bits (mode {mode}); convcli reads 8 and 16")
        modes.append(mode)
        frames.append(pixels)
        durations.append(int(image.info.get("duration", 0)))
        if number == prefetch.numbers.start:
            numbers = prefetch.numbers
            metadata = read_metadata(image, upright, mode, pixels, numbers, stream, notes)
        elif image.format == "TIFF" and tags_of(vars(image)["tag_v2"], (), ""):
            described = ["tags of pages after the first are left out"]
    notes += described
    if len(set(modes)) > 1:
        if any(frame.dtype == np.uint16 for frame in frames):
            notes.append("16-bit frames beside others are read with 8 bits per sample")
        mode = "RGBA" if any(map(has_alpha, modes)) else "RGB"
        frames = [_samples(_of_8_bits(frame).convert(mode)) for frame in frames]
    first, *rest = frames
    timed = FORMATS[header.format].frames == "timed"
    if "hidden_first" in metadata:
        durations = durations[1:]
    return Picture(
        first,
        has_alpha(mode),
        header.format,
        metadata,
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
    first = np.asarray(image.crop((0, 0, width, 1)))
    pixels: Samples = np.empty((height, *first.shape[1:]), first.dtype)
    for top in range(0, height, COPIED_ROWS):
        rows = pixels[top : top + COPIED_ROWS]
        data = image.crop((0, top, width, top + len(rows))).tobytes()
        rows[...] = np.frombuffer(data, first.dtype).reshape(rows.shape)
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def _tag(image: Image.Image, tag: int, otherwise: int) -> tuple[int, ...]:
    """The values of a tag of a TIFF; of other pictures the value that is meant where it lacks."""
    value = getattr(image, "tag_v2", {}).get(tag, otherwise)
    return tuple(value) if isinstance(value, tuple | list) else (value,)


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
        info, image = dict(image.info), image.convert("L")
        image.info = info
    if image.mode == "CMYK":
        from convcli.images.io.inks import rgb_of_inks

        return rgb_of_inks(image, image.info.get("icc_profile"))
    return image.convert(mode)


def _of_8_bits(frame: Samples) -> Image.Image:
    """A frame with the high bytes of 16-bit samples."""
    pixels = (frame // 256).astype(np.uint8) if frame.dtype == np.uint16 else frame
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
