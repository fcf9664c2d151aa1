"""The classes of `keras.layers` and `keras.models`: what calls of them make of tensors.

What each layer's values mean stands in `convcli.nets.readers.vocabulary.keras`.
"""

from collections.abc import Sequence
from functools import cache
from typing import TypeVar

from convcli.callsyntax import brief
from convcli.nets.graph import Leaf
from convcli.nets.layers import Builder
from convcli.nets.readers.python.keras.functions import concatenate
from convcli.nets.readers.python.keras.model_layers import ACTIVATION, layers_behind
from convcli.nets.readers.python.keras.tensors import apply, tensors_in, text_shape
from convcli.nets.readers.python.language.conversions import describe, to_list
from convcli.nets.readers.python.language.limits import MAX_ITEMS
from convcli.nets.readers.python.language.objects import (
    Class,
    Function,
    Instance,
    Native,
    NativeFunction,
    ProgramException,
    ReadError,
    Tensor,
    Unknown,
    Value,
    check_known,
    class_of,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.stdlib.builtins import no_effect
from convcli.nets.readers.python.torch.nn_module import MODULE
from convcli.nets.readers.vocabulary import keras
from convcli.nets.readers.vocabulary.keras_sequences import WITH_ACTIVATION
from convcli.nets.readers.vocabulary.registry import checked_keras, parameters

T = TypeVar("T")

INPUT_SIZES = {
    "input_shape": 0,
    "input_dim": 0,
    "input_length": 0,
    "batch_input_shape": 1,
    "batch_shape": 1,
}
"""Options of a layer that name the input's sizes, and the number of batch axes in each."""

CALL_OPTIONS = {
    *("training", "mask", "attention_mask", "use_causal_mask"),
    *("query_mask", "value_mask", "key_mask"),
}
"""Options of a call that change no shape."""

INPUT_NAMES = ("inputs", "sequences", "query", "value", "key")
"""Names of the tensor arguments of a call, in order."""

BUILT = "built()"
"""The attribute that records that a layer's `build` was called."""


def activation_of(layer: Instance) -> Leaf | None:
    """The activation of a layer, which follows it as a layer of its own."""
    follows = layer.attrs.get(ACTIVATION)
    return follows if isinstance(follows, Leaf) else None


def name_of(layer: Instance) -> str:
    """The name that a text gives a layer with `name=`."""
    name = layer.attrs.get("name")
    return name if isinstance(name, str) else ""


def layers_of(model: Instance) -> list[Instance]:
    """The layers of a Sequential."""
    return _listed(model.attrs.get("layers"), Instance)


def outputs_of(model: Instance) -> list[Tensor]:
    """The outputs of a `Model(inputs, outputs)`; none for any other model."""
    return _listed(model.attrs.get("outputs"), Tensor) if model.cls.is_a(LAYER) else []


def _listed(values: Value, kind: type[T]) -> list[T]:
    """The values of a kind in a list; none of anything else."""
    items = values if isinstance(values, list) else []
    return [item for item in items if isinstance(item, kind)]


def _initializer(name: str, build: Builder) -> NativeFunction:
    """The `__init__` of a layer: it builds the record, and keeps the arguments as attributes."""
    takes = parameters(build)
    follows_it = "activation" in takes and name not in WITH_ACTIVATION
    position = takes.index("activation") if follows_it else None

    def init(interpreter: Interpreter, owner: Instance, *args: Value, **options: Value) -> None:
        given = {**dict(zip(takes, args, strict=False)), **options}
        wrapped = [value for value in given.values() if isinstance(value, Instance)]
        # a layer inside another one does not count as a layer of the model
        owner.attrs |= {
            key: value for key, value in given.items() if not isinstance(value, Instance)
        }
        if "trainable" in options and any(layer.leaf for layer in wrapped):
            raise ReadError(
                f"{name}(trainable=…) is not read; set trainable of the layer inside it"
            )
        if any(layer.attrs.get("trainable") is False for layer in wrapped):
            owner.attrs["trainable"] = False
        values = [_plain(value) for value in args]
        named = {key: _plain(value) for key, value in options.items()}
        called = str(named.pop("name", None) or "")
        owner.attrs["name"] = called or Unknown("the automatic name of a layer")
        _keep_input(owner, named, takes)
        inner = next(filter(None, map(activation_of, wrapped)), None)
        follows = inner.layer if inner else None
        if position is not None:
            if position < len(values):
                named.setdefault("activation", values[position])
                values[position] = None
            follows = keras.function(named.pop("activation", None))
        where = interpreter.location(declared=True)
        owner.leaf = Leaf(
            checked_keras(build, name, values, named), "" if follows else called, where
        )
        if follows is not None:
            owner.attrs[ACTIVATION] = Leaf(follows, "", where)

    return init


def _plain(value: Value) -> Value:
    """A builder's argument: a function by its name, a layer as a leaf, an unknown value as text."""
    if isinstance(value, Instance) and value.leaf is not None:
        return value.leaf
    if isinstance(value, Native | Class | Function):
        return value.name
    return value.text if isinstance(value, Unknown) else value


def _keep_input(owner: Instance, options: dict[str, Value], takes: Sequence[str] = ()) -> None:
    """Take the input's sizes out of a layer's options, of which `takes` are the layer's own."""
    sizes = _input_sizes(options, takes)
    if sizes is not None:
        owner.attrs["input_shape"] = sizes


def _input_sizes(options: dict[str, Value], takes: Sequence[str] = ()) -> tuple[Value, ...] | None:
    found = None
    for key in INPUT_SIZES.keys() & options.keys() - {*takes}:
        sizes = options.pop(key)
        sizes = tuple(sizes) if isinstance(sizes, tuple | list) else (sizes,)
        found = sizes[INPUT_SIZES[key] :]
    return found


def _forward(interpreter: Interpreter, owner: Instance, *args: Value, **options: Value) -> Tensor:
    """A layer of the vocabulary applied to a tensor, or to several that it joins."""
    args = (*args, *(options.pop(name) for name in INPUT_NAMES if name in options))
    for option in options.keys() - CALL_OPTIONS:
        raise ReadError(f"{option}= in the call of a layer is not read here")
    if owner.leaf is None:
        raise ReadError(f"{owner.cls.name} is called before its __init__")
    interpreter.recorder.applied[id(owner)] = owner
    tensors, follows = tensors_in(args), activation_of(owner)
    if follows is None:
        return apply(interpreter, interpreter.leaf(owner), tensors)
    recorder, called = interpreter.recorder, name_of(owner)
    outer, name = recorder.scope, interpreter.path(owner)
    if called and not name:
        name = f"{outer}{called}"
    recorder.scope = f"{name}." if name else outer
    try:
        return apply(interpreter, follows, [apply(interpreter, interpreter.leaf(owner), tensors)])
    finally:
        recorder.scope = outer


# -- layers and models of the text ---------------------------------------------------------


def _init_layer(interpreter: Interpreter, owner: Instance, *args: Value, **options: Value) -> None:
    owner.attrs["name"] = options.get("name")
    if "trainable" in options:
        owner.attrs["trainable"] = options["trainable"]
    _keep_input(owner, options)


def _call_own(interpreter: Interpreter, owner: Instance, *args: Value, **options: Value) -> Value:
    """The `call` of a class of the text, after its `build` with the shape of the input."""
    function = owner.cls.find("call")
    if not isinstance(function, Function):
        raise ReadError(f"{owner.cls.name} has no call")
    interpreter.recorder.holds_models = True
    build = owner.cls.find("build")
    if isinstance(build, Function) and BUILT not in owner.attrs:
        owner.attrs[BUILT] = True
        shapes: list[Value] = [(None, *text_shape(x)[1:]) for x in tensors_in(args[:1])]
        single = isinstance(args[0], Tensor)
        interpreter.call(build, [owner, shapes[0] if single else shapes], {})
    if function.node.args.kwarg is None:
        passed_over = CALL_OPTIONS - {*function.positional, *function.keyword_only}
        options = {key: value for key, value in options.items() if key not in passed_over}
    return interpreter.call(function, [owner, *args], options)


def _add_weight(
    interpreter: Interpreter, owner: Instance, *args: Value, **options: Value
) -> Tensor:
    """`add_weight(name, shape)` of Keras 2 or `add_weight(shape)` of Keras 3."""
    given = [value for value in args if not isinstance(value, str)]
    sizes = options.get("shape", given[0] if given else ())
    sizes = tuple(sizes) if isinstance(sizes, tuple | list) else (sizes,)
    shape = tuple(size for size in sizes if isinstance(size, int) and size > 0)
    if shape != sizes:
        raise ReadError(f"add_weight takes sizes that are known, not {brief(sizes)}")
    weight = Tensor(shape, trained=True)
    weight.frozen = options.get("trainable", True) is False or not owner.attrs.get(
        "trainable", True
    )
    name = options.get("name", next((value for value in args if isinstance(value, str)), ""))
    path = interpreter.path(owner)
    weight.owner = f"{path}.{name}" if path and isinstance(name, str) and name else ""
    return weight


def _unknown(text: str) -> NativeFunction:
    return lambda interpreter, *_, **__: Unknown(text, harmless=True)


LAYER = class_of(
    "Layer",
    MODULE,
    __init__=_init_layer,
    forward=_call_own,
    build=no_effect,
    add_weight=_add_weight,
    compute_output_shape=_unknown("an output shape"),
    get_config=lambda interpreter, owner: {},
)


LAYER.names["trainable"] = True


def _init_model(interpreter: Interpreter, owner: Instance, *args: Value, **options: Value) -> None:
    """`Model(inputs, outputs)`; without them, of a class of the text."""
    outputs = options.get("outputs", args[1] if len(args) > 1 else None)
    if outputs is not None:
        tensors = owner.attrs["outputs"] = tensors_in((outputs,))
        owner.attrs["layers"] = (
            Unknown("the layers of a model that holds other models")
            if interpreter.recorder.holds_models
            else layers_behind(interpreter, tensors, LAYER)
        )
    _init_layer(interpreter, owner, **options)


def _build_model(
    interpreter: Interpreter, owner: Instance, input_shape: Value = None, **options: Value
) -> None:
    """`model.build((None, 28, 28, 1))`, which names the input's sizes."""
    if isinstance(input_shape, tuple | list):
        owner.attrs["input_shape"] = tuple(input_shape[1:])


def _call_model(interpreter: Interpreter, owner: Instance, *args: Value, **options: Value) -> Value:
    """A model on unknown data gives an unknown value."""
    data = args[0] if args else None
    if isinstance(data, Unknown):
        return Unknown(f"what a {owner.cls.name} makes of {data.text}")
    if outputs_of(owner):
        raise ReadError("a model that is called like a layer is not read here")
    return _call_own(interpreter, owner, *args, **options)


MODEL = class_of(
    "Model",
    LAYER,
    __init__=_init_model,
    forward=_call_model,
    build=_build_model,
    compile=no_effect,
    summary=no_effect,
    **{
        name: _unknown(f"Model.{name}()")
        for name in ("fit", "evaluate", "predict", "save", "load_weights", "get_layer")
    },
)


def _init_sequential(
    interpreter: Interpreter, owner: Instance, layers: Value = None, **options: Value
) -> None:
    owner.attrs["layers"] = []
    for layer in to_list(interpreter, layers) if layers is not None else ():
        _add(interpreter, owner, layer)


def _add(interpreter: Interpreter, owner: Instance, layer: Value) -> None:
    layers = owner.attrs["layers"]
    if layer is owner:
        raise ReadError("a Sequential cannot hold itself")
    if isinstance(layer, Tensor):
        interpreter.recorder.declares_input = True
    if isinstance(layer, Tensor) or not isinstance(layers, list):
        return  # keras.Input is first among layers
    check_known(layer)
    if not interpreter.is_module(layer):
        raise ReadError(f"Sequential holds {describe(layer)}, which is not a layer")
    layers.append(layer)
    if len(layers) > MAX_ITEMS:
        raise ReadError(f"a Sequential holds more than {MAX_ITEMS:,} layers")


def _call_in_order(
    interpreter: Interpreter, owner: Instance, value: Value = None, **options: Value
) -> Value:
    if isinstance(value, Unknown):
        return _call_model(interpreter, owner, value)
    interpreter.recorder.holds_models = True
    for layer in layers_of(owner):
        value = interpreter.call(layer, [value], {})
    return value


def _pop(interpreter: Interpreter, owner: Instance) -> None:
    layers = owner.attrs["layers"]
    if not isinstance(layers, list) or not layers:
        raise ProgramException("ValueError", "there are no layers in the model")
    layers.pop()


SEQUENTIAL = class_of(
    "Sequential", MODEL, __init__=_init_sequential, forward=_call_in_order, add=_add, pop=_pop
)


def _init_lambda(
    interpreter: Interpreter, owner: Instance, function: Value, *_: Value, **__: Value
) -> None:
    if isinstance(function, str | Unknown):
        text = function if isinstance(function, str) else function.text
        raise ReadError(f"Lambda: {text} is not a function that is known here")
    owner.attrs["function"] = function


def _call_lambda(interpreter: Interpreter, owner: Instance, x: Value, **options: Value) -> Value:
    interpreter.recorder.holds_models = True
    return interpreter.call(owner.attrs["function"], [x], {})


def _input(
    interpreter: Interpreter, shape: Value = None, batch_size: Value = None, **options: Value
) -> Value:
    """`keras.Input((32, 32, 3))`: the tensor of one image, of each input its own."""
    name = options.get("name")
    called = name if isinstance(name, str) else ""
    return interpreter.new_input(_sizes_of(shape, options), called, further=True)


def _sizes_of(shape: Value, options: dict[str, Value]) -> tuple[Value, ...]:
    sizes = _input_sizes(options)
    if sizes is None:
        sizes = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    return sizes


def _init_input(
    interpreter: Interpreter, owner: Instance, shape: Value = None, *_: Value, **options: Value
) -> None:
    interpreter.new_input(_sizes_of(shape, options))


def _unchanged(interpreter: Interpreter, owner: Instance, x: Value) -> Value:
    return x


def _init_concatenate(
    interpreter: Interpreter, owner: Instance, axis: Value = -1, **options: Value
) -> None:
    owner.attrs |= {"axis": axis, "name": options.get("name")}


def _concatenate(
    interpreter: Interpreter, owner: Instance, values: Value, **options: Value
) -> Tensor:
    return concatenate(interpreter, values, owner.attrs["axis"], name=owner.attrs["name"])


@cache
def classes() -> dict[str, Class]:
    """The classes of `keras.layers` and `keras.models` by name."""
    layers = {
        "Layer": LAYER,
        "Model": MODEL,
        "Functional": MODEL,
        "Sequential": SEQUENTIAL,
        "InputLayer": class_of("InputLayer", LAYER, __init__=_init_input, forward=_unchanged),
        "Lambda": class_of("Lambda", LAYER, __init__=_init_lambda, forward=_call_lambda),
    }
    for name, build in (keras.LAYERS | keras.SHARED).items():
        layers[name] = class_of(name, LAYER, __init__=_initializer(name, build), forward=_forward)
    layers["Concatenate"] = class_of(
        "Concatenate", LAYER, __init__=_init_concatenate, forward=_concatenate
    )
    return layers


INPUT = Native("Input", _input)
