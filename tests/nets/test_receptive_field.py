"""Receptive fields: published sizes, and which cells really move a unit."""

from itertools import product

import numpy as np
import pytest

from convcli.conv import conv2d, conv_transpose2d, max_pool2d
from convcli.errors import SpecError
from convcli.nets.analysis.receptive_field import receptive_field
from convcli.nets.analysis.summary import summarize
from convcli.nets.readers.read import read_text, read_words

# network, node → size of the field (Simonyan & Zisserman 2014; Araujo, Norris & Sim 2019)
PUBLISHED = {
    ("vgg16", "pool1"): 6,
    ("vgg16", "pool2"): 16,
    ("vgg16", "pool3"): 44,
    ("vgg16", "pool4"): 100,
    ("vgg16", "pool5"): 212,
    ("vgg16", "conv3_3"): 40,
}


@pytest.mark.parametrize(("place", "size"), PUBLISHED.items())
def test_fields_have_their_published_size(place, size):
    network, node = place
    summary = summarize(read_words([network]).network, (3, 224, 224))
    assert receptive_field(summary, node, (3, 3)).sizes == (size, size)


def test_words_have_no_receptive_field():
    text = "nn.Embedding(100, 20)\nnn.Conv1d(7, 8, 3)\nnn.MaxPool1d(2)"
    rows = summarize(read_text(text).network, (7,)).rows
    assert [row.type for row in rows] == ["parameter", "embedding", "conv1d", "max_pool1d"]
    assert {row.receptive_field for row in rows} == {()}


def test_a_vector_sees_everything():
    summary = summarize(read_words(["vgg16"]).network, (3, 224, 224))
    assert receptive_field(summary, "fc6", ()).cells == ((0, 223), (0, 223))


def run_layers(layers, x):
    """A tower of positive weights, so that no influence cancels."""
    for kind, *numbers in layers:
        if kind == "conv":
            kernel, stride, padding, dilation = numbers
            w = np.ones((1, 1, kernel, kernel))
            x = conv2d(x, w, stride=stride, padding=padding, dilation=dilation)
        elif kind == "pool":
            x = max_pool2d(x, numbers[0]) + 1e-9 * conv2d(
                x, np.ones((1, 1, numbers[0], numbers[0])), stride=numbers[0]
            )
        else:
            kernel, stride, padding = numbers
            x = conv_transpose2d(x, np.ones((1, 1, kernel, kernel)), stride=stride, padding=padding)
    return x


TOWERS = {
    "conv(1,3,padding=1); conv(1,3,stride=2)": [("conv", 3, 1, 1, 1), ("conv", 3, 2, 0, 1)],
    "conv(1,5,stride=2,padding=2); maxpool(2); conv(1,3,padding=1)": [
        ("conv", 5, 2, 2, 1),
        ("pool", 2),
        ("conv", 3, 1, 1, 1),
    ],
    "conv(1,3,dilation=2,padding=2); conv(1,3,dilation=3)": [
        ("conv", 3, 1, 2, 2),
        ("conv", 3, 1, 0, 3),
    ],
    "conv(1,3,stride=2); transposed(1,4,stride=2,padding=1); conv(1,3)": [
        ("conv", 3, 2, 0, 1),
        ("up", 4, 2, 1),
        ("conv", 3, 1, 0, 1),
    ],
    "transposed(1,3,stride=3)": [("up", 3, 3, 0)],
    "transposed(1,5,stride=2,padding=2)": [("up", 5, 2, 2)],
}


@pytest.mark.slow
@pytest.mark.parametrize(("text", "layers"), TOWERS.items())
def test_a_field_bounds_exactly_the_cells_that_move_the_unit(text, layers):
    side = 13
    summary = summarize(read_text(text).network, (1, side, side))
    last = summary.rows[-1]
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 2, (1, side, side))
    before = run_layers(layers, x)[0]
    assert before.shape == last.output[1:]
    moved = {}
    for row, column in product(range(side), range(side)):
        changed = x.copy()
        changed[0, row, column] += 0.5
        for unit in np.argwhere(run_layers(layers, changed)[0] != before):
            moved.setdefault(tuple(map(int, unit)), []).append((row, column))
    for unit, cells in moved.items():
        rows, columns = zip(*cells, strict=True)
        seen = receptive_field(summary, last.name, unit).cells
        assert seen == ((min(rows), max(rows)), (min(columns), max(columns))), unit


def test_over_branches_it_is_the_union():
    text = "concat([conv(1, 1)], [conv(1, 5, padding=2)], [conv(1, 3, padding=1), conv(1, 3, padding=1)])"
    summary = summarize(read_text(text).network, (1, 20, 20))
    assert receptive_field(summary, summary.rows[-1].name, (9, 9)).cells == ((7, 11), (7, 11))


# text, unit of the last node → the rows and columns it sees of 12×12
FIELDS = {
    ("multiply([globalpool, conv(1, 1), sigmoid], [])", (5, 5)): ((0, 11), (0, 11)),
    ("nn.PixelUnshuffle(3)", (1, 3)): ((3, 5), (9, 11)),
    ("nn.PixelUnshuffle(2); nn.PixelShuffle(2)", (3, 3)): ((2, 3), (2, 3)),
    ("reshape(6, 24, 1)", (0, 0)): ((0, 11), (0, 11)),
    ("transposed(1, 4, stride=2, padding=same)", (4, 4)): ((1, 2), (1, 2)),
    ("transposed(1, 3, stride=2, padding=same_lower)", (4, 4)): ((2, 2), (2, 2)),
    ("adaptivepool(5)", (0, 4)): ((0, 2), (9, 11)),
}


@pytest.mark.parametrize(("asked", "seen"), FIELDS.items())
def test_what_a_unit_sees_of_the_input(asked, seen):
    text, unit = asked
    summary = summarize(read_text(text).network, (1, 12, 12))
    if "Unshuffle" in text:
        summary = summarize(read_text(text).network, (4, 12, 12))
    assert receptive_field(summary, summary.rows[-1].name, unit).cells == seen


@pytest.mark.parametrize(
    ("node", "unit", "words"),
    [
        ("conv3", (1, 1), "no node is called 'conv3'; there are conv5_3, conv4_3, conv3_3"),
        ("conv3_3", (56, 0), "conv3_3 gives 56x56; 56,0 is not in it"),
        ("conv3_3", (1,), "conv3_3 gives 56x56"),
    ],
)
def test_what_is_not_there_is_refused(node, unit, words):
    summary = summarize(read_words(["vgg16"]).network, (3, 224, 224))
    with pytest.raises(SpecError, match=words):
        receptive_field(summary, node, unit)
