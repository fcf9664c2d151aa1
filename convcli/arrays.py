"""The types of arrays whose numbers may be of any kind, which annotations cannot name."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Dtype: TypeAlias = np.dtype[Any]
