"""Save pictures: names of results, options of formats, files and stdout."""

import os
import sys
from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from convcli.errors import OutputError
from convcli.images.image import Picture as Picture
from convcli.images.io.atomic import check_free as check_free
from convcli.images.io.atomic import files_named as files_named
from convcli.images.io.atomic import write_file as write_file
from convcli.images.io.formats import ANIMATED, LONGEST_SIDES, SaveOptions, format_of
from convcli.images.io.metadata import (
    metadata_of,
)
from convcli.images.io.pillow import image_of
from convcli.images.io.read import BAD_FILE
from convcli.text import safe


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


def save_arrays(arrays: Mapping[str, NDArray[Any]], path: str, force: bool = False) -> None:
    """Write arrays by name to an .npz file. Raises OutputError."""
    write_file(path, lambda stream: np.savez(stream, allow_pickle=False, **arrays), force)
