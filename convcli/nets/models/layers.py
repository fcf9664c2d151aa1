"""The classes of `torch.nn` that are layers, and what else it offers to models."""

from collections.abc import Callable
from functools import cache
from typing import Any

from convcli.calls import shown
from convcli.nets.layers import (
    Conv,
    Identity,
    Linear,
    Norm,
    PReLU,
    TransposedConv,
)
from convcli.nets.models import arithmetic, functional, shaping, tensors
from convcli.nets.models.modules import (
    MODULE,
    MODULE_DICT,
    MODULE_LIST,
    SEQUENTIAL,
    no_effect,
    parameters,
)
from convcli.nets.models.values import (
    MISSING,
    Class,
    ClassMethod,
    Halt,
    Native,
    Object,
    Static,
    Tensor,
    Unfit,
    Unknown,
)
from convcli.nets.network import Leaf
from convcli.nets.operations import Free, Unused
from convcli.nets.readers import torch
from convcli.nets.readers.values import count
from convcli.nets.readers.vocabulary import checked

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
    code, given_defaults = build.__code__, build.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount]
    defaults = dict(zip(names[len(names) - len(given_defaults) :], given_defaults, strict=True))
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


def _parameters_of(name: str) -> tuple[str, ...]:
    code = torch.LAYERS[name].__code__
    return code.co_varnames[: code.co_argcount]


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
    x = tensors.tensor_of(machine, args[0] if args else None)
    if isinstance(owner.leaf.layer, Identity):
        return x
    leaf = machine.leaf(owner)
    size = options.get("output_size", args[1] if len(args) > 1 else None)
    if isinstance(leaf.layer, TransposedConv) and size is not None:
        leaf = _stretched(machine, leaf, x, size)
    if any(tensor.holder is not owner for tensor in owner.shared.values()):
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
    wanted = tensors.sizes_of(machine, (size,))[-len(record.kernel) :]
    plain = record._replace(extra=(0,) * len(record.kernel))
    lengths = plain.measure(x.shape[1:]).output[1:]
    extra = tuple(want - got for want, got in zip(wanted, lengths, strict=True))
    if any(not 0 <= more < max(step, 1) for more, step in zip(extra, record.stride, strict=True)):
        raise Unfit(f"output_size={shown(tuple(wanted))} is not within reach of {shown(lengths)}")
    machine.looked()
    made = leaf._replace(layer=record._replace(extra=extra))
    machine.tape.builder.share(made, leaf)
    return made


def _unpooled(machine: Any, owner: Object, x: Any, indices: Any, output_size: Any = None) -> Any:
    return arithmetic.unpool(machine, x, indices, output_size=output_size, **owner.attrs)


def _keeping(*names: str) -> Callable[..., Any]:
    """An `__init__` that keeps its values under these names."""

    def init(machine: Any, owner: Object, *args: Any, **options: Any) -> None:
        owner.attrs |= dict(zip(names, args, strict=False)) | options

    return init


def _with_weights(name: str, shape_of: Callable[..., Any]) -> dict[str, Any]:
    def init(machine: Any, owner: Object, *args: Any, **options: Any) -> None:
        for key, shape in shape_of(*args, **options).items():
            owner.attrs[key] = Tensor(shape, trained=True)

    return {"__init__": Native(name, init)}


def _embed(machine: Any, owner: Object, x: Any) -> Any:
    return functional.embedding(machine, x, owner.attrs["weight"])


def _embedding(num_embeddings: Any, embedding_dim: Any, *_: Any, **__: Any) -> dict[str, Any]:
    return {"weight": (count(num_embeddings, "num_embeddings"), count(embedding_dim, "dim"))}


def _recurrent(gates: int) -> Callable[..., Any]:
    def shapes(
        input_size: Any,
        hidden_size: Any,
        num_layers: Any = 1,
        bias: Any = True,
        batch_first: Any = False,
        dropout: Any = 0.0,
        bidirectional: Any = False,
        proj_size: Any = 0,
        **_: Any,
    ) -> dict[str, Any]:
        if proj_size:
            raise Halt("a recurrent layer with proj_size is not read here")
        found: dict[str, Any] = {}
        inner, hidden = count(input_size, "input_size"), count(hidden_size, "hidden_size")
        ways = 2 if bidirectional else 1
        for level in range(count(num_layers, "num_layers")):
            for way in ("", "_reverse")[:ways]:
                found[f"weight_ih_l{level}{way}"] = (gates * hidden, inner)
                found[f"weight_hh_l{level}{way}"] = (gates * hidden, hidden)
                if bias:
                    found[f"bias_ih_l{level}{way}"] = (gates * hidden,)
                    found[f"bias_hh_l{level}{way}"] = (gates * hidden,)
            inner = hidden * ways
        return found

    return shapes


def _recurrent_init(gates: int) -> Callable[..., Any]:
    shapes = _recurrent(gates)

    def init(machine: Any, owner: Object, *args: Any, **options: Any) -> None:
        for key, shape in shapes(*args, **options).items():
            owner.attrs[key] = Tensor(shape, trained=True)
        names = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout")
        given = dict(zip((*names, "bidirectional"), args, strict=False)) | options
        owner.attrs |= {
            "hidden_size": given["hidden_size"],
            "num_layers": given.get("num_layers", 1),
            "batch_first": bool(given.get("batch_first", False)),
            "bidirectional": bool(given.get("bidirectional", False)),
        }

    return init


def _recur(gates: int) -> Callable[..., Any]:
    def forward(machine: Any, owner: Object, x: Any, *_: Any) -> Any:
        x = tensors.tensor_of(machine, x)
        ways = 2 if owner.attrs["bidirectional"] else 1
        gives = (*x.shape[:-1], owner.attrs["hidden_size"] * ways)
        weights = [tensor for _, tensor in parameters(owner)]
        steps = 1
        for length in x.shape[:-1]:
            steps *= length
        macs = steps * sum(one.shape[0] * one.shape[1] for one in weights if len(one.shape) == 2)
        record_name = {1: "rnn", 3: "gru", 4: "lstm"}[gates]
        made = tensors.operation(machine, record_name, [x, *weights], gives, macs=macs)
        batch = x.shape[0] if owner.attrs["batch_first"] else x.shape[-2]
        hidden = (owner.attrs["num_layers"] * ways, batch, owner.attrs["hidden_size"])
        state = Tensor(hidden, made.node)
        return made, (state, Tensor(hidden, made.node)) if gates == 4 else state

    return forward


WEIGHTED = (Conv, TransposedConv, Linear, Norm, PReLU)
WEIGHTS = ("weight", "bias", "running_mean", "running_var")
SHARING = (Conv, TransposedConv, Linear)
"""What can take its weights from another layer: it has no statistics of its own beside them."""


class Modules(dict[str, Any]):
    """`self._modules`: what is put in is the module's."""

    def __init__(self, owner: Object, held: dict[str, Any]) -> None:
        super().__init__(held)
        self.owner = owner


def module_attribute(machine: Any, owner: Object, name: str) -> Any:
    """What every module has, and a layer's weights as tensors; MISSING for what it has not."""
    if name == "training":
        return False  # a model that is looked at is not in training
    if name == "_modules":
        return Modules(owner, {k: one for k, one in owner.attrs.items() if machine.is_module(one)})
    if name == "_parameters":
        return dict(parameters(owner))
    if name == "_buffers":
        return {}
    held = owner.leaf.layer if owner.leaf is not None else None
    if not isinstance(held, WEIGHTED) or name not in WEIGHTS:
        return MISSING
    if name not in owner.shared:
        shapes = weight_shapes(held)
        if name not in shapes:
            return None if name in ("weight", "bias") else MISSING
        path = machine.path(owner)
        tensor = Tensor(shapes[name], trained=name in ("weight", "bias"))
        tensor.owner = f"{path}.{name}" if path else ""
        tensor.holder = owner
        owner.shared[name] = tensor
    return owner.shared[name]


def weight_shapes(record: Any) -> dict[str, tuple[int, ...]]:
    """The shapes of a layer's weights, as PyTorch holds them, where its text declares its input."""
    found: dict[str, tuple[int, ...]] = {}
    if isinstance(record, Conv) and record.channels:
        found["weight"] = (record.filters, record.channels // record.groups, *record.kernel)
    elif isinstance(record, TransposedConv) and record.channels:
        found["weight"] = (record.channels, record.filters // record.groups, *record.kernel)
    elif isinstance(record, Linear) and record.features:
        found["weight"] = (record.outputs, record.features)
    elif isinstance(record, Norm):
        size = record.shape or ((record.channels,) if record.channels else ())
        if size and record.vectors:
            found["weight"] = size
        if size and record.vectors > 1:
            found["bias"] = size
        if size and record.tracked:
            found |= {"running_mean": size, "running_var": size}
        return found
    elif isinstance(record, PReLU) and record.slopes:
        found["weight"] = (record.slopes,)
        return found
    if getattr(record, "bias", False):
        found["bias"] = (getattr(record, "filters", 0) or record.outputs,)
    return found


def unused(record: Any, without: set[str]) -> Unused | None:
    """The weights of a layer that no node holds; `without` are those that other nodes do."""
    shapes = weight_shapes(record)
    params = statistics = 0
    for name, shape in shapes.items():
        size = 1
        for length in shape:
            size *= length
        if name.startswith("running"):
            statistics += size
        elif name not in without:
            params += size
    return Unused(f"{record.type}, unused", params, statistics) if params or statistics else None


@cache
def classes() -> dict[str, Class]:
    """The classes of `torch.nn` by name."""
    parents = {name: Class(name, (MODULE,)) for name in (*PARENTS.values(), "_NormBase")}
    found: dict[str, Class] = {
        "Module": MODULE,
        "Sequential": SEQUENTIAL,
        "ModuleList": MODULE_LIST,
        "ModuleDict": MODULE_DICT,
        "ParameterList": Class("ParameterList", (MODULE_LIST,)),
        "ParameterDict": Class("ParameterDict", (MODULE_DICT,)),
        **parents,
    }
    for name in torch.LAYERS:
        stem = name.rstrip("d").rstrip("123").removeprefix("Lazy")
        base = parents[PARENTS[stem]] if stem in PARENTS else MODULE
        found[name] = Class(
            name,
            (base,),
            {
                "__init__": Native(name, _building(name)),
                "forward": Native("forward", _applied),
                "__parameters__": _parameters_of(name),
            },
        )
    found["Embedding"] = Class(
        "Embedding",
        (MODULE,),
        {**_with_weights("Embedding", _embedding), "forward": Native("forward", _embed)},
    )
    for name, gates in {"RNN": 1, "GRU": 3, "LSTM": 4}.items():
        found[name] = Class(
            name,
            (MODULE,),
            {
                "__init__": Native(name, _recurrent_init(gates)),
                "forward": Native("forward", _recur(gates)),
                "flatten_parameters": Native("flatten_parameters", no_effect),
            },
        )
    found["MaxUnpool2d"] = Class(
        "MaxUnpool2d",
        (MODULE,),
        {
            "__init__": Native("MaxUnpool2d", _keeping("kernel_size", "stride", "padding")),
            "forward": Native("forward", _unpooled),
        },
    )
    found["Unfold"] = Class(
        "Unfold",
        (MODULE,),
        {
            "__init__": Native("Unfold", _keeping("kernel_size", "dilation", "padding", "stride")),
            "forward": Native(
                "forward", lambda machine, owner, x: shaping.unfold(machine, x, **owner.attrs)
            ),
        },
    )
    found["GLU"] = Class(
        "GLU",
        (MODULE,),
        {"__init__": Native("GLU", _keeping("dim")), "forward": Native("forward", _gated)},
    )
    return found


def _gated(machine: Any, owner: Object, x: Any) -> Any:
    first, second = shaping.chunk(machine, x, 2, owner.attrs.get("dim", -1))
    return arithmetic.binary(
        machine, "multiply", first, arithmetic.elementwise("sigmoid")(machine, second)
    )


def _autograd(machine: Any, cls: Class, *args: Any) -> Any:
    """`Function.apply(x)`: its forward, with a context that takes anything."""
    run = cls.find("forward")
    if isinstance(run, Static):
        run = run.function
    return machine.call(run, [Object(CONTEXT), *args], {})


CONTEXT = Class("Context", (), {"save_for_backward": Native("save_for_backward", no_effect)})
AUTOGRAD = Class("Function", (), {"apply": ClassMethod(Native("apply", _autograd))})


def _distribution(machine: Any, owner: Object, loc: Any, scale: Any, **_: Any) -> None:
    owner.attrs |= {"loc": loc, "scale": scale}


def _sampled(machine: Any, owner: Object, *_: Any) -> Any:
    return arithmetic.binary(machine, "add", owner.attrs["loc"], owner.attrs["scale"])


NORMAL = Class(
    "Normal",
    (),
    {
        "__init__": Native("Normal", _distribution),
        "rsample": Native("rsample", _sampled),
        "sample": Native("sample", _sampled),
    },
)


def weight_norm(machine: Any, module: Any, name: Any = "weight", dim: Any = 0) -> Any:
    """`weight_norm(layer)`: the weights' lengths become a parameter of their own."""
    held = machine.attribute(module, name) if isinstance(module, Object) else None
    if isinstance(held, Tensor) and isinstance(module, Object) and name == "weight":
        place = -1 if dim is None else tensors.axis(machine, dim, len(held.shape))
        lengths = tuple(n if i == place else 1 for i, n in enumerate(held.shape))
        module.attrs["weight_g"] = Tensor(lengths, trained=True)
    return module


def parameter(machine: Any, data: Any = None, requires_grad: Any = True, **_: Any) -> Any:
    """`nn.Parameter(torch.zeros(…))`."""
    if isinstance(data, Unknown):
        raise machine.unknown(data)
    if isinstance(data, int | float):
        data = Tensor(())
    return Tensor(tensors.tensor_of(machine, data).shape, trained=True)
