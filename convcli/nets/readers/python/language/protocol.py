"""The interface of the interpreter that functions of the language and its libraries use."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from convcli.nets.graph import Leaf
from convcli.nets.readers.python.language.graph_recorder import GraphRecorder
from convcli.nets.readers.python.language.objects import (
    Class,
    Frame,
    Instance,
    Library,
    ProgramException,
    SourceFile,
    Tensor,
    Unknown,
    Value,
)
from convcli.nets.source_location import Where

Site: TypeAlias = tuple[SourceFile, ast.AST]
"""A call or an operator, and its file."""


class Interpreter(Protocol):
    """The state of one reading, and the interface between its parts.

    The language (`convcli.nets.readers.python.language`) knows no library. It uses a library only
    through this interface, as for an attribute of a tensor or the forward run of a module; natives
    receive the same object and reach the language through it.
    """

    steps: int
    """Expressions and statements evaluated so far."""
    depth: int
    """Calls of the program that are running."""
    site: Site | None
    """The code under evaluation: the location of the nodes that are recorded meanwhile."""
    handled: ProgramException | None
    """The exception whose `except` is running, which a bare `raise` raises again."""
    generators: dict[ast.AST, bool]
    """Which functions hold a `yield`, as far as they were called."""
    recorder: GraphRecorder
    preludes: dict[str, SourceFile]
    """Bundled texts that were read, by name."""

    def tick(self, count: int = 1) -> None:
        """Count steps. Raises ReadError once there are too many."""

    def location(self, declared: bool = False) -> Where | None:
        """The location of the call or operator under evaluation."""

    # -- the language -----------------------------------------------------------------------

    def evaluate(self, node: ast.expr, frame: Frame) -> Value:
        """The value of an expression."""

    def execute(self, body: Sequence[ast.stmt], frame: Frame) -> Value:
        """The return value of a function's body."""

    def run_lazily(self, body: Sequence[ast.stmt], frame: Frame) -> Iterator[Value]:
        """The values that the body of a generator yields, each on demand."""

    def block(self, body: Sequence[ast.stmt], frame: Frame) -> None:
        """Run statements in order."""

    def assign(self, target: ast.expr, value: Value, frame: Frame) -> None:
        """`target = value`, of every form."""

    def call(self, function: Value, args: list[Value], options: dict[str, Value]) -> Value:
        """The result of a call."""

    def attribute(self, owner: Value, name: str) -> Value:
        """`owner.name`."""

    # -- names and imports ------------------------------------------------------------------

    def global_name(self, name: str, frame: Frame) -> Value:
        """A name of the file, of Python itself or of a star import, or MISSING."""

    def resolve(self, names: dict[str, Value], name: str) -> Value:
        """The value of a name, which may be imported first."""

    def has_module(self, name: str, frame: Frame) -> bool:
        """Whether a module can be imported here."""

    def import_module(self, name: str, level: int, frame: Frame) -> SourceFile | Library:
        """The value of `import name`."""

    def import_all(self, module: str, level: int, frame: Frame) -> None:
        """`from module import *`."""

    def library_name(self, library: Library, name: str) -> Value:
        """`library.name`."""

    def known_names(self, library: Library) -> Iterable[str]:
        """The names of a library, as far as they are known."""

    def module_called(self, name: Value) -> SourceFile | Unknown:
        """`sys.modules[name]`."""

    def open_file(self, file: SourceFile) -> SourceFile:
        """The file itself, its statements read."""

    # -- values of the libraries ------------------------------------------------------------

    def complete_class(self, cls: Class, node: ast.ClassDef) -> Class:
        """A class once its body has run: an enumeration gets its members."""

    def method_of_value(self, owner: Value, name: str) -> Value:
        """A method of a string, a list, a number."""

    def class_method_of_type(self, type_: str, name: str) -> Value:
        """`str.lower`, `dict.fromkeys`, or MISSING."""

    def percent_format(self, text: str, values: Value) -> Value:
        """`text % values`."""

    def format_value(self, value: Value, spec: str) -> str:
        """`format(value, spec)`."""

    # -- modules of networks ----------------------------------------------------------------

    def is_module(self, value: Value) -> bool:
        """Whether a value is an object of a class derived from `nn.Module`."""

    def forward(self, owner: Instance, args: list[Value], options: dict[str, Value]) -> Value:
        """The result of calling a module."""

    def module_attribute(self, owner: Instance, name: str) -> Value:
        """An attribute that every module has, or a layer's weight; MISSING for any other."""

    def set_on_layer(self, owner: Instance, name: str, value: Value) -> bool:
        """Set a value of a layer; return whether it was one of its weights."""

    def leaf(self, owner: Instance) -> Leaf:
        """A layer under its path, the same at every use of it."""

    def path(self, owner: Instance) -> str:
        """The path of a module in the model: `layer1.0.conv1`."""

    # -- tensors ----------------------------------------------------------------------------

    def new_input(self, sizes: Sequence[Value], name: str = "", further: bool = False) -> Value:
        """The input of the network, of sizes channels last, as `keras.Input` gives it."""

    def tensor_attribute(self, owner: Tensor, name: str) -> Value:
        """`x.shape`, or a method of a tensor."""

    def slice_tensor(self, tensor: Tensor, index: Value) -> Value:
        """`x[index]`."""

    def fill_tensor(self, owner: Tensor, value: Value) -> None:
        """`x[index] = value`."""

    def tensor_unary(self, operator: str, value: Tensor) -> Value:
        """`-x`, `~x`, `abs(x)`."""

    def tensor_binary(self, operator: str, left: Value, right: Value) -> Value:
        """`x + y`, `x < 3`, where one is a tensor."""

    def unbind(self, value: Tensor) -> Sequence[Value]:
        """The items of a tensor along its first axis."""
