"""Model files in many hands: figures of PyTorch, and what is said of files that stop."""

import json
from pathlib import Path

import pytest

from convcli.cli.main import run
from convcli.errors import SpecError
from convcli.nets.analysis.summary import summarize, trace
from convcli.nets.input_size import input_shape
from convcli.nets.readers.read import read_source, read_text, read_words

MODELS = Path(__file__).parent / "models"


def summary_of(word, size):
    reading = read_source(f"{MODELS}/{word}")
    given = tuple(int(side) for side in size.split("x"))
    return summarize(reading.network, input_shape(given, reading.network, reading.input))


def sized(shape):
    return "x".join(str(side) for side in (*shape[1:], shape[0]))


# Worked out with PyTorch 2.13 (eval mode, a batch of one): what stands behind models/ on the command
# line, its input, the sum of its parameters, and the shape of its first output as HxWxC.
BUILDS = [
    ("lenet.py", "32x32x3", 62_006, "10"),
    ("lenet.py:LeNet(1, num_classes=7)", "32x32x1", 61_451, "7"),
    ("vgg.py:VGG('VGG11', batch_norm=False)", "32x32x3", 9_225_610, "10"),
    ("vgg.py:VGG('VGG16')", "32x32x3", 14_728_266, "10"),
    ("vgg.py:VGG('VGG19', num_classes=100)", "63x40x3", 20_086_692, "100"),
    ("resnet.py:resnet18()", "224x224x3", 11_689_512, "1000"),
    ("resnet.py:resnet50", "224x224x3", 25_557_032, "1000"),
    ("resnet.py:resnet34(num_classes=10)", "65x97x3", 21_289_802, "10"),
    ("resnet.py:resnext50()", "64x64x3", 25_028_904, "1000"),
    ("resnet.py:wide_resnet50(num_classes=5)", "64x64x3", 66_844_485, "5"),
    ("resnet.py:ResNet(Bottleneck, [1, 1, 1, 1], zero_init_residual=True)", "100x100x3", 10_064_936, "1000"),
    ("preact.py:PreActResNet18", "32x32x3", 11_171_146, "10"),
    ("preact.py:PreActResNet50()", "32x32x3", 23_509_066, "10"),
    ("preact.py:PreActGroup18(4)", "32x32x3", 11_168_068, "4"),
    ("densenet.py", "224x224x3", 7_978_856, "1000"),
    ("densenet.py:densenet121(num_classes=11, drop_rate=0.2)", "64x64x3", 6_965_131, "11"),
    ("densenet.py:DenseNet(12, (3, 4, 5), 24)", "70x50x3", 203_002, "1000"),
    ("googlenet.py", "224x224x3", 13_385_816, "1000"),
    ("googlenet.py:GoogLeNet(10, aux_logits=False, transform_input=True)", "97x131x3", 5_991_082, "10"),
    ("squeezenet.py", "224x224x3", 1_248_424, "1000"),
    ("squeezenet.py:SqueezeNet('1_1', 10)", "129x97x3", 727_626, "10"),
    ("mobilenetv2.py", "224x224x3", 3_504_872, "1000"),
    ("mobilenetv2.py:MobileNetV2(width_mult=0.35, num_classes=9)", "96x96x3", 407_657, "9"),
    ("mobilenetv2.py:MobileNetV2(inverted_residual_setting=[[1, 8, 1, 1], [3, 12, 2, 2]], round_nearest=4)", "33x45x3", 1_302_644, "1000"),
    ("shufflenet.py:shufflenet_v2_x1_0", "224x224x3", 2_278_604, "1000"),
    ("shufflenet.py:shufflenet_v2_x0_5(num_classes=10)", "64x64x3", 352_042, "10"),
    ("senet.py", "32x32x3", 11_260_874, "10"),
    ("senet.py:SENet((1, 1), gate='conv', num_classes=3)", "25x31x3", 309_007, "3"),
    ("senet.py:SENet(depths=(1, 2, 1), gate='none')", "32x32x3", 1_522_890, "10"),
    ("unet/model.py:UNet(3, 2, bilinear=True)", "96x100x3", 17_263_042, "96x100x2"),
    ("unet/model.py:UNet(1, 5, base=16)", "61x77x1", 1_942_357, "61x77x5"),
    ("efficientnet.py:EfficientNetB0", "32x32x3", 3_599_686, "10"),
    ("efficientnet.py:EfficientNetB0(depth=1.2)", "48x40x3", 6_105_610, "10"),
    ("vit.py", "32x32x3", 1_203_594, "10"),
    ("vit.py:ViT(image_size=48, patch_size=8, dim=96, heads=6, depth=3, pool='mean')", "48x48x3", 357_994, "10"),
    ("convnext.py", "224x224x3", 28_589_128, "1000"),
    ("convnext.py:ConvNeXt(1, 10, [1, 2, 1, 1], [16, 24, 32, 40], drop_path_rate=0.1, layer_scale_init_value=0)", "65x70x1", 50_770, "10"),
    ("autoencoder.py:AutoEncoder", "28x28x1", 218_689, "28x28x1"),
    ("autoencoder.py:AutoEncoder(12, variational=True)", "28x28x1", 212_761, "28x28x1"),
    ("autoencoder.py:FullyConvolutional()", "64x48x1", 20_817, "64x48x1"),
    ("autoencoder.py:FullyConvolutional(ch=4, levels=2)", "20x36x1", 1_169, "20x36x1"),
    ("dcgan.py:Generator", "100", 1_049_985, "32x32x1"),
    ("dcgan.py:MLPGenerator", "100", 704_384, "32x32x1"),
    ("dcgan.py:Discriminator", "32x32x1", 98_113, "1"),
    ("tcn.py:TCN", "784x1", 66_910, "10"),
    ("tcn.py:TCN(3, 4, [8, 16, 32], kernel_size=3)", "50x3", 7_100, "4"),
    ("hourglass.py:HourglassNet", "128x128x3", 1_429_920, "64x64x16"),
    ("hourglass.py:hg(num_stacks=1, num_classes=5)", "96x64x3", 722_053, "48x32x5"),
    ("hourglass.py:Recursive(3, 32)", "24x40x32", 35_200, "24x40x32"),
    ("aspp.py:DeepLab", "65x81x3", 936_261, "65x81x21"),
    ("aspp.py:DeepLab(4, rates=[1, 2], width=16)", "64x64x3", 55_364, "64x64x4"),
    ("twice.py:Twice", "32x32x3", 1_681, "1"),
    ("twice.py:Twice(4, embedding=8, compare='concatenation')", "17x23x3", 497, "1"),
    ("twice.py:Own(width=6)", "32x32x3", 1_881, "1"),
    ("twice.py:Unrolled(5)", "16x16x3", 1_027, "16x16x3"),
]  # fmt: skip


@pytest.mark.parametrize(("word", "size", "params", "output"), BUILDS)
def test_every_build_has_the_parameters_and_the_output_of_pytorch(word, size, params, output):
    summary = summary_of(word, size)
    assert (summary.params, sized(summary.output)) == (params, output)


# Where convolutions and linear layers do all the multiplying, by forward hooks of PyTorch 2.13:
# weights × places of the output, and of the input where a convolution is transposed.
MACS = {
    "lenet.py": 651_720,
    "lenet.py:LeNet(1, num_classes=7)": 416_268,
    "vgg.py:VGG('VGG11', batch_norm=False)": 152_769_536,
    "squeezenet.py": 818_924_576,
    "squeezenet.py:SqueezeNet('1_1', 10)": 70_533_120,
    "autoencoder.py:AutoEncoder": 716_928,
    "autoencoder.py:AutoEncoder(12, variational=True)": 711_040,
    "autoencoder.py:FullyConvolutional()": 1_769_472,
    "autoencoder.py:FullyConvolutional(ch=4, levels=2)": 69_120,
    "twice.py:Twice": 258_576,
    "twice.py:Twice(4, embedding=8, compare='concatenation')": 40_752,
    "twice.py:Own(width=6)": 166_288,
    "twice.py:Unrolled(5)": 847_872,
}


@pytest.mark.parametrize(("word", "macs"), MACS.items())
def test_multiplications_are_those_that_the_layers_of_pytorch_do(word, macs):
    (size,) = (build[1] for build in BUILDS if build[0] == word)
    assert summary_of(word, size).macs == macs


def test_a_shared_encoder_is_counted_once_and_runs_twice():
    once, own = summary_of("twice.py:Twice()", "32x32x3"), summary_of("twice.py:Own()", "32x32x3")
    encoder = 3 * 8 * 9 + 8 + 8 * 16 * 9 + 16
    assert own.params - once.params == encoder
    assert own.macs == once.macs


# columns of the sweep: input, output, parameters and MACs, by PyTorch 2.13 at either size
SWEEPS = {
    ("unet/model.py:UNet(3, 2, base=4)", "61..77:16"): [
        ["61x61x3", "61x61x2", "122098", "10174804"],
        ["77x77x3", "77x77x2", "122098", "16499156"],
    ],
    ("autoencoder.py:FullyConvolutional()", "32..64:32"): [
        ["32x32x1", "32x32x1", "20817", "589824"],
        ["64x64x1", "64x64x1", "20817", "2359296"],
    ],
}


@pytest.mark.parametrize(("asked", "rows"), SWEEPS.items())
def test_a_sweep_reads_the_file_anew_at_every_size(capfd, asked, rows):
    word, sizes = asked
    assert run(["shape", f"{MODELS}/{word}", "--sweep", sizes]) == 0
    _, *lines = capfd.readouterr().out.splitlines()
    assert [line.split("\t")[:4] for line in lines] == rows


def changed(path, name, old, new):
    """A model file with one piece of its text replaced, beside the original's name."""
    text = (MODELS / name).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (path / name).write_text(text.replace(old, new), encoding="utf-8")
    return str(path / name)


def test_a_wrong_linear_names_both_numbers_and_the_line(tmp_path):
    reading = read_source(changed(tmp_path, "lenet.py", "16*5*5", "16*4*4"))
    (failure,) = trace(reading.network, (3, 32, 32)).failures
    text = failure.text()
    assert "linear(256) meets 400 values (5x5x16), not 256" in text
    assert "lenet.py:12   self.fc1 = nn.Linear(16*4*4, 120)" in text
    assert text.splitlines()[2].strip() == "^" * len("16*4*4")


RAISES = [
    ("squeezenet.py:SqueezeNet('2_0')", "ValueError: Unsupported SqueezeNet version 2_0", 40, "raise ValueError(f"),
    ("resnet.py:ResNet(BasicBlock, [1] * 4, groups=2)", "ValueError: BasicBlock only supports groups=1", 25, "raise ValueError("),
    ("senet.py:SENet(gate='soft')", "unknown gate 'soft'", 68, "assert gate in self.GATES"),
    ("vit.py:ViT(fields=3)", "TypeError: no field 'fields'", 79, "raise TypeError("),
    ("shufflenet.py:ShuffleUnit(24, 50, 1)", "Invalid combination of stride=1, inp=24 and oup=50", 22, "raise ValueError(f"),
]  # fmt: skip


@pytest.mark.parametrize(("word", "message", "line", "code"), RAISES)
def test_what_a_file_raises_is_reported_with_its_line(word, message, line, code):
    with pytest.raises(SpecError) as refusal:
        read_source(f"{MODELS}/{word}")
    first, second, *_ = str(refusal.value).splitlines()
    assert message in first
    name = word.partition(":")[0]
    assert second.strip().startswith(f"{name}:{line}   {code}")


def test_an_unknown_call_is_named_and_the_table_up_to_there_is_printed(capfd, tmp_path):
    path = changed(
        tmp_path, "aspp.py", "skip = self.low(feat)", "skip = self.low(torchsparse.gather(feat, 2))"
    )
    text = Path(path).read_text(encoding="utf-8")
    Path(path).write_text(f"import torchsparse\n{text}", encoding="utf-8")
    assert run(["shape", f"{path}:DeepLab", "--input", "64"]) == 2
    out, err = capfd.readouterr()
    assert [line.split("\t")[0] for line in out.splitlines()] == ["layer", "backbone.stem", "relu1"]
    assert "torchsparse.gather is not known here" in err
    assert "aspp.py:68   skip = self.low(torchsparse.gather(feat, 2))" in err
    assert "^" * len("torchsparse.gather(feat, 2)") in err


def test_several_networks_are_listed_by_their_names():
    with pytest.raises(SpecError, match="several networks") as refusal:
        read_source(f"{MODELS}/dcgan.py")
    for name in ("Generator", "MLPGenerator", "Discriminator"):
        assert name in str(refusal.value)
    assert "weights_init_normal" not in str(refusal.value)


NEAR = {
    "lenet.py:LeeNet": "LeNet",
    "resnet.py:resnet5()": "resnet50",
    "resnet.py:Botleneck": "Bottleneck",
    "unet/parts.py:DoubelConv(3, 8)": "DoubleConv",
}


@pytest.mark.parametrize(("word", "near"), NEAR.items())
def test_a_wrong_name_suggests_the_near_one(word, near):
    with pytest.raises(SpecError, match=f"did you mean .*{near}"):
        read_source(f"{MODELS}/{word}")


HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n"

MORE = {
    # what once came out differently, each with PyTorch's parameters and output
    "weights that are initialised by assignment": (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.c = nn.Conv2d(3, 8, 3)\n        for m in self.modules():\n"
        "            if isinstance(m, nn.Conv2d):\n"
        "                m.weight = nn.init.kaiming_normal(m.weight, mode='fan_out')\n"
        "    def forward(self, x):\n        return self.c(x)\n",
        (3, 8, 8),
        224,
        (8, 6, 6),
    ),
    "a layer of one axis declared before those of two": (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.eca = nn.Conv1d(1, 1, 3, padding=1, bias=False)\n"
        "        self.c = nn.Conv2d(3, 8, 3, padding=1)\n    def forward(self, x):\n"
        "        x = self.c(x)\n        y = self.eca(x.mean((2, 3)).unsqueeze(1)).sigmoid()\n"
        "        return x * y.squeeze(1)[:, :, None, None]\n",
        (3, 8, 8),
        227,
        (8, 8, 8),
    ),
    "a pool over volumes on maps": (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.c = nn.Conv2d(3, 8, 3, padding=1)\n"
        "        self.p = nn.MaxPool3d((1, 2, 2), (2, 2, 2))\n    def forward(self, x):\n"
        "        return self.p(self.c(x))\n",
        (3, 8, 8),
        224,
        (4, 4, 4),
    ),
    "attributes of layers, a gate over halves and a match": (
        "class Net(nn.Module):\n    def __init__(self, act='relu'):\n        super().__init__()\n"
        "        self.c = nn.Conv2d(3, 8, 3)\n        self.drop = nn.Dropout2d(0.3)\n"
        "        match act:\n            case 'relu' | 'leaky':\n                self.a = nn.ReLU()\n"
        "            case _:\n                raise ValueError(act)\n    def forward(self, x):\n"
        "        x = F.glu(self.a(self.c(x)), dim=1)\n"
        "        return self.drop(x) if self.drop.p != 0 else x.flatten(1)\n",
        (3, 8, 8),
        224,
        (4, 6, 6),
    ),
}


@pytest.mark.parametrize("name", MORE)
def test_what_once_came_out_differently(name):
    text, shape, params, output = MORE[name]
    people = (*shape[1:], shape[0])
    reading = read_text(HEAD + text)
    assert input_shape(people, reading.network, reading.input) == shape
    summary = summarize(reading.network, shape)
    assert (summary.params, summary.output) == (params, output)


def net(init, forward, before=""):
    """A class whose `__init__` and `forward` have these lines."""
    lines = [
        f"{before}class Net(nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
    ]
    lines += [f"        {line}" for line in init.split("\n")] + ["    def forward(self, x):"]
    return HEAD + "\n".join([*lines, *(f"        {line}" for line in forward.split("\n")), ""])


SHARED = {
    # lines of __init__ and of forward, input, PyTorch's parameters; multiplications by hand
    "a layer has the weight of another": (
        "self.a = nn.Linear(4, 4)\nself.b = nn.Linear(4, 4)\nself.b.weight = self.a.weight",
        "return self.b(self.a(x))",
        (4,), 24, 32,
    ),
    "only the second of two is used": (
        "self.a = nn.Linear(4, 4)\nself.b = nn.Linear(4, 4)\nself.b.weight = self.a.weight",
        "return self.b(x)",
        (4,), 24, 16,
    ),
    "a decoder has the weight of its encoder, turned": (
        "self.a = nn.Linear(6, 4, bias=False)",
        "return F.linear(self.a(x), self.a.weight.t())",
        (6,), 24, 48,
    ),
    "a head has the weight of the embedding": (
        "self.e = nn.Embedding(9, 4)\nself.h = nn.Linear(4, 9)\nself.h.weight = self.e.weight",
        "return self.h(self.e(x))",
        (5,), 45, 180,
    ),
    "the embedding has the weight of the head": (
        "self.e = nn.Embedding(9, 4)\nself.h = nn.Linear(4, 9)\nself.e.weight = self.h.weight",
        "return self.h(self.e(x))",
        (5,), 45, 180,
    ),
    "one parameter for two layers and the module": (
        "self.w = nn.Parameter(torch.zeros(4, 4))\nself.a = nn.Linear(4, 4)\n"
        "self.b = nn.Linear(4, 4)\nself.a.weight = self.w\nself.b.weight = self.w",
        "return self.b(self.a(x))",
        (4,), 24, 32,
    ),
    "copies of two that share go on sharing": (
        "a, b = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)\nb.weight = a.weight\nimport copy\n"
        "self.one = nn.Sequential(a, b)\nself.two = copy.deepcopy(self.one)",
        "return self.two(self.one(x))",
        (3, 2, 2), 30, 144,
    ),
    "a parameter of its own": (
        "self.a = nn.Linear(4, 4)\nself.a.weight = nn.Parameter(torch.eye(4))",
        "return self.a(x)",
        (4,), 20, 16,
    ),
    "a copy of weights in a buffer": (
        "self.a = nn.Linear(4, 4)\nself.register_buffer('mask', self.a.weight.data.clone())",
        "return F.linear(x, self.a.weight * self.mask)",
        (4,), 20, 16,
    ),
    "a product with a parameter that is turned": (
        "self.w = nn.Parameter(torch.zeros(5, 4))",
        "return x @ self.w.t() @ F.softmax(self.w, 0)",
        (4,), 20, 40,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHARED)
def test_weights_that_are_shared_are_counted_once(name):
    init, forward, shape, params, macs = SHARED[name]
    summary = summarize(read_text(net(init, forward)).network, shape)
    assert (summary.params, summary.macs) == (params, macs)
    assert not any("products of activations" in note for note in summary.notes)


def test_a_normalisation_that_shares_anothers_weights_is_refused_with_its_line():
    text = net(
        "self.a, self.b = nn.BatchNorm2d(4), nn.BatchNorm2d(4)\nself.b.weight = self.a.weight",
        "return self.b(self.a(x))",
    )
    with pytest.raises(SpecError, match="shares the weight of another layer"):
        read_text(text)


WAYS = {
    # lines before the class, of __init__ and of forward; PyTorch's parameters and output
    "values and places of a maximum by name": (
        "", "self.c = nn.Conv2d(3, 4, 1)",
        "y = self.c(x).max(dim=1)\nreturn y.values + y[0] + x.topk(2, 1).values.sum(1)",
        16, (5, 6),
    ),
    "a class that makes another's object": (
        "class Made:\n    def __new__(cls, c):\n        return nn.Conv2d(3, c, 1)\n",
        "self.c = Made(4)", "return self.c(x)", 16, (4, 5, 6),
    ),
    "a class that makes its own object": (
        "class One(nn.Module):\n    def __new__(cls, *args):\n        return super().__new__(cls)\n"
        "    def __init__(self, c):\n        super().__init__()\n        self.c = nn.Conv2d(3, c, 1)\n"
        "    def forward(self, x):\n        return self.c(x)\n",
        "self.c = One(4)", "return self.c(x)", 16, (4, 5, 6),
    ),
    "exceptions of the file, and those that they come from": (
        "class Odd(ValueError):\n    pass\n",
        "self.c = nn.Conv2d(3, 1, 1)\n"
        "for kind, caught in ((Odd, ValueError), (KeyError, LookupError), (Odd, (TypeError, Odd)),\n"
        "                     (ZeroDivisionError, ArithmeticError), (Odd, Exception)):\n"
        "    try:\n        raise kind('no')\n    except TypeError:\n        pass\n"
        "    except caught:\n        self.c = nn.Conv2d(3, self.c.out_channels + 1, 1)",
        "try:\n    x.nothing_of_this_name\nexcept AttributeError:\n    return self.c(x)",
        24, (6, 5, 6),
    ),
    "stubs of quantization": (
        "from torch.ao.quantization import QuantStub\n",
        "self.q, self.c = QuantStub(), nn.Conv2d(3, 4, 1)\n"
        "self.f = nn.quantized.FloatFunctional()",
        "return self.f.add(torch.quantization.DeQuantStub()(self.c(self.q(x))), x.mean(1, True))",
        16, (4, 5, 6),
    ),
    "layers in segments that are worked out again": (
        "from torch.utils.checkpoint import checkpoint_sequential\n",
        "self.s = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1))",
        "return checkpoint_sequential(self.s, 2, x)",
        26, (2, 5, 6),
    ),
    "layers and a distribution that are written in PyTorch's own words": (
        "from torch.distributions import Normal\n",
        "self.glu, self.pool = nn.GLU(dim=1), nn.MaxPool2d(2, return_indices=True)\n"
        "self.un, self.windows = nn.MaxUnpool2d(2), nn.Unfold(3, padding=1)\n"
        "self.c = nn.Conv2d(3, 8, 1)",
        "y, at = self.pool(self.glu(self.c(x)))\ny = self.un(y, at, output_size=x.size())\n"
        "y = Normal(y, y.exp()).rsample()\n"
        "return self.windows(y).view(1, 4, 9, *x.shape[2:]).sum(2)",
        32, (4, 5, 6),
    ),
    "layers in time": (
        "", "self.r = nn.LSTM(6, 4, 2, bidirectional=True, batch_first=True)",
        "y, (h, c) = self.r(x[:, 0])\nassert h.shape == c.shape == (4, 1, 4)\nreturn y",
        2 * 4 * 4 * (6 + 4 + 2) + 2 * 4 * 4 * (8 + 4 + 2), (5, 8),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WAYS)
def test_ways_of_writing_are_read_as_pytorch_has_them(name):
    before, init, forward, params, output = WAYS[name]
    summary = summarize(read_text(net(init, forward, before)).network, (3, 5, 6))
    assert (summary.params, summary.output) == (params, output)


STATES = {
    # what a run leaves behind: lines before the class, of __init__ and of forward
    "a constant of the file": ("MEAN = torch.tensor([1., 2., 3.]).view(1, 3, 1, 1)", "", "x = x - MEAN"),
    "a parameter of the file": ("W = nn.Parameter(torch.zeros(3, 1, 1))", "", "x = x * W"),
    "constants in a list": ("", "self.l = [torch.zeros(1, 3, 1, 1)] * 2", "x = x + self.l[0]"),
    "a cache": (
        "", "self.k = {}",
        "if 'p' not in self.k:\n    self.k['p'] = self.p(x)\nx = x + self.k['p']",
    ),
    "a first run that is another": (
        "", "self.seen = False",
        "if not self.seen:\n    self.seen = True\n    x = self.p(x)\nself.last = x",
    ),
    "a list that grows": ("", "self.l = []", "self.l.append(self.p(x))\nx = sum(self.l)"),
    "a layer that is changed": ("", "", "x = self.p(x)\nself.p.stride = (2, 2)"),
    "a buffer that is filled": (
        "", "self.register_buffer('b', torch.zeros(3, 4, 4))",
        "self.b[:] = x.mean()\nx = x + self.b.mean((1, 2), True)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STATES)
def test_a_run_leaves_nothing_behind_for_the_next(name):
    before, init, forward = STATES[name]
    init = f"self.c, self.p = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 3, 1)\n{init}"
    network = read_text(net(init, f"{forward}\nreturn self.c(x)", f"{before}\n")).network
    once, other, again = (network.at((3, size, size)) for size in (8, 12, 8))
    assert once.nodes == again.nodes
    for one, size in ((once, 8), (other, 12), (again, 8)):
        assert one.stopped is None
        assert trace(one, (3, size, size)).output[0] == 4


LEAKS = {
    "nn.Conv2d.forward = lambda self, x: x[:, :1]": "Conv2d is not the file's",
    "nn.Module.eval = None": "Module is not the file's",
    "ValueError.a = 1": "ValueError is not the file's",
}


@pytest.mark.parametrize(("line", "words"), LEAKS.items())
def test_a_file_changes_no_class_that_other_files_use(line, words):
    plain = net("self.c = nn.Conv2d(3, 4, 1).eval()", "return self.c(x)")
    with pytest.raises(SpecError, match=words):
        read_text(net(f"{line}\nself.c = nn.Conv2d(3, 4, 1)", "return self.c(x)"))
    assert summarize(read_text(plain).network, (3, 5, 6)).output == (4, 5, 6)


def test_a_file_sees_no_environment_but_its_own():
    text = net(
        "import os\nself.c = nn.Conv2d(3, len(os.environ) + 1, 1)\nos.environ['A'] = '1'",
        "return self.c(x)",
    )
    for _ in range(2):
        assert summarize(read_text(text).network, (3, 5, 6)).output == (1, 5, 6)


def test_a_command_line_in_a_file_has_its_defaults():
    text = net(
        "p = argparse.ArgumentParser()\np.add_argument('--many', type=int, default=3)\n"
        "p.add_argument('--wide', action='store_true')\np.set_defaults(many=5)\n"
        "a, _ = p.parse_known_args()\nself.c = nn.Conv2d(3, 9 if a.wide else a.many, 1)",
        "return self.c(x)",
        "import argparse\n",
    )
    assert summarize(read_text(text).network, (3, 5, 6)).output == (5, 5, 6)


def test_an_exception_that_is_raised_again_is_the_one_that_was_caught():
    text = net("try:\n    raise ValueError('odd')\nexcept ValueError:\n    raise", "return x")
    with pytest.raises(SpecError, match="ValueError: odd"):
        read_text(text)


PLACES = {
    "return self.c(x) + x": "self.c(x) + x",
    "y = self.c(x)\ny += x\nreturn y": "y += x",
    "return F.relu(x)[:, :, 12]": "F.relu(x)[:, :, 12]",
    "return self.c(x) > x": "self.c(x) > x",
}


@pytest.mark.parametrize(("forward", "marked"), PLACES.items())
def test_an_operator_that_shapes_do_not_fit_is_pointed_at(forward, marked):
    reading = read_text(net("self.c = nn.Conv2d(3, 3, 3)", forward))
    (failure,) = trace(reading.network.at((3, 8, 8)), (3, 8, 8)).failures
    _, line, marks = failure.text().splitlines()
    assert line[marks.index("^") : marks.rindex("^") + 1] == marked


# expressions of a tensor x of 1x4x6x8 → the shape that PyTorch 2.13 gives
SHAPES = {
    "x.var(1, False)": (1, 6, 8),
    "x.std(1, True)": (1, 6, 8),
    "x.var(1, False, True)": (1, 1, 6, 8),
    "torch.std_mean(x, dim=[1, 2], keepdim=True)[0]": (1, 1, 1, 8),
    "torch.linalg.norm(x, dim=1)": (1, 6, 8),
    "x.rot90(1, [2, 3])": (1, 4, 8, 6),
    "torch.rot90(x, 2, (2, 3))": (1, 4, 6, 8),
    "x[:, [0, 1], :, [2, 3]]": (2, 1, 6),
    "x[:, [0, 1], [2, 3]]": (1, 2, 8),
    "x[:, 0, :, [2, 3]]": (1, 6, 2),
    "x[:, torch.tensor([0, 2, 1])]": (1, 3, 6, 8),
    "x.tile(2, 1, 1)": (1, 8, 6, 8),
    "x.tile((1, 2))": (1, 4, 6, 16),
    "x * torch.ones(1, 4, 1, 1).squeeze()[:, None, None]": (1, 4, 6, 8),
    "torch.meshgrid(torch.arange(2), torch.arange(3), indexing='xy')[0]": (3, 2),
    "torch.meshgrid(torch.arange(2), torch.arange(3))[1]": (2, 3),
    "x.narrow(1, -2, 2)": (1, 2, 6, 8),
    "torch.lerp(x, x, 0.3)": (1, 4, 6, 8),
    "torch.dot(x[0, 0, 0], x[0, 1, 0])": (),
    "x @ torch.ones(8)": (1, 4, 6),
    "x.argsort(1) + x.cumprod(dim=1) + x.fmod(2) + torch.atan2(x, x)": (1, 4, 6, 8),
    "torch.fft.fft2(x).real": (1, 4, 6, 8),
    "torch.zeros(1, 4, dtype=torch.float).scatter_(1, x[:, 0, 0, :1].long(), 1.)": (1, 4),
}


@pytest.mark.parametrize("expression", SHAPES)
def test_functions_of_tensors_give_the_shapes_of_pytorch(expression):
    forward = f"x = F.relu(x)\ny = {expression}\nassert y.shape == {SHAPES[expression]}, y.shape"
    network = read_text(net("pass", f"{forward}\nreturn x, y")).network.at((4, 6, 8))
    assert network.stopped is None


MISFITS = {
    "x.narrow(1, 3, 2)": "slice of 2 from 3 on of an axis of 4",
    "x.topk(5, 1)": "topk of 5 from 0 on of an axis of 4",
    "x.expand(6, 8)": "2 sizes for a tensor of 4 axes",
    "x.repeat(2, 2)": "2 sizes for a tensor of 4 axes",
    "x @ 3": "3 is given where a tensor belongs",
    "nn.ReLU()(x, x)": "ReLU takes one value, not 2",
}


@pytest.mark.parametrize(("expression", "words"), MISFITS.items())
def test_what_pytorch_refuses_is_refused(expression, words):
    network = read_text(net("pass", f"x = F.relu(x)\nreturn {expression}")).network.at((4, 6, 8))
    assert network.stopped is not None
    assert words in network.stopped.text()
    assert expression in network.stopped.text()


ALIKE = {
    "F.elu(x, 0.5)": "nn.ELU(0.5)",
    "F.softmax(x, dim=-1)": "nn.Softmax(dim=-1)",
    "x.softmax(1)": "nn.Softmax(1)",
    "F.log_softmax(x, 1)": "nn.LogSoftmax(1)",
    "F.hardtanh(x, 0, 6)": "nn.Hardtanh(0, 6)",
    "F.gelu(x, approximate='tanh')": "nn.GELU(approximate='tanh')",
    "F.leaky_relu(x, 0.2)": "nn.LeakyReLU(0.2)",
    "F.relu6(x, inplace=True)": "nn.ReLU6(inplace=True)",
    "F.pad(x, (1, 2, 1, 2), mode='reflect')": "nn.ReflectionPad2d((1, 2, 1, 2))",
    "F.pad(x, (1, 2, 1, 2), 'constant', 0.5)": "nn.ConstantPad2d((1, 2, 1, 2), 0.5)",
    "F.upsample_bilinear(x, scale_factor=2)": "nn.UpsamplingBilinear2d(scale_factor=2)",
    "F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=True)": (
        "nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True)"
    ),
}


@pytest.mark.parametrize(("function", "module"), ALIKE.items())
def test_a_function_keeps_the_values_that_its_module_keeps(function, module):
    records = []
    for init, forward in (("pass", function), (f"self.m = {module}", "self.m(x)")):
        network = read_text(net(init, f"return {forward}")).network.at((3, 8, 8))
        records.append([node.layer for node in network.nodes])
    assert records[0] == records[1]


UNREGISTERED = """
from torch import nn

class Tower(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        layers = [nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1)]
        self.body = {"list": layers, "tuple": tuple(layers), "dict": dict(enumerate(layers)),
                     "modules": nn.ModuleList(layers)}[kind]
        self.hidden = None
        self.closure = nn.Conv2d(4, 4, 1)
    def forward(self, x):
        x = self.stem(x)
        for layer in (self.body.values() if isinstance(self.body, dict) else self.body):
            x = layer(x)
        return nn.Conv2d(4, 2, 1)(self.closure(x))
"""


@pytest.mark.parametrize(
    ("kind", "params", "note"),
    [
        ("modules", 308, "no attribute of a module holds it"),
        ("list", 132, "body is a list: PyTorch registers none of its 3 layers"),
        ("tuple", 132, "body is a tuple: PyTorch registers none of its 3 layers"),
        ("dict", 132, "use nn.ModuleDict"),
    ],
)
def test_only_what_pytorch_registers_is_counted(tmp_path, kind, params, note):
    """Parameters from PyTorch 2.13; the layer that forward makes anew is registered nowhere."""
    (tmp_path / "tower.py").write_text(UNREGISTERED)
    reading = read_words([f"{tmp_path}/tower.py:Tower({kind!r})"])
    summary = summarize(reading.network, (3, 8, 8))
    assert summary.params == params
    assert summary.macs == 64 * (3 * 4 * 9 + 4 * 4 * 9 + 4 * 4 + 4 * 4 + 4 * 2)
    assert any(note in text for text in summary.notes)


KINDS = '''
import torch
from torch import nn
import torch.nn.functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.utils import _pair

try:
    from somebodys_kernels import FusedNorm as Norm
except ImportError:
    Norm = nn.BatchNorm2d
try:
    import missing_module as fast
    HAS_FAST = True
except (ModuleNotFoundError, OSError):
    fast, HAS_FAST = None, False

class Optional(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 6, 3), Norm(6)
    def forward(self, x):
        return fast.run(x) if HAS_FAST else self.norm(self.conv(x))

class OwnNorm(_BatchNorm):
    def forward(self, input):
        return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias,
                            self.training, self.momentum, self.eps)

class OwnConv(_ConvNd):
    def __init__(self, width, filters, kernel):
        super().__init__(width, filters, _pair(kernel), _pair(2), _pair(1), _pair(1), False, _pair(0),
                         1, True, "zeros")
    def forward(self, x):
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

class ScaledConv(nn.Conv2d):
    def forward(self, x):
        w = self.weight / self.weight.flatten(1).norm(dim=1)[:, None, None, None]
        return self._conv_forward(x, w, self.bias)

class Derived(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = OwnConv(3, 5, 3), OwnNorm(5), ScaledConv(5, 7, 3, padding=1)
    def forward(self, x):
        return self.c(self.b(self.a(x)))

class Settings(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.conv = nn.Conv2d(args.channels, args.width, 3)
    def forward(self, x):
        return self.conv(x)

class HeadFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.head, self.stem = nn.Conv2d(12, 4, 1), nn.Conv2d(1, 12, 3)
    def forward(self, x):
        return self.head(self.stem(x))

class Twice(nn.Module):
    """What the first use of `top` gives is not used."""
    def __init__(self):
        super().__init__()
        self.body, self.top = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 2, 1)
    def forward(self, x):
        def both(x):
            low = self.body(x)
            return low, self.top(low)
        fine, _ = both(x)
        _, coarse = both(x[:, :, ::2, ::2])
        return fine.mean((2, 3)), coarse.mean((2, 3))
'''


@pytest.mark.parametrize(
    ("entry", "size", "params", "outputs"),
    [
        ("Optional", "8x8x3", 180, [(6, 6, 6)]),
        ("Derived", "8x8x3", 472, [(7, 4, 4)]),
        ("Settings(SimpleNamespace(channels=2, width=9))", "8x8x2", 171, [(9, 6, 6)]),
        ("Settings(Namespace(channels=2, width=9))", "8x8x2", 171, [(9, 6, 6)]),
        ("HeadFirst", "8", 172, [(4, 6, 6)]),
        ("Twice", "8", 242, [(8,), (2,)]),
    ],
)
def test_kinds_of_model_files(tmp_path, capfd, entry, size, params, outputs):
    """Figures from PyTorch 2.13."""
    (tmp_path / "kinds.py").write_text(KINDS)
    assert run(["shape", f"{tmp_path}/kinds.py:{entry}", "--input", size, "--format", "json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["totals"]["params"] == params
    shapes = [(one["channels"], *list(one.values())[1:-1]) for one in answer["outputs"]]
    assert shapes == outputs


LAYERS = '''
import torch
from torch import nn
import torch.nn.functional as F

class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.norm = nn.LazyConvTranspose2d(6, 3, stride=2), nn.LazyInstanceNorm2d()
        self.flat, self.back = nn.Flatten(2, 3), nn.Unflatten(2, (17, 17))
    def forward(self, x):
        return self.back(self.flat(self.norm(self.up(x))))

class Cells(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.LSTMCell(8, 6), nn.GRUCell(6, 5), nn.RNNCell(5, 4)
    def forward(self, x):
        h, c = self.a(x)
        h, c = self.a(x, (h, c))
        return self.c(self.b(h))

class Seq2Seq(nn.Module):
    def __init__(self):
        super().__init__()
        self.t = nn.Transformer(32, 4, 2, 2, 64, batch_first=True)
    def forward(self, x, y):
        return self.t(x, y)

class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.e, self.l = nn.EmbeddingBag(20, 8), nn.Linear(8, 3)
    def forward(self, x):
        return self.l(self.e(x))

class Folded(nn.Module):
    def __init__(self):
        super().__init__()
        self.u, self.f = nn.Unfold(2, stride=2), nn.Fold((8, 8), 2, stride=2)
        self.l, self.g, self.r = nn.Flatten(-3, -1), nn.GLU(), nn.RMSNorm(48)
    def forward(self, x):
        return self.r(self.g(self.l(self.f(self.u(x))))[:, :48])

class LastState(nn.Module):
    """The states behind the last step, of both directions."""
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(8, 16, bidirectional=True, batch_first=True)
        self.gru, self.head = nn.GRU(8, 5, batch_first=True), nn.Linear(37, 4)
    def forward(self, x):
        out, (h, c) = self.rnn(x)
        _, state = self.gru(x)
        return self.head(torch.cat((h[-2], h[-1], state.squeeze(0)), 1))
'''


@pytest.mark.parametrize(
    ("name", "inputs", "params", "output"),
    [
        ("Lazy", ["(1, 3, 8, 8)"], 180, (6, 17, 17)),
        ("Cells", ["(1, 8)"], 623, (4,)),
        ("Seq2Seq", ["(1, 10, 32)", "(1, 7, 32)"], 42_880, (7, 32)),
        ("Bag", ["(1, 7):long"], 187, (3,)),
        ("Folded", ["(1, 3, 8, 8)"], 48, (48,)),
        ("LastState", ["(1, 12, 8)"], 3_705, (4,)),
    ],
)
def test_layers_that_are_seldom_used(tmp_path, capfd, name, inputs, params, output):
    """Figures from PyTorch 2.13."""
    (tmp_path / "layers.py").write_text(LAYERS)
    words = [word for one in inputs for word in ("--input", one)]
    assert run(["shape", f"{tmp_path}/layers.py:{name}", *words, "--format", "json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["totals"]["params"] == params
    (shape,) = ((one["channels"], *list(one.values())[1:-1]) for one in answer["outputs"])
    assert shape == output


def test_attention_that_meets_another_size_is_a_misfit(tmp_path, capfd):
    text = (
        "import torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.a = nn.MultiheadAttention(8, 2, batch_first=True)\n"
        "    def forward(self, x):\n        return self.a(x, x, x)[0]\n"
    )
    (tmp_path / "net.py").write_text(text.replace("\\\n", "\n"))
    assert run(["shape", f"{tmp_path}/net.py", "--input", "(1, 8, 4)"]) == 1
    assert "linear(8) meets 4 values" in capfd.readouterr().err


def test_weights_of_a_function_on_one_map_are_used():
    text = (
        "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.w = nn.Parameter(torch.zeros(4, 1, 3, 3))\n    def forward(self, x):\n"
        "        return F.conv2d(x[0], self.w)\n"
    )
    summary = summarize(read_text(text).network, (1, 8, 8))
    assert (summary.params, summary.macs, summary.output) == (36, 1296, (4, 6, 6))
    assert not [row for row in summary.rows if "unused" in row.type]
