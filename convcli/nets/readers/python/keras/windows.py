"""Functions of windows over maps in `tensorflow` and `keras.ops`: pads, pools, convolutions."""

from math import prod

from convcli.borders import BorderName
from convcli.callsyntax import brief
from convcli.nets.layers import Conv, Pad, PoolKind, Upsample
from convcli.nets.layers.tensor_ops import Free
from convcli.nets.readers.python.keras.tensors import apply_record, text_shape
from convcli.nets.readers.python.language.conversions import to_list
from convcli.nets.readers.python.language.objects import ReadError, ShapeMismatch, Tensor, Value
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.torch.tensor_args import (
    append_node,
    append_operation,
    to_integer,
    to_sizes,
    to_tensor,
)
from convcli.nets.readers.vocabulary import keras

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


def check_layout(data_format: Value) -> None:
    """Refuse channels first, which no shape of these functions is read with."""
    if str(data_format).upper() in ("CHANNELS_FIRST", "NCW", "NCHW", "NCDHW", "NCHW_VECT_C"):
        raise ReadError(f"data_format={data_format!r:.40} is not read here; write channels last")


def of_lengths(interpreter: Interpreter, value: Value, lengths: int) -> Value:
    """Sizes of windows, of which TensorFlow may write one for the batch and the channels too."""
    if isinstance(value, list | tuple) and len(value) == lengths + 2:
        return tuple(to_list(interpreter, value)[1:-1])
    return value


POOLS: dict[str, PoolKind] = {"max_pool": "max", "average_pool": "average", "avg_pool": "average"}


def pool(
    kind: PoolKind,
    /,
    interpreter: Interpreter,
    x: Value,
    pool_size: Value = None,
    strides: Value = None,
    padding: Value = "valid",
    data_format: Value = None,
    *_: Value,
    **options: Value,
) -> Tensor:
    """`ops.max_pool(x, 2)`, `tf.nn.max_pool2d(x, ksize=2, strides=2, padding="SAME")`."""
    check_layout(data_format)
    x = to_tensor(x)
    lengths = len(x.shape) - 2
    size, steps = (
        of_lengths(interpreter, value, lengths)
        for value in (options.get("ksize", pool_size), strides)
    )
    record = keras.pool(kind, lengths, size, steps, str(padding).lower())
    return apply_record(interpreter, record, x)


def convolution(
    interpreter: Interpreter,
    x: Value,
    kernel: Value = None,
    strides: Value = 1,
    padding: Value = "valid",
    data_format: Value = None,
    dilation_rate: Value = 1,
    **options: Value,
) -> Tensor:
    """`ops.conv(x, kernel)`, `tf.nn.conv2d(x, filters, strides=2, padding="SAME")`."""
    check_layout(data_format)
    x, weight = to_tensor(x), to_tensor(options.get("filters", kernel))
    *sizes, channels, filters = text_shape(weight)
    lengths = len(x.shape) - 2
    if len(sizes) != lengths or x.shape[1] % channels or not isinstance(padding, str):
        shapes = f"{brief(text_shape(x))} by a kernel of {brief(text_shape(weight))}"
        raise ShapeMismatch(f"a convolution of {shapes}")
    record = keras.conv(
        lengths,
        filters,
        sizes,
        of_lengths(interpreter, strides, lengths),
        padding.lower(),
        None,
        of_lengths(interpreter, options.get("dilations", dilation_rate), lengths),
        x.shape[1] // channels,
        use_bias=False,
    )
    output = record.measure(x.shape[1:]).output
    return append_node(interpreter, Free(record), [x, weight], (1, *output))


def patches(
    interpreter: Interpreter,
    images: Value,
    size: Value = None,
    strides: Value = None,
    dilation_rate: Value = 1,
    padding: Value = "valid",
    **options: Value,
) -> Tensor:
    """`ops.image.extract_patches(x, 16)`: the values of each window as channels."""
    check_layout(options.get("data_format"))
    x = to_tensor(images)
    given = (options.get("sizes", size), strides, options.get("rates", dilation_rate))
    sizes, steps, rates = (of_lengths(interpreter, value, 2) for value in given)
    record = keras.conv(
        2,
        1,
        sizes,
        sizes if steps is None else steps,
        str(padding).lower(),
        None,
        rates,
        use_bias=False,
    )
    _, *lengths = record.measure(x.shape[1:]).output
    area = prod(record.kernel) if isinstance(record, Conv) else 1
    output = (1, x.shape[1] * area, *lengths)
    return append_operation(interpreter, "extract_patches", [x], output)


def blocks(
    type_: str, /, interpreter: Interpreter, x: Value, block_size: Value, **options: Value
) -> Tensor:
    """`tf.nn.depth_to_space(x, 2)` and `tf.nn.space_to_depth(x, 2)`."""
    check_layout(options.get("data_format"))
    x = to_tensor(x)
    channels, *lengths = x.shape[1:]
    block = max(to_integer(block_size), 1)
    if type_ == "space_to_depth":
        fits = not any(length % block for length in lengths)
        output = (1, channels * block**2, *(length // block for length in lengths))
    else:
        fits = not channels % block**2
        output = (1, channels // block**2, *(length * block for length in lengths))
    if not fits:
        raise ShapeMismatch(f"{type_} of {brief(text_shape(x))} by blocks of {block}")
    return append_operation(interpreter, type_, [x], output)
