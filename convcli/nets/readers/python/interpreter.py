"""A model file from its text to its network: files, classes and modules put together."""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from convcli.callsyntax import shown
from convcli.errors import SpecError
from convcli.nets.graph import Leaf
from convcli.nets.readers.python import libraries
from convcli.nets.readers.python.language import limits
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Class,
    Deferred,
    File,
    Frame,
    Halt,
    Library,
    Native,
    Object,
    Raised,
    Tensor,
    Unknown,
)
from convcli.nets.readers.python.language.statements import Leave, Statements
from convcli.nets.readers.python.model_files import Files
from convcli.nets.readers.python.stdlib import builtins, dataclasses, methods, modules
from convcli.nets.readers.python.torch import (
    elementwise,
    indexing,
    matmul,
    names,
    nn_layers,
    nn_module,
    nn_weights,
    tensor_args,
)
from convcli.nets.readers.python.torch.graph_recorder import Tape
from convcli.nets.source_location import Where

FALLBACK: dict[str, Any] = {
    "nn": Library("torch.nn"),
    "F": Library("torch.nn.functional"),
    "torch": Library("torch"),
    "np": Library("numpy"),
    "numpy": Library("numpy"),
    "math": Library("math"),
    "functools": Library("functools"),
    "OrderedDict": modules.LIBRARY["collections"]["OrderedDict"],
    "partial": modules.LIBRARY["functools"]["partial"],
    "Variable": Native("Variable", builtins.first),
}
"""What a class pasted without its imports means by these names."""

PYTHON_DEPTH = 12_000
"""Frames of Python that reading may nest: a call of the file takes about ten."""


@contextmanager
def deep() -> Iterator[None]:
    """Room for calls that nest; a text that nests further is refused, not a crash."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, PYTHON_DEPTH))
    try:
        yield
    except RecursionError:
        raise Halt("the file nests its calls too deep") from None
    except Leave:
        raise Halt("return, break or continue where there is nothing to leave") from None
    finally:
        sys.setrecursionlimit(before)


class State:
    """What a module holds before a run, which may change it: its lists and tensors too."""

    def __init__(self, owner: Object) -> None:
        self.owner = owner
        self.leaf = owner.leaf
        self.attrs = dict(owner.attrs)
        held = owner.attrs.values()
        self.holders = [(one, one.copy()) for one in held if isinstance(one, list | dict | set)]
        self.tensors = [(one, one.shape, one.values) for one in held if isinstance(one, Tensor)]

    def restore(self) -> None:
        self.owner.leaf = self.leaf
        self.owner.attrs.clear()
        self.owner.attrs.update(self.attrs)
        for one, items in self.holders:
            one.clear()
            one.extend(items) if isinstance(one, list) else one.update(items)
        for tensor, shape, values in self.tensors:
            tensor.node, tensor.shape, tensor.values = "", shape, values
        for tensor in self.owner.shared.values():
            tensor.node = ""


class Machine(Statements):
    """Reads the files of a model. Nothing of them is run: every meaning stands in a table here."""

    def __init__(self, files: Files) -> None:
        super().__init__()
        self.files = files
        self.tape = Tape()
        self._paths: dict[int, str] = {}
        self._leaves: dict[int, Leaf] = {}
        self._kept: list[Any] = []
        self._before: list[State] = []
        self._names: dict[tuple[str, str], Any] = {}
        self.preludes: dict[str, File] = {}
        self._circle = Unknown("a name that is imported in a circle")

    # -- files ------------------------------------------------------------------------------

    def load(self, file: File) -> File:
        """Read the statements of a file in order; one that is not understood gives no names."""
        frame = Frame(file, file.names)
        for node in file.tree.body:
            depth = self.depth
            try:
                self.block([node], frame)
            except Halt as error:
                if self.steps > limits.MOST_STEPS:
                    raise
                self.depth, self.site = depth, None
                if isinstance(node, ast.ClassDef | ast.FunctionDef):
                    frame.names[node.name] = unread(node.name, error)
                    continue
                for one in ast.walk(node):
                    if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
                        frame.names.setdefault(one.id, unread(one.id, error))
        return file

    def global_name(self, name: str, frame: Frame) -> Any:
        names = frame.file.names
        if name in names:
            return self.resolved(names, name)
        if name in builtins.BUILTINS:
            return builtins.BUILTINS[name]
        for star in frame.file.stars:
            found = libraries.name_of(self, star, name)
            if not isinstance(found, Unknown):
                return found
        if name in FALLBACK:
            return FALLBACK[name]
        return nn_layers.classes().get(name, MISSING) if frame.file.bare else MISSING

    def module(self, name: str, level: int, frame: Frame) -> Any:
        """What `import name` gives: a file beside the model's, or a library."""
        top = name.partition(".")[0]
        if level or top not in libraries.KNOWN:
            found = self.files.find(name, level, frame.file)
            if found is not None:
                return self.opened(found)
        return Library(name)

    def opened(self, file: File) -> File:
        """A file, read when it is first asked for."""
        if not file.read:
            file.read = True
            self.load(file)
        return file

    def resolved(self, names: dict[str, Any], name: str) -> Any:
        """The value of a name; one that is imported is fetched when it is first asked for."""
        found = names[name]
        if isinstance(found, Deferred):
            names[name] = self._circle
            frame = Frame(found.file, found.file.names)
            try:
                names[name] = self._imported(
                    found.module, found.level, found.name, frame, found.node
                )
            except SpecError as error:
                names[name] = unread(name, error)
        return names[name]

    def _imported(self, module: str, level: int, name: str, frame: Frame, node: ast.stmt) -> Any:
        held = self.files.find(module, level, frame.file) if level else None
        held = self.opened(held) if held else None if level else self.module(module, 0, frame)
        if isinstance(held, File) and name in held.names and held.names[name] is not self._circle:
            return self.resolved(held.names, name)
        inner = f"{module}.{name}" if module else name
        if level or module.partition(".")[0] not in libraries.KNOWN:
            file = self.files.find(inner, level, frame.file)
            if file is not None:
                return self.opened(file)
        if isinstance(held, File) or level:
            return Unknown(f"{name} of {'.' * level}{module}", frame.file.where(node))
        made = self.library_name(Library(module), name)
        if isinstance(made, Unknown) and made.where is None:
            made = Unknown(made.text, frame.file.where(node), made.harmless)
        return made

    def module_named(self, name: Any) -> Any:
        """`sys.modules[name]`: a file that was read, by its name."""
        for file in self.files.known.values():
            if file.name.removesuffix(".py") == name:
                return file
        return Unknown(f"sys.modules[{shown(name)}]")

    def import_all(self, module: str, level: int, frame: Frame) -> None:
        held = self.module(module, level, frame)
        if isinstance(held, File):
            listed = held.names.get("__all__")
            listed = listed if isinstance(listed, list | tuple) else None
            for name in list(held.names):
                if name in listed if listed is not None else not name.startswith("_"):
                    frame.names[name] = held.names[name]
        elif isinstance(held, Library):
            frame.file.stars.append(held)

    def library_name(self, library: Library, name: str) -> Any:
        key = library.name, name
        if key not in self._names:
            self._names[key] = libraries.name_of(self, library, name)
        return self._names[key]

    def completed(self, cls: Class, node: ast.ClassDef) -> Class:
        return dataclasses.completed(cls, node)

    # -- modules ----------------------------------------------------------------------------

    def is_module(self, value: Any) -> bool:
        return isinstance(value, Object) and value.cls.is_a(nn_module.MODULE)

    def forward(self, owner: Object, args: list[Any], options: dict[str, Any]) -> Any:
        """A module that is called: its `forward`, in the scope of its own name."""
        run = owner.cls.find("forward")
        if "forward" in owner.attrs:
            run = owner.attrs["forward"]
            return self.call(run, args, options)
        if run is MISSING:
            if owner.cls.foreign:
                base = owner.cls.foreign[0]
                return Unknown(f"the forward of {owner.cls.name}", base.where)
            raise Halt(f"{owner.cls.name} has no forward")
        if owner.leaf is not None and isinstance(run, Native):
            return self.call(run, [owner, *args], options)
        outer, path = self.tape.scope, self.path(owner)
        self.tape.scope = f"{path}." if path else outer
        try:
            return self.call(run, [owner, *args], options)
        finally:
            self.tape.scope = outer

    def module_attribute(self, owner: Object, name: str) -> Any:
        return nn_weights.module_attribute(self, owner, name)

    def set_on_layer(self, owner: Object, name: str, value: Any) -> bool:
        return nn_weights.set_on_layer(self, owner, name, value)

    def leaf(self, owner: Object) -> Leaf:
        """A layer under its path, the same at every use of it."""
        if id(owner) not in self._leaves:
            assert owner.leaf is not None
            name = self.path(owner)
            if not name:
                scope = self.tape.scope
                name = scope + self.tape.builder.numbered(scope, owner.leaf.layer.type)
            self._leaves[id(owner)] = owner.leaf._replace(name=name)
            self._kept.append(owner)
        return self._leaves[id(owner)]

    def fresh(self, root: Object) -> None:
        """Give the modules back what they held before the first run, and forget its nodes."""
        self._leaves.clear()
        if not self._before:
            self._before = [State(one) for _, one in nn_module.walk(root)]
        for state in self._before:
            state.restore()

    def path(self, owner: Object) -> str:
        return self._paths.get(id(owner), "")

    def named(self, root: Object) -> None:
        """Give every module inside another its path, and every parameter."""
        self._paths = {}
        self.name_within(root)

    def name_within(self, root: Object) -> None:
        for path, one in nn_module.walk(root):
            self._paths[id(one)] = path
            for name, tensor in (*nn_module.parameters(one), *one.shared.items()):
                if not tensor.owner and tensor.holder in (None, one):
                    tensor.owner = f"{path}.{name}" if path else name
                self._kept.append(tensor)
        self._kept.append(root)

    # -- tensors ----------------------------------------------------------------------------

    def tensor_attribute(self, owner: Tensor, name: str) -> Any:
        return names.attribute(self, owner, name)

    def slice_tensor(self, tensor: Tensor, index: Any) -> Any:
        return indexing.item(self, tensor, index)

    def tensor_unary(self, word: str, value: Tensor) -> Any:
        if value.values is not None and word in ("usub", "abs"):
            return Tensor(
                value.shape, values=[-one if word == "usub" else abs(one) for one in value.values]
            )
        return elementwise.elementwise({"usub": "neg", "invert": "logical_not"}.get(word, word))(
            self, value
        )

    def tensor_binary(self, word: str, left: Any, right: Any) -> Any:
        if word == "matmul":
            return matmul.matmul(self, left, right)
        return elementwise.binary(self, word, left, right)

    def fill_tensor(self, owner: Tensor, value: Any) -> None:
        """`x[…] = y`: the same shape, with values of both."""
        if isinstance(value, Unknown):
            raise self.unknown(value)
        if isinstance(value, Tensor) and (value.node or value.trained):
            owner.node = tensor_args.operation(self, "fill", [owner, value], owner.shape).node
        owner.values = None

    def unbind(self, value: Tensor) -> list[Any]:
        return list(indexing.unbind(self, value))

    def looked(self) -> None:
        """The sizes of a tensor were asked for: the network may depend on its input's."""
        self.tape.sized = True

    # -- plain values -----------------------------------------------------------------------

    def method_of_value(self, owner: Any, name: str) -> Any:
        found = methods.method_of(owner, name)
        if found is MISSING:
            raise Raised("AttributeError", f"{self.describe(owner)} has no {shown(name)} here")
        return found

    def class_method_of_type(self, type_: str, name: str) -> Any:
        if type_ == "chain" and name == "from_iterable":
            return Native(
                name, lambda machine, rows: modules.chained(machine, *machine.listed(rows))
            )
        return methods.class_method_of_type(type_, name)

    def percent(self, text: str, values: Any) -> Any:
        return methods.percent(self, text, values)

    def formatted(self, value: Any, spec: str) -> str:
        return methods.formatted(self, value, spec)

    def here(self, declared: bool = False) -> Where | None:
        """The place of the call that is being read."""
        if self.site is None:
            return None
        file, node = self.site
        return file.where(node, declared)  # type: ignore[no-any-return]


def unread(name: str, error: SpecError) -> Unknown:
    """What a name is whose statement was not understood."""
    reason = str(error).partition("\n")[0][:120]
    return Unknown(f"{name} ({reason})", getattr(error, "where", None))
