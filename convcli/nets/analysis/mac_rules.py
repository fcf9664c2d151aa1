"""What counts as a multiply–accumulate, by the rules of the tools that print the figure.

Every rule is a definition in words and the function of a row that computes it. "weights" is ours.
"""

from collections.abc import Callable
from math import prod
from typing import NamedTuple

from convcli.nets.analysis.summary import Row
from convcli.nets.layers import (
    Activation,
    AdaptivePool,
    Conv,
    Depthwise,
    Norm,
    Pool,
    PReLU,
    Separable,
    TransposedConv,
)

CONVS = (Conv, Depthwise, Separable, TransposedConv)


class Rule(NamedTuple):
    """A way to count, and its definition."""

    count: Callable[[Row], int]
    definition: str


def _elements(row: Row) -> int:
    return prod(row.output)


def _taken(row: Row) -> int:
    return prod(row.inputs[0])


def _batch_norm(row: Row) -> int:
    layer = row.node.layer
    return 2 * _elements(row) if isinstance(layer, Norm) and layer.kind == "batch" else 0


def _bias(row: Row) -> int:
    """One addition for every output of a convolution or linear layer with a bias."""
    return _elements(row) if row.measure.bias else 0


def _weights(row: Row) -> int:
    return row.macs


def _with_bias(row: Row) -> int:
    return row.macs + _bias(row)


def _torchinfo(row: Row) -> int:
    return row.macs + _bias(row) if row.macs else row.measure.params


def _thop(row: Row) -> int:
    layer, extra = row.node.layer, 0
    if isinstance(layer, CONVS):
        extra = _bias(row)
    elif isinstance(layer, AdaptivePool):
        cells = prod(
            taken // given for taken, given in zip(row.inputs[0][1:], row.output[1:], strict=False)
        )
        if layer.squeeze:
            cells = prod(row.inputs[0][1:])
        extra = (cells + 1) * _elements(row)
    return row.macs + extra + _batch_norm(row)


def _fvcore(row: Row) -> int:
    pooled = _taken(row) if isinstance(row.node.layer, AdaptivePool) else 0
    return row.macs + pooled + _batch_norm(row)


def _ptflops(row: Row) -> int:
    layer, extra = row.node.layer, _bias(row) + _batch_norm(row)
    if isinstance(layer, Pool | AdaptivePool):
        extra += _taken(row)
    elif isinstance(layer, PReLU) or (
        isinstance(layer, Activation)
        and layer.type in ("relu", "relu6", "leaky_relu", "elu", "gelu")
    ):
        extra += _elements(row)
    return row.macs + extra


RULES = {
    "weights": Rule(_weights, "weights of convolutions and linear layers"),
    "bias": Rule(_with_bias, "weights, and one for each output with a bias"),
    "torchinfo": Rule(_torchinfo, "(weights + bias) x pixels; other layers their parameters once"),
    "thop": Rule(
        _thop,
        "up to 0.0.31: weights and conv bias, 2 per batch norm element, "
        "window + 1 per adaptive-pool output",
    ),
    "fvcore": Rule(_fvcore, "weights, 2 per batch norm element, adaptive-pool inputs"),
    "ptflops": Rule(
        _ptflops,
        "module backend: weights and bias, 2 per batch norm element, 1 per ReLU element, "
        "pool inputs",
    ),
}
