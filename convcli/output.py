"""Everything that is written to stdout and stderr: lines of results, paths, notes."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from convcli.text import safe

ASCII = str.maketrans(
    {"→": "->", "×": "x", "−": "-", "σ": "sigma", "…": "...", "·": "*", "Σ": "sum", "τ": "tau"}
    | {"∗": "*", "⋆": "(*)", "√": "sqrt", "²": "^2", "≠": "!=", "≥": ">=", "±": "+-", "°": " deg"}
    | {"█": "#", "▌": "#", "▋": "#", "▊": "#", "▉": "#", "▍": ".", "▎": ".", "▏": "."}
    | {"≈": "~", "α": "alpha", "β": "beta", "Δ": "delta", "⌊": "floor(", "⌋": ")", "½": "1/2"}
)
"""Replacements of our few other signs for encodings that lack them."""


def show_lines(lines: Iterable[Sequence[tuple[str, str]]], styles: Mapping[str, str]) -> None:
    """Print lines of spans, text and the name of a style: in color on a terminal, plain in a pipe.

    FORCE_COLOR makes a pipe a terminal.
    """
    if not (sys.stdout.isatty() or os.environ.get("FORCE_COLOR")):
        for text in plain_lines(lines):
            line(text)
        sys.stdout.flush()
        return
    from rich.console import Console
    from rich.text import Text

    with page() as stream:
        console = Console(file=stream, markup=False, highlight=False, emoji=False)
        for spans in lines:
            styled = Text()
            for part, style in spans:
                styled.append(encodable(safe(part), stream), styles.get(style, style))
            styled.rstrip()
            console.print(styled, soft_wrap=not stream.isatty())


@contextmanager
def page() -> Iterator[TextIO]:
    """Standard output; on a terminal, text that exceeds the screen goes to a pager.

    PAGER names the program, less where it is unset; an empty one pages nothing.
    """
    import shlex
    import shutil
    import subprocess
    from io import BytesIO, TextIOWrapper

    pager = shlex.split(os.environ.get("PAGER", "less"))
    reader = sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    if not reader or not pager or os.environ.get("TERM") == "dumb" or not shutil.which(pager[0]):
        yield sys.stdout
        return

    class Screen(TextIOWrapper):
        def isatty(self) -> bool:
            return True

    screen = Screen(BytesIO(), sys.stdout.encoding)
    yield screen
    screen.seek(0)
    text = screen.read()
    if text.count("\n") < shutil.get_terminal_size().lines:
        write(text)
        return
    sys.stdout.flush()
    # -F: less ends at once what fits, -R: colors, -X: the text stays on the screen
    environment = {"LESS": "FRX", **os.environ}
    subprocess.run(pager, input=text, encoding=screen.encoding, env=environment, check=False)


def plain_lines(lines: Iterable[Sequence[tuple[str, str]]]) -> Iterator[str]:
    """Lines of spans without their styles."""
    for spans in lines:
        yield "".join(safe(part) for part, _ in spans).rstrip()


def line(text: str) -> None:
    """Write one line of results."""
    write(text + "\n")


def write(text: str) -> None:
    """Write a part of a line of results."""
    sys.stdout.write(encodable(text, sys.stdout))


def encodable(text: str, stream: TextIO) -> str:
    """The same text, with replacements of signs that the stream's encoding lacks."""
    encoding = stream.encoding or "ascii"
    if text.isascii() or encoding.lower().startswith("utf"):
        return text
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(ASCII).encode(encoding, "backslashreplace").decode(encoding)
    return text


def planned(source: str, target: str) -> None:
    """Write what a dry run would do with a file; `-` is stdin or stdout."""
    line(f"{safe(source)} → {safe(target)}")


def path(name: str) -> None:
    """Write the path of a new file: its own bytes in a pipe, escaped on a terminal."""
    if sys.stdout.isatty():
        line(safe(name))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(name) + b"\n")


def note(text: str) -> None:
    """Write one line for the reader on stderr; results are printed even where that fails."""
    if sys.stderr is None:
        return
    text = encodable(safe(text, keep="\n"), sys.stderr)
    try:
        sys.stderr.write((wrapped(text) if sys.stderr.isatty() else text) + "\n")
        sys.stderr.flush()
    except OSError:  # a full disk, a reader that left: later notes are dropped
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def wrapped(text: str, width: int | None = None) -> str:
    """Notes with their long lines broken between words, for a terminal.

    A line of source text above its carets stays as it is.

    >>> print(wrapped("conv1: the last row is never read\\n  x = 1 + 2 + 3 + 4 + 5\\n      ^", 20))
    conv1: the last row
      is never read
      x = 1 + 2 + 3 + 4 + 5
          ^
    """
    import shutil
    import textwrap

    width = width or shutil.get_terminal_size().columns
    lines = text.split("\n")
    fill = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False)
    for number, (line, below) in enumerate(zip(lines, [*lines[1:], ""], strict=True)):
        if len(line) > width and not (set(below) <= set(" ^~") and below.strip()):
            fill.subsequent_indent = " " * (len(line) - len(line.lstrip()) + 2)
            lines[number] = fill.fill(line)
    return "\n".join(lines)
