"""Functions and comparisons of each value that model files name; arrays stay float32."""

from collections.abc import Callable
from math import erf

import numpy as np

from convcli.arrays import Array


def _float(function: Callable[..., Array]) -> Callable[..., Array]:
    """A comparison as numbers: 1 where it holds, 0 elsewhere."""
    return lambda *arrays: np.asarray(function(*arrays)).astype(np.float32)


def _erf(x: Array) -> Array:
    values = np.fromiter(map(erf, x.ravel()), np.float64, x.size)
    return values.astype(x.dtype).reshape(x.shape)


def _shrink(x: Array, lambd: float, bias: float) -> Array:
    """x + bias below −λ, x − bias above λ, 0 between."""
    low, high = x < -lambd, x > lambd
    return np.where(low, x + bias, np.where(high, x - bias, 0)).astype(x.dtype)


def _is_inf(x: Array, negative: int, positive: int) -> Array:
    below, above = np.isneginf(x) & bool(negative), np.isposinf(x) & bool(positive)
    return np.asarray(below | above, np.float32)


def _along(values: tuple[float, ...], axis: int, x: Array) -> Array:
    """One number, or one per index of an axis."""
    numbers = np.array(values, np.float32)
    return numbers if numbers.size == 1 else numbers.reshape([-1] + [1] * (x.ndim - axis - 1))


def _quantize(
    x: Array, scale: tuple[float, ...], zero: tuple[float, ...], axis: int, low: int, high: int
) -> Array:
    """round(x / scale) + zero within the bounds of its integers."""
    steps = np.rint(x / _along(scale, axis, x)) + _along(zero, axis, x)
    return np.asarray(np.clip(steps, low, high), np.float32)


def _dequantize(x: Array, scale: tuple[float, ...], zero: tuple[float, ...], axis: int) -> Array:
    return np.asarray((x - _along(zero, axis, x)) * _along(scale, axis, x), np.float32)


ELEMENTWISE: dict[str, Callable[..., Array]] = {
    "negative": np.negative,
    "sqrt": np.sqrt,
    "log": np.log,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.rint,
    "sign": np.sign,
    "reciprocal": np.reciprocal,
    "erf": _erf,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "truncate": np.trunc,
    "nonzero": _float(lambda x: x != 0),
    "not": _float(lambda x: x == 0),
    "is_nan": _float(np.isnan),
    "is_inf": _is_inf,
    "negative_part": lambda x: np.minimum(x, 0),
    "positive_part": lambda x: np.maximum(x, 0),
    "shrink": _shrink,
    "quantize": _quantize,
    "dequantize": _dequantize,
    "equal": _float(np.equal),
    "greater": _float(np.greater),
    "less": _float(np.less),
    "greater_or_equal": _float(np.greater_equal),
    "less_or_equal": _float(np.less_equal),
    "and": _float(np.logical_and),
    "or": _float(np.logical_or),
    "xor": _float(np.logical_xor),
    "mod": np.mod,
    "fmod": np.fmod,
    "where": lambda c, x, y: np.asarray(np.where(c != 0, x, y)),
}
"""How each is computed from its tensors and its values."""
