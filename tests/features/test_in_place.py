"""What follows a layer is written over its output, with the values that it has by itself."""

import numpy as np
import pytest
from runs import run_network

from convcli.conv import conv2d
from convcli.nets.analysis.summary import summarize
from convcli.nets.graph import Network, Node
from convcli.nets.layers import Merge
from convcli.nets.layers.tensor_ops import Broadcast, Constant, Scalar
from convcli.nets.readers.read import read_text
from convcli.runtime.executor import walk
from convcli.runtime.stored import aligned
from convcli.runtime.weights import slots


def values_of(rows):
    """Weights of every kind away from 0 and 1, and variances above 0."""
    rng = np.random.default_rng(2)
    return {
        name: rng.uniform(0.2, 1.5, slot.shape).astype(np.float32)
        for name, slot in slots(rows).items()
    }


CHAINS = [
    ("conv(4, 3); bn; relu", ["relu1"]),
    ("conv(4, 3); bn; relu6; conv(2, 1)", ["relu61", "conv2"]),
    ("conv(4, 3); bn; relu; maxpool(2)", ["relu1", "max_pool1"]),
    ("conv(3, 1); residual([conv(3, 1), bn]); relu", ["conv1", "relu1"]),
    (
        "conv(3, 1); residual([conv(3, 1), bn], shortcut=[conv(3, 1), bn]); relu",
        ["conv1", "residual1.body.batch_norm1", "relu1"],
    ),
    ("conv(4, 3); leaky_relu(0.2); tanh; abs; hard_swish; sigmoid", ["sigmoid1"]),
    ("conv(4, 3); softmax; relu", ["conv1", "softmax1", "relu1"]),
    (
        "conv(4, 3); concat([bn, relu], [abs])",
        ["conv1", "concat1.0.batch_norm1", "concat1.0.relu1", "concat1.1.abs1", "concat1.concat"],
    ),
    ("flatten; linear(9); bn; relu; linear(2)", ["flatten1", "relu1", "linear2"]),
    ("depthwise(3); bn; relu; separable(5, 3); bn; relu", ["relu1", "relu2"]),
]
"""Networks, and the steps of each that are left where only its output is wanted."""


@pytest.mark.parametrize(("text", "left"), CHAINS, ids=[text for text, _ in CHAINS])
def test_what_follows_a_layer_gives_the_values_that_it_gives_by_itself(text, left):
    network = read_text(text).network
    x = np.random.default_rng(1).standard_normal((3, 9, 9)).astype(np.float32)
    rows = summarize(network, x.shape).rows
    weights = values_of(rows)
    kept = run_network(network, x, weights=weights)
    steps = {step.row.name: step.maps for step in walk(rows, x, weights, [rows[-1].name])}
    assert list(steps) == left
    for name, maps in steps.items():
        np.testing.assert_allclose(maps, kept.maps[name], 1e-5, 1e-5, err_msg=name)


def test_maps_that_are_wanted_stay_as_they_are():
    network = read_text("conv(4, 3); bn; relu; sigmoid").network
    x = np.random.default_rng(1).standard_normal((3, 9, 9)).astype(np.float32)
    rows = summarize(network, x.shape).rows
    weights = values_of(rows)
    kept = run_network(network, x, weights=weights)
    steps = list(walk(rows, x, weights, ["batch_norm1", "sigmoid1"]))
    assert [step.row.name for step in steps] == ["batch_norm1", "relu1", "sigmoid1"]
    for step in steps:
        np.testing.assert_allclose(step.maps, kept.maps[step.row.name], 1e-5, 1e-5)


def test_numbers_that_lie_across_words_are_read_as_they_are():
    data = bytes(3) + np.arange(12, dtype="<f4").tobytes()
    crooked = np.frombuffer(data[:51], "<f4", 12, 3).reshape(3, 4)
    assert not crooked.flags.aligned
    straight = aligned(crooked)
    assert straight.flags.aligned
    assert straight.shape == (3, 4)
    np.testing.assert_array_equal(straight.ravel(), np.arange(12))
    assert aligned(straight) is straight


def test_scales_and_shifts_of_a_file_are_written_over_maps_in_their_order():
    """y = ((2 − (conv · scale)) / shift) ** 3, the numbers of the file on either side."""
    conv = read_text("conv(4, 3)").network.nodes[0]
    network = Network(
        (
            conv,
            Node("scale", Constant((4, 1, 1)), ()),
            Node("shift", Constant((7,)), ()),
            Node("scaled", Merge("multiply"), ("conv1", "scale")),
            Node("rest", Scalar("subtract", 2.0, swapped=True), ("scaled",)),
            Node("part", Broadcast("divide"), ("rest", "shift")),
            Node("cube", Scalar("power", 3.0), ("part",)),
        )
    )
    x = np.random.default_rng(1).standard_normal((3, 9, 9)).astype(np.float32)
    rows = summarize(network, x.shape).rows
    weights = values_of(rows)
    weights |= {"scale": np.arange(1, 5, dtype=np.float32).reshape(4, 1, 1)}
    weights |= {"shift": np.arange(2, 9, dtype=np.float32)}
    maps = conv2d(x, weights["conv1.weight"], weights["conv1.bias"])
    (step,) = (step for step in walk(rows, x, weights, ["cube"]) if step.row.inputs)
    expected = ((2 - maps * weights["scale"]) / weights["shift"]) ** 3
    np.testing.assert_allclose(step.maps, expected, 1e-5)
