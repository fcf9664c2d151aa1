"""`convcli filter`: what does this kernel do to this picture?"""

import click

from convcli.options import force_option


@click.command("filter")
@click.argument("picture")
@click.option(
    "-k",
    "--kernel",
    "spec",
    required=True,
    metavar="KERNEL",
    help='A name (sobel, gaussian:2, "random(5, seed=1)") or a matrix ("0 -1 0; -1 5 -1; 0 -1 0").',
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to write; - is stdout.  [default: NAME.KERNEL.EXT here, stdout for stdin]",
)
@force_option
def filter_command(picture: str, spec: str, output: str | None, force: bool) -> None:
    """Filter PICTURE with a kernel, write the result and print its path. PICTURE - is stdin.

    \b
    convcli filter cat.jpg --kernel sobel
    convcli filter cat.jpg --kernel gaussian:2 -o soft.png
    cat cat.jpg | convcli filter - --kernel "0 -1 0; -1 5 -1; 0 -1 0" > crisp.jpg

    Kernels are used as drawn (cross-correlation), in floating point or exact integers, with the
    nearest pixel beyond the border. Names: identity, box, blur, gaussian, sharpen, edge,
    laplacian, emboss, sobel, sobel-x, sobel-y, prewitt, scharr, random.
    """
    from convcli.errors import safe
    from convcli.pictures.files import (
        check_free,
        format_of,
        open_picture,
        output_name,
        write_picture,
    )
    from convcli.pictures.filtering import filter_picture
    from convcli.pictures.kernels import kernel
    from convcli.report import note, path

    chosen = kernel(spec)
    target = output_name(picture, chosen.name) if output is None else output
    check_free([target], force, picture)
    if target != "-":
        format_of(target)
    opened = open_picture(picture)
    for line in opened.notes:
        note(f"{safe(picture)}: {line}")
    write_picture(filter_picture(opened, chosen), target, force)
    if target != "-":
        path(target)
