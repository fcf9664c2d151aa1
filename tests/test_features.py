"""The default recipe equals, map for map, plain loops written from the formula."""

import numpy as np
import pytest

from convcli.features import default_recipe, extract
from convcli.nets.layers import Activation
from convcli.nets.network import sequential
from convcli.pictures.montage import grid, normalised


def looped(x, weight):
    """z[k, i, j] = Σ_c Σ_u Σ_v x[c, i + u − 1, j + v − 1] · w[k, c, u, v], zeros outside."""
    filters, channels = weight.shape[:2]
    height, width = x.shape[1:]
    z = np.zeros((filters, height, width))
    for k in range(filters):
        for i in range(height):
            for j in range(width):
                for c in range(channels):
                    for u in range(3):
                        for v in range(3):
                            row, column = i + u - 1, j + v - 1
                            if 0 <= row < height and 0 <= column < width:
                                z[k, i, j] += x[c, row, column] * weight[k, c, u, v]
    return z


def test_the_default_recipe_is_the_formula():
    x = np.random.default_rng(3).random((3, 7, 6)).astype(np.float32)
    run = extract(default_recipe(), x, seed=5)
    generator = np.random.Generator(np.random.PCG64(5))
    maps, found = x.astype(np.float64), {one.name: one.maps for one in run.seen}
    for number in (1, 2, 3):
        weight = generator.standard_normal((3, 3, 3, 3))
        maps = looped(maps, weight)
        np.testing.assert_allclose(found[f"conv{number}"], maps, rtol=1e-4, atol=1e-4)
        maps = np.where(maps < 0, 0.1 * maps, maps)
        if number < 3:
            np.testing.assert_allclose(found[f"leaky_relu{number}"], maps, rtol=1e-4, atol=1e-4)


def test_every_filter_is_its_own():
    run = extract(default_recipe(), np.ones((1, 5, 5), np.float32))
    for weight in run.weights.values():
        flat = weight.reshape(len(weight), -1)
        assert len(np.unique(flat, axis=0)) == len(weight)
    assert run.weights["conv1"].shape == (3, 1, 3, 3)


def test_the_seed_decides():
    x = np.ones((3, 8, 8), np.float32)
    first, again, other = (extract(default_recipe(), x, seed).arrays() for seed in (1, 1, 2))
    assert set(first) >= {"input", "conv1", "conv3", "conv2.weight", "seed"}
    np.testing.assert_array_equal(first["conv3"], again["conv3"])
    assert (first["conv3"] != other["conv3"]).any()


def test_statistics_are_those_of_the_maps():
    x = np.array([[[-1.0, 2.0], [3.0, -4.0]]], np.float32)
    (seen,) = extract(sequential([Activation("leaky_relu", 0.5)]), x).seen
    values = [-0.5, 2, 3, -2]
    assert seen.maps.ravel().tolist() == values
    assert seen.mean == pytest.approx(np.mean(values))
    assert seen.spread == pytest.approx(np.std(values))
    assert seen.negative == 0.5


def test_maps_are_drawn_from_black_to_white():
    maps = np.array([[[0.0, 1.0], [2.0, 5.0]], [[7.0, 7.0], [7.0, 7.0]]])
    assert normalised(maps[0]).tolist() == [[0, 51], [102, 255]]
    sheet = grid({"conv1": maps}).pixels
    assert sheet[20:22, 8:10, 0].tolist() == [[0, 51], [102, 255]]
    assert sheet[20:22, 18:20, 0].tolist() == [[0, 0], [0, 0]]
