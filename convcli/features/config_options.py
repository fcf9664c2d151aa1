"""Options → a Setup: the network of its words, and defaults for what is not given."""

import re
from collections.abc import Sequence

from convcli.errors import SpecError
from convcli.features.aggregations import read_vector
from convcli.features.config import SEED, Setup, declared, for_pictures
from convcli.features.config_json import saved_setup
from convcli.features.options import FeatureOptions
from convcli.features.preprocess import Preparation
from convcli.features.presets import RECIPES, Recipe
from convcli.nets.graph import Network, Reading
from convcli.nets.input_size import CHANNELS, OpenShape, closed_shape
from convcli.nets.layers import size_text
from convcli.nets.readers.read import holds_text, read_words, source_text
from convcli.runtime.executor import check_runs, until
from convcli.runtime.initializers import Init
from convcli.runtime.weights import slopes
from convcli.text import safe


def read_setup(layers: Sequence[str], options: FeatureOptions) -> Setup:
    """The setup of layers, or else of a network, a recipe or a saved run, under these options.

    >>> setup = read_setup(("conv:4,3", "relu"), FeatureOptions(seed=7))
    >>> [node.name for node in setup.network.nodes], setup.init.name, setup.vector
    (['conv1', 'relu1'], 'he', ('mean', 'std'))

    Raises SpecError for what cannot be understood or does not go together, UnfitError for layers
    that cannot be run, Refusal for a file that cannot be read.
    """
    given = options.given("net", "recipe", "like")
    if layers and given:
        raise SpecError(f"--{given[0]} does not go with layers: {' '.join(layers)[:60]!r}")
    if len(given) > 1 and given != ["net", "like"]:
        raise SpecError(f"--{given[0]} does not go with --{given[1]}")
    if options.like is not None:
        return saved_setup(options.like, options)
    recipe = Recipe(network="", init=Init(), vector="mean,std")
    if layers:
        words = tuple(layers)
    elif options.net is not None:
        words = (options.net,)
    else:
        recipe = RECIPES[options.recipe or "default"]
        words = (recipe.network,)
    return _setup(words, recipe, options)


def _setup(words: tuple[str, ...], recipe: Recipe, options: FeatureOptions) -> Setup:
    texts, reading = _read(words)
    sizes = options.crop or options.resize
    complete = for_pictures(reading, None if sizes == "keep" else sizes)
    notes = (reading.about,) if reading.about else ()
    layers = tuple(name.strip() for name in (options.layers or "").split(",") if name.strip())
    ends = (options.until,) if options.until else layers
    if options.until and layers:
        until(until(complete, ends), layers)  # refuses a layer after the end
    network = until(complete, ends)
    check_runs(network)
    own = words[0] if complete.weights else None
    weights = options.weights or own
    if weights and options.given("init", "seed", "zero_mean", "unit_norm"):
        given = "--weights are given" if options.weights else f"{safe(weights)} holds the weights"
        raise SpecError(f"{given}, not drawn; leave --init and --seed out")
    base = recipe.init if options.init is None else Init(options.init or recipe.init.name)
    init = Init(base.name, options.zero_mean or base.zero_mean, options.unit_norm or base.unit_norm)
    preparation, more = _preparation(network, reading.input, recipe, options)
    return Setup(
        texts,
        network,
        layers,
        init,
        SEED if options.seed is None else options.seed,
        weights,
        preparation,
        read_vector(options.vector or recipe.vector),
        slopes(complete),
        (*notes, *more),
    ).checked()


def _read(words: tuple[str, ...]) -> tuple[tuple[str, ...], Reading]:
    """A network, and words that stand for it without its file: the text of the file, if any."""
    if len(words) == 1 and holds_text(words[0]) and not re.search(r"\.py(:|$)", words[0]):
        text, _ = source_text(words[0])
        if words[0] == "-":
            words = (text + "\n",)
        reading = read_words(words)
        return (text if "\n" in text else text + "\n",), reading
    return words, read_words(words)


def _preparation(
    network: Network, open_shape: OpenShape | None, recipe: Recipe, options: FeatureOptions
) -> tuple[Preparation, tuple[str, ...]]:
    """How pictures are prepared: by the options, else for the input that the network names."""
    resize, crop = options.resize, options.crop
    notes: tuple[str, ...] = ()
    gray = options.gray or recipe.gray
    named = closed_shape(open_shape)
    channels = (open_shape and open_shape[0]) or declared(network) or (1 if gray else CHANNELS)
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
        options.normalize or recipe.normalize,
    ), notes
