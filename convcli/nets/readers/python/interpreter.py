"""The interpreter of one model: the state of its reading, and its access to files and libraries."""

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import process_time

from convcli.callsyntax import brief
from convcli.errors import SpecError
from convcli.nets.graph import Leaf
from convcli.nets.readers.python import libraries
from convcli.nets.readers.python.language import (
    assignments,
    attributes,
    calls,
    expressions,
    limits,
    statements,
)
from convcli.nets.readers.python.language.exceptions import ControlFlow
from convcli.nets.readers.python.language.graph_recorder import GraphRecorder
from convcli.nets.readers.python.language.objects import (
    MISSING,
    DeferredImport,
    Frame,
    Instance,
    Library,
    Native,
    ProgramException,
    ReadError,
    SourceFile,
    Tensor,
    Unknown,
    Value,
)
from convcli.nets.readers.python.language.protocol import Site
from convcli.nets.readers.python.model_files import SourceFiles
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
from convcli.nets.source_location import Where
from convcli.nets.time_limit import limit

FALLBACK: dict[str, Value] = {
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
"""The meaning of names in a class that was pasted without its imports."""

PYTHON_DEPTH = 12_000
"""Maximum nested Python frames of a reading: a call of the program takes about ten."""


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Raise the recursion limit for nested calls; deeper nesting is refused and does not crash."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, PYTHON_DEPTH))
    try:
        yield
    except RecursionError:
        raise ReadError("the file nests its calls too deep") from None
    except ControlFlow:
        raise ReadError("return, break or continue outside of a function or loop") from None
    finally:
        sys.setrecursionlimit(before)


class ModuleState:
    """The content of a module before a run that may change it, including lists and tensors."""

    def __init__(self, owner: Instance) -> None:
        self.owner = owner
        self.leaf = owner.leaf
        self.attrs = dict(owner.attrs)
        values = owner.attrs.values()
        self.containers = [(v, v.copy()) for v in values if isinstance(v, list | dict | set)]
        self.tensors = [
            (value, value.shape, value.values) for value in values if isinstance(value, Tensor)
        ]

    def restore(self) -> None:
        """Restore the content of the module."""
        self.owner.leaf = self.leaf
        self.owner.attrs.clear()
        self.owner.attrs.update(self.attrs)
        for container, items in self.containers:
            container.clear()
            add = container.extend if isinstance(container, list) else container.update
            add(items)
        for tensor, shape, numbers in self.tensors:
            tensor.node, tensor.shape, tensor.values = "", shape, numbers
        for tensor in self.owner.shared.values():
            tensor.node = ""


class ModelInterpreter:
    """Interprets the files of a model. Nothing of them is run: every meaning is a function here."""

    def __init__(self, files: SourceFiles) -> None:
        self.files = files
        self.steps = 0
        self._next_check = 0
        self._limit = limit()
        self._max_steps = self._limit.scaled(limits.MAX_STEPS)
        self._deadline = process_time() + self._limit.seconds
        self.depth = 0
        self.site: Site | None = None
        self.handled: ProgramException | None = None
        self.generators: dict[ast.AST, bool] = {}
        self.recorder = GraphRecorder()
        self.preludes: dict[str, SourceFile] = {}
        self._paths: dict[int, str] = {}
        self._counts: dict[int, int] = {}
        self._leaves: dict[int, Leaf] = {}
        self._kept: list[Instance | Tensor] = []
        """Objects whose `id()` is a key here: this list keeps them alive."""
        self._before: list[ModuleState] = []
        self._library_names: dict[tuple[str, str], Value] = {}
        self._circular = Unknown("a name of a circular import")

    new_input: Callable[..., Value]
    """Implemented by the interpreter of a text, which knows its input."""

    # the language: functions of its modules, which take the interpreter
    evaluate = expressions.evaluate
    execute = statements.execute
    block = statements.block
    run_lazily = statements.run_lazily
    assign = assignments.assign
    call = calls.call
    attribute = attributes.attribute

    def tick(self, count: int = 1) -> None:
        self.steps += count
        if self.steps > self._next_check or self.steps > self._max_steps:
            self._check_limits()

    def _check_limits(self) -> None:
        """Raises ReadError when the limit of steps or time is reached, and then at every step.

        Another run of the same files, for an input of another size, is refused with the same line.
        """
        ended = self.files.exhausted
        if ended is not None:
            raise ReadError(str(ended), ended.where)
        bound = ""
        if self.steps > self._max_steps:
            bound = f"{self._max_steps:,} steps"
        elif process_time() > self._deadline:
            bound = f"{self._limit.seconds:g} seconds"
        if bound:
            self.files.exhausted = ReadError(
                f"the file takes more than {bound} to read{self._limit.way_out}"
            )
            raise self.files.exhausted
        self._next_check = self.steps + 1000

    @property
    def is_exhausted(self) -> bool:
        """Whether a limit of steps or time is exceeded, so that nothing can continue."""
        spent = self.steps > self._max_steps or process_time() > self._deadline
        return spent or self.files.exhausted is not None

    def location(self, declared: bool = False) -> Where | None:
        if self.site is None:
            return None
        file, node = self.site
        return file.where(node, declared)

    # -- files and imports ------------------------------------------------------------------

    def open_file(self, file: SourceFile) -> SourceFile:
        if not file.read:
            file.read = True
            self.read_statements(file)
        return file

    def read_statements(self, file: SourceFile) -> None:
        """Run the statements of a file in order; one that is not understood defines no names."""
        frame = Frame(file, file.names)
        for node in file.tree.body:
            try:
                self.block([node], frame)
            except ReadError as error:
                if self.is_exhausted:
                    raise
                self.site = None
                if isinstance(node, ast.ClassDef | ast.FunctionDef):
                    frame.names[node.name] = unread(node.name, error)
                    continue
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                        frame.names.setdefault(inner.id, unread(inner.id, error))

    def global_name(self, name: str, frame: Frame) -> Value:
        names = frame.file.names
        if name in names:
            return self.resolve(names, name)
        if name in builtins.BUILTINS:
            return builtins.BUILTINS[name]
        for library in frame.file.stars:
            value = libraries.name_of(self, library, name)
            if not isinstance(value, Unknown):
                return value
        if name in FALLBACK:
            return FALLBACK[name]
        return nn_layers.classes().get(name, MISSING) if frame.file.bare else MISSING

    def has_module(self, name: str, frame: Frame) -> bool:
        """Whether a module is a library whose names are known, or a file next to the model's."""
        top = name.partition(".")[0]
        known = top in libraries.TOPS or top in sys.stdlib_module_names
        return known or self.files.find(name, 0, frame.file) is not None

    def import_module(self, name: str, level: int, frame: Frame) -> SourceFile | Library:
        top = name.partition(".")[0]
        if level or top not in libraries.KNOWN:
            file = self.files.find(name, level, frame.file)
            if file is not None:
                return self.open_file(file)
        return Library(name)

    def resolve(self, names: dict[str, Value], name: str) -> Value:
        value = names[name]
        if isinstance(value, DeferredImport):
            names[name] = self._circular
            try:
                names[name] = self._imported(value)
            except SpecError as error:
                names[name] = unread(name, error)
        return names[name]

    def _imported(self, wanted: DeferredImport) -> Value:
        """`from module import name`: from a file next to the model's, or from a library."""
        module, level, name = wanted.module, wanted.level, wanted.name
        source: SourceFile | Library | None
        if level:
            file = self.files.find(module, level, wanted.file)
            source = self.open_file(file) if file else None
        else:
            source = self.import_module(module, 0, Frame(wanted.file, wanted.file.names))
        if isinstance(source, SourceFile):
            circular = source.names.get(name, self._circular) is self._circular
            if not circular:
                return self.resolve(source.names, name)
        inner = f"{module}.{name}" if module else name
        if level or module.partition(".")[0] not in libraries.KNOWN:
            file = self.files.find(inner, level, wanted.file)
            if file is not None:
                return self.open_file(file)
        where = wanted.file.where(wanted.node)
        if isinstance(source, SourceFile) or level:
            return Unknown(f"{name} of {'.' * level}{module}", where)
        value = self.library_name(Library(module), name)
        if isinstance(value, Unknown) and value.where is None:
            return Unknown(value.text, where, value.harmless)
        return value

    def module_called(self, name: Value) -> SourceFile | Unknown:
        for file in self.files.known.values():
            if file.name.removesuffix(".py") == name:
                return file
        return Unknown(f"sys.modules[{brief(name)}]")

    def import_all(self, module: str, level: int, frame: Frame) -> None:
        source = self.import_module(module, level, frame)
        if isinstance(source, Library):
            frame.file.stars.append(source)
            return
        listed = source.names.get("__all__")
        for name, value in list(source.names.items()):
            if name in listed if isinstance(listed, list | tuple) else not name.startswith("_"):
                frame.names[name] = value

    def library_name(self, library: Library, name: str) -> Value:
        key = library.name, name
        if key not in self._library_names:
            self._library_names[key] = libraries.name_of(self, library, name)
        return self._library_names[key]

    def known_names(self, library: Library) -> Iterable[str]:
        return names.FUNCTIONS

    # -- values of the libraries ------------------------------------------------------------

    complete_class = dataclasses.complete_class
    method_of_value = methods.method_of
    class_method_of_type = methods.class_method_of_type
    percent_format = methods.percent_format
    format_value = methods.format_value

    # -- modules of networks ----------------------------------------------------------------

    def is_module(self, value: Value) -> bool:
        return isinstance(value, Instance) and value.cls.is_a(nn_module.MODULE)

    def forward(self, owner: Instance, args: list[Value], options: dict[str, Value]) -> Value:
        """Call a module: run its `forward` in the scope of its name."""
        function = owner.cls.find("forward")
        if "forward" in owner.attrs:
            return self.call(owner.attrs["forward"], args, options)
        if function is MISSING:
            if owner.cls.foreign:
                return Unknown(f"the forward of {owner.cls.name}", owner.cls.foreign[0].where)
            raise ReadError(f"{owner.cls.name} has no forward")
        if owner.leaf is not None and isinstance(function, Native):
            return self.call(function, [owner, *args], options)
        outer, path = self.recorder.scope, self.path(owner)
        self.recorder.scope = f"{path}." if path else outer
        try:
            return self.call(function, [owner, *args], options)
        finally:
            self.recorder.scope = outer

    module_attribute = nn_weights.module_attribute
    set_on_layer = nn_weights.set_on_layer

    def leaf(self, owner: Instance) -> Leaf:
        if id(owner) not in self._leaves:
            assert owner.leaf is not None
            name = self.path(owner)
            if not name:
                scope = self.recorder.scope
                name = scope + self.recorder.builder.numbered(scope, owner.leaf.layer.type)
            # the output of an attention, which PyTorch calls as a function
            function = "linear" if owner.cls.name == "NonDynamicallyQuantizableLinear" else ""
            self._leaves[id(owner)] = owner.leaf._replace(
                name=name,
                function=function,
                module=nn_weights.class_beside(owner),
                paths=self._counts.get(id(owner), 1),
            )
            self._kept.append(owner)
        return self._leaves[id(owner)]

    def path(self, owner: Instance) -> str:
        return self._paths.get(id(owner), "")

    def start_run(self, root: Instance) -> GraphRecorder:
        """Discard the previous run, and restore the content that modules had before the first one.

        Return the recorder of the new run; every module and parameter has its path.
        """
        self.steps = self._next_check = 0
        self.depth = 0
        if self._before:
            self._deadline = process_time() + self._limit.seconds
        self._leaves.clear()
        if not self._before:
            self._before = [ModuleState(module) for _, module in nn_module.walk(root)]
        for state in self._before:
            state.restore()
        self._name_modules(root)
        self.recorder = GraphRecorder()
        return self.recorder

    def _name_modules(self, root: Instance) -> None:
        self._paths = {}
        self._counts = nn_module.counts_of_paths(root)
        self.name_within(root)
        for path, module in nn_module.walk(root):
            for name, tensor in (*nn_module.parameters(module), *module.shared.items()):
                if not tensor.owner and tensor.holder in (None, module):
                    tensor.owner = f"{path}.{name}" if path else name
                self._kept.append(tensor)
        self._kept.append(root)

    def name_within(self, root: Instance, name: str = "") -> None:
        """Give a module that has a name, and every one inside it, their paths."""
        for path, module in nn_module.walk(root, name):
            self._paths[id(module)] = path

    # -- tensors ----------------------------------------------------------------------------

    tensor_attribute = names.attribute
    slice_tensor = indexing.get_item
    fill_tensor = tensor_args.fill
    unbind = indexing.unbind

    def tensor_unary(self, operator: str, value: Tensor) -> Value:
        name = {"usub": "neg", "invert": "logical_not"}.get(operator, operator)
        return elementwise.elementwise(name, self, value)

    def tensor_binary(self, operator: str, left: Value, right: Value) -> Value:
        if operator == "matmul":
            return matmul.matmul(self, left, right)
        return elementwise.binary(self, operator, left, right)


def unread(name: str, error: SpecError) -> Unknown:
    """The value of a name whose statement was not understood."""
    reason = str(error).partition("\n")[0][:120]
    return Unknown(f"{name} ({reason})", getattr(error, "where", None))
