"""Gradients, step by step: where the gradient of each output goes.

    dL/dx    every tap sends gradient · weight to the cell it read      a full convolution
    dL/dw    every tap gets gradient · the cell it read                 a correlation
    dL/db    the sum of the gradients            Goodfellow, Bengio & Courville 2016, §9.5

A max pool sends its gradient to its maximum (the first of equals); an average pool divides it.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from convcli.explanation.lesson import SCHEMA, Lesson, left_out_text
from convcli.explanation.render import (
    MAX_DRAWN,
    Line,
    beside,
    canvas,
    channel_name,
    equals,
    frame,
    grid_lines,
    joined,
    text,
)
from convcli.explanation.steps import Spot, Step, Walk
from convcli.explanation.values import (
    factor,
    json_stack,
    json_value,
    stack_text,
    table_value,
    times,
    total,
    value_text,
)
from convcli.numerals import Grid, Stack, Symbol, Value
from convcli.records import NamedTuple

Place = tuple[int, int, int]
"""Channel, row, column."""


class Share(NamedTuple):
    """What one output sends to one cell of the input or of the kernel: a product."""

    target: Place
    gradient: Value
    times: Value

    @property
    def product(self) -> Value:
        return times(self.gradient, self.times)


class Flow(NamedTuple):
    """Where the gradient of one output cell goes."""

    cell: Spot
    to_input: tuple[Share, ...]
    to_kernel: tuple[Share, ...]
    gradients: tuple[Value, ...]
    """One; for a pool, one per channel."""


class Backward(NamedTuple):
    """The gradients of a walk, given dL/dz."""

    walk: Walk
    gradient: Stack
    """dL/dz in the shape of the output."""
    chosen: Spot | None = None
    notes: tuple[str, ...] = ()
    every: bool = False
    """Whether the text has every output, however many there are."""

    @property
    def flows(self) -> Iterator[Flow]:
        """Of every output cell, or of the chosen one."""
        if self.chosen:
            return iter([self.flow(self.chosen)])
        self.walk.check()
        return map(self.flow, self.walk.cells)

    def flow(self, cell: Spot) -> Flow:
        """Where the gradient of one output cell goes."""
        step = self.walk.step(cell)
        gradients = tuple(grid[cell[0]][cell[1]] for grid in self.gradient)
        if self.walk.pool:
            shares = tuple(POOL_SHARES[self.walk.pool](step, gradients))
            return Flow(cell, shares, (), gradients)
        (gradient,) = gradients
        to_input, to_kernel = [], []
        flip = self.walk.turned
        for channel, terms in enumerate(step.channels):
            rows, columns = len(self.walk.given[channel]), len(self.walk.given[channel][0])
            for term in terms:
                i, j = term.tap
                tap = (rows - 1 - i, columns - 1 - j) if flip else (i, j)
                if term.cell is not None:
                    to_input.append(Share((channel, *term.cell), gradient, term.w))
                if term.cell is not None or term.x != 0:
                    to_kernel.append(Share((channel, *tap), gradient, term.x))
        return Flow(cell, tuple(to_input), tuple(to_kernel), gradients)

    def collected(self) -> tuple[dict[Place, list[Share]], dict[Place, list[Share]], list[Value]]:
        """Shares, grouped by the cell of the input and of the kernel, and the gradients."""
        x: dict[Place, list[Share]] = {}
        w: dict[Place, list[Share]] = {}
        b: list[Value] = []
        for flow in self.flows:
            for share in flow.to_input:
                x.setdefault(share.target, []).append(share)
            for share in flow.to_kernel:
                w.setdefault(share.target, []).append(share)
            b += flow.gradients
        return x, w, b

    @property
    def value(self) -> str:
        """dL/dx as rows of numbers, of the chosen output alone if there is one."""
        return stack_text(_summed(self.collected()[0], self.walk.input, "dL/dx"))

    @property
    def caption(self) -> str:
        return "; ".join(self.notes)

    def table(self) -> tuple[tuple[str, ...], list[tuple[object, ...]], tuple[object, ...]]:
        """One row per cell of the input and of the kernel, and one for the bias."""
        rows: list[tuple[object, ...]] = []
        for line, value in self._sums():
            rows.append((line[0][0], text(line[1:]).removeprefix(" = "), table_value(value)))
        return ("gradient", "sum", "value"), rows, ()

    def record(self) -> dict[str, Any]:
        x, w, b = self.collected()
        record: dict[str, Any] = {
            "schema": SCHEMA,
            "operation": f"{self.walk.operation}, backward",
            "gradient": json_stack(self.gradient),
            "input": json_stack(_summed(x, self.walk.input, "dL/dx")),
        }
        if self.walk.given:
            record["kernel"] = json_stack(_summed(w, self.walk.given, "dL/dw"))
            record["bias"] = json_value(_summed_up(b))
        record["notes"] = list(self.notes)
        record["flows"] = [
            {
                "cell": list(flow.cell),
                "to_input": list(map(_share_record, flow.to_input)),
                "to_kernel": list(map(_share_record, flow.to_kernel)),
                "gradient": list(map(json_value, flow.gradients)),
            }
            for flow in self.flows
        ]
        return record

    def lines(self) -> Iterator[Line]:
        walk = self.walk
        lesson = Lesson(walk, self.chosen, self.notes, self.every)
        yield from lesson.head()
        yield []
        yield [
            (
                "backward: every output passes its gradient dL/dz to the cells it was computed "
                "from",
                "head",
            )
        ]
        count = len(self.gradient)
        if not (self.chosen or lesson.left_out) or max(walk.size) <= MAX_DRAWN:
            yield from beside(
                [
                    (f"dL/dz {channel_name(c, count)}".rstrip(), grid_lines(grid, "sum"))
                    for c, grid in enumerate(self.gradient)
                ]
            )
        if lesson.left_out:
            rows, columns = walk.size
            yield []
            yield from self._flow_lines(self.flow((0, 0)))
            yield []
            yield [(left_out_text(lesson.left_out), "note")]
            yield []
            yield from self._flow_lines(self.flow((rows - 1, columns - 1)))
            return
        for flow in self.flows:
            yield []
            yield from self._flow_lines(flow)
        if self.chosen:
            return
        yield []
        yield [("summed over all outputs", "head")]
        for line, _ in self._sums():
            yield line
        yield []
        x, w, b = self.collected()
        names = [
            (f"dL/dx {channel_name(c, len(walk.input))}".rstrip(), grid_lines(grid, "sum"))
            for c, grid in enumerate(_summed(x, walk.input, "dL/dx"))
        ]
        if walk.given:
            names += [
                (f"dL/dw {channel_name(c, len(walk.input))}".rstrip(), grid_lines(grid, "sum"))
                for c, grid in enumerate(_summed(w, walk.given, "dL/dw"))
            ]
            names.append(("dL/db", [[(value_text(_summed_up(b)), "sum")]]))
        yield from beside(names)

    def _flow_lines(self, flow: Flow) -> Iterator[Line]:
        walk = self.walk
        step = walk.step(flow.cell)
        view = frame(walk, flow.cell)
        index = ",".join(map(str, flow.cell))
        gradients = ", ".join(map(value_text, flow.gradients))
        yield [(f"dL/dz[{index}] = {gradients}", "head"), (" goes to", "")]
        count = len(walk.input)
        yield from beside(
            [
                (channel_name(channel, count), canvas(walk, channel, step, view))
                for channel in range(count)
            ]
        )
        for name, shares in (("x", flow.to_input), ("w", flow.to_kernel)):
            if shares:
                parts = [
                    [(f"{name}[{_spot(s.target, count)}] ", name), *_product(s)] for s in shares
                ]
                yield [(f"dL/d{name}: ", "head"), *joined(parts, ", ")]
        if walk.given:
            yield [("dL/db: ", "head"), (gradients, "sum")]

    def _sums(self) -> Iterator[tuple[Line, Value]]:
        """`dL/dx[0,0] = 1·2 + 1·1 = 3`, for every cell of the input and of the kernel."""
        x, w, b = self.collected()
        targets: list[tuple[str, Mapping[Place, list[Share]], Stack]] = [("x", x, self.walk.input)]
        if self.walk.given:
            targets.append(("w", w, self.walk.given))
        for name, shares, stack in targets:
            for place in _places(stack):
                label = f"dL/d{name}[{_spot(place, len(stack))}]"
                parts = shares.get(place, [])
                value = total((share.product for share in parts), label)
                line: Line = [(label, "head")]
                if parts:
                    line += [(" = ", ""), *joined(map(_product, parts))]
                yield (line if isinstance(value, Symbol) else equals(line, value)), value
        if self.walk.given:
            value = _summed_up(b)
            line = [("dL/db", "head")]
            if len(b) > 1:
                line += [(" = ", ""), *joined([(factor(g), "sum")] for g in b)]
            yield (line if value == "dL/db" else equals(line, value)), value


def _summed_up(gradients: list[Value]) -> Value:
    """dL/db: the one gradient, or the sum of all."""
    return gradients[0] if len(gradients) == 1 else total(gradients, "dL/db")


def _product(share: Share) -> Line:
    return [(factor(share.gradient), "sum"), ("·", ""), (factor(share.times), "w")]


def _spot(place: Place, channels: int) -> str:
    """Row and column, and the channel where there are several: as in x[i,j,k]."""
    channel, row, column = place
    return f"{row},{column},{channel}" if channels > 1 else f"{row},{column}"


def _places(stack: Stack) -> Iterator[Place]:
    for c, grid in enumerate(stack):
        for i, row in enumerate(grid):
            for j in range(len(row)):
                yield c, i, j


def _summed(shares: Mapping[Place, list[Share]], like: Stack, name: str) -> Stack:
    """The sums, in the shape of what they are the gradient of."""

    def grid(c: int) -> Grid:
        return tuple(
            tuple(
                total(
                    (s.product for s in shares.get((c, i, j), [])),
                    f"{name}[{_spot((c, i, j), len(like))}]",
                )
                for j in range(len(like[c][0]))
            )
            for i in range(len(like[c]))
        )

    return tuple(map(grid, range(len(like))))


def _share_record(share: Share) -> dict[str, Any]:
    return {
        "to": list(share.target),
        "gradient": json_value(share.gradient),
        "times": json_value(share.times),
        "product": json_value(share.product),
    }


def _to_the_taken(step: Step, gradients: tuple[Value, ...]) -> Iterator[Share]:
    for channel, (terms, value, gradient) in enumerate(
        zip(step.channels, step.sums, gradients, strict=True)
    ):
        for term in terms:
            if term.cell is not None and term.x == value:
                yield Share((channel, *term.cell), gradient, 1)
                break


def _to_all(step: Step, gradients: tuple[Value, ...]) -> Iterator[Share]:
    for channel, (terms, gradient) in enumerate(zip(step.channels, gradients, strict=True)):
        for term in terms:
            if term.cell is not None:
                yield Share((channel, *term.cell), gradient, Fraction(1, len(terms)))


POOL_SHARES = {"max": _to_the_taken, "min": _to_the_taken, "avg": _to_all}
"""Which cells get the gradient of a pool's output."""
