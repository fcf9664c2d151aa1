"""Layer lines, Keras models and simple `nn.Module` classes → Network: a small reader of syntax.

Nothing is run. Values are numbers, strings, tuples and lists of them, layers, and tensors, which
are known by the node that gives them. Statements are assignments, calls and `return`; what is not
understood is named with its line.
"""

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from convcli.calls import arithmetic, excerpt, negated, shown
from convcli.errors import SpecError
from convcli.nets.layers import Merge, Shape
from convcli.nets.network import INPUT, Builder, Chain, Fork, Leaf, Network, Part, pointed
from convcli.nets.readers import short
from convcli.nets.readers.syntax import Line
from convcli.nets.readers.values import count

VOCABULARIES = {"short": "short", "PyTorch": "torch", "Keras": "keras"}
"""Dialects in the order they are asked, and their modules, imported when a name asks for them."""

SKIPPED = {"compile", "fit", "summary", "evaluate", "print", "build", "super", "__init__"}
"""Calls that stand around a model and say nothing about its layers."""


class Tensor(NamedTuple):
    """A value of the network, known by the node that gives it."""

    node: str


class Batch(NamedTuple):
    """The number of images, as `x.size(0)` gives it."""


class Stack:
    """A `Sequential` that layers are still added to."""

    def __init__(self, items: Sequence[Part]) -> None:
        self.items = list(items)
        self.numbered = False

    def part(self) -> Chain:
        return Chain(tuple(self.items), "", self.numbered)


class Module(NamedTuple):
    """An object of a class of the text, with its members and its `forward`."""

    members: dict[str, Any]
    methods: dict[str, ast.FunctionDef]
    line: Line


PARTS = (Leaf, Chain, Fork, Stack, Module)
"""What can be called on a tensor."""

UNMOVED = {"to", "cuda", "cpu", "eval", "train", "double", "half", "float"}
"""Methods that give the same module, elsewhere or in another state."""

INPUTS = {"Input", "InputLayer", "input"}
INPUT_OPTIONS = {"input_shape", "batch_input_shape", "batch_shape", "input_dim"}
RANDOM = {"randn", "rand", "zeros", "ones", "empty", "normal", "uniform"}
"""What makes an example input in a framework's documentation."""

DEEPEST = 150
"""Expressions inside expressions; methods count ten."""

MOST_STEPS = 4_000_000
"""Expressions that are looked at: twice what the longest network takes."""


class Program:
    """Reads statements in order and lays the layers they apply out as nodes."""

    def __init__(self, dialect: str = "") -> None:
        self.builder = Builder()
        self.input: Shape | None = None
        self.used: Counter[str] = Counter()
        self.names: dict[str, Any] = {}
        self.form = "layer lines"
        self._keras = dialect == "Keras"
        self._classes: dict[str, Line] = {}
        self._scope = ""
        self._pending: dict[int, tuple[str, Any]] = {}
        self._last: Tensor | None = None
        self._outputs: tuple[Tensor, ...] = ()
        self._line: Line | None = None
        self._blamed: ast.AST | None = None
        self._depth = 0
        self._steps = 0

    # -- the text as a whole ----------------------------------------------------------------

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
        for line in lines:
            if not isinstance(line.node, ast.ClassDef):
                self._line = line
                self._top_statement(line.node)
        self._line = None
        if self._last is not None:
            self.form = "model"
            return self.builder.network(tuple(tensor.node for tensor in self._outputs))
        modules = [name for name, line in classes.items() if "forward" in _methods(line.node)]
        if modules and not self._pending:
            self._add_pending("", self._construct(_entry(modules, classes), [], {}))
            self.form = f"class {_entry(modules, classes)}"
        lines_left = list(self._pending.values())
        twice = [name for name, many in Counter(n for n, _ in lines_left if n).items() if many > 1]
        if twice:
            raise SpecError(f"{twice[0]!r:.60} names two layers")
        tensor = Tensor(INPUT)
        for name, made in lines_left:
            tensor = self._apply(made, (tensor,), name if len(lines_left) > 1 else "")
        return self.builder.network()

    def _top_statement(self, node: ast.stmt) -> None:
        match node:
            case (
                ast.Assign([ast.Name(name)], expression)
                | ast.Assign([ast.Attribute(ast.Name("self"), name)], expression)
                | ast.AnnAssign(ast.Name(name), _, ast.expr() as expression)
            ):
                self.names[name] = made = self._expression(expression)
                self._add_pending(name, made)
            case ast.Expr(ast.Tuple(elements)) if elements:  # a line that ends in a comma
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
            case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.FunctionDef():
                pass
            case _:
                raise SpecError(f"{excerpt(node)} is not read here")

    def _add_pending(self, name: str, made: Any) -> None:
        if isinstance(made, Tensor):
            self._last = made if made.node != INPUT else self._last
        elif isinstance(made, Leaf | Chain | Fork | Stack | Module):
            self._pending[id(made)] = name, made

    def _consume(self, made: Any) -> None:
        """A part that another one holds, or that is applied, is no line of its own."""
        self._pending.pop(id(made), None)

    # -- expressions ------------------------------------------------------------------------

    def _expression(self, node: ast.expr) -> Any:
        self._depth += 1
        self._steps += 1
        if self._depth > DEEPEST:
            raise SpecError(f"the text is nested more than {DEEPEST} deep")
        if self._steps > MOST_STEPS:
            raise SpecError(f"the text takes more than {MOST_STEPS:,} steps to read")
        try:
            return self._value(node)
        finally:
            self._depth -= 1

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value):
                return value
            case ast.Name(name):
                # an unknown name is a word such as `same`
                return self.names.get(name, name)
            case ast.Tuple(elements):
                return tuple(map(self._expression, elements))
            case ast.List(elements):
                return list(map(self._expression, elements))
            case ast.Call():
                return self._call(node)
            case ast.Attribute():
                return self._attribute(node)
            case ast.UnaryOp(op, operand):
                return negated(op, self._expression(operand), node)
            case ast.BinOp(left, op, right):
                return self._binary(op, self._expression(left), self._expression(right), node)
            case ast.Subscript(ast.Attribute(value, "shape"), ast.Constant(0)):
                if isinstance(self._expression(value), Tensor):
                    return Batch()
        raise SpecError(f"{excerpt(node)} is not read here")

    def _binary(self, op: ast.operator, left: Any, right: Any, node: ast.expr) -> Any:
        if isinstance(left, Tensor) and isinstance(right, Tensor):
            joins = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply"}
            if type(op) in joins:
                return self._join(Merge(joins[type(op)]), (left, right))
        if isinstance(left, Tensor) and isinstance(right, int | float):
            return left  # a scaled or shifted tensor has the same shape
        return arithmetic(op, left, right, node)

    def _attribute(self, node: ast.Attribute) -> Any:
        owner = self._owner(node.value)
        if isinstance(owner, Module):
            if node.attr not in owner.members:
                raise SpecError(f"{excerpt(node)} was never assigned")
            return owner.members[node.attr]
        if owner is None and node.attr in self.names:
            return self.names[node.attr]  # `self.conv1` of pasted lines
        return node.attr

    def _call(self, node: ast.Call) -> Any:
        try:
            return self._called(node)
        except SpecError:
            self._blamed = self._blamed or node  # the innermost call comes first
            raise

    def _called(self, node: ast.Call) -> Any:
        target = node.func
        name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
        if name in SKIPPED and not self._is_own(target, name):
            return None
        args = [self._expression(one) for one in node.args]
        options: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise SpecError(f"** in {excerpt(node)} is not read here")
            options[keyword.arg] = self._expression(keyword.value)
        if isinstance(target, ast.Call):
            return self._apply(self._expression(target), _tensors(args))
        if isinstance(target, ast.Name) and isinstance(self.names.get(name), PARTS):
            return self._apply(self.names[name], _tensors(args))
        if isinstance(target, ast.Attribute):
            owner = self._owner(target.value)
            if owner is not None:
                return self._method(owner, name, args, options, target)
        elif not name:
            raise SpecError(f"{excerpt(node)} is not read here")
        return self._named_call(name, args, options, node)

    def _is_own(self, target: ast.expr, name: str) -> bool:
        """Whether a call is of a method that a class of the text has."""
        if not (isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)):
            return False
        held = self.names.get(target.value.id)
        return isinstance(held, Module) and name in held.methods

    def _owner(self, node: ast.expr) -> Any:
        """What a method is called on; None for a module's name such as nn, F or keras.layers."""
        root = node
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name) and root.id not in self.names:
            return None
        return self._expression(node)

    def _method(
        self, owner: Any, name: str, args: list[Any], options: dict[str, Any], node: ast.expr
    ) -> Any:
        """A call of something held: `self.conv1(x)`, `model.add(...)`, `x.view(...)`."""
        if isinstance(owner, Stack) and name == "add" and len(args) == 1:
            self._add_to(owner, args[0])
            return None
        if isinstance(owner, PARTS) and name in UNMOVED:
            return owner
        if isinstance(owner, Module):
            if name in owner.members:
                return self._apply(owner.members[name], _tensors(args), name)
            if name in owner.methods:
                return self._run(owner, name, args, options)
            raise SpecError(f"{excerpt(node)} was never assigned")
        if isinstance(owner, Tensor):
            return Batch() if name == "size" else self._function(name, [owner, *args], options)
        raise SpecError(f"{excerpt(node)} is not read here")

    def _named_call(
        self, name: str, args: list[Any], options: dict[str, Any], node: ast.expr
    ) -> Any:
        if name in INPUTS:
            return self._input(name, args, options)
        if name in RANDOM:
            return self._random(args, options)
        if name == "Sequential":
            return self._sequential(args, options)
        if name == "OrderedDict":
            return args[0] if args else []
        if name in ("Model", "Functional"):
            outputs = options.get("outputs", args[1] if len(args) > 1 else None)
            self._outputs = _tensors([outputs])
            return self._outputs[-1] if self._outputs else None
        if name in self._classes:
            return self._construct(name, args, options)
        if args and _is_tensor(args[0]):
            return self._function(name, args, options)
        if name in short.BLOCKS:
            args = [self._branch(one, node) for one in args]
            options = {key: self._branch(one, node) for key, one in options.items()}
            return self._checked(short.BLOCKS[name], name, args, options)
        return self._leaf(name, args, options, node)

    # -- layers -----------------------------------------------------------------------------

    def _branch(self, items: Any, node: ast.expr) -> Any:
        """A list of layers, in which a word is a layer without values: `[conv(8, 3), relu]`."""
        if not isinstance(items, list):
            return items
        made = [self._leaf(one, [], {}, node) if isinstance(one, str) else one for one in items]
        for one in made:
            self._consume(one)
        return made

    def layer(self, name: str, args: list[Any], options: dict[str, Any]) -> Any:
        """The record of a layer from its name and values."""
        known: list[str] = []
        if self._keras and name in _vocabulary("Keras", "SHARED"):
            self.used["Keras"] += 1
            return self._checked(_vocabulary("Keras", "SHARED")[name], name, args, options)
        for dialect in VOCABULARIES:
            layers = _vocabulary(dialect)
            if name in layers:
                # what both frameworks call alike is the one's whose text it stands in
                self.used["Keras" if self._keras and dialect == "PyTorch" else dialect] += 1
                return self._checked(layers[name], name, args, options)
            known += layers
        raise SpecError(f"{shown(name)} is no layer that is known here{_like(name, known)}")

    def _leaf(self, name: str, args: list[Any], options: dict[str, Any], node: ast.expr) -> Part:
        where = self._line.where(node) if self._line else None
        if not self._keras:
            return Leaf(self.layer(name, args, options), "", where)
        called = str(options.pop("name", ""))
        for key in INPUT_OPTIONS & options.keys():
            sizes = options.pop(key)
            self._set_input(sizes[1:] if key.startswith("batch") else sizes)
        from convcli.nets.readers.keras import function

        follows = None if name == "Activation" else function(options.pop("activation", None))
        layer = self.layer(name, args, options)
        if follows is None:
            return Leaf(layer, called, where)
        # the activation stands behind its layer, in a scope of the layer's name
        return Chain((Leaf(layer, "", where), Leaf(follows, "", where)), called)

    def _checked(
        self, build: Callable[..., Any], name: str, args: list[Any], options: dict[str, Any]
    ) -> Any:
        try:
            return build(*args, **options)
        except TypeError as error:
            from inspect import signature

            try:
                signature(build).bind(*args, **options)
            except TypeError as mismatch:
                takes = ", ".join(signature(build).parameters)
                raise SpecError(f"{name}: {mismatch}; it takes {takes}") from None
            raise SpecError(f"{name}: {error}") from None
        except SpecError as error:
            raise SpecError(f"{name}: {error}") from None
        except ValueError as error:
            raise SpecError(f"{name}: {error}") from None

    def _input(self, name: str, args: list[Any], options: dict[str, Any]) -> Any:
        if name == "input":
            self._set_input(tuple(args))
            return None
        batched = options.get("batch_shape", options.get("batch_input_shape"))
        sizes = options.get("shape", args[0] if args else options.get("input_shape", ()))
        self._set_input(batched[1:] if isinstance(batched, tuple | list) else sizes)
        return Tensor(INPUT)

    def _random(self, args: list[Any], options: dict[str, Any]) -> Tensor:
        """`torch.randn(20, 16, 50, 100)`: a batch of inputs, whose sizes are the input's."""
        sizes = args[0] if args and isinstance(args[0], tuple | list) else args
        people = list(sizes[1:])
        if not self._keras:
            people = people[1:] + people[:1]
        self._set_input(people)
        return Tensor(INPUT)

    def _set_input(self, sizes: Any) -> None:
        """Take the input's sizes, channels last."""
        people = tuple(sizes) if isinstance(sizes, tuple | list) else (sizes,)
        if not people or any(size is None for size in people):
            return  # sizes left open: the command line says them
        lengths = tuple(count(size, "an input size") for size in people)
        if len(lengths) > 4:
            raise SpecError(f"an input of {len(lengths)} axes is not read here")
        self.input = (lengths[-1], *lengths[:-1])

    def _sequential(self, args: list[Any], options: dict[str, Any]) -> Stack:
        items = [*args, *(options[key] for key in ("layers",) if key in options)]
        if len(items) == 1 and isinstance(items[0], list):
            items = items[0]
        stack = Stack([])
        for item in items:
            if type(item) is tuple and len(item) == 2 and isinstance(item[0], str):
                self._add_to(stack, item[1], item[0])  # of an OrderedDict
            else:
                self._add_to(stack, item)
        # PyTorch numbers what stands in a Sequential, Keras names it by type
        stack.numbered = not self._keras and "PyTorch" in self.used
        self.form = "model"
        return stack

    def _add_to(self, stack: Stack, item: Any, name: str = "") -> None:
        self._consume(item)
        if isinstance(item, Tensor):  # keras.Input stands first in a list of layers
            return
        if item is stack:
            raise SpecError("a Sequential cannot hold itself")
        made = item.part() if isinstance(item, Stack) else item
        if not isinstance(made, Leaf | Chain | Fork):
            raise SpecError(f"Sequential holds {shown(made)}, which is not a layer")
        stack.items.append(made._replace(name=name) if name else made)

    # -- applying ---------------------------------------------------------------------------

    def _apply(self, made: Any, tensors: tuple[Tensor, ...], name: str = "") -> Tensor:
        self._consume(made)
        if isinstance(made, Stack):
            made = made.part()
        if not tensors or not isinstance(made, PARTS):
            raise SpecError(f"{shown(made)} is called on something that is not a tensor")
        if isinstance(made, Module):
            return self._forward(made, tensors, name)
        if len(tensors) > 1 and isinstance(made, Leaf):
            return self._join(made.layer, tensors, name)
        assert not isinstance(made, Stack)
        return Tensor(self.builder.lay(made, tensors[0].node, self._scope, name))

    def _join(self, layer: Any, tensors: tuple[Tensor, ...], name: str = "") -> Tensor:
        where = self._line.where(self._line.node) if self._line else None
        leaf = Leaf(layer, name, where)
        return Tensor(self.builder.join(leaf, tuple(t.node for t in tensors), self._scope))

    def _function(self, name: str, args: list[Any], options: dict[str, Any]) -> Any:
        """`F.relu(x)`, `torch.flatten(x, 1)`, `x.view(-1, 400)`, `layers.add([x, y])`."""
        from convcli.nets.readers.functions import FUNCTIONS

        if name not in FUNCTIONS:
            hint = _like(name, FUNCTIONS)
            raise SpecError(f"{shown(name)} is no function that is known here{hint}")
        tensors, rest = _tensors(args[:1]), args[1:]
        while rest and isinstance(rest[0], Tensor):
            tensors, rest = (*tensors, rest[0]), rest[1:]
        layer = self._checked(FUNCTIONS[name], name, rest, options)
        if layer is None:
            return tensors[0]
        return self._join(layer, tensors)

    # -- classes ----------------------------------------------------------------------------

    def _construct(self, name: str, args: list[Any], options: dict[str, Any]) -> Module:
        line = self._classes[name]
        made = Module({}, _methods(line.node), line)
        if "__init__" in made.methods:
            self._run(made, "__init__", args, options)
        return made

    def _forward(self, module: Module, tensors: tuple[Tensor, ...], name: str) -> Tensor:
        outer, self._scope = self._scope, f"{self._scope}{name}." if name else self._scope
        result = self._run(module, "forward", list(tensors), {})
        self._scope = outer
        if not isinstance(result, Tensor):
            raise SpecError("forward gives something that is not one tensor")
        return result

    def _run(self, module: Module, name: str, args: list[Any], options: dict[str, Any]) -> Any:
        if name not in module.methods:
            raise SpecError(f"a class without {name} is called")
        self._depth += 10
        if self._depth > DEEPEST:
            raise SpecError("methods call each other without end")
        method, outer, outer_line = module.methods[name], self.names, self._line
        parameters = [one.arg for one in method.args.args]
        defaults = dict(zip(reversed(parameters), reversed(method.args.defaults), strict=False))
        self.names = {name: self._expression(default) for name, default in defaults.items()}
        self.names |= dict(zip(parameters, [module, *args], strict=False)) | options
        result = None
        for statement in method.body:
            self._line = module.line.at(statement)
            if isinstance(statement, ast.Return):
                result = self._expression(statement.value) if statement.value else None
                break
            self._statement(statement)
        self.names, self._line, self._depth = outer, outer_line, self._depth - 10
        return result

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign([ast.Name(name)], expression):
                self.names[name] = self._expression(expression)
            case ast.Assign([ast.Attribute(ast.Name(owner), name)], expression) if isinstance(
                self.names.get(owner), Module
            ):
                self.names[owner].members[name] = self._expression(expression)
            case ast.AugAssign(ast.Name(name) as target, op, expression):
                left, right = self._expression(target), self._expression(expression)
                self.names[name] = self._binary(op, left, right, expression)
            case ast.Expr(ast.Constant()) | ast.Pass():
                pass
            case ast.Expr(expression):
                self._expression(expression)
            case _:
                raise SpecError(f"{excerpt(node)} is not read here")


@cache
def _vocabulary(dialect: str, table: str = "LAYERS") -> dict[str, Callable[..., Any]]:
    module = import_module(f"convcli.nets.readers.{VOCABULARIES[dialect]}")
    layers: dict[str, Callable[..., Any]] = getattr(module, table)
    return layers


def _like(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name[:60], known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _methods(node: ast.stmt) -> dict[str, ast.FunctionDef]:
    body = node.body if isinstance(node, ast.ClassDef) else []
    return {one.name: one for one in body if isinstance(one, ast.FunctionDef)}


def _entry(modules: list[str], classes: dict[str, Line]) -> str:
    """The class a text is about: the last that no other class of it uses."""
    used = {
        name.id
        for line in classes.values()
        for name in ast.walk(line.node)
        if isinstance(name, ast.Name)
    }
    return ([name for name in modules if name not in used] or modules)[-1]


def _is_tensor(value: Any) -> bool:
    if type(value) in (tuple, list):
        return bool(value) and all(isinstance(one, Tensor) for one in value)
    return isinstance(value, Tensor)


def _tensors(args: Sequence[Any]) -> tuple[Tensor, ...]:
    """The tensors a call was given, out of one list of them if it was given that."""
    found: list[Tensor] = []
    for one in args:
        if isinstance(one, Tensor):
            found.append(one)
        elif _is_tensor(one):
            found += one
    return tuple(found)
