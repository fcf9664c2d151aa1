"""Two networks side by side, and one network over many input sizes, as results to print."""

from collections.abc import Iterable, Iterator
from math import prod
from typing import Literal, NamedTuple

from convcli.nets.analysis.summary import SCHEMA, Summary, named_sizes, trace
from convcli.nets.analysis.table import LayerRecord, Settings, Totals, layer_records, totals
from convcli.nets.graph import Network, sequential
from convcli.nets.layers import Linear, Reshape, size_text
from convcli.tables import Record, Table
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
        """The weights of both, which every format prints beside the table."""
        return ("; ".join(map(_weights_text, self.names, (self.left, self.right))),)

    def _pairs(self) -> list[tuple[str, LayerRecord | None, LayerRecord | None]]:
        """Layers of both by name: the left one's order, then those of the right one alone."""
        left, right = (
            {record["name"]: record for record in layer_records(summary, self.settings)}
            for summary in (self.left, self.right)
        )
        return [(name, left.get(name), right.get(name)) for name in left | right]

    def table(self) -> Table:
        columns = ["layer"]
        for what in ("output", "params", "MACs"):
            columns += [f"{what} of {name}" for name in self.names]
            columns += [f"{what} more"] * (what != "output")
        rows: list[list[object]] = []
        for name, a, b in self._pairs():
            outputs = ["x".join(map(str, one["output"].values())) if one else "" for one in (a, b)]
            rows.append([name, *outputs, *_change(a, b, "params"), *_change(a, b, "macs")])
        both = self.left, self.right
        left, right = (totals(summary, self.settings) for summary in both)
        outputs = [summary.value for summary in both]
        footer: list[object] = ["total", *outputs]
        footer += [*_change(left, right, "params"), *_change(left, right, "macs")]
        return columns, rows, footer

    def record(self) -> Record:
        networks = [
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
                "output": [one and one["output"] for one in (a, b)],
                "params": [one["params"] if one else 0 for one in (a, b)],
                "macs": [one["macs"] if one else 0 for one in (a, b)],
            }
            for name, a, b in self._pairs()
        ]
        warnings = list(self.warnings)
        return {"schema": SCHEMA, "networks": networks, "layers": layers, "warnings": warnings}


def _change(
    a: LayerRecord | Totals | None, b: LayerRecord | Totals | None, key: Literal["params", "macs"]
) -> tuple[int, int, int]:
    """A count of both networks, 0 where one has no such layer, and how much more the second has."""
    before, after = (one[key] if one else 0 for one in (a, b))
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

    def _summaries(self) -> Iterator[Summary]:
        for size in self.sizes:
            yield trace(self.network, (self.channels, *(size,) * self.axes))

    def table(self) -> Table:
        columns = ("input", "output", "params", "MACs", "memory", "note")
        rows: list[tuple[object, ...]] = []
        for summary in self._summaries():
            input_ = size_text(summary.input)
            if summary.failures:
                text, _, _ = summary.failures[0].text().partition("\n")
                rows.append((input_, "", "", "", "", text))
                continue
            total = totals(summary, self.settings)
            layers = counted(len(summary.warnings), "warning")
            lost = f"cells are left unread: {layers}" if summary.warnings else ""
            counts = total["params"], total["macs"], total["memory"]["forward"]
            rows.append((input_, summary.value, *counts, lost))
        return columns, rows, ()

    def record(self) -> Record:
        sizes: list[Record] = []
        for summary in self._summaries():
            input_ = named_sizes(summary.input)
            if summary.failures:
                sizes.append({"input": input_, "failure": summary.failures[0].message})
            else:
                total = totals(summary, self.settings)
                sizes.append(
                    {"input": input_, "output": named_sizes(summary.output), "totals": total}
                )
        return {"schema": SCHEMA, "sizes": sizes}
