"""Weights of Keras's files: their layout, from groups that lie as Keras's own do."""

import json
import sys
import types
import zipfile

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from convcli.errors import Refusal, UnfitError
from convcli.features.extractor import extract_features

RNG = np.random.default_rng(9)


class Group(dict):
    """A group of h5py: what it names, and attributes."""

    def __init__(self, items=(), **attrs):
        super().__init__(items)
        self.attrs = attrs

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


ARRAYS = {
    "first": [RNG.normal(size=(3, 3, 3, 4)), RNG.normal(size=4)],
    "norm": [*RNG.normal(size=(3, 4)), np.abs(RNG.normal(size=4)) + 0.5],
    "deep": [RNG.normal(size=(2, 2, 4, 2))],
    "out": [RNG.normal(size=(5 * 5 * 8, 3)), RNG.normal(size=3)],
}
"""Kernels have their outputs last; a depthwise one its channels and their multiples."""


def layer(kind, **config):
    return {"class_name": kind, "config": config}


CONFIG = {
    "class_name": "Sequential",
    "config": {
        "name": "net",
        "layers": [
            layer("InputLayer", batch_shape=[None, 8, 8, 3], name="in"),
            layer("Conv2D", name="first", filters=4, kernel_size=[3, 3], activation="relu"),
            layer("BatchNormalization", name="norm", epsilon=0.001),
            layer(
                "DepthwiseConv2D", name="deep", kernel_size=2, depth_multiplier=2, use_bias=False
            ),
            layer("Flatten", name="flat"),
            layer("Dense", name="out", units=3, activation="tanh"),
        ],
    },
}


def convolved(x, kernel):
    """Maps (h, w, c) under a kernel (i, j, c, f), as Keras has both."""
    i, j, *_ = kernel.shape
    return np.einsum("hwcij,ijcf->hwf", sliding_window_view(x, (i, j), (0, 1)), kernel)


def expected(pixels):
    """The network by its definition, channels last throughout."""
    x = pixels / 255
    kernel, bias = ARRAYS["first"]
    x = np.maximum(convolved(x, kernel) + bias, 0)
    gamma, beta, mean, var = ARRAYS["norm"]
    x = (x - mean) / np.sqrt(var + 0.001) * gamma + beta
    (deep,) = ARRAYS["deep"]
    windows = sliding_window_view(x, (2, 2), (0, 1))
    x = np.einsum("hwcij,ijcm->hwcm", windows, deep).reshape(5, 5, 8)
    weight, bias = ARRAYS["out"]
    return np.tanh(x.reshape(-1) @ weight + bias)


def of_keras_3():
    layers = Group()
    for name, arrays in ARRAYS.items():
        held = {str(place): array for place, array in enumerate(arrays)}
        layers[f"some_{name}"] = Group({"vars": Group(held, name=name)})
    return Group({"layers": layers, "vars": Group(name="net")})


def of_keras_2():
    groups = Group(layer_names=[b"first"])
    for name, arrays in ARRAYS.items():
        words = [f"{name}/{place}:0" for place in range(len(arrays))]
        held = dict(zip(words, arrays, strict=True))
        groups[name] = Group(held, weight_names=[word.encode() for word in words])
    return Group({"model_weights": groups})


@pytest.fixture
def net(tmp_path):
    """A file of the model; its weights are what the module h5py is made to give."""
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("metadata.json", "{}")
        file.writestr("config.json", json.dumps(CONFIG))
        file.writestr("model.weights.h5", b"")
    return str(path)


def given(monkeypatch, root):
    monkeypatch.setitem(sys.modules, "h5py", types.SimpleNamespace(File=lambda *_: root))


@pytest.mark.parametrize("root", [of_keras_3, of_keras_2])
def test_weights_of_keras_give_what_keras_would(net, monkeypatch, root):
    given(monkeypatch, root())
    pixels = RNG.integers(0, 256, (8, 8, 3), np.uint8)
    vector = extract_features(pixels, net, weights=net, parts="flatten").vector
    np.testing.assert_allclose(vector, expected(pixels), rtol=1e-4, atol=1e-4)


def test_weights_that_are_missing_or_of_another_shape_are_refused(net, monkeypatch):
    pixels = np.zeros((8, 8, 3), np.uint8)
    root = of_keras_3()
    del root["layers"]["some_deep"]
    given(monkeypatch, root)
    with pytest.raises(UnfitError, match="lacks weights of deep"):
        extract_features(pixels, net, weights=net)
    root = of_keras_3()
    root["layers"]["some_deep"]["vars"]["0"] = np.zeros((3, 3, 4, 2))
    given(monkeypatch, root)
    with pytest.raises(UnfitError, match="deep has a weight of the shape"):
        extract_features(pixels, net, weights=net)


def test_without_h5py_the_extra_is_named(net, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(Refusal, match=r"needs the package h5py: pip install 'convcli\[keras\]'"):
        extract_features(np.zeros((8, 8, 3), np.uint8), net, weights=net)


PIXELS = np.array([0, 51, 255, 204, 102, 17, 34, 68, 136, 153, 187, 221], np.uint8).reshape(2, 2, 3)
GIVEN = {"mean": [0.1, 0.2, 0.3], "variance": [1.0, 4.0, 0.25]}
INPUT = {"class_name": "InputLayer", "config": {"batch_shape": [None, 2, 2, 3], "name": "in"}}


def floats(text):
    return list(map(float, text.split()))


def maps_of(tmp_path, config):
    """The network of a configuration on PIXELS, channels last and flat."""
    path = tmp_path / "net.json"
    path.write_text(json.dumps(config))
    maps = extract_features(PIXELS, str(path), parts="flatten").maps
    return np.moveaxis(list(maps.values())[-1], 0, -1).ravel()


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (
            [layer("Rescaling", scale=2.0, offset=-1.0)],
            floats(
                "-1 -0.6 1 0.6 -0.2 -0.866667 -0.733333 -0.466667 0.0666667 0.2 0.466667 0.733333"
            ),
        ),
        (
            [layer("Rescaling", scale=[2.0, 3.0, 4.0], offset=[1.0, 0.0, -1.0])],
            [1, 0.6, 3, 2.6, 1.2, -0.733333, 1.26667, 0.8, 1.13333, 2.2, 2.2, 2.46667],
        ),
        (
            [layer("Normalization", axis=[-1], invert=False, **GIVEN)],
            floats(
                "-0.1 0 1.4 0.7 0.1 -0.466667 0.0333333 0.0333333 0.466667 0.5 0.266667 1.13333"
            ),
        ),
        (
            [layer("Normalization", axis=[-1], invert=True, **GIVEN)],
            [0.1, 0.6, 0.8, 0.9, 1, 0.333333, 0.233333, 0.733333, 0.566667, 0.7, 1.66667, 0.733333],
        ),
        (
            [layer("ReLU", max_value=0.6, negative_slope=0.1, threshold=0.3)],
            floats(
                "-0.03 -0.01 0.6 0.6 0.4 -0.0233333 -0.0166667 -0.00333333 0.533333 0.6 0.6 0.6"
            ),
        ),
        (
            [layer("UnitNormalization", axis=-1)],
            floats(
                "0 0.196116 0.980581 0.891953 0.445976 0.0743294 "
                "0.218218 0.436436 0.872872 0.467257 0.571092 0.674926"
            ),
        ),
        ([layer("Reshape", target_shape=[3, 4])], PIXELS.ravel() / 255),
        ([layer("Flatten")], PIXELS.ravel() / 255),
        ([layer("Flatten"), layer("Reshape", target_shape=[4, 3, 1])], PIXELS.ravel() / 255),
        (
            [layer("Resizing", height=3, width=3, interpolation="nearest")],
            PIXELS[[0, 1, 1]][:, [0, 1, 1]].ravel() / 255,
        ),
    ],
)
def test_layers_without_weights_give_what_keras_3_gives(tmp_path, layers, expected):
    config = {"class_name": "Sequential", "config": {"layers": [INPUT, *layers]}}
    np.testing.assert_allclose(maps_of(tmp_path, config), expected, rtol=2e-5, atol=1e-6)


def of_operations(*operations):
    """A model of operations that are not layers, each on what the one before gives."""
    layers = [INPUT | {"name": "in", "inbound_nodes": []}]
    for place, (kind, config, *values) in enumerate(operations):
        name = layers[-1]["name"]
        tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}
        layers.append(
            {
                "module": "keras.src.ops.numpy",
                "class_name": kind,
                "name": f"op{place}",
                "config": {"name": f"op{place}", **config},
                "inbound_nodes": [{"args": [tensor, *values], "kwargs": {}}],
            }
        )
    ends = {"input_layers": ["in", 0, 0], "output_layers": [layers[-1]["name"], 0, 0]}
    return {"class_name": "Functional", "config": {"layers": layers, **ends}}


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        (
            [("Subtract", {}, 1.0), ("Gelu", {"approximate": True})],
            floats(
                "-0.158808 -0.169568 0 -0.0841486 -0.164585 -0.163765 "
                "-0.167427 -0.169961 -0.149519 -0.137839 -0.105298 -0.0595954"
            ),
        ),
        (
            [("Subtract", {}, 0.5), ("LeakyRelu", {"negative_slope": 0.3}), ("Power", {}, 2.0)],
            floats(
                "0.0225 0.0081 0.25 0.09 0.0009 0.0169 "
                "0.0121 0.0049 0.00111111 0.01 0.0544445 0.134444"
            ),
        ),
        (
            [("Exp", {}), ("Mean", {"axis": [1, 2], "keepdims": False})],
            [1.54757, 1.52521, 1.9677],
        ),
    ],
)
def test_operations_that_are_no_layers_give_what_keras_3_gives(tmp_path, operations, expected):
    maps = maps_of(tmp_path, of_operations(*operations))
    np.testing.assert_allclose(maps, expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (of_operations(("Transpose", {"axes": [0, 3, 1, 2]})), "transpose cannot be run here"),
        (of_operations(("Softmax", {"axis": 1})), r"softmax\(values=1\) cannot be run"),
        (
            of_operations(
                (
                    "GetItem",
                    {},
                    [
                        {"class_name": "__slice__", "config": {"start": start, "stop": 1}}
                        for start in (None, 0)
                    ],
                )
            ),
            "slice cannot be run here",
        ),
    ],
)
def test_what_counts_axes_with_the_channels_last_is_refused(tmp_path, config, why):
    with pytest.raises(UnfitError, match=why):
        maps_of(tmp_path, config)


def test_a_shift_without_a_scale_is_read_as_a_shift(tmp_path, monkeypatch):
    shift, mean, var = [1.0, -2.0, 0.5], [0.1, 0.2, 0.3], [1.0, 4.0, 0.25]
    path = tmp_path / "net.keras"
    norm = layer("BatchNormalization", name="norm", epsilon=0.0, scale=False)
    config = {"class_name": "Sequential", "config": {"layers": [INPUT, norm]}}
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("metadata.json", "{}")
        file.writestr("config.json", json.dumps(config))
        file.writestr("model.weights.h5", b"")
    held = Group(
        {str(place): np.array(v) for place, v in enumerate((shift, mean, var))}, name="norm"
    )
    given(monkeypatch, Group({"layers": Group({"norm": Group({"vars": held})})}))
    maps = extract_features(PIXELS, str(path), weights=str(path), parts="flatten").maps["norm"]
    wanted = (PIXELS / 255 - mean) / np.sqrt(var) + shift
    np.testing.assert_allclose(np.moveaxis(maps, 0, -1), wanted, rtol=1e-5, atol=1e-6)
