"""The grammar of values and calls as text: `gaussian`, `gaussian:2`, `gaussian(sigma=2, size=9)`.

Read with `ast`, never evaluated: values are numbers, strings, names, tuples, lists, and arithmetic
on whole numbers. A shell word may write the parentheses as a colon, so that nothing needs quoting.
"""

import ast
import operator
import re
import reprlib
import warnings
from collections.abc import Callable

from convcli.errors import SpecError
from convcli.records import NamedTuple

MAX_LENGTH = 10_000
"""Characters of one call; more is refused before it is parsed."""

MAX_RESULT = 10**15
"""The largest result of arithmetic in a value."""

Argument = int | float | str | bool | None | tuple["Argument", ...]
"""A plain value: what a call may hold."""

ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
"""What may stand between two numbers; no power, so that short text cannot mean a huge number."""

UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What `ast.parse` raises on text that is not Python, or is nested beyond its stack."""


MAX_LINE = 20_000
MAX_FIELDS = 5_000
"""Maximum characters of a line with many fields of f-strings, which Python parses slowly."""


class Call(NamedTuple):
    """A name, and arguments by position and by name."""

    name: str
    args: tuple[Argument, ...]
    kwargs: dict[str, Argument]


def read_call(text: str) -> Call:
    """Read one call.

    >>> read_call("gaussian:2,size=9")
    Call(name='gaussian', args=(2,), kwargs={'size': 9})
    >>> read_call("conv(96, (11, 5), padding=same)")
    Call(name='conv', args=(96, (11, 5)), kwargs={'padding': 'same'})

    Raises SpecError for anything else.
    """
    start = text if len(text) <= 60 else text[:60] + "…"
    form = re.fullmatch(r"\s*([A-Za-z][\w-]*)\s*(?::(.*)|\((.*)\))?\s*", text, re.DOTALL)
    if form is None or len(text) > MAX_LENGTH:
        raise SpecError(f"{start!r} is not a name, name:values or name(values)")
    name, *between = form.groups(default="")
    try:
        tree = parsed_value(f"_({''.join(between)}\n)")
    except UNREADABLE:
        raise SpecError(f"the values of {start!r} cannot be read") from None
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        raise SpecError(f"{start!r} is not one call")
    kwargs: dict[str, Argument] = {}
    for keyword in tree.keywords:
        if keyword.arg is None:
            raise SpecError(f"{start!r}: ** has no meaning here")
        kwargs[keyword.arg] = value(keyword.value)
    return Call(name, tuple(map(value, tree.args)), kwargs)


def parsed(text: str) -> list[ast.stmt]:
    """The statements of a text."""
    return parsed_module(text).body


def parsed_module(text: str) -> ast.Module:
    """The syntax of a text; warnings of Python (`1if`, `"\\d"`) are silenced.

    Raises one of UNREADABLE.
    """
    if len(text) > MAX_LINE:
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > MAX_LINE and line.count("{") > MAX_FIELDS:
                reason = f"more than {MAX_FIELDS:,} fields in one line"
                raise SyntaxError(reason, (None, number, 1, None))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def parsed_value(text: str) -> ast.expr | None:
    """The one expression that a text is."""
    match parsed(text):
        case [ast.Expr(expression)]:
            return expression
    return None


def value(node: ast.expr) -> Argument:
    """A plain value from its syntax; a name other than a constant is a string. Raises SpecError."""
    match node:
        case ast.Constant(int() as constant) if constant > MAX_RESULT:
            raise SpecError(f"{excerpt(node)} is too large")
        case ast.Constant(int() | float() | str() | None as constant):
            return constant
        case ast.Name(name):
            return name
        case ast.Tuple(elements) | ast.List(elements):
            return tuple(map(value, elements))
        case ast.UnaryOp(op, operand):
            return negated(op, value(operand), node)
        case ast.BinOp(left, op, right):
            return arithmetic(op, value(left), value(right), node)
    raise not_a_value(node)


def negated(op: ast.unaryop, operand: object, node: ast.expr) -> int | float:
    """The negative of a number. Raises SpecError for other operands and operators."""
    if isinstance(op, ast.USub) and isinstance(operand, int | float):
        return -operand
    raise not_a_value(node)


def arithmetic(op: ast.operator, left: object, right: object, node: ast.expr) -> int | float:
    """The result of + − * / // % on two numbers, within MAX_RESULT. Raises SpecError."""
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        raise not_a_value(node)
    if type(op) not in ARITHMETIC:
        raise not_a_value(node)
    try:
        result = ARITHMETIC[type(op)](left, right)
    except (ArithmeticError, ValueError):
        raise not_a_value(node) from None
    if abs(result) > MAX_RESULT:
        raise SpecError(f"{excerpt(node)} is too large")
    return result


def not_a_value(node: ast.AST) -> SpecError:
    return SpecError(f"{excerpt(node)} is not a number, a name or a list of them")


def brief(value: object) -> str:
    """A value as text, cut to what a line can hold, however large or nested it is."""
    try:
        text = reprlib.repr(value)
    except ValueError:  # an integer of thousands of digits
        return "a number that is too large"
    return text if len(text) <= 60 else text[:60] + "…"


def excerpt(node: ast.AST) -> str:
    """The text of a piece of syntax, quoted and cut to what a line can hold."""
    try:
        text = ast.unparse(node)
    except (RecursionError, ValueError):  # nested, or integers of thousands of digits
        text = "…"
    first, *more = text.split("\n")
    return repr(first if len(first) <= 60 and not more else first[:60] + "…")
