"""Functions of tensors in `tensorflow`, `keras.ops`, `keras.backend` and `keras.layers`."""

from collections.abc import Callable
from typing import Any

from convcli.nets.layers import AdaptivePool, Concat, Identity, Merge, Pad, Reshape, Upsample
from convcli.nets.readers.python.keras.tensors import (
    by_shape,
    inner,
    of_record,
    outer,
    tensors_in,
)
from convcli.nets.readers.python.language.objects import Halt, Tensor, natives
from convcli.nets.readers.python.stdlib.builtins import first
from convcli.nets.readers.python.torch import elementwise, indexing, matmul, reductions, shape_ops
from convcli.nets.readers.python.torch.names import VALUES
from convcli.nets.readers.python.torch.tensor_args import axes, axis, sizes_of, whole
from convcli.nets.readers.vocabulary import keras

AXIS = {"axis": "dim", "keepdims": "keepdim"}
"""TensorFlow's names of options, and PyTorch's."""


def _options(options: dict[str, Any]) -> dict[str, Any]:
    return {AXIS.get(key, key): value for key, value in options.items() if key != "name"}


def activation(name: str) -> Callable[..., Any]:
    """`tf.nn.relu(x)`: what `activation="relu"` adds to a layer."""

    def call(machine: Any, x: Any, *rest: Any, **options: Any) -> Any:
        tensors = tensors_in(machine, (x, *(one for one in rest if isinstance(one, Tensor))))
        record = keras.function(name) or Identity("linear")
        return of_record(machine, record, *tensors)

    return call


def of_each(name: str) -> Callable[..., Any]:
    """A function of each value alone, such as `tf.exp`."""

    def call(machine: Any, x: Any, *args: Any, **options: Any) -> Any:
        return elementwise.elementwise(name)(machine, x)

    return call


def merge(kind: str) -> Callable[..., Any]:
    """`layers.add([x, y])`, `tf.add(x, y)`; a number among them is arithmetic."""

    def call(machine: Any, *values: Any, **options: Any) -> Any:
        numbers = [one for one in values if isinstance(one, int | float)]
        if numbers and len(values) == 2:
            return elementwise.binary(machine, kind, *values)
        return of_record(machine, Merge(kind), *tensors_in(machine, values))

    return call


def concatenate(machine: Any, values: Any, axis_: Any = -1, **options: Any) -> Any:
    """Tensors behind each other: on the channels, or on one of the lengths."""
    each = tensors_in(machine, (values,))
    place = axis(machine, options.get("axis", axis_), len(each[0].shape))
    if len(each) == 1:
        return each[0]
    if place == 0:
        return by_shape("concat", indexing.cat)(machine, each, 0)
    channels = place == len(each[0].shape) - 1
    return of_record(machine, Concat(0 if channels else place), *each)


def reshape(machine: Any, x: Any, shape: Any, **options: Any) -> Any:
    """`tf.reshape(x, (-1, 4, 4, 8))`: a reshape of each image, as far as the batch is left."""
    (x,) = tensors_in(machine, (x,))
    sizes = [-1 if one is None else one for one in machine.listed(shape)]
    gives = by_shape("reshape", shape_ops.reshape)(machine, Tensor(outer(x)), tuple(sizes))
    wanted = sizes_of(machine, (tuple(sizes),))
    if len(wanted) > 1 and gives.shape[0] == 1:
        return of_record(machine, Reshape(inner((1, *wanted[1:]))[1:]), x)
    return by_shape("reshape", shape_ops.reshape)(machine, x, tuple(sizes))


def reduction(type_: str, kind: str = "") -> Callable[..., Any]:
    """A value out of many along some axes; over all lengths, a global pool."""

    def call(machine: Any, x: Any, axis_: Any = None, keepdims: Any = False, **options: Any) -> Any:
        (x,) = tensors_in(machine, (x,))
        over, kept = options.get("axis", axis_), bool(options.get("keep_dims", keepdims))
        rank = len(x.shape)
        lengths = list(range(1, rank - 1))
        if kind and lengths and over is not None and sorted(axes(machine, over, rank)) == lengths:
            return of_record(machine, AdaptivePool(kind, (1,) * len(lengths), not kept), x)
        return by_shape(type_, reductions.reduction(type_))(machine, x, over, kept)

    return call


def pad(machine: Any, x: Any, paddings: Any, mode: Any = "CONSTANT", *_: Any, **__: Any) -> Any:
    """`tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])`."""
    (x,) = tensors_in(machine, (x,))
    pairs = [tuple(sizes_of(machine, (one,))) for one in machine.listed(paddings)]
    if len(pairs) != len(x.shape) or any(map(any, (pairs[0], pairs[-1]))):
        raise Halt("a pad of batch or channels is not read here")
    border = {"REFLECT": "reflect", "SYMMETRIC": "symmetric"}.get(str(mode).upper(), "constant")
    return of_record(machine, Pad(tuple((a, b) for a, b in pairs[1:-1]), border), x)


def resize(machine: Any, x: Any, size: Any, method: Any = "bilinear", **options: Any) -> Any:
    """`tf.image.resize(x, (64, 64))`."""
    (x,) = tensors_in(machine, (x,))
    how = "linear" if method in ("bilinear", "linear") else str(method)
    return of_record(machine, Upsample((), tuple(sizes_of(machine, (size,))), how), x)


def product(machine: Any, left: Any, right: Any, **options: Any) -> Any:
    """`tf.matmul(x, w)`, of the shapes as the text has them."""
    each = tensors_in(machine, (left, right))
    turned = [options.get(name, False) for name in ("transpose_a", "transpose_b")]
    shapes = [
        (*shape[:-2], *reversed(shape[-2:])) if turn else shape
        for shape, turn in zip(map(outer, each), turned, strict=True)
    ]
    plain = [Tensor(shape) for shape in shapes]
    gives = inner(matmul.matmul(machine, *plain).shape)
    work = 1
    for length in (*shapes[0], shapes[1][-1]):
        work *= length
    machine.tape.products -= work  # counted below, where it is one of activations
    return matmul.product(machine, "matmul", each, gives, work)


def shape_of(machine: Any, x: Any, **options: Any) -> Any:
    """`tf.shape(x)`, for one image."""
    machine.looked()
    return tuple(outer(x))


def transpose(machine: Any, x: Any, perm: Any = None, axes: Any = None, **options: Any) -> Any:
    order = perm if perm is not None else axes
    if order is None:
        return by_shape("transpose", shape_ops.transposed)(machine, x)
    return by_shape("transpose", shape_ops.permute)(machine, x, tuple(machine.listed(order)))


def split(machine: Any, x: Any, many: Any, axis_: Any = 0, **options: Any) -> Any:
    """`tf.split(x, 2, axis=-1)`: so many pieces, or pieces of these sizes."""
    (x,) = tensors_in(machine, (x,))
    place = axis(machine, options.get("axis", axis_), len(x.shape))
    if isinstance(many, list | tuple):
        return by_shape("split", indexing.split)(machine, x, list(many), place)
    length, pieces = outer(x)[place], whole(machine, many)
    if pieces < 1 or length % pieces:
        raise Halt(f"an axis of {length} does not split into {pieces} equal pieces")
    return by_shape("split", indexing.split)(machine, x, length // pieces, place)


def named(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of shapes, with TensorFlow's names of its options."""
    work = by_shape(name, function)

    def call(machine: Any, *args: Any, **options: Any) -> Any:
        return work(machine, *args, **_options(options))

    return call


def _unchanged(machine: Any, x: Any, *_: Any, **__: Any) -> Any:
    return x


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: of_each(name) for name in VALUES},
    **{name: activation(name) for name in keras.FUNCTIONS},
    "lrelu": activation("leaky_relu"),
    **{kind: merge(kind) for kind in ("add", "subtract", "multiply", "average")},
    **{kind: merge(kind) for kind in ("maximum", "minimum")},
    "concatenate": concatenate,
    "concat": concatenate,
    "flatten": lambda machine, x, **_: of_record(machine, Reshape(), *tensors_in(machine, (x,))),
    "reshape": reshape,
    "pad": pad,
    "resize": resize,
    "matmul": product,
    "shape": shape_of,
    "int_shape": shape_of,
    "transpose": transpose,
    "permute_dimensions": transpose,
    "split": split,
    "squeeze": named("squeeze", shape_ops.squeeze),
    "expand_dims": named("expand_dims", shape_ops.unsqueeze),
    "stack": named("stack", indexing.stack),
    "unstack": named("unstack", indexing.unbind),
    "tile": named("tile", shape_ops.tile),
    **{f"{before}{name}": reduction(name, kind) for before in ("", "reduce_") for name, kind in (
        ("mean", "average"), ("max", "max"), ("sum", ""), ("min", ""), ("prod", ""), ("std", ""),
    )},
    **dict.fromkeys(("dropout", "identity", "stop_gradient", "cast", "convert_to_tensor"), first),
}  # fmt: skip
"""What functions of tensors do, by name."""

NATIVES = natives(FUNCTIONS)
