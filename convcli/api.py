"""convcli from Python: what the commands answer, for values instead of words.

Beside these stand `conv2d` (all functions of the core are in `convcli.conv`), `kernel` and
`extract_features`, each in the room that computes it. Errors are those of `convcli.errors`: a
Refusal says what, where and what would work.
"""

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from convcli.errors import SpecError
from convcli.nets.analysis.table import Figures, Settings
from convcli.nets.graph import Network, Reading
from convcli.tables import Listing
from convcli.text import like

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from convcli.drawing.network.figure import Figure
    from convcli.images.kernels.kernel import Kernel
    from convcli.nets.analysis.summary import Summary


def parse(text: str | os.PathLike[str]) -> Reading:
    """The network that a text means, and the input that it names.

    A text is what `convcli shape` takes: a name of the zoo, layers, lines of PyTorch or Keras, the
    text of `print(model)`, the path of a file that holds any of these, `model.py:Name(values)`.
    Nothing of it is run.

    >>> reading = parse("conv(6, 5); relu; maxpool(2)")
    >>> [node.name for node in reading.network.nodes]
    ['conv1', 'relu1', 'max_pool1']
    >>> parse("lenet5").input
    (1, 32, 32)

    Raises SpecError for text that is not understood, with its line.
    """
    from convcli.nets.readers.read import read_words

    return read_words([os.fspath(text)])


def summarize(
    network: str | os.PathLike[str] | Reading | Network,
    input: int | str | Sequence[int] | None = None,
    *,
    mac_rule: str = "weights",
    dtype: str = "float32",
    batch: int = 1,
    depth: int | None = None,
    columns: Sequence[str] = (),
) -> Figures:
    """Output shape, parameters, MACs, memory and receptive fields of a network, for one image.

    `network` is what `parse` takes or gives. `input` is written as on the command line, 224,
    "224x224x3" or (224, 224, 3): height × width × channels, channels last, whatever the text's own
    order; None is the input that the text names.
    The other arguments are the options of `convcli shape`. Shapes of the result are (channels,
    height, width); a notebook shows it as a table.

    >>> found = summarize("conv:96,11,stride=4 relu", 227)
    >>> found.output, found.params, found.macs
    ((96, 55, 55), 34944, 105415200)
    >>> summarize("resnet50", mac_rule="torchinfo").macs
    4089238376
    >>> summarize("lenet5").record()["totals"]["params"]
    61706

    Raises SpecError for text, sizes and names that are not understood, and UnfitError, with both
    numbers and what would fit, where a layer does not fit what it meets.
    """
    from convcli.nets.analysis.mac_rules import RULES
    from convcli.nets.analysis.summary import DTYPES, summarize
    from convcli.nets.analysis.table import COLUMNS
    from convcli.nets.input_size import input_shape

    named: tuple[tuple[Sequence[str], Iterable[str]], ...] = (
        ((mac_rule,), RULES),
        ((dtype,), DTYPES),
        (columns, COLUMNS),
    )
    for names, known in named:
        for name in names:
            if name not in known:
                raise SpecError(f"{name!r} is not one of {', '.join(known)}{like(name, known)}")
    if isinstance(network, Network):
        reading = Reading(network, None, "")
    else:
        reading = network if isinstance(network, Reading) else parse(network)
    size = None if input is None else _size(input)
    for what, count in (("batch", batch), ("depth", 1 if depth is None else depth)):
        if type(count) is not int or count < 1:
            raise SpecError(f"{what} is a whole number of at least 1, not {count!r:.40}")
    summary = summarize(reading.network, input_shape(size, reading.network, reading.input))
    settings = Settings(mac_rule, dtype, batch, depth, tuple(columns))
    return Figures(summary, settings, picture=_picture)


def _picture(summary: "Summary") -> str:
    """The figure that a notebook shows beside the table; none of what no page holds."""
    from convcli.drawing.network.figure import Figure

    try:
        return Figure(summary).text()
    except SpecError:
        return ""


def draw(
    network: str | os.PathLike[str] | Reading | Network,
    input: int | str | Sequence[int] | None = None,
    *,
    style: str | None = None,
    depth: int | None = None,
    expand: Sequence[str] = (),
    labels: Sequence[str] | None = None,
    color_by: str = "type",
    scale: str = "sqrt",
    direction: str | None = None,
    theme: str = "light",
    title: str = "",
    legend: bool = False,
) -> "Figure":
    """The figure of a network, which a notebook shows, and `save` writes.

    `network` and `input` are those of `summarize`; the other arguments are the options of
    `convcli draw`.

    >>> figure = draw("resnet18", style="volumes")
    >>> figure
    <figure of 32 blocks, drawn as volumes>
    >>> figure.text(".svg").count('class="arc"')
    8

    Raises SpecError and UnfitError as `summarize` does, and SpecError for options that are not
    understood or a network that no page holds.
    """
    from convcli.drawing.network.figure import Figure, FigureOptions

    summary = summarize(network, input, depth=depth).summary
    options = FigureOptions(
        style=style,
        depth=depth,
        expand=(expand,) if isinstance(expand, str) else tuple(expand),
        labels=None if labels is None else tuple(labels),
        color_by=color_by,
        scale=scale,
        direction=direction,
        theme=theme,
        title=title,
        legend=legend,
    )
    return Figure(summary, options)


def _size(input: int | str | Sequence[int]) -> tuple[int, ...]:
    """The lengths of an input, and its channels, as the command line reads them."""
    from convcli.sizes import read_size

    if isinstance(input, Sequence) and not isinstance(input, str):
        text = "x".join(map(str, input))
    else:
        text = str(input)
    try:
        return read_size(text)
    except ValueError as error:
        raise SpecError(f"input={input!r:.60}: {error}") from None


def solve(
    *,
    output: int,
    input: int | None = None,
    kernel: int | None = None,
    stride: int | None = None,
    padding: int | tuple[int, int] | None = None,
    dilation: int = 1,
    transposed: bool = False,
) -> Listing:
    """The kernels, strides, paddings or inputs that give an output, along one axis.

    Lengths that are left out are searched. `padding` is that of both sides, or (before, after).

    >>> [row["padding"] for row in solve(input=224, kernel=11, stride=4, output=55).rows()]
    ['1,2', '2', '3', '2,3']

    Raises UnfitError where nothing gives the output, SpecError where too little is known.
    """
    from convcli.app.solve import SolveOptions
    from convcli.app.solve import solve as solved

    options = SolveOptions(
        size=None if input is None else (input,),
        kernel=kernel,
        stride=stride,
        padding=(padding, padding) if isinstance(padding, int) else padding,
        dilation=dilation,
        output=output,
        transposed=transposed,
    )
    outcome = solved(options)
    if outcome.refusal is not None:
        raise outcome.refusal
    assert isinstance(outcome.result, Listing)
    return outcome.result


def zoo() -> Listing:
    """The networks that come with the tool.

    >>> "resnet50" in [row["name"] for row in zoo().rows()]
    True
    """
    from convcli.nets.zoo import listing

    return listing()


def kernels() -> Listing:
    """The kernels that have names, with their parameters, sizes, purposes and sources.

    >>> kernels().rows()[1]["kernel"]
    'box'
    """
    from convcli.images.kernels.listing import catalogue_listing

    return catalogue_listing()


def filter_image(
    image: "str | os.PathLike[str] | ArrayLike",
    *kernels: "str | Kernel | ArrayLike",
    border: str = "edge",
    range: str = "auto",
    stride: int | tuple[int, int] = 1,
    channels: Literal["rgb", "luma", "each"] = "rgb",
    gray: bool = False,
    linear: bool = False,
    bias: float = 0,
    amount: float = 1,
    exact: bool = False,
    threshold: float | None = None,
    region: str | tuple[int, int, int, int] = "",
    mask: "str | os.PathLike[str] | NDArray[np.number | np.bool_] | None" = None,
    flip: bool = False,
    transpose: bool = False,
    rotate: int = 0,
    scale: float | str = 1,
    normalize: Literal["sum", "abs", "none"] = "none",
    anchor: tuple[int, int] | None = None,
    dilation: int | tuple[int, int] = 1,
    iterations: int = 1,
    threads: int | None = None,
) -> "NDArray[np.number]":
    """A picture under a kernel, or under several in turn, without rounding in between.

    `image` is a path ("-" is stdin; an animation's first frame), or an array (height, width) or
    (height, width, samples) of uint8, uint16 or float32; of integers a second or fourth sample is
    alpha. The result is an array of the same kind, gray where `gray` is set. A kernel is text as
    on the command line (`sobel`, `gaussian:2`, "0 1; 1 0", @file), what `convcli.kernel` gives, or
    a matrix (rows, columns). All other arguments are the options of `convcli filter`; kernels are
    used as drawn: cross-correlation. A region is text, "10,20,200x100", or (row, column, height,
    width). A mask is a path, or an array (height, width) of booleans, uint8, uint16, or shares.

    >>> import numpy as np
    >>> step = np.array([[0, 0, 255, 255]] * 3, np.uint8)
    >>> filter_image(step, "sobel")
    array([[  0, 255, 255,   0],
           [  0, 255, 255,   0],
           [  0, 255, 255,   0]], dtype=uint8)
    >>> filter_image(step, [[1, 1, 1]], "scale")
    Traceback (most recent call last):
        ...
    convcli.errors.SpecError: no kernel is called 'scale'; convcli kernels lists them

    Raises SpecError for what is not understood, PictureError for a file that is no picture, and
    UnfitError where a border or a kernel does not fit the picture.
    """
    import numpy as np

    from convcli.images.filters.apply import filter_picture, open_planned
    from convcli.images.filters.options import FilterOptions
    from convcli.images.filters.spec import spec_of
    from convcli.images.image import picture_of
    from convcli.images.kernels.parse import kernel

    if threads is not None and (type(threads) is not int or threads < 1):
        raise SpecError(f"threads {threads!r:.40} is not an integer of at least 1")
    options = FilterOptions(
        border=str(border),
        stride=stride if isinstance(stride, tuple) else (stride, stride),
        dilation=dilation if isinstance(dilation, tuple) else (dilation, dilation),
        threshold="" if threshold is None else str(threshold),
        region=region if isinstance(region, str) else "{},{},{}x{}".format(*region),
        flip=flip,
        transpose=transpose,
        rotate=rotate,
        scale=str(scale),
        normalize=normalize,
        anchor=anchor,
        iterations=iterations,
        channels=channels,
        gray=gray,
        linear=linear,
        range=str(range),
        bias=str(bias),
        amount=str(amount),
        exact=exact,
    )
    where = os.fspath(mask) if isinstance(mask, str | os.PathLike) else mask
    spec = spec_of(options, tuple(map(kernel, kernels))).masked(where)
    if isinstance(image, str | os.PathLike):
        opened = open_planned(os.fspath(image), spec)
        assert opened.picture is not None  # which a target alone allows
        return filter_picture(opened.picture, opened.plan, threads).pixels
    samples = np.asarray(image)
    picture = picture_of(samples)
    if not picture.full:
        picture = picture._replace(has_alpha=False)
    result = filter_picture(picture, spec, threads).pixels
    return result[..., 0] if samples.ndim == 2 else result
