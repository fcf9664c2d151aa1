"""Tensors of Keras: channels last for the text, channels first in the network."""

from collections.abc import Sequence
from functools import partial

from convcli.callsyntax import brief
from convcli.errors import UnfitError
from convcli.nets.graph import Leaf
from convcli.nets.layers import Concat, Layer, Merge, Misfit, Shape
from convcli.nets.layers.sequences import Attention
from convcli.nets.readers.python.language.objects import (
    NativeFunction,
    ProgramException,
    ReadError,
    ShapeMismatch,
    Tensor,
    TensorFunction,
    Unknown,
    Value,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.torch import elementwise, indexing, matmul
from convcli.nets.readers.python.torch.tensor_args import append_operation, to_tensor

SECOND_INPUT = "a second input"
"""The name of the second `keras.Input` of a text."""

JOINS = ("add", "subtract", "multiply")
"""Operators between tensors that are layers of their own."""


def text_shape(x: Tensor) -> Shape:
    """The complete shape of a tensor in the order of its text: batch, lengths, channels."""
    return (*x.shape[:1], *x.shape[2:], *x.shape[1:2]) if x.channels_last else x.shape


def network_shape(shape: Shape) -> Shape:
    """The same in the order of the network: batch, channels, lengths."""
    return (*shape[:1], *shape[-1:], *shape[1:-1]) if len(shape) > 1 else shape


def tensors_in(values: Sequence[Value]) -> list[Tensor]:
    """The tensor arguments of a call, one by one or in lists."""
    tensors: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            tensors.append(value)
        elif isinstance(value, list | tuple):
            tensors += tensors_in(value)
        elif isinstance(value, Unknown) and value.text == SECOND_INPUT:
            text = (
                "a second input without all its sizes is not read here; give its shape in the text"
            )
            raise ReadError(text, value.where)
        else:
            tensors.append(to_tensor(value))
    if not tensors:
        raise ProgramException("TypeError", "a layer is called on nothing")
    return tensors


def apply(interpreter: Interpreter, leaf: Leaf, tensors: Sequence[Tensor]) -> Tensor:
    """A layer on one image, or one that joins several. Raises ShapeMismatch."""
    record = leaf.layer
    if len(tensors) > 1 and not isinstance(record, Merge | Concat | Attention):
        raise ReadError(f"{record.type} is called on {len(tensors)} tensors")
    tensors = [x if x.channels_last else _channels_first(x) for x in tensors]
    shapes = [x.shape[1:] or (1,) for x in tensors]
    try:
        output = record.measure(*shapes).output
    except Misfit as misfit:
        # the summary of the network reports the input it received
        output = misfit.corrected.measure(*shapes).output
    except UnfitError as misfit:
        interpreter.recorder.append(record, tensors, tensors[0].shape, leaf=leaf)
        raise ShapeMismatch(str(misfit)) from None
    return interpreter.recorder.append(record, tensors, (1, *output), leaf=leaf)


def apply_record(
    interpreter: Interpreter, record: Layer, *tensors: Tensor, name: Value = None
) -> Tensor:
    """A layer without a class: `tf.nn.relu(x)`, `layers.add([x, y], name="sum")`."""
    path = f"{interpreter.recorder.scope}{name}" if isinstance(name, str) else ""
    return apply(interpreter, Leaf(record, path, interpreter.location()), tensors)


def _channels_first(x: Tensor) -> Tensor:
    """A constant of the text, in the network's axis order."""
    turned = Tensor(network_shape(x.shape), x.node, x.trained, x.values)
    turned.owner, turned.learned, turned.channels_last = x.owner, x.learned, True
    return turned


def by_shape(
    name: str, function: NativeFunction, /, interpreter: Interpreter, *args: Value, **options: Value
) -> Value:
    """A PyTorch function of shapes in the order of the text, as one node."""
    tensors: list[Tensor] = []
    stand_ins: list[Tensor] = []

    def stand_in(value: Value) -> Value:
        if isinstance(value, list):
            return [stand_in(item) for item in value]
        if isinstance(value, tuple):
            return tuple(stand_in(item) for item in value)
        if not isinstance(value, Tensor):
            return value
        tensors.append(value)
        stand_ins.append(Tensor(text_shape(value), values=value.values))
        return stand_ins[-1]

    def with_node(value: Value) -> Value:
        if isinstance(value, list | tuple):
            return tuple(with_node(item) for item in value)
        if not isinstance(value, Tensor):
            return value
        same = (tensor for own, tensor in zip(stand_ins, tensors, strict=True) if value is own)
        shape = network_shape(value.shape)
        return next(same, None) or append_operation(interpreter, name, tensors, shape)

    values = [stand_in(value) for value in args]
    named = {key: stand_in(value) for key, value in options.items()}
    return with_node(function(interpreter, *values, **named))


def product(
    type_: str, function: TensorFunction, /, interpreter: Interpreter, *args: Value
) -> Tensor:
    """A product in the order of the text: `x @ w`, `ops.einsum("bhw,wc->bhc", x, w)`."""
    tensors = [value for value in args if isinstance(value, Tensor)]
    stand_ins = [
        Tensor(text_shape(value)) if isinstance(value, Tensor) else value for value in args
    ]
    recorder = interpreter.recorder
    before = recorder.activation_macs
    output = function(interpreter, *stand_ins).shape
    macs, recorder.activation_macs = recorder.activation_macs - before, before
    return matmul.product(interpreter, type_, tensors, network_shape(output), macs)


def binary(interpreter: Interpreter, operator: str, left: Value, right: Value) -> Value:
    """`x + y` and similar operators."""
    if not (isinstance(left, Tensor) and isinstance(right, Tensor)):
        return elementwise.binary(interpreter, operator, left, right)
    if operator == "matmul":
        return product("matmul", matmul.matmul, interpreter, left, right)
    alike = left.channels_last and right.channels_last and len(left.shape) == len(right.shape)
    if operator in JOINS and alike:
        return apply_record(interpreter, Merge(operator), left, right)
    return by_shape(operator, partial(elementwise.two, operator), interpreter, left, right)


def get_item(interpreter: Interpreter, x: Tensor, index: Value) -> Tensor:
    """`x[:, 0]`."""
    return to_tensor(by_shape("slice", indexing.get_item, interpreter, x, index))


def attribute(interpreter: Interpreter, x: Tensor, name: str) -> Value:
    """`x.shape`, whose batch is not known."""
    if name == "shape":
        interpreter.recorder.size_dependent = True
        return (None, *text_shape(x)[1:])
    if name == "ndim":
        return len(x.shape)
    if name in ("dtype", "name"):
        return Unknown(f"the {name} of a tensor", harmless=True)
    raise ProgramException("AttributeError", f"a tensor's {brief(name)} is not known here")
