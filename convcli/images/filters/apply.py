"""Kernels × picture, band by band.

One kernel with a range known beforehand goes from samples to samples, exactly: every sample is the
true value rounded half up, then clipped, identical for every number of threads and height of band.
Everything else (chains, `--amount`, linear light, luma, ranges that look first) goes through
floats, without rounding in between: `floats.py`.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.errors import UnfitError
from convcli.images.engines import box_sums, gaussian_grid
from convcli.images.engines.correlate import Responder
from convcli.images.engines.quantize import NOTHING, Statistics, Tone, together
from convcli.images.engines.row_bands import Bands, Window, band_rows, share_rows, thread_count
from convcli.images.engines.shift_passes import Scratch
from convcli.images.filters.alpha import Blending, Keeping, covers_of, is_blend
from convcli.images.filters.color import grey
from convcli.images.filters.float_path import finished, float_values
from convcli.images.filters.output_range import FIXED, tone
from convcli.images.filters.spec import Filtered, Recipe
from convcli.images.image import Picture
from convcli.images.kernels.kernel import Kernel

Array = NDArray[Any]
Sink = Callable[[int, Array], None]


def filter_picture(
    picture: Picture,
    recipe: Recipe | Kernel,
    threads: int | None = None,
    sink: Sink | None = None,
    chunk: int = 0,
) -> Filtered:
    """Correlate a picture with a kernel, or with all those of a recipe.

    With a `sink` the result is handed to it as (first row, rows), in any order, and the picture
    that is returned has no rows; `chunk` is the number of rows it is handed at once. Raises
    UnfitError where a border or a kernel does not fit.
    """
    recipe = Recipe((recipe,)) if isinstance(recipe, Kernel) else recipe
    picture = prepared(picture, recipe)
    if is_direct(picture, recipe):
        return _direct(picture, recipe, threads, sink, chunk)
    values = float_values(picture, recipe, threads)
    found = finished(values, picture, recipe)
    if sink:
        sink(0, found.picture.pixels)
        return found._replace(picture=picture._replace(pixels=found.picture.pixels[:0]))
    return found


def prepared(picture: Picture, recipe: Recipe) -> Picture:
    """The picture in grey where the recipe asks for it.

    Raises UnfitError for a border's constant that is no sample, and for light or luma of a picture
    that has none.
    """
    if recipe.border.name == "constant" and picture.pixels.dtype.kind == "u":
        full = picture.full
        if not 0 <= recipe.border.value <= full or recipe.border.value % 1:
            raise UnfitError(
                f"the border {recipe.border.text} is no sample of this picture: "
                f"a whole number from 0 to {full}"
            )
    picture = grey(picture) if recipe.gray else picture
    inks = picture.mode == "CMYK"
    if recipe.linear and (inks or not picture.full):
        kind = "four inks" if inks else "samples of 32 bits"
        raise UnfitError(f"--linear reads sRGB of 8 or 16 bits, and this picture has {kind}")
    if recipe.channels == "luma" and inks:
        raise UnfitError("--channels luma reads RGB, and this picture has four inks; give --gray")
    return picture


def is_direct(picture: Picture, recipe: Recipe) -> bool:
    """Whether samples become samples in one step, exactly."""
    return (
        len(recipe.kernels) == 1
        and picture.pixels.dtype in (np.uint8, np.uint16)
        and recipe.range.name in FIXED
        and recipe.amount == 1
        and not recipe.linear
        and recipe.channels != "luma"
    )


def _direct(
    picture: Picture, recipe: Recipe, threads: int | None, sink: Sink | None, chunk: int
) -> Filtered:
    (kernel,) = recipe.kernels
    tones = tone(kernel, recipe.range, picture.full, recipe.bias)
    window = Window(kernel.shape, kernel.centre, recipe.stride, recipe.border)
    bands = Bands(picture.pixels, window)
    count = thread_count(picture.pixels.size, threads)
    shape = *bands.size, picture.pixels.shape[2]
    pixels = np.empty((0 if sink else shape[0], *shape[1:]), picture.pixels.dtype)

    transparent = recipe.blends_alpha(picture)
    plain = picture.coloured if recipe.spares_alpha(picture) else picture
    segment = 0
    if gaussian_grid.suits(kernel, plain, recipe.border, recipe.exact) and not transparent:
        work = gaussian_grid.worker(kernel, plain, tones, recipe.border, recipe.stride)
        tall, make = work.tall, work.make
    elif not transparent and box_sums.suits(kernel, bands):
        # a segment a thread, in blocks: what a block leaves behind, the next one goes on from
        tall = box_sums.BLOCK_ROWS
        make = box_sums.worker(bands, kernel, tones, plain.pixels.shape[2], picture.full)
        whole = chunk or tall
        segment = max(whole, -(-shape[0] // (count * whole)) * whole)
    elif transparent:
        tall, make = _transparent(bands, kernel, tones, picture.full)
    else:
        tall, make = _opaque(bands, kernel, tones, plain, count)
    products = kernel.shape[0] + kernel.shape[1] > 9  # smaller ones are sums of shifted copies
    total, lock = [NOTHING], Lock()
    line, computed = shape[1] * shape[2], shape[2] if transparent else plain.pixels.shape[2]

    def worker() -> Callable[[int, int], None]:
        run = make()
        strip, scratch = np.empty((chunk, *shape[1:]), pixels.dtype), Scratch()

        def band(top: int, bottom: int) -> None:
            if chunk:
                rows = strip[top % chunk :][: bottom - top]
            else:
                rows = (
                    scratch.array("rows", (bottom - top) * line, pixels.dtype) if sink else pixels
                )
                rows = rows.reshape(-1, *shape[1:]) if sink else pixels[top:bottom]
            _, statistics = run(top, bottom, rows[..., :computed])
            rows[..., computed:] = picture.full
            if sink and not chunk:
                sink(top, rows)
            with lock:
                total[0] = together(total[0], statistics)

        def bands_of_segment(top: int, bottom: int) -> None:
            for first in range(top, bottom, tall):
                band(first, min(first + tall, bottom))

        def bands_of_chunk(top: int, bottom: int) -> None:
            for begin in range(top, bottom, chunk):
                end = min(begin + chunk, bottom)
                bands_of_segment(begin, end)
                assert sink is not None
                sink(begin, strip[: end - begin])

        return bands_of_chunk if chunk else bands_of_segment if segment else band

    if chunk:  # whole bands a chunk, or whole chunks of one band
        tall = next(rows for rows in range(min(tall, chunk), 0, -1) if chunk % rows == 0)
    share_rows(shape[0], segment or chunk or tall, count, worker, products)
    found = total[0]
    if recipe.range.name == "signed" and found.least <= found.most:
        gain, offset = float(tones.gain), float(tones.offset)
        least, most = sorted((end - offset) / gain for end in (found.least, found.most))
        found = found._replace(least=least, most=most)
    return Filtered(picture._replace(pixels=pixels), found)


Run = Callable[[int, int, Array | None], tuple[Array, Statistics]]
"""A band's first and last row and, where there is one, the array for its samples."""


def _opaque(
    bands: Bands, kernel: Kernel, tones: Tone, picture: Picture, count: int
) -> tuple[int, Callable[[], Run]]:
    """Rows of a band, and what a thread runs on each band of samples without transparency."""
    channels = picture.pixels.shape[2]
    responder = Responder(kernel, picture.full, cells=2**22)
    rounding = responder.rounding(tones, picture.full)
    line = bands.width() * channels
    lane = responder.lane or picture.pixels.dtype
    # squares of magnitudes are kept beside the lanes, twice as wide
    itemsize = max(plan.dtype.itemsize for plan in responder.plans)
    itemsize *= 2 if kernel.combine == "magnitude" else 1
    reach = kernel.shape[0] if responder.lane is not None else 4 * kernel.shape[0]
    tall = band_rows(line * bands.window.stride[0], bands.size[0], itemsize, reach, count)

    def make() -> Run:
        first, last = bands.span(0, tall)
        buffer, scratch = np.empty((last - first) * line, lane), Scratch()

        def run(top: int, bottom: int, out: Array | None) -> tuple[Array, Statistics]:
            band = bands.read(top, bottom, lane, buffer, slice(0, channels))
            found = map(bands.strided, responder.parts(band, scratch))
            return responder.samples(found, rounding, scratch, out)

        return run

    return tall, make


def _transparent(
    bands: Bands, kernel: Kernel, tones: Tone, full: int
) -> tuple[int, Callable[[], Run]]:
    way = (Blending if is_blend(kernel) else Keeping)(kernel, full)
    covers = covers_of(bands, full)
    tall = max(16, 2 * kernel.shape[0])

    def run(top: int, bottom: int, out: Array | None) -> tuple[Array, Statistics]:
        colour = bands.read(top, bottom, np.int64, None, slice(0, -1))
        alpha = covers.read(top, bottom, np.int64, None, slice(-1, None))
        samples, statistics = way.band(colour, alpha, bands.centres(colour), tones)
        assert out is not None
        out[...] = samples
        return out, statistics

    return tall, lambda: run
