"""Layer lines, Keras models and simple `nn.Module` classes → Network: the statements of a text.

Values are numbers, strings, tuples and lists of them, layers, and tensors, which are known by the
node that gives them. Around a model most statements are no concern of its layers; one that could
be is understood or refused with its line.
"""

import ast
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from convcli.callsyntax import excerpt, shown
from convcli.errors import SpecError
from convcli.nets.graph import INPUT, Network
from convcli.nets.readers.expressions import INPUTS, Expressions
from convcli.nets.readers.fragments import Line
from convcli.nets.readers.objects import (
    PARTS,
    Graph,
    Module,
    Stack,
    Tensor,
    Unknown,
    forward_of,
    methods_of,
)
from convcli.nets.readers.vocabulary.registry import VOCABULARIES, names_of
from convcli.nets.source_location import pointed

FRAMEWORK = r"\b(nn|layers)\.|\bSequential\b|\.add\("
"""What makes a statement one that has to be understood."""


class Program(Expressions):
    """Reads statements in order and lays the layers they apply out as nodes."""

    _script = False

    def read(self, lines: Sequence[Line]) -> Network:
        """The network that the statements describe. Raises SpecError with the place."""
        try:
            return self._read(lines)
        except SpecError as error:
            if self._line is None:
                raise
            where = self._line.span(self._blamed or self._line.node)
            raise SpecError(f"{error}\n{pointed(where)}") from None

    def _read(self, lines: Sequence[Line]) -> Network:
        classes = {line.node.name: line for line in lines if isinstance(line.node, ast.ClassDef)}
        self._classes = classes
        self._script = any(
            isinstance(line.node, ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef)
            for line in lines
        )
        for line in lines:
            if not isinstance(line.node, ast.ClassDef):
                self._line = line
                self._top_statement(line.node)
                self._blamed = None
        self._line = None
        if self._last is not None:
            self.form = "model"
            return self.builder.network(tuple(tensor.node for tensor in self._outputs))
        modules = [name for name, line in classes.items() if forward_of(methods_of(line.node))]
        if not modules and not self._pending and self._functions:
            name, self._line = list(self._functions.items())[-1]
            self._add_pending("", self._named_call(name, [], {}, ast.Name(name)))
            if self._last is not None:
                return self.builder.network(tuple(tensor.node for tensor in self._outputs))
        if modules and not self._pending:
            self._add_pending("", self._construct(_entry(modules, classes), [], {}))
            self.form = f"class {_entry(modules, classes)}"
        lines_left = list(self._pending.values())
        twice = [name for name, many in Counter(n for n, _ in lines_left if n).items() if many > 1]
        if twice:
            raise SpecError(f"{shown(twice[0])} names two layers")
        tensor = Tensor(INPUT)
        for name, made in lines_left:
            tensor = self._apply(made, (tensor,), name if len(lines_left) > 1 else "")
        return self.builder.network()

    def _top_statement(self, node: ast.stmt) -> None:
        """A statement outside of classes; around a model, most are no concern of its layers."""
        try:
            self._top(node)
        except SpecError:
            if self._concerns_layers(node):
                raise
            for name in ast.walk(node):
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    self.names[name.id] = Unknown(name.id)

    def _concerns_layers(self, node: ast.stmt) -> bool:
        """Whether a statement that was not understood could have said something of the network.

        In a script, what names no layer and touches no part of the network is passed over; a text
        of bare lines has to be understood whole, but for assignments and calls of methods.
        """
        match node:
            case ast.Assign(value=ast.Name(word)) if self._is_layer(word):
                return True
            case ast.Assign() | ast.AnnAssign() | ast.Expr(ast.Call(ast.Attribute())):
                pass
            case ast.Assert() | ast.For() | ast.If() | ast.With():
                pass
            case _ if not self._script:
                return True
        if re.search(FRAMEWORK, ast.unparse(node)):
            return True
        for one in ast.walk(node):
            if isinstance(one, ast.Name) and isinstance(self.names.get(one.id), Tensor):
                return not isinstance(node, ast.Assert)
            if isinstance(one, ast.Call):
                word = getattr(one.func, "attr", getattr(one.func, "id", ""))
                own = VOCABULARIES if isinstance(one.func, ast.Name) else ("PyTorch", "Keras")
                if word in INPUTS or any(word in names_of(name) for name in own):
                    return True
                held = self.names.get(one.func.id) if isinstance(one.func, ast.Name) else None
                if isinstance(one.func, ast.Call) or isinstance(held, (Graph, *PARTS)):
                    return True
        return False

    def _top(self, node: ast.stmt) -> None:
        match node:
            case (
                ast.Assign([ast.Name(name)], expression)
                | ast.Assign([ast.Attribute(ast.Name("self"), name)], expression)
                | ast.AnnAssign(ast.Name(name), _, ast.expr() as expression)
            ):
                self.names[name] = made = self._layer_or_value(expression)
                self._add_pending(name, made)
            # a line that ends in a comma, or layers as a list
            case ast.Expr(ast.Tuple(elements) | ast.List(elements)) if elements:
                for element in elements:
                    self._add_pending("", self._expression(element))
            case ast.Expr(ast.Constant()):
                pass  # a docstring
            case ast.Expr(expression):
                made = self._expression(expression)
                # a bare word is a layer without values: `relu`
                if isinstance(expression, ast.Name) and isinstance(made, str):
                    made = self._named_call(made, [], {}, expression)
                self._add_pending("", made)
            case ast.Import() | ast.ImportFrom() | ast.Pass():
                pass
            case ast.FunctionDef(name):
                assert self._line is not None
                self._functions[name] = self._line
            case _:
                raise SpecError(f"{excerpt(node)} is not read here")

    def _layer_or_value(self, expression: ast.expr) -> Any:
        """What a name is given; in the notation a layer's bare word is the layer: `act = relu`."""
        made = self._expression(expression)
        if isinstance(expression, ast.Name) and made == expression.id and self._is_layer(made):
            return self._named_call(made, [], {}, expression)
        return made

    def _is_layer(self, word: str) -> bool:
        """Whether a bare word is a layer, which it is in the notation, and not in a script."""
        return not self._script and word in names_of("short")

    def _add_pending(self, name: str, made: Any) -> None:
        if isinstance(made, Tensor):
            self._last = made if made.node != INPUT else self._last
        elif isinstance(made, PARTS):
            if isinstance(made, Stack | Module) and name:
                # a model that is made again under its name takes its place
                self._pending = {
                    key: (other, old)
                    for key, (other, old) in self._pending.items()
                    if other != name or not isinstance(old, Stack | Module)
                }
            self._pending[id(made)] = name, made


def _entry(modules: list[str], classes: dict[str, Line]) -> str:
    """The class a text is about: the last that no other class of it uses."""
    used = {
        name.id
        for line in classes.values()
        for name in ast.walk(line.node)
        if isinstance(name, ast.Name)
    }
    return ([name for name in modules if name not in used] or modules)[-1]
