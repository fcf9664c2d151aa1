"""Shares of the totals, the rows that are printed, and figures alone."""

import json
import shlex
from pathlib import Path

import pytest
import yaml

from convcli.app.shape import ShapeOptions, shape
from convcli.cli.main import run
from convcli.errors import SpecError, UnfitError
from convcli.sizes import InputSize
from convcli.tables import Share, markdown


def result(*network, **options):
    return shape(ShapeOptions(network=network, **options)).result


def rows(**options):
    return result("alexnet", **options).table()[1]


def test_shares_of_a_network_are_those_of_the_literature():
    """AlexNet: 96 % of its parameters are fully connected, 92 % of its MACs convolutions."""
    columns, table, total = result("alexnet", by_type=True).table()
    assert columns == ("type", "layers", "params", "params share", "MACs", "MACs share")
    shares = {row[0]: (row[1], row[2], str(row[3]), row[4], str(row[5])) for row in table}
    assert shares["conv2d"] == (5, 2_469_696, "4.0%", 655_566_528, "91.8%")
    assert shares["linear"] == (3, 58_631_144, "96.0%", 58_621_952, "8.2%")
    assert [str(cell) for cell in total] == [
        "total", "22", "61100840", "100.0%", "714188480", "100.0%"
    ]  # fmt: skip
    for place in (1, 2, 3, 4, 5):
        assert sum(row[place] for row in table) == pytest.approx(float(total[place]))


def test_the_largest_come_first_and_the_footer_sums_what_is_printed():
    _, table, footer = result("alexnet", top=3, columns=("layer", "MACs", "FLOPs")).table()
    assert table == [
        ["conv2", 223_948_800, 447_897_600],
        ["conv4", 149_520_384, 299_040_768],
        ["conv3", 112_140_288, 224_280_576],
    ]
    assert footer == ["3 of 22", 485_609_472, 971_218_944]
    by_params = rows(sort="params", top=2, columns=("layer", "params"))
    assert by_params == [["fc6", 37_752_832], ["fc7", 16_781_312]]
    convolutions = rows(types=("conv2d",), columns=("layer",))
    assert convolutions == [[f"conv{number}"] for number in range(1, 6)]
    with pytest.raises(SpecError, match=r"--type conv2: there are conv2d, .* did you mean conv2d"):
        rows(types=("conv2",))


def test_intensity_is_flops_for_each_byte_moved_once():
    """A 1x1 convolution by hand: 2·8·8·16·32 FLOPs; 64·16 + 64·32 + 16·32 + 32 floats."""
    ((value,),) = result(
        "conv(32, 1)", size=(InputSize((8, 8, 16)),), columns=("intensity",)
    ).table()[1]
    assert value == 2 * 8 * 8 * 16 * 32 / (4 * (64 * 16 + 64 * 32 + 16 * 32 + 32))
    (half,) = result(
        "conv(32, 1)",
        size=(InputSize((8, 8, 16)),),
        columns=("intensity",),
        dtype="float16",
        batch=2,
    ).table()[1]
    assert half == [2 * 2 * 8 * 8 * 16 * 32 / (2 * (2 * 64 * 48 + 16 * 32 + 32))]


def test_json_has_shares_and_sums_by_type():
    record = result("lenet5").record()
    assert sum(one["share"]["params"] for one in record["layers"]) == pytest.approx(1)
    assert [(one["type"], one["layers"], one["macs"]) for one in record["types"]] == [
        ("conv2d", 3, 405_600), ("tanh", 4, 0), ("average_pool2d", 2, 0),
        ("flatten", 1, 0), ("linear", 2, 10_920),
    ]  # fmt: skip
    top = result("lenet5", top=1).record()
    assert [one["name"] for one in top["layers"]] == ["c3"]
    assert top["totals"] == record["totals"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--get params", "61706\n"),
        ("--get output --get c1.output --get macs -q", "10\n28x28x6\n416520\n"),
        ("--get params --format tsv", "figure\tvalue\nparams\t61706\n"),
    ],
)
def test_a_script_gets_figures_alone(capfd, words, text):
    assert run(["shape", "lenet5", *words.split()]) == 0
    assert capfd.readouterr() == (text, "")


def test_figures_that_are_not_there_are_refused(capfd):
    for words, code in (
        ("--get c9.params", 2),
        ("--get size", 2),
        ("--get params --expect params=1 --format json", 1),
    ):
        assert run(["shape", "lenet5", *words.split()]) == code
    out, err = capfd.readouterr()
    assert json.loads(out)["figures"] == {"params": 61_706}
    assert "no layer is called 'c9'" in err
    assert "--get knows params, trainable" in err


def test_markdown_ends_with_what_was_expected(capsys):
    expectations = (("params", "<=", "2000000"), ("c1.output", "=", "27x27x6"))
    outcome = shape(ShapeOptions(network=("lenet5",), expect=expectations))
    assert isinstance(outcome.refusal, UnfitError)
    markdown(outcome.beside)
    assert capsys.readouterr().out == (
        "| expected of | to be | it is | met |\n|---|---|---|---|\n"
        "| params | &lt;= 2,000,000 | 61,706 | yes |\n| c1.output | = 27x27x6 | 28x28x6 | NO |\n"
    )


@pytest.mark.parametrize(
    ("share", "bar"), [(0, "     "), (0.001, "▏    "), (0.5, "██▌  "), (1, "█████")]
)
def test_a_bar_is_as_long_as_its_share(share, bar):
    assert Share(share).bar == bar


def test_the_hook_refuses_a_network_beyond_its_budget(capfd):
    """As pre-commit calls it: the entry, then the arguments of a configuration."""
    (hook,) = yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text())
    command, *words = shlex.split(hook["entry"])
    assert (command, hook["language"], hook["pass_filenames"]) == ("convcli", "python", False)
    assert run([*words, "lenet5", "--expect", "params<=2M"]) == 0
    assert run([*words, "lenet5", "--expect", "params<=2k"]) == 1
    assert "expected params<=2000, but it is 61706" in capfd.readouterr().err


def test_networks_are_compared_a_row_each():
    """Parameters and MACs as torchvision publishes them."""
    several = result("lenet5", "resnet18", "alexnet", compare=True)
    columns, table, _ = several.table()
    assert columns == ("network", "input", "layers", "params", "MACs", "memory")
    assert [row[:1] + row[3:5] for row in table] == [
        ("lenet5", 61_706, 416_520),
        ("resnet18", 11_689_512, 1_814_073_344),
        ("alexnet", 61_100_840, 714_188_480),
    ]
    assert several.value[0] == "lenet5\t61706\t416520"
    record = several.record()["networks"]
    assert [one["output"]["channels"] for one in record] == [10, 1000, 1000]
    chosen = result(
        "lenet5",
        "resnet18",
        "alexnet",
        compare=True,
        columns=("layer", "FLOPs"),
        sort="params",
        top=2,
    ).table()
    assert chosen[:2] == (
        ("network", "FLOPs"),
        [("alexnet", 1_428_376_960), ("resnet18", 3_628_146_688)],
    )


@pytest.mark.parametrize(
    ("words", "options", "text"),
    [
        (("lenet5",), {}, "takes at least two networks"),
        (("lenet5", "vgg17"), {}, "vgg17: no network is called 'vgg17'; did you mean vgg19"),
        (("lenet5", "vgg16"), {"columns": ("unread",)}, "knows the columns input, output"),
        (("lenet5", "vgg16"), {"get": ("params",)}, "--compare does not go with --get"),
        (("lenet5", "vgg16"), {"types": ("conv2d",)}, "--compare does not go with --type"),
        (("lenet5", "vgg16"), {"format_": "text"}, "--format text is for --explain"),
        (("lenet5", "vgg16"), {"fits": 2**30}, "--fits is for the memory of training"),
    ],
)
def test_what_cannot_be_compared_is_refused(words, options, text):
    with pytest.raises(SpecError, match=text):
        result(*words, compare=True, **options)


def test_a_network_that_does_not_fit_ends_a_comparison_by_name():
    with pytest.raises(UnfitError, match="alexnet: "):
        result("lenet5", "alexnet", compare=True, size=(InputSize((32, 32, 1)),))


def test_the_receptive_field_of_a_layer_is_a_figure(capfd):
    """ResNet-18's stem sees 7x7, the first convolution behind the pool 11 + 2 * 4."""
    first, second = "conv1.receptive_field", "layer1.residual1.body.conv1.receptive_field"
    words = ["shape", "resnet18", "--input", "224", "--get", first, "--get", second]
    assert run(words) == 0
    assert capfd.readouterr().out.split() == ["7x7", "19x19"]
    assert run(["shape", "resnet18", "--input", "224", "--expect", f"{first}=7x7", "-q"]) == 0
    assert run(["shape", "linear(3)", "--input", "4", "--get", "linear1.receptive_field"]) == 2


def test_words_that_spell_a_network_of_the_zoo_are_hinted_at(capfd):
    assert run(["shape", "resnet", "50"]) == 2
    assert "no network is called 'resnet 50'; did you mean resnet50?" in capfd.readouterr().err
