"""A text whose own statements make a network: layer lines, models built step by step, calls.

Most statements around a model do not affect its layers; one that could is understood or refused
with its line.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from convcli.callsyntax import brief
from convcli.errors import Refusal, SpecError
from convcli.nets.graph import INPUT, Chain, Fork, Leaf, Part
from convcli.nets.input_size import named_shape
from convcli.nets.layers import Shape
from convcli.nets.readers.fragments import Line
from convcli.nets.readers.layer_calls import LayerCalls
from convcli.nets.readers.python.bundled import prelude_name
from convcli.nets.readers.python.interpreter import FALLBACK, ModelInterpreter, unread
from convcli.nets.readers.python.keras import layers as keras_layers
from convcli.nets.readers.python.keras import tensors as keras_tensors
from convcli.nets.readers.python.keras.names import meaning
from convcli.nets.readers.python.language.calls import flat
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Class,
    Frame,
    Instance,
    Native,
    ReadError,
    ShapeMismatch,
    SourceFile,
    Tensor,
    Unknown,
    Value,
)
from convcli.nets.readers.python.model_files import SourceFiles
from convcli.nets.readers.python.stdlib.builtins import BUILTINS
from convcli.nets.readers.python.torch import nn_layers, nn_weights
from convcli.nets.readers.python.torch.names import FUNCTIONS
from convcli.nets.readers.python.torch.nn_module import MODULE, SEQUENTIAL, children, walk
from convcli.nets.readers.vocabulary.registry import VOCABULARIES, names_of
from convcli.text import like

FRAMEWORK = r"\b(nn|layers)\.|\bSequential\b|\.add\("
"""Signs of a statement that must be understood."""

EXAMPLES = {"randn", "rand", "zeros", "ones", "empty", "normal", "uniform"}
"""Functions that make a tensor that a text may use as the example input."""

VALUE = "the value of a line"
"""The key of the value of an expression statement; no text can use it as a name."""

OPEN_LENGTH, OPEN_SIZE = 224, 32
"""Defaults for the sides of pictures and other sizes that a text leaves open."""

MAX_HINTS = 20
"""Maximum number of refusals that suggest a similar known name."""

LOST = (Tensor, Unknown)
"""What a name no longer stands for once a statement that assigns it was not understood."""

PLAIN = (str, int, float, list, Leaf, Chain, Fork)
"""The meaning of names of the notation."""


class ScriptInterpreter(ModelInterpreter):
    """Reads the statements of a text in order, and keeps the layers and tensors they make.

    `shape` is the shape of the input, if it is not the one in the text; `example` is the index of
    the example tensor of the text that is its input.
    """

    def __init__(
        self,
        files: SourceFiles,
        text: SourceFile,
        keras: bool,
        shape: Shape | None = None,
        example: int | None = None,
    ) -> None:
        super().__init__(files)
        self.text = text
        self.keras = keras
        self.shape = shape
        self.example = example
        self.input: Shape | None = None
        """The input's shape that the text names."""
        self.guessed = False
        """Whether the input's sizes are neither in the text nor given."""
        self.further = 0
        """Number of inputs after the first."""
        self.examples = 0
        """Number of tensors so far that could be the input."""
        self.outputs: list[Tensor] = []
        """The outputs of a Keras `Model`."""
        self.last: list[Tensor] = []
        """The tensors of the last statement that has any."""
        self.refusals: list[ReadError] = []
        self.unset: list[ReadError] = []
        """Those of statements that set something of a module, or which weights are trained."""
        self.used: Counter[str] = Counter()
        """Numbers of layers by framework."""
        self.own = Instance(MODULE)
        """`self` of lines outside of a class."""
        self.defines = any(
            isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef)
            for node in text.tree.body
        )
        self.unheeded: list[ast.stmt] = []
        """Skipped statements between those of layers."""
        self._waiting: list[ast.stmt] = []
        self._calls_unknown = False
        self._given: list[Tensor] = []
        self._modules: dict[int, tuple[str, Instance | Part]] = {}
        self._models: dict[str, int] = {}
        self._calls = LayerCalls(text.names)
        self._undefined: set[str] = set()
        self._failures = 0
        self._sizes: tuple[Value, ...] | None = None

    # -- statements -------------------------------------------------------------------------

    def read_statements(self, file: SourceFile) -> None:
        """Read the statements of a file; those of the text itself may be refused."""
        if file is not self.text:
            super().read_statements(file)
            return
        frame = Frame(file, file.names)
        # the text may mean a class or a builder, even if it calls it
        builds = any(isinstance(node, ast.ClassDef | ast.FunctionDef) for node in file.tree.body)
        for node in file.tree.body:
            recorded = len(self.recorder.builder.nodes)
            before, failures, self._calls_unknown = self._progress(), self._failures, False
            try:
                self.block([node], frame)
            except Refusal as error:
                if self.is_exhausted:
                    raise
                self.site = None
                if not isinstance(error, ReadError):
                    error = ShapeMismatch(str(error), file.where(node))
                is_cut = len(self.recorder.builder.nodes) > recorded
                self._failed(node, error, is_cut)
            if self.refusals and not builds:
                return
            self._heed(node, self._progress() > before, self._failures > failures)

    def _progress(self) -> int:
        """A counter that grows with every layer and every operation."""
        return self.used.total() + len(self.recorder.builder.nodes) + len(self._calls.parts)

    def _heed(self, node: ast.stmt, adds: bool, failed: bool) -> None:
        """Note a statement that calls something unknown, if it is between statements of layers."""
        if adds:
            self.unheeded += self._waiting
            self._waiting = []
        elif not self._progress() or isinstance(node, ast.ClassDef | ast.FunctionDef):
            return
        elif failed or (self._calls_unknown and not isinstance(node, ast.Assign | ast.AnnAssign)):
            self._waiting.append(node)

    def _failed(self, node: ast.stmt, error: ReadError, is_cut: bool) -> None:
        """Refuse a statement that concerns the network: `is_cut` once it has added to it."""
        names = self.text.names
        self._failures += 1
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names[node.name] = unread(node.name, error)
            return
        if is_cut or isinstance(error, ShapeMismatch) or self._concerns_layers(node):
            self.refusals.append(error.without_frames())
            if _sets_trained(node) or self._sets_module(node):
                self.unset.append(self.refusals[-1])
        for inner in ast.walk(node):
            match inner:
                case ast.Name(name, ast.Store()) if isinstance(names.get(name, MISSING), LOST):
                    names[name] = unread(name, error)

    def _sets_module(self, node: ast.stmt) -> bool:
        """Whether a statement assigns to a part of a module: `net.head[1].weight = …`."""
        for target in node.targets if isinstance(node, ast.Assign) else ():
            root = target
            while isinstance(root, ast.Attribute | ast.Subscript):
                root = root.value
            if root is not target and isinstance(root, ast.Name):
                return self.is_module(self.text.names.get(root.id))
        return False

    def _concerns_layers(self, node: ast.stmt) -> bool:
        """Whether a statement that was not understood could have said something of the network.

        In a script, a statement that names no layer and uses no part of the network is skipped; a
        text of bare lines must be understood completely, except assignments and method calls.
        """
        nests = isinstance(node, ast.For | ast.If | ast.While | ast.With | ast.Try)
        match node:
            case ast.Assign() | ast.AnnAssign() | ast.Expr(ast.Call(ast.Attribute())):
                pass
            case _ if not (self.defines or nests or isinstance(node, ast.Assert)):
                return True
        try:
            if re.search(FRAMEWORK, ast.unparse(node)):
                return True
        except ValueError:  # an integer of thousands of digits
            return True
        if _sets_trained(node) or self._sets_module(node):
            return True
        for inner in ast.walk(node):
            value = self.text.names.get(inner.id) if isinstance(inner, ast.Name) else None
            if isinstance(value, Tensor) and value.node:
                return not isinstance(node, ast.Assert)
            if isinstance(inner, ast.Call) and self._is_of_layers(inner, nests):
                return True
        return False

    def _is_of_layers(self, node: ast.Call, nested: bool) -> bool:
        """Whether a call makes a layer; or applies one, outside of loops over unknown data."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        word = node.func.attr if isinstance(node.func, ast.Attribute) else name
        dialects = VOCABULARIES if name else ("PyTorch", "Keras")
        if word in ("Input", "InputLayer") or any(word in names_of(name) for name in dialects):
            return True
        applies = isinstance(node.func, ast.Call) or self.is_module(self.text.names.get(name))
        return applies and not nested

    def block(self, body: Sequence[ast.stmt], frame: Frame) -> None:
        if frame.names is self.text.names:
            for node in body:
                self._statement(node, frame)
        else:
            super().block(body, frame)

    def _statement(self, node: ast.stmt, frame: Frame) -> None:
        """A statement of the text itself, whose layers and tensors are kept."""
        if self._is_layer_call(node):
            self._layer_call(node)
            return
        match node:
            case ast.Expr(ast.Constant()) | ast.Return(None):
                pass
            case ast.Expr(value) | ast.Return(ast.expr() as value):
                line = ast.Assign([ast.Name(VALUE, ast.Store())], value)
                super().block([ast.copy_location(line, node)], frame)
                result = frame.names.pop(VALUE)
                # a line that ends in a comma, or layers as a list
                listed = isinstance(value, ast.Tuple | ast.List)
                for item in result if listed and isinstance(result, tuple | list) else [result]:
                    self._keep("", item)
            case _:
                super().block([node], frame)
                for target in _targets(node):
                    self._assigned(target)
        if self._given:
            self.last, self._given = self._given, []

    def _assigned(self, target: ast.expr) -> None:
        match target:
            case ast.Name(name):
                self._keep(name, self.text.names.get(name))
            case ast.Attribute(ast.Name("self"), name):
                value = self.own.attrs.get(name)
                self._keep(name, value)
                if isinstance(value, Instance):
                    self.name_within(value, name)
            case ast.Tuple(targets) | ast.List(targets):
                for inner in targets:
                    self._assigned(inner)

    def _keep(self, name: str, value: Value) -> None:
        if isinstance(value, Instance) and keras_layers.outputs_of(value):
            self.outputs = keras_layers.outputs_of(value)
        elif isinstance(value, Tensor) and value.node not in ("", INPUT):
            self._given.append(value)
        elif isinstance(value, Instance) and value.cls.is_a(MODULE):
            if name and value.leaf is None:
                # a model that is built again under its name takes its place
                self._modules.pop(self._models.get(name, 0), None)
                self._models[name] = id(value)
            self._modules.setdefault(id(value), (name, value))
        elif isinstance(value, Leaf | Chain | Fork):
            self._modules.setdefault(id(value), (name, value))

    def modules(self) -> list[tuple[str, Instance | Part]]:
        """Top-level layers and models, which no other contains, with their names."""
        for name, module in children(self.own):  # those that no line assigned: add_module()
            if id(module) not in self._modules:
                self._keep(name, module)
        if not self._modules:
            lists = [value for value in self.text.names.values() if isinstance(value, list)]
            layers = [items for items in lists if items and all(map(self.is_module, items))]
            for module in layers[-1] if layers else ():  # not used in any model
                self._keep("", module)
        inside = {
            id(module)
            for _, value in self._modules.values()
            if isinstance(value, Instance)
            for _, module in walk(value)
            if module is not value
        }
        return [
            (name, value)
            for key, (name, value) in self._modules.items()
            if key not in inside and (isinstance(value, Instance) or key in self._calls.parts)
        ]

    def nodes_of_input(self) -> int:
        """The number of nodes that depend on the input."""
        dependent = {INPUT}
        for node in self.recorder.builder.nodes:
            if not dependent.isdisjoint(node.inputs):
                dependent.add(node.name)
        return len(dependent) - 1

    # -- lines of the notation --------------------------------------------------------------

    def _is_layer_call(self, node: ast.stmt) -> bool:
        """Whether a statement is in the notation: `relu`, `c = conv(8, 3)`."""
        value = node.value if isinstance(node, ast.Expr | ast.Assign) else None
        word = value.func if isinstance(value, ast.Call) else value
        if not isinstance(word, ast.Name) or word.id in self.text.names:
            return False
        names = (names_of("short"), names_of("short", "BLOCKS"), {"input"})
        if not any(word.id in known for known in names):
            return False
        return all(
            isinstance(self.text.names.get(inner.id, ""), PLAIN)
            for inner in ast.walk(node)
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load)
        )

    def _layer_call(self, node: ast.stmt) -> None:
        file = self.text
        try:
            self._calls.statement(Line(node, file.name, file.lines, 1))
        except SpecError as error:
            raise ReadError(str(error), file.where(self._calls.blamed or node)) from None
        for name, part in self._calls.added:
            self._keep(name, part)
        self.input = self.input or self._calls.input

    # -- names and calls --------------------------------------------------------------------

    def global_name(self, name: str, frame: Frame) -> Value:
        if frame.file is not self.text or name in self.text.names:
            return super().global_name(name, frame)
        if self.keras and name not in BUILTINS:
            value = meaning(name)
            if value is not MISSING:
                return value
        value = super().global_name(name, frame)
        if value is not MISSING or self.depth:
            return value
        if name == "self":
            return self.own
        value = self._layer_class(name)
        if value is MISSING:
            self._undefined.add(name)
            return Unknown(name)
        return value

    def _layer_class(self, name: str) -> Value:
        """The class of a layer, whatever the module before its name."""
        dialects = [nn_layers.classes(), keras_layers.classes()]
        for known in reversed(dialects) if self.keras else dialects:
            if name in known:
                return known[name]
        if name in FALLBACK:
            return FALLBACK[name]
        value = prelude_name(self, "torch.nn", name)
        return value if isinstance(value, Class) and value.is_a(MODULE) else MISSING

    def _is_undefined(self, value: Unknown) -> bool:
        return value.text.partition(".")[0] in self._undefined

    def attribute(self, owner: Value, name: str) -> Value:
        if isinstance(owner, Unknown) and self._is_undefined(owner):
            if name == ("add" if self.keras else "add_module") and "." not in owner.text:
                return super().attribute(self._started(owner.text), name)
            value = self._layer_class(name)
            if value is not MISSING:
                return value
        return super().attribute(owner, name)

    def _started(self, name: str) -> Instance:
        """The model that lines add to, if the line that creates it is missing."""
        model = self.call(keras_layers.SEQUENTIAL if self.keras else SEQUENTIAL, [], {})
        assert isinstance(model, Instance)
        self.text.names[name] = model
        self._undefined.discard(name)
        self._keep(name, model)
        return model

    def call(self, function: Value, args: list[Value], options: dict[str, Value]) -> Value:
        if isinstance(function, Native) and function.name in EXAMPLES and not self.depth:
            return self._example(function, args, options)
        self._calls_unknown |= isinstance(function, Unknown) and not self.depth
        if args and self._takes_input(function, args[0]):
            tensor = self.new_input((None, None, 3))
            if isinstance(args[0], Unknown):
                self.text.names[args[0].text] = tensor
            args = [tensor, *args[1:]]
        if isinstance(function, Unknown) and not function.harmless:
            named = self._named(function, args)
            function = function if named is MISSING else named
        if isinstance(function, Class) and not function.own:
            # an undefined name stands for itself, in the refusal
            args = [self._word(value) for value in args]
            options = {key: self._word(value) for key, value in options.items()}
        value = super().call(function, args, options)
        if isinstance(function, Class) and isinstance(value, Instance) and value.leaf is not None:
            self.used["Keras" if function.is_a(keras_layers.LAYER) else "PyTorch"] += 1
        return value

    def _takes_input(self, function: Value, value: Value) -> bool:
        """Whether lines copied from a forward use its input: `x = F.relu(x)`."""
        if self.defines or self.depth or self.examples or self._sizes or not self._is_word(value):
            return False
        natives = isinstance(function, Native) and function.name in FUNCTIONS
        return natives or self.is_module(function)

    def _is_word(self, value: Value) -> bool:
        """Whether a value is a name that was never assigned."""
        return isinstance(value, Unknown) and value.text in self._undefined

    def _word(self, value: Value) -> Value:
        return value.text if isinstance(value, Unknown) and self._is_word(value) else value

    def _named(self, function: Unknown, args: list[Value]) -> Value:
        """The meaning of a function without a module, by its name alone, or MISSING.

        Raises ReadError for the name of a layer that is not known.
        """
        name = function.text.rpartition(".")[2]
        of_layers = function.text.startswith("torch.nn.") or ".layers." in function.text
        if not (of_layers or self._is_undefined(function)):
            return MISSING
        if any(isinstance(value, Tensor) for value in flat(args)):
            known = meaning(name) if self.keras else FUNCTIONS.get(name, MISSING)
            if known is MISSING:
                hint = self._hint(name, FUNCTIONS)
                raise ReadError(f"{brief(name)} is not a function that is known here{hint}")
            return Native(name, FUNCTIONS[name]) if known is FUNCTIONS.get(name) else known
        layer = keras_layers.classes().get(name, MISSING)
        of_layers = of_layers or "." not in function.text
        named = name[:1].isupper() and not name.endswith("Loss")
        if layer is MISSING and of_layers and named and not self.depth:
            hint = self._hint(name, [*nn_layers.classes(), *keras_layers.classes()])
            raise ReadError(f"{brief(name)} is not a layer that is known here{hint}")
        return layer

    def _hint(self, name: str, known: Iterable[str]) -> str:
        """The nearest known name, for the first refusals alone: the search is slow."""
        return like(name, known) if self._failures < MAX_HINTS else ""

    # -- inputs -----------------------------------------------------------------------------

    def new_input(self, sizes: Sequence[Value], name: str = "", further: bool = False) -> Value:
        """The input's tensor, of sizes channels last.

        A second one that is called for is a further input of the network, where all its sizes are
        said; one that a layer declares is not known.
        """
        sizes = tuple(sizes)
        if self.recorder.declares_input and not self.recorder.builder.nodes:
            self._sizes, self.recorder.declares_input = None, False
        if self._sizes is not None and (
            further or sizes != self._sizes or self.recorder.builder.nodes
        ):
            shape = named_shape(sizes) if further else None
            if shape is None:
                return Unknown(keras_tensors.SECOND_INPUT, self.location())
            self.further += 1
            tensor = self.recorder.add_input(name or f"input{self.further + 1}", (1, *shape))
            tensor.channels_last = self.keras
            return tensor
        self._sizes, self.input = sizes, named_shape(sizes)
        self.guessed = self.shape is None and self.input is None
        usual = OPEN_LENGTH if len(sizes) == 3 else OPEN_SIZE
        filled = [usual if size is None else size for size in sizes or (None,)]
        return self._input(self.shape or self.input or named_shape(filled) or ())

    def _input(self, shape: Shape) -> Tensor:
        tensor = Tensor((1, *shape), INPUT)
        tensor.channels_last = self.keras
        return tensor

    def _example(self, function: Native, args: list[Value], options: dict[str, Value]) -> Value:
        """`torch.randn(20, 16, 50, 100)`: a batch of inputs, whose sizes are the input's."""
        sizes = args[0] if args and isinstance(args[0], tuple | list) else args
        if sizes and isinstance(sizes[0], Unknown):
            args = [[1, *sizes[1:]]]  # the size of a batch
        tensor = super().call(function, args, options)
        if not isinstance(tensor, Tensor) or not 2 <= len(tensor.shape) <= 5 or tensor.trained:
            return tensor
        self.examples += 1
        if self.example != self.examples - 1:
            return tensor
        shape = keras_tensors.network_shape(tensor.shape) if self.keras else tensor.shape
        self.input = shape[1:]
        return self._input(self.shape or self.input)

    # -- modules and tensors ----------------------------------------------------------------

    def forward(self, owner: Instance, args: list[Value], options: dict[str, Value]) -> Value:
        if owner.leaf is None:
            unknown = next((value for value in args if isinstance(value, Unknown)), None)
            if unknown is not None and not self.depth:
                return Unknown(f"what a {owner.cls.name} makes of {unknown.text}")
            if id(owner) not in self._paths:
                self.name_within(owner)
        return super().forward(owner, args, options)

    def name_within(self, root: Instance, name: str = "") -> None:
        super().name_within(root, name)
        self._kept.append(root)
        for _, module in walk(root):
            for layer in keras_layers.layers_of(module):  # which Keras names by their types
                self._paths.pop(id(layer), None)

    def leaf(self, owner: Instance) -> Leaf:
        leaf = owner.leaf
        assert leaf is not None
        if self.path(owner) and keras_layers.activation_of(owner) is None:
            return super().leaf(owner)
        known = self._leaves.get(id(owner))
        if known is None or known.layer is not leaf.layer:
            name = leaf.name and self.recorder.scope + leaf.name
            known = leaf._replace(name=name, module=nn_weights.class_beside(owner))
            self._leaves[id(owner)] = known
            self._kept.append(owner)
        return known

    def tensor_attribute(self, owner: Tensor, name: str) -> Value:
        if owner.channels_last:
            return keras_tensors.attribute(self, owner, name)
        return super().tensor_attribute(owner, name)

    def slice_tensor(self, tensor: Tensor, index: Value) -> Tensor:
        if tensor.channels_last:
            return keras_tensors.get_item(self, tensor, index)
        return super().slice_tensor(tensor, index)

    def tensor_binary(self, operator: str, left: Value, right: Value) -> Value:
        if any(isinstance(side, Tensor) and side.channels_last for side in (left, right)):
            return keras_tensors.binary(self, operator, left, right)
        return super().tensor_binary(operator, left, right)


def _sets_trained(node: ast.stmt) -> bool:
    """Whether a statement says which weights are trained, which is followed or not claimed."""
    return any(
        isinstance(inner, ast.Attribute)
        and inner.attr in ("trainable", "requires_grad")
        and isinstance(inner.ctx, ast.Store)
        for inner in ast.walk(node)
    )


def _targets(node: ast.stmt) -> list[ast.expr]:
    """What a statement assigns."""
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign) else []
