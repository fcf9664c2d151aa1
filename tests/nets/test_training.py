"""The memory of training, byte for byte as PyTorch keeps it."""

import json
from math import prod
from pathlib import Path

import pytest
import saved_tensors

from convcli.cli.main import run
from convcli.nets.analysis.summary import summarize
from convcli.nets.analysis.training import training
from convcli.nets.readers.read import read_text, read_words

NET = str(Path(__file__).parents[2] / "samples" / "net.py")

QUICK = {
    "alexnet", "vgg11", "vgg11_bn", "resnet18", "resnext50_32x4d", "squeezenet1_0",
    "mobilenet_v3_small", "mnasnet0_5", "shufflenet_v2_x0_5", "regnet_x_400mf",
}  # fmt: skip
"""Those that are read in a moment; tests/benchmarks/zoo.py looks at all."""


def memory(network, shape, optimizer="adam", dtype="float32"):
    network = network.at(shape)
    return training(network, summarize(network, shape), optimizer, dtype)


def torchvision(name, side):
    lines = f"from torchvision.models import {name}\nmodel = {name}()\n"
    call = f"y = model(torch.zeros(1, 3, {side}, {side}))\n"
    reading = read_text(f"import torch\n{lines}{call}")
    return memory(reading.network, reading.input)


@pytest.mark.parametrize(
    ("name", "side", "one", "two"), [case for case in saved_tensors.NETWORKS if case[0] in QUICK]
)
def test_networks_keep_what_pytorch_keeps(name, side, one, two):
    kept = torchvision(name, side)
    assert (kept.activations(1), kept.activations(2), kept.unknown) == (one, two, ())


def test_the_sample_keeps_what_pytorch_keeps():
    kept = memory(read_words([NET]).network, (3, 32, 32))
    assert (kept.activations(1), kept.activations(8)) == (1_049_088, 8_362_240)
    assert kept.fixed == (705_320, 700_968, 1_401_936)  # 175,242 weights, 1,088 statistics


@pytest.mark.parametrize(("line", "more"), saved_tensors.LAYERS)
def test_layers_keep_what_pytorch_keeps(line, more):
    kept = memory(read_text(f"nn.Conv2d(8, 8, 1)\n{line}").network, (8, 6, 6))
    assert (kept.activations(2), kept.unknown) == (prod((2, 8, 6, 6, 4)) + more, ())


@pytest.mark.parametrize(("formula", "more"), saved_tensors.FUNCTIONS)
def test_functions_keep_what_pytorch_keeps(formula, more):
    kept = memory(program(formula), (8, 6, 6))
    assert (kept.activations(2), kept.unknown) == (prod((2, 8, 6, 6, 4)) + more, ())


def program(formula):
    return read_text(
        "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.c = nn.Conv2d(8, 8, 1)\n\n"
        f"    def forward(self, x):\n        x = self.c(x)\n        return {formula}\n"
    ).network


def test_what_has_no_rule_is_named_and_not_guessed():
    assert memory(read_text("conv(8, 3); lcn(3)").network, (3, 9, 9)).unknown == (
        "local_contrast_norm1 (local_contrast_norm)",
    )
    assert memory(program("F.dropout(x, 0.5)"), (8, 6, 6)).unknown == ("dropout() in the program",)
    assert memory(program("x.cumprod(1)"), (8, 6, 6)).unknown == ("cumprod1 (cumprod)",)


def test_frozen_layers_keep_nothing_before_what_is_trained():
    text = "features = nn.Conv2d(3, 8, 3)\nfeatures.requires_grad_(False)\n"
    text += "model = nn.Sequential(features, nn.ReLU(), nn.Conv2d(8, 4, 3))\n"
    kept = memory(read_text(text).network, (3, 9, 9))
    assert kept.activations(1) == 8 * 7 * 7 * 4  # the input of the second convolution alone
    assert kept.fixed[1] == (8 * 4 * 9 + 4) * 4


def test_half_precision_takes_half_but_for_indices():
    whole, half = (
        memory(read_words(["resnet18"]).network, (3, 64, 64), "sgd", dtype)
        for dtype in ("float32", "bfloat16")
    )
    indices = 4 * 64 * 16 * 16 * 8  # int64, of the max pool's output
    assert 2 * half.activations(4) - whole.activations(4) == indices


def test_the_peak_is_more_than_its_parts_and_grows_with_the_batch():
    kept = memory(read_words(["resnet18"]).network, (3, 64, 64))
    weights, _, states = kept.fixed
    peaks = [kept.peak(batch) for batch in (1, 2, 4, 32)]
    assert peaks == sorted(peaks)
    assert peaks[-1] > weights + states + kept.activations(32)


def test_the_largest_batch_is_the_last_that_fits():
    kept = memory(read_words(["resnet18"]).network, (3, 64, 64))
    limit = 2**30
    batch = kept.largest_batch(limit)
    assert kept.peak(batch) <= limit < kept.peak(batch + 1)
    assert kept.largest_batch(1) == 0


def shell(capsys, *words):
    code = run(["shape", *words])
    return code, *capsys.readouterr()


def test_the_command_tells_the_parts(capsys):
    code, out, _ = shell(capsys, NET, "--input", "32", "--train", "adam", "--format", "json")
    record = json.loads(out)
    assert (code, record["activations"], record["optimizer"]) == (0, 1_049_088, "adam")
    assert sum(layer["kept"] for layer in record["layers"]) == record["activations"]


def test_the_command_looks_for_the_largest_batch(capsys):
    words = (NET, "--input", "32", "--train", "momentum", "--fits", "8MiB")
    code, out, _ = shell(capsys, *words, "-q")
    record = json.loads(shell(capsys, *words, "--format", "json")[1])
    assert (code, int(out)) == (0, record["fits"]["batch"])
    assert record["fits"]["peak"] <= 8 * 2**20


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--fits", "1GiB"), 2, "add --train adam"),
        (("--train", "sgd", "--columns", "layer"), 2, "--train does not go with --columns"),
        (("--train", "sgd", "--dtype", "int8"), 2, "not int8"),
        (("--train", "sgd", "--fits", "1KiB"), 1, "one image takes"),
        (("--train", "rmsprop"), 2, "not one of sgd, momentum, adam, adamw"),
        (("--train", "sgd", "--fits", "lots"), 2, "not an amount of memory"),
    ],
)
def test_what_cannot_be_told_is_refused(capsys, words, code, message):
    got, _, err = shell(capsys, "lenet5", *words)
    assert (got, message in err) == (code, True), err
