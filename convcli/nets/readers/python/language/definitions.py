"""Definitions of a model file: functions, classes, and what their decorators make of them."""

import ast
from collections.abc import Callable
from typing import Any

from convcli.callsyntax import excerpt
from convcli.nets.readers.python.language.calls import Calling
from convcli.nets.readers.python.language.objects import (
    Class,
    ClassMethod,
    Frame,
    Function,
    Halt,
    Native,
    Property,
    Static,
    Unknown,
)

NEUTRAL = (
    "register", "script", "ignore", "unused", "export", "deprecat", "doc", "amp", "fp16",
    "fp32", "autocast", "compile", "cache", "wraps", "abstract", "override", "overload",
    "final", "inference_mode", "no_grad", "total_ordering", "interface", "configurable",
    "custom_fwd",
)  # fmt: skip
"""Words in the names of decorators that leave what a function means as it is."""


class Definitions(Calling):
    """Makes functions and classes where they are defined."""

    # what the classes derived from this one give
    block: Callable[[list[ast.stmt], Frame], None]
    completed: Callable[[Class, ast.ClassDef], Class]

    def names_of(self, name: str, frame: Frame) -> dict[str, Any]:
        """The names among which a name is assigned."""
        if name not in frame.outer:
            return frame.names
        around = frame.around
        while around is not None:
            if name in around.names:
                return around.names
            around = around.around
        return frame.file.names

    def define_function(self, node: ast.FunctionDef, frame: Frame) -> None:
        made: Any = self.function(node, node.name, frame)
        made.cls = frame.cls if frame.cls is not None and frame.names is frame.cls.names else None
        for decorator in reversed(node.decorator_list):
            made = self._decorated(decorator, made, frame)
        self.names_of(node.name, frame)[node.name] = made

    def _decorated(self, node: ast.expr, made: Any, frame: Frame) -> Any:
        word = node.func if isinstance(node, ast.Call) else node
        name = word.attr if isinstance(word, ast.Attribute) else getattr(word, "id", "")
        if isinstance(word, ast.Name):
            plain = {"staticmethod": Static, "classmethod": ClassMethod, "property": Property}
            if name in plain:
                return plain[name](made)
        if name in ("cached_property", "lazy_property"):
            return Property(made)
        if name in ("setter", "deleter", "getter"):
            held = self.evaluate(word.value, frame) if isinstance(word, ast.Attribute) else None
            return held if isinstance(held, Property) else made
        try:
            decorator = self.evaluate(node, frame)
        except Halt as error:
            decorator = Unknown(excerpt(node), error.where)
        if isinstance(decorator, Unknown):
            if decorator.harmless or any(word in decorator.text.lower() for word in NEUTRAL):
                return made
            return Unknown(
                f"{getattr(made, 'name', 'a function')}, which {decorator.text} decorates,",
                frame.file.where(node),
            )
        try:
            return self.call(decorator, [made], {})
        except Halt:
            if any(word in name.lower() for word in NEUTRAL):
                return made
            raise

    def define_class(self, node: ast.ClassDef, frame: Frame) -> None:
        bases, plain = [], False
        for one in node.bases:
            base = self.evaluate(one, frame)
            if isinstance(base, Unknown) and base.harmless:
                continue  # a mark of types: Generic[T], Protocol, ABC
            if isinstance(base, Native) and base.name in ("str", "int"):
                plain = True  # of an enumeration whose members are equal to their values
                continue
            if not isinstance(base, Class | Unknown):
                raise Halt(f"{node.name} is derived from {self.describe(base)}")
            bases.append(base)
        made = Class(node.name, tuple(bases), {})
        made.own = True
        if plain:
            made.names["__plain__"] = True
        inner = Frame(
            frame.file, made.names, frame if frame.names is not frame.file.names else None
        )
        inner.cls = made
        self.block(node.body, inner)
        for name, value in made.names.items():
            held = value.function if isinstance(value, Static | ClassMethod) else value
            held = held.getter if isinstance(held, Property) else held
            if isinstance(held, Function) and held.cls is None and held.name == name:
                held.cls = made
        result: Any = self.completed(made, node)
        for decorator in reversed(node.decorator_list):
            result = self._decorated(decorator, result, frame)
        self.names_of(node.name, frame)[node.name] = result
