"""`convcli extract`: what layers see in pictures, drawn and as statistics; or vectors of it."""

import os
import re
from collections.abc import Sequence
from time import perf_counter

from convcli.app.options import ExtractOptions
from convcli.batch.inputs import check_there, gathered, pictures_in
from convcli.batch.options import BATCH, LIMITS
from convcli.batch.vectors import Vectors
from convcli.drawing.feature_maps import MapDrawing, Target, drawn_layers, filter_grids, targets_of
from convcli.drawing.montage import sheet
from convcli.errors import OutputError, PictureError, Refusal, SpecError, UnfitError
from convcli.features.classes import class_listing, read_labels, top_classes
from convcli.features.config import Setup
from convcli.features.config_json import same_settings, saved_setup
from convcli.features.config_options import read_setup
from convcli.features.extractor import RESERVED, Extractor
from convcli.features.layer_stats import PictureStats, layer_stats, listing, overflow_note
from convcli.features.neighbors import distance_listing, nearest, neighbor_listing
from convcli.features.options import FeatureOptions
from convcli.features.vector_io import (
    FILES,
    LINES,
    read_set,
    suffix_of,
    vector_target,
    write_vectors,
)
from convcli.features.vector_set import VectorMaker, VectorSet, alike_to, one_by_one
from convcli.images.image import Limits
from convcli.images.io.atomic import check_free, files_named
from convcli.images.io.formats import format_of, readable_suffixes
from convcli.images.io.write import save_arrays, write_picture
from convcli.nets.graph import INPUT
from convcli.nets.readers.read import is_source
from convcli.nets.readers.vocabulary.registry import names_of
from convcli.nets.zoo import zoo_name
from convcli.output import note, planned
from convcli.runtime.memory_estimate import took_note
from convcli.tables import Outcome
from convcli.text import counted, safe


def extract(options: ExtractOptions) -> Outcome:
    """Statistics of the maps, which are drawn; or vectors, which are written or compared.

    Where several pictures are named, those that fail are noted and the others go on: the refusal
    says how many failed. Raises Refusal for a picture that is alone, and for clashing options.
    """
    if (
        options.given("vector", "distances", "nearest", "among", "top", "labels")
        or options.format_ in FILES
        or suffix_of(options.output) in (*LINES, *FILES)
    ):
        return _vectors(options)
    for name in options.given(*BATCH):
        flag = "-0" if name == "null" else f"--{name.replace('_', '-')}"
        raise SpecError(f"{flag} is for vectors; add --vector mean,std")
    return _maps(options)


def _vectors(options: ExtractOptions) -> Outcome:
    """Vectors of pictures, which are written, or the distances or neighbors that they give."""
    started = perf_counter()
    words, layers = split_words(options.words)
    folders = [name for name in (*words, options.among) if name and os.path.isdir(name)]
    if options.given(*BATCH, *LIMITS) or len(options.words) != 1 or folders:
        paths, maker = _batch(words, options)
    else:
        paths = pictures_of(words)
        maker = VectorMaker(one_by_one, note, options.memory)
    sources = files_read(paths, options)
    setup = read_setup(layers, options)
    if options.among is not None and options.nearest is None:
        raise SpecError("--among goes with --nearest, such as --nearest 5")
    if options.dry_run:
        prints = options.given("top", "labels", "distances", "nearest") or options.output is None
        if not prints:
            vector_target(options.format_, options.output, options.force, sources)
        for path in paths:
            planned(path, "-" if prints else options.output or "-")
        check_there(paths)
        return Outcome()
    if options.given("top", "labels"):
        return _classes(paths, setup, maker, options)
    if options.distances is None and options.nearest is None:
        target = vector_target(options.format_, options.output, options.force, sources)
        for text in () if options.quiet else setup.notes:
            note(text)
        vectors = maker.vectors(paths, setup)
        write_vectors(vectors, setup, target, options.force, maker.failed)
        if not options.quiet:
            took = took_note(started, options.verbose)
            note(f"{setup.text()}; {counted(maker.done, 'picture')}, {took}")
        return Outcome(refusal=maker.failure())
    _check_comparison(paths, options)
    setup, queries, pool = _compared(paths, bool(layers), setup, options, maker)
    if maker.failed and not (queries.paths and pool.paths):
        return Outcome(refusal=maker.failure())
    if not options.quiet:
        note(f"{setup.text()}; {took_note(started, options.verbose)}")

    metric = options.distances or "cosine"
    if options.nearest is None:
        listing = distance_listing(queries, metric)
    else:
        neighbors = nearest(queries, pool, options.nearest, metric)
        listing = neighbor_listing(neighbors, metric, len(pool.paths))
    return Outcome(listing, refusal=maker.failure())


def _classes(
    paths: Sequence[str], setup: Setup, maker: VectorMaker, options: ExtractOptions
) -> Outcome:
    """The largest outputs of each picture. Raises SpecError for options of vectors."""
    for name in options.given("vector", "distances", "nearest", "among", "output"):
        raise SpecError(f"--top prints classes; leave --{name} out")
    labels = read_labels(options.labels) if options.labels else []
    for text in () if options.quiet else setup.notes:
        note(text)
    vectors = maker.vector_set(paths, setup._replace(vector=("flatten",)))
    classes = top_classes(vectors, options.top or 5, labels)
    return Outcome(class_listing(classes), refusal=maker.failure())


def _batch(words: Sequence[str], options: ExtractOptions) -> tuple[tuple[str, ...], VectorMaker]:
    """The pictures of a batch, and what makes their vectors on worker processes or a cluster."""
    if options.ship == "bytes":
        raise SpecError("--ship bytes is for results of filters; vectors are made from paths")
    options.check()
    if options.report is not None:
        check_free([options.report, options.output], options.force)
    inputs = gathered(words, options.recursive, options.files_from, options.null)
    workers = Vectors(options)
    paths = tuple(picture.path for picture in inputs)
    return paths, VectorMaker(workers.each, workers.note, options.memory)


def _check_comparison(paths: Sequence[str], options: ExtractOptions) -> None:
    """Raise SpecError for options that do not go with distances or neighbors."""
    if options.output is not None:
        raise SpecError("-o takes maps or vectors; distances are printed")
    if options.nearest is not None and options.among is None and len(paths) == 1:
        raise SpecError("--nearest looks among several pictures: name more, or --among a set")
    if options.format_ in FILES:
        raise SpecError(f"--format {options.format_} is for vectors, not for distances")


def _compared(
    paths: Sequence[str], layers: bool, setup: Setup, options: ExtractOptions, maker: VectorMaker
) -> tuple[Setup, VectorSet, VectorSet]:
    """The vectors of pictures and those they are compared with, and the setup of both.

    The others are a saved set, those of a folder, or the same ones. A saved set's settings count
    where neither layers nor options say anything else.
    """
    among = options.among
    if among is None or os.path.isdir(among):
        others = pictures_of([among]) if among is not None else ()
        queries = maker.vector_set(paths, setup)
        return setup, queries, maker.vector_set(others, setup) if others else queries
    pool = read_set(among)
    if pool.settings and not layers and not options.given(*FeatureOptions.__annotations__):
        setup = saved_setup(among, options)
    else:
        same_settings(among, pool.settings, setup)
    maker.alike = alike_to(pool)
    return setup, maker.vector_set(paths, setup), pool


def _maps(options: ExtractOptions) -> Outcome:
    """Statistics of the maps of each picture, and the files in which they are drawn."""
    words, layers = split_words(options.words)
    paths = pictures_of(words)
    sources = files_read(paths, options)
    setup = read_setup(layers, options)
    for name, path in (("save", options.save), ("filters", options.filters)):
        if path == "-":
            raise SpecError(f"--{name} takes the name of a file; stdout holds the table")
        if path and len(paths) > 1:
            raise SpecError(f"--{name} is for one picture, not {len(paths)}")
    if options.format_ in ("npy", "npz"):
        raise SpecError(f"--format {options.format_} is for vectors; add --vector, or --save")
    targets = targets_of(paths, options.output, options.preview)
    sheets = [target.sheet for target in targets]
    check_free([*sheets, options.save, options.filters], options.force, *sources)
    if options.filters:
        format_of(options.filters)
    if options.dry_run:
        others = [name for name in (options.save, options.filters) if name]
        for path, target in zip(paths, targets, strict=True):
            drawn_as = [target.path_of("LAYER")] if target.folder is not None else [target.sheet]
            for name in (*drawn_as, *others):
                planned(path, name or "-")
        check_there(paths)
        return Outcome()
    for text in () if options.quiet else setup.notes:
        note(text)
    extractor = Extractor(setup, Limits(options.max_pixels, options.max_memory))
    pictures: list[PictureStats] = []
    files: list[str] = []
    for path, target in zip(paths, targets, strict=True):
        try:
            stats, drawn = _picture(path, target, extractor, options, sources)
        except Refusal as failure:
            if len(paths) == 1:
                raise
            note(f"failed: {failure}")
            continue
        pictures.append(stats)
        files += drawn
    failed = len(paths) - len(pictures)
    refusal = Refusal(f"{failed:,} of {counted(len(paths), 'picture')} failed") if failed else None
    if options.output == "-":
        return Outcome(refusal=refusal)
    report = listing(pictures, setup.settings(), setup.text())
    return Outcome(None if options.quiet else report, files, refusal)


def _picture(
    path: str,
    target: Target,
    extractor: Extractor,
    options: ExtractOptions,
    sources: Sequence[str],
) -> tuple[PictureStats, list[str]]:
    """Run the network on one picture, draw it and save it; gives its statistics and its files."""
    started = perf_counter()
    x = extractor.samples(path)
    rows = extractor.rows(x.shape)
    layers, missing = drawn_layers(rows, extractor.setup.layers)
    names = [row.name for row in rows]
    if options.save and set(RESERVED) & set(names):
        raise OutputError(f"a layer called {', '.join(RESERVED)} cannot be saved beside the run's")
    target.make_folder(layers, options.force, sources)
    drawing = MapDrawing(target, layers, options.signed, options.preview, options.force)
    for text in extractor.notes():
        note(text)
    drawing_bytes = target.memory(x.size, len(layers))
    memory = extractor.memory(x.shape, names if options.save else (), drawing_bytes)
    if options.memory or (memory.is_near and not options.quiet):
        note(memory.text)
    if missing and not options.quiet:
        note(missing)
    extractor.prepare_weights(rows)
    for text in extractor.notes():
        note(text)
    drawing.add(INPUT, "", x)
    spreads = {INPUT: float(x.std(dtype="float64"))}
    stats, maps = [], {}
    for step in extractor.run(rows, x):
        if not step.row.inputs:
            continue  # numbers of the file, which no picture changes
        layer = layer_stats(step, spreads.get(step.row.node.inputs[0], 0.0))
        spreads[layer.name] = layer.spread
        stats.append(layer)
        drawing.add(layer.name, layer.type, step.maps)
        if options.save:
            maps[layer.name] = step.maps
    if overflow := overflow_note(stats):
        note(overflow)
    grids = filter_grids(extractor.weights) if options.filters else {}
    if options.filters and not grids:
        raise UnfitError("the network has no convolutions, so there are no filters to draw")
    if options.save:
        save_arrays(extractor.arrays(x, maps), options.save, options.force)
    if options.filters:
        write_picture(sheet(list(grids.values())), options.filters, options.force)
    files = drawing.finish(extractor.weights)
    if options.memory:
        note(took_note(started))
    return PictureStats(path, x.shape, tuple(stats)), files


def split_words(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Pictures, and the layers or the network after them.

    >>> split_words(["cat.jpg", "dog.png", "conv:16,5", "relu"])
    (('cat.jpg', 'dog.png'), ('conv:16,5', 'relu'))
    """
    for index, word in enumerate(words):
        if is_layer(word, after_pictures=index > 0):
            return tuple(words[:index]), tuple(words[index:])
    return tuple(words), ()


def is_layer(word: str, after_pictures: bool) -> bool:
    """Whether a word is a layer or a network, not a picture; after pictures, if in doubt."""
    if word.lower().endswith(tuple(readable_suffixes())) or word == "-":
        return False
    if re.search(r"\.(net|txt|onnx|py(:.+)?)$", word) or re.match(
        r"\s*[A-Za-z][\w.]*\s*[:(=]", word
    ):
        return not os.path.exists(word) or is_source(word)
    if os.path.exists(word) or os.sep in word:
        return False
    return after_pictures or zoo_name(word) is not None or word in names_of("short")


def files_read(paths: Sequence[str], options: ExtractOptions) -> list[str]:
    """All files that a run reads: pictures, a network, weights, a saved run or set.

    Raises SpecError where stdin would have to be two of them.
    """
    given = [options.net, options.like, options.weights, options.among]
    if [*paths, *given, options.files_from].count("-") > 1:
        raise SpecError("standard input is a picture, a list of pictures or a network, not two")
    return [*paths, *files_named([*options.words, *given])]


def pictures_of(words: Sequence[str]) -> tuple[str, ...]:
    """Paths of pictures; a folder stands for the pictures in it, sorted by name."""
    paths: list[str] = []
    for word in words:
        inside = [item.path for item in pictures_in(word)] if os.path.isdir(word) else [word]
        if not inside:
            raise PictureError(f"{safe(word)} holds no pictures")
        paths += inside
    if not paths:
        raise SpecError("name a picture, or pipe one in as -")
    if paths.count("-") > 1:
        raise SpecError("standard input holds one picture, not several")
    return tuple(paths)
