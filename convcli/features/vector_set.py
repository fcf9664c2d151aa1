"""Pictures → vectors that can be compared with each other, and why the others have none."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from math import prod

import numpy as np
from numpy.typing import NDArray

from convcli.errors import Refusal, UnfitError
from convcli.features.config import Setup
from convcli.features.config_json import vector_settings
from convcli.features.extractor import Extractor, Features
from convcli.features.preprocess import prepared_shape, preparing_bytes
from convcli.images.image import Header
from convcli.images.io.source import read_header
from convcli.nets.layers import Shape
from convcli.records import NamedTuple
from convcli.runtime.memory_estimate import Prediction
from convcli.text import counted, safe


class VectorSet(NamedTuple):
    """One row per picture, in the order given, and one name per column."""

    paths: tuple[str, ...]
    rows: NDArray[np.float32]
    names: tuple[str, ...]
    settings: str = ""
    """The settings that made them, as JSON."""
    shapes: Mapping[str, Shape] = {}
    """The shapes of the weights that made all of them; empty where they are not known."""


class Alike:
    """Checks that vectors can be compared with the first one: lengths and weights are the same."""

    def __init__(self, first: Features | None = None) -> None:
        self.first = first

    def misfit(self, path: str, features: Features) -> UnfitError | None:
        """The reason why a vector cannot be compared with those before, if there is one."""
        first = self.first = self.first or features
        for name, shape in features.shapes.items():
            if first.shapes.get(name) != shape:
                return UnfitError(
                    f"{safe(path)}: {name} has the shape {shape} here and "
                    f"{first.shapes.get(name)} for the pictures before, so their vectors cannot "
                    "be compared; --resize and --crop, or --gray, make pictures alike"
                )
        if len(first.vector) != len(features.vector):
            return UnfitError(
                f"{safe(path)} gives {len(features.vector):,} numbers, the pictures before "
                f"{len(first.vector):,}; --resize and --crop, or parts such as mean or grid:4x4, "
                "make vectors of one length"
            )
        return None


def alike_to(vectors: VectorSet) -> Alike:
    """The check that vectors can be compared with a set, if the set has shapes of weights."""
    if not vectors.shapes:
        return Alike()
    vector = np.zeros(vectors.rows.shape[1], np.float32)
    return Alike(Features({}, vector, vectors.names, vectors.shapes))


Each = Callable[[Sequence[str], Setup, Alike], Iterator[tuple[str, Features | Refusal]]]
"""Pictures → each path with its vector, or with why there is none, in their order."""


def one_by_one(
    paths: Sequence[str], setup: Setup, alike: Alike
) -> Iterator[tuple[str, Features | Refusal]]:
    """The vector of each picture in turn, in this process."""
    extractor = Extractor(setup)
    for path in paths:
        try:
            features = extractor.features(path, keeps=False)
        except Refusal as refusal:
            yield path, refusal
        else:
            yield path, alike.misfit(path, features) or features


def largest_memory(paths: Sequence[str], setup: Setup) -> Prediction | None:
    """The memory that the largest of some pictures is predicted to take, in words.

    Their headers say which it is, as far as they can be read; a pipe is read once, and not here.
    """
    sizes: dict[str, Header] = {}
    for path in paths:
        if os.path.isfile(path):
            with suppress(Exception):  # whatever is wrong with it is said when it is read
                sizes[path] = read_header(path)
    if not sizes:
        return None
    path, header = max(sizes.items(), key=lambda item: item[1].width * item[1].height)
    how = setup.preparation
    shape = prepared_shape(header, how)
    # after a picture, the heap has gaps as large as its samples
    retained = header.array_bytes + (4 * prod(shape) if len(paths) > 1 else 0)
    try:
        memory = Extractor(setup).memory(shape, (), retained, preparing_bytes(header, how))
    except Refusal:
        return None
    if len(paths) == 1:
        return memory
    return memory._replace(text=f"{memory.text}, for {safe(path)}")


class VectorMaker:
    """Makes vectors that can be compared with each other, and counts the pictures that fail.

    A picture that fails is reported by `note`, and the others go on. The memory that they take
    is reported where it is near the limit; with `verbose` always, and never where that is None.
    """

    def __init__(self, each: Each, note: Callable[[str], None], verbose: bool | None) -> None:
        self.alike = Alike()
        self.failed: list[Refusal] = []
        self.done = 0
        self._each, self._note, self._verbose = each, note, verbose
        self._count = 0

    def vectors(self, paths: Sequence[str], setup: Setup) -> Iterator[tuple[str, Features]]:
        """The vector of each picture in turn. Raises the refusal of a picture that is alone."""
        self._count += len(paths)
        if self._verbose is not None:
            memory = largest_memory(paths, setup)
            if memory is not None and (self._verbose or memory.is_near):
                self._note(memory.text)
            self._verbose = None  # once is enough
        for path, features in self._each(paths, setup, self.alike):
            if isinstance(features, Refusal):
                if len(paths) == 1:
                    raise features
                self.failed.append(features)
                text = str(features)
                self._note(f"Error: {text if safe(path) in text else f'{safe(path)}: {text}'}")
                continue
            for text in features.notes:
                self._note(text)
            self.done += 1
            yield path, features

    def vector_set(self, paths: Sequence[str], setup: Setup) -> VectorSet:
        """The vectors of all these pictures."""
        return stacked(self.vectors(paths, setup), setup)

    def failure(self) -> Refusal | None:
        """How many pictures failed, if any did."""
        if not self.failed:
            return None
        left = self._count - self.done - len(self.failed)
        rest = f", {left:,} not tried" if left else ""
        return Refusal(f"{len(self.failed):,} of {counted(self._count, 'picture')} failed{rest}")


def stacked(vectors: Iterable[tuple[str, Features]], setup: Setup) -> VectorSet:
    """Vectors as one set."""
    paths, rows = [], []
    first: Features | None = None
    for path, features in vectors:
        paths.append(path)
        rows.append(features.vector)
        first = first or features._replace(maps={})  # names and shapes are kept once
    if first is None:
        return VectorSet((), np.empty((0, 0), np.float32), (), vector_settings(setup))
    return VectorSet(
        tuple(paths), np.stack(rows), first.names, vector_settings(setup), first.shapes
    )
