"""Statements: the effect of each kind, its branches, the values it returns or yields."""

import ast
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from functools import partial

from convcli.callsyntax import excerpt
from convcli.errors import SpecError
from convcli.nets.readers.python.language.assignments import (
    assign,
    assign_annotated,
    assign_augmented,
    assign_targets,
    delete,
)
from convcli.nets.readers.python.language.attributes import attribute
from convcli.nets.readers.python.language.calls import call, yields
from convcli.nets.readers.python.language.conversions import iterate, truth
from convcli.nets.readers.python.language.definitions import define_class, define_function, names_of
from convcli.nets.readers.python.language.exceptions import (
    Break,
    Continue,
    ControlFlow,
    Return,
    Run,
    check_assertion,
    raise_exception,
    try_block,
)
from convcli.nets.readers.python.language.expressions import condition, evaluate, located
from convcli.nets.readers.python.language.objects import (
    MISSING,
    DeferredImport,
    Frame,
    Function,
    Instance,
    ProgramException,
    ReadError,
    Unknown,
    Value,
    ValueIterator,
)
from convcli.nets.readers.python.language.operators import compare
from convcli.nets.readers.python.language.protocol import Interpreter


def execute(interpreter: Interpreter, body: Sequence[ast.stmt], frame: Frame) -> Value:
    """The return value of a function's body."""
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
            # values that no table covers: refused with the line, like everything unknown
            text = f"{excerpt(node)} is not read here: {error}"
            raise ReadError(text[:300], frame.file.where(node)) from error


def _expression(interpreter: Interpreter, node: ast.Expr, frame: Frame) -> None:
    if not isinstance(node.value, ast.Constant):
        evaluate(interpreter, node.value, frame)


def _pass(interpreter: Interpreter, node: ast.Pass, frame: Frame) -> None:
    pass


def _outer(interpreter: Interpreter, node: ast.Global | ast.Nonlocal, frame: Frame) -> None:
    frame.outer.update(node.names)


# -- branches and loops ---------------------------------------------------------------------


def _if(interpreter: Interpreter, node: ast.If, frame: Frame) -> None:
    branch = node.body if condition(interpreter, node.test, frame) else node.orelse
    interpreter.block(branch, frame)


def _loop(interpreter: Interpreter, node: ast.For | ast.While, frame: Frame) -> None:
    try:
        for _ in _rounds(interpreter, node, frame):
            try:
                interpreter.block(node.body, frame)
            except Continue:
                continue
    except Break:
        return
    interpreter.block(node.orelse, frame)


def _rounds(interpreter: Interpreter, node: ast.For | ast.While, frame: Frame) -> Generator[None]:
    """The rounds of a loop, each with its variables assigned."""
    if isinstance(node, ast.For):
        for value in iterate(interpreter, evaluate(interpreter, node.iter, frame)):
            assign(interpreter, node.target, value, frame)
            yield
    else:
        while condition(interpreter, node.test, frame):
            interpreter.tick()
            yield


def _return(interpreter: Interpreter, node: ast.Return, frame: Frame) -> None:
    raise Return(evaluate(interpreter, node.value, frame) if node.value else None)


def _break(interpreter: Interpreter, node: ast.Break, frame: Frame) -> None:
    raise Break


def _continue(interpreter: Interpreter, node: ast.Continue, frame: Frame) -> None:
    raise Continue


def _with(interpreter: Interpreter, node: ast.With, frame: Frame, run: Run) -> Generator[Value]:
    managers: list[Value] = []
    try:
        for item in node.items:
            _enter(interpreter, item, frame, managers)
        yield from run(node.body)
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
    """Enter one context, which is left with the others."""
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
    """Leave contexts, the last one first; return whether one suppressed the exception."""
    for manager in reversed(managers):
        if isinstance(manager, Instance) and isinstance(manager.cls.find("__exit__"), Function):
            leave = attribute(interpreter, manager, "__exit__")
            details: list[Value] = [None, None]
            if error is not None:
                details = [error.cls or interpreter.global_name(error.kind, frame), str(error)]
            suppresses = call(interpreter, leave, [*details, None], {})
            if error is not None and truth(interpreter, suppresses):
                error = None
        elif isinstance(manager, ValueIterator):
            error = _leave_generator(manager, error)
    managers.clear()
    return error is None


def _leave_generator(
    manager: ValueIterator, error: ProgramException | None
) -> ProgramException | None:
    """Run the rest of a generator that is a context; an exception is raised at its yield."""
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
    """Whether a value matches a pattern; its names are assigned during the match."""
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


# -- generators -----------------------------------------------------------------------------


def run_lazily(
    interpreter: Interpreter, body: Sequence[ast.stmt], frame: Frame
) -> Generator[Value]:
    """The values that the body of a generator yields, each computed on demand."""
    with suppress(Return):
        yield from _lazily(interpreter, body, frame)


def _lazily(interpreter: Interpreter, body: Sequence[ast.stmt], frame: Frame) -> Generator[Value]:
    for node in body:
        if not yields([node]):
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
            case _ if type(node) in BLOCKS:
                run = partial(_lazily, interpreter, frame=frame)
                yield from BLOCKS[type(node)](interpreter, node, frame, run)
            case _:
                raise ReadError(f"{excerpt(node)}: a yield in this place is not followed here")


def _loop_lazily(
    interpreter: Interpreter, node: ast.For | ast.While, frame: Frame
) -> Generator[Value]:
    try:
        for _ in _rounds(interpreter, node, frame):
            with suppress(Continue):
                yield from _lazily(interpreter, node.body, frame)
    except Break:
        return
    yield from _lazily(interpreter, node.orelse, frame)


def _eagerly(interpreter: Interpreter, node: ast.stmt, frame: Frame) -> None:
    """A statement of blocks outside of a generator."""

    def run(body: Sequence[ast.stmt]) -> tuple[()]:
        interpreter.block(body, frame)
        return ()

    for _ in BLOCKS[type(node)](interpreter, node, frame, run):
        pass


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


BLOCKS: dict[type[ast.stmt], Callable[..., Iterator[Value]]] = {
    ast.With: _with,
    ast.Try: try_block,
}
"""Statements of blocks that run alike in a generator and outside of one."""

EXECUTE: dict[type[ast.stmt], Callable[..., None]] = {
    **dict.fromkeys(BLOCKS, _eagerly),
    ast.Expr: _expression,
    ast.Assign: assign_targets,
    ast.AnnAssign: assign_annotated,
    ast.AugAssign: assign_augmented,
    ast.If: _if,
    ast.For: _loop,
    ast.While: _loop,
    ast.Return: _return,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.Pass: _pass,
    ast.Assert: check_assertion,
    ast.Raise: raise_exception,
    ast.Delete: delete,
    ast.Match: _match,
    ast.Global: _outer,
    ast.Nonlocal: _outer,
    ast.FunctionDef: define_function,
    ast.ClassDef: define_class,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
}
"""All supported statements; any other is refused with its text."""
