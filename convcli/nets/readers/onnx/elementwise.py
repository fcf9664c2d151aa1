"""Operators on each value: arithmetic, comparisons, activations, casts."""

from functools import partial
from math import prod

from convcli.nets.layers import Activation, Identity
from convcli.nets.layers.tensor_ops import Scalar
from convcli.nets.readers.folding import broadcast_shape
from convcli.nets.readers.onnx.call import Call, Operator, Results
from convcli.nets.readers.tensor_graph import Traced, Value, is_weight_name, weight_owner
from convcli.nets.stored_arrays import StoredArray, numbers


def scalar(call: Call, type_: str, x: Traced, number: float, swapped: bool = False) -> Traced:
    """Arithmetic of every value with a number."""
    return call.graph.layer(Scalar(type_, float(number), swapped), x, call.name)


def arithmetic(call: Call, type_: str, left: Value, right: Value) -> Traced:
    """Two tensors value by value, broadcast from the last axis."""
    shape = broadcast_shape(left.shape, right.shape)
    if shape is None:
        raise call.refuse(f"{left.shape} and {right.shape} do not match")
    for array, other, swapped in ((right, left, False), (left, right, True)):
        if isinstance(array, StoredArray) and isinstance(other, Traced) and array.elements == 1:
            values = array.values() if len(array.shape) <= len(other.shape) else None
            if values:
                return scalar(call, type_, other, values[0], swapped)
    source = partial(operand, call)
    return call.graph.arithmetic(type_, left, right, call.name, source)


def operand(call: Call, value: Value) -> Traced:
    """A tensor; an array of the file becomes a node, which is trained if its name says so."""
    if isinstance(value, Traced):
        return value
    trained = is_weight_name(value.name)
    name = weight_owner(value.name) if trained else ""
    return call.graph.source(value, trained, name or call.name)


def binary(type_: str) -> Operator:
    return lambda call: arithmetic(call, type_, call.x(0), call.x(1))


def in_integers(operator: Operator) -> Operator:
    """An operator whose integer results are rounded towards 0."""

    def read(call: Call) -> Results:
        y = operator(call)
        if isinstance(y, Traced) and "int" in call.result_type(0):
            return call.graph.elementwise("truncate", y, name=call.name)
        return y

    return read


def several(type_: str) -> Operator:
    """Any number of inputs: Sum, Max, Min, Mean."""

    def read(call: Call) -> Results:
        result: Value = call.x()
        for index in range(1, len(call.inputs)):
            result = arithmetic(call, "add" if type_ == "mean" else type_, result, call.x(index))
        if type_ == "mean" and len(call.inputs) > 1:
            return scalar(call, "divide", call.graph.source(result), len(call.inputs))
        return result

    return read


def compared(type_: str) -> Operator:
    """A comparison or a logical operator: 1 where it is true, 0 elsewhere."""

    def read(call: Call) -> Results:
        shape = broadcast_shape(call.shape(0), call.shape(1))
        if shape is None:
            raise call.refuse(f"{call.shape(0)} and {call.shape(1)} do not match")
        return call.graph.operation(type_, [call.x(0), call.x(1)], shape, name=call.name)

    return read


def where(call: Call) -> Results:
    shape = broadcast_shape(*(call.shape(index) for index in range(3)))
    if shape is None:
        raise call.refuse("its inputs do not match")
    return call.graph.operation("where", [call.x(n) for n in range(3)], shape, name=call.name)


def function(type_: str) -> Operator:
    """A function of each value that is not a layer of its own: `sqrt`."""
    return lambda call: call.elementwise(type_)


def activation(type_: str, **values: tuple[str, float]) -> Operator:
    """An activation; `values` are the attributes it takes, with their defaults, by our names."""

    def read(call: Call) -> Results:
        given = tuple(
            (name, call.number(attribute, default)) for name, (attribute, default) in values.items()
        )
        return call.layer(Activation(type_, values=given))

    return read


def clip(call: Call) -> Results:
    low, high = call.floats("min", 1), call.floats("max", 2)
    if low == [0.0] and high == [6.0]:
        return call.layer(Activation("relu6"))
    if low and high:
        values = (("min_val", low[0]), ("max_val", high[0]))
        return call.layer(Activation("hard_tanh", values=values))
    x = call.x()
    if low:
        return scalar(call, "maximum", call.graph.source(x), low[0])
    return scalar(call, "minimum", call.graph.source(x), high[0]) if high else x


def affine(x: Traced, call: Call, factor: float, offset: float) -> Traced:
    """x · factor + offset."""
    x = x if factor == 1 else scalar(call, "multiply", x, factor)
    return scalar(call, "add", x, offset)


def hard_sigmoid(call: Call) -> Results:
    """max(0, min(1, alpha · x + beta)); PyTorch's has 1/6 and 1/2."""
    alpha, beta = call.number("alpha", 0.2), call.number("beta", 0.5)
    x = call.graph.source(call.x())
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return call.graph.layer(Activation("hard_sigmoid"), x, call.name)
    values = (("min_val", 0.0), ("max_val", 1.0))
    return call.graph.layer(Activation("hard_tanh", values=values), affine(x, call, alpha, beta))


def selu(call: Call) -> Results:
    alpha, gamma = call.number("alpha", 1.67326319), call.number("gamma", 1.05070102)
    if abs(alpha - 1.67326324) < 1e-5 and abs(gamma - 1.05070099) < 1e-5:
        return call.layer(Activation("selu"))
    record = Activation("elu", values=(("alpha", alpha),))
    return scalar(call, "multiply", call.layer(record), gamma)


def swish(call: Call) -> Results:
    alpha = call.number("alpha", 1.0)
    if alpha == 1:
        return call.layer(Activation("silu"))
    x = call.graph.source(call.x())
    gate = call.graph.layer(Activation("sigmoid"), scalar(call, "multiply", x, alpha))
    return arithmetic(call, "multiply", x, gate)


def thresholded(call: Call) -> Results:
    values = (("threshold", call.number("alpha", 1.0)), ("value", 0.0))
    return call.layer(Activation("threshold", values=values))


def shrink(call: Call) -> Results:
    values = (call.number("lambd", 0.5), call.number("bias", 0.0))
    return call.elementwise("shrink", *values)


def gelu(call: Call) -> Results:
    how = call.text("approximate", "none")
    record = Activation("gelu", values=(("approximate", how),) if how != "none" else ())
    return call.layer(record)


def softmax(type_: str) -> Operator:
    """Along one axis; before opset 13, over all values from that axis on together."""

    def read(call: Call) -> Results:
        x = call.graph.source(call.x())
        rank = len(x.shape)
        axis = call.axis(-1 if call.opset >= 13 else 1)
        if call.opset < 13 and any(n != 1 for n in x.shape[axis + 1 :]):
            head = tuple(x.shape[:axis])
            flat = call.graph.reshaped(x, (*head, prod(x.shape[axis:])))
            record = Activation(type_, values=(("dim", -1),))
            return call.graph.reshaped(call.graph.layer(record, flat, call.name), x.shape)
        record = Activation(type_, values=(("dim", x.order[axis] - rank),))
        return call.graph.layer(record, x, call.name)

    return read


def cast(call: Call) -> Results:
    type_ = call.type_attribute()
    if "int" in type_:
        return call.elementwise("truncate")
    if type_ == "bool":
        return call.elementwise("nonzero")
    return call.x()


def dropout(call: Call) -> Results:
    """A dropout: nothing is dropped, and the mask says so."""
    y = call.layer(Identity("dropout"))
    mask = numbers("bool", (), (True,)).expanded(y.shape)
    return (y, mask)[: len(call.node.outputs)]


def is_inf(call: Call) -> Results:
    signs = call.integer("detect_negative", 1), call.integer("detect_positive", 1)
    return call.elementwise("is_inf", *signs)


INTEGER_BOUNDS = {
    "int8": (-128, 127),
    "uint8": (0, 255),
    "int16": (-32768, 32767),
    "uint16": (0, 65535),
}


def quantize(call: Call) -> Results:
    """Activations rounded to quantization steps, still stored as floats."""
    zero = call.weight(2)
    type_ = zero.type if zero is not None else "uint8"
    if type_ not in INTEGER_BOUNDS:
        raise call.refuse(f"steps of {type_} are not read")
    return _in_steps(call, "quantize", zero is not None, *INTEGER_BOUNDS[type_])


def dequantize(call: Call) -> Results:
    return _in_steps(call, "dequantize", call.has(2))


def _in_steps(call: Call, type_: str, has_zeros: bool, *bounds: int) -> Traced:
    if call.integer("block_size", 0):
        raise call.refuse("steps of blocks are not read")
    scale = call.numbers(1)
    zeros = call.numbers(2) if has_zeros else [0.0]
    axis = call.axis(1) if len(scale) > 1 else 0
    x = call.graph.settled(call.graph.source(call.x()))
    values = tuple(scale), tuple(zeros), axis, *bounds
    return call.graph.elementwise(type_, x, *values, name=call.name)


FUNCTIONS = {
    "Neg": "negative",
    "IsNaN": "is_nan",
    **{name.capitalize(): name for name in ("sqrt", "log", "floor", "ceil", "round", "sign")},
    **{name.capitalize(): name for name in ("reciprocal", "erf", "not")},
    **{name.capitalize(): name for name in ("sin", "cos", "tan", "asin", "acos", "atan")},
    **{name.capitalize(): name for name in ("sinh", "cosh", "asinh", "acosh", "atanh")},
}
COMPARISONS = {
    "GreaterOrEqual": "greater_or_equal",
    "LessOrEqual": "less_or_equal",
    **{name.capitalize(): name for name in ("equal", "greater", "less", "and", "or", "xor")},
}
PLAIN = ("relu", "sigmoid", "tanh", "softplus", "softsign", "abs", "mish")
"""Activations without attributes that have the same name here."""

ELEMENTWISE: dict[str, Operator] = {
    "Add": binary("add"),
    "Sub": binary("subtract"),
    "Mul": binary("multiply"),
    "Div": in_integers(binary("divide")),
    "Pow": binary("power"),
    "Sum": several("add"),
    "Max": several("maximum"),
    "Min": several("minimum"),
    "Mean": several("mean"),
    "Mod": lambda call: compared("fmod" if call.integer("fmod", 0) else "mod")(call),
    "Where": where,
    **{name.capitalize(): activation(name) for name in PLAIN},
    "Exp": activation("exponential"),
    "Elu": activation("elu", alpha=("alpha", 1.0)),
    "Celu": activation("celu", alpha=("alpha", 1.0)),
    "HardSwish": activation("hard_swish"),
    "LeakyRelu": lambda call: call.layer(Activation("leaky_relu", call.number("alpha", 0.01))),
    "HardSigmoid": hard_sigmoid,
    "Selu": selu,
    "Swish": swish,
    "Gelu": gelu,
    "Clip": clip,
    "ThresholdedRelu": thresholded,
    "Shrink": shrink,
    "Softmax": softmax("softmax"),
    "LogSoftmax": softmax("log_softmax"),
    "Cast": cast,
    **dict.fromkeys(("CastLike", "Identity"), lambda call: call.x()),
    "Dropout": dropout,
    "IsInf": is_inf,
    "QuantizeLinear": quantize,
    "DequantizeLinear": dequantize,
    **{name: function(type_) for name, type_ in FUNCTIONS.items()},
    **{name: compared(type_) for name, type_ in COMPARISONS.items()},
}
