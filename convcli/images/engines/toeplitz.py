"""Long separable kernels as products of matrices: a band times a banded matrix of taps.

A block of BLOCK outputs along an axis reads BLOCK + n − 1 inputs, so that each axis is a product
with one small Toeplitz matrix, which BLAS computes faster than n passes over the band. In float64
integers up to 2⁵³ are exact.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.geometry import Window, output_length
from convcli.images.engines.shift_passes import Scratch

Array = NDArray[Any]

BLOCK = 32
"""Outputs of a product along an axis: 16 call BLAS too often, 64 multiply too many zeros."""

TILE = 512
"""Columns computed at once, so that both steps of a tall band stay in the cache."""


def toeplitz(taps: Array, dtype: Any = np.float64, block: int = BLOCK) -> Array:
    """The matrix (block, block + n − 1) whose row r holds the taps from column r on.

    >>> toeplitz(np.array([1, 2]), int, 2).tolist()
    [[1, 2, 0], [0, 1, 2]]
    """
    taps = taps.reshape(-1).astype(dtype)
    matrix = np.zeros((block, Window(taps.size).span(block)), dtype)
    for row in range(block):
        matrix[row, row : row + taps.size] = taps
    return matrix


def down(x: Array, matrix: Array, rows: int, out: Array) -> Array:
    """Correlate along the rows of x (rows + n − 1, columns): (rows, columns) in `out`."""
    block, read = matrix.shape
    for top in range(0, rows, block):
        tall = min(block, rows - top)
        np.matmul(
            matrix[:tall, : read - block + tall],
            x[top : top + read - block + tall],
            out=out[top : top + tall],
        )
    return out[:rows]


def across(x: Array, turned: Array, columns: int, out: Array) -> Array:
    """Correlate along the columns of x (rows, columns + n − 1), with a turned matrix: in `out`."""
    read, block = turned.shape
    for left in range(0, columns, block):
        wide = min(block, columns - left)
        np.matmul(
            x[:, left : left + read - block + wide],
            turned[: read - block + wide, :wide],
            out=out[:, left : left + wide],
        )
    return out[:, :columns]


def separable(
    band: Array, column: Array, row: Array, scratch: Scratch | None = None, name: str = ""
) -> Array:
    """Correlate each channel of a band (rows, columns, channels) with a column and a row of taps.

    Returns float64 (rows − m + 1, columns − n + 1, channels), stored channel by channel, in an
    array of the scratch that has the name.
    """
    scratch = scratch or Scratch()
    tall, wide, channels = band.shape
    rows = output_length(tall, Window(column.size))
    columns = output_length(wide, Window(row.size))
    matrix, turned = toeplitz(column), np.ascontiguousarray(toeplitz(row).T)
    out = scratch.array(f"{name} out", channels * rows * columns, float).reshape(
        channels, rows, columns
    )
    for left in range(0, columns, TILE):
        across_tile = min(TILE, columns - left)
        read = Window(row.size).span(across_tile)
        x = scratch.array("x", tall * read, float).reshape(tall, read)
        halfway = scratch.array("halfway", rows * read, float).reshape(rows, read)
        for channel in range(channels):
            np.copyto(x, band[:, left : left + read, channel])
            tile = out[channel][:, left : left + across_tile]
            across(down(x, matrix, rows, halfway), turned, across_tile, tile)
    return out.transpose(1, 2, 0)


def fourier(band: Array, kernel: Array) -> Array:
    """Correlate each channel of a band (rows, columns, channels) with a dense kernel (i, j).

    Returns float64 (rows − i + 1, columns − j + 1, channels).
    """
    tall, wide, channels = band.shape
    rows, columns = map(output_length, (tall, wide), map(Window, kernel.shape))
    size = smooth(tall), smooth(wide)
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
