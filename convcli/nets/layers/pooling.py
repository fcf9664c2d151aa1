"""Pools: windows that reduce the cells under them to one number."""

from typing import Literal

from convcli.errors import UnfitError
from convcli.geometry import Padding, adaptive_window, ceil_padding, pool_padding_refusal
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
from convcli.records import NamedTuple, equal_by_type

PoolKind = Literal["max", "average", "min", "lp"]


@equal_by_type
class Pool(NamedTuple):
    """A pooling window: the `max`, `average`, `min` or `lp` norm of its cells.

    `ceil` is PyTorch's `ceil_mode`. `trainable` is the subsampling of LeCun et al. 1998: a
    coefficient and a bias for each map.
    """

    kind: PoolKind
    kernel: Sizes
    stride: Sizes
    padding: tuple[Padding, ...]
    dilation: Sizes = (1, 1)
    ceil: bool = False
    count_include_pad: bool = True
    """Whether an average counts the zeros of the padding; no shape depends on it."""
    divisor: int | None = None
    """The divisor of an average, if it is not the number of cells; no shape depends on it."""
    trainable: bool = False
    power: float = 2.0
    """The p of an `lp` pool, (Σ xᵖ)^(1/p)."""

    @property
    def type(self) -> str:
        return f"{self.kind}_pool{len(self.kernel)}d"

    def measure(self, *inputs: Shape) -> Measure:
        shape = maps(self.type, inputs, len(self.kernel))
        windows = windows_on(shape, self.kernel, self.stride, self.dilation, self.padding)
        for window, padding in windows:
            refusal = pool_padding_refusal(window, padding)
            if refusal:
                raise UnfitError(refusal)
        if self.ceil:
            windows = tuple(
                (window, ceil_padding(length, window, padding))
                for length, (window, padding) in zip(shape[1:], windows, strict=True)
            )
        output = (shape[0], *window_lengths(shape, windows))
        return Measure(output, params=2 * shape[0] * self.trainable, windows=windows)

    def slots(self, shape: Shape) -> Slots:
        if not self.trainable:
            return {}
        return {"weight": Slot(shape[:1], 1.0), "bias": Slot(shape[:1], 0.0)}


@equal_by_type
class AdaptivePool(NamedTuple):
    """A pool to given lengths (None keeps an axis); a global pool is one to 1.

    `squeeze` drops the axes, as Keras's global pools do.
    """

    kind: PoolKind
    sizes: tuple[int | None, ...]
    squeeze: bool = False

    @property
    def type(self) -> str:
        stem = "global" if set(self.sizes) == {1} else "adaptive"
        return f"{stem}_{self.kind}_pool{len(self.sizes)}d"

    def measure(self, *inputs: Shape) -> Measure:
        shape = maps(self.type, inputs, len(self.sizes))
        sizes = tuple(size or n for size, n in zip(self.sizes, shape[1:], strict=True))
        windows = tuple(
            (adaptive_window(n, size), (0, 0)) for size, n in zip(sizes, shape[1:], strict=True)
        )
        return Measure((shape[0], *(() if self.squeeze else sizes)), windows=windows)
