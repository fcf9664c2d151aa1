"""Pictures as half blocks: colours in their places, sizes that fit."""

import numpy as np
import pytest

from convcli.drawing.terminal import half_blocks
from convcli.errors import UnfitError


def test_a_character_holds_the_pixel_above_and_the_one_below():
    picture = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 9, 9]]], np.uint8)
    text = half_blocks(picture, columns=10)
    assert text.plain == "▀▀"
    styles = [span.style for span in text.spans]
    colours = [(tuple(one.color.triplet), tuple(one.bgcolor.triplet)) for one in styles]
    assert colours == [((255, 0, 0), (0, 0, 255)), ((0, 255, 0), (9, 9, 9))]


def test_an_odd_last_row_has_no_background():
    text = half_blocks(np.zeros((3, 2), np.uint8), columns=10)
    assert text.plain == "▀▀\n▀▀"
    assert [span.style.bgcolor is None for span in text.spans] == [False, False, True, True]


@pytest.mark.parametrize(
    ("shape", "columns", "lines", "width"),
    [((100, 200), 40, 10, 40), ((1, 1000, 3), 20, 1, 20), ((5, 4, 1), 80, 3, 4), ((7, 1), 1, 4, 1)],
)
def test_large_pictures_shrink_to_the_columns_and_keep_their_shape(shape, columns, lines, width):
    rows = half_blocks(np.full(shape, 7, np.uint8), columns).plain.split("\n")
    assert len(rows) == lines
    assert {len(row) for row in rows} == {width}


@pytest.mark.parametrize(
    "picture", [np.zeros((2, 2)), np.zeros((2, 2, 4), np.uint8), np.zeros((0, 2), np.uint8)]
)
def test_what_is_no_picture_is_refused(picture):
    with pytest.raises(UnfitError, match="preview"):
        half_blocks(picture, 10)
