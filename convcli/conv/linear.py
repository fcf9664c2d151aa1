"""The door for fully connected layers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli.conv.validate import Dtypes, bias_of, finished
from convcli.errors import UnfitError


def linear(x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> NDArray[Any]:
    """x · weightᵀ + bias, as `torch.nn.functional.linear`.

        y[…, o] = bias[o] + Σ_i x[…, i] · weight[o, i]    Goodfellow, Bengio & Courville 2016, §6.1

    x is (…, in), weight (out, in) and bias (out,); the result (…, out). Dtypes as in `conv2d`:
    integers are exact and give int64.

    Raises UnfitError for shapes that do not fit each other, for dtypes that are no real numbers
    and for integer sums that int64 may not hold.

    >>> linear([1, 2, 3], [[1, 0, 1], [0, 1, 0]], [10, 20])
    array([14, 22])
    """
    x, weight = np.asarray(x), np.asarray(weight)
    if weight.ndim != 2:
        raise UnfitError(f"weight has the shape {weight.shape}; linear takes (out, in)")
    if x.ndim < 1 or x.shape[-1] != weight.shape[1]:
        raise UnfitError(f"x has the shape {x.shape}, the weights expect (…, {weight.shape[1]})")
    offsets = bias_of(bias, len(weight))
    dtypes = Dtypes("linear", x, weight, offsets, axis=0)
    y = np.matmul(x.astype(dtypes.working, copy=False), weight.astype(dtypes.working, copy=False).T)
    return finished(y, offsets, dtypes.result, axes=0)
