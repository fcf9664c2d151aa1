"""One convolution in plain integers: what algorithms are priced and chosen by."""

from typing import NamedTuple


class Problem(NamedTuple):
    """A convolution that was padded and ungrouped at the door.

    Arrays of this problem, in the words used everywhere here (`n` image, `g` group, `c` channel
    in, `f` filter, `h w` place, `i j` place in the kernel):

        x       (n, g, c, h, w)     padded
        weight  (g, f, c, i, j)
        y       (n, g, f, h', w')
    """

    images: int
    groups: int
    channels: int
    """Input channels of one group."""
    filters: int
    """Filters of one group."""
    input: tuple[int, int]
    """Height and width, padding included."""
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    output: tuple[int, int]

    @property
    def taps(self) -> int:
        """Products in one output value: channels · kernel height · kernel width."""
        return self.channels * self.kernel[0] * self.kernel[1]

    @property
    def macs(self) -> int:
        """Multiply–accumulates in all."""
        height, width = self.output
        return self.images * self.groups * self.filters * self.taps * height * width
