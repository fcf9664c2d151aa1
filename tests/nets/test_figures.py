"""Summaries as plain data: totals, folding, memory, comparisons and sweeps."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convcli.nets.analysis.compare import fully_connected, sweep, versus
from convcli.nets.analysis.conventions import explanations, read_figure
from convcli.nets.analysis.summary import summarize
from convcli.nets.analysis.table import COLUMNS, Figures, Settings, layer_records, totals
from convcli.nets.readers.read import read_text, read_words


def of(*words):
    reading = read_words(words)
    return summarize(reading.network, reading.input or (3, 32, 32))


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "googlenet"])
@pytest.mark.parametrize("depth", [None, 1, 2, 9])
def test_totals_are_the_sums_of_the_rows_however_they_are_folded(name, depth):
    summary, settings_ = of(name), Settings(depth=depth)
    records, total = layer_records(summary, settings_), totals(summary, settings_)
    for key in ("params", "trainable", "buffers", "macs"):
        assert sum(record[key] for record in records) == total[key]
    assert records[-1]["output"] == {"channels": 1000 if name != "lenet5" else 10}
    if depth is not None:
        assert all(len(record["name"].split(".")) <= depth for record in records)


def test_folding_keeps_each_block_once_and_in_order():
    names = [one["name"] for one in layer_records(of("resnet18"), Settings(depth=1))]
    assert names == [
        *("conv1", "batch_norm1", "relu1", "max_pool1"),
        *("layer1", "layer2", "layer3", "layer4"),
        *("global_average_pool1", "flatten1", "fc"),
    ]


def test_memory_counts_the_dtype_and_the_batch():
    summary = of("vgg16")
    single = totals(summary, Settings())["memory"]
    half = totals(summary, Settings(dtype="float16", batch=4))["memory"]
    assert half["activations"] == 2 * single["activations"]
    assert half["weights"] == single["weights"] // 2 == 2 * 138_357_544
    assert single["forward"] == single["weights"] + single["peak_activations"]


@pytest.mark.parametrize(
    ("text", "peak"),
    [
        # 3·64 in, 8·64 out; relu in place; pool 8·16 beside its input
        ("conv(8, 1); relu; maxpool(2)", 3 * 64 + 8 * 64),
        # the input lives until the branch that reads it last
        ("residual([conv(3, 1), relu, conv(3, 1)])", 3 * 64 * 3),
        ("concat([conv(5, 1)], [conv(4, 1)])", 2 * (5 + 4) * 64),
        ("relu; relu", 3 * 64),
        ("side([linear(1)]); relu", 3 * 64 + 1),
    ],
)
def test_the_most_values_alive_at_once(text, peak):
    assert summarize(read_text(text).network, (3, 8, 8)).peak == peak


@settings(deadline=None)
@given(st.lists(st.sampled_from(["conv(4, 1)", "relu", "residual([conv(4, 1)], [conv(4, 1)])"])))
def test_the_peak_is_at_most_all_and_at_least_the_largest(parts):
    summary = summarize(read_text("\n".join(["conv(4, 1)", *parts])).network, (3, 4, 4))
    assert 7 * 16 <= summary.peak <= summary.activations


def test_keras_counts_running_statistics_as_parameters_and_pytorch_beside_them():
    for text, figures in {
        "BatchNormalization()": (12, 6, 0),
        "nn.BatchNorm2d(3)": (6, 6, 6),
        "bn": (6, 6, 6),
        "nn.BatchNorm2d(3, affine=False)": (0, 0, 6),
    }.items():
        summary = summarize(read_text(text).network, (3, 4, 4))
        total = totals(summary, Settings())
        assert (total["params"], total["trainable"], total["buffers"]) == figures, text


def test_every_column_has_a_value_in_every_row():
    _, rows, footer = Figures(of("googlenet"), Settings(columns=tuple(COLUMNS))).table()
    assert {len(row) for row in rows} == {len(COLUMNS)} == {len(footer)}


def test_the_caption_names_every_convention():
    caption = Figures(of("resnet18"), Settings("thop@0.0.31", "float16", 2)).caption
    for part in ("11,689,512 params", "FLOPs", "batch norm", "float16, batch 2", "HxWxC"):
        assert part in caption


def test_a_convolution_against_the_fully_connected_layer():
    for side, weights in ((32, 3_072), (224, 150_528)):
        conv = summarize(read_text("conv(1, 3, padding=1, bias=False)").network, (3, side, side))
        linear = summarize(fully_connected(conv), conv.input)
        assert linear.params == weights * side * side
        (note,) = versus(conv, linear, ("this", "linear"), Settings()).warnings
        assert f"{weights:,} an output" in note


def test_two_networks_side_by_side():
    both = versus(of("resnet50"), of("resnet50-v1"), ("v1.5", "v1"), Settings())
    columns, rows, footer = both.table()
    assert len(rows) == 175
    assert dict(zip(columns, footer, strict=True))["MACs more"] == 3_857_973_248 - 4_089_184_256
    assert sum(row[5] for row in rows) == footer[5] == 0


def test_more_networks_side_by_side_with_blanks_for_layers_they_lack():
    alexnet, vgg11, vgg16 = map(of, ("alexnet", "vgg11", "vgg16"))
    both = versus(vgg11, vgg16, ("vgg11", "vgg16", "alexnet"), Settings(), [alexnet])
    columns, rows, footer = both.table()
    assert columns[4:7] == ["params of vgg11", "params of vgg16", "params of alexnet"]
    assert footer[4:7] == (vgg11.params, vgg16.params, alexnet.params)
    by_name = {row[0]: row[1:] for row in rows}
    assert by_name["conv2_2"][:6] == ["", "112x112x128", "", "", 147_584, ""]
    lacking = next(one for one in both.record()["layers"] if one["name"] == "conv2_2")
    assert lacking["params"] == [None, 147_584, None]
    two = versus(vgg11, vgg16, ("a", "b"), Settings()).table()[1]
    assert next(row for row in two if row[0] == "conv2_2")[3:6] == ["", 147_584, 147_584]


PAIRED = {
    # a layer more, in its place; what comes behind it pairs in spite of other numbers
    ("conv:8,3 relu conv:8,3 relu linear:2", "conv:8,3 batchnorm relu conv:16,3 relu linear:2"): [
        ("conv1", 224, 224),
        ("batch_norm1", "", 16),
        ("relu1", 0, 0),
        ("conv2", 584, 1168),
        ("relu2", 0, 0),
        ("linear1", 12546, 25090),
    ],
    ("relu conv:8,3 relu", "conv:8,3 relu"): [
        ("relu1", 0, ""),
        ("conv1", 224, 224),
        ("relu2 / relu1", 0, 0),
    ],
    ("conv:8,3 conv:8,3 linear:2", "conv:8,3 linear:2"): [
        ("conv1", 224, 224),
        ("conv2", 584, ""),
        ("linear1", 12546, 14402),
    ],
}


@pytest.mark.parametrize("networks", PAIRED)
def test_layers_are_paired_by_order_and_kind(networks):
    both = versus(*(of(*words.split()) for words in networks), ("a", "b"), Settings())
    rows = [(row[0], *row[3:5]) for row in both.table()[1]]
    assert rows == PAIRED[networks]


def test_unlike_depths_pair_by_shape():
    both = versus(of("vgg16"), of("vgg13"), ("vgg16", "vgg13"), Settings())
    alone = [row[0] for row in both.table()[1] if row[2] == ""]
    assert alone == ["conv3_3", "relu7", "conv4_3", "relu10", "conv5_3", "relu13"]
    assert both.caption == "34 of 40 rows alike in all networks"
    paired = [one["names"] for one in both.record()["layers"] if one["name"].startswith("relu8")]
    assert paired == [["relu8", "relu7"]]


def test_a_sweep_over_a_file_that_is_not_understood_says_why():
    text = (
        "import torch.nn as nn\nclass Net(nn.Module):\n  def __init__(self):\n"
        "    self.c = nn.Conv2d(1, 8, 3)\n  def forward(self, x):\n    return mystery(self.c(x))"
    )
    network = read_text(text).network
    rows = sweep(network, [(1, 8, 8)], Settings()).table()[1]
    assert rows[0][-1] == "NameError: 'mystery' is not defined"
    assert explanations(read_figure("72"), {"net": (network, (1, 8, 8))}) == ([], [])


def test_a_sweep_says_where_a_network_does_not_fit():
    reading = read_words(["alexnet"])
    shapes = [(3, side, side) for side in (32, 64, 96)]
    rows = sweep(reading.network, shapes, Settings()).table()[1]
    assert [row[0] for row in rows] == ["32x32x3", "64x64x3", "96x96x3"]
    assert "pool" in rows[0][-1]
    assert [row[1] for row in rows] == ["", "1000", "1000"]
    assert rows[1][3] < rows[2][3]
