"""The names of `torch`, `torch.nn.functional` and of a tensor's methods, and what they mean."""

import math
from collections.abc import Callable
from typing import Any

from convcli.calls import shown
from convcli.nets.models.arithmetic import (
    added_product,
    as_complex,
    as_real,
    cdist,
    channel_shuffle,
    cosine_similarity,
    diff,
    einsum,
    elementwise,
    extreme,
    gather,
    glu,
    grid_sample,
    leaky_relu,
    masked_fill,
    matmul,
    normalize,
    one_hot,
    outer,
    reduction,
    sort,
    to_whole,
    topk,
    two,
    unpool,
    where,
)
from convcli.nets.models.builtin import first
from convcli.nets.models.creation import (
    arange,
    constant,
    eye,
    full,
    like,
    linspace,
    meshgrid,
    new,
    new_full,
    tensor,
    typed,
)
from convcli.nets.models.functional import (
    affine_grid,
    attention,
    convolution,
    embedding,
    functional_norm,
    linear,
    max_pool,
    of_builder,
    transposed_convolution,
)
from convcli.nets.models.shaping import (
    at_least,
    cat,
    chunk,
    diagonal,
    expand,
    expand_as,
    flatten,
    fold,
    index_select,
    interpolate,
    joined,
    movedim,
    narrow,
    pad,
    permute,
    repeat,
    repeat_interleave,
    reshape,
    same_shape,
    select,
    split,
    squeeze,
    stack,
    transpose,
    transposed,
    unbind,
    unflatten,
    unfold,
    unsqueeze,
    windows,
)
from convcli.nets.models.tensors import axis
from convcli.nets.models.values import Bound, Native, Raised, Tensor, Unknown
from convcli.nets.readers import torch


def size(machine: Any, x: Tensor, dim: Any = None) -> Any:
    if dim is None:
        machine.looked()
        return tuple(x.shape)
    place = axis(machine, dim, len(x.shape))
    if place:
        machine.looked()
    return x.shape[place]


def value_of(machine: Any, x: Tensor) -> Any:
    return Unknown("the value of a tensor") if x.number is None else x.number


def tolist(machine: Any, x: Tensor) -> Any:
    if x.values is None:
        return Unknown("the values of a tensor")
    held = list(x.values)
    for length in reversed(x.shape[1:]):
        held = [held[start : start + length] for start in range(0, len(held), length)]
    return held


def of_type(machine: Any, x: Tensor, *args: Any, **options: Any) -> Any:
    return x if args or options else "torch.FloatTensor"


ACTIVATIONS = {
    **{name: name for name in ("relu", "relu6", "sigmoid", "tanh", "elu", "selu", "celu", "gelu")},
    **{name: name for name in ("silu", "mish", "softplus", "softsign", "softmin", "prelu")},
    "hardswish": "hard_swish",
    "hardsigmoid": "hard_sigmoid",
    "hardtanh": "hard_tanh",
    "logsigmoid": "log_sigmoid",
    "softmax": "softmax",
    "log_softmax": "log_softmax",
    "rrelu": "relu",
    "threshold": "threshold",
}

VALUES = (
    "exp", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "square", "abs", "neg", "sign",
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "erf", "floor", "ceil",
    "round", "reciprocal", "clamp", "clip", "clamp_min", "clamp_max", "logical_not", "isnan",
    "nan_to_num", "expm1", "trunc", "frac", "logit", "hardshrink", "softshrink",
)  # fmt: skip

UNCHANGED = (
    "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout",
    "contiguous", "clone", "detach", "float", "half", "double", "to", "cuda", "cpu", "data",
    "requires_grad_", "type_as", "bfloat16", "bool", "normal_", "uniform_", "zero_", "fill_",
    "copy_", "kaiming_", "trunc_normal_", "retain_grad", "pin_memory", "numpy", "share_memory_",
    "register_hook", "resolve_conj", "byte", "exponential_",
)  # fmt: skip

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: elementwise(word) for name, word in ACTIVATIONS.items()},
    **{name: elementwise(name) for name in VALUES},
    **dict.fromkeys(UNCHANGED, first),
    "diff": diff,
    "int": to_whole,
    "long": to_whole,
    "pow": two("power"),
    "leaky_relu": leaky_relu,
    **{f"max_pool{n}d": max_pool(n) for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": max_pool(n) for n in (1, 2, 3)},
    **{f"avg_pool{n}d": of_builder(torch.avg_pool(n)) for n in (1, 2, 3)},
    **{f"lp_pool{n}d": of_builder(torch.lp_pool(n)) for n in (1, 2)},
    **{f"adaptive_avg_pool{n}d": of_builder(torch.adaptive_pool("average", n)) for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": of_builder(torch.adaptive_pool("max", n)) for n in (1, 2, 3)},
    **{f"conv{n}d": convolution(n) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": transposed_convolution(n) for n in (1, 2, 3)},
    "local_response_norm": of_builder(torch.LAYERS["LocalResponseNorm"]),
    "layer_norm": functional_norm("layer"),
    "group_norm": functional_norm("group"),
    "batch_norm": functional_norm("batch"),
    "instance_norm": functional_norm("instance"),
    "pixel_shuffle": of_builder(torch.pixel_shuffle),
    "pixel_unshuffle": of_builder(torch.pixel_unshuffle),
    "channel_shuffle": channel_shuffle,
    "glu": glu,
    "view_as_real": as_real,
    "view_as_complex": as_complex,
    "one_hot": one_hot,
    "cosine_similarity": cosine_similarity,
    "gumbel_softmax": elementwise("softmax"),
    "median": extreme("median"),
    "outer": outer,
    "cdist": cdist,
    "diagonal": diagonal,
    "addmm": added_product,
    "baddbmm": added_product,
    "hstack": joined(1, 1),
    "vstack": joined(0, 2),
    "dstack": joined(2, 3),
    **{f"atleast_{n}d": at_least(n) for n in (1, 2, 3)},
    "linear": linear,
    "embedding": embedding,
    "scaled_dot_product_attention": attention,
    "normalize": normalize,
    "interpolate": interpolate,
    "upsample": interpolate,
    "upsample_bilinear": interpolate,
    "upsample_nearest": interpolate,
    "pad": pad,
    "unfold": unfold,
    "fold": fold,
    "max_unpool2d": unpool,
    "grid_sample": grid_sample,
    "affine_grid": affine_grid,
    "view": reshape,
    "reshape": reshape,
    "flatten": flatten,
    "ravel": lambda machine, x: reshape(machine, x, -1),
    "unflatten": unflatten,
    "view_as": lambda machine, x, other: reshape(machine, x, other.shape),
    "reshape_as": lambda machine, x, other: reshape(machine, x, other.shape),
    "permute": permute,
    "transpose": transpose,
    "swapaxes": transpose,
    "swapdims": transpose,
    "movedim": movedim,
    "moveaxis": movedim,
    "t": transposed,
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    "expand": expand,
    "expand_as": expand_as,
    "broadcast_to": expand,
    "repeat": repeat,
    "tile": repeat,
    "repeat_interleave": repeat_interleave,
    "cat": cat,
    "concat": cat,
    "concatenate": cat,
    "stack": stack,
    "chunk": chunk,
    "split": split,
    "unbind": unbind,
    "select": select,
    "narrow": narrow,
    "index_select": index_select,
    "gather": gather,
    **{
        name: same_shape(name)
        for name in ("roll", "flip", "rot90", "triu", "tril", "cumsum", "renorm")
    },
    "fliplr": same_shape("flip"),
    "add": two("add"),
    "sub": two("subtract"),
    "subtract": two("subtract"),
    "mul": two("multiply"),
    "multiply": two("multiply"),
    "div": two("divide"),
    "divide": two("divide"),
    "true_divide": two("divide"),
    "floor_divide": two("floor_divide"),
    "maximum": two("maximum"),
    "minimum": two("minimum"),
    "logical_and": two("and"),
    "logical_or": two("or"),
    **{name: two(name) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "matmul": matmul,
    "bmm": matmul,
    "mm": matmul,
    "mv": matmul,
    "einsum": einsum,
    "mean": reduction("mean", "average"),
    "sum": reduction("sum"),
    "prod": reduction("prod"),
    "std": reduction("std"),
    "var": reduction("var"),
    "norm": lambda machine, x, p=2, dim=None, keepdim=False, **_: reduction("norm")(
        machine, x, dim, keepdim
    ),
    "argmax": reduction("argmax"),
    "argmin": reduction("argmin"),
    "amax": reduction("max", "max"),
    "amin": reduction("min"),
    "logsumexp": reduction("logsumexp"),
    "all": reduction("all"),
    "any": reduction("any"),
    "max": extreme("max"),
    "min": extreme("min"),
    "topk": topk,
    "sort": sort,
    "where": where,
    "masked_fill": masked_fill,
}
"""What functions of `torch` and `torch.nn.functional` and methods of tensors do, by name."""

NEW: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("zeros", "ones", "rand", "randn", "empty"), constant),
    **dict.fromkeys(("Tensor", "FloatTensor", "LongTensor", "IntTensor", "DoubleTensor"), typed),
    "full": full,
    "tensor": tensor,
    "as_tensor": tensor,
    "from_numpy": tensor,
    "arange": arange,
    "range": arange,
    "linspace": linspace,
    "eye": eye,
    "meshgrid": meshgrid,
    **{f"{name}_like": like for name in ("zeros", "ones", "rand", "randn", "empty", "full")},
}
"""What makes tensors of its own."""

METHODS: dict[str, Callable[..., Any]] = {
    **FUNCTIONS,
    "unfold": windows,
    "astype": first,
    "size": size,
    "dim": lambda machine, x: len(x.shape),
    "ndimension": lambda machine, x: len(x.shape),
    "numel": lambda machine, x: math.prod(x.shape),
    "nelement": lambda machine, x: math.prod(x.shape),
    "item": value_of,
    "tolist": tolist,
    "type": of_type,
    "get_device": lambda machine, x: -1,
    "is_contiguous": lambda machine, x, **_: True,
    "is_floating_point": lambda machine, x: True,
    "element_size": lambda machine, x: 4,
    **dict.fromkeys(("new_zeros", "new_ones", "new_empty", "new"), new),
    "new_full": new_full,
    "new_tensor": lambda machine, x, value, **_: tensor(machine, value),
    "backward": lambda machine, x, *_, **__: None,
    "fill_diagonal_": first,
    "where": lambda machine, x, condition, other: where(machine, condition, x, other),
}
"""Methods of tensors."""

RESHAPING = ("resize", "set", "resize_as", "squeeze", "unsqueeze", "t", "transpose", "swapaxes")
"""What gives a tensor another shape in place."""

CLOSED = ("grad", "grad_fn")


def attribute(machine: Any, x: Tensor, name: str) -> Any:
    """`x.shape`, `x.T`, or a method; one with `_` at its end works in place, to the same shape."""
    if name == "shape":
        machine.looked()
        return tuple(x.shape)
    if name == "ndim":
        return len(x.shape)
    if name in ("T", "mT", "H"):
        return transposed(machine, x) if name != "mT" else transpose(machine, x, -1, -2)
    if name == "data":
        return x
    if name in ("device", "dtype", "layout"):
        return Unknown(f"the {name} of a tensor", harmless=True)
    if name in ("is_cuda", "is_sparse", "is_mkldnn", "is_quantized"):
        return False
    if name == "requires_grad":
        return x.trained
    if name in CLOSED:
        return None
    if name in METHODS:
        return Bound(Native(name, METHODS[name]), x)
    bare = name.removesuffix("_")
    if bare != name and not x.node and bare not in RESHAPING:
        return Bound(Native(name, first), x)  # initialises a parameter or a constant
    if bare != name and bare in METHODS:
        return Bound(Native(name, _in_place(METHODS[bare])), x)
    if bare != name and not name.startswith("_") and bare not in RESHAPING:
        return Bound(Native(name, first), x)  # what works in place keeps the shape
    raise Raised("AttributeError", f"a tensor's {shown(name)} is not known here")


def _in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(machine: Any, x: Tensor, *args: Any, **options: Any) -> Any:
        made = function(machine, x, *args, **options)
        if isinstance(made, Tensor) and x.node:
            x.shape, x.node = made.shape, made.node
            return x
        return made

    return call
