"""Functions of tensors in `tensorflow`, `keras.ops`, `keras.backend` and `keras.layers`."""

from collections.abc import Callable, Sequence
from functools import partial

from convcli.callsyntax import brief
from convcli.nets.layers import (
    Activation,
    AdaptivePool,
    Concat,
    Identity,
    Merge,
    PoolKind,
    Reshape,
)
from convcli.nets.readers.python.keras import windows
from convcli.nets.readers.python.keras.tensors import (
    apply_record,
    binary,
    by_shape,
    network_shape,
    product,
    tensors_in,
    text_shape,
)
from convcli.nets.readers.python.language.conversions import to_list
from convcli.nets.readers.python.language.objects import (
    NativeFunction,
    ReadError,
    Tensor,
    Value,
    natives,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.stdlib.builtins import first
from convcli.nets.readers.python.torch import elementwise, indexing, matmul, reductions, shape_ops
from convcli.nets.readers.python.torch import names as torch
from convcli.nets.readers.python.torch.tensor_args import (
    axes,
    axis,
    to_integer,
    to_sizes,
    to_tensor,
)
from convcli.nets.readers.vocabulary import keras

OPTIONS = {
    "axis": "dim", "keepdims": "keepdim", "axis1": "dim1", "axis2": "dim2", "ord": "p",
    "depth": "num_classes", "axes": "dims",
}  # fmt: skip
"""TensorFlow's names of options, and PyTorch's."""


def activation(
    name: str, /, interpreter: Interpreter, x: Value, *rest: Value, **options: Value
) -> Tensor:
    """`tf.nn.relu(x)`: the layer that `activation="relu"` adds."""
    others = [value for value in rest if isinstance(value, Tensor)]
    record = keras.function(name) or Identity("linear")
    values = [value for value in rest if not isinstance(value, Tensor)]
    values += [value for key, value in options.items() if key != "name"]
    if isinstance(record, Activation):
        record = with_values(record, values)
    return apply_record(interpreter, record, *tensors_in((x, *others)))


def with_values(record: Activation, values: Sequence[Value]) -> Activation:
    """The function with the argument of its call, of which it takes one: a slope, an axis."""
    value = values[0] if values else None
    if value is None or value == -1 or (record.type == "gelu" and value is False):
        return record
    if record.type == "gelu" and value is True:
        return Activation("gelu", values=(("approximate", "tanh"),))
    if isinstance(value, float) and record.type in VALUED:
        return VALUED[record.type](value)
    return Activation(record.type, values=(("values", ", ".join(map(brief, values))),))


VALUED: dict[str, Callable[[object], Activation]] = {
    "leaky_relu": keras.leaky_relu,
    "elu": keras.elu,
}
"""Functions whose value is a number: the slope, the bound below 0."""


def merge(kind: str, /, interpreter: Interpreter, *values: Value, **options: Value) -> Value:
    """`layers.add([x, y])`, `tf.add(x, y)`; a number among them is arithmetic."""
    if len(values) == 2 and any(isinstance(value, int | float) for value in values):
        return elementwise.binary(interpreter, kind, *values)
    tensors = tensors_in(values)
    return apply_record(interpreter, Merge(kind), *tensors, name=options.get("name"))


def concatenate(
    interpreter: Interpreter, values: Value, axis_: Value = -1, **options: Value
) -> Tensor:
    """Tensors joined along the channels, or along one of the lengths."""
    tensors = tensors_in((values,))
    rank = len(tensors[0].shape)
    index = axis(options.get("axis", axis_), rank)
    if len(tensors) == 1:
        return tensors[0]
    if index == 0:
        return to_tensor(by_shape("concat", indexing.cat, interpreter, tensors, 0))
    record = Concat(0 if index == rank - 1 else index)
    return apply_record(interpreter, record, *tensors, name=options.get("name"))


def reshape(interpreter: Interpreter, x: Value, shape: Value, **options: Value) -> Value:
    """`tf.reshape(x, (-1, 4, 4, 8))`: a reshape of each image, if it keeps the batch."""
    x = to_tensor(x)
    sizes = tuple(-1 if size is None else size for size in to_list(interpreter, shape))
    output = shape_ops.reshape(interpreter, Tensor(text_shape(x)), sizes)
    if isinstance(output, Tensor) and output.shape[0] == 1 and len(sizes) > 1:
        target = network_shape((1, *to_sizes(sizes[1:])))[1:]
        return apply_record(interpreter, Reshape(target, channels_last=True), x)
    return by_shape("reshape", shape_ops.reshape, interpreter, x, sizes)


def reduction(
    type_: str,
    pool: PoolKind | None,
    /,
    interpreter: Interpreter,
    x: Value,
    axis_: Value = None,
    keepdims: Value = False,
    **options: Value,
) -> Value:
    """A reduction along some axes; over all lengths, a global pool."""
    x = to_tensor(x)
    over, keeps = options.get("axis", axis_), bool(keepdims)
    lengths = list(range(1, len(x.shape) - 1))
    if pool and lengths and over is not None and sorted(axes(over, len(x.shape))) == lengths:
        return apply_record(interpreter, AdaptivePool(pool, (1,) * len(lengths), not keeps), x)
    return by_shape(type_, partial(reductions.reduction, type_, None), interpreter, x, over, keeps)


def matrix_product(interpreter: Interpreter, left: Value, right: Value, **options: Value) -> Tensor:
    """`tf.matmul(x, w, transpose_b=True)`."""

    def of_shapes(interpreter: Interpreter, *tensors: Tensor) -> Tensor:
        turned = (options.get(name) for name in ("transpose_a", "transpose_b"))
        return matmul.matmul(
            interpreter,
            *(
                Tensor((*x.shape[:-2], *reversed(x.shape[-2:]))) if turn else x
                for x, turn in zip(tensors, turned, strict=True)
            ),
        )

    return product("matmul", of_shapes, interpreter, *tensors_in((left, right)))


def dot(interpreter: Interpreter, left: Value, right: Value) -> Tensor:
    """`ops.dot(x, w)`: over the last axis of x and the last but one of w."""
    left, right = to_tensor(left), to_tensor(right)
    axis_of = max(len(right.shape) - 2, 0)
    pairs = (len(left.shape) - 1,), (axis_of,)
    return product("tensordot", matmul.tensordot, interpreter, left, right, pairs)


def tensordot(
    interpreter: Interpreter, left: Value, right: Value, axes_: Value = 2, **options: Value
) -> Tensor:
    dims = options.get("axes", axes_)
    return product("tensordot", matmul.tensordot, interpreter, left, right, dims)


def shape_of(interpreter: Interpreter, x: Value, **options: Value) -> Value:
    """`tf.shape(x)`, for one image."""
    interpreter.recorder.size_dependent = True
    return text_shape(to_tensor(x))


def transpose(
    interpreter: Interpreter, x: Value, perm: Value = None, axes: Value = None, **_: Value
) -> Value:
    """`tf.transpose(x, perm=[0, 3, 1, 2])`."""
    order = perm if perm is not None else axes
    if order is None:
        return by_shape("transpose", shape_ops.transposed, interpreter, x)
    indices = tuple(to_list(interpreter, order))
    return by_shape("transpose", shape_ops.permute, interpreter, x, indices)


def split(
    interpreter: Interpreter, x: Value, pieces: Value, axis_: Value = 0, **options: Value
) -> Value:
    """`tf.split(x, 2, axis=-1)`: two pieces, or with a list pieces of these sizes."""
    x = to_tensor(x)
    index = axis(options.get("axis", axis_), len(x.shape))
    if not isinstance(pieces, list | tuple):
        length, count = text_shape(x)[index], to_integer(pieces)
        if count < 1 or length % count:
            raise ReadError(f"an axis of {length} does not split into {count} equal pieces")
        pieces = length // count
    return by_shape("split", indexing.split, interpreter, x, pieces, index)


def split_at(
    interpreter: Interpreter, x: Value, pieces: Value, axis_: Value = 0, **options: Value
) -> Value:
    """`ops.split(x, [1, 3], axis=-1)`: before these indices, as NumPy does; else as `tf.split`."""
    if not isinstance(pieces, list | tuple):
        return split(interpreter, x, pieces, axis_, **options)
    index = axis(options.get("axis", axis_), len(to_tensor(x).shape))
    return by_shape("split", indexing.tensor_split, interpreter, x, pieces, index)


def take(
    interpreter: Interpreter, x: Value, indices: Value, axis_: Value = None, **options: Value
) -> Value:
    """`ops.take(x, [0, 2], axis=-1)`, `tf.gather(x, indices, axis=1)`; a number drops the axis."""
    along = options.get("axis", axis_)
    if along is None or options.get("batch_dims"):
        raise ReadError("take and gather are read with their axis, and without batch_dims")

    def of_shapes(interpreter: Interpreter, x: Tensor, index: Value) -> Tensor:
        dim = axis(along, len(x.shape))
        return indexing.get_item(interpreter, x, (*[slice(None)] * dim, index))

    return by_shape("take", of_shapes, interpreter, x, indices)


def slice_of(interpreter: Interpreter, x: Value, begin: Value, size: Value, **_: Value) -> Value:
    """`ops.slice(x, start, shape)`, `tf.slice(x, begin, size)`; a size of -1 is the rest."""
    starts, sizes = to_sizes((begin,)), to_sizes((size,))
    ends = [None if n == -1 else start + n for start, n in zip(starts, sizes, strict=True)]
    index = tuple(slice(start, end) for start, end in zip(starts, ends, strict=True))
    return by_shape("slice", indexing.get_item, interpreter, x, index)


def arithmetic(
    operator: str, /, interpreter: Interpreter, left: Value, right: Value, **_: Value
) -> Value:
    """`ops.power(x, 2)`: an operator as a function."""
    return binary(interpreter, operator, left, right)


def index_of(
    type_: str, /, interpreter: Interpreter, x: Value, axis_: Value = None, **options: Value
) -> Value:
    """`ops.argmax(x, axis=-1)`; without an axis, TensorFlow and NumPy mean different ones."""
    index = options.get("axis", axis_)
    if index is None:
        raise ReadError(f"{type_} is read with its axis")
    keeps = bool(options.get("keepdims", False))
    return reduction(type_, None, interpreter, x, index, keeps)


def like(interpreter: Interpreter, x: Value, *_: Value, **options: Value) -> Tensor:
    """`ops.zeros_like(x)`: a constant in the order of the text."""
    return Tensor(text_shape(to_tensor(x)))


def renamed(
    type_: str,
    function: NativeFunction,
    /,
    interpreter: Interpreter,
    *args: Value,
    **options: Value,
) -> Value:
    """A function of shapes, with TensorFlow's option names."""
    named = {OPTIONS.get(key, key): value for key, value in options.items() if key != "name"}
    return by_shape(type_, function, interpreter, *args, **named)


def flatten(interpreter: Interpreter, x: Value, **options: Value) -> Tensor:
    return apply_record(interpreter, Reshape(channels_last=True), to_tensor(x))


RENAMED: dict[str, NativeFunction] = {
    "squeeze": shape_ops.squeeze,
    "expand_dims": shape_ops.unsqueeze,
    "stack": indexing.stack,
    "unstack": indexing.unbind,
    "tile": shape_ops.tile,
    **dict.fromkeys(("repeat", "repeat_elements"), shape_ops.repeat_interleave),
    "swapaxes": shape_ops.transpose,
    "moveaxis": shape_ops.movedim,
    "broadcast_to": shape_ops.expand,
    "ravel": torch.FUNCTIONS["ravel"],
    "hstack": torch.FUNCTIONS["hstack"],
    "vstack": torch.FUNCTIONS["vstack"],
    "diff": elementwise.diff,
    "diagonal": indexing.diagonal,
    "rot90": indexing.rotated,
    "top_k": reductions.topk,
    "norm": torch.FUNCTIONS["norm"],
    "quantile": reductions.quantile,
    "glu": elementwise.glu,
    "one_hot": elementwise.one_hot,
    "where": torch.FUNCTIONS["where"],
    **dict.fromkeys(("flip", "reverse"), torch.FUNCTIONS["flip"]),
    **{
        name: torch.FUNCTIONS[name]
        for name in ("roll", "cumsum", "cumprod", "argsort", "tril", "triu", "logical_not")
    },
    **{name: partial(indexing.same_shape, name) for name in ("sort", "normalize", "l2_normalize")},
}
"""PyTorch's functions that take TensorFlow's names of options."""

REDUCTIONS: dict[str, PoolKind | None] = {
    "mean": "average",
    "max": "max",
    "amax": "max",
    **dict.fromkeys(
        (
            *("sum", "min", "amin", "prod", "std", "var", "variance", "any", "all", "logsumexp"),
            *("median", "count_nonzero", "euclidean_norm"),
        )
    ),
}
"""Reductions, and the pool that each is over all lengths."""

OPERATORS = {
    **dict.fromkeys(("power", "pow"), "power"),
    **dict.fromkeys(("divide", "true_divide", "truediv"), "divide"),
    **dict.fromkeys(("floor_divide", "floordiv"), "floor_divide"),
    **dict.fromkeys(("mod", "floormod"), "remainder"),
    **dict.fromkeys(("arctan2", "atan2"), "atan2"),
    **{name: name.removeprefix("logical_") for name in ("logical_and", "logical_or")},
    **{name: name for name in ("hypot", "logaddexp", "squared_difference")},
    "equal": "eq", "not_equal": "ne", "greater": "gt", "greater_equal": "ge", "less": "lt",
    "less_equal": "le",
}  # fmt: skip
"""Functions of two tensors value by value, and their names as operators."""

SPELLED = {
    "negative": "neg", "absolute": "abs", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
}  # fmt: skip
"""Functions of single values that PyTorch spells otherwise."""


FUNCTIONS: dict[str, NativeFunction] = {
    **{name: partial(elementwise.elementwise, name) for name in torch.VALUES},
    **{name: partial(elementwise.elementwise, of_torch) for name, of_torch in SPELLED.items()},
    **{name: partial(activation, name) for name in keras.FUNCTIONS},
    **{name: partial(arithmetic, operator) for name, operator in OPERATORS.items()},
    **{
        kind: partial(merge, kind)
        for kind in ("add", "subtract", "multiply", "average", "maximum", "minimum")
    },
    "concatenate": concatenate,
    "concat": concatenate,
    "flatten": flatten,
    "reshape": reshape,
    "pad": windows.pad,
    "resize": windows.resize,
    "matmul": matrix_product,
    "dot": dot,
    "tensordot": tensordot,
    "einsum": partial(product, "einsum", matmul.einsum),
    "inner": partial(product, "tensordot", matmul.inner),
    "outer": partial(renamed, "outer", matmul.outer),
    **dict.fromkeys(("take", "gather"), take),
    "slice": slice_of,
    **{
        f"{name}{n}": partial(windows.pool, kind)
        for name, kind in windows.POOLS.items()
        for n in ("", "1d", "2d", "3d")
    },
    "extract_patches": windows.patches,
    **dict.fromkeys(("conv", "convolution", "conv1d", "conv2d", "conv3d"), windows.convolution),
    **{name: partial(index_of, name) for name in ("argmax", "argmin")},
    **{name: partial(windows.blocks, name) for name in ("depth_to_space", "space_to_depth")},
    **{f"{name}_like": like for name in ("zeros", "ones", "full")},
    "shape": shape_of,
    "int_shape": shape_of,
    "transpose": transpose,
    "permute_dimensions": transpose,
    "split": split,
    **{name: partial(renamed, name, function) for name, function in RENAMED.items()},
    **{
        f"{prefix}{name}": partial(reduction, name, pool)
        for prefix in ("", "reduce_")
        for name, pool in REDUCTIONS.items()
    },
    **dict.fromkeys(("dropout", "identity", "stop_gradient", "cast", "convert_to_tensor"), first),
}
"""The functions of tensors, by name."""

OPS = natives({"split": split_at, "array_split": split_at})
"""Functions of `keras.ops` that TensorFlow's of the same name differ from."""

NATIVES = natives(FUNCTIONS)
