"""Minimal filtering: small tiles of output from fewer products than taps (Lavin & Gray 2016).

    Y = Aᵀ [Σ_c (G g Gᵀ) ⊙ (Bᵀ d B)] A

A tile of m×m outputs reads n×n inputs. All transforms of a band of tiles are one matrix product
each, with the Kronecker squares of the small matrices, and the sums over channels between them
are n·n products (filters × channels) · (channels × tiles). A convolution of stride s is one of
stride 1 over s·s times the channels, one for each phase, with kernels ⌈k / s⌉ long.

Either all transformed filters stay in memory and bands of tiles stream past them, or, where maps
are small and filters many, all transformed inputs of an image stay and blocks of filters stream.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convcli.arrays import Array
from convcli.conv.algorithms.winograd.tiling import Tiling, tiling_of
from convcli.conv.algorithms.winograd.transforms import transforms
from convcli.conv.padding import padded_rows
from convcli.conv.sliding import new_output
from convcli.conv.spec import Problem
from convcli.conv.threads import share, threads
from convcli.geometry import Pair
from convcli.records import NamedTuple

RESIDENT_BYTES = 40 << 20
"""Maximum bytes of the transforms that stay in memory."""

SECONDS_PER_PRODUCT = 4.8e-11
SECONDS_PER_INPUT = 6e-09
SECONDS_PER_OUTPUT = 2e-09
SECONDS_PER_FILTER = 1.7e-09
SECONDS_PER_PIECE = 0.00015
"""CPU seconds, fitted by tests/benchmarks/fit.py."""


class Winograd(NamedTuple):
    """F(m, r) on each axis that has r > 1 taps, with a fixed number n = m + r − 1 of products."""

    products: int

    def refuses(self, problem: Problem) -> str | None:
        tiling = tiling_of(problem, self.products)
        if problem.exact:
            return "integers have to stay exact, and the transforms round"
        if problem.dilation != (1, 1):
            return f"its windows are dense, not {problem.dilation} apart"
        if not 1 < max(tiling.taps) < self.products:
            sizes = "{}x{}".format(*tiling.taps)
            return f"a phase has {sizes} taps, and it takes 2 to {self.products - 1}"
        if tiling.resident * problem.itemsize > RESIDENT_BYTES:
            return f"its transforms would take {tiling.resident * problem.itemsize >> 20} MB"
        return None

    def cost(self, problem: Problem) -> float:
        tiling, each = tiling_of(problem, self.products), problem.images * problem.groups
        return (
            SECONDS_PER_PRODUCT * each * tiling.inputs * problem.filters
            + SECONDS_PER_INPUT * each * tiling.inputs
            + SECONDS_PER_OUTPUT * each * tiling.sums
            + SECONDS_PER_FILTER * problem.groups * tiling.filters
            + SECONDS_PER_PIECE * (1 + each * len(tiling.bands))
        )

    def workspace_bytes(self, problem: Problem) -> int:
        tiling = tiling_of(problem, self.products)
        return (tiling.resident + threads() * tiling.streamed) * problem.itemsize

    def convolve(self, x: Array, weight: Array, problem: Problem) -> Array:
        tiling = tiling_of(problem, self.products)
        y = new_output(problem)
        for g in range(problem.groups):
            if tiling.keeps_filters:
                _stream_inputs(x[:, g], weight[g], y[:, g], tiling)
            else:
                for n in range(problem.images):
                    _stream_filters(x[n, g], weight[g], y[n, g], tiling)
        return y


@lru_cache(maxsize=64)
def _squares(products: Pair, taps: Pair, dtype: str) -> tuple[Array, ...]:
    """The Kronecker products of the transforms of both axes: of outputs, filters and inputs."""
    axes = map(transforms, products, taps)
    return tuple(np.kron(rows, columns).astype(dtype) for rows, columns in zip(*axes, strict=True))


class Buffers:
    """The arrays of one thread, made before its first piece: fresh ones cost more than the sums."""

    def __init__(self, tiling: Tiling) -> None:
        problem, block, band = tiling.problem, tiling.blocks[0][1], tiling.bands[0][1]
        row = tiling.tiles[1] * tiling.square
        sums = row * (problem.filters * band if tiling.keeps_filters else block * tiling.tiles[0])
        values = max(band * row * tiling.channels, sums)
        self.tiling = tiling
        self.rows = self.flat(problem.channels * tiling.rows_read(band) * tiling.width_read)
        self.taps, self.inputs = self.flat(values), self.flat(values)
        self.filters = self.flat(tiling.square * tiling.channels * block)
        # each pair is never needed at once, and half the memory stays in the cache
        self.sums, self.outputs = self.taps, self.inputs

    def flat(self, values: int) -> Array:
        return np.empty(values, self.tiling.problem.dtype)


def shaped(flat: Array, *shape: int) -> Array:
    """The front of a flat buffer in a shape."""
    return flat[: prod(shape)].reshape(shape)


def _stream_inputs(x: Array, weight: Array, y: Array, tiling: Tiling) -> None:
    """Images (n, c, h, w) past the transformed filters of one group."""
    filters = np.empty((tiling.square, len(weight), tiling.channels), weight.dtype)

    def transform(pieces: Iterator[Pair]) -> None:
        for start, stop in pieces:
            _transform_filters(weight[start:stop], tiling, filters[:, start:stop])

    def stream(pieces: Iterator[tuple[int, Pair]]) -> None:
        own = Buffers(tiling)
        for n, (top, bottom) in pieces:
            positions = (bottom - top) * tiling.tiles[1]
            inputs = shaped(own.inputs, tiling.square, tiling.channels, positions)
            _transform_inputs(x[n], top, bottom, own, inputs)
            sums = shaped(own.sums, tiling.square, len(weight), positions)
            np.matmul(filters, inputs, out=sums)
            _transform_outputs(sums, y[n], top, bottom, own)

    share(tiling.blocks, transform)
    share(list(product(range(len(x)), tiling.bands)), stream)


def _stream_filters(x: Array, weight: Array, y: Array, tiling: Tiling) -> None:
    """Filters (f, c, i, j) past the transformed inputs of one image and group."""
    rows, columns = tiling.tiles
    inputs = np.empty((tiling.square, tiling.channels, rows * columns), weight.dtype)

    def transform(pieces: Iterator[Pair]) -> None:
        own = Buffers(tiling)
        for top, bottom in pieces:
            band = shaped(own.inputs, tiling.square, tiling.channels, (bottom - top) * columns)
            _transform_inputs(x, top, bottom, own, band)
            inputs[:, :, top * columns : bottom * columns] = band

    def stream(pieces: Iterator[Pair]) -> None:
        own = Buffers(tiling)
        for start, stop in pieces:
            block = shaped(own.filters, tiling.square, stop - start, tiling.channels)
            _transform_filters(weight[start:stop], tiling, block)
            sums = shaped(own.sums, tiling.square, stop - start, inputs.shape[2])
            np.matmul(block, inputs, out=sums)
            _transform_outputs(sums, y[start:stop], 0, rows, own)

    share(tiling.bands, transform)
    share(tiling.blocks, stream)


def _transform_filters(weight: Array, tiling: Tiling, out: Array) -> None:
    """Filters (f, c, i, j) into (n·n, f, c·s·s)."""
    (row_step, column_step), (rows, columns) = tiling.problem.stride, tiling.taps
    count, channels, height, width = weight.shape
    if (row_step, column_step) != (1, 1):
        padded = np.zeros((count, channels, rows * row_step, columns * column_step), weight.dtype)
        padded[:, :, :height, :width] = weight
        phases = padded.reshape(count, channels, rows, row_step, columns, column_step)
        weight = np.ascontiguousarray(phases.transpose(0, 1, 3, 5, 2, 4))
    matrix = _squares(tiling.products, tiling.taps, weight.dtype.name)[1]
    taps = weight.reshape(-1, rows * columns).T
    # a block of filters is a run in each of the n·n planes, which a product can write into
    planes, _, column = out.strides
    flat = as_strided(out, (tiling.square, count * tiling.channels), (planes, column))
    np.matmul(matrix, taps, out=flat)


def _transform_inputs(x: Array, top: int, bottom: int, own: Buffers, out: Array) -> None:
    """Rows of tiles top..bottom of one image (c, h, w) into (n·n, c·s·s, tiles)."""
    tiling = own.tiling
    problem, (row_step, column_step) = tiling.problem, tiling.problem.stride
    first = top * tiling.outputs[0] * row_step
    rows = shaped(own.rows, len(x), tiling.rows_read(bottom - top), tiling.width_read)
    padded_rows(x, problem, first, first + rows.shape[1], rows)
    channel, row, column = rows.strides
    (n, m), (o, p) = tiling.products, tiling.outputs
    view: Array = np.ndarray(
        (n, m, len(x), row_step, column_step, bottom - top, tiling.tiles[1]),
        rows.dtype,
        own.rows,  # as_strided takes ten times as long, and holds the other threads up
        strides=(
            *(row_step * row, column_step * column, channel, row, column),
            *(o * row_step * row, p * column_step * column),
        ),
    )
    taps = shaped(own.taps, *view.shape)
    np.copyto(taps, view)
    matrix = _squares(tiling.products, tiling.taps, problem.dtype)[2]
    np.matmul(matrix, taps.reshape(len(matrix), -1), out=out.reshape(len(matrix), -1))


def _transform_outputs(sums: Array, y: Array, top: int, bottom: int, own: Buffers) -> None:
    """Sums (n·n, f, tiles) of rows of tiles top..bottom into their place in y (f, h', w')."""
    tiling = own.tiling
    matrix = _squares(tiling.products, tiling.taps, y.dtype.name)[0]
    (height, width), values = tiling.outputs, len(y) * sums.shape[2]
    tiles = shaped(own.outputs, len(matrix), values)
    np.matmul(matrix, sums.reshape(tiling.square, values), out=tiles)
    parts = tiles.reshape(height, width, len(y), bottom - top, tiling.tiles[1])
    # two long copies: one per cell of the tile would be m·m short ones, and threads that meet
    # between short calls wait for each other
    maps = shaped(own.sums, len(y), bottom - top, height, tiling.tiles[1], width)
    np.copyto(maps, parts.transpose(2, 3, 0, 4, 1))
    band = y[:, top * height : bottom * height]
    rows = maps.reshape(len(y), (bottom - top) * height, tiling.tiles[1] * width)
    np.copyto(band, rows[:, : band.shape[1], : band.shape[2]])
