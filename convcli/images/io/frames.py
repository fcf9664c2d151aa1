"""Frames and pages by name: `a.tif[3]`, `a.gif[0:10]`, `-[0]`, counted from 0 as Python counts.

A file whose own name ends so is that file.
"""

import os
import re
from typing import NamedTuple

from convcli.errors import PictureError
from convcli.text import counted

NAMED = re.compile(r"(.+)\[(-?\d{1,6})?(:)?(-?\d{1,6})?\]", re.DOTALL)


class Source(NamedTuple):
    """A file, or "-" for stdin, and which of its frames are named; no text where all are."""

    file: str
    frames: str = ""

    @property
    def stem(self) -> str:
        """What a result is named after.

        >>> Source("in/a.tif", ":10").stem, Source("a.tif", "3").stem, Source("in/a.tif").stem
        ('a-0-10', 'a-3', 'a')
        """
        stem = os.path.splitext(os.path.basename(self.file))[0]
        first, colon, last = self.frames.partition(":")
        frames = f"{first or 0}-{last or 'end'}" if colon else first
        return f"{stem}-{frames}" if frames else stem

    @property
    def suffix(self) -> str:
        return os.path.splitext(self.file)[1]

    def numbers(self, count: int) -> range:
        """The frames that are named of so many.

        >>> Source("a.gif", "1:").numbers(3), Source("a.gif", "-1").numbers(3)
        (range(1, 3), range(2, 3))

        Raises PictureError where there are none.
        """
        if not self.frames:
            return range(count)
        first, colon, last = self.frames.partition(":")
        begin = int(first or 0)
        end = int(last) if last else None if colon or begin == -1 else begin + 1
        numbers = range(count)[begin:end]
        if not numbers or (not colon and not -count <= begin < count):
            raise PictureError(
                f"it holds {counted(count, 'frame')}, counted from 0: there is no [{self.frames}]"
            )
        return numbers


def source_of(name: str) -> Source:
    """The file and the frames that a name means.

    >>> source_of("-[2]"), source_of("photos/*.[jp]pg")
    (Source(file='-', frames='2'), Source(file='photos/*.[jp]pg', frames=''))
    """
    match = NAMED.fullmatch(name) if name.endswith("]") else None
    if match is None or os.path.lexists(name):
        return Source(name)
    file, first, colon, last = match.groups("")
    named = f"{first}{colon}{last}"
    if not (first or last) or (last and not colon) or not (file == "-" or os.path.isfile(file)):
        return Source(name)
    return Source(file, named)
