"""The arithmetic of a network with its numbers in place: output lengths, parameters, MACs, fields.

A formula is text that a reader can check with a pencil; LaTeX follows from it. Some figures have no
formula here, such as an LSTM's MACs or a shape that a program computed.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import ceil, floor, prod
from textwrap import wrap

from convcli.geometry import (
    Fit,
    Pair,
    ReceptiveField,
    Window,
    begins_behind,
    resolve_padding,
    transposed_formula,
    transposed_length,
    transposed_padding,
)
from convcli.nets.analysis.summary import Row, Summary, named_axes
from convcli.nets.analysis.table import Figures
from convcli.nets.graph import INPUT
from convcli.nets.layers import (
    AXES,
    AdaptivePool,
    Concat,
    Conv,
    Depthwise,
    Layer,
    Linear,
    Norm,
    Pad,
    PixelShuffle,
    Pool,
    Reshape,
    Separable,
    Shape,
    Slot,
    TransposedConv,
    Upsample,
    size_text,
    slots_of,
)
from convcli.nets.layers.tensor_ops import Each, Free, Single
from convcli.records import NamedTuple
from convcli.tables import Math, Record, Table
from convcli.text import decimal, safe

MAX_TERMS = 12
"""The total of more layers than this is summed by type."""

WIDTH = 80
"""Maximum columns of a line of text; a longer formula continues on the next line."""

Number = int | Fraction


class Formula(NamedTuple):
    """How one figure of a layer is computed.

    >>> str(Formula("macs", (), "55·55·96·(11·11·3)", 105_415_200))
    '55·55·96·(11·11·3) = 105,415,200'
    """

    quantity: str
    """The field of JSON that it computes: output, params, macs, receptive_field, jump."""
    axes: tuple[str, ...]
    """The axes that share it; none for a count."""
    expression: str
    value: Number
    between: str = " = "
    """The unrounded number between expression and value, if the value is rounded."""

    def __str__(self) -> str:
        value = f"{self.value:,}" if isinstance(self.value, int) else f"{self.value}"
        return f"{self.expression}{self.between}{value}"

    @property
    def label(self) -> str:
        """The figure in words.

        >>> Formula("output", ("height", "width"), "", 1).label, Formula("macs", (), "", 1).label
        ('height, width', 'MACs')
        """
        words = {"params": "parameters", "macs": "MACs"}
        stem = words.get(self.quantity, self.quantity.replace("_", " "))
        axes = ", ".join(self.axes)
        return axes if self.quantity == "output" else f"{stem}, {axes}" if axes else stem

    @property
    def latex(self) -> str:
        r"""The formula in LaTeX's mathematics.

        >>> print(Formula("output", (), "(224 + 2·0 − 11)/4 + 1", 54, " = 54.25 → ").latex)
        \frac{224 + 2 \cdot 0 - 11}{4} + 1 = 54.25 \to 54
        """
        text = str(self)
        while (end := text.find(")/")) >= 0:
            start, depth = end, 1
            while depth:
                start -= 1
                depth += (text[start] == ")") - (text[start] == "(")
            below = re.match(r"[\d,]+", text[end + 2 :])
            assert below is not None
            fraction = f"\\frac{{{text[start + 1 : end]}}}{{{below[0]}}}"
            text = text[:start] + fraction + text[end + 2 + below.end() :]
        for sign, tex in SIGNS.items():
            text = text.replace(sign, tex)
        return re.sub(r"(?<=\d),(?=\d{3})", "{,}", text)

    def record(self) -> Record:
        """The formula as JSON."""
        return {
            "quantity": self.quantity,
            "axes": list(self.axes),
            "formula": str(self),
            "latex": self.latex,
            "value": self.value if isinstance(self.value, int) else float(self.value),
        }


SIGNS = {"·": r" \cdot ", "−": "-", "→": r"\to", "≈": r"\approx", "max(": r"\max("}


def _number(value: Number) -> str:
    return f"{value:,}" if isinstance(value, int) else f"({value})"


def _times(*factors: int | str) -> str:
    return "·".join(f"{n:,}" if isinstance(n, int) else n for n in factors)


def _rounded(value: Number, to: int) -> str:
    """The unrounded number between an expression and its rounded value."""
    return " = " if value == to else f" {decimal(value.numerator, value.denominator)} → "


def _window_formula(fit: Fit, is_ceil: bool = False) -> Formula:
    """The output length under a window.

    With `is_ceil`, ⌈…⌉, without a last window that begins after the input
    (`convcli.geometry.ceil_padding`).
    """
    quotient = Fraction(*fit.quotient)
    outputs = ceil(quotient) if is_ceil else floor(quotient)
    between = _rounded(quotient, outputs)
    if is_ceil and begins_behind(outputs, fit.window, fit.length + fit.padding[0]):
        between += f"{outputs:,} − 1 = "
        outputs -= 1
    return Formula("output", (), fit.expression, outputs, between)


def _transposed_formula(length: int, window: Window, cut: Pair, extra: int) -> Formula:
    expression, _, _ = transposed_formula(length, window, cut, extra).rpartition(" = ")
    return Formula("output", (), expression, transposed_length(length, window, cut, extra))


def _shared(quantity: str, formulas: Sequence[Formula | None]) -> Iterator[Formula]:
    """The formulas of the axes in turn, equal ones as one."""
    axes: dict[Formula, list[str]] = {}
    for axis, formula in named_axes(formulas).items():
        if formula is not None:
            axes.setdefault(formula, []).append(axis)
    for formula, names in axes.items():
        shared = () if quantity != "output" and len(names) == len(formulas) else tuple(names)
        yield formula._replace(quantity=quantity, axes=shared)


def _outputs(layer: Layer, inputs: Sequence[Shape], row: Row) -> Iterator[Formula]:
    """How the sizes of the output are computed, where arithmetic gives them."""
    shape = inputs[0]
    match layer:
        case Concat(axis=axis):
            name = "channels" if axis == 0 else AXES[len(row.output) - 1][axis - 1]
            terms = [each[axis] for each in inputs]
            text = " + ".join(f"{term:,}" for term in terms)
            yield Formula("output", (name,), text, sum(terms))
        case Reshape(shape=(-1,), start=0) if len(shape) > 1:
            yield Formula("output", ("channels",), _times(*shape[1:], shape[0]), prod(shape))
    yield from _shared("output", _lengths(layer, shape[1:], row))
    if isinstance(layer, PixelShuffle) and not layer.inverse:
        text = f"{shape[0]:,}/({layer.factor}·{layer.factor})"
        yield Formula("output", ("channels",), text, row.output[0])


def _lengths(layer: Layer, lengths: Shape, row: Row) -> Sequence[Formula | None]:
    """The formula of the output length on each axis; none where no window gives it."""
    output, windows = row.output[1:], row.measure.windows
    match layer:
        case Pad(padding=padding):
            sums = [
                f"{length:,}" + "".join(f" {'−' if end < 0 else '+'} {abs(end):,}" for end in ends)
                for length, ends in zip(lengths, padding, strict=True)
            ]
            return _formulas(sums, output)
        case TransposedConv(kernel=kernel, stride=stride, dilation=dilation):
            axes = map(Window, kernel, stride, dilation)
            return [
                _transposed_formula(length, window, *transposed_padding(pad, window, extra))
                for length, window, pad, extra in zip(
                    lengths, axes, layer.padding, layer.extra, strict=True
                )
            ]
        case Upsample(scale=scale) if scale:
            each = scale * len(lengths) if len(scale) == 1 else scale
            return [
                Formula("", (), f"{n:,}·{times:g}", to, _rounded(Fraction(times) * n, to))
                for n, times, to in zip(lengths, each, output, strict=True)
            ]
        case PixelShuffle(factor=factor, inverse=False):
            return _formulas([f"{n:,}·{factor}" for n in lengths], output)
        case Pool(ceil=True, kernel=kernel, stride=stride, dilation=dilation):
            axes = map(Window, kernel, stride, dilation)
            return [
                _window_formula(Fit(n, window, resolve_padding(padding, n, window)), is_ceil=True)
                for n, window, padding in zip(lengths, axes, layer.padding, strict=True)
            ]
    if isinstance(layer, AdaptivePool) or row.measure.upsampling or not windows:
        return ()
    return [_window_formula(Fit(n, *each)) for n, each in zip(lengths, windows, strict=True)]


def _formulas(expressions: Iterable[str], values: Sequence[int]) -> list[Formula | None]:
    return [Formula("", (), *each) for each in zip(expressions, values, strict=True)]


def _divided(count: int, groups: int) -> str:
    """A share of channels as it is computed: `48`, or `(96/2)`."""
    return f"{count:,}" if groups == 1 else f"({count * groups:,}/{groups:,})"


def _weights_of(slot: Slot, groups: int) -> str:
    """The values of one array of weights: kernel · channels · filters."""
    if slot.fill not in ("filters", "transposed") or len(slot.shape) < 2:
        return _times(*slot.shape)
    first, second, *kernel = slot.shape
    share = _divided(second, groups)
    return _times(*kernel, *((first, share) if slot.fill == "transposed" else (share, first)))


def _params(layer: Layer, shape: Shape, params: int) -> str:
    """The expression of a layer's parameters; "" where its arrays are not all of them."""
    if isinstance(layer, Each):
        return _params(layer.layer, shape[1:], params)
    groups = layer.groups if isinstance(layer, Conv | TransposedConv) else 1
    if isinstance(layer, Depthwise):
        groups = shape[0]
    if isinstance(layer, Conv) and layer.connections is not None:
        bias = f" + {layer.filters:,}" if layer.bias else ""
        return f"{_times(*layer.kernel, layer.connections)}{bias}"
    keeps = isinstance(layer, Norm) and layer.counted
    slots = [
        slot
        for role, slot in slots_of(layer, shape).items()
        if keeps or not role.startswith("running_")
    ]
    if sum(prod(slot.shape) for slot in slots) != params:
        return ""
    counts: dict[str, int] = {}
    for slot in slots:
        text = _weights_of(slot, groups)
        counts[text] = counts.get(text, 0) + 1
    return " + ".join(text if count == 1 else f"{count}·{text}" for text, count in counts.items())


def _macs(layer: Layer, shape: Shape, output: Shape) -> str:
    """The expression of a layer's MACs: every output times the weights that it uses."""
    match layer:
        case Depthwise():
            return _macs(layer.conv(shape[0]), shape, output)
        case Separable(depthwise=depthwise, pointwise=pointwise):
            middle = depthwise.measure(shape).output
            first, second = _macs(depthwise, shape, middle), _macs(pointwise, middle, output)
            return f"{first} + {second}"
        case Conv(connections=int(pairs)):
            return f"{_times(*output[1:])}·({_times(*layer.kernel, pairs)})"
        case Conv():
            share = _divided(shape[0] // layer.groups, layer.groups)
            return f"{_times(*output[1:], output[0])}·({_times(*layer.kernel, share)})"
        case TransposedConv():
            share = _divided(layer.filters // layer.groups, layer.groups)
            return f"{_times(*shape[1:], shape[0])}·({_times(*layer.kernel, share)})"
        case Linear():
            outputs, met = layer.slots(shape)["weight"].shape
            places = prod(shape) // met
            return _times(*([places] if places > 1 else []), met, outputs)
        case Each(layer=inner):
            item = inner.measure(shape[1:]).output
            text = _macs(inner, shape[1:], item)
            return text and f"{shape[0]:,}·({text})"
        case Free(layer=inner):
            return _macs(inner, shape, output)
        case Single(layer=inner):
            return _macs(inner, (1, *shape), inner.measure((1, *shape)).output)
    return ""


def _field_formulas(row: Row, before: Sequence[tuple[ReceptiveField, ...]]) -> Iterator[Formula]:
    """Receptive field and jump after a layer with windows, or one that joins or enlarges.

    size + dilation · (kernel − 1) · jump        jump · stride
    """
    after, measure = row.receptive_field, row.measure
    if not after or not before:
        return
    if len(before) > 1:
        sizes = [[axis.size for axis in axes] for axes in before if len(axes) == len(after)]
        joined = [
            _size_formula(f"max({', '.join(map(_number, each))})", axis)
            if len(set(each)) > 1 and max(each) == axis.size
            else None
            for each, axis in zip(zip(*sizes, strict=True), after, strict=False)
        ]
        yield from _shared("receptive_field", joined)
        return
    if not (measure.windows or measure.upsampling):
        return
    start = before[0] if len(before[0]) == len(after) else (ReceptiveField(),) * len(after)
    fields: list[Formula | None] = []
    jumps: list[Formula | None] = []
    windows = measure.windows or ((Window(1), (0, 0)),) * len(after)
    times = measure.upsampling or (1,) * len(after)
    for old, (window, pad), enlarged, new in zip(start, windows, times, after, strict=False):
        if old.through(window, pad[0]).enlarged(enlarged) != new:
            return  # depends on more than the layer before: blank rather than wrong
        spread = "" if window.dilation == 1 else f"{window.dilation:,}·"
        size, jump = _number(old.size), _number(old.jump)
        fields.append(_size_formula(f"{size} + {spread}({window.kernel:,} − 1)·{jump}", new))
        text = f"{jump}·{window.stride:,}" + (f"/{enlarged:,}" if enlarged > 1 else "")
        jumps.append(Formula("", (), text, new.jump))
    yield from _shared("receptive_field", fields)
    yield from _shared("jump", jumps)


def _size_formula(expression: str, field: ReceptiveField) -> Formula:
    # a field that ends within a cell contains all of it
    return Formula("", (), expression, ceil(field.size), _rounded(field.size, ceil(field.size)))


def row_formulas(row: Row, before: Sequence[tuple[ReceptiveField, ...]]) -> tuple[Formula, ...]:
    """The formulas of one layer, given the receptive fields of what it reads."""
    if not row.inputs:
        return ()
    layer, shape = row.node.layer, row.inputs[0]
    formulas = list(_outputs(layer, row.inputs, row))
    if row.params and (text := _params(layer, shape, row.params)):
        formulas.append(Formula("params", (), text, row.params))
    if row.macs and (text := _macs(layer, shape, row.output)):
        formulas.append(Formula("macs", (), text, row.macs))
    return (*formulas, *_field_formulas(row, before))


def formulas_by_layer(summary: Summary) -> dict[str, tuple[Formula, ...]]:
    """The formulas of every layer, by name; none for a layer without arithmetic."""
    fields = {INPUT: (ReceptiveField(),) * (len(summary.input) - 1)}
    formulas = {}
    for row in summary.rows:
        before = [fields[name] for name in row.node.inputs]
        fields[row.name] = row.receptive_field
        formulas[row.name] = row_formulas(row, before)
    return formulas


def total_formulas(summary: Summary) -> tuple[Formula, ...]:
    """The sums that give the totals: of the layers, or of their types if there are many layers."""
    formulas = []
    for quantity in ("params", "macs"):
        counts = {row.name: getattr(row, quantity) for row in summary.rows}
        terms = [count for count in counts.values() if count]
        if len(terms) > MAX_TERMS:
            by_type: dict[str, int] = {}
            for row in summary.rows:
                by_type[row.type] = by_type.get(row.type, 0) + counts[row.name]
            terms = [count for count in by_type.values() if count]
        if len(terms) > 1:
            text = " + ".join(f"{term:,}" for term in terms)
            formulas.append(Formula(quantity, (), text, sum(terms)))
    return tuple(formulas)


class Explained(NamedTuple):
    """Figures of a network with the formulas that give them."""

    figures: Figures

    @property
    def value(self) -> str | tuple[str, ...]:
        return self.figures.value

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.figures.warnings

    @property
    def caption(self) -> str:
        return self.figures.caption

    def table(self) -> Table:
        rows = [
            (name, formula.label, Math(str(formula), formula.latex))
            for name, formulas in self._parts()
            for formula in formulas
        ]
        return ("layer", "quantity", "formula"), rows, ()

    def record(self) -> Record:
        summary = self.figures.summary
        formulas = formulas_by_layer(summary)
        layers = [
            {**record, "formulas": [formula.record() for formula in formulas[record["name"]]]}
            for record in self.figures.layers
        ]
        totals = [formula.record() for formula in total_formulas(summary)]
        return {**self.figures.record(), "layers": layers, "formulas": totals}

    def lines(self) -> Iterator[list[tuple[str, str]]]:
        """A block per layer: its input and output, and one line per formula."""
        heads = {row.name: _head(row) for row in self.figures.summary.rows}
        parts = list(self._parts())
        labels = [formula.label for _, formulas in parts for formula in formulas]
        width = 2 + max(map(len, labels), default=0)
        for name, formulas in parts:
            yield [(safe(name), "bold"), (heads.get(name, ""), "")]
            for formula in formulas:
                for number, text in enumerate(wrap(str(formula), max(WIDTH - 2 - width, 20))):
                    label = "" if number else formula.label
                    yield [(f"  {label:{width}}", "dim"), (text, "")]

    def _parts(self) -> Iterator[tuple[str, tuple[Formula, ...]]]:
        yield from formulas_by_layer(self.figures.summary).items()
        totals = total_formulas(self.figures.summary)
        if totals:
            yield "total", totals


def _head(row: Row) -> str:
    """The layer, its input and its output."""
    shapes = [size_text(shape) for shape in row.inputs]
    taken = shapes[0] if len(shapes) == 1 else f"{len(shapes)} inputs"
    given = size_text(row.output)
    shared = f", weights of {safe(row.node.owner)}" if row.node.owner else ""
    return f": {row.type}, {given if taken == given else f'{taken} → {given}'}{shared}"
