"""Elementwise functions, of one tensor and of two, and functions composed of them."""

import ast
import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from convcli.callsyntax import brief
from convcli.errors import UnfitError
from convcli.nets.layers import Activation, activations
from convcli.nets.layers.tensor_ops import Broadcast, Scalar, broadcast
from convcli.nets.readers.python.language.conversions import describe
from convcli.nets.readers.python.language.objects import (
    NativeFunction,
    ProgramException,
    ReadError,
    ShapeMismatch,
    Tensor,
    TensorFunction,
    Value,
    check_known,
)
from convcli.nets.readers.python.language.operators import BINARY, COMPARISONS, compare, operate
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.torch.indexing import chunk
from convcli.nets.readers.python.torch.tensor_args import (
    append_node,
    append_operation,
    axes,
    axis,
    to_integer,
    to_sizes,
    to_tensor,
)

ARITHMETIC: dict[str, type[ast.operator]] = {row[0]: op for op, row in BINARY.items()}
COMPARED: dict[str, type[ast.cmpop]] = {row[0]: op for op, row in COMPARISONS.items()}
"""Operators by their names on tensors."""


# -- of one tensor --------------------------------------------------------------------------


def elementwise(
    name: str, /, interpreter: Interpreter, x: Value, *args: Value, **options: Value
) -> Tensor:
    """A function of each value alone."""
    x = Tensor((), values=[x]) if isinstance(x, int | float) else to_tensor(x)
    if x.values is not None:
        interpreter.tick(len(x.values))
        return Tensor(x.shape, values=None if args else _of_each(name, x.values))
    return append_node(interpreter, Activation(name), [x], x.shape)


def activation(function: str) -> TensorFunction:
    """An activation function with the values it takes: `F.elu(x, 0.5)`, `F.softmax(x, dim=1)`."""
    build = activations.function(function)

    def call(interpreter: Interpreter, x: Value, *args: Value, **options: Value) -> Tensor:
        if not isinstance(x, Tensor) or x.values is not None:
            return elementwise(function, interpreter, x, *args, **options)
        return append_node(interpreter, build(*args, **options), [x], x.shape)

    return call


OF_NUMBERS: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": math.log,
    "log2": math.log2,
    "sqrt": math.sqrt,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "abs": abs,
    "neg": lambda number: -number,
    "int": int,
    "long": int,
    "square": lambda number: number * number,
}
"""Functions that are computed for constants with known numbers."""


def _of_each(name: str, numbers: Sequence[float]) -> list[float] | None:
    if name not in OF_NUMBERS:
        return None
    try:
        return [OF_NUMBERS[name](number) for number in numbers]
    except (ArithmeticError, ValueError):
        return None


def dropout(
    name: str, /, interpreter: Interpreter, x: Value, p: Value = 0.5, *_: Value, **options: Value
) -> Value:
    """A function that zeroes values only in training: `F.dropout(x, 0.5)`."""
    if p != 0:
        interpreter.recorder.passed_over.append(name)
    return x


def leaky_relu(
    interpreter: Interpreter,
    x: Value,
    negative_slope: Value = 0.01,
    *_: Value,
    **options: Value,
) -> Tensor:
    x = to_tensor(x)
    return append_node(interpreter, activations.torch_leaky_relu(negative_slope), [x], x.shape)


def rrelu(
    interpreter: Interpreter,
    x: Value,
    lower: Value = 1 / 8,
    upper: Value = 1 / 3,
    *_: Value,
    **options: Value,
) -> Tensor:
    x = to_tensor(x)
    return append_node(interpreter, activations.rrelu(lower, upper), [x], x.shape)


def glu(interpreter: Interpreter, x: Value, dim: Value = -1) -> Tensor:
    """`F.glu`: the first half of an axis, times the sigmoid of the second."""
    x = to_tensor(x)
    length = x.shape[axis(dim, len(x.shape))]
    if length % 2:
        raise ShapeMismatch(f"glu halves an axis, which is of {length}")
    first, second = chunk(interpreter, x, 2, dim)
    return combine(interpreter, "multiply", first, elementwise("sigmoid", interpreter, second))


def diff(interpreter: Interpreter, x: Value, n: Value = 1, dim: Value = -1, **_: Value) -> Tensor:
    x = to_tensor(x)
    along, times = axis(dim, len(x.shape)), to_integer(n)
    if x.values is not None and len(x.shape) == 1 and times == 1:
        steps = [after - before for before, after in pairwise(x.values)]
        return Tensor((len(steps),), values=steps)
    output = tuple(
        max(length - times, 0) if index == along else length for index, length in enumerate(x.shape)
    )
    return append_operation(interpreter, "diff", [x], output, times, along)


def to_whole(interpreter: Interpreter, x: Value, *_: Value) -> Value:
    """`x.int()`: the same shape."""
    if isinstance(x, Tensor) and x.values is not None:
        return Tensor(x.shape, values=_of_each("int", x.values))
    if isinstance(x, Tensor) and x.node:
        cut = Tensor(x.shape, x.node)
        cut.learned, cut.stand_in = x.learned, "a tensor that is cut to integers"
        return cut
    return x


def one_hot(interpreter: Interpreter, x: Value, num_classes: Value = -1) -> Tensor:
    x, classes = to_tensor(x), to_integer(num_classes)
    if classes < 1:
        raise ReadError("one_hot without its number of classes depends on the values of a tensor")
    return append_operation(interpreter, "one_hot", [x], (*x.shape, classes), classes)


def normalize(interpreter: Interpreter, x: Value, *args: Value, **options: Value) -> Tensor:
    x = to_tensor(x)
    return append_operation(interpreter, "normalize", [x], x.shape)


def fourier(
    name: str,
    interpreter: Interpreter,
    x: Value,
    s: Value = None,
    dim: Value = None,
    norm: Value = None,
    n: Value = None,
) -> Tensor:
    """`torch.fft`: the same shape, but for real transforms, which halve the last of their axes.

    Sizes, `n=` or `s=`, are those to which values are cut or padded, and of `irfft` the result's.
    """
    kind, _, many = name.partition("fft")
    x = to_tensor(x)
    sizes = s if s is not None else n
    lengths = to_sizes([sizes]) if sizes is not None else []
    if dim is not None:
        indices = axes(dim, len(x.shape))
    else:
        count = {"": 1, "2": 2}.get(many, len(lengths or x.shape))
        indices = axes(None, len(x.shape))[-count:]
    if lengths and len(lengths) != len(indices):
        raise ShapeMismatch(f"{len(lengths)} sizes of {name} along {len(indices)} axes")
    output = [*x.shape]
    for index, length in zip(indices, lengths, strict=False):
        output[index] = length if length != -1 else output[index]
    last = indices[-1]
    if kind == "r":
        output[last] = output[last] // 2 + 1
    elif kind == "ir" and not (lengths and lengths[-1] != -1):
        output[last] = 2 * (output[last] - 1)
    values = (tuple(lengths), tuple(indices)) if lengths or dim is not None else ()
    return append_operation(interpreter, name, [x], tuple(output), *values)


FOURIER: dict[str, NativeFunction] = {
    f"{kind}fft{axes}": partial(fourier, f"{kind}fft{axes}")
    for kind in ("", "i", "r", "ir")
    for axes in ("", "2", "n")
}
FOURIER |= dict.fromkeys(("fftshift", "ifftshift"), lambda interpreter, x, *_, **__: x)
"""The names of `torch.fft`."""


def as_complex(interpreter: Interpreter, x: Value) -> Tensor:
    x = to_tensor(x)
    if x.shape[-1:] != (2,):
        raise ShapeMismatch(f"view_as_complex of {brief(x.shape)}, whose last axis is not of 2")
    return append_operation(interpreter, "view_as_complex", [x], x.shape[:-1])


# -- of two tensors and more ----------------------------------------------------------------


def binary(interpreter: Interpreter, word: str, left: Value, right: Value) -> Value:
    """Arithmetic of tensors, or of a tensor and a number, by the operator's name on tensors."""
    check_known(left, right)
    numbers = number_of(left), number_of(right)
    if numbers[0] is not None and numbers[1] is not None:
        return Tensor((), values=[_of_two(interpreter, word, numbers[0], numbers[1])])
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return combine(interpreter, word, left, right)
    tensor, other = (left, right) if isinstance(left, Tensor) else (to_tensor(right), left)
    if isinstance(other, bool | int | float):
        if tensor.values is not None:
            interpreter.tick(len(tensor.values))
            pairs = [(own, other) if tensor is left else (other, own) for own in tensor.values]
            values = [_of_two(interpreter, word, *pair) for pair in pairs]
            return Tensor(tensor.shape, values=values)
        record = Scalar(word, float(other), tensor is right)
        return append_node(interpreter, record, [tensor], tensor.shape)
    if other is None or isinstance(other, str):
        return word == "ne"
    raise ProgramException("TypeError", f"{describe(other)} and a tensor do not {word}")


def combine(interpreter: Interpreter, word: str, left: Tensor, right: Tensor) -> Tensor:
    """Arithmetic of two tensors, value by value."""
    if left.values is not None and right.values is not None:
        shape = broadcast(word, left.shape, right.shape)
        count = max(len(left.values), len(right.values))
        interpreter.tick(count)
        pairs = zip(_repeated(left.values, count), _repeated(right.values, count), strict=True)
        return Tensor(shape, values=[_of_two(interpreter, word, a, b) for a, b in pairs])
    try:
        output = broadcast(word, left.shape, right.shape)
    except UnfitError as misfit:
        append_node(interpreter, Broadcast(word), [left, right], left.shape)
        raise ShapeMismatch(str(misfit)) from None
    return append_node(interpreter, Broadcast(word), [left, right], output)


def _repeated(numbers: Sequence[float], count: int) -> list[float]:
    return [*numbers] * (count // max(len(numbers), 1))


def number_of(value: Value) -> float | None:
    """A number, or that of a tensor without axes; None for anything else."""
    if isinstance(value, Tensor):
        return None if value.shape else value.number
    return value if isinstance(value, int | float) else None


def _of_two(interpreter: Interpreter, word: str, left: float, right: float) -> float:
    if word in ARITHMETIC:
        result = operate(interpreter, ARITHMETIC[word], left, right)
    elif word in COMPARED:
        result = compare(interpreter, COMPARED[word], left, right)
    else:
        result = None
    if not isinstance(result, int | float):
        raise ReadError(f"{word} of single values is not read here")
    return result


def two(
    word: str, /, interpreter: Interpreter, left: Value, right: Value, *_: Value, **options: Value
) -> Value:
    """`torch.add(x, y)` and similar functions."""
    factor, rounding = options.get("alpha", 1), options.get("rounding_mode")
    if factor != 1:
        right = binary(interpreter, "multiply", right, factor)
    return binary(interpreter, f"{rounding}_{word}" if rounding else word, left, right)


def together(word: str, /, interpreter: Interpreter, *values: Value, **options: Value) -> Tensor:
    """A function of several tensors value by value; numbers among them change no shape."""
    tensors = [value for value in (*values, *options.values()) if isinstance(value, Tensor)]
    if len(values) + len(options) < 2:
        raise ReadError(f"{word} of a condition alone depends on the values of a tensor")
    output = broadcast(word, *(tensor.shape for tensor in tensors))
    return append_node(interpreter, Broadcast(word), tensors, output)
