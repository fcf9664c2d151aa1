"""Modules of a printed model whose inputs are unknown: their parameters alone."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from math import prod

from convcli.errors import SpecError
from convcli.nets.layers import Layer
from convcli.nets.layers.sequences import GATES
from convcli.nets.layers.tensor_ops import Unused
from convcli.nets.readers.vocabulary.registry import names_of
from convcli.text import counted

Count = Callable[[Sequence[object], dict[str, object]], int]
"""Printed arguments and options → parameters."""

WITHOUT_PARAMETERS = (
    *("Permute", "Unfold", "Fold", "Unflatten", "PixelUnshuffle", "ChannelShuffle"),
    *("Rearrange", "Reduce", "CosineSimilarity", "PairwiseDistance", "SelectAdaptivePool2d"),
)
"""Modules of PyTorch, torchvision, timm and einops without parameters."""

SAME_AS = {
    "NonDynamicallyQuantizableLinear": "Linear",
    "LayerNorm2d": "LayerNorm",
    **dict.fromkeys(("StochasticDepth", "DropPath", "PatchDropout"), "Identity"),
}
"""Names of subclasses, and the layers that they act as in evaluation."""


WHOLE = {
    *("Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"),
    *("MultiheadAttention", "Transformer", "TransformerEncoder", "TransformerDecoder"),
    *("TransformerEncoderLayer", "TransformerDecoderLayer", "FloatFunctional", "QuantStub"),
    *("DeQuantStub", "ParametrizationList", "_SpectralNorm", "_Orthogonal"),
}
"""PyTorch's modules whose only parameters are those of the layers in them."""

HOLDING = {
    *("Attention2dDownsample", "AttentionDownsample", "Beit", "CNBlock", "Cait", "CoaT"),
    *("ConVit", "CrossCovarianceAttn", "CrossVit", "EfficientViMBlock", "EfficientViMDistilled"),
    *("Eva", "EvoNorm2dS0a", "GPSA", "Gemma4PatchEmbed", "GlobalResponseNorm", "HSMSSD", "Hiera"),
    *("HieraDet", "LayerScale", "LayerScale2d", "LayerScaleBlock", "LayerScaleBlockClassAttn"),
    *("LearnableAffineBlock", "MetaNeXtBlock", "NaFlexEmbeds", "NestLevel"),
    *("PoolingVisionTransformer", "PosEmbedRel", "Qwen3VitEncoder", "RelPosBias", "RelPosBiasTf"),
    *("RelativePositionalMultiHeadAttention", "RmsNorm", "RmsNorm2d", "RmsNormAct2d"),
    *("RmsNormFp32", "SSDFeatureExtractorVGG", "ScaledStdConv2d", "ScaledStdConv2dSame"),
    *("ShiftedWindowAttention", "ShiftedWindowAttention3d", "ShiftedWindowAttentionV2"),
    *("SimpleNorm2d", "SplitTransposeBlock", "StarReLU", "VisionTransformer"),
    *("VisionTransformerSAM", "_WeightNorm"),
}
"""Classes of PyTorch, torchvision and timm that hold parameters which a print does not show."""


def _integers(values: Sequence[object], minimum: int = 2) -> list[int]:
    """The integers of a print. Raises SpecError for fewer of them than `minimum`."""
    sizes = [value for value in values if type(value) is int]
    if len(sizes) < minimum:
        raise SpecError(f"needs {counted(minimum, 'number')}")
    return sizes


RECURRENT = ("RNN", "GRU", "LSTM", "RNNCell", "GRUCell", "LSTMCell")


def _recurrent(name: str) -> Count:
    """Parameters of a layer of gates · hidden rows, for inputs and for states, with two biases."""
    gates = GATES[name.removesuffix("Cell").lower()]

    def count(values: Sequence[object], options: dict[str, object]) -> int:
        inputs, hidden = _integers(values)[:2]
        layers, projected = options.get("num_layers", 1), options.get("proj_size", 0)
        if type(layers) is not int or type(projected) is not int:
            raise SpecError("num_layers and proj_size are whole numbers")
        ways = 2 if options.get("bidirectional") else 1
        state = projected or hidden
        bias = 2 if options.get("bias", True) else 0
        total = 0
        for level in range(1 if name.endswith("Cell") else layers):
            columns = inputs if level == 0 else ways * state
            total += ways * (gates * hidden * (columns + state + bias) + projected * hidden)
        return total

    return count


def _bilinear(values: Sequence[object], options: dict[str, object]) -> int:
    """One matrix over both inputs per output, and a bias."""
    sizes = [options.get(f"{name}_features") for name in ("in1", "in2", "out")]
    outputs = _integers(sizes, 3)[2]
    return prod(_integers(sizes, 3)) + (outputs if options.get("bias", True) else 0)


def _root_mean_square(values: Sequence[object], options: dict[str, object]) -> int:
    """A scale for each value, as `RMSNorm((768,), eps=1e-06, elementwise_affine=True)` prints."""
    sizes = values[0] if values and isinstance(values[0], tuple) else values[:1]
    return prod(_integers(sizes, 1)) if options.get("elementwise_affine", True) else 0


PARAMETERS: dict[str, Count] = {
    **dict.fromkeys(
        ("Embedding", "EmbeddingBag"), lambda values, options: prod(_integers(values)[:2])
    ),
    **{name: _recurrent(name) for name in RECURRENT},
    "RMSNorm": _root_mean_square,
    "Bilinear": _bilinear,
    "Parameter": lambda values, options: prod(_integers(values, 0)),
    **dict.fromkeys(WITHOUT_PARAMETERS, lambda values, options: 0),
}
"""Module → its parameters, computed from the printed values."""


def module_alone(type_: str, values: Sequence[object], options: dict[str, object]) -> Unused:
    """A module of `PARAMETERS` with its parameters and without a shape.

    >>> module_alone("LSTM", [4, 8], {"batch_first": True}).params, 4 * 8 * (4 + 8 + 2)
    (448, 448)
    """
    return Unused(type_.lower(), PARAMETERS[type_](values, options))


def base_of(values: Sequence[object], options: dict[str, object]) -> str:
    """The PyTorch layer that prints such values and that a class derives from; "" for none.

    >>> base_of([64, 64], {"kernel_size": (3, 3, 3), "stride": (1, 1, 1), "bias": False})
    'Conv3d'
    >>> base_of([(96,)], {"eps": 1e-6, "elementwise_affine": True, "bias": True}), base_of([4], {})
    ('LayerNorm', '')
    """
    kinds = [type(value) for value in values]
    kernel = options.get("kernel_size")
    if kinds == [int, int] and isinstance(kernel, tuple) and "stride" in options:
        return f"Conv{len(kernel)}d"
    if {"in_features", "out_features"} <= options.keys():
        return "Linear"
    if kinds == [int] and {"eps", "track_running_stats"} <= options.keys():
        return "SyncBatchNorm"
    if kinds == [int, int] and {"eps", "affine"} <= options.keys():
        return "GroupNorm"
    if kinds == [tuple] and {"eps", "elementwise_affine"} <= options.keys():
        return "LayerNorm" if "bias" in options else "RMSNorm"
    return ""


def printed_layer(
    type_: str,
    values: Sequence[object],
    options: dict[str, object],
    build: Callable[[str, list[object], dict[str, object]], Layer],
) -> tuple[Layer | None, bool]:
    """A layer of a print, or None for a class that is not known; whether its sizes are known too.

    Raises SpecError for values that a known layer does not take.
    """
    name = SAME_AS.get(type_, type_)
    known = name in names_of("PyTorch")
    if not known and name not in PARAMETERS:
        name = base_of(values, options)
    if known and name in WITHOUT_PARAMETERS:
        with suppress(SpecError):
            return build(name, [*values], options), True
    if name in PARAMETERS:
        return module_alone(name, values, options)._replace(type=type_.lower()), False
    return (build(name, [*values], options) if name else None), known


def _listed(names: Sequence[str], joined: str) -> str:
    """Names as a list in a sentence; at most the first four."""
    more = [f"{len(names) - 4:,} more"] if len(names) > 5 else []
    *first, last = [*(names[:4] if more else names), *more]
    return f"{', '.join(first)} {joined} {last}" if first else last


def parameter_notes(names: Collection[str]) -> tuple[str, ...]:
    """A note on the parameters that the total of a print lacks, or may lack, by its classes.

    >>> parameter_notes(["Sequential", "CNBlock", "Mine"])[0].partition(": ")[2]
    'the total lacks those of CNBlock, and any that Mine holds'
    """
    holding = [name for name in names if name in HOLDING]
    others = [name for name in names if name not in HOLDING and name not in WHOLE]
    lacks = [f"those of {_listed(holding, 'and')}"] if holding else []
    lacks += [f"any that {_listed(others, 'or')} holds"] if others else []
    why = "a print shows no nn.Parameter of a module's own: the total lacks "
    return (why + ", and ".join(lacks),) if lacks else ()
