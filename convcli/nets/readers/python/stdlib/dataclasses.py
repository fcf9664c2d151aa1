"""Classes with generated methods: enumerations, named tuples, dataclasses."""

import ast

from convcli.callsyntax import brief
from convcli.nets.readers.python.language.conversions import to_list
from convcli.nets.readers.python.language.objects import (
    MISSING,
    BoundMethod,
    Class,
    ClassMethod,
    Function,
    Instance,
    Native,
    Property,
    ReadError,
    StaticMethod,
    Value,
    natives,
)
from convcli.nets.readers.python.language.operators import compare, get_item
from convcli.nets.readers.python.language.protocol import Interpreter

ENUM = Class("Enum")


METHODS = (Function, Native, BoundMethod, StaticMethod, ClassMethod, Property, Class)
"""Names in the body of an enumeration that are not members."""


def complete_class(interpreter: Interpreter, cls: Class, node: ast.ClassDef) -> Class:
    """A class after its body: the members of an enumeration, the fields of a named tuple."""
    if cls.is_a(ENUM):
        members: dict[str, Value] = {}
        for name, value in list(cls.names.items()):
            if not name.startswith("_") and not isinstance(value, METHODS):
                member = Instance(cls)
                member.attrs |= {"name": name, "value": value}
                members[name] = cls.names[name] = member
        cls.names["__members__"] = members
        return cls
    _add_fields(cls, node)
    if any(base.name == "NamedTuple" for base in cls.order[1:]):
        named_tuple(cls)
    return cls


def _add_fields(cls: Class, node: ast.ClassDef) -> None:
    for base in reversed(cls.order[1:]):
        cls.fields |= base.fields
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
            cls.fields[name] = cls.names.get(name, MISSING)


def named_tuple(cls: Class) -> None:
    """Generate the `__init__` of a class from its fields, and the methods of a tuple."""
    dataclass(cls)
    fields = list(cls.fields)
    cls.names |= natives(
        {
            "__getitem__": lambda interpreter, owner, index: get_item(
                interpreter, tuple(owner.attrs[name] for name in fields), index
            ),
            "__iter__": lambda interpreter, owner: [owner.attrs[name] for name in fields],
            "__len__": lambda interpreter, owner: len(fields),
            "_replace": lambda interpreter, owner, **new: replaced(owner, new),
            "_asdict": lambda interpreter, owner: dict(owner.attrs),
        }
    )


def dataclass(cls: Class) -> Class:
    """Generate the `__init__` of a class from its fields."""
    if "__init__" not in cls.names:
        cls.names["__init__"] = Native(cls.name, _set_fields)
    cls.names.setdefault("__eq__", Native("eq", _equal))
    return cls


def _equal(interpreter: Interpreter, owner: Instance, other: Value) -> bool:
    """Objects of one class are equal if their fields are; a named tuple also equals its values."""
    values = list(owner.attrs.values())
    if isinstance(other, tuple) and "_replace" in owner.cls.names:
        return bool(compare(interpreter, ast.Eq, tuple(values), other))
    if not isinstance(other, Instance) or other.cls is not owner.cls:
        return False
    return bool(compare(interpreter, ast.Eq, values, list(other.attrs.values())))


def replaced(owner: Instance, new: dict[str, Value]) -> Instance:
    """A copy of an object with some fields replaced."""
    copy = Instance(owner.cls)
    copy.attrs = {**owner.attrs, **new}
    return copy


def _set_fields(interpreter: Interpreter, owner: Instance, *args: Value, **options: Value) -> None:
    """The `__init__` of a dataclass."""
    name, fields = owner.cls.name, owner.cls.fields
    if len(args) > len(fields):
        raise ReadError(f"{name}() takes {len(fields)} values, not {len(args)}")
    given = dict(zip(fields, args, strict=False)) | options
    for field, default in fields.items():
        if field in given:
            owner.attrs[field] = given.pop(field)
        elif default is MISSING:
            raise ReadError(f"{name}() needs {field!r}")
        elif isinstance(default, BoundMethod) and default.function is FACTORY:
            owner.attrs[field] = interpreter.call(default, [], {})
        else:
            owner.attrs[field] = default
    if given:
        raise ReadError(f"{name}() takes no {brief(next(iter(given)))}")
    after = owner.cls.find("__post_init__")
    if after is not MISSING:
        interpreter.call(after, [owner], {})


# -- what their modules give ----------------------------------------------------------------


def namedtuple_of(
    interpreter: Interpreter, name: str, fields: Value, defaults: Value = (), **options: Value
) -> Class:
    if isinstance(fields, str):
        fields = fields.replace(",", " ").split()
    names = [str(field) for field in to_list(interpreter, fields)]
    given = to_list(interpreter, defaults or ())
    filled = [MISSING] * (len(names) - len(given)) + given
    cls = Class(name, fields=dict(zip(names, filled, strict=True)))
    cls.own = True
    named_tuple(cls)
    return cls


def dataclass_of(interpreter: Interpreter, cls: Value = None, **options: Value) -> Value:
    return dataclass(cls) if isinstance(cls, Class) else Native("dataclass", dataclass_of)


def field_of(
    interpreter: Interpreter, default: Value = MISSING, default_factory: Value = MISSING, **_: Value
) -> Value:
    return default if default is not MISSING else BoundMethod(FACTORY, default_factory)


FACTORY = Native("default_factory", lambda interpreter, factory: interpreter.call(factory, [], {}))
"""The default of a field that is created anew for every object."""
