r"""`convcli man`: the pages of the manual, in troff (man(7))."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files

import click

from convcli import __version__
from convcli.cli.help import groups_of, page, pages, parts_of, record_of
from convcli.cli.params import Reads
from convcli.errors import SpecError
from convcli.output import line
from convcli.text import like

CONVENTIONS = "conventions"
"""The page that is of no command."""

COMMAND = Reads("COMMAND", names=["cli.main:COMMANDS"])

EXITS = {
    0: "done",
    1: "refused: a bad picture, layers that do not fit, a file of a batch that failed",
    2: "a wrong command line, kernel, size or layer",
    130: "interrupted",
}


ENVIRONMENT = {
    "NO_COLOR": "no color, as --color never",
    "FORCE_COLOR, CLICOLOR_FORCE": "color in pipes too, as --color always",
    "COLUMNS": "the width that tables and notes are folded to",
    "PAGER": "what shows text longer than the screen: less if unset, nothing if empty",
}
"""Variable → what it does."""

FILES = {
    "NAME.net": "a network in the notation, which convcli zoo NAME prints",
    "NAME.KERNEL.jpg": "what filter writes where no -o is given, with the record of its kernel",
    "share/man/man1/convcli*.1": "these pages, beside the installed command",
}
"""File → what it holds."""


@page("man")
@click.argument("command", required=False, type=COMMAND, metavar="[COMMAND]")
def man_command(command: str | None) -> None:
    """Print the page of the manual for a command, or for convcli.

    \b
    convcli man filter
    convcli man conventions
    convcli man > convcli.1

    On a terminal the page opens in `man`, where that is installed; elsewhere it is printed as
    troff. Installed packages have these pages in share/man: man convcli-filter.
    """

    pages_ = dict(manual())
    name = f"convcli-{command}" if command else "convcli"
    if name not in pages_:
        hint = like(command or "", [known[8:] for known in pages_])
        raise SpecError(f"no command is called {command!r:.60}{hint}")
    if sys.stdout.isatty() and shutil.which("man"):
        subprocess.run(["man", "-l", "-"], input=pages_[name].encode(), check=False)
    else:
        line(pages_[name].rstrip())


def manual() -> Iterator[tuple[str, str]]:
    """Every page: its name and its text."""
    from convcli.cli.main import root

    ctx = click.Context(root, info_name="convcli")
    commands = {
        f"convcli-{inner.info_name}": (command, inner) for inner, command in pages(root, ctx)
    }
    yield "convcli", _page(root, ctx, list(commands))
    for name, (command, inner) in commands.items():
        yield name, _page(command, inner, ["convcli"])
    yield f"convcli-{CONVENTIONS}", _conventions()


def _conventions() -> str:
    """The page of the conventions, from the table that docs/ shows too."""
    text = files("convcli.cli").joinpath("conventions.md").read_text("utf-8")
    rows = re.findall(r"^\| (\w[^|]*?) \| (.*) \|$", text, re.M)
    lines = [
        f'.TH "CONVCLI-CONVENTIONS" "1" "" "convcli {__version__}" "convcli manual"',
        *(".SH NAME", "convcli\\-conventions \\- what convcli assumes, counts and promises"),
        ".SH CONVENTIONS",
    ]
    for subject, meaning in rows:
        meaning = meaning.replace("`", "").replace("\\|", "|")
        lines += [".TP", f".B {_plain(subject)}", _plain(meaning)]
    lines += [".SH SEE ALSO", "convcli(1)"]
    return "\n".join(lines) + "\n"


def _page(command: click.Command, ctx: click.Context, related: list[str]) -> str:
    name = ctx.command_path.replace(" ", "-")
    parts = parts_of(command)
    usage = " ".join(command.collect_usage_pieces(ctx))
    lines = [
        f'.TH "{name.upper()}" "1" "" "convcli {__version__}" "convcli manual"',
        *(".SH NAME", f"{_plain(name)} \\- {_plain(parts.summary.rstrip('.'))}"),
        *(".SH SYNOPSIS", f".B {_plain(ctx.command_path)}", _plain(usage)),
        *(".SH DESCRIPTION", _plain(parts.summary)),
    ]
    for text in parts.paragraphs:
        lines += [".PP", _plain(text)]
    lines += [".SH EXAMPLES", ".nf", *map(_plain, parts.examples), ".fi"]
    if isinstance(command, click.Group):
        lines.append(".SH COMMANDS")
        for own, inner in pages(command, ctx):
            lines += [".TP", f".B {_plain(own.info_name or '')}", _plain(parts_of(inner).summary)]
    lines.append(".SH OPTIONS")
    for title, everyday, more in groups_of(command, ctx):
        lines.append(f".SS {_plain(title)}")
        for option in (*everyday, *more):
            spec, text = record_of(option, ctx)
            lines += [".TP", f".B {_plain(spec)}", _plain(text)]
    for title, meanings in (("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)):
        lines.append(f".SH {title}")
        for name, text in meanings.items():
            lines += [".TP", f".B {_plain(name)}", _plain(text)]
    lines.append(".SH EXIT STATUS")
    for code, meaning in EXITS.items():
        lines += [".TP", f".B {code}", _plain(meaning)]
    lines += [".SH SEE ALSO", ", ".join(f"{_plain(name)}(1)" for name in related)]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    r"""Text without a meaning of its own in troff.

    >>> print(_plain("--flip"), _plain(".net"), _plain("a\\b"))
    \-\-flip \&.net a\eb
    """
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", text)
