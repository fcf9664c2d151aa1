"""Pools: windows that hold one number of the cells under them."""

from typing import NamedTuple

from convcli.geometry import Padding, Pair, Window
from convcli.nets.layers.shapes import (
    Measure,
    Shape,
    Sizes,
    Slot,
    Slots,
    maps,
    window_lengths,
    windows_on,
)
from convcli.records import equal_by_type


@equal_by_type
class Pool(NamedTuple):
    """A pooling window: the `max`, `average`, `min` or `lp` norm of its cells.

    `ceil` rounds up as PyTorch does, where the last window must start inside the input or its
    padding before. `trainable` is the subsampling of LeCun et al. 1998: a coefficient and a bias
    for each map.
    """

    kind: str
    kernel: Sizes
    stride: Sizes
    padding: tuple[Padding, ...]
    dilation: Sizes = (1, 1)
    ceil: bool = False
    count_include_pad: bool = True
    """Whether an average counts the zeros of the padding; no shape depends on it."""
    divisor: int | None = None
    """What an average divides its sums by, where it is not the cells: no shape depends on it."""
    trainable: bool = False
    power: float = 2.0
    """The p of an `lp` pool, (Σ xᵖ)^(1/p)."""

    @property
    def type(self) -> str:
        return f"{self.kind}_pool{len(self.kernel)}d"

    def measure(self, *inputs: Shape) -> Measure:
        shape = maps(self.type, inputs, len(self.kernel))
        windows = windows_on(shape, self.kernel, self.stride, self.dilation, self.padding)
        if self.ceil:
            windows = tuple(
                (window, _ceiled(length, window, padding))
                for length, (window, padding) in zip(shape[1:], windows, strict=True)
            )
        output = (shape[0], *window_lengths(shape, windows))
        return Measure(output, params=2 * shape[0] * self.trainable, windows=windows)

    def slots(self, shape: Shape) -> Slots:
        if not self.trainable:
            return {}
        return {"weight": Slot(shape[:1], 1.0), "bias": Slot(shape[:1], 0.0)}


def _ceiled(length: int, window: Window, padding: Pair) -> Pair:
    """The padding with as many cells more as the window of a rounded-up last place needs."""
    before, after = padding
    slack = length + before + after - window.reach
    places = -(-slack // window.stride) + 1
    if places < 1:
        return padding
    if (places - 1) * window.stride >= length + before:
        places -= 1
    return before, max((places - 1) * window.stride + window.reach - length - before, after)


@equal_by_type
class AdaptivePool(NamedTuple):
    """A pooling to lengths of one's choice (None keeps an axis); a global pool is one to 1.

    `squeeze` drops the axes, as Keras's global pools do.
    """

    kind: str
    sizes: tuple[int | None, ...]
    squeeze: bool = False

    @property
    def type(self) -> str:
        stem = "global" if set(self.sizes) == {1} else "adaptive"
        return f"{stem}_{self.kind}_pool{len(self.sizes)}d"

    def measure(self, *inputs: Shape) -> Measure:
        shape = maps(self.type, inputs, len(self.sizes))
        sizes = tuple(size or n for size, n in zip(self.sizes, shape[1:], strict=True))
        # from ⌊i·n/size⌋ to ⌈(i+1)·n/size⌉: equal windows where size divides n
        windows = tuple(
            (Window(-(-n // size), max(n // size, 1)), (0, 0))
            for size, n in zip(sizes, shape[1:], strict=True)
        )
        return Measure((shape[0], *(() if self.squeeze else sizes)), windows=windows)
