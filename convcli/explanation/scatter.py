"""A transposed convolution as it is defined: every input cell stamps the kernel, times its value.

    z[i·s+d·u−p, j·s+d·v−p] += Σ_k x[i,j,k] · w[u,v,k]     Dumoulin & Visin 2016, §4

The part of a stamp on the padding p is cut off. The sums equal those of the convolution that
`steps.transposed` gives.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TypeVar

from convcli.explanation.lesson import (
    MAX_WINDOWS,
    SCHEMA,
    left_out_line,
    sentence,
    size_formulas,
)
from convcli.explanation.render import MAX_DRAWN, Line, Span, aligned, beside, grids
from convcli.explanation.steps import Spot, Walk, flipped
from convcli.explanation.values import (
    json_stack,
    json_value,
    row_text,
    stack_record,
    stack_text,
    times,
    total,
    value_text,
)
from convcli.numerals import Stack, Symbol, Value
from convcli.records import NamedTuple
from convcli.tables import Table
from convcli.text import counted

T = TypeVar("T")


class Stamp(NamedTuple):
    """What one input cell adds to the output."""

    cell: Spot
    x: tuple[Value, ...]
    """Its value in every channel."""
    positions: tuple[Spot, ...]
    """The position of each tap, in rows of the kernel; outside the output it is on the padding."""
    products: tuple[Value, ...]
    """Σ x·w over channels, in the same order."""
    sums: tuple[Value, ...]
    """The values at these positions afterwards."""


class ScatterLesson(NamedTuple):
    """A transposed convolution, stamp by stamp, or the stamp of the cell that is chosen."""

    walk: Walk
    chosen: Spot | None = None
    notes: tuple[str, ...] = ()
    every: bool = False
    """Whether the text has every stamp, however many there are."""

    @property
    def kernel(self) -> Stack:
        """The weights as they are stamped."""
        return flipped(self.walk.kernel)

    @property
    def canvas(self) -> tuple[range, range]:
        """Rows and columns that stamps or the output reach; the output's first is 0."""
        ranges = []
        for axis in self.walk.axes:
            first, last = axis.stamp(0)[0], axis.stamp(axis.cells - 1)[-1]
            ranges.append(range(min(first, 0), max(last + 1, axis.outputs)))
        return ranges[0], ranges[1]

    def is_kept(self, position: Spot) -> bool:
        """Whether a position belongs to the output."""
        return all(0 <= at < count for at, count in zip(position, self.walk.size, strict=True))

    @property
    def stamps(self) -> Iterator[Stamp]:
        """Of every input cell by rows, or of the chosen one, with what is there afterwards."""
        rows, columns = (axis.cells for axis in self.walk.axes)
        sums: dict[Spot, Value] = {}
        for cell in product(range(rows), range(columns)):
            stamp = self._stamp(cell, sums)
            if self.chosen in (None, cell):
                yield stamp

    def _stamp(self, cell: Spot, sums: dict[Spot, Value]) -> Stamp:
        x = tuple(grid[cell[0]][cell[1]] for grid in self.walk.input)
        rows, columns = self.walk.axes
        positions = tuple(product(rows.stamp(cell[0]), columns.stamp(cell[1])))
        weights = [tuple(w for row in grid for w in row) for grid in self.kernel]
        products = []
        start = 0 if self.walk.bias is None else self.walk.bias
        for tap, position in enumerate(positions):
            name = f"z[{position[0]},{position[1]}]"
            parts = [times(value, w[tap]) for value, w in zip(x, weights, strict=True)]
            # letters name their product; several channels of them, the output's cell
            products.append(parts[0] if len(parts) == 1 else total(parts, name))
            sums[position] = total((sums.get(position, start), products[-1]), name)
        return Stamp(
            cell, x, positions, tuple(products), tuple(sums[position] for position in positions)
        )

    @property
    def left_out(self) -> int:
        """How many stamps the text leaves out."""
        cells = self.walk.axes[0].cells * self.walk.axes[1].cells
        return cells - 2 if cells > MAX_WINDOWS and not (self.chosen or self.every) else 0

    @property
    def value(self) -> str:
        """The output as rows of numbers; or the chosen cell's products."""
        if self.chosen:
            (stamp,) = self.stamps
            return "\n".join(map(row_text, self._rows(stamp.products)))
        return stack_text(self.walk.output())

    @property
    def caption(self) -> str:
        return "; ".join(self.notes)

    def _rows(self, values: Sequence[T]) -> list[Sequence[T]]:
        """What is of the taps of a stamp, in rows of the kernel."""
        columns = self.walk.axes[1].window.kernel
        return [values[at : at + columns] for at in range(0, len(values), columns)]

    def table(self) -> Table:
        """One row per input cell."""
        rows: list[tuple[object, ...]] = []
        for stamp in self.stamps:
            first = ",".join(map(str, stamp.positions[0]))
            grid = "; ".join(map(row_text, self._rows(stamp.products)))
            rows.append((",".join(map(str, stamp.cell)), row_text(stamp.x), first, grid))
        return ("cell", "x", "stamp at", "stamp"), rows, ()

    def record(self) -> dict[str, object]:
        walk = self.walk
        size = dict(zip(("height", "width"), walk.size, strict=True))
        return {
            "schema": SCHEMA,
            "operation": walk.operation,
            "input": stack_record(walk.input),
            "kernel": stack_record(walk.given),
            "bias": None if walk.bias is None else json_value(walk.bias),
            "formulas": dict(zip(("rows", "columns"), size_formulas(walk), strict=True)),
            "output": size if self.chosen else {**size, "values": json_stack(walk.output())},
            "notes": list(self.notes),
            "stamps": [
                {
                    "cell": list(stamp.cell),
                    "x": list(map(json_value, stamp.x)),
                    "taps": [
                        {
                            "place": list(position),
                            "inside": self.is_kept(position),
                            "product": json_value(product),
                            "sum": json_value(value),
                        }
                        for position, product, value in zip(
                            stamp.positions, stamp.products, stamp.sums, strict=True
                        )
                    ],
                }
                for stamp in self.stamps
            ],
        }

    def lines(self) -> Iterator[Line]:
        """The lesson as styled lines."""
        walk = self.walk
        for what, formula in zip(("height", "width "), size_formulas(walk), strict=True):
            yield [(f"{what}  ", "note"), (formula, "head")]
        yield [(sentence(walk), "head")]
        formula = "z[i·s_h+u−p_h, j·s_w+v−p_w, k] += Σ_k' x[i,j,k'] · w[u,v,k',k]"
        if max(axis.window.dilation for axis in walk.axes) > 1:
            formula = formula.replace("h+u", "h+d_h·u").replace("w+v", "w+d_w·v")
        yield [(formula, "note")]
        for note in self.notes:
            yield [(note, "note")]
        yield []
        yield from beside(grids("input", walk.input))
        yield []
        yield from beside(grids("kernel", self.kernel, "w"))
        yield []
        yield [("[ ]  ", "now"), ("a sum that the stamp has changed", "note")]
        if any(not self.is_kept(position) for position in product(*self.canvas)):
            yield [("( )  ", "padding"), ("falls on the padding, and is cut off", "note")]
        so_far: dict[Spot, Value] = {}
        last = tuple(axis.cells - 1 for axis in walk.axes)
        for stamp in self.stamps:
            if not self.chosen:
                so_far.update(zip(stamp.positions, stamp.sums, strict=True))
            if self.left_out and stamp.cell not in ((0, 0), last):
                if stamp.cell == (0, 1):
                    yield []
                    yield left_out_line(f"{counted(self.left_out, 'stamp')} more")
                continue
            yield []
            yield from self._step(stamp, so_far)

    def _step(self, stamp: Stamp, so_far: dict[Spot, Value]) -> Iterator[Line]:
        yield [(self.stamped(stamp), "head")]
        taps: list[list[Span]] = [
            [
                (f" {value_text(value)} ", "w")
                if self.is_kept(position)
                else (f"({value_text(value)})", "padding")
                for position, value in row
            ]
            for row in self._rows(list(zip(stamp.positions, stamp.products, strict=True)))
        ]
        blocks = [("stamp", aligned(taps))]
        rows, columns = self.walk.size
        if not self.chosen and max(rows, columns) <= MAX_DRAWN:
            start = 0 if self.walk.bias is None else self.walk.bias
            output: list[list[Span]] = [
                [
                    (f"[{value_text(so_far[row, column])}]", "now")
                    if (row, column) in stamp.positions
                    else (f" {value_text(so_far.get((row, column), start))} ", "sum")
                    for column in range(columns)
                ]
                for row in range(rows)
            ]
            blocks.append(("output so far", aligned(output)))
        yield from beside(blocks)

    def stamped(self, stamp: Stamp) -> str:
        """What a step is, in words.

        >>> from convcli.explanation.steps import transposed
        >>> lesson = ScatterLesson(transposed((((4,),),), (((1, 3),),)))
        >>> lesson.stamped(next(lesson.stamps))
        'x[0,0] = 4 stamps 4·w on row 0, columns 0 to 1'
        """
        name = f"x[{stamp.cell[0]},{stamp.cell[1]}]"
        (top, left), (bottom, right) = stamp.positions[0], stamp.positions[-1]
        where = ", ".join(
            f"{what} {first}" if first == last else f"{what}s {first} to {last}"
            for what, first, last in (("row", top, bottom), ("column", left, right))
        )
        values = ", ".join(map(value_text, stamp.x))
        if len(stamp.x) > 1:
            return f"{name} = ({values}) stamps its sum over channels on {where}"
        same = isinstance(stamp.x[0], Symbol) and str(stamp.x[0]) == name
        return f"{name}{'' if same else f' = {values}'} stamps {values}·w on {where}"
