"""How a convolution is computed: arrays → arrays, in NumPy alone."""

from convcli.conv.activations import leaky_relu
from convcli.conv.filterbank import conv2d

__all__ = ["conv2d", "leaky_relu"]
