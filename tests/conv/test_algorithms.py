"""Every algorithm against the definition, within what its arithmetic allows."""

import tracemalloc
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convcli.conv import conv2d, workspace_bytes
from convcli.conv.algorithms import ALGORITHMS, chosen
from convcli.conv.algorithms.winograd import Winograd
from convcli.conv.algorithms.winograd.tiling import tiling_of
from convcli.conv.algorithms.winograd.transforms import POINTS, transforms
from convcli.conv.functional import problem_of
from convcli.errors import UnfitError

# images, channels, height, width, filters, kernel, stride, padding, dilation, groups
CASES = [
    (1, 1, 5, 5, 1, (3, 3), 1, 0, 1, 1),
    (2, 3, 7, 8, 4, (3, 2), (2, 1), 1, 1, 1),
    (1, 4, 9, 6, 6, (3, 3), 1, (0, 2), 2, 2),
    (1, 6, 5, 5, 6, (3, 3), 1, 1, 1, 6),
    (2, 3, 9, 8, 6, (3, 3), 2, 1, 1, 3),
    (1, 2, 7, 9, 2, (2, 3), 1, 0, 2, 2),
    (1, 3, 4, 4, 2, (4, 4), 1, 0, 1, 1),
    (1, 2, 1, 1, 3, (1, 1), 3, 0, 1, 1),
    (2, 4, 5, 3, 3, (1, 1), 1, 0, 1, 1),
    (1, 4, 3, 7, 6, (1, 1), 1, 0, 1, 2),
    (1, 1, 2, 2, 1, (1, 1), 1, 0, 1, 1),
    (1, 5, 8, 9, 2, (1, 1), 1, 0, 1, 1),
    (3, 2, 1, 6, 2, (1, 1), 1, 0, 2, 2),
    (1, 1, 3, 3, 1, (5, 5), 1, 2, 1, 1),
    (1, 2, 6, 6, 2, (2, 2), 1, "same", 1, 1),
    (1, 2, 6, 6, 2, (2, 4), 1, "same_lower", 1, 1),
    (1, 2, 6, 7, 2, (3, 5), 2, "valid", 1, 2),
    (1, 2, 6, 7, 2, (3, 3), 1, ((0, 2), (3, 1)), 1, 1),
    (0, 2, 4, 4, 2, (3, 3), 1, 0, 1, 1),
    (2, 2, 6, 7, 0, (3, 3), 1, 1, 1, 1),
    (0, 2, 9, 9, 2, (1, 1), 1, 0, 1, 2),
    (1, 1, 12, 12, 1, (2, 2), 1, 4, 7, 1),
    (2, 2, 40, 90, 3, (3, 3), 1, 1, 1, 1),
    (1, 3, 23, 27, 4, (11, 11), 4, 2, 1, 1),
    (1, 2, 19, 22, 3, (1, 3), (1, 2), 1, 1, 1),
    (1, 1, 30, 34, 2, (17, 15), 1, 7, 1, 1),
]


def arrays(case, dtype, seed=0):
    n, c, h, w, f, kernel, *_, groups = case
    rng = np.random.default_rng(seed)
    sizes = (n, c, h, w), (f, c // groups, *kernel), (f,)
    if np.dtype(dtype).kind == "f":
        return [rng.standard_normal(size).astype(dtype) for size in sizes]
    return [rng.integers(-100, 100, size).astype(dtype) for size in sizes]


def problem_for(x, weight, stride=1, padding=0, dilation=1, groups=1):
    exact = x.dtype.kind != "f"
    working = np.dtype(np.float64) if exact else x.dtype
    return problem_of(
        x.shape, weight.shape, stride, padding, dilation, groups, working, exact=exact
    )


def tolerance(name, x, weight, problem):
    """What the rounding of an algorithm may add up to."""
    eps = np.finfo(x.dtype).eps
    bound = float(np.abs(x).max(initial=0) * np.abs(weight).sum(axis=(1, 2, 3)).max(initial=0))
    # a sum of t products is off by at most t · eps · Σ|x||w| (Higham 2002, §3.1)
    direct = 2 * (problem.taps + 2) * eps * bound
    if name.startswith("winograd"):
        return direct + winograd_tolerance(ALGORITHMS[name], problem, eps) * bound
    if name == "fourier":
        return direct + fourier_tolerance(x, weight, eps)
    return direct


def winograd_tolerance(algorithm, problem, eps):
    """Σ|Aᵀ||Bᵀ||G| amplifies what the sums along a path, 2·n of each transform, round away."""
    tiling = tiling_of(problem, algorithm.products)
    growth = 1.0
    for n, count in zip(tiling.products, tiling.taps, strict=True):
        at, g, bt = (np.abs(np.array(one, float)) for one in transforms(n, count))
        growth *= np.einsum("ot,ts,tk->ok", at, bt, g).max()
    return 2 * (6 * algorithm.products + tiling.channels) * eps * growth


def fourier_tolerance(x, weight, eps):
    """A transform of N values is off by at most log₂ N · 4·eps of its norm (Higham 2002, §24.1)."""
    side = 64  # more than any tile of these cases
    norm = float(np.abs(x).max(initial=0)) * side
    return 3 * 4 * eps * np.log2(side**2) * norm * np.sqrt((weight**2).sum(axis=(2, 3))).sum()


def options_of(case):
    return dict(zip(("stride", "padding", "dilation", "groups"), case[6:], strict=True))


def check(name, x, weight, bias, options, expected=None):
    problem = problem_for(x, weight, **options)
    if ALGORITHMS[name].refuses(problem):
        with pytest.raises(UnfitError, match=f"{name}' refuses: .*[a-z]"):
            conv2d(x, weight, bias, **options, algorithm=name)
        return
    if expected is None:
        expected = conv2d(x, weight, bias, **options, algorithm="reference")
    given = conv2d(x, weight, bias, **options, algorithm=name)
    assert given.dtype == expected.dtype
    if expected.dtype.kind == "i":
        np.testing.assert_array_equal(given, expected)
    else:
        atol = tolerance(name, x, weight, problem)
        np.testing.assert_allclose(given, expected, rtol=0, atol=atol)


FAST = sorted(set(ALGORITHMS) - {"reference"})


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_every_algorithm_gives_the_definition(case, dtype):
    given, options = arrays(case, dtype), options_of(case)
    expected = conv2d(*given, **options, algorithm="reference")
    for name in FAST:
        check(name, *given, options, expected)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(st.data())
def test_random_geometries_give_the_definition(data):
    draw = data.draw
    small = st.integers(1, 3)
    groups, kernel = draw(small), draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    stride, dilation = draw(st.tuples(small, small)), draw(st.tuples(small, small))
    sides = st.tuples(st.integers(0, 3), st.integers(0, 3))
    padding = draw(sides), draw(sides)
    c, f = groups * draw(small), groups * draw(small)
    n, h, w = draw(st.integers(0, 2)), draw(st.integers(1, 9)), draw(st.integers(1, 9))
    for length, k, p, d in zip((h, w), kernel, padding, dilation, strict=True):
        assume(length + sum(p) >= d * (k - 1) + 1)
    dtype = draw(st.sampled_from([np.int16, np.float32, np.float64]))
    x, weight, bias = arrays((n, c, h, w, f, kernel, groups), dtype, draw(st.integers(0, 99)))
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    check(draw(st.sampled_from(FAST)), x, weight, bias, options)


@pytest.mark.parametrize("name", FAST)
def test_an_algorithm_accepts_at_least_five_cases(name):
    accepted = 0
    for case in CASES:
        x, weight, _ = arrays(case, np.float32)
        accepted += ALGORITHMS[name].refuses(problem_for(x, weight, *case[6:])) is None
    assert accepted >= 5


@pytest.mark.parametrize("products", POINTS)
def test_the_transforms_are_the_filter_in_exact_fractions(products):
    """Aᵀ[(G g) ⊙ (Bᵀ d)] is the correlation of d with g, for every pair of unit vectors."""
    for taps in range(2, products):
        at, g, bt = transforms(products, taps, Fraction)
        outputs = products - taps + 1
        for i, j in product(range(products), range(taps)):
            values = [bt[t][i] * g[t][j] for t in range(products)]
            y = [sum((a * v for a, v in zip(row, values, strict=True)), Fraction(0)) for row in at]
            assert y == [Fraction(int(u + j == i)) for u in range(outputs)]


# input (n, c, h, w), weight, stride, padding, groups
LARGE = [
    ((1, 3, 300, 700), (8, 3, 3, 3), 1, 1, 1),
    ((2, 64, 56, 56), (64, 64, 3, 3), 1, 1, 1),
    ((1, 256, 14, 14), (256, 256, 3, 3), 1, 1, 1),
    ((1, 3, 227, 227), (96, 3, 11, 11), 4, 0, 1),
    ((1, 32, 120, 120), (16, 32, 1, 1), 1, 0, 1),
    ((1, 48, 60, 60), (48, 1, 3, 3), 1, 1, 48),
    ((1, 1, 500, 500), (1, 1, 31, 31), 1, 15, 1),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", LARGE, ids=str)
@pytest.mark.parametrize("name", ["auto", *FAST])
def test_the_workspace_is_what_was_predicted(name, case):
    """The most that is allocated at once is the result and no more than `workspace_bytes`."""
    size, shape, *options = case
    rng = np.random.default_rng(0)
    x, weight = (rng.standard_normal(one, np.float32) for one in (size, shape))
    stride, padding, groups = options
    problem = problem_for(x, weight, stride, padding, 1, groups)
    if name != "auto" and ALGORITHMS[name].refuses(problem):
        return
    predicted = workspace_bytes(size, shape, stride, padding, 1, groups, name)
    conv2d(x, weight, None, stride, padding, 1, groups, name)
    tracemalloc.start()
    y = conv2d(x, weight, None, stride, padding, 1, groups, name)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # beside the arrays, Python keeps some kilobytes of views and pieces
    assert peak <= y.nbytes + predicted + (128 << 10)
    assert predicted <= 64 << 20


@pytest.mark.parametrize("name", ALGORITHMS)
def test_nothing_takes_no_workspace(name):
    x, banks = np.ones((1, 1, 9, 9)), [np.ones((1, 1, side, side)) for side in (1, 3)]
    able = [bank for bank in banks if ALGORITHMS[name].refuses(problem_for(x, bank)) is None]
    assert able
    for bank in able:
        assert workspace_bytes((0, 1, 9, 9), bank.shape, algorithm=name) == 0
        assert workspace_bytes((1, 1, 9, 9), (0, *bank.shape[1:]), algorithm=name) == 0


def test_auto_is_the_cheapest_that_does_not_refuse():
    problem = problem_for(np.ones((1, 3, 8, 8)), np.ones((2, 3, 3, 3)))
    able = [one for one in ALGORITHMS.values() if one.refuses(problem) is None]
    assert ALGORITHMS[chosen(problem)].cost(problem) == min(one.cost(problem) for one in able)


def test_costs_are_positive_and_grow_with_the_picture():
    for algorithm in ALGORITHMS.values():
        costs = [
            algorithm.cost(problem_for(np.ones((1, 1, side, side)), np.ones((1, 1, 1, 1))))
            for side in (10, 1000)
        ]
        assert 0 < costs[0] < costs[1]


def test_winograd_is_one_algorithm_of_two_sizes():
    assert [one.products for one in ALGORITHMS.values() if isinstance(one, Winograd)] == [4, 6]
