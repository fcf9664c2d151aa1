"""Two networks side by side, and one network over many input sizes, as something to show."""

from collections.abc import Iterable
from math import prod
from typing import NamedTuple

from convcli.nets.analysis.summary import SCHEMA, Summary, named_sizes, trace
from convcli.nets.analysis.table import Record, Settings, layer_records, totals
from convcli.nets.graph import Network, sequential
from convcli.nets.layers import Linear, Reshape, Shape, size_text
from convcli.text import counted


def fully_connected(summary: Summary) -> Network:
    """The fully connected layer with the same input and output as a network.

    >>> from convcli.nets.graph import sequential
    >>> from convcli.nets.layers import Conv
    >>> conv = Conv(1, (3, 3), (1, 1), ((1, 1), (1, 1)), bias=False)
    >>> summary = trace(sequential([conv]), (3, 32, 32))
    >>> [node.layer.outputs for node in fully_connected(summary).nodes if node.name == "linear1"]
    [1024]
    """
    last = summary.rows[-1].node.layer if summary.rows else None
    bias = getattr(last, "bias", True)
    return sequential((Reshape(), Linear(prod(summary.output), bool(bias))))


class Versus(NamedTuple):
    """Two summaries by layer, and the difference of their counts."""

    left: Summary
    right: Summary
    names: tuple[str, str]
    settings: Settings

    @property
    def value(self) -> str:
        return f"{self.left.value}\t{self.right.value}"

    @property
    def caption(self) -> str:
        return ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """The weights of both, said beside the table in every form."""
        return ("; ".join(map(_weights_text, self.names, (self.left, self.right))),)

    def _pairs(self) -> list[tuple[str, Record, Record]]:
        """Layers of both by name: the left one's order, then what only the right one has."""
        left, right = (
            {record["name"]: record for record in layer_records(one, self.settings)}
            for one in (self.left, self.right)
        )
        return [(name, left.get(name, {}), right.get(name, {})) for name in left | right]

    def table(self) -> tuple[tuple[str, ...], list[tuple[object, ...]], tuple[object, ...]]:
        first, second = self.names
        columns = (
            "layer",
            f"output of {first}",
            f"output of {second}",
            f"params of {first}",
            f"params of {second}",
            "params more",
            f"MACs of {first}",
            f"MACs of {second}",
            "MACs more",
        )
        rows: list[tuple[object, ...]] = []
        for name, a, b in self._pairs():
            outputs = ["x".join(map(str, one.get("output", {}).values())) for one in (a, b)]
            rows.append((name, *outputs, *_change(a, b, "params"), *_change(a, b, "macs")))
        a, b = (totals(one, self.settings) for one in (self.left, self.right))
        outputs = [self.left.value, self.right.value]
        footer = ("total", *outputs, *_change(a, b, "params"), *_change(a, b, "macs"))
        return columns, rows, footer

    def record(self) -> Record:
        both = [
            {
                "network": name,
                "input": named_sizes(summary.input),
                "output": named_sizes(summary.output),
                "totals": totals(summary, self.settings),
            }
            for name, summary in zip(self.names, (self.left, self.right), strict=True)
        ]
        layers = [
            {
                "name": name,
                "output": [one.get("output") for one in (a, b)],
                "params": [one.get("params", 0) for one in (a, b)],
                "macs": [one.get("macs", 0) for one in (a, b)],
            }
            for name, a, b in self._pairs()
        ]
        notes = list(self.warnings)
        return {"schema": SCHEMA, "networks": both, "layers": layers, "warnings": notes}


def _change(a: Record, b: Record, key: str) -> tuple[int, int, int]:
    before, after = a.get(key, 0), b.get(key, 0)
    return before, after, after - before


def _weights_text(name: str, summary: Summary) -> str:
    """Parameters with and without biases; of a single linear layer, the weights of one output."""
    weights = summary.params - sum(row.measure.bias for row in summary.rows if not row.node.owner)
    text = f"{name}: {summary.params:,} params, {weights:,} without biases"
    weighted = [row for row in summary.rows if row.macs]
    if len(weighted) == 1 and len(summary.output) == 1:
        text += f", {weights // summary.output[0]:,} an output"
    return text


class Sweep(NamedTuple):
    """A network over input sizes: what comes out and what it costs."""

    network: Network
    channels: int
    axes: int
    sizes: Iterable[int]
    settings: Settings

    @property
    def value(self) -> str:
        return "\n".join(f"{row[0]}\t{row[1]}" for row in self.table()[1])

    @property
    def warnings(self) -> tuple[str, ...]:
        return ()

    @property
    def caption(self) -> str:
        return (
            f"memory in bytes ({self.settings.dtype}, batch {self.settings.batch}): weights, and "
            "the most activations alive at once"
        )

    def _shapes(self) -> list[Shape]:
        return [(self.channels, *(size,) * self.axes) for size in self.sizes]

    def table(self) -> tuple[tuple[str, ...], list[tuple[object, ...]], tuple[object, ...]]:
        columns = ("input", "output", "params", "MACs", "memory", "note")
        rows: list[tuple[object, ...]] = []
        for shape in self._shapes():
            summary = trace(self.network, shape)
            if summary.failures:
                text, _, _ = summary.failures[0].text().partition("\n")
                rows.append((size_text(shape), "", "", "", "", text))
                continue
            total = totals(summary, self.settings)
            layers = counted(len(summary.warnings), "warning")
            lost = f"cells are left unread: {layers}" if summary.warnings else ""
            row = (total["params"], total["macs"], total["memory"]["forward"], lost)
            rows.append((size_text(shape), summary.value, *row))
        return columns, rows, ()

    def record(self) -> Record:
        found = []
        for shape in self._shapes():
            summary = trace(self.network, shape)
            one: Record = {"input": named_sizes(shape)}
            if summary.failures:
                one["failure"] = summary.failures[0].message
            else:
                one |= {
                    "output": named_sizes(summary.output),
                    "totals": totals(summary, self.settings),
                }
            found.append(one)
        return {"schema": SCHEMA, "sizes": found}
