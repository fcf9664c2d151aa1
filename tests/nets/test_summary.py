"""Rows, totals and warnings of small networks, with figures worked out by hand."""

import pytest

from convcli.errors import UnfitError
from convcli.nets.analysis.summary import summarize, trace
from convcli.nets.analysis.table import Figures
from convcli.nets.analysis.valid_inputs import Search
from convcli.nets.graph import sequential
from convcli.nets.layers import Activation, AdaptivePool, Conv
from convcli.nets.readers.read import read_text


def conv(filters, kernel, stride=1, padding=0, **options):
    pair = (padding, padding) if isinstance(padding, int) else padding
    return Conv(filters, (kernel,) * 2, (stride,) * 2, (pair,) * 2, **options)


# layer, input (c, h, w) → output, parameters, MACs
LAYERS = [
    (conv(96, 11, 4), (3, 227, 227), (96, 55, 55), 34_944, 105_415_200),
    (conv(6, 5), (1, 32, 32), (6, 28, 28), 156, 117_600),
    (conv(6, 4, 2), (3, 20, 20), (6, 9, 9), 294, 23_328),
    (conv(32, 3), (1, 28, 28), (32, 26, 26), 320, 194_688),
    (conv(32, 3), (3, 28, 28), (32, 26, 26), 896, 584_064),
    (conv(1, 5, bias=False), (1, 9, 9), (1, 5, 5), 25, 625),
    (conv(32, 3, bias=False), (16, 5, 5), (32, 3, 3), 4_608, 41_472),
    (conv(144, 3, 1, 1, groups=144, bias=False), (144, 56, 56), (144, 56, 56), 1_296, 4_064_256),
    (conv(4, 3, 2, "same", dilation=(2, 2)), (2, 7, 8), (4, 4, 4), 76, 1_152),
]


@pytest.mark.parametrize(("layer", "size", "output", "params", "macs"), LAYERS)
def test_one_layer(layer, size, output, params, macs):
    summary = summarize(sequential([layer]), size)
    assert (summary.output, summary.params, summary.macs) == (output, params, macs)


def test_two_small_kernels_see_what_one_large_one_sees_with_fewer_weights():
    small = summarize(sequential([conv(1, 3, bias=False), conv(1, 3, bias=False)]), (1, 9, 9))
    large = summarize(sequential([conv(1, 5, bias=False)]), (1, 9, 9))
    assert small.rows[-1].receptive_field == large.rows[-1].receptive_field
    assert (small.params, large.params) == (18, 25)


def test_totals_are_the_sums_of_the_rows():
    summary = summarize(sequential([conv(4, 3), Activation("relu"), conv(8, 3, 2)]), (3, 17, 17))
    record = Figures(summary).record()
    for name in ("params", "macs"):
        assert record["totals"][name] == sum(layer[name] for layer in record["layers"])
    assert [row.name for row in summary.rows] == ["conv1", "relu1", "conv2"]


def test_the_fit_note_of_the_most_quoted_misfit():
    (warning,) = summarize(sequential([conv(96, 11, 4)]), (3, 224, 224)).warnings
    assert warning == (
        "conv1: the last row and column are unread: (224 + 2·0 − 11)/4 + 1 = 54.25 → 54\n"
        "  all are read with input 223 (→ 54) or 227 (→ 55), or padding 1,2 or 2 (→ 55)"
    )


def test_an_adaptive_pool_reads_every_cell():
    pool = AdaptivePool("average", (3, 3))
    assert summarize(sequential([pool]), (3, 11, 11)).warnings == ()


@pytest.mark.parametrize("gate", ["globalpool, conv(1, 1)", "globalpool, flatten, linear(3)"])
def test_a_gate_widens_the_field_and_leaves_its_cells_where_they_are(gate):
    text = f"multiply([{gate}, sigmoid], []); conv(1, 3, stride=2)"
    joined, conv = summarize(read_text(text).network, (3, 12, 12)).rows[-2:]
    assert [(one.size, one.jump) for one in joined.receptive_field] == [(12, 1)] * 2
    assert [(one.size, one.jump) for one in conv.receptive_field] == [(14, 2)] * 2


def test_a_layer_that_misfits_twice_ends_the_walk_with_both_reasons():
    network = read_text("relu; nn.Conv2d(5, 8, 3)").network
    summary = trace(network, (3, 2, 2), keep_going=True)
    first, second = (one.message for one in summary.failures)
    assert first == "conv2d of 5 channels meets 3 channels"
    assert "the kernel of 3 is longer than the input of 2" in second
    assert Search(network, (3, 8, 8)).smallest() is None, "no side makes 5 channels of 3"


def test_axes_that_differ_are_told_apart():
    warnings = summarize(sequential([conv(1, 3, 3)]), (1, 7, 9)).warnings
    assert len(warnings) == 1
    assert "the last row is unread: (7 + 2·0 − 3)/3 + 1 ≈ 2.33 → 2" in warnings[0]


def test_a_stride_beyond_the_kernel_is_said_to_skip():
    (warning,) = summarize(sequential([conv(1, 1, 2)]), (1, 7, 7)).warnings
    assert "1 of every 2 rows and columns are never read" in warning


def test_a_misfit_names_the_layer_the_axis_and_a_remedy():
    with pytest.raises(UnfitError, match="conv2: height: the kernel of 5 is longer than the input"):
        summarize(sequential([conv(1, 5), conv(1, 5)]), (1, 7, 9))
    with pytest.raises(UnfitError, match="groups=2 does not divide 3 input channels"):
        summarize(sequential([conv(4, 3, groups=2)]), (3, 7, 7))
