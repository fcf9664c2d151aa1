"""Window arithmetic against published examples, and against counting the places one by one."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convcli.errors import UnfitError
from convcli.geometry import Fit, Reception, Window, output_length, resolve_padding

# length, kernel, stride, padding → output, as quoted in papers, courses and framework docs
LENGTHS = [
    (224, 11, 4, (0, 0), 54),
    (227, 11, 4, (0, 0), 55),
    (224, 11, 4, (1, 2), 55),
    (224, 11, 4, (2, 2), 55),
    (224, 11, 4, "same", 56),
    (224, 11, 4, "valid", 54),
    (32, 5, 1, (0, 0), 28),
    (7, 3, 1, (0, 0), 5),
    (7, 3, 2, (0, 0), 3),
    (7, 3, 3, (0, 0), 2),
    (10, 3, 1, (1, 1), 10),
    (9, 5, 1, (0, 0), 5),
    (5, 3, 1, (0, 0), 3),
    (3, 3, 1, (0, 0), 1),
    (7, 2, 2, "same", 4),
    (20, 4, 2, (0, 0), 9),
    (9, 3, 2, (0, 0), 4),
]


@pytest.mark.parametrize(("length", "kernel", "stride", "padding", "expected"), LENGTHS)
def test_output_lengths_are_the_published_ones(length, kernel, stride, padding, expected):
    window = Window(kernel, stride)
    assert output_length(length, window, resolve_padding(padding, length, window)) == expected


def test_same_puts_the_odd_cell_at_the_end_and_same_lower_at_the_start():
    assert resolve_padding("same", 7, Window(2, 2)) == (0, 1)
    assert resolve_padding("same_lower", 7, Window(2, 2)) == (1, 0)


windows = st.builds(Window, st.integers(1, 7), st.integers(1, 5), st.integers(1, 3))
lengths = st.integers(1, 40)
pads = st.tuples(st.integers(0, 5), st.integers(0, 5))


@given(lengths, windows, pads)
def test_output_and_unread_are_what_counting_finds(length, window, padding):
    end = sum(padding) + length
    starts = [s for s in range(0, end, window.stride) if s + window.reach <= end]
    assume(starts)
    fit = Fit(length, window, padding)
    assert fit.output == len(starts)
    last_read = starts[-1] + window.reach - 1 - padding[0]
    assert fit.unread == max(length - 1 - last_read, 0)


@given(lengths, windows, pads)
def test_what_is_said_to_fit_fits(length, window, padding):
    assume(length + sum(padding) >= window.reach)
    fit = Fit(length, window, padding)
    for exact in fit.exact_inputs:
        assert fit._replace(length=exact).leftover == 0
    assert fit._replace(padding=fit.exact_padding).leftover == 0
    assert fit._replace(padding=fit.exact_padding).output == fit.output + 1
    even = fit._replace(padding=(fit.even_padding,) * 2)
    assert even.output >= fit.output + 1


@given(lengths, windows)
def test_same_gives_a_place_for_every_stride(length, window):
    padding = resolve_padding("same", length, window)
    assert output_length(length, window, padding) == -(-length // window.stride)
    assert 0 <= padding[1] - padding[0] <= 1


def test_a_window_longer_than_the_axis_is_refused_with_what_would_work():
    with pytest.raises(UnfitError, match="kernel of 11 is longer than the input of 7; pad 2"):
        output_length(7, Window(11))
    with pytest.raises(UnfitError, match="kernel of 3 or less"):
        output_length(5, Window(4, dilation=2))


@given(st.lists(st.tuples(windows, st.integers(0, 3)), min_size=1, max_size=4))
def test_the_receptive_field_is_what_walking_back_finds(layers):
    """Output 0 and 1 of a stack, traced back tap by tap to the cells of the input."""
    seen = Reception()
    for window, before in layers:
        seen = seen.through(window, before)
    for output in (0, 1):
        low = high = output
        for window, before in reversed(layers):
            low = low * window.stride - before
            high = high * window.stride - before + window.reach - 1
        assert (low, high - low + 1) == (seen.first + output * seen.jump, seen.size)
