"""Which pictures a batch is of: files, folders, globs and lists, in the order they are named."""

import os
import sys
from codecs import BOM_UTF8
from collections.abc import Sequence
from glob import glob, has_magic, iglob
from typing import NamedTuple

from convcli.errors import PictureError, SpecError
from convcli.images.io.listing import pictures_in
from convcli.text import safe

LONGEST_LIST = 2**30
"""Bytes of a list of names."""


class Input(NamedTuple):
    """A picture to read, and the folder it stands in below the folder that was named."""

    path: str
    parent: str = ""


def is_batch(words: Sequence[str]) -> bool:
    """Whether words name more than one plain file or stdin.

    >>> is_batch(["cat.jpg"]), is_batch(["-"]), is_batch(["a.jpg", "b.jpg"]), is_batch(["/"])
    (False, False, True, True)
    """
    return len(words) != 1 or os.path.isdir(words[0]) or _is_glob(words[0])


def _is_glob(word: str) -> bool:
    return has_magic(word) and not os.path.lexists(word) and any(iglob(word, recursive=True))


def gathered(
    words: Sequence[str],
    recursive: bool = False,
    files_from: str | None = None,
    null: bool = False,
    skip: str | None = None,
) -> list[Input]:
    """All the pictures that words name and a list holds.

    A folder stands for the pictures in it, by their suffixes and in the order of their names; with
    `recursive` for those in its folders too, links to folders not followed, and without the folder
    `skip`, where results go. A glob stands for what matches it. Raises PictureError for a folder
    without pictures, SpecError for a list that cannot be read.
    """
    found: list[Input] = []
    for word in words:
        if os.path.isdir(word):
            inside = [Input(*found) for found in pictures_in(word, recursive, skip)]
            if not inside:
                deeper = "" if recursive else "; --recursive looks in its folders too"
                raise PictureError(f"{safe(word)} holds no pictures{deeper}")
            found += inside
        elif _is_glob(word):
            found += [
                Input(match)
                for match in sorted(glob(word, recursive=True))
                if not os.path.isdir(match)
            ]
        elif word.endswith(os.sep) or (has_magic(word) and not os.path.lexists(word)):
            none = "No such file or directory" if word.endswith(os.sep) else "it matches no file"
            raise PictureError(f"{safe(word)} cannot be read: {none}")
        else:
            found.append(Input(word))
    if files_from is not None:
        if files_from == "-" and "-" in words:
            raise SpecError("stdin cannot be a picture and the list of pictures")
        found += [Input(name) for name in _listed(files_from, null)]
    if not found:
        raise PictureError("no picture is named")
    if any(one.path == "-" for one in found) and len(found) > 1:
        raise SpecError("stdin (-) is one picture; it cannot be one of many")
    return found


def _listed(path: str, null: bool) -> list[str]:
    """The names in a file, or on stdin for "-": one a line, or ended by zero bytes."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read(LONGEST_LIST + 1)
        else:
            with open(path, "rb") as stream:
                data = stream.read(LONGEST_LIST + 1)
    except OSError as error:
        raise SpecError(f"the list {safe(path)} cannot be read: {error.strerror}") from None
    if len(data) > LONGEST_LIST:
        raise SpecError(f"the list {safe(path)} has more than {LONGEST_LIST:,} bytes")
    data = data.removeprefix(BOM_UTF8)
    names = data.split(b"\0") if null else data.splitlines()
    if not null and b"\0" in data:
        raise SpecError(f"the list {safe(path)} holds zero bytes; -0 reads such lists")
    return [os.fsdecode(name) for name in names if name]
