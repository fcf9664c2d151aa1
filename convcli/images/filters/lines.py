"""Edges as lines of one pixel: gradients thinned and linked (Canny 1986), and zero crossings.

Every function works on planes (h, w, c), each channel on its own.
"""

import numpy as np
from numpy.typing import NDArray

from convcli.images.pixel_arrays import Values

Flags = NDArray[np.bool_]


def canny_lines(x: Values, y: Values, low: float, high: float) -> Flags:
    """Where gradients (x, y) of at least `low` are greatest across an edge, linked to `high`.

    >>> ramp = np.zeros((5, 7, 1)); ramp[:, 3] = 4.0; ramp[:, 4] = 2.0
    >>> canny_lines(ramp, 0 * ramp, 1.0, 3.0)[2, :, 0].astype(int).tolist()
    [0, 0, 0, 1, 0, 0, 0]
    """
    strength = np.sqrt(x * x + y * y)
    lines: Flags = np.zeros(strength.shape, bool)
    if min(strength.shape[:2]) < 3:
        return lines
    for channel in range(strength.shape[2]):
        plane = strength[..., channel]
        weak = _thinned(x[..., channel], y[..., channel], plane) & (plane >= low)
        lines[..., channel] = _linked(weak, weak & (plane >= high))
    return lines


def _thinned(x: Values, y: Values, strength: Values) -> Flags:
    """Where the strength (h, w) is not below that on either side, along the gradient.

    What lies between two neighbors is interpolated. The outermost pixels have one side, and are no
    lines.
    """
    rows, columns = strength.shape
    inside = slice(1, -1), slice(1, -1)
    x, y, own = x[inside], y[inside], strength[inside]
    level, upright = np.abs(x), np.abs(y)
    rising = x * y >= 0  # the gradient points to the lower right, or to the upper left
    steep = upright > level

    def neighbors(row: int, column: int) -> Values:
        return strength[1 + row : rows - 1 + row, 1 + column : columns - 1 + column]

    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(steep, level / upright, upright / level)
    share = np.where(np.isfinite(share), share, 0.0)
    thin = own > 0
    for sign in (1, -1):
        straight = np.where(steep, neighbors(sign, 0), neighbors(0, sign))
        turned = np.where(steep, neighbors(sign, -sign), neighbors(-sign, sign))
        diagonal = np.where(rising, neighbors(sign, sign), turned)
        thin &= diagonal * share + straight * (1 - share) <= own
    lines: Flags = np.zeros(strength.shape, bool)
    lines[inside] = thin
    return lines


def _linked(weak: Flags, strong: Flags) -> Flags:
    """The weak pixels (h, w) that touch a strong one, or one that does, also across a corner."""
    width = weak.shape[1] + 2
    left = np.pad(weak, 1).ravel()
    steps = np.array([-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1])
    front = np.flatnonzero(np.pad(strong, 1))
    linked = np.zeros_like(left)
    while front.size:
        linked[front], left[front] = True, False
        around = (front[:, np.newaxis] + steps).ravel()
        front = np.unique(around[left[around]])
    return linked.reshape(-1, width)[1:-1, 1:-1]


def zero_crossings(values: Values, contrast: float) -> Flags:
    """Where values (h, w, c) change their sign by at least a contrast to the next row or column.

    Of the two pixels the one nearer to 0 is the line.

    >>> zero_crossings(np.array([[-4.0, -3.0, 2.0, 5.0]]), 1.0).astype(int)
    array([[0, 0, 1, 0]])
    """
    lines: Flags = np.zeros(values.shape, bool)
    for here, beyond in (
        ((slice(None, -1),), (slice(1, None),)),
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
    ):
        first, second = values[here], values[beyond]
        crossed = ((first < 0) != (second < 0)) & (np.abs(first - second) >= contrast)
        nearer = np.abs(first) <= np.abs(second)
        lines[here] |= crossed & nearer
        lines[beyond] |= crossed & ~nearer
    return lines
