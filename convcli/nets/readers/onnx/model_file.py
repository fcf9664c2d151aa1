"""The records of an ONNX file that a network needs, after `onnx.proto` (IR version 3 to 13).

Weights are not copied: a tensor stores its type, its sizes and the location of its bytes. Field
numbers are next to their names in `onnx.proto`.
"""

import mmap
import os
from itertools import chain
from math import prod

from convcli.errors import SpecError
from convcli.nets.readers.onnx.external_data import ExternalFiles, external
from convcli.nets.readers.onnx.protobuf import (
    Value,
    WireError,
    fields,
    floats,
    integers,
    message,
    signed,
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

ELEMENT_TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "string",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    16: "bfloat16",
    17: "float8e4m3fn",
    18: "float8e4m3fnuz",
    19: "float8e5m2",
    20: "float8e5m2fnuz",
    21: "uint4",
    22: "int4",
}
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
    domains: tuple[str, ...]
    functions: dict[tuple[str, str], "FunctionFile"]


class FunctionFile(NamedTuple):
    """An operator that the model itself defines in terms of others."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[NodeFile, ...]


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


def read_model(data: memoryview, files: ExternalFiles | None = None) -> ModelFile:
    """The records of `ModelProto`. Raises WireError."""
    graph: GraphFile | None = None
    files = files or ExternalFiles("")
    producer, opset, domains, functions = "", 1, [], {}
    for number, value in fields(data):
        if number == 2:  # producer_name
            producer = text(value)
        elif number == 7:  # graph
            graph = _graph(message(value), files, 0)
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
            key, function = _function(message(value), files)
            functions[key] = function
    if graph is None:
        raise WireError("it holds no graph")
    return ModelFile(graph, producer, opset, tuple(domains), functions)


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


def _function(data: memoryview, files: ExternalFiles) -> tuple[tuple[str, str], FunctionFile]:
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
            nodes.append(_node(message(value), files, 0))
        elif number == 10:
            domain = text(value)
    return (domain, name), FunctionFile(tuple(inputs), tuple(outputs), tuple(nodes))


def _node(data: memoryview, files: ExternalFiles, depth: int) -> NodeFile:
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
            key, attribute = _attribute(message(value), files, depth)
            attributes[key] = attribute
        elif number == 7:
            domain = text(value)
        elif number == 9:  # metadata_props
            scopes = _scopes(message(value)) or scopes
    return NodeFile(operator, domain, name, tuple(inputs), tuple(outputs), attributes, scopes)


def _pair(data: memoryview) -> tuple[str, str]:
    """A `StringStringEntryProto`."""
    key = text_value = ""
    for number, value in fields(data):
        if number == 1:
            key = text(value)
        elif number == 2:
            text_value = text(value)
    return key, text_value


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
    name = ""
    attribute: AttributeValue = None
    many: list[int] = []
    numbers: list[float] = []
    words: list[str] = []
    for number, value in fields(data):
        if number == 1:
            name = text(value)
        elif number == 2:
            attribute = floats(value)[0]
        elif number == 3 and isinstance(value, int):
            attribute = signed(value)
        elif number == 4:
            attribute = text(value)
        elif number == 5:
            attribute = read_tensor(message(value), files)
        elif number == 6:  # a graph: If, Loop and Scan are refused by name
            _graph(message(value), files, depth + 1)
        elif number == 7:
            numbers += floats(value)
        elif number == 8:
            many += integers(value)
        elif number == 9:
            words.append(text(value))
    if many or numbers or words:
        attribute = tuple(many) or tuple(numbers) or tuple(words)
    return name, attribute


def read_tensor(data: memoryview, files: ExternalFiles) -> StoredArray:
    """A `TensorProto`; sizes and lengths are checked against each other. Raises WireError."""
    shape: list[int] = []
    kind, name = 0, ""
    raw: memoryview | None = None
    typed: list[Value] = []
    entries: dict[str, str] = {}
    elsewhere = False
    for number, value in fields(data):
        if number == 1:
            shape += integers(value)
        elif number == 2 and isinstance(value, int):
            kind = value
        elif number in (4, 5, 7, 10, 11):  # float_data, int32_data, int64_data, double_data, …
            typed.append(value)
        elif number == 8:
            name = text(value)
        elif number == 9:
            raw = message(value)
        elif number == 13:
            key, text_value = _pair(message(value))
            entries[key] = text_value
        elif number == 14:
            elsewhere = value == 1
    if kind not in ELEMENT_TYPES:
        raise WireError(f"{safe(name)} has the unknown element type {kind}")
    tensor = StoredArray(ELEMENT_TYPES[kind], tuple(shape), None, name=name)
    if len(shape) > 64 or any(size < 0 for size in shape):
        raise WireError(f"{safe(name)} has the sizes {tensor.shape[:8]}, which no tensor has")
    size = -(-prod(shape) * TYPES[tensor.type][0] // 8)
    if elsewhere or entries:
        return checked(tensor._replace(data=files.bytes_of(name, external(name, entries), size)))
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
                        type_ = ELEMENT_TYPES.get(one, "")
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
