"""The proof that an output is finished, so that a batch that is resumed may skip it."""

import os
from zipfile import ZipFile
from zlib import crc32

import numpy as np

from convcli.batch.jobs import Done
from convcli.errors import OutputError, PictureError, Refusal
from convcli.images.io.formats import FLOAT_SUFFIXES, FORMATS, suffix_of
from convcli.images.io.read import open_picture, record_in
from convcli.images.io.source import source_of
from convcli.text import safe

RECIPE_UNKNOWN = "its recipe is unknown, because its format stores none; --force makes it again"


def finished_before(target: str, source: str, record: str) -> Done | None:
    """That a task is skipped, as its output is complete, made as the record says, and up to date.

    Complete is what decodes to its end: results appear under their names when they are written and
    not before, so that only what happened to them later can have broken them. PNGs are read with
    their checksums. Formats without a record are taken to be made so, with a note. None where the
    task is to be done. Raises OutputError for a complete output of another recipe, which must not
    be overwritten.
    """
    try:
        output, input_ = os.stat(target), os.stat(source_of(source).file)
    except OSError:
        return None
    if output.st_mtime_ns < input_.st_mtime_ns:
        return None
    if suffix_of(target) in FLOAT_SUFFIXES:
        return Done("skipped", (RECIPE_UNKNOWN,)) if _is_complete_array(target) else None
    try:
        picture = open_picture(target, every_kind=True)
        if picture.format == "PNG":
            _check_sums(target)
    except Refusal:
        return None
    if not FORMATS[picture.format].record:
        return Done("skipped", (RECIPE_UNKNOWN,))
    if record_in(target) != record:
        raise OutputError(
            f"{safe(target)} already exists and was made otherwise; --force overwrites it"
        )
    return Done("skipped")


def _check_sums(path: str) -> None:
    """Raise PictureError where a PNG's checksums are wrong, which decoding lets pass."""
    with open(path, "rb") as stream:
        stream.seek(8)
        while head := stream.read(8):
            length = int.from_bytes(head[:4])
            body = stream.read(length)
            if int.from_bytes(stream.read(4)) != crc32(body, crc32(head[4:])):
                raise PictureError(f"{safe(path)}: a checksum is wrong")


def _is_complete_array(path: str) -> bool:
    try:
        if suffix_of(path) == ".pfm":
            with open(path, "rb") as stream:
                kind, size, _ = (stream.readline(64) for _ in range(3))
                width, height = map(int, size.split())
                need = width * height * (12 if kind == b"PF\n" else 4)
                return os.path.getsize(path) == stream.tell() + need
        if suffix_of(path) == ".npy":
            np.load(path, mmap_mode="r", allow_pickle=False)
            return True
        with ZipFile(path) as archive:
            return archive.testzip() is None
    except Exception:  # whatever is wrong with it, it is not complete
        return False
