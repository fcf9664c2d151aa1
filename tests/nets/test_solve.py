"""The questions backwards, and which inputs fit."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcli.app.solve import SolveOptions, solve
from convcli.errors import SpecError, UnfitError
from convcli.geometry import Window, output_length
from convcli.nets.analysis.conventions import explanations, read_figure
from convcli.nets.analysis.summary import trace
from convcli.nets.analysis.valid_inputs import Search, input_for
from convcli.nets.analysis.window_solver import Unknowns, solutions, transposed_solutions
from convcli.nets.readers.read import read_text, read_words


def test_the_paddings_that_give_alexnets_55():
    found = solutions(Unknowns(224, 11, 4, None, 55))
    assert [(one.padding, one.exact) for one in found] == [
        ((1, 2), True),
        ((2, 2), False),
        ((3, 3), False),
        ((2, 3), False),
    ]


def test_inputs_strides_and_kernels_are_found_too():
    assert [one.input for one in solutions(Unknowns(None, 11, 4, (0, 0), 55))] == [
        227,
        228,
        229,
        230,
    ]
    assert [one.stride for one in solutions(Unknowns(227, 11, None, (0, 0), 55))] == [4]
    assert [one.kernel for one in solutions(Unknowns(32, None, 1, (0, 0), 28))] == [5]
    assert solutions(Unknowns(5, 3, 1, (0, 0), 9)) == []


# input, kernel, stride, padding, output → kernels and strides that leave nothing over
EXACT = [
    ((1000, None, None, None, 1), [(1000, 1)]),
    ((224, None, None, (0, 0), 14), [(224 - 13 * stride, stride) for stride in range(16, 0, -1)]),
    ((1000, 3, None, (0, 0), 2), [(3, 997)]),
    ((1000, None, 14, (0, 0), 14), [(818, 14)]),
    ((30, None, 20, (1, 1), 2), [(12, 20)]),
]


@pytest.mark.parametrize(("known", "windows"), EXACT)
def test_windows_are_found_to_the_length_of_the_input(known, windows):
    found = solutions(Unknowns(*known))
    assert [(one.kernel, one.stride) for one in found if one.exact] == windows


@pytest.mark.parametrize(
    ("words", "tried"),
    [
        ({"size": (8,), "output": 9, "padding": (0, 0)}, "to 8 those that leave nothing over"),
        ({"kernel": 3, "output": 9, "padding": (1, 1)}, "strides to 15 were tried; give --input"),
        ({"size": (7,), "output": 14, "transposed": True}, "and to 14 those that leave nothing"),
        ({"size": (10**9,), "kernel": 3, "output": 3}, "to 100,000 those"),
    ],
)
def test_what_was_tried_is_said(words, tried):
    outcome = solve(SolveOptions(**words))
    assert tried in str(outcome.result.record()["tried"])
    assert tried in str(outcome.refusal or outcome.result.caption)


numbers = st.integers(1, 12)


@given(st.integers(1, 60), numbers, st.integers(1, 5), st.integers(0, 5), st.integers(0, 5))
def test_every_solution_solves_and_none_is_missed(length, kernel, stride, before, after):
    window = Window(kernel, stride)
    if length + before + after < kernel:
        return
    output = output_length(length, window, (before, after))
    for asked in (
        Unknowns(None, kernel, stride, (before, after), output),
        Unknowns(length, None, stride, (before, after), output),
        Unknowns(length, kernel, None, (before, after), output),
        Unknowns(length, kernel, stride, None, output),
    ):
        found = solutions(asked)
        for one in found:
            assert output_length(one.input, Window(one.kernel, one.stride), one.padding) == output
        assert sorted(found, key=lambda one: not one.exact) == found
        total = {(one.input, one.kernel, one.stride, sum(one.padding)) for one in found}
        if asked.padding or before + after <= 2 * (kernel - 1):
            assert (length, kernel, stride, before + after) in total


@pytest.mark.parametrize(
    ("text", "value", "slack"),
    [
        ("4.11G", 4_110_000_000, 5_000_000),
        ("61.1M", 61_100_000, 50_000),
        ("61,100,840", 61_100_840, 0),
        ("25.6 m", 25_600_000, 50_000),
        ("4G", 4 * 10**9, 5 * 10**8),
        ("55", 55, 0),
        ("0.5", Fraction(1, 2), Fraction(1, 20)),
    ],
)
def test_a_figure_is_read_with_the_half_step_of_its_last_digit(text, value, slack):
    assert read_figure(text)[1:3] == (value, slack)


@pytest.mark.parametrize("text", ["", "x", "4.11GG", "-3", "1e999", "4..1M", "9" * 100])
def test_what_is_no_figure_is_refused(text):
    with pytest.raises(SpecError, match="is not a figure"):
        read_figure(text)


def explained(name, text, *kin):
    networks = {}
    for one in (name, *kin):
        reading = read_words([one])
        networks[one] = reading.network, reading.input
    return explanations(read_figure(text), networks)


# network, figure, kin → part of a convention that must be among the answers
WHY = [
    ("resnet50", "4.11G", (), "thop"),
    ("resnet50", "4.11G", (), "fvcore"),
    ("resnet50", "4.09G", (), "weights of convolutions"),
    ("resnet50", "8.18G", (), "2 x MACs by weights"),
    ("resnet50", "3.86G", ("resnet50-v1",), "weights of convolutions"),
    ("resnet50", "25.6M", (), "weights, biases and batch norm's 2C"),
    ("resnet50", "25,610,152", (), "4C, as Keras does"),
    ("googlenet-paper", "13.4M", ("googlenet-paper-aux",), "weights, biases"),
    ("alexnet-2012", "62.4M", (), "no groups"),
    ("alexnet-2012", "1.14G", (), "no groups"),
    ("alexnet", "61.1M", (), "weights, biases"),
]


@pytest.mark.parametrize(("name", "text", "kin", "convention"), WHY)
def test_the_convention_behind_a_figure_is_named(name, text, kin, convention):
    hits, _ = explained(name, text, *kin)
    assert any(convention in one.convention for one in hits), hits


def test_a_figure_nothing_gives_has_its_nearest():
    hits, nearest = explained("lenet5", "999.9G")
    assert hits == []
    assert len(nearest) == 5


MODEL = """import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 10)
        self.conv = nn.Conv2d(3, 8, 3, bias=False)
    def forward(self, x):
        return self.fc(self.conv(x).mean((2, 3)))
"""


def test_conventions_are_tried_on_a_model_file_as_it_runs():
    network = read_text(MODEL).network
    hits, _ = explanations(read_figure("221,264"), {"net": (network, (3, 32, 32))})
    assert {(one.quantity, one.convention.split(",")[-1]) for one in hits} >= {
        ("MACs", " SAME padding throughout")
    }


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ({}, "--input, or two of --kernel, --stride, --padding"),
        ({"kernel": 3}, "--input, or --stride or --padding"),
        ({"padding": (0, 0), "transposed": True}, "--input, or --kernel or --stride"),
    ],
)
def test_too_little_that_is_known_is_asked_for(words, wanted):
    with pytest.raises(SpecError, match=f"left open for an output of 55: give {wanted}$"):
        solve(SolveOptions(output=55, **words))


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("output", [1, 5, 14])
def test_every_transposed_convolution_is_found(output, dilation):
    """Against the length of every window that is tried, forwards."""
    every = {
        (length, kernel, stride, side, extra)
        for kernel in range(1, 7)
        for stride in range(1, kernel + 1)
        for side in range(dilation * (kernel - 1) + 1)
        for extra in range(stride)
        for length in range(1, 40)
        if (length - 1) * stride - 2 * side + dilation * (kernel - 1) + 1 + extra == output
    }
    for length in range(1, 15):
        found = transposed_solutions(Unknowns(length, None, None, None, output, dilation))
        small = [one for one in found if one.stride <= one.kernel <= 6]
        assert {
            (one.input, one.kernel, one.stride, one.padding[0], one.leftover)
            for one in small
            if one.padding[0] <= dilation * (one.kernel - 1)
        } == {one for one in every if one[0] == length}
    for kernel, stride in ((3, 2), (4, 2), (5, 1)):
        found = transposed_solutions(Unknowns(None, kernel, stride, None, output, dilation), 0)
        assert {(one.input, kernel, stride, one.padding[0], 0) for one in found} == {
            one for one in every if one[1:3] == (kernel, stride) and one[4] == 0
        }


def test_the_input_for_a_model_file_is_found_by_the_nodes_that_run():
    network = read_text(
        MODEL.replace("Linear(8,", "Linear(8 * 30 * 30,").replace(".mean((2, 3))", ".flatten(1)")
    ).network
    (failure,) = trace(network, (3, 40, 40)).failures
    assert input_for(network, (3, 40, 40), failure) == 32


def test_a_network_that_does_not_fit_is_not_asked_about():
    with pytest.raises(UnfitError, match="concat meets 8x8x1 and 4x4x1"):
        solve(
            SolveOptions(
                network=("concat([conv(1, 1)], [conv(1, 1, stride=2)])",), size=(8, 8), why="4.11G"
            )
        )


def test_the_inputs_that_fit_alexnets_first_layers():
    network = read_text("conv(96, 11, stride=4); relu; maxpool(3, stride=2)").network
    warnings = trace(network, (3, 224, 224)).warnings
    assert [text.partition(":")[0] for text in warnings] == ["conv1", "max_pool1"]
    assert Search(network, (3, 224, 224)).nearest_fits(224) == (219, 227)
    assert Search(network, (3, 224, 224)).smallest() == 19
    assert Search(network, (3, 1, 1)).fits(227)
    assert not Search(network, (3, 1, 1)).fits(224)


def test_no_smaller_input_goes_through_than_the_smallest():
    network = read_text("conv(8, 5, stride=2); maxpool(3); conv(8, 3, padding=1)").network
    side = Search(network, (3, 9, 9)).smallest()
    assert side is not None
    assert not trace(network, (3, side, side)).failures
    assert trace(network, (3, side - 1, side - 1)).failures


def test_cells_that_another_branch_reads_are_not_called_lost():
    text = "residual([conv(8, 3, stride=2, padding=1)], shortcut=[conv(8, 1, stride=2)])"
    assert trace(read_text(text).network, (3, 56, 56)).warnings == ()
    assert trace(read_words(["resnet50"]).network, (3, 224, 224)).warnings == ()
    (lost, *_) = trace(read_words(["resnet50-v1"]).network, (3, 224, 224)).warnings
    assert "layer2.residual1.body.conv1, layer2.residual1.shortcut.conv1: the last row" in lost


def test_every_misfit_is_told_when_the_walk_goes_on():
    text = "nn.Linear(8, 4)\nnn.Linear(8, 4)\nnn.Linear(8, 4)"
    failures = trace(read_text(text).network, (8,), keep_going=True).failures
    assert [(one.declared, one.corrected) for one in failures] == [(8, 4), (8, 4)]


def test_the_input_under_which_a_linear_layer_fits():
    text = "nn.Conv2d(3, 8, 3)\nnn.MaxPool2d(2)\nnn.Linear(8 * 13 * 13, 10)"
    network = read_text(text).network
    (failure,) = trace(network, (3, 32, 32)).failures
    assert (failure.declared, failure.corrected) == (8 * 13 * 13, 8 * 15 * 15)
    assert input_for(network, (3, 32, 32), failure) == 28
    odd = read_text(text.replace("8 * 13 * 13", "7")).network
    assert input_for(odd, (3, 32, 32), trace(odd, (3, 32, 32)).failures[0]) is None


@pytest.mark.parametrize(
    ("network", "figure", "value", "words"),
    [
        # printed with their last digits cut off
        ("alexnet", "62.3M", 62378344, "cut, not rounded"),
        ("alexnet", "60M", 60965224, "cut, not rounded"),
        ("resnet50", "3.8G", 3857973248, "cut, not rounded"),
        # Keras's include_top=False, and torchvision's backbones
        ("vgg16", "14,714,688", 14714688, "without its head"),
        ("resnet50", "23.5M", 23508032, "without its head"),
        ("vgg16", "134.3M", 134260544, "without its last layer"),
        # sizes of files: Keras's table of applications, torchvision's weights
        ("vgg16", "528MB", 553430176, "MB of 1,024 x 1,024 bytes"),
        ("vgg16", "553MB", 553430176, "float32"),
        ("resnet50", "97.8 MiB", 102546848, "4C, as Keras does, a bias in every convolution"),
    ],
)
def test_figures_that_are_cut_headless_or_sizes_are_found(network, figure, value, words):
    hits = solve(SolveOptions(network=(network,), why=figure)).result.record()["explanations"]
    assert any(hit["value"] == value and words in hit["convention"] for hit in hits), hits
    assert (
        all(read_figure(figure).matches(hit["value"]) for hit in hits)
        or "1,024" in words
        or ("cut" in words)
    )


def test_a_figure_is_cut_only_where_rounding_does_not_give_it():
    hits = solve(SolveOptions(network=("resnet50",), why="4.11G")).result.record()["explanations"]
    assert hits
    assert not any("cut" in hit["convention"] for hit in hits)
    with pytest.raises(SpecError, match="528MB"):
        read_figure("528 pounds")
