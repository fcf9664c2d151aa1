"""Figures of networks: every layer is named once, sizes are those of `shape`, bytes repeat."""

import re
from xml.etree import ElementTree

import pytest

from convcli.api import summarize
from convcli.cli.main import run
from convcli.drawing.network.blocks import blocks_of
from convcli.drawing.network.captions import size_label
from convcli.nets.zoo import NAMES

SVG = "{http://www.w3.org/2000/svg}"


def drawn(tmp_path, network, *words, suffix=".svg"):
    """The text of a figure."""
    file = tmp_path / f"figure{suffix}"
    assert run(["draw", network, *words, "--force", "-q", "-o", str(file)]) == 0
    return file.read_text()


def titles_of(text):
    return [
        title.text
        for group in ElementTree.fromstring(text).iter(f"{SVG}g")
        for title in group.iter(f"{SVG}title")
    ]


@pytest.mark.parametrize("network", NAMES)
def test_every_layer_stands_in_one_title_and_the_file_is_small(tmp_path, network):
    text = drawn(tmp_path, network, "--style", "blocks")
    assert text == drawn(tmp_path, network, "--style", "blocks")
    assert len(text.encode()) <= 61_440
    assert float(re.search(r' width="([\d.]+)"', text)[1]) <= 1600
    names = [name for title in titles_of(text) for name in title.split(": ")[0].split(", ")]
    rows = [row.name for row in summarize(network).summary.rows]
    assert sorted(name for name in names if not name.startswith("input ")) == sorted(rows)
    assert (
        sum(
            int(n.replace(",", ""))
            for t in titles_of(text)
            for n in re.findall(r"([\d,]+) params", t)
        )
        == summarize(network).summary.params
    )


@pytest.mark.parametrize("network", ["lenet5", "vgg16", "resnet50", "googlenet"])
def test_every_size_in_a_block_is_one_that_shape_prints(tmp_path, network):
    root = ElementTree.fromstring(
        drawn(tmp_path, network, "--style", "blocks", "--labels", "sizes")
    )
    shown = {text.text for group in root.iter(f"{SVG}g") for text in group.iter(f"{SVG}text")}
    summary = summarize(network).summary
    assert shown <= {size_label(row.output) for row in summary.rows} | {size_label(summary.input)}


@pytest.mark.parametrize(
    ("network", "times"),
    [
        ("resnet152", [2, 7, 35, 2]),
        ("resnet18", [2]),
        ("vgg16", [2, 2, 3, 3, 3]),
        ("googlenet", []),
    ],
)
def test_repeated_parts_stand_once_with_their_number(network, times):
    blocks = blocks_of(summarize(network).summary)
    runs = {block.run: block.times for block in blocks if block.run}
    if network == "vgg16":
        assert set(runs.values()) <= {2, 3}
        assert sum(block.times for block in blocks if block.kind == "convolution") == 13
    else:
        assert list(runs.values()) == times


def test_what_depth_folds_is_called_by_the_name_it_shares(tmp_path):
    text = drawn(tmp_path, "resnet18", "--style", "blocks", "--depth", "1")
    labels = [text.text for text in ElementTree.fromstring(text).iter(f"{SVG}text")]
    assert [label for label in labels if label.startswith("layer")] == [
        "layer1",
        "layer2",
        "layer3",
        "layer4",
    ]


def test_markup_in_names_is_text(tmp_path):
    text = drawn(tmp_path, "lenet5", "--title", '<b>&"', suffix=".svg")
    assert ElementTree.fromstring(text).find(f"{SVG}title").text == '<b>&"'


@pytest.mark.parametrize(
    ("network", "style"),
    [("lenet5", "maps"), ("vgg16", "volumes"), ("resnet18", "volumes"), ("googlenet", "blocks")],
)
def test_the_style_follows_from_the_network_and_is_said(tmp_path, capfd, network, style):
    assert run(["draw", network, "-o", str(tmp_path / "net.svg")]) == 0
    assert f"drawn as {style};" in capfd.readouterr().err


@pytest.mark.parametrize("style", ["volumes", "maps"])
def test_the_scale_is_written_into_the_figure(tmp_path, style):
    assert "to log scale" in drawn(tmp_path, "lenet5", "--style", style, "--scale", "log")


def test_other_forms_hold_the_same_graph(tmp_path):
    graph = drawn(tmp_path, "inception", suffix=".dot")
    assert graph.count(" -> ") == drawn(tmp_path, "inception", suffix=".mmd").count(" --> ") == 11
    assert drawn(tmp_path, "inception", suffix=".tex").startswith("\\documentclass")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lenet5", "-o", "net.bmp"], "a figure ends in .svg"),
        (["lenet5", "--labels", "size", "-o", "-"], "did you mean sizes?"),
        (["lenet5", "--style", "maps", "-o", "net.dot"], "--style blocks"),
        (["resnet152", "--style", "volumes", "-o", "-"], "--depth"),
        (["resnet50", "--style", "maps", "-o", "-"], "--style blocks"),
        ([], "give a network"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_way_out(
    tmp_path, monkeypatch, capfd, words, message
):
    monkeypatch.chdir(tmp_path)
    assert run(["draw", *words]) == 2
    assert message in capfd.readouterr().err
    assert not list(tmp_path.iterdir())
