"""Operators of a model file: what `+`, `==`, `in` and `[…]` give for values of every kind."""

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

from convcli.nets.readers.python.language.limits import LARGEST, MOST_ITEMS, Core
from convcli.nets.readers.python.language.objects import (
    MISSING,
    SCALARS,
    Class,
    Function,
    Halt,
    Library,
    Native,
    Object,
    Raised,
    Tensor,
    Unknown,
)

BINARY: dict[type[ast.operator], tuple[str, str, Callable[[Any, Any], Any]]] = {
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
"""Operator → what it is called on tensors, in a class, and on numbers."""

COMPARISONS: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Eq: ("eq", operator.eq),
    ast.NotEq: ("ne", operator.ne),
    ast.Lt: ("lt", operator.lt),
    ast.LtE: ("le", operator.le),
    ast.Gt: ("gt", operator.gt),
    ast.GtE: ("ge", operator.ge),
}
"""Comparison → what it is called on tensors and in a class, and on numbers."""

OPERATORS: dict[str, Any] = {
    **{row[0]: op for op, row in BINARY.items()},
    **{row[0]: op for op, row in COMPARISONS.items()},
}
"""What an operator is called on tensors → the operator."""


class Operators(Core):
    """Works out operators; what is not known gives what is not known, and tensors give nodes."""

    # what the classes derived from this one give
    module_named: Callable[[Any], Any]
    percent: Callable[[str, Any], Any]
    slice_tensor: Callable[[Tensor, Any], Any]
    tensor_binary: Callable[[str, Any, Any], Any]

    def item(self, owner: Any, index: Any) -> Any:
        """`owner[index]`."""
        if isinstance(owner, Unknown):
            return Unknown(f"{owner.text}[…]", owner.where)
        if isinstance(owner, Tensor):
            return self.slice_tensor(owner, index)
        if isinstance(index, Unknown):
            raise self.unknown(index)
        if isinstance(owner, Library) and owner.name == "sys.modules":
            return self.module_named(index)
        if isinstance(owner, Object):
            if isinstance(owner.cls.find("__getitem__"), Function | Native):
                return self.call(self.attribute(owner, "__getitem__"), [index], {})
        elif isinstance(owner, dict):
            self.key(index)
            if index in owner:
                return owner[index]
            default = getattr(owner, "made", None)
            if default is not None:
                owner[index] = self.call(default, [], {})
                return owner[index]
            raise Raised("KeyError", self.written(index)[:60])
        elif isinstance(owner, list | tuple | str | range):
            if isinstance(index, slice) or (
                isinstance(index, int) and -len(owner) <= index < len(owner)
            ):
                return owner[index]
            if isinstance(index, int):
                raise Raised("IndexError", f"{index} of {len(owner)} items")
            raise Raised("TypeError", f"an index is a whole number, not {self.describe(index)}")
        elif isinstance(owner, Class):
            if "__members__" in owner.names and index in owner.names["__members__"]:
                return owner.names["__members__"][index]
            return owner  # Generic[T]
        elif isinstance(owner, Native):
            return owner  # tuple[int, …] where types are spoken of
        raise Raised("TypeError", f"{self.describe(owner)} has no items")

    def operate(self, op: type[ast.operator], left: Any, right: Any) -> Any:
        """`left + right` and its kin."""
        word, method, function = BINARY[op]
        kinds = type(left), type(right)
        if kinds in ((int, int), (float, int), (int, float), (float, float)):
            return self._arithmetic(op, left, right, function)
        for one, other, name in ((left, right, f"__{method}__"), (right, left, f"__r{method}__")):
            if isinstance(one, Object) and one.cls.find(name) is not MISSING:
                return self.call(self.attribute(one, name), [other], {})
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            return self.tensor_binary(word, left, right)
        for one in (left, right):
            if isinstance(one, Unknown):
                return one.outcome()
        if isinstance(left, int | float) and isinstance(right, int | float):
            return self._arithmetic(op, left, right, function)
        if op is ast.Mult:
            return self._repeated(left, right)
        if op is ast.Mod and isinstance(left, str):
            return self.percent(left, right)
        same = isinstance(left, str | list | tuple) and type(left) is type(right)
        sets = isinstance(left, set | frozenset) and isinstance(right, set | frozenset)
        dicts = isinstance(left, dict) and isinstance(right, dict)
        if (
            (op is ast.Add and same)
            or (sets and op in (ast.Sub, ast.BitAnd, ast.BitOr, ast.BitXor))
            or (dicts and op is ast.BitOr)
        ):
            if len(left) + len(right) > 5 * MOST_ITEMS:
                raise Halt(f"a {type(left).__name__} grows beyond {5 * MOST_ITEMS:,} items")
            return self.sized(function(left, right))
        if op is ast.BitOr:
            return Unknown("a union of types")
        raise Raised("TypeError", f"{self.describe(left)} and {self.describe(right)} do not {word}")

    def _arithmetic(
        self, op: type[ast.operator], left: Any, right: Any, function: Callable[[Any, Any], Any]
    ) -> Any:
        if op is ast.Pow and left and right and abs(right) * math.log2(abs(left) + 1) > 1100:
            raise Halt("a power is beyond 10^18")
        if op is ast.LShift and isinstance(right, int) and right > 64:
            raise Halt("a shift is beyond 64 bits")
        try:
            result = function(left, right)
        except (ArithmeticError, ValueError, TypeError) as error:
            raise Raised(type(error).__name__, str(error)) from None
        if type(result) is int and not -LARGEST < result < LARGEST:
            raise Halt("a number is beyond 10^18")
        return result

    def _repeated(self, left: Any, right: Any) -> Any:
        if isinstance(left, int):
            left, right = right, left
        if isinstance(left, str | list | tuple) and isinstance(right, int):
            if len(left) * right > MOST_ITEMS:
                raise Halt(f"{len(left)} items, {right:,} times, are more than {MOST_ITEMS:,}")
            return self.sized(left * right)
        raise Raised("TypeError", f"{self.describe(left)} cannot be multiplied")

    def compare(self, op: type[ast.cmpop], left: Any, right: Any) -> Any:
        """`left < right` and its kin; a value that is not known gives one that is not either."""
        if op in (ast.Is, ast.IsNot):
            for one, other in ((left, right), (right, left)):
                if isinstance(one, Unknown) and not isinstance(other, Unknown):
                    return one.outcome()
            same = left is right or (
                isinstance(left, SCALARS) and left == right and type(left) is type(right)
            )
            return same if op is ast.Is else not same
        if op in (ast.In, ast.NotIn):
            found = self._contains(right, left)
            return found if isinstance(found, Unknown) or op is ast.In else not found
        word, function = COMPARISONS[op]
        left, right = _member(left), _member(right)
        if isinstance(left, Object) and left.cls.find(f"__{word}__") is not MISSING:
            return self.call(self.attribute(left, f"__{word}__"), [right], {})
        if op is ast.NotEq and isinstance(left, Object) and left.cls.find("__eq__") is not MISSING:
            return not self.truth(self.compare(ast.Eq, left, right))
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            return self.tensor_binary(word, left, right)
        for one in (left, right):
            if isinstance(one, Unknown):
                return one.outcome()
        if not (isinstance(left, SCALARS) and isinstance(right, SCALARS)):
            self.plain(left, right)
        try:
            return function(left, right)
        except TypeError:
            raise Raised(
                "TypeError", f"{self.describe(left)} and {self.describe(right)} are not compared"
            ) from None

    def _contains(self, held: Any, value: Any) -> Any:
        if isinstance(held, Unknown):
            return held.outcome()
        if isinstance(value, Unknown):
            return value.outcome()
        if isinstance(held, Object) and held.cls.find("__contains__") is not MISSING:
            return self.call(self.attribute(held, "__contains__"), [value], {})
        if isinstance(held, dict | set | frozenset):
            return self.key(value) in held
        if isinstance(held, str) and isinstance(value, str):
            return value in held
        if isinstance(held, range) and isinstance(value, int):
            return value in held
        self.plain(value)
        return any(
            one is value or self.truth(self.compare(ast.Eq, one, value))
            for one in self.iterate(held)
        )


def _member(value: Any) -> Any:
    """A member of an enumeration of strings or numbers, by its value."""
    if isinstance(value, Object) and value.cls.find("__plain__") is True:
        return value.attrs.get("value", value)
    return value
