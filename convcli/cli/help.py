r"""What a command says of itself: a screen of help, and all of it.

Both, and its man page, have one source: the docstring (a sentence, examples behind a `\b`, then
paragraphs) and the options, which stand in groups.

    @page("solve")
    @group("Lengths", option("--input", …), option("--kernel", …), more=[option("--dilation", …)])
    def solve_command(…)

`--help` fits a terminal of 80×24 with a prompt below it: examples first, then the options of every
day, a line each, and the names of all others. `--help-all` explains every option and has the
paragraphs; so has the man page.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from inspect import cleandoc
from typing import Any, NamedTuple

import click

Decorator = Callable[[Any], Any]

OTHERS = "Help"
"""The group of options that no command declares."""


class Option(click.Option):
    """An option with its place in the help."""

    group = OTHERS
    everyday = False


option = partial(click.option, cls=Option)
"""`click.option` for commands that are pages."""


def group(title: str, *everyday: Decorator, more: Iterable[Decorator] = ()) -> Decorator:
    """Options as one decorator, in the order they are written, under one title of the help."""
    placed = [(one, True) for one in everyday] + [(one, False) for one in more]

    def add(command: Any) -> Any:
        for one, daily in reversed(placed):
            one(command)
            made = command.__click_params__[-1]
            made.group, made.everyday = title, daily
        return command

    return add


class Parts(NamedTuple):
    """A docstring taken apart: its sentence, its lines of examples, its paragraphs."""

    summary: str
    examples: tuple[str, ...]
    paragraphs: tuple[str, ...]


class Group(NamedTuple):
    """Options under a title: those of every day, and the others."""

    title: str
    everyday: list[click.Option]
    more: list[click.Option]


class Page(click.Command):
    """A command whose help is a screen."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), HELP_ALL]

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_start(self, ctx, formatter)
        if ctx.meta.get(EVERYTHING):
            for text in parts_of(self).paragraphs:
                formatter.write_paragraph()
                formatter.write_text(text)
            _write_all(groups_of(self, ctx), ctx, formatter)
        else:
            _write_screen(groups_of(self, ctx), ctx, formatter)


def write_start(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """How help begins: usage, the sentence, the examples."""
    parts = parts_of(command)
    command.format_usage(ctx, formatter)
    formatter.write_text(parts.summary)
    formatter.write("\n" + "".join(f"  {line}\n" for line in parts.examples))


EVERYTHING = "convcli.cli.help.everything"
"""Where a context holds that all options are asked for."""


def _show_all(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        ctx.meta[EVERYTHING] = True
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


HELP_ALL = Option(
    ["--help-all"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_all,
    help="Show every option, explained, and exit.",
)

page = partial(click.command, cls=Page)
"""`click.command` for a command whose help is a screen."""


def parts_of(command: click.Command) -> Parts:
    r"""The parts of a command's help.

    >>> from convcli.cli.zoo import zoo_command
    >>> parts_of(zoo_command).examples[0]
    'convcli zoo'
    """
    summary, *rest = cleandoc(command.help or "").split("\n\n")
    examples = [text for text in rest if text.startswith("\b\n")]
    lines = [line for text in examples for line in text.split("\n")[1:]]
    others = [" ".join(text.split()) for text in rest if text not in examples]
    return Parts(" ".join(summary.split()), tuple(lines), tuple(others))


def groups_of(command: click.Command, ctx: click.Context) -> list[Group]:
    """The options of a command by the titles they stand under, in the order of the titles."""
    options = [one for one in command.get_params(ctx) if isinstance(one, click.Option)]
    found: dict[str, Group] = {}
    for one in options:
        title, daily = getattr(one, "group", OTHERS), getattr(one, "everyday", False)
        place = found.setdefault(title, Group(title, [], []))
        (place.everyday if daily else place.more).append(one)
    return list(found.values())


def record_of(one: click.Option, ctx: click.Context) -> tuple[str, str]:
    """What stands left and right in the list of options."""
    return one.get_help_record(ctx) or ("", "")


def _write_screen(
    groups: Iterable[Group], ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    """A line for every option of every day, the names of the others behind them."""
    groups = [one for one in groups if one.title != OTHERS]
    left = max((len(record_of(one, ctx)[0]) for g in groups for one in g.everyday), default=0)
    formatter.write_paragraph()
    for title, everyday, more in groups:
        if everyday:
            formatter.write(f"{title}:\n")
        for one in everyday:
            spec, text = record_of(one, ctx)
            formatter.write(f"  {spec:{left}}  {text}\n")
        if more:
            names = " ".join(max(one.opts, key=len) for one in more)
            formatter.write_text(f"  and {names}" if everyday else f"{title}: {names}")
    formatter.write(f"All options, explained: {ctx.command_path} --help-all\n")


def _write_all(groups: Iterable[Group], ctx: click.Context, formatter: click.HelpFormatter) -> None:
    for title, everyday, more in groups:
        with formatter.section(title):
            formatter.write_dl([record_of(one, ctx) for one in (*everyday, *more)])


def pages(root: click.Group, ctx: click.Context) -> Iterator[tuple[click.Context, click.Command]]:
    """Every command of a group with a context of its own."""
    for name in root.list_commands(ctx):
        command = root.get_command(ctx, name)
        if command is not None and not command.hidden:
            yield click.Context(command, info_name=name, parent=ctx), command
