"""A network of random filters run on pictures: `extract_features`, and an Extractor for many."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from json import dumps
from operator import index
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from convcli.errors import SpecError, UnfitError
from convcli.features.aggregations import pooled
from convcli.features.config import Setup
from convcli.features.config_options import read_setup
from convcli.features.options import FeatureOptions
from convcli.features.preprocess import Samples, prepared, preparing_bytes
from convcli.features.presets import RECIPES
from convcli.images.image import Limits, picture_of
from convcli.images.io.read import open_picture
from convcli.nets.analysis.summary import Row, summarize
from convcli.nets.graph import INPUT
from convcli.nets.layers import Shape, Slot
from convcli.records import NamedTuple
from convcli.runtime.executor import Step, needed, walk
from convcli.runtime.keras_weights import is_keras_file, read_keras_weights
from convcli.runtime.memory_estimate import Prediction, prediction
from convcli.runtime.stored import arrays_of
from convcli.runtime.weights import drawn, read_weights, slots
from convcli.text import counted, safe

Array = NDArray[np.floating]

RESERVED = (INPUT, "seed", "network", "settings")
"""Names in a saved run that are not those of layers."""

Source = str | os.PathLike[str] | NDArray[np.number]
"""A picture: its path, or its samples as `picture_of` takes them."""

PlainFeatures = tuple[Sequence[float], Sequence[str], Mapping[str, Shape], Sequence[str], str]
"""A vector, names, shapes, notes and memory, in plain values."""


class Features(NamedTuple):
    """The feature maps of one picture, and the vector of them."""

    maps: dict[str, Array]
    """The feature maps of each layer looked at, float32 (channels, height, width), or (values,)."""
    vector: NDArray[np.float32]
    """The chosen parts of each of these layers, one layer after another, (n,)."""
    names: tuple[str, ...]
    """A name for each number of the vector: `relu1.mean.0`."""
    shapes: Mapping[str, Shape]
    """Shapes of the weights, by name: vectors of other weights cannot be compared."""
    notes: tuple[str, ...] = ()
    """Notes on the picture and the weights."""
    memory: str = ""
    """The memory that the run was predicted to take, in words."""

    def __repr__(self) -> str:
        maps = ", ".join(
            f"{name} {'x'.join(map(str, (*array.shape[1:], len(array))))}"
            for name, array in self.maps.items()
        )
        return f"<features of {maps or 'no layer'}; vector of {len(self.vector):,}>"

    def _repr_png_(self) -> bytes | None:
        """The maps as a notebook shows them: what `convcli extract` draws; None without maps."""
        from convcli.drawing.montage import caption, grid, sheet
        from convcli.images.pixel_arrays import png

        panels = [grid(caption(name, "", maps), maps) for name, maps in self.maps.items()]
        return png(sheet(panels).pixels) if panels else None

    def plain(self) -> PlainFeatures:
        """All but the maps, as JSON can hold it."""
        return self.vector.tolist(), self.names, self.shapes, self.notes, self.memory


def features_in(plain: PlainFeatures) -> Features:
    """The features that `plain` is of, without maps."""
    vector, names, shapes, notes, memory = plain
    by_name = {name: tuple(shape) for name, shape in shapes.items()}
    return Features({}, np.array(vector, np.float32), tuple(names), by_name, tuple(notes), memory)


def extract_features(
    picture: Source,
    network: str = "default",
    *,
    seed: int | None = None,
    parts: str | Sequence[str] | None = None,
    layers: str | Sequence[str] = (),
    init: str | None = None,
    zero_mean: bool = False,
    unit_norm: bool = False,
    weights: str | None = None,
    resize: int | tuple[int, int] | Literal["keep"] | None = None,
    crop: int | tuple[int, int] | None = None,
    gray: bool = False,
    normalize: str | None = None,
) -> Features:
    """The feature maps of a picture under layers of random filters, and a vector of them.

    `picture` is a path ("-" is stdin), or an array (height, width) or (height, width, samples) of
    uint8, of uint16, or of floats from 0 to 1. A second or fourth sample is alpha.

    `network` is a recipe (default, digits or texture), a name of the zoo, a .net, .py or .onnx
    file, or layers: `conv(16, 5); relu`, `conv:16,5 relu`. Filters are drawn from PCG64(seed), of
    seed 0 by default, by `init` (one of INITS), or read from `weights` (.npz, .safetensors,
    or a checkpoint of PyTorch); an .onnx file has its own.

    `layers` are the nodes whose maps are returned, by default the last one; the network is run no
    further. `parts` are those of `read_vector`: mean, std, max, ppv, l2, flatten, grid:4x4.

    The picture is made gray, resized (an int: its shorter side), cropped around its center and
    normalized (a name of NORMALIZATIONS, or values). Other defaults are those of the recipe, or of
    `convcli extract`: a network that names its input size gets pictures of that size.

    >>> ramp = np.arange(64, dtype=np.uint8).reshape(8, 8)
    >>> features = extract_features(ramp, "conv(4, 3); relu", seed=7, parts="mean,max", gray=True)
    >>> {name: (maps.shape, maps.dtype.name) for name, maps in features.maps.items()}
    {'relu1': ((4, 6, 6), 'float32')}
    >>> features.vector.shape, features.names[0], features.names[-1]
    ((8,), 'relu1.mean.0', 'relu1.max.3')

    For many pictures, an Extractor draws the weights once. Raises SpecError for text that is not
    understood, UnfitError for what does not fit, PictureError for a file that is not a picture, and
    Refusal, their base, for weights that cannot be read; their texts name the options of `convcli
    extract`, which are called as the arguments are.
    """
    for name, value in (("seed", seed), ("resize", resize), ("crop", crop)):
        numbers = value if isinstance(value, tuple | list) else (value,)
        integers = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in numbers)
        if value not in (None, "keep") and not integers:
            raise SpecError(f"{name} is whole numbers, not {value!r:.40}")
    options = FeatureOptions(
        net=None if network in RECIPES else network,
        recipe=network if network in RECIPES else None,
        init=init,
        zero_mean=zero_mean,
        unit_norm=unit_norm,
        seed=None if weights else seed,
        weights=weights,
        resize=resize if resize is None or resize == "keep" else _sides(resize),
        crop=None if crop is None else (_sides(crop)[0], _sides(crop)[-1]),
        gray=gray,
        normalize=normalize,
        layers=layers if isinstance(layers, str) else ",".join(layers),
        vector=parts if parts is None or isinstance(parts, str) else ",".join(parts),
    )
    return Extractor(read_setup((), options)).features(picture)


def _sides(size: int | tuple[int, ...]) -> tuple[int, ...]:
    return tuple(index(side) for side in np.ravel(size))


class Extractor:
    """A network with its weights, drawn or read once, that is run on many pictures.

    >>> extractor = Extractor(read_setup(("conv:4,3",), FeatureOptions(seed=7, vector="mean")))
    >>> pictures = np.zeros((2, 8, 8, 3), np.uint8)
    >>> np.stack([extractor.features(x, keeps=False).vector for x in pictures]).shape
    (2, 4)
    """

    def __init__(self, setup: Setup, limits: Limits | None = None) -> None:
        self.setup, self.limits = setup, limits
        self.layers = setup.layers or (setup.network.nodes[-1].name,)
        self.weights: dict[str, Array] = {}
        self.slots: dict[str, Slot] = {}
        self._network = setup.network
        self._constants: dict[str, Array] = {}
        """Arrays of a model file that are no layer's weights, which an input's size may change."""
        self._rows: dict[Shape, tuple[Row, ...]] = {}
        self._notes: list[str] = []

    def features(self, picture: Source, keeps: bool = True) -> Features:
        """The features of a picture; without its maps where it `keeps` none.

        Raises UnfitError for a run that needs more memory than there is, for layers that do not
        fit the picture, and for a vector with values beyond float32; PictureError for a file that
        is not a picture.
        """
        self._notes.clear()
        x = self.samples(picture)
        rows = self.rows(x.shape)
        memory = self.memory(x.shape, self.layers if keeps else ()).text
        self.prepare_weights(rows)
        maps, parts = {}, {}
        for step in self.run(rows, x, self.layers):
            layer = step.row.name
            if layer in self.layers:
                parts[layer] = [pooled(step.maps, part) for part in self.setup.vector]
                if keeps:
                    maps[layer] = step.maps
        vector = np.concatenate([numbers for layer in self.layers for numbers in parts[layer]])
        if not np.isfinite(vector).all():
            raise UnfitError(
                f"{called(picture)}: the vector holds values beyond float32; take an --init that "
                "keeps the scale, such as he, or --unit-norm"
            )
        names = tuple(
            f"{layer}.{part}.{index}"
            for layer in self.layers
            for part, numbers in zip(self.setup.vector, parts[layer], strict=True)
            for index in range(len(numbers))
        )
        shapes = {name: slot.shape for name, slot in self.slots.items()}
        return Features(maps, vector, names, shapes, self.notes(), memory)

    def samples(self, picture: Source) -> Samples:
        """The samples of a picture as the network takes them, float32 (channels, height, width)."""
        how = self.setup.preparation
        if isinstance(picture, str | os.PathLike):
            needs = partial(preparing_bytes, how=how)
            read = open_picture(os.fspath(picture), limits=self.limits, needs=needs)
        else:
            read = picture_of(np.asarray(picture))
        self._notes += [f"{called(picture)}: {text}" for text in read.notes]
        try:
            return prepared(read, how)
        except UnfitError as misfit:
            raise UnfitError(f"{called(picture)}: {misfit}") from None

    def rows(self, shape: Shape) -> tuple[Row, ...]:
        """The rows of the network for an input of this shape."""
        self._network = self.setup.network.at(shape)
        if shape not in self._rows:
            self._rows[shape] = summarize(self._network, shape).rows
        return self._rows[shape]

    def memory(
        self, shape: Shape, kept: Collection[str] = (), retained: int = 0, preparing: int = 0
    ) -> Prediction:
        """The memory that a run takes at most, in words, where the maps of nodes are `kept`.

        `retained` are bytes that the caller keeps, `preparing` those that reading the picture
        takes. Raises UnfitError for a run beyond the limits.
        """
        rows = self.rows(shape)
        return prediction(rows, shape, self.setup.init, kept, retained, self.limits, preparing)

    def prepare_weights(self, rows: Sequence[Row]) -> None:
        """Draw or read the weights, unless the present ones fit."""
        needed_slots, setup = slots(rows), self.setup
        stored = self._network.weights
        self._constants = arrays_of(stored, [row.name for row in rows if not row.inputs])
        if self.slots == needed_slots:
            return
        self.weights = {}  # freed before others are drawn
        if stored and setup.weights == setup.words[0]:
            self.weights = arrays_of(stored, needed_slots)
        elif setup.weights is not None and is_keras_file(setup.weights):
            self.weights = read_keras_weights(setup.weights, rows)
        elif setup.weights is not None:
            self.weights, others = read_weights(setup.weights, needed_slots)
            if others and not self.slots:
                some = ", ".join(safe(name) for name in others[:3])
                self._notes.append(f"{counted(len(others), 'other array')} left unread: {some} …")
        else:
            self.weights = drawn(rows, setup.seed, setup.init, setup.slopes)
        self.slots = needed_slots

    def run(self, rows: Sequence[Row], x: Samples, names: Sequence[str] = ()) -> Iterator[Step]:
        """Run the rows that the named nodes need, with a step of each of these; or all rows."""
        weights = {**self.weights, **self._constants}
        return walk(needed(rows, names), x, weights, names or None)

    def arrays(self, x: Samples, maps: Mapping[str, Array]) -> dict[str, Array]:
        """All of a run by name: `input`, each node's maps, `NODE.weight`, and RESERVED ones."""
        setup = self.setup
        return {
            INPUT: x,
            **maps,
            **self.weights,
            "seed": np.array(-1 if setup.weights else setup.seed),
            "network": np.array("\n".join(setup.words)),
            "settings": np.array(dumps(setup.settings(), sort_keys=True)),
        }

    def notes(self) -> tuple[str, ...]:
        """The notes since this was last called."""
        notes = tuple(self._notes)
        self._notes.clear()
        return notes


def called(picture: Source) -> str:
    """What a picture is called in messages."""
    return safe(os.fspath(picture)) if isinstance(picture, str | os.PathLike) else "the array"
