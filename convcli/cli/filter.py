"""`convcli filter`: what does this kernel do to this picture?"""

from typing import get_args

import click

from convcli.app.filter import FilterRun, filter_pictures
from convcli.cli.help import group, option, page, takes
from convcli.cli.params import (
    BORDER,
    COUNT,
    FILE,
    KERNEL,
    OUTPUT,
    PAIR,
    PICTURE,
    PICTURE_RANGE,
    PLACE,
    batch_options,
    dry_run_option,
    force_option,
    limit_options,
    quiet_option,
)
from convcli.images.filters.options import Channels, Normalization


@page("filter")
@click.argument("pictures", nargs=-1, type=PICTURE, metavar="PICTURE...")
@group(
    "The kernel",
    option(
        "-k",
        "--kernel",
        "kernels",
        type=KERNEL,
        required=True,
        multiple=True,
        help='sobel, gaussian:2, "0 1; 1 0", @file.',
    ),
    more=[
        option("--flip", is_flag=True, help="Rotate kernels by 180°: true convolution."),
        option(
            "--transpose", is_flag=True, help="Swap rows and columns of kernels, before --rotate."
        ),
        option("--rotate", type=int, help="Rotate counterclockwise by a multiple of 45°. [0]"),
        option("--scale", metavar="S", help="Multiply every weight.  [1]"),
        option(
            "--normalize",
            type=click.Choice(get_args(Normalization)),
            help="Divide by the sum of the weights, or of their absolute values.  [none]",
        ),
        option("--anchor", type=PLACE, help="Row,column of the kernel over the pixel.  [middle]"),
        option("--dilation", type=PAIR, help="Spacing of the weights.  [1]"),
        option("--iterations", type=COUNT, help="Repeat the chain N times.  [1]"),
        option("--bias", metavar="B", help="Add to every result, in units of the samples.  [0]"),
        option("--exact", is_flag=True, help="Never compute wide gaussians on a coarser grid."),
    ],
)
@group(
    "The picture",
    option(
        "--border", type=BORDER, help="edge, reflect, symmetric, wrap, zero, constant:V, valid."
    ),
    option("--range", type=PICTURE_RANGE, help="auto, clip, abs, signed, stretch, pct:1,99, …"),
    more=[
        option(
            "--threshold", metavar="T", help="White from a sample of T on, black below: 0 to 255."
        ),
        option("--region", metavar="R,C,HxW", help="Filter only HxW pixels, from row R, column C."),
        option("--mask", type=FILE, help="Filter where this mask is white, partly where gray."),
        option("--amount", metavar="A", help="Share of the result; the rest is input.  [1]"),
        option("--gray", is_flag=True, help="Convert the picture to gray first."),
        option("--stride", type=PAIR, help="Keep every n-th row and column.  [1]"),
        option(
            "--channels",
            type=click.Choice(get_args(Channels)),
            help="Colors, only their luma, or colors and alpha. [rgb]",
        ),
        option(
            "--linear",
            is_flag=True,
            help="Filter in linear light, by the curve that the file names.",
        ),
    ],
)
@group(
    "Output",
    option("-o", "--output", type=OUTPUT, help="A file, a folder/, '{stem}.{kernel}.png', -."),
    more=[
        option("--to", metavar="FORMAT", help="jpeg, png, …, npy, tif32.  [by the name]"),
        force_option,
        option("--in-place", is_flag=True, help="Replace each input by its complete result."),
        option(
            "--lossy-in-place",
            is_flag=True,
            help="The same, even where some of the input is lost.",
        ),
        option(
            "--quality",
            type=click.IntRange(1, 100),
            metavar="N",
            help="Quality of JPEG and WebP.  [95]",
        ),
        option(
            "--subsampling",
            type=click.Choice(["4:4:4", "4:2:2", "4:2:0"]),
            help="Color detail of JPEG.",
        ),
        option(
            "--fail-on-clip",
            is_flag=True,
            help="Exit with 1 and write nothing if a sample is clipped.",
        ),
        option("--lossless", is_flag=True, help="Write WebP without loss."),
        option("--explain", is_flag=True, help="Print on stderr how the result is computed."),
        option("--preview", is_flag=True, help="Show input and result on the terminal."),
        option(
            "-f",
            "--format",
            "format_",
            type=click.Choice(["text", "json"]),
            help="How results are reported.  [text: paths]",
        ),
        dry_run_option,
        quiet_option(help="Print no paths and no statistics."),
    ],
)
@batch_options
@group(
    "Many pictures",
    more=[
        option("--resume", is_flag=True, help="Skip results that are complete and up to date."),
        option("--threads", type=COUNT, help="Maximum number of threads.  [one per core]"),
    ],
)
@limit_options
@takes(FilterRun)
def filter_command(options: FilterRun) -> None:
    """Filter PICTUREs with a kernel and print the result paths.

    \b
    convcli filter cat.jpg --kernel sobel
    convcli filter cat.jpg -k gaussian:2 -k laplacian --range stretch -o blobs.png
    cat cat.jpg | convcli filter - --kernel "0 -1 0; -1 5 -1; 0 -1 0" > crisp.jpg
    convcli filter photos/ --recursive -k sobel -o out/ --resume

    A KERNEL is a name of the catalogue with its values (sobel, gaussian:2, "random(5, seed=1)";
    see convcli kernels), a matrix ("0 -1 0; -1 5 -1; 0 -1 0"), @file, or @result.png to repeat
    what made that result. Kernels are used as drawn (cross-correlation). The arithmetic is
    exact: a sample is the true value rounded half up. Several -k are a chain, without rounding
    in between.

    Without -o a result is NAME.KERNEL.EXT in this folder; for stdin (-) it goes to stdout. The
    names .npy, .npz and .pfm keep floats. A folder/ keeps the names of the pictures; a template
    has {stem}, {suffix}, {name}, {kernel}, {parent} and {number:04}. a.tif[3] is one page or frame
    of a PICTURE, counted from 0, and a.gif[0:10] are ten.

    The range auto scales gradients so that a full black-to-white step is white, and clips
    blurs; one line on stderr says what the values were. crossings:5 draws lines where responses
    of log or dog change their sign by 5 or more; canny draws linked lines. For many pictures
    (folders, globs, lists) results come in the order of the inputs, and those that fail are
    listed at the end; on a terminal a bar and a summary replace their paths.
    """
    filter_pictures(options)
