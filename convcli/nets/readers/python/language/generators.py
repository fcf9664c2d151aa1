"""The bodies of generators, run up to the next requested value."""

import ast
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress

from convcli.callsyntax import excerpt
from convcli.nets.readers.python.language.assignments import (
    assign,
)
from convcli.nets.readers.python.language.conversions import (
    iterate,
)
from convcli.nets.readers.python.language.exceptions import (
    Break,
    Continue,
    ControlFlow,
    Return,
    handler_of,
)
from convcli.nets.readers.python.language.expressions import (
    condition,
    evaluate,
)
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Frame,
    ProgramException,
    ReadError,
    Value,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.language.statements import enter, leave


def run_lazily(
    interpreter: Interpreter, body: Sequence[ast.stmt], frame: Frame
) -> Generator[Value]:
    """The values that the body of a generator yields, each computed on demand."""
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
                    enter(interpreter, item, frame, managers)
                try:
                    yield from _lazily(interpreter, node.body, frame)
                except ProgramException as error:
                    if not leave(interpreter, managers, frame, error):
                        raise
                leave(interpreter, managers, frame)
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
            handler = handler_of(interpreter, node, error, frame)
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
    """Whether a statement yields, other than in an inner function."""
    waiting: list[ast.AST] = [node]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(inner, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(inner)
    return False
