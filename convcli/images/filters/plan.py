"""What a filter run will do, computed once, before any sample.

    FilterPlan      stages (kernel, window, engine, alpha mode, intensity), writer, memory
    Writer          how the result is written

The command, `--explain`, JSON, the check of memory and the batch read the plan; `apply` runs it.
"""

import os
from collections.abc import Iterator
from enum import Enum
from fractions import Fraction
from operator import attrgetter
from typing import TypeAlias

from convcli.borders import Border
from convcli.errors import OutputError, UnfitError
from convcli.geometry import Pair
from convcli.images.engines.box_sums import BoxSums
from convcli.images.engines.correlate import Correlator
from convcli.images.engines.gaussian_grid import GaussianGrid
from convcli.images.engines.quantize import IntensityMap
from convcli.images.engines.row_bands import Window
from convcli.images.engines.settled import Settled
from convcli.images.filters.alpha import AlphaEngine, ConstantAlpha, PremultipliedAlpha
from convcli.images.filters.options import FIXED, STRETCHED
from convcli.images.filters.spec import FilterSpec, Range
from convcli.images.image import ITEM_BYTES, WHITE, Header
from convcli.images.io.formats import Format, Target
from convcli.images.io.jpeg_strips import BLOCKS
from convcli.images.kernels.catalogue import built
from convcli.images.kernels.kernel import Kernel
from convcli.records import NamedTuple

ZERO = Fraction(0)

WIDE = 32
"""Rows or columns of a kernel above which transparent pictures are summed in floats as a whole."""

STREAMED_SAMPLES = 1_000_000
"""Below that a JPEG is encoded in one piece, after the filter."""

BAND_CELLS = 2**22
"""Cells of a band, at most."""

Engine: TypeAlias = Correlator | AlphaEngine | BoxSums | GaussianGrid | Settled


class AlphaMode(Enum):
    """How a kernel treats transparency."""

    IGNORED = "ignored"
    """There is none, all is opaque, or alpha is a channel like the others."""
    PREMULTIPLIED = "premultiplied"
    CONSTANT = "constant"


class Writer(Enum):
    """How a result is written: in one piece, while it is computed, or as floats."""

    WHOLE = "whole"
    ROWS = "rows"
    STRIPS = "strips"
    FRAMES = "frames"
    FLOATS = "floats"


class Stage(NamedTuple):
    """One kernel of the chain: how it moves, how it is computed, what becomes of its responses."""

    kernel: Kernel
    window: Window
    alpha: AlphaMode
    engine: Engine
    intensity: IntensityMap
    gradients: tuple[Engine, ...] = ()
    """The engine of each part of a kernel that draws lines."""


class FilterPlan(NamedTuple):
    """What a filter run will do to a picture with a header, and how its result is written."""

    spec: FilterSpec
    header: Header
    filtered: Header
    """What is filtered: the picture in gray where that is wanted, without alpha that all lose."""
    target: Target | None
    format: Format | None
    """The format of the result; None where it stays an array."""
    direct: bool
    """Whether samples become samples in one step, exactly, and not through floats."""
    separates_alpha: bool
    """Whether the last sample is alpha, rather than a channel like the others."""
    transparent: bool
    """Whether alpha counts; an opaque picture is filtered without it."""
    keeps: bool
    """Whether a part of the picture stays as it is."""
    reads_luma: bool
    """Whether the luma of colors is filtered in their place."""
    stages: tuple[Stage, ...]
    """The kernels in turn, each with the cheapest engine that suits it."""
    writer: Writer
    working_bytes: int
    """About how much memory the filter takes beside the picture itself."""
    result: tuple[tuple[int, int, int, int], str]
    """Rows, columns, samples and frames of the result, and its dtype."""
    faint: float
    """Differences below that are hard to see as they are; 0 where values are none, or rescaled."""

    @property
    def curved_colors(self) -> int:
        """Colors whose samples become light where that is wanted."""
        return 1 if self.reads_luma else self.filtered.colors

    @property
    def margins(self) -> tuple[Pair, Pair]:
        """Rows above and below, and columns before and after, that all stages read together.

        A border that wraps around reads everything.
        """
        if self.spec.border.name == "wrap":
            return (self.header.height,) * 2, (self.header.width,) * 2
        (above, below), (before, after) = (
            tuple(
                map(sum, zip(*(stage.window.padding[axis] for stage in self.stages), strict=True))
            )
            for axis in (0, 1)
        )
        return (above, below), (before, after)

    @property
    def exact(self) -> bool:
        """Whether every sample is the true value rounded."""
        return self.direct and all(
            stage.kernel.exact and not isinstance(stage.engine, GaussianGrid)
            for stage in self.stages
        )

    def record(self) -> dict[str, object]:
        """The whole plan as data."""
        from convcli.images.kernels.listing import kernel_record

        header, spec = self.header, self.spec
        return {
            "schema": 1,
            "picture": {
                "height": header.height,
                "width": header.width,
                "colours": header.channels - header.has_alpha,
                "alpha": header.has_alpha,
                "dtype": header.dtype,
                "frames": header.frames,
            },
            "kernels": [
                {**kernel_record(stage.kernel), "engine": stage.engine.text}
                for stage in self.stages
            ],
            "flip": spec.flip,
            "border": spec.border.text,
            "stride": list(spec.stride),
            "channels": spec.channels,
            "range": spec.range.text,
            "gain": _gain(spec),
            "bias": str(spec.bias),
            "amount": str(spec.amount),
            "region": spec.region and spec.region._asdict(),
            "threshold": None if spec.threshold is None else str(spec.threshold),
            "linear": spec.linear,
            "exact": self.exact,
            "expected_bytes": self.working_bytes,
        }

    def text(self) -> list[str]:
        """The whole plan in lines."""
        from convcli.images.kernels.listing import kernel_text, number

        spec, lines = self.spec, []
        for stage in self.stages:
            lines += kernel_text(stage.kernel)
            lines.append(f"  engine     {stage.engine.text}")
        turned = "turned by 180° (convolution)" if spec.flip else "as drawn (correlation)"
        share = f", {number(spec.amount)} of it blended with the input" if spec.amount != 1 else ""
        picture_bytes = self.header.samples * ITEM_BYTES[self.header.dtype]
        return [
            *lines,
            f"kernels      {turned}",
            f"border       {spec.border.text}, stride {'x'.join(map(str, spec.stride))}",
            f"channels     {spec.channels}{', in linear light' if spec.linear else ''}",
            f"range        {spec.range.text}, gain {_gain(spec)}{share}",
            f"memory       about {self.working_bytes / 2**20:,.0f} MiB beside the picture, "
            f"which has {picture_bytes / 2**20:,.0f}",
        ]


def _gain(spec: FilterSpec) -> str:
    return str(spec.kernels[-1].gain()[0]) if spec.range.name == "auto" else "1"


def plan_filter(header: Header, spec: FilterSpec, target: Target | None = None) -> FilterPlan:
    """The plan of a filter on a picture with a header.

    Raises UnfitError for a border's constant that is not a sample, and for light or luma of a
    picture that has none; OutputError for a picture that the target's format does not hold.
    """
    form = target.format(header.format) if target else None
    filtered = _filtered(header, spec, form)
    keeps = spec.region is not None or spec.mask is not None
    _check(filtered, spec, keeps)
    direct = _is_direct(header, spec, form)
    separates_alpha = filtered.has_alpha and spec.channels != "each"
    transparent = separates_alpha and not header.opaque
    reads_luma = spec.channels == "luma" and filtered.channels - filtered.has_alpha == 3
    writer = _writer(filtered, direct, keeps, target, form)
    stages: list[Stage] = []
    for kernel in _smoothed(spec.kernels):
        floats = not filtered.full or spec.linear or reads_luma or bool(stages)
        alpha = None if transparent else AlphaMode.IGNORED
        stages.append(_stage(kernel, filtered, spec, form, direct, alpha, floats))
    differences = not all(map(attrgetter("sum"), spec.kernels))
    rescaled = spec.range.name not in ("auto", "clip", "abs") or spec.linear or spec.bias
    size = header.height, header.width
    for stage in stages if not spec.region else ():
        size = stage.window.output(size)
    dtype = header.dtype
    if form and form.floats:
        dtype = "float32"
    elif not filtered.full:
        dtype = "uint8" if spec.range.name in STRETCHED else "float32"
    return FilterPlan(
        spec=spec,
        header=header,
        filtered=filtered,
        target=target,
        format=form,
        direct=direct,
        separates_alpha=separates_alpha,
        transparent=transparent,
        keeps=keeps,
        reads_luma=reads_luma,
        stages=tuple(stages),
        writer=writer,
        working_bytes=_working_bytes(header, spec, direct),
        result=((*size, filtered.channels, header.frames), dtype),
        faint=filtered.full / 10 if differences and not rescaled else 0.0,
    )


def _stage(
    kernel: Kernel,
    filtered: Header,
    spec: FilterSpec,
    form: Format | None,
    direct: bool,
    alpha: AlphaMode | None,
    floats: bool,
) -> Stage:
    """How one kernel of the chain is computed, by the first engine that suits it.

    Where nothing else is said, a kernel with a nonzero sum premultiplies; a zero-sum kernel keeps
    alpha.
    """
    full = filtered.full or 1
    intensity = (
        intensity_map(kernel, spec.range, filtered.full, spec.bias)
        if direct
        else _float_intensity(kernel, spec, form)
    )
    kernel = kernel.separated()
    premultiplies = kernel.sum != 0 and kernel.linear
    if alpha is None:
        alpha = AlphaMode.PREMULTIPLIED if premultiplies else AlphaMode.CONSTANT
    window = Window(kernel.shape, kernel.center, spec.stride, spec.border)
    engine: Engine
    if alpha is not AlphaMode.IGNORED:
        separate = PremultipliedAlpha if alpha is AlphaMode.PREMULTIPLIED else ConstantAlpha
        engine = separate(kernel, full, floating=not direct)
    elif direct and GaussianGrid.suits(kernel, filtered, spec.border, spec.exact):
        engine = GaussianGrid(kernel, deep=filtered.dtype != "uint8")
    elif direct and BoxSums.suits(kernel, full, spec.stride):
        engine = BoxSums(kernel)
    else:
        exact = Correlator(kernel, full, floats, floats, BAND_CELLS)
        settled = Settled.of(exact, intensity, full, spec.stride) if direct else None
        engine = settled or exact
    stage = Stage(kernel, window, alpha, engine, intensity)
    if not kernel.lines:
        return stage
    # each gradient on its own, of the smoothed picture and its own border
    parts = (kernel._replace(parts=(part,), combine="", lines=None) for part in kernel.parts)
    gradients = tuple(_stage(one, filtered, spec, form, False, alpha, True).engine for one in parts)
    own = spec.border if spec.border.name in ("valid", "wrap") else Border("symmetric")
    return stage._replace(window=window._replace(border=own), gradients=gradients)


def _smoothed(kernels: tuple[Kernel, ...]) -> Iterator[Kernel]:
    """The kernels in turn, with the gaussian before one that draws lines."""
    for kernel in kernels:
        if kernel.lines:
            yield built("gaussian", (kernel.lines.sigma,))
        yield kernel


def memory_needed(header: Header, spec: FilterSpec, target: Target | None = None) -> int:
    """The bytes that a run takes in all: an exact integer, from what a file's header says.

    The picture, what is computed from it, and Pillow's copy of the result, 4 bytes a pixel.
    """
    pixels = header.width * header.height * header.frames
    if not pixels:
        return 0
    direct = _is_direct(header, spec, target.format(header.format) if target else None)
    stored = 2 * pixels * header.channels * ITEM_BYTES[header.dtype]
    return stored + _working_bytes(header, spec, direct) + 4 * pixels


def _working_bytes(header: Header, spec: FilterSpec, direct: bool) -> int:
    samples = header.width * header.height * header.channels
    itemsize = ITEM_BYTES[header.dtype]
    if not direct:
        itemsize = 4 if header.dtype == "uint8" else 8
        # to light and back are float64 too
        every_response = header.frames - 1 if spec.range.name == "pct" else 0
        return samples * (2 * itemsize + (6 if spec.linear else 4) * 8 + every_response * 8)
    if header.opaque:
        return samples * itemsize + 2**24
    large = max(spec.kernels[0].shape) > WIDE
    return samples * itemsize + 2**27 + (samples * 3 * 8 if large else 0)


def _is_direct(header: Header, spec: FilterSpec, form: Format | None) -> bool:
    return (
        len(spec.kernels) == 1
        and header.dtype in WHITE
        and spec.range.name in FIXED
        and spec.amount == 1
        and not spec.linear
        and spec.channels != "luma"
        and not (form and form.floats)
        and (spec.mask is None or bool(((spec.mask == 0) | (spec.mask == 1)).all()))
        and not any(kernel.threshold or kernel.lines for kernel in spec.kernels)
    )


def _filtered(header: Header, spec: FilterSpec, form: Format | None) -> Header:
    """What is filtered of a picture. Raises OutputError for alpha that the format does not hold."""
    colors = header.channels - header.has_alpha
    if spec.gray and (colors == 3 or header.inks):
        header, colors = header._replace(channels=1 + header.has_alpha, inks=False), 1
    if not header.has_alpha or form is None or form.alpha or form.floats or header.frames > 1:
        return header
    if not header.opaque:
        raise OutputError(f"{form.name} holds no transparency; write PNG, WEBP or TIFF")
    return header._replace(channels=colors, has_alpha=False)


def _check(filtered: Header, spec: FilterSpec, keeps: bool) -> None:
    """Refuse what cannot be done to samples of this kind."""
    if spec.border.name == "constant" and filtered.full:
        value = spec.border.value
        if not 0 <= value <= filtered.full or value % 1:
            raise UnfitError(
                f"the border {spec.border.text} is not a sample of this picture: write a whole "
                f"number from 0 to {filtered.full}"
            )
    if spec.threshold is not None and not 0 < spec.threshold <= (filtered.full or 0):
        raise UnfitError(
            f"--threshold is a sample from 1 to {filtered.full}; it and all above become white"
            if filtered.full
            else "--threshold reads samples of 8 or 16 bits, and this picture has 32"
        )
    if spec.region:
        spec.region.check(filtered.height, filtered.width)
    if spec.mask is not None and spec.mask.shape != (filtered.height, filtered.width):
        rows, columns = spec.mask.shape
        raise UnfitError(
            f"the mask is {rows}x{columns}, and the picture {filtered.height}x{filtered.width}"
        )
    if keeps and (spec.stride != (1, 1) or spec.border.name == "valid"):
        option = "--region" if spec.region else "--mask"
        raise UnfitError(f"{option} keeps the size of a picture, without --stride or valid")
    if spec.mask is not None and not filtered.full:
        raise UnfitError("--mask blends samples of 8 or 16 bits, and this picture has 32")
    if spec.linear and (filtered.inks or not filtered.full):
        kind = "four inks" if filtered.inks else "samples of 32 bits"
        raise UnfitError(f"--linear reads sRGB of 8 or 16 bits, and this picture has {kind}")
    if spec.channels == "luma" and filtered.inks:
        raise UnfitError("--channels luma reads RGB, and this picture has four inks; add --gray")


def intensity_map(kernel: Kernel, range_: Range, full: int, bias: Fraction = ZERO) -> IntensityMap:
    """How a kernel's responses become samples in a range that is known before the picture is.

    >>> from convcli.images.kernels.parse import kernel
    >>> intensity_map(kernel("sobel-x"), Range("auto"), 255)[:2]
    (True, Fraction(1, 4))
    """
    gain, square = kernel.gain() if range_.name in ("auto", "signed") else (Fraction(1),) * 2
    if range_.name == "signed":
        return IntensityMap(False, gain / 2, bias + Fraction(full + 1, 2), square / 4)
    absolute = range_.name == "abs"
    if range_.name == "auto" and not kernel.one_sided:
        absolute = kernel.is_gradient or kernel.sum <= 0
    return IntensityMap(absolute, gain, bias, square)


def _float_intensity(kernel: Kernel, spec: FilterSpec, form: Format | None) -> IntensityMap:
    """The gain of responses on the way through floats, which keep their sign."""
    auto = spec.range.name == "auto" and not (form and form.floats)
    return intensity_map(kernel, Range("auto" if auto else "clip"), 0)._replace(absolute=False)


def _writer(
    filtered: Header, direct: bool, keeps: bool, target: Target | None, form: Format | None
) -> Writer:
    """How a result is written; one that `keeps` samples of its input is made as a whole."""
    if form is None or target is None:
        return Writer.WHOLE
    if form.floats:
        return Writer.FLOATS
    if filtered.frames > 1:
        return Writer.FRAMES
    if not direct or filtered.channels not in (1, 3) or keeps:
        return Writer.WHOLE
    path = target.path
    if form.writes == "rows" and path != "-" and (not os.path.exists(path) or os.path.isfile(path)):
        return Writer.ROWS
    if (
        form.writes == "strips"
        and filtered.dtype == "uint8"
        and filtered.samples >= STREAMED_SAMPLES
        and (target.options.subsampling or "4:2:0") in BLOCKS
        and max(filtered.width, filtered.height) <= (form.max_side or 0)
    ):
        return Writer.STRIPS
    return Writer.WHOLE
