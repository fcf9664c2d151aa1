"""`convcli samples`: the pictures and the network that the examples of the help name."""

import click

from convcli.cli.help import group, page
from convcli.cli.params import Reads, force_option


@page("samples")
@click.argument("folder", default=".", type=Reads("FOLDER", files=True), metavar="[FOLDER]")
@group("Output", force_option)
def samples_command(folder: str, force: bool) -> None:
    """Write the pictures and the network of the examples into a FOLDER.

    \b
    convcli samples
    convcli samples examples/

    The files are cat.jpg, chart.png, leaf.png, net.py and the notebook convcli.ipynb. A missing
    folder is created.
    """
    from convcli.app.samples import samples

    samples(folder, force)
