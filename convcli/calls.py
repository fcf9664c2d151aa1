"""The grammar of a call as text: `gaussian`, `gaussian:2`, `gaussian(sigma=2, size=9)`.

Read with `ast`, never evaluated: what stands between the parentheses are numbers, strings, names,
tuples and lists. A shell word may write the parentheses as a colon, so that nothing needs quoting.
"""

import ast
import re
from typing import NamedTuple

from convcli.errors import SpecError

Value = int | float | str | bool | None | tuple["Value", ...]

LONGEST = 10_000
"""Characters in one call; more is refused before it is parsed."""


class Call(NamedTuple):
    """A name, and arguments by place and by name."""

    name: str
    args: tuple[Value, ...]
    kwargs: dict[str, Value]


def read_call(text: str) -> Call:
    """Read one call.

    >>> read_call("gaussian:2,size=9")
    Call(name='gaussian', args=(2,), kwargs={'size': 9})
    >>> read_call("conv(96, (11, 5), padding=same)")
    Call(name='conv', args=(96, (11, 5)), kwargs={'padding': 'same'})

    Raises SpecError for anything else.
    """
    shown = text if len(text) <= 60 else text[:60] + "…"
    form = re.fullmatch(r"\s*([A-Za-z][\w-]*)\s*(?::(.*)|\((.*)\))?\s*", text, re.DOTALL)
    if form is None or len(text) > LONGEST:
        raise SpecError(f"{shown!r} is not a name, name:values or name(values)")
    name, *between = form.groups(default="")
    try:
        tree = ast.parse(f"_({''.join(between)}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SpecError(f"the values of {shown!r} cannot be read") from None
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        raise SpecError(f"{shown!r} is not one call")
    kwargs: dict[str, Value] = {}
    for keyword in tree.keywords:
        if keyword.arg is None:
            raise SpecError(f"{shown!r}: ** has no meaning here")
        kwargs[keyword.arg] = _value(keyword.value)
    return Call(name, tuple(map(_value, tree.args)), kwargs)


def _value(node: ast.expr) -> Value:
    match node:
        case ast.Constant(int() | float() | str() | bool() | None as value):
            return value
        case ast.Name(name):
            return name
        case ast.Tuple(elements) | ast.List(elements):
            return tuple(map(_value, elements))
        case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as value)):
            return -value
    raise SpecError(f"{ast.unparse(node)!r} is not a number, a name or a list of them")
