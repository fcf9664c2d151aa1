"""The classes of `torch.nn`: its layers, by the records they build; those that hold others."""

from collections.abc import Callable
from functools import cache
from typing import Any

from convcli.callsyntax import shown
from convcli.nets.graph import Leaf
from convcli.nets.layers import Conv, Identity, Linear, TransposedConv
from convcli.nets.layers.arguments import count
from convcli.nets.layers.tensor_ops import Free
from convcli.nets.readers.python.language.objects import (
    Class,
    Halt,
    Object,
    Raised,
    Tensor,
    Unfit,
    Unknown,
    class_of,
)
from convcli.nets.readers.python.torch import functional, tensor_args
from convcli.nets.readers.python.torch.nn_module import MODULE, MODULE_DICT, MODULE_LIST, SEQUENTIAL
from convcli.nets.readers.python.torch.nn_recurrent import GATES, recurrent
from convcli.nets.readers.python.torch.nn_weights import module_attribute
from convcli.nets.readers.vocabulary import torch
from convcli.nets.readers.vocabulary.registry import checked

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
    **dict.fromkeys(("Dropout", "AlphaDropout", "FeatureAlphaDropout"), ("p", "inplace")),
    **dict.fromkeys(("Softmax", "LogSoftmax", "Softmin"), ("dim",)),
    "Identity": (),
}
"""The values of layers that are kept as attributes alone."""


def _building(name: str) -> Callable[..., Any]:
    build = torch.LAYERS[name]
    # not inspect.signature().bind(): with its import, 20 ms for a network of 900 layers
    names, given = _parameters_of(build), build.__defaults__ or ()
    defaults = dict(zip(names[len(names) - len(given) :], given, strict=True))
    kept = [key for key in names if key not in ("bias", "device", "dtype")]
    if not names:  # layers whose values change no shape
        names = UNREAD.get(name.rstrip("d").rstrip("123"), ("inplace",))
        defaults = {"p": 0.5, "inplace": False}
        kept = list(names)

    def init(machine: Any, owner: Object, *args: Any, **options: Any) -> None:
        for one in (*args, *options.values()):
            if isinstance(one, Unknown) and not one.harmless and "dtype" not in one.text:
                raise machine.unknown(one)
        args = tuple(_value(one) for one in args)
        options = {key: _value(one) for key, one in options.items()}
        record = checked(build, name, list(args), options)
        if isinstance(record, Linear):
            record = record._replace(over="axis")
        owner.leaf = Leaf(record, "", machine.here(declared=True))
        given = {**defaults, **dict(zip(names, args, strict=False)), **options}
        for key in kept:
            owner.attrs.setdefault(key, given.get(key))
        kernel = getattr(record, "kernel", None)
        if isinstance(record, Conv | TransposedConv):
            owner.attrs |= {
                "kernel_size": kernel,
                "stride": record.stride,
                "dilation": record.dilation,
                "transposed": isinstance(record, TransposedConv),
            }
            if not isinstance(owner.attrs.get("padding"), str):
                owner.attrs["padding"] = tuple(one[0] for one in record.padding)

    return init


def _parameters_of(build: Callable[..., Any]) -> tuple[str, ...]:
    return build.__code__.co_varnames[: build.__code__.co_argcount]


def _value(value: Any) -> Any:
    """What a layer's builder reads: a constant by its number, anything unknown by nothing."""
    if isinstance(value, Tensor) and value.number is not None:
        return value.number
    return None if isinstance(value, Unknown) else value


def _applied(machine: Any, owner: Object, *args: Any, **options: Any) -> Any:
    """A layer's `forward`."""
    if owner.leaf is None:
        raise Halt(f"{owner.cls.name} is called before its __init__")
    if not args and "input" in options:
        args = (options.pop("input"),)
    more = isinstance(owner.leaf.layer, TransposedConv)
    if len(args) > 1 + more:
        raise Raised("TypeError", f"{owner.cls.name} takes one value, not {len(args)}")
    for name in options:
        if name != "output_size" or not more:
            raise Raised("TypeError", f"{owner.cls.name} takes no {shown(name)} when it is called")
    x = tensor_args.tensor_of(machine, args[0] if args else None)
    leaf = machine.leaf(owner)
    if isinstance(leaf.layer, Identity):
        return machine.tape.put(leaf.layer, [x], x.shape, leaf=leaf) if x.node else x
    size = options.get("output_size", args[1] if len(args) > 1 else None)
    if isinstance(leaf.layer, TransposedConv) and size is not None:
        leaf = _stretched(machine, leaf, x, size)
    if owner.shared and any(tensor.holder is not owner for tensor in owner.shared.values()):
        each = [module_attribute(machine, owner, name) for name in ("weight", "bias")]
        weights = [one for one in each if isinstance(one, Tensor)]
        made = machine.tape.apply(leaf._replace(layer=Free(leaf.layer)), x, weights)
    else:
        made = machine.tape.apply(leaf, x)
    if "weight_g" in owner.attrs:  # weight normalisation's lengths, a parameter more
        inputs = [made, owner.attrs["weight_g"]]
        made = machine.tape.put(Free(Identity("weight_norm")), inputs, made.shape)
    if owner.attrs.get("return_indices"):
        return made, Tensor(made.shape, made.node)
    return made


def _stretched(machine: Any, leaf: Leaf, x: Tensor, size: Any) -> Leaf:
    """A transposed convolution with the `output_padding` that gives the size asked for."""
    record: Any = leaf.layer
    wanted = tensor_args.sizes_of(machine, (size,))[-len(record.kernel) :]
    plain = record._replace(extra=(0,) * len(record.kernel))
    lengths = plain.measure(x.shape[1:]).output[1:]
    extra = tuple(want - got for want, got in zip(wanted, lengths, strict=True))
    if any(not 0 <= more < max(step, 1) for more, step in zip(extra, record.stride, strict=True)):
        raise Unfit(f"output_size={shown(tuple(wanted))} is not within reach of {shown(lengths)}")
    machine.looked()
    made = leaf._replace(layer=record._replace(extra=extra))
    machine.tape.builder.share(made, leaf)
    return made


def _embedding(
    machine: Any, owner: Object, num_embeddings: Any, embedding_dim: Any, *_: Any, **__: Any
) -> None:
    shape = count(num_embeddings, "num_embeddings"), count(embedding_dim, "embedding_dim")
    owner.attrs |= {"num_embeddings": shape[0], "embedding_dim": shape[1]}
    owner.attrs["weight"] = Tensor(shape, trained=True)


def _embedded(machine: Any, owner: Object, x: Any) -> Any:
    return functional.embedding(machine, x, owner.attrs["weight"])


@cache
def classes() -> dict[str, Class]:
    """The classes of `torch.nn` by name."""
    parents = {name: class_of(name, MODULE) for name in (*PARENTS.values(), "_NormBase")}
    found: dict[str, Class] = {
        "Module": MODULE,
        "Sequential": SEQUENTIAL,
        "ModuleList": MODULE_LIST,
        "ModuleDict": MODULE_DICT,
        "ParameterList": class_of("ParameterList", MODULE_LIST),
        "ParameterDict": class_of("ParameterDict", MODULE_DICT),
        "Embedding": class_of("Embedding", MODULE, __init__=_embedding, forward=_embedded),
        **{name: recurrent(name, gates) for name, gates in GATES.items()},
        **parents,
    }
    for name in torch.LAYERS:
        stem = name.rstrip("d").rstrip("123").removeprefix("Lazy")
        base = parents[PARENTS[stem]] if stem in PARENTS else MODULE
        found[name] = class_of(name, base, __init__=_building(name), forward=_applied)
        found[name].names["__parameters__"] = _parameters_of(torch.LAYERS[name])
    return found
