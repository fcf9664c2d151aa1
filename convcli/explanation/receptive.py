"""The receptive field of one unit as a lesson: which cells of the input, which pixels."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from convcli.explanation.lesson import SCHEMA
from convcli.explanation.render import Line
from convcli.geometry import adaptive_cells
from convcli.nets.analysis.receptive_field import Extent, UnitField
from convcli.nets.analysis.summary import named_axes, named_sizes
from convcli.nets.layers import size_text
from convcli.records import NamedTuple
from convcli.tables import Table
from convcli.text import safe

if TYPE_CHECKING:
    from fractions import Fraction


class ReceptiveLesson(NamedTuple):
    """A receptive field, and the sides of the picture that it is drawn on, if there is one."""

    field: UnitField
    jump: "tuple[int | Fraction, ...]"
    """Cells of the input between the fields of two neighboring units."""
    picture: tuple[int, int] | None = None
    """Rows and columns."""

    @property
    def pixels(self) -> tuple[Extent, ...]:
        """The pixels of the picture, stretched over the network's input, that the unit sees."""
        if self.picture is None:
            return self.field.cells
        return tuple(
            (adaptive_cells(first, length, n)[0], adaptive_cells(last, length, n)[-1])
            for (first, last), length, n in zip(
                self.field.cells, self.picture, self.field.input[1:], strict=True
            )
        )

    @property
    def value(self) -> str:
        """Rows and columns of the input, first and last: `0..23 8..31`."""
        return " ".join(f"{first}..{last}" for first, last in self.field.cells)

    @property
    def caption(self) -> str:
        return ""

    def table(self) -> Table:
        names = self._axes()
        jumps = self.jump or ("",) * len(names)  # a vector has no next unit
        rows = [
            (name, size, f"{first}..{last}", f"{low}..{high}", f"{begin}..{end}", str(jump))
            for name, size, (first, last), (low, high), (begin, end), jump in zip(
                names,
                self.field.sizes,
                self.field.padded_cells,
                self.field.cells,
                self.pixels,
                jumps,
                strict=True,
            )
        ]
        return ("axis", "size", "with padding", "input", "pixels", "jump"), rows, ()

    def _axes(self) -> tuple[str, ...]:
        count = len(self.field.cells)
        return ("positions",) if count == 1 else ("slices", "rows", "columns")[3 - count :]

    def record(self) -> dict[str, Any]:
        field = self.field
        record = {
            "schema": SCHEMA,
            "node": field.node,
            "unit": list(field.unit),
            "maps": named_sizes(field.maps),
            "input": named_sizes(field.input),
            "receptive_field": named_axes(field.sizes),
            "jump": named_axes([float(jump) for jump in self.jump]) if self.jump else {},
            "with_padding": named_axes([list(extent) for extent in field.padded_cells]),
            "seen": named_axes([list(extent) for extent in field.cells]),
        }
        if self.picture is not None:
            record["pixels"] = named_axes([list(extent) for extent in self.pixels])
        return record

    def lines(self) -> Iterator[Line]:
        field = self.field
        unit = ",".join(map(str, field.unit))
        place = f" {unit}" if unit else ""
        yield [
            (f"unit{place} of {safe(field.node)}", "head"),
            (
                f", whose maps are {size_text(field.maps)}, on {size_text(field.input)} cells",
                "",
            ),
        ]
        size = "x".join(map(str, field.sizes)) or "all"
        step = "x".join(map(str, self.jump))
        yield [("sees ", ""), (size, "sum"), (" cells of the input", "")]
        if self.jump:
            yield [(f"the next unit sees {step} cells further", "note")]
        for name, padded, cells, pixels in zip(
            self._axes(), field.padded_cells, field.cells, self.pixels, strict=True
        ):
            text = f"{name} {cells[0]} to {cells[1]}"
            lost = padded[1] - padded[0] - (cells[1] - cells[0])
            line: Line = [("  ", ""), (text, "x")]
            if lost:
                line.append((f" ({padded[0]} to {padded[1]} with {lost} of padding)", "padding"))
            if self.picture is not None and pixels != cells:
                line.append((f": pixels {pixels[0]} to {pixels[1]} of the picture", ""))
            yield line
