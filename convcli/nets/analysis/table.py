"""A Summary as plain data: rows by name, folded blocks, totals, and the columns people choose."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any, NamedTuple

from convcli.geometry import Padding
from convcli.nets.analysis.mac_rules import RULES
from convcli.nets.analysis.summary import DTYPES, SCHEMA, Row, Summary, named_axes, named_sizes
from convcli.nets.layers import Shape, size_text

Record = dict[str, Any]
"""Fields by name, as JSON holds them: numbers, texts, lists and records."""


class Settings(NamedTuple):
    """How a summary is counted and shown."""

    rule: str = "weights"
    dtype: str = "float32"
    batch: int = 1
    depth: int | None = None
    columns: tuple[str, ...] = ()


def _times(values: Sequence[int] | None) -> str:
    return "x".join(map(str, values)) if values else ""


def _padding(padding: Sequence[Padding]) -> str:
    """Padding as it is written on the command line: `2`, `1x2`, `1,2,1,2`, a name."""
    if not padding:
        return ""
    pairs = [sides for sides in padding if not isinstance(sides, str)]
    if not pairs:
        return str(padding[0])
    if all(before == after for before, after in pairs):
        sides = [before for before, _ in pairs]
        return str(sides[0]) if len(set(sides)) == 1 else _times(sides)
    return ",".join(f"{before},{after}" for before, after in pairs)


def _of_layer(row: Row, settings: Settings) -> Record:
    """The fields that a layer has wherever it meets an input of this shape."""
    layer, measure = row.node.layer, row.measure
    kernel = getattr(layer, "kernel", None)
    window: Record = {}
    if kernel:
        window = {
            "kernel": kernel,
            "stride": getattr(layer, "stride", ()),
            "padding": _padding(getattr(layer, "padding", ())),
        }
    return {
        "name": "",
        "type": row.type,
        **window,
        "inputs": [],
        "input": named_sizes(row.inputs[0]) if row.inputs else {},
        "output": named_sizes(measure.output),
        "params": row.params,
        "trainable": row.trainable,
        "buffers": row.trainable + row.statistics - row.params,
        "macs": RULES[settings.rule].count(row),
        "memory": row.activations * DTYPES[settings.dtype] * settings.batch,
        "unread": named_axes(row.unread),
    }


def _in_place(row: Row, fields: Record) -> Record:
    """The same with what depends on where in the network it stands."""
    record = {
        **fields,
        "name": row.node.name,
        "inputs": row.node.inputs,
        # behind an enlarging layer a field may end within a cell: it sees all of it
        "receptive_field": named_axes([ceil(seen.size) for seen in row.reception]),
        "jump": named_axes([_number(seen.jump) for seen in row.reception]),
    }
    if row.node.owner:
        record["shares"] = row.node.owner
    return record


def _number(jump: float) -> float:
    return jump if isinstance(jump, int) else float(jump)


def layer_records(summary: Summary, settings: Settings) -> list[Record]:
    """A record a layer, or a block where blocks are folded to a depth."""
    # repeated blocks share their measures, so their records are written once: half the time
    known: dict[tuple[int, bool], Record] = {}
    records = []
    for row in summary.rows:
        key = id(row.use), bool(row.node.owner)
        if key not in known:
            known[key] = _of_layer(row, settings)
        records.append(_in_place(row, known[key]))
    return records if settings.depth is None else list(_folded(records, settings.depth))


def _folded(records: Sequence[Record], depth: int) -> list[Record]:
    folded: list[Record] = []
    members: list[Record] = []
    for place, record in enumerate(records):
        block = ".".join(record["name"].split(".")[:depth])
        members.append(record)
        following = records[place + 1]["name"].split(".") if place + 1 < len(records) else []
        if ".".join(following[:depth]) == block and len(following) > depth:
            continue
        folded.append(_block(block, members))
        members = []
    return folded


def _block(name: str, members: Sequence[Record]) -> Record:
    """Several rows as one: the last one's output, the sums of their counts."""
    if len(members) == 1 and members[0]["name"] == name:
        return members[0]
    sums = {
        key: sum(member[key] for member in members)
        for key in ("params", "trainable", "buffers", "macs", "memory")
    }
    first, last = members[0], members[-1]
    shown = {
        key: value for key, value in last.items() if key not in ("kernel", "stride", "padding")
    }
    return {
        **shown,
        "name": name,
        "type": f"block of {len(members)}",
        "inputs": first["inputs"],
        "input": first["input"],
        **sums,
    }


def totals(summary: Summary, settings: Settings) -> Record:
    """Counts and bytes of the whole network; `memory` is for the batch, in the dtype."""
    each, count = DTYPES[settings.dtype], RULES[settings.rule].count
    params = trainable = statistics = macs = 0
    for row in summary.rows:  # once for all: a walk over 500 rows takes half a millisecond
        macs += count(row)
        if not row.node.owner:
            params += row.use.params
            trainable += row.use.measure.params
            statistics += row.use.measure.statistics
    activations, peak = summary.activations, summary.peak * each * settings.batch
    weights = (trainable + statistics) * each
    return {
        "params": params,
        "trainable": trainable,
        "buffers": trainable + statistics - params,
        "macs": macs,
        "flops": 2 * macs,
        "activations": activations,
        "memory": {
            "dtype": settings.dtype,
            "batch": settings.batch,
            "weights": weights,
            "activations": activations * each * settings.batch,
            "peak_activations": peak,
            "forward": weights + peak,
        },
    }


COLUMNS: dict[str, Callable[[Record], object]] = {
    "layer": lambda one: one["name"],
    "type": lambda one: one["type"],
    "kernel": lambda one: _times(one.get("kernel")),
    "stride": lambda one: _times(one.get("stride")),
    "padding": lambda one: one.get("padding", ""),
    "input": lambda one: _times(list(one["input"].values())),
    "output": lambda one: _times(list(one["output"].values())),
    "params": lambda one: one["params"],
    "MACs": lambda one: one["macs"],
    "memory": lambda one: one["memory"],
    "receptive field": lambda one: _times(list(one["receptive_field"].values())),
    "jump": lambda one: _times(list(one["jump"].values())),
    "unread": lambda one: _times(list(one["unread"].values())),
    "inputs": lambda one: " ".join(one["inputs"]),
}
"""What a table can show of a layer."""

DEFAULT_COLUMNS = ("layer", "type", "output", "params", "MACs", "receptive field", "unread")

TOTALS: dict[str, Callable[[Record], object]] = {
    "params": lambda one: one["params"],
    "MACs": lambda one: one["macs"],
    "memory": lambda one: one["memory"]["activations"],
}
"""Columns that have a total."""


class Figures(NamedTuple):
    """A summary with the settings it is shown under."""

    summary: Summary
    settings: Settings = Settings()
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    """Why the summary ends before the network does, and what would fit."""

    @property
    def value(self) -> str:
        return self.summary.value

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self.summary.warnings, *self.summary.notes, *self.notes)

    @property
    def caption(self) -> str:
        """The totals in words, and every convention they were counted under."""
        total = totals(self.summary, self.settings)
        memory, batch = total["memory"], self.settings.batch
        trained = total["params"] - total["trainable"]
        kept = f", {total['buffers']:,} running statistics beside them" if total["buffers"] else ""
        rule = RULES[self.settings.rule].definition
        held, peak = bytes_text(memory["activations"]), bytes_text(memory["peak_activations"])
        return (
            f"{total['params']:,} params ({trained:,} not trainable{kept}); {total['macs']:,} MACs "
            f"= {total['flops']:,} FLOPs for one image, counting {rule}; activations {held}, at "
            f"most {peak} at once, weights {bytes_text(memory['weights'])} "
            f"({self.settings.dtype}, batch {batch}, activation functions in place); "
            "sizes are HxWxC"
        )

    @property
    def output(self) -> Shape:
        """The output's shape: (channels, *lengths)."""
        return self.summary.output

    @property
    def params(self) -> int:
        return self.summary.params

    @property
    def macs(self) -> int:
        """Multiply–accumulates for one image, by the settings' rule."""
        return sum(map(RULES[self.settings.rule].count, self.summary.rows))

    def __str__(self) -> str:
        """The table as a terminal shows it."""
        from convcli.tables import drawn

        return drawn(self)

    def __repr__(self) -> str:
        shapes = f"{size_text(self.summary.input)} → {self.value}"
        return f"<{shapes}: {self.params:,} params, {self.macs:,} MACs>"

    def _repr_html_(self) -> str:
        """The table as a notebook shows it."""
        from convcli.tables import html_table

        return html_table(self)

    def table(self) -> tuple[Sequence[str], Sequence[Sequence[object]], Sequence[object]]:
        columns = self.settings.columns or DEFAULT_COLUMNS
        records = layer_records(self.summary, self.settings)
        rows = [tuple(COLUMNS[column](one) for column in columns) for one in records]
        total = totals(self.summary, self.settings)
        footer: list[object] = [TOTALS[c](total) if c in TOTALS else "" for c in columns]
        for place, column in enumerate(columns):
            if column == "output":
                footer[place] = self.value
            elif column == "layer":
                footer[place] = "total"
        return columns, rows, footer

    def record(self) -> Record:
        return {
            "schema": SCHEMA,
            "input": named_sizes(self.summary.input),
            "output": None if self.summary.failures else named_sizes(self.summary.output),
            "layers": layer_records(self.summary, self.settings),
            "totals": totals(self.summary, self.settings),
            "conventions": {
                "macs": f"{self.settings.rule}: {RULES[self.settings.rule].definition}, one image",
                "flops": "2 x MACs",
                "params": "as the source framework's own summary counts them",
            },
            "warnings": list(self.warnings),
            "failures": list(self.failures),
        }


def bytes_text(count: int) -> str:
    """Bytes for people, in powers of 1024.

    >>> bytes_text(60950432)
    '58.13 MiB'
    """
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:,.2f} TiB"
