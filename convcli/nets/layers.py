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


class Layer(Protocol):
    """What every layer answers. `shape` is always the shape of its input."""

    @property
    def type(self) -> str:
        """The field's name for it: `conv2d`, `leaky_relu`."""

    def output(self, shape: Shape) -> Shape:
        """The shape it gives. Raises UnfitError when the input does not fit."""

    def params(self, shape: Shape) -> int:
        """Trainable parameters, weights and biases."""

    def macs(self, shape: Shape) -> int:
        """Multiply–accumulates of its weights for one image; bias is not in them."""

    def windows(self, shape: Shape) -> tuple[tuple[Window, Pair], ...]:
        """Window and padding on each axis; none for a layer that works cell by cell."""


def _same_shape(self: Layer, shape: Shape) -> Shape:
    return shape


def _none(self: Layer, shape: Shape) -> int:
    return 0


def _cell_by_cell(self: Layer, shape: Shape) -> tuple[tuple[Window, Pair], ...]:
    return ()


class Conv(NamedTuple):
    """A convolution layer: `filters` filters, each over `channels / groups` input channels.

    >>> conv = Conv(filters=96, kernel=(11, 11), stride=(4, 4), padding=((0, 0), (0, 0)))
    >>> conv.output((3, 227, 227)), conv.params((3, 227, 227)), conv.macs((3, 227, 227))
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

    def windows(self, shape: Shape) -> tuple[tuple[Window, Pair], ...]:
        windows = map(Window, self.kernel, self.stride, self.dilation)
        return tuple(
            (window, resolve_padding(padding, length, window))
            for length, window, padding in zip(shape[1:], windows, self.padding, strict=True)
        )

    def output(self, shape: Shape) -> Shape:
        self._check(shape)
        return self.filters, *window_lengths(shape, self.windows(shape))

    def params(self, shape: Shape) -> int:
        """prod(kernel) · channels / groups · filters, and a bias for each filter."""
        return self._weights(shape) + self.filters * self.bias

    def macs(self, shape: Shape) -> int:
        """Every weight once for each place of the output."""
        return self._weights(shape) * prod(self.output(shape)[1:])

    def _weights(self, shape: Shape) -> int:
        return prod(self.kernel) * (shape[0] // self.groups) * self.filters

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

    function: str
    slope: float = 0.0

    @property
    def type(self) -> str:
        return self.function

    output = _same_shape
    params = _none
    macs = _none
    windows = _cell_by_cell


def window_lengths(shape: Shape, windows: tuple[tuple[Window, Pair], ...]) -> Sizes:
    """The output's lengths under a window on each axis; a misfit says on which."""
    lengths = []
    for axis, length, (window, padding) in zip(
        AXES[len(windows)], shape[1:], windows, strict=True
    ):
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
