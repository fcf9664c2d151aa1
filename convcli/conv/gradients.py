"""Gradients of each function: from a loss's gradient at the output to that at the inputs.

Each function takes the arguments of the one it belongs to, and before them `grad`, dL/dy in the
shape of its result. Convolutions take batches, (n, c, h, w); pools one image too, (c, h, w).
Whole numbers count as float64.

    dL/dx = the transposed convolution of grad        Goodfellow, Bengio & Courville 2016, §9.5
    dL/dw = the correlation of x with grad
    dL/db = the sum of grad over images and positions
"""

from collections.abc import Callable
from itertools import product
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from convcli.arrays import Array
from convcli.conv import activations as act
from convcli.conv.conv_transpose import transposed
from convcli.conv.functional import border_of, problem_of
from convcli.conv.padding import folded, padded_rows
from convcli.conv.pooling import adaptive_sizes, divisors, extreme_cells, pool_axes
from convcli.conv.sliding import read_by, spans, windows
from convcli.conv.spec import Problem
from convcli.conv.validate import Padding, Sizes, bias_of, floats
from convcli.errors import UnfitError
from convcli.geometry import Fit, adaptive_cells
from convcli.records import NamedTuple

BAND_BYTES = 4 << 20
"""Columns of one band."""


class Gradients(NamedTuple):
    """dL/d of each argument; None for a bias that was not there."""

    x: Array
    weight: Array
    bias: Array | None


def conv2d_gradients(
    grad: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    padding_mode: str = "zero",
    padding_value: float = 0,
) -> Gradients:
    """dL/dx (n, c, h, w), dL/dw (f, c / groups, i, j) and dL/db (f,) of `conv2d`.

    All in the common dtype of grad, x and weight, and at least float32. grad is (n, f, h', w').

    Raises UnfitError for shapes that do not fit each other and for dtypes other than real numbers.

    >>> x, w = np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2))
    >>> conv2d_gradients(np.ones((1, 1, 2, 2)), x, w).x[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    grad, x, weight = (floats("conv2d_gradients", array) for array in (grad, x, weight))
    working = np.result_type(grad, x, weight, np.float32)
    border = border_of(padding_mode, padding_value)
    arguments = stride, padding, dilation, groups
    problem = problem_of(x.shape, weight.shape, *arguments, working, border=border)
    _check_grad(grad, (problem.images, len(weight), *problem.output), "the convolution")
    bias = bias_of(bias, len(weight))
    grad = grad.astype(working, copy=False)
    return Gradients(
        _input_gradient(grad, weight.astype(working, copy=False), problem),
        _weight_gradient(grad, x, problem).reshape(weight.shape),
        None if bias is None else grad.sum(axis=(0, 2, 3)),
    )


def _check_grad(grad: Array, shape: tuple[int, ...], function: str) -> None:
    if grad.shape != shape:
        raise UnfitError(f"grad has the shape {grad.shape}; {function} gives {shape}")


def _input_gradient(grad: Array, weight: Array, problem: Problem) -> Array:
    # the rows and columns at the end that no window reads
    rows, columns = (
        Fit(length, window, (0, 0)).leftover
        for length, window in zip(problem.padded, problem.windows, strict=True)
    )
    uncut = (0, 0), (0, 0)
    padded = transposed(grad, weight, problem.windows, uncut, (rows, columns), problem.groups)
    return np.ascontiguousarray(folded(padded, problem))


def _weight_gradient(grad: Array, x: Array, problem: Problem) -> Array:
    """Σ over images and bands of grad · columnsᵀ: (g, f, taps)."""
    total = np.zeros((problem.groups, problem.filters, problem.taps), problem.dtype)
    images = x.reshape(problem.images, problem.groups, problem.channels, *problem.size)
    signals = grad.reshape(problem.images, problem.groups, problem.filters, *problem.output)
    row = max(problem.taps * problem.output[1] * problem.itemsize, 1)
    bands = spans(problem.output[0], BAND_BYTES // row)
    for n, g, (top, bottom) in product(range(problem.images), range(problem.groups), bands):
        rows = padded_rows(images[n, g], problem, *read_by(problem, top, bottom))
        columns = windows(rows, problem).reshape(problem.taps, -1)
        signal = signals[n, g, :, top:bottom].reshape(problem.filters, columns.shape[1])
        total[g] += signal @ columns.T
    return total


def linear_gradients(
    grad: ArrayLike, x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None
) -> Gradients:
    """dL/dx (…, in), dL/dw (out, in) and dL/db (out,) of `linear`, for a grad (…, out).

        dL/dx = grad · weight    dL/dw = Σ gradᵀ · x    dL/db = Σ grad

    Each in the common dtype of its factors (Goodfellow, Bengio & Courville 2016, §6.5); errors of
    shapes and dtypes as in `conv2d_gradients`.

    >>> linear_gradients([[1.0]], [[2.0, 3.0]], [[5.0, 7.0]]).weight
    array([[2., 3.]])
    """
    grad, x, weight = (floats("linear_gradients", array) for array in (grad, x, weight))
    if weight.ndim != 2 or x.ndim < 1 or x.shape[-1] != weight.shape[1]:
        raise UnfitError(f"x has the shape {x.shape}, the weights {weight.shape}")
    _check_grad(grad, (*x.shape[:-1], len(weight)), "the layer")
    bias = bias_of(bias, len(weight))
    flat = grad.reshape(prod(x.shape[:-1]), len(weight))
    return Gradients(
        grad @ weight,
        flat.T @ x.reshape(len(flat), weight.shape[1]),
        None if bias is None else flat.sum(axis=0),
    )


def max_pool2d_gradient(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Array:
    """dL/dx of `max_pool2d`: each window's gradient goes to its first maximum, as in PyTorch.

    grad is (n, c, h', w') or (c, h', w'), the result of x's shape and grad's dtype. Raises
    UnfitError for windows and shapes that do not fit and for dtypes that are not real numbers.

    >>> max_pool2d_gradient([[[1.0]]], [[[1.0, 3.0], [3.0, 2.0]]], 2)
    array([[[0., 1.],
            [0., 0.]]])
    """
    grad, x = floats("max_pool2d_gradient", grad), np.asarray(x)
    axes = pool_axes(x, kernel_size, stride, padding, dilation, ceil_mode)
    _, cells = extreme_cells(x, axes)
    _check_grad(grad, cells.shape, "the pool")
    maps = np.zeros((prod(x.shape[:-2]), x.shape[-2] * x.shape[-1]), grad.dtype)
    shape = len(maps), axes[0].output * axes[1].output
    for cells_of_map, values, targets in zip(
        maps, grad.reshape(shape), cells.reshape(shape), strict=True
    ):
        inside = targets >= 0
        np.add.at(cells_of_map, targets[inside], values[inside])
    return maps.reshape(x.shape)


def min_pool2d_gradient(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Array:
    """dL/dx of `min_pool2d`: the minimum of x is the maximum of −x.

    Shapes, dtypes and errors are those of `max_pool2d_gradient`.

    >>> min_pool2d_gradient([[[1.0]]], [[[1.0, 3.0]]], (1, 2))
    array([[[1., 0.]]])
    """
    negated = -floats("min_pool2d_gradient", x)
    return max_pool2d_gradient(grad, negated, kernel_size, stride, padding, dilation, ceil_mode)


def avg_pool2d_gradient(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    dilation: Sizes = 1,
) -> Array:
    """dL/dx of `avg_pool2d`: each window's gradient, divided, goes to all of its cells.

    Shapes, dtypes and errors are those of `max_pool2d_gradient`.

    >>> avg_pool2d_gradient([[[1.0]]], np.ones((1, 2, 2)), 2)
    array([[[0.25, 0.25],
            [0.25, 0.25]]])
    """
    grad, x = floats("avg_pool2d_gradient", grad), np.asarray(x)
    axes = pool_axes(x, kernel_size, stride, padding, dilation, ceil_mode)
    rows, columns = axes
    _check_grad(grad, (*x.shape[:-2], rows.output, columns.output), "the pool")
    share = grad / divisors(axes, count_include_pad, divisor_override, grad.dtype)
    (top, _), (left, _) = rows.padding, columns.padding
    height = max(rows.padded, top + rows.length)
    width = max(columns.padded, left + columns.length)
    total = np.zeros((*x.shape[:-2], height, width), grad.dtype)
    for i, j in np.ndindex(rows.window.kernel, columns.window.kernel):
        total[..., rows.positions(i), columns.positions(j)] += share
    return np.ascontiguousarray(total[..., top : top + rows.length, left : left + columns.length])


def adaptive_avg_pool2d_gradient(grad: ArrayLike, x: ArrayLike) -> Array:
    """dL/dx of `adaptive_avg_pool2d`, whose output has the size of grad.

    Shapes, dtypes and errors are those of `max_pool2d_gradient`.

    >>> adaptive_avg_pool2d_gradient([[[1.0]]], [[[8.0, 9.0]]])
    array([[[0.5, 0.5]]])
    """
    grad, x = floats("adaptive_avg_pool2d_gradient", grad), np.asarray(x)
    sizes = adaptive_sizes(x, grad.shape[-2:], "adaptive_avg_pool2d_gradient")
    _check_grad(grad, (*x.shape[:-2], *sizes), "the pool")
    total = np.zeros(x.shape, grad.dtype)
    for u, v in np.ndindex(*sizes):
        rows = adaptive_cells(u, x.shape[-2], sizes[0])
        columns = adaptive_cells(v, x.shape[-1], sizes[1])
        share = grad[..., u : u + 1, v : v + 1] / (len(rows) * len(columns))
        total[..., rows.start : rows.stop, columns.start : columns.stop] += share
    return total


def activation_gradient(name: str, grad: ArrayLike, x: ArrayLike) -> Array:
    """dL/dx of an activation of `convcli.conv.activations.ACTIVATIONS`, with its defaults.

    dL/dx = dL/dy · dy/dx, value by value; along the last axis for the softmaxes. grad and x have
    one shape, any; the result has grad's dtype. Raises UnfitError for a name that is not there,
    for another shape and for dtypes that are not real numbers.

    >>> activation_gradient("relu", [1.0, 1.0], [-1.0, 2.0])
    array([0., 1.])
    """
    if not isinstance(name, str) or (name not in DERIVATIVES and name not in JACOBIANS):
        names = ", ".join(sorted(DERIVATIVES | JACOBIANS))
        raise UnfitError(f"activation {name!r} is none of {names}")
    grad, x = floats(name, grad), floats(name, x)
    _check_grad(grad, x.shape, name)
    if name in JACOBIANS:
        return np.asarray(JACOBIANS[name](grad, x)).astype(grad.dtype, copy=False)
    return np.asarray(grad * DERIVATIVES[name](x)).astype(grad.dtype, copy=False)


def _between(low: float, high: float) -> Callable[[Array], Array]:
    return lambda x: ((x > low) & (x < high)).astype(x.dtype)


def _elu(x: Array) -> Array:
    return np.exp(np.minimum(x, 0))


def _silu(x: Array) -> Array:
    gate = act.sigmoid(x)
    return np.asarray(gate * (1 + x * (1 - gate)))


def _mish(x: Array) -> Array:
    gate = np.tanh(act.softplus(x))
    return np.asarray(gate + x * (1 - gate**2) * act.sigmoid(x))


def _gelu(x: Array) -> Array:
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    return np.asarray((1 + act.erf(x / np.sqrt(2))) / 2 + x * density)


DERIVATIVES: dict[str, Callable[[Array], Array]] = {
    "celu": _elu,
    "elu": _elu,
    "gelu": _gelu,
    "hardsigmoid": lambda x: _between(-3, 3)(x) / 6,
    "hardswish": lambda x: np.where(x <= -3, 0, np.where(x >= 3, 1, (2 * x + 3) / 6)),
    "hardtanh": _between(-1, 1),
    "leaky_relu": lambda x: np.where(x > 0, 1, 0.01),
    "mish": _mish,
    "relu": lambda x: np.where(x > 0, x.dtype.type(1), x.dtype.type(0)),
    "relu6": _between(0, 6),
    "selu": lambda x: act.SELU_SCALE * np.where(x > 0, 1, act.SELU_ALPHA * _elu(x)),
    "sigmoid": lambda x: act.sigmoid(x) * act.sigmoid(-x),
    "silu": _silu,
    "softplus": act.sigmoid,
    "softsign": lambda x: 1 / (1 + np.abs(x)) ** 2,
    "tanh": lambda x: 1 - np.tanh(x) ** 2,
}
"""dy/dx of the activations that look at one value; at a corner the side PyTorch takes."""


def _softmax(grad: Array, x: Array) -> Array:
    y = act.softmax(x)
    return np.asarray(y * (grad - (grad * y).sum(axis=-1, keepdims=True)))


JACOBIANS: dict[str, Callable[[Array, Array], Array]] = {
    "softmax": _softmax,
    "log_softmax": lambda grad, x: grad - act.softmax(x) * grad.sum(axis=-1, keepdims=True),
}
"""dL/dx of those that look along the last axis."""
