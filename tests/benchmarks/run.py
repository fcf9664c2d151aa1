"""Every benchmark in turn, on a machine that has nothing else to do; half an hour with all peers.

    python tests/benchmarks/run.py            all of them
    python tests/benchmarks/run.py --list     their names
    python tests/benchmarks/run.py layers     those that are named

Each is a command of its own, with options of its own; what a benchmark needs and does not find
(PyTorch, libvips, other tools) it leaves out, or it says so and the others go on.
"""

import shlex
import subprocess
import sys
from pathlib import Path

LINES = (
    "start.py",
    "layers.py",
    "filters.py",
    "features.py recipes",
    "features.py layers",
    "features.py vgg",
    "features.py memory",
    "batches.py",
    "large.py",
)


def main(names: list[str]) -> int:
    chosen = [line for line in LINES if not names or line.partition(".py")[0] in names]
    unknown = set(names) - {line.partition(".py")[0] for line in LINES} - {"--list"}
    if unknown or "--list" in names:
        print("\n".join(LINES))
        return 2 if unknown else 0
    failed = []
    for line in chosen:
        script, *options = shlex.split(line)
        print(f"\n# python tests/benchmarks/{line}\n", flush=True)
        here = Path(__file__).with_name(script)
        if subprocess.run([sys.executable, str(here), *options], check=False).returncode:
            failed.append(line)
    print(f"\n{len(chosen) - len(failed)} of {len(chosen)} benchmarks ran through", *failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
