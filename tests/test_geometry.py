"""Window arithmetic against published examples, and against sliding the window cell by cell."""

import ast
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convcli.errors import UnfitError
from convcli.geometry import (
    Fit,
    ReceptiveField,
    Window,
    adaptive_cells,
    adaptive_window,
    anchored_padding,
    ceil_padding,
    full_padding,
    output_length,
    output_padding_refusal,
    pool_padding_refusal,
    resolve_padding,
    transposed_length,
    transposed_padding,
)

PACKAGE = Path(__file__).parents[1] / "convcli"

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


def taps_of(window, start):
    """The cells under a window whose first tap lies on `start`."""
    return [start + tap * window.dilation for tap in range(window.kernel)]


def slide(length, window, padding, ceil_mode=False):
    """The taps of every place, found by moving the window until it leaves the padded axis.

    Rounded up, there is one more where cells were left over, if it begins before the padding that
    stands at the end.
    """
    before, after = padding
    places, start = [], -before
    while taps_of(window, start)[-1] < length + after or (
        ceil_mode
        and start < length
        and taps_of(window, start - window.stride)[-1] < length + after - 1
    ):
        places.append(taps_of(window, start))
        start += window.stride
    return places


@given(lengths, windows, pads)
def test_outputs_and_what_is_left_over_are_those_of_sliding(length, window, padding):
    places = slide(length, window, padding)
    if not places:
        with pytest.raises(UnfitError):
            output_length(length, window, padding)
        return
    fit = Fit(length, window, padding)
    last = places[-1][-1]
    assert fit.output == output_length(length, window, padding) == len(places)
    assert fit.leftover == length + padding[1] - 1 - last
    assert fit.unread == max(length - 1 - last, 0)
    spanned = {cell for taps in places for cell in range(taps[0], taps[-1] + 1)}
    between = set(range(places[0][0], last + 1)) - spanned
    assert fit.skipped * (len(places) - 1) == len(between)


@given(lengths, windows, pads)
def test_a_rounded_up_pool_has_the_places_of_sliding(length, window, padding):
    assume(pool_padding_refusal(window, padding) is None)
    places = slide(length, window, padding, ceil_mode=True)
    grown = ceil_padding(length, window, padding)
    assert grown[0] == padding[0]
    if not places:
        with pytest.raises(UnfitError):
            output_length(length, window, grown)
        return
    assert output_length(length, window, grown) == len(places)
    unread = max(length - 1 - places[-1][-1], 0)
    assert Fit(length, window, grown).unread == unread


@given(windows, lengths, st.integers(0, 30), st.integers(0, 5))
def test_positions_are_those_of_the_taps(window, outputs, first, before):
    stop = first + outputs
    places = [taps_of(window, u * window.stride - before) for u in range(first, stop)]
    assert [list(window.cells(u, before)) for u in range(first, stop)] == places
    assert list(window.hull(range(first, stop), before)) == list(
        range(places[0][0], places[-1][-1] + 1)
    )
    assert window.span(outputs) == len(window.hull(range(outputs)))
    assert [taps[0] for taps in places] == list(window.starts(stop, before))[first:]


@given(windows, st.integers(0, 60), st.integers(0, 5))
def test_the_readers_of_a_cell_are_the_outputs_that_have_a_tap_on_it(window, cell, before):
    outputs = range(-80, 80)
    expected = {u for u in outputs if cell in taps_of(window, u * window.stride - before)}
    assert window.readers(cell, before) == expected
    hull = window.readers_hull(range(cell, cell + 1), before)
    assert expected <= set(hull)
    assert len(hull) <= window.overlap
    several = window.readers_hull(range(cell, cell + 4), before)
    assert (several.start, several.stop) == (
        hull.start,
        window.readers_hull(range(cell + 3, cell + 4), before).stop,
    )


@given(lengths, windows, pads)
def test_what_is_said_to_fit_fits(length, window, padding):
    assume(length + sum(padding) >= window.dilated_kernel)
    fit = Fit(length, window, padding)
    for exact in fit.exact_inputs:
        assert fit._replace(length=exact).leftover == 0
    assert fit._replace(padding=fit.exact_padding).leftover == 0
    assert fit._replace(padding=fit.exact_padding).output == fit.output + 1
    even = fit._replace(padding=(fit.even_padding,) * 2)
    assert even.output >= fit.output + 1


@given(lengths, windows)
def test_same_is_the_smallest_padding_with_a_place_for_every_stride(length, window):
    before, after = resolve_padding("same", length, window)
    assert output_length(length, window, (before, after)) == ceil(Fraction(length, window.stride))
    assert 0 <= after - before <= 1
    assert resolve_padding("same_lower", length, window) == (after, before)
    if before + after:
        fewer = length + before + after - 1 - window.dilated_kernel
        assert floor(Fraction(fewer, window.stride)) + 1 < ceil(Fraction(length, window.stride))


@given(lengths, windows)
def test_causal_padding_shows_an_output_nothing_that_comes_after_it(length, window):
    padding = resolve_padding("causal", length, window)
    for output in range(output_length(length, window, padding)):
        assert max(window.cells(output, padding[0])) == output * window.stride


@given(lengths, windows, st.integers(0, 6))
def test_an_anchor_lies_on_every_cell_in_turn(length, window, anchor):
    dense = Window(window.dilated_kernel)
    anchor %= window.dilated_kernel
    padding = anchored_padding(dense, anchor)
    assert output_length(length, dense, padding) == length
    assert [dense.cells(u, padding[0])[anchor] for u in range(length)] == list(range(length))


@given(st.integers(1, 12), windows, pads, st.integers(0, 4))
def test_a_transposed_convolution_is_as_long_as_what_is_painted(length, window, cut, extra):
    painted = {cell for x in range(length) for cell in taps_of(window, x * window.stride)}
    expected = max(painted) + 1 - sum(cut) + extra
    if output_padding_refusal(extra, window) or expected < 1:
        with pytest.raises(UnfitError):
            transposed_length(length, window, cut, extra)
        return
    assert transposed_length(length, window, cut, extra) == expected
    # relationship 14: a convolution of the spread input, with the full padding less the cut
    before, after = full_padding(window, cut)
    spread, dense = (length - 1) * window.stride + 1, window._replace(stride=1)
    assert output_length(spread, dense, (before, after + extra)) == expected
    assert full_padding(window, (before, after)) == cut


@given(lengths, windows, pads, st.integers(0, 4))
def test_a_convolution_and_its_transpose_undo_each_others_lengths(length, window, padding, extra):
    assume(length + sum(padding) >= window.dilated_kernel)
    fit = Fit(length, window, padding)
    assert transposed_length(fit.output, window, padding, fit.leftover) == length


@given(st.integers(1, 12), windows)
def test_names_of_a_transposed_convolution_are_keras(length, window):
    """`same`: length · stride; `valid`: length · stride + max(dilated kernel − stride, 0)."""
    over = max(window.dilated_kernel - window.stride, 0)
    for name, expected in (("same", 0), ("same_lower", 0), ("valid", over)):
        given_length = transposed_length(length, window, *transposed_padding(name, window))
        assert given_length == length * window.stride + expected
    with pytest.raises(UnfitError, match="'causal' has no meaning"):
        transposed_padding("causal", window)


@given(lengths, st.integers(1, 40))
def test_adaptive_windows_share_an_axis_without_gaps(length, outputs):
    places = [adaptive_cells(u, length, outputs) for u in range(outputs)]
    for u, cells in enumerate(places):
        assert cells.start == floor(Fraction(u * length, outputs))
        assert cells.stop == ceil(Fraction((u + 1) * length, outputs))
    assert (places[0].start, places[-1].stop) == (0, length)
    assert all(left.stop >= right.start for left, right in pairwise(places))
    if length % outputs == 0:
        window = adaptive_window(length, outputs)
        assert places == [window.hull(range(u, u + 1)) for u in range(outputs)]


REFUSED = [
    (lambda: output_length(7, Window(11)), "the kernel of 11 is longer than the input of 7; pad 2"),
    (lambda: output_length(5, Window(4, dilation=2)), "or use a kernel of 3 or less"),
    (lambda: output_length(5, Window(4, 1, 3), (1, 2)), r"padded to 8 \(1 \+ 5 \+ 2\)"),
    (lambda: output_length(0, Window(1)), "longer than the input of 0; pad 1 at both ends$"),
    (lambda: Fit(2, Window(3), (0, 0)).leftover, "the kernel of 3 is longer than the input of 2"),
    (lambda: transposed_length(3, Window(3), (4, 4)), "padding 4,4 cuts off all 5 cells"),
    (lambda: transposed_length(0, Window(9)), "padding 0,0 cuts off all 0 cells"),
    (lambda: transposed_length(3, Window(3, 2), (0, 0), 2), "output_padding=2 must be less than"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_what_does_not_fit_is_refused_with_what_would(call, message):
    with pytest.raises(UnfitError, match=message):
        call()


def test_a_pool_has_no_window_of_padding_alone():
    assert pool_padding_refusal(Window(2, dilation=2), (2, 2)) is None
    assert pool_padding_refusal(Window(2), (2, 0)) == (
        "padding 2: a window of 2 cells would see nothing but padding"
    )


@given(st.lists(st.tuples(windows, st.integers(0, 3)), min_size=1, max_size=4))
def test_the_receptive_field_is_what_walking_back_finds(layers):
    """Output 0 and 1 of a stack, traced back tap by tap to the cells of the input."""
    seen = ReceptiveField()
    for window, before in layers:
        seen = seen.through(window, before)
    for output in (0, 1):
        low = high = output
        for window, before in reversed(layers):
            low = low * window.stride - before
            high = high * window.stride - before + window.dilated_kernel - 1
        assert (low, high - low + 1) == (seen.first + output * seen.jump, seen.size)


def test_cells_that_share_a_jump_have_a_fraction_of_it():
    field = ReceptiveField(size=5, jump=4, first=-1)
    assert field.enlarged(2) == ReceptiveField(5, 2, -1)
    assert field.enlarged(3) == ReceptiveField(5, Fraction(4, 3), -1)
    assert field.enlarged(3).enlarged(2) == ReceptiveField(5, Fraction(2, 3), -1)
    assert type(field.enlarged(3).through(Window(3, stride=3), 0).jump) is Fraction


BIG = 10**30


def test_lengths_are_exact_beyond_any_float():
    assert output_length(BIG + 1, Window(3, 2)) == BIG // 2
    assert Window(3, 2).span(BIG) == 2 * BIG + 1
    assert resolve_padding("same", BIG + 1, Window(4, BIG)) == (1, 2)
    assert adaptive_cells(BIG - 1, BIG + 1, BIG) == range(BIG - 1, BIG + 1)


def written_twice(tree):
    """Arithmetic of windows: a division by a stride, and a spacing times one less than a count."""

    def named(node):
        while isinstance(node, ast.Subscript):
            node = node.value
        name = getattr(node, "attr", getattr(node, "id", ""))
        return "stride" in name or "dilation" in name

    def one_less(node):
        return (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Sub)
            and ast.unparse(node.right) == "1"
        )

    for node in ast.walk(tree):
        match node:
            case ast.BinOp(op=ast.FloorDiv() | ast.Mod(), right=right) if named(right):
                yield node
            case ast.Call(func=ast.Name("divmod"), args=[_, right]) if named(right):
                yield node
            case ast.BinOp(left=left, op=ast.Mult(), right=right) if (
                named(left) and one_less(right)
            ) or (one_less(left) and named(right)):
                yield node


@pytest.mark.slow
def test_no_other_file_computes_with_strides_and_dilations():
    texts = {path: path.read_text("utf-8") for path in PACKAGE.rglob("*.py")}
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}: {ast.unparse(node)}"
        for path, text in texts.items()
        if path != PACKAGE / "geometry.py" and ("stride" in text or "dilation" in text)
        for node in written_twice(ast.parse(text))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "code",
    [
        "(n + p - k) // stride + 1",
        "-(-n // self.stride[0])",
        "(n - 1) * strides[axis] + k",
        "window.dilation * (kernel - 1) + 1",
        "cell % layer.stride",
        "divmod(n, stride)",
    ],
)
def test_the_search_for_such_arithmetic_can_fail(code):
    assert list(written_twice(ast.parse(code)))
