"""What a filter run will do, worked out once from what is known before any sample is.

    FilterPlan      stages (kernel, window, engine), range, writer, memory
    AlphaMode       how transparency is treated: by the kernel, where the picture has any

The command, `--explain`, JSON, the check of memory and the batch read the plan; `apply` runs it.
"""

import os
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import NamedTuple, TypeAlias

from convcli.errors import UnfitError
from convcli.images.engines import box_sums, gaussian_grid
from convcli.images.engines.box_sums import BoxSums
from convcli.images.engines.correlate import Correlator
from convcli.images.engines.gaussian_grid import GaussianGrid
from convcli.images.engines.quantize import IntensityMap, Statistics
from convcli.images.engines.row_bands import Window
from convcli.images.filters.alpha import AlphaEngine, ConstantAlpha, PremultipliedAlpha
from convcli.images.filters.ranges import FIXED, Range, auto_gain, intensity_map
from convcli.images.filters.spec import FilterSpec
from convcli.images.image import ITEM_BYTES, Header, Picture
from convcli.images.io.formats import (
    FLOAT_SUFFIXES,
    FORMATS,
    Format,
    SaveOptions,
    format_of,
    suffix_of,
)
from convcli.images.io.jpeg_strips import BLOCKS
from convcli.images.kernels.kernel import Kernel
from convcli.images.kernels.listing import kernel_record, kernel_text, number

WIDE = 32
"""Rows or columns of a kernel above which transparent pictures are summed in floats as a whole."""

STREAMED_SAMPLES = 1_000_000
"""Below that a JPEG is encoded in one piece, after the filter."""

BAND_CELLS = 2**22
"""Cells of a band, at most."""

Engine: TypeAlias = Correlator | AlphaEngine | BoxSums | GaussianGrid


class AlphaMode(Enum):
    """How transparency is treated."""

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


class Target(NamedTuple):
    """Where a result goes: a path or "-", whether it may be replaced, and how it is saved."""

    path: str
    force: bool = False
    options: SaveOptions = SaveOptions()

    def format(self, own: str = "") -> Format | None:
        """The format: the one given, that of the name, or on stdout the picture's `own`.

        None where that is not known yet. Raises OutputError for a name that ends as none does.
        """
        if self.options.format:
            return self.options.format
        if self.path == "-":
            return FORMATS.get(own)
        return FLOAT_SUFFIXES.get(suffix_of(self.path)) or format_of(self.path)


class Stage(NamedTuple):
    """One kernel of the chain: how it moves, and how it is computed."""

    kernel: Kernel
    window: Window
    alpha: AlphaMode
    engine: Engine


@dataclass(frozen=True)
class FilterPlan:
    """What a filter run will do to pictures with a header, and how its result is written."""

    spec: FilterSpec
    header: Header
    target: Target | None = None

    @cached_property
    def format(self) -> Format | None:
        """The format of the result; None where it stays an array."""
        return self.target.format(self.header.format) if self.target else None

    @property
    def keeps_floats(self) -> bool:
        """Whether responses are written as they are, neither scaled nor rounded."""
        return self.format is not None and self.format.floats

    @cached_property
    def filtered(self) -> Header:
        """What is filtered: the picture, in gray where that is wanted."""
        header = self.header
        if not self.spec.gray or (header.colors != 3 and not header.inks):
            return header
        return header._replace(channels=1 + header.has_alpha, inks=False)

    @cached_property
    def direct(self) -> bool:
        """Whether samples become samples in one step, exactly, and not through floats."""
        spec = self.spec
        return (
            len(spec.kernels) == 1
            and self.header.dtype in ("uint8", "uint16")
            and spec.range.name in FIXED
            and spec.amount == 1
            and not spec.linear
            and spec.channels != "luma"
            and not self.keeps_floats
        )

    @property
    def separates_alpha(self) -> bool:
        """Whether the last sample is alpha, and no channel like the others."""
        return self.header.has_alpha and self.spec.channels != "each"

    @property
    def transparent(self) -> bool:
        """Whether alpha is looked at; where all is opaque, colors are filtered without it."""
        return self.separates_alpha and not self.header.opaque

    @property
    def reads_luma(self) -> bool:
        """Whether the luma of colors is filtered in their place."""
        return self.spec.channels == "luma" and self.filtered.colors == 3

    def alpha_mode(self, kernel: Kernel) -> AlphaMode:
        """How a kernel treats transparency: premultiplied where it mixes, constant where not."""
        if not self.transparent:
            return AlphaMode.IGNORED
        mixes = kernel.linear and kernel.sum != 0
        return AlphaMode.PREMULTIPLIED if mixes else AlphaMode.CONSTANT

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The kernels in turn, each with the cheapest engine that suits it."""
        return tuple(
            Stage(one, self.spec.window(one), self.alpha_mode(one), self._engine(one, first=not n))
            for n, one in enumerate(self.spec.kernels)
        )

    def _engine(self, kernel: Kernel, first: bool) -> Engine:
        spec, header, alpha = self.spec, self.filtered, self.alpha_mode(kernel)
        full = header.full or 1
        if alpha is AlphaMode.PREMULTIPLIED:
            return PremultipliedAlpha(kernel, full, floating=not self.direct)
        if alpha is AlphaMode.CONSTANT:
            return ConstantAlpha(kernel, full, floating=not self.direct)
        if self.direct and gaussian_grid.suits(kernel, header, spec.border, spec.exact):
            return GaussianGrid(kernel, deep=header.dtype != "uint8")
        if self.direct and box_sums.suits(kernel, full, spec.stride):
            return BoxSums(kernel)
        floats = not header.full or spec.linear or self.reads_luma or not first
        return Correlator(kernel, full, floats, floats, BAND_CELLS)

    @property
    def exact(self) -> bool:
        """Whether every sample is the true value rounded."""
        return (
            self.direct
            and all(stage.kernel.exact for stage in self.stages)
            and not any(isinstance(stage.engine, GaussianGrid) for stage in self.stages)
        )

    @cached_property
    def intensity(self) -> IntensityMap:
        """How the responses of one direct step become samples."""
        (kernel,) = self.spec.kernels
        return intensity_map(kernel, self.spec.range, self.header.full, self.spec.bias)

    def float_intensity(self, kernel: Kernel) -> IntensityMap:
        """The gain of a kernel's responses on the way through floats, which keep their sign."""
        auto = self.spec.range.name == "auto" and not self.keeps_floats
        return intensity_map(kernel, Range("auto" if auto else "clip"), 0)._replace(absolute=False)

    @property
    def writer(self) -> Writer:
        """How the result is written to the target."""
        form, header = self.format, self.filtered
        if self.keeps_floats:
            return Writer.FLOATS
        if header.frames > 1:
            return Writer.FRAMES
        channels = header.channels if form is None or form.alpha else header.colors
        if form is None or self.target is None or not self.direct or channels not in (1, 3):
            return Writer.WHOLE
        path = self.target.path
        if (
            form.writes == "rows"
            and path != "-"
            and (not os.path.exists(path) or os.path.isfile(path))
        ):
            return Writer.ROWS
        if (
            form.writes == "strips"
            and header.dtype == "uint8"
            and header.width * header.height * channels >= STREAMED_SAMPLES
            and self.target.options.of(form).get("subsampling", "4:2:0") in BLOCKS
            and max(header.width, header.height) <= (form.max_side or 0)
        ):
            return Writer.STRIPS
        return Writer.WHOLE

    @property
    def working_bytes(self) -> int:
        """About how much memory a filter takes beside the picture itself."""
        header, spec = self.header, self.spec
        samples, itemsize = header.samples, ITEM_BYTES[header.dtype]
        if not self.direct:
            itemsize = 4 if header.dtype == "uint8" else 8
            # to light and back are float64 too
            return samples * (2 * itemsize + (6 if spec.linear else 4) * 8)
        if header.opaque:
            return samples * itemsize + 2**24
        large = max(spec.kernels[0].shape) > WIDE
        return samples * itemsize + 2**27 + (samples * 3 * 8 if large else 0)

    @property
    def memory(self) -> int:
        """The bytes that a run takes in all.

        The picture, what is computed from it, and Pillow's copy of the result, 4 bytes a pixel.
        """
        header = self.header
        if not header.pixels:
            return 0
        return 2 * header.array_bytes + self.working_bytes + 4 * header.pixels

    def fitting(self, picture: Picture) -> "FilterPlan":
        """The same plan for a picture whose array is another than its file's header tells.

        So it is where EXIF turns it, where no pixel is transparent, and where frames differ.
        """
        own, header = self.header, picture.header
        header = header._replace(frames=own.frames, format=own.format, mode=own.mode)
        return self if header == own else FilterPlan(self.spec, header, self.target)

    def record(self) -> dict[str, object]:
        """The whole plan as data."""
        header, spec = self.header, self.spec
        return {
            "schema": 1,
            "picture": {
                "height": header.height,
                "width": header.width,
                "colours": header.colors,
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
            "gain": str(self._gain),
            "bias": str(spec.bias),
            "amount": str(spec.amount),
            "linear": spec.linear,
            "exact": self.exact,
            "expected_bytes": self.working_bytes,
        }

    def text(self) -> list[str]:
        """The whole plan in lines."""
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
            f"range        {spec.range.text}, gain {self._gain}{share}",
            f"memory       about {self.working_bytes / 2**20:,.0f} MiB beside the picture, "
            f"which has {picture_bytes / 2**20:,.0f}",
        ]

    @property
    def _gain(self) -> object:
        return auto_gain(self.spec.kernels[-1])[0] if self.spec.range.name == "auto" else 1


def plan_filter(header: Header, spec: FilterSpec, target: Target | None = None) -> FilterPlan:
    """The plan of a filter on pictures with a header.

    Raises UnfitError for a border's constant that is no sample, and for light or luma of a picture
    that has none.
    """
    plan = FilterPlan(spec, header, target)
    if spec.border.name == "constant" and header.full:
        value = spec.border.value
        if not 0 <= value <= header.full or value % 1:
            raise UnfitError(
                f"the border constant:{value:g} is no sample of this picture: "
                f"a whole number from 0 to {header.full}"
            )
    inks = plan.filtered.inks
    if spec.linear and (inks or not header.full):
        kind = "four inks" if inks else "samples of 32 bits"
        raise UnfitError(f"--linear reads sRGB of 8 or 16 bits, and this picture has {kind}")
    if spec.channels == "luma" and inks:
        raise UnfitError("--channels luma reads RGB, and this picture has four inks; give --gray")
    return plan


def statistics_record(statistics: Statistics) -> dict[str, object]:
    """Statistics as data; no values where nothing is visible."""
    some = statistics.minimum <= statistics.maximum
    return {
        "minimum": statistics.minimum if some else None,
        "maximum": statistics.maximum if some else None,
        "clipped": statistics.clipped,
        "samples": statistics.samples,
    }
