"""Shape errors of PyTorch, Keras and TensorFlow: which numbers are read, what is to be written."""

import os
import textwrap
from time import process_time

import pytest

from convcli.app.why import WhyOptions, refuse_log, why
from convcli.errors import UnfitError
from convcli.nets.analysis.shape_errors import common_channels, explain_message

CHANNELS = "to have 3 channels, but got 1 channels instead"

MESSAGES = {
    # messages as the libraries print them: the kind, a remedy, and figures that are read
    "mat1 and mat2 shapes cannot be multiplied (32x9216 and 6400x128)": (
        "linear",
        "write nn.Linear(9216, 128)",
        {"rows": 32, "met": 9216, "declared": 6400},
    ),
    "size mismatch, m1: [32 x 9216], m2: [6400 x 128] at /pytorch/aten/src/TH/THTensorMath.cpp": (
        "linear",
        "write nn.Linear(9216, 128)",
        {"met": 9216, "declared": 6400},
    ),
    "size mismatch, [4 x 2304], [400 x 120]": ("linear", "nn.Linear(2304, 120)", {"met": 2304}),
    "Matrix size-incompatible: In[0]: [32,9216], In[1]: [6400,128]": (
        "linear",
        "nn.Linear(9216, 128)",
        {"declared": 6400},
    ),
    "mat1 and mat2 shapes cannot be multiplied (320x5 and 400x120)": (
        "linear",
        "torch.flatten(x, 1) before",
        {"rows": 320},
    ),
    "mat1 and mat2 shapes cannot be multiplied (1x1600 and 400x120)": (
        "linear",
        "torch.flatten(x, 1), which keeps the batch",
        {"met": 1600},
    ),
    f"Given groups=1, weight of size [6, 3, 5, 5], expected input[4, 1, 28, 28] {CHANNELS}": (
        "channels",
        "nn.Conv2d(1, 6, 5)",
        {"expected": 3, "met": 1, "groups": 1},
    ),
    f"Given groups=1, weight[64, 3, 7, 7], so expected input[16, 1, 224, 224] {CHANNELS}": (
        "channels",
        "nn.Conv2d(1, 64, 7)",
        {"expected": 3, "met": 1},
    ),
    "Given groups=1, weight of size [6, 3, 5, 5], expected input[4, 224, 224, 3] to have 3 "
    "channels, but got 224 channels instead": ("channels", "permute(0, 3, 1, 2)", {"met": 224}),
    "Given groups=6, weight of size [6, 1, 3, 3], expected input[1, 3, 8, 8] to have 6 channels, "
    "but got 3 channels instead": ("channels", "nn.Conv2d(3, 6, 3, groups=3)", {"groups": 6}),
    "Given transposed=1, weight of size [16, 8, 2, 2], expected input[1, 8, 4, 4] to have 16 "
    "channels, but got 8 channels instead": ("channels", "nn.ConvTranspose2d(8, 8, 2)", {}),
    "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [28, 28]": (
        "axes",
        "x[None, None, ...]",
        {"axes": 4},
    ),
    "Expected 4-dimensional input for 4-dimensional weight [6, 3, 5, 5], but got 3-dimensional "
    "input of size [3, 28, 28] instead": ("axes", "x.unsqueeze(0)", {"input": (3, 28, 28)}),
    "Calculated padded input size per channel: (3 x 3). Kernel size: (5 x 5). Kernel size can't "
    "greater than actual input size": ("window", "write 1 more of padding=", {"padded": (3, 3)}),
    "Given input size: (8x1x1). Calculated output size: (8x0x0). Output size is too small": (
        "window",
        "larger input",
        {"output": (8, 0, 0)},
    ),
    "pad should be at most half of effective kernel size, but got pad=2, kernel_size=2 and "
    "dilation=1": ("padding", "padding=1", {"maximum": 1}),
    "pad should be smaller than half of kernel size, but got padW = 2, padH = 2, kW = 3, kH = 3": (
        "padding",
        "padding=1",
        {"kernel": 3},
    ),
    "running_mean should contain 8 elements not 16": ("channels", "BatchNorm2d(8)", {"met": 8}),
    "expected 4D input (got 2D input)": ("axes", "nn.BatchNorm1d", {"axes": 2}),
    "Expected more than 1 value per channel when training, got input size torch.Size([1, 16, 1, "
    "1])": ("batch", "model.eval()", {"input": (1, 16, 1, 1)}),
    "shape '[-1, 400]' is invalid for input of size 2304": ("view", "flatten", {"values": 2304}),
    "The size of tensor a (56) must match the size of tensor b (28) at non-singleton dimension 3": (
        "add",
        "stride=2 in the shortcut",
        {"a": 56, "b": 28, "axis": 3},
    ),
    "The size of tensor a (64) must match the size of tensor b (128) at non-singleton dimension 1": (
        "add",
        "nn.Conv2d(64, 128, 1)",
        {"axis": 1},
    ),
    "invalid argument 0: Sizes of tensors must match except in dimension 1. Got 57 and 56 in "
    "dimension 2": ("cat", "F.interpolate", {"axis": 1, "first": 57, "second": 56}),
    "padding='same' is not supported for strided convolutions": ("padding", "kernel_size // 2", {}),
    "Input type (unsigned char) and bias type (float) should be the same": (
        "type",
        "x.float() / 255",
        {},
    ),
    "Input type (torch.FloatTensor) and weight type (torch.cuda.FloatTensor) should be the same": (
        "type",
        'x.to("cuda")',
        {},
    ),
    "Expected input batch_size (4) to match target batch_size (8).": (
        "batch",
        "flatten(x, 1)",
        {"output": 4, "target": 8},
    ),
    "input.size(-1) must be equal to input_size. Expected 10, got 12": (
        "recurrent",
        "input_size=12",
        {"declared": 10},
    ),
    "Given normalized_shape=[64], expected input with shape [*, 64], but got input of size[4, 32]": (
        "norm",
        "nn.LayerNorm(32)",
        {"declared": (64,)},
    ),
    "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
    "upscale_factor, but input.size(-3)=6 is not divisible by 4": (
        "channels",
        "write 8 output channels",
        {"channels": 6, "square": 4},
    ),
    "Error(s) in loading state_dict for Net:\n\tsize mismatch for fc.weight: copying a param with "
    "shape torch.Size([1000, 512]) from checkpoint, the shape in current model is torch.Size([10, "
    "512]).": (
        "state dict",
        "arguments it was trained with",
        {"mismatches": [{"name": "fc.weight", "file": (1000, 512), "model": (10, 512)}]},
    ),
    "Negative dimension size caused by subtracting 5 from 4 for 'conv2d/Conv2D' (op: 'Conv2D')": (
        "window",
        'padding="same"',
        {"input": (None, 4, 4)},
    ),
    "Input 0 of layer conv2d is incompatible with the layer: expected ndim=4, found ndim=3. Full "
    "shape received: [None, 28, 28]": ("axes", "x[..., None]", {"axes": 4}),
    "expected axis -1 of input shape to have value 400 but got shape (None, 576)": (
        "linear",
        "size it was built for",
        {"declared": 400, "input": (None, 576)},
    ),
    "Operands could not be broadcast together with shapes (56, 56, 64) (28, 28, 64)": (
        "add",
        "same strides",
        {"first": (56, 56, 64)},
    ),
    "`Concatenate` layer requires inputs with matching shapes except for the concat axis. Got "
    "inputs shapes: [(None, 57, 57, 64), (None, 56, 56, 64)]": (
        "cat",
        'padding="same"',
        {"shapes": [(None, 57, 57, 64), (None, 56, 56, 64)]},
    ),
    "total size of new array must be unchanged, input_shape = [3136], output_shape = [7, 7, 65]": (
        "view",
        "Reshape((7, 7, 64))",
        {"input": (3136,), "target": (7, 7, 65)},
    ),
    "Shapes (8, 1) and (8, 3) are incompatible": (
        "loss",
        "sparse_categorical_crossentropy",
        {"target": (8, 1), "output": (8, 3)},
    ),
    "Shapes (None, None) and (None, 10) are incompatible": (
        "loss",
        "write Dense(targets.shape[-1]) last",
        {"target": (None, None), "output": (None, 10)},
    ),
}


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_read_to_its_numbers_and_its_remedy(message):
    kind, remedy, figures = MESSAGES[message]
    known = explain_message(f"Traceback (most recent call last):\nRuntimeError: {message}\n")
    assert known is not None
    meaning = known[1]
    assert (meaning.kind, remedy in meaning.fixes[0] or remedy in meaning.fixes[-1]) == (kind, True)
    assert {name: meaning.figures[name] for name in figures} == figures


def test_numbers_of_values_are_told_as_maps():
    assert common_channels(9216, 6400) == [256, 64]
    known = explain_message("mat1 and mat2 shapes cannot be multiplied (32x9216 and 6400x128)")
    assert "256x6x6 and 256x5x5" in known[1].cause


def test_the_last_error_of_a_log_counts():
    log = "running_mean should contain 8 elements not 16\nrunning_mean should contain 4 elements not 6"
    assert explain_message(log)[1].met == 4


MODEL = textwrap.dedent(
    """
    import torch, torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 64, 3, padding=1)
            self.pool = nn.MaxPool2d(2)
            self.fc = nn.Linear(64 * 8 * 8, 10)

        def forward(self, x):
            x = self.pool(self.conv(x).relu())
            return self.fc(torch.flatten(x, 1))
    """
)


def log_of(path, values):
    return (
        f'Traceback (most recent call last):\n  File "{path}", line 13, in forward\n'
        f"RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x{values} and 4096x10)\n"
    )


@pytest.mark.parametrize(("side", "values"), [(20, 6400), (24, 9216), (8, 1024), (112, 200704)])
def test_the_class_of_a_traceback_gives_the_input_with_both_numbers(
    tmp_path, monkeypatch, side, values
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(MODEL)
    (tmp_path / "run.log").write_text(log_of("net.py", values))
    record = why(WhyOptions(log="run.log")).record()
    # a pool halves: an odd side gives what the even one below it does
    assert record["input"]["height"] // 2 == side // 2
    assert f"write {values}" in record["code"]
    assert "self.fc = nn.Linear(64 * 8 * 8, 10)" in record["code"]


def test_files_outside_the_working_folder_are_not_opened(tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    outside = tmp_path / "net.py"
    outside.write_text(MODEL)
    os.symlink(outside, work / "link.py")
    monkeypatch.chdir(work)
    for path in (str(outside), "../net.py", "link.py"):
        (work / "run.log").write_text(log_of(path, 6400))
        record = why(WhyOptions(log="run.log")).record()
        assert (record["file"], record["fixes"]) == (None, ["write nn.Linear(6400, 10)"])


def test_a_log_without_a_known_error_is_refused(tmp_path):
    (tmp_path / "run.log").write_text("RuntimeError: CUDA out of memory")
    with pytest.raises(UnfitError, match="give the whole traceback"):
        why(WhyOptions(log=str(tmp_path / "run.log")))


def test_a_traceback_in_place_of_a_network_is_refused_with_its_explanation():
    with pytest.raises(UnfitError, match=r"not a network; convcli why(.|\n)*nn.Linear\(6400, 10\)"):
        refuse_log(log_of("net.py", 6400))


NUMBERS = {
    "size mismatch, [2 x 0], [1 x 3]": "linear",
    "size mismatch, [1 x 4], [0 x 3]": "linear",
    "Given groups=6, weight of size [6, 1, 3, 3], expected input[1, 3, 8, 8] to have 6 channels, "
    "but got 0 channels instead": "channels",
    "Expected input batch_size (1000000) to match target batch_size (0).": "batch",
    f"mat1 and mat2 shapes cannot be multiplied (1x{'9' * 5000} and 2x3)": "",
}


@pytest.mark.parametrize("message", NUMBERS, ids=lambda text: text[:30])
def test_numbers_that_no_framework_prints_are_one_line(message):
    explained = explain_message(message)
    assert (explained[1].kind if explained else "") == NUMBERS[message]


LONG = (" ", "pixel_shuffle expects ", "Data cardinality is ambiguous. ", "size mismatch for x: ")


@pytest.mark.parametrize("words", LONG)
def test_the_beginnings_of_messages_by_the_thousand_are_read_in_one_pass(words):
    """Of 100,000 characters: patterns that look from each beginning to the end took 9 seconds."""
    started = process_time()
    assert explain_message(words * (100_000 // len(words))) is None
    assert process_time() - started < 2
