"""What the shell says of a filter, as a recipe; and the record that lets a result be made again."""

import json
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from convcli.borders import read_border
from convcli.errors import SpecError
from convcli.images.filters.output_range import read_range
from convcli.images.filters.spec import Recipe
from convcli.images.kernels import kernel as change
from convcli.images.kernels.kernel import Kernel
from convcli.images.kernels.parse import kernel, spec_text
from convcli.numerals import read_fraction, row_hints
from convcli.text import safe

SCHEMA = 1

MOST_KERNELS = 100
"""Kernels of one chain, iterations counted."""

FLOAT32 = 2.0**-20
"""What sums of float32 weights are off by, as a share of their magnitudes: a few of its steps."""

PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"II*\0", b"MM\0*", b"GIF8")
"""How the files begin that may hold a record."""

DEFAULTS: dict[str, Any] = {
    "iterations": 1,
    "flip": False,
    "transpose": False,
    "rotate": 0,
    "scale": "1",
    "normalize": "none",
    "anchor": None,
    "dilation": (1, 1),
    "border": "edge",
    "stride": (1, 1),
    "channels": "rgb",
    "gray": False,
    "linear": False,
    "range": "auto",
    "bias": "0",
    "amount": "1",
    "exact": False,
}
"""Every word of a recipe and what it is where nothing is said."""


class Asked(NamedTuple):
    """Kernels as text and all other words, of which a record holds those that are not defaults."""

    kernels: tuple[str, ...]
    words: Mapping[str, Any]

    @property
    def record(self) -> str:
        """One line of JSON, in ASCII, from which `-k @result.png` makes the same again."""
        said = {key: value for key, value in self.words.items() if value != DEFAULTS[key]}
        return json.dumps({"convcli": SCHEMA, "kernels": list(self.kernels), **said})


def replayed(specs: Iterable[str], words: Mapping[str, Any], given: set[str]) -> Asked:
    """The words of the shell, with those of records that stand for kernels.

    A word that the shell did not give is the record's.
    """
    chain: list[str] = []
    merged = dict(DEFAULTS) | dict(words)
    for spec in specs:
        record = _record(spec[1:]) if spec.startswith("@") else None
        if record is None:
            chain.append(spec if not spec.startswith("@") else spec_text(kernel(spec)))
            continue
        chain.extend(record.kernels)
        merged |= {key: value for key, value in record.words.items() if key not in given}
    return Asked(tuple(chain), merged)


def _record(path: str) -> Asked | None:
    try:
        with open(path, "rb") as stream:
            start = stream.read(4)
    except OSError:
        return None  # the kernel's own reader says what is wrong
    if not start.startswith(PICTURES):
        return None
    from convcli.images.io.read import record_in

    text = record_in(path)
    if text is None:
        raise SpecError(f"{safe(path)} says nothing of a kernel: no result of `convcli filter`")
    return read_record(text, path)


def read_record(text: str, path: str) -> Asked:
    """The words of a record.

    >>> read_record('{"convcli": 1, "kernels": ["sobel"], "border": "wrap"}', "a.png")
    Asked(kernels=('sobel',), words={'border': 'wrap'})
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    chain = found.pop("kernels", None) if isinstance(found, dict) else None
    if not isinstance(chain, list) or not all(isinstance(spec, str) for spec in chain):
        raise SpecError(f"the record in {safe(path)} cannot be read")
    if found.pop("convcli", None) != SCHEMA or not set(found) <= set(DEFAULTS):
        raise SpecError(f"the record in {safe(path)} is of another version of convcli")
    if any(spec.startswith("@") for spec in chain):
        raise SpecError(f"the record in {safe(path)} names files, which no record of ours does")
    words = {
        key: tuple(value) if isinstance(value, list) else value for key, value in found.items()
    }
    for key, value in words.items():
        kind = type(DEFAULTS[key]) if DEFAULTS[key] is not None else tuple
        whole = not isinstance(value, tuple) or (
            len(value) == 2 and all(type(one) is int for one in value)
        )
        if type(value) is not kind or not whole:
            raise SpecError(f"the record in {safe(path)} has a {key} that cannot be read")
    return Asked(tuple(chain), words)


def recipe_of(asked: Asked) -> Recipe:
    """The recipe that words mean. Raises SpecError for words that cannot be understood."""
    words = asked.words
    chain = [_changed(kernel(spec), words) for spec in asked.kernels] * words["iterations"]
    if not chain:
        raise SpecError("no kernel is given")
    if len(chain) > MOST_KERNELS:
        raise SpecError(f"{len(chain)} kernels in a chain are more than {MOST_KERNELS}")
    return Recipe(
        tuple(chain),
        read_border(words["border"]),
        words["stride"],
        words["channels"],
        words["gray"],
        words["linear"],
        read_range(words["range"]),
        read_fraction(words["bias"], "--bias"),
        read_fraction(words["amount"], "--amount"),
        words["exact"],
    )


def _changed(one: Kernel, words: Mapping[str, Any]) -> Kernel:
    if words["flip"]:
        one = change.flipped(one)
    if words["transpose"]:
        one = change.transposed(one)
    if words["rotate"]:
        one = change.rotated(one, words["rotate"])
    one = change.normalised(one, words["normalize"])
    one = change.scaled(one, read_fraction(words["scale"], "--scale"))
    if words["anchor"] is not None:
        one = change.anchored(one, words["anchor"])
    changed = change.dilated(one, words["dilation"])
    turned = words["scale"] != "1" or words["normalize"] != "none" or words["anchor"]
    return changed._replace(smooth=0.0) if turned else changed


def remarks(recipe: Recipe, asked: Asked) -> list[str]:
    """What may surprise: a matrix written by hand whose sum darkens or brightens the picture."""
    lines: list[str] = []
    for one, spec in zip(recipe.kernels, asked.kernels, strict=False):
        if not one.listed:
            lines += row_hints(*one.shape)
        if re.match(r"\s*[A-Za-z]", spec) or asked.words["normalize"] != "none":
            continue
        total = sum(float(abs(np.asarray(m)).sum()) * abs(scale) for m, scale in one.matrices())
        if min(abs(one.sum), abs(one.sum - 1)) > FLOAT32 * total:
            lines.append(
                f"the kernel's weights sum to {_short(one.sum)}, not to 0 or 1: "
                "--normalize sum keeps the brightness"
            )
    return list(dict.fromkeys(lines))


def _short(number: Fraction) -> str:
    return str(number) if len(str(number)) < 12 else f"{float(number):.9g}"
