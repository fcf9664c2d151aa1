"""`convcli fit`: which kernel makes one picture of another?"""

import click

from convcli.options import COUNT, PAIR, SEED, force_option
from convcli.report import FORMATS


@click.command("fit")
@click.argument("before")
@click.argument("after")
@click.option("--size", type=PAIR, help="Of the kernel: 5, or 3x5.  [3]")
@click.option("--net", metavar="LAYERS", help='Train these instead: "conv:8,3 relu conv:3,3".')
@click.option("--watch", is_flag=True, help="Watch it being learned by gradient descent.")
@click.option("--steps", type=COUNT, help="Steps of the descent.  [1000; a net's 2000]")
@click.option("--seed", type=SEED, help="Seed of a net's first weights.  [0]")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write the kernel as text, for filter -k @FILE; a net's weights as .npz.",
)
@force_option
@click.option("--format", "format_", metavar="F", help=f"text, {', '.join(FORMATS)}.")
@click.option("-q", "--quiet", is_flag=True, help="Print the kernel's rows alone; a net's loss.")
def fit_command(
    before: str,
    after: str,
    size: tuple[int, int] | None,
    net: str | None,
    watch: bool,
    steps: int | None,
    seed: int | None,
    output: str | None,
    force: bool,
    format_: str | None,
    quiet: bool,
) -> None:
    """Recover the kernel and the bias that make the picture AFTER of the picture BEFORE.

    \b
    convcli fit before.png after.png --size 5 -o kernel.txt
    convcli filter cat.jpg -k @kernel.txt
    convcli fit before.png after.png --watch
    convcli fit before.png after.png --net "conv:8,3 relu conv:3,3"

    By least squares over all whole windows; samples that were clipped are left out. Weights are
    as drawn (cross-correlation), on samples of 0 to 255; a .npy file is taken as it is. Says how
    well the pair determines the kernel, and ends with 1 where it does not.
    """
    from convcli.learning.asked import Ask, learn

    learn(Ask(before, after, size, net, watch, steps, seed, output, force, format_, quiet))
