"""Which maps a partly connected convolution connects: LeNet-5's table, or around the channels."""

import numpy as np
from numpy.typing import NDArray

from convcli.nets.layers import Conv

C3 = (
    "1000111001111011",
    "1100011100111101",
    "1110001110010111",
    "0111001111001011",
    "0011100111101101",
    "0001110011110111",
)
"""Which of LeNet-5's sixteen maps in C3 (columns) see which of its six in S2 (LeCun et al. 1998,
table I)."""


def connected(layer: Conv, channels: int) -> NDArray[np.float32]:
    """1 where a filter sees a channel, else 0, (f, c / groups, 1, 1).

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
