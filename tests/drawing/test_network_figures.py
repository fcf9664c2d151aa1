"""Figures of networks: every layer is named once, sizes are those of `shape`, bytes repeat."""

import re
import zlib
from xml.etree import ElementTree

import pytest

import convcli
from convcli import summarize
from convcli.cli.main import run
from convcli.drawing.network.blocks import blocks_of
from convcli.drawing.network.captions import size_label
from convcli.drawing.network.figure import Figure, FigureOptions
from convcli.drawing.network.scene import Line, Shape, Text
from convcli.errors import SpecError
from convcli.nets.zoo import FILES as ZOO_FILES

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


def names_in(text):
    """The layers in the titles of a figure, `{0..2}` written out."""
    for title in titles_of(text):
        for name in title.split(": ")[0].split(", "):
            if name.startswith("input "):
                continue
            numbers = re.search(r"\{(\d+)\.\.(\d+)\}", name)
            if numbers is None:
                yield name
            else:
                for number in range(int(numbers[1]), int(numbers[2]) + 1):
                    yield name.replace(numbers[0], str(number))


@pytest.mark.parametrize("network", [*ZOO_FILES, "inception_v3", "vit_b_16"])
def test_every_layer_stands_in_one_title_and_the_file_is_small(network):
    summary = summarize(network).summary
    check_titles(summary, FigureOptions(style="blocks"))


def check_titles(summary, options):
    """Every layer is named once, parameters add up, the same bytes twice, small and not wide."""
    figure = Figure(summary, options)
    text = figure.text()
    assert text == Figure(summary, options).text()
    assert len(text.encode()) <= 61_440
    assert float(re.search(r' width="([\d.]+)"', text)[1]) <= 1600
    assert sorted(names_in(text)) == sorted(row.name for row in summary.rows)
    params = (n for title in titles_of(text) for n in re.findall(r"([\d,]+) params", title))
    assert sum(int(n.replace(",", "")) for n in params) == summary.params
    return figure


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


@pytest.mark.parametrize(
    ("network", "style", "arcs"),
    [
        ("resnet18", "volumes", 8),
        ("resnet50", "volumes", 16),
        ("unet", "volumes", 4),
        ("vgg16", "volumes", 0),
        (
            "conv(8, 3, padding=1); residual([conv(8, 3, padding=1)], shortcut=[conv(8, 1)])",
            "volumes",
            2,
        ),
    ],
)
def test_edges_between_layers_that_are_no_neighbors_are_arcs(network, style, arcs):
    text = convcli.draw(network, None if network in ZOO_FILES else 32, style=style).text()
    assert text.count('class="arc"') == arcs


def test_a_shortcut_stands_on_its_arc_and_every_layer_in_one_title():
    text = convcli.draw("resnet18", style="volumes").text()
    rows = [row.name for row in summarize("resnet18").summary.rows]
    assert sorted(names_in(text)) == sorted(rows)


@pytest.mark.parametrize("style", ["volumes", "maps"])
@pytest.mark.parametrize("network", ["googlenet", "resnet152"])
def test_what_is_too_long_is_folded_and_said(network, style):
    figure = convcli.draw(network, style=style)
    assert figure.scene.width <= 3200
    assert [note for note in figure.notes if f"for {style} to fit" in note]
    assert sum(block.params for block in figure.blocks) == summarize(network).params


def test_a_graph_that_is_a_carpet_is_folded_unless_a_depth_is_given():
    summary = summarize("densenet121").summary
    figure = check_titles(summary, FigureOptions(style="blocks"))
    assert "folded to --depth 2, for blocks to fit; --depth 4 shows all" in figure.notes
    assert len(Figure(summary, FigureOptions(style="blocks", depth=4)).blocks) > 100


def test_more_blocks_than_can_be_read_are_refused_where_a_depth_asks_for_them():
    with pytest.raises(SpecError, match="401 blocks do not fit a page of 400; fold them with --d"):
        convcli.draw("; ".join(f"conv({n}, 1)" for n in range(1, 401)), 9, style="blocks")


def test_sheets_show_windows_to_scale_and_vectors_what_they_read():
    scene = convcli.draw("lenet5", style="maps").scene
    hollow = [item for item in scene.flat() if isinstance(item, Shape) and item.fill == "none"]
    sheets = [item for item in scene.flat() if isinstance(item, Shape) and item.fill != "none"]
    sides = [right[0] - left[0] for left, right, *_ in (item.points for item in hollow)]
    widest = max(right[0] - left[0] for left, right, *_ in (item.points for item in sheets))
    # conv 5x5 of 32, pool 2x2 of 28, 5x5 of 14, 2x2 of 10, 5x5 of 5; sides to sqrt scale
    shares = [5 / 32, 2 / 28, 5 / 14, 2 / 10, 5 / 5]
    expected = [
        share * widest * (length / 32) ** 0.5
        for share, length in zip(shares, (32, 28, 14, 10, 5), strict=True)
    ]
    assert sides == pytest.approx(expected)
    lines = [item for item in scene.flat() if isinstance(item, Line)]
    assert len(lines) == 2 * (5 + 2)


def test_a_part_is_expanded_by_a_level_and_does_not_stand_for_its_equals():
    folded = convcli.draw("resnet34", style="blocks", depth=2).blocks
    opened = convcli.draw("resnet34", style="blocks", depth=2, expand=["layer1"]).blocks
    assert [block.times for block in folded if block.scope.startswith("layer1")] == [3]
    scopes = [
        block.scope for block in opened if block.main and block.main.name.startswith("layer1")
    ]
    assert scopes == ["layer1.residual1", "layer1.residual2", "layer1.residual3"]


def test_colors_tell_shares_and_the_legend_says_them():
    text = convcli.draw("lenet5", color_by="params", style="blocks").text()
    assert "48,120 parameters" in text  # of the first linear layer: 400 x 120 and its bias
    fills = [element.get("fill") for element in ElementTree.fromstring(text).iter(f"{SVG}polygon")]
    assert "#f0963c" in fills
    kinds = [
        text.text
        for text in ElementTree.fromstring(convcli.draw("lenet5", legend=True).text()).iter(
            f"{SVG}text"
        )
    ]
    assert kinds[-4:] == ["input", "convolution", "pooling", "linear"]


def test_the_theme_auto_keeps_colors_as_attributes_and_changes_them_for_the_dark():
    auto, light = (convcli.draw("lenet5", theme=theme).text() for theme in ("auto", "light"))
    style = re.search("<style>.*</style>\n", auto)[0]
    assert auto.replace(style, "") == light
    assert '[fill="#ffffff"]{fill:#0d1117}' in style


@pytest.mark.parametrize("style", ["volumes", "blocks"])
def test_a_pdf_is_a_page_of_its_size_with_its_texts(tmp_path, style):
    file = tmp_path / "net.pdf"
    figure = convcli.draw("lenet5", style=style, title="LeNet (5)")
    figure.save(file)
    data = file.read_bytes()
    figure.save(tmp_path / "again.pdf")
    assert data == (tmp_path / "again.pdf").read_bytes()
    assert f"/MediaBox[0 0 {figure.scene.width:.2f} {figure.scene.height:.2f}]".encode() in data
    streams = re.findall(rb"stream\n(.*?)\nendstream", data, re.DOTALL)
    content = "\n".join(zlib.decompress(stream).decode() for stream in streams)
    texts = [
        bytes.fromhex(text).decode("cp1252") for text in re.findall("<([0-9a-f]+)> Tj", content)
    ]
    assert texts == [
        item.text for item in figure.scene.flat() if isinstance(item, Text) and item.text
    ]
    start = int(data.split()[-2])
    assert data[start : start + 4] == b"xref"
    for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n", data), 1):
        assert data[int(place) :].startswith(b"%d 0 obj" % number)


def test_a_notebook_shows_the_picture_beside_the_table():
    page = convcli.summarize("lenet5")._repr_html_()
    assert page.index("</table>") < page.index("<svg")
    assert convcli.draw("lenet5")._repr_svg_() in page


def test_a_graph_goes_to_the_right_where_asked():
    down, right = (convcli.draw("inception", direction=way) for way in ("down", "right"))
    assert right.scene.width > right.scene.height / 2 > 0
    assert "rankdir=LR" in right.text(".dot")
    assert "flowchart TD" in down.text(".mmd")


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
        (["resnet152", "--style", "maps", "--depth", "3", "-o", "-"], "--depth"),
        (["resnet18", "--expand", "layer5", "-o", "-"], "did you mean layer"),
        (["lenet5", "--direction", "down", "-o", "-"], "only --style blocks goes down"),
        (["lenet5", "--theme", "auto", "-o", "net.pdf"], "--theme light or dark"),
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
