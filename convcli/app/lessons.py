"""From options to a lesson, and to the data of what can be drawn of it.

Each kind of lesson takes some of the options; the others are refused by name.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from convcli.errors import SpecError, UnfitError
from convcli.explanation.operands import KERNEL, SIGNAL, Operands, read_size
from convcli.geometry import Padding
from convcli.matrices import read_stack, row_hints
from convcli.numerals import Symbol, read_value
from convcli.options import Options, OutputOptions
from convcli.records import NamedTuple
from convcli.tables import Record, TextResult
from convcli.text import like, safe

if TYPE_CHECKING:
    from convcli.explanation.steps import Geometry, Walk
    from convcli.images.image import Picture

Pair = tuple[int, int]


class LessonOptions(Options):
    """What is computed, on which numbers; no kind of lesson takes all of it."""

    input: str | None = None
    kernel: str | None = None
    stride: Pair | None = None
    padding: tuple[Padding, Padding] | None = None
    cell: Pair | None = None
    every: bool = False
    dilation: Pair | None = None
    border: str | None = None
    bias: str | None = None
    flip: bool = False
    transposed: bool = False
    scatter: bool = False
    output_padding: Pair | None = None
    random: int | None = None
    symbols: bool = False
    at: Pair | None = None
    pool: str | None = None
    activation: str | None = None
    backward: bool = False
    grad: str | None = None
    signal: str | None = None
    mode: str | None = None
    receptive: str | None = None
    unit: tuple[str, tuple[int, ...]] | None = None
    net: str | None = None
    weights: str | None = None
    until: str | None = None
    resize: tuple[int, ...] | Literal["keep"] | None = None
    max_size: int | None = None


class ExplainOptions(LessonOptions, OutputOptions):
    """A lesson, and how it is printed and drawn."""

    picture: str | None = None
    output: str | None = None
    fps: float | None = None
    theme: str | None = None
    force: bool = False

    @property
    def kind(self) -> "Kind":
        """The kind of lesson that is meant."""
        for name in ("net", "receptive", "signal", "pool", "activation"):
            if getattr(self, name) is not None:
                return KINDS[name]
        if self.picture is not None and self.input is None:
            return KINDS["pixel"]
        return KINDS["convolution"]

    @property
    def geometry(self) -> "Geometry":
        """How the window walks, where nothing else is said from corner to corner."""
        from convcli.explanation.steps import Geometry

        return Geometry(
            self.stride or (1, 1),
            self.padding or ((0, 0), (0, 0)),
            self.dilation or (1, 1),
            self.output_padding or (0, 0),
        )

    @property
    def sources(self) -> tuple[str | None, ...]:
        """What may name a file that is read, and is not to be overwritten."""
        values = (self.picture, self.input, self.kernel, self.grad, self.signal)
        return (*values, self.receptive, self.net, self.weights)

    @property
    def is_page(self) -> bool:
        """Whether the output is a page to touch."""
        return (self.output or "").lower().endswith((".html", ".htm"))


class Answer(NamedTuple):
    """A lesson in text, what can be drawn of it, and hints at what was meant."""

    lesson: TextResult | None
    """None where a page alone holds it."""
    walk: "Walk | None" = None
    picture: "Picture | None" = None
    hints: tuple[str, ...] = ()
    page: Record | None = None
    """The data of a page; that of a walk follows from it."""


def lesson_of(options: ExplainOptions) -> Answer:
    """The lesson that options mean. Raises SpecError and UnfitError."""
    kind = options.kind
    for name in options.given(*LessonOptions.__annotations__):
        if name not in kind.options:
            flag = "all" if name == "every" else name.replace("_", "-")
            raise SpecError(f"--{flag} says nothing about {kind.what}")
    if options.picture is not None and options.signal is not None:
        raise SpecError(f"a picture says nothing about {kind.what}")
    if options.picture is None and options.at is not None:
        raise SpecError("--at is a pixel of a picture: convcli explain cat.jpg --at 120,80 …")
    if options.grad is not None and not options.backward:
        raise SpecError("--grad is for --backward")
    return kind.answer(options)


def _signal(options: ExplainOptions) -> Answer:
    from convcli.explanation.signals import MODES, SignalLesson, check_signal

    mode = "convolution" if options.mode is None else options.mode
    if mode not in MODES:
        raise SpecError(
            f"{mode!r:.40} is not a mode; there are {', '.join(MODES)}{like(mode, MODES)}"
        )
    assert options.signal is not None
    f = check_signal(read_stack(options.signal, SIGNAL), "signal")
    if mode == "autocorrelation":
        if options.kernel is not None:
            raise SpecError("an autocorrelation slides the signal over itself; leave --kernel out")
        g = f
    elif options.kernel is None:
        raise SpecError('give --kernel, such as --kernel "1 0 -1"')
    else:
        g = check_signal(read_stack(options.kernel, KERNEL), "kernel")
    lesson = SignalLesson(f, g, mode)
    lesson.walk.check()
    return Answer(lesson, lesson.walk)


def _pixel(options: ExplainOptions) -> Answer:
    from convcli.explanation.pixel import pixel_lesson
    from convcli.images.io.read import open_picture
    from convcli.images.kernels.parse import kernel

    assert options.picture is not None
    if options.kernel is None or (options.at is None and not options.is_page):
        raise SpecError(
            f"a picture needs --{'kernel' if options.kernel is None else 'at'}: convcli explain "
            "cat.jpg --kernel sharpen --at 120,80, row first; or a page, -o page.html"
        )
    if read_size(options.kernel):
        raise SpecError("a picture needs a kernel with weights, such as --kernel sharpen")
    weights = kernel(options.kernel)
    weights.check_explained()
    picture = open_picture(options.picture)
    lesson = pixel_lesson(picture, weights, options.at) if options.at is not None else None
    hints = () if weights.listed else row_hints(*weights.shape)
    if not options.is_page:
        return Answer(lesson, hints=hints)
    from convcli.explanation.page.windows import picture_data

    return Answer(lesson, hints=hints, page=picture_data(picture, weights, options.at))


def _network(options: ExplainOptions) -> Answer:
    if options.picture is None:
        raise SpecError("give a picture: convcli explain --net lenet5 cat.jpg -o page.html")
    if not options.is_page:
        raise SpecError("a network is explained in a page: -o page.html")
    from convcli.explanation.page.networks import MAX_BYTES, network_data
    from convcli.features.config_options import read_setup
    from convcli.features.extractor import Extractor
    from convcli.features.options import FeatureOptions

    run = FeatureOptions(
        net=options.net,
        weights=options.weights,
        seed=options.random,
        until=options.until,
        resize=options.resize,
    )
    limit = MAX_BYTES if options.max_size is None else options.max_size
    data, notes = network_data(Extractor(read_setup((), run)), options.picture, limit)
    return Answer(None, hints=tuple(notes), page=data)


def _convolution(options: ExplainOptions) -> Answer:
    from convcli.borders import read_border
    from convcli.explanation.steps import convolution, transposed

    if options.kernel is None:
        raise SpecError('give --kernel: a size (3), weights ("1 0 1; 0 1 0; 1 0 1") or a name')
    operands = _operands(options)
    x, kernel = operands.input_and_kernel(options.picture, options.input, options.kernel)
    bias = None if options.bias is None else read_value(options.bias)
    border = read_border("zero" if options.border is None else options.border)
    if options.transposed:
        if border.name != "zero":
            raise SpecError("--border says nothing about a transposed convolution")
        walk = transposed(x, kernel, options.geometry, bias, options.flip)
    else:
        if options.output_padding is not None:
            raise SpecError("--output-padding is for --transposed")
        if options.scatter:
            raise SpecError("--scatter is a view of a transposed convolution: add --transposed")
        walk = convolution(x, kernel, options.geometry, bias, options.flip, border)
    return (
        _scatter(options, walk, operands) if options.scatter else _walked(options, walk, operands)
    )


def _walked(options: ExplainOptions, walk: "Walk", operands: Operands) -> Answer:
    """The lesson on a window that walks over its input, forward or backward."""
    from convcli.explanation.backward import Backward
    from convcli.explanation.lesson import Lesson, check_cell

    check_cell(walk, options.cell)
    gradient = None
    if options.backward:
        if walk.pool and any(
            isinstance(v, Symbol) for grid in walk.input for row in grid for v in row
        ):
            raise SpecError("the gradient of a pool needs numbers: give --input or --random")
        channels = len(walk.input) if walk.pool else 1
        gradient = operands.gradient(options.grad, channels, walk.size)
    lesson = Lesson(walk, options.cell, tuple(operands.notes), options.every)
    hints = tuple(operands.hints)
    if gradient is None:
        return Answer(lesson, walk, hints=hints)
    return Answer(Backward(lesson, gradient), hints=hints)


def _scatter(options: ExplainOptions, walk: "Walk", operands: Operands) -> Answer:
    from convcli.explanation.lesson import check_cell
    from convcli.explanation.scatter import ScatterLesson

    if options.backward:
        raise SpecError("--scatter goes forward: leave out --scatter or --backward")
    if options.is_page:
        raise SpecError("a page walks the equal convolution: leave --scatter out")
    check_cell(walk, options.cell, is_stamp=True)
    lesson = ScatterLesson(walk, options.cell, tuple(operands.notes), options.every)
    return Answer(lesson, walk, hints=tuple(operands.hints))


def _pool(options: ExplainOptions) -> Answer:
    from convcli.callsyntax import read_call
    from convcli.explanation.steps import POOLS, pooling

    assert options.pool is not None
    call = read_call(options.pool)
    if call.name not in POOLS or len(call.args) != 1 or set(call.kwargs) - {"stride", "padding"}:
        raise SpecError(f"--pool {options.pool}: write {', '.join(POOLS)} and a size: max:2")
    kernel = _pair(call.args[0], 1, "size")
    stride = options.stride or _pair(call.kwargs.get("stride", kernel), 1, "stride")
    rows, columns = _pair(call.kwargs.get("padding", 0), 0, "padding")
    padding = options.padding or ((rows, rows), (columns, columns))
    operands = _operands(options)
    x = operands.input(options.picture, options.input)
    geometry = options.geometry._replace(stride=stride, padding=padding)
    return _walked(options, pooling(x, call.name, kernel, geometry), operands)


def _activation(options: ExplainOptions) -> Answer:
    from convcli.explanation.elementwise import elementwise, elementwise_backward

    assert options.activation is not None
    operands = _operands(options)
    x = operands.input(options.picture, options.input)
    rows, columns = len(x[0]), len(x[0][0])
    if options.backward:
        gradient = operands.gradient(options.grad, len(x), (rows, columns))
        lesson = elementwise_backward(options.activation, x, gradient)
    else:
        lesson = elementwise(options.activation, x)
    if options.cell is not None:
        i, j = options.cell
        if i >= rows or j >= columns:
            raise UnfitError(f"--cell {i},{j}: the input is {rows}x{columns}")
    return Answer(lesson._replace(chosen=options.cell, notes=tuple(operands.notes)))


def _receptive(options: ExplainOptions) -> Answer:
    from convcli.explanation.receptive import ReceptiveLesson
    from convcli.nets.analysis.receptive_field import receptive_field
    from convcli.nets.analysis.summary import summarize
    from convcli.nets.input_size import input_shape
    from convcli.nets.readers.read import read_words

    if options.unit is None:
        raise SpecError("give --unit NODE:ROW,COLUMN, such as --unit conv3_3:5,7")
    assert options.receptive is not None
    reading = read_words([options.receptive])
    size = None
    if options.input is not None:
        size = read_size(options.input)
        if size is None:
            raise SpecError(f"--input {options.input!r:.40}: write a size, such as 224x224")
    shape = input_shape(size, reading.network, reading.input)
    summary = summarize(reading.network, shape)
    name, unit = options.unit
    field = receptive_field(summary, name, unit)
    axes = next(row.receptive_field for row in summary.rows if row.name == name)
    lesson = ReceptiveLesson(field, tuple(axis.jump for axis in axes))
    if options.picture is None:
        return Answer(lesson)
    from convcli.drawing.spotlight import framed
    from convcli.images.io.read import open_picture

    if len(field.cells) != 2:
        raise UnfitError("a picture has rows and columns; this network's input does not")
    opened = open_picture(options.picture)
    lesson = lesson._replace(picture=opened.pixels.shape[:2])
    (top, bottom), (left, right) = lesson.pixels
    caption = (
        f"{name} at {','.join(map(str, unit))} sees {bottom - top + 1}x{right - left + 1} pixels: "
        f"rows {top} to {bottom}, columns {left} to {right}"
    )
    return Answer(lesson, picture=framed(opened, lesson.pixels, safe(caption)))


def _operands(options: ExplainOptions) -> Operands:
    return Operands(options.symbols, options.random, options.at)


def _pair(value: object, minimum: int, what: str) -> Pair:
    """One or two whole numbers of a pool's call, as rows and columns."""
    both = value if isinstance(value, tuple) else (value, value)
    match both:
        case (int(rows), int(columns)) if min(rows, columns) >= minimum:
            if bool not in (type(rows), type(columns)):
                return rows, columns
    raise SpecError(f"{what}={value!r:.40} must be one or two whole numbers of at least {minimum}")


class Kind(NamedTuple):
    """One kind of lesson: what it is about, the options it takes, what answers it."""

    what: str
    options: set[str]
    answer: Callable[[ExplainOptions], Answer]


WALK = {"input", "at", "cell", "random", "symbols"}
WINDOW = {*WALK, "every", "stride", "padding", "dilation"}
BACKWARD = {"backward", "grad"}
CONVOLUTION = {"kernel", "bias", "flip", "transposed", "scatter", "output_padding", "border"}

KINDS = {
    "net": Kind(
        "a network's maps", {"net", "weights", "until", "resize", "random", "max_size"}, _network
    ),
    "receptive": Kind("a receptive field", {"receptive", "unit", "input"}, _receptive),
    "signal": Kind("a signal", {"signal", "kernel", "mode"}, _signal),
    "pool": Kind("a pool", {"pool", *WINDOW, *BACKWARD}, _pool),
    "activation": Kind("an activation", {"activation", *WALK, *BACKWARD}, _activation),
    "pixel": Kind("one pixel of a picture", {"kernel", "at"}, _pixel),
    "convolution": Kind("a convolution", {*CONVOLUTION, *WINDOW, *BACKWARD}, _convolution),
}
"""The first of these whose own option is given; then a picture's pixel, then a convolution."""
