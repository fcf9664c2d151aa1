"""A network run on a picture with seeded random weights: what each layer sees."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.conv import conv2d, leaky_relu
from convcli.errors import UnfitError
from convcli.nets.layers import Activation, Conv, Layer, Shape, size_text
from convcli.nets.network import INPUT, Network, sequential
from convcli.nets.summary import SCHEMA, named_sizes, summarize

Array = NDArray[np.float32]


def default_recipe() -> Network:
    """Three convolutions of three 3×3 filters over all channels, leaky ReLU 0.1 between them.

    >>> [node.name for node in default_recipe().nodes]
    ['conv1', 'leaky_relu1', 'conv2', 'leaky_relu2', 'conv3']
    """
    conv = Conv(filters=3, kernel=(3, 3), stride=(1, 1), padding=((1, 1), (1, 1)), bias=False)
    leaky = Activation("leaky_relu", 0.1)
    return sequential([conv, leaky, conv, leaky, conv])


class Seen(NamedTuple):
    """What one node gave: its feature maps (c, h, w), and their statistics."""

    name: str
    type: str
    maps: Array

    @property
    def mean(self) -> float:
        return float(self.maps.mean(dtype=np.float64))

    @property
    def spread(self) -> float:
        """The standard deviation over all maps."""
        return float(self.maps.std(dtype=np.float64))

    @property
    def negative(self) -> float:
        """The share of values below zero."""
        return float(np.count_nonzero(self.maps < 0) / self.maps.size)


class Features(NamedTuple):
    """A run: the input (c, h, w), what each node gave, the weights by node, and their seed."""

    input: Array
    seen: tuple[Seen, ...]
    weights: dict[str, Array]
    seed: int

    @property
    def value(self) -> str:
        """The size of the last node's maps, H×W×C."""
        return size_text(self.seen[-1].maps.shape)

    @property
    def warnings(self) -> tuple[str, ...]:
        return ()

    @property
    def caption(self) -> str:
        return f"seed {self.seed}; weights from PCG64, standard normal"

    def table(self) -> tuple[tuple[str, ...], list[tuple[object, ...]], tuple[object, ...]]:
        columns = ("layer", "type", "shape", "mean", "spread", "negative")
        return (
            columns,
            [
                (
                    one.name,
                    one.type,
                    size_text(one.maps.shape),
                    one.mean,
                    one.spread,
                    one.negative,
                )
                for one in self.seen
            ],
            (),
        )

    def record(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "input": named_sizes(self.input.shape),
            "seed": self.seed,
            "layers": [
                {
                    "name": one.name,
                    "type": one.type,
                    "output": named_sizes(one.maps.shape),
                    "mean": one.mean,
                    "spread": one.spread,
                    "negative": one.negative,
                }
                for one in self.seen
            ],
        }

    def shown(self) -> dict[str, Array]:
        """The feature maps of each convolution, by a caption."""
        return {
            f"{one.name}  {size_text(one.maps.shape)}": one.maps
            for one in self.seen
            if one.name in self.weights
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of the run by name: `input`, each node's maps, `NODE.weight`, `seed`."""
        weights = {f"{name}.weight": weight for name, weight in self.weights.items()}
        maps = {one.name: one.maps for one in self.seen}
        return {INPUT: self.input, **maps, **weights, "seed": np.array(self.seed)}


def extract(network: Network, x: Array, seed: int = 0) -> Features:
    """Run a network on a picture (c, h, w) with weights drawn from PCG64(seed), node by node.

    >>> run = extract(default_recipe(), np.ones((3, 8, 8), np.float32))
    >>> run.value, run.weights["conv2"].shape
    ('8x8x3', (3, 3, 3, 3))

    Raises UnfitError where a layer does not fit what it meets.
    """
    rows = summarize(network, x.shape).rows
    weights = dict(draw_weights(network, [row.inputs[0] for row in rows], seed))
    known = {INPUT: x}
    for node in network.nodes:
        known[node.name] = _run(node.layer, known[node.inputs[0]], weights.get(node.name))
    seen = tuple(Seen(row.name, row.type, known[row.name]) for row in rows)
    return Features(x, seen, weights, seed)


def draw_weights(network: Network, inputs: list[Shape], seed: int) -> Iterator[tuple[str, Array]]:
    """Standard-normal filters (f, c / groups, i, j) for each convolution, in the order of nodes."""
    generator = np.random.Generator(np.random.PCG64(seed))
    for node, shape in zip(network.nodes, inputs, strict=True):
        if isinstance(node.layer, Conv):
            filters, groups = node.layer.filters, node.layer.groups
            size = (filters, shape[0] // groups, *node.layer.kernel)
            yield node.name, generator.standard_normal(size).astype(np.float32)


def _run(layer: Layer, x: Array, weight: Array | None) -> Array:
    for kind, forward in FORWARD.items():
        if isinstance(layer, kind):
            return forward(layer, x, weight)
    raise UnfitError(f"{layer.type} has no forward meaning here")


def _convolve(layer: Conv, x: Array, weight: Array) -> Array:
    (down, rows), (across, columns) = layer.measure(x.shape).windows
    return conv2d(
        x,
        weight,
        stride=(down.stride, across.stride),
        padding=(rows, columns),
        dilation=(down.dilation, across.dilation),
        groups=layer.groups,
    )


def _activate(layer: Activation, x: Array, weight: None) -> Array:
    return leaky_relu(x, layer.slope)


FORWARD: dict[type, Callable[[Any, Array, Any], Array]] = {
    Conv: _convolve,
    Activation: _activate,
}
"""How each kind of layer is run."""
