"""Weights: what each way of drawing promises, what a layer holds, what a file must."""

import contextlib
import io
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import fft

from convcli.errors import Refusal, UnfitError
from convcli.features.neighbors import DistanceRows
from convcli.features.vector_io import read_set
from convcli.nets.analysis.summary import summarize
from convcli.nets.layers import Slot
from convcli.nets.readers.read import read_text
from convcli.runtime.initializers import INITS, Init, draw
from convcli.runtime.layers import connected
from convcli.runtime.weights import drawn, read_weights, slopes, slots

SHAPE = (256, 8, 5, 5)
FAN_IN, FAN_OUT = 8 * 25, 256 * 25


def filters(name, shape=SHAPE, slope=0.0, **options):
    return draw(Init(name, **options), np.random.default_rng(3), shape, slope)


SPREADS = {
    ("normal", 0.0): 1,
    ("uniform", 0.0): 1 / np.sqrt(3 * FAN_IN),
    ("he", 0.0): np.sqrt(2 / FAN_IN),
    ("he", 0.2): np.sqrt(2 / (1.04 * FAN_IN)),
    ("he", 1.0): np.sqrt(1 / FAN_IN),
    ("lecun", 0.0): np.sqrt(1 / FAN_IN),
    ("glorot", 0.0): np.sqrt(2 / (FAN_IN + FAN_OUT)),
    ("rademacher", 0.0): 1,
    ("orthogonal", 0.0): np.sqrt(1 / FAN_IN),
}


@pytest.mark.parametrize(("asked", "spread"), SPREADS.items())
def test_filters_have_the_spread_of_their_formula(asked, spread):
    drawn_filters = filters(asked[0], slope=asked[1])
    # 51,200 values: the standard error of a spread is 0.3 %
    assert drawn_filters.std() == pytest.approx(spread, rel=0.02)
    assert drawn_filters.dtype == np.float32


@pytest.mark.parametrize("name", INITS)
def test_every_filter_differs_and_can_be_centred_and_scaled(name):
    flat = filters(name, zero_mean=True, unit_norm=True).reshape(256, -1)
    np.testing.assert_allclose(flat.mean(axis=1), 0, atol=1e-6)
    norms = np.linalg.norm(flat, axis=1)
    if name == "dct":
        # the first filter is constant: nothing is left of it, and no rounding errors are scaled
        assert norms[0] == 0
        norms = norms[1:]
    np.testing.assert_allclose(norms, 1, rtol=1e-5)
    assert len(np.unique(flat.round(6), axis=0)) == 256
    for shape in ((7, 300), (3, 2, 1), (2, 3, 1, 7), (300, 1, 2, 2)):
        if name != "rademacher":  # of whose filters there are only so many
            assert len(np.unique(filters(name, shape).reshape(shape[0], -1), axis=0)) == shape[0]


def test_orthogonal_filters_are_orthonormal_in_groups():
    flat = filters("orthogonal", (60, 2, 5, 5)).reshape(60, -1)
    np.testing.assert_allclose(flat[:50] @ flat[:50].T, np.eye(50), atol=1e-5)
    np.testing.assert_allclose(flat[50:] @ flat[50:].T, np.eye(10), atol=1e-5)


def test_dct_filters_are_those_of_scipy():
    found = filters("dct", (25, 1, 5, 5)).reshape(25, 5, 5)
    units = np.eye(25).reshape(25, 5, 5)
    basis = fft.idctn(units, axes=(1, 2), norm="ortho")
    np.testing.assert_allclose(
        np.abs(np.tensordot(found, basis, ((1, 2), (1, 2)))).max(1), 1, rtol=1e-5
    )
    np.testing.assert_allclose(
        found.reshape(25, -1) @ found.reshape(25, -1).T, np.eye(25), atol=1e-6
    )
    sums = [
        np.unravel_index(np.argmax(np.abs(fft.dctn(one, norm="ortho"))), (5, 5)) for one in found
    ]
    assert [sum(place) for place in sums] == sorted(sum(place) for place in sums)


def test_one_stream_is_drawn_over_the_layers_in_order():
    network = read_text("conv(4, 3); relu; transposed(2, 3, groups=2); flatten; linear(5)").network
    rows = summarize(network, (2, 6, 6)).rows
    weights = drawn(rows, 7, Init("normal"), slopes(network))
    generator = np.random.Generator(np.random.PCG64(7))
    first = generator.standard_normal((4, 2, 3, 3)).astype(np.float32)
    np.testing.assert_array_equal(weights["conv1.weight"], first)
    second = generator.standard_normal((1, 4, 3, 3)).astype(np.float32).swapaxes(0, 1)
    np.testing.assert_array_equal(weights["conv_transpose1.weight"], second)
    third = generator.standard_normal((5, 72)).astype(np.float32)
    np.testing.assert_array_equal(weights["linear1.weight"], third)
    assert not weights["linear1.bias"].any()


def test_shared_weights_are_held_once():
    text = "class N(nn.Module):\n def __init__(self):\n  self.c = nn.Conv2d(3, 3, 1)\n def forward(self, x):\n  return self.c(self.c(x))\n"
    rows = summarize(read_text(text).network, (3, 4, 4)).rows
    assert len(rows) == 2
    assert list(slots(rows)) == ["c.weight", "c.bias"]


def test_the_slope_is_that_of_the_activation_that_follows():
    network = read_text(
        "conv(2, 3); bn; relu; conv(2, 3); maxpool(2); leaky_relu(0.3); conv(2, 3); abs; conv(2, 1)"
    ).network
    found = slopes(network)
    assert [found[f"conv{n}"] for n in (1, 2, 3, 4)] == [0.0, 0.3, 1.0, 1.0]


def test_lenet_is_connected_as_in_its_table():
    c3 = read_text("conv(16, 5, connections=60)").network.nodes[0].layer
    table = connected(c3, 6)[:, :, 0, 0]
    assert table.sum(axis=0).tolist() == [10] * 6
    assert table.sum(axis=1).tolist() == [3] * 6 + [4] * 9 + [6]
    other = connected(c3._replace(connections=50), 6)[:, :, 0, 0]
    assert (other.sum(), other.sum(axis=1).max() - other.sum(axis=1).min()) == (50, 1)


def test_zero_mean_of_one_weight_is_refused():
    with pytest.raises(UnfitError, match="erases filters of one weight"):
        filters("normal", (4, 1, 1, 1), zero_mean=True)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_distances_are_those_of_scipy(metric):
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((300, 7)), rng.standard_normal((5, 7))
    rows = DistanceRows(metric, a, b)
    between = np.stack([rows[number] for number in range(len(a))])
    np.testing.assert_allclose(between, cdist(a, b, metric), atol=1e-12)


SLOTS = {"conv1.weight": Slot((4, 3, 3, 3), "filters"), "conv1.bias": Slot((4,), 0.0)}


@pytest.fixture(scope="module")
def archive():
    """The bytes of a file that is a set of vectors and weights too."""
    stream = io.BytesIO()
    held = {name: np.ones(slot.shape, np.float32) for name, slot in SLOTS.items()}
    vectors = {"vectors": np.ones((2, 3), np.float32), "paths": np.array(["a", "b"])}
    np.savez_compressed(stream, **held, **vectors, settings=np.array("{}"))
    return stream.getvalue()


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_damaged_archive_is_read_or_refused(archive, tmp_path, data):
    damaged = bytearray(archive)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    path = str(tmp_path / "odd.npz")
    with open(path, "wb") as file:
        file.write(damaged[: data.draw(st.integers(len(damaged) - 9, len(damaged)))])
    for read in (read_set, lambda path: read_weights(path, SLOTS)):
        with contextlib.suppress(Refusal):
            read(path)


def test_an_archive_of_another_version_is_refused(tmp_path):
    path = str(tmp_path / "new.npz")
    with zipfile.ZipFile(path, "w") as file:
        header = b"\x93NUMPY\x04\x00\x04\x00\x00\x00{}  "
        file.writestr("conv1.weight.npy", header)
    with pytest.raises(
        Refusal, match=r"conv1.weight.npy: it is not a .npy array: it does not begin"
    ):
        read_weights(path, SLOTS)


def test_weights_may_come_as_safetensors(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy", reason="not a dependency")
    held = {name: np.full(slot.shape, 2, np.float16) for name, slot in SLOTS.items()}
    path = str(tmp_path / "w.safetensors")
    safetensors.save_file({**held, "spare.bias": np.zeros(1, np.float32)}, path)
    weights, others = read_weights(path, SLOTS)
    assert (others, {one.dtype for one in weights.values()}) == (["spare.bias"], {np.dtype("f4")})
    assert {name: one.shape for name, one in weights.items()} == {
        name: slot.shape for name, slot in SLOTS.items()
    }
    with open(path, "wb") as file:
        file.write(b"no weights")
    with pytest.raises(Refusal, match=r"w\.safetensors is not a file of weights"):
        read_weights(path, SLOTS)
