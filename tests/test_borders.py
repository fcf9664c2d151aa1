"""The one table of borders against `numpy.pad`, and its one reader wherever borders are named."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convcli
from convcli.borders import BORDERS, FILL, PYTORCH_BORDERS, Border, read_border
from convcli.cli.main import run
from convcli.conv import conv2d
from convcli.conv.gradients import conv2d_gradients
from convcli.errors import SpecError, UnfitError
from convcli.nets.readers.read import read_text

lengths = st.integers(1, 9)
pads = st.tuples(st.integers(0, 25), st.integers(0, 25))


@given(st.sampled_from(sorted(BORDERS)), lengths, pads)
def test_cells_are_those_of_numpy_for_borders_longer_than_the_axis_too(name, length, padding):
    border, cells = Border(name), np.arange(length)
    if border.repeats:
        expected = np.pad(cells, padding, mode=name)
    else:
        expected = np.pad(cells, padding, constant_values=FILL)
    np.testing.assert_array_equal(border.cells(length, padding), expected)


READ = {
    "zero": Border("zero"),
    "Edge ": Border("edge"),
    "reflect": Border("reflect"),
    "symmetric": Border("symmetric"),
    "wrap": Border("wrap"),
    "valid": Border("valid"),
    "zeros": Border("zero"),
    "replicate": Border("edge"),
    "circular": Border("wrap"),
    "constant:128": Border("constant", 128),
    "constant: -3": Border("constant", -3),
    "constant:0.1": Border("constant", Fraction(1, 10)),
    "constant:2/6": Border("constant", Fraction(1, 3)),
    "constant:1e3": Border("constant", 1000),
}


@pytest.mark.parametrize(("text", "border"), READ.items())
def test_a_border_is_read_by_our_name_and_by_pytorchs(text, border):
    assert read_border(text) == border
    assert read_border(border.text) == border


def test_a_constant_is_written_as_short_as_it_is_exact():
    values = (3, 10**7, 2.5, 128.0, 0.1, Fraction(1, 10), Fraction(1, 3))
    assert [Border("constant", value).text.partition(":")[2] for value in values] == [
        "3", "10000000", "2.5", "128", "0.1", "0.1", "1/3"
    ]  # fmt: skip


def test_a_plain_constant_needs_its_value_from_elsewhere():
    assert read_border("constant", 7) == Border("constant", 7)
    assert read_border("constant:9", 7) == Border("constant", 9)
    assert read_border("edge", 7) == Border("edge")
    assert type(Border("constant", 3).fill) is int
    assert Border("constant", Fraction(1, 4)).fill == 0.25


def test_every_value_of_pytorchs_padding_mode_is_one_of_ours():
    assert set(PYTORCH_BORDERS.values()) < set(BORDERS)


NAMES = "zero, edge, reflect, symmetric, wrap, constant:VALUE, valid"
REFUSED = {
    "soft": f"'soft' is not a border: {NAMES}",
    "": f"'' is not a border: {NAMES}",
    "refect": f"'refect' is not a border: {NAMES}; did you mean reflect?",
    "constant": f"'constant' is not a border: {NAMES}; did you mean constant:VALUE?",
    "edge:3": f"'edge:3' is not a border: {NAMES}; did you mean edge?",
    "constant:x": "constant: 'x' is not a number such as 2, 0.1 or 1/9",
    "constant:": "constant: '' is not a number such as 2, 0.1 or 1/9",
    "constant:nan": "constant: 'nan' is not a number: it is not finite",
    "constant:1e999": "constant: '1e999' is beyond the limit: numbers up to 1e+125",
}


@pytest.mark.parametrize(("text", "message"), REFUSED.items())
def test_all_that_take_a_border_refuse_it_in_the_same_words(text, message, capsys, tmp_path):
    picture = np.zeros((3, 3), np.uint8)
    with pytest.raises(SpecError) as refusal:
        read_border(text)
    assert str(refusal.value) == message
    with pytest.raises(SpecError) as refusal:
        convcli.filter_image(picture, "blur", border=text)
    assert str(refusal.value) == message
    words = ["explain", "--input", "3x3", "--kernel", "2", "--border", text]
    assert run(words) == 2
    assert message in capsys.readouterr().err
    if text != "constant":  # which has its value beside it
        for call in (conv2d, lambda x, w, **options: conv2d_gradients(x, x, w, **options)):
            with pytest.raises(UnfitError) as refusal:
                call(np.ones((1, 1, 3, 3)), np.ones((1, 1, 1, 1)), padding_mode=text)
            assert str(refusal.value) == f"padding_mode={message}"


def test_pasted_pytorch_keeps_to_pytorchs_names():
    message = "'edge' is not a border: zeros, reflect, replicate, circular"
    with pytest.raises(SpecError, match=f"padding_mode={message}"):
        read_text("nn.Conv2d(3, 8, 3, padding=1, padding_mode='edge')")
    network = read_text("nn.Conv2d(3, 8, 3, padding=1, padding_mode='replicate')").network
    assert network.nodes[0].layer.border == "edge"


def test_the_border_valid_adds_no_cells():
    x, weight = np.arange(16.0).reshape(1, 4, 4), np.ones((1, 1, 3, 3))
    np.testing.assert_array_equal(conv2d(x, weight, padding_mode="valid"), conv2d(x, weight))
    with pytest.raises(UnfitError, match="padding=1: the border valid adds no cells"):
        conv2d(x, weight, padding=1, padding_mode="valid")


def test_a_constant_may_stand_in_the_name_of_the_mode():
    x, weight = np.arange(9).reshape(1, 3, 3), np.array([[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]])
    padded = np.pad(x, [(0, 0), (2, 0), (1, 3)], constant_values=-7)
    expected = conv2d(padded, weight)
    padding = ((2, 0), (1, 3))
    given_maps = conv2d(x, weight, padding=padding, padding_mode="constant:-7")
    np.testing.assert_array_equal(given_maps, expected)
    assert given_maps.dtype == np.int64
    with pytest.raises(UnfitError, match="is not an integer, but the arrays hold integers"):
        conv2d(x, weight, padding=1, padding_mode="constant:1/2")
