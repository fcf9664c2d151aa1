"""What model files do to tensors, run on arrays, against the layers that mean the same."""

import numpy as np
import pytest
from runs import run_network

from convcli.errors import UnfitError
from convcli.nets.readers.read import read_text
from convcli.runtime.executor import check_runs, used

MODEL = """import torch
import torch.nn as nn

class Net(nn.Module):
    def forward(self, x):
{body}
"""


def run(body, x):
    text = MODEL.format(body="\n".join(f"        {line}" for line in body.split("; ")))
    network = used(read_text(text).network.at(x.shape))
    check_runs(network)
    (*_, last) = run_network(network, x).maps.values()
    return last


X = np.arange(6 * 4 * 5, dtype=np.float32).reshape(6, 4, 5) / 7

CASES = {
    "b, c, h, w = x.shape; x = x.view(b, 3, c // 3, h, w).transpose(1, 2).contiguous(); "
    "return x.view(b, c, h, w)": X.reshape(3, 2, 4, 5).swapaxes(0, 1).reshape(6, 4, 5),
    "return x * 0.5 + x": X * np.float32(0.5) + X,
    "return 1 - x": 1 - X,
    "return x.permute(0, 2, 3, 1)": X.transpose(1, 2, 0),
    "a, b = x.chunk(2, 1); return a - b": X[:3] - X[3:],
    "return x[:, ::2, 1:, -1]": X[::2, 1:, -1],
    "return torch.stack([x, x], 1)": np.stack([X, X]),
    "y = x.flatten(2); return y @ y.transpose(1, 2)": X.reshape(6, -1) @ X.reshape(6, -1).T,
    "return x.mean((2, 3), keepdim=True) * x": X.mean((1, 2), keepdims=True) * X,
    "return x.sum(1)": X.sum(0),
    "return x.max(dim=1)[0]": X.max(0),
    "return x.repeat(1, 2, 1, 1)": np.tile(X, (2, 1, 1)),
    "return x.std(dim=(2, 3))": X.std((1, 2), ddof=1),
    "return x.std(dim=(2, 3), unbiased=False)": X.std((1, 2)),
    "return x.var(1, correction=0)": X.var(0),
    "return torch.add(x, x, alpha=2) + x.sub(x, alpha=3)": X,
    "return torch.exp(-x) * torch.sqrt(x)": np.exp(-X) * np.sqrt(X),
    "return x.narrow(1, 1, 2)": X[1:3],
    "v, i = x.max(1); return v * 2": X.max(0) * 2,
    "return torch.einsum('bchw,bdhw->bcd', x, x)": np.einsum("chw,dhw->cd", X, X),
}


@pytest.mark.parametrize(("body", "expected"), CASES.items())
def test_an_operation_of_a_model_file_is_run(body, expected):
    np.testing.assert_allclose(run(body, X), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("return F.affine_grid(x[:, :2, :3, 0].transpose(1, 2), (1, 3, 4, 5))", "affine_grid"),
        ("return torch.div(x, 2 * x, rounding_mode='floor')", "floor_divide"),
        ("return F.cosine_similarity(x, x, 1)", "cosine_similarity"),
        ("return x.argmax(1)", "argmax"),
        ("return x.max(1)[1]", "a tensor of the places of values is read for its sizes"),
        ("v, i = x.max(1); return v + i", "a tensor of the places of values"),
        ("return x.int() + x", "a tensor that is cut to integers is read for its sizes"),
        ("s, m = torch.std_mean(x, 1); return x.mean(1) - m", "a mean beside a spread"),
        ("return x.cumsum(2)", "cumsum"),
        ("return F.pad(x, (0, 0, 0, 0, 1, 1))", "pad"),
        ("return torch.gather(x, 1, x.argmax(1, keepdim=True))", "argmax"),
    ],
)
def test_what_has_no_values_is_refused_by_name(body, why):
    with pytest.raises(UnfitError, match=why):
        run(body, X)


def test_a_grid_of_zeros_samples_the_center():
    """Four rows have their center between the second and the third, five columns in the third."""
    grid = "x.permute(0, 2, 3, 1)[..., :2] * 0"
    center = np.broadcast_to(X[:, 1:3, 2:3].mean(1, keepdims=True), X.shape)
    np.testing.assert_allclose(run(f"return F.grid_sample(x, {grid})", X), center, rtol=1e-5)
    nearest = run(f"return F.grid_sample(x, {grid}, mode='nearest', align_corners=True)", X)
    np.testing.assert_allclose(nearest, np.broadcast_to(X[:, 2:3, 2:3], X.shape))


def test_an_average_divides_by_what_it_is_told():
    maps = run_network(read_text("nn.AvgPool2d((4, 5), divisor_override=3)").network, X).maps
    np.testing.assert_allclose(maps["average_pool1"][:, 0, 0], X.sum((1, 2)) / 3, rtol=1e-5)


@pytest.mark.parametrize("dim", [4, -4, 2.5, "1e999", "'rows'"])
@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax", "Softmin"])
def test_an_axis_that_is_not_there_is_refused(name, dim):
    network = read_text(f"nn.{name}(dim={dim})").network
    with pytest.raises(UnfitError, match=r"dim=.* is not an axis|not a number"):
        run_network(network, X)


@pytest.mark.parametrize("dim", [1, 2, 3, -1])
def test_a_softmax_sums_to_one_along_its_axis(dim):
    maps = run_network(read_text(f"nn.Softmax(dim={dim})").network, X).maps["softmax1"]
    np.testing.assert_allclose(maps.sum(dim - 1 if dim > 0 else dim), 1, rtol=1e-5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", ["nn.LPPool2d(-1, 2)"])
def test_values_that_divide_by_zero_give_no_warning_of_numpys(text):
    run_network(read_text(text).network, X - X[1])


ONE = np.array([[[1, 2], [3, 4]]], np.float32)  # one map of two rows
FOUR = np.arange(16, dtype=np.float32).reshape(4, 2, 2)

# a layer, what it is given, and what PyTorch's formulas give of it, worked out by hand
MOVED = {
    "nn.Upsample(scale_factor=2)": (ONE, [[[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]]),
    "nn.Upsample(size=(2, 3))": (ONE, [[[1, 1, 2], [3, 3, 4]]]),
    "nn.Upsample(size=(2, 3), mode='nearest-exact')": (ONE, [[[1, 2, 2], [3, 4, 4]]]),
    "nn.Upsample(size=(2, 4), mode='bilinear')": (ONE, [[[1, 1.25, 1.75, 2], [3, 3.25, 3.75, 4]]]),
    "nn.Upsample(size=(3, 3), mode='bilinear', align_corners=True)": (
        ONE, [[[1, 1.5, 2], [2, 2.5, 3], [3, 3.5, 4]]],
    ),
    "nn.Upsample(size=(1, 2), mode='bilinear', align_corners=True)": (ONE, [[[1, 2]]]),
    "nn.PixelShuffle(2)": (FOUR, [[[0, 4, 1, 5], [8, 12, 9, 13], [2, 6, 3, 7], [10, 14, 11, 15]]]),
    "nn.PixelUnshuffle(2)": (ONE, [[[1]], [[2]], [[3]], [[4]]]),
    "nn.ChannelShuffle(2)": (FOUR, FOUR[[0, 2, 1, 3]]),
    "nn.ZeroPad2d((1, 0, 0, 1))": (ONE, [[[0, 1, 2], [0, 3, 4], [0, 0, 0]]]),
    "nn.ZeroPad2d((-1, 1, 0, 0))": (ONE, [[[2, 0], [4, 0]]]),
    "nn.ConstantPad2d((0, 1, 0, 0), 7)": (ONE, [[[1, 2, 7], [3, 4, 7]]]),
    "nn.ReflectionPad2d((1, 0, 1, 0))": (ONE, [[[4, 3, 4], [2, 1, 2], [4, 3, 4]]]),
    "nn.ReplicationPad2d((2, 0, 0, 0))": (ONE, [[[1, 1, 1, 2], [3, 3, 3, 4]]]),
    "nn.Flatten()": (ONE, [1, 2, 3, 4]),
}  # fmt: skip


@pytest.mark.parametrize("text", MOVED)
def test_layers_move_and_interpolate_values_as_pytorch_does(text):
    x, expected = MOVED[text]
    (*_, last) = run_network(read_text(text).network, x).maps.values()
    np.testing.assert_array_equal(last, np.array(expected, np.float32))
