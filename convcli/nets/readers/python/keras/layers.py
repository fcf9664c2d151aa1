"""The classes of `keras.layers` and `keras.models`: what calls of them make of tensors.

What each layer's values mean stands in `convcli.nets.readers.vocabulary.keras`.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from convcli.callsyntax import shown
from convcli.nets.graph import Leaf
from convcli.nets.readers.python.keras.tensors import applied, outer, tensors_in
from convcli.nets.readers.python.language.limits import MOST_ITEMS
from convcli.nets.readers.python.language.objects import (
    Class,
    Function,
    Halt,
    Native,
    Object,
    Raised,
    Tensor,
    Unknown,
    class_of,
)
from convcli.nets.readers.python.stdlib.builtins import no_effect
from convcli.nets.readers.python.torch.nn_module import MODULE
from convcli.nets.readers.vocabulary import keras
from convcli.nets.readers.vocabulary.registry import checked_keras, parameters

INPUT_SIZES = {"input_shape": 0, "input_dim": 0, "batch_input_shape": 1, "batch_shape": 1}
"""Options of a layer that name the input's sizes, and how many of them are the batch's."""

CALL_OPTIONS = {"training", "mask"}
"""Options of a call that change no shape."""

FOLLOWS = "activation()"
"""The attribute under which a layer holds its activation, which is a layer of its own."""

BUILT = "built()"
"""The attribute that says that a layer's `build` was called."""


def _building(name: str, build: Callable[..., Any]) -> Callable[..., Any]:
    takes = parameters(build)
    activates = "activation" in takes and name != "Activation"

    def init(machine: Any, owner: Object, *args: Any, **options: Any) -> None:
        owner.attrs |= {**dict(zip(takes, args, strict=False)), **options}
        values = [_value(one) for one in args]
        named = {key: _value(one) for key, one in options.items()}
        called, follows = str(named.pop("name", None) or ""), None
        sizes = _input_sizes(named)
        if sizes is not None:
            owner.attrs["input_shape"] = sizes
        if activates:
            place = takes.index("activation")
            if place < len(values):
                named.setdefault("activation", values[place])
                values[place] = None
            follows = keras.function(named.pop("activation", None))
        record, where = checked_keras(build, name, values, named), machine.here(declared=True)
        owner.attrs["name"] = called
        owner.leaf = Leaf(record, "" if follows else called, where)
        if follows is not None:
            owner.attrs[FOLLOWS] = Leaf(follows, "", where)

    return init


def _value(value: Any) -> Any:
    """What a builder reads: a function by its name, a layer as a leaf, what is unknown as text."""
    if isinstance(value, Object) and value.leaf is not None:
        return value.leaf
    if isinstance(value, Native | Class | Function):
        return value.name
    return value.text if isinstance(value, Unknown) else value


def _input_sizes(options: dict[str, Any]) -> tuple[Any, ...] | None:
    """Take the input's sizes out of a layer's options; None where there are none."""
    found = None
    for key in INPUT_SIZES.keys() & options.keys():
        sizes = options.pop(key)
        sizes = tuple(sizes) if isinstance(sizes, tuple | list) else (sizes,)
        found = sizes[INPUT_SIZES[key] :]
    return found


def _call(machine: Any, owner: Object, *args: Any, **options: Any) -> Any:
    """A layer of the vocabulary on a tensor, or on several that it joins."""
    for option in options.keys() - CALL_OPTIONS:
        raise Halt(f"{option}= in the call of a layer is not read here")
    if owner.leaf is None:
        raise Halt(f"{owner.cls.name} is called before its __init__")
    each, follows = tensors_in(machine, args), owner.attrs.get(FOLLOWS)
    if follows is None:
        return applied(machine, machine.leaf(owner), each)
    tape, called = machine.tape, owner.attrs["name"]
    before, name = tape.scope, machine.path(owner) or (called and f"{tape.scope}{called}")
    tape.scope = f"{name}." if name else before
    made = applied(machine, follows, [applied(machine, owner.leaf, each)])
    tape.scope = before
    return made


# -- layers and models of one's own ---------------------------------------------------------


def _init(machine: Any, owner: Object, *args: Any, **options: Any) -> None:
    owner.attrs["name"] = options.get("name")
    sizes = _input_sizes(options)
    if sizes is not None:
        owner.attrs["input_shape"] = sizes


def _forward(machine: Any, owner: Object, *args: Any, **options: Any) -> Any:
    """Its `call`, after its `build` with the shape of what it is called on."""
    run = owner.cls.find("call")
    if not isinstance(run, Function):
        raise Halt(f"{owner.cls.name} has no call")
    build = owner.cls.find("build")
    if isinstance(build, Function) and BUILT not in owner.attrs:
        owner.attrs[BUILT] = True
        shapes = [(None, *outer(one)[1:]) for one in tensors_in(machine, args[:1])]
        machine.call(build, [owner, shapes[0] if isinstance(args[0], Tensor) else shapes], {})
    wanted = run.node.args
    takes = {one.arg for one in (*wanted.args, *wanted.kwonlyargs)}
    if wanted.kwarg is None:
        options = {key: one for key, one in options.items() if key not in CALL_OPTIONS - takes}
    return machine.call(run, [owner, *args], options)


def _add_weight(machine: Any, owner: Object, *args: Any, **options: Any) -> Tensor:
    """`add_weight(name, shape)` of Keras 2 or `add_weight(shape)` of Keras 3."""
    given = [one for one in args if not isinstance(one, str)]
    sizes = options.get("shape", given[0] if given else ())
    sizes = sizes if isinstance(sizes, tuple | list) else (sizes,)
    if not all(type(size) is int and size > 0 for size in sizes):
        raise Halt(f"add_weight takes sizes that are known, not {shown(tuple(sizes))}")
    made = Tensor(tuple(sizes), trained=options.get("trainable", True) is not False)
    named = options.get("name", next((one for one in args if isinstance(one, str)), ""))
    path = machine.path(owner)
    made.owner = f"{path}.{named}" if path and isinstance(named, str) and named else ""
    return made


def _unknown(text: str) -> Callable[..., Any]:
    return lambda machine, *_, **__: Unknown(text, harmless=True)


LAYER = class_of(
    "Layer",
    MODULE,
    __init__=_init,
    forward=_forward,
    build=no_effect,
    add_weight=_add_weight,
    add_variable=_add_weight,
    compute_output_shape=_unknown("an output shape"),
    get_config=lambda machine, owner: {},
)


def _model(machine: Any, owner: Object, *args: Any, **options: Any) -> None:
    """`Model(inputs, outputs)`; without them, of a class of one's own."""
    outputs = options.get("outputs", args[1] if len(args) > 1 else None)
    if outputs is not None:
        owner.attrs["outputs"] = tensors_in(machine, (outputs,))
    _init(machine, owner, **options)


def _called_model(machine: Any, owner: Object, *args: Any, **options: Any) -> Any:
    """A model on data that is not known gives what is not known."""
    if isinstance(args[0] if args else None, Unknown):
        return Unknown(f"what a {owner.cls.name} makes of {args[0].text}")
    if "outputs" in owner.attrs:
        raise Halt("a model that is called like a layer is not read here")
    return _forward(machine, owner, *args, **options)


MODEL = class_of(
    "Model",
    LAYER,
    __init__=_model,
    forward=_called_model,
    compile=no_effect,
    summary=no_effect,
    **{
        name: _unknown(f"Model.{name}()")
        for name in ("fit", "evaluate", "predict", "save", "load_weights", "get_layer")
    },
)


def _sequential(machine: Any, owner: Object, layers: Any = None, **options: Any) -> None:
    owner.attrs["layers"] = []
    for one in machine.listed(layers) if layers is not None else ():
        _add(machine, owner, one)


def _add(machine: Any, owner: Object, layer: Any) -> None:
    if layer is owner:
        raise Halt("a Sequential cannot hold itself")
    if isinstance(layer, Tensor):
        return  # keras.Input stands first among layers
    if isinstance(layer, Unknown):
        raise machine.unknown(layer)
    if not machine.is_module(layer):
        raise Halt(f"Sequential holds {machine.describe(layer)}, which is not a layer")
    owner.attrs["layers"].append(layer)
    if len(owner.attrs["layers"]) > MOST_ITEMS:
        raise Halt(f"a Sequential holds more than {MOST_ITEMS:,} layers")


def _run_all(machine: Any, owner: Object, value: Any = None, **options: Any) -> Any:
    if isinstance(value, Unknown):
        return _called_model(machine, owner, value)
    for one in owner.attrs["layers"]:
        value = machine.call(one, [value], {})
    return value


def _pop(machine: Any, owner: Object) -> None:
    if not owner.attrs["layers"]:
        raise Raised("ValueError", "there are no layers in the model")
    owner.attrs["layers"].pop()


SEQUENTIAL = class_of(
    "Sequential", MODEL, __init__=_sequential, forward=_run_all, add=_add, pop=_pop
)


def _input(
    machine: Any, shape: Any = None, batch_size: Any = None, batch_shape: Any = None, **options: Any
) -> Any:
    """`keras.Input((32, 32, 3))`: the tensor of one image."""
    given = _input_sizes({**options, **({"batch_shape": batch_shape} if batch_shape else {})})
    sizes = given if given is not None else shape if shape is not None else ()
    return machine.new_input(tuple(sizes) if isinstance(sizes, tuple | list) else (sizes,))


def _input_layer(machine: Any, owner: Object, *args: Any, **options: Any) -> None:
    _input(machine, *args, **options)
    owner.attrs["input_shape"] = None


def _same(machine: Any, owner: Object, value: Any) -> Any:
    return value


def _lambda(machine: Any, owner: Object, function: Any, *args: Any, **options: Any) -> None:
    owner.attrs["function"] = function


def _run_lambda(machine: Any, owner: Object, value: Any, **options: Any) -> Any:
    return machine.call(owner.attrs["function"], [value], {})


@cache
def classes() -> dict[str, Any]:
    """The names of `keras.layers` and `keras.models`."""
    found: dict[str, Any] = {
        "Layer": LAYER,
        "Model": MODEL,
        "Functional": MODEL,
        "Sequential": SEQUENTIAL,
        "Input": Native("Input", _input),
        "InputLayer": class_of("InputLayer", LAYER, __init__=_input_layer, forward=_same),
        "Lambda": class_of("Lambda", LAYER, __init__=_lambda, forward=_run_lambda),
    }
    for name, build in (keras.LAYERS | keras.SHARED).items():
        found[name] = class_of(name, LAYER, __init__=_building(name, build), forward=_call)
    return found
