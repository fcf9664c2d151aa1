"""Small programs as people write them: parameters, trained ones and outputs from PyTorch 2.13."""

import json
import re
import shlex
from pathlib import Path

import pytest

from convcli.cli.main import run

TORCH = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
TORCHVISION = f"{TORCH}import torchvision\nfrom torchvision import models\n"
NET = """
class Net(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.layer1 = nn.Sequential(
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU())
        self.layer2 = nn.Sequential(
            nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.BatchNorm2d(64), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = self.layer2(self.layer1(self.stem(x)))
        return self.fc(torch.flatten(self.pool(x), 1))
"""

# name: what --input says -> parameters, trained ones, outputs without their batch axis
HEADER = r"=== (.*?): (.*?) ?-> (\d+) (\d+) (.*)\n"
_, *parts = re.split(HEADER, Path(__file__).with_name("programs.txt").read_text("utf-8"))
PROGRAMS = {parts[i]: parts[i + 1 : i + 6] for i in range(0, len(parts), 6)}


def full(body):
    """A program with the imports and the network that its first line names."""
    head = TORCHVISION if body.startswith("#torchvision\n") else TORCH
    return head + body.replace("#net\n", NET)


def shape(tmp_path, capsys, text, *inputs):
    """What `shape` says of a program as JSON, or its refusal."""
    path = tmp_path / "net.py"
    path.write_text(text, "utf-8")
    words = [word for size in inputs for word in ("--input", size)]
    code = run(["shape", str(path), *words, "--format", "json"])
    output, refusal = capsys.readouterr()
    return json.loads(output) if code == 0 else refusal


def torch_shape(output):
    """The sizes of an output of JSON as PyTorch has them, channels first, without ones."""
    sizes = {name: size for name, size in output.items() if name != "name"}
    if "shape" in sizes:
        return [size for size in sizes["shape"][1:] if size != 1]
    return [size for size in (sizes.pop("channels", 1), *sizes.values()) if size != 1]


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_have_the_figures_of_pytorch(name, tmp_path, capsys):
    inputs, params, trained, outputs, body = PROGRAMS[name]
    network = shape(tmp_path, capsys, full(body), *shlex.split(inputs))
    assert isinstance(network, dict), network
    totals = network["totals"]
    assert (totals["params"], totals["trainable"]) == (int(params), int(trained))
    if outputs != "-":
        expected = [[size for size in sizes if size != 1] for sizes in json.loads(outputs)]
        assert [*map(torch_shape, network["outputs"])] == expected


KERAS = """
import keras
from keras import layers
base = keras.Sequential([keras.Input((32, 32, 3)), layers.Conv2D(8, 3), layers.BatchNormalization(),
                         layers.ReLU(), layers.Conv2D(16, 3), layers.GlobalAveragePooling2D()])
"""


@pytest.mark.parametrize(
    ("body", "params", "trained"),  # Keras 3.15, with running statistics among the parameters
    [
        (
            "for l in base.layers:\n    if isinstance(l, layers.BatchNormalization):\n"
            "        l.trainable = False\ninp = keras.Input((32, 32, 3))\n"
            "x = base(inp, training=False)\nmodel = keras.Model(inp, layers.Dense(2)(x))\n",
            1_458,
            1_426,
        ),
        (
            "base.trainable = False\nmodel = keras.Sequential([base, layers.Dense(4)])\n",
            1_492,
            68,
        ),
        (
            "for l in base.layers[:-2]:\n    l.trainable = False\n"
            "model = keras.Sequential([base, layers.Dense(4)])\n",
            1_492,
            1_236,
        ),
    ],
)
def test_a_base_with_an_input_of_its_own_under_a_head(body, params, trained, tmp_path, capsys):
    totals = shape(tmp_path, capsys, KERAS + body)["totals"]
    assert (totals["params"], totals["trainable"]) == (params, trained)


def test_the_automatic_name_of_a_layer_is_not_known(tmp_path, capsys):
    body = (
        "for layer in base.layers:\n    if layer.name == 'conv2d_1':\n"
        "        layer.trainable = False\n"
    )
    assert "the automatic name of a layer" in shape(tmp_path, capsys, KERAS + body)


REFUSED = {
    "a name that a module lacks sets no weight": (
        "net = Net()\nnet.parameter('fc.weight').requires_grad = False\n",
        "a Net has no 'parameter'",
    ),
    "a bias that no longer fits": (
        "net = Net()\nnet.fc.weight = nn.Parameter(torch.ones(4, 64))\n",
        "a weight of 4 rows and has a bias of 10",
    ),
    "what does not fit inside a layer of PyTorch, at its call": (
        "class A(Net):\n    def __init__(self):\n        super().__init__()\n"
        "        self.att = nn.MultiheadAttention(8, 2)\n    def forward(self, x):\n"
        "        return self.att(x, x, x)\nnet = A()\n",
        "   return self.att(x, x, x)\n",
    ),
    "a list of tensors of which one is given": (
        "class L(Net):\n    def forward(self, xs):\n        return xs[0], xs[1]\nnet = L()\n",
        "for a list of tensors, give --input for each",
    ),
    "a mask of another length": (
        "class M(Net):\n    def forward(self, x):\n        return x[:, [True, False]]\nnet = M()\n",
        "a mask of (2,) on an axis of 3",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_followed_is_refused(name, tmp_path, capsys):
    body, reason = REFUSED[name]
    assert reason in shape(tmp_path, capsys, TORCH + NET + body, "32x32x3")


def test_the_names_of_several_inputs_are_asked_for(tmp_path, capsys):
    forward = "class T(nn.Module):\n    def forward(self, x, t):\n        return x * t\n"
    refusal = shape(tmp_path, capsys, TORCH + forward)
    assert "give --input 'x=…' --input 't=…', each a size (64x64x3)" in refusal


def test_the_newest_model_is_shown_and_the_others_are_named(tmp_path, capsys):
    path = tmp_path / "net.py"
    path.write_text(f"{TORCH}{NET}teacher = Net(7)\nnet = Net(5)\nloss = Net(3)\n", "utf-8")
    assert run(["shape", str(path), "--input", "32x32x3", "-q"]) == 0
    output, _ = capsys.readouterr()
    assert output == "5\n"
    assert run(["shape", str(path), "--input", "32x32x3"]) == 0
    assert "net, the newest, not teacher" in capsys.readouterr()[1]
