"""The input a network is given: what the command line says, what the text says, what it expects."""

from collections.abc import Sequence

from convcli.errors import SpecError
from convcli.nets.graph import Network
from convcli.nets.layers import AXES, Conv, Layer, Linear, Reshape, Shape
from convcli.nets.layers.arguments import count

CHANNELS = 3
"""Channels of an input written without them: `224` is a color picture of 224x224x3."""


OpenShape = tuple[int | None, ...]
"""The shape of an input that a file names, with None where it leaves a size open."""


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
        if named is None:
            raise SpecError(
                "the input's size is not known; give --input, such as --input 224x224x3"
            )
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
    else:
        sizes = " x ".join(AXES.get(axes, ("size",) * axes))
        raise SpecError(f"the network's input is {sizes} x channels, not {len(given)} numbers")
    channels = (named and named[0]) or _channels(network, lengths)
    return (channels, *lengths)


def closed_shape(named: OpenShape | None) -> Shape | None:
    """A shape that is named completely.

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
    """How many axes the first layer that says so works on.

    The layers of a model file stand in the order in which they are declared: there a linear layer
    decides where it takes as many values as were given, or is alone, and where others differ, it is
    those that were given with the channels, or pictures.
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
        places = 1
        for length in lengths:
            places *= length
        if first.features % places == 0:
            return first.features // places
    return CHANNELS
