"""What the names of a model file stand for while it is read.

Plain classes, compared by what they are: a NamedTuple would pass for a tuple of the file, and
dataclasses take 7 ms to import.

Numbers, strings, booleans, None, tuples, lists, dicts, sets and ranges are Python's own; all else
is one of the records here. None of them is ever asked for an attribute by a name that a file gives,
but through the tables of `methods.py`, `modules.py` and `names.py`.
"""

import ast
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

from convcli.errors import SpecError
from convcli.nets.graph import Leaf
from convcli.nets.layers import Shape
from convcli.nets.readers.fragments import Line
from convcli.nets.source_location import Where


class Halt(SpecError):
    """A refusal that carries the place it came from, once it is known."""

    def __init__(self, message: str, where: Where | None = None) -> None:
        super().__init__(message)
        self.where = where


class Raised(Halt):
    """An exception that the file itself raises, by the name of its class, or one of its own."""

    cls: "Class | None" = None

    def __init__(self, kind: str, message: str, where: Where | None = None) -> None:
        super().__init__(f"{kind}: {message}" if message else kind, where)
        self.kind = kind
        self.message = message


class Unfit(Halt):
    """Shapes that do not go together, as PyTorch would refuse them too."""


class File:
    """One source file: its lines, and the names its statements define."""

    def __init__(self, path: str, name: str, text: str, tree: ast.Module) -> None:
        self.path = path
        self.name = name
        self.lines = text.split("\n")
        self.tree = tree
        self.names: dict[str, Any] = {}
        self.stars: list[Library] = []
        """Libraries all of whose names were imported."""
        self.read = False
        """Whether its statements were read."""
        self.bare = not path
        """Whether it is a text of its own, which may leave its imports out."""

    def where(self, node: ast.AST, declared: bool = False) -> Where:
        """The place of a node; of what it declares, its first value, if asked."""
        line = Line(ast.Pass(), self.name, self.lines, 1)
        return line.where(node) if declared else line.span(node)


class Frame:
    """The names that a body of statements sees: its own, those around it, those of its file."""

    __slots__ = ("around", "cls", "file", "names", "outer", "yielded")

    def __init__(
        self,
        file: File,
        names: dict[str, Any],
        around: "Frame | None" = None,
        cls: "Class | None" = None,
    ) -> None:
        self.file = file
        self.names = names
        self.around = around
        self.cls = cls
        """The class whose method this is, for `super()`."""
        self.outer: set[str] = set()
        """Names declared `global` or `nonlocal`."""
        self.yielded: list[Any] | None = None


class Function:
    """A function or a lambda of the file, with the values of its defaults."""

    __slots__ = ("around", "attrs", "cls", "defaults", "file", "kw_defaults", "name", "node")

    def __init__(
        self,
        node: ast.FunctionDef | ast.Lambda,
        name: str,
        file: File,
        around: Frame | None,
        defaults: list[Any],
        kw_defaults: list[Any],
    ) -> None:
        self.node = node
        self.name = name
        self.file = file
        self.around = around
        self.defaults = defaults
        self.kw_defaults = kw_defaults
        self.cls: Class | None = None
        self.attrs: dict[str, Any] = {}


class Native:
    """A function of a library, by what it means here: `call(machine, *args, **options)`."""

    __slots__ = ("call", "name")

    def __init__(self, name: str, call: Callable[..., Any]) -> None:
        self.name = name
        self.call = call


class Bound:
    """A method with the object it is called on."""

    __slots__ = ("function", "owner")

    def __init__(self, function: Any, owner: Any) -> None:
        self.function = function
        self.owner = owner


class Partial:
    """`functools.partial`: a call whose first values are known."""

    __slots__ = ("args", "function", "options")

    def __init__(self, function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.function = function
        self.args = args
        self.options = options


class Static:
    __slots__ = ("function",)

    def __init__(self, function: Any) -> None:
        self.function = function


class ClassMethod:
    __slots__ = ("function",)

    def __init__(self, function: Any) -> None:
        self.function = function


class Property:
    __slots__ = ("getter",)

    def __init__(self, getter: Any) -> None:
        self.getter = getter


class Class:
    """A class of the file or of a library: its names, and the order in which they are looked up."""

    def __init__(
        self,
        name: str,
        bases: tuple[Any, ...] = (),
        names: dict[str, Any] | None = None,
        fields: tuple[tuple[str, bool, Any], ...] = (),
    ) -> None:
        self.name = name
        self.bases = bases
        self.names = names or {}
        self.fields = fields
        """Of a dataclass or a named tuple: name, whether there is a default, the default."""
        self.own = False
        """Whether the file makes it; a library's is there for all files that are read."""
        self.order: tuple[Class, ...] = (self, *merged([b for b in bases if isinstance(b, Class)]))
        self.foreign = [base for base in bases if isinstance(base, Unknown)]
        for base in self.order[1:]:
            self.foreign += [one for one in base.foreign if one not in self.foreign]

    def find(self, name: str, after: "Class | None" = None) -> Any:
        """A name of the class or the nearest base; with `after`, of the bases behind that one."""
        order = self.order
        if after is not None and after in order:
            order = order[order.index(after) + 1 :]
        for one in order:
            if name in one.names:
                return one.names[name]
        return MISSING

    def is_a(self, other: "Class") -> bool:
        return other in self.order


def merged(bases: list[Class]) -> list[Class]:
    """The bases' own orders as one: each class before those it comes from (C3)."""
    rows = [list(base.order) for base in bases] + [list(bases)]
    order: list[Class] = []
    while any(rows):
        for row in rows:
            if row and not any(row[0] in other[1:] for other in rows):
                break
        else:
            raise Halt("the bases of a class cannot be brought into one order")
        first = row[0]
        order.append(first)
        rows = [one[1:] if one and one[0] is first else one for one in rows]
    return order


class Object:
    """An instance of a class: of a module, its layers and submodules are among its attributes."""

    __slots__ = ("attrs", "cls", "leaf", "shared")

    def __init__(self, cls: Class) -> None:
        self.cls = cls
        self.attrs: dict[str, Any] = {}
        self.leaf: Leaf | None = None
        """The layer that it is, of a class of `torch.nn`."""
        self.shared: dict[str, Tensor] = {}
        """Tensors of the layer's weights that were asked for."""


class Super:
    """`super()` of a method: names behind the class it stands in."""

    __slots__ = ("after", "owner")

    def __init__(self, owner: Any, after: Class) -> None:
        self.owner = owner
        self.after = after


class Unknown:
    """A value that is not known here, and why; whatever is made of it is not known either."""

    __slots__ = ("harmless", "text", "where")

    def __init__(self, text: str, where: Where | None = None, harmless: bool = False) -> None:
        self.text = text
        self.where = where
        self.harmless = harmless
        """Whether it can be called on modules: a logger, an initialiser, a loader of weights."""

    def outcome(self) -> "Unknown":
        """What an operator or a function makes of it."""
        return Unknown(self.text, self.where)


class Library:
    """A module that is not a file of the model: `torch.nn`, `math`."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Deferred:
    """A name that a file imports from another, which is opened when the name is asked for."""

    __slots__ = ("file", "level", "module", "name", "node")

    def __init__(self, module: str, level: int, name: str, file: File, node: ast.stmt) -> None:
        self.module = module
        self.level = level
        self.name = name
        self.file = file
        self.node = node


class Iterating:
    """What `iter()` gives."""

    __slots__ = ("items",)

    def __init__(self, items: Iterator[Any]) -> None:
        self.items = items


class Tensor:
    """A tensor known by its whole shape, the batch first, and by the node that gives it."""

    __slots__ = (
        "channels_last", "holder", "learned", "node", "owner", "shape", "trained", "values",
    )  # fmt: skip

    def __init__(
        self,
        shape: Shape,
        node: str = "",
        trained: bool = False,
        values: list[Any] | None = None,
    ) -> None:
        self.shape = shape
        self.node = node
        """Empty for what no input reaches: a parameter, or a constant."""
        self.owner = ""
        """Of a parameter, its path in the model."""
        self.holder: Object | None = None
        """The layer that holds it as its weights; another one may share it."""
        self.trained = trained
        """Whether it is a parameter."""
        self.learned = trained
        """Whether it is a parameter, or made of parameters alone."""
        self.values = values
        """The numbers of a short constant, its last axis running fastest."""
        self.channels_last = False
        """Whether it is Keras's, whose text has its channels behind its lengths."""

    @property
    def number(self) -> Any:
        """The one number that it is known to hold; None for all other tensors."""
        return self.values[0] if self.values is not None and len(self.values) == 1 else None


class Ranked(tuple[Tensor, Tensor]):
    """What `x.max(1)`, `topk` and `sort` give: `values` and `indices`, by name too."""

    __slots__ = ()


def natives(meanings: dict[str, Any]) -> dict[str, Any]:
    """Names of a library: Python's functions as what they mean, anything else as it is."""
    return {
        name: Native(name, one) if isinstance(one, FunctionType) else one
        for name, one in meanings.items()
    }


def class_of(name: str, *bases: Class, **methods: Callable[..., Any]) -> Class:
    """A class of a library, from what its methods mean; in messages, `__init__` has its name."""
    made = Class(name, bases, natives(methods))
    if "__init__" in methods:
        made.names["__init__"] = Native(name, methods["__init__"])
    return made


MISSING = Unknown("nothing")
"""What is looked up and not there."""

NUMBERS = (int, float)
SCALARS = (int, float, str, bool, complex, bytes, type(None), type(...))
