"""Which parameters of a network are trained, as PyTorch and Keras count them."""

import json

import pytest

from convcli.nets.analysis.summary import summarize
from convcli.nets.analysis.table import Figures
from convcli.nets.readers.read import read_text


def figures(text, shape):
    return Figures(summarize(read_text(text).network, shape))


NET = """
import torch, torch.nn as nn
from torchvision import models

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
        self.head = nn.Conv2d(8, 2, 1)
        {}
    def forward(self, x):
        return self.head(self.base(x))
"""

FREEZING = {
    "pass": 258,
    "self.base.requires_grad_(False)": 18,
    "self.requires_grad_(False); self.head.requires_grad_()": 18,
    "for p in self.parameters(): p.requires_grad = False": 0,
    "for n, p in self.named_parameters(): p.requires_grad = n.startswith('head')": 18,
    "for n, p in self.named_parameters(): p.requires_grad_('bias' in n)": 18,
    "for c in list(self.children())[:1]:\n            for p in c.parameters():"
    " p.requires_grad = False": 18,
    "self.head.weight.requires_grad = False": 242,
    "self.unused = nn.Linear(2, 3); self.unused.bias.requires_grad = False": 264,
    "self.unused = nn.Parameter(torch.ones(5), requires_grad=False)": 258,
    "self.apply(lambda m: m.requires_grad_(False) if isinstance(m, nn.BatchNorm2d) else m)": 242,
}


@pytest.mark.parametrize(("line", "trainable"), FREEZING.items())
def test_frozen_parameters_of_pytorch_are_counted_apart(line, trainable):
    record = figures(NET.replace("{}", line), (3, 9, 9)).record()
    totals = record["totals"]
    assert totals["trainable"] == trainable
    assert totals["trainable"] + totals["frozen"] == totals["params"]
    for key in ("params", "trainable", "frozen"):
        assert sum(layer[key] for layer in record["layers"]) == totals[key]
    json.dumps(record)


def test_lazy_layers_have_parameters_to_freeze():
    """PyTorch 2.13: the biases of LazyConv2d and LazyBatchNorm2d, 8 each, are not trained."""
    lines = (
        "self.c, self.b = nn.LazyConv2d(8, 3), nn.LazyBatchNorm2d()\n"
        "        for n, p in self.named_parameters(): p.requires_grad = 'bias' not in n"
    )
    text = NET.replace("{}", lines).replace("self.head(self.base(x))", "self.b(self.c(x))")
    totals = figures(text, (3, 9, 9)).record()["totals"]
    assert (totals["params"], totals["trainable"]) == (258 + 240, 258 - 18 + 224)


def test_a_frozen_resnet_with_a_new_head_trains_the_head():
    text = """
import torch.nn as nn
from torchvision import models
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = models.resnet18(weights=None)
        for p in self.net.parameters():
            p.requires_grad = False
        self.net.fc = nn.Linear(self.net.fc.in_features, 2)
    def forward(self, x):
        return self.net(x)
"""
    made = figures(text, (3, 64, 64))
    assert (made.params, made.summary.trainable) == (11_177_538, 1_026)
    assert "11,176,512 not trainable" in made.caption
    columns, _, footer = made.table()
    assert footer[columns.index("trainable")] == 1026


def test_a_frozen_layer_of_keras_is_counted_as_keras_does():
    text = """
from keras import layers, models
model = models.Sequential([
    layers.Input((8, 8, 3)),
    layers.Conv2D(4, 3, trainable=False),
    layers.BatchNormalization(),
    layers.Flatten(),
    layers.Dense(2),
])
"""
    totals = figures(text, (3, 8, 8)).record()["totals"]
    assert (totals["params"], totals["trainable"], totals["frozen"]) == (418, 298, 120)


def test_layers_frozen_behind_a_loop_over_a_keras_model():
    text = """
from keras import layers, models
model = models.Sequential()
model.add(layers.Conv2D(4, 3, input_shape=(8, 8, 3)))
model.add(layers.Flatten())
model.add(layers.Dense(2))
for layer in model.layers[:-1]:
    layer.trainable = False
"""
    totals = figures(text, (3, 8, 8)).record()["totals"]
    assert (totals["params"], totals["trainable"]) == (402, 290)


@pytest.mark.parametrize("name", ["conv", "fc"])
def test_a_child_set_anew_keeps_its_position(name):
    layer = {"conv": "nn.Conv2d(1, 6, 3)", "fc": "nn.Conv2d(6, 4, 1)"}[name]
    text = f"""
import torch.nn as nn
class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3)
        self.fc = nn.Conv2d(6, 4, 1)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        base = Base()
        base.{name} = {layer}
        self.all = nn.Sequential(*base.children())
    def forward(self, x):
        return self.all(x)
"""
    # two classes are in the text: the last one is the network
    made = figures(text, (1, 8, 8))
    assert (made.output, made.params) == ((4, 6, 6), 88)


def test_iterating_a_sequential_yields_its_modules_only():
    text = """
import torch, torch.nn as nn
class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(4, 4), nn.Linear(4, 4))
        self.gain = nn.Parameter(torch.ones(1))
    def forward(self, x):
        for block in self:
            x = block(x)
        return x * self.gain
"""
    assert figures(text, (4,)).params == 41


def test_a_functional_model_of_keras_freezes_its_layers():
    """`model.trainable = False`, then a new head: 4 · 2 + 2 of Keras 3.15, the head alone."""
    text = (
        "from tensorflow import keras\nfrom tensorflow.keras import layers\n"
        "i = keras.Input((8, 8, 3))\nx = layers.Conv2D(4, 3)(i)\n"
        "x = layers.GlobalAveragePooling2D()(x)\nbase = keras.Model(i, x)\n"
        "base.trainable = False\ny = layers.Dense(2)(x)\nmodel = keras.Model(i, y)\n"
    )
    summary = summarize(read_text(text).network, (3, 8, 8))
    assert (summary.params, summary.trainable) == (122, 10)
