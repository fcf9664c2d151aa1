"""`convcli extract` with vectors: written, or the distances and the neighbours that they give."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any

from convcli.errors import PictureError, Refusal, SpecError
from convcli.features.config import Choices, Setup
from convcli.features.config_json import same_settings, saved_setup
from convcli.features.config_options import read_setup
from convcli.features.extractor import Features
from convcli.features.neighbors import Matrix, distances, nearest
from convcli.features.vector_io import (
    FILES,
    LINES,
    read_set,
    suffix_of,
    vector_target,
    write_vectors,
)
from convcli.features.vector_set import (
    Alike,
    Each,
    VectorSet,
    alike_to,
    gathered,
    one_by_one,
)
from convcli.images.io.atomic import files_named
from convcli.images.io.listing import READABLE, pictures_in
from convcli.nets.readers.read import is_source
from convcli.nets.readers.vocabulary.registry import names_of
from convcli.nets.zoo import NAMES
from convcli.runtime.memory_estimate import took_note
from convcli.text import counted, safe

Note = Callable[[str], None]


def wants_vectors(options: Mapping[str, Any]) -> bool:
    """Whether the options ask for vectors, or for what is made of them; else for what is seen."""
    asked = ("vector", "distances", "nearest", "among")
    return (
        any(options[name] is not None for name in asked)
        or options["format_"] in FILES
        or suffix_of(options["output"]) in (*LINES, *FILES)
    )


class Maker:
    """Makes vectors that can be compared with each other, and counts the pictures that fail.

    One that fails is told of, and the others go on.
    """

    def __init__(self, note: Note, each: Each, quiet: bool) -> None:
        self.failed: list[Refusal] = []
        self._note, self._each, self._quiet = note, each, quiet
        self.alike = Alike()
        self.done = self._asked = 0

    def vectors(self, paths: Sequence[str], setup: Setup) -> Iterator[tuple[str, Features]]:
        """The vector of each picture in turn. Raises the refusal of one that is alone."""
        self._asked += len(paths)
        for path, found in self._each(paths, setup, self.alike):
            if isinstance(found, Refusal):
                if len(paths) == 1:
                    raise found
                self.failed.append(found)
                text = str(found)
                self._note(f"Error: {text if safe(path) in text else f'{safe(path)}: {text}'}")
                continue
            for text in found.notes:
                self._note(text)
            if not self._quiet:
                self._note(found.memory)
                self._quiet = True  # once is enough
            self.done += 1
            yield path, found

    def failure(self) -> Refusal | None:
        """How many pictures failed, if any did."""
        if not self.failed:
            return None
        left = self._asked - self.done - len(self.failed)
        rest = f", {left:,} not tried" if left else ""
        return Refusal(f"{len(self.failed):,} of {counted(self._asked, 'picture')} failed{rest}")


def vector_task(
    words: Sequence[str],
    options: Mapping[str, Any],
    note: Note,
    named: Callable[[Sequence[str]], tuple[str, ...]] | None = None,
    each: Each = one_by_one,
) -> tuple[Any, Refusal | None]:
    """Vectors written, or the distances or neighbours that they give, as something to show.

    With it comes how many pictures failed, if any did.
    """
    started, quiet = perf_counter(), options["quiet"]
    pictures, layers = split_words(words)
    paths = (named or pictures_of)(pictures)
    sources = files_read(paths, words, options)
    setup = read_setup(layers, Choices.among(options))
    maker = Maker(note, each, quiet)
    if options["among"] is not None and options["nearest"] is None:
        raise SpecError("--among goes with --nearest, such as --nearest 5")
    if options["distances"] is None and options["nearest"] is None:
        where = vector_target(options["format_"], options["output"], options["force"], sources)
        for text in () if quiet else setup.notes:
            note(text)
        write_vectors(maker.vectors(paths, setup), setup, where, options["force"], maker.failed)
        if not quiet:
            note(f"{setup.said()}; {counted(maker.done, 'picture')}, {took_note(started)}")
        return None, maker.failure()
    _check_comparison(paths, options)
    setup, queries, pool = _compared(paths, bool(layers), setup, options, maker)
    if maker.failed and not (queries.paths and pool.paths):
        return None, maker.failure()
    if not quiet:
        note(f"{setup.said()}; {took_note(started)}")
    metric = options["distances"] or "cosine"
    if options["nearest"] is not None:
        return nearest(queries, pool, options["nearest"], metric), maker.failure()
    between = distances(metric, queries.rows, queries.rows)
    return Matrix(queries.paths, between, metric), maker.failure()


def _check_comparison(paths: Sequence[str], options: Mapping[str, Any]) -> None:
    """Raise SpecError for options that do not go with distances or neighbours."""
    if options["output"] is not None:
        raise SpecError("-o takes maps or vectors; distances are printed")
    if options["nearest"] is not None and options["among"] is None and len(paths) == 1:
        raise SpecError("--nearest looks among several pictures: name more, or --among a set")
    if options["format_"] in FILES:
        raise SpecError(f"--format {options['format_']} is for vectors, not for distances")


def _compared(
    paths: Sequence[str], layers: bool, setup: Setup, options: Mapping[str, Any], maker: Maker
) -> tuple[Setup, VectorSet, VectorSet]:
    """The vectors of pictures and those they are compared with, and the setup both are made with.

    These are a saved set, those of a folder, or the same; what a saved set says of how it was made
    counts where nothing else is said (`layers`: whether layers are).
    """
    among = options["among"]
    if among is None:
        queries = gathered(maker.vectors(paths, setup), setup)
        return setup, queries, queries
    if os.path.isdir(among):
        others = pictures_of([among])
        queries = gathered(maker.vectors(paths, setup), setup)
        return setup, queries, gathered(maker.vectors(others, setup), setup)
    pool = read_set(among)
    choices = Choices.among(options)
    if pool.settings and not layers and not choices.made():
        setup = saved_setup(among, choices)
    else:
        same_settings(among, pool.settings, setup)
    maker.alike = alike_to(pool)
    return setup, gathered(maker.vectors(paths, setup), setup), pool


def split_words(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Pictures, and the layers or the network behind them.

    >>> split_words(["cat.jpg", "dog.png", "conv:16,5", "relu"])
    (('cat.jpg', 'dog.png'), ('conv:16,5', 'relu'))
    """
    for place, word in enumerate(words):
        if is_layer(word, bool(place)):
            return tuple(words[:place]), tuple(words[place:])
    return tuple(words), ()


def is_layer(word: str, behind: bool) -> bool:
    """Whether a word is a layer or a network, not a picture; `behind` pictures, if in doubt."""
    if word.lower().endswith(tuple(READABLE)) or word == "-":
        return False
    if re.search(r"\.(net|txt|py(:.+)?)$", word) or re.match(r"\s*[A-Za-z][\w.]*\s*[:(=]", word):
        return not os.path.exists(word) or is_source(word)
    if os.path.exists(word) or os.sep in word:
        return False
    return behind or word in NAMES or word in names_of("short")


def files_read(paths: Sequence[str], words: Sequence[str], options: Mapping[str, Any]) -> list[str]:
    """All files that a run reads: pictures, a network, weights, a saved run or set.

    Raises SpecError where stdin would have to be two of them.
    """
    given = [options[name] for name in ("net", "like", "weights", "among")]
    if [*paths, *given, options["files_from"]].count("-") > 1:
        raise SpecError("standard input is a picture, a list of pictures or a network, not two")
    return [*paths, *files_named([*words, *given])]


def pictures_of(words: Sequence[str]) -> tuple[str, ...]:
    """Paths of pictures, a folder standing for those in it, sorted by name."""
    found: list[str] = []
    for word in words:
        if os.path.isdir(word):
            inside = [path for path, _ in pictures_in(word)]
            if not inside:
                raise PictureError(f"{safe(word)} holds no pictures")
            found += inside
        else:
            found.append(word)
    if not found:
        raise SpecError("name a picture, or pipe one in as -")
    if found.count("-") > 1:
        raise SpecError("standard input holds one picture, not several")
    return tuple(found)
