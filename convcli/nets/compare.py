"""Two networks side by side, and one network over many input sizes, as something to show."""

from collections.abc import Iterable
from math import prod
from typing import Any, NamedTuple

from convcli.nets.figures import Settings, totals
from convcli.nets.layers import Linear, Reshape, Shape, size_text
from convcli.nets.network import INPUT, Builder, Chain, Leaf, Network
from convcli.nets.rules import macs_by
from convcli.nets.summary import SCHEMA, Row, Summary, named_sizes, trace


def fully_connected(summary: Summary) -> Network:
    """The fully connected layer with the same input and output as a network.

    >>> from convcli.nets.network import sequential
    >>> from convcli.nets.layers import Conv
    >>> conv = Conv(1, (3, 3), (1, 1), ((1, 1), (1, 1)), bias=False)
    >>> summary = trace(sequential([conv]), (3, 32, 32))
    >>> [node.layer.outputs for node in fully_connected(summary).nodes if node.name == "linear1"]
    [1024]
    """
    last = summary.rows[-1].node.layer if summary.rows else None
    bias = getattr(last, "bias", True)
    builder = Builder()
    parts = (Leaf(Reshape()), Leaf(Linear(prod(summary.output), bool(bias))))
    builder.lay(Chain(parts), INPUT)
    return builder.network()


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
    def warnings(self) -> tuple[str, ...]:
        return ()

    @property
    def caption(self) -> str:
        texts = []
        for summary, name in zip((self.left, self.right), self.names, strict=True):
            weights = summary.params - sum(
                row.measure.bias for row in summary.rows if not row.node.owner
            )
            each = weights // max(summary.output[0] if len(summary.output) == 1 else 1, 1)
            text = f"{name}: {summary.params:,} params, {weights:,} without biases"
            if len(summary.output) == 1:
                text += f", {each:,} an output"
            texts.append(text)
        return "; ".join(texts)

    def _pairs(self) -> list[tuple[str, Row | None, Row | None]]:
        """Rows of both by name, in the order of the left one, then what only the right one has."""
        left = {row.name: row for row in self.left.rows}
        right = {row.name: row for row in self.right.rows}
        return [(name, left.get(name), right.get(name)) for name in left | right]

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
            params = [one.params if one else 0 for one in (a, b)]
            macs = [one.macs if one else 0 for one in (a, b)]
            outputs = [size_text(one.output) if one else "" for one in (a, b)]
            rows.append((name, *outputs, *params, params[1] - params[0], *macs, macs[1] - macs[0]))
        a_macs, b_macs = (macs_by(self.settings.rule, one) for one in (self.left, self.right))
        footer = (
            "total",
            self.left.value,
            self.right.value,
            self.left.params,
            self.right.params,
            self.right.params - self.left.params,
            a_macs,
            b_macs,
            b_macs - a_macs,
        )
        return columns, rows, footer

    def record(self) -> dict[str, Any]:
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
                "output": [named_sizes(one.output) if one else None for one in (a, b)],
                "params": [one.params if one else 0 for one in (a, b)],
                "macs": [one.macs if one else 0 for one in (a, b)],
            }
            for name, a, b in self._pairs()
        ]
        return {"schema": SCHEMA, "networks": both, "layers": layers}


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
                text = f"{summary.failures[0].node.name}: {summary.failures[0].message}"
                rows.append((size_text(shape), "", "", "", "", text))
                continue
            total = totals(summary, self.settings)
            lost = f"{len(summary.warnings)} layers leave cells unread" if summary.warnings else ""
            row = (total["params"], total["macs"], total["memory"]["forward"], lost)
            rows.append((size_text(shape), summary.value, *row))
        return columns, rows, ()

    def record(self) -> dict[str, Any]:
        found = []
        for shape in self._shapes():
            summary = trace(self.network, shape)
            one: dict[str, Any] = {"input": named_sizes(shape)}
            if summary.failures:
                one["failure"] = summary.failures[0].message
            else:
                one |= {
                    "output": named_sizes(summary.output),
                    "totals": totals(summary, self.settings),
                }
            found.append(one)
        return {"schema": SCHEMA, "sizes": found}
