"""Distances between pictures by their vectors, and the nearest neighbors of each."""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.errors import UnfitError
from convcli.features.vector_set import VectorSet
from convcli.nets.analysis.summary import SCHEMA
from convcli.tables import Listing
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


def _rounded(distance: float) -> float:
    return float(f"{distance:.6g}")


def distance_listing(vectors: VectorSet, metric: str) -> Listing:
    """The distances between the vectors of a set, as a result to print."""
    between, paths = distances(metric, vectors.rows, vectors.rows), vectors.paths
    rows = [(path, *map(_rounded, row)) for path, row in zip(paths, between, strict=True)]
    pictures = [
        {"path": path, "distances": row.tolist()} for path, row in zip(paths, between, strict=True)
    ]
    return Listing(
        "\n".join("\t".join(f"{one:.6g}" for one in row) for row in between),
        (("path", *map(safe, paths)), rows, ()),
        {"schema": SCHEMA, "metric": metric, "pictures": pictures},
        f"{metric} distances",
    )


class Neighbor(NamedTuple):
    """One of the nearest pictures of a set to a picture, `rank` counted from 1."""

    path: str
    rank: int
    neighbour: str
    distance: float


def neighbor_listing(neighbors: Sequence[Neighbor], metric: str, among: int) -> Listing:
    """The nearest of so many pictures to each picture, as a result to print."""
    rows = [(*neighbor[:3], _rounded(neighbor.distance)) for neighbor in neighbors]
    return Listing(
        "\n".join(safe(neighbor.neighbour) for neighbor in neighbors),
        (Neighbor._fields, rows, ()),
        {
            "schema": SCHEMA,
            "metric": metric,
            "neighbours": [neighbor._asdict() for neighbor in neighbors],
        },
        f"{metric} distances, among {among:,}",
    )


def nearest(queries: VectorSet, among: VectorSet, count: int, metric: str) -> list[Neighbor]:
    """The `count` nearest of a set to each query, nearest first; no picture is its own neighbor.

    >>> a = VectorSet(("a",), np.array([[0.0]], np.float32), ("x",))
    >>> b = VectorSet(("p", "q"), np.array([[3.0], [1.0]], np.float32), ("x",))
    >>> nearest(a, b, 1, "euclidean")
    [Neighbor(path='a', rank=1, neighbour='q', distance=1.0)]

    Raises UnfitError for vectors of another length.
    """
    if queries.rows.shape[1] != among.rows.shape[1]:
        raise UnfitError(
            f"vectors of {queries.rows.shape[1]:,} numbers meet a set of "
            f"{among.rows.shape[1]:,}; make both with the same network and --vector"
        )
    between = distances(metric, queries.rows, among.rows)
    files = [os.path.realpath(path) for path in among.paths]
    neighbors: list[Neighbor] = []
    for path, row in zip(queries.paths, between, strict=True):
        own = os.path.realpath(path)
        order = [int(index) for index in np.argsort(row, kind="stable") if files[index] != own]
        neighbors += [
            Neighbor(path, rank, among.paths[index], float(row[index]))
            for rank, index in enumerate(order[:count], 1)
        ]
    return neighbors
