"""MACs by the rules of other tools: what these tools print for the same networks, to the last digit.

The figures come from thop 0.1.1 and 0.0.31, ptflops 0.7.5 (both backends), torchinfo 1.8.0, fvcore
0.1.5, calflops 0.3.2 and FlopCounterMode of torch 2.13, in eval mode, for a batch of one.
"""

import json
from pathlib import Path

import pytest

from convcli.app.solve import SolveOptions, solve
from convcli.cli.main import run
from convcli.nets.analysis.mac_rules import OWN, RULES
from convcli.nets.analysis.summary import summarize
from convcli.nets.analysis.table import Settings, totals
from convcli.nets.input_size import resolve_inputs
from convcli.nets.readers.read import read_source
from convcli.sizes import InputSize

FOLDER = Path(__file__).parent / "models" / "rules"
FIGURES = json.loads((FOLDER / "figures.json").read_text())

CASES = [(name, rule) for name, case in FIGURES.items() for rule in case["macs"]]


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_a_rule_gives_what_its_tool_prints(name, rule):
    case = FIGURES[name]
    if "input" in case:
        reading = read_source(f"{FOLDER}/{name}.py:Net")
        size = InputSize(tuple(case["input"]), True, dtype="long" if case["long"] else "")
    else:
        reading, size = read_source(name), InputSize((1, 3, 224, 224), True)
    inputs = resolve_inputs([size], reading)
    summary = summarize(inputs.network, inputs.shape)
    assert totals(summary, Settings(rule))["macs"] == case["macs"][rule]


def test_every_rule_of_a_tool_is_compared():
    assert {rule for _, rule in CASES} == RULES.keys() - {*OWN}


def test_products_of_activations_are_counted_where_asked():
    """Two products of each attention of vit_sdpa, by the formula 2·heads·L²·d of its sizes."""
    reading = read_source(f"{FOLDER}/vit_sdpa.py:Net")
    inputs = resolve_inputs([InputSize((1, 3, 32, 32), True)], reading)
    summary = summarize(inputs.network, inputs.shape)
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
