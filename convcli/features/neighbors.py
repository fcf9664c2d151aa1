"""Distances between pictures by their vectors, and the nearest neighbors of each."""

import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.errors import UnfitError
from convcli.features.vector_set import VectorSet
from convcli.nets.analysis.summary import SCHEMA
from convcli.tables import Record, Table
from convcli.text import safe

Array = NDArray[np.float64]

BLOCK = 256
"""Rows of the first set that are compared at once."""


def cosine(a: Array, b: Array) -> Array:
    """1 − cos of the angle; a vector of zeros is at 1 from all but another one.

    >>> cosine(np.array([[1.0, 0.0]]), np.array([[2.0, 0.0], [0.0, 1.0]]))
    array([[0., 1.]])
    """
    lengths = np.linalg.norm(a, axis=1)[:, np.newaxis], np.linalg.norm(b, axis=1)
    product = lengths[0] * lengths[1]
    alike = (a / np.maximum(lengths[0], TINY)) @ (b / np.maximum(lengths[1], TINY)[:, None]).T
    apart = np.where(product > 0, 1 - alike, (lengths[0] != lengths[1]).astype(float))
    return np.asarray(np.clip(apart, 0, 2))


TINY = np.finfo(np.float64).tiny


def euclidean(a: Array, b: Array) -> Array:
    """√Σ(a − b)², from the differences: near ones are not lost to rounding.

    >>> euclidean(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]))
    array([[5.]])
    """
    return np.stack([np.sqrt(np.square(b - one).sum(axis=1)) for one in a])


METRICS: dict[str, Callable[[Array, Array], Array]] = {"cosine": cosine, "euclidean": euclidean}
"""Distances by name."""


def distances(metric: str, a: NDArray[np.floating], b: NDArray[np.floating]) -> Array:
    """The matrix of distances between the rows of a and of b, in float64."""
    first, second = a.astype(np.float64), b.astype(np.float64)
    return np.concatenate(
        [
            METRICS[metric](first[start : start + BLOCK], second)
            for start in range(0, len(first), BLOCK)
        ]
    )


class Matrix(NamedTuple):
    """The distances between the pictures given."""

    paths: tuple[str, ...]
    between: Array
    metric: str

    @property
    def value(self) -> str:
        return "\n".join("\t".join(f"{one:.6g}" for one in row) for row in self.between)

    warnings: tuple[str, ...] = ()

    @property
    def caption(self) -> str:
        return f"{self.metric} distances"

    def table(self) -> Table:
        rows = [
            (path, *(float(f"{one:.6g}") for one in row))
            for path, row in zip(self.paths, self.between, strict=True)
        ]
        return ("path", *map(safe, self.paths)), rows, ()

    def record(self) -> Record:
        rows = [
            {"path": path, "distances": [float(one) for one in row]}
            for path, row in zip(self.paths, self.between, strict=True)
        ]
        return {"schema": SCHEMA, "metric": self.metric, "pictures": rows}


class Neighbors(NamedTuple):
    """For each picture the nearest of a set, nearest first."""

    ranking: tuple[tuple[str, int, str, float], ...]
    """Picture, rank from 1, neighbor, distance."""
    metric: str
    among: int
    warnings: tuple[str, ...] = ()

    @property
    def value(self) -> str:
        return "\n".join(safe(neighbor) for _, _, neighbor, _ in self.ranking)

    @property
    def caption(self) -> str:
        return f"{self.metric} distances, among {self.among:,}"

    def table(self) -> Table:
        rows = [(path, rank, near, float(f"{far:.6g}")) for path, rank, near, far in self.ranking]
        return ("path", "rank", "neighbour", "distance"), rows, ()

    def record(self) -> Record:
        rows = [
            {"path": path, "rank": rank, "neighbour": near, "distance": far}
            for path, rank, near, far in self.ranking
        ]
        return {"schema": SCHEMA, "metric": self.metric, "neighbours": rows}


def nearest(queries: VectorSet, among: VectorSet, count: int, metric: str) -> Neighbors:
    """The `count` nearest of a set to each query; a query that is in the set is not its own.

    >>> a = VectorSet(("a",), np.array([[0.0]], np.float32), ("x",))
    >>> b = VectorSet(("p", "q"), np.array([[3.0], [1.0]], np.float32), ("x",))
    >>> nearest(a, b, 1, "euclidean").ranking
    (('a', 1, 'q', 1.0),)

    Raises UnfitError for vectors of another length.
    """
    if queries.rows.shape[1] != among.rows.shape[1]:
        raise UnfitError(
            f"vectors of {queries.rows.shape[1]:,} numbers meet a set of "
            f"{among.rows.shape[1]:,}; make both with the same network and --vector"
        )
    between = distances(metric, queries.rows, among.rows)
    files = [os.path.realpath(path) for path in among.paths]
    ranking: list[tuple[str, int, str, float]] = []
    for path, row in zip(queries.paths, between, strict=True):
        own = os.path.realpath(path)
        order = [int(index) for index in np.argsort(row, kind="stable") if files[index] != own]
        ranking += [
            (path, rank, among.paths[index], float(row[index]))
            for rank, index in enumerate(order[:count], 1)
        ]
    return Neighbors(tuple(ranking), metric, len(among.paths))
