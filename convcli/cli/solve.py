"""`convcli solve`: sizes from an output, a convention from a figure."""

import click

from convcli.app.solve import SolveOptions, solve
from convcli.cli.help import group, option, page, takes
from convcli.cli.params import COUNT, ENDS, LAYERS, SEED, SIZE, format_option, quiet_option
from convcli.tables import finish


@page("solve")
@click.argument("network", nargs=-1, type=LAYERS, metavar="[NETWORK]")
@group(
    "Lengths along one axis",
    option("--input", "size", type=SIZE, help="Input length; for a network, its input."),
    option("--kernel", type=COUNT, help="Kernel length."),
    option("--stride", type=COUNT, help="Step of the window."),
    option("--padding", type=ENDS, help="2, or 1,2 for before and after."),
    option("--dilation", type=COUNT, help="Spacing of the taps.  [1]"),
    option("--output", type=COUNT, help="Output length to reach."),
    more=[
        option("--transposed", is_flag=True, help="Solve for a transposed convolution."),
        option("--output-padding", type=SEED, help="Extra output cells at the end.  [any]"),
    ],
)
@group(
    "Figures of a network",
    option("--why", metavar="FIGURE", help="A published figure: 4.11G, 61.1M, 56."),
)
@group(
    "Output",
    more=[
        format_option,
        quiet_option(help="Print only the solutions."),
    ],
)
@takes(SolveOptions)
def solve_command(options: SolveOptions) -> None:
    """Find the sizes that give an output, or the rule behind a figure.

    \b
    convcli solve --input 224 --kernel 11 --stride 4 --output 55
    convcli solve --kernel 3 --stride 2 --padding 1 --output 112
    convcli solve --input 7 --stride 2 --output 14 --transposed
    convcli solve resnet50 --why 4.11G
    convcli solve alexnet --why 61.1M

    For one axis, the command finds every integer value of the input, kernel, stride and padding
    that are not given, exact solutions first. It needs --output, and --input or two others.
    With --why it tries padding rules, biases, batch norm's counting, auxiliary heads, versions,
    groups and the MAC rules of other tools on the network.
    """
    finish(solve(options), options)
