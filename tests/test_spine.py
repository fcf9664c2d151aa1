"""The two halves check each other: what `shape` predicts is what `conv2d` returns."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from runs import run_network

from convcli.errors import UnfitError
from convcli.nets.analysis.summary import summarize
from convcli.nets.graph import sequential
from convcli.nets.layers import Activation, Conv

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
pads = st.sampled_from(["same", "same_lower", "valid", (0, 0), (1, 1), (0, 2), (2, 1)])


@st.composite
def convs(draw):
    groups = draw(st.sampled_from([1, 1, 2]))
    return Conv(
        filters=groups * draw(st.integers(1, 3)),
        kernel=draw(pairs),
        stride=draw(pairs),
        padding=(draw(pads), draw(pads)),
        dilation=draw(pairs),
        groups=groups,
        bias=False,
    )


layers = st.lists(st.one_of(convs(), st.just(Activation("leaky_relu", 0.1))), min_size=1)


@settings(deadline=None, max_examples=200)
@given(layers, st.tuples(st.integers(1, 4), st.integers(1, 24), st.integers(1, 24)))
def test_what_shape_predicts_is_what_the_core_returns(stack, size):
    network = sequential(stack[:5])
    try:
        summary = summarize(network, size)
    except UnfitError:
        return
    run = run_network(network, np.ones(size, np.float32))
    assert [maps.shape for maps in run.maps.values()] == [row.output for row in summary.rows]
    assert sum(weight.size for weight in run.weights.values()) == summary.params


@settings(deadline=None, max_examples=50)
@given(convs(), convs(), st.integers(0, 10**6))
def test_the_receptive_field_is_what_a_changed_pixel_reaches(first, second, place):
    """Change one input pixel: outputs whose receptive field excludes it stay the same."""
    network = sequential([first._replace(groups=1), second._replace(groups=1)])
    size = (2, 13, 17)
    try:
        rows = summarize(network, size).rows
    except UnfitError:
        return
    x = np.ones(size, np.float32)
    changed = x.copy()
    pixel = divmod(place % (13 * 17), 17)
    changed[:, pixel[0], pixel[1]] += 100
    before, after = (run_network(network, one).maps[rows[-1].name] for one in (x, changed))
    for _, *cell in np.argwhere(before != after):
        for axis, seen in enumerate(rows[-1].reception):
            start = seen.first + seen.jump * cell[axis]
            assert start <= pixel[axis] < start + seen.size
