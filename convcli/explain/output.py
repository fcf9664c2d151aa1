"""A lesson on stdout, and its picture or animation in a file."""

from collections.abc import Iterable

from convcli.app.explain import Answer
from convcli.errors import SpecError, UnfitError
from convcli.explain.render import STYLES
from convcli.output import line, note, show_lines
from convcli.tables import FORMATS, show
from convcli.text import safe


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
        from convcli.draw.themes import THEMES

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
    from convcli.images.io.read import check_free, files_named, format_of, write_picture

    check_free([target], force, *files_named(words))
    if answer.picture is not None:
        format_of(target)
        write_picture(answer.picture, target, force)
    elif answer.walk is not None:
        from convcli.draw.animation import save_animation

        chosen = getattr(answer.lesson, "chosen", None)
        save_animation(answer.walk, target, chosen, fps, theme, force)
    else:
        raise UnfitError("-o draws a window that walks; there is none to draw here")
