"""Make the pictures of the README: animated windows, and terminals as SVG.

Every terminal shows what the command that stands in it prints; SVG is Rich's own export. Needs
convcli alone, in the Python that runs this:

    python samples/shots.py
"""

import os
import shlex
import subprocess
import sys
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

SAMPLES = Path(__file__).parent
SHOTS = SAMPLES / "shots"

DRAWN = {
    "window.gif": "explain --input 5x5 --kernel 3 --stride 2 --padding 1 --fps 1",
    "transposed.gif": "explain --input 2x2 --kernel 3 --stride 2 --padding 1 --transposed --fps 1",
}
"""File → the command that draws it with -o."""

SHOWN = {
    "channels.svg": "explain --input 3x3x3 --kernel 2 --dilation 2 --bias b",
    "fit.svg": "fit before.png after.png --size 5 --watch --steps 300",
}
"""File → the command whose terminal it shows."""

WIDTH = 96


def main() -> None:
    SHOTS.mkdir(exist_ok=True)
    for name, line in DRAWN.items():
        run(f"{line} -q --force -o {shlex.quote(str(SHOTS / name))}", SAMPLES)
    with TemporaryDirectory() as folder:
        place = Path(folder)
        run(f"filter {shlex.quote(str(SAMPLES / 'chart.png'))} -k identity -o before.png", place)
        run(f"filter before.png -k '{binomial()}' -o after.png", place)
        for name, line in SHOWN.items():
            shoot(SHOTS / name, line, place)
        receptive(place)


def receptive(place: Path) -> None:
    """What a unit of VGG-16 sees of the cat, at half its size."""
    from PIL import Image

    cat = shlex.quote(str(SAMPLES / "cat.jpg"))
    run(f"explain --receptive vgg16 --unit conv3_3:22,20 {cat} -o seen.png", place)
    with Image.open(place / "seen.png") as picture:
        picture.reduce(2).save(SHOTS / "receptive.jpg", quality=75)


def binomial() -> str:
    """The 5x5 kernel that the fit is to find."""
    row = (1, 4, 6, 4, 1)
    return "; ".join(" ".join(f"{a * b}/256" for a in row) for b in row)


def run(line: str, place: Path) -> bytes:
    """What a command prints on a terminal of WIDTH columns."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH)}
    words = [sys.executable, "-m", "convcli", *shlex.split(line)]
    return subprocess.run(
        words, cwd=place, env=environment, stdout=subprocess.PIPE, check=True
    ).stdout


def shoot(target: Path, line: str, place: Path) -> None:
    """A terminal with a command and what it prints."""
    console = Console(record=True, width=WIDTH, file=StringIO(), color_system="truecolor")
    console.print(Text(f"$ convcli {line}", style="bold"))
    if "--watch" in line:
        console.print(last_moment(place))
    console.print(Text.from_ansi(run(line, place).decode().rstrip()))
    target.write_text(console.export_svg(title="convcli", unique_id=target.stem), "utf-8")


def last_moment(place: Path) -> Text:
    """What --watch draws last, as `convcli fit` draws it on stderr."""
    from convcli.learning.fitting import descend, equations
    from convcli.learning.watch import picture, schedule
    from convcli.pictures.levels import open_levels

    before, after = (open_levels(str(place / f"{name}.png")) for name in ("before", "after"))
    problem = equations(before.planes, after.planes, (5, 5), (0.5, 254.5))
    moments = list(descend(problem, 300))
    shown = [(moments[step].step, moments[step].loss) for step in schedule(300)]
    return picture("gradient descent", shown, 300, moments[-1].kernels[0, :1].tolist())


if __name__ == "__main__":
    main()
