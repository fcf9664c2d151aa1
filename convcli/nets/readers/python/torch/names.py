"""The names of `torch`, `torch.nn.functional` and of a tensor's methods, and their functions."""

import math
from collections.abc import Callable

from convcli.callsyntax import brief
from convcli.nets.layers import activations
from convcli.nets.readers.python.language.conversions import truth
from convcli.nets.readers.python.language.objects import (
    BoundMethod,
    Native,
    NativeFunction,
    ProgramException,
    Tensor,
    Unknown,
    Value,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.stdlib.builtins import first
from convcli.nets.readers.python.torch import (
    creation,
    elementwise,
    functional,
    indexing,
    matmul,
    reductions,
    shape_ops,
)
from convcli.nets.readers.python.torch.tensor_args import axis
from convcli.nets.readers.vocabulary import torch


def size(interpreter: Interpreter, x: Tensor, dim: Value = None) -> Value:
    if dim is None:
        interpreter.recorder.size_dependent = True
        return tuple(x.shape)
    place = axis(dim, len(x.shape))
    if place:
        interpreter.recorder.size_dependent = True
    return x.shape[place]


def value_of(interpreter: Interpreter, x: Tensor) -> Value:
    return Unknown("the value of a tensor") if x.number is None else x.number


def tolist(interpreter: Interpreter, x: Tensor) -> Value:
    if x.values is None:
        return Unknown("the values of a tensor")
    items: list[Value] = [*x.values]
    for length in reversed(x.shape[1:]):
        items = [items[start : start + length] for start in range(0, len(items), length)]
    return items


def of_type(interpreter: Interpreter, x: Tensor, *args: Value, **options: Value) -> Value:
    return x if args or options else "torch.FloatTensor"


ACTIVATIONS = {
    {"LogSoftmax": "log_softmax"}.get(called, called.lower()): name
    for name, (called, _, _) in activations.FUNCTIONS.items()
    if called
}
"""Functions of `torch.nn.functional`, and their names here."""

VALUES = (
    "exp", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "square", "abs", "neg", "sign",
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "erf", "floor", "ceil",
    "round", "reciprocal", "clamp", "clip", "clamp_min", "clamp_max", "logical_not", "isnan",
    "nan_to_num", "expm1", "trunc", "frac", "logit", "gumbel_softmax", "expit", "sgn", "sinc",
    "digamma", "lgamma", "i0", "erfc", "erfinv", "exp2", "asinh", "acosh", "atanh", "deg2rad",
    "rad2deg", "isinf", "isfinite", "bernoulli", "poisson",
)  # fmt: skip

DROPOUTS = (
    "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout",
)  # fmt: skip

UNCHANGED = (
    "contiguous", "clone", "detach", "float", "half", "double", "to", "cuda", "cpu", "data",
    "type_as", "bfloat16", "bool", "normal_", "uniform_", "zero_", "fill_",
    "copy_", "kaiming_", "trunc_normal_", "retain_grad", "pin_memory", "numpy", "share_memory_",
    "register_hook", "resolve_conj", "byte", "exponential_",
)  # fmt: skip

ATTENTIONS = (
    "multihead_attention", "multihead_attention_weights",
    "multihead_attention_no_bias", "multihead_attention_weights_no_bias",
)  # fmt: skip
CELLS = (
    "rnn_cell_input", "rnn_cell_hidden", "gru_cell_input", "gru_cell_hidden",
    "lstm_cell_input", "lstm_cell_hidden",
)  # fmt: skip
"""Functions that library modules call instead of one PyTorch function, as MAC rules need."""

FILLING = (
    "scatter", "scatter_add", "index_add", "index_copy", "index_fill", "masked_scatter",
)  # fmt: skip
"""Methods that take some of a tensor's values from other tensors."""

FUNCTIONS: dict[str, NativeFunction] = {
    **{called: elementwise.activation(name) for called, name in ACTIVATIONS.items()},
    **{name: elementwise.elementwise(name) for name in VALUES},
    **dict.fromkeys(UNCHANGED, first),
    **{name: elementwise.dropout(name) for name in DROPOUTS},
    "diff": elementwise.diff,
    "int": elementwise.to_whole,
    "long": elementwise.to_whole,
    "pow": elementwise.two("power"),
    "rrelu": elementwise.rrelu,
    "leaky_relu": elementwise.leaky_relu,
    "prelu": functional.prelu,
    **{f"max_pool{n}d": functional.max_pool(n) for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": functional.max_pool(n) for n in (1, 2, 3)},
    **{f"avg_pool{n}d": functional.of_builder(torch.avg_pool(n)) for n in (1, 2, 3)},
    **{f"lp_pool{n}d": functional.of_builder(torch.lp_pool(n)) for n in (1, 2)},
    **{
        f"adaptive_avg_pool{n}d": functional.of_builder(torch.adaptive_pool("average", n))
        for n in (1, 2, 3)
    },
    **{
        f"adaptive_max_pool{n}d": functional.of_builder(torch.adaptive_pool("max", n))
        for n in (1, 2, 3)
    },
    **{f"conv{n}d": functional.convolution(n) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": functional.transposed_convolution(n) for n in (1, 2, 3)},
    "local_response_norm": functional.of_builder(torch.LAYERS["LocalResponseNorm"]),
    "layer_norm": functional.functional_norm("layer"),
    "group_norm": functional.functional_norm("group"),
    "batch_norm": functional.functional_norm("batch"),
    "instance_norm": functional.functional_norm("instance"),
    "rms_norm": functional.rms_norm,
    "pixel_shuffle": functional.of_builder(torch.LAYERS["PixelShuffle"]),
    "pixel_unshuffle": functional.of_builder(torch.LAYERS["PixelUnshuffle"]),
    "channel_shuffle": functional.channel_shuffle,
    "glu": elementwise.glu,
    "view_as_real": elementwise.as_real,
    "view_as_complex": elementwise.as_complex,
    "one_hot": elementwise.one_hot,
    "cosine_similarity": reductions.cosine_similarity,
    "median": reductions.extreme("median"),
    **dict.fromkeys(("outer", "ger"), matmul.outer),
    "cdist": matmul.cdist,
    "diagonal": indexing.diagonal,
    "addmm": matmul.added_product,
    "baddbmm": matmul.added_product,
    "hstack": indexing.joined(1, 1),
    "vstack": indexing.joined(0, 2),
    "dstack": indexing.joined(2, 3),
    **{f"atleast_{n}d": shape_ops.at_least(n) for n in (1, 2, 3)},
    "linear": functional.linear,
    "embedding": functional.embedding,
    "scaled_dot_product_attention": matmul.attention,
    **dict.fromkeys(ATTENTIONS, matmul.attention),
    **dict.fromkeys(CELLS, functional.linear),
    "normalize": elementwise.normalize,
    "interpolate": functional.interpolate,
    "upsample": functional.interpolate,
    "upsample_bilinear": functional.of_builder(torch.upsample2d("linear", True)),
    "upsample_nearest": functional.of_builder(torch.upsample2d("nearest", False)),
    "pad": functional.pad,
    "unfold": functional.unfold,
    "fold": functional.fold,
    "max_unpool2d": functional.unpool,
    "grid_sample": functional.grid_sample,
    "affine_grid": functional.affine_grid,
    "view": shape_ops.reshape,
    "reshape": shape_ops.reshape,
    "flatten": shape_ops.flatten,
    "ravel": lambda interpreter, x: shape_ops.reshape(interpreter, x, -1),
    "unflatten": shape_ops.unflatten,
    "view_as": lambda interpreter, x, other: shape_ops.reshape(interpreter, x, other.shape),
    "reshape_as": lambda interpreter, x, other: shape_ops.reshape(interpreter, x, other.shape),
    "permute": shape_ops.permute,
    "transpose": shape_ops.transpose,
    "swapaxes": shape_ops.transpose,
    "swapdims": shape_ops.transpose,
    "movedim": shape_ops.movedim,
    "moveaxis": shape_ops.movedim,
    "t": shape_ops.t,
    "squeeze": shape_ops.squeeze,
    "unsqueeze": shape_ops.unsqueeze,
    "expand": shape_ops.expand,
    "expand_as": shape_ops.expand_as,
    "broadcast_to": shape_ops.expand,
    "repeat": shape_ops.repeat,
    "tile": shape_ops.tile,
    "repeat_interleave": shape_ops.repeat_interleave,
    "cat": indexing.cat,
    "concat": indexing.cat,
    "concatenate": indexing.cat,
    "stack": indexing.stack,
    **dict.fromkeys(("chunk", "unsafe_chunk"), indexing.chunk),
    **dict.fromkeys(("split", "split_with_sizes", "unsafe_split"), indexing.split),
    "tensor_split": indexing.tensor_split,
    **{f"{name}split": indexing.split_along(dim) for dim, name in enumerate("vhd")},
    "unbind": indexing.unbind,
    "select": indexing.select,
    "narrow": indexing.narrow,
    "index_select": indexing.index_select,
    "gather": indexing.gather,
    **{
        name: indexing.same_shape(name)
        for name in (
            *("roll", "flip", "flipud", "triu", "tril", "cumsum", "cumprod", "logcumsumexp"),
            *("argsort", "renorm", "bucketize"),
        )
    },
    "rot90": indexing.rotated,
    "fliplr": indexing.same_shape("flip"),
    **{name: indexing.filled(name) for name in FILLING},
    "add": elementwise.two("add"),
    "sub": elementwise.two("subtract"),
    "subtract": elementwise.two("subtract"),
    "mul": elementwise.two("multiply"),
    "multiply": elementwise.two("multiply"),
    "div": elementwise.two("divide"),
    "divide": elementwise.two("divide"),
    "true_divide": elementwise.two("divide"),
    "floor_divide": elementwise.two("floor_divide"),
    "remainder": elementwise.two("remainder"),
    "fmod": elementwise.two("remainder"),
    "atan2": elementwise.two("atan2"),
    "maximum": elementwise.two("maximum"),
    "minimum": elementwise.two("minimum"),
    "logical_and": elementwise.two("and"),
    "logical_or": elementwise.two("or"),
    **{
        name: elementwise.two(name)
        for name in (
            *("eq", "ne", "lt", "le", "gt", "ge", "fmax", "fmin", "hypot", "xlogy", "heaviside"),
            *("copysign", "logaddexp", "bitwise_and", "bitwise_or", "bitwise_xor"),
        )
    },
    "matmul": matmul.matmul,
    "bmm": matmul.matmul_of("bmm", 3, 3),
    "mm": matmul.matmul_of("mm", 2, 2),
    "mv": matmul.matmul_of("mv", 2, 1),
    "dot": matmul.matmul_of("dot", 1, 1),
    "einsum": matmul.einsum,
    "tensordot": matmul.tensordot,
    "inner": matmul.inner,
    **dict.fromkeys(("chain_matmul", "multi_dot"), matmul.chained),
    "kron": matmul.kron,
    "bilinear": matmul.bilinear,
    "mean": reductions.reduction("mean", "average"),
    "sum": reductions.reduction("sum"),
    "prod": reductions.reduction("prod"),
    "std": reductions.spread("std"),
    "var": reductions.spread("var"),
    "std_mean": reductions.with_mean("std"),
    "var_mean": reductions.with_mean("var"),
    **dict.fromkeys(("norm", "vector_norm"), reductions.norm),
    "argmax": reductions.reduction("argmax"),
    "argmin": reductions.reduction("argmin"),
    "amax": reductions.reduction("max", "max"),
    "amin": reductions.reduction("min"),
    "logsumexp": reductions.reduction("logsumexp"),
    "all": reductions.reduction("all"),
    "any": reductions.reduction("any"),
    "count_nonzero": reductions.reduction("count_nonzero"),
    "nansum": reductions.reduction("sum"),
    "nanmean": reductions.reduction("mean"),
    "max": reductions.extreme("max"),
    "min": reductions.extreme("min"),
    "mode": reductions.extreme("mode"),
    "kthvalue": reductions.kth_value,
    "quantile": reductions.quantile,
    "topk": reductions.topk,
    **{name: reductions.ordered(name) for name in ("sort", "cummax", "cummin")},
    **{name: elementwise.together(name) for name in ("where", "lerp", "addcmul", "addcdiv")},
    "complex": elementwise.together("complex"),
    "masked_fill": elementwise.masked_fill,
}
"""Functions of `torch` and `torch.nn.functional` and methods of tensors, by name."""

NEW: dict[str, NativeFunction] = {
    **dict.fromkeys(("zeros", "ones", "rand", "randn", "empty"), creation.constant),
    **dict.fromkeys(
        ("Tensor", "FloatTensor", "LongTensor", "IntTensor", "DoubleTensor"), creation.typed
    ),
    "full": creation.full,
    "tensor": creation.tensor,
    "as_tensor": creation.tensor,
    "from_numpy": creation.tensor,
    "arange": creation.arange,
    "range": creation.arange,
    "linspace": creation.linspace,
    "eye": creation.eye,
    "meshgrid": creation.meshgrid,
    **{
        f"{name}_like": creation.like
        for name in ("zeros", "ones", "rand", "randn", "empty", "full")
    },
}
"""Functions that create tensors."""


def _requires_grad_(interpreter: Interpreter, x: Tensor, requires_grad: Value = True) -> Tensor:
    x.frozen = not truth(interpreter, requires_grad)
    return x


METHODS: dict[str, NativeFunction] = {
    **FUNCTIONS,
    "unfold": indexing.windows,
    "astype": first,
    "size": size,
    "dim": lambda interpreter, x: len(x.shape),
    "ndimension": lambda interpreter, x: len(x.shape),
    "numel": lambda interpreter, x: math.prod(x.shape),
    "nelement": lambda interpreter, x: math.prod(x.shape),
    "item": value_of,
    "tolist": tolist,
    "type": of_type,
    "get_device": lambda interpreter, x: -1,
    "is_contiguous": lambda interpreter, x, **_: True,
    "is_floating_point": lambda interpreter, x: True,
    "element_size": lambda interpreter, x: 4,
    **dict.fromkeys(("new_zeros", "new_ones", "new_empty", "new"), creation.new),
    "new_full": creation.new_full,
    "new_tensor": lambda interpreter, x, value, **_: creation.tensor(interpreter, value),
    "backward": lambda interpreter, x, *_, **__: None,
    "requires_grad_": _requires_grad_,
    "fill_diagonal_": first,
    "where": lambda interpreter, x, condition, other: FUNCTIONS["where"](
        interpreter, condition, x, other
    ),
}
"""Methods of tensors."""

RESHAPING = ("resize", "set", "resize_as", "squeeze", "unsqueeze", "t", "transpose", "swapaxes")
"""Methods that change the shape of a tensor in place."""

CLOSED = ("grad", "grad_fn")


def attribute(interpreter: Interpreter, x: Tensor, name: str) -> Value:
    """`x.shape`, `x.T`, or a method; one that ends with `_` works in place and keeps the shape."""
    if name == "shape":
        interpreter.recorder.size_dependent = True
        return tuple(x.shape)
    if name == "ndim":
        return len(x.shape)
    if name in ("T", "mT", "H"):
        return (
            shape_ops.transposed(interpreter, x)
            if name != "mT"
            else shape_ops.transpose(interpreter, x, -1, -2)
        )
    if name in ("data", "real", "imag"):
        return x
    if name in ("device", "dtype", "layout"):
        return Unknown(f"the {name} of a tensor", harmless=True)
    if name in ("is_cuda", "is_sparse", "is_mkldnn", "is_quantized"):
        return False
    if name == "requires_grad":
        return x.trained and not x.frozen
    if name in CLOSED:
        return None
    if name in METHODS:
        of_torch = f"torch.{name}" if name in ACTIVATIONS else name
        return BoundMethod(Native(of_torch, METHODS[name]), x)
    bare = name.removesuffix("_")
    if bare != name and not x.node and bare not in (*RESHAPING, *FILLING):
        return BoundMethod(Native(name, first), x)  # initializes a parameter or a creation.constant
    if bare != name and bare in METHODS:
        return BoundMethod(Native(name, _in_place(METHODS[bare])), x)
    if bare != name and not name.startswith("_") and bare not in RESHAPING:
        return BoundMethod(Native(name, first), x)  # what works in place keeps the shape
    raise ProgramException("AttributeError", f"a tensor's {brief(name)} is not known here")


def _in_place(function: NativeFunction) -> Callable[..., Value]:
    def call(interpreter: Interpreter, x: Tensor, *args: Value, **options: Value) -> Value:
        output = function(interpreter, x, *args, **options)
        if isinstance(output, Tensor) and output.node:
            x.shape, x.node, x.values = output.shape, output.node, None
            return x
        return output

    return call
