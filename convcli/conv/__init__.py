"""How a convolution is computed: arrays → arrays, in NumPy alone."""

from convcli.conv.activations import (
    celu,
    elu,
    gelu,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    log_softmax,
    mish,
    prelu,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
    threshold,
)
from convcli.conv.filterbank import conv1d, conv2d, depthwise_conv2d, workspace_bytes
from convcli.conv.linear import linear
from convcli.conv.normalization import batch_norm, local_response_norm
from convcli.conv.pooling import adaptive_avg_pool2d, avg_pool2d, max_pool2d, min_pool2d
from convcli.conv.transposed import conv_transpose2d

__all__ = [
    "adaptive_avg_pool2d",
    "avg_pool2d",
    "batch_norm",
    "celu",
    "conv1d",
    "conv2d",
    "conv_transpose2d",
    "depthwise_conv2d",
    "elu",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "linear",
    "local_response_norm",
    "log_softmax",
    "max_pool2d",
    "min_pool2d",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
    "threshold",
    "workspace_bytes",
]
