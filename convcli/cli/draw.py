"""`convcli draw`: the figure of a network, exact, from anything that is read."""

import click

from convcli.app.draw import DrawOptions, draw
from convcli.cli.help import group, option, page, takes
from convcli.cli.params import (
    COUNT,
    INPUT,
    LAYERS,
    OUTPUT,
    Reads,
    force_option,
    quiet_option,
    timeout_option,
)
from convcli.drawing.network.figure import DIRECTIONS, STYLES
from convcli.drawing.network.palette import COLORINGS, THEMES
from convcli.drawing.network.volumes import SCALES
from convcli.output import path

LABELS = Reads("NAMES", lambda text: tuple(text.split(",")) if text else ())


@page("draw")
@click.argument("network", nargs=-1, type=LAYERS, metavar="NETWORK | LAYER...")
@group(
    "The network",
    option("--input", "size", type=INPUT, multiple=True, help="224, 224x224x3, (1,3,224,224)."),
    option("--depth", type=COUNT, help="Fold blocks nested deeper than this."),
    more=[
        option(
            "--expand",
            metavar="NAME",
            multiple=True,
            help="Expand this part by one level; never draw it as a repeat.",
        ),
    ],
)
@group(
    "The figure",
    option("--style", type=click.Choice(STYLES), help="How layers are drawn.  [what fits]"),
    option("--labels", type=LABELS, help="Any of sizes, kernels, params, macs, rf."),
    option("--title", metavar="TEXT", help="A heading."),
    option("--legend", is_flag=True, help="Add a legend of the colors."),
    more=[
        option(
            "--scale",
            type=click.Choice([*SCALES]),
            help="Lengths of volumes and maps from sizes.  [sqrt]",
        ),
        option("--color-by", type=click.Choice(COLORINGS), help="What colors mean.  [type]"),
        option("--direction", type=click.Choice(DIRECTIONS), help="Direction of blocks. [down]"),
        option(
            "--theme",
            type=click.Choice([*THEMES, "auto"]),
            help="Light or dark; an SVG of auto follows its reader. [light]",
        ),
    ],
)
@group(
    "Output",
    option("-o", "--output", type=OUTPUT, help=".svg, .pdf, .png, .tex, .dot, .mmd; - is SVG."),
    more=[force_option, timeout_option, quiet_option(help="No notes on stderr.")],
)
@takes(DrawOptions)
def draw_command(options: DrawOptions) -> None:
    """Draw a NETWORK as a figure for papers and web pages.

    \b
    convcli draw lenet5 -o lenet5.svg
    convcli draw vgg16 -o vgg16.tex
    convcli draw resnet18 --style blocks -o resnet18.svg
    convcli draw net.py --input 32 -o net.png

    A NETWORK is anything that convcli shape reads, with the sizes that it prints. A volume
    has the height and width of a layer's maps, and their number as its depth; maps are sheets;
    blocks are a graph, in which repeated parts are drawn once, with their count.
    Normalizations, activations, dropout and flattening are folded into the layer before them. A
    layer's names, parameters and MACs are its title in SVG.
    """
    target = draw(options)
    if target != "-":
        path(target)
