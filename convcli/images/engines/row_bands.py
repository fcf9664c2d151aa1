"""A picture in bands of rows: borders added as each band is read, bands shared by threads."""

import os
from collections import deque
from collections.abc import Callable
from threading import Thread
from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convcli import geometry
from convcli.borders import FILL, Border
from convcli.errors import UnfitError
from convcli.geometry import Pair, anchored_padding, ceil_div, output_length
from convcli.images.engines.quantize import Statistics
from convcli.images.engines.shift_passes import Scratch
from convcli.images.pixel_arrays import Stored, Values
from convcli.records import NamedTuple

BAND_BYTES = 800_000
"""Bytes of one band of samples in the accumulator dtype. With 400 KB Python's own time counts (a
fifth for small kernels, with caches of 512 KB and of 2 MB); with more nothing stays in a core's
cache."""

SHARED_BYTES = 2_000_000
"""The same where threads share the picture. Between two calls of NumPy a thread keeps the
interpreter, and a sleeping core takes 50 µs to notice that it is free: for sharpen on 12 megapixels
two threads take 84 ms with bands of 0.3 MB, 45 with 1.2 and 38 with 2.4; one alone takes 47."""

SHARED_SAMPLES = 2_000_000
"""Below that the bands of a picture are not worth a second thread (2 to 5 ms of work)."""


class Window(NamedTuple):
    """How a kernel of a shape moves over a picture: where it starts, and how far it steps."""

    shape: Pair
    anchor: Pair
    stride: Pair
    border: Border

    @property
    def axes(self) -> tuple[geometry.Window, geometry.Window]:
        """The window along rows and along columns."""
        rows, columns = map(geometry.Window, self.shape, self.stride)
        return rows, columns

    @property
    def padding(self) -> tuple[Pair, Pair]:
        """Rows above and below the picture, columns before and after it."""
        if self.border.name == "valid":
            return (0, 0), (0, 0)
        rows, columns = map(anchored_padding, self.axes, self.anchor)
        return rows, columns

    def output(self, size: Pair) -> Pair:
        """Rows and columns of the result. Raises UnfitError where nothing is left."""
        if self.border.name == "valid" and (size[0] < self.shape[0] or size[1] < self.shape[1]):
            raise UnfitError(
                f"a kernel of {self.shape[0]}x{self.shape[1]} does not fit a picture of "
                f"{size[0]}x{size[1]} without a border"
            )
        rows, columns = map(output_length, size, self.axes, self.padding)
        return rows, columns

    def cells(self, axis: int, length: int) -> NDArray[np.intp]:
        """The cell that each cell of the extended axis repeats, or FILL."""
        before, after = self.border.beyond(length, self.padding[axis])
        return np.concatenate([before, np.arange(length), after], dtype=np.intp, casting="unsafe")


def extend(
    pixels: Values,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    left: int,
    fill: float,
    out: Values,
) -> Values:
    """Write rows of a picture into `out`, with the border beyond its sides.

    `rows` and `columns` are the cells that each row and column of the result repeats, or FILL;
    the picture's own columns begin at `left`.

    >>> cells = np.array([FILL, 0, 1]), np.array([0, 0, 1])
    >>> extend(np.array([[[1], [2]], [[3], [4]]]), *cells, 1, 9, np.empty((3, 3, 1), int))[..., 0]
    array([[9, 9, 9],
           [1, 1, 2],
           [3, 3, 4]])
    """
    inside = slice(left, left + pixels.shape[1])
    if rows[0] != FILL and (rows[1:] - rows[:-1] == 1).all():
        np.copyto(out[:, inside], pixels[rows[0] : rows[-1] + 1], casting="unsafe")
    else:
        for position, row in enumerate(rows):
            out[position, inside] = fill if row == FILL else pixels[row]
    for outside in (slice(0, left), slice(inside.stop, len(columns))):
        cells = columns[outside]
        if len(cells):
            out[:, outside] = fill if cells[0] == FILL else out[:, left + cells]
    return out


class Bands:
    """The bands of a picture (h, w, c), each with the rows that a window reads beyond it.

    >>> bands = Bands(np.arange(4).reshape(2, 2, 1), Window((1, 3), (0, 1), (1, 1), Border("edge")))
    >>> bands.read(1, 2, np.int16)[0, :, 0].tolist()
    [2, 2, 3, 3]
    """

    def __init__(self, pixels: Values, window: Window) -> None:
        self.pixels, self.window = pixels, window
        self.size = window.output(pixels.shape[:2])
        self.rows = window.cells(0, pixels.shape[0])
        self.columns = window.cells(1, pixels.shape[1])
        self.width = len(self.columns)
        """Columns of a band, with those beyond the picture."""
        self.left = window.padding[1][0]
        self.fill = window.border.fill

    def span(self, top: int, bottom: int) -> Pair:
        """The extended rows that output rows top to bottom read."""
        rows = self.window.axes[0].hull(range(top, bottom))
        return rows.start, rows.stop

    def read(
        self,
        top: int,
        bottom: int,
        dtype: DTypeLike,
        out: Values | None = None,
        channels: slice = slice(None),
    ) -> Values:
        """The cells that output rows top to bottom are computed from, in a dtype."""
        first, last = self.span(top, bottom)
        rows = self.rows[first:last]
        pixels = self.pixels[..., channels]
        shape = len(rows), self.width, pixels.shape[2]
        band = (
            np.empty(shape, dtype)
            if out is None
            else out[: shape[0] * shape[1] * shape[2]].reshape(shape)
        )
        return extend(pixels, rows, self.columns, self.left, self.fill, band)

    def centers(self, band: Values) -> tuple[slice, slice]:
        """The rows and columns of a band that stand under the anchor where the window stops."""
        rows, columns = (
            slice(anchor, anchor + output_length(length, geometry.Window(kernel)), step)
            for anchor, length, kernel, step in zip(
                self.window.anchor,
                band.shape[:2],
                self.window.shape,
                self.window.stride,
                strict=True,
            )
        )
        return rows, columns

    def strided(self, response: Values) -> Values:
        """The responses at the places where the window stops, of those at every place."""
        row_step, column_step = self.window.stride
        return response[::row_step, ::column_step]


Run: TypeAlias = Callable[[int, int, Stored, Scratch], Statistics]
"""The first output row of a band, the one after its last, the array for their samples, and the
arrays of the thread to work in."""


class Work(NamedTuple):
    """How an engine processes a picture: rows per band, and the function that computes a band.

    `in_order` says that a band continues from the scratch of the one before it.
    """

    rows: int
    run: Run
    in_order: bool = False


class FloatWork(NamedTuple):
    """The same for responses as floats: the function that computes those of a band."""

    rows: int
    run: Callable[[int, int], Values]


def band_rows(cells: int, rows: int, itemsize: int, kernel_rows: int, threads: int) -> int:
    """Rows of a band, from the cells of one row: few enough for a cache, more than its border.

    Bands are equal, and every thread gets the same number.

    >>> band_rows(1000, 900, 8, 3, threads=2), band_rows(1000, 100, 8, 3, threads=2)
    (225, 50)
    """
    fitting = (SHARED_BYTES if threads > 1 else BAND_BYTES) // max(cells * itemsize, 1)
    fitting = max(fitting, 2 * kernel_rows, 8)
    bands = ceil_div(ceil_div(rows, fitting), threads) * threads
    return max(1, ceil_div(rows, bands))


def thread_count(samples: int, threads: int | None = None) -> int:
    """Number of threads for `samples`: one per core, or one where there is little work."""
    if threads is not None:
        return max(1, threads)
    if samples < SHARED_SAMPLES:
        return 1
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def share_rows(
    rows: int,
    band: int,
    threads: int,
    run: Callable[[int, int, Scratch], None],
    products: bool = False,
) -> None:
    """Run over all rows in bands, on threads that each have arrays of their own to work in.

    The first error of any thread ends all of them, and is raised here. With `products` of matrices
    BLAS is limited to one thread, so that its threads and ours do not fight for the cores.
    """
    if products and threads > 1 and os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        from convcli.conv.blas import single_threaded_blas

        with single_threaded_blas():
            return share_rows(rows, band, threads, run)
    left = deque((top, min(top + band, rows)) for top in range(0, rows, band))
    errors: list[BaseException] = []

    def work() -> None:
        scratch = Scratch()
        try:
            while left:
                try:
                    top, bottom = left.popleft()
                except IndexError:
                    return
                run(top, bottom, scratch)
        except BaseException as error:  # handed to the caller, an interrupt too
            errors.append(error)
            left.clear()

    helpers = [Thread(target=work, daemon=True) for _ in range(min(threads, len(left)) - 1)]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    if errors:
        raise errors[0]
    return None
