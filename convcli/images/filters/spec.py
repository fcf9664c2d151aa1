"""What is done to a picture: a chain of kernels, and how their responses become samples."""

from fractions import Fraction
from typing import Any, NamedTuple

from numpy.typing import NDArray

from convcli.borders import Border
from convcli.images.engines.quantize import Statistics
from convcli.images.filters.output_range import Range
from convcli.images.image import Picture
from convcli.images.kernels.kernel import Kernel


class Recipe(NamedTuple):
    """What is done to a picture: kernels in turn, and how their responses become samples.

    `bias` is in the units of the samples; `amount` blends the result with the input.
    """

    kernels: tuple[Kernel, ...]
    border: Border = Border("edge")
    stride: tuple[int, int] = (1, 1)
    channels: str = "rgb"
    gray: bool = False
    linear: bool = False
    range: Range = Range()
    bias: Fraction = Fraction(0)
    amount: Fraction = Fraction(1)
    exact: bool = False

    @property
    def label(self) -> str:
        """The names of its kernels, for names of files."""
        return "+".join(dict.fromkeys(one.name for one in self.kernels))

    @property
    def title(self) -> str:
        """The same for people: a matrix says its size, as in `custom 3x3`."""
        return "+".join(dict.fromkeys(one.title for one in self.kernels))

    def spares_alpha(self, picture: Picture) -> bool:
        """Whether the last sample is alpha, and no channel like the others."""
        return picture.has_alpha and self.channels != "each"

    def blends_alpha(self, picture: Picture) -> bool:
        """Whether alpha is looked at; where all is opaque, colours are filtered without it."""
        return self.spares_alpha(picture) and not picture.opaque


class Filtered(NamedTuple):
    """A filtered picture, and the statistics of its values before they were rounded."""

    picture: Picture
    statistics: Statistics

    @property
    def pixels(self) -> NDArray[Any]:
        return self.picture.pixels
