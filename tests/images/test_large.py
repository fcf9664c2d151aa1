"""Pictures in bands are, sample for sample, what they are as a whole."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convcli.cli.main import run
from convcli.images.filters import out_of_core

pytest.importorskip("pyvips", reason="libvips is an extra: pip install 'convcli[large]'")

RECIPES = [
    "-k sobel", "-k gaussian:3 --exact", "-k box:31", "-k emboss --border reflect", "-k blur --border zero",
    "-k blur --border constant:9", "-k box:4 --border symmetric --stride 3x2", "-k sharpen --border valid",
    "-k scharr-y --border valid --stride 5", "-k laplacian --range signed --bias 3", "-k random:7,seed=2 --dilation 3",
]  # fmt: skip


@pytest.fixture
def small_bands(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(out_of_core, "BAND_SAMPLES", 1)


def samples(name):
    with Image.open(name) as image:
        return np.asarray(image).copy()


@pytest.mark.slow
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L", "I;16"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_bands_and_seams_cannot_be_seen(small_bands, capfd, monkeypatch, recipe, mode, big):
    if big:
        monkeypatch.setattr(out_of_core, "_is_big", lambda shape, dtype: True)
    pixels = np.random.default_rng(1).integers(0, 65536, (203, 61), np.uint16)
    image = Image.fromarray(pixels)
    if mode != "I;16":
        image = Image.fromarray(
            (pixels[..., None] // np.array([256, 300, 400])).astype(np.uint8)
        ).convert(mode)
    image.save("in.tif")
    assert run(["filter", "in.tif", *recipe.split(), "-o", "whole.tif"]) == 0
    whole = capfd.readouterr().err
    assert run(["filter", "in.tif", *recipe.split(), "-o", "bands.tif", "--max-memory", "1"]) == 0
    bands = capfd.readouterr().err
    np.testing.assert_array_equal(samples("bands.tif"), samples("whole.tif"))
    assert bands == whole.replace(":", ", in bands:", 1)


@pytest.mark.parametrize("suffix", [".tif", ".ppm"])
@pytest.mark.parametrize("form", ["tif", "png", "jpg"])
def test_formats_are_read_and_written_in_bands(small_bands, form, suffix):
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (90, 50, 3), np.uint8)).save(
        f"in.{form}"
    )
    assert (
        run(["filter", f"in.{form}", "-k", "blur", "-qo", f"bands{suffix}", "--max-memory", "1"])
        == 0
    )
    assert run(["filter", f"in.{form}", "-k", "blur", "-qo", f"whole{suffix}"]) == 0
    # decoders of JPEG may differ by a level
    off = 1 if form == "jpg" else 0
    np.testing.assert_allclose(
        samples(f"bands{suffix}").astype(int), samples(f"whole{suffix}").astype(int), atol=off
    )


# words → what is said
REFUSED = {
    "-k blur -k sharpen -o out.tif": "--max-memory",
    "-k blur --border wrap -o out.tif": "every border but wrap",
    "-k blur -o out.npy": "in bands results are written as TIFF",
    "-k blur -o out.png": "in bands results are written as TIFF",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_needs_the_whole_picture_is_refused(small_bands, capfd, words):
    Image.new("RGB", (40, 30)).save("in.tif")
    assert run(["filter", "in.tif", *words.split(), "--max-memory", "1"]) == 1
    assert REFUSED[words] in capfd.readouterr().err
    assert os.listdir() == ["in.tif"]


def test_a_cut_file_leaves_nothing(small_bands, capfd):
    Image.effect_noise((200, 300), 50).save("in.tif")
    Path("in.tif").write_bytes(Path("in.tif").read_bytes()[:40_000])
    assert run(["filter", "in.tif", "-k", "blur", "-o", "out.tif", "--max-memory", "1"]) == 1
    assert "in.tif" in capfd.readouterr().err
    assert os.listdir() == ["in.tif"]


def test_a_bomb_stays_a_bomb(small_bands, capfd):
    Image.new("L", (3000, 3000)).save("bomb.png")
    assert (
        run(["filter", "bomb.png", "-k", "blur", "-o", "out.png", "--max-pixels", "1000000"]) == 1
    )
    assert "--max-pixels 9000000 allows them" in capfd.readouterr().err
