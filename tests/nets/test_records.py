"""Layers: their sizes and weights, what they compute, and the values each vocabulary writes."""

from importlib import import_module
from itertools import product
from math import prod
from pkgutil import iter_modules

import numpy as np
import pytest
from runs import run_network

from convcli.nets import graph
from convcli.nets import layers as records
from convcli.nets.analysis.summary import summarize, trace
from convcli.nets.layers import (
    Activation,
    Linear,
    LocalContrastNorm,
    Measure,
    Pad,
    Shuffle,
    Slot,
    Upsample,
    activations,
    slots_of,
)
from convcli.nets.layers.tensor_ops import Each
from convcli.nets.readers.read import read_text
from convcli.runtime.activations import FUNCTIONS
from convcli.runtime.layers import FORWARD

# text, input → output, parameters, each worked out by hand from the framework's documentation
LAYERS = [
    ("nn.Conv1d(16, 33, 3, stride=2)", (16, 50), (33, 24), 1_617),
    ("nn.Conv3d(16, 33, (3, 5, 2), stride=(2, 1, 1), padding=(4, 2, 0))", (16, 10, 50, 100), (33, 8, 50, 99), 15_873),
    ("nn.ConvTranspose2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2))", (16, 50, 100), (33, 93, 100), 7_953),
    ("nn.Conv2d(8, 8, 3, groups=8, bias=False)", (8, 5, 5), (8, 3, 3), 72),
    ("nn.LazyConv2d(8, 3)", (5, 5, 5), (8, 3, 3), 368),
    ("nn.AdaptiveAvgPool2d((5, 7))", (64, 8, 9), (64, 5, 7), 0),
    ("nn.AdaptiveAvgPool2d((None, 7))", (64, 10, 9), (64, 10, 7), 0),
    ("nn.GroupNorm(3, 6)", (6, 4, 4), (6, 4, 4), 12),
    ("nn.LayerNorm([5, 10, 10])", (5, 10, 10), (5, 10, 10), 1_000),
    ("nn.InstanceNorm2d(6)", (6, 4, 4), (6, 4, 4), 0),
    ("nn.PReLU(6)", (6, 4, 4), (6, 4, 4), 6),
    ("nn.ZeroPad2d((1, 1, 2, 0))", (1, 3, 3), (1, 5, 5), 0),
    ("nn.Upsample(scale_factor=2, mode='nearest')", (1, 2, 2), (1, 4, 4), 0),
    ("nn.Unflatten(1, (2, 5, 5))", (50,), (2, 5, 5), 0),
    ("nn.LocalResponseNorm(2)", (3, 4, 4), (3, 4, 4), 0),
    ("nn.ChannelShuffle(2)", (4, 2, 2), (4, 2, 2), 0),
    ("DepthwiseConv2D(3, depth_multiplier=2)", (3, 8, 8), (6, 6, 6), 60),
    ("SeparableConv2D(16, 3, padding='same')", (8, 8, 8), (16, 8, 8), 72 + 144),
    ("Conv2DTranspose(8, 4, strides=2, padding='same')", (3, 7, 7), (8, 14, 14), 392),
    ("Conv2DTranspose(8, 3, strides=2)", (3, 7, 7), (8, 15, 15), 224),
    ("Conv1D(8, 3, padding='causal')", (3, 10), (8, 10), 80),
    ("LayerNormalization()", (6, 4, 4), (6, 4, 4), 12),
    ("ZeroPadding2D(((1, 2), (3, 4)))", (1, 3, 3), (1, 6, 10), 0),
    ("Cropping2D(1)", (1, 5, 5), (1, 3, 3), 0),
    ("Reshape((4, 4, 1))", (16,), (1, 4, 4), 0),
    ("Dense(4)", (3, 5, 5), (4, 5, 5), 16),
    ("PReLU(shared_axes=[1, 2])\nDense(1)", (3, 5, 5), (1, 5, 5), 3 + 4),
    ("depthwise(3, padding=1); conv(8, 1)", (4, 6, 6), (8, 6, 6), 40 + 40),
    ("separable(16, 3, padding=same)", (8, 8, 8), (16, 8, 8), 216),
    ("transposed(8, 4, stride=2, padding=1)", (3, 7, 7), (8, 14, 14), 392),
    ("minpool(2); avgpool(2)", (3, 8, 8), (3, 2, 2), 0),
    ("globalpool(max)", (3, 8, 8), (3, 1, 1), 0),
    ("conv1d(4, 3, padding=causal)", (2, 9), (4, 9), 28),
    ("conv3d(4, 3)", (2, 5, 6, 7), (4, 3, 4, 5), 220),
    ("conv(4, (3, 5), stride=(2, 1), padding=((0, 1), (2, 3)), dilation=(1, 2))", (1, 8, 8), (4, 4, 5), 64),
    ("conv(4, 3, padding=same_lower, stride=2)", (1, 8, 8), (4, 4, 4), 40),
    ("multiply([globalpool, conv(3, 1), sigmoid], [])", (3, 8, 8), (3, 8, 8), 12),
    ("add([conv(4, 1)], [conv(4, 1)])", (3, 2, 2), (4, 2, 2), 32),
    ("side([linear(7)]); conv(2, 1)", (3, 2, 2), (2, 2, 2), 91 + 8),
    ("shuffle(3); pad(1); upsample(2); lrn; bn; prelu(3)", (3, 2, 2), (3, 8, 8), 9),
    ("reshape(2, 2, -1)", (12,), (3, 2, 2), 0),
    ("subsample(2)", (3, 8, 8), (3, 4, 4), 6),
    ("bn; groupnorm(2); layernorm; lcn(3); dropout; gelu", (4, 6, 6), (4, 6, 6), 24),
    ("rbf(10)", (84,), (10,), 0),
    ("concat([conv(2, 1)], [nn.PixelShuffle(1)])", (4, 2, 2), (6, 2, 2), 10),
    ("nn.PixelUnshuffle(2)", (4, 2, 2), (16, 1, 1), 0),
    ("transposed(8, 4, stride=2, padding=same_lower)", (3, 7, 7), (8, 14, 14), 392),
    ("transposed(8, 3, stride=2, padding=valid)", (3, 7, 7), (8, 15, 15), 224),
    ("Conv1DTranspose(8, 3, strides=2, padding='same')", (3, 7), (8, 14), 80),
    ("adaptivepool(3)", (4, 11, 11), (4, 3, 3), 0),
    ("nn.Flatten(2)", (4, 3, 5), (4, 15), 0),
    ("nn.RReLU(); nn.LeakyReLU()", (4, 2, 2), (4, 2, 2), 0),
    ("conv(8, 3, bias=false)", (3, 5, 5), (8, 3, 3), 216),
    ("nn.LazyConv2d(8, 3, 1, 1, bias=0); nn.LazyBatchNorm2d()", (3, 5, 5), (8, 5, 5), 216 + 16),
    ("nn.AvgPool2d(2, divisor_override=3)", (3, 4, 4), (3, 2, 2), 0),
    ("softplus(2, threshold=3); elu(alpha=0.5); leaky_relu(0.2)", (4, 2, 2), (4, 2, 2), 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shape", "output", "params"), LAYERS)
def test_every_layer_has_the_size_and_weights_of_its_framework(text, shape, output, params):
    summary = summarize(read_text(text).network, shape)
    assert (summary.output, summary.params) == (output, params)


@pytest.mark.parametrize(("text", "shape", "output", "params"), LAYERS)
def test_the_weights_of_a_layer_are_as_many_as_it_counts(text, shape, output, params):
    for row in summarize(read_text(text).network, shape).rows:
        held = sum(prod(slot.shape) for slot in slots_of(row.node.layer, row.inputs[0]).values())
        assert held == row.trainable + row.statistics, f"{row.type}: see its slots and measure"


@pytest.mark.parametrize(("text", "shape", "output", "params"), LAYERS)
def test_every_layer_gives_the_size_that_is_predicted(text, shape, output, params):
    if len(shape) < 4:
        run = run_network(read_text(text).network, np.ones(shape, np.float32))
        assert list(run.maps.values())[-1].shape == output


FILES = [import_module(f"{records.__name__}.{one.name}") for one in iter_modules(records.__path__)]
RECORDS = {
    one
    for file in FILES
    for one in vars(file).values()
    if isinstance(one, type)
    and hasattr(one, "measure")
    and issubclass(one, tuple)
    # written by model files alone: test_models.py; counted and not run: test_keras_layers.py
    and one.__module__.rpartition(".")[2] not in ("tensor_ops", "sequences")
}


EVERY = sorted(
    {
        one
        for file in (*FILES, graph)
        for one in vars(file).values()
        if isinstance(one, type) and issubclass(one, tuple) and one.__module__ == file.__name__
    }
    - {graph.Node, graph.Network, graph.Reading, graph.Stopped, Measure, Slot},
    key=str,
)


def test_records_of_two_types_are_never_equal():
    """A shuffle of 9 groups is no normalization over 9x9 values, whatever else they share."""
    assert len(EVERY) > 30
    for first, second in product(EVERY, EVERY):
        a, b = (kind._make(range(len(kind._fields))) for kind in (first, second))
        same = first is second
        assert (a == b, a != b, hash(a) == hash(b), len({a, b}) == 1) == (
            same,
            not same,
            same,
            same,
        )
        assert a != tuple(a)


def test_records_of_one_type_are_equal_by_their_values():
    for kind in EVERY:
        values = range(len(kind._fields))
        changed = kind._make(value + 1 for value in values)
        assert kind._make(values) == kind._make(values)
        assert (kind._make(values) == changed) == (not kind._fields)
    assert Shuffle(9) != LocalContrastNorm(9)
    assert Each(Shuffle(9)) != Each(LocalContrastNorm(9))
    assert Each(Shuffle(9)) == Each(Shuffle(9))


@pytest.mark.parametrize("record", sorted(RECORDS, key=str))
def test_a_new_layer_is_counted_and_run(record):
    used = {type(node.layer) for line in LAYERS for node in read_text(line[0]).network.nodes}
    assert record in used, "write a line of LAYERS in tests/nets/test_records.py for it"
    assert record in FORWARD, "write what it computes as a line of FORWARD in runtime/layers.py"


def test_a_new_activation_is_run():
    missing = activations.FUNCTIONS.keys() - FUNCTIONS.keys()
    assert not missing, f"write a line of FUNCTIONS in runtime/activations.py for {missing}"


def test_an_activation_takes_its_values_in_every_vocabulary():
    wanted = Activation("softplus", values=(("beta", 2), ("threshold", 3)))
    for text in (
        "softplus(2, threshold=3)",
        "nn.Softplus(2, threshold=3)",
        "x = torch.randn(1, 8)\ny = F.softplus(x, 2, threshold=3)",
    ):
        assert read_text(text).network.nodes[0].layer == wanted, text


def layers_of(text):
    return [node.layer for node in read_text(text).network.nodes]


# Keras's words and what they mean here
KERAS = {
    "Dense(10, 'relu')": [Linear(10, over="channels"), Activation("relu")],
    "keras.layers.ReLU(6.0)": [Activation("relu6")],
    "keras.layers.ReLU(negative_slope=0.2)": [Activation("leaky_relu", 0.2)],
    "keras.layers.ReLU(max_value=1)": [
        Activation(
            "bounded_relu",
            values=(("max_value", 1), ("negative_slope", 0.0), ("threshold", 0.0)),
        )
    ],
    "keras.layers.Softmax(axis=-1)": [Activation("softmax")],
    "keras.layers.ELU(alpha=0.5, dtype='float32')": [
        Activation("elu", values=(("alpha", 0.5),)),
    ],
    "keras.layers.LeakyReLU(alpha=0.1)": [Activation("leaky_relu", 0.1)],
    "Dense(3, use_bias=False, kernel_initializer=zeros(), lora_rank=4)": [
        Linear(3, False, over="channels")
    ],
}


@pytest.mark.parametrize(("text", "layers"), KERAS.items())
def test_values_of_keras_keep_their_meaning(text, layers):
    assert layers_of(text) == layers


def test_functions_of_pytorch_keep_their_values():
    text = "x = torch.randn(1, 3, 8, 8)\ny = "
    for call, layer in {
        "F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=True)": Upsample(
            (2,), (), "linear", True
        ),
        "F.pad(x, (1, 2), 'reflect')": Pad(((0, 0), (1, 2)), "reflect"),
        "F.pad(x, (1, 2, 3, 4), value=5)": Pad(((3, 4), (1, 2)), "constant", 5.0),
        "F.leaky_relu(x, 0.3)": Activation("leaky_relu", 0.3),
        "F.softmax(x, dim=-1)": Activation("softmax", values=(("dim", -1),)),
    }.items():
        assert layers_of(text + call) == [layer], call


@pytest.mark.parametrize(("name", "axes"), [("1d", (1, 2)), ("2d", (3,)), ("3d", (4,))])
def test_a_batch_norm_takes_the_axes_that_pytorch_takes(name, axes):
    for count in range(1, 5):
        shape = (8, 4, 4, 4)[:count]
        summary = trace(read_text(f"nn.BatchNorm{name}(8)").network, shape)
        if count in axes:
            assert (summary.output, summary.params) == (shape, 16)
        else:
            assert f"a {name[0]}-D batch norm meets an image of" in summary.failures[0].text()
