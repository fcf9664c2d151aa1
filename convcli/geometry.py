"""Windows, paddings and output lengths along one axis, in plain integers.

This file is the only place that computes them; two axes are two calls. Every function is exact for
integers of any size.

The words are those of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning"
(2016): a window of `kernel` taps, `dilation` apart, moves by `stride` over `length` cells that
were padded `before` and `after`. A position is counted from the first cell of the input, so those
in the padding before it are negative.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from convcli.errors import UnfitError
from convcli.records import NamedTuple
from convcli.text import decimal

if TYPE_CHECKING:
    from fractions import Fraction

MAX_SIZE = 10**9
"""The largest size, count or stride that is read: beyond any tensor there is."""

Pair = tuple[int, int]
"""Padding on one axis: cells before, cells after."""

PaddingName = Literal["valid", "same", "same_lower", "causal"]
Padding = PaddingName | Pair
"""Padding on one axis as it was given: a name of PADDINGS, or the cells before and after."""


def ceil_div(dividend: int, divisor: int) -> int:
    """⌈dividend / divisor⌉.

    >>> ceil_div(7, 2), ceil_div(-1, 2)
    (4, 0)
    """
    return -(-dividend // divisor)


def halves(total: int) -> Pair:
    """Cells shared between both ends, the odd one at the end.

    >>> halves(3)
    (1, 2)
    """
    return total // 2, total - total // 2


def clip(cells: range, length: int) -> range:
    """The part of neighboring cells that lies on an axis.

    >>> clip(range(-1, 3), 2)
    range(0, 2)
    """
    return range(max(cells.start, 0), min(cells.stop, length))


class Window(NamedTuple):
    """A sliding window on one axis."""

    kernel: int
    stride: int = 1
    dilation: int = 1

    @property
    def dilated_kernel(self) -> int:
        """Cells from the first tap to the last: dilation · (kernel − 1) + 1.

        >>> Window(kernel=3, dilation=2).dilated_kernel
        5
        """
        return self.dilation * (self.kernel - 1) + 1

    @property
    def overlap(self) -> int:
        """Outputs from the first that reads a cell to the last, at most ⌈dilated kernel / stride⌉.

        >>> Window(kernel=3, stride=2).overlap
        2
        """
        return ceil_div(self.dilated_kernel, self.stride)

    def span(self, outputs: int) -> int:
        """Cells from the first tap of one output to the last tap of the last of `outputs`.

            (outputs − 1) · stride + dilated kernel

        It is the length that gives `outputs` with nothing left over, and the length that a
        transposed convolution makes of `outputs` cells.

        >>> Window(11, stride=4).span(55)
        227
        """
        return (outputs - 1) * self.stride + self.dilated_kernel

    def starts(self, outputs: int, before: int = 0) -> range:
        """The position of the first tap for each output: output · stride − before.

        >>> list(Window(3, stride=2).starts(3, before=1))
        [-1, 1, 3]
        """
        return range(-before, outputs * self.stride - before, self.stride)

    def cells(self, output: int, before: int = 0) -> range:
        """The position of each tap: output · stride − before + dilation · tap.

        >>> list(Window(3, stride=2, dilation=2).cells(1, before=1))
        [1, 3, 5]
        """
        first = output * self.stride - before
        return range(first, first + self.dilated_kernel, self.dilation)

    def hull(self, outputs: range, before: int = 0) -> range:
        """Every position from the first tap of these outputs to their last tap.

        >>> Window(3, stride=2).hull(range(1, 3), before=1)
        range(1, 6)
        """
        first = outputs[0] * self.stride - before
        return range(first, first + self.span(outputs[-1] - outputs[0] + 1))

    def readers(self, cell: int, before: int = 0) -> set[int]:
        """The outputs that read a cell: output · stride + dilation · tap = cell + before.

        Of a transposed window, they are the input cells that an output cell depends on.

        >>> Window(3, stride=2).readers(2), Window(3, stride=2).readers(3)
        ({0, 1}, {1})
        """
        taps = range(cell + before, cell + before - self.dilated_kernel, -self.dilation)
        return {tap // self.stride for tap in taps if tap % self.stride == 0}

    def readers_hull(self, cells: range, before: int = 0) -> range:
        """Every output from the first that may read one of these cells to the last.

        >>> Window(3, stride=2).readers_hull(range(2, 4))
        range(0, 2)
        """
        first = ceil_div(cells[0] + before - self.dilated_kernel + 1, self.stride)
        return range(first, (cells[-1] + before) // self.stride + 1)


def _same(length: int, window: Window) -> Pair:
    return halves(max(window.span(ceil_div(length, window.stride)) - length, 0))


PADDINGS: dict[PaddingName, Callable[[int, Window], Pair]] = {
    "valid": lambda length, window: (0, 0),
    "same": _same,
    "same_lower": lambda length, window: _same(length, window)[::-1],
    "causal": lambda length, window: (window.dilated_kernel - 1, 0),
}
"""Named paddings. SAME is TensorFlow's: ⌈length / stride⌉ outputs, the odd cell at the end;
`same_lower`, ONNX's word, puts it at the start. `causal` pads before alone, so that no output sees
what comes after it."""


def padding_name(text: str) -> PaddingName | None:
    """The named padding that a text gives; None for any other text.

    >>> padding_name("SAME"), padding_name("full")
    ('same', None)
    """
    return next((name for name in PADDINGS if name == text.strip().lower()), None)


def resolve_padding(padding: Padding, length: int, window: Window) -> Pair:
    """The cells before and after that a padding means on an axis of this length.

    >>> resolve_padding("same", 7, Window(2, stride=2))
    (0, 1)
    >>> resolve_padding("same_lower", 7, Window(2, stride=2))
    (1, 0)
    """
    return PADDINGS[padding](length, window) if isinstance(padding, str) else padding


def full_padding(window: Window, cut: Pair = (0, 0)) -> Pair:
    """The padding that gives every window with a cell of the input its place, less a cut.

        dilated kernel − 1 − cut        Dumoulin & Visin 2016, relationship 14

    A transposed convolution with the padding `cut` is a convolution with this one; the function is
    its own inverse.

    >>> full_padding(Window(3)), full_padding(Window(3), (1, 0))
    ((2, 2), (1, 2))
    """
    full = window.dilated_kernel - 1
    return full - cut[0], full - cut[1]


def anchored_padding(window: Window, anchor: int) -> Pair:
    """The padding that puts the tap `anchor` on every cell in turn: as many outputs as cells.

    >>> anchored_padding(Window(4), anchor=1)
    (1, 2)
    """
    return anchor, window.dilated_kernel - 1 - anchor


def ceil_padding(length: int, window: Window, padding: Pair) -> Pair:
    """The padding under which ⌊…⌋ + 1 places are those of PyTorch's `ceil_mode`.

        ⌈(length + before + after − dilated kernel) / stride⌉ + 1

    less the last place where it would begin behind the input (`torch.nn.MaxPool2d`).

    >>> ceil_padding(6, Window(3, stride=2), (0, 0)), ceil_padding(5, Window(2, stride=3), (0, 0))
    ((0, 1), (0, 0))
    """
    before, after = padding
    outputs = ceil_div(length + before + after - window.dilated_kernel, window.stride) + 1
    if begins_behind(outputs, window, length + before):
        outputs -= 1
    if outputs < 1:
        return padding  # nothing fits, which output_length says
    return before, max(window.span(outputs) - length - before, after)


def begins_behind(outputs: int, window: Window, end: int) -> bool:
    """Whether the last of `outputs` windows begins at or behind `end`.

    >>> begins_behind(3, Window(2, stride=3), 6), begins_behind(2, Window(2, stride=3), 6)
    (True, False)
    """
    return (outputs - 1) * window.stride >= end


def pool_padding_refusal(window: Window, padding: Pair) -> str | None:
    """Why a pool cannot have a padding: a window of padding alone has nothing to reduce.

    >>> pool_padding_refusal(Window(2), (1, 1)), pool_padding_refusal(Window(2), (0, 2))
    (None, 'padding 2: a window of 2 cells would see nothing but padding')
    """
    cells = window.dilated_kernel
    if max(padding) < cells:
        return None
    return f"padding {max(padding)}: a window of {cells} cells would see nothing but padding"


def output_length(length: int, window: Window, padding: Pair = (0, 0)) -> int:
    """Places a window fits along one axis.

        ⌊(length + before + after − dilated kernel) / stride⌋ + 1        Dumoulin & Visin 2016

    >>> output_length(224, Window(11, stride=4))
    54
    >>> output_length(224, Window(11, stride=4), (2, 2))
    55

    Raises UnfitError when the window is longer than the padded axis.
    """
    slack = length + padding[0] + padding[1] - window.dilated_kernel
    if slack < 0:
        raise UnfitError(_too_long(length, window, padding))
    return slack // window.stride + 1


def _too_long(length: int, window: Window, padding: Pair) -> str:
    before, after = padding
    padded = length + before + after
    kernel = f"the kernel of {window.kernel}"
    if window.dilation > 1:
        kernel += f" with dilation {window.dilation} reaches {window.dilated_kernel} cells and"
    around = f" padded to {padded} ({before} + {length} + {after})" if padded > length else ""
    remedy = f"pad {ceil_div(window.dilated_kernel - length, 2)} at both ends"
    largest = (padded - 1) // window.dilation + 1
    if largest > 0:
        remedy += f", or use a kernel of {largest} or less"
    return f"{kernel} is longer than the input of {length}{around}; {remedy}"


class Fit(NamedTuple):
    """How a window fits an axis: the cells left over, and the sizes that leave nothing over.

    >>> fit = Fit(224, Window(11, stride=4), (0, 0))
    >>> fit.output, fit.formula, fit.unread
    (54, '(224 + 2·0 − 11)/4 + 1 = 54.25 → 54', 1)
    >>> fit.exact_inputs, fit.exact_padding, fit.even_padding
    ((223, 227), (1, 2), 2)
    """

    length: int
    window: Window
    padding: Pair

    @property
    def output(self) -> int:
        """Places of the window. Raises UnfitError where it has none."""
        return output_length(*self)

    @property
    def leftover(self) -> int:
        """Cells behind the last window, padding among them."""
        return self.length + sum(self.padding) - self.window.span(self.output)

    @property
    def unread(self) -> int:
        """Input cells at the end that no window reads: leftover cells that are not padding."""
        return max(self.leftover - self.padding[1], 0)

    @property
    def skipped(self) -> int:
        """Cells between one window and the next that neither reads.

        >>> Fit(7, Window(1, stride=3), (0, 0)).skipped
        2
        """
        between = max(self.window.stride - self.window.dilated_kernel, 0)
        return between if self.output > 1 else 0

    @property
    def expression(self) -> str:
        """The quotient that is floored, with the numbers in place, for people.

        (length + before + after − dilation · (kernel − 1) − 1) / stride + 1
        """
        (before, after), (kernel, stride, dilation) = self.padding, self.window
        ends = f"2·{before:,}" if before == after else f"{before:,} + {after:,}"
        cells = f"{kernel:,}" if dilation == 1 else f"{dilation:,}·({kernel:,} − 1) − 1"
        return f"({self.length:,} + {ends} − {cells})/{stride:,} + 1"

    @property
    def quotient(self) -> tuple[int, int]:
        """The output length before it is floored: dividend and divisor."""
        stride = self.window.stride
        padded = self.length + sum(self.padding)
        return padded - self.window.dilated_kernel + stride, stride

    @property
    def formula(self) -> str:
        """The formula of the output length, with the numbers in place."""
        rounded = f" {decimal(*self.quotient)} → " if self.leftover else " = "
        return f"{self.expression}{rounded}{self.output:,}"

    @property
    def exact_inputs(self) -> Pair:
        """The nearest lengths, below and above, that leave nothing over."""
        shorter = self.length - self.leftover
        return shorter, shorter + (self.window.stride if self.leftover else 0)

    @property
    def exact_padding(self) -> Pair:
        """The smallest padding that adds one more place and leaves nothing over."""
        before, after = halves(self.window.stride - self.leftover)
        return self.padding[0] + before, self.padding[1] + after

    @property
    def even_padding(self) -> int:
        """The smallest padding, alike at both ends, that adds one more place."""
        return ceil_div(sum(self.exact_padding), 2)


def transposed_padding(padding: Padding, window: Window, extra: int = 0) -> tuple[Pair, int]:
    """The cells that a transposed convolution cuts off at both ends, and adds at its end.

    Numbers are PyTorch's `padding` and `output_padding`. Names are Keras's: `same` gives
    length · stride cells, `valid` cuts nothing off and gives no fewer.

    >>> transposed_padding((1, 1), Window(3, 2), 1), transposed_padding("same", Window(3, 2))
    (((1, 1), 1), ((0, 1), 0))

    Raises UnfitError for a name that has no meaning here.
    """
    if not isinstance(padding, str):
        return padding, extra
    if padding == "causal":
        raise UnfitError(f"padding {padding!r} has no meaning for a transposed convolution")
    # of the cells that one input cell becomes, a name leaves a stride
    cut = resolve_padding(padding, window.stride, window)
    return cut, extra + max(window.stride - window.dilated_kernel, 0)


def output_padding_refusal(extra: int, window: Window) -> str | None:
    """Why a transposed convolution cannot add a number of cells at its end, as in PyTorch.

    >>> output_padding_refusal(1, Window(3, stride=2)), output_padding_refusal(1, Window(3))
    (None, 'output_padding=1 must be less than the stride 1 or the dilation 1')
    """
    if extra < max(window.stride, window.dilation):
        return None
    return (
        f"output_padding={extra} must be less than the stride {window.stride} or the dilation "
        f"{window.dilation}"
    )


def fitting_kernel(cells: int, outputs: int, stride: int, dilation: int = 1) -> int | None:
    """The kernel with which `outputs` windows fill an axis exactly; None where there is none.

        dilation · (kernel − 1) + 1 + (outputs − 1) · stride = cells

    >>> fitting_kernel(7, 3, 2), fitting_kernel(7, 3, 2, dilation=2), fitting_kernel(4, 3, 2)
    (3, 2, None)
    """
    taps, uneven = divmod(cells - 1 - (outputs - 1) * stride, dilation)
    return None if uneven or taps < 0 else taps + 1


def transposed_length(length: int, window: Window, cut: Pair = (0, 0), extra: int = 0) -> int:
    """Cells that a transposed convolution makes of `length`.

        (length − 1) · stride + dilated kernel − before − after + extra    Dumoulin & Visin 2016, §4

    >>> transposed_length(7, Window(4, stride=2), (1, 1))
    14

    Raises UnfitError where nothing is left, and for more cells than `output_padding_refusal` takes.
    """
    refusal = output_padding_refusal(extra, window)
    if refusal:
        raise UnfitError(refusal)
    painted = window.span(length) if length else 0
    if painted - sum(cut) + extra < 1:
        raise UnfitError(f"padding {cut[0]},{cut[1]} cuts off all {painted} cells")
    return painted - sum(cut) + extra


def transposed_formula(length: int, window: Window, cut: Pair = (0, 0), extra: int = 0) -> str:
    """The formula of the length that a transposed convolution gives, with the numbers in place.

    >>> transposed_formula(7, Window(4, stride=2), (1, 1))
    '(7 − 1)·2 − 2·1 + 4 = 14'

    Raises UnfitError as `transposed_length` does.
    """
    kernel, stride, dilation = window
    ends = f"2·{cut[0]:,}" if cut[0] == cut[1] else f"{cut[0]:,} − {cut[1]:,}"
    cells = f"{kernel:,}" if dilation == 1 else f"{dilation:,}·({kernel:,} − 1) + 1"
    more = f" + {extra:,}" if extra else ""
    output = transposed_length(length, window, cut, extra)
    return f"({length:,} − 1)·{stride:,} − {ends} + {cells}{more} = {output:,}"


def adaptive_cells(output: int, length: int, outputs: int) -> range:
    """The cells of one place where `outputs` windows share an axis, as PyTorch's adaptive pools do.

        ⌊output · length / outputs⌋ up to ⌈(output + 1) · length / outputs⌉

    >>> adaptive_cells(0, 5, 2), adaptive_cells(1, 5, 2)
    (range(0, 3), range(2, 5))
    """
    return range(output * length // outputs, ceil_div((output + 1) * length, outputs))


def adaptive_window(length: int, outputs: int) -> Window:
    """The window of an adaptive pool, which is the same at every place where `outputs` divides.

    >>> adaptive_window(6, 3)
    Window(kernel=2, stride=2, dilation=1)
    """
    return Window(ceil_div(length, outputs), max(length // outputs, 1))


class ReceptiveField(NamedTuple):
    """What one output cell sees of the network's input, along one axis.

    `size` cells, from cell `first` for output 0 (negative: in the padding); the next output sees
    `jump` cells further on. They are fractions behind a layer that enlarges.
    """

    size: "int | Fraction" = 1
    jump: "int | Fraction" = 1
    first: "int | Fraction" = 0

    def through(self, window: Window, before: int) -> "ReceptiveField":
        """The same after one more window.

            size ← size + (dilated kernel − 1) · jump      first ← first − before · jump
            jump ← jump · stride                           Araujo, Norris & Sim, Distill 2019

        >>> ReceptiveField().through(Window(3), 0).through(Window(3), 0)
        ReceptiveField(size=5, jump=1, first=0)
        """
        return ReceptiveField(
            self.size + (window.dilated_kernel - 1) * self.jump,
            self.jump * window.stride,
            self.first - before * self.jump,
        )

    def enlarged(self, times: int) -> "ReceptiveField":
        """The same where `times` output cells share the jump of one.

        >>> ReceptiveField(size=3, jump=4).enlarged(2)
        ReceptiveField(size=3, jump=2, first=0)
        """
        if self.jump % times == 0:
            return self._replace(jump=self.jump // times)
        from fractions import Fraction  # seldom needed, and 2 ms to import

        return self._replace(jump=Fraction(self.jump, times))
