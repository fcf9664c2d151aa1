"""The records of an ONNX file that a network needs, after `onnx.proto` (IR version 3 to 13).

Weights are not copied: a tensor stores its type, its sizes and the location of its bytes. Field
numbers are next to their names in `onnx.proto`.
"""

import mmap
import os
from collections.abc import Mapping
from itertools import chain
from math import prod

from convcli.errors import SpecError
from convcli.nets.readers.onnx.protobuf import (
    Value,
    WireError,
    fields,
    floats,
    integer,
    integers,
    message,
    record,
    signed,
    string,
    text,
)
from convcli.nets.stored_arrays import TYPES, StoredArray, checked
from convcli.records import NamedTuple
from convcli.text import safe

MAX_FILE = 8 << 30
"""Maximum bytes of a file; ONNX itself ends at 2 GiB and stores larger weights externally."""

MAX_NODES = 200_000
MAX_ENDS = 1_000_000
"""Maximum inputs of all nodes of a graph together."""

MAX_NESTING = 16
"""Maximum nesting of graphs: the branches of If and Loop."""

MAX_UNPACKED = 1 << 24
"""Maximum integers of a tensor that are written as varints."""

ELEMENT_TYPES: dict[int, str] = dict(
    enumerate(
        (
            *("float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool"),
            *("float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"),
            *("float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4", "int4"),
        ),
        1,
    )
)
"""The element types of `TensorProto.DataType`."""


AttributeValue = (
    int | float | str | StoredArray | tuple[int, ...] | tuple[float, ...] | tuple[str, ...] | None
)


class NodeFile(NamedTuple):
    """One operator as the file has it; an input "" is omitted."""

    operator: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, AttributeValue]
    scopes: tuple[str, ...]
    """The modules it comes from, outermost first, if the exporter wrote them."""


class ValueFile(NamedTuple):
    """An input or output of the graph: a size is a number, a name, or not said (None)."""

    name: str
    type: str
    shape: tuple[int | str | None, ...] | None


class GraphFile(NamedTuple):
    """The graph of a model."""

    nodes: tuple[NodeFile, ...]
    tensors: dict[str, StoredArray]
    inputs: tuple[ValueFile, ...]
    outputs: tuple[ValueFile, ...]


class ModelFile(NamedTuple):
    """A model: its graph, who wrote it, and the version of the operators."""

    graph: GraphFile
    producer: str
    opset: int


def open_model(path: str) -> ModelFile:
    """The records of a file, which stays mapped as long as they exist. Raises SpecError."""
    try:
        size = os.path.getsize(path)
        if not 0 < size <= MAX_FILE:
            raise SpecError(f"{safe(path)} has {size:,} bytes, which no ONNX file has")
        with open(path, "rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise SpecError(f"{safe(path)}: {error.strerror or error}") from None
    try:
        folder = os.path.dirname(os.path.abspath(path))
        return read_model(memoryview(mapped), ExternalFiles(folder, mapped))
    except WireError as error:
        raise SpecError(f"{safe(path)} is not an ONNX model: {error}") from None


PASSED = 4 << 20
"""Bytes of weights to skip before the pages around them are released."""


class ExternalFiles:
    """The external files of a model, each mapped once, and its own, whose pages are released."""

    def __init__(self, folder: str, model: mmap.mmap | None = None) -> None:
        self._folder = folder
        self._views: dict[str, memoryview | None] = {}
        self._model, self._passed = model, 0

    def pass_over(self, size: int) -> None:
        """Note skipped weights: the system maps large ranges around the bytes that are read."""
        self._passed += size
        if self._model is not None and self._passed > PASSED and hasattr(mmap, "MADV_DONTNEED"):
            self._model.madvise(mmap.MADV_DONTNEED)
            self._passed = 0

    def bytes_of(self, name: str, entries: Mapping[str, str], size: int) -> memoryview | None:
        """The bytes of a tensor by its `external_data`: a file beside the model, and a range in it.

        None if the file is missing. Raises WireError.
        """
        try:
            offset, length = (int(entries.get(key) or 0) for key in ("offset", "length"))
        except ValueError:
            raise WireError(f"{safe(name)} lies at an offset that is not a number") from None
        location = entries.get("location", "")
        if location not in self._views:
            self._views[location] = self._mapped(location)
        view = self._views[location]
        if view is None:
            return None
        end = offset + (length if entries.get("length") else size)
        if offset < 0 or not offset + size <= end <= len(view):
            raise WireError(
                f"{safe(name)} needs the bytes {offset:,} to {offset + size:,} of "
                f"{safe(location)}, which has {len(view):,}"
            )
        return view[offset : offset + size]

    def _mapped(self, location: str) -> memoryview | None:
        parts = location.replace("\\", "/").split("/")
        if os.path.isabs(location) or ".." in parts or ":" in parts[0] or not parts[-1]:
            raise WireError(f"weights outside its folder are not read: {safe(location)}")
        path = self._folder
        for part in parts:
            path = os.path.join(path, part)
            if os.path.islink(path):
                raise WireError(f"weights behind a symbolic link are not read: {safe(location)}")
        if not self._folder or not os.path.isfile(path) or not os.path.getsize(path):
            return None
        try:
            with open(path, "rb") as file:
                return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except OSError as error:
            raise WireError(f"{safe(location)} cannot be read: {error.strerror}") from None


def read_model(data: memoryview, files: ExternalFiles | None = None) -> ModelFile:
    """The records of `ModelProto`. Raises WireError."""
    graph: GraphFile | None = None
    files = files or ExternalFiles("")
    producer, opset = "", 1
    for number, value in fields(data):
        if number == 2:  # producer_name
            producer = text(value)
        elif number == 7:  # graph
            graph = _graph(message(value), files, 0)
        elif number == 8:  # opset_import
            entry = record(message(value))
            if string(entry, 1) in ("", "ai.onnx"):
                opset = signed(integer(entry, 2, 1))
    if graph is None:
        raise WireError("it holds no graph")
    return ModelFile(graph, producer, opset)


def _graph(data: memoryview, files: ExternalFiles, depth: int) -> GraphFile:
    if depth > MAX_NESTING:
        raise WireError(f"graphs are nested more than {MAX_NESTING} deep")
    nodes: list[NodeFile] = []
    ends = 0
    tensors: dict[str, StoredArray] = {}
    inputs: list[ValueFile] = []
    outputs: list[ValueFile] = []
    for number, value in fields(data):
        if number == 1:  # node
            if len(nodes) >= MAX_NODES:
                raise WireError(f"more than {MAX_NODES:,} nodes")
            nodes.append(_node(message(value), files, depth))
            ends += len(nodes[-1].inputs)
            if ends > MAX_ENDS:
                raise WireError(f"its nodes have more than {MAX_ENDS:,} inputs")
        elif number == 5:  # initializer
            tensor = read_tensor(message(value), files)
            tensors[tensor.name] = tensor
        elif number == 11:  # input
            inputs.append(_value(message(value)))
        elif number == 12:  # output
            outputs.append(_value(message(value)))
        elif number == 15:  # sparse_initializer
            raise WireError("sparse weights are not read")
    return GraphFile(tuple(nodes), tensors, tuple(inputs), tuple(outputs))


def _node(data: memoryview, files: ExternalFiles, depth: int) -> NodeFile:
    node = record(data)
    attributes = dict(_attribute(message(value), files, depth) for value in node[5])
    scopes = [names for value in node[9] if (names := _scopes(message(value)))]
    return NodeFile(
        string(node, 4),
        string(node, 7),
        string(node, 3),
        tuple(map(text, node[1])),
        tuple(map(text, node[2])),
        attributes,
        scopes[-1] if scopes else (),
    )


def _pair(data: memoryview) -> tuple[str, str]:
    """A `StringStringEntryProto`."""
    entry = record(data)
    return string(entry, 1), string(entry, 2)


def _scopes(data: memoryview) -> tuple[str, ...]:
    """The names of modules that PyTorch's exporter stores with a node: a list as Python text."""
    from ast import literal_eval

    key, text_value = _pair(data)
    if key != "pkg.torch.onnx.name_scopes":
        return ()
    try:
        names = literal_eval(text_value) if len(text_value) < 10_000 else ()
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ()
    if not isinstance(names, list | tuple):
        return ()
    return tuple(name for name in names if isinstance(name, str))


def _attribute(data: memoryview, files: ExternalFiles, depth: int) -> tuple[str, AttributeValue]:
    attribute: AttributeValue = None
    part = record(data)
    for number, values in part.items():
        if number == 2:
            attribute = floats(values[-1])[0]
        elif number == 3 and isinstance(values[-1], int):
            attribute = signed(values[-1])
        elif number == 4:
            attribute = text(values[-1])
        elif number == 5:
            attribute = read_tensor(message(values[-1]), files)
        elif number == 6:  # a graph: If, Loop and Scan are refused by name
            _graph(message(values[-1]), files, depth + 1)
    whole_numbers = tuple(number for value in part[8] for number in integers(value))
    decimals = tuple(number for value in part[7] for number in floats(value))
    return string(part, 1), whole_numbers or decimals or tuple(map(text, part[9])) or attribute


def read_tensor(data: memoryview, files: ExternalFiles) -> StoredArray:
    """A `TensorProto`; sizes and lengths are checked against each other. Raises WireError."""
    part = record(data)
    shape = [size for value in part[1] for size in integers(value)]
    kind, name = integer(part, 2, 0), string(part, 8)
    raw = message(part[9][-1]) if part[9] else None
    # float_data, int32_data, int64_data, double_data, …
    typed = [value for number in (4, 5, 7, 10, 11) for value in part[number]]
    entries = dict(_pair(message(value)) for value in part[13])
    elsewhere = integer(part, 14, 0) == 1
    if kind not in ELEMENT_TYPES:
        raise WireError(f"{safe(name)} has the unknown element type {kind}")
    tensor = StoredArray(ELEMENT_TYPES[kind], tuple(shape), None, name=name)
    if len(shape) > 64 or any(size < 0 for size in shape):
        raise WireError(f"{safe(name)} has the sizes {tensor.shape[:8]}, which no tensor has")
    size = -(-prod(shape) * TYPES[tensor.type][0] // 8)
    if elsewhere or entries:
        return checked(tensor._replace(data=files.bytes_of(name, entries, size)))
    if raw is not None and tensor.type != "string":
        if len(raw) != size:
            raise WireError(
                f"{safe(name)} holds {len(raw):,} bytes for {prod(shape):,} values of {tensor.type}"
            )
        files.pass_over(size)
        return checked(tensor._replace(data=raw))
    return checked(tensor._replace(data=_typed(tensor, typed)))


def _typed(tensor: StoredArray, values: list[Value]) -> memoryview | tuple[float, ...] | None:
    """The numbers of a typed field: floats as their bytes, integers as numbers."""
    if tensor.type in ("float32", "float64"):
        size = TYPES[tensor.type][0] // 8
        if len(values) == 1 and not isinstance(values[0], int):
            return values[0]
        pieces = (v.to_bytes(size, "little") if isinstance(v, int) else v for v in values)
        return memoryview(b"".join(pieces))
    if tensor.type not in INTEGERS or tensor.elements > MAX_UNPACKED:
        return None
    unpacked = tuple(chain.from_iterable(integers(value) for value in values))
    if tensor.type in ("float16", "bfloat16"):  # their bits
        return memoryview(b"".join((n & 0xFFFF).to_bytes(2, "little") for n in unpacked))
    return unpacked


INTEGERS = {kind for kind in TYPES if "int" in kind} | {"bool", "float16", "bfloat16"}
"""Types whose numbers may be stored as integers."""


def _value(data: memoryview) -> ValueFile:
    """A `ValueInfoProto` of a tensor."""
    value = record(data)
    type_, shape = "", None
    for kind in value[2]:
        for tensor in record(message(kind))[1]:  # others are sequences, maps, optionals
            part = record(message(tensor))
            type_ = ELEMENT_TYPES.get(integer(part, 1, 0), "")
            for sizes in part[2]:
                shape = tuple(_size(message(size)) for size in record(message(sizes))[1])
    return ValueFile(string(value, 1), type_, shape)


def _size(data: memoryview) -> int | str | None:
    for number, value in fields(data):
        if number == 1 and isinstance(value, int):
            return signed(value)
        if number == 2:
            return text(value)
    return None
