"""What random features are worth, and what a network's forward run costs.

    python tests/benchmarks/features.py recipes     needs scikit-learn and scikit-image
    python tests/benchmarks/features.py vgg         compares with PyTorch where it is
    python tests/benchmarks/features.py layers      needs PyTorch
    python tests/benchmarks/features.py memory

`recipes` writes scikit-learn's digits and scikit-image's brick, grass and gravel as PNG files, runs
`convcli extract` on them, and prints the test accuracy of a logistic regression on its vectors
beside that on the raw pixels, for several splits and several seeds of the filters. It prints its
table as Markdown, with variations of each recipe, by which it was chosen.

`vgg` runs VGG-16 up to conv5_3 on one 224×224 picture, in turns with PyTorch doing the same layers
with the same weights, and prints medians, their ratio, and the largest difference.

`memory` prints what a process says it will take at most, and what it took, for VGG-16 up to
conv5_3 on one picture and for others.

`layers` builds layers of PyTorch from their text, reads the same text here, gives both the same
weights and input, and prints the largest difference of each.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

SPLITS = range(5)
"""Seeds of the stratified splits."""

SEEDS = range(3)
"""Seeds of the filters."""

PATCH, STEP = 64, 32
"""Pixels of a texture's patch, and how far the next one is."""

# recipe → options that vary it, to show what each part of it is worth
VARIATIONS = {
    "digits": {
        "recipe": [],
        "mean and spread of each map instead of a grid": ["--vector", "mean,std"],
        "relu instead of abs": [
            *("conv:128,5,padding=2,bias=False", "relu", "adaptivepool:4"),
            *("--init", "normal", "--zero-mean", "--unit-norm", "--gray", "--vector", "flatten"),
        ],
        "with a mean": [
            *("conv:128,5,padding=2,bias=False", "abs", "adaptivepool:4"),
            *("--init", "normal", "--unit-norm", "--gray", "--vector", "flatten"),
        ],
        "32 filters": [
            *("conv:32,5,padding=2,bias=False", "abs", "adaptivepool:4"),
            *("--init", "normal", "--zero-mean", "--unit-norm", "--gray", "--vector", "flatten"),
        ],
    },
    "texture": {
        "recipe": [],
        "means alone": ["--vector", "mean"],
        "7x7 filters": [
            *("conv:32,7,bias=False", "abs", "--normalize", "standard", "--gray"),
            *("--init", "normal", "--zero-mean", "--unit-norm"),
        ],
        "Gabor filters": ["--init", "gabor", "--zero-mean", "--unit-norm"],
        "relu instead of abs": [
            *("conv:32,5,bias=False", "relu", "--normalize", "standard", "--gray"),
            *("--init", "normal", "--zero-mean", "--unit-norm"),
        ],
    },
}


def features(folder: Path, recipe: str, options: list[str], seed: int) -> Any:
    """The vectors of the pictures of a folder, as the command makes them."""
    from convcli.cli.main import run

    target = folder.parent / "vectors.npz"
    words = [str(folder), *options, "--seed", str(seed), "-o", str(target), "--force", "-q"]
    layered = any(re.match(r"\w+:", option) for option in options)
    if not layered:
        words += ["--recipe", recipe]
    if run(["extract", *words]):
        raise SystemExit("convcli extract failed")
    with np.load(target) as arrays:
        return arrays["vectors"]


def score(train: Any, labels: Any, test: Any, expected: Any, scaled: bool = True) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LogisticRegression(max_iter=3000)
        model = make_pipeline(StandardScaler(), model) if scaled else model
        return float(model.fit(train, labels).score(test, expected))


def write_pngs(pictures: Iterator[Any], folder: Path) -> None:
    from PIL import Image

    folder.mkdir()
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{number:05}.png")


def digits_table(folder: Path) -> None:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    data = load_digits()
    write_pngs(((image * 15).astype(np.uint8) for image in data.images), folder)

    def scores(vectors: Any, scaled: bool = True) -> list[float]:
        found = []
        for split in SPLITS:
            parts = train_test_split(
                vectors, data.target, test_size=0.3, stratify=data.target, random_state=split
            )
            found.append(score(parts[0], parts[2], parts[1], parts[3], scaled))
        return found

    print_rows("digits", data.images.reshape(-1, 64) / 16, folder, scores)


def texture_table(folder: Path) -> None:
    from skimage import data

    patches, labels, left = [], [], []
    for label, name in enumerate(("brick", "grass", "gravel")):
        photograph = getattr(data, name)()
        half = photograph.shape[1] // 2
        for side in (0, half):
            for top in range(0, photograph.shape[0] - PATCH + 1, STEP):
                for start in range(side, side + half - PATCH + 1, STEP):
                    patches.append(photograph[top : top + PATCH, start : start + PATCH])
                    labels.append(label)
                    left.append(side == 0)
    target, train = np.array(labels), np.array(left)
    write_pngs(iter(patches), folder)

    def scores(vectors: Any, scaled: bool = True) -> list[float]:
        parts = vectors[train], target[train], vectors[~train], target[~train]
        return [score(*parts, scaled)]

    raw = np.stack(patches).reshape(len(patches), -1).astype(float)
    raw = (raw - raw.mean(1, keepdims=True)) / raw.std(1, keepdims=True)
    print_rows("texture", raw, folder, scores)


def print_rows(recipe: str, raw: Any, folder: Path, scores: Callable[..., list[float]]) -> None:
    row(recipe, "raw pixels", scores(raw, scaled=False))
    row(recipe, "raw pixels, standardised", scores(raw))
    for name, options in VARIATIONS[recipe].items():
        found = [one for seed in SEEDS for one in scores(features(folder, recipe, options, seed))]
        row(recipe, name, found)


def row(recipe: str, name: str, found: list[float]) -> None:
    print(
        f"| {recipe} | {name} | {np.mean(found):.4f} | {min(found):.4f} | {len(found)} |",
        flush=True,
    )


def recipes() -> None:
    print("| pictures | features | mean accuracy | least | runs |\n|---|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as scratch:
        digits_table(Path(scratch) / "digits")
    with tempfile.TemporaryDirectory() as scratch:
        texture_table(Path(scratch) / "texture")


def torch_run(network: Any, weights: dict[str, Any], x: Any) -> Callable[[], Any] | None:
    """The same layers with the same weights in PyTorch."""
    try:
        import torch
    except ImportError:
        return None
    from torch.nn import functional

    from convcli.conv.threads import threads
    from convcli.nets.layers import Conv

    torch.set_num_threads(threads())
    tensors = {name: torch.from_numpy(one) for name, one in weights.items()}
    picture = torch.from_numpy(x[np.newaxis])

    def call() -> Any:
        y = picture
        with torch.no_grad():
            for node in network.nodes:
                if isinstance(node.layer, Conv):
                    own = tensors[f"{node.name}.weight"], tensors[f"{node.name}.bias"]
                    y = functional.conv2d(y, *own, padding=1)
                elif node.layer.type == "relu":
                    y = functional.relu(y)
                else:
                    y = functional.max_pool2d(y, 2)
        return y[0].numpy()

    return call


def vgg(runs: int = 15) -> None:
    from convcli.nets.analysis.summary import summarize
    from convcli.nets.readers.read import read_words
    from convcli.runtime.executor import until, walk
    from convcli.runtime.initializers import Init
    from convcli.runtime.weights import drawn, slopes

    whole = read_words(["vgg16"]).network
    network = until(whole, ["conv5_3"])
    x = np.random.default_rng(0).random((3, 224, 224), np.float32)
    summary = summarize(network, x.shape)
    weights = drawn(summary.rows, 0, Init(), slopes(whole))

    def call() -> Any:
        *_, last = walk(summary.rows, x, weights, names=())
        return last.maps

    calls = {"convcli": call}
    peer = torch_run(network, weights, x)
    if peer:
        calls["PyTorch"] = peer
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(runs):
        for name, one in calls.items():
            time.sleep(0.05)  # so that the other's threads, which wait awake, are asleep
            one()
            before = time.perf_counter()
            one()
            times[name].append(time.perf_counter() - before)
    for name, seconds in times.items():
        speed = summary.macs / median(seconds) / 1e9
        print(f"{name}: {1000 * median(seconds):.0f} ms, {speed:.0f} GMAC/s")
    if peer:
        ratios = [ours / theirs for ours, theirs in zip(*times.values(), strict=True)]
        print(
            f"convcli / PyTorch: {median(ratios):.2f} (from {min(ratios):.2f} to {max(ratios):.2f})"
        )
        theirs = peer()
        far = float(np.abs(call() - theirs).max() / np.abs(theirs).max())
        print(f"largest difference: {far:.1e} of the largest value")


RUNS = (
    ["--net", "vgg16", "--until", "conv5_3"],
    ["--net", "vgg16", "--until", "conv5_3", "--vector", "mean"],
    ["--net", "vgg16", "--until", "conv5_3", "--save", "run.npz"],
    ["--net", "vgg16", "--vector", "flatten"],
    ["--net", "alexnet", "--init", "orthogonal", "--until", "conv5"],
    ["--net", "resnet50"],
    ["--net", "googlenet-paper", "--vector", "flatten"],
    ["--resize", "2000"],
    ["--resize", "2000", "conv:32,7,padding=3", "gelu", "maxpool:3,stride=2,padding=1", "lcn"],
    ["--resize", "1000", "conv:64,3", "lrn", "bn", "transposed:32,4,stride=2", "leaky_relu:0.1"],
)


def memory() -> None:
    """Predicted against measured, each in a process of its own."""
    picture = Path(__file__).parents[2] / "samples" / "cat.jpg"
    for words in RUNS:
        with tempfile.TemporaryDirectory() as scratch:
            ended = subprocess.run(
                [sys.executable, "-m", "convcli", "extract", str(picture), *words],
                capture_output=True,
                text=True,
                check=True,
                cwd=scratch,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            )
        units = {"MiB": 1, "GiB": 1024}
        predicted, measured = (
            float(number) * units[unit]
            for number, unit in re.findall(r"(?:predicted|measured): ([\d.]+) (\w+)", ended.stderr)
        )
        print(
            f"{measured / predicted:.2f}  predicted {predicted:5.0f} MiB, measured "
            f"{measured:5.0f} MiB  {' '.join(words)}"
        )


LAYERS = (
    "Conv2d(6, 8, 3, stride=2, padding=1, dilation=2, groups=2)",
    "Conv2d(6, 8, (3, 5), padding='same', padding_mode='reflect')",
    "Conv2d(6, 8, 3, padding=(2, 1), padding_mode='circular')",
    "Conv2d(6, 8, 3, padding=1, padding_mode='replicate', bias=False)",
    "ConvTranspose2d(6, 4, 4, stride=2, padding=1, output_padding=1, groups=2)",
    "ConvTranspose2d(6, 4, 3, stride=3, dilation=2)",
    *("MaxPool2d(3, 2, 1)", "MaxPool2d(2, ceil_mode=True)", "MaxPool2d(3, 1, dilation=2)"),
    *("AvgPool2d(3, 2, 1)", "AvgPool2d(3, 2, 1, count_include_pad=False)"),
    *("AvgPool2d(4, 3, ceil_mode=True)", "LPPool2d(2, 3)", "LPPool2d(4, 2, 3)"),
    *("AdaptiveAvgPool2d(4)", "AdaptiveAvgPool2d((None, 3))", "AdaptiveMaxPool2d((5, 2))"),
    *("LocalResponseNorm(5)", "LocalResponseNorm(4, 1e-2, 0.5, 2.0)"),
    *("BatchNorm2d(6)", "BatchNorm2d(6, eps=0.1, affine=False)", "InstanceNorm2d(6, affine=True)"),
    *("BatchNorm2d(6, track_running_stats=False)", "GroupNorm(3, 6)", "LayerNorm([6, 13, 17])"),
    *("LayerNorm(17, eps=0.1)", "LayerNorm([13, 17], elementwise_affine=False)"),
    *("ReLU()", "ReLU6()", "LeakyReLU(0.3)", "PReLU()", "PReLU(6)", "ELU(0.5)", "CELU(2.0)"),
    *("SELU()", "GELU()", "GELU(approximate='tanh')", "SiLU()", "Mish()", "Softplus(2, 5)"),
    *("Softsign()", "Hardswish()", "Hardsigmoid()", "Hardtanh(-0.3, 0.6)", "Tanh()", "Sigmoid()"),
    *("LogSigmoid()", "Softmax(dim=1)", "Softmax(dim=-1)", "Softmax2d()", "Softmin(dim=1)"),
    *("LogSoftmax(dim=1)", "Threshold(0.1, 3)", "Softshrink(0.2)", "Hardshrink(0.2)"),
    *("Tanhshrink()", "Linear(17, 5)", "Flatten()", "ChannelShuffle(3)", "PixelUnshuffle(1)"),
    *("ZeroPad2d((1, 2, 3, 0))", "ZeroPad2d(-1)", "ConstantPad2d(2, 0.5)"),
    *("ReflectionPad2d(3)", "ReplicationPad2d((2, 1, 0, 4))", "CircularPad2d(2)"),
    *("Upsample(scale_factor=2)", "Upsample(size=(20, 9))", "Upsample(scale_factor=1.7)"),
    "Upsample(scale_factor=2, mode='bilinear')",
    "Upsample(scale_factor=1.5, mode='bilinear')",
    "Upsample(size=(5, 30), mode='bilinear', align_corners=True)",
    *("UpsamplingBilinear2d(scale_factor=3)", "Upsample(size=7, mode='nearest-exact')"),
)
"""Layers of PyTorch on 6 channels of 13×17."""


def layers() -> None:
    import torch
    from runs import run_network
    from torch import nn

    from convcli.nets.readers.read import read_text

    rng = np.random.default_rng(5)
    worst = 0.0
    for text in LAYERS:
        theirs = eval(f"nn.{text}", {"nn": nn}).eval()
        network = read_text(f"nn.{text}").network
        name = network.nodes[0].name
        x = rng.standard_normal((6, 13, 17)).astype(np.float32)
        weights = {}
        with torch.no_grad():
            for role, value in theirs.state_dict().items():
                if value.is_floating_point():
                    # norms begin with ones and zeros, which would hide a mistake
                    value.copy_(torch.rand_like(value) + 0.1 if role != "bias" else value + 0.2)
                    weights[f"{name}.{role}"] = value.numpy()
            expected = theirs(torch.from_numpy(x[np.newaxis]))[0].numpy()
        if text.startswith("Linear"):
            # feature maps that nobody flattened are flattened here: PyTorch reads the last axis
            x = x.reshape(6 * 13, 17)
            expected = expected.reshape(6 * 13, 5)
        found = run_network(network, x, weights=weights).maps[name]
        assert found.shape == expected.shape, (text, found.shape, expected.shape)
        far = float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-9))
        worst = max(worst, far)
        print(f"{far:8.1e}  {text}")
    print(f"{len(LAYERS)} layers; the largest difference is {worst:.1e} of the largest value")


if __name__ == "__main__":
    known = {"recipes": recipes, "vgg": vgg, "layers": layers, "memory": memory}
    if len(sys.argv) != 2 or sys.argv[1] not in known:
        raise SystemExit(__doc__)
    known[sys.argv[1]]()
