"""One-dimensional signals: flip, slide, sum, every step; and which operations commute.

convolution          (f∗g)(t) = Σ f(τ)g(t−τ)        commutes
cross-correlation    (f⋆g)(t) = Σ f(τ)g(t+τ)        f⋆g is g⋆f reversed
autocorrelation      f⋆f                             symmetric
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from convcli.errors import SpecError
from convcli.explanation.lesson import SCHEMA
from convcli.explanation.render import Line, equals, joined, text
from convcli.explanation.steps import Geometry, Term, Walk, convolution
from convcli.explanation.values import (
    factor,
    json_value,
    numeric,
    row_text,
    table_value,
    value_text,
)
from convcli.geometry import Window, full_padding
from convcli.numerals import Stack, Symbol, Value
from convcli.records import NamedTuple
from convcli.tables import Table

Signal = tuple[Value, ...]


class Mode(NamedTuple):
    """One way to slide one signal over another."""

    sign: str
    formula: str
    flip: bool


MODES = {
    "convolution": Mode("∗", "(f∗g)(t) = Σ f(τ)g(t−τ)", flip=True),
    "cross-correlation": Mode("⋆", "(f⋆g)(t) = Σ f(τ)g(t+τ)", flip=False),
    "autocorrelation": Mode("⋆", "(f⋆f)(t) = Σ f(τ)f(t+τ)", flip=False),
}


def slide(f: Signal, g: Signal, mode: str) -> Walk:
    """Every shift at which the two overlap.

    A convolution slides the flipped g over f; a cross-correlation slides f over g.

    >>> slide((0, 1, 2, 1, 0), (1, 0, -1), "convolution").output()
    (((0, 1, 2, 0, -2, -1, 0),),)
    >>> slide((0, 1, 2, 1, 0), (1, 0, -1), "cross-correlation").output()
    (((0, 1, 2, 0, -2, -1, 0),),)
    """
    flip = MODES[mode].flip
    still, moving = (f, g) if flip else (g, f)
    geometry = Geometry(padding=((0, 0), full_padding(Window(len(moving)))))
    return convolution(((still,),), ((moving,),), geometry, flip=flip)


@lru_cache(maxsize=2)
def _slid(f: Signal, g: Signal, mode: str) -> Signal:
    """The output of `slide`, which a lesson asks for in several places."""
    return slide(f, g, mode).output()[0][0]


class SignalLesson(NamedTuple):
    """Two signals, or one and itself, step by step."""

    f: Signal
    g: Signal
    mode: str

    @property
    def walk(self) -> Walk:
        return slide(self.f, self.g, self.mode)

    @property
    def first(self) -> int:
        """The t of the first step."""
        return 0 if MODES[self.mode].flip else 1 - len(self.f)

    @property
    def result(self) -> Signal:
        """The value at every t; where letters are in it, its products."""
        return tuple(
            Symbol(text(self._products(index))) if isinstance(value, Symbol) else value
            for index, value in enumerate(_slid(self.f, self.g, self.mode))
        )

    @property
    def swapped(self) -> Signal:
        """The same with f and g in each other's place."""
        return self._replace(f=self.g, g=self.f).result

    @property
    def value(self) -> str:
        return row_text(self.result)

    @property
    def caption(self) -> str:
        """What the numbers say about changing the order."""
        sign = MODES[self.mode].sign
        there, back = self.result, self.swapped
        if self.mode == "autocorrelation":
            return f"f{sign}f is the same backwards: autocorrelation is symmetric"
        if MODES[self.mode].flip:
            return f"f{sign}g = g{sign}f: convolution commutes"
        if not numeric(*there):
            return f"f{sign}g is g{sign}f reversed"
        if row_text(there) == row_text(back):
            return f"f{sign}g = g{sign}f here; in general f{sign}g is g{sign}f reversed"
        return f"f{sign}g ≠ g{sign}f: f{sign}g is g{sign}f reversed"

    def table(self) -> Table:
        rows = [
            (self.first + index, text(self._sum(index, value)), table_value(value))
            for index, value in enumerate(self.result)
        ]
        return ("t", "sum", "value"), rows, ()

    def record(self) -> dict[str, object]:
        last = self.first + len(self.result) - 1
        return {
            "schema": SCHEMA,
            "operation": self.mode,
            "formula": MODES[self.mode].formula,
            "f": list(map(json_value, self.f)),
            "g": list(map(json_value, self.g)),
            "t": [self.first, last],
            "result": list(map(json_value, self.result)),
            "swapped": list(map(json_value, self.swapped)),
            "finding": self.caption,
            "steps": [
                {
                    "t": self.first + index,
                    "terms": [
                        {
                            "f": json_value(f),
                            "g": json_value(g),
                            "tau": tau,
                            "product": json_value(term.product),
                        }
                        for tau, f, g, term in self._overlap(index)
                    ],
                    "value": json_value(value),
                }
                for index, value in enumerate(self.result)
            ],
        }

    @property
    def names(self) -> tuple[str, str]:
        """The names of the still signal and the moving one: f and the flipped g, or g and f."""
        if MODES[self.mode].flip:
            return "f", "g flipped"
        return ("f", "f") if self.mode == "autocorrelation" else ("g", "f")

    def step_text(self, index: int) -> str:
        """A step in words.

        >>> SignalLesson((0, 1, 2), (1, 0), "convolution").step_text(1)
        't = 1: f(0)·g(1) + f(1)·g(0) = 0·0 + 1·1 = 1'
        """
        return f"t = {self.first + index}: {text(self._sum(index, self.result[index]))}"

    def _overlap(self, index: int) -> Iterator[tuple[int, Value, Value, Term]]:
        """τ, f(τ), the g it meets, and the term, wherever both signals are."""
        flip = MODES[self.mode].flip
        for term in self.walk.step((0, index)).channels[0]:
            if term.cell is not None:
                f, g = (term.x, term.w) if flip else (term.w, term.x)
                yield (term.cell[1] if flip else term.tap[1]), f, g, term

    def _products(self, index: int) -> Line:
        """`0·0 + 1·1`."""
        return joined(
            [(factor(f), "x"), ("·", ""), (factor(g), "w")] for _, f, g, _ in self._overlap(index)
        )

    def _sum(self, index: int, value: Value) -> Line:
        """`f(0)·g(1) + f(1)·g(0) = 0·0 + 1·1 = 1`."""
        t = self.first + index
        other = "f" if self.mode == "autocorrelation" else "g"
        flip = MODES[self.mode].flip
        names = joined(
            [(f"f({tau})", "x"), ("·", ""), (f"{other}({t - tau if flip else t + tau})", "w")]
            for tau, *_ in self._overlap(index)
        )
        line = [*names, (" = ", ""), *self._products(index)]
        return line if isinstance(value, Symbol) else equals(line, value)

    def lines(self) -> Iterator[Line]:
        mode = MODES[self.mode]
        other = "f" if self.mode == "autocorrelation" else "g"
        yield [(f"{self.mode}: {mode.formula}", "head")]
        yield [("f = ", ""), (row_text(self.f), "x"), (f"   (τ = 0 to {len(self.f) - 1})", "note")]
        if other == "g":
            yield [
                ("g = ", ""),
                (row_text(self.g), "w"),
                (f"   (τ = 0 to {len(self.g) - 1})", "note"),
            ]
        if mode.flip:
            yield [("flip:  g(−τ) = ", ""), (row_text(self.g[::-1]), "w")]
        still, moving = (self.f, self.g[::-1]) if mode.flip else (self.g, self.f)
        still_name = "f(τ)" if mode.flip else f"{other}(τ)"
        width = max(len(value_text(v)) for v in (*still, *moving)) + 1
        pad = len(moving) - 1
        result = self.result
        for index, value in enumerate(result):
            t = self.first + index
            moving_name = f"g({t}−τ)" if mode.flip else _shifted(t)
            yield []
            yield [(f"t = {t}", "head")]
            yield [(f"  {still_name:9}", ""), *_spread(still, pad, width, pad, index, len(moving))]
            yield [
                (f"  {moving_name:9}", ""),
                (" " * width * index, ""),
                *_cells(moving, width, "w"),
            ]
            yield [("  ", ""), *self._sum(index, value)]
        yield []
        sign = mode.sign
        span = f"   (t = {self.first} to {self.first + len(result) - 1})"
        yield [(f"f{sign}{other} = ", ""), (_listed(result), "sum"), (span, "note")]
        if other == "g":
            first = 0 if mode.flip else 1 - len(self.g)
            span = f"   (t = {first} to {first + len(self.swapped) - 1})"
            yield [(f"g{sign}f = ", ""), (_listed(self.swapped), "sum"), (span, "note")]
        yield [(self.caption, "head")]


def _shifted(t: int) -> str:
    """The moving signal, whose cell 0 lies on cell t of the still one."""
    return f"f(τ−{t})" if t > 0 else f"f(τ+{-t})" if t < 0 else "f(τ)"


def _cells(values: Sequence[Value], width: int, style: str) -> Line:
    return [(f"{value_text(value):>{width}}", style) for value in values]


def _spread(
    values: Sequence[Value], pad: int, width: int, before: int, index: int, taps: int
) -> Line:
    """The still signal behind its padding; cells under the moving one are colored."""
    line: Line = [(" " * width * before, "")]
    for number, value in enumerate(values):
        under = index <= number + pad < index + taps
        line.append((f"{value_text(value):>{width}}", "x" if under else "note"))
    return line


def _listed(values: Signal) -> str:
    """Values in a row, apart where sums are among them."""
    return row_text(values) if numeric(*values) else ", ".join(map(value_text, values))


def check_signal(stack: Stack, what: str) -> Signal:
    """One row of values. Raises SpecError for several."""
    if len(stack) > 1:
        raise SpecError(f"the {what} has {len(stack)} channels; a signal is one row of numbers")
    if len(stack[0]) > 1:
        raise SpecError(f"the {what} has {len(stack[0])} rows; a signal is one row of numbers")
    return stack[0][0]
