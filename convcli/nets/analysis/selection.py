"""Shares of the totals, and which rows are printed: the largest layers, a type, all by type."""

from collections.abc import Sequence

from convcli.errors import SpecError
from convcli.nets.analysis.table import (
    COLUMNS,
    COUNTS,
    LayerRecord,
    Settings,
    Totals,
    block,
)
from convcli.tables import Record, Share
from convcli.text import like


def with_shares(
    records: Sequence[LayerRecord], total: Totals, settings: Settings
) -> list[LayerRecord]:
    """Records with FLOPs, shares of the totals, and arithmetic intensity."""
    params, macs = total["params"] or 1, total["macs"] or 1
    return [
        {
            **record,
            "flops": 2 * record["macs"],
            "share": {"params": record["params"] / params, "macs": record["macs"] / macs},
            "intensity": 2 * record["macs"] * settings.batch / (record["traffic"] or 1),
        }
        for record in records
    ]


def selected(
    records: Sequence[LayerRecord], total: Totals, settings: Settings
) -> list[LayerRecord]:
    """The rows that are printed, in their order. Raises SpecError for types that do not occur.

    By default, the top rows are those with the most MACs.
    """
    selection = settings.selection
    known = list(dict.fromkeys(record["type"] for record in records))
    for type_ in selection.types:
        if type_ not in known:
            raise SpecError(f"--type {type_}: there are {', '.join(known)}{like(type_, known)}")
    rows = [record for record in records if record["type"] in (selection.types or known)]
    rows = with_shares(by_type(rows) if selection.by_type else rows, total, settings)
    sort = selection.sort or ("MACs" if selection.top else "")
    if sort:
        rows.sort(key=lambda record: -float(str(COLUMNS[sort](record))))
    return rows[: selection.top]


def by_type(records: Sequence[LayerRecord]) -> list[LayerRecord]:
    """The layers of each type as one, in order of appearance."""
    members: dict[str, list[LayerRecord]] = {}
    for record in records:
        members.setdefault(record["type"], []).append(record)
    return [
        {**block(type_, same), "type": type_, "layers": len(same)}
        for type_, same in members.items()
    ]


def type_records(records: Sequence[LayerRecord], total: Totals, settings: Settings) -> list[Record]:
    """The sums of the layers of each type, as JSON."""
    return [
        {
            "type": record["type"],
            "layers": record["layers"],
            **{count: record[count] for count in COUNTS},
            "flops": record["flops"],
            "share": record["share"],
        }
        for record in with_shares(by_type(records), total, settings)
    ]


def selected_footer(rows: Sequence[LayerRecord], total: Totals, count: int) -> dict[str, object]:
    """The sums of the rows that are printed, and the number of all layers."""
    layers = sum(record.get("layers", 1) for record in rows)
    label = "total" if layers == count else f"{layers} of {count:,}"
    sums = {key: sum(record[key] for record in rows) for key in COUNTS}
    return {
        "layer": label,
        "layers": layers,
        "params": sums["params"],
        "trainable": sums["trainable"],
        "frozen": sums["frozen"],
        "MACs": sums["macs"],
        "FLOPs": 2 * sums["macs"],
        "memory": sums["memory"],
        "params share": Share(sums["params"] / (total["params"] or 1)),
        "MACs share": Share(sums["macs"] / (total["macs"] or 1)),
    }
