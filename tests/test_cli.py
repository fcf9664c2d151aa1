"""The command line: argv → stdout, stderr, exit code; and real processes for pipes and disks."""

import json
import os
import re
import signal
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convcli.cli.main import run
from convcli.images.kernels.catalogue import CATALOGUE

SAMPLES = Path(__file__).parents[1] / "samples"
CAT = str(SAMPLES / "cat.jpg")
COMMAND = [sys.executable, "-m", "convcli"]


@pytest.fixture
def shell(capfd, monkeypatch, tmp_path):
    """Runs convcli in an empty folder; gives its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(line, *words):
        code = run([*line.split(), *words])
        return code, *capfd.readouterr()

    return call


def process(*words, **options):
    return subprocess.run([*COMMAND, *words], capture_output=True, check=False, **options)


ALEXNET = "shape --input 224 --kernel 11 --stride 4"

# line → what -q prints
SHAPES = {
    ALEXNET: "54x54x1",
    f"{ALEXNET} --padding 2": "55x55x1",
    f"{ALEXNET} --padding 1,2,1,2": "55x55x1",
    f"{ALEXNET} --padding same": "56x56x1",
    f"{ALEXNET} --padding valid --filters 96": "54x54x96",
    "shape --input 32x48x1 --kernel 3x5 --stride 1x2": "30x22x1",
    "shape --input 32x48 --kernel 3 --padding 1x0": "32x46x1",
    "shape --input 9x9x4 --kernel 3 --dilation 2 --groups 2 --filters 6": "5x5x6",
}


@pytest.mark.parametrize(("line", "expected"), SHAPES.items())
def test_shape_prints_one_value_when_quiet(shell, line, expected):
    assert shell(f"{line} -q") == (0, f"{expected}\n", "")


def test_shape_prints_tsv_in_a_pipe_and_its_note_beside_it(shell):
    code, out, err = shell(ALEXNET)
    names, values = (line.split("\t") for line in out.splitlines())
    assert dict(zip(names, values, strict=True)) == {
        "layer": "conv1",
        "type": "conv2d",
        "output": "54x54x1",
        "params": "364",
        "MACs": "1058508",
        "receptive_field": "11x11",
        "unread": "1x1",
    }
    assert code == 0
    assert err.splitlines() == [
        "conv1: the last row and column are unread: (224 + 2·0 − 11)/4 + 1 = 54.25 → 54",
        "  all are read with input 223 (→ 54) or 227 (→ 55), or padding 1,2 or 2 (→ 55)",
    ]


def test_shape_draws_a_table_whose_columns_add_up(shell):
    _, out, _ = shell(f"{ALEXNET} --format table --no-bias")
    lines = [line.split() for line in out.splitlines() if line.strip()]
    assert lines[0] == ["layer", "type", "output", "params", "MACs", "receptive", "field", "unread"]
    assert lines[2] == ["input", "(3", "channels", "assumed)", "224x224x3"]
    assert lines[3][3:5] == lines[4][2:4] == ["363", "1,058,508"]


def test_shape_json_has_its_fields(shell):
    code, out, err = shell(f"{ALEXNET} --filters 96 --format json")
    record = json.loads(out)
    assert (code, err, record["schema"]) == (0, "", 1)
    assert record["input"] == {"height": 224, "width": 224, "channels": 3}
    assert record["output"] == {"height": 54, "width": 54, "channels": 96}
    (layer,) = record["layers"]
    assert (layer["name"], layer["type"]) == ("conv1", "conv2d")
    assert layer["receptive_field"] == {"height": 11, "width": 11}
    assert layer["unread"] == {"height": 1, "width": 1}
    assert record["totals"]["params"] == 34_944
    assert record["totals"]["macs"] == 101_616_768
    assert record["totals"]["flops"] == 203_233_536
    assert "54.25" in record["warnings"][0]


# line → exit code, part of the one line on stderr
REFUSED = {
    "shape --input 0 --kernel 3": (2, "0 is too small: at least 1"),
    "shape --input -5 --kernel 3": (2, "-5 is too small"),
    "shape --input 7x0 --kernel 3": (2, "0 is too small"),
    "shape --input 7 --kernel 0": (2, "0 is too small"),
    "shape --input 7 --kernel 3 --stride 0": (2, "0 is too small"),
    "shape --input 7 --kernel 3 --padding -1": (2, "-1 is too small"),
    "shape --input 7 --kernel 3 --padding 1,2,3": (2, "'1,2,3' is not a size such as"),
    "shape --input 7 --kernel 3 --padding 1,2": (2, "write 1x2 for height x width, or all four"),
    "solve --kernel 3 --padding same --output 7": (2, "'same' is not a whole number"),
    "shape --input 7 --kernel 3 --padding full": (2, "a number, valid, same, same_lower"),
    "shape --input 7x7x7x7x7 --kernel 3": (2, "'7x7x7x7x7' is not a size such as 224"),
    "shape --input 7x7x7x7 --kernel 3": (2, "height x width x channels, not 4 numbers"),
    "shape --input 7.5 --kernel 3": (2, "'7.5' is not a whole number"),
    f"shape --input {10**30} --kernel 3": (2, "is too large"),
    "shape --input 7 --kernel 3 --filters 0": (2, "0 is too small"),
    "shape --input 7 --kernel 11": (1, "the kernel of 11 is longer than the input of 7"),
    "shape --input 7 --kernel 3 --groups 2": (1, "groups=2 does not divide 3 input channels"),
    "shape --kernel 3": (2, "Missing option '--input'"),
    "shape --input 7 --kernel 3 --strides 2": (2, "--stride"),
    "shapes": (2, "No such command 'shapes'"),
    "filter none.jpg --kernel sobel": (1, "none.jpg cannot be read: No such file or directory"),
    f"filter {CAT[:-3]}png -k sobel": (1, f"No such file or directory; did you mean {CAT}?"),
    f"filter {CAT} -k": (2, "Option '-k' requires an argument. See 'convcli filter --help'."),
    "shape --strid 3": (2, "See 'convcli shape --help'."),
    "filter none/ --kernel sobel": (1, "none/ cannot be read: No such file or directory"),
    "filter none/ --kernel sobel -o out/": (1, "none/ cannot be read: No such file or directory"),
    f"filter {CAT} none/ -k sobel -o out/": (1, "none/ cannot be read: No such file or directory"),
    f"filter {CAT} *.none -k sobel -o out/": (1, "*.none cannot be read: it matches no file"),
    f"filter {SAMPLES / 'net.py'} -k sobel": (1, "net.py is not a picture of a kind convcli reads"),
    "filter text.jpg --kernel sobel": (1, "text.jpg is not a picture of a kind convcli reads"),
    f"filter {CAT} --kernel soble": (2, "did you mean sobel?"),
    f"filter {CAT} --kernel 1,2;3": (2, "row 2 of the kernel matrix has 1 values, row 1 has 2"),
    f"filter {CAT} --kernel sobel -o out.xyz": (1, "no picture format ends in '.xyz'"),
    f"filter {CAT} --kernel sobel -o no/out.png": (1, "no/out.png cannot be written: No such file"),
    f"filter {CAT} --kernel sobel -o text.jpg": (
        1,
        "text.jpg already exists; --force overwrites it",
    ),
    f"filter {CAT}": (2, "Missing option '-k' / '--kernel'"),
    "extract none.jpg": (1, "none.jpg cannot be read"),
    f"extract {CAT} --seed -1": (2, "-1 is too small"),
    f"extract {CAT} --save text.jpg": (1, "text.jpg already exists"),
    f"extract {CAT} --save maps.npz -o maps.xyz": (1, "no picture format ends in '.xyz'"),
    f"extract {CAT} --save maps.npz -o no/maps.png": (1, "no/maps.png cannot be written: No such"),
    f"extract {CAT} --save a.png -o a.png": (1, "a.png is named as an output twice"),
    f"extract {CAT} --save -": (2, "--save takes the name of a file"),
}


@pytest.mark.parametrize(("line", "expected"), REFUSED.items())
def test_a_refusal_is_one_line_an_exit_code_and_nothing_written(shell, line, expected):
    Path("text.jpg").write_text("not a picture")
    code, out, err = shell(line)
    assert (code, out, err.count("\n")) == (expected[0], "", 1)
    assert err.startswith("Error: ")
    assert expected[1] in err
    assert os.listdir() == ["text.jpg"]


NETWORKS = {
    "shape lenet5 -q": "10\n",
    "shape --input 227 conv:96,11,stride=4 relu maxpool:3,stride=2 -q": "27x27x96\n",
    "shape --input 8 relu maxpool:2 pad:1 globalpool:max linear:4 -q": "4\n",
    "shape vgg16 --input 32 -q": "1000\n",
    "shape lenet5 --expect params<=0.1M --expect macs>416.5k --expect c1.output=28x28x6 "
    "--expect c1.params<157 -q": "10\n",
    "shape LeNet-5 --expect params=61706 -q": "10\n",
    "shape ResNet_18 --versus resnet-18 -q": "1000\t1000\n",
    "shape lenet5 --expect params=61,706 --expect macs=416520 --expect output=10 -q": "10\n",
    "zoo -q": "alexnet\n",
    "zoo residual": "# One residual block alone",
    "solve --input 224 --kernel 11 --stride 4 --output 55 -q": "224 11 4 1,2\n224 11 4 2,2\n",
    "solve resnet50 --why 4.11G": "resnet50\tMACs\t4111514624\tthop",
    "shape conv:1,1 --input 6x9 --sweep 4,6,5x5": "input\toutput\tparams\tMACs\tmemory\tnote\n"
    "4x6x3\t4x6x1\t4\t72\t400\t\n6x9x3\t6x9x1\t4\t162\t880\t\n5x5x3\t5x5x1\t",
    "shape conv:8,3 --sweep 5,6x7,8x9x1": "input\toutput\tparams\tMACs\tmemory\tnote\n5x5x3\t3x3x8\t224\t"
    "1944\t1484\t\n6x7x3\t4x5x8\t224\t4320\t2040\t\n8x9x1\t6x7x8\t80\t3024\t1952\t\n",
    "shape vgg16 --sweep 32..64:32": "input\toutput\tparams\tMACs\tmemory\tnote\n32x32x3\t1000",
    "shape resnet18 --depth 1 --columns layer,params --format csv": "layer,params\nconv1,9408\n",
    "shape lenet5 --columns all --format markdown": "| layer | type | kernel | stride |",
    "shape lenet5 --format latex": "\\begin{tabular}{lllrrll}\n\\toprule\nlayer & type",
    "shape resnet50 --mac-rule thop --depth 1 --format jsonl": '{"name": "conv1", ',
    "shape alexnet --batch 8 --dtype float16 --format json": '{\n  "schema": 1,',
}


@pytest.mark.parametrize(("line", "start"), NETWORKS.items())
def test_networks_are_asked_about(shell, line, start):
    code, out, err = shell(line)
    assert (code, err) == (0, "")
    assert start in out if line.startswith("solve resnet") else out.startswith(start)


def test_a_network_comes_from_a_file_or_stdin_in_any_hand(shell, tmp_path):
    lines = "nn.Conv2d(3, 8, 3)\r\n\tnn.ReLU()\r\n"
    Path("net.py").write_bytes(b"\xef\xbb\xbf" + lines.encode())
    code, out, err = shell("shape net.py --input 8 -q")
    assert (code, out, err) == (0, "6x6x8\n", "")
    assert shell("shape net.py --input 8")[2] == "PyTorch layer lines, 2 layers\n"
    piped = process("shape", "-", "--input", "8", "-q", input=lines.encode())
    assert (piped.returncode, piped.stdout) == (0, b"6x6x8\n")
    process_zoo = process("zoo", "lenet5").stdout
    Path("mine.net").write_bytes(process_zoo)
    assert shell("shape mine.net --expect params=61706 -q")[0] == 0


def test_a_misfit_shows_the_table_up_to_it_then_what_clashes_and_what_would_fit(shell):
    Path("net.py").write_text("nn.Conv2d(3, 8, 3)\nnn.Flatten()\nnn.Linear(6400, 10)\n")
    code, out, err = shell("shape net.py --input 8")
    assert code == 1
    assert [line.split("\t")[0] for line in out.splitlines()] == ["layer", "conv1", "flatten1"]
    assert "linear1: linear(6400) meets 288 values (6x6x8), not 6,400" in err
    assert "net.py:3   nn.Linear(6400, 10)" in err
    assert "write 288" in err
    code, out, err = shell("shape net.py --input 8 --keep-going -q")
    assert (code, out) == (1, "10\n")


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("shape lenet5 --expect params=1", 1, "expected params=1, but it is 61706"),
        ("shape lenet5 --expect params<=61705", 1, "expected params<=61705, but it is 61706"),
        ("shape lenet5 --expect macs<416.52k", 1, "expected macs<416520, but it is 416520"),
        ("shape lenet5 --expect c1.macs>=0.2M", 1, "expected c1.macs>=200000, but it is 117600"),
        ("shape lenet5 --expect c1.output=27x27x6", 1, "it is 28x28x6"),
        ("shape lenet5 --expect c9.output=1", 2, "no layer is called 'c9'"),
        ("shape lenet5 --expect c1.color=1", 2, "--expect knows params, macs, output"),
        ("shape lenet5 --expect c1.output<=2M", 2, "for numbers"),
        ("shape lenet5 --expect params<=lots", 2, "is not a figure"),
        ("shape lenet5 --expect flavour=1", 2, "--expect knows params"),
        ("shape lenet5 --expect params", 2, "is not NAME=VALUE"),
        ("shape --input 224 --kernel 11 --stride 4 --strict-fit -q", 1, "--strict-fit: conv1"),
        ("shape lenet5 --kernel 3", 2, "--kernel describes one layer"),
        ("shape lenet5 vgg16", 2, "one network at a time"),
        ("shape conv:8,3", 2, "the input's size is unknown; give --input"),
        ("shape conw:8,3 --input 8", 2, "did you mean conv?"),
        ("shape none.net", 1, "none.net cannot be read: No such file"),
        ("shape bad.net", 2, "bad.net is not UTF-8 text: byte 0 is not"),
        ("shape long.net", 2, "long.net is larger than 20,000,000 bytes, the most that is read"),
        ("shape lenet5 --sweep 28..64 --versus vgg16", 2, "--sweep does not go with --versus"),
        ("shape lenet5 --versus vgg16 --fit", 2, "--versus does not go with --fit"),
        ("shape lenet5 --kernel 3", 2, "--kernel describes one layer; a network has its own"),
        ("shape lenet5 --no-bias", 2, "--no-bias describes one layer; a network has its own"),
        ("shape lenet5 --expect odd=1", 2, "--expect knows params, trainable, frozen, buffers"),
        ("shape alexnet --strict-fit --input 226", 1, "--strict-fit: conv1: the last row"),
        ("shape conv:8,9 --input 8 --versus linear", 1, "the kernel of 9 is longer than the input"),
        (
            "shape conv:8,3 --input 8 --versus conv:8,9",
            1,
            "the kernel of 9 is longer than the input",
        ),
        (
            "shape conv:8,3 maxpool:9 --input 8 -q",
            1,
            "the kernel of 9 is longer than the input of 6",
        ),
        ("shape conv:8,3 --sweep 5,6x7x8x9", 2, "the network's input is size x size x channels"),
        ("shape lenet5 --sweep 64..32", 2, "is empty, or has more than"),
        ("shape lenet5 --columns flavour", 2, "is not a column; there are layer"),
        ("shape lenet5 --mac-rule guess", 2, "'guess' is not one of"),
        ("shape", 2, "give --kernel for one layer, or the layers of a network"),
        ("solve --input 224 --kernel 11", 2, "give --output"),
        (
            "solve --input 5 --kernel 3 --stride 1 --padding 0 --output 9",
            1,
            "no whole numbers give",
        ),
        ("solve lenet5 --output 3", 2, "a network is asked about with --why"),
        ("solve --input 8x9 --output 3", 2, "give --input one length"),
        ("solve --input 8 --kernel 3 --padding same --output 8", 2, "'same' is not a whole number"),
        ("solve resnet50 --why lots", 2, "is not a figure"),
        ("solve --why 4.11G", 2, "--why needs a network"),
        ("solve lenet5 --why 4.11G", 1, "no convention tried here gives 4.11G"),
        ("zoo lenet6", 2, "no network is called 'lenet6'; convcli zoo lists "),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(shell, line, code, message):
    Path("bad.net").write_bytes(b"\xff\xfe")
    with open("long.net", "wb") as file:
        file.truncate(20_000_001)
    ended, _, err = shell(line)
    assert ended == code
    assert message in err


def test_every_format_holds_the_same_figures(shell):
    import csv
    import io

    record = json.loads(shell("shape googlenet --format json")[1])
    params = [layer["params"] for layer in record["layers"]]
    assert sum(params) == record["totals"]["params"] == 6_624_904
    lines = [json.loads(line) for line in shell("shape googlenet --format jsonl")[1].splitlines()]
    assert lines == record["layers"]
    for form, dialect in (("csv", "excel"), ("tsv", "excel-tab")):
        text = shell(f"shape googlenet --format {form}")[1]
        assert [
            int(row["params"]) for row in csv.DictReader(io.StringIO(text), dialect=dialect)
        ] == params
    markdown = shell("shape googlenet --format markdown")[1].splitlines()
    cells = [line.strip("|").split("|")[3].strip().replace(",", "") for line in markdown[2:]]
    assert cells[0] == ""  # of the input
    assert list(map(int, cells[1:])) == [*params, 6_624_904]


def test_filter_names_its_result_writes_it_here_and_prints_the_path(shell):
    code, out, err = shell(f"filter {CAT} --kernel sobel")
    assert (code, out) == (0, "cat.sobel.jpg\n")
    assert err == "sobel: values 0 to 263.669, 26 of 786,432 samples clipped\n"
    with Image.open("cat.sobel.jpg") as result:
        assert (result.format, result.size, result.mode) == ("JPEG", (512, 512), "RGB")
    code, _, err = shell(f"filter {CAT} --kernel sobel")
    assert (code, "--force" in err) == (1, True)
    assert shell(f"filter {CAT} --kernel sobel --force")[0] == 0


@pytest.mark.parametrize("kernel", ["blur", "gaussian:2", "sharpen", "edge", "emboss", "random"])
@pytest.mark.parametrize("sample", ["cat.jpg", "chart.png", "leaf.png"])
def test_every_sample_meets_every_kernel(shell, sample, kernel):
    code, _, err = shell(f"filter {SAMPLES / sample} -q --kernel {kernel} -o out.png")
    assert (code, err) == (0, "")
    with Image.open("out.png") as result, Image.open(SAMPLES / sample) as source:
        assert (result.mode, result.size) == (source.mode, source.size)


def test_a_matrix_is_a_kernel(shell):
    assert shell(f"filter {CAT} -o a.png --kernel", "0 -1 0; -1 5 -1; 0 -1 0")[0] == 0
    assert shell(f"filter {CAT} -o b.png --kernel sharpen")[0] == 0
    with Image.open("a.png") as a, Image.open("b.png") as b:
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_the_input_is_never_overwritten(shell):
    original = Path(CAT).read_bytes()
    Path("cat.jpg").write_bytes(original)
    os.link("cat.jpg", "other.jpg")
    for line in (
        "filter cat.jpg -k blur -o cat.jpg --force",
        "filter cat.jpg -k blur -o ./cat.jpg --force",
        "filter cat.jpg -k blur -o other.jpg --force",
        "extract cat.jpg -o cat.jpg --force",
        "extract cat.jpg --save cat.jpg --force",
    ):
        code, out, err = shell(line)
        assert (code, out) == (1, "")
        assert "is the input, which is never overwritten" in err
    assert Path("cat.jpg").read_bytes() == original


@pytest.mark.parametrize(
    ("taken", "line"),
    [
        ("k.png", "filter cat.png -k @k.png -o k.png --force"),
        ("k.npy", "filter cat.png -k blur -k @k.npy -o k.npy --force"),
        ("k.npy", "filter cat.png -k @k.npy -o ./k.npy"),
        ("k.gif", "explain --input 4x4 -k @k.gif -o k.gif --force"),
        ("k.gif", "explain --input @k.gif -k 2 -o k.gif --force"),
        ("run.npz", "extract cat.png conv:2,3 --weights run.npz --save run.npz --force"),
        ("run.npz", "extract cat.png --like run.npz --save run.npz --force"),
        ("run.npz", "extract cat.png --like run.npz --vector mean -o run.npz --force"),
        ("net.npz", "fit cat.png cat.png --net net.npz -o net.npz --force"),
    ],
)
def test_no_file_that_is_read_is_overwritten(shell, taken, line):
    Image.new("RGB", (40, 40), (9, 99, 200)).save("cat.png")
    assert shell("extract cat.png conv:2,3 -q --save run.npz -o sheet.png")[0] == 0
    assert shell("filter cat.png -k sobel -q -o k.png")[0] == 0
    np.save("k.npy", np.ones((3, 3)))
    Path("k.gif").write_text("1 2\n3 4\n")
    Path("net.npz").write_text("c = conv(3, 3, padding=1)\n")
    before = Path(taken).read_bytes()
    code, out, err = shell(line)
    assert (code, out) == (1, "")
    assert "is the input, which is never overwritten" in err
    assert Path(taken).read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("end", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize(
    ("line", "code", "out"),
    [
        ("filter cat.png -k blur -o a.png", 0, "a.png\n"),
        ("shape --input 7 --kernel 2 --stride 2 -q", 0, None),
        ("shape --input 7 --kernel 2 --stride 2 --format csv", 0, None),
        ("extract cat.png conv:2,3 -o a.png -q", 0, "a.png\n"),
        ("shape --input 7 --kernel 9", 1, ""),
        ("shape --input 7 --what", 2, ""),
    ],
)
def test_notes_that_cannot_be_written_change_nothing(shell, tmp_path, line, code, out, end):
    Image.new("RGB", (40, 40), (9, 99, 200)).save("cat.png")
    if out is None:
        _, out, _ = shell(line)
    words = f"{sys.executable} -m convcli {line} {end}"
    done = subprocess.run(["sh", "-c", words], stdout=subprocess.PIPE, text=True)
    assert (done.returncode, done.stdout) == (code, out)
    assert ("a.png" in line) == (tmp_path / "a.png").exists()


def test_extract_writes_a_grid_a_table_and_the_arrays(shell):
    code, out, err = shell(f"extract {CAT} --seed 3 --save maps.npz -v")
    header, *rows = (line.split("\t") for line in out.splitlines())
    figures = ["mean", "spread", "dead", "negative", "ratio", "corr", "ms", "GMAC/s"]
    assert (code, header) == (0, ["layer", "type", "shape", *figures])
    assert [row[0] for row in rows] == ["conv1", "leaky_relu1", "conv2", "leaky_relu2", "conv3"]
    first, took, drawn = err.splitlines()
    assert first.startswith("peak memory predicted: ")
    assert "peak memory measured: " in took
    assert drawn == "drawn in cat.maps.png"
    arrays = np.load("maps.npz")
    assert arrays["conv3"].shape == (3, 512, 512)
    assert float(rows[4][3]) == pytest.approx(arrays["conv3"].mean(dtype=float))
    with Image.open("cat.maps.png") as sheet:
        assert (sheet.mode, sheet.width) == ("RGB", 1200)
    assert shell(f"extract {CAT} -q -o other.png") == (0, "other.png\n", "")


def test_pictures_flow_through_pipes():
    piped = process("filter", "-", "-q", "--kernel", "gaussian:2", input=Path(CAT).read_bytes())
    assert (piped.returncode, piped.stderr) == (0, b"")
    with Image.open(BytesIO(piped.stdout)) as result:
        result.load()
        assert (result.format, result.size) == ("JPEG", (512, 512))


def test_a_closed_pipe_ends_quietly():
    reader, writer = os.pipe()
    os.close(reader)
    for words in (
        ["shape", "--input", "9", "--kernel", "3"],
        ["filter", CAT, "-qk", "blur", "-o-"],
    ):
        ended = subprocess.run(
            [*COMMAND, *words], stdout=writer, stderr=subprocess.PIPE, check=False
        )
        assert (ended.returncode, ended.stderr) == (0, b"")
    os.close(writer)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_a_refusal():
    for words in (
        ["shape", "--input", "9", "--kernel", "3"],
        ["filter", CAT, "-qk", "blur", "-o-"],
    ):
        with open("/dev/full", "wb") as full:
            ended = subprocess.run(
                [*COMMAND, *words], stdout=full, stderr=subprocess.PIPE, check=False
            )
        assert ended.returncode == 1
        assert ended.stderr == b"Error: standard output: No space left on device\n"


def test_a_closed_stdout_is_a_refusal():
    line = f"{sys.executable} -m convcli shape --input 9 --kernel 3 >&-"
    ended = subprocess.run(["sh", "-c", line], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr.count(b"\n")) == (1, 1)


def test_an_interrupt_ends_with_130_and_leaves_nothing(tmp_path):
    os.mkfifo(tmp_path / "in.png")
    running = subprocess.Popen(
        [*COMMAND, "filter", "in.png", "-k", "blur"], cwd=tmp_path, stderr=subprocess.PIPE
    )
    with open(tmp_path / "in.png", "wb"):  # opens once the other side has opened it to read
        running.send_signal(signal.SIGINT)
        _, err = running.communicate()
    assert (running.returncode, err) == (130, b"")
    assert os.listdir(tmp_path) == ["in.png"]


def test_names_of_files_are_text_never_markup_or_escape_codes(shell):
    name = "[bold]\x1b[31m\n.jpg"
    code, out, err = shell("filter --kernel sobel", name)
    assert (code, out) == (1, "")
    assert "[bold]\\x1b[31m\\n.jpg cannot be read" in err


def test_a_name_that_is_not_utf8_comes_back_as_its_bytes(tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff.png"
    Image.new("L", (2, 2)).save(tmp_path / "in.png")
    os.rename(tmp_path / "in.png", name)
    ended = process("filter", name, "-k", "blur", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, b"\xff.blur.png\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_other_encodings_are_respected(encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    words = [*ALEXNET.split(), "--format", "table"]
    ended = process(*words, env=environment)
    assert ended.returncode == 0
    assert "54.25 -> 54" in ended.stderr.decode(encoding)
    assert "54x54x1" in ended.stdout.decode(encoding)


def test_the_catalogue_is_listed(shell):
    assert shell("kernels -q")[1].split() == list(CATALOGUE)


def test_no_command_is_help_and_the_version_is_told(shell):
    assert shell("")[0] == 2
    assert shell("--version")[1].startswith("convcli ")


@pytest.mark.parametrize("columns", [40, 80, 96, 120])
@pytest.mark.parametrize("line", ["shape resnet50 --depth 1", "shape resnet50 --versus resnet18"])
def test_a_table_loses_no_figure_on_a_narrow_terminal(shell, monkeypatch, columns, line):
    """Every figure of the TSV stands whole in the drawn table, whatever the width."""
    for name, value in (("COLUMNS", columns), ("TERM", "xterm"), ("NO_COLOR", 1)):
        monkeypatch.setenv(name, str(value))
    _, plain, _ = shell(line)
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, without a terminal
    _, drawn, _ = shell(f"{line} --format table")
    drawn = re.sub(r"\x1b\[[0-9;]*m", "", drawn)
    names, *rows = (row.split("\t") for row in plain.splitlines())
    figures = {
        cell
        for row in rows
        for name, cell in zip(names, row, strict=True)
        # of two networks, a terminal shows outputs and what is more; nothing unread goes
        if re.fullmatch(r"[\dx]+", cell)
        and not name.startswith(("params_of", "MACs_of"))
        and cell != "0x0"
    }
    assert len(figures) > 20
    words = set(drawn.split())
    for figure in figures:
        assert figure in words or f"{int(figure):,}" in words, figure
    if columns >= 80 and "depth" in line:
        assert max(map(len, drawn.split("\n\n")[0].splitlines())) <= columns


def test_an_expectation_that_holds_changes_nothing(shell):
    words = "--expect params=61706 --expect output=10 --expect input=32x32x1"
    assert shell(f"shape lenet5 {words} -q") == (0, "10\n", "")


def test_inputs_that_are_read_to_the_end_are_told_beside_the_figures(shell):
    _, out, err = shell("shape conv:8,5,stride=3 --input 9 --fit")
    last = err.splitlines()[-2:]
    # ⌊(9 − 5) / 3⌋ + 1 = 2 places read 8 rows; 8 and 11 are read to the end, and 5 is one place
    assert last == [
        "nearest square inputs with nothing left over: 8 and 11",
        "smallest square input that works: 5",
    ]
    assert out.splitlines()[1].endswith("\t1x1")
    _, _, err = shell("shape conv:8,5,stride=3 --input 11 --fit")
    assert "an input of 11x11x3 leaves nothing over\n" in err


def test_padding_of_two_ends_is_one_axis_and_of_two_axes_is_not(shell):
    code, out, _ = shell("solve --input 8 --kernel 3 --padding 1,2 --output 9")
    assert (code, out.splitlines()[1].split("\t")[3:5]) == (0, ["1,2", "9"])
    code, _, err = shell("solve --input 8 --kernel 3 --padding 1,2x3,4 --output 9")
    assert (code, "is not a size such as 2, or 1,2 (before,after)" in err) == (2, True)


def test_samples_are_written_where_none_are_and_run(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shell("samples new/") == (
        0,
        "new/cat.jpg\nnew/chart.png\nnew/leaf.png\nnew/net.py\nnew/convcli.ipynb\n",
        "",
    )
    code, _, error = shell("samples new/")
    assert code == 1
    assert "new/cat.jpg" in error
    assert "--force" in error
    assert shell("shape new/net.py --input 32 -q")[:2] == (0, "10\n")
