"""`convcli extract` as it is used: words, vectors, distances, saved runs, refusals."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convcli.app.extract import split_words
from convcli.cli.main import run
from convcli.features.aggregations import pooled

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture
def shell(capfd, monkeypatch, tmp_path):
    """Runs convcli in a folder with the samples; gives its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    for name in ("leaf.png", "chart.png"):
        shutil.copy(SAMPLES / name, name)
    with Image.open(SAMPLES / "cat.jpg") as cat:  # its face, wider than high
        cat.crop((140, 100, 380, 260)).save("cat.jpg", quality=95)

    def call(line, *words):
        code = run([*line.split(), *words])
        return code, *capfd.readouterr()

    return call


WORDS = {
    "cat.jpg": (1, 0),
    "cat.jpg leaf.png": (2, 0),
    "cat.jpg conv:16,5,padding=2 relu": (1, 2),
    "cat.jpg vgg16": (1, 1),
    "none.JPG relu": (1, 1),
    "- relu": (1, 1),
    "photos/cat relu": (1, 1),
    "cat.jpg rellu": (1, 1),
    "nothing": (1, 0),
    "relu": (0, 1),
}


@pytest.mark.parametrize(("line", "counts"), WORDS.items())
def test_words_are_pictures_and_then_layers(line, counts):
    assert tuple(map(len, split_words(line.split()))) == counts


def test_vectors_are_lines_in_the_order_given(shell):
    line = "extract leaf.png cat.jpg --recipe texture --vector mean,std,max,ppv,l2"
    code, out, err = shell(line)
    rows = [json.loads(text) for text in out.splitlines()]
    assert (code, [row["path"] for row in rows]) == (0, ["leaf.png", "cat.jpg"])
    assert {len(row["vector"]) for row in rows} == {5 * 32}
    assert "seed 0, init normal zero-mean unit-norm" in err
    for format_, comma in (("csv", ","), ("tsv", "\t")):
        _, text, _ = shell(f"{line} --format {format_}")
        header, *lines = (one.split(comma) for one in text.splitlines())
        assert header[:2] == ["path", "abs1.mean.0"]
        assert header[-1] == "abs1.l2.31"
        assert [one[0] for one in lines] == ["leaf.png", "cat.jpg"]
        np.testing.assert_array_equal(np.float32(lines[1][1:]), np.float32(rows[1]["vector"]))
    assert shell(f"{line} -o set.npz -q") == (0, "", "")
    assert shell(f"{line} -o set.npy -q") == (0, "", "")
    with np.load("set.npz") as arrays:
        assert arrays["paths"].tolist() == ["leaf.png", "cat.jpg"]
        assert arrays["names"].tolist() == header[1:]
        np.testing.assert_array_equal(arrays["vectors"], np.load("set.npy"))
        np.testing.assert_array_equal(arrays["vectors"][0], np.float32(rows[0]["vector"]))


def test_vectors_are_of_the_layers_named(shell):
    shell("extract chart.png conv:4,3 relu maxpool:2 --save run.npz -q")
    words = "conv:4,3 relu maxpool:2 --layers relu1,max_pool1 --vector std,grid:2x3"
    _, out, _ = shell(f"extract chart.png {words} -q")
    maps = np.load("run.npz")
    expected = [
        pooled(maps[name], part) for name in ("relu1", "max_pool1") for part in ("std", "grid:2x3")
    ]
    vector = np.float32(json.loads(out)["vector"])
    np.testing.assert_allclose(vector, np.concatenate(expected), rtol=1e-6)
    wide = maps["relu1"].reshape(4, -1)
    np.testing.assert_allclose(vector[:4], wide.std(axis=1), rtol=1e-5)


def test_a_picture_that_fails_is_told_of_and_the_others_go_on(shell):
    Path("bad.png").write_text("not a picture")
    code, out, err = shell("extract cat.jpg bad.png leaf.png --vector mean")
    assert code == 1
    assert [json.loads(text)["path"] for text in out.splitlines()] == ["cat.jpg", "leaf.png"]
    assert "Error: bad.png is not a picture" in err
    assert err.endswith("Error: 1 of 3 pictures failed\n")


def test_a_folder_stands_for_its_pictures(shell):
    os.mkdir("photos")
    for name in ("b.png", "a.png"):
        shutil.copy("leaf.png", f"photos/{name}")
    shutil.copy("cat.jpg", "photos/c.jpe")
    Path("photos/notes.txt").write_text("not a picture")
    Path("photos/.hidden.png").write_text("not a picture")
    _, out, _ = shell("extract photos --vector mean -q")
    paths = [json.loads(text)["path"] for text in out.splitlines()]
    assert paths == [os.path.join("photos", name) for name in ("a.png", "b.png", "c.jpe")]
    # the same ones are drawn, and looked among
    assert shell("extract photos -q")[1].split() == ["a.maps.png", "b.maps.png", "c.maps.png"]
    _, out, _ = shell("extract leaf.png --nearest 9 --among photos -q")
    assert sorted(out.split()) == paths


@pytest.mark.parametrize("line", ["", "--vector mean", "--nearest 1 --among empty"])
def test_a_folder_without_pictures_is_refused(shell, line):
    os.mkdir("empty")
    name = "cat.jpg" if "among" in line else "empty"
    code, _, err = shell(f"extract {name} {line}")
    assert (code, err.startswith("Error: empty holds no pictures")) == (1, True)


def test_distances_are_a_matrix_and_neighbors_are_ranked(shell):
    shutil.copy("leaf.png", "same.png")
    names = "cat.jpg leaf.png chart.png same.png"
    code, out, _ = shell(f"extract {names} --distances euclidean --recipe texture")
    header, *rows = (line.split("\t") for line in out.splitlines())
    matrix = np.array([row[1:] for row in rows], float)
    assert (code, header[1:]) == (0, names.split())
    np.testing.assert_array_equal(matrix, matrix.T)
    assert matrix[1, 3] == 0
    assert (np.delete(matrix.ravel(), [0, 5, 10, 15, 7, 13]) > 0).all()
    _, cosine, _ = shell(f"extract {names} --distances cosine --recipe texture")
    vectors = [
        json.loads(text)["vector"]
        for text in shell(f"extract {names} --recipe texture --vector mean,std")[1].splitlines()
    ]
    a, b = np.array(vectors[0]), np.array(vectors[2])
    apart = 1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    assert float(cosine.splitlines()[1].split("\t")[3]) == pytest.approx(apart, rel=1e-4)
    assert shell(f"extract {names} --recipe texture --vector mean,std -o set.npz -q")[0] == 0
    # the set says how it was made, so that nothing needs saying again
    code, out, _ = shell("extract leaf.png --nearest 2 --among set.npz")
    header, first, second = (line.split("\t") for line in out.splitlines())
    assert (code, header) == (0, ["path", "rank", "neighbor", "distance"])
    assert first[:3] == ["leaf.png", "1", "same.png"]
    assert float(first[3]) < 1e-6 < float(second[3])
    code, _, err = shell("extract leaf.png --nearest 2 --among set.npz --recipe digits")
    assert code == 1
    assert "set.npz was made with network" in err


def test_a_saved_run_can_be_repeated_from_its_file_alone(shell):
    words = "conv:6,3,padding=1 leaky_relu:0.3 residual([conv(6,3,padding=1),bn]) linear:7"
    line = f"extract cat.jpg {words} --init orthogonal --seed 8 --resize 40 --crop 32x24"
    assert shell(f"{line} --normalize standard --save a.npz -q")[0] == 0
    assert shell("extract cat.jpg --like a.npz --save b.npz -o b.png -q")[0] == 0
    assert (
        shell(
            f"extract cat.jpg {words} --resize 40 --crop 32x24 --normalize standard "
            "--weights a.npz --save c.npz -o c.png -q"
        )[0]
        == 0
    )
    first = np.load("a.npz")
    assert first["input"].shape == (3, 32, 24)
    assert int(first["seed"]) == 8
    for name in ("b.npz", "c.npz"):
        again = np.load(name)
        assert set(again) == set(first)
        for key in set(first) - {"seed", "settings"}:
            np.testing.assert_array_equal(first[key], again[key], key)


def test_a_network_comes_as_a_name_a_file_or_a_pipe(shell):
    text = "input(16, 16, 3)\nconv1 = conv(5, 3)\nrelu\n"
    Path("my.net").write_text(text)
    _, named, _ = shell("extract cat.jpg --net my.net --vector mean -q")
    _, worded, _ = shell("extract cat.jpg my.net --vector mean -q")
    piped = subprocess.run(
        [
            sys.executable,
            "-m",
            "convcli",
            "extract",
            "cat.jpg",
            "--net",
            "-",
            "--vector=mean",
            "-q",
        ],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    assert named == worded == piped.stdout
    assert len(json.loads(named)["vector"]) == 5
    code, out, _ = shell("extract cat.jpg --net vgg16 --until conv1_2 --resize 48 -q -o v.png")
    assert (code, out) == (0, "v.png\n")
    code, out, err = shell("extract cat.jpg --net lenet5 -o l.png --format json")
    record = json.loads(out)
    assert record["input"] == {"height": 32, "width": 32, "channels": 1}
    assert record["layers"][-1]["output"] == {"channels": 10}
    assert "resized and cropped to the network's input, 32x32x1" in err


def test_a_folder_gets_a_grid_a_layer_and_the_filters(shell):
    code, out, _ = shell("extract leaf.png conv:4,3 relu conv:8,3 -o maps/ --signed -q")
    assert code == 0
    assert out.split() == [
        os.path.join("maps/", f"leaf.{name}.png")
        for name in ("conv1", "relu1", "conv2", "conv1.filters", "conv2.filters")
    ]
    with Image.open("maps/leaf.conv1.png") as sheet:
        assert sheet.width == 1200
    code, _, err = shell("extract leaf.png conv:4,3 relu conv:8,3 -o maps/ -q")
    assert (code, "already exists" in err) == (1, True)


def test_a_folder_of_a_network_without_filters_holds_its_maps(shell):
    code, out, _ = shell("extract leaf.png abs -o maps/ -q")
    assert (code, out.split()) == (0, [os.path.join("maps/", "leaf.abs1.png")])


def test_several_pictures_are_rows_of_one_table(shell):
    code, out, _ = shell("extract leaf.png cat.jpg abs")
    header, *rows = (line.split("\t") for line in out.splitlines())
    assert (code, header[:2]) == (0, ["picture", "layer"])
    assert [row[0] for row in rows] == ["leaf.png", "cat.jpg"]
    assert {"leaf.maps.png", "cat.maps.png"} <= set(os.listdir())


def test_a_preview_is_drawn_instead_of_a_file(shell):
    code, out, _ = shell("extract leaf.png conv:4,3 --preview")
    assert (code, "▀" in out, os.path.exists("leaf.maps.png")) == (0, True, False)


# line → exit code, part of what stands on stderr
REFUSED = {
    "extract": (2, "name a picture"),
    "extract relu": (2, "name a picture"),
    "extract cat.jpg rellu": (2, "did you mean relu?"),
    "extract cat.jpg conv:1,3 --net vgg16": (2, "--net does not go with layers"),
    "extract cat.jpg --net vgg16 --recipe digits": (2, "--net does not go with --recipe"),
    "extract cat.jpg --recipe cats": (2, "'cats' is not one of default, digits, texture"),
    "extract cat.jpg --init gauss": (2, "'gauss' is not one of normal, uniform, he"),
    "extract cat.jpg --net vgg16 --until conv9": (2, "no layer is called 'conv9'"),
    "extract cat.jpg conv:4,3 --until conv1 --layers relu1": (2, "no layer is called 'relu1'"),
    "extract cat.jpg conv:4,600": (1, "the kernel of 600 is longer than the input of 160"),
    "extract cat.jpg --vector mode": (2, "'mode' is none of mean, std, max"),
    "extract cat.jpg --vector mean,mean": (2, "names a part twice"),
    "extract cat.jpg --vector mean --format latex": (2, "vectors are written as jsonl"),
    "extract cat.jpg --format npy -o x.png": (2, "npy"),
    "extract cat.jpg leaf.png -o one.png": (2, "-o one.png is one sheet for 2 pictures"),
    "extract cat.jpg leaf.png --save a.npz": (2, "--save is for one picture, not 2"),
    "extract cat.jpg --crop 600": (1, "a crop of 600x600 is larger than the picture, 160x240"),
    "extract cat.jpg --resize 0": (2, "0 is too small"),
    "extract cat.jpg --resize 999999": (1, "makes more than"),
    "extract cat.jpg --preview -o -": (2, "-o - and --preview both use stdout"),
    "extract cat.jpg --gray --normalize imagenet": (1, "that of three colors"),
    "extract cat.jpg --weights none.npz": (1, "none.npz cannot be read: No such file"),
    "extract cat.jpg --weights text.npz": (1, "text.npz is not a file of arrays"),
    "extract cat.jpg --weights few.npz": (
        1,
        "few.npz lacks 2 arrays of the network's 3, conv2.weight",
    ),
    "extract cat.jpg --weights wrong.npz": (
        1,
        "conv1.weight has the shape (3, 3, 5, 5); the network needs (3, 3, 3, 3)",
    ),
    "extract cat.jpg --weights nan.npz conv:1,1,bias=False": (1, "not finite"),
    "extract cat.jpg --weights pickled.npz conv:1,1,bias=False": (1, "pickled.npz lacks 1 array"),
    "extract cat.jpg --weights few.npz --seed 3": (2, "--weights are given, not drawn"),
    "extract cat.jpg --weights few.npz --seed 0": (2, "--weights are given, not drawn"),
    "extract cat.jpg --like few.npz --seed 0": (2, "--seed does not go with settings taken"),
    "extract - --net - --vector mean": (2, "standard input is a picture, a list of pictures or"),
    "extract --net - --files-from - --vector mean": (2, "a list of pictures or a network, not"),
    "extract - --net -": (2, "standard input is a picture, a list of pictures or"),
    "extract cat.jpg --vector mean --format npz -o x.jpg": (2, "not the name of a file of npz"),
    "extract cat.jpg --vector mean -o x.net": (2, "x.net: vectors are written as jsonl"),
    "extract cat.jpg --vector mean -o ": (2, "-o '': vectors are written as jsonl"),
    "extract cat.jpg --distances cosine -o x.npz": (2, "distances are printed"),
    "extract cat.jpg --nearest 1 --among few.npz --format npy": (2, "is for vectors, not for"),
    "extract cat.jpg --like few.npz": (1, "few.npz has no array settings"),
    "extract cat.jpg --nearest 3": (2, "--nearest looks among several pictures"),
    "extract cat.jpg --among few.npz": (2, "--among goes with --nearest"),
    "extract cat.jpg --nearest 3 --among few.npz": (1, "few.npz has no array vectors"),
    "extract cat.jpg relu --filters f.png -o m.png": (1, "the network has no convolutions"),
    "extract cat.jpg conv:1,1 --zero-mean --gray": (1, "zero-mean erases filters"),
    "extract cat.jpg linear:200000": (1, "of memory, this machine has"),
    "extract cat.jpg leaf.png linear:4 --vector mean": (
        1,
        "so their vectors cannot be compared",
    ),
    "extract cat.jpg linear:200000 -q": (1, "of memory, this machine has"),
    "extract cat.jpg linear:200000 --vector mean -q": (1, "of memory, this machine has"),
    "extract cat.jpg relu --save s.npz --filters f.png -o m.png": (1, "the network has no conv"),
    "extract cat.jpg conv3d:4,3": (1, "conv1: conv3d runs on volumes"),
}


@pytest.mark.parametrize(("line", "expected"), REFUSED.items())
def test_a_refusal_says_why(shell, monkeypatch, line, expected):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"cat.jpg\n")))
    Path("text.npz").write_text("no archive")
    ones = np.ones((3, 3, 3, 3), np.float32)
    np.savez("few.npz", **{"conv1.weight": ones})
    np.savez("wrong.npz", **{f"conv{n}.weight": np.ones((3, 3, 5, 5)) for n in (1, 2, 3)})
    np.savez("nan.npz", **{"conv1.weight": np.full((1, 3, 1, 1), np.nan)})
    np.savez("pickled.npz", **{"conv1.weight": np.array([object()])})
    before = set(os.listdir())
    code, _, err = shell(line, *[""] * line.endswith(" "))
    assert (code, err.rpartition("Error: ")[0].count("Traceback")) == (expected[0], 0)
    assert expected[1] in err
    assert set(os.listdir()) == before


MODEL = """import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.unused = nn.Linear(7, 5)
        self.first = nn.Conv2d(3, 4, 3)
        self.second = nn.Conv2d(4, 6, 3)
    def forward(self, x):
        return self.second(self.first(x).relu()).mean((2, 3))
"""


def test_a_model_file_gives_the_same_vector_alone_in_a_batch_and_from_a_saved_run(shell):
    Path("model.py").write_text(MODEL)
    line = "extract cat.jpg --net model.py --resize 32 --vector mean -q"
    code, out, _ = shell(line)
    assert (code, len(json.loads(out)["vector"])) == (0, 6)
    assert shell(f"{line} --jobs 1") == (0, out, "")
    assert shell("extract cat.jpg --net model.py --resize 32 --save run.npz -q")[0] == 0
    assert shell("extract cat.jpg --like run.npz --vector mean -q") == (0, out, "")


def test_a_model_file_elsewhere_is_opened_where_it_is_named(shell):
    os.mkdir("apart")
    Path("apart/model.py").write_text(MODEL)
    line = "extract cat.jpg --resize 32 --vector mean -q"
    out = shell(f"{line} --net apart/model.py")[1]
    assert shell(f"{line} --net apart/model.py -o run.npz")[0] == 0
    like = "extract cat.jpg --like run.npz --vector mean -q"
    assert shell(like)[0] == 1
    assert shell(f"{like} --net apart/model.py") == (0, out, "")
    shutil.copy("run.npz", "apart/run.npz")
    assert shell(like.replace("run.npz", "apart/run.npz")) == (0, out, "")
    code, _, err = shell(f"{like} --net apart/model.py --weights w.npz")
    assert (code, err) == (2, "Error: --weights does not go with settings taken from run.npz\n")


def test_those_looked_among_meet_the_same_weights_as_the_picture(shell):
    """A linear layer draws other weights for pictures of another size: nothing can be compared."""
    os.mkdir("among")
    for name in ("leaf.png", "cat.jpg"):  # 256x256 and 160x240
        shutil.copy(name, "among")
    shutil.copy("leaf.png", "other.png")
    code, out, err = shell("extract other.png linear:3 --nearest 5 --among among")
    assert (code, [row.split("\t")[2] for row in out.splitlines()[1:]]) == (1, ["among/leaf.png"])
    assert "among/cat.jpg: linear1.weight has the shape (3, 115200) here" in err
    assert err.endswith("Error: 1 of 3 pictures failed\n")
    # a saved set says what it met, and may come from elsewhere
    assert shell("extract leaf.png linear:3 --vector mean,std -o set.npz -q")[0] == 0
    assert shell("extract other.png --nearest 1 --among set.npz -q")[:2] == (0, "leaf.png\n")
    code, _, err = shell("extract cat.jpg --nearest 1 --among set.npz -q")
    assert (code, "(3, 115200) here and (3, 196608)" in err) == (1, True)
    with np.load("set.npz") as held:
        arrays = dict(held)
    for shapes in ("{", "[]", '{"a": 3}', '{"a": [1e999]}', '{"a": ["x"]}'):
        np.savez("odd.npz", **arrays | {"shapes": np.array(shapes)})
        code, _, err = shell("extract other.png --nearest 1 --among odd.npz -q")
        assert (code, "odd.npz does not hold vectors" in err) == (1, True)
    del arrays["shapes"]
    np.savez("old.npz", **arrays)
    assert shell("extract other.png --nearest 1 --among old.npz -q")[:2] == (0, "leaf.png\n")


@pytest.mark.parametrize("jobs", ["", "--jobs 2 --report r.jsonl"])
def test_failures_of_both_sides_of_a_comparison_are_counted_together(shell, jobs):
    os.mkdir("among")
    shutil.copy("leaf.png", "among")
    for name in ("bad.png", "among/bad.png", "among/worse.png"):
        Path(name).write_text("not a picture")
    code, out, err = shell(f"extract cat.jpg bad.png --nearest 5 --among among {jobs}")
    assert (code, len(out.splitlines())) == (1, 2)
    assert err.endswith("Error: 3 of 5 pictures failed\n")
    if jobs:
        records = map(json.loads, Path("r.jsonl").read_text().splitlines())
        names = [record["path"] for record in records]
        assert names == ["bad.png", "among/bad.png", "among/worse.png"]


@pytest.mark.parametrize("line", ["cat.jpg --among bad", "bad --among leaf.npz", "bad"])
def test_nothing_is_shown_where_one_side_of_a_comparison_failed(shell, line):
    os.mkdir("bad")
    for name in ("bad/a.png", "bad/b.png"):
        Path(name).write_text("not a picture")
    assert shell("extract leaf.png --vector mean,std -o leaf.npz -q")[0] == 0
    code, out, err = shell(f"extract {line} --nearest 1")
    assert (code, out, err.count("is not a picture")) == (1, "", 2)
    assert re.search(r"Error: 2 of [23] pictures failed\n$", err)


def test_pictures_of_one_name_are_not_drawn_over_each_other(shell):
    shutil.copy("leaf.png", "cat.png")
    code, _, err = shell("extract cat.jpg cat.png abs -o maps/ --force -q")
    assert code == 1
    assert err.startswith("Error: cat.png and cat.jpg would both be drawn in maps/cat.*.png")
    assert not os.path.exists("maps")


def test_of_many_layers_without_windows_evenly_spaced_ones_are_drawn(shell):
    words = ["relu", "abs"] * 30
    code, _, err = shell("extract leaf.png --resize 8 -o maps/", *words)
    assert (code, len(os.listdir("maps"))) == (0, 40)
    assert "40 of 60 layers are drawn" in err


def test_folders_for_grids_are_made(shell):
    code, out, _ = shell("extract leaf.png abs -o some/maps/ -q")
    assert (code, out) == (0, "some/maps/leaf.abs1.png\n")
    Path("file").write_text("no folder")
    code, _, err = shell("extract leaf.png abs -o file/maps/ -q")
    assert (code, err) == (1, "Error: file/maps/ cannot be made: Not a directory\n")


SETTINGS = {
    "network": ["conv:2,3"],
    "seed": 0,
    "name": "he",
    "gray": False,
    "channels": 3,
    "resize": None,
    "crop": None,
    "normalize": "unit",
    "layers": [],
    "last": "conv1",
}

NO_SETTINGS = "set.npz does not hold the settings of a run"

# what a stranger's file says → exit code, what the refusal says
HOSTILE = [
    ({}, 0, ""),
    ({"name": "gauss"}, 1, f"{NO_SETTINGS}: init 'gauss' is not one of"),
    ({"normalize": "x"}, 1, f"{NO_SETTINGS}: normalize 'x' is not one of"),
    ({"seed": -1}, 1, f"{NO_SETTINGS}: the seed -1 is negative"),
    ({"seed": float("inf")}, 1, NO_SETTINGS),
    ({"resize": [0]}, 1, f"{NO_SETTINGS}: pictures are resized"),
    ({"resize": ["a"]}, 1, NO_SETTINGS),
    ({"resize": [5, 5, 5]}, 1, f"{NO_SETTINGS}: resize takes"),
    ({"crop": [1]}, 1, NO_SETTINGS),
    ({"channels": "x"}, 1, NO_SETTINGS),
    ({"channels": 7}, 1, "the network takes 7 channels"),
    ({"weights": 3}, 1, "was made with 3, which is not beside it and is not opened"),
    ({"weights": "/dev/zero"}, 1, "add --weights /dev/zero to open it"),
    ({"weights": "apart/w.npz"}, 1, "add --weights apart/w.npz to open it"),
    ({"network": ["apart/net.py:Net(3)"]}, 1, "add --net apart/net.py:Net(3) to open it"),
    ({"network": ["link.net"]}, 1, "was made with link.net, which is not beside it"),
    ({"network": ["-"]}, 1, "was made with -, which is not beside it"),
    ({"network": ["relu", "apart/net.py:Net"]}, 1, NO_SETTINGS),
    ({"layers": ["conv9"]}, 2, "no layer is called 'conv9'"),
    ({"last": "conv9"}, 2, "no layer is called 'conv9'"),
    ({"network": []}, 2, "holds no layers"),
    ({"network": 3}, 1, NO_SETTINGS),
]


@pytest.mark.parametrize(("said", "expected", "refusal"), HOSTILE, ids=str)
def test_settings_of_a_stranger_are_taken_or_refused(shell, said, expected, refusal):
    np.savez("set.npz", settings=np.array(json.dumps(SETTINGS | said)))
    os.mkdir("apart")
    for name in ("net.py", "w.npz", "net.net"):
        Path("apart", name).write_text("secret")
    os.symlink("apart/net.net", "link.net")
    code, _, err = shell("extract cat.jpg --like set.npz --vector mean -q")
    assert "secret" not in err
    assert (code, refusal in err, "Traceback" in err) == (expected, True, False)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"seed": ' + 5000 * "9" + "}", 9999 * "["])
def test_text_that_is_no_settings_is_refused(shell, text):
    np.savez("set.npz", settings=np.array(text))
    code, _, err = shell("extract cat.jpg --like set.npz --vector mean -q")
    assert (code, err) == (1, f"Error: {NO_SETTINGS}\n")


def test_a_set_that_expands_beyond_the_memory_is_refused(shell, monkeypatch):
    np.savez_compressed("set.npz", vectors=np.zeros((9, 99), np.float32), paths=np.array(["a"] * 9))
    monkeypatch.setattr("convcli.runtime.array_files.available", lambda: 999)
    code, _, err = shell("extract cat.jpg --nearest 1 --among set.npz")
    assert (code, "set.npz: vectors takes 3.61 KiB of memory, 999 bytes are available" in err) == (
        1,
        True,
    )


@pytest.mark.parametrize("asked", ["--vector mean", "--distances cosine", "-q -o"])
def test_paths_with_line_breaks_are_quoted_in_csv_and_escaped_elsewhere(tmp_path, asked):
    names = ["a\nb.png", 'c\x1b[31m,"\r.png', os.fsdecode(b"d\xff.png")]
    for name in names:
        Image.new("RGB", (40, 40), (9, 99, 200)).save(tmp_path / name, "PNG")

    def call(*words):
        command = [sys.executable, "-m", "convcli", "extract", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True)

    if asked == "-q -o":
        done = call(names[0], "conv:2,3", "-o", "x\ny.png")
        assert b"drawn in x\\ny.png\n" in done.stderr
        return
    words = [*names, "conv:2,3", *asked.split(), "--format"]
    text = call(*words, "csv").stdout.decode("utf-8", "surrogateescape")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    found = {value for row in rows for value in row}
    assert set(names) <= found
    assert len({len(row) for row in rows}) == 1
    lines = call(*words, "tsv").stdout.decode().splitlines()
    assert len(lines) == len(rows)
    assert any("a\\nb.png" in one for one in lines)


def test_a_bad_picture_leaves_the_sheets_of_the_others(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "c.png"):
        shutil.copy(SAMPLES / "chart.png", name)
    Path("b.png").write_text("not a picture")
    assert run(["extract", "a.png", "b.png", "c.png", "conv:2,3", "-q"]) == 1
    out, err = capfd.readouterr()
    assert out.split() == ["a.maps.png", "c.maps.png"]
    assert "failed: b.png is not a picture" in err
    assert err.endswith("Error: 1 of 3 pictures failed\n")


@pytest.mark.slow
def test_a_wide_layer_gives_the_same_bytes_however_many_work(shell):
    """554,040 numbers in each sum, whose order decides the last bit: one core each, everywhere."""
    shutil.copy("cat.jpg", "cat2.jpg")
    line = "extract cat.jpg cat2.jpg flatten linear:4 --resize 405x456 --vector flatten -q"
    code, out, _ = shell(f"{line} --layers linear1 --jobs 1")
    assert (code, len(out.splitlines())) == (0, 2)
    assert shell(f"{line} --layers linear1 --jobs 2") == (0, out, "")
    alone = line.replace(" cat2.jpg", "")
    assert shell(f"{alone} --layers linear1")[1] == out.splitlines(keepends=True)[0]
