"""Functions of each value alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def leaky_relu(x: NDArray[Any], negative_slope: float = 0.01) -> NDArray[Any]:
    """max(x, 0) + negative_slope · min(x, 0), as `torch.nn.functional.leaky_relu`.

    Takes floats of any shape and gives a new array of the same shape and dtype
    (Maas, Hannun & Ng 2013).

    >>> leaky_relu(np.array([-2.0, 3.0]), 0.1)
    array([-0.2,  3. ])
    """
    return np.where(x < 0, x * x.dtype.type(negative_slope), x)
