"""Open and save pictures: formats, metadata, names of files, stdin and stdout."""

import os
import sys
from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from convcli.errors import OutputError, PictureError
from convcli.images.image import Picture as Picture
from convcli.images.io.atomic import check_free as check_free
from convcli.images.io.atomic import files_named as files_named
from convcli.images.io.atomic import write_file as write_file
from convcli.images.io.memory_limits import Limits, Needs, TooLargeError
from convcli.images.io.metadata import (
    ASCII_COMMENT,
    EXIF_IFD,
    RECORD_KEY,
    USER_COMMENT,
    metadata_of,
)
from convcli.images.io.netpbm import open_map
from convcli.images.io.pillow import image_of, picture_of
from convcli.images.io.prefetch import FORMATS, Early, is_pillows
from convcli.text import safe

SUFFIXES = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".apng": "PNG",
    ".gif": "GIF",
    ".pgm": "PPM",
    ".ppm": "PPM",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
"""The format a file name asks for."""

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

ANIMATED = ("GIF", "PNG", "WEBP", "TIFF")
"""Formats that hold several frames."""

LONGEST_SIDES = {"JPEG": 65_500, "WEBP": 16_383, "GIF": 65_535}
"""Pixels a side that a format can hold, where its library says so too late."""

SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    # Pillow's own quality of 75 shows blocks around the edges that a filter brings out
    "JPEG": {"quality": 95},
    "WEBP": {"quality": 95},
}


class SaveOptions(NamedTuple):
    """How a picture is saved: a format that the name does not tell, JPEG's and WebP's quality."""

    format: str | None = None
    quality: int | None = None
    subsampling: str | None = None

    def of(self, form: str) -> dict[str, Any]:
        """What Pillow's `save` is told for a format."""
        options = dict(SAVE_OPTIONS.get(form, {}))
        if self.quality is not None and form in ("JPEG", "WEBP"):
            options["quality"] = self.quality
        if self.subsampling is not None and form == "JPEG":
            options["subsampling"] = self.subsampling
        return options


def open_picture(
    source: str,
    every_kind: bool = False,
    early: Early | None = None,
    limits: Limits | None = None,
    needs: Needs | None = None,
) -> Picture:
    """Read a picture from a path, or from stdin for "-", turned as its EXIF orientation says.

    Palettes, bilevel and other modes become the 8-bit L, LA, RGB or RGBA that holds them. Only
    where `every_kind` is wanted are pictures of several frames, of 32 bits and of four inks read
    as they are; `early` is a picture that is being decoded already. Raises PictureError for what
    cannot be read, with the reason; before it is decoded, for what is beyond `limits`, of which
    `needs` says how much memory the picture will take.
    """
    name = "standard input" if source == "-" else safe(source)
    if source == "-" and (sys.stdin is None or sys.stdin.isatty()):
        raise PictureError(f"{name} is not a pipe or a file; name a picture, or pipe one in")
    try:
        early = early or Early(source, limits=limits)
        raw = early.raw()
        mapped = open_map(raw) if raw is not None else None
        if mapped is not None:
            early.limits.check_mapped(mapped.pixels.shape, mapped.pixels.itemsize, needs)
            picture = mapped
        else:
            with early.image(needs=needs) as image:
                picture = picture_of(image, every_kind, early.deep)
        early.check_unchanged()
        return picture
    except UnidentifiedImageError:
        kinds = ", ".join(FORMATS)
        raise PictureError(f"{name} is not a picture of a kind convcli reads ({kinds})") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f"{name} is too large: {error}") from None
    except TooLargeError as error:
        raise error.called(name) from None
    except PictureError as error:
        raise PictureError(f"{name}: {error}") from None
    except Exception as error:
        if not isinstance(error, BAD_FILE) and not is_pillows(error):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise PictureError(f"{name} cannot be read: {safe(reason)}") from None


def output_name(source: str, label: str, suffix: str | None = None) -> str:
    """Where a result goes that nobody gave a name: here, beside the other files; "-" for stdin.

    >>> output_name("photos/cat.jpg", "sobel"), output_name("cat.jpg", "sobel", ".png")
    ('cat.sobel.jpg', 'cat.sobel.png')
    """
    if source == "-":
        return "-"
    stem, own = os.path.splitext(os.path.basename(source))
    return f"{stem}.{label}{own if suffix is None else suffix}"


def write_picture(
    picture: Picture, target: str, force: bool = False, options: SaveOptions | None = None
) -> None:
    """Write a picture to a path, in the format its name asks for, or to stdout for "-".

    Stdout gets the format the picture came in. Raises OutputError.
    """
    options = options or SaveOptions()
    if target != "-":
        form = options.format or format_of(target)
        check_suffix(picture, target)
        return write_file(
            target, lambda stream: save_picture(picture, stream, form, options), force
        )
    buffer = BytesIO()
    save_picture(picture, buffer, options.format or picture.format, options)
    write_stdout(buffer.getbuffer())
    return None


def check_stdout() -> None:
    """Refuse to write a picture to a terminal. Raises OutputError."""
    if sys.stdout.isatty():
        raise OutputError("a terminal cannot show a picture; use -o FILE, or pipe it on")


def write_stdout(data: Any) -> None:
    """Write bytes to stdout, unless that is a terminal."""
    check_stdout()
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def check_suffix(picture: Picture, target: str) -> None:
    """Refuse colour in a file whose name says that it is grey."""
    if os.path.splitext(target)[1].lower() == ".pgm" and picture.colours != 1:
        raise OutputError(f"{safe(target)}: a .pgm holds grey; write .ppm, or give --gray")


def save_picture(
    picture: Picture, stream: IO[bytes], form: str, options: SaveOptions | None = None
) -> None:
    """Write a picture in one of FORMATS, with the metadata it came with.

    Raises OutputError when the format cannot hold it.
    """
    checked = without_alpha(picture, form)
    pixels = checked.pixels
    if pixels.dtype == np.uint16 and form not in ("PNG", "TIFF", "PPM"):
        raise OutputError(f"{form} holds no 16-bit samples; write PNG, TIFF or PGM")
    if pixels.dtype == np.uint16 and pixels.shape[2] > 1 and form != "PPM":
        raise OutputError(
            "16-bit colour is written as .ppm or .npy; Pillow writes it as nothing else"
        )
    if pixels.dtype.kind == "f" and (form != "TIFF" or pixels.shape[2] > 1):
        raise OutputError(
            "32-bit samples are written as .npy, .npz, .pfm, or one channel as .tif; "
            "--range stretch makes 8 bits of them"
        )
    if max(pixels.shape[:2]) > LONGEST_SIDES.get(form, max(pixels.shape[:2])):
        raise OutputError(f"{form} holds at most {LONGEST_SIDES[form]:,} pixels a side")
    check_frames(picture, form)
    if form == "PPM" and pixels.dtype == np.uint16:
        from convcli.images.io.netpbm import header

        stream.write(header(pixels.shape, np.uint16))
        stream.write(pixels.astype(">u2").tobytes())
        return
    first, *rest = (image_of(frame, checked.mode, form) for frame in (pixels, *picture.frames))
    words = (options or SaveOptions()).of(form) | metadata_of(checked, form)
    if rest:
        words |= {"save_all": True, "append_images": rest} | picture.timing
        if form == "GIF":
            words["disposal"] = 2
    try:
        first.save(stream, form, **words)
    except OSError:
        raise  # the disk's refusal, not the format's
    except BAD_FILE as error:
        raise OutputError(f"{form} cannot hold this picture: {safe(error)}") from None


def check_frames(picture: Picture, form: str) -> None:
    """Refuse an animation, or pages of several sizes, in a format that does not hold them."""
    if picture.frames and form not in ANIMATED:
        count = 1 + len(picture.frames)
        raise OutputError(f"{form} holds one picture, not {count}; write GIF, WEBP, PNG or TIFF")
    sizes = {frame.shape[:2]: None for frame in (picture.pixels, *picture.frames)}
    if len(sizes) > 1 and form != "TIFF":
        told = " and ".join(f"{height}x{width}" for height, width in [*sizes][:2])
        raise OutputError(f"{form} holds frames of one size, not of {told}; write TIFF")


def without_alpha(picture: Picture, form: str) -> Picture:
    """The picture as a format holds it: opaque alpha left out where the format has none."""
    if not picture.has_alpha or form not in ("JPEG", "PPM", "BMP"):
        return picture
    if not picture.opaque:
        raise OutputError(f"{form} holds no transparency; write PNG, WEBP or TIFF")
    return picture.coloured


def record_in(path: str) -> str | None:
    """The record of how a picture was made, as it stands in the file; None where there is none.

    Raises PictureError for a file that is no picture.
    """
    try:
        with Early(path).image(load=False) as image:
            texts = getattr(image, "text", None) or {}
            if RECORD_KEY in texts:
                return str(texts[RECORD_KEY])
            comment = image.getexif().get_ifd(EXIF_IFD).get(USER_COMMENT)
    except UnidentifiedImageError:
        return None
    except Exception as error:
        if not isinstance(error, BAD_FILE) and not is_pillows(error):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise PictureError(f"{safe(path)} cannot be read: {safe(reason)}") from None
    if isinstance(comment, bytes) and comment.startswith(ASCII_COMMENT):
        return comment[len(ASCII_COMMENT) :].decode("ascii", "replace")
    return None


def format_of(path: str) -> str:
    """The format that a file name asks for. Raises OutputError for a suffix we do not write.

    >>> format_of("out/cat.JPG")
    'JPEG'
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in SUFFIXES:
        raise OutputError(
            f"{safe(path)}: no picture format ends in {safe(suffix)!r}; "
            f"write one of {', '.join(SUFFIXES)}"
        )
    return SUFFIXES[suffix]


def save_arrays(arrays: Mapping[str, NDArray[Any]], path: str, force: bool = False) -> None:
    """Write arrays by name to an .npz file. Raises OutputError."""
    write_file(path, lambda stream: np.savez(stream, allow_pickle=False, **arrays), force)
