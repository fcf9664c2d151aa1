"""What conv2d takes, gives and refuses."""

import numpy as np
import pytest

from convcli.conv import conv1d, conv2d, depthwise_conv2d
from convcli.errors import UnfitError


def arrays(case, dtype):
    n, c, h, w, f, kernel, groups = case
    rng = np.random.default_rng(0)
    sizes = (n, c, h, w), (f, c // groups, *kernel), (f,)
    return [rng.standard_normal(size).astype(dtype) for size in sizes]


def test_the_worked_example_of_one_window():
    """1·1 + 2·0 + 3·1 + 0·0 + 1·1 + 5·0 + 1·1 + 0·0 + 2·1 = 8, digit for digit."""
    window = [[[1, 2, 3], [0, 1, 5], [1, 0, 2]]]
    kernel = [[[[1, 0, 1], [0, 1, 0], [1, 0, 1]]]]
    assert conv2d(window, kernel).item() == 8


def test_one_filter_spans_all_channels_and_adds_its_bias():
    window = np.array([7, 15, 4]).reshape(3, 1, 1)
    assert conv2d(window, np.ones((1, 3, 1, 1), int)).item() == 26
    assert conv2d(window, np.ones((1, 3, 1, 1), int), [2]).item() == 28


def test_an_impulse_returns_the_kernel_turned_around():
    impulse = np.zeros((1, 5, 5))
    impulse[0, 2, 2] = 1
    kernel = np.arange(9.0).reshape(1, 1, 3, 3)
    np.testing.assert_array_equal(conv2d(impulse, kernel)[0], kernel[0, 0, ::-1, ::-1])


def test_each_filter_is_its_own():
    x, weight, _ = arrays((1, 3, 6, 6, 4, (3, 3), 1), np.float64)
    together = conv2d(x[0], weight)
    for f in range(4):
        np.testing.assert_allclose(together[f], conv2d(x[0], weight[f : f + 1])[0], atol=1e-12)


@pytest.mark.parametrize(
    ("x", "weight", "result"),
    [
        (np.float32, np.float32, np.float32),
        (np.float16, np.float16, np.float16),
        (np.float32, np.float64, np.float64),
        (np.uint8, np.float32, np.float32),
        (np.uint8, np.int8, np.int64),
        (bool, bool, np.int64),
    ],
)
def test_dtypes(x, weight, result):
    y = conv2d(np.ones((1, 3, 3), x), np.ones((1, 1, 3, 3), weight))
    assert y.dtype == result
    assert y.item() == 9


def test_whole_numbers_of_any_kind_stay_exact():
    one = np.ones((1, 1, 1, 1), np.int64)
    large = np.full((1, 1, 1), 2**53 + 1, np.uint64)
    assert conv2d(large, one).item() == 2**53 + 1
    filled = conv2d(one[0], one, padding=1, padding_mode="constant", padding_value=2**60 + 1)
    assert filled[0, 0, 0] == 2**60 + 1
    with pytest.raises(UnfitError, match="not an integer"):
        conv2d(one[0], one, padding=1, padding_mode="constant", padding_value=0.5)


@pytest.mark.parametrize("padding", [np.array([1, 2]), [1, 2], (1, 2), ((1, 1), (2, 2))])
def test_padding_may_be_any_sequence(padding):
    assert conv2d(np.ones((1, 4, 4)), np.ones((1, 1, 1, 1)), padding=padding).shape == (1, 6, 8)
    assert (
        conv2d(np.ones((1, 4, 4)), np.ones((1, 1, 1, 1)), padding=(1,), stride=(2,)).shape[1] == 3
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda x, w: conv2d(x, 3.0),
        lambda x, w: conv2d(x, w, groups=2.0),
        lambda x, w: conv2d(x, w, groups="2"),
        lambda x, w: conv2d(x, w, padding=((0, 0), (0, 2**41))),
    ],
)
def test_arguments_of_the_wrong_kind_are_refused(call):
    with pytest.raises(UnfitError):
        call(np.ones((1, 4, 4)), np.ones((1, 1, 1, 1)))


def test_integers_beyond_float64_are_still_exact():
    x = np.full((1, 1, 3), 2**53 - 1)
    assert conv2d(x, np.array([[[[1, 1, -1]]]])).item() == 2**53 - 1
    with pytest.raises(UnfitError, match="beyond int64"):
        conv2d(x, np.full((1, 1, 1, 3), 2**10))


def test_inputs_may_be_read_only_and_strided_and_are_never_aliased():
    x = np.arange(64.0).reshape(1, 8, 8)[:, ::2, ::-1]
    x.flags.writeable = False
    y = conv2d(x, np.ones((1, 1, 1, 1)))
    np.testing.assert_array_equal(y, x)
    assert not np.shares_memory(x, y)


@pytest.mark.parametrize(
    ("x", "weight", "options", "message"),
    [
        ((5, 5), (1, 1, 3, 3), {}, "x has 2 axes"),
        ((1, 5, 5), (1, 3, 3), {}, "weight has the shape"),
        ((3, 5, 5), (1, 2, 3, 3), {}, "x has 3 channels, the filters expect 2"),
        ((4, 5, 5), (3, 2, 3, 3), {"groups": 2}, "groups=2 does not divide 3 filters"),
        ((1, 2, 5), (1, 1, 3, 3), {}, "the kernel of 3 is longer than the input of 2; pad 1"),
        ((1, 5, 5), (1, 1, 3, 3), {"stride": 0}, "stride=0 must be"),
        ((1, 5, 5), (1, 1, 3, 3), {"padding": -1}, "padding=-1 must be"),
        ((1, 5, 5), (1, 1, 3, 3), {"padding": "same", "stride": 2}, "is for stride 1"),
        ((1, 5, 5), (1, 1, 3, 3), {"padding": "full"}, "padding='full' must be"),
        ((1, 5, 5), (1, 1, 3, 3), {"bias": np.ones(2)}, "bias has the shape"),
        ((1, 5, 5), (1, 1, 3, 3), {"algorithm": "magic"}, "is none of auto"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(x, weight, options, message):
    with pytest.raises(ValueError, match=message):
        conv2d(np.ones(x), np.ones(weight), **options)


def test_complex_numbers_are_refused():
    with pytest.raises(ValueError, match="real numbers"):
        conv2d(np.ones((1, 3, 3), complex), np.ones((1, 1, 3, 3)))


def test_a_signal_is_a_picture_of_one_row():
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((2, 4, 20)), rng.standard_normal((6, 2, 3))
    expected = conv2d(
        x[:, :, np.newaxis], weight[:, :, np.newaxis], None, (1, 2), (0, 1), (1, 2), 2
    )
    np.testing.assert_array_equal(conv1d(x, weight, None, 2, 1, 2, 2), expected[:, :, 0])
    assert conv1d(x[0], weight, None, 1, (3, 0), groups=2).shape == (6, 21)
    with pytest.raises(UnfitError, match="conv1d takes"):
        conv1d(x, weight[0])
    with pytest.raises(UnfitError, match=r"\(n, c, w\) or \(c, w\)"):
        conv1d(x[0, 0], weight)


def test_depthwise_is_one_group_a_channel():
    x, weight, bias = arrays((2, 3, 6, 7, 6, (3, 3), 3), np.float64)
    np.testing.assert_array_equal(
        depthwise_conv2d(x, weight, bias, 2, 1), conv2d(x, weight, bias, 2, 1, groups=3)
    )


def test_paddings_may_differ_on_every_side():
    x, weight, _ = arrays((1, 2, 5, 6, 3, (3, 2), 1), np.float64)
    padded = np.pad(x, [(0, 0), (0, 0), (0, 2), (3, 1)])
    given = conv2d(x, weight, padding=((0, 2), (3, 1)))
    np.testing.assert_allclose(given, conv2d(padded, weight), atol=1e-12)


@pytest.mark.parametrize(
    ("padding", "sides"), [("same", (1, 2)), ("same_lower", (2, 1)), ("valid", (0, 0))]
)
def test_the_odd_cell_of_same_stands_at_the_end(padding, sides):
    x, weight, _ = arrays((1, 1, 6, 6, 1, (4, 4), 1), np.float64)
    np.testing.assert_array_equal(
        conv2d(x, weight, padding=padding), conv2d(x, weight, padding=(sides, sides))
    )


@pytest.mark.parametrize("padding", [1.5, (1, 2, 3), ((1, 2), (3,)), ((1, -2), (0, 0)), "full"])
def test_other_paddings_are_refused(padding):
    with pytest.raises(UnfitError, match="padding="):
        conv2d(np.ones((1, 5, 5)), np.ones((1, 1, 3, 3)), padding=padding)


def test_an_image_without_rows_has_an_empty_result_or_none():
    weight = np.ones((2, 1, 1, 1), np.float32)
    assert conv2d(np.ones((0, 1, 4, 4), np.float32), weight).shape == (0, 2, 4, 4)
    with pytest.raises(UnfitError, match="the kernel of 1 is longer than the input of 0"):
        conv2d(np.ones((1, 1, 0, 4), np.float32), weight)
    with pytest.raises(UnfitError, match="no cells for the border"):
        conv2d(np.ones((1, 1, 0, 4), np.float32), weight, padding=1, padding_mode="edge")


def test_no_filters_give_no_maps():
    assert conv2d(np.ones((1, 4, 4)), np.ones((0, 1, 3, 3))).shape == (0, 2, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("channels", "kernel", "size"), [(1, 31, 256), (16, 3, 64), (16, 5, 64)])
def test_values_near_the_largest_stay_what_they_are(dtype, channels, kernel, size):
    """Under a kernel of one 1, in float32 and float64: no transform overflows or smears them."""
    x = np.random.default_rng(0).uniform(-1, 1, (1, channels, size, size)).astype(dtype)
    x[0, 0, 5, 7] = np.finfo(dtype).max
    weight = np.zeros((channels, channels, kernel, kernel), dtype)
    weight[range(channels), range(channels), kernel // 2, kernel // 2] = 1
    np.testing.assert_array_equal(conv2d(x, weight, padding="same"), x)
