"""Notebooks, fences, sessions and prose: the code in them is read, whatever stands around it."""

import io
import json
import sys

import pytest

from convcli.cli.main import run
from convcli.errors import SpecError
from convcli.nets.analysis.summary import summarize, trace
from convcli.nets.readers.code_blocks import is_sentence
from convcli.nets.readers.read import read_text

CLASS = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 5)

    def forward(self, x):
        return self.conv(x)
"""
LINES = "model = nn.Sequential(\n    nn.Conv2d(3, 6, 5),\n    nn.ReLU(),\n)\n"


def notebook(*cells, language="python"):
    cells = [
        {"cell_type": "code" if isinstance(cell, str) else "markdown", "source": cell}
        for cell in cells
    ]
    return json.dumps({"cells": cells, "metadata": {"language_info": {"name": language}}})


# each holds one convolution of 3 to 6 channels, 5x5: 456 parameters, 20x20x6 of 24x24x3
TEXTS = {
    "a notebook": notebook(["# Net"], "!pip install x\nimport torch.nn as nn", CLASS),
    "a cell of a shell, and a timed one": notebook("%%bash\nls -l | wc", "%%time\n" + LINES),
    "a line for the notebook in a block": notebook("if True:\n    !ls\n    %cd ..\n" + LINES),
    "a fence": f"Why 20x20?\n\n```python\n{LINES}```\nThanks!\n",
    "a fence in a quotation's place": f"Look:\n~~~ py\n{CLASS}~~~\nIt fails (see below).\n",
    "several fences": f"```bash\npip install x y\n```\n```\n{CLASS}```\n```\n- a b c\n```\n",
    "prose around": f"I have this net:\n\n{CLASS}\nWhat is wrong with it?\nThanks in advance!\n",
    "code set in by four": "Hi all,\n\n" + "".join(f"    {line}\n" for line in LINES.split("\n")),
    "an IPython session": "In [1]: net = nn.Sequential(\n   ...:     nn.Conv2d(3, 6, 5))\n",
    "an IPython session with answers": "In [1]: net = nn.Conv2d(3, 6, 5)\n\nIn [2]: 2 + 2\nOut[2]: 4\n",
    "a session": ">>> net = nn.Conv2d(3, 6, 5)\n>>> net\nConv2d(3, 6, kernel_size=(5, 5), stride=(1, 1)\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_code_is_read_whatever_stands_around_it(name):
    network = read_text(TEXTS[name]).network
    summary = summarize(network.at((3, 24, 24)), (3, 24, 24))
    assert (summary.output, summary.params) == ((6, 20, 20), 456)


def test_lines_that_are_left_out_are_counted():
    reading = read_text(f"I have this net:\n\n{LINES}\nWhy is it wrong?\n", "post.txt")
    assert "2 lines of prose left out" in reading.about


def test_places_are_those_of_the_text():
    text = f"I have this net:\n\n{LINES}\nWhy is it wrong?\n".replace("(3, 6, 5)", "(3, 6, 5, 0)")
    with pytest.raises(SpecError, match=r"post\.txt:4"):
        read_text(text, "post.txt")


SENTENCES = {
    "Why is this (see below) wrong?": True,
    "My input is of shape (1, 3, 224, 224).": True,
    "Any idea what I'm doing wrong?": True,
    "EDIT: I also tried padding=1": True,
    "with the following layers I get an error": True,
    "model = nn.Sequential(": False,
    "    nn.Conv2d(3, 16, 3),": False,
    "x = F.relu(self.conv1(x)": False,
    "self.conv1 = nn.Conv2d(3, 6, 5  # this is the first layer": False,
    '"a text of many words",': False,
    "elif a is not b and not c:": False,
    "except ValueError as e:": False,
    "for name, p in model.named_parameters():": False,
    "else:": False,
}


@pytest.mark.parametrize("line", SENTENCES)
def test_sentences_are_told_from_statements(line):
    assert is_sentence(line) is SENTENCES[line]


def test_a_mistake_in_code_is_no_prose():
    with pytest.raises(SpecError, match="cannot be read"):
        read_text("model = nn.Sequential(nn.Conv2d(3, 6, 5)\nnn.ReLU()\n")


KERAS_SUMMARY = """Model: "sequential"
 Layer (type)                Output Shape              Param #
 conv2d (Conv2D)             (None, 26, 26, 32)        320
Total params: 34826 (136.04 KB)
"""
TORCHINFO = """====
Layer (type:depth-idx)                   Output Shape              Param #
====
├─Conv2d: 1-1                            [1, 32, 26, 26]           320
Total params: 1,198,592
"""


@pytest.mark.parametrize(
    ("text", "names"),
    [(KERAS_SUMMARY, "Keras.*34,826"), (TORCHINFO, "torchinfo.*1,198,592")],
)
def test_tables_of_other_tools_are_named_with_their_total(text, names):
    with pytest.raises(SpecError, match=names):
        read_text(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"cells": 3, "cell_type": 1}', "no cells"),
        ('{"cells": [{"cell_type"', "not JSON"),
        (notebook("f(x) = x", language="julia"), "notebook of julia"),
    ],
)
def test_what_is_no_notebook_of_python_is_said(text, says):
    with pytest.raises(SpecError, match=says):
        read_text(text, "a.ipynb")


def test_a_model_of_stdin_and_of_a_notebook_is_named(tmp_path, monkeypatch, capsys):
    other = CLASS.replace("Net", "Other").replace("6, 5", "8, 3")

    class Stdin:
        buffer = io.BytesIO((CLASS + other).encode())

        def isatty(self):
            return False

    monkeypatch.setattr(sys, "stdin", Stdin())
    assert run(["shape", "-:Other", "--input", "24", "-q"]) == 0
    assert capsys.readouterr().out == "22x22x8\n"
    path = tmp_path / "nets.ipynb"
    path.write_text(notebook(CLASS, other))
    assert run(["shape", f"{path}:Net", "--input", "24", "-q"]) == 0
    assert capsys.readouterr().out == "20x20x6\n"


@pytest.mark.parametrize(
    ("cells", "place"),
    [
        (["import torch.nn as nn", "nn.Conv2d(3, 8, 3)\nnn.Conv2d(9, 8, 3)"], "cell 2, line 2"),
        (["%pip install torch\nimport torch", "", "nn.Conv2d(9, 8, 3)"], "cell 3, line 1"),
        (["%%bash\nls\nls", "!ls\n\nnn.Conv2d(9, 8, 3)"], "cell 2, line 3"),
    ],
)
def test_what_does_not_fit_in_a_notebook_is_pointed_at_by_its_cell(cells, place):
    network = read_text(notebook(*cells), "a.ipynb").network
    (failure, *_) = trace(network, (3, 24, 24)).failures
    assert f"\n  a.ipynb, {place}   nn.Conv2d(9, 8, 3)\n" in failure.text()


def test_cells_of_prose_count_and_what_cannot_be_parsed_is_said_by_its_cell():
    text = json.dumps(
        {
            "cells": [
                {"cell_type": "markdown", "source": "# Net"},
                {"cell_type": "code", "source": ["import torch\n", "from torch import nn"]},
                {"cell_type": "code", "source": "net = nn.Sequential(\n  nn.Conv2d(3, 8, 3)\n"},
            ]
        }
    )
    with pytest.raises(SpecError, match=r"^a\.ipynb, cell 3, line 1: 'net = nn"):
        read_text(text, "a.ipynb")


def test_a_notebook_of_very_many_cells_is_refused_before_they_are_read():
    """200,000 of them, of 7 MB, took 10 seconds and 530 MB."""
    text = json.dumps({"cells": [{"cell_type": "code", "source": "x=1"}] * 20_001})
    with pytest.raises(SpecError, match="20,001 cells, at most 20,000 are read"):
        read_text(text, "a.ipynb")
