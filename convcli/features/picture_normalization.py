"""The normalizations of a picture's samples that networks were trained with: names and values."""

import re

from convcli.errors import SpecError
from convcli.numerals import read_number
from convcli.records import NamedTuple
from convcli.text import like, safe

NORMALIZATIONS: dict[str, str] = {
    "unit": "",
    "standard": "",
    "none": "",
    "imagenet": "mean=0.485,0.456,0.406,std=0.229,0.224,0.225",
    "torch": "mean=0.485,0.456,0.406,std=0.229,0.224,0.225",
    "tf": "mean=0.5,std=0.5",
    "caffe": "scale=255,bgr,mean=103.939,116.779,123.68",
}
"""Names, and the values they stand for: 0..1; mean 0 and standard deviation 1 of each picture;
0..255 as in the file; ImageNet's colors; what models of PyTorch, TensorFlow and Caffe expect."""

KEYS = ("mean", "std", "scale")


class Normalization(NamedTuple):
    """Samples of 0..1, times `scale`, in the order of colors, less `mean`, over `std`."""

    scale: float = 1.0
    mean: tuple[float, ...] = ()
    """One number for all colors, or one per color in the order that the network takes."""
    std: tuple[float, ...] = ()
    bgr: bool = False
    """Whether blue comes first."""


def read_normalization(text: str) -> Normalization:
    """The values of a name of NORMALIZATIONS, or those that a text gives.

    >>> read_normalization("mean=123,117,104,std=58,scale=255,bgr")
    Normalization(scale=255.0, mean=(123.0, 117.0, 104.0), std=(58.0,), bgr=True)

    Raises SpecError for a word that is not known, and for a standard deviation of 0.
    """
    pieces = re.split(r"[,;\s]+", NORMALIZATIONS.get(text, text).strip())
    values: dict[str, list[float]] = {}
    bgr, key = False, ""
    for piece in filter(None, pieces):
        name, equals, rest = piece.partition("=")
        if piece == "bgr":
            bgr = True
            continue
        if equals:
            key, piece = name, rest
        if key not in KEYS or (equals and key in values):
            known = (*NORMALIZATIONS, *KEYS, "bgr")
            raise SpecError(
                f"normalize {safe(text)!r:.80} is not one of {', '.join(NORMALIZATIONS)}, nor "
                f"mean=…,std=…,scale=…,bgr{like(name, known)}"
            )
        try:
            values.setdefault(key, []).append(float(read_number(piece)))
        except (ValueError, OverflowError):
            raise SpecError(f"{safe(piece)!r:.40} in {safe(text)!r:.80} is not a number") from None
    for name, numbers in values.items():
        if len(numbers) not in ((1,) if name == "scale" else (1, 3)):
            raise SpecError(f"{name} takes 1 or 3 numbers, not {len(numbers)}: {safe(text)!r:.80}")
    if 0 in (*values.get("std", ()), *values.get("scale", ())):
        raise SpecError(f"a {safe(text)!r:.80} of 0 erases the picture")
    (scale,) = values.get("scale", [1.0])
    return Normalization(scale, tuple(values.get("mean", ())), tuple(values.get("std", ())), bgr)
