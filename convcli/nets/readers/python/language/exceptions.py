"""Exceptions of the program, which `try` catches, and those that leave a loop or a function."""

import ast
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TypeAlias

from convcli.callsyntax import brief, excerpt
from convcli.nets.readers.python.language.conversions import describe, to_repr, to_str, truth
from convcli.nets.readers.python.language.expressions import evaluate
from convcli.nets.readers.python.language.objects import (
    Caught,
    Class,
    Frame,
    Instance,
    ProgramException,
    Tensor,
    Unknown,
    Value,
)
from convcli.nets.readers.python.language.protocol import Interpreter

Run: TypeAlias = Callable[[Sequence[ast.stmt]], Iterable[Value]]
"""Runs the statements of a block, and gives what they yield: nothing outside of generators."""


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


def check_assertion(interpreter: Interpreter, node: ast.Assert, frame: Frame) -> None:
    value = evaluate(interpreter, node.test, frame)
    if isinstance(value, Unknown | Tensor) or truth(interpreter, value):
        return
    message = evaluate(interpreter, node.msg, frame) if node.msg else ""
    text = to_str(interpreter, message)[:200] if message else excerpt(node.test)
    raise ProgramException("AssertionError", text)


def raise_exception(interpreter: Interpreter, node: ast.Raise, frame: Frame) -> None:
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
        argument = args[0] if len(args) == 1 else args
        text_of = to_repr if kind == "KeyError" and len(args) == 1 else to_str
        message = text_of(interpreter, argument)[:200]
    error = ProgramException(kind, message)
    error.cls = cls if isinstance(cls, Class) else None
    raise error


def try_block(interpreter: Interpreter, node: ast.Try, frame: Frame, run: Run) -> Generator[Value]:
    site = interpreter.site
    try:
        try:
            guarded = any(map(_names_import_error, node.handlers))
            for statement in node.body:
                if guarded and isinstance(statement, ast.Import | ast.ImportFrom):
                    _check_import(interpreter, statement, frame)
                yield from run([statement])
        except ProgramException as error:
            interpreter.site = site
            handler = _handler_of(interpreter, node, error, frame)
            if handler is None:
                raise
            before, interpreter.handled = interpreter.handled, error
            try:
                yield from run(handler.body)
            finally:
                interpreter.handled = before
        else:
            yield from run(node.orelse)
    except (ControlFlow, ProgramException):
        # `finally` runs however the block is left, and may change how it is left
        interpreter.site = site
        yield from run(node.finalbody)
        raise
    interpreter.site = site
    yield from run(node.finalbody)


def _handler_of(
    interpreter: Interpreter, node: ast.Try, error: ProgramException, frame: Frame
) -> ast.ExceptHandler | None:
    """The clause that catches an exception; the exception is assigned to its name."""
    for clause in node.handlers:
        if _catches(interpreter, clause, error, frame):
            if clause.name:
                frame.names[clause.name] = Caught(error)
            return clause
    return None


def _names_import_error(handler: ast.ExceptHandler) -> bool:
    """Whether a clause handles a missing module."""
    names = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")
    return handler.type is None or any(
        isinstance(name, ast.Name) and name.id in names for name in ast.walk(handler.type)
    )


def _check_import(
    interpreter: Interpreter, node: ast.Import | ast.ImportFrom, frame: Frame
) -> None:
    """Raise Python's exception for a module that is neither a file here nor known.

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
