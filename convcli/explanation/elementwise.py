"""Activations and normalizations, value by value.

    leaky ReLU    x where x ≥ 0, slope·x below                          Maas, Hannun & Ng 2013
    LRN           b_i = a_i·(k + α·Σ a_j²)^(−β), j from i − n/2 to i + n/2 within the channels
                                                                        Krizhevsky et al. 2012
    min–max       (x − min) / (max − min) · 255: how feature maps are drawn

LRN's α is TensorFlow's: taken as it is. PyTorch divides α by the window size n.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from inspect import signature
from math import pow
from typing import TypeVar

from convcli.callsyntax import read_call
from convcli.errors import SpecError, UnfitError
from convcli.explanation.lesson import SCHEMA
from convcli.explanation.render import Line, beside, equals, grids
from convcli.explanation.values import (
    Calculation,
    factor,
    json_stack,
    json_value,
    row_text,
    stack_record,
    stack_text,
    table_value,
    times,
    value_text,
)
from convcli.geometry import clip
from convcli.numerals import MAX_NUMBER, Number, Stack, Symbol, Value, simplest
from convcli.records import NamedTuple
from convcli.tables import Table
from convcli.text import like

T = TypeVar("T")
U = TypeVar("U")

Numbers = tuple[tuple[tuple[Number, ...], ...], ...]
"""A stack without symbols."""

Calculations = tuple[tuple[tuple[Calculation, ...], ...], ...]
"""The arithmetic of every value of a stack."""

Activation = Callable[..., tuple[str, Calculations]]
"""A function of the numbers and its own arguments: the definition, and the arithmetic."""

LRN_RULES = {"tensorflow": "as it is", "pytorch": "divided by the window size"}
"""Framework → how its α is applied."""


class Elementwise(NamedTuple):
    """Every value of an input by itself, or with its neighbors in other channels."""

    name: str
    definition: str
    input: Stack
    calculations: Calculations
    chosen: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    letter: str = "z"

    @property
    def output(self) -> Stack:
        return _mapped(lambda calculation: calculation[1], self.calculations)

    def _steps(self) -> Iterator[tuple[str, str, Value]]:
        many = len(self.input) > 1
        for c, grid in enumerate(self.calculations):
            for i, row in enumerate(grid):
                for j, (sum_, value) in enumerate(row):
                    if self.chosen in (None, (i, j)):
                        spot = f"{i},{j},{c}" if many else f"{i},{j}"
                        yield spot, sum_, value

    @property
    def value(self) -> str:
        if self.chosen:
            return row_text(value for *_, value in self._steps())
        return stack_text(self.output)

    @property
    def caption(self) -> str:
        return "; ".join((self.definition, *self.notes))

    def table(self) -> Table:
        rows: list[tuple[object, ...]] = [
            (spot, sum_, table_value(value)) for spot, sum_, value in self._steps()
        ]
        return ("cell", "sum", "value"), rows, ()

    def record(self) -> dict[str, object]:
        return {
            "schema": SCHEMA,
            "operation": self.name,
            "definition": self.definition,
            "input": stack_record(self.input),
            "output": json_stack(self.output),
            "notes": list(self.notes),
            "steps": [
                {"cell": list(map(int, spot.split(","))), "sum": sum_, "value": json_value(value)}
                for spot, sum_, value in self._steps()
            ],
        }

    def lines(self) -> Iterator[Line]:
        yield [(f"{self.name}: {self.definition}", "head")]
        for note in self.notes:
            yield [(note, "note")]
        yield []
        yield from beside(grids("input", self.input, "x"))
        yield []
        for spot, sum_, value in self._steps():
            line: Line = [(f"{self.letter}[{spot}] = ", "head"), (sum_, "")]
            yield line if value == sum_ else equals(line, value)
        if not self.chosen:
            yield []
            yield from beside(grids("output", self.output, "sum"))


def elementwise(spec: str, x: Stack) -> Elementwise:
    """An activation, `lrn` or `minmax` of every value.

    >>> elementwise("leaky_relu:0.1", (((-3, 2),),)).definition
    'x where x ≥ 0, 0.1·x below'
    >>> elementwise("leaky_relu:0.1", (((-3, 2),),)).value
    '-0.3 2'

    Raises SpecError for a name that is not there, or symbols.
    """
    numbers = _numbers(x)
    call = read_call(spec)
    activation = SPECIAL.get(call.name) or _other(call.name)
    try:
        bound = signature(activation).bind(numbers, *call.args, **call.kwargs)
    except TypeError as error:
        raise SpecError(f"activation {call.name}: {error}") from None
    definition, calculations = activation(*bound.args, **bound.kwargs)
    return Elementwise(call.name, definition, x, calculations)


def elementwise_backward(spec: str, x: Stack, gradient: Stack) -> Elementwise:
    """dL/dx of an activation, given dL/dz: gradient · slope, value by value.

    >>> elementwise_backward("leaky_relu:0.1", (((-3, 2),),), (((5, 7),),)).value
    '0.5 7'

    Raises SpecError for what has no derivative here.
    """
    import numpy as np

    from convcli.conv.gradients import DERIVATIVES

    forward = elementwise(spec, x)
    call = read_call(spec)
    if call.name not in DERIVATIVES:
        raise SpecError(
            f"--backward knows {', '.join(sorted(DERIVATIVES))}, each value by itself; "
            f"not {call.name}"
        )
    below = call.args[0] if call.args else call.kwargs.get("slope", 0.01)

    def slope(value: Number) -> Number:
        if call.name == "relu":
            return int(value > 0)
        if call.name == "leaky_relu":
            return 1 if value >= 0 else _exact(below, "slope")
        return float(DERIVATIVES[call.name](np.asarray(float(value))))

    def calculate(value: Number, grad: Value) -> Calculation:
        steep = slope(value)
        return f"{factor(grad)}·{factor(steep)}", times(grad, steep)

    calculations = tuple(
        tuple(tuple(map(calculate, row, grads)) for row, grads in zip(grid, gradients, strict=True))
        for grid, gradients in zip(_numbers(x), gradient, strict=True)
    )
    name = f"{call.name}, backward"
    definition = f"dL/dx = dL/dz · slope of {forward.definition}"
    return Elementwise(name, definition, x, calculations, letter="dL/dx")


def _numbers(stack: Stack) -> Numbers:
    """A stack without symbols. Raises SpecError for one with some."""

    def number(value: Value) -> Number:
        if isinstance(value, Symbol):
            raise SpecError("an activation is explained on numbers, not on symbols")
        return value

    return _mapped(number, stack)


def _mapped(
    function: Callable[[T], U], stack: Sequence[Sequence[Sequence[T]]]
) -> tuple[tuple[tuple[U, ...], ...], ...]:
    return tuple(tuple(tuple(map(function, row)) for row in grid) for grid in stack)


def _relu(x: Numbers) -> tuple[str, Calculations]:
    return "max(0, x)", _mapped(lambda v: (f"max(0, {value_text(v)})", max(v, 0)), x)


def _exact(value: object, name: str) -> Number:
    """An argument as it was written: 0.1 is a tenth."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpecError(f"{name}={value} is not a number")
    if abs(value) > MAX_NUMBER:
        raise SpecError(f"{name}={value:.6g} is too large")
    return simplest(Fraction(repr(value)))


def _leaky_relu(x: Numbers, slope: float = 0.01) -> tuple[str, Calculations]:
    exact = _exact(slope, "slope")

    def calculate(v: Number) -> Calculation:
        if v >= 0:
            return f"{value_text(v)} (≥ 0)", v
        return f"{value_text(exact)}·{factor(v)}", simplest(exact * v)

    return f"x where x ≥ 0, {value_text(exact)}·x below", _mapped(calculate, x)


def _sigmoid(x: Numbers) -> tuple[str, Calculations]:
    from convcli.conv import sigmoid

    def calculate(v: Number) -> Calculation:
        return f"1 / (1 + e^{factor(-v)})", float(sigmoid(float(v)))

    return "1 / (1 + e^−x)", _mapped(calculate, x)


def _minmax(x: Numbers) -> tuple[str, Calculations]:
    grids = []
    for grid in x:
        values = [v for row in grid for v in row]
        low, high = min(values), max(values)

        def calculate(v: Number, low: Number = low, high: Number = high) -> Calculation:
            if low == high:
                return f"{value_text(v)} (min = max)", 0
            value = Fraction(v - low) / Fraction(high - low) * 255
            top = f"({factor(v)} − {factor(low)})"
            return f"{top} / ({factor(high)} − {factor(low)}) · 255", int(value + Fraction(1, 2))

        grids.append(tuple(tuple(map(calculate, row)) for row in grid))
    return "(x − min) / (max − min) · 255, rounded half up, each map by itself", tuple(grids)


def _lrn(
    x: Numbers,
    size: int = 5,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
    rule: str = "tensorflow",
) -> tuple[str, Calculations]:
    if type(size) is not int or size < 1:
        raise SpecError(f"size={size} must be a whole number of at least 1")
    if rule not in LRN_RULES:
        raise SpecError(f"rule={rule} is not one of {', '.join(LRN_RULES)}")
    a, b, c = float(_exact(alpha, "alpha")), float(_exact(beta, "beta")), float(_exact(k, "k"))
    weight = a / size if rule == "pytorch" else a
    weight_text = f"{a:g}/{size}" if rule == "pytorch" else f"{a:g}"
    # of an even size PyTorch takes as many channels, TensorFlow n/2 to either side
    before, after = size // 2, (size - 1) // 2 if rule == "pytorch" else size // 2
    channels = []
    for i, grid in enumerate(x):
        near = clip(range(i - before, i + after + 1), len(x))
        rows = []
        for r, row in enumerate(grid):
            line = []
            for s, value in enumerate(row):
                others = [x[j][r][s] for j in near]
                squares = " + ".join(f"{factor(other)}²" for other in others)
                energy = sum(float(other) ** 2 for other in others)
                power = f"({c:g} + {weight_text}·({squares}))^({-b:g})".replace("^(-", "^(−")
                try:
                    scale = pow(c + weight * energy, -b)
                except (ValueError, OverflowError):
                    raise UnfitError(f"lrn: {power} is not a number") from None
                line.append((f"{factor(value)}·{power}", float(value) * scale))
            rows.append(tuple(line))
        channels.append(tuple(rows))
    return (
        f"b_i = a_i·(k + α·Σ a_j²)^(−β), j = i − {before} to i + {after} within the "
        f"channels, α {LRN_RULES[rule]} ({'PyTorch' if rule == 'pytorch' else 'TensorFlow'})"
    ), tuple(channels)


def _other(name: str) -> Activation:
    """Any other activation of the core: its definition, and its values."""
    import numpy as np

    from convcli.conv.activations import ACTIVATIONS
    from convcli.conv.gradients import JACOBIANS

    if name not in ACTIVATIONS:
        known = sorted({*ACTIVATIONS, *SPECIAL})
        raise SpecError(
            f"no activation is called {name!r}; there are {', '.join(known)}{like(name, known)}"
        )
    function = ACTIVATIONS[name]
    definition = (function.__doc__ or name).strip().splitlines()[0].rstrip(".")

    def arithmetic(row: Sequence[Number], index: int) -> str:
        if name in JACOBIANS:  # a value depends on its whole row
            return f"{name}({', '.join(map(value_text, row))})[{index}]"
        return f"{name}({value_text(row[index])})"

    def activation(x: Numbers) -> tuple[str, Calculations]:
        values = function(np.array([[list(map(float, row)) for row in grid] for grid in x]))
        return definition, tuple(
            tuple(
                tuple((arithmetic(row, j), float(z)) for j, z in enumerate(results))
                for row, results in zip(grid, planes, strict=True)
            )
            for grid, planes in zip(x, values.tolist(), strict=True)
        )

    return activation


SPECIAL: dict[str, Activation] = {
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "sigmoid": _sigmoid,
    "minmax": _minmax,
    "lrn": _lrn,
}
"""Activations whose arithmetic is written out."""
