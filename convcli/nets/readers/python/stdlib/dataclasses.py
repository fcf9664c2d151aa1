"""Classes that Python fills in: enumerations, named tuples, dataclasses."""

import ast
from typing import Any

from convcli.callsyntax import shown
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Bound,
    Class,
    ClassMethod,
    Function,
    Halt,
    Native,
    Object,
    Property,
    Static,
)

ENUM = Class("Enum")


def completed(cls: Class, node: ast.ClassDef) -> Class:
    """A class after its body: the members of an enumeration, the fields of a named tuple."""
    if cls.is_a(ENUM):
        members = {}
        for name, value in list(cls.names.items()):
            kept = Function | Native | Bound | Static | ClassMethod | Property | Class
            if not name.startswith("_") and not isinstance(value, kept):
                member = Object(cls)
                member.attrs |= {"name": name, "value": value}
                members[name] = cls.names[name] = member
        cls.names["__members__"] = members
    elif any(base.name == "NamedTuple" for base in cls.order[1:]):
        _fields(cls, node)
        named_tuple(cls)
    else:
        _fields(cls, node)
    return cls


def _fields(cls: Class, node: ast.ClassDef) -> None:
    found = [field for base in reversed(cls.order[1:]) for field in base.fields]
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            name = one.target.id
            default = cls.names.get(name, MISSING)
            found = [field for field in found if field[0] != name]
            found.append((name, default is not MISSING, default))
    cls.fields = tuple(found)


def named_tuple(cls: Class) -> None:
    """Give a class its `__init__` from its fields, and the ways of a tuple."""
    dataclass(cls)
    fields = [name for name, _, _ in cls.fields]
    cls.names["__getitem__"] = Native(
        "getitem", lambda machine, owner, index: tuple(owner.attrs[n] for n in fields)[index]
    )
    cls.names["__iter__"] = Native(
        "iter", lambda machine, owner: [owner.attrs[name] for name in fields]
    )
    cls.names["__len__"] = Native("len", lambda machine, owner: len(fields))
    cls.names["_replace"] = Native("_replace", lambda machine, owner, **new: replaced(owner, new))
    cls.names["_asdict"] = Native("_asdict", lambda machine, owner: dict(owner.attrs))


def dataclass(cls: Class) -> Class:
    """Give a class its `__init__` from its fields."""
    if "__init__" not in cls.names:
        cls.names["__init__"] = Native(cls.name, _filled)
    cls.names.setdefault("__eq__", Native("eq", _equal))
    return cls


def _equal(machine: Any, owner: Object, other: Any) -> bool:
    """Two of one class are equal where their fields are; a named tuple is its values too."""
    held = list(owner.attrs.values())
    if isinstance(other, tuple) and "_replace" in owner.cls.names:
        return bool(machine.compare(ast.Eq, tuple(held), other))
    same = isinstance(other, Object) and other.cls is owner.cls
    return same and bool(machine.compare(ast.Eq, held, list(other.attrs.values())))


def replaced(owner: Any, new: dict[str, Any]) -> Any:
    made = Object(owner.cls)
    made.attrs = {**owner.attrs, **new}
    return made


def _filled(machine: Any, owner: Object, *args: Any, **options: Any) -> None:
    """The `__init__` of a dataclass."""
    fields = owner.cls.fields
    if len(args) > len(fields):
        raise Halt(f"{owner.cls.name}() takes {len(fields)} values, not {len(args)}")
    given = dict(zip((name for name, _, _ in fields), args, strict=False)) | options
    for name, has_default, default in fields:
        if name in given:
            owner.attrs[name] = given.pop(name)
        elif has_default:
            made = isinstance(default, Bound) and default.function is FACTORY
            owner.attrs[name] = machine.call(default, [], {}) if made else default
        else:
            raise Halt(f"{owner.cls.name}() needs {name!r}")
    if given:
        raise Halt(f"{owner.cls.name}() takes no {shown(next(iter(given)))}")
    after = owner.cls.find("__post_init__")
    if after is not MISSING:
        machine.call(after, [owner], {})


# -- what their modules give


def namedtuple_of(
    machine: Any, name: str, fields: Any, defaults: Any = (), **options: Any
) -> Class:
    words = fields.replace(",", " ").split() if isinstance(fields, str) else machine.listed(fields)
    filled = machine.listed(defaults or ())
    first = len(words) - len(filled)
    made = Class(
        name,
        (),
        {},
        tuple(
            (word, place >= first, filled[place - first] if place >= first else None)
            for place, word in enumerate(words)
        ),
    )
    made.own = True
    named_tuple(made)
    return made


def dataclass_of(machine: Any, cls: Any = None, **options: Any) -> Any:
    return dataclass(cls) if isinstance(cls, Class) else Native("dataclass", dataclass_of)


def field_of(machine: Any, default: Any = MISSING, default_factory: Any = MISSING, **_: Any) -> Any:
    return default if default is not MISSING else Bound(FACTORY, default_factory)


FACTORY = Native("default_factory", lambda machine, factory: machine.call(factory, [], {}))
"""A dataclass's default that is made anew for every object."""
