"""Wide gaussians on a coarser grid, at a cost that does not grow with their radius.

A gaussian of σ is one of a = σ/√2, sampled every s pixels, followed by one of b = σ/√2 around each
sample (the product of two gaussians is a gaussian, summed by the trapezoidal rule):

    e^(−(x−y)²/2σ²)  ∝  Σᵢ e^(−(x−gᵢ)²/2a²) · e^(−(gᵢ−y)²/2b²),      gᵢ = g₀ + s·i

whose relative error is 2·e^(−(π·σ/s)²/2) (Trefethen & Weideman 2014): 7e-6 for 8-bit samples, where
s ≤ σ/1.6 in float32, and 6e-9 for 16-bit ones, where s ≤ σ/2 in float64. With the tails that are
cut at 4.6 standard deviations a sample is within 0.01 of its true value before it is rounded (of 16
bits: 0.5). The grid is centered on the picture, so that flipped pictures give flipped results.
"""

from math import ceil, floor
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import DTypeLike, NDArray

from convcli import geometry
from convcli.borders import FILL, Border
from convcli.geometry import ceil_div
from convcli.images.engines.quantize import IntensityMap, Quantizer, Statistics
from convcli.images.engines.row_bands import (
    Bands,
    Window,
    Work,
    extend,
    share_rows,
)
from convcli.images.engines.shift_passes import Scratch
from convcli.images.image import Header
from convcli.images.kernels.kernel import Kernel
from convcli.images.pixel_arrays import Stored, Values
from convcli.records import NamedTuple

Floats: TypeAlias = NDArray[np.floating]

MIN_SIGMA = 4.0
"""Narrower gaussians are computed tap by tap, exactly."""

MIN_PIXELS = 2**18
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
    gather: Floats
    window: geometry.Window
    """The pixels that a place of the grid reads."""
    spread: Floats
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


class GaussianGrid(NamedTuple):
    """A wide gaussian on samples of 8 or 16 bits."""

    kernel: Kernel
    deep: bool
    """Whether samples have 16 bits."""

    @staticmethod
    def suits(kernel: Kernel, header: Header, border: Border, exact: bool) -> bool:
        """Whether gaussian and picture are large enough for the grid to be faster."""
        return (
            kernel.smooth > MIN_SIGMA
            and not exact
            and kernel.anchor is None
            and border.name != "valid"
            and header.height * header.width >= MIN_PIXELS
            and min(header.height, header.width) >= kernel.smooth
        )

    @property
    def text(self) -> str:
        """How it is computed, for people."""
        step = spacing(self.kernel.smooth, self.deep)
        return f"on a grid of every {step} pixels, within 0.01 of a gray level before rounding"

    def work(self, bands: Bands, intensity: IntensityMap, full: int, threads: int) -> Work:
        """Gather the picture on the grid, now and on all threads; then draw bands of it."""
        height, width, channels = bands.pixels.shape
        dtype: np.dtype[np.floating] = np.dtype("f8" if self.deep else "f4")
        sigma, (row_step, column_step) = self.kernel.smooth, bands.window.stride
        rows, columns = (_axis(length, sigma, self.deep, dtype) for length in (height, width))
        side = 2 * pad(sigma, self.deep) + 1
        window = Window((side, side), (side // 2, side // 2), (1, 1), bands.window.border)
        coarse = _gathered(Bands(bands.pixels, window), rows, columns, dtype, threads)
        # the grid's weights sum to 1, and those of the kernel to their sum
        quantizer = Quantizer(self.kernel.sum, intensity, full, 2**60, fractional=True)

        def run(top: int, bottom: int, out: Stored, scratch: Scratch) -> Statistics:
            lines = geometry.Window(1, row_step).hull(range(top, bottom))
            begin = lines.start - lines.start % rows.step  # blocks start where the grid repeats
            drawn = _drawn(coarse, rows, columns, begin, lines.stop, width, scratch)
            values = drawn.reshape(lines.stop - begin, width, channels)[lines.start - begin :]
            return quantizer.samples(values[::row_step, ::column_step], out, scratch)[1]

        return Work(rows.block * max(1, 96 // rows.block), run)


def spacing(sigma: float, deep: bool) -> int:
    """Pixels from one place of the grid to the next."""
    return max(1, floor(sigma / (2.0 if deep else 1.6)))


def pad(sigma: float, deep: bool) -> int:
    """Pixels beyond the border that are read."""
    radius = TAIL * sigma / 2**0.5
    return ceil(2 * radius + 2 * spacing(sigma, deep)) + 2


def _axis(length: int, sigma: float, deep: bool, dtype: DTypeLike) -> Axis:
    step, narrow = spacing(sigma, deep), sigma / 2**0.5
    radius = TAIL * narrow
    half = ceil(((length - 1) / 2 + radius) / step)
    count, first = 2 * half + 1, (length - 1) / 2 - step * half
    # the first grid place reads pixels from `start` on, the next `step` pixels later, and so on
    start = ceil(first - radius)
    places = max(1, BLOCK // step)
    window = geometry.Window(2 * ceil(radius) + 1, step)
    pixels = start + np.arange(window.span(places))
    gather = _weights(first + step * np.arange(places), pixels, narrow, radius)
    block = step * max(1, round(BLOCK / step))
    low = ceil((-radius - first) / step)
    high = floor((block - 1 + radius - first) / step)
    spread = _weights(np.arange(block), first + step * np.arange(low, high + 1), narrow, radius)
    return Axis(
        count,
        start + pad(sigma, deep),
        gather.astype(dtype),
        window,
        spread.astype(dtype),
        low,
        block,
    )


def _weights(to: Values, source: Values, sigma: float, radius: float) -> Floats:
    """Gaussian weights (to, source), each row with a sum of 1."""
    apart = to[:, np.newaxis] - source
    weights: Floats = np.where(np.abs(apart) <= radius, np.exp(-0.5 * (apart / sigma) ** 2), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def _gathered(
    bands: Bands, rows: Axis, columns: Axis, dtype: np.dtype[np.floating], threads: int
) -> Floats:
    """The picture on the grid: (channels, grid rows, grid columns)."""
    channels = bands.pixels.shape[2]
    coarse: Floats = np.empty((channels, rows.places, columns.places), dtype)
    if rows.step >= WIDE_STEP:
        _gather_wide(bands, rows, columns, coarse, threads)
        return coarse

    def run(top: int, bottom: int, _: Scratch) -> None:
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
        by_channel = low.reshape(bottom - top, -1, channels)
        for channel in range(channels):
            plane = np.ascontiguousarray(by_channel[..., channel])
            _gather_across(plane, columns, coarse[channel, top:bottom])

    height = rows.gathered * max(1, GATHERED_ROWS // (rows.gathered * rows.step))
    share_rows(rows.places, height, threads, run, products=True)
    return coarse


def _gather_wide(bands: Bands, rows: Axis, columns: Axis, coarse: Floats, threads: int) -> None:
    """Gather along each row first, so that no row is read twice, then along columns."""
    height, channels = bands.pixels.shape[0], len(coarse)
    narrow = np.empty((channels, height, columns.places), coarse.dtype)

    def run(top: int, bottom: int, _: Scratch) -> None:
        first = bands.window.anchor[0]
        band = _read_rows(bands, slice(first + top, first + bottom), coarse.dtype)
        for channel in range(channels):
            plane = np.ascontiguousarray(band[..., channel])
            _gather_across(plane, columns, narrow[channel, top:bottom])

    share_rows(height, 64, threads, run, products=True)
    for channel in range(channels):
        extended = np.where(
            (bands.rows == FILL)[:, np.newaxis],
            bands.fill,
            narrow[channel][bands.rows],
        ).astype(coarse.dtype)
        for place in range(rows.places):
            line = extended[rows.read(place, place + 1)]
            coarse[channel, place] = rows.gather[0, : len(line)] @ line


def _read_rows(bands: Bands, lines: slice, dtype: DTypeLike) -> Floats:
    """Extended rows, counted from the first that any window reads."""
    rows = bands.rows[lines]
    band = np.empty((len(rows), bands.width, bands.pixels.shape[2]), dtype)
    return extend(bands.pixels, rows, bands.columns, bands.left, bands.fill, band)


def _gather_across(rows: Floats, columns: Axis, out: Floats) -> None:
    transposed = np.ascontiguousarray(columns.gather.T)
    for left in range(0, columns.places, columns.gathered):
        count = min(columns.gathered, columns.places - left)
        part = rows[:, columns.read(left, left + count)]
        out[:, left : left + count] = part @ transposed[: part.shape[1], :count]


def _drawn(
    coarse: Floats,
    rows: Axis,
    columns: Axis,
    top: int,
    bottom: int,
    width: int,
    scratch: Scratch,
) -> Floats:
    """Output rows top to bottom, (rows, width · channels); `top` is a multiple of the step."""
    channels = len(coarse)
    first = rows.first_used + top // rows.step
    last_block = (bottom - 1 - top) // rows.block
    count = rows.spread.shape[1] + last_block * rows.block // rows.step
    count = min(count, rows.places - first)
    # all blocks along the rows at once: short products make threads wait for each other
    reads, block = columns.spread.shape[1], columns.block
    blocks = ceil_div(width, block)
    begin = columns.first_used
    padded = np.zeros((channels, count, blocks * block // columns.step + reads), coarse.dtype)
    read = coarse[:, first : first + count, begin : begin + padded.shape[2]]
    padded[..., : read.shape[2]] = read
    places = sliding_window_view(padded, reads, axis=2)[:, :, :: block // columns.step]
    across = scratch.array("across", channels * count * blocks * block, coarse.dtype)
    across = across.reshape(-1, block)
    np.matmul(places[:, :, :blocks].reshape(-1, reads), columns.spread.T, out=across)
    lines = scratch.array("lines", count * width * channels, coarse.dtype)
    lines = lines.reshape(count, width, channels)
    planes = across.reshape(channels, count, -1)[..., :width]
    np.copyto(lines, planes.transpose(1, 2, 0))
    flat = lines.reshape(count, -1)
    out = scratch.array("drawn", (bottom - top) * flat.shape[1], coarse.dtype)
    out = out.reshape(bottom - top, -1)
    for begin in range(0, bottom - top, rows.block):
        drawn = min(rows.block, bottom - top - begin)
        low = begin // rows.step
        read = min(rows.spread.shape[1], count - low)
        np.matmul(
            rows.spread[:drawn, :read], flat[low : low + read], out=out[begin : begin + drawn]
        )
    return out
