"""A network: named nodes in order, each with the names of its inputs."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from convcli.nets.layers import Layer

INPUT = "input"
"""The name under which the network's input is known to its nodes."""


class Node(NamedTuple):
    """One use of a layer: its name, and the names of the nodes it reads."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]


class Network(NamedTuple):
    """Nodes in an order in which each comes after its inputs."""

    nodes: tuple[Node, ...]


def sequential(layers: Iterable[Layer]) -> Network:
    """Layers one after another, named by type and number.

    >>> from convcli.nets.layers import Activation
    >>> [node.name for node in sequential([Activation("relu"), Activation("relu")]).nodes]
    ['relu1', 'relu2']
    """
    nodes: list[Node] = []
    numbers: dict[str, int] = {}
    for layer in layers:
        stem = re.sub(r"\dd$", "", layer.type)
        numbers[stem] = numbers.get(stem, 0) + 1
        previous = nodes[-1].name if nodes else INPUT
        nodes.append(Node(f"{stem}{numbers[stem]}", layer, (previous,)))
    return Network(tuple(nodes))
