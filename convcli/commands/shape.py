"""`convcli shape`: what comes out of this layer or network, and what does it cost?"""

from typing import Any

import click

from convcli.options import (
    COLUMN_NAMES,
    COUNT,
    DTYPE,
    EXPECTATION,
    PADDING,
    PAIR,
    RANGE,
    RULE,
    SIZE,
    format_option,
)


@click.command("shape")
@click.argument("network", nargs=-1)
@click.option("--input", "size", type=SIZE, help="224, 224x224 or 224x224x3; 3 channels if unsaid.")
@click.option("--kernel", type=PAIR, help="One layer's kernel: 3, or 3x5 (height x width).")
@click.option("--stride", type=PAIR, help="Step of its window.  [1]")
@click.option(
    "--padding",
    type=PADDING,
    metavar="P",
    help="2, 1x2, 1,2,1,2 (top,bottom,left,right), same, valid.  [0]",
)
@click.option("--dilation", type=PAIR, help="Spacing of its taps.  [1]")
@click.option("--filters", type=COUNT, help="Output channels.  [1]")
@click.option("--groups", type=COUNT, help="Groups of channels.  [1]")
@click.option("--no-bias", is_flag=True, help="Filters without a bias.")
@click.option("--depth", type=COUNT, help="Fold blocks nested deeper than this.")
@click.option("--columns", type=COLUMN_NAMES, help="Columns to show, by commas; or all.")
@click.option("--batch", type=COUNT, default=1, help="Images at once, for memory.  [1]")
@click.option(
    "--dtype",
    type=DTYPE,
    default="float32",
    help="Of the memory: float16, bfloat16, float32, float64, int8.  [float32]",
)
@click.option(
    "--mac-rule",
    "rule",
    type=RULE,
    default="weights",
    help="weights, bias, torchinfo, thop, fvcore or ptflops.  [weights]",
)
@click.option("--versus", metavar="NETWORK", help="Compare with another network, or with linear.")
@click.option("--sweep", type=RANGE, help="Over input sizes: 32..512, or 32..512:16.")
@click.option("--fit", is_flag=True, help="Say which inputs fit, and the smallest one.")
@click.option("--strict-fit", is_flag=True, help="Refuse when rows or columns are never read.")
@click.option("--keep-going", is_flag=True, help="Go on past a misfit with the value that fits.")
@click.option(
    "--expect",
    type=EXPECTATION,
    multiple=True,
    help="Exit 1 unless params, trainable, macs, output … is so.",
)
@format_option
@click.option("-q", "--quiet", is_flag=True, help="Print the output size alone: 54x54x1.")
def shape_command(network: tuple[str, ...], **options: Any) -> None:
    """Output shape, parameters, MACs and receptive field of a layer or a NETWORK.

    \b
    convcli shape --input 224 --kernel 11 --stride 4
    convcli shape --input 227 conv:96,11,stride=4 relu maxpool:3,stride=2
    convcli shape resnet50             (convcli zoo lists the names)
    convcli shape net.py --input 32    (a .net or .py file, print(model), - for stdin)
    """
    from convcli.nets.questions import shape_question
    from convcli.report import note, show

    answer = shape_question(network, options)
    if answer.about and not options["quiet"]:
        note(answer.about)
    show(answer.result, options["format_"], options["quiet"])
    if answer.refusal:
        raise answer.refusal
