"""Kernels as text: a name of the catalogue with its values, a matrix, or a file that holds one."""

import os
import re
from fractions import Fraction
from json import dumps
from math import lcm

import numpy as np
from numpy.typing import ArrayLike

from convcli.errors import SpecError
from convcli.images.kernels.catalogue import built, kernel_call
from convcli.images.kernels.kernel import (
    COMBINATIONS,
    MAX_SIDE,
    Kernel,
    Lines,
    Matrix,
    Part,
    checked,
    middle,
    narrowed,
)
from convcli.images.kernels.transforms import anchored
from convcli.matrices import Limits, Matrices, read_file, read_text
from convcli.numerals import Grid, quoted, read_fraction
from convcli.text import safe

MAX_PARTS = 64

LIMITS = Limits("kernel matrix", MAX_SIDE, MAX_PARTS, MAX_SIDE**2, file=32 << 20, joined=True)
"""A file holds a matrix of the largest side, in long decimals."""

MAX_SQUARE_DIGITS = 140
"""Of the weights of a magnitude over their common denominator: its sums of squares are floats."""

NEGLIGIBLE = 1e-90
"""A weight of an array of floats that is taken for 0 where the kernel becomes text."""


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
        return kernel_of(read_text(spec, LIMITS))
    return built(*kernel_call(spec))


def kernel_file(path: str) -> Kernel:
    """The kernel of a file: text, CSV, JSON or .npy, or what `convcli kernels NAME` prints.

    Raises SpecError for a file that holds none.
    """
    try:
        matrices = read_file(path, LIMITS)
    except SpecError as error:
        raise SpecError(f"kernel file {error}") from None
    try:
        one = kernel_of(matrices)
    except SpecError as error:
        raise SpecError(f"kernel file {safe(path)}: {error}") from None
    return one._replace(name=os.path.splitext(os.path.basename(path))[0])


def kernel_of(matrices: Matrices) -> Kernel:
    """The kernel that matrices are, by what is said of how they combine.

    >>> from convcli.matrices import read_text
    >>> kernel_of(read_text("1/2 1", LIMITS)).matrices()
    [(array([[1, 2]]), Fraction(1, 2))]

    Raises SpecError for several matrices of which nothing is said, and for what makes no sense.
    """
    count, combine = len(matrices.stack), str(matrices.fields.get("combine") or "")
    if combine not in COMBINATIONS:
        known = ", ".join(filter(None, COMBINATIONS))
        raise SpecError(f"{quoted(combine)} does not combine matrices; there are {known}")
    if count > 1 and not combine:
        raise SpecError(
            f"{count} matrices are not a kernel; write one, or JSON that says how they combine: "
            '{"combine": "magnitude", "matrices": [{"weights": …, "scale": …}, …]}'
        )
    if count == 1 and combine not in ("", "sum"):
        raise SpecError(f"a {combine} combines at least two matrices, not one")
    scales = matrices.scales or (Fraction(1),) * count
    parts = tuple(
        part._replace(scale=part.scale * scale)
        for part, scale in zip(map(_part, matrices.stack), scales, strict=True)
    )
    one_sided = _is_true(matrices.fields.get("one_sided"))
    if combine == "magnitude" and any(_digits(part) > MAX_SQUARE_DIGITS for part in parts):
        raise SpecError(
            f"a magnitude has weights of at most {MAX_SQUARE_DIGITS} digits over their common "
            "denominator"
        )
    one = checked(Kernel(parts, COMBINATIONS[combine if count > 1 else ""], one_sided=one_sided))
    one = one._replace(
        threshold=_threshold(matrices.fields.get("threshold")),
        lines=_lines(matrices.fields.get("lines"), combine),
    )
    anchor = _anchor(matrices.fields.get("anchor"))
    return one if anchor in (None, one.center) else anchored(one, anchor)


def _part(grid: Grid) -> Part:
    """One matrix: whole numbers over their common denominator, or the floats of an array."""
    rows = [[value for value in row if isinstance(value, int | Fraction)] for row in grid]
    if sum(map(len, rows)) < sum(map(len, grid)):
        return array_kernel(np.array(grid, np.float64)).parts[0]
    common = lcm(*(value.denominator for row in rows for value in row))
    integers = [[value.numerator * (common // value.denominator) for value in row] for row in rows]
    return Part((narrowed(np.array(integers, object)),), Fraction(1, common))


def _digits(part: Part) -> int:
    """Digits of the longest weight, before the scale."""
    if part.matrix.dtype.kind == "f":
        return 0
    return len(str(max(abs(int(tap)) for tap in part.matrix.flat)))


def _is_true(said: object) -> bool:
    """Whether a field of JSON or of a table says yes."""
    if said not in (None, True, False, "true"):
        raise SpecError(f'"one_sided" is true or false, not {quoted(str(said))}')
    return bool(said)


def _threshold(said: object) -> Fraction:
    """The difference of a field below which samples stay as they are."""
    threshold = Fraction(0) if said is None else read_fraction(str(said), '"threshold"')
    if threshold < 0:
        raise SpecError(f'"threshold" is 0 or more, not {quoted(str(said))}')
    return threshold


def _lines(said: object, combine: str) -> Lines | None:
    """How a field says that gradients become lines: [1, 0.1, 0.2] in JSON, 1:0.1:0.2 in a table."""
    if said is None:
        return None
    values = said.split(":") if isinstance(said, str) else said
    if not isinstance(values, list) or len(values) != 3 or combine != "magnitude":
        raise SpecError(
            '"lines" of a magnitude is a sigma and two strengths, such as [1, 0.1, 0.2], '
            f"not {quoted(str(said))}"
        )
    return built("canny", [float(read_fraction(str(value), '"lines"')) for value in values]).lines


def _anchor(said: object) -> tuple[int, int] | None:
    """The row and column of a field: [1, 0] in JSON, 1:0 in a table."""
    if said is None:
        return None
    places = said.split(":") if isinstance(said, str) else said
    if (
        not isinstance(places, list)
        or len(places) != 2
        or not all(re.fullmatch("[0-9]{1,4}", str(place)) for place in places)
    ):
        raise SpecError(f'"anchor" is a row and a column, such as [1, 1], not {quoted(str(said))}')
    return int(places[0]), int(places[1])


def array_kernel(array: Matrix) -> Kernel:
    """A kernel from a matrix (rows, columns) of numbers, exact where floats are short fractions.

    >>> array_kernel(np.array([[0.25, 0.5, 0.25]])).parts[0]
    Part(factors=(array([[1, 2, 1]]),), scale=Fraction(1, 4))

    Raises SpecError for other shapes and dtypes, and for numbers that are not finite.
    """
    if array.ndim != 2 or array.dtype.kind not in "iuf" or max(array.shape) > MAX_SIDE:
        raise SpecError(
            f"an array {array.shape} of {array.dtype} is not a kernel: give numbers (rows, "
            f"columns), at most {MAX_SIDE} of each"
        )
    if not array.size or not np.isfinite(array).all():
        raise SpecError("its weights must be finite numbers, at least one")
    if array.dtype.kind == "f":
        fractions = [[Fraction(float(value)) for value in row] for row in array]
        if lcm(*(value.denominator for row in fractions for value in row)) > 2**40:
            return Kernel((Part((array.astype(np.float64),)),))  # summed in float64
        return Kernel((_part(tuple(map(tuple, fractions))),))
    return Kernel((_part(tuple(tuple(map(int, row)) for row in array)),))


def kernel_fields(one: Kernel) -> dict[str, object]:
    """What says how the matrices of a kernel form it, by the names that its file has for it.

    >>> kernel_fields(kernel("sobel")), kernel_fields(kernel("sobel-x"))
    ({'combine': 'magnitude'}, {})
    """
    fields: dict[str, object] = {} if one.linear else {"combine": one.combine}
    if one.center != middle(one.shape):
        fields["anchor"] = one.center
    if one.one_sided:
        fields["one_sided"] = True
    if one.threshold:
        fields["threshold"] = str(one.threshold)
    if one.lines:
        fields["lines"] = list(one.lines)
    return fields


def spec_text(one: Kernel) -> str:
    """A kernel as text that `kernel` reads: rows of fractions, or JSON where it is more than that.

    >>> spec_text(kernel("0.5 1; 2/3 0")), spec_text(Kernel((Part((np.array([[0.1, 1e-200]]),)),)))
    ('1/2 1; 2/3 0', '0.1 0.0')
    >>> spec_text(kernel("1 -1")._replace(one_sided=True))
    '{"one_sided": true, "matrices": [{"scale": "1", "weights": [[1, -1]]}]}'
    """
    matrices, fields = one.matrices(), kernel_fields(one)
    if fields:
        fields["matrices"] = [
            {"scale": str(scale), "weights": matrix.tolist()} for matrix, scale in matrices
        ]
        return dumps(fields)
    ((matrix, scale),) = matrices
    if matrix.dtype.kind == "f":
        floats = np.where(np.abs(matrix) < NEGLIGIBLE, 0.0, matrix * float(scale)).tolist()
        return "; ".join(" ".join(map(repr, row)) for row in floats)
    return "; ".join(" ".join(str(int(tap) * scale) for tap in row) for row in matrix)
