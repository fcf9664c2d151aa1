"""Layers and sequences of them → parts of a network, which are the same for every input."""

from collections.abc import Sequence

from convcli.nets.graph import Chain, Fork, Leaf, Part
from convcli.nets.layers import Linear
from convcli.nets.readers.python.keras.layers import LAYER, activation_of, layers_of, name_of
from convcli.nets.readers.python.keras.layers import SEQUENTIAL as KERAS_SEQUENTIAL
from convcli.nets.readers.python.language.objects import Instance, Native
from convcli.nets.readers.python.torch.nn_module import SEQUENTIAL, children
from convcli.nets.readers.python.torch.nn_weights import class_beside, frozen_roles


def parts_of(modules: Sequence[tuple[str, Instance | Part]]) -> list[tuple[str, Part]] | None:
    """Named modules as parts; None if one is more than a layer or a sequence of layers."""
    known: dict[int, Part | None] = {}
    parts: list[tuple[str, Part]] = []
    for name, module in modules:
        part = _part(module, known)
        if part is None:
            return None
        parts.append((name, part))
    return parts


def _part(module: Instance | Part, known: dict[int, Part | None]) -> Part | None:
    """A module as a part; each use gives the same part."""
    if isinstance(module, Leaf | Chain | Fork):
        return module
    if id(module) not in known:
        known[id(module)] = _layer(module) if module.leaf is not None else _chain(module, known)
    return known[id(module)]


def _chain(module: Instance, known: dict[int, Part | None]) -> Chain | None:
    forward = module.cls.find("forward")
    if forward is SEQUENTIAL.names["forward"]:
        inner = list(children(module))
    elif forward is KERAS_SEQUENTIAL.names["forward"]:
        inner = [("", layer) for layer in layers_of(module)]
    else:
        return None
    numbered = [name for name, _ in inner] == [str(number) for number in range(len(inner))]
    items: list[Part] = []
    for name, module in inner:
        part = _part(module, known)
        if part is None:
            return None
        items.append(part if numbered or not name else part._replace(name=name))
    return Chain(tuple(items), "", numbered)


def _layer(module: Instance) -> Part | None:
    leaf = module.leaf
    shared = any(tensor.holder is not module for tensor in module.shared.values())
    if leaf is None or not isinstance(module.cls.find("forward"), Native) or shared:
        return None
    if module.attrs.get("return_indices") or "weight_g" in module.attrs:
        return None
    if isinstance(leaf.layer, Linear) and not module.cls.is_a(LAYER):
        # lines may leave flattening out
        leaf = leaf._replace(layer=leaf.layer._replace(over="last"))
    frozen, name = frozen_roles(module), class_beside(module)
    if frozen or name:
        leaf = leaf._replace(frozen=frozen, module=name)
    follows = activation_of(module)
    return leaf if follows is None else Chain((leaf, follows), name_of(module))
