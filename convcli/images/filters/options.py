"""The options of a filter, by the names that `convcli filter` gives them.

This file does without NumPy, as the command line does.
"""

import json
from types import NoneType
from typing import Literal, get_args, get_origin

from convcli.errors import SpecError
from convcli.options import Options

Channels = Literal["rgb", "luma", "each"]
Normalization = Literal["sum", "abs", "none"]
Pair = tuple[int, int]


class FilterOptions(Options):
    """Kernels as text, what is done to them, and how their responses become samples.

    >>> FilterOptions(kernels=("sobel",), stride=(2, 2)).border
    'edge'
    """

    kernels: tuple[str, ...] = ()
    iterations: int = 1
    flip: bool = False
    transpose: bool = False
    rotate: int = 0
    scale: str = "1"
    normalize: Normalization = "none"
    anchor: Pair | None = None
    dilation: Pair = (1, 1)
    border: str = "edge"
    stride: Pair = (1, 1)
    channels: Channels = "rgb"
    gray: bool = False
    linear: bool = False
    range: str = "auto"
    bias: str = "0"
    amount: str = "1"
    exact: bool = False
    threshold: str = ""
    region: str = ""
    masked: str = ""
    """The digest of the mask that said where to filter; no record holds the mask itself."""

    def validate(self) -> None:
        """Raise SpecError for a value of another type than its option has, or below its minimum.

        >>> FilterOptions(stride=(0, 1)).validate()
        Traceback (most recent call last):
            ...
        convcli.errors.SpecError: stride (0, 1) is not two integers of at least 1
        """
        for name, kind in FilterOptions.__annotations__.items():
            value, minimum = getattr(self, name), MINIMA.get(name)
            if not _is_of(value, kind, minimum):
                bound = "" if minimum is None else f" of at least {minimum}"
                raise SpecError(f"{name} {value!r:.40} is not {_described(kind)}{bound}")

    def record(self) -> str:
        """One line of JSON, in ASCII: the kernels, and the options that have not their defaults.

        Nothing where kernels have no text, and so results no record.

        >>> FilterOptions(kernels=("sobel",), border="wrap").record()
        '{"convcli": 1, "kernels": ["sobel"], "border": "wrap"}'
        """
        if not self.kernels:
            return ""
        values = {name: getattr(self, name) for name in RECORDED}
        changed = {k: value for k, value in values.items() if value != getattr(FilterOptions, k)}
        return json.dumps({"convcli": SCHEMA, "kernels": list(self.kernels), **changed})


FIXED = ("auto", "clip", "abs", "signed")
"""Ranges that are known before the picture is; the others look at every response first."""

STRETCHED = ("stretch", "pct", "between")
"""Ranges that draw two responses apart, to black and to white. "between" has `low` and `high`: what
the others find where several pictures are stretched alike."""

SCHEMA = 1
"""Of the record of options that results hold."""

RECORDED = tuple(name for name in FilterOptions.__annotations__ if name != "kernels")
"""The options that a record holds beside the kernels."""

MINIMA = {"iterations": 1, "dilation": 1, "stride": 1, "anchor": 0}
"""The minimum of each integer option that has one."""


def _is_of(value: object, kind: object, minimum: int | None) -> bool:
    """Whether a value is of a type: a plain one, a Literal, a tuple, or one of several."""
    arguments = get_args(kind)
    if get_origin(kind) is Literal:
        return value in arguments
    if get_origin(kind) is tuple:
        if not isinstance(value, tuple):
            return False
        kinds = arguments[:1] * len(value) if arguments[1] is ... else arguments
        return len(value) == len(kinds) and all(map(_is_of, value, kinds, [minimum] * len(kinds)))
    if arguments:
        return any(_is_of(value, one, minimum) for one in arguments)
    return type(value) is kind and (
        minimum is None or not isinstance(value, int) or value >= minimum
    )


def _described(kind: object) -> str:
    """A type in words."""
    *first, last = map(str, get_args(kind)) if get_origin(kind) is Literal else ("",)
    if last:
        return f"{', '.join(first)} or {last}"
    if get_origin(kind) is tuple:
        return "texts" if get_args(kind)[0] is str else "two integers"
    words = {int: "an integer", bool: "true or false", str: "text", NoneType: "nothing"}
    return " or ".join(words.get(one, "two integers") for one in get_args(kind) or (kind,))


def read_record(text: str, name: str) -> FilterOptions:
    """The options of a record that has a name.

    >>> read_record('{"convcli": 1, "kernels": ["sobel"], "border": "wrap"}', "the record").border
    'wrap'

    Raises SpecError for what is not a record of ours.
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or not isinstance(fields.get("kernels"), list):
        raise SpecError(f"{name} cannot be read")
    if fields.pop("convcli", None) != SCHEMA or not set(fields) <= {"kernels", *RECORDED}:
        raise SpecError(f"{name} is of another version of convcli")
    values = {k: tuple(value) if isinstance(value, list) else value for k, value in fields.items()}
    options = FilterOptions.of(values)
    try:
        options.validate()
    except SpecError as error:
        raise SpecError(f"{name} cannot be read: {error}") from None
    if any(spec.startswith("@") for spec in options.kernels):
        raise SpecError(f"{name} names files, which no record of convcli does")
    return options
