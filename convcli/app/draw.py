"""`convcli draw`: from options to the figure of a network, in the form that a file's name says."""

from os.path import basename, splitext
from typing import IO, TYPE_CHECKING, Literal

from convcli.errors import SpecError
from convcli.options import Options
from convcli.output import note
from convcli.text import like, safe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from convcli.drawing.network.blocks import Block
    from convcli.nets.analysis.summary import Summary
    from convcli.sizes import InputSize


class DrawOptions(Options):
    """A network, its input, and how it is drawn."""

    network: tuple[str, ...] = ()
    size: tuple["InputSize", ...] = ()
    output: str | None = None
    style: str | None = None
    depth: int | None = None
    labels: tuple[str, ...] | None = None
    scale: str = "sqrt"
    theme: str = "light"
    title: str = ""
    force: bool = False
    quiet: bool = False


STYLES = ("volumes", "maps", "blocks")
FORMATS = (".svg", ".png", ".tex", ".dot", ".mmd")
MAX_VOLUMES = 40
"""Volumes that stand side by side in a figure of a page."""
MAX_MAPS = 12


def draw(options: DrawOptions) -> str:
    """Draw what the options name; gives the path of the file, or "-".

    Raises SpecError, UnfitError and OutputError.
    """
    from convcli.drawing.network.blocks import blocks_of
    from convcli.images.io.atomic import check_free, files_named
    from convcli.images.io.write import write_output

    if not options.network:
        raise SpecError("give a network: convcli draw resnet18, or a file, or layers")
    target = options.output or _default_name(options.network)
    suffix = ".svg" if target == "-" else splitext(target)[1].lower()
    if suffix not in FORMATS:
        raise SpecError(f"{safe(target)}: a figure ends in {', '.join(FORMATS)}, or is - for SVG")
    check_free([target], options.force, *files_named(options.network))
    summary = _summary(options)
    blocks = blocks_of(summary, options.depth)
    style = options.style
    if suffix in (".dot", ".mmd"):
        if style not in (None, "blocks"):
            raise SpecError(f"{suffix} holds a graph: --style blocks, not {style}")
        style = "blocks"
    if style is None:
        style = default_style(blocks_of(summary, options.depth, collapse=False))
        if not options.quiet:
            note(f"drawn as {style}; --style {', '.join(s for s in STYLES if s != style)}")
    if style != "blocks":
        blocks = blocks_of(summary, options.depth, collapse=False)
    limit = {"volumes": 2 * MAX_VOLUMES, "maps": 2 * MAX_MAPS}.get(style)
    if limit is not None and len(blocks) > limit:
        raise SpecError(
            f"{len(blocks)} {style} do not fit a page; fold them with --depth, or --style blocks"
        )
    write = _writer(blocks, suffix, style, options)
    write_output(target, write, options.force)
    return target


def _default_name(words: "Sequence[str]") -> str:
    name = splitext(basename(words[0]))[0] if len(words) == 1 else "network"
    clean = "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip("-")
    return f"{clean or 'network'}.svg"


def _summary(options: DrawOptions) -> "Summary":
    """The figures that `shape` prints of the same network."""
    from convcli.app.shape import with_fitting_channels
    from convcli.nets.analysis.summary import trace
    from convcli.nets.analysis.valid_inputs import check_fits
    from convcli.nets.input_size import resolve_inputs
    from convcli.nets.readers.read import read_words, weights_in

    file = weights_in(options.network)
    if file is not None:
        raise SpecError(f"{file.kind} holds weights alone, without the layers of a network")
    reading = read_words(options.network)
    inputs = resolve_inputs(options.size, reading)
    network, size = inputs.network, inputs.shape
    if network.redo is not None:
        if "channels" in inputs.assumed:
            size = with_fitting_channels(network, size)
        network = network.at(size)
    summary = trace(network, size)
    check_fits(network, summary)
    if not options.quiet:
        for text in (reading.about, *inputs.notes):
            if text:
                note(text)
    return summary


def default_style(blocks: "Sequence[Block]") -> str:
    """Volumes or maps where layers stand in one line that fits a page, else blocks."""
    arcs = [(s, i) for i, block in enumerate(blocks) for s in block.inputs if s < i - 1]
    ends: dict[int, int] = {}
    for _, end in arcs:
        ends[end] = ends.get(end, 0) + 1
    has_maps = any(len(block.output) == 3 for block in blocks)
    if not has_maps or len(blocks) > MAX_VOLUMES or any(count > 1 for count in ends.values()):
        return "blocks"
    return "maps" if len(blocks) <= MAX_MAPS and not arcs else "volumes"


def _writer(
    blocks: "Sequence[Block]", suffix: str, style: str, options: DrawOptions
) -> "Callable[[IO[bytes]], object]":
    """What writes the figure into an open file."""
    from convcli.drawing.network.captions import LABELS
    from convcli.drawing.network.layered import layered_scene
    from convcli.drawing.network.palette import THEMES
    from convcli.drawing.network.volumes import volumes_scene
    from convcli.drawing.network.writers import dot, mermaid, raster, svg, tikz

    usual = ("sizes", "kernels") if style == "blocks" else ("sizes",)
    labels = options.labels if options.labels is not None else usual
    for label in labels:
        if label not in LABELS:
            raise SpecError(f"{label!r:.40} is not one of {', '.join(LABELS)}{like(label, LABELS)}")
    title, theme = safe(options.title), THEMES[options.theme]
    if suffix == ".dot":
        text = dot(blocks, labels, title)
    elif suffix == ".mmd":
        text = mermaid(blocks, labels)
    else:
        if style == "blocks":
            scene = layered_scene(blocks, labels, theme, title)
        else:
            kind: Literal["maps", "volumes"] = "maps" if style == "maps" else "volumes"
            scene = volumes_scene(blocks, labels, theme, title, options.scale, kind)
        if suffix == ".png":
            image = raster(scene)
            return lambda file: image.save(file, "PNG")
        text = svg(scene) if suffix == ".svg" else tikz(scene)
    data = text.encode()
    return lambda file: file.write(data)
