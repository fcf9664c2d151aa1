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


# an expression of x, a tensor of (None, 6, 8, 4) → its shape behind the batch in Keras 3.15
OPERATIONS = {
    "ops.concatenate([x,x],axis=-1)": (6, 8, 8),
    "ops.stack([x,x],axis=1)": (2, 6, 8, 4),
    "ops.reshape(x,(-1,48))": (48,),
    "ops.einsum('bhwc,bhwd->bcd',x,x)": (4, 4),
    "ops.pad(x,[[0,0],[1,1],[2,2],[0,0]])": (8, 12, 4),
    "ops.split(x,2,axis=-1)[0]": (6, 8, 2),
    "ops.split(x,[1,3],axis=-1)[1]": (6, 8, 2),
    "ops.tile(x,[1,2,1,1])": (12, 8, 4),
    "ops.repeat(x,2,axis=1)": (12, 8, 4),
    "ops.where(x>0,x,0*x)": (6, 8, 4),
    "ops.norm(x,axis=-1)": (6, 8),
    "ops.normalize(x,axis=-1)": (6, 8, 4),
    "ops.argmax(x,axis=-1)": (6, 8),
    "ops.top_k(x,2)[0]": (6, 8, 2),
    "ops.cumsum(x,axis=1)": (6, 8, 4),
    "ops.flip(x,axis=1)": (6, 8, 4),
    "ops.power(x,2)": (6, 8, 4),
    "ops.average_pool(x,2,2)": (3, 4, 4),
    "ops.max_pool(x,(2,2),strides=2,padding='same')": (3, 4, 4),
    "ops.swapaxes(x,1,2)": (8, 6, 4),
    "ops.moveaxis(x,-1,1)": (4, 6, 8),
    "ops.take(x,0,axis=1)": (8, 4),
    "ops.take(x,[0,2],axis=-1)": (6, 8, 2),
    "ops.slice(x,[0,0,0,0],[1,2,2,2])": (2, 2, 2),
    "ops.unstack(x,axis=1)[0]": (8, 4),
    "ops.one_hot(ops.argmax(x,-1),5)": (6, 8, 5),
    "ops.var(x,axis=1)": (8, 4),
    "ops.dot(x,ops.ones((4,3)))": (6, 8, 3),
    "ops.tensordot(x,ops.ones((4,3)),axes=[[3],[0]])": (6, 8, 3),
    "ops.tensordot(x,ops.ones((4,3)),1)": (6, 8, 3),
    "ops.linspace(0.,1.,4)*x": (6, 8, 4),
    "ops.arange(4,dtype='float32')*x": (6, 8, 4),
    "ops.zeros_like(x)+x": (6, 8, 4),
    "ops.full_like(x,2.)*x": (6, 8, 4),
    "ops.broadcast_to(x[:,:1],(1,6,8,4))": (6, 8, 4),
    "ops.logsumexp(x,axis=-1)": (6, 8),
    "ops.sort(x,axis=-1)": (6, 8, 4),
    "ops.argsort(x,axis=-1)": (6, 8, 4),
    "ops.quantile(x,0.5,axis=1)": (8, 4),
    "ops.median(x,axis=1)": (8, 4),
    "ops.any(x>0,axis=1)": (8, 4),
    "ops.diff(x,axis=1)": (5, 8, 4),
    "ops.diagonal(x,axis1=1,axis2=2)": (4, 6),
    "ops.ravel(x)": (),
    "ops.hstack([x,x])": (12, 8, 4),
    "ops.vstack([x,x])": (6, 8, 4),
    "ops.outer(x[0,0,0],x[0,0,0])": (4,),
    "ops.inner(x,x)": (6, 8, 1, 6, 8),
    "ops.logical_and(x>0,x<1)": (6, 8, 4),
    "ops.greater(x,0)": (6, 8, 4),
    "ops.negative(x)": (6, 8, 4),
    "ops.arctan2(x,x)": (6, 8, 4),
    "ops.mod(x,2)": (6, 8, 4),
    "ops.floor_divide(x,2)": (6, 8, 4),
    "ops.image.extract_patches(x,2)": (3, 4, 16),
    "ops.conv(x,ops.ones((3,3,4,5)),padding='same')": (6, 8, 5),
    "ops.glu(x)": (6, 8, 2),
    "ops.logaddexp(x,x)": (6, 8, 4),
    "ops.identity(4)@ops.transpose(x,(0,1,3,2))": (6, 4, 8),
    "ops.absolute(x)": (6, 8, 4),
    "ops.amax(x,axis=1)": (8, 4),
    "x@ops.ones((4,2))": (6, 8, 2),
    "ops.depth_to_space(x,2)": (12, 16, 1),
    "tf.split(x, [1, 3], axis=-1)[1]": (6, 8, 3),
    "tf.gather(x, [0, 2, 1], axis=2)": (6, 3, 4),
    "tf.nn.max_pool2d(x, ksize=[1, 2, 2, 1], strides=2, padding='SAME')": (3, 4, 4),
    "tf.slice(x, [0, 1, 0, 0], [1, 2, -1, 3])": (2, 8, 3),
}  # fmt: skip


@pytest.mark.parametrize(("expression", "shape"), OPERATIONS.items())
def test_an_operation_has_the_shape_of_keras(expression, shape):
    text = (
        "import keras\nimport tensorflow as tf\nfrom keras import layers, ops\n"
        "class Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        "        self.r = layers.ReLU()\n    def call(self, x):\n        x = self.r(x)\n"
        f"        y = {expression}\n        assert y.shape[1:] == {shape}, y.shape\n        return y\n"
    )
    assert read_text(text).network.at((4, 6, 8)).stopped is None


def test_a_convolution_with_weights_of_a_layer_has_the_figures_of_keras():
    """Keras counts 1,514 parameters; 16·16·3·3·3·8 + 128·10 multiply–accumulates."""
    reading = read_text(
        IMPORTS + "from keras import ops\nclass C(Layer):\n    def build(self, shape):\n"
        "        self.k = self.add_weight(shape=(3, 3, shape[-1], 8))\n"
        "        self.b = self.add_weight(shape=(8,))\n    def call(self, x):\n"
        "        return ops.relu(ops.conv(x, self.k, strides=2, padding='same') + self.b)\n"
        "i = keras.Input((32, 32, 3))\nx = ops.image.extract_patches(C()(i), 4)\n"
        "x = ops.mean(ops.reshape(x, (-1, 16, 128)), axis=1)\n"
        "model = keras.Model(i, Dense(10)(x))\n"
    )
    summary = summarize(reading.network, reading.input)
    assert (summary.params, summary.macs) == (1514, 56576)


@pytest.mark.parametrize(
    "call",
    [
        "tf.nn.conv2d(x, tf.ones((3, 3, 4, 5)), 1, 'SAME', data_format='NCHW')",
        "ops.max_pool(x, 2, 2, 'valid', 'channels_first')",
        "ops.image.extract_patches(x, 2, data_format='channels_first')",
        "tf.nn.depth_to_space(x, 2, data_format='NCHW')",
    ],
)
def test_channels_first_of_a_function_is_refused_and_not_ignored(call):
    text = (
        "import keras\nimport tensorflow as tf\nfrom keras import layers, ops\n"
        "class Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.r = layers.ReLU()\n    def call(self, x):\n        return {call}\n"
    )
    stopped = read_text(text).network.at((4, 6, 8)).stopped
    assert stopped is not None
    assert "is not read here; write channels last" in str(stopped)
