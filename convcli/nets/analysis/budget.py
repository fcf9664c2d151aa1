"""Figures of a network by name, compared with expected values."""

from collections.abc import Sequence
from math import ceil

from convcli.callsyntax import brief
from convcli.errors import SpecError
from convcli.nets.analysis.mac_rules import RULES
from convcli.nets.analysis.summary import SCHEMA, Summary
from convcli.nets.analysis.table import Settings, totals
from convcli.nets.layers import size_text
from convcli.records import NamedTuple
from convcli.tables import Listing
from convcli.text import like

Expectation = tuple[str, str, str]
"""A figure's name, a relation, and a value: `("conv1.macs", "<=", "1500")`."""


class Check(NamedTuple):
    """An expectation and the actual figure."""

    name: str
    relation: str
    value: str
    figure: str

    @property
    def holds(self) -> bool:
        """Whether the figure is as expected; a bound may be a fraction."""
        from fractions import Fraction

        match self.relation:
            case "<=":
                return int(self.figure) <= Fraction(self.value)
            case "<":
                return int(self.figure) < Fraction(self.value)
            case ">=":
                return int(self.figure) >= Fraction(self.value)
            case ">":
                return int(self.figure) > Fraction(self.value)
        return self.figure == self.value


def figures(summary: Summary, settings: Settings, names: Sequence[str], flag: str) -> list[str]:
    """Figures of the network, or of a layer: `params`, `conv1.output`.

    Raises SpecError, which names the option `flag`, for an unknown name.
    """
    total = totals(summary, settings)
    known = {name: str(value) for name, value in total.items() if isinstance(value, int)} | {
        "output": size_text(summary.output),
        "input": size_text(summary.input),
        "layers": str(len(summary.rows)),
        "memory": str(total["memory"]["forward"]),
    }
    rows = {row.name: row for row in summary.rows}
    values = []
    for name in names:
        layer, _, quantity = name.rpartition(".")
        of_layer = known
        if layer in rows:
            row = rows[layer]
            of_layer = {
                "params": str(row.params),
                "macs": str(RULES[settings.rule].count(row)),
                "output": size_text(row.output),
            }
            field = "x".join(str(ceil(axis.size)) for axis in row.receptive_field)
            of_layer |= {"receptive_field": field} if field else {}
        elif layer:
            raise SpecError(f"{flag}: no layer is called {brief(layer)}{like(layer, rows)}")
        if quantity not in of_layer:
            hint = like(quantity, of_layer)
            raise SpecError(f"{flag} knows {', '.join(of_layer)}, not {brief(quantity)}{hint}")
        values.append(of_layer[quantity])
    return values


def checks(
    summary: Summary, settings: Settings, expectations: Sequence[Expectation]
) -> tuple[Check, ...]:
    """Every expectation with the actual figure. Raises SpecError for a bound of a size."""
    values = figures(summary, settings, [name for name, _, _ in expectations], "--expect")
    every = tuple(
        Check(*expectation, figure)
        for expectation, figure in zip(expectations, values, strict=True)
    )
    for check in every:
        if check.relation != "=" and not check.figure.isdigit():
            quantity = check.name.rpartition(".")[2]
            raise SpecError(
                f"--expect: {quantity} is a size, {check.figure}; {check.relation} is for numbers"
            )
    return every


def checks_listing(every: Sequence[Check]) -> Listing:
    """A table of expected and actual values."""
    rows = [
        (
            check.name,
            f"{check.relation} {_grouped(check.value)}",
            _grouped(check.figure),
            "yes" if check.holds else "NO",
        )
        for check in every
    ]
    return Listing("", (("expected of", "to be", "it is", "met"), rows, ()), {})


def _grouped(figure: str) -> str:
    """A number for people; a size as it is."""
    return f"{int(figure):,}" if figure.isdigit() else figure


def figures_listing(names: Sequence[str], values: Sequence[str]) -> Listing:
    """Figures by name: for scripts their values alone, one per line."""
    numbers = [int(value) if value.isdigit() else value for value in values]
    record = {"schema": SCHEMA, "figures": dict(zip(names, numbers, strict=True))}
    return Listing(
        values, (("figure", "value"), list(zip(names, numbers, strict=True)), ()), record
    )
