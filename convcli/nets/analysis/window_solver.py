"""The lengths that give an output along one axis: which padding gives 55?"""

from collections.abc import Iterator
from itertools import chain, islice

from convcli.errors import SpecError
from convcli.geometry import Fit, Pair, Window, fitting_kernel, full_padding, halves
from convcli.nets.analysis.summary import SCHEMA
from convcli.records import NamedTuple
from convcli.tables import Listing
from convcli.text import counted

MAX_SOLUTIONS = 10_000
"""Maximum number of solutions; with more, too little is given."""

MAX_DILATED_KERNEL = 2_000
"""The largest dilated kernel and stride to solve for."""

MAX_KERNEL = 15
"""The largest unknown kernel and stride to try one by one; larger ones must leave nothing over."""


MAX_STRIDE = 100_000
"""The largest stride to try."""


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


def solutions(given: Unknowns) -> list[Solution]:
    """Every integer solution: exact ones first, then alike at both ends, then smallest padding.

    Kernels and strides that are left out are tried to MAX_KERNEL, strides to the kernel, and
    paddings to one less than the dilated kernel, beyond which a window reads nothing but padding.
    Larger ones, up to the length of the input, are solutions if nothing is left over without
    padding or with the given padding, such as the patches of a ViT.

    >>> solutions(Unknowns(224, 11, 4, None, 55))[0].padding
    (1, 2)
    >>> [(s.kernel, s.stride) for s in solutions(Unknowns(224, None, None, (0, 0), 14))][:2]
    [(16, 16), (29, 15)]
    """
    window = Window(given.kernel or 1, given.stride or 1, given.dilation)
    for name, cells in (("kernel", window.dilated_kernel), ("stride", window.stride)):
        if cells > MAX_DILATED_KERNEL:
            raise SpecError(
                f"solve takes a {name} that reaches at most {MAX_DILATED_KERNEL:,} cells"
            )
    every = chain(_solutions(given), _large_solutions(given))
    first = list(dict.fromkeys(islice(every, 2 * MAX_SOLUTIONS)))
    if len(first) > MAX_SOLUTIONS:
        raise SpecError(f"there are more than {MAX_SOLUTIONS:,} solutions; give more of the sizes")
    return sorted(first, key=_order)


def _order(solution: Solution) -> tuple[bool, bool, int, int, int]:
    kernel, stride = solution.kernel, solution.stride
    return not solution.exact, not solution.even, sum(solution.padding), kernel, stride


def text_of_tried(given: Unknowns) -> str:
    """What `solutions` tries of the kernels and strides that are left out, in words."""
    names = [name for name in ("kernel", "stride") if getattr(given, name) is None]
    if not names:
        return ""
    text = f"{' and '.join(f'{name}s' for name in names)} to {MAX_KERNEL} were tried"
    if given.input is None:
        return f"{text}; give --input to try larger ones"
    ends = "no padding" if given.padding is None else "that padding"
    last = min(given.input, MAX_STRIDE)
    return f"{text}, and to {last:,} those that leave nothing over with {ends}"


def _large_solutions(given: Unknowns) -> Iterator[Solution]:
    """Kernels or strides beyond those tried one by one, that fit a given input exactly.

    dilation · (kernel − 1) + 1 + (output − 1) · stride = input + padding
    """
    if given.input is None or (given.kernel and given.stride):
        return
    padding = given.padding or (0, 0)
    cells = given.input + sum(padding)
    # a window with one position has no step: the smallest stands for all
    longest = 1 if given.output == 1 else (cells - 1) // (given.output - 1)
    longest = min(longest, MAX_STRIDE)
    for stride in [given.stride] if given.stride else range(1, longest + 1):
        kernel = fitting_kernel(cells, given.output, stride, given.dilation)
        if kernel is None or kernel != (given.kernel or kernel):
            continue
        if given.kernel or stride <= max(kernel, 2) or given.stride:
            yield _solution(given, Window(kernel, stride, given.dilation), given.input, padding)


def _solution(given: Unknowns, window: Window, length: int, padding: Pair) -> Solution:
    fit = Fit(length, window, padding)
    return Solution(
        length,
        window.kernel,
        window.stride,
        window.dilation,
        padding,
        given.output,
        fit.unread,
        fit.leftover,
    )


def _solutions(given: Unknowns) -> Iterator[Solution]:
    for window in _windows(given):
        for padding in _paddings(given, window):
            for length in _lengths(given, window, padding):
                yield _solution(given, window, length, padding)


def _windows(given: Unknowns) -> Iterator[Window]:
    """The windows that are tried one by one."""
    for kernel in [given.kernel] if given.kernel else range(1, MAX_KERNEL + 1):
        largest = max(kernel, 2) if given.kernel is None else max(MAX_KERNEL, kernel)
        for stride in [given.stride] if given.stride else range(1, largest + 1):
            yield Window(kernel, stride, given.dilation)


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
    """Inputs that give the output: as many consecutive lengths as the stride."""
    first = window.span(given.output) - sum(padding)
    lengths = range(max(first, 1), first + window.stride)
    if given.input is None:
        yield from lengths
    elif given.input in lengths:
        yield given.input


def transposed_solutions(given: Unknowns, extra: int | None = None) -> list[Solution]:
    """Every transposed convolution whose output is `given.output`, in the order of `solutions`.

    It is the convolution that leads from its output back to its input (Dumoulin & Visin 2016, §4);
    its cells left over are the output padding, which is less than the stride as PyTorch requires.
    Paddings are alike at both ends; `extra` is a fixed output padding.

    >>> given = Unknowns(7, 4, 2, None, 14)
    >>> [(solution.padding, solution.leftover) for solution in transposed_solutions(given)]
    [((1, 1), 0)]
    """
    cells = given.output
    if given.input is not None:
        mirrored = given._replace(input=cells, output=given.input)
        every = solutions(mirrored)
    else:
        every = sorted(_mirrored_solutions(given), key=_order)
    return [
        solution._replace(input=solution.output, output=solution.input)
        for solution in every
        if solution.even and solution.leftover == (solution.leftover if extra is None else extra)
    ]


def _mirrored_solutions(given: Unknowns) -> Iterator[Solution]:
    """The convolutions of `given.output` cells, whatever their own output is."""
    for window in _windows(given):
        sides = [(side, side) for side in range(window.dilated_kernel)]
        for padding in sides if given.padding is None else [given.padding]:
            if given.output + sum(padding) >= window.dilated_kernel:
                fit = Fit(given.output, window, padding)
                yield _solution(given._replace(output=fit.output), window, given.output, padding)


def listing(solutions: list[Solution], tried: str, is_transposed: bool = False) -> Listing:
    """Solutions as a result to print, and what was tried.

    For a transposed convolution, the cells left over are the output padding.
    """
    ends = ("output padding", "output") if is_transposed else ("output", "exact", "unread")
    rows: list[tuple[object, ...]] = []
    values, records = [], []
    for solution in solutions:
        before, after = solution.padding
        padding = str(before) if solution.even else f"{before},{after}"
        start = solution.input, solution.kernel, solution.stride, padding
        record = {**solution._asdict(), "exact": solution.exact}
        value = f"{solution.input} {solution.kernel} {solution.stride} {before},{after}"
        if is_transposed:
            rows.append((*start, solution.leftover, solution.output))
            del record["unread"]
            record["output_padding"] = record.pop("leftover")
            value += f" {solution.leftover}"
        else:
            exact = "yes" if solution.exact else "no"
            rows.append((*start, solution.output, exact, solution.unread))
        values.append(value)
        records.append(record)
    count = sum(solution.exact for solution in solutions)
    verb = "needs" if is_transposed else "leaves"
    verb = verb if count == 1 else verb.removesuffix("s")
    caption = f"{counted(len(solutions), 'solution')}, of which {count} {verb} "
    caption += "no output padding" if is_transposed else "nothing over"
    return Listing(
        "\n".join(values),
        (("input", "kernel", "stride", "padding", *ends), rows, ()),
        {"schema": SCHEMA, "tried": tried, "solutions": records},
        caption + (f"; {tried}" if tried else ""),
    )
