"""The names of `keras`, `tensorflow.keras` and `tensorflow`, in whichever module they stand."""

from typing import Any

from convcli.nets.readers.python.keras.functions import NATIVES
from convcli.nets.readers.python.keras.layers import classes
from convcli.nets.readers.python.language.objects import MISSING, Library, Unknown, natives
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
"""What a text pasted without its imports means by these names."""

QUIET = {
    "optimizers", "losses", "metrics", "callbacks", "utils", "datasets", "regularizers", "train",
    "initializers", "constraints", "preprocessing", "data", "config", "io", "distribute", "device",
    "summary", "mixed_precision", "experimental", "saving", "function", "keras_utils",
    "GradientTape",
}  # fmt: skip
"""Names of what leaves the layers of a model as they are."""


def _constant(machine: Any, sizes: Any = None, *_: Any, shape: Any = None, **options: Any) -> Any:
    """`tf.zeros((1, 28, 28, 3))`, `tf.random.normal(shape=(1, 10))`."""
    return creation.constant(machine, sizes if shape is None else shape)


NEW = natives(dict.fromkeys(("normal", "uniform", "zeros", "ones"), _constant))
"""What makes a tensor of sizes alone."""


def meaning(name: str) -> Any:
    """A class or a function by its name alone, or MISSING."""
    for names in (classes(), NATIVES, UNIMPORTED):
        if name in names:
            return names[name]
    return MISSING


def name_of(module: str, name: str) -> Any:
    """`module.name`; what is not known says so."""
    if name in PACKAGES:
        return Library(f"{module}.{name}")
    if name in NEW and "initializers" not in module:
        return NEW[name]
    found = meaning(name)
    return Unknown(f"{module}.{name}", harmless=name in QUIET) if found is MISSING else found
