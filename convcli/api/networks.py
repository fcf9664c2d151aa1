"""Functions of networks: read, count and draw them; solve for layers, and list them."""

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from convcli.errors import SpecError
from convcli.nets.analysis.table import Figures, Settings
from convcli.nets.graph import Network, Reading
from convcli.tables import Listing
from convcli.text import like

if TYPE_CHECKING:
    from convcli.drawing.network.figure import Figure
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

    >>> figures = summarize("conv:96,11,stride=4 relu", 227)
    >>> figures.output, figures.params, figures.macs
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
    from convcli.nets.input_size import assumed_sizes, input_shape

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
    shape = input_shape(size, reading.network, reading.input)
    summary = summarize(reading.network, shape)
    settings = Settings(mac_rule, dtype, batch, depth, tuple(columns))
    assumed = () if size is None else assumed_sizes(size, shape, reading.input)
    return Figures(summary, settings, assumed=assumed, picture=_picture)


def _picture(summary: "Summary") -> str:
    """The figure that a notebook shows beside the table; None for one that no page holds."""
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

    Raises UnfitError if nothing gives the output, SpecError if too little is given.
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


def layers(name: str | None = None) -> Listing:
    """The layers of the notation, or one of them with its arguments and formulas.

    A name is that of the notation, of PyTorch or of Keras.

    >>> layers("MaxPool2d").value
    'maxpool(kernel, stride=None, padding=0, dilation=1, ceil=False, count_include_pad=True)'

    Raises SpecError for a name that is not a layer's.
    """
    from convcli.nets.readers.vocabulary.listing import description, listing

    return listing() if name is None else description(name)
