"""Names of layers → records of layers, in the three vocabularies."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib import import_module
from typing import TypeVar

from convcli.callsyntax import brief
from convcli.errors import SpecError
from convcli.nets.layers import Builder, Layer
from convcli.text import like

T = TypeVar("T")

VOCABULARIES = {"short": "notation", "PyTorch": "torch", "Keras": "keras"}
"""Dialects in their order of precedence, and their modules, which are imported on demand."""

PLAIN = {int, float, str, bool, type(None)}
"""Types of arguments that may be a key of the cache of layers."""


UNREAD_OPTIONS = ("initializer", "regularizer", "constraint")
"""Endings of options that are ignored: they change no shape and no count."""

PASSED_OVER = {
    *("name", "dtype", "trainable", "autocast", "dynamic", "weights", "batch_size", "seed"),
    *("sparse", "implementation", "input_length", "lora_rank", "lora_alpha", "quantization_config"),
    *("mask_zero", "stateful", "go_backwards", "unroll", "recurrent_dropout", "unit_forget_bias"),
    *("zero_output_for_mask", "use_cudnn", "flash_attention"),
    *("fused", "renorm", "renorm_momentum", "virtual_batch_size", "synchronized"),
}
"""Options of Keras's layers that change no shape and no count, besides UNREAD_OPTIONS."""


class Vocabulary:
    """Builds layers by their names in any of the vocabularies."""

    def __init__(self) -> None:
        self._layers: dict[tuple[object, ...], Layer] = {}

    def layer(self, name: str, args: Sequence[object], options: Mapping[str, object]) -> Layer:
        """The record of a layer from its name and arguments; equal calls share one record."""
        values = (*args, *options.values())
        if not all(type(value) in PLAIN for value in values):
            return new_layer(name, args, options)
        # 1, 1.0 and True are equal, but not the same argument
        key = name, values, tuple(map(type, values)), tuple(options)
        if key not in self._layers:
            self._layers[key] = new_layer(name, args, options)
        return self._layers[key]


def new_layer(name: str, args: Sequence[object], options: Mapping[str, object]) -> Layer:
    """The record of a layer, of the first vocabulary that has its name."""
    known = list(names_of("short", "BLOCKS"))
    for dialect in VOCABULARIES:
        layers = names_of(dialect)
        if name in layers:
            build = checked_keras if dialect == "Keras" else checked
            return build(layers[name], name, args, options)
        known += layers
    hint = like(name, known) or "; convcli layers lists them"
    raise SpecError(f"{brief(name)} is not a layer that is known here{hint}")


def checked(
    build: Callable[..., T], name: str, args: Sequence[object], options: Mapping[str, object]
) -> T:
    """The result of a builder; a refusal names the layer and the arguments it takes."""
    try:
        return build(*args, **options)
    except TypeError as error:
        from inspect import signature

        try:
            signature(build).bind(*args, **options)
        except TypeError as mismatch:
            takes = tuple(signature(build).parameters)
            hints = (like(option, takes) for option in options if option not in takes)
            hint = next(filter(None, hints), "")
            raise SpecError(f"{name}: {mismatch}; it takes {', '.join(takes)}{hint}") from None
        raise SpecError(f"{name}: {error}") from None
    except ValueError as error:  # a SpecError is one
        raise SpecError(f"{name}: {error}") from None


def checked_keras(
    build: Callable[..., T], name: str, args: Sequence[object], options: Mapping[str, object]
) -> T:
    """The same for Keras's builders, whose layers take many options that change nothing here."""
    takes = parameters(build)
    for option in options if takes else ():
        if option not in {*takes, *PASSED_OVER} and not option.endswith(UNREAD_OPTIONS):
            hint = f"it takes {', '.join(takes)}{like(option, takes)}"
            raise SpecError(f"{name}: got an unexpected keyword argument {option!r}; {hint}")
    return checked(build, name, args, options)


def parameters(build: Callable[..., object]) -> tuple[str, ...]:
    """The names of the arguments that a builder takes; none for one that takes any."""
    build, bound = (build.func, len(build.args)) if isinstance(build, partial) else (build, 0)
    code = build.__code__  # inspect.signature would take 20 ms for a network of 900 layers
    return code.co_varnames[bound : code.co_argcount]


def defaults(build: Callable[..., object]) -> dict[str, object]:
    """The arguments of a builder that have a default, and their defaults."""
    given = (build.func if isinstance(build, partial) else build).__defaults__ or ()
    names = parameters(build)
    return dict(zip(names[len(names) - len(given) :], given, strict=True))


@cache
def names_of(dialect: str, table: str = "LAYERS") -> dict[str, Builder]:
    """The names of a dialect with their builders."""
    module = import_module(f"convcli.nets.readers.vocabulary.{VOCABULARIES[dialect]}")
    layers: dict[str, Builder] = getattr(module, table)
    return layers
