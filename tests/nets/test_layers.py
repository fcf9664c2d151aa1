"""What `convcli layers` says of the notation, and other ways to write it."""

import json

import pytest

from convcli.cli.main import run
from convcli.nets.analysis.summary import summarize
from convcli.nets.readers.read import read_words
from convcli.nets.readers.vocabulary.registry import names_of


def shell(capsys, *words):
    code = run(["layers", *words])
    return code, *capsys.readouterr()


def test_every_layer_and_block_is_listed_with_its_type(capsys):
    layers = json.loads(shell(capsys, "--format", "json")[1])["layers"]
    names = [layer["layer"] for layer in layers]
    assert names == [*names_of("short"), *names_of("short", "BLOCKS")]
    assert [layer["layer"] for layer in layers if not layer["type"]] == ["reshape"]


@pytest.mark.parametrize(
    ("name", "takes", "torch", "keras"),
    [
        ("linear", "outputs, bias=True", "Linear", "Dense"),
        ("depthwise", "kernel, stride=1, padding=0", "", "DepthwiseConv2D"),
        ("maxpool", "kernel, stride=None", "MaxPool2d", "MaxPooling2D"),
        ("globalpool", "kind='average'", "AdaptiveAvgPool2d(1)", "GlobalAveragePooling2D"),
        ("relu", "", "ReLU", "Activation('relu')"),
        ("elu", "alpha", "ELU", "ELU"),
        ("dropout", "p=0.5", "Dropout", "Dropout"),
        ("bn", "", "BatchNorm2d", "BatchNormalization"),
        ("residual", "body, shortcut", "", ""),
    ],
)
def test_a_layer_has_its_arguments_and_its_names_elsewhere(capsys, name, takes, torch, keras):
    layer = json.loads(shell(capsys, name, "--format", "json")[1])
    assert takes in layer["arguments"]
    assert torch in layer["PyTorch"].split(", ")
    assert keras in layer["Keras"].split(", ")


@pytest.mark.parametrize(
    ("name", "layer", "formula"),
    [
        ("conv", "conv", "params: 3·3·4·8 + 8 = 296"),
        ("Conv2D", "conv", "macs: 6·6·8·(3·3·4) = 10,368"),
        ("Linear", "linear", "params: 256·10 + 10 = 2,570"),
        ("MaxPool2d", "maxpool", "receptive_field: 1 + (3 − 1)·1 = 3"),
        ("conv1d", "conv1d", "params: 3·4·8 + 8 = 104"),
    ],
)
def test_a_layer_in_any_vocabulary_has_its_formulas(capsys, name, layer, formula):
    record = json.loads(shell(capsys, name, "--format", "json")[1])
    assert (record["layer"], formula in record["formulas"]) == (layer, True), record["formulas"]


def test_the_value_alone_is_what_is_written(capsys):
    assert shell(capsys, "gap", "-q")[1] == "gap(kind='average')\n"


def test_what_is_no_layer_is_refused_with_a_hint(capsys):
    code, _, err = shell(capsys, "convv")
    assert (code, "did you mean conv?" in err) == (2, True)
    assert run(["shape", "zzzz:3", "--input", "8"]) == 2
    assert "convcli layers lists them" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (["conv:64,7x7"], (64, 26, 26)),
        (["conv(8, 3x5, stride=2x1)"], (8, 15, 28)),
        (["conv3x3 = conv(8, 3x3)", "gap", "dense:5"], (5,)),
        (["maxpool:2x4", "fc:7"], (7,)),
    ],
)
def test_other_ways_to_write_layers(words, output):
    assert summarize(read_words(words).network, (3, 32, 32)).output == output
