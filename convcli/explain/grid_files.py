"""Grids from files: text, CSV, JSON or .npy; nothing in them is run."""

import re
from collections.abc import Sequence
from fractions import Fraction
from math import isfinite, prod
from typing import Any

from convcli.errors import PictureError, SpecError
from convcli.numerals import (
    LARGEST_NUMBER,
    NUMBER,
    Stack,
    Value,
    checked,
    read_stack,
    read_value,
)
from convcli.text import safe

LARGEST_FILE = 4 << 20
"""Bytes of a file of numbers."""


def read_file(path: str, what: str) -> Stack:
    """The stack a file holds: rows a line, channels apart by an empty line or `|`.

    Lines that begin with # are comments. Raises SpecError for text that is no grid of numbers, and
    PictureError for a file that cannot be read.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise PictureError(f"{safe(path)} cannot be read: {error.strerror}") from None
    if len(data) > LARGEST_FILE:
        raise PictureError(f"{safe(path)} is larger than {LARGEST_FILE:,} bytes")
    try:
        if data.startswith(b"\x93NUMPY"):
            return _from_array(data, what)
        text = data.decode("utf-8-sig")
        if text.lstrip().startswith("["):
            return _from_json(text, what)
        kept = [line.strip() for line in text.splitlines() if not line.lstrip().startswith("#")]
        return read_stack(re.sub(r"\n*\|\n*|\n{2,}", "|", "\n".join(kept).strip()), what)
    except UnicodeDecodeError:
        raise SpecError(f"{safe(path)} is not UTF-8 text") from None
    except SpecError as error:
        raise SpecError(f"{safe(path)}: {error}") from None


def _from_json(text: str, what: str) -> Stack:
    from json import loads

    try:
        nested = loads(text, parse_float=_decimal)
    except (ValueError, RecursionError) as error:
        raise SpecError(f"no JSON: {safe(error)}") from None
    return stack_of(nested, what)


def _decimal(text: str) -> Value:
    """A decimal kept exactly; a float where it is too long for that."""
    return read_value(text) if NUMBER.fullmatch(text) else float(text)


def _from_array(data: bytes, what: str) -> Stack:
    from io import BytesIO

    import numpy as np

    try:
        stream = BytesIO(data)
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        shape, _, dtype = read[version](stream)
    except (ValueError, KeyError, EOFError) as error:
        raise SpecError(f"no .npy array: {safe(error)}") from None
    whole = min(shape, default=1) >= 0 and (
        prod(shape) * dtype.itemsize == len(data) - stream.tell()
    )
    if dtype.kind not in "iuf" or not whole:
        raise SpecError(f"an array of {dtype} {shape} is not a grid of numbers")
    return stack_of(np.load(BytesIO(data), allow_pickle=False).tolist(), what)


def stack_of(nested: Any, what: str) -> Stack:
    """Nested lists, (h, w) or (channels, h, w), as a stack. Raises SpecError.

    >>> stack_of([[1, 2.0, "1/9"]], "input")
    (((1, 2, Fraction(1, 9)),),)
    """
    depth, inner = 0, nested
    while isinstance(inner, list) and inner:
        depth, inner = depth + 1, inner[0]
    if inner == []:
        raise SpecError(f"the {what} has no values")
    if depth not in (1, 2, 3):
        raise SpecError(f"the {what} has {depth} axes; write rows, or channels of rows")
    channels: Sequence[Any] = {1: [[nested]], 2: [nested]}.get(depth, nested)
    if not all(
        isinstance(grid, list) and all(isinstance(row, list) for row in grid) for grid in channels
    ):
        raise SpecError(f"the {what} is not rows of one length")
    return checked([[[_number(v) for v in row] for row in grid] for grid in channels], what)


def _number(value: Any) -> Value:
    if isinstance(value, str):
        return read_value(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        raise SpecError(f"{value!r:.40} is not a number")
    if isinstance(value, Fraction):
        return value
    if isinstance(value, float) and not isfinite(value):
        raise SpecError(f"{value} cannot be explained: it is not finite")
    if abs(value) > LARGEST_NUMBER:
        raise SpecError(f"a number of more than {len(str(LARGEST_NUMBER)) - 1} digits is too large")
    whole = isinstance(value, int) or (value.is_integer() and abs(value) < 2**53)
    return int(value) if whole else value
