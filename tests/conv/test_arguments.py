"""Arguments of the wrong kind: refused by name, or understood as PyTorch does."""

from functools import partial

import numpy as np
import pytest

from convcli import conv
from convcli.conv import gradients
from convcli.conv.activations import ACTIVATIONS
from convcli.conv.algorithms import ALGORITHMS
from convcli.conv.functional import problem_of
from convcli.errors import UnfitError

X, BANK = np.arange(32.0).reshape(1, 2, 4, 4), np.ones((2, 2, 3, 3))
ONE = np.ones((1, 2, 1, 1))

# door and what it needs → its arguments that are whole numbers
WHOLE = {
    "conv1d": (partial(conv.conv1d, X[0], np.ones((2, 4, 3))), "stride padding dilation groups"),
    "conv2d": (partial(conv.conv2d, X, BANK), "stride padding dilation groups"),
    "conv_transpose2d": (
        partial(conv.conv_transpose2d, X, BANK),
        "stride padding output_padding groups dilation",
    ),
    "depthwise_conv2d": (
        partial(conv.depthwise_conv2d, X, BANK[:, :1]),
        "stride padding dilation",
    ),
    "workspace_bytes": (
        partial(conv.workspace_bytes, X.shape, BANK.shape),
        "stride padding dilation groups",
    ),
    "max_pool2d": (partial(conv.max_pool2d, X, kernel_size=2), "kernel_size stride padding"),
    "min_pool2d": (partial(conv.min_pool2d, X, kernel_size=2), "kernel_size dilation"),
    "avg_pool2d": (partial(conv.avg_pool2d, X, kernel_size=2), "kernel_size divisor_override"),
    "adaptive_avg_pool2d": (partial(conv.adaptive_avg_pool2d, X), "output_size"),
    "adaptive_max_pool2d": (partial(conv.adaptive_max_pool2d, X), "output_size"),
    "local_response_norm": (partial(conv.local_response_norm, X), "size"),
    "local_contrast_norm": (partial(conv.local_contrast_norm, X), "size"),
    "softmax": (partial(conv.softmax, X), "dim"),
    "log_softmax": (partial(conv.log_softmax, X), "dim"),
    "conv2d_gradients": (
        partial(gradients.conv2d_gradients, np.ones((1, 2, 2, 2)), X, BANK),
        "stride padding dilation groups",
    ),
}

NUMBERS = {
    "conv2d": (partial(conv.conv2d, X, BANK), "padding_value"),
    "local_response_norm": (partial(conv.local_response_norm, X, 3), "alpha beta k"),
    "batch_norm": (partial(conv.batch_norm, X, [0, 0], [1, 1]), "eps"),
    "leaky_relu": (partial(conv.leaky_relu, X), "negative_slope"),
    "threshold": (partial(conv.threshold, X, threshold=0, value=0), "threshold value"),
    "elu": (partial(conv.elu, X), "alpha"),
    "celu": (partial(conv.celu, X), "alpha"),
    "softplus": (partial(conv.softplus, X), "beta threshold"),
    "hardtanh": (partial(conv.hardtanh, X), "min_val max_val"),
}

FLAGS = {
    "max_pool2d": (partial(conv.max_pool2d, X, 2), "ceil_mode return_indices"),
    "avg_pool2d": (partial(conv.avg_pool2d, X, 2), "ceil_mode count_include_pad"),
    "batch_norm": (partial(conv.batch_norm, X, [0, 0], [1, 1]), "training"),
}

NAMES = {
    "conv2d": (partial(conv.conv2d, X, BANK), "algorithm padding_mode"),
    "gelu": (partial(conv.gelu, X), "approximate"),
}

NO_NUMBER = ["one", None, 1j, object, [1.0], np.ones(2), np.bool_(True), 10**400]
NO_WHOLE = ["one", 1.0, 1.5, np.float32(1), True, np.nan, 1j, object, {1}, [1, 2, 3], [True, 1]]
NO_FLAG = [0, 1, "no", None, np.array([True, False]), []]
NO_NAME = [None, 3, True, ["auto"], np.array(["auto", "zero"]), "nonesuch"]


def calls(doors, values):
    return [
        pytest.param(call, argument, values, id=f"{door}({argument}=)")
        for door, (call, arguments) in doors.items()
        for argument in arguments.split()
    ]


@pytest.mark.parametrize(
    ("call", "argument", "values"),
    [
        *calls(WHOLE, NO_WHOLE),
        *calls(NUMBERS, NO_NUMBER),
        *calls(FLAGS, NO_FLAG),
        *calls(NAMES, NO_NAME),
    ],
)
def test_an_argument_of_the_wrong_kind_is_refused_by_name(call, argument, values):
    for value in values:
        with pytest.raises(UnfitError, match=f"{argument}="):
            call(**{argument: value})


@pytest.mark.parametrize("one", [np.int8(1), np.uint64(1), np.array(1), np.array([1]), [1], (1,)])
def test_whole_numbers_may_be_numpys(one):
    expected = conv.conv2d(X, BANK, padding=1)
    given = conv.conv2d(X, BANK, None, one, one, one, one)
    np.testing.assert_array_equal(given, expected)
    np.testing.assert_array_equal(conv.max_pool2d(X, one, one), X)
    np.testing.assert_array_equal(conv.adaptive_avg_pool2d(X, one), X.mean((2, 3), keepdims=True))


def test_numbers_of_another_dtype_leave_that_of_x_alone():
    x = np.array([-2, 0.5, 2], np.float32)
    for slope in (np.float64(0.25), np.array(0.25), np.float16(0.25)):
        for y in (
            conv.leaky_relu(x, slope),
            conv.hardtanh(x, -slope, slope),
            conv.threshold(x, slope, slope),
            conv.elu(x, slope),
            conv.softplus(x, slope),
        ):
            assert y.dtype == np.float32


def test_an_empty_list_is_pytorchs_word_for_no_stride():
    for none in (None, (), []):
        np.testing.assert_array_equal(conv.max_pool2d(X, 2, none), conv.max_pool2d(X, 2, 2))
    strides = np.array([1, 2])
    np.testing.assert_array_equal(conv.max_pool2d(X, 2, strides), conv.max_pool2d(X, 2, (1, 2)))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_step_beyond_the_picture_leaves_one_place(name):
    for kernel, far in ((3, 10**30), (1, 2**63)):
        bank = np.ones((2, 2, kernel, kernel))
        problem = problem_of(X.shape, bank.shape, far, 0, 1, 1, X.dtype)
        if ALGORITHMS[name].refuses(problem):
            continue
        y = conv.conv2d(X, bank, stride=far, algorithm=name)
        assert y.shape == (1, 2, 1, 1)
        np.testing.assert_allclose(y, conv.conv2d(X, bank, algorithm="reference")[..., :1, :1])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_single_tap_has_nothing_to_stand_apart_from(name):
    bank = np.ones((2, 2, 1, 1))
    problem = problem_of(X.shape, bank.shape, 1, 0, 10**30, 1, X.dtype)
    assert problem.dilation == (1, 1)
    if ALGORITHMS[name].refuses(problem) is None:
        y = conv.conv2d(X, bank, dilation=10**30, algorithm=name)
        np.testing.assert_allclose(y, conv.conv2d(X, bank))


@pytest.mark.parametrize(
    "call",
    [
        lambda: conv.conv2d(X, BANK, padding=10**30),
        lambda: conv.conv_transpose2d(X, BANK, stride=10**30),
        lambda: conv.conv_transpose2d(X, BANK, dilation=10**30),
        lambda: conv.adaptive_avg_pool2d(X, 10**30),
        lambda: conv.adaptive_max_pool2d(X, (None, 2**62)),
        lambda: conv.max_pool2d(X, 10**9, padding=10**9 - 1),
    ],
)
def test_what_no_machine_holds_is_refused_before_any_work(call):
    with pytest.raises(UnfitError, match="would hold"):
        call()


def test_a_window_over_all_channels_costs_no_more_than_they_do():
    np.testing.assert_allclose(
        conv.local_response_norm(X, 10**12, alpha=10**12),
        X / (1 + np.square(X).sum(axis=1, keepdims=True)) ** 0.75,
    )


def no_array(*shape):
    """What no door takes: complex numbers, objects, text, dates."""
    ones = np.ones(shape)
    return [ones * 1j, ones.astype(object), ones.astype(str), ones.astype("M8[s]")]


@pytest.mark.parametrize(
    "call",
    [
        lambda one: conv.conv2d(one(1, 2, 4, 4), BANK),
        lambda one: conv.conv2d(X, one(2, 2, 3, 3)),
        lambda one: conv.conv2d(X, BANK, one(2)),
        lambda one: conv.conv1d(one(4, 4), np.ones((2, 4, 3))),
        lambda one: conv.conv_transpose2d(one(1, 2, 4, 4), BANK),
        lambda one: conv.depthwise_conv2d(one(1, 2, 4, 4), BANK[:, :1]),
        lambda one: conv.linear(one(3), np.ones((2, 3))),
        lambda one: conv.linear(np.ones(3), np.ones((2, 3)), one(2)),
        lambda one: conv.max_pool2d(one(1, 4, 4), 2),
        lambda one: conv.min_pool2d(one(1, 4, 4), 2),
        lambda one: conv.avg_pool2d(one(1, 4, 4), 2),
        lambda one: conv.adaptive_avg_pool2d(one(1, 4, 4), 2),
        lambda one: conv.adaptive_max_pool2d(one(1, 4, 4), 2),
        lambda one: conv.batch_norm(one(1, 2, 3), [0, 0], [1, 1]),
        lambda one: conv.batch_norm(X, one(2), [1, 1]),
        lambda one: conv.batch_norm(X, [0, 0], [1, 1], one(2)),
        lambda one: conv.batch_norm(X, [0, 0], [1, 1], None, one(2)),
        lambda one: conv.local_response_norm(one(1, 2, 3), 2),
        lambda one: conv.local_contrast_norm(one(1, 2, 3, 3)),
        lambda one: conv.relu(one(3)),
        lambda one: conv.prelu(X, one(2)),
        lambda one: gradients.conv2d_gradients(np.ones((1, 2, 2, 2)), one(1, 2, 4, 4), BANK),
        lambda one: gradients.conv2d_gradients(one(1, 2, 2, 2), X, BANK),
        lambda one: gradients.linear_gradients(np.ones(2), one(3), np.ones((2, 3))),
        lambda one: gradients.max_pool2d_gradient(one(1, 2, 2), np.ones((1, 4, 4)), 2),
        lambda one: gradients.activation_gradient("relu", np.ones(2), one(2)),
    ],
)
def test_arrays_that_hold_no_real_numbers_are_refused(call):
    for kind in range(4):
        with pytest.raises(UnfitError, match="takes real numbers"):
            call(lambda *shape, kind=kind: no_array(*shape)[kind])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conv.workspace_bytes((4, 4), BANK.shape), r"x has the shape \(4, 4\)"),
        (lambda: conv.workspace_bytes(3, BANK.shape), "x_shape=3 must be the shape"),
        (lambda: conv.workspace_bytes((2, 4, -4), BANK.shape), "x_shape="),
        (lambda: conv.workspace_bytes(X.shape, (2, 2, 3, 3.0)), "weight_shape="),
        (lambda: conv.workspace_bytes(X.shape, BANK.shape, dtype="int8"), "that of floats"),
        (lambda: conv.depthwise_conv2d(np.ones((0, 4, 4)), ONE), "x has no channels"),
        (lambda: conv.adaptive_avg_pool2d(np.ones((1, 0, 4)), 2), "x has no cells"),
        (lambda: conv.local_contrast_norm(np.ones((1, 0, 4, 4))), "x has no values"),
        (lambda: conv.batch_norm(X[:0], None, None, training=True), "no values to take a mean"),
        (lambda: conv.prelu(X, [1, 2, 3]), r"takes one slope, or \(2,\)"),
        (lambda: conv.prelu(np.ones(2), [1, 2]), r"takes one slope, or \(1,\)"),
        (lambda: conv.prelu(X, [[1, 2]]), "weight has the shape"),
        (lambda: conv.celu(X, 0), "alpha=0 cannot be divided by"),
        (lambda: conv.softplus(X, 0), "beta=0 cannot be divided by"),
        (lambda: conv.softmax(X, 4), "dim=4 is not an axis of x"),
        (lambda: conv.adaptive_avg_pool2d(X, (1, 2, 3)), "output_size="),
        (lambda: conv.adaptive_avg_pool2d(X, ()), "output_size="),
    ],
)
def test_what_does_not_fit_says_what_clashes(call, message):
    with pytest.raises(UnfitError, match=message):
        call()


def test_a_single_value_gives_an_array_without_axes():
    for name, function in ACTIVATIONS.items():
        y = function(np.float32(1))
        assert isinstance(y, np.ndarray), name
        assert (y.shape, y.dtype) == ((), np.float32), name


def test_a_nan_below_no_threshold_stays():
    np.testing.assert_array_equal(conv.threshold([np.nan, -1.0], 0.0, 7.0), [np.nan, 7])


def test_many_small_floats_are_summed_in_wider_ones():
    x = np.zeros((1, 100_000), np.float16)
    assert conv.softmax(x)[0, 0] == np.float16(1e-5)
    assert conv.log_softmax(x)[0, 0] == np.float16(-np.log(1e5))


def test_a_bias_is_added_before_a_sum_is_narrowed():
    large, one = np.full((1, 1, 2), 6e4, np.float16), np.ones((1, 1, 1, 2), np.float16)
    bias = np.array([-6e4], np.float16)
    for y in (
        conv.conv2d(large, one, bias),
        conv.conv_transpose2d(large, one, bias)[..., 1:2],
        conv.linear(large, one[0, 0], bias),
    ):
        assert (y.item(), y.dtype) == (60_000, np.float16)


def test_the_bound_of_whole_weights_holds_beyond_int64():
    """|−2⁶³| and a sum of many are no int64s, and both are counted."""
    for weight in (np.array([[-(2**63)]]), np.full((1, 3), 2**62), np.full((1, 2), 2**63, "u8")):
        ones = np.ones(weight.shape[1], np.int64)
        with pytest.raises(UnfitError, match="beyond int64"):
            conv.linear(ones, weight)
        np.testing.assert_array_equal(conv.linear(0 * ones, weight), [0])
