"""The conventions of counting under which a network has a published figure, such as 4.11 G."""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

from convcli.callsyntax import shown
from convcli.errors import SpecError
from convcli.geometry import PaddingName
from convcli.nets.analysis.mac_rules import RULES
from convcli.nets.analysis.summary import SCHEMA, Summary, trace
from convcli.nets.graph import Network
from convcli.nets.layers import AdaptivePool, Conv, Layer, Linear, Pool, Shape
from convcli.tables import Listing


class Explanation(NamedTuple):
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

    def matches(self, value: int) -> bool:
        return abs(value - self.value) <= self.slack


UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}


def read_figure(text: str) -> Figure:
    """A figure as papers print it; one with a unit or decimals may have been rounded.

    >>> read_figure("4.11G").matches(4_114_999_999), read_figure("55").matches(56)
    (True, False)
    """
    match = re.fullmatch(
        r"\s*([0-9][0-9,_]{0,30})(\.[0-9]{1,12})?\s*([kKmMgGbBtT]?|[eE][+]?[0-9]{1,2})\s*", text
    )
    if match is None:
        raise SpecError(f"{shown(text)} is not a figure such as 4.11G, 61.1M or 55")
    integer, fraction, unit = match.groups(default="")
    scale = 10 ** int(unit[1:]) if unit[:1] in ("e", "E") else UNITS[unit.lower()]
    step = Fraction(scale, 10 ** max(len(fraction) - 1, 0))
    digits = (integer + fraction[1:]).replace(",", "").replace("_", "")
    return Figure(text, int(digits) * step, step / 2 if unit or fraction else Fraction(0))


def explanations(
    figure: Figure, networks: dict[str, tuple[Network, Shape]]
) -> tuple[list[Explanation], list[Explanation]]:
    """The conventions that give a figure; and, of all that were tried, the nearest five."""
    every = [
        explanation
        for name, (network, shape) in networks.items()
        for explanation in _conventions(name, network, shape)
    ]
    unique = list(dict.fromkeys(every))
    hits = [hit for hit in unique if figure.matches(hit.value)]
    nearest = sorted(unique, key=lambda tried: abs(tried.value - figure.value))[:5]
    return hits, nearest


def _conventions(name: str, network: Network, shape: Shape) -> Iterator[Explanation]:
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
                yield Explanation(name, quantity, convention + suffix, value)


def _figures(summary: Summary) -> Iterator[tuple[str, str, int]]:
    statistics = sum(row.statistics for row in summary.rows)
    norms = sum(row.weights for row in summary.rows if "norm" in row.type)
    biases = sum(row.measure.bias for row in summary.rows if row.node.counted)
    yield "params", "weights, biases and batch norm's 2C", summary.weights
    if statistics:
        yield "params", "batch norm counted 4C, as Keras does", summary.weights + statistics
        yield "params", "without batch norm", summary.weights - norms
    if biases:
        yield "params", "without biases", summary.weights - biases
    for rule, (count, definition) in RULES.items():
        macs = sum(count(row) for row in summary.rows)
        # a tool's rule begins with its name and version
        named = definition.startswith(rule.partition("@")[0] + " ")
        text = definition if named else f"{rule}: {definition}"
        yield "MACs", text, macs
        yield "FLOPs", f"2 x MACs by {text}", 2 * macs
    for axis in dict.fromkeys(summary.output[1:]):
        yield "output", "length of an axis", axis
    yield "output", "channels", summary.output[0]
    yield "activations", "input and outputs, activation functions in place", summary.activations


def _variants(network: Network, shape: Shape) -> dict[str, tuple[Network, Shape]]:
    """The network as it is, and under other conventions of padding, bias, groups and input."""

    def padded(name: PaddingName) -> Callable[[Layer], Layer]:
        def change(layer: Layer) -> Layer:
            if isinstance(layer, Conv | Pool):
                return layer._replace(padding=(name,) * len(layer.kernel))
            return layer

        return change

    def bias(layer: Layer) -> Layer:
        return layer._replace(bias=True) if isinstance(layer, Conv | Linear) else layer

    def ungrouped(layer: Layer) -> Layer:
        return layer._replace(groups=1) if isinstance(layer, Conv) else layer

    def ceiled(layer: Layer) -> Layer:
        return layer._replace(ceil=True) if isinstance(layer, Pool) else layer

    def without_adaptive(layer: Layer) -> Layer:
        if isinstance(layer, AdaptivePool) and set(layer.sizes) != {1}:
            return layer._replace(sizes=(None,) * len(layer.sizes))
        return layer

    variants = {"": (network, shape)}
    changes = {
        "SAME padding throughout": padded("same"),
        "VALID padding throughout": padded("valid"),
        "a bias in every convolution": bias,
        "no groups": ungrouped,
        "pools rounded up": ceiled,
        "no adaptive pool": without_adaptive,
    }
    nodes = network.at(shape).nodes
    for words, change in changes.items():
        changed = tuple(node._replace(layer=change(node.layer)) for node in nodes)
        if changed != nodes:
            variants[words] = Network(changed), shape
    if len(shape) == 3:
        for side in (224, 227, 256, 299, 32):
            if (side, side) != shape[1:]:
                variants[f"input {side}x{side}"] = network, (shape[0], side, side)
    return variants


def listing(figure: Figure, hits: list[Explanation], nearest: list[Explanation]) -> Listing:
    """The conventions behind a figure, or the nearest ones, as a result to print."""
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
