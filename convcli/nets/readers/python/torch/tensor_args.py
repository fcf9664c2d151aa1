"""Shared by functions of tensors: nodes for their operations, and checks of their arguments."""

from collections.abc import Sequence

from convcli.nets.graph import Leaf
from convcli.nets.layers import Layer, Shape
from convcli.nets.layers.tensor_ops import Operation
from convcli.nets.readers.python.language.conversions import describe
from convcli.nets.readers.python.language.objects import (
    ProgramException,
    ShapeMismatch,
    Tensor,
    Value,
    check_known,
)
from convcli.nets.readers.python.language.protocol import Interpreter


def append_node(
    interpreter: Interpreter, record: Layer, inputs: Sequence[Tensor], output: Shape
) -> Tensor:
    """Append the node of a record, with the location of the call that is evaluated."""
    return interpreter.recorder.append(record, inputs, tuple(output), interpreter.location())


COMPUTED = {
    *("permute", "transpose", "slice", "split", "chunk", "select", "expand", "repeat", "concat"),
    *("stack", "matmul", "einsum", "mean", "sum", "max", "min", "std", "var", "prod"),
    "grid_sample",
}
"""Operations whose records have all arguments for their values; others are known by sizes."""


def append_operation(
    interpreter: Interpreter,
    type_: str,
    inputs: Sequence[Tensor],
    output: Shape,
    *values: Value,
    macs: int = 0,
) -> Tensor:
    """Append the node of an Operation, which is valid for these shapes alone."""
    shapes = tuple(tensor.shape for tensor in inputs)
    # a text with channels last numbers its axes differently
    runs = type_ in COMPUTED and not any(tensor.channels_last for tensor in inputs)
    record = Operation(type_, shapes, tuple(output), values, macs, runs)
    return append_node(interpreter, record, inputs, output)


def apply_layer(interpreter: Interpreter, record: Layer, x: Value, *others: Tensor) -> Tensor:
    """Append the node of a layer that has no module: `F.max_pool2d(x, 2)`."""
    recorder = interpreter.recorder
    leaf = Leaf(record, "", interpreter.location(), (), recorder.function)
    return recorder.apply(leaf, to_tensor(x), others)


def fill(interpreter: Interpreter, x: Tensor, value: Value) -> None:
    """`x[…] = y`: the same shape, with values of both."""
    check_known(value)
    if isinstance(value, Tensor) and (value.node or value.trained):
        x.node = append_operation(interpreter, "fill", [x, value], x.shape).node
    x.values = None


def to_tensor(value: Value) -> Tensor:
    """The value, which must be a tensor."""
    if isinstance(value, Tensor):
        return value
    check_known(value)
    raise ProgramException("TypeError", f"{describe(value)} is given where a tensor belongs")


def to_integer(value: Value, name: str = "a size") -> int:
    """The value, which must be an integer; 2.0 and a tensor of one number are accepted."""
    if isinstance(value, Tensor) and value.number is not None:
        value = value.number
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    check_known(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ProgramException("TypeError", f"{name} is a whole number, not {describe(value)}")
    return value


def axis(value: Value, rank: int) -> int:
    """An axis from 0; negative ones count from the end."""
    index = to_integer(value, "an axis")
    if not -rank <= index < rank:
        raise ShapeMismatch(f"axis {index} of a tensor of {rank} axes")
    return index % rank


def axes(value: Value, rank: int) -> list[int]:
    """One axis or several; None for all."""
    if value is None:
        return list(range(rank))
    return [axis(item, rank) for item in (value if isinstance(value, tuple | list) else (value,))]


def to_sizes(sizes: Sequence[Value]) -> list[int]:
    """Sizes given one by one or as one sequence."""
    return [to_integer(size) for size in unpacked(sizes)]


def unpacked(values: Sequence[Value]) -> Sequence[Value]:
    """Values given one by one or as one sequence."""
    if len(values) == 1 and isinstance(values[0], tuple | list):
        return values[0]
    return values
