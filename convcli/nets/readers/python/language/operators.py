"""Operators: the results of `+`, `==`, `in` and `[…]` for values of every kind."""

import ast
import math
import operator
from collections.abc import Callable
from typing import TypeAlias

from convcli.nets.readers.python.language.conversions import (
    describe,
    hashable,
    iterate,
    to_repr,
    truth,
)
from convcli.nets.readers.python.language.limits import (
    MAX_INTEGER,
    MAX_ITEMS,
    charge,
    check_nesting,
    within_limits,
)
from convcli.nets.readers.python.language.objects import (
    MISSING,
    NUMBERS,
    SCALARS,
    Class,
    DefaultDict,
    Function,
    Instance,
    Library,
    Native,
    ProgramException,
    ReadError,
    Tensor,
    Unknown,
    Value,
)
from convcli.nets.readers.python.language.protocol import Interpreter

Operation: TypeAlias = Callable[..., Value]
"""An operator of Python on two Python values; it raises TypeError if it is undefined."""

BINARY: dict[type[ast.operator], tuple[str, str, Operation]] = {
    ast.Add: ("add", "add", operator.add),
    ast.Sub: ("subtract", "sub", operator.sub),
    ast.Mult: ("multiply", "mul", operator.mul),
    ast.Div: ("divide", "truediv", operator.truediv),
    ast.FloorDiv: ("floor_divide", "floordiv", operator.floordiv),
    ast.Mod: ("remainder", "mod", operator.mod),
    ast.Pow: ("power", "pow", operator.pow),
    ast.MatMult: ("matmul", "matmul", operator.matmul),
    ast.BitAnd: ("and", "and", operator.and_),
    ast.BitOr: ("or", "or", operator.or_),
    ast.BitXor: ("xor", "xor", operator.xor),
    ast.LShift: ("left_shift", "lshift", operator.lshift),
    ast.RShift: ("right_shift", "rshift", operator.rshift),
}
"""Operator → its name on tensors, its method in a class, and its function on numbers."""

COMPARISONS: dict[type[ast.cmpop], tuple[str, Operation]] = {
    ast.Eq: ("eq", operator.eq),
    ast.NotEq: ("ne", operator.ne),
    ast.Lt: ("lt", operator.lt),
    ast.LtE: ("le", operator.le),
    ast.Gt: ("gt", operator.gt),
    ast.GtE: ("ge", operator.ge),
}
"""Comparison → its name on tensors and in a class, and its function on numbers."""


# -- items ----------------------------------------------------------------------------------


def get_item(interpreter: Interpreter, owner: Value, index: Value) -> Value:
    """`owner[index]`."""
    if isinstance(owner, Unknown):
        return Unknown(f"{owner.text}[…]", owner.where)
    if isinstance(owner, Tensor):
        return interpreter.slice_tensor(owner, index)
    if isinstance(index, Unknown):
        raise index.error()
    if isinstance(owner, Library) and owner.name == "sys.modules":
        return interpreter.module_called(index)
    if isinstance(owner, Instance):
        if isinstance(owner.cls.find("__getitem__"), Function | Native):
            return interpreter.call(interpreter.attribute(owner, "__getitem__"), [index], {})
    elif isinstance(owner, dict):
        hashable(interpreter, index)
        if index in owner:
            return owner[index]
        if isinstance(owner, DefaultDict) and owner.default is not None:
            owner[index] = interpreter.call(owner.default, [], {})
            return owner[index]
        raise ProgramException("KeyError", to_repr(interpreter, index)[:60])
    elif isinstance(owner, list | tuple | str | range):
        if isinstance(index, slice) or (
            isinstance(index, int) and -len(owner) <= index < len(owner)
        ):
            item: Value = owner[index]
            return within_limits(interpreter, item) if isinstance(index, slice) else item
        if isinstance(index, int):
            raise ProgramException("IndexError", f"{index} of {len(owner)} items")
        raise ProgramException("TypeError", f"an index is a whole number, not {describe(index)}")
    elif isinstance(owner, Class):
        if owner.find("__class_getitem__") is not MISSING:
            raise ReadError(f"{owner.name} has a __class_getitem__ of its own")
        members = owner.members
        hashable(interpreter, index)
        return members[index] if members is not None and index in members else owner  # Generic[T]
    elif isinstance(owner, Native):
        return owner  # tuple[int, …] as an annotation
    raise ProgramException("TypeError", f"{describe(owner)} has no items")


# -- arithmetic -----------------------------------------------------------------------------


def operate(interpreter: Interpreter, op: type[ast.operator], left: Value, right: Value) -> Value:
    """`left + right` and similar operators; an unknown operand gives an unknown result."""
    word, method, function = BINARY[op]
    if isinstance(left, NUMBERS) and isinstance(right, NUMBERS):
        return _arithmetic(op, left, right, function)
    for owner, other, name in ((left, right, f"__{method}__"), (right, left, f"__r{method}__")):
        if isinstance(owner, Instance) and owner.cls.find(name) is not MISSING:
            return interpreter.call(interpreter.attribute(owner, name), [other], {})
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        return interpreter.tensor_binary(word, left, right)
    for side in (left, right):
        if isinstance(side, Unknown):
            return side.outcome()
    if op is ast.Mult:
        return _repeated(interpreter, left, right)
    if op is ast.Mod and isinstance(left, str):
        return interpreter.percent_format(left, right)
    length = _joint_length(op, left, right)
    if length is not None:
        charge(interpreter, left, right)
        if length > 5 * MAX_ITEMS:
            raise ReadError(f"a {type(left).__name__} grows beyond {5 * MAX_ITEMS:,} items")
        return within_limits(interpreter, function(left, right))
    if op is ast.BitOr:
        return Unknown("a union of types")
    raise ProgramException("TypeError", f"{describe(left)} and {describe(right)} do not {word}")


def _joint_length(op: type[ast.operator], left: Value, right: Value) -> int | None:
    """The items of two containers, if the operator makes one of them; else None."""
    if op is ast.Add and isinstance(left, str | list | tuple) and isinstance(right, type(left)):
        return len(left) + len(right) if type(left) is type(right) else None
    if isinstance(left, set | frozenset) and isinstance(right, set | frozenset):
        joins = op in (ast.Sub, ast.BitAnd, ast.BitOr, ast.BitXor)
        return len(left) + len(right) if joins else None
    if op is ast.BitOr and isinstance(left, dict) and isinstance(right, dict):
        return len(left) + len(right)
    return None


def _arithmetic(op: type[ast.operator], left: float, right: float, function: Operation) -> Value:
    if op is ast.Pow and left and right and abs(right) * math.log2(abs(left) + 1) > 1100:
        raise ReadError("a power is beyond 10^18")
    if op is ast.LShift and isinstance(right, int) and right > 64:
        raise ReadError("a shift is beyond 64 bits")
    try:
        result = function(left, right)
    except (ArithmeticError, ValueError, TypeError) as error:
        raise ProgramException(type(error).__name__, str(error)) from None
    if type(result) is int and not -MAX_INTEGER < result < MAX_INTEGER:
        raise ReadError("a number is beyond 10^18")
    return result


def _repeated(interpreter: Interpreter, left: Value, right: Value) -> Value:
    """`[0] * 3`."""
    if isinstance(left, int):
        left, right = right, left
    if isinstance(left, str | list | tuple) and isinstance(right, int):
        if len(left) * right > MAX_ITEMS:
            raise ReadError(f"{len(left)} items, {right:,} times, are more than {MAX_ITEMS:,}")
        return within_limits(interpreter, left * right)
    raise ProgramException("TypeError", f"{describe(left)} cannot be multiplied")


# -- comparisons ----------------------------------------------------------------------------


def compare(interpreter: Interpreter, op: type[ast.cmpop], left: Value, right: Value) -> Value:
    """`left < right` and similar operators; an unknown operand gives an unknown result."""
    if op in (ast.Is, ast.IsNot):
        for side, other in ((left, right), (right, left)):
            if isinstance(side, Unknown) and not isinstance(other, Unknown):
                return side.outcome()
        same = left is right or (
            isinstance(left, SCALARS) and left == right and type(left) is type(right)
        )
        return same if op is ast.Is else not same
    if op in (ast.In, ast.NotIn):
        inside = _contains(interpreter, right, left)
        return inside if isinstance(inside, Unknown) or op is ast.In else not inside
    word, function = COMPARISONS[op]
    left, right = _plain_member(left), _plain_member(right)
    if isinstance(left, Instance) and left.cls.find(f"__{word}__") is not MISSING:
        return interpreter.call(interpreter.attribute(left, f"__{word}__"), [right], {})
    if op is ast.NotEq and isinstance(left, Instance) and left.cls.find("__eq__") is not MISSING:
        return not truth(interpreter, compare(interpreter, ast.Eq, left, right))
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        return interpreter.tensor_binary(word, left, right)
    for side in (left, right):
        if isinstance(side, Unknown):
            return side.outcome()
    if isinstance(left, SCALARS) and isinstance(right, SCALARS):
        charge(interpreter, left)
    else:
        check_nesting(interpreter, left, right)
    try:
        return function(left, right)
    except TypeError:
        raise ProgramException(
            "TypeError", f"{describe(left)} and {describe(right)} are not compared"
        ) from None


def equal(interpreter: Interpreter, left: Value, right: Value) -> bool:
    """Whether two values are the same or compare equal."""
    return left is right or truth(interpreter, compare(interpreter, ast.Eq, left, right))


def _contains(interpreter: Interpreter, container: Value, value: Value) -> Value:
    if isinstance(container, Unknown):
        return container.outcome()
    if isinstance(value, Unknown):
        return value.outcome()
    if isinstance(container, Instance) and container.cls.find("__contains__") is not MISSING:
        return interpreter.call(interpreter.attribute(container, "__contains__"), [value], {})
    if isinstance(container, dict | set | frozenset):
        return hashable(interpreter, value) in container
    if isinstance(container, str) and isinstance(value, str):
        charge(interpreter, container, value)
        return value in container
    if isinstance(container, range) and isinstance(value, int):
        return value in container
    check_nesting(interpreter, value)
    return any(equal(interpreter, item, value) for item in iterate(interpreter, container))


def _plain_member(value: Value) -> Value:
    """A member of an enumeration of strings or numbers, by its value."""
    if isinstance(value, Instance) and value.cls.find("__plain__") is True:
        return value.attrs.get("value", value)
    return value
