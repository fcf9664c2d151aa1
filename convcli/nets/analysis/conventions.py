"""The conventions of counting under which a network has a published figure, such as 4.11 G."""

import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from convcli.callsyntax import brief
from convcli.errors import SpecError
from convcli.geometry import PaddingName
from convcli.nets.analysis.mac_rules import RULES
from convcli.nets.analysis.rule_limits import without_answer
from convcli.nets.analysis.summary import SCHEMA, Summary, trace
from convcli.nets.graph import Network, Node
from convcli.nets.layers import (
    Activation,
    AdaptivePool,
    Conv,
    Identity,
    Layer,
    Linear,
    Norm,
    Pool,
    PReLU,
    Reshape,
    Shape,
)
from convcli.records import NamedTuple
from convcli.tables import Listing


class Convention(NamedTuple):
    """A convention under which a network has a figure."""

    network: str
    quantity: str
    convention: str
    value: int


class Figure(NamedTuple):
    """A number as it is printed, and half a unit of its last digit."""

    text: str
    value: Fraction
    slack: Fraction
    bytes_unit: str = ""
    """What a unit of a size means; "" for a count."""
    binary: "Figure | None" = None
    """The same size in units of 1,024, where the text may mean these."""

    def matches(self, value: int) -> bool:
        """Whether a value rounds to this text."""
        return abs(value - self.value) <= self.slack

    def is_cut_of(self, value: int) -> bool:
        """Whether a value gives this text when its further digits are cut off."""
        return self.value <= value < self.value + 2 * self.slack


UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}

SIZE = "size"
"""The quantity whose values are bytes."""

BYTES = {"float32": 4, "float16": 2, "int8": 1}
"""Types of the weights of a file whose size is published."""


def read_figure(text: str) -> Figure:
    """A figure as papers print it; one with a unit or decimals may have been rounded.

    >>> read_figure("4.11G").matches(4_114_999_999), read_figure("55").matches(56)
    (True, False)

    Sizes have units of 1,000 or 1,024 bytes; MB may be either.

    >>> size = read_figure("528MB")
    >>> size.matches(528_000_000), size.binary.matches(528 * 1024**2), size.binary.bytes_unit
    (True, True, 'MB of 1,024 x 1,024 bytes')
    """
    match = re.fullmatch(
        r"\s*([0-9][0-9,_]{0,30})(\.[0-9]{1,12})?\s*"
        r"(?:([kKmMgGtT])(i?)[bB]|([kKmMgGbBtT]?|[eE][+]?[0-9]{1,2}))\s*",
        text,
    )
    if match is None:
        raise SpecError(f"{brief(text)} is not a figure such as 4.11G, 61.1M, 528MB or 55")
    integer, fraction, prefix, is_binary, unit = match.groups(default="")
    step = Fraction(1, 10 ** max(len(fraction) - 1, 0))
    digits = int((integer + fraction[1:]).replace(",", "").replace("_", ""))
    if prefix:
        power = "kmgt".index(prefix.lower()) + 1
        name = f"{prefix.upper()}{is_binary}B"
        factors = " x ".join(["1,024"] * power)
        binary = Figure(
            text,
            digits * step * 1024**power,
            step * 1024**power / 2,
            f"{name} of {factors} bytes",
        )
        if is_binary:
            return binary
        scale = 1000**power
        return Figure(text, digits * step * scale, step * scale / 2, name, binary)
    step *= 10 ** int(unit[1:]) if unit[:1] in ("e", "E") else UNITS[unit.lower()]
    return Figure(text, digits * step, step / 2 if unit or fraction else Fraction(0))


def explanations(
    figure: Figure, networks: dict[str, tuple[Network, Shape]]
) -> tuple[list[Convention], list[Convention]]:
    """The conventions that give a figure, and the nearest five of all that were tried.

    If no convention gives it by rounding, those count that give it by cutting digits off.
    """
    every = [
        convention
        for name, (network, shape) in networks.items()
        for convention in _conventions(name, network, shape)
        if (convention.quantity == SIZE) == bool(figure.bytes_unit)
    ]
    unique = list(dict.fromkeys(every))
    units = [figure, *([figure.binary] if figure.binary else [])]
    hits = [_said(hit, u, figure) for u in units for hit in unique if u.matches(hit.value)] or [
        _said(hit, unit, figure, "cut, not rounded")
        for unit in units
        for hit in unique
        if unit.is_cut_of(hit.value)
    ]
    nearest = sorted(unique, key=lambda tried: min(abs(tried.value - u.value) for u in units))[:5]
    return hits, nearest


def _said(hit: Convention, unit: Figure, figure: Figure, how: str = "") -> Convention:
    """A convention with what it takes to print its value as the figure."""
    more = (hit.convention, unit.bytes_unit if unit is not figure else "", how)
    return hit._replace(convention=", ".join(filter(None, more)))


def _conventions(name: str, network: Network, shape: Shape) -> Iterator[Convention]:
    if network.at(shape).stopped is not None:
        return
    plain: dict[tuple[str, str], int] = {}
    for changed, (variant, input_) in _variants(network, shape).items():
        summary = trace(variant, input_, keep_going=True)
        if len(summary.rows) < len(variant.nodes):
            continue
        for quantity, convention, value in _figures(summary):
            # a change that does not touch a figure explains nothing
            if plain.setdefault((quantity, convention), value) != value or not changed:
                suffix = f", {changed}" if changed else ""
                yield Convention(name, quantity, convention + suffix, value)


def _figures(summary: Summary) -> Iterator[tuple[str, str, int]]:
    statistics = sum(row.statistics for row in summary.rows)
    norms = sum(row.weights for row in summary.rows if "norm" in row.type)
    biases = sum(row.measure.bias for row in summary.rows if row.node.counted)
    params = {"weights, biases and batch norm's 2C": summary.weights}
    if statistics:
        params["batch norm counted 4C, as Keras does"] = summary.weights + statistics
        params["without batch norm"] = summary.weights - norms
    if biases:
        params["without biases"] = summary.weights - biases
    for convention, count in params.items():
        yield "params", convention, count
        for dtype, size in BYTES.items():
            yield SIZE, f"{dtype}: {convention}", size * count
    for rule, (count_row, definition) in RULES.items():
        if without_answer(rule, summary.rows)[0]:
            continue
        macs = sum(count_row(row) for row in summary.rows)
        # a tool's rule begins with its name and version
        named = definition.startswith(rule.partition("@")[0] + " ")
        text = definition if named else f"{rule}: {definition}"
        yield "MACs", text, macs
        yield "FLOPs", f"2 x MACs by {text}", 2 * macs
    for axis in dict.fromkeys(summary.output[1:]):
        yield "output", "length of an axis", axis
    yield "output", "channels", summary.output[0]
    yield "activations", "input and outputs, activation functions in place", summary.activations


def _padded(layer: Layer, name: PaddingName) -> Layer:
    if isinstance(layer, Conv | Pool):
        return layer._replace(padding=(name,) * len(layer.kernel))
    return layer


def _without_adaptive(layer: Layer) -> Layer:
    if isinstance(layer, AdaptivePool) and set(layer.sizes) != {1}:
        return layer._replace(sizes=(None,) * len(layer.sizes))
    return layer


CHANGES: dict[str, Callable[[Layer], Layer]] = {
    "SAME padding throughout": lambda layer: _padded(layer, "same"),
    "VALID padding throughout": lambda layer: _padded(layer, "valid"),
    "a bias in every convolution": lambda layer: (
        layer._replace(bias=True) if isinstance(layer, Conv | Linear) else layer
    ),
    "no groups": lambda layer: layer._replace(groups=1) if isinstance(layer, Conv) else layer,
    "pools rounded up": lambda layer: (
        layer._replace(ceil=True) if isinstance(layer, Pool) else layer
    ),
    "no adaptive pool": _without_adaptive,
}
"""Other conventions of padding, bias and groups."""


def _variants(network: Network, shape: Shape) -> dict[str, tuple[Network, Shape]]:
    """The network as it is, and under other conventions of padding, bias, groups and input."""
    variants = {"": (network, shape)}
    nodes = network.at(shape).nodes
    for words, change in CHANGES.items():
        changed = tuple(node._replace(layer=change(node.layer)) for node in nodes)
        if changed != nodes:
            variants[words] = Network(changed), shape
    for words, end in _heads(nodes):
        variants[words] = Network(nodes[:end]), shape
    if len(shape) == 3:
        for side in (224, 227, 256, 299, 32):
            if (side, side) != shape[1:]:
                variants[f"input {side}x{side}"] = network, (shape[0], side, side)
    return variants


HEAD = (Linear, Reshape, AdaptivePool, Pool, Activation, PReLU, Identity, Norm)
"""The layers that make up the head of a network, after its convolutions."""


def _heads(nodes: Sequence[Node]) -> Iterator[tuple[str, int]]:
    """The layers to leave off at the end of a network, and how many of its nodes are left."""
    end = len(nodes)
    while end and isinstance(nodes[end - 1].layer, HEAD):
        end -= 1
    head = [
        index
        for index in range(end, len(nodes))
        if isinstance(nodes[index].layer, Linear | Reshape | AdaptivePool)
    ]
    linear = [index for index in head if isinstance(nodes[index].layer, Linear)]
    if not linear:
        return
    if head[0] != linear[0]:
        yield "without its head", head[0]
    if head[0] == linear[0] or len(linear) > 1:
        yield "without its last layer", linear[-1]


def listing(figure: Figure, hits: list[Convention], nearest: list[Convention]) -> Listing:
    """The conventions that explain a figure, or the nearest ones, as a result to print."""
    near = "; ".join(
        f"{hit.value:,} ({hit.network}: {hit.quantity}, {hit.convention})" for hit in nearest
    )
    missing = f"no convention tried here gives {figure.text}; nearest: {near}"
    rows = [(hit.network, hit.quantity, hit.value, hit.convention) for hit in hits]
    return Listing(
        "\n".join(f"{hit.network}: {hit.quantity}, {hit.convention}" for hit in hits),
        (("network", "quantity", "value", "convention"), rows, ()),
        {
            "schema": SCHEMA,
            "figure": figure.text,
            "explanations": [hit._asdict() for hit in hits],
            "nearest": [hit._asdict() for hit in nearest],
        },
        f"conventions under which {figure.text} comes out: {len(hits)}",
        () if hits else (missing,),
    )
