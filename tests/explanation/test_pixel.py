"""One real pixel: what is explained is what `filter` does to it."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convcli.cli.main import run

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.mark.parametrize("kernel", ["sharpen", "sobel", "sobel-x", "gaussian:1", "emboss", "box:4"])
@pytest.mark.parametrize(
    ("name", "at"), [("cat.jpg", (120, 80)), ("cat.jpg", (0, 511)), ("chart.png", (40, 0))]
)
def test_before_and_after_are_those_of_the_pictures(capfd, tmp_path, kernel, name, at):
    target = tmp_path / "after.png"
    assert run(["filter", str(SAMPLES / name), "-k", kernel, "-o", str(target)]) == 0
    capfd.readouterr()
    line = ["explain", str(SAMPLES / name), "--kernel", kernel, "--at", f"{at[0]},{at[1]}"]
    assert run([*line, "--format", "json"]) == 0
    record = json.loads(capfd.readouterr().out)
    with Image.open(SAMPLES / name) as before, Image.open(target) as after:
        assert record["before"] == np.atleast_1d(np.asarray(before)[at]).tolist()
        assert record["after"] == np.atleast_1d(np.asarray(after)[at]).tolist()
    for channel in record["channels"]:
        window = np.array(channel["window"], float)
        for part, total in zip(record["kernel"]["parts"], channel["sums"], strict=True):
            taps = np.array(part, float)
            rows, columns = taps.shape
            assert (window[:rows, :columns] * taps).sum() == pytest.approx(total)
    assert run(line) == 0
    out = capfd.readouterr().out
    assert f"{kernel.partition(':')[0]} at row {at[0]}, column {at[1]}" in out
    assert f"after {record['after'][0]}" in out


def test_an_anchor_of_a_file_moves_the_window(capfd, tmp_path):
    (tmp_path / "k.json").write_text('{"anchor": [0, 2], "matrix": [[1, 2, -1], [0, 1, -2]]}')
    words = [str(SAMPLES / "cat.jpg"), "--kernel", f"@{tmp_path}/k.json"]
    assert run(["filter", *words, "-o", str(tmp_path / "after.png")]) == 0
    capfd.readouterr()
    for at in ((120, 80), (0, 0), (383, 1)):
        assert run(["explain", *words, "--at", f"{at[0]},{at[1]}", "--format", "json"]) == 0
        record = json.loads(capfd.readouterr().out)
        with Image.open(tmp_path / "after.png") as after:
            assert record["after"] == np.asarray(after)[at].tolist()
        for channel in record["channels"]:
            total = (np.array(channel["window"]) * [[1, 2, -1], [0, 1, -2]]).sum()
            assert channel["sums"] == [total]


def test_a_crop_of_a_picture_is_walked_over(capfd):
    line = f"explain {SAMPLES / 'cat.jpg'} --at 120,80 --input 6x5 --kernel sharpen --format json"
    assert run(line.split()) == 0
    record = json.loads(capfd.readouterr().out)
    with Image.open(SAMPLES / "cat.jpg") as picture:
        crop = np.asarray(picture)[118:124, 78:83].transpose(2, 0, 1)
    assert record["input"]["values"] == crop.tolist()


# kernel → how the response 180 − 20·(0 to 8) of a ramp becomes a sample
FITTED = {
    "0 0 0; 0 1 0; 0 0 0": "response 100, after 100 (as it is)",
    "1/3 0 0": "response 40, after 40 (as it is)",
    "1/8 0 0": "response 15, after 15 (as it is)",
    "1/7 0 0": "response 120/7, after 17 (rounded)",
    "3 0 0": "response 360, after 255 (clipped to 0 to 255)",
    "-1 0 0": "response -120, after 120 (without its sign)",
    "-1 0 1": "response -40, after 40 (without its sign)",
    "sobel-x": "response -160, after 40 (without its sign, times 0.25)",
    "sobel": "response 505.96, after 126 (times 0.25, rounded)",
}


@pytest.mark.parametrize(("kernel", "expected"), FITTED.items())
def test_how_a_response_becomes_a_sample_is_said(capfd, tmp_path, kernel, expected):
    ramp = np.array([[180, 160, 140], [120, 100, 80], [60, 40, 20]], np.uint8)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    words = [str(tmp_path / "ramp.png"), "--kernel", kernel, "--at", "1,1"]
    assert run(["explain", *words]) == 0
    assert f"before 100, {expected}\n" in capfd.readouterr().out


# kind of picture → part of the refusal
def test_what_cannot_be_explained_says_why(capfd, tmp_path):
    Image.new("RGBA", (5, 5), (255, 0, 0, 9)).save(tmp_path / "clear.png")
    for line, words in {
        f"{tmp_path}/clear.png --kernel blur --at 2,2": "transparent pixels",
        f"{SAMPLES}/cat.jpg --kernel blur --at 600,2": "rows 0 to 511",
        f"{SAMPLES}/cat.jpg --kernel box:99 --at 2,2": "at most 31x31",
        f"{SAMPLES}/cat.jpg --kernel 3 --input 9x9 --at 2,2": "goes beyond the picture",
        f"{SAMPLES}/cat.jpg --kernel 3 --input 9x9": "give --at",
        f"{SAMPLES}/cat.jpg --kernel 3 --input 0x9 --at 9,9": "0 is too small",
        f"{SAMPLES}/cat.jpg --kernel 3 --input 9x9x1 --at 9,9": "the picture has 3 channels",
    }.items():
        code = run(["explain", *line.split()])
        err = capfd.readouterr().err
        assert code in (1, 2)
        assert words in err


def test_a_receptive_field_is_drawn_on_the_picture(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = f"explain --receptive vgg16 --unit conv3_3:5,7 {SAMPLES / 'cat.jpg'}"
    assert run(line.split()) == 0
    out, err = capfd.readouterr()
    assert "sees 40x40 cells of the input" in out
    # unit 5 of conv3_3: 5·4 − 18 to 5·4 + 21 of 224 rows, and as pixels of 512
    assert "rows 2 to 41: pixels 4 to 95 of the picture" in out
    assert "columns 10 to 49: pixels 22 to 114 of the picture" in out
    assert err == "drawn in cat.receptive.png\n"
    with Image.open("cat.receptive.png") as drawn, Image.open(SAMPLES / "cat.jpg") as picture:
        shown, full = np.asarray(drawn).astype(int), np.asarray(picture).astype(int)
    inside = np.s_[4:96, 22:115]
    assert (shown[inside] == full[inside]).all()
    assert (shown[300:512, 300:] <= full[300:, 300:]).all()
    assert len(shown) == 512 + 2 * 16
    assert (shown[512:] == (40, 40, 40)).all(axis=2).any()  # the caption
    assert run(line.split()) == 1  # it already exists
    assert os.listdir() == ["cat.receptive.png"]
