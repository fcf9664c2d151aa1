"""The entry point of a model file: the class or builder that is named, or the obvious one."""

import ast

from convcli.callsyntax import UNREADABLE, brief, parsed_value
from convcli.errors import SpecError
from convcli.nets.readers.python.interpreter import ModelInterpreter
from convcli.nets.readers.python.keras.layers import LAYER
from convcli.nets.readers.python.language.conversions import describe
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Class,
    Frame,
    Function,
    Instance,
    Partial,
    ReadError,
    SourceFile,
    Unknown,
    Value,
)
from convcli.nets.readers.python.stdlib.modules import NAMESPACE
from convcli.nets.readers.python.torch import nn_module
from convcli.text import like, safe

NOT_BUILDERS = ("test", "main", "train", "demo", "run", "count", "load", "init", "get_args")
"""Prefixes of functions that do not build a network for their callers."""


LOSSES = ("loss", "criteri")
"""Words in the names of modules that measure a network."""


def parse_entry(entry: str, file: SourceFile) -> ast.expr:
    """`Name` or `Name(args)` as an expression that builds something."""
    try:
        node = parsed_value(entry)
    except UNREADABLE:
        node = None
    if not isinstance(node, ast.Name | ast.Call | ast.Attribute | ast.Subscript):
        raise SpecError(f"{brief(entry)} is not a name in {safe(file.name)}, nor a call of one")
    name = node.func if isinstance(node, ast.Call) else node
    if isinstance(name, ast.Name) and name.id not in file.names:
        known = [name for name, value in file.names.items() if isinstance(value, Class | Function)]
        hint = like(name.id, known) or f"; it has {', '.join(known[:8])}"
        raise SpecError(f"{safe(file.name)} has no {brief(name.id)}{hint}")
    return node


def find_entry(file: SourceFile) -> ast.expr:
    """The one class or builder that a file is about. Raises SpecError where there are several."""
    models = models_of(file)
    if models:
        return ast.Name(models[-1], ast.Load())  # `model = Net()` of the file itself
    used = _used(file)
    ready: list[str] = []
    other: list[str] = []
    for name, value in file.names.items():
        if isinstance(value, Class) and value.is_a(nn_module.MODULE):
            run = "call" if value.is_a(LAYER) else "forward"
            if is_defined_in(value, file) and value.find(run) is not MISSING:
                (ready if not needs(value.find("__init__"), 1) else other).append(name)
        elif isinstance(value, Function) and value.file is file and _builds(value):
            (ready if not needs(value, 0) else other).append(name)
    for names in ([name for name in ready if name not in used], ready):
        if len(names) == 1:
            return ast.Name(names[0], ast.Load())
        if names:
            tried = _in_main(file, names)
            if tried is not None:
                return tried
            listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
            raise SpecError(
                f"{safe(file.name)} builds several networks: {listed}; "
                f"say which, such as {safe(file.name)}:{names[-1]}"
            )
    tried = _in_main(file, other)
    if tried is not None:
        return tried
    if not other:
        check_calls(file)
        raise SpecError(f"{safe(file.name)} holds no class with a forward, and no layers")
    name = next((known for known in reversed(other) if known not in used), other[-1])
    value = file.names[name]
    takes = needs(
        value.find("__init__") if isinstance(value, Class) else value, isinstance(value, Class)
    )
    raise SpecError(
        f"{name} of {safe(file.name)} takes {', '.join(takes)}; "
        f"give them: '{safe(file.name)}:{name}({', '.join(f'{key}=…' for key in takes)})'"
    )


def models_of(file: SourceFile) -> list[str]:
    """The names of a file's own modules that are no part of another, the newest last.

    Layers and losses are left out where anything else has weights.
    """
    modules = {
        name: value
        for name, value in file.names.items()
        if isinstance(value, Instance) and value.cls.is_a(nn_module.MODULE)
    }
    walks = map(nn_module.walk, modules.values())
    inside = {id(part) for walk in walks for _, part in list(walk)[1:]}
    names: dict[int, str] = {}
    for name, value in modules.items():
        measures = any(word in f"{name} {value.cls.name}".lower() for word in LOSSES)
        if id(value) not in inside and value.leaf is None and not measures:
            parts = (part for _, part in nn_module.walk(value))
            if any(part.leaf or any(nn_module.parameters(part)) for part in parts):
                names.setdefault(id(value), name)
    return list(names.values()) or list(modules)[:1]


def check_calls(file: SourceFile) -> None:
    """Raise ReadError for the first name of a file that stands for a call which is not known."""
    for value in file.names.values():
        if isinstance(value, Unknown) and "(" in value.text:
            raise ReadError(f"{value.text} cannot be read", value.where)


def main_of(file: SourceFile) -> Function | None:
    """The function that a file runs as a program, if it takes nothing: its `main`."""
    value = file.names.get("main")
    is_own = isinstance(value, Function) and value.file is file and not needs(value, 0)
    return value if is_own and isinstance(value, Function) else None


def is_defined_in(cls: Class, file: SourceFile) -> bool:
    """Whether a class is defined in this file; an imported one is only a part of its network."""
    return any(isinstance(node, ast.ClassDef) and node.name == cls.name for node in file.tree.body)


def _builds(function: Function) -> bool:
    node = function.node
    if not isinstance(node, ast.FunctionDef) or function.name.startswith(("_", *NOT_BUILDERS)):
        return False
    if any(isinstance(name, ast.Name) and name.id == "Tensor" for name in ast.walk(node.args)):
        return False
    returns = [inner for inner in ast.walk(node) if isinstance(inner, ast.Return)]
    return any(isinstance(inner.value, ast.Call | ast.Name) for inner in returns)


def needs(function: Value, skipped: int) -> list[str]:
    """The parameters of a function that have no default."""
    if not isinstance(function, Function):
        return []
    names = (*function.positional[skipped:], *function.keyword_only)
    return [name for name in names if name not in function.defaults]


def _used(file: SourceFile) -> set[str]:
    """The names that other definitions of the file use: parts of its network."""
    names: set[str] = set()
    for node in file.tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            if isinstance(node, ast.FunctionDef) and node.name.startswith(NOT_BUILDERS):
                continue
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and inner.id != node.name:
                    names.add(inner.id)
    return names


def _in_main(file: SourceFile, names: list[str]) -> ast.expr | None:
    """The one call of a builder under `if __name__ == "__main__"`, or in a function `test`."""
    calls: dict[str, ast.expr] = {}
    for node in file.tree.body:
        main = isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)
        if main or (isinstance(node, ast.FunctionDef) and node.name.startswith(("test", "main"))):
            for inner in ast.walk(node):
                if (
                    isinstance(inner, ast.Call)
                    and isinstance(inner.func, ast.Name)
                    and inner.func.id in names
                ):
                    calls.setdefault(ast.unparse(inner), inner)
    return next(iter(calls.values())) if len(calls) == 1 else None


def build_module(
    interpreter: ModelInterpreter, file: SourceFile, call: ast.expr
) -> tuple[Instance, str]:
    """The module that an entry builds, and its name."""
    label = ast.unparse(call)[:60]
    entry = SourceFile("", "entry", label, ast.Module([], []))
    entry.names = file.names
    settings: dict[str, Value] = {"SimpleNamespace": NAMESPACE, "Namespace": NAMESPACE}
    more = {name: value for name, value in settings.items() if name not in file.names}
    body = ast.parse(ast.unparse(call), mode="eval").body
    value = interpreter.evaluate(body, Frame(entry, more))
    if isinstance(value, Class | Function | Partial):
        value = interpreter.call(value, [], {})
    if isinstance(value, tuple | list) and value and interpreter.is_module(value[0]):
        value = value[0]
    if isinstance(value, Unknown):
        raise ReadError(f"{label} gives {value.text}, which is not known here", value.where)
    if not isinstance(value, Instance) or not value.cls.is_a(nn_module.MODULE):
        raise ReadError(f"{label} gives {describe(value)}, which is not a module")
    kind = (
        "class" if isinstance(call, ast.Name) and isinstance(file.names.get(call.id), Class) else ""
    )
    return value, f"{kind} {label}".strip()
