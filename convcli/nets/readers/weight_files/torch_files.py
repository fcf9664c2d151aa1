"""Checkpoints of PyTorch: an archive with a pickle and storages, or pickles one after another."""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import count

from convcli.errors import SpecError
from convcli.nets.readers.weight_files.pickles import (
    Built,
    Item,
    Machine,
    Named,
    PickleError,
    Reference,
)
from convcli.nets.stored_arrays import TYPES, StoredArray, checked
from convcli.text import safe

MAX_DEPTH = 64
MAX_ARRAYS = 500_000
MAX_VISITS = 300_000

BAD_ZIP = (
    *(zipfile.BadZipFile, zlib.error, struct.error, OSError, NotImplementedError),
    *(RuntimeError, EOFError, ValueError, OverflowError),
)
"""The exceptions that damaged archives raise."""

MAGIC = 0x1950A86A20F9469CFC6C
"""The number that files from before 1.6 begin with, as a pickle."""

ELEMENT_TYPES = {
    "Float": "float32",
    "Double": "float64",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Bool": "bool",
    "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
}
"""Storage classes (`torch.FloatStorage`) without their ending."""

DTYPES = {name: name for name in TYPES} | {
    "float8_e4m3fn": "float8e4m3fn",
    "float8_e5m2": "float8e5m2",
    **{name.lower(): type_ for name, type_ in ELEMENT_TYPES.items()},
}
"""Element types by the names of `torch.dtype`."""

Checkpoint = tuple[dict[str, StoredArray], tuple[str, ...]]
"""The arrays of a checkpoint, and notes on its other content."""


Visits = Iterator[int]
"""Numbers the values that are visited: a value may contain another one many times."""

Storages = Callable[[str], memoryview]
"""The bytes of a storage by its key."""


def read_archive(path: str, data: memoryview) -> Checkpoint:
    """A checkpoint in PyTorch's format since 1.6, a zip archive. Raises SpecError."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {info.filename: info for info in archive.infolist()}
            pickles = [name for name in entries if name.split("/")[-1] == "data.pkl"]
            if not pickles:
                raise SpecError("it is a zip archive without a checkpoint of PyTorch")
            folder = pickles[0].removesuffix("data.pkl")
            order = entries.get(f"{folder}byteorder")
            if order is not None and bytes(_stored_bytes(data, order)[:3]) == b"big":
                raise SpecError(f"{safe(path)} is big-endian, which is not read")
            program = _stored_bytes(data, entries[pickles[0]])
    except SpecError:
        raise
    except BAD_ZIP as error:
        raise SpecError(f"it is not an archive: {safe(str(error))[:100]}") from None

    def storage(key: str) -> memoryview:
        info = entries.get(f"{folder}data/{key}")
        if info is None:
            raise PickleError(f"the storage {safe(key)[:40]} is not in the archive")
        return _stored_bytes(data, info)

    return _checkpoint(Machine(program).run(), storage)


def _stored_bytes(data: memoryview, info: zipfile.ZipInfo) -> memoryview:
    """The bytes of an uncompressed entry, in place."""
    if info.compress_type != zipfile.ZIP_STORED:
        raise PickleError("it is compressed, as PyTorch never writes checkpoints")
    header = data[info.header_offset : info.header_offset + 30]
    if len(header) < 30 or bytes(header[:4]) != b"PK\3\4":
        raise PickleError("an entry of the archive is damaged")
    start = info.header_offset + 30 + int.from_bytes(header[26:28], "little")
    start += int.from_bytes(header[28:30], "little")
    if start + info.file_size > len(data):
        raise PickleError("an entry goes beyond the end of the archive")
    return data[start : start + info.file_size]


def is_legacy(head: bytes) -> bool:
    """Whether a file begins as those from before PyTorch 1.6 do: with their number as a pickle."""
    return head[:1] == b"\x80" and MAGIC.to_bytes(10, "little") in head[:20]


def read_legacy(data: memoryview) -> Checkpoint:
    """A checkpoint from before PyTorch 1.6: five pickles, then the storages. Raises SpecError."""
    at, parts = 0, []
    for _ in range(5):
        machine = Machine(data, at)
        parts.append(machine.run())
        at = machine.end
    value, keys = parts[3], parts[4]
    if not isinstance(keys, list):
        raise PickleError("its list of storages is missing")
    sizes = {str(key): size for key, size in _storage_sizes(value)}
    stored: dict[str, memoryview] = {}
    for key in map(str, keys):
        count = int.from_bytes(data[at : at + 8], "little")
        length = count * sizes.get(key, 0)
        at += 8
        if key not in sizes or length > len(data) - at:
            raise PickleError(f"the storage {safe(key)[:40]} goes beyond the end")
        stored[key] = data[at : at + length]
        at += length

    def storage(key: str) -> memoryview:
        if key not in stored:
            raise PickleError(f"the storage {safe(key)[:40]} is not in the file")
        return stored[key]

    return _checkpoint(value, storage)


def _storage_sizes(value: Item) -> Iterator[tuple[str, int]]:
    """Key and bytes per element of every storage that a value refers to."""
    waiting, done = [value], set[int]()
    while waiting:
        item = waiting.pop()
        if id(item) in done:
            continue
        done.add(id(item))
        if isinstance(item, Reference):
            type_, key, _ = _reference(item)
            yield key, TYPES[type_][0] // 8
        elif isinstance(item, list | tuple):
            waiting += item
        elif isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, Built):
            waiting += [item.arguments, item.state, *item.items.values(), *item.members]


def _reference(item: Reference) -> tuple[str, str, int]:
    """Element type, key and number of elements of a storage."""
    key = item.key
    if not isinstance(key, tuple) or len(key) < 5 or key[0] != "storage":
        raise PickleError("a reference to no storage")
    kind, name, count = key[1], key[2], key[4]
    type_ = (
        ELEMENT_TYPES.get(kind.name.removesuffix("Storage")) if isinstance(kind, Named) else None
    )
    if isinstance(kind, Named) and kind.name == "UntypedStorage":
        type_ = "uint8"
    if type_ is None or not isinstance(count, int) or count < 0:
        raise PickleError("a storage of an unknown type")
    return type_, str(name), count


def _checkpoint(value: Item, storages: Storages) -> Checkpoint:
    """The arrays of a state dict, of one that a checkpoint holds, or of a whole module."""
    notes: list[str] = []
    visits = count(1)
    value = _unwrapped(value)
    if isinstance(value, dict) and not any(_is_tensor(item) for item in value.values()):
        name, inner = _weights_of(value, visits)
        if name:
            others = ", ".join(safe(str(key))[:40] for key in list(value)[:6] if key != name)
            notes.append(f"weights under {safe(name)!r}; other entries: {others or 'nothing'}")
        value = inner
    arrays: dict[str, StoredArray] = {}
    for name, tensor in _tensors(value, "", visits):
        if len(arrays) >= MAX_ARRAYS:
            raise PickleError(f"more than {MAX_ARRAYS:,} tensors")
        arrays[name] = _array(name, tensor, storages)
    if not arrays:
        raise PickleError("it holds no tensors")
    if all(name.startswith("module.") for name in arrays):
        notes.append("the prefix `module.` of DataParallel is left out of names")
        arrays = {
            name.removeprefix("module."): array._replace(name=name.removeprefix("module."))
            for name, array in arrays.items()
        }
    return arrays, tuple(notes)


PREFERRED = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "params")
"""Names under which checkpoints store the weights, in order of precedence."""


def _weights_of(value: dict[Item, Item], visits: Visits) -> tuple[str, Item]:
    """The entry of a checkpoint that holds weights: by its name, else the largest."""
    counts = {str(key): sum(1 for _ in _tensors(item, "", visits)) for key, item in value.items()}
    for name in (*PREFERRED, *sorted(counts, key=lambda key: -counts[key])):
        if counts.get(name):
            return name, next(item for key, item in value.items() if str(key) == name)
    return "", value


def _unwrapped(value: Item) -> Item:
    """An ordered dictionary as a plain one."""
    if isinstance(value, Built) and value.path.endswith(("OrderedDict", "defaultdict")):
        return value.items
    return value


FROM_TYPE = "torch._tensor._rebuild_from_type_v2"
"""A subclass of a tensor: the function that would build it, and its arguments."""

REBUILT = {
    *("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"),
    "torch._utils._rebuild_tensor_v3",
}
WRAPPED = {
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    FROM_TYPE,
}


def _is_tensor(value: Item) -> bool:
    return isinstance(value, Built) and value.path in REBUILT | WRAPPED


def _tensors(
    value: Item, prefix: str, visits: Visits, depth: int = 0
) -> Iterator[tuple[str, Built]]:
    """Tensors by the name that `state_dict()` gives them."""
    if next(visits) > MAX_VISITS or depth > MAX_DEPTH:
        raise PickleError("its values are nested too deep")
    value = _unwrapped(value)
    if isinstance(value, Built) and _is_tensor(value):
        yield prefix, value
        return
    children: Iterator[tuple[Item, Item]] | None = None
    if isinstance(value, Built):
        state = _unwrapped(value.state)
        if isinstance(state, dict) and "_parameters" in state and "_modules" in state:
            yield from _module(state, prefix, visits, depth)
            return
        items = state if isinstance(state, dict) else value.items
        children = iter(items.items())
    elif isinstance(value, dict):
        children = iter(value.items())
    elif isinstance(value, list | tuple):
        children = iter(enumerate(value))
    for key, child in children or ():
        name = _joined(prefix, key)
        yield from _tensors(child, name, visits, depth + 1)


def _joined(prefix: str, key: Item) -> str:
    """The name of the value under a key."""
    name = key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)
    return f"{prefix}.{name}" if prefix else name


def _module(
    state: dict[Item, Item], prefix: str, visits: Visits, depth: int
) -> Iterator[tuple[str, Built]]:
    """The parameters, buffers and modules of a module that was saved as an object."""
    for part in ("_parameters", "_buffers", "_modules"):
        container = _unwrapped(state.get(part))
        for key, child in container.items() if isinstance(container, dict) else ():
            name = _joined(prefix, key)
            yield from _tensors(child, name, visits, depth + 1)


def _array(name: str, tensor: Built, storages: Storages) -> StoredArray:
    """A tensor as a view of its storage. Raises PickleError."""
    arguments = tensor.arguments
    for _ in range(4):
        if tensor.path in REBUILT or not isinstance(arguments, tuple):
            break
        if tensor.path == FROM_TYPE and len(arguments) > 2:
            tensor = Built(arguments[0], arguments[2])
        elif arguments and isinstance(arguments[0], Built):
            tensor = arguments[0]
        arguments = tensor.arguments
    if tensor.path not in REBUILT or not isinstance(arguments, tuple) or len(arguments) < 4:
        raise PickleError(f"{safe(name)[:100]} is not a plain tensor")
    reference, start, shape, strides = arguments[:4]
    if not isinstance(reference, Reference) or not isinstance(start, int):
        raise PickleError(f"{safe(name)[:100]} has no storage")
    type_, key, count = _reference(reference)
    if tensor.path.endswith("_v3") and len(arguments) > 6 and isinstance(arguments[6], Named):
        type_ = DTYPES.get(arguments[6].name, type_)
    data = storages(key)
    if _reference(reference)[0] == type_ and len(data) < count * TYPES[type_][0] // 8:
        raise PickleError(f"the storage {safe(key)[:40]} is shorter than it says")
    return checked(StoredArray(type_, _sizes(shape), data, _sizes(strides), start, name=name))


def _sizes(value: Item) -> tuple[int, ...]:
    if isinstance(value, Built) and value.path == "torch.Size":
        value = value.arguments[0] if isinstance(value.arguments, tuple) else ()
    if not isinstance(value, tuple | list):
        raise PickleError("invalid sizes")
    sizes = tuple(size for size in value if isinstance(size, int))
    if len(sizes) != len(value):
        raise PickleError("invalid sizes")
    return sizes
