"""Fits recover what made a picture; descents learn it; backpropagation passes finite differences."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from convcli.cli.main import run
from convcli.errors import UnfitError
from convcli.fitting import backprop
from convcli.fitting.backprop import Stack, Trainer
from convcli.fitting.least_squares import descend, equations, fit
from convcli.fitting.loss_curve import schedule
from convcli.fitting.results import kernel_text
from convcli.matrices import Limits, read_stack
from convcli.nets.readers.read import read_text

SAMPLES = Path(__file__).parents[2] / "samples"
BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
SOBEL_X = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])


def pixels(name):
    """A sample, or of a large one 256x256 pixels in its middle."""
    with Image.open(SAMPLES / name) as picture:
        array = np.asarray(picture.convert("RGB" if name == "cat.jpg" else "L"))
    top, left = ((length - 256) // 2 for length in array.shape[:2])
    array = array[top : top + 256, left : left + 256]
    return array if array.ndim == 3 else array[..., np.newaxis]


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """Writes a sample and what SciPy makes of it; gives their names."""
    monkeypatch.chdir(tmp_path)

    def make(name, kernel, floats=False, bias=0.0):
        before = pixels(name)
        after = (
            np.stack(
                [
                    ndimage.correlate(c.astype(float), kernel, mode="nearest")
                    for c in before.transpose(2, 0, 1)
                ],
                2,
            )
            + bias
        )
        Image.fromarray(before.squeeze()).save("before.png")
        if floats:
            np.save("after.npy", after)
            return "before.png", "after.npy"
        Image.fromarray(np.floor(after + 0.5).clip(0, 255).astype(np.uint8).squeeze()).save(
            "after.png"
        )
        return "before.png", "after.png"

    return make


def fitted(capfd, *words):
    code = run(["fit", *words, "--format", "json"])
    return code, json.loads(capfd.readouterr().out)


@pytest.mark.parametrize("name", ["cat.jpg", "chart.png"])
def test_a_binomial_is_recovered_from_8_bits(capfd, pair, name):
    code, found = fitted(capfd, *pair(name, BINOMIAL), "--size", "5")
    assert (code, found["determined"], found["rank"]) == (0, True, 26)
    error = np.abs(np.array(found["kernels"])[0, 0] - BINOMIAL).max()
    assert error < 0.0005  # ten times better than asked for
    assert abs(found["bias"][0]) < 0.2
    assert found["residual"] < 0.5


def test_a_sobel_is_recovered_from_floats(capfd, pair):
    _, found = fitted(capfd, *pair("cat.jpg", SOBEL_X, floats=True))
    assert np.abs(np.array(found["kernels"])[0, 0] - SOBEL_X).max() < 1e-9
    assert found["residual"] < 1e-8


def test_a_bias_and_a_clipped_result_are_recovered(capfd, pair):
    sharpen = np.array([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    _, found = fitted(capfd, *pair("cat.jpg", sharpen, bias=20.0))
    assert found["clipped"] > 1000
    assert np.abs(np.array(found["kernels"])[0, 0] - sharpen).max() < 0.005
    assert found["bias"][0] == pytest.approx(20, abs=0.3)


@pytest.mark.parametrize("size", [(2, 2), (4, 3), (1, 5), (3, 2)])
def test_even_kernels_are_anchored_as_filter_anchors_them(capfd, tmp_path, monkeypatch, size):
    monkeypatch.chdir(tmp_path)
    kernel = np.arange(1, size[0] * size[1] + 1.0).reshape(size)
    text = ";".join(" ".join(f"{int(v)}/{int(kernel.sum())}" for v in row) for row in kernel)
    assert run(["filter", str(SAMPLES / "chart.png"), "-k", text, "-o", "after.png"]) == 0
    capfd.readouterr()
    _, found = fitted(
        capfd, str(SAMPLES / "chart.png"), "after.png", "--size", f"{size[0]}x{size[1]}"
    )
    np.testing.assert_allclose(np.array(found["kernels"])[0, 0], kernel / kernel.sum(), atol=0.003)


def test_least_squares_are_those_of_numpy():
    rng = np.random.default_rng(3)
    x, y = rng.normal(100, 30, (2, 20, 21)), rng.normal(100, 30, (1, 20, 21))
    found = fit(x, y, (3, 2))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 2), axis=(1, 2))
    rows = windows.transpose(1, 2, 0, 3, 4).reshape(-1, 12)
    rows = np.column_stack([rows, np.ones(len(rows))])
    target = y[0, 1:-1, :-1].ravel()
    expected, lost, *_ = np.linalg.lstsq(rows, target, rcond=None)
    np.testing.assert_allclose(found.kernels.ravel(), expected[:-1], atol=1e-10)
    assert found.bias[0] == pytest.approx(expected[-1])
    assert found.residual == pytest.approx(np.sqrt(lost[0] / len(rows)))
    # the standard errors of ordinary least squares
    covariance = np.linalg.inv(rows.T @ rows) * lost[0] / (len(rows) - 13)
    np.testing.assert_allclose(found.errors.ravel(), np.sqrt(np.diag(covariance))[:-1], rtol=1e-8)


# what a picture shows → how many of the ten unknowns of a 3x3 kernel it fixes
RANKS = {
    "constant": (np.full((1, 12, 12), 90.0), 1),
    "ramp": (np.arange(144.0).reshape(1, 12, 12), 2),
    "columns": (np.tile(np.random.default_rng(0).normal(size=(1, 1, 12)), (1, 12, 1)), 4),
    "noise": (np.random.default_rng(0).normal(size=(1, 12, 12)), 10),
}


@pytest.mark.parametrize(("picture", "rank"), RANKS.values(), ids=RANKS)
def test_the_rank_says_what_a_picture_determines(picture, rank):
    found = fit(picture, picture, (3, 3))
    assert (found.rank, found.determined) == (rank, rank == 10)
    assert found.residual < 1e-9


def test_a_kernel_that_is_too_small_is_said_and_the_right_size_is_taken(capfd, pair):
    names = pair("cat.jpg", BINOMIAL)
    assert run(["fit", *names, "--size", "3"]) == 0
    out, _ = capfd.readouterr()
    assert "levels, rounding explains 0.29: the kernel is larger than 3x3 (try --size auto)" in out
    code, found = fitted(capfd, *names, "--size", "auto")
    assert (code, np.shape(found["kernels"]), found["warnings"]) == (0, (1, 1, 5, 5), [])
    assert found["residual"] < 1.2 * found["rounding"]
    code, found = fitted(capfd, *pair("chart.png", SOBEL_X / 8, floats=True), "--size", "auto")
    assert (np.shape(found["kernels"]), found["rounding"]) == ((1, 1, 3, 3), 0)


def test_a_constant_picture_is_not_determined(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (40, 30), 77).save("a.png")
    code = run(["fit", "a.png", "a.png", "--size", "5", "-o", "kernel.txt"])
    out, err = capfd.readouterr()
    assert code == 1
    assert "not determined: the picture's windows fix 1 of 26 unknowns" in out
    assert err.startswith("Error: not determined")
    assert not os.path.exists("kernel.txt")


def test_a_pair_that_is_no_convolution_is_told_of(capfd, pair):
    before, _ = pair("cat.jpg", BINOMIAL)
    assert run(["filter", before, "-k", "sobel", "-o", "edges.png"]) == 0
    capfd.readouterr()
    _, found = fitted(capfd, before, "edges.png")
    assert found["explained"] < 0.9
    assert "not a single convolution of this size" in " ".join(found["warnings"])


def test_a_kernel_file_is_read_back_and_filters_alike(capfd, pair):
    before, after = pair("cat.jpg", BINOMIAL)
    assert run(["fit", before, after, "--size", "5", "-o", "kernel.txt", "-q"]) == 0
    out = capfd.readouterr().out
    assert Path("kernel.txt").read_text() == out
    matrix = ";".join(out.splitlines())
    assert run(["filter", before, "-k", matrix, "-o", "again.png"]) == 0
    with Image.open(after) as one, Image.open("again.png") as other:
        difference = np.asarray(one).astype(int) - np.asarray(other)
    assert np.abs(difference).max() <= 1
    assert run(["explain", "--input", "9x9", "--kernel", "@kernel.txt", "-q"]) == 0


@pytest.mark.parametrize("after", ["after.csv", "after.json", "after.tsv", "after.npy"])
def test_pictures_may_be_numbers_in_text(capfd, tmp_path, monkeypatch, after):
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(2).normal(size=(12, 14))
    y = ndimage.correlate(x, SOBEL_X, mode="nearest")
    np.savetxt("before.txt", x)
    np.savetxt("after.csv", y, delimiter=";")
    np.savetxt("after.tsv", y, delimiter="\t", header="made by SciPy")
    np.save("after.npy", y)
    Path("after.json").write_text(json.dumps(y.tolist()))
    assert run(["fit", "before.txt", after, "--format", "json"]) == 0
    found = json.loads(capfd.readouterr().out)
    np.testing.assert_allclose(found["kernels"][0][0], SOBEL_X, atol=1e-12)
    assert found["determined"]


def test_kernels_of_one_row_are_written_apart():
    rows = np.array([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    assert kernel_text(rows) == "1 2\n|\n3 4"
    assert read_stack(kernel_text(rows), Limits("kernel", joined=True)) == (((1, 2),), ((3, 4),))
    blocks = np.arange(8.0).reshape(1, 2, 2, 2)
    assert np.array(read_stack(kernel_text(blocks), Limits("kernel", joined=True))).tolist() == blocks[0].tolist()  # fmt: skip


def test_descent_reaches_least_squares():
    before = pixels("chart.png").transpose(2, 0, 1).astype(float)
    after = ndimage.correlate(before[0], SOBEL_X, mode="nearest")[np.newaxis]
    problem = equations(before, after, (3, 3))
    moments = list(descend(problem, 1000))
    assert [moments[0].step, moments[-1].step] == [0, 1000]
    assert moments[0].loss == pytest.approx(np.mean(np.square(after[:, 1:-1, 1:-1])))
    assert moments[-1].loss < 1e-9 * moments[0].loss
    assert np.abs(moments[-1].kernels[0, 0] - SOBEL_X).max() < 1e-6


NETS = [
    "conv(3, 3); relu; conv(2, 3)",
    "conv(4, 3, padding=1); leaky_relu(0.2); conv(2, 1)",
    "conv(4, (2, 3), dilation=(1, 2)); tanh; conv(4, 3, groups=2, bias=False); sigmoid; conv(2, 1)",
    "conv(2, 3); gelu; conv(2, 2)",
    "conv(2, 3); leaky_relu(0.0); conv(2, 2); hard_swish",
    "nn.Conv2d(2, 2, 3); nn.ELU(alpha=1.0); nn.Hardtanh(-1.0, 1.0)",
]


def test_a_stack_computes_what_its_text_says():
    x = np.random.default_rng(0).standard_normal((1, 1, 3, 4))
    stack = Stack(read_text("conv(1, 1, bias=False); leaky_relu(0)").network, 1, dtype=np.float64)
    stack.weights["conv1.weight"][:] = 1
    np.testing.assert_array_equal(stack.output(x), np.maximum(x, 0))
    np.testing.assert_array_equal(stack.forward(x)[0], stack.output(x))


def test_a_net_that_diverges_says_when():
    x = np.random.default_rng(0).uniform(0, 255, (1, 20, 20))
    stack = Stack(read_text("conv(1, 3); conv(1, 3)").network, 1)
    moments = Trainer(stack, x, x, steps=5, seed=0).run()
    next(moments)
    stack.weights["conv2.weight"] += 1e30
    with pytest.raises(UnfitError, match="the loss is inf at step 1: the net diverged"):
        list(moments)


def test_the_loss_of_whole_pictures_does_not_depend_on_the_bands(monkeypatch):
    rng = np.random.default_rng(0)
    before, after = rng.uniform(0, 255, (2, 40, 30)), rng.uniform(0, 255, (1, 40, 30))
    stack = Stack(read_text("conv(4, 3); relu; conv(1, (3, 1))").network, 2)
    trainer = Trainer(stack, before, after, steps=1, seed=0)
    whole = trainer.total_loss()
    monkeypatch.setattr(backprop, "BAND_BYTES", 4096)
    assert trainer.total_loss() == pytest.approx(whole, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("text", NETS)
def test_gradients_of_a_stack_pass_finite_differences(text):
    rng = np.random.default_rng(5)
    stack = Stack(read_text(text).network, 2, seed=1, dtype=np.float64)
    for name in stack.weights:
        stack.weights[name] = stack.weights[name] + rng.normal(0, 0.1, stack.weights[name].shape)
    x = rng.normal(size=(2, 2, 9, 10))
    wanted = rng.normal(size=stack.forward(x)[0].shape)
    _, gradients = stack.loss(x, wanted)
    assert set(gradients) == set(stack.weights)
    for name, weight in stack.weights.items():
        for place in np.ndindex(weight.shape):
            kept = weight[place]
            losses = []
            for step in (1e-6, -1e-6):
                weight[place] = kept + step
                losses.append(stack.loss(x, wanted)[0])
            weight[place] = kept
            slope = (losses[0] - losses[1]) / 2e-6
            assert gradients[name][place] == pytest.approx(slope, rel=1e-5, abs=1e-8), (name, place)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "kernel"),
    [
        ("conv(4, 3); relu; conv(1, 3)", BINOMIAL),
        ("conv(4, 3, padding=1); conv(1, 1)", SOBEL_X / 4),
    ],
)
def test_two_layers_lower_the_loss_a_hundredfold_on_a_solvable_pair(text, kernel):
    before = pixels("chart.png").transpose(2, 0, 1).astype(float)
    after = ndimage.correlate(before[0], kernel, mode="nearest")[np.newaxis]
    stack = Stack(read_text(text).network, 1, seed=0)
    trainer = Trainer(stack, before, after, steps=250, seed=0)
    first = trainer.total_loss()
    moments = list(trainer.run())
    assert trainer.total_loss() < first / 100
    assert np.mean([m.loss for m in moments[-20:]]) < np.mean([m.loss for m in moments[:20]]) / 10


def test_a_net_is_trained_and_saved_and_the_same_seed_gives_the_same(capfd, pair):
    before, after = pair("chart.png", BINOMIAL)
    losses = []
    for name in ("a.npz", "b.npz"):
        line = [
            "fit",
            before,
            after,
            "--net",
            "conv:2,3 relu conv:1,3",
            "--steps",
            "30",
            "--seed",
            "4",
        ]
        assert run([*line, "-q", "-o", name]) == 0
        losses.append(capfd.readouterr().out)
    assert losses[0] == losses[1]
    with np.load("a.npz") as weights:
        assert weights["conv2.weight"].shape == (1, 2, 3, 3)
        assert int(weights["seed"]) == 4


def test_watching_in_a_pipe_tells_losses_on_stderr(capfd, pair):
    before, after = pair("chart.png", BINOMIAL)
    assert run(["fit", before, after, "--size", "5", "--watch", "--steps", "200"]) == 0
    out, err = capfd.readouterr()
    losses = [float(line.rpartition(" ")[2]) for line in err.splitlines()]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 1000
    assert "gradient descent: loss" in out
    assert "\x1b" not in out + err


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_watching_on_a_terminal_draws_the_curve_and_the_kernel(pair):
    before, after = pair("chart.png", BINOMIAL)
    ours, theirs = os.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "convcli", "fit", before, after, "--watch", "--steps", "20", "-q"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            data = os.read(ours, 65_536)
        except OSError:  # Linux says so when the other side has closed
            break
        if not data:
            break
        seen += data
    out, _ = running.communicate()
    os.close(ours)
    assert running.returncode == 0
    assert len(out.splitlines()) == 3
    text = seen.decode()
    assert "step 20 of 20" in text
    assert "█" in text
    assert "\x1b[" in text


def test_a_schedule_begins_at_the_first_step_and_ends_at_the_last():
    for steps in (1, 2, 30, 1000, 10**6):
        shown = schedule(steps)
        assert shown == sorted(set(shown))
        assert (shown[0], shown[-1]) == (0, steps)
        assert len(shown) <= 74


# line → exit code, part of the one line on stderr; a.png is 40 wide and 30 high, b.png 20 and 30
REFUSED = {
    "fit a.png": (2, "Missing argument 'AFTER'"),
    "fit a.png b.png": (1, "before is 30x40, after 30x20: they must have one size"),
    "fit a.png a.png --size 99": (1, "larger than 31 per side"),
    "fit a.png a.png --size 31": (1, "does not fit a picture of 30x40"),
    "fit a.png a.png --size 29": (1, "cannot determine 842 unknowns"),
    "fit a.png none.png": (1, "none.png cannot be read"),
    "fit a.png bad.npy": (1, "bad.npy: it is not a .npy array"),
    "fit a.png object.npy": (1, "object.npy holds an array (1,) of O; write numbers"),
    "fit a.png nan.npy": (1, "not finite"),
    "fit - -": (2, "standard input holds one picture"),
    "fit a.png a.png --seed 1": (2, "--seed is for --net"),
    "fit a.png a.png --steps 9": (2, "--steps is for --watch and --net"),
    "fit a.png a.png -o a.png": (1, "is the input, which is never overwritten"),
    "fit a.png a.png -o -": (2, "-o takes the name of a file"),
    "fit a.png a.png --format yaml": (2, "is not one of"),
    "fit a.png a.png --size 3 --net conv:1,3": (2, "--size is a kernel's"),
    "fit a.png a.png --net conv:1,3 -o w.txt": (2, "weights are written to .npz"),
    "fit a.png a.png --net conv:1,3,stride=2": (1, "every stride is 1"),
    "fit a.png a.png --net maxpool:3,stride=1": (1, "is not trained here"),
    "fit a.png a.png --net relu": (1, "the net has no convolution"),
    "fit a.png a.png --net conv:3,3": (1, "the net ends in 3 channels, the result has 1"),
    "fit a.png a.png --net conv:1,99": (1, "the net sees 99 rows or columns"),
    "fit a.png large.npy": (1, "values up to 1e+200 are too large to fit; at most 1e+100"),
    "fit large.npy a.png --net conv:1,3": (1, "too large to fit; at most 1e+12"),
    "fit a.png a.png --net twice.py": (1, "a#1 has the weights of a"),
    "fit a.png a.png --net unread.py": (1, "a is not on the way to the output"),
    "fit a.png a.png --net side.net": (1, "relu1 does not follow side1.0.conv1"),
    "fit a.png a.png --net elu.net": (1, "elu with alpha=2 is not trained here"),
}


MODEL = """import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(1, 1, 3)
        self.b = nn.Conv2d(1, 1, 3)

    def forward(self, x):
        {body}
"""

NET_FILES = {
    "twice.py": MODEL.format(body="return self.b(self.a(self.a(x)))"),
    "unread.py": MODEL.format(body="y = self.a(x); return self.b(x)"),
    "side.net": "conv(1, 3)\nside([conv(2, 3)])\nrelu\n",
    "elu.net": "nn.Conv2d(1, 1, 3)\nnn.ELU(alpha=2)\n",
}


@pytest.mark.parametrize(("line", "expected"), REFUSED.items())
def test_a_refusal_is_one_line_and_nothing_is_written(capfd, tmp_path, monkeypatch, line, expected):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (30, 40), np.uint8)).save("a.png")
    Image.fromarray(rng.integers(0, 256, (30, 20), np.uint8)).save("b.png")
    Path("bad.npy").write_bytes(b"\x93NUMPY\x01\x00nothing")
    np.save("object.npy", np.array([{}], object), allow_pickle=True)
    np.save("nan.npy", np.full((30, 40), np.nan))
    np.save("large.npy", np.full((30, 40), 1e200))
    for name, text in NET_FILES.items():
        Path(name).write_text(text)
    there = sorted(os.listdir())
    code = run(line.split())
    out, err = capfd.readouterr()
    assert (code, out, err.count("\n")) == (expected[0], "", 1), err
    assert expected[1] in err
    assert sorted(os.listdir()) == there


def test_sizes_that_do_not_belong_together_are_refused():
    with pytest.raises(UnfitError, match="have one size"):
        fit(np.zeros((1, 9, 9)), np.zeros((1, 8, 9)), (3, 3))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("0 0 0; 0 0.5 0; 0 0.25 0 --bias 21", "--bias 21"),
        ("-0.25 0 0; 0 0.75 0; 0 0.5 0 --bias -3", "--bias -3"),
        ("0 0 0; 0 -1 0; 0 0 0 --bias 230 --range clip", "--bias 230 --range clip"),
        ("0 0 0; -0.5 0 0.5; 0 0 0 --bias 128 --range clip", "--bias 128 --range clip"),
        ("0 0 0; 0 0.5 0; 0 0.5 0", ""),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_said_beside_the_file_makes_the_same_picture(
    capfd, tmp_path, monkeypatch, spec, said, dtype
):
    monkeypatch.chdir(tmp_path)
    matrix, _, words = spec.partition(" --")
    words = f"--{words}".split() if words else []
    samples = np.random.default_rng(1).integers(0, 25, (30, 30)) * 8
    if dtype == np.uint16:
        words = [str(int(word) * 257) if word.lstrip("-").isdigit() else word for word in words]
        said = re.sub(r"-?\d+", lambda found: str(int(found[0]) * 257), said)
    Image.fromarray((samples * (257 if dtype == np.uint16 else 1)).astype(dtype)).save("a.png")
    assert run(["filter", "a.png", "-k", matrix, *words, "-o", "b.png"]) == 0
    capfd.readouterr()
    assert run(["fit", "a.png", "b.png", "-o", "k.txt", "-q"]) == 0
    found = re.findall(r"filter -k @k.txt needs (.*)", capfd.readouterr().err)
    if dtype == np.uint8:
        assert found == ([said] if said else [])
    more = found[0].split() if found else []
    assert run(["filter", "a.png", "-k", "@k.txt", *more, "-o", "c.png"]) == 0
    with Image.open("b.png") as true, Image.open("c.png") as made:
        off = np.abs(np.asarray(true).astype(int) - np.asarray(made))
    assert off.max() <= 1


def test_what_is_not_determined_is_told_once(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (20, 20), 9).save("const.png")
    assert run(["fit", "const.png", "const.png"]) == 1
    out, err = capfd.readouterr()
    assert (out + err).count("fix 1 of 10 unknowns") == 1
    assert err == "Error: not determined; try a picture with more detail\n"
    assert run(["fit", "const.png", "const.png", "-q"]) == 1
    assert "fix 1 of 10 unknowns" in capfd.readouterr().err
