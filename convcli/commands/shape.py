"""`convcli shape`: what comes out of this layer, and what does it cost?"""

import click

from convcli.nets.geometry import Padding
from convcli.nets.layers import Shape
from convcli.options import COUNT, PADDING, PAIR, SIZE, format_option


@click.command(
    "shape", epilog="Counts are exact: MACs are multiply–accumulates of the weights, one image."
)
@click.option("--input", "size", type=SIZE, required=True, help="Input: 224, 224x224 or 224x224x3.")
@click.option("--kernel", type=PAIR, required=True, help="Kernel: 3, or 3x5 (height x width).")
@click.option("--stride", type=PAIR, default="1", help="Step of the window.  [default: 1]")
@click.option(
    "--padding",
    type=PADDING,
    default="0",
    help="2, 1x2 (height x width), 1,2,1,2 (top,bottom,left,right), same, valid.  [default: 0]",
)
@click.option("--dilation", type=PAIR, default="1", help="Spacing of the taps.  [default: 1]")
@click.option("--filters", type=COUNT, default=1, help="Output channels.  [default: 1]")
@click.option("--groups", type=COUNT, default=1, help="Groups of channels.  [default: 1]")
@click.option("--no-bias", is_flag=True, help="Filters without a bias.")
@format_option
@click.option("-q", "--quiet", is_flag=True, help="Print the output size alone: 54x54x1.")
def shape_command(
    size: Shape,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[Padding, Padding],
    dilation: tuple[int, int],
    filters: int,
    groups: int,
    no_bias: bool,
    format_: str | None,
    quiet: bool,
) -> None:
    """Output shape, parameters, MACs and receptive field of a convolution layer.

    \b
    convcli shape --input 224 --kernel 11 --stride 4
    convcli shape --input 32x32x1 --kernel 5 --filters 6
    convcli shape --input 227 --kernel 11 --stride 4 --filters 96 --format json
    """
    from convcli.nets.layers import Conv
    from convcli.nets.network import sequential
    from convcli.nets.summary import summarize
    from convcli.report import show

    layer = Conv(filters, kernel, stride, padding, dilation, groups, bias=not no_bias)
    show(summarize(sequential([layer]), size), format_, quiet)
