"""`extract_features`: what Python gets is what the command line writes, and refusals are its own."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from runs import run_network

from convcli.cli.main import run
from convcli.errors import PictureError, Refusal, SpecError, UnfitError
from convcli.features.config_options import read_setup
from convcli.features.extractor import Extractor, extract_features
from convcli.features.options import FeatureOptions
from convcli.nets.readers.read import read_text

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("cat.jpg", "leaf.png"):
        shutil.copy(SAMPLES / name, name)


def samples(name):
    with Image.open(name) as image:
        return np.asarray(image)


# the words of a command line → the arguments that mean the same
SAME = {
    "": {},
    "--seed 3": {"seed": 3},
    "--recipe texture": {"network": "texture"},
    "conv:4,3 relu maxpool:2": {"network": "conv:4,3 relu maxpool:2"},
    "conv:4,3 relu --layers relu1,conv1": {"network": "conv(4, 3); relu", "layers": "relu1,conv1"},
    "conv:4,3 relu --layers conv1 --gray": {
        "network": "conv(4, 3); relu",
        "layers": ["conv1"],
        "gray": True,
    },
    "conv:4,3 --init gabor --zero-mean --unit-norm": {
        "network": "conv:4,3",
        "init": "gabor",
        "zero_mean": True,
        "unit_norm": True,
    },
    "conv:4,3 --resize 40 --crop 32x24 --normalize imagenet": {
        "network": "conv:4,3",
        "resize": 40,
        "crop": (32, 24),
        "normalize": "imagenet",
    },
    "--net lenet5 --resize 30x50 --crop 30": {"network": "lenet5", "resize": (30, 50), "crop": 30},
}


@pytest.mark.parametrize(("line", "arguments"), SAME.items())
def test_the_command_line_gives_the_same_vector(here, capfd, line, arguments):
    words = f"extract cat.jpg {line} --vector std,grid:2x3 -q".split()
    code, refused = run(words), None
    out, err = capfd.readouterr()
    try:
        found = extract_features("cat.jpg", parts="std,grid:2x3", **arguments)
    except Refusal as refusal:
        refused = refusal
    if code:
        assert (f"Error: {refused}\n", refused.exit_code) == (err, code)
        return
    np.testing.assert_array_equal(found.vector, np.float32(json.loads(out)["vector"]))
    assert found.vector.dtype == np.float32
    assert len(found.names) == len(found.vector)


def test_maps_are_those_of_the_network_on_the_samples():
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 256, (9, 11, 3), np.uint8)
    text = "conv(4, 3); relu; conv(5, 3)"
    found = extract_features(pixels, text, seed=6, layers=["conv2", "conv1"], parts="max,mean")
    x = (pixels / np.float32(255)).transpose(2, 0, 1).astype(np.float32)
    whole = run_network(read_text(text).network, x, 6)
    assert set(found.maps) == {"conv1", "conv2"}
    for name, maps in found.maps.items():
        np.testing.assert_allclose(maps, whole.maps[name], rtol=1e-6)
    wanted = [
        part for name in ("conv2", "conv1")
        for part in (whole.maps[name].max((1, 2)), whole.maps[name].mean((1, 2)))
    ]  # fmt: skip
    np.testing.assert_allclose(found.vector, np.concatenate(wanted), rtol=1e-5)
    assert found.names[4:6] == ("conv2.max.4", "conv2.mean.0")


def test_an_array_is_the_picture_that_holds_it(here):
    """Eight and sixteen bits, grey and colour, with alpha and without, and floats of the same."""
    rng = np.random.default_rng(3)
    eight = rng.integers(0, 256, (12, 10, 4), np.uint8)
    deep = rng.integers(0, 65536, (12, 10), np.uint16)
    for array in (eight, eight[..., :3], eight[..., :2], eight[..., 0], deep):
        Image.fromarray(array).save("one.png")
        of_file = extract_features("one.png", "conv:3,3").vector
        np.testing.assert_array_equal(extract_features(array, "conv:3,3").vector, of_file)
        for dtype in (np.float64, np.float32):
            floats = (array / np.iinfo(array.dtype).max).astype(dtype)
            np.testing.assert_allclose(
                extract_features(floats, "conv:3,3").vector, of_file, rtol=1e-4, atol=1e-6
            )
    for same in (Path("one.png"), deep.astype(">u2")):
        np.testing.assert_array_equal(extract_features(same, "conv:3,3").vector, of_file)


def test_sides_are_one_number_or_two():
    array = np.random.default_rng(5).random((20, 30, 3))

    def shape(**arguments):
        return extract_features(array, "identity", **arguments).maps["identity1"].shape[1:]

    assert shape() == shape(resize="keep") == (20, 30)
    assert shape(resize=10) == shape(resize=np.int64(10)) == shape(resize=(10, 15)) == (10, 15)
    assert shape(crop=8) == shape(crop=[8, 8]) == (8, 8)
    assert shape(resize=(7, 9), crop=(5, 6)) == (5, 6)


def test_neither_the_array_nor_the_maps_are_written_over():
    array = np.linspace(-0.0, 1, 64, dtype=np.float32).reshape(8, 8, 1)
    before = array.copy()
    extractor = Extractor(read_setup(("abs", "conv:2,3", "relu"), FeatureOptions(layers="conv1")))
    first = extractor.features(array)
    kept = first.maps["conv1"].copy()
    extractor.features(1 - array)
    assert (first.maps["conv1"] < 0).any()
    np.testing.assert_array_equal(first.maps["conv1"], kept)
    np.testing.assert_array_equal(array, before)


def test_an_extractor_draws_weights_once_and_anew_where_they_do_not_fit(monkeypatch):
    from convcli.features import extractor

    calls = []
    draw = extractor.drawn
    monkeypatch.setattr(extractor, "drawn", lambda *how: calls.append(1) or draw(*how))
    two = Extractor(read_setup(("conv:2,3", "linear:3"), FeatureOptions(seed=4, vector="flatten")))
    small, large = np.ones((5, 5, 3)), np.ones((6, 5, 3))
    vectors = [two.features(one, keeps=False).vector for one in (small, small, large, small)]
    assert len(calls) == 3
    np.testing.assert_array_equal(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[0], vectors[3])
    assert not two.features(small, keeps=False).maps


def test_notes_say_what_the_network_and_its_file_gave_reason_to(here):
    np.savez("w.npz", **{"conv1.weight": np.ones((1, 3, 1, 1)), "spare.weight": np.ones(2)})
    found = extract_features("cat.jpg", "conv:1,1,bias=False", weights="w.npz")
    assert found.notes == ("1 other array left unread: spare.weight …",)
    assert found.memory.startswith("peak memory predicted: ")


# arguments → what is raised, and what it says
REFUSED = [
    ({"picture": "gone.png"}, PictureError, r"gone.png cannot be read: No such file"),
    ({"picture": np.ones((3, 9))[0]}, UnfitError, r"of the shape \(9,\) is not a picture"),
    ({"picture": np.ones((3, 8, 9))}, UnfitError, r"of the shape \(3, 8, 9\) is not a picture"),
    ({"picture": np.ones((0, 8, 3))}, UnfitError, r"of the shape \(0, 8, 3\) is not a picture"),
    ({"picture": np.ones((8, 8), int)}, UnfitError, "an array of int64 is not a picture"),
    ({"picture": None}, UnfitError, "is not a picture"),
    ({"picture": np.full((8, 8), np.nan)}, UnfitError, "not finite"),
    ({"picture": np.full((8, 8), 1e300)}, UnfitError, "not finite"),
    ({"network": "conv:4,9"}, UnfitError, "the kernel of 9 is longer than the input of 8"),
    ({"network": "rellu"}, SpecError, "did you mean relu"),
    ({"network": "conv3d:4,3"}, UnfitError, "runs on volumes"),
    ({"parts": "mode"}, SpecError, "'mode' is none of mean, std"),
    ({"layers": "conv9"}, SpecError, "no layer is called 'conv9'"),
    ({"seed": -1}, SpecError, "the seed -1 is negative"),
    ({"init": "gauss"}, SpecError, "init 'gauss' is not one of normal"),
    ({"normalize": "most"}, SpecError, "normalize 'most' is not one of unit"),
    ({"resize": 0}, SpecError, "1 pixel or more"),
    ({"resize": (1, 2, 3)}, SpecError, "not 3 numbers"),
    ({"crop": 9}, UnfitError, "the array: a crop of 9x9 is larger than the picture, 8x8"),
    ({"weights": "gone.npz"}, Refusal, "gone.npz cannot be read"),
    ({"weights": "gone.npz", "init": "he"}, SpecError, "are given, not drawn"),
    (
        {"network": "conv:1,1,bias=False conv:1,1", "picture": np.full((8, 8, 1), 3e38, np.float32),
         "init": "rademacher"},
        UnfitError,
        "the array: the vector holds values beyond float32",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "kind", "said"), REFUSED, ids=str)
def test_what_is_refused_says_why(here, arguments, kind, said):
    with pytest.raises(kind, match=said):
        extract_features(**{"picture": np.ones((8, 8, 3)), **arguments})
