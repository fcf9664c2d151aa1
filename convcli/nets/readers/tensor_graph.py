"""The graph of a model file's operators: tensors with their axes, weights with their nodes.

Files name operators, tensors and weights; a TensorGraph appends the layer records that they mean. A
tensor stores how its axes map to those of its node: a transpose in a file with channels last
changes only that mapping, and layers still read maps with channels first.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from math import prod

from convcli.errors import SpecError, UnfitError
from convcli.nets.graph import INPUT, Builder, Leaf, Network, Stopped
from convcli.nets.layers import (
    Activation,
    Concat,
    Identity,
    Layer,
    Merge,
    Norm,
    PReLU,
    Reshape,
    Shape,
)
from convcli.nets.layers.tensor_ops import (
    Broadcast,
    Constant,
    Each,
    Input,
    Operation,
    Scalar,
    Weights,
    broadcast,
    per_image,
)
from convcli.nets.stored_arrays import StoredArray
from convcli.records import NamedTuple
from convcli.text import safe

MAX_TENSOR_VALUES = 10**15
"""Maximum values of one tensor."""

IN_ANY_ORDER = (Activation, Identity, Scalar)
"""Layers that work on each value alone, for any order of the axes."""


MERGED = ("add", "subtract", "multiply", "maximum", "minimum")
"""Arithmetic that is a layer where both operands have equally many axes."""


class Halt(SpecError):
    """Stops the reading of a graph; the nodes before it are kept."""

    def __init__(self, message: str, unfit: bool = False) -> None:
        super().__init__(message)
        self.unfit = unfit


class Traced(NamedTuple):
    """A tensor that depends on the input: its axis i is axis order[i] of its node's output."""

    node: str
    stored: Shape
    order: tuple[int, ...]
    type: str = ""
    """Its element type, if the file has it: `int64`."""

    @property
    def shape(self) -> Shape:
        return tuple(self.stored[axis] for axis in self.order)

    @property
    def straight(self) -> bool:
        return self.order == tuple(range(len(self.stored)))


Value = Traced | StoredArray


def traced(node: str, shape: Shape) -> Traced:
    """The output of a node, its axes unpermuted."""
    return Traced(node, shape, tuple(range(len(shape))))


class TensorGraph:
    """Appends nodes; stores their weights by `NODE.role`."""

    def __init__(self) -> None:
        self.builder = Builder()
        self.weights: dict[str, StoredArray] = {}
        self.activation_macs = 0
        """Multiply–accumulates of products without weights."""
        self.constants = 0
        """Arrays of the file that are operands but not weights of a layer."""
        self.folded = 0
        """Convolutions with a folded batch normalization."""
        self.computed = 0
        """Count of numbers read or computed in constant folding."""
        self._biases: set[str] = set()
        self._leaves: dict[str, tuple[Leaf, list[str]]] = {}
        self._sources: dict[int, tuple[StoredArray, Traced]] = {}

    def layer(
        self,
        layer: Layer,
        x: Value,
        name: str = "",
        weights: Mapping[str, StoredArray | None] | None = None,
        others: Sequence[Value] = (),
    ) -> Traced:
        """Append a layer that reads maps with channels first. Raises Halt if it does not fit.

        `weights` are arrays by role, None for a missing one; the same arrays in another layer are
        shared weights.
        """
        x = self.source(x)
        if not isinstance(layer, IN_ANY_ORDER):
            x = self.settled(x)
        inputs = per_image(x.stored)
        if x.stored and x.stored[0] != 1 and _needs_batch(layer, x.stored):
            layer, inputs = Each(layer), x.stored
        names = (x.node, *(self.settled(self.source(other)).node for other in others))
        arrays = {role: array for role, array in (weights or {}).items() if array is not None}
        node = self._append(layer, names, name, arrays)
        try:
            output = layer.measure(inputs).output
        except UnfitError as misfit:
            raise Halt(str(misfit), unfit=True) from None
        if x.stored[:1] == (1,) and inputs != x.stored:
            output = (1, *output)
        self._check(output)
        return x._replace(node=node) if isinstance(layer, IN_ANY_ORDER) else traced(node, output)

    def operation(
        self,
        type_: str,
        inputs: Sequence[Value],
        output: Shape,
        *values: object,
        macs: int = 0,
        name: str = "",
    ) -> Traced:
        """Append an operation on whole tensors."""
        tensors = [self.settled(self.source(x)) for x in inputs]
        self._check(output)
        record = Operation(type_, tuple(x.stored for x in tensors), tuple(output), values, macs)
        return traced(self._append(record, [x.node for x in tensors], name), tuple(output))

    def along_axes(
        self, type_: str, x: Traced, stored: Shape, *values: object, name: str = ""
    ) -> Traced:
        """Append an operation on the axes of a node, whose order the tensor keeps."""
        y = self.operation(type_, [traced(x.node, x.stored)], stored, *values, name=name)
        return y._replace(order=x.order)

    def further_input(self, name: str, shape: Shape) -> Traced:
        """An input after the first: a node without values of its own."""
        return traced(self._append(Input(per_image(shape)), (), name.replace("/", ".")), shape)

    def is_filler(self, bias: StoredArray) -> bool:
        """Whether a bias is zeros that several layers share, which an exporter added."""
        if bias.name not in self._biases:
            self._biases.add(bias.name)
            return False
        values = bias.values()
        return values is not None and not any(values)

    def join(self, layer: Layer, tensors: Sequence[Traced], name: str = "") -> str:
        """Append a layer that reads several tensors as their nodes return them; return its node."""
        return self._append(layer, [x.node for x in tensors], name)

    def in_one_order(self, tensors: Sequence[Value]) -> list[Traced]:
        """Tensors as nodes, permuted if the orders of their axes differ."""
        nodes = [self.source(x) for x in tensors]
        return nodes if len({x.order for x in nodes}) == 1 else [self.settled(x) for x in nodes]

    def concat(self, tensors: Sequence[Traced], axis: int, name: str) -> Traced | None:
        """Tensors of one image joined along an axis by a layer; None if it is that of the batch."""
        stored, order = tensors[0].stored, tensors[0].order
        own = order[axis]
        if not own or any(x.stored[0] != 1 for x in tensors):
            return None
        total = sum(x.stored[own] for x in tensors)
        node = self.join(Concat(own - 1), tensors, name)
        return Traced(node, (*stored[:own], total, *stored[own + 1 :]), order)

    def arithmetic(
        self, type_: str, left: Value, right: Value, name: str, source: Callable[[Value], Traced]
    ) -> Traced:
        """Append arithmetic of two tensors, broadcast from the last axis.

        An array becomes a node by `source`, with the axis order of the other operand.
        """

        def operand(x: Value, other: Value) -> Traced:
            if isinstance(x, StoredArray) and isinstance(other, Traced) and not other.straight:
                rank = len(other.order)
                full = x.reshaped((1,) * (rank - len(x.shape)) + x.shape)
                if full is not None and len(full.shape) == rank:
                    turned = full.permuted([other.order.index(axis) for axis in range(rank)])
                    return source(turned)._replace(order=other.order)
            return source(x)

        first, second = self.in_one_order([operand(left, right), operand(right, left)])
        same_rank = len(per_image(first.stored)) == len(per_image(second.stored))
        record: Layer = Merge(type_) if type_ in MERGED and same_rank else Broadcast(type_)
        node = self.join(record, (first, second), name)
        order = max((first.order, second.order), key=len)
        return Traced(node, broadcast(type_, first.stored, second.stored), order)

    def product_macs(self, operands: Sequence[Value], macs: int) -> int:
        """The multiply–accumulates of a product that count: those with weights."""
        if any(isinstance(x, StoredArray) for x in operands):
            return macs
        self.activation_macs += macs
        return 0

    def elementwise(self, type_: str, x: Value, *values: object, name: str = "") -> Traced:
        """Append a function of each value, for any order of the axes."""
        x = self.source(x)
        record = Operation(type_, (x.stored,), x.stored, values)
        return x._replace(node=self._append(record, [x.node], name))

    def reshaped(self, x: Value, shape: Shape, name: str = "") -> Traced:
        """The same values in order, in another shape."""
        x = self.settled(self.source(x))
        if prod(shape) != prod(x.stored):
            old, new = "x".join(map(str, x.stored)), "x".join(map(str, shape))
            raise Halt(f"{prod(x.stored):,} values ({old}) do not fit the shape {new}")
        if per_image(shape) == per_image(x.stored):
            return traced(x.node, shape)
        self._check(shape)
        image = per_image(shape)
        record = Reshape((-1,)) if len(image) == 1 else Reshape(image)
        return traced(self._append(record, [x.node], name), shape)

    def settled(self, x: Traced) -> Traced:
        """The tensor with its axes in its node's order, permuted if that moves values."""
        if x.straight:
            return x
        longer = [axis for axis in x.order if x.stored[axis] != 1]
        if longer == sorted(longer):
            return self.reshaped(traced(x.node, x.stored), x.shape)
        record = Operation("permute", (x.stored,), x.shape, (x.order,))
        return traced(self._append(record, [x.node]), x.shape)

    def source(self, x: Value, trained: bool = False, name: str = "") -> Traced:
        """The tensor; an array of the file gets a node of its own."""
        if isinstance(x, Traced):
            return x
        if id(x) not in self._sources:
            shape = per_image(x.shape)
            record: Layer = Weights(shape) if trained else Constant(shape)
            node = self._append(record, (), name)
            self.weights[node] = x
            self.constants += 0 if trained else x.elements
            self._sources[id(x)] = x, traced(node, x.shape)
        return self._sources[id(x)][1]

    def _append(
        self,
        layer: Layer,
        inputs: Sequence[str],
        name: str = "",
        weights: dict[str, StoredArray] | None = None,
    ) -> str:
        scope, _, own = name.rpartition("/")
        leaf = Leaf(layer, own)
        names = [array.name for array in weights.values()] if weights else []
        if names and all(names):
            first, known = self._leaves.setdefault(names[0], (leaf, names))
            if first is not leaf and (names == known or names == known[:1]):
                self.builder.share(leaf, first)
        node = self.builder.join(leaf, tuple(inputs), scope and f"{scope}.")
        if self.builder.nodes[-1].counted:
            for role, array in (weights or {}).items():
                self.weights[f"{node}.{role}"] = array
        return node

    def network(self, outputs: Sequence[Value], stopped: Stopped | None = None) -> Network:
        """The nodes that the outputs need; all nodes if the reading was stopped."""
        names = tuple(x.node for x in outputs if isinstance(x, Traced) and x.node != INPUT)
        network = self.builder.network(() if stopped else names)
        return network._replace(stopped=stopped, weights=self.weights)

    def notes(self) -> list[str]:
        """What the counts of the network lack."""
        if not self.activation_macs:
            return []
        count = f"products of two activations, {self.activation_macs:,} multiply–accumulates"
        return [f"{count}, are not in the MACs"]

    def _check(self, shape: Shape) -> None:
        if prod(shape) > MAX_TENSOR_VALUES or len(shape) > 64:
            raise Halt("a tensor of more than 10^15 values")
        if 0 in shape:
            raise Halt("a tensor without values")


def _needs_batch(layer: Layer, stored: Shape) -> bool:
    """Whether a layer treats the first axis as channels, although the file has the batch there."""
    if isinstance(layer, (*IN_ANY_ORDER, PReLU)):
        return False
    if isinstance(layer, Norm):
        return layer.kind != "layer" or layer.shape is None
    axes = getattr(layer, "kernel", None) or getattr(layer, "sizes", None)
    return axes is None or len(axes) == len(stored) - 2


def module_path(text: str) -> str:
    """The modules that a node's name goes through: `/layer1/layer1.0/conv1/Conv` of PyTorch.

    >>> module_path("/layer1/layer1.0/conv1/Conv"), module_path("model/block/conv/Conv2D")
    ('layer1.0.conv1', 'model.block.conv')
    """
    path: list[str] = []
    # operators that were fused keep all their names
    for part in [part for part in text.split(";")[-1].split("/") if part][:-1]:
        if path and part.startswith(f"{path[-1]}."):
            path.pop()
        path.append(part)
    return ".".join(path)


ROLES = re.compile(
    r"[./_](weight|bias|kernel|gamma|beta|depthwise_kernel|pointwise_kernel|[wb]_?\d*|"
    r"running_mean|running_var)(/ReadVariableOp)?(:\d+)?$"
)
"""Name endings of a layer's own arrays: PyTorch's, Keras's, Caffe2's, Paddle's."""


def weight_owner(name: str) -> str:
    """The layer name in a weight's name, or "".

    >>> weight_owner("features.0.weight"), weight_owner("gpu_0/conv1_w_0"), weight_owner("87")
    ('features.0', 'gpu_0.conv1', '')
    """
    match = ROLES.search(name)
    if match is None or name.startswith("onnx::"):
        return ""
    return safe(name[: match.start()].strip("/").replace("/", ".").removesuffix("._"))


TRAINED = re.compile(r"\.(weight|bias)$|/(gamma|beta)(/ReadVariableOp)?(:\d+)?$")


def is_weight_name(name: str) -> bool:
    """Whether the name of an operand without a layer says that it is trained (PyTorch, Keras)."""
    return bool(TRAINED.search(name))
