"""`convcli zoo`: the networks that come with the tool, and their text."""

import click

from convcli.cli.help import group, page
from convcli.cli.params import ZOO, Reads, format_option, quiet_option
from convcli.output import line
from convcli.tables import show


@page("zoo")
@click.argument("name", required=False, type=Reads("NAME", names=[ZOO]), metavar="[NAME]")
@group(
    "Output",
    format_option,
    quiet_option(help="Print only the names."),
)
def zoo_command(name: str | None, format_: str | None, quiet: bool) -> None:
    """List the networks that come with the tool, or print one.

    \b
    convcli zoo
    convcli zoo resnet50
    convcli zoo resnet50 > my.net && convcli shape my.net --input 256
    """
    from convcli.nets.zoo import listing, zoo_text

    if name is None:
        show(listing(), format_, quiet)
    else:
        line(zoo_text(name).rstrip())
