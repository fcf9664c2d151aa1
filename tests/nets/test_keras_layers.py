"""Layers of Keras against the figures of Keras 3.15: parameters, trained ones, output shapes."""

import pytest

from convcli.errors import Refusal
from convcli.nets.analysis.summary import summarize
from convcli.nets.analysis.table import Figures
from convcli.nets.readers.read import read_text

IMPORTS = "import keras\nfrom keras.layers import *\n"

# a layer, the shape of one input → parameters, trained ones, the shape of the output
LAYERS = {
    ("Embedding(100, 8)", (20,)): (800, 800, (20, 8)),
    ("Embedding(input_dim=100, output_dim=8, mask_zero=True)", (4, 5)): (800, 800, (4, 5, 8)),
    ("LSTM(6)", (20, 8)): (360, 360, (6,)),
    ("LSTM(6, return_sequences=True, use_bias=False)", (20, 8)): (336, 336, (20, 6)),
    ("GRU(6)", (20, 8)): (288, 288, (6,)),
    ("GRU(6, reset_after=False, return_sequences=True)", (20, 8)): (270, 270, (20, 6)),
    ("SimpleRNN(6, 'relu', dropout=0.2)", (20, 8)): (90, 90, (6,)),
    ("Bidirectional(LSTM(6, return_sequences=True))", (20, 8)): (720, 720, (20, 12)),
    ("Bidirectional(GRU(6), merge_mode='sum')", (20, 8)): (576, 576, (6,)),
    ("TimeDistributed(Dense(5, activation='relu'))", (20, 8)): (45, 45, (20, 5)),
    ("TimeDistributed(Conv2D(5, 3, strides=2))", (4, 9, 9, 3)): (140, 140, (4, 4, 4, 5)),
    ("TimeDistributed(Flatten())", (4, 9, 9, 3)): (0, 0, (4, 243)),
    ("TimeDistributed(BatchNormalization())", (4, 9, 9, 3)): (12, 6, (4, 9, 9, 3)),
    ("ConvLSTM2D(4, 3, padding='same', return_sequences=True)", (5, 9, 9, 3)): (
        1024,
        1024,
        (5, 9, 9, 4),
    ),
    ("ConvLSTM2D(4, (3, 2), strides=2, use_bias=False)", (5, 9, 9, 3)): (672, 672, (4, 4, 4)),
    ("ConvLSTM1D(4, 3)", (5, 9, 3)): (352, 352, (7, 4)),
    ("RepeatVector(7)", (6,)): (0, 0, (7, 6)),
    ("Permute((2, 1))", (20, 8)): (0, 0, (8, 20)),
    ("Permute((3, 1, 2))", (4, 5, 6)): (0, 0, (6, 4, 5)),
    ("Masking(mask_value=0.0)", (20, 8)): (0, 0, (20, 8)),
    ("Normalization()", (9, 9, 3)): (7, 0, (9, 9, 3)),
    ("Normalization(axis=None)", (9, 9, 3)): (3, 0, (9, 9, 3)),
    ("Normalization(mean=0.5, variance=1.0)", (9, 9, 3)): (0, 0, (9, 9, 3)),
    ("Resizing(16, 12)", (9, 9, 3)): (0, 0, (16, 12, 3)),
    ("CenterCrop(4, 5)", (9, 9, 3)): (0, 0, (4, 5, 3)),
    ("CenterCrop(4, 12)", (9, 9, 3)): (0, 0, (4, 12, 3)),
    ("SpectralNormalization(Conv2D(6, 3))", (9, 9, 3)): (174, 168, (7, 7, 6)),
    ("SpectralNormalization(Dense(6, activation='relu'))", (8,)): (60, 54, (6,)),
    ("RMSNormalization()", (9, 9, 3)): (3, 3, (9, 9, 3)),
    ("LayerNormalization(axis=[1, 2, 3])", (9, 8, 3)): (432, 432, (9, 8, 3)),
    ("LayerNormalization(axis=1, center=False)", (9, 8, 3)): (9, 9, (9, 8, 3)),
    ("UnitNormalization()", (8,)): (0, 0, (8,)),
    ("BatchNormalization(axis=1)", (9, 8, 3)): (36, 18, (9, 8, 3)),
    ("BatchNormalization(axis=1, scale=False)", (20, 8)): (60, 20, (20, 8)),
    ("AdaptiveAveragePooling2D((2, 3))", (9, 8, 3)): (0, 0, (2, 3, 3)),
    ("Conv2D(6, 3, strides=2, data_format='channels_first')", (3, 9, 8)): (168, 168, (6, 4, 3)),
    ("Conv1D(6, 3, padding='same', data_format='channels_first')", (3, 9)): (60, 60, (6, 9)),
    ("Conv2DTranspose(6, 3, strides=2, data_format='channels_first')", (3, 9, 8)): (
        168,
        168,
        (6, 19, 17),
    ),
    ("DepthwiseConv2D(3, depth_multiplier=2, data_format='channels_first')", (3, 9, 8)): (
        60,
        60,
        (6, 7, 6),
    ),
    ("SeparableConv2D(6, 3, data_format='channels_first')", (3, 9, 8)): (51, 51, (6, 7, 6)),
    ("MaxPooling2D(data_format='channels_first')", (3, 9, 8)): (0, 0, (3, 4, 4)),
    ("GlobalAveragePooling2D(data_format='channels_first')", (3, 9, 8)): (0, 0, (3,)),
    ("GlobalAveragePooling2D(data_format='channels_first', keepdims=True)", (3, 9, 8)): (
        0,
        0,
        (3, 1, 1),
    ),
    ("ZeroPadding2D(2, data_format='channels_first')", (3, 9, 8)): (0, 0, (3, 13, 12)),
    ("Cropping2D(2, data_format='channels_first')", (3, 9, 8)): (0, 0, (3, 5, 4)),
    ("UpSampling2D((2, 3), data_format='channels_first')", (3, 9, 8)): (0, 0, (3, 18, 24)),
    ("Conv2D(6, 3, trainable=False)", (9, 9, 3)): (168, 0, (7, 7, 6)),
}

# the same of calls on `x`, and on `y` of 18 steps, which a convolution of 784 parameters makes
CALLS = {
    ("MultiHeadAttention(4, 8)(x, x)", (20, 16)): (2160, 2160, (20, 16)),
    (
        "MultiHeadAttention(num_heads=4, key_dim=8, value_dim=6, output_shape=10, use_bias=False)(x, x)",
        (20, 16),
    ): (1648, 1648, (20, 10)),
    ("MultiHeadAttention(2, 8)(query=x, value=y, key=y)", (20, 16)): (1872, 1872, (20, 16)),
    ("Attention()([x, y])", (20, 16)): (784, 784, (20, 16)),
    ("Attention(use_scale=True, score_mode='concat')([x, y])", (20, 16)): (786, 786, (20, 16)),
}


def figures(text, shape):
    """Parameters, trained ones, and the output's shape as the text has it."""
    summary = summarize(read_text(text).network, (*shape[-1:], *shape[:-1]))
    totals, (channels, *lengths) = Figures(summary).record()["totals"], summary.rows[-1].output
    return totals["params"], totals["trainable"], (*lengths, channels)


@pytest.mark.parametrize(("layer", "expected"), LAYERS.items())
def test_a_layer_has_the_figures_of_keras(layer, expected):
    text, shape = layer
    inside = f"inputs = keras.Input({shape})\nmodel = keras.Model(inputs, {text}(inputs))"
    for lines in (f"keras.Sequential([{text}])", inside):
        assert figures(IMPORTS + lines, shape) == expected


@pytest.mark.parametrize(("call", "expected"), CALLS.items())
def test_attention_has_the_figures_of_keras(call, expected):
    text, shape = call
    lines = f"x = keras.Input({shape})\ny = Conv1D(16, 3)(x)\nmodel = keras.Model(x, {text})"
    assert figures(IMPORTS + lines, shape) == expected


# a model of several branches, and lines that freeze some of its layers → trained parameters
BRANCHES = """
inputs = keras.Input((16, 16, 4))
y = Conv2D(4, 1, padding="same", activation="relu")(inputs)
x = Add()([inputs, y])
s = GlobalAveragePooling2D()(x)
s = Dense(2, activation="relu")(s)
s = Dense(4, activation="sigmoid")(s)
s = Reshape((1, 1, 4))(s)
x = multiply([x, s])
a = Conv2D(3, 1)(x)
b = Conv2D(5, 3, padding="same", activation="relu")(x)
x = concatenate([a, b])
x = BatchNormalization()(x)
outputs = Dense(10)(Flatten()(x))
model = keras.Model(inputs, outputs)
"""
LOOPS = {
    "model.layers[:2]": 20728,
    "model.layers[1:5]": 20718,
    "model.layers[:7]": 20706,
    "model.layers[:8]": 20706,
    "model.layers[:9]": 20691,
    "model.layers[:11]": 20506,
    "model.layers[:-1]": 20490,
    "model.layers[-4:]": 242,
}


@pytest.mark.parametrize(("layers", "trained"), LOOPS.items())
def test_layers_of_a_functional_model_stand_in_the_order_of_keras(layers, trained):
    loop = f"for layer in {layers}:\n    layer.trainable = False"
    assert figures(IMPORTS + BRANCHES + loop, (16, 16, 4))[1] == trained


@pytest.mark.parametrize(
    ("text", "reason"),
    {
        "LSTM(4, return_state=True)": "return_state=True gives states too",
        "Bidirectional(Dense(4))": "linear is not a recurrent layer",
        "SpectralNormalization(LSTM(4))": "a lstm is not read here",
        "TimeDistributed(keras.Sequential([Dense(4)]))": "is not a layer that is read inside",
        "Conv2D(4, 3, data_format='nchw')": "is none of channels_first, channels_last",
        "Permute((1, 3))": "is not each of 1 to 2 once",
        "Lambda(mystery)": "mystery is not a function that is known here",
        "Bidirectional(LSTM(4), trainable=False)": "trainable of the layer inside",
        "BatchNormalization(axis=0)": "needs axes after the batch",
    }.items(),
)
def test_what_is_not_read_is_refused(text, reason):
    with pytest.raises(Refusal, match=reason) as refused:
        figures(IMPORTS + f"model = keras.Sequential([{text}])", (8, 6))
    assert "text:3" in str(refused.value)
