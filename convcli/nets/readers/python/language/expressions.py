"""Expressions: the value of each kind of node of the syntax tree, a closed set of them."""

import ast
from collections.abc import Callable, Iterator
from typing import TypeAlias, TypeVar

from convcli.callsyntax import excerpt
from convcli.errors import SpecError
from convcli.nets.readers.python.language.calls import enclosing_super
from convcli.nets.readers.python.language.conversions import (
    hashable,
    iterate,
    to_list,
    to_repr,
    truth,
)
from convcli.nets.readers.python.language.limits import MAX_ITEMS, charge, within_limits
from convcli.nets.readers.python.language.objects import (
    MISSING,
    DeferredImport,
    Frame,
    Function,
    ProgramException,
    ReadError,
    Tensor,
    Unknown,
    Value,
    ValueIterator,
)
from convcli.nets.readers.python.language.operators import compare, get_item, operate
from convcli.nets.readers.python.language.protocol import Interpreter

Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
T = TypeVar("T")

MAX_CONSTANT_BITS = 300
"""Maximum binary digits of an integer literal; any result is below 10^18."""


def evaluate(interpreter: Interpreter, node: ast.expr, frame: Frame) -> Value:
    """The value of an expression. Raises ReadError for a kind that is not read."""
    interpreter.steps += 1
    if not interpreter.steps & 1023:
        interpreter.tick(0)
    kind = EVALUATE.get(type(node))
    if kind is None:
        raise ReadError(f"{excerpt(node)} is not read here", frame.file.where(node))
    return kind(interpreter, node, frame)


def at_site(
    interpreter: Interpreter,
    node: ast.expr | ast.stmt,
    frame: Frame,
    function: Callable[..., Value],
    *values: Value,
) -> Value:
    """The result of a function; the nodes it records and its refusals are located at `node`."""
    outer = interpreter.site
    if outer is None or not frame.file.is_bundled:
        interpreter.site = frame.file, node
    try:
        value = function(interpreter, *values)
    except SpecError as error:
        raise located(error, frame, node) from None
    interpreter.site = outer
    return value


# -- names and constants --------------------------------------------------------------------


def _constant(interpreter: Interpreter, node: ast.Constant, frame: Frame) -> Value:
    if type(node.value) is int and node.value.bit_length() > MAX_CONSTANT_BITS:
        raise ReadError("a number has more than 300 binary digits", frame.file.where(node))
    return node.value


def _name(interpreter: Interpreter, node: ast.Name, frame: Frame) -> Value:
    return look_up(interpreter, node.id, frame)


def look_up(interpreter: Interpreter, name: str, frame: Frame) -> Value:
    """The value of a name, from the innermost scope outwards."""
    scope: Frame | None = frame
    while scope is not None:
        if name in scope.names:
            value = scope.names[name]
            if type(value) is DeferredImport:
                return interpreter.resolve(scope.names, name)
            return value
        scope = scope.enclosing
    value = interpreter.global_name(name, frame)
    if value is MISSING:
        raise ProgramException("NameError", f"{name!r} is not defined")
    return value


def _named(interpreter: Interpreter, node: ast.NamedExpr, frame: Frame) -> Value:
    value = evaluate(interpreter, node.value, frame)
    scope = frame
    while scope.is_comprehension and scope.enclosing is not None:
        scope = scope.enclosing
    interpreter.assign(node.target, value, scope)
    return value


# -- containers -----------------------------------------------------------------------------


def _tuple(interpreter: Interpreter, node: ast.Tuple, frame: Frame) -> Value:
    return tuple(_elements(interpreter, node.elts, frame))


def _list(interpreter: Interpreter, node: ast.List, frame: Frame) -> Value:
    return _elements(interpreter, node.elts, frame)


def _set(interpreter: Interpreter, node: ast.Set, frame: Frame) -> Value:
    return {hashable(interpreter, value) for value in _elements(interpreter, node.elts, frame)}


def _elements(interpreter: Interpreter, nodes: list[ast.expr], frame: Frame) -> list[Value]:
    values: list[Value] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            values += to_list(interpreter, evaluate(interpreter, node.value, frame))
        else:
            values.append(evaluate(interpreter, node, frame))
    if len(values) > 1000:
        within_limits(interpreter, values)
    return values


def _dict(interpreter: Interpreter, node: ast.Dict, frame: Frame) -> Value:
    items: dict[Value, Value] = {}
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = evaluate(interpreter, value_node, frame)
        if key_node is not None:
            items[hashable(interpreter, evaluate(interpreter, key_node, frame))] = value
        elif isinstance(value, dict):
            items |= value
            charge(interpreter, items)
        else:
            raise ReadError(f"{excerpt(value_node)} is not a dict that is known here")
    return within_limits(interpreter, items)


# -- attributes and items -------------------------------------------------------------------


def _attribute(interpreter: Interpreter, node: ast.Attribute, frame: Frame) -> Value:
    owner = evaluate(interpreter, node.value, frame)
    try:
        return interpreter.attribute(owner, node.attr)
    except SpecError as error:
        raise located(error, frame, node) from None


def _subscript(interpreter: Interpreter, node: ast.Subscript, frame: Frame) -> Value:
    owner = evaluate(interpreter, node.value, frame)
    index = evaluate(interpreter, node.slice, frame)
    return at_site(interpreter, node, frame, get_item, owner, index)


def _slice(interpreter: Interpreter, node: ast.Slice, frame: Frame) -> Value:
    ends = (node.lower, node.upper, node.step)
    values = [evaluate(interpreter, end, frame) if end else None for end in ends]
    for value in values:
        if isinstance(value, Unknown):
            raise value.error(node)
        if not isinstance(value, int | None):
            raise ProgramException("TypeError", "the ends of a slice are whole numbers")
    return slice(*values)


# -- operators ------------------------------------------------------------------------------


def _unary(interpreter: Interpreter, node: ast.UnaryOp, frame: Frame) -> Value:
    value = evaluate(interpreter, node.operand, frame)
    if isinstance(node.op, ast.Not):
        return not at_site(interpreter, node, frame, truth, value)
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Tensor):
        return interpreter.tensor_unary(type(node.op).__name__.lower(), value)
    if isinstance(value, int | float):
        if isinstance(node.op, ast.USub):
            return -value
        if isinstance(node.op, ast.UAdd):
            return +value
        if isinstance(value, int):
            return ~int(value)
    raise ReadError(f"{excerpt(node)} is not read here", frame.file.where(node))


def _binary(interpreter: Interpreter, node: ast.BinOp, frame: Frame) -> Value:
    left = evaluate(interpreter, node.left, frame)
    right = evaluate(interpreter, node.right, frame)
    return at_site(interpreter, node, frame, operate, type(node.op), left, right)


def _compare(interpreter: Interpreter, node: ast.Compare, frame: Frame) -> Value:
    left: Value = evaluate(interpreter, node.left, frame)
    result: Value = True
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = evaluate(interpreter, comparator, frame)
        result = at_site(interpreter, node, frame, compare, type(op), left, right)
        if len(node.ops) == 1:
            return result
        if not at_site(interpreter, node, frame, truth, result):
            return False
        left = right
    return result


def _boolean(interpreter: Interpreter, node: ast.BoolOp, frame: Frame) -> Value:
    stops = isinstance(node.op, ast.Or)
    unknown: Unknown | None = None
    value: Value = None
    for operand in node.values:
        value = evaluate(interpreter, operand, frame)
        if isinstance(value, Unknown):
            unknown = value  # `unknown and False` is still False
            continue
        if unknown is None and operand is node.values[-1]:
            return value  # whose truth is not asked
        if at_site(interpreter, operand, frame, truth, value) is stops:
            if unknown is not None and truth(interpreter, value):
                return value if isinstance(value, bool) else unknown
            return value
    return value if unknown is None else unknown


def _conditional(interpreter: Interpreter, node: ast.IfExp, frame: Frame) -> Value:
    branch = node.body if condition(interpreter, node.test, frame) else node.orelse
    return evaluate(interpreter, branch, frame)


def condition(interpreter: Interpreter, node: ast.expr, frame: Frame) -> bool:
    """Whether a test holds; the refusal of one that is not known points at it."""
    try:
        return truth(interpreter, evaluate(interpreter, node, frame))
    except SpecError as error:
        raise located(error, frame, node) from None


# -- functions and calls --------------------------------------------------------------------


def _lambda(interpreter: Interpreter, node: ast.Lambda, frame: Frame) -> Value:
    return make_function(interpreter, node, "lambda", frame)


def make_function(
    interpreter: Interpreter, node: ast.FunctionDef | ast.Lambda, name: str, frame: Frame
) -> Function:
    """The function that a definition makes where it stands."""
    args = node.args
    optional = (*args.posonlyargs, *args.args)[-len(args.defaults) :] if args.defaults else ()
    pairs = zip((*optional, *args.kwonlyargs), (*args.defaults, *args.kw_defaults), strict=True)
    defaults = {arg.arg: evaluate(interpreter, value, frame) for arg, value in pairs if value}
    enclosing: Frame | None = frame
    if frame.cls is not None and frame.names is frame.cls.names:
        enclosing = frame.enclosing  # methods do not see the names of their class
    return Function(node, name, frame.file, enclosing, defaults)


def _call(interpreter: Interpreter, node: ast.Call, frame: Frame) -> Value:
    try:
        if isinstance(node.func, ast.Name):
            if node.func.id == "super":
                return enclosing_super(_elements(interpreter, node.args, frame), frame)
            if node.func.id in ("locals", "globals") and not node.args:
                names = frame.names if node.func.id == "locals" else frame.file.names
                interpreter.tick(5 * len(names))
                return {key: look_up(interpreter, key, frame) for key in tuple(names)}
        function = evaluate(interpreter, node.func, frame)
        args = _elements(interpreter, node.args, frame)
        options: dict[str, Value] = {}
        for keyword in node.keywords:
            value = evaluate(interpreter, keyword.value, frame)
            if keyword.arg is not None:
                options[keyword.arg] = value
            elif isinstance(value, dict) and all(isinstance(key, str) for key in value):
                options |= value
                charge(interpreter, options)
            else:
                raise ReadError(f"** in {excerpt(node)} is not a dict that is known here")
        outer = interpreter.site
        if outer is None or not frame.file.is_bundled:
            interpreter.site = frame.file, node
        value = interpreter.call(function, args, options)
        interpreter.site = outer
        return value
    except SpecError as error:
        raise located(error, frame, node) from None


# -- comprehensions -------------------------------------------------------------------------


def _comprehension(interpreter: Interpreter, node: Comprehension, frame: Frame) -> Value:
    if isinstance(node, ast.DictComp):

        def pair(inner: Frame) -> tuple[Value, Value]:
            key = hashable(interpreter, evaluate(interpreter, node.key, inner))
            return key, evaluate(interpreter, node.value, inner)

        return dict(_bounded(_walk(interpreter, node, frame, pair)))
    element = node.elt
    items = _walk(interpreter, node, frame, lambda inner: evaluate(interpreter, element, inner))
    if isinstance(node, ast.GeneratorExp):
        return ValueIterator(items)
    if isinstance(node, ast.SetComp):
        return {hashable(interpreter, item) for item in _bounded(items)}
    return list(_bounded(items))


def _bounded(items: Iterator[T]) -> Iterator[T]:
    for count, item in enumerate(items):
        if count >= MAX_ITEMS:
            raise ReadError(f"a comprehension gives more than {MAX_ITEMS:,} items")
        yield item


def _walk(
    interpreter: Interpreter, node: Comprehension, frame: Frame, element: Callable[[Frame], T]
) -> Iterator[T]:
    """The elements of a comprehension, in the order of its loops, computed on demand.

    Its first iterable is evaluated at once, in the enclosing scope; everything else does not see
    the names of an enclosing class.
    """
    is_in_class = frame.cls is not None and frame.names is frame.cls.names
    inner = Frame(frame.file, {}, frame.enclosing if is_in_class else frame)
    inner.cls, inner.is_comprehension = frame.cls, not is_in_class
    first = evaluate(interpreter, node.generators[0].iter, frame)

    def loop(depth: int) -> Iterator[T]:
        if depth == len(node.generators):
            yield element(inner)
            return
        generator = node.generators[depth]
        values = first if depth == 0 else evaluate(interpreter, generator.iter, inner)
        try:
            for value in iterate(interpreter, values):
                interpreter.assign(generator.target, value, inner)
                if all(condition(interpreter, test, inner) for test in generator.ifs):
                    yield from loop(depth + 1)
        except SpecError as error:
            raise located(error, inner, generator.iter) from None

    return loop(0)


# -- text -----------------------------------------------------------------------------------


def _formatted(interpreter: Interpreter, node: ast.JoinedStr, frame: Frame) -> Value:
    parts = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            value = evaluate(interpreter, part.value, frame)
            if isinstance(value, Unknown):
                return value.outcome()
            if part.conversion == ord("r"):
                value = to_repr(interpreter, value)
            spec = evaluate(interpreter, part.format_spec, frame) if part.format_spec else ""
            parts.append(interpreter.format_value(value, str(spec)))
        else:
            parts.append(str(evaluate(interpreter, part, frame)))
    return within_limits(interpreter, "".join(parts))


def located(error: SpecError, frame: Frame, node: ast.AST) -> SpecError:
    """The refusal with the location of a node, if no inner one has given it a location.

    Of a library, it is the call.
    """
    where = None if frame.file.is_bundled else frame.file.where(node)
    if isinstance(error, ReadError):
        error.where = error.where or where
        return error
    return ReadError(str(error), where)


EVALUATE: dict[type[ast.expr], Callable[..., Value]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Tuple: _tuple,
    ast.List: _list,
    ast.Set: _set,
    ast.Dict: _dict,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Slice: _slice,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.BoolOp: _boolean,
    ast.IfExp: _conditional,
    ast.Lambda: _lambda,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.JoinedStr: _formatted,
    ast.NamedExpr: _named,
    ast.Call: _call,
}
"""All supported expressions; any other is refused with its text."""
