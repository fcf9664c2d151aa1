"""Network × input shape → rows, totals, warnings: one walk over the nodes, in order."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from convcli.errors import UnfitError
from convcli.nets.geometry import Fit, Reception
from convcli.nets.layers import AXES, Shape, size_text
from convcli.nets.network import INPUT, Network

SCHEMA = 1
"""The number of the JSON form; it grows when a field changes its meaning or goes away."""


class Row(NamedTuple):
    """What one node takes, gives and costs; one Reception and one unread count an axis."""

    name: str
    type: str
    input: Shape
    output: Shape
    params: int
    macs: int
    reception: tuple[Reception, ...]
    unread: tuple[int, ...]


class Summary(NamedTuple):
    """Exact figures of a network for one image of a given shape."""

    input: Shape
    rows: tuple[Row, ...]
    warnings: tuple[str, ...]

    @property
    def output(self) -> Shape:
        return self.rows[-1].output if self.rows else self.input

    @property
    def params(self) -> int:
        return sum(row.params for row in self.rows)

    @property
    def macs(self) -> int:
        return sum(row.macs for row in self.rows)

    @property
    def value(self) -> str:
        """The output size, H×W×C."""
        return size_text(self.output)

    def table(self) -> tuple[Sequence[str], Sequence[Sequence[object]], Sequence[object]]:
        """A row a layer; the footer holds the totals."""
        rows = [
            (
                row.name,
                row.type,
                size_text(row.output),
                row.params,
                row.macs,
                "x".join(str(seen.size) for seen in row.reception),
                "x".join(map(str, row.unread)),
            )
            for row in self.rows
        ]
        columns = ("layer", "type", "output", "params", "MACs", "receptive field", "unread")
        return columns, rows, ("total", "", self.value, self.params, self.macs, "", "")

    def record(self) -> dict[str, Any]:
        """The summary as plain data with named fields and exact integers."""
        return {
            "schema": SCHEMA,
            "input": named_sizes(self.input),
            "output": named_sizes(self.output),
            "layers": [
                {
                    "name": row.name,
                    "type": row.type,
                    "input": named_sizes(row.input),
                    "output": named_sizes(row.output),
                    "params": row.params,
                    "macs": row.macs,
                    "receptive_field": named_axes(tuple(r.size for r in row.reception)),
                    "jump": named_axes(tuple(r.jump for r in row.reception)),
                    "unread": named_axes(row.unread),
                }
                for row in self.rows
            ],
            "totals": {"params": self.params, "macs": self.macs},
            "warnings": list(self.warnings),
        }


def summarize(network: Network, shape: Shape) -> Summary:
    """Walk a network for one image of `shape`, which is `(channels, height, width)`.

    >>> from convcli.nets.network import sequential
    >>> from convcli.nets.layers import Conv
    >>> conv = Conv(6, (5, 5), (1, 1), ((0, 0), (0, 0)))
    >>> summary = summarize(sequential([conv]), (1, 32, 32))
    >>> summary.output, summary.params, summary.macs
    ((6, 28, 28), 156, 117600)

    Raises UnfitError, which names the node, when a layer does not fit what it meets.
    """
    start = tuple(Reception() for _ in shape[1:])
    known = {INPUT: (shape, start)}
    rows: list[Row] = []
    warnings: list[str] = []
    for name, layer, inputs in network.nodes:
        taken, reception = known[inputs[0]]
        try:
            measure = layer.measure(taken)
        except UnfitError as misfit:
            raise UnfitError(f"{name}: {misfit}") from None
        fits: list[Fit] = []
        if measure.windows:
            axes = zip(taken[1:], measure.windows, strict=True)
            fits = [Fit(length, window, padding) for length, (window, padding) in axes]
            reception = tuple(
                seen.through(fit.window, fit.padding[0])
                for seen, fit in zip(reception, fits, strict=True)
            )
        rows.append(
            Row(
                name,
                layer.type,
                taken,
                measure.output,
                measure.params,
                measure.macs,
                reception,
                tuple(fit.unread for fit in fits) or (0,) * len(reception),
            )
        )
        warnings += (f"{name}: {warning}" for warning in fit_warnings(fits))
        known[name] = measure.output, reception
    return Summary(shape, tuple(rows), tuple(warnings))


CELLS: dict[int, tuple[str, ...]] = {
    1: ("position",),
    2: ("row", "column"),
    3: ("slice", "row", "column"),
}
"""What one cell of each axis is called, by how many axes there are."""


def fit_warnings(fits: Sequence[Fit]) -> Iterator[str]:
    """What a layer never reads and what would fit; axes that agree share a sentence.

    >>> from convcli.nets.geometry import Window
    >>> fit = Fit(224, Window(11, stride=4), (0, 0))
    >>> [warning.split(";")[0] for warning in fit_warnings((fit, fit))]
    ['54.25 → 54: the last row and column are never read']
    """
    agreeing: dict[Fit, list[str]] = {}
    for fit, cell in zip(fits, CELLS.get(len(fits), ()), strict=False):
        agreeing.setdefault(fit, []).append(cell)
    for fit, cells in agreeing.items():
        if fit.unread:
            yield _unread_warning(fit, cells)
        skipped = fit.window.stride - fit.window.reach
        if skipped > 0 and fit.output > 1:
            yield (
                f"between windows, {skipped} of every {_plural(cells, fit.window.stride)} are "
                f"never read: the stride {fit.window.stride} is longer than the kernel's reach "
                f"{fit.window.reach}"
            )


def _unread_warning(fit: Fit, cells: list[str]) -> str:
    one = fit.unread == 1
    lost = " and ".join(cells) if one else _plural(cells, fit.unread)
    shorter, longer = fit.exact_inputs
    before, after = fit.exact_padding
    more = fit.output + 1
    text = (
        f"{fit.quotient} → {fit.output}: the last {lost} "
        f"{'is' if one and len(cells) == 1 else 'are'} never read; an input of {shorter} "
        f"(→ {fit.output}) or {longer} (→ {more}) fits exactly, pads ({before},{after}) "
        f"→ {more} do too"
    )
    if before != after:
        text += f", and padding {fit.even_padding} → {more}"
    return text


def _plural(cells: list[str], count: int) -> str:
    return f"{count} " + " and ".join(cell + "s" for cell in cells)


def named_axes(values: tuple[int, ...]) -> dict[str, int]:
    """One value an axis, by the axis's name.

    >>> named_axes((3, 5))
    {'height': 3, 'width': 5}
    """
    return dict(zip(AXES[len(values)], values, strict=True))


def named_sizes(shape: Shape) -> dict[str, int]:
    """A shape as named fields.

    >>> named_sizes((3, 224, 224))
    {'height': 224, 'width': 224, 'channels': 3}
    """
    return {**named_axes(shape[1:]), "channels": shape[0]}
