"""Methods of strings, lists, dicts, sets and numbers, by type and name."""

import ast
import math
import string
from collections.abc import Callable, Iterator
from typing import Any

from convcli.nets.readers.python.language.limits import MOST_ITEMS
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Bound,
    Halt,
    Native,
    Raised,
    Ranked,
    Unknown,
)
from convcli.nets.readers.python.stdlib.builtins import dict_of, length_of, set_of, sorted_of
from convcli.nets.readers.python.stdlib.type_checks import TYPES


def _format(machine: Any, text: str, *args: Any, **options: Any) -> Any:
    parts, place = [], 0
    for before, field, spec, conversion in string.Formatter().parse(text):
        parts.append(before)
        if field is None:
            continue
        if field == "":
            field, place = str(place), place + 1
        if spec and "{" in spec:
            raise Halt("a format inside a format is not read here")
        if field.isdigit():
            value = args[int(field[:6])]
        elif field.isidentifier():
            value = options[field]
        else:
            raise Halt(f"the format {field[:40]!r} is not read here")
        if isinstance(value, Unknown):
            return value.outcome()
        value = machine.written(value) if conversion == "r" else value
        parts.append(formatted(machine, value, spec or ""))
    return machine.sized("".join(parts))


def formatted(machine: Any, value: Any, spec: str) -> str:
    """`format(value, spec)` for numbers and text, with widths up to 999."""
    if not spec:
        return str(machine.text(value))
    if any(len(digits) > 3 for digits in _digits(spec)):
        raise Halt(f"the format {spec[:40]!r} is too wide")
    if not isinstance(value, int | float | str):
        value = machine.text(value)
    return format(value, spec)


def percent(machine: Any, text: str, values: Any) -> Any:
    """`text % values`."""
    given = values if isinstance(values, tuple) else (values,)
    if any(len(digits) > 3 for digits in _digits(text)) or "*" in text:
        raise Halt("the format is too wide")
    plain: Any = []
    for one in given:
        if isinstance(one, Unknown):
            return one.outcome()
        plain.append(one if isinstance(one, int | float | str) else machine.text(one))
    if isinstance(values, dict):
        plain = [{key: machine.text(one) for key, one in values.items() if isinstance(key, str)}]
    try:
        return machine.sized(text % (plain[0] if isinstance(values, dict) else tuple(plain)))
    except (TypeError, ValueError, KeyError) as error:
        raise Raised(type(error).__name__, str(error)) from None


def _digits(text: str) -> Iterator[str]:
    run = ""
    for character in text:
        if character.isdigit():
            run += character
        elif run:
            yield run
            run = ""
    if run:
        yield run


def _join(machine: Any, text: str, values: Any) -> Any:
    items = machine.listed(values)
    for one in items:
        if isinstance(one, Unknown):
            return one.outcome()
    if sum(map(len, items)) + len(text) * len(items) > MOST_ITEMS:
        raise Halt("a string grows too long")
    return text.join(items)


def _replace(machine: Any, text: str, old: str, new: str, count: int = -1) -> Any:
    many = text.count(old) + (0 if old else 1)
    if len(text) + many * len(new) > 5 * MOST_ITEMS:
        raise Halt("a string grows too long")
    return text.replace(old, new, count)


def _of_text(name: str) -> Callable[..., Any]:
    method = getattr(str, name)

    def call(machine: Any, text: str, *args: Any, **options: Any) -> Any:
        for one in (*args, *options.values()):
            if isinstance(one, int) and not isinstance(one, bool) and abs(one) > 1000:
                raise Halt(f"{name} of {one:,} characters")
        return machine.sized(method(text, *args, **options))

    return call


STRING_METHODS = (
    "lower", "upper", "title", "capitalize", "strip", "lstrip", "rstrip", "split", "rsplit",
    "splitlines", "partition", "rpartition", "startswith", "endswith", "find", "rfind", "index",
    "count", "isdigit", "isnumeric", "isdecimal", "isalpha", "isalnum", "isupper", "islower",
    "isspace", "isidentifier", "removeprefix", "removesuffix", "zfill", "ljust", "rjust",
    "center",
)  # fmt: skip
"""Methods of strings that are called as they are."""


def _append(machine: Any, held: list[Any], value: Any) -> None:
    held.append(value)
    machine.sized(held)


def _extend(machine: Any, held: list[Any], values: Any) -> None:
    for one in machine.listed(values):
        _append(machine, held, one)


def _insert(machine: Any, held: list[Any], place: int, value: Any) -> None:
    held.insert(place, value)
    machine.sized(held)


def _pop(machine: Any, held: list[Any], place: int = -1) -> Any:
    try:
        return held.pop(place)
    except IndexError:
        raise Raised("IndexError", f"there is no item {place} to take out") from None


def _find(machine: Any, held: Any, value: Any) -> int:
    for place, one in enumerate(held):
        machine.tick()
        if one is value or machine.truth(machine.compare(ast.Eq, one, value)):
            return place
    raise Raised("ValueError", f"{machine.describe(value)} is not in it")


def _remove(machine: Any, held: list[Any], value: Any) -> None:
    del held[_find(machine, held, value)]


def _count(machine: Any, held: Any, value: Any) -> int:
    return sum(machine.truth(machine.compare(ast.Eq, one, value)) for one in machine.iterate(held))


def _sort(machine: Any, held: list[Any], key: Any = None, reverse: Any = False) -> None:
    held[:] = sorted_of(machine, held, key, reverse)


def _get(machine: Any, held: dict[Any, Any], key: Any, default: Any = None) -> Any:
    return held.get(machine.key(key), default)


def _take(machine: Any, held: dict[Any, Any], key: Any, default: Any = MISSING) -> Any:
    found = held.pop(machine.key(key), default)
    if found is MISSING:
        raise Raised("KeyError", machine.written(key)[:60])
    return found


def _update(machine: Any, held: dict[Any, Any], value: Any = (), /, **options: Any) -> None:
    held.update(dict_of(machine, value, **options))
    machine.sized(held)


def _setdefault(machine: Any, held: dict[Any, Any], key: Any, value: Any = None) -> Any:
    return held.setdefault(machine.key(key), value)


def _popitem(machine: Any, held: dict[Any, Any], last: Any = True) -> Any:
    if not held:
        raise Raised("KeyError", "an empty dict has no item")
    key = next(reversed(held)) if last else next(iter(held))
    return key, held.pop(key)


def _union(machine: Any, held: set[Any], *others: Any) -> set[Any]:
    return held.union(*(set_of(machine, one) for one in others))


def _add(machine: Any, held: set[Any], value: Any) -> None:
    held.add(machine.key(value))
    machine.sized(held)


def _member(machine: Any, held: set[Any], value: Any) -> Any:
    if machine.key(value) not in held:
        raise Raised("KeyError", machine.written(value)[:60])
    return value


METHODS: dict[type, dict[str, Callable[..., Any]]] = {
    str: {
        **{name: _of_text(name) for name in STRING_METHODS},
        "format": _format,
        "join": _join,
        "replace": _replace,
    },
    list: {
        "append": _append,
        "extend": _extend,
        "insert": _insert,
        "appendleft": lambda machine, held, value: _insert(machine, held, 0, value),
        "popleft": lambda machine, held: _pop(machine, held, 0),
        "pop": _pop,
        "index": _find,
        "remove": _remove,
        "count": _count,
        "sort": _sort,
        "reverse": lambda machine, held: held.reverse(),
        "copy": lambda machine, held: list(held),
        "clear": lambda machine, held: held.clear(),
        "__len__": length_of,
    },
    tuple: {"index": _find, "count": _count, "numel": lambda machine, held: math.prod(held)},
    dict: {
        "get": _get,
        "pop": _take,
        "popitem": _popitem,
        "update": _update,
        "setdefault": _setdefault,
        "keys": lambda machine, held: list(held),
        "values": lambda machine, held: list(held.values()),
        "items": lambda machine, held: list(held.items()),
        "copy": lambda machine, held: dict(held),
        "clear": lambda machine, held: held.clear(),
        "move_to_end": lambda machine, held, key: _set_last(held, key),
    },
    set: {
        "add": _add,
        "update": lambda machine, held, other: held.update(set_of(machine, other)),
        "union": _union,
        "intersection": lambda machine, held, other: held & set_of(machine, other),
        "difference": lambda machine, held, other: held - set_of(machine, other),
        "discard": lambda machine, held, value: held.discard(machine.key(value)),
        "remove": lambda machine, held, value: held.remove(_member(machine, held, value)),
        "copy": lambda machine, held: set(held),
        "issubset": lambda machine, held, other: held <= set_of(machine, other),
    },
    int: {
        "bit_length": lambda machine, held: held.bit_length(),
        "item": lambda machine, held: held,
    },
    float: {
        "is_integer": lambda machine, held: held.is_integer(),
        "item": lambda machine, held: held,
    },
}
"""Methods of Python's own types, by type and name."""


def _set_last(held: dict[Any, Any], key: Any) -> None:
    held[key] = held.pop(key)


def method_of(value: Any, name: str) -> Any:
    """A method of a plain value; MISSING for one that is not in the table."""
    for kind, methods in METHODS.items():
        if isinstance(value, kind) and name in methods:
            return Bound(Native(name, methods[name]), value)
    if isinstance(value, Ranked) and name in ("values", "indices"):
        return value[name == "indices"]
    if isinstance(value, int | float) and name in ("real", "imag"):
        return value if name == "real" else 0
    return MISSING


def class_method_of_type(type_: str, name: str) -> Any:
    """`str.lower`, `dict.fromkeys`: a method asked of a type."""
    if type_ in ("dict", "OrderedDict") and name == "fromkeys":
        return Native(
            name,
            lambda machine, keys, value=None: {
                machine.key(one): value for one in machine.iterate(keys)
            },
        )
    for kind in TYPES.get(type_, ()):
        if name in METHODS.get(kind, {}):
            return Native(name, METHODS[kind][name])
    return MISSING
