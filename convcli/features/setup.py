"""What a run is made of: pictures and layers told apart, the network, its weights, preparation.

A Setup is read from the words and options of a command line, or from the settings that a file of
vectors or of a saved run holds, so that the same can be made again.
"""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from convcli.errors import OutputError, PictureError, SpecError, UnfitError, safe
from convcli.features.inits import Init
from convcli.features.recipes import RECIPES, Recipe
from convcli.features.run import check_runs, until, used
from convcli.features.vectors import described, read_vector
from convcli.features.weights import npz_arrays, slopes
from convcli.nets.inputs import CHANNELS
from convcli.nets.layers import Conv, Shape, size_text
from convcli.nets.network import INPUT, Network, Reading
from convcli.nets.readers import is_source, read_words, source_text
from convcli.nets.readers.vocabulary import names_of
from convcli.nets.zoo import NAMES
from convcli.pictures.folders import READABLE, pictures_in
from convcli.pictures.prepare import Preparation

USUAL = (224, 224)
"""Lengths for which a model file is read before a picture is seen."""

SEED = 0
"""Of the weights, where none is given."""

CHOICES = (
    *("net", "recipe", "init", "zero_mean", "unit_norm", "seed", "weights", "resize", "crop"),
    *("gray", "normalize", "until", "layers", "vector"),
)
"""Options that decide what a picture is turned into, by which a saved set can be made again."""


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


def split_words(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Pictures, and the layers or the network behind them.

    >>> split_words(["cat.jpg", "dog.png", "conv:16,5", "relu"])
    (('cat.jpg', 'dog.png'), ('conv:16,5', 'relu'))
    """
    for place, word in enumerate(words):
        if is_layer(word, bool(place)):
            return tuple(words[:place]), tuple(words[place:])
    return tuple(words), ()


def is_layer(word: str, behind: bool) -> bool:
    """Whether a word is a layer or a network, not a picture; `behind` pictures, if in doubt."""
    if word.lower().endswith(tuple(READABLE)) or word == "-":
        return False
    if re.search(r"\.(net|txt|py(:.+)?)$", word) or re.match(r"\s*[A-Za-z][\w.]*\s*[:(=]", word):
        return not os.path.exists(word) or is_source(word)
    if os.path.exists(word) or os.sep in word:
        return False
    return behind or word in NAMES or word in names_of("short")


def pictures_of(words: Sequence[str]) -> tuple[str, ...]:
    """Paths of pictures, a folder standing for those in it, sorted by name."""
    found: list[str] = []
    for word in words:
        if os.path.isdir(word):
            inside = [path for path, _ in pictures_in(word)]
            if not inside:
                raise PictureError(f"{safe(word)} holds no pictures")
            found += inside
        else:
            found.append(word)
    if not found:
        raise SpecError("name a picture, or pipe one in as -")
    if found.count("-") > 1:
        raise SpecError("standard input holds one picture, not several")
    return tuple(found)


def read_setup(layers: Sequence[str], options: Mapping[str, Any]) -> Setup:
    """The setup that the words behind the pictures and the options mean."""
    given = [name for name in ("net", "recipe", "like") if options[name] is not None]
    if layers and given:
        raise SpecError(f"--{given[0]} does not go with layers: {' '.join(layers)[:60]!r}")
    if len(given) > 1:
        raise SpecError(f"--{given[0]} does not go with --{given[1]}")
    if options["like"] is not None:
        return saved_setup(options["like"], options)
    recipe: Recipe | None = None
    if layers:
        words = tuple(layers)
    elif options["net"] is not None:
        words = (options["net"],)
    else:
        recipe = RECIPES[options["recipe"] or "default"]
        words = (recipe.network,)
    return _made(words, recipe, options)


def _made(words: tuple[str, ...], recipe: Recipe | None, options: Mapping[str, Any]) -> Setup:
    texts, (read, named, about) = _read(words)
    whole = _for_pictures(read, named, options)
    notes = (about,) if about else ()
    asked = tuple(name.strip() for name in (options["layers"] or "").split(",") if name.strip())
    ends = (options["until"],) if options["until"] else asked
    if options["until"] and asked:
        until(until(whole, ends), asked)  # refuses a layer behind the end
    network = until(whole, ends)
    check_runs(network)
    drawn = ("init", "seed", "zero_mean", "unit_norm")
    if options["weights"] and any(options[one] not in (None, False) for one in drawn):
        raise SpecError("--weights are given, not drawn; leave --init and --seed out")
    base = recipe.init if recipe else Init()
    init = Init(
        options["init"] or base.name,
        options["zero_mean"] or (base.zero_mean and options["init"] is None),
        options["unit_norm"] or (base.unit_norm and options["init"] is None),
    )
    preparation, more = _preparation(network, named, recipe, options)
    return Setup(
        texts,
        network,
        asked,
        init,
        SEED if options["seed"] is None else options["seed"],
        options["weights"],
        preparation,
        read_vector(options["vector"] or (recipe.vector if recipe else "mean,std")),
        slopes(whole),
        (*notes, *more),
    )


def _read(words: tuple[str, ...]) -> tuple[tuple[str, ...], Reading]:
    """A network with words that mean it again: a file is replaced by its text where it has one."""
    if len(words) == 1 and is_source(words[0]) and not re.search(r"\.py(:|$)", words[0]):
        text, _ = source_text(words[0])
        if words[0] == "-":
            words = (text + "\n",)
        reading = read_words(words)
        return (text if "\n" in text else text + "\n",), reading
    return words, read_words(words)


def _for_pictures(network: Network, named: Shape | None, options: Mapping[str, Any]) -> Network:
    """The nodes of a model file, which is read for an input: as large as the pictures will be."""
    if network.redo is None:
        return network
    network = used(network)
    sizes = options["crop"] or options["resize"]
    sizes = None if sizes in (None, "keep") else sizes
    if sizes is None and named is not None:
        return network.at(named)
    sizes = sizes or USUAL
    return network.at((_declared(network) or CHANNELS, sizes[0], sizes[-1]))


def _preparation(
    network: Network, named: Shape | None, recipe: Recipe | None, options: Mapping[str, Any]
) -> tuple[Preparation, tuple[str, ...]]:
    """What the options say; where they do not, the size and channels that the network names."""
    resize, crop = options["resize"], options["crop"]
    notes: tuple[str, ...] = ()
    gray = options["gray"] or bool(recipe and recipe.gray)
    channels = named[0] if named else _declared(network) or (1 if gray else CHANNELS)
    if named and len(named) == 3 and resize is None and crop is None:
        resize, crop = named[1:], named[1:]
        if named[1] == named[2]:
            resize = named[1:2]
        notes = (
            f"pictures are resized and cropped to the network's input, {size_text(named)}; "
            "--resize keep leaves them as they are",
        )
    return Preparation(
        gray,
        channels if channels in (1, 3) else None,
        None if resize == "keep" else resize,
        crop,
        options["normalize"] or (recipe.normalize if recipe else "unit"),
    ), notes


def _declared(network: Network) -> int | None:
    """The channels that the first convolution declares, if it does."""
    for node in network.nodes:
        if isinstance(node.layer, Conv) and INPUT in node.inputs:
            return node.layer.channels
    return None


def saved_setup(path: str, options: Mapping[str, Any]) -> Setup:
    """The setup that a file of vectors or of a saved run was made with."""
    clash = [name for name in CHOICES if options[name] not in (None, False) and name != "vector"]
    if clash:
        raise SpecError(
            f"--{clash[0].replace('_', '-')} does not go with settings taken from {safe(path)}"
        )
    held = read_settings(str(npz_arrays(path, ("settings",))["settings"]), path)
    return setup_of(held, path, options["vector"])


def setup_of(held: Mapping[str, Any], path: str, asked: str | None = None) -> Setup:
    """The setup that settings mean, which stand in `path`; `asked` are other parts of vectors."""
    try:
        init = Init(**{name: held[name] for name in Init._fields if name in held})
        how = Preparation(
            bool(held["gray"]),
            held["channels"],
            tuple(held["resize"]) if held["resize"] else None,
            (held["crop"][0], held["crop"][1]) if held["crop"] else None,
            str(held["normalize"]),
        )
        words = tuple(map(str, held["network"]))
        layers = tuple(map(str, held["layers"]))
        vector = asked or ",".join(held.get("vector", ())) or "mean,std"
        seed, weights, last = int(held.get("seed", SEED)), held.get("weights"), str(held["last"])
    except (KeyError, TypeError, ValueError, IndexError):
        raise UnfitError(f"{safe(path)} does not hold the settings of a run") from None
    if weights is not None and os.path.realpath(weights) != os.path.realpath(path):
        weights = str(weights)
    whole = read_words(words).network
    network, parts = until(whole, (last,)), read_vector(vector)
    check_runs(network)
    return Setup(words, network, layers, init, seed, weights, how, parts, slopes(whole))


def read_settings(text: str, path: str) -> dict[str, Any]:
    from json import JSONDecodeError, loads

    try:
        held = loads(text)
    except (JSONDecodeError, RecursionError):
        held = None
    if not isinstance(held, dict):
        raise UnfitError(f"{safe(path)} does not hold the settings of a run")
    return held


def same_settings(path: str, text: str, setup: Setup) -> None:
    """Refuse a set of vectors that was made differently; one that says nothing is believed."""
    if not text:
        return
    held = read_settings(text, path)
    mine = read_settings(vector_settings(setup), path)
    order = (*setup.settings(), "vector")  # the network first: the others follow from it
    differing = [name for name in order if held.get(name) != mine[name]]
    if differing:
        name = differing[0]
        raise UnfitError(
            f"{safe(path)} was made with {name} {safe(held.get(name))!s:.60}, not "
            f"{safe(mine[name])!s:.60}; take --like {safe(path)} to make the same"
        )


def vector_settings(setup: Setup) -> str:
    """The settings of vectors as one line of JSON."""
    return described({**setup.settings(), "vector": setup.vector})


def run_settings(setup: Setup) -> str:
    return described(setup.settings())


def safe_name(name: str) -> str:
    """A node's name as part of a file name."""
    kept = re.sub(r"[^\w.#-]", "_", name)
    if not kept.strip("."):
        raise OutputError(f"the layer {safe(name)} gives no file name")
    return kept
