"""What `explain` is asked: from its words and options to a lesson, and to what can be drawn of it.

Each kind of lesson knows the options that mean something to it; others are refused by name.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from convcli.errors import SpecError, UnfitError
from convcli.explain.operands import Operands, read_numbers, read_size
from convcli.explain.render import STYLES
from convcli.numerals import Symbol, read_value
from convcli.output import line, note, show_lines
from convcli.tables import FORMATS, show
from convcli.text import like, safe

if TYPE_CHECKING:
    from convcli.explain.steps import Geometry, Walk
    from convcli.images.io.read import Picture

Options = Mapping[str, Any]


class Answer(NamedTuple):
    """A lesson, and a walk that can be drawn, or a picture that was."""

    lesson: Any
    walk: "Walk | None" = None
    picture: "Picture | None" = None
    name: str | None = None
    """Where the picture goes if nobody says."""


def explain_question(picture: str | None, options: Options) -> Answer:
    """The lesson that `convcli explain` was asked for. Raises SpecError and UnfitError."""
    kind = _kind(picture, options)
    allowed = KINDS[kind].options
    given = [name for name, value in options.items() if value is not None and value is not False]
    for name in given:
        if name not in allowed:
            raise SpecError(f"--{name.replace('_', '-')} says nothing about {KINDS[kind].what}")
    if picture is not None and kind == "signal":
        raise SpecError(f"a picture says nothing about {KINDS[kind].what}")
    if picture is None and options["at"] is not None:
        raise SpecError("--at is a pixel of a picture: convcli explain cat.jpg --at 120,80 …")
    if options["grad"] is not None and not options["backward"]:
        raise SpecError("--grad is for --backward")
    return KINDS[kind].answer(picture, options)


def _kind(picture: str | None, options: Options) -> str:
    for kind in ("receptive", "signal", "pool", "activation"):
        if options[kind] is not None:
            return kind
    if picture is not None and options["input"] is None:
        return "pixel"
    return "convolution"


def _signal(picture: str | None, options: Options) -> Answer:
    from convcli.explain.signals import MODES, SignalLesson, check_signal

    mode = "convolution" if options["mode"] is None else options["mode"]
    if mode not in MODES:
        raise SpecError(f"{mode!r:.40} is no mode; there are {', '.join(MODES)}{like(mode, MODES)}")
    f = check_signal(read_numbers(options["signal"], "signal"), "signal")
    if mode == "autocorrelation":
        if options["kernel"] is not None:
            raise SpecError("an autocorrelation slides the signal over itself; leave --kernel out")
        g = f
    elif options["kernel"] is None:
        raise SpecError('give --kernel, such as --kernel "1 0 -1"')
    else:
        g = check_signal(read_numbers(options["kernel"], "kernel"), "kernel")
    lesson = SignalLesson(f, g, mode)
    lesson.walk.check()
    return Answer(lesson, lesson.walk)


def _pixel(picture: str | None, options: Options) -> Answer:
    from convcli.explain.pixel import pixel_lesson
    from convcli.images.io.read import open_picture
    from convcli.images.kernels.parse import kernel

    assert picture is not None
    for name in ("kernel", "at"):
        if options[name] is None:
            raise SpecError(
                f"a picture needs --{name}: convcli explain cat.jpg --kernel sharpen "
                "--at 120,80, row first"
            )
    if read_size(options["kernel"]):
        raise SpecError("a picture needs a kernel with weights, such as --kernel sharpen")
    chosen = kernel(options["kernel"])
    return Answer(pixel_lesson(open_picture(picture), chosen, options["at"]))


def _convolution(picture: str | None, options: Options) -> Answer:
    from convcli.explain.axis import BORDERS
    from convcli.explain.backward import Backward
    from convcli.explain.lesson import Lesson, check_cell
    from convcli.explain.steps import convolution, transposed

    if options["kernel"] is None:
        raise SpecError('give --kernel: a size (3), weights ("1 0 1; 0 1 0; 1 0 1") or a name')
    values = Operands(options)
    x, kernel = values.operands(picture, options["input"], options["kernel"])
    bias = None if options["bias"] is None else read_value(options["bias"])
    geometry = _geometry(options)
    if options["border"] not in (None, *BORDERS):
        raise SpecError(f"{options['border']!r:.40} is no border; there are {', '.join(BORDERS)}")
    if options["transposed"]:
        if options["border"] not in (None, "zero"):
            raise SpecError("--border says nothing about a transposed convolution")
        walk = transposed(x, kernel, geometry, bias, options["flip"])
    else:
        if options["output_padding"] is not None:
            raise SpecError("--output-padding is for --transposed")
        walk = convolution(x, kernel, geometry, bias, options["flip"], options["border"] or "zero")
    check_cell(walk, options["cell"])
    if options["backward"]:
        gradient = values.gradient(options["grad"], 1, walk.size)
        return Answer(Backward(walk, gradient, options["cell"], tuple(values.notes)))
    return Answer(Lesson(walk, options["cell"], tuple(values.notes)), walk)


def _pool(picture: str | None, options: Options) -> Answer:
    from convcli.callsyntax import read_call
    from convcli.explain.backward import Backward
    from convcli.explain.lesson import Lesson, check_cell
    from convcli.explain.steps import POOLS, Geometry, pooling

    call = read_call(options["pool"])
    if call.name not in POOLS or len(call.args) != 1 or set(call.kwargs) - {"stride", "padding"}:
        raise SpecError(f"--pool {options['pool']}: write {', '.join(POOLS)} and a size: max:2")
    kernel = _spot(call.args[0], 1, "size")
    asked = _geometry(options)
    stride = options["stride"] or _spot(call.kwargs.get("stride", kernel), 1, "stride")
    pads = _spot(call.kwargs.get("padding", 0), 0, "padding")
    padding = asked.padding if options["padding"] else ((pads[0],) * 2, (pads[1],) * 2)
    values = Operands(options)
    x = values.input(picture, options["input"])
    geometry = Geometry(stride, padding, asked.dilation)
    walk = pooling(x, call.name, kernel, geometry)
    check_cell(walk, options["cell"])
    if options["backward"]:
        if any(isinstance(v, Symbol) for grid in x for row in grid for v in row):
            raise SpecError("the way back through a pool needs numbers: give --input or --random")
        gradient = values.gradient(options["grad"], len(x), walk.size)
        return Answer(Backward(walk, gradient, options["cell"], tuple(values.notes)))
    return Answer(Lesson(walk, options["cell"], tuple(values.notes)), walk)


def _activation(picture: str | None, options: Options) -> Answer:
    from convcli.explain.elementwise import elementwise, elementwise_backward

    values = Operands(options)
    x = values.input(picture, options["input"])
    if options["backward"]:
        size = len(x[0]), len(x[0][0])
        lesson = elementwise_backward(
            options["activation"], x, values.gradient(options["grad"], len(x), size)
        )
    else:
        lesson = elementwise(options["activation"], x)
    if options["cell"] is not None:
        i, j = options["cell"]
        if i >= len(x[0]) or j >= len(x[0][0]):
            raise UnfitError(f"--cell {i},{j}: the input is {len(x[0])}x{len(x[0][0])}")
    return Answer(lesson._replace(chosen=options["cell"], notes=tuple(values.notes)))


def _receptive(picture: str | None, options: Options) -> Answer:
    from convcli.explain.receptive import Received
    from convcli.nets.analysis.receptive_field import receptive_field
    from convcli.nets.analysis.summary import summarize
    from convcli.nets.input_size import input_shape
    from convcli.nets.readers.read import read_words

    if options["unit"] is None:
        raise SpecError("give --unit NODE:ROW,COLUMN, such as --unit conv3_3:5,7")
    reading = read_words([options["receptive"]])
    size = None
    if options["input"] is not None:
        size = read_size(options["input"])
        if size is None:
            raise SpecError(f"--input {options['input']!r:.40}: write a size, such as 224x224")
    shape = input_shape(size, reading.network, reading.input)
    summary = summarize(reading.network, shape)
    name, unit = options["unit"]
    field = receptive_field(summary, name, unit)
    jump = next(row.reception for row in summary.rows if row.name == name)
    lesson = Received(field, tuple(seen.jump for seen in jump))
    if picture is None:
        return Answer(lesson)
    from pathlib import Path

    from convcli.draw.spotlight import framed
    from convcli.images.io.read import open_picture

    if len(field.seen) != 2:
        raise UnfitError("a picture has rows and columns; this network's input has not")
    opened = open_picture(picture)
    lesson = lesson._replace(picture=opened.pixels.shape[:2])
    stem = "stdin" if picture == "-" else Path(picture).stem
    return Answer(lesson, None, framed(opened, lesson.pixels), f"{stem}.receptive.png")


def _geometry(options: Options) -> "Geometry":
    from convcli.explain.steps import Geometry

    return Geometry(
        options["stride"] or (1, 1),
        options["padding"] or ((0, 0), (0, 0)),
        options["dilation"] or (1, 1),
        options["output_padding"] or (0, 0),
    )


def _spot(value: Any, least: int, what: str) -> tuple[int, int]:
    both = value if isinstance(value, tuple) else (value, value)
    if len(both) != 2 or not all(type(v) is int and v >= least for v in both):
        raise SpecError(
            f"{what}={value!r:.40} must be one or two whole numbers of at least {least}"
        )
    return both[0], both[1]


class Kind(NamedTuple):
    """One kind of lesson: what it is about, the options that speak of it, who answers."""

    what: str
    options: frozenset[str]
    answer: Callable[[str | None, Options], Answer]


WINDOW = {"input", "at", "stride", "padding", "dilation", "cell", "random", "symbols"}
BACK = {"backward", "grad"}

KINDS = {
    "receptive": Kind("a receptive field", frozenset({"receptive", "unit", "input"}), _receptive),
    "signal": Kind("a signal", frozenset({"signal", "kernel", "mode"}), _signal),
    "pool": Kind("a pool", frozenset({"pool", *WINDOW, *BACK}), _pool),
    "activation": Kind(
        "an activation",
        frozenset({"activation", "input", "at", "cell", "random", "symbols", *BACK}),
        _activation,
    ),
    "pixel": Kind("one pixel of a picture", frozenset({"kernel", "at"}), _pixel),
    "convolution": Kind(
        "a convolution",
        frozenset(
            {"kernel", "bias", "flip", "transposed", "output_padding", "border", *WINDOW, *BACK}
        ),
        _convolution,
    ),
}
"""The first of these whose own option is given; then a picture's pixel, then a convolution."""


def show_lesson(
    answer: Answer,
    words: Iterable[object],
    output: str | None,
    fps: float | None,
    theme: str | None,
    force: bool,
    format_: str | None,
    quiet: bool,
) -> None:
    """Write what was asked for as a file, then tell the lesson. Raises a Refusal.

    `words` are what was asked with: files that they name are not overwritten.
    """
    if format_ not in (None, "text", *FORMATS):
        raise SpecError(f"{format_!r:.40} is no format; there are text, {', '.join(FORMATS)}")
    if theme is not None:
        from convcli.explain.draw.themes import THEMES

        if theme not in THEMES:
            raise SpecError(f"{theme!r:.40} is no theme; there are {', '.join(THEMES)}")
    target = output or answer.name
    if (fps is not None or theme is not None) and (answer.walk is None or not output):
        raise SpecError("--fps and --theme are for an animation: -o window.gif")
    if output in ("", "-"):
        raise SpecError("-o takes the name of a file; stdout holds the lesson")
    if target is not None:
        _save(answer, target, words, fps or 2.0, theme or "both", force)
    if quiet:
        line(answer.lesson.value)
    elif format_ in (None, "text"):
        show_lines(answer.lesson.lines(), STYLES)
    else:
        show(answer.lesson, format_)
    if target is not None:
        note(f"drawn in {safe(target)}")


def _save(
    answer: Answer, target: str, words: Iterable[object], fps: float, theme: str, force: bool
) -> None:
    from convcli.images.io.formats import format_of
    from convcli.images.io.read import check_free, files_named
    from convcli.images.io.write import write_picture

    check_free([target], force, *files_named(words))
    if answer.picture is not None:
        format_of(target)
        write_picture(answer.picture, target, force)
    elif answer.walk is not None:
        from convcli.explain.draw.animation import save_animation

        chosen = getattr(answer.lesson, "chosen", None)
        save_animation(answer.walk, target, chosen, fps, theme, force)
    else:
        raise UnfitError("-o draws a window that walks; there is none to draw here")
