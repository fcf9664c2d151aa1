"""Layers that move, repeat or join values: reshapes, pads, upsampling, shuffles, merges."""

from collections.abc import Sequence
from math import prod

from convcli.borders import Border, BorderName
from convcli.errors import UnfitError
from convcli.geometry import Pair, Window
from convcli.nets.layers.arguments import count, plain
from convcli.nets.layers.shapes import (
    Measure,
    Misfit,
    Names,
    Shape,
    Sizes,
    check_groups,
    factors,
    maps,
    size_text,
)
from convcli.records import NamedTuple, equal_by_type


@equal_by_type
class Reshape(NamedTuple):
    """The same values in another shape `(channels, *lengths)`; one −1 stands for the rest.

    `Reshape((-1,))` flattens. The axes before `start` and from `stop` on stay as they are; a
    negative number counts from the end.

    >>> Reshape((2, 3), start=-1).measure((5, 6)).output, Reshape(stop=2).measure((4, 3, 7)).output
    ((5, 2, 3), (12, 7))
    """

    shape: tuple[int, ...] = (-1,)
    start: int = 0
    channels_last: bool = False
    """Whether values are counted with the channels last, as Keras has them."""
    stop: int | None = None

    @property
    def type(self) -> str:
        return "flatten" if self.shape == (-1,) else "reshape"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        start, stop, _ = slice(self.start, self.stop).indices(len(shape))
        if start >= stop or not -len(shape) <= self.start or (self.stop or 0) > len(shape):
            raise UnfitError(f"{self.type} from axis {self.start + 1} meets {size_text(shape)}")
        kept, rest, further = shape[:start], prod(shape[start:stop]), shape[stop:]
        known = prod(size for size in self.shape if size != -1)
        if not known or rest % known or (-1 not in self.shape and rest != known):
            wanted = size_text(self.shape)
            raise Misfit(
                f"a shape of {wanted} ({known:,} values) meets {rest:,} values{factors(shape)}",
                Reshape((-1,)),
                known,
                rest,
            )
        sizes = (rest // known if size == -1 else size for size in self.shape)
        return Measure((*kept, *sizes, *further))


@equal_by_type
class Pad(NamedTuple):
    """Cells added before and after each axis; negative numbers crop."""

    padding: tuple[Pair, ...]
    border: BorderName = "constant"
    """The border mode: a name of `convcli.borders.BORDERS`."""
    value: float = 0.0

    @property
    def type(self) -> str:
        return "pad"

    def measure(self, *inputs: Shape) -> Measure:
        shape = maps("pad", inputs, len(self.padding))
        lengths = tuple(n + sum(pad) for n, pad in zip(shape[1:], self.padding, strict=True))
        kept = [
            n + min(before, 0) + min(after, 0)
            for n, (before, after) in zip(shape[1:], self.padding, strict=True)
        ]
        # what is repeated has to be there
        if min(lengths) < 1 or min(kept) < Border(self.border).repeats:
            raise UnfitError(f"cropping {self.padding} removes all of {size_text(shape)}")
        windows = tuple((Window(1), pad) for pad in self.padding)
        return Measure((shape[0], *lengths), windows=windows)


@equal_by_type
class Upsample(NamedTuple):
    """Upsampling by `scale` on each axis, or to given lengths; one number holds for all axes."""

    scale: tuple[float, ...] = ()
    sizes: Sizes = ()
    mode: str = "nearest"
    """How new cells are computed: `nearest`, `linear`, or a mode known by its shapes alone."""
    corners: bool = False
    """Whether `linear` keeps the corners where they are: PyTorch's `align_corners`."""

    @property
    def type(self) -> str:
        return "upsample"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        axes = len(shape) - 1
        given = self.scale or self.sizes
        each = given * axes if len(given) == 1 else given
        if len(each) != axes or not axes:
            raise UnfitError(f"upsample by {len(given)} axes meets {size_text(shape)}")
        lengths = [
            int(n * size) if self.scale else int(size)
            for n, size in zip(shape[1:], each, strict=True)
        ]
        if min(lengths) < 1:
            raise UnfitError(f"upsample by {each} removes all of {size_text(shape)}")
        times = tuple(max(to // n, 1) for to, n in zip(lengths, shape[1:], strict=True))
        return Measure((shape[0], *lengths), upsampling=times)


@equal_by_type
class Identity(NamedTuple):
    """A layer that returns its input unchanged, under the name of what it does in training."""

    type: str = "identity"
    rate: float = 0.5
    """The share of values that a dropout zeroes in training."""
    whole_maps: bool = False
    """Whether a dropout zeroes complete maps."""

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        return Measure(shape)


def identity() -> Identity:
    return Identity()


@equal_by_type
class Shuffle(NamedTuple):
    """Channels shuffled: a matrix of `groups` rows is read by columns (Zhang et al. 2018)."""

    groups: int

    @property
    def type(self) -> str:
        return "channel_shuffle"

    def measure(self, *inputs: Shape) -> Measure:
        (shape,) = inputs
        check_groups(self.groups, shape[0], shape[0])
        return Measure(shape)


def shuffle(groups: object) -> Shuffle:
    return Shuffle(count(groups, "groups"))


@equal_by_type
class PixelShuffle(NamedTuple):
    """factor² channels moved to factor×factor cells (Shi et al. 2016), or back."""

    factor: int
    inverse: bool = False

    @property
    def type(self) -> str:
        return "pixel_unshuffle" if self.inverse else "pixel_shuffle"

    def measure(self, *inputs: Shape) -> Measure:
        channels, height, width = maps(self.type, inputs, 2)
        f = self.factor
        if self.inverse:
            if height % f or width % f:
                raise UnfitError(f"{self.type}({f}) does not divide {height}x{width}")
            windows = ((Window(f, stride=f), (0, 0)),) * 2
            return Measure((channels * f * f, height // f, width // f), windows=windows)
        if channels % (f * f):
            raise UnfitError(
                f"{self.type}({f}) needs {f * f} channels or a multiple, not {channels}"
            )
        return Measure((channels // (f * f), height * f, width * f), upsampling=(f, f))


def pixel_shuffle(upscale_factor: object) -> PixelShuffle:
    return PixelShuffle(count(upscale_factor, "upscale_factor"))


def pixel_unshuffle(downscale_factor: object) -> PixelShuffle:
    return PixelShuffle(count(downscale_factor, "downscale_factor"), inverse=True)


@equal_by_type
class Merge(NamedTuple):
    """Several inputs into one, value by value: `add`, `multiply`, `average`, `maximum`, …"""

    type: str

    def measure(self, *inputs: Shape) -> Measure:
        rank = max(map(len, inputs))
        # a gate (c,) on maps (c, h, w)
        level = [shape + (1,) * (rank - len(shape)) for shape in inputs]
        return Measure(together(self.type, inputs, level))


def together(type_: str, shapes: Sequence[Shape], level: Sequence[Shape]) -> Shape:
    """The common shape of several shapes, once they are `level`: of equal rank.

    An axis of 1 is broadcast. Raises UnfitError when an axis differs.
    """
    output = []
    for sizes in zip(*level, strict=True):
        lengths = set(sizes) - {1}
        if len(lengths) > 1:
            met = " and ".join(map(size_text, shapes))
            raise UnfitError(f"{type_} meets {met}, which do not match")
        output.append(lengths.pop() if lengths else 1)
    return tuple(output)


@equal_by_type
class Concat(NamedTuple):
    """Several inputs joined along one axis, 0 for the channels."""

    axis: int = 0

    @property
    def type(self) -> str:
        return "concat"

    def measure(self, *inputs: Shape) -> Measure:
        rest = {(*shape[: self.axis], *shape[self.axis + 1 :]) for shape in inputs}
        if len(rest) > 1:
            shapes = " and ".join(map(size_text, inputs))
            raise UnfitError(
                f"concat meets {shapes}, which differ in another axis than the joined one"
            )
        joined = sum(shape[self.axis] for shape in inputs)
        first = inputs[0]
        return Measure((*first[: self.axis], joined, *first[self.axis + 1 :]))


NAMES: Names = {
    "short": {"identity": identity, "shuffle": shuffle},
    "PyTorch": {
        "Identity": plain(Identity()),
        "ChannelShuffle": shuffle,
        "PixelShuffle": pixel_shuffle,
        "PixelUnshuffle": pixel_unshuffle,
    },
}
