"""Keras's layers over steps and tokens, and the layers that wrap another one."""

from functools import partial

from convcli.callsyntax import brief
from convcli.errors import SpecError
from convcli.nets.graph import Leaf
from convcli.nets.layers import Builder, Conv, Identity, Layer, Linear
from convcli.nets.layers.arguments import count, counts, flag, plain
from convcli.nets.layers.sequences import (
    JOINED,
    Attention,
    ChannelsFirst,
    ConvRecurrent,
    Embedding,
    Permute,
    Recurrent,
    Repeat,
    SpectralNorm,
    TimeDistributed,
)
from convcli.nets.readers.vocabulary.keras_values import padding_of, placed, text_axes


def _sequences(return_sequences: object, return_state: object) -> bool:
    """Whether every step is returned. Raises SpecError for states, which are further outputs."""
    if return_state:
        raise SpecError("return_state=True gives states too, which are not read here")
    return flag(return_sequences, "return_sequences")


def gated(
    kind: str,
    units: object,
    activation: object = "tanh",
    recurrent_activation: object = "sigmoid",
    use_bias: object = True,
    reset_after: object = True,
    return_sequences: object = False,
    return_state: object = False,
    dropout: object = 0.0,
    **_: object,
) -> Recurrent:
    """LSTM and GRU."""
    return Recurrent(
        kind,
        count(units, "units"),
        _sequences(return_sequences, return_state),
        flag(use_bias, "use_bias"),
        flag(reset_after, "reset_after"),
    )


def simple_rnn(
    units: object,
    activation: object = "tanh",
    use_bias: object = True,
    return_sequences: object = False,
    return_state: object = False,
    dropout: object = 0.0,
    **_: object,
) -> Recurrent:
    return gated(
        "simple_rnn",
        units,
        use_bias=use_bias,
        return_sequences=return_sequences,
        return_state=return_state,
    )


def conv_lstm(
    axes: int,
    filters: object,
    kernel_size: object,
    strides: object = 1,
    padding: object = "valid",
    data_format: object = None,
    dilation_rate: object = 1,
    activation: object = "tanh",
    recurrent_activation: object = "sigmoid",
    use_bias: object = True,
    return_sequences: object = False,
    return_state: object = False,
    dropout: object = 0.0,
    **_: object,
) -> Layer:
    layer = ConvRecurrent(
        count(filters, "filters"),
        counts(kernel_size, axes, "kernel_size"),
        counts(strides, axes, "strides"),
        padding_of(padding, axes, causal=False),
        counts(dilation_rate, axes, "dilation_rate"),
        _sequences(return_sequences, return_state),
        flag(use_bias, "use_bias"),
    )
    return placed(layer, data_format)


def _wrapped(layer: object) -> Layer:
    """The layer that a wrapper takes."""
    if isinstance(layer, Leaf):
        return layer.layer
    raise SpecError(f"{brief(layer)} is not a layer that is read inside another one")


def bidirectional(
    layer: object,
    merge_mode: object = "concat",
    weights: object = None,
    backward_layer: object = None,
    **_: object,
) -> Recurrent:
    inner = _wrapped(layer)
    if not isinstance(inner, Recurrent):
        raise SpecError(f"a {inner.type} is not a recurrent layer that has two directions here")
    if backward_layer is not None and _wrapped(backward_layer) != inner:
        raise SpecError("a backward_layer of other sizes is not read")
    for name in JOINED:
        if merge_mode == name:
            return inner._replace(joined=name)
    raise SpecError(f"merge_mode={brief(merge_mode)} is none of {', '.join(JOINED)}")


def time_distributed(layer: object, **_: object) -> TimeDistributed:
    return TimeDistributed(_wrapped(layer))


def spectral_normalization(layer: object, power_iterations: object = 1, **_: object) -> Layer:
    """Keras divides by the singular value of the kernel, whose last axis is the outputs'."""
    inner = _wrapped(layer)
    match inner.layer if isinstance(inner, ChannelsFirst) else inner:
        case Conv(filters=kept) | Linear(outputs=kept) | Embedding(width=kept):
            return SpectralNorm(inner, kept)
    raise SpecError(f"a {inner.type} is not read here; a convolution, Dense or Embedding is")


def embedding(input_dim: object, output_dim: object, **_: object) -> Embedding:
    return Embedding(count(input_dim, "input_dim"), count(output_dim, "output_dim"))


def multi_head_attention(
    num_heads: object,
    key_dim: object,
    value_dim: object = None,
    dropout: object = 0.0,
    use_bias: object = True,
    output_shape: object = None,
    attention_axes: object = None,
    **_: object,
) -> Attention:
    heads, key = count(num_heads, "num_heads"), count(key_dim, "key_dim")
    if isinstance(output_shape, tuple | list) and len(output_shape) == 1:
        output_shape = output_shape[0]
    return Attention(
        heads,
        key,
        key if value_dim is None else count(value_dim, "value_dim"),
        None if output_shape is None else count(output_shape, "output_shape"),
        flag(use_bias, "use_bias"),
    )


def attention(
    use_scale: object = False, score_mode: object = "dot", dropout: object = 0.0, **_: object
) -> Attention:
    return Attention(scales=flag(use_scale, "use_scale") + (score_mode == "concat"))


def repeat_vector(n: object, **_: object) -> Repeat:
    return Repeat(count(n, "n"))


def permute(dims: object, **_: object) -> Permute:
    order = text_axes(dims)
    if sorted(order) != list(range(1, len(order) + 1)):
        raise SpecError(f"dims={brief(dims)} is not each of 1 to {len(order)} once")
    return Permute(order)


WITH_ACTIVATION = {"Activation", "LSTM", "GRU", "SimpleRNN"} | {f"ConvLSTM{n}D" for n in (1, 2, 3)}
"""Layers whose `activation` is a part of them, and no row of its own."""


SEQUENCES: dict[str, Builder] = {
    "SimpleRNN": simple_rnn,
    **{f"ConvLSTM{n}D": partial(conv_lstm, n) for n in (1, 2, 3)},
    "Bidirectional": bidirectional,
    "TimeDistributed": time_distributed,
    "SpectralNormalization": spectral_normalization,
    "MultiHeadAttention": multi_head_attention,
    "Attention": attention,
    "RepeatVector": repeat_vector,
    "Permute": permute,
    "Masking": plain(Identity("masking")),
}
"""Layers by names that only Keras has."""

SHARED_SEQUENCES: dict[str, Builder] = {
    "LSTM": partial(gated, "lstm"),
    "GRU": partial(gated, "gru"),
    "Embedding": embedding,
}
"""Layers by names that PyTorch has too."""
