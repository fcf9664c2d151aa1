"""`convcli zoo`: the networks that come with the tool, in its own notation."""

import click

from convcli.options import ZOO, Reads, format_option
from convcli.page import group, option, page


@page("zoo")
@click.argument("name", required=False, type=Reads("NAME", names=[ZOO]), metavar="[NAME]")
@group(
    "Output",
    format_option,
    option("-q", "--quiet", is_flag=True, help="Print the names alone."),
)
def zoo_command(name: str | None, format_: str | None, quiet: bool) -> None:
    """List the networks that come with the tool, or print one.

    \b
    convcli zoo
    convcli zoo resnet50
    convcli zoo resnet50 > my.net && convcli shape my.net --input 256
    """
    from convcli.nets.zoo import Listing, zoo_text
    from convcli.report import line, show

    if name is None:
        show(Listing(), format_, quiet)
    else:
        line(zoo_text(name).rstrip())
