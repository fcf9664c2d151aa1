"""Keras's vocabulary: `Conv2D(filters=96, kernel_size=11, strides=4, padding="same")`.

Channels are inferred and stand last; SAME pads the odd cell at the end; batch normalization's
running statistics count as parameters, as Keras's own summary counts them. A layer's `activation`
follows it as a row of its own. Arguments that change no shape (initializers, regularizers, names)
are ignored.
"""

from functools import partial

from convcli.callsyntax import brief
from convcli.errors import SpecError
from convcli.geometry import Window
from convcli.nets.graph import Leaf
from convcli.nets.layers import (
    Activation,
    AdaptivePool,
    Builder,
    Concat,
    Conv,
    Depthwise,
    Identity,
    Layer,
    Linear,
    Merge,
    Norm,
    Pad,
    Pool,
    PoolKind,
    PReLU,
    Reshape,
    Separable,
    TransposedConv,
    Upsample,
    activations,
    named,
)
from convcli.nets.layers.arguments import (
    cells,
    count,
    counts,
    flag,
    number,
    number_or,
    plain,
    sizes,
)
from convcli.nets.layers.sequences import AxisNorm, CenterCrop
from convcli.nets.readers.vocabulary.keras_sequences import SEQUENCES, SHARED_SEQUENCES
from convcli.nets.readers.vocabulary.keras_values import padding_of, placed, resize_mode, text_axes
from convcli.text import like


def conv(
    axes: int,
    filters: object,
    kernel_size: object,
    strides: object = 1,
    padding: object = "valid",
    data_format: object = None,
    dilation_rate: object = 1,
    groups: object = 1,
    activation: object = None,
    use_bias: object = True,
    **_: object,
) -> Layer:
    layer = Conv(
        count(filters, "filters"),
        counts(kernel_size, axes, "kernel_size"),
        counts(strides, axes, "strides"),
        padding_of(padding, axes),
        counts(dilation_rate, axes, "dilation_rate"),
        count(groups, "groups"),
        flag(use_bias, "use_bias"),
    )
    return placed(layer, data_format)


def conv_transpose(
    axes: int,
    filters: object,
    kernel_size: object,
    strides: object = 1,
    padding: object = "valid",
    output_padding: object = None,
    data_format: object = None,
    dilation_rate: object = 1,
    activation: object = None,
    use_bias: object = True,
    **_: object,
) -> Layer:
    kernel = counts(kernel_size, axes, "kernel_size")
    spacing = counts(dilation_rate, axes, "dilation_rate")
    sides, extra = padding_of(padding, axes, causal=False), (0,) * axes
    if output_padding is not None:
        extra = counts(output_padding, axes, "output_padding", 0)
        windows = map(Window, kernel, counts(strides, axes, "strides"), spacing)
        half = [w.dilated_kernel // 2 if padding == "same" else 0 for w in windows]
        sides = tuple((p, p) for p in half)
    layer = TransposedConv(
        count(filters, "filters"),
        kernel,
        counts(strides, axes, "strides"),
        sides,
        extra,
        spacing,
        bias=flag(use_bias, "use_bias"),
    )
    return placed(layer, data_format)


def depthwise(
    axes: int,
    kernel_size: object,
    strides: object = 1,
    padding: object = "valid",
    depth_multiplier: object = 1,
    data_format: object = None,
    dilation_rate: object = 1,
    activation: object = None,
    use_bias: object = True,
    **_: object,
) -> Layer:
    layer = Depthwise(
        counts(kernel_size, axes, "kernel_size"),
        counts(strides, axes, "strides"),
        padding_of(padding, axes),
        counts(dilation_rate, axes, "dilation_rate"),
        count(depth_multiplier, "depth_multiplier"),
        flag(use_bias, "use_bias"),
    )
    return placed(layer, data_format)


def separable(
    axes: int,
    filters: object,
    kernel_size: object,
    strides: object = 1,
    padding: object = "valid",
    data_format: object = None,
    dilation_rate: object = 1,
    depth_multiplier: object = 1,
    activation: object = None,
    use_bias: object = True,
    **_: object,
) -> Layer:
    first = Depthwise(
        counts(kernel_size, axes, "kernel_size"),
        counts(strides, axes, "strides"),
        padding_of(padding, axes),
        counts(dilation_rate, axes, "dilation_rate"),
        count(depth_multiplier, "depth_multiplier"),
        bias=False,
    )
    layer = Separable(count(filters, "filters"), first, flag(use_bias, "use_bias"))
    return placed(layer, data_format)


def pool(
    kind: PoolKind,
    axes: int,
    pool_size: object = 2,
    strides: object = None,
    padding: object = "valid",
    data_format: object = None,
    **_: object,
) -> Layer:
    kernel = counts(pool_size, axes, "pool_size")
    steps = kernel if strides is None else counts(strides, axes, "strides")
    layer = Pool(
        kind,
        kernel,
        steps,
        padding_of(padding, axes, causal=False),
        (1,) * axes,
        count_include_pad=False,
    )
    return placed(layer, data_format)


def global_pool(
    kind: PoolKind, axes: int, data_format: object = None, keepdims: object = False, **_: object
) -> Layer:
    layer = AdaptivePool(kind, (1,) * axes, squeeze=not flag(keepdims, "keepdims"))
    return placed(layer, data_format)


def dense(units: object, activation: object = None, use_bias: object = True, **_: object) -> Linear:
    return Linear(count(units, "units"), flag(use_bias, "use_bias"), over="channels")


def reshape(target_shape: object, **_: object) -> Reshape:
    *lengths, channels = sizes(target_shape, "target_shape")
    return Reshape((channels, *lengths), channels_last=True)


def _sides(value: object, axes: int, name: str) -> tuple[tuple[int, int], ...]:
    if axes == 1 and isinstance(value, tuple | list) and len(value) == 2:
        value = (value,)
    return cells(value, axes, name)


def zero_padding(axes: int, padding: object = 1, data_format: object = None, **_: object) -> Layer:
    return placed(Pad(_sides(padding, axes, "padding")), data_format)


def cropping(axes: int, cropping: object = 1, data_format: object = None, **_: object) -> Layer:
    sides = _sides(cropping, axes, "cropping")
    return placed(Pad(tuple((-before, -after) for before, after in sides)), data_format)


def upsampling(
    axes: int, size: object = 2, data_format: object = None, interpolation: object = "", **_: object
) -> Layer:
    layer = Upsample(scale=counts(size, axes, "size"), mode=resize_mode(interpolation))
    return placed(layer, data_format)


def _vectors(center: object, scale: object) -> tuple[int, bool]:
    """The number of trained vectors of a normalization, and whether it shifts alone."""
    shifts, scales = flag(center, "center"), flag(scale, "scale")
    return shifts + scales, shifts and not scales


def batch_normalization(
    axis: object = -1,
    momentum: object = 0.99,
    epsilon: object = 1e-3,
    center: object = True,
    scale: object = True,
    **_: object,
) -> Layer:
    vectors, alone = _vectors(center, scale)
    axes, eps = text_axes(axis), number_or(epsilon, 1e-3)
    if axes not in ((-1,), (3,)):
        return AxisNorm("batch_norm", axes, vectors, tracked=True)
    return Norm("batch", vectors, tracked=True, counted=True, eps=eps, shift_alone=alone)


def layer_normalization(
    axis: object = -1,
    epsilon: object = 1e-3,
    center: object = True,
    scale: object = True,
    **_: object,
) -> Layer:
    vectors, alone = _vectors(center, scale)
    axes = text_axes(axis)
    if axes != (-1,):
        return AxisNorm("layer_norm", axes, vectors)
    return Norm("layer", vectors, eps=number_or(epsilon, 1e-3), shift_alone=alone)


def rms_normalization(axis: object = -1, epsilon: object = 1e-6, **_: object) -> AxisNorm:
    return AxisNorm("rms_norm", text_axes(axis), 1)


def normalization(
    axis: object = -1,
    mean: object = None,
    variance: object = None,
    invert: object = False,
    **_: object,
) -> Layer:
    """Statistics of the data, unless they are given; then the layer stores none."""
    axes = () if axis in (None, (), []) else text_axes(axis)
    inverse = flag(invert, "invert")
    if mean is not None:
        names, values = ("mean", "variance", "invert"), (mean, variance, inverse)
        return Activation("normalization", values=tuple(zip(names, values, strict=True)))
    if axes == (-1,) and not inverse:
        return Norm("input", 0, tracked=True, counted=True, eps=1e-7)
    return AxisNorm("input_norm", axes, 0, tracked=True, counts=1)


def rescaling(scale: object, offset: object = 0.0, **_: object) -> Activation:
    return Activation("rescaling", values=(("scale", scale), ("offset", offset)))


def unit_normalization(axis: object = -1, **_: object) -> Activation:
    axes = text_axes(axis)
    return Activation("unit_norm", values=() if axes == (-1,) else (("axis", brief(axis)),))


def group_normalization(
    groups: object = 32,
    axis: object = -1,
    epsilon: object = 1e-3,
    center: object = True,
    scale: object = True,
    **_: object,
) -> Norm:
    if text_axes(axis) not in ((-1,), (3,)):
        raise SpecError(f"axis={brief(axis)} is not read; -1, the channels, is")
    vectors, alone = _vectors(center, scale)
    divided = 1 if groups == -1 else count(groups, "groups")
    eps = number_or(epsilon, 1e-3)
    return Norm("group", vectors, groups=divided, eps=eps, shift_alone=alone)


FUNCTIONS = {
    word: name for name, (_, words, _) in activations.FUNCTIONS.items() for word in words.split()
}
FUNCTIONS |= {"leaky_relu": "leaky_relu", "linear": ""}
"""Names that `activation=` takes; "linear" is none at all."""


def function(name: object) -> Activation | None:
    """The layer that `activation=` adds. Raises SpecError for an unknown name."""
    if name is None:
        return None
    if isinstance(name, Leaf):  # activation=layers.LeakyReLU()
        layer = name.layer
        if isinstance(layer, Activation):
            return layer
    last = name.rpartition(".")[2] if isinstance(name, str) else ""
    if last not in FUNCTIONS:
        names, hint = ", ".join(FUNCTIONS), like(str(name), FUNCTIONS)
        raise SpecError(f"activation={brief(name)} is none of {names}{hint}")
    slope = 0.2 if last == "leaky_relu" else 0.0
    return Activation(FUNCTIONS[last], slope) if FUNCTIONS[last] else None


def activation(activation: object, **_: object) -> Layer:
    return function(activation) or Identity()


def relu(
    max_value: object = None, negative_slope: object = 0.0, threshold: object = 0.0, **_: object
) -> Activation:
    if max_value is None and threshold == 0:
        slope = number(negative_slope, "negative_slope")
        return Activation("leaky_relu", slope) if slope else Activation("relu")
    if (max_value, negative_slope, threshold) == (6, 0, 0):
        return Activation("relu6")
    names = ("max_value", "negative_slope", "threshold")
    given = tuple(zip(names, (max_value, negative_slope, threshold), strict=True))
    return Activation("bounded_relu", values=given)


def elu(alpha: object = 1.0, **_: object) -> Activation:
    return activations.function("elu")(alpha)


def softmax(axis: object = -1, **_: object) -> Activation:
    if axis not in (-1, 3):
        raise SpecError(f"axis={brief(axis)} is not read; -1, the channels, is")
    return Activation("softmax")


def leaky_relu(negative_slope: object = 0.3, alpha: object = None, **_: object) -> Activation:
    name, slope = ("negative_slope", negative_slope) if alpha is None else ("alpha", alpha)
    return Activation("leaky_relu", number(slope, name))


def prelu(
    alpha_initializer: object = "zeros",
    alpha_regularizer: object = None,
    alpha_constraint: object = None,
    shared_axes: object = None,
    **_: object,
) -> PReLU:
    axes = shared_axes if isinstance(shared_axes, tuple | list | None) else (shared_axes,)
    return PReLU(None, tuple(count(axis, "shared_axes") for axis in axes or ()))


def resizing(
    height: object,
    width: object,
    interpolation: object = "bilinear",
    crop_to_aspect_ratio: object = False,
    pad_to_aspect_ratio: object = False,
    fill_mode: object = "constant",
    fill_value: object = 0.0,
    antialias: object = False,
    data_format: object = None,
    **_: object,
) -> Layer:
    sizes, mode = (count(height, "height"), count(width, "width")), resize_mode(interpolation)
    if mode == "nearest":
        mode = "nearest-exact"
    # these change values, and no size
    others = (crop_to_aspect_ratio, "crop"), (pad_to_aspect_ratio, "pad"), (antialias, "antialias")
    mode = " ".join([mode, *(name for value, name in others if value)])
    return placed(Upsample(sizes=sizes, mode=mode), data_format)


def center_crop(height: object, width: object, data_format: object = None, **_: object) -> Layer:
    sizes = count(height, "height"), count(width, "width")
    return placed(CenterCrop(sizes), data_format)


def adaptive_pool(
    kind: PoolKind, axes: int, output_size: object, data_format: object = None, **_: object
) -> Layer:
    sizes = counts(output_size, axes, "output_size")
    return placed(AdaptivePool(kind, sizes), data_format)


def concatenate(axis: object = -1, **_: object) -> Concat:
    if axis not in (-1, 3):
        raise SpecError(f"axis={brief(axis)} is not read; -1, the channels, is")
    return Concat()


AUGMENTATIONS = (
    *("Brightness", "ColorDegeneration", "ColorJitter", "Contrast", "ElasticTransform", "Erasing"),
    *("Flip", "GaussianBlur", "Grayscale", "Hue", "Invert", "Perspective", "Posterization"),
    *("Rotation", "Saturation", "Sharpness", "Shear", "Translation", "Zoom"),
)
"""Keras's Random layers, which act only in training and change no sizes (RandomCrop does)."""

ADAPTIVE: dict[str, PoolKind] = {"Average": "average", "Max": "max"}
POOLS: dict[str, PoolKind] = {
    "MaxPooling": "max",
    "MaxPool": "max",
    "AveragePooling": "average",
    "AvgPool": "average",
}
MERGES = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")

LAYERS: dict[str, Builder] = {
    **named("Keras"),
    **{f"Conv{n}D": partial(conv, n) for n in (1, 2, 3)},
    **{f"Convolution{n}D": partial(conv, n) for n in (1, 2, 3)},
    **{f"Conv{n}DTranspose": partial(conv_transpose, n) for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": partial(depthwise, n) for n in (1, 2)},
    **{f"SeparableConv{n}D": partial(separable, n) for n in (1, 2)},
    **{f"{name}{n}D": partial(pool, kind, n) for n in (1, 2, 3) for name, kind in POOLS.items()},
    **{
        f"Global{name}{n}D": partial(global_pool, kind, n)
        for n in (1, 2, 3)
        for name, kind in POOLS.items()
    },
    **{
        f"Adaptive{name}Pooling{n}D": partial(adaptive_pool, kind, n)
        for n in (1, 2, 3)
        for name, kind in ADAPTIVE.items()
    },
    **{f"ZeroPadding{n}D": partial(zero_padding, n) for n in (1, 2, 3)},
    **{f"Cropping{n}D": partial(cropping, n) for n in (1, 2, 3)},
    **{f"UpSampling{n}D": partial(upsampling, n) for n in (1, 2, 3)},
    **{f"SpatialDropout{n}D": plain(Identity("dropout")) for n in (1, 2, 3)},
    "Dense": dense,
    "Reshape": reshape,
    "BatchNormalization": batch_normalization,
    "LayerNormalization": layer_normalization,
    "RMSNormalization": rms_normalization,
    "UnitNormalization": unit_normalization,
    "Normalization": normalization,
    **SEQUENCES,
    "Resizing": resizing,
    "CenterCrop": center_crop,
    "GroupNormalization": group_normalization,
    "Activation": activation,
    "Concatenate": concatenate,
    **{name: plain(Merge(name.lower())) for name in MERGES},
    "GaussianNoise": plain(Identity("noise")),
    "GaussianDropout": plain(Identity("dropout")),
    "Rescaling": rescaling,
    "ActivityRegularization": plain(Identity("regularization")),
    **{f"Random{kind}": plain(Identity("augmentation")) for kind in AUGMENTATIONS},
}

SHARED: dict[str, Builder] = {
    # names that PyTorch has too, with values that only Keras has
    "ReLU": relu,
    "ELU": elu,
    "Softmax": softmax,
    "LeakyReLU": leaky_relu,
    "PReLU": prelu,
    "Flatten": plain(Reshape(channels_last=True)),
    "Dropout": plain(Identity("dropout")),
    "AlphaDropout": plain(Identity("dropout")),
    "Identity": plain(Identity()),
    **SHARED_SEQUENCES,
}
"""Layers that PyTorch calls by the same name; taken where the text around them is Keras's."""
