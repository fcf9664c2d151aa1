"""convcli: a convolution workbench for the terminal, and the same things from Python.

    conv2d, and all functions of `convcli.conv`  arrays → arrays, with PyTorch's arguments
    parse, summarize                             text → a network → its shapes, parameters, MACs
    draw                                         a network → its figure
    solve, layers, zoo, kernels                  what gives an output; what is there by name
    kernel, filter_image, fit                    text, picture, pair of pictures → kernel, picture
    explain                                      an operation → its products and sums
    extract_features                             a picture → feature maps and vectors
    Refusal: SpecError, UnfitError, …            what is raised, for what cannot be

Names are loaded on first use (PEP 562), so that `import convcli` costs nothing.

>>> import numpy as np, convcli
>>> convcli.conv2d(np.ones((1, 4, 4)), np.ones((1, 1, 3, 3))).shape
(1, 2, 2)
>>> convcli.summarize("resnet50")
<224x224x3 → 1000: 25,557,032 params, 4,089,184,256 MACs>
"""

from convcli.lazy import public_names

__version__ = "0.1.0"

__getattr__, __dir__ = public_names(__name__, __file__)
