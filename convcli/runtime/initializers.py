"""How filters are drawn: INITS, one line per way, from a seeded generator to weights (f, c, i, j).

`fan_in` is c·i·j, the weights of one filter; `fan_out` f·i·j. Where a scale is a matter of what
follows, `slope` is that of the activation: 0 for ReLU, 1 for none.
"""

from collections.abc import Callable
from math import prod, sqrt

import numpy as np
from numpy.typing import NDArray

from convcli.errors import UnfitError
from convcli.records import NamedTuple

Array = NDArray[np.float32]
Shape = tuple[int, ...]

CHUNK = 1 << 20
"""Values drawn at once in float64 before they become float32."""


class Init(NamedTuple):
    """A way to draw filters, and what may be done to them afterwards."""

    name: str = "he"
    zero_mean: bool = False
    """Take each filter's mean away, so that constant areas give 0."""
    unit_norm: bool = False
    """Scale each filter to a Euclidean norm of 1."""


def draw(init: Init, generator: np.random.Generator, shape: Shape, slope: float) -> Array:
    """Filters (f, c, *kernel), or the rows of a linear layer (f, c).

    >>> first = draw(Init("orthogonal"), np.random.default_rng(1), (4, 3, 2, 2), 0).reshape(4, -1)
    >>> np.abs(first @ first.T - np.eye(4)).max() < 1e-6
    np.True_

    Raises UnfitError for `zero_mean` on filters of one weight, which would leave nothing.
    """
    filters = INITS[init.name](generator, shape, slope)
    flat = filters.reshape(shape[0], -1)
    if init.zero_mean:
        if flat.shape[1] == 1:
            raise UnfitError(f"zero-mean erases filters of one weight, {shape}")
        largest = np.abs(flat).max(axis=1, keepdims=True)
        flat -= flat.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
        # what rounding leaves of a constant filter is nothing
        flat *= np.abs(flat).max(axis=1, keepdims=True) > 1e-6 * largest
    if init.unit_norm:
        norms = np.sqrt(np.square(flat, dtype=np.float64).sum(axis=1, keepdims=True))
        flat /= np.maximum(norms, np.finfo(np.float32).tiny).astype(np.float32)
    return flat.reshape(shape)


def _fan_in(shape: Shape) -> int:
    return prod(shape[1:])


def _filled(shape: Shape, values: Callable[[int], NDArray[np.floating]]) -> Array:
    """float32 values in the order in which one call would draw them, without all in float64."""
    filters = np.empty(prod(shape), np.float32)
    for start in range(0, filters.size, CHUNK):
        count = min(CHUNK, filters.size - start)
        filters[start : start + count] = values(count)
    return filters.reshape(shape)


def normal(generator: np.random.Generator, shape: Shape, slope: float, std: float = 1) -> Array:
    """N(0, 1)."""
    filters = _filled(shape, generator.standard_normal)
    if std != 1:
        filters *= np.float32(std)
    return filters


def uniform(generator: np.random.Generator, shape: Shape, slope: float) -> Array:
    """U(−1/√fan_in, 1/√fan_in), with which PyTorch's convolutions and linear layers begin."""
    bound = 1 / sqrt(_fan_in(shape))
    return _filled(shape, lambda count: generator.uniform(-bound, bound, count))


def he(generator: np.random.Generator, shape: Shape, slope: float) -> Array:
    """N(0, 2 / ((1 + slope²)·fan_in)) (He, Zhang, Ren & Sun 2015)."""
    return normal(generator, shape, slope, sqrt(2 / ((1 + slope**2) * _fan_in(shape))))


def lecun(generator: np.random.Generator, shape: Shape, slope: float) -> Array:
    """N(0, 1 / fan_in) (LeCun, Bottou, Orr & Müller 1998)."""
    return normal(generator, shape, slope, sqrt(1 / _fan_in(shape)))


def glorot(generator: np.random.Generator, shape: Shape, slope: float) -> Array:
    """N(0, 2 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""
    fan_out = shape[0] * prod(shape[2:])
    return normal(generator, shape, slope, sqrt(2 / (_fan_in(shape) + fan_out)))


def rademacher(generator: np.random.Generator, shape: Shape, slope: float) -> Array:
    """+1 or −1, each with one half."""
    return _filled(shape, lambda count: 2.0 * generator.integers(0, 2, count) - 1)


def orthogonal(generator: np.random.Generator, shape: Shape, slope: float) -> Array:
    """Orthonormal filters, in groups of fan_in where there are more (Saxe et al. 2014)."""
    count, fan_in = shape[0], _fan_in(shape)
    groups = [
        _orthonormal(generator, min(fan_in, count - start), fan_in)
        for start in range(0, count, fan_in)
    ]
    return np.concatenate(groups).astype(np.float32).reshape(shape)


def _orthonormal(generator: np.random.Generator, rows: int, length: int) -> NDArray[np.float64]:
    q, r = np.linalg.qr(generator.standard_normal((length, rows)))
    # QR leaves signs open; with R's diagonal positive every orthonormal basis is as likely
    return np.ascontiguousarray((q * np.where(np.diag(r) < 0, -1, 1)).T)


def gabor(generator: np.random.Generator, shape: Shape, slope: float) -> Array:
    """Gabor filters of unit norm with random direction, wavelength, phase and color.

    exp(−(u² + γ²v²) / 2σ²) · cos(2πu/λ + φ) with λ from 2.5 cells to the kernel's length, σ =
    0.56 λ (one octave), at most a third of the kernel, γ from 0.5 to 1 (Daugman 1985; ranges as in
    Coates & Ng 2012's learned filters), the channels in random proportions.
    """
    count, channels, kernel = shape[0], shape[1], shape[2:]
    height, width = (*(1,) * (2 - len(kernel)), *kernel)
    longest = max(height, width)
    angle, phase = generator.uniform(0, np.pi, count), generator.uniform(0, 2 * np.pi, count)
    wavelength = 2.5 * np.exp(generator.uniform(0, np.log(max(longest, 3) / 2.5), count))
    aspect = generator.uniform(0.5, 1, count)
    color = generator.standard_normal((count, channels))
    sigma = np.minimum(0.56 * wavelength, max(longest / 3, 0.5))
    i, j = np.meshgrid(
        np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij"
    )
    u = np.multiply.outer(np.cos(angle), j) + np.multiply.outer(np.sin(angle), i)
    v = np.multiply.outer(np.cos(angle), i) - np.multiply.outer(np.sin(angle), j)
    sigma, wavelength, aspect, phase = (
        values.reshape(-1, 1, 1) for values in (sigma, wavelength, aspect, phase)
    )
    bell = np.exp(-(u**2 + (aspect * v) ** 2) / (2 * sigma**2))
    waves = bell * np.cos(2 * np.pi * u / wavelength + phase)
    filters = color[:, :, np.newaxis, np.newaxis] * waves[:, np.newaxis]
    norms = np.sqrt(np.square(filters).sum((1, 2, 3), keepdims=True))
    unit: Array = (filters / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit.reshape(shape)


def dct(generator: np.random.Generator, shape: Shape, slope: float) -> Array:
    """The DCT-II basis over channels, rows and columns, slowest waves first; orthonormal.

    Nothing is random but the filters beyond the fan_in of them that a basis has: unit vectors
    in random directions.
    """
    count, fan_in = shape[0], _fan_in(shape)
    waves = np.indices(shape[1:]).reshape(len(shape) - 1, fan_in).T
    # by the sum of the waves, those along the channels last, as color counts less than form
    ranks = np.lexsort((*waves.T, waves[:, 0], waves.sum(1)))[: min(count, fan_in)]
    filters = np.ones((len(ranks), 1))
    for axis, n in enumerate(shape[1:]):
        orders = waves[ranks, axis]
        rows = _cosines(n, int(orders.max()) + 1)[orders]
        filters = (filters[:, :, np.newaxis] * rows[:, np.newaxis]).reshape(len(ranks), -1)
    more = generator.standard_normal((count - len(ranks), fan_in))
    more /= np.sqrt(np.square(more).sum(axis=1, keepdims=True))
    return np.concatenate([filters, more]).astype(np.float32).reshape(shape)


def _cosines(n: int, waves: int) -> NDArray[np.float64]:
    """Rows k = 0, 1, … of the basis: √(2/n)·cos(π(2i + 1)k / 2n), the first √(1/n).

    Ahmed, Natarajan & Rao 1974.
    """
    k, i = np.arange(waves)[:, np.newaxis], np.arange(n)
    basis = sqrt(2 / n) * np.cos(np.pi * (2 * i + 1) * k / (2 * n))
    basis[0] = sqrt(1 / n)
    return np.asarray(basis)


INITS: dict[str, Callable[[np.random.Generator, Shape, float], Array]] = {
    "normal": normal,
    "uniform": uniform,
    "he": he,
    "lecun": lecun,
    "glorot": glorot,
    "orthogonal": orthogonal,
    "gabor": gabor,
    "dct": dct,
    "rademacher": rademacher,
}
"""Ways to draw filters."""


def draw_bytes(init: Init, shape: Shape) -> int:
    """The maximum that `draw` allocates besides the filters, in bytes."""
    copies = {"orthogonal": 4, "gabor": 3, "dct": 3}.get(init.name, 0)
    adjusting = 8 * prod(shape) if init.unit_norm else 0
    return max(8 * copies * prod(shape), 2 * 8 * CHUNK, adjusting)
