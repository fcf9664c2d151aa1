"""Expressions, calls and classes of a network's text: what they give, and the nodes they lay.

A closed set of meanings over the syntax tree: nothing is run. What is not understood is a
SpecError, whose place is that of the innermost call.
"""

import ast
from typing import Any

from convcli.callsyntax import arithmetic, excerpt, negated, shown
from convcli.errors import SpecError
from convcli.nets.layers import Merge
from convcli.nets.readers.fragments import Line
from convcli.nets.readers.laying import Laying
from convcli.nets.readers.objects import (
    PARTS,
    Batch,
    Graph,
    Module,
    Stack,
    Tensor,
    Unknown,
    forward_of,
    is_tensor,
    methods_of,
    tensors_of,
)
from convcli.nets.readers.vocabulary import notation
from convcli.nets.readers.vocabulary.registry import (
    UNREAD_OPTIONS,
    checked,
)

SKIPPED = {"compile", "fit", "summary", "evaluate", "print", "build", "super", "__init__"} | {
    "_log_api_usage_once"
}
"""Calls that stand around a model and say nothing about its layers."""

CALL_OPTIONS = {"training", "mask", "inplace"}
"""Options of a call on a tensor that change nothing here."""

UNMOVED = {"to", "cuda", "cpu", "eval", "train", "double", "half", "float"}
"""Methods that give the same module, elsewhere or in another state."""

ABOUT_TENSORS = {"size", "dim", "numel", "item", "backward"}
"""Methods of a tensor that give no tensor."""

INPUTS = {"Input", "InputLayer", "input"}
RANDOM = {"randn", "rand", "zeros", "ones", "empty", "normal", "uniform"}
"""What makes an example input in a framework's documentation."""

DEEPEST = 150
"""Expressions inside expressions; methods count ten."""

MOST_STEPS = 4_000_000
"""Expressions that are looked at: twice what the longest network takes."""


class Expressions(Laying):
    """Reads expressions and lays the layers they apply out as nodes."""

    def __init__(self, dialect: str = "") -> None:
        super().__init__(dialect)
        self.names: dict[str, Any] = {}
        self._classes: dict[str, Line] = {}
        self._functions: dict[str, Line] = {}
        self._globals: dict[str, Any] = self.names
        self._last: Tensor | None = None
        self._outputs: tuple[Tensor, ...] = ()
        self._blamed: ast.AST | None = None
        self._depth = 0
        self._steps = 0

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
            case ast.Subscript(
                ast.Attribute(value, "shape") | ast.Call(ast.Attribute(value, "size"), []),
                ast.Constant(0),
            ):
                if isinstance(self._expression(value), Tensor):
                    return Batch()
            case ast.Subscript(value, index):
                held = self._expression(value)
                if isinstance(held, Unknown):
                    return Unknown(f"{held}[…]")
                if type(held) in (tuple, list):
                    return self._item(held, index, node)
        raise SpecError(f"{excerpt(node)} is not read here")

    def _item(self, held: Any, index: ast.expr, node: ast.expr) -> Any:
        """One or some of a list's values, by numbers that are known."""
        if isinstance(index, ast.Slice):
            ends = [self._expression(end) if end else None for end in (index.lower, index.upper)]
            if index.step is None and all(isinstance(end, int | None) for end in ends):
                return held[ends[0] : ends[1]]
        else:
            place = self._expression(index)
            if isinstance(place, int) and -len(held) <= place < len(held):
                return held[place]
        raise SpecError(f"{excerpt(node)} is not read here")

    def _binary(self, op: ast.operator, left: Any, right: Any, node: ast.expr) -> Any:
        if isinstance(left, Tensor) and isinstance(right, Tensor):
            joins = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply"}
            if type(op) in joins:
                return self._join(Merge(joins[type(op)]), (left, right))
        # a scaled or shifted tensor has the same shape
        if isinstance(left, Tensor) and isinstance(right, int | float):
            return left
        if isinstance(right, Tensor) and isinstance(left, int | float):
            return right
        return arithmetic(op, left, right, node)

    def _attribute(self, node: ast.Attribute) -> Any:
        owner = self._owner(node.value)
        if isinstance(owner, Module):
            if node.attr == "training":
                return False  # a model that is looked at is not in training
            if node.attr not in owner.members:
                raise SpecError(f"{excerpt(node)} was never assigned")
            return owner.members[node.attr]
        if isinstance(owner, Unknown):
            return Unknown(f"{owner}.{node.attr}")
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
        args = self._arguments(node)
        options: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise SpecError(f"** in {excerpt(node)} is not read here")
            if keyword.arg.endswith(UNREAD_OPTIONS):
                options[keyword.arg] = Unknown(keyword.arg)
            else:
                options[keyword.arg] = self._expression(keyword.value)
        if isinstance(target, ast.Call):
            return self._applied(self._expression(target), args, options)
        if isinstance(target, ast.Name) and isinstance(self.names.get(name), PARTS):
            return self._applied(self.names[name], args, options)
        if isinstance(target, ast.Name) and isinstance(self.names.get(name), Unknown | Graph):
            called = isinstance(self.names[name], Graph)
            what = "a model that is called like a layer" if called else name
            raise SpecError(f"{what} is not read here")
        if isinstance(target, ast.Attribute):
            owner = self._owner(target.value)
            if owner is not None:
                return self._method(owner, name, args, options, target)
        elif not name:
            raise SpecError(f"{excerpt(node)} is not read here")
        return self._named_call(name, args, options, node)

    def _arguments(self, node: ast.Call) -> list[Any]:
        args: list[Any] = []
        for one in node.args:
            if isinstance(one, ast.Starred):
                many = self._expression(one.value)
                if type(many) not in (list, tuple):
                    raise SpecError(f"{excerpt(one)} is not a list that is known here")
                args += many
            else:
                args.append(self._expression(one))
        return args

    def _applied(
        self, made: Any, args: list[Any], options: dict[str, Any], name: str = ""
    ) -> Tensor:
        """A layer called on tensors; an option that could change its output is not passed over."""
        for option in options.keys() - CALL_OPTIONS:
            raise SpecError(f"{option}= in the call of a layer is not read here")
        for one in args:
            if isinstance(one, Unknown):
                raise SpecError(f"a layer is called on {one}, which is not known here")
        return self._apply(made, tensors_of(args), name)

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
                return self._applied(owner.members[name], args, options, name)
            if name in owner.methods:
                return self._run(owner, name, args, options)
            raise SpecError(f"{excerpt(node)} was never assigned")
        if isinstance(owner, Tensor):
            if name in ABOUT_TENSORS:
                return Batch() if args[:1] == [0] else Unknown(f"{name}()")
            return self._function(name, [owner, *args], options)
        if isinstance(owner, Unknown):
            return Unknown(f"{owner}.{name}()")
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
            self._outputs = tensors_of([outputs])
            if self._outputs:
                self._last = self._outputs[-1]
            return Graph(self._outputs)
        if name.endswith("Loss"):
            return Unknown(name)
        if name in self._classes:
            return self._construct(name, args, options)
        if name in self._functions:
            line = self._functions[name]
            assert isinstance(line.node, ast.FunctionDef)
            return self._run_body(line.node, line, args, options)
        if args and is_tensor(args[0]):
            return self._function(name, args, options)
        if name in notation.BLOCKS:
            args = [self._branch(one, node) for one in args]
            options = {key: self._branch(one, node) for key, one in options.items()}
            return checked(notation.BLOCKS[name], name, args, options)
        return self._leaf(name, args, options, node)

    def _apply(self, made: Any, tensors: tuple[Tensor, ...], name: str = "") -> Tensor:
        self._consume(made)
        if isinstance(made, Stack):
            made = made.part()
        if not tensors or not isinstance(made, PARTS):
            raise SpecError(f"{shown(made)} is called on something that is not a tensor")
        if isinstance(made, Module):
            return self._forward(made, tensors, name)
        assert not isinstance(made, Stack)
        return self._lay(made, tensors, name)

    # -- classes ----------------------------------------------------------------------------

    def _construct(self, name: str, args: list[Any], options: dict[str, Any]) -> Module:
        line = self._classes[name]
        made = Module({}, methods_of(line.node), line)
        if "__init__" in made.methods:
            self._run(made, "__init__", args, options)
        return made

    def _forward(self, module: Module, tensors: tuple[Tensor, ...], name: str) -> Tensor:
        outer, self._scope = self._scope, f"{self._scope}{name}." if name else self._scope
        result = self._run(module, forward_of(module.methods), list(tensors), {})
        self._scope = outer
        if not isinstance(result, Tensor):
            raise SpecError("forward gives something that is not one tensor")
        return result

    def _run(self, module: Module, name: str, args: list[Any], options: dict[str, Any]) -> Any:
        if name not in module.methods:
            raise SpecError("a class without forward or call is applied")
        return self._run_body(module.methods[name], module.line, [module, *args], options)

    def _run_body(
        self, function: ast.FunctionDef, line: Line, args: list[Any], options: dict[str, Any]
    ) -> Any:
        """What a function or method returns, its names on top of those of the whole text."""
        self._depth += 10
        if self._depth > DEEPEST:
            raise SpecError("methods call each other without end")
        outer, outer_line = self.names, self._line
        parameters = [one.arg for one in function.args.args]
        defaults = dict(zip(reversed(parameters), reversed(function.args.defaults), strict=False))
        own = {name: self._expression(default) for name, default in defaults.items()}
        own |= dict(zip(parameters, args, strict=False)) | options
        self.names = {**self._globals, **own}
        result = None
        for statement in function.body:
            self._line = line.at(statement)
            if isinstance(statement, ast.Return):
                result = self._expression(statement.value) if statement.value else None
                break
            self._statement(statement)
        self.names, self._line, self._depth = outer, outer_line, self._depth - 10
        return result

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign([ast.Name(name)], expression) | ast.AnnAssign(
                ast.Name(name), _, ast.expr() as expression
            ):
                self.names[name] = self._expression(expression)
            case ast.Assign([ast.Attribute(ast.Name(owner), name)], expression) | ast.AnnAssign(
                ast.Attribute(ast.Name(owner), name), _, ast.expr() as expression
            ) if isinstance(self.names.get(owner), Module):
                self.names[owner].members[name] = self._expression(expression)
            case ast.AugAssign(ast.Name(name) as target, op, expression):
                left, right = self._expression(target), self._expression(expression)
                self.names[name] = self._binary(op, left, right, expression)
            case ast.Expr(ast.Constant()) | ast.Pass() | ast.Assert():
                pass
            case ast.Expr(expression):
                self._expression(expression)
            case _:
                raise SpecError(f"{excerpt(node)} is not read here")
