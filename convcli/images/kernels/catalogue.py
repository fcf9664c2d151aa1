"""The catalogue: named kernels, each with its parameters, its source and what it is for.

One line of CATALOGUE adds a kernel: a function of its parameters that builds it, where it is from,
and a line of words.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil, cos, pi, radians, sin, sqrt

import numpy as np

from convcli.callsyntax import Call, read_call
from convcli.errors import SpecError
from convcli.images.kernels.blurs import (
    binomial,
    box,
    disk,
    gaussian,
    gaussian_taps,
    motion,
)
from convcli.images.kernels.kernel import MAX_SIDE, Kernel, Lines, Matrix, Part
from convcli.images.kernels.transforms import rotated
from convcli.images.kernels.weights import (
    AXIS_BITS,
    column,
    dense,
    integer,
    ints,
    number,
    rounded,
    row,
)
from convcli.records import NamedTuple
from convcli.text import like


class Entry(NamedTuple):
    """A line of the catalogue: how to build the kernel, where it is from, what it is for.

    `build` is a function each of whose parameters has a default, with which the kernel is listed.
    """

    build: Callable[..., Kernel]
    source: str
    purpose: str


def _fixed(*factors: Matrix, over: int = 1) -> Callable[[], Kernel]:
    return lambda: Kernel((Part(factors, Fraction(1, over)),))


def _unsharp(sigma: float = 1.0, amount: float = 1.0, threshold: float = 0.0) -> Kernel:
    """Samples that differ from the gaussian by less than the threshold stay as they are."""
    share = Fraction(str(number("amount", amount, 0, 100)))
    number("threshold", threshold, -1e-300, 65535)
    sharp = _difference(1 + share, gaussian(sigma), share)
    return sharp._replace(threshold=share * Fraction(str(threshold)))


def _canny(sigma: float = 1.0, low: float = 0.1, high: float = 0.2) -> Kernel:
    """Lines of sobel's gradients after a gaussian; strengths are as shares of white."""
    gaussian(sigma)
    if not 0 <= number("low", low, -1e-300, 100) <= number("high", high, -1e-300, 100):
        raise SpecError(f"low={low} must be at most high={high}")
    return _gradient((1, 2, 1))()._replace(lines=Lines(sigma, low, high))


def _high_pass(sigma: float = 2.0) -> Kernel:
    return _difference(Fraction(1), gaussian(sigma), Fraction(1))


def _difference(center: Fraction, blur: Kernel, share: Fraction) -> Kernel:
    (part,) = blur.parts
    return Kernel(
        (Part((row(1),), center), part._replace(scale=part.scale * -share)), combine="sum"
    )


def _dog(sigma1: float = 1.0, sigma2: float = 1.6) -> Kernel:
    (first,), (second,) = gaussian(sigma1).parts, gaussian(sigma2).parts
    return Kernel((first, second._replace(scale=-second.scale)), combine="sum")


def _log(sigma: float = 1.4) -> Kernel:
    taps = gaussian_taps(sigma)
    radius = taps.size // 2
    x = np.arange(-radius, radius + 1)
    # σ²·∇²G = (x² + y²)/σ² − 2 times G: two separable parts, each with a sum of 0
    curve = rounded((x**2 / sigma**2 - 1) * (taps / 2**AXIS_BITS), AXIS_BITS, 0.0)
    scale = Fraction(1, 4**AXIS_BITS)
    parts = (
        Part((curve[:, np.newaxis], taps[np.newaxis]), scale),
        Part((taps[:, np.newaxis], curve[np.newaxis]), scale),
    )
    return Kernel(parts, combine="sum")


def _laplacian(neighbors: int = 4) -> Kernel:
    if neighbors not in (4, 8):
        raise SpecError(f"neighbors={neighbors} must be 4 or 8")
    corner = int(neighbors == 8)
    rows = (corner, 1, corner), (1, -neighbors, 1), (corner, 1, corner)
    return Kernel((Part((ints(*rows),)),))


def _emboss(angle: int = 135) -> Kernel:
    """A relief that is lit from an angle, counterclockwise from the right: 135 is the top left."""
    if number("angle", angle, -3601, 3600) % 45:
        raise SpecError(f"angle={angle} must be a multiple of 45")
    lit = Kernel((Part((ints((-2, -1, 0), (-1, 1, 1), (0, 1, 2)),)),))
    return rotated(lit, int(angle) - 135)


def _gabor(sigma: float = 2.0, theta: float = 0.0, wavelength: float = 4.0) -> Kernel:
    number("sigma", sigma, 0, 60)
    number("theta", theta, -3600, 3600)
    number("wavelength", wavelength, 0, MAX_SIDE)
    radius = ceil(3 * sigma)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    along = x * cos(radians(theta)) + y * sin(radians(theta))
    window = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    wave = window * np.cos(2 * pi * along / wavelength)
    wave -= window * (wave.sum() / window.sum())  # no answer to a constant (Lee 1996)
    return Kernel((dense(wave / max(np.abs(wave).sum() / 2, 1e-12), 0.0),))


def _random(size: int = 3, seed: int = 0) -> Kernel:
    integer("size", size)
    integer("seed", seed, minimum=0, maximum=2**63)
    taps = np.random.Generator(np.random.PCG64(seed)).standard_normal((size, size))
    return Kernel((dense(taps / np.abs(taps).sum()),))


SIDES = {"left": (0, -1), "right": (0, 1), "top": (1, -1), "bottom": (1, 1)}
"""The derivative that answers to an edge that is bright on one side: (axis y, sign)."""


def _gradient(
    smooth: Sequence[int],
    difference: Sequence[int] = (-1, 0, 1),
    over: int = 1,
    *,
    part: str = "",
) -> Callable[..., Kernel]:
    """A derivative across an axis, smoothed along it: x, y, one side, or the magnitude of both."""
    scale = Fraction(1, over)
    x = Part((column(*smooth), row(*difference)), scale)
    y = Part((column(*difference), row(*smooth)), scale)

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
    north = Kernel((Part((ints((5, 5, 5), (-3, 0, -3), (-3, -3, -3)),)),))
    compass = tuple(rotated(north, 45 * eighth).parts[0] for eighth in range(8))
    return Kernel(compass, "maximum")


def _frei_chen(mask: int = 0) -> Kernel:
    if mask == 0:
        root = round(sqrt(2) * 2**AXIS_BITS)
        return _gradient((2**AXIS_BITS, root, 2**AXIS_BITS), over=2**AXIS_BITS)()
    integer("mask", mask, maximum=9)
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
    return Kernel((dense(values),))


SETOSA = "Powell, Image Kernels Explained Visually (setosa.io), 2015"
MOTION = "uniform; at an angle by the distance to the line, as MATLAB's fspecial"
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
    "scharr": Gradient((3, 10, 3), SCHARR, "edge strength, the same in all directions"),
    "farid": Gradient(
        FARID_TAPS[0],
        FARID,
        "edge strength, 5 taps, nearly the same in all directions",
        FARID_TAPS[1],
        4**AXIS_BITS,
    ),
}

CATALOGUE: dict[str, Entry] = {
    "identity": Entry(_fixed(row(1)), "definition", "leaves the picture as it is"),
    "box": Entry(box, "definition", "the mean of a square or rectangle: box:5, box:3x5"),
    "blur": Entry(
        binomial,
        "Wells, Efficient Synthesis of Gaussian Filters, 1986",
        "a light blur, binomial:3; blur:5 is stronger",
    ),
    "binomial": Entry(
        binomial,
        "Wells, Efficient Synthesis of Gaussian Filters, 1986",
        "a blur with integer weights: binomial:5 has 1 4 6 4 1",
    ),
    "gaussian": Entry(
        gaussian,
        "sampled, normalized, radius ⌈4σ⌉",
        "a blur of any width: gaussian:2, gaussian:3,1,angle=30",
    ),
    "disk": Entry(disk, "area of each pixel in a circle", "an out-of-focus blur: disk:3"),
    "motion": Entry(motion, MOTION, "the mean along a line: motion:15, motion:15,30"),
    "sharpen": Entry(_fixed(ints((0, -1, 0), (-1, 5, -1), (0, -1, 0))), SETOSA, "crisper detail"),
    "unsharp": Entry(
        _unsharp,
        "identity + amount · (identity − gaussian)",
        "sharpening: unsharp:2,amount=0.5,threshold=4",
    ),
    "high-pass": Entry(_high_pass, "identity − gaussian", "detail without shade: high-pass:3"),
    "edge": Entry(_fixed(ints((-1, -1, -1), (-1, 8, -1), (-1, -1, -1))), SETOSA, "outlines"),
    "outline": Entry(
        _fixed(ints((-1, -1, -1), (-1, 8, -1), (-1, -1, -1))), SETOSA, "outlines, as edge"
    ),
    "laplacian": Entry(_laplacian, "definition", "second derivative: laplacian:8 with diagonals"),
    "log": Entry(_log, "Marr & Hildreth, Theory of Edge Detection, 1980", "blobs and edges: log:2"),
    "dog": Entry(
        _dog, "Marr & Hildreth, Theory of Edge Detection, 1980", "a band of detail: dog:1,1.6"
    ),
    "emboss": Entry(_emboss, SETOSA, "raised relief; emboss:45 is lit from the top right"),
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
    "canny": Entry(
        _canny,
        "Canny, A Computational Approach to Edge Detection, 1986",
        "edges as thin lines: canny:2,0.1,0.2 (gaussian, sobel, thinned, linked)",
    ),
    "roberts": Entry(
        _pair(ints((1, 0), (0, -1)), ints((0, 1), (-1, 0))),
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


ALIASES = {"neighbours": "neighbors"}
"""Other spelling of a parameter → its name."""


def kernel_call(spec: str) -> Call:
    """A name of the catalogue with its values, in any case, and sizes as 3x5.

    >>> kernel_call("Box:3x5")
    Call(name='box', args=((3, 5),), kwargs={})

    Raises SpecError for a name that there is not.
    """
    written = read_call(re.sub(r"(?<![\w.])([0-9]+)[xX×]([0-9]+)(?![\w.])", r"(\1, \2)", spec))
    name = written.name.lower().replace("_", "-")
    if name not in CATALOGUE:
        hint = like(name, CATALOGUE) or "; convcli kernels lists them"
        raise SpecError(f"no kernel is called {written.name!r}{hint}")
    values = (one.lower() if isinstance(one, str) else one for one in written.args)
    named = {
        key.lower(): one.lower() if isinstance(one, str) else one
        for key, one in written.kwargs.items()
    }
    return Call(name, tuple(values), named)


def parameters(name: str) -> dict[str, object]:
    """A kernel's parameters and their defaults.

    >>> parameters("gaussian")
    {'sigma': 1.0, 'sigma_y': None, 'angle': 0.0, 'size': None}
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
    for word, value in (named or {}).items():
        key = ALIASES.get(word, word)
        if key not in takes:
            problem = f"there is no value {key}"
        elif key in given:
            problem = f"{key} is given twice"
        given[key] = value
    if problem:
        words = ", ".join(f"{key}={value}" for key, value in takes.items()) or "no values"
        raise SpecError(f"kernel {name}: {problem}; it takes {words}")
    return CATALOGUE[name].build(**given)._replace(name=name, listed=True)
