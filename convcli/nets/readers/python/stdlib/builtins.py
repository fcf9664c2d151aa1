"""Python's builtin functions and types in a model file.

Every name that a file can reach is in a table here; any other name does not exist.
"""

import ast
import builtins
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sized
from functools import partial
from typing import Any

from convcli.errors import SpecError
from convcli.nets.readers.python.language.attributes import attribute_name, set_attribute
from convcli.nets.readers.python.language.conversions import (
    describe,
    hashable,
    iterate,
    to_list,
    to_repr,
    to_str,
    truth,
)
from convcli.nets.readers.python.language.limits import charge, check_nesting, within_limits
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Caught,
    Class,
    ClassMethod,
    DefaultDict,
    Instance,
    Library,
    Native,
    NativeFunction,
    ProgramException,
    Property,
    ReadError,
    StaticMethod,
    Tensor,
    Unknown,
    Value,
    ValueIterator,
    check_known,
)
from convcli.nets.readers.python.language.operators import compare, operate
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.stdlib.type_checks import (
    OBJECT,
    TENSOR,
    TYPES,
    is_callable,
    is_instance,
    is_subclass,
)


def length_of(interpreter: Interpreter, value: Value) -> Value:
    if isinstance(value, Tensor):
        if not value.shape:
            raise ProgramException("TypeError", "len() of a tensor without axes")
        return value.shape[0]
    if isinstance(value, Instance):
        if value.cls.find("__len__") is MISSING:
            raise ProgramException("TypeError", f"{describe(value)} has no len()")
        return interpreter.call(interpreter.attribute(value, "__len__"), [], {})
    if isinstance(value, Class) and value.members is not None:
        return len(value.members)
    check_known(value)
    if not isinstance(value, Sized):
        raise ReadError(f"len: object of type {type(value).__name__!r} has no len()")
    return len(value)


# -- numbers --------------------------------------------------------------------------------


def _range(interpreter: Interpreter, *ends: Value) -> range:
    numbers = []
    for end in ends:
        check_known(end)
        number = end.number if isinstance(end, Tensor) and end.number is not None else end
        if not isinstance(number, int):
            raise ProgramException("TypeError", f"range() takes whole numbers, not {describe(end)}")
        numbers.append(number)
    return range(*numbers)


def _int(interpreter: Interpreter, value: Value = 0, base: Value = None) -> Value:
    if base is None:
        return _converter(int, interpreter, value)
    if not isinstance(value, str) or not isinstance(base, int) or len(value) > 40:
        raise ProgramException("TypeError", "int() takes a text and its base")
    return _converter(lambda text: int(str(text), base), interpreter, value)


def _converter(
    convert: Callable[[float | str], float], interpreter: Interpreter, value: Value = 0
) -> Value:
    """`int()` or `float()`."""
    if isinstance(value, Unknown):
        return value.outcome()
    if isinstance(value, Tensor):
        number = value.number
        return Unknown("the value of a tensor") if number is None else convert(number)
    if not isinstance(value, int | float | str) or (isinstance(value, str) and len(value) > 40):
        raise ProgramException("TypeError", f"{describe(value)} is not a number")
    try:
        return within_limits(interpreter, convert(value))
    except (ValueError, OverflowError) as error:
        raise ProgramException(type(error).__name__, str(error)) from None


def _round(interpreter: Interpreter, value: Value, digits: Value = None) -> Value:
    if isinstance(value, Tensor | Unknown):
        return value
    if digits is not None and not isinstance(digits, int):
        raise ProgramException("TypeError", "digits are a whole number")
    if digits is not None and abs(digits) > 30:
        raise ReadError(f"round to {digits} digits")
    if not isinstance(value, int | float):
        raise ProgramException("TypeError", f"{describe(value)} is not a number")
    return round(value, digits)


def _abs(interpreter: Interpreter, value: Value) -> Value:
    if isinstance(value, Tensor):
        return interpreter.tensor_unary("abs", value)
    if isinstance(value, Unknown):
        return value.outcome()
    if not isinstance(value, int | float | complex):
        raise ProgramException("TypeError", f"{describe(value)} is not a number")
    return abs(value)


def raised_to(interpreter: Interpreter, left: Value, right: Value) -> Value:
    return operate(interpreter, ast.Pow, left, right)


def _divmod(interpreter: Interpreter, left: Value, right: Value) -> tuple[Value, Value]:
    quotient = operate(interpreter, ast.FloorDiv, left, right)
    return quotient, operate(interpreter, ast.Mod, left, right)


# -- text and containers --------------------------------------------------------------------


def list_of(interpreter: Interpreter, value: Value = ()) -> list[Value]:
    return to_list(interpreter, value)


def set_of(interpreter: Interpreter, value: Value = ()) -> set[Value]:
    return {hashable(interpreter, item) for item in iterate(interpreter, value)}


def dict_of(interpreter: Interpreter, value: Value = (), /, **options: Value) -> dict[Value, Value]:
    items: dict[Value, Value] = {}
    if isinstance(value, dict):
        items |= value
        charge(interpreter, items)
    else:
        for pair in iterate(interpreter, value):
            key, item = to_list(interpreter, pair)
            items[hashable(interpreter, key)] = item
    items.update(options.items())
    return items


def defaultdict_of(
    interpreter: Interpreter, default: Value = None, value: Value = (), **options: Value
) -> DefaultDict:
    items = DefaultDict(dict_of(interpreter, value, **options))
    items.default = default
    return items


def counter_of(interpreter: Interpreter, value: Value = ()) -> DefaultDict:
    items = DefaultDict(Counter(hashable(interpreter, x) for x in iterate(interpreter, value)))
    items.default = INT
    return items


# -- loops ----------------------------------------------------------------------------------


def _enumerate(interpreter: Interpreter, value: Value, start: Value = 0) -> ValueIterator:
    check_known(start)
    if not isinstance(start, int):
        raise ProgramException("TypeError", f"{describe(start)} is not a whole number")
    return ValueIterator(enumerate(iterate(interpreter, value), start))


def _zip(interpreter: Interpreter, *values: Value, strict: Value = False) -> ValueIterator:
    rows = [iterate(interpreter, value) for value in values]
    return ValueIterator(_zipped(rows, truth(interpreter, strict)))


def _zipped(rows: list[Iterator[Value]], is_strict: bool) -> Iterator[Value]:
    try:
        yield from zip(*rows, strict=is_strict)
    except ValueError as error:
        if isinstance(error, SpecError):
            raise
        text = "zip() arguments are of different lengths"
        raise ProgramException("ValueError", text) from None


def _map(interpreter: Interpreter, function: Value, *values: Value) -> ValueIterator:
    rows = zip(*[iterate(interpreter, value) for value in values], strict=False)
    return ValueIterator(interpreter.call(function, list(row), {}) for row in rows)


def _filter(interpreter: Interpreter, function: Value, values: Value) -> ValueIterator:
    def keeps(item: Value) -> bool:
        result = item if function is None else interpreter.call(function, [item], {})
        return truth(interpreter, result)

    return ValueIterator(item for item in iterate(interpreter, values) if keeps(item))


def _next(interpreter: Interpreter, value: Value, default: Value = MISSING) -> Value:
    if isinstance(value, Unknown):
        return value.outcome()
    if not isinstance(value, ValueIterator):
        raise ProgramException("TypeError", f"{describe(value)} is not an iterator")
    item = next(value.items, default)
    if item is MISSING:
        raise ProgramException("StopIteration", "")
    return item


def _sum(interpreter: Interpreter, values: Value, start: Value = 0) -> Value:
    total = start
    for item in iterate(interpreter, values):
        total = operate(interpreter, ast.Add, total, item)
    return total


def _best(
    op: type[ast.cmpop],
    interpreter: Interpreter,
    *values: Value,
    key: Value = None,
    default: Value = MISSING,
) -> Value:
    """`min()` or `max()`."""
    items = to_list(interpreter, values[0]) if len(values) == 1 else list(values)
    if not items:
        if default is MISSING:
            raise ProgramException("ValueError", "the largest or smallest of nothing")
        return default
    best: Value = None
    best_key: Value = None
    for index, item in enumerate(items):
        own = item if key is None else interpreter.call(key, [item], {})
        if isinstance(own, Unknown):
            return own
        if index == 0 or truth(interpreter, compare(interpreter, op, own, best_key)):
            best, best_key = item, own
    return best


def sorted_of(
    interpreter: Interpreter, values: Value, key: Value = None, reverse: Value = False
) -> list[Value]:
    items = to_list(interpreter, values)
    # values that cannot be compared are a TypeError, as in Python
    keys: list[Any] = items if key is None else [interpreter.call(key, [i], {}) for i in items]
    check_nesting(interpreter, *keys)
    interpreter.tick(len(items) * max(len(items).bit_length(), 1))
    check_known(*keys)
    order = sorted(range(len(items)), key=keys.__getitem__, reverse=bool(reverse))
    return [items[index] for index in order]


def _of_truth(
    function: Callable[[Iterable[bool]], bool], interpreter: Interpreter, values: Value
) -> bool:
    """`any()` or `all()`."""
    return function(truth(interpreter, item) for item in iterate(interpreter, values))


# -- attributes and types -------------------------------------------------------------------


def _getattr(
    interpreter: Interpreter, owner: Value, name: Value, default: Value = MISSING
) -> Value:
    try:
        return interpreter.attribute(owner, attribute_name(name))
    except ProgramException as error:
        if error.kind != "AttributeError" or default is MISSING:
            raise
        return default


def _hasattr(interpreter: Interpreter, owner: Value, name: Value) -> Value:
    if isinstance(owner, Unknown):
        return owner.outcome()
    try:
        interpreter.attribute(owner, attribute_name(name))
    except ProgramException as error:
        if error.kind != "AttributeError":
            raise
        return False
    return True


def _delattr(interpreter: Interpreter, owner: Value, name: Value) -> None:
    if isinstance(owner, Instance):
        owner.attrs.pop(attribute_name(name), None)


def _type(interpreter: Interpreter, value: Value, *rest: Value) -> Value:
    if len(rest) == 2 and isinstance(value, str) and isinstance(rest[1], dict):
        bases = to_list(interpreter, rest[0])
        known = [base for base in bases if isinstance(base, Class | Unknown)]
        cls = Class(value, known, dict(rest[1]))
        cls.own = True
        return cls
    if isinstance(value, Instance):
        return value.cls
    if isinstance(value, Caught):
        raise value.class_of_it()
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


def id_of(interpreter: Interpreter, value: Value) -> int:
    return id(value)


def _vars(interpreter: Interpreter, value: Value = None) -> Value:
    """The names of an object, or of a library as far as they are known."""
    if isinstance(value, Instance):
        return within_limits(interpreter, dict(value.attrs))
    if isinstance(value, Library):
        return dict.fromkeys(interpreter.known_names(value))
    return Unknown("the names of a value")


def _unread(name: str, /, interpreter: Interpreter, *args: Value, **options: Value) -> Value:
    raise ReadError(f"{name}() is not read here")


def no_effect(interpreter: Interpreter, *args: Value, **options: Value) -> None:
    return None


def first(interpreter: Interpreter, value: Value, *args: Value, **options: Value) -> Value:
    """Return the first argument: unchanged, initialized, or wrapped."""
    return value


def slice_of(interpreter: Interpreter, *ends: Value) -> slice:
    check_known(*ends)
    numbers = [end for end in ends if isinstance(end, int | None)]
    if len(numbers) < len(ends):
        raise ProgramException("TypeError", "the ends of a slice are whole numbers")
    return slice(*numbers)


EXCEPTION = Class("Exception")


def _exception(interpreter: Interpreter, owner: Instance, *args: Value, **options: Value) -> None:
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
    """Python's exceptions, with the inheritance they have in Python."""
    classes = {"BaseException": EXCEPTION, "Exception": EXCEPTION}
    kinds = [getattr(builtins, name) for name in EXCEPTIONS]
    for kind in sorted(kinds, key=lambda kind: len(kind.__mro__)):
        classes[kind.__name__] = Class(kind.__name__, (classes[kind.__base__.__name__],))
    return classes


UNREAD = (
    "eval", "exec", "compile", "open", "input", "__import__", "hash", "hex", "bin", "oct",
    "chr", "ord", "ascii", "breakpoint", "exit", "quit", "bytes", "complex", "bytearray",
    "memoryview",
)  # fmt: skip
"""Names of Python whose calls are refused."""

FUNCTIONS: dict[str, NativeFunction] = {
    "len": length_of,
    "range": _range,
    "xrange": _range,
    "int": _int,
    "float": partial(_converter, float),
    "bool": lambda interpreter, value=False: (
        value.outcome() if isinstance(value, Unknown) else truth(interpreter, value)
    ),
    "str": lambda interpreter, value="": (
        value.outcome() if isinstance(value, Unknown) else to_str(interpreter, value)
    ),
    "repr": to_repr,
    "list": list_of,
    "tuple": lambda interpreter, value=(): tuple(to_list(interpreter, value)),
    "set": set_of,
    "frozenset": lambda interpreter, value=(): frozenset(set_of(interpreter, value)),
    "dict": dict_of,
    "enumerate": _enumerate,
    "zip": _zip,
    "reversed": lambda interpreter, value: ValueIterator(reversed(to_list(interpreter, value))),
    "map": _map,
    "filter": _filter,
    "iter": lambda interpreter, value: ValueIterator(iterate(interpreter, value)),
    "next": _next,
    "sum": _sum,
    "min": partial(_best, ast.Lt),
    "max": partial(_best, ast.Gt),
    "sorted": sorted_of,
    "any": partial(_of_truth, any),
    "all": partial(_of_truth, all),
    "round": _round,
    "abs": _abs,
    "pow": raised_to,
    "divmod": _divmod,
    "getattr": _getattr,
    "hasattr": _hasattr,
    "setattr": lambda interpreter, owner, name, value: set_attribute(
        interpreter, owner, attribute_name(name), value
    ),
    "delattr": _delattr,
    "type": _type,
    "isinstance": is_instance,
    "issubclass": is_subclass,
    "callable": is_callable,
    "id": id_of,
    "print": no_effect,
    "vars": _vars,
    "dir": _vars,
    **{name: partial(_unread, name) for name in UNREAD},
    "slice": slice_of,
}

BUILTINS: dict[str, Value] = {
    **{name: Native(name, call) for name, call in FUNCTIONS.items()},
    **_exceptions(),
    "object": OBJECT,
    "staticmethod": Native("staticmethod", lambda interpreter, function: StaticMethod(function)),
    "classmethod": Native("classmethod", lambda interpreter, function: ClassMethod(function)),
    "property": Native(
        "property", lambda interpreter, getter, setter=None, *_: Property(getter, setter)
    ),
    "NotImplemented": Unknown("NotImplemented"),
    "Ellipsis": ...,
    "__name__": "model",
    "__file__": "model.py",
    "__doc__": None,
}

INT = BUILTINS["int"]
NONE_TYPE = Native("NoneType", partial(_unread, "NoneType"))
