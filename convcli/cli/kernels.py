"""`convcli kernels`: which kernels have names, and what are they?"""

from typing import Any

import click

from convcli.cli.help import group, option, page
from convcli.cli.params import FILE, KERNEL, PICTURE, force_option, format_option


@page("kernels")
@click.argument("name", required=False, type=KERNEL, metavar="[KERNEL]")
@group(
    "Output",
    option("--gallery", type=PICTURE, help="Draw PICTURE under every kernel, on one sheet."),
    option("-o", "--output", type=FILE, help="Where the gallery goes.  [gallery.png]"),
    force_option,
    format_option,
    option("-q", "--quiet", is_flag=True, help="Print the names alone."),
)
def kernels_command(**options: Any) -> None:
    """List the kernels that have names, or show one in full.

    \b
    convcli kernels
    convcli kernels sobel
    convcli kernels "gaussian(sigma=2, size=9)" --format json
    convcli kernels --gallery cat.jpg -o gallery.png

    A KERNEL may be any matrix too. Matrices stand as they are used, as drawn: cross-correlation.
    Weights that are not rational by nature are multiples of 2^-18 an axis, 2^-22 a matrix, and are
    printed so in JSON, exactly.
    """
    from convcli.app.kernels import KernelsOptions, kernels

    kernels(KernelsOptions(**options))
