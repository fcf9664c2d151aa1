"""1,000 JPEGs of 512 px through one command, beside the other tools that are there.

    python tests/benchmarks/batches.py [pictures] [runs]

Every tool correlates with the same 3×3 kernel and writes JPEGs of quality 95 from and to the same
folders, on the same cores, in turns: convcli, `gm mogrify -convolve`, `mogrify -convolve`
(ImageMagick), a loop over `vips conv`, and the same loop on one process a core. Then ten batches of
convcli are killed at random moments (SIGKILL, all of their processes) and resumed.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

KERNEL = "1 1 1; 1 8 1; 1 1 1"
CORES = len(os.sched_getaffinity(0))
ENVIRONMENT = {key: text for key, text in os.environ.items() if not key.startswith("OPENBLAS")}
CONVCLI = [
    sys.executable,
    "-m",
    "convcli",
    "filter",
    "in",
    "-k",
    KERNEL,
    "--normalize",
    "sum",
    "-q",
]
FLAT = "1,1,1,1,8,1,1,1,1"


def tools() -> dict[str, str]:
    """Tool → a line of shell that turns in/ into out/."""
    loop = 'vips conv "$1" "out/$(basename "$1")[Q=95]" kernel.mat --precision integer'
    known = {
        "gm mogrify": f"cd in && gm mogrify -output-directory ../out -convolve {FLAT} -quality 95 *.jpg",
        "mogrify": f"mogrify -path out -convolve {FLAT} -quality 95 in/*.jpg",
        "vips loop": f"for f in in/*.jpg; do sh -c '{loop}' sh $f; done",
        f"vips loop -P{CORES}": f"ls in/*.jpg | xargs -P{CORES} -I@ sh -c '{loop}' sh @",
    }
    return {name: line for name, line in known.items() if shutil.which(name.split()[0])}


def timed(line: str | list[str], folder: Path) -> float:
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "out").mkdir()
    started = time.perf_counter()
    shell = isinstance(line, str)
    words = ["sh", "-c", line] if shell else line
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return time.perf_counter() - started


def peak(pid: int) -> int:
    """The resident bytes of a process and its children now."""
    total = 0
    for path in [Path(f"/proc/{pid}"), *(Path(f"/proc/{child}") for child in children(pid))]:
        try:
            total += int((path / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
    return total


def children(pid: int) -> list[str]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []


def memory(folder: Path) -> list[int]:
    """Resident bytes of all processes of a batch, every 0.1 s."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    seen = []
    with subprocess.Popen(
        [*CONVCLI, "-o", "out/"], cwd=folder, stdout=subprocess.DEVNULL, env=ENVIRONMENT
    ) as running:
        while running.poll() is None:
            seen.append(peak(running.pid))
            time.sleep(0.1)
    return seen


def killed_and_resumed(folder: Path, took: float, runs: int = 10) -> None:
    """Kill a batch and its workers at a random moment, resume it, compare every byte."""
    expected = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    chance, kept = random.Random(0), []
    for _ in range(runs):
        shutil.rmtree(folder / "out")
        words = [*CONVCLI, "-o", "out/"]
        running = subprocess.Popen(
            words, cwd=folder, stdout=subprocess.DEVNULL, env=ENVIRONMENT, start_new_session=True
        )
        time.sleep(chance.uniform(0.05, took))
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        out = folder / "out"
        left = {path.name: path.read_bytes() for path in out.iterdir()} if out.exists() else {}
        wrong = [name for name, data in left.items() if expected.get(name) != data]
        assert not wrong, wrong
        kept.append(len(left))
        subprocess.run(
            [*words, "--resume"], cwd=folder, stdout=subprocess.DEVNULL, check=True, env=ENVIRONMENT
        )
        assert {path.name: path.read_bytes() for path in out.iterdir()} == expected
    print(
        f"killed with {', '.join(map(str, kept))} of {len(expected)} outputs there, all whole; resumed: all there, byte for byte"
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        (folder / "kernel.mat").write_text("3 3 16 0\n1 1 1\n1 8 1\n1 1 1\n")
        source = Image.open(Path(__file__).parents[2] / "samples" / "cat.jpg").convert("RGB")
        for number in range(count):
            turned = source.resize((512, 512)).rotate(number)
            turned.save(folder / "in" / f"{number:04}.jpg", quality=92)
        lines: dict[str, str | list[str]] = {"convcli": [*CONVCLI, "-o", "out/"], **tools()}
        seconds: dict[str, list[float]] = {tool: [] for tool in lines}
        for _ in range(runs):
            for tool, line in lines.items():
                seconds[tool].append(timed(line, folder))
                assert len(list((folder / "out").iterdir())) == count, tool
                if tool == "convcli":
                    shutil.rmtree(folder / "ours", ignore_errors=True)
                    shutil.copytree(folder / "out", folder / "ours")
                else:
                    one = f"{count // 2:04}.jpg"
                    with (
                        Image.open(folder / "ours" / one) as a,
                        Image.open(folder / "out" / one) as b,
                    ):
                        off = np.abs(np.asarray(a, int) - np.asarray(b, int)).mean()
                        assert off < 3, (tool, off)
        best = median(seconds["convcli"])
        print(f"{count} JPEGs of 512x512, {CORES} cores, medians of {runs} runs in turns")
        for tool, found in seconds.items():
            middle = median(found)
            print(
                f"{tool:16} {middle:6.2f} s  {count / middle:7.1f}/s  convcli is {middle / best:.2f} times as fast"
            )
        found = memory(folder)
        middle = len(found) // 2
        print(
            f"memory of all processes: {max(found[3:middle]) / 2**20:.0f} MiB at most in the first half, {max(found[middle:]) / 2**20:.0f} in the second"
        )
        killed_and_resumed(folder, best)


if __name__ == "__main__":
    main()
