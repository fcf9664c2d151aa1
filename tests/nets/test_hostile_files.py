"""Files that were damaged on purpose: read or refused, nothing else."""

import gzip
import random
import re
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_models import model_of
from tflite_models import Flat, tflite

from convcli.errors import Refusal
from convcli.nets.analysis.summary import trace
from convcli.nets.readers.onnx import constants
from convcli.nets.readers.read import read_words

FILES = Path(__file__).parent / "files"
RNG = np.random.default_rng(1)


def onnx_file(path):
    arrays = {
        "a.weight": RNG.standard_normal((4, 3, 3, 3)).astype(np.float32),
        "sizes": np.array([1, -1], np.int64),
        "times": np.array([1, 2, 1, 1], np.int64),
        "fc.weight": RNG.standard_normal((8 * 36, 5)).astype(np.float32),
    }
    nodes = [
        ("Conv", ["x", "a.weight"], ["b"]),
        ("Relu", ["b"], ["c"]),
        ("Tile", ["c", "times"], ["d"]),
        ("Reshape", ["d", "sizes"], ["e"]),
        ("MatMul", ["e", "fc.weight"], ["y"]),
    ]
    onnx.save(model_of(nodes, {"x": [1, 3, 8, 8]}, {"y": [1, 5]}, arrays), path)
    return (3, 8, 8)


def exported(path):
    """Not compressed, so that what is damaged is the graph rather than the archive."""
    with zipfile.ZipFile(FILES / "one.pt2") as file, zipfile.ZipFile(path, "w") as copy:
        for name in file.namelist():
            copy.writestr(name, file.read(name))
    return (3, 32, 32)


def keras_json(path):
    text = gzip.decompress((FILES / "MobileNetV2.json.gz").read_bytes())
    Path(path).write_bytes(text)
    return (3, 224, 224)


def darknet(path):
    Path(path).write_bytes((FILES / "yolov3-tiny.cfg").read_bytes())
    return (3, 416, 416)


MAKERS = {
    "net.cfg": darknet,
    "net.onnx": onnx_file,
    "net.pt2": exported,
    "net.json": keras_json,
    "net.tflite": tflite,
}


def damaged(data, rng):
    """The bytes with some of them changed, dropped, doubled, or replaced by large numbers."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at, kind = rng.randrange(len(data)), rng.randrange(5)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del data[at : at + rng.choice([1, 8, 100])]
        elif kind == 3:
            data[at : at + 8] = rng.choice([b"\xff" * 8, b"\0" * 8, b"\x80" * 8, b"\x7f" * 8])
        else:
            other = rng.randrange(len(data))
            data[at : at + 16] = data[other : other + 16]
        data = data or bytearray(b"x")
    return bytes(data[: rng.randrange(1, len(data) + 1)] if rng.random() < 0.05 else data)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_a_damaged_file_is_read_or_refused(name, tmp_path):
    path = tmp_path / name
    shape = MAKERS[name](str(path))
    whole, rng = path.read_bytes(), random.Random(7)
    refused, count = 0, 250 if len(whole) < 20_000 else 100
    for _ in range(count):
        path.write_bytes(damaged(whole, rng))
        try:
            trace(read_words([str(path)]).network, shape)
        except Refusal:
            refused += 1
    assert 0 < refused < count
    path.write_bytes(whole)
    assert not trace(read_words([str(path)]).network, shape).failures


def shared(inputs=(0,), result=(1,), operators=1, copies=1, sizes=(1, 8, 8, 3)):
    """A TFLite file whose operators, and tensors, are one table that stands there many times."""
    flat = Flat()
    numbers = {"sizes": flat.vector("i", sizes), "inputs": flat.vector("i", inputs)}
    tensor = flat.table(f0=numbers["sizes"], f1=("b", 0), f2=("I", 0), f3=flat.text("t"))
    relu = flat.table(f0=("I", 0), f1=numbers["inputs"], f2=flat.vector("i", result))
    graph = flat.table(
        f0=flat.offsets([tensor, tensor] * copies),
        f1=numbers["inputs"] if operators == 1 else flat.vector("i", [0]),
        f2=flat.vector("i", [1]),
        f3=flat.offsets([relu] * operators),
    )
    leaky = flat.offsets([flat.table(f0=("b", 98), f3=("i", 98))])
    buffers = flat.offsets([flat.table(f0=None)])
    return flat.file(flat.table(f0=("I", 3), f1=leaky, f2=flat.offsets([graph]), f4=buffers))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (shared(), ""),
        (shared([0] * 20_000, operators=5_000), "its tables share their lists more than 8 times"),
        (shared(sizes=[1] * 60, copies=10_000), "its tables share their lists more than 8 times"),
        (shared(sizes=[2] * 65), "which no tensor has"),
        (shared([0] * 1_001), "more than 1,000 inputs or outputs"),
        (shared(result=[1] * 1_001), "more than 1,000 inputs or outputs"),
    ],
)
def test_tables_that_stand_for_very_many_are_refused(data, message, tmp_path):
    """Of 5 MB, 99,000 operators of one list took 5 GB and more than a minute."""
    path = tmp_path / "net.tflite"
    path.write_bytes(data)
    if message:
        with pytest.raises(Refusal, match=message):
            read_words([str(path)])
    else:
        assert not trace(read_words([str(path)]).network, (3, 8, 8)).failures


REFUSED = re.compile(
    "by values that are computed while it runs|numbers would be computed"
    "|more than 10.15 values|the operator Range is not read"
)
BIG = np.array([1 << 62])
MANY = np.array([1 << 18])


@pytest.mark.parametrize(
    "nodes",
    [
        [("Mul", [f"k{i}", f"k{i}"], [f"k{i + 1}"]) for i in range(40)],
        [("Pow", ["k0", "k0"], ["k40"])],
        [("Expand", ["k0", "n"], ["e"]), ("ReduceProd", ["e"], ["k40"])],
        [("Expand", ["z", "n"], ["k0"])]
        + [("Add", [f"k{i}", f"k{i}"], [f"k{i + 1}"]) for i in range(4_000)]
        + [("Identity", ["k4000"], ["k40"])],
        [("Expand", ["z", "n"], ["k0"])]
        + [("Gather", [f"k{i}", "k0"], [f"k{i + 1}"]) for i in range(4_000)]
        + [("Identity", ["k4000"], ["k40"])],
        [("Concat", [f"k{i}", f"k{i}"], [f"k{i + 1}"], {"axis": 0}) for i in range(40)],
        [("Range", ["z", "k0", "one"], ["k40"])],
        [("Tile", ["k0", "k0"], ["k40"])],
    ],
    ids=lambda nodes: nodes[-2][0] if len(nodes) > 1 else nodes[-1][0],
)
def test_numbers_that_grow_are_not_worked_out(nodes, tmp_path, monkeypatch):
    """Each took minutes or gigabytes as a file of a few kilobytes, or would."""
    monkeypatch.setattr(constants, "MAX_COMPUTED", 1 << 19)
    given = {"k0": BIG, "z": np.array([0]), "one": np.array([1]), "n": MANY}
    made = {name for _, _, outputs, *_ in nodes for name in outputs}
    path = tmp_path / "net.onnx"
    onnx.save(
        model_of(
            [*nodes, ("Reshape", ["x", "k40"], ["y"])],
            {"x": [1, 3, 8, 8]},
            {"y": [1]},
            {name: array for name, array in given.items() if name not in made},
        ),
        path,
    )
    (failure,) = trace(read_words([str(path)]).network, (3, 8, 8)).failures
    assert REFUSED.search(failure.text())
