"""The weights of a layer: by role, with their shapes and what they are before any training."""

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.nets.layers import (
    RBF,
    Conv,
    Depthwise,
    Layer,
    Linear,
    Norm,
    Pool,
    PReLU,
    Separable,
    Shape,
    TransposedConv,
)
from convcli.nets.operations import Each


class Slot(NamedTuple):
    """One array of weights: its shape, and the number it holds, or how it is drawn.

    "filters" are drawn along the first axis, "transposed" along the second, "codes" are ±1.
    """

    shape: Shape
    fill: str | float


Slots = dict[str, Slot]


def slots_of(layer: Layer, shape: Shape) -> Slots:
    """The weights of a layer that meets an input of this shape, by role; none for most.

    >>> from convcli.nets.readers import read_text
    >>> conv = read_text("conv(8, 5)").network.nodes[0].layer
    >>> {role: slot.shape for role, slot in slots_of(conv, (3, 9, 9)).items()}
    {'weight': (8, 3, 5, 5), 'bias': (8,)}
    """
    of = SLOTS.get(type(layer))
    return of(layer, shape) if of else {}


def _bias(outputs: int, wanted: bool) -> Slots:
    return {"bias": Slot((outputs,), 0.0)} if wanted else {}


def _conv(layer: Conv, shape: Shape) -> Slots:
    weight = Slot((layer.filters, shape[0] // layer.groups, *layer.kernel), "filters")
    return {"weight": weight, **_bias(layer.filters, layer.bias)}


def _depthwise(layer: Depthwise, shape: Shape) -> Slots:
    return _conv(layer.conv(shape[0]), shape)


def _separable(layer: Separable, shape: Shape) -> Slots:
    alone = _depthwise(layer.depthwise, shape)
    middle = shape[0] * layer.depthwise.multiplier
    return {
        **{f"depthwise.{role}": slot for role, slot in alone.items()},
        **_conv(layer.pointwise, (middle, *shape[1:])),
    }


def _transposed(layer: TransposedConv, shape: Shape) -> Slots:
    weight = Slot((shape[0], layer.filters // layer.groups, *layer.kernel), "transposed")
    return {"weight": weight, **_bias(layer.filters, layer.bias)}


def _linear(layer: Linear, shape: Shape) -> Slots:
    met = {"all": prod(shape), "last": shape[-1], "channels": shape[0]}[layer.reach(shape)]
    weight = Slot((layer.outputs, met), "filters")
    return {"weight": weight, **_bias(layer.outputs, layer.bias)}


def _norm(layer: Norm, shape: Shape) -> Slots:
    covered = layer.shape or (shape[0],)
    slots = {"weight": Slot(covered, 1.0), "bias": Slot(covered, 0.0)}
    slots = dict(list(slots.items())[: layer.vectors])
    if layer.tracked:
        slots["running_mean"] = Slot(shape[:1], 0.0)
        slots["running_var"] = Slot(shape[:1], 1.0)
    return slots


def _prelu(layer: PReLU, shape: Shape) -> Slots:
    return {"weight": Slot((layer.measure(shape).params,), 0.25)}


def _pool(layer: Pool, shape: Shape) -> Slots:
    if not layer.trainable:
        return {}
    return {"weight": Slot(shape[:1], 1.0), "bias": Slot(shape[:1], 0.0)}


def _rbf(layer: RBF, shape: Shape) -> Slots:
    return {"weight": Slot((layer.outputs, prod(shape)), "codes")}


def _each(layer: Each, shape: Shape) -> Slots:
    build = SLOTS.get(type(layer.layer))
    return build(layer.layer, shape[1:]) if build else {}


SLOTS: dict[type, Callable[[Any, Shape], Slots]] = {
    Conv: _conv,
    Depthwise: _depthwise,
    Separable: _separable,
    TransposedConv: _transposed,
    Linear: _linear,
    Norm: _norm,
    PReLU: _prelu,
    Pool: _pool,
    RBF: _rbf,
    Each: _each,
}
"""The kinds of layers that have weights."""

C3 = (
    "1000111001111011",
    "1100011100111101",
    "1110001110010111",
    "0111001111001011",
    "0011100111101101",
    "0001110011110111",
)
"""Which of LeNet-5's sixteen maps in C3 (columns) see which of its six in S2 (LeCun et al. 1998,
table I)."""


def connected(layer: Conv, channels: int) -> NDArray[np.float32]:
    """1 where a filter sees a channel, else 0, (f, c / groups, 1, 1).

    The 60 pairs of LeNet-5's C3 are those of its paper; any other number goes around: filter f
    starts at channel f, and each filter gets one more before any gets two.

    >>> from convcli.nets.readers import read_text
    >>> c3 = read_text("conv(16, 5, connections=60)").network.nodes[0].layer
    >>> connected(c3, 6).sum(), connected(c3, 6)[0].ravel()
    (np.float32(60.0), array([1., 1., 1., 0., 0., 0.], dtype=float32))
    """
    each = channels // layer.groups
    shape = (layer.filters, each, *[1] * len(layer.kernel))
    if (layer.filters, each, layer.connections) == (16, 6, 60):
        table = np.array([[int(cell) for cell in row] for row in C3], np.float32)
        return np.ascontiguousarray(table.T).reshape(shape)
    pair = np.arange(min(layer.connections or 0, layer.filters * each))
    filters = pair % layer.filters
    table = np.zeros((layer.filters, each), np.float32)
    table[filters, (pair // layer.filters + filters) % each] = 1
    return table.reshape(shape)
