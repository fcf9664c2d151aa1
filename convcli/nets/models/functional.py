"""Layers without a module: `F.conv2d(x, weight)`, `F.max_pool2d(x, 2)`."""

import math
from collections.abc import Callable
from typing import Any

from convcli.calls import shown
from convcli.nets.layers import (
    Conv,
    Linear,
    Norm,
    TransposedConv,
)
from convcli.nets.models.arithmetic import product
from convcli.nets.models.tensors import layer, operation, sizes_of, tensor_of
from convcli.nets.models.values import Tensor, Unfit
from convcli.nets.operations import Free
from convcli.nets.readers import torch


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


def attention(machine: Any, query: Any, key: Any, value: Any, *_: Any, **options: Any) -> Any:
    """`F.scaled_dot_product_attention`."""
    query, key, value = (tensor_of(machine, one) for one in (query, key, value))
    gives = (*query.shape[:-1], value.shape[-1])
    work = math.prod(query.shape) * key.shape[-2] + math.prod(gives) * key.shape[-2]
    return product(machine, "attention", [query, key, value], gives, work)


def affine_grid(machine: Any, theta: Any, size: Any, *_: Any, **__: Any) -> Any:
    """`F.affine_grid`: a place in the input for every cell of the output."""
    theta = tensor_of(machine, theta)
    lengths = sizes_of(machine, (size,))
    gives = (lengths[0], *lengths[2:], len(lengths) - 2)
    return operation(machine, "affine_grid", [theta], gives)


def embedding(machine: Any, x: Any, weight: Any, *_: Any, **options: Any) -> Any:
    x, weight = tensor_of(machine, x), tensor_of(machine, weight)
    return operation(machine, "embedding", [x, weight], (*x.shape, weight.shape[-1]))
