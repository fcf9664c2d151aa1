"""Distances between pictures by their vectors, and the nearest neighbors of each."""

import os
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from convcli.errors import UnfitError
from convcli.features.vector_set import VectorSet
from convcli.nets.analysis.summary import SCHEMA
from convcli.records import NamedTuple
from convcli.tables import Listing, Rows
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
    cosines = (a / np.maximum(lengths[0], TINY)) @ (b / np.maximum(lengths[1], TINY)[:, None]).T
    distances = np.where(product > 0, 1 - cosines, (lengths[0] != lengths[1]).astype(float))
    return np.asarray(np.clip(distances, 0, 2))


TINY = np.finfo(np.float64).tiny


def euclidean(a: Array, b: Array) -> Array:
    """√Σ(a − b)², from the differences: near ones are not lost to rounding.

    >>> euclidean(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]))
    array([[5.]])
    """
    return np.stack([np.sqrt(np.square(b - row).sum(axis=1)) for row in a])


METRICS: dict[str, Callable[[Array, Array], Array]] = {"cosine": cosine, "euclidean": euclidean}
"""Distances by name."""


class DistanceRows:
    """The distances of the rows of a to those of b, or of a, in float64: BLOCK rows at a time.

    >>> DistanceRows("euclidean", np.array([[0.0], [3.0]]))[1]
    array([3., 0.])
    """

    def __init__(
        self, metric: str, a: NDArray[np.floating], b: NDArray[np.floating] | None = None
    ) -> None:
        self._metric, self._a = METRICS[metric], a
        self._b = (a if b is None else b).astype(np.float64)
        self._start = -BLOCK
        self._rows: Array = np.empty((0, len(self._b)))

    def __getitem__(self, number: int) -> Array:
        if not 0 <= number - self._start < BLOCK:
            self._start = number - number % BLOCK
            block = self._a[self._start : self._start + BLOCK].astype(np.float64)
            self._rows = self._metric(block, self._b)
        row: Array = self._rows[number - self._start]
        return row


def _rounded(distance: float) -> float:
    return float(f"{distance:.6g}")


def distance_listing(vectors: VectorSet, metric: str) -> Listing:
    """The distances between the vectors of a set, as a result to print: a row at a time."""
    paths, between = vectors.paths, DistanceRows(metric, vectors.rows)
    count = len(paths)
    cells = Rows(count, lambda n: (paths[n], *map(_rounded, between[n])))
    records = Rows(count, lambda n: {"path": paths[n], "distances": between[n].tolist()})
    return Listing(
        Rows(count, lambda n: "\t".join(f"{distance:.6g}" for distance in between[n])),
        (("path", *map(safe, paths)), cells, ()),
        {"schema": SCHEMA, "metric": metric, "pictures": records},
        f"{metric} distances",
    )


class Neighbor(NamedTuple):
    """One of the nearest pictures of a set to a picture, `rank` counted from 1."""

    path: str
    rank: int
    neighbor: str
    distance: float


def neighbor_listing(neighbors: Sequence[Neighbor], metric: str, among: int) -> Listing:
    """The pictures nearest to each picture, as a result to print."""
    rows = [(*neighbor[:3], _rounded(neighbor.distance)) for neighbor in neighbors]
    return Listing(
        "\n".join(safe(item.neighbor) for item in neighbors),
        (Neighbor._fields, rows, ()),
        {
            "schema": SCHEMA,
            "metric": metric,
            "neighbors": [neighbor._asdict() for neighbor in neighbors],
            "neighbours": [dict(zip(FORMER_FIELDS, item, strict=True)) for item in neighbors],
        },
        f"{metric} distances, among {among:,}",
    )


FORMER_FIELDS = ("path", "rank", "neighbour", "distance")
"""The fields of a neighbor as JSON spelled them first."""


def nearest(queries: VectorSet, among: VectorSet, count: int, metric: str) -> list[Neighbor]:
    """The `count` nearest of a set to each query, nearest first; no picture is its own neighbor.

    >>> a = VectorSet(("a",), np.array([[0.0]], np.float32), ("x",))
    >>> b = VectorSet(("p", "q"), np.array([[3.0], [1.0]], np.float32), ("x",))
    >>> nearest(a, b, 1, "euclidean")
    [Neighbor(path='a', rank=1, neighbor='q', distance=1.0)]

    Raises UnfitError for vectors of another length.
    """
    if queries.rows.shape[1] != among.rows.shape[1]:
        raise UnfitError(
            f"vectors of {queries.rows.shape[1]:,} numbers meet a set of "
            f"{among.rows.shape[1]:,}; make both with the same network and --vector"
        )
    between = DistanceRows(metric, queries.rows, among.rows)
    files = [os.path.realpath(path) for path in among.paths]
    neighbors: list[Neighbor] = []
    for number, path in enumerate(queries.paths):
        own, row = os.path.realpath(path), between[number]
        order = [int(index) for index in np.argsort(row, kind="stable") if files[index] != own]
        neighbors += [
            Neighbor(path, rank, among.paths[index], float(row[index]))
            for rank, index in enumerate(order[:count], 1)
        ]
    return neighbors
