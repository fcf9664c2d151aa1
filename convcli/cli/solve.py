"""`convcli solve`: the questions backwards."""

import click

from convcli.cli.help import group, option, page
from convcli.cli.params import COUNT, ENDS, LAYERS, SIZE, format_option


@page("solve")
@click.argument("network", nargs=-1, type=LAYERS, metavar="[NETWORK]")
@group(
    "Lengths along one axis",
    option("--input", "size", type=SIZE, help="Input length; for a network, its input."),
    option("--kernel", type=COUNT, help="Kernel length."),
    option("--stride", type=COUNT, help="Step of the window."),
    option("--padding", type=ENDS, help="2, or 1,2 for before and after."),
    option("--dilation", type=COUNT, default=1, help="Spacing of the taps.  [1]"),
    option("--output", type=COUNT, help="The output length that is wanted."),
)
@group(
    "Figures of a network",
    option("--why", metavar="FIGURE", help="A figure seen elsewhere: 4.11G, 61.1M, 56."),
)
@group(
    "Output",
    more=[
        format_option,
        option("-q", "--quiet", is_flag=True, help="Print the solutions alone."),
    ],
)
def solve_command(
    network: tuple[str, ...],
    size: tuple[int, ...] | None,
    kernel: int | None,
    stride: int | None,
    padding: tuple[int, int] | None,
    dilation: int,
    output: int | None,
    why: str | None,
    format_: str | None,
    quiet: bool,
) -> None:
    """Find the sizes that give an output, the rule behind a figure.

    \b
    convcli solve --input 224 --kernel 11 --stride 4 --output 55
    convcli solve --kernel 3 --stride 2 --padding 1 --output 112
    convcli solve resnet50 --why 4.11G
    convcli solve alexnet --why 61.1M

    Along one axis, what is left out of input, kernel, stride and padding is found: every whole
    number, exact ones first. With --why, padding rules, biases, batch norm's counting, auxiliary
    heads, versions, groups and the MAC rules of other tools are tried on the network.
    """
    from convcli.app.solve import solve_question, why_question
    from convcli.tables import show

    if why is not None:
        answer = why_question(network, size, why)
    else:
        answer = solve_question(network, size, kernel, stride, padding, dilation, output)
    show(answer.result, format_, quiet)
    if answer.refusal:
        raise answer.refusal
