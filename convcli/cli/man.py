r"""`convcli man`: the pages of the manual, in the language of troff (man(7))."""

import re
from collections.abc import Iterator

import click

from convcli import __version__
from convcli.cli.help import groups_of, page, pages, parts_of, record_of
from convcli.cli.params import Reads
from convcli.errors import SpecError
from convcli.output import line
from convcli.text import like

COMMAND = Reads("COMMAND", names=["cli.main:COMMANDS"])

EXITS = {
    0: "done",
    1: "refused: a bad picture, layers that do not fit, a file of a batch that failed",
    2: "a wrong command line, kernel, size or layer",
    130: "interrupted",
}


@page("man")
@click.argument("command", required=False, type=COMMAND, metavar="[COMMAND]")
def man_command(command: str | None) -> None:
    """Print the page of the manual for a command, or for convcli.

    \b
    convcli man filter | man -l -
    convcli man > convcli.1

    Installed packages have these pages in share/man: man convcli-filter.
    """

    known = dict(manual())
    name = f"convcli-{command}" if command else "convcli"
    if name not in known:
        raise SpecError(
            f"no command is called {command!r:.60}{like(command or '', [n[8:] for n in known])}"
        )
    line(known[name].rstrip())


def manual() -> Iterator[tuple[str, str]]:
    """Every page: its name and its text."""
    from convcli.cli.main import root

    ctx = click.Context(root, info_name="convcli")
    inner = list(pages(root, ctx))
    names = [f"convcli-{one.info_name}" for one, _ in inner]
    yield "convcli", _page(root, ctx, names)
    for name, (one, command) in zip(names, inner, strict=True):
        yield name, _page(command, one, ["convcli"])


def _page(command: click.Command, ctx: click.Context, related: list[str]) -> str:
    name = ctx.command_path.replace(" ", "-")
    parts = parts_of(command)
    usage = " ".join(command.collect_usage_pieces(ctx))
    said = [
        f'.TH "{name.upper()}" "1" "" "convcli {__version__}" "convcli manual"',
        *(".SH NAME", f"{_plain(name)} \\- {_plain(parts.summary.rstrip('.'))}"),
        *(".SH SYNOPSIS", f".B {_plain(ctx.command_path)}", _plain(usage)),
        *(".SH DESCRIPTION", _plain(parts.summary)),
    ]
    for text in parts.paragraphs:
        said += [".PP", _plain(text)]
    said += [".SH EXAMPLES", ".nf", *map(_plain, parts.examples), ".fi"]
    if isinstance(command, click.Group):
        said.append(".SH COMMANDS")
        for one, inner in pages(command, ctx):
            said += [".TP", f".B {_plain(one.info_name or '')}", _plain(parts_of(inner).summary)]
    said.append(".SH OPTIONS")
    for title, everyday, more in groups_of(command, ctx):
        said.append(f".SS {_plain(title)}")
        for option in (*everyday, *more):
            spec, text = record_of(option, ctx)
            said += [".TP", f".B {_plain(spec)}", _plain(text)]
    said.append(".SH EXIT STATUS")
    for code, meaning in EXITS.items():
        said += [".TP", f".B {code}", _plain(meaning)]
    said += [".SH SEE ALSO", ", ".join(f"{_plain(one)}(1)" for one in related)]
    return "\n".join(said) + "\n"


def _plain(text: str) -> str:
    r"""Text in which troff sees nothing but text.

    >>> print(_plain("--flip"), _plain(".net"), _plain("a\\b"))
    \-\-flip \&.net a\eb
    """
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", text)
