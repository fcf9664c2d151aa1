"""What `explain` prints for what it is asked, and what it refuses."""

import json
import os
import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from convcli.cli.main import run
from convcli.conv import conv2d


def test_json_holds_every_product_and_adds_up(told):
    code, out, _ = told(
        "explain --input 6x5x2 --kernel 3x2 --stride 2 --padding 1 --bias 7 --format json"
    )
    record = json.loads(out)
    assert code == 0
    x, w = (np.array(record[name]["values"]) for name in ("input", "kernel"))
    expected = conv2d(x, w[np.newaxis], [7], stride=2, padding=1)
    assert record["output"]["values"] == expected.tolist()
    for step in record["steps"]:
        sums = [sum(term["product"] for term in one["terms"]) for one in step["channels"]]
        assert sums == [one["sum"] for one in step["channels"]]
        i, j = step["cell"]
        assert step["values"] == [sum(sums) + 7] == [expected[0, i, j]]
        assert all(t["product"] == t["x"] * t["w"] for c in step["channels"] for t in c["terms"])


# line → what is in the text, and marks of the drawn canvas
MARKS = {
    "explain --input 5x5 --kernel 3 --padding 1": ["[_]", "padding, counted as 0"],
    "explain --input 7x7 --kernel 2 --dilation 2": ["( )", "a hole of the dilated kernel"],
    "explain --input 6x6 --kernel 3 --stride 2": ["~", "never read by any window"],
    "explain --input 3x3 --kernel 2 --transposed --stride 2": ["a zero between cells"],
    "explain --input 4x4 --kernel 3 --padding 1 --border reflect": [
        "the border repeats cells (reflect)"
    ],
    "explain --input 224 --kernel 11 --stride 4": [
        "height, width  (224 + 2·0 − 11)/4 + 1 = 54.25 → 54\n",
        "z[0,0] = ",
        "… 2,914 more windows: --all shows them, --cell ROW,COLUMN one …\n",
        "\nz[53,53] = ",
    ],
    "explain --input 12 --kernel 2 --all": ["z[5,6] = ", "z[10,10] = ", "\noutput\n"],
    "explain --input 11 --kernel 2": ["z[5,6] = ", "z[9,9] = ", "\noutput\n"],
    "explain --input 12 --kernel 2 --backward": [
        "dL/dz[0,0] = 1 goes to",
        "… 119 more windows",
        "dL/dz[10,10] = 1 goes to",
    ],
    "explain --input 3x4 --kernel 3 --transposed --stride 2": [
        "height  (3 − 1)·2 − 2·0 + 3 = 7\n",
        "width   (4 − 1)·2 − 2·0 + 3 = 9\n",
    ],
    "explain --input 3x3 --kernel 2 --flip": ["kernel flipped: output 2x2", "flipped"],
    "explain --input 4x4 --pool min:2,padding=1": [" _   padding, never taken\n"],
    "explain --input 4x4 --pool avg:2,padding=1": [" _   padding, counted as 0\n"],
    "explain --input 4x4x3 --pool max:2": ["max pool", "z[0,0,0] = max(", "z[1,1,2] = max("],
    "explain --input 4x4 --pool avg:2 --backward": [
        "dL/dz is 1 everywhere",
        "dL/dx: x[0,0] 1·0.25",
    ],
    "explain --input 4x4x3 --pool max:3,stride=1": ["input 4x4x3, kernel 3x3, stride 1", "2x2x3"],
    "explain --input 3x3 --kernel 3 --transposed --stride 2 --padding 1 --output-padding 1": [
        "stride 2, padding 1, output padding 1: output 6x6"
    ],
    "explain --input 3x3 --kernel 3 --transposed --flip": [
        "kernel flipped: output 5x5",
        "w flipped: zeros between the cells, and the kernel over them as given",
    ],
    "explain --input 5x5 --kernel 2 --dilation 2": ["x[i·s_h+d_h·u, j·s_w+d_w·v, k']"],
    "explain --input 3x3 --kernel 3 --padding 99 --cell 99,99": [
        "rows -2 to 23, columns -2 to 23 are drawn"
    ],
    "explain --input 2x2 --kernel 2 --backward": ["dL/db = 1\n", "dL/dx[0,0] = 1·"],
    "explain --input 1/4,1 --kernel 1 --bias b": ["output\n 0.5 + b  2 + b\n"],
    "explain --input 1,2 --activation relu --backward --grad g,1": ["dL/dx[0,0] = g·1\n"],
    "explain --signal a,b --kernel 1,c": [
        "f(0)·g(1) + f(1)·g(0) = a·c + b·1\n",
        "f∗g = a·1, a·c + b·1, b·c   (t = 0 to 2)\n",
        "g∗f = 1·a, 1·b + c·a, c·b   (t = 0 to 2)\n",
    ],
    "explain --input 3,3 --activation minmax": ["z[0,1] = 3 (min = max) = 0\n"],
    "explain --input 1,2 --activation lrn:3,beta=-2": ["^(2) = "],
    "explain --input -1 --activation leaky_relu:1/3": ["0.333333·(-1) = -0.333333"],
    "explain --input 12345.5 --activation softplus": ["softplus(12345.5) = 12345.5\n"],
    "explain --input 2x2 --kernel 2 --symbols --backward": [
        "dL/dw[1,1] = g00·x11",
        "dL/db = g00\n",
    ],
    "explain --input 1x2x2 --kernel 1x2 --symbols --backward": [
        "input channel 0   input channel 1\n x000  x010        x001  x011",
        "dL/dx: x[0,0,0] g00·w000, x[0,1,0] g00·w010, x[0,0,1] g00·w001, x[0,1,1] g00·w011\n",
        "dL/dw[0,1,1] = g00·x011\n",
        "dL/dx[0,1,1]",
    ],
    "explain --input 2x2 --kernel 1 --symbols --backward": ["dL/db = g00 + g01 + g10 + g11\n"],
    "explain --input 40x40 --kernel 3 --cell 20,30": [
        "z[20,30]",
        "rows 0 to 25, columns 0 to 25 are drawn",
    ],
    "explain --input 2x3 --activation tanh": ["tanh("],
    "explain --input 2x3 --activation relu --backward": ["dL/dx[0,0] = 1·1"],
}


@pytest.mark.parametrize(("line", "parts"), MARKS.items())
def test_a_lesson_marks_what_it_tells_of(told, line, parts):
    code, out, err = told(line)
    assert (code, err) == (0, "")
    for part in parts:
        assert part in out
    assert "\x1b" not in out


@pytest.mark.parametrize("form", ["text", "table", "tsv", "csv", "json", "markdown"])
def test_other_encodings_are_respected(form):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    words = ["explain", "--signal", "1 2", "--kernel", "3 4", "--format", form]
    ended = subprocess.run(
        [sys.executable, "-m", "convcli", *words], capture_output=True, check=False, env=environment
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"1*4 + 2*3 = 10" in ended.stdout or b'"value": 10' in ended.stdout


def test_the_way_back_of_a_cell_is_its_share_of_the_whole(told):
    line = "explain --input 5x4x2 --kernel 3x2 --padding 1,0,0,1 --backward --random 3 --format"
    whole = json.loads(told(f"{line} json")[1])
    shares = [
        json.loads(told(f"{line} json --cell {i},{j}")[1]) for i, j in product(range(4), range(4))
    ]
    for name in ("input", "kernel", "bias"):
        assert sum(np.array(one[name]) for one in shares).tolist() == whole[name], name
    assert [one["flows"] for one in shares] == [[flow] for flow in whole["flows"]]


def test_the_way_back_of_a_cell_is_told_where_that_of_all_is_too_much(told):
    line = "explain --input 512x512 --kernel 9 --backward"
    assert told(line)[0] == 1
    code, out, _ = told(f"{line} --cell 1,1")
    assert code == 0
    assert "dL/dz[1,1] = 1 goes to\n" in out
    assert len(out.splitlines()) < 80


def test_a_single_cell_is_that_of_the_whole(told):
    line = "explain --input 9x9x2 --kernel 3 --stride 2 --padding same --random 5"
    grid = [row.split() for row in told(f"{line} -q")[1].splitlines()]
    for i, j in ((0, 0), (2, 3), (4, 4)):
        assert told(f"{line} --cell {i},{j} -q")[1] == f"{grid[i][j]}\n"


@pytest.mark.parametrize("form", ["table", "tsv", "csv", "jsonl", "markdown", "latex"])
@pytest.mark.parametrize(
    "line",
    [
        "--input 4x4x3 --kernel 2 --bias b",
        "--input 4x4 --pool avg:3",
        "--input 3x3 --kernel 2 --backward",
        "--input 2x2 --activation sigmoid",
        "--signal 1,2 --kernel 1",
        "--receptive vgg16 --unit conv1_2:1,2",
        "--receptive lenet5 --unit f6",
    ],
)
def test_every_lesson_has_every_format(told, form, line):
    code, out, _ = told(f"explain {line} --format {form}")
    assert code == 0
    assert len(out.splitlines()) >= 2 or form == "jsonl"


# network, its input, a unit → what it sees
SEEN = {
    ("linear:10", "784", "linear1"): "sees all cells of the input\n",
    ("conv3d:4,3", "9x8x7x1", "conv1:3,3,3"): "sees 3x3x3 cells of the input\n",
    ("conv:1,3;flatten;linear:2", "9x8", "linear1"): "rows 0 to 8\n  columns 0 to 7\n",
}


@pytest.mark.parametrize(("asked", "expected"), SEEN.items())
def test_a_receptive_field_has_the_axes_of_the_input(capfd, asked, expected):
    network, size, unit = asked
    words = ["explain", "--receptive", network, "--input", size, "--unit", unit]
    assert run(words) == 0
    assert expected in capfd.readouterr().out
    assert run([*words, "--format", "csv"]) == 0
    assert capfd.readouterr().out.startswith("axis,size,")


def test_the_steps_of_an_activation_are_numbers_in_json(told):
    record = json.loads(told("explain --input 1/4,12345.678 --activation relu --format json")[1])
    assert [step["value"] for step in record["steps"]] == [0.25, 12345.678]


# words, one of them empty → part of the refusal
EMPTY = {
    ("--input", "", "--kernel", "2"): "row 1 of the input has no values",
    ("--input", "3x3", "--kernel", ""): "row 1 of the kernel has no values",
    ("--input", "1 2;", "--kernel", ";"): "row 1 of the kernel has no values",
    ("--input", "1 2;;3 4", "--kernel", "1"): "row 2 of the input has no values",
    ("--input", "1 2|", "--kernel", "1"): "row 1 of channel 1 of the input has no values",
    ("--input", "3x3", "--kernel", "2", "--bias", ""): "'' is not a number",
    ("--input", "3x3", "--kernel", "2", "--border", ""): "'' is not a border",
    ("--input", "3x3", "--kernel", "2", "--format", ""): "'' is not one of",
    ("--input", "3x3", "--kernel", "2", "-o", "a.gif", "--theme", ""): "'' is not a theme",
    ("--input", "3x3", "--kernel", "2", "-o", ""): "-o takes the name of a file",
    ("--input", "3x3", "--pool", ""): "'' is not a name",
    ("--input", "3x3", "--activation", ""): "'' is not a name",
    ("--signal", "", "--kernel", "1"): "row 1 of the signal has no values",
    ("--signal", "1", "--kernel", "1", "--mode", ""): "'' is not a mode",
}


@pytest.mark.parametrize(("words", "expected"), EMPTY.items())
def test_an_empty_word_is_refused(told, words, expected):
    code, out, err = told("explain", *words)
    assert (code, out) == (2, "")
    assert expected in err


# line → exit code, part of the one line on stderr
REFUSED = {
    "explain": (2, "give --kernel"),
    "explain --kernel 3": (2, "give --input"),
    "explain --input 5x5": (2, "give --kernel"),
    "explain --input 2x2 --kernel 3": (1, "the kernel of 3 is longer than the input of 2"),
    "explain --input 0x5 --kernel 3": (2, "0 is too small"),
    "explain --input 9999 --kernel 3": (2, "at most 512 rows and columns"),
    "explain --input 512x512x9 --kernel 9": (1, "give --cell ROW,COLUMN"),
    "explain --input 1,nan --kernel 1": (
        2,
        "'nan' in row 1 of the input is not a number: it is not finite",
    ),
    "explain --input 5x5 --kernel 3 --bias Inf": (2, "'Inf' is not a number: it is not finite"),
    "explain --input 5x5 --kernel 3 --cell 9,0": (1, "the output has 3 rows, 0 to 2"),
    "explain --input 5x5 --kernel 3 --cell 1": (2, "row,column"),
    "explain --input 5x5 --kernel soble": (2, "did you mean sobel?"),
    "explain --input 5x5 --kernel sobel": (1, "combines 2 kernels"),
    "explain --input 5x5 --kernel 3x3x3": (2, "spans all channels"),
    "explain --input 5x5 --kernel 3 --border soft": (2, "'soft' is not a border"),
    "explain --input 5x5 --kernel 3 --format yaml": (2, "is not one of"),
    "explain --input 5x5 --kernel 3 -o window.bmp": (1, "an animation ends in .gif"),
    "explain --input 5x5 --kernel 3 -o -": (2, "-o takes the name of a file"),
    "explain --input 5x5 --kernel 3 --fps 9": (2, "--fps and --theme are for an animation"),
    "explain --input 5x5 --kernel 3 -o w.gif --fps nan": (2, "0.1 to 50"),
    "explain --input 5x5 --kernel 3 -o w.gif --theme pink": (2, "is not a theme"),
    "explain --input 60x60 --kernel 3 -o w.gif": (1, "at most 40x40 are drawn"),
    "explain --input 5x5 --kernel 3 --backward -o w.gif": (1, "there is none to draw"),
    "explain --input 5x5 --kernel 3 --grad 1": (2, "--grad is for --backward"),
    "explain --input 5x5 --kernel 3 --backward --grad 1": (1, "--grad is 1x1x1, the output 3x3x1"),
    "explain --input 5x5 --kernel 3 --at 1,1": (2, "--at is a pixel of a picture"),
    "explain --input 3x3 --kernel 3 --padding 9999 --cell 0,0": (1, "20,001 cells long; at most"),
    "explain --input 9 --kernel 2 --dilation 9999 --padding 9999": (1, "at most 4,096"),
    "explain --input 2x2 --kernel 2 --transposed --stride 9999": (1, "10,002 cells long"),
    "explain --input 512x512x512 --kernel 1 --cell 0,0": (2, "134,217,728 values; at most 4,194"),
    "explain --input 5 --kernel 2 --padding 999 --symbols --backward --cell 0,0": (
        2,
        "at most 512",
    ),
    "explain --input 3x3x700 --kernel 1": (2, "700 channels; at most 512"),
    "explain --input 3x3x3x3 --kernel 1": (2, "rows, columns and channels"),
    "explain --input 5x5 --kernel 3 --symbols --random 1": (2, "does not go with"),
    "explain --input 5x5 --kernel 3 --transposed --padding 9": (1, "cuts off all"),
    "explain --input 5x5 --kernel 3 --transposed --output-padding 1": (1, "must be less than"),
    "explain --input 5x5 --kernel 3 --output-padding 1": (2, "is for --transposed"),
    "explain --input 5x5 -k 3 -k 3": (
        2,
        "and there are 2: explain one after the other: -k FIRST -q > a.txt, then --input @a.txt",
    ),
    "explain a.png -k blur -k sobel-x --at 1,1": (2, "filter PICTURE -k FIRST -o a.png, then"),
    "explain --input 5x5 --kernel 3 --scatter": (2, "--scatter is a view of a transposed"),
    "explain --input 5x5 --pool max:2 --scatter": (2, "--scatter says nothing about a pool"),
    "explain --input 5x5 --kernel 3 --transposed --scatter --backward": (2, "goes forward"),
    "explain --input 5x5 --kernel 3 --transposed --scatter -o a.html": (2, "walks the equal"),
    "explain --input 2x2 --kernel 3 --transposed --scatter --cell 2,0": (
        1,
        "a cell of the input, which has 2 rows, 0 to 1",
    ),
    "explain --input 5x5 --pool mix:2": (2, "write max, min, avg and a size"),
    "explain --input 5x5 --pool max:9": (1, "the kernel of 9 is longer"),
    "explain --input 5x5 --pool max:2 --flip": (2, "--flip says nothing about a pool"),
    "explain --input 5x5 --pool max:2 --padding 2": (1, "would see nothing but padding"),
    "explain --input 5x5 --pool max:2 --grad 1": (2, "--grad is for --backward"),
    "explain --input 5x5 --activation relu --grad 1": (2, "--grad is for --backward"),
    "explain --input 5x5 --activation tanh:name=relu": (2, "unexpected keyword argument 'name'"),
    "explain --input 5x5 --activation leaky_relu:1e999": (2, "slope=inf is too large"),
    "explain --input 0,0 --activation lrn:3,k=0": (1, "0²))^(−0.75) is not a number"),
    "explain --input 1,2 --activation lrn:3,k=-1": (1, "lrn: (-1 + 0.0001·(1²))^(−0.75) is not"),
    "explain --input 1,2 --activation lrn:3,beta=9999,k=0.01": (1, "^(−9999) is not a number"),
    "explain --input 5x5 --activation lrn:True": (2, "size=True must be a whole number"),
    "explain --input 5x5 --activation rely": (2, "no activation is called 'rely'"),
    "explain --input 5x5 --activation relu:1": (2, "activation relu: too many"),
    "explain --input 5x5 --activation softmax --backward": (2, "--backward knows"),
    "explain --signal 1,2 --kernel 1 --random 0": (2, "--random says nothing about a signal"),
    "explain --signal 1,2": (2, "give --kernel, such as"),
    "explain --signal 1;2 --kernel 1": (2, "the signal has 2 rows; a signal is one row"),
    "explain --signal 1,2 --kernel 1|2": (2, "the kernel has 2 channels; a signal is one row"),
    "explain --signal 1,2 --kernel 1 --stride 2": (2, "--stride says nothing about a signal"),
    "explain --signal 1,2 --kernel 1 --mode mixing": (2, "'mixing' is not a mode"),
    "explain --receptive vgg16": (2, "give --unit"),
    "explain --receptive vgg16 --unit conv9:1,1": (2, "no node is called 'conv9'"),
    "explain --receptive vgg16 --unit conv3_3:56,1": (2, "conv3_3 gives 56x56"),
    "explain none.jpg --kernel sharpen --at 1,1": (1, "none.jpg cannot be read"),
    "explain none.jpg --kernel sharpen": (2, "a picture needs --at"),
    "explain none.jpg --kernel 3 --at 1,1": (2, "a kernel with weights"),
}


def test_the_way_out_of_a_chain_gives_what_the_chain_gives(told, tmp_path):
    # 1 2 3 4 under 1/3 1/3 1/3, then 1 -1: differences of the means 2 and 3
    code, means, _ = told("explain -q", "--input", "1 2 3 4", "-k", "1/3 1/3 1/3")
    file = tmp_path / "a.txt"
    file.write_text(means)
    assert (code, told(f"explain -q --input @{file}", "-k", "1 -1")[1]) == (0, "-1\n")


@pytest.mark.parametrize(("line", "expected"), REFUSED.items())
def test_a_refusal_is_one_line_and_nothing_is_written(told, monkeypatch, tmp_path, line, expected):
    monkeypatch.chdir(tmp_path)
    code, out, err = told(line)
    assert (code, out, err.count("\n")) == (expected[0], "", 1), err
    assert expected[1] in err
    assert not list(tmp_path.iterdir())
