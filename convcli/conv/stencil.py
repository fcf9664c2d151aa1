"""The door for pictures: one small kernel over every channel, exact in integers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def correlate(x: NDArray[Any], factors: Sequence[NDArray[Any]], largest: int) -> NDArray[Any]:
    """Correlate every channel of a picture with one kernel, given as factors.

        y[h, w, c] = Σ_i Σ_j x[h + i, w + j, c] · k[i, j]        for each factor k in turn

    Parameters:
        x: (h, w, c), already extended at its borders; no value is beyond ±`largest`.
        factors: matrices (i, j), applied one after another: a column and a row make a separable
            kernel. Integer factors are summed exactly, in the narrowest lane that holds the sums.

    Returns a new array (h − Σ(i − 1), w − Σ(j − 1), c).

    >>> ramp = np.arange(12).reshape(3, 4, 1)
    >>> correlate(ramp, [np.array([[1], [2], [1]]), np.array([[-1, 0, 1]])], 11)[..., 0]
    array([[8, 8]], dtype=int32)
    """
    y = x.astype(lane(factors, largest))
    for factor in factors:
        y = _shift_and_add(y, factor.astype(y.dtype))
    return y


def lane(factors: Sequence[NDArray[Any]], largest: int) -> np.dtype[Any]:
    """The narrowest dtype that holds every sum of values up to ±`largest` exactly.

    Floating-point factors are summed in float64; so are integers whose sums could pass int64.

    >>> lane([np.array([[1, 2, 1]])], 255), lane([np.array([[1 << 40]])], 255)
    (dtype('int32'), dtype('int64'))
    """
    bound = largest
    for factor in factors:
        if factor.dtype.kind == "f":
            return np.dtype(np.float64)
        bound *= sum(abs(int(tap)) for tap in factor.flat)
    for dtype in (np.int32, np.int64):
        if bound <= np.iinfo(dtype).max:
            return np.dtype(dtype)
    return np.dtype(np.float64)


def _shift_and_add(x: NDArray[Any], kernel: NDArray[Any]) -> NDArray[Any]:
    rows, columns = x.shape[0] - kernel.shape[0] + 1, x.shape[1] - kernel.shape[1] + 1
    total = np.zeros((rows, columns, x.shape[2]), x.dtype)
    product = np.empty_like(total)
    for (i, j), tap in np.ndenumerate(kernel):
        if tap:
            total += np.multiply(x[i : i + rows, j : j + columns], tap, out=product)
    return total
