"""The notation: one layer call per line, `conv(96, 11, stride=4)`, blocks of them in lists.

It knows calls, lists, constants, arithmetic and names assigned by earlier lines; an unknown name is
a word such as `same`. All other Python is read by `convcli.nets.readers.python`.
"""

import ast
import re
from collections import Counter
from collections.abc import Sequence

from convcli.callsyntax import arithmetic, brief, excerpt, negated
from convcli.errors import SpecError
from convcli.nets.graph import INPUT, Builder, Chain, Fork, Leaf, Network, Part
from convcli.nets.input_size import named_shape
from convcli.nets.layers import Shape
from convcli.nets.readers.fragments import Line
from convcli.nets.readers.vocabulary import notation
from convcli.nets.readers.vocabulary.registry import Vocabulary, checked, names_of
from convcli.nets.source_location import pointed

MAX_DEPTH = 150
"""Expressions inside expressions."""

MAX_STEPS = 4_000_000
"""Maximum number of expressions: twice as many as in the longest network."""

PYTHON = r"[\w)\]]\.[A-Za-z_]|\b[A-Z]\w*\(|(?m:^[ ]*(?:import|from|def|class|with|return)\b)"
"""Signs of Python, never of the notation: attributes, capitalized calls, statements."""


def is_notation(text: str) -> bool:
    """Whether a text has only layer calls, rather than Python.

    >>> [is_notation(text) for text in ("conv(8, 3); relu  # nn.ReLU", "nn.ReLU()", "Dense(3)")]
    [True, False, False]
    """
    return not re.search(PYTHON, re.sub(r"#[^\n]*", "", text) if "#" in text else text)


class LayerCalls:
    """Reads statements of the notation; `parts` are their layers in order, with their names."""

    def __init__(self, names: dict[str, object]) -> None:
        self.names = names
        self.parts: dict[int, tuple[str, Part]] = {}
        self.input: Shape | None = None
        self.blamed: ast.AST | None = None
        """The innermost call that was refused."""
        self.added: list[tuple[str, Part]] = []
        """The layers of the last statement."""
        self._vocabulary = Vocabulary()
        self._line: Line | None = None
        self._depth = 0
        self._steps = 0

    def statement(self, line: Line) -> None:
        """Add the layers of a statement. Raises SpecError."""
        self._line, self.blamed, self._depth, self.added = line, None, 0, []
        match line.node:
            case ast.Assign([ast.Name(name)], expression):
                result = self._value(expression)
                if isinstance(expression, ast.Name) and result == expression.id:
                    result = (
                        self._layer(result, expression) if result in names_of("short") else result
                    )
                self.names[name] = result
                self._add(name, result)
            # a line that ends in a comma, or layers as a list
            case ast.Expr(ast.Tuple(elements) | ast.List(elements)) if elements:
                for element in elements:
                    self._add("", self._value(element))
            case ast.Expr(ast.Constant()) | ast.Pass():
                pass
            case ast.Expr(expression):
                result = self._value(expression)
                if isinstance(expression, ast.Name) and isinstance(result, str):
                    result = self._layer(result, expression)
                self._add("", result)
            case node:
                raise SpecError(f"{excerpt(node)} is not read here")

    def _add(self, name: str, result: object) -> None:
        if isinstance(result, Leaf | Chain | Fork):
            self.parts[id(result)] = name, result
            self.added.append((name, result))

    def _value(self, node: ast.expr) -> object:
        self._depth += 1
        self._steps += 1
        if self._depth > MAX_DEPTH:
            raise SpecError(f"the text is nested more than {MAX_DEPTH} deep")
        if self._steps > MAX_STEPS:
            raise SpecError(f"the text takes more than {MAX_STEPS:,} steps to read")
        result = self._meaning(node)
        self._depth -= 1
        return result

    def _meaning(self, node: ast.expr) -> object:
        match node:
            case ast.Constant(value):
                return value
            case ast.Name(name):
                return self.names.get(name, name)
            case ast.Tuple(elements):
                return tuple(map(self._value, elements))
            case ast.List(elements):
                return list(map(self._value, elements))
            case ast.Call(ast.Name(name)) | ast.Call(ast.Attribute(ast.Name(), name)):
                try:
                    return self._call(name, node)
                except SpecError:
                    self.blamed = self.blamed or node
                    raise
            case ast.UnaryOp(op, operand):
                return negated(op, self._value(operand), node)
            case ast.BinOp(left, op, right):
                return arithmetic(op, self._value(left), self._value(right), node)
        raise SpecError(f"{excerpt(node)} is not read here")

    def _call(self, name: str, node: ast.Call) -> object:
        args: list[object] = []
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                items = self._value(argument.value)
                if not isinstance(items, list | tuple) or isinstance(items, Leaf | Chain | Fork):
                    raise SpecError(f"{excerpt(argument)} is not a known list")
                args += items
            else:
                args.append(self._value(argument))
        options: dict[str, object] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise SpecError(f"** in {excerpt(node)} is not read here")
            options[keyword.arg] = self._value(keyword.value)
        if name == "input":
            shape = named_shape(args)
            if self.input is not None and (self.parts or shape != self.input):
                raise SpecError("a second input is not read here; only networks with one input are")
            self.input = shape
            return None
        if name in notation.BLOCKS:
            args = [self._branch(items, node) for items in args]
            options = {key: self._branch(items, node) for key, items in options.items()}
            return checked(notation.BLOCKS[name], name, args, options)
        return self._layer(name, node, args, options)

    def _layer(
        self,
        name: str,
        node: ast.expr,
        args: Sequence[object] = (),
        options: dict[str, object] | None = None,
    ) -> Leaf:
        assert self._line is not None
        record = self._vocabulary.layer(name, list(args), options or {})
        return Leaf(record, "", self._line.where(node))

    def _branch(self, items: object, node: ast.expr) -> object:
        """A list of layers, in which a word is a layer without arguments: `[conv(8, 3), relu]`."""
        if isinstance(items, list):
            items = [self._layer(item, node) if isinstance(item, str) else item for item in items]
        for item in items if isinstance(items, list) else [items]:
            self.parts.pop(id(item), None)  # layers in a block are not lines of their own
        return items


def read_layer_calls(lines: Sequence[Line]) -> tuple[Network, Shape | None]:
    """The network that lines of the notation describe, and its input where they name it."""
    reader = LayerCalls({})
    for line in lines:
        try:
            reader.statement(line)
        except SpecError as error:
            location = line.span(reader.blamed or line.node)
            raise SpecError(f"{error}\n{pointed(location)}") from None
    builder = Builder()
    chain(builder, list(reader.parts.values()))
    return builder.network(), reader.input


def chain(builder: Builder, parts: Sequence[tuple[str, Part]]) -> None:
    """Append named parts in order; a single part does not use its name."""
    counts = Counter(name for name, _ in parts if name)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise SpecError(f"{brief(twice[0])} names two layers")
    value = INPUT
    for name, part in parts:
        value = builder.append(part, value, called=name if len(parts) > 1 else "")
