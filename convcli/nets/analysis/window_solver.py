"""The questions backwards: which padding gives 55? under which conventions is it 4.11 G?"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from convcli.errors import SpecError
from convcli.geometry import Fit, Pair, Window
from convcli.nets.analysis.summary import SCHEMA
from convcli.text import counted

MOST_SOLUTIONS = 10_000
"""More is refused: a question with so many answers leaves too much out."""

LARGEST_REACH = 2_000
"""Kernels, strides and their reach beyond this are not solved for."""

LARGEST_KERNEL = 15
"""Kernels and strides beyond this are not tried where they are left out."""


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
    """One axis of a layer; None is to be found."""

    input: int | None
    kernel: int | None
    stride: int | None
    padding: Pair | None
    output: int
    dilation: int = 1


def solutions(asked: Unknowns) -> list[Solution]:
    """Every whole-number solution: exact ones first, then alike at both ends, then least padding.

    Kernels and strides that are left out are tried to LARGEST_KERNEL, strides to the kernel, and
    paddings to one less than the kernel's reach, beyond which a window reads nothing but padding.

    >>> solutions(Unknowns(224, 11, 4, None, 55))[0].padding
    (1, 2)
    """
    for name in ("kernel", "stride"):
        if (getattr(asked, name) or 0) * (
            asked.dilation if name == "kernel" else 1
        ) > LARGEST_REACH:
            raise SpecError(f"solve takes a {name} that reaches at most {LARGEST_REACH:,} cells")
    found = list(islice(_solutions(asked), MOST_SOLUTIONS + 1))
    if len(found) > MOST_SOLUTIONS:
        raise SpecError(f"there are more than {MOST_SOLUTIONS:,} solutions; give more of them")
    return sorted(
        found,
        key=lambda one: (not one.exact, not one.even, sum(one.padding), one.kernel, one.stride),
    )


def _solutions(asked: Unknowns) -> Iterator[Solution]:
    kernels = [asked.kernel] if asked.kernel else range(1, LARGEST_KERNEL + 1)
    for kernel in kernels:
        largest = max(kernel, 2) if asked.kernel is None else max(LARGEST_KERNEL, kernel)
        strides = [asked.stride] if asked.stride else range(1, largest + 1)
        for stride in strides:
            window = Window(kernel, stride, asked.dilation)
            for padding in _paddings(asked, window):
                for length in _lengths(asked, window, padding):
                    fit = Fit(length, window, padding)
                    yield Solution(
                        length,
                        kernel,
                        stride,
                        asked.dilation,
                        padding,
                        asked.output,
                        fit.unread,
                        fit.leftover,
                    )


def _paddings(asked: Unknowns, window: Window) -> Iterator[Pair]:
    if asked.padding is not None:
        yield asked.padding
        return
    if asked.input is None:
        for side in range(window.reach):
            yield side, side
        return
    needed = (asked.output - 1) * window.stride + window.reach - asked.input
    for total in range(max(needed, 0), max(needed + window.stride, 0)):
        if total <= 2 * (window.reach - 1):
            yield total // 2, total - total // 2


def _lengths(asked: Unknowns, window: Window, padding: Pair) -> Iterator[int]:
    """Inputs that give the output: ⌊(n + p − reach) / s⌋ + 1 = o for s consecutive n."""
    first = (asked.output - 1) * window.stride + window.reach - sum(padding)
    lengths = range(max(first, 1), first + window.stride)
    if asked.input is None:
        yield from lengths
    elif asked.input in lengths:
        yield asked.input


class Solved(NamedTuple):
    """Solutions of one axis, as something to show."""

    found: list[Solution]

    @property
    def value(self) -> str:
        return "\n".join(
            f"{one.input} {one.kernel} {one.stride} {one.padding[0]},{one.padding[1]}"
            for one in self.found
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        return ()

    @property
    def caption(self) -> str:
        exact = sum(one.exact for one in self.found)
        leave = "leaves" if exact == 1 else "leave"
        return f"{counted(len(self.found), 'solution')}, of which {exact} {leave} nothing over"

    def table(self) -> tuple[tuple[str, ...], list[tuple[object, ...]], tuple[object, ...]]:
        columns = ("input", "kernel", "stride", "padding", "output", "exact", "unread")
        rows: list[tuple[object, ...]] = [
            (
                one.input,
                one.kernel,
                one.stride,
                str(one.padding[0]) if one.even else f"{one.padding[0]},{one.padding[1]}",
                one.output,
                "yes" if one.exact else "no",
                one.unread,
            )
            for one in self.found
        ]
        return columns, rows, ()

    def record(self) -> dict[str, object]:
        fields = [
            {**one._asdict(), "padding": list(one.padding), "exact": one.exact}
            for one in self.found
        ]
        return {"schema": SCHEMA, "solutions": fields}
