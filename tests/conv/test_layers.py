"""Transposed convolution, fully connected layers, normalisation, activations."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convcli import conv
from convcli.conv.activations import ACTIVATIONS
from convcli.errors import UnfitError

small = st.integers(1, 3)
pairs = st.tuples(small, small)


@settings(deadline=None)
@given(pairs, pairs, pairs, st.tuples(st.integers(0, 1), st.integers(0, 1)), small, st.data())
def test_a_transposed_convolution_is_the_adjoint(kernel, stride, dilation, padding, groups, data):
    """⟨conv2d(x), g⟩ = ⟨x, conv_transpose2d(g)⟩, in integers."""
    size = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    for length, k, p, d in zip(size, kernel, padding, dilation, strict=True):
        assume(length + 2 * p > d * (k - 1))
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 9, (2, 2 * groups, *size))
    weight = rng.integers(-9, 9, (3 * groups, 2, *kernel))
    y = conv.conv2d(x, weight, None, stride, padding, dilation, groups)
    g = rng.integers(-9, 9, y.shape)
    # what the floor of the division left unread comes back as output_padding
    unread = tuple(
        (length + 2 * p - d * (k - 1) - 1) % s
        for length, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )
    back = conv.conv_transpose2d(g, weight, None, stride, padding, unread, groups, dilation)
    assert back.dtype == np.int64
    assert (y * g).sum() == (x * back).sum()


def test_a_transposed_convolution_may_be_cut_unevenly_and_takes_one_image():
    x, weight = np.ones((1, 3, 3)), np.ones((1, 2, 3, 3))
    whole = conv.conv_transpose2d(x, weight, [1, 2])
    cut = conv.conv_transpose2d(x, weight, [1, 2], padding=((0, 2), (1, 0)))
    np.testing.assert_array_equal(cut, whole[:, :3, 1:])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output_padding": 1}, "output_padding=1 must be less"),
        ({"padding": "same"}, "takes numbers"),
        ({"padding": 4}, "padding 4,4 cuts off all 5 cells"),
        ({"groups": 2}, "groups=2 does not divide"),
        ({"bias": [1, 2]}, "bias has the shape"),
    ],
)
def test_a_transposed_convolution_that_does_not_fit_is_refused(options, message):
    with pytest.raises(UnfitError, match=message):
        conv.conv_transpose2d(np.ones((1, 3, 3)), np.ones((1, 1, 3, 3)), **options)


def test_linear_is_exact_in_integers_and_keeps_floats():
    big = 2**53 + 1
    assert conv.linear([[1, big]], [[0, 1]]).item() == big
    assert conv.linear(np.ones((2, 3, 4), np.float16), np.ones((5, 4), np.float16)).shape == (
        2,
        3,
        5,
    )
    assert conv.linear(np.ones(4, np.float32), np.ones((5, 4), np.float32)).dtype == np.float32
    with pytest.raises(UnfitError, match="the weights expect"):
        conv.linear(np.ones(3), np.ones((5, 4)))
    with pytest.raises(UnfitError, match="linear takes"):
        conv.linear(np.ones(3), np.ones(3))


def test_response_normalisation_sees_the_channels_beside():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 7, 3))
    for size in (1, 2, 5, 9):
        y = conv.local_response_norm(x, size, alpha=0.5, beta=0.6, k=2.0)
        for c in range(7):
            beside = x[:, max(c - size // 2, 0) : c - size // 2 + size]
            scale = (2.0 + 0.5 / size * (beside**2).sum(axis=1)) ** 0.6
            np.testing.assert_allclose(y[:, c], x[:, c] / scale)


def test_batch_normalisation_gives_mean_and_spread():
    x = np.random.default_rng(0).standard_normal((4, 3, 5, 5)) * 7 + 3
    y = conv.batch_norm(x, None, None, [1, 2, 3], [4, 5, 6], training=True)
    np.testing.assert_allclose(y.mean(axis=(0, 2, 3)), [4, 5, 6])
    np.testing.assert_allclose(y.std(axis=(0, 2, 3)), [1, 2, 3], rtol=1e-5)
    mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
    np.testing.assert_allclose(conv.batch_norm(x, mean, var, [1, 2, 3], [4, 5, 6]), y)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: conv.local_response_norm(x, 0), "size=0"),
        (lambda x: conv.local_response_norm(x[0], 3), r"takes \(n, c, …\)"),
        (lambda x: conv.batch_norm(x, None, None), "unless training"),
        (lambda x: conv.batch_norm(x, [1.0], [1.0]), r"one per channel is \(2,\)"),
        (lambda x: conv.batch_norm(x.astype(int), [1.0] * 2, [1.0] * 2), "takes floats"),
    ],
)
def test_normalisations_refuse_what_does_not_fit(call, message):
    with pytest.raises(UnfitError, match=message):
        call(np.ones((1, 2, 3)))


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_activations_keep_shape_and_dtype_and_never_overflow(name, dtype):
    x = np.array([[-1e4, -3, -1, -0.0], [0, 1, 3, 1e4]], dtype)
    y = ACTIVATIONS[name](x)
    assert (y.shape, y.dtype) == (x.shape, dtype)
    assert np.isfinite(y).all()
    assert not np.shares_memory(x, y)


def test_activations_take_lists_and_refuse_complex_numbers():
    assert conv.relu([-1, 2]).tolist() == [0, 2]
    with pytest.raises(UnfitError, match="real numbers"):
        conv.relu([1j])


def test_a_slope_a_channel():
    x = -np.ones((1, 2, 2, 2))
    assert conv.prelu(x, [0.5, 0.25])[0, :, 0, 0].tolist() == [-0.5, -0.25]
