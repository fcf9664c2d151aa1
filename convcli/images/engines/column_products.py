"""Dense kernels by BLAS: the taps of a kernel's columns as one banded matrix for a few rows.

    P[j, r, w] = Σ_i k[i, j] · x[r + i, w]        one product for ROWS rows, whose x is a view
    y[r, w]    = Σ_j P[j, r, w + j]               the kernel's columns, as shifted sums

In float32 integers up to 2²⁴ are exact, in float64 up to 2⁵³.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from convcli.geometry import Pair, Window, output_length
from convcli.images.arrays import Values
from convcli.images.engines.shift_passes import Scratch
from convcli.images.engines.toeplitz import toeplitz
from convcli.images.kernels.kernel import Matrix

ROWS = 4
"""Rows of one product: 2 make it narrow, 8 multiply more zeros (3 to 15 taps, AVX2)."""


class ColumnProducts(NamedTuple):
    """A matrix of integers, in floats."""

    shape: Pair
    dtype: np.dtype[Any]
    banded: Values
    """The taps (kernel columns, ROWS, kernel rows + ROWS − 1) of a product."""

    @classmethod
    def of(cls, matrix: Matrix, dtype: DTypeLike) -> "ColumnProducts":
        """The products of a matrix."""
        columns = [toeplitz(column, dtype, ROWS) for column in matrix.T]
        return cls((len(matrix), len(columns)), np.dtype(dtype), np.array(columns))

    @property
    def band_dtype(self) -> np.dtype[Any]:
        """That of bands."""
        return self.dtype

    @property
    def nanoseconds(self) -> float:
        """Expected time per sample (float32 on AVX2, one thread; float64 takes twice as long)."""
        rows, columns = self.shape
        return (2.3 + 0.13 * columns * Window(rows).span(ROWS)) * self.dtype.itemsize / 4

    @property
    def text(self) -> str:
        """How it is computed, for people."""
        return f"products of columns in {self.dtype.name}"

    def run(self, x: Values, scratch: Scratch, name: str) -> Values:
        """The response to a band (h, w, c), in an array of the scratch that has this name."""
        if x.dtype != self.dtype or not x.flags.c_contiguous:
            band = scratch.like(f"{name} band", x, self.dtype)
            np.copyto(band, x, casting="unsafe")
            x = band
        height, width, channels = x.shape
        kernel_rows, kernel_columns = self.shape
        rows = output_length(height, Window(kernel_rows))
        columns = output_length(width, Window(kernel_columns))
        flat, line = x.reshape(height, -1), columns * channels
        y = scratch.array(f"{name} response", rows * line, self.dtype).reshape(rows, line)
        for top in range(0, rows, ROWS):
            count = min(ROWS, rows - top)
            read = Window(kernel_rows).span(count)
            taps = self.banded[:, :count, :read].reshape(-1, read)
            partial = scratch.array("partial", len(taps) * flat.shape[1], self.dtype)
            partial = partial.reshape(len(taps), -1)
            np.matmul(taps, flat[top : top + read], out=partial)
            partial, sums = partial.reshape(kernel_columns, count, -1), y[top : top + count]
            first, *others = (
                one[:, channels * j : channels * j + line] for j, one in enumerate(partial)
            )
            second = others[0] if others else 0
            np.add(first, second, out=sums)
            for other in others[1:]:
                np.add(sums, other, out=sums)
        return y.reshape(rows, columns, channels)
