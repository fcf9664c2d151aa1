"""Keras's vocabulary: `Conv2D(filters=96, kernel_size=11, strides=4, padding="same")`.

Channels are inferred and stand last; SAME pads the odd cell at the end; batch normalization's
running statistics count as parameters, as Keras's own summary counts them. A layer's `activation`
follows it as a row of its own. Values that change no shape (initializers, regularizers, names)
may be anything.
"""

from collections.abc import Callable

from convcli.callsyntax import shown
from convcli.errors import SpecError
from convcli.geometry import Padding, Window
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
    pads,
    plain,
    sizes,
)
from convcli.text import like

NAMED_PADDINGS = {"valid": (1, 2, 3), "same": (1, 2, 3), "causal": (1,)}
"""Paddings by name, and for how divided axes each is known."""


def _padding(value: object, axes: int, causal: bool = True) -> tuple[Padding, ...]:
    names = [name for name, known in NAMED_PADDINGS.items() if axes in known]
    names = names if causal else [name for name in names if name != "causal"]
    if not isinstance(value, str) or value.lower() not in names:
        raise SpecError(f"padding={shown(value)} is none of {', '.join(names)}")
    return pads(value, axes)


def _channels_last(data_format: object) -> None:
    if data_format not in (None, "channels_last"):
        raise SpecError(f"data_format={shown(data_format)} is not read; channels_last is")


def conv(axes: int) -> Callable[..., Conv]:
    def build(
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
    ) -> Conv:
        _channels_last(data_format)
        return Conv(
            count(filters, "filters"),
            counts(kernel_size, axes, "kernel_size"),
            counts(strides, axes, "strides"),
            _padding(padding, axes),
            counts(dilation_rate, axes, "dilation_rate"),
            count(groups, "groups"),
            flag(use_bias, "use_bias"),
        )

    return build


def conv_transpose(axes: int) -> Callable[..., TransposedConv]:
    def build(
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
    ) -> TransposedConv:
        _channels_last(data_format)
        kernel = counts(kernel_size, axes, "kernel_size")
        spacing = counts(dilation_rate, axes, "dilation_rate")
        sides, extra = _padding(padding, axes, causal=False), (0,) * axes
        if output_padding is not None:
            extra = counts(output_padding, axes, "output_padding", 0)
            windows = map(Window, kernel, counts(strides, axes, "strides"), spacing)
            half = [w.dilated_kernel // 2 if padding == "same" else 0 for w in windows]
            sides = tuple((p, p) for p in half)
        return TransposedConv(
            count(filters, "filters"),
            kernel,
            counts(strides, axes, "strides"),
            sides,
            extra,
            spacing,
            bias=flag(use_bias, "use_bias"),
        )

    return build


def depthwise(axes: int) -> Callable[..., Depthwise]:
    def build(
        kernel_size: object,
        strides: object = 1,
        padding: object = "valid",
        depth_multiplier: object = 1,
        data_format: object = None,
        dilation_rate: object = 1,
        activation: object = None,
        use_bias: object = True,
        **_: object,
    ) -> Depthwise:
        _channels_last(data_format)
        return Depthwise(
            counts(kernel_size, axes, "kernel_size"),
            counts(strides, axes, "strides"),
            _padding(padding, axes),
            counts(dilation_rate, axes, "dilation_rate"),
            count(depth_multiplier, "depth_multiplier"),
            flag(use_bias, "use_bias"),
        )

    return build


def separable(axes: int) -> Callable[..., Separable]:
    def build(
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
    ) -> Separable:
        first = depthwise(axes)(
            kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate
        )
        return Separable(
            count(filters, "filters"), first._replace(bias=False), flag(use_bias, "use_bias")
        )

    return build


def pool(kind: PoolKind, axes: int) -> Callable[..., Pool]:
    def build(
        pool_size: object = 2,
        strides: object = None,
        padding: object = "valid",
        data_format: object = None,
        **_: object,
    ) -> Pool:
        _channels_last(data_format)
        kernel = counts(pool_size, axes, "pool_size")
        steps = kernel if strides is None else counts(strides, axes, "strides")
        return Pool(
            kind,
            kernel,
            steps,
            _padding(padding, axes, causal=False),
            (1,) * axes,
            count_include_pad=False,
        )

    return build


def global_pool(kind: PoolKind, axes: int) -> Callable[..., AdaptivePool]:
    def build(data_format: object = None, keepdims: object = False, **_: object) -> AdaptivePool:
        _channels_last(data_format)
        return AdaptivePool(kind, (1,) * axes, squeeze=not flag(keepdims, "keepdims"))

    return build


def dense(units: object, activation: object = None, use_bias: object = True, **_: object) -> Linear:
    return Linear(count(units, "units"), flag(use_bias, "use_bias"), over="channels")


def reshape(target_shape: object, **_: object) -> Reshape:
    *lengths, channels = sizes(target_shape, "target_shape")
    return Reshape((channels, *lengths))


def _sides(value: object, axes: int, name: str) -> tuple[tuple[int, int], ...]:
    if axes == 1 and isinstance(value, tuple | list) and len(value) == 2:
        value = (value,)
    return cells(value, axes, name)


def zero_padding(axes: int) -> Callable[..., Pad]:
    def build(padding: object = 1, data_format: object = None, **_: object) -> Pad:
        _channels_last(data_format)
        return Pad(_sides(padding, axes, "padding"))

    return build


def cropping(axes: int) -> Callable[..., Pad]:
    def build(cropping: object = 1, data_format: object = None, **_: object) -> Pad:
        _channels_last(data_format)
        sides = _sides(cropping, axes, "cropping")
        return Pad(tuple((-before, -after) for before, after in sides))

    return build


def upsampling(axes: int) -> Callable[..., Upsample]:
    def build(
        size: object = 2, data_format: object = None, interpolation: object = "", **_: object
    ) -> Upsample:
        _channels_last(data_format)
        how = "linear" if interpolation in ("linear", "bilinear") else interpolation or "nearest"
        return Upsample(scale=counts(size, axes, "size"), mode=str(how))

    return build


def batch_normalization(
    axis: object = -1,
    momentum: object = 0.99,
    epsilon: object = 1e-3,
    center: object = True,
    scale: object = True,
    **_: object,
) -> Norm:
    if axis not in (-1, 3, [-1], [3]):
        raise SpecError(f"axis={shown(axis)} is not read; -1, the channels, is")
    vectors, eps = flag(center, "center") + flag(scale, "scale"), number_or(epsilon, 1e-3)
    return Norm("batch", vectors, tracked=True, counted=True, eps=eps)


def layer_normalization(
    axis: object = -1,
    epsilon: object = 1e-3,
    center: object = True,
    scale: object = True,
    **_: object,
) -> Norm:
    if axis not in (-1, [-1], (-1,)):
        raise SpecError(f"axis={shown(axis)} is not read; -1, the channels, is")
    return Norm(
        "layer", flag(center, "center") + flag(scale, "scale"), eps=number_or(epsilon, 1e-3)
    )


def group_normalization(
    groups: object = 32,
    axis: object = -1,
    epsilon: object = 1e-3,
    center: object = True,
    scale: object = True,
    **_: object,
) -> Norm:
    divided = 1 if groups == -1 else count(groups, "groups")
    return Norm(
        "group",
        flag(center, "center") + flag(scale, "scale"),
        groups=divided,
        eps=number_or(epsilon, 1e-3),
    )


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
        raise SpecError(f"activation={shown(name)} is none of {names}{hint}")
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
    return Activation("bounded_relu")  # which has no forward meaning here


def elu(alpha: object = 1.0, **_: object) -> Activation:
    return activations.function("elu")(alpha)


def softmax(axis: object = -1, **_: object) -> Activation:
    if axis not in (-1, 3):
        raise SpecError(f"axis={shown(axis)} is not read; -1, the channels, is")
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


def concatenate(axis: object = -1, **_: object) -> Concat:
    if axis not in (-1, 3):
        raise SpecError(f"axis={shown(axis)} is not read; -1, the channels, is")
    return Concat()


AUGMENTATIONS = (
    *("Brightness", "ColorDegeneration", "ColorJitter", "Contrast", "ElasticTransform", "Erasing"),
    *("Flip", "GaussianBlur", "Grayscale", "Hue", "Invert", "Perspective", "Posterization"),
    *("Rotation", "Saturation", "Sharpness", "Shear", "Translation", "Zoom"),
)
"""What Keras's Random layers do in training alone, with no change of sizes (RandomCrop has one)."""

LAYERS: dict[str, Builder] = {
    **named("Keras"),
    **{f"Conv{n}D": conv(n) for n in (1, 2, 3)},
    **{f"Convolution{n}D": conv(n) for n in (1, 2, 3)},
    **{f"Conv{n}DTranspose": conv_transpose(n) for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": depthwise(n) for n in (1, 2)},
    **{f"SeparableConv{n}D": separable(n) for n in (1, 2)},
    **{f"{name}{n}D": pool("max", n) for n in (1, 2, 3) for name in ("MaxPooling", "MaxPool")},
    **{
        f"{name}{n}D": pool("average", n)
        for n in (1, 2, 3)
        for name in ("AveragePooling", "AvgPool")
    },
    **{
        f"Global{name}{n}D": global_pool("max", n)
        for n in (1, 2, 3)
        for name in ("MaxPooling", "MaxPool")
    },
    **{
        f"Global{name}{n}D": global_pool("average", n)
        for n in (1, 2, 3)
        for name in ("AveragePooling", "AvgPool")
    },
    **{f"ZeroPadding{n}D": zero_padding(n) for n in (1, 2, 3)},
    **{f"Cropping{n}D": cropping(n) for n in (1, 2, 3)},
    **{f"UpSampling{n}D": upsampling(n) for n in (1, 2, 3)},
    **{f"SpatialDropout{n}D": plain(Identity("dropout")) for n in (1, 2, 3)},
    "Dense": dense,
    "Reshape": reshape,
    "BatchNormalization": batch_normalization,
    "LayerNormalization": layer_normalization,
    "Normalization": plain(Norm("input", 0, tracked=True, counted=True, eps=1e-7)),
    "GroupNormalization": group_normalization,
    "Activation": activation,
    "Concatenate": concatenate,
    "Add": plain(Merge("add")),
    "Subtract": plain(Merge("subtract")),
    "Multiply": plain(Merge("multiply")),
    "Average": plain(Merge("average")),
    "Maximum": plain(Merge("maximum")),
    "Minimum": plain(Merge("minimum")),
    "GaussianNoise": plain(Identity("noise")),
    "GaussianDropout": plain(Identity("dropout")),
    "Rescaling": plain(Identity("rescaling")),
    "ActivityRegularization": plain(Identity("regularization")),
    **{f"Random{what}": plain(Identity("augmentation")) for what in AUGMENTATIONS},
}

SHARED: dict[str, Builder] = {
    # names that PyTorch has too, and what only Keras's values mean
    "ReLU": relu,
    "ELU": elu,
    "Softmax": softmax,
    "LeakyReLU": leaky_relu,
    "PReLU": prelu,
    "Flatten": plain(Reshape()),
    "Dropout": plain(Identity("dropout")),
    "AlphaDropout": plain(Identity("dropout")),
    "Identity": plain(Identity()),
}
"""Layers that PyTorch calls by the same name; taken where the text around them is Keras's."""
