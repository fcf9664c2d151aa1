"""`copy.copy` and `copy.deepcopy`: of a module, one with weights of its own."""

from collections.abc import Callable

from convcli.nets.readers.python.language.objects import Instance, ReadError, Tensor, Value
from convcli.nets.readers.python.language.protocol import Interpreter


def copied(interpreter: Interpreter, value: Value, deep: bool) -> Value:
    """`copy.copy` and `copy.deepcopy`: of a module, one with weights of its own."""
    if deep:
        return _deep_copy(interpreter, value, {}, 0)
    if isinstance(value, list | dict | set):
        return type(value)(value)
    if isinstance(value, Instance):
        copy = Instance(value.cls)
        copy.attrs, copy.leaf = dict(value.attrs), value.leaf
        return copy
    return value


def _deep_copy(
    interpreter: Interpreter, value: Value, copies: dict[int, Value], depth: int
) -> Value:
    """A copy of a value and of its contents; `copies` are those of this call, by `id()`."""
    interpreter.tick()
    if depth > 100:
        raise ReadError("a copy is nested more than 100 deep")
    if id(value) in copies:
        return copies[id(value)]

    def inner(item: Value) -> Value:
        return _deep_copy(interpreter, item, copies, depth + 1)

    if isinstance(value, list):
        items: list[Value] = []
        copies[id(value)] = items
        items += map(inner, value)
        return items
    if isinstance(value, tuple):
        return tuple(map(inner, value))
    if isinstance(value, dict):
        pairs = type(value)()
        copies[id(value)] = pairs
        pairs.update((key, inner(item)) for key, item in value.items())
        return pairs
    if isinstance(value, Instance):
        return _copy_of_instance(value, copies, inner)
    if isinstance(value, Tensor):
        tensor = Tensor(value.shape, value.node, value.trained, value.values)
        tensor.frozen = value.frozen
        copies[id(value)] = tensor
        return tensor
    return value


def _copy_of_instance(
    value: Instance, copies: dict[int, Value], inner: Callable[[Value], Value]
) -> Instance:
    copy = Instance(value.cls)
    copies[id(value)] = copy
    copy.leaf = value.leaf
    copy.hooks = [*value.hooks[0]], [*value.hooks[1]]
    for name, item in value.attrs.items():
        copy.attrs[name] = inner(item)
    for name, weight in value.shared.items():
        tensor = inner(weight)
        assert isinstance(tensor, Tensor)
        tensor.holder = tensor.holder or copy  # of what is copied at once, the first
        copy.shared[name] = tensor
    return copy
