"""Tensors of Keras: channels last for the text, channels first in the network."""

from collections.abc import Callable, Sequence
from typing import Any

from convcli.callsyntax import shown
from convcli.errors import UnfitError
from convcli.nets.graph import Leaf
from convcli.nets.layers import Concat, Merge, Misfit, Shape
from convcli.nets.readers.python.language.objects import Halt, Raised, Tensor, Unfit, Unknown
from convcli.nets.readers.python.torch import elementwise, indexing
from convcli.nets.readers.python.torch.tensor_args import operation

SECOND_INPUT = "a second input"
"""What the second `keras.Input` of a text is called."""


def outer(x: Tensor) -> Shape:
    """The whole shape of a tensor as its text has it: batch, lengths, channels."""
    if not x.channels_last:
        return x.shape
    return (*x.shape[:1], *x.shape[2:], *x.shape[1:2])


def inner(shape: Shape) -> Shape:
    """The same as the network has it: batch, channels, lengths."""
    return (*shape[:1], *shape[-1:], *shape[1:-1]) if len(shape) > 1 else shape


def tensors_in(machine: Any, values: Sequence[Any]) -> list[Tensor]:
    """The tensors that a call was given, one by one or in lists."""
    found: list[Tensor] = []
    for one in values:
        if isinstance(one, Tensor):
            found.append(one)
        elif isinstance(one, list | tuple):
            found += tensors_in(machine, one)
        elif isinstance(one, Unknown) and one.text == SECOND_INPUT:
            raise Halt("a second input is not read here; networks of one input are", one.where)
        elif isinstance(one, Unknown):
            raise machine.unknown(one)
        else:
            raise Raised("TypeError", f"{machine.describe(one)} is given where a tensor belongs")
    if not found:
        raise Raised("TypeError", "a layer is called on nothing")
    return found


def applied(machine: Any, leaf: Leaf, tensors: Sequence[Tensor]) -> Tensor:
    """A layer on one image, or one that joins several. Raises Unfit where the shapes do not go."""
    record: Any = leaf.layer
    if len(tensors) > 1 and not isinstance(record, Merge | Concat):
        raise Halt(f"{record.type} is called on {len(tensors)} tensors")
    tensors = [one if one.channels_last else _turned(one) for one in tensors]
    shapes = [one.shape[1:] or (1,) for one in tensors]
    try:
        gives = record.measure(*shapes).output
    except Misfit as misfit:
        # the walk over the network says what it met
        gives = misfit.corrected.measure(*shapes).output
    except UnfitError as misfit:
        machine.tape.put(record, tensors, tensors[0].shape, leaf=leaf)
        raise Unfit(str(misfit)) from None
    made: Tensor = machine.tape.put(record, tensors, (1, *gives), leaf=leaf)
    return made


def _turned(x: Tensor) -> Tensor:
    """A constant of the text, as the network has it."""
    made = Tensor(inner(x.shape), x.node, x.trained, x.values)
    made.owner, made.learned, made.channels_last = x.owner, x.learned, True
    return made


def of_record(machine: Any, record: Any, *tensors: Tensor) -> Tensor:
    """A layer that no class stands for: `tf.nn.relu(x)`."""
    return applied(machine, Leaf(record, "", machine.here()), tensors)


def by_shape(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that PyTorch's meaning gives for the shapes as the text has them, as a node."""

    def call(machine: Any, *args: Any, **options: Any) -> Any:
        given: list[Tensor] = []

        def plain(value: Any) -> Any:
            if isinstance(value, Tensor):
                given.append(value)
                copies.append(Tensor(outer(value), values=value.values))
                return copies[-1]
            if isinstance(value, list | tuple):
                return type(value)(map(plain, value))
            return value

        def made(value: Any) -> Any:
            if isinstance(value, Tensor):
                for copy, one in zip(copies, given, strict=True):
                    if value is copy:
                        return one
                return operation(machine, name, given, inner(value.shape))
            return tuple(map(made, value)) if isinstance(value, list | tuple) else value

        copies: list[Tensor] = []
        values = [plain(one) for one in args]
        named = {key: plain(one) for key, one in options.items()}
        return made(function(machine, *values, **named))

    return call


JOINS = {"add": "add", "subtract": "subtract", "multiply": "multiply"}
"""Operators between tensors that are layers of their own."""


def binary(machine: Any, word: str, left: Any, right: Any) -> Any:
    """`x + y` and its kin."""
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        alike = left.channels_last and right.channels_last and len(left.shape) == len(right.shape)
        if word in JOINS and alike:
            return of_record(machine, Merge(JOINS[word]), left, right)
        return by_shape(word, lambda machine, a, b: elementwise.binary(machine, word, a, b))(
            machine, left, right
        )
    return elementwise.binary(machine, word, left, right)


def item(machine: Any, x: Tensor, index: Any) -> Any:
    """`x[:, 0]`."""
    return by_shape("slice", indexing.item)(machine, x, index)


def attribute(machine: Any, x: Tensor, name: str) -> Any:
    """`x.shape`, whose batch is not known."""
    if name in ("shape", "_keras_shape"):
        machine.looked()
        return (None, *outer(x)[1:])
    if name in ("ndim", "rank"):
        return len(x.shape)
    if name == "name":
        return x.node
    if name == "dtype":
        return Unknown("the dtype of a tensor", harmless=True)
    raise Raised("AttributeError", f"a tensor's {shown(name)} is not known here")
