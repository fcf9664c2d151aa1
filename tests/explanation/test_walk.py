"""Every cell of a lesson against the core, and the core's own oracles; laws over random geometry."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convcli.borders import BORDERS, Border
from convcli.conv import avg_pool2d, conv2d, conv_transpose2d, max_pool2d, min_pool2d
from convcli.conv.gradients import (
    avg_pool2d_gradient,
    conv2d_gradients,
    max_pool2d_gradient,
    min_pool2d_gradient,
)
from convcli.errors import UnfitError
from convcli.explanation.backward import Backward, _summed
from convcli.explanation.lesson import Lesson
from convcli.explanation.render import text
from convcli.explanation.signals import slide
from convcli.explanation.steps import Geometry, convolution, pooling, transposed
from convcli.nets.layers import TransposedConv

small = st.integers(-9, 9)
borders = st.sampled_from(
    [Border(name, 7 if name == "constant" else 0) for name in BORDERS if name != "valid"]
)
pads = st.tuples(st.integers(0, 3), st.integers(0, 3))


def stack(array):
    return tuple(tuple(map(tuple, grid)) for grid in np.asarray(array).tolist())


@st.composite
def problems(draw):
    """Input (c, h, w), kernel (c, i, j), geometry: any that fits."""
    channels = draw(st.integers(1, 3))
    kernel = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    seed = draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    x = rng.integers(-9, 10, (channels, draw(st.integers(1, 7)), draw(st.integers(1, 7))))
    w = rng.integers(-9, 10, (channels, *kernel))
    geometry = Geometry(
        (draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        (draw(pads), draw(pads)),
        (draw(st.integers(1, 3)), draw(st.integers(1, 3))),
    )
    return x, w, geometry


def fits(make, *arguments, **options):
    try:
        walk = make(*arguments, **options)
        assert min(walk.size) > 0
        return walk
    except UnfitError:
        return None


@given(problems(), borders, st.booleans())
@settings(max_examples=150, deadline=None)
def test_every_cell_of_a_convolution_is_that_of_conv2d(problem, border, flip):
    x, w, geometry = problem
    walk = fits(convolution, stack(x), stack(w), geometry, 5, flip, border)
    used = w[:, ::-1, ::-1] if flip else w
    call = {
        "stride": geometry.stride,
        "padding": geometry.padding,
        "dilation": geometry.dilation,
        "padding_mode": border.text,
    }
    if walk is None:
        with pytest.raises(UnfitError):
            conv2d(x, used[np.newaxis], [5], **call)
        return
    assert np.array(walk.output()).tolist() == conv2d(x, used[np.newaxis], [5], **call).tolist()


WORKED = (
    # 1/3 1/3 1/3 1/3
    # 1/3  1   2  1/3      1 0
    # 1/3  3   4  1/3  by  0 1
    # 1/3 1/3 1/3 1/3
    "4/3 7/3 2/3\n10/3 5 7/3\n2/3 10/3 13/3"
)


def test_a_constant_border_worked_by_hand():
    x, w = (((1, 2), (3, 4)),), (((1, 0), (0, 1)),)
    border = Border("constant", Fraction(1, 3))
    geometry = Geometry(padding=((1, 1), (1, 1)))
    walk = convolution(x, w, geometry, border=border)
    assert Lesson(walk).value == WORKED
    lines = [text(line) for line in Lesson(walk, (0, 2)).lines()]
    assert "border constant:1/3: output 3x3" in lines[1]
    assert "outside: the border holds 1/3" in "\n".join(lines)
    assert lines[-5:] == [
        " 1/3  1/3 [1/3][1/3]",
        " 1/3    1   [2][1/3]",
        " 1/3    3    4  1/3",
        " 1/3  1/3  1/3  1/3",
        "z[0,2] = 1/3·1 + 1/3·0 + 2·0 + 1/3·1 = 2/3",
    ]
    record = Lesson(walk).record()
    assert record["border"] == "constant:1/3"
    assert record["steps"][0]["channels"][0]["terms"][0] == {
        "tap": [0, 0], "place": [-1, -1], "cell": None, "x": 1 / 3, "w": 1, "product": 1 / 3
    }  # fmt: skip


def test_what_a_constant_border_holds_reaches_the_kernels_gradient():
    walk = convolution(
        (((1, 2),),), (((1, 1),),), Geometry(padding=((0, 0), (1, 0))), border=Border("constant", 5)
    )
    back = Backward(Lesson(walk), (((1, 10),),))
    # dL/dw[0,0] = 1·5 + 10·1, dL/dw[0,1] = 1·1 + 10·2
    assert back.record()["kernel"] == [[[15, 21]]]
    assert back.record()["input"] == [[[11, 10]]]


@pytest.mark.slow
@given(problems())
@settings(max_examples=150, deadline=None)
def test_every_cell_of_a_transposed_convolution_is_that_of_conv_transpose2d(problem):
    x, w, geometry = problem
    walk = fits(transposed, stack(x), stack(w), geometry)
    call = {"stride": geometry.stride, "padding": geometry.padding, "dilation": geometry.dilation}
    if walk is None:
        with pytest.raises(UnfitError):
            conv_transpose2d(x, w[:, np.newaxis], **call)
        return
    assert (
        np.array(walk.output()).tolist() == conv_transpose2d(x, w[:, np.newaxis], **call).tolist()
    )


@pytest.mark.parametrize("extra", [0, 1])
def test_output_padding_adds_cells_at_the_end(extra):
    x, w = np.arange(9).reshape(1, 3, 3), np.arange(9).reshape(1, 3, 3)
    walk = transposed(
        stack(x), stack(w), Geometry((2, 2), ((1, 1), (1, 1)), (1, 1), (extra, extra))
    )
    expected = conv_transpose2d(x, w[:, np.newaxis], stride=2, padding=1, output_padding=extra)
    assert np.array(walk.output()).tolist() == expected.tolist()


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_named_paddings_of_a_transposed_convolution_are_those_of_the_layer(
    stride, dilation, padding
):
    x, w = np.arange(12).reshape(1, 3, 4), np.arange(9).reshape(1, 3, 3)
    geometry = Geometry((stride, stride), (padding, padding), (dilation, dilation))
    layer = TransposedConv(
        1, (3, 3), (stride, stride), (padding, padding), (0, 0), (dilation, dilation)
    )
    assert (1, *transposed(stack(x), stack(w), geometry).size) == layer.measure((1, 3, 4)).output


POOLS = {"max": max_pool2d, "min": min_pool2d, "avg": avg_pool2d}
BACK = {"max": max_pool2d_gradient, "min": min_pool2d_gradient, "avg": avg_pool2d_gradient}


@given(problems(), st.sampled_from(list(POOLS)))
@settings(max_examples=150, deadline=None)
def test_every_cell_of_a_pool_and_of_its_way_back_is_that_of_the_core(problem, kind):
    x, w, geometry = problem
    kernel = w.shape[1:]
    call = (kernel, geometry.stride, geometry.padding)
    walk = fits(pooling, stack(x), kind, kernel, geometry)
    if walk is None:
        with pytest.raises(UnfitError):
            POOLS[kind](x, *call, dilation=geometry.dilation)
        return
    expected = POOLS[kind](x.astype(float), *call, dilation=geometry.dilation)
    output = walk.output()
    if any(v in ("inf", "-inf") for grid in output for row in grid for v in row):
        return  # a dilated window that jumps over every cell: there is nothing to take
    np.testing.assert_allclose(np.array(output, float), expected, rtol=1e-12)
    grad = np.arange(1.0, expected.size + 1).reshape(expected.shape)
    shares, _, _ = Backward(Lesson(walk), stack(grad)).collected()
    found = np.array(_summed(shares, stack(x), "x"), float)
    back = BACK[kind](
        grad[np.newaxis], x[np.newaxis].astype(float), *call, dilation=geometry.dilation
    )
    np.testing.assert_allclose(found, back[0], rtol=1e-9)


@given(problems(), borders, st.booleans())
@settings(max_examples=80, deadline=None)
def test_the_way_back_is_that_of_the_core(problem, border, flip):
    x, w, geometry = problem
    walk = fits(convolution, stack(x), stack(w), geometry, 5, flip, border)
    if walk is None:
        return
    grad = np.random.default_rng(1).integers(-5, 6, walk.size)
    shares = Backward(Lesson(walk), stack(grad[np.newaxis])).collected()
    used = (w[:, ::-1, ::-1] if flip else w)[np.newaxis].astype(float)
    expected = conv2d_gradients(
        grad[np.newaxis, np.newaxis].astype(float),
        x[np.newaxis].astype(float),
        used,
        np.zeros(1),
        geometry.stride,
        geometry.padding,
        geometry.dilation,
        padding_mode=border.text,
    )
    to_w = expected.weight[0, :, ::-1, ::-1] if flip else expected.weight[0]
    np.testing.assert_allclose(np.array(_summed(shares[0], stack(x), "x"), float), expected.x[0])
    np.testing.assert_allclose(np.array(_summed(shares[1], stack(w), "w"), float), to_w)
    assert sum(shares[2]) == expected.bias[0]


@given(st.lists(small, min_size=1, max_size=8), st.lists(small, min_size=1, max_size=8))
def test_signals_are_those_of_numpy(f, g):
    assert (
        list(slide(tuple(f), tuple(g), "convolution").output()[0][0]) == np.convolve(f, g).tolist()
    )
    # NumPy's first argument is the one that is shifted
    expected = np.correlate(np.array(g), np.array(f), "full").tolist()
    assert list(slide(tuple(f), tuple(g), "cross-correlation").output()[0][0]) == expected


@given(problems())
@settings(max_examples=60, deadline=None)
def test_cells_that_are_never_read_do_not_matter_and_all_others_do(problem):
    x, w, geometry = problem
    walk = fits(convolution, stack(x), stack(np.ones_like(w)), geometry)
    if walk is None:
        return
    before = np.array(walk.output())
    unread = set(walk.unread())
    for i, j in product(range(x.shape[1]), range(x.shape[2])):
        changed = x.copy()
        changed[0, i, j] += 1
        after = np.array(walk._replace(input=stack(changed)).output())
        assert ((before == after).all()) == ((i, j) in unread)
