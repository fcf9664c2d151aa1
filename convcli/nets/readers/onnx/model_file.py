"""The records of an ONNX file that a network needs, after `onnx.proto` (IR version 3 to 13).

Weights stay where they are: a tensor knows its type, its sizes and where its bytes lie. Field
numbers stand beside the names that `onnx.proto` gives them.
"""

import mmap
import os
from collections.abc import Callable
from math import prod
from struct import unpack_from
from typing import NamedTuple

from convcli.errors import SpecError
from convcli.nets.readers.onnx.protobuf import (
    Value,
    WireError,
    doubles,
    fields,
    floats,
    integers,
    message,
    signed,
    text,
)
from convcli.text import safe

MAX_FILE = 8 << 30
"""Bytes of a file; ONNX itself ends at 2 GiB, and keeps larger weights beside it."""

MAX_NODES = 200_000
MAX_NESTING = 16
"""Graphs within graphs: the branches of If and Loop."""

MAX_VALUES = 1 << 16
"""Numbers of a tensor that are looked at while shapes are worked out: sizes, axes, scales."""

MAX_ELEMENTS = 1 << 40

TYPES: dict[int, tuple[str, int, str]] = {
    # data_type → name, bits of one element, its letter for `struct`
    1: ("float32", 32, "f"),
    2: ("uint8", 8, "B"),
    3: ("int8", 8, "b"),
    4: ("uint16", 16, "H"),
    5: ("int16", 16, "h"),
    6: ("int32", 32, "i"),
    7: ("int64", 64, "q"),
    8: ("string", 0, ""),
    9: ("bool", 8, "?"),
    10: ("float16", 16, "e"),
    11: ("float64", 64, "d"),
    12: ("uint32", 32, "I"),
    13: ("uint64", 64, "Q"),
    14: ("complex64", 64, ""),
    15: ("complex128", 128, ""),
    16: ("bfloat16", 16, ""),
    17: ("float8e4m3fn", 8, ""),
    18: ("float8e4m3fnuz", 8, ""),
    19: ("float8e5m2", 8, ""),
    20: ("float8e5m2fnuz", 8, ""),
    21: ("uint4", 4, ""),
    22: ("int4", 4, ""),
}
"""The element types of `TensorProto.DataType`."""


class External(NamedTuple):
    """Weights in another file: its name as the model has it, and where in it they lie."""

    location: str
    offset: int
    length: int | None


class TensorFile(NamedTuple):
    """A tensor of the file: its sizes, and its numbers, which are read when they are asked for."""

    name: str
    type: str
    shape: tuple[int, ...]
    raw: memoryview | None
    packed: tuple[float, ...] | None
    """Numbers that stand in fields of their own type."""
    external: External | None

    def values(self) -> list[float] | None:
        """The numbers of a small tensor of plain type that lies in the file; else None."""
        count = prod(self.shape)
        if count > MAX_VALUES or self.external is not None:
            return None
        if self.packed is not None:
            return list(self.packed)
        letter = next((one[2] for one in TYPES.values() if one[0] == self.type), "")
        if self.raw is None or not letter:
            return None
        return list(unpack_from(f"<{count}{letter}", self.raw))


AttributeValue = (
    int | float | str | TensorFile | tuple[int, ...] | tuple[float, ...] | tuple[str, ...] | None
)


class NodeFile(NamedTuple):
    """One operator as the file has it; an input "" is left out."""

    operator: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, AttributeValue]
    scopes: tuple[str, ...]
    """The modules it comes from, outermost first, where the exporter wrote them."""


class ValueFile(NamedTuple):
    """An input or output of the graph: a size is a number, a name, or not said (None)."""

    name: str
    type: str
    shape: tuple[int | str | None, ...] | None


class GraphFile(NamedTuple):
    """The graph of a model."""

    nodes: tuple[NodeFile, ...]
    tensors: dict[str, TensorFile]
    inputs: tuple[ValueFile, ...]
    outputs: tuple[ValueFile, ...]


class ModelFile(NamedTuple):
    """A model: its graph, who wrote it, and the version of the operators."""

    graph: GraphFile
    producer: str
    opset: int
    domains: tuple[str, ...]
    functions: dict[tuple[str, str], "FunctionFile"]
    folder: str


class FunctionFile(NamedTuple):
    """An operator that the model itself defines of others."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[NodeFile, ...]


def open_model(path: str) -> ModelFile:
    """The records of a file, which stays mapped while they live. Raises SpecError."""
    try:
        size = os.path.getsize(path)
        if not 0 < size <= MAX_FILE:
            raise SpecError(f"{safe(path)} has {size:,} bytes, which no ONNX file has")
        with open(path, "rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise SpecError(f"{safe(path)}: {error.strerror or error}") from None
    try:
        return read_model(data, os.path.dirname(os.path.abspath(path)))
    except WireError as error:
        raise SpecError(f"{safe(path)} is not an ONNX model: {error}") from None


def read_model(data: memoryview, folder: str = "") -> ModelFile:
    """The records of `ModelProto`. Raises WireError."""
    graph: GraphFile | None = None
    producer, opset, domains, functions = "", 1, [], {}
    for number, value in fields(data):
        if number == 2:  # producer_name
            producer = text(value)
        elif number == 7:  # graph
            graph = _graph(message(value), 0)
        elif number == 8:  # opset_import
            domain, version = "", 1
            for inner, one in fields(message(value)):
                if inner == 1:
                    domain = text(one)
                elif inner == 2 and isinstance(one, int):
                    version = signed(one)
            domains.append(domain)
            if domain in ("", "ai.onnx"):
                opset = version
        elif number == 25:  # functions
            key, made = _function(message(value))
            functions[key] = made
    if graph is None:
        raise WireError("it holds no graph")
    return ModelFile(graph, producer, opset, tuple(domains), functions, folder)


def _graph(data: memoryview, depth: int) -> GraphFile:
    if depth > MAX_NESTING:
        raise WireError(f"graphs are nested more than {MAX_NESTING} deep")
    nodes: list[NodeFile] = []
    tensors: dict[str, TensorFile] = {}
    inputs: list[ValueFile] = []
    outputs: list[ValueFile] = []
    for number, value in fields(data):
        if number == 1:  # node
            if len(nodes) >= MAX_NODES:
                raise WireError(f"more than {MAX_NODES:,} nodes")
            nodes.append(_node(message(value), depth))
        elif number == 5:  # initializer
            tensor = read_tensor(message(value))
            tensors[tensor.name] = tensor
        elif number == 11:  # input
            inputs.append(_value(message(value)))
        elif number == 12:  # output
            outputs.append(_value(message(value)))
        elif number == 15:  # sparse_initializer
            raise WireError("sparse weights are not read")
    return GraphFile(tuple(nodes), tensors, tuple(inputs), tuple(outputs))


def _function(data: memoryview) -> tuple[tuple[str, str], FunctionFile]:
    name = domain = ""
    inputs: list[str] = []
    outputs: list[str] = []
    nodes: list[NodeFile] = []
    for number, value in fields(data):
        if number == 1:
            name = text(value)
        elif number == 4:
            inputs.append(text(value))
        elif number == 5:
            outputs.append(text(value))
        elif number == 7:
            nodes.append(_node(message(value), 0))
        elif number == 10:
            domain = text(value)
    return (domain, name), FunctionFile(tuple(inputs), tuple(outputs), tuple(nodes))


def _node(data: memoryview, depth: int) -> NodeFile:
    inputs: list[str] = []
    outputs: list[str] = []
    attributes: dict[str, AttributeValue] = {}
    name = operator = domain = ""
    scopes: tuple[str, ...] = ()
    for number, value in fields(data):
        if number == 1:
            inputs.append(text(value))
        elif number == 2:
            outputs.append(text(value))
        elif number == 3:
            name = text(value)
        elif number == 4:
            operator = text(value)
        elif number == 5:
            key, held = _attribute(message(value), depth)
            attributes[key] = held
        elif number == 7:
            domain = text(value)
        elif number == 9:  # metadata_props
            scopes = _scopes(message(value)) or scopes
    return NodeFile(operator, domain, name, tuple(inputs), tuple(outputs), attributes, scopes)


def _pair(data: memoryview) -> tuple[str, str]:
    """A `StringStringEntryProto`."""
    key = held = ""
    for number, value in fields(data):
        if number == 1:
            key = text(value)
        elif number == 2:
            held = text(value)
    return key, held


def _scopes(data: memoryview) -> tuple[str, ...]:
    """The names of modules that PyTorch's exporter keeps beside a node: a list as Python text."""
    from ast import literal_eval

    key, held = _pair(data)
    if key != "pkg.torch.onnx.name_scopes":
        return ()
    try:
        names = literal_eval(held) if len(held) < 10_000 else ()
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ()
    if not isinstance(names, list | tuple):
        return ()
    return tuple(name for name in names if isinstance(name, str))


def _attribute(data: memoryview, depth: int) -> tuple[str, AttributeValue]:
    name = ""
    held: AttributeValue = None
    many: list[int] = []
    numbers: list[float] = []
    words: list[str] = []
    for number, value in fields(data):
        if number == 1:
            name = text(value)
        elif number == 2:
            held = floats(value)[0]
        elif number == 3 and isinstance(value, int):
            held = signed(value)
        elif number == 4:
            held = text(value)
        elif number == 5:
            held = read_tensor(message(value))
        elif number == 6:  # a graph: If, Loop and Scan are refused by name
            _graph(message(value), depth + 1)
        elif number == 7:
            numbers += floats(value)
        elif number == 8:
            many += integers(value)
        elif number == 9:
            words.append(text(value))
    if many or numbers or words:
        held = tuple(many) or tuple(numbers) or tuple(words)
    return name, held


def read_tensor(data: memoryview) -> TensorFile:
    """A `TensorProto`; sizes and lengths are checked against each other. Raises WireError."""
    shape: list[int] = []
    kind, name = 0, ""
    raw: memoryview | None = None
    packed: list[float] = []
    outside: dict[str, str] = {}
    elsewhere = False
    small: dict[int, Callable[[Value], list[int] | list[float]]] = {
        4: floats,
        5: integers,
        7: integers,
        10: doubles,
        11: integers,
    }
    waiting: list[tuple[int, Value]] = []
    for number, value in fields(data):
        if number == 1:
            shape += integers(value)
        elif number == 2 and isinstance(value, int):
            kind = value
        elif number in small:
            waiting.append((number, value))
        elif number == 8:
            name = text(value)
        elif number == 9:
            raw = message(value)
        elif number == 13:
            key, held = _pair(message(value))
            outside[key] = held
        elif number == 14:
            elsewhere = value == 1
    if kind not in TYPES:
        raise WireError(f"{safe(name)} has the unknown element type {kind}")
    type_, bits, _ = TYPES[kind]
    sizes = tuple(shape)
    count = prod(sizes)
    if any(size < 0 for size in sizes) or len(sizes) > 64 or count > MAX_ELEMENTS:
        raise WireError(f"{safe(name)} has the sizes {sizes[:8]}, which no tensor has")
    if count <= MAX_VALUES and type_ not in ("float16", "bfloat16"):
        for number, value in waiting:
            packed += small[number](value)
    if elsewhere or outside:
        external = _external(name, outside)
        return TensorFile(name, type_, sizes, None, None, external)
    if raw is not None and bits and len(raw) != -(-count * bits // 8):
        raise WireError(f"{safe(name)} holds {len(raw):,} bytes for {count:,} values of {type_}")
    if raw is None and packed and len(packed) != count:
        raise WireError(f"{safe(name)} holds {len(packed):,} values, not {count:,}")
    return TensorFile(name, type_, sizes, raw, tuple(packed) if packed else None, None)


def _external(name: str, outside: dict[str, str]) -> External:
    location = outside.get("location", "")
    try:
        offset = int(outside.get("offset") or 0)
        length = int(outside["length"]) if outside.get("length") else None
    except ValueError:
        raise WireError(f"{safe(name)} lies at an offset that is no number") from None
    return External(location, offset, length)


def _value(data: memoryview) -> ValueFile:
    """A `ValueInfoProto` of a tensor."""
    name, type_ = "", ""
    shape: tuple[int | str | None, ...] | None = None
    for number, value in fields(data):
        if number == 1:
            name = text(value)
        elif number == 2:
            for inner, tensor in fields(message(value)):
                if inner != 1:  # sequences, maps, optionals
                    continue
                for field, one in fields(message(tensor)):
                    if field == 1 and isinstance(one, int):
                        type_ = TYPES.get(one, ("",))[0]
                    elif field == 2:
                        shape = tuple(
                            _size(message(dim)) for place, dim in fields(message(one)) if place == 1
                        )
    return ValueFile(name, type_, shape)


def _size(data: memoryview) -> int | str | None:
    for number, value in fields(data):
        if number == 1 and isinstance(value, int):
            return signed(value)
        if number == 2:
            return text(value)
    return None
