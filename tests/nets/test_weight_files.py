"""Checkpoints and safetensors: arrays by name, without their packages, and without running them."""

import json
import os
import pickle
import struct
import sys
import types
import zipfile

import numpy as np
import pytest
from onnx_models import model_of

from convcli.app.shape import ShapeOptions, shape
from convcli.errors import Refusal, SpecError
from convcli.features.extractor import extract_features
from convcli.nets.readers.weight_files.reader import read_arrays
from convcli.runtime.stored import array_of

RNG = np.random.default_rng(3)


class Tensor:
    """A tensor as PyTorch pickles one: a function, a storage, and how it lies there."""

    def __init__(self, storage, start, shape, strides):
        self.parts = (storage, start, shape, strides, False, {})

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.parts


class Storage:
    def __init__(self, key, array):
        self.key, self.array = key, array


class Module:
    """A class of somebody's program, which no reader has."""


def stand_ins():
    """Modules with the names that checkpoints refer to; only the pickler looks at them."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "HalfStorage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2(*parts):
        raise AssertionError("nothing is called")

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = (
        "torch._utils",
        "_rebuild_tensor_v2",
    )
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    return {"torch": torch, "torch._utils": utils}


CLASSES = {"float32": "FloatStorage", "float16": "HalfStorage", "int64": "LongStorage"}


def pickled(value, monkeypatch, protocol=2, legacy=False):
    """The pickle of a value, with storages referred to, and the storages."""
    import io

    storages = {}

    class Pickler(pickle.Pickler):
        def persistent_id(self, item):
            if not isinstance(item, Storage):
                return None
            storages[item.key] = item.array
            kind = getattr(sys.modules["torch"], CLASSES[item.array.dtype.name])
            rest = (None,) if legacy else ()
            return ("storage", kind, item.key, "cpu", item.array.size, *rest)

    with monkeypatch.context() as patch:
        for name, module in stand_ins().items():
            patch.setitem(sys.modules, name, module)
        stream = io.BytesIO()
        Pickler(stream, protocol).dump(value)
    return stream.getvalue(), storages


def whole(key, array):
    strides = tuple(step // array.itemsize for step in array.strides)
    return Tensor(Storage(key, array), 0, array.shape, strides)


def archive(path, value, monkeypatch):
    program, storages = pickled(value, monkeypatch)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("net/data.pkl", program)
        file.writestr("net/byteorder", "little")
        for key, array in storages.items():
            file.writestr(f"net/data/{key}", array.tobytes())
    return str(path)


def test_a_state_dict_gives_its_arrays_where_they_lie(tmp_path, monkeypatch):
    a, b = RNG.standard_normal((4, 3)).astype(np.float32), np.arange(4).astype(np.float16)
    storage = Storage("2", np.arange(20, dtype=np.float32))
    value = {
        "fc.weight": whole("0", a),
        "fc.bias": whole("1", b),
        "turned": Tensor(storage, 2, (3, 2), (1, 6)),
    }
    file = read_arrays(archive(tmp_path / "w.pth", value, monkeypatch))
    assert file.kind == "a PyTorch checkpoint"
    np.testing.assert_array_equal(array_of(file.arrays["fc.weight"]), a)
    np.testing.assert_array_equal(array_of(file.arrays["fc.bias"]), b)
    np.testing.assert_array_equal(array_of(file.arrays["turned"]), [[2, 8], [3, 9], [4, 10]])


def test_a_checkpoint_gives_the_weights_in_it(tmp_path, monkeypatch):
    inner = {"module.a.weight": whole("0", np.ones((2, 2), np.float32))}
    value = {"epoch": 3, "state_dict": inner, "optimizer": {"state": {}}}
    file = read_arrays(archive(tmp_path / "w.ckpt", value, monkeypatch))
    assert list(file.arrays) == ["a.weight"]
    assert "weights under 'state_dict'; other entries: epoch, optimizer" in file.notes


def test_a_whole_module_gives_its_state_dict(tmp_path, monkeypatch):
    child, parent = Module(), Module()
    array = np.ones(3, np.float32)
    child.__dict__ = {"_parameters": {"weight": whole("0", array)}, "_buffers": {}, "_modules": {}}
    parent.__dict__ = {"_parameters": {}, "_buffers": {"mean": None}, "_modules": {"fc": child}}
    file = read_arrays(archive(tmp_path / "w.pt", parent, monkeypatch))
    assert list(file.arrays) == ["fc.weight"]


def test_files_of_before_1_6_are_read(tmp_path, monkeypatch):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    program, _ = pickled({"w": whole("7", array)}, monkeypatch, legacy=True)
    magic = 0x1950A86A20F9469CFC6C
    head = [pickle.dumps(part, 2) for part in (magic, 1001, {"little_endian": True})]
    keys = pickle.dumps(["7"], 2)
    path = tmp_path / "old.pth"
    path.write_bytes(b"".join(head) + program + keys + struct.pack("<q", 6) + array.tobytes())
    file = read_arrays(str(path))
    np.testing.assert_array_equal(array_of(file.arrays["w"]), array)


class Calls:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_pickle_that_calls_something_is_refused_and_calls_nothing(tmp_path, protocol):
    touched = tmp_path / "touched"
    program = pickle.dumps({"w": Calls(os.system, f"touch {touched}")}, protocol)
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as file:
        file.writestr("net/data.pkl", program)
    with pytest.raises(SpecError, match=r"it calls (posix|nt|os).system when it is loaded"):
        read_arrays(str(tmp_path / "w.pth"))
    assert not touched.exists()


def doubled():
    """A list of two of a list of two of …: sixty bytes that stand for 2^60 values."""
    steps = b"".join(b"(h%ch%clq%c" % (n, n, n + 1) for n in range(60))
    return b"\x80\x02]q\x00" + steps + b"."


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (doubled(), "nested too deep"),
        (b"\x80\x02", "ends early"),
        (b"\x80\x02" + b"]" * 99 + b".", "holds no tensors"),
        (b"\x80\x02X\xff\xff\xff\x7fa.", "goes beyond the end"),
        (b"\x80\x02\x8b\xff\xff\xff\xff.", "goes beyond the end"),
        (b"\x80\x63.", "protocols above 5"),
        (b"\x80\x02}.", "holds no tensors"),
    ],
)
def test_a_pickle_that_is_none_is_refused(tmp_path, program, message):
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as file:
        file.writestr("net/data.pkl", program)
    with pytest.raises(SpecError, match=message):
        read_arrays(str(tmp_path / "w.pth"))


def test_a_compressed_pickle_is_refused_before_it_is_unpacked(tmp_path):
    """A file of 200 KB may hold 200 MB of it, or of the word that says the order of bytes."""
    path = tmp_path / "w.pth"
    for compressed in ("data.pkl", "byteorder"):
        with zipfile.ZipFile(path, "w") as file:
            for name in ("data.pkl", "byteorder"):
                kind = zipfile.ZIP_DEFLATED if name == compressed else zipfile.ZIP_STORED
                file.writestr(f"net/{name}", b"little" * 999, kind)
        with pytest.raises(SpecError, match="compressed, as PyTorch never writes"):
            read_arrays(str(path))


@pytest.mark.parametrize(
    ("start", "shape", "strides"),
    [
        (0, (9, 9), (9, 1)),
        (60, (2,), (9,)),
        (-1, (2,), (1,)),
        (0, (2, 2), (-1, 1)),
        (0, (-2,), (1,)),
        (0, (2, 2), (1,)),
    ],
)
def test_tensors_beyond_their_storage_are_refused(tmp_path, monkeypatch, start, shape, strides):
    storage = Storage("0", np.zeros(64, np.float32))
    path = archive(tmp_path / "w.pth", {"w": Tensor(storage, start, shape, strides)}, monkeypatch)
    with pytest.raises(SpecError):
        read_arrays(path)


def safetensors(path, header, body=b""):
    data = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(data)) + data + body)
    return str(path)


def entry(dtype, shape, start, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def test_safetensors_are_read_without_their_package(tmp_path):
    a, b = np.arange(6, dtype=np.float32), np.arange(3).astype(np.float16)
    header = {
        "__metadata__": {"format": "pt"},
        "a": entry("F32", [2, 3], 0, 24),
        "b": entry("F16", [3], 24, 30),
    }
    file = read_arrays(safetensors(tmp_path / "w.safetensors", header, a.tobytes() + b.tobytes()))
    np.testing.assert_array_equal(array_of(file.arrays["a"]), a.reshape(2, 3))
    np.testing.assert_array_equal(array_of(file.arrays["b"]), b)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"a": entry("F32", [4], 0, 16), "b": entry("F32", [4], 8, 24)}, "overlap"),
        ({"a": entry("F32", [4], 0, 99)}, "lies at 0 to 99"),
        ({"a": entry("F32", [1 << 40], 0, 16)}, "needs"),
        ({"a": entry("F32", [-4], 0, 16)}, "invalid sizes"),
        ({"a": entry("F32", [2], 0, 16)}, "holds 16 bytes"),
        ({"a": entry("X9", [2], 0, 8)}, "unknown element type"),
        ({"a": 3}, "is not a tensor"),
        (b'{"a": {}, "a": {}}', "not JSON"),
        (b"{" * 5000, "not JSON"),
    ],
)
def test_headers_that_cannot_be_are_refused(tmp_path, header, message):
    path = safetensors(tmp_path / "w.safetensors", header, bytes(24))
    with pytest.raises(SpecError, match=message):
        read_arrays(path)


def test_shape_lists_the_tensors_of_a_checkpoint_and_their_totals(tmp_path, monkeypatch):
    value = {
        "bn.weight": whole("0", np.ones(4, np.float32)),
        "bn.running_mean": whole("1", np.ones(4, np.float32)),
        "bn.num_batches_tracked": whole("2", np.array(3, np.int64)),
    }
    path = archive(tmp_path / "w.pth", value, monkeypatch)
    record = shape(ShapeOptions(network=(path,))).result.record()
    assert record["totals"] == {"params": 4, "statistics": 5, "bytes": 40}
    assert [one["shape"] for one in record["tensors"]] == [[4], [4], []]
    with pytest.raises(SpecError, match="--input is for a network"):
        shape(ShapeOptions(network=(path,), size=(32,)))


def test_a_checkpoint_runs_the_network_it_was_saved_of(tmp_path, monkeypatch):
    """Its weights by name give what they give in an ONNX file."""
    import onnx

    weight = RNG.standard_normal((4, 3, 3, 3)).astype(np.float32)
    model = model_of(
        [("Conv", ["x", "conv.weight"], ["y"])],
        {"x": [1, 3, 8, 8]},
        {"y": [1, 4, 6, 6]},
        {"conv.weight": weight},
    )
    onnx.save(model, tmp_path / "net.onnx")
    (tmp_path / "net.net").write_text("conv(4, 3, bias=False)\n")
    path = archive(tmp_path / "w.pth", {"conv1.weight": whole("0", weight)}, monkeypatch)
    pixels = RNG.integers(0, 256, (8, 8, 3), np.uint8)
    vectors = [
        extract_features(pixels, str(tmp_path / "net.net"), weights=path, parts="flatten").vector,
        extract_features(pixels, str(tmp_path / "net.onnx"), parts="flatten").vector,
    ]
    np.testing.assert_array_equal(*vectors)


def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"\0" * 40)
    with pytest.raises(Refusal, match="is not a safetensors file, as its name says"):
        shape(ShapeOptions(network=(str(path),)))
