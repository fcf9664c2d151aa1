"""Published figures to the digit, from the zoo and from pasted framework text alike."""

import published
import pytest
import texts

from convcli.nets.analysis.mac_rules import RULES
from convcli.nets.analysis.summary import summarize
from convcli.nets.analysis.table import Settings, totals
from convcli.nets.analysis.valid_inputs import Search
from convcli.nets.graph import Network
from convcli.nets.layers import Conv
from convcli.nets.readers.read import read_text, read_words
from convcli.nets.zoo import NAMES, zoo_name
from convcli.nets.zoo.backbones import BACKBONES, FAMILIES
from convcli.text import bytes_text


def zoo(name):
    reading = read_words([name])
    return reading.network, reading.input


@pytest.mark.parametrize("name", published.NETWORKS)
def test_zoo_networks_have_their_published_figures(name):
    summary = summarize(*zoo(name))
    wanted = published.NETWORKS[name]
    assert summary.params == wanted.params
    assert wanted.macs in (None, summary.macs)
    assert summary.output in ((1000,), (10,))


SMALLEST = [min(members, key=lambda name: BACKBONES[name][2][name][1]) for *_, members in FAMILIES]
"""One of each family; tests/benchmarks/zoo.py looks at all."""


@pytest.mark.parametrize("name", SMALLEST)
def test_torchvisions_networks_have_its_published_figures(name):
    summary = summarize(*zoo(name))
    side, params, giga_macs = BACKBONES[name][2][name]
    macs = totals(summary, Settings("weights+products"))["macs"]
    assert (summary.input, summary.output) == ((3, side, side), (1000,))
    assert (summary.params, round(macs / 1e9, 3)) == (params, giga_macs)


def test_the_unet_of_the_paper():
    """23 convolutions, and a border of 92 pixels is lost; parameters as PyTorch counts them."""
    summary = summarize(*zoo("unet"))
    convs = [row for row in summary.rows if row.node.layer.type in ("conv2d", "conv_transpose2d")]
    assert (len(convs), summary.params, summary.output) == (23, 31_030_658, (2, 388, 388))


@pytest.mark.parametrize(("name", "classifier", "values"), published.PARAMS_AND_STATISTICS)
def test_weights_are_as_many_as_published_files_hold(name, classifier, values):
    rows = summarize(*zoo(name)).rows
    assert sum(row.params + row.statistics for row in rows) - classifier == values


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("ResNet50", "resnet50"),
        ("resnet-50", "resnet50"),
        ("MobileNetV2", "mobilenet_v2"),
        ("mobilenet-v3", "mobilenet_v3_large"),
        ("EfficientNet-B0", "efficientnet_b0"),
        ("ResNeXt-50", "resnext50_32x4d"),
        ("ViT-B/16", None),
        ("relu", None),
    ],
)
def test_networks_are_known_by_any_spelling(word, name):
    assert zoo_name(word) == name


@pytest.mark.parametrize("name", texts.PASTED)
def test_pasted_text_has_the_same_figures(name):
    known, text = texts.PASTED[name]
    reading = read_text(text)
    summary = summarize(reading.network, reading.input or zoo(known)[1])
    wanted = published.NETWORKS[known]
    assert (summary.params, summary.macs) == (wanted.params, wanted.macs)


@pytest.mark.parametrize("name", [n for n, w in published.NETWORKS.items() if w.smallest])
def test_the_smallest_input_is_the_published_one(name):
    network, shape = zoo(name)
    assert Search(network, shape).smallest() == published.NETWORKS[name].smallest


def test_alexnet_2012_without_its_groups():
    network, shape = zoo("alexnet-2012")
    nodes = (
        node._replace(layer=node.layer._replace(groups=1)) if isinstance(node.layer, Conv) else node
        for node in network.nodes
    )
    summary = summarize(Network(tuple(nodes)), shape)
    assert (summary.params, summary.macs) == published.UNGROUPED_ALEXNET_2012[:2]


def macs_by(rule, name):
    return totals(summarize(*zoo(name)), Settings(rule))["macs"]


@pytest.mark.parametrize(("rule", "macs"), published.RESNET50_BY_RULE.items())
def test_macs_by_the_rules_of_other_tools(rule, macs):
    assert macs_by(rule, "resnet50") == macs


def test_every_rule_says_what_it_counts():
    for rule, (_, definition) in RULES.items():
        assert len(definition) > 20, rule


def test_ptflops_is_the_sum_of_what_it_is_said_to_count():
    """Modules of ReLU and pools call functions that are counted once more."""
    weights, bias, batch_norm, relu = 4_089_184_256, 1_000, 2 * 11_113_984, 9_608_704
    pools = 64 * 112 * 112 + 2048 * 7 * 7
    total = weights + bias + batch_norm + 2 * relu + 2 * pools
    assert macs_by("ptflops", "resnet50") == total == 4_132_436_968


@pytest.mark.parametrize(("name", "node", "size", "jump"), published.RECEPTIVE)
def test_receptive_fields_are_the_published_ones(name, node, size, jump):
    rows = {row.name: row for row in summarize(*zoo(name)).rows}
    for seen in rows[node].receptive_field:
        assert (seen.size, seen.jump) == (size, jump)


def test_vgg16_holds_its_published_activations():
    summary = summarize(*zoo("vgg16"))
    assert summary.activations == published.VGG16_ACTIVATIONS
    memory = totals(summary, Settings())["memory"]
    assert bytes_text(memory["activations"]) == published.VGG16_ACTIVATIONS_TEXT


def test_lenet_sizes_are_the_papers():
    shapes = {row.name: row.output for row in summarize(*zoo("lenet5")).rows}
    assert [shapes[name] for name in ("c1", "s2", "c3", "s4", "c5", "f6", "output")] == [
        (6, 28, 28),
        (6, 14, 14),
        (16, 10, 10),
        (16, 5, 5),
        (120, 1, 1),
        (84,),
        (10,),
    ]


def test_the_textbook_alexnet_starts_with_56():
    assert summarize(*zoo("alexnet-textbook")).rows[0].output == (96, 56, 56)


def test_single_modules_keep_their_sizes():
    assert summarize(*zoo("inception")).output == (256, 28, 28)
    assert summarize(*zoo("residual")).output == (64, 56, 56)


@pytest.mark.parametrize("name", NAMES)
def test_every_zoo_network_says_what_it_is_and_where_it_is_from(name):
    from convcli.nets.zoo import about, zoo_text

    assert len(about(name)) > 20
    assert ", 19" in zoo_text(name) or ", 20" in zoo_text(name)


# text, input (c, h, w) → output, parameters: the arithmetic of FACTS
CASES = [
    ("conv(6, 4, stride=2)", (3, 20, 20), (6, 9, 9), 294),
    ("conv(6, 4, stride=2); maxpool(3, stride=2)", (3, 20, 20), (6, 4, 4), 294),
    ("conv(6, 4, stride=2); maxpool(3, stride=2); flatten", (3, 20, 20), (96,), 294),
    ("Conv2D(filters=32, kernel_size=3)", (1, 28, 28), (32, 26, 26), 320),
    ("Conv2D(filters=32, kernel_size=3)", (3, 28, 28), (32, 26, 26), 896),
    ("conv(1, 5, bias=False)", (1, 9, 9), (1, 5, 5), 25),
    ("conv(1, 3, bias=False); conv(1, 3, bias=False)", (1, 9, 9), (1, 5, 5), 18),
    ("conv(32, 3, bias=False)", (16, 9, 9), (32, 7, 7), 4_608),
    ("conv(5, 1, bias=False); conv(32, 3, bias=False)", (16, 9, 9), (32, 7, 7), 1_520),
    ("linear(1, bias=False)", (3, 32, 32), (1,), 3_072),
    ("linear(1, bias=False)", (3, 224, 224), (1,), 150_528),
    ("conv(1, 5); conv(1, 3); conv(1, 3)", (1, 9, 9), (1, 1, 1), 26 + 10 + 10),
    ("maxpool(2, padding=same)", (1, 7, 7), (1, 4, 4), 0),
]


@pytest.mark.parametrize(("text", "shape", "output", "params"), CASES)
def test_the_worked_arithmetic(text, shape, output, params):
    summary = summarize(read_text(text).network, shape)
    assert (summary.output, summary.params) == (output, params)
