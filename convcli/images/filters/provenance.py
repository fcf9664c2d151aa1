"""The record of how a result was made, from which `-k @result.png` makes the same again."""

import json

from convcli.errors import SpecError
from convcli.images.filters.options import FilterOptions
from convcli.images.io.formats import formats_beginning
from convcli.images.io.read import record_in
from convcli.images.kernels.parse import kernel, spec_text
from convcli.text import safe

SCHEMA = 1

RECORDED = tuple(name for name in FilterOptions.__annotations__ if name != "kernels")
"""The options that a record holds beside the kernels."""


def record_text(options: FilterOptions) -> str:
    """One line of JSON, in ASCII: the kernels, and the options that have not their defaults.

    >>> record_text(FilterOptions(kernels=("sobel",), border="wrap"))
    '{"convcli": 1, "kernels": ["sobel"], "border": "wrap"}'
    """
    values = {name: getattr(options, name) for name in RECORDED}
    changed = {k: value for k, value in values.items() if value != getattr(FilterOptions, k)}
    return json.dumps({"convcli": SCHEMA, "kernels": list(options.kernels), **changed})


def replayed(options: FilterOptions) -> FilterOptions:
    """The options with the files of kernels read, pictures among them: what made each is repeated.

    An option that was given counts, others are those of the pictures' records.
    """
    chain: list[str] = []
    values: dict[str, object] = {}
    for text in options.kernels:
        record = _record_at(text[1:]) if text.startswith("@") else None
        if record is None:
            chain.append(spec_text(kernel(text)) if text.startswith("@") else text)
        else:
            chain.extend(record.kernels)
            values |= {name: vars(record)[name] for name in record.given(*RECORDED)}
    values |= {name: vars(options)[name] for name in options.given(*RECORDED)}
    return FilterOptions.of({**values, "kernels": tuple(chain)})


def _record_at(path: str) -> FilterOptions | None:
    """The record of a picture; None for another file, whose reader says what is wrong with it."""
    try:
        with open(path, "rb") as stream:
            start = stream.read(8)
    except OSError:
        return None
    if not formats_beginning(start):
        return None
    text = record_in(path)
    if text is None:
        raise SpecError(f"{safe(path)} says nothing of a kernel: no result of `convcli filter`")
    return read_record(text, path)


def read_record(text: str, path: str) -> FilterOptions:
    """The options of a record.

    >>> read_record('{"convcli": 1, "kernels": ["sobel"], "border": "wrap"}', "a.png").border
    'wrap'

    Raises SpecError for what is no record of ours.
    """
    name = f"the record in {safe(path)}"
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or not isinstance(fields.get("kernels"), list):
        raise SpecError(f"{name} cannot be read")
    if fields.pop("convcli", None) != SCHEMA or not set(fields) <= {"kernels", *RECORDED}:
        raise SpecError(f"{name} is of another version of convcli")
    values = {
        key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
    }
    options = FilterOptions.of(values)
    try:
        options.validate()
    except SpecError as error:
        raise SpecError(f"{name} cannot be read: {error}") from None
    if any(spec.startswith("@") for spec in options.kernels):
        raise SpecError(f"{name} names files, which no record of ours does")
    return options
