"""Attributes: how a name of an object, a class or a module is looked up and set."""

from convcli.callsyntax import brief
from convcli.nets.readers.python.language.conversions import describe, truth
from convcli.nets.readers.python.language.objects import (
    MISSING,
    BoundMethod,
    Class,
    ClassMethod,
    Function,
    Instance,
    Library,
    Native,
    Partial,
    ProgramException,
    Property,
    ReadError,
    SourceFile,
    StaticMethod,
    Super,
    Tensor,
    Unknown,
    Value,
)
from convcli.nets.readers.python.language.protocol import Interpreter


def attribute_name(value: Value) -> str:
    """A value that names an attribute, as `getattr` takes it."""
    if not isinstance(value, str):
        raise ProgramException("TypeError", "an attribute's name is a string")
    return value


def attribute(interpreter: Interpreter, owner: Value, name: str) -> Value:
    """`owner.name`. Raises ProgramException("AttributeError") for a missing name."""
    if isinstance(owner, Instance):
        return _of_instance(interpreter, owner, name)
    if isinstance(owner, Tensor):
        return interpreter.tensor_attribute(owner, name)
    if isinstance(owner, Library):
        return interpreter.library_name(owner, name)
    if isinstance(owner, Super):
        return _of_super(interpreter, owner, name)
    if isinstance(owner, Class):
        return _of_class(owner, name)
    if isinstance(owner, SourceFile):
        if name in owner.names:
            return owner.names[name]
    elif isinstance(owner, Unknown):
        return Unknown(f"{owner.text}.{name}", owner.where, owner.harmless)
    elif isinstance(owner, Partial):
        if name in ("func", "args", "keywords"):
            return {"func": owner.function, "args": owner.args, "keywords": owner.options}[name]
    elif isinstance(owner, Property) and name in ("setter", "getter", "deleter"):
        return Native(name, lambda interpreter, function: owner)
    elif isinstance(owner, Function | Native | BoundMethod):
        return _of_function(interpreter, owner, name)
    else:
        return interpreter.method_of_value(owner, name)
    raise ProgramException("AttributeError", f"{describe(owner)} has no {brief(name)}")


def _of_instance(interpreter: Interpreter, owner: Instance, name: str) -> Value:
    own = owner.cls.find(name)
    if isinstance(owner.cls.find("__getattribute__"), Function):
        return _by_own_rule(interpreter, owner, name)
    if isinstance(own, Property) and not own.is_cached:
        return interpreter.call(own.getter, [owner], {})
    if isinstance(own, Instance) and isinstance(own.cls.find("__set__"), Function):
        return _described(interpreter, own, owner)
    if name in owner.attrs:
        return owner.attrs[name]
    if isinstance(own, Property):
        if name not in owner.cached:
            owner.cached[name] = interpreter.call(own.getter, [owner], {})
        return owner.cached[name]
    if isinstance(own, Instance) and isinstance(own.cls.find("__get__"), Function):
        return _described(interpreter, own, owner)
    if own is not MISSING:
        return _bound(own, owner, owner.cls)
    if name == "__class__":
        return owner.cls
    if name in ("__module__", "__doc__"):
        return _module_name(owner.cls) if name == "__module__" else None
    if interpreter.is_module(owner):
        value = interpreter.module_attribute(owner, name)
        if value is not MISSING:
            return value
    fallback = owner.cls.find("__getattr__")
    if isinstance(fallback, Function):
        return interpreter.call(fallback, [owner, name], {})
    if owner.cls.foreign:
        return Unknown(f"{owner.cls.name}.{name}", owner.cls.foreign[0].where)
    raise ProgramException("AttributeError", f"{describe(owner)} has no {brief(name)}")


def _by_own_rule(interpreter: Interpreter, owner: Instance, name: str) -> Value:
    """The result of the program's `__getattribute__`, or else of its `__getattr__`."""
    try:
        return interpreter.call(owner.cls.find("__getattribute__"), [owner, name], {})
    except ProgramException as error:
        fallback = owner.cls.find("__getattr__")
        if error.kind != "AttributeError" or not isinstance(fallback, Function):
            raise
        return interpreter.call(fallback, [owner, name], {})


def _described(interpreter: Interpreter, descriptor: Instance, owner: Instance) -> Value:
    """The result of a descriptor of the program for an object."""
    getter = interpreter.attribute(descriptor, "__get__")
    return interpreter.call(getter, [owner, owner.cls], {})


def _bound(value: Value, owner: Instance | Class, cls: Class) -> Value:
    """The value of a class's name for an object: a function is bound to it."""
    if isinstance(value, Function | Native):
        return BoundMethod(value, owner)
    if isinstance(value, ClassMethod):
        return BoundMethod(value.function, cls)
    return value.function if isinstance(value, StaticMethod) else value


def plain_attribute(owner: Instance, name: Value) -> Value:
    """The result of `object.__getattribute__`: a name of the object or its class."""
    if isinstance(name, str) and name in owner.attrs:
        return owner.attrs[name]
    value = owner.cls.find(name) if isinstance(name, str) else MISSING
    if value is MISSING:
        raise ProgramException("AttributeError", f"{describe(owner)} has no {brief(name)}")
    return _bound(value, owner, owner.cls)


def _of_super(interpreter: Interpreter, owner: Super, name: str) -> Value:
    instance = owner.owner if isinstance(owner.owner, Instance) else None
    cls = owner.owner if isinstance(owner.owner, Class) else owner.owner.cls
    value = cls.find(name, owner.after)
    if value is not MISSING:
        if isinstance(value, Property):
            return interpreter.call(value.getter, [owner.owner], {})
        return _bound(value, owner.owner, cls)
    if name in ("__init__", "__setattr__", "__init_subclass__", "__post_init__"):
        return Native(name, lambda interpreter, *args, **options: None)
    if name == "__new__" and instance is None:
        return Native(name, lambda interpreter, kind, *args, **options: Instance(cls))
    if instance is not None:
        if name in ("__getattr__", "__getattribute__"):
            return Native(name, lambda interpreter, key: plain_attribute(instance, key))
        if interpreter.is_module(instance):
            value = interpreter.module_attribute(instance, name)
            if value is not MISSING:
                return value
    if cls.foreign:
        return Unknown(f"super().{name}", cls.foreign[0].where)
    raise ProgramException("AttributeError", f"no base of {cls.name} has {brief(name)}")


def _of_class(owner: Class, name: str) -> Value:
    if name in ("__name__", "__qualname__"):
        return owner.name
    if name in ("__module__", "__doc__"):
        return _module_name(owner) if name == "__module__" else None
    value = owner.find(name)
    if value is MISSING:
        if owner.foreign:
            return Unknown(f"{owner.name}.{name}", owner.foreign[0].where)
        raise ProgramException("AttributeError", f"{owner.name} has no {brief(name)}")
    if isinstance(value, ClassMethod):
        return BoundMethod(value.function, owner)
    return value.function if isinstance(value, StaticMethod) else value


def _of_function(
    interpreter: Interpreter, owner: Function | Native | BoundMethod, name: str
) -> Value:
    function = owner.function if isinstance(owner, BoundMethod) else owner
    if isinstance(function, Function) and name in function.attrs:
        return function.attrs[name]
    if name in ("__name__", "__qualname__"):
        return describe(function)
    if name == "__self__" and isinstance(owner, BoundMethod):
        return owner.owner
    if name in ("__doc__", "__wrapped__"):
        return None
    if name == "__module__":
        return _module_name(function)
    if name == "__class__":
        return Unknown("the class of a function", harmless=True)
    if isinstance(function, Function) and name == "__defaults__":
        usual = function.defaults
        return tuple(usual[name] for name in function.positional if name in usual)
    if isinstance(function, Native):
        method = interpreter.class_method_of_type(function.name, name)
        if method is not MISSING:
            return method
    raise ProgramException("AttributeError", f"{describe(owner)} has no {brief(name)}")


def _module_name(value: Value) -> str:
    """The `__module__` of a function or a class: the name of its file."""
    if isinstance(value, Class):
        own = (function for function in value.names.values() if isinstance(function, Function))
        value = next(own, None)
    return value.file.name.removesuffix(".py") if isinstance(value, Function) else "builtins"


def set_attribute(interpreter: Interpreter, owner: Value, name: str, value: Value) -> None:
    """`owner.name = value`."""
    if isinstance(owner, Instance):
        own = owner.cls.find(name)
        if isinstance(own, Property) and not own.is_cached:
            if own.setter is None:
                text = f"property {brief(name)} of {describe(owner)} has no setter"
                raise ProgramException("AttributeError", text)
            if interpreter.is_module(owner) and interpreter.is_module(value):
                raise ReadError(f"a module is set under the property {name}")
            interpreter.call(own.setter, [owner, value], {})
            return
        if isinstance(own, Instance) and isinstance(own.cls.find("__set__"), Function):
            interpreter.call(interpreter.attribute(own, "__set__"), [owner, value], {})
            return
        if isinstance(owner.cls.find("__setattr__"), Function) and name != "__dict__":
            raise ReadError(f"{owner.cls.name} has a __setattr__ of its own")
        if interpreter.is_module(owner) and interpreter.set_on_layer(owner, name, value):
            return
        if name.startswith("__") and name.endswith("__") and name != "__doc__":
            raise ReadError(f"setting {name} is not read here")
        if interpreter.is_module(value) and not interpreter.is_module(owner.attrs.get(name)):
            owner.attrs.pop(name, None)  # modules stand in the order of their first setting
        owner.attrs[name] = value
        if len(owner.attrs) > 100_000:
            raise ReadError("an object holds more than 100,000 attributes")
    elif isinstance(owner, Class):
        if not owner.own:
            raise ReadError(f"{owner.name} is not the file's, which sets its {brief(name)}")
        owner.names[name] = value
    elif isinstance(owner, Function):
        owner.attrs[name] = value
    elif isinstance(owner, Tensor):
        if name == "requires_grad":
            owner.frozen = not truth(interpreter, value)
    elif isinstance(owner, Unknown) and name in ("requires_grad", "trainable"):
        raise owner.error()
    elif not isinstance(owner, Unknown | BoundMethod | SourceFile):
        raise ProgramException("AttributeError", f"{describe(owner)} takes no {brief(name)}")
