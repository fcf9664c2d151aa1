"""Networks in the files of frameworks: Keras's configurations, programs exported by PyTorch."""

import gzip
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tflite_models import tflite

from convcli.errors import SpecError, UnfitError
from convcli.features.extractor import extract_features
from convcli.nets.analysis.summary import trace
from convcli.nets.readers.read import read_words

FILES = Path(__file__).parent / "files"


def summary_of(path, shape=None):
    reading = read_words([str(path)])
    return trace(reading.network, shape or reading.input)


@pytest.mark.parametrize(
    ("name", "params", "trainable", "macs"),
    [
        ("ResNet50", 25636712, 25583592, 3857973248),
        ("VGG16", 138357544, 138357544, 15470264320),
        ("MobileNetV2", 3538984, 3504872, 300774272),
        ("DenseNet121", 8062504, 7978856, 2834161664),
        ("InceptionV3", 23851784, 23817352, 5713216096),
        ("Xception", 22910480, 22855952, 8357403496),
        ("EfficientNetB0", 5330571, 5288548, 385814752),
    ],
)
def test_configurations_have_the_totals_of_keras(name, params, trainable, macs, tmp_path):
    """Parameters are those of `count_params()`; the texts are those of Keras 3.15."""
    path = tmp_path / f"{name}.json"
    path.write_bytes(gzip.decompress((FILES / f"{name}.json.gz").read_bytes()))
    summary = summary_of(path)
    assert (summary.params, summary.trainable, summary.macs) == (params, trainable, macs)
    assert summary.output == (1000,)


def layer(kind, called=(), **config):
    """A layer of a functional configuration, as Keras 2 writes it."""
    nodes = [[[name, 0, 0, {}] for name in called]] if called else []
    return {"class_name": kind, "name": config["name"], "config": config, "inbound_nodes": nodes}


def functional(*layers):
    config = {
        "name": "model",
        "layers": list(layers),
        "input_layers": [[layers[0]["name"], 0, 0]],
        "output_layers": [[layers[-1]["name"], 0, 0]],
    }
    return {"class_name": "Functional", "config": config}


INPUT_LAYER = layer("InputLayer", name="in", batch_input_shape=[None, 8, 8, 3])


def keras_file(path, config):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("metadata.json", "{}")
        file.writestr("config.json", json.dumps(config) if isinstance(config, dict) else config)
    return path


def test_a_keras_file_is_read_from_its_configuration(tmp_path):
    conv = {"filters": 4, "kernel_size": [3, 3], "padding": "same", "activation": "relu"}
    config = functional(
        INPUT_LAYER,
        layer("Conv2D", ["in"], name="a", **conv),
        layer("Conv2D", ["in"], name="b", **conv),
        layer("Add", ["a", "b"], name="sum"),
        layer("Flatten", ["sum"], name="flat"),
        layer("Dense", ["flat"], name="out", units=2, use_bias=False),
    )
    summary = summary_of(keras_file(tmp_path / "net.keras", config))
    assert summary.output == (2,)
    assert summary.params == 2 * (4 * 27 + 4) + 2 * 256
    assert summary.macs == 2 * 64 * 108 + 512


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (functional(INPUT_LAYER, layer("Lambda", ["in"], name="f", function=["x"])), "not run"),
        (functional(INPUT_LAYER, layer("TFOpLambda", ["in"], name="f")), "not run"),
        (functional(INPUT_LAYER, layer("Dense", ["nobody"], name="d", units=3)), "not there"),
        (
            functional(INPUT_LAYER, layer("x); import os; (", ["in"], name="d")),
            "not a name of a layer",
        ),
        (
            functional(INPUT_LAYER, layer("Dense", ["in"], name="d", units=1e400)),
            "neither a number",
        ),
        ({"class_name": "Sequential", "config": {"layers": [3]}}, "has no config"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("{}", "no class_name"),
    ],
)
def test_a_configuration_that_is_none_is_refused(tmp_path, config, message):
    with pytest.raises(SpecError, match=message):
        read_words([str(keras_file(tmp_path / "net.keras", config))])


def test_words_of_a_configuration_stay_words(tmp_path):
    """What stands in quotes is written with quotes, whatever it holds."""
    name = "a'); __import__('os').system('touch pwned'); ('"
    config = functional(INPUT_LAYER, layer("Flatten", ["in"], name=name))
    summary = summary_of(keras_file(tmp_path / "net.keras", config))
    assert [row.type for row in summary.rows] == ["flatten"]


def test_a_bomb_is_read_no_further_than_its_bound(tmp_path):
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("metadata.json", "{}")
        with file.open("config.json", "w", force_zip64=True) as stream:
            for _ in range(70):
                stream.write(b" " * (1 << 20))
    with pytest.raises(SpecError, match="more than 67,108,864 bytes"):
        read_words([str(path)])


def test_an_exported_program_has_the_names_of_its_modules():
    summary = summary_of(FILES / "one.pt2")
    rows = {row.name: row for row in summary.rows}
    assert list(rows) == [
        *("stem.0", "stem.1", "stem.2", "b.0", "b.1", "add1", "up", "pool", "flatten1", "ln"),
        "sum1",
    ]
    assert summary.weights == 432 + 32 + 2320 + 260 + 8
    assert summary.macs == 110592 + 589824 + 65536
    assert [axis.size for axis in rows["b.1"].receptive_field] == [7, 7]


def test_an_exported_program_of_two_inputs_counts_products_of_activations_apart():
    reading = read_words([str(FILES / "two.pt2")])
    summary = trace(reading.network, reading.input)
    assert reading.input == (3, 16, 16)
    assert summary.weights == 224 + 16 + 72 + 1965 + 30
    assert summary.macs == 55296 + 14112 + 1960 + 100
    assert any("20 multiply–accumulates" in note for note in summary.notes)


def test_an_exported_program_stands_for_its_sizes_alone():
    reading = read_words([str(FILES / "two.pt2")])
    with pytest.raises(UnfitError, match="was exported for x 1x3x16x16, y 4x5 only"):
        reading.network.at((3, 32, 32))


@pytest.mark.parametrize(
    "text", ["{}", "[]", '{"graph_module": {"graph": {}}}', "{", '{"graph_module": 3}']
)
def test_a_program_that_is_none_is_refused(tmp_path, text):
    path = tmp_path / "net.pt2"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("net/models/model.json", text)
    with pytest.raises(SpecError):
        read_words([str(path)])


@pytest.mark.parametrize("half", [False, True], ids=["float32", "float16 behind DEQUANTIZE"])
def test_a_tflite_file_is_read_with_its_channels_last(tmp_path, half):
    path = tmp_path / "net.tflite"
    tflite(path, half)
    reading = read_words([str(path)])
    assert reading.input == (3, 8, 8)
    summary = trace(reading.network, reading.input)
    assert [row.type for row in summary.rows] == [
        *("conv2d", "relu6", "conv2d", "pad", "mean", "linear")
    ]
    assert [row.output for row in summary.rows][::2] == [(4, 4, 4), (4, 4, 4), (6,)]
    assert summary.weights == 108 + 36 + 30
    assert summary.macs == 16 * 108 + 16 * 36 + 30
    assert [axis.size for axis in summary.rows[3].receptive_field] == [7, 7]


@pytest.mark.parametrize(
    ("code", "custom", "why"),
    [
        (
            32,
            "Landmarks2TransformMatrix",
            "a custom operator is not read; it is Landmarks2Transform",
        ),
        (44, None, "weights of its own is not read; it is UNIDIRECTIONAL_SEQUENCE_LSTM"),
        (132, None, "weights of its own is not read; it is CONV_3D"),
        (171, None, "a custom operator is not read; it is operator 171"),
        (118, None, "a graph that depends on values is not read; it is IF"),
    ],
)
def test_an_operator_whose_weights_would_be_missed_is_refused(tmp_path, code, custom, why):
    path = tmp_path / "net.tflite"
    tflite(path, last=code, custom=custom)
    reading = read_words([str(path)])
    assert why in reading.network.at(reading.input).stopped.message


def test_files_that_are_read_for_their_sizes_are_not_run(tmp_path):
    tflite(tmp_path / "net.tflite")
    for path, kind in [(tmp_path / "net.tflite", "a TFLite"), (FILES / "one.pt2", "an exported")]:
        with pytest.raises(UnfitError, match=f"{kind} .* is read for its sizes.*as .onnx"):
            extract_features(np.zeros((8, 8, 3), np.uint8), str(path), resize="keep")


def test_a_tflite_file_stands_for_its_sizes_alone(tmp_path):
    tflite(tmp_path / "net.tflite")
    reading = read_words([str(tmp_path / "net.tflite")])
    with pytest.raises(UnfitError, match="was converted for an input of 8x8x3"):
        reading.network.at((3, 9, 9))


def test_a_configuration_of_darknet_has_its_published_figures():
    """8,858,734 numbers in its file of weights, 5.56 billion operations (pjreddie.com/darknet)."""
    summary = summary_of(FILES / "yolov3-tiny.cfg")
    statistics = sum(row.statistics for row in summary.rows)
    assert summary.weights + statistics == 8858734
    assert summary.macs == 2782480896
    reading = read_words([str(FILES / "yolov3-tiny.cfg")])
    assert len(reading.network.at((3, 416, 416)).outputs) == 2
    assert trace(reading.network, (3, 320, 320)).output == (255, 20, 20)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[net]\nwidth=8\nheight=8\n[convolutional]\nfilters=x\n",
            "filters=x is not a whole number",
        ),
        ("[net]\nwidth=8\nheight=8\n[shortcut]\nfrom=-3\n", "-3 is not a section before this one"),
        ("[net]\nwidth=8\nheight=8\n[route]\nlayers=9\n", "9 is not a section before"),
        ("[net]\nwidth=8\nheight=8\n[lstm]\n", r"\[lstm\] is not read"),
        ("[net]\nwidth=8\nheight=8\n[reorg]\nstride=3\n", "3 does not divide 8x8"),
        ("[net]\nwidth=8\nheight=8\n[connected]\nactivation=lekky\n", "did you mean leaky"),
        ("[net]\nwidth=8\nheight=8\n[crop]\ncrop_width=9\ncrop_height=9\n", "9x9 of 8x8"),
        (
            "[net]\nwidth=8\nheight=8\n[maxpool]\nmaxpool_depth=1\n",
            "pool over channels is not read",
        ),
    ],
)
def test_what_a_configuration_of_darknet_cannot_mean_is_named_with_its_line(
    tmp_path, text, message
):
    path = tmp_path / "net.cfg"
    path.write_text(text)
    summary = summary_of(path)
    assert re.search(message, summary.failures[0].text())
    assert "net.cfg:4" in summary.failures[0].text()


GATES = """[net]
width=12
height=10
[crop]
crop_width=9
crop_height=8
[conv]
filters=4
size=3
stride=2
pad=1
[batchnorm]
[avgpool]
[scale_channels]
from=-2
[sam]
from=1
[conv]
filters=2
[shortcut]
from=0
"""


def test_gates_crops_and_sums_of_unlike_maps_of_darknet_are_read(tmp_path):
    """As Darknet's parser has them: a sum has the sizes of the section before it."""
    path = tmp_path / "net.cfg"
    path.write_text(GATES)
    summary = summary_of(path)
    assert not summary.failures
    assert [row.output for row in summary.rows] == [
        *((3, 8, 9), (4, 4, 5), (4, 4, 5), (4, 1, 1), (4, 4, 5), (4, 4, 5), (2, 4, 5), (2, 4, 5))
    ]
    assert summary.weights == 4 * 27 + 4 + 8 + 2 * 4 + 2
    assert summary.macs == 20 * 4 * 27 + 20 * 2 * 4


@pytest.mark.parametrize("text", ["[net]\n", "[net]\nwidth=8\n[conv]\n", "[net]\nwidth\n[conv]\n"])
def test_a_configuration_of_darknet_without_layers_or_size_is_refused(tmp_path, text):
    path = tmp_path / "net.cfg"
    path.write_text(text)
    with pytest.raises(SpecError):
        read_words([str(path)])
