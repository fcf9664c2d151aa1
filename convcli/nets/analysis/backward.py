"""What the nodes of a network keep for the backward pass, as PyTorch does, and the memory they use.

The rules follow `torch.autograd` of PyTorch 2.13 on a processor, and were compared with its
`saved_tensors_hooks` on whole networks (tests/nets/test_training.py): a convolution and a linear
layer keep their input; batch norm its input and two numbers per channel; ReLU, tanh and softmax
their output; max pool its input and an int64 index per output. A tensor that several layers keep is
counted once, and views keep the tensor that they look at.
"""

from collections.abc import Sequence
from math import prod

from convcli.nets.analysis.summary import Row, Summary
from convcli.nets.graph import INPUT
from convcli.nets.layers import (
    Activation,
    AdaptivePool,
    Concat,
    Conv,
    Depthwise,
    Identity,
    Layer,
    Linear,
    LocalResponseNorm,
    Merge,
    Norm,
    Pad,
    PixelShuffle,
    Pool,
    PReLU,
    Reshape,
    Separable,
    Shuffle,
    Sizes,
    TransposedConv,
    Upsample,
)
from convcli.nets.layers.tensor_ops import (
    Broadcast,
    Constant,
    Free,
    Input,
    Operation,
    Scalar,
    Unused,
    Weights,
)
from convcli.records import NamedTuple


class Storage(NamedTuple):
    """A block of memory that tensors share."""

    values: int
    per_image: bool = True
    """Whether it grows with the batch."""
    bytes: int = 0
    """Bytes of one value; 0 for those of the network's dtype."""

    def size(self, batch: int, dtype: int) -> int:
        return self.values * (batch if self.per_image else 1) * (self.bytes or dtype)


class Value(NamedTuple):
    """The output of a node: its memory, whether a gradient reaches it, and its memory layout."""

    storage: int
    trains: bool
    per_image: bool = True
    order: Sizes = ()
    """The order of its axes in memory if they are permuted; SCATTERED for a part of a tensor."""


SCATTERED = (-1,)


class Step(NamedTuple):
    """The memory that one node of the forward run uses."""

    name: str
    kept: frozenset[int]
    """What it keeps for the backward pass."""
    used: frozenset[int]
    """What is in use while it runs."""
    trained: int
    """Weights of its own that are trained."""


KEEPS_INPUT = {
    "relu6", "hard_tanh", "gelu", "silu", "mish", "softplus", "hard_swish", "hard_sigmoid",
    "leaky_relu", "elu", "selu", "celu", "threshold", "softshrink", "hardshrink", "softsign",
    "log_sigmoid", "abs", "square", "sin", "cos", "asin", "acos", "atan", "sinh", "cosh", "erf",
    "log", "log2", "log10", "log1p", "clamp", "clip", "clamp_min", "clamp_max",
}  # fmt: skip

KEEPS_OUTPUT = {
    "relu", "tanh", "sigmoid", "softmax", "log_softmax", "softmin", "tanhshrink", "exponential",
    "exp", "expm1", "sqrt", "rsqrt", "reciprocal", "tan",
}  # fmt: skip

KEEPS_NOTHING = {"neg", "sign", "floor", "ceil", "round", "trunc"}

IN_PLACE_KEEPS_OUTPUT = {"leaky_relu", "elu", "selu", "celu", "threshold"}

KEEPS_AS_MUCH = {"softsign", "log_sigmoid"}
"""Functions that keep their input and another tensor of its size."""

VIEWS = {"permute", "transpose", "select", "slice", "chunk", "split", "expand", "diagonal"}

COPIES = {
    "roll", "flip", "rot90", "concat", "stack", "repeat", "repeat_interleave", "sum", "mean",
    "pad", "cumsum",
}  # fmt: skip
"""Operations that allocate their output and keep nothing."""

ADDITIONS = {"add", "subtract", "average"}


class Walk:
    """One walk over the rows: the memory that each node gives, keeps and uses."""

    def __init__(self) -> None:
        self.storages: list[Storage] = []
        self.unknown: list[str] = []
        """Layers without a known rule."""

    def steps(self, summary: Summary) -> tuple[Step, ...]:
        """The nodes in the order of the forward run."""
        known = {INPUT: Value(self._new(prod(summary.input)), trains=False)}
        steps = []
        for row in summary.rows:
            inputs = [known[name] for name in row.node.inputs]
            value, saved = self._value(row, inputs)
            known[row.name] = value
            used = {value.storage, *(one.storage for one in inputs)}
            steps.append(Step(row.name, frozenset(saved), frozenset(used), row.trainable))
        return tuple(steps)

    def _new(self, values: int, per_image: bool = True, bytes_: int = 0) -> int:
        self.storages.append(Storage(values, per_image, bytes_))
        return len(self.storages) - 1

    def _value(self, row: Row, inputs: Sequence[Value]) -> tuple[Value, list[int]]:
        """The output of a node, and the memory it keeps for the backward pass."""
        layer, size = row.bare_layer, prod(row.output)
        if isinstance(layer, Weights | Constant | Input | Unused):
            trains = isinstance(layer, Weights) and layer.trained and not row.node.frozen
            shared = isinstance(layer, Input)
            # weights are counted as such
            return Value(self._new(size if shared else 0, shared), trains, shared), []
        own = _trains_weights(row)
        trains = own or any(one.trains for one in inputs)
        per_image = any(one.per_image for one in inputs)
        if _is_view(layer, inputs[0], row):
            return inputs[0]._replace(trains=trains, order=_order(layer, inputs[0])), []
        output = Value(self._new(size, per_image), trains, per_image)
        if isinstance(layer, Activation | PReLU | Scalar | Broadcast):
            # the first input of the same size decides
            shapes = zip(inputs, row.inputs, strict=True)
            same = next((one.order for one, shape in shapes if prod(shape) == size), ())
            output = output._replace(order=same)
        if isinstance(layer, Operation) and layer.type == "attention":
            output = output._replace(order=inputs[0].order)
        if isinstance(layer, Activation) and layer.inplace:
            output = output._replace(storage=inputs[0].storage)
        if not trains:
            return output, []
        return output, self._saved(layer, row, inputs, output, own)

    def _saved(
        self, layer: Layer, row: Row, inputs: Sequence[Value], output: Value, own: bool
    ) -> list[int]:
        x, shape = inputs[0], row.inputs[0]
        match layer:
            case Conv() | Depthwise() | TransposedConv():
                return self._padded(layer, row, x)
            case Separable():
                middle = prod(layer.depthwise.measure(shape).output)
                return [*self._padded(layer.depthwise, row, x), self._new(middle)]
            case Linear():
                if not (own or any(one.trains for one in inputs[1:2])):
                    return []
                copied = bool(x.order) and len(shape) > 1
                return [self._new(prod(shape), x.per_image) if copied else x.storage]
            case Norm():
                return self._normalized(layer, shape, x)
            case LocalResponseNorm():
                wide = (shape[0] + layer.size - 1) * prod(shape[1:])
                return [x.storage, self._new(wide), self._new(prod(shape)), self._new(prod(shape))]
            case Pool("max") | AdaptivePool("max"):
                return [x.storage, self._new(prod(row.output), bytes_=8)]
            case Pool("average", trainable=False):
                return [x.storage]
            case AdaptivePool("average"):
                return [] if {*layer.sizes} == {1} else [x.storage]
            case Activation():
                return self._activated(layer, row, x, output)
            case PReLU():
                return [x.storage]
            case Identity("dropout"):
                maps = row.output[0] if layer.whole_maps else prod(row.output)
                return [self._new(maps)] if 0 < layer.rate < 1 else []
            case Pad():
                return [x.storage] if layer.border in ("reflect", "edge") else []
            case Upsample() | Reshape() | Identity() | Shuffle() | PixelShuffle() | Concat():
                return []
            case Scalar():
                if layer.type == "divide" and layer.swapped:
                    return [output.storage]
                if layer.type in (*ADDITIONS, "multiply", "divide"):
                    return []
                return [x.storage] if layer.type == "power" else self._unknown(row)
            case Merge() | Broadcast():
                return self._combined(layer.type, row, inputs)
            case Operation():
                return self._operated(layer, row, inputs, output)
        return self._unknown(row)

    def _unknown(self, row: Row) -> list[int]:
        self.unknown.append(f"{row.name} ({row.type})")
        return []

    def _padded(self, layer: Conv | Depthwise | TransposedConv, row: Row, x: Value) -> list[int]:
        """A convolution's input; the padded input if the padding is not zeros."""
        border = layer.border if isinstance(layer, Conv) else "zero"
        windows = () if isinstance(layer, TransposedConv) else row.measure.windows
        pads = [padding for _, padding in windows]
        if border == "zero" and all(before == after for before, after in pads):
            return [x.storage]
        # PyTorch pads the odd cells of an uneven padding first, and the rest as it convolves
        grown = [
            n + (abs(before - after) if border == "zero" else before + after)
            for n, (before, after) in zip(row.inputs[0][1:], pads, strict=True)
        ]
        padded = self._new(row.inputs[0][0] * prod(grown), x.per_image)
        return [padded, x.storage] if border in ("reflect", "edge") and x.trains else [padded]

    def _normalized(self, layer: Norm, shape: Sequence[int], x: Value) -> list[int]:
        """The input, and a mean and a deviation for each set of values."""
        if layer.kind == "batch":
            return [x.storage, self._new(2 * shape[0], per_image=False)]
        if layer.kind == "group":
            return [x.storage, self._new(2 * layer.groups, x.per_image)]
        if layer.kind == "layer":
            covered = prod(layer.shape) if layer.shape else shape[0]
            return [x.storage, self._new(2 * prod(shape) // covered, x.per_image)]
        if layer.kind == "instance":  # a batch norm of images × channels, with weights repeated
            arrays = 2 + (layer.vectors > 0) + 2 * layer.tracked
            return [x.storage, self._new(arrays * shape[0], x.per_image)]
        return []

    def _activated(self, layer: Activation, row: Row, x: Value, output: Value) -> list[int]:
        size = prod(row.output)
        if layer.type in KEEPS_OUTPUT or (layer.inplace and layer.type in IN_PLACE_KEEPS_OUTPUT):
            return [output.storage]
        if layer.type in KEEPS_INPUT:
            kept = self._new(size, x.per_image) if layer.inplace else x.storage
            more = layer.type in KEEPS_AS_MUCH
            return [kept, self._new(size, x.per_image)] if more else [kept]
        return [] if layer.type in KEEPS_NOTHING else self._unknown(row)

    def _combined(self, type_: str, row: Row, inputs: Sequence[Value]) -> list[int]:
        if type_ in ADDITIONS:
            return []
        if type_ == "multiply" and len(inputs) == 2:
            first, second = inputs
            return [first.storage] * second.trains + [second.storage] * first.trains
        if type_ == "divide":
            return [inputs[0].storage] * inputs[1].trains + [inputs[1].storage]
        if type_ in ("maximum", "minimum"):
            return [one.storage for one in inputs]
        return self._unknown(row)

    def _operated(
        self, layer: Operation, row: Row, inputs: Sequence[Value], output: Value
    ) -> list[int]:
        if layer.type in COPIES:
            return []
        if layer.type == "matmul":
            kept = []
            for one, other, shape in zip(inputs, reversed(inputs), layer.inputs, strict=True):
                if other.trains:
                    copied = len(shape) > 2 and one.order not in ((), _swapped(len(shape)))
                    kept.append(self._new(prod(shape), one.per_image) if copied else one.storage)
            return kept
        if layer.type == "attention":
            query, key = layer.inputs[:2]
            sums = prod(query[:-1])
            if len(query) != 4:  # by its definition: scaled queries and keys, and all products
                scaled = [self._new(prod(shape), output.per_image) for shape in (query, key)]
                matrix = self._new(sums * key[-2], output.per_image)
                return [*scaled, inputs[2].storage, matrix]
            kept = [one.storage for one in inputs]
            return [*kept, output.storage, self._new(sums, output.per_image)]
        if layer.type == "var":
            return [inputs[0].storage]
        # values taken from weights at fixed positions are not part of an image
        return self._unknown(row) if output.per_image else []


def _trains_weights(row: Row) -> bool:
    """Whether a node's layer has weights of its own that are trained."""
    if isinstance(row.node.layer, Free):
        return False
    if row.node.counted:
        return row.trainable > 0
    return row.measure.params > 0 and not row.node.frozen


def _is_view(layer: Layer, x: Value, row: Row) -> bool:
    """Whether a node is a view of its input."""
    match layer:
        case Reshape():
            return not x.order
        case Identity("dropout", rate):
            return rate == 0
        case Identity():
            return True
        case Pad() if not any(map(any, layer.padding)):
            return True
        case Operation("slice", values=values) if "…" in str(values):
            return False
        case Operation():
            return layer.type in VIEWS
    return False


def _order(layer: Layer, x: Value) -> Sizes:
    """The memory order of the axes of a view."""
    if not isinstance(layer, Operation) or layer.type == "expand":
        return x.order
    if layer.type not in ("permute", "transpose"):
        return SCATTERED
    axes = tuple(axis for axis in layer.values if isinstance(axis, int))
    before = x.order or tuple(range(len(axes)))
    if len(before) != len(axes):
        return SCATTERED
    order = tuple(before[axis] for axis in axes)
    return () if order == tuple(range(len(axes))) else order


def _swapped(rank: int) -> Sizes:
    """The order of a matrix that is transposed, which a product reads without a copy."""
    return (*range(rank - 2), rank - 1, rank - 2)
