"""MACs by the rules of other tools: what these tools print for the same networks, to the last digit.

The figures come from thop 0.1.1 and 0.0.31, ptflops 0.7.5 (both backends), torchinfo 1.8.0, fvcore
0.1.5, calflops 0.3.2 and FlopCounterMode of torch 2.13, in eval mode, for a batch of one.
"""

import json
from pathlib import Path

import pytest

from convcli.nets.analysis.mac_rules import RULES
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
    ours = {"weights", "bias", "weights+products"}
    assert {rule for _, rule in CASES} == RULES.keys() - ours


def test_products_of_activations_are_counted_where_asked():
    """Two products of each attention of vit_sdpa, by the formula 2·heads·L²·d of its sizes."""
    reading = read_source(f"{FOLDER}/vit_sdpa.py:Net")
    inputs = resolve_inputs([InputSize((1, 3, 32, 32), True)], reading)
    summary = summarize(inputs.network, inputs.shape)
    plain, more = (totals(summary, Settings(r))["macs"] for r in ("weights", "weights+products"))
    assert more - plain == FIGURES["vit_torchmatmul"]["macs"]["torch"] - plain
