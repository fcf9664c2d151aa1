"""The weights of a network by name, `conv1.weight`: drawn from a seed, or read from a file."""

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.errors import Refusal, UnfitError, counted, safe
from convcli.features.inits import Init, draw, rademacher
from convcli.features.slots import Slot, slots_of
from convcli.nets.figures import bytes_text
from convcli.nets.layers import (
    Activation,
    Conv,
    Depthwise,
    Linear,
    PReLU,
    Separable,
    TransposedConv,
)
from convcli.nets.network import Network
from convcli.nets.summary import Row
from convcli.pictures.memory import available

Array = NDArray[Any]

SLOPES = {"leaky_relu": None, "tanh": 1.0, "sigmoid": 1.0, "softmax": 1.0, "softsign": 1.0} | {
    "abs": 1.0,
    "log_softmax": 1.0,
    "hard_tanh": 1.0,
    "hard_sigmoid": 1.0,
}
"""Slopes below 0 of activations that are not like ReLU, whose slope is 0; leaky ReLU has its own.
|x| keeps the energy of x, as a slope of −1 does."""


def slots(rows: Iterable[Row]) -> dict[str, Slot]:
    """All weights of a network by name, in the order of its nodes; shared ones once.

    >>> from convcli.nets.readers import read_text
    >>> from convcli.nets.summary import summarize
    >>> network = read_text("conv(2, 3); relu; conv(4, 1, bias=False)").network
    >>> rows = summarize(network, (3, 8, 8)).rows
    >>> {name: slot.shape for name, slot in slots(rows).items()}
    {'conv1.weight': (2, 3, 3, 3), 'conv1.bias': (2,), 'conv2.weight': (4, 2, 1, 1)}
    """
    return {
        f"{row.name}.{role}": slot
        for row in rows
        if not row.node.owner
        for role, slot in slots_of(row.node.layer, row.inputs[0]).items()
    }


def weight_bytes(rows: Sequence[Row]) -> int:
    """What the weights take in float32."""
    return 4 * sum(prod(slot.shape) for slot in slots(rows).values())


def drawn(
    rows: Sequence[Row], seed: int, init: Init, slope: Mapping[str, float]
) -> dict[str, Array]:
    """Weights from PCG64(seed), one stream over the rows in order, filters by `init`.

    Biases are 0, the scales of normalisations 1: what frameworks begin with. `slope` are the
    `slopes` of the whole network: a layer's weights are the same however far the rows go.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    weights = {}
    for row in rows:
        if row.node.owner:
            continue
        for role, slot in slots_of(row.node.layer, row.inputs[0]).items():
            weights[f"{row.name}.{role}"] = _one(slot, generator, init, slope[row.name])
    return weights


def _one(slot: Slot, generator: np.random.Generator, init: Init, slope: float) -> Array:
    if slot.fill == "filters":
        return draw(init, generator, slot.shape, slope)
    if slot.fill == "transposed":
        channels, filters, *kernel = slot.shape
        turned = draw(init, generator, (filters, channels, *kernel), slope)
        return np.ascontiguousarray(turned.swapaxes(0, 1))
    if slot.fill == "codes":
        return rademacher(generator, slot.shape, slope)
    return np.full(slot.shape, slot.fill, np.float32)


def slopes(network: Network) -> dict[str, float]:
    """The slope below 0 of the activation that follows each node, before the next weights; else 1.

    >>> from convcli.nets.readers import read_text
    >>> slopes(read_text("conv(2, 3); bn; leaky_relu(0.2); conv(2, 3)").network)["conv1"]
    0.2
    """
    # backwards: what follows a node is known before the node is reached
    following: dict[str, float] = {}
    found: dict[str, float] = {}
    for node in reversed(network.nodes):
        found[node.name] = following.get(node.name, 1.0)
        own = _slope(node.layer)
        passed = found[node.name] if own is None else own
        for name in node.inputs:
            following[name] = passed
    return found


def _slope(layer: Any) -> float | None:
    """What a layer says of the slope behind those before it; None for one that hands it on."""
    if isinstance(layer, PReLU):
        return 0.25
    if isinstance(layer, Activation):
        slope = SLOPES.get(layer.type, 0.0)
        return layer.slope if slope is None else slope
    return 1.0 if isinstance(layer, FILTERED) else None


FILTERED = (Conv, Depthwise, Linear, Separable, TransposedConv)
"""Layers with filters, which end what an activation behind them says of those before."""


def read_weights(path: str, wanted: Mapping[str, Slot]) -> tuple[dict[str, Array], list[str]]:
    """The weights of a network from an .npz or .safetensors file, as float32, checked by shape.

    Gives them with the names of other weights in the file. Raises Refusal for a file that cannot
    be read, UnfitError for weights that are missing or of another shape.
    """
    kind = Safetensors if path.endswith(".safetensors") else Npz
    with _opened(path, "a file of weights"), kind(path) as file:
        held = file.shapes()
        _check(path, held, wanted)
        weights = {name: _finite(path, name, file.read(name)) for name in wanted}
    others = [name for name in held if name not in wanted and name.endswith((".weight", ".bias"))]
    return weights, others


@contextmanager
def _opened(path: str, what: str) -> Iterator[None]:
    """Whatever a file does to its reader becomes a refusal that names it."""
    try:
        yield
    except OSError as error:
        raise Refusal(f"{safe(path)} cannot be read: {error.strerror or error}") from None
    except BAD_ARCHIVE as error:
        if isinstance(error, Refusal):
            raise
        raise Refusal(f"{safe(path)} is not {what}: {safe(error)}") from None


BAD_ARCHIVE = (
    *(zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, NotImplementedError),
    *(RuntimeError, SyntaxError, MemoryError, OverflowError),
)
"""All that damaged archives and headers of arrays make their readers raise."""


def npz_arrays(
    path: str, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Array]:
    """Some arrays of an .npz file by name. Raises Refusal where one that is required is missing."""
    with _opened(path, "an .npz file of arrays"), Npz(path) as file:
        held = file.shapes()
        missing = [name for name in required if name not in held]
        if missing:
            raise Refusal(f"{safe(path)} holds no array called {missing[0]}")
        return {name: file.read(name) for name in (*required, *optional) if name in held}


def _check(path: str, held: Mapping[str, tuple[int, ...]], wanted: Mapping[str, Slot]) -> None:
    missing = [name for name in wanted if name not in held]
    if missing:
        there = ", ".join(list(held)[:4]) or "nothing"
        raise UnfitError(
            f"{safe(path)} lacks {counted(len(missing), 'array')} of the network's "
            f"{len(wanted):,}, {missing[0]} first; it holds {safe(there)}"
            f"{' …' if len(held) > 4 else ''}"
        )
    for name, slot in wanted.items():
        if held[name] != slot.shape:
            raise UnfitError(
                f"{safe(path)}: {name} has the shape {held[name]}; the network needs {slot.shape}"
            )


def _finite(path: str, name: str, values: Array) -> Array:
    if values.dtype.kind not in "fiub":
        raise UnfitError(f"{safe(path)}: {name} holds {values.dtype}, not numbers")
    found = values.astype(np.float32)
    if not np.isfinite(found).all():
        raise UnfitError(f"{safe(path)}: {name} holds values that are not finite in float32")
    return found


class Npz:
    """Arrays of an .npz file, whose shapes are known before any is read."""

    def __init__(self, path: str) -> None:
        if not os.path.isfile(path):
            raise FileNotFoundError(2, os.strerror(2))
        self._path, self._zip = path, zipfile.ZipFile(path)

    def __enter__(self) -> "Npz":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return dict(self._headers())

    def _headers(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        for name in self._zip.namelist():
            if not name.endswith(".npy"):
                continue
            with self._zip.open(name) as stream:
                version = np.lib.format.read_magic(stream)
                reader = READERS.get(version)
                if reader is None:
                    raise ValueError(f"{name} has the format {version}")
                shape, _, dtype = reader(stream)
            if not dtype.hasobject:
                yield name[:-4], shape

    def read(self, name: str) -> Array:
        """An array. Raises Refusal for one that would take more memory than there is."""
        need, have = self._zip.getinfo(f"{name}.npy").file_size, available()
        if need > have:
            raise Refusal(
                f"{safe(self._path)}: {safe(name)} takes {bytes_text(need)} of memory, "
                f"{bytes_text(have)} are there"
            )
        with self._zip.open(f"{name}.npy") as stream:
            values: Array = np.lib.format.read_array(stream, allow_pickle=False)
        return values


READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""Headers of the two versions that arrays of numbers are written in."""


class Safetensors:
    """Arrays of a .safetensors file, where the package of that name is installed."""

    def __init__(self, path: str) -> None:
        try:
            from safetensors import SafetensorError, safe_open
        except ImportError:
            raise Refusal(
                f"{safe(path)} needs the package safetensors: pip install safetensors"
            ) from None
        try:
            self._file = safe_open(path, "np")
            self._names = list(self._file.keys())
        except SafetensorError as error:
            raise ValueError(str(error)) from None

    def __enter__(self) -> "Safetensors":
        self._file.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._file.__exit__(*error)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(self._file.get_slice(name).get_shape()) for name in self._names}

    def read(self, name: str) -> Array:
        values: Array = self._file.get_tensor(name)
        return values
