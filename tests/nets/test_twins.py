"""One construct in many hands: pasted lines, a function, a class and a script give one graph."""

import textwrap

import pytest

from convcli.nets.analysis.summary import summarize
from convcli.nets.graph import INPUT
from convcli.nets.readers.read import read_text

TORCH = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
KERAS = "import keras\nfrom keras import layers\n"
PICTURE = "x = torch.randn(4, 3, 16, 16)\n"
INPUTS = "x = inputs = keras.Input((16, 16, 3))\n"


def indented(text, by=4):
    return textwrap.indent(text, " " * by) + "\n"


def apart(text):
    """The imports of lines, which stand before a class or a function, and the rest."""
    lines = text.split("\n")
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    return "".join(f"{line}\n" for line in imports), "\n".join(
        line for line in lines if line not in imports
    )


def pytorch(init, forward):
    """The forms of a construct; in all but the class, its layers have plain names."""
    imports, own = apart(init)
    plain, applied = own.replace("self.", ""), forward.replace("self.", "")
    lines = f"{PICTURE}{imports}{plain}\n{applied}\n"
    return {
        "lines": lines,
        "script": TORCH + lines,
        "function": f"{imports}def net(x):\n{indented(plain)}{indented(applied)}    return x\n",
        "class": f"{imports}class Net(nn.Module):\n    def __init__(self):\n"
        f"        super().__init__()\n{indented(own, 8)}    def forward(self, x):\n"
        f"{indented(forward, 8)}        return x\n",
    }


def keras(init, forward):
    """The same for Keras; what stands before `---` stands before all else."""
    before, _, init = init.rpartition("\n---\n")
    plain, applied = init.replace("self.", ""), forward.replace("self.", "")
    lines = f"{before}\n{INPUTS}{plain}\n{applied}\nmodel = keras.Model(inputs, x)\n"
    return {
        "lines": lines,
        "script": KERAS + lines,
        "helper": f"{before}\ndef net(x):\n{indented(plain)}{indented(applied)}    return x\n"
        f"{INPUTS}model = keras.Model(inputs, net(x))\n",
        "builder": f"{KERAS}{before}\ndef build():\n{indented(INPUTS)}{indented(plain)}{indented(applied)}"
        "    return keras.Model(inputs, x)\n",
        "class": f"{KERAS}{before}\nclass Net(keras.Model):\n    def __init__(self):\n"
        f"        super().__init__()\n{indented(init, 8)}    def call(self, x):\n"
        f"{indented(forward, 8)}        return x\n",
    }


def chained(layers):
    """The forms of layers behind one another."""
    listed = ", ".join(layers)
    made = "".join(f"self.m{i} = {layer}\n" for i, layer in enumerate(layers)).rstrip()
    applied = "\n".join(f"x = self.m{i}(x)" for i in range(len(layers)))
    return {
        **keras(made, applied),
        "Sequential": f"model = keras.Sequential([{listed}])\n",
        "add lines": "model = keras.Sequential()\n"
        + "".join(f"model.add({layer})\n" for layer in layers),
        "add lines alone": "".join(f"model.add({layer})\n" for layer in layers),
        "loop": f"{INPUTS}for layer in [{listed}]:\n    x = layer(x)\nmodel = keras.Model(inputs, x)\n",
        "loop of add": f"model = keras.Sequential()\nfor layer in [{listed}]:\n    model.add(layer)\n",
    }


def graph(text, shape=(3, 16, 16)):
    """What a text means, whatever its nodes are called: layers, shapes, figures, and who reads whom."""
    network = read_text(text).network.at(shape)
    summary = summarize(network, shape)
    places = {INPUT: -1} | {row.name: place for place, row in enumerate(summary.rows)}
    return summary, [
        (
            row.type,
            row.output,
            row.params,
            row.macs,
            tuple(places[name] for name in row.node.inputs),
        )
        for row in summary.rows
    ]


# how layers are made, what a forward does → parameters and output as PyTorch 2.13 has them
CONSTRUCTS = {
    "permute": (
        "self.c = nn.Conv2d(3, 8, 3)",
        "x = self.c(x).permute(0, 2, 3, 1)",
        224,
        (14, 14, 8),
    ),
    "transpose and contiguous": (
        "self.c = nn.Conv2d(3, 8, 3)",
        "x = self.c(x).transpose(1, 2).contiguous()",
        224,
        (14, 8, 14),
    ),
    "chunk and cat": (
        "self.c = nn.Conv2d(3, 8, 3)",
        "a, b = self.c(x).chunk(2, 1)\nx = torch.cat([b, a, b], 1)",
        224,
        (12, 14, 14),
    ),
    "split into sizes": (
        "self.c = nn.Conv2d(3, 8, 3)",
        "a, b = torch.split(self.c(x), [3, 5], dim=1)\nx = b",
        224,
        (5, 14, 14),
    ),
    "stack and sum": (
        "self.c = nn.Conv2d(3, 8, 3)",
        "y = self.c(x)\nx = torch.stack([y, y, y], dim=1).sum(1)",
        224,
        (8, 14, 14),
    ),
    "a mean over channels": ("self.c = nn.Conv2d(3, 8, 3)", "x = self.c(x).mean(1)", 224, (14, 14)),
    "a mean over places": ("self.c = nn.Conv2d(3, 8, 3)", "x = self.c(x).mean([2, 3])", 224, (8,)),
    "a maximum with its places": (
        "self.c = nn.Conv2d(3, 8, 3)",
        "x, _ = self.c(x).max(dim=2)",
        224,
        (8, 14),
    ),
    "a list that grows in a loop": (
        "layers = []\nfor i in range(3):\n    layers.append(nn.Conv2d(3, 3, 3))\n    layers.append(nn.ReLU())\nself.m = nn.Sequential(*layers)",
        "x = self.m(x)",
        252,
        (3, 10, 10),
    ),
    "a comprehension": (
        "self.m = nn.Sequential(*[nn.Conv2d(3, 3, k) for k in (1, 3, 5)])",
        "x = self.m(x)",
        324,
        (3, 10, 10),
    ),
    "a comprehension with a condition": (
        "self.m = nn.Sequential(*[nn.Conv2d(3, 3, k) for k in range(1, 6) if k % 2])",
        "x = self.m(x)",
        324,
        (3, 10, 10),
    ),
    "a ModuleList in a loop": (
        "self.m = nn.ModuleList([nn.Conv2d(3, 3, 3, padding=1) for _ in range(2)])",
        "for layer in self.m:\n    x = F.relu(layer(x)) + x",
        168,
        (3, 16, 16),
    ),
    "an item of a ModuleList": (
        "self.m = nn.ModuleList([nn.Conv2d(3, 8, 3), nn.Conv2d(3, 4, 3)])",
        "x = torch.cat([m(x) for m in (self.m[0], self.m[-1])], 1)",
        336,
        (12, 14, 14),
    ),
    "a slice of a Sequential": (
        "m = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1))\nself.m = m[:2]",
        "x = self.m(x)",
        224,
        (8, 14, 14),
    ),
    "a ModuleDict": (
        "self.m = nn.ModuleDict({'a': nn.Conv2d(3, 8, 3), 'b': nn.MaxPool2d(2)})",
        "for name in ('b', 'a'):\n    x = self.m[name](x)",
        224,
        (8, 6, 6),
    ),
    "while": (
        "width, layers = 4, []\nwhile width < 20:\n    layers.append(nn.Conv2d(width if layers else 3, width * 2, 1))\n    width *= 2\nself.m = nn.Sequential(*layers)",
        "x = self.m(x)",
        720,
        (32, 16, 16),
    ),
    "break, continue and else": (
        "layers = []\nfor k in range(9):\n    if k % 2 == 0:\n        continue\n    if k > 5:\n        break\n    layers.append(nn.Conv2d(3, 3, k))\nelse:\n    layers = []\nself.m = nn.Sequential(*layers)",
        "x = self.m(x)",
        324,
        (3, 10, 10),
    ),
    "if": (
        "norm = True\nself.m = nn.Sequential(nn.Conv2d(3, 8, 3))\nif norm:\n    self.m.append(nn.BatchNorm2d(8))\nelse:\n    self.m.append(nn.ReLU())",
        "x = self.m(x)",
        240,
        (8, 14, 14),
    ),
    "a conditional expression": (
        "bias, wide = False, True\nself.c = nn.Conv2d(3, 16 if wide else 8, 3, bias=bias and wide)",
        "x = self.c(x) if len(x.shape) == 4 else x",
        432,
        (16, 14, 14),
    ),
    "arithmetic": (
        "k = 3\nself.c = nn.Conv2d(3, 2**3 + 7 // 2, k, padding=(k - 1) // 2)",
        "x = self.c(x)",
        308,
        (11, 16, 16),
    ),
    "an f-string": (
        "self.m = nn.Sequential()\nfor i in range(2):\n    self.m.add_module(f'conv{i}', nn.Conv2d(3, 3, 3))",
        "x = self.m.conv1(self.m.conv0(x))",
        168,
        (3, 12, 12),
    ),
    "a dict of settings": (
        "cfg = {'width': 8, 'kernel': 5}\ncfg.update(stride=2)\nself.c = nn.Conv2d(3, cfg['width'], cfg['kernel'], stride=cfg.get('stride', 1))",
        "x = self.c(x)",
        608,
        (8, 6, 6),
    ),
    "zip": (
        "self.m = nn.Sequential(*[nn.Conv2d(i, o, 3) for i, o in zip([3, 8, 16], [8, 16, 4])])",
        "x = self.m(x)",
        1972,
        (4, 10, 10),
    ),
    "enumerate": (
        "layers = []\nfor i, width in enumerate([8, 4]):\n    layers.append(nn.Conv2d([3, 8][i], width, 3))\nself.m = nn.Sequential(*layers)",
        "x = self.m(x)",
        516,
        (4, 12, 12),
    ),
    "stars": (
        "kernel = (3, 5)\nopts = dict(stride=2, bias=False)\nself.c = nn.Conv2d(3, 8, *[kernel], **opts)",
        "x = self.c(x)",
        360,
        (8, 7, 6),
    ),
    "a helper that takes anything": (
        "def block(*widths, **options):\n    return nn.Sequential(*[nn.Conv2d(i, o, 3, **options) for i, o in zip(widths, widths[1:])])\nself.m = block(3, 8, 4, padding=1)",
        "x = self.m(x)",
        516,
        (4, 16, 16),
    ),
    "a helper with defaults": (
        "def conv(i, o, k=3, act=True):\n    layers = [nn.Conv2d(i, o, k), nn.BatchNorm2d(o)]\n    return nn.Sequential(*layers, nn.ReLU()) if act else nn.Sequential(*layers)\nself.a, self.b = conv(3, 8), conv(8, 4, 1, act=False)",
        "x = self.b(self.a(x))",
        284,
        (4, 14, 14),
    ),
    "a lambda": (
        "make = lambda width: nn.Conv2d(3, width, 3)\nself.c = make(8)",
        "f = lambda y: F.relu(y) * 2\nx = f(self.c(x))",
        224,
        (8, 14, 14),
    ),
    "map and sum": (
        "self.c = nn.Conv2d(3, sum(map(int, '134')), 3)",
        "x = self.c(x)",
        224,
        (8, 14, 14),
    ),
    "a walrus": (
        "self.c = nn.Conv2d(3, (width := 6), 3)\nself.d = nn.Conv2d(width, 2, 1)",
        "x = self.d(self.c(x))",
        182,
        (2, 14, 14),
    ),
    "an exception": (
        "try:\n    width = {'a': 1}['b']\nexcept KeyError:\n    width = 5\nself.c = nn.Conv2d(3, width, 3)",
        "x = self.c(x)",
        140,
        (5, 14, 14),
    ),
    "a copy": (
        "import copy\nself.a = nn.Conv2d(3, 3, 3)\nself.b = copy.deepcopy(self.a)",
        "x = self.b(self.a(x))",
        168,
        (3, 12, 12),
    ),
    "partial": (
        "from functools import partial\nconv = partial(nn.Conv2d, kernel_size=3, padding=1)\nself.c = conv(3, 8)",
        "x = self.c(x)",
        224,
        (8, 16, 16),
    ),
    "several names at once": (
        "self.a, (self.b, self.c) = nn.Conv2d(3, 8, 3), (nn.ReLU(), nn.MaxPool2d(2))",
        "x = self.c(self.b(self.a(x)))",
        224,
        (8, 7, 7),
    ),
    "slices": ("self.c = nn.Conv2d(3, 8, 3)", "x = self.c(x)[:, 2:6, ::2, 1:]", 224, (4, 7, 13)),
    "an index": ("self.c = nn.Conv2d(3, 8, 3)", "x = self.c(x)[:, 0]", 224, (14, 14)),
    "a residual": (
        "self.c = nn.Conv2d(3, 3, 3, padding=1)",
        "x = F.relu(self.c(x)) + x",
        84,
        (3, 16, 16),
    ),
    "in place": (
        "self.c = nn.Conv2d(3, 3, 3, padding=1)",
        "y = self.c(x)\ny += x\nx = y",
        84,
        (3, 16, 16),
    ),
    "a gate": (
        "self.c = nn.Conv2d(3, 8, 3)\nself.a, self.b = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)",
        "x = self.c(x)\ns = F.adaptive_avg_pool2d(x, 1)\nx = x * torch.sigmoid(self.b(F.relu(self.a(s))))",
        266,
        (8, 14, 14),
    ),
    "functions for layers": (
        "self.c = nn.Conv2d(3, 8, 3)\nself.f = nn.Linear(8 * 7 * 7, 10)",
        "x = F.max_pool2d(F.relu(self.c(x)), 2)\nx = torch.flatten(x, 1)\nx = F.log_softmax(self.f(x), dim=1)",
        4154,
        (10,),
    ),
    "a view of its size": (
        "self.c = nn.Conv2d(3, 8, 3)\nself.f = nn.Linear(8 * 14 * 14, 10)",
        "x = self.c(x)\nx = self.f(x.view(x.size(0), -1))",
        15914,
        (10,),
    ),
    "a reshape by a shape": (
        "self.c = nn.Conv2d(3, 8, 3)",
        "x = self.c(x)\nb, c, h, w = x.shape\nx = x.reshape(b, c // 2, h * w * 2)",
        224,
        (4, 392),
    ),
    "flatten and unflatten": (
        "self.m = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Unflatten(1, (2, 28, 28)))",
        "x = self.m(x)",
        224,
        (2, 28, 28),
    ),
    "an unflatten of the channels of maps": (
        "self.m = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Unflatten(1, (2, -1)))",
        "x = self.m(x).flatten(1, 2)",
        224,
        (8, 14, 14),
    ),
    "squeeze and unsqueeze": (
        "self.c = nn.Conv2d(3, 8, 16)",
        "x = self.c(x).squeeze(-1).squeeze(-1).unsqueeze(1)",
        6152,
        (1, 8),
    ),
    "interpolate": (
        "self.c = nn.Conv2d(3, 8, 3)",
        "x = F.interpolate(self.c(x), scale_factor=2, mode='bilinear')",
        224,
        (8, 28, 28),
    ),
    "pad": (
        "self.c = nn.Conv2d(3, 8, 3)",
        "x = self.c(F.pad(x, (1, 2, 0, 1), mode='reflect'))",
        224,
        (8, 15, 17),
    ),
    "expand and repeat": (
        "self.c = nn.Conv2d(3, 1, 3)",
        "x = self.c(x).expand(-1, 4, -1, -1).repeat(1, 2, 1, 1)",
        28,
        (8, 14, 14),
    ),
    "clamp and where": (
        "self.c = nn.Conv2d(3, 8, 3)",
        "x = self.c(x)\nx = torch.where(x > 0, x, x.clamp(min=-1))",
        224,
        (8, 14, 14),
    ),
    "a parameter": (
        "self.c = nn.Conv2d(3, 8, 3)\nself.g = nn.Parameter(torch.ones(1, 8, 1, 1))",
        "x = self.c(x) * self.g",
        232,
        (8, 14, 14),
    ),
    "attention": (
        "self.q, self.k, self.v = (nn.Linear(48, 16) for _ in range(3))",
        "y = x.permute(0, 2, 1, 3).flatten(2)\na = F.softmax(self.q(y) @ self.k(y).transpose(-2, -1) / 4, dim=-1)\nx = a @ self.v(y)",
        2352,
        (16, 16),
    ),
    "an LSTM": (
        "self.r = nn.LSTM(48, 4, num_layers=2, batch_first=True)",
        "y, (h, c) = self.r(x.permute(0, 2, 1, 3).flatten(2))\nx = y",
        1024,
        (16, 4),
    ),
    "the last step of a GRU": (
        "self.r = nn.GRU(48, 4, batch_first=True, bidirectional=True)\nself.f = nn.Linear(8, 2)",
        "y, _ = self.r(x.permute(0, 2, 1, 3).flatten(2))\nx = self.f(y[:, -1])",
        1314,
        (2,),
    ),
    "MultiheadAttention": (
        "self.a = nn.MultiheadAttention(48, 4, batch_first=True)",
        "y = x.permute(0, 2, 1, 3).flatten(2)\nx, _ = self.a(y, y, y)",
        9408,
        (16, 48),
    ),
    "a TransformerEncoderLayer": (
        "self.t = nn.TransformerEncoderLayer(d_model=48, nhead=4, dim_feedforward=64, batch_first=True)",
        "x = self.t(x.permute(0, 2, 1, 3).flatten(2))",
        15856,
        (16, 48),
    ),
    "einops": (
        "from einops import rearrange, reduce\nself.c = nn.Conv2d(3, 8, 3)",
        "x = rearrange(self.c(x), 'b (g c) h w -> b g h (w c)', g=2)\nx = reduce(x, 'b g h w -> b g w', 'mean')",
        224,
        (2, 56),
    ),
    "layers of einops": (
        "from einops.layers.torch import Rearrange\nself.m = nn.Sequential(nn.Conv2d(3, 8, 3), Rearrange('b c h w -> b (c h w)'), nn.Linear(8 * 14 * 14, 2))",
        "x = self.m(x)",
        3362,
        (2,),
    ),
    "a layer used twice": ("self.c = nn.Conv2d(3, 3, 3)", "x = self.c(self.c(x))", 84, (3, 12, 12)),
    "a layer twice in a Sequential": (
        "c = nn.Conv2d(3, 3, 3)\nself.m = nn.Sequential(c, nn.ReLU(), c)",
        "x = self.m(x)",
        84,
        (3, 12, 12),
    ),
    "a size for a transposed convolution": (
        "self.c = nn.Conv2d(3, 8, 3, stride=2)\nself.u = nn.ConvTranspose2d(8, 3, 3, stride=2)",
        "x = self.u(self.c(x), output_size=(16, 16))",
        443,
        (3, 16, 16),
    ),
    "a pixel shuffle": (
        "self.m = nn.Sequential(nn.Conv2d(3, 8, 3), nn.PixelShuffle(2))",
        "x = self.m(x)",
        224,
        (2, 28, 28),
    ),
    "dropout and identity": (
        "self.m = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Dropout(0.5), nn.Identity())",
        "x = F.dropout(self.m(x), 0.5)",
        224,
        (8, 14, 14),
    ),
    "a context": (
        "self.c = nn.Conv2d(3, 8, 3)",
        "with torch.no_grad():\n    x = self.c(x)",
        224,
        (8, 14, 14),
    ),
    "functional weights": (
        "self.w = nn.Parameter(torch.zeros(8, 3, 3, 3))",
        "x = F.conv2d(x, self.w, padding=1)",
        216,
        (8, 16, 16),
    ),
}


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_a_construct_of_pytorch_is_the_same_however_it_is_written(name):
    init, forward, params, output = CONSTRUCTS[name]
    graphs = {form: graph(text) for form, text in pytorch(init, forward).items()}
    summary, rows = graphs["class"]
    assert (summary.params, summary.output) == (params, output)
    for form, (_, other) in graphs.items():
        assert other == rows, form


SEQUENCES = [name for name, (_, forward, *_) in CONSTRUCTS.items() if forward == "x = self.m(x)"]


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_model_that_is_made_and_not_called_is_the_one_that_is(name):
    init, _, params, output = CONSTRUCTS[name]
    imports, own = apart(init)
    plain = own.replace("self.", "")
    builder = f"{imports}def net():\n{indented(plain)}    return m\n"
    for text in (imports + plain, TORCH + imports + plain, TORCH + builder, init):
        summary, rows = graph(text)
        assert (summary.params, summary.output) == (params, output)
        assert rows == graph(pytorch(init, "x = self.m(x)")["class"])[1]


# the same for Keras 3.15, with sizes in its order
CHAINS = {
    "a LeNet": (
        [
            "layers.Conv2D(6, 5, activation='tanh')",
            "layers.AveragePooling2D(2)",
            "layers.Conv2D(16, 5, activation='tanh')",
            "layers.Flatten()",
            "layers.Dense(10, activation='softmax')",
        ],
        3522,
        (10,),
    ),
    "padding and strides": (
        [
            "layers.Conv2D(8, 3, strides=2, padding='same', use_bias=False)",
            "layers.BatchNormalization()",
            "layers.ReLU()",
            "layers.MaxPooling2D(3, strides=2, padding='same')",
        ],
        248,
        (4, 4, 8),
    ),
    "other convolutions": (
        [
            "layers.SeparableConv2D(8, 3, activation='relu')",
            "layers.DepthwiseConv2D(3, depth_multiplier=2)",
            "layers.Conv2DTranspose(4, 3, strides=2, padding='same')",
        ],
        799,
        (24, 24, 4),
    ),
    "pads, crops and enlarges": (
        [
            "layers.ZeroPadding2D(((1, 2), (0, 1)))",
            "layers.Cropping2D(2)",
            "layers.UpSampling2D(2)",
            "layers.LeakyReLU(0.1)",
            "layers.PReLU(shared_axes=[1, 2])",
        ],
        3,
        (30, 26, 3),
    ),
    "a head": (
        [
            "layers.Conv2D(8, (3, 5), activation=keras.activations.relu)",
            "layers.GlobalMaxPooling2D()",
            "layers.Dropout(0.5)",
            "layers.Dense(4)",
            "layers.Activation('sigmoid')",
            "layers.Reshape((2, 2, 1))",
        ],
        404,
        (2, 2, 1),
    ),
    "norms": (
        [
            "layers.Conv2D(8, 3, name='stem')",
            "layers.LayerNormalization()",
            "layers.GroupNormalization(4)",
            "layers.Softmax()",
        ],
        256,
        (14, 14, 8),
    ),
}

FLOWS = {
    "a residual": (
        "self.c = layers.Conv2D(3, 3, padding='same')",
        "x = layers.add([x, self.c(x)])",
        84,
        (16, 16, 3),
    ),
    "plus": ("self.c = layers.Conv2D(3, 3, padding='same')", "x = self.c(x) + x", 84, (16, 16, 3)),
    "branches": (
        "self.a, self.b = layers.Conv2D(4, 1), layers.Conv2D(6, 3, padding='same')",
        "x = layers.concatenate([self.a(x), self.b(x)])",
        184,
        (16, 16, 10),
    ),
    "branches on a length": (
        "self.c = layers.Conv2D(4, 3)",
        "y = self.c(x)\nx = layers.Concatenate(axis=1)([y, y])",
        112,
        (28, 14, 4),
    ),
    "a gate": (
        "self.c = layers.Conv2D(8, 3)\nself.a, self.b = layers.Dense(2, activation='relu'), layers.Dense(8, activation='sigmoid')",
        "x = self.c(x)\ns = layers.GlobalAveragePooling2D(keepdims=True)(x)\nx = layers.multiply([x, self.b(self.a(s))])",
        266,
        (14, 14, 8),
    ),
    "a loop": (
        "self.m = [layers.Conv2D(w, 3, activation='relu') for w in (4, 6)]",
        "for layer in self.m:\n    x = layer(x)\n    x = layers.MaxPooling2D()(x)",
        334,
        (2, 2, 6),
    ),
    "a helper": (
        "def block(x, filters, kernel=3):\n    x = layers.Conv2D(filters, kernel, padding='same')(x)\n    x = layers.BatchNormalization()(x)\n    return layers.Activation('relu')(x)\nself.block = block",
        "x = self.block(x, 4)\nx = self.block(x, 6, kernel=1)",
        182,
        (16, 16, 6),
    ),
    "if and arithmetic": (
        "depth = 2\nself.m = []\nfor i in range(depth):\n    self.m.append(layers.Conv2D(4 * 2**i, 3))\n    if i + 1 < depth:\n        self.m.append(layers.MaxPooling2D())",
        "for layer in self.m:\n    x = layer(x)",
        408,
        (5, 5, 8),
    ),
    "a shared layer": (
        "self.c = layers.Conv2D(3, 3, padding='same')",
        "x = self.c(self.c(x))",
        84,
        (16, 16, 3),
    ),
    "a Sequential inside": (
        "self.s = keras.Sequential([layers.Conv2D(4, 3, activation='relu'), layers.MaxPooling2D()])",
        "x = self.s(x)",
        112,
        (7, 7, 4),
    ),
    "functions": (
        "self.c = layers.Conv2D(8, 3)",
        "x = keras.ops.relu(self.c(x))\nx = keras.ops.mean(x, axis=[1, 2])",
        224,
        (8,),
    ),
    "a reshape and a transpose": (
        "self.c = layers.Conv2D(8, 3)",
        "x = keras.ops.reshape(self.c(x), (-1, 196, 8))\nx = keras.ops.transpose(x, (0, 2, 1))",
        224,
        (8, 196),
    ),
    "a reduction of channels": (
        "self.c = layers.Conv2D(8, 3)",
        "x = keras.ops.max(self.c(x), axis=-1, keepdims=True)",
        224,
        (14, 14, 1),
    ),
    "slices": ("self.c = layers.Conv2D(8, 3)", "x = self.c(x)[:, 1:, ::2, :4]", 224, (13, 7, 4)),
    "pieces": (
        "self.c = layers.Conv2D(8, 3)",
        "a, b = keras.ops.split(self.c(x), 2, axis=-1)\nx = a * b",
        224,
        (14, 14, 4),
    ),
    "a length of the input": (
        "self.c = layers.Conv2D(8, 3)",
        "x = self.c(x)\nx = layers.AveragePooling2D(x.shape[1])(x)",
        224,
        (1, 1, 8),
    ),
    "numbers": (
        "self.c = layers.Conv2D(8, 3)",
        "x = self.c(x / 255.0 - 0.5) * 2",
        224,
        (14, 14, 8),
    ),
    "a layer of its own": (
        "class Scale(layers.Layer):\n    def build(self, input_shape):\n        self.w = self.add_weight(shape=(input_shape[-1], 5), name='w')\n    def call(self, x):\n        return keras.ops.matmul(x, self.w)\n---\nself.s = Scale()",
        "x = self.s(x)",
        15,
        (16, 16, 5),
    ),
    "a lambda": (
        "self.f = layers.Lambda(lambda x: x * 2)\nself.c = layers.Conv2D(4, 3)",
        "x = self.f(self.c(x))",
        112,
        (14, 14, 4),
    ),
}


def same_in_keras(forms, params, output):
    graphs = {form: graph(text) for form, text in forms.items()}
    for form, (summary, rows) in graphs.items():
        channels, *lengths = summary.output
        assert (summary.params, (*lengths, channels)) == (params, output), form
        assert rows == graphs["lines"][1], form


@pytest.mark.parametrize("name", CHAINS)
def test_layers_of_keras_are_the_same_however_they_are_put_together(name):
    layers, params, output = CHAINS[name]
    same_in_keras(chained(layers), params, output)


@pytest.mark.parametrize("name", FLOWS)
def test_a_construct_of_keras_is_the_same_however_it_is_written(name):
    init, forward, params, output = FLOWS[name]
    same_in_keras(keras(init, forward), params, output)
