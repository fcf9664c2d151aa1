"""Every formula that --explain prints is evaluated and compared with the JSON's figures."""

import json
import re
from fractions import Fraction
from math import ceil, floor

import pytest

from convcli.cli.main import run

TEXTS = {
    "windows": "conv(8, 3, stride=2, padding=same, dilation=2); maxpool(3, stride=2, ceil=True); "
    "conv(16, (5, 3), groups=4, padding=(1, 0)); avgpool(2, stride=2, padding=1, ceil=True); "
    "depthwise(3, multiplier=2); separable(12, 3); globalpool; flatten; linear(7)",
    "enlarging": "nn.Conv2d(3, 16, 3, 2); nn.ConvTranspose2d(16, 8, 4, 2, 1, groups=2, dilation=2); "
    "nn.Upsample(scale_factor=1.5); nn.ConvTranspose2d(8, 8, 5, 3, 2, output_padding=1); "
    "nn.PixelShuffle(2); nn.ZeroPad2d((1, 2, -3, 4)); nn.GroupNorm(2, 2); nn.Conv2d(2, 3, 3)",
    "joined": "concat([conv(4, 3, padding=1)], [conv(6, 5, padding=2)], []); prelu(13); lcn(9); "
    "residual([conv(13, 7, padding=3), batchnorm])",
    "one axis": "nn.Conv1d(3, 4, 3); nn.MaxPool1d(3); nn.Flatten(); nn.Linear(36, 2)",
}
"""What the zoo has not, or not in every spelling."""

SIZES = {"windows": "61x50x4", "enlarging": "33x31x3", "joined": "20x21x3", "one axis": "30x3"}

TOKEN = re.compile(r"\s*([\d,]+(?:\.\d+)?|max|[-+·/(),−])")


@pytest.fixture
def shell(capfd):
    """Runs convcli; gives its exit code, stdout and stderr."""
    return lambda argv: (run(argv), *capfd.readouterr())


def value_of(text):
    """An expression of numbers, + − · / max and parentheses, read by this test alone."""
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    tokens = re.findall(r"\d+(?:\.\d+)?|max|[+·/(),−]", text)
    assert "".join(tokens) == text.replace(" ", ""), text

    def atom():
        token = tokens.pop(0)
        if token == "max":
            tokens.pop(0)
            values = [total()]
            while tokens.pop(0) == ",":
                values.append(total())
            return max(values)
        if token == "(":
            inner = total()
            assert tokens.pop(0) == ")"
            return inner
        return Fraction(token)

    def product():
        value = atom()
        while tokens and tokens[0] in "·/":
            value = value * atom() if tokens.pop(0) == "·" else value / atom()
        return value

    def total():
        value = product()
        while tokens and tokens[0] in "+−":
            value = value + product() if tokens.pop(0) == "+" else value - product()
        return value

    result = total()
    assert not tokens, text
    return result


def check_formula(text):
    """Check every sign of a formula, = exactly, ≈ to the last digit, → as rounding; its value."""
    first, *steps = re.split(r" ([=≈→]) ", text)
    value = value_of(first)
    for sign, part in zip(steps[::2], steps[1::2], strict=True):
        after = value_of(part)
        if sign == "=":
            assert after == value, text
        elif sign == "≈":
            last = Fraction(1, 10 ** len(part.partition(".")[2]))
            assert after != value, text
            assert abs(after - value) < last, text
        else:
            assert after in (floor(value), ceil(value)), text
            assert after != value, text
        value = after if sign == "→" or sign == "≈" else value
    return value


def blocks_of(text):
    """The printed blocks: (layer, label, formula), lines that were folded as one."""
    name, formulas = "", []
    for line in text.splitlines():
        assert len(line) <= 80 or not line.startswith(" "), line
        if not line.startswith(" "):
            name = line.partition(": ")[0]
        elif line.startswith("   ") and not line[2].strip():
            formulas[-1][2] += " " + line.strip()
        else:
            label, formula = re.split(r"\s{2,}", line.strip(), maxsplit=1)
            formulas.append([name, label, formula])
    return formulas


def figures_of(layer, label):
    """The figures of the JSON that a label names."""
    quantity, _, axes = label.partition(", ")
    keys = {"parameters": "params", "MACs": "macs", "receptive field": "receptive_field"}
    key = keys.get(quantity, quantity)
    if key in ("params", "macs"):
        return {layer[key]}
    if key in ("receptive_field", "jump"):
        return {layer[key][axis] for axis in axes.split(", ") if axis} or {*layer[key].values()}
    return {layer["output"][axis] for axis in label.split(", ")}


@pytest.mark.parametrize(
    ("network", "count"),
    [
        ("lenet5", 28),
        ("alexnet", 45),
        ("resnet18", 138),
        ("googlenet-paper", 300),
        ("lenet5-1998", 25),
        *((name, 20) for name in TEXTS if name != "one axis"),
        ("one axis", 10),
    ],
)
def test_every_formula_gives_the_figure_of_the_json(shell, network, count):
    argv = ["shape", TEXTS.get(network, network)]
    argv += ["--input", SIZES[network]] if network in SIZES else []
    code, plain, _ = shell([*argv, "--format", "json"])
    assert code == 0
    record = json.loads(plain)
    layers = {layer["name"]: layer for layer in record["layers"]} | {"total": record["totals"]}
    _, text, _ = shell([*argv, "--explain"])
    printed = blocks_of(text)
    assert len(printed) >= count, len(printed)
    for name, label, formula in printed:
        value = check_formula(formula)
        assert {float(value)} == {float(one) for one in figures_of(layers[name], label)}, formula
    explained = json.loads(shell([*argv, "--explain", "--format", "json"])[1])
    fields = [
        (layer["name"], one) for layer in explained["layers"] for one in layer.pop("formulas")
    ] + [("total", one) for one in explained.pop("formulas")]
    assert explained == record, "formulas are added, nothing else changes"
    assert [(name, one["formula"]) for name, one in fields] == [(n, f) for n, _, f in printed]
    for _, one in fields:
        assert float(check_formula(one["formula"])) == one["value"]
        assert float(check_formula(from_latex(one["latex"]))) == one["value"]
    weighted = {name for name, layer in layers.items() if layer["params"]}
    assert weighted == {name for name, label, _ in printed if label == "parameters"}
    assert {name for name, layer in layers.items() if layer["macs"]} == {
        name for name, label, _ in printed if label == "MACs"
    }


def from_latex(text):
    """LaTeX's mathematics as the text that it was made of."""
    text = re.sub(r"\\frac\{((?:[^{}]|\{,\})*)\}\{((?:[^{}]|\{,\})*)\}", r"(\1)/(\2)", text)
    signs = {r" \cdot ": "·", r"\to": "→", r"\approx": "≈", r"\max": "max", "{,}": ",", "-": "−"}
    for tex, sign in signs.items():
        text = text.replace(tex, sign)
    return text


def test_the_most_quoted_layer_as_text_markdown_and_latex(shell):
    layer = ["shape", "--input", "224", "conv:96,11,stride=4"]
    assert shell([*layer, "-v"])[1].splitlines() == [
        "conv1: conv2d, 224x224x3 → 54x54x96",
        "  height, width    (224 + 2·0 − 11)/4 + 1 = 54.25 → 54",
        "  parameters       11·11·3·96 + 96 = 34,944",
        "  MACs             54·54·96·(11·11·3) = 101,616,768",
        "  receptive field  1 + (11 − 1)·1 = 11",
        "  jump             1·4 = 4",
    ]
    markdown = shell([*layer, "--explain", "--format", "markdown"])[1].splitlines()
    assert markdown[2:4] == [
        "| conv1 | height, width | (224 + 2·0 − 11)/4 + 1 = 54.25 → 54 |",
        "| conv1 | parameters | 11·11·3·96 + 96 = 34,944 |",
    ]
    latex = shell([*layer, "--explain", "--format", "latex"])[1]
    assert r"& $\frac{224 + 2 \cdot 0 - 11}{4} + 1 = 54.25 \to 54$ \\" in latex


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("--explain --depth 1", "--explain does not go with --depth"),
        ("--explain --mac-rule thop", "--explain has the formulas of --mac-rule weights"),
        ("--explain --versus vgg16", "--versus does not go with --explain"),
        ("--format text", "--format text is for --explain"),
    ],
)
def test_what_has_no_formulas_is_refused(shell, options, text):
    code, out, err = shell(["shape", "lenet5", *options.split()])
    assert (code, out) == (2, "")
    assert text in err
