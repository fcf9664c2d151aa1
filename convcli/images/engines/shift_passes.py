"""Sums of shifted copies of one flat band, in the narrowest dtype that holds them.

A band of rows is one flat array in which a step of a row is an offset like a step of a column, so
that each pass is a few long loops of NumPy. Sums across the end of a row are garbage that nobody
reads: the last columns of a band, one less than the kernel has.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from convcli.images.kernels.kernel import Matrix
from convcli.images.pixel_arrays import Values
from convcli.records import NamedTuple

Buffers: TypeAlias = tuple[Values, Values, Values]
"""Two buffers that passes write in turn, and one for terms."""

Offset: TypeAlias = tuple[int, int]
"""Rows and columns from the first tap of a factor."""


class Scratch(dict[tuple[str, np.dtype[Any]], Values]):
    """Arrays to work in by name and dtype, made once and used for every band of a thread.

    A fresh array of half a megabyte costs more than what is computed in it: the system hands out
    zeroed pages one by one.
    """

    next_row = -1
    """The row after the last band, where an engine continues from it."""
    ends = float("inf"), float("-inf")
    """The minimum and maximum of all bands so far, where an engine needs them."""

    def array(self, name: str, size: int, dtype: DTypeLike) -> Values:
        """A flat array of a size, whose cells hold anything."""
        key = name, np.dtype(dtype)
        if key not in self or self[key].size < size:
            self[key] = np.empty(size, dtype)
        return self[key][:size]

    def like(self, name: str, values: Values, dtype: DTypeLike) -> Values:
        """An array of the shape of another, whose axes lie in memory in the same order."""
        axes, flat = memory_order(values), self.array(name, values.size, dtype)
        return flat.reshape([values.shape[axis] for axis in axes]).transpose(np.argsort(axes))

    def buffers(self, name: str, size: int, dtype: DTypeLike) -> Buffers:
        """The arrays of passes."""
        first, second, third = (self.array(f"{name} {number}", size, dtype) for number in range(3))
        return first, second, third


def memory_order(values: Values) -> list[int]:
    """The axes of an array, the one with the longest steps in memory first."""
    return sorted(range(values.ndim), key=lambda axis: -values.strides[axis])


NANOSECONDS_PER_BYTE = 0.065
"""One pass over a sample, per byte of its dtype (one thread, bands in its cache)."""

MAX_REPEATED = 12
"""Taps of a row of equal taps that are added one by one; longer ones are summed by doubling."""


class Pass(NamedTuple):
    """A factor (i, j) as taps by magnitude: (magnitude, added offsets, subtracted offsets).

    `box` is the number of equal taps in a row, where there are enough to double; 0 elsewhere.
    """

    shape: tuple[int, int]
    groups: tuple[tuple[int | float, tuple[Offset, ...], tuple[Offset, ...]], ...]
    box: int = 0

    @property
    def calls(self) -> int:
        """Loops of NumPy over the band."""
        if self.box:
            return 2 * self.box.bit_length() - 1
        taps = sum(len(plus) + len(minus) for _, plus, minus in self.groups)
        return taps - 1 + sum(magnitude != 1 for magnitude, *_ in self.groups) if taps else 1

    @property
    def weight(self) -> int | float:
        """The sum of |tap|: how often a value may be counted."""
        taps = sum(magnitude * (len(p) + len(m)) for magnitude, p, m in self.groups)
        return taps * max(self.box, 1)


Stage: TypeAlias = tuple[np.dtype[Any], tuple[Pass, ...]]
"""A dtype, and the passes that are computed in it."""


class Passes(NamedTuple):
    """A matrix as passes, the first of which may be in a narrower dtype than the others."""

    stages: tuple[Stage, ...]
    nanoseconds: float
    """Expected time per sample."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the response."""
        return self.stages[-1][0]

    @property
    def band_dtype(self) -> np.dtype[Any]:
        """That of bands."""
        return self.stages[0][0]

    @property
    def text(self) -> str:
        """How it is computed, for people."""
        calls = sum(one.calls for _, passes in self.stages for one in passes)
        return f"passes in {self.dtype.name} ({calls} a sample)"

    def run(self, x: Values, scratch: Scratch, name: str) -> Values:
        """The response to a band, which may be a view of the scratch's arrays of this name."""
        for dtype, passes in self.stages:
            band = x
            if x.dtype != dtype or not x.flags.c_contiguous:
                band = scratch.like(f"{name} band", x, dtype)
                np.copyto(band, x, casting="unsafe")
            x = run_passes(band, passes, scratch.buffers(name, band.size, dtype))
        return x


def plan_passes(
    factors: Sequence[Matrix], dtype: np.dtype[Any], largest: int, signed: bool
) -> Passes:
    """The passes equal to all factors applied in turn, for values up to ±`largest`.

    The first are computed in 16 bits, as long as their sums fit, and the others in `dtype`, which
    holds the sums of all.

    >>> eight = [np.array([[1, 8, 28, 56, 70, 56, 28, 8, 1]])]
    >>> plan = plan_passes(eight * 2, np.dtype(np.int32), 255, False)
    >>> [(str(dtype), len(passes)) for dtype, passes in plan.stages]
    [('uint16', 8), ('int32', 8)]
    """
    passes = tuple(one for factor in factors for one in _passes(factor))
    signed = signed or any(minus for one in passes for _, _, minus in one.groups)
    narrow: np.dtype[Any] = np.dtype(np.int16 if signed else np.uint16)
    first = 0
    bound: int | float = largest
    for one in passes:
        bound *= max(one.weight, 1)
        if bound > np.iinfo(narrow).max:
            break
        first += 1
    stages: tuple[Stage, ...] = ((narrow, passes[:first]), (dtype, passes[first:]))
    if dtype.kind != "i" or dtype.itemsize <= 2 or first < 2:
        stages = ((dtype, passes),)
    nanoseconds = sum(
        one.calls * (60 if each.kind == "O" else each.itemsize * NANOSECONDS_PER_BYTE)
        for each, some in stages
        for one in some
    )
    return Passes(stages, nanoseconds)


def _passes(factor: Values) -> list[Pass]:
    if min(factor.shape) == 1 and factor.dtype.kind in "iO":
        taps = [int(tap) for tap in factor.flat]
        turned = factor.shape[0] > 1
        if len(taps) > MAX_REPEATED and len(set(taps)) == 1 and taps[0]:
            shape = (len(taps), 1) if turned else (1, len(taps))
            return [Pass(shape, ((taps[0], ((0, 0),), ()),), len(taps))]
        times, rest = halved(taps)
        if times > 1 or rest == [1]:
            two = np.ones((2, 1) if turned else (1, 2), np.int64)
            shape = (len(rest), 1) if turned else (1, len(rest))
            left = np.array(rest, factor.dtype).reshape(shape)
            return [_taps(two)] * times + ([] if rest == [1] else [_taps(left)])
    return [_taps(factor)]


def halved(taps: Sequence[int]) -> tuple[int, list[int]]:
    """How often (1 1) divides a row of taps that are not negative, and what remains.

    >>> halved([1, 4, 6, 4, 1]), halved([1, 3, 3, 1, 0]), halved([1, 0, 1])
    ((4, [1]), (3, [1, 0]), (0, [1, 0, 1]))
    """
    times, rest = 0, list(taps)
    while len(rest) > 1 and min(rest) >= 0:
        quotient = rest[:1]
        for tap in rest[1:-1]:
            quotient.append(tap - quotient[-1])
        if quotient[-1] != rest[-1] or min(quotient) < 0:
            break
        times, rest = times + 1, quotient
    return times, rest


def _taps(factor: Values) -> Pass:
    groups: dict[int | float, tuple[list[Offset], list[Offset]]] = {}
    for (i, j), tap in np.ndenumerate(factor):
        if tap:
            value = int(tap) if factor.dtype.kind in "iO" else float(tap)
            groups.setdefault(abs(value), ([], []))[value < 0].append((i, j))
    # the first group starts the sum: one that is multiplied, or has two places, needs no copy
    ordered = sorted(groups.items(), key=lambda item: item[0] == 1 and len(item[1][0]) < 2)
    return Pass(
        (factor.shape[0], factor.shape[1]),
        tuple((value, tuple(plus), tuple(minus)) for value, (plus, minus) in ordered),
    )


def run_passes(band: Values, passes: Sequence[Pass], buffers: Buffers) -> Values:
    """Apply passes to a band: a view of its response.

    The buffers have the band's dtype and at least its size, and are overwritten; the response may
    be a view of one of them, or of the band where nothing had to be summed.
    """
    rows, columns, channels = band.shape
    line = columns * channels
    flat = band.reshape(-1)
    used = 0
    for one in passes:
        rows_read, columns_read = one.shape
        length = flat.size - (rows_read - 1) * line - (columns_read - 1) * channels
        if one.box:
            step = line if rows_read > 1 else channels
            flat, used = _doubled(flat, one, step, length, buffers, used)
        else:
            flat, used = _summed(flat, one, line, channels, length, buffers, used)
    rows -= sum(one.shape[0] - 1 for one in passes)
    columns -= sum(one.shape[1] - 1 for one in passes)
    item = flat.itemsize
    strides = line * item, channels * item, item
    return np.ndarray((rows, columns, channels), flat.dtype, flat, strides=strides)


def _summed(
    flat: Values,
    one: Pass,
    line: int,
    channels: int,
    length: int,
    buffers: Buffers,
    used: int,
) -> tuple[Values, int]:
    """One pass into a buffer, which becomes the band: (band, which buffer comes next)."""

    def at(offset: Offset) -> Values:
        start = offset[0] * line + offset[1] * channels
        return flat[start : start + length]

    if len(one.groups) == 1:
        ((magnitude, plus, minus),) = one.groups
        if magnitude == 1 and len(plus) == 1 and not minus:
            return at(plus[0]), used
    total, term = buffers[used][:length], buffers[2][:length]
    if not one.groups:
        total.fill(0)
    for number, (magnitude, plus, minus) in enumerate(one.groups):
        if number and magnitude == 1:
            for offset in plus:
                np.add(total, at(offset), out=total)
            for offset in minus:
                np.subtract(total, at(offset), out=total)
            continue
        into = term if number else total
        # a group without added offsets is summed as if added, and subtracted from the total
        added, taken = (plus, minus) if plus else (minus, ())
        if len(added) > 1:
            np.add(at(added[0]), at(added[1]), out=into)
            rest: tuple[Offset, ...] = added[2:]
        elif taken:
            np.subtract(at(added[0]), at(taken[0]), out=into)
            rest, taken = (), taken[1:]
        else:
            np.multiply(at(added[0]), magnitude, out=into)
            rest, magnitude = (), 1
        for offset in rest:
            np.add(into, at(offset), out=into)
        for offset in taken:
            np.subtract(into, at(offset), out=into)
        if magnitude != 1:
            np.multiply(into, magnitude, out=into)
        if number:
            (np.add if plus else np.subtract)(total, into, out=total)
        elif not plus:
            np.negative(total, out=total)
    return total, 1 - used


def _doubled(
    flat: Values, one: Pass, step: int, length: int, buffers: Buffers, used: int
) -> tuple[Values, int]:
    """A running sum of n equal taps by doubling: Σ₂ₘ(x) = Σₘ(x) + Σₘ(x + m)."""
    source, summed, width = flat, flat, 1
    bits = bin(one.box)[3:]
    for number, bit in enumerate(bits):
        # two arrays in turn, so that the last sum stands in the one that is not for terms
        into = buffers[used] if (len(bits) - number) % 2 else buffers[2]
        cells = source.size - (2 * width - 1) * step
        np.add(summed[:cells], summed[width * step : width * step + cells], out=into[:cells])
        summed, width = into[:cells], 2 * width
        if bit == "1":
            cells -= step
            start = width * step
            np.add(summed[:cells], source[start : start + cells], out=summed[:cells])
            summed, width = summed[:cells], width + 1
    (magnitude, *_) = one.groups[0]
    if magnitude != 1:
        np.multiply(summed, magnitude, out=summed)
    return summed[:length], 1 - used
