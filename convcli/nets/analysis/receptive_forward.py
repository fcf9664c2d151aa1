"""What the cells of a node see of the network's input: the walk forward, layer by layer.

`convcli.nets.analysis.receptive_field` walks back from one cell and says where its field lies.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from convcli.geometry import Reception
from convcli.nets.layers import Layer, Measure


class Seen(NamedTuple):
    """The receptive field of a node's cells, and that of the last maps it comes from.

    A tensor whose axes were cut up or turned has no field of its own; when it is maps of the same
    lengths again (channels that were shuffled), it has that of the maps again. A product of two
    tensors mixes all places: behind one, no field is known.
    """

    reception: tuple[Reception, ...]
    lengths: tuple[int, ...]
    kept: tuple[Reception, ...]
    lost: bool = False


NOTHING = Seen((), (), ())
"""What a parameter sees of the input."""

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
    "gather",
    "roll",
}
"""Types of nodes any cell of whose output may see any of its input."""


def widest(branches: Sequence[Seen], lengths: tuple[int, ...]) -> Seen:
    """Over branches that are joined to maps of these lengths, the widest field.

    Where that is a gate's, of one cell that stands for all, the cells lie as those of the others.
    """
    best = max(branches, key=_extent)
    if best.lost or best.lengths == lengths:
        return best
    others = [one for one in branches if one.lengths == lengths]
    if not others or len(others[0].reception) != len(best.kept):
        return best
    other = max(others, key=_extent)
    reception = tuple(
        one._replace(size=max(one.size, gate.size))
        for one, gate in zip(other.reception, best.kept, strict=True)
    )
    return Seen(reception, lengths, reception)


def _extent(seen: Seen) -> tuple[bool, tuple[int, ...]]:
    return seen.lost, tuple([one.size for one in seen.kept])


def seen_by(seen: Seen, layer: Layer, measure: Measure) -> Seen:
    """The receptive field behind a layer."""
    lengths = measure.output[1:]
    if not measure.windows and not measure.upsampling:
        if seen.lost or layer.type in MIXING:
            return Seen((), lengths, (), True)
        if lengths == seen.lengths:
            return seen._replace(reception=seen.kept)
        if not seen.lengths and lengths:
            fresh = (Reception(),) * len(lengths)
            return Seen(fresh, lengths, fresh)
        return seen._replace(reception=())
    if seen.lost:
        return seen
    axes = len(measure.windows or lengths)
    reception = seen.reception if len(seen.reception) == axes else (Reception(),) * axes
    reception = _through(reception, measure)
    return Seen(reception, lengths, reception)


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
