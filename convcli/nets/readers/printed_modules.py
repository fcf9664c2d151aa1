"""Modules that a printed model names and whose inputs it does not tell: their parameters alone."""

from collections.abc import Callable, Sequence

from convcli.errors import SpecError
from convcli.nets.layers.tensor_ops import Unused

Count = Callable[[Sequence[object], dict[str, object]], int]
"""Values and options that are printed → parameters."""

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4, "RNNCell": 1, "GRUCell": 3, "LSTMCell": 4}

WITHOUT_PARAMETERS = (
    *("Permute", "Unfold", "Fold", "Unflatten", "PixelUnshuffle", "ChannelShuffle"),
    *("Rearrange", "Reduce", "CosineSimilarity", "PairwiseDistance", "SelectAdaptivePool2d"),
)
"""Modules of PyTorch, torchvision, timm and einops that hold nothing."""

ACTIVATED_NORM = "BatchNormAct2d"
"""timm's norm, whose own values stand on a line of their own, above its activation."""

SAME_AS = {
    "NonDynamicallyQuantizableLinear": "Linear",
    "LayerNorm2d": "LayerNorm",
    **dict.fromkeys(("StochasticDepth", "DropPath", "PatchDropout"), "Identity"),
}
"""Names of subclasses, and the layers that they are while a network is evaluated."""


def _count(values: Sequence[object], options: dict[str, object]) -> list[int]:
    sizes = [one for one in values if type(one) is int]
    if len(sizes) < 2:
        raise SpecError("needs two numbers")
    return sizes


def _embedding(values: Sequence[object], options: dict[str, object]) -> int:
    rows, columns = _count(values, options)[:2]
    return rows * columns


def _recurrent(gates: int, is_cell: bool) -> Count:
    """Parameters of a layer of gates · hidden rows, for inputs and for states, with two biases."""

    def count(values: Sequence[object], options: dict[str, object]) -> int:
        inputs, hidden = _count(values, options)[:2]
        layers, projected = options.get("num_layers", 1), options.get("proj_size", 0)
        if type(layers) is not int or type(projected) is not int:
            raise SpecError("num_layers and proj_size are whole numbers")
        ways = 2 if options.get("bidirectional") else 1
        state = projected or hidden
        bias = 2 if options.get("bias", True) else 0
        total = 0
        for level in range(1 if is_cell else layers):
            met = inputs if level == 0 else ways * state
            total += ways * (gates * hidden * (met + state + bias) + projected * hidden)
        return total

    return count


PARAMETERS: dict[str, Count] = {
    **dict.fromkeys(("Embedding", "EmbeddingBag"), _embedding),
    **{name: _recurrent(gates, name.endswith("Cell")) for name, gates in GATES.items()},
    **dict.fromkeys(WITHOUT_PARAMETERS, lambda values, options: 0),
}
"""Module → its parameters, by the values that are printed."""


def module_alone(type_: str, values: Sequence[object], options: dict[str, object]) -> Unused:
    """A module of `PARAMETERS` with its parameters and no shape.

    >>> module_alone("LSTM", [4, 8], {"batch_first": True}).params, 4 * 8 * (4 + 8 + 2)
    (448, 448)
    """
    return Unused(type_.lower(), PARAMETERS[type_](values, options))
