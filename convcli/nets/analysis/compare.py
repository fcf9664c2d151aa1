"""Networks side by side, one row per network, and one network over many input sizes, to print."""

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Literal

from convcli.errors import SpecError
from convcli.nets.analysis.mac_rules import RULES
from convcli.nets.analysis.summary import SCHEMA, Summary, named_sizes, trace
from convcli.nets.analysis.table import (
    COLUMNS,
    LayerRecord,
    Settings,
    Totals,
    layer_records,
    totals,
)
from convcli.nets.graph import Network, sequential
from convcli.nets.layers import Linear, Reshape, Shape, size_text
from convcli.tables import Listing, Record
from convcli.text import counted, like

MAX_PAIRS = 4_000_000
"""Pairs of layers that are compared, 2 to 3 seconds."""

ALIKE = 7
"""The likeness of layers of one type, output and counts."""


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


def versus(
    left: Summary,
    right: Summary,
    names: Sequence[str],
    settings: Settings,
    others: Sequence[Summary] = (),
) -> Listing:
    """Networks layer by layer, as a result to print; for two networks, with the differences.

    Layers of one type are paired in order, so that outputs, counts and names agree most. A network
    without such a layer has a blank.
    """
    both = left, right, *others
    columns = ["layer"]
    for what in ("output", "params", "MACs"):
        columns += [f"{what} of {name}" for name in names]
        columns += [f"{what} more"] * (what != "output" and not others)
    rows: list[list[object]] = []
    layers = []
    equal = 0
    for records in _paired([layer_records(summary, settings) for summary in both]):
        present = [record for record in records if record]
        names_of_layers = [record and record["name"] for record in records]
        name = " / ".join(dict.fromkeys(filter(None, names_of_layers)))
        equal += len(present) == len(both) and all(
            _likeness(present[0], record) >= ALIKE for record in present
        )
        output = [record and record["output"] for record in records]
        params, macs = _counts(records, "params"), _counts(records, "macs")
        outputs = ["x".join(map(str, sizes.values())) if sizes else "" for sizes in output]
        rows.append([name, *outputs, *_with_change(params), *_with_change(macs)])
        fields = {"name": name, "names": names_of_layers, "output": output}
        layers.append({**fields, "params": params, "macs": macs})
    total = [totals(summary, settings) for summary in both]
    counts = *_with_change(_counts(total, "params")), *_with_change(_counts(total, "macs"))
    # every format prints the weights of both after the table
    warnings = ["; ".join(map(_weights_text, names, both))]
    networks = [
        {
            "network": name,
            "input": named_sizes(summary.input),
            "output": named_sizes(summary.output),
            "totals": sums,
        }
        for name, summary, sums in zip(names, both, total, strict=True)
    ]
    return Listing(
        "\t".join(summary.value for summary in both),
        (columns, rows, ("total", *(summary.value for summary in both), *counts)),
        {"schema": SCHEMA, "networks": networks, "layers": layers, "warnings": warnings},
        f"{equal} of {counted(len(rows), 'row')} alike in all networks",
        warnings=warnings,
        brief=() if others else [columns[n] for n in (0, 1, 2, 5, 8)],  # outputs, and the changes
    )


def _likeness(left: LayerRecord, right: LayerRecord) -> int:
    """How alike two layers are: 0 of different types; of one type, by output, counts and name."""
    if left["type"] != right["type"]:
        return 0
    counts = (left["params"], left["macs"]) == (right["params"], right["macs"])
    return (
        1 + 2 * (left["output"] == right["output"]) + 4 * counts + (left["name"] == right["name"])
    )


def _paired(networks: Sequence[Sequence[LayerRecord]]) -> list[list[LayerRecord | None]]:
    """The layers of networks in rows, in the order of each, None where one has no such layer."""
    rows: list[list[LayerRecord | None]] = [[record] for record in networks[0]]
    for count, network in enumerate(networks[1:], 1):
        known = [next(filter(None, row)) for row in rows]
        merged: list[list[LayerRecord | None]] = []
        at = other = 0
        for left, right in (*_pairs(known, network), (len(rows), len(network))):
            merged += ([*row, None] for row in rows[at:left])
            merged += ([*[None] * count, record] for record in network[other:right])
            if left < len(rows):
                merged.append([*rows[left], network[right]])
            at, other = left + 1, right + 1
        rows = merged
    return rows


def _pairs(left: Sequence[LayerRecord], right: Sequence[LayerRecord]) -> list[tuple[int, int]]:
    """The indices of layers that are pairs, in order, with the greatest total similarity.

    The best alignment after each pair of positions is computed from the last to the first
    (Needleman & Wunsch 1970). Raises SpecError where there are too many layers.
    """
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    rows, columns = len(left) - start, len(right) - start
    if rows * columns > MAX_PAIRS:
        raise SpecError("--versus: too many layers to pair; fold them with --depth 2")
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in reversed(range(rows)):
        above, own, record = best[i + 1], best[i], left[start + i]
        for j in reversed(range(columns)):
            likeness = _likeness(record, right[start + j])
            paired = likeness + above[j + 1] if likeness else 0
            own[j] = max(above[j], own[j + 1], paired)
    pairs = [(index, index) for index in range(start)]
    i = j = 0
    while i < rows and j < columns:
        likeness = _likeness(left[start + i], right[start + j])
        if likeness and best[i][j] == likeness + best[i + 1][j + 1]:
            pairs.append((start + i, start + j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _counts(
    records: Sequence[LayerRecord | Totals | None], key: Literal["params", "macs"]
) -> list[int | None]:
    """A count of each network, None where one has no such layer."""
    return [record and record[key] for record in records]


def _with_change(counts: Sequence[int | None]) -> list[int | str]:
    """Counts as cells; for two networks, also the increase from the first to the second."""
    cells: list[int | str] = ["" if count is None else count for count in counts]
    if len(counts) == 2:
        before, after = counts
        cells.append((after or 0) - (before or 0))
    return cells


def _weights_text(name: str, summary: Summary) -> str:
    """Parameters with and without biases; of a single linear layer, the weights of one output."""
    weights = summary.params - sum(row.measure.bias for row in summary.rows if not row.node.owner)
    text = f"{name}: {summary.params:,} params, {weights:,} without biases"
    weighted = [row for row in summary.rows if row.macs]
    if len(weighted) == 1 and len(summary.output) == 1:
        text += f", {weights // summary.output[0]:,} an output"
    return text


NETWORK_COLUMNS: dict[str, Callable[[Summary, Totals], object]] = {
    "input": lambda summary, total: size_text(summary.input),
    "output": lambda summary, total: summary.value,
    "layers": lambda summary, total: len(summary.rows),
    "params": lambda summary, total: total["params"],
    "trainable": lambda summary, total: total["trainable"],
    "frozen": lambda summary, total: total["frozen"],
    "MACs": lambda summary, total: total["macs"],
    "FLOPs": lambda summary, total: total["flops"],
    "memory": lambda summary, total: total["memory"]["forward"],
}
"""The columns of a table of networks, after the names."""

FIRST_COLUMNS = ("input", "layers", "params", "MACs", "memory")


def comparison(names: Sequence[str], summaries: Sequence[Summary], settings: Settings) -> Listing:
    """Networks by name, one row per network, as a result to print.

    Raises SpecError for columns, and an order, that only tables of layers have.
    """
    chosen = settings.columns or FIRST_COLUMNS
    if set(chosen) == set(COLUMNS):
        chosen = tuple(NETWORK_COLUMNS)
    sort = settings.selection.sort or ("MACs" if settings.selection.top else "")
    for column in (*chosen, *([sort] if sort else [])):
        if column not in NETWORK_COLUMNS and column not in ("network", "layer"):
            raise SpecError(
                f"--compare knows the columns {', '.join(NETWORK_COLUMNS)}, not {column}"
                f"{like(column, NETWORK_COLUMNS)}"
            )
    columns = [column for column in chosen if column in NETWORK_COLUMNS]
    sums = [totals(summary, settings) for summary in summaries]
    entries = list(zip(names, summaries, sums, strict=True))
    if sort:
        key = NETWORK_COLUMNS[sort]
        entries.sort(key=lambda entry: -float(str(key(entry[1], entry[2]))))
    entries = entries[: settings.selection.top]
    rows = [
        (name, *(NETWORK_COLUMNS[column](summary, total) for column in columns))
        for name, summary, total in entries
    ]
    records = [
        {
            "network": name,
            "input": named_sizes(summary.input),
            "output": named_sizes(summary.output),
            "layers": len(summary.rows),
            "totals": total,
        }
        for name, summary, total in entries
    ]
    return Listing(
        [f"{name}\t{total['params']}\t{total['macs']}" for name, _, total in entries],
        (("network", *columns), rows, ()),
        {"schema": SCHEMA, "networks": records},
        f"for one image, counting {RULES[settings.rule].definition}; memory in bytes "
        f"({settings.dtype}, batch {settings.batch}): weights, and the most activations alive at "
        "once; sizes are HxWxC",
    )


def sweep(network: Network, shapes: Iterable[Shape], settings: Settings) -> Listing:
    """Output and costs of a network for inputs of these shapes, as a result to print."""
    rows: list[tuple[object, ...]] = []
    records: list[Record] = []
    for shape in shapes:
        summary = trace(network, shape)
        if summary.failures:
            failure = summary.failures[0]
            text, _, _ = failure.text().partition("\n")
            rows.append((size_text(shape), "", "", "", "", text))
            records.append({"input": named_sizes(shape), "failure": failure.message})
            continue
        total = totals(summary, settings)
        layers = counted(len(summary.warnings), "warning")
        lost = f"cells are left unread: {layers}" if summary.warnings else ""
        counts = total["params"], total["macs"], total["memory"]["forward"]
        rows.append((size_text(shape), summary.value, *counts, lost))
        output = named_sizes(summary.output)
        records.append({"input": named_sizes(shape), "output": output, "totals": total})
    return Listing(
        "\n".join(f"{row[0]}\t{row[1]}" for row in rows),
        (("input", "output", "params", "MACs", "memory", "note"), rows, ()),
        {"schema": SCHEMA, "sizes": records},
        f"memory in bytes ({settings.dtype}, batch {settings.batch}): weights, and the most "
        "activations alive at once",
    )
