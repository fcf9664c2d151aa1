"""Scripts and fragments as people paste them: what they are about, and what is passed over."""

import pytest

from convcli.errors import SpecError
from convcli.nets.analysis.summary import summarize
from convcli.nets.graph import INPUT
from convcli.nets.input_size import input_shape
from convcli.nets.readers.read import read_text, read_words


def figures(text, given=None):
    reading = read_text(text)
    shape = input_shape(given, reading.network, reading.input)
    summary = summarize(reading.network.at(shape), shape)
    return summary.output, summary.params, summary.macs


LENET = """self.conv1 = nn.Conv2d(3, 6, 5)
self.pool = nn.MaxPool2d(2, 2)
self.conv2 = nn.Conv2d(6, 16, 5)
self.fc1 = nn.Linear(16 * 5 * 5, 120)
"""
FORWARD = """x = self.pool(F.relu(self.conv1(x)))
x = self.pool(F.relu(self.conv2(x)))
x = torch.flatten(x, 1)
x = self.fc1(x)
"""


def inside(text, by):
    return "".join(" " * by + line + "\n" for line in text.splitlines())


# text, --input → output, parameters, MACs; figures of PyTorch 2.13 and Keras 3.15, MACs by hand
READ = {
    "layers by add_module, and a return": (
        'cnn = nn.Sequential()\ncnn.add_module("C-0", nn.Conv2d(1, 32, kernel_size=[4, 10], '
        'stride=[2,8], bias=False))\ncnn.add_module("B-0", nn.BatchNorm2d(32, eps=1e-04))\n'
        'cnn.add_module("R4-0", nn.Hardtanh(min_val=0.0, max_val=4*127/128))\nreturn cnn',
        (130, 40, 1),
        ((32, 64, 4), 1_344, 327_680),
    ),
    "one layer that holds others": (
        "import torch.nn as nn\nlayer = nn.TransformerEncoderLayer(d_model=128, nhead=4, "
        "dim_feedforward=256, batch_first=True)\ny = layer(torch.randn(2, 10, 128))",
        None,
        # 10 tokens; in_proj 128·384, out_proj 128², two linear layers of 128·256
        ((10, 128), 132_480, 10 * (128 * 384 + 128 * 128 + 2 * 128 * 256)),
    ),
    "layers of einops": (
        "import torch\nfrom torch import nn\nfrom einops.layers.torch import Rearrange, Reduce\n"
        "model = nn.Sequential(nn.Conv2d(1, 6, kernel_size=5), nn.MaxPool2d(kernel_size=2), "
        "nn.ReLU(), nn.Conv2d(6, 16, kernel_size=5), nn.MaxPool2d(kernel_size=2), nn.ReLU(),\n"
        "    Rearrange('b c h w -> b (c h w)'), nn.Linear(16*4*4, 120), nn.ReLU(), nn.Linear(120, 10))",
        (28, 28, 1),
        ((10,), 34_622, 24 * 24 * 150 + 64 * 2_400 + 256 * 120 + 1_200),
    ),
    "a model of torchvision": (
        "import torchvision.models as models\nmodel = models.vgg16(pretrained=False)",
        (224,),
        ((1000,), 138_357_544, 15_470_264_320),
    ),
    "a loop over filters in Keras": (
        "from tensorflow import keras\nfrom tensorflow.keras import layers\n"
        "inputs = keras.Input(shape=(32, 32, 3))\nx = inputs\nfor filters in [32, 64, 128]:\n"
        '    x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)\n'
        "    x = layers.MaxPooling2D()(x)\nx = layers.GlobalAveragePooling2D()(x)\n"
        'outputs = layers.Dense(10, activation="softmax")(x)\nmodel = keras.Model(inputs, outputs)',
        None,
        ((10,), 94_538, 1024 * 864 + 256 * 18_432 + 64 * 73_728 + 1_280),
    ),
    "a builder in Keras that is called with values": (
        "from tensorflow.keras import layers, models\ndef build(input_shape, n):\n"
        "    model = models.Sequential()\n    model.add(layers.Conv2D(32, (3, 3), "
        "activation='relu', input_shape=input_shape))\n    model.add(layers.MaxPooling2D((2, 2)))\n"
        "    for i in range(2):\n        model.add(layers.Conv2D(64 * (i + 1), (3, 3), "
        "activation='relu'))\n        model.add(layers.MaxPooling2D((2, 2)))\n"
        "    model.add(layers.Flatten())\n    model.add(layers.Dense(n, activation='softmax'))\n"
        "    return model\nmodel = build((64, 64, 3), 10)\nmodel.summary()",
        None,
        ((10,), 139_338, 62**2 * 864 + 29**2 * 18_432 + 12**2 * 73_728 + 46_080),
    ),
    "lines that add to a model of elsewhere": (
        "model.add(Conv2D(4,3,input_shape=(8,8,3)))\nmodel.add(Flatten())",
        None,
        ((144,), 112, 36 * 108),
    ),
    "lines that add to a model of PyTorch": (
        "model.add_module('a', nn.Conv2d(3, 4, 3))\nmodel.add_module('b', nn.Flatten())",
        (8,),
        ((144,), 112, 36 * 108),
    ),
    "methods without their class": (
        "    def __init__(self):\n        super().__init__()\n"
        + inside(LENET, 8)
        + "\n    def forward(self, x):\n"
        + inside(FORWARD, 8)
        + "        return x\n",
        (32,),
        ((120,), 456 + 2_416 + 48_120, 784 * 450 + 100 * 2_400 + 48_000),
    ),
    "lines of both methods": (
        LENET + FORWARD,
        (32,),
        ((120,), 456 + 2_416 + 48_120, 784 * 450 + 100 * 2_400 + 48_000),
    ),
    "a first line that is indented less": (
        " with tf.device('/gpu:0'):\n            model = Sequential()\n"
        "            model.add(Conv2D(4, 3, input_shape=(8, 8, 3)))\n"
        "            model.add(Flatten())",
        None,
        ((144,), 112, 36 * 108),
    ),
    "a subclass that is built": (
        "class Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        "        self.c = layers.Conv2D(4, 3)\n    def call(self, x, training=False):\n"
        "        return self.c(x, training=training)\nmodel = Net()\nmodel.build((None, 8, 8, 3))",
        None,
        ((4, 6, 6), 112, 36 * 108),
    ),
    "training around it": (
        "import torch\nfrom torch import nn\nmodel = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))\n"
        "loss_fn = nn.CrossEntropyLoss()\nopt = torch.optim.Adam(model.parameters(), lr=1e-3)\n"
        "for epoch in range(5):\n    for images, labels in loader:\n        out = model(images)\n"
        "        loss = loss_fn(out, labels)\n        opt.zero_grad()\n        loss.backward()\n"
        "        opt.step()\nprint(f'{loss:.3f}')\ntorch.save(model.state_dict(), 'm.pt')",
        (2, 2, 3),
        ((2,), 26, 24),
    ),
    "training around it in Keras": (
        "import tensorflow as tf\nfrom tensorflow.keras import layers\n"
        "(x, y), _ = tf.keras.datasets.mnist.load_data()\nx = x / 255.0\n"
        "model = tf.keras.models.Sequential([layers.Flatten(input_shape=(2, 2)), layers.Dense(3)])\n"
        "predictions = model(x[:1]).numpy()\nloss = tf.keras.losses.SparseCategoricalCrossentropy()\n"
        "model.compile(optimizer='adam', loss=loss, metrics=['accuracy'])\n"
        "history = model.fit(x, y, epochs=5)\nplt.plot(history.history['loss'])",
        None,
        ((3,), 15, 12),
    ),
    "a batch whose size is not known": (
        "x = torch.randn(batch, 3, 8, 8)\ny = nn.Conv2d(3, 4, 3)(x)",
        None,
        ((4, 6, 6), 112, 36 * 108),
    ),
    "another tensor before the input": (
        "mask = torch.ones(7, 7)\nx = torch.randn(2, 3, 8, 8)\nnet = nn.Conv2d(3, 4, 3)\ny = net(x)",
        None,
        ((4, 6, 6), 112, 36 * 108),
    ),
    "a mask beside the input": (
        "mask = torch.ones(1, 1, 6, 6)\nx = torch.randn(1, 3, 8, 8)\n"
        "y = nn.Conv2d(3, 4, 3)(x) * mask",
        None,
        ((4, 6, 6), 112, 36 * 108),
    ),
    "a list of layers that nothing is made of": (
        "layers = []\nfor i, o in ((3, 4), (4, 8)):\n    layers += [nn.Conv2d(i, o, 3), nn.ReLU()]\n"
        "for layer in layers:\n    layer.train()",
        (8,),
        ((8, 4, 4), 112 + 296, 36 * 108 + 16 * 288),
    ),
    "an output size for a transposed convolution": (
        "x = torch.randn(1, 16, 12, 12)\nup = nn.ConvTranspose2d(16, 16, 3, stride=2)\n"
        "y = up(x, output_size=(26, 26))",
        None,
        ((16, 26, 26), 2_320, 144 * 2_304),
    ),
    "lines of the notation among those of PyTorch": (
        "x8 = conv(8, 3, padding=same)\nself.act = nn.ReLU()\nresidual([conv(8, 1), relu])\nnn.Flatten()",
        (4, 4, 3),
        ((128,), 224 + 72, 16 * 216 + 16 * 64),
    ),
}


@pytest.mark.parametrize("name", READ)
def test_a_script_or_a_fragment_is_read(name):
    text, given, expected = READ[name]
    assert figures(text, given) == expected


REFUSED = {
    "two inputs": (
        'a = keras.Input(shape=(32, 32, 3))\nb = keras.Input(shape=(None, 9), name="meta")\n'
        "x = layers.GlobalMaxPooling2D()(a)\ny = layers.concatenate([x, b])",
        "a second input without all its sizes is not read here; give its shape in the text",
        '  text:2   b = keras.Input(shape=(None, 9), name="meta")',
    ),
    "a data format that Keras has not": (
        "model = Sequential()\nmodel.add(Conv2D(4, 3, data_format='nchw'))",
        "Conv2D: data_format='nchw' is none of channels_first, channels_last",
        "  text:2   model.add(Conv2D(4, 3, data_format='nchw'))",
    ),
    "an unknown layer in a loop": (
        "layers = []\nfor i in range(3):\n    layers.append(nn.Mystery(3))",
        "'Mystery' is not a layer that is known here",
        "  text:3   layers.append(nn.Mystery(3))",
    ),
    "a loop over what is not known that adds layers": (
        "import config\nmodel = nn.Sequential()\nfor width in config.widths:\n"
        "    model.append(nn.Conv2d(3, width, 3))",
        "config.widths, which is not known here",
        "  text:3   for width in config.widths:",
    ),
    "a function of a tensor that is not known": (
        "import torch\nx = torch.randn(1, 8)\ny = mystery(x)",
        "'mystery' is not a function that is known here",
        "  text:3   y = mystery(x)",
    ),
    "shapes in a helper": (
        "def block(x):\n    return nn.Conv2d(3, 8, 0)(x)\nx = torch.randn(1, 3, 8, 8)\ny = block(x)",
        "Conv2d: kernel_size must be from 1",
        "  text:2   return nn.Conv2d(3, 8, 0)(x)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_names_the_line_that_is_not_understood(name):
    text, message, place = REFUSED[name]
    with pytest.raises(SpecError) as refusal:
        read_text(text)
    said, where, *_ = str(refusal.value).splitlines()
    assert message in said
    assert where == place


def test_a_misfit_in_a_flow_shows_what_went_before_and_names_the_line():
    reading = read_text(
        "x = torch.randn(1, 3, 8, 8)\nx = nn.Conv2d(3, 4, 3)(x)\nx = nn.Linear(5, 2)(x)"
    )
    assert [node.layer.type for node in reading.network.nodes] == ["conv2d", "linear"]
    with pytest.raises(Exception, match=r"linear\(5\) meets 6 values.*not 5\n  text:3   x = nn"):
        summarize(reading.network, reading.input)


def test_the_newest_model_of_a_script_is_meant_and_the_others_are_named():
    text = "import torch.nn as nn\nG = nn.Sequential(nn.Linear(8, 4))\nD = nn.Sequential(nn.Linear(4, 1))"
    reading = read_text(text)
    network = reading.network
    assert reading.about == "PyTorch model D, the newest, not G, 1 layer"
    assert [node.layer.outputs for node in network.nodes] == [1]
    assert network.notes == ("D is shown, the newest of the models; others: G",)


def test_a_text_is_read_anew_for_another_input():
    text = "x = torch.randn(1, 3, 8, 8)\nx = nn.Conv2d(3, 4, 3)(x)\nb, c, h, w = x.shape\nx = x.view(b, c * h * w)"
    network = read_text(text).network
    assert [summarize(network, (3, n, n)).output for n in (8, 10)] == [(144,), (256,)]
    fixed = read_text("x = torch.randn(1, 3, 8, 8)\nx = nn.Conv2d(3, 4, 3)(x)").network
    assert fixed.redo is None, "one that never looks at sizes is the same for every input"


def test_a_layer_that_holds_others_needs_no_call():
    reading = read_text(
        "layer = nn.TransformerEncoderLayer(d_model=128, nhead=4, dim_feedforward=256)"
    )
    assert reading.about == "PyTorch model"
    assert summarize(reading.network, (10, 128)).params == 132_480


def test_names_are_those_of_the_text():
    text = (
        "inputs = keras.Input((8, 8, 3))\nx = layers.Conv2D(4, 3, name='stem')(inputs)\n"
        "x = layers.Conv2D(4, 1, activation='relu', name='mix')(x)\nx = layers.Dropout(0.5)(x)\n"
        "y = layers.Dense(4)(x)\nx = layers.add([x, y], name='sum')\n"
        "x = layers.Concatenate(name='all')([x, y])\nmodel = keras.Model(inputs, x)"
    )
    names = [node.name for node in read_text(text).network.nodes]
    assert names == ["stem", "mix.conv1", "mix.relu1", "dropout1", "linear1", "sum", "all"]
    names = [node.name for node in read_text(LENET + FORWARD).network.nodes]
    assert names == ["conv1", "relu1", "pool", "conv2", "relu2", "pool#1", "flatten1", "fc1"]


def test_a_side_branch_with_a_layer_is_kept_and_a_piece_that_nothing_reads_is_not():
    text = (
        "x = torch.randn(1, 4, 8, 8)\naux = nn.Conv2d(4, 2, 1)(x)\na, b = x.chunk(2, 1)\n"
        "y = nn.Conv2d(2, 3, 1)(a)"
    )
    nodes = read_text(text).network.nodes
    assert [(node.layer.type, node.inputs) for node in nodes] == [
        ("conv2d", (INPUT,)),
        ("chunk", (INPUT,)),
        ("conv2d", ("chunk1",)),
    ]


def test_a_script_in_a_file_imports_what_lies_beside_it(tmp_path):
    (tmp_path / "parts.py").write_text(
        "import torch.nn as nn\ndef block(i, o):\n    return nn.Sequential(nn.Conv2d(i, o, 3), nn.ReLU())\n"
    )
    script = tmp_path / "train.py"
    script.write_text(
        "import torch.nn as nn\nfrom parts import block\nmodel = nn.Sequential(block(3, 4), block(4, 2))\n"
        "if __name__ == '__main__':\n    print(model)\n"
    )
    reading = read_words([str(script)])
    assert summarize(reading.network, (3, 8, 8)).output == (2, 4, 4)


SIAMESE = """a = keras.Input((28, 28, 1), name="left")
b = keras.Input((28, 28, 1), name="right")
conv = layers.Conv2D(4, 3)
d = layers.Subtract()([layers.Flatten()(conv(a)), layers.Flatten()(conv(b))])
model = keras.Model([a, b], layers.Dense(1)(d))"""
META = """image = keras.Input(shape=(32, 32, 3), name="image")
meta = keras.Input(shape=(10,), name="meta")
x = layers.GlobalMaxPooling2D()(layers.Conv2D(16, 3, activation="relu")(image))
model = keras.Model([image, meta], layers.Dense(1)(layers.concatenate([x, meta])))"""


@pytest.mark.parametrize(
    ("text", "further", "expected"),
    [
        # 4·9 + 4 = 40 of the convolution that both share, 26·26·4 + 1 = 2,705
        (SIAMESE, {"right": (1, 28, 28)}, ((1,), 2745, 2 * 26 * 26 * 4 * 9 + 2704)),
        (META, {"meta": (10,)}, ((1,), 475, 30 * 30 * 16 * 27 + 26)),
    ],
)
def test_models_of_keras_have_several_inputs(text, further, expected):
    reading = read_text(f"from tensorflow import keras\nfrom keras import layers\n{text}")
    summary = summarize(reading.network, reading.input)
    assert (summary.output, summary.params, summary.macs) == expected
    inputs = {row.name: row.output for row in summary.rows if row.node.layer.type == "input"}
    assert inputs == further


def test_a_model_that_does_not_read_the_first_input_is_refused():
    text = f"import keras\nfrom keras import layers\n{META}\nz = keras.Input((8,))\n"
    with pytest.raises(SpecError, match="does not read the first"):
        read_text(f"{text}model = keras.Model(z, layers.Dense(3)(z))")


def test_a_model_that_stops_inside_a_function_is_refused(tmp_path):
    """What was recorded before the layer that is not known is not a network."""
    text = (
        "from tensorflow import keras\nfrom tensorflow.keras import layers\n"
        "def make():\n    i = keras.Input((32, 32, 3))\n    x = layers.Conv2D(8, 3)(i)\n"
        "    x = layers.NoSuchLayer(4)(x)\n    x = layers.Conv2D(16, 3)(x)\n"
        "    return keras.Model(i, x)\nmodel = make()\n"
    )
    with pytest.raises(SpecError, match="NoSuchLayer"):
        read_text(text, "model.py")


CONV, RELU = "nn.Conv2d(3, 6, 5)\n", "nn.ReLU()\n"

# what stands between two layers → what is said of it
BETWEEN = {
    'os.system("rm -rf x")': "line 2, \"os.system('rm -rf x')\"",
    "import os\nos.remove('x')": "line 3, \"os.remove('x')\"",
    'with open("f") as f:\n    d = f.read()': "line 2, \"with open('f') as f:…\"",
    "try:\n    shutil.rmtree('x')\nexcept OSError:\n    pass": "line 2, 'try:…'",
    "for i in range(2):\n    subprocess.run(['x'])": "line 2, 'for i in range(2):…'",
    "# os.system('x')": "",
    "n = 3\nm = [n]": "",
}


@pytest.mark.parametrize("between", BETWEEN)
def test_what_is_not_run_between_layers_is_said(between):
    said = BETWEEN[between]
    about = read_text(f"{CONV}{between}\n{RELU}").about
    assert about == "PyTorch layer lines, 2 layers" + (f"; not run: {said}" if said else "")
    assert read_text(f"{between}\n{CONV}{RELU}").about == "PyTorch layer lines, 2 layers"
