"""What Python's own functions and types mean in a model file.

Every name that a file can reach stands in a table here; what is in none of them is not there.
"""

import ast
import builtins
from collections.abc import Callable
from typing import Any

from convcli.nets.readers.python.language.objects import (
    MISSING,
    Class,
    ClassMethod,
    Halt,
    Iterating,
    Library,
    Native,
    Object,
    Property,
    Raised,
    Static,
    Tensor,
    Unknown,
)
from convcli.nets.readers.python.stdlib.type_checks import (
    OBJECT,
    TENSOR,
    TYPES,
    is_callable,
    is_instance,
    is_subclass,
)


def _known(machine: Any, value: Any) -> Any:
    if isinstance(value, Unknown):
        raise machine.unknown(value)
    return value


def length_of(machine: Any, value: Any) -> Any:
    if isinstance(value, Tensor):
        if not value.shape:
            raise Raised("TypeError", "len() of a tensor without axes")
        return value.shape[0]
    if isinstance(value, Object):
        if value.cls.find("__len__") is MISSING:
            raise Raised("TypeError", f"{machine.describe(value)} has no len()")
        return machine.call(machine.attribute(value, "__len__"), [], {})
    if isinstance(value, Class) and "__members__" in value.names:
        return len(value.names["__members__"])
    if isinstance(value, Unknown):
        raise machine.unknown(value)
    return len(value)


def _range(machine: Any, *ends: Any) -> range:
    numbers = []
    for end in ends:
        _known(machine, end)
        if isinstance(end, Tensor) and end.number is not None:
            end = end.number
        if not isinstance(end, int):
            raise Raised("TypeError", f"range() takes whole numbers, not {machine.describe(end)}")
        numbers.append(end)
    return range(*numbers)


def _int(machine: Any, value: Any = 0, base: Any = None) -> Any:
    if base is None:
        return _converter(int)(machine, value)
    if not isinstance(value, str) or not isinstance(base, int) or len(value) > 40:
        raise Raised("TypeError", "int() takes a text and its base")
    return _converter(lambda text: int(text, base))(machine, value)


def _converter(kind: Callable[[Any], Any]) -> Callable[..., Any]:
    def convert(machine: Any, value: Any = 0) -> Any:
        if isinstance(value, Unknown):
            return value.outcome()
        if isinstance(value, Tensor):
            return Unknown("the value of a tensor") if value.number is None else kind(value.number)
        if not isinstance(value, int | float | str) or (isinstance(value, str) and len(value) > 40):
            raise Raised("TypeError", f"{machine.describe(value)} is no number")
        try:
            return machine.sized(kind(value))
        except (ValueError, OverflowError) as error:
            raise Raised(type(error).__name__, str(error)) from None

    return convert


def _bool(machine: Any, value: Any = False) -> Any:
    return value.outcome() if isinstance(value, Unknown) else machine.truth(value)


def _str(machine: Any, value: Any = "") -> Any:
    return value.outcome() if isinstance(value, Unknown) else machine.text(value)


def list_of(machine: Any, value: Any = ()) -> list[Any]:
    found: list[Any] = machine.listed(value)
    return found


def _tuple(machine: Any, value: Any = ()) -> tuple[Any, ...]:
    return tuple(machine.listed(value))


def set_of(machine: Any, value: Any = ()) -> set[Any]:
    return {machine.key(one) for one in machine.iterate(value)}


class DefaultDict(dict[Any, Any]):
    """`collections.defaultdict`; `made` gives the value of a key that is not there."""

    made: Any = None


def dict_of(machine: Any, value: Any = (), /, **options: Any) -> dict[Any, Any]:
    _known(machine, value)
    if isinstance(value, dict):
        found = dict(value)
    else:
        found = {}
        for pair in machine.iterate(value):
            key, held = machine.listed(pair)
            found[machine.key(key)] = held
    return found | options


def defaultdict_of(machine: Any, made: Any = None, value: Any = (), **options: Any) -> DefaultDict:
    found = DefaultDict(dict_of(machine, value, **options))
    found.made = made
    return found


def counter_of(machine: Any, value: Any = ()) -> DefaultDict:
    found = DefaultDict()
    found.made = INT
    for one in machine.iterate(value):
        found[machine.key(one)] = found.get(one, 0) + 1
    return found


def _enumerate(machine: Any, value: Any, start: Any = 0) -> Iterating:
    return Iterating((start + place, one) for place, one in enumerate(machine.iterate(value)))


def _zip(machine: Any, *values: Any, strict: Any = False) -> Iterating:
    return Iterating(zip(*[machine.iterate(value) for value in values], strict=False))


def _reversed(machine: Any, value: Any) -> Iterating:
    return Iterating(iter(machine.listed(value)[::-1]))


def _map(machine: Any, function: Any, *values: Any) -> Iterating:
    rows = zip(*[machine.iterate(value) for value in values], strict=False)
    return Iterating(machine.call(function, list(row), {}) for row in rows)


def _filter(machine: Any, function: Any, values: Any) -> Iterating:
    def kept(one: Any) -> bool:
        asked = one if function is None else machine.call(function, [one], {})
        return bool(machine.truth(asked))

    return Iterating(one for one in machine.iterate(values) if kept(one))


def _iter(machine: Any, value: Any) -> Iterating:
    return Iterating(machine.iterate(value))


def _next(machine: Any, value: Any, default: Any = MISSING) -> Any:
    if isinstance(value, Unknown):
        return value.outcome()
    if not isinstance(value, Iterating):
        raise Raised("TypeError", f"{machine.describe(value)} is no iterator")
    found = next(value.items, default)
    if found is MISSING:
        raise Raised("StopIteration", "")
    return found


def _sum(machine: Any, values: Any, start: Any = 0) -> Any:
    total = start
    for one in machine.iterate(values):
        total = machine.operate(ast.Add, total, one)
    return total


def _best(op: type[ast.cmpop]) -> Callable[..., Any]:
    def choose(machine: Any, *values: Any, key: Any = None, default: Any = MISSING) -> Any:
        items = machine.listed(values[0]) if len(values) == 1 else list(values)
        if not items:
            if default is MISSING:
                raise Raised("ValueError", "the largest or smallest of nothing")
            return default
        best, rank = None, None
        for place, one in enumerate(items):
            own = one if key is None else machine.call(key, [one], {})
            if isinstance(own, Unknown):
                return own
            if place == 0 or machine.truth(machine.compare(op, own, rank)):
                best, rank = one, own
        return best

    return choose


def sorted_of(machine: Any, values: Any, key: Any = None, reverse: Any = False) -> list[Any]:
    items = machine.listed(values)
    keys = items if key is None else [machine.call(key, [one], {}) for one in items]
    machine.plain(*keys)
    machine.tick(len(items) * max(len(items).bit_length(), 1))
    for one in keys:
        _known(machine, one)
    order = sorted(range(len(items)), key=keys.__getitem__, reverse=bool(reverse))
    return [items[place] for place in order]


def _any(machine: Any, values: Any) -> bool:
    return any(machine.truth(one) for one in machine.iterate(values))


def _all(machine: Any, values: Any) -> bool:
    return all(machine.truth(one) for one in machine.iterate(values))


def _round(machine: Any, value: Any, digits: Any = None) -> Any:
    if isinstance(value, Tensor | Unknown):
        return value
    if digits is not None and abs(whole_digits(digits)) > 30:
        raise Halt(f"round to {digits} digits")
    return round(value, digits)


def whole_digits(value: Any) -> int:
    if not isinstance(value, int):
        raise Raised("TypeError", "digits are a whole number")
    return value


def _abs(machine: Any, value: Any) -> Any:
    if isinstance(value, Tensor):
        return machine.tensor_unary("abs", value)
    return value.outcome() if isinstance(value, Unknown) else abs(value)


def raised_to(machine: Any, left: Any, right: Any) -> Any:
    return machine.operate(ast.Pow, left, right)


def _divmod(machine: Any, left: Any, right: Any) -> tuple[Any, Any]:
    return machine.operate(ast.FloorDiv, left, right), machine.operate(ast.Mod, left, right)


def _getattr(machine: Any, owner: Any, name: Any, default: Any = MISSING) -> Any:
    if not isinstance(name, str):
        raise Raised("TypeError", "an attribute's name is a string")
    try:
        return machine.attribute(owner, name)
    except Raised as error:
        if error.kind != "AttributeError" or default is MISSING:
            raise
        return default


def _hasattr(machine: Any, owner: Any, name: Any) -> Any:
    if isinstance(owner, Unknown):
        return owner.outcome()
    try:
        machine.attribute(owner, name)
    except Raised as error:
        if error.kind != "AttributeError":
            raise
        return False
    return True


def _setattr(machine: Any, owner: Any, name: Any, value: Any) -> None:
    if not isinstance(name, str):
        raise Raised("TypeError", "an attribute's name is a string")
    machine.set_attribute(owner, name, value)


def _delattr(machine: Any, owner: Any, name: Any) -> None:
    if isinstance(owner, Object):
        owner.attrs.pop(name, None)


def _type(machine: Any, value: Any, *rest: Any) -> Any:
    if len(rest) == 2 and isinstance(value, str) and isinstance(rest[1], dict):
        made = Class(value, tuple(machine.listed(rest[0])), dict(rest[1]))
        made.own = True
        return made
    if isinstance(value, Object):
        return value.cls
    if isinstance(value, Unknown):
        return Unknown(f"type({value.text})", value.where)
    if isinstance(value, Tensor):
        return TENSOR
    if value is None:
        return NONE_TYPE
    for name, types in TYPES.items():
        if type(value) in types:
            return BUILTINS[name]
    return Unknown("a type")


def id_of(machine: Any, value: Any) -> int:
    return id(value)


def _vars(machine: Any, value: Any = None) -> Any:
    """The names of an object, or of a library as far as they are known."""
    if isinstance(value, Object):
        return dict(value.attrs)
    if isinstance(value, Library):
        from convcli.nets.readers.python.torch.names import FUNCTIONS as KNOWN

        return dict.fromkeys(KNOWN)
    return Unknown("the names of a value")


def _unread(name: str) -> Callable[..., Any]:
    def call(machine: Any, *args: Any, **options: Any) -> Any:
        raise Halt(f"{name}() is not read here")

    return call


def no_effect(machine: Any, *args: Any, **options: Any) -> None:
    return None


def first(machine: Any, value: Any, *args: Any, **options: Any) -> Any:
    """What gives its first value back: as it is, or initialised, or wrapped."""
    return value


def _slice(machine: Any, *ends: Any) -> slice:
    return slice(*ends)


EXCEPTION = Class("Exception")


def _exception(machine: Any, owner: Object, *args: Any, **options: Any) -> None:
    owner.attrs["args"] = args


EXCEPTION.names["__init__"] = Native("Exception", _exception)
EXCEPTIONS = (
    "ValueError", "TypeError", "KeyError", "IndexError", "AttributeError",
    "NotImplementedError", "RuntimeError", "AssertionError", "ImportError",
    "ModuleNotFoundError", "NameError", "OSError", "FileNotFoundError", "StopIteration",
    "ZeroDivisionError", "OverflowError", "UserWarning", "DeprecationWarning", "FutureWarning",
    "Warning", "LookupError", "SystemExit", "KeyboardInterrupt", "ArithmeticError",
)  # fmt: skip


def _exceptions() -> dict[str, Class]:
    """Python's exceptions, derived from each other as they are there."""
    found = {"BaseException": EXCEPTION, "Exception": EXCEPTION}
    kinds = [getattr(builtins, name) for name in EXCEPTIONS]
    for kind in sorted(kinds, key=lambda one: len(one.__mro__)):
        found[kind.__name__] = Class(kind.__name__, (found[kind.__base__.__name__],))
    return found


UNREAD = (
    "eval", "exec", "compile", "open", "input", "__import__", "hash", "hex", "bin", "oct",
    "chr", "ord", "ascii", "breakpoint", "exit", "quit",
)  # fmt: skip
"""Names of Python that are refused where they are called."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": length_of,
    "range": _range,
    "xrange": _range,
    "int": _int,
    "float": _converter(float),
    "bool": _bool,
    "str": _str,
    "repr": lambda machine, value: machine.written(value),
    "list": list_of,
    "tuple": _tuple,
    "set": set_of,
    "frozenset": lambda machine, value=(): frozenset(set_of(machine, value)),
    "dict": dict_of,
    "enumerate": _enumerate,
    "zip": _zip,
    "reversed": _reversed,
    "map": _map,
    "filter": _filter,
    "iter": _iter,
    "next": _next,
    "sum": _sum,
    "min": _best(ast.Lt),
    "max": _best(ast.Gt),
    "sorted": sorted_of,
    "any": _any,
    "all": _all,
    "round": _round,
    "abs": _abs,
    "pow": raised_to,
    "divmod": _divmod,
    "getattr": _getattr,
    "hasattr": _hasattr,
    "setattr": _setattr,
    "delattr": _delattr,
    "type": _type,
    "isinstance": is_instance,
    "issubclass": is_subclass,
    "callable": is_callable,
    "id": id_of,
    "print": no_effect,
    "vars": _vars,
    "dir": _vars,
    "bytes": _unread("bytes"),
    "complex": _unread("complex"),
    "bytearray": _unread("bytearray"),
    "memoryview": _unread("memoryview"),
    **{name: _unread(name) for name in UNREAD},
    "slice": _slice,
}

BUILTINS: dict[str, Any] = {
    **{name: Native(name, call) for name, call in FUNCTIONS.items()},
    **_exceptions(),
    "object": OBJECT,
    "staticmethod": Native("staticmethod", lambda machine, function: Static(function)),
    "classmethod": Native("classmethod", lambda machine, function: ClassMethod(function)),
    "property": Native("property", lambda machine, getter, *_: Property(getter)),
    "NotImplemented": Unknown("NotImplemented"),
    "Ellipsis": ...,
    "__name__": "model",
    "__file__": "model.py",
    "__doc__": None,
}

INT = BUILTINS["int"]
NONE_TYPE = Native("NoneType", _unread("NoneType"))
