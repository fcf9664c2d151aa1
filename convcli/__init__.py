"""convcli: a convolution workbench for the terminal, and the same things from Python.

    conv2d, and all doors of `convcli.conv`      arrays → arrays, with PyTorch's arguments
    parse, summarize                             text → a network → its shapes, parameters, MACs
    kernel, filter_image                         text → a kernel; a picture → a filtered picture
    extract_features                             a picture → feature maps and vectors
    Refusal: SpecError, UnfitError, …            what is raised, for what cannot be

Names are loaded on first use (PEP 562), so that `import convcli` costs nothing.

>>> import numpy as np, convcli
>>> convcli.conv2d(np.ones((1, 4, 4)), np.ones((1, 1, 3, 3))).shape
(1, 2, 2)
>>> convcli.summarize("resnet50")
<224x224x3 → 1000: 25,557,032 params, 4,089,184,256 MACs>
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convcli.api import filter_image, parse, summarize
    from convcli.conv import conv2d
    from convcli.errors import OutputError, PictureError, Refusal, SpecError, UnfitError
    from convcli.features.extractor import extract_features
    from convcli.images.kernels.parse import kernel

__version__ = "0.1.0"

__all__ = [
    "OutputError",
    "PictureError",
    "Refusal",
    "SpecError",
    "UnfitError",
    "__version__",
    "conv2d",
    "extract_features",
    "filter_image",
    "kernel",
    "parse",
    "summarize",
]

_HOME = {
    **dict.fromkeys(
        ("OutputError", "PictureError", "Refusal", "SpecError", "UnfitError"), "convcli.errors"
    ),
    "conv2d": "convcli.conv",
    "extract_features": "convcli.features.extractor",
    "filter_image": "convcli.api",
    "kernel": "convcli.images.kernels.parse",
    "parse": "convcli.api",
    "summarize": "convcli.api",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'convcli' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
