"""Every ratio that is promised, beside the last committed table; what fell by more than 10 % is marked.

    python tests/benchmarks/compare.py [SECTION …] [--runs N] [--cpu] [--write]

Sections are kernels, pictures, small, starts, layers, folder and flatness; without one all are run,
in about half an hour. A figure with "at least" is the peer's time over ours, one with "at most"
ours over the peer's, as medians of turns in one run. `--cpu` counts CPU seconds, for a machine
that does other work too: of kernels on one thread, of processes with all of theirs. `--write` makes
today's figures the committed table (tests/benchmarks/table.json, with machine, versions and date), and
those of wall time the table of docs/benchmarks.md. Peers take part where they are: OpenCV and PyTorch in this Python, `vips` and `gm` on the path.
"""

import argparse
import compileall
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from math import exp, log
from pathlib import Path
from statistics import median
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `convcli filter` has it

import filters
import loader

ROOT = Path(__file__).parents[2]
os.environ["PYTHONPATH"] = str(ROOT)  # of the processes that are timed
TABLE = Path(__file__).with_name("table.json")
DOCUMENT = ROOT / "docs" / "benchmarks.md"
START, END = "<!-- the table of compare.py --write -->\n", "<!-- its end -->\n"
FALL = 0.9
PEERS = "numpy", "pillow", "opencv-python-headless", "torch", "click"

# kernel → OpenCV's time over ours
KERNELS = {
    "sharpen": 0.7, "edge": 0.7, "emboss": 0.7, "laplacian": 0.7, "sobel": 0.7, "random:3": 0.7,
    "random:5": 0.6, "random:7": 0.6, "disk:3": 0.6, "random:9": 1.0, "gaussian:1": 1.0,
    "random:15": 1.0, "binomial:5": 1.0,
}  # fmt: skip

STARTS = {
    "shape --input 224 --kernel 11 --stride 4": 1.3,
    "shape resnet152 --format json": 1.6,
    "--help": 1.2,
}

FIRST = """
import sys, time, numpy as np
from convcli.conv import conv2d
x, w = np.ones((64, 56, 56), np.float32), np.ones((64, 64, 3, 3), np.float32)
for _ in range(5):
    before = time.perf_counter(); conv2d(x, w, None, 1, 1); print(time.perf_counter() - before)
"""


class Figure(NamedTuple):
    """One ratio and its goal; `low` says that less is better."""

    name: str
    value: float
    goal: float
    low: bool = False

    def fell(self, before: float) -> bool:
        """Whether it is more than a tenth worse than before."""
        return self.value > before / FALL if self.low else self.value < before * FALL


def seconds(call: Callable[[], object], cpu: bool) -> float:
    """Wall or CPU seconds of a call, and of the processes that it waits for."""

    def now() -> float:
        if not cpu:
            return time.perf_counter()
        who = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
        return sum(sum(resource.getrusage(one)[:2]) for one in who)

    before = now()
    call()
    return now() - before


def turns(calls: dict[str, Callable[[], object]], runs: int, cpu: bool) -> dict[str, float]:
    """Median seconds of each, in turns, after one that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(runs + 1):
        for name, call in calls.items():
            took = seconds(call, cpu)
            if number:
                times[name].append(took)
    return {name: median(one) for name, one in times.items()}


def process(words: list[str], target: Path | None = None) -> Callable[[], object]:
    """A run of a command; nobody replaces a file, which takes a wait for the disk."""

    def run() -> None:
        if target:
            target.unlink(missing_ok=True)
        subprocess.run(words, check=True, capture_output=True)

    return run


def convcli(*words: str) -> Callable[[], object]:
    """The command as its script starts it."""
    start = "from convcli.cli.main import main; main()"
    return process([sys.executable, "-c", start, *words])


def kernels(runs: int, cpu: bool, folder: Path) -> Iterator[Figure]:
    import cv2
    import numpy as np

    from convcli.images.filters.apply import filter_picture
    from convcli.images.image import Picture
    from convcli.images.kernels.parse import kernel

    cv2.setNumThreads(1 if cpu else -1)
    for depth in (np.uint8, np.uint16):
        pixels = filters.picture(1500, 2000).astype(depth) * (257 if depth == np.uint16 else 1)
        plain = Picture(pixels, has_alpha=False, format="PNG", metadata={})
        for spec, goal in KERNELS.items():
            one = kernel(spec)
            matrices = [(m.astype(float) * float(s)).astype(np.float32) for m, s in one.matrices()]

            def peer(matrices: list[object] = matrices, pixels: object = pixels) -> None:
                several = len(matrices) > 1  # the magnitude of two, as floats
                parts = [cv2.filter2D(pixels, 5 if several else -1, m) for m in matrices]
                if several:
                    cv2.convertScaleAbs(cv2.magnitude(*parts))

            ours = partial(filter_picture, plain, one, 1 if cpu else None)
            took = turns({"ours": ours, "peer": peer}, 2 * runs, cpu)
            bits = 8 * np.dtype(depth).itemsize
            yield Figure(f"{spec}, {bits} bits: OpenCV / ours", took["peer"] / took["ours"], goal)


def pictures(runs: int, cpu: bool, folder: Path) -> Iterator[Figure]:
    from PIL import Image

    filters.write_matrices(folder)
    for size in ((3000, 4000), (6000, 8000)):
        image = Image.fromarray(filters.picture(*size))
        for suffix in (".ppm", ".jpg"):
            source = folder / f"in{suffix}"
            image.save(source, quality=92)
            for kind in ("binomial", "sharpen", "sobel", "gaussian", "random"):
                commands = filters.commands(kind, source, folder)
                for slow in ("SciPy", "ImageMagick"):  # never the fastest
                    commands.pop(slow, None)
                target = folder / f"out{suffix}"
                calls = {name: process(words, target) for name, words in commands.items()}
                took = turns(calls, runs, cpu)
                ours, name = (
                    took.pop("convcli"),
                    f"{size[0] * size[1] // 10**6} Mpx {suffix} {kind}",
                )
                if "vips" in took:
                    yield Figure(f"{name}: ours / vips", ours / took.pop("vips"), 1.5, True)
                if took:
                    yield Figure(f"{name}: best other / ours", min(took.values()) / ours, 1.0)


def small(runs: int, cpu: bool, folder: Path) -> Iterator[Figure]:
    cat = str(ROOT / "samples" / "cat.jpg")
    for suffix in ("png", "jpg"):
        target = str(folder / f"out.{suffix}")
        calls = {
            "ours": convcli("filter", cat, "-k", "sobel", "--force", "-qo", target),
            "peer": process([sys.executable, "-c", "import click, numpy, PIL.Image"]),
        }
        took = turns(calls, 4 * runs, cpu)
        name = f"filter of 512x512 to {suffix} / bare imports"
        yield Figure(name, took["ours"] / took["peer"], 1.3, True)


def starts(runs: int, cpu: bool, folder: Path) -> Iterator[Figure]:
    for line, goal in STARTS.items():
        bare = process([sys.executable, "-c", "import click"])
        took = turns({"ours": convcli(*line.split()), "peer": bare}, 4 * runs, cpu)
        yield Figure(f"convcli {line} / import click", took["ours"] / took["peer"], goal, True)


def layers(runs: int, cpu: bool, folder: Path) -> Iterator[Figure]:
    os.environ.pop("OPENBLAS_NUM_THREADS", None)
    words = [sys.executable, str(Path(__file__).with_name("layers.py")), "--runs", str(runs)]
    rows = folder / "layers.json"
    process([*words, "--json", str(rows)])()
    ratios = {
        row["layer"]: row["pytorch_over_ours"] for row in json.loads(rows.read_text())["layers"]
    }
    networks = [log(ratio) for name, ratio in ratios.items() if not name.startswith("picture")]
    for name, ratio in ratios.items():
        goals = {"MobileNet depthwise": 0.45, "ResNet 3×3/2": 0.85}
        yield Figure(f"{name}: PyTorch / ours", ratio, goals.get(name, 0.9))
    yield Figure("ten layers, geometric mean", exp(sum(networks) / len(networks)), 0.9)
    words = [sys.executable, str(Path(__file__).with_name("features.py")), "vgg"]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    if match := re.search(r"convcli / PyTorch: ([\d.]+)", text):
        yield Figure("VGG-16 to conv5_3: ours / PyTorch", float(match[1]), 1.25, True)
    firsts = []
    for _ in range(2 * runs):
        text = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True).stdout
        first, *others = map(float, text.split())
        firsts.append(first / median(others))
    yield Figure("first convolution of a process / the next", median(firsts), 1.3, True)


def folder_of_pictures(runs: int, cpu: bool, folder: Path) -> Iterator[Figure]:
    from PIL import Image

    source = folder / "many"
    source.mkdir()
    pixels = filters.picture(1200, 1200)
    for number in range(1000):
        top, left = number * 7 % 900, number * 13 % 900
        cut = Image.fromarray(pixels[top : top + 224, left : left + 224])
        cut.save(source / f"{number:04}.jpg", quality=90)
    few = folder / "few"
    few.mkdir()
    for path in sorted(source.iterdir())[:100]:
        (few / path.name).hardlink_to(path)
    network, vectors = folder / "net.onnx", folder / "v.npz"
    loader.write_network(network)
    ways = {
        "texture": ["--recipe", "texture", "--vector", "mean,std"],
        "ONNX ResNet": ["--net", str(network), "--normalize", "unit", "--vector", "mean"],
    }
    for name, options in ways.items():
        words = {
            each: ["extract", str(each), *options, "--force", "-qo", str(vectors)]
            for each in (few, source)
        }
        peaks = [
            filters.peak([sys.executable, "-m", "convcli", *words[each]], vectors)
            for each in (few, source)
        ]
        title = f"extract, {name}: memory of 1,000 / of 100 pictures"
        yield Figure(title, peaks[1] / peaks[0], 1.1, True)
        if find_spec("torch"):
            script = [sys.executable, loader.__file__, str(source), str(folder / "v.npy")]
            peer = process(script + [str(network)] * ("--net" in options))
            took = turns({"ours": convcli(*words[source]), "peer": peer}, max(runs // 2, 1), cpu)
            for who, time_taken in took.items():
                rate = f"{1000 / time_taken:.0f} pictures a {'CPU ' * cpu}second"
                print(f"  {name}, {who}: {rate}", flush=True)
            title = f"extract of 1,000, {name}: PyTorch's loader / ours"
            yield Figure(title, took["peer"] / took["ours"], 1.0)


def flatness(runs: int, cpu: bool, folder: Path) -> Iterator[Figure]:
    from convcli.images.filters.apply import filter_picture
    from convcli.images.image import Picture
    from convcli.images.kernels.parse import kernel

    each = []
    for height, width in ((866, 1155), (3000, 4000), (12247, 16330)):
        picture = Picture(filters.picture(height, width), False, "PNG", {})
        call = partial(filter_picture, picture, kernel("binomial:5"), 1 if cpu else None)
        each.append(turns({"ours": call}, runs, cpu)["ours"] / (height * width))
    yield Figure("a megapixel of 1 to 200: most / least", max(each) / min(each), 1.15, True)
    words = ["explain", "--input", "16", "--kernel", "3", "--force", "-qo", str(folder / "e.gif")]
    took = turns({"ours": convcli(*words)}, max(runs // 2, 1), cpu)
    yield Figure("animation of 16x16, seconds", took["ours"], 2.0, True)


SECTIONS = {
    "kernels": kernels,
    "pictures": pictures,
    "small": small,
    "starts": starts,
    "layers": layers,
    "folder": folder_of_pictures,
    "flatness": flatness,
}


def machine() -> dict[str, str]:
    """What the figures are of."""
    cpuinfo = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else []
    found = {"date": time.strftime("%Y-%m-%d"), "python": platform.python_version()}
    found["processor"] = f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores"
    found["load"] = "{:.1f} {:.1f} {:.1f}".format(*os.getloadavg())
    for name in PEERS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def goal_text(one: Figure) -> str:
    met = one.value <= one.goal if one.low else one.value >= one.goal
    return f"{'at most' if one.low else 'at least'} {one.goal}{'' if met else ', missed'}"


def write_document(host: dict[str, str], figures: list[Figure]) -> None:
    """Replace the table of the document by figures of one run."""
    before, rest = DOCUMENT.read_text("utf-8").split(START)
    after = rest.split(END)[1]
    about = "; ".join(text if name == "date" else f"{name} {text}" for name, text in host.items())
    rows = [f"| {one.name} | {one.value:.2f} | {goal_text(one)} |" for one in figures]
    table = "\n".join(["| figure | ratio | goal |", "|---|--:|---|", *rows])
    DOCUMENT.write_text(f"{before}{START}{about}.\n\n{table}\n{END}{after}", "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare today's ratios with the committed table.")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--runs", type=int, default=5, help="turns of each")
    parser.add_argument("--cpu", action="store_true", help="CPU seconds, one thread")
    parser.add_argument("--write", action="store_true", help="commit today's figures to the table")
    options = parser.parse_args()
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    compileall.compile_dir(ROOT / "convcli", quiet=1)
    kind = "CPU" if options.cpu else "wall"
    table = json.loads(TABLE.read_text("utf-8")) if TABLE.exists() else {}
    last = table.get(kind, {"figures": {}})
    figures: list[Figure] = []
    fallen = 0
    host = machine()
    print("; ".join(f"{name} {text}" for name, text in host.items()))
    if "machine" in last:
        print("last:", "; ".join(f"{name} {text}" for name, text in last["machine"].items()))
    print(f"{'figure (' + kind + ' time)':56} {'last':>6} {'today':>6}  goal")
    for section in options.sections or SECTIONS:
        with tempfile.TemporaryDirectory() as name:
            try:
                for one in SECTIONS[section](options.runs, options.cpu, Path(name)):
                    before = last["figures"].get(one.name)
                    fell = before is not None and one.fell(before)
                    shown = "" if before is None else f"{before:.2f}"
                    marks = goal_text(one) + ("  FELL" if fell else "")
                    print(f"{one.name:56} {shown:>6} {one.value:6.2f}  {marks}", flush=True)
                    figures.append(one)
                    fallen += fell
            except (ImportError, subprocess.CalledProcessError, ValueError) as error:
                print(f"{section}: {error}", flush=True)
    if options.write:
        found = {one.name: round(one.value, 3) for one in figures}
        table[kind] = {"machine": host, "figures": last["figures"] | found}
        TABLE.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", "utf-8")
        if not options.cpu:
            write_document(host, figures)
    print(f"{fallen} of {len(figures)} fell by more than 10 %")
    return 1 if fallen else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
