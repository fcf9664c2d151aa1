"""What the commands ask of a network: from their words and options to something to show.

What only some questions need is imported where they are asked: a start costs as much as it imports.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from convcli.callsyntax import shown
from convcli.errors import Refusal, SpecError, UnfitError
from convcli.nets.analysis.summary import Failure, Summary, trace
from convcli.nets.analysis.table import Figures, Settings, totals
from convcli.nets.graph import Network, Reading, sequential
from convcli.nets.input_size import input_shape
from convcli.nets.layers import Conv, Shape, size_text
from convcli.text import counted, like


class Answer(NamedTuple):
    """Something to show, what the text was taken for, and the refusal it ends with."""

    result: Any
    about: str = ""
    refusal: Refusal | None = None


LAYER_OPTIONS = ("kernel", "stride", "padding", "dilation", "filters", "groups")
"""Options that describe one layer; a network has its own."""


def shape_question(words: Sequence[str], options: Mapping[str, Any]) -> Answer:
    """`convcli shape`: figures of a network, a comparison, or a sweep over input sizes."""
    reading = _reading(words, options)
    settings = Settings(
        options["rule"],
        options["dtype"],
        options["batch"],
        options["depth"],
        options["columns"] or (),
    )
    network, about = reading.network, reading.about
    asked = [name for name in ("sweep", "versus") if options[name] is not None]
    rest = [name for name in ALONE if options[name.replace("-", "_")]]
    if asked and (len(asked) > 1 or rest):
        raise SpecError(f"--{asked[0]} does not go with --{(asked[1:] or rest)[0]}")
    if options["sweep"] is not None:
        from convcli.nets.analysis.compare import Sweep

        side = (options["sweep"][0],)
        shape = input_shape(options["size"] or side, network, reading.input)
        return Answer(
            Sweep(network, shape[0], max(len(shape) - 1, 1), options["sweep"], settings),
            reading.about,
        )
    shape = input_shape(options["size"], network, reading.input)
    if network.redo is not None:
        network = network.at(shape)
        about = f"{about}, {counted(len(network.nodes), 'layer')}"
    summary = trace(network, shape, options["keep_going"])
    if options["versus"] is not None:
        return _versus(network, summary, words, options["versus"], settings, about)
    notes: list[str] = []
    if (options["fit"] and not summary.failures) or (
        summary.warnings
        and 1 < len(network.nodes) <= MOST_SEARCHED
        and network.redo is None  # a model file would be read anew for every size
    ):
        notes += _fit_notes(network, summary)
    refusal: Refusal | None = None
    texts: tuple[str, ...] = ()
    if summary.failures:
        if not summary.rows and summary.failures[0].unread:
            raise SpecError(summary.failures[0].text())
        if not summary.rows:
            raise UnfitError(_failure_text(network, shape, summary.failures[0]))
        texts = tuple(_failure_text(network, shape, one) for one in summary.failures)
        kind = SpecError if any(one.unread for one in summary.failures) else UnfitError
        refusal = kind("\n".join(texts))
        if options["quiet"] and not options["keep_going"]:
            raise refusal
    elif options["strict_fit"] and summary.warnings:
        refusal = UnfitError(f"--strict-fit: {summary.warnings[0]}")
    else:
        refusal = _expected(summary, settings, options["expect"])
    return Answer(Figures(summary, settings, tuple(notes), texts), about, refusal)


ALONE = ("fit", "strict-fit", "keep-going", "expect", "columns")
"""Options of one network's summary, which a sweep or a comparison does not print."""

MOST_SEARCHED = 600
"""Nodes up to which fitting inputs are looked for unasked: half a second at most."""


def _reading(words: Sequence[str], options: Mapping[str, Any]) -> Reading:
    given = [name for name in LAYER_OPTIONS if options[name] is not None]
    if words:
        if given or options["no_bias"]:
            name = given[0] if given else "no-bias"
            raise SpecError(
                f"--{name} describes one layer; a network has its own: {' '.join(words)[:60]!r}"
            )
        from convcli.nets.readers.read import read_words

        return read_words(words)
    if options["kernel"] is None:
        raise SpecError("give --kernel for one layer, or the layers of a network, or its name")
    if options["size"] is None:
        raise SpecError("Missing option '--input', such as --input 224")
    layer = Conv(
        options["filters"] or 1,
        options["kernel"],
        options["stride"] or (1, 1),
        options["padding"] or ((0, 0), (0, 0)),
        options["dilation"] or (1, 1),
        options["groups"] or 1,
        bias=not options["no_bias"],
    )
    return Reading(sequential([layer]), None, "")


def _versus(
    network: Network,
    summary: Summary,
    words: Sequence[str],
    other: str,
    settings: Settings,
    about: str,
) -> Answer:
    from convcli.nets.analysis.compare import Versus, fully_connected
    from convcli.nets.readers.read import is_source, read_words

    if summary.failures:
        raise UnfitError(_failure_text(network, summary.input, summary.failures[0]))
    name = words[0] if len(words) == 1 and is_source(words[0]) else "this"
    if other == "linear":
        reading = Reading(fully_connected(summary), summary.input, "")
    else:
        reading = read_words([other])
    second = trace(reading.network, summary.input)
    if second.failures:
        raise UnfitError(_failure_text(reading.network, second.input, second.failures[0]))
    label = other if is_source(other) or other == "linear" else "that"
    return Answer(Versus(summary, second, (name, label), settings), about)


def _fit_notes(network: Network, summary: Summary) -> list[str]:
    from convcli.nets.analysis.valid_inputs import fit_report

    report = fit_report(network, summary)
    found = []
    if report.unread:
        sides = [f"{side}" for side in (report.below, report.above) if side]
        nearest = " and ".join(sides) or "none within 256"
        found.append(f"nearest square inputs that are read to the end everywhere: {nearest}")
    else:
        found.append(f"an input of {size_text(summary.input)} is read to the end everywhere")
    if report.smallest is not None:
        found.append(f"the smallest square input that goes through: {report.smallest}")
    return found


def _failure_text(network: Network, shape: Shape, failure: Failure) -> str:
    """The refusal with its remedies: the number to write, or the input to give."""
    from convcli.nets.analysis.valid_inputs import input_for

    remedies = []
    if failure.corrected is not None:
        remedies.append(f"write {failure.corrected}")
        side = input_for(network, shape, failure)
        if side is not None:
            size = "x".join(map(str, (*(side for _ in shape[1:]), shape[0])))
            remedies.append(f"give --input {size}, where {failure.declared:,} arrive")
    text = failure.text()
    return f"{text}\n  To fit: {', or '.join(remedies)}" if remedies else text


def _expected(
    summary: Summary, settings: Settings, wanted: Sequence[tuple[str, str]]
) -> Refusal | None:
    """What was expected and is not so."""
    if not wanted:
        return None
    total = totals(summary, settings)
    known = {key: str(value) for key, value in total.items() if isinstance(value, int)}
    known |= {"output": size_text(summary.output), "input": size_text(summary.input)}
    known |= {"layers": str(len(summary.rows)), "memory": str(total["memory"]["forward"])}
    wrong = []
    for name, value in wanted:
        if name not in known:
            hint = like(name, known)
            raise SpecError(f"--expect knows {', '.join(known)}, not {shown(name)}{hint}")
        if value != known[name]:
            wrong.append(f"expected {name}={value}, it is {known[name]}")
    return UnfitError("; ".join(wrong)) if wrong else None
