"""What the arrays of pictures hold: (height, width, samples) throughout."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.number]
"""Samples of a picture: uint8, uint16, float32, or float64 of pictures of 32-bit integers."""

Stored: TypeAlias = NDArray[np.unsignedinteger]
"""Samples of 8 or 16 bits."""

Values: TypeAlias = NDArray[Any]
"""What is computed from samples: integers, floats, or Python's integers in an array of objects."""
