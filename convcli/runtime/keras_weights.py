"""Weights of Keras's files, which are HDF5: read with h5py, laid out as the layers here need.

Keras keeps the arrays of a layer in a fixed order, kernels with their outputs last; here outputs
come first.
"""

import io
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from convcli.arrays import Array
from convcli.errors import Refusal, UnfitError
from convcli.nets.analysis.summary import Row
from convcli.nets.layers import Depthwise, Linear, Separable, slots_of
from convcli.runtime.weights import weight_name
from convcli.text import safe


class Group(Protocol):
    """The part of h5py's groups that is used: names, members and attributes."""

    attrs: Mapping[str, Any]

    def __iter__(self) -> Iterator[str]: ...
    def __getitem__(self, name: str) -> Any: ...
    def __len__(self) -> int: ...


MARK = b"\x89HDF\r\n\x1a\n"
"""The first bytes of an HDF5 file."""

MAX_FILE = 8 << 30


def is_keras_file(path: str) -> bool:
    """Whether a file holds weights of Keras: HDF5, or an archive with such a file in it."""
    try:
        with open(path, "rb") as file:
            if file.read(len(MARK)) == MARK:
                return True
            if not os.path.isfile(path):  # a device has no end, at which an archive begins
                return False
        with zipfile.ZipFile(path) as archive:
            return "model.weights.h5" in archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError):
        return False


def read_keras_weights(path: str, rows: Sequence[Row]) -> dict[str, Array]:
    """The weights of the rows of a network from a file that Keras saved, by name.

    Raises Refusal where h5py is missing or the file cannot be read, UnfitError for weights that are
    missing or of another shape.
    """
    arrays = _arrays(path)
    weights = {}
    for row in rows:
        if row.node.owner or not row.inputs:
            continue
        slots = slots_of(row.node.layer, row.inputs[0])
        if not slots:
            continue
        stored = arrays.get(_layer(row.name, arrays))
        if stored is None or len(stored) < len(slots):
            there = ", ".join(name[:100] for name in list(arrays)[:4]) or "nothing"
            raise UnfitError(
                f"{safe(path)} lacks weights of {row.name}; it holds those of {safe(there)} …"
            )
        for index, (role, slot) in enumerate(slots.items()):
            value = _in_layout(stored[index], row, role, index)
            if value.shape != slot.shape:
                raise UnfitError(
                    f"{safe(path)}: {row.name} has a weight of the shape {stored[index].shape} "
                    f"there, and needs {slot.shape}"
                )
            weights[weight_name(row.name, role)] = value
    return weights


def _layer(name: str, arrays: Mapping[str, object]) -> str:
    """The layer of Keras that a node is part of: `conv2d_98.conv1` is of conv2d_98."""
    parts = name.split(".")
    prefixes = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
    return next((layer for layer in (*prefixes, *reversed(parts)) if layer in arrays), "")


def _in_layout(value: Array, row: Row, role: str, index: int) -> Array:
    """A weight as the layer here has it."""
    value = np.asarray(value, np.float32)
    layer = row.node.layer
    if isinstance(layer, Linear) and role == "weight" and value.ndim == 2:
        return value.T
    if value.ndim <= 2:
        return value
    if layer.type == "prelu":
        return value.reshape(-1)
    last = value.ndim - 1
    spaces = range(last - 1)
    depthwise = isinstance(layer, Depthwise) or (isinstance(layer, Separable) and index == 0)
    if depthwise:
        turned = value.transpose(last - 1, last, *spaces)
        return turned.reshape(-1, 1, *turned.shape[2:])
    return np.ascontiguousarray(value.transpose(last, last - 1, *spaces))


def _arrays(path: str) -> dict[str, list[Array]]:
    """The arrays of every layer, in Keras's order, by the layer's name."""
    try:
        import h5py
    except ImportError:
        raise Refusal(
            f"{safe(path)} needs the package h5py: pip install 'convcli[keras]'"
        ) from None
    try:
        source: io.BytesIO | str = path
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if archive.getinfo("model.weights.h5").file_size > MAX_FILE:
                    raise Refusal(f"{safe(path)} holds more than {MAX_FILE:,} bytes of weights")
                source = io.BytesIO(archive.read("model.weights.h5"))
        with h5py.File(source, "r") as file:
            root = file.get("model_weights", file)
            named = root.attrs.get("layer_names") is not None
            return dict(_legacy(root) if named else _vars(root))
    except Refusal:
        raise
    except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise Refusal(f"{safe(path)} is not a Keras file: {safe(str(error))[:100]}") from None


def _vars(group: Group) -> Iterator[tuple[str, list[Array]]]:
    """Since Keras 3: a group `vars` in that of every layer, with the layer's name."""
    waiting = [group]
    while waiting:
        inner = waiting.pop()
        for key in inner:
            child = inner[key]
            if key == "vars":
                values = [np.asarray(child[str(index)]) for index in range(len(child))]
                name = child.attrs.get("name")
                if values and name is not None:
                    yield _text(name), values
            elif hasattr(child, "attrs") and hasattr(child, "keys"):
                waiting.append(child)


def _legacy(root: Group) -> Iterator[tuple[str, list[Array]]]:
    """Before: a group for every layer, with the names of its arrays; nested models hold many."""
    layers: dict[str, list[Array]] = {}
    for key in root:
        for name in root[key].attrs.get("weight_names", ()):
            path = _text(name)
            parts = path.split("/")
            layer = parts[-2] if len(parts) > 1 else key
            layers.setdefault(layer, []).append(np.asarray(root[key][path]))
    yield from layers.items()


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
