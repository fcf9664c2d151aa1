"""Large kernels by BLAS and by transforms: a band times a banded matrix of taps, or its spectrum.

A block of BLOCK outputs along an axis reads BLOCK + n − 1 inputs, so that each axis is a product
with one small Toeplitz matrix, which BLAS computes faster than n passes over the band. In float64
integers up to 2⁵³ are exact.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import DTypeLike

from convcli.geometry import Window, output_length
from convcli.images.engines.shift_passes import Scratch
from convcli.images.kernels.kernel import Matrix
from convcli.images.pixel_arrays import Values
from convcli.records import NamedTuple

DOUBLE = np.dtype(np.float64)

BLOCK = 32
"""Outputs of a product along an axis: 16 call BLAS too often, 64 multiply too many zeros."""

TILE = 512
"""Columns computed at once, so that both steps of a tall band stay in the cache."""


def toeplitz(taps: Values, dtype: DTypeLike = np.float64, block: int = BLOCK) -> Values:
    """The matrix (block, block + n − 1) whose row r holds the taps from column r on.

    >>> toeplitz(np.array([1, 2]), int, 2).tolist()
    [[1, 2, 0], [0, 1, 2]]
    """
    taps = taps.reshape(-1).astype(dtype)
    matrix = np.zeros((block, Window(taps.size).span(block)), dtype)
    for row in range(block):
        matrix[row, row : row + taps.size] = taps
    return matrix


def along_columns(x: Values, matrix: Values, rows: int, out: Values) -> Values:
    """Correlate each column of x (rows + n − 1, columns): (rows, columns) in `out`."""
    block, cells = matrix.shape
    for top in range(0, rows, block):
        count = min(block, rows - top)
        read = cells - block + count
        np.matmul(matrix[:count, :read], x[top : top + read], out=out[top : top + count])
    return out[:rows]


def along_rows(x: Values, transposed: Values, columns: int, out: Values) -> Values:
    """Correlate each row of x (rows, columns + n − 1), with a transposed matrix: in `out`."""
    cells, block = transposed.shape
    for left in range(0, columns, block):
        count = min(block, columns - left)
        read = cells - block + count
        np.matmul(
            x[:, left : left + read], transposed[:read, :count], out=out[:, left : left + count]
        )
    return out[:, :columns]


def separable(column: Values, row: Values, band: Values, scratch: Scratch, name: str) -> Values:
    """Correlate each channel of a band (rows, columns, channels) with a column and a row of taps.

    Returns float64 (rows − m + 1, columns − n + 1, channels), stored channel by channel, in an
    array of the scratch that has the name.
    """
    height, width, channels = band.shape
    rows = output_length(height, Window(column.size))
    columns = output_length(width, Window(row.size))
    matrix, transposed = toeplitz(column), np.ascontiguousarray(toeplitz(row).T)
    out = scratch.array(f"{name} out", channels * rows * columns, float)
    out = out.reshape(channels, rows, columns)
    for left in range(0, columns, TILE):
        count = min(TILE, columns - left)
        read = Window(row.size).span(count)
        x = scratch.array("x", height * read, float).reshape(height, read)
        halfway = scratch.array("halfway", rows * read, float).reshape(rows, read)
        for channel in range(channels):
            np.copyto(x, band[:, left : left + read, channel])
            tile = out[channel][:, left : left + count]
            along_rows(along_columns(x, matrix, rows, halfway), transposed, count, tile)
    return out.transpose(1, 2, 0)


class Product(NamedTuple):
    """A matrix, or a column and a row, computed in float64, from bands of any dtype."""

    text: str
    """How it is computed, for people."""
    nanoseconds: float
    """Expected time per sample."""
    run: Callable[[Values, Scratch, str], Values]
    """The response to a band, which may lie in an array of the scratch that has a name."""
    dtype: np.dtype[np.float64] = DOUBLE
    band_dtype: None = None


def products(column: Matrix, row: Matrix) -> Product:
    """A column and a row of taps as banded matrices."""
    nanoseconds = 4.0 + 0.035 * (column.size + row.size + 64)
    return Product("products in float64", nanoseconds, partial(separable, column, row))


def transform(matrix: Matrix) -> Product:
    """A matrix as its Fourier transform; responses are integers where it and the band are."""

    def run(x: Values, scratch: Scratch, name: str) -> Values:
        y = fourier(x, matrix)
        exact = matrix.dtype.kind != "f" and x.dtype.kind != "f"
        return np.rint(y, out=y) if exact else y

    return Product("fourier in float64", 45.0, run)


def fourier(band: Values, kernel: Values) -> Values:
    """Correlate each channel of a band (rows, columns, channels) with a dense kernel (i, j).

    Returns float64 (rows − i + 1, columns − j + 1, channels).
    """
    height, width, channels = band.shape
    rows, columns = map(output_length, (height, width), map(Window, kernel.shape))
    size = smooth(height), smooth(width)
    # correlation: the conjugate of the kernel's transform; what wraps around is cut off
    spectrum = np.conj(np.fft.rfft2(kernel.astype(np.float64), size))
    out = np.empty((channels, rows, columns))
    for channel in range(channels):
        product = np.fft.rfft2(band[..., channel].astype(np.float64), size)
        product *= spectrum
        out[channel] = np.fft.irfft2(product, size)[:rows, :columns]
    return out.transpose(1, 2, 0)


def smooth(length: int) -> int:
    """The least number from `length` on with no prime factor above 5: an even, fast transform.

    >>> smooth(7), smooth(97), smooth(1025)
    (8, 100, 1080)
    """
    length += length % 2
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 2
