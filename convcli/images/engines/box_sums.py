"""Boxes of any size at one cost: sums that a row or a column enters and another leaves.

A row of vertical sums changes by one row that enters and one that leaves; the box is the difference
of two of its prefix sums (Crow 1984). Whole numbers, so that nothing drifts: sums of uint32 wrap,
and their differences are exact again.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.conv.padding import FILL
from convcli.geometry import Window, output_length
from convcli.images.engines.quantize import Rounding, Statistics, Tone
from convcli.images.engines.row_bands import Bands
from convcli.images.engines.shift_passes import Scratch
from convcli.images.kernels.kernel import Kernel

Array = NDArray[Any]

LEAST_SIDE = 14
"""Smaller boxes are summed by doubling, in narrower lanes."""

BLOCK_ROWS = 16
"""Rows whose prefix sums are taken at once."""


def suits(kernel: Kernel, bands: Bands) -> bool:
    """Whether a kernel is one large box, whose sums 32 bits hold."""
    if len(kernel.parts) != 1 or min(kernel.shape) < LEAST_SIDE:
        return False
    (part,) = kernel.parts
    flat = all(factor.size and (factor == 1).all() for factor in part.factors)
    full = int(np.iinfo(bands.pixels.dtype).max)
    rows, columns = kernel.shape
    apart = len(part.factors) == 1 or all(min(factor.shape) == 1 for factor in part.factors)
    shapes = rows * columns == np.prod([factor.size for factor in part.factors])
    small = rows * columns * full < 2**31 and bands.window.stride == (1, 1)
    return bool(flat and apart and shapes and small)


def worker(
    bands: Bands, kernel: Kernel, tones: Tone, channels: int, full: int
) -> Callable[[], Callable[[int, int, Array | None], tuple[Array, Statistics]]]:
    """A thread's function of a segment of rows, whose first row is summed anew."""
    (part,) = kernel.parts
    tall, wide = kernel.shape
    pixels = bands.pixels[..., :channels]
    width, fill = pixels.shape[1], int(bands.fill)
    left = bands.left
    outside = [slice(0, left), slice(left + width, bands.width())]
    rounding = Rounding(part.scale, tones, full, tall * wide * full)

    def make() -> Callable[[int, int, Array | None], tuple[Array, Statistics]]:
        scratch = Scratch()
        column = np.zeros((width, channels), np.uint32)
        constant = np.full((width, channels), fill, np.uint32)
        state = [-1]

        def row(place: int) -> Array:
            source = bands.rows[place]
            return constant if source == FILL else pixels[source]

        def run(top: int, bottom: int, out: Array | None) -> tuple[Array, Statistics]:
            if state[0] != top:  # not the rows after those of the last call
                column[...] = 0
                for place in range(top, top + tall - 1):
                    np.add(column, row(place), out=column)
            state[0] = bottom
            sums = scratch.array("sums", (bottom - top) * bands.width() * channels, np.uint32)
            sums = sums.reshape(bottom - top, bands.width(), channels)
            for place in range(top, bottom):
                np.add(column, row(place + tall - 1), out=column)
                sums[place - top, left : left + width] = column
                np.subtract(column, row(place), out=column)
            for side in outside:
                cells = bands.columns[side]
                if len(cells):
                    filled = cells[0] == FILL
                    sums[:, side] = tall * fill if filled else sums[:, left + cells]
            prefix = scratch.like("prefix", sums, np.uint32)
            np.cumsum(sums, axis=1, out=prefix)
            count = output_length(bands.width(), Window(wide))
            found = scratch.array("found", (bottom - top) * count * channels, np.uint32)
            found = found.reshape(bottom - top, count, channels)
            np.subtract(prefix[:, wide:], prefix[:, : count - 1], out=found[:, 1:])
            found[:, 0] = prefix[:, wide - 1]
            return rounding.samples(found.view(np.int32), out, scratch)

        return run

    return make
