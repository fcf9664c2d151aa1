"""One frozen record per layer: the shape it gives, its parameters, its MACs, its windows.

A shape is `(channels, *lengths)` of one image: `(3, 224, 224)` is height 224, width 224 and
3 channels; `(10,)` is a vector. The records are NamedTuples because a `shape` process lives about
as long as it takes to import click: a dataclass costs 0.4 ms to define, a NamedTuple 0.05 ms.
"""

from math import gcd, prod
from typing import Any, NamedTuple, Protocol

from convcli.errors import UnfitError
from convcli.nets.geometry import Padding, Pair, Window, output_length, resolve_padding

Shape = tuple[int, ...]
Sizes = tuple[int, ...]
Windows = tuple[tuple[Window, Pair], ...]

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
    windows: Windows = ()
    """Window and padding on each axis; none for a layer that works cell by cell."""
    bias: int = 0
    """Those of `params` that are biases of convolutions and linear layers."""
    statistics: int = 0
    """Running statistics: kept, but not trained."""
    upsampling: Sizes = ()
    """Output cells for one input cell, on each axis, where a layer enlarges."""


class Layer(Protocol):
    """What every layer answers."""

    @property
    def type(self) -> str:
        """The field's name for it: `conv2d`, `leaky_relu`."""

    def measure(self, *inputs: Shape) -> Measure:
        """What it makes of inputs of these shapes. Raises UnfitError when they do not fit."""


class Misfit(UnfitError):
    """A layer that declared another input than it meets; `corrected` is the one that would fit."""

    def __init__(self, message: str, corrected: Any, declared: int, met: int) -> None:
        super().__init__(message)
        self.corrected = corrected
        self.declared = declared
        self.met = met


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
    channels: int | None = None
    """Input channels, where the text declares them."""
    connections: int | None = None
    """Pairs of input and output maps that are connected, where not all of a group are."""
    border: str = "zero"
    """What the padded cells hold, by a name of `convcli.conv.borders`."""

    @property
    def type(self) -> str:
        return f"conv{len(self.kernel)}d"

    def measure(self, *inputs: Shape) -> Measure:
        shape = _maps(self.type, inputs, len(self.kernel))
        _check_channels(self, shape, f"{self.type} of {self.channels} channels")
        _check_groups(self.groups, shape[0], self.filters)
        windows = windows_on(shape, self.kernel, self.stride, self.dilation, self.padding)
        places = window_lengths(shape, windows)
        pairs = self.connections
        if pairs is None:
            pairs = shape[0] // self.groups * self.filters
        weights, bias = prod(self.kernel) * pairs, self.filters * self.bias
        output = (self.filters, *places)
        return Measure(output, weights + bias, weights * prod(places), windows, bias)


class Depthwise(NamedTuple):
    """A convolution of every channel alone, by `multiplier` filters each."""

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
        shape = _maps(self.type, inputs, len(self.kernel))
        return self.conv(shape[0]).measure(shape)

    def conv(self, channels: int) -> Conv:
        """The grouped convolution it is."""
        filters = channels * self.multiplier
        return Conv(
            filters, self.kernel, self.stride, self.padding, self.dilation, channels, self.bias
        )


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

    @property
    def pointwise(self) -> Conv:
        """The 1×1 convolution of its second half."""
        axes = len(self.depthwise.kernel)
        ones = (1,) * axes
        return Conv(self.filters, ones, ones, ((0, 0),) * axes, ones, 1, self.bias)


class TransposedConv(NamedTuple):
    """A transposed convolution: every input cell adds a kernel's worth of output.

    Its length is (n − 1)·stride − before − after + dilation·(kernel − 1) + extra + 1 as PyTorch has
    it; named paddings are Keras's, `same`: n·stride, `valid`: n·stride + max(reach − stride, 0).

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
        shape = _maps(self.type, inputs, len(self.kernel))
        _check_channels(self, shape, f"{self.type} of {self.channels} channels")
        _check_groups(self.groups, shape[0], self.filters)
        windows = tuple(map(Window, self.kernel, self.stride, self.dilation))
        lengths = []
        for length, window, padding, extra in zip(
            shape[1:], windows, self.padding, self.extra, strict=True
        ):
            if padding == "same":
                lengths.append(length * window.stride)
            elif isinstance(padding, str):
                lengths.append(length * window.stride + max(window.reach - window.stride, 0))
            else:
                grown = (length - 1) * window.stride - sum(padding) + window.reach + extra
                if grown < 1:
                    raise UnfitError(f"padding {padding} leaves nothing of {length} cells")
                lengths.append(grown)
        weights = prod(self.kernel) * (shape[0] // self.groups) * self.filters
        bias = self.filters * self.bias
        # one step of the output is 1/stride of the input's, and sees ⌈reach / stride⌉ input cells
        seen = tuple((Window(-(-w.reach // w.stride)), (0, 0)) for w in windows)
        return Measure(
            output=(self.filters, *lengths),
            params=weights + bias,
            macs=weights * prod(shape[1:]),
            windows=seen,
            bias=bias,
            upsampling=self.stride,
        )


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
    trainable: bool = False
    power: float = 2.0
    """The p of an `lp` pool, (Σ xᵖ)^(1/p)."""

    @property
    def type(self) -> str:
        return f"{self.kind}_pool{len(self.kernel)}d"

    def measure(self, *inputs: Shape) -> Measure:
        shape = _maps(self.type, inputs, len(self.kernel))
        windows = windows_on(shape, self.kernel, self.stride, self.dilation, self.padding)
        if self.ceil:
            windows = tuple(
                (window, _ceiled(length, window, padding))
                for length, (window, padding) in zip(shape[1:], windows, strict=True)
            )
        output = (shape[0], *window_lengths(shape, windows))
        return Measure(output, params=2 * shape[0] * self.trainable, windows=windows)


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
        shape = _maps(self.type, inputs, len(self.sizes))
        sizes = tuple(size or n for size, n in zip(self.sizes, shape[1:], strict=True))
        # from ⌊i·n/size⌋ to ⌈(i+1)·n/size⌉: equal windows where size divides n
        windows = tuple(
            (Window(-(-n // size), max(n // size, 1)), (0, 0))
            for size, n in zip(sizes, shape[1:], strict=True)
        )
        return Measure((shape[0], *(() if self.squeeze else sizes)), windows=windows)


class Linear(NamedTuple):
    """A fully connected layer.

    `over` says what it connects: "all" values of its input, the last axis ("axis", as PyTorch
    does), or the channels of every place ("channels", Keras). "last" is the last axis of lines that
    may leave flattening out: where all values together are as many as `features`, they are
    connected.
    """

    outputs: int
    bias: bool = True
    features: int | None = None
    over: str = "all"

    @property
    def type(self) -> str:
        return "linear"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        declared, over = self.features, self.reach(shape)
        met = {"all": prod(shape), "last": shape[-1], "channels": shape[0]}[over]
        if declared is not None and declared != met:
            raise Misfit(
                f"linear({declared}) meets {met:,} values{_factors(shape)}, not {declared:,}",
                self._replace(features=met),
                declared,
                met,
            )
        places = prod(shape) // met
        output: Shape = (self.outputs,)
        if over == "last":
            output = (*shape[:-1], self.outputs)
        elif over == "channels":
            output = (self.outputs, *shape[1:])
        weights, bias = met * self.outputs, self.outputs * self.bias
        return Measure(output, weights + bias, weights * places, bias=bias)

    def reach(self, shape: Shape) -> str:
        """What it connects of an input of this shape: "all", "last" or "channels"."""
        if self.over == "axis" or self.features == shape[-1]:
            return "last" if self.over in ("axis", "last") else self.over
        if self.over != "last":
            return self.over
        # feature maps that nobody flattened: the layer lines of a class
        flattens = len(shape) == 3 or self.features == prod(shape)
        return "all" if flattens else "last"


class Reshape(NamedTuple):
    """The same values in another shape `(channels, *lengths)`; one −1 stands for what is left.

    `Reshape((-1,))` flattens. `start` keeps the first axes as they are.
    """

    shape: tuple[int, ...] = (-1,)
    start: int = 0

    @property
    def type(self) -> str:
        return "flatten" if self.shape == (-1,) else "reshape"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        kept, rest = shape[: self.start], prod(shape[self.start :])
        known = prod(size for size in self.shape if size != -1)
        if rest % known or (-1 not in self.shape and rest != known):
            wanted = size_text(self.shape)
            raise Misfit(
                f"a shape of {wanted} ({known:,} values) meets {rest:,} values{_factors(shape)}",
                Reshape((-1,)),
                known,
                rest,
            )
        return Measure((*kept, *(rest // known if size == -1 else size for size in self.shape)))


class Pad(NamedTuple):
    """Cells added before and after each axis; negative numbers crop."""

    padding: tuple[Pair, ...]
    border: str = "constant"
    """What they hold, by a name of `convcli.conv.borders`."""
    value: float = 0.0

    @property
    def type(self) -> str:
        return "pad"

    def measure(self, *inputs: Shape) -> Measure:
        shape = _maps("pad", inputs, len(self.padding))
        lengths = tuple(n + sum(pad) for n, pad in zip(shape[1:], self.padding, strict=True))
        if min(lengths) < 1:
            raise UnfitError(f"cropping {self.padding} leaves nothing of {size_text(shape)}")
        windows = tuple((Window(1), pad) for pad in self.padding)
        return Measure((shape[0], *lengths), windows=windows)


class Upsample(NamedTuple):
    """Every cell `scale` times on each axis, or lengths of one's choice; one number is for all."""

    scale: tuple[float, ...] = ()
    sizes: Sizes = ()
    mode: str = "nearest"
    """How new cells are found: `nearest`, `linear`, or a mode that shapes alone are known of."""
    corners: bool = False
    """Whether `linear` keeps the corners where they are: PyTorch's `align_corners`."""

    @property
    def type(self) -> str:
        return "upsample"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        axes = len(shape) - 1
        given = self.scale or self.sizes
        each = given * axes if len(given) == 1 else given
        if len(each) != axes or not axes:
            raise UnfitError(f"upsample by {len(given)} axes meets {size_text(shape)}")
        lengths = [
            int(n * one) if self.scale else int(one) for n, one in zip(shape[1:], each, strict=True)
        ]
        if min(lengths) < 1:
            raise UnfitError(f"upsample by {each} leaves nothing of {size_text(shape)}")
        times = tuple(max(to // n, 1) for to, n in zip(lengths, shape[1:], strict=True))
        return Measure((shape[0], *lengths), upsampling=times)


class Norm(NamedTuple):
    """A normalisation: `batch`, `instance`, `group` or `layer`.

    Batch normalisation trains a scale and a shift a channel (2·C) and keeps a mean and a variance
    (2·C running statistics), which `counted` makes parameters as Keras counts them. Layer
    normalisation trains a scale and a shift for each value of the axes it covers.
    """

    kind: str
    vectors: int = 2
    """How many of scale and shift there are."""
    channels: int | None = None
    """Channels, where the text declares them."""
    groups: int = 1
    shape: Sizes | None = None
    """What a layer normalisation covers, from the last axis on; None: the channels alone."""
    tracked: bool = False
    """Whether running statistics are kept."""
    counted: bool = False
    eps: float = 1e-5
    """What is added to the variance."""

    @property
    def type(self) -> str:
        return f"{self.kind}_norm"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        _check_channels(self, shape, f"{self.type} of {self.channels} channels")
        if shape[0] % self.groups:
            raise UnfitError(f"groups={self.groups} does not divide {shape[0]} channels")
        covered = shape[0]
        if self.shape is not None:
            covered = prod(self.shape)
            if shape[-len(self.shape) :] != self.shape:
                raise UnfitError(f"{self.type} over {self.shape} meets the shape {shape}")
        return Measure(
            shape, self.vectors * covered, statistics=2 * shape[0] if self.tracked else 0
        )


class LocalResponseNorm(NamedTuple):
    """Division by the energy of neighbouring channels (Krizhevsky et al. 2012).

    `alpha` is divided by `size`, as PyTorch and Caffe do.
    """

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    @property
    def type(self) -> str:
        return "local_response_norm"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        return Measure(shape)


class LocalContrastNorm(NamedTuple):
    """Local mean removed, local spread divided by (Jarrett et al. 2009), over size×size cells.

    A value depends on the spread at its place, which depends on the means around it, so that it
    sees two windows less one cell. The least spread that is divided by, the mean over the
    picture, is left out of its receptive field, as normalisations over whole maps are.
    """

    size: int = 9

    @property
    def type(self) -> str:
        return "local_contrast_norm"

    def measure(self, *inputs: Shape) -> Measure:
        shape = _maps(self.type, inputs, 2)
        if self.size % 2 == 0:
            raise UnfitError(f"{self.type} needs a window with a centre, not of {self.size} cells")
        window = Window(2 * self.size - 1), (self.size - 1, self.size - 1)
        return Measure(shape, windows=(window, window))


class Activation(NamedTuple):
    """A function of each value alone; `slope` is what leaky ReLU multiplies negatives by."""

    type: str
    slope: float = 0.0
    values: tuple[tuple[str, Any], ...] = ()
    """Other values that were written, by the names of `torch.nn.functional`."""

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        return Measure(shape)


class PReLU(NamedTuple):
    """Leaky ReLU with trained slopes: one in all, one a channel, or (None) one a value."""

    slopes: int | None = 1
    shared: tuple[int, ...] = ()
    """Axes of (height, width, channels), from 1, that share a slope where there is one a value."""

    @property
    def type(self) -> str:
        return "prelu"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        if self.slopes not in (None, 1, shape[0]):
            raise Misfit(
                f"prelu of {self.slopes} slopes meets {shape[0]} channels",
                PReLU(shape[0]),
                self.slopes or 0,
                shape[0],
            )
        people = (*shape[1:], shape[0])
        own = (n for axis, n in enumerate(people, 1) if axis not in self.shared)
        return Measure(shape, prod(own) if self.slopes is None else self.slopes)


class Identity(NamedTuple):
    """What hands its input on, under the name of what it does while training."""

    type: str = "identity"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        return Measure(shape)


class Shuffle(NamedTuple):
    """Channels dealt out anew, as if by columns of `groups` rows (Zhang et al. 2018)."""

    groups: int

    @property
    def type(self) -> str:
        return "channel_shuffle"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        _check_groups(self.groups, shape[0], shape[0])
        return Measure(shape)


class PixelShuffle(NamedTuple):
    """factor² channels dealt out over factor×factor cells (Shi et al. 2016), or back."""

    factor: int
    inverse: bool = False

    @property
    def type(self) -> str:
        return "pixel_unshuffle" if self.inverse else "pixel_shuffle"

    def measure(self, *inputs: Shape) -> Measure:
        channels, height, width = _maps(self.type, inputs, 2)
        f = self.factor
        if self.inverse:
            if height % f or width % f:
                raise UnfitError(f"{self.type}({f}) does not divide {height}x{width}")
            return Measure((channels * f * f, height // f, width // f))
        if channels % (f * f):
            raise UnfitError(
                f"{self.type}({f}) needs {f * f} channels or a multiple, not {channels}"
            )
        return Measure((channels // (f * f), height * f, width * f), upsampling=(f, f))


class RBF(NamedTuple):
    """Distances to `outputs` fixed codes (LeCun et al. 1998): weights that are not trained."""

    outputs: int

    @property
    def type(self) -> str:
        return "rbf"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        return Measure((self.outputs,), statistics=prod(shape) * self.outputs)


class Merge(NamedTuple):
    """Several inputs into one, value by value: `add`, `multiply`, `average`, `maximum`, …"""

    type: str

    def measure(self, *inputs: Shape) -> Measure:
        if len({len(shape) for shape in inputs}) > 1:
            # a gate (c,) on maps (c, h, w)
            most = max(map(len, inputs))
            inputs = tuple(shape + (1,) * (most - len(shape)) for shape in inputs)
        output = []
        for sizes in zip(*inputs, strict=True):
            wide = set(sizes) - {1}
            if len(wide) > 1:
                shapes = " and ".join(map(size_text, inputs))
                raise UnfitError(f"{self.type} meets {shapes}, which do not go together")
            output.append(wide.pop() if wide else 1)
        return Measure(tuple(output))


class Concat(NamedTuple):
    """Several inputs behind each other on one axis, 0 for the channels."""

    axis: int = 0

    @property
    def type(self) -> str:
        return "concat"

    def measure(self, *inputs: Shape) -> Measure:
        rest = {(*shape[: self.axis], *shape[self.axis + 1 :]) for shape in inputs}
        if len(rest) > 1:
            shapes = " and ".join(map(size_text, inputs))
            raise UnfitError(f"concat meets {shapes}, which differ in more than the joined axis")
        joined = sum(shape[self.axis] for shape in inputs)
        first = inputs[0]
        return Measure((*first[: self.axis], joined, *first[self.axis + 1 :]))


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
    """The output's lengths under a window on each axis; a misfit says on which."""
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


def _maps(type_: str, inputs: tuple[Shape, ...], axes: int) -> Shape:
    """The one input of a layer that needs channels and so many axes."""
    (shape,) = inputs
    if len(shape) != axes + 1:
        raise UnfitError(
            f"{type_} needs {' x '.join(AXES[axes])} x channels, its input is {size_text(shape)}"
        )
    return shape


def _check_channels(layer: "Conv | TransposedConv | Norm", shape: Shape, what: str) -> None:
    if layer.channels is not None and layer.channels != shape[0]:
        raise Misfit(
            f"{what} meets {shape[0]:,} channels",
            layer._replace(channels=shape[0]),
            layer.channels,
            shape[0],
        )


def _check_groups(groups: int, channels: int, filters: int) -> None:
    if channels % groups == 0 and filters % groups == 0:
        return
    common = gcd(channels, filters)
    would = ", ".join(str(d) for d in range(1, min(common, 64) + 1) if common % d == 0)
    count, noun = (channels, "input channels") if channels % groups else (filters, "filters")
    raise UnfitError(f"groups={groups} does not divide {count} {noun}; common divisors: {would}")


def _factors(shape: Shape) -> str:
    return f" ({size_text(shape)})" if len(shape) > 1 else ""
