"""Activation functions: one table of their names and values in every vocabulary."""

from collections.abc import Callable
from math import prod

from convcli.callsyntax import brief
from convcli.errors import SpecError
from convcli.nets.layers.arguments import count, number
from convcli.nets.layers.shapes import Measure, Misfit, Names, Shape, Slot, Slots
from convcli.records import NamedTuple, equal_by_type
from convcli.text import like

FUNCTIONS: dict[str, tuple[str, str, str]] = {
    # ours → PyTorch's class, Keras's words, and the values it takes, in their order
    "relu": ("ReLU", "relu", ""),
    "relu6": ("ReLU6", "relu6", ""),
    "elu": ("ELU", "elu", "alpha"),
    "selu": ("SELU", "selu", ""),
    "celu": ("CELU", "celu", "alpha"),
    "gelu": ("GELU", "gelu", "approximate"),
    "silu": ("SiLU", "silu swish", ""),
    "mish": ("Mish", "mish", ""),
    "softplus": ("Softplus", "softplus", "beta threshold"),
    "softsign": ("Softsign", "softsign", ""),
    "hard_swish": ("Hardswish", "hard_swish hard_silu", ""),
    "hard_sigmoid": ("Hardsigmoid", "hard_sigmoid", ""),
    "hard_tanh": ("Hardtanh", "hard_tanh", "min_val max_val"),
    "tanh": ("Tanh", "tanh", ""),
    "sigmoid": ("Sigmoid", "sigmoid", ""),
    "log_sigmoid": ("LogSigmoid", "log_sigmoid", ""),
    "softmax": ("Softmax", "softmax", "dim"),
    "log_softmax": ("LogSoftmax", "log_softmax", "dim"),
    "softmin": ("Softmin", "", "dim"),
    "threshold": ("Threshold", "", "threshold value"),
    "softshrink": ("Softshrink", "", "lambd"),
    "hardshrink": ("Hardshrink", "", "lambd"),
    "tanhshrink": ("Tanhshrink", "", ""),
    "abs": ("", "", ""),
    "exponential": ("", "exponential", ""),
}
"""Functions of each value, or of the values along an axis, by the field's name."""


@equal_by_type
class Activation(NamedTuple):
    """A function of each value alone; `slope` is what leaky ReLU multiplies negatives by."""

    type: str
    slope: float = 0.0
    values: tuple[tuple[str, object], ...] = ()
    """Other arguments in the text, by the names of `torch.nn.functional`."""
    inplace: bool = False
    """Whether it overwrites its input in training."""

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        return Measure(shape)


def function(name: str) -> Callable[..., Activation]:
    """A builder that takes a function's arguments, then `inplace`, which changes no value."""

    def build(*args: object, inplace: object = False, **options: object) -> Activation:
        takes = FUNCTIONS[name][2].split()
        known = (*takes, "inplace")
        for option in (option for option in options if option not in takes):
            hint = f"it takes {', '.join(known)}{like(option, known)}"
            raise SpecError(f"got an unexpected keyword argument {option!r}; {hint}")
        more = args[len(takes) :]
        if len(more) > 1 or not all(isinstance(value, bool | None) for value in more):
            raise SpecError(f"too many positional arguments; it takes {', '.join(known)}")
        given = {**dict(zip(takes, args, strict=False)), **options}
        values = [(name, given[name]) for name in takes if given.get(name) is not None]
        # a value that is known only by running the text changes no shape
        plain = (int, float, str)
        kept = (
            (name, value if isinstance(value, plain) else brief(value)) for name, value in values
        )
        return Activation(name, values=tuple(kept), inplace=inplace is True or True in more)

    return build


def leaky_relu(slope: object = 0.01) -> Activation:
    return Activation("leaky_relu", number(slope, "slope"))


def torch_leaky_relu(negative_slope: object = 0.01, inplace: object = False) -> Activation:
    slope = 0.01 if negative_slope is None else number(negative_slope, "negative_slope")
    return Activation("leaky_relu", slope, inplace=inplace is True)


def rrelu(lower: object = 1 / 8, upper: object = 1 / 3, inplace: object = False) -> Activation:
    """In evaluation, the mean of the slopes that training draws (Xu et al. 2015)."""
    return Activation("leaky_relu", (number(lower, "lower") + number(upper, "upper")) / 2)


@equal_by_type
class PReLU(NamedTuple):
    """Leaky ReLU with trained slopes: one in all, one per channel, or (None) one per value."""

    slopes: int | None = 1
    shared: tuple[int, ...] = ()
    """Axes of (height, width, channels), from 1, that share a slope, if there is one per value."""

    @property
    def type(self) -> str:
        return "prelu"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        if self.slopes not in (None, 1, shape[0]):
            raise Misfit(
                f"prelu of {self.slopes} slopes meets {shape[0]} channels",
                PReLU(shape[0]),
                self.slopes or 0,
                shape[0],
            )
        people = (*shape[1:], shape[0])
        own = (n for axis, n in enumerate(people, 1) if axis not in self.shared)
        return Measure(shape, prod(own) if self.slopes is None else self.slopes)

    def slots(self, shape: Shape) -> Slots:
        return {"weight": Slot((self.measure(shape).params,), 0.25)}


def prelu(slopes: object = 1) -> PReLU:
    return PReLU(count(slopes, "slopes"))


def torch_prelu(
    num_parameters: object = 1, init: object = 0.25, device: object = None, dtype: object = None
) -> PReLU:
    return PReLU(count(num_parameters, "num_parameters"))


NAMES: Names = {
    "short": {
        **{name: function(name) for name in FUNCTIONS},
        "swish": function("silu"),
        "leaky_relu": leaky_relu,
        "prelu": prelu,
    },
    "PyTorch": {
        **{torch: function(name) for name, (torch, _, _) in FUNCTIONS.items() if torch},
        "RReLU": rrelu,
        "Softmax2d": function("softmax"),
        "LeakyReLU": torch_leaky_relu,
        "PReLU": torch_prelu,
    },
}
