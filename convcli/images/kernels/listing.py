"""Kernels as text, tables and data: the catalogue, and one kernel in full."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from convcli.errors import SpecError
from convcli.images.kernels.catalogue import CATALOGUE, built, kernel_call, parameters
from convcli.images.kernels.kernel import MAX_SIDE, Kernel, Matrix
from convcli.images.kernels.parse import kernel, kernel_fields
from convcli.matrices import row_hints
from convcli.tables import Listing, Table
from convcli.text import safe

Tap = int | float | np.int64 | np.float64

MAX_PRINTED_SIDE = 9
"""Rows and columns of a matrix that are printed; larger ones are described."""

SHORT = 12
"""Characters of a fraction that is printed as one."""


def weights_text(matrix: Matrix, scale: Fraction) -> list[str]:
    """A matrix as aligned rows: whole numbers over their divisor, or decimals.

    >>> weights_text(np.array([[1, 2], [10, -1]]), Fraction(1, 9))
    [' 1   2', '10  -1', '× 1/9']
    """
    rows, columns = matrix.shape
    if max(rows, columns) > MAX_PRINTED_SIDE:
        return [f"{rows}x{columns} weights, from {_decimal(matrix.min() * scale)} to "
                f"{_decimal(matrix.max() * scale)}"]  # fmt: skip
    exact = matrix.dtype.kind != "f" and scale.denominator < 10**6
    cells = [[str(int(tap)) if exact else _decimal(tap * scale) for tap in row] for row in matrix]
    widths = [max(len(row[j]) for row in cells) for j in range(columns)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    ]
    return lines + ([f"× {scale}"] if exact and scale != 1 else [])


def _decimal(value: Tap | Fraction) -> str:
    return f"{float(value):.5g}"


def number(value: Fraction) -> str:
    """A fraction as people read it: 1/9, or a decimal where that is shorter."""
    text = str(value)
    return text if len(text) <= SHORT else f"{float(value):.6g}"


def kernel_record(kernel: Kernel) -> dict[str, object]:
    """A kernel as data: its matrices as whole numbers and a scale, exactly."""
    return {
        "name": kernel.name,
        "size": {"height": kernel.shape[0], "width": kernel.shape[1]},
        "combine": kernel.combine or None,
        "anchor": list(kernel.center),
        "one_sided": kernel.one_sided,
        **({"threshold": str(kernel.threshold)} if kernel.threshold else {}),
        **({"lines": list(kernel.lines)} if kernel.lines else {}),
        "sum": str(kernel.sum),
        "rank": kernel.rank,
        "separable": kernel.separable,
        "matrices": [
            {
                "scale": str(scale),
                "weights": [
                    [float(tap) if matrix.dtype.kind == "f" else int(tap) for tap in row]
                    for row in matrix
                ],
            }
            for matrix, scale in (kernel.matrices())
        ],
    }


COMBINED = {"magnitude": "√(Σ response²) of", "maximum": "the greatest response of"}


def kernel_text(kernel: Kernel) -> list[str]:
    """A kernel in lines: its matrices, sum, rank and anchor."""
    rows, columns = kernel.shape
    size = f", {rows}x{columns}" if kernel.listed else ""
    lines = [f"kernel {safe(kernel.title)}{size}"]
    matrices = kernel.matrices()
    if kernel.combine in COMBINED:
        lines[0] += f": {COMBINED[kernel.combine]} {len(matrices)} matrices"
    for matrix, scale in matrices:
        lines += [f"    {line}" for line in weights_text(matrix, scale)]
        lines += [""] if len(matrices) > 1 else []
    row, column = kernel.center
    if kernel.lines:
        sigma, low, high = kernel.lines
        lines.append(
            f"  lines      after gaussian:{sigma:g}, thinned, from {low:g} and {high:g} on"
        )
    lines.append(
        f"  sum        {number(kernel.sum)}; rank {kernel.rank}, "
        f"{'separable' if kernel.separable else 'not separable'}; anchor row {row}, column {column}"
    )
    return lines


def catalogue_listing() -> Listing:
    """The kernels that have names, as a result to print."""
    rows, kernels = [], []
    for name, entry in CATALOGUE.items():
        kernel, takes = built(name), parameters(name)
        rows.append(
            (
                name,
                parameters_text(takes),
                "x".join(map(str, kernel.shape)),
                number(kernel.sum),
                "yes" if kernel.separable else "no",
                entry.purpose,
                entry.source,
            )
        )
        about = {"parameters": takes, "source": entry.source, "purpose": entry.purpose}
        kernels.append({**about, **kernel_record(kernel)})
    return Listing(
        "\n".join(CATALOGUE),
        (("kernel", "parameters", "size", "sum", "separable", "for", "source"), rows, ()),
        {"schema": 1, "kernels": kernels},
        "convcli kernels NAME shows one in full, with its source; NAME:VALUES gives it values",
        brief=("kernel", "parameters", "for"),
    )


def parameters_text(takes: Mapping[str, object]) -> str:
    """Parameters and their values in one line.

    >>> parameters_text({"sigma": 1.0, "size": None})
    'sigma=1.0, size=None'
    """
    return ", ".join(f"{key}={value}" for key, value in takes.items())


def kernel_listing(spec: str) -> Listing:
    """One kernel in full, by its name and values, its matrix or its file, as a result to print."""
    one, about = kernel(spec), {}
    if max(one.shape) > MAX_SIDE:
        rows, columns = one.shape
        raise SpecError(
            f"{rows}x{columns} weights are too many to list; at most {MAX_SIDE} per side"
        )
    head, *_, tail = kernel_text(one)
    caption = f"{head}\n{tail}"
    if one.listed:
        call = kernel_call(spec)
        entry, takes = CATALOGUE[call.name], parameters(call.name)
        takes |= dict(zip(takes, call.args, strict=False)) | call.kwargs
        about = {"parameters": takes, "purpose": entry.purpose, "source": entry.source}
        lines = [tail.strip(), f"purpose: {entry.purpose}", f"source: {entry.source}"]
        lines += [f"parameters: {parameters_text(takes)}"] if takes else []
        caption = "\n".join(lines)
    table = _weight_table(one)
    return Listing(
        "\n".join(line for matrix in one.matrices() for line in weights_text(*matrix)),
        table,
        {"schema": 1, **about, **kernel_record(one)},
        caption,
        () if one.listed else row_hints(*one.shape),
        table[0][1:] if len(one.matrices()) == 1 else (),
    )


def _weight_table(kernel: Kernel) -> Table:
    """One row per row of each matrix, and what else a file needs to describe the kernel."""
    fields = {
        name: ":".join(map(str, value)) if isinstance(value, list | tuple) else str(value).lower()
        for name, value in kernel_fields(kernel).items()
    }
    columns = ("matrix", "row", *map(str, range(kernel.shape[1])), *fields)
    rows = [
        (number, i, *(weight(tap, scale) for tap in row), *fields.values())
        for number, (matrix, scale) in enumerate(kernel.matrices(), 1)
        for i, row in enumerate(matrix)
    ]
    return columns, rows, ()


class ExactWeight(float):
    """A fraction in a table: in short for people, in full in a file."""

    __slots__ = ("text",)

    text: str

    def __new__(cls, value: Fraction) -> "ExactWeight":
        weight = super().__new__(cls, value)
        weight.text = str(value)
        return weight

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__


def weight(tap: Tap, scale: Fraction) -> object:
    """One weight as a table holds it: whole, a fraction, or a float.

    >>> weight(np.int64(1), Fraction(1, 9)), weight(np.int64(3), Fraction(1, 2**36))
    ('1/9', 3/68719476736)
    """
    if isinstance(tap, float):  # NumPy's float64 is one
        return float(tap) * float(scale)
    exact = int(tap) * scale
    if exact.denominator == 1:
        return int(exact)
    return str(exact) if len(str(exact)) <= SHORT else ExactWeight(exact)
