"""Vectors → lines and files, and files of vectors read again."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from json import dumps, loads
from typing import IO

import numpy as np
from numpy.typing import NDArray

from convcli.errors import Refusal, SpecError
from convcli.features.config import Setup
from convcli.features.extractor import Features
from convcli.features.vector_set import VectorSet, stacked
from convcli.images.io.atomic import check_free
from convcli.images.io.formats import SUFFIXES
from convcli.images.io.write import write_output
from convcli.nets.layers import Shape
from convcli.records import NamedTuple
from convcli.runtime.array_files import npz_arrays
from convcli.text import csv_row, safe

Array = NDArray[np.generic]


def digits(vector: NDArray[np.float32]) -> list[str]:
    """Each value in the fewest digits that give the same float32 again."""
    return [str(value) if value == value else "nan" for value in vector.astype(np.float32)]


def json_line(path: str, vector: NDArray[np.float32]) -> str:
    """`{"path": …, "vector": […]}`.

    >>> json_line("cat.jpg", np.array([0.1, 2.0], np.float32))
    '{"path": "cat.jpg", "vector": [0.1, 2.0]}'
    """
    return f'{{"path": {dumps(path)}, "vector": [{", ".join(digits(vector))}]}}'


LINES: dict[str, Callable[[str, NDArray[np.float32]], str]] = {
    "jsonl": json_line,
    "csv": lambda path, vector: csv_row([path, *digits(vector)]),
    "tsv": lambda path, vector: "\t".join([safe(path), *digits(vector)]),
}
"""Formats with one line per picture."""

FILES = ("npy", "npz")
"""Formats with one array of all pictures."""


def suffix_of(output: str | None) -> str:
    """The format that a name asks for.

    >>> suffix_of("set.NPZ"), suffix_of(None)
    ('npz', '')
    """
    return os.path.splitext(output or "")[1].lstrip(".").lower()


class VectorTarget(NamedTuple):
    """Where vectors go: a format, and a file or stdout."""

    format: str
    path: str | None


def vector_target(
    format_: str | None, output: str | None, force: bool, sources: Sequence[str] = ()
) -> VectorTarget:
    """The target that a format and an output name mean; the name's suffix is a format too.

    Raises SpecError where the two do not go together, OutputError for a file that is there already.
    """
    known = (*LINES, *FILES)
    suffix = suffix_of(output)
    path = None if output in (None, "-") else output
    if format_ is None:
        format_ = suffix if path is not None else "jsonl"
    if format_ not in known:
        option = f"--format {format_}" if format_ != suffix else safe(output) or "-o ''"
        raise SpecError(f"{option}: vectors are written as {', '.join(known)}")
    if path and suffix != format_ and (suffix in known or f".{suffix}" in SUFFIXES):
        raise SpecError(f"{safe(path)} is not the name of a file of {format_}")
    if format_ in FILES and path is None and sys.stdout.isatty():
        raise SpecError(f"a terminal cannot show {format_}; use -o FILE, or pipe it on")
    check_free([path], force, *sources)
    return VectorTarget(format_, path)


def write_vectors(
    pictures: Iterator[tuple[str, Features]],
    setup: Setup,
    target: VectorTarget,
    force: bool,
    failed: list[Refusal],
) -> None:
    """Write the vectors of pictures line by line as they come, or as one array.

    `failed` are the pictures without one, once all of `pictures` has come.
    """
    if target.format in FILES:
        vectors = stacked(pictures, setup)
        if failed and target.format == "npy":
            raise Refusal(".npy holds no paths, so every picture must be readable; write .npz")

        def write(stream: IO[bytes]) -> None:
            if target.format == "npy":
                np.save(stream, vectors.rows, allow_pickle=False)
            else:
                np.savez(stream, allow_pickle=False, **arrays(vectors))

        if vectors.paths:
            write_output(target.path or "-", write, force)
        return
    if target.path is None:
        for text in _lines(pictures, target.format):
            if sys.stdout.isatty():
                sys.stdout.write(safe(text, keep="\t") + "\n")
                sys.stdout.flush()
            else:  # a path's own bytes
                sys.stdout.buffer.write(f"{text}\n".encode("utf-8", "surrogateescape"))
                sys.stdout.buffer.flush()
        return
    text = "".join(f"{line}\n" for line in _lines(pictures, target.format))
    data = text.encode("utf-8", "surrogateescape")
    if data:
        write_output(target.path, lambda stream: stream.write(data), force)


def _lines(pictures: Iterator[tuple[str, Features]], format_: str) -> Iterator[str]:
    comma = {"csv": ",", "tsv": "\t"}.get(format_)
    for number, (path, features) in enumerate(pictures):
        if not number and comma:
            yield comma.join(["path", *map(safe, features.names)])
        yield LINES[format_](path, features.vector)


def arrays(vectors: VectorSet) -> dict[str, Array]:
    """A set of vectors as the arrays that `read_set` reads."""
    return {
        "vectors": vectors.rows,
        "paths": np.array(vectors.paths),
        "names": np.array(vectors.names),
        "settings": np.array(vectors.settings),
        "shapes": np.array(dumps(vectors.shapes)),
    }


def read_set(path: str) -> VectorSet:
    """The vectors of an .npz file. Raises Refusal for any other file."""
    arrays = npz_arrays(path, ("vectors", "paths"), ("names", "settings", "shapes"), _wrong)
    vectors, paths = arrays["vectors"], tuple(map(str, arrays["paths"]))
    shapes = _shapes(str(arrays.get("shapes", "{}")))
    if vectors.dtype.kind != "f" or shapes is None or any("\0" in path for path in paths):
        raise Refusal(f"{safe(path)} {NO_VECTORS}")
    with np.errstate(over="ignore"):
        rows = vectors.astype(np.float32)
    for picture, row in zip(paths, rows, strict=True):
        if not np.isfinite(row).all():
            raise Refusal(
                f"{safe(path)}: the vector of {safe(picture)} has values that are not finite "
                "float32 numbers, so it cannot be compared"
            )
    return VectorSet(
        paths,
        rows,
        tuple(map(str, arrays.get("names", ()))),
        str(arrays.get("settings", "")),
        shapes,
    )


MAX_VECTORS = 5_000_000
"""Maximum vectors of a set that is read; more take minutes before the first is compared."""

NO_VECTORS = "does not hold vectors as convcli saves them"


def _wrong(shapes: Mapping[str, Shape]) -> str:
    """What is wrong with the shapes of a set, of which vectors and paths may be missing."""
    vectors = shapes.get("vectors")
    if vectors is None:
        return ""  # which is said of other files too
    is_set = (
        len(vectors) == 2
        and vectors[0] <= MAX_VECTORS
        and shapes.get("paths") in (None, vectors[:1])
        and shapes.get("names") in (None, vectors[1:])
        and not shapes.get("settings")
        and not shapes.get("shapes")
    )
    return "" if is_set else NO_VECTORS


def _shapes(text: str) -> dict[str, Shape] | None:
    """The shapes of weights by name; None for text that does not hold them."""
    try:
        return {name: tuple(map(int, shape)) for name, shape in loads(text).items()}
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
