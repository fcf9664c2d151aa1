"""The configuration of a run: a network, its weights, the preparation of pictures, the layers used.

A Setup is made of options (`config_options`), or of the settings in a file of vectors or in a saved
run (`config_json`), so that the same run can be made again.
"""

import os
import re
from collections.abc import Mapping

from convcli.errors import SpecError
from convcli.features.picture_normalization import read_normalization
from convcli.features.preprocess import Preparation
from convcli.nets.graph import INPUT, Network, Reading
from convcli.nets.input_size import CHANNELS, closed_shape
from convcli.nets.layers import Conv
from convcli.records import NamedTuple
from convcli.runtime.executor import used
from convcli.runtime.initializers import INITS, Init
from convcli.tables import Record
from convcli.text import safe

USUAL = (224, 224)
"""Lengths for which a model file is read before there is a picture."""

SEED = 0
"""Default seed of the weights."""


class Setup(NamedTuple):
    """A network, the layers that are used, its weights, and how pictures are prepared."""

    words: tuple[str, ...]
    """The network as text that `read_words` takes."""
    network: Network
    layers: tuple[str, ...]
    """Nodes whose maps make the vector, or are drawn; empty: the last one, or all."""
    init: Init
    seed: int
    weights: str | None
    """A file of weights, instead of a seed; the network's own file, where that holds them."""
    preparation: Preparation
    vector: tuple[str, ...]
    slopes: Mapping[str, float]
    """Slopes of the activations after each node of the complete network, which scale filters."""
    notes: tuple[str, ...] = ()

    def settings(self) -> Record:
        """The settings that repeat the run, as plain values."""
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
        >>> from convcli.features.options import FeatureOptions
        >>> read_setup(("relu",), FeatureOptions()).absolute().words
        ('relu',)
        """
        words, weights = self.words, self.weights
        if words == (weights,) or (
            len(words) == 1 and re.fullmatch(r"[^\n(]+\.py(:.*)?", words[0])
        ):
            words = (os.path.abspath(words[0]),)
        return self._replace(words=words, weights=weights and os.path.abspath(weights))

    def text(self) -> str:
        """What differs from the defaults, in one line for people."""
        init, how = self.init, self.preparation
        extras = ["zero-mean"] * init.zero_mean + ["unit-norm"] * init.unit_norm
        values = {
            "seed": None if self.weights else str(self.seed),
            "init": None if self.weights else " ".join([init.name, *extras]),
            "weights": self.weights,
            "normalize": how.normalize,
            "gray": "yes" if how.gray else None,
            "resize": "x".join(map(str, how.resize)) if how.resize else None,
            "crop": "x".join(map(str, how.crop)) if how.crop else None,
        }
        return ", ".join(f"{name} {safe(value)}" for name, value in values.items() if value)

    def checked(self) -> "Setup":
        """The setup itself. Raises SpecError for an unknown name or a number out of bounds."""
        how = self.preparation
        if self.init.name not in INITS:
            raise SpecError(f"init {self.init.name!r:.60} is not one of {', '.join(INITS)}")
        read_normalization(how.normalize)
        if self.seed < 0:
            raise SpecError(f"the seed {self.seed} is negative")
        if any(side < 1 for side in (*(how.resize or ()), *(how.crop or ()))):
            raise SpecError("pictures are resized and cropped to 1 pixel or more")
        if how.resize is not None and len(how.resize) not in (1, 2):
            sides = len(how.resize)
            raise SpecError(f"resize takes one side, or height and width, not {sides} numbers")
        return self


def for_pictures(reading: Reading, sizes: tuple[int, ...] | None) -> Network:
    """The network of a reading; that of a model file, which is read for an input of one size, for
    pictures of the `sizes` that they are cropped or resized to, and without unused weights."""
    if reading.network.redo is None:
        return reading.network
    network, named = used(reading.network), closed_shape(reading.input)
    if sizes is None and named is not None:
        return network.at(named)
    height, width = (sizes or USUAL)[0], (sizes or USUAL)[-1]
    channels = (reading.input or (None,))[0] or declared(network) or CHANNELS
    return network.at((channels, height, width))


def declared(network: Network) -> int | None:
    """The channels that the first convolution declares, if it does."""
    for node in network.nodes:
        if isinstance(node.layer, Conv) and INPUT in node.inputs:
            return node.layer.channels
    return None
