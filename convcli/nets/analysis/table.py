"""A Summary as plain data: layers or folded blocks, totals, and the columns of a table."""

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from math import ceil, prod
from typing import TYPE_CHECKING, Literal, TypedDict, get_args

from convcli.geometry import Padding
from convcli.nets.analysis.mac_rules import RULES
from convcli.nets.analysis.rule_limits import check_answers
from convcli.nets.analysis.summary import DTYPES, SCHEMA, Row, Summary, named_axes, named_sizes
from convcli.nets.graph import INPUT
from convcli.nets.layers import Shape, size_text
from convcli.nets.layers.tensor_ops import Input
from convcli.records import NamedTuple
from convcli.tables import (
    Record,
    Share,
    Table,
    data_frame,
    html_table,
    named_rows,
    table_text,
)
from convcli.text import bytes_text

if TYPE_CHECKING:
    from fractions import Fraction  # 2 ms of a start

    from pandas import DataFrame


class Selection(NamedTuple):
    """Which rows of a table are printed, in which order."""

    sort: str = ""
    """The column that is sorted, largest first."""
    top: int | None = None
    types: tuple[str, ...] = ()
    by_type: bool = False
    """Whether there is one row per layer type."""


LAYOUTS = {"hwc": "sizes are HxWxC", "nchw": "shapes are (batch, channels, height, width)"}
"""Ways to write the sizes of a tensor, and what a caption says of them."""


class Settings(NamedTuple):
    """How a summary is counted and printed."""

    rule: str = "weights"
    dtype: str = "float32"
    batch: int = 1
    depth: int | None = None
    columns: tuple[str, ...] = ()
    selection: Selection = Selection()
    layout: str = "hwc"
    """How sizes are written: `55x55x64`, or "nchw", PyTorch's `(1, 64, 55, 55)`."""

    def size_text(self, shape: Shape) -> str:
        """A shape with the batch, as the layout writes it."""
        if self.layout == "hwc":
            return size_text(shape)
        return f"({', '.join(map(str, (self.batch, *shape)))})"

    def sizes_text(self, sizes: dict[str, int]) -> str:
        """The same for named fields, the last of which is the channels."""
        *lengths, channels = sizes.values() or (0,)
        return self.size_text((channels, *lengths)) if sizes else ""


class PartialRecord(TypedDict, total=False):
    """Fields that not every layer has: a window, weights shared with another layer."""

    kernel: Sequence[int]
    stride: Sequence[int]
    padding: str
    shares: str
    flops: int
    share: dict[str, float]
    """Shares of the network's parameters and MACs."""
    layers: int
    """Number of layers in a block."""
    intensity: float
    """FLOPs per byte of inputs, weights and outputs, each moved once."""


class LayerRecord(PartialRecord):
    """One layer, or one folded block, with axes by name; counts are for one image."""

    name: str
    type: str
    inputs: Sequence[str]
    input: dict[str, int]
    output: dict[str, int]
    params: int
    trainable: int
    frozen: int
    buffers: int
    macs: int
    memory: int
    traffic: int
    unread: dict[str, int]
    receptive_field: dict[str, int]
    jump: dict[str, int | float]


class Memory(TypedDict):
    """Bytes, for a batch of values of one dtype."""

    dtype: str
    batch: int
    weights: int
    activations: int
    peak_activations: int
    forward: int


class Totals(TypedDict):
    """The counts of a whole network, for one image."""

    params: int
    trainable: int
    frozen: int
    buffers: int
    macs: int
    flops: int
    activations: int
    memory: Memory


def _by(values: Sequence[object]) -> str:
    return "x".join(map(str, values))


def _padding_text(padding: Sequence[Padding]) -> str:
    """Padding as it is written on the command line: `2`, `1x2`, `1,2,1,2`, a name.

    >>> _padding_text(((2, 2), (2, 2))), _padding_text(((1, 2), (1, 2))), _padding_text(("same",))
    ('2', '1,2,1,2', 'same')
    """
    ends = [pair for pair in padding if not isinstance(pair, str)]
    if not ends:
        return "".join(map(str, padding[:1]))
    if all(before == after for before, after in ends):
        sides = [before for before, _ in ends]
        return _by(sides[:1] if len(set(sides)) == 1 else sides)
    return ",".join(f"{before},{after}" for before, after in ends)


def _layer_record(row: Row, settings: Settings) -> LayerRecord:
    """The record of a layer wherever it has an input of this shape."""
    layer, measure = row.node.layer, row.measure
    kernel = getattr(layer, "kernel", None)
    window: PartialRecord = {}
    if kernel:
        window = {
            "kernel": kernel,
            "stride": getattr(layer, "stride", ()),
            "padding": _padding_text(getattr(layer, "padding", ())),
        }
    return {
        "name": "",
        "type": row.type,
        **window,
        "inputs": (),
        "input": named_sizes(row.inputs[0]) if row.inputs else {},
        "output": named_sizes(measure.output),
        "params": row.params,
        "trainable": row.trainable,
        "frozen": row.params - row.trainable,
        "buffers": row.buffers,
        "macs": RULES[settings.rule].count(row),
        "memory": row.activations * DTYPES[settings.dtype] * settings.batch,
        "traffic": _traffic(row, settings),
        "unread": named_axes(row.unread),
        "receptive_field": {},
        "jump": {},
    }


def _traffic(row: Row, settings: Settings) -> int:
    """Bytes of a layer's inputs, weights and outputs, each moved once."""
    values = sum(map(prod, row.inputs)) + prod(row.output)
    weights = row.measure.params + row.measure.statistics
    return (values * settings.batch + weights) * DTYPES[settings.dtype]


def _node_record(row: Row, layer: LayerRecord) -> LayerRecord:
    """The same, with the fields that depend on the layer's position in the network."""
    record = layer.copy()
    record["name"] = row.node.name
    record["inputs"] = row.node.inputs
    # after an enlarging layer a field may end within a cell, which then counts completely
    record["receptive_field"] = named_axes([ceil(axis.size) for axis in row.receptive_field])
    record["jump"] = named_axes([_number(axis.jump) for axis in row.receptive_field])
    if row.node.owner:
        record["shares"] = row.node.owner
    return record


def _number(jump: "int | Fraction") -> int | float:
    return jump if isinstance(jump, int) else float(jump)


def layer_records(summary: Summary, settings: Settings) -> list[LayerRecord]:
    """One record per layer, or per block where blocks are folded to a depth."""
    # repeated blocks share their figures: building their records once takes half the time
    known: dict[tuple[int, bool, tuple[str, ...]], LayerRecord] = {}
    records = []
    for row in summary.rows:
        key = id(row.use), row.node.counted, row.node.frozen
        if key not in known:
            known[key] = _layer_record(row, settings)
        records.append(_node_record(row, known[key]))
    return records if settings.depth is None else list(_folded(records, settings.depth))


def _folded(records: Sequence[LayerRecord], depth: int) -> Iterator[LayerRecord]:
    members: list[LayerRecord] = []
    for record, following in zip_longest(records, records[1:]):
        path = record["name"].split(".")[:depth]
        members.append(record)
        next_name = following["name"].split(".") if following else []
        if next_name[:depth] != path or len(next_name) <= depth:
            yield block(".".join(path), members)
            members = []


Count = Literal["params", "trainable", "frozen", "buffers", "macs", "memory", "traffic"]
COUNTS: tuple[Count, ...] = get_args(Count)
WINDOW: tuple[Literal["kernel", "stride", "padding"], ...] = ("kernel", "stride", "padding")


def block(name: str, members: Sequence[LayerRecord]) -> LayerRecord:
    """Several layers as one: the last one's output, the sums of their counts."""
    first, last = members[0], members[-1]
    if len(members) == 1 and first["name"] == name:
        return first
    one = last.copy()
    one["name"], one["type"] = name, f"{len(members)} layers"
    one["layers"] = len(members)
    one["inputs"], one["input"] = first["inputs"], first["input"]
    for key in WINDOW:
        one.pop(key, None)
    for count in COUNTS:
        one[count] = sum(member[count] for member in members)
    return one


def totals(summary: Summary, settings: Settings) -> Totals:
    """Counts and bytes of the whole network; `memory` is for the batch, in the dtype.

    Raises UnfitError where the MAC rule has no answer for a layer.
    """
    check_answers(settings.rule, summary.rows)
    size, count = DTYPES[settings.dtype], RULES[settings.rule].count
    params = own = statistics = frozen = macs = 0
    for row in summary.rows:  # once: a walk over 500 rows takes half a millisecond
        macs += count(row)
        if row.node.counted:
            params += row.use.params
            own += row.use.measure.params
            statistics += row.use.measure.statistics
            frozen += row.frozen_weights
    activations, peak = summary.activations, summary.peak * size * settings.batch
    trainable, weights = own - frozen, (own + statistics) * size
    return {
        "params": params,
        "trainable": trainable,
        "frozen": params - trainable,
        "buffers": own + statistics - params,
        "macs": macs,
        "flops": 2 * macs,
        "activations": activations,
        "memory": {
            "dtype": settings.dtype,
            "batch": settings.batch,
            "weights": weights,
            "activations": activations * size * settings.batch,
            "peak_activations": peak,
            "forward": weights + peak,
        },
    }


COLUMNS: dict[str, Callable[[LayerRecord], object]] = {
    "layer": lambda record: record["name"],
    "type": lambda record: record["type"],
    "kernel": lambda record: _by(record.get("kernel", ())),
    "stride": lambda record: _by(record.get("stride", ())),
    "padding": lambda record: record.get("padding", ""),
    "input": lambda record: _by([*record["input"].values()]),
    "output": lambda record: _by([*record["output"].values()]),
    "params": lambda record: record["params"],
    "trainable": lambda record: record["trainable"],
    "frozen": lambda record: record["frozen"],
    "MACs": lambda record: record["macs"],
    "FLOPs": lambda record: record["flops"],
    "params share": lambda record: Share(record["share"]["params"]),
    "MACs share": lambda record: Share(record["share"]["macs"]),
    "intensity": lambda record: record["intensity"],
    "memory": lambda record: record["memory"],
    "receptive field": lambda record: _by([*record["receptive_field"].values()]),
    "jump": lambda record: _by([*record["jump"].values()]),
    "unread": lambda record: _by([*record["unread"].values()]),
    "inputs": lambda record: " ".join(record["inputs"]),
    "layers": lambda record: record.get("layers", 1),
}
"""The columns that a table can have, by name."""

DEFAULT_COLUMNS = ("layer", "type", "output", "params", "MACs", "receptive field", "unread")

TYPE_COLUMNS = ("type", "layers", "params", "params share", "MACs", "MACs share")

NEED_TOTALS = {"FLOPs", "params share", "MACs share", "intensity"}
"""Columns whose values only they and the JSON compute."""

SORTS = ("params", "trainable", "frozen", "MACs", "FLOPs", "intensity", "memory")
"""The columns that a table can be sorted by."""


class Figures(NamedTuple):
    """A summary with the settings for printing it."""

    summary: Summary
    settings: Settings = Settings()
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    """Why the summary ends before the end of the network, and what would fit."""
    assumed: tuple[str, ...] = ()
    """The input sizes that are assumed."""
    fit: tuple[str, ...] | None = None
    """The nearest inputs that work, if requested."""
    picture: Callable[[Summary], str] | None = None
    """Draws the network as SVG for a notebook; "" if it cannot."""

    @property
    def value(self) -> str | tuple[str, ...]:
        if self.fit is not None:
            return self.fit
        return self._output_text

    @property
    def _output_text(self) -> str:
        return "" if self.parameters_alone else self.settings.size_text(self.summary.output)

    @property
    def parameters_alone(self) -> bool:
        """Whether the order of the layers is unknown, and therefore sizes, MACs and fields too."""
        return bool(self.summary.rows) and not any(self.summary.output)

    @property
    def heading(self) -> Sequence[object]:
        """The row of the input, with its assumed sizes marked."""
        is_chosen = self.settings.selection != Selection() or "layer" not in self.columns
        if self.parameters_alone or is_chosen:
            return ()
        assumed = [
            f"{self.summary.input[0]} channels" if name == "channels" else name
            for name in self.assumed
        ]
        row = {
            "layer": INPUT,
            "type": f"({', '.join(assumed)} assumed)" if assumed else "",
            "output": self.settings.size_text(self.summary.input),
        }
        return [row.get(column, "") for column in self.columns]

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self.summary.warnings, *self.summary.notes, *self.notes)

    @property
    def caption(self) -> str:
        """The totals in words, with every convention of counting."""
        total = totals(self.summary, self.settings)
        memory, batch = total["memory"], self.settings.batch
        trained = (
            f"{total['trainable']:,} trainable, {total['frozen']:,} frozen"
            if total["frozen"]
            else "all trainable"
        )
        kept = f"; {total['buffers']:,} running statistics" if total["buffers"] else ""
        rule = RULES[self.settings.rule].definition
        params = f"{total['params']:,} params{short_text(total['params'])}, {trained}{kept}"
        if self.parameters_alone:
            return f"{params}; sizes, MACs and receptive fields are not known"
        all_, peak = bytes_text(memory["activations"]), bytes_text(memory["peak_activations"])
        macs = f"{total['macs']:,} MACs{short_text(total['macs'])}"
        return (
            f"{params}; {macs} = {total['flops']:,} FLOPs "
            f"for one image, counting {rule}; activations {all_}, at most {peak} at once, "
            f"weights {bytes_text(memory['weights'])} ({self.settings.dtype}, "
            f"batch {batch}, activation functions in place); {LAYOUTS[self.settings.layout]}"
        )

    def rows(self) -> list[dict[str, object]]:
        """The rows of the table: values by column name."""
        return named_rows(self)

    def to_pandas(self) -> "DataFrame":
        """The rows as a pandas data frame; pandas is imported here."""
        return data_frame(self)

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
        return table_text(self)

    def __repr__(self) -> str:
        shapes = f"{size_text(self.summary.input)} → {self.summary.value}"
        return f"<{shapes}: {self.params:,} params, {self.macs:,} MACs>"

    def _repr_html_(self) -> str:
        """The table as a notebook shows it, next to the drawing of the network."""
        svg = self.picture(self.summary) if self.picture is not None else ""
        if not svg:
            return html_table(self)
        style = "display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start;overflow:auto"
        return f'<div style="{style}"><div>{html_table(self)}</div><div>{svg}</div></div>'

    def _inputs(self) -> list[Record]:
        """Every input: its name, and its shape as PyTorch has it, for a batch of one."""
        others = [row for row in self.summary.rows if isinstance(row.node.layer, Input)]
        if not self.summary.input:
            return []  # of a print whose order is not known
        return [
            {"name": INPUT, "shape": [1, *self.summary.input]},
            *({"name": row.name, "shape": [1, *row.output]} for row in others),
        ]

    def _outputs(self) -> list[Record]:
        """Every output: the node that gives it, and its sizes."""
        if self.summary.failures or self.parameters_alone:
            return []
        shapes = self.summary.output_shapes
        return [{"name": name, **named_sizes(shape)} for name, shape in shapes.items()]

    def table(self) -> Table:
        settings, total = self.settings, totals(self.summary, self.settings)
        columns, records = self.columns, layer_records(self.summary, settings)
        footer: dict[str, object] = {
            "layer": "total so far" if self.summary.failures else "total",
            "output": self._output_text,
            "params": total["params"],
            "trainable": total["trainable"],
            "frozen": total["frozen"],
            "MACs": total["macs"],
            "memory": total["memory"]["activations"],
        }
        if settings.selection != Selection() or NEED_TOTALS.intersection(columns):
            from convcli.nets.analysis.selection import selected, selected_footer

            count = len(records)
            records = selected(records, total, settings)
            if not self.summary.failures:
                footer |= selected_footer(records, total, count)
        cells: dict[str, Callable[[LayerRecord], object]] = {
            **COLUMNS,
            "input": lambda record: settings.sizes_text(record["input"]),
            "output": lambda record: settings.sizes_text(record["output"]),
        }
        rows = [[cells[column](record) for column in columns] for record in records]
        if "layer" not in columns and "type" in columns:
            footer["type"] = footer["layer"]
        return columns, rows, [footer.get(column, "") for column in columns]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table: the chosen ones or the defaults."""
        by_type = self.settings.selection.by_type
        columns = self.settings.columns or (TYPE_COLUMNS if by_type else DEFAULT_COLUMNS)
        if by_type:
            return columns
        if not self.settings.columns and any(row.frozen_weights for row in self.summary.rows):
            place = columns.index("params") + 1
            columns = (*columns[:place], "trainable", *columns[place:])
        return columns

    @property
    def layers(self) -> list[LayerRecord]:
        """The layers of the JSON, axes by name, with their shares of the totals."""
        records = layer_records(self.summary, self.settings)
        return self._one_by_one(records, totals(self.summary, self.settings))

    def _one_by_one(self, records: Sequence[LayerRecord], total: Totals) -> list[LayerRecord]:
        from convcli.nets.analysis.selection import selected

        selection = self.settings.selection._replace(by_type=False)
        return selected(records, total, self.settings._replace(selection=selection))

    def record(self) -> Record:
        from convcli.nets.analysis.selection import type_records

        output = self.summary.output
        total = totals(self.summary, self.settings)
        records = layer_records(self.summary, self.settings)
        alone = self.parameters_alone
        counted = without_sizes if alone else list[Record]
        return {
            "schema": SCHEMA,
            "input": named_sizes(self.summary.input) if self.summary.input else None,
            "output": None if alone or self.summary.failures else named_sizes(output),
            "inputs": self._inputs(),
            "outputs": self._outputs(),
            "assumed": list(self.assumed),
            **({} if self.fit is None else {"fit": list(self.fit)}),
            "layers": counted(self._one_by_one(records, total)),
            "types": counted(type_records(records, total, self.settings)),
            "totals": counted([total])[0],
            "conventions": {
                "macs": f"{self.settings.rule}: {RULES[self.settings.rule].definition}, one image",
                "flops": "2 x MACs",
                "params": "as the source framework's own summary counts them",
            },
            "warnings": list(self.warnings),
            "failures": list(self.failures),
        }


NEED_SIZES = {
    *("macs", "flops", "memory", "traffic", "intensity"),
    *("activations", "peak_activations", "forward"),
}
"""Fields that are unknown without sizes."""


def without_sizes(records: Sequence[Record]) -> list[Record]:
    """Records without sizes, with null in the fields that are unknown without them."""
    return [
        {
            name: without_sizes([value])[0]
            if isinstance(value, dict)
            else None
            if name in NEED_SIZES
            else value
            for name, value in record.items()
            if name != "channels"
        }
        for record in records
    ]


def short_text(count: int) -> str:
    """A large count in short form for people; "" for a count below a million.

    >>> short_text(4089184256), short_text(25557032), short_text(61706)
    (' (4.09 G)', ' (25.6 M)', '')
    """
    for size, letter in ((10**12, "T"), (10**9, "G"), (10**6, "M")):
        if count >= size:
            return f" ({count / size:.3g} {letter})" if count < 1000 * size else ""
    return ""
