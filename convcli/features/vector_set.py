"""Pictures → vectors: one after another, each that can be made and why the others cannot."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.errors import Refusal, UnfitError
from convcli.features.config import Setup
from convcli.features.config_json import vector_settings
from convcli.features.extractor import Extractor, Features
from convcli.nets.layers import Shape
from convcli.text import safe


class VectorSet(NamedTuple):
    """A row a picture, in the order given, and a name a column."""

    paths: tuple[str, ...]
    rows: NDArray[np.float32]
    names: tuple[str, ...]
    settings: str = ""
    """What they were made with, as JSON."""
    shapes: Mapping[str, Shape] = {}
    """Those of the weights that all of them met; none where that is not known."""


class Alike:
    """Checks that vectors can be compared with the first one: lengths and weights are the same."""

    def __init__(self, first: Features | None = None) -> None:
        self.first = first

    def misfit(self, path: str, found: Features) -> UnfitError | None:
        """Why the vector of a picture cannot be compared with those before, if it cannot."""
        first = self.first = self.first or found
        for name, shape in found.shapes.items():
            if first.shapes.get(name) != shape:
                return UnfitError(
                    f"{safe(path)}: {name} has the shape {shape} here and "
                    f"{first.shapes.get(name)} for the pictures before, so that their vectors "
                    "cannot be compared; --resize and --crop, or --gray, make pictures alike"
                )
        if len(first.vector) != len(found.vector):
            return UnfitError(
                f"{safe(path)} gives {len(found.vector):,} numbers, the pictures before "
                f"{len(first.vector):,}; --resize and --crop, or parts such as mean or grid:4x4, "
                "make vectors of one length"
            )
        return None


def alike_to(held: VectorSet) -> Alike:
    """What checks that vectors can be compared with a set that says what weights it met."""
    if not held.shapes:
        return Alike()
    vector = np.zeros(held.rows.shape[1], np.float32)
    return Alike(Features({}, vector, held.names, held.shapes))


Each = Callable[[Sequence[str], Setup, Alike], Iterator[tuple[str, Features | Refusal]]]
"""Pictures → each path with its vector or with why there is none, in their order."""


def one_by_one(
    paths: Sequence[str], setup: Setup, alike: Alike
) -> Iterator[tuple[str, Features | Refusal]]:
    """The vector of each picture in turn, in this process."""
    extractor = Extractor(setup)
    for path in paths:
        try:
            found = extractor.features(path, keeps=False)
        except Refusal as refusal:
            yield path, refusal
        else:
            yield path, alike.misfit(path, found) or found


def gathered(made: Iterable[tuple[str, Features]], setup: Setup) -> VectorSet:
    """Vectors as one set."""
    paths, rows = [], []
    first: Features | None = None
    for path, one in made:
        paths.append(path)
        rows.append(one.vector)
        first = first or one._replace(maps={})  # names and shapes are kept once, not for each
    if first is None:
        return VectorSet((), np.empty((0, 0), np.float32), (), vector_settings(setup))
    return VectorSet(
        tuple(paths), np.stack(rows), first.names, vector_settings(setup), first.shapes
    )
