"""The names of `torch`, `torch.nn.functional` and of a tensor's methods, and their functions."""

import math
from functools import partial

from convcli.callsyntax import brief
from convcli.nets.layers import Shuffle, activations
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
from convcli.nets.readers.python.torch.tensor_args import (
    append_operation,
    apply_layer,
    axis,
    to_integer,
    to_tensor,
)
from convcli.nets.readers.vocabulary import torch


def size(interpreter: Interpreter, x: Tensor, dim: Value = None) -> Value:
    if dim is None:
        interpreter.recorder.size_dependent = True
        return tuple(x.shape)
    index = axis(dim, len(x.shape))
    if index:
        interpreter.recorder.size_dependent = True
    return x.shape[index]


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

LAYERS = {
    **{f"avg_pool{n}d": f"AvgPool{n}d" for n in (1, 2, 3)},
    **{f"lp_pool{n}d": f"LPPool{n}d" for n in (1, 2)},
    **{f"adaptive_avg_pool{n}d": f"AdaptiveAvgPool{n}d" for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": f"AdaptiveMaxPool{n}d" for n in (1, 2, 3)},
    "local_response_norm": "LocalResponseNorm",
    "pixel_shuffle": "PixelShuffle",
    "pixel_unshuffle": "PixelUnshuffle",
    "upsample_bilinear": "UpsamplingBilinear2d",
    "upsample_nearest": "UpsamplingNearest2d",
}
"""Functions with the arguments of a layer, and its class."""

FILLING = (
    "scatter", "scatter_add", "index_add", "index_copy", "index_fill", "masked_scatter",
)  # fmt: skip
"""Methods that take some of a tensor's values from other tensors."""

MOVING = (
    "roll", "flip", "flipud", "triu", "tril", "cumsum", "cumprod", "logcumsumexp", "argsort",
    "renorm", "bucketize",
)  # fmt: skip
"""Functions that move values about within their shape."""

OPERATORS = {
    "pow": "power", "sub": "subtract", "mul": "multiply", "div": "divide", "true_divide": "divide",
    "fmod": "remainder", "logical_and": "and", "logical_or": "or",
}  # fmt: skip
"""Functions of two tensors that are called otherwise than their operators."""

OF_TWO = (
    "add", "subtract", "multiply", "divide", "floor_divide", "remainder", "atan2", "maximum",
    "minimum", "eq", "ne", "lt", "le", "gt", "ge", "fmax", "fmin", "hypot", "xlogy", "heaviside",
    "copysign", "logaddexp", "bitwise_and", "bitwise_or", "bitwise_xor",
)  # fmt: skip
"""Functions of two tensors."""

REDUCTIONS = {
    **{kind: kind for kind in ("sum", "prod", "argmax", "argmin", "logsumexp", "all", "any")},
    "count_nonzero": "count_nonzero",
    "amin": "min",
    "nansum": "sum",
    "nanmean": "mean",
}
"""Reductions along some axes that no layer is, and their names on tensors."""

FUNCTIONS: dict[str, NativeFunction] = {
    **{called: elementwise.activation(name) for called, name in ACTIVATIONS.items()},
    **{name: partial(elementwise.elementwise, name) for name in VALUES},
    **dict.fromkeys(UNCHANGED, first),
    **{name: partial(elementwise.dropout, name) for name in DROPOUTS},
    "diff": elementwise.diff,
    **dict.fromkeys(("int", "long"), elementwise.to_whole),
    "rrelu": elementwise.rrelu,
    "leaky_relu": elementwise.leaky_relu,
    "prelu": functional.prelu,
    **{
        f"max_pool{n}d{suffix}": partial(functional.max_pool, n)
        for n in (1, 2, 3)
        for suffix in ("", "_with_indices")
    },
    **{name: partial(functional.of_builder, torch.LAYERS[cls]) for name, cls in LAYERS.items()},
    **{f"conv{n}d": partial(functional.convolution, n) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": partial(functional.transposed_convolution, n) for n in (1, 2, 3)},
    **{f"{kind}_norm": partial(functional.norm, kind) for kind in functional.NORMS},
    "rms_norm": functional.rms_norm,
    "channel_shuffle": lambda interpreter, x, groups: apply_layer(
        interpreter, Shuffle(to_integer(groups)), x
    ),
    "glu": elementwise.glu,
    "view_as_real": lambda interpreter, x: append_operation(
        interpreter, "view_as_real", [to_tensor(x)], (*x.shape, 2)
    ),
    "view_as_complex": elementwise.as_complex,
    "one_hot": elementwise.one_hot,
    "cosine_similarity": reductions.cosine_similarity,
    **dict.fromkeys(("outer", "ger"), matmul.outer),
    "cdist": matmul.cdist,
    "diagonal": indexing.diagonal,
    **dict.fromkeys(
        ("addmm", "baddbmm"),
        lambda interpreter, x, left, right, **_: elementwise.binary(
            interpreter, "add", x, matmul.matmul(interpreter, left, right)
        ),
    ),
    "hstack": partial(indexing.joined, 1, 1),
    "vstack": partial(indexing.joined, 0, 2),
    "dstack": partial(indexing.joined, 2, 3),
    **{f"atleast_{n}d": partial(shape_ops.at_least, n) for n in (1, 2, 3)},
    "embedding": functional.embedding,
    **dict.fromkeys(("scaled_dot_product_attention", *ATTENTIONS), matmul.attention),
    **dict.fromkeys(("linear", *CELLS), functional.linear),
    "normalize": elementwise.normalize,
    **dict.fromkeys(("interpolate", "upsample"), functional.interpolate),
    "pad": functional.pad,
    "unfold": functional.unfold,
    "fold": functional.fold,
    "max_unpool2d": functional.unpool,
    "grid_sample": functional.grid_sample,
    "affine_grid": functional.affine_grid,
    **dict.fromkeys(("view", "reshape"), shape_ops.reshape),
    "flatten": shape_ops.flatten,
    "ravel": lambda interpreter, x: shape_ops.reshape(interpreter, x, -1),
    "unflatten": shape_ops.unflatten,
    **dict.fromkeys(
        ("view_as", "reshape_as"),
        lambda interpreter, x, other: shape_ops.reshape(interpreter, x, other.shape),
    ),
    "permute": shape_ops.permute,
    **dict.fromkeys(("transpose", "swapaxes", "swapdims"), shape_ops.transpose),
    **dict.fromkeys(("movedim", "moveaxis"), shape_ops.movedim),
    "t": shape_ops.t,
    "squeeze": shape_ops.squeeze,
    "unsqueeze": shape_ops.unsqueeze,
    **dict.fromkeys(("expand", "broadcast_to"), shape_ops.expand),
    "expand_as": lambda interpreter, x, other: shape_ops.expand(
        interpreter, x, to_tensor(other).shape
    ),
    "repeat": shape_ops.repeat,
    "tile": shape_ops.tile,
    "repeat_interleave": shape_ops.repeat_interleave,
    **dict.fromkeys(("cat", "concat", "concatenate"), indexing.cat),
    "stack": indexing.stack,
    **dict.fromkeys(("chunk", "unsafe_chunk"), indexing.chunk),
    **dict.fromkeys(("split", "split_with_sizes", "unsafe_split"), indexing.split),
    "tensor_split": indexing.tensor_split,
    **{f"{name}split": partial(indexing.split_along, dim) for dim, name in enumerate("vhd")},
    "unbind": indexing.unbind,
    "select": indexing.select,
    "narrow": indexing.narrow,
    "index_select": indexing.index_select,
    "gather": indexing.gather,
    **{name: partial(indexing.same_shape, name) for name in MOVING},
    "rot90": indexing.rotated,
    "fliplr": partial(indexing.same_shape, "flip"),
    **{name: partial(indexing.filled, name) for name in FILLING},
    **{name: partial(elementwise.two, word) for name, word in OPERATORS.items()},
    **{name: partial(elementwise.two, name) for name in OF_TWO},
    "matmul": matmul.matmul,
    "bmm": partial(matmul.matmul_of, "bmm", 3, 3),
    "mm": partial(matmul.matmul_of, "mm", 2, 2),
    "mv": partial(matmul.matmul_of, "mv", 2, 1),
    "dot": partial(matmul.matmul_of, "dot", 1, 1),
    "einsum": matmul.einsum,
    "tensordot": matmul.tensordot,
    "inner": matmul.inner,
    **dict.fromkeys(("chain_matmul", "multi_dot"), matmul.chained),
    "kron": matmul.kron,
    "bilinear": matmul.bilinear,
    **{name: partial(reductions.reduction, kind, None) for name, kind in REDUCTIONS.items()},
    "mean": partial(reductions.reduction, "mean", "average"),
    "amax": partial(reductions.reduction, "max", "max"),
    **{kind: partial(reductions.spread, kind) for kind in ("std", "var")},
    **{f"{kind}_mean": partial(reductions.with_mean, kind) for kind in ("std", "var")},
    **dict.fromkeys(
        ("norm", "vector_norm"),
        lambda interpreter, x, p=2, dim=None, keepdim=False, **_: reductions.reduction(
            "norm", None, interpreter, x, dim, keepdim
        ),
    ),
    **{kind: partial(reductions.extreme, kind) for kind in ("max", "min", "median", "mode")},
    "topk": reductions.topk,
    **{name: partial(reductions.ordered, name) for name in ("sort", "cummax", "cummin")},
    "kthvalue": reductions.kth_value,
    "quantile": reductions.quantile,
    **{
        name: partial(elementwise.together, name)
        for name in ("where", "lerp", "addcmul", "addcdiv", "complex")
    },
    "masked_fill": lambda interpreter, x, mask, value: elementwise.together(
        "where", interpreter, to_tensor(mask), to_tensor(x)
    ),
}
"""Functions of `torch` and `torch.nn.functional` and methods of tensors, by name."""

NEW: dict[str, NativeFunction] = {
    **dict.fromkeys(("zeros", "ones", "rand", "randn", "empty"), creation.constant),
    **dict.fromkeys(
        ("Tensor", "FloatTensor", "LongTensor", "IntTensor", "DoubleTensor"), creation.typed
    ),
    "full": lambda interpreter, size, *_, **__: creation.constant(interpreter, size),
    **dict.fromkeys(("tensor", "as_tensor", "from_numpy"), creation.tensor),
    **dict.fromkeys(("arange", "range"), creation.arange),
    "linspace": creation.linspace,
    "eye": creation.eye,
    "meshgrid": creation.meshgrid,
    **dict.fromkeys(
        ("zeros_like", "ones_like", "rand_like", "randn_like", "empty_like", "full_like"),
        lambda interpreter, x, *_, **__: Tensor(to_tensor(x).shape),
    ),
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
    **dict.fromkeys(("dim", "ndimension"), lambda interpreter, x: len(x.shape)),
    **dict.fromkeys(("numel", "nelement"), lambda interpreter, x: math.prod(x.shape)),
    "item": value_of,
    "tolist": tolist,
    "type": of_type,
    "get_device": lambda interpreter, x: -1,
    "is_contiguous": lambda interpreter, x, **_: True,
    "is_floating_point": lambda interpreter, x: True,
    "element_size": lambda interpreter, x: 4,
    **dict.fromkeys(
        ("new_zeros", "new_ones", "new_empty", "new"),
        lambda interpreter, x, *sizes, size=None, **_: creation.constant(
            interpreter, *sizes, size=size
        ),
    ),
    "new_full": lambda interpreter, x, size, *_, **__: creation.constant(interpreter, size),
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
        return BoundMethod(Native(name, partial(_in_place, METHODS[bare])), x)
    if bare != name and not name.startswith("_") and bare not in RESHAPING:
        return BoundMethod(Native(name, first), x)  # what works in place keeps the shape
    raise ProgramException("AttributeError", f"a tensor's {brief(name)} is not known here")


def _in_place(
    function: NativeFunction, /, interpreter: Interpreter, x: Tensor, *args: Value, **options: Value
) -> Value:
    output = function(interpreter, x, *args, **options)
    if isinstance(output, Tensor) and output.node:
        x.shape, x.node, x.values = output.shape, output.node, None
        return x
    return output
