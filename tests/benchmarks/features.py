"""What random features are worth, and what a network's forward run costs.

    python tests/benchmarks/features.py recipes     needs scikit-learn and scikit-image
    python tests/benchmarks/features.py vgg         compares with PyTorch where it is

`recipes` writes scikit-learn's digits and scikit-image's brick, grass and gravel as PNG files, runs
`convcli extract` on them, and prints the test accuracy of a logistic regression on its vectors
beside that on the raw pixels, for several splits and several seeds of the filters. It prints its
table as Markdown, with variations of each recipe, by which it was chosen.

`vgg` runs VGG-16 up to conv5_3 on one 224×224 picture, in turns with PyTorch doing the same layers
with the same weights, and prints medians, their ratio, the largest difference, and the memory of a
process of its own against its prediction.
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
    from convcli.cli import run

    target = folder.parent / "vectors.npz"
    words = [str(folder), *options, "--seed", str(seed), "-o", str(target), "--force", "-q"]
    layered = any(re.match(r"\w+:", option) for option in options)
    if not layered:
        words += ["--recipe", recipe]
    if run(["extract", *words]):
        raise SystemExit("convcli extract failed")
    with np.load(target) as arrays:
        return arrays["vectors"]


def score(train: Any, labels: Any, test: Any, expected: Any) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=3000))
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

    def scores(vectors: Any) -> list[float]:
        found = []
        for split in SPLITS:
            parts = train_test_split(
                vectors, data.target, test_size=0.3, stratify=data.target, random_state=split
            )
            found.append(score(parts[0], parts[2], parts[1], parts[3]))
        return found

    print_rows("digits", scores(data.images.reshape(-1, 64) / 16), folder, scores)


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

    def scores(vectors: Any) -> list[float]:
        parts = vectors[train], target[train], vectors[~train], target[~train]
        return [score(*parts)]

    raw = np.stack(patches).reshape(len(patches), -1).astype(float)
    raw = (raw - raw.mean(1, keepdims=True)) / raw.std(1, keepdims=True)
    print_rows("texture", scores(raw), folder, scores)


def print_rows(
    recipe: str, raw: list[float], folder: Path, scores: Callable[[Any], list[float]]
) -> None:
    row(recipe, "raw pixels", raw)
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

    from convcli.conv.workers import threads
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
    from convcli.features.inits import Init
    from convcli.features.run import until, walk
    from convcli.features.weights import drawn, slopes
    from convcli.nets.readers import read_words
    from convcli.nets.summary import summarize

    whole = read_words(["vgg16"]).network
    network = until(whole, ["conv5_3"])
    x = np.random.default_rng(0).random((3, 224, 224), np.float32)
    summary = summarize(network, x.shape)
    weights = drawn(summary.rows, 0, Init(), slopes(whole))

    def call() -> Any:
        *_, last = walk(summary.rows, x, weights, keeps=False)
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
    memory()


def memory() -> None:
    """Predicted against measured, in a process of its own."""
    picture = Path(__file__).parents[2] / "samples" / "cat.jpg"
    with tempfile.TemporaryDirectory() as scratch:
        words = [str(picture), "--net", "vgg16", "--until", "conv5_3"]
        for rest in (
            ["-o", f"{scratch}/maps.png"],
            ["--vector", "mean"],
            ["--save", f"{scratch}/a.npz", "-o", f"{scratch}/b.png"],
        ):
            ended = subprocess.run(
                [sys.executable, "-m", "convcli", "extract", *words, *rest],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            )
            predicted, measured = re.findall(r"(?:predicted|measured): ([\d.]+ \w+)", ended.stderr)
            print(f"{' '.join(rest[:1])}: predicted {predicted}, measured {measured}")


if __name__ == "__main__":
    known = {"recipes": recipes, "vgg": vgg}
    if len(sys.argv) != 2 or sys.argv[1] not in known:
        raise SystemExit(__doc__)
    known[sys.argv[1]]()
