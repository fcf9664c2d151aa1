"""One frozen record per layer: the shape it gives, its parameters, its MACs, its windows.

The records are NamedTuples because a `shape` process lives about as long as it takes to import
click: a dataclass costs 0.9 ms to define, a NamedTuple 0.05 ms. `equal_by_type` makes them equal to
records of their own type alone.

A new layer is written in the file of its subject: a record, next to it a builder for each way to
write it, and its names in NAMES at the end. What it does to arrays is a line in FORWARD of
`convcli.runtime.layers`, or, for an activation, in its FUNCTIONS. Layers with a different argument
order and defaults in each framework have their builders in `convcli.nets.readers.vocabulary`.
"""

from convcli.nets.layers import activations, dense, normalization, rearrange
from convcli.nets.layers.activations import Activation, PReLU
from convcli.nets.layers.convolution import Conv, Depthwise, Separable, TransposedConv
from convcli.nets.layers.dense import RBF, Linear
from convcli.nets.layers.normalization import (
    LocalContrastNorm,
    LocalResponseNorm,
    Norm,
    NormKind,
)
from convcli.nets.layers.pooling import AdaptivePool, Pool, PoolKind
from convcli.nets.layers.rearrange import (
    Concat,
    Identity,
    Merge,
    Pad,
    PixelShuffle,
    Reshape,
    Shuffle,
    Upsample,
)
from convcli.nets.layers.shapes import (
    AXES,
    Builder,
    Layer,
    Measure,
    Misfit,
    Shape,
    Sizes,
    Slot,
    Slots,
    Windows,
    size_text,
    slots_of,
    windows_on,
)

FILES = (activations, dense, normalization, rearrange)
"""The modules whose layers have their names in the same file."""


def named(vocabulary: str) -> dict[str, Builder]:
    """Builders of the layers with names in the files of their records, in one vocabulary.

    >>> named("PyTorch")["ChannelShuffle"](2)
    Shuffle(groups=2)
    """
    return {name: build for file in FILES for name, build in file.NAMES.get(vocabulary, {}).items()}
