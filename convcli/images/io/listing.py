"""Which files of a folder are taken for pictures: by their suffix, in the order of their names."""

import os
from collections.abc import Iterator

from convcli.errors import PictureError
from convcli.text import safe

READABLE = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".gif", ".webp", ".bmp"}
    | {".tif", ".tiff", ".pgm", ".ppm", ".pnm"}
)
"""Suffixes of the files that are taken from a folder."""


def pictures_in(
    folder: str, recursive: bool = False, skip: str | None = None
) -> Iterator[tuple[str, str]]:
    """The pictures of a folder, each with the folder it stands in below that one ("" at its top).

    Hidden files are left out. With `recursive` those in its folders come too, links to folders not
    followed, without hidden folders and the folder `skip`. Raises PictureError for a folder that
    cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise PictureError(f"{safe(error.filename)} cannot be read: {error.strerror}")

    avoided = os.path.realpath(skip) if skip else None
    for here, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(
            name
            for name in folders
            if recursive
            and not name.startswith(".")
            and os.path.realpath(os.path.join(here, name)) != avoided
        )
        parent = os.path.relpath(here, folder)
        for name in sorted(names):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in READABLE:
                yield os.path.join(here, name), "" if parent == "." else parent
