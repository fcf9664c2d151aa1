"""Arguments that several Keras layers share: paddings, axes, data formats."""

from convcli.callsyntax import brief
from convcli.errors import SpecError
from convcli.geometry import Padding
from convcli.nets.layers import Layer
from convcli.nets.layers.arguments import pads
from convcli.nets.layers.sequences import ChannelsFirst

NAMED_PADDINGS = {"valid": (1, 2, 3), "same": (1, 2, 3), "causal": (1,)}
"""Paddings by name, and for how divided axes each is known."""


def padding_of(value: object, axes: int, causal: bool = True) -> tuple[Padding, ...]:
    names = [name for name, known in NAMED_PADDINGS.items() if axes in known]
    names = names if causal else [name for name in names if name != "causal"]
    if not isinstance(value, str) or value.lower() not in names:
        raise SpecError(f"padding={brief(value)} is none of {', '.join(names)}")
    return pads(value, axes)


def placed(layer: Layer, data_format: object) -> Layer:
    """A layer, over the channels on the axis that `data_format` names."""
    if data_format == "channels_first":
        return ChannelsFirst(layer)
    if data_format not in (None, "channels_last"):
        names = "channels_first, channels_last"
        raise SpecError(f"data_format={brief(data_format)} is none of {names}")
    return layer


def text_axes(axis: object) -> tuple[int, ...]:
    """Axes of the text, from 1 after the batch, or from −1 at the end."""
    given = axis if isinstance(axis, tuple | list) else (axis,)
    axes = tuple(index for index in given if isinstance(index, int) and not isinstance(index, bool))
    if len(axes) != len(given) or not axes or 0 in axes:
        raise SpecError(f"axis={brief(axis)} needs axes after the batch: 1, 2, … or -1, -2, …")
    return axes


def resize_mode(interpolation: object) -> str:
    """The mode of `Upsample` for Keras's interpolation."""
    return "linear" if interpolation == "bilinear" else str(interpolation or "nearest")
