"""One picture from a file to a filtered file: opened, planned, filtered, and written as it is made.

The command and the batch do the same with each picture: `open_planned`, then `filter_to`.
"""

from collections.abc import Callable
from functools import reduce
from typing import IO, NamedTuple

import numpy as np

from convcli.errors import OutputError, PictureError, UnfitError
from convcli.images.arrays import Samples
from convcli.images.engines.quantize import Statistics, combined
from convcli.images.filters.apply import Filtered, filter_picture, prepared
from convcli.images.filters.float_path import check_within, float_values
from convcli.images.filters.out_of_core import filter_in_bands, reads_in_bands
from convcli.images.filters.plan import (
    FilterPlan,
    Target,
    Writer,
    memory_needed,
    plan_filter,
)
from convcli.images.filters.spec import FilterSpec
from convcli.images.image import Picture
from convcli.images.io.atomic import write_file
from convcli.images.io.formats import FORMATS, Format
from convcli.images.io.jpeg_strips import StripWriter
from convcli.images.io.metadata import saved_metadata
from convcli.images.io.netpbm import RowWriter, write_pfm
from convcli.images.io.read import open_picture, read_header
from convcli.images.io.source import Limits, Prefetch, TooLargeError
from convcli.images.io.write import (
    check_frames,
    check_suffix,
    save_picture,
    write_output,
    write_picture,
)


class Opened(NamedTuple):
    """A picture and the plan for it; or why it is too large, where it can be read in bands."""

    source: str
    plan: FilterPlan
    picture: Picture | None
    refusal: TooLargeError | None = None


def open_planned(
    source: str,
    spec: FilterSpec,
    target: Target | None = None,
    limits: Limits | None = None,
    prefetch: Prefetch | None = None,
) -> Opened:
    """Read a picture, where the memory for it is allowed, and plan what is done to it.

    Raises PictureError for what cannot be read, and what `plan_filter` raises.
    """
    with prefetch or Prefetch(source, limits=limits) as opening:
        header = read_header(source, opening)
        try:
            needs = memory_needed(header, spec, target)
            picture = open_picture(source, True, opening, needs=needs)
        except TooLargeError as refusal:
            if target is None or not reads_in_bands(source, header):
                raise
            return Opened(source, plan_filter(header, spec, target), None, refusal)
    picture = picture._replace(metadata={**picture.metadata, "record": spec.record})
    return Opened(source, plan_filter(picture.header, spec, target), picture)


def filter_opened(opened: Opened, threads: int | None = None) -> Statistics:
    """Filter what was opened, as a whole or in bands, and write the result.

    Raises UnfitError, PictureError and OutputError.
    """
    if opened.picture is None:
        return filter_in_bands(opened.source, opened.plan, str(opened.refusal))
    return filter_to(opened.picture, opened.plan, threads)


def refuse_clipping(opened: Opened, threads: int | None = None) -> None:
    """Raise UnfitError where any value of the result lies outside the samples."""
    if opened.picture is None or opened.plan.writer is Writer.FLOATS:  # which are never clipped
        return
    for frame in _frames(opened.picture):
        statistics = filter_picture(frame, opened.plan.spec, threads).statistics
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
    check_suffix(target.path, plan.filtered.colors)
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


def _write_rows(
    picture: Picture, plan: FilterPlan, target: Target, threads: int | None
) -> Statistics:
    """Rows as they are computed."""
    results: list[Filtered] = []

    def write(stream: IO[bytes]) -> None:
        writer = RowWriter(stream, _shape(picture, plan), picture.pixels.dtype)
        results.append(filter_picture(picture, plan, threads, writer))

    write_file(target.path, write, target.force)
    return results[0].statistics


def _write_strips(
    picture: Picture, plan: FilterPlan, target: Target, form: Format, threads: int | None
) -> Statistics:
    """Strips of a JPEG, which are encoded by the thread that computes them."""
    writer = StripWriter(_shape(picture, plan), target.options.of(form))
    metadata = saved_metadata(picture, form)
    results: list[Filtered] = []

    def write(stream: IO[bytes]) -> None:
        results.append(filter_picture(picture, plan, threads, writer, writer.rows))
        try:
            writer.write(stream, metadata)
        except ValueError as error:
            raise OutputError(f"{form.name} cannot hold this picture: {error}") from None

    write_output(target.path, write, target.force)
    return results[0].statistics


def _shape(picture: Picture, plan: FilterPlan) -> tuple[int, int, int]:
    (stage,) = plan.stages
    return *stage.window.output(picture.pixels.shape[:2]), picture.pixels.shape[2]


def _write_frames(
    picture: Picture, plan: FilterPlan, target: Target, form: Format, threads: int | None
) -> Statistics:
    """Every frame of an animation on its own, with its timing kept."""
    check_frames(picture, form)
    # each may have a size of its own, or be opaque
    results = [filter_picture(frame, plan.spec, threads) for frame in _frames(picture)]
    first, *rest = results
    animation = first.picture._replace(frames=tuple(result.pixels for result in rest))
    write_picture(animation, target.path, target.force, target.options._replace(format=form))
    return reduce(combined, (result.statistics for result in results))


def _write_floats(
    picture: Picture, plan: FilterPlan, target: Target, form: Format, threads: int | None
) -> Statistics:
    """The responses as they are: signed, unscaled, neither rounded nor clipped."""
    if picture.frames:
        raise PictureError("an animation is not written as floats; name one frame of it")
    picture = prepared(picture, plan)
    values = float_values(picture, plan, threads)
    if plan.spec.bias:
        with np.errstate(over="ignore"):
            values = values + float(plan.spec.bias)
    check_within(values, np.float32 if form.narrow else values.dtype, plan.spec.label)
    ends = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)

    def write(stream: IO[bytes]) -> None:
        FLOAT_WRITERS[form.name](values, stream, picture)

    write_output(target.path, write, target.force)
    return Statistics(*ends, 0, values.size)


def _flat(values: Samples) -> Samples:
    return values[..., 0] if values.shape[2] == 1 else values


def _write_npy(values: Samples, stream: IO[bytes], picture: Picture) -> None:
    np.save(stream, _flat(values), allow_pickle=False)


def _write_npz(values: Samples, stream: IO[bytes], picture: Picture) -> None:
    np.savez_compressed(stream, response=_flat(values))


def _write_pfm(values: Samples, stream: IO[bytes], picture: Picture) -> None:
    write_pfm(values, stream)


def _write_tiff(values: Samples, stream: IO[bytes], picture: Picture) -> None:
    plain = picture._replace(pixels=values, has_alpha=False, mode="F")
    save_picture(plain, stream, FORMATS["TIFF"])


FLOAT_WRITERS: dict[str, Callable[[Samples, IO[bytes], Picture], None]] = {
    "NPY": _write_npy,
    "NPZ": _write_npz,
    "PFM": _write_pfm,
    "TIF32": _write_tiff,
}
"""How arrays of responses are written, by the names of FLOAT_FORMATS."""
