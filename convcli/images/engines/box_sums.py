"""Boxes of any size at the same cost, by running sums.

A row of vertical sums changes by one row that enters and one that leaves; the box is the difference
of two of its prefix sums (Crow 1984). Sums are integers, so that no rounding accumulates: uint32
wraps, and differences are exact.
"""

import numpy as np

from convcli.borders import FILL
from convcli.geometry import Pair, Window, output_length
from convcli.images.engines.quantize import IntensityMap, Quantizer, Statistics
from convcli.images.engines.row_bands import Bands, Work
from convcli.images.engines.shift_passes import Scratch
from convcli.images.kernels.kernel import Kernel
from convcli.images.pixel_arrays import Stored, Values
from convcli.records import NamedTuple

MIN_SIDE = 14
"""Smaller boxes are summed by doubling, in narrower accumulators."""

BLOCK_ROWS = 16
"""Rows whose prefix sums are taken at once."""


class BoxSums(NamedTuple):
    """A large box on samples of 8 or 16 bits."""

    kernel: Kernel

    @staticmethod
    def suits(kernel: Kernel, full: int, stride: Pair) -> bool:
        """Whether a kernel is one large box whose sums fit 32 bits."""
        if len(kernel.parts) != 1 or min(kernel.shape) < MIN_SIDE:
            return False
        (part,) = kernel.parts
        flat = all(factor.size and (factor == 1).all() for factor in part.factors)
        rows, columns = kernel.shape
        apart = len(part.factors) == 1 or all(min(factor.shape) == 1 for factor in part.factors)
        shapes = rows * columns == np.prod([factor.size for factor in part.factors])
        small = rows * columns * full < 2**31 and stride == (1, 1)
        return bool(flat and apart and shapes and small)

    @property
    def text(self) -> str:
        """How it is computed, for people."""
        return "running sums in uint32"

    def work(self, bands: Bands, intensity: IntensityMap, full: int, threads: int) -> Work:
        """Bands in order; each continues the running sums of the one before."""
        (part,) = self.kernel.parts
        box_rows, box_columns = self.kernel.shape
        _, width, channels = bands.pixels.shape
        fill, left = int(bands.fill), bands.left
        outside = [slice(0, left), slice(left + width, bands.width)]
        quantizer = Quantizer(part.scale, intensity, full, box_rows * box_columns * full)

        constant = np.full((width, channels), fill, np.uint32)

        def row(position: int) -> Values:
            source = bands.rows[position]
            return constant if source == FILL else bands.pixels[source]

        def run(top: int, bottom: int, out: Stored, scratch: Scratch) -> Statistics:
            column = scratch.array("column", width * channels, np.uint32).reshape(width, channels)
            if scratch.next_row != top:
                column[...] = 0
                for position in range(top, top + box_rows - 1):
                    np.add(column, row(position), out=column)
            scratch.next_row = bottom
            sums = scratch.array("sums", (bottom - top) * bands.width * channels, np.uint32)
            sums = sums.reshape(bottom - top, bands.width, channels)
            for position in range(top, bottom):
                np.add(column, row(position + box_rows - 1), out=column)
                sums[position - top, left : left + width] = column
                np.subtract(column, row(position), out=column)
            for side in outside:
                cells = bands.columns[side]
                if len(cells):
                    filled = cells[0] == FILL
                    sums[:, side] = box_rows * fill if filled else sums[:, left + cells]
            prefix = scratch.like("prefix", sums, np.uint32)
            np.cumsum(sums, axis=1, out=prefix)
            count = output_length(bands.width, Window(box_columns))
            boxes = scratch.array("boxes", (bottom - top) * count * channels, np.uint32)
            boxes = boxes.reshape(bottom - top, count, channels)
            np.subtract(prefix[:, box_columns:], prefix[:, : count - 1], out=boxes[:, 1:])
            boxes[:, 0] = prefix[:, box_columns - 1]
            return quantizer.samples(boxes.view(np.int32), out, scratch)[1]

        return Work(BLOCK_ROWS, run, in_order=True)
