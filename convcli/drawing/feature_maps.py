"""Where the feature maps of a run are drawn: one sheet, a folder of grids, or the terminal."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from convcli.drawing.montage import (
    PANEL_BYTES,
    Coloring,
    Maps,
    Pixels,
    caption,
    filter_grid,
    grid,
    picture_grid,
    sheet,
    stretched,
    strip,
)
from convcli.errors import OutputError, SpecError
from convcli.images.diverging import signed
from convcli.images.io.atomic import check_free
from convcli.images.io.formats import format_of
from convcli.images.io.write import write_picture
from convcli.nets.analysis.summary import Row
from convcli.nets.graph import INPUT
from convcli.nets.layers import AdaptivePool, Conv, Identity, Pool, Reshape
from convcli.output import encodable
from convcli.records import NamedTuple
from convcli.text import safe

MAX_LAYERS = 40
"""Layers of one sheet, unless they are named."""

SAMPLE_BYTES = 24
"""Bytes per sample of the picture while it is drawn: float64 copies of it."""


class Target(NamedTuple):
    """Where the maps of one picture are written: a sheet, a folder of grids, or neither."""

    sheet: str | None
    folder: str | None
    stem: str

    def path_of(self, layer: str) -> str:
        """The file of a layer's grid. Raises OutputError for a name that gives none."""
        part = re.sub(r"[^\w.#-]", "_", layer)
        if not part.strip("."):
            raise OutputError(f"the layer {safe(layer)} cannot name a file")
        return os.path.join(self.folder or "", f"{self.stem}.{part}.png")

    def make_folder(self, layers: Sequence[str], force: bool, sources: Sequence[str]) -> None:
        """Make the folder, if there is one, and check that the grids can be written into it."""
        if self.folder is None:
            return
        try:
            os.makedirs(self.folder or ".", exist_ok=True)
        except OSError as error:
            raise OutputError(f"{safe(self.folder)} cannot be made: {error.strerror}") from None
        check_free([self.path_of(layer) for layer in layers], force, *sources)

    def memory(self, samples: int, layers: int) -> int:
        """Maximum bytes for drawing a picture of `samples` samples and its layers."""
        panels = 2 * (layers + 1) if self.sheet else 1
        return panels * PANEL_BYTES + SAMPLE_BYTES * samples


def targets_of(paths: Sequence[str], output: str | None, preview: bool) -> list[Target]:
    """The target of each picture: a sheet beside it, or what `output` names.

    Raises SpecError for one sheet for several pictures, OutputError for pictures whose grids would
    have the same names, or for a file that is not one of a picture.
    """
    stems = ["stdin" if path == "-" else Path(path).stem for path in paths]
    if output is None:
        return [Target(None if preview else f"{stem}.maps.png", None, stem) for stem in stems]
    if output != "-" and (output.endswith(("/", os.sep)) or os.path.isdir(output)):
        owners: dict[str, str] = {}
        for path, stem in zip(paths, stems, strict=True):
            if stem in owners:
                raise OutputError(
                    f"{safe(path)} and {safe(owners[stem])} would both be drawn in "
                    f"{safe(os.path.join(output, stem))}.*.png; nothing is drawn"
                )
            owners[stem] = path
        return [Target(None, output, stem) for stem in stems]
    if len(paths) > 1:
        raise SpecError(
            f"-o {safe(output)} is one sheet for {len(paths)} pictures; name a folder, such as "
            "-o maps/, or add --vector to turn each into a vector"
        )
    if output != "-":
        format_of(output)
    elif preview:
        raise SpecError("-o - and --preview both use stdout; name a file, or leave one out")
    return [Target(output, None, "")]


def drawn_layers(rows: Sequence[Row], named: Sequence[str]) -> tuple[list[str], str | None]:
    """The layers to draw, and a note where these are not all.

    Without names, all that compute something; of more than MAX_LAYERS the last of each stage, and
    of more stages evenly spaced ones.
    """
    if named:
        return list(named), None
    names = [row.name for row in rows if not isinstance(row.node.layer, Identity | Reshape)]
    names = names or [rows[-1].name]
    if len(names) <= MAX_LAYERS:
        return names, None
    kinds = (Conv, Pool, AdaptivePool)
    ends = [row.name for row in rows if isinstance(row.node.layer, kinds)]
    stages = {name.partition(".")[0]: name for name in names}
    layers = ends if 0 < len(ends) <= MAX_LAYERS else list(stages.values())
    if len(layers) > MAX_LAYERS:
        spaced = np.linspace(0, len(layers) - 1, MAX_LAYERS).astype(int)
        layers = [layers[index] for index in spaced]
    return layers, f"{len(layers)} of {len(names)} layers are drawn; --layers chooses layers"


class MapDrawing:
    """The drawing of one run: maps are added as they are computed, then written."""

    def __init__(
        self, target: Target, layers: Sequence[str], signed: bool, preview: bool, force: bool
    ) -> None:
        self.target, self.layers, self.force = target, {INPUT, *layers}, force
        self.signed, self.preview = signed, preview
        self.files: list[str] = []
        self._panels: list[Pixels] = []

    def add(self, name: str, type_: str, maps: Maps) -> None:
        """Draw the maps of a layer, or of the input, unless they are not among the layers."""
        if name not in self.layers:
            return
        # the input is a picture: its samples are not signed by the network
        coloring = signed if self.signed and name != INPUT else stretched
        label = caption(name, type_, maps)
        if self.preview:
            _print_strip(label, maps, coloring)
        if self.target.sheet is not None:
            draw = picture_grid if name == INPUT else grid
            self._panels.append(draw(label, maps, coloring))
        elif self.target.folder is not None and name != INPUT:
            self._write(name, grid(label, maps, coloring))

    def finish(self, weights: Mapping[str, Maps]) -> list[str]:
        """Write the sheet, or a folder's grids of filters; gives the paths of all files."""
        if self.target.sheet is not None:
            write_picture(sheet(self._panels), self.target.sheet, self.force)
            return [self.target.sheet]
        if self.target.folder is not None:
            for name, panel in filter_grids(weights).items():
                self._write(f"{name.removesuffix('.weight')}.filters", panel)
        return self.files

    def _write(self, name: str, panel: Pixels) -> None:
        path = self.target.path_of(name)
        write_picture(sheet([panel]), path, self.force)
        self.files.append(path)


def filter_grids(weights: Mapping[str, Maps]) -> dict[str, Pixels]:
    """A grid of the filters of each convolution, by the name of its weights."""
    return {
        name: filter_grid(f"{name}   {'x'.join(map(str, weight.shape))}", weight)
        for name, weight in weights.items()
        if name.endswith("weight") and weight.ndim > 2
    }


def _print_strip(label: str, maps: Maps, coloring: Coloring) -> None:
    """Print a few maps of a layer as half blocks, as many as the terminal is wide."""
    from rich.console import Console
    from rich.text import Text

    from convcli.drawing.terminal import half_blocks

    console = Console(markup=False, highlight=False, emoji=False)
    side = 22
    count = max(console.width // (side + 2), 1)
    console.print(Text(encodable(safe(label), sys.stdout)), style="bold")
    pixels = strip(maps, count, side, coloring)
    console.print(half_blocks(pixels, console.width, console.encoding))
