"""`convcli explain`: see a convolution happen, window by window."""

from typing import Any

import click

from convcli.options import (
    FPS,
    PADDING,
    PAIR,
    PLACE,
    SEED,
    SPREAD,
    UNIT,
    force_option,
)
from convcli.report import FORMATS


@click.command("explain", options_metavar="[OPTIONS]")
@click.argument("picture", required=False)
@click.option("--input", metavar="X", help='5x5, 5x5x3, "1 2; 3 4" (channels by |), @file.')
@click.option("-k", "--kernel", metavar="K", help='3, "1 0; 0 1", sobel-x, @file.')
@click.option("--stride", type=PAIR, help="Step of the window.  [1; a pool's size]")
@click.option("--padding", type=PADDING, metavar="P", help="1, 1x2, 1,2,1,2, same, valid.  [0]")
@click.option("--dilation", type=PAIR, help="Spacing of the taps.  [1]")
@click.option("--border", metavar="B", help="zero, edge, reflect, symmetric, wrap.  [zero]")
@click.option("--bias", metavar="B", help="Added to the sum: a number, or a letter.")
@click.option("--flip", is_flag=True, help="True convolution: the kernel turned by 180°.")
@click.option("--transposed", is_flag=True, help="Transposed convolution.")
@click.option("--output-padding", type=SPREAD, metavar="N", help="Its cells more at the end.")
@click.option("--random", type=SEED, help="Seed of values that are not given.  [0]")
@click.option("--symbols", is_flag=True, help="Letters instead of values not given.")
@click.option("--cell", type=PLACE, help="This output cell alone; counted from 0.")
@click.option("--at", type=PLACE, help="A pixel of PICTURE; the middle of a crop of --input.")
@click.option("--signal", metavar="F", help='1-D: "0 1 2 1 0", with --kernel and --mode.')
@click.option("--mode", metavar="M", help="convolution, cross-correlation, autocorrelation.")
@click.option("--pool", metavar="P", help="max:2, min:2, avg:3.")
@click.option("--activation", metavar="A", help="relu, leaky_relu:0.1, tanh, lrn:5, minmax, …")
@click.option("--backward", is_flag=True, help="Where the gradient of each output goes.")
@click.option("--grad", metavar="G", help="That gradient, dL/dz.  [1 everywhere]")
@click.option("--receptive", metavar="NETWORK", help="What one unit of a network sees.")
@click.option("--unit", type=UNIT, help="That unit: conv3_3:5,7.")
@click.option("-o", "--output", metavar="FILE", help=".gif, .webp, .apng; .png for a strip.")
@click.option("--fps", type=FPS, help="Output cells a second.  [2]")
@click.option("--theme", metavar="T", help="both, light, dark: the page behind it.  [both]")
@force_option
@click.option("--format", "format_", metavar="F", help=f"text, {', '.join(FORMATS)}.")
@click.option("-q", "--quiet", is_flag=True, help="Print the output's values alone.")
def explain_command(
    picture: str | None,
    output: str | None,
    fps: float | None,
    theme: str | None,
    force: bool,
    format_: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Show every product and sum of a convolution; places are ROW,COLUMN.

    \b
    convcli explain --input 5x5 --kernel 3 --stride 2 --padding 1 -o window.gif
    convcli explain cat.jpg --kernel sharpen --at 120,80
    convcli explain --receptive vgg16 --unit conv3_3:5,7 cat.jpg
    """
    from convcli.lessons.questions import explain_question
    from convcli.lessons.shown import show_lesson

    answer = explain_question(picture, options)
    show_lesson(answer, [picture, *options.values()], output, fps, theme, force, format_, quiet)
