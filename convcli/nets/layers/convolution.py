"""Convolutions: plain, depthwise, separable, transposed."""

from math import prod

from convcli.borders import BorderName
from convcli.errors import UnfitError
from convcli.geometry import (
    Padding,
    Window,
    transposed_length,
    transposed_padding,
)
from convcli.nets.layers.shapes import (
    Measure,
    Shape,
    Sizes,
    Slot,
    Slots,
    bias_slot,
    check_channels,
    check_groups,
    maps,
    window_lengths,
    windows_on,
)
from convcli.records import NamedTuple, equal_by_type


@equal_by_type
class Conv(NamedTuple):
    """A convolution layer: `filters` filters, each over `channels / groups` input channels.

    Parameters are prod(kernel) · channels / groups · filters, and one bias per filter; MACs are
    every weight once for each position of the output.

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
    channels: int | None = None
    """Input channels, where the text declares them."""
    connections: int | None = None
    """Number of connected pairs of input and output maps, if not all of a group are connected."""
    border: BorderName = "zero"
    """The border mode of the padded cells: a name of `convcli.borders.BORDERS`."""
    padding_named: bool = False
    """Whether PyTorch's padding is given by name: "same" or "valid"."""

    @property
    def type(self) -> str:
        return f"conv{len(self.kernel)}d"

    def measure(self, *inputs: Shape) -> Measure:
        shape = maps(self.type, inputs, len(self.kernel))
        check_channels(self, shape)
        check_groups(self.groups, shape[0], self.filters)
        windows = windows_on(shape, self.kernel, self.stride, self.dilation, self.padding)
        lengths = window_lengths(shape, windows)
        every = shape[0] // self.groups * self.filters
        pairs = every if self.connections is None else self.connections
        if pairs > every:
            raise UnfitError(f"connections={pairs} is more than the {every:,} pairs of maps")
        weights, bias = prod(self.kernel) * pairs, self.filters * self.bias
        output = (self.filters, *lengths)
        return Measure(output, weights + bias, weights * prod(lengths), windows, bias)

    def slots(self, shape: Shape) -> Slots:
        weight = Slot((self.filters, shape[0] // self.groups, *self.kernel), "filters")
        return {"weight": weight, **bias_slot(self.filters, self.bias)}


@equal_by_type
class Depthwise(NamedTuple):
    """A convolution of each channel separately, with `multiplier` filters per channel."""

    kernel: Sizes
    stride: Sizes
    padding: tuple[Padding, ...]
    dilation: Sizes = (1, 1)
    multiplier: int = 1
    bias: bool = True

    @property
    def type(self) -> str:
        return f"depthwise_conv{len(self.kernel)}d"

    def measure(self, *inputs: Shape) -> Measure:
        shape = maps(self.type, inputs, len(self.kernel))
        return self.conv(shape[0]).measure(shape)

    def slots(self, shape: Shape) -> Slots:
        return self.conv(shape[0]).slots(shape)

    def conv(self, channels: int) -> Conv:
        """The grouped convolution it is."""
        filters = channels * self.multiplier
        return Conv(
            filters, self.kernel, self.stride, self.padding, self.dilation, channels, self.bias
        )


@equal_by_type
class Separable(NamedTuple):
    """A depthwise convolution without bias, then a 1×1 convolution (Chollet 2017), as one layer."""

    filters: int
    depthwise: Depthwise
    bias: bool = True

    @property
    def type(self) -> str:
        return f"separable_conv{len(self.depthwise.kernel)}d"

    def measure(self, *inputs: Shape) -> Measure:
        first = self.depthwise.measure(*inputs)
        second = self.pointwise.measure(first.output)
        return second._replace(
            params=first.params + second.params,
            macs=first.macs + second.macs,
            windows=first.windows,
        )

    def slots(self, shape: Shape) -> Slots:
        alone = self.depthwise.slots(shape)
        middle = shape[0] * self.depthwise.multiplier
        return {
            **{f"depthwise.{role}": slot for role, slot in alone.items()},
            **self.pointwise.slots((middle, *shape[1:])),
        }

    @property
    def pointwise(self) -> Conv:
        """The 1×1 convolution of its second half."""
        axes = len(self.depthwise.kernel)
        ones = (1,) * axes
        return Conv(self.filters, ones, ones, ((0, 0),) * axes, ones, 1, self.bias)


@equal_by_type
class TransposedConv(NamedTuple):
    """A transposed convolution: every input cell adds a kernel's worth of output.

    Numeric padding follows PyTorch, a padding name follows Keras
    (`convcli.geometry.transposed_padding`).

    >>> up = TransposedConv(8, (4, 4), (2, 2), ((1, 1), (1, 1)))
    >>> up.measure((16, 7, 7)).output
    (8, 14, 14)
    """

    filters: int
    kernel: Sizes
    stride: Sizes
    padding: tuple[Padding, ...]
    extra: Sizes = (0, 0)
    """Cells added at the end: PyTorch's `output_padding`."""
    dilation: Sizes = (1, 1)
    groups: int = 1
    bias: bool = True
    channels: int | None = None

    @property
    def type(self) -> str:
        return f"conv_transpose{len(self.kernel)}d"

    def measure(self, *inputs: Shape) -> Measure:
        shape = maps(self.type, inputs, len(self.kernel))
        check_channels(self, shape)
        check_groups(self.groups, shape[0], self.filters)
        windows = tuple(map(Window, self.kernel, self.stride, self.dilation))
        lengths = []
        for length, window, padding, extra in zip(
            shape[1:], windows, self.padding, self.extra, strict=True
        ):
            lengths.append(
                transposed_length(length, window, *transposed_padding(padding, window, extra))
            )
        weights = prod(self.kernel) * (shape[0] // self.groups) * self.filters
        bias = self.filters * self.bias
        # one step of the output is 1/stride of the input's
        readers = tuple((Window(window.overlap), (0, 0)) for window in windows)
        return Measure(
            output=(self.filters, *lengths),
            params=weights + bias,
            macs=weights * prod(shape[1:]),
            windows=readers,
            bias=bias,
            upsampling=self.stride,
        )

    def slots(self, shape: Shape) -> Slots:
        weight = Slot((shape[0], self.filters // self.groups, *self.kernel), "transposed")
        return {"weight": weight, **bias_slot(self.filters, self.bias)}
