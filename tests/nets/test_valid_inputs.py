"""`--fit`: which inputs work is found by walking the network, so what is listed works."""

import json

import pytest

from convcli.cli.main import run
from convcli.nets import time_limit
from convcli.nets.analysis.summary import summarize, trace
from convcli.nets.analysis.valid_inputs import fitting_inputs
from convcli.nets.readers.read import read_text

UNET = """import torch
from torch import nn
class U(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.low = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.pool, self.up = nn.MaxPool2d(4), nn.ConvTranspose2d(8, 8, 4, 4)
        self.out = nn.Conv2d(16, 1, 1)
    def forward(self, x):
        a = self.down(x)
        return self.out(torch.cat([self.up(self.low(self.pool(a))), a], 1))
"""

LINEAR = "nn.Conv2d(1, 4, 5)\nnn.MaxPool2d(4)\nnn.Flatten()\nnn.Linear(64, 10)"

# text, input → what is said; worked out by hand
NOTES = {
    "sides in steps": (
        UNET,
        (3, 30, 30),
        "square inputs near 30 that work: 24, 28, 32, 36 (in steps of 4)",
    ),
    "one axis of two": (
        UNET,
        (3, 32, 30),
        "widths near 30 that work: 24, 28, 32, 36 (in steps of 4)",
    ),
    "the smallest": (UNET, (3, 30, 30), "smallest square input that works: 4"),
    # ⌊(n − 4) / 4⌋ = 4 for n = 20 … 23
    "a declared size": (LINEAR, (1, 21, 21), "square inputs near 21 that work: 20, 21, 22, 23"),
    "an input that does not work": (LINEAR, (1, 28, 28), "square inputs near 28 that work: 22, 23"),
    "no input near": (LINEAR, (1, 99, 99), "no square input from 83 to 115 works"),
    "a length": (
        "nn.Conv1d(1, 4, 5, stride=3)",
        (1, 100),
        "nearest lengths with nothing left over: 98 and 101",
    ),
    "a short length": ("nn.Conv1d(1, 4, 5, stride=3)", (1, 100), "smallest length that works: 5"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTES)
def test_what_fits_is_said_axis_by_axis(name):
    text, shape, note = NOTES[name]
    network = read_text(text).network
    fit = fitting_inputs(network, trace(network, shape), near=True)
    assert note in fit.notes


def test_sides_that_are_listed_work_and_others_do_not():
    network = read_text(UNET).network
    for side in range(4, 40):
        failed = bool(trace(network, (3, side, side)).failures)
        assert failed is (side % 4 != 0)
    assert summarize(network, (3, 28, 28)).output == (1, 28, 28)


@pytest.fixture
def unet(tmp_path):
    path = tmp_path / "u.py"
    path.write_text(UNET)
    return str(path)


def test_quiet_prints_the_inputs_that_work(unet, capsys):
    assert run(["shape", unet, "--input", "30", "--fit", "-q"]) == 1
    assert capsys.readouterr().out == "28x28x3\n32x32x3\n"
    assert run(["shape", unet, "--input", "32", "--fit", "-q"]) == 0
    assert capsys.readouterr().out == "28x28x3\n32x32x3\n36x36x3\n"


def test_quiet_keeps_the_format_that_is_given(unet, capsys):
    assert run(["shape", unet, "--input", "32", "--fit", "-q", "--format", "json"]) == 0
    streams = capsys.readouterr()
    assert json.loads(streams.out)["fit"] == ["28x28x3", "32x32x3", "36x36x3"]
    assert streams.err == ""
    assert run(["shape", "lenet5", "-q", "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("layer,type,")


FUNCTIONS = {
    "conv2d": (
        "nn.Parameter(torch.randn(10, 8, 3, 3))",
        "F.conv2d(x, self.w)",
        "8 channels meets 4",
    ),
    "linear": ("nn.Parameter(torch.randn(5, 8))", "F.linear(x, self.w)", "8"),
    "attention": ("nn.MultiheadAttention(8, 2, batch_first=True)", "self.w(x, x, x)[0]", "not 8"),
}


@pytest.mark.parametrize("options", [[], ["--keep-going"], ["--fit"]])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_that_meets_other_sizes_is_a_misfit_with_its_line(
    name, options, tmp_path, capsys
):
    made, call, says = FUNCTIONS[name]
    path = tmp_path / "f.py"
    path.write_text(
        "import torch, torch.nn as nn, torch.nn.functional as F\nclass M(nn.Module):\n"
        f"    def __init__(self):\n        super().__init__()\n        self.w = {made}\n"
        f"    def forward(self, x):\n        return {call}\n"
    )
    size = "12x12x4" if name == "conv2d" else "(1, 12, 4)"
    assert run(["shape", str(path), "--input", size, *options]) == 1
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error


def test_a_search_that_ends_early_says_so_and_nothing_it_does_not_know(monkeypatch):
    """Of a network that is slow to read, sides are left untried: none of them is said not to work."""
    network = read_text(UNET).network
    monkeypatch.setattr(time_limit, "MAX_SECONDS", -1.0)
    fit = fitting_inputs(network, trace(network, (3, 30, 30)), near=True)
    assert fit.notes == ("the search for square inputs that work ended early, after 0 inputs",)
