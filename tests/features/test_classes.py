"""What a trained network takes a picture for, and the values that its samples are brought to."""

import json

import numpy as np
import onnx
import pytest
from onnx_models import model_of, reference
from PIL import Image

from convcli.app.extract import extract
from convcli.app.options import ExtractOptions
from convcli.errors import Refusal, SpecError, UnfitError
from convcli.features import classes
from convcli.features.classes import read_labels
from convcli.features.picture_normalization import read_normalization
from convcli.features.preprocess import normalized

RNG = np.random.default_rng(5)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("mean=0.5,std=0.5", [-1, 0, 1]),
        ("tf", [-1, 0, 1]),
        ("scale=255,mean=127.5", [-127.5, 0, 127.5]),
        ("mean=0.1,0.2,0.3 std=0.1,0.2,0.5", [-1, 1.5, 1.4]),
        ("mean=1;bgr", [0, -0.5, -1]),
        ("caffe", [255 - 103.939, 127.5 - 116.779, -123.68]),
        ("torch", [(0 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (1 - 0.406) / 0.225]),
        ("std=1/2", [0, 1, 2]),
    ],
)
def test_samples_are_brought_to_the_values_that_are_given(how, expected):
    x = np.array([0, 0.5, 1], np.float32).reshape(3, 1, 1)
    np.testing.assert_allclose(normalized(x, how, 255).ravel(), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "how", ["mean", "mean=", "mean=a", "mean=1,2", "std=0", "scale=1,2,3", "mean=1,mean=2", "rgb"]
)
def test_values_that_cannot_be_are_refused(how):
    with pytest.raises(SpecError):
        read_normalization(how)


def test_values_of_three_colors_do_not_go_with_a_gray_picture():
    with pytest.raises(UnfitError, match="three colors"):
        normalized(np.zeros((1, 2, 2), np.float32), "caffe", 255)


@pytest.fixture
def classifier(tmp_path):
    weight = RNG.standard_normal((3, 4 * 4 * 3)).astype(np.float32)
    nodes = [
        ("Flatten", ["x"], ["a"]),
        ("Gemm", ["a", "fc.weight"], ["b"], {"transB": 1}),
        ("Softmax", ["b"], ["y"]),
    ]
    model = model_of(nodes, {"x": [1, 3, 4, 4]}, {"y": [1, 3]}, {"fc.weight": weight})
    onnx.save(model, tmp_path / "net.onnx")
    pixels = RNG.integers(0, 256, (4, 4, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    x = (pixels.astype(np.float32) / 255).transpose(2, 0, 1)[np.newaxis]
    return tmp_path, reference(model, x).ravel()


def test_the_largest_outputs_are_printed_with_their_labels(classifier):
    folder, expected = classifier
    (folder / "labels.txt").write_text("cat\ndog\nleaf\n")
    options = ExtractOptions(
        words=(str(folder / "p.png"),),
        net=str(folder / "net.onnx"),
        top=2,
        labels=str(folder / "labels.txt"),
        quiet=True,
    )
    classes = extract(options).result.record()["classes"]
    order = np.argsort(-expected)[:2]
    assert [one["label"] for one in classes] == [["cat", "dog", "leaf"][i] for i in order]
    np.testing.assert_allclose([one["value"] for one in classes], expected[order], 1e-5)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("a\n b \n\nc", ["a", "b", "c"]),
        ('["a", "b"]', ["a", "b"]),
        ('{"0": ["n01", "a"], "1": ["n02", "b"]}', ["a", "b"]),
    ],
)
def test_labels_are_lines_or_json(tmp_path, text, labels):
    (tmp_path / "l").write_text(text)
    assert read_labels(str(tmp_path / "l")) == labels


def test_labels_that_are_none_or_too_few_are_refused(classifier):
    folder, _ = classifier
    (folder / "l.json").write_text(json.dumps({"5": "x"}))
    with pytest.raises(SpecError, match="neither a list of labels nor labels by number"):
        read_labels(str(folder / "l.json"))
    (folder / "two").write_text("a\nb\n")
    options = ExtractOptions(
        words=(str(folder / "p.png"),),
        net=str(folder / "net.onnx"),
        labels=str(folder / "two"),
        quiet=True,
    )
    with pytest.raises(Refusal, match="2 labels for an output of 3 values"):
        extract(options)


def test_a_file_too_long_for_labels_is_refused_and_not_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(classes, "MAX_LABELS", 7)
    (tmp_path / "l").write_text("cat\ndog")
    assert read_labels(str(tmp_path / "l")) == ["cat", "dog"]
    (tmp_path / "l").write_text("cat\ndogs")
    with pytest.raises(Refusal, match="longer than 7 characters"):
        read_labels(str(tmp_path / "l"))
