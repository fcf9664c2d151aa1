"""Functions of tensors in `tensorflow`, `keras.ops`, `keras.backend` and `keras.layers`."""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod

from convcli.borders import BorderName
from convcli.callsyntax import brief
from convcli.nets.layers import (
    Activation,
    AdaptivePool,
    Concat,
    Identity,
    Merge,
    Pad,
    PoolKind,
    Reshape,
    Upsample,
)
from convcli.nets.readers.python.keras.tensors import (
    apply_record,
    by_shape,
    network_shape,
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
from convcli.nets.readers.python.torch.names import VALUES
from convcli.nets.readers.python.torch.tensor_args import (
    axes,
    axis,
    to_integer,
    to_sizes,
    to_tensor,
)
from convcli.nets.readers.vocabulary import keras

OPTIONS = {"axis": "dim", "keepdims": "keepdim"}
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
    place = axis(options.get("axis", axis_), rank)
    if len(tensors) == 1:
        return tensors[0]
    if place == 0:
        return to_tensor(by_shape("concat", indexing.cat, interpreter, tensors, 0))
    record = Concat(0 if place == rank - 1 else place)
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


BORDERS: dict[str, BorderName] = {"REFLECT": "reflect", "SYMMETRIC": "symmetric"}
"""Modes of `tf.pad`, by our names of borders; any other is a constant."""


def pad(
    interpreter: Interpreter, x: Value, paddings: Value, mode: Value = "CONSTANT", **_: Value
) -> Tensor:
    """`tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])`."""
    x = to_tensor(x)
    pairs = [to_sizes((pair,)) for pair in to_list(interpreter, paddings)]
    if len(pairs) != len(x.shape) or any(pairs[0]) or any(pairs[-1]):
        raise ReadError("a pad of the batch or the channels is not read here")
    border = BORDERS.get(str(mode).upper(), "constant")
    return apply_record(interpreter, Pad(tuple((a, b) for a, b in pairs[1:-1]), border), x)


def resize(
    interpreter: Interpreter, x: Value, size: Value, method: Value = "bilinear", **_: Value
) -> Tensor:
    """`tf.image.resize(x, (64, 64))`."""
    how = "linear" if method in ("bilinear", "linear") else str(method)
    how = "nearest-exact" if how == "nearest" else how
    return apply_record(interpreter, Upsample((), tuple(to_sizes((size,))), how), to_tensor(x))


def product(interpreter: Interpreter, left: Value, right: Value, **options: Value) -> Tensor:
    """`tf.matmul(x, w)`, for shapes in the order of the text."""
    tensors = tensors_in((left, right))
    shapes = [
        (*shape[:-2], *reversed(shape[-2:])) if options.get(turned) else shape
        for shape, turned in zip(
            map(text_shape, tensors), ("transpose_a", "transpose_b"), strict=True
        )
    ]
    macs = prod(shapes[0]) * shapes[1][-1]
    output = matmul.matmul(interpreter, *map(Tensor, shapes)).shape
    interpreter.recorder.activation_macs -= macs  # counted below, if they are of activations
    return matmul.product(interpreter, "matmul", tensors, network_shape(output), macs)


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
    places = tuple(to_list(interpreter, order))
    return by_shape("transpose", shape_ops.permute, interpreter, x, places)


def split(
    interpreter: Interpreter, x: Value, pieces: Value, axis_: Value = 0, **options: Value
) -> Value:
    """`tf.split(x, 2, axis=-1)`: two pieces, or with a list pieces of these sizes."""
    x = to_tensor(x)
    place = axis(options.get("axis", axis_), len(x.shape))
    if not isinstance(pieces, list | tuple):
        length, count = text_shape(x)[place], to_integer(pieces)
        if count < 1 or length % count:
            raise ReadError(f"an axis of {length} does not split into {count} equal pieces")
        pieces = length // count
    return by_shape("split", indexing.split, interpreter, x, pieces, place)


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
}
"""PyTorch's functions that take TensorFlow's names of options."""

REDUCTIONS: dict[str, PoolKind | None] = {
    "mean": "average",
    "max": "max",
    **dict.fromkeys(("sum", "min", "prod", "std")),
}
"""Reductions, and the pool that each is over all lengths."""

FUNCTIONS: dict[str, NativeFunction] = {
    **{name: partial(elementwise.elementwise, name) for name in VALUES},
    **{name: partial(activation, name) for name in keras.FUNCTIONS},
    **{
        kind: partial(merge, kind)
        for kind in ("add", "subtract", "multiply", "average", "maximum", "minimum")
    },
    "concatenate": concatenate,
    "concat": concatenate,
    "flatten": flatten,
    "reshape": reshape,
    "pad": pad,
    "resize": resize,
    "matmul": product,
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

NATIVES = natives(FUNCTIONS)
