"""The walk: the default recipe is its formula, nothing is kept too long, every layer runs."""

import hashlib
import os
import subprocess
import sys
import weakref
from math import prod

import numpy as np
import pytest
from runs import run_network

from convcli.errors import SpecError, UnfitError
from convcli.features.layer_stats import layer_stats
from convcli.features.presets import RECIPES
from convcli.nets import layers as records
from convcli.nets.analysis.summary import summarize
from convcli.nets.analysis.valid_inputs import Search
from convcli.nets.readers.read import read_text
from convcli.nets.zoo import FILES as ZOO_FILES
from convcli.nets.zoo import zoo_text
from convcli.runtime.executor import until, walk
from convcli.runtime.initializers import INITS
from convcli.runtime.layers import FORWARD
from convcli.runtime.weights import drawn, slopes, slots


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


def default_run(x, seed=0):
    recipe = RECIPES["default"]
    return run_network(read_text(recipe.network).network, x, seed, recipe.init)


def test_the_default_recipe_is_the_formula():
    x = np.random.default_rng(3).random((3, 7, 6)).astype(np.float32)
    run = default_run(x, seed=5)
    generator = np.random.Generator(np.random.PCG64(5))
    maps = x.astype(np.float64)
    for number in (1, 2, 3):
        maps = looped(maps, generator.standard_normal((3, 3, 3, 3)))
        np.testing.assert_allclose(run.maps[f"conv{number}"], maps, rtol=1e-4, atol=1e-4)
        maps = np.where(maps < 0, 0.1 * maps, maps)
        if number < 3:
            np.testing.assert_allclose(run.maps[f"leaky_relu{number}"], maps, rtol=1e-4, atol=1e-4)


def test_every_filter_is_its_own():
    weights = default_run(np.ones((1, 5, 5), np.float32)).weights
    for weight in weights.values():
        assert len(np.unique(weight.reshape(len(weight), -1), axis=0)) == len(weight)
    assert weights["conv1.weight"].shape == (3, 1, 3, 3)


def test_the_seed_decides():
    x = np.ones((3, 8, 8), np.float32)
    first, again, other = (default_run(x, seed).maps["conv3"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


ODD = ("unet", "lenet-300-100")
"""The crops of one fit few sizes, and the other has no windows."""


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*ZOO_FILES} - {"unet"}))
def test_a_zoo_network_runs_at_its_smallest_input_as_predicted(name, monkeypatch):
    """Shapes, weights and multiply–accumulates are those that `shape` says."""
    reading = read_text(zoo_text(name))
    side = Search(reading.network, reading.input).smallest()
    rows = summarize(reading.network, (reading.input[0], side, side)).rows
    weights = light_weights(rows)
    assert sum(prod(slot.shape) for slot in slots(rows).values()) - missing(name) == sum(
        row.trainable + row.statistics for row in rows
    )
    done = counted_macs(monkeypatch)
    x = np.random.default_rng(0).random((reading.input[0], side, side), np.float32)
    for step in walk(rows, x, weights):
        assert step.maps.shape == step.row.output, step.row.name
        assert sum(done) == step.row.macs, step.row.name
        done.clear()
    assert np.isfinite(step.maps).all()


def light_weights(rows):
    """Small positive weights, without the seconds that millions of random ones take."""
    return {
        name: np.full(slot.shape, 1 / prod(slot.shape[1:]), np.float32)
        for name, slot in slots(rows).items()
    }


def missing(name):
    """Weights of LeNet-5's C3 between maps that its paper does not connect."""
    return 36 * 25 if name == "lenet5-1998" else 0


def counted_macs(monkeypatch):
    """A list that every product of the core adds its multiply–accumulates to."""
    from convcli import conv
    from convcli.runtime import layers

    done = []

    class Counting:
        def __getattr__(self, name):
            return getattr(conv, name)

        def conv2d(self, x, weight, *args, **options):
            y = conv.conv2d(x, weight, *args, **options)
            pairs = np.count_nonzero(np.abs(weight).sum(axis=(2, 3)))
            done.append(int(pairs) * prod(weight.shape[2:]) * prod(y.shape[1:]))
            return y

        def linear(self, x, weight, bias=None):
            done.append(weight.size)
            return conv.linear(x, weight, bias)

    monkeypatch.setattr(layers, "conv", Counting())
    return done


THIN = 1
"""Filters of every layer where only the reach of windows is looked at."""


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*ZOO_FILES} - {*ODD}))
def test_the_receptive_field_is_what_reaches_the_middle(name):
    """Halving finds the first and the last row of the input that a middle output depends on."""
    reading = read_text(zoo_text(name))
    nodes = [node._replace(layer=thin(node.layer)) for node in reading.network.nodes]
    last = max(i for i, n in enumerate(nodes) if isinstance(n.layer, records.Conv | records.Pool))
    network = reading.network._replace(nodes=tuple(nodes[: last + 1]))
    channels = reading.input[0]
    at = max(Search(reading.network, reading.input).smallest(), 40)
    reach = summarize(network, (channels, 2048, at)).rows[-1].receptive_field[0]
    height = 2 * reach.size + 4 * reach.jump
    rows = summarize(network, (channels, height, at)).rows
    weights = {key: np.ones_like(value) for key, value in light_weights(rows).items()}
    weights |= {key: 0 * value for key, value in weights.items() if key.endswith(("mean", "bias"))}
    middle = rows[-1].output[1] // 2
    seen = rows[-1].receptive_field[0]
    first = max(seen.first + seen.jump * middle, 0)
    after = min(seen.first + seen.jump * middle + seen.size, height)

    def reaches(start, stop):
        x = np.zeros((channels, height, at), np.float32)
        x[:, start:stop] = 1
        return bool(lit(rows, x, weights)[:, middle].any())

    assert reaches(first, first + 1), "its first row"
    assert reaches(after - 1, after), "its last row"
    assert not reaches(0, first), "a row before"
    assert not reaches(after, height), "a row behind"


def thin(layer):
    """The layer with one filter, which reaches as far."""
    if isinstance(layer, records.Conv):
        return layer._replace(filters=THIN, groups=1, connections=None)
    return layer


def lit(rows, x, weights):
    """Where anything arrives: maps of 0 and 1, cut anew behind every layer, so that nothing fades."""
    from convcli.runtime.layers import forward

    known = {"input": x}
    for row in rows:
        own = {
            key.removeprefix(f"{row.name}."): value
            for key, value in weights.items()
            if key.rpartition(".")[0] == row.name
        }
        y = forward(row.node.layer, [known[name] for name in row.node.inputs], own)
        known[row.name] = (y > 1e-3).astype(np.float32)
    return known[rows[-1].name]


def test_maps_are_freed_when_nobody_reads_them_again():
    network = read_text("conv(2, 3); residual([conv(2, 3, padding=1), relu]); conv(2, 1)").network
    rows = summarize(network, (3, 9, 9)).rows
    weights = drawn(rows, 0, RECIPES["default"].init, slopes(network))
    alive = {}
    for step in walk(rows, np.ones((3, 9, 9), np.float32), weights):
        alive[step.row.name] = weakref.ref(step.maps)
        del step
        held = {name for name, one in alive.items() if one() is not None}
        if "residual1.body.relu1" in alive:
            assert "residual1.body.conv1" not in held
        if "residual1.body.conv1" in alive and "residual1.add" not in alive:
            assert "conv1" in held  # the shortcut still reads it
    assert "conv1" not in held


def test_a_network_ends_where_it_is_told_to_with_the_same_weights():
    network = read_text(zoo_text("inception")).network
    x = np.random.default_rng(1).random((192, 6, 6), np.float32)
    whole = run_network(network, x, 3)
    assert "concat1.1.conv2" in whole.maps
    part = run_network(network, x, 3, last="concat1.1.conv2")
    assert list(part.maps)[-1] == "concat1.1.conv2"
    np.testing.assert_array_equal(part.maps["concat1.1.conv2"], whole.maps["concat1.1.conv2"])
    with pytest.raises(SpecError, match=r"no layer is called 'conv9'"):
        until(network, ["conv9"])


def test_rectifiers_that_write_over_their_input_spare_what_others_read():
    text = "conv(4, 3); relu; residual([conv(4, 3, padding=1), abs]); dropout; relu; conv(2, 1)"
    network = read_text(text).network
    x = np.random.default_rng(1).standard_normal((3, 9, 9)).astype(np.float32)
    kept = run_network(network, x, 3)
    rows = summarize(network, x.shape).rows
    for step in walk(rows, x.copy(), kept.weights, names=[rows[-1].name]):
        np.testing.assert_array_equal(step.maps, kept.maps[step.row.name], step.row.name)


def test_what_cannot_be_run_is_refused_by_name():
    with pytest.raises(UnfitError, match="conv1: conv3d runs on volumes"):
        run_network(read_text("conv3d(2, 3)").network, np.ones((3, 9, 9), np.float32))
    with pytest.raises(UnfitError, match="mode 'bicubic'"):
        run_network(
            read_text("nn.Upsample(scale_factor=2, mode='bicubic')").network,
            np.ones((3, 9, 9), np.float32),
        )


def test_every_record_of_a_layer_has_a_forward_meaning():
    kinds = {
        one
        for one in vars(records).values()
        if isinstance(one, type) and hasattr(one, "measure") and one.__name__ != "Layer"
    }
    assert kinds <= set(FORWARD)


STATISTICS = "conv(8, 5, padding=2); relu; maxpool(2); conv(12, 3); leaky_relu(0.2); lcn(5)"

GOLDEN = "275d24bdd03c25d58143f7e15597a11738f13066bae1bc420e2345a6b7ea0d39"
"""SHA-256 of the figures of every init, rounded to three digits."""


def figures():
    """Mean and spread of every layer for every init, as text of three digits."""
    rng = np.random.Generator(np.random.PCG64(11))
    x = rng.random((3, 20, 17)).astype(np.float32)
    network = read_text(STATISTICS).network
    lines = []
    for init in INITS:
        run = run_network(network, x, 2, init)
        for name, maps in run.maps.items():
            wide = maps.astype(np.float64)
            lines.append(f"{init} {name} {wide.mean():.3g} {wide.std():.3g}")
    return "\n".join(lines)


def test_the_same_seed_gives_the_same_figures_everywhere():
    """One hash for every NumPy, BLAS and number of threads."""
    assert hashlib.sha256(figures().encode()).hexdigest() == GOLDEN, figures()


def test_threads_and_processes_change_nothing(tmp_path):
    code = (
        "import sys, numpy as np\n"
        "from runs import run_network\n"
        "from convcli.nets.readers.read import read_text\n"
        "x = np.random.default_rng(0).random((3, 96, 96), np.float32)\n"
        "net = read_text('conv(48, 3, padding=1); relu; conv(96, 3); abs; conv(32, 7)').network\n"
        "np.savez(sys.argv[1], **run_network(net, x, 9).maps)\n"
    )
    runs = []
    for threads in ("1", "2"):
        path = tmp_path / f"{threads}.npz"
        limits = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), threads)
        limits["PYTHONPATH"] = os.pathsep.join(sys.path)
        subprocess.run(
            [sys.executable, "-c", code, str(path)], env={**os.environ, **limits}, check=True
        )
        runs.append(dict(np.load(path)))
    one, two = runs
    for name, maps in one.items():
        np.testing.assert_allclose(two[name], maps, rtol=1e-5, atol=1e-5 * np.abs(maps).max())


def test_figures_are_those_of_the_maps():
    x = np.array([[[-1.0, 2.0], [3.0, -4.0]], [[0, 0], [0, 0]]], np.float32)
    rows = summarize(read_text("leaky_relu(0.5)").network, x.shape).rows
    (step,) = walk(rows, x, {})
    seen = layer_stats(step, 2.0)
    values = [-0.5, 2, 3, -2, 0, 0, 0, 0]
    assert step.maps.ravel().tolist() == values
    assert seen.mean == pytest.approx(np.mean(values))
    assert seen.spread == pytest.approx(np.std(values))
    assert (seen.negative, seen.dead, seen.correlation) == (0.25, 0.5, None)
    assert seen.ratio == pytest.approx(np.std(values) / 2)


def test_correlation_is_that_of_numpy():
    x = np.random.default_rng(4).standard_normal((6, 9, 11)).astype(np.float32)
    x[1] += x[0]
    (step,) = walk(summarize(read_text("identity").network, x.shape).rows, x, {})
    r = np.abs(np.corrcoef(x.reshape(6, -1)))
    assert layer_stats(step, 1.0).correlation == pytest.approx((r.sum() - 6) / 30, rel=1e-5)
