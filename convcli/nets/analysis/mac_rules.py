"""What counts as a multiply–accumulate, by the rules of the tools that print the figure.

A rule is a tool at a version: a definition in words, and the function of a row that computes what
the tool adds for it, for one image. Rules follow the sources of the tools and are compared with
what they print (tests/nets/test_mac_rules.py). "weights" is ours.

Tools that hook modules (thop, torchinfo, ptflops) see no functions: a row knows the `function` that
a program called instead of a module.
"""

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING

from convcli.nets.analysis.summary import Row
from convcli.nets.layers import (
    Activation,
    AdaptivePool,
    Conv,
    Depthwise,
    Identity,
    Layer,
    Linear,
    LocalResponseNorm,
    Norm,
    Pool,
    PReLU,
    Separable,
    TransposedConv,
    Upsample,
)
from convcli.nets.layers.tensor_ops import (
    Operation,
    Unused,
    Weights,
)
from convcli.records import NamedTuple

if TYPE_CHECKING:
    from fractions import Fraction

CONVS = (Conv, Depthwise, Separable)

RECURRENT = {"rnn": 1, "gru": 3, "lstm": 4}
"""Type of a node → matrices side by side in one of its weights."""


class Rule(NamedTuple):
    """A way to count, and its definition."""

    count: Callable[[Row], int]
    definition: str


def _outputs(row: Row) -> int:
    return prod(row.output)


def _inputs(row: Row) -> int:
    return prod(row.inputs[0])


RENAMED = "weight_norm"
"""A module that keeps its class, and whose weights have other names."""

UPSAMPLING = ("UpsamplingNearest2d", "UpsamplingBilinear2d")


def is_module(row: Row) -> bool:
    """Whether tools find it as a module when they walk the model."""
    return not row.node.function and row.node.is_registered


def _is_of_class(row: Row, *others: str) -> bool:
    """Whether its class is exactly the one in a tool's table, not a subclass."""
    return is_module(row) and row.node.module in ("", RENAMED, *others)


def _bias(row: Row) -> int:
    """One addition for every output of a convolution or linear layer with a bias."""
    is_given = len(row.inputs) > 2 and isinstance(row.bare_layer, (*CONVS, TransposedConv, Linear))
    return _outputs(row) if row.measure.bias or is_given else 0


def products(row: Row) -> int:
    """Multiply–accumulates of two tensors without a weight: `q @ k.T`, attention, einsum."""
    layer = row.bare_layer
    if not isinstance(layer, Operation) or layer.macs or len(layer.inputs) < 2:
        return 0
    first, second = layer.inputs[:2]
    if layer.type == "matmul" and first:
        return prod(layer.output) * first[-1]
    if layer.type == "attention" and len(first) > 1 and len(second) > 1:
        return (prod(first) + prod(layer.output)) * second[-2]
    if layer.type == "einsum" and layer.values and isinstance(layer.values[0], str):
        return _einsum(layer.values[0], layer.inputs)
    return 0


def _einsum(equation: str, shapes: tuple[tuple[int, ...], ...]) -> int:
    """The product of the sizes of all letters; 0 for an equation with an ellipsis."""
    sizes: dict[str, int] = {}
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    if "." in equation or len(terms) != len(shapes):
        return 0
    for term, shape in zip(terms, shapes, strict=True):
        sizes.update(zip(term, shape, strict=False))
    return prod(sizes.values())


def _windows_cells(row: Row, is_floor: bool) -> "Fraction":
    """Cells that one output of an adaptive pool reads."""
    from fractions import Fraction  # 2 ms of a start

    lengths = row.inputs[0][1:]
    outputs = row.output[1:] or (1,) * len(lengths)
    cells = Fraction(1)
    for length, output in zip(lengths, outputs, strict=False):
        cells *= length // output if is_floor else Fraction(length, output)
    return cells


def _is_affine(row: Row, layer: Norm) -> bool:
    return layer.vectors > 0 or len(row.inputs) > 1


class Cell(NamedTuple):
    """One of the two products of a recurrent cell, which is one function in PyTorch."""

    gates: int
    rows: int
    columns: int
    bias: bool
    is_hidden: bool
    """Whether it is the product of the state, which is counted with the gates."""

    @property
    def hidden(self) -> int:
        return self.rows // self.gates


def _cell(row: Row) -> Cell | None:
    type_, _, part = row.node.function.rpartition("_cell_")
    if type_ not in RECURRENT:
        return None
    rows, columns = row.inputs[1]
    return Cell(RECURRENT[type_], rows, columns, len(row.inputs) > 2, part == "hidden")


class Level(NamedTuple):
    """One level and direction of a recurrent layer."""

    rows: int
    inputs: int
    given: int
    """Output values; an LSTM with proj_size has fewer of them than its state."""
    biases: int


def recurrent(row: Row) -> tuple[int, str, list[Level]]:
    """Steps of a recurrent layer, its type, and its levels and directions."""
    layer = row.bare_layer
    if not isinstance(layer, Operation) or layer.type not in RECURRENT:
        return 0, "", []
    steps = prod(layer.inputs[0][:-1])
    matrices = [shape for shape in layer.inputs[1:] if len(shape) == 2]
    vectors = len(layer.inputs) - 1 - len(matrices)
    biases = 2 if vectors else 0
    count = 3 if _is_projected(layer) else 2
    pairs = zip(matrices[::count], matrices[1::count], strict=True)
    levels = [Level(*inner, outer[1], biases * inner[0]) for inner, outer in pairs]
    return steps, layer.type, levels


def _is_projected(layer: Operation) -> bool:
    """Whether an LSTM gives fewer values than its state has: `proj_size`."""
    rows, columns = layer.inputs[2]
    return layer.type == "lstm" and rows != RECURRENT["lstm"] * columns


def _thop_cell(cell: Cell | None) -> int:
    if cell is None:
        return 0
    count = cell.rows * cell.columns
    if cell.is_hidden:
        count += cell.rows + 2 * cell.bias * cell.rows + (4 * cell.hidden if cell.gates > 1 else 0)
    return count


def _thop_recurrent(row: Row) -> int:
    steps, type_, levels = recurrent(row)
    total = 0
    for rows, inner, given, biases in levels:
        gates = RECURRENT[type_]
        hidden = rows // gates
        if inner != levels[0].inputs:  # a level after the first, as if there were no proj_size
            inner = inner // given * hidden
        one = hidden * (inner + hidden) + hidden + biases // gates
        total += gates * one + (4 * hidden if gates > 1 else 0)
    return steps * total


def _thop(row: Row, older: bool = False) -> int:
    """What a module's hook counts: thop sets it, and adds its sum, under every path of a module.

    The `older` version is 0.0.31.
    """
    cell = _cell(row)
    if cell is not None:
        return row.node.paths**2 * _thop_cell(cell)
    return row.node.paths**2 * _thop_hook(row, older) if _is_of_class(row, *UPSAMPLING) else 0


def _thop_hook(row: Row, older: bool) -> int:
    layer = row.bare_layer
    match layer:
        case Conv() | Depthwise() | Separable():
            return row.macs + older * _bias(row)
        case Linear():
            return row.macs
        case TransposedConv():  # by its output's pixels
            weights = row.inputs[0][0] // layer.groups * prod(layer.kernel)
            return _outputs(row) * weights + older * _bias(row)
        case Norm(kind="batch") if older:
            return 2 * _inputs(row)
        case Norm(kind="batch" | "layer" | "instance") if not older:
            return (4 if _is_affine(row, layer) else 2) * _inputs(row)
        case Pool(kind="average"):
            return _outputs(row)
        case AdaptivePool(kind="average"):
            return int((_windows_cells(row, older) + 1) * _outputs(row))
        case Upsample():
            return _upsampled(row, layer, 0 if older else 1) * _outputs(row)
        case PReLU() if not older:
            return _inputs(row)
        case Activation(type="leaky_relu") if older:
            return _inputs(row)
        case Activation(type="softmax") if not older:
            size = _softmax_size(row, layer)
            return _inputs(row) // size * (3 * size - 1)
    return _thop_recurrent(row)


def _softmax_size(row: Row, layer: Activation) -> int:
    """Values that one softmax runs over; PyTorch numbers the axes with the batch."""
    shape, axis = row.inputs[0], dict(layer.values).get("dim")
    if not isinstance(axis, int) or axis == 0:
        return shape[0]
    place = axis if axis < 0 else axis - 1
    return shape[place] if -len(shape) <= place < len(shape) else shape[0]


def _upsampled(row: Row, layer: Upsample, nearest: int) -> int:
    """Operations for one output cell."""
    if layer.mode == "nearest":
        return nearest
    if layer.mode == "linear":
        return {1: 5, 2: 11}.get(len(row.output) - 1, 0)
    return 259 if layer.mode == "bicubic" else 0


def _torchinfo(row: Row) -> int:
    """Parameters of leaf modules by their names: of convolutions times the output's pixels."""
    layer, cell = row.bare_layer, _cell(row)
    if cell is not None:
        return (cell.rows * cell.columns + cell.bias * cell.rows) * cell.hidden
    if not is_module(row):
        return 0
    module, params = row.node.module, row.measure.params + _weights_elsewhere(row)
    if isinstance(layer, Unused) or module.startswith(("Parametrized", "Orthogonal")):
        return 0  # not called; no leaf
    output = row.output if row.node.items > 1 else (1, *row.output)
    if module == RENAMED:  # a bias keeps its name
        if isinstance(layer, Identity):
            return prod(row.inputs[1]) * prod(output[:2])
        own = params - row.measure.bias
        return own * prod(output[:2]) + row.measure.bias * output[0] * prod(output[2:])
    if isinstance(layer, Weights):  # of an Embedding or a norm, whose module is a leaf
        is_named = row.name.rpartition(".")[2] in ("weight", "bias")
        return params if is_named and not row.node.owner else 0
    if weights := _recurrent_weights(row):
        return weights
    if isinstance(layer, (*CONVS, TransposedConv)) and (not module or "Conv" in module):
        return params * output[0] * prod(output[2:])
    return params * output[0]


def _weights_elsewhere(row: Row) -> int:
    """Parameters that a layer shares with another one, which torchinfo counts for both."""
    layer, module = row.bare_layer, row.name
    if layer.type == "embedding":
        module = row.name.rpartition(".")[0]
    elif not isinstance(layer, (*CONVS, TransposedConv, Linear)):
        return 0
    given = zip(row.node.inputs[1:], row.inputs[1:], strict=True)
    return sum(prod(shape) for name, shape in given if not name.startswith(f"{module}."))


def _recurrent_weights(row: Row) -> int:
    """All weights and biases of a recurrent layer, once a step; 0 for any other layer."""
    layer = row.bare_layer
    inputs = layer.inputs[1:] if isinstance(layer, Operation) else ()
    return recurrent(row)[0] * sum(map(prod, inputs))


def _fvcore(row: Row) -> int:
    layer, function = row.bare_layer, row.node.function
    match layer:
        case Conv() | Depthwise() | TransposedConv():
            is_named = isinstance(layer, Conv) and layer.padding_named and layer.border == "zero"
            return 0 if is_named else row.macs  # other borders are padded before
        case Norm(kind="batch", tracked=True):
            return (2 if _is_affine(row, layer) else 1) * _inputs(row)
        case Norm():
            return (5 if _is_affine(row, layer) else 4) * _inputs(row)
        case AdaptivePool(kind="average", sizes=(_, _)) if function in POOLS:
            return _inputs(row)
        case Upsample(mode="nearest"):
            return _outputs(row) if len(row.output) == 3 else 0
        case Upsample(mode="area"):  # which calls an adaptive pool
            return _inputs(row) if len(row.output) == 3 else 0
        case Upsample(mode="linear"):
            return 4 * _outputs(row) if len(row.output) == 3 else 0
        case Operation(type="attention") if not _has_weights(row):
            return 0
        case Operation(type=type_) if type_ in RECURRENT or function in ("baddbmm", "bilinear"):
            return 0
        case Operation(type="einsum"):
            return row.macs + _einsum_by_numpy(layer, products(row))
    return row.macs + products(row)


def _has_weights(row: Row) -> bool:
    """Whether an attention multiplies in steps, as one that returns its weights does."""
    return row.node.function.startswith("multihead_attention_weights")


EXACT_EINSUMS = ("abc,abd->acd", "abc,adc->adb")
"""Equations that fvcore computes itself; for others it asks NumPy, which prints four digits."""


def _einsum_by_numpy(layer: Operation, count: int) -> int:
    """Half of 2P + 1 as NumPy prints it, to four digits."""
    equation = str(layer.values[0]).replace(" ", "") if layer.values else ""
    letters = dict.fromkeys(letter for letter in equation if letter.isalpha())
    names = str.maketrans({letter: chr(97 + n) for n, letter in enumerate(letters)})
    if not count or equation.translate(names) in EXACT_EINSUMS or len(layer.inputs) != 2:
        return count
    return int(float(f"{2 * count + 1:.3e}")) // 2


POOLS = {"", *(f"adaptive_{kind}_pool{axes}d" for kind in ("avg", "max") for axes in (1, 2, 3))}
"""Pooling functions and modules; `mean` is not one."""

HOOKED = ("relu", "elu", "gelu", "relu6", "leaky_relu")
"""Activations whose modules ptflops hooks."""

CALLED = ("relu", "elu", "gelu", "silu", "softmax")
"""Activations whose modules call a function that it counts."""

FUNCTIONS = ("relu", "elu", "gelu", "relu6", "silu", "softmax", "prelu")
ADDED_PRODUCTS = ("addmm", "baddbmm")


def _ptflops(row: Row) -> int:
    """Hooks of modules, once per path of a module, and functions that their forwards call."""
    layer, function, cell = row.bare_layer, row.node.function, _cell(row)
    if cell is not None:
        more = {1: 1, 3: 7, 4: 10}[cell.gates] * cell.hidden + 2 * cell.bias * cell.rows
        return cell.rows * cell.columns + (more if cell.is_hidden else 0)
    if function:
        return _ptflops_function(row, layer, function)
    hooked = _ptflops_hook(row, layer) if _is_of_class(row) else 0
    return row.node.paths * hooked + _ptflops_called(row, layer)


def _ptflops_hook(row: Row, layer: Layer) -> int:
    match layer:
        case Conv() | Depthwise() | Separable() | TransposedConv() | Linear():
            return row.macs + _bias(row)
        case Norm(kind="layer") | PReLU():
            return _inputs(row)
        case Norm():
            return (2 if _is_affine(row, layer) else 1) * _inputs(row)
        case Activation(type=type_):
            return _inputs(row) if type_ in HOOKED else 0
        case Pool(kind="lp"):
            return 0
        case Pool() | AdaptivePool():
            return _inputs(row)
        case Upsample():
            return _outputs(row)
    return _ptflops_recurrent(row)


def _ptflops_called(row: Row, layer: Layer) -> int:
    """The count of the functions that the forward of a PyTorch module calls."""
    match layer:
        case Activation(type=type_):
            return _inputs(row) if type_ in CALLED else 0
        case Pool(kind="lp"):
            return _inputs(row) + 2 * _outputs(row)
        case PReLU() | Pool() | AdaptivePool():
            return _inputs(row)
        case Upsample():
            return _interpolated(row, layer) + _pooled(row, layer)
        case LocalResponseNorm(size=size):
            channels, *lengths = row.inputs[0]
            return (channels + size - 1) * prod(lengths) + 3 * _inputs(row)
    return 0


def _interpolated(row: Row, layer: Upsample) -> int:
    """`F.interpolate`, by its sizes, or by its factors: cut to integers where there are several.

    One factor of a module is a float, and the product with the input stays one.
    """
    axes = len(row.inputs[0]) - 1
    if not layer.scale:
        return _outputs(row)
    if len(layer.scale) == axes > 1:
        return _inputs(row) * prod(int(factor) for factor in layer.scale)
    return int(_inputs(row) * layer.scale[0] ** axes)


def _pooled(row: Row, layer: Upsample) -> int:
    """The adaptive pool that interpolation by areas calls."""
    return _inputs(row) if layer.mode == "area" else 0


def _ptflops_function(row: Row, layer: Layer, function: str) -> int:
    if function.startswith("multihead_attention"):
        return _ptflops_attention(row, layer)
    if isinstance(layer, Activation | PReLU):
        return _inputs(row) if function in FUNCTIONS else 0
    if isinstance(layer, Pool | AdaptivePool):
        return _inputs(row) if function.endswith(("pool1d", "pool2d", "pool3d")) else 0
    if isinstance(layer, Upsample):  # F.upsample calls F.interpolate
        times = 2 if function == "upsample" else 1
        return times * _interpolated(row, layer) + _pooled(row, layer)
    if function in ADDED_PRODUCTS and layer.type == "add":
        return _inputs(row)
    if function in ("mul", "add"):
        return _outputs(row)
    if function in ("matmul", "mm", "bmm", *ADDED_PRODUCTS):
        return row.macs + products(row)
    return 0


def _ptflops_attention(row: Row, layer: Layer) -> int:
    """A module of attention, with all its projections, by its hook; and the products of weights."""
    if not isinstance(layer, Operation) or len(layer.inputs) < 2:
        return 0
    *_, heads, queries, depth = layer.inputs[0]
    keys = layer.inputs[1][-2]
    size = heads * depth
    count = queries * size + queries * size**2 + 2 * keys * size**2
    if not row.node.function.endswith("no_bias"):
        count += (queries + 2 * keys) * size
    count += heads * (2 * queries * keys * depth + queries * keys) + queries * size * (size + 1)
    return count + (_has_weights(row) and 2 * queries * keys * size + heads * queries * keys)


def _ptflops_recurrent(row: Row) -> int:
    steps, type_, levels = recurrent(row)
    total = 0
    for rows, inner, given, biases in levels:
        extra = {"rnn": 1, "gru": 7, "lstm": 10}[type_] * (rows // RECURRENT[type_])
        total += rows * inner + rows * given + extra + biases
    return steps * total


def _is_fused(row: Row) -> bool:
    """Whether it runs as one operator that counters of operators do not know, on a CPU."""
    layer = row.bare_layer
    if not isinstance(layer, Operation):
        return False
    if layer.type == "attention":
        return not _has_weights(row)
    is_lstm = layer.type == "lstm" and not _is_projected(layer)
    return is_lstm or row.node.function == "bilinear"


def _aten(row: Row) -> int:
    layer = row.bare_layer
    if _is_fused(row) or row.node.function == "baddbmm":
        return 0
    if weights := _recurrent_weights(row):
        return weights
    if row.node.function == "addmm" and layer.type == "add":
        return _outputs(row)
    return row.macs + _bias(row) + products(row)


def _calflops(row: Row) -> int:
    layer = row.bare_layer
    if _cell(row) is not None:
        return 0
    if isinstance(layer, TransposedConv):  # divides by the groups twice, and rounds down
        filters = layer.filters // layer.groups
        return row.macs // filters * (filters // layer.groups)
    # PyTorch's "same" with an even kernel pads the ends differently
    if (
        isinstance(layer, Conv)
        and layer.border == "zero"
        and any(not isinstance(ends, str) and ends[0] != ends[1] for ends in layer.padding)
    ):
        places = zip(row.inputs[0][1:], layer.kernel, layer.dilation, strict=True)
        spans = ((length, step * (size - 1)) for length, size, step in places)
        outputs = prod(length + 2 * (span // 2) - span for length, span in spans)
        return row.macs // prod(row.output[1:]) * outputs
    if isinstance(layer, Operation):
        called = row.node.function in ("matmul", *ADDED_PRODUCTS)
        return row.macs + products(row) if called else 0
    return row.macs


RULES = {
    "weights": Rule(lambda row: row.macs, "weights of convolutions and linear layers"),
    "weights+products": Rule(
        lambda row: row.macs + products(row), "weights, and products of two activations"
    ),
    "bias": Rule(lambda row: row.macs + _bias(row), "weights, and one for each output with a bias"),
    "torchinfo": Rule(
        _torchinfo,
        "torchinfo 1.8.0: parameters of convolutions x output pixels, of other modules once",
    ),
    "thop": Rule(
        _thop,
        "thop 0.1.1: weights without biases, 4 per value of an affine batch, layer or instance "
        "norm, window + 1 per adaptive-average-pool output; no functions",
    ),
    "thop@0.0.31": Rule(
        lambda row: _thop(row, older=True),
        "thop 0.0.31: weights and conv biases, 2 per batch norm value, window + 1 per "
        "adaptive-average-pool output; no functions",
    ),
    "fvcore": Rule(
        _fvcore,
        "fvcore 0.1.5: weights and products, 2 per batch norm value, 5 per layer norm value, "
        "adaptive-average-pool inputs; no LSTM",
    ),
    "ptflops": Rule(
        _ptflops,
        "ptflops 0.7.5, pytorch backend: weights and bias, 2 per batch norm value, ReLU and pool "
        "modules twice, their functions once",
    ),
    "ptflops@aten": Rule(_aten, "ptflops 0.7.5, aten backend: weights, biases and products"),
    "torch": Rule(
        lambda row: 0 if _is_fused(row) else row.macs + products(row),
        "FlopCounterMode of torch 2.13 on a CPU, halved: weights and products; no LSTM",
    ),
    "calflops": Rule(
        lambda row: row.node.paths * _calflops(row),
        "calflops 0.3.2: weights, and products of torch.matmul; no recurrent layers",
    ),
}
"""A tool's own name is its newest version; `tool@version` names one."""

OWN = ("weights", "weights+products", "bias")
"""Rules that do not belong to a tool."""
