"""Layers and sequences of them → parts of a network, which are the same for every input."""

from collections.abc import Sequence

from convcli.nets.graph import Chain, Fork, Leaf, Part
from convcli.nets.layers import Linear
from convcli.nets.readers.python.keras.layers import LAYER, activation_of, layers_of, name_of
from convcli.nets.readers.python.keras.layers import SEQUENTIAL as KERAS_SEQUENTIAL
from convcli.nets.readers.python.language.objects import Instance, Native
from convcli.nets.readers.python.torch.nn_module import SEQUENTIAL, children


def parts_of(modules: Sequence[tuple[str, Instance | Part]]) -> list[tuple[str, Part]] | None:
    """Named modules as parts; None where one is more than a layer or a sequence of layers."""
    leaves: dict[int, Leaf] = {}
    parts: list[tuple[str, Part]] = []
    for name, module in modules:
        part = _part(module, leaves)
        if part is None:
            return None
        parts.append((name, part))
    return parts


def _part(module: Instance | Part, leaves: dict[int, Leaf]) -> Part | None:
    if isinstance(module, Leaf | Chain | Fork):
        return module
    forward = module.cls.find("forward")
    if not isinstance(forward, Native):
        return None
    if module.leaf is not None:
        return _layer(module, module.leaf, leaves)
    items: list[Part] = []
    if forward is SEQUENTIAL.names["forward"]:
        inner = list(children(module))
    elif forward is KERAS_SEQUENTIAL.names["forward"]:
        inner = [("", layer) for layer in layers_of(module)]
    else:
        return None
    for name, one in inner:
        part = _part(one, leaves)
        if part is None:
            return None
        items.append(part._replace(name=name) if name else part)
    return Chain(tuple(items))


def _layer(module: Instance, leaf: Leaf, leaves: dict[int, Leaf]) -> Part | None:
    """A layer; used twice, it is the same one."""
    shared = any(tensor.holder is not module for tensor in module.shared.values())
    if shared or module.attrs.get("return_indices") or "weight_g" in module.attrs:
        return None
    if id(module) not in leaves:
        record = leaf.layer
        if isinstance(record, Linear) and not module.cls.is_a(LAYER):
            record = record._replace(over="last")  # lines may leave flattening out
        leaves[id(module)] = leaf._replace(layer=record)
    follows = activation_of(module)
    if follows is None:
        return leaves[id(module)]
    return Chain((leaves[id(module)], follows), name_of(module))
