"""The pictures of a batch: files, folders, globs and lists, in the given order."""

import os
import sys
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from glob import glob, has_magic, iglob
from re import finditer

from convcli.errors import PictureError, SpecError
from convcli.images.io.formats import UNREAD_SUFFIXES, readable_suffixes, suffix_of
from convcli.images.io.source import source_of
from convcli.output import note
from convcli.records import NamedTuple
from convcli.text import safe

MAX_LIST_BYTES = 2**28
"""Bytes of a list of names."""


class Input(NamedTuple):
    """A picture to read, and its folder below the given one."""

    path: str
    parent: str = ""


def is_glob(word: str) -> bool:
    """Whether a word is a pattern that matches files, and no file itself.

    >>> is_glob("/*"), is_glob("cat.jpg")
    (True, False)
    """
    return has_magic(word) and not os.path.lexists(word) and any(iglob(word, recursive=True))


def gathered(
    words: Sequence[str],
    recursive: bool = False,
    files_from: str | None = None,
    null: bool = False,
    skip: str | None = None,
) -> list[Input]:
    """All pictures that arguments name and a list holds.

    A folder stands for the pictures in it, by their suffixes and in the order of their names; with
    `recursive` for those in its folders too, links to folders not followed, and without the folder
    `skip`, where results go. A glob stands for what matches it. Raises PictureError for a folder
    without pictures, SpecError for a list that cannot be read.
    """
    inputs: list[Input] = []
    for word in words:
        if os.path.isdir(word):
            unread: Counter[str] = Counter()
            inside = list(pictures_in(word, recursive, skip, unread))
            left = [
                f"{count:,} {suffix} skipped: {UNREAD_SUFFIXES[suffix].advice}"
                for suffix, count in sorted(unread.items())
            ]
            if not inside:
                deeper = "" if recursive else "; --recursive looks in its folders too"
                raise PictureError("; ".join([f"{safe(word)} holds no pictures{deeper}", *left]))
            for text in left:
                note(f"{safe(word)}: {text}")
            inputs += inside
        elif source_of(word).frames:
            inputs.append(Input(word))
        elif is_glob(word):
            matches = sorted(glob(word, recursive=True))
            inputs += [Input(match) for match in matches if not os.path.isdir(match)]
        elif word.endswith(os.sep) or (has_magic(word) and not os.path.lexists(word)):
            none = "No such file or directory" if word.endswith(os.sep) else "it matches no file"
            raise PictureError(f"{safe(word)} cannot be read: {none}")
        else:
            inputs.append(Input(word))
    if files_from is not None:
        if files_from == "-" and "-" in words:
            raise SpecError("stdin cannot be a picture and the list of pictures")
        inputs += [Input(name) for name in _listed(files_from, null)]
    if not inputs:
        raise PictureError("no picture is named")
    if any(source_of(item.path).file == "-" for item in inputs) and len(inputs) > 1:
        raise SpecError("stdin (-) is one picture; it cannot be part of a batch")
    return inputs


def check_there(paths: Sequence[str]) -> None:
    """Raise PictureError for pictures that are not there; `-` is standard input."""
    missing = [path for path in paths if path != "-" and not os.path.exists(path)]
    if missing:
        more = f", and {len(missing) - 1} more" if missing[1:] else ""
        raise PictureError(f"{safe(missing[0])}{more}: there is no such picture")


def pictures_in(
    folder: str,
    recursive: bool = False,
    skip: str | None = None,
    unread: Counter[str] | None = None,
) -> Iterator[Input]:
    """The pictures of a folder, by their suffixes, in the order of their names.

    Hidden files are left out. With `recursive` those in its folders come too, links to folders not
    followed, without hidden folders and the folder `skip`. `unread` counts the suffixes of pictures
    that are not read. Raises PictureError for a folder that cannot be read.
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
            if not name.startswith(".") and suffix_of(name) in readable_suffixes():
                yield Input(os.path.join(here, name), "" if parent == "." else parent)
            elif unread is not None and suffix_of(name) in UNREAD_SUFFIXES:
                unread[suffix_of(name)] += not name.startswith(".")


def _listed(path: str, null: bool) -> list[str]:
    """The names in a file, or on stdin for "-": one per line, or ended by zero bytes."""
    if path == "-" and sys.stdin is None:
        raise SpecError("standard input is closed; pipe the list in, or name its file")
    try:
        with nullcontext(sys.stdin.buffer) if path == "-" else open(path, "rb") as stream:
            data = stream.read(MAX_LIST_BYTES + 1)
    except OSError as error:
        raise SpecError(f"the list {safe(path)} cannot be read: {error.strerror}") from None
    if len(data) > MAX_LIST_BYTES:
        raise SpecError(f"the list {safe(path)} has more than {MAX_LIST_BYTES:,} bytes")
    data = data.removeprefix(BOM_UTF8)
    if not null and b"\0" in data:
        raise SpecError(f"the list {safe(path)} holds zero bytes; -0 reads such lists")
    # a list of empty names is not a list of names, which `split` would make of it
    names = finditer(rb"[^\0]+" if null else rb"[^\r\n]+", data)
    return [os.fsdecode(name[0]) for name in names]
