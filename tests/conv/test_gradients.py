"""Gradients against finite differences, and the adjoint identity."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convcli import conv
from convcli.borders import BORDERS
from convcli.conv import gradients
from convcli.errors import UnfitError


def differences(function, x, grad, step=1e-6):
    """dL/dx for L = ⟨function(x), grad⟩: (L(x + h) − L(x − h)) / 2h, value by value."""
    slope = np.empty_like(x)
    for place in np.ndindex(*x.shape):
        moved = x.copy()
        moved[place] += step
        above = (function(moved) * grad).sum()
        moved[place] -= 2 * step
        slope[place] = (above - (function(moved) * grad).sum()) / (2 * step)
    return slope


PADDED = sorted(set(BORDERS) - {"valid"})
"""The borders that add cells."""

CONVOLUTIONS = [
    {},
    {"stride": 2, "padding": 1},
    {"stride": (3, 1), "padding": ((0, 2), (1, 0))},
    {"dilation": (1, 2), "padding": 2},
    {"groups": 2, "padding": 1},
    *({"padding": 2, "padding_mode": border, "stride": 2} for border in PADDED),
]


@pytest.mark.slow
@pytest.mark.parametrize("options", CONVOLUTIONS, ids=str)
def test_the_gradients_of_a_convolution_are_its_slopes(options):
    rng = np.random.default_rng(0)
    groups = options.get("groups", 1)
    x, weight = rng.standard_normal((2, 4, 5, 6)), rng.standard_normal((4, 4 // groups, 3, 2))
    bias = rng.standard_normal(4)
    grad = rng.standard_normal(conv.conv2d(x, weight, bias, **options).shape)
    given_slopes = gradients.conv2d_gradients(grad, x, weight, bias, **options)
    arguments = {"x": x, "weight": weight, "bias": bias}
    for name, value in arguments.items():
        expected = differences(
            lambda moved, name=name: conv.conv2d(**(arguments | {name: moved}), **options),
            value,
            grad,
        )
        np.testing.assert_allclose(getattr(given_slopes, name), expected, atol=1e-7)


small = st.integers(1, 3)
pairs = st.tuples(small, small)


@settings(deadline=None)
@given(pairs, pairs, pairs, pairs, st.sampled_from(PADDED), st.data())
def test_the_adjoint_identity(kernel, stride, dilation, padding, border, data):
    """⟨conv(x, w), g⟩ = ⟨x, grad_x⟩ = ⟨w, grad_w⟩, exactly: all numbers are small integers."""
    size = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    for length, k, p, d in zip(size, kernel, padding, dilation, strict=True):
        assume(length + 2 * p > d * (k - 1))
    groups = data.draw(small)
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 9, (2, 2 * groups, *size)).astype(float)
    weight = rng.integers(-9, 9, (groups, 2, *kernel)).astype(float)
    y = conv.conv2d(x, weight, None, stride, padding, dilation, groups, padding_mode=border)
    grad = rng.integers(-9, 9, y.shape).astype(float)
    back = gradients.conv2d_gradients(
        grad, x, weight, None, stride, padding, dilation, groups, border
    )
    # rounded, since a Winograd product may have given y
    assert back.bias is None
    assert round((y * grad).sum()) == (x * back.x).sum() == (weight * back.weight).sum()


def test_the_gradients_of_a_linear_layer_are_its_slopes():
    rng = np.random.default_rng(0)
    x, weight, bias = (rng.standard_normal(size) for size in ((3, 2, 4), (5, 4), (5,)))
    grad = rng.standard_normal((3, 2, 5))
    given_slopes = gradients.linear_gradients(grad, x, weight, bias)
    arguments = {"x": x, "weight": weight, "bias": bias}
    for name, value in arguments.items():
        expected = differences(
            lambda moved, name=name: conv.linear(**(arguments | {name: moved})), value, grad
        )
        np.testing.assert_allclose(getattr(given_slopes, name), expected, atol=1e-7)


POOLS = [
    (conv.max_pool2d, gradients.max_pool2d_gradient, {"kernel_size": 2}),
    (conv.max_pool2d, gradients.max_pool2d_gradient, {"kernel_size": 3, "stride": 2, "padding": 1}),
    (conv.max_pool2d, gradients.max_pool2d_gradient, {"kernel_size": 2, "dilation": 2}),
    (conv.min_pool2d, gradients.min_pool2d_gradient, {"kernel_size": (2, 3), "ceil_mode": True}),
    (conv.avg_pool2d, gradients.avg_pool2d_gradient, {"kernel_size": 2}),
    (
        conv.avg_pool2d,
        gradients.avg_pool2d_gradient,
        {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    ),
    (
        conv.avg_pool2d,
        gradients.avg_pool2d_gradient,
        {"kernel_size": 3, "padding": 1, "count_include_pad": False, "stride": 3},
    ),
    (
        conv.avg_pool2d,
        gradients.avg_pool2d_gradient,
        {"kernel_size": 2, "divisor_override": 3},
    ),
]


@pytest.mark.parametrize(("door", "back", "options"), POOLS)
def test_the_gradient_of_a_pool_is_its_slope(door, back, options):
    rng = np.random.default_rng(0)
    x = rng.permutation(60).reshape(2, 1, 5, 6).astype(float)  # no two maxima alike
    grad = rng.standard_normal(door(x, **options).shape)
    expected = differences(lambda moved: door(moved, **options), x, grad)
    np.testing.assert_allclose(back(grad, x, **options), expected, atol=1e-7)


@pytest.mark.parametrize("size", [1, (2, 3), (7, 5)])
def test_the_gradient_of_an_adaptive_pool_is_its_slope(size):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 2, 5, 4))
    grad = rng.standard_normal(conv.adaptive_avg_pool2d(x, size).shape)
    expected = differences(lambda moved: conv.adaptive_avg_pool2d(moved, size), x, grad)
    given_slope = gradients.adaptive_avg_pool2d_gradient(grad, x)
    np.testing.assert_allclose(given_slope, expected, atol=1e-7)


@pytest.mark.parametrize("name", conv.activations.ACTIVATIONS)
def test_the_gradient_of_an_activation_is_its_slope(name):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 9)) * 4
    grad = rng.standard_normal(x.shape)
    expected = differences(conv.activations.ACTIVATIONS[name], x, grad)
    np.testing.assert_allclose(gradients.activation_gradient(name, grad, x), expected, atol=1e-6)


def test_gradients_refuse_what_does_not_fit():
    with pytest.raises(UnfitError, match=r"the convolution gives \(1, 1, 2, 2\)"):
        gradients.conv2d_gradients(
            np.ones((1, 1, 3, 3)), np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3))
        )
    with pytest.raises(UnfitError, match="is none of celu, elu"):
        gradients.activation_gradient("step", np.ones(1), np.ones(1))


def test_relu_lets_everything_above_zero_through():
    slopes = gradients.activation_gradient("relu", np.ones(4), [-np.inf, 0, 1e-30, np.inf])
    np.testing.assert_array_equal(slopes, [0, 0, 1, 1])


def test_the_value_of_a_border_reaches_the_weights():
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((1, 2, 4, 5)), rng.standard_normal((3, 2, 3, 3))
    options = {"padding": 1, "padding_mode": "constant", "padding_value": 2.5}
    grad = rng.standard_normal((1, 3, 4, 5))
    found = gradients.conv2d_gradients(grad, x, weight, **options)
    expected = differences(lambda moved: conv.conv2d(x, moved, **options), weight, grad)
    np.testing.assert_allclose(found.weight, expected, atol=1e-7)


def test_lists_and_whole_numbers_are_understood():
    x, weight = [[[[1, 2], [3, 4]]]], [[[[1, -1]]]]
    found = gradients.conv2d_gradients([[[[1], [1]]]], x, weight, [0])
    assert found.x.tolist() == [[[[1, -1], [1, -1]]]]
    assert (found.weight.tolist(), found.bias.tolist()) == ([[[[4, 6]]]], [2])
    assert gradients.linear_gradients([1], [2, 3], [[5, 7]]).x.tolist() == [5, 7]
    assert gradients.max_pool2d_gradient([[[8]]], [[[1, 2]]], (1, 2)).tolist() == [[[0, 8]]]
    small = np.array([[[0, 1]]], np.uint8)
    assert gradients.min_pool2d_gradient([[[8]]], small, (1, 2)).tolist() == [[[8, 0]]]
    assert gradients.min_pool2d_gradient([[[8]]], small > 0, (1, 2)).tolist() == [[[8, 0]]]
    assert gradients.avg_pool2d_gradient([[[8]]], [[[1, 2]]], (1, 2)).tolist() == [[[4, 4]]]
    assert gradients.adaptive_avg_pool2d_gradient([[[8]]], [[[1, 2]]]).tolist() == [[[4, 4]]]


def test_nothing_has_gradients_too():
    none = gradients.conv2d_gradients(
        np.ones((1, 0, 2, 2)), np.ones((1, 1, 4, 4)), np.ones((0, 1, 3, 3))
    )
    assert (none.x == 0).all()
    assert none.weight.shape == (0, 1, 3, 3)
    assert gradients.max_pool2d_gradient(np.ones((0, 1, 1)), np.ones((0, 2, 2)), 2).shape == (
        0,
        2,
        2,
    )
    assert gradients.linear_gradients(np.ones((0, 2)), np.ones((0, 3)), np.ones((2, 3))).x.size == 0


PLANE = np.ones((1, 1, 4, 4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: gradients.conv2d_gradients(np.ones((1, 2, 2)), PLANE[0], np.ones((1, 1, 3, 3))),
            r"it must be \(n, c, h, w\)",
        ),
        (
            lambda: gradients.conv2d_gradients(
                np.ones((1, 1, 2, 2)), PLANE, np.ones((1, 1, 3, 3)), np.ones(7)
            ),
            "bias has the shape",
        ),
        (
            lambda: gradients.linear_gradients(
                np.ones((6, 5)), np.ones((2, 3, 4)), np.ones((5, 4))
            ),
            r"the layer gives \(2, 3, 5\)",
        ),
        (
            lambda: gradients.linear_gradients(np.ones(5), np.ones(3), np.ones((5, 4))),
            r"x has the shape \(3,\), the weights \(5, 4\)",
        ),
        (
            lambda: gradients.max_pool2d_gradient(np.ones((1, 1, 4, 1)), PLANE, 2),
            r"the pool gives \(1, 1, 2, 2\)",
        ),
        (
            lambda: gradients.avg_pool2d_gradient(np.ones((1, 1, 1, 1)), PLANE, 2),
            r"the pool gives \(1, 1, 2, 2\)",
        ),
        (
            lambda: gradients.avg_pool2d_gradient(
                np.ones((1, 1, 2, 2)), PLANE, 2, divisor_override=0
            ),
            "divisor_override=0",
        ),
        (
            lambda: gradients.adaptive_avg_pool2d_gradient(np.ones((2, 1, 2, 2)), PLANE),
            r"the pool gives \(1, 1, 2, 2\)",
        ),
        (
            lambda: gradients.activation_gradient("relu", np.ones(3), np.ones((2, 3))),
            r"relu gives \(2, 3\)",
        ),
        (lambda: gradients.activation_gradient(["relu"], np.ones(3), np.ones(3)), "is none of"),
    ],
)
def test_a_gradient_of_another_shape_is_refused(call, message):
    with pytest.raises(UnfitError, match=message):
        call()
