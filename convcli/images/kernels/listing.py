"""Kernels as text, tables and data: the catalogue, and one kernel in full."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from convcli.images.kernels.kernel import Kernel, Matrix
from convcli.text import safe

SHOWN_SIDE = 9
"""Rows and columns of a matrix that are printed; larger ones are described."""


def weights_text(matrix: Matrix, scale: Fraction) -> list[str]:
    """A matrix as aligned rows: whole numbers over their divisor, or decimals.

    >>> import numpy as np
    >>> weights_text(np.array([[1, 2], [10, -1]]), Fraction(1, 9))
    [' 1   2', '10  -1', '× 1/9']
    """
    rows, columns = matrix.shape
    if max(rows, columns) > SHOWN_SIDE:
        return [f"{rows}x{columns} weights, from {_decimal(matrix.min() * scale)} to "
                f"{_decimal(matrix.max() * scale)}"]  # fmt: skip
    exact = matrix.dtype.kind != "f" and scale.denominator < 10**6
    cells = [[str(int(tap)) if exact else _decimal(tap * scale) for tap in row] for row in matrix]
    wide = [max(len(row[j]) for row in cells) for j in range(columns)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, wide, strict=True)) for row in cells
    ]
    return lines + ([f"× {scale}"] if exact and scale != 1 else [])


def _decimal(value: Any) -> str:
    return f"{float(value):.5g}"


def number(value: Fraction) -> str:
    """A fraction as people read it: 1/9, or a decimal where that is shorter."""
    text = str(value)
    return text if len(text) <= 12 else f"{float(value):.6g}"


def kernel_record(kernel: Kernel) -> dict[str, Any]:
    """A kernel as data: its matrices as whole numbers and a scale, exactly."""
    return {
        "name": kernel.name,
        "size": {"height": kernel.shape[0], "width": kernel.shape[1]},
        "combine": kernel.combine or None,
        "anchor": list(kernel.centre),
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
    lines = [f"kernel {safe(kernel.name)}, {rows}x{columns}"]
    matrices = kernel.matrices()
    if kernel.combine in COMBINED:
        lines[0] += f": {COMBINED[kernel.combine]} {len(matrices)} matrices"
    for matrix, scale in matrices:
        lines += [f"    {line}" for line in weights_text(matrix, scale)]
        lines += [""] if len(matrices) > 1 else []
    row, column = kernel.centre
    lines.append(
        f"  sum        {number(kernel.sum)}; rank {kernel.rank}, "
        f"{'separable' if kernel.separable else 'not separable'}; anchor row {row}, column {column}"
    )
    return lines


class Catalogue:
    """The kernels that have names, as a table; or one of them, in full."""

    value = ""
    warnings: Sequence[str] = ()
    caption = "convcli kernels NAME shows one in full; NAME:VALUES, NAME(VALUES) give it values"

    def __init__(self) -> None:
        from convcli.images.kernels.catalogue import CATALOGUE, built, parameters

        self.entries = {
            name: (entry, built(name), parameters(name)) for name, entry in CATALOGUE.items()
        }
        self.value = "\n".join(self.entries)

    def table(self) -> tuple[Sequence[str], Sequence[Sequence[object]], Sequence[object]]:
        columns = ("kernel", "parameters", "size", "sum", "separable", "for", "source")
        rows = [
            (
                name,
                words_of(takes),
                "x".join(map(str, kernel.shape)),
                number(kernel.sum),
                "yes" if kernel.separable else "no",
                entry.purpose,
                entry.source,
            )
            for name, (entry, kernel, takes) in self.entries.items()
        ]
        return columns, rows, ()

    def record(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "kernels": [
                {
                    "parameters": takes,
                    "source": entry.source,
                    "purpose": entry.purpose,
                    **kernel_record(kernel),
                }
                for entry, kernel, takes in self.entries.values()
            ],
        }


def words_of(takes: dict[str, Any]) -> str:
    """Parameters and their values in one line.

    >>> words_of({"sigma": 1.0, "size": None})
    'sigma=1.0, size=None'
    """
    return ", ".join(f"{key}={value}" for key, value in takes.items())


class Shown:
    """One kernel in full: by its name and values, or a matrix."""

    warnings: Sequence[str] = ()

    def __init__(self, spec: str) -> None:
        from convcli.callsyntax import read_call
        from convcli.images.kernels.catalogue import CATALOGUE, parameters
        from convcli.images.kernels.parse import kernel

        self.kernel = kernel(spec)
        self.value = "\n".join(
            line for one in self.kernel.matrices() for line in weights_text(*one)
        )
        self.about: dict[str, Any] = {}
        if self.kernel.name in CATALOGUE and spec.strip()[:1].isalpha():
            call = read_call(spec)
            entry, takes = CATALOGUE[call.name], parameters(call.name)
            given = dict(zip(takes, call.args, strict=False)) | call.kwargs
            self.about = {
                "parameters": takes | given,
                "purpose": entry.purpose,
                "source": entry.source,
            }

    @property
    def caption(self) -> str:
        about = [f"{key}: {value}" for key, value in self.about.items() if key != "parameters"]
        if self.about.get("parameters"):
            about.append(f"parameters: {words_of(self.about['parameters'])}")
        return "\n".join([*kernel_text(self.kernel)[-1:], *about]).strip()

    def table(self) -> tuple[Sequence[str], Sequence[Sequence[object]], Sequence[object]]:
        """A row for each row of each matrix, each weight as it is."""
        matrices = self.kernel.matrices()
        columns = ("matrix", "row", *(str(j) for j in range(self.kernel.shape[1])))
        rows = [
            (place, i, *(weight(tap, scale) for tap in row))
            for place, (matrix, scale) in enumerate(matrices, 1)
            for i, row in enumerate(matrix)
        ]
        return columns, rows, ()

    def record(self) -> dict[str, Any]:
        return {"schema": 1, **self.about, **kernel_record(self.kernel)}


def weight(tap: Any, scale: Fraction) -> object:
    """One weight as a table shows it: a whole number, a short fraction, or a decimal."""
    if isinstance(tap, float):  # NumPy's float64 is one
        return float(tap) * float(scale)
    exact = int(tap) * scale
    return int(exact) if exact.denominator == 1 else number(exact)
