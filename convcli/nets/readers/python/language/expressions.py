"""Expressions of a model file → values."""

import ast
from collections.abc import Callable
from typing import Any

from convcli.callsyntax import excerpt
from convcli.errors import SpecError
from convcli.nets.readers.python.language.limits import MOST_ITEMS, blamed
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Deferred,
    Frame,
    Function,
    Halt,
    Raised,
    Tensor,
    Unknown,
)
from convcli.nets.readers.python.language.operators import Operators


class Expressions(Operators):
    """Evaluates the syntax tree of expressions, a closed set of them."""

    # what the classes derived from this one give
    resolved: Callable[[dict[str, Any], str], Any]
    global_name: Callable[[str, Frame], Any]
    assign: Callable[[ast.expr, Any, Frame], None]
    superior: Callable[[ast.Call, Frame], Any]
    iterator: Callable[[list[Any]], Any]
    formatted: Callable[[Any, str], str]
    tensor_unary: Callable[[str, Tensor], Any]

    def evaluate(self, node: ast.expr, frame: Frame) -> Any:
        self.steps += 1
        if not self.steps & 1023:
            self.tick(0)
        method = EVALUATE.get(type(node))
        if method is None:
            raise blamed(Halt(f"{excerpt(node)} is not read here"), frame.file, node)
        return method(self, node, frame)

    def _constant(self, node: ast.Constant, frame: Frame) -> Any:
        return node.value

    def _name(self, node: ast.Name, frame: Frame) -> Any:
        return self.look_up(node.id, frame)

    def look_up(self, name: str, frame: Frame) -> Any:
        """The value of a name, from the inside out."""
        if name in frame.names:
            found = frame.names[name]
            return self.resolved(frame.names, name) if type(found) is Deferred else found
        around = frame.around
        while around is not None:
            if name in around.names:
                found = around.names[name]
                return self.resolved(around.names, name) if type(found) is Deferred else found
            around = around.around
        found = self.global_name(name, frame)
        if found is MISSING:
            raise Raised("NameError", f"{name!r} is not defined")
        return found

    def _tuple(self, node: ast.Tuple, frame: Frame) -> Any:
        return tuple(self._elements(node.elts, frame))

    def _list(self, node: ast.List, frame: Frame) -> Any:
        return self._elements(node.elts, frame)

    def _set(self, node: ast.Set, frame: Frame) -> Any:
        return {self.key(one) for one in self._elements(node.elts, frame)}

    def _elements(self, nodes: list[ast.expr], frame: Frame) -> list[Any]:
        found: list[Any] = []
        for one in nodes:
            if isinstance(one, ast.Starred):
                found += self.listed(self.evaluate(one.value, frame))
            else:
                found.append(self.evaluate(one, frame))
        if len(found) > 1000:
            self.sized(found)
        return found

    def _dict(self, node: ast.Dict, frame: Frame) -> Any:
        found: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            made = self.evaluate(value, frame)
            if key is not None:
                found[self.key(self.evaluate(key, frame))] = made
            elif isinstance(made, dict):
                found |= made
            else:
                raise Halt(f"{excerpt(value)} is not a dict that is known here")
        return self.sized(found)

    def _attribute(self, node: ast.Attribute, frame: Frame) -> Any:
        owner = self.evaluate(node.value, frame)
        try:
            return self.attribute(owner, node.attr)
        except SpecError as error:
            raise blamed(error, frame.file, node) from None

    def _subscript(self, node: ast.Subscript, frame: Frame) -> Any:
        owner = self.evaluate(node.value, frame)
        index = self.evaluate(node.slice, frame)
        try:
            return self.placed(node, frame, self.item, owner, index)
        except SpecError as error:
            raise blamed(error, frame.file, node) from None

    def _slice(self, node: ast.Slice, frame: Frame) -> Any:
        ends = (node.lower, node.upper, node.step)
        values = [self.evaluate(end, frame) if end else None for end in ends]
        for one in values:
            if isinstance(one, Unknown):
                raise self.unknown(one, node)
            if not isinstance(one, int | None):
                raise Raised("TypeError", "the ends of a slice are whole numbers")
        return slice(*values)

    def _unary(self, node: ast.UnaryOp, frame: Frame) -> Any:
        value = self.evaluate(node.operand, frame)
        if isinstance(node.op, ast.Not):
            try:
                return not self.truth(value)
            except SpecError as error:
                raise blamed(error, frame.file, node) from None
        if isinstance(value, Unknown):
            return value
        if isinstance(value, Tensor):
            return self.tensor_unary(type(node.op).__name__.lower(), value)
        if isinstance(value, int | float):
            if isinstance(node.op, ast.USub):
                return -value
            if isinstance(node.op, ast.UAdd):
                return +value
            if isinstance(value, int):
                return ~int(value)
        raise blamed(Halt(f"{excerpt(node)} is not read here"), frame.file, node)

    def _binary(self, node: ast.BinOp, frame: Frame) -> Any:
        left, right = self.evaluate(node.left, frame), self.evaluate(node.right, frame)
        try:
            return self.placed(node, frame, self.operate, type(node.op), left, right)
        except SpecError as error:
            raise blamed(error, frame.file, node) from None

    def _compare(self, node: ast.Compare, frame: Frame) -> Any:
        left, result = self.evaluate(node.left, frame), True
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(comparator, frame)
            try:
                result = self.placed(node, frame, self.compare, type(op), left, right)
                if len(node.ops) == 1:
                    return result
                if not self.truth(result):
                    return False
            except SpecError as error:
                raise blamed(error, frame.file, node) from None
            left = right
        return result

    def _boolean(self, node: ast.BoolOp, frame: Frame) -> Any:
        stops = isinstance(node.op, ast.Or)
        unknown: Any = None
        for one in node.values:
            value = self.evaluate(one, frame)
            if isinstance(value, Unknown):
                unknown = value  # `unknown and False` is False all the same
                continue
            try:
                decided = self.truth(value) is stops
            except SpecError as error:
                raise blamed(error, frame.file, one) from None
            if decided:
                if unknown is not None and self.truth(value):
                    return unknown if not isinstance(value, bool) else value
                return value
        return value if unknown is None else unknown

    def _conditional(self, node: ast.IfExp, frame: Frame) -> Any:
        branch = node.body if self.condition(node.test, frame) else node.orelse
        return self.evaluate(branch, frame)

    def condition(self, node: ast.expr, frame: Frame) -> bool:
        """Whether a test holds; the refusal of one that is not known points at it."""
        try:
            return self.truth(self.evaluate(node, frame))
        except SpecError as error:
            raise blamed(error, frame.file, node) from None

    def _lambda(self, node: ast.Lambda, frame: Frame) -> Any:
        return self.function(node, "lambda", frame)

    def function(self, node: ast.FunctionDef | ast.Lambda, name: str, frame: Frame) -> Function:
        """The function that a definition makes where it stands."""
        defaults = [self.evaluate(one, frame) for one in node.args.defaults]
        named = [
            MISSING if one is None else self.evaluate(one, frame) for one in node.args.kw_defaults
        ]
        around: Frame | None = frame
        if frame.cls is not None and frame.names is frame.cls.names:
            around = frame.around  # methods do not see the names of their class
        return Function(node, name, frame.file, around, defaults, named)

    def _comprehension(self, node: Any, frame: Frame) -> Any:
        found: list[Any] = []
        # evaluated at once: a generator here has no life of its own
        self._loops(node.generators, 0, Frame(frame.file, {}, frame), node, found)
        if isinstance(node, ast.DictComp):
            return dict(found)
        return set(found) if isinstance(node, ast.SetComp) else found

    def _loops(
        self, loops: list[ast.comprehension], place: int, frame: Frame, node: Any, found: list[Any]
    ) -> None:
        if place == len(loops):
            if isinstance(node, ast.DictComp):
                key = self.key(self.evaluate(node.key, frame))
                found.append((key, self.evaluate(node.value, frame)))
            else:
                made = self.evaluate(node.elt, frame)
                found.append(self.key(made) if isinstance(node, ast.SetComp) else made)
            if len(found) > MOST_ITEMS:
                raise Halt(f"a comprehension gives more than {MOST_ITEMS:,} items")
            return
        loop = loops[place]
        items = self.evaluate(loop.iter, frame)
        try:
            for item in self.iterate(items):
                self.assign(loop.target, item, frame)
                if all(self.condition(test, frame) for test in loop.ifs):
                    self._loops(loops, place + 1, frame, node, found)
        except SpecError as error:
            raise blamed(error, frame.file, loop.iter) from None

    def _generator(self, node: ast.GeneratorExp, frame: Frame) -> Any:
        return self.iterator(self._comprehension(node, frame))

    def _formatted(self, node: ast.JoinedStr, frame: Frame) -> Any:
        parts = []
        for one in node.values:
            if isinstance(one, ast.FormattedValue):
                value = self.evaluate(one.value, frame)
                if isinstance(value, Unknown):
                    return value.outcome()
                if one.conversion == ord("r"):
                    value = self.written(value)
                spec = self.evaluate(one.format_spec, frame) if one.format_spec else ""
                parts.append(self.formatted(value, spec))
            else:
                parts.append(str(self.evaluate(one, frame)))
        return self.sized("".join(parts))

    def _named(self, node: ast.NamedExpr, frame: Frame) -> Any:
        value = self.evaluate(node.value, frame)
        self.assign(node.target, value, frame)
        return value

    def _called(self, node: ast.Call, frame: Frame) -> Any:
        file = frame.file
        try:
            if isinstance(node.func, ast.Name):
                if node.func.id == "super":
                    return self.superior(node, frame)
                if node.func.id in ("locals", "globals") and not node.args:
                    names = frame.names if node.func.id == "locals" else frame.file.names
                    return {key: self.look_up(key, frame) for key in names}
            function = self.evaluate(node.func, frame)
            args = self._elements(node.args, frame)
            options: dict[str, Any] = {}
            for keyword in node.keywords:
                value = self.evaluate(keyword.value, frame)
                if keyword.arg is not None:
                    options[keyword.arg] = value
                elif isinstance(value, dict) and all(isinstance(key, str) for key in value):
                    options |= value
                else:
                    raise Halt(f"** in {excerpt(node)} is not a dict that is known here")
            return self.placed(node, frame, self.call, function, args, options)
        except SpecError as error:
            raise blamed(error, file, node) from None

    def placed(self, node: ast.AST, frame: Frame, method: Callable[..., Any], *values: Any) -> Any:
        """What a method of this reader gives; what it lays out stands at the place of a node."""
        site, self.site = self.site, (frame.file, node)
        made = method(*values)
        self.site = site
        return made

    def _yielded(self, node: ast.Yield, frame: Frame) -> Any:
        around: Frame | None = frame
        while around is not None and around.yielded is None:
            around = around.around
        if around is None or around.yielded is None:
            raise blamed(Halt("yield outside of a function"), frame.file, node)
        around.yielded.append(self.evaluate(node.value, frame) if node.value else None)
        self.sized(around.yielded)
        return None

    site: Any = None
    """The file and the call or operator being read: the place of what is laid out there."""


EVALUATE: dict[type[ast.expr], Callable[..., Any]] = {
    ast.Constant: Expressions._constant,
    ast.Name: Expressions._name,
    ast.Tuple: Expressions._tuple,
    ast.List: Expressions._list,
    ast.Set: Expressions._set,
    ast.Dict: Expressions._dict,
    ast.Attribute: Expressions._attribute,
    ast.Subscript: Expressions._subscript,
    ast.Slice: Expressions._slice,
    ast.UnaryOp: Expressions._unary,
    ast.BinOp: Expressions._binary,
    ast.Compare: Expressions._compare,
    ast.BoolOp: Expressions._boolean,
    ast.IfExp: Expressions._conditional,
    ast.Lambda: Expressions._lambda,
    ast.ListComp: Expressions._comprehension,
    ast.SetComp: Expressions._comprehension,
    ast.DictComp: Expressions._comprehension,
    ast.GeneratorExp: Expressions._generator,
    ast.JoinedStr: Expressions._formatted,
    ast.NamedExpr: Expressions._named,
    ast.Call: Expressions._called,
    ast.Yield: Expressions._yielded,
}
"""All the expressions there are here; any other is refused with its text."""
