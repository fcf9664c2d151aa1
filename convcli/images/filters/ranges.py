"""Ranges: responses that keep their sign until the end, and how they become samples.

auto       gradients |response|, scaled so that a full black-to-white step is white;
           sums of 0 or less |response|; all others clipped
clip       the response as it is, clipped
abs        |response|, clipped
signed     0 in the middle, half the response to either side
stretch    the minimum to darkest, the maximum to lightest
crossings  lines where responses change their sign, white; crossings:8 by 8 at least
pct:a,b    the same from the a-th to the b-th percentile
"""

from fractions import Fraction
from math import isqrt, sqrt

from convcli.errors import SpecError
from convcli.images.engines.quantize import IntensityMap
from convcli.images.kernels.kernel import Kernel
from convcli.records import NamedTuple
from convcli.text import like

FIXED = ("auto", "clip", "abs", "signed")
"""Ranges that are known before the picture is; the others look at every response first."""


STRETCHED = ("stretch", "pct", "between")
"""Ranges that draw two responses apart, to black and to white. "between" has `low` and `high`: what
the others find where several pictures are stretched alike."""

CROSSING = 5
"""Default minimum step of a zero crossing, in units of the samples."""


class Range(NamedTuple):
    """A range by name, with its values: percentiles of "pct", the least step of "crossings"."""

    name: str = "auto"
    low: float = 0.0
    high: float = 100.0

    @property
    def text(self) -> str:
        if self.name == "crossings":
            return f"crossings:{self.low:g}"
        return f"pct:{self.low:g},{self.high:g}" if self.name == "pct" else self.name


def read_range(text: str) -> Range:
    """A range as the command line takes it.

    >>> read_range("pct:1,99")
    Range(name='pct', low=1.0, high=99.0)
    """
    name, colon, values = text.strip().lower().partition(":")
    if name in (*FIXED, "stretch") and not colon:
        return Range(name)
    if name == "pct":
        try:
            low, high = (float(value) for value in (values or "1,99").split(","))
        except ValueError:
            low = high = 0.0
        if 0 <= low < high <= 100:
            return Range("pct", low, high)
    if name == "crossings":
        try:
            step = float(values or str(CROSSING))
        except ValueError:
            step = -1.0
        if 0 <= step <= 1e9:
            return Range("crossings", step)
    hint = like(name, (*FIXED, "stretch", "crossings", "pct"))
    known = ", ".join(FIXED)
    raise SpecError(f"{text!r:.60} is not a range: {known}, stretch, pct:1,99, crossings:5{hint}")


def is_gradient(kernel: Kernel) -> bool:
    """Combined from several directions, or its own negative when turned by 180°."""
    if kernel.combine in ("magnitude", "maximum"):
        return True
    if kernel.sum:
        return False
    matrix, _ = kernel.matrices()[0]
    return bool((matrix == -matrix[::-1, ::-1]).all()) and bool(matrix.any())


def signed_chain(kernels: tuple[Kernel, ...]) -> bool:
    """Whether the responses of a chain are differences, of either sign."""
    signed = False
    for kernel in kernels:
        if kernel.combine in ("magnitude", "maximum"):
            signed = False
        elif not kernel.one_sided:
            signed = signed or is_gradient(kernel) or kernel.sum <= 0
    return signed


def step_squared(kernel: Kernel) -> Fraction:
    """The square of the response to a full black-to-white step of height 1.

    For a magnitude the step is upright, for one matrix it is the sum of its positive weights.
    """
    squares = []
    for matrix, scale in kernel.matrices():
        if kernel.combine == "magnitude":
            columns = [int(sum(int(tap) for tap in column)) for column in matrix.T]
            sums = [sum(columns[start:]) for start in range(len(columns))]
            squares.append((max(map(abs, sums)) * scale) ** 2)
        elif matrix.dtype.kind == "f":
            squares.append((Fraction(float(matrix[matrix > 0].sum())) * scale) ** 2)
        else:
            squares.append(
                (sum(abs(int(tap)) for tap in matrix.flat if tap * scale > 0) * scale) ** 2
            )
    return sum(squares, Fraction(0)) if kernel.combine == "magnitude" else max(squares)


def auto_gain(kernel: Kernel) -> tuple[Fraction, Fraction]:
    """The gain that makes a full step white, and its square, which alone may be a fraction.

    >>> from convcli.images.kernels.parse import kernel
    >>> auto_gain(kernel("sobel")), auto_gain(kernel("blur"))
    ((Fraction(1, 4), Fraction(1, 16)), (Fraction(1, 1), Fraction(1, 1)))
    """
    if not is_gradient(kernel):
        return Fraction(1), Fraction(1)
    squared = step_squared(kernel)
    if not squared:
        return Fraction(1), Fraction(1)
    top, below = squared.numerator, squared.denominator
    if isqrt(top) ** 2 == top and isqrt(below) ** 2 == below:
        root = Fraction(isqrt(top), isqrt(below))
    else:
        root = Fraction(sqrt(squared))
    return 1 / root, 1 / squared


def intensity_map(
    kernel: Kernel, range_: Range, full: int, bias: Fraction = Fraction(0)
) -> IntensityMap:
    """How a kernel's responses become samples in a range that is known before the picture is.

    >>> from convcli.images.kernels.parse import kernel
    >>> intensity_map(kernel("sobel-x"), Range("auto"), 255)[:2]
    (True, Fraction(1, 4))
    """
    gain, square = auto_gain(kernel) if range_.name in ("auto", "signed") else (Fraction(1),) * 2
    if range_.name == "signed":
        return IntensityMap(False, gain / 2, bias + Fraction(full + 1, 2), square / 4)
    absolute = range_.name == "abs"
    if range_.name == "auto" and not kernel.one_sided:
        absolute = is_gradient(kernel) or kernel.sum <= 0
    return IntensityMap(absolute, gain, bias, square)
