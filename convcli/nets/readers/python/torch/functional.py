"""Layers without a module: `F.conv2d(x, weight)`, `F.max_pool2d(x, 2)`."""

import math
from collections.abc import Callable
from typing import Any

from convcli.callsyntax import shown
from convcli.geometry import Window, output_length, transposed_length
from convcli.nets.layers import Conv, Linear, Norm, Pad, Shuffle, TransposedConv
from convcli.nets.layers.arguments import counts, number_or
from convcli.nets.layers.tensor_ops import Free
from convcli.nets.readers.python.language.objects import Halt, Tensor, Unfit, Unknown
from convcli.nets.readers.python.torch.tensor_args import (
    layer,
    operation,
    sizes_of,
    tensor_of,
    whole,
)
from convcli.nets.readers.vocabulary import torch


def _weights(machine: Any, *values: Any) -> list[Tensor]:
    return [tensor_of(machine, one) for one in values if one is not None]


def linear(machine: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    x, weight = tensor_of(machine, x), tensor_of(machine, weight)
    outputs, features = weight.shape if len(weight.shape) == 2 else (1, *weight.shape)
    record = Free(Linear(outputs, bias is not None, features, "axis"))
    return layer(machine, record, x, *_weights(machine, weight, bias))


def convolution(axes_: int) -> Callable[..., Any]:
    def call(
        machine: Any,
        x: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
    ) -> Any:
        x, weight = tensor_of(machine, x), tensor_of(machine, weight)
        if len(weight.shape) != axes_ + 2:
            raise Unfit(f"conv{axes_}d with weights of {shown(weight.shape)}")
        made: Conv = torch.conv(axes_)(
            weight.shape[1] * groups,
            weight.shape[0],
            weight.shape[2:],
            stride,
            padding,
            dilation,
            groups,
            bias is not None,
        )
        return layer(machine, Free(made), x, *_weights(machine, weight, bias))

    return call


def transposed_convolution(axes_: int) -> Callable[..., Any]:
    def call(
        machine: Any,
        x: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: Any = 1,
        dilation: Any = 1,
    ) -> Any:
        x, weight = tensor_of(machine, x), tensor_of(machine, weight)
        if len(weight.shape) != axes_ + 2:
            raise Unfit(f"conv_transpose{axes_}d with weights of {shown(weight.shape)}")
        made: TransposedConv = torch.conv_transpose(axes_)(
            weight.shape[0],
            weight.shape[1] * groups,
            weight.shape[2:],
            stride,
            padding,
            output_padding,
            groups,
            bias is not None,
            dilation,
        )
        return layer(machine, Free(made), x, *_weights(machine, weight, bias))

    return call


def of_builder(build: Callable[..., Any], *order: str) -> Callable[..., Any]:
    """A layer's builder as a function: `F.max_pool2d(x, 2)`; `order` is the function's own."""

    def call(machine: Any, x: Any, *args: Any, **options: Any) -> Any:
        named = dict(zip(order, args, strict=False)) if order else {}
        rest = () if order else args
        return layer(machine, build(*rest, **{**named, **options}), x)

    return call


def max_pool(axes_: int) -> Callable[..., Any]:
    order = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
    build = of_builder(torch.max_pool(axes_), *order)

    def call(machine: Any, x: Any, *args: Any, **options: Any) -> Any:
        indices = options.pop("return_indices", args[5] if len(args) > 5 else False)
        made = build(machine, x, *args[:5], **options)
        return (made, Tensor(made.shape, made.node)) if indices else made

    return call


def functional_norm(kind: str) -> Callable[..., Any]:
    """`F.layer_norm(x, shape, weight, bias)` and its kin, by the order of their values."""

    def call(machine: Any, x: Any, *args: Any, **options: Any) -> Any:
        order = {
            "layer": ("normalized_shape", "weight", "bias", "eps"),
            "group": ("num_groups", "weight", "bias", "eps"),
            "batch": ("running_mean", "running_var", "weight", "bias", "training", "momentum"),
            "instance": ("running_mean", "running_var", "weight", "bias"),
        }[kind]
        given = {**dict(zip(order, args, strict=False)), **options}
        x = tensor_of(machine, x)
        weights = _weights(machine, given.get("weight"), given.get("bias"))
        shape = given.get("normalized_shape")
        if shape is not None:
            shape = tuple(sizes_of(machine, (shape,)))
        record = Norm(kind, 0, groups=given.get("num_groups", 1), shape=shape)
        return layer(machine, Free(record), x, *weights) if weights else layer(machine, record, x)

    return call


def embedding(machine: Any, x: Any, weight: Any, *_: Any, **options: Any) -> Any:
    x, weight = tensor_of(machine, x), tensor_of(machine, weight)
    return operation(machine, "embedding", [x, weight], (*x.shape, weight.shape[-1]))


def prelu(machine: Any, x: Any, weight: Any) -> Any:
    x = tensor_of(machine, x)
    return operation(machine, "prelu", [x, tensor_of(machine, weight)], x.shape)


def pad(
    machine: Any, x: Any, sides: Any = None, mode: Any = "constant", value: Any = 0, **options: Any
) -> Any:
    x = tensor_of(machine, x)
    given = [whole(machine, one) for one in machine.listed(options.get("pad", sides))]
    pairs = len(given) // 2
    if len(given) % 2 or pairs > len(x.shape):
        raise Unfit(f"pad by {shown(given)} of {len(x.shape)} axes")
    ends = [(given[2 * i], given[2 * i + 1]) for i in range(pairs)]
    if not any(map(any, ends)):
        return x
    if pairs <= len(x.shape) - 2:
        rest = [(0, 0)] * (len(x.shape) - 2 - pairs)
        named = isinstance(mode, str) and mode != "constant"
        border = torch.border(mode) if named else "constant"
        return layer(machine, Pad((*rest, *reversed(ends)), border, number_or(value, 0.0)), x)
    lengths = [n + sum(end) for n, end in zip(reversed(x.shape), ends, strict=False)]
    gives = (*x.shape[: len(x.shape) - pairs], *reversed(lengths))
    return operation(machine, "pad", [x], gives, tuple(given))


def interpolate(
    machine: Any,
    x: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: Any = "nearest",
    align_corners: Any = None,
    *_: Any,
    **options: Any,
) -> Any:
    x = tensor_of(machine, x)
    if isinstance(size, Tensor | Unknown) or isinstance(scale_factor, Unknown):
        raise Halt("the size to interpolate to is not known here")
    return layer(machine, torch.upsample(size, scale_factor, str(mode), align_corners), x)


def channel_shuffle(machine: Any, x: Any, groups: Any) -> Any:
    return layer(machine, Shuffle(whole(machine, groups)), x)


def unfold(machine: Any, x: Any, *args: Any, **options: Any) -> Any:
    """`F.unfold(x, kernel, dilation, padding, stride)`."""
    x = tensor_of(machine, x)
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
    places = math.prod(map(output_length, x.shape[2:], windows, ((p, p) for p in sides)))
    gives = (x.shape[0], x.shape[1] * math.prod(kernel), places)
    return operation(machine, "unfold", [x], gives, kernel, spacing, sides, step_)


def fold(
    machine: Any, x: Any, output_size: Any, kernel_size: Any, *rest: Any, **options: Any
) -> Any:
    x = tensor_of(machine, x)
    sizes, kernel = counts(output_size, 2, "output_size"), counts(kernel_size, 2, "kernel_size")
    gives = (x.shape[0], x.shape[1] // math.prod(kernel), *sizes)
    return operation(machine, "fold", [x], gives, sizes, kernel)


def unpool(
    machine: Any,
    x: Any,
    indices: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Any:
    """`F.max_unpool2d`: (n − 1)·stride − 2·padding + kernel, or the size asked for."""
    x = tensor_of(machine, x)
    kernel = counts(kernel_size, 2, "kernel_size")
    steps = kernel if stride is None else counts(stride, 2, "stride")
    pads = counts(padding, 2, "padding", 0)
    if output_size is not None:
        lengths = sizes_of(machine, (output_size,))[-2:]
    else:
        windows = map(Window, kernel, steps)
        lengths = list(map(transposed_length, x.shape[-2:], windows, ((p, p) for p in pads)))
    return operation(machine, "max_unpool2d", [x], (*x.shape[:-2], *lengths), kernel, steps)


def grid_sample(machine: Any, x: Any, grid: Any, *_: Any, **options: Any) -> Any:
    x, grid = tensor_of(machine, x), tensor_of(machine, grid)
    return operation(machine, "grid_sample", [x, grid], (*x.shape[:2], *grid.shape[1:-1]))


def affine_grid(machine: Any, theta: Any, size: Any, *_: Any, **__: Any) -> Any:
    """`F.affine_grid`: a place in the input for every cell of the output."""
    theta = tensor_of(machine, theta)
    lengths = sizes_of(machine, (size,))
    gives = (lengths[0], *lengths[2:], len(lengths) - 2)
    return operation(machine, "affine_grid", [theta], gives)
