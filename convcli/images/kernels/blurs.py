"""Kernels that blur: boxes, binomials, gaussians, circles and lines."""

from fractions import Fraction
from math import ceil, cos, exp, log2, radians, sin, sqrt

import numpy as np

from convcli.errors import SpecError
from convcli.images.kernels.kernel import MAX_SIDE, Kernel, Matrix, Part
from convcli.images.kernels.weights import (
    AXIS_BITS,
    MATRIX_BITS,
    column,
    dense,
    integer,
    number,
    rounded,
    row,
)

NARROW = 0.8
"""Below this σ a sampled gaussian is too narrow, and is sampled from a wider one."""


MAX_SIGMA = 255
"""Above that the taps of a gaussian have too few bits; its sides are up to 1,900 pixels."""

MAX_TURNED = 30
"""Of a gaussian that is not a column and row, every weight of which is multiplied."""


def box(size: int | tuple[int, ...] = 3) -> Kernel:
    """The mean of a square, or of a rectangle of rows x columns."""
    sides = size if isinstance(size, tuple) else (size, size)
    if len(sides) != 2:
        raise SpecError(f"size={size} must be one number, or two as in 3x5")
    rows, columns = (integer("size", side) for side in sides)
    part = Part((column(*(1,) * rows), row(*(1,) * columns)), Fraction(1, rows * columns))
    return Kernel((part,))


def binomial(size: int = 3) -> Kernel:
    taps = [1]
    for _ in range(integer("size", size, maximum=31) - 1):
        taps = [a + b for a, b in zip([0, *taps], [*taps, 0], strict=True)]
    return Kernel((Part((column(*taps), row(*taps)), Fraction(1, 4 ** (size - 1))),))


def gaussian(
    sigma: float = 1.0,
    sigma_y: float | None = None,
    angle: float = 0.0,
    size: int | None = None,
) -> Kernel:
    """A gaussian as wide as it is high; or σ along a line, turned by an angle, and σ across it."""
    turn = number("angle", angle, -3601, 3600) % 180
    if sigma_y is None or sigma == sigma_y:
        taps = gaussian_taps(sigma, size)
        part = Part((taps[:, np.newaxis], taps[np.newaxis]), Fraction(1, 4**AXIS_BITS))
        return Kernel((part,), smooth=float(sigma) if size is None else 0.0)
    if turn % 90:
        return _turned_gaussian(sigma, sigma_y, turn, size)
    x, y = (gaussian_taps(one, size) for one in (sigma, sigma_y)[:: -1 if turn else 1])
    return Kernel((Part((y[:, np.newaxis], x[np.newaxis]), Fraction(1, 4**AXIS_BITS)),))


def _turned_gaussian(along: float, across: float, angle: float, size: int | None) -> Kernel:
    """e^(−u²/2σ² − v²/2σ'²), u along the line and v across it, up to 4 σ."""
    for name, sigma in (("sigma", along), ("sigma_y", across)):
        number(name, sigma, 0, MAX_TURNED)
    cosine, sine = cos(radians(angle)), sin(radians(angle))
    half_x, half_y = (
        ceil(4 * sqrt((along * a) ** 2 + (across * b) ** 2))
        for a, b in ((cosine, sine), (sine, cosine))
    )
    if size is not None:
        half_x = half_y = _odd(size) // 2
    y, x = np.mgrid[half_y : -half_y - 1 : -1, -half_x : half_x + 1]
    u, v = x * cosine + y * sine, y * cosine - x * sine
    with np.errstate(over="ignore", under="ignore"):
        weights = np.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2))
    # the wider, the smaller its weights, and the more bits for each
    bits = MATRIX_BITS + round(log2(max(1.0, along * across)))
    return Kernel((dense(weights / weights.sum(), 1.0, bits),))


def gaussian_taps(sigma: float, size: int | None = None) -> Matrix:
    """Taps of e^(−x²/2σ²) at whole x up to ⌈4σ⌉, or in a size, as multiples of 2⁻¹⁸."""
    number("sigma", sigma, 0, MAX_SIGMA)
    radius = ceil(4 * sigma)
    if size is not None:
        radius = _odd(size) // 2
    elif sigma < NARROW:
        sigma, radius = _widened(sigma), 4
    x = np.arange(-radius, radius + 1)
    with np.errstate(over="ignore", under="ignore"):  # a sigma near 0 leaves only the center
        taps = np.exp(-0.5 * (x / sigma) ** 2)
    taps /= taps.sum()
    if radius > MAX_SIDE // 2:  # what rounding leaves of the tails is shared by all
        taps[taps < 0.5 / 2**AXIS_BITS] = 0
        taps /= taps.sum()
    return _trimmed(rounded(taps, AXIS_BITS, 1.0), size)


def _odd(size: int) -> int:
    """A size with a middle. Raises SpecError."""
    if integer("size", size) % 2 == 0:
        raise SpecError(f"size={size} must be odd, so that the kernel has a middle")
    return size


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


def disk(radius: float = 2.0) -> Kernel:
    steps = ceil(number("radius", radius, 0, 64) - 0.5)
    fine = 16  # the share of a pixel inside the circle, counted on 16×16 points
    places = (np.arange((2 * steps + 1) * fine) + 0.5) / fine - 0.5 - steps
    inside = places[:, np.newaxis] ** 2 + places**2 <= radius * radius
    side = 2 * steps + 1
    counts = inside.reshape(side, fine, side, fine).sum(axis=(1, 3)).astype(np.int64)
    return Kernel((Part((counts,), Fraction(1, int(counts.sum()))),))


def motion(length: float = 9, angle: float = 0.0) -> Kernel:
    """The mean of the pixels along a line, counterclockwise from the right.

    Along a row or column a whole number of pixels count alike, 1/length each. At another angle, or
    of another length, a pixel counts by its distance d to the line, max(0, 1 − d), as in MATLAB's
    fspecial("motion").

    >>> motion(4).matrices()
    [(array([[1, 1, 1, 1]]), Fraction(1, 4))]
    """
    number("length", length, 0, MAX_SIDE // 4)
    turn = number("angle", angle, -3601, 3600) % 180
    if length % 1 == 0 and turn % 90 == 0:
        ones = (1,) * int(length)
        return Kernel((Part((column(*ones) if turn else row(*ones),), Fraction(1, len(ones))),))
    half = (max(length, 1) - 1) / 2
    radius = ceil(half) + 1
    y, x = np.mgrid[radius : -radius - 1 : -1, -radius : radius + 1]
    along = x * cos(radians(turn)) + y * sin(radians(turn))
    across = y * cos(radians(turn)) - x * sin(radians(turn))
    beyond = np.where(np.hypot(x, y) < half, 0, np.abs(along) - half)
    weights = np.maximum(1 - np.hypot(across, beyond), 0)
    shares = dense(weights / weights.sum(), 1.0)
    (matrix,) = shares.factors
    rows, columns = matrix.any(axis=1), matrix.any(axis=0)
    return Kernel((shares._replace(factors=(matrix[rows][:, columns],)),))
