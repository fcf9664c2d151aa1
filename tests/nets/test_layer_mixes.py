"""Networks of one subject each against the figures that eight tools print for them.

The tools are those of test_mac_rules.py, run for a batch of one in eval mode.
"""

import json
from pathlib import Path

import pytest

from convcli.nets.analysis.mac_rules import OWN, RULES
from convcli.nets.analysis.summary import summarize
from convcli.nets.analysis.table import Settings, totals
from convcli.nets.input_size import resolve_inputs
from convcli.nets.readers.read import read_source
from convcli.sizes import InputSize

FOLDER = Path(__file__).parent / "models" / "rules"
FIGURES = json.loads((FOLDER / "layer_mixes.json").read_text())

MORE = {
    # a linear layer behind a transpose is a product and an addition, and no bias is counted
    ("Mixer", "ptflops@aten"): 6 * 12,
    ("ConvRecurrent", "ptflops@aten"): 9 * 15,
}
"""What a rule counts beyond its tool, and why."""


@pytest.mark.parametrize("name", FIGURES)
def test_every_rule_gives_what_its_tool_prints(name):
    case = FIGURES[name]
    reading = read_source(f"{FOLDER}/layer_mixes.py:{name}")
    size = InputSize(tuple(case["input"]), True, dtype="long" if case["long"] else "")
    inputs = resolve_inputs([size], reading)
    summary = summarize(inputs.network, inputs.shape)
    counts = {rule: totals(summary, Settings(rule)) for rule in case["macs"]}
    printed = {rule: macs + MORE.get((name, rule), 0) for rule, macs in case["macs"].items()}
    assert {rule: count["macs"] for rule, count in counts.items()} == printed
    assert {count["params"] for count in counts.values()} == {case["params"]}
    assert printed.keys() == RULES.keys() - {*OWN}
