"""A text whose own statements make a network: layer lines, models built step by step, calls.

Around a model most statements are no concern of its layers; one that could be is understood or
refused with its line.
"""

import ast
import re
from collections import Counter
from typing import Any

from convcli.callsyntax import shown
from convcli.errors import Refusal, SpecError
from convcli.nets.graph import INPUT, Chain, Fork, Leaf
from convcli.nets.input_size import named_shape
from convcli.nets.layers import Shape
from convcli.nets.readers.fragments import Line
from convcli.nets.readers.layer_calls import LayerCalls
from convcli.nets.readers.python.interpreter import FALLBACK, Machine, unread
from convcli.nets.readers.python.keras.layers import FOLLOWS, LAYER, classes
from convcli.nets.readers.python.keras.layers import SEQUENTIAL as KERAS_SEQUENTIAL
from convcli.nets.readers.python.keras.names import meaning
from convcli.nets.readers.python.keras.tensors import SECOND_INPUT, inner
from convcli.nets.readers.python.language import limits
from convcli.nets.readers.python.language.calls import flat
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Class,
    File,
    Frame,
    Halt,
    Native,
    Object,
    Tensor,
    Unfit,
    Unknown,
)
from convcli.nets.readers.python.model_files import Files
from convcli.nets.readers.python.stdlib.builtins import BUILTINS
from convcli.nets.readers.python.torch import nn_layers
from convcli.nets.readers.python.torch.names import FUNCTIONS
from convcli.nets.readers.python.torch.nn_module import MODULE, SEQUENTIAL, children, walk
from convcli.nets.readers.vocabulary.registry import VOCABULARIES, names_of
from convcli.text import like

FRAMEWORK = r"\b(nn|layers)\.|\bSequential\b|\.add\("
"""What makes a statement one that has to be understood."""

EXAMPLES = {"randn", "rand", "zeros", "ones", "empty", "normal", "uniform"}
"""What makes a tensor that a text may try its network with."""

VALUE = "the value of a line"
"""The name under which the value of an expression that stands alone is kept; no text can say it."""

OPEN_LENGTH, OPEN_SIZE = 224, 32
"""Sides of pictures, and other sizes, that a text leaves open, until they are given."""

LOST = (Tensor, Unknown)
"""What a name no longer stands for once a statement that assigns it was not understood."""

PLAIN = (str, int, float, list, Leaf, Chain, Fork)
"""What names of the notation stand for."""


class Script(Machine):
    """Reads the statements of a text in order, and keeps the layers and tensors they give.

    `shape` is the input's, where it is not the one that the text names; `example` is the number of
    the example tensor, of those that the text makes, that is its input.
    """

    def __init__(
        self,
        files: Files,
        text: File,
        keras: bool,
        shape: Shape | None = None,
        example: int | None = None,
    ) -> None:
        super().__init__(files)
        self.text_file = text
        self.keras = keras
        self.shape = shape
        self.example = example
        self.input: Shape | None = None
        """The input's shape that the text names."""
        self.guessed = False
        """Whether the input's sizes are neither named nor given."""
        self.examples: list[Shape] = []
        self.outputs: list[Tensor] = []
        """What a Keras `Model` gives."""
        self.refusals: list[Halt] = []
        self.used: Counter[str] = Counter()
        """Layers made, by framework."""
        self.own = Object(MODULE)
        """`self` of lines outside of a class."""
        self._modules: dict[int, tuple[str, Any]] = {}
        self._models: dict[str, int] = {}
        self._calls = LayerCalls(text.names)
        self._undefined: set[str] = set()
        self._sizes: tuple[Any, ...] | None = None
        self.defines = any(
            isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef)
            for node in text.tree.body
        )

    # -- statements -------------------------------------------------------------------------

    def load(self, file: File) -> File:
        """Read the statements of a file; those of the text itself may be refused."""
        if file is not self.text_file:
            return super().load(file)
        frame = Frame(file, file.names)
        for node in file.tree.body:
            depth = self.depth
            try:
                self.block([node], frame)
            except Refusal as error:
                if self.steps > limits.MOST_STEPS:
                    raise
                self.depth, self.site = depth, None
                halt = error if isinstance(error, Halt) else Unfit(str(error), file.where(node))
                self._failed(node, halt)
        return file

    def _failed(self, node: ast.stmt, error: Halt) -> None:
        names = self.text_file.names
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names[node.name] = unread(node.name, error)
            return
        if isinstance(error, Unfit) or self._concerns(node):
            self.refusals.append(error)
        for one in ast.walk(node):
            match one:
                case ast.Name(name, ast.Store()) if isinstance(names.get(name, MISSING), LOST):
                    names[name] = unread(name, error)

    def _concerns(self, node: ast.stmt) -> bool:
        """Whether a statement that was not understood could have said something of the network.

        In a script, what names no layer and touches no part of the network is passed over; a text
        of bare lines has to be understood whole, but for assignments and calls of methods.
        """
        match node:
            case ast.Assign() | ast.AnnAssign() | ast.Expr(ast.Call(ast.Attribute())):
                walks = False
            case ast.Assert() | ast.For() | ast.If() | ast.While() | ast.With() | ast.Try():
                walks = True
            case _ if not self.defines:
                return True
            case _:
                walks = False
        if re.search(FRAMEWORK, ast.unparse(node)):
            return True
        for one in ast.walk(node):
            value = self.text_file.names.get(one.id) if isinstance(one, ast.Name) else None
            if isinstance(value, Tensor) and value.node:
                return not isinstance(node, ast.Assert)
            if isinstance(one, ast.Call) and self._applies(one, walks):
                return True
        return False

    def _applies(self, node: ast.Call, walks: bool) -> bool:
        """Whether a call makes or applies a layer; in a loop over what is not known, makes one."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        word = getattr(node.func, "attr", name)
        dialects = VOCABULARIES if name else ("PyTorch", "Keras")
        if word in ("Input", "InputLayer") or any(word in names_of(one) for one in dialects):
            return True
        return not walks and (
            isinstance(node.func, ast.Call) or self.is_module(self.text_file.names.get(name))
        )

    def block(self, body: list[ast.stmt], frame: Frame) -> None:
        if frame.names is self.text_file.names:
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
                made = frame.names.pop(VALUE)
                # a line that ends in a comma, or layers as a list
                many = isinstance(value, ast.Tuple | ast.List)
                for one in made if many else [made]:
                    self._keep("", one)
            case _:
                super().block([node], frame)
                for target in getattr(node, "targets", [getattr(node, "target", None)]):
                    self._assigned(target)

    def _assigned(self, target: ast.expr | None) -> None:
        match target:
            case ast.Name(name):
                self._keep(name, self.text_file.names.get(name))
            case ast.Attribute(ast.Name("self"), name):
                self._keep(name, self.own.attrs.get(name))
            case ast.Tuple(targets) | ast.List(targets):
                for one in targets:
                    self._assigned(one)

    def _keep(self, name: str, value: Any) -> None:
        if isinstance(value, Object) and "outputs" in value.attrs and value.cls.is_a(LAYER):
            self.outputs = value.attrs["outputs"]
        elif self.is_module(value) or isinstance(value, Leaf | Chain | Fork):
            if name and getattr(value, "leaf", value) is None:
                # a model that is made again under its name takes its place
                self._modules.pop(self._models.get(name, 0), None)
                self._models[name] = id(value)
            self._modules.setdefault(id(value), (name, value))

    def modules(self) -> list[tuple[str, Any]]:
        """Layers and models that stand for themselves: no other holds them; with their names."""
        for name, one in children(self.own):
            self._keep(name, one)
        inside = {
            id(one)
            for _, value in self._modules.values()
            if isinstance(value, Object)
            for _, one in walk(value)
            if one is not value
        }
        return [
            (name, value)
            for key, (name, value) in self._modules.items()
            if key not in inside and (isinstance(value, Object) or key in self._calls.parts)
        ]

    def flows(self) -> bool:
        """Whether something was done to the input."""
        return any(INPUT in node.inputs for node in self.tape.builder.nodes)

    # -- lines of the notation --------------------------------------------------------------

    def _is_layer_call(self, node: ast.stmt) -> bool:
        """Whether a statement is one of the notation: `relu`, `c = conv(8, 3)`."""
        value = node.value if isinstance(node, ast.Expr | ast.Assign) else None
        word = value.func if isinstance(value, ast.Call) else value
        if not isinstance(word, ast.Name) or word.id in self.text_file.names:
            return False
        if word.id != "input" and word.id not in names_of("short") | names_of("short", "BLOCKS"):
            return False
        return all(
            isinstance(self.text_file.names.get(one.id, ""), PLAIN)
            for one in ast.walk(node)
            if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)
        )

    def _layer_call(self, node: ast.stmt) -> None:
        file = self.text_file
        try:
            self._calls.statement(Line(node, file.name, file.lines, 1))
        except SpecError as error:
            raise Halt(str(error), file.where(self._calls.blamed or node)) from None
        for name, part in self._calls.parts.values():
            self._keep(name, part)
        self.input = self.input or self._calls.input

    # -- names and calls --------------------------------------------------------------------

    def global_name(self, name: str, frame: Frame) -> Any:
        file = frame.file
        if file is not self.text_file or name in file.names:
            return super().global_name(name, frame)
        if self.keras and name not in BUILTINS:
            found = meaning(name)
            if found is not MISSING:
                return found
        found = super().global_name(name, frame)
        if found is not MISSING or self.depth:
            return found
        if name == "self":
            return self.own
        found = self._layer_named(name)
        if found is MISSING:
            self._undefined.add(name)
            return Unknown(name)
        return found

    def _layer_named(self, name: str) -> Any:
        """The class of a layer, whatever module it is said to be of."""
        for known in (classes(), nn_layers.classes())[:: 1 if self.keras else -1]:
            if name in known:
                return known[name]
        return MISSING

    def _is_undefined(self, value: Unknown) -> bool:
        return value.text.partition(".")[0] in self._undefined

    def attribute(self, owner: Any, name: str) -> Any:
        if type(owner) is Unknown and self._is_undefined(owner):
            if name == ("add" if self.keras else "add_module") and "." not in owner.text:
                return super().attribute(self._begun(owner.text), name)
            found = FALLBACK.get(name, self._layer_named(name))
            if found is not MISSING:
                return found
        return super().attribute(owner, name)

    def _begun(self, name: str) -> Object:
        """The model that lines add to, where the one that makes it was left out."""
        cls = KERAS_SEQUENTIAL if self.keras else SEQUENTIAL
        made: Object = self.instance(cls, [], {})
        self.text_file.names[name] = made
        self._undefined.discard(name)
        self._keep(name, made)
        return made

    def call(self, function: Any, args: list[Any], options: dict[str, Any]) -> Any:
        kind = type(function)
        if kind is Native and function.name in EXAMPLES and not self.depth:
            return self._example(function, args, options)
        if kind is Unknown and not function.harmless:
            found = self._meant(function, args)
            if found is not MISSING:
                return super().call(found, args, options)
        if kind is Class and not function.own:
            # a name that was never given stands for itself, in the refusal
            args = [one.text if self._is_word(one) else one for one in args]
            options = {k: one.text if self._is_word(one) else one for k, one in options.items()}
        return super().call(function, args, options)

    def _is_word(self, value: Any) -> bool:
        return isinstance(value, Unknown) and value.text in self._undefined

    def _meant(self, function: Unknown, args: list[Any]) -> Any:
        """What a function that no module gives means by its name alone. Raises Halt for a layer."""
        name = function.text.rpartition(".")[2]
        of_layers = function.text.startswith("torch.nn.") or ".layers." in function.text
        if not (of_layers or self._is_undefined(function)):
            return MISSING
        given = any(isinstance(one, Tensor) for one in flat(tuple(args)))
        found = meaning(name) if self.keras or not given else FUNCTIONS.get(name, MISSING)
        if given or (found is not MISSING and isinstance(found, Class)):
            if found is MISSING:
                known = [*FUNCTIONS] if given else []
                raise Halt(f"{shown(name)} is no function that is known here{like(name, known)}")
            return found if isinstance(found, Native | Class) else Native(name, FUNCTIONS[name])
        named = of_layers or "." not in function.text
        if named and name[:1].isupper() and not name.endswith("Loss") and not self.depth:
            known = [*nn_layers.classes(), *classes()]
            raise Halt(f"{shown(name)} is no layer that is known here{like(name, known)}")
        return MISSING

    def instance(self, cls: Class, args: list[Any], options: dict[str, Any]) -> Any:
        made = super().instance(cls, args, options)
        if isinstance(made, Object) and made.leaf is not None:
            self.used["Keras" if cls.is_a(LAYER) else "PyTorch"] += 1
        return made

    # -- inputs -----------------------------------------------------------------------------

    def new_input(self, sizes: tuple[Any, ...]) -> Any:
        """The input's tensor, of sizes channels last; the second one is not known."""
        if self._sizes is not None and (sizes != self._sizes or self.tape.builder.nodes):
            return Unknown(SECOND_INPUT, self.here())
        if self._sizes is None:
            self._sizes, self.input = sizes, named_shape(sizes)
        self.guessed = self.shape is None and self.input is None
        usual = OPEN_LENGTH if len(sizes) == 3 else OPEN_SIZE
        filled = [usual if size is None else size for size in sizes or (None,)]
        return self._input_tensor(self.shape or self.input or named_shape(filled) or ())

    def _input_tensor(self, shape: Shape) -> Tensor:
        made = Tensor((1, *shape), INPUT)
        made.channels_last = self.keras
        return made

    def _example(self, function: Native, args: list[Any], options: dict[str, Any]) -> Any:
        """`torch.randn(20, 16, 50, 100)`: a batch of inputs, whose sizes are the input's."""
        sizes = list(args[0] if args and isinstance(args[0], tuple | list) else args)
        if sizes and isinstance(sizes[0], Unknown):
            args = [[1, *sizes[1:]]]  # the size of a batch
        made = super().call(function, args, options)
        if not isinstance(made, Tensor) or not 2 <= len(made.shape) <= 5:
            return made
        self.examples.append(made.shape)
        if self.example != len(self.examples) - 1:
            return made
        self.input = inner(made.shape)[1:] if self.keras else made.shape[1:]
        return self._input_tensor(self.shape or self.input)

    # -- modules ----------------------------------------------------------------------------

    def forward(self, owner: Object, args: list[Any], options: dict[str, Any]) -> Any:
        if owner.leaf is None:
            if not self.depth and any(isinstance(one, Unknown) for one in args):
                return Unknown(f"what a {owner.cls.name} makes of {args[0].text}")
            if id(owner) not in self._paths:
                self.name_within(owner)
        return super().forward(owner, args, options)

    def name_within(self, root: Object) -> None:
        super().name_within(root)
        for _, one in walk(root):
            if one.cls.is_a(KERAS_SEQUENTIAL):  # Keras names what it holds by type
                for layer in one.attrs["layers"]:
                    self._paths.pop(id(layer), None)

    def leaf(self, owner: Object) -> Leaf:
        assert owner.leaf is not None
        if FOLLOWS in owner.attrs:
            return owner.leaf
        if self.path(owner):
            return super().leaf(owner)
        if not owner.leaf.name:
            return owner.leaf
        named = owner.leaf._replace(name=self.tape.scope + owner.leaf.name)
        return self._leaves.setdefault(id(owner), named)
