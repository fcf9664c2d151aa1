"""The lengths that give an output along one axis: which padding gives 55?"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from convcli.errors import SpecError
from convcli.geometry import Fit, Pair, Window, full_padding, halves
from convcli.nets.analysis.summary import SCHEMA
from convcli.tables import Listing
from convcli.text import counted

MAX_SOLUTIONS = 10_000
"""More is refused: a question with so many answers leaves too much out."""

MAX_DILATED_KERNEL = 2_000
"""Larger dilated kernels and strides are not solved for."""

MAX_KERNEL = 15
"""Larger kernels and strides are not tried where they are left out."""


class Solution(NamedTuple):
    """A window on one axis that gives the wanted output."""

    input: int
    kernel: int
    stride: int
    dilation: int
    padding: Pair
    output: int
    unread: int
    leftover: int

    @property
    def exact(self) -> bool:
        """Whether nothing is left over behind the last window, padding included."""
        return self.leftover == 0

    @property
    def even(self) -> bool:
        return self.padding[0] == self.padding[1]


class Unknowns(NamedTuple):
    """One axis of a layer; None is to be solved for."""

    input: int | None
    kernel: int | None
    stride: int | None
    padding: Pair | None
    output: int
    dilation: int = 1


def solutions(given: Unknowns) -> list[Solution]:
    """Every integer solution: exact ones first, then alike at both ends, then smallest padding.

    Kernels and strides that are left out are tried to MAX_KERNEL, strides to the kernel, and
    paddings to one less than the dilated kernel, beyond which a window reads nothing but padding.

    >>> solutions(Unknowns(224, 11, 4, None, 55))[0].padding
    (1, 2)
    """
    window = Window(given.kernel or 1, given.stride or 1, given.dilation)
    for name, cells in (("kernel", window.dilated_kernel), ("stride", window.stride)):
        if cells > MAX_DILATED_KERNEL:
            raise SpecError(
                f"solve takes a {name} that reaches at most {MAX_DILATED_KERNEL:,} cells"
            )
    first = list(islice(_solutions(given), MAX_SOLUTIONS + 1))
    if len(first) > MAX_SOLUTIONS:
        raise SpecError(f"there are more than {MAX_SOLUTIONS:,} solutions; give more of them")
    return sorted(
        first,
        key=lambda s: (not s.exact, not s.even, sum(s.padding), s.kernel, s.stride),
    )


def _solutions(given: Unknowns) -> Iterator[Solution]:
    kernels = [given.kernel] if given.kernel else range(1, MAX_KERNEL + 1)
    for kernel in kernels:
        largest = max(kernel, 2) if given.kernel is None else max(MAX_KERNEL, kernel)
        strides = [given.stride] if given.stride else range(1, largest + 1)
        for stride in strides:
            window = Window(kernel, stride, given.dilation)
            for padding in _paddings(given, window):
                for length in _lengths(given, window, padding):
                    fit = Fit(length, window, padding)
                    yield Solution(
                        length,
                        kernel,
                        stride,
                        given.dilation,
                        padding,
                        given.output,
                        fit.unread,
                        fit.leftover,
                    )


def _paddings(given: Unknowns, window: Window) -> Iterator[Pair]:
    if given.padding is not None:
        yield given.padding
        return
    if given.input is None:
        for side in range(window.dilated_kernel):
            yield side, side
        return
    missing = window.span(given.output) - given.input
    for total in range(max(missing, 0), max(missing + window.stride, 0)):
        if total <= sum(full_padding(window)):
            yield halves(total)


def _lengths(given: Unknowns, window: Window, padding: Pair) -> Iterator[int]:
    """Inputs that give the output: as many in a row as the stride is long."""
    first = window.span(given.output) - sum(padding)
    lengths = range(max(first, 1), first + window.stride)
    if given.input is None:
        yield from lengths
    elif given.input in lengths:
        yield given.input


def listing(found: list[Solution]) -> Listing:
    """Solutions as a result to print."""
    ends = [f"{before},{after}" for before, after in (one.padding for one in found)]
    rows = [
        (
            one.input,
            one.kernel,
            one.stride,
            str(one.padding[0]) if one.even else both,
            one.output,
            "yes" if one.exact else "no",
            one.unread,
        )
        for one, both in zip(found, ends, strict=True)
    ]
    exact = sum(one.exact for one in found)
    leave = "leaves" if exact == 1 else "leave"
    return Listing(
        "\n".join(
            f"{one.input} {one.kernel} {one.stride} {both}"
            for one, both in zip(found, ends, strict=True)
        ),
        (("input", "kernel", "stride", "padding", "output", "exact", "unread"), rows, ()),
        {
            "schema": SCHEMA,
            "solutions": [{**one._asdict(), "exact": one.exact} for one in found],
        },
        f"{counted(len(found), 'solution')}, of which {exact} {leave} nothing over",
    )
