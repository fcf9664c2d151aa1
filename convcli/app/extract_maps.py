"""`convcli extract` without vectors: what each layer sees, as a table, as pictures, as a file."""

import os
import re
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.app.extract_vectors import files_read, pictures_of, split_words
from convcli.draw.montage import (
    caption,
    filter_grid,
    grid,
    grid_name,
    panel_bytes,
    picture_grid,
    sheet,
    strip,
)
from convcli.errors import OutputError, Refusal, SpecError, UnfitError
from convcli.features.config import Choices
from convcli.features.config_json import run_settings
from convcli.features.config_options import read_setup
from convcli.features.extractor import Extractor
from convcli.features.layer_stats import Report, Seen, look
from convcli.features.preprocess import Samples
from convcli.images.io.formats import format_of
from convcli.images.io.memory_limits import Limits
from convcli.images.io.read import check_free
from convcli.images.io.write import save_arrays, write_picture
from convcli.nets.analysis.summary import Row
from convcli.nets.graph import INPUT
from convcli.nets.layers import AdaptivePool, Conv, Identity, Pool, Reshape
from convcli.runtime.memory_estimate import memory_note, took_note
from convcli.text import counted, safe

Array = NDArray[Any]

MOST_DRAWN = 40
"""Layers of one sheet, unless they are named."""

DRAWING_BYTES = 24
"""Bytes a sample of the picture takes while it is drawn: float64 copies of it."""

RESERVED = (INPUT, "seed", "network", "settings")
"""Names in a saved run that are not those of layers."""


def safe_name(name: str) -> str:
    """A node's name as part of a file name."""
    kept = re.sub(r"[^\w.#-]", "_", name)
    if not kept.strip("."):
        raise OutputError(f"the layer {safe(name)} gives no file name")
    return kept


class Targets(NamedTuple):
    """Where the pictures of a run go: one sheet, a folder of grids, or nowhere."""

    sheet: str | None
    folder: str | None
    stem: str

    def of(self, name: str) -> str:
        return os.path.join(self.folder or "", f"{self.stem}.{safe_name(name)}.png")


def drawn_layers(rows: Sequence[Row], asked: Sequence[str]) -> tuple[list[str], str | None]:
    """The layers that are drawn, and what to say where not all are.

    All, but for those that hand their input on; where they are more than MOST_DRAWN, the last of
    each stage, and evenly spaced ones of those.
    """
    if asked:
        return list(asked), None
    names = [row.name for row in rows if not isinstance(row.node.layer, Identity | Reshape)]
    names = names or [rows[-1].name]
    if len(names) <= MOST_DRAWN:
        return names, None
    kinds = (Conv, Pool, AdaptivePool)
    ends = [row.name for row in rows if isinstance(row.node.layer, kinds)]
    stages = {name.partition(".")[0]: name for name in names}
    chosen = ends if 0 < len(ends) <= MOST_DRAWN else list(stages.values())
    if len(chosen) > MOST_DRAWN:
        places = np.linspace(0, len(chosen) - 1, MOST_DRAWN).astype(int)
        chosen = [chosen[place] for place in places]
    return chosen, f"{len(chosen)} of {len(names)} layers are drawn; --layers names those you want"


def targets_of(paths: Sequence[str], options: Mapping[str, Any]) -> list[Targets]:
    """A sheet for each picture, or what -o says: one sheet, or a folder for a grid a layer."""
    output = options["output"]
    stems = [os.path.basename(grid_name(path)).removesuffix(".maps.png") for path in paths]
    if output is None and options["preview"]:
        return [Targets(None, None, stem) for stem in stems]
    if output is None:
        return [Targets(grid_name(path), None, "") for path in paths]
    if output != "-" and (output.endswith(("/", os.sep)) or os.path.isdir(output)):
        writers: dict[str, str] = {}
        for path, stem in zip(paths, stems, strict=True):
            if stem in writers:
                raise OutputError(
                    f"{safe(path)} and {safe(writers[stem])} would both be drawn in "
                    f"{safe(os.path.join(output, stem))}.*.png; nothing is drawn"
                )
            writers[stem] = path
        return [Targets(None, output, stem) for stem in stems]
    if len(paths) > 1:
        raise SpecError(
            f"-o {safe(output)} is one sheet for {len(paths)} pictures; name a folder, such as "
            "-o maps/, or add --vector to turn each into a vector"
        )
    if output != "-":
        format_of(output)
    elif options["preview"]:
        raise SpecError(
            "-o - and --preview both take stdout; name a file, or leave one of them out"
        )
    return [Targets(output, None, "")]


def look_task(
    words: Sequence[str], options: Mapping[str, Any], note: Any
) -> tuple[Report, list[str], Refusal | None]:
    """Run the network on each picture, draw and save what was asked for.

    Gives the table of figures, the paths of the pictures that were drawn, and how many of several
    pictures failed, if any did: a note says why, and the others are drawn.
    """
    pictures, layers = split_words(words)
    paths = pictures_of(pictures)
    sources = files_read(paths, words, options)
    setup = read_setup(layers, Choices.among(options))
    for name in ("save", "filters"):
        if options[name] == "-":
            raise SpecError(f"--{name} takes the name of a file; stdout holds the table")
        if options[name] and len(paths) > 1:
            raise SpecError(f"--{name} is for one picture, not {len(paths)}")
    if options["format_"] in ("npy", "npz"):
        raise SpecError(f"--format {options['format_']} is for vectors; add --vector, or --save")
    targets = targets_of(paths, options)
    single = [target.sheet for target in targets]
    check_free([*single, options["save"], options["filters"]], options["force"], *sources)
    if options["filters"]:
        format_of(options["filters"])
    quiet = options["quiet"]
    for text in () if quiet else setup.notes:
        note(text)
    limits = Limits(options["max_pixels"], options["max_memory"])
    extractor, seen, made = Extractor(setup, limits), [], []
    for path, target in zip(paths, targets, strict=True):
        try:
            figures, drawn = _one(path, target, extractor, options, note, sources)
        except Refusal as refusal:
            if len(paths) == 1:
                raise
            note(f"failed: {refusal}")
            continue
        seen.append(figures)
        made += drawn
    failed = len(paths) - len(seen)
    text = f"{failed:,} of {counted(len(paths), 'picture')} failed"
    report = Report(tuple(seen), setup.settings(), setup.said())
    return report, made, Refusal(text) if failed else None


def _one(
    path: str,
    target: Targets,
    extractor: Extractor,
    options: Mapping[str, Any],
    note: Any,
    sources: Sequence[str],
) -> tuple[tuple[str, Any, tuple[Seen, ...]], list[str]]:
    """One picture: its run, what is drawn of it, and its figures."""
    setup, started = extractor.setup, perf_counter()
    x = extractor.samples(path)
    rows = extractor.rows(x.shape)
    chosen, missing = drawn_layers(rows, setup.layers)
    saving, quiet = bool(options["save"]), options["quiet"]
    if saving and set(RESERVED) & {row.name for row in rows}:
        raise OutputError(f"a layer called {', '.join(RESERVED)} cannot be saved beside the run's")
    if target.folder:
        _check_folder(target, chosen, options["force"], sources)
    panels = (len(chosen) + 1) * panel_bytes(x.shape) * 2 if target.sheet else panel_bytes(x.shape)
    panels += DRAWING_BYTES * x.size
    every = [row.name for row in rows] if saving else []
    for text in extractor.notes():
        note(text)
    memory = memory_note(rows, x.shape, setup.init, every, panels)
    if not quiet:
        note(memory)
    if missing and not quiet:
        note(missing)
    extractor.prepare_weights(rows)
    for text in extractor.notes():
        note(text)
    drawing = _Drawing(target, chosen, options)
    drawing.add(INPUT, "", x)
    seen: list[Seen] = []
    spreads = {INPUT: float(x.std(dtype=np.float64))}
    kept: dict[str, Array] = {}
    for step in extractor.run(rows, x, (), saving):
        figures = look(step, spreads[step.row.node.inputs[0]])
        spreads[step.row.name] = figures.spread
        seen.append(figures)
        drawing.add(step.row.name, step.row.type, step.maps)
        if saving:
            kept[step.row.name] = step.maps
    _warn(seen, note)
    grids = filter_grids(extractor) if options["filters"] else {}
    if options["filters"] and not grids:
        raise UnfitError("the network has no convolutions, so that there are no filters to draw")
    if saving:
        save_arrays(_saved(x, kept, extractor), options["save"], options["force"])
    if grids:
        write_picture(sheet(list(grids.values())), options["filters"], options["force"])
    made = drawing.finish(extractor)
    if not quiet:
        note(took_note(started))
    return (path, x.shape, tuple(seen)), made


def _warn(seen: Sequence[Seen], note: Any) -> None:
    """Say where values went beyond float32: what is drawn from there on means nothing."""
    for one in seen:
        if not np.isfinite((one.least, one.largest)).all():
            note(f"{one.name}: values beyond float32 from here on; --init he keeps the scale")
            return


def _saved(x: Samples, kept: Mapping[str, Array], extractor: Extractor) -> dict[str, Array]:
    """All of a run by name: `input`, each node's maps, `NODE.weight`, `seed`, the network."""
    setup = extractor.setup
    return {
        INPUT: x,
        **kept,
        **extractor.weights,
        "seed": np.array(-1 if setup.weights else setup.seed),
        "network": np.array("\n".join(setup.words)),
        "settings": np.array(run_settings(setup)),
    }


def filter_grids(extractor: Extractor) -> dict[str, NDArray[np.uint8]]:
    """A grid of the filters of each convolution, by the name of its weights."""
    return {
        name: filter_grid(f"{name}   {'x'.join(map(str, weight.shape))}", weight)
        for name, weight in extractor.weights.items()
        if name.endswith("weight") and weight.ndim > 2
    }


def _check_folder(
    target: Targets, chosen: Sequence[str], force: bool, sources: Sequence[str]
) -> None:
    folder = target.folder or "."
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{safe(folder)} cannot be made: {error.strerror}") from None
    check_free([target.of(name) for name in chosen], force, *sources)


class _Drawing:
    """The pictures of a run as they come: grids for a sheet or a folder, strips for a terminal."""

    def __init__(self, target: Targets, chosen: Sequence[str], options: Mapping[str, Any]) -> None:
        self.target, self.chosen, self.force = target, set(chosen), options["force"]
        self.in_colour, self.preview = options["signed"], options["preview"]
        self.panels: list[NDArray[np.uint8]] = []
        self.made: list[str] = []

    def add(self, name: str, type_: str, maps: Array) -> None:
        if name not in self.chosen and name != INPUT:
            return
        # the input is what the picture is: its samples are not signed by the network
        in_colour = self.in_colour and name != INPUT
        label = caption(name, type_, maps)
        if self.preview:
            _print_strip(label, maps, in_colour)
        if self.target.sheet is not None:
            draw = picture_grid if name == INPUT else grid
            self.panels.append(draw(label, maps, in_colour))
        elif self.target.folder is not None and name != INPUT:
            path = self.target.of(name)
            write_picture(sheet([grid(label, maps, in_colour)]), path, self.force)
            self.made.append(path)

    def finish(self, extractor: Extractor) -> list[str]:
        if self.target.sheet is not None:
            write_picture(sheet(self.panels), self.target.sheet, self.force)
            return [self.target.sheet]
        if self.target.folder is not None:
            for name, panel in filter_grids(extractor).items():
                path = self.target.of(f"{name.removesuffix('.weight')}.filters")
                write_picture(sheet([panel]), path, self.force)
                self.made.append(path)
        return self.made


def _print_strip(label: str, maps: Array, in_colour: bool) -> None:
    """A few maps of a layer as half blocks on stdout, as many as the terminal is wide."""
    from rich.console import Console
    from rich.text import Text

    from convcli.draw.terminal import half_blocks

    console = Console(markup=False, highlight=False, emoji=False)
    side = 22
    count = max(console.width // (side + 2), 1)
    console.print(Text(safe(label)), style="bold")
    console.print(half_blocks(strip(maps, count, side, in_colour), console.width))
