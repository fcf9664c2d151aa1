"""`nn.Module` and the modules that hold others."""

import ast
from collections.abc import Iterable, Iterator
from functools import partial

from convcli.callsyntax import brief
from convcli.nets.layers import Conv, Layer, Linear, Norm, TransposedConv
from convcli.nets.readers.python.language.attributes import (
    attribute_name,
    plain_attribute,
    set_attribute,
)
from convcli.nets.readers.python.language.conversions import describe, to_list, truth
from convcli.nets.readers.python.language.limits import within_limits
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Function,
    Instance,
    Native,
    NativeFunction,
    ProgramException,
    ReadError,
    Tensor,
    Unknown,
    Value,
    ValueIterator,
    check_known,
    class_of,
    natives,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.stdlib.builtins import first, no_effect
from convcli.nets.readers.python.torch import tensor_args


def is_keras(owner: Instance) -> bool:
    """Whether a module is a layer of Keras."""
    return owner.cls.find("add_weight") is not MISSING


def children(owner: Instance) -> Iterator[tuple[str, Instance]]:
    """The modules among an object's attributes, in order; for Keras, also those in lists."""
    lists = is_keras(owner)
    for name, value in owner.attrs.items():
        if isinstance(value, Instance) and value.cls.is_a(MODULE):
            yield name, value
        elif lists and isinstance(value, list | tuple):
            for index, item in enumerate(value):
                if isinstance(item, Instance) and item.cls.is_a(MODULE):
                    yield f"{name}.{index}", item


def walk(owner: Instance, path: str = "") -> Iterator[tuple[str, Instance]]:
    """An object and all modules inside it, each once, with their paths: `layer1.0.conv1`."""
    visited: set[int] = set()
    waiting = [(path, owner)]
    while waiting:
        path, module = waiting.pop()
        if id(module) in visited:
            continue
        visited.add(id(module))
        yield path, module
        inner = [(f"{path}.{name}" if path else name, child) for name, child in children(module)]
        waiting += reversed(inner)


def counts_of_paths(root: Instance) -> dict[int, int]:
    """The number of paths of each shared module and of the modules inside it, by `id()`."""
    parents: dict[int, list[int]] = {}
    for _, module in walk(root):
        for inner in {id(child) for _, child in children(module)}:
            parents.setdefault(inner, []).append(id(module))
    if all(len(holders) == 1 for holders in parents.values()):
        return {}
    counts = dict.fromkeys(parents, 1) | {id(root): 1}  # what a module that holds itself keeps
    known = {id(root)}

    def count(module: int) -> int:
        if module not in known:
            known.add(module)
            counts[module] = sum(map(count, parents[module]))
        return counts[module]

    return {module: count(module) for module in parents}


def parameters(owner: Instance) -> Iterator[tuple[str, Tensor]]:
    """The parameters that are an object's own attributes."""
    for name, value in owner.attrs.items():
        if isinstance(value, Tensor) and value.trained:
            yield name, value


# -- nn.Module ------------------------------------------------------------------------------


def _add_module(interpreter: Interpreter, owner: Instance, name: Value, module: Value) -> None:
    if not isinstance(name, str):
        raise ProgramException("TypeError", "a module's name is a string")
    owner.attrs.pop(name, None)
    owner.attrs[name] = module


def _register(
    is_buffer: bool,
    interpreter: Interpreter,
    owner: Instance,
    name: Value,
    value: Value = None,
    *_: Value,
    **__: Value,
) -> None:
    if is_buffer and isinstance(value, Tensor) and value.trained:
        value = Tensor(value.shape, values=value.values)  # a copy of weights is not trained
    owner.attrs[str(name)] = value


def _modules(interpreter: Interpreter, owner: Instance) -> list[Instance]:
    return [module for _, module in _named_modules(interpreter, owner)]


def _named_modules(
    interpreter: Interpreter, owner: Instance, *_: Value, **__: Value
) -> list[tuple[str, Instance]]:
    modules = list(walk(owner))
    interpreter.tick(len(modules))
    return modules


def _named(interpreter: Interpreter, owner: Instance) -> list[tuple[str, Tensor]]:
    named: list[tuple[str, Tensor]] = []
    for path, module in walk(owner):
        own = list(parameters(module))
        if module.leaf is not None:
            for name in ("weight", "bias"):
                weight = interpreter.module_attribute(module, name)
                if not isinstance(weight, Tensor) and name in lazy_roles(module.leaf.layer):
                    weight = module.shared.setdefault(name, Tensor((0,), trained=True))
                    weight.holder = module
                own += [(name, weight)] if isinstance(weight, Tensor) else []
        named += [(f"{path}.{name}" if path else name, tensor) for name, tensor in own]
        interpreter.tick()
    return named


def lazy_roles(record: Layer) -> tuple[str, ...]:
    """The weights of a lazy layer, whose sizes are unknown: `nn.LazyConv2d`."""
    if isinstance(record, Norm):
        return ("weight", "bias")[: record.vectors] if not record.channels else ()
    if isinstance(record, Conv | TransposedConv):
        return ("weight",) if not record.channels else ()
    return ("weight",) if isinstance(record, Linear) and not record.features else ()


def _requires_grad_(
    interpreter: Interpreter, owner: Instance, requires_grad: Value = True
) -> Instance:
    trained = truth(interpreter, requires_grad)
    for _, tensor in _named(interpreter, owner):
        tensor.frozen = not trained
    return owner


def _apply(interpreter: Interpreter, owner: Instance, function: Value) -> Instance:
    """`module.apply(function)`, which most often initializes weights, and may freeze them."""
    if isinstance(function, Function) and any(
        isinstance(node, ast.Attribute) and node.attr.startswith("requires_grad")
        for node in ast.walk(function.node)
    ):
        for module in reversed(_modules(interpreter, owner)):
            interpreter.call(function, [module], {})
    return owner


def _at_path(interpreter: Interpreter, owner: Instance, path: str) -> Value:
    """`get_submodule`, `get_parameter`, `get_buffer`: what lies at `layer1.0.weight`."""
    module: Value = owner
    for name in path.split(".") if path else ():
        module = interpreter.attribute(module, name)
    return module


def _add_hook(
    before: bool,
    /,
    interpreter: Interpreter,
    owner: Instance,
    hook: Value,
    *,
    prepend: Value = False,
    with_kwargs: Value = False,
    **_: Value,
) -> Instance:
    """A function that a module calls before its `forward`, or behind it."""
    if truth(interpreter, with_kwargs) or truth(interpreter, prepend):
        raise ReadError("a hook with options is not read here")
    hooks = owner.hooks[before]
    hooks.append(hook)
    handle = Instance(HANDLE)
    handle.attrs["remove"] = Native("remove", lambda interpreter: _drop(hooks, hook))
    return handle


def _drop(hooks: list[Value], hook: Value) -> None:
    hooks[:] = [other for other in hooks if other is not hook]


HANDLE = class_of("RemovableHandle")
"""The handle that removes a registered hook."""

SETTINGS = (
    "eval", "train", "to", "cuda", "cpu", "half", "float", "double", "share_memory", "type",
)  # fmt: skip
"""Methods of a module that return the module with the same layers."""

UNFELT = (
    "load_state_dict", "zero_grad",
    "register_full_backward_hook", "register_backward_hook", "_register_load_state_dict_pre_hook",
    "register_state_dict_pre_hook", "register_load_state_dict_post_hook", "__setstate__", "compile",
)  # fmt: skip
"""Methods that do not change the layers of a module."""

MODULE = class_of("Module", __init__=no_effect)
MODULE.names |= natives(
    {
        "add_module": _add_module,
        "register_module": _add_module,
        "register_buffer": partial(_register, True),
        "register_parameter": partial(_register, False),
        "modules": _modules,
        "named_modules": _named_modules,
        "children": lambda interpreter, owner: ValueIterator(
            iter([module for _, module in children(owner)])
        ),
        "named_children": lambda interpreter, owner: list(children(owner)),
        "parameters": lambda interpreter, owner, *_, **__: ValueIterator(
            iter([tensor for _, tensor in _named(interpreter, owner)])
        ),
        "named_parameters": lambda interpreter, owner, *_, **__: ValueIterator(
            iter(_named(interpreter, owner))
        ),
        "buffers": lambda interpreter, owner, *_: [],
        "named_buffers": lambda interpreter, owner, *_: [],
        **dict.fromkeys(("get_submodule", "get_parameter", "get_buffer"), _at_path),
        "state_dict": lambda *_, **__: Unknown("a state_dict", harmless=True),
        "__setattr__": lambda interpreter, owner, name, value: set_attribute(
            interpreter, owner, attribute_name(name), value
        ),
        "__getattr__": lambda interpreter, owner, name: plain_attribute(owner, name),
        "extra_repr": lambda interpreter, owner: "",
        "_get_name": lambda interpreter, owner: owner.cls.name,
        "apply": _apply,
        "register_forward_hook": partial(_add_hook, False),
        "register_forward_pre_hook": partial(_add_hook, True),
        "requires_grad_": _requires_grad_,
        **dict.fromkeys(SETTINGS, first),
        **dict.fromkeys(UNFELT, no_effect),
    }
)


# -- containers -----------------------------------------------------------------------------


def _names(owner: Instance) -> list[str]:
    """The names under which a container holds modules or parameters."""
    return [
        name
        for name, value in owner.attrs.items()
        if name.isdigit()
        or (isinstance(value, Instance) and value.cls.is_a(MODULE))
        or (isinstance(value, Tensor) and value.trained and owner.cls.is_a(MODULE_DICT))
    ]


def _items(owner: Instance) -> list[Value]:
    """The items of a container, in order."""
    return [owner.attrs[name] for name in _names(owner)]


def _set_items(owner: Instance, items: Iterable[Value]) -> None:
    """Replace the items of a container, numbered from 0."""
    for name in _names(owner):
        del owner.attrs[name]
    owner.attrs.update({str(number): item for number, item in enumerate(items)})


def _name_at(owner: Instance, index: Value) -> str:
    """The name of the item at an index."""
    names, position = _names(owner), tensor_args.to_integer(index, "an index")
    if not -len(names) <= position < len(names):
        raise ProgramException("IndexError", f"{position} of {len(names)} modules")
    return names[position]


def _as_module(interpreter: Interpreter, value: Value) -> Value:
    """The value, which must be a module or None."""
    check_known(value)
    if value is not None and not interpreter.is_module(value):
        raise ProgramException("TypeError", f"{describe(value)} is not a Module subclass")
    return value


def _sequential(interpreter: Interpreter, owner: Instance, *args: Value, **options: Value) -> None:
    modules = args[0] if len(args) == 1 else None
    pairs = modules.items() if isinstance(modules, dict) else enumerate(args)
    for name, module in pairs:
        owner.attrs[str(name)] = _as_module(interpreter, module)


def _run_all(interpreter: Interpreter, owner: Instance, *args: Value, **options: Value) -> Value:
    if len(args) != 1:
        raise ProgramException("TypeError", f"Sequential takes one value, not {len(args)}")
    value = args[0]
    for module in _items(owner):
        value = interpreter.call(module, [value], {})
    return value


def _get(interpreter: Interpreter, owner: Instance, index: Value) -> Value:
    if isinstance(index, str):
        if index in owner.attrs:
            return owner.attrs[index]
        raise ProgramException("KeyError", brief(index))
    if isinstance(index, slice):
        part = Instance(owner.cls)
        items = {name: owner.attrs[name] for name in _names(owner)[index]}
        if owner.cls.is_a(SEQUENTIAL):
            part.attrs.update(items)
        else:
            _set_items(part, items.values())
        return part
    return owner.attrs[_name_at(owner, index)]


def _set(interpreter: Interpreter, owner: Instance, index: Value, value: Value) -> None:
    owner.attrs[index if isinstance(index, str) else _name_at(owner, index)] = value


def _delete(interpreter: Interpreter, owner: Instance, index: Value) -> None:
    if isinstance(index, str):
        owner.attrs.pop(index, None)
        return
    names = _names(owner)[index] if isinstance(index, slice) else [_name_at(owner, index)]
    for name in names:
        del owner.attrs[name]
    if not owner.cls.is_a(MODULE_DICT):
        _set_items(owner, _items(owner))


def _append(interpreter: Interpreter, owner: Instance, value: Value) -> Instance:
    if value is owner:
        raise ReadError(f"a {owner.cls.name} cannot hold itself")
    if not isinstance(value, Tensor):
        _as_module(interpreter, value)
    number = len(_names(owner))
    while str(number) in owner.attrs:
        number += 1
    owner.attrs[str(number)] = value
    within_limits(interpreter, owner.attrs)
    return owner


def _extend(interpreter: Interpreter, owner: Instance, values: Value) -> Instance:
    for value in to_list(interpreter, values):
        _append(interpreter, owner, value)
    return owner


def _insert(interpreter: Interpreter, owner: Instance, index: Value, value: Value) -> None:
    items = _items(owner)
    items.insert(tensor_args.to_integer(index), _as_module(interpreter, value))
    _set_items(owner, items)


def _pop(interpreter: Interpreter, owner: Instance, key: Value) -> Value:
    value = _get(interpreter, owner, key)
    _delete(interpreter, owner, key)
    return value


def _module_list(interpreter: Interpreter, owner: Instance, modules: Value = None) -> None:
    if modules is not None:
        _extend(interpreter, owner, modules)


def _update(interpreter: Interpreter, owner: Instance, modules: Value = None) -> None:
    pairs: Iterable[Iterable[Value]] = ()
    if isinstance(modules, dict):
        pairs = modules.items()
    elif isinstance(modules, Instance):
        pairs = modules.attrs.items()
    elif modules is not None:
        pairs = [to_list(interpreter, pair) for pair in to_list(interpreter, modules)]
    for name, module in pairs:
        owner.attrs[str(name)] = module


def _joined(interpreter: Interpreter, owner: Instance, more: Value) -> Instance:
    both = Instance(owner.cls)
    _set_items(both, [*_items(owner), *to_list(interpreter, more)])
    return both


LIST: dict[str, NativeFunction] = {
    "__len__": lambda interpreter, owner: len(_names(owner)),
    "__iadd__": _extend,
    "__add__": _joined,
    "__getitem__": _get,
    "__setitem__": _set,
    "__delitem__": _delete,
    "append": _append,
    "extend": _extend,
    "insert": _insert,
    "pop": _pop,
    "__iter__": lambda interpreter, owner: _items(owner),
}
"""Methods common to all containers."""

DICT: dict[str, NativeFunction] = {
    **LIST,
    "update": _update,
    "__iter__": lambda interpreter, owner: _names(owner),
    "__contains__": lambda interpreter, owner, name: name in owner.attrs,
    "keys": lambda interpreter, owner: _names(owner),
    "values": lambda interpreter, owner: _items(owner),
    "items": lambda interpreter, owner: [(name, owner.attrs[name]) for name in _names(owner)],
    "get": lambda interpreter, owner, name, other=None: owner.attrs.get(name, other),
}

SEQUENTIAL = class_of(
    "Sequential", MODULE, __init__=_sequential, forward=_run_all, add=_append, **LIST
)
MODULE_LIST = class_of("ModuleList", MODULE, __init__=_module_list, **LIST)
MODULE_DICT = class_of("ModuleDict", MODULE, __init__=_update, **DICT)
