"""The input of a network: from the command line, from the text, or as its layers expect."""

from collections.abc import Sequence
from math import prod

from convcli.errors import SpecError
from convcli.nets.graph import Given, Network, Reading
from convcli.nets.layers import AXES, Conv, Layer, Linear, Reshape, Shape, size_text
from convcli.nets.layers.arguments import count
from convcli.records import NamedTuple
from convcli.sizes import InputSize
from convcli.text import safe

CHANNELS = 3
"""Channels of an input written without them: `224` is a color picture of 224x224x3."""


OpenShape = tuple[int | None, ...]
"""The shape of an input that a file names, with None where it leaves a size open."""

FEW = (1, 3, 4)
"""Channels of pictures: a first number of these before two large ones means channels first."""


class Inputs(NamedTuple):
    """The input that a network is walked with."""

    network: Network
    shape: Shape
    """The shape of the first tensor, `(channels, *lengths)`."""
    batch: int = 1
    notes: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    """Which of its sizes are assumed: "channels", "size"."""


def resolve_inputs(sizes: Sequence[InputSize], reading: Reading) -> Inputs:
    """The network of a reading with the inputs that `--input` says.

    PyTorch's shape is taken as it stands, its batch first; of other sizes what is left out is
    guessed as `input_shape` does, and said. Raises SpecError for sizes that contradict each other.

    >>> from convcli.nets.readers.read import read_text
    >>> reading = read_text("nn.Conv2d(3, 6, 5)")
    >>> resolve_inputs([InputSize((2, 3, 32, 48), True)], reading)[1:3]
    ((3, 32, 48), 2)
    >>> resolve_inputs([InputSize((3, 32, 48))], reading).notes
    ('3x32x48 is read as 3 channels of 32x48; sizes are HEIGHTxWIDTHxCHANNELS',)
    """
    network, named = reading.network, reading.input
    tensors = [size for size in sizes if not size.is_value]
    several = len(sizes) > 1 or any(size.name for size in sizes)
    if several and network.redo is None:
        names = f"{len(sizes)} inputs" if len(sizes) > 1 else f"an input called {sizes[0].name}"
        raise SpecError(f"this network has one input without a name, not {names}")
    if not tensors:
        from_example = (f"the input's size is from {safe(reading.example)}",)
        return Inputs(
            network._replace(given=_givens(sizes, (), 1, network)),
            input_shape(None, network, named),
            notes=from_example if reading.example else (),
            assumed=("size",) if reading.example else (),
        )
    first, notes = tensors[0], []
    numbers = first.numbers
    if reading.example and named and len(numbers) not in (1, len(named) - 1, len(named)):
        named = None  # an example does not tell how many axes a given input has
    batch = 1
    assumed: tuple[str, ...] = ()
    if first.is_tensor:
        batch, shape = (numbers[0], numbers[1:]) if numbers else (1, ())
        # a forward may add the axis of channels itself: then a batch of one means exactly that
        open_batch = numbers[:1] != (1,) or network.redo is None
        is_item = len(numbers) == 3 and _expects(network, named) == numbers[0]
        # the first layer that tells its axes works on pictures
        kernels = (getattr(node.layer, "kernel", None) for node in network.nodes)
        is_map = len(next(filter(None, kernels), ())) == 2
        if open_batch and is_item and is_map:
            batch, shape = 1, numbers
            notes.append(f"{numbers} has no batch axis: it is read as (1, {str(numbers)[1:]}")
        elif reading.about.startswith("Keras") and len(shape) > 1:
            shape = (shape[-1], *shape[:-1])
        if not shape:
            batch, shape = 1, numbers
    elif _is_channels_first(numbers, network, named):
        channels, *lengths = numbers
        shape = numbers
        text = "x".join(map(str, numbers))
        notes.append(
            f"{text} is read as {channels} channels of {size_text((0, *lengths))[:-2]}; "
            "sizes are HEIGHTxWIDTHxCHANNELS"
        )
    else:
        shape = input_shape(numbers, network, named)
        assumed = assumed_sizes(numbers, shape, named)
    if not several:
        return Inputs(network, shape, batch, tuple(notes), assumed)
    given = _givens(sizes, shape, batch, network)
    return Inputs(network._replace(given=given), shape, batch, tuple(notes), assumed)


def assumed_sizes(given: Sequence[int], shape: Shape, named: OpenShape | None) -> tuple[str, ...]:
    """The parts of a shape that are neither given nor named by the text: channels, or none.

    >>> [assumed_sizes(sizes, (3, 224, 224), None) for sizes in ((224,), (224, 224, 3))]
    [('channels',), ()]
    """
    return ("channels",) if len(shape) > 1 and len(given) < len(shape) and not named else ()


def _givens(
    sizes: Sequence[InputSize], first: Shape, batch: int, network: Network
) -> tuple[Given, ...]:
    """The inputs as a model is called with them, each for one item of the batch."""
    given, is_first = [], True
    for size in sizes:
        if size.is_value:
            given.append(Given(size.name, value=size.value))
            continue
        if is_first:
            shape, is_first = (1, *first), False
        elif size.is_tensor:
            shape = (1, *size.numbers[1:]) if size.numbers[:1] == (batch,) else size.numbers
        else:
            shape = (1, *input_shape(size.numbers, network, None))
        given.append(Given(size.name, shape, size.dtype))
    return tuple(given)


def _expects(network: Network, named: OpenShape | None) -> int | None:
    """The channels that a text names or its first convolution declares."""
    if named:
        return named[0]
    layers = (node.layer for node in network.nodes)
    first = next((layer for layer in layers if isinstance(layer, Conv)), None)
    return first.channels if first else None


def _is_channels_first(numbers: Sequence[int], network: Network, named: OpenShape | None) -> bool:
    """Whether three numbers can only be meant as PyTorch writes them, 3x224x224."""
    if len(numbers) != 3:
        return False
    expected, (first, *_, last) = _expects(network, named), numbers
    if expected is not None and expected in (first, last):
        return expected == first != last
    return first in FEW and last > max(FEW) and numbers[1] > max(FEW)


def input_shape(given: Sequence[int] | None, network: Network, named: OpenShape | None) -> Shape:
    """The shape `(channels, *lengths)` that a network is walked with.

    `given` is what the command line says: one side for every axis, all sides, or all sides and
    the channels. Channels left out are those the text names or its first layer declares, else 3.

    >>> from convcli.nets.readers.read import read_text
    >>> input_shape((32,), read_text("nn.Conv2d(1, 6, 5)").network, None)
    (1, 32, 32)

    Raises SpecError when neither says it.
    """
    if given is None:
        if named is None and len(network.parameters) > 1:
            example = " ".join(f"--input '{name}=…'" for name in network.parameters)
            raise SpecError(
                f"the sizes of the inputs are unknown; give {example}, each a size (64x64x3), a "
                "tensor's shape ((1, 128)) or a value (True)"
            )
        if named is None:
            raise SpecError("the input's size is unknown; give --input, such as --input 224x224x3")
        closed = closed_shape(named)
        if closed is None:
            sizes = "x".join(str(size or "?") for size in (*named[1:], named[0]))
            raise SpecError(f"the file leaves the input open, {sizes}; give --input")
        return closed
    axes = len(named) - 1 if named else _axes(network, given)
    if axes == 0 and len(given) == 1:
        return (given[0],)
    axes = axes or 2
    if len(given) == axes + 1:
        return (given[-1], *given[:-1])
    if len(given) == 1:
        lengths = (given[0],) * axes
    elif len(given) == axes:
        lengths = tuple(given)
    elif network.redo is not None and not named:
        return (given[-1], *given[:-1])  # a forward may give its first layer another shape
    else:
        sizes = " x ".join(AXES.get(axes, ("size",) * axes))
        raise SpecError(f"the network's input is {sizes} x channels, not {len(given)} numbers")
    channels = (named and named[0]) or _channels(network, lengths)
    return (channels, *lengths)


def closed_shape(named: OpenShape | None) -> Shape | None:
    """A shape without an open size.

    >>> closed_shape((3, 224, 224)), closed_shape((3, None, None))
    ((3, 224, 224), None)
    """
    if named is None:
        return None
    sizes = tuple(size for size in named if size is not None)
    return sizes if len(sizes) == len(named) else None


def named_shape(sizes: Sequence[object]) -> Shape | None:
    """The shape of an input whose sizes a text names, channels last; None where one is left open.

    >>> named_shape((224, 224, 3)), named_shape((None, None, 3))
    ((3, 224, 224), None)
    """
    if not sizes or any(size is None for size in sizes):
        return None
    lengths = tuple(count(size, "an input size") for size in sizes)
    if len(lengths) > 4:
        raise SpecError(f"an input of {len(lengths)} axes is not read here")
    return (lengths[-1], *lengths[:-1])


def _axes(network: Network, given: Sequence[int]) -> int:
    """The number of axes that the first layer that tells it works on.

    The layers of a model file stand in the order in which they are declared: there a linear layer
    decides if it takes as many values as were given, or if it is alone. If other layers differ, the
    sizes that were given with channels decide, or else pictures.
    """
    ranks: list[int] = []
    for node in network.nodes:
        kernel = getattr(node.layer, "kernel", None) or getattr(node.layer, "sizes", None)
        if kernel:
            ranks.append(len(kernel))
        elif isinstance(node.layer, Linear):
            ranks.append(0)
    if network.redo is not None:
        first = network.nodes[0].layer if network.nodes else None
        if not (isinstance(first, Linear) and [first.features] == [*given]):
            ranks = [axes for axes in ranks if axes] or ranks
        if len({*ranks} - {0}) > 1:
            return len(given) - 1 if len(given) - 1 in ranks else 2
    return ranks[0] if ranks else 2


def _channels(network: Network, lengths: Sequence[int]) -> int:
    layers = [n.layer for n in network.nodes if isinstance(n.layer, Conv | Linear)]
    if network.redo is not None:
        # the layers of a model file stand in the order in which they are declared
        fitting = [n for n in layers if len(getattr(n, "kernel", ())) == len(lengths)]
        layers = fitting or layers
    first: Layer | None = layers[0] if layers else None
    flat = any(isinstance(node.layer, Reshape) for node in network.nodes[:1])
    if isinstance(first, Conv) and first.channels:
        return first.channels
    if isinstance(first, Linear) and first.features and (flat or len(lengths) > 1):
        places = prod(lengths)
        if first.features % places == 0:
            return first.features // places
    return CHANNELS
