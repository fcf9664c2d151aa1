"""The size with which a text tries the network that is read, and no other tensor of the text."""

import json

import pytest

from convcli.cli.main import run

NET = """import torch
from torch import nn
class Judge(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    def forward(self, x):
        return self.net(x)
"""

# lines behind the class → the input, or "" where the text does not try the network
TRIED = {
    "net = Judge()\nnet(torch.randn(2, 3, 20, 30))": "20x30x3",
    "net = Judge().to('cpu').eval()\nx = torch.zeros(1, 3, 20, 30).cuda()\ny = net(x)": "20x30x3",
    "def main():\n    d = Judge()\n    print(d(torch.rand((4, 3, 20, 30))).shape)": "20x30x3",
    "B, S = 8, 20\nprint(Judge()(torch.randn(B, 3, S, S)).shape)": "20x20x3",
    "from torchsummary import summary\nsummary(Judge(), (3, 20, 30))": "20x30x3",
    "from torchinfo import summary\nsummary(Judge(), input_size=(7, 3, 20, 30))": "20x30x3",
    "from torchinfo import summary\nd = Judge()\nsummary(d, (1, 3, 20, 30))": "20x30x3",
    "from thop import profile\nd = Judge()\nx = torch.randn(1, 3, 20, 30)\n"
    "macs, params = profile(d, inputs=(x,))": "20x30x3",
    "from ptflops import get_model_complexity_info\n"
    "get_model_complexity_info(Judge(), (3, 20, 30), as_strings=True)": "20x30x3",
    "d = Judge()\ntorch.onnx.export(d, torch.randn(1, 3, 20, 30), 'a.onnx')": "20x30x3",
    "d = Judge()\nreal = torch.ones(64, 1)": "",
    "class Other(nn.Module):\n    pass\ng = Other()\ng(torch.randn(1, 3, 9, 9))\nd = Judge()": "",
    "d = Judge()\nd(torch.randn(1, 3, 9, 9))\nd(torch.randn(1, 3, 8, 8))": "",
}


@pytest.mark.parametrize("lines", TRIED)
def test_a_text_names_its_input_by_calling_its_network(lines, tmp_path, capsys):
    path = tmp_path / "judge.py"
    path.write_text(NET + lines)
    code = run(["shape", f"{path}:Judge", "--format", "json"])
    streams = capsys.readouterr()
    if not TRIED[lines]:
        assert code == 2
        assert "the input's size is unknown" in streams.err
        return
    result = json.loads(streams.out)
    assert "x".join(map(str, result["input"].values())) == TRIED[lines]
    assert result["assumed"] == ["size"]
    assert "the input's size is from judge.py:" in streams.err


@pytest.mark.parametrize(
    ("given", "output"), [("32", "30x30x4"), ("12x16x3", "10x14x4"), ("(1,3,9,8)", "7x6x4")]
)
def test_an_example_never_bends_what_is_given(given, output, tmp_path, capsys):
    path = tmp_path / "judge.py"
    path.write_text(f"{NET}d = Judge()\nd(torch.randn(64, 3, 5, 7))\nreal = torch.ones(64, 1)\n")
    assert run(["shape", f"{path}:Judge", "--input", given, "-q"]) == 0
    assert capsys.readouterr().out.strip() == output
