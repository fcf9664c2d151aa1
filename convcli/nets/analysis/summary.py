"""Network × input shape → rows, totals, warnings: one walk over the nodes, in order."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import TypeVar

from convcli.errors import UnfitError
from convcli.geometry import Fit, ReceptiveField
from convcli.nets.analysis.receptive_forward import NodeField, field_behind, widest
from convcli.nets.graph import ALL_WEIGHTS, INPUT, Network, Node
from convcli.nets.layers import (
    AXES,
    Activation,
    AdaptivePool,
    Identity,
    Layer,
    Measure,
    Misfit,
    PReLU,
    Reshape,
    Shape,
    size_text,
    slots_of,
)
from convcli.nets.layers.tensor_ops import Each, Free, Input, Single, Unused
from convcli.nets.source_location import pointed
from convcli.records import NamedTuple
from convcli.text import power_text, safe

Value = TypeVar("Value")

SCHEMA = 1
"""The version of the JSON format; it grows when a field changes its meaning or is removed."""

IN_PLACE = (Activation, PReLU, Identity, Reshape)
"""Layers that can overwrite their input, or return a view of it."""

MAX_AXIS = 10**12
"""The longest axis, which keeps every figure within a few dozen digits."""

MAX_FIGURE = 10**30
"""Maximum parameters, MACs and receptive field cells of a layer: far more than any network has."""

DTYPES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8, "int8": 1}
"""Bytes of one value."""


class Use(NamedTuple):
    """Output and costs of a layer for inputs of given shapes."""

    measure: Measure
    fits: tuple[Fit, ...]
    """How its windows fit, one per axis; empty for a layer that enlarges, fits its windows to its
    input, or has no windows."""
    unread: tuple[int, ...]
    params: int
    """What the source framework's own summary counts: Keras's batch norms count statistics."""
    activations: int
    """Values that it adds to those in memory; none where it can work in place."""


class Row(NamedTuple):
    """Inputs, output and costs of one node; one receptive field and one unread count per axis."""

    node: Node
    inputs: tuple[Shape, ...]
    use: Use
    receptive_field: tuple[ReceptiveField, ...]

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def type(self) -> str:
        return self.node.layer.type

    @property
    def bare_layer(self) -> Layer:
        """Its layer without the wrappers that say how it is applied to its tensor."""
        layer = self.node.layer
        while isinstance(layer, Each | Free | Single):
            layer = layer.layer
        return layer

    @property
    def measure(self) -> Measure:
        return self.use.measure

    @property
    def output(self) -> Shape:
        return self.use.measure.output

    @property
    def unread(self) -> tuple[int, ...]:
        return self.use.unread or (0,) * len(self.receptive_field)

    @property
    def params(self) -> int:
        """Parameters that are this node's own, as the source framework counts them."""
        return self.use.params if self.node.counted else 0

    @property
    def weights(self) -> int:
        """Weights and biases that are this node's own, trained or frozen."""
        return self.use.measure.params if self.node.counted else 0

    @property
    def trainable(self) -> int:
        """Trainable parameters that are this node's own."""
        return self.weights - self.frozen_weights

    @property
    def frozen_weights(self) -> int:
        """Weights and biases of its own that the program excludes from training."""
        if not self.node.counted:
            return 0
        if isinstance(self.node.layer, Unused):
            return self.node.layer.frozen
        if not self.node.frozen:
            return 0
        if ALL_WEIGHTS in self.node.frozen:
            return self.weights
        slots = slots_of(self.node.layer, self.inputs[0])
        return sum(prod(slots[role].shape) for role in self.node.frozen if role in slots)

    @property
    def statistics(self) -> int:
        """Running statistics and other values that are stored but not trained."""
        return self.use.measure.statistics if self.node.counted else 0

    @property
    def buffers(self) -> int:
        """The `statistics` that are not included in `params`."""
        return self.weights + self.statistics - self.params

    @property
    def macs(self) -> int:
        return self.use.measure.macs

    @property
    def activations(self) -> int:
        return self.use.activations


def use(layer: Layer, inputs: tuple[Shape, ...]) -> Use:
    """Output and costs of a layer for inputs of these shapes. Raises UnfitError."""
    measure = layer.measure(*inputs)
    if max(measure.output, default=0) > MAX_AXIS:
        longest = power_text(max(measure.output))
        raise UnfitError(f"an axis of {longest} is more than {MAX_AXIS:,}")
    params = measure.params + measure.statistics * measure.counted
    if max(params, measure.macs) > MAX_FIGURE:
        raise UnfitError(f"its parameters or MACs are more than {power_text(MAX_FIGURE)}")
    fits: tuple[Fit, ...] = ()
    crops = any(min(padding) < 0 for _, padding in measure.windows)  # what is left out on purpose
    slides = measure.windows and not (measure.upsampling or crops)
    if slides and not isinstance(layer, AdaptivePool):
        fits = tuple(
            Fit(length, window, padding)
            for length, (window, padding) in zip(inputs[0][1:], measure.windows, strict=True)
        )
    in_place = isinstance(layer, IN_PLACE) or (
        isinstance(layer, AdaptivePool) and inputs[0] == measure.output  # each window one cell
    )
    return Use(
        measure,
        fits,
        tuple(fit.unread for fit in fits),
        params,
        0 if in_place else prod(measure.output),
    )


class Failure(NamedTuple):
    """A node that does not fit its input, and what would fit."""

    node: Node
    message: str
    corrected: int | None = None
    """The number to write instead of the declared one."""
    declared: int | None = None
    unread: bool = False
    """Whether the text was not understood, rather than that shapes did not fit."""

    def text(self) -> str:
        """The refusal, the source location, and the remedy."""
        name, where = self.node.name, self.node.where
        message = f"{name}: {self.message}" if name else self.message
        return f"{message}\n{pointed(where)}" if where and (where.line or not name) else message


class Summary(NamedTuple):
    """Exact figures of a network for one image of a given shape."""

    input: Shape
    rows: tuple[Row, ...]
    warnings: tuple[str, ...]
    failures: tuple[Failure, ...] = ()
    complete: bool = True
    """Whether every node has its row."""
    notes: tuple[str, ...] = ()
    """Notes of the network's reader."""
    outputs: tuple[str, ...] = ()
    """The nodes whose tensors the network returns; () if it is the last row alone."""

    @property
    def output(self) -> Shape:
        return self.rows[-1].output if self.rows else self.input

    @property
    def output_shapes(self) -> dict[str, Shape]:
        """The shape of every output, by the node that gives it."""
        known = {INPUT: self.input} | {row.name: row.output for row in self.rows}
        names = self.outputs or tuple(row.name for row in self.rows[-1:]) or (INPUT,)
        return {name: known[name] for name in names if name in known}

    @property
    def params(self) -> int:
        return sum(row.params for row in self.rows)

    @property
    def weights(self) -> int:
        return sum(row.weights for row in self.rows)

    @property
    def trainable(self) -> int:
        return sum(row.trainable for row in self.rows)

    @property
    def macs(self) -> int:
        return sum(row.macs for row in self.rows)

    @property
    def activations(self) -> int:
        """Values of the input and of every output that cannot be written in place."""
        return prod(self.input) + sum(row.activations for row in self.rows)

    @property
    def peak(self) -> int:
        """Maximum values alive at once in a forward run that frees maps after their last use."""
        last_use = {name: index for index, row in enumerate(self.rows) for name in row.node.inputs}
        alive = {INPUT: prod(self.input)}
        total = peak = alive[INPUT]
        for index, row in enumerate(self.rows):
            size = alive[row.node.name] = prod(row.measure.output)
            ended = [name for name in row.node.inputs if last_use[name] == index]
            # in place, a node writes over an input that is not used again
            peak = max(peak, total + (size if not ended or row.activations else 0))
            total += size
            for name in ended:
                total -= alive.pop(name, 0)
        return peak

    @property
    def value(self) -> str:
        """The output size, H×W×C."""
        return size_text(self.output)


def summarize(network: Network, shape: Shape) -> Summary:
    """Walk a network for one image of `shape`, which is `(channels, height, width)`.

    >>> from convcli.nets.layers import Conv
    >>> from convcli.nets.graph import sequential
    >>> conv = Conv(6, (5, 5), (1, 1), ((0, 0), (0, 0)))
    >>> summary = summarize(sequential([conv]), (1, 32, 32))
    >>> summary.output, summary.params, summary.macs
    ((6, 28, 28), 156, 117600)

    Raises UnfitError, which names the node, when a layer does not fit its input.
    """
    summary = trace(network, shape)
    if summary.failures:
        raise UnfitError(summary.failures[0].text())
    return summary


def trace(network: Network, shape: Shape, keep_going: bool = False) -> Summary:
    """The same walk, but the first layer that does not fit ends it and is returned as a failure.

    With `keep_going`, a layer that declares another input is corrected, and the walk continues. A
    network that depends on its input is read for this one.
    """
    network = network.at(shape)
    start = (ReceptiveField(),) * (len(shape) - 1)
    known = {INPUT: (shape, NodeField(start, shape[1:], start))}
    # a repeated block is measured once
    uses: dict[tuple[int, tuple[Shape, ...]], Use] = {}
    rows: list[Row] = []
    failures: list[Failure] = []
    for node in network.nodes:
        inputs = tuple([known[name][0] for name in node.inputs])
        key = id(node.layer), inputs
        used = uses.get(key)
        try:
            if used is None:
                try:
                    used = use(node.layer, inputs)
                except Misfit as misfit:
                    failures.append(_failure(node, misfit, rows))
                    # a function that receives its weights has no layer that could be corrected
                    if not keep_going or type(misfit.corrected) is not type(node.layer):
                        break
                    used = use(_as_met(node.layer, misfit.corrected), inputs)
                # the same misfit on another line is another failure
                if not failures or failures[-1].node is not node:
                    uses[key] = used
            field = _field(node, used.measure, [known[name][1] for name in node.inputs])
        except UnfitError as misfit:
            failures.append(Failure(node, str(misfit)))
            break
        rows.append(Row(node, inputs, used, field.axes))
        known[node.name] = used.measure.output, field
    complete, stopped = len(rows) == len(network.nodes), network.stopped
    if complete and stopped is not None:
        complete, node = False, Node("", Identity(), (), where=stopped.where)
        failures.append(Failure(node, safe(stopped.message), unread=not stopped.unfit))
    warnings, notes = _warnings(rows), network.notes
    return Summary(shape, tuple(rows), warnings, tuple(failures), complete, notes, network.outputs)


def _field(node: Node, measure: Measure, branches: Sequence[NodeField]) -> NodeField:
    """The receptive field of a node. Raises UnfitError for one that no network has."""
    lengths = measure.output[1:]
    if isinstance(node.layer, Input):  # which has a receptive field of its own
        ones = (ReceptiveField(),) * len(lengths)
        field = NodeField(ones, lengths, ones)
    elif not branches:
        field = NodeField((), lengths, ())
    else:
        field = widest(branches, lengths) if len(branches) > 1 else branches[0]
    if (
        measure.windows
        or measure.upsampling
        or (branches and not field.axes)
        or field.lengths != lengths
    ):
        field = field_behind(field, node.layer, measure)
        if any(axis.jump > MAX_FIGURE or axis.size > MAX_FIGURE for axis in field.axes):
            raise UnfitError(f"its receptive field or stride is more than {power_text(MAX_FIGURE)}")
    return field


def _as_met(layer: Layer, corrected: Layer) -> Layer:
    """A corrected layer, applied to its tensors like the one that did not fit."""
    return layer._replace(layer=corrected) if isinstance(layer, Each | Free | Single) else corrected


def _warnings(rows: Sequence[Row]) -> tuple[str, ...]:
    """The cells that no node reads: another branch may read those that one branch skips."""
    losing = [row for row in rows if any(row.use.unread)]
    # inside a network, a stride larger than the kernel is intended: the shortcuts of a ResNet
    alone = len(rows) == 1
    if not losing and not alone:
        return ()
    read_fully = {name for row in rows if not any(row.use.unread) for name in row.node.inputs}
    by_text: dict[str, list[str]] = {}
    for row in rows if alone else losing:
        if alone or row.node.inputs[0] not in read_fully:
            for text in fit_warnings(row.use.fits, alone):
                by_text.setdefault(text, []).append(row.name)
    return tuple(f"{', '.join(names)}: {text}" for text, names in by_text.items())


def _failure(node: Node, misfit: Misfit, rows: Sequence[Row]) -> Failure:
    """A failure whose message also has the size of the maps before they were flattened."""
    message = str(misfit)
    by_name = {row.name: row for row in rows}
    name = node.inputs[0]
    while name in by_name and "x" not in message:
        row = by_name[name]
        if len(row.inputs[0]) > 1 and isinstance(row.node.layer, Reshape):
            message = message.replace(" values", f" values ({size_text(row.inputs[0])})", 1)
            break
        if not isinstance(row.node.layer, IN_PLACE):
            break
        name = row.node.inputs[0]
    if type(misfit.corrected) is not type(node.layer):
        return Failure(node, message)
    return Failure(node, message, misfit.met, misfit.declared)


CELLS: dict[int, tuple[str, ...]] = {
    1: ("position",),
    2: ("row", "column"),
    3: ("slice", "row", "column"),
}
"""The name of one cell along each axis, by the number of axes."""


def fit_warnings(fits: Sequence[Fit], skips: bool = True) -> Iterator[str]:
    """Cells that a layer never reads, and what would fit; equal axes share a sentence.

    With `skips`, cells between windows are reported too.

    >>> from convcli.geometry import Window
    >>> fit = Fit(224, Window(11, stride=4), (0, 0))
    >>> for line in next(fit_warnings((fit, fit))).splitlines():
    ...     print(line)
    the last row and column are unread: (224 + 2·0 − 11)/4 + 1 = 54.25 → 54
      all are read with input 223 (→ 54) or 227 (→ 55), or padding 1,2 or 2 (→ 55)
    """
    agreeing: dict[Fit, list[str]] = {}
    for fit, cell in zip(fits, CELLS.get(len(fits), ()), strict=False):
        agreeing.setdefault(fit, []).append(cell)
    for fit, cells in agreeing.items():
        if fit.unread:
            yield _unread_warning(fit, cells)
        if skips and fit.skipped:
            yield (
                f"between windows, {fit.skipped} of every {_plural(cells, fit.window.stride)} are "
                f"never read: the stride {fit.window.stride} is longer than the dilated "
                f"kernel size {fit.window.dilated_kernel}"
            )


def _unread_warning(fit: Fit, cells: list[str]) -> str:
    one = fit.unread == 1
    lost = " and ".join(cells) if one else _plural(cells, fit.unread)
    verb = "is" if one and len(cells) == 1 else "are"
    shorter, longer = fit.exact_inputs
    before, after = fit.exact_padding
    more = fit.output + 1
    padding = f"{before}" if before == after else f"{before},{after} or {fit.even_padding}"
    return (
        f"the last {lost} {verb} unread: {fit.formula}\n"
        f"  all are read with input {shorter} (→ {fit.output}) or {longer} (→ {more}), "
        f"or padding {padding} (→ {more})"
    )


def _plural(cells: list[str], count: int) -> str:
    return f"{count} " + " and ".join(cell + "s" for cell in cells)


def named_axes(values: Sequence[Value]) -> dict[str, Value]:
    """One value per axis, by the axis's name.

    >>> named_axes((3, 5))
    {'height': 3, 'width': 5}
    """
    names = AXES.get(len(values)) or [f"axis{axis}" for axis in range(1, len(values) + 1)]
    return dict(zip(names, values, strict=True))


def named_sizes(shape: Shape) -> dict[str, int]:
    """A shape as named fields.

    >>> named_sizes((3, 224, 224))
    {'height': 224, 'width': 224, 'channels': 3}
    """
    return {**named_axes(shape[1:]), "channels": shape[0]}
