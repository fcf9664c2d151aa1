"""Activation functions by the notation's names, on the maps of one image: (c, *lengths).

What `convcli.conv` has is used as it is; the others are one line per function.
"""

from collections.abc import Callable, Sequence

import numpy as np

import convcli.conv as conv
from convcli.arrays import Array
from convcli.errors import UnfitError
from convcli.nets.layers import Activation
from convcli.runtime.elementwise import ELEMENTWISE

Numbers = float | Sequence[float]


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
        raise UnfitError(f"dim={dim} is not an axis of a batch of maps with {x.ndim} axes each")
    return int(dim) if dim < 0 else max(int(dim) - 1, 0)


def along(function: Callable[[Array, int], Array]) -> Callable[..., Array]:
    """A function of values along an axis of a batch."""
    return lambda x, dim=1: function(x, axis_of(x, dim))


def log_sigmoid(x: Array) -> Array:
    """ln sigmoid(x) = −ln(1 + e⁻ˣ), without overflow."""
    return np.asarray(-np.logaddexp(x.dtype.type(0), -x))


def softshrink(x: Array, lambd: float = 0.5) -> Array:
    """x moved towards 0 by λ, and 0 within it."""
    return np.asarray(np.sign(x) * np.maximum(np.abs(x) - x.dtype.type(lambd), 0))


def hardshrink(x: Array, lambd: float = 0.5) -> Array:
    """x, and 0 where |x| ≤ λ."""
    return np.where(np.abs(x) > lambd, x, x.dtype.type(0))


def bounded_relu(
    x: Array, max_value: float | None, negative_slope: float, threshold: float
) -> Array:
    """Keras's ReLU: slope · (x − threshold) below the threshold, at most `max_value`."""
    y = np.where(x < threshold, negative_slope * (x - x.dtype.type(threshold)), x)
    return np.asarray(y if max_value is None else np.minimum(y, max_value), x.dtype)


def rescaling(x: Array, scale: Numbers, offset: Numbers) -> Array:
    """x · scale + offset, numbers or one per channel."""
    return np.asarray(x * per_channel(scale, x) + per_channel(offset, x))


def normalization(x: Array, mean: Numbers, variance: Numbers, invert: bool) -> Array:
    """(x − mean) / σ by numbers of the text, or back; σ is 10⁻⁷ at least, as in Keras."""
    center, spread = per_channel(mean, x), np.maximum(np.sqrt(per_channel(variance, x)), 1e-7)
    return np.asarray(x * spread + center if invert else (x - center) / spread, x.dtype)


def per_channel(numbers: Numbers, x: Array) -> Array:
    """Numbers of a text as an array that goes with maps (c, *lengths)."""
    try:
        array = np.asarray(numbers, x.dtype).reshape(-1)
    except (TypeError, ValueError):
        raise UnfitError(f"{numbers!r:.60} are not numbers") from None
    if array.size not in (1, len(x)):
        raise UnfitError(f"{array.size} numbers meet {len(x)} channels")
    return array.reshape(-1, *[1] * (x.ndim - 1))


def unit_norm(x: Array) -> Array:
    """x over the length of its vector of channels, as Keras has it."""
    squares = np.square(x).sum(0, keepdims=True)
    return np.asarray(x / np.sqrt(np.maximum(squares, x.dtype.type(1e-12))))


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
    "softmax": along(conv.softmax),
    "softmin": along(lambda x, axis: conv.softmax(-x, axis)),
    "log_softmax": along(conv.log_softmax),
    "threshold": lambda x, threshold=0.0, value=0.0: conv.threshold(x, threshold, value),
    "softshrink": softshrink,
    "hardshrink": hardshrink,
    "tanhshrink": lambda x: x - np.tanh(x),
    "abs": np.abs,
    "exponential": np.exp,
    "exp": np.exp,
    "square": np.square,
    "neg": np.negative,
    **{name: ELEMENTWISE[name] for name in ("sqrt", "log", "sin", "cos", "floor", "ceil", "sign")},
    **{name: ELEMENTWISE[name] for name in ("reciprocal", "erf")},
    "bounded_relu": bounded_relu,
    "rescaling": rescaling,
    "normalization": normalization,
    "unit_norm": unit_norm,
}
