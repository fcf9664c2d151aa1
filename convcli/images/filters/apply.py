"""Kernels × picture, band by band, as a plan says.

One kernel with a range known beforehand goes from samples to samples, exactly: every sample is the
true value rounded half up, then clipped, identical for every number of threads and height of band.
Everything else (chains, `--amount`, linear light, luma, ranges that look first) goes through
floats, without rounding in between: `float_path.py`.
"""

from collections.abc import Callable
from threading import Lock
from typing import NamedTuple, TypeAlias

import numpy as np

from convcli.images.arrays import Samples
from convcli.images.engines.quantize import NOTHING, Statistics, combined
from convcli.images.engines.row_bands import Bands, share_rows, thread_count
from convcli.images.filters.color import in_gray
from convcli.images.filters.float_path import finished, float_values
from convcli.images.filters.plan import FilterPlan, plan_filter
from convcli.images.filters.spec import FilterSpec
from convcli.images.image import Picture
from convcli.images.kernels.kernel import Kernel

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
    if plan.direct:
        return _direct(picture, plan, threads, sink, chunk)
    result = Filtered(*finished(float_values(picture, plan, threads), picture, plan))
    if sink:
        sink(0, result.pixels)
        return result._replace(picture=picture._replace(pixels=result.pixels[:0]))
    return result


def prepared(picture: Picture, plan: FilterPlan) -> Picture:
    """What is filtered of a picture: in gray where that is wanted, without alpha that is lost."""
    picture = in_gray(picture) if plan.spec.gray else picture
    return picture if plan.filtered.has_alpha else picture.without_alpha


def _direct(
    picture: Picture, plan: FilterPlan, threads: int | None, sink: Sink | None, chunk: int
) -> Filtered:
    """From samples to samples, on all threads."""
    (stage,) = plan.stages
    count = thread_count(picture.pixels.size, threads)
    adds_alpha = plan.separates_alpha and not plan.transparent
    bands = Bands((picture.without_alpha if adds_alpha else picture).pixels, stage.window)
    work = stage.engine.work(bands, stage.intensity, picture.full, count)
    shape = *bands.size, picture.pixels.shape[2]
    depth: np.dtype[np.unsignedinteger] = np.dtype("u1" if picture.full == 255 else "u2")
    pixels = np.empty((0 if sink else shape[0], *shape[1:]), depth)
    # a chunk is whole bands
    rows = next(n for n in range(min(work.rows, chunk or work.rows), 0, -1) if chunk % n == 0)
    step = share = chunk or rows
    if work.in_order:  # what one band leaves behind, the next goes on from: a thread takes many
        step = chunk or work.rows
        share = max(step, -(-shape[0] // (count * step)) * step)
    statistics, lock = [NOTHING], Lock()

    def worker() -> Callable[[int, int], None]:
        run = work.make()
        buffer = np.empty((step if sink else 0, *shape[1:]), depth)

        def bands_of(top: int, bottom: int) -> None:
            for begin in range(top, bottom, step):
                end = min(begin + step, bottom)
                out = buffer[: end - begin] if sink else pixels[begin:end]
                for first in range(begin, end, rows):
                    last = min(first + rows, end)
                    samples = out[first - begin : last - begin]
                    part = run(first, last, samples[..., :-1] if adds_alpha else samples)
                    with lock:
                        statistics[0] = combined(statistics[0], part)
                if adds_alpha:
                    out[..., -1] = picture.full
                if sink:
                    sink(begin, out)

        return bands_of

    # smaller kernels are sums of shifted copies
    products = sum(stage.kernel.shape) > 9
    share_rows(shape[0], share, count, worker, products)
    total = statistics[0]
    if plan.spec.range.name == "signed" and total.minimum <= total.maximum:
        gain, offset = float(stage.intensity.gain), float(stage.intensity.offset)
        ends = sorted((end - offset) / gain for end in (total.minimum, total.maximum))
        total = total._replace(minimum=ends[0], maximum=ends[1])
    return Filtered(picture._replace(pixels=pixels), total)
