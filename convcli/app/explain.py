"""`convcli explain`: a lesson printed, after what is drawn of it is written."""

from os.path import basename, splitext
from typing import TYPE_CHECKING

from convcli.app.lessons import KINDS, Answer, ExplainOptions, lesson_of
from convcli.errors import SpecError, UnfitError
from convcli.explanation.render import STYLES
from convcli.output import note
from convcli.tables import show_text
from convcli.text import safe

if TYPE_CHECKING:
    from convcli.explanation.draw.frames import Sheet


def explain(options: ExplainOptions) -> None:
    """Print a lesson, after what is drawn of it is written. Raises a Refusal."""
    answer = lesson_of(options)
    check_output(options, answer)
    target = options.output
    if target is None and answer.picture is not None:
        picture = options.picture or "-"
        stem = "stdin" if picture == "-" else splitext(basename(picture))[0]
        target = f"{stem}.receptive.png"
    if target is not None:
        save_lesson(answer, target, options)
    if not options.quiet:
        for hint in answer.hints:
            note(hint)
    if answer.lesson is not None:
        show_text(answer.lesson, STYLES, options)
    if target is not None and not options.quiet:
        note(f"drawn in {safe(target)}")


def check_output(options: ExplainOptions, answer: Answer) -> None:
    """Raises SpecError for options of the output that do not fit the lesson."""
    if options.theme is not None:
        from convcli.explanation.draw.themes import THEMES

        if options.theme not in THEMES:
            raise SpecError(f"{options.theme!r:.40} is not a theme; there are {', '.join(THEMES)}")
    if (options.fps is not None or options.theme is not None) and (
        answer.walk is None or not options.output
    ):
        raise SpecError("--fps and --theme are for an animation: -o window.gif")
    if options.output in ("", "-"):
        raise SpecError("-o takes the name of a file; stdout holds the lesson")
    if options.is_page and (options.fps is not None or options.theme is not None):
        raise SpecError("a page follows the browser's theme: leave --fps and --theme out")


def save_lesson(answer: Answer, target: str, options: ExplainOptions) -> None:
    """Write what can be drawn of a lesson, as the target ends. Raises a Refusal."""
    from convcli.images.io.atomic import check_free, files_named

    check_free([target], options.force, *files_named(options.sources))
    if options.is_page:
        _save_page(answer, target, options)
    elif answer.picture is not None:
        from convcli.images.io.formats import format_of
        from convcli.images.io.write import write_picture

        format_of(target)
        write_picture(answer.picture, target, options.force)
    elif answer.walk is not None:
        from convcli.explanation.draw.animation import save_animation

        save_animation(_sheet(answer, options), target, options.fps or 2.0, options.force)
    else:
        raise UnfitError("-o draws a moving window; there is none to draw here")


def _sheet(answer: Answer, options: ExplainOptions) -> "Sheet":
    """The frames of an answer that has a walk."""
    from convcli.explanation.draw.frames import Sheet
    from convcli.explanation.draw.themes import THEMES
    from convcli.explanation.draw.views import ScatterSheet, SignalSheet
    from convcli.explanation.scatter import ScatterLesson
    from convcli.explanation.signals import SignalLesson

    theme = THEMES[options.theme or "both"]
    if isinstance(answer.lesson, ScatterLesson):
        return ScatterSheet(answer.lesson, theme)
    if isinstance(answer.lesson, SignalLesson):
        return SignalSheet(answer.lesson, theme)
    assert answer.walk is not None
    return Sheet(answer.walk, theme, options.cell)


def _save_page(answer: Answer, target: str, options: ExplainOptions) -> None:
    from convcli.explanation.page.document import document
    from convcli.images.io.atomic import write_file

    data = answer.page
    if answer.walk is not None:
        from convcli.explanation.page.windows import convolution_data

        data = convolution_data(answer.walk, options.cell)
    if data is None:
        raise UnfitError(
            "a page shows a convolution, a pool, a kernel on a picture, or --net NETWORK"
        )
    page = document(_title(options), data)
    write_file(target, lambda stream: stream.write(page), options.force)


def _title(options: ExplainOptions) -> str:
    """What a page is called."""
    picture = basename(options.picture or "")
    if options.net is not None:
        return f"{basename(options.net)} sees {picture}"
    if options.kind is KINDS["pixel"]:
        return f"{options.kernel} on {picture}"
    return "A window walks over its input"
