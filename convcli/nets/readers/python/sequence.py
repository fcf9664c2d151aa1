"""Layers and sequences of them → parts of a network, which are the same for every input."""

from collections.abc import Sequence
from typing import Any

from convcli.nets.graph import Chain, Fork, Leaf, Part
from convcli.nets.layers import Linear
from convcli.nets.readers.python.keras.layers import FOLLOWS, LAYER
from convcli.nets.readers.python.keras.layers import SEQUENTIAL as KERAS_SEQUENTIAL
from convcli.nets.readers.python.language.objects import Native, Object
from convcli.nets.readers.python.torch.nn_module import SEQUENTIAL, children


def parts_of(modules: Sequence[tuple[str, Any]]) -> list[tuple[str, Part]] | None:
    """Named modules as parts; None where one is more than a layer or a sequence of layers."""
    leaves: dict[int, Leaf] = {}
    found: list[tuple[str, Part]] = []
    for name, module in modules:
        part = _part(module, leaves)
        if part is None:
            return None
        found.append((name, part))
    return found


def _part(module: Any, leaves: dict[int, Leaf]) -> Part | None:
    if isinstance(module, Leaf | Chain | Fork):
        return module
    run = module.cls.find("forward") if isinstance(module, Object) else None
    if not isinstance(run, Native) or not isinstance(module, Object):
        return None
    if module.leaf is not None:
        return _leaf(module, module.leaf, leaves)
    if run is SEQUENTIAL.names["forward"]:
        named = [(name, _part(one, leaves)) for name, one in children(module)]
        items = [part and part._replace(name=name) for name, part in named]
    elif run is KERAS_SEQUENTIAL.names["forward"]:
        items = [_part(one, leaves) for one in module.attrs["layers"]]
    else:
        return None
    return None if None in items else Chain(tuple(one for one in items if one is not None))


def _leaf(module: Object, leaf: Leaf, leaves: dict[int, Leaf]) -> Part | None:
    """A layer; used twice, it is the same one."""
    others = any(one.holder is not module for one in module.shared.values())
    if others or module.attrs.get("return_indices") or "weight_g" in module.attrs:
        return None
    record = leaf.layer
    if id(module) not in leaves:
        if isinstance(record, Linear) and not module.cls.is_a(LAYER):
            record = record._replace(over="last")  # lines may leave flattening out
        leaves[id(module)] = leaf._replace(layer=record)
    own, follows = leaves[id(module)], module.attrs.get(FOLLOWS)
    return Chain((own, follows), module.attrs["name"]) if follows is not None else own
