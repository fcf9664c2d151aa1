"""How Pillow decodes a picture, and which settings stop it from reading samples wrong.

Its images hold 8 bits a sample of color, but its decoders take either byte of one: the high and the
low bytes of 16-bit color are decoded one after the other. This file does without NumPy at its top,
so that a picture is decoded while NumPy is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image
from PIL.ImageFile import ImageFile

from convcli.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcli.images.image import Header
    from convcli.images.pixel_arrays import Samples

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
        """Both halves, turned."""
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


NATIVE = {"I;16BS": "I;16NS", "I;32BS": "I;32NS", "F;32BF": "F;32NF"}
"""Big-endian samples, and how they lie once libtiff has unpacked them: in the machine's order."""


def set_order(image: Image.Image) -> None:
    """Have compressed big-endian samples of a TIFF read in the order that libtiff gives them."""
    raw = raw_mode(image)
    if raw in NATIVE and isinstance(image, ImageFile):
        image.tile = [
            tile._replace(args=(NATIVE[raw], *tile.args[1:]))
            if tile.codec_name == "libtiff" and isinstance(tile.args, tuple)
            else tile
            for tile in image.tile
        ]


GRAY_LEVELS = {"1": 1, "L;2": 3, "L;4": 15}
"""How Pillow stores the grays of a PNG of 1, 2 or 4 bits, and the lightest of them."""


def scale_key(image: Image.Image) -> None:
    """The transparent gray of a PNG on the scale of 8 bits, as Pillow gives its samples."""
    key = image.info.get("transparency")
    tiles = getattr(image, "tile", [])
    if image.format == "PNG" and isinstance(key, int) and image.mode in ("1", "L") and tiles:
        lightest = GRAY_LEVELS.get(str(tiles[0][3]))
        if lightest is not None and key <= lightest:  # some Pillows scale one of 1 bit
            image.info["transparency"] = key * 255 // lightest


def sample_bits(start: bytes, form: str) -> int:
    """Bits a sample of a JPEG 2000 or an AVIF that begins so; 8 where that is not known.

    Sources: ITU-T T.800, A.5.1 (Ssiz); AV1 Image File Format 1.1, av1C, which tells 8 from more.
    """
    if form == "JPEG2000":
        place = start.find(b"\xff\x4f\xff\x51")
        size = start[place + 42 : place + 43] if place >= 0 else b""
        return (size[0] & 0x7F) + 1 if size else 8
    place = start.find(b"av1C") if form == "AVIF" else -1
    flags = start[place + 6 : place + 7] if place >= 0 else b""
    return 10 if flags and flags[0] & 0x40 else 8


class Decoded(NamedTuple):
    """What is known of an image once its decoder has been told what to do."""

    bits: int = 8
    """Bits per sample, of formats where Pillow does not scale 9 to 15."""
    narrowed: bool = False
    """Whether samples of 16 bits are read as 8, which Pillow does silently."""
    halves: Halves | None = None
    """16-bit color."""


def decode(
    image: ImageFile, header: Header, start: bytes, again: Callable[[], ImageFile]
) -> Decoded:
    """Decode an image that begins so, if it is one frame; `again` opens it anew.

    Raises what Pillow does on bad files.
    """
    whole = header.array_mode.endswith(";16")
    if whole and is_deep(image) and header.frames == 1:
        with again() as second:
            return Decoded(halves=decode_halves(image, second))
    set_order(image)
    tiles = image.tile
    # a BMP of "BGR;16" has 5 and 6 bits a sample
    deep = image.format != "BMP" and any(";16" in str(tile[3]) for tile in tiles)
    if image.format == "PPM" and tiles and isinstance(tiles[0][3], tuple):
        deep = any(isinstance(value, int) and value > 255 for value in tiles[0][3])
    bits = image.info.get("bit_depth") or sample_bits(start, image.format or "")
    deep = deep or bits > 8
    scale_key(image)
    if header.frames == 1:
        image.load()
    return Decoded(bits, deep and not whole and not image.mode.startswith("I"))
