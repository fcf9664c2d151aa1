"""`convcli layers`: which layers does the notation have, and what are they called elsewhere?"""

import click

from convcli.cli.help import group, page
from convcli.cli.params import LAYER_NAMES, Reads, format_option, quiet_option
from convcli.tables import show


@page("layers")
@click.argument("name", required=False, type=Reads("NAME", names=[LAYER_NAMES]), metavar="[NAME]")
@group(
    "Output",
    format_option,
    quiet_option(help="Print only the names."),
)
def layers_command(name: str | None, format_: str | None, quiet: bool) -> None:
    """List the layers of the notation, or show one with its formulas.

    \b
    convcli layers
    convcli layers conv
    convcli layers MaxPool2d
    convcli layers --format json

    Arguments are written as in conv(8, 3, stride=2), with their defaults. Names of
    PyTorch and Keras are those that build the same type of layer; they are known here too.
    """
    from convcli.nets.readers.vocabulary.listing import description, listing

    show(listing() if name is None else description(name), format_, quiet)
