"""Fully connected layers, and distances to fixed codes."""

from math import prod
from typing import Literal

from convcli.nets.layers.arguments import count
from convcli.nets.layers.shapes import (
    Measure,
    Misfit,
    Names,
    Shape,
    Slot,
    Slots,
    bias_slot,
    factors,
)
from convcli.records import NamedTuple, equal_by_type

Connection = Literal["all", "last", "axis", "channels"]
Scope = Literal["all", "last", "channels"]


@equal_by_type
class Linear(NamedTuple):
    """A fully connected layer.

    `over` says what it connects: "all" values of its input, the last axis ("axis", as PyTorch
    does), or the channels of every position ("channels", Keras). "last" is the last axis, for layer
    lines that may leave flattening out: if the input has `features` values in total, all of them
    are connected.
    """

    outputs: int
    bias: bool = True
    features: int | None = None
    over: Connection = "all"

    @property
    def type(self) -> str:
        return "linear"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        declared, over, met = self.features, self.scope(shape), self._met(shape)
        if declared is not None and declared != met:
            raise Misfit(
                f"linear({declared}) meets {met:,} values{factors(shape)}, not {declared:,}",
                self._replace(features=met),
                declared,
                met,
            )
        places = prod(shape) // met
        output: Shape = (self.outputs,)
        if over == "last":
            output = (*shape[:-1], self.outputs)
        elif over == "channels":
            output = (self.outputs, *shape[1:])
        weights, bias = met * self.outputs, self.outputs * self.bias
        return Measure(output, weights + bias, weights * places, bias=bias)

    def slots(self, shape: Shape) -> Slots:
        weight = Slot((self.outputs, self._met(shape)), "filters")
        return {"weight": weight, **bias_slot(self.outputs, self.bias)}

    def _met(self, shape: Shape) -> int:
        """The number of inputs of each output."""
        return {"all": prod(shape), "last": shape[-1], "channels": shape[0]}[self.scope(shape)]

    def scope(self, shape: Shape) -> Scope:
        """What it connects of an input of this shape: "all", "last" or "channels"."""
        if self.over == "axis":
            return "last"
        if self.over != "last" or self.features == shape[-1]:
            return self.over
        # feature maps that nobody flattened: the layer lines of a class
        flattens = len(shape) == 3 or self.features == prod(shape)
        return "all" if flattens else "last"


@equal_by_type
class RBF(NamedTuple):
    """Distances to `outputs` fixed codes (LeCun et al. 1998): weights that are not trained."""

    outputs: int

    @property
    def type(self) -> str:
        return "rbf"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        return Measure((self.outputs,), statistics=prod(shape) * self.outputs)

    def slots(self, shape: Shape) -> Slots:
        return {"weight": Slot((self.outputs, prod(shape)), "codes")}


def rbf(outputs: object) -> RBF:
    return RBF(count(outputs, "outputs"))


NAMES: Names = {"short": {"rbf": rbf}}
