"""Texts without a forward: parameters are exact, and no size rests on an order that is assumed."""

import json

import pytest

from convcli.cli.main import run
from convcli.nets.analysis.summary import summarize
from convcli.nets.readers.read import read_text

PRINTED = """\
Net(
  (conv1): Conv2d(1, 32, kernel_size=(3, 3), stride=(1, 1))
  (conv2): Conv2d(32, 64, kernel_size=(3, 3), stride=(1, 1))
  (fc1): Linear(in_features=9216, out_features=128, bias=True)
  (bn): BatchNorm1d(128, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
  (fc2): Linear(in_features=128, out_features=10, bias=True)
)
"""

BLOCKS = """\
Net(
  (conv): Conv2d(3, 16, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
  (se): SELayer(
    (avg_pool): AdaptiveAvgPool2d(output_size=1)
    (fc1): Conv2d(16, 4, kernel_size=(1, 1), stride=(1, 1))
    (fc2): Conv2d(4, 16, kernel_size=(1, 1), stride=(1, 1))
  )
  (conv2): Conv2d(16, 32, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
)
"""

DECLARED = """\
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
"""

RECURRENT = """\
self.conv1 = nn.Conv2d(1, 32, 3)
self.lstm = nn.LSTM(64, 30, bidirectional=True)
self.att = nn.MultiheadAttention(32, 4)
self.fc = nn.Linear(9216, 128)
"""

CASES = {
    "attributes of several weights": (RECURRENT, "32", 320 + 23040 + 4224 + 1179776, "no forward"),
    "linear layers behind functions": (PRINTED, "28", 320 + 18496 + 1179776 + 256 + 1290, "9,216"),
    "blocks of unknown order": (BLOCKS, "32", 448 + 68 + 80 + 4640, "SELayer"),
    "attributes alone": (DECLARED, "32", 456 + 2416 + 48120, "no forward"),
}


@pytest.mark.parametrize("name", CASES)
def test_parameters_are_exact_and_sizes_are_not_guessed(capfd, tmp_path, name):
    text, size, params, said = CASES[name]
    path = tmp_path / "net.txt"
    path.write_text(text)
    assert run(["shape", str(path), "--input", size, "--format", "json"]) == 0
    out, err = capfd.readouterr()
    result = json.loads(out)
    assert (result["totals"]["params"], result["output"]) == (params, None)
    assert any("order" in warning and said in warning for warning in result["warnings"])
    assert run(["shape", str(path), "--input", size]) == 0
    err = capfd.readouterr().err
    assert said in err
    assert "order" in err
    assert "36864" not in out + err
    assert "1x1x32" not in out + err
    assert run(["shape", str(path), "--input", size]) == 0
    assert capfd.readouterr().out.startswith("layer\ttype\tparams\n")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("-q", 1),
        ("--get macs", 1),
        ("--get params", 0),
        ("--expect macs<=10 -q", 1),
        ("--expect params<=2M -q", 0),
        ("--columns layer,MACs", 1),
        ("--train adam", 1),
        ("--explain", 1),
    ],
)
def test_what_is_not_known_is_not_answered_with_0(capfd, tmp_path, words, code):
    path = tmp_path / "net.txt"
    path.write_text(BLOCKS)
    assert run(["shape", str(path), "--input", "32", *words.split()]) == code
    assert capfd.readouterr().out != "0\n"


def test_an_order_that_fits_is_said_to_be_assumed(capfd, tmp_path):
    path = tmp_path / "net.txt"
    path.write_text(PRINTED.replace("9216", "36864"))
    assert run(["shape", str(path), "--input", "28", "-q"]) == 0
    path.write_text("Net(\n  (c): Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1))\n)\n")
    assert run(["shape", str(path), "--input", "28"]) == 0
    out, err = capfd.readouterr()
    assert "26x26x4" in out
    assert "the print of Net has no forward, so the order of its layers is assumed" in err


@pytest.mark.parametrize("name", ["-", "run.log"])
def test_an_error_instead_of_a_network_is_explained(capfd, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    text = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x9216 and 6400x128)\n"
    (tmp_path / "run.log").write_text(text)
    with (tmp_path / "run.log").open() as log:
        monkeypatch.setattr("sys.stdin", log)
        assert run(["shape", name, "--input", "224"]) == 1
    assert capfd.readouterr().err.endswith("to fix: write nn.Linear(9216, 128)\n")


def test_what_needs_sizes_is_null(capfd, tmp_path):
    path = tmp_path / "net.txt"
    path.write_text(PRINTED)
    assert run(["shape", str(path), "--input", "28", "--format", "json"]) == 0
    result = json.loads(capfd.readouterr().out)
    totals = result["totals"]
    assert (totals["macs"], totals["flops"], totals["activations"]) == (None, None, None)
    assert (totals["memory"]["weights"], totals["memory"]["forward"]) == (4 * (1200138 + 256), None)
    assert result["outputs"] == []
    assert {layer["macs"] for layer in result["layers"]} == {None}
    assert {layer["share"]["macs"] for layer in result["types"]} == {None}
    assert run(["shape", str(path), "--input", "28", "--format", "table"]) == 0
    assert "0 MACs" not in capfd.readouterr().out


NO_INDENTATION = """\
import torch.nn as nn
class Net(nn.Module):
def __init__(self, classes=10):
super().__init__()
self.features = nn.Sequential(
nn.Conv2d(1, 8, 3),
nn.ReLU(),
)
self.fc = nn.Linear(8, classes)

def forward(self, x):
x = self.features(x).mean([2, 3])
return self.fc(x)
net = Net(4)
"""


def test_lost_indentation_is_restored_and_said(capfd, tmp_path):
    path = tmp_path / "net.py"
    path.write_text(NO_INDENTATION)
    assert run(["shape", str(path), "--input", "32", "--get", "params", "--get", "output"]) == 0
    out, err = capfd.readouterr()
    assert out.split() == ["116", "4"]
    assert "its lost indentation is assumed" in err


def test_a_loop_without_indentation_has_no_known_end(capfd, tmp_path):
    path = tmp_path / "net.py"
    path.write_text(NO_INDENTATION.replace("x = self", "for i in range(2):\nx = self"))
    assert run(["shape", str(path), "--input", "32"]) == 2
    assert "net.py:12: this block has lost its indentation" in capfd.readouterr().err


# what PyTorch 2.13 prints, and its sum of p.numel()
ENCODER = """\
TransformerEncoderLayer(
  (self_attn): MultiheadAttention(
    (out_proj): NonDynamicallyQuantizableLinear(in_features=32, out_features=32, bias=True)
  )
  (linear1): Linear(in_features=32, out_features=64, bias=True)
  (dropout): Dropout(p=0.1, inplace=False)
  (linear2): Linear(in_features=64, out_features=32, bias=True)
  (norm1): LayerNorm((32,), eps=1e-05, elementwise_affine=True, bias=True)
  (norm2): LayerNorm((32,), eps=1e-05, elementwise_affine=True, bias=True)
)
"""

WORDS = """\
Sequential(
  (0): Embedding(100, 16, padding_idx=0)
  (1): LSTM(16, 24, num_layers=2, batch_first=True, bidirectional=True)
  (2): Linear(in_features=48, out_features=3, bias=True)
)
"""

MODULES = """\
ModuleDict(
  (a): GRU(8, 12, bias=False)
  (b): LSTMCell(5, 7)
  (c): RNN(6, 4)
  (d): EmbeddingBag(10, 3, mode='mean')
  (e): Unfold(kernel_size=3, dilation=1, padding=0, stride=1)
  (f): LSTM(8, 16, proj_size=4)
)
"""

TIMM = """\
Net(
  (conv): Conv2d(3, 32, kernel_size=(3, 3), stride=(1, 1), bias=False)
  (bn): BatchNormAct2d(
    32, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True
    (drop): Identity()
    (act): SiLU(inplace=True)
  )
  (path): DropPath(drop_prob=0.1)
  (sd): StochasticDepth(p=0.1, mode=row)
  (turn): Permute()
  (norm): LayerNorm((768,), eps=1e-06, elementwise_affine=True)
)
"""


@pytest.mark.parametrize(
    ("text", "params"),
    [(ENCODER, 8544), (WORDS, 24019), (MODULES, 2150), (TIMM, 864 + 64 + 1536)],
)
def test_prints_of_transformers_words_and_timm_have_their_parameters(capfd, tmp_path, text, params):
    path = tmp_path / "net.txt"
    path.write_text(text)
    assert run(["shape", str(path), "--input", "32", "--format", "json"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert (result["totals"]["params"], result["totals"]["macs"]) == (params, None)
    assert any("order" in warning for warning in result["warnings"])


# what PyTorch 2.13, torchvision 0.28 and timm 1.0.31 print; of its 2,133 parameters it does not
# show CNBlock's scale (8), ScaledStdConv2d's gain (4) and the norms of the weights (6)
REAL = """\
Net(
  (blocks): Sequential(
    (0): CNBlock(
      (block): Sequential(
        (0): Conv2d(8, 8, kernel_size=(7, 7), stride=(1, 1), padding=(3, 3), groups=8)
        (1): Permute()
        (2): LayerNorm((8,), eps=1e-06, elementwise_affine=True, bias=True)
        (3): Linear(in_features=8, out_features=32, bias=True)
        (4): GELU(approximate='none')
        (5): Linear(in_features=32, out_features=8, bias=True)
        (6): Permute()
      )
      (stochastic_depth): StochasticDepth(p=0.1, mode=row)
    )
    (1): Conv3DSimple(4, 6, kernel_size=(3, 3, 3), stride=(1, 1, 1), padding=(1, 1, 1), bias=False)
  )
  (quant): QuantStub()
  (add): FloatFunctional(
    (activation_post_process): Identity()
  )
  (act): BatchNormAct2d(
    8, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True
    (drop): Identity()
    (act): ReLU(inplace=True)
  )
  (gn): GroupNormAct(
    4, 8, eps=1e-05, affine=True, bias=True
    (drop): Identity()
    (act): ReLU(inplace=True)
  )
  (ln): LayerNormAct2d(
    (12,), eps=1e-05, elementwise_affine=True, bias=True
    (drop): Identity()
    (act): ReLU(inplace=True)
  )
  (pool): SelectAdaptivePool2d(pool_type=fast, flatten=Identity())
  (std): ScaledStdConv2d(3, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
  (same): Conv2dSame(3, 5, kernel_size=(3, 3), stride=(1, 1), bias=False)
  (rms): RMSNorm((16,), eps=None, elementwise_affine=True)
  (bil): Bilinear(in1_features=3, in2_features=4, out_features=5, bias=True)
  (scales): ParameterList(
      (0): Parameter containing: [torch.float32 of size 3x4]
      (1): Parameter containing: [torch.float32 of size 7]
  )
  (table): ParameterDict(  (a): Parameter containing: [torch.FloatTensor of size 2x5])
  (wn): ParametrizedConv1d(
    4, 6, kernel_size=(3,), stride=(1,)
    (parametrizations): ModuleDict(
      (weight): ParametrizationList(
        (0): _WeightNorm()
      )
    )
  )
  (g): GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)
)
"""

DETECTOR = """\
FasterRCNN(
  (transform): GeneralizedRCNNTransform(
      Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
      Resize(min_size=(800,), max_size=1333, mode='bilinear')
  )
  (rpn): RegionProposalNetwork(
    (anchor_generator): AnchorGenerator()
    (head): RPNHead(
      (cls_logits): Conv2d(256, 3, kernel_size=(1, 1), stride=(1, 1))
    )
  )
)
"""


def printed(capfd, tmp_path, text, *words):
    path = tmp_path / "net.txt"
    path.write_text(text)
    assert run(["shape", str(path), "--format", "json", *words]) == 0
    return json.loads(capfd.readouterr().out)


@pytest.mark.parametrize("words", [(), ("--input", "32")])
def test_prints_of_real_modules_need_no_size_and_say_what_they_lack(capfd, tmp_path, words):
    result = printed(capfd, tmp_path, REAL, *words)
    assert result["totals"]["params"] == 2133 - 8 - 4 - 6
    lacks = "the total lacks those of CNBlock, ScaledStdConv2d and _WeightNorm, and any that Net, "
    assert lacks in result["warnings"][0]
    assert (result["input"] is None) == (not words)
    layers = {layer["name"]: layer["params"] for layer in result["layers"]}
    assert layers["blocks.1"] == 4 * 6 * 27
    assert (layers["act.own"], layers["gn.own"], layers["rms"], layers["bil"]) == (16, 16, 16, 65)
    assert (layers["scales.0"], layers["table.a"], layers["wn.own"]) == (12, 10, 78)


def test_transforms_and_generators_of_a_detector_hold_nothing(capfd, tmp_path):
    result = printed(capfd, tmp_path, DETECTOR)
    assert result["totals"]["params"] == 256 * 3 + 3
    assert "and 1 more" not in result["warnings"][0]


RESIDUAL = """\
ResNet(
  (conv1): Conv2d(3, 8, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=False)
  (layer1): Sequential(
    (0): BasicBlock(
      (conv1): Conv2d(8, 16, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=False)
      (downsample): Sequential(
        (0): Conv2d(8, 16, kernel_size=(1, 1), stride=(2, 2), bias=False)
      )
    )
  )
)
"""


def test_layers_of_a_print_are_called_as_their_modules(capfd, tmp_path):
    result = printed(capfd, tmp_path, RESIDUAL, "--input", "32")
    sizes = {layer["name"]: layer["output"]["height"] for layer in result["layers"]}
    assert sizes == {
        "conv1": 16,
        "layer1.0.conv1": 8,
        "layer1.0.downsample.0": 8,
        "layer1.0.add": 8,
    }
    assert result["warnings"] == []
    net = """AlexNet(
  (features): Sequential(
    (0): Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1))
  )
  (classifier): Sequential(
    (0): Dropout(p=0.5, inplace=False)
    (1): Linear(in_features=144, out_features=10, bias=True)
  )
)
"""
    layers = printed(capfd, tmp_path, net, "--input", "8")["layers"]
    assert [layer["output"] for layer in layers if "classifier" in layer["name"]] == [
        {"channels": 144},
        {"channels": 10},
    ]


@pytest.mark.parametrize(
    "line", ["...", "(b): ReLU", "  )) ", "<snip>", "(b): Parameter containing"]
)
def test_a_line_that_no_print_has_is_refused(capfd, tmp_path, line):
    path = tmp_path / "net.txt"
    path.write_text(f"Net(\n  (a): ReLU()\n  (c): Tanh()\n  {line}\n)\n")
    assert run(["shape", str(path), "--input", "8"]) == 2
    assert "this line is not read in a printed model\n  net.txt:4" in capfd.readouterr().err


@pytest.mark.parametrize("name", CASES)
def test_a_figure_rests_on_no_assumed_order(capfd, tmp_path, name):
    text, size, _, _ = CASES[name]
    path, target = tmp_path / "net.txt", tmp_path / "net.svg"
    path.write_text(text)
    assert run(["draw", str(path), "--input", size, "-o", str(target)]) == 1
    assert "is not known: it cannot be drawn" in capfd.readouterr().err
    assert not target.exists()


def test_a_figure_of_an_order_that_fits_says_it_is_assumed(capfd, tmp_path):
    path = tmp_path / "net.txt"
    path.write_text("Net(\n  (c): Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1))\n)\n")
    assert run(["draw", str(path), "--input", "28", "-o", str(tmp_path / "net.svg")]) == 0
    assert "the order of its layers is assumed" in capfd.readouterr().err


# a print of PyTorch, its input, and the output of the same modules in torch 2.13
RESHAPED = {
    "Unflatten of a vector": (
        "(0): Unflatten(dim=1, unflattened_size=(4, 3, 2))",
        (1, 24),
        (4, 3, 2),
    ),
    "Unflatten with one size left open": (
        "(0): Unflatten(dim=1, unflattened_size=(-1, 6))",
        (1, 24),
        (4, 6),
    ),
    "Unflatten of a size": (
        "(0): Unflatten(dim=1, unflattened_size=torch.Size([2, 12]))",
        (1, 24),
        (2, 12),
    ),
    "Unflatten of channels": (
        "(0): Unflatten(dim=1, unflattened_size=(2, 3))",
        (1, 6, 4, 5),
        (2, 3, 4, 5),
    ),
    "Unflatten of the last axis": (
        "(0): Unflatten(dim=-1, unflattened_size=(2, 4))",
        (1, 5, 8),
        (5, 2, 4),
    ),
    "Flatten of the first axes": (
        "(0): Flatten(start_dim=1, end_dim=2)",
        (1, 6, 4, 5),
        (24, 5),
    ),
    "Flatten of all but the last": (
        "(0): Flatten(start_dim=1, end_dim=-2)",
        (1, 6, 4, 5),
        (24, 5),
    ),
    "Flatten of the lengths": ("(0): Flatten(start_dim=2, end_dim=-1)", (1, 6, 4, 5), (6, 20)),
}


@pytest.mark.parametrize("name", RESHAPED)
def test_reshapes_of_a_print_have_sizes(name):
    line, (_, *sizes), output = RESHAPED[name]
    network = read_text(f"Sequential(\n  {line}\n)\n").network
    assert summarize(network, tuple(sizes)).output == output
