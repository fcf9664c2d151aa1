"""MACs by the rules of other tools: what these tools print for the same networks, to the last digit.

The figures come from thop 0.1.1 and 0.0.31, ptflops 0.7.5 (both backends), torchinfo 1.8.0, fvcore
0.1.5, calflops 0.3.2 and FlopCounterMode of torch 2.13, in eval mode, for a batch of one; null
where a tool stops, or counts what follows no rule.
"""

import json
from functools import cache
from pathlib import Path

import pytest

from convcli.app.solve import SolveOptions, solve
from convcli.cli.main import run
from convcli.errors import UnfitError
from convcli.nets.analysis.mac_rules import OWN, RULES
from convcli.nets.analysis.summary import summarize
from convcli.nets.analysis.table import Settings, totals
from convcli.nets.input_size import resolve_inputs
from convcli.nets.readers.read import read_source
from convcli.sizes import InputSize

FOLDER = Path(__file__).parent / "models" / "rules"
FIGURES = json.loads((FOLDER / "figures.json").read_text())


@cache
def summary_of(source, input_, dtype=""):
    """Rows of a network for an input of PyTorch's shape."""
    reading = read_source(source)
    inputs = resolve_inputs([InputSize(input_, True, dtype=dtype)], reading)
    return summarize(inputs.network, inputs.shape)


def path_of(name):
    """A network of the folder: the Net of a file, or `file:Class`."""
    file, _, class_ = name.partition(":")
    return f"{FOLDER}/{file}.py:{class_ or 'Net'}"


@pytest.mark.parametrize("name", FIGURES)
def test_every_rule_gives_what_its_tool_prints(name):
    case = FIGURES[name]
    source = path_of(name) if "input" in case else name
    shape = tuple(case.get("input", (1, 3, 224, 224)))
    summary = summary_of(source, shape, "long" if case.get("long") else "")
    for rule, macs in case["macs"].items():
        if macs is None:  # the tool gives none, or one that follows no rule
            with pytest.raises(UnfitError, match=f"--mac-rule {rule} cannot count "):
                totals(summary, Settings(rule))
        else:
            total = totals(summary, Settings(rule))
            assert (rule, total["macs"]) == (rule, macs)
            assert total["params"] == case.get("params", total["params"])


KNOWN_TO_DIFFER = {
    ("tool_views:Dead", "thop"): (6920, 17288, "aux.0: called, but nothing comes of it"),
    ("tool_views:Dead", "torch"): (6920, 17288, "aux.0: called, but nothing comes of it"),
    ("tool_views:Dead", "torchinfo"): (7178, 17834, "aux.0: called, but nothing comes of it"),
    ("tool_views:Perm", "ptflops@aten"): (2240, 2048, "a, b: where the input is not contiguous"),
    ("tool_views:Own", "torchinfo"): (3832, 26008, "conv.weight, conv.bias: of a class with Conv"),
}
"""Network, rule → our figure, the tool's, and the note that says so beside ours."""


@pytest.mark.parametrize(("case", "figures"), KNOWN_TO_DIFFER.items())
def test_where_a_tool_counts_otherwise_a_note_says_so(case, figures, capfd):
    (name, rule), (ours, theirs, note) = case, figures
    path = path_of(name)
    size = "4x4x3" if name.endswith("Perm") else "10x10x3"
    assert run(["shape", path, "--input", size, "--mac-rule", rule, "--get", "macs"]) == 0
    printed = capfd.readouterr()
    assert printed.out == f"{ours}\n"
    assert printed.out != f"{theirs}\n"
    assert note in printed.err
    assert run(["shape", path, "--input", size, "--get", "macs"]) == 0
    assert note not in capfd.readouterr().err


def test_every_rule_of_a_tool_is_compared():
    compared = {rule for case in FIGURES.values() for rule in case["macs"]}
    assert compared == RULES.keys() - {*OWN}


def test_products_of_activations_are_counted_where_asked():
    """Two products of each attention of vit_sdpa, by the formula 2·heads·L²·d of its sizes."""
    summary = summary_of(path_of("vit_sdpa"), (1, 3, 32, 32))
    plain, more = (totals(summary, Settings(r))["macs"] for r in ("weights", "weights+products"))
    assert more - plain == FIGURES["vit_torchmatmul"]["macs"]["torch"] - plain


def test_a_tool_of_pytorch_has_no_answer_for_layers_of_keras_alone(capfd, tmp_path):
    path = tmp_path / "net.py"
    path.write_text(
        "from keras import Sequential, layers\n"
        "model = Sequential([layers.Input((20, 8)), layers.LSTM(16), layers.Dense(2)])\n"
    )
    for argv in ([], ["--sweep", "20x8,30x8"], ["--versus", "linear"], ["--get", "macs"]):
        assert run(["shape", str(path), "--mac-rule", "thop", *argv]) == 1
        assert "thop cannot count lstm1: " in capfd.readouterr().err
    for rule in OWN:
        assert run(["shape", str(path), "--mac-rule", rule]) == 0
    assert solve(SolveOptions(network=(str(path),), why="30.8K")).refusal is None


def test_a_figure_is_never_explained_by_a_rule_without_an_answer(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(
        "from keras import Sequential, layers\n"
        "model = Sequential([layers.Input((20, 8)), layers.LSTM(16), layers.Dense(2)])\n"
    )
    outcome = solve(SolveOptions(network=(str(path),), why="30752"))
    conventions = [hit["convention"] for hit in outcome.result.record()["explanations"]]
    assert conventions
    assert not any("thop" in text or "fvcore" in text for text in conventions)
