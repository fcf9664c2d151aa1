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
