"""Pictures of four inks, cyan, magenta, yellow and black, and what they are as sRGB."""

from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from convcli.images.pixel_arrays import Samples

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform


def of_inks(pixels: Samples) -> Image.Image:
    """Samples (h, w, 4) of cyan, magenta, yellow and black; four samples else are RGBA.

    >>> of_inks(np.full((1, 1, 4), (255, 0, 0, 0), np.uint8)).convert("RGB").getpixel((0, 0))
    (0, 255, 255)
    """
    size = pixels.shape[1], pixels.shape[0]
    return Image.frombuffer("CMYK", size, np.ascontiguousarray(pixels), "raw", "CMYK", 0, 1)


def rgb_of_inks(inks: Image.Image, profile: object) -> Image.Image:
    """Inks as sRGB by a profile of theirs, else by (1 − ink)(1 − black) as Pillow has it."""
    transform = _transform(profile) if isinstance(profile, bytes) else None
    if transform is None:
        return inks.convert("RGB")
    rgb = Image.new("RGB", inks.size)
    transform.apply(inks, rgb)
    return rgb


def conversion_text(profile: object) -> str:
    """What becomes of inks where there is no room for them.

    >>> conversion_text(b"scrambled")
    'its inks are converted to RGB by (1 - ink)(1 - black), without a profile'
    """
    if isinstance(profile, bytes) and _transform(profile) is not None:
        return "its inks are converted to sRGB by its color profile"
    return "its inks are converted to RGB by (1 - ink)(1 - black), without a profile"


@lru_cache(maxsize=4)
def _transform(profile: bytes) -> "ImageCmsTransform | None":
    """From inks to sRGB, black to black; None for a profile that is damaged or of other colors."""
    from PIL import ImageCms

    try:
        with BytesIO(profile) as stream:
            return ImageCms.buildTransform(
                ImageCms.ImageCmsProfile(stream),
                ImageCms.createProfile("sRGB"),
                "CMYK",
                "RGB",
                ImageCms.Intent.RELATIVE_COLORIMETRIC,
                ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
    except (ImageCms.PyCMSError, OSError, ImportError):
        return None
