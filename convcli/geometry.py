"""Window arithmetic on one axis: output length, padding, what is never read, receptive field.

Everything is an exact integer. Two axes are two calls.

The words are those of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning"
(2016): a window of `kernel` taps, `dilation` apart, moves by `stride` over `length` cells that
were padded `before` and `after`.
"""

from collections.abc import Callable
from typing import NamedTuple

from convcli.errors import UnfitError

LARGEST = 10**9
"""No size, count or stride is taken above this: beyond any tensor there is."""

Pair = tuple[int, int]
"""Padding on one axis: cells before, cells after."""

Padding = str | Pair
"""Padding on one axis as it was asked for: a name of PADDINGS, or the cells before and after."""


class Window(NamedTuple):
    """A sliding window on one axis."""

    kernel: int
    stride: int = 1
    dilation: int = 1

    @property
    def reach(self) -> int:
        """Cells from the first tap to the last: dilation · (kernel − 1) + 1.

        >>> Window(kernel=3, dilation=2).reach
        5
        """
        return self.dilation * (self.kernel - 1) + 1


def _valid(length: int, window: Window) -> Pair:
    return 0, 0


def _same(length: int, window: Window) -> Pair:
    outputs = -(-length // window.stride)
    total = max((outputs - 1) * window.stride + window.reach - length, 0)
    return total // 2, total - total // 2


def _same_lower(length: int, window: Window) -> Pair:
    before, after = _same(length, window)
    return after, before


def _causal(length: int, window: Window) -> Pair:
    return window.reach - 1, 0


PADDINGS: dict[str, Callable[[int, Window], Pair]] = {
    "valid": _valid,
    "same": _same,
    "same_lower": _same_lower,
    "causal": _causal,
}
"""Named paddings. SAME is TensorFlow's: ⌈length / stride⌉ outputs, the odd cell at the end;
`same_lower`, ONNX's word, puts it at the start. `causal` pads before alone, so that no output sees
what comes after it."""


def resolve_padding(padding: Padding, length: int, window: Window) -> Pair:
    """The cells before and after that a padding means on an axis of this length.

    >>> resolve_padding("same", 7, Window(2, stride=2))
    (0, 1)
    >>> resolve_padding("same_lower", 7, Window(2, stride=2))
    (1, 0)
    """
    return PADDINGS[padding](length, window) if isinstance(padding, str) else padding


def output_length(length: int, window: Window, padding: Pair = (0, 0)) -> int:
    """Places a window fits along one axis.

        ⌊(length + before + after − reach) / stride⌋ + 1        Dumoulin & Visin 2016

    >>> output_length(224, Window(11, stride=4))
    54
    >>> output_length(224, Window(11, stride=4), (2, 2))
    55

    Raises UnfitError when the window is longer than the padded axis.
    """
    return Fit(length, window, padding).output


class Fit(NamedTuple):
    """How a window fits an axis: what it leaves over, and what would leave nothing over.

    >>> fit = Fit(224, Window(11, stride=4), (0, 0))
    >>> fit.output, fit.quotient, fit.unread
    (54, '54.25', 1)
    >>> fit.exact_inputs, fit.exact_padding, fit.even_padding
    ((223, 227), (1, 2), 2)
    """

    length: int
    window: Window
    padding: Pair

    @property
    def slack(self) -> int:
        """Cells the window can move over, from its first place to the end of the axis."""
        slack = self.length + sum(self.padding) - self.window.reach
        if slack < 0:
            raise UnfitError(self._too_long())
        return slack

    @property
    def output(self) -> int:
        return self.slack // self.window.stride + 1

    @property
    def leftover(self) -> int:
        """Cells behind the last window, padding among them."""
        return self.slack % self.window.stride

    @property
    def unread(self) -> int:
        """Input cells at the end that no window reaches: leftover cells that are not padding."""
        return max(self.leftover - self.padding[1], 0)

    @property
    def quotient(self) -> str:
        """The output length before it is floored, for people."""
        return f"{self.output + self.leftover / self.window.stride:.2f}"

    @property
    def exact_inputs(self) -> Pair:
        """The nearest lengths, below and above, that leave nothing over."""
        shorter = self.length - self.leftover
        return shorter, shorter + (self.window.stride if self.leftover else 0)

    @property
    def exact_padding(self) -> Pair:
        """The least padding that adds one more place and leaves nothing over."""
        missing = self.window.stride - self.leftover
        before = missing // 2
        return self.padding[0] + before, self.padding[1] + missing - before

    @property
    def even_padding(self) -> int:
        """The least padding, alike at both ends, that adds one more place."""
        return -(-sum(self.exact_padding) // 2)

    def _too_long(self) -> str:
        window, before, after = self.window, *self.padding
        room = self.length + before + after
        kernel = f"the kernel of {window.kernel}"
        if window.dilation > 1:
            kernel += f" with dilation {window.dilation} reaches {window.reach} cells and"
        padded = (
            f" padded to {room} ({before} + {self.length} + {after})" if room > self.length else ""
        )
        remedy = f"pad {-(-(window.reach - self.length) // 2)} at both ends"
        largest = (room - 1) // window.dilation + 1
        if largest > 0:
            remedy += f", or use a kernel of {largest} or less"
        return f"{kernel} is longer than the input of {self.length}{padded}; {remedy}"


class Reception(NamedTuple):
    """What one output cell sees of the network's input, along one axis.

    `size` cells, from cell `first` for output 0 (negative: in the padding); the next output sees
    `jump` cells further on.
    """

    size: int = 1
    jump: int = 1
    first: int = 0

    def through(self, window: Window, before: int) -> "Reception":
        """The same after one more window.

            size ← size + (reach − 1) · jump      first ← first − before · jump
            jump ← jump · stride                  Araujo, Norris & Sim, Distill 2019

        >>> Reception().through(Window(3), 0).through(Window(3), 0)
        Reception(size=5, jump=1, first=0)
        """
        return Reception(
            self.size + (window.reach - 1) * self.jump,
            self.jump * window.stride,
            self.first - before * self.jump,
        )
