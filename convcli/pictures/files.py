"""Open and save pictures: orientation, modes, metadata, stdin and stdout, atomic writes."""

import os
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from convcli.errors import OutputError, PictureError, safe

FORMATS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP")
"""Formats that are opened; Pillow's others stay shut, since some of them run foreign code."""

SUFFIXES = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
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
"""All that Pillow raises on bad files; anything else is a bug of ours."""

ALPHA = {"LA", "RGBA"}
SAME_COLOURS = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16"}
"""Modes whose colour profile still describes the picture once it is an array."""

LONGEST_SIDES = {"JPEG": 65_500, "WEBP": 16_383}
"""Pixels a side that a format can hold, where its library says so too late."""

SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    # Pillow's own quality of 75 shows blocks around the edges that a filter brings out
    "JPEG": {"quality": 95},
    "WEBP": {"quality": 95},
}


class Picture(NamedTuple):
    """A picture as an array, and what is needed to save its like.

    `pixels` is (height, width, samples) of uint8, or of uint16 for 16-bit greyscale; the last
    sample is alpha where `has_alpha`. `format` is Pillow's name of the format it came in.
    """

    pixels: NDArray[Any]
    has_alpha: bool
    format: str
    metadata: dict[str, Any]
    notes: tuple[str, ...] = ()


def open_picture(source: str) -> Picture:
    """Read a picture from a path, or from stdin for "-", turned as its EXIF orientation says.

    Palettes, bilevel and other modes become the 8-bit L, LA, RGB or RGBA that holds them.
    Raises PictureError for what cannot be read, with the reason.
    """
    name = "standard input" if source == "-" else safe(source)
    if source == "-" and (sys.stdin is None or sys.stdin.isatty()):
        raise PictureError(f"{name} is not a pipe or a file; name a picture, or pipe one in")
    try:
        with warnings.catch_warnings(), _bytes_of(source) as stream:
            warnings.simplefilter("ignore")  # Pillow's remarks on bad metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(stream, formats=FORMATS) as image:
                return _picture(image)
    except UnidentifiedImageError:
        raise PictureError(
            f"{name} is not a picture of a kind convcli reads ({_kinds()})"
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f"{name} is too large: {error}") from None
    except PictureError as error:
        raise PictureError(f"{name}: {error}") from None
    except BAD_FILE as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise PictureError(f"{name} cannot be read: {safe(reason)}") from None


def _kinds() -> str:
    return ", ".join(FORMATS)


@contextmanager
def _bytes_of(source: str) -> Iterator[IO[bytes]]:
    if source == "-":
        yield BytesIO(sys.stdin.buffer.read())  # Pillow seeks, a pipe cannot
    else:
        with open(source, "rb") as stream:
            yield stream


def _picture(image: Image.Image) -> Picture:
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise PictureError(f"it holds {frames} frames; convcli reads pictures of one")
    form = image.format or "PNG"
    notes: tuple[str, ...] = ()
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
    if any(";16" in str(tile[3]) for tile in tiles) and not image.mode.startswith("I"):
        notes = ("16-bit colour is read with 8 bits a sample",)
    image.load()
    upright = ImageOps.exif_transpose(image)
    plain = _plain(upright, form)
    kept = {"dpi", "exif"} | ({"icc_profile"} if upright.mode in SAME_COLOURS else set())
    metadata = {key: value for key, value in upright.info.items() if key in kept}
    pixels = np.asarray(plain)
    pixels = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
    return Picture(pixels, plain.mode in ALPHA, form, metadata, notes)


def _plain(image: Image.Image, form: str) -> Image.Image:
    """The picture in one of the modes that are arrays of samples: L, LA, RGB, RGBA, I;16."""
    if image.mode in ("L", "LA", "RGB", "RGBA", "I;16") and "transparency" not in image.info:
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith("I;16"):
        return image.convert("I;16")
    if image.mode == "I" and form == "PPM":
        return image.convert("I;16")  # a PGM of more than 8 bits, scaled to 16
    if image.mode in ("I", "F"):
        raise PictureError(f"its samples have 32 bits (mode {image.mode}); convcli reads 8 and 16")
    transparent = image.mode in ("PA", "La", "RGBa") or "transparency" in image.info
    if image.mode in ("L", "La"):
        return image.convert("LA")
    return image.convert("RGBA" if transparent else "RGB")


def output_name(source: str, label: str) -> str:
    """Where a result goes that nobody gave a name: here, beside the other files; "-" for stdin.

    >>> output_name("photos/cat.jpg", "sobel")
    'cat.sobel.jpg'
    """
    if source == "-":
        return "-"
    path = Path(source)
    return f"{path.stem}.{label}{path.suffix}"


def write_picture(picture: Picture, target: str, force: bool = False) -> None:
    """Write a picture to a path, in the format its name asks for, or to stdout for "-".

    Stdout gets the format the picture came in. Raises OutputError.
    """
    if target != "-":
        form = format_of(target)
        return write_file(target, lambda stream: save_picture(picture, stream, form), force)
    if sys.stdout.isatty():
        raise OutputError("a terminal cannot show a picture; use -o FILE, or pipe it on")
    buffer = BytesIO()
    save_picture(picture, buffer, picture.format)
    sys.stdout.flush()
    sys.stdout.buffer.write(buffer.getbuffer())
    sys.stdout.buffer.flush()
    return None


def planes(picture: Picture) -> NDArray[np.float32]:
    """The colours of a picture as (channels, height, width), 0 to 1; what is transparent is black.

    >>> pixels = np.full((4, 5, 2), 255, np.uint8)
    >>> planes(Picture(pixels, has_alpha=True, format="PNG", metadata={})).shape
    (1, 4, 5)
    """
    samples = picture.pixels.astype(np.float32) / np.float32(np.iinfo(picture.pixels.dtype).max)
    if picture.has_alpha:
        samples = samples[..., :-1] * samples[..., -1:]
    return np.ascontiguousarray(samples.transpose(2, 0, 1))


def save_picture(picture: Picture, stream: IO[bytes], form: str) -> None:
    """Write a picture in one of FORMATS, with the metadata it came with.

    Raises OutputError when the format cannot hold it.
    """
    pixels = picture.pixels
    if picture.has_alpha and form in ("JPEG", "PPM", "BMP"):
        if not (pixels[..., -1] == 255).all():
            raise OutputError(f"{form} holds no transparency; write PNG, WEBP or TIFF")
        pixels = pixels[..., :-1]
    if pixels.dtype == np.uint16 and form not in ("PNG", "TIFF", "PPM"):
        raise OutputError(f"{form} holds no 16-bit samples; write PNG, TIFF or PGM")
    if max(pixels.shape[:2]) > LONGEST_SIDES.get(form, max(pixels.shape[:2])):
        raise OutputError(f"{form} holds at most {LONGEST_SIDES[form]:,} pixels a side")
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    try:
        image.save(stream, form, **SAVE_OPTIONS.get(form, {}), **picture.metadata)
    except OSError:
        raise  # the disk's refusal, not the format's
    except BAD_FILE as error:
        raise OutputError(f"{form} cannot hold this picture: {safe(error)}") from None


def format_of(path: str) -> str:
    """The format that a file name asks for. Raises OutputError for a suffix we do not write.

    >>> format_of("out/cat.JPG")
    'JPEG'
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise OutputError(
            f"{safe(path)}: no picture format ends in {safe(suffix)!r}; "
            f"write one of {', '.join(SUFFIXES)}"
        )
    return SUFFIXES[suffix]


def check_free(paths: Iterable[str | None], force: bool, source: str = "-") -> None:
    """Refuse to go on when a path that will be written is taken, or is the input itself.

    Raises OutputError. `force` allows what is taken, but never the input.
    """
    named = [path for path in paths if path not in (None, "-")]
    for path in named:
        if not path:
            raise OutputError("an output without a name cannot be written")
        if named.count(path) > 1:
            raise OutputError(f"{safe(path)} is asked for twice")
        if not os.path.isdir(os.path.dirname(path) or "."):
            raise OutputError(f"{safe(path)} cannot be written: No such file or directory")
        if not os.path.isfile(path):
            continue
        if source != "-" and os.path.isfile(source) and os.path.samefile(path, source):
            raise OutputError(f"{safe(path)} is the input, which is never overwritten")
        if not force:
            raise OutputError(f"{safe(path)} is there already; give --force to overwrite it")


def save_arrays(arrays: Mapping[str, NDArray[Any]], path: str, force: bool = False) -> None:
    """Write arrays by name to an .npz file. Raises OutputError."""
    write_file(path, lambda stream: np.savez(stream, allow_pickle=False, **arrays), force)


def write_file(path: str, write: Callable[[IO[bytes]], object], force: bool) -> None:
    """Make a file whole or not at all, by writing a temporary one beside it and renaming that.

    Without `force` a file that is there already is left as it is. Raises OutputError.
    """
    target = Path(path)
    if target.exists() and not target.is_file() and not target.is_dir():
        # a device or a named pipe is written to, not replaced; neither can be sought in
        buffer = BytesIO()
        write(buffer)
        try:
            with open(target, "wb") as stream:
                stream.write(buffer.getbuffer())
        except OSError as error:
            raise OutputError(f"{safe(path)} cannot be written: {error.strerror}") from None
        return
    check_free([path], force)
    if target.is_dir():
        raise OutputError(f"{safe(path)} is a folder")
    try:
        handle, temporary = tempfile.mkstemp(prefix=".convcli-", dir=target.parent)
    except OSError as error:
        raise OutputError(f"{safe(path)} cannot be written: {error.strerror}") from None
    try:
        with open(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, _mode_of(target))
        _publish(temporary, target, force)
    except OSError as error:
        raise OutputError(f"{safe(path)} cannot be written: {error.strerror or error}") from None
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)


def _mode_of(target: Path) -> int:
    """The permissions the target has, or those a plain `open` would give it."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _publish(temporary: str, target: Path, force: bool) -> None:
    if not force:
        try:
            os.link(temporary, target)  # unlike a rename, refuses a file that came meanwhile
        except FileExistsError:
            raise OutputError(f"{safe(target)} is there already; give --force") from None
        except OSError:
            pass  # a file system without hard links: the check before has to do
        else:
            return
    os.replace(temporary, target)
