"""A layer's weights as tensors: asked for, set anew, shared with another layer, left unused."""

from math import prod
from typing import Any

from convcli.nets.layers import Conv, Linear, Norm, PReLU, TransposedConv
from convcli.nets.layers.arguments import counts, pads
from convcli.nets.layers.tensor_ops import Unused
from convcli.nets.readers.python.language.objects import MISSING, Halt, Object, Tensor, Unknown
from convcli.nets.readers.python.torch import tensor_args
from convcli.nets.readers.python.torch.nn_module import parameters

WEIGHTED = (Conv, TransposedConv, Linear, Norm, PReLU)
WEIGHTS = ("weight", "bias", "running_mean", "running_var")
SHARING = (Conv, TransposedConv, Linear)
"""What can take its weights from another layer: it has no statistics of its own beside them."""


FIELDS = ("kernel_size", "stride", "padding", "dilation", "groups", "ceil_mode", "num_groups")
"""Attributes of a layer that say what it does; set anew, they change it."""


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
        if name.startswith("running"):
            statistics += prod(shape)
        elif name not in without:
            params += prod(shape)
    return Unused(f"{record.type}, unused", params, statistics) if params or statistics else None


def set_on_layer(machine: Any, owner: Object, name: str, value: Any) -> bool:
    """Take a layer's own value set anew; gives whether it was one of its weights.

    Weights of other numbers change nothing here: `m.weight = init.kaiming_normal(m.weight)`.
    """
    if owner.leaf is None:
        return False
    record: Any = owner.leaf.layer
    if name in FIELDS:
        owner.leaf = owner.leaf._replace(layer=_changed(record, name, value))
    if name not in WEIGHTS:
        return False
    own = module_attribute(machine, owner, name)
    if not isinstance(own, Tensor):
        return False
    if value is None and name == "bias" and hasattr(record, "bias"):
        owner.leaf = owner.leaf._replace(layer=record._replace(bias=False))
        owner.shared.pop(name)
        return True
    if isinstance(value, Unknown):
        raise machine.unknown(value)
    if not isinstance(value, Tensor) or value.shape != own.shape:
        raise Halt(f"a layer is given a {name} of another shape")
    if value.holder is None and value.trained:
        value.holder = owner
    if value.holder not in (None, owner) and not isinstance(record, SHARING):
        raise Halt(f"a {record.type} shares the {name} of another layer")
    if value.holder is not None:
        owner.shared[name] = value
    return True


def _changed(record: Any, name: str, value: Any) -> Any:
    """A layer with one of its values set anew, as `conv.stride = (1, 1)` does."""
    field = {"kernel_size": "kernel", "ceil_mode": "ceil", "num_groups": "groups"}.get(name, name)
    held = getattr(record, field, None)
    if held is None:
        return record
    if isinstance(value, Unknown):
        raise Halt(
            f"{name} of a layer is set to {value.text}, which is not known here", value.where
        )
    if field in ("ceil", "groups"):
        return record._replace(**{field: value})
    axes = len(held)
    if field == "padding":
        return record._replace(padding=pads(value, axes))
    return record._replace(**{field: counts(value, axes, name)})


def weight_norm(machine: Any, module: Any, name: Any = "weight", dim: Any = 0) -> Any:
    """`weight_norm(layer)`: the weights' lengths become a parameter of their own."""
    held = machine.attribute(module, name) if isinstance(module, Object) else None
    if isinstance(held, Tensor) and isinstance(module, Object) and name == "weight":
        place = -1 if dim is None else tensor_args.axis(machine, dim, len(held.shape))
        lengths = tuple(n if i == place else 1 for i, n in enumerate(held.shape))
        module.attrs["weight_g"] = Tensor(lengths, trained=True)
    return module


def parameter(machine: Any, data: Any = None, requires_grad: Any = True, **_: Any) -> Any:
    """`nn.Parameter(torch.zeros(…))`."""
    if isinstance(data, Unknown):
        raise machine.unknown(data)
    if isinstance(data, int | float):
        data = Tensor(())
    return Tensor(tensor_args.tensor_of(machine, data).shape, trained=True)
