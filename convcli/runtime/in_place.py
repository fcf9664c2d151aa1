"""Operations that overwrite the output of a layer: batch norms, scales, sums and activations.

If no caller keeps the maps of a layer, the operations on each of its values need no memory: its
output passes through all of them block by block, and blocks stay in the processor's cache. A
convolution, its batch norm, the sum with its shortcut and its ReLU are one pass over memory, and
weights stay where they are.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from convcli.arrays import Array
from convcli.nets.analysis.summary import Row
from convcli.nets.layers import (
    Activation,
    Conv,
    Depthwise,
    Linear,
    Merge,
    Norm,
    Separable,
    TransposedConv,
)
from convcli.nets.layers.tensor_ops import Broadcast, Scalar
from convcli.records import NamedTuple
from convcli.runtime.activations import activate
from convcli.runtime.layers import KNOWN
from convcli.runtime.tensor_ops import ARITHMETIC

FRESH = (Conv, Depthwise, Separable, TransposedConv, Linear)
"""Layers whose output is memory of their own, never a view of their input."""

MIXING = ("softmax", "softmin", "log_softmax")
"""Activations of several values at once."""

BLOCK_VALUES = 1 << 18
"""Values of a block: a megabyte stays in the cache, and calls are few."""


class Chain(NamedTuple):
    """A row, and those that are written over its output."""

    first: Row
    followers: tuple[Row, ...] = ()

    @property
    def last(self) -> Row:
        """The row whose maps are left."""
        return self.followers[-1] if self.followers else self.first

    @property
    def reads(self) -> list[str]:
        """The nodes that it reads, other than its own."""
        own = {self.first.name, *(row.name for row in self.followers)}
        rows = self.first, *self.followers
        return [name for row in rows for name in row.node.inputs if name not in own]


def chains(rows: Sequence[Row], names: Collection[str]) -> list[Chain]:
    """Rows with all that can be written over their output, in an order in which they can run.

    Maps of the rows called `names` stay as they are: nothing follows them.
    """
    reads = Counter(name for row in rows for name in row.node.inputs)
    members: list[list[Row]] = []
    index_of: dict[str, int] = {}
    constant = {row.name for row in rows if not row.inputs}
    for row in rows:
        indices = {name: index_of.get(name, -1) for name in row.node.inputs if name not in constant}
        target = max(indices, key=indices.__getitem__, default="")
        index = indices.get(target, -1)
        if (
            index >= 0
            and isinstance(members[index][0].node.layer, FRESH)
            and reads[target] == 1
            and target not in names
            and members[index][0].output == row.output
            and _is_written_over(row)
        ):
            members[index].append(row)
        else:
            index = len(members)
            members.append([row])
        index_of[row.name] = index
    return [Chain(first, tuple(others)) for first, *others in members]


def _is_written_over(row: Row) -> bool:
    """Whether each value of its output depends on one value of its input."""
    layer = row.node.layer
    if isinstance(layer, Norm):
        return layer.kind == "batch" and layer.tracked
    if isinstance(layer, Activation):
        return layer.type not in MIXING
    if isinstance(layer, Merge | Broadcast):
        return (
            len(row.inputs) == 2 and layer.type in ARITHMETIC and layer.type in KNOWN[type(layer)]
        )
    return isinstance(layer, Scalar)


Write = Callable[[Array, slice], object]
"""Writes over a block: the maps of these channels."""


def write_over(
    maps: Array,
    before: str,
    rows: Sequence[Row],
    weights: Sequence[Mapping[str, Array]],
    known: Mapping[str, Array],
) -> None:
    """Run rows on the maps of the node `before`, (c, …), in their place.

    `weights` are those of each row by role, `known` the maps of other nodes that they read.
    """
    writes = []
    for row, own in zip(rows, weights, strict=True):
        writes.append(_write(row, before, maps, own, known))
        before = row.name
    step = max(BLOCK_VALUES // max(maps[0].size, 1), 1)
    for start in range(0, len(maps), step):
        part = slice(start, start + step)
        for write in writes:
            write(maps[part], part)


def _write(
    row: Row, before: str, maps: Array, own: Mapping[str, Array], known: Mapping[str, Array]
) -> Write:
    layer = row.node.layer
    if isinstance(layer, Norm):
        return _affine(layer, maps, own)
    if isinstance(layer, Activation):
        direct = OVER.get(layer.type)
        if direct is not None:
            return lambda block, part: direct(block)
        return lambda block, part: np.copyto(block, activate(layer, block))
    if isinstance(layer, Scalar):
        number = maps.dtype.type(layer.number)
        return _arithmetic(layer.type, lambda part: number, layer.swapped)
    name, swapped = row.node.inputs[1], False
    if name == before:
        name, swapped = row.node.inputs[0], True
    other = known[name]
    missing = (1,) * (maps.ndim - other.ndim)
    # a gate (c,) on maps (c, h, w), or axes matched from the last one on
    shape = other.shape + missing if isinstance(layer, Merge) else missing + other.shape
    level = other.reshape(shape)
    if len(level) == 1:
        return _arithmetic(layer.type, lambda part: level, swapped)
    return _arithmetic(layer.type, lambda part: level[part], swapped)


def _arithmetic(type_: str, other: Callable[[slice], Array], swapped: bool) -> Write:
    function = ARITHMETIC[type_]
    if swapped:
        return lambda block, part: function(other(part), block, out=block)
    return lambda block, part: function(block, other(part), out=block)


def _affine(layer: Norm, maps: Array, own: Mapping[str, Array]) -> Write:
    """(x − mean) / √(var + eps) · weight + bias, as x · scale + shift (Ioffe & Szegedy 2015)."""
    shape = (-1, *[1] * (maps.ndim - 1))
    scale = 1 / np.sqrt(own["running_var"] + maps.dtype.type(layer.eps))
    scale = (scale * own["weight"] if "weight" in own else scale).reshape(shape)
    shift = own["bias"].reshape(shape) if "bias" in own else 0
    shift = shift - own["running_mean"].reshape(shape) * scale

    def write(block: Array, part: slice) -> None:
        np.multiply(block, scale[part], out=block)
        np.add(block, shift[part], out=block)

    return write


OVER: dict[str, Callable[[Array], object]] = {
    "relu": lambda x: np.clip(x, 0, np.inf, out=x),
    "relu6": lambda x: np.clip(x, 0, 6, out=x),
    "abs": lambda x: np.abs(x, out=x),
    "tanh": lambda x: np.tanh(x, out=x),
    "exponential": lambda x: np.exp(x, out=x),
}
"""Functions that need no memory of their own."""
