"""16-bit color, whose high and low bytes are decoded one after the other.

Pillow's images hold 8 bits a sample of color, but its decoders take either byte of one. This file
does without NumPy at its top, so that a picture is decoded while NumPy is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PIL import Image
from PIL.ImageFile import ImageFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcli.images.arrays import Samples

DEEP = {
    "LA;16": "LA;16",
    "RGB;16": "RGB;16",
    "RGBA;16": "RGBA;16",
    "RGBX;16": "RGB;16",
    "RGBa;16": "RGBA;16",
}
"""How Pillow's decoders call 16-bit color, byte order left out, and the mode it is read in."""


def raw_mode(image: Image.Image) -> str:
    """How the samples of an image that is not decoded yet lie in its file, as Pillow names it.

    >>> raw_mode(Image.new("L", (2, 2)))
    ''
    """
    if not isinstance(image, ImageFile) or not image.tile:
        return ""
    arguments = image.tile[0].args
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def is_deep(image: Image.Image) -> bool:
    """Whether an image that is not decoded yet is of 16-bit color."""
    return raw_mode(image)[:-1] in DEEP


class Halves(NamedTuple):
    """16-bit color that is decoded: images of its bytes, and how those make samples."""

    raw: str
    first: Image.Image
    second: Image.Image | None

    def turned(self, turn: Callable[[Image.Image], Image.Image]) -> Halves:
        """The same, both turned."""
        return Halves(self.raw, turn(self.first), self.second and turn(self.second))

    def samples(self) -> Samples:
        """The samples (h, w, c) as they stand in the file, as uint16; premultiplied ones divided.

        >>> Halves("LA;16B", Image.new("RGBA", (1, 1), (1, 2, 3, 4)), None).samples().tolist()
        [[[258, 772]]]
        """
        import numpy as np

        if self.second is None:  # gray and alpha lie as four bytes do
            pairs: Samples = np.array(self.first).view(">u2")
            return pairs.astype(np.uint16)
        order = {"B": ">u2", "L": "<u2"}.get(self.raw[-1], "=u2")
        halves = np.stack([np.asarray(self.first), np.asarray(self.second)], axis=-1)
        samples = halves.view(order)[..., 0].astype(np.uint16, copy=False)
        if self.raw.startswith("RGBa"):
            alpha = np.maximum(samples[..., 3:].astype(np.int64), 1)
            color = (samples[..., :3].astype(np.int64) * 65535 + alpha // 2) // alpha
            samples[..., :3] = color.clip(0, 65535)
        return samples


def decode_halves(image: ImageFile, again: ImageFile) -> Halves:
    """Decode an image of 16-bit color, and its second bytes from `again`, the same opened anew.

    Raises what Pillow does on bad files.
    """
    raw = raw_mode(image)
    if raw.startswith("LA"):  # a unit of PNG's filters is four bytes, as it is of RGBA
        _load(image, "RGBA")
        return Halves(raw, image, None)
    name = raw[:-1].replace("a", "A")
    _load(image, f"{name}B")
    _load(again, f"{name}L")
    return Halves(raw, image, again)


def _load(image: ImageFile, raw: str) -> None:
    """Decode an image whose samples lie as a raw mode says."""
    image.tile = [
        tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw)
        for tile in image.tile
    ]
    image.load()
