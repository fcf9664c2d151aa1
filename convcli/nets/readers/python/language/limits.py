"""Limits on the work of a program and on the size of its values."""

from typing import TypeVar

from convcli.nets.readers.python.language.objects import ReadError, Value
from convcli.nets.readers.python.language.protocol import Interpreter

MAX_STEPS = 2_000_000
"""Expressions and statements that are evaluated; more under a longer limit of time.

The longest of 338 builds took 520,000.
"""

MAX_ITEMS = 200_000
"""Maximum items of one list; a string may have five times as many characters."""

MAX_INTEGER = 10**18
"""Integers stay below."""

MAX_COMPARED = 20_000
"""Maximum nested values that are compared, hashed or printed at once."""

CONTAINERS = (list, tuple, dict, set, frozenset)

T = TypeVar("T")


def within_limits(interpreter: Interpreter, value: T) -> T:
    """Return the value. Raises ReadError if it is too large."""
    if isinstance(value, int) and type(value) is not bool:
        if not -MAX_INTEGER < value < MAX_INTEGER:
            raise ReadError("a number is beyond 10^18")
    elif isinstance(value, str | bytes):
        charge(interpreter, value)
        if len(value) > 5 * MAX_ITEMS:
            raise ReadError(f"a string is longer than {5 * MAX_ITEMS:,} characters")
    elif isinstance(value, CONTAINERS):
        charge(interpreter, value)
        if len(value) > MAX_ITEMS:
            raise ReadError(f"a {type(value).__name__} holds more than {MAX_ITEMS:,} items")
    return value


def charge(interpreter: Interpreter, *values: Value) -> None:
    """Count the steps of one pass over values, or of a copy of them, by their size.

    A hash table takes five times the memory of a list.
    """
    for value in values:
        if isinstance(value, str | bytes):
            interpreter.tick(len(value) // 50)
        elif isinstance(value, list | tuple):
            interpreter.tick(len(value) // 10)
        elif isinstance(value, dict | set | frozenset):
            interpreter.tick(len(value) // 2)


def within_length(owner: list[Value] | dict[Value, Value] | set[Value]) -> None:
    """Raises ReadError for a container that one more item made too large."""
    if len(owner) > MAX_ITEMS:
        raise ReadError(f"a {type(owner).__name__} holds more than {MAX_ITEMS:,} items")


def check_nesting(interpreter: Interpreter, *values: Value) -> None:
    """Refuse nested values so large that comparing or printing them would not end."""
    waiting, count = list(values), 0
    while waiting:
        value = waiting.pop()
        count += 1
        if count > MAX_COMPARED:
            raise ReadError(f"more than {MAX_COMPARED:,} values are compared at once")
        if isinstance(value, dict):
            waiting += value
            waiting += value.values()
        elif isinstance(value, CONTAINERS):
            waiting += value
    interpreter.tick(count // 10)
