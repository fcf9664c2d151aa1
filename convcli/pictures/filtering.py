"""Kernels × picture, band by band.

One kernel with a range known beforehand goes from samples to samples, exactly: every sample is the
true value rounded half up, then clipped, identical for every number of threads and height of band.
Everything else (chains, `--amount`, linear light, luma, ranges that look first) goes through
floats, without rounding in between.
"""

from collections.abc import Callable
from fractions import Fraction
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.conv.passes import Scratch
from convcli.errors import UnfitError
from convcli.pictures import grid, running
from convcli.pictures.alpha import Blending, Keeping, blended, is_blend, share
from convcli.pictures.bands import Bands, Border, Window, band_rows, share_rows, thread_count
from convcli.pictures.kernels import Kernel
from convcli.pictures.picture import Picture
from convcli.pictures.ranges import (
    FIXED,
    NOTHING,
    Range,
    Statistics,
    Tone,
    signed_chain,
    together,
    tone,
)
from convcli.pictures.responses import Responder
from convcli.pictures.samples import (
    from_light,
    grey,
    luma,
    percentiles,
    to_light,
)

Array = NDArray[Any]
Sink = Callable[[int, Array], None]


class Recipe(NamedTuple):
    """What is done to a picture: kernels in turn, and how their responses become samples.

    `bias` is in the units of the samples; `amount` blends the result with the input.
    """

    kernels: tuple[Kernel, ...]
    border: Border = Border()
    stride: tuple[int, int] = (1, 1)
    channels: str = "rgb"
    gray: bool = False
    linear: bool = False
    range: Range = Range()
    bias: Fraction = Fraction(0)
    amount: Fraction = Fraction(1)
    exact: bool = False

    @property
    def label(self) -> str:
        """The names of its kernels, for names of files."""
        return "+".join(dict.fromkeys(one.name for one in self.kernels))


class Filtered(NamedTuple):
    """A filtered picture, and the statistics of its values before they were rounded."""

    picture: Picture
    statistics: Statistics

    @property
    def pixels(self) -> Array:
        return self.picture.pixels


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
                f"the border constant:{recipe.border.value:g} is no sample of this picture: "
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

    transparent = picture.has_alpha and recipe.channels != "each" and not picture.opaque
    plain = picture if recipe.channels == "each" or not picture.has_alpha else picture.coloured
    segment = 0
    if grid.suits(kernel, plain, recipe.border, recipe.exact) and not transparent:
        work = grid.worker(kernel, plain, tones, recipe.border, recipe.stride)
        tall, make = work.tall, work.make
    elif not transparent and running.suits(kernel, bands):
        # a segment a thread, in blocks: what a block leaves behind, the next one goes on from
        tall = running.BLOCK_ROWS
        make = running.worker(bands, kernel, tones, plain.pixels.shape[2], picture.full)
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
    if recipe.range.name == "signed" and found.samples:
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
    covers = Bands(bands.pixels, bands.window._replace(border=_opaque_border(bands, full)))
    tall = max(16, 2 * kernel.shape[0])

    def run(top: int, bottom: int, out: Array | None) -> tuple[Array, Statistics]:
        colour = bands.read(top, bottom, np.int64, None, slice(0, -1))
        alpha = covers.read(top, bottom, np.int64, None, slice(-1, None))
        samples, statistics = way.band(colour, alpha, bands.centres(colour), tones)
        assert out is not None
        out[...] = samples
        return out, statistics

    return tall, lambda: run


def _opaque_border(bands: Bands, full: int) -> Border:
    """The border of the alpha channel: beyond a constant border the picture is opaque."""
    border = bands.window.border
    return Border("constant", full) if border.name in ("zero", "constant") else border


def float_values(picture: Picture, recipe: Recipe, threads: int | None = None) -> Array:
    """The responses (h, w, c) in the units of the samples, signed, neither rounded nor clipped.

    float32 for samples of 8 bits, float64 for all others.
    """
    dtype = np.dtype(np.float32 if picture.pixels.dtype == np.uint8 else np.float64)
    with_alpha = picture.has_alpha and recipe.channels != "each" and not picture.opaque
    samples = picture.pixels
    if picture.has_alpha and recipe.channels != "each" and not with_alpha:
        samples = samples[..., :-1]
    if recipe.channels == "luma" and picture.colours == 3:
        samples = luma(samples, with_alpha).astype(dtype)
    if recipe.linear:
        samples = to_light(samples.astype(dtype), picture.full, with_alpha)
        beyond = to_light(np.full((1, 1, 1), float(recipe.border.value)), picture.full, False)
        recipe = recipe._replace(border=recipe.border._replace(value=float(beyond[0, 0, 0])))
    for kernel in recipe.kernels:
        tones = tone(kernel, recipe.range if recipe.range.name == "auto" else Range("clip"), 0)
        tones = tones._replace(absolute=False)
        samples = _stage(samples, kernel, tones, recipe, with_alpha, picture.full, dtype, threads)
    return samples


def _stage(
    samples: Array,
    kernel: Kernel,
    tones: Tone,
    recipe: Recipe,
    with_alpha: bool,
    full: int,
    dtype: np.dtype[Any],
    threads: int | None,
) -> Array:
    """One kernel of a chain over the whole picture, floats to floats."""
    floating = samples.dtype.kind == "f"
    window = Window(kernel.shape, kernel.centre, recipe.stride, recipe.border)
    bands = Bands(samples, window)
    out = np.empty((*bands.size, samples.shape[2]), dtype)
    count = thread_count(samples.size, threads)
    if with_alpha:
        return _transparent_stage(bands, kernel, tones, full, out, count)
    responder = Responder(
        kernel, full, signed=samples.dtype.kind != "u", floating=floating, cells=2**22
    )
    lane = responder.lane or samples.dtype
    line = bands.width() * samples.shape[2] * recipe.stride[0]
    tall = band_rows(line, bands.size[0], 8, 2 * kernel.shape[0], count)

    def run(top: int, bottom: int) -> None:
        band = bands.read(top, bottom, lane)
        found = [bands.strided(one) for one in responder.parts(band)]
        out[top:bottom] = responder.values(found, tones)

    share_rows(bands.size[0], tall, count, lambda: run, True)
    return out


def _transparent_stage(
    bands: Bands, kernel: Kernel, tones: Tone, full: int, out: Array, count: int
) -> Array:
    way = (Blending if is_blend(kernel) else Keeping)(kernel, full)
    way.light = Responder(kernel, full * full, signed=True, floating=True)
    way.cover = Responder(kernel, full, signed=True, floating=True)
    covers = Bands(bands.pixels, bands.window._replace(border=_opaque_border(bands, full)))

    def run(top: int, bottom: int) -> None:
        colour = bands.read(top, bottom, np.float64, None, slice(0, -1))
        alpha = covers.read(top, bottom, np.float64, None, slice(-1, None))
        out[top:bottom] = way.values(colour, alpha, bands.centres(colour), tones)

    share_rows(bands.size[0], max(16, 2 * kernel.shape[0]), count, lambda: run, True)
    return out


def aligned(samples: Array, recipe: Recipe) -> Array:
    """The samples of the input that stand where those of the result do."""
    for kernel in recipe.kernels:
        window = Window(kernel.shape, kernel.centre, recipe.stride, recipe.border)
        rows, columns = window.output(samples.shape[:2])
        top, left = kernel.centre if recipe.border.name == "valid" else (0, 0)
        down, across = recipe.stride
        samples = samples[top::down, left::across][:rows, :columns]
    return samples


def finished(values: Array, picture: Picture, recipe: Recipe) -> Filtered:
    """A picture from responses: range, bias, luma or linear light undone, blended, rounded."""
    full = picture.full
    with_alpha = picture.has_alpha and recipe.channels != "each" and not picture.opaque
    separate = picture.has_alpha and recipe.channels != "each"
    colours = values[..., :-1] if with_alpha else values
    alpha = values[..., -1:] if with_alpha else None
    visible = ... if alpha is None else alpha[..., 0] >= 0.5
    responses = colours.astype(np.float64)
    between = None  # what is not visible has no say in how far values are stretched
    if recipe.range.name in ("stretch", "pct"):
        between = percentiles(responses[visible], recipe.range.low, recipe.range.high)
    flat = between is not None and between[0] == between[1]
    colours = ranged(responses, recipe, full, None if flat else between)
    if recipe.linear:
        colours = from_light(colours, full)
    source = aligned(picture.pixels[..., :-1] if separate else picture.pixels, recipe)
    cover = None if alpha is None else aligned(picture.pixels[..., -1:], recipe)
    if recipe.channels == "luma" and picture.colours == 3:
        colours = colours + share(cover, alpha) * (source - luma(source, False))
    if recipe.amount != 1:
        colours, alpha = blended(source, cover, colours, alpha, float(recipe.amount))
    rescaled = recipe.range.name in ("signed", "stretch", "pct")
    seen = ... if alpha is None else alpha[..., 0] >= 0.5
    looked = responses[visible] if rescaled else colours[seen]
    ends = (float(looked.min()), float(looked.max())) if looked.size else (0.0, 0.0)
    deep = picture.pixels.dtype.kind != "u"
    if deep and recipe.range.name not in ("stretch", "pct"):
        kept = picture._replace(pixels=colours.astype(np.float32))
        return Filtered(kept, Statistics(*ends, 0, colours.size))
    dtype = np.dtype(np.uint8) if deep else picture.pixels.dtype
    top = 255 if deep else full
    samples = np.floor(colours + 0.5)
    clipped = sum(int(np.count_nonzero(beyond[seen])) for beyond in (samples < 0, samples > top))
    pixels = samples.clip(0, top).astype(dtype)
    if separate:
        cover = (
            np.full((*pixels.shape[:2], 1), top, dtype)
            if alpha is None
            else np.floor(alpha.astype(np.float64) + 0.5).clip(0, top).astype(dtype)
        )
        pixels = np.concatenate([pixels, cover], axis=2)
    statistics = Statistics(*ends, clipped, samples.size, flat)
    return Filtered(picture._replace(pixels=pixels), statistics)


def ranged(values: Array, recipe: Recipe, full: int, between: tuple[float, float] | None) -> Array:
    """Responses brought into 0..full as the recipe's range says, neither rounded nor clipped.

    Those `between` two values are stretched; where there are no two, all stay as they are.
    """
    name, last = recipe.range.name, recipe.kernels[-1]
    if between:
        low, high = between
        return (values - low) * ((full or 255) / (high - low)) + float(recipe.bias)
    if name == "signed":
        middle = (full + 1) / 2 if full else 0.0
        values = values * float(tone(last, recipe.range, full).gain) + middle
    if name == "abs" or (name == "auto" and signed_chain(recipe.kernels)):
        values = np.abs(values)
    return values + float(recipe.bias)
