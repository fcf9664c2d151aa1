"""Colors of figures: Okabe and Ito's, which the color-blind tell apart, in distinct lightness."""

from typing import NamedTuple


class Theme(NamedTuple):
    """The colors of what is not a block."""

    background: str
    text: str
    faint: str
    outline: str


THEMES = {
    "light": Theme("#ffffff", "#1b1f24", "#57606a", "#39424e"),
    "dark": Theme("#0d1117", "#e6edf3", "#9aa6b2", "#c9d1d9"),
}

FILLS = {
    "input": "#eef1f4",
    "convolution": "#f5cf6b",
    "pooling": "#d1603d",
    "linear": "#79b4e0",
    "addition": "#37a98a",
    "concatenation": "#c78fb5",
    "enlarging": "#4a7fb5",
    "operation": "#c4c9cf",
}
"""The fill of a block, by its kind; black text is read on each."""
BLOCK_TEXT = "#111418"


def shaded(color: str, factor: float) -> str:
    """A color made darker, or lighter with a factor above 1.

    >>> shaded("#ff8000", 0.5)
    '#804000'
    """
    parts = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    if factor > 1:
        return "#" + "".join(f"{round(part + (255 - part) * (factor - 1)):02x}" for part in parts)
    return "#" + "".join(f"{round(part * factor):02x}" for part in parts)
