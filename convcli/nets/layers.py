"""One frozen record per layer: the shape it gives, its parameters, its MACs, its windows.

A shape is `(channels, *lengths)` of one image: `(3, 224, 224)` is height 224, width 224 and
3 channels; `(10,)` is a vector. The records are NamedTuples because a `shape` process lives about
as long as it takes to import click: a dataclass costs 0.4 ms to define, a NamedTuple 0.05 ms.
"""

from math import gcd, prod
from typing import NamedTuple, Protocol

from convcli.errors import UnfitError
from convcli.nets.geometry import Padding, Pair, Window, output_length, resolve_padding

Shape = tuple[int, ...]
Sizes = tuple[int, ...]

AXES: dict[int, tuple[str, ...]] = {
    0: (),
    1: ("length",),
    2: ("height", "width"),
    3: ("depth", "height", "width"),
}
"""Names of the axes behind the channels, by how many there are."""


class Measure(NamedTuple):
    """What a layer makes of its inputs, and what it costs; all counts are for one image."""

    output: Shape
    params: int = 0
    """Trainable parameters, weights and biases."""
    macs: int = 0
    """Multiply–accumulates of the weights; bias is not in them."""
    windows: tuple[tuple[Window, Pair], ...] = ()
    """Window and padding on each axis; none for a layer that works cell by cell."""


class Layer(Protocol):
    """What every layer answers."""

    @property
    def type(self) -> str:
        """The field's name for it: `conv2d`, `leaky_relu`."""

    def measure(self, *inputs: Shape) -> Measure:
        """What it makes of inputs of these shapes. Raises UnfitError when they do not fit."""


class Conv(NamedTuple):
    """A convolution layer: `filters` filters, each over `channels / groups` input channels.

    Parameters are prod(kernel) · channels / groups · filters, and a bias a filter; MACs are every
    weight once for each place of the output.

    >>> conv = Conv(filters=96, kernel=(11, 11), stride=(4, 4), padding=((0, 0), (0, 0)))
    >>> conv.measure((3, 227, 227))[:3]
    ((96, 55, 55), 34944, 105415200)
    """

    filters: int
    kernel: Sizes
    stride: Sizes
    padding: tuple[Padding, ...]
    dilation: Sizes = (1, 1)
    groups: int = 1
    bias: bool = True

    @property
    def type(self) -> str:
        return f"conv{len(self.kernel)}d"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        channels, *lengths = shape
        self._check(shape)
        windows = tuple(
            (window, resolve_padding(padding, length, window))
            for length, window, padding in zip(
                lengths,
                map(Window, self.kernel, self.stride, self.dilation),
                self.padding,
                strict=True,
            )
        )
        places = window_lengths(shape, windows)
        weights = prod(self.kernel) * (channels // self.groups) * self.filters
        return Measure(
            output=(self.filters, *places),
            params=weights + self.filters * self.bias,
            macs=weights * prod(places),
            windows=windows,
        )

    def _check(self, shape: Shape) -> None:
        if len(shape) != len(self.kernel) + 1:
            raise UnfitError(
                f"{self.type} needs channels and {len(self.kernel)} axes, "
                f"its input has the shape {size_text(shape)}"
            )
        for count, noun in ((shape[0], "input channels"), (self.filters, "filters")):
            if count % self.groups:
                raise UnfitError(
                    f"groups={self.groups} does not divide {count} {noun}; "
                    f"common divisors: {_divisors_text(shape[0], self.filters)}"
                )


class Activation(NamedTuple):
    """A function of each value alone; `slope` is what leaky ReLU multiplies negatives by."""

    type: str
    slope: float = 0.0

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        return Measure(output=shape)


def window_lengths(shape: Shape, windows: tuple[tuple[Window, Pair], ...]) -> Sizes:
    """The output's lengths under a window on each axis; a misfit says on which."""
    lengths = []
    for axis, length, (window, padding) in zip(AXES[len(windows)], shape[1:], windows, strict=True):
        try:
            lengths.append(output_length(length, window, padding))
        except UnfitError as misfit:
            raise UnfitError(f"{axis}: {misfit}") from None
    return tuple(lengths)


def size_text(shape: Shape) -> str:
    """A shape as people write it, H×W×C.

    >>> size_text((3, 224, 224)), size_text((10,))
    ('224x224x3', '10')
    """
    return "x".join(map(str, (*shape[1:], shape[0])))


def _divisors_text(*counts: int) -> str:
    common = gcd(*counts)
    return ", ".join(str(d) for d in range(1, min(common, 64) + 1) if common % d == 0)
