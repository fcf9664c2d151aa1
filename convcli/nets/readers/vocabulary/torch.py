"""PyTorch's vocabulary: `nn.Conv2d(3, 96, kernel_size=11, stride=4)`, with its order and defaults.

Output lengths are floored, padding is symmetric, `padding="same"` needs stride 1, and declared
sizes (`in_channels`, `in_features`, `num_features`) are checked against the input.
"""

from functools import partial

from convcli.borders import PYTORCH_BORDERS, BorderName, border_refusal
from convcli.callsyntax import brief
from convcli.errors import SpecError
from convcli.geometry import Padding, Window, output_padding_refusal, resolve_padding
from convcli.nets.layers import (
    AdaptivePool,
    Builder,
    Conv,
    Identity,
    Linear,
    Norm,
    Pad,
    Pool,
    PoolKind,
    Reshape,
    TransposedConv,
    Upsample,
    named,
)
from convcli.nets.layers.arguments import (
    count,
    counts,
    factor,
    flag,
    maybe_count,
    number_or,
    pads,
    sizes,
)


def conv(
    axes: int,
    in_channels: object,
    out_channels: object,
    kernel_size: object,
    stride: object = 1,
    padding: object = 0,
    dilation: object = 1,
    groups: object = 1,
    bias: object = True,
    padding_mode: object = "zeros",
    device: object = None,
    dtype: object = None,
) -> Conv:
    kernel = counts(kernel_size, axes, "kernel_size")
    strides = counts(stride, axes, "stride")
    spacing = counts(dilation, axes, "dilation")
    return Conv(
        count(out_channels, "out_channels"),
        kernel,
        strides,
        _conv_padding(padding, kernel, strides, spacing),
        spacing,
        count(groups, "groups"),
        flag(bias, "bias"),
        maybe_count(in_channels, "in_channels"),
        border=border(padding_mode),
        padding_named=isinstance(padding, str),
    )


def border(padding_mode: object) -> BorderName:
    """The border mode of padded cells, by our name."""
    if isinstance(padding_mode, str) and padding_mode in PYTORCH_BORDERS:
        return PYTORCH_BORDERS[padding_mode]
    raise SpecError(f"padding_mode={border_refusal(padding_mode, PYTORCH_BORDERS)}")


def _conv_padding(
    padding: object, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[Padding, ...]:
    if padding == "same":
        if set(stride) != {1}:
            raise SpecError("padding='same' is not supported for strided convolutions by PyTorch")
        windows = map(Window, kernel, stride, dilation)
        return tuple(resolve_padding("same", 1, window) for window in windows)
    if isinstance(padding, str) and padding != "valid":
        raise SpecError(f"padding={brief(padding)} is neither 'same' nor 'valid'")
    return pads(padding, len(kernel))


def conv_transpose(
    axes: int,
    in_channels: object,
    out_channels: object,
    kernel_size: object,
    stride: object = 1,
    padding: object = 0,
    output_padding: object = 0,
    groups: object = 1,
    bias: object = True,
    dilation: object = 1,
    padding_mode: object = "zeros",
    device: object = None,
    dtype: object = None,
) -> TransposedConv:
    strides, spacing = counts(stride, axes, "stride"), counts(dilation, axes, "dilation")
    extra = counts(output_padding, axes, "output_padding", 0)
    kernel = counts(kernel_size, axes, "kernel_size")
    for refusal in map(output_padding_refusal, extra, map(Window, kernel, strides, spacing)):
        if refusal:
            raise SpecError(f"{refusal}, as in PyTorch")
    return TransposedConv(
        count(out_channels, "out_channels"),
        kernel,
        strides,
        tuple((p, p) for p in counts(padding, axes, "padding", 0)),
        extra,
        spacing,
        count(groups, "groups"),
        flag(bias, "bias"),
        maybe_count(in_channels, "in_channels"),
    )


def _pool(
    kind: PoolKind,
    axes: int,
    kernel: object,
    stride: object,
    padding: object,
    dilation: object,
    ceil: object,
) -> Pool:
    sizes = counts(kernel, axes, "kernel_size")
    spacing = counts(dilation, axes, "dilation")
    sides = counts(padding, axes, "padding", 0)
    steps = sizes if stride in (None, ()) else counts(stride, axes, "stride")
    for p, k in zip(sides, sizes, strict=True):
        if p > k // 2:
            raise SpecError(
                f"padding={p} is more than half of the kernel of {k}, which PyTorch refuses"
            )
    return Pool(kind, sizes, steps, tuple((p, p) for p in sides), spacing, flag(ceil, "ceil_mode"))


def max_pool(
    axes: int,
    kernel_size: object,
    stride: object = None,
    padding: object = 0,
    dilation: object = 1,
    return_indices: object = False,
    ceil_mode: object = False,
) -> Pool:
    return _pool("max", axes, kernel_size, stride, padding, dilation, ceil_mode)


def avg_pool(
    axes: int,
    kernel_size: object,
    stride: object = None,
    padding: object = 0,
    ceil_mode: object = False,
    count_include_pad: object = True,
    divisor_override: object = None,
) -> Pool:
    pool = _pool("average", axes, kernel_size, stride, padding, 1, ceil_mode)
    return pool._replace(
        count_include_pad=flag(count_include_pad, "count_include_pad"),
        divisor=maybe_count(divisor_override, "divisor_override"),
    )


def lp_pool(
    axes: int,
    norm_type: object,
    kernel_size: object,
    stride: object = None,
    ceil_mode: object = False,
) -> Pool:
    if norm_type == 0:
        raise SpecError("norm_type must not be 0: there is no such root")
    pool = _pool("lp", axes, kernel_size, stride, 0, 1, ceil_mode)
    return pool._replace(power=number_or(norm_type, 2.0))


def adaptive_pool(
    kind: PoolKind, axes: int, output_size: object, return_indices: object = False
) -> AdaptivePool:
    sizes = output_size if isinstance(output_size, tuple | list) else (output_size,) * axes
    if len(sizes) == 1:
        sizes = tuple(sizes) * axes
    if len(sizes) != axes:
        raise SpecError(f"output_size must be 1 or {axes} numbers, not {len(sizes)}")
    return AdaptivePool(kind, tuple(maybe_count(size, "output_size") for size in sizes))


def linear(
    in_features: object,
    out_features: object,
    bias: object = True,
    device: object = None,
    dtype: object = None,
) -> Linear:
    features = maybe_count(in_features, "in_features")
    return Linear(count(out_features, "out_features"), flag(bias, "bias"), features, "last")


def flatten(start_dim: object = 1, end_dim: object = -1) -> Reshape:
    first, last = count(start_dim, "start_dim", -8), count(end_dim, "end_dim", -8)
    if first < 1 or (0 <= last < first):
        raise SpecError(f"flatten from axis {start_dim} to {end_dim}; only from 1 or more on")
    # PyTorch counts the batch, and its end is the last axis that is joined
    stop = last if last >= 0 else last + 1 or None
    return Reshape((-1,), start=first - 1, stop=stop)


def unflatten(dim: object, unflattened_size: object) -> Reshape:
    axis = count(dim, "dim", -8)
    if axis == 0 or not isinstance(unflattened_size, tuple | list) or not unflattened_size:
        raise SpecError("unflatten is read for an axis after the batch and a tuple of sizes")
    start = axis - 1 if axis > 0 else axis
    return Reshape(sizes(unflattened_size, "unflattened_size"), start, stop=start + 1 or None)


def pad(axes: int, border: BorderName, padding: object, value: object = 0) -> Pad:
    # last axis first: (left, right, top, bottom), as torch.nn.functional.pad has it
    sides = counts(padding, 2 * axes, "padding", -(10**9))
    pairs = [(sides[2 * axis], sides[2 * axis + 1]) for axis in range(axes)]
    return Pad(tuple(reversed(pairs)), border, number_or(value, 0.0))


def upsample(
    size: object = None,
    scale_factor: object = None,
    mode: object = "nearest",
    align_corners: object = None,
    recompute_scale_factor: object = None,
) -> Upsample:
    if (size is None) == (scale_factor is None):
        raise SpecError("upsample needs either a size or a scale_factor")
    how = "linear" if mode in ("linear", "bilinear", "trilinear") else str(mode)
    value = scale_factor if size is None else size
    values = value if isinstance(value, tuple | list) else (value,)
    scale = tuple(factor(times, "scale_factor") for times in values if size is None)
    lengths = tuple(count(length, "size") for length in values if size is not None)
    return Upsample(scale, lengths, how, flag(align_corners, "align_corners"))


def upsample2d(
    how: str, corners: bool, size: object = None, scale_factor: object = None, mode: object = None
) -> Upsample:
    # the text of print(model) repeats the mode
    return upsample(size, scale_factor, how, corners)


NORM_AXES = {1: (1, 2), 2: (3,), 3: (4,)}
"""Axes of an image that `nn.BatchNormNd` takes: `BatchNorm1d` takes vectors too."""


def batch_norm(
    axes: tuple[int, ...],
    num_features: object,
    eps: object = 1e-5,
    momentum: object = 0.1,
    affine: object = True,
    track_running_stats: object = True,
    device: object = None,
    dtype: object = None,
    process_group: object = None,
    bias: object = True,
) -> Norm:
    """`nn.BatchNormNd`, for images of some numbers of axes; none: of any."""
    channels = maybe_count(num_features, "num_features")
    return Norm(
        "batch",
        _vectors(affine, bias),
        channels,
        tracked=flag(track_running_stats, "track_running_stats"),
        eps=number_or(eps, 1e-5),
        axes=axes,
    )


def lazy_batch_norm(
    axes: tuple[int, ...],
    eps: object = 1e-5,
    momentum: object = 0.1,
    affine: object = True,
    track_running_stats: object = True,
    device: object = None,
    dtype: object = None,
) -> Norm:
    return batch_norm(axes, None, eps, momentum, affine, track_running_stats)


def instance_norm(
    num_features: object,
    eps: object = 1e-5,
    momentum: object = 0.1,
    affine: object = False,
    track_running_stats: object = False,
    device: object = None,
    dtype: object = None,
    bias: object = True,
) -> Norm:
    channels = maybe_count(num_features, "num_features")
    tracked = flag(track_running_stats, "track_running_stats")
    vectors = _vectors(affine, bias)
    return Norm("instance", vectors, channels, tracked=tracked, eps=number_or(eps, 1e-5))


def lazy_instance_norm(
    eps: object = 1e-5,
    momentum: object = 0.1,
    affine: object = True,
    track_running_stats: object = True,
    device: object = None,
    dtype: object = None,
) -> Norm:
    """`nn.LazyInstanceNorm2d`, whose defaults are not those of `nn.InstanceNorm2d`."""
    return instance_norm(None, eps, momentum, affine, track_running_stats)


def group_norm(
    num_groups: object,
    num_channels: object,
    eps: object = 1e-5,
    affine: object = True,
    device: object = None,
    dtype: object = None,
    bias: object = True,
) -> Norm:
    channels = maybe_count(num_channels, "num_channels")
    groups, vectors = count(num_groups, "num_groups"), _vectors(affine, bias)
    return Norm("group", vectors, channels, groups, eps=number_or(eps, 1e-5))


def _vectors(affine: object, bias: object) -> int:
    """The number of trained vectors of a normalization: scale and shift."""
    return 1 + flag(bias, "bias") if flag(affine, "affine") else 0


def layer_norm(
    normalized_shape: object,
    eps: object = 1e-5,
    elementwise_affine: object = True,
    bias: object = True,
    device: object = None,
    dtype: object = None,
) -> Norm:
    sizes = normalized_shape if isinstance(normalized_shape, tuple | list) else (normalized_shape,)
    shape = tuple(count(size, "normalized_shape") for size in sizes)
    vectors = _vectors(elementwise_affine, bias)
    return Norm("layer", vectors, shape=shape, eps=number_or(eps, 1e-5))


def dropout(whole_maps: bool, p: object = 0.5, inplace: object = False) -> Identity:
    return Identity("dropout", number_or(p, 0.5), whole_maps)


LAYERS: dict[str, Builder] = {
    **named("PyTorch"),
    **{f"Conv{n}d": partial(conv, n) for n in (1, 2, 3)},
    **{f"LazyConv{n}d": partial(conv, n, None) for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": partial(conv_transpose, n) for n in (1, 2, 3)},
    **{f"LazyConvTranspose{n}d": partial(conv_transpose, n, None) for n in (1, 2, 3)},
    **{f"LazyInstanceNorm{n}d": lazy_instance_norm for n in (1, 2, 3)},
    **{f"MaxPool{n}d": partial(max_pool, n) for n in (1, 2, 3)},
    **{f"AvgPool{n}d": partial(avg_pool, n) for n in (1, 2, 3)},
    **{f"LPPool{n}d": partial(lp_pool, n) for n in (1, 2, 3)},
    **{f"AdaptiveAvgPool{n}d": partial(adaptive_pool, "average", n) for n in (1, 2, 3)},
    **{f"AdaptiveMaxPool{n}d": partial(adaptive_pool, "max", n) for n in (1, 2, 3)},
    **{
        f"{kind}Pad{n}d": partial(pad, n, "constant")
        for n in (1, 2, 3)
        for kind in ("Zero", "Constant")
    },
    **{
        f"{kind}Pad{n}d": partial(pad, n, border(mode))
        for n in (1, 2, 3)
        for kind, mode in (
            ("Reflection", "reflect"),
            ("Replication", "replicate"),
            ("Circular", "circular"),
        )
    },
    **{f"BatchNorm{n}d": partial(batch_norm, NORM_AXES[n]) for n in NORM_AXES},
    **{f"LazyBatchNorm{n}d": partial(lazy_batch_norm, NORM_AXES[n]) for n in NORM_AXES},
    **{f"InstanceNorm{n}d": instance_norm for n in (1, 2, 3)},
    **{f"Dropout{n}d": partial(dropout, True) for n in (1, 2, 3)},
    "SyncBatchNorm": partial(batch_norm, ()),
    "Dropout": partial(dropout, False),
    "AlphaDropout": partial(dropout, False),
    "FeatureAlphaDropout": partial(dropout, True),
    "Linear": linear,
    "LazyLinear": partial(linear, None),
    "Flatten": flatten,
    "Unflatten": unflatten,
    "Upsample": upsample,
    "UpsamplingNearest2d": partial(upsample2d, "nearest", False),
    "UpsamplingBilinear2d": partial(upsample2d, "linear", True),
    "GroupNorm": group_norm,
    "LayerNorm": layer_norm,
}
