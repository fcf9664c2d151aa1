"""`convcli extract`: what do layers of random filters see in these pictures?"""

import click

from convcli.app.options import ExtractOptions
from convcli.cli.help import group, option, page, takes
from convcli.cli.params import (
    COUNT,
    FILE,
    INIT,
    LAYERS,
    METRIC,
    NETWORK,
    NORMALIZATION,
    OUTPUT,
    PAIR,
    PARTS,
    RECIPE,
    RESIZE,
    SEED,
    batch_options,
    dry_run_option,
    force_option,
    format_choice,
    limit_options,
    quiet_option,
)
from convcli.tables import finish


@page("extract")
@click.argument("words", nargs=-1, type=LAYERS, metavar="PICTURE... [LAYER...]")
@group(
    "The network",
    option("--net", type=NETWORK, help="A zoo name, a .net, .py or .onnx file, - for stdin."),
    option("--recipe", type=RECIPE, help="default, digits or texture.  [default]"),
    option("--seed", type=SEED, help="Seed of the random weights.  [0]"),
    more=[
        option("--until", metavar="LAYER", help="Run up to this layer."),
        option(
            "--init",
            type=INIT,
            help="he, normal, uniform, lecun, glorot, orthogonal, gabor, dct, rademacher.  "
            "[the recipe's, else he]",
        ),
        option("--zero-mean", is_flag=True, help="Subtract each filter's mean."),
        option("--unit-norm", is_flag=True, help="Scale each filter to a norm of 1."),
        option("--weights", type=FILE, help="Weights by name: .pth, .safetensors, .npz."),
        option("--like", type=FILE, help="Repeat this saved run, or set of vectors."),
    ],
)
@group(
    "The picture",
    more=[
        option("--resize", type=RESIZE, help="Shorter side, height x width, or keep."),
        option("--crop", type=PAIR, help="Height x width to crop around the center."),
        option("--gray", is_flag=True, help="Convert pictures to gray."),
        option(
            "--normalize",
            type=NORMALIZATION,
            help="unit (0..1), standard, torch, tf, caffe, none, or mean=.5,std=.5,scale=255,bgr.",
        ),
    ],
)
@group(
    "Output",
    option("-o", "--output", type=OUTPUT, help="A sheet, a folder/ of grids, or vectors."),
    option("--vector", type=PARTS, help="mean,std,max,ppv,l2,flatten,grid:4x4."),
    more=[
        option("--nearest", type=COUNT, help="Find the N most similar pictures."),
        option("--top", type=COUNT, help="Print the N largest outputs: the classes."),
        option("--labels", type=FILE, help="Names of classes: one per line, or JSON."),
        option("--layers", metavar="NAMES", help="Layers to draw, or to make vectors of."),
        option("--among", type=FILE, help="Where to search: a folder, or vectors (.npz)."),
        option("--distances", type=METRIC, help="cosine or euclidean distances between pictures."),
        option("--signed", is_flag=True, help="Draw from blue over white at 0 to red."),
        option("--filters", type=FILE, help="Draw the filters to FILE."),
        option("--preview", is_flag=True, help="Show some maps of each layer in the terminal."),
        option("--save", type=FILE, help="Save maps, weights and network (.npz)."),
        force_option,
        format_choice("npy", "npz", help="table, tsv, json, …; jsonl, csv, npy, npz of vectors."),
        dry_run_option,
        option("-v", "--verbose", is_flag=True, help="Print predicted and measured memory."),
        quiet_option(help="Print only paths or values."),
    ],
)
@batch_options
@limit_options
@takes(ExtractOptions)
def extract_command(options: ExtractOptions) -> None:
    """Draw what layers of random filters see, or write vectors.

    \b
    convcli extract cat.jpg                                 (draws cat.maps.png)
    convcli extract cat.jpg conv:16,5,padding=2 relu maxpool:2 conv:32,3
    convcli extract cat.jpg --net vgg16 --until conv3_1 --signed
    convcli extract *.jpg --recipe texture --vector mean,std > features.jsonl
    convcli extract new.jpg --nearest 5 --among features.npz

    Words that are neither files nor folders are LAYERs, as in convcli shape; without any, the
    recipe runs: default is three convolutions of three 3x3 filters, with leaky ReLUs between;
    digits and texture did best on small gray pictures and on patches of texture. Weights
    come from a seed, which is printed; nothing is downloaded. A run prints the shape,
    mean, spread, and share of dead channels of each layer. A run that needs more than half of the
    memory says so first.

    A vector has the mean, std, max, ppv (the proportion of positive values) or l2 (the norm) of
    each channel, its means over a grid, or flatten, all values. --like makes the same vectors or
    maps of other pictures.
    """
    from convcli.app.extract import extract

    finish(extract(options), options)
