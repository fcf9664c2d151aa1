"""A layer's weights as tensors: read, replaced, shared with another layer, left unused."""

from math import prod

from convcli.nets.graph import ALL_WEIGHTS, Network
from convcli.nets.layers import (
    Activation,
    AdaptivePool,
    Concat,
    Conv,
    Identity,
    Layer,
    Linear,
    LocalResponseNorm,
    Merge,
    Norm,
    Pad,
    PixelShuffle,
    Pool,
    PReLU,
    Reshape,
    Shape,
    Shuffle,
    TransposedConv,
    Upsample,
)
from convcli.nets.layers.arguments import cells, count, counts, flag, pads
from convcli.nets.layers.tensor_ops import Unused
from convcli.nets.readers.python.language.conversions import truth
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Instance,
    ModulesDict,
    NativeFunction,
    ReadError,
    Tensor,
    Unknown,
    Value,
    check_known,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.torch import tensor_args
from convcli.nets.readers.python.torch.nn_module import is_keras, parameters, walk

WEIGHTED = (Conv, TransposedConv, Linear, Norm, PReLU)
WEIGHTS = ("weight", "bias", "running_mean", "running_var")
SHARING = (Conv, TransposedConv, Linear)
"""Layers that can take their weights from another layer: they have no statistics of their own."""


APART = ("Lazy", "Upsampling", "Softmax2d")
"""Prefixes of PyTorch classes that differ from the class of their layer."""

RENAMED = "weight_norm"
"""Marks the class of a layer whose weights have other names, such as `weight_g`."""

FIELDS = {
    "kernel_size": "kernel",
    "stride": "stride",
    "padding": "padding",
    "dilation": "dilation",
    "groups": "groups",
    "num_groups": "groups",
    "ceil_mode": "ceil",
}
"""Attributes that change what a layer does, by the field that they change."""


def module_attribute(interpreter: Interpreter, owner: Instance, name: str) -> Value:
    """An attribute that every module has, or a layer's weight as a tensor; otherwise MISSING."""
    if name == "training":
        return False  # a model that is summarized is not in training
    if name == "module" and name in owner.cached:  # of DataParallel
        return owner
    if name == "_modules":
        modules = {key: value for key, value in owner.attrs.items() if interpreter.is_module(value)}
        return ModulesDict(owner, modules)
    if name == "_parameters":
        return dict(parameters(owner))
    if name == "_buffers":
        return {}
    record = owner.leaf.layer if owner.leaf is not None else None
    if record is None or not isinstance(record, WEIGHTED) or name not in WEIGHTS:
        return MISSING
    if name not in owner.shared:
        shapes = weight_shapes(record)
        if name not in shapes:
            return None if name in ("weight", "bias") else MISSING
        path = interpreter.path(owner)
        tensor = Tensor(shapes[name], trained=name in ("weight", "bias"))
        tensor.owner = f"{path}.{name}" if path else ""
        tensor.holder = owner
        owner.shared[name] = tensor
    return owner.shared[name]


def weight_shapes(record: Layer) -> dict[str, Shape]:
    """The shapes of a layer's weights in PyTorch, if its text declares its input."""
    shapes: dict[str, Shape] = {}
    if isinstance(record, Norm):
        size = record.shape or ((record.channels,) if record.channels else ())
        if size and record.vectors:
            shapes["weight"] = size
        if size and record.vectors > 1:
            shapes["bias"] = size
        if size and record.tracked:
            shapes |= {"running_mean": size, "running_var": size}
    elif isinstance(record, PReLU):
        if record.slopes:
            shapes["weight"] = (record.slopes,)
    elif isinstance(record, Linear):
        if record.features:
            shapes["weight"] = (record.outputs, record.features)
        if record.bias:
            shapes["bias"] = (record.outputs,)
    elif isinstance(record, Conv | TransposedConv):
        outer, inner = record.filters, record.channels
        if isinstance(record, TransposedConv):
            outer, inner = record.channels or 0, record.filters
        if record.channels and inner:
            shapes["weight"] = (outer, inner // record.groups, *record.kernel)
        if record.bias:
            shapes["bias"] = (record.filters,)
    return shapes


def unused(record: Layer, without: set[str], roles: tuple[str, ...]) -> Unused | None:
    """The weights of a layer that no node holds; `without` are those that other nodes do.

    Those of `roles` are frozen.
    """
    params = statistics = frozen = 0
    for name, shape in weight_shapes(record).items():
        if name.startswith("running"):
            statistics += prod(shape)
        elif name not in without:
            params += prod(shape)
            frozen += prod(shape) * (name in roles or ALL_WEIGHTS in roles)
    if not (params or statistics):
        return None
    return Unused(f"{record.type}, unused", params, statistics, frozen)


WEIGHTLESS = (
    *(Activation, Pool, AdaptivePool, Reshape, Pad, Upsample, Identity, Shuffle, PixelShuffle),
    LocalResponseNorm,
)
"""Layers that have no weights for any input."""


def parameters_alone(network: Network) -> Network | None:
    """The layers of a network with their weights and without sizes, for an unknown order.

    None if a layer's weights depend on its input.
    """
    nodes = []
    for node in network.nodes:
        layer = node.layer
        if isinstance(layer, Merge | Concat):  # which no text names
            continue
        if isinstance(layer, Unused):
            nodes.append(node._replace(inputs=()))
            continue
        shapes = weight_shapes(layer) if isinstance(layer, WEIGHTED) else {}
        lacks_input = isinstance(layer, Conv | TransposedConv | Linear) and "weight" not in shapes
        if lacks_input or not isinstance(layer, (*WEIGHTED, *WEIGHTLESS)):
            return None
        left = unused(layer, set(), node.frozen) if shapes and not node.owner else None
        alone = (left or Unused(layer.type, 0))._replace(type=layer.type)
        nodes.append(node._replace(layer=alone, inputs=()))
    return Network(tuple(nodes), notes=network.notes)


def set_on_layer(interpreter: Interpreter, owner: Instance, name: str, value: Value) -> bool:
    """Set a layer's own value; return whether it was one of its weights.

    Weights with other values change nothing here: `m.weight = init.kaiming_normal(m.weight)`.
    """
    if name == "trainable" and is_keras(owner):
        _set_trainable(interpreter, owner, truth(interpreter, value))
        return True
    if owner.leaf is None:
        return False
    record = owner.leaf.layer
    if name in FIELDS:
        owner.leaf = owner.leaf._replace(layer=_changed(record, name, value))
    if name not in WEIGHTS:
        return False
    own = module_attribute(interpreter, owner, name)
    if not isinstance(own, Tensor):
        return False
    if value is None and name == "bias" and isinstance(record, SHARING):
        owner.leaf = owner.leaf._replace(layer=record._replace(bias=False))
        owner.shared.pop(name)
        return True
    check_known(value)
    if not isinstance(value, Tensor) or (value.shape != own.shape and name != "weight"):
        raise ReadError(f"a layer is given a {name} of another shape")
    if value.shape != own.shape:
        owner.leaf = owner.leaf._replace(layer=_with_weight(record, value.shape))
        owner.shared.pop(name)
    if value.holder is None and value.trained:
        value.holder = owner
    if value.holder not in (None, owner) and not isinstance(record, SHARING):
        raise ReadError(f"a {record.type} shares the {name} of another layer")
    if value.holder is not None:
        owner.shared[name] = value
    return True


def _with_weight(record: Layer, shape: Shape) -> Layer:
    """A layer whose weight is of another shape: such as one for gray pictures."""
    refusal = ReadError("a layer is given a weight of another shape")
    if not isinstance(record, Conv | Linear) or len(shape) < 2:
        raise refusal
    outer, inner, *kernel = shape
    before = record.filters if isinstance(record, Conv) else record.outputs
    if record.bias and outer != before:
        raise ReadError(f"a layer is given a weight of {outer} rows and has a bias of {before}")
    if isinstance(record, Linear) and not kernel:
        return record._replace(outputs=outer, features=inner)
    if isinstance(record, Conv) and len(kernel) == len(record.kernel):
        channels = inner * record.groups
        return record._replace(filters=outer, channels=channels, kernel=tuple(kernel))
    raise refusal


def _set_trainable(interpreter: Interpreter, owner: Instance, trainable: bool) -> None:
    """Set Keras's `trainable` of a layer and of all layers inside it."""
    inside = [module for _, module in walk(owner)]
    for module in (*inside, *_layers_behind(interpreter, owner)):
        module.attrs["trainable"] = trainable
        for _, tensor in parameters(module):
            tensor.frozen = not trainable
        interpreter.tick()


def _layers_behind(interpreter: Interpreter, model: Instance) -> list[Instance]:
    """The layers between the inputs and the outputs of a `Model(inputs, outputs)`."""
    recorder, outputs = interpreter.recorder, model.attrs.get("outputs")
    if not isinstance(outputs, list):
        return []
    needed = {recorder.node_name(tensor) for tensor in outputs if isinstance(tensor, Tensor)}
    for node in reversed(recorder.builder.nodes):
        if node.name in needed:
            needed.update((*node.inputs, node.owner))
    layers = recorder.applied.values()
    return [
        layer for layer in layers if recorder.builder.first_name(interpreter.leaf(layer)) in needed
    ]


def frozen_roles(owner: Instance) -> tuple[str, ...]:
    """The roles of a layer's weights that are not trained."""
    if is_keras(owner) and owner.attrs.get("trainable") is False:
        return (ALL_WEIGHTS,)
    return tuple(role for role, tensor in owner.shared.items() if tensor.frozen)


def _changed(record: Layer, name: str, value: Value) -> Layer:
    """A layer with one attribute replaced, as `conv.stride = (1, 1)` does."""
    if not hasattr(record, FIELDS[name]):
        return record
    if isinstance(value, Unknown):
        text = f"{name} of a layer is set to {value.text}, which is not known here"
        raise ReadError(text, value.where)
    field = FIELDS[name]
    if field == "groups" and isinstance(record, Conv | TransposedConv | Norm | Shuffle):
        return record._replace(groups=count(value, name))
    if field == "ceil" and isinstance(record, Pool):
        return record._replace(ceil=flag(value, name))
    if field == "padding" and isinstance(record, Pad):
        return record._replace(padding=cells(value, len(record.padding), name))
    if isinstance(record, Conv | TransposedConv | Pool):
        axes = len(record.kernel)
        if field == "padding":
            sides = pads(value, axes)
            if isinstance(record, Conv):
                return record._replace(padding=sides, padding_named=False)
            return record._replace(padding=sides)
        sizes = counts(value, axes, name)
        if field == "kernel":
            return record._replace(kernel=sizes)
        return (
            record._replace(stride=sizes) if field == "stride" else record._replace(dilation=sizes)
        )
    return record


def weight_norm(
    interpreter: Interpreter, module: Value, name: Value = "weight", dim: Value = 0
) -> Value:
    """`weight_norm(layer)`: the weights' lengths become a parameter of their own."""
    if isinstance(module, Instance) and name == "weight":
        weight = interpreter.attribute(module, "weight")
        if isinstance(weight, Tensor):
            kept = -1 if dim is None else tensor_args.axis(dim, len(weight.shape))
            lengths = tuple(n if index == kept else 1 for index, n in enumerate(weight.shape))
            module.attrs["weight_g"] = Tensor(lengths, trained=True)
    return module


def parametrized(
    kind: str,
    change: NativeFunction | None,
    /,
    interpreter: Interpreter,
    module: Value,
    *args: Value,
    **options: Value,
) -> Value:
    """`parametrizations.weight_norm(layer)` and others: PyTorch changes the layer's class."""
    if change is not None:
        change(interpreter, module, *args, **options)
    if isinstance(module, Instance):
        module.attrs["parametrizations"] = kind
    return module


def spectral_norm(interpreter: Interpreter, module: Value, *_: Value, **__: Value) -> Value:
    """`spectral_norm(layer)`: its weights are a parameter of another name."""
    if isinstance(module, Instance):
        module.attrs["weight_u"] = None
    return module


def plain_again(interpreter: Interpreter, module: Value, *_: Value, **__: Value) -> Value:
    """`remove_weight_norm(layer)` and similar functions: the weights are one parameter again."""
    if isinstance(module, Instance):
        for name in ("weight_g", "weight_u", "parametrizations"):
            module.attrs.pop(name, None)
    return module


def class_beside(owner: Instance) -> str:
    """The class of a layer, for tools that go by class; "" for its layer's own class.

    A layer that is normalized in the old way keeps its class; its weights have other names.
    """
    name = owner.cls.name
    if "parametrizations" in owner.attrs:
        return f"{owner.attrs['parametrizations']}{name}"
    if "weight_g" in owner.attrs or "weight_u" in owner.attrs:
        return RENAMED
    return name if owner.cls.own or name.startswith(APART) else ""


def parameter(
    interpreter: Interpreter, data: Value = None, requires_grad: Value = True, **_: Value
) -> Tensor:
    """`nn.Parameter(torch.zeros(…))`."""
    check_known(data)
    if isinstance(data, int | float):
        data = Tensor(())
    tensor = Tensor(tensor_args.to_tensor(data).shape, trained=True)
    tensor.frozen = not truth(interpreter, requires_grad)
    return tensor
