"""`convcli shape`: figures of one network, of two side by side, or over a range of inputs."""

from __future__ import annotations

import re
from os.path import isfile
from typing import TYPE_CHECKING

from convcli.errors import Refusal, SpecError, UnfitError
from convcli.options import OutputOptions
from convcli.output import note
from convcli.tables import Listing, Outcome

if TYPE_CHECKING:
    from convcli.geometry import Padding
    from convcli.nets.analysis.summary import Summary
    from convcli.nets.analysis.table import Settings
    from convcli.nets.graph import Network, Reading
    from convcli.nets.input_size import Inputs
    from convcli.nets.layers import Shape
    from convcli.sizes import InputSize


class ShapeOptions(OutputOptions):
    """A network or one layer, its input, and what is printed of it."""

    network: tuple[str, ...] = ()
    size: tuple[InputSize, ...] = ()
    kernel: tuple[int, int] | None = None
    stride: tuple[int, int] = (1, 1)
    padding: tuple[Padding, ...] = ((0, 0), (0, 0))
    filters: int = 1
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    no_bias: bool = False
    depth: int | None = None
    versus: tuple[str, ...] = ()
    compare: bool = False
    """Whether every word is a network of its own."""
    sweep: tuple[tuple[int, ...], ...] | None = None
    expect: tuple[tuple[str, str, str], ...] = ()
    """Names, relations and figures that are to hold."""
    fit: bool = False
    strict_fit: bool = False
    keep_going: bool = False
    columns: tuple[str, ...] = ()
    batch: int = 1
    dtype: str = "float32"
    rule: str = "weights"
    explain: bool = False
    train: str | None = None
    """The optimizer of a training whose memory is printed."""
    fits: int | None = None
    """Bytes that the largest batch is looked for in."""
    get: tuple[str, ...] = ()
    """Names of figures that are printed alone."""
    sort: str = ""
    top: int | None = None
    types: tuple[str, ...] = ()
    by_type: bool = False
    layout: str = "hwc"
    timeout: int | None = None


ONE_LAYER = ("kernel", "stride", "padding", "dilation", "filters", "groups", "no_bias")
"""Options that describe one layer; a network has its own."""

SELECTION = ("sort", "top", "types", "by_type")
"""Options that choose the rows of a table."""

ONE_NETWORK = (
    "explain",
    "fit",
    "strict_fit",
    "keep_going",
    "expect",
    "get",
    "columns",
    "train",
    "layout",
    *SELECTION,
)
"""Options of one network's table, which a sweep or a comparison does not print."""

CLASHES = {
    "compare": (
        *ONE_LAYER,
        *(name for name in ONE_NETWORK if name not in ("columns", "sort", "top")),
        *("depth", "versus", "sweep"),
    ),
    "sweep": ("versus", *ONE_NETWORK),
    "versus": ONE_NETWORK,
    "train": ("depth", *(name for name in ONE_NETWORK if name != "train")),
    "explain": ("get", "columns", "depth", *SELECTION),
}
"""Options, and those that do not go with each."""

MAX_SEARCHED_NODES = 600
"""Nodes up to which fitting inputs are searched without --fit: half a second at most."""


def shape(options: ShapeOptions) -> Outcome:
    """The figures of what the options name, within their limit of time. Raises Refusal."""
    from convcli.nets.time_limit import time_limit

    with time_limit(options.timeout):
        return _figures_of(options)


def _figures_of(options: ShapeOptions) -> Outcome:
    """The figures of what the options name; what a text was taken for is noted on stderr.

    Raises Refusal where there is nothing to print.
    """
    from convcli.nets.analysis.rule_limits import caveats, takes_one_step
    from convcli.nets.analysis.summary import trace
    from convcli.nets.input_size import resolve_inputs
    from convcli.sizes import InputSize
    from convcli.text import counted

    if options.format_ == "text" and not options.explain:
        raise SpecError("--format text is for --explain")
    if options.compare:
        return _compared(options)
    listing = _weights_listing(options)
    if listing is not None:
        return listing
    reading = _reading(options)
    network, about = reading.network, reading.about
    _check_clashes(options)
    settings = _settings(options)
    if options.sweep is not None:
        from convcli.nets.analysis.compare import sweep

        first = (InputSize(options.sweep[0]),)
        inputs = resolve_inputs(options.size or first, reading)
        network = inputs.network
        shapes = [_swept(inputs.shape, size) for size in options.sweep]
        outcome = Outcome(sweep(network, shapes, settings))
        about = f"{about}; {network.unordered}" if network.unordered else about
    else:
        inputs = _without_size(options, reading) or resolve_inputs(options.size, reading)
        network, size = inputs.network, inputs.shape
        searched = network
        if network.redo is not None:
            network, size = read_for(network, inputs)
            about = f"{about}, {counted(len(network.nodes), 'layer')}"
        summary = trace(network, size, options.keep_going)
        if network.unordered:
            if summary.failures or network.has_unknown_blocks or not size:
                network, summary, why = _without_order(searched, summary)
                if not summary.failures and not any(summary.output):
                    _check_counts(options, why)
                    columns = options.columns or ("layer", "type", "params")
                    settings = settings._replace(columns=columns)
            else:
                why = network.unordered
            summary = summary._replace(notes=(*summary.notes, why))
        if inputs.batch > 1 and not options.given("batch"):
            settings = settings._replace(batch=inputs.batch)
            alone = [row.name for row in summary.rows if takes_one_step(row)]
            if alone:
                summary = summary._replace(notes=(*summary.notes, _steps(alone[0], inputs.batch)))
        said = caveats(options.rule, summary.rows)
        if said:
            summary = summary._replace(notes=(*summary.notes, *said))
        if options.versus:
            outcome = Outcome(_versus(network, summary, options, settings))
        elif options.train is not None:
            outcome = _trained(network, summary, options.train, options.fits, settings)
        else:
            outcome = _figures(searched, summary, options, settings, inputs.assumed)
    if not options.quiet:
        for text in (about, *inputs.notes):
            if text:
                note(text)
    return outcome


def _steps(name: str, batch: int) -> str:
    """What a layer that reads its steps along the first axis makes of a batch."""
    return (
        f"{name} takes one step of each item of a batch of {batch}: without batch_first, the "
        f"steps are the first axis; sizes, MACs and memory are for one step, not for {batch}"
    )


def _check_counts(options: ShapeOptions, why: str) -> None:
    """Refuse what asks for more than counts of parameters, where no more is known."""
    requested = {*options.columns, *options.get, *(name for name, _, _ in options.expect)}
    others = options.given("versus", "train", "explain", "fit")
    silent = options.quiet and not (options.expect or options.get)
    if silent or others or requested - {"layer", "type", "params", "trainable", "frozen"}:
        raise UnfitError(why)


def _without_size(options: ShapeOptions, reading: Reading) -> Inputs | None:
    """What a print or attributes of unknown order are counted with where nobody says a size."""
    network = reading.network
    if not network.unordered or options.size or reading.input is not None:
        return None
    from convcli.nets.input_size import Inputs
    from convcli.nets.readers.python.torch.nn_weights import parameters_alone

    alone = parameters_alone(network)
    if alone is None:
        return None
    unordered = network._replace(nodes=alone.nodes, redo=None, has_unknown_blocks=True)
    return Inputs(unordered, ())


def _without_order(network: Network, summary: Summary) -> tuple[Network, Summary, str]:
    """Layers that do not fit in an assumed order: their parameters alone, and why."""
    from convcli.nets.analysis.summary import trace
    from convcli.nets.readers.python.torch.nn_weights import parameters_alone

    alone = parameters_alone(network)
    if alone is None:
        return network, summary, network.unordered
    why = f"{network.unknown_order}: only parameters are"
    if summary.failures and not network.has_unknown_blocks:
        failure = summary.failures[0]
        takes = f", which takes {failure.declared:,}," if failure.declared is not None else ""
        why += f"; as they stand, {failure.node.name}{takes} does not fit"
    return alone, trace(alone, summary.input), why


def _check_clashes(options: ShapeOptions) -> None:
    """Refuse options that do not go together."""
    for name in options.given(*CLASHES):
        for other in options.given(*CLASHES[name]):
            raise SpecError(f"--{name} does not go with --{_flag(other)}")
    if options.fits is not None and options.train is None:
        raise SpecError("--fits is for the memory of training: add --train adam")
    if options.train is not None and options.dtype == "int8":
        raise SpecError("--train needs a --dtype for gradients, not int8")
    if options.explain and options.rule != "weights":
        raise SpecError(f"--explain has the formulas of --mac-rule weights, not of {options.rule}")


def _settings(options: ShapeOptions) -> Settings:
    """How the options count and print."""
    from convcli.nets.analysis.table import Selection, Settings

    return Settings(
        options.rule,
        options.dtype,
        options.batch,
        options.depth,
        options.columns,
        Selection(options.sort, options.top, options.types, options.by_type),
        options.layout,
    )


def _flag(name: str) -> str:
    """What an option is called on the command line, without its dashes."""
    return {"size": "input", "types": "type"}.get(name, name.replace("_", "-"))


def _swept(shape: Shape, size: tuple[int, ...]) -> Shape:
    """The shape of an input of another size: one side, all, or all and the channels.

    A height keeps the aspect of a picture.
    """
    channels, *lengths = shape
    axes = max(len(lengths), 1)
    if len(size) == 1:
        if axes == 2:
            height, width = lengths
            return (channels, size[0], max(round(size[0] * width / height), 1))
        return (channels, *size * axes)
    if len(size) == axes:
        return (channels, *size)
    if len(size) == axes + 1:
        return (size[-1], *size[:-1])
    text = "x".join(map(str, size))
    raise SpecError(
        f"--sweep {text}: the network's input is {' x '.join(['size'] * axes)} x channels"
    )


def read_for(network: Network, inputs: Inputs) -> tuple[Network, Shape]:
    """A network that depends on its input, read for one, and the shape of that."""
    size = inputs.shape
    if "channels" in inputs.assumed:
        size = with_fitting_channels(network, size)
    return network.at(size), size


def with_fitting_channels(network: Network, shape: Shape) -> Shape:
    """The shape with channels that nobody said: 3, 1, or those of the first layer that says so.

    The layers of a model file stand in the order in which they are declared, which need not be the
    one in which the input meets them: the first number counts with which most of the model fits.
    """
    from convcli.nets.analysis.summary import trace
    from convcli.nets.input_size import CHANNELS

    declared, *lengths = shape
    if declared == CHANNELS:
        return shape
    tried: list[tuple[int, tuple[int, ...]]] = []
    for channels in dict.fromkeys((CHANNELS, 1, declared)):
        candidate = (channels, *lengths)
        summary = trace(network, candidate)
        if summary.complete and not summary.failures:
            return candidate
        tried.append((len(summary.rows), candidate))
    return max(tried, key=lambda each: each[0])[1]


def _weights_listing(options: ShapeOptions) -> Outcome | None:
    """The arrays of a file that holds weights alone; None where no such file is named."""
    if not options.network:
        return None
    from convcli.nets.readers.read import weights_in

    file = weights_in(options.network)
    if file is None:
        return None
    from convcli.nets.analysis.array_listing import array_listing

    for name in options.given("size", *ONE_LAYER, *ONE_NETWORK, "depth", "versus", "sweep"):
        raise SpecError(
            f"--{_flag(name)} is for a network, {file.kind} holds only weights; give its model "
            f"file to shape, and this one to extract --weights"
        )
    return Outcome(array_listing(file.kind, file.arrays, file.notes))


ERROR = r"(?m)^(?:Traceback \(most recent call last\)|(?:[\w.]*\.)?[A-Z]\w*(?:Error|Exception): )"
"""The first line of a traceback, or its last one."""


def _reading(options: ShapeOptions) -> Reading:
    """The network that is named, or the one layer that options describe."""
    if options.network:
        from convcli.nets.readers.read import read_text, read_words, source_text

        for name in options.given(*ONE_LAYER):
            words = " ".join(options.network)[:60]
            raise SpecError(
                f"--{_flag(name)} describes one layer; a network has its own: {words!r}"
            )
        word = options.network[0]
        is_text = word == "-" or (word.endswith((".txt", ".log")) and isfile(word))
        if is_text and len(options.network) == 1:
            text, source = source_text(word)
            if re.search(ERROR, text):
                from convcli.app.why import refuse_log

                refuse_log(text)
            return read_text(text, source)
        return read_words(options.network)
    if options.kernel is None:
        raise SpecError("give --kernel for one layer, or the layers of a network, or its name")
    if not options.size:
        raise SpecError("Missing option '--input', such as --input 224")
    from convcli.nets.graph import Reading, sequential
    from convcli.nets.layers import Conv

    layer = Conv(
        options.filters,
        options.kernel,
        options.stride,
        options.padding,
        options.dilation,
        options.groups,
        bias=not options.no_bias,
    )
    return Reading(sequential([layer]), None, "")


def _trained(
    network: Network, summary: Summary, optimizer: str, limit: int | None, settings: Settings
) -> Outcome:
    """The memory of training a network, and the largest batch that fits a limit."""
    from convcli.nets.analysis.training import listing, training
    from convcli.nets.analysis.valid_inputs import check_fits
    from convcli.text import bytes_text

    check_fits(network, summary)
    memory = training(network, summary, optimizer, settings.dtype)
    refusal = None
    if limit is not None and not memory.largest_batch(limit):
        need = bytes_text(memory.peak(1))
        refusal = UnfitError(f"one image takes {need} to train, more than {bytes_text(limit)}")
    return Outcome(listing(memory, settings.batch, limit), refusal=refusal)


def _figures(
    network: Network,
    summary: Summary,
    options: ShapeOptions,
    settings: Settings,
    assumed: tuple[str, ...],
) -> Outcome:
    """One network's table, as far as its layers fit, and why that is not all."""
    from convcli.nets.analysis.table import Figures

    notes: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    # one layer's warnings name what fits, and a model file would be read anew for every size
    searched = 1 < len(network.nodes) <= MAX_SEARCHED_NODES and network.redo is None
    if options.fit or (summary.warnings and not summary.failures and searched):
        from convcli.nets.analysis.valid_inputs import fitting_inputs

        notes, sizes = fitting_inputs(network, summary, near=options.fit)
    texts: tuple[str, ...] = ()
    refusal: Refusal | None = None
    if summary.failures:
        from convcli.nets.analysis.valid_inputs import failure_text

        unread = any(failure.unread for failure in summary.failures)
        first = summary.failures[0]
        if not summary.rows and first.unread:
            raise SpecError(first.text())
        texts = tuple(failure_text(network, summary.input, failure) for failure in summary.failures)
        refusal = SpecError("\n".join(texts)) if unread else UnfitError("\n".join(texts))
        if not summary.rows:
            raise UnfitError("\n  ".join((texts[0], *notes)))
        if options.quiet and not (options.keep_going or options.fit):
            raise refusal
    elif options.strict_fit and summary.warnings:
        refusal = UnfitError(f"--strict-fit: {summary.warnings[0]}")
    beside = None
    if options.expect and not summary.failures:
        from convcli.nets.analysis.budget import checks, checks_listing

        every = checks(summary, settings, options.expect)
        beside = checks_listing(every)
        wrong = [
            f"expected {check.name}{check.relation}{check.value}, but it is {check.figure}"
            for check in every
            if not check.holds
        ]
        if wrong and refusal is None:
            refusal = UnfitError("; ".join(wrong))
    if options.get:
        from convcli.nets.analysis.budget import figures, figures_listing

        if summary.failures and refusal is not None:
            raise refusal
        values = figures(summary, settings, options.get, "--get")
        lines = None if options.format_ else [[(value, "")] for value in values]
        listing = figures_listing(options.get, values)._replace(warnings=summary.notes)
        return Outcome(listing, refusal=refusal, lines=lines)
    fit = sizes if options.fit else None
    result = Figures(summary, settings, notes, texts, assumed, fit)
    if options.explain:
        from convcli.nets.analysis.formulas import Explained

        explained = Explained(result)
        return Outcome(explained, refusal=refusal, lines=explained.lines())
    return Outcome(result, refusal=refusal, beside=beside)


def _compared(options: ShapeOptions) -> Outcome:
    """A row for each word, which names a network."""
    from convcli.nets.analysis.compare import comparison
    from convcli.nets.analysis.summary import trace
    from convcli.nets.analysis.valid_inputs import check_fits
    from convcli.nets.input_size import resolve_inputs
    from convcli.nets.readers.read import read_words

    _check_clashes(options)
    if len(options.network) < 2:
        raise SpecError(
            "--compare takes at least two networks: convcli shape vgg16 resnet50 --compare"
        )
    summaries = []
    for word in options.network:
        try:
            reading = read_words([word])
            inputs = resolve_inputs(options.size, reading)
            network, size = inputs.network, inputs.shape
            if network.redo is not None:
                network, size = read_for(network, inputs)
            summary = trace(network, size)
            check_fits(network, summary)
        except Refusal as refusal:
            raise type(refusal)(f"{word}: {refusal}") from None
        summaries.append(summary)
        for text in () if options.quiet else inputs.notes:
            note(f"{word}: {text}")
    return Outcome(comparison(options.network, summaries, _settings(options)))


def _versus(
    network: Network, summary: Summary, options: ShapeOptions, settings: Settings
) -> Listing:
    """The network beside others, or beside the fully connected layer of the same sizes."""
    from convcli.nets.analysis.compare import fully_connected, versus
    from convcli.nets.analysis.summary import trace
    from convcli.nets.analysis.valid_inputs import check_fits
    from convcli.nets.readers.read import is_source, read_words

    check_fits(network, summary)
    words = options.network
    names = [words[0] if len(words) == 1 and is_source(words[0]) else "this"]
    others = []
    for other in options.versus:
        label = "that" if len(options.versus) == 1 else other
        if other == "linear":
            right, label = fully_connected(summary), other
        else:
            right, label = read_words([other]).network, other if is_source(other) else label
        others.append(trace(right, summary.input))
        check_fits(right, others[-1])
        names.append(label)
    return versus(summary, others[0], names, settings, others[1:])
