"""Calls: the binding of arguments to parameters, and the result of calling any value."""

import ast
from collections.abc import Sequence

from convcli.callsyntax import brief
from convcli.errors import SpecError
from convcli.nets.readers.python.language.conversions import describe
from convcli.nets.readers.python.language.objects import (
    MISSING,
    BoundMethod,
    Class,
    Frame,
    Function,
    Instance,
    Native,
    Partial,
    ProgramException,
    ReadError,
    StaticMethod,
    Super,
    Tensor,
    Unknown,
    Value,
    ValueIterator,
    check_known,
)
from convcli.nets.readers.python.language.operators import equal
from convcli.nets.readers.python.language.protocol import Interpreter

MAX_CALL_DEPTH = 150
"""Maximum nesting of calls: a network's blocks nest less than forty deep."""

MIXINS = ("Mixin", "Hub", "Hook")
"""Words in the names of foreign classes that add no layers to derived classes."""

HARMLESS = (
    "init", "load", "log", "print", "register", "summary", "warn", "weight", "pretrained",
    "seed", "deprecat", "script", "checkpoint", "profile", "cuda", "device",
)  # fmt: skip
"""Words in the name of an unknown function that leaves the layers of a model as they are."""


def call(
    interpreter: Interpreter, function: Value, args: list[Value], options: dict[str, Value]
) -> Value:
    """The result of a call. Raises ReadError for a value that cannot be called, or deep nesting."""
    interpreter.tick()
    if isinstance(function, Native):
        return _call_native(interpreter, function, args, options)
    if isinstance(function, BoundMethod):
        return call(interpreter, function.function, [function.owner, *args], options)
    if isinstance(function, Function):
        return _run(interpreter, function, args, options)
    if isinstance(function, Class):
        return instantiate(interpreter, function, args, options)
    if isinstance(function, Instance):
        return _call_instance(interpreter, function, args, options)
    if isinstance(function, Partial):
        return call(
            interpreter,
            function.function,
            [*function.args, *args],
            {**function.options, **options},
        )
    if isinstance(function, StaticMethod):
        return call(interpreter, function.function, args, options)
    if isinstance(function, Unknown):
        return _call_unknown(interpreter, function, args, options)
    raise ProgramException("TypeError", f"{describe(function)} is called")


# -- functions of libraries -----------------------------------------------------------------


def _call_native(
    interpreter: Interpreter, function: Native, args: list[Value], options: dict[str, Value]
) -> Value:
    if not args and "input" in options:  # PyTorch's name for a function's first value
        args = [options["input"]]
        options = {key: value for key, value in options.items() if key != "input"}
    recorder = interpreter.recorder
    name = "" if function.name == "forward" else function.name  # a module of a library
    outer, recorder.function = recorder.function, name
    try:
        return function.call(interpreter, *args, **options)
    except TypeError as error:
        raise _mismatch(interpreter, function, args, options, error) from None
    except (ArithmeticError, AttributeError, LookupError, ValueError) as error:
        if isinstance(error, SpecError):
            raise
        check_known(*args, *options.values())
        raise ReadError(f"{function.name}: {error}") from None
    finally:
        recorder.function = outer


def _mismatch(
    interpreter: Interpreter,
    function: Native,
    args: list[Value],
    options: dict[str, Value],
    error: TypeError,
) -> ReadError:
    """The refusal of arguments that a native does not take, or that are unknown."""
    for value in (*args, *options.values()):
        if isinstance(value, Unknown):
            return value.error()
    from inspect import signature

    try:
        signature(function.call).bind(interpreter, *args, **options)
    except TypeError as mismatch:
        return ReadError(f"{function.name}: {mismatch}")
    return ReadError(f"{function.name}: {error}")


def _call_unknown(
    interpreter: Interpreter, function: Unknown, args: list[Value], options: dict[str, Value]
) -> Unknown:
    name = function.text.rpartition(".")[2].lower()
    if not function.harmless and not any(word in name for word in HARMLESS):
        for value in flat([*args, *options.values()]):
            if interpreter.is_module(value) or (isinstance(value, Tensor) and value.node):
                raise ReadError(
                    f"{function.text} is not known here, and is given {describe(value)}"
                )
    where = function.where or interpreter.location()
    return Unknown(f"{function.text}()", where, function.harmless)


def flat(values: list[Value]) -> list[Value]:
    """Values, and those in lists of them."""
    flat: list[Value] = []
    for value in values:
        flat += value[:100] if isinstance(value, list | tuple) else [value]
    return flat


# -- functions of the program ---------------------------------------------------------------


def _run(
    interpreter: Interpreter, function: Function, args: list[Value], options: dict[str, Value]
) -> Value:
    """The return value of a function of the program."""
    names = _bind(function, args, options)
    frame = Frame(function.file, names, function.enclosing, function.cls)
    if interpreter.depth >= MAX_CALL_DEPTH:
        raise ReadError(f"calls are nested more than {MAX_CALL_DEPTH} deep")
    interpreter.depth += 1
    recorder = interpreter.recorder
    outer, recorder.function = recorder.function, ""
    try:
        node = function.node
        if isinstance(node, ast.Lambda):
            return interpreter.evaluate(node.body, frame)
        if node not in interpreter.generators:
            interpreter.generators[node] = yields(node.body)
        if interpreter.generators[node]:
            return ValueIterator(interpreter.run_lazily(node.body, frame))
        return interpreter.execute(node.body, frame)
    finally:
        interpreter.depth -= 1
        recorder.function = outer


def yields(body: Sequence[ast.AST]) -> bool:
    """Whether statements yield, other than in an inner function."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)
    return False


def _bind(function: Function, args: list[Value], options: dict[str, Value]) -> dict[str, Value]:
    """The arguments of a function by parameter, by Python's rules."""
    parameters, name = function.node.args, function.name
    positional = function.positional
    names: dict[str, Value] = dict(zip(positional, args, strict=False))
    rest = args[len(positional) :]
    if parameters.vararg is not None:
        names[parameters.vararg.arg] = tuple(rest)
    elif rest:
        raise ProgramException(
            "TypeError",
            f"{name}() takes {len(positional)} positional arguments, {len(args)} are given",
        )
    by_name = {*positional[len(parameters.posonlyargs) :], *function.keyword_only}
    more: dict[str, Value] = {}
    for key, value in options.items():
        if key in by_name:
            if key in names:
                raise ProgramException("TypeError", f"{name}() is given {brief(key)} twice")
            names[key] = value
        else:
            more[key] = value
    if parameters.kwarg is not None:
        names[parameters.kwarg.arg] = more
    elif more:
        takes = ", ".join(key for key in positional if key != "self") or "nothing by name"
        raise ProgramException(
            "TypeError", f"{name}() takes no {brief(next(iter(more)))}; it takes {takes}"
        )
    for key in (*positional, *function.keyword_only):
        if key not in names:
            if key not in function.defaults:
                raise ProgramException("TypeError", f"{name}() needs {key!r}, which has no default")
            names[key] = function.defaults[key]
    return names


# -- classes and objects --------------------------------------------------------------------


def instantiate(
    interpreter: Interpreter, cls: Class, args: list[Value], options: dict[str, Value]
) -> Value:
    """A new object of a class."""
    make = cls.find("__new__")
    if isinstance(make, Native):
        return make.call(interpreter, cls, *args, **options)
    for base in cls.foreign:
        if not any(word in base.text for word in MIXINS):
            raise ReadError(f"{cls.name} is a {base.text}, which is not known here", base.where)
    if cls.members is not None:
        return _member(interpreter, cls, cls.members, args)
    instance = (
        call(interpreter, make, [cls, *args], options) if make is not MISSING else Instance(cls)
    )
    if not (isinstance(instance, Instance) and instance.cls.is_a(cls)):
        return instance
    init = cls.find("__init__")
    if init is not MISSING:
        call(interpreter, init, [instance, *args], options)
    elif args or options:
        raise ProgramException("TypeError", f"{cls.name}() takes no values")
    return instance


def _member(
    interpreter: Interpreter, cls: Class, members: dict[str, Value], args: list[Value]
) -> Value:
    """The member of an enumeration that has a value."""
    for member in members.values() if args else ():
        value = member.attrs["value"] if isinstance(member, Instance) else member
        if args[0] is member or equal(interpreter, value, args[0]):
            return member
    raise ProgramException("ValueError", f"no {cls.name} has this value")


def _call_instance(
    interpreter: Interpreter, owner: Instance, args: list[Value], options: dict[str, Value]
) -> Value:
    own = owner.cls.find("__call__")
    if own is not MISSING:
        return call(interpreter, own, [owner, *args], options)
    if interpreter.is_module(owner):
        return _with_hooks(interpreter, owner, args, options)
    raise ProgramException("TypeError", f"{describe(owner)} is called")


def _with_hooks(
    interpreter: Interpreter, owner: Instance, args: list[Value], options: dict[str, Value]
) -> Value:
    """A module's `forward`, between the hooks that it has; what they return takes its place."""
    after, before = owner.hooks
    for hook in before:
        given = call(interpreter, hook, [owner, tuple(args)], {})
        if given is not None:
            args = [*given] if isinstance(given, tuple) else [given]
    output = interpreter.forward(owner, args, options)
    for hook in after:
        given = call(interpreter, hook, [owner, tuple(args), output], {})
        output = output if given is None else given
    return output


def enclosing_super(args: list[Value], frame: Frame) -> Super:
    """`super()` and `super(Net, self)`."""
    if len(args) == 2 and isinstance(args[0], Class):
        if not isinstance(args[1], Instance | Class):
            raise ProgramException("TypeError", f"super() of {describe(args[1])}")
        return Super(args[1], args[0])
    method: Frame | None = frame
    while method is not None and method.cls is None:
        method = method.enclosing
    if method is None or method.cls is None:
        raise ReadError("super() stands outside of a method")
    owner = next(iter(method.names.values()), None)
    inner: Frame | None = frame
    while inner is not None and not isinstance(owner, Instance | Class):
        owner, inner = next(iter(inner.names.values()), None), inner.enclosing
    if not isinstance(owner, Instance | Class):
        raise ReadError("super() stands outside of a method")
    return Super(owner, method.cls)
