"""What a model's forward run lays out: every layer and operation on a tensor as a node."""

from collections.abc import Sequence
from typing import Any

from convcli.errors import UnfitError
from convcli.nets.graph import INPUT, Builder, Leaf, Network
from convcli.nets.layers import (
    AdaptivePool,
    Layer,
    Misfit,
    Norm,
    Pad,
    PixelShuffle,
    Shape,
    Shuffle,
    Upsample,
)
from convcli.nets.layers.tensor_ops import (
    Constant,
    Each,
    Free,
    Operation,
    Single,
    Weights,
    per_image,
)
from convcli.nets.readers.python.language.objects import Tensor, Unfit
from convcli.nets.source_location import Where

MOST_AXES = 64
"""As many as PyTorch's tensors have."""

LARGEST_TENSOR = 10**15
"""Values of one tensor; more are refused."""


class Tape:
    """Nodes in the order in which a forward run makes them, and the scope that is running."""

    def __init__(self) -> None:
        self.builder = Builder()
        self.scope = ""
        self.sized = False
        """Whether the network may be another for another input: its sizes were asked for."""
        self.notes: list[str] = []
        self.products = 0
        """Multiply–accumulates of products that no weight is part of."""
        self._laid = {INPUT}
        self._sources: dict[int, tuple[Tensor, str]] = {}
        self._each: dict[int, Leaf] = {}
        self.kept: list[Leaf] = []

    def put(
        self,
        record: Any,
        inputs: Sequence[Tensor],
        gives: Shape,
        where: Where | None = None,
        leaf: Leaf | None = None,
        name: str = "",
    ) -> Tensor:
        """The tensor that a record makes of others; of constants alone, it is one and no node.

        A leaf with a name has its whole path in it; one without is numbered in the scope.
        """
        bounded(gives)
        if leaf is None and not any(one.node or one.trained for one in inputs):
            return Tensor(gives)
        if isinstance(record, Operation):
            self.sized = True
        names = tuple([self.node_of(one) for one in inputs])
        made = leaf if leaf is not None else Leaf(record, name, where)
        scope = "" if leaf is not None and leaf.name else self.scope
        tensor = Tensor(gives, self._join(made, names, scope))
        tensor.learned = leaf is None and all(one.learned for one in inputs)
        tensor.channels_last = any(one.channels_last for one in inputs)
        return tensor

    def _join(self, leaf: Leaf, inputs: tuple[str, ...], scope: str) -> str:
        name = self.builder.join(leaf, inputs, scope)
        self._laid.add(name)
        return name

    def laid(self, tensor: Tensor) -> str:
        """The node that gives a tensor, as far as one is laid out; a run before has none here."""
        if tensor.node in self._laid:
            return tensor.node
        return self._sources.get(id(tensor), (tensor, ""))[1]

    def node_of(self, tensor: Tensor) -> str:
        """The node that gives a tensor: one of its own for a parameter or a constant."""
        return self.laid(tensor) or self._source(tensor)

    def _source(self, tensor: Tensor) -> str:
        shape = per_image(tensor.shape)
        record = Weights(shape) if tensor.trained else Constant(shape)
        self.sized = self.sized or not tensor.trained
        name = self._join(Leaf(record, tensor.owner), (), "" if tensor.owner else self.scope)
        self._sources[id(tensor)] = tensor, name
        return name

    def apply(self, leaf: Leaf, tensor: Tensor, others: Sequence[Tensor] = ()) -> Tensor:
        """A layer on a tensor. Raises Unfit where PyTorch would refuse the shape.

        A layer that declared another input than it meets is laid out as it is, and goes on as it
        would fit: the walk over the network tells of it.
        """
        record, shape = leaf.layer, tensor.shape
        bare = record.layer if isinstance(record, Free) else record
        axes = axes_of(bare)
        by_channel = isinstance(bare, Norm | Upsample | Shuffle)
        if axes is not None:
            batched = len(shape) != axes + 1
        elif by_channel and getattr(bare, "kind", "") != "layer":
            batched = bool(shape)
        else:
            batched = len(shape) > 1 and shape[0] == 1
        if axes is not None and len(shape) not in (axes + 1, axes + 2):
            self.put(record, [tensor], shape, leaf=leaf)
            raise Unfit(f"{record.type} needs {axes + 2} axes and meets {len(shape)}")
        if axes is not None and not batched and shape[0] == 1:
            return self._on_one(leaf, tensor)
        if batched and shape[0] != 1:
            leaf = self._on_each(leaf)
        inputs = per_image(shape) if batched and shape[0] == 1 else shape or (1,)
        gives: Shape = ()
        try:
            gives = _output(leaf.layer, inputs)
        except UnfitError as misfit:
            # the walk over the network says this once more, with the place
            self.put(record, [tensor, *others], shape, leaf=leaf)
            raise Unfit(str(misfit)) from None
        if batched and shape[0] == 1:
            gives = (1, *gives)
        return self.put(leaf.layer, [tensor, *others], gives, leaf=leaf)

    def _on_one(self, leaf: Leaf, tensor: Tensor) -> Tensor:
        """A layer on a tensor without a batch, of one map: `nn.MaxPool3d` on (1, 64, 24, 94)."""
        made = Leaf(Single(leaf.layer), leaf.name, leaf.where)
        self.builder.share(made, leaf)
        self.kept.append(made)
        try:
            gives = leaf.layer.measure(tensor.shape).output
        except UnfitError as misfit:
            self.put(made.layer, [tensor], tensor.shape, leaf=made)
            raise Unfit(str(misfit)) from None
        return self.put(made.layer, [tensor], gives, leaf=made)

    def _on_each(self, leaf: Leaf) -> Leaf:
        if id(leaf) not in self._each:
            made = Leaf(Each(leaf.layer), leaf.name, leaf.where)
            self.builder.share(made, leaf)
            self._each[id(leaf)] = made
        return self._each[id(leaf)]

    def network(self, outputs: tuple[str, ...]) -> Network:
        return self.builder.network(outputs)


def bounded(shape: Shape) -> None:
    """Refuses shapes of tensors that nobody could hold."""
    total = 1
    if len(shape) > MOST_AXES:
        raise Unfit(f"a tensor of more than {MOST_AXES} axes")
    for length in shape:
        total *= length
        if length < 0 or total > LARGEST_TENSOR:
            raise Unfit("a tensor of more than 10^15 values")


def _output(layer: Layer, shape: Shape) -> Shape:
    try:
        return layer.measure(shape).output
    except Misfit as misfit:
        return misfit.corrected.measure(shape).output  # type: ignore[no-any-return]


def axes_of(record: Any) -> int | None:
    """The axes behind the channels that a layer works on; None for one that takes any."""
    if isinstance(record, AdaptivePool):
        return len(record.sizes)
    if isinstance(record, Pad):
        return len(record.padding)
    if isinstance(record, PixelShuffle):
        return 2
    if isinstance(getattr(record, "kernel", None), tuple):
        return len(record.kernel)
    depthwise = getattr(record, "depthwise", None)
    return len(depthwise.kernel) if depthwise is not None else None
