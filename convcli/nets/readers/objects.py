"""What the names of a network's text stand for while it is read."""

import ast
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from convcli.nets.graph import Chain, Fork, Leaf, Part
from convcli.nets.readers.fragments import Line


class Tensor(NamedTuple):
    """A value of the network, known by the node that gives it."""

    node: str


class Batch(NamedTuple):
    """The number of images, as `x.size(0)` gives it."""


class Unknown:
    """A value that was not understood, and that no layer has asked for yet."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


class Graph(NamedTuple):
    """A Keras `Model` of the tensors it gives; a thing to summarize, not to call."""

    outputs: tuple[Tensor, ...]


class Stack:
    """A `Sequential` that layers are still added to."""

    def __init__(self, items: Sequence[Part]) -> None:
        self.items = list(items)
        self.numbered = False

    def part(self) -> Chain:
        return Chain(tuple(self.items), "", self.numbered)


class Module(NamedTuple):
    """An object of a class of the text, with its members and its `forward`."""

    members: dict[str, Any]
    methods: dict[str, ast.FunctionDef]
    line: Line


PARTS = (Leaf, Chain, Fork, Stack, Module)
"""What can be called on a tensor."""


def forward_of(methods: Iterable[str]) -> str:
    """The method that runs a Keras model: `call`. A `forward` makes a text a model file."""
    return "call" if "call" in methods else ""


def methods_of(node: ast.stmt) -> dict[str, ast.FunctionDef]:
    body = node.body if isinstance(node, ast.ClassDef) else []
    return {one.name: one for one in body if isinstance(one, ast.FunctionDef)}


def is_tensor(value: Any) -> bool:
    if type(value) in (tuple, list):
        return bool(value) and all(isinstance(one, Tensor) for one in value)
    return isinstance(value, Tensor)


def tensors_of(args: Sequence[Any]) -> tuple[Tensor, ...]:
    """The tensors a call was given, out of one list of them if it was given that."""
    found: list[Tensor] = []
    for one in args:
        if isinstance(one, Tensor):
            found.append(one)
        elif is_tensor(one):
            found += one
    return tuple(found)
