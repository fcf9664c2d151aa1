"""The names of `keras`, `tensorflow.keras` and `tensorflow`, in any module."""

from convcli.nets.readers.python.keras.functions import NATIVES, OPS
from convcli.nets.readers.python.keras.layers import INPUT, classes
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Library,
    Tensor,
    Unknown,
    Value,
    natives,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.torch import creation

TOPS = {"keras", "tensorflow", "tf", "tf_keras", "keras_core"}
"""Modules whose names are these."""

PACKAGES = {
    "keras", "layers", "models", "nn", "ops", "activations", "backend", "math", "image", "random",
    "engine", "python", "api", "compat", "v1", "v2", "core", "input_layer", "legacy", "linalg",
}  # fmt: skip
"""Modules among these names."""

UNIMPORTED = {
    "tf": Library("tensorflow"),
    "keras": Library("keras"),
    "layers": Library("keras.layers"),
    "models": Library("keras.models"),
    "K": Library("keras.backend"),
}
"""The meaning of these names in a text that was pasted without its imports."""

QUIET = {
    "optimizers", "losses", "metrics", "callbacks", "utils", "datasets", "regularizers", "train",
    "initializers", "constraints", "preprocessing", "data", "config", "io", "distribute", "device",
    "summary", "mixed_precision", "experimental", "saving", "function", "keras_utils",
    "GradientTape",
}  # fmt: skip
"""Names that do not change the layers of a model."""


def _constant(
    interpreter: Interpreter, sizes: Value = (), *_: Value, shape: Value = None, **__: Value
) -> Tensor:
    """`tf.zeros((1, 28, 28, 3))`, `tf.random.normal(shape=(1, 10))`."""
    return creation.constant(interpreter, sizes if shape is None else shape)


NEW = natives(
    {
        **dict.fromkeys(("normal", "uniform", "zeros", "ones", "full", "fill"), _constant),
        **dict.fromkeys(("arange", "range"), creation.arange),
        "linspace": creation.linspace,
        "eye": creation.eye,
    }
)
"""Functions that make a tensor from sizes alone."""


def meaning(name: str) -> Value:
    """A class or a function by its name alone, or MISSING."""
    if name == "Input":
        return INPUT
    if name in classes():
        return classes()[name]
    return NATIVES.get(name) or UNIMPORTED.get(name, MISSING)


OTHERWISE = {("linalg", "normalize"), ("backend", "repeat")}
"""Functions that do something else than those of their name in other modules."""


def name_of(module: str, name: str) -> Value:
    """`module.name`; Unknown for an unknown name."""
    if name in PACKAGES:
        return Library(f"{module}.{name}")
    if name in NEW and "initializers" not in module:
        return NEW[name]
    if (module.rpartition(".")[2], name) in OTHERWISE:
        return Unknown(f"{module}.{name}")
    value = OPS.get(name, MISSING) if module.endswith("ops") else MISSING
    value = meaning(name) if value is MISSING else value
    return Unknown(f"{module}.{name}", harmless=name in QUIET) if value is MISSING else value
