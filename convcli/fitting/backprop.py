"""A short stack of convolutions and activations, trained by backpropagation on a pair of pictures.

    forward     every layer in turn, its input kept
    loss        the mean of (given − wanted)²
    backward    the loss's gradient through the layers in reverse: `conv/gradients.py`
    step        Adam, its rate lowered along half a cosine       Kingma & Ba 2015; Loshchilov 2017

Borders are left out: whatever padding a layer names, only complete windows are run.
"""

from collections.abc import Iterator
from inspect import signature
from math import cos, isfinite, pi
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convcli.conv import conv2d
from convcli.conv.activations import ACTIVATIONS
from convcli.conv.gradients import DERIVATIVES, activation_gradient, conv2d_gradients
from convcli.conv.sliding import spans
from convcli.errors import UnfitError
from convcli.fitting.least_squares import Moment, check_levels
from convcli.geometry import Window, output_length
from convcli.nets.analysis.summary import summarize
from convcli.nets.graph import INPUT, Network, Node
from convcli.nets.layers import Activation, Conv, Identity, size_text
from convcli.records import NamedTuple
from convcli.text import counted

Array = NDArray[Any]

BATCH = 8
"""Crops of one step."""

CROP = 24
"""Rows and columns of the output of a crop, where the pictures have as many."""

RATE = 0.01
"""Adam's first rate."""

MAX_STEP = 2e9
"""Multiply–accumulates of one step; a larger stack is refused."""

MAX_LEVEL = 1e12
"""Sums of squares of larger values may be beyond float32."""

MAX_FIELD = 256
"""Rows and columns of the largest receptive field."""

BAND_BYTES = 64 << 20
"""Bytes of the maps of the channels layer, where complete pictures are run."""

BETAS, TINY = (0.9, 0.999), 1e-8
"""Adam's own constants."""

SPELLED = {"hardsigmoid": "hard_sigmoid", "hardswish": "hard_swish", "hardtanh": "hard_tanh"}
"""Names of the core that the notation spells otherwise."""

TRAINED = {SPELLED.get(name, name): name for name in sorted(DERIVATIVES)}
"""Activations with a derivative: the notation's name → the core's."""


class Layer(NamedTuple):
    """One layer as it is run: a convolution, or the name of an activation."""

    name: str
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    activation: str = ""
    """A name of the core."""
    slope: float = 0.0
    """The slope of leaky ReLU."""


class Stack:
    """Layers and their weights, seeded: He's normal initialization, biases of zero."""

    def __init__(
        self, network: Network, channels: int, seed: int = 0, dtype: DTypeLike = np.float32
    ) -> None:
        generator = np.random.Generator(np.random.PCG64(seed))
        network = network.at((channels, MAX_FIELD, MAX_FIELD))
        self.layers: list[Layer] = []
        self.weights: dict[str, Array] = {}
        self.margin = self._margin(network, channels)
        """Rows and columns by which the output is smaller than the input."""
        before = INPUT
        for node in network.nodes:
            self._check_position(node, before)
            before = node.name
            if not isinstance(node.layer, Identity):
                self.layers.append(self._layer(node))
            if isinstance(node.layer, Conv):
                shape = node.layer.filters, channels // node.layer.groups, *node.layer.kernel
                taps = shape[1] * shape[2] * shape[3]
                draw = generator.standard_normal(shape) * np.sqrt(2 / taps)
                self.weights[f"{node.name}.weight"] = draw.astype(dtype)
                if node.layer.bias:
                    self.weights[f"{node.name}.bias"] = np.zeros(shape[0], dtype)
                channels = node.layer.filters
        self.channels = channels
        """Channels of the output."""

    @staticmethod
    def _margin(network: Network, channels: int) -> tuple[int, int]:
        side = MAX_FIELD
        last = summarize(network, (channels, side, side)).rows[-1]
        if len(last.output) != 3 or any(axis.jump != 1 for axis in last.receptive_field):
            raise UnfitError(
                f"{last.name} gives {size_text(last.output)} of {side}x{side}: a fitted net "
                f"keeps rows and columns: every stride is 1"
            )
        rows, columns = last.receptive_field
        return int(rows.size) - 1, int(columns.size) - 1

    @staticmethod
    def _check_position(node: Node, before: str) -> None:
        if node.owner:
            raise UnfitError(
                f"{node.name} has the weights of {node.owner}; in a fitted net every layer has "
                f"its own"
            )
        if not node.inputs:
            raise UnfitError(f"{node.name} is not on the way to the output; leave it out")
        if len(node.inputs) == 1 and node.inputs != (before,):
            raise UnfitError(
                f"{node.name} does not follow {before}; a fitted net is one layer after another"
            )

    @staticmethod
    def _layer(node: Node) -> Layer:
        match node.layer:
            case Conv(kernel=(_, _), stride=(1, 1), connections=None) as conv:
                dilation = conv.dilation[0], conv.dilation[1]
                return Layer(node.name, dilation, conv.groups)
            case Activation(type, slope, values) if type in TRAINED:
                parameters = signature(ACTIVATIONS[TRAINED[type]]).parameters
                for name, value in values:
                    if name not in parameters or value != parameters[name].default:
                        raise UnfitError(
                            f"{node.name}: {type} with {name}={value} is not trained here; leave "
                            f"{name} out"
                        )
                return Layer(node.name, activation=TRAINED[type], slope=slope)
        raise UnfitError(
            f"{node.name}: {node.layer.type} is not trained here; a fitted net is made of 2-D "
            f"convolutions of stride 1 and {', '.join(TRAINED)}"
        )

    def output(self, x: Array) -> Array:
        """The output (n, f, h', w') for x (n, c, h, w)."""
        for layer in self.layers:
            x = self._run(layer, x)
        return x

    def forward(self, x: Array) -> tuple[Array, list[Array]]:
        """The output for x, and the input of every layer."""
        kept = []
        for layer in self.layers:
            kept.append(x)
            x = self._run(layer, x)
        return x, kept

    def _run(self, layer: Layer, x: Array) -> Array:
        if layer.activation == "leaky_relu":
            return np.where(x < 0, x * x.dtype.type(layer.slope), x)
        if layer.activation:
            return ACTIVATIONS[layer.activation](x)
        return conv2d(
            x,
            self.weights[f"{layer.name}.weight"],
            self.weights.get(f"{layer.name}.bias"),
            dilation=layer.dilation,
            groups=layer.groups,
        )

    def backward(self, grad: Array, kept: list[Array]) -> dict[str, Array]:
        """dL/d of every weight, from dL/d of the output and the layers' inputs."""
        gradients: dict[str, Array] = {}
        for layer, x in zip(reversed(self.layers), reversed(kept), strict=True):
            if layer.activation == "leaky_relu":
                grad = grad * np.where(x > 0, x.dtype.type(1), x.dtype.type(layer.slope))
            elif layer.activation:
                grad = activation_gradient(layer.activation, grad, x)
            else:
                bias = self.weights.get(f"{layer.name}.bias")
                gradient = conv2d_gradients(
                    grad,
                    x,
                    self.weights[f"{layer.name}.weight"],
                    bias,
                    dilation=layer.dilation,
                    groups=layer.groups,
                )
                gradients[f"{layer.name}.weight"] = gradient.weight
                if gradient.bias is not None:
                    gradients[f"{layer.name}.bias"] = gradient.bias
                grad = gradient.x
        return gradients

    def loss(self, x: Array, wanted: Array) -> tuple[float, dict[str, Array]]:
        """The mean squared error, and its gradient by every weight."""
        given, kept = self.forward(x)
        error = given - wanted
        gradients = self.backward(error * given.dtype.type(2 / error.size), kept)
        return float(np.mean(np.square(error), dtype=np.float64)), gradients


class Trainer:
    """A stack, the pair of pictures it is trained on, and Adam's state."""

    def __init__(self, stack: Stack, before: Array, after: Array, steps: int, seed: int) -> None:
        check_levels(MAX_LEVEL, before, after)
        self.stack, self.steps, self.seed = stack, steps, seed
        self.x = (before / 255).astype(np.float32)
        self.y = self._wanted((after / 255).astype(np.float32))
        if stack.channels != len(self.y):
            raise UnfitError(
                f"the net ends in {counted(stack.channels, 'channel')}, the result has "
                f"{len(self.y)}; end it with conv:{len(self.y)},…"
            )
        if stack.weights == {}:
            raise UnfitError("the net has no convolution, so there is nothing to train")
        self.size = [min(CROP, length) for length in self.y.shape[1:]]
        taps = sum(w.size for name, w in stack.weights.items() if name.endswith("weight"))
        work = BATCH * self.size[0] * self.size[1] * taps
        if work > MAX_STEP:
            raise UnfitError(f"a step would take {work:,} products; fit a net with fewer weights")

    def _wanted(self, after: Array) -> Array:
        """The part of the result that the net computes from all of `before`."""
        sizes = []
        for lost, length, wanted in zip(
            self.stack.margin, self.x.shape[1:], after.shape[1:], strict=True
        ):
            size = length - lost
            if size < 1:
                raise UnfitError(f"the net sees {lost + 1} rows or columns, before has {length}")
            if wanted not in (size, length):
                raise UnfitError(
                    f"before has {length} rows or columns, after {wanted}: they must have one "
                    f"size, or after must be smaller by {lost}, as the net makes it"
                )
            sizes.append((0 if wanted == size else lost // 2, size))
        (top, height), (left, width) = sizes
        return after[:, top : top + height, left : left + width]

    def run(self) -> Iterator[Moment]:
        """Train, step by step; the stack's weights change underway. A loss is that of its crops."""
        generator = np.random.Generator(np.random.PCG64(self.seed + 1))
        memory = {
            name: (np.zeros_like(w), np.zeros_like(w)) for name, w in self.stack.weights.items()
        }
        kernels = next(iter(self.stack.weights.values()))
        for step in range(1, self.steps + 1):
            with np.errstate(over="ignore", invalid="ignore"):
                loss, gradients = self.stack.loss(*self._batch(generator))
            if not isfinite(loss):
                raise UnfitError(f"the loss is {loss} at step {step - 1}: the net diverged")
            yield Moment(step - 1, loss * 255**2, kernels)
            rate = RATE * (1 + cos(pi * (step - 1) / self.steps)) / 2
            for name, gradient in gradients.items():
                first, second = memory[name]
                first += (1 - BETAS[0]) * (gradient - first)
                second += (1 - BETAS[1]) * (np.square(gradient) - second)
                mean = first / (1 - BETAS[0] ** step)
                spread = np.sqrt(second / (1 - BETAS[1] ** step))
                self.stack.weights[name] -= (rate * mean / (spread + TINY)).astype(gradient.dtype)

    def _batch(self, generator: np.random.Generator) -> tuple[Array, Array]:
        """Crops of the pictures at random positions; complete pictures where they are small."""
        height, width = self.size
        rows, columns = self.stack.margin
        counts = map(output_length, self.y.shape[1:], map(Window, self.size))
        tops, lefts = (generator.integers(0, count, BATCH) for count in counts)
        x = np.stack(
            [
                self.x[:, t : t + height + rows, s : s + width + columns]
                for t, s in zip(tops, lefts, strict=True)
            ]
        )
        y = np.stack(
            [self.y[:, t : t + height, s : s + width] for t, s in zip(tops, lefts, strict=True)]
        )
        return x, y

    def total_loss(self) -> float:
        """The mean squared error over the complete pictures, in squared levels, band by band."""
        rows, columns = self.stack.margin
        channels = max(len(self.x), *map(len, self.stack.weights.values()))
        row = channels * (self.y.shape[2] + columns) * self.x.itemsize
        total = 0.0
        for top, bottom in spans(self.y.shape[1], BAND_BYTES // row):
            given = self.stack.output(self.x[np.newaxis, :, top : bottom + rows])
            error = np.square(given[0] - self.y[:, top:bottom])
            total += float(error.sum(dtype=np.float64))
        return total / self.y.size * 255**2
