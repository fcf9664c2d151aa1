"""The settings of a run as JSON in a file, and the Setup that they stand for."""

import os
from collections.abc import Mapping
from json import dumps, loads
from typing import Any

from convcli.errors import SpecError, UnfitError
from convcli.features.aggregations import read_vector
from convcli.features.config import SEED, Setup, for_pictures
from convcli.features.options import FeatureOptions
from convcli.features.preprocess import Preparation
from convcli.nets.readers.read import file_of, read_words
from convcli.runtime.array_files import npz_arrays
from convcli.runtime.executor import check_runs, until
from convcli.runtime.initializers import Init
from convcli.runtime.weights import slopes
from convcli.text import safe

SETTLED = tuple(name for name in FeatureOptions.__annotations__ if name not in ("vector", "like"))
"""Options whose values a file of vectors or a saved run has."""


def saved_setup(path: str, options: FeatureOptions) -> Setup:
    """The setup that a file of vectors or a saved run was made with; vectors may have other parts.

    --net and --weights say where the files of both are. Raises SpecError for any other option,
    Refusal for a file that cannot be read or has no settings.
    """
    for name in options.given(*SETTLED):
        if name not in NAMING:
            raise _clash(name, path)
    text = str(npz_arrays(path, ("settings",))["settings"])
    return setup_of(_with_files(read_settings(text, path), path, options), path, options.vector)


NAMING = ("net", "weights")
"""Options that name a file which a set or a saved run names too."""


def _clash(option: str, path: str) -> SpecError:
    flag = option.replace("_", "-")
    return SpecError(f"--{flag} does not go with settings taken from {safe(path)}")


def _with_files(
    saved: Mapping[str, object], path: str, options: FeatureOptions
) -> dict[str, object]:
    """Settings whose network and weights are files beside `path`, or those that options name.

    A stranger's file could name any other, which is not opened: Raises UnfitError.
    """
    words, weights = saved.get("network"), saved.get("weights")
    sources = [str(word) for word in words] if isinstance(words, list) else []
    more: dict[str, object] = {}
    if any(map(file_of, sources)):
        if len(sources) > 1:
            raise UnfitError(f"{safe(path)} does not hold the settings of a run")
        sources = [options.net or _beside(path, sources[0], file_of(sources[0]) or "", "net")]
        more["network"] = sources
    elif options.net:
        raise _clash("net", path)
    if weights is None:
        if options.weights:
            raise _clash("weights", path)
    elif words == [weights] and not options.weights:
        more["weights"] = sources[0]
    else:
        more["weights"] = options.weights or _beside(path, str(weights), str(weights), "weights")
    return {**saved, **more}


def _beside(path: str, word: str, name: str, option: str) -> str:
    """The word, whose file `name` lies in the folder of `path`. Raises UnfitError for another."""
    folder = os.path.dirname(path)
    own = os.path.realpath(folder or ".")
    for file in (name, os.path.join(folder, name)):
        if os.path.isfile(file) and os.path.dirname(os.path.realpath(file)) == own:
            return file + word[len(name) :]
    raise UnfitError(
        f"{safe(path)} was made with {safe(word)}, which is not beside it and is not opened; add "
        f"--{option} {safe(word)} to open it"
    )


def setup_of(saved: Mapping[str, Any], path: str, parts: str | None = None) -> Setup:
    """The setup of the settings in a file `path`; `parts` are other parts of vectors."""
    try:
        init = Init(**{name: saved[name] for name in Init._fields if name in saved})
        resize, crop, channels = saved["resize"], saved["crop"], saved["channels"]
        how = Preparation(
            bool(saved["gray"]),
            None if channels is None else int(channels),
            tuple(map(int, resize)) if resize else None,
            (int(crop[0]), int(crop[1])) if crop else None,
            str(saved["normalize"]),
        )
        words = tuple(map(str, saved["network"]))
        layers = tuple(map(str, saved["layers"]))
        vector = parts or ",".join(saved.get("vector", ())) or "mean,std"
        seed, last = int(saved.get("seed", SEED)), str(saved["last"])
        weights = str(saved["weights"]) if "weights" in saved else None
    except (KeyError, TypeError, ValueError, IndexError, OverflowError):
        raise UnfitError(f"{safe(path)} does not hold the settings of a run") from None
    reading = read_words(words)
    complete = for_pictures(reading, how.crop or how.resize)
    network = until(complete, (last,))
    until(network, layers)  # refuses a layer that is none
    check_runs(network)
    setup = Setup(
        words, network, layers, init, seed, weights, how, read_vector(vector), slopes(complete)
    )
    try:
        return setup.checked()
    except SpecError as error:
        text = f"{safe(path)} does not hold the settings of a run: {safe(error)}"
        raise UnfitError(text) from None


def read_settings(text: str, path: str) -> dict[str, Any]:
    """Settings as plain values. Raises UnfitError for text that is not an object of JSON."""
    try:
        settings = loads(text)
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        raise UnfitError(f"{safe(path)} does not hold the settings of a run")
    return settings


def same_settings(path: str, text: str, setup: Setup) -> None:
    """Raise UnfitError for vectors with other settings; those without any are taken as they are."""
    if not text:
        return
    saved = read_settings(text, path)
    mine = read_settings(vector_settings(setup), path)
    order = (*setup.settings(), "vector")  # the network first: the others follow from it
    differing = [name for name in order if saved.get(name) != mine[name]]
    if differing:
        name = differing[0]
        raise UnfitError(
            f"{safe(path)} was made with {name} {safe(saved.get(name))!s:.60}, not "
            f"{safe(mine[name])!s:.60}; --like {safe(path)} uses the same"
        )


def vector_settings(setup: Setup) -> str:
    """The settings of vectors as one line of JSON."""
    return dumps({**setup.settings(), "vector": setup.vector}, sort_keys=True)
