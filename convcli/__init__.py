"""convcli: a convolution workbench for the terminal, and the same things from Python.

Names are loaded on first use (PEP 562), so that `import convcli` costs nothing.

>>> import numpy as np, convcli
>>> convcli.conv2d(np.ones((1, 4, 4)), np.ones((1, 1, 3, 3))).shape
(1, 2, 2)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convcli.conv import conv2d
    from convcli.nets.summary import summarize
    from convcli.pictures.specs import kernel

__version__ = "0.1.0"

__all__ = ["__version__", "conv2d", "kernel", "summarize"]

_HOME = {
    "conv2d": "convcli.conv",
    "kernel": "convcli.pictures.specs",
    "summarize": "convcli.nets.summary",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'convcli' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
