"""Functions of each value alone, and softmax, with the names of `torch.nn.functional`.

All give a new array. ACTIVATIONS lists those that need no further argument; DERIVATIVES and
JACOBIANS in `convcli.conv.gradients` are their gradients.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from convcli.arrays import Array
from convcli.conv.validate import check_real, floats, integers, number
from convcli.errors import UnfitError


def relu(x: ArrayLike) -> Array:
    """max(x, 0) (Nair & Hinton 2010).

    x is of any shape; the result has its shape and its dtype, float64 for integers. Raises
    UnfitError for complex numbers, objects and text, and for arguments that are not numbers.

    >>> relu([-2.0, 3.0])
    array([0., 3.])
    """
    # the maximum of an array and a number takes three times as long
    return np.asarray(np.clip(real(x), 0, np.inf))


def leaky_relu(x: ArrayLike, negative_slope: float = 0.01) -> Array:
    """max(x, 0) + negative_slope · min(x, 0) (Maas, Hannun & Ng 2013).

    Shapes, dtypes and errors as in `relu`.

    >>> leaky_relu(np.array([-2.0, 3.0]), 0.1)
    array([-0.2,  3. ])
    """
    x = real(x)
    slope = x.dtype.type(number(negative_slope, "negative_slope"))
    return np.where(x < 0, x * slope, x)


def prelu(x: ArrayLike, weight: ArrayLike) -> Array:
    """x where positive, weight · x elsewhere: one learned slope, or one per channel of (n, c, …).

    He et al. 2015.

    Shapes, dtypes and errors as in `relu`; UnfitError also for slopes that do not fit x.

    >>> prelu([[-2.0], [3.0]], [0.25]).ravel()
    array([-0.5,  3. ])
    """
    x = real(x)
    slope = np.asarray(weight)
    check_real("prelu", slope)
    channels = x.shape[1] if x.ndim > 1 else 1
    if slope.ndim > 1 or slope.size not in (1, channels):
        raise UnfitError(
            f"weight has the shape {slope.shape}; x {x.shape} takes one slope, or ({channels},)"
        )
    slope = slope.astype(x.dtype, copy=False).reshape(-1, *[1] * max(x.ndim - 2, 0))
    return np.where(x < 0, x * slope, x).reshape(x.shape)


def threshold(x: ArrayLike, threshold: float, value: float) -> Array:
    """x where it is above a threshold, else a value (`torch.nn.Threshold`).

    A NaN stays one, as in PyTorch.

    Shapes, dtypes and errors as in `relu`.

    >>> threshold([0.5, 2.0], 1.0, 0.0)
    array([0., 2.])
    """
    x = real(x)
    low = x <= number(threshold, "threshold")
    return np.where(low, x.dtype.type(number(value, "value")), x)


def elu(x: ArrayLike, alpha: float = 1.0) -> Array:
    """x where positive, α·(eˣ − 1) elsewhere (Clevert, Unterthiner & Hochreiter 2016).

    Shapes, dtypes and errors as in `relu`.

    >>> elu([-1.0, 2.0]).round(4)
    array([-0.6321,  2.    ])
    """
    x = real(x)
    scale = x.dtype.type(number(alpha, "alpha"))
    return np.where(x > 0, x, scale * np.expm1(np.minimum(x, 0)))


def celu(x: ArrayLike, alpha: float = 1.0) -> Array:
    """max(x, 0) + min(0, α·(e^(x/α) − 1)) (Barron 2017).

    Shapes, dtypes and errors as in `relu`; UnfitError also for an α of 0.

    >>> celu([-2.0, 2.0], 2.0).round(4)
    array([-1.2642,  2.    ])
    """
    x = real(x)
    scale = x.dtype.type(_divisor(alpha, "alpha"))
    return np.where(x > 0, x, scale * np.expm1(np.minimum(x, 0) / scale))


def selu(x: ArrayLike) -> Array:
    """scale · elu(x, α), with the fixed point of Klambauer et al. 2017.

    Shapes, dtypes and errors as in `relu`.

    >>> selu([-1.0, 1.0]).round(4)
    array([-1.1113,  1.0507])
    """
    return np.asarray(elu(x, SELU_ALPHA) * real(x).dtype.type(SELU_SCALE))


SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def sigmoid(x: ArrayLike) -> Array:
    """1 / (1 + e⁻ˣ), without overflow on either side (Rumelhart, Hinton & Williams 1986).

    Shapes, dtypes and errors as in `relu`.

    >>> sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    x = real(x)
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x < 0, small, 1) / (1 + small))


def tanh(x: ArrayLike) -> Array:
    """The hyperbolic tangent (e^x − e^−x) / (e^x + e^−x) (LeCun et al. 1998).

    Shapes, dtypes and errors as in `relu`.

    >>> tanh([0.0, 1000.0])
    array([0., 1.])
    """
    return np.asarray(np.tanh(real(x)))


def softplus(x: ArrayLike, beta: float = 1.0, threshold: float = 20.0) -> Array:
    """ln(1 + e^(βx)) / β, and x itself where βx is above a threshold (Dugas et al. 2001).

    Shapes, dtypes and errors as in `relu`; UnfitError also for a β of 0.

    >>> softplus([0.0, 21.0]).round(4)
    array([ 0.6931, 21.    ])
    """
    x = real(x)
    scale, limit = x.dtype.type(_divisor(beta, "beta")), number(threshold, "threshold")
    return np.where(x * scale > limit, x, np.logaddexp(x.dtype.type(0), x * scale) / scale)


def softsign(x: ArrayLike) -> Array:
    """x / (1 + |x|) (Bergstra et al. 2009).

    Shapes, dtypes and errors as in `relu`.

    >>> softsign([-1.0, 3.0])
    array([-0.5 ,  0.75])
    """
    x = real(x)
    return np.asarray(x / (1 + np.abs(x)))


def silu(x: ArrayLike) -> Array:
    """x · sigmoid(x), also called swish (Hendrycks & Gimpel 2016).

    Shapes, dtypes and errors as in `relu`.

    >>> silu([0.0, 1000.0])
    array([   0., 1000.])
    """
    return np.asarray(real(x) * sigmoid(x))


def mish(x: ArrayLike) -> Array:
    """x · tanh(softplus(x)) (Misra 2019).

    Shapes, dtypes and errors as in `relu`.

    >>> mish([1.0]).round(4)
    array([0.8651])
    """
    return np.asarray(real(x) * np.tanh(softplus(x)))


def gelu(x: ArrayLike, approximate: str = "none") -> Array:
    """x · Φ(x) with the normal distribution's Φ, or its tanh approximation.

    Hendrycks & Gimpel 2016: ½x·(1 + erf(x/√2)); "tanh": ½x·(1 + tanh(√(2/π)·(x + 0.044715·x³))).

    Shapes, dtypes and errors as in `relu`; UnfitError also for another `approximate`.

    >>> gelu([1.0]).round(4), gelu([1.0], approximate="tanh").round(4)
    (array([0.8413]), array([0.8412]))
    """
    x = real(x)
    if not isinstance(approximate, str) or approximate not in ("none", "tanh"):
        raise UnfitError(f"approximate={approximate!r} must be 'none' or 'tanh'")
    half = x.dtype.type(0.5)
    if approximate == "tanh":
        inner = x + x.dtype.type(0.044715) * x**3
        bell = np.tanh(x.dtype.type(math.sqrt(2 / math.pi)) * inner)
    else:
        bell = erf(x * x.dtype.type(math.sqrt(0.5)))
    return np.asarray(half * x * (1 + bell))


def erf(x: ArrayLike) -> Array:
    """The error function, value by value from `math`: NumPy has none.

    Shapes, dtypes and errors as in `relu`.

    >>> erf([0.0, 100.0])
    array([0., 1.])
    """
    x = real(x)
    values = np.fromiter(map(math.erf, x.ravel().tolist()), np.float64, x.size)
    return values.reshape(x.shape).astype(x.dtype)


def hardtanh(x: ArrayLike, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    """x clipped to an interval (Collobert 2004).

    Where min_val is above max_val the result is max_val, as ONNX's Clip has it.

    Shapes, dtypes and errors as in `relu`.

    >>> hardtanh([-3.0, 0.5, 3.0])
    array([-1. ,  0.5,  1. ])
    """
    low, high = number(min_val, "min_val"), number(max_val, "max_val")
    return np.asarray(np.clip(real(x), low, high))


def relu6(x: ArrayLike) -> Array:
    """x clipped to 0 and 6 (Krizhevsky 2010).

    Shapes, dtypes and errors as in `relu`.

    >>> relu6([-1.0, 7.0])
    array([0., 6.])
    """
    return hardtanh(x, 0, 6)


def hardsigmoid(x: ArrayLike) -> Array:
    """relu6(x + 3) / 6 (Howard et al. 2019).

    Shapes, dtypes and errors as in `relu`.

    >>> hardsigmoid([-3.0, 0.0, 3.0])
    array([0. , 0.5, 1. ])
    """
    return np.asarray(relu6(real(x) + 3) / 6)


def hardswish(x: ArrayLike) -> Array:
    """x · hardsigmoid(x) (Howard et al. 2019).

    Shapes, dtypes and errors as in `relu`.

    >>> hardswish([-3.0, 3.0])
    array([-0.,  3.])
    """
    return np.asarray(real(x) * hardsigmoid(x))


def softmax(x: ArrayLike, dim: int = -1) -> Array:
    """eˣ / Σ eˣ along an axis, shifted by the maximum so that nothing overflows (Bridle 1990).

    float16 is summed in float32.

    Shapes, dtypes and errors as in `relu`; UnfitError also for an axis that x does not have.

    >>> softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    x = real(x)
    shifted, axis = _shifted(x, dim)
    powers = np.exp(shifted)
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True), x.dtype)


def log_softmax(x: ArrayLike, dim: int = -1) -> Array:
    """ln softmax(x), without the underflow of taking them one after the other.

    Shapes, dtypes and errors as in `relu`; UnfitError also for an axis that x does not have.

    >>> log_softmax([0.0, -1000.0])
    array([    0., -1000.])
    """
    x = real(x)
    shifted, axis = _shifted(x, dim)
    total = np.exp(shifted).sum(axis=axis, keepdims=True)
    return np.asarray(shifted - np.log(total), x.dtype)


def _shifted(x: Array, dim: object) -> tuple[Array, int]:
    """x less its maximum along an axis, in float32 at least, and the axis."""
    axis, axes = integers(dim, 1), max(x.ndim, 1)
    if axis is None or not -axes <= axis[0] < axes:
        raise UnfitError(f"dim={dim} is not an axis of x, which has the shape {x.shape}")
    values = x.astype(np.promote_types(x.dtype, np.float32), copy=False)
    return values - values.max(axis=axis[0], keepdims=True, initial=-np.inf), axis[0]


def _divisor(value: object, what: str) -> float:
    scale = number(value, what)
    if scale == 0:
        raise UnfitError(f"{what}=0 cannot be divided by")
    return scale


def real(x: ArrayLike) -> Array:
    """x as an array of floats; integers become float64."""
    return floats("an activation", x)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "celu": celu,
    "elu": elu,
    "gelu": gelu,
    "hardsigmoid": hardsigmoid,
    "hardswish": hardswish,
    "hardtanh": hardtanh,
    "leaky_relu": leaky_relu,
    "log_softmax": log_softmax,
    "mish": mish,
    "relu": relu,
    "relu6": relu6,
    "selu": selu,
    "sigmoid": sigmoid,
    "silu": silu,
    "softmax": softmax,
    "softplus": softplus,
    "softsign": softsign,
    "tanh": tanh,
}
