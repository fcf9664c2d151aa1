"""The part of the network's input that a node's cells see: the walk forward, layer by layer.

`convcli.nets.analysis.receptive_field` walks back from one cell and says where its field lies.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from convcli.geometry import ReceptiveField
from convcli.nets.layers import Layer, Measure
from convcli.records import NamedTuple

if TYPE_CHECKING:
    from fractions import Fraction


class NodeField(NamedTuple):
    """The receptive field of a node's cells, and that of the last maps it comes from.

    A tensor whose axes were reshaped or permuted has no field of its own. Once it is maps of the
    same lengths again (as after a channel shuffle), it has the field of those maps again. A product
    of two tensors mixes all positions, so no field is known after one.
    """

    axes: tuple[ReceptiveField, ...]
    lengths: tuple[int, ...]
    kept: tuple[ReceptiveField, ...]
    lost: bool = False


MIXING = {
    "matmul",
    "fft2",
    "rfft2",
    "fftn",
    "fft",
    "einsum",
    "attention",
    "lstm",
    "gru",
    "rnn",
    "grid_sample",
    "scatter_elements",
    "scatter_nd",
    "reverse_sequence",
    "cumprod",
    "gather",
    "roll",
}
"""Types of nodes where any output cell may depend on any input cell."""


LOOKUPS = {"embedding", "embedding_bag"}
"""Types of nodes whose inputs are token numbers, which are not cells of maps."""


def widest(branches: Sequence[NodeField], lengths: tuple[int, ...]) -> NodeField:
    """The widest field of the branches that are joined to maps of these lengths.

    If the widest one is a gate, whose single cell applies to all, the positions are those of the
    other branches.
    """
    best = max(branches, key=_extent)
    if best.lost or best.lengths == lengths:
        return best
    others = [branch for branch in branches if branch.lengths == lengths]
    if not others or len(others[0].axes) != len(best.kept):
        return best
    other = max(others, key=_extent)
    axes = tuple(
        axis._replace(size=max(axis.size, gate.size))
        for axis, gate in zip(other.axes, best.kept, strict=True)
    )
    return NodeField(axes, lengths, axes)


def _extent(field: NodeField) -> tuple[bool, "tuple[int | Fraction, ...]"]:
    return field.lost, tuple([axis.size for axis in field.kept])


def field_behind(field: NodeField, layer: Layer, measure: Measure) -> NodeField:
    """The receptive field after a layer."""
    lengths = measure.output[1:]
    if not measure.windows and not measure.upsampling:
        if field.lost or measure.mixes or layer.type in MIXING or layer.type in LOOKUPS:
            return NodeField((), lengths, (), True)
        if lengths == field.lengths:
            return field._replace(axes=field.kept)
        if not field.lengths and lengths:
            fresh = (ReceptiveField(),) * len(lengths)
            return NodeField(fresh, lengths, fresh)
        return field._replace(axes=())
    if field.lost:
        return field
    count = len(measure.windows or lengths)
    axes = field.axes if len(field.axes) == count else (ReceptiveField(),) * count
    axes = _through(axes, measure)
    return NodeField(axes, lengths, axes)


def _through(axes: tuple[ReceptiveField, ...], measure: Measure) -> tuple[ReceptiveField, ...]:
    if measure.windows:
        axes = tuple(
            [
                axis.through(window, padding[0])
                for axis, (window, padding) in zip(axes, measure.windows, strict=True)
            ]
        )
    if measure.upsampling:
        axes = tuple(map(ReceptiveField.enlarged, axes, measure.upsampling))
    return axes[: len(measure.output) - 1]
