"""`convcli fit`: which kernel turned BEFORE into AFTER?"""

import click

from convcli.app.options import FitOptions
from convcli.cli.help import group, option, page, takes
from convcli.cli.params import (
    COUNT,
    FILE,
    FIT_SIZE,
    LAYERS,
    PICTURE,
    SEED,
    force_option,
    quiet_option,
    text_format_option,
)


@page("fit")
@click.argument("before", type=PICTURE)
@click.argument("after", type=PICTURE)
@group(
    "What is fitted",
    option("--size", type=FIT_SIZE, help="Kernel size: 5, 3x5, or auto.  [3]"),
    option("--net", type=LAYERS, help='Train these instead: "conv:8,3 relu conv:3,3".'),
    option("--watch", is_flag=True, help="Show gradient descent learning it."),
    option("--steps", type=COUNT, help="Steps of the descent.  [1000; a net's 2000]"),
    option("--seed", type=SEED, help="Seed of a net's first weights.  [0]"),
)
@group(
    "Output",
    option("-o", "--output", type=FILE, help="A kernel for -k @FILE; a net's weights as .npz."),
    more=[
        force_option,
        text_format_option,
        quiet_option(help="Print the kernel's rows, or a net's loss."),
    ],
)
@takes(FitOptions)
def fit_command(options: FitOptions) -> None:
    """Recover the kernel that turned one picture into another.

    \b
    convcli fit before.png after.png --size auto -o kernel.txt
    convcli filter cat.jpg -k @kernel.txt
    convcli fit before.png after.png --watch
    convcli fit before.png after.png --net "conv:8,3 relu conv:3,3"

    The kernel and the bias are fitted by least squares over all windows inside the picture; clipped
    samples are left out. Weights are as drawn (cross-correlation), on samples of 0 to 255; numbers
    (.npy, .txt, .csv, .json) are taken as they are. The verdict says how well the pair determines
    the kernel, and whether rounding explains what remains; the exit code is 1 where many kernels
    fit alike. --size auto tries 3, 5, … 15 and takes the smallest that explains the pair.
    """
    from convcli.app.fit import fit

    fit(options)
