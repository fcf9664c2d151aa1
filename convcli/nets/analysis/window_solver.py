"""The lengths that give an output along one axis: which padding gives 55?"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from convcli.errors import SpecError
from convcli.geometry import Fit, Pair, Window
from convcli.nets.analysis.summary import SCHEMA
from convcli.tables import Record, Table
from convcli.text import counted

MAX_SOLUTIONS = 10_000
"""More are refused: with so many, too little is given."""

MAX_REACH = 2_000
"""The largest dilated kernel, and the largest stride."""

MAX_KERNEL = 15
"""The largest kernel and stride that are tried where none is given."""


class Solution(NamedTuple):
    """A window on one axis that gives the output."""

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
        """Whether nothing is left over after the last window, padding included."""
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


def solutions(axis: Unknowns) -> list[Solution]:
    """Every integer solution: exact ones first, then equal at both ends, then by padding.

    Kernels and strides that are not given are tried up to MAX_KERNEL, strides up to the kernel, and
    paddings up to one less than the kernel's reach, beyond which a window reads padding alone.

    >>> solutions(Unknowns(224, 11, 4, None, 55))[0].padding
    (1, 2)
    """
    for name in ("kernel", "stride"):
        dilation = axis.dilation if name == "kernel" else 1
        if (getattr(axis, name) or 0) * dilation > MAX_REACH:
            raise SpecError(f"solve takes a {name} that reaches at most {MAX_REACH:,} cells")
    all_ = list(islice(_solutions(axis), MAX_SOLUTIONS + 1))
    if len(all_) > MAX_SOLUTIONS:
        raise SpecError(f"there are more than {MAX_SOLUTIONS:,} solutions; give more of them")
    return sorted(
        all_,
        key=lambda one: (not one.exact, not one.even, sum(one.padding), one.kernel, one.stride),
    )


def _solutions(axis: Unknowns) -> Iterator[Solution]:
    kernels = [axis.kernel] if axis.kernel else range(1, MAX_KERNEL + 1)
    for kernel in kernels:
        largest = max(kernel, 2) if axis.kernel is None else max(MAX_KERNEL, kernel)
        strides = [axis.stride] if axis.stride else range(1, largest + 1)
        for stride in strides:
            window = Window(kernel, stride, axis.dilation)
            for padding in _paddings(axis, window):
                for length in _lengths(axis, window, padding):
                    fit = Fit(length, window, padding)
                    yield Solution(
                        length,
                        kernel,
                        stride,
                        axis.dilation,
                        padding,
                        axis.output,
                        fit.unread,
                        fit.leftover,
                    )


def _paddings(axis: Unknowns, window: Window) -> Iterator[Pair]:
    if axis.padding is not None:
        yield axis.padding
        return
    if axis.input is None:
        for side in range(window.reach):
            yield side, side
        return
    needed = (axis.output - 1) * window.stride + window.reach - axis.input
    for total in range(max(needed, 0), max(needed + window.stride, 0)):
        if total <= 2 * (window.reach - 1):
            yield total // 2, total - total // 2


def _lengths(axis: Unknowns, window: Window, padding: Pair) -> Iterator[int]:
    """Inputs that give the output: ⌊(n + p − reach) / s⌋ + 1 = o for s consecutive n."""
    first = (axis.output - 1) * window.stride + window.reach - sum(padding)
    lengths = range(max(first, 1), first + window.stride)
    if axis.input is None:
        yield from lengths
    elif axis.input in lengths:
        yield axis.input


class Solved(NamedTuple):
    """The solutions of one axis, as a result to print."""

    solutions: list[Solution]

    @property
    def value(self) -> str:
        return "\n".join(
            f"{one.input} {one.kernel} {one.stride} {one.padding[0]},{one.padding[1]}"
            for one in self.solutions
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        return ()

    @property
    def caption(self) -> str:
        exact = sum(one.exact for one in self.solutions)
        leave = "leaves" if exact == 1 else "leave"
        return f"{counted(len(self.solutions), 'solution')}, of which {exact} {leave} nothing over"

    def table(self) -> Table:
        columns = ("input", "kernel", "stride", "padding", "output", "exact", "unread")
        rows = [
            (
                one.input,
                one.kernel,
                one.stride,
                str(one.padding[0]) if one.even else f"{one.padding[0]},{one.padding[1]}",
                one.output,
                "yes" if one.exact else "no",
                one.unread,
            )
            for one in self.solutions
        ]
        return columns, rows, ()

    def record(self) -> Record:
        fields = [{**one._asdict(), "exact": one.exact} for one in self.solutions]
        return {"schema": SCHEMA, "solutions": fields}
