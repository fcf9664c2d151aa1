"""What `--input` says: sizes, PyTorch's shapes, several inputs, values; figures from PyTorch 2.13."""

import json

import pytest

from convcli.cli.main import run
from convcli.nets.analysis.summary import summarize
from convcli.nets.readers.read import read_source, read_text
from convcli.sizes import InputSize, read_input

MODELS = '''
import torch
from torch import nn

class Pair(nn.Module):
    """Two pictures through one branch."""
    def __init__(self):
        super().__init__()
        self.branch = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.score = nn.Linear(48, 2)
    def forward(self, left, right):
        return self.score(torch.cat((self.branch(left), self.branch(right)), dim=1))

class Timed(nn.Module):
    """A picture and the number of a step, with a flag that has a default."""
    def __init__(self):
        super().__init__()
        self.stem, self.out = nn.Conv2d(3, 12, 3, padding=1), nn.Conv2d(12, 3, 1)
        self.time = nn.Linear(8, 12)
    def forward(self, x, t, residual=False):
        angles = t.float()[:, None] * torch.arange(4)[None]
        shift = self.time(torch.cat([angles.sin(), angles.cos()], dim=1))
        y = self.out(self.stem(x) + shift[:, :, None, None])
        return x + y if residual else y

class Switched(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 5, 3), nn.Conv2d(5, 7, 3)
    def forward(self, x, short):
        x = self.first(x)
        return x if short else self.second(x)

class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3), nn.Conv2d(2, 6, 3)
    def forward(self, xs):
        return torch.cat([self.a(xs[0]).mean((2, 3)), self.b(xs[1]).mean((2, 3))], dim=1)

class Labelled(nn.Module):
    def __init__(self):
        super().__init__()
        self.label, self.fc = nn.Embedding(10, 64), nn.Linear(64, 4 * 7 * 7)
        self.up = nn.ConvTranspose2d(4, 1, 4, 2, 1)
    def forward(self, z, y):
        return self.up(self.fc(z * self.label(y)).view(-1, 4, 7, 7))

class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.fc = nn.LayerNorm(32), nn.Linear(32, 5)
    def forward(self, x):
        return self.fc(self.norm(x)).mean(1)

class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.conv = nn.Embedding(50, 8), nn.Conv1d(8, 4, 3)
    def forward(self, x):
        return self.conv(self.words(x).transpose(1, 2)).amax(2)

class Wave(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 6, 10, 5)
    def forward(self, x):
        return self.conv(x.unsqueeze(1)).mean(-1)

class Clip(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
    def forward(self, x):
        n, t, c, h, w = x.shape
        return self.conv(x.reshape(n * t, c, h, w)).mean((2, 3)).view(n, t, -1).mean(1)

class Both(nn.Module):
    def __init__(self):
        super().__init__()
        self.mu, self.var = nn.Linear(16, 3), nn.Linear(16, 4)
    def forward(self, x):
        return self.mu(x), self.var(x)
'''


@pytest.fixture
def said(capfd):
    """Runs convcli, which ends with a code; gives what it prints on stdout and on stderr."""

    def call(*words, code=0):
        assert run(words) == code
        return capfd.readouterr()

    return call


@pytest.fixture
def models(tmp_path, monkeypatch):
    (tmp_path / "models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)


ROWS = [
    # class, inputs, parameters, MACs, shapes of the outputs as PyTorch has them
    ("Pair", ["(1, 1, 28, 28)", "(1, 1, 28, 28)"], 254, 172_896, [[2]]),
    ("Pair", ["28", "28"], 254, 172_896, [[2]]),
    ("Pair", ["right=20x20x1", "left=28x28x1"], 254, 124_896, [[2]]),
    ("Timed", ["(1, 3, 16, 16)", "(1,)"], 483, 92_256, [[3, 16, 16]]),
    ("Timed", ["x=16x16x3", "t=(1,):long", "residual=True"], 483, 92_256, [[3, 16, 16]]),
    ("Switched", ["16x16x3", "short=True"], 462, 26_460, [[5, 14, 14]]),
    ("Switched", ["16x16x3", "short=False"], 462, 71_820, [[7, 12, 12]]),
    ("Listed", ["(1, 3, 8, 8)", "(1, 2, 8, 8)"], 226, 7_776, [[10]]),
    ("Labelled", ["(1, 64)", "(1,):long"], 13_445, 15_680, [[1, 14, 14]]),
    ("Tokens", ["(1, 49, 32)"], 229, 7_840, [[5]]),
    ("Words", ["(1, 20):long"], 500, 1_728, [[4]]),
    ("Wave", ["(1, 4000)"], 66, 47_940, [[6]]),
    ("Clip", ["(1, 8, 3, 16, 16)"], 168, 254_016, [[6]]),
    ("Both", ["16"], 119, 112, [[3], [4]]),
]


def sizes(record):
    lengths = [value for key, value in record.items() if key not in ("name", "channels")]
    return [record["channels"], *lengths]


@pytest.mark.parametrize(("name", "inputs", "params", "macs", "outputs"), ROWS)
def test_inputs_of_every_kind(said, models, name, inputs, params, macs, outputs):
    words = [word for one in inputs for word in ("--input", one)]
    answer = json.loads(said("shape", f"models.py:{name}", *words, "--format", "json").out)
    assert answer["totals"]["params"] == params
    assert [sizes(one) for one in answer["outputs"]] == outputs
    if macs is not None:
        assert answer["totals"]["macs"] == macs


def test_a_missing_input_is_asked_for_by_name(said, models):
    refused = said("shape", "models.py:Timed", "--input", "16x16x3", code=2).err
    assert "forward takes 2 inputs, x, t; say what t is" in refused
    assert "--input 'x=…' --input 't=…'" in refused


def test_an_input_of_another_name_is_refused(said, models):
    refused = said(
        "shape", "models.py:Timed", "--input", "16x16x3", "--input", "T=(1,)", code=2
    ).err
    assert "forward has no parameter T; it takes x, t, residual" in refused


def test_a_network_of_one_input_takes_one(said):
    refused = said("shape", "lenet5", "--input", "32x32x1", "--input", "32x32x1", code=2).err
    assert "this network has one input without a name, not 2 inputs" in refused


@pytest.mark.parametrize(
    ("size", "output", "note"),
    [
        ("(1, 3, 224, 224)", "7x7x512", ""),
        ("1,3,224,224", "7x7x512", ""),
        ("torch.Size([1, 3, 224, 224])", "7x7x512", ""),
        ("224x224x3", "7x7x512", ""),
        ("3x224x224", "7x7x512", "3x224x224 is read as 3 channels of 224x224"),
        (
            "(3, 224, 224)",
            "7x7x512",
            "(3, 224, 224) has no batch axis: it is read as (1, 3, 224, 224)",
        ),
    ],
)
def test_channels_first_is_understood_or_said(said, size, output, note):
    answer = said("shape", "resnet18", "--input", size, "--format", "json")
    layers = json.loads(answer.out)["layers"]
    assert f"{output}" in {"x".join(map(str, one["output"].values())) for one in layers}
    assert note in answer.err


def test_a_batch_of_a_tuple_counts_for_memory(said):
    one = json.loads(said("shape", "lenet5", "--input", "(1, 1, 32, 32)", "--format", "json").out)
    many = json.loads(said("shape", "lenet5", "--input", "(8, 1, 32, 32)", "--format", "json").out)
    assert many["totals"]["macs"] == one["totals"]["macs"]
    assert many["totals"]["memory"]["batch"] == 8
    assert many["totals"]["memory"]["activations"] == 8 * one["totals"]["memory"]["activations"]


def test_json_says_what_was_assumed(said):
    words = ("shape", "conv:8,3", "--format", "json", "--input")
    assert json.loads(said(*words, "32").out)["assumed"] == ["channels"]
    assert json.loads(said(*words, "32x32x3").out)["assumed"] == []
    answer = json.loads(said(*words, "(1, 3, 32, 32)").out)
    assert answer["assumed"] == []
    assert answer["inputs"] == [{"name": "input", "shape": [1, 3, 32, 32]}]
    assert answer["outputs"] == [{"name": "conv1", "height": 30, "width": 30, "channels": 8}]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("(1, 20):torch.long", InputSize((1, 20), True, dtype="long")),
        ("[1, 3, 8, 8]", InputSize((1, 3, 8, 8), True)),
        ("torch.randn(2, 3, 8, 8)", InputSize((2, 3, 8, 8), True)),
        ("x=torch.zeros((1, 20)):long", InputSize((1, 20), True, "x", "long")),
        ("(None, 28, 28, 1)", InputSize((1, 28, 28, 1), True)),
        ("mode='fast'", InputSize(name="mode", value="fast")),
        ("scale=0.5", InputSize(name="scale", value=0.5)),
        ("mask=None", InputSize(name="mask", value=None)),
        ("x=64x48x3", InputSize((64, 48, 3), name="x")),
    ],
)
def test_texts_of_inputs(text, size):
    assert read_input(text) == size


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(1", "'(1' is not a whole number"),
        ("(a, 3)", "'a' is not a whole number"),
        ("(1, 3):complex", "'complex' is not a type of values"),
        ("(0, 3)", "0 is too small"),
        ("(1, 2, 3, 4, 5, 6, 7, 8, 9)", "more than 8 axes"),
    ],
)
def test_texts_that_are_no_input(text, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        read_input(text)


def test_a_batch_of_one_is_a_batch_where_the_forward_adds_the_channels(tmp_path, capsys):
    path = tmp_path / "eeg.py"
    path.write_text(
        "import torch.nn as nn\nclass Eeg(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.time = nn.Conv2d(1, 8, (1, 64), bias=False)\n"
        "    def forward(self, x):\n        return self.time(x.unsqueeze(1))\n"
    )
    assert run(["shape", str(path), "--input", "(1, 22, 1125)", "-q"]) == 0
    assert capsys.readouterr().out == "22x1062x8\n"


FOLDING = {
    # forward of 1x28x28 → the note; PyTorch 2.13 gives (9, 10) and (18, 10) for batches of 1 and 2
    "self.fc(torch.max_pool2d(self.a(x), 2).view(-1, 320))": (
        "a view as (-1, 320) makes 9 rows of the 2,880 values of one image (12x12x20)"
    ),
    "self.fc(self.a(x).reshape(-1, 320))": "makes 36 rows of the 11,520 values of one image",
    "self.wide(torch.flatten(self.a(x), 0))": "one has 11,520 values, two have 23,040 in one row",
    "self.wide(nn.Flatten(0)(self.a(x)))": "one has 11,520 values, two have 23,040 in one row",
    "self.wide(self.a(x).view(-1, 11520))": "",
    "self.wide(self.a(x).flatten(1))": "",
    "self.fc(self.a(x).view(-1, 320)).view(x.size(0), -1)": "",  # folded, and unfolded again
}


@pytest.mark.parametrize(("forward", "note"), FOLDING.items())
def test_values_that_are_folded_into_the_batch_are_told(forward, note):
    text = (
        "import torch, torch.nn as nn\nclass M(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.a = nn.Conv2d(1, 20, 5)\n"
        "        self.fc, self.wide = nn.Linear(320, 10), nn.Linear(11520, 10)\n"
        f"    def forward(self, x):\n        return {forward}\n"
    )
    folds = [one for one in read_text(text).network.at((1, 28, 28)).notes if "batch" in one]
    assert len(folds) == bool(note)
    assert not note or note in folds[0]


@pytest.mark.parametrize(
    ("argv", "row"),
    [
        (
            ["--input", "224", "--kernel", "3"],
            "| input | (3 channels assumed) | 224x224x3 |  |  |  |  |",
        ),
        (["--input", "224x224x3", "--kernel", "3"], "| input |  | 224x224x3 |  |  |  |  |"),
        (["lenet5"], "| input |  | 32x32x1 |  |  |  |  |"),
        (["lenet5", "--columns", "input,params"], "| 32x32x1 | 156 |"),
        (["lenet5", "--layout", "nchw"], "| input |  | (1, 1, 32, 32) |  |  |  |  |"),
        (["lenet5", "--top", "1", "--columns", "layer,params"], "| c3 | 2,416 |"),
    ],
)
def test_the_first_row_of_a_table_is_the_input(capfd, argv, row):
    assert run(["shape", *argv, "--format", "markdown"]) == 0
    assert capfd.readouterr().out.splitlines()[2] == row


def test_steps_along_the_first_axis_are_no_batch(capfd, tmp_path):
    path = tmp_path / "net.py"
    path.write_text(
        "import torch.nn as nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.lstm = nn.LSTM(8, 16)\n"
        "    def forward(self, x):\n"
        "        return self.lstm(x)[0]\n"
    )
    assert run(["shape", str(path), "--input", "(10, 1, 8)"]) == 0
    assert "lstm.lstm1 takes one step of each item of a batch of 10" in capfd.readouterr().err
    path.write_text(path.read_text().replace("8, 16", "8, 16, batch_first=True"))
    assert run(["shape", str(path), "--input", "(10, 5, 8)"]) == 0
    assert "one step" not in capfd.readouterr().err


def test_data_has_rows_of_layers_alone(capfd):
    assert run(["shape", "--input", "224", "--kernel", "3", "--format", "tsv"]) == 0
    assert [line.split("\t")[0] for line in capfd.readouterr().out.splitlines()] == [
        "layer",
        "conv1",
    ]


def test_layout_nchw_writes_shapes_as_pytorch_does(capfd):
    assert run(["shape", "resnet18", "--layout", "nchw", "--batch", "4", "-q"]) == 0
    assert capfd.readouterr().out == "(4, 1000)\n"
    argv = ["shape", "alexnet", "--layout", "nchw", "--columns", "layer,input,output"]
    assert run(argv) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[1] == "conv1\t(1, 3, 224, 224)\t(1, 64, 55, 55)"
    assert lines[-1] == "fc8\t(1, 4096)\t(1, 1000)"


def test_the_root_of_a_package_is_found_above_its_folders(tmp_path):
    folder = tmp_path / "pkg" / "a" / "b" / "c" / "d" / "e"
    folder.mkdir(parents=True)
    for inner in (folder, *folder.parents[:5]):
        (inner / "__init__.py").write_text("")
    (tmp_path / "pkg" / "parts.py").write_text(
        "import torch.nn as nn\ndef conv(n):\n    return nn.Conv2d(3, n, 3)\n"
    )
    net = folder / "net.py"
    head = "import torch.nn as nn\nfrom {} import conv\nnet = nn.Sequential(conv(8))\n"
    for package in ("pkg.parts", "......parts"):
        net.write_text(head.format(package))
        reading = read_source(str(net))
        assert summarize(reading.network, (3, 8, 8)).params == 224


def test_figures_alone_have_the_notes_of_the_model(capfd, tmp_path):
    path = tmp_path / "net.py"
    path.write_text(
        "import torch.nn as nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.blocks = [nn.Conv2d(3, 8, 3)]\n"
        "    def forward(self, x):\n"
        "        return self.blocks[0](x)\n"
    )
    assert run(["shape", str(path), "--input", "8", "--get", "params"]) == 0
    out, err = capfd.readouterr()
    assert out == "0\n"
    assert "use nn.ModuleList" in err


def test_a_forward_may_give_its_first_layer_another_shape_than_the_input(capfd, tmp_path):
    (tmp_path / "rows.py").write_text(
        "import torch.nn as nn\nclass Rows(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.c = nn.Conv1d(3, 8, 3)\n"
        "    def forward(self, x):\n        return self.c(x.flatten(2))\n"
    )
    # nn.Conv1d(3, 8, 3)(torch.randn(1, 3, 16, 16).flatten(2)) is 1x8x254
    assert run(["shape", f"{tmp_path}/rows.py", "--input", "16x16x3", "-q"]) == 0
    assert capfd.readouterr().out == "254x8\n"
