"""Responses in floats: chains, ranges that look first, linear light, luma, a share of the result.

Nothing is rounded or clipped before the last step.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.errors import UnfitError
from convcli.images.engines.correlate import Responder
from convcli.images.engines.quantize import NOTHING, Statistics, Tone
from convcli.images.engines.row_bands import Bands, Window, band_rows, share_rows, thread_count
from convcli.images.filters.alpha import Blending, Keeping, blended, covers_of, is_blend, share
from convcli.images.filters.color import from_light, luma, percentiles, to_light
from convcli.images.filters.output_range import Range, signed_chain, tone
from convcli.images.filters.spec import Filtered, Recipe
from convcli.images.image import Picture
from convcli.images.kernels.kernel import Kernel
from convcli.text import safe

Array = NDArray[Any]


def float_values(picture: Picture, recipe: Recipe, threads: int | None = None) -> Array:
    """The responses (h, w, c) in the units of the samples, signed, neither rounded nor clipped.

    float32 for samples of 8 bits, float64 for all others. Raises UnfitError for what is beyond
    them.
    """
    dtype = np.dtype(np.float32 if picture.pixels.dtype == np.uint8 else np.float64)
    with_alpha = recipe.blends_alpha(picture)
    samples = (
        picture.pixels
        if with_alpha or not recipe.spares_alpha(picture)
        else picture.coloured.pixels
    )
    if recipe.channels == "luma" and picture.colours == 3:
        samples = luma(samples, with_alpha).astype(dtype)
    if recipe.linear:
        samples = to_light(samples.astype(dtype), picture.full, with_alpha)
        beyond = to_light(np.full((1, 1, 1), float(recipe.border.value)), picture.full, False)
        recipe = recipe._replace(border=recipe.border._replace(value=float(beyond[0, 0, 0])))
    stage = _Stage(recipe, with_alpha, picture.full, dtype, threads)
    for kernel in recipe.kernels:
        samples = stage.responses(samples, kernel)
    return samples


Values = Callable[[int, int], Array]
"""The responses of output rows, from the first to before the last."""


class _Stage(NamedTuple):
    """One kernel of a chain over the whole picture, floats to floats: what all of them share."""

    recipe: Recipe
    with_alpha: bool
    full: int
    dtype: np.dtype[Any]
    threads: int | None

    def responses(self, samples: Array, kernel: Kernel) -> Array:
        tones = tone(
            kernel, self.recipe.range if self.recipe.range.name == "auto" else Range("clip"), 0
        )
        tones = tones._replace(absolute=False)
        window = Window(kernel.shape, kernel.centre, self.recipe.stride, self.recipe.border)
        bands = Bands(samples, window)
        out = np.empty((*bands.size, samples.shape[2]), self.dtype)
        count = thread_count(samples.size, self.threads)
        values, tall = (self._blended if self.with_alpha else self._plain)(
            bands, kernel, tones, count
        )

        def run(top: int, bottom: int) -> None:
            with np.errstate(over="ignore", invalid="ignore"):
                out[top:bottom] = values(top, bottom)
            check_within(out[top:bottom], self.dtype, kernel.name)

        share_rows(bands.size[0], tall, count, lambda: run, True)
        return out

    def _plain(self, bands: Bands, kernel: Kernel, tones: Tone, count: int) -> tuple[Values, int]:
        """What computes a band of rows without transparency, and how many rows that has."""
        kind = bands.pixels.dtype.kind
        responder = Responder(kernel, self.full, kind != "u", kind == "f", cells=2**22)
        lane = responder.lane or bands.pixels.dtype
        line = bands.width() * bands.pixels.shape[2] * self.recipe.stride[0]

        def values(top: int, bottom: int) -> Array:
            parts = responder.parts(bands.read(top, bottom, lane))
            return responder.values([bands.strided(one) for one in parts], tones)

        return values, band_rows(line, bands.size[0], 8, 2 * kernel.shape[0], count)

    def _blended(self, bands: Bands, kernel: Kernel, tones: Tone, count: int) -> tuple[Values, int]:
        """The same of colours and alpha."""
        way = (Blending if is_blend(kernel) else Keeping)(kernel, self.full, floating=True)
        covers = covers_of(bands, self.full)

        def values(top: int, bottom: int) -> Array:
            colour = bands.read(top, bottom, np.float64, None, slice(0, -1))
            alpha = covers.read(top, bottom, np.float64, None, slice(-1, None))
            return way.values(colour, alpha, bands.centres(colour), tones)

        return values, max(16, 2 * kernel.shape[0])


def check_within(values: Array, dtype: Any, name: str) -> None:
    """Refuse what a float type does not hold, with room for what is computed from it.

    Raises UnfitError.
    """
    most = float(np.finfo(dtype).max) / 4
    if not (np.abs(values) <= most).all():
        raise UnfitError(
            f"{safe(name)}: responses are beyond what {np.dtype(dtype)} holds ({most:.1g}); "
            "--normalize abs, or a smaller --scale, keeps them within"
        )


def aligned(samples: Array, recipe: Recipe) -> Array:
    """The samples of the input that stand where those of the result do."""
    for kernel in recipe.kernels:
        window = Window(kernel.shape, kernel.centre, recipe.stride, recipe.border)
        rows, columns = window.output(samples.shape[:2])
        top, left = kernel.centre if recipe.border.name == "valid" else (0, 0)
        down, across = recipe.stride
        samples = samples[top::down, left::across][:rows, :columns]
    return samples


@np.errstate(over="ignore", invalid="ignore")  # what is beyond floats is refused
def finished(values: Array, picture: Picture, recipe: Recipe) -> Filtered:
    """A picture from responses: range, bias, luma or linear light undone, blended, rounded."""
    full = picture.full
    with_alpha, separate = recipe.blends_alpha(picture), recipe.spares_alpha(picture)
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
    ends = NOTHING.least, NOTHING.most
    if looked.size:
        ends = float(looked.min()), float(looked.max())
        check_within(np.array(ends), np.float64, recipe.label)
    deep = picture.pixels.dtype.kind != "u"
    if deep and recipe.range.name not in ("stretch", "pct"):
        check_within(colours, np.float32, recipe.label)
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
