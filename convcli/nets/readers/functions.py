"""What a function or a tensor's method does to a tensor: `F.max_pool2d(x, 2)`, `x.view(-1, 400)`.

Each entry takes the values behind the tensor and gives a layer, or None where nothing happens to
shape or counts.
"""

from collections.abc import Callable
from typing import Any

from convcli.callsyntax import shown
from convcli.errors import SpecError
from convcli.nets.layers import (
    AdaptivePool,
    Concat,
    Merge,
    Pad,
    Pool,
    Reshape,
    Upsample,
    activations,
)
from convcli.nets.layers.activations import function, torch_leaky_relu
from convcli.nets.layers.arguments import sizes
from convcli.nets.readers.vocabulary import torch


def max_pool(axes: int) -> Callable[..., Pool]:
    """`F.max_pool2d`, whose last two values stand the other way round than the class's."""

    def build(
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: Any = False,
        return_indices: Any = False,
    ) -> Pool:
        made = torch.max_pool(axes)
        return made(kernel_size, stride, padding, dilation, return_indices, ceil_mode)

    return build


def flatten(start_dim: Any = 0, end_dim: Any = -1) -> Reshape:
    return torch.flatten(start_dim or 1, end_dim)


def view(*size: Any) -> Reshape:
    """The batch first, then the sizes of one image."""
    if len(size) == 1 and isinstance(size[0], tuple | list) and size[0]:
        size = tuple(size[0])
    if len(size) < 2:
        raise SpecError("the first size is the batch; the sizes of one image follow")
    return Reshape(sizes(size[1:], "size"))


def cat(dim: Any = 0, axis: Any = None, **_: Any) -> Concat:
    place = dim if axis is None else axis
    if place not in (1, -3):
        raise SpecError(f"only the channels, dim=1, are joined here, not dim={shown(place)}")
    return Concat()


def concatenate(axis: Any = -1, **_: Any) -> Concat:
    if axis not in (-1, 3):
        raise SpecError(f"only the channels, axis=-1, are joined here, not axis={shown(axis)}")
    return Concat()


def mean(dim: Any = None, keepdim: Any = False) -> AdaptivePool:
    if dim is None or sorted(dim if isinstance(dim, tuple | list) else [dim]) not in (
        [2, 3],
        [-2, -1],
    ):
        raise SpecError(f"a mean is read over the axes (2, 3), not {shown(dim)}")
    return AdaptivePool("average", (1, 1), squeeze=not keepdim)


def pad(sides: Any, mode: Any = "constant", value: Any = 0) -> Pad:
    pairs = len(sides) // 2 if isinstance(sides, tuple | list) else 0
    border = "constant" if mode == "constant" else torch.border(mode)
    made = torch.pad(max(pairs, 1), border)(sides, value)
    return made._replace(padding=((0, 0),) * (2 - pairs) + made.padding)


def interpolate(
    size: Any = None,
    scale_factor: Any = None,
    mode: Any = "nearest",
    align_corners: Any = None,
    recompute_scale_factor: Any = None,
    antialias: Any = False,
) -> Upsample:
    return torch.upsample(size, scale_factor, mode, align_corners)


def _merge(kind: str) -> Callable[..., Merge]:
    def build(*_: Any, **options: Any) -> Merge:
        return Merge(kind)

    return build


def _nothing(*_: Any, **options: Any) -> None:
    return None


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: function(name) for name in activations.FUNCTIONS},
    # of PyTorch's classes: Hardswish is hardswish
    **{torch.lower(): function(name) for name, (torch, _, _) in activations.FUNCTIONS.items()},
    "leaky_relu": torch_leaky_relu,
    **{f"max_pool{n}d": max_pool(n) for n in (1, 2)},
    "avg_pool1d": torch.avg_pool(1),
    "avg_pool2d": torch.avg_pool(2),
    "adaptive_avg_pool2d": torch.adaptive_pool("average", 2),
    "adaptive_max_pool2d": torch.adaptive_pool("max", 2),
    "flatten": flatten,
    "view": view,
    "reshape": view,
    "cat": cat,
    "concat": cat,
    "concatenate": concatenate,
    "mean": mean,
    "pad": pad,
    "interpolate": interpolate,
    "add": _merge("add"),
    "subtract": _merge("subtract"),
    "mul": _merge("multiply"),
    "multiply": _merge("multiply"),
    "average": _merge("average"),
    "maximum": _merge("maximum"),
    "minimum": _merge("minimum"),
    **{f"dropout{kind}": _nothing for kind in ("", "1d", "2d", "3d")},
    **dict.fromkeys(("alpha_dropout", "contiguous", "clone", "detach", "float", "to"), _nothing),
}
