"""One real pixel: its window, the kernel, the products, before and after."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import floor, sqrt
from typing import TYPE_CHECKING

from convcli import geometry
from convcli.errors import UnfitError
from convcli.explanation.lesson import SCHEMA
from convcli.explanation.render import (
    Line,
    beside,
    channel_name,
    equals,
    grid_lines,
    products,
    text,
)
from convcli.explanation.steps import Spot, Step, convolution
from convcli.explanation.values import factor, json_stack, json_value, table_value, value_text
from convcli.geometry import clip
from convcli.numerals import Number, Stack, Symbol, simplest
from convcli.records import NamedTuple
from convcli.tables import Table
from convcli.text import counted

if TYPE_CHECKING:
    from convcli.images.image import Picture
    from convcli.images.kernels.kernel import Kernel

MAX_KERNEL = 31
"""Rows or columns of a kernel whose products are written out."""


class PixelLesson(NamedTuple):
    """A pixel of a picture under a kernel, which filters every channel by itself."""

    kernel: str
    title: str
    """The kernel's name, and of a matrix the size."""
    at: Spot
    size: Spot
    window: Stack
    """The samples under the kernel, one grid per channel; beyond the border the nearest pixel's."""
    outside: int
    """Cells of the window that are beyond the border."""
    parts: Stack
    """The kernel's matrices; more than one are combined."""
    combine: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    full: int
    absolute: bool
    """Whether the sign of a response is dropped."""
    gain: Fraction
    """The factor of responses."""

    def steps(self, channel: int) -> list[Step]:
        """The one step of every part of the kernel over a channel's window."""
        window = (self.window[channel],)
        return [convolution(window, (part,)).step((0, 0)) for part in self.parts]

    def sums(self, channel: int) -> list[Number]:
        """The response of every part of the kernel over a channel's window."""
        outputs = (step.outputs[0] for step in self.steps(channel))
        return [value for value in outputs if not isinstance(value, Symbol)]

    def response(self, channel: int) -> Number:
        """The response of the kernel before it is mapped to the picture's range."""
        sums = self.sums(channel)
        return COMBINED[self.combine](sums)[1] if len(sums) > 1 else sums[0]

    def fitted(self, channel: int) -> str:
        """A sentence on how the response became a sample."""
        response = Fraction(self.response(channel))
        value = (abs(response) if self.absolute else response) * self.gain
        rounded = floor(value + Fraction(1, 2))
        how = [
            words
            for words, done in (
                ("without its sign", self.absolute and response < 0),
                (f"times {value_text(self.gain)}", self.gain != 1),
                ("rounded", rounded != value),
                (f"clipped to 0 to {self.full}", not 0 <= rounded <= self.full),
            )
            if done
        ]
        if self.after[channel] != min(max(rounded, 0), self.full):
            return "the nearest sample"  # of a float's response, half a step away
        return ", ".join(how) or "as it is"

    @property
    def value(self) -> str:
        return " ".join(map(str, self.after))

    @property
    def caption(self) -> str:
        return ""

    def table(self) -> Table:
        rows: list[tuple[object, ...]] = []
        for channel in range(len(self.window)):
            sums = "; ".join(
                text(equals(products(step.channels[0]), step.outputs[0]))
                for step in self.steps(channel)
            )
            response = self.response(channel)
            name = self._name(channel) or "grey"
            rows.append(
                (name, self.before[channel], sums, table_value(response), self.after[channel])
            )
        return ("channel", "before", "sum", "response", "after"), rows, ()

    def record(self) -> dict[str, object]:
        return {
            "schema": SCHEMA,
            "operation": "filter",
            "kernel": {"name": self.kernel, "parts": json_stack(self.parts)},
            "combine": self.combine,
            "at": {"row": self.at[0], "column": self.at[1]},
            "before": list(self.before),
            "after": list(self.after),
            "channels": [
                {
                    "window": [list(map(json_value, row)) for row in self.window[channel]],
                    "sums": list(map(json_value, self.sums(channel))),
                    "response": json_value(self.response(channel)),
                }
                for channel in range(len(self.window))
            ],
        }

    def _name(self, channel: int) -> str:
        return channel_name(channel, len(self.window))

    def lines(self) -> Iterator[Line]:
        row, column = self.at
        rows, columns = self.size
        head = f"{self.title} at row {row}, column {column} (x={column}, y={row})"
        yield [(f"{head} of a picture of {rows}x{columns}", "head")]
        if self.outside:
            yield [
                (
                    f"{counted(self.outside, 'cell')} beyond the border repeat the nearest pixel",
                    "note",
                )
            ]
        yield []
        blocks: list[tuple[str, list[Line]]] = [
            (self._name(channel) or "window", grid_lines(grid, "x"))
            for channel, grid in enumerate(self.window)
        ]
        blocks += [
            (f"part {number}" if len(self.parts) > 1 else "kernel", grid_lines(part, "w"))
            for number, part in enumerate(self.parts, 1)
        ]
        yield from beside(blocks)
        for channel in range(len(self.window)):
            yield []
            name = self._name(channel)
            label = f"{name}: " if name else ""
            for step in self.steps(channel):
                yield equals([(label, "head"), *products(step.channels[0])], step.outputs[0])
            response, sums = self.response(channel), self.sums(channel)
            if len(sums) > 1:
                yield equals([(label, "head"), (COMBINED[self.combine](sums)[0], "")], response)
            how = self.fitted(channel)
            yield [
                (label, "head"),
                (f"before {self.before[channel]}, response {value_text(response)}, ", ""),
                (f"after {self.after[channel]}", "sum"),
                (f" ({how})", "note"),
            ]
        yield []
        yield [
            ("before ", "head"),
            *_swatch(self.before, self.full),
            ("   after ", "head"),
            *_swatch(self.after, self.full),
        ]


def _swatch(samples: tuple[int, ...], full: int) -> Line:
    """The samples, and on a terminal their color."""
    color = [sample * 255 // full for sample in (samples * 3 if len(samples) < 3 else samples)]
    return [
        ("      ", "on #" + "".join(f"{sample:02x}" for sample in color[:3])),
        (f" ({', '.join(map(str, samples))})", ""),
    ]


def pixel_lesson(picture: "Picture", kernel: "Kernel", at: Spot) -> PixelLesson:
    """What a kernel does to one pixel of a picture, at a row and a column from 0.

    Raises UnfitError for a place that is not in the picture, for windows with transparent pixels,
    and for kernels whose products nobody could read.
    """
    from convcli.borders import Border
    from convcli.images.engines.row_bands import Bands, Window
    from convcli.images.filters.apply import filter_picture
    from convcli.images.filters.plan import intensity_map
    from convcli.images.filters.spec import Range

    pixels, full = picture.pixels, picture.full
    height, width = pixels.shape[:2]
    row, column = at
    if row >= height or column >= width:
        raise UnfitError(
            f"--at {row},{column}: the picture has rows 0 to {height - 1} and columns 0 to "
            f"{width - 1} (row first)"
        )
    rows, columns = kernel.shape
    if max(rows, columns) > MAX_KERNEL:
        raise UnfitError(
            f"a kernel of {rows}x{columns} has {rows * columns:,} products; at most "
            f"{MAX_KERNEL}x{MAX_KERNEL} is written out"
        )
    bands = Bands(pixels, Window(kernel.shape, kernel.center, (1, 1), Border("edge")))
    window = bands.read(row, row + 1, pixels.dtype)[:, column : column + columns]
    if picture.has_alpha:
        if int(window[..., -1].min()) != full:
            raise UnfitError(
                "the window holds transparent pixels, whose color counts only as far as they are "
                "opaque; choose another pixel"
            )
        window = window[..., :-1]
    # what lies within the kernel's size decides alone; the crop ends where the picture does
    near_rows = clip(range(row - rows, row + rows + 1), height)
    near_columns = clip(range(column - columns, column + columns + 1), width)
    near = pixels[near_rows.start : near_rows.stop, near_columns.start : near_columns.stop]
    result = filter_picture(picture._replace(pixels=near.copy()), kernel).pixels
    filtered = result[near_rows.index(row), near_columns.index(column)]
    samples, intensity = window.shape[2], intensity_map(kernel, Range(), full)
    top, left = kernel.center
    row_cells = clip(geometry.Window(rows).cells(row, top), height)
    column_cells = clip(geometry.Window(columns).cells(column, left), width)
    beyond = rows * columns - len(row_cells) * len(column_cells)
    return PixelLesson(
        kernel.name,
        kernel.title,
        at,
        (height, width),
        tuple(tuple(map(tuple, window[..., c].tolist())) for c in range(samples)),
        beyond,
        kernel_stack(kernel),
        kernel.combine,
        tuple(map(int, pixels[row, column][:samples])),
        tuple(map(int, filtered[:samples])),
        full,
        intensity.absolute,
        intensity.gain,
    )


def kernel_stack(kernel: "Kernel") -> Stack:
    """The matrices of a kernel, times their scales, exactly; parts that are added up are one."""
    return tuple(
        tuple(
            tuple(
                tap * float(scale) if isinstance(tap, float) else simplest(tap * scale)
                for tap in row
            )
            for row in matrix.tolist()
        )
        for matrix, scale in kernel.matrices()
    )


def _magnitude(sums: Sequence[Number]) -> tuple[str, Number]:
    squares = " + ".join(f"{factor(value)}²" for value in sums)
    return f"√({squares})", sqrt(sum(float(value) ** 2 for value in sums))


def _maximum(sums: Sequence[Number]) -> tuple[str, Number]:
    return f"max({', '.join(map(value_text, sums))})", max(sums)


COMBINED: dict[str, Callable[[Sequence[Number]], tuple[str, Number]]] = {
    "magnitude": _magnitude,
    "maximum": _maximum,
}
"""How the responses of several parts become one."""
