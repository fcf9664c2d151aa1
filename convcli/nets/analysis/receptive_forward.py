"""The receptive fields of a network's nodes, layer by layer from its input.

`convcli.nets.analysis.receptive_field` goes backward, from one cell to the position of its field.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from convcli.geometry import Reception
from convcli.nets.layers import Layer, Measure


class Field(NamedTuple):
    """The receptive field of a node's cells, and that of the last maps it comes from.

    A tensor whose axes were split or transposed has no field of its own; one of maps of the same
    lengths again (shuffled channels) has the field of these maps. A product of two tensors mixes
    all positions: after one, no field is known.
    """

    reception: tuple[Reception, ...]
    lengths: tuple[int, ...]
    maps: tuple[Reception, ...]
    lost: bool = False


NO_FIELD = Field((), (), ())
"""The field of a parameter."""

MIXING = {
    *("matmul", "einsum", "attention", "fft", "fft2", "fftn", "rfft2"),
    *("rnn", "gru", "lstm", "gather", "grid_sample", "roll"),
}
"""Types of layers whose every output cell may depend on every input cell."""


def widest(branches: Sequence[Field], lengths: tuple[int, ...]) -> Field:
    """The widest field of branches that are joined to maps of these lengths.

    Where that is the field of a gate, one cell for all, the positions are those of the others.
    """
    best = max(branches, key=_extent)
    if best.lost or best.lengths == lengths:
        return best
    others = [one for one in branches if one.lengths == lengths]
    if not others or len(others[0].reception) != len(best.maps):
        return best
    other = max(others, key=_extent)
    reception = tuple(
        one._replace(size=max(one.size, gate.size))
        for one, gate in zip(other.reception, best.maps, strict=True)
    )
    return Field(reception, lengths, reception)


def _extent(field: Field) -> tuple[bool, tuple[int, ...]]:
    return field.lost, tuple([axis.size for axis in field.maps])


def field_after(field: Field, layer: Layer, measure: Measure) -> Field:
    """The receptive field after a layer."""
    lengths = measure.output[1:]
    if not measure.windows and not measure.upsampling:
        if field.lost or layer.type in MIXING:
            return Field((), lengths, (), True)
        if lengths == field.lengths:
            return field._replace(reception=field.maps)
        if not field.lengths and lengths:
            start = (Reception(),) * len(lengths)
            return Field(start, lengths, start)
        return field._replace(reception=())
    if field.lost:
        return field
    axes = len(measure.windows or lengths)
    reception = field.reception if len(field.reception) == axes else (Reception(),) * axes
    reception = _through(reception, measure)
    return Field(reception, lengths, reception)


def _through(reception: tuple[Reception, ...], measure: Measure) -> tuple[Reception, ...]:
    if measure.windows:
        reception = tuple(
            [
                seen.through(window, padding[0])
                for seen, (window, padding) in zip(reception, measure.windows, strict=True)
            ]
        )
    if measure.upsampling:
        reception = tuple(
            [
                seen._replace(jump=_ratio(seen.jump, times))
                for seen, times in zip(reception, measure.upsampling, strict=True)
            ]
        )
    return reception[: len(measure.output) - 1]


def _ratio(jump: int, times: int) -> Any:
    """A jump shared by `times` output cells: whole where it can be."""
    if jump % times == 0:
        return jump // times
    from fractions import Fraction  # seldom needed, and 2 ms to import

    return Fraction(jump, times)
