"""How a convolution is computed: arrays → arrays, in NumPy alone.

The doors are loaded on first use (PEP 562): a picture filter needs none of the networks' layers.

>>> from convcli.conv import relu
>>> relu([-1.0, 1.0])
array([0., 1.])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from convcli.conv.conv_transpose import (
        conv_transpose2d,
    )
    from convcli.conv.functional import (
        conv1d,
        conv2d,
        depthwise_conv2d,
        linear,
        workspace_bytes,
    )
    from convcli.conv.normalization import (
        batch_norm,
        local_contrast_norm,
        local_response_norm,
    )
    from convcli.conv.pooling import (
        adaptive_avg_pool2d,
        adaptive_max_pool2d,
        avg_pool2d,
        max_pool2d,
        min_pool2d,
    )

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
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
    "local_contrast_norm",
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

_HOME = {
    name: module
    for module, names in {
        "activations": (
            "celu elu gelu hardsigmoid hardswish hardtanh leaky_relu log_softmax mish prelu "
            "relu relu6 selu sigmoid silu softmax softplus softsign tanh threshold"
        ),
        "functional": "conv1d conv2d depthwise_conv2d linear workspace_bytes",
        "normalization": "batch_norm local_contrast_norm local_response_norm",
        "pooling": "adaptive_avg_pool2d adaptive_max_pool2d avg_pool2d max_pool2d min_pool2d",
        "conv_transpose": "conv_transpose2d",
    }.items()
    for name in names.split()
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"convcli.conv.{_HOME[name]}"), name)
    raise AttributeError(f"module 'convcli.conv' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
