"""Wide gaussians on a coarser grid, at a cost that does not grow with their radius.

A gaussian of σ is one of a = σ/√2 sampled every s pixels, and one of b = σ/√2 that draws each
sample again (the product of two gaussians is a gaussian, summed by the trapezoidal rule):

    e^(−(x−y)²/2σ²)  ∝  Σᵢ e^(−(x−gᵢ)²/2a²) · e^(−(gᵢ−y)²/2b²),      gᵢ = g₀ + s·i

whose relative error is 2·e^(−(π·σ/s)²/2) (Trefethen & Weideman 2014): 7e-6 for 8-bit samples, where
s ≤ σ/1.6 in float32, and 6e-9 for 16-bit ones, where s ≤ σ/2 in float64. With the tails that are
cut at 4.6 standard deviations a sample is within 0.01 of its true value before it is rounded (of 16
bits: 0.5). The grid is centred on the picture, so that flipped pictures give flipped results.
"""

from collections.abc import Callable
from math import ceil, floor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli import geometry
from convcli.borders import Border
from convcli.conv.padding import FILL
from convcli.images.engines.quantize import Rounding, Statistics, Tone
from convcli.images.engines.row_bands import (
    Bands,
    Window,
    extend,
    share_rows,
    thread_count,
)
from convcli.images.image import Picture
from convcli.images.kernels.kernel import Kernel

Array = NDArray[Any]

LEAST_SIGMA = 4.0
"""Narrower gaussians are computed tap by tap, exactly."""

LEAST_PIXELS = 2**18
"""Smaller pictures are computed tap by tap too: that takes them less than a second."""

TAIL = 4.6
"""Standard deviations of each of the two gaussians; 4e-6 of their weight lies beyond."""

BLOCK = 32
"""Rows or columns of a product of matrices."""


GATHERED_ROWS = 128
"""Rows of a picture that are read at once, so that few are read twice."""


WIDE_STEP = 16
"""From this spacing on rows are gathered before columns: a grid of a 16th takes little memory."""


class Axis(NamedTuple):
    """The two steps along an axis: pixels → grid, and grid → pixels, as blocks of a matrix."""

    places: int
    first_read: int
    gather: Array
    window: geometry.Window
    """The pixels that a place of the grid reads."""
    spread: Array
    first_used: int
    block: int

    @property
    def step(self) -> int:
        """Pixels from one place of the grid to the next."""
        return self.window.stride

    @property
    def gathered(self) -> int:
        """Grid places of one block of `gather`."""
        return len(self.gather)

    def read(self, start: int, stop: int) -> slice:
        """The extended pixels that these places of the grid are gathered from."""
        pixels = self.window.hull(range(start, stop), -self.first_read)
        return slice(pixels.start, pixels.stop)


class Work(NamedTuple):
    """Rows of a band, and what makes a thread's function of a band."""

    tall: int
    make: Callable[[], Callable[[int, int, Array | None], tuple[Array, Statistics]]]


def suits(kernel: Kernel, picture: Picture, border: Border, exact: bool) -> bool:
    """Whether a kernel is a gaussian so wide, and a picture so large, that the grid pays."""
    height, width = picture.pixels.shape[:2]
    return (
        kernel.smooth > LEAST_SIGMA
        and not exact
        and kernel.anchor is None
        and border.name != "valid"
        and height * width >= LEAST_PIXELS
        and min(height, width) >= kernel.smooth
    )


def spacing(sigma: float, deep: bool) -> int:
    """Pixels from one place of the grid to the next."""
    return max(1, floor(sigma / (2.0 if deep else 1.6)))


def pad(sigma: float, deep: bool) -> int:
    """Pixels beyond the border that are read."""
    reach = TAIL * sigma / 2**0.5
    return ceil(2 * reach + 2 * spacing(sigma, deep)) + 2


def _axis(length: int, sigma: float, deep: bool, dtype: Any) -> Axis:
    step, narrow = spacing(sigma, deep), sigma / 2**0.5
    reach = TAIL * narrow
    half = ceil(((length - 1) / 2 + reach) / step)
    count, first = 2 * half + 1, (length - 1) / 2 - step * half
    # the first grid place reads pixels from `start` on, the next `step` pixels later, and so on
    start = ceil(first - reach)
    places = max(1, BLOCK // step)
    window = geometry.Window(2 * ceil(reach) + 1, step)
    pixels = start + np.arange(window.span(places))
    gather = _weights(first + step * np.arange(places), pixels, narrow, reach)
    block = step * max(1, round(BLOCK / step))
    low = ceil((-reach - first) / step)
    high = floor((block - 1 + reach - first) / step)
    spread = _weights(np.arange(block), first + step * np.arange(low, high + 1), narrow, reach)
    return Axis(
        count,
        start + pad(sigma, deep),
        gather.astype(dtype),
        window,
        spread.astype(dtype),
        low,
        block,
    )


def _weights(to: Array, source: Array, sigma: float, reach: float) -> Array:
    """Gaussian weights (to, source), each row with a sum of 1."""
    apart = to[:, np.newaxis] - source
    weights: Array = np.where(np.abs(apart) <= reach, np.exp(-0.5 * (apart / sigma) ** 2), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def worker(
    kernel: Kernel, picture: Picture, tones: Tone, border: Border, stride: tuple[int, int]
) -> Work:
    """Gather the picture on the grid, now and on all threads; then what draws a band of it."""
    sigma, deep = kernel.smooth, picture.pixels.dtype != np.uint8
    dtype = np.float64 if deep else np.float32
    height, width, channels = picture.pixels.shape
    side = 2 * pad(sigma, deep) + 1
    window = Window((side, side), (side // 2, side // 2), (1, 1), border)
    bands = Bands(picture.pixels, window)
    rows, columns = (_axis(length, sigma, deep, dtype) for length in (height, width))
    coarse = np.empty((channels, rows.places, columns.places), dtype)

    def gather() -> Callable[[int, int], None]:
        def run(top: int, bottom: int) -> None:
            band = _read_rows(bands, rows.read(top, bottom), dtype)
            band = band.reshape(len(band), -1)
            low = np.empty((bottom - top, band.shape[1]), dtype)
            for first in range(0, bottom - top, rows.gathered):
                count = min(rows.gathered, bottom - top - first)
                read = rows.window.hull(range(first, first + count))
                np.matmul(
                    rows.gather[:count, : len(read)],
                    band[read.start : read.stop],
                    out=low[first : first + count],
                )
            coloured = low.reshape(bottom - top, -1, channels)
            for channel in range(channels):
                one = np.ascontiguousarray(coloured[..., channel])
                _gather_across(one, columns, coarse[channel, top:bottom])

        return run

    threads = thread_count(picture.pixels.size)
    if rows.step >= WIDE_STEP:
        _gather_wide(bands, rows, columns, coarse, threads)
    else:
        tall = rows.gathered * max(1, GATHERED_ROWS // (rows.gathered * rows.step))
        share_rows(rows.places, tall, threads, gather, products=True)

    def draw() -> Callable[[int, int, Array | None], tuple[Array, Statistics]]:
        def run(top: int, bottom: int, out: Array | None) -> tuple[Array, Statistics]:
            lines = geometry.Window(1, stride[0]).hull(range(top, bottom))
            begin = lines.start - lines.start % rows.step  # blocks start where the grid repeats
            drawn = _drawn(coarse, rows, columns, begin, lines.stop, width)
            values = drawn.reshape(lines.stop - begin, width, channels)[lines.start - begin :]
            some = values[:: stride[0], :: stride[1]]
            return rounding.samples(some, out)

        return run

    (part,) = kernel.parts
    whole = kernel.sum and part.scale / kernel.sum  # the grid's weights sum to 1 already
    rounding = Rounding(part.scale / whole, tones, picture.full, 2**60)
    tall = rows.block * max(1, 96 // rows.block)
    return Work(tall, draw)


def _gather_wide(bands: Bands, rows: Axis, columns: Axis, coarse: Array, threads: int) -> None:
    """Gather along each row first, so that none is read twice, then along the few columns left."""
    height, channels = bands.pixels.shape[0], len(coarse)
    slim = np.empty((channels, height, columns.places), coarse.dtype)

    def make() -> Callable[[int, int], None]:
        def run(top: int, bottom: int) -> None:
            first = bands.window.anchor[0]
            band = _read_rows(bands, slice(first + top, first + bottom), coarse.dtype)
            for channel in range(channels):
                one = np.ascontiguousarray(band[..., channel])
                _gather_across(one, columns, slim[channel, top:bottom])

        return run

    share_rows(height, 64, threads, make, products=True)
    for channel in range(channels):
        tall = np.where(
            (bands.rows == FILL)[:, np.newaxis],
            bands.fill,
            slim[channel][bands.rows],
        ).astype(coarse.dtype)
        for place in range(rows.places):
            line = tall[rows.read(place, place + 1)]
            coarse[channel, place] = rows.gather[0, : len(line)] @ line


def _read_rows(bands: Bands, lines: slice, dtype: Any) -> Array:
    """Extended rows, counted from the first that any window reads."""
    rows = bands.rows[lines]
    band = np.empty((len(rows), bands.width(), bands.pixels.shape[2]), dtype)
    return extend(bands.pixels, rows, bands.columns, bands.left, bands.fill, band)


def _gather_across(low: Array, columns: Axis, out: Array) -> None:
    turned = np.ascontiguousarray(columns.gather.T)
    for left in range(0, columns.places, columns.gathered):
        count = min(columns.gathered, columns.places - left)
        part = low[:, columns.read(left, left + count)]
        out[:, left : left + count] = part @ turned[: part.shape[1], :count]


def _drawn(coarse: Array, rows: Axis, columns: Axis, top: int, bottom: int, width: int) -> Array:
    """Output rows top to bottom, (rows, width · channels); `top` is a multiple of the step."""
    channels = len(coarse)
    first = rows.first_used + top // rows.step
    last_block = (bottom - 1 - top) // rows.block
    count = rows.spread.shape[1] + last_block * rows.block // rows.step
    count = min(count, rows.places - first)
    lines = np.empty((count, width, channels), coarse.dtype)
    turned = np.ascontiguousarray(columns.spread.T)
    one = np.empty((count, width), coarse.dtype)
    for channel in range(channels):
        for left in range(0, width, columns.block):
            wide = min(columns.block, width - left)
            begin = columns.first_used + left // columns.step
            end = min(begin + turned.shape[0], columns.places)
            np.matmul(
                coarse[channel, first : first + count, begin:end],
                turned[: end - begin, :wide],
                out=one[:, left : left + wide],
            )
        lines[..., channel] = one
    flat = lines.reshape(count, -1)
    out = np.empty((bottom - top, flat.shape[1]), coarse.dtype)
    for begin in range(0, bottom - top, rows.block):
        tall = min(rows.block, bottom - top - begin)
        low = begin // rows.step
        reach = min(rows.spread.shape[1], count - low)
        np.matmul(
            rows.spread[:tall, :reach], flat[low : low + reach], out=out[begin : begin + tall]
        )
    return out
