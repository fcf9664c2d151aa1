"""Records of tensor operations other than layers: parameters, slices, matrix products.

They answer as the layers do. A shape here is that of one image as everywhere, but may be any
tensor's: heads × tokens × features. Where a network folds images, groups or windows into the first
axis, that axis counts as one of the image's.
"""

from math import prod

from convcli.errors import UnfitError
from convcli.nets.layers import Layer, Measure, Shape, Slot, Slots, size_text, slots_of
from convcli.nets.layers.rearrange import together
from convcli.records import NamedTuple, equal_by_type


@equal_by_type
class Weights(NamedTuple):
    """A tensor that is trained by itself: PyTorch's `nn.Parameter`."""

    shape: Shape
    trained: bool = True

    @property
    def type(self) -> str:
        return "parameter"

    def measure(self, *inputs: Shape) -> Measure:
        return Measure(self.shape, prod(self.shape))

    def slots(self, shape: Shape) -> Slots:
        return {"": Slot(self.shape, 0.0)}


@equal_by_type
class Constant(NamedTuple):
    """A constant tensor: zeros, positions, a mask."""

    shape: Shape

    @property
    def type(self) -> str:
        return "constant"

    def measure(self, *inputs: Shape) -> Measure:
        return Measure(self.shape)


@equal_by_type
class Input(NamedTuple):
    """A further input of a network, in addition to the one that it is walked with."""

    shape: Shape
    dtype: str = ""

    @property
    def type(self) -> str:
        return "input"

    def measure(self, *inputs: Shape) -> Measure:
        return Measure(self.shape)


@equal_by_type
class Unused(NamedTuple):
    """The weights of a layer that a model holds and that nothing of its output goes through.

    Its output is empty: shape (0,).
    """

    type: str
    params: int
    statistics: int = 0
    frozen: int = 0
    """The part of `params` that is not trained."""
    called: bool = False
    """Whether the program calls the layer and discards its output."""

    def measure(self, *inputs: Shape) -> Measure:
        return Measure((0,), self.params, statistics=self.statistics)


@equal_by_type
class Each(NamedTuple):
    """A layer applied to every item along the first axis, as to a batch of them.

    >>> from convcli.nets.layers import Linear
    >>> Each(Linear(5)).measure((4, 3))[:3]
    ((4, 5), 20, 60)
    """

    layer: Layer

    @property
    def type(self) -> str:
        return self.layer.type

    def measure(self, *inputs: Shape) -> Measure:
        items = inputs[0][0]
        item = self.layer.measure(*(shape[1:] for shape in inputs))
        return item._replace(output=(items, *item.output), macs=items * item.macs, windows=())

    def slots(self, shape: Shape) -> Slots:
        return slots_of(self.layer, shape[1:])


@equal_by_type
class Single(NamedTuple):
    """A layer applied to a tensor as to one map, without channels: a 3-D pool over 2-D maps.

    >>> from convcli.nets.layers import Pool
    >>> pool = Pool("max", (1, 2, 2), (2, 2, 2), ((0, 0),) * 3, (1, 1, 1))
    >>> Single(pool).measure((8, 4, 4)).output
    (4, 2, 2)
    """

    layer: Layer

    @property
    def type(self) -> str:
        return self.layer.type

    def measure(self, *inputs: Shape) -> Measure:
        measure = self.layer.measure((1, *inputs[0]))
        return measure._replace(output=per_image(measure.output), windows=())


@equal_by_type
class Free(NamedTuple):
    """A layer that takes its weights from other nodes: `F.conv2d(x, weight)`.

    Its first input is the layer's; the others are its weights, which are counted where they stand.
    """

    layer: Layer

    @property
    def type(self) -> str:
        return self.layer.type

    def measure(self, *inputs: Shape) -> Measure:
        return self.layer.measure(inputs[0])._replace(params=0, bias=0, statistics=0)


@equal_by_type
class Scalar(NamedTuple):
    """Arithmetic of every value with one number, which stands first where `swapped`."""

    type: str
    number: float
    swapped: bool = False

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        return Measure(shape)


@equal_by_type
class Broadcast(NamedTuple):
    """Two tensors value by value, broadcast from the last axis as in PyTorch.

    >>> Broadcast("multiply").measure((8, 4, 4), (8, 1, 1)).output
    (8, 4, 4)
    """

    type: str

    def measure(self, *inputs: Shape) -> Measure:
        return Measure(broadcast(self.type, *inputs))


def broadcast(type_: str, *shapes: Shape) -> Shape:
    """The broadcast shape of several shapes. Raises UnfitError when an axis differs."""
    rank = max(map(len, shapes))
    level = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return together(type_, shapes, level)


@equal_by_type
class Operation(NamedTuple):
    """An operation on tensors of known shapes: `permute`, `matmul`, a slice.

    It is valid for these shapes alone; a network that holds one is read anew for another input.
    """

    type: str
    inputs: tuple[Shape, ...]
    """Whole shapes of the inputs, the batch of one image among them."""
    output: Shape
    values: tuple[object, ...] = ()
    """The other arguments of the call: axes, ends of a slice."""
    macs: int = 0
    runs: bool = True
    """Whether its values are those of the network's axes, so that it can be computed."""

    def measure(self, *inputs: Shape) -> Measure:
        if inputs != tuple(map(per_image, self.inputs)):
            met = " and ".join(map(size_text, inputs))
            read = " and ".join(size_text(per_image(shape)) for shape in self.inputs)
            raise UnfitError(f"{self.type} was read for {read} and gets {met}")
        return Measure(per_image(self.output), macs=self.macs)


def per_image(shape: Shape) -> Shape:
    """A whole shape without its batch of one.

    >>> per_image((1, 64, 8, 8)), per_image((16, 49, 96)), per_image((1,))
    ((64, 8, 8), (16, 49, 96), (1,))
    """
    if not shape:
        return (1,)
    return tuple(shape[1:]) if shape[0] == 1 and len(shape) > 1 else tuple(shape)
