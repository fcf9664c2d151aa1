"""Gradients, step by step: where the gradient of each output goes.

    dL/dx    every tap sends gradient · weight to the cell it read      a full convolution
    dL/dw    every tap gets gradient · the cell it read                 a correlation
    dL/db    the sum of the gradients            Goodfellow, Bengio & Courville 2016, §9.5

A max pool sends its gradient to its maximum (the first of equals); an average pool divides it.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

from convcli.explanation.lesson import SCHEMA, Lesson, left_out_line
from convcli.explanation.render import (
    MAX_DRAWN,
    Line,
    beside,
    canvases,
    equals,
    frame,
    grids,
    joined,
    text,
)
from convcli.explanation.steps import Step, Walk
from convcli.explanation.values import (
    factor,
    json_stack,
    json_value,
    stack_of,
    stack_text,
    table_value,
    times,
    total,
    value_text,
)
from convcli.numerals import Stack, Symbol, Value
from convcli.records import NamedTuple
from convcli.tables import Table
from convcli.text import counted

Index = tuple[int, ...]
"""Channel, row, column."""


class Share(NamedTuple):
    """What one output sends to one cell of the input or of the kernel: a product."""

    target: Index
    gradient: Value
    times: Value

    @property
    def product(self) -> Value:
        return times(self.gradient, self.times)


class Flow(NamedTuple):
    """Where the gradient of one output cell goes."""

    step: Step
    to_input: tuple[Share, ...]
    to_kernel: tuple[Share, ...]
    gradients: tuple[Value, ...]
    """One; for a pool, one per channel."""


class Backward(NamedTuple):
    """The gradients of the steps of a lesson, given dL/dz."""

    lesson: Lesson
    gradient: Stack
    """dL/dz in the shape of the output."""

    @property
    def walk(self) -> Walk:
        return self.lesson.walk

    @property
    def flows(self) -> Iterator[Flow]:
        """Of every output cell, or of the chosen one."""
        return map(self.flow, self.lesson.steps)

    def flow(self, step: Step) -> Flow:
        """Where the gradient of one output cell goes."""
        row, column = step.cell
        gradients = tuple(grid[row][column] for grid in self.gradient)
        if self.walk.pool:
            shares = tuple(POOL_SHARES[self.walk.pool](step, gradients))
            return Flow(step, shares, (), gradients)
        (gradient,) = gradients
        to_input, to_kernel = [], []
        for channel, terms in enumerate(step.channels):
            rows, columns = len(self.walk.given[channel]), len(self.walk.given[channel][0])
            for term in terms:
                i, j = term.tap
                tap = (rows - 1 - i, columns - 1 - j) if self.walk.turned else (i, j)
                if term.cell is not None:
                    to_input.append(Share((channel, *term.cell), gradient, term.w))
                if term.cell is not None or term.x != 0:
                    to_kernel.append(Share((channel, *tap), gradient, term.x))
        return Flow(step, tuple(to_input), tuple(to_kernel), gradients)

    def collected(self) -> tuple[dict[Index, list[Share]], dict[Index, list[Share]], list[Value]]:
        """Shares, grouped by the cell of the input and of the kernel, and the gradients."""
        x: dict[Index, list[Share]] = {}
        w: dict[Index, list[Share]] = {}
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
        return self.lesson.caption

    def table(self) -> Table:
        """One row per cell of the input and of the kernel, and one for the bias."""
        rows = [
            (line[0][0], text(line[1:]).removeprefix(" = "), table_value(value))
            for line, value in self._sums()
        ]
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
        record["notes"] = list(self.lesson.notes)
        record["flows"] = [
            {
                "cell": list(flow.step.cell),
                "to_input": list(map(_share_record, flow.to_input)),
                "to_kernel": list(map(_share_record, flow.to_kernel)),
                "gradient": list(map(json_value, flow.gradients)),
            }
            for flow in self.flows
        ]
        return record

    def lines(self) -> Iterator[Line]:
        walk, lesson = self.walk, self.lesson
        yield from lesson.head()
        yield []
        yield [
            (
                "backward: every output passes its gradient dL/dz to the cells it was computed "
                "from",
                "head",
            )
        ]
        if not (lesson.chosen or lesson.left_out) or max(walk.size) <= MAX_DRAWN:
            yield from beside(grids("dL/dz", self.gradient, "sum"))
        for step in lesson.written:
            yield []
            if step is None:
                yield left_out_line(counted(lesson.left_out, "more window"))
            else:
                yield from self._flow_lines(self.flow(step))
        if lesson.chosen or lesson.left_out:
            return
        yield []
        yield [("summed over all outputs", "head")]
        for line, _ in self._sums():
            yield line
        yield []
        x, w, b = self.collected()
        blocks = grids("dL/dx", _summed(x, walk.input, "dL/dx"), "sum")
        if walk.given:
            blocks += grids("dL/dw", _summed(w, walk.given, "dL/dw"), "sum")
            blocks.append(("dL/db", [[(value_text(_summed_up(b)), "sum")]]))
        yield from beside(blocks)

    def _flow_lines(self, flow: Flow) -> Iterator[Line]:
        walk, cell = self.walk, flow.step.cell
        index = ",".join(map(str, cell))
        gradients = ", ".join(map(value_text, flow.gradients))
        yield [(f"dL/dz[{index}] = {gradients}", "head"), (" goes to", "")]
        count = len(walk.input)
        yield from beside(canvases(walk, flow.step, frame(walk, cell)))
        for name, shares in (("x", flow.to_input), ("w", flow.to_kernel)):
            if shares:
                parts = [
                    [(f"{name}[{_index_text(s.target, count)}] ", name), *_product(s)]
                    for s in shares
                ]
                yield [(f"dL/d{name}: ", "head"), *joined(parts, ", ")]
        if walk.given:
            yield [("dL/db: ", "head"), (gradients, "sum")]

    def _sums(self) -> Iterator[tuple[Line, Value]]:
        """`dL/dx[0,0] = 1·2 + 1·1 = 3`, for every cell of the input and of the kernel."""
        x, w, b = self.collected()
        targets: list[tuple[str, Mapping[Index, list[Share]], Stack]] = [("x", x, self.walk.input)]
        if self.walk.given:
            targets.append(("w", w, self.walk.given))
        for name, shares, stack in targets:
            for index in product(*map(range, _size(stack))):
                label = f"dL/d{name}[{_index_text(index, len(stack))}]"
                parts = shares.get(index, [])
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


def _index_text(index: Index, channels: int) -> str:
    """Row and column, and the channel where there are several: as in x[i,j,k]."""
    channel, row, column = index
    return f"{row},{column},{channel}" if channels > 1 else f"{row},{column}"


def _size(stack: Stack) -> tuple[int, int, int]:
    return len(stack), len(stack[0]), len(stack[0][0])


def _summed(shares: Mapping[Index, list[Share]], like: Stack, name: str) -> Stack:
    """The sums, in the shape of what they are the gradient of."""

    def value(*index: int) -> Value:
        parts = (share.product for share in shares.get(index, []))
        return total(parts, f"{name}[{_index_text(index, len(like))}]")

    return stack_of(*_size(like), value)


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
