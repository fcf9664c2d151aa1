"""Maps → the numbers of a vector: a few of each channel, or all of them."""

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from convcli.conv import adaptive_avg_pool2d
from convcli.errors import SpecError
from convcli.text import like

Array = NDArray[np.floating]


def _flat(maps: Array) -> Array:
    return maps.reshape(len(maps), -1)


POOLS: dict[str, Callable[[Array], Array]] = {
    "mean": lambda maps: _flat(maps).mean(axis=1, dtype=np.float64),
    "std": lambda maps: _flat(maps).std(axis=1, dtype=np.float64),
    "max": lambda maps: _flat(maps).max(axis=1),
    "ppv": lambda maps: np.count_nonzero(_flat(maps) > 0, axis=1) / _flat(maps).shape[1],
    "l2": lambda maps: np.sqrt(np.square(_flat(maps), dtype=np.float64).sum(axis=1)),
    "flatten": lambda maps: maps.reshape(-1),
}
"""What a vector can hold of each channel: its mean, standard deviation, maximum, proportion of
positive values (Dempster, Petitjean & Webb 2020), Euclidean norm; `flatten` every value."""


def read_vector(text: str) -> tuple[str, ...]:
    """Parts of a vector by name, `grid:4x4` among them.

    >>> read_vector("mean,std"), read_vector("max, grid:4")
    (('mean', 'std'), ('max', 'grid:4x4'))

    Raises SpecError for anything else.
    """
    parts = []
    for part in text.split(","):
        name = part.strip().lower()
        grid = re.fullmatch(r"grid:([1-9][0-9]{0,3})(?:x([1-9][0-9]{0,3}))?", name)
        if grid:
            name = f"grid:{grid[1]}x{grid[2] or grid[1]}"
        elif name not in POOLS:
            raise SpecError(
                f"{part.strip()[:60]!r} is none of {', '.join(POOLS)}, grid:4x4{like(name, POOLS)}"
            )
        parts.append(name)
    if len(set(parts)) < len(parts):
        raise SpecError(f"{text[:60]!r} names a part twice")
    return tuple(parts)


def pooled(maps: Array, part: str) -> NDArray[np.float32]:
    """One part of a vector from the maps (c, *lengths) of a layer.

    >>> pooled(np.array([[[1.0, -3.0]]]), "ppv"), pooled(np.array([[[1.0, -3.0]]]), "grid:1x2")
    (array([0.5], dtype=float32), array([ 1., -3.], dtype=float32))
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if part.startswith("grid:"):
            # means over windows that share the map, or its one row or cell, between them
            rows, columns = map(int, part[5:].split("x"))
            planes = maps.reshape(len(maps), *[1] * (3 - maps.ndim), *maps.shape[1:])
            return adaptive_avg_pool2d(planes, (rows, columns)).reshape(-1).astype(np.float32)
        return POOLS[part](maps).astype(np.float32)
