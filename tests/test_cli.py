"""The command line: argv → stdout, stderr, exit code; and real processes for pipes and disks."""

import json
import os
import signal
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convcli.cli import run

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
    assert err.startswith("conv1: 54.25 → 54: the last row and column are never read; an input of")


def test_shape_draws_a_table_whose_columns_add_up(shell):
    _, out, _ = shell(f"{ALEXNET} --format table --no-bias")
    lines = [line.split() for line in out.splitlines() if line.strip()]
    assert lines[0] == ["layer", "type", "output", "params", "MACs", "receptive", "field", "unread"]
    assert lines[2][3:5] == lines[3][2:4] == ["363", "1,058,508"]


def test_shape_json_has_its_fields(shell):
    code, out, err = shell(f"{ALEXNET} --filters 96 --format json")
    record = json.loads(out)
    assert (code, err, record["schema"]) == (0, "", 1)
    assert record["input"] == {"height": 224, "width": 224, "channels": 3}
    assert record["output"] == {"height": 54, "width": 54, "channels": 96}
    (layer,) = record["layers"]
    assert layer["name"], layer["type"] == ("conv1", "conv2d")
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
    "shape --input 7 --kernel 3 --padding full": (2, "a number, valid, same, same_lower"),
    "shape --input 7x7x7x7x7 --kernel 3": (2, "'7x7x7x7x7' is not a size such as 224"),
    "shape --input 7x7x7x7 --kernel 3": (2, "height x width x channels, not 4 numbers"),
    "shape --input 7.5 --kernel 3": (2, "'7.5' is not a whole number"),
    f"shape --input {10**30} --kernel 3": (2, "is too large"),
    "shape --input 7 --kernel 3 --filters 0": (2, "0 is too small"),
    "shape --input 7 --kernel 11": (1, "the kernel of 11 is longer than the input of 7"),
    "shape --input 7 --kernel 3 --groups 2": (1, "groups=2 does not divide 3 input channels"),
    "shape --kernel 3": (2, "Missing option '--input'"),
    "shape --input 7 --kernel 3 --strides 2": (2, "Did you mean"),
    "shapes": (2, "No such command 'shapes'"),
    "filter none.jpg --kernel sobel": (1, "none.jpg cannot be read: No such file or directory"),
    "filter text.jpg --kernel sobel": (1, "text.jpg is not a picture of a kind convcli reads"),
    f"filter {CAT} --kernel soble": (2, "did you mean sobel?"),
    f"filter {CAT} --kernel 1,2;3": (2, "row 2 of the kernel matrix has 1 values, row 1 has 2"),
    f"filter {CAT} --kernel sobel -o out.xyz": (1, "no picture format ends in '.xyz'"),
    f"filter {CAT} --kernel sobel -o no/out.png": (1, "no/out.png cannot be written: No such file"),
    f"filter {CAT} --kernel sobel -o text.jpg": (1, "text.jpg is there already; give --force"),
    f"filter {CAT}": (2, "Missing option '-k' / '--kernel'"),
    "extract none.jpg": (1, "none.jpg cannot be read"),
    f"extract {CAT} --seed -1": (2, "-1 is too small"),
    f"extract {CAT} --save text.jpg": (1, "text.jpg is there already"),
}


@pytest.mark.parametrize(("line", "expected"), REFUSED.items())
def test_a_refusal_is_one_line_an_exit_code_and_nothing_written(shell, line, expected):
    Path("text.jpg").write_text("not a picture")
    code, out, err = shell(line)
    assert (code, out, err.count("\n")) == (expected[0], "", 1)
    assert err.startswith("Error: ")
    assert expected[1] in err
    assert os.listdir() == ["text.jpg"]


def test_filter_names_its_result_writes_it_here_and_prints_the_path(shell):
    assert shell(f"filter {CAT} --kernel sobel") == (0, "cat.sobel.jpg\n", "")
    with Image.open("cat.sobel.jpg") as result:
        assert (result.format, result.size, result.mode) == ("JPEG", (512, 512), "RGB")
    code, _, err = shell(f"filter {CAT} --kernel sobel")
    assert (code, "--force" in err) == (1, True)
    assert shell(f"filter {CAT} --kernel sobel --force")[0] == 0


@pytest.mark.parametrize("kernel", ["blur", "gaussian:2", "sharpen", "edge", "emboss", "random"])
@pytest.mark.parametrize("sample", ["cat.jpg", "chart.png", "leaf.png"])
def test_every_sample_meets_every_kernel(shell, sample, kernel):
    code, _, err = shell(f"filter {SAMPLES / sample} --kernel {kernel} -o out.png")
    assert (code, err) == (0, "")
    with Image.open("out.png") as result, Image.open(SAMPLES / sample) as source:
        assert (result.mode, result.size) == (source.mode, source.size)


def test_a_matrix_is_a_kernel(shell):
    assert shell(f"filter {CAT} -o a.png --kernel", "0 -1 0; -1 5 -1; 0 -1 0")[0] == 0
    assert shell(f"filter {CAT} -o b.png --kernel sharpen")[0] == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_extract_writes_a_grid_a_table_and_the_arrays(shell):
    code, out, err = shell(f"extract {CAT} --seed 3 --save maps.npz")
    header, *rows = (line.split("\t") for line in out.splitlines())
    assert (code, header) == (0, ["layer", "type", "shape", "mean", "spread", "negative"])
    assert [row[0] for row in rows] == ["conv1", "leaky_relu1", "conv2", "leaky_relu2", "conv3"]
    assert err == "seed 3; the maps are drawn in cat.maps.png\n"
    arrays = np.load("maps.npz")
    assert arrays["conv3"].shape == (3, 512, 512)
    assert float(rows[4][3]) == pytest.approx(arrays["conv3"].mean(dtype=float))
    with Image.open("cat.maps.png") as sheet:
        assert (sheet.mode, sheet.width) == ("L", 3 * 512 + 4 * 8)
    assert shell(f"extract {CAT} -q -o other.png") == (0, "other.png\n", "")


def test_pictures_flow_through_pipes():
    piped = process("filter", "-", "--kernel", "gaussian:2", input=Path(CAT).read_bytes())
    assert (piped.returncode, piped.stderr) == (0, b"")
    with Image.open(BytesIO(piped.stdout)) as result:
        result.load()
        assert (result.format, result.size) == ("JPEG", (512, 512))


def test_a_closed_pipe_ends_quietly():
    reader, writer = os.pipe()
    os.close(reader)
    for words in (["shape", "--input", "9", "--kernel", "3"], ["filter", CAT, "-k", "blur", "-o-"]):
        ended = subprocess.run(
            [*COMMAND, *words], stdout=writer, stderr=subprocess.PIPE, check=False
        )
        assert (ended.returncode, ended.stderr) == (0, b"")
    os.close(writer)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_a_refusal():
    for words in (["shape", "--input", "9", "--kernel", "3"], ["filter", CAT, "-k", "blur", "-o-"]):
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


def test_help_fits_a_screen_and_starts_with_what_it_is_for(shell):
    for line in ("--help", "shape --help", "filter --help", "extract --help"):
        code, out, _ = shell(line)
        assert code == 0
        assert len(out.splitlines()) <= 40, line
    assert shell("")[0] == 2
    assert shell("--version")[1].startswith("convcli ")
