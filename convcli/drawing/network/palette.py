"""Colors of figures: Okabe and Ito's, safe for color-blind readers, of distinct lightness."""

from collections.abc import Iterable, Sequence

from convcli.drawing.network.blocks import Block
from convcli.records import NamedTuple


class Theme(NamedTuple):
    """The colors of everything but blocks."""

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
RAMP = ((255, 250, 235), (240, 150, 60))
"""The colors of the smallest and the largest share; black text is read on both."""
COLORINGS = ("type", "params", "macs")


class Coloring:
    """What the fill of a block says: its kind, or its share of the parameters or MACs.

    A share is shown as the square root of its part of the largest, so that small ones differ too.
    """

    def __init__(self, blocks: Sequence[Block], by: str = "type", legend: bool = False) -> None:
        self.by = by
        self.maximum = max(map(self._count, blocks), default=0)
        self.entries: list[tuple[str, str]] = []
        """What a legend lists: fills and what they mean."""
        if by != "type":
            name = "MACs" if by == "macs" else "parameters"
            for quarters in (0, 1, 2, 3, 4):
                # at half the length of the ramp lies a quarter of the largest count
                count = round(self.maximum * quarters * quarters / 16)
                text = f"{count:,} {name}" if quarters == 4 else f"{count:,}"
                self.entries.append((_ramp(quarters / 4), text))
        elif legend:
            kinds = {block.kind for block in blocks}
            self.entries = [(fill, kind) for kind, fill in FILLS.items() if kind in kinds]

    def _count(self, block: Block) -> int:
        return block.params if self.by == "params" else block.macs

    def fill(self, block: Block) -> str:
        if self.by == "type":
            return FILLS[block.kind]
        return _ramp((self._count(block) / self.maximum) ** 0.5 if self.maximum else 0.0)


def _ramp(share: float) -> str:
    low, high = RAMP
    return hex_color(round(a + (b - a) * share) for a, b in zip(low, high, strict=True))


def shaded(color: str, factor: float) -> str:
    """A color made darker, or lighter with a factor above 1.

    >>> shaded("#ff8000", 0.5)
    '#804000'
    """
    parts = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    if factor > 1:
        return hex_color(round(part + (255 - part) * (factor - 1)) for part in parts)
    return hex_color(round(part * factor) for part in parts)


def hex_color(parts: Iterable[int]) -> str:
    """Red, green and blue from 0 to 255 as `#rrggbb`."""
    return "#" + "".join(f"{part:02x}" for part in parts)
