"""The classes of `torch.nn`: its layers, by the records they build, and its containers."""

from functools import cache

from convcli.callsyntax import brief
from convcli.errors import SpecError
from convcli.nets.graph import Leaf
from convcli.nets.layers import Conv, Identity, Linear, TransposedConv
from convcli.nets.layers.arguments import count
from convcli.nets.layers.tensor_ops import Free
from convcli.nets.readers.python.language.conversions import truth
from convcli.nets.readers.python.language.objects import (
    Class,
    Instance,
    Native,
    NativeFunction,
    ProgramException,
    ReadError,
    ShapeMismatch,
    StaticMethod,
    Tensor,
    TensorFunction,
    Unknown,
    Value,
    class_of,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.torch import functional, shape_ops, tensor_args
from convcli.nets.readers.python.torch.nn_module import MODULE, MODULE_DICT, MODULE_LIST, SEQUENTIAL
from convcli.nets.readers.python.torch.nn_recurrent import GATES, recurrent
from convcli.nets.readers.python.torch.nn_weights import module_attribute
from convcli.nets.readers.vocabulary import torch
from convcli.nets.readers.vocabulary.registry import checked, defaults, parameters

PARENTS = {
    "Conv": "_ConvNd",
    "ConvTranspose": "_ConvTransposeNd",
    "BatchNorm": "_BatchNorm",
    "InstanceNorm": "_InstanceNorm",
    "MaxPool": "_MaxPoolNd",
    "AvgPool": "_AvgPoolNd",
    "AdaptiveAvgPool": "_AdaptiveAvgPoolNd",
    "AdaptiveMaxPool": "_AdaptiveMaxPoolNd",
    "Dropout": "_DropoutNd",
}
"""Classes of `torch.nn.modules` that layers are derived from, by the beginning of their names."""


UNREAD = {
    **dict.fromkeys(("Softmax", "LogSoftmax", "Softmin"), ("dim",)),
    "Identity": (),
}
"""Arguments of layers that are kept only as attributes."""


def _initializer(name: str) -> NativeFunction:
    """The `__init__` of a layer: it builds the record, and keeps the arguments as attributes."""
    build = torch.LAYERS[name]
    # not inspect.signature().bind(): with its import, 20 ms for a network of 900 layers
    names, usual = parameters(build), defaults(build)
    kept = [key for key in names if key not in ("bias", "device", "dtype")]
    if not names:  # layers whose arguments change no shape
        names = UNREAD.get(name.rstrip("d").rstrip("123"), ("inplace",))
        usual = {"p": 0.5, "inplace": False}
        kept = list(names)

    def init(interpreter: Interpreter, owner: Instance, *args: Value, **options: Value) -> None:
        for value in (*args, *options.values()):
            if isinstance(value, Unknown) and not value.harmless and "dtype" not in value.text:
                raise value.error()
        args = tuple(_plain(value) for value in args)
        options = {key: _plain(value) for key, value in options.items()}
        record = checked(build, name, args, options)
        if isinstance(record, Linear):
            record = record._replace(over="axis")
        owner.leaf = Leaf(record, "", interpreter.location(declared=True))
        given = {**usual, **dict(zip(names, args, strict=False)), **options}
        for key in kept:
            owner.attrs.setdefault(key, given.get(key))
        if isinstance(record, Conv | TransposedConv):
            owner.attrs |= {
                "kernel_size": record.kernel,
                "stride": record.stride,
                "dilation": record.dilation,
                "transposed": isinstance(record, TransposedConv),
            }
            if not isinstance(owner.attrs.get("padding"), str):
                owner.attrs["padding"] = tuple(sides[0] for sides in record.padding)

    return init


def _plain(value: Value) -> Value:
    """The argument for a layer's builder: a constant as its number, an unknown value as None."""
    if isinstance(value, Tensor) and value.number is not None:
        return value.number
    return None if isinstance(value, Unknown) else value


def _forward(interpreter: Interpreter, owner: Instance, *args: Value, **options: Value) -> Value:
    """A layer's `forward`."""
    if owner.leaf is None:
        raise ReadError(f"{owner.cls.name} is called before its __init__")
    if not args and "input" in options:
        args = (options.pop("input"),)
    sized = isinstance(owner.leaf.layer, TransposedConv)  # takes the size of its output too
    if len(args) > 1 + sized:
        raise ProgramException("TypeError", f"{owner.cls.name} takes one value, not {len(args)}")
    for name in options:
        if name != "output_size" or not sized:
            raise ProgramException(
                "TypeError", f"{owner.cls.name} takes no {brief(name)} when it is called"
            )
    x = tensor_args.to_tensor(args[0] if args else None)
    leaf = interpreter.leaf(owner)
    interpreter.recorder.applied[id(owner)] = owner
    if isinstance(leaf.layer, Identity):
        return interpreter.recorder.append(leaf.layer, [x], x.shape, leaf=leaf) if x.node else x
    size = options.get("output_size", args[1] if len(args) > 1 else None)
    if isinstance(leaf.layer, TransposedConv) and size is not None:
        leaf = _with_output_size(interpreter, leaf, leaf.layer, x, size)
    if owner.shared and any(tensor.holder is not owner for tensor in owner.shared.values()):
        values = [module_attribute(interpreter, owner, name) for name in ("weight", "bias")]
        weights = [value for value in values if isinstance(value, Tensor)]
        output = interpreter.recorder.apply(leaf._replace(layer=Free(leaf.layer)), x, weights)
    else:
        output = interpreter.recorder.apply(leaf, x)
    lengths = owner.attrs.get("weight_g")  # of weight normalization, a parameter more
    if isinstance(lengths, Tensor):
        record = Free(Identity("weight_norm"))
        change = Leaf(record, module=leaf.module)
        output = interpreter.recorder.append(record, [output, lengths], output.shape, leaf=change)
    if owner.attrs.get("return_indices"):
        return output, Tensor(output.shape, output.node)
    return output


def _with_output_size(
    interpreter: Interpreter, leaf: Leaf, record: TransposedConv, x: Tensor, size: Value
) -> Leaf:
    """A transposed convolution with the `output_padding` that gives an output size."""
    wanted = tensor_args.to_sizes((size,))[-len(record.kernel) :]
    plain = record._replace(extra=(0,) * len(record.kernel))
    lengths = plain.measure(x.shape[1:]).output[1:]
    extra = tuple(want - got for want, got in zip(wanted, lengths, strict=True))
    if any(not 0 <= more < max(step, 1) for more, step in zip(extra, record.stride, strict=True)):
        raise ShapeMismatch(
            f"output_size={brief(tuple(wanted))} is not within reach of {brief(lengths)}"
        )
    interpreter.recorder.size_dependent = True
    padded = leaf._replace(layer=record._replace(extra=extra))
    interpreter.recorder.builder.share(padded, leaf)
    return padded


def _embedding(
    interpreter: Interpreter,
    owner: Instance,
    num_embeddings: Value,
    embedding_dim: Value,
    *_: Value,
    **__: Value,
) -> None:
    shape = count(num_embeddings, "num_embeddings"), count(embedding_dim, "embedding_dim")
    owner.attrs |= {"num_embeddings": shape[0], "embedding_dim": shape[1]}
    owner.attrs["weight"] = Tensor(shape, trained=True)


def _embedded(interpreter: Interpreter, owner: Instance, x: Value) -> Value:
    return functional.embedding(interpreter, x, owner.attrs["weight"])


def _pretrained(
    interpreter: Interpreter, embeddings: Value, freeze: Value = True, *_: Value, **__: Value
) -> Instance:
    """`nn.Embedding.from_pretrained`: rows of a table, frozen unless said otherwise."""
    table = tensor_args.to_tensor(embeddings)
    if len(table.shape) != 2:
        raise ShapeMismatch(f"an embedding of {brief(table.shape)}, which is no table")
    owner = Instance(EMBEDDING)
    _embedding(interpreter, owner, *table.shape)
    weight = owner.attrs["weight"]
    assert isinstance(weight, Tensor)
    weight.frozen = truth(interpreter, freeze)
    return owner


EMBEDDING = class_of("Embedding", MODULE, __init__=_embedding, forward=_embedded)
EMBEDDING.names["from_pretrained"] = StaticMethod(Native("from_pretrained", _pretrained))


def _any_convolution(
    interpreter: Interpreter,
    owner: Instance,
    in_channels: Value,
    out_channels: Value,
    kernel_size: Value,
    stride: Value,
    padding: Value,
    dilation: Value,
    transposed: Value,
    output_padding: Value,
    groups: Value = 1,
    bias: Value = True,
    padding_mode: Value = "zeros",
    *_: Value,
    **__: Value,
) -> None:
    """`_ConvNd.__init__`, where the kernel gives the number of axes."""
    if not isinstance(kernel_size, tuple | list) or transposed:
        raise ReadError("_ConvNd of a kernel that is not a tuple, or transposed, is not read here")
    sizes = in_channels, out_channels, kernel_size, stride, padding, dilation
    initialize = _initializer(f"Conv{len(kernel_size)}d")
    initialize(interpreter, owner, *sizes, groups, bias, padding_mode)


def _convolved(
    interpreter: Interpreter,
    owner: Instance,
    x: Value,
    weight: Value,
    bias: Value = None,
) -> Value:
    """`_ConvNd._conv_forward`: the layer's convolution with other weights."""
    kernel = owner.attrs["kernel_size"]
    axes = len(kernel) if isinstance(kernel, tuple) else 2
    settings = [owner.attrs[name] for name in ("stride", "padding", "dilation", "groups")]
    return functional.convolution(axes, interpreter, x, weight, bias, *settings)


def _reshaping(name: str) -> Class:
    """`nn.Flatten` and `nn.Unflatten`: layers where they keep the batch, else functions."""
    initialize, reshape = _initializer(name), RESHAPES[name]

    def init(interpreter: Interpreter, owner: Instance, *args: Value, **options: Value) -> None:
        try:
            initialize(interpreter, owner, *args, **options)
        except SpecError:
            named = {**dict(zip(parameters(torch.LAYERS[name]), args, strict=False)), **options}
            axis = next(iter(named.values()), 1)
            if type(axis) is not int or (name == "Unflatten" and axis == 1):
                raise  # no axis that a record does not know
            owner.attrs["values"] = named

    def forward(interpreter: Interpreter, owner: Instance, x: Value) -> Value:
        if owner.leaf is not None:
            return _forward(interpreter, owner, x)
        values = owner.attrs["values"]
        assert isinstance(values, dict)
        return reshape(interpreter, x, *values.values())

    return class_of(name, MODULE, __init__=init, forward=forward)


RESHAPES: dict[str, TensorFunction] = {
    "Flatten": shape_ops.flatten,
    "Unflatten": shape_ops.unflatten,
}
"""Functions for layers that do more than a record says."""


@cache
def classes() -> dict[str, Class]:
    """The classes of `torch.nn` by name."""
    parents = {name: class_of(name, MODULE) for name in (*PARENTS.values(), "_NormBase")}
    parents["_ConvNd"] = class_of(
        "_ConvNd",
        MODULE,
        __init__=_any_convolution,
        forward=_forward,
        _conv_forward=_convolved,
    )
    for name, usual in (("_BatchNorm", "SyncBatchNorm"), ("_InstanceNorm", "InstanceNorm2d")):
        parents[name] = class_of(name, MODULE, __init__=_initializer(usual), forward=_forward)
    layers: dict[str, Class] = {
        "Module": MODULE,
        "Sequential": SEQUENTIAL,
        "ModuleList": MODULE_LIST,
        "ModuleDict": MODULE_DICT,
        "ParameterList": class_of("ParameterList", MODULE_LIST),
        "ParameterDict": class_of("ParameterDict", MODULE_DICT),
        "Embedding": EMBEDDING,
        **{name: recurrent(name, gates) for name, gates in GATES.items()},
        **parents,
    }
    for name in torch.LAYERS:
        stem = name.rstrip("d").rstrip("123").removeprefix("Lazy")
        base = parents[PARENTS[stem]] if stem in PARENTS else MODULE
        layers[name] = class_of(name, base, __init__=_initializer(name), forward=_forward)
        layers[name].names["__parameters__"] = parameters(torch.LAYERS[name])
    return layers | {name: _reshaping(name) for name in RESHAPES}
