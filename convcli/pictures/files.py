"""Open and save pictures: orientation, modes, frames, metadata, stdin and stdout."""

import os
import sys
from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from convcli.errors import OutputError, PictureError, safe
from convcli.pictures.atomic import check_free as check_free
from convcli.pictures.atomic import files_named as files_named
from convcli.pictures.atomic import write_file as write_file
from convcli.pictures.early import FORMATS, Early, is_pillows
from convcli.pictures.memory import Limits, Needs, TooLargeError
from convcli.pictures.metadata import ASCII_COMMENT, EXIF_IFD, RECORD_KEY, USER_COMMENT, metadata_of
from convcli.pictures.picture import Picture as Picture
from convcli.pictures.raw import open_map

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

ALPHA = {"LA", "RGBA"}
SAME_COLOURS = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16", "I", "F", "CMYK"}
"""Modes whose colour profile still describes the picture once it is an array."""

ANIMATED = ("GIF", "PNG", "WEBP", "TIFF")
"""Formats that hold several frames."""

LONGEST_SIDES = {"JPEG": 65_500, "WEBP": 16_383, "GIF": 65_535}
"""Pixels a side that a format can hold, where its library says so too late."""

SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    # Pillow's own quality of 75 shows blocks around the edges that a filter brings out
    "JPEG": {"quality": 95},
    "WEBP": {"quality": 95},
}

KEPT = {"dpi", "exif", "xmp", "comment"}
"""Metadata that a result keeps; a colour profile too, where the colours are the same."""


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
                picture = _picture(image, every_kind, early.deep)
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


def _picture(image: Image.Image, every_kind: bool, deep: bool) -> Picture:
    count = getattr(image, "n_frames", 1)
    form = image.format or "PNG"
    notes: list[str] = []
    if form == "MPO":
        form, count = "JPEG", 1
        notes.append("the first of several pictures is read")
    if count > 1 and not every_kind:
        raise PictureError(f"it holds {count} frames; convcli reads pictures of one")
    if deep:
        notes.append("16-bit colour is read with 8 bits a sample")
    if count > 1:
        return _frames(image, form, count, tuple(notes))
    image.load()
    upright = _upright(image)
    plain = _plain(upright, form, every_kind)
    kept = KEPT | ({"icc_profile"} if upright.mode in SAME_COLOURS else set())
    metadata = {key: value for key, value in upright.info.items() if key in kept}
    texts = getattr(image, "text", None)
    if texts:
        metadata["text"] = dict(texts)
    pixels = _samples(plain)
    if pixels.dtype.kind == "i":
        pixels = pixels.astype(np.float64)
    mode = plain.mode if plain.mode in ("CMYK", "I", "F") else ""
    return Picture(pixels, plain.mode in ALPHA, form, metadata, tuple(notes), mode)


COPIED_ROWS = 16
"""Rows of an image that become an array at once: what Pillow copies them through stays in cache,
and is a fifth of the time that one copy of a large image takes."""


def _samples(image: Image.Image) -> NDArray[Any]:
    """The samples of an image (h, w, c), a few rows at a time where it is large."""
    width, height = image.size
    first = np.asarray(image.crop((0, 0, width, min(COPIED_ROWS, height))))
    pixels = np.empty((height, *first.shape[1:]), first.dtype)
    pixels[: len(first)] = first
    for top in range(COPIED_ROWS, height, COPIED_ROWS):
        bottom = min(top + COPIED_ROWS, height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, width, bottom)))
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def _upright(image: Image.Image) -> Image.Image:
    told = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"} & set(image.info)
    if not told and image.format != "TIFF":
        return image
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _plain(image: Image.Image, form: str, every_kind: bool) -> Image.Image:
    """The picture in one of the modes that are arrays of samples: L, LA, RGB, RGBA, I;16.

    With `every_kind` also CMYK, I and F.
    """
    if image.mode in ("L", "LA", "RGB", "RGBA", "I;16") and "transparency" not in image.info:
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith("I;16"):
        return image.convert("I;16")
    if image.mode == "I" and form == "PPM":
        return image.convert("I;16")  # a PGM of more than 8 bits, scaled to 16
    if image.mode in ("I", "F", "CMYK") and every_kind:
        return image
    if image.mode in ("I", "F"):
        raise PictureError(f"its samples have 32 bits (mode {image.mode}); convcli reads 8 and 16")
    transparent = image.mode in ("PA", "La", "RGBa") or "transparency" in image.info
    if image.mode in ("L", "La"):
        return image.convert("LA")
    return image.convert("RGBA" if transparent else "RGB")


def _frames(image: Image.Image, form: str, count: int, notes: tuple[str, ...]) -> Picture:
    """An animation, or the pages of a TIFF: every frame as it is shown, and for how long."""
    frames, durations = [], []
    for number in range(count):
        image.seek(number)
        image.load()
        frames.append(_plain(_upright(image.copy()), form, False))
        durations.append(int(image.info.get("duration", 0)))
    modes = {frame.mode for frame in frames}
    if len(modes) > 1:
        mode = "RGBA" if any(one in ALPHA for one in modes) else "RGB"
        frames = [frame.convert(mode) for frame in frames]
    arrays = [np.asarray(frame) for frame in frames]
    arrays = [one[..., np.newaxis] if one.ndim == 2 else one for one in arrays]
    timing: dict[str, Any] = {} if form == "TIFF" else {"duration": durations}
    if "loop" in image.info:
        timing["loop"] = image.info["loop"]
    metadata = {
        key: value
        for key, value in image.info.items()
        if key in KEPT | {"icc_profile", "background"}
    }
    metadata.pop("background", None)
    return Picture(
        arrays[0],
        frames[0].mode in ALPHA,
        form,
        metadata,
        notes,
        frames=tuple(arrays[1:]),
        timing=timing,
    )


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


def planes(picture: Picture) -> NDArray[np.float32]:
    """The colours of a picture as (channels, height, width), 0 to 1; what is transparent is black.

    Floats are taken to be 0 to 1.

    >>> pixels = np.full((4, 5, 2), 255, np.uint8)
    >>> planes(Picture(pixels, has_alpha=True, format="PNG", metadata={})).shape
    (1, 4, 5)
    """
    samples = picture.pixels.astype(np.float32) / np.float32(picture.full or 1)
    if picture.has_alpha:
        samples = samples[..., :-1] * samples[..., -1:]
    return np.ascontiguousarray(samples.transpose(2, 0, 1))


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
    if picture.frames and form not in ANIMATED:
        count = 1 + len(picture.frames)
        raise OutputError(f"{form} holds one picture, not {count}; write GIF, WEBP, PNG or TIFF")
    if form == "PPM" and pixels.dtype == np.uint16:
        from convcli.pictures.raw import header

        stream.write(header(pixels.shape, np.uint16))
        stream.write(pixels.astype(">u2").tobytes())
        return
    first, *rest = (
        _image(frame, checked.mode, form)
        for frame in (pixels, *(_cut(checked, f) for f in picture.frames))
    )
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


def without_alpha(picture: Picture, form: str) -> Picture:
    """The picture as a format holds it: opaque alpha left out where the format has none."""
    if not picture.has_alpha or form not in ("JPEG", "PPM", "BMP"):
        return picture
    if not picture.opaque:
        raise OutputError(f"{form} holds no transparency; write PNG, WEBP or TIFF")
    return picture.coloured


def _cut(picture: Picture, frame: NDArray[Any]) -> NDArray[Any]:
    return frame if picture.has_alpha else frame[..., : picture.colours]


def _image(pixels: NDArray[Any], mode: str, form: str) -> Image.Image:
    if mode == "CMYK":
        size = pixels.shape[1], pixels.shape[0]
        data = np.ascontiguousarray(pixels)
        image = Image.frombuffer("CMYK", size, data, "raw", "CMYK", 0, 1)
        return image if form in ("JPEG", "TIFF") else image.convert("RGB")
    if mode == "I" and pixels.dtype.kind == "f":
        pixels = np.rint(pixels).clip(-(2.0**31), 2.0**31 - 1).astype(np.int32)
    elif pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32)
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


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
