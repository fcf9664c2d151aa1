"""`convcli shape`: what comes out of this layer or network, and what does it cost?"""

import click

from convcli.app.shape import ShapeOptions, shape
from convcli.cli.help import group, option, page, takes
from convcli.cli.params import (
    COLUMN_NAMES,
    COUNT,
    DTYPE,
    EXPECTATION,
    INPUT,
    LAYERS,
    LAYOUT,
    MEMORY,
    NETWORK,
    OPTIMIZER,
    PADDING,
    PAIR,
    RANGE,
    RULE,
    SORT,
    TYPE_NAMES,
    quiet_option,
    text_format_option,
    timeout_option,
)
from convcli.tables import finish


@page("shape")
@click.argument("network", nargs=-1, type=LAYERS, metavar="[NETWORK | LAYER...]")
@group(
    "One layer, or the input of a network",
    option(
        "--input",
        "size",
        type=INPUT,
        multiple=True,
        help="224, 224x224x3, (1,3,224,224), x=28x28x1.  [3 channels]",
    ),
    option("--kernel", type=PAIR, help="3, or 3x5 (height x width)."),
    option("--stride", type=PAIR, help="Step of the window.  [1]"),
    option("--padding", type=PADDING, metavar="P", help="2, 1x2, 1,2,1,2, same, valid.  [0]"),
    option("--filters", type=COUNT, help="Output channels.  [1]"),
    more=[
        option("--dilation", type=PAIR, help="Spacing of the taps.  [1]"),
        option("--groups", type=COUNT, help="Groups of channels.  [1]"),
        option("--no-bias", is_flag=True, help="Filters without a bias."),
    ],
)
@group(
    "Questions",
    option(
        "--versus",
        type=NETWORK,
        multiple=True,
        help="Compare with other networks, or with linear.",
    ),
    option("--sweep", type=RANGE, help="Repeat over input sizes: 32..512:16, or 224,256x320."),
    option(
        "--expect",
        type=EXPECTATION,
        multiple=True,
        help="Exit 1 unless this holds: params=61706, 'macs<=4.2G'.",
    ),
    more=[
        option(
            "--train",
            type=OPTIMIZER,
            help="Memory of training: sgd, momentum, adam, adamw.",
        ),
        option("--fits", type=MEMORY, help="With --train: the largest batch in 8GiB."),
        option("-v", "--explain", is_flag=True, help="Each layer's formulas, with its numbers."),
        option("--compare", is_flag=True, help="Compare several NETWORKs, one row each."),
        option("--fit", is_flag=True, help="Report which inputs fit, and the smallest that works."),
        option("--strict-fit", is_flag=True, help="Exit 1 when rows or columns are never read."),
        option("--depth", type=COUNT, help="Fold blocks nested deeper than this."),
        option(
            "--get",
            metavar="NAME",
            multiple=True,
            help="Print only this figure: params, conv1.output.",
        ),
        option("--sort", type=SORT, help="Largest first: params, macs, memory, intensity, …."),
        option("--top", type=COUNT, help="The first N rows, by MACs or --sort."),
        option("--type", "types", type=TYPE_NAMES, help="Layers of these types: conv2d,linear."),
        option("--layout", type=LAYOUT, help="Sizes as hwc, or nchw: (1, 64, 55, 55).  [hwc]"),
        option("--keep-going", is_flag=True, help="Continue after misfits with what would fit."),
        timeout_option,
    ],
)
@group(
    "Output",
    more=[
        option("--by-type", is_flag=True, help="One row per type of layer, with its shares."),
        option("--columns", type=COLUMN_NAMES, help="Columns to show, by commas; or all."),
        option("--batch", type=COUNT, help="Batch size, for memory. [1]"),
        option(
            "--dtype",
            type=DTYPE,
            help="Data type for memory: float16, bfloat16, float32, float64, int8.  [float32]",
        ),
        option(
            "--mac-rule",
            "rule",
            type=RULE,
            help="Count as a tool: thop, torchinfo, fvcore, …. [weights]",
        ),
        text_format_option,
        quiet_option(help="Print only the output size: 54x54x1."),
    ],
)
@takes(ShapeOptions)
def shape_command(options: ShapeOptions) -> None:
    """Output shape, parameters, MACs, receptive field of a NETWORK.

    \b
    convcli shape --input 224 --kernel 11 --stride 4
    convcli shape --input 227 conv:96,11,stride=4 relu maxpool:3,stride=2
    convcli shape resnet50             (convcli zoo lists the names)
    convcli shape net.py --input 32    (a file; - is stdin)

    A NETWORK is a name of the zoo, a file, or - for stdin; else the words are layers, with
    parentheses or a colon. Files hold layers of PyTorch or Keras as they are pasted, modules of
    PyTorch, the text of print(model), the tool's own notation, or ONNX; none of it is run.
    Notebooks and Markdown are read by their code; nets.ipynb:Name and -:Name choose a model.
    Sizes are HEIGHTxWIDTHxCHANNELS; a tuple is PyTorch's shape, batch first: '(1, 3, 224, 224)',
    '(1, 20):long'. A model of several inputs takes --input for each, in the order of its forward
    or by name: --input x=64x64x3 --input 't=(1,)' --input fast=True. A padding of four numbers is
    top, bottom, left, right; same,
    same_lower and valid are TensorFlow's.

    MACs count the weights of convolutions and linear layers for one image (--mac-rule weights);
    weights+products adds products of two activations, bias one per output; thop (0.1.1),
    thop@0.0.31, torchinfo, fvcore, ptflops, ptflops@aten, calflops and torch (FlopCounterMode)
    count as these tools do. --expect knows params, trainable, frozen, buffers, macs, flops,
    activations, memory, layers, input and output, and params, macs, output and receptive_field of a
    layer, such as conv1.output; bounds: <= < >= >. --get prints only these figures. --columns
    knows layer, type, kernel, stride, padding, input, output, params, trainable, frozen, MACs,
    FLOPs, params share, MACs share, intensity (FLOPs for each byte of inputs, weights and outputs,
    moved once), memory, receptive field, jump, unread, inputs and layers.

    --train prints the memory of training for --batch images in --dtype: weights, gradients, states
    of the optimizer, what layers keep for backward as PyTorch does, and the peak; --fits 8GiB finds
    the largest batch. The loss, the allocator's blocks, workspaces and copies of mixed
    precision are not in it.
    """
    finish(shape(options), options)
