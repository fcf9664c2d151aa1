"""Words of a command line told apart: pictures, and the layers or the network behind them."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from convcli.errors import PictureError, SpecError
from convcli.images.io.atomic import files_named
from convcli.images.io.listing import READABLE, pictures_in
from convcli.nets.readers.read import is_source
from convcli.nets.readers.vocabulary.registry import names_of
from convcli.nets.zoo import NAMES
from convcli.text import safe


def split_words(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Pictures, and the layers or the network behind them.

    >>> split_words(["cat.jpg", "dog.png", "conv:16,5", "relu"])
    (('cat.jpg', 'dog.png'), ('conv:16,5', 'relu'))
    """
    for place, word in enumerate(words):
        if is_layer(word, bool(place)):
            return tuple(words[:place]), tuple(words[place:])
    return tuple(words), ()


def is_layer(word: str, behind: bool) -> bool:
    """Whether a word is a layer or a network, not a picture; `behind` pictures, if in doubt."""
    if word.lower().endswith(tuple(READABLE)) or word == "-":
        return False
    if re.search(r"\.(net|txt|py(:.+)?)$", word) or re.match(r"\s*[A-Za-z][\w.]*\s*[:(=]", word):
        return not os.path.exists(word) or is_source(word)
    if os.path.exists(word) or os.sep in word:
        return False
    return behind or word in NAMES or word in names_of("short")


def files_read(paths: Sequence[str], words: Sequence[str], options: Mapping[str, Any]) -> list[str]:
    """All files that a run reads: pictures, a network, weights, a saved run or set.

    Raises SpecError where stdin would have to be two of them.
    """
    given = [options[name] for name in ("net", "like", "weights", "among")]
    if [*paths, *given, options["files_from"]].count("-") > 1:
        raise SpecError("standard input is a picture, a list of pictures or a network, not two")
    return [*paths, *files_named([*words, *given])]


def pictures_of(words: Sequence[str]) -> tuple[str, ...]:
    """Paths of pictures, a folder standing for those in it, sorted by name."""
    found: list[str] = []
    for word in words:
        if os.path.isdir(word):
            inside = [path for path, _ in pictures_in(word)]
            if not inside:
                raise PictureError(f"{safe(word)} holds no pictures")
            found += inside
        else:
            found.append(word)
    if not found:
        raise SpecError("name a picture, or pipe one in as -")
    if found.count("-") > 1:
        raise SpecError("standard input holds one picture, not several")
    return tuple(found)
