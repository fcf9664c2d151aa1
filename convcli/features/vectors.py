"""Maps → vectors: a few numbers a channel, or all of them; and vectors → lines and files."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.conv import adaptive_avg_pool2d
from convcli.errors import SpecError, UnfitError, csv_row, safe

Array = NDArray[Any]


def _flat(maps: Array) -> Array:
    return maps.reshape(len(maps), -1)


def _grid(maps: Array, rows: int, columns: int) -> Array:
    """Means over rows × columns windows that share the map between them, (c·rows·columns,)."""
    if maps.ndim == 1:
        maps = maps[:, np.newaxis, np.newaxis]
    plane = maps[:, np.newaxis] if maps.ndim == 2 else maps
    return adaptive_avg_pool2d(plane, (rows, columns)).reshape(-1)


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
            raise SpecError(f"{part.strip()[:60]!r} is none of {', '.join(POOLS)}, grid:4x4")
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
            rows, columns = map(int, part[5:].split("x"))
            return _grid(maps, rows, columns).astype(np.float32)
        return POOLS[part](maps).astype(np.float32)


def part_names(layer: str, part: str, length: int) -> list[str]:
    """A name for each number: the layer, the part and its place."""
    return [f"{layer}.{part}.{place}" for place in range(length)]


class Vectors(NamedTuple):
    """A row a picture, in the order given, and a name a column."""

    paths: tuple[str, ...]
    rows: NDArray[np.float32]
    names: tuple[str, ...]
    settings: str = ""
    """What they were made with, as JSON."""

    def arrays(self) -> dict[str, Array]:
        return {
            "vectors": self.rows,
            "paths": np.array(self.paths),
            "names": np.array(self.names),
            "settings": np.array(self.settings),
        }


def checked(path: str, vector: Array) -> Array:
    """A vector whose values are all finite. Raises UnfitError."""
    if not np.isfinite(vector).all():
        raise UnfitError(
            f"{safe(path)}: the vector holds values beyond float32; take an --init that keeps "
            "the scale, such as he, or --unit-norm"
        )
    return vector


def digits(vector: NDArray[np.float32]) -> list[str]:
    """Each value in the fewest digits that give the same float32 again."""
    return [str(value) if value == value else "nan" for value in vector.astype(np.float32)]


def json_line(path: str, vector: NDArray[np.float32]) -> str:
    """`{"path": …, "vector": […]}`.

    >>> json_line("cat.jpg", np.array([0.1, 2.0], np.float32))
    '{"path": "cat.jpg", "vector": [0.1, 2.0]}'
    """
    from json import dumps

    return f'{{"path": {dumps(path)}, "vector": [{", ".join(digits(vector))}]}}'


def separated(path: str, vector: NDArray[np.float32], comma: str) -> str:
    """A line of CSV or TSV; a path with a comma or a quote in it is quoted, as RFC 4180 has it."""
    if comma == ",":
        return csv_row([path, *digits(vector)])
    return comma.join([safe(path), *digits(vector)])


LINES: dict[str, Callable[[str, NDArray[np.float32]], str]] = {
    "jsonl": json_line,
    "csv": lambda path, vector: separated(path, vector, ","),
    "tsv": lambda path, vector: separated(path, vector, "\t"),
}
"""Formats with a line a picture."""

FILES = ("npy", "npz")
"""Formats with all of them in one array."""


def header(names: Sequence[str], format_: str) -> str | None:
    """The first line of a format that has one."""
    comma = {"csv": ",", "tsv": "\t"}.get(format_)
    return comma.join(["path", *map(safe, names)]) if comma else None


def described(settings: Mapping[str, Any]) -> str:
    """Settings as one line of JSON, the same for the same settings."""
    from json import dumps

    return dumps(settings, sort_keys=True, default=list)
