"""Dense kernels by BLAS: the taps of a kernel's columns as one banded matrix for a few rows.

    P[j, r, w] = Σ_i k[i, j] · x[r + i, w]        one product for ROWS rows, whose x is a view
    y[r, w]    = Σ_j P[j, r, w + j]               the kernel's columns, as shifted sums

In float32 integers up to 2²⁴ are exact, in float64 up to 2⁵³.
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from numpy.typing import DTypeLike

from convcli.geometry import Pair, Window, output_length
from convcli.images.engines.shift_passes import Scratch
from convcli.images.engines.toeplitz import toeplitz
from convcli.images.kernels.kernel import Matrix
from convcli.images.pixel_arrays import Values
from convcli.records import NamedTuple

ROWS = 4
"""Rows of one product: 2 make it narrow, 8 multiply more zeros (3 to 15 taps, AVX2)."""

PARTIAL_BYTES = 2_000_000
"""Bytes of the products that are computed at once. Short calls make threads wait for each other: a
sum of 6 µs takes four times as long on two threads as on one."""


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

    def times(self, gain: float) -> "ColumnProducts":
        """The products of the matrix times a number."""
        return self._replace(banded=self.banded * self.dtype.type(gain))

    @property
    def band_dtype(self) -> np.dtype[Any]:
        """The dtype of bands."""
        return self.dtype

    @property
    def nanoseconds(self) -> float:
        """Expected time per sample (float32 on AVX2, one thread; float64 takes twice as long)."""
        rows, columns = self.shape
        return (3.4 + 0.06 * columns * Window(rows).span(ROWS)) * self.dtype.itemsize / 4

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
        size = self.dtype.itemsize * ROWS * kernel_columns * flat.shape[1]
        step = max(PARTIAL_BYTES // size, 1) * ROWS
        for top in range(0, rows, step):
            bottom = min(top + step, rows)
            whole = bottom - (bottom - top) % ROWS
            for begin, end, count in ((top, whole, ROWS), (whole, bottom, bottom - whole)):
                if begin < end:
                    read = flat[begin : begin + Window(kernel_rows).span(end - begin)]
                    self._responses(read, count, channels, y[begin:end], scratch)
        return y.reshape(rows, columns, channels)

    def _responses(
        self, x: Values, count: int, channels: int, out: Values, scratch: Scratch
    ) -> None:
        """The responses (rows, columns · channels) to rows, `count` of them a product.

        Only two calls for all rows: threads that share a picture wait at each call.
        """
        rows, columns = self.shape
        read = Window(rows).span(count)
        taps = self.banded[:, :count, :read].reshape(-1, read)
        groups, width, size = len(out) // count, x.shape[1], x.itemsize
        windows = sliding_window_view(x, read, axis=0)[::count].transpose(0, 2, 1)
        partial = scratch.array("partial", groups * len(taps) * width, self.dtype)
        partial = partial.reshape(groups, len(taps), width)
        np.matmul(taps, windows, out=partial)
        shifted = as_strided(
            partial,
            (columns, groups, count, out.shape[1]),
            ((count * width + channels) * size, len(taps) * width * size, width * size, size),
        )
        np.add.reduce(shifted, axis=0, out=out.reshape(groups, count, -1))
