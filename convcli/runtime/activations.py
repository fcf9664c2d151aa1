"""Activation functions by the notation's names, on the maps of one image: (c, *lengths).

What `convcli.conv` has is used as it is; the others are one line per function.
"""

from collections.abc import Callable

import numpy as np

import convcli.conv as conv
from convcli.arrays import Array
from convcli.errors import UnfitError
from convcli.nets.layers import Activation


def activate(layer: Activation, x: Array) -> Array:
    """An activation layer on x.

    >>> activate(Activation("leaky_relu", 0.5), np.array([-2.0, 1.0]))
    array([-1.,  1.])

    Raises UnfitError for values that were not known when the text was read.
    """
    values = dict(layer.values)
    for name, value in values.items():
        if isinstance(value, str) and name != "approximate":
            raise UnfitError(f"{layer.type}({name}={value}) cannot be run: not a number")
    if layer.type == "leaky_relu":
        values["negative_slope"] = layer.slope
    return np.asarray(FUNCTIONS[layer.type](x, **values))


def axis_of(x: Array, dim: float) -> int:
    """The axis of one image that an axis of a batch is: PyTorch's dim 1 are the channels."""
    if not -x.ndim <= dim <= x.ndim or dim != int(dim):
        raise UnfitError(f"dim={dim} is no axis of a batch of maps with {x.ndim} axes each")
    return int(dim) if dim < 0 else max(int(dim) - 1, 0)


def softmax(x: Array, dim: float = 1) -> Array:
    return conv.softmax(x, axis_of(x, dim))


def softmin(x: Array, dim: float = 1) -> Array:
    return conv.softmax(-x, axis_of(x, dim))


def log_softmax(x: Array, dim: float = 1) -> Array:
    return conv.log_softmax(x, axis_of(x, dim))


def log_sigmoid(x: Array) -> Array:
    """ln sigmoid(x) = −ln(1 + e⁻ˣ), without overflow."""
    return np.asarray(-np.logaddexp(x.dtype.type(0), -x))


def threshold(x: Array, threshold: float = 0.0, value: float = 0.0) -> Array:
    return conv.threshold(x, threshold, value)


def softshrink(x: Array, lambd: float = 0.5) -> Array:
    """x moved towards 0 by λ, and 0 within it."""
    return np.asarray(np.sign(x) * np.maximum(np.abs(x) - x.dtype.type(lambd), 0))


def hardshrink(x: Array, lambd: float = 0.5) -> Array:
    """x, and 0 where |x| ≤ λ."""
    return np.where(np.abs(x) > lambd, x, x.dtype.type(0))


def tanhshrink(x: Array) -> Array:
    return np.asarray(x - np.tanh(x))


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "relu": conv.relu,
    "relu6": conv.relu6,
    "leaky_relu": conv.leaky_relu,
    "elu": conv.elu,
    "selu": conv.selu,
    "celu": conv.celu,
    "gelu": conv.gelu,
    "silu": conv.silu,
    "mish": conv.mish,
    "softplus": conv.softplus,
    "softsign": conv.softsign,
    "hard_swish": conv.hardswish,
    "hard_sigmoid": conv.hardsigmoid,
    "hard_tanh": conv.hardtanh,
    "tanh": conv.tanh,
    "sigmoid": conv.sigmoid,
    "log_sigmoid": log_sigmoid,
    "softmax": softmax,
    "softmin": softmin,
    "log_softmax": log_softmax,
    "threshold": threshold,
    "softshrink": softshrink,
    "hardshrink": hardshrink,
    "tanhshrink": tanhshrink,
    "abs": np.abs,
    "exponential": np.exp,
}
