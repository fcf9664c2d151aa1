"""Operators with weights or windows: convolutions, products, normalizations, pools."""

import re
from math import prod

from convcli.geometry import Padding, Window
from convcli.nets.layers import (
    Activation,
    AdaptivePool,
    Conv,
    Linear,
    LocalResponseNorm,
    Norm,
    Pool,
    PoolKind,
    PReLU,
    Sizes,
    TransposedConv,
)
from convcli.nets.layers.sequences import GATES
from convcli.nets.layers.tensor_ops import Free
from convcli.nets.readers.folding import broadcast_shape, contiguous
from convcli.nets.readers.onnx.call import Call, Operator, Results
from convcli.nets.readers.onnx.elementwise import arithmetic, operand, scalar
from convcli.nets.readers.tensor_graph import Traced, Value, weight_owner
from convcli.nets.stored_arrays import StoredArray


def _axes(call: Call, name: str, axes: int, default: int) -> Sizes:
    values = call.integers(name)
    if values is None:
        return (default,) * axes
    if len(values) != axes:
        raise call.refuse(f"{name} has {len(values)} numbers for {axes} axes")
    if min(values, default=1) < default:
        raise call.refuse(f"{name} {values} is below {default}")
    return tuple(values)


def _pads(call: Call, axes: int) -> tuple[Padding, ...]:
    auto = call.text("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        named: Padding = "same" if auto == "SAME_UPPER" else "same_lower"
        return (named,) * axes
    flat = call.integers("pads") if auto in ("NOTSET", "") else None
    if flat is None:
        return ((0, 0),) * axes
    if len(flat) != 2 * axes:
        raise call.refuse(f"pads has {len(flat)} numbers for {axes} axes")
    return tuple(zip(flat[:axes], flat[axes:], strict=True))


def conv(call: Call) -> Results:
    weight = call.x(1)
    if len(weight.shape) < 3 or len(call.shape()) != len(weight.shape):
        raise call.refuse(f"a weight of {weight.shape} meets a tensor of {len(call.shape())} axes")
    filters, _, *kernel = weight.shape
    axes, groups = len(kernel), call.integer("group", 1)
    bias = call.weight(2)
    if bias is not None and call.graph.is_filler(bias):
        bias = None
    record = Conv(
        filters,
        tuple(kernel),
        _axes(call, "strides", axes, 1),
        _pads(call, axes),
        _axes(call, "dilations", axes, 1),
        groups,
        call.has(2) if isinstance(weight, Traced) else bias is not None,
        weight.shape[1] * groups,
    )
    if groups < 1:
        raise call.refuse(f"group is {groups}")
    if isinstance(weight, Traced):
        others = [value for value in call.inputs[1:] if value is not None]
        return call.graph.layer(Free(record), call.x(), call.name, others=others)
    if bias is not None and (
        FOLDED.search(weight.name) or bias.name == f"{weight.name}_bias"  # PyTorch's of 2.9
    ):
        call.graph.folded += 1
    return call.layer(record, weight=weight, bias=bias)


FOLDED = re.compile(r"^onnx::Conv_|fused_bn|FusedBatchNorm|_bn_fold|_scaled$")
"""Names that exporters give to weights with a folded batch normalization."""


def transposed(call: Call) -> Results:
    weight = call.array(1)
    if len(weight.shape) < 3 or len(call.shape()) != len(weight.shape):
        raise call.refuse(f"a weight of {weight.shape} meets a tensor of {len(call.shape())} axes")
    channels, per_group, *kernel = weight.shape
    axes, groups = len(kernel), call.integer("group", 1)
    stride, dilation = _axes(call, "strides", axes, 1), _axes(call, "dilations", axes, 1)
    extra = call.integers("output_padding") or [0] * axes
    wanted = call.integers("output_shape")
    auto = call.text("auto_pad", "NOTSET")
    lengths = call.shape()[2:]
    if auto.startswith("SAME") and wanted is None:
        wanted = [length * step for length, step in zip(lengths, stride, strict=True)]
    padding = _pads(call, axes) if wanted is None else ()
    if wanted is not None:
        sides: list[Padding] = []
        windows = map(Window, kernel, stride, dilation)
        for axis, (n, window, size) in enumerate(zip(lengths, windows, wanted, strict=True)):
            total = window.span(n) + extra[axis] - size
            # cells that the windows do not cover are added at the end
            extra[axis] = max(extra[axis], -total)
            half, rest = max(total, 0) // 2, max(total, 0) - max(total, 0) // 2
            sides.append((half, rest) if auto == "SAME_UPPER" else (rest, half))
        padding = tuple(sides)
    bias = call.weight(2)
    record = TransposedConv(
        per_group * groups,
        tuple(kernel),
        stride,
        padding,
        tuple(extra),
        dilation,
        groups,
        bias is not None,
        channels,
    )
    return call.layer(record, weight=weight, bias=bias)


def matmul(call: Call) -> Results:
    left, right = call.x(0), call.x(1)
    if isinstance(right, StoredArray) and len(right.shape) == 2 and isinstance(left, Traced):
        if left.shape[-1] != right.shape[0]:
            raise call.refuse(f"{left.shape[-1]} values meet a matrix of {right.shape}")
        bias = call.following
        if bias is not None and (
            bias.shape[-1:] != right.shape[1:] or bias.elements != right.shape[1]
        ):
            bias = None
        if bias is not None:
            call.absorbed.add(call.node.outputs[0])
        return linear(call, left, right.permuted((1, 0)), bias and bias.reshaped(right.shape[1:]))
    a = left.shape if len(left.shape) > 1 else (1, *left.shape)
    b = right.shape if len(right.shape) > 1 else (*right.shape, 1)
    lead = broadcast_shape(a[:-2], b[:-2])
    if not left.shape or not right.shape or a[-1] != b[-2] or lead is None:
        raise call.refuse(f"{left.shape} and {right.shape} do not match")
    shape = (*lead, *a[-2:-1], *b[-1:])
    if len(left.shape) == 1:
        shape = (*shape[:-2], shape[-1])
    if len(right.shape) == 1:
        shape = shape[:-1]
    macs = call.graph.product_macs((left, right), prod(lead) * a[-2] * a[-1] * b[-1])
    sources = [_trained(call, left), _trained(call, right)]
    return call.graph.operation("matmul", sources, shape, macs=macs, name=call.name)


def _trained(call: Call, value: Value) -> Value:
    """A matrix of the file as a node of weights."""
    if isinstance(value, Traced):
        return value
    return call.graph.source(value, trained=True, name=weight_owner(value.name))


def linear(call: Call, x: Value, weight: StoredArray, bias: StoredArray | None) -> Traced:
    """A fully connected layer over the last axis: weight (outputs, features)."""
    record = Linear(weight.shape[0], bias is not None, weight.shape[1], over="axis")
    return call.layer(record, x, weight=weight, bias=bias)


def gemm(call: Call) -> Results:
    x, weight = call.x(0), call.array(1)
    if len(weight.shape) != 2 or len(x.shape) != 2:
        raise call.refuse(f"{x.shape} and {weight.shape} are not matrices")
    if call.integer("transA", 0):
        x = call.graph.source(x)
        x = x._replace(order=x.order[::-1])
    weight = weight if call.integer("transB", 0) else weight.permuted((1, 0))
    alpha, beta = call.number("alpha", 1.0), call.number("beta", 1.0)
    added = call.inputs[2] if call.has(2) else None
    bias = added if isinstance(added, StoredArray) and added.elements == weight.shape[0] else None
    plain = alpha == 1 == beta and bias is not None
    if x.shape[1] != weight.shape[1]:
        raise call.refuse(f"{x.shape[1]:,} values meet a matrix for {weight.shape[1]:,}")
    y = linear(call, x, weight, bias.reshaped(weight.shape[:1]) if plain and bias else None)
    if alpha != 1:
        y = scalar(call, "multiply", y, alpha)
    if added is not None and not plain:
        scaled = added if beta == 1 else scalar(call, "multiply", call.graph.source(added), beta)
        return arithmetic(call, "add", y, scaled)
    return y


def einsum(call: Call) -> Results:
    equation = call.text("equation", "").replace(" ", "")
    left, _, right = equation.partition("->")
    terms = left.split(",")
    if "." in equation or "->" not in equation or len(terms) != len(call.inputs):
        raise call.refuse(f"{equation!r}")
    sizes: dict[str, int] = {}
    for index, term in enumerate(terms):
        if len(term) != len(call.shape(index)):
            raise call.refuse(f"{equation!r} meets {call.shape(index)}")
        for letter, size in zip(term, call.shape(index), strict=True):
            if sizes.setdefault(letter, size) not in (size, 1):
                raise call.refuse(f"{equation!r} meets {call.shape(index)}")
    if not set(right) <= set(sizes):
        raise call.refuse(f"{equation!r}")
    output = tuple(sizes[letter] for letter in right)
    values = [call.x(index) for index in range(len(terms))]
    macs = call.graph.product_macs(values, prod(sizes.values()))
    return call.graph.operation("einsum", values, output, equation, macs=macs, name=call.name)


def recurrent(call: Call) -> Results:
    """RNN, GRU, LSTM: x (steps, batch, values) → y (steps, ways, batch, hidden) and its states."""
    type_ = call.node.operator.lower()
    gates, hidden = GATES[type_], call.integer("hidden_size", 0)
    steps, batch, values = call.shape() if len(call.shape()) == 3 else (0, 0, 0)
    ways = call.shape(1)[0] if len(call.shape(1)) == 3 else 0
    if call.shape(1) != (ways, gates * hidden, values) or not ways:
        raise call.refuse(f"weights of {call.shape(1)} meet {call.shape()}")
    if call.integer("layout", 0):
        raise call.refuse("layout 1 is not read")
    weights = [call.x(index) for index in (1, 2, 3) if call.has(index)]
    nodes = [
        operand(call, w) if isinstance(w, Traced) else call.graph.source(w, trained=True)
        for w in weights
    ]
    macs = steps * batch * sum(prod(w.shape) for w in weights[:2])
    y = call.graph.operation(
        type_, [call.x(), *nodes], (steps, ways, batch, hidden), macs=macs, name=call.name
    )
    state = (ways, batch, hidden)
    rest = call.node.outputs[1:]
    return [
        y,
        *(call.graph.operation(f"{type_}_state", [y], state) if name else None for name in rest),
    ]


def batch_norm(call: Call) -> Results:
    if call.integer("training_mode", 0):
        raise call.refuse("a normalization by the statistics of a batch is for training")
    scale, bias, mean, var = (call.array(index) for index in range(1, 5))
    record = Norm("batch", 2, scale.elements, tracked=True, eps=call.number("epsilon", 1e-5))
    if len(call.shape()) == 2 and call.shape()[0] != 1:
        raise call.refuse("a batch of vectors is not read")
    y = call.layer(record, weight=scale, bias=bias, running_mean=mean, running_var=var)
    return (y, *(None for _ in call.node.outputs[1:]))


def instance_norm(call: Call) -> Results:
    scale, bias = call.array(1), call.array(2)
    plain = set(scale.values() or ()) == {1.0} and set(bias.values() or ()) == {0.0}
    # ones and zeros are dummies of the exporter: those of a group norm follow
    vectors = 0 if plain and not weight_owner(scale.name) else 2
    record = Norm("instance", vectors, scale.elements, eps=call.number("epsilon", 1e-5))
    return call.layer(record, **({"weight": scale, "bias": bias} if vectors else {}))


def group_norm(call: Call) -> Results:
    groups, channels = call.integer("num_groups", 1), call.shape()[1]
    scale, bias = call.array(1), call.array(2)
    if scale.elements != channels:  # before opset 21, one number per group
        if scale.elements != groups or channels % max(groups, 1):
            raise call.refuse(f"{scale.elements} scales for {channels} channels")
        wide = [a.reshaped((groups, 1)) for a in (scale, bias)]
        each = [a and contiguous(a.expanded((groups, channels // groups))) for a in wide]
        if each[0] is None or each[1] is None:
            raise call.refuse("its scales are not known")
        scale, bias = (
            a._replace(shape=(channels,), name=old.name)
            for a, old in zip((each[0], each[1]), (scale, bias), strict=True)
        )
    record = Norm("group", 2, channels, groups, eps=call.number("epsilon", 1e-5))
    return call.layer(record, weight=scale, bias=bias)


def layer_norm(call: Call) -> Results:
    axis = call.axis(-1)
    tail = call.shape()[axis:]
    scale, bias = call.array(1), call.weight(2)
    if scale.elements != prod(tail) or (bias is not None and bias.elements != prod(tail)):
        raise call.refuse(f"{scale.elements} scales for {tail}")
    record = Norm("layer", 1 + (bias is not None), shape=tail, eps=call.number("epsilon", 1e-5))
    scale, bias = scale.reshaped(tail) or scale, bias and (bias.reshaped(tail) or bias)
    y = call.layer(record, weight=scale, bias=bias)
    return (y, *_statistics(call, axis)) if any(call.node.outputs[1:]) else y


def _statistics(call: Call, axis: int) -> tuple[Value, Value]:
    """The mean and the factor 1/√(σ² + ε) of a layer norm: its further outputs."""
    graph, x = call.graph, call.graph.settled(call.graph.source(call.x()))
    axes = tuple(range(axis, len(x.shape)))
    shape = tuple(1 if index in axes else size for index, size in enumerate(x.shape))
    mean = graph.operation("mean", [x], shape, axes, True)
    centered = arithmetic(call, "subtract", x, mean)
    squares = arithmetic(call, "multiply", centered, centered)
    variance = graph.operation("mean", [squares], shape, axes, True)
    spread = scalar(call, "add", variance, call.number("epsilon", 1e-5))
    return mean, graph.elementwise("reciprocal", graph.elementwise("sqrt", spread))


def local_response_norm(call: Call) -> Results:
    record = LocalResponseNorm(
        call.integer("size", 1),
        call.number("alpha", 1e-4),
        call.number("beta", 0.75),
        call.number("bias", 1.0),
    )
    return call.layer(record)


def pool(kind: PoolKind) -> Operator:
    def read(call: Call) -> Results:
        if len(call.node.outputs) > 1 and call.node.outputs[1]:
            raise call.refuse("the places of the largest values are not read")
        kernel = call.integers("kernel_shape") or []
        axes = len(kernel)
        if len(call.shape()) != axes + 2:
            raise call.refuse(f"a window of {axes} axes meets {len(call.shape())} axes")
        x = call.x()
        if kind == "lp":  # the norm of |x|, over complete windows with their zeros
            x = call.graph.layer(Activation("abs"), x, call.name)
        record = Pool(
            kind,
            tuple(kernel),
            _axes(call, "strides", axes, 1),
            _pads(call, axes),
            _axes(call, "dilations", axes, 1),
            bool(call.integer("ceil_mode", 0)),
            kind == "lp" or bool(call.integer("count_include_pad", 0)),
            power=call.number("p", 2),
        )
        return call.graph.layer(record, x, call.name)

    return read


def global_pool(kind: PoolKind) -> Operator:
    def read(call: Call) -> Results:
        record = AdaptivePool(kind, (1,) * (len(call.shape()) - 2))
        return call.layer(record)

    return read


def prelu(call: Call) -> Results:
    x, slope = call.x(), call.x(1)
    channels = x.shape[1] if len(x.shape) > 1 else 1
    longer = [n for n in slope.shape if n != 1]
    full_shape = (1,) * (len(x.shape) - len(slope.shape)) + slope.shape
    along = not longer or full_shape[1:2] == (channels,)
    if isinstance(slope, Traced) or not along or len(longer) > 1:
        low = call.graph.elementwise("negative_part", x)
        high = call.graph.elementwise("positive_part", x)
        weight = slope if isinstance(slope, Traced) else _trained(call, slope)
        return arithmetic(call, "add", high, arithmetic(call, "multiply", low, weight))
    array = slope.reshaped((slope.elements,))
    if array is None:
        raise call.refuse("its slopes are not contiguous")
    return call.layer(PReLU(slope.elements), weight=array)


LAYERS: dict[str, Operator] = {
    "Conv": conv,
    "ConvTranspose": transposed,
    "MatMul": matmul,
    "Gemm": gemm,
    "Einsum": einsum,
    **dict.fromkeys(("RNN", "GRU", "LSTM"), recurrent),
    "BatchNormalization": batch_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
    "LayerNormalization": layer_norm,
    "LRN": local_response_norm,
    "MaxPool": pool("max"),
    "AveragePool": pool("average"),
    "LpPool": pool("lp"),
    "GlobalAveragePool": global_pool("average"),
    "GlobalMaxPool": global_pool("max"),
    "PRelu": prelu,
}
