"""The element type of an operator's output, for tensors that depend on the input.

Sizes do not need it, and values are always computed as float32; but integers round differently.
"""

from convcli.nets.readers.onnx.call import Call
from convcli.nets.readers.onnx.model_file import ELEMENT_TYPES

GIVEN = {
    **dict.fromkeys(
        ("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or", "Xor"), "bool"
    ),
    **dict.fromkeys(("Not", "IsNaN", "IsInf"), "bool"),
    **dict.fromkeys(("ArgMax", "ArgMin", "Shape", "Size"), "int64"),
    "DequantizeLinear": "float32",
}
"""Operators whose results have one type, whatever they read."""

FURTHER = {"TopK": "int64", "MaxPool": "int64", "Dropout": "bool"}
"""Types of a second output."""

FOLLOWED = {"Where": 1, "CastLike": 1, "QuantizeLinear": 2}
"""The input whose type the result has, if it is not the first."""


def result_type(call: Call, place: int) -> str:
    """The type of an output; "" where it is not known."""
    operator = call.node.operator
    if place and operator in FURTHER:
        return FURTHER[operator]
    if operator == "Cast":
        return ELEMENT_TYPES.get(call.integer("to", 1), "")
    source = FOLLOWED.get(operator, 0)
    default = "uint8" if operator == "QuantizeLinear" else ""
    return GIVEN.get(operator) or (call.x(source).type if call.has(source) else default)
