"""A window walks over a picture: one record for every cell of the output.

A convolution reads the canvas: the input's cells with padding around them. A transposed
convolution is explained as the convolution that equals it (Dumoulin & Visin 2016, §4): the canvas
holds stride − 1 zeros between two cells of the input, and the flipped kernel walks over it cell by
cell.

Positions on the canvas are counted from the input's first cell: padding before it is negative.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import product

from convcli.borders import Border
from convcli.errors import UnfitError
from convcli.explanation.axis import Axis
from convcli.explanation.values import stack_of, times, total, value_text
from convcli.geometry import (
    Padding,
    Pair,
    Window,
    full_padding,
    pool_padding_refusal,
    resolve_padding,
    transposed_length,
    transposed_padding,
)
from convcli.numerals import Grid, Number, Stack, Symbol, Value, simplest
from convcli.records import NamedTuple

MAX_TERMS = 2_000_000
"""Products of one lesson; more is refused before any is computed."""

MAX_CANVAS = 4096
"""Positions on an axis: cells, padding, and zeros between cells."""

ZERO = Border()

Spot = tuple[int, int]
"""A row and a column."""


class Term(NamedTuple):
    """One product: a tap of the kernel and what it lies on."""

    tap: Spot
    position: Spot
    cell: Spot | None
    """The input's cell; None for a value that is none: padding, or a zero between cells."""
    x: Value
    w: Value

    @property
    def product(self) -> Value:
        return times(self.x, self.w)


class Step(NamedTuple):
    """How one output cell is computed: the terms of each channel, in the order of the kernel."""

    cell: Spot
    channels: tuple[tuple[Term, ...], ...]
    sums: tuple[Value, ...]
    """One per channel: Σ x·w, or what the pool takes."""
    bias: Value | None
    outputs: tuple[Value, ...]
    """The sum over channels and the bias; a pool has one per channel."""


class Walk(NamedTuple):
    """An operation on an input, with all that determines its steps."""

    operation: str
    axes: tuple[Axis, Axis]
    input: Stack
    kernel: Stack
    """The taps as they lie on the canvas: already flipped where they are to be. () for a pool."""
    given: Stack = ()
    """The kernel as it was given."""
    bias: Value | None = None
    border: Border = ZERO
    pool: str = ""
    turned: bool = False
    """Whether the kernel lies on the canvas turned by 180°."""

    @property
    def is_transposed(self) -> bool:
        return self.operation == "transposed convolution"

    @property
    def flip(self) -> bool:
        """Whether --flip is set; a transposed convolution turns the kernel without it."""
        return self.turned != self.is_transposed

    @property
    def padding(self) -> list[Pair]:
        """The padding of both axes as it is given."""
        return [a.cut if self.is_transposed else (a.before, a.after) for a in self.axes]

    @property
    def size(self) -> Spot:
        """Rows and columns of the output."""
        rows, columns = self.axes
        return rows.outputs, columns.outputs

    @property
    def terms(self) -> int:
        """Products of the complete walk."""
        rows, columns = self.size
        taps = self.axes[0].window.kernel * self.axes[1].window.kernel
        return rows * columns * taps * len(self.input)

    @property
    def cells(self) -> Iterator[Spot]:
        rows, columns = self.size
        return product(range(rows), range(columns))

    def step(self, cell: Spot) -> Step:
        """How one output cell is computed.

        >>> walk = convolution((((1, 2), (3, 4)),), (((1, 0), (0, 1)),))
        >>> walk.step((0, 0)).outputs
        (5,)
        """
        channels = tuple(tuple(self._terms(cell, channel)) for channel in range(len(self.input)))
        names = self.names(cell)
        if self.pool:
            sums = tuple(
                POOLS[self.pool](terms, name) for terms, name in zip(channels, names, strict=True)
            )
            return Step(cell, channels, sums, None, sums)
        symbolic = names[0]
        sums = tuple(
            total((term.product for term in terms), f"s{channel}")
            for channel, terms in enumerate(channels)
        )
        result = total(sums, symbolic)
        if isinstance(self.bias, Symbol) and not isinstance(result, Symbol):
            result = Symbol(f"{value_text(result)} + {self.bias}")
        elif self.bias is not None:
            result = total((result, self.bias), symbolic)
        return Step(cell, channels, sums, self.bias, (result,))

    def names(self, cell: Spot) -> tuple[str, ...]:
        """What the values of an output cell are called: `z[0,0]`, one per channel of a pool."""
        index = ",".join(map(str, cell))
        if self.pool and len(self.input) > 1:
            return tuple(f"z[{index},{c}]" for c in range(len(self.input)))
        return (f"z[{index}]",)

    def _terms(self, cell: Spot, channel: int) -> Iterator[Term]:
        rows, columns = (
            [(tap, at, axis.source(at, self.border)) for tap, at in enumerate(axis.taps(output))]
            for axis, output in zip(self.axes, cell, strict=True)
        )
        weights = self.kernel[channel] if self.kernel else None
        grid, outside = self.input[channel], self.border.value
        for i, row, source_row in rows:
            for j, column, source_column in columns:
                w = weights[i][j] if weights else 1
                if source_row is None or source_column is None:
                    yield Term((i, j), (row, column), None, outside, w)
                else:
                    x = grid[source_row][source_column]
                    yield Term((i, j), (row, column), (source_row, source_column), x, w)

    def source(self, position: Spot) -> Spot | None:
        """The input's cell that is read at a position, None where a value is."""
        row, column = (
            axis.source(at, self.border) for axis, at in zip(self.axes, position, strict=True)
        )
        return None if row is None or column is None else (row, column)

    def value(self, position: Spot, channel: int) -> Value:
        """What is read at a position: a cell's value, the border's, or a zero between cells."""
        source = self.source(position)
        if source is None:
            return self.border.value
        return self.input[channel][source[0]][source[1]]

    def output(self) -> Stack:
        """The complete output: one grid, or one per channel of a pool.

        Raises UnfitError for too many products.
        """
        self.check()
        outputs = {cell: self.step(cell).outputs for cell in self.cells}
        channels = len(outputs[0, 0])
        return stack_of(channels, *self.size, lambda c, i, j: outputs[i, j][c])

    def check(self) -> None:
        """Raises UnfitError for more products than are written out."""
        if self.terms > MAX_TERMS:
            rows, columns = self.size
            raise UnfitError(
                f"{rows}x{columns} outputs are {self.terms:,} products, more than "
                f"{MAX_TERMS:,}; give --cell ROW,COLUMN for one output"
            )

    def read(self) -> tuple[frozenset[int], frozenset[int]]:
        """The rows and the columns of the input that some window reads, through its border too."""
        return _read(self.axes[0], self.border), _read(self.axes[1], self.border)

    def unread(self) -> list[Spot]:
        """The input's cells that no window reads.

        >>> convolution((((1, 2, 3),),), (((1, 1),),), Geometry(stride=(1, 2))).unread()
        [(0, 2)]
        """
        rows, columns = self.read()
        return [
            (r, c)
            for r, c in product(range(self.axes[0].cells), range(self.axes[1].cells))
            if r not in rows or c not in columns
        ]


@lru_cache(maxsize=8)
def _read(axis: Axis, border: Border) -> frozenset[int]:
    """The cells of an axis that some window reads: needed anew for every frame that is drawn."""
    positions = {position for output in range(axis.outputs) for position in axis.taps(output)}
    sources = (axis.source(position, border) for position in positions)
    return frozenset(cell for cell in sources if cell is not None)


def _extreme(
    pick: Callable[[list[Number]], Number], empty: str, terms: tuple[Term, ...], name: str
) -> Value:
    values = [term.x for term in terms if term.cell is not None]
    numbers = [value for value in values if not isinstance(value, Symbol)]
    if not values:
        return Symbol(empty)
    return pick(numbers) if len(numbers) == len(values) else Symbol(name)


def _mean(terms: tuple[Term, ...], name: str) -> Value:
    from fractions import Fraction

    value = total((term.x for term in terms), name)
    return value if isinstance(value, Symbol) else simplest(value * Fraction(1, len(terms)))


POOLS: dict[str, Callable[[tuple[Term, ...], str], Value]] = {
    "max": partial(_extreme, max, "-inf"),
    "min": partial(_extreme, min, "inf"),
    "avg": _mean,
}
"""The value that a pool takes from a window. Padding is never the maximum or minimum; in a mean it
is 0."""


def flipped(stack: Stack) -> Stack:
    """Every grid turned by 180°.

    >>> flipped((((1, 2), (3, 4)),))
    (((4, 3), (2, 1)),)
    """
    return tuple(tuple(row[::-1] for row in grid[::-1]) for grid in stack)


class Geometry(NamedTuple):
    """How a window moves: one value per axis."""

    stride: Spot = (1, 1)
    padding: tuple[Padding, Padding] = ((0, 0), (0, 0))
    dilation: Spot = (1, 1)
    extra: Spot = (0, 0)
    """Rows and columns more at the end of a transposed convolution: output padding."""


def convolution(
    x: Stack,
    kernel: Stack,
    geometry: Geometry = Geometry(),  # noqa: B008  an immutable record
    bias: Value | None = None,
    flip: bool = False,
    border: Border = ZERO,
) -> Walk:
    """The kernel over the input as drawn (cross-correlation), or flipped (convolution).

    One filter spans all channels of the input. Raises UnfitError where the window does not fit.

    >>> x, w = ((1, 2, 3), (0, 1, 5), (1, 0, 2)), ((1, 0, 1), (0, 1, 0), (1, 0, 1))
    >>> walk = convolution((x,), (w,))
    >>> walk.output()
    (((8,),),)
    """
    used = flipped(kernel) if flip else kernel
    operation = "convolution" if flip else "cross-correlation"
    _check_channels(x, kernel)
    axes = _axes(x[0], (len(kernel[0]), len(kernel[0][0])), geometry, _window_axis)
    if border.name == "valid" and any(axis.before or axis.after for axis in axes):
        raise UnfitError("the border valid adds no cells: leave padding out")
    return Walk(operation, axes, x, used, kernel, bias, border, turned=flip)


def transposed(
    x: Stack,
    kernel: Stack,
    geometry: Geometry = Geometry(),  # noqa: B008
    bias: Value | None = None,
    flip: bool = False,
) -> Walk:
    """The transposed convolution, as the convolution of the spread and padded input.

    >>> transposed((((1, 2),),), (((1, 1, 1),),), Geometry(stride=(1, 2))).output()
    (((1, 1, 3, 2, 2),),)
    """
    _check_channels(x, kernel)
    axes = _axes(x[0], (len(kernel[0]), len(kernel[0][0])), geometry, _transposed_axis)
    used = kernel if flip else flipped(kernel)
    return Walk("transposed convolution", axes, x, used, kernel, bias, turned=not flip)


def pooling(x: Stack, kind: str, kernel: Spot, geometry: Geometry) -> Walk:
    """A pool, which looks at every channel by itself.

    >>> pooling((((1, 3), (0, 2)),), "max", (2, 2), Geometry()).output()
    (((3,),),)
    """
    axes = _axes(x[0], kernel, geometry, _window_axis)
    for axis in axes:
        refusal = pool_padding_refusal(axis.window, (axis.before, axis.after))
        if refusal:
            raise UnfitError(refusal)
    return Walk(f"{kind} pool", axes, x, (), pool=kind)


def _axes(
    grid: Grid, kernel: Spot, geometry: Geometry, axis_of: Callable[..., Axis]
) -> tuple[Axis, Axis]:
    lengths = len(grid), len(grid[0])
    values = zip(lengths, kernel, *geometry, strict=True)
    rows, columns = (_bounded(axis_of(*value)) for value in values)
    return rows, columns


def _window_axis(
    length: int, taps: int, stride: int, padding: Padding, dilation: int, _extra: int
) -> Axis:
    window = Window(taps, stride, dilation)
    axis = Axis(length, window, *resolve_padding(padding, length, window))
    _ = axis.outputs  # refuses what does not fit
    return axis


def _transposed_axis(
    length: int, taps: int, stride: int, padding: Padding, dilation: int, extra: int
) -> Axis:
    window = Window(taps, stride, dilation)
    cut, extra = transposed_padding(padding, window, extra)
    transposed_length(length, window, cut, extra)  # refuses what does not fit
    before, after = full_padding(window, cut)
    return Axis(length, window._replace(stride=1), before, after + extra, stride, extra)


def _bounded(axis: Axis) -> Axis:
    """An axis that is short enough to visit every position."""
    if len(axis.drawn) > MAX_CANVAS:
        raise UnfitError(
            f"the input with all that is around it is {len(axis.drawn):,} cells long; at most "
            f"{MAX_CANVAS:,} are explained"
        )
    return axis


def _check_channels(x: Stack, kernel: Stack) -> None:
    if len(x) != len(kernel):
        raise UnfitError(
            f"the input has {len(x)} channels, the kernel {len(kernel)}: a filter spans all "
            f"channels of its input"
        )
