"""Pictures → vectors: one after another, each that can be made and why the others cannot."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.errors import Refusal, UnfitError, safe
from convcli.features.extraction import Extractor
from convcli.features.settings import vector_settings
from convcli.features.setup import Setup
from convcli.nets.layers import Shape
from convcli.pictures.memory import Limits

Array = NDArray[Any]


class Found(NamedTuple):
    """The vector of one picture, the names of its numbers, and the shapes of the weights it met.

    `notes` are what the picture gave reason to say, `memory` what the run was predicted to take.
    """

    vector: NDArray[np.float32]
    names: tuple[str, ...]
    shapes: dict[str, Shape]
    notes: tuple[str, ...] = ()
    memory: str = ""

    def plain(self) -> list[Any]:
        """The same as JSON holds it."""
        vector = self.vector.tolist()
        return [vector, self.names, self.shapes, self.notes, self.memory]


def found_in(plain: Sequence[Any]) -> Found:
    """What `plain` gave, as it was."""
    vector, names, shapes, notes, memory = plain
    kept = {name: tuple(shape) for name, shape in shapes.items()}
    return Found(np.array(vector, np.float32), tuple(names), kept, tuple(notes), memory)


def vector_work(setup: Setup, limits: Limits | None = None) -> Callable[[str], Found]:
    """What makes the vector of a picture; weights are kept from one to the next."""
    extractor = Extractor(setup, limits)

    def work(path: str) -> Found:
        made = extractor.features(path, keeps=False)
        shapes = {name: slot.shape for name, slot in extractor.slots.items()}
        return Found(made.vector, made.names, shapes, made.notes, made.memory)

    return work


class Alike:
    """Checks that vectors can be compared with the first one: lengths and weights are the same."""

    def __init__(self, first: Found | None = None) -> None:
        self.first = first

    def misfit(self, path: str, found: Found) -> UnfitError | None:
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


def alike_to(held: "VectorSet") -> Alike:
    """What checks that vectors can be compared with a set that says what weights it met."""
    if not held.shapes:
        return Alike()
    return Alike(Found(np.zeros(held.rows.shape[1], np.float32), held.names, dict(held.shapes)))


Each = Callable[[Sequence[str], Setup, Alike], Iterator[tuple[str, Found | Refusal]]]
"""Pictures → each path with its vector or with why there is none, in their order."""


def one_by_one(
    paths: Sequence[str], setup: Setup, alike: Alike
) -> Iterator[tuple[str, Found | Refusal]]:
    """The vector of each picture in turn, in this process."""
    work = vector_work(setup)
    for path in paths:
        try:
            found = work(path)
        except Refusal as refusal:
            yield path, refusal
        else:
            yield path, alike.misfit(path, found) or found


class VectorSet(NamedTuple):
    """A row a picture, in the order given, and a name a column."""

    paths: tuple[str, ...]
    rows: NDArray[np.float32]
    names: tuple[str, ...]
    settings: str = ""
    """What they were made with, as JSON."""
    shapes: Mapping[str, Shape] = {}
    """Those of the weights that all of them met; none where that is not known."""


def gathered(made: Iterable[tuple[str, Found]], setup: Setup) -> VectorSet:
    """Vectors as one set."""
    paths, found = [], []
    for path, one in made:
        paths.append(path)
        found.append(one)
    names = found[0].names if found else ()
    matrix = np.array([one.vector for one in found], np.float32).reshape(len(found), len(names))
    shapes = found[0].shapes if found else {}
    return VectorSet(tuple(paths), matrix, names, vector_settings(setup), shapes)
