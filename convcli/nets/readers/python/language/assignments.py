"""Assignments of every form: to names, attributes, items, by unpacking; and `del`."""

import ast

from convcli.callsyntax import brief, excerpt
from convcli.nets.readers.python.language.attributes import attribute, set_attribute
from convcli.nets.readers.python.language.calls import call
from convcli.nets.readers.python.language.conversions import describe, hashable, to_list
from convcli.nets.readers.python.language.definitions import names_of
from convcli.nets.readers.python.language.expressions import at_site, evaluate
from convcli.nets.readers.python.language.limits import MAX_ITEMS, charge, within_length
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Frame,
    Instance,
    ModulesDict,
    ProgramException,
    ReadError,
    Tensor,
    Unknown,
    Value,
    check_known,
)
from convcli.nets.readers.python.language.operators import operate
from convcli.nets.readers.python.language.protocol import Interpreter


def assign_targets(interpreter: Interpreter, node: ast.Assign, frame: Frame) -> None:
    value = evaluate(interpreter, node.value, frame)
    for target in node.targets:
        assign(interpreter, target, value, frame)


def assign_annotated(interpreter: Interpreter, node: ast.AnnAssign, frame: Frame) -> None:
    if node.value is not None:
        assign(interpreter, node.target, evaluate(interpreter, node.value, frame), frame)


def assign(interpreter: Interpreter, target: ast.expr, value: Value, frame: Frame) -> None:
    """`target = value`, of every form."""
    if isinstance(target, ast.Name):
        names_of(target.id, frame)[target.id] = value
    elif isinstance(target, ast.Attribute):
        owner = evaluate(interpreter, target.value, frame)
        set_attribute(interpreter, owner, target.attr, value)
    elif isinstance(target, ast.Subscript):
        owner = evaluate(interpreter, target.value, frame)
        set_item(interpreter, owner, evaluate(interpreter, target.slice, frame), value)
    elif isinstance(target, ast.Tuple | ast.List):
        _unpack(interpreter, target, value, frame)
    else:
        raise ReadError(f"an assignment to {excerpt(target)} is not read here")


def _unpack(
    interpreter: Interpreter, target: ast.Tuple | ast.List, value: Value, frame: Frame
) -> None:
    """`a, *b = value`."""
    names = [name.value if isinstance(name, ast.Starred) else name for name in target.elts]
    if isinstance(value, Unknown):
        for name in names:
            assign(interpreter, name, value.outcome(), frame)
        return
    items = to_list(interpreter, value)
    star = next((i for i, name in enumerate(target.elts) if isinstance(name, ast.Starred)), None)
    if star is None:
        if len(items) != len(names):
            raise ProgramException(
                "ValueError", f"{len(items)} values are unpacked into {len(names)} names"
            )
    else:
        after = len(names) - star - 1
        if len(items) < len(names) - 1:
            raise ProgramException("ValueError", f"{len(items)} values are too few to unpack")
        items = [*items[:star], items[star : len(items) - after], *items[len(items) - after :]]
    for name, item in zip(names, items, strict=True):
        assign(interpreter, name, item, frame)


def set_item(interpreter: Interpreter, owner: Value, index: Value, value: Value) -> None:
    """`owner[index] = value`."""
    if isinstance(owner, dict):
        owner[hashable(interpreter, index)] = value
        within_length(owner)
        if isinstance(owner, ModulesDict) and isinstance(index, str):
            set_attribute(interpreter, owner.owner, index, value)
    elif isinstance(owner, list):
        check_known(index)
        try:
            if isinstance(index, slice):
                charge(interpreter, owner)
                owner[index] = to_list(interpreter, value)
            else:
                owner[to_index(index)] = value
        except (IndexError, TypeError, ValueError) as error:
            raise ProgramException(type(error).__name__, str(error)) from None
        within_length(owner)
    elif isinstance(owner, Tensor):
        interpreter.fill_tensor(owner, value)
    elif isinstance(owner, Instance) and owner.cls.find("__setitem__") is not MISSING:
        call(interpreter, attribute(interpreter, owner, "__setitem__"), [index, value], {})
    elif not isinstance(owner, Unknown):
        raise ProgramException("TypeError", f"{describe(owner)} takes no items")


def to_index(value: Value) -> int:
    """The list index that a value means."""
    if not isinstance(value, int):
        raise TypeError(f"list indices must be integers or slices, not {type(value).__name__}")
    return value


def assign_augmented(interpreter: Interpreter, node: ast.AugAssign, frame: Frame) -> None:
    before = evaluate(interpreter, node.target, frame)
    value = evaluate(interpreter, node.value, frame)
    result: Value
    if isinstance(node.op, ast.Add) and isinstance(before, Instance):
        method = "__iadd__" if before.cls.find("__iadd__") is not MISSING else "__add__"
        result = call(interpreter, attribute(interpreter, before, method), [value], {})
    elif isinstance(before, list) and isinstance(node.op, ast.Add):
        more = to_list(interpreter, value)
        if len(before) + len(more) > MAX_ITEMS:
            raise ReadError(f"a list grows beyond {MAX_ITEMS:,} items")
        before += more
        result = before
    else:
        result = at_site(interpreter, node, frame, operate, type(node.op), before, value)
    assign(interpreter, node.target, result, frame)


def delete(interpreter: Interpreter, node: ast.Delete, frame: Frame) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            names_of(target.id, frame).pop(target.id, None)
            continue
        if not isinstance(target, ast.Attribute | ast.Subscript):
            raise ReadError(f"{excerpt(node)} is not read here")
        owner = evaluate(interpreter, target.value, frame)
        if isinstance(target, ast.Attribute) and isinstance(owner, Instance):
            if owner.attrs.pop(target.attr, MISSING) is MISSING:
                raise ProgramException(
                    "AttributeError", f"there is no {brief(target.attr)} to delete"
                )
        elif isinstance(target, ast.Subscript) and isinstance(owner, dict | list):
            index = evaluate(interpreter, target.slice, frame)
            try:
                if isinstance(owner, dict):
                    del owner[index]
                    if isinstance(owner, ModulesDict) and isinstance(index, str):
                        owner.owner.attrs.pop(index, None)
                else:
                    del owner[index if isinstance(index, slice) else to_index(index)]
            except (LookupError, TypeError):
                raise ProgramException("KeyError", "there is no such item to delete") from None
        elif isinstance(target, ast.Subscript) and isinstance(owner, Instance):
            index = evaluate(interpreter, target.slice, frame)
            call(interpreter, attribute(interpreter, owner, "__delitem__"), [index], {})
        elif not isinstance(owner, Unknown):
            raise ReadError(f"{excerpt(node)} is not read here")
