"""The layers of the notation on the maps of one image: a record → a call of the core.

Maps are float32 (c, *lengths) with one or two lengths, or a vector (c,). FORWARD holds a line for
each kind of layer; the weights of a node come as arrays by role, as their `slots` say.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from math import prod

import numpy as np

import convcli.conv as conv
from convcli.arrays import Array
from convcli.errors import UnfitError
from convcli.geometry import Pair, Window, transposed_padding
from convcli.nets.layers import (
    RBF,
    Activation,
    AdaptivePool,
    Concat,
    Conv,
    Depthwise,
    Identity,
    Layer,
    Linear,
    LocalContrastNorm,
    LocalResponseNorm,
    Merge,
    Norm,
    Pad,
    PixelShuffle,
    Pool,
    PReLU,
    Reshape,
    Separable,
    Shuffle,
    Sizes,
    TransposedConv,
    Upsample,
    Windows,
    windows_on,
)
from convcli.nets.layers.tensor_ops import Broadcast, Each, Operation, Scalar
from convcli.runtime.activations import FUNCTIONS, activate
from convcli.runtime.rearrange import pad, pixel_shuffle, reshape, shuffle, upsample
from convcli.runtime.stored import MAX_COPY, aligned
from convcli.runtime.tensor_ops import ARITHMETIC, OPERATIONS, broadcast, operate, scale

Weights = Mapping[str, Array]


def refusal(layer: Layer) -> str | None:
    """Why a layer cannot be run, if it cannot."""
    axes = len(getattr(layer, "kernel", None) or getattr(layer, "sizes", None) or ())
    if isinstance(layer, Separable):
        axes = len(layer.depthwise.kernel)
    if type(layer) not in FORWARD:
        return f"{layer.type} cannot be run here"
    if axes > 2:
        return f"{layer.type} runs on volumes; pictures have two axes"
    if isinstance(layer, Operation) and (layer.type not in OPERATIONS or not layer.runs):
        return f"{layer.type} cannot be run here"
    known = KNOWN.get(type(layer))
    if known is not None and layer.type not in known:
        return f"{layer.type} is not one of {', '.join(known)}"
    if isinstance(layer, Upsample) and layer.mode not in ("nearest", "nearest-exact", "linear"):
        return f"upsample in the mode {layer.mode!r}; nearest and linear are computed"
    if isinstance(layer, Each):
        return refusal(layer.layer)
    return None


def forward(layer: Layer, inputs: Sequence[Array], weights: Weights) -> Array:
    """The output of a layer.

    >>> pool = Pool("max", (2, 2), (2, 2), ((0, 0), (0, 0)))
    >>> forward(pool, [np.arange(8.0).reshape(1, 2, 4)], {})
    array([[[5., 7.]]])

    Raises UnfitError for a layer that `refusal` gives a reason for, and for what does not fit.
    """
    why = refusal(layer)
    if why:
        raise UnfitError(why)
    return FORWARD[type(layer)](layer, inputs, weights)


def _plane(x: Array) -> Array:
    """Maps of one length (c, w) as maps of one row (c, 1, w)."""
    return x[:, np.newaxis] if x.ndim == 2 else x


def _plane_windows(layer: Conv | Pool, x: Array) -> tuple[Sizes, Sizes, Sizes, tuple[Pair, ...]]:
    """Kernel, stride, dilation and padding on two axes; a missing one is a window of one cell."""
    windows: Windows = windows_on(
        x.shape, layer.kernel, layer.stride, layer.dilation, layer.padding
    )
    windows = ((Window(1), (0, 0)),) * (2 - len(windows)) + windows
    return (
        tuple(window.kernel for window, _ in windows),
        tuple(window.stride for window, _ in windows),
        tuple(window.dilation for window, _ in windows),
        tuple(padding for _, padding in windows),
    )


def _like(y: Array, x: Array) -> Array:
    """y with as many axes as x has."""
    return y.reshape(y.shape[0], *y.shape[2:]) if x.ndim == 2 else y


def _conv(layer: Conv, x: Array, weights: Weights, prefix: str = "") -> Array:
    weight = weights[f"{prefix}weight"]
    if layer.connections is not None:
        weight = weight * connected(layer, x.shape[0])
    kernel, stride, dilation, padding = _plane_windows(layer, x)
    bias = weights.get(f"{prefix}bias")
    y = conv.conv2d(
        _plane(x),
        weight.reshape(*weight.shape[:2], *kernel),
        bias if bias is None or bias.any() else None,  # to add nothing is a pass over the output
        stride,
        padding,
        dilation,
        layer.groups,
        padding_mode=layer.border,
    )
    return _like(y, x)


C3 = (
    "1000111001111011",
    "1100011100111101",
    "1110001110010111",
    "0111001111001011",
    "0011100111101101",
    "0001110011110111",
)
"""The connections of LeNet-5's sixteen maps in C3 (columns) to its six in S2 (LeCun et al. 1998,
table I)."""


def connected(layer: Conv, channels: int) -> Array:
    """1 where a filter reads a channel, else 0, (f, c / groups, 1, 1).

    The 60 pairs of LeNet-5's C3 are those of its paper; any other number goes around: filter f
    starts at channel f, and each filter gets one more before any gets two.

    >>> from convcli.nets.readers.read import read_text
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


def _separable(layer: Separable, x: Array, weights: Weights) -> Array:
    alone = _conv(layer.depthwise.conv(x.shape[0]), x, weights, "depthwise.")
    return _conv(layer.pointwise, alone, weights)


def _transposed(layer: TransposedConv, x: Array, weights: Weights) -> Array:
    """PyTorch's, or Keras's with a named padding: what is missing at the end stays 0."""
    windows = map(Window, layer.kernel, layer.stride, layer.dilation)
    cuts, extras = zip(*map(transposed_padding, layer.padding, windows, layer.extra), strict=True)
    flat = x.ndim == 2
    weight = weights["weight"]
    y = conv.conv_transpose2d(
        _plane(x),
        weight.reshape(*weight.shape[:2], *(1,) * flat, *layer.kernel),
        weights.get("bias"),
        (1,) * flat + layer.stride,
        ((0, 0),) * flat + cuts,
        (0,) * flat + extras,
        layer.groups,
        (1,) * flat + layer.dilation,
    )
    return _like(y, x)


def _pool(layer: Pool, x: Array, weights: Weights) -> Array:
    kernel, stride, dilation, padding = _plane_windows(layer, x)
    plane = _plane(x)
    if layer.kind in EXTREMES:
        y = EXTREMES[layer.kind](plane, kernel, stride, padding, dilation, layer.ceil)
        return _like(y, x)
    rest = (layer.ceil, layer.count_include_pad, layer.divisor, dilation)
    mean = (kernel, stride, padding, *rest)
    if layer.kind == "lp":
        # as PyTorch: the mean times the cells of a whole window, also where it is cut off
        sums = conv.avg_pool2d(plane ** x.dtype.type(layer.power), *mean) * prod(kernel)
        y = np.maximum(sums, 0) ** x.dtype.type(1 / layer.power)
    else:
        y = conv.avg_pool2d(plane, *mean)
    if layer.trainable:
        y = y * _channelwise(weights["weight"], y) + _channelwise(weights["bias"], y)
    return _like(np.asarray(y), x)


EXTREMES: dict[str, Callable[..., Array]] = {"max": conv.max_pool2d, "min": conv.min_pool2d}


def _adaptive_pool(layer: AdaptivePool, x: Array, weights: Weights) -> Array:
    sizes = (1,) * (2 - len(layer.sizes)) + layer.sizes
    y = ADAPTIVE[layer.kind](_plane(x), sizes)
    return y.reshape(-1) if layer.squeeze else _like(y, x)


ADAPTIVE: dict[str, Callable[..., Array]] = {
    "average": conv.adaptive_avg_pool2d,
    "max": conv.adaptive_max_pool2d,
    "min": lambda x, sizes: -conv.adaptive_max_pool2d(-x, sizes),
}


def _linear(layer: Linear, x: Array, weights: Weights) -> Array:
    over, weight, bias = layer.scope(x.shape), weights["weight"], weights.get("bias")
    if over == "all":
        return _connected(x.reshape(-1), weight, bias)
    if over == "last":
        return _connected(x, weight, bias)
    columns = _connected(x.reshape(len(x), -1).T, weight, bias)
    return np.ascontiguousarray(columns.T).reshape(-1, *x.shape[1:])


def _connected(x: Array, weight: Array, bias: Array | None) -> Array:
    """x (…, in) · weightᵀ + bias, in parts of the outputs where weights have to be copied."""
    if weight.flags.aligned:
        return conv.linear(x, weight, bias)
    step = max(MAX_COPY // (weight.itemsize * weight.shape[1]), 1)
    parts = [slice(start, start + step) for start in range(0, len(weight), step)]
    return np.concatenate(
        [
            conv.linear(x, aligned(weight[part]), None if bias is None else bias[part])
            for part in parts
        ],
        -1,
    )


def _norm(layer: Norm, x: Array, weights: Weights) -> Array:
    """Batch norm by its stored statistics, the others by those of the image."""
    weight, bias = weights.get("weight"), weights.get("bias")
    mean, var = weights.get("running_mean"), weights.get("running_var")
    if layer.kind == "layer":
        return _layer_norm(layer, x, weight, bias)
    if layer.kind == "group":
        grouped = x.reshape(1, layer.groups, -1)
        y = conv.batch_norm(grouped, None, None, training=True, eps=layer.eps).reshape(x.shape)
        y = y if weight is None else y * _channelwise(weight, y)
        return np.asarray(y if bias is None else y + _channelwise(bias, y))
    y = conv.batch_norm(x[np.newaxis], mean, var, weight, bias, mean is None, eps=layer.eps)
    return np.asarray(y[0])


def _layer_norm(layer: Norm, x: Array, weight: Array | None, bias: Array | None) -> Array:
    axes = (0,) if layer.shape is None else tuple(range(x.ndim - len(layer.shape), x.ndim))
    centered = x - x.mean(axes, keepdims=True)
    y = centered / np.sqrt(np.square(centered).mean(axes, keepdims=True) + x.dtype.type(layer.eps))
    shape = (-1, *[1] * (x.ndim - 1)) if layer.shape is None else layer.shape
    y = y if weight is None else y * weight.reshape(shape)
    return np.asarray(y if bias is None else y + bias.reshape(shape))


def _channelwise(values: Array, x: Array) -> Array:
    return values.reshape(-1, *[1] * (x.ndim - 1))


def _local_response_norm(layer: LocalResponseNorm, x: Array, weights: Weights) -> Array:
    spread = x.reshape(1, len(x), -1)
    return conv.local_response_norm(spread, *layer).reshape(x.shape)


def _prelu(layer: PReLU, x: Array, weights: Weights) -> Array:
    slopes = weights["weight"]
    if layer.slopes is None:
        # one a value of (height, width, channels), less the axes that share theirs
        channels_last = (*x.shape[1:], x.shape[0])
        own = [1 if axis in layer.shared else n for axis, n in enumerate(channels_last, 1)]
        slopes = np.moveaxis(slopes.reshape(own), -1, 0)
    elif layer.slopes > 1:
        slopes = _channelwise(slopes, x)
    return np.where(x < 0, x * slopes, x)


def _rbf(layer: RBF, x: Array, weights: Weights) -> Array:
    """Squared distances to each code: Σ (x − w)² (LeCun et al. 1998)."""
    return np.asarray(np.square(x.reshape(-1) - weights["weight"]).sum(axis=1))


def _merge(layer: Merge, inputs: Sequence[Array], weights: Weights) -> Array:
    rank = max(x.ndim for x in inputs)
    # a gate (c,) on maps (c, h, w)
    level = [x.reshape(*x.shape, *[1] * (rank - x.ndim)) for x in inputs]
    return MERGES[layer.type](level)


MERGES: dict[str, Callable[[Sequence[Array]], Array]] = {
    "add": partial(reduce, np.add),
    "subtract": partial(reduce, np.subtract),
    "multiply": partial(reduce, np.multiply),
    "maximum": partial(reduce, np.maximum),
    "minimum": partial(reduce, np.minimum),
    "average": lambda arrays: reduce(np.add, arrays) / np.float32(len(arrays)),
}


Forward = Callable[..., Array]
"""The computation of a layer, called as `run(layer, inputs, weights)`."""


def _of_one(run: Callable[..., Array]) -> Forward:
    """A layer that reads one node."""
    return lambda layer, inputs, weights: run(layer, inputs[0], weights)


def _each(layer: Each, inputs: Sequence[Array], weights: Weights) -> Array:
    """A layer on every item along the first axis."""
    return np.stack([forward(layer.layer, items, weights) for items in zip(*inputs, strict=True)])


FORWARD: dict[type, Forward] = {
    Conv: _of_one(_conv),
    Depthwise: _of_one(lambda layer, x, weights: _conv(layer.conv(x.shape[0]), x, weights)),
    Separable: _of_one(_separable),
    TransposedConv: _of_one(_transposed),
    Pool: _of_one(_pool),
    AdaptivePool: _of_one(_adaptive_pool),
    Linear: _of_one(_linear),
    Reshape: _of_one(reshape),
    Pad: _of_one(pad),
    Upsample: _of_one(upsample),
    Norm: _of_one(_norm),
    LocalResponseNorm: _of_one(_local_response_norm),
    LocalContrastNorm: _of_one(
        lambda layer, x, weights: conv.local_contrast_norm(x[np.newaxis], layer.size)[0]
    ),
    Activation: _of_one(lambda layer, x, weights: activate(layer, x)),
    PReLU: _of_one(_prelu),
    Identity: _of_one(lambda layer, x, weights: x),
    Shuffle: _of_one(shuffle),
    PixelShuffle: _of_one(pixel_shuffle),
    RBF: _of_one(_rbf),
    Merge: _merge,
    Concat: lambda layer, inputs, weights: np.concatenate(inputs, layer.axis),
    Operation: operate,
    Scalar: scale,
    Broadcast: broadcast,
    Each: _each,
}
"""How each kind of layer is run."""

KNOWN: dict[type, Mapping[str, Callable[..., Array]]] = {
    Activation: FUNCTIONS,
    Merge: MERGES,
    Scalar: ARITHMETIC,
    Broadcast: ARITHMETIC,
}
"""The functions that can run, of kinds with many functions, by the record's type."""
