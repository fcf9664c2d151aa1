"""How long a whole `convcli` process takes, against `python -c "import click"`.

    python tests/benchmarks/start.py [runs]

Peer and command are run in turn, so that a drifting machine hits both; medians are printed. The
package is compiled first, as an installation would be.
"""

import compileall
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
PEER = [sys.executable, "-c", "import click"]
CONVCLI = [str(Path(sys.executable).with_name("convcli"))]

# command → the goal, as a multiple of the peer
GOALS = {
    "shape --input 224 --kernel 11 --stride 4": 1.35,
    "shape --input 224 --kernel 11 --stride 4 --format json": 1.35,
    "shape resnet152 --format json": 1.6,
    "--version": 1.3,
    "--help": 1.3,
    "shape --help": 1.3,
}


def seconds(words: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    return time.perf_counter() - start


def main(runs: int) -> None:
    compileall.compile_dir(ROOT / "convcli", quiet=1)
    print("ratio\tgoal\tmilliseconds\tpeer\tcommand")
    for line, goal in GOALS.items():
        words = CONVCLI + line.split()
        pairs = [(seconds(words), seconds(PEER)) for _ in range(runs + 1)][1:]
        ratio = median(ours / peer for ours, peer in pairs)
        ours, peer = (1000 * median(side) for side in zip(*pairs, strict=True))
        print(f"{ratio:.2f}\t{goal}\t{ours:.1f}\t{peer:.1f}\tconvcli {line}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
