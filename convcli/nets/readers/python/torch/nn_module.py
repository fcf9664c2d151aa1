"""`nn.Module` and the modules that hold others."""

from collections.abc import Callable, Iterator
from typing import Any

from convcli.callsyntax import shown
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Halt,
    Iterating,
    Object,
    Raised,
    Tensor,
    Unknown,
    class_of,
    natives,
)
from convcli.nets.readers.python.stdlib.builtins import first, no_effect
from convcli.nets.readers.python.torch import tensor_args


def children(owner: Object) -> Iterator[tuple[str, Object]]:
    """The modules among an object's attributes, in their order; Keras's in lists too."""
    lists = owner.cls.find("add_weight") is not MISSING
    for name, value in owner.attrs.items():
        if isinstance(value, Object) and value.cls.is_a(MODULE):
            yield name, value
        elif lists and isinstance(value, list | tuple):
            for place, one in enumerate(value):
                if isinstance(one, Object) and one.cls.is_a(MODULE):
                    yield f"{name}.{place}", one


def walk(owner: Object, path: str = "") -> Iterator[tuple[str, Object]]:
    """An object and all modules inside it, each once, with their paths: `layer1.0.conv1`."""
    seen: set[int] = set()
    waiting = [(path, owner)]
    while waiting:
        path, one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield path, one
        inner = [(f"{path}.{name}" if path else name, child) for name, child in children(one)]
        waiting += reversed(inner)


def parameters(owner: Object) -> Iterator[tuple[str, Tensor]]:
    """The parameters that are an object's own attributes."""
    for name, value in owner.attrs.items():
        if isinstance(value, Tensor) and value.trained:
            yield name, value


# -- nn.Module ------------------------------------------------------------------------------


def _add_module(machine: Any, owner: Object, name: Any, module: Any) -> None:
    if not isinstance(name, str):
        raise Raised("TypeError", "a module's name is a string")
    owner.attrs.pop(name, None)
    owner.attrs[name] = module


def _register(
    machine: Any, owner: Object, name: Any, value: Any = None, *_: Any, **__: Any
) -> None:
    owner.attrs[str(name)] = value


def _register_buffer(
    machine: Any, owner: Object, name: Any, value: Any = None, *_: Any, **__: Any
) -> None:
    if isinstance(value, Tensor) and value.trained:
        value = Tensor(value.shape, values=value.values)  # a copy of weights is not trained
    owner.attrs[str(name)] = value


def _modules(machine: Any, owner: Object) -> list[Any]:
    found = [one for _, one in walk(owner)]
    machine.tick(len(found))
    return found


def _named_modules(machine: Any, owner: Object, *_: Any, **__: Any) -> list[Any]:
    found = list(walk(owner))
    machine.tick(len(found))
    return found


def _children(machine: Any, owner: Object) -> Iterating:
    return Iterating(iter([one for _, one in children(owner)]))


def _named_children(machine: Any, owner: Object) -> list[Any]:
    return list(children(owner))


def _parameters(machine: Any, owner: Object, *_: Any, **__: Any) -> Iterating:
    return Iterating(iter([tensor for _, tensor in _named(machine, owner)]))


def _named_parameters(machine: Any, owner: Object, *_: Any, **__: Any) -> Iterating:
    return Iterating(iter(_named(machine, owner)))


def _named(machine: Any, owner: Object) -> list[tuple[str, Tensor]]:
    found = []
    for path, one in walk(owner):
        own = list(parameters(one))
        if one.leaf is not None:
            for name in ("weight", "bias"):
                held = machine.module_attribute(one, name)
                own += [(name, held)] if isinstance(held, Tensor) else []
        found += [(f"{path}.{name}" if path else name, tensor) for name, tensor in own]
        machine.tick()
    return found


def _get_submodule(machine: Any, owner: Object, path: str) -> Any:
    for name in path.split(".") if path else ():
        owner = machine.attribute(owner, name)
    return owner


def _set_attribute(machine: Any, owner: Object, name: Any, value: Any) -> None:
    machine.set_attribute(owner, name, value)


def _get_attribute(machine: Any, owner: Object, name: Any) -> Any:
    return machine.plain_attribute(owner, name)


SETTINGS = (
    "eval", "train", "to", "cuda", "cpu", "half", "float", "double", "requires_grad_",
    "share_memory", "type",
)  # fmt: skip
"""What a module gives itself back from, with the same layers."""

UNFELT = (
    "load_state_dict", "zero_grad", "register_forward_hook", "register_forward_pre_hook",
    "register_full_backward_hook", "register_backward_hook", "_register_load_state_dict_pre_hook",
    "register_state_dict_pre_hook", "register_load_state_dict_post_hook", "__setstate__", "compile",
)  # fmt: skip
"""What leaves the layers of a module as they are."""

MODULE = class_of("Module", __init__=no_effect)
MODULE.names |= natives(
    {
        "add_module": _add_module,
        "register_module": _add_module,
        "register_buffer": _register_buffer,
        "register_parameter": _register,
        "modules": _modules,
        "named_modules": _named_modules,
        "children": _children,
        "named_children": _named_children,
        "parameters": _parameters,
        "named_parameters": _named_parameters,
        "buffers": lambda machine, owner, *_: [],
        "named_buffers": lambda machine, owner, *_: [],
        "get_submodule": _get_submodule,
        "state_dict": lambda *_, **__: Unknown("a state_dict", harmless=True),
        "__setattr__": _set_attribute,
        "__getattr__": _get_attribute,
        "extra_repr": lambda machine, owner: "",
        "_get_name": lambda machine, owner: owner.cls.name,
        "apply": first,  # initialises weights
        **dict.fromkeys(SETTINGS, first),
        **dict.fromkeys(UNFELT, no_effect),
    }
)


# -- containers -----------------------------------------------------------------------------


def _names(owner: Object) -> list[str]:
    """The names under which a container holds modules or parameters."""
    return [
        name
        for name, value in owner.attrs.items()
        if name.isdigit()
        or (isinstance(value, Object) and value.cls.is_a(MODULE))
        or (isinstance(value, Tensor) and value.trained)
    ]


def _held(owner: Object) -> list[Any]:
    """What a container holds, under its numbers or names."""
    return [owner.attrs[name] for name in _names(owner)]


def _renumbered(owner: Object, items: list[Any]) -> None:
    for name in _names(owner):
        del owner.attrs[name]
    owner.attrs.update({str(place): one for place, one in enumerate(items)})


def _sequential(machine: Any, owner: Object, *args: Any, **options: Any) -> None:
    if len(args) == 1 and isinstance(args[0], dict):
        owner.attrs.update({str(name): _checked(machine, one) for name, one in args[0].items()})
    else:
        for place, one in enumerate(args):
            owner.attrs[str(place)] = _checked(machine, one)


def _checked(machine: Any, value: Any) -> Any:
    if isinstance(value, Unknown):
        raise machine.unknown(value)
    if value is not None and not (isinstance(value, Object) and machine.is_module(value)):
        raise Raised("TypeError", f"{machine.describe(value)} is not a Module subclass")
    return value


def _run_all(machine: Any, owner: Object, *args: Any, **options: Any) -> Any:
    if len(args) != 1:
        raise Raised("TypeError", f"Sequential takes one value, not {len(args)}")
    value = args[0]
    for one in _held(owner):
        value = machine.call(one, [value], {})
    return value


def _get(machine: Any, owner: Object, index: Any) -> Any:
    names = _names(owner)
    if isinstance(index, str):
        if index in owner.attrs:
            return owner.attrs[index]
        raise Raised("KeyError", shown(index))
    if isinstance(index, slice):
        made = Object(owner.cls)
        kept = names[index]
        if owner.cls.is_a(SEQUENTIAL):
            made.attrs.update({name: owner.attrs[name] for name in kept})
        else:
            _renumbered(made, [owner.attrs[name] for name in kept])
        return made
    place = tensor_args.whole(machine, index, "an index")
    if not -len(names) <= place < len(names):
        raise Raised("IndexError", f"{place} of {len(names)} modules")
    return owner.attrs[names[place]]


def _set(machine: Any, owner: Object, index: Any, value: Any) -> None:
    if isinstance(index, str):
        owner.attrs[index] = value
        return
    names = _names(owner)
    place = tensor_args.whole(machine, index, "an index")
    if not -len(names) <= place < len(names):
        raise Raised("IndexError", f"{place} of {len(names)} modules")
    owner.attrs[names[place]] = value


def _delete(machine: Any, owner: Object, index: Any) -> None:
    if isinstance(index, str):
        owner.attrs.pop(index, None)
        return
    names = _names(owner)
    gone = names[index] if isinstance(index, slice) else [names[tensor_args.whole(machine, index)]]
    for name in gone:
        del owner.attrs[name]
    if not owner.cls.is_a(MODULE_DICT):
        _renumbered(owner, _held(owner))


def _append(machine: Any, owner: Object, value: Any) -> Object:
    if value is owner:
        raise Halt(f"a {owner.cls.name} cannot hold itself")
    _checked(machine, value) if not isinstance(value, Tensor) else value
    place = len(_names(owner))
    while str(place) in owner.attrs:
        place += 1
    owner.attrs[str(place)] = value
    machine.sized(owner.attrs)
    return owner


def _extend(machine: Any, owner: Object, values: Any) -> Object:
    for one in machine.listed(values):
        _append(machine, owner, one)
    return owner


def _insert(machine: Any, owner: Object, place: Any, value: Any) -> None:
    items = _held(owner)
    items.insert(tensor_args.whole(machine, place), _checked(machine, value))
    _renumbered(owner, items)


def _pop(machine: Any, owner: Object, key: Any) -> Any:
    value = _get(machine, owner, key)
    _delete(machine, owner, key)
    return value


def _listed(machine: Any, owner: Object, modules: Any = None) -> None:
    if modules is not None:
        _extend(machine, owner, modules)


def _update(machine: Any, owner: Object, modules: Any = None) -> None:
    if modules is None:
        return
    pairs = modules.items() if isinstance(modules, dict) else map(tuple, machine.listed(modules))
    if isinstance(modules, Object):
        pairs = modules.attrs.items()
    for name, one in pairs:
        owner.attrs[str(name)] = one


def _joined(machine: Any, owner: Object, more: Any) -> Object:
    made = Object(owner.cls)
    _renumbered(made, [*_held(owner), *machine.listed(more)])
    return made


LIST: dict[str, Callable[..., Any]] = {
    "__len__": lambda machine, owner: len(_names(owner)),
    "__iadd__": _extend,
    "__add__": _joined,
    "__getitem__": _get,
    "__setitem__": _set,
    "__delitem__": _delete,
    "append": _append,
    "extend": _extend,
    "insert": _insert,
    "pop": _pop,
    "__iter__": lambda machine, owner: _held(owner),
}
"""What containers have in common."""

DICT: dict[str, Callable[..., Any]] = {
    **LIST,
    "update": _update,
    "__iter__": lambda machine, owner: _names(owner),
    "__contains__": lambda machine, owner, name: name in owner.attrs,
    "keys": lambda machine, owner: _names(owner),
    "values": lambda machine, owner: _held(owner),
    "items": lambda machine, owner: [(name, owner.attrs[name]) for name in _names(owner)],
    "get": lambda machine, owner, name, other=None: owner.attrs.get(name, other),
}

SEQUENTIAL = class_of(
    "Sequential", MODULE, __init__=_sequential, forward=_run_all, add=_append, **LIST
)
MODULE_LIST = class_of("ModuleList", MODULE, __init__=_listed, **LIST)
MODULE_DICT = class_of("ModuleDict", MODULE, __init__=_update, **DICT)
