"""`convcli kernels`: which kernels have names, and what are they?"""

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
def kernels_command(
    name: str | None,
    gallery: str | None,
    output: str | None,
    force: bool,
    format_: str | None,
    quiet: bool,
) -> None:
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
    from convcli.errors import SpecError
    from convcli.output import path
    from convcli.tables import show

    if gallery is not None:
        from convcli.draw.kernel_gallery import gallery as sheet
        from convcli.images.io.formats import format_of
        from convcli.images.io.read import check_free, open_picture
        from convcli.images.io.write import write_picture

        if name is not None:
            raise SpecError("--gallery draws every kernel; name none, or leave it out")
        target = output or "gallery.png"
        check_free([target], force, gallery)
        if target != "-":
            format_of(target)
        write_picture(sheet(open_picture(gallery)), target, force)
        if target != "-":
            path(target)
        return
    if output is not None:
        raise SpecError("-o goes with --gallery")
    from convcli.images.kernels.listing import Catalogue, Shown

    show(Catalogue() if name is None else Shown(name), format_, quiet)
