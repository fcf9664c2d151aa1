r"""How a command is declared, and the help that is printed of it: one screen, or all of it.

    @page("solve")
    @group("Lengths", option("--input", …), option("--kernel", …), more=[option("--dilation", …)])
    @takes(SolveOptions)
    def solve_command(options: SolveOptions) -> None:

The docstring (one sentence, examples after a `\b`, then paragraphs) and the groups of options are
the source of both helps and of the manual page. `--help` fits a terminal of 80×24 with a prompt
below it: examples first, then one line per everyday option, and the names of all others.
`--help-all` explains every option and prints the paragraphs, as the manual page does.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial, wraps
from inspect import cleandoc
from typing import TypeVar

import click

from convcli.options import Options, is_unset
from convcli.records import NamedTuple

Body = TypeVar("Body", bound=Callable[..., None])
Record = TypeVar("Record", bound=Options)
Decorator = Callable[[Callable[..., None]], Callable[..., None]]

OTHERS = "Help"
"""The title of the options that no command declares."""


class Option(click.Option):
    """An option with its place in the help."""

    group = OTHERS
    everyday = False


option = partial(click.option, cls=Option)
"""`click.option` for commands that are pages."""


def group(
    title: str, *everyday: Decorator, more: Iterable[Decorator] = ()
) -> Callable[[Body], Body]:
    """Options as one decorator, in the order they are written, under one title of the help."""
    declared = [(declare, True) for declare in everyday] + [(declare, False) for declare in more]

    def add(body: Body) -> Body:
        for declare, daily in reversed(declared):
            declare(body)
            added: Option = vars(body)["__click_params__"][-1]  # where click keeps them
            added.group, added.everyday = title, daily
        return body

    return add


def takes(record: type[Record]) -> Callable[[Callable[[Record], None]], Callable[..., None]]:
    """Hand a command its arguments and options as one record, which has the defaults."""

    def add(body: Callable[[Record], None]) -> Callable[..., None]:
        @wraps(body)
        def command(**values: object) -> None:
            given = {name: value for name, value in values.items() if not is_unset(value)}
            body(record(**given))

        return command

    return add


class Parts(NamedTuple):
    """The parts of a docstring: its sentence, its lines of examples, its paragraphs."""

    summary: str
    examples: tuple[str, ...]
    paragraphs: tuple[str, ...]


class Group(NamedTuple):
    """The options under one title: the everyday ones, and the others."""

    title: str
    everyday: list[click.Option]
    more: list[click.Option]


class Page(click.Command):
    """A command whose help is a screen."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse argv, where `-:Name` and `-[3]`, parts of stdin, are words and no options."""
        takes_value = {
            name
            for param in self.params
            if isinstance(param, click.Option) and not (param.is_flag or param.count)
            for name in param.opts
        }
        words = [
            number
            for number, (before, word) in enumerate(zip(["", *args], args, strict=False))
            if word.startswith(("-:", "-[")) and before not in takes_value
        ]
        if words and "--" not in args:
            rest = [word for number, word in enumerate(args) if number not in words]
            args = [*rest, "--", *(args[number] for number in words)]
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # Click forgets it where an option lacks its value
            raise

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        params = super().get_params(ctx)
        json = [JSON] if any(param.name == JSON.name for param in params) else []
        return [*params, *json, COLOR, HELP_ALL]

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
    """Write what both helps begin with: usage, the sentence, the examples."""
    parts = parts_of(command)
    command.format_usage(ctx, formatter)
    formatter.write_text(parts.summary)
    formatter.write("\n" + "".join(f"  {line}\n" for line in parts.examples))


EVERYTHING = "convcli.cli.help.everything"
"""The key by which a context says that all options are to be printed."""


def _show_all(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.meta[EVERYTHING] = True
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


def _set_color(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    """Set the variables that Rich and its kin obey, until the command is over."""
    if value in (None, "auto") or ctx.resilient_parsing:
        return
    before = {name: os.environ.pop(name, None) for name in ("FORCE_COLOR", "NO_COLOR")}
    os.environ["FORCE_COLOR" if value == "always" else "NO_COLOR"] = "1"

    def restore() -> None:
        for name, text in before.items():
            os.environ.pop(name, None)
            if text is not None:
                os.environ[name] = text

    ctx.call_on_close(restore)


COLOR = Option(
    ["--color"],
    type=click.Choice(["auto", "always", "never"]),
    is_eager=True,
    expose_value=False,
    callback=_set_color,
    help="Use color: on a terminal, always or never. [auto]",
)

JSON = Option(["--json", "format_"], flag_value="json", help="The same as --format json.")

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
    groups: dict[str, Group] = {}
    for param in command.get_params(ctx):
        if isinstance(param, click.Option):
            title, daily = getattr(param, "group", OTHERS), getattr(param, "everyday", False)
            members = groups.setdefault(title, Group(title, [], []))
            (members.everyday if daily else members.more).append(param)
    return list(groups.values())


def record_of(option: click.Option, ctx: click.Context) -> tuple[str, str]:
    """The left and the right column of an option in a list of options."""
    return option.get_help_record(ctx) or ("", "")


def _write_screen(
    groups: Iterable[Group], ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    """Write one line per everyday option, and the names of the others after them."""
    from textwrap import wrap  # not on the way of a command that runs

    groups = [group for group in groups if group.title != OTHERS]
    daily = [option for group in groups for option in group.everyday]
    width = max((len(record_of(option, ctx)[0]) for option in daily), default=0)
    formatter.write_paragraph()
    for title, everyday, more in groups:
        if everyday:
            formatter.write(f"{title}:\n")
        for option in everyday:
            spec, text = record_of(option, ctx)
            formatter.write(f"  {spec:{width}}  {text}\n")
        if more:
            names = " ".join(max(option.opts, key=len) for option in more)
            text = f"  and {names}" if everyday else f"{title}: {names}"
            indent = "  " if everyday else ""
            for line in wrap(
                text, formatter.width, subsequent_indent=indent, break_on_hyphens=False
            ):
                formatter.write(f"{line}\n")
    formatter.write(f"All options, explained: {ctx.command_path} --help-all\n")


def _write_all(groups: Iterable[Group], ctx: click.Context, formatter: click.HelpFormatter) -> None:
    for title, everyday, more in groups:
        with formatter.section(title):
            formatter.write_dl([record_of(option, ctx) for option in (*everyday, *more)])


def pages(root: click.Group, ctx: click.Context) -> Iterator[tuple[click.Context, click.Command]]:
    """Every command of a group, each after a context of its own."""
    for name in root.list_commands(ctx):
        command = root.get_command(ctx, name)
        if command is not None and not command.hidden:
            yield click.Context(command, info_name=name, parent=ctx), command
