"""A transposed convolution as stamps: they add up to conv_transpose2d, and frames show them."""

import json

import numpy as np
import pytest

from convcli.cli.main import run
from convcli.conv import conv_transpose2d
from convcli.explanation.draw.themes import THEMES
from convcli.explanation.draw.views import ScatterSheet
from convcli.explanation.scatter import ScatterLesson
from convcli.explanation.steps import Geometry, transposed
from convcli.numerals import Symbol

GEOMETRIES = [
    Geometry(),
    Geometry((2, 2), ((1, 1), (1, 1))),
    Geometry((3, 1), ((0, 0), (2, 2)), (1, 2)),
    Geometry((2, 3), ((1, 1), (0, 0)), (2, 1), (1, 2)),
]


def stack(array):
    return tuple(tuple(tuple(row) for row in grid) for grid in array.tolist())


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("bias", [None, 7])
def test_stamps_add_up_to_the_definition_and_cut_what_padding_cuts(geometry, bias):
    rng = np.random.default_rng(3)
    x, w = rng.integers(-4, 5, (2, 3, 4)), rng.integers(-4, 5, (2, 3, 3))
    lesson = ScatterLesson(transposed(stack(x), stack(w), geometry, bias))
    expected = conv_transpose2d(
        x,
        w[:, np.newaxis],
        None if bias is None else np.array([bias]),
        stride=geometry.stride,
        padding=tuple(pair[0] for pair in geometry.padding),
        output_padding=geometry.extra,
        dilation=geometry.dilation,
    )[0]
    output, products = np.full(lesson.walk.size, bias or 0), 0
    stamps = list(lesson.stamps)
    assert [stamp.cell for stamp in stamps] == [(i, j) for i in range(3) for j in range(4)]
    for stamp in stamps:
        assert stamp.x == tuple(x[:, *stamp.cell])
        products += sum(stamp.products)
        for place, value in zip(stamp.positions, stamp.sums, strict=True):
            if lesson.is_kept(place):
                output[place] = value
            assert place[0] in lesson.canvas[0]
            assert place[1] in lesson.canvas[1]
    assert output.tolist() == expected.tolist()
    assert products == (x.sum((1, 2)) * w.sum((1, 2))).sum()


def test_pytorchs_example_step_by_step(told):
    # torch.nn.functional.conv_transpose2d of [[1, 2], [3, 4]] with [[1, 10], [100, 1000]]
    line = "explain --transposed --scatter --stride 2 --format json"
    code, out, _ = told(line, "--input", "1 2; 3 4", "--kernel", "1 10; 100 1000")
    record = json.loads(out)
    assert code == 0
    assert record["output"]["values"] == [
        [[1, 10, 2, 20], [100, 1000, 200, 2000], [3, 30, 4, 40], [300, 3000, 400, 4000]]
    ]
    assert [[tap["place"] for tap in stamp["taps"]] for stamp in record["stamps"]][1] == [
        [0, 2], [0, 3], [1, 2], [1, 3]
    ]  # fmt: skip
    code, out, _ = told(line.replace("--format json", "--stride 1"), *("--input", "1 2; 3 4"),
                        *("--kernel", "1 10; 100 1000"))  # fmt: skip
    assert out.splitlines()[-5:] == [
        "x[1,1] = 4 stamps 4·w on rows 1 to 2, columns 1 to 2",
        "stamp         output so far",
        "   4    40       1    12    20",
        " 400  4000     103 [1234][2040]",
        "               300 [3400][4000]",
    ]


def test_letters_name_their_products_and_sums_their_cell():
    a, b, w, v = map(Symbol, "abwv")
    stamps = list(ScatterLesson(transposed((((a, b),),), (((w, v),),))).stamps)
    assert [stamp.products for stamp in stamps] == [("a·w", "a·v"), ("b·w", "b·v")]
    assert stamps[1].sums[0] == "z[0,1]"


def test_a_frame_shows_the_sums_so_far_and_what_is_cut(tmp_path):
    file = tmp_path / "stamps.svg"
    line = "explain --input 2x2 --kernel 3 --transposed --scatter --stride 2 --padding 1 -q"
    assert run([*line.split(), "-o", str(file)]) == 0
    lesson = ScatterLesson(
        transposed((((5, 4), (2, 1)),), (((1, 0, 2), (0, 0, 1), (2, 1, 0)),), GEOMETRIES[1])
    )
    sheet = ScatterSheet(lesson, THEMES["both"])
    assert sheet.outputs[0].rows == range(-1, 4)
    texts = file.read_text()
    for stamp in lesson.stamps:
        assert f">{lesson.stamped(stamp)}</text>" in texts
    frames = list(sheet.frames())
    now = sheet.palette.index[sheet.theme.now]
    for frame, stamp in zip(frames, lesson.stamps, strict=True):
        for place in sheet.outputs[0].cells:
            left, top, *_ = sheet.outputs[0].box(*place)
            is_marked = frame.getpixel((left + 5, top + 5)) == now
            assert is_marked == (place in stamp.positions and lesson.is_kept(place)), (stamp, place)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("convolution", ["f", "g flipped", "convolution", "t = 1: f(0)·g(1) + f(1)·g(0) = 3·5 + 4·1 = 19"]),
        ("cross-correlation", ["g", "f", "cross-correlation", "t = -1: f(1)·g(0) = 4·1 = 4"]),
    ],
)  # fmt: skip
def test_the_picture_of_a_signal_has_the_words_of_its_text(told, tmp_path, mode, words):
    file = tmp_path / "signal.svg"
    line = f"explain --signal 3,4 --kernel 1,5 --mode {mode} -o {file}"
    code, out, _ = told(line)
    drawn = file.read_text()
    assert code == 0
    (caption,) = [word for word in words if word.startswith("t = ")]
    assert caption.partition(": ")[2] in out
    for word in words:
        assert f">{word}</text>" in drawn
    assert ">input<" not in drawn
    assert ">z[" not in drawn
