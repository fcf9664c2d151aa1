"""Layers against tests that others wrote: the ONNX backend's, and PyTorch's own layers in it.

The models of PyTorch's layers, with inputs and outputs, lie in the same wheel. NOT_APPLICABLE says
what is left out, and why.
"""

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx_node_cases import node_cases

from convcli import conv

NODE_MODULES = [
    "averagepool",
    "batch_normalization",
    "celu",
    "clip",
    "conv",
    "convtranspose",
    "elu",
    "gelu",
    "gemm",
    "globalaveragepool",
    "globalmaxpool",
    "hardsigmoid",
    "hardswish",
    "leakyrelu",
    "logsoftmax",
    "lrn",
    "maxpool",
    "mish",
    "prelu",
    "relu",
    "selu",
    "sigmoid",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
    "thresholdedrelu",
]

NOT_APPLICABLE = {
    r"_expanded": "the same case spelled out in elementary operators, which are not ours",
    r"(Conv|Pool)3d|(pool|transpose)_3d": "three axes of places; convcli has one or two",
    r"bfloat16": "NumPy has no bfloat16",
    r"batchnorm_(example|epsilon)_training_mode": "returns running statistics, which stay put here",
    r"clip_default_int8": "activations take floats",
    r"prelu_(example|broadcast)$": "a slope a value or a column; here it is one, or one a channel",
    r"Embedding|GLU|PixelShuffle|Poisson": "no layer of convcli",
    r"operator_(?!addmm|basic|clip|conv|maxpool|mm$|selu)": "elementary operators and reshaping",
}

SOFTMAX_OF_AN_AXIS = 13
"""The opset from which Softmax looks along one axis; before, all from that axis on were one."""


def same(length, kernel, stride, dilation, lower):
    total = max((-(-length // stride) - 1) * stride + dilation * (kernel - 1) + 1 - length, 0)
    small, large = total // 2, total - total // 2
    return (large, small) if lower else (small, large)


def window(x, kernel, a):
    """Kernel, stride, padding and dilation of the last axes, two of them: a row of one for 1-D."""
    axes = len(kernel)
    stride, dilation = a.get("strides", [1] * axes), a.get("dilations", [1] * axes)
    auto = a.get("auto_pad", b"NOTSET").decode()
    if auto.startswith("SAME"):
        lower = auto == "SAME_LOWER"
        lengths = x.shape[-axes:]
        pads = [same(*one, lower) for one in zip(lengths, kernel, stride, dilation, strict=True)]
    else:
        flat = a.get("pads", [0] * 2 * axes)
        pads = list(zip(flat[:axes], flat[axes:], strict=True))
    ones = [1] * (2 - axes)
    return (
        (*ones, *kernel),
        (*ones, *stride),
        (*([(0, 0)] * len(ones)), *pads),
        (*ones, *dilation),
    )


def tall(x):
    """(n, c, w) as (n, c, 1, w)."""
    return x if x.ndim == 4 else x[:, :, np.newaxis]


def convolution(a, x, weight, bias=None):
    _, stride, padding, dilation = window(x, weight.shape[2:], a)
    y = conv.conv2d(tall(x), tall(weight), bias, stride, padding, dilation, a.get("group", 1))
    return y.reshape(*y.shape[: x.ndim - 1], -1) if x.ndim == 3 else y


def transposed(a, x, weight, bias=None):
    kernel, stride, padding, dilation = window(x, weight.shape[2:], a | {"auto_pad": b"NOTSET"})
    extra = (*([0] * (4 - x.ndim)), *a.get("output_padding", [0] * (x.ndim - 2)))
    wanted, auto = a.get("output_shape"), a.get("auto_pad", b"NOTSET")
    if auto.startswith(b"SAME"):
        wanted = [length * step for length, step in zip(x.shape[2:], stride, strict=True)]
    if wanted:
        sizes = zip(x.shape[2:], kernel, stride, dilation, extra, wanted, strict=True)
        total = [(n - 1) * s + d * (k - 1) + 1 + e - size for n, k, s, d, e, size in sizes]
        # what the windows do not reach is added at the end
        extra = [max(e, -short) for e, short in zip(extra, total, strict=True)]
        halves = [(one // 2, one - one // 2) for one in (max(short, 0) for short in total)]
        padding = halves if auto == b"SAME_UPPER" else [half[::-1] for half in halves]
    y = conv.conv_transpose2d(
        tall(x), tall(weight), bias, stride, padding, extra, a.get("group", 1), dilation
    )
    return y.reshape(*y.shape[:2], -1) if x.ndim == 3 else y


def max_pool(a, x):
    kernel, stride, padding, dilation = window(x, a["kernel_shape"], a)
    options = kernel, stride, padding, dilation, bool(a.get("ceil_mode", 0))
    values, cells = conv.max_pool2d(tall(x), *options, return_indices=True)
    np.testing.assert_array_equal(values, conv.max_pool2d(tall(x), *options))
    # cells count on over images and channels, and may go down the columns first
    if a.get("storage_order", 0):
        height, width = x.shape[-2:]
        cells = cells % width * height + cells // width
    images = np.arange(values.shape[0] * values.shape[1]).reshape(*values.shape[:2], 1, 1)
    cells = cells + images * int(np.prod(x.shape[2:]))
    return [one if x.ndim == 4 else one[:, :, 0] for one in (values, cells)]


def average_pool(a, x):
    kernel, stride, padding, dilation = window(x, a["kernel_shape"], a)
    y = conv.avg_pool2d(
        tall(x),
        kernel,
        stride,
        padding,
        bool(a.get("ceil_mode", 0)),
        bool(a.get("count_include_pad", 0)),
        dilation=dilation,
    )
    return y[:, :, 0] if x.ndim == 3 else y


def batch_norm(a, x, scale, bias, mean, var):
    return conv.batch_norm(x, mean, var, scale, bias, eps=a.get("epsilon", 1e-5))


def gemm(a, left, right, offsets=None):
    left = left.T if a.get("transA", 0) else left
    right = right if a.get("transB", 0) else right.T
    y = conv.linear(left * left.dtype.type(a.get("alpha", 1)), right)
    return y if offsets is None else y + offsets * y.dtype.type(a.get("beta", 1))


def pad(a, x):
    """A border is what a convolution with a single 1 leaves of it."""
    flat, channels = a["pads"], x.shape[1]
    sides = list(zip(flat[:4], flat[4:], strict=True))
    assert sides[:2] == [(0, 0), (0, 0)]
    one = np.ones((channels, 1, 1, 1), x.dtype)
    return conv.conv2d(
        x,
        one,
        padding=sides[2:],
        groups=channels,
        padding_mode=a.get("mode", b"constant").decode(),
        padding_value=a.get("value", 0),
    )


def clip(a, x, low=None, high=None):
    low = a.get("min", -np.inf) if low is None else low
    return conv.hardtanh(x, low, a.get("max", np.inf) if high is None else high)


def along(function, default):
    def run(a, x):
        axis = a.get("axis", default if a["opset"] >= SOFTMAX_OF_AN_AXIS else 1)
        if a["opset"] >= SOFTMAX_OF_AN_AXIS:
            return function(x, axis)
        return function(x.reshape(int(np.prod(x.shape[:axis])), -1)).reshape(x.shape)

    return run


def slope(a, x, weight):
    assert weight.size in (1, x.shape[1])
    return conv.prelu(x, weight.ravel())


OPERATORS = {
    "AveragePool": average_pool,
    "BatchNormalization": batch_norm,
    "Celu": lambda a, x: conv.celu(x, a.get("alpha", 1.0)),
    "Clip": clip,
    "Conv": convolution,
    "ConvTranspose": transposed,
    "Elu": lambda a, x: conv.elu(x, a.get("alpha", 1.0)),
    "Gelu": lambda a, x: conv.gelu(x, a.get("approximate", b"none").decode()),
    "Gemm": gemm,
    "GlobalAveragePool": lambda a, x: conv.adaptive_avg_pool2d(x, 1),
    "GlobalMaxPool": lambda a, x: conv.max_pool2d(x, x.shape[-2:]),
    "HardSigmoid": lambda a, x: conv.hardtanh(
        x * x.dtype.type(a.get("alpha", 0.2)) + x.dtype.type(a.get("beta", 0.5)), 0, 1
    ),
    "HardSwish": lambda a, x: conv.hardswish(x),
    "LRN": lambda a, x: conv.local_response_norm(
        x, a["size"], a.get("alpha", 1e-4), a.get("beta", 0.75), a.get("bias", 1.0)
    ),
    "LeakyRelu": lambda a, x: conv.leaky_relu(x, a.get("alpha", 0.01)),
    "LogSoftmax": along(conv.log_softmax, -1),
    "MatMul": lambda a, x, weight: conv.linear(x, weight.T),
    "MaxPool": max_pool,
    "Mish": lambda a, x: conv.mish(x),
    "PRelu": slope,
    "Pad": pad,
    "Relu": lambda a, x: conv.relu(x),
    "Selu": lambda a, x: (
        conv.elu(x, a.get("alpha", 1.6732632)) * x.dtype.type(a.get("gamma", 1.0507010))
    ),
    "Sigmoid": lambda a, x: conv.sigmoid(x),
    "Softmax": along(conv.softmax, -1),
    "Softplus": lambda a, x: conv.softplus(x),
    "Softsign": lambda a, x: conv.softsign(x),
    "Swish": lambda a, x: x * conv.sigmoid(x * x.dtype.type(a.get("alpha", 1.0))),
    "Tanh": lambda a, x: conv.tanh(x),
    "ThresholdedRelu": lambda a, x: conv.threshold(x, a.get("alpha", 1.0), 0),
    # plumbing between the layers of a model
    "Abs": lambda a, x: np.abs(x),
    "Add": lambda a, x, other: x + other,
    "Constant": lambda a: a["value"],
    "Div": lambda a, x, other: x / other,
    "Mul": lambda a, x, other: x * other,
    "Neg": lambda a, x: -x,
    "Squeeze": lambda a, x: x.squeeze(tuple(a["axes"])),
    "Transpose": lambda a, x: x.transpose(a["perm"]),
    "Unsqueeze": lambda a, x: np.expand_dims(x, tuple(a["axes"])),
}


def run(model, inputs):
    """The outputs of a model: its nodes in order, each an entry of OPERATORS."""
    known = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    free = [one.name for one in model.graph.input if one.name not in known]
    known |= dict(zip(free, inputs, strict=True))
    for node in model.graph.node:
        attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        attributes["opset"] = model.opset_import[0].version
        if "value" in attributes and isinstance(attributes["value"], onnx.TensorProto):
            attributes["value"] = numpy_helper.to_array(attributes["value"])
        given = [known[name] if name else None for name in node.input]
        made = OPERATORS[node.op_type](attributes, *given)
        known |= dict(zip(node.output, made if isinstance(made, list) else [made], strict=False))
    return [known[one.name] for one in model.graph.output]


def reason(name):
    return next((why for what, why in NOT_APPLICABLE.items() if re.search(what, name)), None)


def layer_folders():
    data = Path(onnx.__file__).parent / "backend" / "test" / "data"
    return {
        folder.name: folder
        for group in ("pytorch-converted", "pytorch-operator")
        for folder in sorted((data / group).iterdir())
    }


LAYERS = layer_folders()


def applicable(names):
    return [name for name in names if reason(name) is None]


def agree(given, expected, rtol, atol, name):
    for ours, theirs in zip(given, expected, strict=True):
        assert ours.dtype == theirs.dtype, name
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol, err_msg=name)


@pytest.mark.parametrize("module", NODE_MODULES)
def test_the_node_tests_of_onnx_pass(module):
    cases = node_cases(module)
    for name in applicable(cases):
        case = cases[name]
        for inputs, outputs in case.data_sets:
            agree(run(case.model, inputs), outputs, case.rtol, case.atol, name)


@pytest.mark.parametrize("name", applicable(LAYERS))
def test_a_layer_of_pytorch_gives_what_pytorch_gave(name):
    folder = LAYERS[name]

    def tensors(kind):
        files = sorted((folder / "test_data_set_0").glob(f"{kind}_*.pb"))
        return [numpy_helper.to_array(onnx.load_tensor(str(file))) for file in files]

    model = onnx.load(str(folder / "model.onnx"))
    agree(run(model, tensors("input")), tensors("output"), 1e-3, 1e-6, name)


def test_every_reason_leaves_something_out_and_most_is_left_in():
    nodes = [name for module in NODE_MODULES for name in node_cases(module)]
    names = [*nodes, *LAYERS]
    for what in NOT_APPLICABLE:
        assert any(re.search(what, name) for name in names), what
    assert len(applicable(nodes)) > 100
    assert len(applicable(LAYERS)) > 50
    assert len(names) == len(set(names))
