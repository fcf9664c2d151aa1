"""ONNX files as networks: figures, names, layouts, weights, and files that mislead."""

import os
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import model_of, reference
from runs import run_network

from convcli.errors import Refusal, SpecError
from convcli.features.extractor import extract_features
from convcli.nets.analysis.summary import trace
from convcli.nets.readers.read import read_words
from convcli.runtime.stored import arrays_of
from convcli.runtime.weights import read_weights, slots

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"

RNG = np.random.default_rng(0)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32) * np.float32(0.2)


def saved(model, folder, name="net.onnx", **how):
    path = str(folder / name)
    onnx.save(model, path, **how)
    return path


def summary_of(path, shape):
    reading = read_words([path])
    return trace(reading.network, shape)


@pytest.mark.parametrize(
    ("name", "params", "statistics", "macs"),
    [
        ("bvlc_alexnet", 60965224, 0, 654560384),
        ("densenet121", 7978856, 83648, 2834161664),
        ("inception_v1", 6998552, 0, 1431556352),
        ("inception_v2", 11194984, 19904, 2018851840),
        ("resnet50", 25557032, 53120, 4089184256),
        ("shufflenet", 1393320, 26832, 124664528),
        ("squeezenet", 1235496, 0, 349151936),
        ("vgg19", 143667240, 0, 19632062464),
        ("zfnet512", 87250536, 0, 1481727008),
    ],
)
def test_published_files_have_the_figures_of_package_onnx(name, params, statistics, macs):
    summary = summary_of(str(LIGHT / f"light_{name}.onnx"), (3, 224, 224))
    assert not summary.failures
    assert (summary.weights, summary.macs) == (params, macs)
    assert sum(row.statistics for row in summary.rows) == statistics
    assert summary.rows[-1].output[0] == 1000


@pytest.mark.slow
@pytest.mark.parametrize("name", ["shufflenet", "inception_v1", "resnet50"])
def test_published_files_give_their_recorded_outputs(name):
    """The outputs that lie beside the models of the backend, of its made-up input."""
    path = LIGHT / f"light_{name}.onnx"
    x = (np.arange(3 * 224 * 224).reshape(3, 224, 224) / (3 * 224 * 224)).astype(np.float32)
    reading = read_words([str(path)])
    network = reading.network.at((3, 224, 224))
    rows = trace(network, (3, 224, 224)).rows
    weights = arrays_of(network.weights, [*slots(rows), *(r.name for r in rows if not r.inputs)])
    maps = run_network(network, x, weights=weights).maps
    recorded = LIGHT / f"light_{name}_output_0.pb"
    expected = numpy_helper.to_array(onnx.load_tensor(str(recorded)))
    np.testing.assert_allclose(maps[rows[-1].name].ravel(), expected.ravel(), 1e-3, 1e-5)


def small_cnn(opset=17):
    """Convolution, batch norm, residual, depthwise, pool, reshape, MatMul + Add, softmax."""
    arrays = {
        "stem.weight": floats(8, 3, 3, 3),
        "stem.bias": floats(8),
        "bn.weight": np.abs(floats(8)) + 0.5,
        "bn.bias": floats(8),
        "bn.running_mean": floats(8),
        "bn.running_var": np.abs(floats(8)) + 0.5,
        "block.dw.weight": floats(8, 1, 3, 3),
        "block.pw.weight": floats(8, 8, 1, 1),
        "shape": np.array([0, -1], np.int64),
        "fc.weight": floats(8 * 6 * 6, 5),
        "fc.bias": floats(5),
    }
    nodes = [
        ("Conv", ["x", "stem.weight", "stem.bias"], ["a"], {"pads": [1, 1, 1, 1]}),
        ("BatchNormalization", ["a", *list(arrays)[2:6]], ["b"], {"epsilon": 1e-3}),
        ("Relu", ["b"], ["c"]),
        ("Conv", ["c", "block.dw.weight"], ["d"], {"group": 8, "auto_pad": "SAME_UPPER"}),
        ("Conv", ["d", "block.pw.weight"], ["e"]),
        ("Add", ["e", "c"], ["f"]),
        ("MaxPool", ["f"], ["g"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Reshape", ["g", "shape"], ["h"]),
        ("MatMul", ["h", "fc.weight"], ["i"]),
        ("Add", ["i", "fc.bias"], ["j"]),
        ("Softmax", ["j"], ["y"], {"axis": 1}),
    ]
    return model_of(nodes, {"x": [1, 3, 12, 12]}, {"y": [1, 5]}, arrays, opset, "pytorch")


def test_layers_have_the_names_of_their_weights_and_batch_norms_their_statistics(tmp_path):
    summary = summary_of(saved(small_cnn(), tmp_path), (3, 12, 12))
    rows = {row.name: row for row in summary.rows}
    assert list(rows)[:6] == ["stem", "bn", "relu1", "block.dw", "block.pw", "add1"]
    assert rows["fc"].type == "linear"
    assert (rows["fc"].weights, rows["bn"].statistics) == (8 * 36 * 5 + 5, 16)
    assert summary.weights == 3 * 8 * 9 + 8 + 16 + 72 + 64 + 8 * 36 * 5 + 5
    assert rows["block.dw"].macs == 12 * 12 * 72


def test_the_weights_of_the_file_are_run(tmp_path):
    model = small_cnn()
    path = saved(model, tmp_path)
    pixels = RNG.integers(0, 256, (12, 12, 3), np.uint8)
    features = extract_features(pixels, path, parts="flatten")
    x = (pixels.astype(np.float32) / 255).transpose(2, 0, 1)[np.newaxis]
    np.testing.assert_allclose(features.vector, reference(model, x).ravel(), 1e-5, 1e-6)


def test_channels_last_is_looked_through(tmp_path):
    """The transposes of a TensorFlow file are not layers, and receptive fields go on."""
    arrays = {"conv/kernel:0": floats(4, 3, 3, 3), "scale": floats(4), "w": floats(2, 4, 3, 3)}
    nodes = [
        ("Transpose", ["x"], ["a"], {"perm": [0, 3, 1, 2]}),
        ("Conv", ["a", "conv/kernel:0"], ["b"]),
        ("Transpose", ["b"], ["c"], {"perm": [0, 2, 3, 1]}),
        ("Mul", ["c", "scale"], ["d"]),
        ("Softmax", ["d"], ["e"], {"axis": -1}),
        ("Transpose", ["e"], ["f"], {"perm": [0, 3, 1, 2]}),
        ("Conv", ["f", "w"], ["g"]),
        ("Transpose", ["g"], ["y"], {"perm": [0, 2, 3, 1]}),
    ]
    model = model_of(nodes, {"x": ["N", 10, 12, 3]}, {"y": ["N", 6, 8, 2]}, arrays)
    path = saved(model, tmp_path)
    assert read_words([path]).input == (3, 10, 12)
    summary = summary_of(path, (3, 10, 12))
    assert "permute" not in {row.type for row in summary.rows}
    assert summary.output == (2, 6, 8)
    assert [axis.size for axis in summary.rows[-1].receptive_field] == [5, 5]
    pixels = RNG.integers(0, 256, (10, 12, 3), np.uint8)
    features = extract_features(pixels, path, parts="flatten")
    expected = reference(model, (pixels.astype(np.float32) / 255)[np.newaxis])
    np.testing.assert_allclose(
        features.vector, expected.transpose(0, 3, 1, 2).ravel(), rtol=1e-5, atol=1e-6
    )


def test_a_weight_that_two_operators_share_is_counted_once(tmp_path):
    nodes = [
        ("Conv", ["x", "a.weight"], ["b"], {"pads": [1, 1, 1, 1]}),
        ("Conv", ["b", "a.weight"], ["y"], {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    ]
    arrays = {"a.weight": floats(3, 3, 3, 3)}
    model = model_of(nodes, {"x": [1, 3, 8, 8]}, {"y": [1, 3, 4, 4]}, arrays)
    summary = summary_of(saved(model, tmp_path), (3, 8, 8))
    assert summary.weights == 81
    assert summary.macs == 81 * (64 + 16)
    assert summary.rows[1].node.owner == "a"


SIZES = [
    ("Shape", ["x"], ["s"]),
    ("Gather", ["s", "two"], ["h"], {"axis": 0}),
    ("Mul", ["h", "two"], ["hh"]),
    ("Unsqueeze", ["hh", "zero"], ["u"]),
    ("Concat", ["head", "u", "u"], ["sizes"], {"axis": 0}),
    ("Resize", ["x", "", "", "sizes"], ["y"], {"mode": "nearest"}),
]


def test_sizes_that_the_file_computes_are_folded(tmp_path):
    arrays = {
        "two": np.array(2, np.int64),
        "zero": np.array([0], np.int64),
        "head": np.array([1, 3], np.int64),
    }
    model = model_of(SIZES, {"x": ["N", 3, "H", "W"]}, {"y": None}, arrays)
    path = saved(model, tmp_path)
    assert read_words([path]).input == (3, None, None)
    summary = summary_of(path, (3, 9, 9))
    assert [row.type for row in summary.rows] == ["upsample"]
    assert summary.output == (3, 18, 18)
    assert summary_of(path, (3, 5, 5)).output == (3, 10, 10)


@pytest.mark.parametrize(
    ("array", "tolerance"),
    [
        (lambda w: w.astype(np.float16), 1e-3),
        (
            lambda w: helper.make_tensor("w", TensorProto.BFLOAT16, w.shape, w.ravel().tolist()),
            1e-2,
        ),
        (lambda w: helper.make_tensor("w", TensorProto.FLOAT16, w.shape, w.ravel().tolist()), 1e-3),
        (lambda w: helper.make_tensor("w", TensorProto.FLOAT, w.shape, w.ravel().tolist()), 1e-6),
        (lambda w: w.astype(np.float64), 1e-6),
    ],
    ids=["float16", "bfloat16", "float16 as integers", "float_data", "float64"],
)
def test_weights_of_other_types_are_what_they_stand_for(tmp_path, array, tolerance):
    weight = floats(4, 3, 3, 3)
    stored = array(weight)
    if not isinstance(stored, np.ndarray):
        stored.name = "w"
    nodes = [("Cast", ["w"], ["c.weight"], {"to": 1}), ("Conv", ["x", "c.weight"], ["y"])]
    model = model_of(nodes, {"x": [1, 3, 8, 8]}, {"y": [1, 4, 6, 6]}, {"w": stored})
    pixels = RNG.integers(0, 256, (8, 8, 3), np.uint8)
    features = extract_features(pixels, saved(model, tmp_path), parts="flatten")
    exact = model_of(nodes[1:], {"x": [1, 3, 8, 8]}, {"y": [1, 4, 6, 6]}, {"c.weight": weight})
    x = (pixels.astype(np.float32) / 255).transpose(2, 0, 1)[np.newaxis]
    np.testing.assert_allclose(features.vector, reference(exact, x).ravel(), atol=3 * tolerance)


def test_weights_in_steps_of_int8_are_dequantized(tmp_path):
    steps = RNG.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)
    arrays = {
        "q": steps,
        "scale": np.array([0.01, 0.02, 0.005, 0.03], np.float32),
        "zero": np.zeros(4, np.int8),
    }
    nodes = [
        ("DequantizeLinear", ["q", "scale", "zero"], ["w"], {"axis": 0}),
        ("Conv", ["x", "w"], ["y"]),
    ]
    model = model_of(nodes, {"x": [1, 3, 8, 8]}, {"y": [1, 4, 6, 6]}, arrays, opset=19)
    path = saved(model, tmp_path)
    assert summary_of(path, (3, 8, 8)).weights == 108
    pixels = RNG.integers(0, 256, (8, 8, 3), np.uint8)
    x = (pixels.astype(np.float32) / 255).transpose(2, 0, 1)[np.newaxis]
    vector = extract_features(pixels, path, parts="flatten").vector
    np.testing.assert_allclose(vector, reference(model, x).ravel(), rtol=1e-5, atol=1e-5)


def with_outside(folder, location):
    """A model whose weights lie in another file; the path of the model."""
    path = saved(
        small_cnn(), folder, save_as_external_data=True, location="w.bin", size_threshold=100
    )
    model = onnx.load(path, load_external_data=False)
    for array in model.graph.initializer:
        for entry in array.external_data:
            if entry.key == "location":
                entry.value = location
    with open(path, "wb") as file:
        file.write(model.SerializeToString())
    return path


def test_weights_beside_the_file_are_read_and_may_be_missing(tmp_path):
    path = with_outside(tmp_path, "w.bin")
    pixels = np.full((12, 12, 3), 100, np.uint8)
    whole = extract_features(pixels, path, parts="flatten").vector
    assert np.isfinite(whole).all()
    os.remove(tmp_path / "w.bin")
    assert summary_of(path, (3, 12, 12)).macs
    with pytest.raises(Refusal, match="not in the file, nor beside it"):
        extract_features(pixels, path, parts="flatten")


@pytest.mark.parametrize("location", ["/etc/passwd", "../w.bin", "a/../../w.bin", "link.bin", ""])
def test_weights_elsewhere_are_refused(tmp_path, location):
    inner = tmp_path / "models"
    inner.mkdir()
    path = with_outside(inner, location)
    os.symlink(tmp_path, inner / "link.bin")
    with pytest.raises(SpecError, match=r"weights (outside its folder|behind a symbolic link)"):
        read_words([path])


def test_weights_beyond_the_end_of_their_file_are_refused(tmp_path):
    path = with_outside(tmp_path, "w.bin")
    os.truncate(tmp_path / "w.bin", 100)
    with pytest.raises(SpecError, match="which has 100"):
        read_words([path])


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([("NonZero", ["x"], ["y"])], "NonZero is not read: a size that depends on values"),
        ([("Rubbish", ["x"], ["y"])], "the operator Rubbish is not read"),
        ([("Reshape", ["x", "x"], ["y"])], "Reshape by values that are computed"),
        ([("Conv", ["x", "w"], ["y"])], "meets 3 channels"),
    ],
)
def test_what_is_not_read_is_named(tmp_path, nodes, message):
    arrays = {"w": floats(4, 5, 3, 3)}
    model = model_of(nodes, {"x": [1, 3, 8, 8]}, {"y": None}, arrays)
    summary = summary_of(saved(model, tmp_path), (3, 8, 8))
    assert summary.failures
    assert re.search(message, summary.failures[0].text())


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1234\n"


@pytest.mark.parametrize(
    ("data", "name", "what"),
    [
        (b"\x89PNG\r\n", "file.dat", "a PNG picture: give it to extract"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "file.dat", "a WebP picture: give it to extract"),
        (b"GGUF\3\0\0\0", "file.dat", "a GGUF file: its tensors are quantized"),
        (b"\x18\0\0\0ORTM\0\0", "m.ort", "an ORT model: give the .onnx file"),
        (b"\x28\xb5\x2f\xfd\0", "net.onnx.zst", "a zstd archive: unpack it first"),
        (LFS, "net.onnx", "a pointer of Git LFS: fetch the file itself: git lfs pull"),
        (LFS, "net.pth", "a pointer of Git LFS: fetch the file itself: git lfs pull"),
        (b"<!DOCTYPE html>\n<html>", "net.onnx", "a web page: download the file itself"),
        (b'<?xml version="1.0"?>\n<net name="a">', "a.xml", "a network of OpenVINO: give its"),
        (b'layer {\n  type: "Convolution"\n}', "a.prototxt", "a network of Caffe: export it"),
        (b'{"modelTopology": {"class_name": "Model"}}', "model.json", "a TensorFlow.js model"),
        (b'{"model_type": "vit", "layers": 3}', "config.json", "a configuration of transformers"),
        (b"\x0a\x12\x0a\4conv", "frozen.pb", "a TensorFlow graph: convert it"),
        (b"\1\2\3", "file.dat", "a binary file of an unknown kind"),
    ],
)
def test_other_files_are_named_by_their_bytes(tmp_path, data, name, what):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SpecError, match=re.escape(f"{name} is {what}")):
        read_words([str(path)])


def test_files_that_hold_no_weights_are_named_too(tmp_path):
    path = tmp_path / "net.pth"
    path.write_bytes(LFS)
    with pytest.raises(
        Refusal, match="a pointer of Git LFS, not a file of weights: fetch the file"
    ):
        read_weights(str(path), {})


def test_receptive_fields_go_on_behind_a_normalization_of_groups(tmp_path):
    """PyTorch writes one as a reshape, a normalization with ones, and a reshape back."""
    arrays = {
        "a.weight": floats(4, 3, 3, 3),
        "groups": np.array([0, 2, -1], np.int64),
        "back": np.array([1, 4, 8, 8], np.int64),
        "ones": np.ones(2, np.float32),
        "zeros": np.zeros(2, np.float32),
        "norm.weight": floats(4, 1, 1),
        "norm.bias": floats(4, 1, 1),
        "b.weight": floats(4, 4, 3, 3),
    }
    nodes = [
        ("Conv", ["x", "a.weight"], ["a"]),
        ("Reshape", ["a", "groups"], ["g"]),
        ("InstanceNormalization", ["g", "ones", "zeros"], ["n"]),
        ("Reshape", ["n", "back"], ["r"]),
        ("Mul", ["r", "norm.weight"], ["m"]),
        ("Add", ["m", "norm.bias"], ["s"]),
        ("Conv", ["s", "b.weight"], ["y"]),
    ]
    model = model_of(nodes, {"x": [1, 3, 10, 10]}, {"y": [1, 4, 6, 6]}, arrays)
    summary = summary_of(saved(model, tmp_path), (3, 10, 10))
    assert [axis.size for axis in summary.rows[-1].receptive_field] == [5, 5]
    assert summary.weights == 108 + 4 + 4 + 144
    pixels = RNG.integers(0, 256, (10, 10, 3), np.uint8)
    vector = extract_features(pixels, str(tmp_path / "net.onnx"), parts="flatten").vector
    x = (pixels.astype(np.float32) / 255).transpose(2, 0, 1)[np.newaxis]
    np.testing.assert_allclose(vector, reference(model, x).ravel(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("weight", "bias"),
    [
        ("onnx::Conv_12", "onnx::Conv_13"),
        ("c_weights_fused_bn", "c_bias_fused_bn"),
        ("c1.weight", "c1.weight_bias"),
    ],
)
def test_batch_normalizations_that_the_exporter_folded_are_said(tmp_path, weight, bias):
    arrays = {weight: floats(4, 3, 3, 3), bias: floats(4)}
    nodes = [("Conv", ["x", weight, bias], ["y"], {})]
    model = model_of(nodes, {"x": [1, 3, 8, 8]}, {"y": [1, 4, 6, 6]}, arrays)
    (note,) = summary_of(saved(model, tmp_path), (3, 8, 8)).notes
    assert note.startswith("the exporter folded batch normalizations into 1 convolution")
