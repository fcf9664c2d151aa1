"""What a run is made of: the network, its weights, how pictures are prepared, what is looked at.

A Setup is read from what a caller chooses (`asked.py`), or from the settings that a file of vectors
or of a saved run holds (`settings.py`), so that the same can be made again.
"""

import os
import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from convcli.features.preprocess import NORMALIZATIONS, Preparation
from convcli.nets.graph import INPUT, Network, Reading
from convcli.nets.input_size import CHANNELS
from convcli.nets.layers import Conv
from convcli.runtime.executor import used
from convcli.runtime.initializers import INITS, Init
from convcli.text import safe

USUAL = (224, 224)
"""Lengths for which a model file is read before a picture is seen."""

SEED = 0
"""Of the weights, where none is given."""


class Choices(NamedTuple):
    """What a caller asks for, by the names of the options of `convcli extract`; None: as usual."""

    net: str | None = None
    recipe: str | None = None
    init: str | None = None
    zero_mean: bool = False
    unit_norm: bool = False
    seed: int | None = None
    weights: str | None = None
    resize: tuple[int, ...] | Literal["keep"] | None = None
    crop: tuple[int, int] | None = None
    gray: bool = False
    normalize: str | None = None
    until: str | None = None
    layers: str | None = None
    vector: str | None = None
    like: str | None = None

    @classmethod
    def among(cls, options: Mapping[str, Any]) -> "Choices":
        """The choices among all options of a command line."""
        return cls(**{name: options[name] for name in cls._fields})

    def made(self) -> list[str]:
        """The names of those that are not left as usual.

        >>> Choices(seed=0, gray=True).made()
        ['seed', 'gray']
        """
        return [
            name
            for name, value in self._asdict().items()
            if value is not None and value is not False
        ]


class Setup(NamedTuple):
    """A network, the nodes that are looked at, its weights, and how pictures are prepared."""

    words: tuple[str, ...]
    """The network as text that `read_words` takes."""
    network: Network
    layers: tuple[str, ...]
    """Nodes whose maps make the vector or are drawn; none named: the last, or all."""
    init: Init
    seed: int
    weights: str | None
    """A file of weights, instead of a seed."""
    preparation: Preparation
    vector: tuple[str, ...]
    slopes: Mapping[str, float]
    """Of the activations behind each node of the whole network, by which filters are scaled."""
    notes: tuple[str, ...] = ()

    def settings(self) -> dict[str, Any]:
        """What makes the same again, as plain values."""
        weights = {"weights": self.weights} if self.weights else {"seed": self.seed}
        return {
            "network": list(self.words),
            **weights,
            **({} if self.weights else self.init._asdict()),
            **self.preparation._asdict(),
            "layers": list(self.layers),
            "last": self.network.nodes[-1].name,
        }

    def absolute(self) -> "Setup":
        """The same for a process in another folder: with absolute paths of weights and model files.

        >>> from convcli.features.config_options import read_setup
        >>> read_setup(("relu",), Choices()).absolute().words
        ('relu',)
        """
        words, weights = self.words, self.weights
        if len(words) == 1 and re.fullmatch(r"[^\n(]+\.py(:.*)?", words[0]):
            words = (os.path.abspath(words[0]),)
        return self._replace(words=words, weights=weights and os.path.abspath(weights))

    def shown(self) -> dict[str, Any]:
        """The same for people: only what is not as usual."""
        init, how = self.init, self.preparation
        extras = ["zero-mean"] * init.zero_mean + ["unit-norm"] * init.unit_norm
        return {
            "seed": None if self.weights else str(self.seed),
            "init": None if self.weights else " ".join([init.name, *extras]),
            "weights": self.weights,
            "normalize": how.normalize,
            "gray": "yes" if how.gray else None,
            "resize": "x".join(map(str, how.resize)) if how.resize else None,
            "crop": "x".join(map(str, how.crop)) if how.crop else None,
        }

    def said(self) -> str:
        """The same in a line."""
        return ", ".join(f"{name} {safe(value)}" for name, value in self.shown().items() if value)

    def wrong(self) -> str | None:
        """What of it cannot be, if anything: names that are none, numbers out of bounds."""
        how = self.preparation
        if self.init.name not in INITS:
            return f"init {self.init.name!r:.60} is not one of {', '.join(INITS)}"
        if how.normalize not in NORMALIZATIONS:
            return f"normalize {how.normalize!r:.60} is not one of {', '.join(NORMALIZATIONS)}"
        if self.seed < 0:
            return f"the seed {self.seed} is negative"
        if any(side < 1 for side in (*(how.resize or ()), *(how.crop or ()))):
            return "pictures are resized and cropped to 1 pixel or more"
        if how.resize is not None and len(how.resize) not in (1, 2):
            return f"resize takes one side, or height and width, not {len(how.resize)} numbers"
        return None


def for_pictures(reading: Reading, sizes: tuple[int, ...] | None) -> Network:
    """The network of a reading; that of a model file, which is read for an input of one size, for
    pictures of the `sizes` that they are cropped or resized to, and without unused weights."""
    if reading.network.redo is None:
        return reading.network
    network = used(reading.network)
    if sizes is None and reading.input is not None:
        return network.at(reading.input)
    height, width = (sizes or USUAL)[0], (sizes or USUAL)[-1]
    return network.at((declared(network) or CHANNELS, height, width))


def declared(network: Network) -> int | None:
    """The channels that the first convolution declares, if it does."""
    for node in network.nodes:
        if isinstance(node.layer, Conv) and INPUT in node.inputs:
            return node.layer.channels
    return None
