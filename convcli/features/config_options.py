"""What a caller asks for → a Setup: the network from its words, what is not said as usual."""

import re
from collections.abc import Sequence

from convcli.errors import SpecError
from convcli.features.aggregations import read_vector
from convcli.features.config import SEED, Choices, Setup, declared, for_pictures
from convcli.features.config_json import saved_setup
from convcli.features.preprocess import Preparation
from convcli.features.presets import RECIPES, Recipe
from convcli.nets.graph import Network, Reading
from convcli.nets.input_size import CHANNELS
from convcli.nets.layers import Shape, size_text
from convcli.nets.readers.read import is_source, read_words, source_text
from convcli.runtime.executor import check_runs, until
from convcli.runtime.initializers import Init
from convcli.runtime.weights import slopes


def read_setup(layers: Sequence[str], choices: Choices) -> Setup:
    """The setup that layers, or else a network, a recipe or a saved run, and other choices mean.

    >>> setup = read_setup(("conv:4,3", "relu"), Choices(seed=7))
    >>> [node.name for node in setup.network.nodes], setup.init.name, setup.vector
    (['conv1', 'relu1'], 'he', ('mean', 'std'))

    Raises SpecError for what cannot be understood or does not go together, UnfitError for layers
    that cannot be run, Refusal for a file that cannot be read.
    """
    given = [name for name in choices.made() if name in ("net", "recipe", "like")]
    if layers and given:
        raise SpecError(f"--{given[0]} does not go with layers: {' '.join(layers)[:60]!r}")
    if len(given) > 1:
        raise SpecError(f"--{given[0]} does not go with --{given[1]}")
    if choices.like is not None:
        return saved_setup(choices.like, choices)
    recipe: Recipe | None = None
    if layers:
        words = tuple(layers)
    elif choices.net is not None:
        words = (choices.net,)
    else:
        recipe = RECIPES[choices.recipe or "default"]
        words = (recipe.network,)
    return _made(words, recipe, choices)


def _made(words: tuple[str, ...], recipe: Recipe | None, choices: Choices) -> Setup:
    texts, reading = _read(words)
    sizes = choices.crop or choices.resize
    whole = for_pictures(reading, None if sizes == "keep" else sizes)
    notes = (reading.about,) if reading.about else ()
    asked = tuple(name.strip() for name in (choices.layers or "").split(",") if name.strip())
    ends = (choices.until,) if choices.until else asked
    if choices.until and asked:
        until(until(whole, ends), asked)  # refuses a layer behind the end
    network = until(whole, ends)
    check_runs(network)
    if choices.weights and {"init", "seed", "zero_mean", "unit_norm"} & set(choices.made()):
        raise SpecError("--weights are given, not drawn; leave --init and --seed out")
    base = recipe.init if recipe else Init()
    init = Init(
        choices.init or base.name,
        choices.zero_mean or (base.zero_mean and choices.init is None),
        choices.unit_norm or (base.unit_norm and choices.init is None),
    )
    preparation, more = _preparation(network, reading.input, recipe, choices)
    setup = Setup(
        texts,
        network,
        asked,
        init,
        SEED if choices.seed is None else choices.seed,
        choices.weights,
        preparation,
        read_vector(choices.vector or (recipe.vector if recipe else "mean,std")),
        slopes(whole),
        (*notes, *more),
    )
    why = setup.wrong()
    if why:
        raise SpecError(why)
    return setup


def _read(words: tuple[str, ...]) -> tuple[tuple[str, ...], Reading]:
    """A network with words that mean it again: a file is replaced by its text where it has one."""
    if len(words) == 1 and is_source(words[0]) and not re.search(r"\.py(:|$)", words[0]):
        text, _ = source_text(words[0])
        if words[0] == "-":
            words = (text + "\n",)
        reading = read_words(words)
        return (text if "\n" in text else text + "\n",), reading
    return words, read_words(words)


def _preparation(
    network: Network, named: Shape | None, recipe: Recipe | None, choices: Choices
) -> tuple[Preparation, tuple[str, ...]]:
    """What the options say; where they do not, the size and channels that the network names."""
    resize, crop = choices.resize, choices.crop
    notes: tuple[str, ...] = ()
    gray = choices.gray or bool(recipe and recipe.gray)
    channels = named[0] if named else declared(network) or (1 if gray else CHANNELS)
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
        choices.normalize or (recipe.normalize if recipe else "unit"),
    ), notes
