"""A `.tflite` file → the graph of its network: operators by a table, sizes as the file gives them.

Maps lie with channels last there, and with channels first in the layers here: a tensor knows its
order, so that no transpose stands in between. Field numbers are those of `schema.fbs`.
"""

import mmap
import os
import struct
from collections.abc import Callable
from math import prod
from typing import NamedTuple

from convcli.errors import Refusal, SpecError, UnfitError
from convcli.geometry import Padding
from convcli.nets.graph import INPUT, Given, Network, Reading, Stopped
from convcli.nets.layers import (
    Activation,
    Concat,
    Conv,
    Layer,
    Linear,
    Merge,
    Pad,
    Pool,
    PoolKind,
    PReLU,
    Shape,
    TransposedConv,
    Upsample,
)
from convcli.nets.layers.tensor_ops import Broadcast
from convcli.nets.readers.folding import broadcast_shape
from convcli.nets.readers.tensor_graph import Halt, TensorGraph, Traced, Value, traced
from convcli.nets.readers.tflite.flatbuffers import FlatError, Table, root
from convcli.nets.stored_arrays import TYPES, StoredArray, checked
from convcli.text import safe

MAX_FILE = 2 << 30
MAX_OPERATORS = 100_000

MARK = b"TFL3"
"""What stands at byte 4 of a file."""

ELEMENT_TYPES = {
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    5: "string",
    6: "bool",
    7: "int16",
    8: "complex64",
    9: "int8",
    10: "float64",
    11: "complex128",
    12: "uint64",
    15: "uint32",
    16: "uint16",
    17: "int4",
}

LAST = (0, 2, 3, 1)
"""The order of maps with channels last, of what a layer gives."""


def read_tflite(path: str) -> Reading:
    """The network of a file. Raises SpecError, Refusal."""
    name = os.path.basename(path)
    try:
        if not 8 < os.path.getsize(path) <= MAX_FILE:
            raise SpecError(f"{safe(name)} has {os.path.getsize(path):,} bytes, as no model has")
        with open(path, "rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise Refusal(f"{safe(path)} cannot be read: {error.strerror}") from None
    try:
        model = _Model(data, name)
    except (FlatError, struct.error, IndexError) as error:
        raise SpecError(f"{safe(name)} is no TFLite model: {error}") from None
    network = Network((), redo=model.network, parameters=model.input_names)
    return Reading(
        network, model.shape, f"TFLite file, {safe(model.description)[:60]}".rstrip(", ")
    )


class _Operator(NamedTuple):
    """One operator: its code, the tensors it reads and gives, and its options."""

    code: int
    inputs: list[int]
    outputs: list[int]
    options: Table | None

    @property
    def name(self) -> str:
        return NAMES.get(self.code, f"operator {self.code}")

    def number(self, field: int, kind: str = "i", default: int = 0) -> int:
        return self.options.number(field, kind, default) if self.options else default


class _Model:
    """The records of a file that a network needs."""

    def __init__(self, data: memoryview, source: str) -> None:
        self.source = source
        model = root(data)
        self.description = model.text(3)
        graphs = model.tables(2)
        if not graphs:
            raise FlatError("it holds no graph")
        graph, buffers = graphs[0], model.tables(4)
        codes = [max(one.number(0, "b"), one.number(3, "i")) for one in model.tables(1)]
        operators = graph.tables(3)
        tensors = graph.tables(0)
        if len(operators) > MAX_OPERATORS or len(tensors) > 4 * MAX_OPERATORS:
            raise FlatError(f"more than {MAX_OPERATORS:,} operators")
        self.operators = [
            _Operator(
                codes[one.number(0, "I")],
                one.numbers(1, "i"),
                one.numbers(2, "i"),
                one.table(4),
            )
            for one in operators
        ]
        self.inputs, self.outputs = graph.numbers(1, "i"), graph.numbers(2, "i")
        self.shapes: list[Shape] = []
        self.names: list[str] = []
        self.arrays: dict[int, StoredArray] = {}
        for place, tensor in enumerate(tensors):
            shape = tuple(tensor.numbers(0, "i"))
            # a size that may change is kept as −1 beside the one it was converted with
            if any(n < 0 for n in shape) or prod(shape) > 10**15 or len(shape) > 64:
                raise FlatError(f"sizes {shape[:8]}, which no tensor has")
            self.shapes.append(shape)
            self.names.append(tensor.text(3))
            buffer = buffers[tensor.number(2, "I")].bytes(0)
            if buffer is not None:
                self.arrays[place] = _array(tensor, shape, self.names[-1], buffer)
        if not self.inputs:
            raise FlatError("it has no input")
        self.input_names = tuple(safe(self.names[place]) for place in self.inputs)

    @property
    def shape(self) -> Shape:
        """The input that it was converted for, (channels, *lengths)."""
        whole = self.shapes[self.inputs[0]]
        if len(whole) == 4:
            return (whole[3], *whole[1:3])
        return whole[1:] if len(whole) > 1 else whole

    def network(self, shape: Shape, given: tuple[Given, ...] = ()) -> Network:
        """The network, which stands for the sizes that it was converted for alone."""
        if shape != self.shape:
            sizes = "x".join(map(str, (*self.shape[1:], self.shape[0])))
            raise UnfitError(f"{safe(self.source)} was converted for an input of {sizes}")
        graph = TensorGraph()
        known: dict[int, Value] = {**self.arrays}
        stopped, operator = None, None
        try:
            whole = self.shapes[self.inputs[0]]
            if len(whole) > 1 and whole[0] != 1:
                raise Halt(f"it was converted for a batch of {whole[0]}; convert it for one image")
            known[self.inputs[0]] = _channels_first(INPUT, whole)
            for place in self.inputs[1:]:
                known[place] = graph.further_input(safe(self.names[place]), self.shapes[place])
            for operator in self.operators:
                call = _Call(operator, known, graph, self)
                result = OPERATORS.get(operator.name, _Call.operation)(call)
                known[operator.outputs[0]] = result
                for place in operator.outputs[1:]:
                    known[place] = call.operation(place)
        except Halt as halt:
            at = f"; it is {operator.name}" if operator else ""
            stopped = Stopped(f"{halt}{at}", None, halt.unfit)
        except (KeyError, IndexError, ValueError, OverflowError) as error:
            if isinstance(error, UnfitError):
                raise
            name = operator.name if operator else "the input"
            stopped = Stopped(f"{name} is not written as TFLite has it ({type(error).__name__})")
        ends = [known[place] for place in self.outputs if place in known]
        network = graph.network(ends, stopped)
        nodes = tuple(x.node for x in ends if isinstance(x, Traced))
        notes: tuple[str, ...] = ()
        if len(self.inputs) > 1:
            notes = (f"inputs beside the first: {', '.join(self.input_names[1:])}",)
        return network._replace(
            redo=self.network, outputs=nodes, notes=notes, sizes_alone="a TFLite file"
        )


def _array(tensor: Table, shape: Shape, name: str, buffer: memoryview) -> StoredArray:
    """An array of the file; one that is kept sparse has no numbers that are read."""
    type_ = ELEMENT_TYPES.get(tensor.number(1, "b"), "")
    if not type_:
        raise FlatError(f"{safe(name)[:60]} has an unknown element type")
    array = StoredArray(type_, shape, buffer, name=name)
    size = -(-array.elements * TYPES[type_][0] // 8)
    if tensor.table(6) is not None or type_ == "string":
        return array._replace(data=None)
    if len(buffer) < size:
        raise FlatError(f"{safe(name)[:60]} holds {len(buffer):,} bytes, not {size:,}")
    return checked(array)


def _channels_first(node: str, shape: Shape) -> Traced:
    """What a node gives, as the file has it: maps with channels last."""
    if len(shape) != 4:
        return traced(node, shape)
    return Traced(node, (shape[0], shape[3], *shape[1:3]), LAST)


class _Call(NamedTuple):
    """An operator with what it reads."""

    operator: _Operator
    known: dict[int, Value]
    graph: TensorGraph
    model: _Model

    @property
    def output(self) -> Shape:
        return self.model.shapes[self.operator.outputs[0]]

    @property
    def name(self) -> str:
        """The layer that the output's name tells: `model/conv/Conv2D;model/bn/…`."""
        text = self.model.names[self.operator.outputs[0]].split(";")[0]
        parts = [part for part in text.strip("/").split("/") if part]
        return safe(".".join(parts))[:100]

    def value(self, place: int) -> Value:
        return self.known[self.operator.inputs[place]]

    def maybe(self, place: int) -> Value | None:
        inputs = self.operator.inputs
        return self.known[inputs[place]] if place < len(inputs) and inputs[place] >= 0 else None

    def maps(self, place: int = 0) -> Traced:
        """Maps with channels first, as layers take them."""
        return self.channels_first(self.value(place))

    def channels_first(self, value: Value) -> Traced:
        x = self.graph.source(value)
        if len(x.order) != 4:
            return self.graph.settled(x)
        back = tuple(x.order[axis] for axis in (0, 3, 1, 2))
        return self.graph.settled(Traced(x.node, x.stored, back))

    def array(self, place: int) -> StoredArray:
        value = self.maybe(place)
        if not isinstance(value, StoredArray):
            raise Halt("weights that are computed while it runs are not read")
        return value

    def bias(self, place: int) -> StoredArray | None:
        """The bias of a layer, unless it is zeros that a converter gave to several."""
        value = self.maybe(place)
        if not isinstance(value, StoredArray) or self.graph.is_filler(value):
            return None
        return value

    def layer(self, record: Layer, x: Traced, *arrays: StoredArray | None) -> Value:
        """Append a layer on maps, and the activation that is fused to it."""
        held = dict(zip(("weight", "bias"), [a for a in arrays if a is not None], strict=False))
        y = self.graph.layer(record, x, self.name, held)
        whole = _channels_first(y.node, self.output)
        if prod(whole.stored) != prod(y.stored):
            raise Halt(f"it gives {y.stored}, and the file says {self.output}")
        return whole

    def activated(self, value: Value, field: int) -> Value:
        """The activation that the options name, behind a layer."""
        kind = FUSED.get(self.operator.number(field, "b"))
        if kind is None or not isinstance(value, Traced):
            return value
        return self.graph.layer(kind, value, f"{self.name}/")

    def operation(self, place: int = -1) -> Value:
        """An operation of the sizes that the file gives."""
        output = self.model.shapes[self.operator.outputs[0] if place < 0 else place]
        values = [self.known[one] for one in self.operator.inputs if one >= 0]
        kind = self.operator.name.lower()
        if len(values) == 1 and values[0].shape == output and isinstance(values[0], Traced):
            return self.graph.elementwise(kind, values[0], name=self.name)
        sources: list[Value] = [value for value in values if isinstance(value, Traced)]
        if not sources:
            name = next((one.name for one in values if isinstance(one, StoredArray)), "")
            return StoredArray("float32", output, None, name=name)
        if len(output) == 4 and all(len(value.shape) == 4 for value in sources):
            # of maps, which stay channels first
            maps = [self.channels_first(value) for value in sources]
            whole = _channels_first("", output)
            y = self.graph.operation(kind, maps, whole.stored, name=self.name)
            return whole._replace(node=y.node)
        return self.graph.operation(kind, sources, output, name=self.name)


RELU1 = Activation("hard_tanh", values=(("min_val", -1.0), ("max_val", 1.0)))
FUSED = {1: Activation("relu"), 2: RELU1, 3: Activation("relu6"), 4: Activation("tanh")}
"""Activations that are part of another operator."""


def _padding(code: int) -> tuple[Padding, Padding]:
    return ("same", "same") if code == 0 else ((0, 0), (0, 0))


def _conv(call: _Call) -> Value:
    weight, bias = call.array(1), call.bias(2)
    number = call.operator.number
    x = call.maps()
    filters, height, width, each = weight.shape
    record = Conv(
        filters,
        (height, width),
        (number(2, default=1), number(1, default=1)),
        _padding(number(0, "b")),
        (number(5, default=1), number(4, default=1)),
        x.stored[1] // max(each, 1),
        bias is not None,
    )
    return call.activated(call.layer(record, x, weight.permuted((0, 3, 1, 2)), bias), 3)


def _depthwise(call: _Call) -> Value:
    weight, bias = call.array(1), call.bias(2)
    number = call.operator.number
    x = call.maps()
    _, height, width, filters = weight.shape
    record = Conv(
        filters,
        (height, width),
        (number(2, default=1), number(1, default=1)),
        _padding(number(0, "b")),
        (number(6, default=1), number(5, default=1)),
        x.stored[1],
        bias is not None,
    )
    return call.activated(call.layer(record, x, weight.permuted((3, 0, 1, 2)), bias), 4)


def _transposed(call: _Call) -> Value:
    weight, bias = call.array(1), call.bias(3)
    number = call.operator.number
    filters, height, width, channels = weight.shape
    padding: Padding = "same" if number(0, "b") == 0 else "valid"
    record = TransposedConv(
        filters,
        (height, width),
        (number(2, default=1), number(1, default=1)),
        (padding, padding),
        bias=bias is not None,
        channels=channels,
    )
    return call.activated(call.layer(record, call.maps(2), weight.permuted((3, 0, 1, 2)), bias), 3)


def _linear(call: _Call) -> Value:
    weight, bias = call.array(1), call.bias(2)
    x = call.graph.settled(call.graph.source(call.value(0)))
    outputs, features = weight.shape
    if not call.operator.number(2, "b") and len(x.stored) != 2:
        x = call.graph.reshaped(x, (prod(x.stored) // max(features, 1), features))
    record = Linear(outputs, bias is not None, features, over="axis")
    held = {"weight": weight} | ({} if bias is None else {"bias": bias})
    y = call.graph.layer(record, x, call.name, held)
    return call.activated(call.graph.reshaped(y, call.output), 0)


def _pool(kind: PoolKind) -> Callable[[_Call], Value]:
    def read(call: _Call) -> Value:
        number = call.operator.number
        record = Pool(
            kind,
            (number(4, default=1), number(3, default=1)),
            (number(2, default=1), number(1, default=1)),
            _padding(number(0, "b")),
            count_include_pad=False,
        )
        return call.activated(call.layer(record, call.maps()), 5)

    return read


def _arithmetic(type_: str) -> Callable[[_Call], Value]:
    def read(call: _Call) -> Value:
        left, right = call.value(0), call.value(1)
        if isinstance(left, StoredArray) and isinstance(right, StoredArray):
            return call.operation()
        pair = [_with_order(call, one, other) for one, other in ((left, right), (right, left))]
        if pair[0].order != pair[1].order:
            pair = [call.graph.settled(x) for x in pair]
        stored = broadcast_shape(pair[0].stored, pair[1].stored)
        if stored is None or prod(stored) != prod(call.output):
            raise Halt(f"{left.shape} and {right.shape} do not go together")
        same = len(pair[0].stored) == len(pair[1].stored) and type_ in ("add", "multiply")
        record: Layer = Merge(type_) if same else Broadcast(type_)
        node = call.graph.join(record, pair, call.name)
        order = max((x.order for x in pair), key=len)
        return call.activated(Traced(node, stored, order), 0)

    return read


def _with_order(call: _Call, value: Value, other: Value) -> Traced:
    """A tensor; an array as a node whose axes lie as those of the other."""
    if isinstance(value, StoredArray) and isinstance(other, Traced) and not other.straight:
        rank = len(other.order)
        wide = value.reshaped((1,) * (rank - len(value.shape)) + value.shape)
        if wide is not None and len(wide.shape) == rank:
            turned = wide.permuted([other.order.index(axis) for axis in range(rank)])
            return call.graph.source(turned)._replace(order=other.order)
    return call.graph.source(value)


def _activation(record: Activation) -> Callable[[_Call], Value]:
    return lambda call: call.graph.layer(record, call.value(0), call.name)


def _prelu(call: _Call) -> Value:
    slopes = call.array(1)
    x = call.maps() if len(call.value(0).shape) == 4 else call.graph.source(call.value(0))
    flat = slopes.reshaped((slopes.elements,))
    if flat is None or slopes.elements not in (1, x.stored[1]):
        return call.operation()
    return call.layer(PReLU(slopes.elements), x, flat)


def _concat(call: _Call) -> Value:
    values = [call.value(place) for place in range(len(call.operator.inputs))]
    axis = call.operator.number(0) % max(len(call.output), 1)
    tensors = [call.graph.source(value) for value in values]
    if len({x.order for x in tensors}) > 1:
        tensors = [call.graph.settled(x) for x in tensors]
    order = tensors[0].order
    place = order[axis]
    if not place or any(x.stored[0] != 1 for x in tensors):
        return call.operation()
    node = call.graph.join(Concat(place - 1), tensors, call.name)
    stored = [0] * len(order)
    for position, own in enumerate(order):
        stored[own] = call.output[position]
    return call.activated(Traced(node, tuple(stored), order), 1)


def _reshape(call: _Call) -> Value:
    value = call.value(0)
    if isinstance(value, StoredArray):
        return value.reshaped(call.output) or call.operation()
    return call.graph.reshaped(value, call.output, call.name)


def _pad(call: _Call) -> Value:
    ends = call.maybe(1)
    numbers = ends.values() if isinstance(ends, StoredArray) else None
    x = call.maps() if len(call.value(0).shape) == 4 else None
    if numbers is None or x is None or len(numbers) != 8 or any((*numbers[:2], *numbers[6:])):
        return call.operation()
    top, bottom, left, right = (int(number) for number in numbers[2:6])
    return call.layer(Pad(((top, bottom), (left, right))), x)


def _resize(mode: str) -> Callable[[_Call], Value]:
    def read(call: _Call) -> Value:
        if len(call.output) != 4:
            return call.operation()
        return call.layer(Upsample((), call.output[1:3], mode), call.maps())

    return read


def _behind(call: _Call) -> Value:
    """What a weight stands for that is kept smaller: half precision, steps, or sparse."""
    value = call.value(0)
    return value._replace(shape=call.output) if isinstance(value, StoredArray) else call.operation()


def _mean(call: _Call) -> Value:
    """Over height and width, of maps that stay channels first."""
    axes = call.maybe(1)
    numbers = axes.values() if isinstance(axes, StoredArray) else None
    if numbers is None or sorted(numbers) != [1, 2] or len(call.value(0).shape) != 4:
        return call.operation()
    y = call.graph.operation("mean", [call.maps()], call.output[:1] + call.output[-1:])
    return call.graph.reshaped(y, call.output)


def _product(call: _Call) -> Value:
    left, right = call.value(0), call.value(1)
    macs = prod(call.output) * (left.shape[-1] if left.shape else 1)
    if isinstance(left, Traced) and isinstance(right, Traced):
        call.graph.activation_macs += macs
    return call.operation()


def _transpose(call: _Call) -> Value:
    axes, x = call.maybe(1), call.value(0)
    perm = axes.values() if isinstance(axes, StoredArray) else None
    if perm is None or sorted(perm) != list(range(len(x.shape))):
        return call.operation()
    if isinstance(x, StoredArray):
        return x.permuted([int(axis) for axis in perm])
    return x._replace(order=tuple(x.order[int(axis)] for axis in perm))


BUILTIN: tuple[str, ...] = (
    *("ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D"),
    *("DEPTH_TO_SPACE", "DEQUANTIZE", "EMBEDDING_LOOKUP", "FLOOR", "FULLY_CONNECTED"),
    *("HASHTABLE_LOOKUP", "L2_NORMALIZATION", "L2_POOL_2D", "LOCAL_RESPONSE_NORMALIZATION"),
    *("LOGISTIC", "LSH_PROJECTION", "LSTM", "MAX_POOL_2D", "MUL", "RELU", "RELU_N1_TO_1"),
    *("RELU6", "RESHAPE", "RESIZE_BILINEAR", "RNN", "SOFTMAX", "SPACE_TO_DEPTH", "SVDF", "TANH"),
    *("CONCAT_EMBEDDINGS", "SKIP_GRAM", "CALL", "CUSTOM", "EMBEDDING_LOOKUP_SPARSE", "PAD"),
    *("UNIDIRECTIONAL_SEQUENCE_RNN", "GATHER", "BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND"),
    *("TRANSPOSE", "MEAN", "SUB", "DIV", "SQUEEZE", "UNIDIRECTIONAL_SEQUENCE_LSTM"),
    *("STRIDED_SLICE", "BIDIRECTIONAL_SEQUENCE_RNN", "EXP", "TOPK_V2", "SPLIT", "LOG_SOFTMAX"),
    *("DELEGATE", "BIDIRECTIONAL_SEQUENCE_LSTM", "CAST", "PRELU", "MAXIMUM", "ARG_MAX"),
    *("MINIMUM", "LESS", "NEG", "PADV2", "GREATER", "GREATER_EQUAL", "LESS_EQUAL", "SELECT"),
    *("SLICE", "SIN", "TRANSPOSE_CONV", "SPARSE_TO_DENSE", "TILE", "EXPAND_DIMS", "EQUAL"),
    *("NOT_EQUAL", "LOG", "SUM", "SQRT", "RSQRT", "SHAPE", "POW", "ARG_MIN", "FAKE_QUANT"),
    *("REDUCE_PROD", "REDUCE_MAX", "PACK", "LOGICAL_OR", "ONE_HOT", "LOGICAL_AND", "LOGICAL_NOT"),
    *("UNPACK", "REDUCE_MIN", "FLOOR_DIV", "REDUCE_ANY", "SQUARE", "ZEROS_LIKE", "FILL"),
    *("FLOOR_MOD", "RANGE", "RESIZE_NEAREST_NEIGHBOR", "LEAKY_RELU", "SQUARED_DIFFERENCE"),
    *("MIRROR_PAD", "ABS", "SPLIT_V", "UNIQUE", "CEIL", "REVERSE_V2", "ADD_N", "GATHER_ND"),
    *("COS", "WHERE", "RANK", "ELU", "REVERSE_SEQUENCE", "MATRIX_DIAG", "QUANTIZE"),
    *("MATRIX_SET_DIAG", "ROUND", "HARD_SWISH", "IF", "WHILE", "NON_MAX_SUPPRESSION_V4"),
    *("NON_MAX_SUPPRESSION_V5", "SCATTER_ND", "SELECT_V2", "DENSIFY", "SEGMENT_SUM"),
    *("BATCH_MATMUL"),
)
"""Builtin operators in the order of their codes."""

NAMES: dict[int, str] = dict(enumerate(BUILTIN)) | {130: "BROADCAST_TO", 150: "GELU"}
"""Builtin operators by their codes."""


def _refused(why: str) -> Callable[[_Call], Value]:
    def read(call: _Call) -> Value:
        raise Halt(f"{why} is not read")

    return read


OPERATORS: dict[str, Callable[[_Call], Value]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transposed,
    "FULLY_CONNECTED": _linear,
    "AVERAGE_POOL_2D": _pool("average"),
    "MAX_POOL_2D": _pool("max"),
    "ADD": _arithmetic("add"),
    "MUL": _arithmetic("multiply"),
    "SUB": _arithmetic("subtract"),
    "DIV": _arithmetic("divide"),
    "CONCATENATION": _concat,
    "RESHAPE": _reshape,
    "SQUEEZE": _reshape,
    "EXPAND_DIMS": _reshape,
    "PAD": _pad,
    "PADV2": _pad,
    "PRELU": _prelu,
    "TRANSPOSE": _transpose,
    "RESIZE_BILINEAR": _resize("linear"),
    "RESIZE_NEAREST_NEIGHBOR": _resize("nearest"),
    "DEQUANTIZE": _behind,
    "DENSIFY": _behind,
    "MEAN": _mean,
    "BATCH_MATMUL": _product,
    "RELU": _activation(Activation("relu")),
    "RELU6": _activation(Activation("relu6")),
    "RELU_N1_TO_1": _activation(RELU1),
    "LOGISTIC": _activation(Activation("sigmoid")),
    "TANH": _activation(Activation("tanh")),
    "HARD_SWISH": _activation(Activation("hard_swish")),
    "GELU": _activation(Activation("gelu")),
    "EXP": _activation(Activation("exponential")),
    "ABS": _activation(Activation("abs")),
    "ELU": _activation(Activation("elu")),
    **{name: _refused("a graph that depends on values") for name in ("IF", "WHILE", "CALL")},
    **{name: _refused("an operator of somebody's own") for name in ("CUSTOM", "DELEGATE")},
}
"""What operators are worth; the others are operations of the sizes that the file gives."""
