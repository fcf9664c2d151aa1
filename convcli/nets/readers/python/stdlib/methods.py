"""Methods of strings, lists, dicts, sets and numbers, by type and name."""

import ast
import math
import re
import string
from collections.abc import Sequence
from functools import partial

from convcli.callsyntax import brief
from convcli.nets.readers.python.language.conversions import (
    describe,
    hashable,
    iterate,
    to_list,
    to_repr,
    to_str,
    truth,
)
from convcli.nets.readers.python.language.limits import (
    MAX_ITEMS,
    charge,
    within_length,
    within_limits,
)
from convcli.nets.readers.python.language.objects import (
    MISSING,
    BoundMethod,
    Function,
    Instance,
    Native,
    NativeFunction,
    ProgramException,
    ReadError,
    Unknown,
    Value,
    ValuesIndices,
)
from convcli.nets.readers.python.language.operators import compare, equal
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.stdlib.builtins import dict_of, length_of, set_of, sorted_of
from convcli.nets.readers.python.stdlib.modules import chain_from_iterable
from convcli.nets.readers.python.stdlib.type_checks import TYPES


def _format(interpreter: Interpreter, text: str, *args: Value, **options: Value) -> Value:
    """`text.format(…)`."""
    parts: list[str] = []
    number = 0
    for before, field, spec, conversion in string.Formatter().parse(text):
        parts.append(before)
        if field is None:
            continue
        if field == "":
            field, number = str(number), number + 1
        if spec and "{" in spec:
            raise ReadError("a format inside a format is not read here")
        if field.isdigit():
            value = args[int(field[:6])]
        elif field.isidentifier():
            value = options[field]
        else:
            raise ReadError(f"the format {field[:40]!r} is not read here")
        if isinstance(value, Unknown):
            return value.outcome()
        value = to_repr(interpreter, value) if conversion == "r" else value
        parts.append(format_value(interpreter, value, spec or ""))
    return within_limits(interpreter, "".join(parts))


def format_value(interpreter: Interpreter, value: Value, spec: str) -> str:
    """`format(value, spec)` for numbers and text, with widths up to 999."""
    if isinstance(value, Instance) and isinstance(value.cls.find("__format__"), Function):
        raise ReadError(f"{value.cls.name} has a __format__ of its own")
    if not spec:
        return str(to_str(interpreter, value))
    if re.search(r"\d{4}", spec):
        raise ReadError(f"the format {spec[:40]!r} is too wide")
    if not isinstance(value, int | float | str):
        value = to_str(interpreter, value)
    return format(value, spec)


def percent_format(interpreter: Interpreter, text: str, values: Value) -> Value:
    """`text % values`."""
    given = values if isinstance(values, tuple) else (values,)
    if re.search(r"\d{4}", text) or "*" in text:
        raise ReadError("the format is too wide")
    for value in given:
        if isinstance(value, Unknown):
            return value.outcome()
    filling: tuple[int | float | str, ...] | dict[str, str]
    if isinstance(values, dict):
        named = ((key, value) for key, value in values.items() if isinstance(key, str))
        filling = {key: to_str(interpreter, value) for key, value in named}
    else:
        filling = tuple(
            value if isinstance(value, int | float | str) else to_str(interpreter, value)
            for value in given
        )
    try:
        return within_limits(interpreter, text % filling)
    except (TypeError, ValueError, KeyError) as error:
        raise ProgramException(type(error).__name__, str(error)) from None


def _join(interpreter: Interpreter, text: str, values: Value) -> Value:
    parts: list[str] = []
    for item in to_list(interpreter, values):
        if isinstance(item, Unknown):
            return item.outcome()
        if not isinstance(item, str):
            raise ProgramException("TypeError", f"join() of {describe(item)}, which is not text")
        parts.append(item)
    if sum(map(len, parts)) + len(text) * len(parts) > MAX_ITEMS:
        raise ReadError("a string grows too long")
    return within_limits(interpreter, text.join(parts))


def _replace(interpreter: Interpreter, text: str, old: str, new: str, count: int = -1) -> Value:
    charge(interpreter, text, old, new)
    times = text.count(old) + (0 if old else 1)
    if len(text) + times * len(new) > 5 * MAX_ITEMS:
        raise ReadError("a string grows too long")
    return within_limits(interpreter, text.replace(old, new, count))


def _of_text(
    name: str, /, interpreter: Interpreter, text: str, *args: Value, **options: Value
) -> Value:
    for value in (*args, *options.values()):
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 1000:
            raise ReadError(f"{name} of {value:,} characters")
    charge(interpreter, text, *args)
    return within_limits(interpreter, getattr(str, name)(text, *args, **options))


STRING_METHODS = (
    "lower", "upper", "title", "capitalize", "strip", "lstrip", "rstrip", "split", "rsplit",
    "splitlines", "partition", "rpartition", "startswith", "endswith", "find", "rfind", "index",
    "count", "isdigit", "isnumeric", "isdecimal", "isalpha", "isalnum", "isupper", "islower",
    "isspace", "isidentifier", "removeprefix", "removesuffix", "zfill", "ljust", "rjust",
    "center",
)  # fmt: skip
"""Methods of strings that are called directly."""


def _append(interpreter: Interpreter, owner: list[Value], value: Value) -> None:
    owner.append(value)
    within_length(owner)


def _extend(interpreter: Interpreter, owner: list[Value], values: Value) -> None:
    for item in to_list(interpreter, values):
        _append(interpreter, owner, item)


def _insert(interpreter: Interpreter, owner: list[Value], index: int, value: Value) -> None:
    owner.insert(index, value)
    within_limits(interpreter, owner)


def _pop(interpreter: Interpreter, owner: list[Value], index: int = -1) -> Value:
    try:
        return owner.pop(index)
    except IndexError:
        raise ProgramException("IndexError", f"there is no item {index} to take out") from None


def _index(interpreter: Interpreter, owner: Sequence[Value], value: Value) -> int:
    for index, item in enumerate(owner):
        interpreter.tick()
        if equal(interpreter, item, value):
            return index
    raise ProgramException("ValueError", f"{describe(value)} is not in it")


def _remove(interpreter: Interpreter, owner: list[Value], value: Value) -> None:
    del owner[_index(interpreter, owner, value)]


def _count(interpreter: Interpreter, owner: Value, value: Value) -> int:
    return sum(
        truth(interpreter, compare(interpreter, ast.Eq, item, value))
        for item in iterate(interpreter, owner)
    )


def _sort(
    interpreter: Interpreter, owner: list[Value], key: Value = None, reverse: Value = False
) -> None:
    owner[:] = sorted_of(interpreter, owner, key, reverse)


def _take(
    interpreter: Interpreter, owner: dict[Value, Value], key: Value, default: Value = MISSING
) -> Value:
    value = owner.pop(hashable(interpreter, key), default)
    if value is MISSING:
        raise ProgramException("KeyError", to_repr(interpreter, key)[:60])
    return value


def _update(
    interpreter: Interpreter, owner: dict[Value, Value], value: Value = (), /, **options: Value
) -> None:
    owner.update(dict_of(interpreter, value, **options))
    within_length(owner)


def _popitem(interpreter: Interpreter, owner: dict[Value, Value], last: Value = True) -> Value:
    if not owner:
        raise ProgramException("KeyError", "an empty dict has no item")
    key = next(reversed(owner)) if last else next(iter(owner))
    return key, owner.pop(key)


def _union(interpreter: Interpreter, owner: set[Value], *others: Value) -> set[Value]:
    charge(interpreter, owner)
    return within_limits(
        interpreter, owner.union(*(set_of(interpreter, other) for other in others))
    )


def _add(interpreter: Interpreter, owner: set[Value], value: Value) -> None:
    owner.add(hashable(interpreter, value))
    within_length(owner)


def _member(interpreter: Interpreter, owner: set[Value], value: Value) -> Value:
    if hashable(interpreter, value) not in owner:
        raise ProgramException("KeyError", to_repr(interpreter, value)[:60])
    return value


METHODS: dict[type, dict[str, NativeFunction]] = {
    str: {
        **{name: partial(_of_text, name) for name in STRING_METHODS},
        "format": _format,
        "join": _join,
        "replace": _replace,
    },
    list: {
        "append": _append,
        "extend": _extend,
        "insert": _insert,
        "appendleft": lambda interpreter, owner, value: _insert(interpreter, owner, 0, value),
        "popleft": lambda interpreter, owner: _pop(interpreter, owner, 0),
        "pop": _pop,
        "index": _index,
        "remove": _remove,
        "count": _count,
        "sort": _sort,
        "reverse": lambda interpreter, owner: within_limits(interpreter, owner).reverse(),
        "copy": lambda interpreter, owner: within_limits(interpreter, list(owner)),
        "clear": lambda interpreter, owner: owner.clear(),
        "__len__": length_of,
    },
    tuple: {"index": _index, "count": _count, "numel": lambda interpreter, owner: math.prod(owner)},
    dict: {
        "get": lambda interpreter, owner, key, default=None: owner.get(
            hashable(interpreter, key), default
        ),
        "pop": _take,
        "popitem": _popitem,
        "update": _update,
        "setdefault": lambda interpreter, owner, key, value=None: owner.setdefault(
            hashable(interpreter, key), value
        ),
        "keys": lambda interpreter, owner: owner.keys(),
        "values": lambda interpreter, owner: owner.values(),
        "items": lambda interpreter, owner: owner.items(),
        "copy": lambda interpreter, owner: within_limits(interpreter, dict(owner)),
        "clear": lambda interpreter, owner: owner.clear(),
        "move_to_end": lambda interpreter, owner, key: owner.update({key: owner.pop(key)}),
    },
    set: {
        "add": _add,
        "update": lambda interpreter, owner, other: owner.update(set_of(interpreter, other)),
        "union": _union,
        "intersection": lambda interpreter, owner, other: (
            within_limits(interpreter, owner) & set_of(interpreter, other)
        ),
        "difference": lambda interpreter, owner, other: (
            within_limits(interpreter, owner) - set_of(interpreter, other)
        ),
        "discard": lambda interpreter, owner, value: owner.discard(hashable(interpreter, value)),
        "remove": lambda interpreter, owner, value: owner.remove(
            _member(interpreter, owner, value)
        ),
        "copy": lambda interpreter, owner: within_limits(interpreter, set(owner)),
        "issubset": lambda interpreter, owner, other: owner <= set_of(interpreter, other),
    },
    int: {
        "bit_length": lambda interpreter, owner: owner.bit_length(),
        "item": lambda interpreter, owner: owner,
    },
    float: {
        "is_integer": lambda interpreter, owner: owner.is_integer(),
        "item": lambda interpreter, owner: owner,
    },
}
"""Methods of Python's own types, by type and name."""


def method_of(interpreter: Interpreter, value: Value, name: str) -> Value:
    """A method of a plain value. Raises ProgramException for one that is not in the table."""
    for kind, methods in METHODS.items():
        if isinstance(value, kind) and name in methods:
            return BoundMethod(Native(name, methods[name]), value)
    if isinstance(value, ValuesIndices) and name in ("values", "indices"):
        return value[name == "indices"]
    if isinstance(value, int | float) and name in ("real", "imag"):
        return value if name == "real" else 0
    raise ProgramException("AttributeError", f"{describe(value)} has no {brief(name)} here")


def class_method_of_type(interpreter: Interpreter, type_: str, name: str) -> Value:
    """`str.lower`, `dict.fromkeys`: a method looked up on a type."""
    if type_ == "chain" and name == "from_iterable":
        return Native(name, chain_from_iterable)
    if type_ in ("dict", "OrderedDict") and name == "fromkeys":
        return Native(
            name,
            lambda interpreter, keys, value=None: {
                hashable(interpreter, key): value for key in iterate(interpreter, keys)
            },
        )
    for kind in TYPES.get(type_, ()):
        if name in METHODS.get(kind, {}):
            return Native(name, METHODS[kind][name])
    return MISSING
