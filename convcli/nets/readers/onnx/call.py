"""One operator: its node in the file, the values of its inputs, and its attributes."""

from collections.abc import Callable, Sequence
from typing import TypeGuard

from convcli.errors import SpecError
from convcli.nets.layers import Layer, Shape
from convcli.nets.readers.onnx.model_file import ELEMENT_TYPES, AttributeValue, NodeFile
from convcli.nets.readers.tensor_graph import Halt, TensorGraph, Traced, Value, weight_owner
from convcli.nets.stored_arrays import StoredArray
from convcli.records import NamedTuple
from convcli.text import safe

GIVEN = {
    **dict.fromkeys(("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"), "bool"),
    **dict.fromkeys(("And", "Or", "Xor", "Not", "IsNaN", "IsInf"), "bool"),
    **dict.fromkeys(("ArgMax", "ArgMin", "Shape", "Size"), "int64"),
    "DequantizeLinear": "float32",
}
"""Operators whose results have one type, whatever they read."""

FURTHER = {"TopK": "int64", "MaxPool": "int64", "Dropout": "bool"}
"""Types of a second output."""

FOLLOWED = {"Where": 1, "CastLike": 1, "QuantizeLinear": 2}
"""The input whose type the result has, if it is not the first."""


class Call(NamedTuple):
    """An operator with its inputs; None is an omitted input."""

    node: NodeFile
    inputs: tuple[Value | None, ...]
    graph: TensorGraph
    opset: int
    absorbed: set[str]
    """Outputs to which the addition that follows has been applied."""
    name: str = ""
    """Its module: `layer1.0.conv1` if it is alone there, else `layer1.0/`."""
    following: StoredArray | None = None
    """The array that the only consumer of its output adds to it."""

    def has(self, index: int) -> bool:
        return index < len(self.inputs) and self.inputs[index] is not None

    def x(self, index: int = 0) -> Value:
        """A required input."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if value is None:
            raise Halt(f"{safe(self.node.operator)} lacks its input {index + 1}")
        return value

    def shape(self, index: int = 0) -> Shape:
        return self.x(index).shape

    def axis(self, default: int, index: int = 0) -> int:
        """The attribute `axis`, counted from the first axis."""
        return self.normal(self.integer("axis", default), len(self.shape(index)))

    def normal(self, axis: int, rank: int) -> int:
        """An axis, counted from the first."""
        if not -rank <= axis < max(rank, 1):
            raise Halt(f"{safe(self.node.operator)}: axis {axis} of a tensor of {rank} axes")
        return axis % rank if rank else 0

    def array(self, index: int) -> StoredArray:
        """An input that is an array of the file."""
        value = self.x(index)
        if isinstance(value, Traced):
            raise Halt(
                f"{safe(self.node.operator)} by values that are computed while it runs is not read"
            )
        return value

    def weight(self, index: int) -> StoredArray | None:
        """An input that is an array of the file; None for any other."""
        value = self.inputs[index] if index < len(self.inputs) else None
        return value if isinstance(value, StoredArray) else None

    def numbers(self, index: int) -> list[float]:
        """The numbers of an input that is small and known. Raises Halt for any other."""
        values = self.array(index).values()
        if values is None:
            raise Halt(f"{safe(self.node.operator)} needs numbers that are not in the file")
        return values

    def integers(self, name: str, index: int = -1) -> list[int] | None:
        """Integers of an attribute, or of the input that newer versions of the operator have."""
        values = self.floats(name, index)
        return None if values is None else list(map(int, values))

    def floats(self, name: str, index: int = -1) -> list[float] | None:
        """Numbers of an attribute, or of an input."""
        if index >= 0 and self.has(index):
            return self.numbers(index)
        attribute = self.node.attributes.get(name)
        if isinstance(attribute, int | float):
            return [attribute]
        return [*attribute] if _listed(attribute) else None

    def integer(self, name: str, default: int) -> int:
        attribute = self.node.attributes.get(name, default)
        if not isinstance(attribute, int):
            raise Halt(f"{safe(self.node.operator)}: {name} is not an integer")
        return attribute

    def number(self, name: str, default: float) -> float:
        attribute = self.node.attributes.get(name, default)
        if not isinstance(attribute, int | float):
            raise Halt(f"{safe(self.node.operator)}: {name} is not a number")
        return attribute

    def text(self, name: str, default: str) -> str:
        attribute = self.node.attributes.get(name, default)
        if not isinstance(attribute, str):
            raise Halt(f"{safe(self.node.operator)}: {name} is not text")
        return attribute

    def layer(self, record: Layer, x: Value | None = None, **arrays: StoredArray | None) -> Traced:
        """Append a layer on x, by default the first input, with its arrays by role.

        It has the name in those of its arrays, or else that of the operator's module.
        """
        owners = (weight_owner(array.name) for array in arrays.values() if array is not None)
        name = next(filter(None, owners), self.name)
        return self.graph.layer(record, self.x() if x is None else x, name, arrays)

    def operation(self, type_: str, output: Shape, *values: object) -> Traced:
        """Append an operation on the first input."""
        return self.graph.operation(type_, [self.x()], output, *values, name=self.name)

    def elementwise(self, type_: str, *values: object) -> Traced:
        """Append a function of each value of the first input."""
        return self.graph.elementwise(type_, self.x(), *values, name=self.name)

    def type_attribute(self, default: str = "") -> str:
        """The element type of a Cast."""
        return ELEMENT_TYPES.get(self.integer("to", 1), default)

    def result_type(self, index: int) -> str:
        """The element type of an output, which decides how integers round; "" if it is unknown."""
        operator = self.node.operator
        if index and operator in FURTHER:
            return FURTHER[operator]
        if operator == "Cast":
            return self.type_attribute()
        source = FOLLOWED.get(operator, 0)
        default = "uint8" if operator == "QuantizeLinear" else ""
        return GIVEN.get(operator) or (self.x(source).type if self.has(source) else default)

    def refuse(self, why: str) -> SpecError:
        return Halt(f"{safe(self.node.operator)}: {why}")


def _listed(attribute: AttributeValue) -> TypeGuard[tuple[float, ...]]:
    """Whether an attribute is numbers."""
    return (
        isinstance(attribute, tuple)
        and not isinstance(attribute, StoredArray)
        and all(isinstance(value, int | float) for value in attribute)
    )


Results = Value | Sequence[Value | None]
Operator = Callable[[Call], Results]
"""The result of an operator: one value, or one per output."""
