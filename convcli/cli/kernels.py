"""`convcli kernels`: which kernels have names, and what are they?"""

import click

from convcli.app.options import KernelsOptions
from convcli.cli.help import group, option, page, takes
from convcli.cli.params import (
    FILE,
    KERNEL,
    PICTURE,
    force_option,
    format_option,
    quiet_option,
)


@page("kernels")
@click.argument("name", required=False, type=KERNEL, metavar="[KERNEL]")
@group(
    "Output",
    option("--gallery", type=PICTURE, help="Draw PICTURE under every kernel, on one sheet."),
    option("-o", "--output", type=FILE, help="File of the gallery.  [gallery.png]"),
    force_option,
    format_option,
    quiet_option(help="Print only the names."),
)
@takes(KernelsOptions)
def kernels_command(options: KernelsOptions) -> None:
    """List the named kernels, or show one in full.

    \b
    convcli kernels
    convcli kernels sobel
    convcli kernels "gaussian(sigma=2, size=9)" --format json
    convcli kernels --gallery cat.jpg -o gallery.png

    A KERNEL may be any matrix or @file too. Matrices are printed as they are used: as drawn
    (cross-correlation). Weights that are not rational by nature are multiples of 2^-18 per axis,
    2^-22 per matrix. JSON, CSV and TSV hold all weights exactly; -k @FILE reads them.
    """
    from convcli.app.kernels import kernels

    kernels(options)
