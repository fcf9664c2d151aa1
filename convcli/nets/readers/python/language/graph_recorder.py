"""The graph that a forward run records: every layer and operation on a tensor as a node."""

from collections.abc import Sequence

from convcli.errors import UnfitError
from convcli.nets.graph import ALL_WEIGHTS, INPUT, Builder, Leaf, Network
from convcli.nets.layers import (
    AdaptivePool,
    Conv,
    Depthwise,
    Layer,
    Misfit,
    Norm,
    Pad,
    PixelShuffle,
    Pool,
    PReLU,
    Separable,
    Shape,
    Shuffle,
    TransposedConv,
    Upsample,
)
from convcli.nets.layers.tensor_ops import (
    Constant,
    Each,
    Free,
    Input,
    Operation,
    Single,
    Weights,
    per_image,
)
from convcli.nets.readers.python.language.objects import Instance, ShapeMismatch, Tensor
from convcli.nets.source_location import Where

MAX_AXES = 64
"""The maximum of PyTorch's tensors."""

MAX_TENSOR_VALUES = 10**15
"""Maximum values of one tensor."""


class GraphRecorder:
    """Nodes in the order in which a forward run makes them, and the scope that is running."""

    def __init__(self) -> None:
        self.builder = Builder()
        self.scope = ""
        self.function = ""
        """The function of a library that is running."""
        self.size_dependent = False
        """Whether another input may give another network: the program used its sizes."""
        self.passed_over: list[str] = []
        """Functions that act only in training."""
        self.activation_macs = 0
        """Multiply–accumulates of products without weights."""
        self.applied: dict[int, Instance] = {}
        """The layers that ran, by `id()`."""
        self._names = {INPUT}
        self._sources: dict[int, tuple[Tensor, str]] = {}
        self._each: dict[int, Leaf] = {}
        self.folds: list[str] = []
        """What folds the values of one image into the batch, and by how much."""
        self.sizes_alone = ""
        """Why the network cannot be computed: a tensor whose values no node gives."""
        self.declares_input = False
        """Whether the input so far is only what a Sequential declares."""
        self.holds_models = False
        """Whether a model or a layer of the text was called, which are several nodes."""
        self._kept: list[Leaf] = []

    def append(
        self,
        record: Layer,
        inputs: Sequence[Tensor],
        output: Shape,
        where: Where | None = None,
        leaf: Leaf | None = None,
        name: str = "",
    ) -> Tensor:
        """Append the node of a layer or an operation; return its tensor.

        Of constants alone, the tensor is one too, and there is no node. A leaf with a name has its
        whole path in it; one without is numbered in the scope.
        """
        check_size(output)
        if leaf is None and not any(tensor.node or tensor.trained for tensor in inputs):
            return Tensor(output)
        if isinstance(record, Operation):
            self.size_dependent = True
        names = tuple([self._node_of(tensor) for tensor in inputs])
        scope = "" if leaf is not None and leaf.name else self.scope
        node = self._join(leaf or Leaf(record, name, where, (), self.function), names, scope)
        if leaf is not None and output[:1] not in ((), (1,)):
            self.builder.nodes[-1] = self.builder.nodes[-1]._replace(items=output[0])
        tensor = Tensor(output, node)
        tensor.learned = leaf is None and all(x.learned for x in inputs)
        tensor.channels_last = any(x.channels_last for x in inputs)
        return tensor

    def add_input(self, name: str, shape: Shape, dtype: str = "") -> Tensor:
        """Append a further input of the network; return its tensor of the complete `shape`."""
        check_size(shape)
        node = self._join(Leaf(Input(per_image(shape), dtype), name), (), "")
        return Tensor(shape, node)

    def _join(self, leaf: Leaf, inputs: tuple[str, ...], scope: str) -> str:
        name = self.builder.join(leaf, inputs, scope)
        self._names.add(name)
        return name

    def node_name(self, tensor: Tensor) -> str:
        """The node that gives a tensor, or "" where this run has recorded none."""
        if tensor.node in self._names:
            return tensor.node
        return self._sources.get(id(tensor), (tensor, ""))[1]

    def _node_of(self, tensor: Tensor) -> str:
        """The node that gives a tensor; a parameter or a constant gets one of its own."""
        self.sizes_alone = tensor.stand_in or self.sizes_alone
        return self.node_name(tensor) or self._append_source(tensor)

    def _append_source(self, tensor: Tensor) -> str:
        shape = per_image(tensor.shape)
        record = Weights(shape) if tensor.trained else Constant(shape)
        self.size_dependent = self.size_dependent or not tensor.trained
        holder = tensor.holder
        module = holder.cls.name if holder is not None and holder.cls.own and holder.leaf else ""
        leaf = Leaf(record, tensor.owner, module=module)
        name = self._join(leaf, (), "" if tensor.owner else self.scope)
        self._sources[id(tensor)] = tensor, name
        return name

    def apply(self, leaf: Leaf, tensor: Tensor, others: Sequence[Tensor] = ()) -> Tensor:
        """Append a layer that is applied to a tensor. Raises ShapeMismatch where PyTorch refuses.

        A layer that declares another input than it receives is recorded unchanged, and its output
        is that of a layer that fits: the summary of the network reports it.
        """
        record, shape = leaf.layer, tensor.shape
        bare = record.layer if isinstance(record, Free) else record
        axes = axes_of(bare)
        by_channel = isinstance(bare, Norm | Upsample | Shuffle)
        if axes is not None:
            batched = len(shape) != axes + 1
        elif by_channel and getattr(bare, "kind", "") != "layer":
            batched = bool(shape)
        elif isinstance(bare, PReLU):
            batched = len(shape) > 1
        else:
            batched = len(shape) > 1 and shape[0] == 1
        if axes is not None and len(shape) not in (axes + 1, axes + 2):
            self.append(record, [tensor], shape, leaf=leaf)
            raise ShapeMismatch(f"{record.type} needs {axes + 2} axes and meets {len(shape)}")
        if axes is not None and not batched and shape[0] == 1:
            return self._apply_to_one_map(leaf, tensor, others)
        if batched and shape[0] != 1:
            leaf = self._for_each(leaf)
        inputs = per_image(shape) if batched and shape[0] == 1 else shape or (1,)
        try:
            output = _output(leaf.layer, inputs)
        except UnfitError as misfit:
            # the summary of the network reports this again, with the location
            self.append(record, [tensor, *others], shape, leaf=leaf)
            raise ShapeMismatch(str(misfit)) from None
        if batched and shape[0] == 1:
            output = (1, *output)
        return self.append(leaf.layer, [tensor, *others], output, leaf=leaf)

    def _apply_to_one_map(self, leaf: Leaf, tensor: Tensor, others: Sequence[Tensor]) -> Tensor:
        """A layer on a tensor without a batch, of one map: `nn.MaxPool3d` on (1, 64, 24, 94)."""
        single = leaf._replace(layer=Single(leaf.layer))
        self.builder.share(single, leaf)
        self._kept.append(single)
        try:
            output = leaf.layer.measure(tensor.shape).output
        except UnfitError as misfit:
            self.append(single.layer, [tensor, *others], tensor.shape, leaf=single)
            raise ShapeMismatch(str(misfit)) from None
        return self.append(single.layer, [tensor, *others], output, leaf=single)

    def _for_each(self, leaf: Leaf) -> Leaf:
        """The layer applied to every item of a batch; the same at every use of it."""
        if id(leaf) not in self._each:
            each = leaf._replace(layer=Each(leaf.layer))
            self.builder.share(each, leaf)
            self._each[id(leaf)] = each
        return self._each[id(leaf)]

    def network(self, outputs: tuple[str, ...]) -> Network:
        """The nodes that the outputs need; all nodes if no outputs are named."""
        for tensor, name in self._sources.values():
            if tensor.frozen:
                self.builder.frozen[name] = (ALL_WEIGHTS,)
        return self.builder.network(outputs)


def check_size(shape: Shape) -> None:
    """Refuse shapes of tensors that are too large for any memory."""
    total = 1
    if len(shape) > MAX_AXES:
        raise ShapeMismatch(f"a tensor of more than {MAX_AXES} axes")
    for length in shape:
        total *= length
        if length < 0 or total > MAX_TENSOR_VALUES:
            raise ShapeMismatch("a tensor of more than 10^15 values")


def _output(layer: Layer, shape: Shape) -> Shape:
    try:
        return layer.measure(shape).output
    except Misfit as misfit:
        return misfit.corrected.measure(shape).output


def axes_of(record: Layer) -> int | None:
    """The number of axes after the channels that a layer works on; None for any number."""
    if isinstance(record, AdaptivePool):
        return len(record.sizes)
    if isinstance(record, Pad):
        return len(record.padding)
    if isinstance(record, PixelShuffle):
        return 2
    if isinstance(record, Conv | Depthwise | TransposedConv | Pool):
        return len(record.kernel)
    return len(record.depthwise.kernel) if isinstance(record, Separable) else None
