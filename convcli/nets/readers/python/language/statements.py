"""Statements of a model file: what they assign, where they branch, what they return."""

import ast
from collections.abc import Callable
from typing import Any

from convcli.callsyntax import excerpt, shown
from convcli.errors import SpecError
from convcli.nets.readers.python.language.definitions import Definitions
from convcli.nets.readers.python.language.limits import MOST_ITEMS, blamed
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Class,
    Deferred,
    Frame,
    Function,
    Halt,
    Iterating,
    Library,
    Object,
    Raised,
    Tensor,
    Unknown,
)


class Leave(Exception):
    """The way out of a loop or a function."""


class Break(Leave):
    pass


class Continue(Leave):
    pass


class Return(Leave):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Statements(Definitions):
    """Runs statements through their syntax tree, a closed set of them."""

    # what the classes derived from this one give
    fill_tensor: Callable[[Tensor, Any], None]
    module: Callable[[str, int, Frame], "Library | Any"]
    import_all: Callable[[str, int, Frame], None]

    _handled: Raised | None = None
    """The exception whose `except` is being read, for a `raise` alone."""

    def execute(self, body: list[ast.stmt], frame: Frame) -> Any:
        """What a function's body returns."""
        try:
            self.block(body, frame)
        except Return as result:
            return result.value
        return None

    def block(self, body: list[ast.stmt], frame: Frame) -> None:
        for node in body:
            self.tick()
            method = EXECUTE.get(type(node))
            try:
                if method is None:
                    raise Halt(f"{excerpt(node)} is not read here")
                method(self, node, frame)
            except SpecError as error:
                raise blamed(error, frame.file, node) from None
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                # values that no table foresaw: refused with the line, as all that is not known
                text = f"{excerpt(node)} is not read here: {error}"
                raise Halt(text[:300], frame.file.where(node)) from error

    def _expression_statement(self, node: ast.Expr, frame: Frame) -> None:
        if not isinstance(node.value, ast.Constant):
            self.evaluate(node.value, frame)

    def _assign(self, node: ast.Assign, frame: Frame) -> None:
        value = self.evaluate(node.value, frame)
        for target in node.targets:
            self.assign(target, value, frame)

    def _annotated(self, node: ast.AnnAssign, frame: Frame) -> None:
        if node.value is not None:
            self.assign(node.target, self.evaluate(node.value, frame), frame)

    def assign(self, target: ast.expr, value: Any, frame: Frame) -> None:
        """`target = value`, of every form."""
        if isinstance(target, ast.Name):
            self.names_of(target.id, frame)[target.id] = value
        elif isinstance(target, ast.Attribute):
            self.set_attribute(self.evaluate(target.value, frame), target.attr, value)
        elif isinstance(target, ast.Subscript):
            owner = self.evaluate(target.value, frame)
            self.set_item(owner, self.evaluate(target.slice, frame), value)
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target, value, frame)
        else:
            raise Halt(f"an assignment to {excerpt(target)} is not read here")

    def _unpack(self, target: ast.Tuple | ast.List, value: Any, frame: Frame) -> None:
        if isinstance(value, Unknown):
            for one in target.elts:
                one = one.value if isinstance(one, ast.Starred) else one
                self.assign(one, value.outcome(), frame)
            return
        items = self.listed(value)
        wanted = target.elts
        star = next((i for i, one in enumerate(wanted) if isinstance(one, ast.Starred)), None)
        if star is None:
            if len(items) != len(wanted):
                raise Raised(
                    "ValueError", f"{len(items)} values are unpacked into {len(wanted)} names"
                )
        else:
            after = len(wanted) - star - 1
            if len(items) < len(wanted) - 1:
                raise Raised("ValueError", f"{len(items)} values are too few to unpack")
            items = [*items[:star], items[star : len(items) - after], *items[len(items) - after :]]
        for one, item in zip(wanted, items, strict=True):
            self.assign(one.value if isinstance(one, ast.Starred) else one, item, frame)

    def set_item(self, owner: Any, index: Any, value: Any) -> None:
        """`owner[index] = value`."""
        if isinstance(owner, dict):
            owner[self.key(index)] = value
            self.sized(owner)
            holder = getattr(owner, "owner", None)
            if holder is not None:  # `self._modules[name] = layer`
                self.set_attribute(holder, index, value)
        elif isinstance(owner, list):
            if isinstance(index, Unknown):
                raise self.unknown(index)
            try:
                owner[index] = self.listed(value) if isinstance(index, slice) else value
            except (IndexError, TypeError, ValueError) as error:
                raise Raised(type(error).__name__, str(error)) from None
            self.sized(owner)
        elif isinstance(owner, Tensor):
            self.fill_tensor(owner, value)
        elif isinstance(owner, Object) and owner.cls.find("__setitem__") is not MISSING:
            self.call(self.attribute(owner, "__setitem__"), [index, value], {})
        elif not isinstance(owner, Unknown):
            raise Raised("TypeError", f"{self.describe(owner)} takes no items")

    def _augmented(self, node: ast.AugAssign, frame: Frame) -> None:
        target: Any = node.target
        held = self.evaluate(target, frame)
        value = self.evaluate(node.value, frame)
        if isinstance(node.op, ast.Add) and isinstance(held, Object):
            method = "__iadd__" if held.cls.find("__iadd__") is not MISSING else "__add__"
            made: Any = self.call(self.attribute(held, method), [value], {})
        elif isinstance(held, list) and isinstance(node.op, ast.Add):
            more = self.listed(value)
            if len(held) + len(more) > MOST_ITEMS:
                raise Halt(f"a list grows beyond {MOST_ITEMS:,} items")
            held += more
            made = held
        else:
            made = self.placed(node, frame, self.operate, type(node.op), held, value)
        self.assign(target, made, frame)

    def _if(self, node: ast.If, frame: Frame) -> None:
        self.block(node.body if self.condition(node.test, frame) else node.orelse, frame)

    def _for(self, node: ast.For, frame: Frame) -> None:
        items = self.evaluate(node.iter, frame)
        try:
            for item in self.iterate(items):
                self.assign(node.target, item, frame)
                try:
                    self.block(node.body, frame)
                except Continue:
                    continue
        except Break:
            return
        self.block(node.orelse, frame)

    def _while(self, node: ast.While, frame: Frame) -> None:
        try:
            while self.condition(node.test, frame):
                self.tick()
                try:
                    self.block(node.body, frame)
                except Continue:
                    continue
        except Break:
            return
        self.block(node.orelse, frame)

    def _return(self, node: ast.Return, frame: Frame) -> None:
        raise Return(self.evaluate(node.value, frame) if node.value else None)

    def _break(self, node: ast.Break, frame: Frame) -> None:
        raise Break

    def _continue(self, node: ast.Continue, frame: Frame) -> None:
        raise Continue

    def _pass(self, node: ast.stmt, frame: Frame) -> None:
        pass

    def _assert(self, node: ast.Assert, frame: Frame) -> None:
        held = self.evaluate(node.test, frame)
        if isinstance(held, Unknown | Tensor) or self.truth(held):
            return
        message = self.evaluate(node.msg, frame) if node.msg else ""
        text = self.text(message)[:200] if message else excerpt(node.test)
        raise Raised("AssertionError", text)

    def _raise(self, node: ast.Raise, frame: Frame) -> None:
        if node.exc is None:
            raise self._handled or Raised("RuntimeError", "there is no exception to raise again")
        made = self.evaluate(node.exc, frame)
        values = made.attrs.get("args", ()) if isinstance(made, Object) else ()
        cls = made.cls if isinstance(made, Object) else made
        message = self.text(values[0])[:200] if values else ""
        raised = Raised(cls.name if isinstance(cls, Class) else self.describe(made), message)
        raised.cls = cls if isinstance(cls, Class) else None
        raise raised

    def _try(self, node: ast.Try, frame: Frame) -> None:
        site, depth = self.site, self.depth
        try:
            try:
                self.block(node.body, frame)
            except Raised as error:
                self.site, self.depth = site, depth
                handler = next(
                    (one for one in node.handlers if self._catches(one, error, frame)), None
                )
                if handler is None:
                    raise
                if handler.name:
                    frame.names[handler.name] = str(error)
                before, self._handled = self._handled, error
                try:
                    self.block(handler.body, frame)
                finally:
                    self._handled = before
            else:
                self.block(node.orelse, frame)
        finally:
            self.site, self.depth = site, depth
        self.block(node.finalbody, frame)

    def _catches(self, handler: ast.ExceptHandler, error: Raised, frame: Frame) -> bool:
        if handler.type is None:
            return True
        held = self.evaluate(handler.type, frame)
        cls = error.cls or self.global_name(error.kind, frame)
        return any(
            isinstance(one, Class)
            and (cls.is_a(one) if isinstance(cls, Class) else one.name == "Exception")
            for one in (held if isinstance(held, tuple) else (held,))
        )

    def _with(self, node: ast.With, frame: Frame) -> None:
        entered: list[Object] = []
        for item in node.items:
            value = self.evaluate(item.context_expr, frame)
            if isinstance(value, Object) and isinstance(value.cls.find("__enter__"), Function):
                entered.append(value)
                value = self.call(self.attribute(value, "__enter__"), [], {})
            elif isinstance(value, Iterating):  # of a generator: contextlib.contextmanager
                value = next(value.items, None)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, frame)
        try:
            self.block(node.body, frame)
        finally:
            for one in reversed(entered):
                if isinstance(one.cls.find("__exit__"), Function):
                    self.call(self.attribute(one, "__exit__"), [None, None, None], {})

    def _match(self, node: ast.Match, frame: Frame) -> None:
        value = self.evaluate(node.subject, frame)
        if isinstance(value, Unknown):
            raise self.unknown(value, node.subject)
        for case in node.cases:
            if self._fits(case.pattern, value, frame) and (
                case.guard is None or self.condition(case.guard, frame)
            ):
                self.block(case.body, frame)
                return

    def _fits(self, pattern: ast.pattern, value: Any, frame: Frame) -> bool:
        """Whether a value is of a pattern; its names are assigned on the way."""
        if isinstance(pattern, ast.MatchValue):
            held = self.evaluate(pattern.value, frame)
            return self.truth(self.compare(ast.Eq, value, held))
        if isinstance(pattern, ast.MatchSingleton):
            return value is pattern.value
        if isinstance(pattern, ast.MatchOr):
            return any(self._fits(one, value, frame) for one in pattern.patterns)
        if isinstance(pattern, ast.MatchAs):
            if pattern.pattern is not None and not self._fits(pattern.pattern, value, frame):
                return False
            if pattern.name:
                self.names_of(pattern.name, frame)[pattern.name] = value
            return True
        if isinstance(pattern, ast.MatchSequence) and not any(
            isinstance(one, ast.MatchStar) for one in pattern.patterns
        ):
            return (
                isinstance(value, list | tuple)
                and len(value) == len(pattern.patterns)
                and all(map(self._fits, pattern.patterns, value, [frame] * len(value)))
            )
        raise Halt(f"the pattern {excerpt(pattern)} is not read here")

    def _delete(self, node: ast.Delete, frame: Frame) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.names_of(target.id, frame).pop(target.id, None)
                continue
            if not isinstance(target, ast.Attribute | ast.Subscript):
                raise Halt(f"{excerpt(node)} is not read here")
            owner = self.evaluate(target.value, frame)
            if isinstance(target, ast.Attribute) and isinstance(owner, Object):
                if owner.attrs.pop(target.attr, MISSING) is MISSING:
                    raise Raised("AttributeError", f"there is no {shown(target.attr)} to delete")
            elif isinstance(target, ast.Subscript) and isinstance(owner, dict | list):
                index = self.evaluate(target.slice, frame)
                try:
                    del owner[index]
                except (LookupError, TypeError):
                    raise Raised("KeyError", "there is no such item to delete") from None
            elif isinstance(target, ast.Subscript) and isinstance(owner, Object):
                index = self.evaluate(target.slice, frame)
                self.call(self.attribute(owner, "__delitem__"), [index], {})
            elif not isinstance(owner, Unknown):
                raise Halt(f"{excerpt(node)} is not read here")

    def _outer(self, node: ast.Global | ast.Nonlocal, frame: Frame) -> None:
        frame.outer.update(node.names)

    # -- imports ----------------------------------------------------------------------------

    def _import(self, node: ast.Import, frame: Frame) -> None:
        for alias in node.names:
            if alias.asname:
                frame.names[alias.asname] = self.module(alias.name, 0, frame)
            else:
                top = alias.name.partition(".")[0]
                self.module(alias.name, 0, frame)
                frame.names[top] = self.module(top, 0, frame)

    def _import_from(self, node: ast.ImportFrom, frame: Frame) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.import_all(node.module or "", node.level, frame)
            else:
                name = alias.asname or alias.name
                made = Deferred(node.module or "", node.level, alias.name, frame.file, node)
                frame.names[name] = made
                if frame.names is not frame.file.names:
                    self.resolved(frame.names, name)


EXECUTE: dict[type[ast.stmt], Callable[..., None]] = {
    ast.Expr: Statements._expression_statement,
    ast.Assign: Statements._assign,
    ast.AnnAssign: Statements._annotated,
    ast.AugAssign: Statements._augmented,
    ast.If: Statements._if,
    ast.For: Statements._for,
    ast.While: Statements._while,
    ast.Return: Statements._return,
    ast.Break: Statements._break,
    ast.Continue: Statements._continue,
    ast.Pass: Statements._pass,
    ast.Assert: Statements._assert,
    ast.Raise: Statements._raise,
    ast.Try: Statements._try,
    ast.With: Statements._with,
    ast.Delete: Statements._delete,
    ast.Match: Statements._match,
    ast.Global: Statements._outer,
    ast.Nonlocal: Statements._outer,
    ast.FunctionDef: Statements.define_function,
    ast.ClassDef: Statements.define_class,
    ast.Import: Statements._import,
    ast.ImportFrom: Statements._import_from,
}
"""All the statements there are here; any other is refused with its text."""
