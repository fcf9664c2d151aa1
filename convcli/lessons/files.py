"""Grids from files: text, CSV, JSON or .npy; nothing in them is run."""

import os
from collections.abc import Sequence
from typing import Any

from convcli.errors import PictureError, SpecError, safe
from convcli.lessons.values import LARGEST_SIDE, Stack, Value, checked, read_stack

LARGEST_FILE = 4 << 20
"""Bytes of a file of numbers."""


def read_file(path: str, what: str) -> Stack:
    """The stack a file holds: rows a line, channels apart by an empty line or `|`.

    Lines that begin with # are comments. Raises SpecError for text that is no grid of numbers, and
    PictureError for a file that cannot be read.
    """
    try:
        if os.path.getsize(path) > LARGEST_FILE:
            raise PictureError(f"{safe(path)} is larger than {LARGEST_FILE:,} bytes")
        with open(path, "rb") as file:
            data = file.read(LARGEST_FILE)
    except OSError as error:
        raise PictureError(f"{safe(path)} cannot be read: {error.strerror}") from None
    try:
        if data.startswith(b"\x93NUMPY"):
            return _from_array(data, what)
        text = data.decode("utf-8-sig")
        if text.lstrip().startswith("["):
            return _from_json(text, what)
        kept = [line.strip() for line in text.splitlines() if not line.lstrip().startswith("#")]
        channels = "\n".join(kept).strip().replace("\n\n", "|")
        return read_stack(channels, what)
    except UnicodeDecodeError:
        raise SpecError(f"{safe(path)} is not UTF-8 text") from None
    except SpecError as error:
        raise SpecError(f"{safe(path)}: {error}") from None


def _from_json(text: str, what: str) -> Stack:
    from json import loads

    try:
        return stack_of(loads(text), what)
    except (ValueError, RecursionError) as error:
        raise SpecError(f"no JSON: {safe(error)}") from None


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
        count = 1
        for length in shape:
            count *= length
        if dtype.kind not in "biuf" or count * dtype.itemsize != len(data) - stream.tell():
            raise SpecError(f"an array of {dtype} {shape} is not a grid of numbers")
        array = np.load(BytesIO(data), allow_pickle=False)
    except (ValueError, KeyError, EOFError) as error:
        raise SpecError(f"no .npy array: {safe(error)}") from None
    return stack_of(array.tolist(), what)


def stack_of(nested: Any, what: str) -> Stack:
    """Nested lists, (h, w) or (channels, h, w), as a stack. Raises SpecError.

    >>> stack_of([[1, 2.0]], "input")
    (((1, 2),),)
    """
    depth, inner = 0, nested
    while isinstance(inner, list) and inner:
        depth, inner = depth + 1, inner[0]
    if depth not in (1, 2, 3):
        raise SpecError(f"the {what} has {depth} axes; write rows, or channels of rows")
    channels: Sequence[Any] = {1: [[nested]], 2: [nested]}.get(depth, nested)
    if not all(
        isinstance(grid, list) and all(isinstance(row, list) for row in grid) for grid in channels
    ):
        raise SpecError(f"the {what} is not rows of one length")
    if len(channels) > LARGEST_SIDE:
        raise SpecError(f"the {what} has {len(channels)} channels")
    return checked([[[_number(v) for v in row] for row in grid] for grid in channels], what)


def _number(value: Any) -> Value:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpecError(f"{value!r:.40} is not a number")
    if isinstance(value, int):
        return value
    if value != value or value in (float("inf"), float("-inf")):
        raise SpecError(f"{value} cannot be explained: it is not finite")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
