"""Statements: what each kind of them assigns, where it branches, what it returns."""

import ast
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress

from convcli.callsyntax import brief, excerpt
from convcli.errors import SpecError
from convcli.nets.readers.python.language.attributes import attribute, set_attribute
from convcli.nets.readers.python.language.calls import call
from convcli.nets.readers.python.language.conversions import (
    describe,
    hashable,
    iterate,
    to_list,
    to_repr,
    to_str,
    truth,
)
from convcli.nets.readers.python.language.definitions import (
    define_class,
    define_function,
    names_of,
)
from convcli.nets.readers.python.language.expressions import (
    at_site,
    condition,
    evaluate,
    located,
)
from convcli.nets.readers.python.language.limits import (
    MAX_ITEMS,
    charge,
    within_length,
)
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Caught,
    Class,
    DeferredImport,
    Frame,
    Function,
    Instance,
    ModulesDict,
    ProgramException,
    ReadError,
    Tensor,
    Unknown,
    Value,
    ValueIterator,
)
from convcli.nets.readers.python.language.operators import compare, operate
from convcli.nets.readers.python.language.protocol import Interpreter


class ControlFlow(Exception):
    """A statement that leaves a loop or a function."""


class Break(ControlFlow):
    """`break`."""


class Continue(ControlFlow):
    """`continue`."""


class Return(ControlFlow):
    """`return value`."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


def execute(interpreter: Interpreter, body: Sequence[ast.stmt], frame: Frame) -> Value:
    """What a function's body returns."""
    try:
        block(interpreter, body, frame)
    except Return as result:
        return result.value
    return None


def block(interpreter: Interpreter, body: Sequence[ast.stmt], frame: Frame) -> None:
    """Run statements in order. Raises ReadError for a kind that is not read."""
    for node in body:
        interpreter.tick()
        kind = EXECUTE.get(type(node))
        try:
            if kind is None:
                raise ReadError(f"{excerpt(node)} is not read here")
            kind(interpreter, node, frame)
        except SpecError as error:
            raise located(error, frame, node) from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # values that no table foresaw: refused with the line, as all that is not known
            text = f"{excerpt(node)} is not read here: {error}"
            raise ReadError(text[:300], frame.file.where(node)) from error


def _expression(interpreter: Interpreter, node: ast.Expr, frame: Frame) -> None:
    if not isinstance(node.value, ast.Constant):
        evaluate(interpreter, node.value, frame)


def _pass(interpreter: Interpreter, node: ast.Pass, frame: Frame) -> None:
    pass


# -- assignments ----------------------------------------------------------------------------


def _assign(interpreter: Interpreter, node: ast.Assign, frame: Frame) -> None:
    value = evaluate(interpreter, node.value, frame)
    for target in node.targets:
        assign(interpreter, target, value, frame)


def _annotated(interpreter: Interpreter, node: ast.AnnAssign, frame: Frame) -> None:
    if node.value is not None:
        assign(interpreter, node.target, evaluate(interpreter, node.value, frame), frame)


def assign(interpreter: Interpreter, target: ast.expr, value: Value, frame: Frame) -> None:
    """`target = value`, of every form."""
    if isinstance(target, ast.Name):
        names_of(target.id, frame)[target.id] = value
    elif isinstance(target, ast.Attribute):
        owner = evaluate(interpreter, target.value, frame)
        set_attribute(interpreter, owner, target.attr, value)
    elif isinstance(target, ast.Subscript):
        owner = evaluate(interpreter, target.value, frame)
        set_item(interpreter, owner, evaluate(interpreter, target.slice, frame), value)
    elif isinstance(target, ast.Tuple | ast.List):
        _unpack(interpreter, target, value, frame)
    else:
        raise ReadError(f"an assignment to {excerpt(target)} is not read here")


def _unpack(
    interpreter: Interpreter, target: ast.Tuple | ast.List, value: Value, frame: Frame
) -> None:
    """`a, *b = value`."""
    names = [name.value if isinstance(name, ast.Starred) else name for name in target.elts]
    if isinstance(value, Unknown):
        for name in names:
            assign(interpreter, name, value.outcome(), frame)
        return
    items = to_list(interpreter, value)
    star = next((i for i, name in enumerate(target.elts) if isinstance(name, ast.Starred)), None)
    if star is None:
        if len(items) != len(names):
            raise ProgramException(
                "ValueError", f"{len(items)} values are unpacked into {len(names)} names"
            )
    else:
        after = len(names) - star - 1
        if len(items) < len(names) - 1:
            raise ProgramException("ValueError", f"{len(items)} values are too few to unpack")
        items = [*items[:star], items[star : len(items) - after], *items[len(items) - after :]]
    for name, item in zip(names, items, strict=True):
        assign(interpreter, name, item, frame)


def set_item(interpreter: Interpreter, owner: Value, index: Value, value: Value) -> None:
    """`owner[index] = value`."""
    if isinstance(owner, dict):
        owner[hashable(interpreter, index)] = value
        within_length(owner)
        if isinstance(owner, ModulesDict) and isinstance(index, str):
            set_attribute(interpreter, owner.owner, index, value)
    elif isinstance(owner, list):
        if isinstance(index, Unknown):
            raise index.error()
        try:
            if isinstance(index, slice):
                charge(interpreter, owner)
                owner[index] = to_list(interpreter, value)
            else:
                owner[to_index(index)] = value
        except (IndexError, TypeError, ValueError) as error:
            raise ProgramException(type(error).__name__, str(error)) from None
        within_length(owner)
    elif isinstance(owner, Tensor):
        interpreter.fill_tensor(owner, value)
    elif isinstance(owner, Instance) and owner.cls.find("__setitem__") is not MISSING:
        call(interpreter, attribute(interpreter, owner, "__setitem__"), [index, value], {})
    elif not isinstance(owner, Unknown):
        raise ProgramException("TypeError", f"{describe(owner)} takes no items")


def to_index(value: Value) -> int:
    """The place that a value means in a list."""
    if not isinstance(value, int):
        raise TypeError(f"list indices must be integers or slices, not {type(value).__name__}")
    return value


def _augmented(interpreter: Interpreter, node: ast.AugAssign, frame: Frame) -> None:
    before = evaluate(interpreter, node.target, frame)
    value = evaluate(interpreter, node.value, frame)
    result: Value
    if isinstance(node.op, ast.Add) and isinstance(before, Instance):
        method = "__iadd__" if before.cls.find("__iadd__") is not MISSING else "__add__"
        result = call(interpreter, attribute(interpreter, before, method), [value], {})
    elif isinstance(before, list) and isinstance(node.op, ast.Add):
        more = to_list(interpreter, value)
        if len(before) + len(more) > MAX_ITEMS:
            raise ReadError(f"a list grows beyond {MAX_ITEMS:,} items")
        before += more
        result = before
    else:
        result = at_site(interpreter, node, frame, operate, type(node.op), before, value)
    assign(interpreter, node.target, result, frame)


def _delete(interpreter: Interpreter, node: ast.Delete, frame: Frame) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            names_of(target.id, frame).pop(target.id, None)
            continue
        if not isinstance(target, ast.Attribute | ast.Subscript):
            raise ReadError(f"{excerpt(node)} is not read here")
        owner = evaluate(interpreter, target.value, frame)
        if isinstance(target, ast.Attribute) and isinstance(owner, Instance):
            if owner.attrs.pop(target.attr, MISSING) is MISSING:
                raise ProgramException(
                    "AttributeError", f"there is no {brief(target.attr)} to delete"
                )
        elif isinstance(target, ast.Subscript) and isinstance(owner, dict | list):
            index = evaluate(interpreter, target.slice, frame)
            try:
                if isinstance(owner, dict):
                    del owner[index]
                    if isinstance(owner, ModulesDict) and isinstance(index, str):
                        owner.owner.attrs.pop(index, None)
                else:
                    del owner[index if isinstance(index, slice) else to_index(index)]
            except (LookupError, TypeError):
                raise ProgramException("KeyError", "there is no such item to delete") from None
        elif isinstance(target, ast.Subscript) and isinstance(owner, Instance):
            index = evaluate(interpreter, target.slice, frame)
            call(interpreter, attribute(interpreter, owner, "__delitem__"), [index], {})
        elif not isinstance(owner, Unknown):
            raise ReadError(f"{excerpt(node)} is not read here")


def _outer(interpreter: Interpreter, node: ast.Global | ast.Nonlocal, frame: Frame) -> None:
    frame.outer.update(node.names)


# -- branches and loops ---------------------------------------------------------------------


def _if(interpreter: Interpreter, node: ast.If, frame: Frame) -> None:
    branch = node.body if condition(interpreter, node.test, frame) else node.orelse
    interpreter.block(branch, frame)


def _for(interpreter: Interpreter, node: ast.For, frame: Frame) -> None:
    values = evaluate(interpreter, node.iter, frame)
    try:
        for value in iterate(interpreter, values):
            assign(interpreter, node.target, value, frame)
            try:
                interpreter.block(node.body, frame)
            except Continue:
                continue
    except Break:
        return
    interpreter.block(node.orelse, frame)


def _while(interpreter: Interpreter, node: ast.While, frame: Frame) -> None:
    try:
        while condition(interpreter, node.test, frame):
            interpreter.tick()
            try:
                interpreter.block(node.body, frame)
            except Continue:
                continue
    except Break:
        return
    interpreter.block(node.orelse, frame)


def _return(interpreter: Interpreter, node: ast.Return, frame: Frame) -> None:
    raise Return(evaluate(interpreter, node.value, frame) if node.value else None)


def _break(interpreter: Interpreter, node: ast.Break, frame: Frame) -> None:
    raise Break


def _continue(interpreter: Interpreter, node: ast.Continue, frame: Frame) -> None:
    raise Continue


def _with(interpreter: Interpreter, node: ast.With, frame: Frame) -> None:
    managers: list[Value] = []
    try:
        for item in node.items:
            _enter(interpreter, item, frame, managers)
        interpreter.block(node.body, frame)
    except ControlFlow:
        _leave(interpreter, managers, frame)
        raise
    except ProgramException as error:
        if not _leave(interpreter, managers, frame, error):
            raise
    else:
        _leave(interpreter, managers, frame)


def _enter(
    interpreter: Interpreter, item: ast.withitem, frame: Frame, managers: list[Value]
) -> None:
    """Begin one context, which is left with the others."""
    value = manager = evaluate(interpreter, item.context_expr, frame)
    if isinstance(value, Instance) and isinstance(value.cls.find("__enter__"), Function):
        value = call(interpreter, attribute(interpreter, value, "__enter__"), [], {})
    elif isinstance(value, ValueIterator):  # of a generator: contextlib.contextmanager
        value = next(value.items, None)
    managers.append(manager)
    if item.optional_vars is not None:
        assign(interpreter, item.optional_vars, value, frame)


def _leave(
    interpreter: Interpreter,
    managers: list[Value],
    frame: Frame,
    error: ProgramException | None = None,
) -> bool:
    """End contexts, the last one first; whether one of them took the exception."""
    for manager in reversed(managers):
        if isinstance(manager, Instance) and isinstance(manager.cls.find("__exit__"), Function):
            leave = attribute(interpreter, manager, "__exit__")
            what: list[Value] = [None, None]
            if error is not None:
                what = [error.cls or interpreter.global_name(error.kind, frame), str(error)]
            taken = call(interpreter, leave, [*what, None], {})
            if error is not None and truth(interpreter, taken):
                error = None
        elif isinstance(manager, ValueIterator):
            error = _leave_generator(manager, error)
    managers.clear()
    return error is None


def _leave_generator(
    manager: ValueIterator, error: ProgramException | None
) -> ProgramException | None:
    """Run the rest of a generator that is a context; an exception is raised where it waits."""
    if error is None:
        if next(manager.items, MISSING) is not MISSING:
            raise ProgramException("RuntimeError", "generator didn't stop")
        return None
    if not isinstance(manager.items, Generator):
        return error
    try:
        manager.items.throw(error)
    except StopIteration:
        return None
    except ProgramException as other:
        if other is not error:
            raise
        return error
    raise ProgramException("RuntimeError", "generator didn't stop after throw()")


# -- generators -----------------------------------------------------------------------------


def run_lazily(
    interpreter: Interpreter, body: Sequence[ast.stmt], frame: Frame
) -> Generator[Value]:
    """The values that the body of a generator yields, each computed when it is asked for."""
    with suppress(Return):
        yield from _lazily(interpreter, body, frame)


def _lazily(interpreter: Interpreter, body: Sequence[ast.stmt], frame: Frame) -> Generator[Value]:
    for node in body:
        if not _yields(node):
            interpreter.block([node], frame)
            continue
        interpreter.tick()
        match node:
            case ast.Expr(ast.Yield(value)):
                yield evaluate(interpreter, value, frame) if value else None
            case ast.Expr(ast.YieldFrom(value)):
                yield from iterate(interpreter, evaluate(interpreter, value, frame))
            case ast.If():
                taken = node.body if condition(interpreter, node.test, frame) else node.orelse
                yield from _lazily(interpreter, taken, frame)
            case ast.For() | ast.While():
                yield from _loop_lazily(interpreter, node, frame)
            case ast.With():
                managers: list[Value] = []
                for item in node.items:
                    _enter(interpreter, item, frame, managers)
                try:
                    yield from _lazily(interpreter, node.body, frame)
                except ProgramException as error:
                    if not _leave(interpreter, managers, frame, error):
                        raise
                _leave(interpreter, managers, frame)
            case ast.Try():
                yield from _try_lazily(interpreter, node, frame)
            case _:
                raise ReadError(f"{excerpt(node)}: a yield in this place is not followed here")


def _loop_lazily(
    interpreter: Interpreter, node: ast.For | ast.While, frame: Frame
) -> Generator[Value]:
    values: Iterator[Value] | None = None
    if isinstance(node, ast.For):
        values = iterate(interpreter, evaluate(interpreter, node.iter, frame))
    try:
        while True:
            interpreter.tick()
            if isinstance(node, ast.While):
                if not condition(interpreter, node.test, frame):
                    break
            else:
                assert values is not None
                value = next(values, MISSING)
                if value is MISSING:
                    break
                assign(interpreter, node.target, value, frame)
            with suppress(Continue):
                yield from _lazily(interpreter, node.body, frame)
    except Break:
        return
    yield from _lazily(interpreter, node.orelse, frame)


def _try_lazily(interpreter: Interpreter, node: ast.Try, frame: Frame) -> Generator[Value]:
    try:
        try:
            yield from _lazily(interpreter, node.body, frame)
        except ProgramException as error:
            handler = _handler(interpreter, node, error, frame)
            if handler is None:
                raise
            yield from _lazily(interpreter, handler.body, frame)
        else:
            yield from _lazily(interpreter, node.orelse, frame)
    except (ControlFlow, ProgramException):
        yield from _lazily(interpreter, node.finalbody, frame)
        raise
    yield from _lazily(interpreter, node.finalbody, frame)


def _yields(node: ast.stmt) -> bool:
    """Whether a statement yields, other than in a function of its own."""
    waiting: list[ast.AST] = [node]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(inner, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(inner)
    return False


def _match(interpreter: Interpreter, node: ast.Match, frame: Frame) -> None:
    value = evaluate(interpreter, node.subject, frame)
    if isinstance(value, Unknown):
        raise value.error(node.subject)
    for case in node.cases:
        if _matches(interpreter, case.pattern, value, frame) and (
            case.guard is None or condition(interpreter, case.guard, frame)
        ):
            interpreter.block(case.body, frame)
            return


def _matches(interpreter: Interpreter, pattern: ast.pattern, value: Value, frame: Frame) -> bool:
    """Whether a value matches a pattern, whose names are assigned on the way."""
    if isinstance(pattern, ast.MatchValue):
        wanted = evaluate(interpreter, pattern.value, frame)
        return truth(interpreter, compare(interpreter, ast.Eq, value, wanted))
    if isinstance(pattern, ast.MatchSingleton):
        return value is pattern.value
    if isinstance(pattern, ast.MatchOr):
        return any(_matches(interpreter, inner, value, frame) for inner in pattern.patterns)
    if isinstance(pattern, ast.MatchAs):
        inner = pattern.pattern
        if inner is not None and not _matches(interpreter, inner, value, frame):
            return False
        if pattern.name:
            names_of(pattern.name, frame)[pattern.name] = value
        return True
    if isinstance(pattern, ast.MatchSequence) and not any(
        isinstance(inner, ast.MatchStar) for inner in pattern.patterns
    ):
        return (
            isinstance(value, list | tuple)
            and len(value) == len(pattern.patterns)
            and all(
                _matches(interpreter, inner, item, frame)
                for inner, item in zip(pattern.patterns, value, strict=True)
            )
        )
    raise ReadError(f"the pattern {excerpt(pattern)} is not read here")


# -- exceptions -----------------------------------------------------------------------------


def _assert(interpreter: Interpreter, node: ast.Assert, frame: Frame) -> None:
    value = evaluate(interpreter, node.test, frame)
    if isinstance(value, Unknown | Tensor) or truth(interpreter, value):
        return
    message = evaluate(interpreter, node.msg, frame) if node.msg else ""
    text = to_str(interpreter, message)[:200] if message else excerpt(node.test)
    raise ProgramException("AssertionError", text)


def _raise(interpreter: Interpreter, node: ast.Raise, frame: Frame) -> None:
    if node.exc is None:
        again = interpreter.handled
        raise again or ProgramException("RuntimeError", "there is no exception to raise again")
    value = evaluate(interpreter, node.exc, frame)
    if isinstance(value, Caught):
        raise value.error
    cls = value.cls if isinstance(value, Instance) else value
    args = value.attrs.get("args") if isinstance(value, Instance) else None
    kind, message = cls.name if isinstance(cls, Class) else describe(value), ""
    if isinstance(args, tuple) and args:
        one = args[0] if len(args) == 1 else args
        written = to_repr if kind == "KeyError" and len(args) == 1 else to_str
        message = written(interpreter, one)[:200]
    error = ProgramException(kind, message)
    error.cls = cls if isinstance(cls, Class) else None
    raise error


def _try(interpreter: Interpreter, node: ast.Try, frame: Frame) -> None:
    site, depth = interpreter.site, interpreter.depth
    try:
        _try_body(interpreter, node, frame)
    except (ControlFlow, ProgramException):
        # `finally` runs whichever way the block is left, and may leave it another way
        interpreter.site, interpreter.depth = site, depth
        interpreter.block(node.finalbody, frame)
        raise
    interpreter.site, interpreter.depth = site, depth
    interpreter.block(node.finalbody, frame)


def _try_body(interpreter: Interpreter, node: ast.Try, frame: Frame) -> None:
    """What stands before `finally`."""
    site, depth = interpreter.site, interpreter.depth
    try:
        guarded = any(map(_names_import_error, node.handlers))
        for statement in node.body:
            if guarded and isinstance(statement, ast.Import | ast.ImportFrom):
                _check_import(interpreter, statement, frame)
            interpreter.block([statement], frame)
    except ProgramException as error:
        interpreter.site, interpreter.depth = site, depth
        handler = _handler(interpreter, node, error, frame)
        if handler is None:
            raise
        before, interpreter.handled = interpreter.handled, error
        try:
            interpreter.block(handler.body, frame)
        finally:
            interpreter.handled = before
    else:
        interpreter.block(node.orelse, frame)


def _handler(
    interpreter: Interpreter, node: ast.Try, error: ProgramException, frame: Frame
) -> ast.ExceptHandler | None:
    """The clause that catches an exception, which its name is assigned to."""
    for clause in node.handlers:
        if _catches(interpreter, clause, error, frame):
            if clause.name:
                frame.names[clause.name] = Caught(error)
            return clause
    return None


def _names_import_error(handler: ast.ExceptHandler) -> bool:
    """Whether a clause is there for a module that is missing."""
    names = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")
    return handler.type is None or any(
        isinstance(one, ast.Name) and one.id in names for one in ast.walk(handler.type)
    )


def _check_import(
    interpreter: Interpreter, node: ast.Import | ast.ImportFrom, frame: Frame
) -> None:
    """Raise what Python raises for a module that is neither a file here nor known.

    Without a clause for that case the file needs the module, which may change nothing.
    """
    level = node.level if isinstance(node, ast.ImportFrom) else 0
    named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    for name in named or [alias.name for alias in node.names]:
        if not level and not interpreter.has_module(name, frame):
            raise ProgramException("ModuleNotFoundError", f"No module named {brief(name)}")


def _catches(
    interpreter: Interpreter, handler: ast.ExceptHandler, error: ProgramException, frame: Frame
) -> bool:
    if handler.type is None:
        return True
    caught = evaluate(interpreter, handler.type, frame)
    cls = error.cls or interpreter.global_name(error.kind, frame)
    return any(
        isinstance(wanted, Class)
        and (cls.is_a(wanted) if isinstance(cls, Class) else wanted.name == "Exception")
        for wanted in (caught if isinstance(caught, tuple) else (caught,))
    )


# -- imports --------------------------------------------------------------------------------


def _import(interpreter: Interpreter, node: ast.Import, frame: Frame) -> None:
    for alias in node.names:
        module = interpreter.import_module(alias.name, 0, frame)
        top = alias.name.partition(".")[0]
        if alias.asname:
            frame.names[alias.asname] = module
        else:
            frame.names[top] = interpreter.import_module(top, 0, frame)


def _import_from(interpreter: Interpreter, node: ast.ImportFrom, frame: Frame) -> None:
    for alias in node.names:
        if alias.name == "*":
            interpreter.import_all(node.module or "", node.level, frame)
        else:
            name = alias.asname or alias.name
            frame.names[name] = DeferredImport(
                node.module or "", node.level, alias.name, frame.file, node
            )
            if frame.names is not frame.file.names:
                interpreter.resolve(frame.names, name)


EXECUTE: dict[type[ast.stmt], Callable[..., None]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.If: _if,
    ast.For: _for,
    ast.While: _while,
    ast.Return: _return,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.Pass: _pass,
    ast.Assert: _assert,
    ast.Raise: _raise,
    ast.Try: _try,
    ast.With: _with,
    ast.Delete: _delete,
    ast.Match: _match,
    ast.Global: _outer,
    ast.Nonlocal: _outer,
    ast.FunctionDef: define_function,
    ast.ClassDef: define_class,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
}
"""All the statements there are here; any other is refused with its text."""
