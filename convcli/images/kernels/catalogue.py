"""The catalogue: named kernels, each with its parameters, its source and what it is for.

One line of CATALOGUE adds a kernel: a function of its parameters that builds it, where it is from,
and a line of words.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil, cos, exp, pi, radians, sin, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convcli.errors import SpecError
from convcli.images.kernels.factor import Matrix
from convcli.images.kernels.kernel import MAX_SIDE, Kernel, Part, rotated

AXIS_BITS, MATRIX_BITS = 18, 22
"""Bits of the weights that are not rational by nature: two axes of 18 and a sample of 16 fill the
52 bits of float64; a matrix of 22, whose magnitudes sum to 2, fills 32 bits with 8-bit samples."""

NARROW = 0.8
"""Below this σ a sampled gaussian is too narrow, and is sampled from a wider one."""


class Entry(NamedTuple):
    """A line of the catalogue: how to build the kernel, where it is from, what it is for.

    `build` is a function each of whose parameters has a default, with which the kernel is listed.
    """

    build: Callable[..., Kernel]
    source: str
    purpose: str


def _ints(*rows: Sequence[int]) -> Matrix:
    return np.array(rows, np.int64)


def _column(*taps: int) -> Matrix:
    return _ints(taps).T


def _row(*taps: int) -> Matrix:
    return _ints(taps)


def _fixed(*factors: Matrix, over: int = 1) -> Callable[[], Kernel]:
    return lambda: Kernel((Part(factors, Fraction(1, over)),))


def _integer(name: str, value: object, minimum: int = 1, maximum: int = MAX_SIDE) -> int:
    """An argument as a whole number. Raises SpecError."""
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
        raise SpecError(f"{name}={value} must be a whole number from {minimum} to {maximum}")
    return value


def _number(name: str, value: object, above: float, maximum: float) -> float:
    """An argument as a number. Raises SpecError."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise SpecError(f"{name}={value} is not a number")
    if not above < value <= maximum:
        raise SpecError(f"{name}={value} must be above {above:g} and at most {maximum:g}")
    return float(value)


def _rounded(values: ArrayLike, bits: int, total: float | None = None) -> Matrix:
    """Weights as multiples of 2^−bits, whose sum is exactly `total`: the middle takes the rest."""
    multiples = np.rint(np.asarray(values, np.float64) * 2.0**bits).astype(np.int64)
    if total is not None:
        middle = tuple((side - 1) // 2 for side in multiples.shape)
        multiples[middle] += round(total * 2**bits) - int(multiples.sum())
    return multiples


def _dense(values: ArrayLike, total: float | None = None) -> Part:
    return Part((_rounded(values, MATRIX_BITS, total),), Fraction(1, 2**MATRIX_BITS))


def _box(size: int = 3) -> Kernel:
    ones = (1,) * _integer("size", size)
    return Kernel((Part((_column(*ones), _row(*ones)), Fraction(1, size * size)),))


def _binomial(size: int = 3) -> Kernel:
    taps = [1]
    for _ in range(_integer("size", size, maximum=31) - 1):
        taps = [a + b for a, b in zip([0, *taps], [*taps, 0], strict=True)]
    return Kernel((Part((_column(*taps), _row(*taps)), Fraction(1, 4 ** (size - 1))),))


def _gaussian(sigma: float = 1.0, size: int | None = None) -> Kernel:
    taps = _gaussian_taps(sigma, size)
    part = Part((taps[:, np.newaxis], taps[np.newaxis]), Fraction(1, 4**AXIS_BITS))
    return Kernel((part,), smooth=float(sigma) if size is None else 0.0)


def _gaussian_taps(sigma: float, size: int | None = None) -> Matrix:
    """Taps of e^(−x²/2σ²) at whole x up to ⌈4σ⌉, or in a size, as multiples of 2⁻¹⁸."""
    _number("sigma", sigma, 0, MAX_SIDE / 8)
    radius = ceil(4 * sigma)
    if size is not None:
        if _integer("size", size) % 2 == 0:
            raise SpecError(f"size={size} must be odd, so that the kernel has a middle")
        radius = size // 2
    elif sigma < NARROW:
        sigma, radius = _widened(sigma), 4
    x = np.arange(-radius, radius + 1)
    with np.errstate(over="ignore", under="ignore"):  # a sigma near 0 leaves the centre alone
        taps = np.exp(-0.5 * (x / sigma) ** 2)
    return _trimmed(_rounded(taps / taps.sum(), AXIS_BITS, 1.0), size)


def _widened(sigma: float) -> float:
    """The σ to sample a gaussian with so that its taps have that standard deviation."""
    low, high = 1e-3, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        taps = [exp(-0.5 * (x / middle) ** 2) for x in range(1, 5)]
        variance = 2 * sum(x * x * tap for x, tap in enumerate(taps, 1)) / (1 + 2 * sum(taps))
        low, high = (middle, high) if variance < sigma * sigma else (low, middle)
    return high


def _trimmed(taps: Matrix, size: int | None) -> Matrix:
    """Taps without the zeros that rounding leaves at both ends."""
    edge = 0
    while size is None and taps.size - 2 * edge > 1 and taps[edge] == 0 == taps[-1 - edge]:
        edge += 1
    return taps[edge : taps.size - edge]


def _unsharp(sigma: float = 1.0, amount: float = 1.0) -> Kernel:
    share = Fraction(str(_number("amount", amount, 0, 100)))
    return _difference(1 + share, _gaussian(sigma), share)


def _high_pass(sigma: float = 2.0) -> Kernel:
    return _difference(Fraction(1), _gaussian(sigma), Fraction(1))


def _difference(centre: Fraction, blur: Kernel, share: Fraction) -> Kernel:
    (part,) = blur.parts
    return Kernel(
        (Part((_row(1),), centre), part._replace(scale=part.scale * -share)), combine="sum"
    )


def _dog(sigma1: float = 1.0, sigma2: float = 1.6) -> Kernel:
    (narrow,), (wide,) = _gaussian(sigma1).parts, _gaussian(sigma2).parts
    return Kernel((narrow, wide._replace(scale=-wide.scale)), combine="sum")


def _log(sigma: float = 1.4) -> Kernel:
    taps = _gaussian_taps(sigma)
    radius = taps.size // 2
    x = np.arange(-radius, radius + 1)
    # σ²·∇²G = (x² + y²)/σ² − 2 times G: two separable parts, each with a sum of 0
    curve = _rounded((x**2 / sigma**2 - 1) * (taps / 2**AXIS_BITS), AXIS_BITS, 0.0)
    scale = Fraction(1, 4**AXIS_BITS)
    parts = (
        Part((curve[:, np.newaxis], taps[np.newaxis]), scale),
        Part((taps[:, np.newaxis], curve[np.newaxis]), scale),
    )
    return Kernel(parts, combine="sum")


def _laplacian(neighbours: int = 4) -> Kernel:
    if neighbours not in (4, 8):
        raise SpecError(f"neighbours={neighbours} must be 4 or 8")
    corner = int(neighbours == 8)
    rows = (corner, 1, corner), (1, -neighbours, 1), (corner, 1, corner)
    return Kernel((Part((_ints(*rows),)),))


def _disk(radius: float = 2.0) -> Kernel:
    steps = ceil(_number("radius", radius, 0, 64) - 0.5)
    fine = 16  # the share of a pixel inside the circle, counted on 16×16 points
    places = (np.arange((2 * steps + 1) * fine) + 0.5) / fine - 0.5 - steps
    inside = places[:, np.newaxis] ** 2 + places**2 <= radius * radius
    side = 2 * steps + 1
    counts = inside.reshape(side, fine, side, fine).sum(axis=(1, 3)).astype(np.int64)
    return Kernel((Part((counts,), Fraction(1, int(counts.sum()))),))


def _motion(length: float = 9, angle: float = 0.0) -> Kernel:
    _number("length", length, 0, MAX_SIDE // 4)
    _number("angle", angle, -3600, 3600)
    radius = ceil(max(length - 1, 0) / 2)
    weights = np.zeros((2 * radius + 3, 2 * radius + 3))
    points = 64 * ceil(length) + 1
    for place in range(points):
        along = (place / (points - 1) - 0.5) * max(length - 1, 0)
        x = along * cos(radians(angle)) + radius + 1
        y = -along * sin(radians(angle)) + radius + 1
        left, top = int(x + 1e-9), int(y + 1e-9)
        right, below = max(x - left, 0.0), max(y - top, 0.0)
        for i, row_share in ((top, 1 - below), (top + 1, below)):
            for j, column_share in ((left, 1 - right), (left + 1, right)):
                weights[i, j] += row_share * column_share
    weights = (weights + weights[::-1, ::-1]) / (2 * points)
    keep = np.rint(weights * 2.0**MATRIX_BITS) > 0
    rows, columns = keep.any(axis=1), keep.any(axis=0)
    return Kernel((_dense(weights[rows][:, columns], 1.0),))


def _gabor(sigma: float = 2.0, theta: float = 0.0, wavelength: float = 4.0) -> Kernel:
    _number("sigma", sigma, 0, 60)
    _number("theta", theta, -3600, 3600)
    _number("wavelength", wavelength, 0, MAX_SIDE)
    radius = ceil(3 * sigma)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    along = x * cos(radians(theta)) + y * sin(radians(theta))
    window = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    wave = window * np.cos(2 * pi * along / wavelength)
    wave -= window * (wave.sum() / window.sum())  # no answer to a constant (Lee 1996)
    return Kernel((_dense(wave / max(np.abs(wave).sum() / 2, 1e-12), 0.0),))


def _random(size: int = 3, seed: int = 0) -> Kernel:
    _integer("size", size)
    _integer("seed", seed, minimum=0, maximum=2**63)
    taps = np.random.Generator(np.random.PCG64(seed)).standard_normal((size, size))
    return Kernel((_dense(taps / np.abs(taps).sum()),))


SIDES = {"left": (0, -1), "right": (0, 1), "top": (1, -1), "bottom": (1, 1)}
"""Which derivative an edge that is bright on one side has: (axis y, sign)."""


def _gradient(
    smooth: Sequence[int],
    difference: Sequence[int] = (-1, 0, 1),
    over: int = 1,
    *,
    part: str = "",
) -> Callable[..., Kernel]:
    """A derivative across an axis, smoothed along it: x, y, one side, or the magnitude of both."""
    scale = Fraction(1, over)
    x = Part((_column(*smooth), _row(*difference)), scale)
    y = Part((_column(*difference), _row(*smooth)), scale)

    def build(part: str = part or "magnitude") -> Kernel:
        if part == "magnitude":
            return Kernel((x, y), "magnitude")
        if part in ("x", "y"):
            return Kernel((x if part == "x" else y,))
        if part in SIDES:
            upright, sign = SIDES[part]
            one = y if upright else x
            return Kernel((one._replace(scale=one.scale * sign),), one_sided=True)
        raise SpecError(f"part={part} must be x, y, magnitude, {', '.join(SIDES)}")

    if not part:
        return build
    return lambda: build(part)


def _pair(first: Matrix, second: Matrix, scale: Fraction = Fraction(1)) -> Callable[[], Kernel]:
    return lambda: Kernel((Part((first,), scale), Part((second,), scale)), "magnitude")


def _kirsch() -> Kernel:
    north = Kernel((Part((_ints((5, 5, 5), (-3, 0, -3), (-3, -3, -3)),)),))
    compass = tuple(rotated(north, 45 * eighth).parts[0] for eighth in range(8))
    return Kernel(compass, "maximum")


def _frei_chen(mask: int = 0) -> Kernel:
    if mask == 0:
        root = round(sqrt(2) * 2**AXIS_BITS)
        return _gradient((2**AXIS_BITS, root, 2**AXIS_BITS), over=2**AXIS_BITS)()
    _integer("mask", mask, maximum=9)
    r = sqrt(2)
    masks = (
        ((1, r, 1), (0, 0, 0), (-1, -r, -1)), ((1, 0, -1), (r, 0, -r), (1, 0, -1)),
        ((0, -1, r), (1, 0, -1), (-r, 1, 0)), ((r, -1, 0), (-1, 0, 1), (0, 1, -r)),
        ((0, 1, 0), (-1, 0, -1), (0, 1, 0)), ((-1, 0, 1), (0, 0, 0), (1, 0, -1)),
        ((1, -2, 1), (-2, 4, -2), (1, -2, 1)), ((-2, 1, -2), (1, 4, 1), (-2, 1, -2)),
        ((1, 1, 1), (1, 1, 1), (1, 1, 1)),
    )  # fmt: skip
    norms = (2 * r,) * 4 + (2.0, 2.0, 6.0, 6.0, 3.0)
    values = np.array(masks[mask - 1]) / norms[mask - 1]
    return Kernel((_dense(values),))


SETOSA = "Powell, Image Kernels Explained Visually (setosa.io), 2015"
SOBEL = "Sobel & Feldman, A 3×3 Isotropic Gradient Operator, 1968"
PREWITT = "Prewitt, Object Enhancement and Extraction, 1970"
SCHARR = "Scharr, Optimale Operatoren in der Digitalen Bildverarbeitung, 2000"
FARID = "Farid & Simoncelli, Differentiation of Discrete Multidimensional Signals, 2004"
FREI_CHEN = "Frei & Chen, Fast Boundary Detection, 1977"

P = [round(p * 2**AXIS_BITS) for p in (0.0376593171958126, 0.249153396177344)]
D = [round(d * 2**AXIS_BITS) for d in (0.109603762960254, 0.276690988455557)]
FARID_TAPS = (P[0], P[1], 2**AXIS_BITS - 2 * (P[0] + P[1]), P[1], P[0]), (-D[0], -D[1], 0, *D[::-1])


class Gradient(NamedTuple):
    """A family of gradients: its taps across the derivative and along it, over a divisor."""

    smooth: Sequence[int]
    source: str
    purpose: str
    difference: Sequence[int] = (-1, 0, 1)
    over: int = 1

    def build(self, part: str = "") -> Callable[..., Kernel]:
        return _gradient(self.smooth, self.difference, self.over, part=part)


GRADIENTS = {
    "sobel": Gradient((1, 2, 1), SOBEL, "edge strength"),
    "prewitt": Gradient((1, 1, 1), PREWITT, "edge strength, less smoothed"),
    "scharr": Gradient((3, 10, 3), SCHARR, "edge strength, alike in all directions"),
    "farid": Gradient(
        FARID_TAPS[0],
        FARID,
        "edge strength, 5 taps, most alike in all directions",
        FARID_TAPS[1],
        4**AXIS_BITS,
    ),
}

CATALOGUE: dict[str, Entry] = {
    "identity": Entry(_fixed(_row(1)), "definition", "leaves the picture as it is"),
    "box": Entry(_box, "definition", "the mean of a square: box:5"),
    "blur": Entry(
        _fixed(_column(1, 2, 1), _row(1, 2, 1), over=16),
        "Wells, Efficient Synthesis of Gaussian Filters, 1986",
        "a light blur, binomial:3",
    ),
    "binomial": Entry(
        _binomial,
        "Wells, Efficient Synthesis of Gaussian Filters, 1986",
        "a blur of whole numbers: binomial:5 has 1 4 6 4 1",
    ),
    "gaussian": Entry(
        _gaussian, "sampled, normalised, radius ⌈4σ⌉", "a blur of any width: gaussian:2"
    ),
    "disk": Entry(_disk, "area of each pixel in a circle", "an out-of-focus blur: disk:3"),
    "motion": Entry(_motion, "a line, drawn bilinearly", "a blur along a line: motion:15,angle=30"),
    "sharpen": Entry(_fixed(_ints((0, -1, 0), (-1, 5, -1), (0, -1, 0))), SETOSA, "crisper detail"),
    "unsharp": Entry(
        _unsharp, "identity + amount · (identity − gaussian)", "crisper: unsharp:2,amount=0.5"
    ),
    "high-pass": Entry(_high_pass, "identity − gaussian", "detail without shade: high-pass:3"),
    "edge": Entry(_fixed(_ints((-1, -1, -1), (-1, 8, -1), (-1, -1, -1))), SETOSA, "outlines"),
    "outline": Entry(
        _fixed(_ints((-1, -1, -1), (-1, 8, -1), (-1, -1, -1))), SETOSA, "outlines, as edge"
    ),
    "laplacian": Entry(_laplacian, "definition", "second derivative: laplacian:8 with diagonals"),
    "log": Entry(_log, "Marr & Hildreth, Theory of Edge Detection, 1980", "blobs and edges: log:2"),
    "dog": Entry(
        _dog, "Marr & Hildreth, Theory of Edge Detection, 1980", "a band of detail: dog:1,1.6"
    ),
    "emboss": Entry(_fixed(_ints((-2, -1, 0), (-1, 1, 1), (0, 1, 2))), SETOSA, "raised relief"),
    **{
        name: Entry(one.build(), one.source, f"{one.purpose}: {name}, {name}:x, {name}:left")
        for name, one in GRADIENTS.items()
    },
    **{
        f"{name}-{axis}": Entry(
            one.build(axis), one.source, f"{'upright' if axis == 'x' else 'level'} edges"
        )
        for name, one in GRADIENTS.items()
        for axis in "xy"
    },
    "roberts": Entry(
        _pair(_ints((1, 0), (0, -1)), _ints((0, 1), (-1, 0))),
        "Roberts, Machine Perception of Three-Dimensional Solids, 1963",
        "edge strength of 2×2 pixels",
    ),
    "kirsch": Entry(
        _kirsch,
        "Kirsch, Computer Determination of … Biological Images, 1971",
        "strongest of 8 edges",
    ),
    "frei-chen": Entry(_frei_chen, FREI_CHEN, "edge strength; frei-chen:1 to 9 are the masks"),
    "gabor": Entry(
        _gabor, "Daugman, 1985; without its mean", "stripes of a direction: gabor:2,theta=45"
    ),
    "random": Entry(_random, "PCG64, standard normal, Σ|w| = 1", "random weights: random:5,seed=1"),
}  # fmt: skip
"""Name → how to build it, its source, what it is for."""


def parameters(name: str) -> dict[str, object]:
    """A kernel's parameters and what they are where nothing is said.

    >>> parameters("gaussian")
    {'sigma': 1.0, 'size': None}
    """
    build = CATALOGUE[name].build
    names = build.__code__.co_varnames[: build.__code__.co_argcount]
    return dict(zip(names, build.__defaults__ or (), strict=True))


def built(
    name: str, arguments: Sequence[object] = (), named: Mapping[str, object] | None = None
) -> Kernel:
    """A kernel of the catalogue from values by place and by name.

    >>> built("box", [5]).shape
    (5, 5)
    """
    takes = parameters(name)
    given: dict[str, object] = dict(zip(takes, arguments, strict=False))
    problem = ""
    if len(arguments) > len(takes):
        problem = f"too many values ({len(arguments)})"
    for key, value in (named or {}).items():
        if key not in takes:
            problem = f"no value is called {key}"
        elif key in given:
            problem = f"{key} is given twice"
        given[key] = value
    if problem:
        words = ", ".join(f"{key}={value}" for key, value in takes.items()) or "no values"
        raise SpecError(f"kernel {name}: {problem}; it takes {words}")
    return CATALOGUE[name].build(**given)._replace(name=name, listed=True)
