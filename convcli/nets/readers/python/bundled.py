"""Library modules made of layers, as Python that is read like a model's files."""

import os

from convcli.nets.readers.python.language.objects import MISSING, SourceFile, Value
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.model_files import parsed_file

BACKBONES = (
    "torchvision.txt",
    "torchvision_efficient.txt",
    "torchvision_inception.txt",
    "torchvision_transformers.txt",
)

TEXTS: dict[str, tuple[str, ...]] = {
    "torch.nn": ("nn.txt",),
    "torch.distributions": ("nn.txt",),
    "torch.quantization": ("nn.txt",),
    "torch.ao.quantization": ("nn.txt",),
    "timm": ("layers.txt",),
    "torchvision.ops": ("layers.txt",),
    "torchvision.models._utils": ("layers.txt",),
    "torchvision.models.mobilenetv3": ("torchvision_efficient.txt",),  # not V2's InvertedResidual
    "torchvision.models": BACKBONES,
    "mmcv": ("layers.txt",),
}
"""Library → the texts with its definitions; the longest matching name is taken."""

HIDDEN = {"torch", "nn", "F", "collections"}


def prelude_name(interpreter: Interpreter, module: str, name: str) -> Value:
    """A class or a function of a library, or MISSING."""
    fitting = [name for name in TEXTS if module == name or module.startswith(f"{name}.")]
    if name in HIDDEN or not fitting:
        return MISSING
    for library in sorted(fitting, key=len, reverse=True):
        for text in TEXTS[library]:
            file = _opened(interpreter, text)
            if name in file.names:
                return interpreter.resolve(file.names, name)
    return MISSING


def _opened(interpreter: Interpreter, text: str) -> SourceFile:
    if text not in interpreter.preludes:
        path = os.path.join(os.path.dirname(__file__), "library", text)
        with open(path, encoding="utf-8") as source:
            file = interpreter.preludes[text] = parsed_file("", text, source.read())
        file.is_bundled = True
        interpreter.open_file(file)
    return interpreter.preludes[text]
