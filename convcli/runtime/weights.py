"""The weights of a network by name, `conv1.weight`: drawn from a seed, or read from a file."""

from collections.abc import Iterable, Mapping, Sequence
from math import prod

import numpy as np

from convcli.arrays import Array
from convcli.errors import UnfitError
from convcli.nets.analysis.summary import Row
from convcli.nets.graph import Network
from convcli.nets.layers import (
    Activation,
    Conv,
    Depthwise,
    Layer,
    Linear,
    PReLU,
    Separable,
    Slot,
    TransposedConv,
    slots_of,
)
from convcli.runtime.array_files import opened, weight_file
from convcli.runtime.initializers import Init, draw, rademacher
from convcli.text import counted, safe

LINEAR_AT_ZERO = ("tanh", "sigmoid", "softmax", "log_softmax", "softsign", "hard_tanh")
SLOPES = dict.fromkeys((*LINEAR_AT_ZERO, "hard_sigmoid", "abs"), 1.0)
"""Slopes below 0 of activations that are not like ReLU, whose slope is 0.

|x| keeps the energy of x, as a slope of −1 does.
"""


def slots(rows: Iterable[Row]) -> dict[str, Slot]:
    """All weights of a network by name, in the order of its nodes; shared ones once.

    >>> from convcli.nets.readers.read import read_text
    >>> from convcli.nets.analysis.summary import summarize
    >>> network = read_text("conv(2, 3); relu; conv(4, 1, bias=False)").network
    >>> rows = summarize(network, (3, 8, 8)).rows
    >>> {name: slot.shape for name, slot in slots(rows).items()}
    {'conv1.weight': (2, 3, 3, 3), 'conv1.bias': (2,), 'conv2.weight': (4, 2, 1, 1)}
    """
    return {
        weight_name(row.name, role): slot
        for row in rows
        if not row.node.owner
        for role, slot in slots_of(row.node.layer, *row.inputs[:1] or ((),)).items()
    }


def weight_name(node: str, role: str) -> str:
    """The name of an array: its node and its role; for a parameter, its node alone."""
    return f"{node}.{role}" if role else node


def weight_bytes(rows: Sequence[Row]) -> int:
    """The bytes of the weights in float32."""
    return 4 * sum(prod(slot.shape) for slot in slots(rows).values())


def drawn(
    rows: Sequence[Row], seed: int, init: Init, slope: Mapping[str, float]
) -> dict[str, Array]:
    """Weights from PCG64(seed), one stream over the rows in order, filters by `init`.

    Biases are 0, the scales of normalizations 1: what frameworks begin with. `slope` are the
    `slopes` of the whole network: a layer's weights are the same however far the rows go.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    weights = {}
    for row in rows:
        if row.node.owner:
            continue
        for role, slot in slots_of(row.node.layer, *row.inputs[:1] or ((),)).items():
            weights[weight_name(row.name, role)] = _initial(slot, generator, init, slope[row.name])
    return weights


def _initial(slot: Slot, generator: np.random.Generator, init: Init, slope: float) -> Array:
    if slot.fill == "filters":
        return draw(init, generator, slot.shape, slope)
    if slot.fill == "transposed":
        channels, filters, *kernel = slot.shape
        turned = draw(init, generator, (filters, channels, *kernel), slope)
        return np.ascontiguousarray(turned.swapaxes(0, 1))
    if slot.fill == "codes":
        return rademacher(generator, slot.shape, slope)
    return np.full(slot.shape, slot.fill, np.float32)


def slopes(network: Network) -> dict[str, float]:
    """The slope below 0 of the activation that follows each node, before the next weights; else 1.

    >>> from convcli.nets.readers.read import read_text
    >>> slopes(read_text("conv(2, 3); bn; leaky_relu(0.2); conv(2, 3)").network)["conv1"]
    0.2
    """
    # backwards: what follows a node is known before the node is reached
    following: dict[str, float] = {}
    slopes: dict[str, float] = {}
    for node in reversed(network.nodes):
        slopes[node.name] = following.get(node.name, 1.0)
        own = _slope(node.layer)
        passed = slopes[node.name] if own is None else own
        for name in node.inputs:
            following[name] = passed
    return slopes


def _slope(layer: Layer) -> float | None:
    """The slope that a layer means for the layers before it; None for one that passes it on."""
    if isinstance(layer, PReLU):
        return 0.25
    if isinstance(layer, Activation):
        return layer.slope if layer.type == "leaky_relu" else SLOPES.get(layer.type, 0.0)
    return 1.0 if isinstance(layer, FILTERED) else None


FILTERED = (Conv, Depthwise, Linear, Separable, TransposedConv)
"""Layers with filters, at which the slope of a following activation ends."""


def read_weights(path: str, wanted: Mapping[str, Slot]) -> tuple[dict[str, Array], list[str]]:
    """The weights of a network from a file of arrays or a checkpoint, as float32, checked by shape.

    Gives them with the names of other weights in the file. Raises Refusal for a file that cannot
    be read, UnfitError for weights that are missing or of another shape.
    """
    with opened(path, "a file of weights"), weight_file(path) as file:
        _check(path, file.shapes, wanted)
        weights = {name: _finite(path, name, file.read(name)) for name in wanted}
    others = [
        name for name in file.shapes if name not in wanted and name.endswith((".weight", ".bias"))
    ]
    return weights, others


def _check(path: str, shapes: Mapping[str, tuple[int, ...]], wanted: Mapping[str, Slot]) -> None:
    missing = [name for name in wanted if name not in shapes]
    if missing:
        there = ", ".join(name[:100] for name in list(shapes)[:4]) or "nothing"
        raise UnfitError(
            f"{safe(path)} lacks {counted(len(missing), 'array')} of the network's "
            f"{len(wanted):,}, {missing[0]} first; it holds {safe(there)}"
            f"{' …' if len(shapes) > 4 else ''}"
        )
    for name, slot in wanted.items():
        if shapes[name] != slot.shape:
            raise UnfitError(
                f"{safe(path)}: {name} has the shape {shapes[name]}; the network needs {slot.shape}"
            )


def _finite(path: str, name: str, values: Array) -> Array:
    if values.dtype.kind not in "fiub":
        raise UnfitError(f"{safe(path)}: {name} holds {values.dtype}, not numbers")
    floats = values.astype(np.float32)
    if not np.isfinite(floats).all():
        raise UnfitError(f"{safe(path)}: {name} holds values that are not finite in float32")
    return floats
