"""`copy.copy` and `copy.deepcopy`: of a module, one with weights of its own."""

from typing import Any

from convcli.nets.readers.python.language.objects import Halt, Object, Tensor


def copied(machine: Any, value: Any, deep: bool) -> Any:
    """`copy.copy` and `copy.deepcopy`: of a module, one with weights of its own."""
    if not deep:
        if isinstance(value, list | dict | set):
            return type(value)(value)
        if isinstance(value, Object):
            made = Object(value.cls)
            made.attrs, made.leaf = dict(value.attrs), value.leaf
            return made
        return value
    return _deep_copy(machine, value, {}, 0)


def _deep_copy(machine: Any, value: Any, made: dict[int, Any], depth: int) -> Any:
    machine.tick()
    if depth > 100:
        raise Halt("a copy is nested more than 100 deep")
    if id(value) in made:
        return made[id(value)]
    inner = depth + 1
    if isinstance(value, list):
        copy: Any = made.setdefault(id(value), [])
        copy += [_deep_copy(machine, one, made, inner) for one in value]
        return copy
    if isinstance(value, tuple):
        return tuple(_deep_copy(machine, one, made, inner) for one in value)
    if isinstance(value, dict):
        copy = made.setdefault(id(value), type(value)())
        copy.update({key: _deep_copy(machine, one, made, inner) for key, one in value.items()})
        return copy
    if isinstance(value, Object):
        copy = made[id(value)] = Object(value.cls)
        copy.leaf = value.leaf
        for name, one in value.attrs.items():
            copy.attrs[name] = _deep_copy(machine, one, made, inner)
        for name, one in value.shared.items():
            tensor = copy.shared[name] = _deep_copy(machine, one, made, inner)
            tensor.holder = tensor.holder or copy  # of what is copied at once, the first
        return copy
    if isinstance(value, Tensor):
        copy = made[id(value)] = Tensor(value.shape, value.node, value.trained, value.values)
        return copy
    return value
