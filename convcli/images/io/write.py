"""Save pictures: what each format holds, files and stdout."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convcli.errors import OutputError, Refusal
from convcli.images.image import Picture
from convcli.images.io.atomic import Result, write_file
from convcli.images.io.formats import FORMATS, Format, SaveOptions, format_of, suffix_of
from convcli.images.io.metadata import RECORD_KEY, with_record, with_size
from convcli.images.io.netpbm import header, write_pfm
from convcli.images.io.read import BAD_FILE
from convcli.images.io.tags import Tags, directory_of
from convcli.images.pixel_arrays import Samples
from convcli.text import safe


def write_picture(
    picture: Picture, target: str, force: bool = False, options: SaveOptions | None = None
) -> None:
    """Write a picture to a path, in the format its name asks for, or to stdout for "-".

    Stdout gets the format the picture came in. Raises OutputError.
    """
    options = options or SaveOptions()
    form = options.format or (FORMATS[picture.format] if target == "-" else format_of(target))
    check_suffix(target, picture)
    with refusals(form):
        write_output(target, saver(picture, form, options), force)


def write_output(target: str, write: Callable[[IO[bytes]], Result], force: bool = False) -> Result:
    """Write a file completely or not at all; for "-" write its content to stdout.

    Returns what `write` does. Raises OutputError.
    """
    if target != "-":
        return write_file(target, write, force)
    buffer = BytesIO()
    result = write(buffer)
    check_stdout()
    sys.stdout.flush()
    sys.stdout.buffer.write(buffer.getbuffer())
    sys.stdout.buffer.flush()
    return result


def check_stdout() -> None:
    """Refuse to write a picture to a terminal. Raises OutputError."""
    if sys.stdout.isatty():
        raise OutputError("a terminal cannot show a picture; use -o FILE, or pipe it on")


def check_suffix(target: str, picture: Picture) -> None:
    """Refuse color in a file whose name says that it is gray."""
    if suffix_of(target) == ".pgm" and picture.pixels.shape[2] - picture.has_alpha != 1:
        raise OutputError(f"{safe(target)}: a .pgm holds gray; write .ppm, or give --gray")


@contextmanager
def refusals(form: Format) -> Iterator[None]:
    """Raise what a library says against a picture as an OutputError that names the format."""
    try:
        yield
    except (OSError, Refusal):
        raise  # the disk's refusal, or ours
    except BAD_FILE as error:
        raise OutputError(f"{form.name} cannot hold this picture: {safe(error)}") from None


def saver(
    picture: Picture, form: Format, options: SaveOptions | None = None
) -> Callable[[IO[bytes]], object]:
    """What writes a picture to a stream in a format, with the metadata it came with.

    Raises OutputError when the format cannot hold it.
    """
    picture = _as_stored(without_alpha(picture, form), form)
    pixels = picture.pixels
    _check_samples(pixels, form)
    check_frames(picture, form)
    deep = pixels.dtype != np.uint8 and (pixels.shape[2] > 1 or form.name == "PPM")
    frames = () if deep else (pixels, *picture.frames)
    profile = picture.metadata.get("icc_profile")
    images = [image_of(frame, picture.mode, form, profile) for frame in frames]
    words = saved_metadata(picture, form, pixels.shape)
    tags = picture.metadata.get("tags")
    if form.tags and isinstance(tags, Tags):
        shape = *pixels.shape, 1 + len(picture.frames)
        words["tiffinfo"] = directory_of(
            tags.kept(shape, pixels.dtype.name), words.pop("exif", None)
        )
    if deep:
        return partial(DEEP_WRITERS[form.name], picture, words)
    first, *rest = images
    if rest:
        words |= {"save_all": True, "append_images": rest}
        for page in rest if "tiffinfo" in words else ():  # the tags are those of the first
            page.encoderinfo = {"tiffinfo": {}}
        if picture.timing:
            words |= picture.timing.save_words()
        if form.name == "GIF":
            words["disposal"] = 2  # each frame replaces the one before it
        if words.pop("hidden_first", False):
            words["default_image"] = True
    words = {**(options or SaveOptions()).of(form, picture.metadata), **words}
    save: Callable[..., None] = first.save
    return partial(save, format=form.name, **words)


def _write_ppm(picture: Picture, words: Mapping[str, object], stream: IO[bytes]) -> None:
    stream.write(header(picture.pixels.shape, np.uint16))
    stream.write(picture.pixels.astype(">u2").tobytes())


def _write_png(picture: Picture, words: Mapping[str, object], stream: IO[bytes]) -> None:
    from convcli.images.io.png import write_deep

    if picture.frames:
        raise OutputError("PNG frames of 16-bit color are not written; write TIFF")
    write_deep(stream, picture.pixels, words)


def _write_tiff(picture: Picture, words: Mapping[str, object], stream: IO[bytes]) -> None:
    from convcli.images.io.tiff import write_deep

    write_deep(stream, (picture.pixels, *picture.frames), picture.has_alpha, words)


DEEP_WRITERS: dict[str, Callable[[Picture, Mapping[str, object], IO[bytes]], None]] = {
    "PPM": _write_ppm,
    "PNG": _write_png,
    "TIFF": _write_tiff,
}
"""What writes color of 16 bits and of floats, which Pillow does not."""


def _flat(values: Samples) -> Samples:
    return values[..., 0] if values.shape[2] == 1 else values


FLOAT_WRITERS: dict[str, Callable[[Samples, Picture], Callable[[IO[bytes]], object]]] = {
    "NPY": lambda values, _: partial(np.save, arr=_flat(values), allow_pickle=False),
    "NPZ": lambda values, _: partial(np.savez_compressed, response=_flat(values)),
    "PFM": lambda values, _: partial(write_pfm, values),
    "TIF32": lambda values, picture: saver(
        picture._replace(pixels=values, has_alpha=False, mode="F"), FORMATS["TIFF"]
    ),
}
"""What writes arrays of responses as they are, neither rounded nor clipped, by FLOAT_FORMATS."""


def losses(
    picture: Picture, form: Format | None, shape: tuple[int, ...] = (), dtype: str = ""
) -> tuple[str, ...]:
    """What results of a shape (h, w, c, pages) lose of a picture because a format cannot hold it.

    >>> from convcli.images.io.formats import FORMATS
    >>> gray = Picture(np.zeros((1, 1, 1), np.uint8), False, "PNG", {"icc_profile": b"..."})
    >>> losses(gray, FORMATS["GIF"])
    ('GIF holds no color profile: that of the picture is left out',)
    """
    if form is None:
        return ()
    metadata, texts = picture.metadata, []
    if picture.mode == "CMYK" and not form.inks and not form.floats:
        from convcli.images.io.inks import conversion_text

        texts.append(f"{form.name} holds no inks: {conversion_text(metadata.get('icc_profile'))}")
    elif "icc_profile" in metadata and "icc_profile" not in form.metadata and not form.floats:
        texts.append(f"{form.name} holds no color profile: that of the picture is left out")
    tags = metadata.get("tags")
    unheld = [name for key, name in BESIDE.items() if key in metadata and key not in form.metadata]
    if isinstance(tags, Tags):
        lost = tags.lost(shape, dtype) if form.tags else []
        if lost:
            texts.append(f"left out, because it does not describe the result: {', '.join(lost)}")
        unheld += [] if form.tags else tags.lost()
    if unheld and not form.floats:
        texts.append(f"{form.name} does not hold {', '.join(unheld)} of the picture")
    chunks = metadata.get("color_chunks")
    if isinstance(chunks, dict) and not form.color_chunks:
        special = [text for text in map(_color_text, chunks.items()) if text]
        if special and b"sRGB" not in chunks and "icc_profile" not in metadata:
            texts.append(f"{form.name} does not hold {' and '.join(special)} of the picture")
    if not (form.soft_alpha or picture.opaque):
        texts.append(f"{form.name} holds no soft transparency: alpha is cut at half")
    if "hidden_first" in metadata and form.frames and "hidden_first" not in form.metadata:
        texts.append(f"{form.name} shows every frame: the hidden first picture is left out")
    return tuple(texts)


BESIDE = {"exif": "EXIF", "xmp": "XMP", "text": "texts"}
"""Metadata beside samples and colors."""

USUAL_GAMMA = range(44_000, 47_000)
"""Of gAMA, in 1/100,000: what means sRGB."""


def _color_text(chunk: tuple[bytes, bytes]) -> str:
    """What a chunk says that is not sRGB; nothing where it is, or follows from another."""
    kind, data = chunk
    value = int.from_bytes(data[:4], "big")
    if kind == b"gAMA" and value not in USUAL_GAMMA:
        return f"the gamma of {value / 100_000:g} (gAMA)"
    if kind == b"cICP" and data[:2] != b"\1\x0d":
        return f"the color space {data[0]}, {data[1]} (cICP)"
    return ""


def _as_stored(picture: Picture, form: Format) -> Picture:
    """The picture without what a format does not hold: soft alpha, a hidden first frame."""
    if "hidden_first" in picture.metadata and "hidden_first" not in form.metadata:
        first, *rest = picture.frames or (picture.pixels,)
        picture = picture._replace(pixels=first, frames=tuple(rest))
    if form.soft_alpha or not picture.has_alpha or picture.pixels.dtype != np.uint8:
        return picture
    first, *rest = map(_hard, (picture.pixels, *picture.frames))
    return picture._replace(pixels=first, frames=tuple(rest))


def _hard(pixels: Samples) -> Samples:
    """Samples whose alpha is cut at half."""
    alpha = np.where(pixels[..., -1:] >= 128, 255, 0).astype(pixels.dtype)
    return np.concatenate([pixels[..., :-1], alpha], axis=2)


def saved_metadata(picture: Picture, form: Format, shape: tuple[int, ...]) -> dict[str, object]:
    """The options of Pillow's `save` that keep a picture's metadata in a result of a shape."""
    metadata = picture.metadata
    options = {key: value for key, value in metadata.items() if key in form.metadata}
    exif = options.get("exif")
    if isinstance(exif, bytes):
        options["exif"] = with_size(exif, shape[1], shape[0])
    if picture.mode == "CMYK" and not form.inks:
        options.pop("icc_profile", None)  # it describes inks
    texts, record = metadata.get("text"), metadata.get("record")
    chunks = metadata.get("color_chunks") if form.color_chunks else None
    if form.record == "text" and (texts or record or chunks):
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        kept = texts if isinstance(texts, dict) else {}
        for key, text in (kept | ({RECORD_KEY: record} if record else {})).items():
            info.add_text(str(key), str(text))
        for name, data in chunks.items() if isinstance(chunks, dict) else ():
            info.add(name, data)
        options["pnginfo"] = info
    elif form.record == "comment" and isinstance(record, str) and record:
        own = metadata.get("comment")
        options["comment"] = b"\n".join(
            [*([own] if isinstance(own, bytes) else []), record.encode()]
        )
    elif form.record == "exif" and isinstance(record, str) and record:
        exif = options.get("exif")
        options["exif"] = with_record(exif if isinstance(exif, bytes) else b"", record)
    return options


def without_alpha(picture: Picture, form: Format) -> Picture:
    """The picture as a format holds it: opaque alpha left out where the format has none."""
    if form.alpha or not picture.has_alpha:
        return picture
    if not picture.opaque:
        raise OutputError(f"{form.name} holds no transparency; write PNG, WEBP or TIFF")
    return picture.without_alpha


def _check_samples(pixels: Samples, form: Format) -> None:
    """Refuse samples of a depth that a format does not hold, and too many of them."""
    channels = pixels.shape[2]
    if pixels.dtype == np.uint16 and not form.deep_channels:
        raise OutputError(f"{form.name} holds no 16-bit samples; write PNG, TIFF or PGM")
    if pixels.dtype == np.uint16 and channels > form.deep_channels:
        raise OutputError(f"{form.name} is written with 8 bits of color; write PNG, TIFF or PPM")
    if pixels.dtype.kind == "f" and channels > form.float_channels:
        raise OutputError(
            "32-bit samples are written as .npy, .npz, .pfm or .tif; "
            "--range stretch makes 8 bits of them"
        )
    if form.max_side is not None and max(pixels.shape[:2]) > form.max_side:
        raise OutputError(f"{form.name} holds at most {form.max_side:,} pixels a side")


def check_frames(picture: Picture, form: Format) -> None:
    """Refuse an animation, or pages of several sizes, in a format that does not hold them."""
    if picture.frames and not form.frames:
        count = 1 + len(picture.frames)
        raise OutputError(
            f"{form.name} holds one picture, not {count}; write GIF, WEBP, PNG or TIFF"
        )
    sizes = {frame.shape[:2]: None for frame in (picture.pixels, *picture.frames)}
    if len(sizes) > 1 and form.frames != "pages":
        two = " and ".join(f"{height}x{width}" for height, width in [*sizes][:2])
        raise OutputError(f"{form.name} holds frames of one size, not of {two}; write TIFF")


def image_of(pixels: Samples, mode: str, form: Format, profile: object = None) -> Image.Image:
    """The image that Pillow saves in a format: samples (h, w, c) in Pillow's own mode.

    Inks become RGB by their profile where the format does not hold them.
    """
    if mode == "CMYK":
        from convcli.images.io.inks import of_inks, rgb_of_inks

        image = of_inks(pixels)
        return image if form.inks else rgb_of_inks(image, profile)
    if mode == "I" and pixels.dtype.kind == "f":
        pixels = np.rint(pixels).clip(-(2.0**31), 2.0**31 - 1).astype(np.int32)
    elif pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32)
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def save_arrays(arrays: Mapping[str, NDArray[np.generic]], path: str, force: bool = False) -> None:
    """Write arrays by name to an .npz file. Raises OutputError."""
    write_file(path, lambda stream: np.savez(stream, allow_pickle=False, **arrays), force)
