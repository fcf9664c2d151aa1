"""Make the pictures of the README and of docs/: results as they are, and terminals as SVG.

Every terminal shows what the command that stands in it prints; SVG is Rich's own export. Needs
convcli alone, in the Python that runs this:

    python docs/pictures.py [folder]
"""

import os
import shlex
import sys
from contextlib import chdir, redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.text import Text

from convcli import kernel
from convcli.cli.main import run as convcli
from convcli.drawing.kernel_gallery import MATRIX, weights_picture

DOCS = Path(__file__).resolve().parent
SAMPLES = DOCS.parent / "samples"
PICTURES = DOCS / "pictures"

DRAWN = {
    "window.gif": "explain --input 5x5 --kernel 3 --stride 2 --padding 1 --fps 1",
    "unet.svg": "draw unet",
    "lenet5.svg": "draw lenet5 --labels sizes,kernels --legend",
    "inception.svg": "draw inception --direction right",
    "transposed.gif": "explain --input 2x2 --kernel 3 --stride 2 --padding 1 --transposed --fps 1",
    "stamps.gif": "explain --input 2x2 --kernel 3 --stride 2 --padding 1 --transposed --scatter "
    "--fps 1",
}
"""File → the command that draws it with -o."""

REDUCED = {
    "receptive.jpg": ("explain --receptive vgg16 --unit conv3_3:22,20 samples/cat.jpg", 2),
    "maps.jpg": (
        "extract samples/cat.jpg --net vgg16 --until conv2_1 --signed --layers conv2_1",
        2,
    ),
}
"""File → the command that draws it with -o, and how many times smaller it is shown."""

TILES = (
    "filter samples/cat.jpg --kernel identity",
    "filter samples/cat.jpg --range pct:1,98 --kernel sobel",
    "filter samples/cat.jpg --kernel emboss",
    'filter samples/cat.jpg --kernel "motion(31, 20)"',
)
"""The commands whose results stand side by side at the top."""

SHOWN = {
    "shape.svg": "shape --input 227 conv:96,11,stride=4 relu maxpool:3,stride=2 "
    "conv:256,5,padding=2 relu maxpool:3,stride=2",
    "channels.svg": "explain --input 3x3x3 --kernel 2 --dilation 2 --bias b",
    "fit.svg": "fit before.png after.png --size 5 --watch --steps 300",
}
"""File → the command whose terminal it shows."""

WIDTH = 80


def main(pictures: Path) -> None:
    pictures.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "samples").symlink_to(SAMPLES)
        for name, line in DRAWN.items():
            run(f"{line} -q --force -o {shlex.quote(str(pictures.resolve() / name))}", place)
        for name, (line, times) in REDUCED.items():
            run(f"{line} -q --force -o whole.png", place)
            with Image.open(place / "whole.png") as picture:
                picture.convert("RGB").reduce(times).save(pictures / name, quality=75)
        tiles(place, pictures / "results.jpg")
        run("filter samples/chart.png -k identity -o before.png", place)
        run(f"filter before.png -k '{binomial()}' -o after.png", place)
        for name, line in SHOWN.items():
            shoot(pictures / name, line, place)


def tiles(place: Path, target: Path, side: int = 220) -> None:
    """Several results side by side, each reduced, with the names and matrices of their kernels."""
    below = MATRIX + 8
    sheet = Image.new("RGB", (len(TILES) * (side + 4) - 4, side + below), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for number, line in enumerate(TILES):
        run(f"{line} -q --force -o tile.png", place)
        with Image.open(place / "tile.png") as picture:
            small = picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        left = number * (side + 4)
        sheet.paste(small, (left, 0))
        name = shlex.split(line)[-1]
        matrix = weights_picture(kernel(name))
        at = left + side - matrix.width - 1, side + 4
        sheet.paste(matrix, at)
        corner = at[0] + matrix.width, at[1] + matrix.height
        pen.rectangle((at[0] - 1, at[1] - 1, *corner), outline="gray")
        pen.text((left + 2, side + 6), name, fill="black", font=font)
    sheet.save(target, quality=80)


def binomial() -> str:
    """The 5x5 kernel that the fit is to find."""
    row = (1, 4, 6, 4, 1)
    return "; ".join(" ".join(f"{a * b}/256" for a in row) for b in row)


def run(line: str, place: Path) -> bytes:
    """What a command prints on a terminal of WIDTH columns."""
    os.environ |= {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH)}
    with TextIOWrapper(BytesIO(), "utf-8") as printed:
        with chdir(place), redirect_stdout(printed):
            code = convcli(shlex.split(line))
        printed.flush()
        assert code == 0, line
        return printed.buffer.getvalue()


def shoot(target: Path, line: str, place: Path) -> None:
    """A terminal with a command and what it prints."""
    console = Console(record=True, width=WIDTH, file=StringIO(), color_system="truecolor")
    console.print(Text(f"$ convcli {line}", style="bold"))
    if "--watch" in line:
        console.print(last_moment(place))
    table = " --format table" if line.startswith("shape") else ""
    console.print(Text.from_ansi(run(line + table, place).decode().rstrip()))
    target.write_text(console.export_svg(title="convcli", unique_id=target.stem), "utf-8")


def last_moment(place: Path) -> Text:
    """What --watch draws last, as `convcli fit` draws it on stderr."""
    from convcli.fitting.least_squares import descend, equations
    from convcli.fitting.levels import open_levels
    from convcli.fitting.loss_curve import picture, schedule

    before, after = (open_levels(str(place / f"{name}.png")) for name in ("before", "after"))
    problem = equations(before.planes, after.planes, (5, 5), (0.5, 254.5))
    moments = list(descend(problem, 300))
    shown = [(moments[step].step, moments[step].loss) for step in schedule(300)]
    return picture("gradient descent", shown, 300, moments[-1].kernels[0, :1].tolist())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else PICTURES)
