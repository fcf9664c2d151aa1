"""A network's figure: its blocks in a style that fits, and the forms it is written in."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from os import PathLike, fspath
from os.path import splitext
from typing import IO, Literal

from convcli.drawing.network.blocks import Block, blocks_of, depth_of
from convcli.drawing.network.captions import LABELS
from convcli.drawing.network.layered import edges_crossed, layered_scene
from convcli.drawing.network.palette import COLORINGS, THEMES, Coloring
from convcli.drawing.network.pdf import pdf
from convcli.drawing.network.scene import Scene
from convcli.drawing.network.volumes import SCALES, volumes_scene
from convcli.drawing.network.writers import MAX_WIDTH, dot, mermaid, raster, svg, tikz
from convcli.errors import SpecError
from convcli.nets.analysis.summary import Summary
from convcli.options import Options
from convcli.text import like, safe

STYLES = ("volumes", "maps", "blocks")
DIRECTIONS = ("down", "right")
FORMATS = (".svg", ".pdf", ".png", ".tex", ".dot", ".mmd")
GRAPHS = (".dot", ".mmd")
"""Forms that another program lays out."""
MAX_VOLUMES, MAX_MAPS = 40, 12
"""Blocks that stand side by side in a figure of a page; twice as many where --style asks."""
MAX_BLOCKS: Mapping[str, int] = {"volumes": 2 * MAX_VOLUMES, "maps": 2 * MAX_MAPS, "blocks": 400}
MAX_EDGES = 2000
"""Ranks that the edges of a graph of blocks cross together; more are unreadable."""
MAX_BYTES = 61_440
"""Of an SVG, which a page holds; what is longer is folded unless a depth is given."""

MAX_DRAWN = 2 * MAX_WIDTH
"""Units of a figure's width whose texts are still read when it is shown in MAX_WIDTH pixels."""


class FigureOptions(Options):
    """How a network is drawn."""

    style: str | None = None
    """One of STYLES; None: what fits the network."""
    depth: int | None = None
    expand: tuple[str, ...] = ()
    labels: tuple[str, ...] | None = None
    color_by: str = "type"
    scale: str = "sqrt"
    direction: str | None = None
    theme: str = "light"
    title: str = ""
    legend: bool = False


class Figure:
    """The figure of a network; a notebook shows it.

    >>> from convcli import draw
    >>> figure = draw("lenet5")
    >>> figure.style, figure.text(".mmd").splitlines()[0]
    ('maps', 'flowchart LR')

    Raises SpecError for options that have no effect, clash, or need more than a page.
    """

    def __init__(self, summary: Summary, options: FigureOptions | None = None) -> None:
        options = options or FigureOptions()
        choices: Mapping[str, tuple[object, Sequence[str]]] = {
            "style": (options.style or "blocks", STYLES),
            "color_by": (options.color_by, COLORINGS),
            "scale": (options.scale, tuple(SCALES)),
            "direction": (options.direction or "down", DIRECTIONS),
            "theme": (options.theme, (*THEMES, "auto")),
            **{f"labels {label}": (label, LABELS) for label in options.labels or ()},
        }
        for name, (value, known) in choices.items():
            if value not in known:
                near = like(str(value), known)
                word = name.split()[0]
                raise SpecError(f"{word} {value!r:.40} is not one of {', '.join(known)}{near}")
        self.summary, self.options = summary, options
        self.notes: list[str] = []
        """Notes on choices that no option made."""
        self.style: str = options.style or self._fitting_style()
        self.blocks: Sequence[Block] = self._fitting_blocks()
        if self.style != "blocks" and options.direction == "down":
            raise SpecError(f"{self.style} go from left to right; only --style blocks goes down")

    def _fitting_style(self) -> str:
        """Volumes or maps where layers stand in one line that fits a page, else blocks."""
        blocks = blocks_of(self.summary, self.options.depth, False, self.options.expand)
        arcs = [(s, i) for i, block in enumerate(blocks) for s in block.inputs if s < i - 1]
        has_maps = any(len(block.output) == 3 for block in blocks)
        style = "maps" if len(blocks) <= MAX_MAPS and not arcs else "volumes"
        if not has_maps or len(blocks) > MAX_VOLUMES or len({end for _, end in arcs}) < len(arcs):
            style = "blocks"
        others = ", ".join(other for other in STYLES if other != style)
        self.notes.append(f"drawn as {style}; --style {others}")
        return style

    def _fitting_blocks(self) -> list[Block]:
        """The blocks of the style: all, or as many as fit, with the least folding."""
        options, style = self.options, self.style
        depths: list[int | None] = [options.depth]
        if options.depth is None:
            depths += range(depth_of(self.summary) - 1, 0, -1)
        best: tuple[float, int | None, list[Block]] | None = None
        for collapse in (True,) if style == "blocks" else (False, True):
            for depth in depths:
                blocks = blocks_of(self.summary, depth, collapse, options.expand)
                if len(blocks) > MAX_BLOCKS[style] or (
                    options.depth is None
                    and style == "blocks"
                    and edges_crossed(blocks) > MAX_EDGES
                ):
                    continue
                excess = self._excess(blocks)
                if best is None or excess < best[0]:
                    best = excess, depth, blocks
                if excess <= 1:
                    break
            if best is not None and best[0] <= 1:
                break
        if best is None:
            raise SpecError(
                f"{len(blocks)} {style} do not fit a page of {MAX_BLOCKS[style]}; fold them with "
                f"--depth{'' if style == 'blocks' else ', or --style blocks'}"
            )
        _, depth, blocks = best
        if depth != options.depth:
            every = f"; --depth {depth_of(self.summary)} shows all" if style == "blocks" else ""
            self.notes.append(f"folded to --depth {depth}, for {style} to fit{every}")
        return blocks

    def _excess(self, blocks: Sequence[Block]) -> float:
        """How many times a figure is wider than a page, or longer than a file; 1 fits."""
        scene = self._scene(blocks)
        width = scene.width / MAX_DRAWN
        return width if width > 1 else max(width, len(svg(scene).encode()) / MAX_BYTES)

    @property
    def labels(self) -> Sequence[str]:
        if self.options.labels is not None:
            return self.options.labels
        return ("sizes", "kernels") if self.style == "blocks" else ("sizes",)

    @cached_property
    def scene(self) -> Scene:
        """The display list that all pictures are written from."""
        return self._scene(self.blocks)

    def _scene(self, blocks: Sequence[Block]) -> Scene:
        options = self.options
        theme = THEMES["light" if options.theme == "auto" else options.theme]
        title = safe(options.title)
        coloring = Coloring(blocks, options.color_by, options.legend)
        if self.style == "blocks":
            right = options.direction == "right"
            return layered_scene(blocks, self.labels, theme, title, coloring, right)
        kind: Literal["maps", "volumes"] = "maps" if self.style == "maps" else "volumes"
        return volumes_scene(blocks, self.labels, theme, title, options.scale, kind, coloring)

    def text(self, suffix: str = ".svg") -> str:
        """The figure as text: .svg, .tex, .dot or .mmd."""
        options, title = self.options, safe(self.options.title)
        coloring = Coloring(self.blocks, options.color_by)
        right = (options.direction or ("down" if self.style == "blocks" else "right")) == "right"
        match suffix:
            case ".dot":
                return dot(self.blocks, self.labels, title, coloring, right)
            case ".mmd":
                return mermaid(self.blocks, self.labels, title, coloring, right)
            case ".tex":
                return tikz(self.scene)
        return svg(self.scene, THEMES["dark"] if options.theme == "auto" else None)

    def writer(self, suffix: str) -> Callable[[IO[bytes]], object]:
        """What writes the figure into an open file, in the form of a suffix of FORMATS."""
        if suffix not in FORMATS:
            raise SpecError(f"a figure ends in {', '.join(FORMATS)}, not {safe(suffix)!r}")
        if self.options.theme == "auto" and suffix != ".svg":
            raise SpecError(f"{suffix} has one theme: --theme light or dark, or .svg for auto")
        if suffix == ".png":
            image = raster(self.scene)
            return lambda file: image.save(file, "PNG")
        data = pdf(self.scene) if suffix == ".pdf" else self.text(suffix).encode()
        return lambda file: file.write(data)

    def save(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Write a file, in the form that its name's end says; whole, or not at all.

        Raises OutputError for a file that exists, without `force`, and SpecError for a suffix that
        is not in FORMATS.
        """
        from convcli.images.io.atomic import check_free
        from convcli.images.io.write import write_output

        target = fspath(path)
        write = self.writer(splitext(target)[1].lower())
        check_free([target], force)
        write_output(target, write, force)

    def _repr_svg_(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<figure of {len(self.blocks)} blocks, drawn as {self.style}>"
