"""Operators of TFLite as layers, by a table."""

from collections.abc import Callable
from math import prod
from struct import unpack_from

from convcli.geometry import Padding
from convcli.nets.layers import (
    Activation,
    Conv,
    Linear,
    Pad,
    Pool,
    PoolKind,
    PReLU,
    TransposedConv,
    Upsample,
)
from convcli.nets.readers.folding import broadcast_shape
from convcli.nets.readers.tensor_graph import Halt, Traced, Value
from convcli.nets.readers.tflite.call import RELU1, Call
from convcli.nets.stored_arrays import StoredArray


def _padding(code: int) -> tuple[Padding, Padding]:
    return ("same", "same") if code == 0 else ((0, 0), (0, 0))


def _conv(depthwise: bool) -> Callable[[Call], Value]:
    def read(call: Call) -> Value:
        weight, bias = call.array(1), call.bias(2)
        number, x = call.operator.number, call.maps()
        first, height, width, last = weight.shape
        filters, each = (last, 1) if depthwise else (first, last)
        # the options of a depthwise one have its multiplier before the activation
        activation = 4 if depthwise else 3
        record = Conv(
            filters,
            (height, width),
            (number(2, default=1), number(1, default=1)),
            _padding(number(0, "b")),
            (number(activation + 2, default=1), number(activation + 1, default=1)),
            x.stored[1] // max(each, 1),
            bias is not None,
        )
        order = (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)
        return call.activated(call.layer(record, x, weight.permuted(order), bias), activation)

    return read


def _transposed(call: Call) -> Value:
    number = call.operator.number
    stride = number(2, default=1), number(1, default=1)
    padding: Padding = "same" if number(0, "b") == 0 else "valid"
    return call.activated(_transposed_conv(call, call.maps(2), call.bias(3), padding, stride), 3)


def _transposed_with_bias(call: Call) -> Value:
    """MediaPipe's own, whose options are three integers: 1 for SAME, steps along x and y."""
    options = call.operator.custom_options
    if options is None or len(options) < 12:
        raise Halt("its options are missing")
    same, column_step, row_step = unpack_from("<3i", options)
    padding: Padding = "same" if same == 1 else "valid"
    return _transposed_conv(call, call.maps(), call.bias(2), padding, (row_step, column_step))


def _transposed_conv(
    call: Call, x: Traced, bias: StoredArray | None, padding: Padding, stride: tuple[int, int]
) -> Value:
    weight = call.array(1)
    filters, height, width, channels = weight.shape
    if min(stride) < 1:
        raise Halt(f"its steps are {stride}")
    record = TransposedConv(
        filters,
        (height, width),
        stride,
        (padding, padding),
        bias=bias is not None,
        channels=channels,
    )
    return call.layer(record, x, weight.permuted((3, 0, 1, 2)), bias)


def _linear(call: Call) -> Value:
    weight, bias = call.array(1), call.bias(2)
    x = call.graph.settled(call.graph.source(call.value(0)))
    outputs, features = weight.shape
    if not call.operator.number(2, "b") and len(x.stored) != 2:
        x = call.graph.reshaped(x, (prod(x.stored) // max(features, 1), features))
    record = Linear(outputs, bias is not None, features, over="axis")
    y = call.graph.layer(record, x, call.name, {"weight": weight, "bias": bias})
    return call.activated(call.graph.reshaped(y, call.output), 0)


def _pool(kind: PoolKind) -> Callable[[Call], Value]:
    def read(call: Call) -> Value:
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


def _arithmetic(type_: str) -> Callable[[Call], Value]:
    def read(call: Call) -> Value:
        left, right = call.value(0), call.value(1)
        if isinstance(left, StoredArray) and isinstance(right, StoredArray):
            return call.operation()
        shape = broadcast_shape(left.shape, right.shape)
        if shape is None or prod(shape) != prod(call.output):
            raise Halt(f"{left.shape} and {right.shape} do not match")
        y = call.graph.arithmetic(type_, left, right, call.name, call.graph.source)
        return call.activated(y, 0)

    return read


def _activation(record: Activation) -> Callable[[Call], Value]:
    return lambda call: call.graph.layer(record, call.value(0), call.name)


def _prelu(call: Call) -> Value:
    slopes = call.array(1)
    x = call.maps() if len(call.value(0).shape) == 4 else call.graph.source(call.value(0))
    flat = slopes.reshaped((slopes.elements,))
    if flat is None or slopes.elements not in (1, x.stored[1]):
        return call.operation()
    return call.layer(PReLU(slopes.elements), x, flat)


def _concat(call: Call) -> Value:
    values = [call.value(index) for index in range(len(call.operator.inputs))]
    axis = call.operator.number(0) % max(len(call.output), 1)
    y = call.graph.concat(call.graph.in_one_order(values), axis, call.name)
    return call.operation() if y is None else call.activated(y, 1)


def _reshape(call: Call) -> Value:
    value = call.value(0)
    if isinstance(value, StoredArray):
        return value.reshaped(call.output) or call.operation()
    return call.graph.reshaped(value, call.output, call.name)


def _pad(call: Call) -> Value:
    ends = call.maybe(1)
    numbers = ends.values() if isinstance(ends, StoredArray) else None
    x = call.maps() if len(call.value(0).shape) == 4 else None
    if numbers is None or x is None or len(numbers) != 8 or any((*numbers[:2], *numbers[6:])):
        return call.operation()
    top, bottom, left, right = (int(number) for number in numbers[2:6])
    return call.layer(Pad(((top, bottom), (left, right))), x)


def _resize(mode: str) -> Callable[[Call], Value]:
    def read(call: Call) -> Value:
        if len(call.output) != 4:
            return call.operation()
        return call.layer(Upsample((), call.output[1:3], mode), call.maps())

    return read


def _dense(call: Call) -> Value:
    """The weight that a compressed form stands for: half precision, quantized, or sparse."""
    value = call.value(0)
    return value._replace(shape=call.output) if isinstance(value, StoredArray) else call.operation()


def _mean(call: Call) -> Value:
    """A reduction over height and width of maps, which stay channels first."""
    axes = call.maybe(1)
    numbers = axes.values() if isinstance(axes, StoredArray) else None
    if numbers is None or sorted(numbers) != [1, 2] or len(call.value(0).shape) != 4:
        return call.operation()
    y = call.graph.operation("mean", [call.maps()], call.output[:1] + call.output[-1:])
    return call.graph.reshaped(y, call.output)


def _product(call: Call) -> Value:
    left, right = call.value(0), call.value(1)
    macs = prod(call.output) * (left.shape[-1] if left.shape else 1)
    call.graph.product_macs((left, right), macs)
    return call.operation()


def _transpose(call: Call) -> Value:
    axes, x = call.maybe(1), call.value(0)
    perm = axes.values() if isinstance(axes, StoredArray) else None
    if perm is None or sorted(perm) != list(range(len(x.shape))):
        return call.operation()
    if isinstance(x, StoredArray):
        return x.permuted([int(axis) for axis in perm])
    return x._replace(order=tuple(x.order[int(axis)] for axis in perm))


def _refused(why: str) -> Callable[[Call], Value]:
    def read(call: Call) -> Value:
        raise Halt(f"{why} is not read")

    return read


RECURRENT = ("LSTM", "RNN")
WEIGHTED = (
    *RECURRENT,
    *(f"{ways}DIRECTIONAL_SEQUENCE_{name}" for ways in ("UNI", "BI") for name in RECURRENT),
    *("SVDF", "CONV_3D", "CONV_3D_TRANSPOSE", "EMBEDDING_LOOKUP", "EMBEDDING_LOOKUP_SPARSE"),
)
"""Operators with weights, which would not be counted if only sizes were read."""

ACTIVATIONS = ("relu", "relu6", "tanh", "hard_swish", "gelu", "abs", "elu")
"""Activations that have the same name here."""

OPERATORS: dict[str, Callable[[Call], Value]] = {
    "CONV_2D": _conv(depthwise=False),
    "DEPTHWISE_CONV_2D": _conv(depthwise=True),
    "TRANSPOSE_CONV": _transposed,
    "FULLY_CONNECTED": _linear,
    "AVERAGE_POOL_2D": _pool("average"),
    "MAX_POOL_2D": _pool("max"),
    "ADD": _arithmetic("add"),
    "MUL": _arithmetic("multiply"),
    "SUB": _arithmetic("subtract"),
    "DIV": _arithmetic("divide"),
    "CONCATENATION": _concat,
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), _reshape),
    **dict.fromkeys(("PAD", "PADV2"), _pad),
    "PRELU": _prelu,
    "TRANSPOSE": _transpose,
    "RESIZE_BILINEAR": _resize("linear"),
    "RESIZE_NEAREST_NEIGHBOR": _resize("nearest"),
    **dict.fromkeys(("DEQUANTIZE", "DENSIFY"), _dense),
    "MEAN": _mean,
    "BATCH_MATMUL": _product,
    **{name.upper(): _activation(Activation(name)) for name in ACTIVATIONS},
    "RELU_N1_TO_1": _activation(RELU1),
    "LOGISTIC": _activation(Activation("sigmoid")),
    "EXP": _activation(Activation("exponential")),
    **{name: _refused("a graph that depends on values") for name in ("IF", "WHILE", "CALL")},
    **{name: _refused("a custom operator") for name in ("CUSTOM", "DELEGATE")},
    **{name: _refused("a layer with weights of its own") for name in WEIGHTED},
    "Convolution2DTransposeBias": _transposed_with_bias,
}
"""The layers of operators; other operators are operations with the sizes in the file."""
