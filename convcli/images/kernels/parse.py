"""Kernels as text: a name of the catalogue with its values, a matrix, or a file that holds one."""

import os
import re
from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli.callsyntax import read_call
from convcli.errors import SpecError
from convcli.images.kernels.catalogue import CATALOGUE, built
from convcli.images.kernels.factor import narrowed
from convcli.images.kernels.kernel import LARGEST_SIDE, Kernel, Part
from convcli.text import like, safe

LARGEST_FILE = 32 * 2**20
"""Bytes of a file that holds a kernel: a matrix of the largest side, in long decimals."""


def kernel(spec: str | Kernel | ArrayLike) -> Kernel:
    """A kernel from text: a name of the catalogue with its values, a matrix, or @file.

    A matrix of numbers (rows, columns) is a kernel too, and a kernel stays one.

    >>> kernel("gaussian:2").shape
    (17, 17)
    >>> kernel("0 -1 0; -1 5 -1; 0 -1 0").parts[0].matrix.tolist()
    [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
    >>> kernel("1/9 1/9 1/9").parts[0]
    Part(factors=(array([[1, 1, 1]]),), scale=Fraction(1, 9))

    Raises SpecError with what is wrong and what would work.
    """
    if isinstance(spec, Kernel):
        return spec
    if not isinstance(spec, str):
        return array_kernel(np.asarray(spec))
    if spec.startswith("@"):
        return kernel_file(spec[1:])
    if not re.match(r"\s*[A-Za-z]", spec):
        return matrix_kernel(spec)
    call = read_call(spec)
    if call.name not in CATALOGUE:
        hint = like(call.name, CATALOGUE) or "; convcli kernels lists them"
        raise SpecError(f"no kernel is called {call.name!r}{hint}")
    return built(call.name, call.args, call.kwargs)


NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,2})?(/\d{1,30})?")


LARGER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?(/\d+)?")
"""Any number, those with too many digits among them."""

LIMIT = "30 digits on either side of the point, exponents of -99 to 99"


def matrix_kernel(text: str) -> Kernel:
    """A matrix written row by row, rows split by `;` or lines, values by spaces or commas."""
    rows = [row.replace(",", " ").split() for row in re.split(r"[;\n]", text.strip().rstrip(";"))]
    values = []
    for number, row in enumerate(rows, 1):
        if not row:
            raise SpecError(f"row {number} of the kernel matrix {_short(text)} is empty")
        if len(row) > LARGEST_SIDE or number > LARGEST_SIDE:
            raise SpecError(f"a kernel has at most {LARGEST_SIDE} rows and columns")
        values.append([_weight(entry, number) for entry in row])
    return from_rows(values)


def from_rows(rows: Sequence[Sequence[Fraction]]) -> Kernel:
    """A kernel from fractions, row by row: whole numbers over their common denominator."""
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise SpecError(
                f"row {number} of the kernel matrix has {len(row)} values, row 1 has {len(rows[0])}"
            )
    if not rows or not rows[0] or max(len(rows), len(rows[0])) > LARGEST_SIDE:
        raise SpecError(f"a kernel has from 1 to {LARGEST_SIDE} rows and columns")
    common = lcm(*(value.denominator for row in rows for value in row))
    whole = [[int(value * common) for value in row] for row in rows]
    return Kernel((Part((narrowed(np.array(whole, object)),), Fraction(1, common)),))


def why_no_number(text: str) -> str | None:
    """Why a text is no number that is read exactly, or None where it is one.

    >>> why_no_number("1/9"), why_no_number("1/0")
    (None, 'is not a number')
    """
    if not NUMBER.fullmatch(text):
        return f"is beyond the limit: {LIMIT}" if LARGER.fullmatch(text) else "is not a number"
    return "is not a number" if re.search("/0+$", text) else None


def exact_number(text: str) -> Fraction:
    """A number that nothing speaks against, exactly.

    >>> exact_number("0.1"), exact_number("2/6")
    (Fraction(1, 10), Fraction(1, 3))
    """
    top, _, bottom = text.partition("/")
    return Fraction(top) / int(bottom or 1)


def _weight(entry: str, row: int) -> Fraction:
    why = why_no_number(entry)
    if why:
        raise SpecError(f"{_short(entry)} in row {row} of the kernel matrix {why}")
    return exact_number(entry)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


def kernel_file(path: str) -> Kernel:
    """A kernel from a file: rows of text or CSV, JSON (rows of numbers or of "1/9"), or .npy.

    Raises SpecError for a file that holds none.
    """
    name = safe(path)
    try:
        with open(path, "rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise SpecError(f"kernel file {name} cannot be read: {error.strerror}") from None
    if len(data) > LARGEST_FILE:
        raise SpecError(f"kernel file {name} has more than {LARGEST_FILE:,} bytes")
    label = os.path.splitext(os.path.basename(path))[0]
    try:
        if data.startswith(b"\x93NUMPY"):
            return _from_npy(data)._replace(name=label)
        text = data.decode("utf-8-sig")
        if text.lstrip().startswith(("[", "{")):
            return _from_json(text)._replace(name=label)
        lines = (line.partition("#")[0].strip().rstrip(";") for line in text.splitlines())
        return matrix_kernel("\n".join(line for line in lines if line))._replace(name=label)
    except UnicodeDecodeError:
        raise SpecError(f"{name} holds no kernel: text, CSV, JSON or .npy do") from None
    except SpecError as error:
        raise SpecError(f"kernel file {name}: {error}") from None


def _from_json(text: str) -> Kernel:
    import json

    def refuse(word: str) -> None:
        raise SpecError(f"{word} is not a weight")

    try:
        found = json.loads(text, parse_float=str, parse_int=str, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(f"it is not JSON: {safe(error)}") from None
    scale = Fraction(1)
    if isinstance(found, dict):
        text = str(found.get("scale", "1"))
        why = why_no_number(text)
        if why:
            raise SpecError(f"the scale {_short(text)} {why}")
        scale = exact_number(text)
        found = found.get("matrix")
    rows = found if isinstance(found, list) else []
    if rows and all(isinstance(value, str) for value in rows):
        rows = [rows]
    if not rows or not all(isinstance(row, list) and row for row in rows):
        raise SpecError('JSON holds rows of numbers: [[0, 1, 0], …] or {"matrix": …, "scale": …}')
    values = [[_weight(str(value), n) * scale for value in row] for n, row in enumerate(rows, 1)]
    return from_rows(values)


def _from_npy(data: bytes) -> Kernel:
    from io import BytesIO

    stream = BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0
        shape, _, dtype = (read if version == (1, 0) else np.lib.format.read_array_header_2_0)(
            stream
        )
        sides = tuple(int(side) for side in shape)
        if len(sides) > 2 or any(side > LARGEST_SIDE for side in sides) or dtype.kind not in "iuf":
            raise SpecError(f"an array {sides} of {dtype} is no kernel: numbers (i, j) are")
        stream.seek(0)
        array: Any = np.load(stream, allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError) as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(f"it is no .npy array: {safe(error)}") from None
    return array_kernel(np.atleast_2d(array))


def array_kernel(array: NDArray[Any]) -> Kernel:
    """A kernel from a matrix (rows, columns) of numbers, exact where floats are short fractions.

    >>> array_kernel(np.array([[0.25, 0.5, 0.25]])).parts[0]
    Part(factors=(array([[1, 2, 1]]),), scale=Fraction(1, 4))

    Raises SpecError for other shapes and dtypes, and for numbers that are not finite.
    """
    if array.ndim != 2 or array.dtype.kind not in "iuf" or max(array.shape) > LARGEST_SIDE:
        raise SpecError(
            f"an array {array.shape} of {array.dtype} is no kernel: numbers (rows, columns) are, "
            f"at most {LARGEST_SIDE} of each"
        )
    if not array.size or not np.isfinite(array).all():
        raise SpecError("its weights must be finite numbers, at least one")
    if array.dtype.kind == "f":
        fractions = [[Fraction(float(value)) for value in row] for row in array]
        if lcm(*(value.denominator for row in fractions for value in row)) > 2**40:
            return Kernel((Part((array.astype(np.float64),)),))  # summed in float64
        return from_rows(fractions)
    return from_rows([[Fraction(int(value)) for value in row] for row in array])
