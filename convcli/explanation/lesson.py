"""A convolution or a pool as a lesson: the lines, the table and the record of its steps."""

from collections.abc import Iterator

from convcli.errors import UnfitError
from convcli.explanation.axis import Axis
from convcli.explanation.render import (
    MAX_DRAWN,
    Frame,
    Line,
    beside,
    canvases,
    frame,
    grid_lines,
    grids,
    legend,
    sum_lines,
    text,
)
from convcli.explanation.steps import Spot, Step, Walk
from convcli.explanation.values import (
    json_stack,
    json_value,
    row_text,
    stack_of,
    stack_record,
    stack_text,
    table_value,
)
from convcli.geometry import Fit, transposed_formula
from convcli.numerals import Symbol, Value
from convcli.records import NamedTuple
from convcli.tables import Table
from convcli.text import counted

SCHEMA = 1
"""The number of the JSON form; it grows when a field changes its meaning or goes away."""

FORMULAS = {
    "cross-correlation": "z[i,j,k] = b[k] + Σ_u Σ_v Σ_k' x[i·s_h+u, j·s_w+v, k'] · w[u,v,k',k]",
    "convolution": "z[i,j,k] = b[k] + Σ_u Σ_v Σ_k' x[i·s_h+u, j·s_w+v, k'] · w[u,v,k',k]",
    "transposed convolution": (
        "z[i·s_h+u, j·s_w+v, k] = b[k] + Σ x[i,j,k'] · w[u,v,k',k]: zeros between the cells, "
        "and the flipped kernel over them"
    ),
}
"""Goodfellow, Bengio & Courville 2016, §9.1, with strides; Dumoulin & Visin 2016, §4."""


MAX_WINDOWS = 100
"""Of more windows, the first and the last are written out, unless all are asked for."""


class Lesson(NamedTuple):
    """A walk, cell by cell, or the one cell that is chosen."""

    walk: Walk
    chosen: Spot | None = None
    notes: tuple[str, ...] = ()
    """Where the numbers are from: seeds, crops."""
    every: bool = False
    """Whether the text has every window, however many there are."""

    @property
    def cells(self) -> Iterator[Spot]:
        return iter([self.chosen]) if self.chosen else self.walk.cells

    @property
    def steps(self) -> Iterator[Step]:
        if not self.chosen:
            self.walk.check()
        return map(self.walk.step, self.cells)

    @property
    def left_out(self) -> int:
        """The number of windows that the text leaves out."""
        rows, columns = self.walk.size
        is_long = rows * columns > MAX_WINDOWS and not (self.chosen or self.every)
        return rows * columns - 2 if is_long else 0

    @property
    def written(self) -> Iterator[Step | None]:
        """The steps of the text; None stands for those that it leaves out."""
        if not self.left_out:
            yield from self.steps
            return
        rows, columns = self.walk.size
        yield self.walk.step((0, 0))
        yield None
        yield self.walk.step((rows - 1, columns - 1))

    @property
    def value(self) -> str:
        """The output as rows of numbers, channels apart by an empty line; or the chosen cell's."""
        if self.chosen:
            return row_text(self.walk.step(self.chosen).outputs)
        return stack_text(self.walk.output())

    @property
    def caption(self) -> str:
        return "; ".join(self.notes)

    def table(self) -> Table:
        """One row per output cell, and per channel of a pool."""
        rows: list[tuple[object, ...]] = []
        for step in self.steps:
            lines = [text(line) for line in sum_lines(self.walk, step)]
            corner = ",".join(
                str(a.taps(at)[0]) for a, at in zip(self.walk.axes, step.cell, strict=True)
            )
            spot = ",".join(map(str, step.cell))
            if self.walk.pool:
                values = zip(lines, step.outputs, strict=True)
                rows += [(spot, corner, line, table_value(value)) for line, value in values]
            else:
                rows.append((spot, corner, "; ".join(lines), table_value(step.outputs[0])))
        return ("cell", "window at", "sum", "value"), rows, ()

    def record(self) -> dict[str, object]:
        walk = self.walk
        size = dict(zip(("height", "width"), walk.size, strict=True))
        return {
            "schema": SCHEMA,
            "operation": walk.operation,
            "input": stack_record(walk.input),
            "kernel": stack_record(walk.given) if walk.given else None,
            "bias": None if walk.bias is None else json_value(walk.bias),
            "border": walk.border.text,
            "axes": {
                name: {
                    **axis.window._asdict(),
                    "before": axis.before,
                    "after": axis.after,
                    "spread": axis.spread,
                }
                for name, axis in zip(("rows", "columns"), walk.axes, strict=True)
            },
            "formulas": dict(zip(("rows", "columns"), size_formulas(walk), strict=True)),
            "unread": [list(spot) for spot in walk.unread()],
            "output": size if self.chosen else {**size, "values": json_stack(walk.output())},
            "notes": list(self.notes),
            "steps": [_step_record(step) for step in self.steps],
        }

    def lines(self) -> Iterator[Line]:
        """The lesson as styled lines."""
        yield from self.head()
        view = frame(self.walk)
        is_complete = all(
            len(axis.drawn) == len(part) for axis, part in zip(self.walk.axes, view, strict=True)
        )
        so_far: dict[Spot, tuple[Value, ...]] = {}
        for step in self.written:
            yield []
            if step is None:
                yield left_out_line(counted(self.left_out, "more window"))
                continue
            so_far[step.cell] = step.outputs
            around = view if is_complete else frame(self.walk, step.cell)
            yield from self._step(step, so_far, around)
        if not (self.chosen or self.left_out):
            yield []
            yield from beside(grids("output", self.walk.output(), "sum"))

    def head(self) -> Iterator[Line]:
        """The arithmetic of the sizes, the operation, the input and the kernel."""
        walk = self.walk
        height, width = size_formulas(walk)
        yield [("height, width  " if height == width else "height  ", "note"), (height, "head")]
        if height != width:
            yield [("width   ", "note"), (width, "head")]
        yield [(sentence(walk), "head")]
        if not walk.pool:
            yield [(formula(walk), "note")]
        for note in self.notes:
            yield [(note, "note")]
        yield []
        view = frame(walk)
        inputs = canvases(walk, None, view)
        yield from beside([(f"input {name}".rstrip(), block) for name, block in inputs])
        if any(len(part) < len(axis.drawn) for part, axis in zip(view, walk.axes, strict=True)):
            rows, columns = view
            part = f"rows {rows[0]} to {rows[-1]}, columns {columns[0]} to {columns[-1]} are drawn"
            yield [(f"{part}, then the surroundings of each window", "note")]
        if walk.given:
            yield []
            kernels = [grids("kernel", walk.given, "w")]
            if walk.turned:
                kernels.append(grids("flipped", walk.kernel, "w"))
            yield from beside(
                [block for channel in zip(*kernels, strict=True) for block in channel]
            )
        yield []
        yield from legend(walk)

    def _step(
        self, step: Step, so_far: dict[Spot, tuple[Value, ...]], view: Frame
    ) -> Iterator[Line]:
        walk = self.walk
        spot = ",".join(map(str, step.cell))
        blocks = canvases(walk, step, view)
        if len(blocks) > 1:
            yield [(f"z[{spot}]", "head")]
        else:
            blocks = [(f"z[{spot}]", blocks[0][1])]
        rows, columns = walk.size
        if not (self.chosen or self.left_out) and max(walk.size) <= MAX_DRAWN:
            unknown = (Symbol("."),) * len(step.outputs)
            known = stack_of(
                len(step.outputs), rows, columns, lambda c, i, j: so_far.get((i, j), unknown)[c]
            )
            blocks += [(" ", grid_lines(grid, now=step.cell)) for grid in known]
        yield from beside(blocks)
        yield from sum_lines(walk, step)


def left_out_line(more: str) -> Line:
    """The line in place of what a text leaves out."""
    return [(f"… {more}: --all shows them, --cell ROW,COLUMN one …", "note")]


def size_formulas(walk: Walk) -> tuple[str, str]:
    """The formulas of the output's rows and columns, with the numbers in place."""

    def formula(axis: Axis) -> str:
        if not walk.is_transposed:
            return Fit(axis.cells, axis.window, (axis.before, axis.after)).formula
        window = axis.window._replace(stride=axis.stride)
        return transposed_formula(axis.cells, window, axis.cut, axis.extra)

    rows, columns = map(formula, walk.axes)
    return rows, columns


def sentence(walk: Walk) -> str:
    """A sentence on the operation, in numbers.

    >>> from convcli.explanation.steps import convolution
    >>> sentence(convolution((((1, 2),),), (((1,),),)))
    'cross-correlation: input 1x2, kernel 1x1, stride 1, padding 0: output 1x2'
    """
    channels = f"x{len(walk.input)}" if len(walk.input) > 1 else ""
    rows, columns = walk.size
    row_axis, column_axis = walk.axes
    # a filter spans all channels and makes one; a pool's window looks at each, and keeps them
    of_kernel, of_output = ("", channels) if walk.pool else (channels, "")
    parts = [
        f"input {row_axis.cells}x{column_axis.cells}{channels}",
        f"kernel {row_axis.window.kernel}x{column_axis.window.kernel}{of_kernel}",
        f"stride {per_axis(row_axis.stride, column_axis.stride)}",
        f"padding {padding_text(walk.padding)}",
    ]
    if row_axis.extra or column_axis.extra:
        parts.append(f"output padding {per_axis(row_axis.extra, column_axis.extra)}")
    if max(row_axis.window.dilation, column_axis.window.dilation) > 1:
        parts.append(f"dilation {per_axis(row_axis.window.dilation, column_axis.window.dilation)}")
    if walk.border.name != "zero":
        parts.append(f"border {walk.border.text}")
    kernel = ", kernel flipped" if walk.flip else ""
    return f"{walk.operation}: {', '.join(parts)}{kernel}: output {rows}x{columns}{of_output}"


def formula(walk: Walk) -> str:
    """The definition in the field's symbols, with the dilation where there is one."""
    text = FORMULAS[walk.operation]
    if walk.flip:
        text = text.replace("k',k]", "k',k], w flipped")
        text = text.replace("the flipped kernel over them", "the kernel over them as given")
    if max(axis.window.dilation for axis in walk.axes) > 1:
        text = text.replace("s_h+u", "s_h+d_h·u").replace("s_w+v", "s_w+d_w·v")
    return text


def per_axis(rows: int, columns: int) -> str:
    """One number for both axes where they agree, else both."""
    return str(rows) if rows == columns else f"{rows}x{columns}"


def padding_text(pads: list[tuple[int, int]]) -> str:
    """Padding as the command line takes it.

    >>> padding_text([(1, 1), (1, 1)]), padding_text([(0, 1), (0, 1)])
    ('1', '0,1,0,1')
    """
    if all(before == after for before, after in pads):
        return per_axis(pads[0][0], pads[1][0])
    return ",".join(f"{before},{after}" for before, after in pads)


def _step_record(step: Step) -> dict[str, object]:
    return {
        "cell": list(step.cell),
        "channels": [
            {
                "terms": [
                    {
                        "tap": list(term.tap),
                        "place": list(term.position),
                        "cell": None if term.cell is None else list(term.cell),
                        "x": json_value(term.x),
                        "w": json_value(term.w),
                        "product": json_value(term.product),
                    }
                    for term in terms
                ],
                "sum": json_value(value),
            }
            for terms, value in zip(step.channels, step.sums, strict=True)
        ],
        "bias": None if step.bias is None else json_value(step.bias),
        "values": [json_value(value) for value in step.outputs],
    }


def check_cell(walk: Walk, cell: Spot | None, is_stamp: bool = False) -> None:
    """Raises UnfitError for too many products, or for a cell that is not there.

    It is one of the output, or of the input where that stamps.
    """
    if cell is None or is_stamp:
        walk.check()
    row, column = cell or (0, 0)
    size = tuple(axis.cells for axis in walk.axes) if is_stamp else walk.size
    whose = "with --scatter a cell of the input, which has" if is_stamp else "the output has"
    for at, count, what in zip((row, column), size, ("row", "column"), strict=True):
        if at >= count:
            raise UnfitError(
                f"--cell {row},{column}: {whose} {counted(count, what)}, 0 to {count - 1}"
            )
