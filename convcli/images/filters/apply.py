"""Kernels × picture, band by band, as a plan says; from a file to a filtered file.

The command and the batch do the same with each picture: `open_planned`, then `filter_opened`.

One kernel with a range known beforehand goes from samples to samples, exactly: every sample is the
true value rounded half up, then clipped, identical for every number of threads and height of band.
Everything else (chains, `--amount`, linear light, luma, ranges that look first) goes through
floats, without rounding in between: `float_path.py`.
"""

from collections.abc import Callable
from contextlib import closing
from functools import partial, reduce
from typing import IO, TypeAlias

import numpy as np

from convcli.borders import Border
from convcli.errors import PictureError, UnfitError
from convcli.images.engines.quantize import NOTHING, Statistics, combined
from convcli.images.engines.row_bands import Bands, share_rows, thread_count
from convcli.images.engines.shift_passes import Scratch
from convcli.images.filters.color import in_gray, percentiles
from convcli.images.filters.float_path import (
    black_or_white,
    check_within,
    finished,
    float_values,
    visible_responses,
)
from convcli.images.filters.plan import FilterPlan, Writer, memory_needed, plan_filter
from convcli.images.filters.region import Region, with_surroundings
from convcli.images.filters.spec import FilterSpec, Range
from convcli.images.image import Limits, Picture, TooLargeError
from convcli.images.io.atomic import write_file
from convcli.images.io.formats import Format, Target
from convcli.images.io.jpeg_strips import StripWriter
from convcli.images.io.netpbm import RowWriter
from convcli.images.io.read import open_picture
from convcli.images.io.source import Prefetch
from convcli.images.io.write import (
    FLOAT_WRITERS,
    check_frames,
    check_suffix,
    losses,
    refusals,
    saved_metadata,
    write_output,
    write_picture,
)
from convcli.images.kernels.kernel import Kernel
from convcli.images.pixel_arrays import Samples, Values
from convcli.records import NamedTuple

Sink: TypeAlias = Callable[[int, Samples], None]
"""Takes the number of a row and the rows from it on."""


class Filtered(NamedTuple):
    """A filtered picture, and the statistics of its values before they were rounded."""

    picture: Picture
    statistics: Statistics

    @property
    def pixels(self) -> Samples:
        return self.picture.pixels


def filter_picture(
    picture: Picture,
    plan: FilterPlan | FilterSpec | Kernel,
    threads: int | None = None,
    sink: Sink | None = None,
    chunk: int = 0,
) -> Filtered:
    """Correlate a picture with a kernel, or with all those of a plan that was made for it.

    With a `sink` the result is handed to it as (first row, rows), in any order, and the picture
    that is returned has no rows; `chunk` is the number of rows it is handed at once. Raises
    UnfitError where a border or a kernel does not fit.
    """
    if isinstance(plan, Kernel):
        plan = FilterSpec((plan,))
    if isinstance(plan, FilterSpec):
        plan = plan_filter(picture.header, plan)
    picture = prepared(picture, plan)
    if plan.spec.region:
        return _in_region(picture, plan, plan.spec.region, threads)
    if plan.direct and plan.spec.mask is not None:
        whole = filter_picture(picture, plan.spec._replace(mask=None), threads)
        pixels = np.where(plan.spec.mask[..., np.newaxis] == 1, whole.pixels, picture.pixels)
        return whole._replace(picture=picture._replace(pixels=pixels))
    if plan.direct:
        return _direct(picture, plan, threads, sink, chunk)
    result = Filtered(*finished(float_values(picture, plan, threads), picture, plan))
    if sink:
        sink(0, result.pixels)
        return result._replace(picture=picture._replace(pixels=result.pixels[:0]))
    return result


def _in_region(picture: Picture, plan: FilterPlan, region: Region, threads: int | None) -> Filtered:
    """The picture with a part of it filtered, exactly as in the whole picture."""
    if plan.direct:
        (stage,) = plan.stages
        inside = plan.spec._replace(region=None, border=Border("valid"))
        around = with_surroundings(picture, stage.window, region, plan.separates_alpha)
        result = filter_picture(around, inside, threads)
    else:
        height, width = picture.pixels.shape[:2]
        crop = region.within(height, width, plan.margins)
        rows, columns = crop.place
        values = float_values(picture._replace(pixels=picture.pixels[rows, columns]), plan, threads)
        own = region._replace(top=region.top - crop.top, left=region.left - crop.left)
        part = picture._replace(pixels=picture.pixels[region.place])
        result = Filtered(*finished(values[own.place], part, plan))
    if result.pixels.dtype != picture.pixels.dtype:
        raise UnfitError("--region keeps samples of 32 bits, which this --range makes 8 bits")
    pixels = picture.pixels.copy()
    pixels[region.place] = result.pixels
    return result._replace(picture=picture._replace(pixels=pixels))


def prepared(picture: Picture, plan: FilterPlan) -> Picture:
    """The picture that is filtered: in gray if asked, without alpha that the result cannot hold."""
    picture = in_gray(picture) if plan.spec.gray else picture
    return picture.without_alpha if picture.has_alpha > plan.filtered.has_alpha else picture


def _direct(
    picture: Picture, plan: FilterPlan, threads: int | None, sink: Sink | None, chunk: int
) -> Filtered:
    """From samples to samples, on all threads."""
    (stage,), full = plan.stages, plan.filtered.full
    count = thread_count(picture.pixels.size, threads)
    adds_alpha = plan.separates_alpha and not plan.transparent
    bands = Bands((picture.without_alpha if adds_alpha else picture).pixels, stage.window)
    work = stage.engine.work(bands, stage.intensity, full, count)
    shape = *bands.size, picture.pixels.shape[2]
    depth: np.dtype[np.unsignedinteger] = np.dtype("u1" if full == 255 else "u2")
    pixels = np.empty((0 if sink else shape[0], *shape[1:]), depth)
    rows = min(work.rows, chunk or work.rows)
    while chunk % rows:  # a chunk is whole bands
        rows -= 1
    step = share = chunk or rows
    if work.in_order:  # each band continues from the one before: a thread takes many
        step = chunk or work.rows
        share = max(step, -(-shape[0] // (count * step)) * step)
    parts, threshold, cells = [NOTHING], plan.spec.threshold, shape[1] * shape[2]

    def run(top: int, bottom: int, scratch: Scratch) -> None:
        for begin in range(top, bottom, step):
            end = min(begin + step, bottom)
            if sink:
                out = scratch.array("chunk", (end - begin) * cells, depth).reshape(-1, *shape[1:])
            else:
                out = pixels[begin:end]
            for first in range(begin, end, rows):
                last = min(first + rows, end)
                samples = out[first - begin : last - begin]
                colors = samples[..., :-1] if adds_alpha else samples
                parts.append(work.run(first, last, colors, scratch))
                if threshold is not None:
                    own = colors[..., :-1] if plan.transparent else colors
                    own[...] = black_or_white(own, threshold, full)
            if adds_alpha:
                out[..., -1] = full
            if sink:
                sink(begin, out)

    # smaller kernels are sums of shifted copies
    products = sum(stage.kernel.shape) > 9
    share_rows(shape[0], share, count, run, products)
    total = reduce(combined, parts)
    if plan.spec.range.name == "signed" and total.minimum <= total.maximum:
        gain, offset = float(stage.intensity.gain), float(stage.intensity.offset)
        ends = sorted((end - offset) / gain for end in (total.minimum, total.maximum))
        total = total._replace(minimum=ends[0], maximum=ends[1])
    return Filtered(picture._replace(pixels=pixels), total)


class Opened(NamedTuple):
    """A picture and its plan; or, for one that is read in bands, why it is too large."""

    source: str
    plan: FilterPlan
    picture: Picture | None
    losses: tuple[str, ...] = ()
    """What a result loses of its file: parts that are not read or not written."""
    refusal: str = ""


def open_planned(
    source: str,
    spec: FilterSpec,
    target: Target | None = None,
    limits: Limits | None = None,
    prefetch: Prefetch | None = None,
) -> Opened:
    """Read a picture, if its memory is allowed, and plan its filtering.

    Raises PictureError for files that cannot be read, and what `plan_filter` raises.
    """
    record = spec.options.record()
    try:
        needs = partial(memory_needed, spec=spec, target=target)
        with closing(prefetch or Prefetch(source, limits=limits)) as file:
            picture = open_picture(source, True, file, needs=needs)
    except TooLargeError as refusal:
        from convcli.images.filters.out_of_core import reads_in_bands

        if target is None or not reads_in_bands(source, refusal.header):
            raise
        return Opened(source, plan_filter(refusal.header, spec, target), None, refusal=str(refusal))
    picture = picture._replace(metadata={**picture.metadata, "record": record})
    header = picture.header
    plan = plan_filter(header, spec, target)
    texts = picture.notes + losses(picture, plan.format, *plan.result)
    has_profile = "icc_profile" in picture.metadata
    if has_profile and plan.filtered.colors < header.colors:
        texts += ("its color profile is left out: it does not describe gray",)
    return Opened(source, plan, picture, texts)


def filter_opened(opened: Opened, threads: int | None = None) -> Statistics:
    """Filter what was opened, as a whole or in bands, and write the result.

    Raises UnfitError, PictureError and OutputError.
    """
    if opened.picture is None:
        from convcli.images.filters.out_of_core import filter_in_bands

        return filter_in_bands(opened.source, opened.plan, opened.refusal)
    return filter_to(opened.picture, opened.plan, threads)


def refuse_clipping(opened: Opened, threads: int | None = None) -> None:
    """Raise UnfitError where any value of the result lies outside the samples."""
    if opened.picture is None or opened.plan.writer is Writer.FLOATS:  # which are never clipped
        return
    spec = _of_frames(opened.picture, opened.plan.spec, threads)
    for frame in _frames(opened.picture):
        statistics = filter_picture(frame, spec, threads).statistics
        if statistics.clipped:
            raise UnfitError(
                f"{statistics.text}; --range stretch, signed or pct:1,99 keeps more of them"
            )


def filter_to(picture: Picture, plan: FilterPlan, threads: int | None = None) -> Statistics:
    """Filter a picture and write the result to the target of the plan that was made for it.

    Raises UnfitError, PictureError and OutputError.
    """
    target, form = plan.target, plan.format
    assert target is not None
    assert form is not None
    if plan.writer is Writer.FLOATS:
        return _write_floats(picture, plan, target, form, threads)
    if plan.writer is Writer.FRAMES:
        return _write_frames(picture, plan, target, form, threads)
    picture = prepared(picture, plan)
    if plan.writer is Writer.ROWS:
        return _write_rows(picture, plan, target, threads)
    if plan.writer is Writer.STRIPS:
        return _write_strips(picture, plan, target, form, threads)
    result = filter_picture(picture, plan, threads)
    write_picture(result.picture, target.path, target.force, target.options._replace(format=form))
    return result.statistics


def _frames(picture: Picture) -> list[Picture]:
    """Each frame as a picture of its own."""
    return [
        picture._replace(pixels=pixels, frames=()) for pixels in (picture.pixels, *picture.frames)
    ]


def _of_frames(picture: Picture, spec: FilterSpec, threads: int | None) -> FilterSpec:
    """The same for every frame: where a range stretches, between the responses of all of them."""
    if not picture.frames or spec.range.name not in ("stretch", "pct"):
        return spec
    responses: list[Values] = []
    for frame in _frames(picture):
        plan = plan_filter(frame.header, spec)
        values = visible_responses(prepared(frame, plan), plan, threads)
        if spec.range.name == "stretch":  # which needs the ends alone
            values = np.array([values.min(), values.max()] if values.size else [], values.dtype)
        responses.append(values)
    ends = percentiles(np.concatenate(responses), spec.range.low, spec.range.high)
    flat = ends[0] == ends[1]
    return spec if flat else spec._replace(range=Range("between", *ends))


def _write_rows(
    picture: Picture, plan: FilterPlan, target: Target, threads: int | None
) -> Statistics:
    """Rows as they are computed."""
    check_suffix(target.path, picture)

    def write(stream: IO[bytes]) -> Statistics:
        writer = RowWriter(stream, _shape(picture, plan), picture.pixels.dtype)
        return filter_picture(picture, plan, threads, writer).statistics

    return write_file(target.path, write, target.force)


def _write_strips(
    picture: Picture, plan: FilterPlan, target: Target, form: Format, threads: int | None
) -> Statistics:
    """Strips of a JPEG, which are encoded by the thread that computes them."""
    shape = _shape(picture, plan)
    writer = StripWriter(shape, target.options.of(form, picture.metadata))
    metadata = saved_metadata(picture, form, shape)

    def write(stream: IO[bytes]) -> Statistics:
        statistics = filter_picture(picture, plan, threads, writer, writer.rows).statistics
        with refusals(form):
            writer.write(stream, metadata)
        return statistics

    return write_output(target.path, write, target.force)


def _shape(picture: Picture, plan: FilterPlan) -> tuple[int, int, int]:
    (stage,) = plan.stages
    return *stage.window.output(picture.pixels.shape[:2]), picture.pixels.shape[2]


def _write_frames(
    picture: Picture, plan: FilterPlan, target: Target, form: Format, threads: int | None
) -> Statistics:
    """Every frame of an animation on its own, with its timing kept."""
    check_frames(picture, form)
    # each may have a size of its own, or be opaque
    spec = _of_frames(picture, plan.spec, threads)
    results = [filter_picture(frame, spec, threads) for frame in _frames(picture)]
    first, *rest = results
    animation = first.picture._replace(frames=tuple(result.pixels for result in rest))
    write_picture(animation, target.path, target.force, target.options._replace(format=form))
    return reduce(combined, (result.statistics for result in results))


def _write_floats(
    picture: Picture, plan: FilterPlan, target: Target, form: Format, threads: int | None
) -> Statistics:
    """The responses as they are: signed, unscaled, neither rounded nor clipped."""
    if picture.frames:
        raise PictureError("an animation cannot be written as floats; name one of its frames")
    picture = prepared(picture, plan)
    values = _in_range(float_values(picture, plan, threads), picture, plan)
    if plan.spec.bias:
        with np.errstate(over="ignore"):
            values = values + float(plan.spec.bias)
    check_within(values, np.float32 if form.narrow else values.dtype, plan.spec.label)
    ends = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    with refusals(form):
        write_output(target.path, FLOAT_WRITERS[form.name](values, picture), target.force)
    return Statistics(*ends, 0, values.size)


def _in_range(values: Samples, picture: Picture, plan: FilterPlan) -> Samples:
    """Responses after `--range` and `--amount`, as far as floats allow.

    Raises PictureError for ranges that rescale samples, and for a blend of other sizes.
    """
    spec = plan.spec
    if spec.range.name not in ("auto", "clip", "abs"):
        raise PictureError(
            f"--range {spec.range.text} rescales samples; arrays hold responses as they are"
        )
    if plan.keeps:
        raise PictureError("pixels that are kept have no responses; write a picture, not floats")
    if spec.threshold is not None:
        raise PictureError("--threshold makes samples black and white; write a picture, not floats")
    if spec.range.name == "abs":
        values = np.abs(values)
    if spec.amount == 1:
        return values
    pixels = picture.pixels[..., : values.shape[2]]
    if pixels.shape != values.shape or spec.linear:
        raise PictureError("--amount blends pixels with a result of the same size and light")
    return np.asarray(pixels + float(spec.amount) * (values - pixels))
