"""Responses in floats: chains, ranges that depend on the responses, linear light, luma, blends.

Nothing is rounded or clipped before the last step.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from types import EllipsisType

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convcli.errors import UnfitError
from convcli.images.engines.correlate import Correlator
from convcli.images.engines.quantize import NOTHING, IntensityMap, Statistics
from convcli.images.engines.row_bands import Bands, share_rows, thread_count
from convcli.images.engines.shift_passes import Scratch
from convcli.images.filters.alpha import AlphaEngine, chroma_share, mixed
from convcli.images.filters.color import luma, percentiles
from convcli.images.filters.light import border_light, curves_of, from_light, to_light
from convcli.images.filters.lines import canny_lines, zero_crossings
from convcli.images.filters.options import STRETCHED
from convcli.images.filters.plan import FilterPlan, Stage, intensity_map
from convcli.images.filters.spec import FilterSpec, signed_chain
from convcli.images.image import Picture
from convcli.images.pixel_arrays import Samples, Values
from convcli.text import safe


def float_values(picture: Picture, plan: FilterPlan, threads: int | None = None) -> Values:
    """The responses (h, w, c) in the units of the samples, signed, neither rounded nor clipped.

    float32 for samples of 8 bits, float64 for all others. Raises UnfitError for what is beyond
    them.
    """
    spec, with_alpha = plan.spec, plan.transparent
    shallow = picture.pixels.dtype == np.uint8 and not any(one.lines for one in spec.kernels)
    dtype: np.dtype[np.floating] = np.dtype("f4" if shallow else "f8")
    samples: Values = picture.pixels
    if plan.separates_alpha and not with_alpha:
        samples = samples[..., :-1]
    if plan.reads_luma:
        samples = luma(samples, with_alpha).astype(dtype)
    border = spec.border
    if spec.linear:
        curves = curves_of(picture, plan.curved_colors)
        samples = to_light(samples.astype(dtype), picture.full, with_alpha, curves)
        light = border_light(border.fill, picture.full, plan.curved_colors, curves)
        border = border._replace(value=light)
    for number, stage in enumerate(plan.stages, 1):
        window = stage.window._replace(border=stage.window.border._replace(value=border.value))
        bands = Bands(samples, window)
        if stage.kernel.lines:
            samples = _lines(bands, stage, dtype, threads, picture.full or 1, with_alpha)
            if with_alpha:  # lines are as opaque as what they are drawn of
                own = aligned(picture.pixels[..., -1:], plan.stages[:number])
                samples = np.concatenate([samples, own.astype(dtype)], axis=2)
            continue
        responses = _responses(bands, stage, dtype, threads)
        if stage.kernel.threshold:
            own = aligned(samples, [stage])
            steady = np.abs(responses - own) < float(stage.kernel.threshold)
            np.copyto(responses, own, where=steady, casting="same_kind")
        samples = responses
    return samples


def _lines(
    bands: Bands,
    stage: Stage,
    dtype: np.dtype[np.floating],
    threads: int | None,
    white: int,
    with_alpha: bool,
) -> Values:
    """White where the gradients of the picture draw lines, 0 elsewhere, without alpha."""
    assert stage.kernel.lines
    plain = stage._replace(intensity=IntensityMap(False, Fraction(1)))
    x, y = (
        _responses(bands, plain._replace(engine=engine), dtype, threads)
        for engine in stage.gradients
    )
    if with_alpha:
        x, y = x[..., :-1], y[..., :-1]
    _, low, high = stage.kernel.lines
    return np.asarray(canny_lines(x, y, low * white, high * white) * dtype.type(white))


def _responses(
    bands: Bands, stage: Stage, dtype: np.dtype[np.floating], threads: int | None
) -> Values:
    """One kernel of the chain over the whole picture."""
    out = np.empty((*bands.size, bands.pixels.shape[2]), dtype)
    count = thread_count(bands.pixels.size, threads)
    engine = stage.engine
    assert isinstance(engine, Correlator | AlphaEngine)  # the others are exact
    work = engine.float_work(bands, stage.intensity, count)

    def run(top: int, bottom: int, _: Scratch) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            out[top:bottom] = work.run(top, bottom)
        check_within(out[top:bottom], dtype, stage.kernel.name)

    share_rows(bands.size[0], work.rows, count, run, True)
    return out


def check_within(values: Values, dtype: DTypeLike, name: str) -> None:
    """Refuse what a float type does not hold, with room for what is computed from it.

    Raises UnfitError.
    """
    limit = float(np.finfo(np.dtype(dtype)).max) / 4
    if not (np.abs(values) <= limit).all():
        raise UnfitError(
            f"{safe(name)}: responses are beyond what {np.dtype(dtype)} holds ({limit:.1g}); "
            "--normalize abs, or a smaller --scale, keeps them within"
        )


def aligned(samples: Values, stages: Sequence[Stage]) -> Values:
    """The samples of the input that stand where those of the result do."""
    for stage in stages:
        window = stage.window
        row_step, column_step = window.stride
        rows, columns = window.output(samples.shape[:2])
        top, left = window.anchor if window.border.name == "valid" else (0, 0)
        samples = samples[top::row_step, left::column_step][:rows, :columns]
    return samples


def visible_responses(picture: Picture, plan: FilterPlan, threads: int | None = None) -> Values:
    """The responses of what is not transparent, one after another."""
    values = float_values(picture, plan, threads)
    if plan.spec.region:
        values = values[plan.spec.region.place]
    if plan.transparent:
        return values[values[..., -1] >= 0.5][..., :-1].ravel()
    return values.ravel()


@np.errstate(over="ignore", invalid="ignore")  # what is beyond floats is refused
def finished(values: Values, picture: Picture, plan: FilterPlan) -> tuple[Picture, Statistics]:
    """A picture from responses: range, bias, luma or linear light undone, mixed, rounded."""
    spec, full = plan.spec, picture.full
    with_alpha = plan.transparent
    colors = values[..., :-1] if with_alpha else values
    alpha = values[..., -1:] if with_alpha else None
    visible = ... if alpha is None else alpha[..., 0] >= 0.5
    responses = colors.astype(np.float64)
    stretched = None
    if spec.range.name in STRETCHED:
        stretched = _stretched(responses, visible, plan)
    flat = spec.range.name in STRETCHED and stretched is None
    colors = ranged(responses, spec, full) if stretched is None else stretched
    if spec.linear:
        colors = from_light(colors, full, curves_of(picture, plan.curved_colors))
    source = aligned(
        picture.pixels[..., :-1] if plan.separates_alpha else picture.pixels, plan.stages
    )
    coverage = None if alpha is None else aligned(picture.pixels[..., -1:], plan.stages)
    if plan.reads_luma:
        colors = colors + chroma_share(coverage, alpha) * (source - luma(source, False))
    if spec.amount != 1:
        colors, alpha = mixed(source, coverage, colors, alpha, float(spec.amount))
    if spec.mask is not None:
        colors, alpha = mixed(source, coverage, colors, alpha, spec.mask[..., np.newaxis])
    rescaled = spec.range.name in ("signed", *STRETCHED, "crossings")
    opaque = ... if alpha is None else alpha[..., 0] >= 0.5
    counted = responses[visible] if rescaled else colors[opaque]
    ends = NOTHING.minimum, NOTHING.maximum
    if counted.size:
        ends = float(counted.min()), float(counted.max())
        check_within(np.array(ends), np.float64, spec.label)
    floats = picture.pixels.dtype.kind != "u"
    if floats and spec.range.name not in STRETCHED:
        check_within(colors, np.float32, spec.label)
        kept = picture._replace(pixels=colors.astype(np.float32))
        return kept, Statistics(*ends, 0, colors.size)
    dtype = np.dtype(np.uint8) if floats else picture.pixels.dtype
    white = 255 if floats else full
    samples = np.floor(colors + 0.5)
    clipped = sum(
        int(np.count_nonzero(beyond[opaque])) for beyond in (samples < 0, samples > white)
    )
    pixels = samples.clip(0, white).astype(dtype)
    if spec.threshold is not None:
        pixels = black_or_white(pixels, spec.threshold, white)
    if plan.separates_alpha:
        coverage = (
            np.full((*pixels.shape[:2], 1), white, dtype)
            if alpha is None
            else np.floor(alpha.astype(np.float64) + 0.5).clip(0, white).astype(dtype)
        )
        pixels = np.concatenate([pixels, coverage], axis=2)
    statistics = Statistics(*ends, clipped, samples.size, flat)
    return picture._replace(pixels=pixels), statistics


def black_or_white(samples: Samples, threshold: Fraction, white: int) -> Samples:
    """White where samples reach a threshold, black elsewhere."""
    return np.where(samples >= ceil(threshold), white, 0).astype(samples.dtype)


def _stretched(
    responses: Values, visible: EllipsisType | NDArray[np.bool_], plan: FilterPlan
) -> Values | None:
    """Responses drawn apart to black and to white; None where all that is visible are the same.

    Those of an exact kernel are whole numbers of a unit, which leaves exact halves what they are.
    """
    spec, kernel = plan.spec, plan.spec.kernels[-1]
    plain = not (plan.transparent or plan.reads_luma or spec.linear or kernel.threshold)
    if plan.filtered.full and len(spec.kernels) == 1 and plain and kernel.linear and kernel.exact:
        unit = abs(float(kernel.matrices()[0][1]))
        responses = np.rint(responses / unit)
    else:
        unit = 1.0
    low, high = spec.range.low, spec.range.high
    if spec.range.name == "between":
        low, high = round(low / unit, 6), round(high / unit, 6)
    else:  # invisible pixels do not count
        low, high = percentiles(responses[visible], low, high)
    if low == high:
        return None
    return (responses - low) * (plan.filtered.full or 255) / (high - low) + float(spec.bias)


def ranged(values: Values, spec: FilterSpec, full: int) -> Values:
    """Responses brought into 0..full as a range says, neither rounded nor clipped."""
    name, last = spec.range.name, spec.kernels[-1]
    if name == "crossings":
        return zero_crossings(values, spec.range.low) * float(full or 1)
    if name == "signed":
        middle = (full + 1) / 2 if full else 0.0
        values = values * float(intensity_map(last, spec.range, full).gain) + middle
    if name == "abs" or (name == "auto" and signed_chain(spec.kernels)):
        values = np.abs(values)
    return values + float(spec.bias)
