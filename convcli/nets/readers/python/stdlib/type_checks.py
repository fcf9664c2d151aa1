"""Type checks: `isinstance()`, `issubclass()`, `callable()`."""

from convcli.nets.readers.python.language.objects import (
    MISSING,
    BoundMethod,
    Caught,
    Class,
    Function,
    Instance,
    Library,
    Native,
    Partial,
    SourceFile,
    Tensor,
    Unknown,
    Value,
    ValueIterator,
)
from convcli.nets.readers.python.language.protocol import Interpreter

OBJECT = Class("object")
TENSOR = Class("Tensor")

PLAIN = (int, float, str, bool, list, tuple, dict, set, range, type(None))

TYPES: dict[str, tuple[type, ...]] = {
    **{kind.__name__: (kind,) for kind in (*PLAIN, frozenset, complex, bytes, slice)},
    "OrderedDict": (dict,),
    "type": (Class,),
}
"""The types that `isinstance(value, int)` checks for."""

ABSTRACT: dict[str, tuple[type, ...]] = {
    "Iterable": (list, tuple, dict, set, str, range, ValueIterator),
    "Sequence": (list, tuple, str, range),
    **dict.fromkeys(("Mapping", "MutableMapping", "OrderedDict", "Dict"), (dict,)),
    **dict.fromkeys(("MutableSequence", "List"), (list,)),
    **dict.fromkeys(("Collection", "Container", "Sized"), (list, tuple, dict, set, str, range)),
    "Set": (set, frozenset),
    **dict.fromkeys(("Number", "Real"), (int, float)),
    "Integral": (int,),
    "Tuple": (tuple,),
    **dict.fromkeys(("ListConfig", "DictConfig"), ()),
    "string_types": (str,),
    "ModuleType": (Library, SourceFile),
}
"""Types of `collections.abc`, `numbers` and `typing`, and the types they stand for."""


def is_instance(interpreter: Interpreter, value: Value, kinds: Value) -> Value:
    unknown = None
    for kind in kinds if isinstance(kinds, tuple) else (kinds,):
        result = _is_a(interpreter, value, kind)
        if isinstance(result, Unknown):
            unknown = result
        elif result:
            return True
    return False if unknown is None else unknown


def _is_a(interpreter: Interpreter, value: Value, kind: Value) -> Value:
    if isinstance(kind, tuple):
        return is_instance(interpreter, value, kind)
    if isinstance(value, Caught):
        raise value.class_of_it()
    if isinstance(value, Unknown):
        return value.outcome()
    if kind is OBJECT:
        return True
    if isinstance(kind, Class):
        if kind is TENSOR:
            return isinstance(value, Tensor)
        if kind.name == "Parameter" and isinstance(value, Tensor):
            return value.trained
        return isinstance(value, Instance) and value.cls.is_a(kind)
    if isinstance(kind, Native) and kind.name == "type":
        return isinstance(value, Class) or (isinstance(value, Native) and value.name in TYPES)
    if isinstance(kind, Native) and kind.name in TYPES:
        return isinstance(value, TYPES[kind.name])
    if isinstance(kind, Unknown):
        name = kind.text.rpartition(".")[2]
        if name in ABSTRACT:
            return isinstance(value, ABSTRACT[name])
        if name in ("FunctionType", "LambdaType", "MethodType"):
            return isinstance(value, Function | BoundMethod)
        if name == "Hashable":
            return not isinstance(value, list | dict | set)
        if name == "EnumMeta":
            return isinstance(value, Class) and "__members__" in value.names
        if name == "Callable":
            return isinstance(value, Function | Native | BoundMethod | Class | Partial)
        # what is of no class that is known here cannot be one of a library's that is not
        if isinstance(value, Instance | Tensor | Function) or type(value) in PLAIN:
            return False
        return kind
    return False


def is_subclass(interpreter: Interpreter, cls: Value, kinds: Value) -> Value:
    if isinstance(cls, Unknown):
        return cls.outcome()
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    return isinstance(cls, Class) and any(
        isinstance(kind, Class) and cls.is_a(kind) for kind in kinds
    )


def is_callable(interpreter: Interpreter, value: Value) -> bool:
    if isinstance(value, Instance):
        return interpreter.is_module(value) or value.cls.find("__call__") is not MISSING
    return isinstance(value, Function | Native | BoundMethod | Class | Partial)
