"""Calls and attributes: what a function, a class, a module of a network does when it is used."""

import ast
from collections.abc import Callable
from typing import Any

from convcli.callsyntax import shown
from convcli.errors import SpecError
from convcli.nets.readers.python.language.expressions import Expressions
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Bound,
    Class,
    ClassMethod,
    File,
    Frame,
    Function,
    Halt,
    Iterating,
    Library,
    Native,
    Object,
    Partial,
    Property,
    Raised,
    Static,
    Super,
    Tensor,
    Unknown,
)
from convcli.nets.source_location import Where

DEEPEST_CALLS = 150
"""Calls inside calls: a network's blocks nest less than forty deep."""

MIXINS = ("Mixin", "Hub", "Hook")
"""Words in the names of classes of elsewhere that add no layers to what is derived from them."""

HARMLESS = (
    "init", "load", "log", "print", "register", "summary", "warn", "weight", "pretrained",
    "seed", "deprecat", "script", "checkpoint", "profile", "cuda", "device",
)  # fmt: skip
"""Words in the name of a function of elsewhere that leaves the layers of a model as they are."""


def flat(values: tuple[Any, ...]) -> list[Any]:
    """Values, and those in lists of them."""
    found: list[Any] = []
    for one in values:
        found += one[:100] if isinstance(one, list | tuple) else [one]
    return found


class Calling(Expressions):
    """Binds values to parameters, looks names up in objects, runs what is called."""

    # what the classes derived from this one give
    here: Callable[..., Where | None]
    execute: Callable[[list[ast.stmt], Frame], Any]
    is_module: Callable[[Any], bool]
    forward: Callable[[Object, list[Any], dict[str, Any]], Any]
    module_attribute: Callable[[Object, str], Any]
    set_on_layer: Callable[[Object, str, Any], bool]
    tensor_attribute: Callable[[Tensor, str], Any]
    library_name: Callable[[Library, str], Any]
    method_of_value: Callable[[Any, str], Any]
    class_method_of_type: Callable[[str, str], Any]

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self._generators: dict[ast.AST, bool] = {}

    # -- calls ------------------------------------------------------------------------------

    def call(self, function: Any, args: list[Any], options: dict[str, Any]) -> Any:
        """What a call gives. Raises Halt for what cannot be called, or is nested too deep."""
        self.tick()
        kind = type(function)
        if kind is Native:
            return self._native(function, args, options)
        if kind is Bound:
            return self.call(function.function, [function.owner, *args], options)
        if kind is Function:
            return self._run(function, args, options)
        if kind is Class:
            return self.instance(function, args, options)
        if kind is Object:
            return self._called_object(function, args, options)
        if kind is Partial:
            return self.call(
                function.function, [*function.args, *args], {**function.options, **options}
            )
        if kind is Static:
            return self.call(function.function, args, options)
        if kind is Unknown:
            return self._unknown_call(function, args, options)
        raise Raised("TypeError", f"{self.describe(function)} is called")

    def _native(self, function: Native, args: list[Any], options: dict[str, Any]) -> Any:
        if not args and "input" in options:  # PyTorch's name for a function's first value
            args = [options["input"]]
            options = {key: value for key, value in options.items() if key != "input"}
        try:
            return function.call(self, *args, **options)
        except TypeError as error:
            return self._mismatch(function, args, options, error)
        except (ArithmeticError, AttributeError, LookupError, ValueError) as error:
            if isinstance(error, SpecError):
                raise
            for one in (*args, *options.values()):
                if isinstance(one, Unknown):
                    raise self.unknown(one) from None
            raise Halt(f"{function.name}: {error}") from None

    def _mismatch(
        self, function: Native, args: list[Any], options: dict[str, Any], error: TypeError
    ) -> Any:
        """Values that a function of a library does not take, or that are not known."""
        for one in (*args, *options.values()):
            if isinstance(one, Unknown):
                raise self.unknown(one) from None
        from inspect import signature

        try:
            signature(function.call).bind(self, *args, **options)
        except TypeError as mismatch:
            raise Halt(f"{function.name}: {mismatch}") from None
        raise Halt(f"{function.name}: {error}") from None

    def _unknown_call(self, function: Unknown, args: list[Any], options: dict[str, Any]) -> Any:
        name = function.text.rpartition(".")[2].lower()
        if not function.harmless and not any(word in name for word in HARMLESS):
            for one in flat((*args, *options.values())):
                if (isinstance(one, Object) and self.is_module(one)) or (
                    isinstance(one, Tensor) and one.node
                ):
                    raise Halt(
                        f"{function.text} is not known here, and is given {self.describe(one)}"
                    )
        return Unknown(f"{function.text}()", function.where or self.here(), function.harmless)

    def _called_object(self, owner: Object, args: list[Any], options: dict[str, Any]) -> Any:
        own = owner.cls.find("__call__")
        if own is not MISSING:
            return self.call(own, [owner, *args], options)
        if self.is_module(owner):
            return self.forward(owner, args, options)
        raise Raised("TypeError", f"{self.describe(owner)} is called")

    def _run(self, function: Function, args: list[Any], options: dict[str, Any]) -> Any:
        """What a function of the file returns."""
        frame = Frame(
            function.file, self._bound(function, args, options), function.around, function.cls
        )
        if self.depth >= DEEPEST_CALLS:
            raise Halt(f"calls are nested more than {DEEPEST_CALLS} deep")
        self.depth += 1
        try:
            node = function.node
            if isinstance(node, ast.Lambda):
                return self.evaluate(node.body, frame)
            if self._is_generator(node):
                frame.yielded = []
                self.execute(node.body, frame)
                return self.iterator(frame.yielded)
            return self.execute(node.body, frame)
        finally:
            self.depth -= 1

    def _is_generator(self, node: ast.FunctionDef) -> bool:
        if node not in self._generators:
            waiting: list[Any] = list(node.body)
            found = False
            while waiting and not found:
                one = waiting.pop()
                found = isinstance(one, ast.Yield | ast.YieldFrom)
                if not isinstance(one, ast.FunctionDef | ast.Lambda | ast.ClassDef):
                    waiting += ast.iter_child_nodes(one)
            self._generators[node] = found
        return self._generators[node]

    def _bound(
        self, function: Function, args: list[Any], options: dict[str, Any]
    ) -> dict[str, Any]:
        """The values of a function's parameters, by Python's rules."""
        wanted, name = function.node.args, function.name
        by_place = [one.arg for one in (*wanted.posonlyargs, *wanted.args)]
        names = dict(zip(by_place, args, strict=False))
        rest = args[len(by_place) :]
        if wanted.vararg is not None:
            names[wanted.vararg.arg] = tuple(rest)
        elif rest:
            raise Raised(
                "TypeError",
                f"{name}() takes {len(by_place)} values by place, {len(args)} are given",
            )
        by_name = {*by_place[len(wanted.posonlyargs) :], *(one.arg for one in wanted.kwonlyargs)}
        more: dict[str, Any] = {}
        for key, value in options.items():
            if key in by_name:
                if key in names:
                    raise Raised("TypeError", f"{name}() is given {shown(key)} twice")
                names[key] = value
            else:
                more[key] = value
        if wanted.kwarg is not None:
            names[wanted.kwarg.arg] = more
        elif more:
            takes = ", ".join(one for one in by_place if one != "self") or "nothing by name"
            raise Raised(
                "TypeError", f"{name}() takes no {shown(next(iter(more)))}; it takes {takes}"
            )
        first = len(by_place) - len(function.defaults)
        for place, key in enumerate(by_place):
            if key not in names:
                if place < first:
                    raise Raised("TypeError", f"{name}() needs {key!r}, which has no default")
                names[key] = function.defaults[place - first]
        for one, default in zip(wanted.kwonlyargs, function.kw_defaults, strict=True):
            if one.arg not in names:
                if default is MISSING:
                    raise Raised("TypeError", f"{name}() needs {one.arg!r}, which has no default")
                names[one.arg] = default
        return names

    # -- objects ----------------------------------------------------------------------------

    def instance(self, cls: Class, args: list[Any], options: dict[str, Any]) -> Any:
        """A new object of a class."""
        make = cls.find("__new__")
        if isinstance(make, Native):
            return make.call(self, cls, *args, **options)
        for base in cls.foreign:
            if not any(word in base.text for word in MIXINS):
                raise Halt(f"{cls.name} is a {base.text}, which is not known here", base.where)
        if "__members__" in cls.names:  # an enumeration, asked for a member by its value
            for member in cls.names["__members__"].values():
                if args and args[0] is member:
                    return member
                if args and self.truth(self.compare(ast.Eq, member.attrs["value"], args[0])):
                    return member
            raise Raised("ValueError", f"no {cls.name} has this value")
        made = self.call(make, [cls, *args], options) if make is not MISSING else Object(cls)
        if not (isinstance(made, Object) and made.cls.is_a(cls)):
            return made
        init = cls.find("__init__")
        if init is not MISSING:
            self.call(init, [made, *args], options)
        elif args or options:
            raise Raised("TypeError", f"{cls.name}() takes no values")
        return made

    def attribute(self, owner: Any, name: str) -> Any:
        """`owner.name`. Raises Raised("AttributeError") for what is not there."""
        kind = type(owner)
        if kind is Object:
            return self._of_object(owner, name)
        if kind is Tensor:
            return self.tensor_attribute(owner, name)
        if kind is Library:
            return self.library_name(owner, name)
        if kind is Super:
            return self._of_super(owner, name)
        if kind is Class:
            return self._of_class(owner, name)
        if kind is File:
            if name in owner.names:
                return owner.names[name]
        elif kind is Unknown:
            return Unknown(f"{owner.text}.{name}", owner.where, owner.harmless)
        elif kind is Partial:
            if name in ("func", "args", "keywords"):
                return {"func": owner.function, "args": owner.args, "keywords": owner.options}[name]
        elif kind is Property and name in ("setter", "getter", "deleter"):
            return Native(name, lambda machine, function: owner)
        elif kind in (Function, Native, Bound):
            return self._of_function(owner, name)
        else:
            return self.method_of_value(owner, name)
        raise Raised("AttributeError", f"{self.describe(owner)} has no {shown(name)}")

    def _of_object(self, owner: Object, name: str) -> Any:
        held = owner.cls.find(name)
        if isinstance(held, Property):
            return self.call(held.getter, [owner], {})
        if name in owner.attrs:
            return owner.attrs[name]
        if held is not MISSING:
            return self._bound_name(held, owner, owner.cls)
        if name == "__class__":
            return owner.cls
        if name in ("__module__", "__doc__"):
            return self.module_name(owner.cls) if name == "__module__" else None
        if self.is_module(owner):
            found = self.module_attribute(owner, name)
            if found is not MISSING:
                return found
        other = owner.cls.find("__getattr__")
        if isinstance(other, Function):
            return self.call(other, [owner, name], {})
        if owner.cls.foreign:
            base = owner.cls.foreign[0]
            return Unknown(f"{owner.cls.name}.{name}", base.where)
        raise Raised("AttributeError", f"{self.describe(owner)} has no {shown(name)}")

    def _bound_name(self, held: Any, owner: Any, cls: Class) -> Any:
        if isinstance(held, Function | Native):
            return Bound(held, owner)
        if isinstance(held, ClassMethod):
            return Bound(held.function, cls)
        return held.function if isinstance(held, Static) else held

    def plain_attribute(self, owner: Object, name: Any) -> Any:
        """What `object` finds: a name of the object or its class."""
        if name in owner.attrs:
            return owner.attrs[name]
        held = owner.cls.find(name) if isinstance(name, str) else MISSING
        if held is MISSING:
            raise Raised("AttributeError", f"{self.describe(owner)} has no {shown(name)}")
        return self._bound_name(held, owner, owner.cls)

    def _of_super(self, owner: Super, name: str) -> Any:
        of_class = isinstance(owner.owner, Class)
        cls = owner.owner if of_class else owner.owner.cls
        held = cls.find(name, owner.after)
        if held is MISSING:
            if name in ("__init__", "__setattr__", "__init_subclass__", "__post_init__"):
                return Native(name, lambda machine, *args, **options: None)
            if name == "__new__" and of_class:
                return Native(name, lambda machine, kind, *args, **options: Object(cls))
            if name in ("__getattr__", "__getattribute__") and not of_class:
                return Native(name, lambda machine, key: machine.plain_attribute(owner.owner, key))
            if not of_class and self.is_module(owner.owner):
                found = self.module_attribute(owner.owner, name)
                if found is not MISSING:
                    return found
            if cls.foreign:
                return Unknown(f"super().{name}", cls.foreign[0].where)
            raise Raised("AttributeError", f"no base of {cls.name} has {shown(name)}")
        if isinstance(held, Property):
            return self.call(held.getter, [owner.owner], {})
        return self._bound_name(held, owner.owner, cls)

    def _of_class(self, owner: Class, name: str) -> Any:
        if name in ("__name__", "__qualname__", "__module__", "__doc__"):
            if name == "__module__":
                return self.module_name(owner)
            return None if name == "__doc__" else owner.name
        held = owner.find(name)
        if held is MISSING:
            if owner.foreign:
                return Unknown(f"{owner.name}.{name}", owner.foreign[0].where)
            raise Raised("AttributeError", f"{owner.name} has no {shown(name)}")
        if isinstance(held, ClassMethod):
            return Bound(held.function, owner)
        return held.function if isinstance(held, Static) else held

    def _of_function(self, owner: Any, name: str) -> Any:
        inner = owner.function if isinstance(owner, Bound) else owner
        if name == "__name__":
            return self.describe(inner)
        if name == "__self__" and isinstance(owner, Bound):
            return owner.owner
        if name in ("__doc__", "__wrapped__"):
            return None
        if name in ("__module__", "__qualname__"):
            return self.module_name(inner) if name == "__module__" else self.describe(inner)
        if name == "__class__":
            return Unknown("the class of a function", harmless=True)
        if isinstance(inner, Function):
            if name in inner.attrs:
                return inner.attrs[name]
            if name == "__defaults__":
                return tuple(inner.defaults)
        if isinstance(inner, Native):
            found = self.class_method_of_type(inner.name, name)
            if found is not MISSING:
                return found
        raise Raised("AttributeError", f"{self.describe(owner)} has no {shown(name)}")

    def module_name(self, value: Any) -> str:
        """What `__module__` says of a function or a class: the name of its file."""
        if isinstance(value, Class):
            value = next((one for one in value.names.values() if isinstance(one, Function)), None)
        return value.file.name.removesuffix(".py") if isinstance(value, Function) else "builtins"

    def set_attribute(self, owner: Any, name: str, value: Any) -> None:
        """`owner.name = value`."""
        if isinstance(owner, Object):
            held = owner.cls.find(name)
            if isinstance(held, Property):
                return  # a setter's work is not followed
            if isinstance(owner.cls.find("__setattr__"), Function) and name != "__dict__":
                raise Halt(f"{owner.cls.name} has a __setattr__ of its own")
            if owner.leaf is not None and self.set_on_layer(owner, name, value):
                return
            if name.startswith("__") and name.endswith("__") and name != "__doc__":
                raise Halt(f"setting {name} is not read here")
            owner.attrs.pop(name, None) if self.is_module(value) else None
            owner.attrs[name] = value
            if len(owner.attrs) > 100_000:
                raise Halt("an object holds more than 100,000 attributes")
        elif isinstance(owner, Class):
            if not owner.own:
                raise Halt(f"{owner.name} is not the file's, which sets its {shown(name)}")
            owner.names[name] = value
        elif isinstance(owner, Function):
            owner.attrs[name] = value
        elif isinstance(owner, Tensor):
            pass  # x.requires_grad, x.data, marks of an optimiser
        elif not isinstance(owner, Unknown | Bound | File):
            raise Raised("AttributeError", f"{self.describe(owner)} takes no {shown(name)}")

    def superior(self, node: ast.Call, frame: Frame) -> Any:
        """`super()` and `super(Net, self)`."""
        args = [self.evaluate(one, frame) for one in node.args]
        if len(args) == 2 and isinstance(args[0], Class):
            return Super(args[1], args[0])
        around: Frame | None = frame
        while around is not None and around.cls is None:
            around = around.around
        owner = next(iter(around.names.values()), None) if around is not None else None
        inner: Frame | None = frame
        while inner is not None and not isinstance(owner, Object | Class):
            owner, inner = next(iter(inner.names.values()), None), inner.around
        if around is None or around.cls is None or not isinstance(owner, Object | Class):
            raise Halt("super() stands outside of a method")
        return Super(owner, around.cls)

    def iterator(self, items: list[Any]) -> Any:
        return Iterating(iter(items))
