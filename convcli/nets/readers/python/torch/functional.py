"""Layers without a module: `F.conv2d(x, weight)`, `F.max_pool2d(x, 2)`."""

import math
from collections.abc import Callable

from convcli.borders import BorderName
from convcli.callsyntax import brief
from convcli.geometry import Window, output_length, transposed_length
from convcli.nets.layers import Layer, Linear, Norm, NormKind, Pad, Shape
from convcli.nets.layers.arguments import counts, number_or
from convcli.nets.layers.tensor_ops import Free
from convcli.nets.readers.python.language.conversions import to_list
from convcli.nets.readers.python.language.objects import (
    ReadError,
    ShapeMismatch,
    Tensor,
    Unknown,
    Value,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.torch.elementwise import binary
from convcli.nets.readers.python.torch.tensor_args import (
    append_operation,
    apply_layer,
    to_integer,
    to_sizes,
    to_tensor,
)
from convcli.nets.readers.vocabulary import torch


def _weights(*values: Value) -> list[Tensor]:
    return [to_tensor(value) for value in values if value is not None]


def linear(interpreter: Interpreter, x: Value, weight: Value, bias: Value = None) -> Tensor:
    x, weight = to_tensor(x), to_tensor(weight)
    outputs, features = weight.shape if len(weight.shape) == 2 else (1, *weight.shape)
    record = Free(Linear(outputs, bias is not None, features, "axis"))
    return apply_layer(interpreter, record, x, *_weights(weight, bias))


def _kernel_shape(name: str, axes_: int, weight: Tensor) -> Shape:
    """The shape of a convolution's weights. Raises ShapeMismatch for other numbers of axes."""
    if len(weight.shape) != axes_ + 2:
        raise ShapeMismatch(f"{name}{axes_}d with weights of {brief(weight.shape)}")
    return weight.shape


def convolution(
    axes_: int,
    interpreter: Interpreter,
    x: Value,
    weight: Value,
    bias: Value = None,
    stride: Value = 1,
    padding: Value = 0,
    dilation: Value = 1,
    groups: Value = 1,
) -> Tensor:
    x, weight = to_tensor(x), to_tensor(weight)
    groups = to_integer(groups, "groups")
    outputs, inputs, *kernel = _kernel_shape("conv", axes_, weight)
    sizes = inputs * groups, outputs, kernel
    record = torch.conv(axes_, *sizes, stride, padding, dilation, groups, bias is not None)
    return apply_layer(interpreter, Free(record), x, *_weights(weight, bias))


def transposed_convolution(
    axes_: int,
    interpreter: Interpreter,
    x: Value,
    weight: Value,
    bias: Value = None,
    stride: Value = 1,
    padding: Value = 0,
    output_padding: Value = 0,
    groups: Value = 1,
    dilation: Value = 1,
) -> Tensor:
    x, weight = to_tensor(x), to_tensor(weight)
    groups = to_integer(groups, "groups")
    inputs, outputs, *kernel = _kernel_shape("conv_transpose", axes_, weight)
    values = stride, padding, output_padding, groups, bias is not None, dilation
    record = torch.conv_transpose(axes_, inputs, outputs * groups, kernel, *values)
    return apply_layer(interpreter, Free(record), x, *_weights(weight, bias))


def of_builder(
    build: Callable[..., Layer],
    /,
    interpreter: Interpreter,
    x: Value,
    *args: Value,
    **options: Value,
) -> Tensor:
    """A layer's builder as a function: `F.avg_pool2d(x, 2)`."""
    return apply_layer(interpreter, build(*args, **options), x)


MAX_POOL = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
"""The arguments of `F.max_pool2d`, which are in another order than the layer's."""


def max_pool(
    axes_: int, /, interpreter: Interpreter, x: Value, *args: Value, **options: Value
) -> Value:
    given = {**dict(zip(MAX_POOL, args, strict=False)), **options}
    indices = given.pop("return_indices", False)
    output = apply_layer(interpreter, torch.max_pool(axes_, **given), x)
    return (output, Tensor(output.shape, output.node)) if indices else output


NORMS: dict[NormKind, tuple[str, ...]] = {
    "layer": ("normalized_shape", "weight", "bias", "eps"),
    "group": ("num_groups", "weight", "bias", "eps"),
    "batch": ("running_mean", "running_var", "weight", "bias", "training", "momentum"),
    "instance": ("running_mean", "running_var", "weight", "bias"),
}
"""Normalizations, and the order of the arguments of their functions."""


def norm(
    kind: NormKind, /, interpreter: Interpreter, x: Value, *args: Value, **options: Value
) -> Tensor:
    """`F.layer_norm(x, shape, weight, bias)` and others, by the order of their arguments."""
    given = {**dict(zip(NORMS[kind], args, strict=False)), **options}
    x = to_tensor(x)
    weights = _weights(given.get("weight"), given.get("bias"))
    sizes = given.get("normalized_shape")
    shape = None if sizes is None else tuple(to_sizes((sizes,)))
    groups = to_integer(given.get("num_groups", 1), "num_groups")
    record: Layer = Norm(kind, 0, groups=groups, shape=shape)
    return apply_layer(interpreter, Free(record) if weights else record, x, *weights)


def rms_norm(
    interpreter: Interpreter,
    x: Value,
    normalized_shape: Value,
    weight: Value = None,
    eps: Value = None,
) -> Value:
    x = to_tensor(x)
    sizes = tuple(to_sizes((normalized_shape,)))
    if sizes != x.shape[len(x.shape) - len(sizes) :]:
        raise ShapeMismatch(f"rms_norm of the last axes {brief(sizes)} meets {brief(x.shape)}")
    output = append_operation(interpreter, "rms_norm", [x], x.shape, len(x.shape) - len(sizes))
    return output if weight is None else binary(interpreter, "multiply", output, weight)


def embedding(
    interpreter: Interpreter, x: Value, weight: Value, *_: Value, **options: Value
) -> Tensor:
    x, weight = to_tensor(x), to_tensor(weight)
    return append_operation(interpreter, "embedding", [x, weight], (*x.shape, weight.shape[-1]))


def prelu(interpreter: Interpreter, x: Value, weight: Value) -> Tensor:
    x = to_tensor(x)
    return append_operation(interpreter, "prelu", [x, to_tensor(weight)], x.shape)


def pad(
    interpreter: Interpreter,
    x: Value,
    sides: Value = None,
    mode: Value = "constant",
    value: Value = 0,
    **options: Value,
) -> Tensor:
    x = to_tensor(x)
    given = [to_integer(side) for side in to_list(interpreter, options.get("pad", sides))]
    pairs = len(given) // 2
    if len(given) % 2 or pairs > len(x.shape):
        raise ShapeMismatch(f"pad by {brief(given)} of {len(x.shape)} axes")
    ends = [(given[2 * i], given[2 * i + 1]) for i in range(pairs)]
    if not any(map(any, ends)):
        return x
    if pairs <= len(x.shape) - 2:
        rest = [(0, 0)] * (len(x.shape) - 2 - pairs)
        named = isinstance(mode, str) and mode != "constant"
        border: BorderName = torch.border(mode) if named else "constant"
        return apply_layer(
            interpreter, Pad((*rest, *reversed(ends)), border, number_or(value, 0.0)), x
        )
    lengths = [n + sum(end) for n, end in zip(reversed(x.shape), ends, strict=False)]
    output = (*x.shape[: len(x.shape) - pairs], *reversed(lengths))
    return append_operation(interpreter, "pad", [x], output, tuple(given))


def interpolate(
    interpreter: Interpreter,
    x: Value,
    size: Value = None,
    scale_factor: Value = None,
    mode: Value = "nearest",
    align_corners: Value = None,
    *_: Value,
    **options: Value,
) -> Tensor:
    x = to_tensor(x)
    if isinstance(size, Tensor | Unknown) or isinstance(scale_factor, Unknown):
        raise ReadError("the size to interpolate to is not known here")
    return apply_layer(interpreter, torch.upsample(size, scale_factor, str(mode), align_corners), x)


def unfold(interpreter: Interpreter, x: Value, *args: Value, **options: Value) -> Tensor:
    """`F.unfold(x, kernel, dilation, padding, stride)`."""
    x = to_tensor(x)
    names = ("kernel_size", "dilation", "padding", "stride")
    given = {
        "dilation": 1,
        "padding": 0,
        "stride": 1,
        **dict(zip(names, args, strict=False)),
        **options,
    }
    kernel, spacing, sides, step_ = (
        counts(given[name], 2, name, 0 if name == "padding" else 1) for name in names
    )
    windows = map(Window, kernel, step_, spacing)
    positions = math.prod(map(output_length, x.shape[2:], windows, ((p, p) for p in sides)))
    output = (x.shape[0], x.shape[1] * math.prod(kernel), positions)
    return append_operation(interpreter, "unfold", [x], output, kernel, spacing, sides, step_)


def fold(
    interpreter: Interpreter,
    x: Value,
    output_size: Value,
    kernel_size: Value,
    *rest: Value,
    **options: Value,
) -> Tensor:
    x = to_tensor(x)
    sizes, kernel = counts(output_size, 2, "output_size"), counts(kernel_size, 2, "kernel_size")
    output = (x.shape[0], x.shape[1] // math.prod(kernel), *sizes)
    return append_operation(interpreter, "fold", [x], output, sizes, kernel)


def unpool(
    interpreter: Interpreter,
    x: Value,
    indices: Value,
    kernel_size: Value,
    stride: Value = None,
    padding: Value = 0,
    output_size: Value = None,
) -> Tensor:
    """`F.max_unpool2d`: (n − 1)·stride − 2·padding + kernel, or the requested size."""
    x = to_tensor(x)
    kernel = counts(kernel_size, 2, "kernel_size")
    steps = kernel if stride is None else counts(stride, 2, "stride")
    pads = counts(padding, 2, "padding", 0)
    if output_size is not None:
        lengths = to_sizes((output_size,))[-2:]
    else:
        windows = map(Window, kernel, steps)
        lengths = list(map(transposed_length, x.shape[-2:], windows, ((p, p) for p in pads)))
    return append_operation(
        interpreter, "max_unpool2d", [x], (*x.shape[:-2], *lengths), kernel, steps
    )


def grid_sample(
    interpreter: Interpreter,
    x: Value,
    grid: Value,
    mode: Value = "bilinear",
    padding_mode: Value = "zeros",
    align_corners: Value = None,
) -> Tensor:
    x, grid = to_tensor(x), to_tensor(grid)
    shape = (*x.shape[:2], *grid.shape[1:-1])
    values = mode, padding_mode, bool(align_corners)
    return append_operation(interpreter, "grid_sample", [x, grid], shape, *values)


def affine_grid(
    interpreter: Interpreter, theta: Value, size: Value, *_: Value, **__: Value
) -> Tensor:
    """`F.affine_grid`: a position in the input for every cell of the output."""
    theta = to_tensor(theta)
    lengths = to_sizes((size,))
    output = (lengths[0], *lengths[2:], len(lengths) - 2)
    return append_operation(interpreter, "affine_grid", [theta], output)
