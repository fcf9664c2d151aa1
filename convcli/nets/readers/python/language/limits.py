"""What every step of reading a model file goes through: its bounds, and what plain values mean."""

import ast
from collections.abc import Callable, Iterator
from typing import Any

from convcli.callsyntax import excerpt
from convcli.errors import SpecError
from convcli.nets.readers.python.language.objects import (
    NUMBERS,
    Bound,
    Class,
    File,
    Function,
    Halt,
    Iterating,
    Library,
    Native,
    Object,
    Partial,
    Raised,
    Tensor,
    Unknown,
)

MOST_STEPS = 2_000_000
"""Expressions and statements that are looked at; the longest of 338 builds took 520,000."""

MOST_ITEMS = 200_000
"""Items of one list, and characters of one string, times five."""

LARGEST = 10**18
"""Whole numbers stay below."""

MOST_COMPARED = 20_000
"""Values inside values that are compared, hashed or written out at once."""

CONTAINERS = (list, tuple, dict, set, frozenset)


class Core:
    """Counts the steps, and says what is true, what is in something, and how it is written."""

    # what the classes derived from this one give
    call: Callable[[Any, list[Any], dict[str, Any]], Any]
    attribute: Callable[[Any, str], Any]
    unbind: Callable[[Tensor], list[Any]]

    def __init__(self) -> None:
        self.steps = 0

    def tick(self, many: int = 1) -> None:
        self.steps += many
        if self.steps > MOST_STEPS:
            raise Halt(f"the file takes more than {MOST_STEPS:,} steps to read")

    def sized(self, value: Any) -> Any:
        """The value, if it is not larger than what is worked with here."""
        if type(value) is int:
            if not -LARGEST < value < LARGEST:
                raise Halt("a number is beyond 10^18")
        elif isinstance(value, str | bytes):
            self.tick(len(value) // 100)
            if len(value) > 5 * MOST_ITEMS:
                raise Halt(f"a string is longer than {5 * MOST_ITEMS:,} characters")
        elif isinstance(value, CONTAINERS):
            self.tick(len(value) // 10)
            if len(value) > MOST_ITEMS:
                raise Halt(f"a {type(value).__name__} holds more than {MOST_ITEMS:,} items")
        return value

    def plain(self, *values: Any) -> None:
        """Refuses nests of values so large that comparing or writing them would not end."""
        waiting, seen = list(values), 0
        while waiting:
            one = waiting.pop()
            seen += 1
            if seen > MOST_COMPARED:
                raise Halt(f"more than {MOST_COMPARED:,} values are compared at once")
            if isinstance(one, dict):
                waiting += one
                waiting += one.values()
            elif isinstance(one, CONTAINERS):
                waiting += one
        self.tick(seen // 10)

    def unknown(self, value: Any, node: ast.AST | None = None) -> Halt:
        """The refusal to go on with a value that is not known."""
        text = f"{excerpt(node)} needs " if node is not None else ""
        return Halt(f"{text}{value.text}, which is not known here", value.where)

    def truth(self, value: Any) -> bool:
        """Whether a value is true, as Python has it. Raises Halt for what is not known."""
        if isinstance(value, Unknown):
            raise self.unknown(value)
        if isinstance(value, Tensor):
            if value.number is None:
                raise Halt("a branch depends on the values of a tensor")
            return bool(value.number)
        if isinstance(value, Object):
            if isinstance(value.cls.find("__len__"), Native | Function):
                return bool(self.call(self.attribute(value, "__len__"), [], {}))
            return True
        if isinstance(value, Class | Function | Native | Bound | Partial | Library | Iterating):
            return True
        return bool(value)

    def iterate(self, value: Any) -> Iterator[Any]:
        """The items of a value, a step each. Raises Halt for what has none."""
        for item in self._items(value):
            self.tick()
            yield item

    def _items(self, value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            return self._growing(value)
        if isinstance(value, str | tuple | dict | set | frozenset | range):
            return iter(list(value) if isinstance(value, dict | set) else value)
        if isinstance(value, Iterating):
            return value.items
        if isinstance(value, Tensor):
            return iter(self.unbind(value) if value.values is None else value.values)
        if isinstance(value, Unknown):
            raise self.unknown(value)
        if isinstance(value, Object):
            if isinstance(value.cls.find("__iter__"), Native | Function):
                return self._items(self.call(self.attribute(value, "__iter__"), [], {}))
            if isinstance(value.cls.find("__getitem__"), Function):
                return iter(self._indexed(value))
        if isinstance(value, Class) and "__members__" in value.names:
            return iter(value.names["__members__"].values())
        raise Raised("TypeError", f"{self.describe(value)} cannot be iterated over")

    def _growing(self, value: list[Any]) -> Iterator[Any]:
        # a list may grow while it is walked, as in Python; every step is counted
        yield from value

    def _indexed(self, value: Object) -> list[Any]:
        getter, found = self.attribute(value, "__getitem__"), []
        size = self.call(self.attribute(value, "__len__"), [], {})
        for place in range(min(size, MOST_ITEMS)):
            self.tick()
            found.append(self.call(getter, [place], {}))
        return found

    def listed(self, value: Any) -> list[Any]:
        """The items of a value as a list of bounded length."""
        found = []
        for item in self.iterate(value):
            found.append(item)
            if len(found) > MOST_ITEMS:
                raise Halt(f"more than {MOST_ITEMS:,} items are listed")
        return found

    def key(self, value: Any) -> Any:
        """A value that a dict or a set may hold."""
        if isinstance(value, list | dict | set):
            raise Raised("TypeError", f"unhashable type: {type(value).__name__!r}")
        if isinstance(value, Unknown):
            raise self.unknown(value)
        if isinstance(value, tuple):
            self.plain(value)
            for one in value:
                self.key(one)
        return value

    def text(self, value: Any) -> str:
        """How `str()` writes a value."""
        if isinstance(value, str):
            return value
        return self.written(value)

    def written(self, value: Any) -> str:
        """How `repr()` writes a value; a record of the model, by what it is."""
        self.plain(value)
        return str(self.sized(self._written(value)))

    def _written(self, value: Any) -> str:
        if isinstance(value, list | tuple | set | frozenset):
            inner = ", ".join(map(self._written, value))
            if isinstance(value, tuple):
                return f"({inner},)" if len(value) == 1 else f"({inner})"
            return f"[{inner}]" if isinstance(value, list) else f"{{{inner}}}"
        if isinstance(value, dict):
            pairs = (f"{self._written(k)}: {self._written(v)}" for k, v in value.items())
            return f"{{{', '.join(pairs)}}}"
        if isinstance(value, str | int | float | complex | bytes | range | type(None)):
            return repr(value)
        return self.describe(value)

    def describe(self, value: Any) -> str:
        """What a value is, in a few words, for messages."""
        if isinstance(value, Unknown):
            return value.text
        if isinstance(value, Tensor):
            return f"a tensor of {'x'.join(map(str, value.shape)) or 'one value'}"
        if isinstance(value, Object):
            return f"a {value.cls.name}"
        if isinstance(value, Class | Native | Function | Library):
            return value.name
        if isinstance(value, Bound | Partial):
            return self.describe(value.function)
        if isinstance(value, NUMBERS):
            return repr(value)
        return f"a {type(value).__name__}"


def blamed(error: SpecError, file: File, node: ast.AST) -> SpecError:
    """The refusal with the place of a node, if no inner one has given it a place."""
    if isinstance(error, Halt):
        if error.where is None:
            error.where = file.where(node)
        return error
    return Halt(str(error), file.where(node))
