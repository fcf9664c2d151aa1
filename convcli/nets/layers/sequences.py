"""Layers of Keras over steps and tokens: recurrent ones, attention, embeddings, moved axes.

Keras stands the channels last; a shape here is `(channels, *lengths)` as everywhere, so that 20
steps of 8 values are `(8, 20)`.
"""

from math import prod
from typing import Literal

from convcli.errors import UnfitError
from convcli.geometry import Padding
from convcli.nets.layers.rearrange import Pad, Upsample
from convcli.nets.layers.shapes import (
    Layer,
    Measure,
    Shape,
    Sizes,
    maps,
    size_text,
    window_lengths,
    windows_on,
)
from convcli.records import NamedTuple, equal_by_type

GATES = {"rnn": 1, "simple_rnn": 1, "gru": 3, "lstm": 4}
"""Recurrent layer → matrices side by side in one of its weights."""

Joined = Literal["concat", "sum", "mul", "ave"]
JOINED: tuple[Joined, ...] = ("concat", "sum", "mul", "ave")
"""How the two directions of a bidirectional layer are merged."""


def text_order(shape: Shape) -> Shape:
    """The axes of one image as a text of Keras numbers them from 1: lengths, then channels."""
    return (*shape[1:], *shape[:1])


def network_order(shape: Shape) -> Shape:
    """The same as the network has them: channels, then lengths."""
    return (*shape[-1:], *shape[:-1])


@equal_by_type
class Permute(NamedTuple):
    """Axes in another order, numbered from 1 as the text has them."""

    order: Sizes

    @property
    def type(self) -> str:
        return "permute"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        axes = text_order(shape)
        if len(axes) != len(self.order):
            raise UnfitError(f"permute of {len(self.order)} axes meets {size_text(shape)}")
        return Measure(network_order(tuple(axes[axis - 1] for axis in self.order)))


@equal_by_type
class Repeat(NamedTuple):
    """A vector repeated as `times` steps."""

    times: int

    @property
    def type(self) -> str:
        return "repeat"

    def measure(self, *inputs: Shape) -> Measure:
        return Measure((*maps(self.type, inputs, 0), self.times))


@equal_by_type
class Recurrent(NamedTuple):
    """A recurrent layer of one level, over the steps of its input, in one direction or both.

    A direction has gates · units · (channels + units) weights and gates · units biases; a GRU that
    resets after its product has twice as many biases (Cho et al. 2014).

    >>> Recurrent("lstm", 4).measure((3, 10))[:3]
    ((4,), 128, 1120)
    """

    type: str
    units: int
    sequences: bool = False
    """Whether every step's output is returned, or the last one alone."""
    bias: bool = True
    reset_after: bool = True
    joined: Joined | None = None
    """How two directions are merged; None: there is one direction."""

    def measure(self, *inputs: Shape) -> Measure:
        channels, steps = maps(self.type, inputs, 1)
        rows, ways = GATES[self.type] * self.units, 1 if self.joined is None else 2
        weights = ways * rows * (channels + self.units)
        biases = ways * rows * self.bias * (1 + (self.type == "gru" and self.reset_after))
        outputs = self.units * (2 if self.joined == "concat" else 1)
        output = (outputs, steps) if self.sequences else (outputs,)
        return Measure(output, weights + biases, steps * weights, mixes=True)


@equal_by_type
class ConvRecurrent(NamedTuple):
    """An LSTM whose products are convolutions (Shi et al. 2015), over `(channels, steps, …)`.

    The second convolution goes over the state: of stride 1, with SAME padding.
    """

    filters: int
    kernel: Sizes
    stride: Sizes
    padding: tuple[Padding, ...]
    dilation: Sizes
    sequences: bool = False
    bias: bool = True

    @property
    def type(self) -> str:
        return f"conv_lstm{len(self.kernel)}d"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        if len(shape) != len(self.kernel) + 2:
            raise UnfitError(
                f"{self.type} needs steps, {len(self.kernel)} lengths and channels; its input is "
                f"{size_text(shape)}"
            )
        channels, steps, *lengths = shape
        step = channels, *lengths
        windows = windows_on(step, self.kernel, self.stride, self.dilation, self.padding)
        state = window_lengths(step, windows)
        rows = GATES["lstm"] * self.filters
        weights = prod(self.kernel) * rows * (channels + self.filters)
        output = (self.filters, steps, *state) if self.sequences else (self.filters, *state)
        macs = steps * prod(state) * weights
        return Measure(output, weights + rows * self.bias, macs, mixes=True)


@equal_by_type
class Embedding(NamedTuple):
    """A vector of `width` values for each of `words` numbers; the input is numbers of any axes."""

    words: int
    width: int

    @property
    def type(self) -> str:
        return "embedding"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        return Measure((self.width, *text_order(shape)), self.words * self.width)


@equal_by_type
class TimeDistributed(NamedTuple):
    """A layer applied to every step of `(channels, steps, …)`, with the same weights.

    >>> from convcli.nets.layers import Linear
    >>> TimeDistributed(Linear(5)).measure((3, 10))[:3]
    ((5, 10), 20, 150)
    """

    layer: Layer

    @property
    def type(self) -> str:
        return self.layer.type

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        if len(shape) < 2:
            raise UnfitError(f"a layer for each step meets {size_text(shape)}, which has no steps")
        steps = shape[1]
        step = self.layer.measure((shape[0], *shape[2:]))
        output = (step.output[0], steps, *step.output[1:])
        return step._replace(
            output=output,
            macs=steps * step.macs,
            windows=(),
            upsampling=(),
            mixes=step.mixes or bool(step.windows or step.upsampling),
        )


@equal_by_type
class ChannelsFirst(NamedTuple):
    """A layer whose text has the channels on the first axis, not the last.

    >>> from convcli.nets.layers import Linear
    >>> ChannelsFirst(Linear(5, over="channels")).measure((8, 3, 10)).params  # 3 x 10 x 8
    20
    """

    layer: Layer

    @property
    def type(self) -> str:
        return self.layer.type

    def measure(self, *inputs: Shape) -> Measure:
        measure = self.layer.measure(*map(text_order, inputs))
        output, mixes = network_order(measure.output), bool(measure.windows or measure.upsampling)
        return measure._replace(output=output, windows=(), upsampling=(), mixes=mixes)


@equal_by_type
class Attention(NamedTuple):
    """Attention of a query over a value and a key (Vaswani et al. 2017).

    With `heads` heads, all three are projected, and the result is projected back to the query's
    channels or to `outputs`. Without heads, they are used unchanged, with `scales` trained numbers.
    """

    heads: int = 0
    key: int = 0
    """Channels of a head's query and key."""
    value: int = 0
    """Channels of a head's value."""
    outputs: int | None = None
    bias: bool = True
    scales: int = 0

    @property
    def type(self) -> str:
        return "attention"

    def measure(self, *inputs: Shape) -> Measure:
        query, value, *rest = inputs if len(inputs) > 1 else inputs * 2
        key = rest[0] if rest else value
        if len(key) < 2 or key[1:] != value[1:]:
            met = ", ".join(map(size_text, (query, value, key)))
            raise UnfitError(
                f"attention needs tokens x channels, with as many keys as values: {met}"
            )
        if not self.heads:
            if query[0] != key[0]:
                raise UnfitError(f"attention of {query[0]} channels meets keys of {key[0]}")
            return Measure((value[0], *query[1:]), self.scales, mixes=True)
        keys, values, outputs = self.heads * self.key, self.heads * self.value, self.outputs
        outputs = query[0] if outputs is None else outputs
        into = (query[0] * keys, key[0] * keys, value[0] * values, values * outputs)
        biases = self.bias * (2 * keys + values + outputs)
        places = (prod(shape[1:]) for shape in (query, key, value, query))
        macs = sum(weights * count for weights, count in zip(into, places, strict=True))
        return Measure((outputs, *query[1:]), sum(into) + biases, macs, bias=biases, mixes=True)


@equal_by_type
class AxisNorm(NamedTuple):
    """A normalization with a scale and a shift for each position on some axes of the text.

    Axes are numbered from 1, or from −1 at the end. `tracked` also keeps a mean and a variance of
    each position, and `counts` further numbers.
    """

    type: str
    axes: tuple[int, ...]
    vectors: int = 2
    tracked: bool = False
    counts: int = 0

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        axes = text_order(shape)
        for axis in self.axes:
            if not (1 <= axis <= len(axes) or -len(axes) <= axis <= -1):
                raise UnfitError(f"{self.type} over axis {axis} meets {size_text(shape)}")
        covered = prod(axes[axis - 1 if axis > 0 else axis] for axis in self.axes)
        kept = 2 * covered + self.counts if self.tracked else 0
        return Measure(shape, self.vectors * covered, statistics=kept, counted=True)


@equal_by_type
class CenterCrop(NamedTuple):
    """The middle of a picture; a smaller one is enlarged and then cropped, as Keras does."""

    sizes: Sizes

    @property
    def type(self) -> str:
        return "center_crop"

    def measure(self, *inputs: Shape) -> Measure:
        shape = maps(self.type, inputs, len(self.sizes))
        excess = [met - size for met, size in zip(shape[1:], self.sizes, strict=True)]
        if min(excess) < 0:
            return Upsample(sizes=self.sizes).measure(shape)
        sides = tuple((-(more // 2), -(more - more // 2)) for more in excess)
        return Pad(sides).measure(shape)


@equal_by_type
class SpectralNorm(NamedTuple):
    """A layer whose weight is divided by its largest singular value (Miyato et al. 2018).

    It keeps a vector for that, as long as the last axis of the kernel.
    """

    layer: Layer
    kept: int

    @property
    def type(self) -> str:
        return self.layer.type

    def measure(self, *inputs: Shape) -> Measure:
        measure = self.layer.measure(*inputs)
        return measure._replace(statistics=measure.statistics + self.kept, counted=True)
