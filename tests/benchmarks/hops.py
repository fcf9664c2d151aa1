"""The files that one picture passes through, or one word of a network, in order.

    python tests/benchmarks/hops.py filter samples/leaf.png -k sobel -o edges.png --force
    python tests/benchmarks/hops.py shape --input 224x224x3 conv:96,11,stride=4 relu

A line each time that a function which has not run before begins in another file than the last one,
with the names of all that begin there: from the command's own file on, in the main thread, imports
left out. The first line counts stays and files.
"""

import sys
from pathlib import Path
from types import FrameType

from convcli.cli.main import run

ROOT = Path(run.__code__.co_filename).parents[1]


def is_import(frame: FrameType | None) -> bool:
    """Whether a frame runs while a module of the package is imported."""
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_code.co_filename.startswith(str(ROOT)):
            return True
        frame = frame.f_back
    return False


stays: list[tuple[str, list[str]]] = []
codes = set()


def look(frame: FrameType, event: str, _: object) -> None:
    code = frame.f_code
    if event != "call" or code in codes or not code.co_filename.startswith(f"{ROOT}/"):
        return
    if is_import(frame):
        return
    codes.add(code)
    file = code.co_filename.removeprefix(f"{ROOT}/")
    if not stays and file != f"cli/{sys.argv[1]}.py":
        codes.clear()
        return
    if not stays or stays[-1][0] != file:
        stays.append((file, []))
    stays[-1][1].append(code.co_qualname)


sys.setprofile(look)
status = run(sys.argv[1:])
sys.setprofile(None)
print(f"exit code {status}: {len(stays)} stays in {len({file for file, _ in stays})} files")
for file, names in stays:
    shown = [name for name in names if "<" not in name] or names[:1]
    print(f"{file:42} {', '.join(shown)}")
