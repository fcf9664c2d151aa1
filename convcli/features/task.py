"""`convcli extract`, from words and options to what is shown, drawn and written."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.errors import Refusal, SpecError, UnfitError, counted, safe
from convcli.features.memory import most_resident, predicted, resident
from convcli.features.neighbours import Matrix, distances, nearest, read_set
from convcli.features.run import Step, needed, walk
from convcli.features.setup import (
    CHOICES,
    Setup,
    pictures_of,
    read_setup,
    same_settings,
    saved_setup,
    split_words,
    vector_settings,
)
from convcli.features.vectors import FILES, LINES, Vectors, checked, header, part_names, pooled
from convcli.features.weights import drawn, read_weights, slots
from convcli.nets.figures import bytes_text
from convcli.nets.layers import Shape, Slot
from convcli.nets.network import Network
from convcli.nets.summary import Row, summarize
from convcli.pictures.files import SUFFIXES, check_free, files_named, open_picture, write_file
from convcli.pictures.memory import Limits
from convcli.pictures.prepare import Samples, prepared

Array = NDArray[Any]


class Engine:
    """A setup with the weights it has drawn or read, kept from picture to picture."""

    def __init__(self, setup: Setup, note: Any, limits: Limits | None = None) -> None:
        self.setup, self.limits = setup, limits
        self.network: Network = setup.network
        self.weights: dict[str, Array] = {}
        self.slots: dict[str, Slot] = {}
        self._rows: dict[Shape, tuple[Row, ...]] = {}
        self._note = note

    def load(self, path: str) -> Samples:
        """The samples of a picture as the network takes them."""
        picture = open_picture(path, limits=self.limits)
        for text in picture.notes:
            self._note(f"{safe(path)}: {text}")
        try:
            return prepared(picture, self.setup.preparation)
        except UnfitError as misfit:
            raise UnfitError(f"{safe(path)}: {misfit}") from None

    def rows(self, shape: Shape) -> tuple[Row, ...]:
        """The rows of the network for an input of this shape."""
        if shape not in self._rows:
            self._rows[shape] = summarize(self.network, shape).rows
        return self._rows[shape]

    def prepare_weights(self, rows: Sequence[Row]) -> None:
        """Draw or read the weights, unless those that are there fit."""
        wanted = slots(rows)
        if self.slots == wanted:
            return
        self.weights = {}
        if self.setup.weights is not None:
            self.weights, others = read_weights(self.setup.weights, wanted)
            if others and not self.slots:
                some = ", ".join(safe(name) for name in others[:3])
                self._note(f"{counted(len(others), 'other array')} left unread: {some} …")
        else:
            own = self.setup
            self.weights = drawn(rows, own.seed, own.init, own.slopes)
        self.slots = wanted

    def run(
        self, rows: Sequence[Row], x: Samples, names: Sequence[str], keeps: bool = False
    ) -> Iterator[Step]:
        """Walk to the nodes named, or over all."""
        return walk(needed(rows, names), x, self.weights, keeps)


def memory_note(rows: Sequence[Row], x: Samples, setup: Setup, kept: bool, shown: int) -> str:
    """What a run will take, before it does. Refuses one that the machine has no memory for."""
    names = [row.name for row in rows] if kept else []
    memory = predicted(rows, x.shape, setup.init, names, shown)
    now = resident()
    # reading a picture may have taken more than the run will
    peak, room = max(now + memory.peak, most_resident() or 0), machine_bytes()
    if room and peak > room:
        raise UnfitError(
            f"the run needs {bytes_text(peak)} of memory, this machine has {bytes_text(room)}; "
            "take a smaller --resize, or stop earlier with --until"
        )
    return (
        f"peak memory predicted: {bytes_text(peak)} ({bytes_text(now)} now, weights "
        f"{bytes_text(memory.weights)}, maps at work {bytes_text(memory.activations)}, "
        f"pictures {bytes_text(memory.shown)})"
    )


def machine_bytes() -> int | None:
    """The memory of this machine, where the system says."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def took_note(started: float) -> str:
    most = most_resident()
    peak = f", peak memory measured: {bytes_text(most)}" if most else ""
    return f"{perf_counter() - started:.2f} s{peak}"


class Rows(NamedTuple):
    """Vectors of pictures as they come: path, vector, the names of its numbers."""

    path: str
    vector: NDArray[np.float32]
    names: tuple[str, ...]


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


Each = Callable[[Sequence[str], Setup], Iterator[tuple[str, Found | Refusal]]]
"""Pictures → each path with its vector or with why there is none, in their order."""


def vector_work(setup: Setup, limits: Limits | None = None) -> Callable[[str], Found]:
    """What makes the vector of a picture; weights are kept from one to the next."""
    notes: list[str] = []
    engine = Engine(setup, notes.append, limits)
    layers = setup.layers or (setup.network.nodes[-1].name,)

    def work(path: str) -> Found:
        notes.clear()
        x = engine.load(path)
        rows = engine.rows(x.shape)
        memory = memory_note(rows, x, setup, False, 0)  # which refuses what is too large
        engine.prepare_weights(rows)
        parts = {
            (step.row.name, part): pooled(step.maps, part)
            for step in engine.run(rows, x, layers)
            if step.row.name in layers
            for part in setup.vector
        }
        order = [(layer, part) for layer in layers for part in setup.vector]
        vector = checked(path, np.concatenate([parts[key] for key in order]))
        names = tuple(name for key in order for name in part_names(*key, len(parts[key])))
        shapes = {name: slot.shape for name, slot in engine.slots.items()}
        return Found(vector, names, shapes, tuple(notes), memory)

    return work


def one_by_one(paths: Sequence[str], setup: Setup) -> Iterator[tuple[str, Found | Refusal]]:
    """The vector of each picture in turn."""
    work = vector_work(setup)
    for path in paths:
        try:
            yield path, work(path)
        except Refusal as refusal:
            yield path, refusal


class Alike:
    """Checks that vectors can be compared with the first one."""

    def __init__(self) -> None:
        self.first: Found | None = None

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
        if len(first.names) != len(found.names):
            return UnfitError(
                f"{safe(path)} gives {len(found.names):,} numbers, the pictures before "
                f"{len(first.names):,}; --resize and --crop, or parts such as mean or grid:4x4, "
                "make vectors of one length"
            )
        return None


def vectors_of(
    paths: Sequence[str],
    setup: Setup,
    note: Any,
    failed: list[Refusal],
    quiet: bool = True,
    each: Each = one_by_one,
) -> Iterator[Rows]:
    """The vector of each picture in turn; one that fails is told of, and the others go on."""
    alike = Alike()
    names: tuple[str, ...] = ()
    for path, found in each(paths, setup):
        for text in () if isinstance(found, Refusal) else found.notes:
            note(text)
        found = found if isinstance(found, Refusal) else alike.misfit(path, found) or found
        if isinstance(found, Refusal):
            if len(paths) == 1:
                raise found
            failed.append(found)
            text = str(found)
            note(f"Error: {text if safe(path) in text else f'{safe(path)}: {text}'}")
            continue
        if not quiet and not names:
            note(found.memory)
        names = names or found.names
        yield Rows(path, found.vector, names)


def gathered(found: Sequence[Rows], setup: Setup) -> Vectors:
    """Rows as one set."""
    names = found[0].names if found else ()
    matrix = np.array([one.vector for one in found], np.float32).reshape(len(found), len(names))
    return Vectors(tuple(one.path for one in found), matrix, names, vector_settings(setup))


def failure(failed: Sequence[Refusal], among: int) -> Refusal | None:
    if not failed:
        return None
    return Refusal(f"{len(failed):,} of {counted(among, 'picture')} failed")


def wants_vectors(options: Mapping[str, Any]) -> bool:
    """Whether the options ask for vectors, or for what is made of them; else for what is seen."""
    asked = ("vector", "distances", "nearest", "among")
    suffix = os.path.splitext(options["output"] or "")[1].lstrip(".").lower()
    return (
        any(options[name] is not None for name in asked)
        or options["format_"] in FILES
        or suffix in (*LINES, *FILES)
    )


def inputs(paths: Sequence[str], words: Sequence[str], options: Mapping[str, Any]) -> list[str]:
    """All files that a run reads: pictures, a network, weights, a saved run or set."""
    given = (options[name] for name in ("net", "like", "weights", "among"))
    return [*paths, *files_named([*words, *given])]


class Vectored(NamedTuple):
    """Where vectors go: a format, and a file or stdout."""

    format: str
    target: str | None


def vector_target(
    format_: str | None, output: str | None, force: bool, sources: Sequence[str] = ()
) -> Vectored:
    """The format that was asked for, or that the file's name asks for."""
    known = (*LINES, *FILES)
    suffix = os.path.splitext(output or "")[1].lstrip(".").lower()
    if format_ is None:
        format_ = suffix if output not in (None, "-") else "jsonl"
    if format_ not in known:
        said = f"{safe(output)}" if format_ == suffix and output else f"--format {format_}"
        raise SpecError(f"{said}: vectors are written as {', '.join(known)}")
    target = None if output in (None, "-") else output
    if target and suffix != format_ and (suffix in known or f".{suffix}" in SUFFIXES):
        raise SpecError(f"{safe(target)} is not the name of a file of {format_}")
    if format_ in FILES and target is None and sys.stdout.isatty():
        raise SpecError(f"a terminal cannot show {format_}; use -o FILE, or pipe it on")
    check_free([target], force, *sources)
    return Vectored(format_, target)


def write_vectors(
    found: Iterator[Rows], setup: Setup, where: Vectored, force: bool, failed: list[Refusal]
) -> None:
    """Write vectors line by line as they come, or as one array."""
    if where.format in FILES:
        rows = list(found)
        if failed and where.format == "npy":
            raise Refusal(".npy holds no paths, so that all pictures must be there; write .npz")
        vectors = gathered(rows, setup)

        def write(stream: Any) -> None:
            if where.format == "npy":
                np.save(stream, vectors.rows, allow_pickle=False)
            else:
                np.savez(stream, allow_pickle=False, **vectors.arrays())

        if rows:
            _deliver(write, where.target, force)
        return
    if where.target is None:
        for text in _lines(found, where.format):
            if sys.stdout.isatty():
                sys.stdout.write("\t".join(map(safe, text.split("\t"))) + "\n")
                sys.stdout.flush()
            else:  # a path's own bytes
                sys.stdout.buffer.write(f"{text}\n".encode("utf-8", "surrogateescape"))
                sys.stdout.buffer.flush()
        return
    lines = list(_lines(found, where.format))
    data = "".join(f"{text}\n" for text in lines).encode("utf-8", "surrogateescape")
    if data:
        _deliver(lambda stream: stream.write(data), where.target, force)


def _lines(found: Iterator[Rows], format_: str) -> Iterator[str]:
    for number, one in enumerate(found):
        first = header(one.names, format_) if not number else None
        if first:
            yield first
        yield LINES[format_](one.path, one.vector)


def _deliver(write: Any, target: str | None, force: bool) -> None:
    if target is not None:
        return write_file(target, write, force)
    from io import BytesIO

    buffer = BytesIO()
    write(buffer)
    sys.stdout.flush()
    sys.stdout.buffer.write(buffer.getbuffer())
    return None


def among_set(
    among: str, setup: Setup, options: Mapping[str, Any], note: Any, failed: list[Refusal]
) -> tuple[Setup, Vectors]:
    """The set to look in, a saved one or a folder's, and the setup that both are made with."""
    if os.path.isdir(among):
        paths = pictures_of([among])
        return setup, gathered(list(vectors_of(paths, setup, note, failed)), setup)
    held = read_set(among)
    said = any(options[name] not in (None, False) for name in (*CHOICES, "like", "has_layers"))
    if held.settings and not said:
        return saved_setup(among, options), held
    same_settings(among, held.settings, setup)
    return setup, held


def vector_task(
    words: Sequence[str],
    options: Mapping[str, Any],
    note: Any,
    named: Callable[[Sequence[str]], tuple[str, ...]] = pictures_of,
    each: Each = one_by_one,
) -> Any:
    """Vectors written, or the distances or neighbours that they give, as something to show."""
    pictures, layers = split_words(words)
    paths = named(pictures)
    options = {**options, "has_layers": bool(layers)}
    setup = read_setup(layers, options)
    failed: list[Refusal] = []
    asking = options["distances"] is not None or options["nearest"] is not None
    if asking and options["output"] is not None:
        raise SpecError("-o takes maps or vectors; distances are printed")
    if options["nearest"] is not None and options["among"] is None and len(paths) == 1:
        raise SpecError("--nearest looks among several pictures: name more, or --among a set")
    if options["among"] is not None and options["nearest"] is None:
        raise SpecError("--among goes with --nearest, such as --nearest 5")
    if options["format_"] in FILES and asking:
        raise SpecError(f"--format {options['format_']} is for vectors, not for distances")
    quiet = options["quiet"]
    started = perf_counter()
    if not asking:
        where = vector_target(
            options["format_"], options["output"], options["force"], inputs(paths, words, options)
        )
        for text in () if quiet else setup.notes:
            note(text)
        found = vectors_of(paths, setup, note, failed, quiet, each)
        write_vectors(found, setup, where, options["force"], failed)
        if not quiet:
            done = counted(len(paths) - len(failed), "picture")
            note(f"{said(setup)}; {done}, {took_note(started)}")
        return None, failure(failed, len(paths))
    metric = options["distances"] or "cosine"
    if options["among"] is not None:
        setup, pool = among_set(options["among"], setup, options, note, failed)
        queries = gathered(list(vectors_of(paths, setup, note, failed, quiet, each)), setup)
    else:
        pool = queries = gathered(list(vectors_of(paths, setup, note, failed, quiet, each)), setup)
    if not queries.paths:
        return None, failure(failed, len(paths))
    if not quiet:
        note(f"{said(setup)}; {took_note(started)}")
    if options["nearest"] is not None:
        result: Any = nearest(queries, pool, options["nearest"], metric)
    else:
        result = Matrix(queries.paths, distances(metric, queries.rows, queries.rows), metric)
    return result, failure(failed, len(paths))


def said(setup: Setup) -> str:
    """The setup in a line."""
    return ", ".join(f"{name} {safe(value)}" for name, value in setup.shown().items() if value)
