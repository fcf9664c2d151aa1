"""How a convolution is cut into tiles for minimal filtering, before any array exists."""

from functools import lru_cache

from convcli.conv.sliding import spans
from convcli.conv.spec import Problem
from convcli.geometry import Pair, Window, ceil_div, output_length
from convcli.records import NamedTuple

BAND_BYTES = 4 << 20
"""Transformed inputs and sums of one band of tiles. They pass the second-level cache of 2 MB, but
products of few tiles lose more: VGG conv1_2 takes 19 ms with 1 MB, 16 ms with 2, 14 ms with 4."""

BLOCK_BYTES = 2 << 20
"""Transformed filters of one block of them."""


class Tiling(NamedTuple):
    """How a problem is cut into tiles; sizes are counts of values of one group."""

    problem: Problem
    taps: Pair
    """Of one phase."""
    products: Pair
    """n on each axis; 1 on an axis of one tap."""
    outputs: Pair
    """m on each axis."""
    tiles: Pair
    channels: int
    """Phases counted as channels."""

    @property
    def square(self) -> int:
        """Products of one tile and channel."""
        return self.products[0] * self.products[1]

    @property
    def inputs(self) -> int:
        """Transformed inputs of one image."""
        return self.square * self.channels * self.tiles[0] * self.tiles[1]

    @property
    def filters(self) -> int:
        """Transformed filters."""
        return self.square * self.channels * self.problem.filters

    @property
    def sums(self) -> int:
        """Sums of products of one image, before the output transform."""
        return self.square * self.problem.filters * self.tiles[0] * self.tiles[1]

    @property
    def keeps_filters(self) -> bool:
        return self.filters <= self.inputs

    @property
    def bands(self) -> list[Pair]:
        """Rows of tiles whose transformed inputs and sums fill BAND_BYTES, at most half of all."""
        row = (self.inputs + self.sums) // self.tiles[0] * self.problem.itemsize
        return spans(self.tiles[0], min(max(BAND_BYTES // row, 1), ceil_div(self.tiles[0], 2)))

    @property
    def blocks(self) -> list[Pair]:
        """Filters whose transforms fill BLOCK_BYTES."""
        filter_bytes = self.square * self.channels * self.problem.itemsize
        return spans(self.problem.filters, BLOCK_BYTES // filter_bytes)

    @property
    def resident(self) -> int:
        return min(self.filters, self.inputs)

    @property
    def streamed(self) -> int:
        """Values of the buffers of one thread: padded rows, tiles, transforms, sums, outputs."""
        rows, block = self.bands[0][1], self.blocks[0][1]
        per_row = self.inputs // self.tiles[0]
        padded = self.problem.channels * self.rows_read(rows) * self.width_read
        if self.keeps_filters:
            sums = self.sums // self.tiles[0] * rows
            return padded + 2 * per_row * rows + 2 * sums
        sums = self.square * block * self.tiles[0] * self.tiles[1]
        return max(padded + 2 * per_row * rows, 2 * self.square * self.channels * block + 2 * sums)

    def rows_read(self, rows: int) -> int:
        """Padded rows that a number of rows of tiles read."""
        return Window(self.products[0], self.outputs[0]).span(rows) * self.problem.stride[0]

    @property
    def width_read(self) -> int:
        columns = Window(self.products[1], self.outputs[1]).span(self.tiles[1])
        return max(columns * self.problem.stride[1], self.problem.padded[1])


@lru_cache(maxsize=256)
def tiling_of(problem: Problem, products: int) -> Tiling:
    """The tiles of a problem for a number of products on each axis of more than one tap."""
    taps = tuple(map(ceil_div, problem.kernel, problem.stride))
    each = tuple(1 if count == 1 else products for count in taps)
    # a kernel longer than the products has one output here, and is refused elsewhere
    outputs = tuple(
        output_length(max(n, count), Window(count)) for n, count in zip(each, taps, strict=True)
    )
    tiles = tuple(map(ceil_div, problem.output, outputs))
    channels = problem.channels * problem.stride[0] * problem.stride[1]
    return Tiling(problem, taps, each, outputs, tiles, channels)  # type: ignore[arg-type]
