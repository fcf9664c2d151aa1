"""Definitions: functions and classes, and the results of their decorators."""

import ast
from collections.abc import Callable

from convcli.callsyntax import excerpt
from convcli.nets.readers.python.language.calls import call
from convcli.nets.readers.python.language.conversions import describe
from convcli.nets.readers.python.language.expressions import evaluate, make_function
from convcli.nets.readers.python.language.objects import (
    Class,
    ClassMethod,
    Frame,
    Function,
    Instance,
    Native,
    Property,
    ReadError,
    StaticMethod,
    Unknown,
    Value,
)
from convcli.nets.readers.python.language.protocol import Interpreter

METHOD_KINDS: dict[str, Callable[[Value], Value]] = {
    "staticmethod": StaticMethod,
    "classmethod": ClassMethod,
    "property": Property,
}

NEUTRAL = (
    "register", "script", "ignore", "unused", "export", "deprecat", "doc", "amp", "fp16",
    "fp32", "autocast", "compile", "cache", "wraps", "abstract", "override", "overload",
    "final", "inference_mode", "no_grad", "total_ordering", "interface", "configurable",
    "custom_fwd",
)  # fmt: skip
"""Words in the names of decorators that do not change the meaning of a function."""


def names_of(name: str, frame: Frame) -> dict[str, Value]:
    """The namespace in which a name is assigned."""
    if name not in frame.outer:
        return frame.names
    scope = frame.enclosing
    while scope is not None:
        if name in scope.names:
            return scope.names
        scope = scope.enclosing
    return frame.file.names


def define_function(interpreter: Interpreter, node: ast.FunctionDef, frame: Frame) -> None:
    """`def name(…): …`."""
    function = make_function(interpreter, node, node.name, frame)
    if frame.cls is not None and frame.names is frame.cls.names:
        function.cls = frame.cls
    value: Value = function
    for decorator in reversed(node.decorator_list):
        value = _decorated(interpreter, decorator, value, frame)
    names_of(node.name, frame)[node.name] = value


def _decorated(interpreter: Interpreter, node: ast.expr, value: Value, frame: Frame) -> Value:
    """The result of a decorator for a function or a class."""
    called = node.func if isinstance(node, ast.Call) else node
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    if isinstance(called, ast.Name) and name in METHOD_KINDS:
        return METHOD_KINDS[name](value)
    if name in ("cached_property", "lazy_property"):
        return Property(value, is_cached=True)
    if name in ("setter", "deleter", "getter"):
        if isinstance(called, ast.Attribute):
            owner = evaluate(interpreter, called.value, frame)
            if isinstance(owner, Property):
                return _with_accessor(owner, name, value)
        return value
    try:
        decorator = evaluate(interpreter, node, frame)
    except ReadError as error:
        decorator = Unknown(excerpt(node), error.where)
    if isinstance(decorator, Unknown):
        if decorator.harmless or any(word in decorator.text.lower() for word in NEUTRAL):
            return value
        return Unknown(
            f"{getattr(value, 'name', 'a function')}, which {decorator.text} decorates,",
            frame.file.where(node),
        )
    try:
        return call(interpreter, decorator, [value], {})
    except ReadError:
        if any(word in name.lower() for word in NEUTRAL):
            return value
        raise


def _with_accessor(owner: Property, kind: str, function: Value) -> Property:
    """A property with another function: `@name.setter`."""
    if kind == "setter":
        return Property(owner.getter, function)
    return Property(function, owner.setter) if kind == "getter" else owner


def define_class(interpreter: Interpreter, node: ast.ClassDef, frame: Frame) -> None:
    """`class Name(…): …`."""
    bases: list[Class | Unknown] = []
    plain = False
    for base_node in node.bases:
        base = evaluate(interpreter, base_node, frame)
        if isinstance(base, Unknown) and base.harmless:
            continue  # an annotation: Generic[T], Protocol, ABC
        if isinstance(base, Native) and base.name in ("str", "int"):
            plain = True  # of an enumeration whose members are equal to their values
            continue
        if not isinstance(base, Class | Unknown):
            raise ReadError(f"{node.name} is derived from {describe(base)}")
        bases.append(base)
    cls = Class(node.name, bases)
    cls.own = True
    options = _class_options(interpreter, node, frame)
    if plain:
        cls.names["__plain__"] = True
    enclosing = frame if frame.names is not frame.file.names else None
    interpreter.block(node.body, Frame(frame.file, cls.names, enclosing, cls))
    for name, value in cls.names.items():
        function = value.function if isinstance(value, StaticMethod | ClassMethod) else value
        function = function.getter if isinstance(function, Property) else function
        if isinstance(function, Function) and function.cls is None and function.name == name:
            function.cls = cls
    for name, value in cls.names.items():
        if isinstance(value, Instance) and isinstance(value.cls.find("__set_name__"), Function):
            call(interpreter, interpreter.attribute(value, "__set_name__"), [cls, name], {})
    _init_subclass(interpreter, cls, options)
    result: Value = interpreter.complete_class(cls, node)
    for decorator in reversed(node.decorator_list):
        result = _decorated(interpreter, decorator, result, frame)
    names_of(node.name, frame)[node.name] = result


def _class_options(interpreter: Interpreter, node: ast.ClassDef, frame: Frame) -> dict[str, Value]:
    """The keywords after the bases of a class. Raises ReadError for a metaclass of the file."""
    options: dict[str, Value] = {}
    for keyword in node.keywords:
        value = evaluate(interpreter, keyword.value, frame)
        if keyword.arg == "metaclass":
            own = value.own if isinstance(value, Class) else isinstance(value, Unknown)
            if own and not getattr(value, "harmless", False):
                text = f"{node.name} has the metaclass {describe(value)}, which is not followed"
                raise ReadError(text)
        elif keyword.arg is None:
            raise ReadError(f"** after the bases of {node.name} is not read here")
        else:
            options[keyword.arg] = value
    return options


def _init_subclass(interpreter: Interpreter, cls: Class, options: dict[str, Value]) -> None:
    """`__init_subclass__` of the nearest base that has one."""
    hook = cls.find("__init_subclass__", cls)
    function = hook.function if isinstance(hook, ClassMethod) else hook
    if isinstance(function, Function):
        call(interpreter, function, [cls], options)
