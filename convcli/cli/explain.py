"""`convcli explain`: see a convolution happen, window by window."""

import click

from convcli.app.explain import explain
from convcli.app.lessons import ExplainOptions
from convcli.cli.help import group, option, page, takes
from convcli.cli.params import (
    ACTIVATION,
    BORDER,
    FILE,
    FPS,
    KERNEL,
    MEMORY,
    MODE,
    NETWORK,
    PADDING,
    PAIR,
    PICTURE,
    PLACE,
    RESIZE,
    SEED,
    SPREAD,
    THEME,
    UNIT,
    force_option,
    quiet_option,
    text_format_option,
)


def one_kernel(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> str | None:
    """The one kernel that was given."""
    if len(values) > 1:
        way_out = (
            "explain one after the other: -k FIRST -q > a.txt, then --input @a.txt -k NEXT"
            if context.params.get("picture") is None
            else "convcli filter PICTURE -k FIRST -o a.png, then convcli explain a.png -k NEXT "
            "(filter alone keeps fractions between them)"
        )
        text = f"a lesson shows one kernel, and there are {len(values)}: {way_out}"
        raise click.BadParameter(text, context, parameter)
    return values[0] if values else None


@page("explain")
@click.argument("picture", required=False, type=PICTURE, is_eager=True)
@group(
    "A convolution",
    option("--input", metavar="X", help='5x5, 5x5x3, "1 2; 3 4" (channels by |), @file.'),
    option(
        "-k",
        "--kernel",
        type=KERNEL,
        metavar="K",
        multiple=True,
        callback=one_kernel,
        help='3, "1 0; 0 1", sobel-x, @file.',
    ),
    option("--stride", type=PAIR, help="Step of the window.  [1; a pool's size]"),
    option("--padding", type=PADDING, metavar="P", help="1, 1x2, 1,2,1,2, same, valid.  [0]"),
    more=[
        option("--cell", type=PLACE, help="Show only this output cell, counted from 0."),
        option("--dilation", type=PAIR, help="Spacing of the taps.  [1]"),
        option(
            "--border",
            type=BORDER,
            help="zero, edge, reflect, symmetric, wrap, constant:V.  [zero]",
        ),
        option("--bias", metavar="B", help="Added to the sum: a number, or a letter."),
        option("--flip", is_flag=True, help="True convolution: the kernel rotated by 180°."),
        option("--transposed", is_flag=True, help="Transposed convolution."),
        option("--scatter", is_flag=True, help="Show it as stamps of each input cell."),
        option("--output-padding", type=SPREAD, help="Extra output cells at the end."),
        option("--random", type=SEED, help="Seed of values that are not given.  [0]"),
        option("--symbols", is_flag=True, help="Letters for values that are not given."),
        option("--all", "every", is_flag=True, help="Print every window, even more than 100."),
    ],
)
@group(
    "Other lessons",
    option("--at", type=PLACE, help="Pixel of PICTURE; the center of a crop of --input."),
    option("--pool", metavar="P", help="max:2, min:2, avg:3."),
    option("--activation", type=ACTIVATION, help="relu, leaky_relu:0.1, tanh, lrn:5, …"),
    more=[
        option("--backward", is_flag=True, help="Show where the gradient of each output goes."),
        option("--grad", metavar="G", help="Gradient of the output, dL/dz.  [1 everywhere]"),
        option("--signal", metavar="F", help='1-D: "0 1 2 1 0", with --kernel and --mode.'),
        option("--mode", type=MODE, help="convolution, cross-correlation, autocorrelation."),
        option("--receptive", type=NETWORK, help="Show what one unit of a network sees."),
        option("--unit", type=UNIT, help="That unit: conv3_3:5,7."),
        option("--net", type=NETWORK, help="Show a network's maps of PICTURE, in a page."),
        option("--weights", type=FILE, help="Its weights: .pth, .safetensors, .npz.  [random]"),
    ],
)
@group(
    "Output",
    option(
        "-o",
        "--output",
        type=FILE,
        help=".gif, .webp, .svg, .mp4, .pdf, .png, .html.",
    ),
    more=[
        option("--fps", type=FPS, help="Output cells per second.  [2]"),
        option("--theme", type=THEME, help="both, light, dark: the page behind it.  [both]"),
        option("--max-size", type=MEMORY, help="Limit of the maps in a page.  [8MiB]"),
        option("--until", metavar="LAYER", help="Run the network up to this layer."),
        option("--resize", type=RESIZE, help="PICTURE's shorter side, HxW, or keep."),
        force_option,
        text_format_option,
        quiet_option(help="Print only the output's values."),
    ],
)
@takes(ExplainOptions)
def explain_command(options: ExplainOptions) -> None:
    """Show every product and every sum of a convolution.

    \b
    convcli explain --input 5x5 --kernel 3 --stride 2 --padding 1 -o window.gif
    convcli explain cat.jpg --kernel sharpen --at 120,80
    convcli explain --receptive vgg16 --unit conv3_3:5,7 cat.jpg

    Values are a matrix (rows by ;, channels by |), @file (text, CSV, JSON, .npy), a crop (--at,
    --input 8x8), random numbers (--random), or letters (--symbols). Positions are ROW,COLUMN,
    counted from 0. -o draws the window, or writes an interactive page (.html), which also takes
    PICTURE with --kernel or --net.
    """
    explain(options)
