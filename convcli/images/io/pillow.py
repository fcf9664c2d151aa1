"""Between Pillow's images and our arrays: modes, orientation, frames."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convcli.errors import PictureError
from convcli.images.image import Picture
from convcli.images.io.metadata import is_sound

ALPHA = {"LA", "RGBA"}
SAME_COLOURS = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16", "I", "F", "CMYK"}
"""Modes whose colour profile still describes the picture once it is an array."""

KEPT = {"dpi", "exif", "xmp", "comment"}
"""Metadata that a result keeps; a colour profile too, where the colours are the same."""

COPIED_ROWS = 16
"""Rows of an image that become an array at once: what Pillow copies them through stays in cache,
and is a fifth of the time that one copy of a large image takes."""


def picture_of(image: Image.Image, every_kind: bool, deep: bool) -> Picture:
    """The picture that an opened image is, upright; `deep` where Pillow reads 16 bits as 8.

    Raises PictureError for what is not read: several frames, 32 bits and four inks without
    `every_kind`, and samples that are no numbers.
    """
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
        return _frames(image, form, count, notes)
    image.load()
    upright = _upright(image)
    plain = _plain(upright, form, every_kind)
    metadata = _metadata(upright, plain, notes) | _texts(image)
    pixels = _samples(plain)
    if pixels.dtype.kind == "i":
        pixels = pixels.astype(np.float64)
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise PictureError("it holds samples that are not finite numbers")
    mode = plain.mode if plain.mode in ("CMYK", "I", "F") else ""
    return Picture(pixels, plain.mode in ALPHA, form, metadata, tuple(notes), mode)


def _metadata(upright: Image.Image, plain: Image.Image, notes: list[str]) -> dict[str, Any]:
    """What is kept beside the pixels; a profile of inks does not describe the colours of them."""
    same = upright.mode in SAME_COLOURS and (upright.mode == "CMYK") == (plain.mode == "CMYK")
    kept = KEPT | ({"icc_profile"} if same else set())
    metadata = {key: value for key, value in upright.info.items() if key in kept}
    if metadata.get("exif") and not is_sound(metadata["exif"]):
        del metadata["exif"]
        notes.append("its EXIF is damaged, and is left out")
    return metadata


def _texts(image: Image.Image) -> dict[str, Any]:
    texts = getattr(image, "text", None)
    return {"text": dict(texts)} if texts else {}


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


def _frames(image: Image.Image, form: str, count: int, notes: list[str]) -> Picture:
    """An animation, or the pages of a TIFF: every frame as it is shown, and for how long."""
    frames, durations = [], []
    metadata: dict[str, Any] = {}
    for number in range(count):
        image.seek(number)
        image.load()
        upright = _upright(image.copy())
        frames.append(_plain(upright, form, False))
        durations.append(int(image.info.get("duration", 0)))
        if not number:
            metadata = _metadata(upright, frames[0], notes)
    modes = {frame.mode for frame in frames}
    if len(modes) > 1:
        if "I;16" in modes:
            notes.append("16-bit frames beside others are read with 8 bits a sample")
        mode = "RGBA" if modes & ALPHA else "RGB"
        frames = [_of_8_bits(frame).convert(mode) for frame in frames]
    first, *rest = map(_samples, frames)
    timing: dict[str, Any] = {} if form == "TIFF" else {"duration": durations}
    if "loop" in image.info:
        timing["loop"] = image.info["loop"]
    return Picture(
        first,
        frames[0].mode in ALPHA,
        form,
        metadata | _texts(image),
        tuple(notes),
        frames=tuple(rest),
        timing=timing,
    )


def _of_8_bits(image: Image.Image) -> Image.Image:
    """A frame with the high bytes of 16-bit samples, which Pillow would clip."""
    if image.mode != "I;16":
        return image
    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))


def image_of(pixels: NDArray[Any], mode: str, form: str) -> Image.Image:
    """The image that Pillow saves in a format: samples (h, w, c) in Pillow's own mode."""
    if mode == "CMYK":
        image = of_inks(pixels)
        return image if form in ("JPEG", "TIFF") else image.convert("RGB")
    if mode == "I" and pixels.dtype.kind == "f":
        pixels = np.rint(pixels).clip(-(2.0**31), 2.0**31 - 1).astype(np.int32)
    elif pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32)
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def of_inks(pixels: NDArray[np.uint8]) -> Image.Image:
    """Samples (h, w, 4) of cyan, magenta, yellow and black; four samples else are RGBA.

    >>> of_inks(np.full((1, 1, 4), (255, 0, 0, 0), np.uint8)).convert("RGB").getpixel((0, 0))
    (0, 255, 255)
    """
    size = pixels.shape[1], pixels.shape[0]
    return Image.frombuffer("CMYK", size, np.ascontiguousarray(pixels), "raw", "CMYK", 0, 1)
