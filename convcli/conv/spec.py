"""One convolution in plain integers, by which algorithms are priced and chosen."""

from functools import lru_cache

import numpy as np

from convcli.borders import Border
from convcli.geometry import Pair, Window, output_length
from convcli.records import NamedTuple


class Problem(NamedTuple):
    """A convolution that was read, checked and ungrouped.

    Arrays of this problem, in the words used everywhere here (`n` image, `g` group, `c` channel
    in, `f` filter, `h w` position, `i j` position in the kernel):

        x       (n, g, c, h, w)     as it came: no border yet, any strides, any real dtype
        weight  (g, f, c, i, j)     of `dtype`, in memory order
        y       (n, g, f, h', w')   of `dtype`

    Every axis of y has at least one position; there may be no images or no filters, which no
    algorithm is called for. An algorithm adds the border band by band
    (`convcli.conv.padding.padded_rows`), so that no padded copy of a large input ever exists.
    """

    images: int
    groups: int
    channels: int
    """Input channels of one group."""
    filters: int
    """Filters of one group."""
    size: Pair
    """Height and width of x."""
    padding: tuple[Pair, Pair]
    """Cells added (above, below) and (left, right)."""
    kernel: Pair
    stride: Pair
    """At most the padded size."""
    dilation: Pair
    """1 on an axis of one tap."""
    dtype: str = "float32"
    """The working dtype, which every product and sum is computed in."""
    exact: bool = False
    """Integers in disguise: only sums of the products themselves are allowed."""
    border: Border = Border()
    """The border, which fills the added cells."""

    @property
    def windows(self) -> tuple[Window, Window]:
        """The window on each axis of the padded input."""
        rows, columns = map(Window, self.kernel, self.stride, self.dilation)
        return rows, columns

    @property
    def dilated_kernel(self) -> Pair:
        """Cells from the first tap to the last on each axis."""
        rows, columns = self.windows
        return rows.dilated_kernel, columns.dilated_kernel

    @property
    def padded(self) -> Pair:
        """Height and width of x with its border.

        >>> Problem(1, 1, 3, 8, (5, 6), ((0, 1), (2, 2)), (3, 3), (1, 2), (1, 1)).padded
        (6, 10)
        """
        (height, width), (rows, columns) = self.size, self.padding
        return height + sum(rows), width + sum(columns)

    @property
    def output(self) -> Pair:
        """Height and width of y.

        >>> Problem(1, 1, 3, 8, (5, 6), ((0, 1), (2, 2)), (3, 3), (1, 2), (1, 1)).output
        (4, 4)
        """
        return _output(self)

    @property
    def taps(self) -> int:
        """Products in one output value: channels · kernel height · kernel width."""
        return self.channels * self.kernel[0] * self.kernel[1]

    @property
    def positions(self) -> int:
        """Output values of one filter for one image."""
        return self.output[0] * self.output[1]

    @property
    def macs(self) -> int:
        """Multiply–accumulates in all."""
        return self.images * self.groups * self.filters * self.taps * self.positions

    @property
    def itemsize(self) -> int:
        """Bytes of one value in the working dtype."""
        return np.dtype(self.dtype).itemsize

    @property
    def untouched(self) -> bool:
        """Whether no border is added to x."""
        return self.padded == self.size


@lru_cache(maxsize=256)
def _output(problem: Problem) -> Pair:
    """Cached, because every price and every tiling needs it."""
    (height, width), (rows, columns) = problem.padded, problem.windows
    return output_length(height, rows), output_length(width, columns)
