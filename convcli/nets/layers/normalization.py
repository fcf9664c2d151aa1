"""Normalizations: of batches, channels and neighborhoods."""

from math import prod
from typing import Literal

from convcli.errors import UnfitError
from convcli.geometry import Window
from convcli.nets.layers.arguments import count, number
from convcli.nets.layers.shapes import (
    Measure,
    Names,
    Shape,
    Sizes,
    Slot,
    Slots,
    check_channels,
    maps,
    size_text,
)
from convcli.records import NamedTuple, equal_by_type

NormKind = Literal["batch", "instance", "group", "layer", "input"]


@equal_by_type
class Norm(NamedTuple):
    """A normalization: `batch`, `instance`, `group`, `layer`, or `input` by fixed statistics.

    Batch normalization trains a scale and a shift per channel (2·C) and keeps a mean and a variance
    (2·C running statistics), which `counted` makes parameters as Keras counts them. Layer
    normalization trains a scale and a shift for each value of the axes it covers.
    """

    kind: NormKind
    vectors: int = 2
    """Number of trained vectors: scale and shift, one, or none."""
    channels: int | None = None
    """Channels, where the text declares them."""
    groups: int = 1
    shape: Sizes | None = None
    """The sizes that a layer normalization covers, the last axes; None: the channels alone."""
    tracked: bool = False
    """Whether running statistics are kept."""
    counted: bool = False
    eps: float = 1e-5
    """The constant added to the variance."""
    shift_alone: bool = False
    """Whether a single vector is a shift, as with Keras's `scale=False`."""
    axes: tuple[int, ...] = ()
    """Numbers of axes that an image may have, channels included; empty: any."""

    @property
    def type(self) -> str:
        return f"{self.kind}_norm"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        if self.axes and len(shape) not in self.axes:
            dimensions = max(self.axes) - 1
            raise UnfitError(
                f"a {dimensions}-D {self.type.replace('_', ' ')} meets an image of "
                f"{size_text(shape)}: it takes {' or '.join(map(str, self.axes))} axes with the "
                f"channels, not {len(shape)}"
            )
        check_channels(self, shape)
        if shape[0] % self.groups:
            raise UnfitError(f"groups={self.groups} does not divide {shape[0]} channels")
        covered = shape[0]
        if self.shape is not None:
            covered = prod(self.shape)
            if shape[-len(self.shape) :] != self.shape:
                raise UnfitError(f"{self.type} over {self.shape} meets the shape {shape}")
        # Keras's layer for inputs also stores the number of pictures that it was adapted to
        kept = 2 * shape[0] + (self.kind == "input") if self.tracked else 0
        trained = self.vectors * covered
        return Measure(shape, trained, statistics=kept, counted=self.counted)

    def slots(self, shape: Shape) -> Slots:
        covered = self.shape or shape[:1]
        trained = (("weight", Slot(covered, 1.0)), ("bias", Slot(covered, 0.0)))
        slots = dict(trained[1:] if self.shift_alone else trained[: self.vectors])
        if self.tracked:
            slots["running_mean"] = Slot(shape[:1], 0.0)
            slots["running_var"] = Slot(shape[:1], 1.0)
        return slots


@equal_by_type
class LocalResponseNorm(NamedTuple):
    """Division by the energy of neighboring channels (Krizhevsky et al. 2012).

    `alpha` is divided by `size`, as PyTorch and Caffe do.
    """

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    @property
    def type(self) -> str:
        return "local_response_norm"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        return Measure(shape)


def lrn(
    size: object = 5, alpha: object = 1e-4, beta: object = 0.75, k: object = 1.0
) -> LocalResponseNorm:
    return LocalResponseNorm(
        count(size, "size"), number(alpha, "alpha"), number(beta, "beta"), number(k, "k")
    )


@equal_by_type
class LocalContrastNorm(NamedTuple):
    """Local mean removed, local spread divided by (Jarrett et al. 2009), over size×size cells.

    A value depends on the spread at its position, which depends on the means around it, so that it
    sees two windows less one cell. The minimum divisor, the mean spread of the picture, is left out
    of the receptive field, as are normalizations over complete maps.
    """

    size: int = 9

    @property
    def type(self) -> str:
        return "local_contrast_norm"

    def measure(self, *inputs: Shape) -> Measure:
        shape = maps(self.type, inputs, 2)
        if self.size % 2 == 0:
            raise UnfitError(f"{self.type} needs a window with a center, not of {self.size} cells")
        window = Window(2 * self.size - 1), (self.size - 1, self.size - 1)
        return Measure(shape, windows=(window, window))


def lcn(size: object = 9) -> LocalContrastNorm:
    return LocalContrastNorm(count(size, "size"))


NAMES: Names = {"short": {"lrn": lrn, "lcn": lcn}, "PyTorch": {"LocalResponseNorm": lrn}}
