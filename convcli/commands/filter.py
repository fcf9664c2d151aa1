"""`convcli filter`: what does this kernel do to this picture?"""

from typing import Any

import click

from convcli.options import COUNT, PAIR, PLACE, batch_options, force_option, limit_options


@click.command("filter")
@click.argument("pictures", nargs=-1, metavar="PICTURE...")
@click.option(
    "-k",
    "--kernel",
    "specs",
    required=True,
    multiple=True,
    metavar="KERNEL",
    help='A name (sobel, gaussian:2, "random(5, seed=1)"), a matrix ("0 -1 0; -1 5 -1; 0 -1 0"), '
    "@file, or @result.png to do again what made it. Several are a chain.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to write: a file, a folder/, a template '{stem}.{kernel}{suffix}'; - is stdout; "
    ".npy, .npz and .pfm keep the floats.  "
    "[default: NAME.KERNEL.EXT here, stdout for stdin]",
)
@force_option
@click.option("--in-place", is_flag=True, help="Put each result, whole, where its input is.")
@click.option("--to", "form", metavar="FORMAT", help="jpeg, png, …, npy, tif32.  [by the name]")
@click.option("--quality", type=click.IntRange(1, 100), help="Of JPEG and WebP.  [95]")
@click.option("--subsampling", type=click.Choice(["4:4:4", "4:2:2", "4:2:0"]), help="Of JPEG.")
@click.option(
    "--border", default="edge", help="edge, reflect, symmetric, wrap, zero, constant:V, valid."
)
@click.option("--stride", type=PAIR, default=(1, 1), help="Keep every n-th row and column.")
@click.option("--dilation", type=PAIR, default=(1, 1), help="Gaps between the weights, plus 1.")
@click.option("--anchor", type=PLACE, help="Row,column of the kernel over the pixel.")
@click.option("--flip", is_flag=True, help="Turn kernels by 180°: true convolution.")
@click.option(
    "--transpose", is_flag=True, help="Swap rows and columns of kernels, before --rotate."
)
@click.option("--rotate", type=int, default=0, help="Turn kernels anticlockwise: multiples of 45°.")
@click.option("--scale", default="1", help="Multiply every weight.")
@click.option("--normalize", type=click.Choice(["sum", "abs", "none"]), default="none")
@click.option("--iterations", type=COUNT, default=1, help="Apply the chain so often.")
@click.option("--channels", type=click.Choice(["rgb", "luma", "each"]), default="rgb")
@click.option("--gray", is_flag=True, help="Make the picture grey first.")
@click.option("--linear", is_flag=True, help="Filter in linear light.")
@click.option("--bias", default="0", help="Add to every result, in units of the samples.")
@click.option("--amount", default="1", help="How much of the result, the rest is input.")
@click.option("--range", default="auto", help="auto, clip, abs, signed, stretch, pct:1,99.")
@click.option("--exact", is_flag=True, help="Never compute wide gaussians on a coarser grid.")
@click.option(
    "--fail-on-clip", is_flag=True, help="Exit with 1, writing nothing, if any is clipped."
)
@click.option("--threads", type=COUNT, help="As many at most.  [one a core]")
@limit_options
@batch_options
@click.option("--resume", is_flag=True, help="Skip results that are there, whole and up to date.")
@click.option("--explain", is_flag=True, help="Say on stderr what will be computed, and how.")
@click.option("--preview", is_flag=True, help="Show input and result on the terminal.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text")
@click.option("-q", "--quiet", is_flag=True, help="Do not say what the values were.")
@click.pass_context
def filter_command(
    ctx: click.Context,
    /,
    pictures: tuple[str, ...],
    specs: tuple[str, ...],
    output: str | None,
    **asked: Any,
) -> None:
    """Filter PICTUREs with a kernel, write the results and print their paths. - is stdin.

    \b
    convcli filter cat.jpg --kernel sobel
    convcli filter cat.jpg -k gaussian:2 -k laplacian --range stretch -o blobs.png
    cat cat.jpg | convcli filter - --kernel "0 -1 0; -1 5 -1; 0 -1 0" > crisp.jpg
    convcli filter photos/ --recursive -k sobel -o out/ --resume

    Kernels are used as drawn (cross-correlation), exactly, in whole numbers: a sample is the true
    value rounded half up. `convcli kernels` lists their names. The range auto scales gradients so
    that a full black-to-white step is white and clips blurs; one line on stderr says what the
    values were. Of many pictures (folders, globs, lists) results come in the order of the inputs,
    and those that fail are listed at the end.
    """
    given = {
        name
        for name in ctx.params
        if ctx.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
    }
    from convcli.commands.filtering import run, wants_batch

    if wants_batch(pictures, output, given):
        from convcli.commands.batching import run_many

        run_many(pictures, specs, output, asked, given)
    else:
        run(pictures[0], specs, output, asked, given)
