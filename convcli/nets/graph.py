"""A network: named nodes in order, each with the names of its inputs; and the parts it is made of.

Readers turn text into parts, which nest as the text does; a Builder appends them as nodes.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING

from convcli.errors import SpecError
from convcli.nets.layers import Layer, Shape
from convcli.nets.source_location import Where, pointed
from convcli.records import NamedTuple, equal_by_type
from convcli.text import safe

if TYPE_CHECKING:
    from convcli.nets.stored_arrays import StoredArrays

INPUT = "input"
"""The name under which the network's input is known to its nodes."""

ALL_WEIGHTS = "all"
"""The role that stands for all weights of a layer."""

MAX_NODES = 200_000
"""Maximum number of nodes; a larger network is refused before its nodes are built."""

MAX_PART_DEPTH = 100
"""Maximum nesting of parts; real networks nest less than ten deep."""


class Node(NamedTuple):
    """One use of a layer: its name, and the names of the nodes it reads."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    owner: str = ""
    """The node whose weights it uses, where they are another node's."""
    where: Where | None = None
    frozen: tuple[str, ...] = ()
    """Roles of its weights that are not trained; ALL_WEIGHTS for every one of them."""
    is_registered: bool = True
    """Whether its framework knows its weights as parameters of the model."""
    function: str = ""
    """The function that a program calls for it, such as `relu`; "" for a module, and for text."""
    module: str = ""
    """The class of a program's module, if it differs from that of its layer."""
    paths: int = 1
    """Names under which a program's module holds it."""
    items: int = 1
    """Items along the first axis of the tensor that a program's layer gives: 1 for one image."""

    @property
    def counted(self) -> bool:
        """Whether its weights count here: they belong to the model and to no other node."""
        return self.is_registered and not self.owner


class Stopped(NamedTuple):
    """Why a model file was not read to its end, and where."""

    message: str
    where: Where | None = None
    unfit: bool = False
    """Whether shapes did not match, rather than that something was not understood."""

    def text(self) -> str:
        """The reason, and the place in the text."""
        message = safe(self.message)
        return f"{message}\n{pointed(self.where)}" if self.where else message


@equal_by_type
class Given(NamedTuple):
    """The argument of a model for one parameter: a tensor of a shape, or a plain value."""

    name: str
    """The parameter; "" if its position decides."""
    shape: Shape = ()
    """The whole shape of the tensor, its batch first."""
    dtype: str = ""
    value: object = ...
    """The plain value, instead of a tensor."""


NO_WEIGHTS: "StoredArrays" = {}


class Network(NamedTuple):
    """Nodes in topological order: each comes after its inputs, and the last one is the output."""

    nodes: tuple[Node, ...]
    redo: Callable[[Shape, tuple[Given, ...]], "Network"] | None = None
    """Reads it for an input of another shape, where its nodes depend on that."""
    stopped: Stopped | None = None
    """Why the reading ended before the output."""
    notes: tuple[str, ...] = ()
    """Notes of its reader."""
    parameters: tuple[str, ...] = ()
    """The names of its inputs, where a text names them."""
    given: tuple[Given, ...] = ()
    """The arguments of its call, if there are more than the input it is walked with."""
    outputs: tuple[str, ...] = ()
    """The output nodes, in the order of the text; () for the last one alone."""
    weights: "StoredArrays" = NO_WEIGHTS
    """Arrays that its file holds, by name: `conv1.weight`; a constant has its node's name."""
    passed_over: tuple[str, ...] = ()
    """Functions of training alone that its program calls, such as `dropout`: they have no nodes."""
    unordered: str = ""
    """Why the order of its layers is unknown; they are in the order of the text."""
    has_unknown_blocks: bool = False
    """Whether the order of modules within it is unknown, so that no size after them is known."""
    sizes_alone: str = ""
    """The kind of file it was read from, if its operations are known by their sizes alone."""

    @property
    def unknown_order(self) -> str:
        """`unordered` where the order is not assumed."""
        return f"{self.unordered.removesuffix(' assumed')} not known"

    def at(self, shape: Shape) -> "Network":
        """The network for an input `(channels, *lengths)`."""
        if self.redo is None:
            return self
        network = self.redo(shape, self.given)
        return network._replace(
            given=self.given, parameters=self.parameters, unordered=self.unordered
        )


class Reading(NamedTuple):
    """A network, the input its text names, and which framework's text it was taken for."""

    network: Network
    input: tuple[int | None, ...] | None
    """The shape (channels, *lengths) that it names; None for a size that it leaves open."""
    about: str
    example: str = ""
    """The line of the text that tries the network with this input, where no declaration says it."""


@equal_by_type
class Leaf(NamedTuple):
    """One layer. A leaf that is appended twice keeps its weights: give `repeat` fresh ones."""

    layer: Layer
    name: str = ""
    where: Where | None = None
    frozen: tuple[str, ...] = ()
    """Roles of its weights that are not trained."""
    function: str = ""
    """The function that a program calls for it; "" for a module."""
    module: str = ""
    """The class of a module, if it differs from that of its layer."""
    paths: int = 1
    """Names under which a program's module holds it."""


@equal_by_type
class Chain(NamedTuple):
    """Parts one after another; a chain with a name is a scope for the names within."""

    items: tuple["Part", ...]
    name: str = ""
    numbered: bool = False
    """Whether items without a name are called 0, 1, 2, … as in PyTorch's Sequential."""


@equal_by_type
class Fork(NamedTuple):
    """Branches from one value, joined by a layer; without a layer, the value is unchanged."""

    branches: tuple[Chain, ...]
    join: Layer | None
    name: str = ""
    kind: str = "fork"


Part = Leaf | Chain | Fork


def size_of(part: Part) -> int:
    """How many parts there are in a part, itself among them; counting stops above MAX_NODES."""
    waiting, count = [part], 0
    while waiting and count <= MAX_NODES:
        inner = waiting.pop()
        count += 1
        if isinstance(inner, Chain):
            waiting += inner.items
        elif isinstance(inner, Fork):
            waiting += inner.branches
    return count


def fresh(part: Part) -> Part:
    """The same part with weights of its own."""
    match part:
        case Leaf():
            return Leaf(*part)
        case Chain(items):
            return part._replace(items=tuple(map(fresh, items)))
        case Fork(branches):
            copies = tuple(b._replace(items=tuple(map(fresh, b.items))) for b in branches)
            return part._replace(branches=copies)


class Builder:
    """Appends the nodes of parts, each under a name of its own."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.frozen: dict[str, tuple[str, ...]] = {}
        """Roles of weights that are not trained, by the node that holds them."""
        self._counts: dict[str, int] = {}
        self._names = {INPUT}
        self._parts = 0
        self._owners: dict[int, tuple[Leaf, str]] = {}
        self._variants: dict[int, tuple[Leaf, Leaf]] = {}

    def network(self, outputs: tuple[str, ...] = ()) -> Network:
        """The nodes appended so far; only those that the outputs need, where they are named."""
        if not outputs:
            return Network(tuple(map(self._marked, self.nodes)))
        needed = set(outputs)
        for node in reversed(self.nodes):
            if node.name in needed:
                needed.update(node.inputs)
        kept: list[Node] = []
        owners: dict[str, str] = {}
        for node in self.nodes:
            if node.name in needed:
                # if the first node that used the weights is not needed, the next one holds them
                first = owners.setdefault(node.owner or node.name, node.name)
                owner = "" if first == node.name else first
                kept.append(self._marked(node)._replace(owner=owner))
        return Network(tuple(kept))

    def _marked(self, node: Node) -> Node:
        """The node with the known facts about its weights."""
        frozen = self.frozen.get(node.owner or node.name, node.frozen)
        return node if frozen == node.frozen else node._replace(frozen=frozen)

    def append(
        self, part: Part, value: str, scope: str = "", called: str = "", depth: int = 0
    ) -> str:
        """Append the nodes of a part that reads the node `value`; return its last node.

        `called` names a part that has no name of its own.
        """
        if depth > MAX_PART_DEPTH:
            raise SpecError(f"layers are nested more than {MAX_PART_DEPTH} deep")
        self._parts += 1
        if self._parts > 4 * MAX_NODES:
            raise SpecError(f"the network has more than {4 * MAX_NODES:,} parts")
        called = part.name or called
        if isinstance(part, Leaf):
            return self._append_leaf(part, (value,), scope, called)
        if isinstance(part, Chain):
            inside = f"{scope}{called}." if called else scope
            for number, item in enumerate(part.items):
                name = str(number) if part.numbered else ""
                value = self.append(item, value, inside, name, depth + 1)
            return value
        name = scope + called if called else scope + self.numbered(scope, part.kind)
        ends = tuple(
            self.append(branch, value, f"{name}.", str(number), depth + 1)
            for number, branch in enumerate(part.branches)
        )
        if part.join is None:
            return value
        return self._append_leaf(Leaf(part.join), ends, f"{name}.", part.join.type)

    def _append_leaf(self, leaf: Leaf, inputs: tuple[str, ...], scope: str, called: str) -> str:
        if len(self.nodes) >= MAX_NODES:
            raise SpecError(f"the network has more than {MAX_NODES:,} layers")
        own = self._variants.get(id(leaf), (leaf, leaf))[1]
        owner = self._owners.get(id(own), (own, ""))[1]
        if called:
            name = self._unique(scope + called)
        else:
            name = scope + self.numbered(scope, stem(leaf.layer.type))
        # the leaf is stored with its id, which is unique only while the leaf lives
        self._owners.setdefault(id(own), (own, name))
        node = Node(name, leaf.layer, inputs, owner, leaf.where, leaf.frozen)
        if leaf.function or leaf.module or leaf.paths > 1:
            node = node._replace(function=leaf.function, module=leaf.module, paths=leaf.paths)
        self.nodes.append(node)
        return name

    def share(self, leaf: Leaf, of: Leaf) -> None:
        """Make a leaf use the weights of another one, whichever is appended first."""
        self._variants[id(leaf)] = (leaf, of)

    def first_name(self, leaf: Leaf) -> str:
        """The node that holds a leaf's weights; "" for a leaf that was not appended."""
        return self._owners.get(id(leaf), (leaf, ""))[1]

    def join(self, leaf: Leaf, inputs: tuple[str, ...], scope: str = "") -> str:
        """Append a node that reads several others."""
        return self._append_leaf(leaf, inputs, scope, leaf.name)

    def numbered(self, scope: str, kind: str) -> str:
        """A name for a layer without one, such as `conv2`; names that the text uses are skipped."""
        while True:
            count = self._counts[scope + kind] = self._counts.get(scope + kind, 0) + 1
            if f"{scope}{kind}{count}" not in self._names:
                self._names.add(f"{scope}{kind}{count}")
                return f"{kind}{count}"

    def _unique(self, name: str) -> str:
        if name in self._names:
            name += f"#{self.numbered(name, '#')[1:]}"
        self._names.add(name)
        return name


@cache
def stem(type_: str) -> str:
    """The name of a layer without one, before its number.

    >>> stem("max_pool2d")
    'max_pool'
    """
    return re.sub(r"\dd$", "", type_)


def sequential(layers: Iterable[Layer]) -> Network:
    """Layers one after another, named by type and number.

    >>> from convcli.nets.layers import Activation
    >>> [node.name for node in sequential([Activation("relu"), Activation("relu")]).nodes]
    ['relu1', 'relu2']
    """
    builder = Builder()
    builder.append(Chain(tuple(map(Leaf, layers))), INPUT)
    return builder.network()
