"""`convcli draw`: from options to the figure of a network, in the form that a file's name says."""

from os.path import basename, splitext
from typing import TYPE_CHECKING

from convcli.drawing.network.figure import FORMATS, GRAPHS, Figure, FigureOptions
from convcli.errors import SpecError, UnfitError
from convcli.output import note
from convcli.text import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcli.nets.analysis.summary import Summary
    from convcli.sizes import InputSize


class DrawOptions(FigureOptions):
    """A network, its input, and how it is drawn."""

    network: tuple[str, ...] = ()
    size: tuple["InputSize", ...] = ()
    output: str | None = None
    force: bool = False
    quiet: bool = False
    timeout: int | None = None


def draw(options: DrawOptions) -> str:
    """Draw what the options name; gives the path of the file, or "-".

    Raises SpecError, UnfitError and OutputError.
    """
    from convcli.images.io.atomic import check_free, files_named
    from convcli.images.io.write import write_output
    from convcli.nets.time_limit import time_limit

    if not options.network:
        raise SpecError("give a network: convcli draw resnet18, or a file, or layers")
    target = options.output or _default_name(options.network)
    suffix = ".svg" if target == "-" else splitext(target)[1].lower()
    if suffix not in FORMATS:
        raise SpecError(f"{safe(target)}: a figure ends in {', '.join(FORMATS)}, or is - for SVG")
    check_free([target], options.force, *files_named(options.network))
    style = options.style
    if suffix in GRAPHS:
        if style not in (None, "blocks"):
            raise SpecError(f"{suffix} holds a graph: --style blocks, not {style}")
        style = "blocks"
    with time_limit(options.timeout):
        summary = _summary(options)
    figure = Figure(summary, DrawOptions.of(vars(options) | {"style": style}))
    if not options.quiet:
        for text in figure.notes:
            note(text)
    write_output(target, figure.writer(suffix), options.force)
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
        raise SpecError(f"{file.kind} holds only weights, without the layers of a network")
    reading = read_words(options.network)
    if reading.network.has_unknown_blocks:
        raise UnfitError(f"{reading.network.unknown_order}: it cannot be drawn")
    inputs = resolve_inputs(options.size, reading)
    network, size = inputs.network, inputs.shape
    if network.redo is not None:
        if "channels" in inputs.assumed:
            size = with_fitting_channels(network, size)
        network = network.at(size)
    summary = trace(network, size)
    if network.unordered and summary.failures:
        raise UnfitError(f"{network.unknown_order}: it cannot be drawn")
    check_fits(network, summary)
    if not options.quiet:
        for text in (reading.about, *inputs.notes, network.unordered):
            if text:
                note(text)
    return summary
