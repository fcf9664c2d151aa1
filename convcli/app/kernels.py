"""`convcli kernels`: the catalogue, one kernel in full, or a picture under every kernel."""

from convcli.app.options import KernelsOptions
from convcli.drawing.kernel_gallery import gallery
from convcli.errors import SpecError
from convcli.images.io.atomic import check_free
from convcli.images.io.formats import format_of
from convcli.images.io.read import open_picture
from convcli.images.io.write import write_picture
from convcli.images.kernels.listing import catalogue_listing, kernel_listing
from convcli.output import path
from convcli.tables import show


def kernels(options: KernelsOptions) -> None:
    """Print the catalogue or one kernel, or draw the gallery. Raises a Refusal."""
    if options.gallery is not None:
        if options.name is not None:
            raise SpecError("--gallery draws every kernel; name none, or leave it out")
        _draw_gallery(options.gallery, options.output or "gallery.png", options.force)
        return
    if options.output is not None:
        raise SpecError("-o goes with --gallery")

    result = catalogue_listing() if options.name is None else kernel_listing(options.name)
    show(result, options.format_, options.quiet)


def _draw_gallery(picture: str, target: str, force: bool) -> None:
    check_free([target], force, picture)
    if target != "-":
        format_of(target)
    write_picture(gallery(open_picture(picture)), target, force)
    if target != "-":
        path(target)
