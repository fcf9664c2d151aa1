"""Nodes for what is done to tensors, and the checks of what it is done with."""

from collections.abc import Sequence
from typing import Any

from convcli.nets.graph import Leaf
from convcli.nets.layers import (
    Shape,
)
from convcli.nets.layers.tensor_ops import Operation
from convcli.nets.readers.python.language.objects import Raised, Tensor, Unfit, Unknown


def put(machine: Any, record: Any, inputs: Sequence[Tensor], gives: Shape) -> Tensor:
    """A node of a record, at the place that is being read."""
    made: Tensor = machine.tape.put(record, inputs, tuple(gives), machine.here())
    return made


def operation(
    machine: Any, type_: str, inputs: Sequence[Tensor], gives: Shape, *values: Any, macs: int = 0
) -> Tensor:
    """A node of an Operation, which holds for these shapes."""
    takes = tuple(one.shape for one in inputs)
    return put(machine, Operation(type_, takes, tuple(gives), values, macs), inputs, gives)


def layer(machine: Any, record: Any, tensor: Any, *others: Tensor) -> Tensor:
    """A node of a layer that has no module: `F.max_pool2d(x, 2)`."""
    tensor = tensor_of(machine, tensor)
    where = machine.here()
    made: Tensor = machine.tape.apply(Leaf(record, "", where), tensor, others)
    return made


def tensor_of(machine: Any, value: Any) -> Tensor:
    """The value, which has to be a tensor."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Unknown):
        raise machine.unknown(value)
    raise Raised("TypeError", f"{machine.describe(value)} is given where a tensor belongs")


def whole(machine: Any, value: Any, name: str = "a size") -> int:
    """The value, which has to be a whole number."""
    if isinstance(value, Tensor) and value.number is not None:
        value = value.number
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, Unknown):
        raise machine.unknown(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Raised("TypeError", f"{name} is a whole number, not {machine.describe(value)}")
    return value


def axis(machine: Any, value: Any, rank: int) -> int:
    """An axis from 0; negative ones count from the end."""
    place = whole(machine, value, "an axis")
    if not -rank <= place < rank:
        raise Unfit(f"axis {place} of a tensor of {rank} axes")
    return place % rank


def axes(machine: Any, value: Any, rank: int) -> list[int]:
    """One axis or several; None for all."""
    if value is None:
        return list(range(rank))
    each = value if isinstance(value, tuple | list) else (value,)
    return [axis(machine, one, rank) for one in each]


def sizes_of(machine: Any, sizes: tuple[Any, ...]) -> list[int]:
    """Sizes given one by one or as one sequence."""
    if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = tuple(sizes[0])
    return [whole(machine, one) for one in sizes]
