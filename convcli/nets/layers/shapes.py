"""Shapes, the protocol of layers, and the checks that layers share.

A shape is `(channels, *lengths)` of one image: `(3, 224, 224)` is height 224, width 224 and
3 channels; `(10,)` is a vector.
"""

from collections.abc import Callable, Mapping
from math import gcd
from typing import Literal, Protocol

from convcli.errors import UnfitError
from convcli.geometry import Padding, Pair, Window, output_length, resolve_padding
from convcli.records import NamedTuple

Shape = tuple[int, ...]
Sizes = tuple[int, ...]
Windows = tuple[tuple[Window, Pair], ...]

AXES: dict[int, tuple[str, ...]] = {
    0: (),
    1: ("length",),
    2: ("height", "width"),
    3: ("depth", "height", "width"),
}
"""Names of the axes after the channels, by their number."""


class Measure(NamedTuple):
    """The output shape and the costs of a layer; all counts are for one image."""

    output: Shape
    params: int = 0
    """Trainable parameters, weights and biases."""
    macs: int = 0
    """Multiply–accumulates of the weights, without biases."""
    windows: Windows = ()
    """Window and padding on each axis; empty for a layer that works cell by cell."""
    bias: int = 0
    """The part of `params` that is biases of convolutions and linear layers."""
    statistics: int = 0
    """Running statistics: stored but not trained."""
    counted: bool = False
    """Whether the statistics are parameters, as Keras counts them."""
    upsampling: Sizes = ()
    """Output cells per input cell, on each axis, if the layer enlarges."""
    mixes: bool = False
    """Whether any cell of the output may depend on any of the input."""


Fill = Literal["filters", "transposed", "codes"]


class Slot(NamedTuple):
    """One array of weights: its shape, and its initial value or how it is drawn.

    "filters" are drawn along the first axis, "transposed" along the second, "codes" are ±1.
    """

    shape: Shape
    fill: Fill | float


Slots = dict[str, Slot]
"""The weights of a layer, by role: `weight`, `bias`, `running_mean`."""

Builder = Callable[..., "Layer"]
"""A function that builds a record from the arguments in a text."""

Names = Mapping[str, Mapping[str, Builder]]
"""Builders by layer name, by vocabulary ("short", "PyTorch", "Keras")."""


class Layer(Protocol):
    """The protocol of every layer.

    One that has weights also has `slots(shape)`, the arrays of an input of this shape by role.
    """

    @property
    def type(self) -> str:
        """Its usual name: `conv2d`, `leaky_relu`."""

    def measure(self, *inputs: Shape) -> Measure:
        """Its output and costs for inputs of these shapes. Raises UnfitError for a misfit."""


class Misfit(UnfitError):
    """A layer that does not declare the input it receives; `corrected` is one that would fit."""

    def __init__(self, message: str, corrected: Layer, declared: int, met: int) -> None:
        super().__init__(message)
        self.corrected = corrected
        self.declared = declared
        self.met = met


def windows_on(
    shape: Shape, kernel: Sizes, stride: Sizes, dilation: Sizes, padding: tuple[Padding, ...]
) -> Windows:
    """The window on each axis with its padding in cells."""
    windows = map(Window, kernel, stride, dilation)
    return tuple(
        (window, resolve_padding(pad, length, window))
        for length, window, pad in zip(shape[1:], windows, padding, strict=True)
    )


def window_lengths(shape: Shape, windows: Windows) -> Sizes:
    """The output lengths of a window on each axis; a misfit names its axis."""
    lengths = []
    for place, (window, padding) in enumerate(windows):
        try:
            lengths.append(output_length(shape[place + 1], window, padding))
        except UnfitError as misfit:
            raise UnfitError(f"{AXES[len(windows)][place]}: {misfit}") from None
    return tuple(lengths)


def size_text(shape: Shape) -> str:
    """A shape as people write it, H×W×C.

    >>> size_text((3, 224, 224)), size_text((10,))
    ('224x224x3', '10')
    """
    return "x".join(map(str, (*shape[1:], shape[0])))


def maps(type_: str, inputs: tuple[Shape, ...], axes: int) -> Shape:
    """The one input of a layer that needs channels and a number of axes."""
    (shape,) = inputs
    if len(shape) != axes + 1:
        raise UnfitError(
            f"{type_} needs {' x '.join(AXES[axes])} x channels, its input is {size_text(shape)}"
        )
    return shape


class DeclaredInput(Layer, Protocol):
    """A layer that may declare the channels of its input."""

    @property
    def channels(self) -> int | None:
        """Input channels, where they are declared."""

    def _replace(self, *, channels: int) -> Layer:
        """The same layer for another input."""


def check_channels(layer: DeclaredInput, shape: Shape) -> None:
    """Refuse an input whose channels are not those that a layer declares, if it declares any."""
    if layer.channels is not None and layer.channels != shape[0]:
        raise Misfit(
            f"{layer.type} of {layer.channels} channels meets {shape[0]:,} channels",
            layer._replace(channels=shape[0]),
            layer.channels,
            shape[0],
        )


def check_groups(groups: int, channels: int, filters: int) -> None:
    """Refuse groups that do not divide channels and filters alike."""
    if channels % groups == 0 and filters % groups == 0:
        return
    common = gcd(channels, filters)
    would = ", ".join(str(d) for d in range(1, min(common, 64) + 1) if common % d == 0)
    count, noun = (channels, "input channels") if channels % groups else (filters, "filters")
    raise UnfitError(f"groups={groups} does not divide {count} {noun}; common divisors: {would}")


def factors(shape: Shape) -> str:
    """The sizes of maps, printed after the number of their values."""
    return f" ({size_text(shape)})" if len(shape) > 1 else ""


def bias_slot(outputs: int, wanted: bool) -> Slots:
    """The bias of a layer that has one."""
    return {"bias": Slot((outputs,), 0.0)} if wanted else {}


def slots_of(layer: Layer, shape: Shape) -> Slots:
    """The weights of a layer for an input of this shape, by role; most layers have none.

    >>> from convcli.nets.readers.read import read_text
    >>> conv = read_text("conv(8, 5)").network.nodes[0].layer
    >>> {role: slot.shape for role, slot in slots_of(conv, (3, 9, 9)).items()}
    {'weight': (8, 3, 5, 5), 'bias': (8,)}
    """
    slots: Callable[[Shape], Slots] | None = getattr(layer, "slots", None)
    return slots(shape) if slots else {}
