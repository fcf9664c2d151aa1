"""Names of layers → records of layers, in the three vocabularies."""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from typing import Any

from convcli.calls import shown
from convcli.errors import SpecError

VOCABULARIES = {"short": "short", "PyTorch": "torch", "Keras": "keras"}
"""Dialects in the order they are asked, and their modules, imported when a name asks for them."""

PLAIN = {int, float, str, bool, type(None)}
"""Types of values by which a layer that was built before is found again."""


class Vocabulary:
    """Builds the layers of a text, and counts whose names it used."""

    def __init__(self, keras: bool) -> None:
        self.keras = keras
        self.used: Counter[str] = Counter()
        self._layers: dict[tuple[Any, ...], Any] = {}

    def layer(self, name: str, args: list[Any], options: dict[str, Any]) -> Any:
        """The record of a layer from its name and values, the same for the same ones."""
        values = (*args, *options.values())
        if not all(type(one) in PLAIN for one in values):
            return self._new_layer(name, args, options)
        # 1, 1.0 and True are equal, and not the same
        key = name, values, tuple(map(type, values)), tuple(options)
        if key not in self._layers:
            self._layers[key] = self._new_layer(name, args, options)
        return self._layers[key]

    def _new_layer(self, name: str, args: list[Any], options: dict[str, Any]) -> Any:
        known: list[str] = []
        if self.keras and name in names_of("Keras", "SHARED"):
            self.used["Keras"] += 1
            return checked(names_of("Keras", "SHARED")[name], name, args, options)
        for dialect in VOCABULARIES:
            layers = names_of(dialect)
            if name in layers:
                # what both frameworks call alike is the one's whose text it stands in
                self.used["Keras" if self.keras and dialect == "PyTorch" else dialect] += 1
                return checked(layers[name], name, args, options)
            known += layers
        raise SpecError(f"{shown(name)} is no layer that is known here{like(name, known)}")


def checked(build: Callable[..., Any], name: str, args: list[Any], options: dict[str, Any]) -> Any:
    """What a builder makes of the values; a refusal names the layer, and what it takes."""
    try:
        return build(*args, **options)
    except TypeError as error:
        from inspect import signature

        try:
            signature(build).bind(*args, **options)
        except TypeError as mismatch:
            takes = ", ".join(signature(build).parameters)
            raise SpecError(f"{name}: {mismatch}; it takes {takes}") from None
        raise SpecError(f"{name}: {error}") from None
    except ValueError as error:  # a SpecError is one
        raise SpecError(f"{name}: {error}") from None


@cache
def names_of(dialect: str, table: str = "LAYERS") -> dict[str, Callable[..., Any]]:
    """The names of a dialect with their builders."""
    module = import_module(f"convcli.nets.readers.{VOCABULARIES[dialect]}")
    layers: dict[str, Callable[..., Any]] = getattr(module, table)
    return layers


def like(name: str, known: Iterable[str]) -> str:
    """A hint at the known name that is nearest, if one is near."""
    from difflib import get_close_matches

    close = get_close_matches(name[:60], known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
