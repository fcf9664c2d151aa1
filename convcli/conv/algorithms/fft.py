"""Large kernels by the convolution theorem, in tiles that overlap: overlap-save.

    y = F⁻¹[ Σ_c F[x] · conj(F[w]) ]

A tile of padded inputs gives an output for each position of the dilated kernel in it, none of which
the transform's wrap-around touches (Oppenheim & Schafer, "Discrete-Time Signal Processing", §8.7).
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import log2

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convcli.arrays import Array
from convcli.conv.padding import padded_rows
from convcli.conv.sliding import new_output, spans
from convcli.conv.spec import Problem
from convcli.conv.threads import share, threads
from convcli.geometry import Pair, Window, ceil_div, output_length

SIDES = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
"""Lengths of tiles that transform fast and stay in the cache; powers of two beyond them."""

PIECE_BYTES = 2 << 20
"""Tiles transformed at once."""

RESIDENT_BYTES = 24 << 20
"""The most that the transformed filters may take."""

SECONDS_PER_STEP = 5.4e-10
"""A value of a tile, times the steps of its transform, log₂ of its size."""

SECONDS_PER_PRODUCT = 9.8e-09
SECONDS_PER_PIECE = 0.00019
"""CPU seconds, fitted by tests/benchmarks/fit.py."""


def refuses(problem: Problem) -> str | None:
    if problem.exact:
        return "integers have to stay exact, and the transform rounds"
    filters = problem.groups * problem.filters * problem.channels * _frequencies(problem) * 2
    if filters * problem.itemsize > RESIDENT_BYTES:
        return f"its filters would take {filters * problem.itemsize >> 20} MB"
    return None


def cost(problem: Problem) -> float:
    side, tiles = _tiling(problem)
    each = problem.images * problem.groups * tiles[0] * tiles[1]
    transforms = each * (problem.channels + problem.filters)
    transforms += problem.groups * problem.filters * problem.channels
    steps = side[0] * side[1] * log2(side[0] * side[1])
    products = each * problem.channels * problem.filters * _frequencies(problem)
    pieces = problem.images * problem.groups * tiles[0] * len(_columns(problem))
    return (
        SECONDS_PER_STEP * transforms * steps
        + SECONDS_PER_PRODUCT * products
        + SECONDS_PER_PIECE * (1 + pieces)
    )


def workspace_bytes(problem: Problem) -> int:
    (height, width), _ = _tiling(problem)
    count, values = _columns(problem)[0][1], _frequencies(problem) * 2
    filters = problem.groups * problem.filters * problem.channels
    # tiles, their transforms, a product and a sum; those of one piece live on into the next
    tiles = count * (4 * problem.channels + 8) * max(values, height * width)
    rows = 2 * problem.channels * height * _width_read(problem)
    return (threads() * (tiles + rows) + filters * values * 3) * problem.itemsize


def convolve(x: Array, weight: Array, problem: Problem) -> Array:
    y = new_output(problem)
    side, tiles = _tiling(problem)
    filters = np.conj(np.fft.rfft2(_spread(weight, problem), side))
    steps = list(map(_outputs, side, problem.dilated_kernel))

    def work(pieces: Iterator[tuple[int, int, int, Pair]]) -> None:
        for n, g, number, (left, right) in pieces:
            top = number * steps[0]
            rows = np.empty((problem.channels, side[0], _width_read(problem)), y.dtype)
            padded_rows(x[n, g], problem, top, top + side[0], rows)
            channel, row, column = rows.strides
            cut = as_strided(
                rows[:, :, left * steps[1] :],
                (problem.channels, right - left, *side),
                (channel, steps[1] * column, row, column),
            )
            spectra = np.fft.rfft2(cut, side)
            for f in range(problem.filters):
                total = spectra[0] * filters[g, f, 0]
                for c in range(1, problem.channels):
                    total += spectra[c] * filters[g, f, c]
                sums = np.fft.irfft2(total, side)[:, : steps[0], : steps[1]]
                band = sums.transpose(1, 0, 2).reshape(steps[0], -1)
                _write_strided(band, y[n, g, f], top, left * steps[1], problem.stride)

    images, groups = range(problem.images), range(problem.groups)
    share(list(product(images, groups, range(tiles[0]), _columns(problem))), work)
    return y


def _write_strided(sums: Array, y: Array, top: int, left: int, stride: Pair) -> None:
    """Sums of stride 1, whose first stands at (top, left), into y (h', w') at its own stride."""
    row_step, column_step = stride
    first, start = ceil_div(top, row_step), ceil_div(left, column_step)
    picked = sums[first * row_step - top :: row_step, start * column_step - left :: column_step]
    target = y[first : first + picked.shape[0], start : start + picked.shape[1]]
    target[...] = picked[: target.shape[0], : target.shape[1]]


def _spread(weight: Array, problem: Problem) -> Array:
    """The filters with their taps `dilation` apart."""
    spread = np.zeros((*weight.shape[:3], *problem.dilated_kernel), weight.dtype)
    spread[..., :: problem.dilation[0], :: problem.dilation[1]] = weight
    return spread


def _frequencies(problem: Problem) -> int:
    (height, width), _ = _tiling(problem)
    return height * (width // 2 + 1)


def _width_read(problem: Problem) -> int:
    side, tiles = _tiling(problem)
    tile = Window(side[1], stride=_outputs(side[1], problem.dilated_kernel[1]))
    return max(tile.span(tiles[1]), problem.padded[1])


def _columns(problem: Problem) -> list[Pair]:
    """The tiles of one row of them, in pieces of PIECE_BYTES."""
    (height, width), tiles = _tiling(problem)
    tile_bytes = problem.channels * height * width * problem.itemsize
    return spans(tiles[1], PIECE_BYTES // tile_bytes)


@lru_cache(maxsize=256)
def _tiling(problem: Problem) -> tuple[Pair, Pair]:
    """The sides of a tile, and how many tiles make the outputs of stride 1, on each axis."""
    (height, rows), (width, columns) = map(_side, problem.padded, problem.dilated_kernel)
    return (height, width), (rows, columns)


def _outputs(length: int, taps: int) -> int:
    """Outputs of stride 1 from a number of cells and a kernel without gaps."""
    return output_length(length, Window(taps))


def _side(length: int, taps: int) -> Pair:
    """The cheapest side for an axis, and its number of tiles."""
    sides = [side for side in SIDES if side >= taps] or [1 << (2 * taps - 1).bit_length()]
    counted = [(side, ceil_div(_outputs(length, taps), _outputs(side, taps))) for side in sides]
    return min(counted, key=lambda option: option[0] * option[1] * log2(option[0]))
