"""The values of a model file while it is read.

Plain classes, compared by what they are: a NamedTuple would pass for a tuple of the file, and
dataclasses take 7 ms to import.

Numbers, strings, booleans, None, tuples, lists, dicts, sets and ranges are Python's own; all else
is one of the records here. No attribute of them is ever looked up by a name from a file, except
through the tables of `methods.py`, `modules.py` and `names.py`.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import FunctionType
from typing import Self, TypeAlias

from convcli.callsyntax import excerpt
from convcli.errors import SpecError
from convcli.nets.graph import Leaf
from convcli.nets.layers import Shape
from convcli.nets.readers.fragments import Line
from convcli.nets.source_location import Where

Value: TypeAlias = object
"""A value of the program that is read: one of Python's own, or of the classes below.

It is the whole of `object`, as a native function may be given anything: each narrows what it gets
by isinstance, and refuses the rest.
"""

NativeFunction: TypeAlias = Callable[..., Value]
"""The implementation of a library's function: `function(interpreter, *args, **options)`."""

TensorFunction: TypeAlias = "Callable[..., Tensor]"
"""A native function that returns a tensor."""


class ReadError(SpecError):
    """A refusal to continue reading, with its source location, once that is known."""

    def __init__(self, message: str, where: Where | None = None) -> None:
        super().__init__(message)
        self.where = where

    def without_frames(self) -> Self:
        """The refusal without its traceback frames, which hold the program's values."""
        self.__traceback__ = self.__context__ = None
        return self


class ProgramException(ReadError):
    """An exception that the program itself raises, by the name of its class or by its own class."""

    cls: "Class | None" = None

    def __init__(self, kind: str, message: str, where: Where | None = None) -> None:
        super().__init__(f"{kind}: {message}" if message else kind, where)
        self.kind = kind
        self.message = message


class Caught(str):
    """The value of an exception in its clause: its message; its class is not followed."""

    error: ProgramException

    def __new__(cls, error: ProgramException) -> Self:
        text = super().__new__(cls, error.message)
        text.error = error
        return text

    def class_of_it(self) -> ReadError:
        return ReadError("the class of a caught exception is not followed here")


class ShapeMismatch(ReadError):
    """Tensor shapes that do not match, which PyTorch refuses too."""


class SourceFile:
    """One source file: its lines, and the names its statements define."""

    def __init__(self, path: str, name: str, text: str, tree: ast.Module) -> None:
        self.path = path
        self.name = name
        self.lines = text.split("\n")
        self.tree = tree
        self.names: dict[str, Value] = {}
        self.stars: list[Library] = []
        """Libraries all of whose names were imported."""
        self.read = False
        """Whether its statements were read."""
        self.bare = not path
        """Whether it is a pasted text, which may omit its imports."""
        self.is_bundled = False
        """Whether it holds what is known of a library; messages point at the call of it."""

    def where(self, node: ast.AST, declared: bool = False) -> Where:
        """The location of a node, or of its first argument, if requested."""
        line = Line(ast.Pass(), self.name, self.lines, 1)
        return line.where(node) if declared else line.span(node)


class Frame:
    """The names that a block of statements sees: its own, the enclosing ones, those of its file."""

    __slots__ = ("cls", "enclosing", "file", "is_comprehension", "names", "outer")

    def __init__(
        self,
        file: SourceFile,
        names: dict[str, Value],
        enclosing: "Frame | None" = None,
        cls: "Class | None" = None,
    ) -> None:
        self.file = file
        self.names = names
        self.enclosing = enclosing
        self.cls = cls
        """The class whose method runs, for `super()`."""
        self.outer: set[str] = set()
        """Names declared `global` or `nonlocal`."""
        self.is_comprehension = False
        """Whether `:=` assigns in the scope around it."""


class Function:
    """A function or a lambda of the file, with the values of its defaults."""

    __slots__ = (
        "attrs", "cls", "defaults", "enclosing", "file", "keyword_only", "name", "node",
        "positional",
    )  # fmt: skip

    def __init__(
        self,
        node: ast.FunctionDef | ast.Lambda,
        name: str,
        file: SourceFile,
        enclosing: Frame | None,
        defaults: dict[str, Value],
    ) -> None:
        self.node = node
        self.name = name
        self.file = file
        self.enclosing = enclosing
        self.positional = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
        """Names of the parameters that are given by position."""
        self.keyword_only = [arg.arg for arg in node.args.kwonlyargs]
        self.defaults = defaults
        self.cls: Class | None = None
        self.attrs: dict[str, Value] = {}


class Native:
    """A function of a library, and its implementation here."""

    __slots__ = ("call", "name")

    def __init__(self, name: str, call: NativeFunction) -> None:
        self.name = name
        self.call = call


class BoundMethod:
    """A method with the object it is called on."""

    __slots__ = ("function", "owner")

    def __init__(self, function: Value, owner: Value) -> None:
        self.function = function
        self.owner = owner


class Partial:
    """`functools.partial`: a call whose first arguments are known."""

    __slots__ = ("args", "function", "options")

    def __init__(self, function: Value, args: tuple[Value, ...], options: dict[str, Value]) -> None:
        self.function = function
        self.args = args
        self.options = options


class StaticMethod:
    """A function of a class that takes no object."""

    __slots__ = ("function",)

    def __init__(self, function: Value) -> None:
        self.function = function


class ClassMethod:
    """A function of a class that takes the class."""

    __slots__ = ("function",)

    def __init__(self, function: Value) -> None:
        self.function = function


class Property:
    """A function of a class that is called when its name is read."""

    __slots__ = ("getter", "is_cached", "setter")

    def __init__(self, getter: Value, setter: Value = None, is_cached: bool = False) -> None:
        self.getter = getter
        self.setter = setter
        """The function that is called when its name is set; None if it cannot be set."""
        self.is_cached = is_cached
        """Whether an object keeps its value: `functools.cached_property`."""


class Class:
    """A class of the file or of a library: its names and its method resolution order."""

    def __init__(
        self,
        name: str,
        bases: "Sequence[Class | Unknown]" = (),
        names: dict[str, Value] | None = None,
        fields: dict[str, Value] | None = None,
    ) -> None:
        self.name = name
        self.names: dict[str, Value] = names or {}
        self.fields: dict[str, Value] = fields or {}
        """The fields of a dataclass or a named tuple with their defaults, MISSING for none."""
        self.own = False
        """Whether the program defines it; a library's class is shared by all programs."""
        self.order: tuple[Class, ...] = (self, *merged([b for b in bases if isinstance(b, Class)]))
        """The class and its bases in the order in which names are looked up."""
        self.foreign = [base for base in bases if isinstance(base, Unknown)]
        """Unknown bases from other modules."""
        for base in self.order[1:]:
            self.foreign += [unknown for unknown in base.foreign if unknown not in self.foreign]

    @property
    def members(self) -> dict[str, Value] | None:
        """The members of an enumeration by name; None for any other class."""
        members = self.names.get("__members__")
        return members if isinstance(members, dict) else None

    def find(self, name: str, after: "Class | None" = None) -> Value:
        """A name of the class or the nearest base; with `after`, of the bases after that one."""
        order = self.order
        if after is not None and after in order:
            order = order[order.index(after) + 1 :]
        for cls in order:
            if name in cls.names:
                return cls.names[name]
        return MISSING

    def is_a(self, other: "Class") -> bool:
        return other in self.order


MAX_CLASSES_IN_LINE = 200


def _within_line(order: "tuple[Class, ...]") -> "tuple[Class, ...]":
    if len(order) > MAX_CLASSES_IN_LINE:
        raise ReadError(f"a class has more than {MAX_CLASSES_IN_LINE} bases")
    return order


def merged(bases: list[Class]) -> list[Class]:
    """The resolution orders of the bases merged: each class before those it derives from (C3)."""
    if len(bases) == 1:
        return [*_within_line(bases[0].order)]
    rows = [list(_within_line(base.order)) for base in bases] + [list(bases)]
    order: list[Class] = []
    while any(rows):
        for row in rows:
            if row and not any(row[0] in other[1:] for other in rows):
                break
        else:
            raise ReadError("the bases of a class cannot be brought into one order")
        first = row[0]
        order.append(first)
        rows = [row[1:] if row and row[0] is first else row for row in rows]
    return order


class Instance:
    """An instance of a class: of a module, its layers and submodules are among its attributes."""

    __slots__ = ("attrs", "cached", "cls", "hooks", "leaf", "shared")

    def __init__(self, cls: Class) -> None:
        self.cls = cls
        self.cached: dict[str, Value] = {}
        """Values of its cached properties."""
        self.attrs: dict[str, Value] = {}
        self.leaf: Leaf | None = None
        """Its layer, if its class derives from a layer of `torch.nn`."""
        self.shared: dict[str, Tensor] = {}
        """Weights of the layer that the program uses as tensors, by name."""
        self.hooks: tuple[list[Value], list[Value]] = [], []
        """The hooks that a module calls before and after its `forward`."""

    def __hash__(self) -> int:
        own = (self.cls.find(name) for name in ("__eq__", "__hash__"))
        if any(isinstance(function, Function) for function in own):
            raise ReadError(f"a {self.cls.name} with an __eq__ or a __hash__ of its own is a key")
        return id(self) // 16


class Super:
    """`super()` of a method: the names of the bases after a class."""

    __slots__ = ("after", "owner")

    def __init__(self, owner: Instance | Class, after: Class) -> None:
        self.owner = owner
        self.after = after


class Unknown:
    """An unknown value, and why; everything computed from it is unknown too."""

    __slots__ = ("harmless", "text", "where")

    def __init__(self, text: str, where: Where | None = None, harmless: bool = False) -> None:
        self.text = text if len(text) <= 300 else f"{text[:150]}…{text[-150:]}"
        self.where = where
        self.harmless = harmless
        """Whether it can be called on modules: a logger, an initializer, a loader of weights."""

    def outcome(self) -> "Unknown":
        """The result of an operator or a function for it."""
        return Unknown(self.text, self.where)

    def error(self, node: ast.AST | None = None) -> ReadError:
        """The refusal to continue without the value; `node` needs it."""
        text = f"{excerpt(node)} needs " if node is not None else ""
        return ReadError(f"{text}{self.text}, which is not known here", self.where)


def check_known(*values: Value) -> None:
    """Raise ReadError for the first value that is not known."""
    for value in values:
        if isinstance(value, Unknown):
            raise value.error()


class Library:
    """A module that is not a file of the model: `torch.nn`, `math`."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class DeferredImport:
    """A name that a file imports from a module, which is opened when the name is first used."""

    __slots__ = ("file", "level", "module", "name", "node")

    def __init__(
        self, module: str, level: int, name: str, file: SourceFile, node: ast.stmt
    ) -> None:
        self.module = module
        self.level = level
        self.name = name
        self.file = file
        self.node = node


class ValueIterator:
    """The result of `iter()`."""

    __slots__ = ("items",)

    def __init__(self, items: Iterator[Value]) -> None:
        self.items = items


class Tensor:
    """A tensor known by its complete shape, the batch first, and by its node."""

    __slots__ = (
        "channels_last", "frozen", "holder", "learned", "node", "owner", "shape", "stand_in",
        "trained", "values",
    )  # fmt: skip

    def __init__(
        self,
        shape: Shape,
        node: str = "",
        trained: bool = False,
        values: Sequence[float] | None = None,
    ) -> None:
        self.shape = shape
        self.node = node
        """Empty for what no input reaches: a parameter, or a constant."""
        self.owner = ""
        """The path of a parameter in the model."""
        self.holder: Instance | None = None
        """The layer that holds it as its weights; another one may share it."""
        self.trained = trained
        """Whether it is a parameter."""
        self.frozen = False
        """Whether it is a parameter that is not trained: its `requires_grad` is False."""
        self.learned = trained
        """Whether it is a parameter, or computed from parameters alone."""
        self.values = values
        """The numbers of a short constant, in C order."""
        self.channels_last = False
        """Whether it is a Keras tensor, with its channels last in the text."""
        self.stand_in = ""
        """The kind of its values, if its node computes others of that shape: indices of maxima."""

    def __repr__(self) -> str:
        return f"a tensor of {self.shape}"

    @property
    def number(self) -> float | None:
        """Its value, if it is one known number; None for all other tensors."""
        return self.values[0] if self.values is not None and len(self.values) == 1 else None


class ValuesIndices(tuple[Tensor, Tensor]):
    """The result of `x.max(1)`, `topk` and `sort`: `values` and `indices`, also by name."""

    __slots__ = ()


class DefaultDict(dict[Value, Value]):
    """`collections.defaultdict`."""

    default: Value = None
    """The function that makes the value of a missing key."""


class ModulesDict(dict[Value, Value]):
    """`self._modules`: an item that is added becomes an attribute of the module."""

    def __init__(self, owner: Instance, modules: Mapping[str, Value]) -> None:
        super().__init__(modules.items())
        self.owner = owner


def natives(meanings: Mapping[str, Value]) -> dict[str, Value]:
    """The names of a library: a Python function or a partial becomes a Native; others stay."""
    return {
        name: Native(name, meaning) if isinstance(meaning, FunctionType | partial) else meaning
        for name, meaning in meanings.items()
    }


def class_of(name: str, *bases: Class, **methods: NativeFunction) -> Class:
    """A class of a library, from its methods; in messages, its name stands for `__init__`."""
    cls = Class(name, bases, natives(methods))
    if "__init__" in methods:
        cls.names["__init__"] = Native(name, methods["__init__"])
    return cls


MISSING = Unknown("nothing")
"""The value of a missing name."""

NUMBERS = (int, float)
SCALARS = (int, float, str, bool, complex, bytes, type(None), type(...))
