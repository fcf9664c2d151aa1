"""Conversions of every value: its truth, its items, its text, its hash."""

from collections.abc import ItemsView, Iterator, KeysView, ValuesView

from convcli.nets.readers.python.language.limits import MAX_ITEMS, check_nesting, within_limits
from convcli.nets.readers.python.language.objects import (
    NUMBERS,
    BoundMethod,
    Class,
    Function,
    Instance,
    Library,
    Native,
    Partial,
    ProgramException,
    ReadError,
    Tensor,
    Unknown,
    Value,
    ValueIterator,
    check_known,
)
from convcli.nets.readers.python.language.protocol import Interpreter


def truth(interpreter: Interpreter, value: Value) -> bool:
    """Whether a value is true, by Python's rules. Raises ReadError for an unknown value."""
    if isinstance(value, Unknown):
        raise value.error()
    if isinstance(value, Tensor):
        if value.number is None:
            raise ReadError("a branch depends on the values of a tensor")
        return bool(value.number)
    if isinstance(value, Instance):
        if isinstance(value.cls.find("__len__"), Native | Function):
            return bool(interpreter.call(interpreter.attribute(value, "__len__"), [], {}))
        return True
    if isinstance(
        value, Class | Function | Native | BoundMethod | Partial | Library | ValueIterator
    ):
        return True
    return bool(value)


def iterate(interpreter: Interpreter, value: Value) -> Iterator[Value]:
    """The items of a value, one step per item. Raises ReadError for a value without items."""
    for item in _items(interpreter, value):
        interpreter.tick()
        yield item


def _items(interpreter: Interpreter, value: Value) -> Iterator[Value]:
    if isinstance(value, list):
        return _growing(value)
    if isinstance(value, str | tuple | frozenset | range):
        return iter(value)
    if isinstance(value, dict | set | KeysView | ValuesView | ItemsView):
        return iter(list(value))
    if isinstance(value, ValueIterator):
        return value.items
    if isinstance(value, Tensor):
        return iter(interpreter.unbind(value) if value.values is None else value.values)
    check_known(value)
    if isinstance(value, Instance):
        if isinstance(value.cls.find("__iter__"), Native | Function):
            method = interpreter.attribute(value, "__iter__")
            return _items(interpreter, interpreter.call(method, [], {}))
        if isinstance(value.cls.find("__getitem__"), Function):
            return _indexed(interpreter, value)
    if isinstance(value, Class) and value.members is not None:
        return iter(value.members.values())
    raise ProgramException("TypeError", f"{describe(value)} cannot be iterated over")


def _growing(value: list[Value]) -> Iterator[Value]:
    # a list may grow while it is iterated over, as in Python; every step is counted
    yield from value


def _indexed(interpreter: Interpreter, value: Instance) -> Iterator[Value]:
    """The items of an object that has `__getitem__` alone, until it raises IndexError."""
    getter = interpreter.attribute(value, "__getitem__")
    for index in range(MAX_ITEMS):
        try:
            item = interpreter.call(getter, [index], {})
        except ProgramException as error:
            if error.kind != "IndexError":
                raise
            return
        yield item
    raise ReadError(f"{describe(value)} gives more than {MAX_ITEMS:,} items")


def to_list(interpreter: Interpreter, value: Value) -> list[Value]:
    """The items of a value as a list of bounded length."""
    items = []
    for item in iterate(interpreter, value):
        items.append(item)
        if len(items) > MAX_ITEMS:
            raise ReadError(f"more than {MAX_ITEMS:,} items are listed")
    return items


def hashable(interpreter: Interpreter, value: Value) -> Value:
    """The value itself, which a dict or a set may hold."""
    if isinstance(value, list | dict | set):
        raise ProgramException("TypeError", f"unhashable type: {type(value).__name__!r}")
    if isinstance(value, Unknown):
        raise value.error()
    if isinstance(value, tuple):
        check_nesting(interpreter, value)
        for item in value:
            hashable(interpreter, item)
    return value


def to_str(interpreter: Interpreter, value: Value) -> str:
    """The result of `str()`."""
    if isinstance(value, str):
        return value
    own = _own_text(interpreter, value, "__str__")
    return to_repr(interpreter, value) if own is None else own


def to_repr(interpreter: Interpreter, value: Value) -> str:
    """The result of `repr()`; a description for values that Python does not have."""
    check_nesting(interpreter, value)
    return within_limits(interpreter, _repr(interpreter, value))


def _own_text(interpreter: Interpreter, value: Value, name: str) -> str | None:
    """The result of a method defined in the file, for an object; None if its class has none."""
    if not isinstance(value, Instance) or not isinstance(value.cls.find(name), Function):
        return None
    text = interpreter.call(interpreter.attribute(value, name), [], {})
    check_known(text)
    if not isinstance(text, str):
        raise ProgramException("TypeError", f"{name} returned non-string")
    return text


def _repr(interpreter: Interpreter, value: Value) -> str:
    if isinstance(value, set | frozenset) and not value:
        return f"{type(value).__name__}()"
    if isinstance(value, list | tuple | set | frozenset):
        items = ", ".join(_repr(interpreter, item) for item in value)
        if isinstance(value, tuple):
            return f"({items},)" if len(value) == 1 else f"({items})"
        if isinstance(value, frozenset):
            return f"frozenset({{{items}}})"
        return f"[{items}]" if isinstance(value, list) else f"{{{items}}}"
    if isinstance(value, dict):
        pairs = [
            f"{_repr(interpreter, key)}: {_repr(interpreter, item)}" for key, item in value.items()
        ]
        return f"{{{', '.join(pairs)}}}"
    own = _own_text(interpreter, value, "__repr__")
    if own is not None:
        return own
    if isinstance(value, str | int | float | complex | bytes | range | type(None)):
        return repr(value)
    return describe(value)


def describe(value: Value) -> str:
    """A short description of a value, for messages."""
    if isinstance(value, Unknown):
        return value.text
    if isinstance(value, Tensor):
        return f"a tensor of {'x'.join(map(str, value.shape)) or 'one value'}"
    if isinstance(value, Instance):
        return f"a {value.cls.name}"
    if isinstance(value, Class | Native | Function | Library):
        return value.name
    if isinstance(value, BoundMethod | Partial):
        return describe(value.function)
    if isinstance(value, NUMBERS):
        return repr(value)
    return f"a {type(value).__name__}"
