"""How a convolution is computed: arrays → arrays, in NumPy alone.

Functions are loaded on first use (PEP 562): a picture filter needs none of the networks' layers.

>>> from convcli.conv import relu
>>> relu([-1.0, 1.0])
array([0., 1.])
"""

from convcli.lazy import public_names

__getattr__, __dir__ = public_names(__name__, __file__)
