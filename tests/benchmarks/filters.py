"""What filters cost: whole processes and calls, against other tools in the same run.

    python tests/benchmarks/filters.py [--runs N] [--megapixels 48] [--only SECTION]

Peers take part where they are: `vips`, `gm` and ImageMagick's `convert` on the path, and OpenCV,
SciPy and Pillow in this Python (`pip install opencv-python-headless scipy`). Ours and the peers run
in turns; medians of their times are printed, and how many times ours the fastest peer takes
(above 1: ours is faster). The pictures are made in a folder that is removed afterwards.
"""

import argparse
import compileall
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `convcli filter` has it

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # whichever Python has the peers

SLOW = 5.0
"""A process that took so many seconds is not run again, and is ended after twice as many."""

IMAGEMAGICK = next(
    (t for t in ("convert-im6.q16", "convert-im6", "convert") if shutil.which(t)), ""
)

BINOMIAL = [a * b for a in (1, 4, 6, 4, 1) for b in (1, 4, 6, 4, 1)]
SHARPEN = [0, -1, 0, -1, 5, -1, 0, -1, 0]

OPENCV = """
import sys, cv2, numpy as np
x = cv2.imread(sys.argv[1])
kind = sys.argv[3]
if kind == "binomial": y = cv2.GaussianBlur(x, (5, 5), 0, borderType=cv2.BORDER_REPLICATE)
if kind == "sharpen": y = cv2.filter2D(x, -1, np.float32([[0,-1,0],[-1,5,-1],[0,-1,0]]))
if kind == "sobel":
    gx, gy = cv2.Sobel(x, cv2.CV_32F, 1, 0), cv2.Sobel(x, cv2.CV_32F, 0, 1)
    y = cv2.convertScaleAbs(cv2.magnitude(gx, gy), alpha=0.25)
if kind == "gaussian": y = cv2.GaussianBlur(x, (31, 31), 5)
if kind == "random":
    scale = float(open(sys.argv[4]).readline().split()[2])
    y = cv2.filter2D(x, -1, np.loadtxt(sys.argv[4], skiprows=1) / scale)
full = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]
cv2.imwrite(sys.argv[2], y, full if sys.argv[2].endswith("jpg") else [])
"""

PILLOW = """
import sys
from PIL import Image, ImageFilter
x = Image.open(sys.argv[1])
kind = sys.argv[3]
binomial = [a * b for a in (1, 4, 6, 4, 1) for b in (1, 4, 6, 4, 1)]
if kind == "binomial": y = x.filter(ImageFilter.Kernel((5, 5), binomial, 256))
if kind == "sharpen": y = x.filter(ImageFilter.Kernel((3, 3), [0,-1,0,-1,5,-1,0,-1,0], 1))
if kind == "gaussian": y = x.filter(ImageFilter.GaussianBlur(5))
y.save(sys.argv[2], quality=95, subsampling=0)
"""

SCIPY = """
import sys, numpy as np
from PIL import Image
from scipy import ndimage as n
x = np.asarray(Image.open(sys.argv[1]))
kind = sys.argv[3]
if kind == "binomial":
    y = x.astype(np.float32)
    for axis in (0, 1): y = n.correlate1d(y, np.array([1, 4, 6, 4, 1]) / 16, axis, mode="nearest")
if kind == "sharpen":
    k = np.float32([[0,-1,0],[-1,5,-1],[0,-1,0]])
    y = n.correlate(x.astype(np.float32), k[..., None], mode="nearest")
if kind == "sobel":
    f = x.astype(np.float32)
    y = np.hypot(n.sobel(f, 0, mode="nearest"), n.sobel(f, 1, mode="nearest")) / 4
if kind == "gaussian": y = n.gaussian_filter(x.astype(np.float32), (5, 5, 0), mode="nearest")
Image.fromarray((y + 0.5).clip(0, 255).astype(np.uint8)).save(sys.argv[2], quality=95, subsampling=0)
"""

OURS = {
    "binomial": "binomial:5",
    "sharpen": "sharpen",
    "sobel": "sobel",
    "gaussian": "gaussian:5",
    "random": "random:5",
    "gaussian, tap by tap": "gaussian(5, size=31)",
}

VIPS = {
    "binomial": ["convsep", "{i}", "{o}", "{d}/binomial.mat", "--precision", "integer"],
    "sharpen": ["conv", "{i}", "{o}", "{d}/sharpen.mat", "--precision", "integer"],
    "sobel": ["sobel", "{i}", "{o}"],
    "gaussian": ["gaussblur", "{i}", "{o}", "5"],
    "random": ["conv", "{i}", "{o}", "{d}/random.mat", "--precision", "integer"],
}

FULL = {"vips": "[Q=95,subsample_mode=off]", "gm": ["-quality", "95", "-sampling-factor", "1x1"]}
"""A JPEG as `convcli filter` writes it: quality 95, all of its color."""


KINDS = {
    "Pillow": ("binomial", "sharpen", "gaussian"),
    "SciPy": ("binomial", "sharpen", "sobel", "gaussian"),
}


def write_matrices(folder: Path) -> None:
    """The kernels as files of libvips: columns, rows, scale, offset, and the weights."""
    from convcli.images.kernels.parse import kernel

    ((weights, scale),) = kernel("random:5").matrices()
    rows = "\n".join(" ".join(map(str, row)) for row in weights.tolist())
    (folder / "random.mat").write_text(f"5 5 {float(1 / scale)} 0\n{rows}\n")
    (folder / "binomial.mat").write_text("5 1 16 0\n1 4 6 4 1\n")
    (folder / "sharpen.mat").write_text("3 3 1 0\n0 -1 0\n-1 5 -1\n0 -1 0\n")


def commas(values: list[int]) -> str:
    return ",".join(map(str, values))


def commands(kind: str, source: Path, folder: Path) -> dict[str, list[str]]:
    """Tool → the command that filters one picture."""
    target = folder / f"out{source.suffix}"
    words = [str(source), str(target)]
    ours = ["-m", "convcli", "filter", str(source), "-k", OURS[kind], "-qo", str(target)]
    found = {"convcli": [sys.executable, *ours]}
    kind, _, direct = kind.partition(",")
    for name, module, script in (
        ("OpenCV", "cv2", OPENCV),
        ("Pillow", "PIL", PILLOW),
        ("SciPy", "scipy", SCIPY),
    ):
        kinds = VIPS if name == "OpenCV" else KINDS[name]
        if find_spec(module) and kind in kinds and not direct:
            matrix = str(folder / f"{kind}.mat")
            found[name] = [sys.executable, "-c", script, *words, kind, matrix]
    if shutil.which("vips"):
        full = FULL["vips"] if source.suffix == ".jpg" else ""
        places = {"i": source, "o": f"{target}{full}", "d": folder}
        found["vips"] = ["vips", *(word.format(**places) for word in VIPS[kind])]
    options = {
        "binomial": ["-convolve", commas(BINOMIAL)],
        "sharpen": ["-convolve", commas(SHARPEN)],
        "gaussian": ["-gaussian", "15x5"],
    }
    if kind in options and shutil.which("gm") and not direct:
        found["gm"] = ["gm", "convert", words[0], *options[kind], *FULL["gm"], words[1]]
    options["gaussian"] = ["-gaussian-blur", "15x5"]
    if kind in options and IMAGEMAGICK and not direct:
        found["ImageMagick"] = [IMAGEMAGICK, words[0], *options[kind], *FULL["gm"], words[1]]
    return found


def once(words: list[str], target: Path | None = None) -> float:
    """Seconds of a process; infinite where it fails or takes too long."""
    if target and target.exists():
        target.unlink()  # nobody replaces a file, which takes a wait for the disk
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    running = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    while True:
        done, status = os.waitpid(running.pid, os.WNOHANG)
        took = time.perf_counter() - started
        if done:
            running.returncode = os.waitstatus_to_exitcode(status)
            return took if running.returncode == 0 else float("inf")
        if took > 2 * SLOW:
            running.kill()
            os.waitpid(running.pid, 0)
            running.returncode = -9
            return float("inf")
        time.sleep(0.002)


def in_turns(calls: dict[str, Callable[[], Any]], runs: int) -> dict[str, float]:
    """Median seconds of each call, in turns, after one that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(runs + 1):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            if number:
                times[name].append(time.perf_counter() - started)
    return {name: median(one) for name, one in times.items()}


def picture(height: int, width: int) -> Any:
    """Shapes and noise, so that encoders have something to do: uint8 (height, width, 3)."""
    rng = np.random.default_rng(0)
    tile = rng.integers(-12, 13, (512, 512, 3), np.int16)
    y, x = np.mgrid[0:512, 0:512]
    tile += (128 + 90 * np.sin(x / 37) * np.cos(y / 23)).astype(np.int16)[..., None]
    tile[100:300, 150:350] //= 2
    copies = -(-height // 512), -(-width // 512), 1
    return np.tile(tile.clip(0, 255).astype(np.uint8), copies)[:height, :width]


def whole_processes(folder: Path, megapixels: float, runs: int) -> None:
    from PIL import Image

    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    size = height, round(megapixels * 1e6 / height)
    image = Image.fromarray(picture(*size))
    image.save(folder / "in.ppm")
    image.save(folder / "in.jpg", quality=92)
    del image
    write_matrices(folder)
    print(f"\nwhole processes, {size[1]}x{size[0]} RGB, seconds")
    print("kernel\tfile\tfastest peer / ours\tthe tools")
    for name in ("in.ppm", "in.jpg"):
        for kind in OURS:
            times: dict[str, list[float]] = {}
            everyone = commands(kind, folder / name, folder)
            for number in range(runs):
                for tool, words in everyone.items():
                    if number and min(times[tool]) > SLOW / 4:
                        continue
                    took = once(words, folder / f"out{Path(name).suffix}")
                    times.setdefault(tool, []).append(took)
            medians = {tool: median(one) for tool, one in times.items()}
            ours = medians.pop("convcli")
            shown = "  ".join(
                f"{tool} {took:.2f}" for tool, took in sorted(medians.items(), key=lambda i: i[1])
            )
            best = min(medians.values(), default=float("nan"))
            print(f"{kind}\t{name[3:]}\t{best / ours:.2f}\tconvcli {ours:.2f}  {shown}", flush=True)
    memory(folder)


BASELINE = """
import sys, numpy as np
from PIL import Image
Image.fromarray(np.asarray(Image.open(sys.argv[1]))).save(sys.argv[2], quality=95)
"""


LAUNCH = """
import os, subprocess, sys
running = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
print(os.wait4(running.pid, 0)[2].ru_maxrss)
"""


def peak(words: list[str], target: Path) -> float:
    """MiB that a process held at most; started by a small one, since it inherits that one's peak."""
    target.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    launch = [sys.executable, "-c", LAUNCH, *words]
    return int(subprocess.run(launch, capture_output=True, env=environment).stdout) / 1024


def memory(folder: Path) -> None:
    print("\npeak memory, MiB: ours, and open with Pillow, to NumPy, back, save; goal: + 32")
    for name in ("in.ppm", "in.jpg"):
        target = folder / f"out{Path(name).suffix}"
        base = peak([sys.executable, "-c", BASELINE, str(folder / name), str(target)], target)
        for kind in OURS:
            ours = peak(commands(kind, folder / name, folder)["convcli"], target)
            print(f"{kind}\t{name[3:]}\t{ours:.0f}\t{base:.0f}", flush=True)


def stencils(runs: int) -> None:
    from convcli.images.filters.apply import filter_picture
    from convcli.images.image import Picture
    from convcli.images.kernels.parse import kernel

    pixels = picture(3000, 4000)
    plain = Picture(pixels, has_alpha=False, format="PNG", metadata={})
    cases = [
        ("sharpen", 1.0), ("edge", 1.0), ("emboss", 1.0), ("laplacian", 1.0), ("box:5", 1.0),
        ("random:5", 1.0), ("random:7", 1.0), ("random:15", 1.0), ("gaussian(5, size=31)", 1.0),
        ("random:31", 1.0), ("blur", 0.6), ("binomial:5", 0.6), ("binomial:7", 0.6),
    ]  # fmt: skip
    print("\ncalls, 4000x3000 RGB uint8, milliseconds; the goal is a ratio to OpenCV; SciPy: 20")
    print("kernel\tours\tOpenCV\tOpenCV / ours\tgoal\tSciPy / ours")
    for spec, goal in cases:
        one = kernel(spec)
        ((matrix, scale),) = one.matrices()
        weights = (matrix.astype(float) * float(scale)).astype(np.float32)
        calls: dict[str, Callable[[], Any]] = {"ours": partial(filter_picture, plain, one)}
        if find_spec("cv2"):
            import cv2

            binomial = goal < 1
            calls["cv2"] = (
                partial(cv2.GaussianBlur, pixels, one.shape[::-1], 0)
                if binomial
                else partial(cv2.filter2D, pixels, -1, weights)
            )
        times = in_turns(calls, runs)
        ours, peer = times["ours"], times.get("cv2", float("nan"))
        scipy = float("nan")
        if find_spec("scipy"):
            from scipy import ndimage

            part = pixels[:600]  # a fifth of the picture is long enough to wait for
            call = partial(ndimage.correlate, part.astype(np.float32), weights[..., np.newaxis])
            scipy = in_turns({"scipy": call}, 1)["scipy"] * 5 if one.shape[0] < 16 else scipy
        print(
            f"{spec}\t{ours * 1e3:.1f}\t{peer * 1e3:.1f}\t{peer / ours:.2f}\t{goal}\t{scipy / ours:.1f}",
            flush=True,
        )


def radii(runs: int) -> None:
    from convcli.images.filters.apply import filter_picture
    from convcli.images.image import Picture
    from convcli.images.kernels.parse import kernel

    plain = Picture(picture(2000, 2000), has_alpha=False, format="PNG", metadata={})
    print("\ncost beside that of the least, by radius, 2000x2000 RGB; goal: at most 1.5")
    for specs in (
        [f"gaussian:{sigma}" for sigma in (4.5, 8, 16, 32, 64, 120)],
        [f"box:{2 * radius + 1}" for radius in (8, 16, 32, 64, 128, 256, 500)],
    ):
        calls = {spec: partial(filter_picture, plain, kernel(spec)) for spec in specs}
        times = in_turns(calls, runs)
        least = min(times.values())
        print("  ".join(f"{spec} {took / least:.2f}" for spec, took in times.items()))
        print(f"least {least * 1e3:.0f} ms, greatest {max(times.values()) / least:.2f}")


def sizes(runs: int) -> None:
    from convcli.images.filters.apply import filter_picture
    from convcli.images.image import Picture
    from convcli.images.kernels.parse import kernel

    print("\nmilliseconds a megapixel by size, RGB; goal: within 1.25")
    print("kernel\t1\t4\t12\t48\t200\tgreatest / least")
    for spec in ("binomial:5", "sharpen", "sobel"):
        found = []
        for megapixels in (1, 4, 12, 48, 200):
            height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
            pixels = picture(height, round(megapixels * 1e6 / height))
            plain = Picture(pixels, has_alpha=False, format="PNG", metadata={})
            call = partial(filter_picture, plain, kernel(spec))
            turns = runs if megapixels > 20 else 3 * runs
            found.append(in_turns({"ours": call}, turns)["ours"] / megapixels * 1e3)
        row = "\t".join(f"{one:.2f}" for one in found)
        print(f"{spec}\t{row}\t{max(found) / min(found):.2f}", flush=True)


def start(folder: Path, runs: int) -> None:
    cat, target = ROOT / "samples" / "cat.jpg", folder / "cat.jpg"
    words = ["-m", "convcli", "filter", str(cat), "-k", "sobel", "-qo", str(target)]
    bare = [sys.executable, "-c", "import click, numpy, PIL.Image"]
    pairs = [(once([sys.executable, *words], target), once(bare)) for _ in range(4 * runs + 1)]
    ours, peer = (median(side) for side in zip(*pairs[1:], strict=True))
    ratio = median(a / b for a, b in pairs[1:])
    print(f"\nfilter cat.jpg (512x512) {ours * 1e3:.0f} ms, a bare import {peer * 1e3:.0f} ms")
    print(f"ratio {ratio:.2f}; goal: at most 1.5")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time filters against other tools.")
    parser.add_argument("--runs", type=int, default=3, help="turns of each")
    parser.add_argument("--megapixels", type=float, default=48, help="of the whole processes")
    parser.add_argument("--only", default="", help="start, processes, calls, radii or sizes")
    asked = parser.parse_args()
    compileall.compile_dir(ROOT / "convcli", quiet=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sections: dict[str, Callable[[], None]] = {
            "start": partial(start, folder, asked.runs),
            "processes": partial(whole_processes, folder, asked.megapixels, asked.runs),
            "calls": partial(stencils, asked.runs),
            "radii": partial(radii, asked.runs),
            "sizes": partial(sizes, asked.runs),
        }
        for section, run in sections.items():
            if asked.only in ("", section):
                run()


if __name__ == "__main__":
    main()
