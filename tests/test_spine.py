"""The two halves check each other: what `shape` predicts is what the core returns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runs import run_network

from convcli.errors import UnfitError
from convcli.nets.analysis.summary import summarize
from convcli.nets.graph import sequential
from convcli.nets.layers import Activation, AdaptivePool, Conv, Pad, Pool, TransposedConv

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


pools = st.builds(
    Pool,
    kind=st.sampled_from(["max", "min", "average", "lp"]),
    kernel=pairs,
    stride=pairs,
    padding=st.tuples(pads, pads),
    dilation=pairs,
    ceil=st.booleans(),
    count_include_pad=st.booleans(),
    divisor=st.none(),
    trainable=st.just(False),
    power=st.just(2.0),
)
cuts = st.sampled_from(["same", "same_lower", "valid", (0, 0), (1, 1), (0, 2)])
transposes = st.builds(
    TransposedConv,
    filters=st.integers(1, 3),
    kernel=pairs,
    stride=pairs,
    padding=st.tuples(cuts, cuts),
    extra=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=pairs,
    groups=st.just(1),
    bias=st.booleans(),
    channels=st.none(),
)
borders = st.sampled_from(["constant", "zero", "edge", "reflect", "symmetric", "wrap"])
others = st.one_of(
    st.just(Activation("leaky_relu", 0.1)),
    st.builds(AdaptivePool, st.sampled_from(["max", "average"]), pairs, st.just(False)),
    st.builds(
        Pad,
        st.tuples(*[st.tuples(st.integers(-1, 3), st.integers(-1, 3))] * 2),
        borders,
        st.just(3.0),
    ),
)
layers = st.lists(st.one_of(convs(), pools, transposes, others), min_size=1)


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
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


@settings(deadline=None, max_examples=200)
@given(st.one_of(convs(), pools), st.tuples(st.integers(1, 12), st.integers(1, 12)))
def test_what_shape_says_is_never_read_does_not_matter(layer, size):
    """Rows and columns that are named as unread, changed: no output changes."""
    layer = layer._replace(groups=1) if isinstance(layer, Conv) else layer
    network, shape = sequential([layer]), (1, *size)
    try:
        (row,) = summarize(network, shape).rows
    except UnfitError:
        return
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    changed = x.copy()
    read = [length - unread for length, unread in zip(size, row.unread, strict=True)]
    changed[:, read[0] :] += 100
    changed[:, :, read[1] :] += 100
    before, after = (run_network(network, one).maps[row.name] for one in (x, changed))
    np.testing.assert_array_equal(before, after)


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
        for axis, seen in enumerate(rows[-1].receptive_field):
            start = seen.first + seen.jump * cell[axis]
            assert start <= pixel[axis] < start + seen.size
